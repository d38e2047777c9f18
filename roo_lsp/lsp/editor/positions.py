"""Text positions and minimal edits as LSP counts them.

Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` and nowhere else; ``str.splitlines`` ends them at form feeds
and U+2028 too, and would put every position behind one on the wrong line.
"""

from collections.abc import Sequence

from lsprotocol.types import Position, Range, TextEdit

from roo_lsp.workspace.line_diff import line_edits
from roo_lsp.workspace.lines import split_lines


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
