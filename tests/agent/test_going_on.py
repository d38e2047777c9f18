"""A turn is taken up where a server ended, in the middle of an answer's calls."""

import pytest

from roo_lsp.agent.calls import LeftCalls
from roo_lsp.agent.conversation import History
from roo_lsp.agent.loop import go_on
from roo_lsp.agent.messages import AssistantMessage, ToolCall, UserMessage
from tests.support.scripted import Rig, rig, says, tool


def left_by(it: Rig, *calls: ToolCall) -> LeftCalls:
    """The task's last answer made these calls, and none of them was run."""
    answer = AssistantMessage("", calls)
    it.agent.history = History(lambda message: None, [UserMessage("Do it"), answer])
    return LeftCalls(answer, {}, frozenset(), dict, lambda: None)


async def test_the_calls_are_run_and_the_model_is_told() -> None:
    it = rig(says("ok"), tools=[tool("echo")], prompt="")
    left = left_by(it, ToolCall("1", "echo", '{"word": "a"}'))
    assert await go_on(it.agent, left) == "end_turn"
    assert it.results == ["a"]
    assert [message.text for message in it.model.requests[0].messages] == ["Do it", "", "a"]


@pytest.mark.parametrize("spoken", [False, True])
async def test_a_completion_among_them_ends_the_turn_unless_the_user_has_spoken(
    spoken: bool,
) -> None:
    it = rig(says("ok"), tools=[tool("done", ends_turn=True)], prompt="One more" * spoken)
    left = left_by(it, ToolCall("1", "done", '{"word": "a"}'))
    assert await go_on(it.agent, left) == "end_turn"
    assert len(it.model.requests) == spoken


async def test_one_whose_stored_arguments_are_broken_fails_and_the_task_goes_on() -> None:
    it = rig(says("ok"), tools=[tool("echo")], prompt="")
    left = left_by(it, ToolCall("1", "echo", '{"word": '), ToolCall("2", "echo", '{"word": "b"}'))
    assert await go_on(it.agent, left) == "end_turn"
    broken, run = it.results
    assert "JSON" in broken
    assert run == "b"
