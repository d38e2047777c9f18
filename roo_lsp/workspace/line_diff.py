"""What changed between two texts, in lines: small pieces, and quick however long the texts are.

Lines end at ``\\n``, ``\\r\\n`` and ``\\r`` and nowhere else; ``str.splitlines`` ends them at form feeds
and U+2028 too.
"""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from operator import eq
from typing import Literal, NamedTuple

from roo_lsp.workspace.lines import split_lines

DIFF_LINES = 2000
DIFF_WORK = 100_000
"""Pairs of equal lines up to which comparing line by line is quick."""
DEPTH = 8
"""How often what lies between lines that are unique is looked through for lines unique in there."""


class LineEdit(NamedTuple):
    """The lines from `first` up to, not with, `last` become `new`; where both are the same, between."""

    first: int
    last: int
    new: list[str]


def alike(one: str, other: str) -> bool:
    """Equal, but for line endings: editors keep a document's own when they insert text."""
    return one == other or one.replace("\r\n", "\n") == other.replace("\r\n", "\n")


def line_edits(before: list[str], after: list[str]) -> list[LineEdit]:
    """What makes one of the other, in order; the numbers are those of `before`."""
    return [
        LineEdit(first, last, after[new_first:new_last])
        for first, last, new_first, new_last in _differing(before, after)
    ]


def merged(base: str, ours: str, theirs: str) -> str | None:
    """`theirs` with what `ours` changed in `base`; None where both changed the same lines."""
    before = split_lines(base)
    hunks = sorted(
        (hunk, whose)
        for whose, after in enumerate((ours, theirs))
        for hunk in line_edits(before, split_lines(after))
    )
    for (one, whose), (other, whose_other) in pairwise(hunks):
        if whose != whose_other and other.first <= one.last:
            return None
    lines: list[str] = []
    at = 0
    for (first, last, new), _ in hunks:
        lines += before[at:first] + new
        at = last
    return "".join(lines + before[at:])


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


MatchedBlock = tuple[int, int, int, int]
"""Lines from, up to; and the lines from, up to, that stand there after it."""


def _differing(before: list[str], after: list[str], depth: int = 0) -> Iterator[MatchedBlock]:
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    before, after = before[head : len(before) - tail], after[head : len(after) - tail]
    if not before and not after:
        return
    for first, last, new_first, new_last in _compared(before, after, depth):
        yield head + first, head + last, head + new_first, head + new_last


def _compared(before: list[str], after: list[str], depth: int) -> Iterator[MatchedBlock]:
    seen = Counter(after)
    work = sum(seen[line] for line in before)
    if not work or depth > DEPTH:
        yield 0, len(before), 0, len(after)
    elif work <= DIFF_WORK and max(len(before), len(after)) <= DIFF_LINES:
        matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
        for tag, first, last, new_first, new_last in matcher.get_opcodes():
            if tag != "equal":
                yield first, last, new_first, new_last
    else:
        yield from _between(_anchors(before, after), before, after, depth)


def _between(
    anchors: list[tuple[int, int]], before: list[str], after: list[str], depth: int
) -> Iterator[MatchedBlock]:
    """What differs between lines that surely are the same; without any, everything does."""
    if not anchors:
        yield 0, len(before), 0, len(after)
        return
    at = new_at = 0
    for line, new_line in [*anchors, (len(before), len(after))]:
        inner = _differing(before[at:line], after[new_at:new_line], depth + 1)
        for first, last, new_first, new_last in inner:
            yield at + first, at + last, new_at + new_first, new_at + new_last
        at, new_at = line + 1, new_line + 1


def _anchors(before: list[str], after: list[str]) -> list[tuple[int, int]]:
    """Lines that are in each text once, the most of them that keep their order (patience diff)."""
    once, new_once = Counter(before), Counter(after)
    places = {line: number for number, line in enumerate(after) if new_once[line] == 1}
    pairs = [
        (number, places[line])
        for number, line in enumerate(before)
        if once[line] == 1 and line in places
    ]
    ends: list[int] = []
    last_of: list[int] = []
    previous: list[int | None] = []
    for index, (_, new_line) in enumerate(pairs):
        length = bisect_left(ends, new_line)
        previous.append(last_of[length - 1] if length else None)
        ends[length : length + 1] = [new_line]
        last_of[length : length + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = last_of[-1] if last_of else None
    while index is not None:
        chain.append(pairs[index])
        index = previous[index]
    return chain[::-1]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(takewhile(bool, map(eq, one, other)))


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
