"""Subtasks: a task has a part of it done by another one, waits for it, and gets its result."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.messages import ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, Delta, Usage
from roo_lsp.tasks import inputs
from roo_lsp.tasks import subtasks as subtasks_module
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.task import Task
from roo_lsp.tasks.verbs import answering, keeping, running
from tests.support.scripted import ScriptedModel, calls, says
from tests.support.wire import PATIENCE
from tests.tasks.test_modes import own
from tests.tasks.test_service import Rig, serving, write

PRICE = {"model": {"inputPrice": 1_000_000, "outputPrice": 0}}
"""A dollar for each token that goes in."""


@dataclass
class Several(ScriptedModel):
    """A model that answers each task by itself: by the words that the task began with."""

    scripts: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.requests.append(
            ChatRequest(request.system, list(request.messages), list(request.tools))
        )
        first = request.messages[0].text.partition("\n")[0]
        for item in self.scripts[first].pop(0):
            if isinstance(item, Callable):
                await item()
            else:
                yield item
        yield Usage(1, 0)

    def of(self, prompt: str) -> list[ChatRequest]:
        """The requests of one task."""
        return [each for each in self.requests if each.messages[0].text.startswith(prompt)]


def model(**scripts: list[Any]) -> Several:
    return Several([], scripts=scripts)


def done(result: str) -> Any:
    return calls(("attempt_completion", json.dumps({"result": result})), first_id=9)


def begin(*parts: str, mode: str = "code", **more: str) -> Any:
    """An answer that has each part done by a subtask."""
    given = [json.dumps({"mode": mode, "message": part} | more) for part in parts]
    return calls(*(("new_task", each) for each in given))


async def start(it: Rig, prompt: str = "Lead", mode: str = "orchestrator") -> Task:
    started = await running.start(it.service, inputs.Start(prompt=prompt, mode=mode))
    return the(it, started["taskId"])


def the(it: Rig, task_id: str | None) -> Task:
    task = it.service.tasks.get(task_id)
    assert task is not None
    return task


async def asked(it: Rig) -> Pending:
    return await asyncio.wait_for(it.entries.get(), PATIENCE)


async def allow(it: Rig) -> Pending:
    entry = await asked(it)
    answer = inputs.Respond(decision="allow_once", request_id=entry.request_id)
    await answering.respond(it.service, answer)
    return entry


async def over(task: Task) -> str:
    return await asyncio.wait_for(task.ended(), PATIENCE)


def result_of(task: Task) -> str:
    (message,) = [m for m in task.agent.history.messages if isinstance(m, ToolMessage)]
    return message.text


def told(it: Rig, kind: str, task: Task) -> list[dict[str, Any]]:
    """The task's stored events of a kind."""
    found, _ = it.service.store.events(task.id, 0, 10_000)
    return [each["update"] for each in found if each["update"]["sessionUpdate"] == kind]


async def test_a_subtask_does_its_part_and_its_result_is_that_of_the_call(tmp_path: Path) -> None:
    own("settings.json", json.dumps(PRICE))
    todos = "- [-] first\nno entry\n- [ ] second"
    script = model(
        Lead=[begin("Make a", todos=todos), says("It is made.")],
        **{"Make a": [calls(write("a", "x")), done("There is a file a.")]},
    )
    async with serving(tmp_path, script=script) as it:
        task = await start(it)
        entry = await allow(it)
        assert (entry.task_id, entry.title) == (task.id, "Subtask in mode code: Make a")
        assert "- [ ] second" in entry.detail, "what it is told is shown whole"
        of_child = await allow(it)
        assert of_child.title == "Create a"
        child = the(it, of_child.task_id)
        assert (task.state, child.line) == ("waiting", (task.id,))
        assert await over(task) == "end_turn"
        assert (tmp_path / "a").read_text("utf-8") == "x"
        assert result_of(task) == f"Subtask {child.id} completed.\n\nResult:\nThere is a file a."
        assert child.mode == "code"

        states = [each["state"] for each in told(it, "_subtask", task)]
        assert states == ["running", "waiting", "running", "idle"]
        assert told(it, "_subtask", task)[0] == {
            "sessionUpdate": "_subtask",
            "taskId": child.id,
            "title": child.title,
            "state": "running",
            "_meta": {"toolCallId": "call_1"},
        }
        assert [s["state"] for s in told(it, "_state", task)] == [
            *("running", "waiting", "running", "waiting", "running", "idle")
        ]
        (first, *_), _ = it.service.store.events(child.id, 0, 1)
        assert first["update"]["_meta"] == {"parentTaskId": task.id}
        (plan,) = told(it, "plan", child)
        assert [each["content"] for each in plan["entries"]] == ["first", "second"]

        (request, _) = script.of("Make a")
        assert "This is a part of a larger task" in request.system
        words = request.messages[0]
        assert isinstance(words, UserMessage)
        assert words.text == "Make a\n\nTodo list:\n- [-] first\n- [ ] second"
        assert "This is a part of a larger task" not in script.of("Lead")[0].system

        listed = await keeping.list_tasks(it.service, inputs.List())
        by_id = {each["taskId"]: each for each in listed}
        assert by_id[child.id]["parentTaskId"] == task.id
        assert (by_id[child.id]["cost"], by_id[task.id]["cost"]) == (2, 4)
        assert task.cost == 4
        assert told(it, "usage_update", task)[-1]["cost"]["amount"] == 4
        assert the(it, None) is task, "the one that the user began is the one they mean"


async def test_cancel_reaches_down_and_a_child_can_be_stopped_alone(tmp_path: Path) -> None:
    own("settings.json", json.dumps({"autoApprove": {"subtask": True}}))
    deep = {"Middle": [begin("Deep")], "Deep": [calls(write("a", "x"))]}
    script = model(Lead=[begin("Middle"), begin("Middle"), says("So be it.")], **deep)
    async with serving(tmp_path, script=script) as it:
        task = await start(it)
        entry = await asked(it)
        child = the(it, entry.task_id)
        assert len(child.line) == 2
        await running.cancel(it.service, inputs.Cancel(task_id=task.id))
        tasks = [task, *(the(it, each) for each in child.line[1:]), child]
        assert [each.state for each in tasks] == ["idle"] * 3
        assert it.service.approvals.pending == []
        assert not (tmp_path / "a").exists()

        script.scripts |= {"Middle": [calls(write("b", "x"))]}
        await running.send(it.service, inputs.Send(text="Again", task_id=task.id))
        child = the(it, (await asked(it)).task_id)
        await running.cancel(it.service, inputs.Cancel(task_id=child.id))
        assert await over(task) == "end_turn"
        assert "was stopped by the user" in script.of("Lead")[-1].messages[-1].text


@pytest.mark.parametrize(("mode", "together"), [("ask", True), ("code", False)])
async def test_children_of_one_answer_run_side_by_side_where_they_only_look(
    mode: str, together: bool, tmp_path: Path
) -> None:
    own("settings.json", json.dumps({"autoApprove": {"subtask": True}}))
    running: list[str] = []
    seen: list[list[str]] = []
    both = asyncio.Event()

    def part(name: str) -> Any:
        async def work() -> None:
            running.append(name)
            seen.append(list(running))
            if len(running) == 2:
                both.set()
            if together:
                await asyncio.wait_for(both.wait(), PATIENCE)
            running.remove(name)

        return [[work, *done(f"{name} is known.")]]

    script = model(
        Lead=[begin("One", "Two", mode=mode), says("ok")], One=part("One"), Two=part("Two")
    )
    async with serving(tmp_path, script=script) as it:
        task = await start(it)
        assert await over(task) == "end_turn"
        assert max(map(len, seen)) == (2 if together else 1)
        results = [m.text for m in script.of("Lead")[-1].messages if isinstance(m, ToolMessage)]
        assert [each.rpartition("\n")[2] for each in results] == ["One is known.", "Two is known."]


async def test_subtasks_are_bounded_in_depth_and_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own("settings.json", json.dumps({"autoApprove": {"subtask": True}}))
    monkeypatch.setattr(subtasks_module, "MAX_TASKS", 3)
    script = model(
        Lead=[begin("A"), says("ok")],
        A=[begin("B"), begin("E"), says("a")],
        B=[begin("C"), says("b")],
        C=[begin("D"), says("c")],
    )
    async with serving(tmp_path, script=script) as it:
        assert await over(await start(it)) == "end_turn"
    assert "new_task" in {spec.name for spec in script.of("B")[0].tools}
    assert "new_task" not in {spec.name for spec in script.of("C")[0].tools}
    assert "There is no tool 'new_task' here" in script.of("C")[-1].messages[-1].text
    assert "has had 3 subtasks, and gets no more" in script.of("A")[-1].messages[-1].text


async def test_what_the_user_switched_for_a_task_holds_in_its_subtasks(tmp_path: Path) -> None:
    make = {"Make a": [calls(write("a", "x")), done("ok")]}
    async with serving(tmp_path, script=model(Lead=[begin("Make a"), says("ok")], **make)) as it:
        task = await start(it)
        await answering.switch_auto(it.service, inputs.SwitchAuto(kind="edit", task_id=task.id))
        await allow(it)
        assert await over(task) == "end_turn"
        assert (tmp_path / "a").exists()


@pytest.mark.parametrize("how", ["answered", "resumed"])
async def test_a_task_and_its_subtask_go_on_where_a_server_ended(how: str, tmp_path: Path) -> None:
    """By the answer to what the child waits for, or by going on with its parent."""
    own("settings.json", json.dumps({"autoApprove": {"subtask": True}}))
    script = model(Lead=[begin("Make a")], **{"Make a": [calls(write("a", "x"))]})
    async with serving(tmp_path, script=script) as it:
        task = await start(it)
        entry = await asked(it)
        ids = [task.id, entry.task_id]
    script = model(Lead=[says("It is made.")], **{"Make a": [done("There is a file a.")]})
    async with serving(tmp_path, script=script) as it:
        waiting = await answering.list_approvals(it.service, inputs.ListApprovals())
        assert [each["requestId"] for each in waiting] == [entry.request_id]
        listed = await keeping.list_tasks(it.service, inputs.List())
        assert [each["state"] for each in listed] == ["waiting", "waiting"]
        if how == "resumed":
            await running.resume(it.service, inputs.Resume(task_id=ids[0]))
        await allow(it)
        task = the(it, ids[0])
        assert await over(task) == "end_turn"
        assert "There is a file a." in result_of(task)
        assert (tmp_path / "a").exists()
        assert {each["taskId"] for each in listed} == {*ids}


async def test_a_subtask_whose_server_was_killed_goes_on_with_its_parent(tmp_path: Path) -> None:
    own("settings.json", json.dumps({"autoApprove": {"subtask": True}}))
    asked_model = asyncio.Event()

    async def hangs() -> None:
        asked_model.set()
        await asyncio.Event().wait()

    async with serving(tmp_path, script=model(Lead=[begin("Look")], Look=[[hangs]])) as it:
        task = await start(it)
        await asyncio.wait_for(asked_model.wait(), PATIENCE)
        for each in it.service.tasks:
            each.leave()  # as if the process were gone: nothing more is stored
    again = [done("It is blue.")]
    async with serving(tmp_path, script=model(Lead=[says("Blue.")], Look=again)) as it:
        await running.resume(it.service, inputs.Resume(task_id=task.id))
        task = the(it, task.id)
        assert await over(task) == "end_turn"
        assert result_of(task).endswith("Result:\nIt is blue.")
        assert [each["state"] for each in told(it, "_subtask", task)][-1] == "idle"
        assert not any(it.service.store.waiting_dir(task.id).iterdir())


async def test_what_waited_in_a_subtask_is_given_up_with_its_parent(tmp_path: Path) -> None:
    own("settings.json", json.dumps({"autoApprove": {"subtask": True}}))
    script = model(Lead=[begin("Make a")], **{"Make a": [calls(write("a", "x"))]})
    async with serving(tmp_path, script=script) as it:
        task = await start(it)
        await asked(it)
    async with serving(tmp_path, script=model()) as it:
        await running.cancel(it.service, inputs.Cancel(task_id=task.id))
        assert await answering.list_approvals(it.service, inputs.ListApprovals()) == []
        listed = await keeping.list_tasks(it.service, inputs.List())
        assert [each["state"] for each in listed] == ["idle", "idle"]


async def test_a_mode_that_there_is_not_is_told_and_nothing_is_begun(tmp_path: Path) -> None:
    script = model(Lead=[begin("A", mode="nowhere"), begin(" "), says("ok")])
    async with serving(tmp_path, script=script) as it:
        task = await start(it)
        assert await over(task) == "end_turn"
        assert it.service.tasks.below(task.id) == []
    told = [m.text for m in script.of("Lead")[-1].messages if isinstance(m, ToolMessage)]
    assert told[0].startswith("There is no mode 'nowhere'. The modes are: code,")
    assert told[1].startswith("The message is empty")
