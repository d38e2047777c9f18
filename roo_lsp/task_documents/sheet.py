"""One open task document: what of it is ours, what was sent of it, and how more gets into it.

The text is the editor's. We know it by its notifications, keep to our place in it whatever is typed,
and write by one edit at a time, at most one in `PAUSE` seconds, which counts as made when the text
that comes back has it. What cannot be written now is written into the text as it is then.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from roo_lsp.task_documents import front_matter
from roo_lsp.task_documents.earlier import as_you, shown_of, without_passing
from roo_lsp.task_documents.form import (
    SKELETON,
    YOU,
    bare,
    first_unsent,
    line_ending,
    message_of,
    next_message,
    sections,
)
from roo_lsp.task_documents.in_flight import Prepared, Reloaded, Sent
from roo_lsp.task_documents.inserting import OwnRegion, Woven, caught_up, is_in, moved_along, woven
from roo_lsp.task_documents.rendering import TURN_END, Chunk, Cue, Renderer
from roo_lsp.task_documents.ticks import TickableLine, Ticks, block, choice_in, ticked_in
from roo_lsp.tasks.approvals import Pending
from roo_lsp.workspace.line_diff import line_edits
from roo_lsp.workspace.lines import split_lines

log = logging.getLogger(__name__)

PAUSE = 0.5
"""Least seconds between two edits of a document."""
HOLD = 1.0
"""How long text may wait for the end of its paragraph."""
FAILURES = 20
"""So many edits in a row that an editor did not make, and we stop until the user saves."""

LOST = {"cancelled", "error"}
"""A turn that ends like this does not go on with what was queued."""

MakeEdit = Callable[[str, Callable[[], bool]], Coroutine[Any, Any, str | None]]
"""Has the editor make the document's text this one, where the other tells whether it is; why it did not."""


class Text(Protocol):
    """The open document as it is seen here: a text at an address, which changes under our hands."""

    @property
    def uri(self) -> str: ...

    @property
    def path(self) -> Path: ...

    @property
    def text(self) -> str: ...


@dataclass(slots=True, eq=False)
class Sheet:
    """One open document."""

    document: Text
    edit: MakeEdit | None
    """None: the editor takes no edits, so nothing is written here."""
    start: Callable[[Any], None]
    entries: Callable[["Sheet"], list[Pending]]
    """What waits for the user, of what is to be shown here."""
    show: Callable[[Path], str]
    gave_up: Callable[["Sheet"], None]
    withdraw: Callable[["Sheet", list[Sent]], None]
    """These messages will not be heard in the turn that just ended."""
    task_id: str = ""
    renderer: Renderer = field(init=False)
    lines: list[str] = field(init=False)
    """The text as it was seen last."""
    place: OwnRegion = field(init=False)
    sent: deque[Sent] = field(default_factory=deque[Sent])
    ticks: Ticks = field(default_factory=Ticks)
    written: set[str] = field(default_factory=set[str])
    """Ids of the entries whose lines were written here."""
    foreign: set[str] = field(default_factory=set[str])
    """Lines that an edit of the agent, or a change on disk, brought in."""
    closed: bool = False
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Messages go out in their order."""
    _keys: dict[str, str] = field(default_factory=dict[str, str])
    """What keys of the front matter should become."""
    _behind: int = 0
    """So many chunks the document lacks of what was told before it was opened; 0 once it has them."""
    _known: int = 0
    """The event that ended the last turn which stood here whole when the task was resumed."""
    _told: int = 0
    """So many sections of the user's are in it that the task heard of, when it was resumed."""
    _moves: int = 0
    """Counts what is sent and given back."""
    _pumping: bool = False
    _wanted: list[Prepared] = field(default_factory=list[Prepared])
    """Edits of the text as it is, that may still be made: an editor that asks its user is late."""
    _made: Prepared | None = None
    """The last one that was made."""
    _last: float = float("-inf")
    _held_since: float | None = None
    _failures: int = 0
    _reloaded: Reloaded | None = None

    def __post_init__(self) -> None:
        self.lines = split_lines(self.document.text)
        self.unbind()

    # --- the task ---------------------------------------------------------------------------

    def unbind(self) -> None:
        """No task: what is written below the last answer would start one."""
        self.task_id = ""
        self.sent.clear()
        self.renderer = self._renderer()
        floor = first_unsent(self.lines)
        self.place = OwnRegion(floor, floor, floor)
        self._behind = 0

    def bind(self, task_id: str) -> None:
        """It shows this new task from now on, and says so in its front matter."""
        self.task_id = self._keys[front_matter.TASK] = task_id
        self.renderer = self._renderer()
        self.poke()

    def forget_task(self) -> None:
        """The next message starts a new task; the front matter names none any more."""
        kept = self.place, deque(self.sent)
        self.unbind()
        self.place, self.sent = kept
        self._keys[front_matter.TASK] = ""

    @property
    def binding(self) -> bool:
        """The front matter is about to name another task, or none."""
        return front_matter.TASK in self._keys

    @property
    def is_written(self) -> bool:
        """Whether the editor takes what we write."""
        return self.edit is not None and self._failures < FAILURES

    @property
    def front_matter(self) -> front_matter.FrontMatter:
        """What the front matter says, or is about to say."""
        lines = self.lines
        for key, value in self._keys.items():
            lines = front_matter.with_key(lines, key, value)
        return front_matter.read(lines)

    def set_key(self, key: str, value: str) -> None:
        """Set a key of the front matter."""
        self._keys[key] = value
        self.poke()

    def resume(
        self, task_id: str, events: Sequence[Mapping[str, Any]], queued: Sequence[str] = ()
    ) -> None:
        """It goes on with a stored task: the document gets what it lacks of these events, all of them.

        `queued` was sent, and not heard so far.
        """
        self.task_id = task_id
        self._take_up(queued)
        self._catch_up(events)
        self.poke()

    def _take_up(self, queued: Sequence[str]) -> None:
        """What stands below the last answer and was sent already is not sent again."""
        self.sent.clear()
        floor = first_unsent(self.lines)
        marks: list[int] = []
        left = list(queued)
        for each in sections(self.lines):
            if each.first < floor or not left:
                continue
            if shown := shown_of(left[0], self.lines[each.first : each.last]):
                self.sent.append(Sent(left.pop(0)))
                marks.append(each.first + shown)
        end = floor
        self.place = OwnRegion(end, end, marks[-1] if marks else floor, tuple(marks))

    def _renderer(self) -> Renderer:
        return Renderer(self._heard, self._answered, self.show)

    def _catch_up(self, events: Sequence[Mapping[str, Any]]) -> None:
        seq = self._known = self._known_up_to({each["seq"]: each["update"] for each in events})
        tail = self.lines[self._tail_start(self.lines) :]
        found = list(sections(tail))
        own = [each for each in found if each.who == "you"]
        answered = {
            each.first
            for each, below in pairwise(found)
            if each.who == "you"
            and below.who == "roo"
            and not message_of(tail[each.first : each.last]).startswith("/")
        }
        self._told = 0

        def heard(text: str) -> list[str]:
            for index, each in enumerate(own[self._told :], self._told + 1):
                if shown := shown_of(text, tail[each.first : each.last]):
                    self._told = index
                    return [bare(line) for line in tail[each.first : each.first + shown]]
            for index, each in enumerate(own[self._told :], self._told + 1):
                if each.first in answered:  # it was edited since
                    self._told = index
                    return "".join(tail[each.first : each.last]).rstrip().split("\n")
            return as_you(text)

        renderer = self.renderer = Renderer(heard, lambda text: False, self.show)  # noqa: ARG005 -- a port's
        renderer.last = "block" if seq else ""
        for each in events:
            if each["seq"] > seq:
                renderer.feed(each)
        renderer.heard, renderer.answered = self._heard, self._answered
        self._behind = len(renderer.chunks)

    def _known_up_to(self, updates: Mapping[int, Mapping[str, Any]]) -> int:
        """The event that ended the last turn which stands here whole; 0 where none does."""
        for line in reversed(self.lines):
            if (found := TURN_END.match(bare(line))) is None:
                continue
            update = updates.get(int(found[1]), {})
            if update.get("sessionUpdate") == "_state" and update.get("state") in {
                "idle",
                "failed",
            }:
                return int(found[1])
        return 0

    def feed(self, roo: Mapping[str, Any]) -> None:
        """An event of its task."""
        if roo["seq"] <= self.renderer.seq:
            return
        self.renderer.feed(roo)
        update = roo["update"]
        if update["sessionUpdate"] == "_queued":
            return  # what waits stands in the document already
        if update["sessionUpdate"] == "_state" and update.get("stopReason") in LOST:
            self.withdraw(self, self._take_back())
        if not self.renderer.running:
            self._reply()
        if self.renderer.telling and self._held_since is None:
            self._held_since = asyncio.get_running_loop().time()
        self.poke()

    # --- messages ---------------------------------------------------------------------------

    @property
    def unsent(self) -> str:
        """The next of what the user wrote and did not send yet; each section is a message."""
        return next_message(self.lines, self.place.floor)[0]

    @property
    def doubtful(self) -> list[int]:
        """Lines of the unsent text that somebody else than the user put there."""
        if not self.foreign:
            return []
        return [
            number
            for number, line in enumerate(self.lines[self.place.floor :], self.place.floor)
            if line.strip() in self.foreign
        ]

    def take(self) -> Sent:
        """The next unsent message counts as sent from now on."""
        text, border = next_message(self.lines, self.place.floor)
        message = Sent(text)
        self._moves += 1
        self.place = replace(self.place, floor=border, marks=(*self.place.marks, border))
        self.sent.append(message)
        return message

    def give_back(self, message: Sent) -> None:
        """It was not sent after all."""
        if message not in self.sent:
            return
        self._moves += 1
        index = self.sent.index(message)
        marks = [*self.place.marks]
        del self.sent[index], marks[index:]
        if index == len(self.sent):  # nothing was sent below it
            self.place = replace(self.place, floor=marks[-1] if marks else self.place.end)
        self.place = replace(self.place, marks=(*marks, *self.place.marks[index + 1 :]))

    def _take_back(self) -> list[Sent]:
        """The turn ended before these were heard: they are unsent again, or stay where they are."""
        self._moves += 1
        lost = [each for each in self.sent if each.reply is None]
        if len(lost) == len(self.sent):
            self.place = replace(self.place, marks=(), floor=self.place.end)
            self.sent.clear()
            return lost
        marks = [
            mark
            for each, mark in zip(self.sent, self.place.marks, strict=False)
            if each.reply is not None
        ]
        self.place = replace(self.place, marks=tuple(marks))
        self.sent = deque(each for each in self.sent if each.reply is not None)
        return []

    def replied(self, message: Sent, lines: list[str]) -> None:
        """A command of the document has come to something, which is written below it."""
        message.reply = lines
        if not self.renderer.running:
            self._reply()
        self.poke()

    def _reply(self) -> None:
        while self.sent and self.sent[0].reply is not None:
            lines = self.sent.popleft().reply or []
            self.renderer.cue(Cue.NEXT)
            self.renderer.section()
            self.renderer.note(lines)
            self.renderer.cue(Cue.YOU)

    def _heard(self, text: str) -> list[str] | None:
        self._reply()
        if self.sent and text.startswith(self.sent[0].text):
            self.sent.popleft()
            return None
        return as_you(text)

    def _answered(self, text: str) -> bool:
        self._reply()
        if self.sent and text.startswith(self.sent[0].text):
            self.sent.popleft()
            return True
        return False

    # --- what the editor tells --------------------------------------------------------------

    def changed(self) -> None:
        """The text is another one."""
        after = split_lines(self.document.text)
        for wanted in reversed(self._wanted):
            if is_in(wanted.woven.lines, wanted.base, after):
                self._adopt(wanted)
                break
        self._wanted.clear()
        before, self.lines = self.lines, after
        self.place = moved_along(self.place, before, after)
        if next(sections(before), None) is None:  # its first headings: nothing was sent before
            floor = first_unsent(after)
            self.place = OwnRegion(floor, floor, floor)
        edits = line_edits(before, after)
        added = {line.strip() for _, _, new in edits for line in new} - {""}
        self._reloaded = None
        modified = self._on_disk()
        new = self.ticks.changed(before, after, by_user=modified is None)
        if modified is not None:
            self._reloaded = Reloaded(modified, new, added)
            self.foreign |= added

    def edited_by_agent(self, text: str) -> None:
        """A tool is about to make it this text."""
        after = split_lines(text)
        self.ticks.edited_by_agent(self.lines, after)
        edits = line_edits(self.lines, after)
        self.foreign |= {line.strip() for _, _, new in edits for line in new} - {""}

    def saved(self) -> list[TickableLine]:
        """The user saved it: what they ticked and nobody took back, by choices that are theirs."""
        reloaded, self._reloaded = self._reloaded, None
        if reloaded is not None and reloaded.modified == self._on_disk():
            # Changed and saved so quickly that both were done when we were told of the first.
            self.ticks.own |= reloaded.ticks - self.ticks.foreign
            self.foreign -= reloaded.lines
        self._failures = 0
        self.poke()
        ticked = ticked_in(self.lines)
        return [
            choice
            for key, choice in ticked.items()
            if key in self.ticks.own and choice.request_id in self.written
        ]

    def _on_disk(self) -> int | None:
        """When the file was written, where it holds exactly the text; None where it does not."""
        try:
            text = self.document.text.encode()
            facts = self.document.path.stat()
            same = facts.st_size == len(text) and self.document.path.read_bytes() == text
        except (OSError, UnicodeEncodeError):
            return None
        return facts.st_mtime_ns if same else None

    # --- writing ----------------------------------------------------------------------------

    def poke(self) -> None:
        """There may be something to write."""
        if not (self._pumping or self.closed) and self.edit is not None:
            self._pumping = True
            self.start(self._pump(self.edit))

    async def _pump(self, edit: MakeEdit) -> None:
        clock = asyncio.get_running_loop().time
        try:
            while not self.closed and self._failures < FAILURES:
                prepared = self._prepared(hurry=self._is_late(clock()))
                if prepared is None:
                    if self._held_since is None:
                        return
                    await asyncio.sleep(PAUSE)
                elif prepared.woven.lines == self.lines:
                    self._adopt(prepared)
                elif (wait := self._last + PAUSE - clock()) > 0:
                    await asyncio.sleep(wait)
                else:
                    self._last = clock()
                    await self._make(edit, prepared)
            if not self.closed:
                self.gave_up(self)
        finally:
            self._pumping = False

    def _is_late(self, now: float) -> bool:
        return self._held_since is not None and now - self._held_since >= HOLD

    async def _make(self, edit: MakeEdit, prepared: Prepared) -> None:
        text = "".join(prepared.woven.lines)
        self._wanted.append(prepared)
        reason = await edit(text, lambda: self._made is prepared)
        if self._made is prepared:
            self._failures = 0
        else:
            self._failures += 1
            log.info("%s was not written to: %s", self.document.path.name, reason)

    def _adopt(self, prepared: Prepared) -> None:
        """It is in the document."""
        self._made = prepared
        before, place = self.lines, prepared.woven.place
        self.lines = prepared.woven.lines
        for key, value in prepared.keys.items():
            if self._keys.get(key) == value:
                del self._keys[key]
        if prepared.renderer is not self.renderer:  # it shows another task since
            self.place = moved_along(self.place, before, self.lines)
            return
        if (
            prepared.moves != self._moves
        ):  # something was sent, or not after all: below what was made
            shift = len(self.lines) - len(before)
            marks = tuple(each + shift for each in self.place.marks)
            place = replace(place, floor=self.place.floor + shift, marks=marks)
        self.place = place
        if prepared.catches_up:
            self._behind = 0
        chunks = self.renderer.chunks
        for _ in range(prepared.chunks):
            if chunks.popleft().cue is Cue.NEXT and not prepared.catches_up:
                self._go_on_below()
        chunks[0].lines.taken(prepared.shown, went_on=prepared.went_on)
        self.written |= {
            choice.request_id
            for line in prepared.woven.place.shown
            if (choice := choice_in(line)) is not None
        }

    def _prepared(self, *, hurry: bool) -> Prepared | None:
        """The next edit, or None when there is nothing to write now."""
        if not bare("".join(self.lines)) and not self.task_id:
            return None
        lines, place = self.lines, self.place
        for key, value in self._keys.items():
            lines = front_matter.with_key(lines, key, value)
        place = moved_along(place, self.lines, lines)
        if self._behind:
            return self._whole(lines)
        chunk = self.renderer.chunks[0]
        given = self._ready(chunk, hurry=hurry)
        whole = len(given) == len(chunk.lines.out)
        more = len(self.renderer.chunks) > 1
        done = more and whole
        volatile = [] if more else self._volatile(lines, place)
        added = list(given)
        fresh = whole and chunk.cue is Cue.YOU and not _has_you(lines, place.end)
        if fresh:
            added += ["", YOU, ""]
        elif place.end < len(lines) and bare(lines[place.end]):
            # What stands below is kept apart; also by a blank that stood among what goes now.
            kept = place.end > place.start > 0 and bare(lines[place.start - 1])
            if added or volatile or kept:
                (added if done else volatile).append("")
        went_on = whole and chunk.lines.going_on and not more
        made = woven(
            lines,
            place,
            added,
            volatile,
            unfinished=went_on,
            ending=line_ending(lines),
            ours=lambda line: choice_in(line) is not None,
        )
        if fresh:
            border = made.place.end - 2
            now = replace(made.place, start=border, end=border, floor=border)
            made = replace(made, place=now)
        if made.lines == self.lines and not given and not done:
            return None
        return Prepared(made, int(done), [] if done else given, went_on, *self._state)

    @property
    def _state(self) -> tuple[dict[str, str], Renderer, int, list[str]]:
        """What an edit is prepared for."""
        return dict(self._keys), self.renderer, self._moves, self.lines

    def _go_on_below(self) -> None:
        """Our place moves on, below the next message."""
        marks = self.place.marks
        at = min(marks[0], len(self.lines)) if marks else self.place.end
        self.place = OwnRegion(at, at, max(self.place.floor, at), marks[1:])

    def _ready(self, chunk: Chunk, *, hurry: bool) -> list[str]:
        """The lines that may be written: all, or those up to the end of a paragraph."""
        renderer = self.renderer
        if chunk is not renderer.chunks[-1] or not renderer.telling:
            self._held_since = None
            return list(chunk.lines.out)
        if hurry:
            renderer.hurry()
            self._held_since = None
            if chunk.lines.out:
                return list(chunk.lines.out)
        out = chunk.lines.out
        end = next((at for at in range(len(out), 0, -1) if not out[at - 1]), 0)
        return out[:end]

    def _volatile(self, lines: Sequence[str], place: OwnRegion) -> list[str]:
        """What stands below for now: open calls, and what waits, with what the user ticked in it."""
        entries = self.entries(self)
        calls = {each.request.call_id or "" for each in entries if each.request is not None}
        shown = self.renderer.volatile(calls | ({""} if entries else set()))
        if not entries:
            return shown
        here = {
            choice.key: bare(line)
            for line in lines[place.start : place.end]
            if (choice := choice_in(line)) is not None
        }
        if shown or self.renderer.last:
            shown.append("")
        for entry in entries:
            for line in block(entry, self.show):
                choice = choice_in(line)
                shown.append(here.get(choice.key, line) if choice is not None else line)
        return shown

    def _whole(self, lines: list[str]) -> Prepared:
        """Everything it lacks of its task."""
        past = list(self.renderer.chunks)[: self._behind]
        updates = [line for chunk in past for line in chunk.lines.out]
        start = self._tail_start(lines)
        theirs = [
            each.first for each in sections(lines) if each.who == "you" and each.first >= start
        ]
        rest = theirs[self._told] if self._told < len(theirs) else len(lines)
        known = without_passing(lines[start:rest])
        tail, border = caught_up(known, updates, line_ending(lines))
        text = [*lines[:start], *tail, *lines[rest:]]
        end = start + border
        if text and end and not text[end - 1].endswith(("\n", "\r")):
            text[end - 1] += line_ending(lines)
        floor = max(end, first_unsent(text))
        if not self.renderer.running and not _has_you(text, end):
            ending = line_ending(lines)
            fresh = [ending] * bool(end and bare(text[end - 1])) + [f"{YOU}{ending}", ending]
            text[end:end] = fresh
            end += len(fresh) - 2
            floor = end
        marks = tuple(max(end, each) for each in moved_along(self.place, self.lines, text).marks)
        place = OwnRegion(end, end, max(floor, *marks) if marks else floor, marks)
        chunks = len(past) - 1
        shown = list(past[-1].lines.out)
        return Prepared(
            Woven(text, place),
            chunks,
            shown,
            False,  # noqa: FBT003 -- nothing goes on
            *self._state,
            catches_up=True,
        )

    def _tail_start(self, lines: Sequence[str]) -> int:
        for number in range(len(lines) - 1 if self._known else -1, -1, -1):
            found = TURN_END.match(bare(lines[number]))
            if found and int(found[1]) == self._known:
                return number + 1
        first = next(sections(lines), None)
        return first.first if first else len(lines)


def skeleton_of(lines: Sequence[str]) -> str | None:
    """What an empty document becomes; None for one that is not empty."""
    return SKELETON if not "".join(lines).strip() else None


def _has_you(lines: Sequence[str], start: int) -> bool:
    return any(each.who == "you" and each.first >= start for each in sections(lines))
