"""Blank lines that a change leaves out where the text has them: where its other lines stand, and what
the change is with them.
"""

from collections.abc import Callable, Mapping, Sequence

from roo_lsp.workspace.line_diff import line_edits


def spans(
    search: Sequence[str],
    texts: Sequence[str],
    rarest: Callable[[], tuple[int, Sequence[int]]],
    form: Callable[[str], str],
    most: int,
) -> list[tuple[int, int]]:
    """Where these lines stand one below the other with blank ones between: first line and end.

    `rarest` is the place in `search` of the line that the text has least often, and where; `most`
    limits how many lines are looked at, and nothing is found where it would be more.
    """
    ink = [form(line) for line in search]
    if sum(map(bool, ink)) < 2 or not (ink[0] and ink[-1]):
        return []
    place, candidates = rarest()
    if len(candidates) * len(search) > most:
        return []
    found: list[tuple[int, int]] = []
    for at in candidates:
        first = _walk(ink, texts, form, place, at, -1)
        last = _walk(ink, texts, form, place, at, 1)
        if first is not None and last is not None:
            found.append((first, last + 1))
    return found


def _walk(
    ink: Sequence[str],
    texts: Sequence[str],
    form: Callable[[str], str],
    place: int,
    at: int,
    step: int,
) -> int | None:
    """The text's line for the outermost of `ink` in this direction; None where one does not fit."""
    while 0 <= place + step < len(ink):
        place, at = place + step, at + step
        while ink[place] and 0 <= at < len(texts) and not form(texts[at]):
            at += step
        if not 0 <= at < len(texts) or form(texts[at]) != ink[place]:
            return None
    return at


def with_blank_lines(
    search: Sequence[str], replacement: Sequence[str], found: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]] | int:
    """The two sides with the blank lines of `found`; those between two lines that go do so too.

    Where lines are only added and a blank one is left out just there, nothing tells on which side of
    it they belong: the line of `found` is returned.
    """
    gaps, starts = _gaps(search, found)
    before: list[str] = []
    after: list[str] = []
    done = 0

    def stay(first: int, last: int) -> None:
        for at in range(first, last):
            lines = [*gaps.get(at, ()), search[at]]
            before.extend(lines)
            after.extend(lines)

    for first, last, new in line_edits(list(search), list(replacement)):
        stay(done, first)
        if first == last and first in gaps:
            return starts[first]
        if first < last:
            before.extend([*gaps.get(first, ()), search[first]])
            after.extend(gaps.get(first, ()))
            for at in range(first + 1, last):
                before.extend([*gaps.get(at, ()), search[at]])
        after.extend(new)
        done = last
    stay(done, len(search))
    return tuple(before), tuple(after)


def _gaps(
    search: Sequence[str], found: Sequence[str]
) -> tuple[Mapping[int, list[str]], Mapping[int, int]]:
    """Before which lines of `search` which blank ones are left out, and where these begin."""
    gaps: dict[int, list[str]] = {}
    starts: dict[int, int] = {}
    at = 0
    for number, line in enumerate(search):
        if line.strip():
            start = at
            while not found[at].strip():
                at += 1
            if at > start:
                gaps[number], starts[number] = list(found[start:at]), start
        at += 1
    return gaps, starts
