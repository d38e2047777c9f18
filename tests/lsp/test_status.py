"""The line of a status bar: what each event says, what stands, and what it says while nothing happens."""

import asyncio
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from roo_lsp.agent import events
from roo_lsp.agent.columns import columns, one_line
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentEvent,
    AgentMessageChunk,
    AgentThoughtChunk,
    CheckpointTaken,
    CommandsOffered,
    ConversationCondensed,
    ConversationRewound,
    FileChanged,
    ModeChanged,
    ModelAtWork,
    PermissionAsked,
    PermissionSettled,
    PlanUpdated,
    QuestionAnswered,
    QuestionAsked,
    Queued,
    Retrying,
    StateChanged,
    StopReason,
    SubtaskChanged,
    SurroundingsTold,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
    UsageUpdated,
    UserImageChunk,
    UserMessageChunk,
)
from roo_lsp.agent.ports import Usage
from roo_lsp.agent.tool import Diff, Todo, ToolKind
from roo_lsp.lsp.surfaces import progress
from roo_lsp.lsp.surfaces.progress import Progress
from roo_lsp.tasks.status_line import LINE_LENGTH, StatusLine, elapsed_text

LONG = "packages/server/src/handlers/authentication/providers/openid_connect_tokens.py"
WORDS = "a sentence that goes on and on " * 5
DIFF = Diff(Path("/w/a.py"), "a", "b")
ERROR = RooError("connection_failed", "No answer from http://127.0.0.1:1.", "Start the server.")


DOING = {"Read": "Reading", "Edit": "Editing", "Run": "Running"}


def running(title: str, output: str = "") -> ToolCallUpdated:
    verb = DOING.get(title.partition(" ")[0], "")
    return ToolCallUpdated("c", "in_progress", title=title, output=output, verb=verb)


def quiet(status: Any, title: str) -> ToolCallUpdated:
    return ToolCallUpdated("c", status, title=title, quiet=True)


def done(title: str, **more: Any) -> ToolCallUpdated:
    return ToolCallUpdated("c", "completed", title=title, **more)


def failed(title: str, text: str, **more: Any) -> ToolCallUpdated:
    return ToolCallUpdated("c", "failed", title=title, text=text, **more)


EVERY: Sequence[AgentEvent] = (
    UserMessageChunk("Fix the tests\n\nThe user points at:\nFile: a.py"),
    UserMessageChunk(WORDS),
    SurroundingsTold(WORDS),
    UserImageChunk("file:///w/a%20b.png", "image/png", 10),
    AgentMessageChunk("I look at it."),
    AgentMessageChunk(WORDS),
    AgentThoughtChunk("hm"),
    ToolCallStarted("c", "write_to_file", ToolKind.EDIT),
    ToolCallArguments("c", "{", 10, "write_to_file"),
    ToolCallArguments("c", "{", 12_345, "search_files"),
    ToolCallArguments("c", "{", 500, "write_to_file", "Writing src/app.py", 120),
    ToolCallUpdated("c", "pending", title="Edit src/app.py"),
    running("Read src/app.py 1-80"),
    running(f"Edit {LONG}"),
    running("Run pytest -q", "line\ncollected 10 items\n"),
    running(f"Run pytest -q {LONG} --maxfail 1", "collected 10 items " * 9),
    quiet("in_progress", "Todo list: 1 of 3 done"),
    quiet("in_progress", "Ask: Which?"),
    quiet("in_progress", "Done"),
    done("Read src/app.py"),
    done("Run pytest -q", meta={"exitCode": 0}),
    done("Run pytest -q", meta={"exitCode": 2}),
    done("Edit src/app.py", diffs=(DIFF,)),
    quiet("completed", "Todo list: 1 of 3 done"),
    quiet("completed", "Done"),
    failed("Edit src/app.py", "The text to search for is not there.\nMore."),
    failed("Run rm -rf /", "The user denied this call. They said: no", denied=True),
    failed("read_file", ""),
    PermissionAsked("r1", "c", "Run pytest -q", []),
    PermissionSettled("r1", "allow_once", "x"),
    PermissionSettled("r1", "allow_always", "x"),
    PermissionSettled("r1", "reject_once", "x"),
    PermissionSettled("r1", "reject_always", "x"),
    PermissionSettled("r1", "cancelled", "x"),
    QuestionAsked("q1", "Which of the two do you want?", ["a"]),
    QuestionAnswered("q1", "The first"),
    QuestionAnswered("q1", None),
    ModelAtWork(20, 120, 6.0),
    Queued("msg_1", "And in French"),
    Queued("msg_1", "And in French", "returned"),
    PlanUpdated([Todo("read", "completed"), Todo("write", "in_progress"), Todo("test", "pending")]),
    UsageUpdated(Usage(1, 2), 10, 100, 0.1),
    ModeChanged("ask"),
    SubtaskChanged("t", "Find the cause", "running", "c"),
    SubtaskChanged("t", "Find the cause", "waiting", "c"),
    SubtaskChanged("t", "Find the cause", "idle", "c"),
    Retrying(2, 5, 30.4, "rate limited", 429),
    Retrying(0, 5, 8, "the limit you set"),
    ConversationCondensed(120_000, 9_000, "summary"),
    ConversationCondensed(120_000, 9_000, "truncation", "the model gave none"),
    CheckpointTaken("1", "Before"),
    CommandsOffered([{"name": "init", "description": "Write AGENTS.md"}]),
    ConversationRewound(4),
    FileChanged("file:///w/a%20b.py", 3, 1),
    FileChanged("file:///w/a.py", 3, 1, "reverted"),
    StateChanged("running"),
    StateChanged("waiting"),
    StateChanged("failed", "error", ERROR),
    *(StateChanged("idle", stop) for stop in get_args(StopReason)),
)


def test_every_event_says_this() -> None:
    classes = {
        each
        for each in vars(events).values()
        if dataclasses.is_dataclass(each) and hasattr(each, "update")
    }
    assert classes == {type(each) for each in EVERY}
    lines = [f"{type(each).__name__:22}{StatusLine().heard(each)}" for each in EVERY]
    assert "\n".join(lines) == snapshot("""\
UserMessageChunk      You: Fix the tests
UserMessageChunk      You: a sentence that goes on and on a sentence that goes on and on a …
SurroundingsTold      \

UserImageChunk        You add a b.png
AgentMessageChunk     I look at it.
AgentMessageChunk     … and on a sentence that goes on and on a sentence that goes on and on
AgentThoughtChunk     Thinking…
ToolCallStarted       Calling write_to_file…
ToolCallArguments     \n\
ToolCallArguments     Calling search_files · 12.3 KB
ToolCallArguments     Writing src/app.py · 120 lines
ToolCallUpdated       \n\
ToolCallUpdated       Reading src/app.py 1-80…
ToolCallUpdated       Editing packages/server/…/providers/openid_connect_tokens.py…
ToolCallUpdated       Running pytest -q · collected 10 items
ToolCallUpdated       Running pytest -q … · collected 10 items collected 10 items collected …
ToolCallUpdated       \n\
ToolCallUpdated       \n\
ToolCallUpdated       \n\
ToolCallUpdated       Done: Read src/app.py
ToolCallUpdated       Done: Run pytest -q
ToolCallUpdated       Exit code 2: Run pytest -q
ToolCallUpdated       \n\
ToolCallUpdated       \n\
ToolCallUpdated       \n\
ToolCallUpdated       Failed: Edit src/app.py: The text to search for is not there.
ToolCallUpdated       Denied: Run rm -rf /
ToolCallUpdated       Failed: read_file
PermissionAsked       Waiting for you: Run pytest -q?
PermissionSettled     Approved
PermissionSettled     Approved, also from now on
PermissionSettled     Denied
PermissionSettled     Denied, also from now on
PermissionSettled     Withdrawn
QuestionAsked         Waiting for your answer: Which of the two do you want?
QuestionAnswered      You: The first
QuestionAnswered      \n\
ModelAtWork           Model at work · 20 s · 120 tokens, 6.0/s
Queued                Queued: And in French
Queued                Not sent: And in French
PlanUpdated           Plan: 1/3 done, now: write
UsageUpdated          \n\
ModeChanged           Mode: ask
SubtaskChanged        Subtask: Find the cause…
SubtaskChanged        Subtask waits: Find the cause
SubtaskChanged        Subtask over: Find the cause
Retrying              Retry 2/5 in 30 s: rate limited
Retrying              Next request in 8 s: the limit you set
ConversationCondensed Condensed the conversation: 120.0k → 9.0k tokens
ConversationCondensed Left out the oldest messages: 120.0k → 9.0k tokens (no summary: the …
CheckpointTaken       \n\
CommandsOffered       \n\
ConversationRewound   Went back to an earlier place in the conversation
FileChanged           Changed a b.py +3 -1
FileChanged           Reverted a.py +3 -1
StateChanged          Working…
StateChanged          \n\
StateChanged          Failed: No answer from http://127.0.0.1:1. Start the server.
StateChanged          Done
StateChanged          Stopped: the model's output limit cut the answer off
StateChanged          Stopped at a limit you set
StateChanged          The model refused to answer
StateChanged          Cancelled
StateChanged          Failed\
""")


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Bar:
    clock: Clock = field(default_factory=Clock)
    line: StatusLine = field(init=False)

    def __post_init__(self) -> None:
        self.line = StatusLine(self.clock)

    def after(self, seconds: float, event: AgentEvent | None = None) -> str:
        self.clock.now += seconds
        return self.line.still() if event is None else self.line.heard(event)


def test_what_takes_long_says_for_how_long() -> None:
    bar = Bar()
    assert bar.after(0, UserMessageChunk("Fix it")) == "You: Fix it"
    assert bar.after(5) == "Waiting for the model · 5 s"
    assert bar.after(70) == "Waiting for the model · 1 min 15 s"
    assert (
        bar.after(5, ModelAtWork(80, 500, 6.2)) == "Model at work · 1 min 20 s · 500 tokens, 6.2/s"
    )
    assert bar.after(4) == "Model at work · 1 min 24 s · 500 tokens, 6.2/s", "until it speaks"
    assert bar.after(1, AgentThoughtChunk("hm")) == "Thinking…"
    assert bar.after(4, AgentThoughtChunk("hm")) == "Thinking · 4 s"
    assert bar.after(5) == "Thinking · 9 s"
    assert bar.after(1, ToolCallStarted("c", "write_to_file", ToolKind.EDIT)) == (
        "Calling write_to_file…"
    )
    grows = ToolCallArguments("c", "", 500, "write_to_file", "Writing a.py", 40)
    assert bar.after(6, grows) == "Writing a.py · 6 s · 40 lines"
    assert bar.after(1, running("Run pytest -q")) == "Running pytest -q…"
    assert bar.after(2, running("Run pytest -q", "a\nb\n")) == "Running pytest -q · b"
    assert bar.after(12) == "Running pytest -q · 14 s · b"
    assert bar.after(0, done("Run pytest -q")) == "Done: Run pytest -q"
    assert bar.after(6) == "Waiting for the model · 6 s"


def test_what_waits_for_the_user_stands_until_it_is_answered() -> None:
    bar = Bar()
    asked = "Waiting for you: Run pytest -q?"
    bar.after(0, running("Read a.py"))
    assert bar.after(0, PermissionAsked("r1", "c", "Run pytest -q", [])) == asked
    for event in (
        StateChanged("waiting"),
        done("Read a.py"),
        running("Run sleep", "output in the background"),
        AgentMessageChunk("words"),
        QuestionAsked("q1", "Which?", []),
        CheckpointTaken("1", "x"),
    ):
        assert bar.after(10, event) == asked
    assert bar.after(1000) == asked
    assert bar.after(0, PermissionSettled("r1", "reject_once", "x")) == (
        "Waiting for your answer: Which?"
    )
    assert bar.after(0, QuestionAnswered("q1", "This")) == "You: This"


def test_a_pause_tells_its_own_length_and_then_the_model_is_waited_for() -> None:
    bar = Bar()
    pause = bar.after(0, Retrying(1, 5, 30, "rate limited", 429))
    assert bar.after(20) == pause == "Retry 1/5 in 30 s: rate limited"
    assert bar.after(15) == "Waiting for the model · 5 s"


def test_the_last_word_of_a_turn_stands() -> None:
    bar = Bar()
    assert bar.after(0, StateChanged("idle", "end_turn")) == "Done"
    assert bar.after(60) == "Done"


def test_the_end_of_what_is_said_stands_while_it_is_said() -> None:
    bar = Bar()
    assert bar.after(0, AgentMessageChunk("First paragraph.\n\nSecond ")) == "Second"
    assert bar.after(0, AgentMessageChunk("one.")) == "Second one."
    assert bar.after(30) == "Second one."


def test_times_are_told_as_people_do() -> None:
    assert [elapsed_text(each) for each in (3, 59, 60, 125)] == [
        "3 s", "59 s", "1 min 0 s", "2 min 5 s",
    ]  # fmt: skip


names = st.text(st.characters(codec="utf-8"), max_size=300)


@given(
    st.lists(
        st.one_of(
            names.map(UserMessageChunk),
            names.map(AgentMessageChunk),
            names.map(running),
            st.tuples(names, names).map(lambda both: running(*both)),
            st.tuples(names, names).map(lambda both: failed(*both)),
            names.map(lambda name: PermissionAsked(name, "c", name, [])),
            names.map(lambda name: QuestionAsked(name, name, [])),
            names.map(lambda name: FileChanged(f"file:///{name}", 1, 2)),
            names.map(lambda name: ToolCallArguments("c", "", 900, name, name, 3)),
        ),
        max_size=6,
    ),
    st.integers(0, 4000),
)
def test_whatever_happens_the_line_is_one_line_that_fits(
    happened: list[AgentEvent], seconds: int
) -> None:
    bar = Bar()
    for event in happened:
        line = bar.after(0, event)
        for each in (line, bar.after(seconds)):
            assert columns(each) <= LINE_LENGTH
            assert each == one_line(each)


@dataclass
class Wire:
    """What a client is told."""

    values: list[dict[str, Any]] = field(default_factory=list)
    congested: bool = False
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def send_notification_frame(self, method: str, params: dict[str, Any]) -> None:
        self.values.append(params["value"])
        self.moved.set()

    def create_progress(self, token: str) -> None:
        pass

    @property
    def messages(self) -> list[str]:
        return [each["message"] for each in self.values]


def reporter(wire: Wire) -> Progress:
    return Progress(wire, supported=True, extension=False)  # pyright: ignore[reportArgumentType] -- as much of a protocol as is used


def roo(task: str) -> dict[str, Any]:
    return {"taskId": task, "seq": 1}


async def test_a_client_hears_how_long_it_takes_while_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "BEAT_SECONDS", 0.01)
    wire, clock = Wire(), Clock()
    it, status = reporter(wire), StatusLine(clock)
    it.begin("t", "Fix it", status)
    it.send(roo("t"), status.heard(running("Run make")))
    clock.now += 7
    wire.moved.clear()
    async with asyncio.timeout(60):
        await wire.moved.wait()
    assert wire.messages == ["Fix it", "Running make…", "Running make · 7 s"]
    assert "roo" not in wire.values[-1]
    it.end("t", "Done")
    assert it._status == {}


async def test_what_one_task_waits_for_stands_while_another_goes_on() -> None:
    wire = Wire()
    it, one, two = reporter(wire), StatusLine(), StatusLine()
    it.begin("one", "One", one)
    it.begin("two", "Two", two)
    it.send(roo("one"), one.heard(PermissionAsked("r", "c", "Run make", [])))
    it.send(roo("two"), two.heard(running("Read a.py")))
    one.heard(PermissionSettled("r", "allow_once", "x"))
    it.send(roo("two"), two.heard(running("Read b.py")))
    waits = "Waiting for you: Run make?"
    assert wire.messages == ["One", waits, waits, "Reading b.py…"]
    assert wire.values[2]["roo"] == roo("two")
    it.end("one", "")
    it.end("two", "Done")
