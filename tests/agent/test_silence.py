"""Answers that bring nothing: the model is asked once in words, and then the turn ends well."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import AgentMessageChunk, Retrying, ToolCallUpdated
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage, UserMessage, repaired
from roo_lsp.agent.ports import Finished, ReasoningDelta, TextDelta, ToolCallFragment
from roo_lsp.agent.silence import (
    MAKE_THE_CALL,
    PERIOD,
    ROUNDS,
    SAY_SOMETHING,
    STOP_REPEATING,
    Endless,
    only_announces,
)
from roo_lsp.agent.tool import AnyTool, Diff, Invocation, ToolResult
from tests.support.scripted import Rig, calls, rig, says, tool

NOTHING = [Finished("stop")]
ECHO = tool("echo")


def texts(it: Rig) -> list[str]:
    return [message.text for message in it.agent.history.messages]


def edits(name: str) -> AnyTool:
    async def prepare(arguments, context) -> Invocation:
        async def act(output) -> ToolResult:
            return ToolResult("ok", diffs=(Diff(Path("/w") / arguments.word, "a", "b"),))

        return Invocation("Edit", act)

    return replace(tool(name, group="edit"), prepare=prepare)


# --- silence after a result -----------------------------------------------------------------------


async def test_a_model_that_falls_silent_after_a_result_is_asked_once_in_words():
    it = rig(calls(("echo", "{}")), NOTHING, says("It is done."), tools=[ECHO])
    assert await run_turn(it.agent) == "end_turn"
    assert it.model.requests[2].messages[-1] == UserMessage(SAY_SOMETHING)
    assert texts(it)[-1] == "It is done."
    assert repaired(it.agent.history.messages) == it.agent.history.messages
    assert list(it.agent.history.last_prompts) == [UserMessage("Do it")]


async def test_a_model_that_stays_silent_has_ended_the_turn_and_what_it_changed_is_said():
    made = calls(("edit", '{"word": "a.py"}'), ("edit", '{"word": "b.py"}'))
    it = rig(made, NOTHING, NOTHING, tools=[edits("edit")])
    assert await run_turn(it.agent) == "end_turn"
    said = "(The model said nothing more. Changed in this turn: a.py, b.py.)"
    assert texts(it)[-1] == said
    assert it.of(AgentMessageChunk)[-1].text == said
    assert len(it.model.requests) == 3


async def test_what_an_earlier_turn_changed_is_not_said_again():
    it = rig(calls(("edit", '{"word": "a.py"}')), says("ok"), tools=[edits("edit"), ECHO])
    await run_turn(it.agent)
    it.model.answers += [calls(("echo", "{}"), first_id=9), NOTHING, NOTHING]
    it.agent.inbox.append(UserMessage("And now?"))
    assert await run_turn(it.agent) == "end_turn"
    assert "Nothing was changed in this turn" in texts(it)[-1]


async def test_silence_to_the_users_words_is_an_error():
    it = rig(NOTHING, NOTHING)
    with pytest.raises(RooError, match="nothing at all"):
        await run_turn(it.agent)


# --- announcements --------------------------------------------------------------------------------

ANNOUNCES = [
    "I'll start by reading the file.",
    "Let me look at the code first.",
    "Sure! I will now run the tests.",
    "Okay, let me check the configuration:",
    "The test fails because of the import. Let me fix that.",
    "Now I'm going to update the function…",
    "I understand. First, I need to explore the repository.",
    "Ich werde mir zuerst die Datei ansehen.",
    "Je vais lire le fichier.",
    "让我先看看代码。",
]
ANSWERS = [
    "",
    "Done. The tests pass.",
    "Should I go on? Let me know.",
    "I'll leave the rest to you.",
    "Shall I read it?",
    "I will wait for your answer.",
    "The function is called once. It returns 3.",
    "I'll explain it: the loop ends early.",
    "Let me know once you have checked it.",
    "Let me check:\n```\nls\n```",
    "A long answer. " * 30 + "Let me check it.",
]


@pytest.mark.parametrize("text", ANNOUNCES)
def test_an_announcement_is_known(text: str):
    assert only_announces(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_is_none(text: str):
    assert not only_announces(text)


async def test_a_model_that_only_announces_is_asked_to_do_it():
    it = rig(says(ANNOUNCES[0]), calls(("echo", '{"word": "a"}')), says("Done."), tools=[ECHO])
    assert await run_turn(it.agent) == "end_turn"
    assert texts(it)[:4] == ["Do it", ANNOUNCES[0], MAKE_THE_CALL, ""]
    assert it.results == ["a"]


async def test_it_is_asked_once_in_a_turn():
    it = rig(says(ANNOUNCES[0]), calls(("echo", "{}")), says(ANNOUNCES[1]), tools=[ECHO])
    assert await run_turn(it.agent) == "end_turn"
    assert texts(it)[-1] == ANNOUNCES[1]
    assert len(it.model.requests) == 3


async def test_without_tools_there_is_nothing_to_ask_for():
    it = rig(says(ANNOUNCES[0]))
    assert await run_turn(it.agent) == "end_turn"
    assert len(it.model.requests) == 1


# --- the same words for ever ----------------------------------------------------------------------


def for_ever(piece: str) -> list[str]:
    return [piece] * (PERIOD * ROUNDS // len(piece) + 3_000)


async def test_a_text_without_end_is_stopped_and_the_model_told():
    endless = [TextDelta("I see. "), *map(TextDelta, for_ever("Let me do it. "))]
    it = rig(endless, says("Done."), tools=[ECHO])
    assert await run_turn(it.agent) == "end_turn"
    assert it.model.closed == 2
    assert it.model.requests[1].messages[-1] == UserMessage(STOP_REPEATING)
    kept = texts(it)[1]
    assert kept.startswith("I see. ")
    assert kept.endswith("(This answer was stopped: it repeated itself.)")
    assert len(kept) < 2 * PERIOD * ROUNDS
    assert any("over and over" in event.reason for event in it.of(Retrying))


async def test_thinking_without_end_is_stopped_too():
    endless = [ReasoningDelta(piece) for piece in for_ever("Wait. ")]
    it = rig(endless, says("Done."), tools=[ECHO])
    assert await run_turn(it.agent) == "end_turn"


async def test_arguments_without_end_are_stopped_and_their_call_is_not_run():
    endless = [ToolCallFragment(0, "call_1", "echo", '{"word": "')]
    endless += [ToolCallFragment(0, arguments=piece) for piece in for_ever("\\n\\n") * 3]
    it = rig(endless, says("Done."), tools=[ECHO])
    assert await run_turn(it.agent) == "end_turn"
    assert it.results == []
    (told,) = [each for each in it.of(ToolCallUpdated) if each.status == "failed"]
    assert "it repeated itself" in told.text


async def test_twice_without_end_is_an_error_that_says_what_to_do():
    endless = [*map(TextDelta, for_ever("no "))]
    with pytest.raises(RooError, match="over and over, twice") as caught:
        await run_turn(rig(endless, endless, tools=[ECHO]).agent)
    assert "temperature" in caught.value.hint


@given(st.text("ab\n", min_size=1, max_size=PERIOD), st.integers(1, 700))
def test_what_is_repeated_is_seen_however_it_is_cut(unit: str, size: int):
    text = unit * (2 * PERIOD * ROUNDS // len(unit) + 1)
    endless = Endless()
    assert any(endless.add(text[at : at + size]) for at in range(0, len(text), size))


@given(st.integers(0, 5))
def test_what_differs_here_and_there_is_none(seed: int):
    endless = Endless()
    lines = (f"    assert result[{seed + n}] == expected[{n}]\n" for n in range(5_000))
    assert not any(endless.add(line) for line in lines)


async def test_the_stream_is_read_no_further():
    async def never() -> None:
        raise AssertionError

    it = rig([*map(TextDelta, for_ever("x")), *[never] * 2], says("Done."), tools=[ECHO])
    async with asyncio.timeout(60):
        assert await run_turn(it.agent) == "end_turn"
    assert isinstance(it.agent.history.messages[-1], AssistantMessage)
