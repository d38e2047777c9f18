"""The gate: an approval is for exactly what was shown, and what cannot be checked is refused."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.approval import (
    CHANGED,
    UNCHECKED,
    Allow,
    Ask,
    Decision,
    PermissionRequest,
    Refuse,
)
from roo_lsp.agent.events import ToolCallUpdated
from roo_lsp.agent.loop import run_turn
from tests.support.scripted import AnswersWith, ScriptedPolicy, calls, rig, says, tool

ASKS = {"edit": Ask("it edits", "edits, for this task")}


def asking(**given: Any) -> ScriptedPolicy:
    return ScriptedPolicy(verdicts=dict(ASKS), **given)


def edit(ran: list[str]) -> Any:
    return tool("edit", lambda word: ran.append(word) or word, group="edit")


async def test_each_call_of_the_same_arguments_is_asked_anew() -> None:
    ran: list[str] = []
    it = rig(
        calls(("edit", '{"word": "a"}'), ("edit", '{"word": "a"}')),
        calls(("edit", '{"word": "a"}'), first_id=3),
        says("ok"),
        tools=[edit(ran)],
        policy=asking(),
    )
    await run_turn(it.agent)
    assert len(it.people.asked) == len(ran) == 3


@pytest.mark.parametrize("outcome", ["allow_once", "allow_always"])
@pytest.mark.parametrize("what", ["real", "place"])
async def test_what_moved_while_it_was_asked_is_not_acted_on_nor_remembered(
    what: str, outcome: str
) -> None:
    ran: list[str] = []
    seen = [(Path("/w/a"),), (Path("/elsewhere"),)]
    policy = asking(**{what: lambda: seen.pop(0)})
    it = rig(
        calls(("edit", "{}")),
        says("ok"),
        tools=[edit(ran)],
        policy=policy,
        people=AnswersWith(outcome),
    )
    await run_turn(it.agent)
    assert it.results == [CHANGED]
    assert ran == []
    assert policy.remembered == []


async def test_what_was_forbidden_while_it_was_asked_is_not_done() -> None:
    ran: list[str] = []
    policy = asking()

    class Meanwhile(AnswersWith):
        async def approve(self, request: PermissionRequest) -> Decision:
            policy.verdicts["edit"] = Refuse("The user has forbidden it.")
            return await super().approve(request)

    it = rig(
        calls(("edit", "{}")),
        says("ok"),
        tools=[edit(ran)],
        policy=policy,
        people=Meanwhile("allow_always"),
    )
    await run_turn(it.agent)
    assert it.results == ["The user has forbidden it."]
    assert ran == []
    assert policy.remembered == []


@pytest.mark.parametrize("check", ["judge", "resolved", "places", "remember"])
async def test_a_check_that_fails_is_a_refusal(
    check: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RecursionError

    ran: list[str] = []
    policy = asking()
    monkeypatch.setattr(policy, check, broken)
    people = AnswersWith("allow_always")
    it = rig(calls(("edit", "{}")), says("ok"), tools=[edit(ran)], policy=policy, people=people)
    await run_turn(it.agent)
    assert it.results == [UNCHECKED]
    assert ran == []
    assert "could not be checked" in caplog.text


async def test_a_surface_that_breaks_is_no_consent() -> None:
    class Broken:
        async def approve(self, request: PermissionRequest) -> Decision:
            raise OSError

    ran: list[str] = []
    it = rig(
        calls(("edit", "{}")), says("ok"), tools=[edit(ran)], policy=asking(), approver=Broken()
    )
    await run_turn(it.agent)
    assert (it.results, ran) == ([UNCHECKED], [])


async def test_a_task_that_is_cancelled_while_it_asks_does_not_act() -> None:
    asked, ran = asyncio.Event(), list[str]()

    class Silent:
        async def approve(self, request: PermissionRequest) -> Decision:
            asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    it = rig(calls(("edit", "{}")), tools=[edit(ran)], policy=asking(), approver=Silent())
    turn = asyncio.create_task(run_turn(it.agent))
    await asked.wait()
    turn.cancel()
    await asyncio.wait({turn})
    assert ran == []
    assert "stopped while the user was asked" in it.results[0]
    shown, *_, last = it.of(ToolCallUpdated)
    assert (last.status, last.title) == ("failed", shown.title), "said as it was asked about"
    assert shown.title != "edit"


def leaving(ran: list[str]) -> Any:
    """A tool whose command would run outside the sandbox."""
    inside = tool("leave", lambda word: ran.append(word) or word, group="execute")

    async def prepare(arguments: Any, context: Any) -> Any:
        return replace(await inside.prepare(arguments, context), unconfined=True)

    return replace(inside, prepare=prepare)


@pytest.mark.parametrize("verdict", [Allow(), Ask("it runs", "all commands", prefix="make")])
async def test_leaving_the_sandbox_is_asked_each_time_whatever_is_allowed(verdict: Any) -> None:
    ran: list[str] = []
    it = rig(
        calls(("leave", "{}"), ("leave", "{}")),
        says("ok"),
        tools=[leaving(ran)],
        policy=ScriptedPolicy(verdicts={"execute": verdict}),
        people=AnswersWith("allow_always"),
    )
    await run_turn(it.agent)
    assert len(ran) == 2
    assert [each.unconfined for each in it.people.asked] == [True, True]
    assert it.people.asked[0].outcomes == ("allow_once", "reject_once")
    assert it.policy.remembered == []


async def test_what_is_forbidden_is_not_asked_for_outside_the_sandbox_either() -> None:
    ran: list[str] = []
    policy = ScriptedPolicy(verdicts={"execute": Refuse("Never.")})
    it = rig(calls(("leave", "{}")), says("ok"), tools=[leaving(ran)], policy=policy)
    await run_turn(it.agent)
    assert (it.results, ran, it.people.asked) == (["Never."], [], [])


@pytest.mark.parametrize(
    ("scope", "prefix", "reaches"),
    [
        ("", "", {"allow_once": "", "reject_once": ""}),
        (
            "this one",
            "",
            {
                "allow_once": "",
                "allow_always": "this one",
                "reject_once": "",
                "reject_always": "this one",
            },
        ),
        (
            "this one",
            "make",
            {
                "allow_once": "",
                "allow_always": "this one",
                "allow_always_prefix": "commands that begin with “make”, as far as their options "
                "are known to be harmless, for this task",
                "reject_once": "",
                "reject_always": "this one",
            },
        ),
    ],
)
async def test_a_question_offers_what_has_a_reach_and_says_which(
    scope: str, prefix: str, reaches: dict[str, str]
) -> None:
    it = rig(calls(("edit", "{}")), says("ok"), tools=[edit([])])
    it.policy.verdicts["edit"] = Ask("it edits", scope, prefix=prefix)
    await run_turn(it.agent)
    [asked] = it.people.asked
    assert {each: asked.reach(each) for each in asked.outcomes} == reaches
    kinds = {Decision(each, "test").kind for each in asked.outcomes}
    assert kinds == {each for each in reaches if not each.endswith("prefix")}
