"""Two servers of one user on one state folder, as two editors have them: one task is one server's at a time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from tests.support.editor import EMACS, NEOVIM, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, gated, spoken, text
from tests.support.server import server_process


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def replayed(it: FakeEditor, task_id: str) -> list[dict[str, Any]]:
    return (await it.run("roo.task.replay", {"taskId": task_id, "limit": 100_000}))["events"]


def gapless(events: list[dict[str, Any]]) -> bool:
    return [event["seq"] for event in events] == list(range(1, len(events) + 1))


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("roo.task.send", {"text": "Me too"}),
        ("roo.task.resume", {}),
        ("roo.task.cancel", {}),
        ("roo.task.delete", {}),
        ("roo.mode.set", {"mode": "ask"}),
    ],
)
async def test_a_task_that_runs_in_one_server_is_refused_in_words_by_the_other(
    command: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake)) as one,
        editor(EMACS, tmp_path, settings(fake)) as other,
    ):
        go_on = asyncio.Event()
        fake.answers(gated(text("slow"), go_on, after=0), text("nobody asked for this"))
        task_id = await one.start("First")
        await fake.chat(1)
        assert [t["state"] for t in await other.run("roo.task.list")] == ["running"]
        with pytest.raises(JsonRpcException, match=r"Another roo-lsp has this task \(process \d+"):
            await other.run(command, {"taskId": task_id} | arguments)
        with pytest.raises(JsonRpcException) as caught:
            await other.run(command, {"taskId": task_id} | arguments)
        assert (caught.value.code, caught.value.data) == (-32803, {"reason": "busy_elsewhere"})
        go_on.set()
        assert (await one.ended())["stopReason"] == "end_turn"
        assert gapless(await replayed(other, task_id))
        assert one.events == await replayed(other, task_id)
        assert len(fake.chats) == 1


async def test_servers_take_turns_with_a_task_and_each_knows_what_the_other_did(
    tmp_path: Path,
) -> None:
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake)) as one,
        editor(EMACS, tmp_path, settings(fake)) as other,
    ):
        fake.answers(*(text(f"answer {number}").using(100, 10) for number in range(4)))
        task_id = await one.start("from one")
        await one.ended()
        for number, (it, before) in enumerate([(other, one), (one, other), (other, one)]):
            seen = len(await replayed(before, task_id))
            it.events.clear()
            await it.run("roo.task.send", {"taskId": task_id, "text": f"more {number}"})
            await it.ended()
            assert it.events[0]["seq"] == seen + 1
        said = [
            spoken(m["content"] or "")
            for m in fake.chats[3].json["messages"]
            if m["role"] != "system"
        ]
        assert said == [
            *("from one", "answer 0", "more 0", "answer 1", "more 1", "answer 2", "more 2")
        ]
        assert gapless(await replayed(one, task_id))
        assert (await one.run("roo.task.list"))[0]["usage"]["inputTokens"] == 400


async def test_a_mode_that_the_other_server_set_counts(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake)) as one,
        editor(EMACS, tmp_path, settings(fake)) as other,
    ):
        fake.always(text("ok"))
        task_id = await one.start("Hello")
        await one.ended()
        await other.run("roo.mode.set", {"taskId": task_id, "mode": "ask"})
        one.events.clear()
        await one.run("roo.task.send", {"taskId": task_id, "text": "And?"})
        await one.ended()
        assert (await one.run("roo.task.list"))[0]["mode"] == "ask"
        assert gapless(await replayed(one, task_id))


async def test_a_task_that_the_other_server_deleted_is_gone_here_too(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake)) as one,
        editor(EMACS, tmp_path, settings(fake)) as other,
    ):
        fake.always(text("ok"))
        task_id = await one.start("Hello")
        await one.ended()
        await other.run("roo.task.delete", {"taskId": task_id})
        with pytest.raises(JsonRpcException, match="gone"):
            await one.run("roo.task.send", {"taskId": task_id, "text": "And?"})
        assert await one.run("roo.task.list") == []
        assert await one.start("Another")
        await one.ended()


async def test_a_turn_that_is_cancelled_before_it_began_lets_the_task_go(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake)) as one,
        editor(EMACS, tmp_path, settings(fake)) as other,
    ):
        fake.always(text("ok"))
        task_id = await one.start("Hello")
        await one.ended()
        await asyncio.gather(
            one.run("roo.task.send", {"taskId": task_id, "text": "More"}),
            one.run("roo.task.cancel", {"taskId": task_id}),
        )
        await other.run("roo.task.send", {"taskId": task_id, "text": "Mine now"})
        assert (await other.ended())["stopReason"] == "end_turn"
        assert gapless(await replayed(one, task_id))


async def test_what_a_killed_server_ran_another_goes_on_with(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as other:
        go_on = asyncio.Event()
        fake.answers(call("list_files", {"path": "."}), gated(text("slow"), go_on), text("Done."))
        async with server_process(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Look"))["taskId"]
            await fake.chat(2)
            with pytest.raises(JsonRpcException, match=f"process {one.process.pid}, since"):
                await other.run("roo.task.resume", {"taskId": task_id})
            one.process.kill()
            await one.gone()
        assert [t["state"] for t in await other.run("roo.task.list")] == ["idle"]
        await other.run("roo.task.resume", {"taskId": task_id})
        assert (await other.ended())["stopReason"] == "end_turn"
        assert gapless(await replayed(other, task_id))
        roles = [m["role"] for m in fake.chats[2].json["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "user"]
