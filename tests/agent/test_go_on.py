"""A turn that a server left in the middle of an answer's calls goes on, and runs nothing twice."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from roo_lsp.agent.approval import Ask, Decision, PermissionRequest
from roo_lsp.agent.calls import NOT_RUN, LeftCalls
from roo_lsp.agent.conversation import History
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.events import SurroundingsTold
from roo_lsp.agent.finishing import answer_of
from roo_lsp.agent.guards import Limits
from roo_lsp.agent.loop import go_on, run_turn
from roo_lsp.agent.messages import (
    INTERRUPTED,
    AssistantMessage,
    HistoryEntry,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import TextDelta
from roo_lsp.agent.tool import SubtaskWanted, ToolResult
from tests.support.scripted import AnswersWith, Rig, calls, rig, says, tool

ASKED = UserMessage("Do it")
CALLS = AssistantMessage(
    calls=tuple(ToolCall(f"c{n}", "run", f'{{"word":"{n}"}}') for n in range(4))
)
DONE = ToolMessage("c0", "0")


@dataclass
class Left:
    """A task whose server ended when the first call was done and the second had begun."""

    denied: dict[str, tuple[str, Decision]] = field(default_factory=dict[str, Any])
    ran: list[str] = field(default_factory=list[str])
    stored: list[HistoryEntry] = field(default_factory=list[HistoryEntry])
    over: int = 0

    async def goes_on(self, *, ends: bool = False) -> Rig:
        def run(word: str) -> str:
            self.ran.append(word)
            return word

        def over() -> None:
            self.over += 1

        it = rig(says("ok"), tools=[tool("run", run, group="execute", ends_turn=ends)], prompt="")
        it.agent.history = History(self.stored.append, [ASKED, CALLS, DONE])
        assert it.agent.history.unfinished() == (CALLS, {"c0": DONE})
        left = LeftCalls(CALLS, {"c0": DONE}, {"c1"}, lambda: self.denied, over)
        assert await go_on(it.agent, left) == "end_turn"
        return it


async def test_what_may_have_run_is_told_as_interrupted_and_the_rest_is_run() -> None:
    left = Left()
    it = await left.goes_on()
    assert left.ran == ["2", "3"]
    assert it.results == ["0", INTERRUPTED, "2", "3"]
    assert [m.text for m in it.model.requests[0].messages] == ["Do it", "", *it.results]
    stored = [each.call_id for each in left.stored if isinstance(each, ToolMessage)]
    assert sorted(stored) == ["c1", "c2", "c3"], "each is stored once, and what was stored is not"
    assert left.over == 1


@dataclass
class Parts:
    """`Subtasks` of which one goes on."""

    results: list[ToolResult | ToolError]

    def refusal(self) -> str | None:
        return None

    async def run(self, wanted: SubtaskWanted) -> ToolResult:
        raise NotImplementedError

    async def rejoin(self, call_id: str, task_id: str) -> ToolResult:
        result = self.results.pop()
        if isinstance(result, ToolError):
            raise result
        return replace(result, text=f"{task_id} for {call_id}: {result.text}")


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (Parts([ToolResult("done")]), "t1 for c1: done"),
        (Parts([ToolError("It was deleted.")]), "It was deleted."),
        (None, "The subtask cannot be gone on with here."),
    ],
)
async def test_a_call_whose_subtask_goes_on_gets_its_result_and_is_not_run_again(
    parts: Parts | None, told: str
) -> None:
    ran: list[str] = []
    it = rig(says("ok"), tools=[tool("run", ran.append)], prompt="")
    it.agent.context = replace(it.agent.context, subtasks=parts)
    it.agent.history = History(lambda _: None, [ASKED, CALLS, DONE])
    rest = {call.id: ToolMessage(call.id, "") for call in CALLS.calls if call.id != "c1"}
    left = LeftCalls(CALLS, rest, frozenset(), dict, lambda: None, {"c1": "t1"})
    assert await go_on(it.agent, left) == "end_turn"
    assert (ran, it.results[1]) == ([], told)


async def test_what_was_denied_meanwhile_is_not_run_nor_is_what_follows_it() -> None:
    left = Left({"c2": ("Run 2", Decision("reject_once", "editor", "Not now."))})
    it = await left.goes_on()
    assert left.ran == []
    assert it.results[2].endswith("They said: Not now.")
    assert it.results[3] == NOT_RUN
    assert left.over == 1


async def test_a_call_that_ends_the_turn_ends_it_there_too() -> None:
    it = await Left().goes_on(ends=True)
    assert it.model.requests == []


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [DONE],
        [ASKED],
        [ASKED, AssistantMessage("Well")],
        [ASKED, AssistantMessage(calls=CALLS.calls[:1]), DONE],
    ],
)
def test_a_conversation_in_which_no_call_is_left_is_not_reopened(
    entries: list[HistoryEntry],
) -> None:
    history = History(lambda _: None, entries)
    before = list(history.messages)
    assert history.unfinished() is None
    history.reopen()
    assert history.messages == before


def test_a_history_that_is_read_anew_is_stored_where_it_was() -> None:
    stored: list[HistoryEntry] = []
    history = History(stored.append, [ASKED]).read_anew([ASKED, AssistantMessage("Well")])
    history.append(UserMessage("More"))
    assert [each.text for each in history.messages] == ["Do it", "Well", "More"]
    assert stored == [UserMessage("More")]


async def test_where_nobody_can_be_asked_the_turn_ends_and_calls_beside_keep_their_results() -> (
    None
):
    class Gone:
        async def approve(self, request: PermissionRequest) -> Decision:
            raise asyncio.CancelledError

    it = rig(
        calls(("outside", "{}"), ("look", '{"word":"2"}')),
        tools=[tool("look", parallel=True), tool("outside", group="read", parallel=True)],
        approver=Gone(),
    )
    it.policy.verdicts["read"] = Ask("it is outside", "")
    with pytest.raises(asyncio.CancelledError):
        await run_turn(it.agent)
    assert it.results[0].endswith("the user was asked to allow this call. Nobody refused it.")
    assert it.results[1] == "2"


async def test_what_the_editor_shows_since_stands_behind_the_last_result() -> None:
    class Editor:
        async def told(self, *, turn: bool) -> str:
            return "" if turn else "Open now: b.py"

        def forget(self) -> None:
            raise AssertionError

    it = rig(
        calls(("look", '{"word":"1"}'), ("look", '{"word":"2"}')), says("ok"), tools=[tool("look")]
    )
    it.agent.surroundings = Editor()
    await run_turn(it.agent)
    assert it.results == ["1", "2\n\nOpen now: b.py"]
    assert it.of(SurroundingsTold) == [SurroundingsTold("Open now: b.py")]


# --- what a turn came to ---------------------------------------------------------------------


async def test_a_turn_in_which_nothing_was_said_came_to_nothing() -> None:
    it = rig(says("Never"), limits=Limits(requests=1), people=AnswersWith(answers=["Stop"]))
    it.agent.history.append(AssistantMessage("Of the turn before"))
    it.agent.budget.requests = 1
    assert await run_turn(it.agent) == "max_turn_requests"
    assert answer_of(it.agent.history.messages) == ""
    assert answer_of([]) == ""


async def test_calls_without_a_word_leave_what_was_said_before_them() -> None:
    it = rig(
        [TextDelta("I look."), *calls(("look", "{}"))],
        calls(("look", "{}"), first_id=2),
        tools=[tool("look", lambda _: "")],
        limits=Limits(requests=2),
        people=AnswersWith(answers=["Stop"]),
    )
    assert await run_turn(it.agent) == "max_turn_requests"
    assert answer_of(it.agent.history.messages) == "I look."
