"""One text for another: found literally, whatever ends the lines, and put in place exactly."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.edits import Block, Ground, Wanted, Words, with_own_lines
from roo_lsp.workspace.lines import line_texts, split_lines

MAX_PLACES = 100_000
SHOWN_PLACES = 10
NOT_PLACED = "Nothing was changed: old_string has no place, or more than one."
WORDS = Words(lines="old_string", which="Add text around it, as it is in the file.")

_ENDING = re.compile(r"\r\n|\n|\r")
_ANY_ENDING = r"(?:\r\n|\r(?!\n)|(?<!\r)\n)"
"""One whole line ending: never a half of CRLF."""


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
    pieces: list[str] = []
    done = 0
    for start, end in places:
        pieces += [text[done:start], _with_endings(text, start, end, new)]
        done = end
    pieces.append(text[done:])
    return Replaced(_joined(pieces), len(places), _line_of(_ends(text), places[0][0]))


def _places(text: str, old: str, *, overlapping: bool) -> list[tuple[int, int]]:
    pattern = re.compile(_ANY_ENDING.join(map(re.escape, _ENDING.split(old))))
    places: list[tuple[int, int]] = []
    at = 0
    while (found := pattern.search(text, at)) and len(places) < MAX_PLACES:
        places.append(found.span())
        at = found.start() + 1 if overlapping else found.end()
    return places


def _several(text: str, places: Sequence[tuple[int, int]]) -> str:
    ends = _ends(text)
    lines = ", ".join(str(_line_of(ends, start)) for start, _ in places[:SHOWN_PLACES])
    more = " and more" if len(places) > SHOWN_PLACES else ""
    return (
        f"Nothing was changed: old_string is in the file {len(places)} times, in lines "
        f"{lines}{more}. Add text around it so that it is there once, or set replace_all."
    )


def _ends(text: str) -> list[int]:
    """The offset behind each line."""
    return [found.end() for found in _ENDING.finditer(text)]


def _line_of(ends: Sequence[int], offset: int) -> int:
    return bisect_right(ends, offset) + 1


def _with_endings(text: str, start: int, end: int, new: str) -> str:
    """`new` as it stands in the place of `text[start:end]`: with line endings of that place."""
    old, wanted = split_lines(text[start:end]), split_lines(new)
    near = _ENDING.search(text, start)
    ending = near[0] if near else next((line.end for line in split_lines(text)), "") or "\n"
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
    ground = Ground(text)
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
