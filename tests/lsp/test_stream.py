"""Events on their way out: merged, numbered, stored as sent."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.columns import columns, one_line
from roo_lsp.agent.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    ModeChanged,
    ToolCallArguments,
    ToolCallUpdated,
)
from roo_lsp.agent.redaction import MARK
from roo_lsp.tasks.status_line import LINE_LENGTH, StatusLine
from roo_lsp.tasks.stream import EventStream
from tests.support.wire import PATIENCE


class Audience:
    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], str]] = []
        self.moved = asyncio.Event()
        self.congested = False
        self.waiting: asyncio.Future[Callable[[], object]] = asyncio.Future()

    def when_drained(self, callback: Callable[[], object]) -> None:
        self.waiting.set_result(callback)

    def begin(self, task_id: str, title: str, status: StatusLine | None = None) -> None: ...

    def end(self, task_id: str, message: str) -> None: ...

    def line(self, task_id: str, text: str) -> None: ...

    def use_token(self, task_id: str, token: str | int) -> None: ...

    def send(self, roo: dict[str, Any], message: str) -> None:
        self.sent.append((roo, message))
        self.moved.set()


class Rig:
    def __init__(self, seq: int = 0) -> None:
        self.stored: list[dict[str, Any]] = []
        self.audience = Audience()
        self.sent, self.moved = self.audience.sent, self.audience.moved
        self.stream = EventStream("t", seq, self.stored.append, self.audience)

    @property
    def updates(self) -> list[Any]:
        return [roo["update"] for roo, _ in self.sent]

    async def next(self) -> None:
        self.moved.clear()
        async with asyncio.timeout(PATIENCE):
            await self.moved.wait()


async def test_the_first_delta_goes_out_at_once_and_those_after_it_merged() -> None:
    rig = Rig()
    for word in ("a", "b", "c"):
        rig.stream(AgentMessageChunk(word))
    assert [each["content"]["text"] for each in rig.updates] == ["a"]
    await rig.next()
    assert [each["content"]["text"] for each in rig.updates] == ["a", "bc"]


KEY = "sk-canary-0123456789"


@given(st.lists(st.integers(1, 30), max_size=30), st.text(max_size=20), st.text(max_size=20))
def test_a_key_is_seen_by_nobody_however_it_comes_in_pieces(
    sizes: list[int], before: str, after: str
) -> None:
    async def told() -> str:
        rig, text = Rig(), f"{before}{KEY}{after}{KEY}"
        rig.stream.clock = itertools.count().__next__  # each goes out by itself
        rig.stream.keys.learn(KEY)
        for size in sizes:
            if text[:size]:
                rig.stream(AgentMessageChunk(text[:size]))
            text = text[size:]
        rig.stream(AgentMessageChunk(text))
        rig.stream(ModeChanged("ask"))
        assert rig.stored == [roo for roo, _ in rig.sent]
        assert all(KEY not in line for _, line in rig.sent)
        chunks = [each["content"]["text"] for each in rig.updates if "content" in each]
        return "".join(chunks)

    assert asyncio.run(told()) == f"{before}{MARK}{after}{MARK}"


async def test_the_end_of_a_text_that_might_begin_a_key_comes_with_what_follows_it() -> None:
    rig = Rig()
    rig.stream.keys.learn(KEY)
    rig.stream(AgentMessageChunk("The task"))
    rig.stream(AgentMessageChunk("s"))
    rig.stream.flush()
    assert "".join(each["content"]["text"] for each in rig.updates) == "The tasks"


async def test_what_is_sent_is_what_is_stored_with_numbers_that_go_on() -> None:
    rig = Rig(seq=41)
    rig.stream(ModeChanged("ask"))
    rig.stream(AgentMessageChunk("x"))
    rig.stream.flush()
    assert [roo["seq"] for roo in rig.stored] == [42, 43]
    assert rig.stored == [roo for roo, _ in rig.sent]
    assert set(rig.stored[0]) == {"v", "taskId", "seq", "ts", "update"}


async def test_an_event_that_is_no_delta_waits_for_nothing_and_keeps_the_order() -> None:
    rig = Rig()
    rig.stream(AgentMessageChunk("a"))
    rig.stream(AgentMessageChunk("b"))
    rig.stream(ModeChanged("ask"))
    assert [each["sessionUpdate"] for each in rig.updates] == [
        "agent_message_chunk",
        "agent_message_chunk",
        "current_mode_update",
    ]


async def test_deltas_of_different_kinds_are_not_merged() -> None:
    rig = Rig()
    rig.stream(AgentMessageChunk("a"))
    rig.stream(AgentThoughtChunk("b"))
    rig.stream(AgentMessageChunk("c"))
    rig.stream(ToolCallArguments("1", "{", 1))
    rig.stream(ToolCallArguments("2", "{", 1))
    rig.stream.flush()
    assert len(rig.sent) == 5


async def test_arguments_and_command_output_merge_within_their_call() -> None:
    rig = Rig()
    rig.stream(ModeChanged("ask"))
    rig.stream(ToolCallArguments("1", "{", 1))
    rig.stream(ToolCallArguments("1", "}", 2, title="Writing a", lines=3))
    rig.stream(ToolCallUpdated("1", "in_progress", output="x"))
    rig.stream(ToolCallUpdated("1", "in_progress", output="y"))
    rig.stream.flush()
    assert rig.updates[1]["delta"] == "{}"
    assert rig.updates[1]["bytes"] == 2
    assert rig.sent[1][1] == "Writing a · 3 lines"
    assert rig.updates[2]["_meta"]["output"] == "xy"


async def test_a_client_that_does_not_keep_up_gets_the_deltas_in_one_piece_later() -> None:
    rig = Rig()
    rig.audience.congested = True
    rig.stream(AgentMessageChunk("a"))
    async with asyncio.timeout(PATIENCE):
        drained = await rig.audience.waiting
    rig.stream(AgentMessageChunk("b"))
    assert rig.sent == []
    rig.audience.congested = False
    drained()
    assert rig.updates[0]["content"]["text"] == "ab"


async def test_lines_fit_a_status_bar_whatever_the_model_writes() -> None:
    rig = Rig()
    rig.stream(AgentMessageChunk("x" * 200 + "\n\x1b[31m\u202etail"))
    assert LINE_LENGTH - 2 < columns(rig.sent[0][1]) <= LINE_LENGTH
    assert rig.sent[0][1].startswith("…")
    assert rig.sent[0][1].endswith("tail")
    assert one_line("a\x1b[0m\u202e\u2028b") == "a [0m b"


async def test_the_last_line_stands_until_there_is_another() -> None:
    rig = Rig()
    rig.stream(ModeChanged("ask"))
    rig.stream(ToolCallArguments("1", "{", 1))
    rig.stream.flush()
    assert [message for _, message in rig.sent] == ["Mode: ask", "Mode: ask"]
