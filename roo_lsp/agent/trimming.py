"""Text made shorter: head and tail stay, and what went is said."""

import re
from collections.abc import Iterable

GAP = "[… {left} characters left out here …]"

_READ = re.compile(r".* lines \d+-\d+ of \d+")
"""How a read begins; then each line has its number."""
_NUMBERED = re.compile(r"(\d+) \| ")


def cut_read(text: str, most: int) -> str | None:
    """A read of a file without its last lines, and the line to go on from; None for any other text.

    What stands behind the lines stays: the user's words, say.
    """
    if not _READ.match(text):
        return None
    lines = text.split("\n")
    behind: list[str] = []
    while lines and not _NUMBERED.match(lines[-1]):
        behind.append(lines.pop())
    said = "\n".join(reversed(behind))
    end = text.rfind("\n", 0, max(0, most - len(REST) - len(said) - 8))
    kept = text[: max(0, end)]
    last = _NUMBERED.match(kept, kept.rfind("\n") + 1)
    if not last or not lines:
        return None
    note = REST.replace("{line}", str(int(last[1]) + 1))
    return "\n".join([kept, note, said] if said else [kept, note])


REST = (
    "[… the rest is left out: it is too long for the context. Go on with start_line={line}, and less "
    "at once …]"
)


def trimmed(text: str, most: int, gap: str = GAP) -> str:
    """The text in at most `most` characters, or about as many as the gap's words need.

    `gap` stands for what is left out, on a line of its own; `{left}` in it becomes the number of
    characters. Two thirds of what stays are the head.
    """
    if len(text) <= most:
        return text
    keep = max(0, most - len(gap) - 8)
    head = _whole_lines(text[: keep * 2 // 3])
    tail = _whole_lines(text[len(text) - keep // 3 :][::-1])[::-1] if keep >= 3 else ""
    said = gap.replace("{left}", str(len(text) - len(head) - len(tail)))
    return "\n".join(part for part in (head.rstrip("\n"), said, tail.lstrip("\n")) if part)


def _whole_lines(text: str) -> str:
    """The text up to its last line break, when that does not cost much of it."""
    end = text.rfind("\n") + 1
    return text[:end] if end > len(text) * 3 // 4 else text


def waterline(sizes: Iterable[int], total: int) -> int:
    """The size to which the largest must come down so that all together are within `total`."""
    ordered = sorted(sizes)
    left = max(0, total)
    for place, size in enumerate(ordered):
        level = left // (len(ordered) - place)
        if size > level:
            return level
        left -= size
    return ordered[-1] if ordered else 0
