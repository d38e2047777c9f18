"""Edits that another server made: taken whole and exactly, or not at all."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.editor.language_answers import Files
from roo_lsp.lsp.editor.positions import offset_to_position
from roo_lsp.lsp.editor.workspace_edit import EditedFile, edited_files, versions_of
from tests.support.editor import apply_edits

URI = "file:///w/a.py"


def at(line: int, start: int, end: int, new: str, **more: Any) -> dict[str, Any]:
    place = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
    return {"range": place, "newText": new} | more


def read(
    answer: Any, encoding: str = "utf-16", documents: Documents | None = None
) -> list[EditedFile]:
    documents = documents or Documents()
    versions = versions_of(documents)
    return list(edited_files(answer, documents, versions, Files((Path("/w"),)), encoding))


def applied(text: str, *edits: Any, encoding: str = "utf-16") -> str:
    [file] = read({"changes": {URI: list(edits)}}, encoding)
    return file.applied(text)


def refused(answer: Any, text: str = "") -> str:
    with pytest.raises(ToolError) as caught:
        _ = [file.applied(text) for file in read(answer)]
    assert caught.value.text.startswith("Nothing was changed: ")
    return caught.value.text


@pytest.mark.parametrize(
    ("encoding", "start"), [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)], ids=str
)
def test_columns_are_those_of_the_encoding(encoding: str, start: int) -> None:
    text = "\t\N{GRINNING FACE}é name\n"
    start += {"utf-8": 1, "utf-16": 1, "utf-32": 1}[encoding]
    assert applied(text, at(0, start, start + 4, "x"), encoding=encoding) == (
        "\t\N{GRINNING FACE}é x\n"
    )


@pytest.mark.parametrize(
    ("text", "edits", "after"),
    [
        ("a b\n", [at(0, 2, 3, "y"), at(0, 0, 1, "x")], "x y\n"),
        ("ab", [at(0, 1, 1, "1"), at(0, 1, 1, "2")], "a12b"),
        ("a\n", [at(1, 0, 0, "end\n")], "a\nend\n"),
        ("", [at(0, 0, 0, "new")], "new"),
        ("a\r\nb\r\n", [at(1, 0, 1, "x\ny")], "a\r\nx\r\ny\r\n"),
        ("a\fb\n", [at(0, 2, 3, "x")], "a\fx\n"),
        ("a b", [at(0, 0, 1, "x", annotationId="why")], "x b"),
    ],
)
def test_edits_are_made_as_lsp_says(text: str, edits: list[Any], after: str) -> None:
    assert applied(text, *edits) == after


def test_several_edits_of_a_document_follow_each_other() -> None:
    answer = {
        "documentChanges": [
            {"textDocument": {"uri": URI, "version": None}, "edits": [at(0, 0, 1, "long ")]},
            {"textDocument": {"uri": URI}, "edits": [at(0, 5, 6, "x")]},
        ],
        "changes": {"file:///w/other.py": [at(0, 0, 0, "not this one")]},
    }
    [file] = read(answer)
    assert file.applied("ab") == "long x"


@pytest.mark.parametrize(
    "edits",
    [
        [at(0, 0, 3, "x"), at(0, 2, 4, "y")],
        [at(0, 3, 1, "x")],
        [at(0, 0, 3, "x"), at(0, 0, 3, "x")],
    ],
    ids=["overlapping", "turned round", "twice"],
)
def test_edits_that_do_not_fit_each_other_are_refused(edits: list[Any]) -> None:
    assert "overlap" in refused({"changes": {URI: edits}}, "abcdef")


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("abc\n", at(0, 2, 4, "x")),
        ("abc\n", at(0, 4, 4, "x")),
        ("abc\n", at(2, 0, 0, "x")),
        ("abc", at(1, 0, 0, "x")),
        ("\N{GRINNING FACE}", at(0, 1, 2, "x")),
    ],
    ids=["beyond the line", "behind its end", "beyond the text", "no last line", "in a character"],
)
def test_positions_that_are_not_there_are_refused(text: str, edit: Any) -> None:
    assert "no position" in refused({"changes": {URI: [edit]}}, text)


@pytest.mark.parametrize(
    "operation",
    [
        {"kind": "rename", "oldUri": URI, "newUri": "file:///w/b.py"},
        {"kind": "create", "uri": URI},
        {"kind": "delete", "uri": URI},
        {"kind": "\x1b[31mnew"},
    ],
)
def test_what_makes_or_moves_files_is_refused_in_words(operation: Any) -> None:
    told = refused({"documentChanges": [operation]})
    assert "this tool does not do" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("uri", ["jdt://x", "untitled:\x1b1", "https://host/a"])
def test_what_is_no_file_is_refused(uri: str) -> None:
    told = refused({"changes": {uri: [at(0, 0, 0, "x")], URI: []}})
    assert "which is no file" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    "answer",
    [
        5,
        "x",
        [],
        {"changes": {URI: [at(-1, 0, 0, "x")]}},
        {"changes": {URI: [at(0, 0, 2**40, "x")]}},
        {"changes": {URI: [at(0, 0, 0, "x"), {"newText": "y"}]}},
        {"changes": {URI: [{"range": at(0, 0, 0, "")["range"], "snippet": {"value": "$1"}}]}},
        {"documentChanges": 5},
        {"documentChanges": [{"textDocument": {"uri": URI, "version": "x"}, "edits": []}]},
        {"documentChanges": [5]},
    ],
)
def test_where_one_part_makes_no_sense_none_of_it_does(answer: Any) -> None:
    with pytest.raises(ToolError, match="makes no sense"):
        read(answer)


def test_an_edit_of_nothing_is_no_file() -> None:
    assert read({}) == []
    assert read({"changes": []}) == []  # as Lua writes an empty table
    assert read({"documentChanges": []}) == []


def test_too_much_is_refused() -> None:
    many = {f"file:///w/{number}.py": [at(0, 0, 0, "x")] for number in range(501)}
    assert "more than" in refused({"changes": many})
    assert "more than" in refused({"changes": {URI: [at(0, 0, 0, "x")] * 20_001}})


def test_one_file_by_two_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x", "utf-8")
    (tmp_path / "b.py").symlink_to(tmp_path / "a.py")
    uris = [(tmp_path / name).as_uri() for name in ("a.py", "b.py")]
    assert "two names" in refused({"changes": {uri: [at(0, 0, 1, "y")] for uri in uris}}, "x")


@pytest.mark.parametrize(
    ("made_for", "when_asked"),
    [(3, 4), (5, 4), (4, 3), (None, 3)],
    ids=["older", "newer", "typed meanwhile", "typed meanwhile, no version told"],
)
def test_edits_for_another_text_are_refused(made_for: int | None, when_asked: int) -> None:
    documents = Documents()
    documents.opened(URI, "abc", when_asked, "python")
    versions = versions_of(documents)
    documents.changed(URI, "abc", 4)
    place = {"uri": URI, "version": made_for}
    answer = {"documentChanges": [{"textDocument": place, "edits": [at(0, 0, 1, "x")]}]}
    with pytest.raises(Changed):
        edited_files(answer, documents, versions, Files(()), "utf-16")


def test_what_is_typed_before_the_edits_are_made_undoes_them() -> None:
    documents = Documents()
    documents.opened(URI, "abc", 1, "python")
    [file] = read({"changes": {URI: [at(0, 0, 1, "x")]}}, documents=documents)
    assert file.applied("abc") == "xbc"
    documents.changed(URI, "abcd", 2)
    with pytest.raises(Changed):
        file.applied("abc")


@given(
    st.text(st.sampled_from("ab\t\né\N{GRINNING FACE}"), max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.text("xy", max_size=2)), max_size=6),
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
)
def test_edits_come_out_as_an_editor_makes_them(
    text: str, cuts: list[tuple[int, str]], encoding: str
) -> None:
    offsets = sorted({min(at, len(text)) for at, _ in cuts})
    spans = list(zip(offsets[::2], offsets[1::2], [new for _, new in cuts], strict=False))
    edits = [
        types.TextEdit(
            types.Range(
                offset_to_position(text, start, encoding), offset_to_position(text, end, encoding)
            ),
            new,
        )
        for start, end, new in spans
    ]
    plain = [
        {
            "range": {
                "start": {"line": e.range.start.line, "character": e.range.start.character},
                "end": {"line": e.range.end.line, "character": e.range.end.character},
            },
            "newText": e.new_text,
        }
        for e in edits
    ]
    assert applied(text, *plain, encoding=encoding) == apply_edits(text, list(edits), encoding)
