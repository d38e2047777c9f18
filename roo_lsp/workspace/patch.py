"""Patches over several files, in the format of Codex's `apply_patch`: read strictly, placed surely.

    *** Begin Patch
    *** Add File: PATH              then lines with + in front
    *** Delete File: PATH
    *** Update File: PATH           then, to rename it, *** Move to: PATH, and hunks
    @@ a line above the change      may be left out, or be several
     a line that stays
    -a line that goes
    +a line that comes
    *** End of File                 says that the hunk is at the end
    *** End Patch

(https://github.com/openai/codex, `codex-rs/apply-patch`). Taken as well, for it can only mean one
thing: code fences and a heredoc around it, no first line, no blank in front of a line that stays,
blank lines left out of a hunk that fits in one place with them, a unified diff. Unlike there, a hunk that fits in several places is refused.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.blocks import Block
from roo_lsp.workspace.edits import ComparedText, Edited, Wanted, Words
from roo_lsp.workspace.lines import line_texts

FORM = """\
*** Begin Patch
*** Update File: path/of/file
@@ def function_the_change_is_in():
 line that stays
-line that goes
+line that comes
*** Add File: path/of/new_file
+line
*** Delete File: path/of/other
*** End Patch"""

WORDS = Words(
    lines="What the hunk has in its lines with a blank or - in front",
    one="hunk",
    many="hunks",
    which="Put the line with the function or class they are in behind @@, or add lines around them.",
)

_HEADER = re.compile(r"\*\*\* (Add|Delete|Update) File:\s*(.*?)\s*")
_MOVE = re.compile(r"\*\*\* Move to:\s*(.*?)\s*")
_UNIFIED = re.compile(r"@@ -(\d+)(?:,\d+)? \+\d+(?:,\d+)? @@(.*)")
_NO_FEED = re.compile(r"\\ No newline at end of file\s*")
_OLD_FILE = re.compile(r"--- (\S.*)")
_NEW_FILE = re.compile(r"\+\+\+ (\S.*)")
_BETWEEN = re.compile(r"(?:diff --git|index|new file mode|deleted file mode|similarity index) ")
NOWHERE = "/dev/null"
_BEGIN, _END, _END_OF_FILE = "*** Begin Patch", "*** End Patch", "*** End of File"


@dataclass(frozen=True, slots=True)
class PatchHunk:
    """One change: the lines behind `@@` that stand above it, and the lines before and after."""

    number: int
    """Its line in the patch, 1-based."""
    context: tuple[str, ...]
    block: Block
    at_end: bool = False

    @property
    def changes(self) -> bool:
        return self.block.search != self.block.replacement


@dataclass(frozen=True, slots=True)
class Operation:
    """What happens to one file; `content` is that of an added one."""

    kind: Literal["add", "delete", "update"]
    path: str
    move_to: str | None = None
    content: str = ""
    hunks: tuple[PatchHunk, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path it writes to, both ends of a move."""
        return (self.path,) if self.move_to is None else (self.path, self.move_to)


# --- reading --------------------------------------------------------------------------------


def parse_patch(patch: str) -> list[Operation]:
    """What a patch asks for, in its order.

    Raises:
        ToolError: the patch is not in the format; says which line is not.
    """
    lines = line_texts(patch)
    if not any(line.startswith("***") for line in lines):
        lines = _of_unified(lines)
    first, end = _bounds(lines)
    reader = _Reader(lines, end)
    at = first
    while at < end:
        if not lines[at].strip():
            at += 1
            continue
        at = reader.operation(at)
    if not reader.operations:
        raise _malformed("There is no file in the patch.")
    return reader.operations


def _of_unified(lines: Sequence[str]) -> list[str]:
    """The lines of a unified diff as those of a patch; lines keep their numbers but for the first."""
    patch: list[str] = []
    at, found = 0, False
    while at < len(lines):
        old = _OLD_FILE.fullmatch(lines[at])
        new = _NEW_FILE.fullmatch(lines[at + 1]) if old and at + 1 < len(lines) else None
        if old and new:
            found = True
            way = (_plain_name(old[1]), _plain_name(new[1]))
            if way[0] == NOWHERE:
                patch.append(f"*** Add File: {way[1]}")
            elif way[1] == NOWHERE:
                patch.append(f"*** Delete File: {way[0]}")
            else:
                patch.append(f"*** Update File: {way[0]}")
                patch += [f"*** Move to: {way[1]}"] if way[0] != way[1] else []
            adds, gone = way[0] == NOWHERE, way[1] == NOWHERE
            at += 2
            while at < len(lines) and not _OLD_FILE.fullmatch(lines[at]):
                line = lines[at]
                at += 1
                if _BETWEEN.match(line) or gone or (adds and not line.startswith("+")):
                    continue
                patch.append(line)
        else:
            at += 1
    return [_BEGIN, *patch, _END] if found else list(lines)


def _plain_name(name: str) -> str:
    """The path without the `a/` and `b/` that git puts in front, and what may follow a tab."""
    path = name.partition("\t")[0].strip()
    return path[2:] if path.startswith(("a/", "b/")) else path


def _bounds(lines: Sequence[str]) -> tuple[int, int]:
    """The lines between the first and the last, whatever is around these."""
    stripped = [line.rstrip() for line in lines]
    begins = [at for at, line in enumerate(stripped) if line == _BEGIN]
    ends = [at for at, line in enumerate(stripped) if line == _END]
    if len(begins) > 1 or len(ends) > 1:
        raise _malformed("There are several patches; make one of them.")
    if begins:
        first = begins[0] + 1
    else:
        first = next((at for at, line in enumerate(lines) if _HEADER.fullmatch(line)), len(lines))
    if not ends:
        raise _malformed(f"There is no {_END}: is all of the patch there?")
    if ends[0] < first:
        raise _malformed(f"Line {ends[0] + 1} is {_END} before any file.")
    return first, ends[0]


class _Reader:
    """Reads one operation after the other."""

    def __init__(self, lines: Sequence[str], end: int) -> None:
        self.lines = lines
        self.end = end
        self.operations: list[Operation] = []

    def operation(self, at: int) -> int:
        """Read the operation that begins in this line; where the next one begins."""
        header = _HEADER.fullmatch(self.lines[at])
        if not header:
            raise _malformed(
                f"Line {at + 1} is {_quoted(self.lines[at])} where *** Add File:, *** Delete File: "
                "or *** Update File: was expected."
            )
        kind, path = header[1], header[2]
        if not path:
            raise _malformed(f"Line {at + 1} names no file.")
        match kind:
            case "Add":
                return self._add(path, at + 1)
            case "Delete":
                self.operations.append(Operation("delete", path))
                return at + 1
            case _:
                return self._update(path, at + 1)

    def _section(self, at: int) -> int:
        """Where the operation ends whose first line this is."""
        while at < self.end and not _HEADER.fullmatch(self.lines[at]):
            at += 1
        return at

    def _add(self, path: str, at: int) -> int:
        end = self._section(at)
        lines = _without_blank_end(self.lines[at:end])
        for number, line in enumerate(lines, at + 1):
            if line.strip() and not line.startswith("+"):
                raise _malformed(
                    f"Line {number} is {_quoted(line)}: each line of an added file has + in front."
                )
        content = "".join(f"{line[1:]}\n" for line in lines)
        self.operations.append(Operation("add", path, content=content))
        return end

    def _update(self, path: str, at: int) -> int:
        end = self._section(at)
        move_to = None
        if at < end and (move := _MOVE.fullmatch(self.lines[at])):
            move_to, at = move[1], at + 1
            if not move_to:
                raise _malformed(f"Line {at} names no file to move to.")
        hunks: list[PatchHunk] = []
        while at < end:
            if not self.lines[at].strip() and not any(map(str.strip, self.lines[at:end])):
                break
            hunk, at = self._hunk(at, end)
            if hunk is not None:
                hunks.append(hunk)
        if not hunks and move_to is None:
            raise _malformed(f"The update of {path} changes nothing.")
        self.operations.append(Operation("update", path, move_to, hunks=tuple(hunks)))
        return end

    def _hunk(self, at: int, end: int) -> tuple[PatchHunk | None, int]:
        """The hunk that begins in this line, unless it only has lines that stay; and the next."""
        number = at + 1
        context: list[str] = []
        start_line = None
        while at < end and self.lines[at].startswith("@@"):
            if unified := _UNIFIED.fullmatch(self.lines[at]):
                start_line = int(unified[1]) or None
            elif named := _named(self.lines[at]):
                context.append(named)
            at += 1
        body = at
        while at < end and not self.lines[at].startswith(("@@", "***")):
            at += 1
        lines = _without_blank_end(self.lines[body:at])
        at_end = at < end and self.lines[at].rstrip() == _END_OF_FILE
        if at_end:
            at += 1
        elif at < end and self.lines[at].startswith("***"):
            raise _malformed(f"Line {at + 1} is {_quoted(self.lines[at])}, which is no part of it.")
        search, replacement = _sides(lines)
        hunk = PatchHunk(number, tuple(context), Block(search, replacement, start_line), at_end)
        return hunk if hunk.changes else None, at


def _named(line: str) -> str:
    """The line that stands behind `@@`, with a second `@@` behind it or not."""
    named = line.removeprefix("@@")
    named = named.removeprefix(" ").rstrip()
    return named.removesuffix("@@").rstrip() if named.endswith(" @@") else named


def _sides(lines: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A hunk's lines before and after the change."""
    search: list[str] = []
    replacement: list[str] = []
    for line in lines:
        sign, text = line[:1] or " ", line[1:]
        if _NO_FEED.fullmatch(line):
            continue
        if sign not in " +-":
            sign, text = " ", line  # its blank was left out; else it will not be found
        if sign != "+":
            search.append(text)
        if sign != "-":
            replacement.append(text)
    return tuple(search), tuple(replacement)


def _without_blank_end(lines: Sequence[str]) -> Sequence[str]:
    """The lines without those at the end that are not even marked as empty."""
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return lines[:end]


def _quoted(line: str) -> str:
    return line.strip() if len(line) <= 80 else f"{line[:79].strip()}…"


def _malformed(what: str) -> ToolError:
    return ToolError(f"{what} Nothing was changed. A patch has this form:\n{FORM}")


# --- applying -------------------------------------------------------------------------------


def apply_hunks(text: str, name: str, hunks: Sequence[PatchHunk]) -> tuple[Edited, list[str]]:
    """The text with every hunk in its place, and what to tell of each that has none.

    Lines that no hunk names stay as they are, to the byte, and so does the end of the file.
    """
    ground = ComparedText(text)
    wanted: list[Wanted] = []
    failures: list[str] = []
    above = _Above()
    for number, hunk in enumerate(hunks, 1):
        label = f"{name}, hunk {number} (line {hunk.number} of the patch)"
        narrow = partial(_narrowed, ground, hunk, above)
        if hunk.block.search:
            wanted.append(Wanted(label, hunk.block, narrow))
            continue
        placed = _insertion(ground, hunk)
        if isinstance(placed, str):
            failures.append(f"{label}: {placed}")
        else:
            wanted.append(Wanted(label, hunk.block, narrow, placed))
    edited, others = ground.applied(wanted, WORDS)
    return edited, [*failures, *others]


@dataclass(slots=True)
class _Above:
    """Where the last hunk that was placed ends: the others come below it."""

    end: int = 0


def _narrowed(
    ground: ComparedText, hunk: PatchHunk, above: _Above, block: Block, places: Sequence[int]
) -> Sequence[int]:
    """Which of several places can be meant: at the end, below the context, below the last hunk."""
    size = len(block.search)
    if len(places) > 1 and hunk.at_end:
        places = [at for at in places if at + size == len(ground.lines)] or places
    if len(places) > 1 and (anchors := _anchors(ground, hunk.context)):
        places = _next(anchors, places) or places
    if len(places) > 1 and len(below := [at for at in places if at >= above.end]) == 1:
        places = below
    if len(places) == 1:
        above.end = places[0] + size
    return places


def _next(anchors: Sequence[int], places: Sequence[int]) -> list[int]:
    """The first place from each anchor on; places are in order."""
    after = (bisect_left(places, anchor) for anchor in anchors)
    return sorted({places[at] for at in after if at < len(places)})


def _anchors(ground: ComparedText, context: Sequence[str]) -> list[int]:
    """Where the last line of the context stands below the others of it; several if they are."""
    found: list[int] = []
    for depth, line in enumerate(context):
        places = ground.matching(line)
        found = _next([above + 1 for above in found], places) if depth else places
    return found


def _insertion(ground: ComparedText, hunk: PatchHunk) -> int | str:
    """Where lines go that are only added: below the context, else to the end of the file."""
    if hunk.at_end or not ground.lines or not (hunk.context or hunk.block.start_line):
        return len(ground.lines)
    anchors = _anchors(ground, hunk.context)
    if len(anchors) == 1:
        return anchors[0] + 1
    if anchors:
        lines = ", ".join(str(at + 1) for at in anchors[:10])
        return f"the line behind @@ stands in lines {lines}. Add lines around the change."
    if not hunk.context:
        return "it has no line to be found by. Add the lines around the change."
    sought = replace(hunk.block, search=hunk.context[-1:])
    return ground.nearest(sought, Words(lines="The line behind @@"))
