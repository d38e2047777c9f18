"""One answer, whole and checked: what is asked for again, what is not run, what the user is told."""

import re

import pytest

from roo_lsp.agent.answer import CUT_OFF, MAX_CALLS, MAX_PARTIAL, TOO_MANY
from roo_lsp.agent.conversation import CALL_NATIVELY
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import Retrying, ToolCallUpdated
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage, ToolMessage, UserMessage, repaired
from roo_lsp.agent.ports import AskedAgain, Finished, ReasoningDelta, TextDelta, ToolCallFragment
from tests.support.scripted import Rig, calls, rig, says, tool

PRINTED = '<tool_call>\n{"name": "echo", "arguments": {"word": "a"}}\n</tool_call>'


def ran(word: str = "") -> str:
    return f"ran {word}"


def valid(subject: Rig) -> bool:
    messages = subject.agent.history.messages
    return repaired(messages) == messages


async def failure(subject: Rig) -> RooError:
    with pytest.raises(RooError) as caught:
        await run_turn(subject.agent)
    assert valid(subject)
    return caught.value


# --- calls that are only text ---------------------------------------------------------------------


async def test_a_printed_call_is_not_run_and_the_model_is_asked_to_call_natively():
    subject = rig(
        says(PRINTED), calls(("echo", '{"word": "b"}')), says("Done."), tools=[tool("echo", ran)]
    )
    assert await run_turn(subject.agent) == "end_turn"
    assert subject.agent.history.messages[1:3] == [
        AssistantMessage(PRINTED),
        UserMessage(CALL_NATIVELY),
    ]
    assert subject.results == ["ran b"]
    (told,) = subject.of(Retrying)
    assert "<tool_call> (Hermes, Qwen)" in told.reason
    assert valid(subject)


async def test_a_call_that_is_printed_twice_ends_the_turn_with_the_form_and_what_to_do():
    subject = rig(says(PRINTED), says(PRINTED), tools=[tool("echo", ran)])
    error = await failure(subject)
    assert error.code == "tool_calling_unsupported"
    assert "<tool_call> (Hermes, Qwen)" in error.message
    assert "--enable-auto-tool-choice --tool-call-parser" in error.hint
    assert "--jinja" in error.hint
    assert [type(m).__name__ for m in subject.agent.history.messages] == [
        "UserMessage",
        "AssistantMessage",
        "UserMessage",
        "AssistantMessage",
    ]
    assert len(subject.model.requests) == 2
    assert not subject.results


async def test_a_call_printed_in_reasoning_alone_counts_and_leaves_no_empty_answer():
    thought = [ReasoningDelta(PRINTED), Finished("stop")]
    subject = rig(thought, thought, tools=[tool("echo", ran)])
    assert (await failure(subject)).code == "tool_calling_unsupported"
    assert subject.agent.history.messages[1:] == [UserMessage(CALL_NATIVELY)]


async def test_text_beside_a_native_call_and_text_without_tools_are_only_text():
    call = [TextDelta(PRINTED), *calls(("echo", "{}"))]
    subject = rig(call, says("Done."), tools=[tool("echo", ran)])
    assert await run_turn(subject.agent) == "end_turn"
    subject = rig(says(PRINTED))
    assert await run_turn(subject.agent) == "end_turn"
    assert len(subject.model.requests) == 1


async def test_what_is_said_in_the_users_place_is_no_prompt_of_theirs():
    subject = rig(says(PRINTED), says("Done."), tools=[tool("echo", ran)])
    await run_turn(subject.agent)
    assert list(subject.agent.history.last_prompts) == [UserMessage("Do it")]


# --- arguments ------------------------------------------------------------------------------------


async def test_what_is_run_is_what_is_shown_and_stored():
    subject = rig(
        calls(("echo", '```json\n{"word": "a"}\n```')), says("Done."), tools=[tool("echo", ran)]
    )
    await run_turn(subject.agent)
    message = subject.agent.history.messages[1]
    assert isinstance(message, AssistantMessage)
    assert message.calls[0].arguments == '{"word": "a"}'
    shown = [
        event.raw_input for event in subject.of(ToolCallUpdated) if event.raw_input is not None
    ]
    assert shown == [{"word": "a"}]
    assert subject.results == ["ran a"]


async def test_two_readers_of_a_key_that_is_there_twice_cannot_differ():
    subject = rig(
        calls(("echo", '{"word": "a", "word": "b"}')), says("Done."), tools=[tool("echo", ran)]
    )
    await run_turn(subject.agent)
    assert "the key 'word' is there more than once" in subject.results[0]
    assert "Nothing was run" in subject.results[0]


@pytest.mark.parametrize("arguments", ['{"wor', "", "{"])
async def test_arguments_that_the_limit_cut_are_said_to_be_cut(arguments: str):
    subject = rig(
        calls(("echo", arguments), finish="length"), says("Done."), tools=[tool("echo", ran)]
    )
    await run_turn(subject.agent)
    assert subject.results == [CUT_OFF]


async def test_only_the_last_call_is_cut_by_a_limit():
    subject = rig(
        calls(("echo", ""), ("echo", '{"word": "b"}'), finish="length"),
        says("Done."),
        tools=[tool("echo", ran)],
    )
    await run_turn(subject.agent)
    assert subject.results == ["ran ", "ran b"]


async def test_a_tool_is_found_under_its_name_in_other_spellings():
    subject = rig(
        calls(("functions.echo", "{}"), ("Echo", "{}"), ("default_api.echo", "{}"), ("ech", "{}")),
        says("Done."),
        tools=[tool("echo", ran)],
    )
    await run_turn(subject.agent)
    assert subject.results[:3] == ["ran "] * 3
    assert "There is no tool 'ech'" in subject.results[3]
    message = subject.agent.history.messages[1]
    assert isinstance(message, AssistantMessage)
    assert [call.name for call in message.calls] == ["echo", "echo", "echo", "ech"]


@pytest.mark.parametrize(
    "spelling",
    [
        "echo<|channel|>commentary",
        "functions.echo<|constrain|>json",
        "functions.echo:0",
        "echo<|end|>",
    ],
)
async def test_tokens_of_the_models_format_behind_a_name_are_no_part_of_it(spelling: str):
    subject = rig(calls((spelling, "{}")), says("Done."), tools=[tool("echo", ran)])
    await run_turn(subject.agent)
    assert subject.results == ["ran "]


@pytest.mark.parametrize("name", ["mcp:éch/x y", "a" * 400, "  ", "a.b", "<|x|>"])
async def test_a_name_that_no_tool_has_is_kept_in_a_form_that_every_endpoint_takes(name: str):
    subject = rig(calls((name, "{}")), says("Done."), tools=[tool("echo", ran)])
    await run_turn(subject.agent)
    message = subject.agent.history.messages[1]
    assert isinstance(message, AssistantMessage)
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", message.calls[0].name)
    assert "There is no tool" in subject.results[0]


async def test_a_model_that_wraps_its_calls_is_told_to_make_them_side_by_side():
    wrapped = ("multi_tool_use.parallel", '{"tool_uses": []}')
    subject = rig(calls(wrapped), says("Done."), tools=[tool("echo", ran)])
    await run_turn(subject.agent)
    assert "make several calls in one answer" in subject.results[0]


async def test_an_argument_that_the_tool_does_not_have_is_told_beside_the_result():
    made = calls(("echo", '{"word": "a", "wrod": "b", "flag": 1}'))
    subject = rig(made, says("Done."), tools=[tool("echo", ran)])
    await run_turn(subject.agent)
    assert subject.results == [
        "ran a\n\n(echo has no argument of this name, and ignored it: wrod, flag)"
    ]


# --- too much -------------------------------------------------------------------------------------


async def test_of_too_many_calls_the_first_are_run_and_the_model_is_told_of_the_rest():
    made = [("echo", f'{{"word": "{number}"}}') for number in range(MAX_CALLS + 2)]
    subject = rig(calls(*made), says("Done."), tools=[tool("echo", ran)])
    await run_turn(subject.agent)
    assert subject.results[MAX_CALLS - 1] == f"ran {MAX_CALLS - 1}"
    assert subject.results[MAX_CALLS:] == [TOO_MANY] * 2
    assert valid(subject)


async def test_an_answer_without_end_is_stopped_and_little_of_it_kept():
    words = "".join(f"word {number} " for number in range(80_000))
    flood = [TextDelta(words)] * 10
    subject = rig(flood, tools=[tool("echo", ran)])
    error = await failure(subject)
    assert error.code == "provider_error"
    assert "does not end" in error.message
    kept = subject.agent.history.messages[-1]
    assert isinstance(kept, AssistantMessage)
    assert len(kept.text) < MAX_PARTIAL + 100


async def test_calls_without_end_are_stopped_and_none_is_run():
    flood = [ToolCallFragment(number, f"c{number}", "echo", "{}") for number in range(2000)]
    subject = rig([*flood, Finished("tool_calls")], tools=[tool("echo", ran)])
    assert "does not end" in (await failure(subject)).message
    assert not any(isinstance(m, ToolMessage) for m in subject.agent.history.messages)


# --- nothing --------------------------------------------------------------------------------------


async def test_a_model_that_only_thinks_until_the_limit_is_said_to():
    thought = [ReasoningDelta("Hm, let me"), Finished("length")]
    error = await failure(rig(thought, thought, tools=[tool("echo", ran)]))
    assert "still thinking" in error.message
    assert "roo.model.maxOutputTokens" in error.hint


async def test_a_request_that_is_made_again_before_anything_came_is_told_and_voids_nothing():
    answer = [AskedAgain("The endpoint was busy."), TextDelta("Well"), Finished("stop")]
    subject = rig(answer)
    assert await run_turn(subject.agent) == "end_turn"
    assert subject.of(Retrying) == [Retrying(1, 2, 0, "The endpoint was busy.")]
    assert [m.text for m in subject.agent.history.messages] == ["Do it", "Well"]
