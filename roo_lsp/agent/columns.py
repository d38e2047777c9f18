"""Text for a screen: on one line, so many columns wide, cut between words and not within one.

What is given may be megabytes: all of it takes time in proportion to the text, and no more.
"""

import unicodedata
from collections.abc import Iterator

from wcwidth import wcwidth

CUT = "…"
SHORTEST_PATH = 24
"""Columns of a path below which it is not shortened further to make room for other words."""


def one_line(text: str) -> str:
    """Text on one line, without characters that control a terminal or the direction of writing."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return " ".join("".join(c if _harmless(c) else " " for c in line).split())


def columns(text: str) -> int:
    """How wide text is in a terminal; where terminals differ, the most."""
    return len(text) if text.isascii() else sum(map(_wide, text))


def pieces(text: str, limit: int) -> list[str]:
    """The text cut behind blanks into pieces of at most so many columns, every character kept."""
    return list(_pieces(text, limit, at_blanks=True)) or [""]


def wrapped(text: str, limit: int) -> list[str]:
    """The words of a line on as many lines of at most so many columns as they need."""
    lines: list[str] = []
    line: list[str] = []
    room = limit
    for word in text.split():
        width = columns(word)
        if line and width < room:
            line.append(word)
            room -= width + 1
        else:
            if line:
                lines.append(" ".join(line))
            *full, last = pieces(word, limit)
            lines += full
            line, room = [last], limit - columns(last)
    return [*lines, " ".join(line)] if line else lines


def fitted(text: str, limit: int) -> str:
    """A line in at most so many columns: paths shortened in the middle, then the last words left out."""
    if columns(text) <= limit:
        return text
    *words, rest = text.split(" ", limit + 1)  # more words than that never fit
    if len(words) <= limit:
        words.append(rest)
        rest = ""
    widths = [columns(word) for word in words]
    too_much = sum(widths) + len(words) - 1 + columns(rest) - limit
    for at in sorted(range(len(words)), key=lambda at: -widths[at]):
        if too_much > 0 and "/" in words[at]:
            words[at] = shortened(words[at], max(SHORTEST_PATH, widths[at] - too_much))
            too_much -= widths[at] - columns(words[at])
    text = " ".join(words)
    if too_much <= 0:
        return text
    head = _first(text, limit - len(CUT))
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
    end = _first(text[::-1], limit - 2)[::-1]
    before = text[: -len(end)]
    whole = end if before.endswith(" ") else end.partition(" ")[2]
    return f"{CUT} {whole.lstrip()}" if columns(whole) >= limit // 2 else CUT + end


def shortened(path: str, limit: int) -> str:
    """A path in at most so many columns: its end, its beginning, and not all that lies between."""
    if columns(path) <= limit:
        return path
    *folders, name = path.split("/")
    room = limit - columns(name) - len(CUT) - 1
    if room < 0:
        return CUT + _first(name[::-1], limit - len(CUT))[::-1]
    widths = [columns(folder) + 1 for folder in folders]
    head, end = 0, 0
    while True:  # it ends: there is no room for all of them
        if widths[head] <= room and head <= end:
            room -= widths[head]
            head += 1
        elif widths[-1 - end] <= room:
            room -= widths[-1 - end]
            end += 1
        else:
            return "/".join([*folders[:head], CUT, *folders[len(folders) - end :], name])


def _first(text: str, limit: int) -> str:
    return next(_pieces(text, limit), "")


def _fits(text: str, at: int, room: int) -> bool:
    """Whether the rest of a word is no wider than that; no more of it is looked at than there is room."""
    while at < len(text) and text[at] != " " and room >= 0:
        room -= _wide(text[at])
        at += 1
    return room >= 0


def _pieces(text: str, limit: int, *, at_blanks: bool = False) -> Iterator[str]:
    """`at_blanks`: no word is cut that has room on a line; one that has none begins where it stands."""
    start, width = 0, 0
    blank, behind = 0, 0  # where the last word begins, and how wide it is
    for at, character in enumerate(text):
        wide = _wide(character)
        while width + wide > limit and at > start:
            cut = blank if blank > start and _fits(text, at, limit - behind) else at
            yield text[start:cut]
            start, width = cut, behind if cut == blank and cut != at else 0
        width, behind = width + wide, behind + wide
        if at_blanks and character == " ":
            blank, behind = at + 1, 0
    if start < len(text):
        yield text[start:]


def _wide(character: str) -> int:
    if character.isascii():
        return 1
    if character == "\ufe0f":
        return 1  # makes a wide picture of the sign before it
    return max(0, wcwidth(character))


def _harmless(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
