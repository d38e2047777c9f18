"""The outline of a task document: its turns with their calls, and what folds."""

import re
from collections.abc import Iterator, Sequence

from lsprotocol import types

from roo_lsp.agent.columns import one_line
from roo_lsp.lsp.task_documents.columns import position, whole_line
from roo_lsp.task_documents.form import DocumentSection, bare, body_start, sections

CALL = re.compile(r"- (?P<mark>[✓✗…]) (?P<title>.+)$")
NAME_LENGTH = 60
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


def folds(lines: Sequence[str]) -> list[types.FoldingRange]:
    """Front matter, sections, and code blocks of two lines or more."""
    ranges: list[tuple[int, int]] = []
    if start := body_start(lines):
        ranges.append((0, start - 1))
    ranges += [(each.first, _last_line(lines, each)) for each in sections(lines)]
    ranges += [(first, last) for first, last in code_blocks(lines) if last > first + 2]
    return [
        types.FoldingRange(first, last, kind=types.FoldingRangeKind.Region)
        for first, last in ranges
        if last > first
    ]


def code_blocks(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """First and last line of each code block, its fences included."""
    opened, fence = 0, ""
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if not fence and found:
            opened, fence = number, found[1]
        elif fence and found and found[1].startswith(fence) and not line.strip(f" \r\n{fence[0]}"):
            yield opened, number
            fence = ""


def symbols(lines: Sequence[str], encoding: str) -> list[types.DocumentSymbol]:
    """A symbol for each message of the user's, with the calls of the answer in it."""
    found: list[types.DocumentSymbol] = []
    for each in sections(lines):
        if each.who == "you":
            found.append(_message(lines, each, encoding))
        elif found:
            turn = found[-1]
            turn.range = types.Range(turn.range.start, _end(lines, each, encoding))
            turn.children = [*(turn.children or ()), *_calls(lines, each, encoding)]
    return found


def _message(lines: Sequence[str], section: DocumentSection, encoding: str) -> types.DocumentSymbol:
    text = next((t for line in lines[section.first + 1 : section.last] if (t := line.strip())), "")
    heading = whole_line(lines, section.first, encoding)
    return types.DocumentSymbol(
        name=one_line(text)[:NAME_LENGTH] or "(your next message)",
        kind=types.SymbolKind.String,
        range=types.Range(heading.start, _end(lines, section, encoding)),
        selection_range=heading,
        children=[],
    )


def _calls(
    lines: Sequence[str], section: DocumentSection, encoding: str
) -> Iterator[types.DocumentSymbol]:
    blocks = dict(code_blocks(lines))
    for number in range(section.first, section.last):
        if (call := CALL.match(bare(lines[number]))) is None:
            continue
        here = whole_line(lines, number, encoding)
        last = blocks.get(number + 2, number)  # its output, below a blank line
        end = position(lines, last, len(bare(lines[last])), encoding)
        yield types.DocumentSymbol(
            name=f"{call['mark']} {call['title']}"[:NAME_LENGTH],
            kind=types.SymbolKind.Event,
            range=types.Range(here.start, end),
            selection_range=here,
        )


def _last_line(lines: Sequence[str], section: DocumentSection) -> int:
    last = section.last - 1
    while last > section.first and not lines[last].strip():
        last -= 1
    return last


def _end(lines: Sequence[str], section: DocumentSection, encoding: str) -> types.Position:
    last = _last_line(lines, section)
    return position(lines, last, len(bare(lines[last])), encoding)
