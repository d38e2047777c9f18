"""What clients pass on from other language servers, read: places, hovers and symbols.

None of it is trusted: what has another shape is left out, what is too much is counted. Where nothing
is left of an answer that was not empty, it makes no sense, and that is no "nothing".
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar, cast

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Place, Places, Symbol, Symbols
from roo_lsp.workspace.uris import path_of

MAX_PLACES = 5_000
"""Places of one answer that are looked at."""
MAX_SYMBOLS = 5_000
MAX_DEPTH = 20
"""How deep symbols may lie within others."""

KINDS = [
    "file",
    "module",
    "namespace",
    "package",
    "class",
    "method",
    "property",
    "field",
    "constructor",
    "enum",
    "interface",
    "function",
    "variable",
    "constant",
    "string",
    "number",
    "boolean",
    "array",
    "object",
    "key",
    "null",
    "enum-member",
    "struct",
    "event",
    "operator",
    "type-parameter",
]
"""LSP's `SymbolKind`, from 1."""

Number = Annotated[int, Field(ge=0, lt=2**31)]
"""LSP's `uinteger`."""
R = TypeVar("R")


class Position(BaseModel):
    """LSP's."""

    line: Number
    character: Number


class Range(BaseModel):
    """LSP's."""

    start: Position
    end: Position


class _Location(BaseModel):
    uri: str
    range: Range

    @property
    def place(self) -> tuple[str, int]:
        return self.uri, self.range.start.line


class _LocationLink(BaseModel):
    targetUri: str  # noqa: N815 -- as LSP spells it
    targetSelectionRange: Range  # noqa: N815

    @property
    def place(self) -> tuple[str, int]:
        return self.targetUri, self.targetSelectionRange.start.line


class _MarkupContent(BaseModel):
    value: str


class _Hover(BaseModel):
    contents: str | _MarkupContent | list[str | _MarkupContent]


class _DocumentSymbol(BaseModel):
    name: str
    kind: int
    range: Range
    selectionRange: Range  # noqa: N815
    detail: str | None = None
    children: list[object] | None = None


class _Whole(BaseModel):
    """A location of a `WorkspaceSymbol`, which may have no range."""

    uri: str
    range: Range | None = None


class _SymbolInformation(BaseModel):
    name: str
    kind: int
    location: _Whole
    containerName: str | None = None  # noqa: N815


_ANY_LOCATION = TypeAdapter[_Location | _LocationLink](_Location | _LocationLink)
_ANY_SYMBOL = TypeAdapter[_DocumentSymbol | _SymbolInformation](
    _DocumentSymbol | _SymbolInformation
)


@dataclass(slots=True)
class Files:
    """The files that URIs name, as the workspace folders are named; each is looked up once."""

    folders: Sequence[Path]
    _known: dict[str, Path | None] = field(default_factory=dict[str, "Path | None"])

    def path(self, uri: str) -> Path | None:
        """None for what is no file."""
        if uri not in self._known:
            path = path_of(uri)
            self._known[uri] = None if path is None else self.named(path)
        return self._known[uri]

    def named(self, path: Path) -> Path:
        """The path below the workspace folder that it really lies in, as that was named."""
        if ".." not in path.parts and any(path.is_relative_to(each) for each in self.folders):
            return path
        real = Path(os.path.realpath(path))
        for folder in self.folders:
            base = os.path.realpath(folder)
            if real.is_relative_to(base):
                return folder / real.relative_to(base)
        return real if ".." in path.parts else path


def places_in(answer: object, files: Files) -> Places:
    """A `Location`, or a list of them or of `LocationLink`s.

    Raises:
        ToolError: it makes no sense.
    """
    given = cast("list[object]", answer) if isinstance(answer, list) else [answer]
    places: dict[Place, None] = {}
    no_files = 0
    for each in _read(islice(given, MAX_PLACES), _ANY_LOCATION.validate_python):
        uri, line = each.place
        if (path := files.path(uri)) is None:
            no_files += 1
        else:
            places[Place(path, line + 1)] = None
    found = Places(tuple(places), no_files, max(0, len(given) - MAX_PLACES))
    if given and not (found.places or found.no_files):
        raise no_sense()
    return found


def hover_in(answer: object) -> str:
    """The texts of a `Hover`, with an empty line between them.

    Raises:
        ToolError: it makes no sense.
    """
    try:
        contents = _Hover.model_validate(answer).contents
    except ValidationError:
        raise no_sense() from None
    parts = contents if isinstance(contents, list) else [contents]
    texts = [each if isinstance(each, str) else each.value for each in parts]
    return "\n\n".join(text.strip() for text in texts if text.strip())


def symbols_in(answer: object, files: Files, document: Path | None = None) -> Symbols:
    """`DocumentSymbol`s of the document with all in them, or symbols that tell where they are.

    Raises:
        ToolError: it makes no sense.
    """
    if not isinstance(answer, list):
        raise no_sense()
    given = cast("list[object]", answer)
    symbols: list[Symbol] = []
    no_files = more = 0
    waiting = [(each, 0) for each in reversed(given[:MAX_SYMBOLS])]
    more += len(given) - len(waiting)
    while waiting:
        raw, depth = waiting.pop()
        for read in _read([raw], _ANY_SYMBOL.validate_python):
            if isinstance(read, _SymbolInformation):
                found = _flat(read, files)
                no_files += found is None
            else:
                found = None if document is None else _nested(read, document, depth)
                inside = (read.children or []) if depth < MAX_DEPTH else []
                room = max(0, MAX_SYMBOLS - len(symbols) - len(waiting) - 1)
                more += len(read.children or []) - len(inside[:room])
                waiting += [(each, depth + 1) for each in reversed(inside[:room])]
            if found is not None:
                symbols.append(found)
    if given and not (symbols or no_files):
        raise no_sense()
    return Symbols(tuple(symbols), no_files, more)


def no_sense() -> ToolError:
    """The error for an answer that cannot be used."""
    return ToolError(
        "The editor's answer makes no sense, so nothing is known. Use search_files instead."
    )


def _nested(read: _DocumentSymbol, document: Path, depth: int) -> Symbol:
    return Symbol(
        read.name,
        _kind(read.kind),
        document,
        read.selectionRange.start.line + 1,
        read.range.end.line + 1,
        depth,
        detail=read.detail or "",
    )


def _flat(read: _SymbolInformation, files: Files) -> Symbol | None:
    path, found = files.path(read.location.uri), read.location.range
    if path is None:
        return None
    line, end = (found.start.line + 1, found.end.line + 1) if found else (None, None)
    return Symbol(read.name, _kind(read.kind), path, line, end, within=read.containerName or "")


def _kind(number: int) -> str:
    return KINDS[number - 1] if 0 < number <= len(KINDS) else "symbol"


def _read(items: Iterator[object] | list[object], parse: Callable[[object], R]) -> Iterator[R]:
    for item in items:
        try:
            yield parse(item)
        except ValidationError:
            continue
