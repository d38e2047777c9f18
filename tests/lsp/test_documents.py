"""The editor's open documents, as its notifications leave them."""

from pathlib import Path

from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.workspace.uris import uri_of


def test_an_older_text_that_comes_later_is_none(tmp_path: Path) -> None:
    """Helix 25.01 sends quick changes in any order."""
    documents = Documents()
    told: list[str] = []
    uri = uri_of(tmp_path / "a.md")
    documents.opened(uri, "", 0, "markdown")
    documents.watch(lambda document, what: told.append(f"{what} {document.text}"))
    for version in (1, 4, 2, 3):
        documents.changed(uri, "word"[:version], version)
    assert told == ["changed w", "changed word"]
    documents.opened(uri, "", 0, "markdown")
    documents.changed(uri, "anew", 1)
    documents.changed(uri, "same", 1)
    documents.changed(uri, "none", None)
    assert told[2:] == ["opened ", "changed anew", "changed same", "changed none"]
