"""Text positions, minimal edits and file addresses as LSP counts and writes them.

Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` and nowhere else; ``str.splitlines`` ends them at form feeds
and U+2028 too, and would put every position behind one on the wrong line.
"""

import difflib
import io
import os
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from operator import eq
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from lsprotocol.types import Position, Range, TextEdit

__all__ = [
    "end_of",
    "minimal_edit",
    "offset_to_position",
    "path_of",
    "position_to_offset",
    "split_lines",
    "uri_of",
]

DIFF_LINES = 2000
DIFF_WORK = 100_000
"""Pairs of equal lines up to which comparing line by line is quick; beyond, one edit has to do."""


def split_lines(text: str) -> list[str]:
    """The lines with their ends; joined they are the text. No line follows the last end."""
    return list(io.StringIO(text, newline=""))


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
        for first, last, lines in _hunks(before, split_lines(new))
    ]


def merged(base: str, ours: str, theirs: str) -> str | None:
    """`theirs` with what `ours` changed in `base`; None where both changed the same lines."""
    before = split_lines(base)
    our_hunks = _hunks(before, split_lines(ours))
    their_hunks = _hunks(before, split_lines(theirs))
    for first, last, _ in our_hunks:
        for their_first, their_last, _ in their_hunks:
            if first <= their_last and their_first <= last:
                return None
    lines = list(before)
    for first, last, new in sorted([*our_hunks, *their_hunks], reverse=True):
        lines[first:last] = new
    return "".join(lines)


def _hunks(before: list[str], after: list[str]) -> list[tuple[int, int, list[str]]]:
    """Which lines of `before` become which lines, in order."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    before_end, after_end = len(before) - tail, len(after) - tail
    return [
        (head + first, head + last, after[head + new_first : head + new_last])
        for first, last, new_first, new_last in _changes(
            before[head:before_end], after[head:after_end]
        )
    ]


def path_of(uri: str) -> Path | None:
    """The path that a ``file:`` URI names; None for any other URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    path = os.fsdecode(unquote_to_bytes(parts.path))
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


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(takewhile(bool, map(eq, one, other)))


def _changes(before: list[str], after: list[str]) -> list[tuple[int, int, int, int]]:
    """The ranges of lines that differ, as (first, last, new first, new last)."""
    if not before and not after:
        return []
    seen = Counter(after)
    work = sum(seen[line] for line in before)
    if not work or work > DIFF_WORK or max(len(before), len(after)) > DIFF_LINES:
        return [(0, len(before), 0, len(after))]
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return [
        (first, last, new_first, new_last)
        for tag, first, last, new_first, new_last in matcher.get_opcodes()
        if tag != "equal"
    ]
