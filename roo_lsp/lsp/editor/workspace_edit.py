"""A `WorkspaceEdit` that somebody else made, read as strictly as what changes files has to be.

Nothing of it is left out or bent into place: where any part is not understood or does not fit, none of
it is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lsprotocol import types
from pydantic import BaseModel, TypeAdapter, ValidationError

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.lsp.editor.documents import Document, Documents
from roo_lsp.lsp.editor.language_answers import Files, Number, Position, Range, no_sense
from roo_lsp.lsp.editor.positions import offset_to_position, position_to_offset
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.problems import bounded

MAX_FILES = 500
MAX_EDITS = 20_000
"""More than this, nobody looks through."""
NAME_LENGTH = 200


class TextEdit(BaseModel):
    """LSP's, annotated or not."""

    range: Range
    newText: str  # noqa: N815 -- as LSP spells it


class _Document(BaseModel):
    uri: str
    version: Number | None = None


class _DocumentEdit(BaseModel):
    textDocument: _Document  # noqa: N815 -- as LSP spells it
    edits: list[TextEdit]


_DOCUMENT_EDITS = TypeAdapter(list[_DocumentEdit])
_CHANGES = TypeAdapter(dict[str, list[TextEdit]])


@dataclass(frozen=True, slots=True)
class EditedFile:
    """`FileEdits` as a client gave them."""

    path: Path
    steps: tuple[tuple[TextEdit, ...], ...]
    """Each is made on what the one before it left."""
    encoding: str
    document: Document | None
    version: int | None
    """The document's, for which the edits were made."""

    def applied(self, text: str) -> str:
        if self.document is not None and self.document.version != self.version:
            raise _changed(self.path)
        for edits in self.steps:
            text = _applied(text, edits, self.encoding, self.path.name)
        return text


def versions_of(documents: Documents) -> Mapping[Document, int | None]:
    """Which text each document has now."""
    return {each: each.version for each in documents}


def edited_files(
    answer: object,
    documents: Documents,
    versions: Mapping[Document, int | None],
    files: Files,
    encoding: str,
) -> Sequence[EditedFile]:
    """What the edit does to each file; `versions` were those when it was asked for.

    Raises:
        Changed: it was made for a text that is not there any more.
        ToolError: it makes no sense, or does more than to change texts of files.
    """
    steps: dict[str, list[_DocumentEdit]] = {}
    for each in _read(answer):
        steps.setdefault(each.textDocument.uri, []).append(each)
    found: dict[Path, EditedFile] = {}
    for uri, edits in steps.items():
        if (path := files.path(uri)) is None:
            where = label(bounded(uri, NAME_LENGTH))
            raise ToolError(f"Nothing was changed: it would also change {where}, which is no file.")
        real = real_path(path)
        if real in found:
            raise ToolError(f"Nothing was changed: {path.name} has two names in the answer.")
        document = documents.get(path)
        version = _version(document, versions, edits, path)
        parts = tuple(tuple(each.edits) for each in edits)
        found[real] = EditedFile(path, parts, encoding, document, version)
    if len(found) > MAX_FILES or sum(len(e.edits) for s in steps.values() for e in s) > MAX_EDITS:
        raise ToolError(
            f"Nothing was changed: that would be more than {MAX_FILES} files or {MAX_EDITS} places."
        )
    return list(found.values())


def _version(
    document: Document | None,
    versions: Mapping[Document, int | None],
    edits: Sequence[_DocumentEdit],
    path: Path,
) -> int | None:
    if document is None:
        return None
    made_for = {each.textDocument.version for each in edits} - {None}
    if made_for - {document.version} or document.version != versions.get(
        document, document.version
    ):
        raise _changed(path)
    return document.version


def _read(answer: object) -> list[_DocumentEdit]:
    given = object_or_empty(answer)
    changes = given.get("documentChanges")
    if isinstance(changes, list):
        for each in cast("list[object]", changes):
            if (kind := object_or_empty(each).get("kind")) is not None:
                what = f"{kind} a file" if kind in {"create", "rename", "delete"} else "do more"
                raise ToolError(
                    f"Nothing was changed: the language server would also {what}, which this tool "
                    "does not do. Make the change with the tools for editing files."
                )
    try:
        if changes is not None:
            return _DOCUMENT_EDITS.validate_python(changes)
        if given.get("changes") is None and not isinstance(answer, dict):
            raise no_sense()
        return [
            _DocumentEdit(textDocument=_Document(uri=uri), edits=edits)
            for uri, edits in _CHANGES.validate_python(given.get("changes") or {}).items()
        ]
    except ValidationError:
        raise no_sense() from None


def _changed(path: Path) -> Changed:
    return Changed(
        f"{path.name} changed while the language server was asked; nothing was changed. Try again."
    )


# --- making the edits -----------------------------------------------------------------------


def _applied(text: str, edits: Sequence[TextEdit], encoding: str, name: str) -> str:
    lines = _Lines(text, encoding, name)
    feed = "\r\n" if "\r\n" in text else "\n"
    spans = [(lines.offset(e.range.start), lines.offset(e.range.end), e.newText) for e in edits]
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(spans, key=lambda span: span[:2]):
        if start < at or end < start:
            raise ToolError(f"Nothing was changed: the edits of {name} overlap.")
        parts += [text[at:start], new if feed == "\n" else feed.join(_split(new))]
        at = end
    return "".join([*parts, text[at:]])


def _split(text: str) -> list[str]:
    return text.replace("\r\n", "\n").split("\n")


class _Lines:
    """The lines of a text, to find positions in."""

    def __init__(self, text: str, encoding: str, name: str) -> None:
        self.lines = split_lines(text)
        if not self.lines or self.lines[-1].endswith(("\n", "\r")):
            self.lines.append("")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.encoding, self.name = encoding, name

    def offset(self, position: Position) -> int:
        """The code point at a position that is there.

        Raises:
            ToolError: it is not.
        """
        if position.line < len(self.lines):
            line = [self.lines[position.line]]
            wanted = types.Position(0, position.character)
            column = position_to_offset(line, wanted, self.encoding)
            if offset_to_position(line, column, self.encoding) == wanted:
                return self.starts[position.line] + column
        raise ToolError(
            f"Nothing was changed: line {position.line + 1} of {self.name} has no position "
            f"{position.character}. The language server has seen another text than is there."
        )
