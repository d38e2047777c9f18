"""SEARCH/REPLACE blocks: read strictly, matched exactly or nearly, applied all or not at all."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, get_close_matches
from itertools import pairwise

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.lines import Line, line_texts, split_lines

NEAR_LINES = 40
"""How far from `:start_line:` a place is still the one that was meant."""
SHOWN_LINES = 20
SHOWN_PLACES = 10
COMPARED_LINES = 20_000
"""Lines of a file that are looked through for what comes nearest to a block that fails."""

FORM = """\
<<<<<<< SEARCH
:start_line:12
-------
lines as they are in the file
=======
lines to put there
>>>>>>> REPLACE"""

_BEGIN = re.compile(r"<<<<<<< SEARCH>?\s*")
_MIDDLE = re.compile(r"=======\s*")
_END = re.compile(r">>>>>>> REPLACE\s*")
_PLACE = re.compile(r":(start|end)_line:\s*(\d*)\s*")
_RULE = re.compile(r"-------\s*")
_ESCAPED = re.compile(r"\\+(<{7}|={7}|>{7}|-------\s*$|:(start|end)_line:)")
_NUMBERED = re.compile(r"[> ]?\s*(\d+) \|(?: (.*))?")
_LOOK_ALIKES = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u00a0\u202f\u2007", " "),
        "\u2026": "...",
    }
)


@dataclass(frozen=True, slots=True)
class Block:
    """One change: lines to find, lines to put in their place, and where they were seen."""

    search: tuple[str, ...]
    replacement: tuple[str, ...]
    start_line: int | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after all blocks, the line of the first change, and which blocks matched nearly."""

    text: str
    line: int
    nearly: tuple[int, ...] = ()


# --- reading --------------------------------------------------------------------------------


def parse_blocks(diff: str) -> list[Block]:
    """The blocks in a diff; what stands around them is ignored.

    Raises:
        ToolError: a marker is missing or out of place; says which, in which line.
    """
    blocks: list[Block] = []
    reader = _Reader(blocks)
    for number, line in enumerate(line_texts(diff), 1):
        reader.take(number, line)
    reader.close()
    return blocks


class _Reader:
    """Where in a block the reading is."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.part = "outside"
        self.search: list[str] = []
        self.replacement: list[str] = []
        self.start_line: int | None = None
        self.began = 0

    def take(self, number: int, line: str) -> None:
        match self.part:
            case "outside":
                self._outside(number, line)
            case "head" | "search":
                self._search(number, line)
            case _:
                self._replacement(number, line)

    def close(self) -> None:
        if self.part != "outside":
            missing = ">>>>>>> REPLACE" if self.part == "replacement" else "======="
            raise _malformed(f"The block that begins in line {self.began} has no {missing}.")
        if not self.blocks:
            raise _malformed("The diff has no SEARCH/REPLACE block in it.")
        for number, block in enumerate(self.blocks, 1):
            if not block.search:
                raise ToolError(
                    f"Block {number} has an empty SEARCH part. Give the lines beside the place and "
                    "repeat them in REPLACE, or use write_to_file for a new file."
                )
            if block.search == block.replacement:
                raise ToolError(f"Block {number} changes nothing: SEARCH and REPLACE are the same.")

    def _outside(self, number: int, line: str) -> None:
        if _BEGIN.fullmatch(line):
            self.part, self.began = "head", number
            self.search, self.replacement, self.start_line = [], [], None
        elif _MIDDLE.fullmatch(line) or _END.fullmatch(line):
            raise _malformed(f"Line {number} is {line.strip()} but no block has begun.")

    def _search(self, number: int, line: str) -> None:
        if _MIDDLE.fullmatch(line):
            self.part = "replacement"
        elif _BEGIN.fullmatch(line) or _END.fullmatch(line):
            raise _out_of_place(number, line, "=======")
        elif self.part == "head" and (place := _PLACE.fullmatch(line)):
            if place[1] == "start" and place[2]:
                self.start_line = int(place[2]) or None
        elif self.part == "head" and _RULE.fullmatch(line):
            self.part = "search"
        else:
            self.part = "search"
            self.search.append(_unescaped(line))

    def _replacement(self, number: int, line: str) -> None:
        if _END.fullmatch(line):
            block = Block(tuple(self.search), tuple(self.replacement), self.start_line)
            self.blocks.append(block)
            self.part = "outside"
        elif _BEGIN.fullmatch(line) or _MIDDLE.fullmatch(line):
            raise _out_of_place(number, line, ">>>>>>> REPLACE")
        elif _PLACE.fullmatch(line):
            raise _malformed(
                f"Line {number} has {line.strip()} in the REPLACE part; it belongs below SEARCH."
            )
        else:
            self.replacement.append(_unescaped(line))


def _unescaped(line: str) -> str:
    return line[1:] if _ESCAPED.match(line) else line


def _out_of_place(number: int, line: str, expected: str) -> ToolError:
    return _malformed(
        f"Line {number} is {line.strip()} where {expected} was expected. A line of the file that "
        f"looks like a marker is written with a backslash in front: \\{line.strip()}"
    )


def _malformed(what: str) -> ToolError:
    return ToolError(f"{what} Nothing was changed. A block has this form:\n{FORM}")


# --- applying -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hit:
    """A block's place: `at` is the index of its first line."""

    number: int
    block: Block
    at: int
    nearly: bool

    @property
    def end(self) -> int:
        return self.at + len(self.block.search)


def apply_blocks(text: str, blocks: Sequence[Block]) -> Edited:
    """The text with every block applied; places are looked for in the text as it was.

    Lines that no block names stay as they are, to the byte; new lines end as their neighbours do.

    Raises:
        ToolError: some blocks fit nowhere, or in more than one place; tells of each.
    """
    lines = split_lines(text)
    texts = [line.text for line in lines]
    hits: list[_Hit] = []
    failures: list[str] = []
    for number, block in enumerate(blocks, 1):
        found = _find(number, block, texts)
        if isinstance(found, str):
            failures.append(f"Block {number}: {found}")
            continue
        other = next((hit for hit in hits if hit.at < found.end and found.at < hit.end), None)
        if other is not None:
            failures.append(
                f"Block {number}: it changes lines {found.at + 1}-{found.end}, and so does block "
                f"{other.number}. Make one block of them."
            )
            continue
        hits.append(found)
    if failures:
        count = f"{len(failures)} of {len(blocks)} blocks"
        raise ToolError(
            f"Nothing was changed: {count} could not be applied.\n\n" + "\n\n".join(failures),
            f"Nothing was changed: {count} could not be applied.",
        )
    hits.sort(key=lambda hit: hit.at)
    result: list[Line] = []
    done = 0
    for hit in hits:
        result += lines[done : hit.at]
        result += _replaced(lines, hit)
        done = hit.end
    result += lines[done:]
    after = _joined(result, ends=not lines or bool(lines[-1].end))
    if after == text:
        raise ToolError("Nothing was changed: the file already reads as the blocks would make it.")
    return Edited(
        after,
        hits[0].at + 1,
        tuple(sorted(hit.number for hit in hits if hit.nearly)),
    )


def _find(number: int, block: Block, texts: Sequence[str]) -> _Hit | str:
    """Where the block fits, or why it does not: exactly if it can, else nearly."""
    variants = [block]
    if plain := _without_numbers(block):
        variants.append(plain)
    if inner := _without_blank_edges(variants[-1]):
        variants.append(inner)
    for variant in variants:
        places = _places(variant.search, texts, _as_it_is)
        if places:
            at = _choose(places, variant.start_line)
            return _ambiguous(places) if at is None else _Hit(number, variant, at, nearly=False)
    for variant in variants:
        places = _places(variant.search, texts, _loosely)
        if places:
            at = _choose(places, variant.start_line)
            return _ambiguous(places) if at is None else _Hit(number, variant, at, nearly=True)
    return _nearest(variants[-1], texts)


def _as_it_is(line: str) -> str:
    return line


def _loosely(line: str) -> str:
    """A line without what models get wrong unseen: trailing blanks, typographic look-alikes."""
    return line.translate(_LOOK_ALIKES).rstrip()


def _places(search: Sequence[str], texts: Sequence[str], form: Callable[[str], str]) -> list[int]:
    wanted = [form(line) for line in search]
    formed = texts if form is _as_it_is else [form(line) for line in texts]
    first, size = wanted[0], len(wanted)
    return [
        at
        for at in range(len(formed) - size + 1)
        if formed[at] == first and list(formed[at : at + size]) == wanted
    ]


def _choose(places: Sequence[int], start_line: int | None) -> int | None:
    """The place that is meant, or None where that cannot be told."""
    if start_line is not None:
        asked = start_line - 1
        if asked in places:
            return asked
        near = sorted((abs(at - asked), at) for at in places if abs(at - asked) <= NEAR_LINES)
        if near:
            return None if len(near) > 1 and near[0][0] == near[1][0] else near[0][1]
    return places[0] if len(places) == 1 else None


def _ambiguous(places: Sequence[int]) -> str:
    shown = ", ".join(str(at + 1) for at in places[:SHOWN_PLACES])
    more = " and more" if len(places) > SHOWN_PLACES else ""
    return (
        f"SEARCH fits in {len(places)} places, beginning in lines {shown}{more}. Say which with "
        ":start_line:N below SEARCH, or add lines around it."
    )


def _without_numbers(block: Block) -> Block | None:
    """The block without `12 | ` before its lines, where it was copied with them."""
    search = [_NUMBERED.fullmatch(line) for line in block.search]
    replacement = [_NUMBERED.fullmatch(line) for line in block.replacement]
    if not all(search):
        return None
    return Block(
        tuple(match[2] or "" for match in search if match),
        tuple(match[2] or "" for match in replacement if match)
        if all(replacement)
        else block.replacement,
        block.start_line or int((search[0] or [0, 0])[1]),
    )


def _without_blank_edges(block: Block) -> Block | None:
    """The block without blank lines that both its parts begin or end with."""
    search, replacement = block.search, block.replacement
    while search and replacement and not search[-1].strip() and not replacement[-1].strip():
        search, replacement = search[:-1], replacement[:-1]
    while search and replacement and not search[0].strip() and not replacement[0].strip():
        search, replacement = search[1:], replacement[1:]
    if not search or search == block.search:
        return None
    return replace(block, search=search, replacement=replacement)


def _nearest(block: Block, texts: Sequence[str]) -> str:
    """What to tell of a block that fits nowhere: what comes closest, line by line."""
    if not texts:
        return "the file is empty."
    at, same = _closest(block.search, texts)
    if at is None:
        return "SEARCH is not in the file, and nothing in it is similar. Read the file again."
    end = min(len(texts), at + min(len(block.search), SHOWN_LINES))
    wanted = {_squeezed(line) for line in block.search}
    shown = "\n".join(
        f"{' ' if _squeezed(texts[index]) in wanted else '!'}{index + 1} | {texts[index]}"
        for index in range(at, end)
    )
    exact = sum(line == texts[at + i] for i, line in enumerate(block.search[: len(texts) - at]))
    hint = " Only blanks differ; they count at the beginning of a line." if same > exact else ""
    return (
        f"SEARCH is not in the file. The nearest is in lines {at + 1}-{end} "
        f"(! marks what is not in SEARCH).{hint}\n{shown}"
    )


def _closest(search: Sequence[str], texts: Sequence[str]) -> tuple[int | None, int]:
    """The place with the most lines in common, blanks aside, and how many those are."""
    wanted = [_squeezed(line) for line in search[:50]]
    formed = [_squeezed(line) for line in texts[:COMPARED_LINES]]
    scores: dict[int, int] = {}
    offsets: dict[str, list[int]] = {}
    for offset, line in enumerate(wanted):
        if line:
            offsets.setdefault(line, []).append(offset)
    for index, line in enumerate(formed):
        for offset in offsets.get(line, ()):
            if index >= offset:
                scores[index - offset] = scores.get(index - offset, 0) + 1
    if scores:
        at = max(scores, key=lambda each: (scores[each], -each))
        return at, scores[at]
    first = next((line for line in wanted if line), "")
    similar = get_close_matches(first, [line for line in formed[:2000] if line], n=1, cutoff=0.6)
    return (formed.index(similar[0]), 0) if similar else (None, 0)


def _squeezed(line: str) -> str:
    return " ".join(line.translate(_LOOK_ALIKES).split())


def _replaced(lines: Sequence[Line], hit: _Hit) -> list[Line]:
    """The new lines: those that SEARCH and REPLACE share are the file's own, with their endings."""
    old = lines[hit.at : hit.end]
    search, new = hit.block.search, hit.block.replacement
    result: list[Line] = []
    for what, a1, a2, b1, b2 in SequenceMatcher(a=search, b=new).get_opcodes():
        if what == "equal":
            result += old[a1:a2]
            continue
        for offset, text in enumerate(new[b1:b2]):
            like = min(a1 + offset, a2 - 1) if a2 > a1 else max(a1 - 1, 0)
            result.append(Line(text, old[like].end or _last_ending(lines)))
    return result


def _last_ending(lines: Sequence[Line]) -> str:
    return next((line.end for line in reversed(lines) if line.end), "\n")


def _joined(lines: list[Line], *, ends: bool) -> str:
    """The text; its last line ends as the file's last line did, all others do end."""
    ending = _last_ending(lines)
    whole = [line if line.end else replace(line, end=ending) for line in lines]
    if whole and not ends:
        whole[-1] = replace(whole[-1], end="")
    for index, (line, following) in enumerate(pairwise(whole)):
        if line.end == "\r" and not following.text and following.end.startswith("\n"):
            whole[index] = replace(line, end="\r\n")  # else the two would end one line together
    return "".join(f"{line.text}{line.end}" for line in whole)
