"""One task document by itself: whatever is typed where and when, and whatever of ours is written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roo_lsp.lsp.editor.documents import Document
from roo_lsp.task_documents import sheet as sheets
from roo_lsp.task_documents.sheet import Sheet

START = "# Task\n\n## You\n\nGo\n"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "PAUSE", 0)
    monkeypatch.setattr(sheets, "HOLD", 0)


@dataclass
class Desk:
    """A sheet, the editor it is in, and the task that it hears of."""

    text: str = START
    before_edit: Callable[[], None] = lambda: None
    """Somebody types when an edit is on its way."""
    sheet: Sheet = field(init=False)
    document: Document = field(init=False)
    work: set[asyncio.Task[Any]] = field(default_factory=set)
    seq: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.document = Document("file:///a.roo.md", Path("/nowhere/a.roo.md"), self.text, 1)
        self.sheet = Sheet(
            self.document,
            self.edit,
            self.start,
            lambda sheet: [],
            str,
            print,
            lambda sheet, lost: None,
        )

    def start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.work.add(task)

    async def edit(self, text: str, made: Callable[[], bool]) -> str | None:
        document, based_on = self.document, self.document.text
        await asyncio.sleep(0)
        self.before_edit()
        if document.text != based_on:
            return "stale"
        self.type(text)
        return None if made() else "not made"

    def type(self, text: str) -> None:
        self.document.text = text
        self.sheet.changed()

    @property
    def lines(self) -> list[str]:
        return self.document.text.split("\n")

    def send(self) -> None:
        message = self.sheet.take()
        if not self.sheet.task_id:
            self.sheet.bind("t1")
        self.hear("user_message_chunk", content={"type": "text", "text": message.text})

    def hear(self, kind: str, **fields: Any) -> None:
        self.seq += 1
        event = {"seq": self.seq, "taskId": "t1", "update": {"sessionUpdate": kind, **fields}}
        self.events.append(event)
        self.sheet.feed(event)

    def says(self, text: str) -> None:
        self.hear("agent_message_chunk", content={"type": "text", "text": text})

    def ends(self) -> None:
        self.hear("_state", state="idle", stopReason="end_turn")

    async def settle(self) -> str:
        """The text once nothing is left to write."""
        while self.work:
            done, self.work = self.work, set()
            await asyncio.gather(*done)
        return self.document.text.split("---\n\n", 1)[-1]


async def test_an_answer_stands_below_its_message_and_above_the_next() -> None:
    desk = Desk()
    desk.send()
    desk.says("One.\n\nTwo.")
    desk.ends()
    assert await desk.settle() == (
        "# Task\n\n## You\n\nGo\n\n## Roo\n\nOne.\n\nTwo.\n\n*Done · #3*\n\n## You\n\n"
    )


async def test_a_document_that_lacks_the_rest_of_a_turn_gets_it() -> None:
    desk = Desk()
    desk.send()
    desk.hear("_state", state="running")
    half = await desk.settle()
    assert half.endswith("## Roo\n\n*Working…*\n")
    desk.sheet.closed = True
    desk.says("One.\n\nTwo.")
    desk.ends()
    desk.open()
    desk.sheet.resume("t1", desk.events)
    assert await desk.settle() == (
        "# Task\n\n## You\n\nGo\n\n## Roo\n\nOne.\n\nTwo.\n\n*Done · #4*\n\n## You\n\n"
    )


def words(text: str, letter: str) -> list[str]:
    """Those of the user (`u1`, `u2`…) or of the model (`m1`…), in the order they stand in."""
    return [word for word in text.split() if word[0] == letter and word[1:].isdigit()]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("type"), st.integers(0, 60)),
        st.tuples(st.just("more"), st.integers(0, 60)),
        st.tuples(st.just("meanwhile"), st.integers(0, 60)),
        st.tuples(st.just("next"), st.integers(0, 1)),
        st.tuples(st.just("say"), st.integers(1, 3)),
        st.tuples(st.just("call"), st.integers(0, 1)),
        st.tuples(st.just("save"), st.just(0)),
        st.tuples(st.just("end"), st.just(0)),
        st.tuples(st.just("let"), st.integers(1, 4)),
        st.tuples(st.just("reopen"), st.just(0)),
    ),
    max_size=25,
)


@dataclass
class Story(Desk):
    """A desk where steps are taken, and that watches what our edits do to the user's words."""

    count: int = 0
    said: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """Messages that are sent and not taken up by the model yet."""
    to_send: list[str] = field(default_factory=list)
    """What was written under a heading of its own."""
    running: bool = False

    async def edit(self, text: str, made: Callable[[], bool]) -> str | None:
        assert words(text, "u") == words(self.document.text, "u")
        return await super().edit(text, made)

    def put(self, at: int, *, after: bool = False) -> None:
        """The user types a line, or at a line's end."""
        self.count += 1
        lines = self.document.text.split("\n")
        at = min(at + self._top(lines), len(lines) - 1)
        if after and not lines[at].startswith(("## ", "*", "#")):
            lines[at] = f"{lines[at]} u{self.count}".strip()
        else:
            lines.insert(at, f"u{self.count}")
        self.type("\n".join(lines))

    def _top(self, lines: list[str]) -> int:
        return lines.index("---", 1) + 1 if lines[0] == "---" else 0

    def save(self) -> None:
        while text := self.sheet.unsent:
            self.sent += words(text, "u")
            message = self.sheet.take()
            if not self.sheet.task_id:
                self.sheet.bind("t1")
            self.heard.append(message.text)
            if not self.running:
                self.take_up()

    def take_up(self) -> None:
        self.running = True
        self.hear("_state", state="running")
        for text in self.heard:
            self.hear("user_message_chunk", content={"type": "text", "text": text})
        self.heard.clear()

    def say(self, lines: int) -> None:
        for _ in range(lines):
            self.said.append(f"m{len(self.said)}")
        self.says("\n\n".join(self.said[-lines:]) + "\n\n")

    def call(self) -> None:
        self.said.append(f"m{len(self.said)}")
        for status in ("pending", "in_progress", "completed"):
            self.hear(
                "tool_call_update", toolCallId=self.said[-1], status=status, title=self.said[-1]
            )

    def end(self) -> None:
        self.ends()
        self.running = False
        if self.heard:
            self.take_up()

    async def reopen(self) -> None:
        await self.settle()
        self.sheet.closed = True
        self.text = self.document.text
        self.open()
        if self.events:
            self.sheet.resume("t1", self.events, self.heard)

    async def step(self, what: str, number: int) -> None:  # noqa: C901 -- one case a step
        match what:
            case "type":
                self.put(number)
            case "more":
                self.put(number, after=True)
            case "meanwhile":

                def once() -> None:
                    self.before_edit = lambda: None
                    self.put(number)

                self.before_edit = once
            case "reopen" if not self.heard:  # a message is another one where it was edited
                await self.reopen()
            case "next":
                self.count += 1
                self.to_send.append(f"u{self.count}")
                self.type(f"{self.document.text}\n## You\n\nu{self.count}\n")
            case "say" if self.running:
                self.say(number)
            case "call" if self.running:
                self.call()
            case "save":
                self.save()
            case "end" if self.running:
                self.end()
            case "let":
                for _ in range(number):
                    await asyncio.sleep(0)
            case _:
                pass


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
async def test_the_words_of_the_user_stay_and_are_sent_once_and_those_of_the_model_come_once(
    steps: list[tuple[str, int]],
) -> None:
    story = Story()
    story.save()
    for what, number in steps:
        await story.step(what, number)
    await story.settle()
    story.save()
    while story.running:
        story.end()
    text = await story.settle()
    assert set(story.to_send) <= set(story.sent)
    assert sorted(words(text, "u")) == sorted(f"u{number + 1}" for number in range(story.count))
    told = words(text, "m")
    if ("reopen", 0) in steps:  # a line of ours that was edited at the very end may come again
        told = list(dict.fromkeys(told))
    assert told == story.said
    assert len(story.sent) == len(set(story.sent))
    assert not set(words(story.sheet.unsent, "u")) & set(story.sent)


async def test_what_a_command_came_to_stands_below_it_and_then_it_is_your_turn() -> None:
    desk = Desk()
    desk.send()
    desk.says("One.")
    desk.ends()
    await desk.settle()
    desk.type(f"{desk.document.text}/status\n")
    desk.sheet.replied(desk.sheet.take(), ["*idle*"])
    assert (await desk.settle()).endswith(
        "*Done · #3*\n\n## You\n\n/status\n\n## Roo\n\n*idle*\n\n## You\n\n"
    )
    desk.type(f"{desk.document.text}/new\n\nFresh\n")
    message = desk.sheet.take()
    desk.sheet.forget_task()
    message.text = "Fresh"
    desk.sheet.bind("t2")
    desk.seq = 0
    desk.hear("user_message_chunk", content={"type": "text", "text": "Fresh"})
    desk.says("Two.")
    desk.ends()
    assert (await desk.settle()).endswith(
        "/new\n\nFresh\n\n## Roo\n\nTwo.\n\n*Done · #3*\n\n## You\n\n"
    )
    assert desk.document.text.startswith("---\ntask: t2\n---\n")


async def test_an_edit_that_an_editor_makes_too_late_is_known_as_ours() -> None:
    desk = Desk()
    asked: asyncio.Queue[str] = asyncio.Queue()
    late = False

    async def slowly(text: str, made: Callable[[], bool]) -> str | None:
        if not late:
            return await desk.edit(text, made)
        asked.put_nowait(text)
        await asyncio.sleep(0)
        return "it did not answer"

    desk.sheet.edit = slowly
    desk.send()
    await desk.settle()
    late = True
    desk.hear("tool_call_update", toolCallId="c", status="in_progress", title="Look")
    text = await asked.get()
    assert "… Look" in text
    desk.type(text)
    late = False
    desk.hear("tool_call_update", toolCallId="c", status="completed", title="Look")
    desk.ends()
    assert (await desk.settle()).count("Look") == 1


async def test_a_command_that_fails_is_no_success() -> None:
    desk = Desk()
    desk.send()
    desk.hear(
        "tool_call_update",
        toolCallId="c",
        status="completed",
        title="Run false",
        rawOutput="Exit code: 1",
        _meta={"exitCode": 1},
    )
    desk.ends()
    assert "- ✗ Run false (exit code 1)\n" in await desk.settle()
