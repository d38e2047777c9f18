"""The turn, seen from outside: what the model is told, what is shown, how it ends."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.approval import Ask, Decision, PermissionRequest, Refuse
from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
    UsageUpdated,
    UserImageChunk,
    UserMessageChunk,
)
from roo_lsp.agent.finishing import GIVEN
from roo_lsp.agent.guards import Limits
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import (
    AssistantMessage,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
    repaired,
)
from roo_lsp.agent.ports import Finished, Restarted, TextDelta, ToolCallFragment, Usage
from tests.support.scripted import AnswersWith, Rig, ScriptedPolicy, calls, rig, says, tool

DONE = tool("done", lambda word: word, ends_turn=True)


def assert_valid(messages: list[Message]) -> None:
    assert repaired(messages) == messages


async def test_plain_text_ends_the_turn_and_is_shown_as_it_comes() -> None:
    it = rig([TextDelta("Hel"), TextDelta("lo"), Finished("stop")])
    assert await run_turn(it.agent) == "end_turn"
    assert [event.text for event in it.of(AgentMessageChunk)] == ["Hel", "lo"]
    assert it.agent.history.messages == [UserMessage("Do it"), AssistantMessage("Hello")]
    assert [event.text for event in it.of(UserMessageChunk)] == ["Do it"]


async def test_a_call_is_shown_run_and_told_to_the_model() -> None:
    it = rig(calls(("echo", '{"word": "hi"}')), says("ok"), tools=[tool("echo")])
    assert await run_turn(it.agent) == "end_turn"
    assert it.model.requests[1].messages[-1] == ToolMessage("call_1", "hi")
    assert [type(event).__name__ for event in it.events[1:8]] == [
        "ToolCallStarted",
        "ToolCallArguments",
        "UsageUpdated",
        "ToolCallUpdated",
        "ToolCallUpdated",
        "ToolCallUpdated",
        "AgentMessageChunk",
    ]
    statuses = [event.status for event in it.of(ToolCallUpdated)]
    assert statuses == ["pending", "in_progress", "completed"]
    assert it.of(ToolCallUpdated)[0].raw_input == {"word": "hi"}
    assert it.of(ToolCallStarted)[0].tool == "echo"
    assert it.of(ToolCallArguments)[0].size == 14


async def test_a_completion_ends_the_turn() -> None:
    it = rig(calls(("done", '{"word": "All done"}')), tools=[DONE])
    assert await run_turn(it.agent) == "end_turn"
    shown = [each.text for each in it.events if isinstance(each, ToolCallUpdated) and each.answer]
    assert shown == ["All done"]
    assert it.results == [GIVEN], "it stands in the call already"


async def test_a_completion_does_not_end_the_turn_when_the_user_has_spoken() -> None:
    it = rig(calls(("done", '{"word": "x"}')), says("ok"), tools=[DONE])
    it.agent.brief = _then(it, lambda: it.agent.inbox.append(UserMessage("And this")))
    assert await run_turn(it.agent) == "end_turn"
    assert it.model.requests[1].messages[-1] == UserMessage("And this")


def _then(it: Rig, act: Any) -> Any:
    """The rig's brief, with an act after it was asked for the first time."""
    brief, acted = it.agent.brief(), []

    def ask() -> Any:
        if not acted:
            acted.append(act())
        return brief

    return ask


async def test_reads_of_one_answer_run_together_and_are_told_in_order() -> None:
    both = asyncio.Barrier(2)

    async def read(word: str) -> str:
        async with asyncio.timeout(60):
            await both.wait()
        return word

    slow = tool("read", read, parallel=True)
    it = rig(calls(("read", '{"word":"a"}'), ("read", '{"word":"b"}')), says("ok"), tools=[slow])
    await run_turn(it.agent)
    assert it.results == ["a", "b"]


async def test_edits_keep_the_models_order() -> None:
    seen: list[str] = []
    edit = tool("edit", seen.append)
    it = rig(calls(("edit", '{"word":"1"}'), ("edit", '{"word":"2"}')), says("ok"), tools=[edit])
    await run_turn(it.agent)
    assert seen == ["1", "2"]


@pytest.mark.parametrize(
    ("arguments", "says_what"),
    [
        ('{"word": "x', "not valid JSON"),
        ("[1]", "not an object"),
        ('{"wrod": "x"}', "wrod"),
        ('{"word": 3}', "word: Input should be a valid string"),
    ],
)
async def test_bad_arguments_are_answered_with_what_is_wrong(
    arguments: str, says_what: str
) -> None:
    it = rig(calls(("echo", arguments)), says("ok"), tools=[tool("echo")])
    await run_turn(it.agent)
    assert says_what in it.results[0]
    call = it.model.requests[1].messages[-2]
    assert isinstance(call, AssistantMessage)
    assert isinstance(json.loads(call.calls[0].arguments), dict)


async def test_an_unknown_tool_is_answered_with_the_tools_there_are() -> None:
    it = rig(calls(("nope", "{}")), says("ok"), tools=[tool("echo")])
    await run_turn(it.agent)
    assert it.results == ["There is no tool 'nope' here. The tools are: echo."]


async def test_a_call_cut_off_by_the_output_limit_is_not_run_and_told_why() -> None:
    it = rig(calls(("echo", '{"word": "ab'), finish="length"), says("ok"), tools=[tool("echo")])
    await run_turn(it.agent)
    assert "cut off by the output limit" in it.results[0]


async def test_text_cut_off_by_the_output_limit_stops_and_is_told_with_the_next_message() -> None:
    it = rig(says("half", "length"), says("rest"))
    assert await run_turn(it.agent) == "max_tokens"
    it.agent.inbox.append(UserMessage("Go on"))
    await run_turn(it.agent)
    assert it.model.requests[1].messages[-1] == UserMessage(
        "(Your last answer was cut off by the output limit.)\n\nGo on"
    )


async def test_the_users_images_are_shown_where_it_is_known_where_they_are() -> None:
    it = rig(says("A cat"), prompt="")
    images = (Image("image/png", "AAAA", "file:///w/cat.png"), Image("image/png", "AAAA"))
    it.agent.inbox.append(UserMessage("What is it?", images))
    await run_turn(it.agent)
    assert it.of(UserImageChunk) == [UserImageChunk("file:///w/cat.png", "image/png", 3)]


async def test_a_filtered_answer_is_a_refusal() -> None:
    assert await run_turn(rig(says("no", "content_filter")).agent) == "refusal"


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    it = rig([Finished("stop")], says("now"))
    assert await run_turn(it.agent) == "end_turn"
    assert it.agent.history.messages[-1] == AssistantMessage("now")


async def test_two_empty_answers_are_an_error_that_says_so_and_keep_the_users_words() -> None:
    it = rig([Finished("stop")], [Finished("stop")])
    with pytest.raises(RooError, match="nothing at all") as caught:
        await run_turn(it.agent)
    assert caught.value.code == "provider_error"
    assert it.agent.history.messages == [UserMessage("Do it")]


async def test_a_restarted_answer_counts_only_from_there() -> None:
    it = rig(
        [
            TextDelta("one"),
            ToolCallFragment(0, "call_1", "echo", "{"),
            Restarted(),
            *calls(("echo", '{"word":"two"}')),
        ],
        says("ok"),
        tools=[tool("echo")],
    )
    await run_turn(it.agent)
    assert it.results == ["two"]
    first = next(e for e in it.of(ToolCallUpdated))
    assert (first.status, first.text) == ("failed", "The stream broke; the model is asked again.")


async def test_a_denied_call_is_told_to_the_model_and_not_run_nor_are_those_after_it() -> None:
    ran: list[str] = []
    it = rig(
        calls(("edit", '{"word":"1"}'), ("edit", '{"word":"2"}')),
        says("ok"),
        tools=[tool("edit", ran.append, group="edit")],
        people=AnswersWith("reject_once", "Not this file"),
        policy=ScriptedPolicy({"edit": Ask("edits are asked", "edits")}),
    )
    await run_turn(it.agent)
    assert ran == []
    assert it.results[0] == "The user denied this call. They said: Not this file"
    assert "denied an earlier call" in it.results[1]
    assert len(it.people.asked) == 1


async def test_what_the_user_says_with_an_approval_reaches_the_model() -> None:
    it = rig(
        calls(("edit", '{"word":"1"}')),
        says("ok"),
        tools=[tool("edit", group="edit")],
        people=AnswersWith("allow_always", "Well done"),
        policy=ScriptedPolicy({"edit": Ask("edits are asked", "edits")}),
    )
    await run_turn(it.agent)
    assert it.results == ["1\n\nThe user approved and said: Well done"]
    assert it.policy.remembered == ["allow_always"]


async def test_what_policy_refuses_is_never_asked() -> None:
    it = rig(
        calls(("edit", "{}")),
        says("ok"),
        tools=[tool("edit", group="edit")],
        policy=ScriptedPolicy({"edit": Refuse("Not in this mode.")}),
    )
    await run_turn(it.agent)
    assert it.results == ["Not in this mode."]
    assert it.people.asked == []


async def test_a_path_that_leads_elsewhere_after_the_question_is_not_acted_on() -> None:
    paths = iter([("a",), ("b",)])
    policy = ScriptedPolicy({"edit": Ask("", "")}, real=lambda: next(paths))  # type: ignore[arg-type]
    it = rig(calls(("edit", "{}")), says("ok"), tools=[tool("edit", group="edit")], policy=policy)
    await run_turn(it.agent)
    assert "changed while you were asked" in it.results[0]


async def test_why_an_edit_failed_is_not_told_when_the_file_may_not_be_read() -> None:
    from dataclasses import replace
    from pathlib import Path

    from roo_lsp.agent.tool import Target

    def fails(word: str) -> None:
        raise ToolError("no match near: SECRET", "no match")

    edit = replace(
        tool("edit", group="edit", prepare=fails),
        targets=lambda arguments, context: (Target(Path("/x"), "write"),),
    )
    policy = ScriptedPolicy({"read": Ask("outside", "")})
    it = rig(calls(("edit", "{}")), says("ok"), tools=[edit], policy=policy)
    await run_turn(it.agent)
    assert it.results == ["no match"]


async def test_a_bug_in_a_tool_ends_the_call_and_not_the_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def bug(word: str) -> str:
        raise ZeroDivisionError

    it = rig(calls(("echo", "{}")), says("ok"), tools=[tool("echo", bug)])
    assert await run_turn(it.agent) == "end_turn"
    assert it.results == ["The tool failed with an internal error of roo-lsp."]
    assert "ZeroDivisionError" in caplog.text


async def test_a_bug_while_preparing_ends_the_call_and_not_the_task() -> None:
    def bug(word: str) -> None:
        raise ZeroDivisionError

    it = rig(calls(("echo", "{}")), says("ok"), tools=[tool("echo", prepare=bug)])
    assert await run_turn(it.agent) == "end_turn"
    assert "internal error" in it.results[0]


async def test_cancelling_in_a_stream_hangs_up_and_keeps_what_was_read() -> None:
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    it = rig(
        [TextDelta("Half a"), ToolCallFragment(0, "call_1", "echo"), hang], tools=[tool("echo")]
    )
    turn = asyncio.create_task(run_turn(it.agent))
    async with asyncio.timeout(60):
        await reached.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert it.model.closed == 1
    assert it.agent.history.messages[-1] == AssistantMessage(
        "Half a\n\n(This answer broke off here.)"
    )
    assert it.of(ToolCallUpdated)[-1].status == "failed"
    assert_valid(it.agent.history.messages)


async def test_cancelling_in_a_call_answers_every_call() -> None:
    reached = asyncio.Event()

    async def hang(word: str) -> str:
        reached.set()
        await asyncio.Event().wait()
        return "never"

    it = rig(
        calls(("echo", '{"word":"1"}'), ("hang", "{}"), ("echo", '{"word":"3"}')),
        tools=[tool("echo"), tool("hang", hang)],
    )
    turn = asyncio.create_task(run_turn(it.agent))
    async with asyncio.timeout(60):
        await reached.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert it.results[0] == "1"
    assert it.results[1].startswith("The task was stopped while this call ran.")
    assert it.results[2] == "Not run: the task was stopped before it was this call's turn."
    assert_valid(it.agent.history.messages)


async def test_reads_beside_one_that_waits_for_the_user_keep_their_results_when_the_task_stops():
    asked, both = asyncio.Event(), asyncio.Event()
    seen: list[str] = []

    def look(word: str) -> str:
        seen.append(word)
        if len(seen) == 2:
            asyncio.get_running_loop().call_soon(both.set)
        return word

    class Waits:
        async def approve(self, request: PermissionRequest) -> Decision:
            asked.set()
            return await asyncio.Future()

    it = rig(
        calls(("look", '{"word":"1"}'), ("outside", "{}"), ("look", '{"word":"3"}')),
        tools=[tool("look", look, parallel=True), tool("outside", group="read", parallel=True)],
        approver=Waits(),
    )
    it.policy.verdicts["read"] = Ask("it is outside", "")
    turn = asyncio.create_task(run_turn(it.agent))
    await asked.wait()
    await both.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert it.results[0] == "1"
    assert it.results[1].endswith("the user was asked to allow this call. Nobody refused it.")
    assert it.results[2] == "3"


async def test_a_command_behind_a_change_that_failed_is_not_run():
    ran: list[str] = []
    it = rig(
        calls(("change", '{"word":"a"}'), ("run", '{"word":"test"}'), ("look", "{}")),
        calls(("change", '{"word":"b"}'), ("run", '{"word":"test"}'), first_id=4),
        says("ok"),
        tools=[
            tool("change", lambda word: 1 / 0 if word == "a" else word, group="edit"),
            tool("run", lambda word: ran.append(word) or word, group="execute"),
            tool("look", group="read"),
        ],
    )
    await run_turn(it.agent)
    assert it.results[1] == "Not run, because the change before it in the same answer failed."
    assert it.results[2] == ""
    assert ran == ["test"]


async def test_an_endpoints_error_leaves_the_history_valid() -> None:
    error = RooError("connection_failed", "Refused.")
    it = rig(calls(("echo", "{}")), [TextDelta("x"), error], tools=[tool("echo")])
    with pytest.raises(RooError):
        await run_turn(it.agent)
    assert_valid(it.agent.history.messages)


async def test_failures_in_a_row_are_put_to_the_user_whose_words_go_to_the_model() -> None:
    it = rig(
        *(calls(("nope", "{}"), first_id=n) for n in range(3)),
        says("ok"),
        people=AnswersWith(answers=["Use echo"]),
    )
    assert await run_turn(it.agent) == "end_turn"
    assert "3 times in a row" in it.people.questions[0]
    assert "nope: There is no tool 'nope' here" in it.people.questions[0]
    assert it.model.requests[3].messages[-1] == UserMessage("Use echo")


async def test_the_user_can_stop_at_a_limit_and_go_on_from_it() -> None:
    it = rig(
        *(calls(("echo", f'{{"word":"{n}"}}'), first_id=n) for n in range(4)),
        says("ok"),
        tools=[tool("echo")],
        limits=Limits(requests=2),
        people=AnswersWith(answers=["Continue", "Stop"]),
    )
    assert await run_turn(it.agent) == "max_turn_requests"
    assert len(it.model.requests) == 4
    assert "roo.limits.requests" in it.people.questions[0]


@pytest.mark.parametrize(
    ("limits", "words"),
    [(Limits(steps=1), "roo.limits.steps"), (Limits(cost=0.000001), "roo.limits.cost")],
)
async def test_steps_and_cost_have_limits_too(limits: Limits, words: str) -> None:
    it = rig(
        calls(("echo", "{}")),
        tools=[tool("echo")],
        limits=limits,
        people=AnswersWith(answers=["stop"]),
    )
    assert await run_turn(it.agent) == "max_turn_requests"
    assert words in it.people.questions[0]


@pytest.mark.parametrize("cycle", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
async def test_calls_that_go_in_circles_are_not_run_a_fourth_time(cycle: list[str]) -> None:
    ran: list[str] = []
    script = [calls(("echo", f'{{"word":"{w}"}}'), first_id=n) for n, w in enumerate(cycle * 4)]
    it = rig(*script[: 3 * len(cycle) + 1], says("ok"), tools=[tool("echo", ran.append)])
    await run_turn(it.agent)
    assert len(ran) == 3 * len(cycle)
    assert "with the same result each time" in it.results[-1]


async def test_the_same_call_with_new_results_is_no_circle() -> None:
    counter = iter(range(10))
    script = [calls(("poll", "{}"), first_id=n) for n in range(6)]
    it = rig(*script, says("ok"), tools=[tool("poll", lambda word: next(counter))])
    await run_turn(it.agent)
    assert it.results == ["0", "1", "2", "3", "4", "5"]


async def test_usage_is_reported_with_its_cost_or_estimated() -> None:
    it = rig([TextDelta("x" * 400), Usage(1000, 10, 400, 0), Finished("stop")])
    await run_turn(it.agent)
    event = it.of(UsageUpdated)[0]
    assert (event.used, event.usage.estimated) == (1010, False)
    assert event.cost == pytest.approx((1000 * 1 + 10 * 2) / 1e6)  # no price of cached ones is set
    it = rig(says("x" * 400))
    await run_turn(it.agent)
    assert it.of(UsageUpdated)[0].usage == Usage(8, 103, estimated=True)


async def test_a_follow_up_said_while_the_model_answers_is_heard_in_the_same_turn() -> None:
    it = rig(says("one"), says("two"))
    it.agent.brief = _then(it, lambda: it.agent.inbox.append(UserMessage("More")))
    await run_turn(it.agent)
    assert [type(m).__name__ for m in it.agent.history.messages] == [
        "UserMessage",
        "AssistantMessage",
        "UserMessage",
        "AssistantMessage",
    ]


messages = st.lists(
    st.one_of(
        st.builds(UserMessage, st.just("u")),
        st.builds(
            AssistantMessage,
            st.just("a"),
            st.lists(st.sampled_from("abc"), unique=True, max_size=3).map(
                lambda ids: tuple(ToolCall(each, "t", "{}") for each in ids)
            ),
        ),
        st.builds(ToolMessage, st.sampled_from("abcd"), st.just("r")),
    )
)


@given(messages)
def test_any_history_can_be_made_valid_and_stays_so(history: list[Message]) -> None:
    valid = repaired(history)
    assert repaired(valid) == valid
    open_calls: list[str] = []
    for message in valid:
        if isinstance(message, ToolMessage):
            assert open_calls.pop(0) == message.call_id
        else:
            assert not open_calls
            if isinstance(message, AssistantMessage):
                open_calls = [call.id for call in message.calls]
    assert not open_calls
