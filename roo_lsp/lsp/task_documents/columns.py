"""Places in a document as we count them (lines, code points) and as LSP does."""

from collections.abc import Sequence

from lsprotocol.types import Position, Range

from roo_lsp.lsp.editor.positions import offset_to_position, position_to_offset
from roo_lsp.task_documents.form import bare


def code_point(lines: Sequence[str], position: Position, encoding: str) -> int:
    """The code point in its line."""
    if position.line >= len(lines):
        return 0
    place = Position(0, position.character)
    return position_to_offset([lines[position.line]], place, encoding)


def position(lines: Sequence[str], line: int, column: int, encoding: str) -> Position:
    """The position of a code point in a line."""
    text = lines[line] if line < len(lines) else ""
    return Position(line, offset_to_position([text], column, encoding).character)


def span(lines: Sequence[str], line: int, start: int, end: int, encoding: str) -> Range:
    """A part of a line."""
    return Range(position(lines, line, start, encoding), position(lines, line, end, encoding))


def whole_line(lines: Sequence[str], line: int, encoding: str) -> Range:
    """A line without its end."""
    return span(lines, line, 0, len(bare(lines[line])), encoding)
