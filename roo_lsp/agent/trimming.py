"""Text made shorter: head and tail stay, and what went is said."""

from collections.abc import Iterable

GAP = "[… {left} characters left out here …]"


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
