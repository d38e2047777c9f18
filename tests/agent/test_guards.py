"""Turns that would not end: circles are closed, failures counted by answers, finishes not too early."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.approval import Ask
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.finishing import GIVEN
from roo_lsp.agent.guards import KEPT, Limits, Repetition
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import ToolCall, UserMessage
from roo_lsp.agent.tool import AnyTool, Diff, Invocation, ToolContext, ToolResult
from roo_lsp.tools import all_tools
from tests.support.scripted import AnswersWith, Rig, ScriptedPolicy, calls, rig, says, tool

STOPS = ["Stop"]


def fails(word: str) -> str:
    raise ToolError(f"no {word}")


def echo(name: str = "echo", word: str = "a") -> tuple[str, str]:
    return (name, f'{{"word": "{word}"}}')


def script(*answers: tuple[str, str] | list[tuple[str, str]]) -> list[Any]:
    """Answers of one call each, or of several."""
    made: list[Any] = []
    for number, each in enumerate(answers):
        several = each if isinstance(each, list) else [each]
        made.append(calls(*several, first_id=1 + number * 100))
    return made


async def run(
    *answers: tuple[str, str] | list[tuple[str, str]],
    tools: list[AnyTool],
    then: str = "ok",
    **more: Any,
) -> Rig:
    it = rig(*script(*answers), says(then), tools=tools, **more)
    await run_turn(it.agent)
    return it


# --- circles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("circle", ["a", "ab", "abcd", "abcdefg"])
async def test_a_circle_that_goes_on_after_its_refusal_is_put_to_the_user(circle: str):
    ran: list[str] = []
    again = [echo(word=word) for word in circle * 40]
    it = rig(
        *script(*again),
        tools=[tool("echo", ran.append)],
        people=AnswersWith(answers=list(STOPS)),
    )
    assert await run_turn(it.agent) == "max_turn_requests"
    assert len(ran) <= max(3 * len(circle), 12 + len(circle))
    assert len(it.people.questions) == 1
    assert len(it.model.requests) <= len(ran) + 3


async def test_a_denied_call_is_not_asked_again_until_something_new_came():
    asks = ScriptedPolicy({"edit": Ask("edits are asked", "edits")})
    it = await run(
        echo("edit"),
        echo("edit"),
        echo("look"),
        echo("edit"),
        tools=[tool("edit", group="edit"), tool("look")],
        people=AnswersWith("reject_once", "Not now"),
        policy=asks,
    )
    assert len(it.people.asked) == 2
    assert "settled exactly this. The user denied this call. They said: Not now" in it.results[1]


async def test_a_call_denied_forty_times_is_asked_three_times_at_most():
    asks = ScriptedPolicy({"edit": Ask("edits are asked", "edits")})
    made = [each for n in range(40) for each in (echo("edit"), echo("look", f"{n}"))]
    it = await run(
        *made,
        tools=[tool("edit", group="edit"), tool("look")],
        people=AnswersWith("reject_once"),
        policy=asks,
    )
    assert len(it.people.asked) == 3


async def test_the_same_question_in_other_forms_is_asked_once():
    asks = all_tools()["ask_followup_question"]
    first = (asks.name, '{"question": "Which  one?", "follow_up": ["a"]}')
    again = (asks.name, '{"question": "which one?", "follow_up": ["b", "a"]}')
    it = await run(first, again, tools=[asks], people=AnswersWith(answers=["the first"]))
    assert it.people.questions == ["Which  one?"]
    assert it.results[1] == (
        "Not asked again, the user has settled exactly this. The user answered: the first"
    )


async def test_the_user_may_be_asked_again_after_they_said_something():
    asks = all_tools()["ask_followup_question"]
    question = (asks.name, '{"question": "Which one?", "follow_up": []}')
    it = await run(question, tools=[asks], people=AnswersWith(answers=["a", "b"]))
    it.model.answers += [*script(question), says("ok")]
    it.agent.inbox.append(UserMessage("I changed my mind"))
    await run_turn(it.agent)
    assert it.results[-1] == "The user answered: b"


def writer(name: str = "write") -> AnyTool:
    """Makes the file `a` what it is told, as one of several tools that can."""

    async def prepare(arguments: Any, context: ToolContext) -> Invocation:
        diff = Diff(Path("/w/a"), None, arguments.word.partition(" ")[0])

        async def act(output: Callable[[str], None]) -> ToolResult:
            return ToolResult(f"{name} wrote {arguments.word}", diffs=(diff,))

        return Invocation(f"Write {arguments.word}", act, diffs=(diff,))

    return replace(tool(name, group="edit"), prepare=prepare)


async def test_edit_and_undo_in_ever_other_words_is_a_circle():
    made = [echo("write", f"{word} {n}") for n in range(20) for word in ("one", "two")]
    it = rig(*script(*made), tools=[writer()], people=AnswersWith(answers=list(STOPS)))
    assert await run_turn(it.agent) == "max_turn_requests"
    assert sum(text.startswith("write wrote") for text in it.results) == 6
    assert "you go in a circle" in it.results[-1]


# --- failures -------------------------------------------------------------------------------------


def test_what_a_call_brought_long_ago_counts_as_new_again():
    past = Repetition()
    first, *others = [ToolCall(str(n), *echo(word=str(n))) for n in range(KEPT + 1)]
    assert past.saw(first, "x")
    assert not past.saw(first, "x")
    for each in others:
        past.saw(each, "x")
    assert past.saw(first, "x")


async def test_failures_side_by_side_are_one_mistake():
    wrong = [echo("no", "a"), echo("no", "b"), echo("no", "c")]
    it = await run(wrong, wrong[:2], tools=[tool("no", fails)])
    assert it.people.questions == []


async def test_more_calls_than_are_run_are_no_failures_in_a_row():
    it = await run([echo(word=f"{n}") for n in range(100)], tools=[tool("echo", parallel=True)])
    assert it.people.questions == []
    assert sum("at most" in text for text in it.results) == 68


async def test_only_something_new_ends_a_row_of_failures_and_the_question_says_what_failed():
    people = AnswersWith(answers=list(STOPS))
    made = [
        echo("look"),
        echo("no", "1"),
        echo("look"),
        echo("no", "2"),
        echo("look"),
        echo("no", "3"),
    ]
    it = rig(*script(*made), tools=[tool("look"), tool("no", fails)], people=people)
    assert await run_turn(it.agent) == "max_turn_requests"
    assert "3 times in a row" in people.questions[0]
    assert "no 3: no 3" in people.questions[0]


async def test_a_look_at_something_else_ends_a_row_of_failures():
    made = [each for n in range(6) for each in (echo("no", f"{n}"), echo("look", f"{n}"))]
    it = await run(*made, tools=[tool("look"), tool("no", fails)])
    assert it.people.questions == []


async def test_one_mistake_may_be_the_limit():
    people = AnswersWith(answers=list(STOPS))
    it = rig(
        *script(echo("no")), tools=[tool("no", fails)], people=people, limits=Limits(mistakes=1)
    )
    assert await run_turn(it.agent) == "max_turn_requests"
    assert people.questions[0].startswith("Once the model made calls")


# --- finishing ------------------------------------------------------------------------------------

DONE = replace(tool("done", group="always", ends_turn=True), final=True)


def command(code: int) -> AnyTool:
    async def prepare(arguments: Any, context: ToolContext) -> Invocation:
        async def act(output: Callable[[str], None]) -> ToolResult:
            return ToolResult(f"Exit code: {code}", meta={"exitCode": code})

        return Invocation("Run", act)

    return replace(tool("command", group="execute"), prepare=prepare)


@pytest.mark.parametrize("order", [["no", "done"], ["done", "no"]])
async def test_a_turn_does_not_end_where_a_change_of_the_same_answer_failed(order: list[str]):
    both = [echo(each) for each in order]
    it = await run(both, tools=[tool("no", fails, group="edit"), DONE])
    assert "Not finished: no of the same answer failed" in it.results[order.index("done")]
    assert it.results[order.index("no")] == "no a"
    assert len(it.model.requests) == 2


async def test_a_turn_does_not_end_over_a_command_that_failed_beside_it():
    it = await run([echo("command"), echo("done", "All tests pass")], tools=[command(1), DONE])
    assert "Not finished: command of the same answer failed" in it.results[1]
    assert len(it.model.requests) == 2


async def test_a_turn_does_not_end_before_the_model_has_seen_what_it_read():
    it = await run([echo("look"), echo("done")], tools=[tool("look", group="read"), DONE])
    assert "you have not yet seen the result of look" in it.results[1]
    assert len(it.model.requests) == 2


async def test_a_turn_ends_beside_a_change_and_a_command_that_went_well():
    it = rig(
        *script([echo("done"), echo("write"), echo("command")]),
        tools=[writer(), command(0), DONE],
    )
    assert await run_turn(it.agent) == "end_turn"
    assert it.results == [GIVEN, "write wrote a", "Exit code: 0"]
