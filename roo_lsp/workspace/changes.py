"""What the agent changed in a file, as hunks of lines that follow whatever is edited later.

A file is its lines now and the hunks in them. Each open hunk knows the lines that would stand there
without the agent; so the text without the agent, with every edit of the user in it, is always at
hand, and no edit is ever guessed to be the agent's: what a tool wrote is told by `agent_wrote`, all
else is the user's.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel, TypeAdapter

from roo_lsp.workspace.line_diff import LineEdit, line_edits
from roo_lsp.workspace.lines import split_lines

HunkState = Literal["pending", "kept", "reverted", "edited"]
"""`edited`: the user has touched it since. What is kept or reverted stays until it is edited again."""
Lines = tuple[str, ...]
MAX_PIECES = 500
"""In more pieces, nobody looks at one after the other."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that the agent changed; `first` is counted from 0 in the text now."""

    id: str
    first: int
    before: Lines
    """What would stand there without the agent."""
    after: Lines
    """What stands there; of a reverted one, what stood there."""
    state: HunkState = "pending"
    made: tuple[Lines, Lines] | None = None
    """`before` and `after` as the agent left them; None once they cannot be told any more."""

    @property
    def is_open(self) -> bool:
        return self.state in {"pending", "edited"}

    @property
    def size(self) -> int:
        """Lines of it in the text now."""
        return len(self.before if self.state == "reverted" else self.after)

    @property
    def last(self) -> int:
        """The line behind it."""
        return self.first + self.size


@dataclass(slots=True)
class FileChanges:
    """One file that the agent wrote."""

    prefix: str
    """Of the hunks' ids."""
    lines: list[str]
    existed: bool
    """Whether there would be a file without the agent."""
    exists: bool
    hunks: list[Hunk] = field(default_factory=list[Hunk])
    """In their order in the text."""
    planned: str | None = None
    """A text that the agent is about to write, or was when something ended it."""
    numbered: int = 0
    generation: int = 0
    """Counts the changes of any of this."""

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def open(self) -> list[Hunk]:
        """The hunks that are still to be looked at."""
        return [hunk for hunk in self.hunks if hunk.is_open]

    # --- what happens to the text ---------------------------------------------------------------

    def agent_wrote(self, text: str | None) -> None:
        """A tool made it this text; None: it removed the file."""
        self.planned = None
        self.exists = text is not None
        self._edit(split_lines(text or ""), agent=True)

    def now_is(self, text: str) -> None:
        """What the text is now, whoever made it so."""
        if self.planned is not None:
            planned, self.planned = self.planned, None
            if text != self.text or not self.exists:
                self.agent_wrote(planned)
        lines = split_lines(text)
        if lines != self.lines:
            self._edit(lines, agent=False)

    def without(self, hunks: Iterable[Hunk]) -> str:
        """The text now, with the lines before the agent's in place of these hunks."""
        ids = {hunk.id for hunk in hunks}
        lines = list(self.lines)
        for hunk in reversed(self.hunks):
            if hunk.id in ids:
                lines[hunk.first : hunk.last] = hunk.before
        return "".join(lines)

    def kept(self, ids: Collection[str]) -> None:
        """The user wants these to stay: from now on they are the user's own."""
        self.generation += 1
        self.existed = self.exists
        self.hunks = [replace(h, state="kept") if h.id in ids else h for h in self.hunks]

    def reverted(self, ids: Collection[str]) -> None:
        """The text was made what `without` says of these."""
        text = self.without(hunk for hunk in self.hunks if hunk.id in ids)
        if all(hunk.id in ids for hunk in self.open):
            self.exists = self.existed = self.existed or bool(text)
        shift, hunks = 0, list[Hunk]()
        for hunk in self.hunks:
            moved = replace(hunk, first=hunk.first + shift)
            if hunk.id in ids:
                self.lines[moved.first : moved.last] = hunk.before
                shift += len(hunk.before) - len(hunk.after)
                moved = replace(moved, state="reverted")
            hunks.append(moved)
        self.hunks = hunks
        self.generation += 1
        # Two lines may have become one: an end that is "\r" before a line that is "\n".
        self.now_is(text)

    # --- following ------------------------------------------------------------------------------

    def _edit(self, lines: list[str], *, agent: bool) -> None:
        self.generation += 1
        for edit in reversed(_fewer(line_edits(self.lines, lines), self.lines)):
            self._replace(edit, agent=agent)
        self.hunks = [hunk for hunk in self.hunks if not self._is_nothing(hunk)]
        if self.existed != self.exists and not self.open:
            self.hunks.insert(0, Hunk(self._new_id(), 0, (), (), made=((), ())))

    def _is_nothing(self, hunk: Hunk) -> bool:
        """An empty file that was made, or one that is gone, is a change without lines."""
        return hunk.is_open and hunk.before == hunk.after and self.existed == self.exists

    def _replace(self, edit: LineEdit, *, agent: bool) -> None:
        hit = [h for h in self.hunks if _touches(edit, h, adjacent=agent and h.is_open)]
        merged = [hunk for hunk in hit if hunk.is_open]
        grown = self._grown(edit, merged, agent=agent) if agent or merged else None
        shift = len(edit.new) - (edit.last - edit.first)
        self.lines[edit.first : edit.last] = edit.new
        hunks = [
            replace(hunk, first=hunk.first + shift) if hunk.first >= edit.last else hunk
            for hunk in self.hunks
            if all(hunk is not each for each in hit)
        ]
        if grown is not None:
            place = sum(hunk.first < grown.first or hunk.last <= grown.first for hunk in hunks)
            hunks.insert(place, grown)
        self.hunks = hunks

    def _grown(self, edit: LineEdit, merged: Sequence[Hunk], *, agent: bool) -> Hunk:
        """One hunk for the edit and the hunks it touches; called before the lines are changed."""
        first = min([edit.first, *(hunk.first for hunk in merged)])
        last = max([edit.last, *(hunk.last for hunk in merged)])
        before = list[str]()
        at = first
        for hunk in merged:
            before += [*self.lines[at : hunk.first], *hunk.before]
            at = hunk.last
        before += self.lines[at:last]
        after = [*self.lines[first : edit.first], *edit.new, *self.lines[edit.last : last]]
        skipped, sides = _trimmed(before, after)
        if agent:
            edited = any(hunk.state == "edited" for hunk in merged)
            made = None if edited else sides
        else:
            made = merged[0].made if len(merged) == 1 else None
        return Hunk(
            merged[0].id if merged else self._new_id(),
            first + skipped,
            *sides,
            "pending" if sides == made else "edited",
            made,
        )

    def _new_id(self) -> str:
        self.numbered += 1
        return f"{self.prefix}-{self.numbered}"


def _touches(edit: LineEdit, hunk: Hunk, *, adjacent: bool) -> bool:
    """Whether an edit changes lines of a hunk, or (`adjacent`) beside it."""
    first, last = hunk.first, hunk.last
    if adjacent:
        return edit.first <= last and first <= edit.last
    if edit.first == last and hunk.before and not hunk.before[-1].endswith(("\n", "\r")):
        return True  # behind it: put back, its last line would run into what stands there
    if edit.first == edit.last:
        return first < edit.first < last
    if first == last:
        return edit.first < first < edit.last
    return edit.first < last and first < edit.last


def _fewer(edits: list[LineEdit], lines: list[str]) -> list[LineEdit]:
    """At most `MAX_PIECES` of them: those with the least between them become one."""
    gap = 1
    while len(edits) > MAX_PIECES:
        joined = edits[:1]
        for edit in edits[1:]:
            near = joined[-1]
            if edit.first - near.last <= gap:
                near.new.extend([*lines[near.last : edit.first], *edit.new])
                joined[-1] = LineEdit(near.first, edit.last, near.new)
            else:
                joined.append(edit)
        edits, gap = joined, gap * 2
    return edits


def _trimmed(before: list[str], after: list[str]) -> tuple[int, tuple[Lines, Lines]]:
    """Both without the lines that they begin and end with alike, and how many those at the head are."""
    short = min(len(before), len(after))
    head = next((at for at in range(short) if before[at] != after[at]), short)
    rest = short - head
    tail = next((at for at in range(rest) if before[-1 - at] != after[-1 - at]), rest)
    sides = (
        tuple(before[head : len(before) - tail]),
        tuple(after[head : len(after) - tail]),
    )
    return head, sides


# --- stored -----------------------------------------------------------------------------------


class Stored(BaseModel):
    """A file's changes as they are stored."""

    path: str
    text: str
    existed: bool
    exists: bool
    planned: str | None
    numbered: int
    hunks: list[Hunk]


def stored(path: str, file: FileChanges) -> str:
    """The JSON of a file's changes."""
    return Stored(
        path=path,
        text=file.text,
        existed=file.existed,
        exists=file.exists,
        planned=file.planned,
        numbered=file.numbered,
        hunks=file.hunks,
    ).model_dump_json()


def from_stored(prefix: str, text: str) -> tuple[str, FileChanges]:
    """The path and the changes that were stored.

    Raises:
        ValueError: it is not what `stored` writes.
    """
    value = _STORED.validate_json(text)
    lines = split_lines(value.text)
    file = FileChanges(
        prefix, lines, value.existed, value.exists, value.hunks, value.planned, value.numbered
    )
    if any(hunk.last > len(lines) for hunk in file.hunks):
        raise ValueError("a hunk lies behind the end")
    return value.path, file


_STORED = TypeAdapter(Stored)
