"""Lines of ours among lines of somebody who types: where ours end, and how more of them get in.

Everything is counted in lines, and a place is a border between two lines. What somebody types at a
border stays below it: it is theirs, and ours grow above it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from roo_lsp.task_documents.form import bare
from roo_lsp.workspace.line_diff import LineEdit, line_edits


@dataclass(frozen=True, slots=True)
class OwnRegion:
    """Where ours are in a document."""

    start: int
    """Where what we may still replace begins: open calls, questions."""
    end: int
    """Where it ends; the next lines go before this border."""
    floor: int
    """Where what was not sent yet begins; not above `end`."""
    marks: tuple[int, ...] = ()
    """Borders behind messages that were sent and not taken up yet, in their order."""
    shown: tuple[str, ...] = ()
    """What stands, or stood, between `start` and `end`, without line ends."""
    unfinished: str = ""
    """Our last line above `start`, where more of it may come."""


@dataclass(frozen=True, slots=True)
class Woven:
    """A text with new lines in it."""

    lines: list[str]
    place: OwnRegion


def moved_along(place: OwnRegion, before: Sequence[str], after: Sequence[str]) -> OwnRegion:
    """The same place after somebody else changed the text."""
    # Without line ends: the last line may get one only because another one follows it.
    edits = line_edits([bare(line) for line in before], [bare(line) for line in after])
    if not edits:
        return place

    def moved(border: int) -> int:
        return _moved(border, edits, before)

    start = moved(place.start)
    end = max(start, moved(place.end))
    return replace(
        place,
        start=start,
        end=end,
        floor=max(end, moved(place.floor)),
        marks=tuple(max(end, moved(each)) for each in place.marks),
    )


def _moved(border: int, edits: Iterable[LineEdit], before: Sequence[str]) -> int:
    shift = 0
    for first, last, new in edits:
        if first >= border:
            break
        if last <= border:
            shift += len(new) - (last - first)
            continue
        # Replaced across the border: where the line behind it still stands, else as far in.
        if border < len(before):
            wanted = bare(before[border])
            for at, line in enumerate(new):
                if wanted and bare(line) == wanted:
                    return first + shift + at
        return first + shift + min(border - first, len(new))
    return border + shift


def woven(
    lines: Sequence[str],
    place: OwnRegion,
    added: Sequence[str],
    volatile: Sequence[str],
    *,
    unfinished: bool = False,
    ending: str = "\n",
    ours: Callable[[str], bool] = lambda line: False,  # noqa: ARG005 -- none
) -> Woven:
    """The text with `added` for good and `volatile` until the next time, both without line ends.

    What somebody typed between our volatile lines stays, above them. `unfinished`: the last line of
    `added` will be gone on with. `ours` tells volatile lines that somebody only ticked.
    """
    start, new = place.start, list(added)
    head: list[str] = []
    if place.unfinished:
        if start and new and bare(lines[start - 1]) == bare(place.unfinished):
            start -= 1
            new[0] = place.unfinished + new[0]
        elif new and not new[0]:
            del new[0]
    left = Counter(bare(line) for line in place.shown)
    for line in lines[place.start : place.end]:
        text = bare(line)
        if left[text] > 0:
            left[text] -= 1
        elif not ours(text):
            head.append(line)
    block = [
        *(f"{line}{ending}" for line in new),
        *head,
        *(f"{line}{ending}" for line in volatile),
    ]
    above = list(lines[:start])
    if above and block and not above[-1].endswith(("\n", "\r")):
        above[-1] += ending
    below = list(lines[place.end :])
    if head and not head[-1].endswith(("\n", "\r")) and (volatile or below):
        block[len(new) + len(head) - 1] += ending
    shift = len(block) - (place.end - start)
    end = start + len(block)
    now = OwnRegion(
        start=end - len(volatile),
        end=end,
        floor=place.floor + shift,
        marks=tuple(each + shift for each in place.marks),
        shown=tuple(volatile),
        unfinished=new[-1] if unfinished and new and not head else "",
    )
    if not new and place.unfinished and not head:
        now = replace(now, unfinished=place.unfinished)
    return Woven([*above, *block, *below], now)


def is_in(wanted: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether what makes one text of the other is in a third one, whatever was typed elsewhere in it."""
    wanted = [bare(line) for line in wanted]
    made = _new_ranges([bare(line) for line in before], wanted)
    edits = line_edits(wanted, [bare(line) for line in after])
    for first, last in made:
        for start, end, _ in edits:
            touches = start <= first <= end if first == last else start < last and end > first
            if touches:
                return False
    return True


def _new_ranges(before: list[str], wanted: list[str]) -> list[tuple[int, int]]:
    """The lines of a text that are new in it; a range without lines where some were taken away."""
    shift = 0
    ranges: list[tuple[int, int]] = []
    for first, last, new in line_edits(before, wanted):
        ranges.append((first + shift, first + shift + len(new)))
        shift += len(new) - (last - first)
    return ranges


def caught_up(tail: Sequence[str], wanted: Sequence[str], ending: str) -> tuple[list[str], int]:
    """The end of a document with what it lacks of the lines it should have, and where those end.

    What else stands there stays, in its order; lines that somebody has changed since are left so.
    """
    text: list[str] = []
    border = at = 0
    edits = [
        *line_edits([bare(line) for line in tail], list(wanted)),
        LineEdit(len(tail), len(tail), []),
    ]
    for number, (first, last, new) in enumerate(edits):
        if first > at:
            text += tail[at:first]
            border = len(text)
        following = edits[number + 1].first if number + 1 < len(edits) else last
        changed = _says(tail[first:last]) and _says(tail[last:following])
        if new and not changed:
            if text and not text[-1].endswith(("\n", "\r")):
                text[-1] += ending
            text += [f"{line}{ending}" for line in new]
            border = len(text)
        text += tail[first:last]
        at = last
    return text, border


def _says(lines: Sequence[str]) -> bool:
    return any(line.strip() for line in lines)
