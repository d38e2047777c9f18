"""What a selection or a cursor stands for: whole lines of a document, as people count them; and what
stands at them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from roo_lsp.lsp.editor.positions import position_to_offset

MAX_PARAGRAPH = 120
"""Lines without a blank one that are still one paragraph; in more of them, a cursor means its line."""


@dataclass(frozen=True, slots=True)
class LineRange:
    """Lines, the first and the last, counted from 0."""

    first: int
    last: int

    @property
    def words(self) -> str:
        """As people count: `line 3`, `lines 3-5`."""
        first, last = self.first + 1, self.last + 1
        return f"line {first}" if first == last else f"lines {first}-{last}"

    @property
    def range(self) -> dict[str, Any]:
        """An LSP range of exactly these lines, with their ends."""
        return {
            "start": {"line": self.first, "character": 0},
            "end": {"line": self.last + 1, "character": 0},
        }


def target(lines: Sequence[str], asked: types.Range, encoding: str) -> LineRange | None:
    """The selected lines; for a cursor the lines around it up to blank ones, on a blank one None."""
    end = max(0, len(lines) - 1)
    first, last = min(asked.start.line, end), min(asked.end.line, end)
    if not _is_cursor(lines, asked, encoding):
        if asked.end.character == 0 and first < last == asked.end.line:
            last -= 1  # whole lines: the end stands before the next one
        return LineRange(first, max(first, last))
    if not lines or asked.start.line > end or not lines[first].strip():
        return None
    return _paragraph(lines, first)


def of_problems(place: LineRange | None, problems: Sequence[types.Diagnostic]) -> LineRange:
    """The lines of problems, with those around them that are selected or stand around the cursor."""
    at = [each.range.start.line for each in problems] + [each.range.end.line for each in problems]
    around = [place.first, place.last] if place is not None else []
    return LineRange(min([*at, *around]), max([*at, *around]))


def of_comment(lines: Sequence[str], last: int) -> LineRange | None:
    """What a comment that ends at this line stands above: the lines up to a blank one."""
    below = last + 1
    while below < len(lines) and below <= last + MAX_PARAGRAPH and lines[below].strip():
        below += 1
    return LineRange(last + 1, below - 1) if below > last + 1 else None


def meets(lines: tuple[int, int], asked: types.Range) -> bool:
    """True where a range that was asked about has one of these lines, first and last counted."""
    end = asked.end.line
    if end > asked.start.line and asked.end.character == 0:
        end -= 1  # whole lines are selected
    return asked.start.line <= lines[1] and lines[0] <= end


def mark(line: int) -> types.Range:
    """Where a diagnostic of ours stands: beginning of a line, and no text of it is underlined as wrong."""
    place = types.Position(line, 0)
    return types.Range(place, place)


def above(line: int, commands: Sequence[types.Command]) -> list[types.CodeLens]:
    """Code lenses above a line, in this order: clients sort them by their columns, if at all."""
    places = [types.Position(line, column) for column in range(len(commands))]
    return [
        types.CodeLens(types.Range(at, at), command)
        for at, command in zip(places, commands, strict=True)
    ]


def _is_cursor(lines: Sequence[str], asked: types.Range, encoding: str) -> bool:
    """True for nothing, and for one character: some editors select one under the cursor at least."""
    start, end = asked.start, asked.end
    if start.line >= len(lines):
        return True
    text = [lines[start.line]]
    before = position_to_offset(text, types.Position(0, start.character), encoding)
    if end.line == start.line:
        after = position_to_offset(text, types.Position(0, end.character), encoding)
        return after - before <= 1
    at_end = before >= len(text[0].rstrip("\r\n"))
    return end.line == start.line + 1 and end.character == 0 and at_end


def _paragraph(lines: Sequence[str], line: int) -> LineRange:
    first = last = line
    while first > 0 and lines[first - 1].strip() and line - first < MAX_PARAGRAPH:
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].strip() and last - line < MAX_PARAGRAPH:
        last += 1
    return LineRange(first, last) if last - first < MAX_PARAGRAPH else LineRange(line, line)
