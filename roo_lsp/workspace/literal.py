"""One text for another: found literally, whatever ends the lines, and put in place exactly."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.blocks import Block
from roo_lsp.workspace.edits import ComparedText, Wanted, Words, with_own_lines
from roo_lsp.workspace.lines import line_texts, lines_and_ends

MAX_PLACES = 100_000
"""Places that are changed in one file by one call."""
SHOWN_PLACES = 10
NOT_PLACED = "Nothing was changed: old_string has no place, or more than one."
WORDS = Words(lines="old_string", which="Add text around it, as it is in the file.")

_ENDING = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Replaced:
    """The text afterwards, in how many places it changed, and the line of the first, 1-based."""

    text: str
    places: int
    line: int
    nearly: bool = False
    """It was found only apart from blanks or typographic characters."""


def replace_text(text: str, old: str, new: str, *, every: bool) -> Replaced:
    """The text with `new` for `old`, where it stands once; everywhere with `every`.

    A line ending in `old` stands for any. The lines that `old` and `new` share stay the file's own,
    and new ones end as their neighbours do. All else stays as it is, to the byte.

    Raises:
        ToolError: it is nowhere, or in several places; says where, or what comes nearest.
    """
    if _ENDING.sub("\n", old) == _ENDING.sub("\n", new):
        raise ToolError("Nothing was changed: old_string and new_string are the same.")
    if not old:
        if text:
            raise ToolError(
                "Nothing was changed: old_string is empty, but the file is not. Give the text "
                "beside the place and repeat it in new_string."
            )
        return Replaced(new, 1, 1)
    places = _places(text, old, overlapping=not every)
    if not places:
        return _nearly(text, old, new, every=every)
    if len(places) > 1 and not every:
        raise ToolError(_several(text, places), NOT_PLACED)
    if len(places) > MAX_PLACES:
        raise ToolError(
            f"Nothing was changed: old_string is in the file more than {MAX_PLACES} times. Change "
            "it by a command.",
            NOT_PLACED,
        )
    pieces: list[str] = []
    done = 0
    lines = _Lines(text)
    for start, end in places:
        pieces += [text[done:start], _with_endings(text[start:end], new, lines.ending(start))]
        done = end
    pieces.append(text[done:])
    return Replaced(_joined(pieces), len(places), lines.number(places[0][0]))


def _places(text: str, old: str, *, overlapping: bool) -> list[tuple[int, int]]:
    """Where it stands, whatever ends the lines; `overlapping` ones only as far as they are told."""
    halves = [found.start() for found in re.finditer(r"\r(?=\n)", text)]
    shift = [at - count for count, at in enumerate(halves)]
    plain, sought = _ENDING.sub("\n", text), _ENDING.sub("\n", old)
    most = SHOWN_PLACES if overlapping else MAX_PLACES
    places: list[tuple[int, int]] = []
    at = plain.find(sought)
    while at >= 0 and len(places) <= most:
        end = at + len(sought)
        places.append((at + bisect_left(shift, at), end + bisect_left(shift, end)))
        at = plain.find(sought, at + 1 if overlapping else end)
    return places


def _several(text: str, places: Sequence[tuple[int, int]]) -> str:
    known = _Lines(text)
    lines = ", ".join(str(known.number(start)) for start, _ in places[:SHOWN_PLACES])
    count, more = str(len(places)), ""
    if len(places) > SHOWN_PLACES:
        count, more = f"more than {SHOWN_PLACES}", " and more"
    return (
        f"Nothing was changed: old_string is in the file {count} times, in lines "
        f"{lines}{more}. Add text around it so that it is there once, or set replace_all."
    )


class _Lines:
    """Where a text's lines end, and how."""

    def __init__(self, text: str) -> None:
        found = list(_ENDING.finditer(text))
        self._ends = [each.end() for each in found]
        self._endings = [each[0] for each in found]

    def number(self, offset: int) -> int:
        """Of the line with this character, 1-based."""
        return bisect_right(self._ends, offset) + 1

    def ending(self, offset: int) -> str:
        """How the line ends that has this character, else how the first one does."""
        at = bisect_right(self._ends, offset)
        return self._endings[at if at < len(self._ends) else 0] if self._ends else "\n"


def _with_endings(place: str, new: str, ending: str) -> str:
    """`new` as it stands in this place: with line endings of that place."""
    old, wanted = lines_and_ends(place), lines_and_ends(new)
    own = [line.text for line in old]
    texts = [line.text for line in wanted]
    put = with_own_lines(old, own, texts, texts, ending)
    ended = [
        line if bool(line.end) == bool(want.end) else replace(line, end=ending if want.end else "")
        for line, want in zip(put, wanted, strict=True)
    ]
    return _joined([piece for line in ended for piece in (line.text, line.end)])


def _joined(pieces: Sequence[str]) -> str:
    """The pieces, with each line ending still one of its own: CR and LF that meet are not CRLF."""
    parts: list[str] = []
    last = ""
    for piece in pieces:
        if piece:
            parts += ["\n", piece] if last == "\r" and piece[0] == "\n" else [piece]
            last = piece[-1]
    return "".join(parts)


def _nearly(text: str, old: str, new: str, *, every: bool) -> Replaced:
    """As `replace_text` where whole lines fit apart from blanks and typographic characters."""
    block, whole = _as_lines(old, new)
    ground = ComparedText(text)
    if whole and not every:
        found = ground.find(Wanted("old_string", block, lambda _, places: places), WORDS)
    else:
        found = ground.nearest(block, WORDS)
    if isinstance(found, str):
        raise ToolError(f"Nothing was changed: {found}", NOT_PLACED)
    after = ground.with_hits([found])
    if after == text:
        raise ToolError("Nothing was changed: the file already reads as new_string would make it.")
    return Replaced(after, 1, found.at + 1, nearly=True)


def _as_lines(old: str, new: str) -> tuple[Block, bool]:
    """The change as whole lines, and whether it is one of whole lines."""
    ends = [bool(_ENDING.fullmatch(text[-1:])) for text in (old, new)]
    if ends[0] and (ends[1] or not new):
        return Block(tuple(line_texts(old)), tuple(line_texts(new))), True
    block = Block(tuple(_ENDING.split(old)), tuple(_ENDING.split(new)))
    return block, not any(ends)
