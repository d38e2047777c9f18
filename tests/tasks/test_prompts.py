"""The user's prompts: kept for their workspace, put better by the model, and the switches beside them."""

import json
from pathlib import Path

import pytest

from roo_lsp.agent.redaction import Keys
from roo_lsp.tasks import inputs
from roo_lsp.tasks.prompts import MOST, PromptHistory
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.verbs import answering, choosing, keeping, running
from tests.support.scripted import calls, says
from tests.tasks.test_service import Rig, serving, write


async def said(it: Rig, text: str) -> str:
    """Start a task and wait for its end."""
    started = await running.start(it.service, inputs.Start(prompt=text, wait=True))
    return started["taskId"]


async def test_prompts_of_this_workspace_are_there_again_the_newest_first(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    async with serving(there, says("Hi.")) as it:
        await said(it, "Somewhere else")
    async with serving(here, says("Hi."), says("Hi."), says("Hi.")) as it:
        first = await said(it, "One")
        await said(it, "Two")
        await running.send(it.service, inputs.Send(text="One"))
        assert await running.list_prompts(it.service, inputs.ListPrompts()) == ["One", "Two"]
        assert await running.list_prompts(it.service, inputs.ListPrompts(limit=1)) == ["One"]
        await keeping.delete(it.service, inputs.OfTask(task_id=first))
    async with serving(here) as it:
        prompts = await running.list_prompts(it.service, inputs.ListPrompts())
        assert prompts == ["One", "Two"], "said in a task that is there"


def test_a_prompt_is_kept_without_keys_and_half_a_line_costs_itself_alone(tmp_path: Path) -> None:
    keys = Keys()
    keys.learn("sk-canary-0123456789")
    history = PromptHistory(tmp_path / "prompts.jsonl", keys)
    history.add("w", "t1", "Use sk-canary-0123456789")
    with history.file.open("a") as file:
        file.write('{"workspace": "w", "te\n[1]\n')
    history.add("w", "t2", "Two\nlines")
    assert history.newest("w", 9) == ["Two\nlines", "Use [key]"]
    assert history.file.stat().st_mode & 0o777 == 0o600
    history.forget("t2")
    assert history.newest("w", 9) == ["Use [key]"]


def test_the_file_does_not_grow_without_end(tmp_path: Path) -> None:
    history = PromptHistory(tmp_path / "prompts.jsonl", Keys())
    for number in range(3 * MOST // 20_000):
        history.add("w", "t", f"{number} {'x' * 20_000}")
    assert history.file.stat().st_size <= MOST
    assert history.newest("w", 1)[0].startswith("149 ")


async def test_a_prompt_is_put_better_and_nothing_is_started(tmp_path: Path) -> None:
    async with serving(tmp_path, says("  Fix the total in cart.py.  ")) as it:
        better = await running.enhance(it.service, inputs.Enhance(text="fix teh total"))
        assert better == {"text": "Fix the total in cart.py."}
        assert not it.model.requests[0].tools
        assert await keeping.list_tasks(it.service, inputs.List()) == []


async def test_a_switch_by_hand_approves_in_its_task_alone(tmp_path: Path) -> None:
    make = calls(write("a.txt", "a\n"))
    async with serving(tmp_path, make, says("Done."), calls(write("b.txt", "b\n"))) as it:
        started = await running.start(it.service, inputs.Start(prompt="Make a"))
        entry = await it.entries.get()
        switch = inputs.SwitchAuto(kind="edit", task_id=started["taskId"])
        found = await answering.switch_auto(it.service, switch)
        assert found["autoApprove"]["edit"]
        respond = inputs.Respond(decision="allow_once", request_id=entry.request_id)
        await answering.respond(it.service, respond)
        task = it.service.tasks.get(started["taskId"])
        assert task is not None
        await task.ended()
        status = await choosing.status(it.service, inputs.Status())
        assert not status["autoApprove"]["edit"], "only there"
        await running.start(it.service, inputs.Start(prompt="Make b"))
        await it.entries.get()


async def test_a_switch_of_the_server_holds_until_it_is_switched_back(tmp_path: Path) -> None:
    answers = [calls(write("a.txt", "a\n")), says("Done."), calls(write("b.txt", "b\n"))]
    async with serving(tmp_path, *answers) as it:
        await answering.switch_auto(it.service, inputs.SwitchAuto(kind="edit"))
        assert (await choosing.status(it.service, inputs.Status()))["autoApprove"]["edit"]
        await said(it, "Make a")
        assert (tmp_path / "a.txt").read_text() == "a\n"
        assert it.entries.empty()
        await answering.switch_auto(it.service, inputs.SwitchAuto(kind="edit", on=False))
        await running.start(it.service, inputs.Start(prompt="Make b"))
        await it.entries.get()
        with pytest.raises(Invalid, match="the kinds are read, readOutside, edit"):
            await answering.switch_auto(it.service, inputs.SwitchAuto(kind="edits"))


async def test_a_conversation_is_condensed_when_the_user_wants_it(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("a long line of text\n" * 300)
    read = "read_file", json.dumps({"path": "long.txt"})
    answers = [calls(read, first_id=each) for each in range(1, 4)]
    async with serving(tmp_path, *answers, says("Read."), says("Goal: read."), says("Hi.")) as it:
        await said(it, "Read it thrice")
        figures = await running.condense(it.service, inputs.OfTask())
        assert figures["after"] < figures["before"]
        condensed = [each for each in it.front.events if each["sessionUpdate"] == "_condensed"]
        assert len(condensed) == 1
        assert it.front.events[-1]["state"] == "idle"


async def test_a_task_that_works_is_not_condensed_from_outside(tmp_path: Path) -> None:
    async with serving(tmp_path, calls(write("a.txt", "a\n"))) as it:
        await running.start(it.service, inputs.Start(prompt="Make a"))
        await it.entries.get()
        with pytest.raises(Refused, match="condenses by itself") as refused:
            await running.condense(it.service, inputs.OfTask())
        assert refused.value.reason == "running"
