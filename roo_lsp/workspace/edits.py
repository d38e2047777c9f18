"""Changes of a text: matched exactly or nearly, applied all or not at all.

`ComparedText` finds lines in a text and puts others there; every tool that edits places its changes by it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import pairwise

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace import left_out
from roo_lsp.workspace.blocks import Block
from roo_lsp.workspace.hints import hint
from roo_lsp.workspace.indentation import reindented
from roo_lsp.workspace.line_diff import line_edits
from roo_lsp.workspace.lines import Line, lines_and_ends

NEAR_LINES = 40
"""How far from `:start_line:` a place is still the one that was meant."""
SHOWN_LINES = 20
SHOWN_PLACES = 10
HINTS = 5
"""Blocks that fit nowhere of which it is looked for what is wrong with how they are written."""
COMPARED_LINES = 20_000
"""Lines of a file that are looked through for what comes nearest to a block that fails."""
MOST_BLOCKS = 1_000
"""Changes of one file by one call."""
MOST_FITTED = 4_000_000
"""Lines that are looked at to tell a block's indentation in all places where it may be."""
TOLD = 10
"""Changes without a place of which it is told what comes nearest."""

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
class Edited:
    """A text after all blocks, the line of the first change, and which blocks matched nearly."""

    text: str
    line: int
    nearly: tuple[str, ...] = ()
    """Labels of those blocks: `Block 2`."""


# --- applying -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Words:
    """How a change is spoken of to the model that wrote it."""

    lines: str = "SEARCH"
    """Its lines that are to be found."""
    one: str = "block"
    many: str = "blocks"
    which: str = "Say which with :start_line:N below SEARCH, or add lines around it."


Narrow = Callable[[Block, Sequence[int]], Sequence[int]]
"""Of all places where a block fits (indexes of lines), those that can be meant; none to go on."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A block to be placed, and what it is called when it cannot be."""

    label: str
    block: Block
    narrow: Narrow
    at: int = 0
    """For a block without lines to be found: the index of the line it goes in front of."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A block's place: `at` is the index of its first line, `new` are its lines as they will be."""

    wanted: Wanted
    block: Block
    at: int
    new: tuple[str, ...]
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
    wanted = [
        Wanted(f"Block {number}", block, nearest_to) for number, block in enumerate(blocks, 1)
    ]
    edited, failures = ComparedText(text).applied(wanted, Words())
    if failures:
        raise _not_applied(failures, len(blocks), Words())
    if edited.text == text:
        raise ToolError("Nothing was changed: the file already reads as the blocks would make it.")
    return edited


def _not_applied(failures: Sequence[str], count: int, words: Words) -> ToolError:
    """What is told when some of `count` changes have no place: each of them, and that none is made."""
    told = f"Nothing was changed: {len(failures)} of {count} {words.many} could not be applied."
    return ToolError(f"{told}\n\n" + "\n\n".join(failures), told)


def nearest_to(block: Block, places: Sequence[int]) -> Sequence[int]:
    """The place nearest to `:start_line:`, where one is near; all where it tells nothing."""
    if block.start_line is None:
        return places
    asked = block.start_line - 1
    near = [at for at in places if abs(at - asked) <= NEAR_LINES]
    closest = min((abs(at - asked) for at in near), default=0)
    return [at for at in near if abs(at - asked) == closest] or places


class ComparedText:
    """A text's lines, in the forms in which they are compared; each form is made once."""

    def __init__(self, text: str) -> None:
        self.lines = lines_and_ends(text)
        self.texts = [line.text for line in self.lines]
        self._formed: dict[_Form, list[str]] = {_as_it_is: self.texts}
        self._found: dict[_Form, dict[str, list[int]]] = {}
        self._hints = HINTS

    def applied(self, wanted: Sequence[Wanted], words: Words) -> tuple[Edited, list[str]]:
        """The text with every block in its place, and a text for each that has none."""
        if len(wanted) > MOST_BLOCKS:
            raise ToolError(
                f"Nothing was changed: there are {len(wanted)} {words.many}, and at most "
                f"{MOST_BLOCKS} of a file can be in one call. Make several calls."
            )
        hits: list[Hit] = []
        failures: list[str] = []
        for each in wanted:
            found = self.find(each, words, tell=len(failures) < TOLD)
            if isinstance(found, str):
                failures.append(f"{each.label}: {found}")
            elif other := next((h for h in hits if h.at < found.end and found.at < h.end), None):
                failures.append(
                    f"{each.label}: it changes lines {found.at + 1}-{found.end}, and so does "
                    f"{other.wanted.label}. Make one {words.one} of them."
                )
            else:
                hits.append(found)
        hits.sort(key=lambda hit: hit.at)
        nearly = tuple(
            each.label for each in wanted if any(h.wanted is each and h.nearly for h in hits)
        )
        line = hits[0].at + 1 if hits else 1
        return Edited(self.with_hits(hits), line, nearly), failures

    def matching(self, text: str) -> list[int]:
        """The lines that read like this one: exactly if any do, else nearly, else as a part."""
        for form in _FORMS:
            if found := self._index(form).get(form(text)):
                return found
        part = _squeezed(text)
        formed = self._formed[_squeezed]
        return [number for number, line in enumerate(formed) if part and part in line]

    def with_hits(self, hits: Sequence[Hit]) -> str:
        """The text with the new lines in their places, which are in order and apart."""
        result: list[Line] = []
        done = 0
        for hit in hits:
            result += self.lines[done : hit.at]
            result += _replaced(self.lines, hit)
            done = hit.end
        result += self.lines[done:]
        return _joined(result, ends=not self.lines or bool(self.lines[-1].end))

    def find(self, wanted: Wanted, words: Words, *, tell: bool = True) -> Hit | str:
        """Where the block fits, or why it does not: exactly if it can, else nearly.

        What comes nearest to one that fits nowhere is looked for only to be told.

        A place exactly at the start line comes before a better one elsewhere.
        """
        if not wanted.block.search:
            return Hit(wanted, wanted.block, wanted.at, wanted.block.replacement, nearly=False)
        variants = _variants(wanted.block)
        if any(each.start_line for each in variants):
            for hit in (hit for hits in self._all_fits(wanted, variants) for hit in hits):
                if hit.block.start_line == hit.at + 1:
                    return hit
        for hits in self._all_fits(wanted, variants):
            places = wanted.narrow(hits[0].block, [hit.at for hit in hits])
            if len(places) == 1:
                return next(hit for hit in hits if hit.at == places[0])
            if places:
                return _ambiguous(places, words)
        if found := self._with_blank_lines(wanted, variants[-1], words):
            return found
        return self.nearest(variants[-1], words) if tell else "it fits nowhere."

    def _with_blank_lines(self, wanted: Wanted, block: Block, words: Words) -> Hit | str | None:
        """The place of a block that leaves out blank lines, where there is just one."""
        found = dict(
            left_out.spans(
                block.search,
                self.texts,
                lambda: self._rarest(block.search, _squeezed),
                _squeezed,
                MOST_FITTED,
            )
        )
        if not found:
            return None
        first, end = next(iter(found.items()))
        as_there = replace(block, search=tuple(self.texts[first:end]))
        places = wanted.narrow(as_there, list(found))
        if len(places) != 1:
            return _ambiguous(places, words) if places else None
        at = places[0]
        texts = self.texts[at : found[at]]
        sides = left_out.with_blank_lines(block.search, block.replacement, texts)
        if isinstance(sides, int):
            return (
                f"line {at + sides + 1} of the file is blank and left out just where lines are "
                "added. Put it in, on the side where it belongs."
            )
        new = reindented(sides[0], texts, as_typed(sides[0], texts, sides[1]))
        if new is None:
            return None
        whole = replace(block, search=sides[0], replacement=sides[1])
        return Hit(wanted, whole, at, tuple(new), nearly=True)

    def _all_fits(self, wanted: Wanted, variants: Sequence[Block]) -> Iterator[list[Hit]]:
        """The places of one variant in one form after the other, the most exact first."""
        for form in _FORMS:
            for each in variants:
                if hits := self._fits(wanted, each, form):
                    yield hits

    def _fits(self, wanted: Wanted, block: Block, form: "_Form") -> list[Hit]:
        """Every place of the block, with what would stand there."""
        hits: list[Hit] = []
        places = self._places(block.search, form)
        if form is _squeezed and len(places) * len(block.search) > MOST_FITTED:
            asked = (block.start_line or 1) - 1
            places.sort(key=lambda at: abs(at - asked))
            places = sorted(places[: max(2, MOST_FITTED // len(block.search))])
        for at in places:
            new: Sequence[str] | None = block.replacement
            if form is not _as_it_is:
                found = self.texts[at : at + len(block.search)]
                new = as_typed(block.search, found, new)
                if form is _loosely:
                    new = kept_typography(block.search, found, new)
                else:
                    new = reindented(block.search, found, new)
            if new is not None:
                hits.append(Hit(wanted, block, at, tuple(new), nearly=form is not _as_it_is))
        return hits

    def _places(self, search: Sequence[str], form: "_Form") -> list[int]:
        """Where all of these lines stand, one below the other."""
        wanted = [form(line) for line in search]
        offset, found = self._rarest(search, form)
        formed, size = self._formed[form], len(wanted)
        if len(found) * size > len(formed) + MOST_FITTED:
            return _found(wanted, formed)
        starts = (index - offset for index in found)
        return [at for at in starts if at >= 0 and formed[at : at + size] == wanted]

    def _rarest(self, search: Sequence[str], form: "_Form") -> tuple[int, Sequence[int]]:
        """Which of these lines the text has least often, and where."""
        index = self._index(form)
        found: list[Sequence[int]] = [index.get(form(line), ()) for line in search]
        offset = min(range(len(found)), key=lambda each: len(found[each]))
        return offset, found[offset]

    def _index(self, form: "_Form") -> dict[str, list[int]]:
        if form not in self._found:
            formed = self._formed.setdefault(form, [form(line) for line in self.texts])
            index: dict[str, list[int]] = {}
            for number, line in enumerate(formed):
                index.setdefault(line, []).append(number)
            self._found[form] = index
        return self._found[form]

    def nearest(self, block: Block, words: Words) -> str:
        """What to tell of a block that fits nowhere: what is wrong with it, what comes closest."""
        about = ""
        if self._hints:
            self._hints -= 1
            about = hint("\n".join(self.texts), block.search, block.replacement)
        return self._nearest(block, words, about)

    def _nearest(self, block: Block, words: Words, about: str) -> str:
        texts = self.texts
        if not texts:
            return "the file is empty."
        at, same = _closest(block.search, texts)
        if at is None:
            advice = about or " Nothing in it is similar. Read the file again."
            return f"{words.lines} is not in the file.{advice}"
        end = min(len(texts), at + min(len(block.search), SHOWN_LINES))
        wanted = {_squeezed(line) for line in block.search}
        shown = "\n".join(
            f"{' ' if _squeezed(texts[index]) in wanted else '!'}{index + 1} | {texts[index]}"
            for index in range(at, end)
        )
        exact = sum(line == texts[at + i] for i, line in enumerate(block.search[: len(texts) - at]))
        hint = " Only blanks differ; they count at the beginning of a line." if same > exact else ""
        return (
            f"{words.lines} is not in the file.{about} The nearest is in lines {at + 1}-{end} "
            f"(! marks what is not in {words.lines}).{hint}\n{shown}"
        )


def _found(wanted: Sequence[str], lines: Sequence[str]) -> list[int]:
    """Where the wanted lines stand among these, in time that does not grow with how alike they are.

    By Knuth, Morris and Pratt: `borders[n]` is how much of the first n wanted lines stands at their
    end as at their beginning, so that no line is compared anew.
    """
    borders = [0] * (len(wanted) + 1)
    length = 0
    for at in range(1, len(wanted)):
        while length and wanted[at] != wanted[length]:
            length = borders[length]
        length += wanted[at] == wanted[length]
        borders[at + 1] = length
    places: list[int] = []
    length = 0
    for at, line in enumerate(lines):
        while length and (length == len(wanted) or line != wanted[length]):
            length = borders[length]
        length += line == wanted[length]
        if length == len(wanted):
            places.append(at + 1 - length)
    return places


_Form = Callable[[str], str]


def _as_it_is(line: str) -> str:
    return line


def _loosely(line: str) -> str:
    """A line without what models get wrong unseen: trailing blanks, typographic look-alikes."""
    return line.translate(_LOOK_ALIKES).rstrip()


def _squeezed(line: str) -> str:
    """A line without its indentation too, and with one blank where there are several."""
    return " ".join(line.translate(_LOOK_ALIKES).split())


_FORMS: tuple[_Form, ...] = (_as_it_is, _loosely, _squeezed)


def _ambiguous(places: Sequence[int], words: Words) -> str:
    shown = ", ".join(str(at + 1) for at in places[:SHOWN_PLACES])
    more = " and more" if len(places) > SHOWN_PLACES else ""
    return (
        f"{words.lines} fits in {len(places)} places, beginning in lines {shown}{more}. "
        f"{words.which}"
    )


def as_typed(
    search: Sequence[str], found: Sequence[str], replacement: Sequence[str]
) -> Sequence[str]:
    """The replacement without the typographic characters that the search had and the file has not."""
    wrong = {each for line in search for each in line if ord(each) in _LOOK_ALIKES}
    wrong -= {each for line in found for each in line}
    plain = {ord(each): _LOOK_ALIKES[ord(each)] for each in wrong}
    return [line.translate(plain) for line in replacement] if plain else replacement


def kept_typography(
    search: Sequence[str], found: Sequence[str], replacement: Sequence[str]
) -> list[str]:
    """The replacement with the file's own characters where a changed line begins and ends as before."""
    kept = list(replacement)
    for at, (mine, its, new) in enumerate(zip(search, found, replacement, strict=False)):
        if mine != its and len(mine) == len(its):
            before = _alike_first(mine, new)
            behind = _alike_first(mine[before:][::-1], new[before:][::-1])
            kept[at] = its[:before] + new[before : len(new) - behind] + its[len(its) - behind :]
    return kept


def _alike_first(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


# --- variants of a block --------------------------------------------------------------------


def _variants(block: Block) -> list[Block]:
    variants = [block]
    if plain := _without_numbers(block):
        variants.append(plain)
    if inner := _without_blank_edges(variants[-1]):
        variants.append(inner)
    return variants


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


# --- putting it together --------------------------------------------------------------------


def _replaced(lines: Sequence[Line], hit: Hit) -> list[Line]:
    """The new lines: those that SEARCH and REPLACE share are the file's own, with their endings."""
    old = lines[hit.at : hit.end]
    last = lines[hit.at - 1].end if hit.at else ""
    return with_own_lines(
        old, hit.block.search, hit.block.replacement, hit.new, last or ending_of(lines)
    )


def with_own_lines(
    old: Sequence[Line],
    search: Sequence[str],
    replacement: Sequence[str],
    new: Sequence[str],
    ending: str,
) -> list[Line]:
    """`new` in the place of `old`; what `search` and `replacement` share there is as it was in `old`.

    A new line ends as the line does whose place it takes, or as the one before it; `ending` is for
    where there is none. `search` is `old` and `replacement` is `new` as the model wrote them.
    """
    result: list[Line] = []
    done = at = 0
    for first, last, put in line_edits(list(search), list(replacement)):
        result += old[done:first]
        at += first - done
        for offset, text in enumerate(new[at : at + len(put)]):
            like = min(first + offset, last - 1) if last > first else first - 1
            end = old[like].end if 0 <= like < len(old) else old[0].end if old else ""
            result.append(Line(text, end or ending))
        done, at = last, at + len(put)
    return [*result, *old[done:]]


def ending_of(lines: Sequence[Line]) -> str:
    """How the last line that ends does; a line feed where none does."""
    return next((line.end for line in reversed(lines) if line.end), "\n")


def _joined(lines: list[Line], *, ends: bool) -> str:
    """The text; its last line ends as the file's last line did, all others do end."""
    ending = ending_of(lines)
    whole = [line if line.end else replace(line, end=ending) for line in lines]
    if whole and not ends:
        whole[-1] = replace(whole[-1], end="")
    for index, (line, following) in enumerate(pairwise(whole)):
        if line.end == "\r" and not following.text and following.end.startswith("\n"):
            whole[index] = replace(line, end="\r\n")  # else the two would end one line together
    return "".join(f"{line.text}{line.end}" for line in whole)
