"""Text positions, minimal edits and file addresses as LSP counts and writes them.

Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` and nowhere else; ``str.splitlines`` ends them at form feeds
and U+2028 too, and would put every position behind one on the wrong line.
"""

import difflib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_to_bytes, urlsplit

from lsprotocol.types import Position, Range, TextEdit

from roo_lsp.workspace.line_diff import line_edits, split_lines

__all__ = [
    "changed_lines",
    "end_of",
    "minimal_edit",
    "offset_to_position",
    "path_of",
    "position_to_offset",
    "split_lines",
    "unified_lines",
    "uri_of",
]


def end_of(text: str | Sequence[str], encoding: str) -> Position:
    """The position behind the last character."""
    return _end_of(_lines(text), encoding)


def offset_to_position(text: str | Sequence[str], offset: int, encoding: str) -> Position:
    """The position of a code point; within ``\\r\\n``, the end of the line."""
    lines = _lines(text)
    rest = max(0, offset)
    for number, line in enumerate(lines):
        if rest < len(line):
            column = min(rest, len(_content(line)))
            return Position(number, _units(line[:column], encoding))
        rest -= len(line)
    return _end_of(lines, encoding)


def position_to_offset(text: str | Sequence[str], position: Position, encoding: str) -> int:
    """The code point at a position; beyond a line or the text, its end; never within a character."""
    lines = _lines(text)
    if position.line >= len(lines):
        return sum(map(len, lines))
    before = sum(map(len, lines[: position.line]))
    return before + _column(_content(lines[position.line]), position.character, encoding)


def minimal_edit(old: str, new: str, encoding: str) -> list[TextEdit]:
    """Edits of whole lines that make `old` into `new`, in order, leaving equal lines alone."""
    before = split_lines(old)

    def start_of(line: int) -> Position:
        return Position(line, 0) if line < len(before) else _end_of(before, encoding)

    return [
        TextEdit(Range(start_of(first), start_of(last)), "".join(lines))
        for first, last, lines in line_edits(before, split_lines(new))
    ]


def merged(base: str, ours: str, theirs: str) -> str | None:
    """`theirs` with what `ours` changed in `base`; None where both changed the same lines."""
    before = split_lines(base)
    our_hunks = line_edits(before, split_lines(ours))
    their_hunks = line_edits(before, split_lines(theirs))
    for first, last, _ in our_hunks:
        for their_first, their_last, _ in their_hunks:
            if first <= their_last and their_first <= last:
                return None
    lines = list(before)
    for first, last, new in sorted([*our_hunks, *their_hunks], reverse=True):
        lines[first:last] = new
    return "".join(lines)


def changed_lines(old: str, new: str) -> tuple[int, int]:
    """How many lines are added and removed."""
    before, after = split_lines(old), split_lines(new)
    hunks = line_edits(before, after)
    return sum(len(lines) for _, _, lines in hunks), sum(last - first for first, last, _ in hunks)


def unified_lines(old: str, new: str) -> Iterator[str]:
    """The hunks of a unified diff, line by line; quick for texts of any size, not always smallest."""
    before, after = split_lines(old), split_lines(new)
    matcher = difflib.SequenceMatcher(None, "", "")
    # For its grouping alone.
    matcher.opcodes = list(_opcodes(before, line_edits(before, after)))  # pyright: ignore[reportAttributeAccessIssue] -- typeshed leaves it out
    for group in matcher.get_grouped_opcodes():
        (_, first, _, new_first, _), (_, _, last, _, new_last) = group[0], group[-1]
        yield f"@@ -{_span(first, last)} +{_span(new_first, new_last)} @@\n"
        for tag, first, last, new_first, new_last in group:
            if tag == "equal":
                yield from (f" {line}" for line in before[first:last])
            else:
                yield from (f"-{line}" for line in before[first:last])
                yield from (f"+{line}" for line in after[new_first:new_last])


def _opcodes(
    before: list[str], hunks: Sequence[tuple[int, int, list[str]]]
) -> Iterator[tuple[Literal["equal", "replace"], int, int, int, int]]:
    at, new_at = 0, 0
    for first, last, lines in [*hunks, (len(before), len(before), [])]:
        if first > at:
            yield "equal", at, first, new_at, new_at + first - at
        at, new_at = last, new_at + first - at
        if last > first or lines:
            yield "replace", first, last, new_at, new_at + len(lines)
        new_at += len(lines)


def _span(first: int, last: int) -> str:
    length = last - first
    return f"{first + 1}" if length == 1 else f"{first + 1 if length else first},{length}"


def path_of(uri: str) -> Path | None:
    """The path that a ``file:`` URI names; None for any other URI."""
    try:
        parts = urlsplit(uri)
        path = os.fsdecode(unquote_to_bytes(parts.path))
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    if "\0" in path:
        return None
    if sys.platform == "win32":
        if parts.netloc:
            return Path(f"//{parts.netloc}{path}")
        return Path(path[1:]) if path[2:3] == ":" else None
    if parts.netloc not in ("", "localhost") or not path.startswith("/"):
        return None
    return Path(path)


def uri_of(path: Path) -> str:
    """The ``file:`` URI of an absolute path.

    Raises:
        ValueError: The path is relative.
    """
    return path.as_uri()


def _lines(text: str | Sequence[str]) -> Sequence[str]:
    return split_lines(text) if isinstance(text, str) else text


def _end_of(lines: Sequence[str], encoding: str) -> Position:
    if not lines:
        return Position(0, 0)
    if lines[-1].endswith(("\n", "\r")):
        return Position(len(lines), 0)
    return Position(len(lines) - 1, _units(lines[-1], encoding))


def _content(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


def _units(text: str, encoding: str) -> int:
    if encoding == "utf-32" or text.isascii():
        return len(text)
    if encoding == "utf-8":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _column(line: str, units: int, encoding: str) -> int:
    if encoding == "utf-32" or line.isascii():
        return min(units, len(line))
    for column, character in enumerate(line):
        units -= _units(character, encoding)
        if units < 0:
            return column
    return len(line)
