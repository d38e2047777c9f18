"""What the user says while the model works: in sight, theirs to change, and never sent by itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.messages import UserMessage
from roo_lsp.tasks import inputs
from roo_lsp.tasks.interrupted import LooseEnds
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.task import Task
from roo_lsp.tasks.verbs import answering, running
from tests.support.scripted import calls, says
from tests.tasks.test_service import Rig, serving, write

MAKE = calls(write("a.txt", "a\n"))


async def waiting(it: Rig) -> Task:
    """A task whose turn waits for an approval."""
    await running.start(it.service, inputs.Start(prompt="Make a file"))
    await it.entries.get()
    task = it.service.tasks.get(None)
    assert task is not None
    return task


async def say(it: Rig, text: str) -> str:
    """Queue a message; its id."""
    assert (await running.send(it.service, inputs.Send(text=text)))["queued"]
    return (await queue(it))[-1]["messageId"]


async def queue(it: Rig) -> list[dict[str, str]]:
    return await running.list_queue(it.service, inputs.OfTask())


def queued(it: Rig) -> list[dict[str, Any]]:
    return [each for each in it.front.events if each["sessionUpdate"] == "_queued"]


def words(it: Rig, request: int) -> list[str]:
    """What the user is heard to say in a request."""
    messages = it.model.requests[request].messages
    return [each.text for each in messages if isinstance(each, UserMessage)]


async def test_what_waits_is_listed_changed_taken_back_and_delivered(tmp_path: Path) -> None:
    async with serving(tmp_path, MAKE, says("Done.")) as it:
        task = await waiting(it)
        first = await say(it, "In French")
        second = await say(it, "Never mind")
        assert [each["text"] for each in await queue(it)] == ["In French", "Never mind"]
        changed = inputs.EditQueued(message_id=first, text="In Latin")
        await running.edit_queued(it.service, changed)
        await running.remove_queued(it.service, inputs.OfQueued(message_id=second))
        await answering.respond(it.service, inputs.Respond(decision="allow_once"))
        assert await task.ended() == "end_turn"
        assert words(it, 1) == ["Make a file", "In Latin"]
        assert await queue(it) == []
        assert [
            (each["messageId"], each.get("text"), each.get("state")) for each in queued(it)
        ] == [
            (first, "In French", None),
            (second, "Never mind", None),
            (first, "In Latin", None),
            (second, None, "removed"),
            (first, None, "delivered"),
        ]
        with pytest.raises(Refused, match="the model has been told") as late:
            await running.remove_queued(it.service, inputs.OfQueued(message_id=first))
        assert late.value.reason == "not_queued"


async def test_after_a_cancel_it_comes_back_and_the_next_prompt_is_alone(tmp_path: Path) -> None:
    async with serving(tmp_path, MAKE, says("Hello.")) as it:
        task = await waiting(it)
        message_id = await say(it, "In French")
        await running.cancel(it.service, inputs.Cancel())
        back = {"sessionUpdate": "_queued", "messageId": message_id, "text": "In French"}
        assert queued(it)[-1] == back | {"state": "returned"}
        assert it.front.events[-1]["sessionUpdate"] == "_state", "told before the end of the turn"
        assert await queue(it) == []
        await running.send(it.service, inputs.Send(text="Say hello"))
        assert await task.ended() == "end_turn"
        assert words(it, 1) == ["Make a file", "Say hello"]


async def test_what_is_said_while_a_turn_is_being_cancelled_begins_the_next(tmp_path: Path) -> None:
    async with serving(tmp_path, MAKE, says("Hello.")) as it:
        task = await waiting(it)
        cancelling = asyncio.create_task(running.cancel(it.service, inputs.Cancel()))
        await asyncio.sleep(0)
        assert task.running
        await say(it, "Say hello")
        assert (await cancelling)["cancelled"]
        assert await task.ended() == "end_turn"
        assert words(it, 1) == ["Make a file", "Say hello"]
        assert queued(it)[-1]["state"] == "delivered"


def test_what_waited_when_a_server_was_killed_comes_back_with_the_task() -> None:
    loose = LooseEnds()
    loose.take(
        {"update": update}
        for update in (
            {"sessionUpdate": "_queued", "messageId": "msg_1", "text": "In French"},
            {"sessionUpdate": "_queued", "messageId": "msg_2", "text": "Heard"},
            {"sessionUpdate": "_queued", "messageId": "msg_2", "state": "delivered"},
        )
    )
    assert [each.update for each in loose.ends(set(), {})] == [
        {
            "sessionUpdate": "_queued",
            "messageId": "msg_1",
            "text": "In French",
            "state": "returned",
        }
    ]
