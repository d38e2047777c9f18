"""Text for a screen: on one line, so many columns wide, cut between words and not within one."""

import unicodedata
from collections.abc import Iterator

CUT = "…"
SHORTEST_PATH = 24
"""Columns of a path below which it is not shortened further to make room for other words."""


def one_line(text: str) -> str:
    """Text on one line, without characters that control a terminal or the direction of writing."""
    return " ".join("".join(c if _harmless(c) else " " for c in text).split())


def columns(text: str) -> int:
    """How wide text is in a terminal; where terminals differ, the most."""
    return len(text) if text.isascii() else sum(map(_wide, text))


def pieces(text: str, limit: int) -> list[str]:
    """The text cut into pieces of at most so many columns, every character kept."""
    return list(_pieces(text, limit)) or [""]


def wrapped(text: str, limit: int) -> list[str]:
    """The words of a line on as many lines of at most so many columns as they need."""
    lines: list[str] = []
    for word in text.split():
        *full, last = pieces(word, limit)
        together = f"{lines[-1]} {word}" if lines else word
        if lines and columns(together) <= limit:
            lines[-1] = together
        else:
            lines += [*full, last]
    return lines


def fitted(text: str, limit: int) -> str:
    """A line in at most so many columns: paths shortened in the middle, then the last words left out."""
    if columns(text) <= limit:
        return text
    words = text.split(" ")
    for at in sorted(range(len(words)), key=lambda at: -columns(words[at])):
        too_much = columns(" ".join(words)) - limit
        if too_much > 0 and "/" in words[at]:
            words[at] = shortened(words[at], max(SHORTEST_PATH, columns(words[at]) - too_much))
    text = " ".join(words)
    if columns(text) <= limit:
        return text
    head = pieces(text, limit - len(CUT))[0]
    whole = head if text[len(head)] == " " else head.rpartition(" ")[0]
    left_out = head[len(whole) :]
    if columns(whole) < limit // 3 or any(_wide(each) == 2 for each in left_out):  # no blanks there
        return head.rstrip() + CUT
    return whole.rstrip() + " " + CUT if columns(whole) + 2 <= limit else _fewer(whole)


def _fewer(whole: str) -> str:
    """Whole words that leave no room for a blank before the sign: one word less of them."""
    fewer = whole.rstrip().rpartition(" ")[0]
    return f"{fewer} {CUT}" if fewer else whole + CUT


def tail(text: str, limit: int) -> str:
    """The end of a line in at most so many columns, from the beginning of a word on."""
    if columns(text) <= limit:
        return text
    end = pieces(text[::-1], limit - 2)[0][::-1]
    before = text[: -len(end)]
    whole = end if before.endswith(" ") else end.partition(" ")[2]
    return f"{CUT} {whole.lstrip()}" if columns(whole) >= limit // 2 else CUT + end


def shortened(path: str, limit: int) -> str:
    """A path in at most so many columns: its end, its beginning, and not all that lies between."""
    if columns(path) <= limit:
        return path
    *folders, name = path.split("/")
    if columns(name) + 2 > limit:
        return CUT + pieces(name[::-1], limit - len(CUT))[0][::-1]
    head: list[str] = []
    end = [name]
    while len(head) + len(end) <= len(folders):
        first, last = folders[len(head)], folders[len(folders) - len(end)]
        if columns("/".join([*head, first, CUT, *end])) <= limit and len(head) < len(end):
            head.append(first)
        elif columns("/".join([*head, CUT, last, *end])) <= limit:
            end.insert(0, last)
        else:
            break
    return "/".join([*head, CUT, *end])


def _pieces(text: str, limit: int) -> Iterator[str]:
    start, width = 0, 0
    for at, character in enumerate(text):
        wide = _wide(character)
        if width + wide > limit and at > start:
            yield text[start:at]
            start, width = at, 0
        width += wide
    if start < len(text):
        yield text[start:]


def _wide(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    if character == "\ufe0f":
        return 1  # makes a wide picture of the sign before it
    return 0 if unicodedata.category(character) in {"Mn", "Me"} else 1


def _harmless(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
