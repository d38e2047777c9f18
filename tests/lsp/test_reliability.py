"""Disks that fill up, folders that vanish, kills at any moment: nothing is lost, torn or done twice."""

import asyncio
import errno
import json
import os
import random
import resource
import shutil
import signal
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from pygls.exceptions import JsonRpcException

from tests.support.editor import NEOVIM, FakeEditor, editor
from tests.support.fake_openai import Answer, FakeOpenAI, Request, call, gated, text
from tests.support.server import PATIENCE, ServerProcess, server_process


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


def state_dir() -> Path:
    return Path(os.environ["ROO_STATE_DIR"])


def results_of(request: Request) -> list[dict[str, Any]]:
    return [m for m in request.json["messages"] if m["role"] == "tool"]


STEPS = (
    ("execute_command", {"command": "echo one >> log.txt"}),
    ("write_to_file", {"path": "new.txt", "content": "new\n"}),
    ("execute_command", {"command": "echo two >> log.txt"}),
)


def next_step(request: Request) -> Answer:
    """What a model does that makes each call once: the next, by how many have a result."""
    done = len(results_of(request))
    if done >= len(STEPS):
        return text("All is done.")
    name, arguments = STEPS[done]
    return text("Now this. ", pieces=2) + call(name, arguments, id=f"call-{done}")


def is_valid(request: Request) -> bool:
    """Each call has one result, right behind its answer, in order."""
    open_calls: list[str] = []
    for message in request.json["messages"]:
        if message["role"] == "tool":
            if not open_calls or open_calls.pop(0) != message["tool_call_id"]:
                return False
        elif open_calls:
            return False
        open_calls += [each["id"] for each in message.get("tool_calls", ())]
    return not open_calls


def gapless(events: list[dict[str, Any]]) -> bool:
    return [event["seq"] for event in events] == list(range(1, len(events) + 1))


def log_lines(folder: Path) -> list[str]:
    file = folder / "log.txt"
    return file.read_text("utf-8").split() if file.exists() else []


# --- disks --------------------------------------------------------------------------------------


@dataclass
class Disk:
    """The state folder's disk: at some write it is full, and stays so until there is room."""

    number: int
    """Which write is the first to fail, from 1."""
    writes: int = 0
    full: bool = False

    def write(self, real: Callable[[int, Any], int], descriptor: int, data: Any) -> int:
        if not Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(state_dir()):
            return real(descriptor, data)
        self.writes += 1
        if self.writes == self.number:
            self.full = True
            return real(descriptor, data[: len(data) // 2])  # a part of it still fits
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)


@contextmanager
def disk_full_at(number: int) -> Generator[Disk]:
    disk, real = Disk(number), os.write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: disk.write(real, fd, data))
        yield disk


@pytest.mark.parametrize("offset", range(6))
async def test_a_disk_that_is_full_at_any_write_stops_the_task_and_loses_nothing(
    offset: int, tmp_path: Path
) -> None:
    number, reached = 1 + offset, True
    while reached:
        folder = tmp_path / str(number)
        folder.mkdir()
        reached = await _with_full_disk(number, folder)
        number += 6
    assert number > 50


async def _with_full_disk(number: int, folder: Path) -> bool:
    """Whether the disk was full at all before the task was done."""
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        fake.always(next_step)
        it.answers.extend(["Approve"] * 6)
        with disk_full_at(number) as disk:
            task_id, end = await _started(it)
            if task_id is not None and disk.full and end["state"] == "failed":
                assert end["error"]["message"].startswith("The disk is full")
                assert end["error"]["hint"]
                with pytest.raises(JsonRpcException, match="The disk is full"):
                    await it.run("roo.task.send", {"taskId": task_id, "text": "Go on"})
            assert await it.run("roo.status")
            if not disk.full:
                return False
            seen = list(it.events)
            it.events.clear()
            disk.full = False
            if task_id is None:
                task_id, _ = await _started(it)
            else:
                await it.run("roo.task.resume", {"taskId": task_id})
            assert (await it.ended())["stopReason"] == "end_turn"
        seen += it.events
        stored = await it.run("roo.task.replay", {"taskId": task_id, "limit": 100_000})
        assert gapless(stored["events"])
        assert [e for e in seen if e["taskId"] == task_id] == stored["events"]
        assert all(map(is_valid, fake.chats))
        assert log_lines(folder) in ([], ["one"], ["two"], ["one", "two"])
        told = [r["content"] for r in results_of(fake.chats[-1]) if r["tool_call_id"] != "call-1"]
        not_run = ("interrupted", "stopped", "Not done", "Not run")
        unknown = sum(any(words in each for words in not_run) for each in told)
        assert len(log_lines(folder)) >= 2 - unknown
        for file in state_dir().rglob("*.jsonl"):
            assert all(json.loads(line) for line in file.read_bytes().splitlines())
        return True


async def _started(it: FakeEditor) -> tuple[str | None, dict[str, Any]]:
    """A new task and how its turn ended; None where it was refused, in words."""
    with suppress(JsonRpcException):
        task_id = await it.start("Do it all")
        return task_id, await it.ended()
    return None, {}


async def test_a_call_is_not_run_when_it_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("roo_lsp.workspace.journal._datasync", fails)
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.always(next_step)
        it.answers.extend(["Approve"] * 6)
        await it.start("Do it all")
        end = await it.ended()
        assert end["error"]["message"].endswith("cannot be used: Input/output error.")
        assert log_lines(tmp_path) == []
        assert len(fake.chats) == 1


async def test_a_call_is_safely_on_disk_before_it_is_run_and_its_result_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], int, bool]] = []
    events: list[int] = []

    def synced(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink()
        lines = [json.loads(line) for line in name.read_bytes().splitlines()]
        if name.name == "messages.jsonl":
            roles = [line["role"] for line in lines]
            seen.append((roles, len(log_lines(tmp_path)), (tmp_path / "new.txt").exists()))
        else:
            events.append(len(lines))

    monkeypatch.setattr("roo_lsp.workspace.journal._datasync", synced)
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.always(next_step)
        it.answers.extend(["Approve"] * 6)
        await it.start("Do it all")
        await it.ended()
    said = ["user", *["assistant", "tool"] * 3]
    assert seen == [(said[:2], 0, False), (said[:4], 1, False), (said[:6], 1, True)]
    assert len(events) == 3
    assert events == sorted(set(events))
    assert log_lines(tmp_path) == ["one", "two"]


async def test_a_state_folder_that_vanishes_ends_the_turn_in_words_and_a_new_task_can_start(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        go_on = asyncio.Event()
        fake.answers(gated(next_step_of(0), go_on), text("A new one."))
        task_id = await it.start("Do it all")
        await fake.chat(1)
        assert it.server.loaded is not None
        await it.server.loaded.service.checkpoints.task(task_id).settled()
        shutil.rmtree(state_dir())
        go_on.set()
        end = await it.ended()
        assert "gone from" in end["error"]["message"]
        assert end["error"]["hint"] == "Start a new task."
        with pytest.raises(JsonRpcException, match="gone from") as caught:
            await it.run("roo.task.send", {"taskId": task_id, "text": "Go on"})
        assert caught.value.code == -32803
        it.events.clear()
        await it.start("Another")
        assert (await it.ended())["stopReason"] == "end_turn"


def next_step_of(number: int) -> Answer:
    name, arguments = STEPS[number]
    return call(name, arguments)


async def test_a_state_folder_that_cannot_be_used_is_told_at_the_start_and_may_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_dir().write_text("a file", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await it.until(lambda: it.client.messages)
        assert "is a link or a file" in it.client.messages[0].message
        with pytest.raises(JsonRpcException, match="is a link or a file") as caught:
            await it.run("roo.status")
        assert caught.value.code == -32803
        state_dir().unlink()
        fake.always(text("ok"))
        await it.start("Hello")
        assert (await it.ended())["stopReason"] == "end_turn"


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))


async def test_files_that_may_not_grow_any_more_end_the_turn_in_words(tmp_path: Path) -> None:
    async with (
        FakeOpenAI() as fake,
        server_process(tmp_path, fake, preexec=limit_files) as it,
    ):
        fake.always(text("many words. " * 3_000, pieces=100))  # the end comes in the middle of it
        task_id = (await it.execute("roo.task.start", prompt="Talk"))["taskId"]
        end = await it.settled()
        assert end["error"]["message"].endswith("cannot be used: File too large.")
        assert "File too large" in (await it.execute("roo.task.send", text="More"))["message"]
        assert gapless(await it.replayed(task_id))


async def test_everything_stored_is_the_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
            long = call("execute_command", {"command": "seq 1 5000"})
            fake.answers(long, text("ok"))
            it.answers.extend(["Review…", "Approve"])
            await it.start("Count")
            await it.until(lambda: it.dialogs)
            await it.run("roo.approval.respond", {"decision": "allow_once"})
            await it.ended()
            await it.run("roo.task.open")
    finally:
        os.umask(before)
    found = {path: stat.S_IMODE(path.lstat().st_mode) for path in state_dir().rglob("*")}
    assert any(path.name == "cmd-1.txt" for path in found)
    assert any(path.name == "transcript.md" for path in found)
    assert {mode for path, mode in found.items() if path.is_dir()} == {0o700}
    assert {mode & 0o077 for path, mode in found.items() if path.is_file()} == {0}, found


# --- kills --------------------------------------------------------------------------------------

ROUNDS = int(os.environ.get("ROO_KILL_ROUNDS", "6"))
ANY = 1 if "CI" in os.environ else random.randrange(1, 10**6)
SEED = int(os.environ.get("ROO_KILL_SEED", "0")) or ANY


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_server_that_is_killed_at_any_event_can_be_followed_by_another(
    number: int, tmp_path: Path
) -> None:
    at = random.Random(f"{SEED}/{number}").randint(1, 45)
    print(f"ROO_KILL_SEED={SEED}, round {number}: killed at event {at}")
    async with FakeOpenAI() as fake:
        fake.always(next_step)
        async with server_process(tmp_path, fake) as one:

            def kill(event: dict[str, Any]) -> None:
                if event["seq"] == at:
                    one.process.kill()

            one.on_event = kill
            task_id = (await one.execute("roo.task.start", prompt="Do it all") or {}).get("taskId")
            await one.until(lambda: one.closed or _is_over(one))
            seen = list(one.events)
        before = log_lines(tmp_path)
        async with server_process(tmp_path, fake) as other:
            listed = await other.execute("roo.task.list")
            task_id = task_id or listed[0]["taskId"]
            assert [t["taskId"] for t in listed] == [task_id]
            assert listed[0]["state"] in {"idle", "waiting"}  # what waited then waits now
            stored = await other.replayed(task_id)
            assert stored[: len(seen)] == seen
            assert gapless(stored)
            assert log_lines(tmp_path) == before
            await other.execute("roo.task.resume", taskId=task_id)
            assert (await other.settled())["stopReason"] == "end_turn"
            stored = await other.replayed(task_id)
            assert gapless(stored)
            assert stored[-len(other.events) :] == other.events
        assert all(map(is_valid, fake.chats))
        lines = log_lines(tmp_path)
        assert len(lines) == len(set(lines))
        told = [r["content"] for r in results_of(fake.chats[-1]) if r["tool_call_id"] != "call-1"]
        assert len(lines) >= 2 - sum("interrupted" in each for each in told)


def _is_over(one: ServerProcess) -> bool:
    last = one.events[-1]["update"] if one.events else {}
    return last.get("sessionUpdate") == "_state" and last["state"] == "idle"


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP", "end of input", "client killed"])
async def test_the_end_of_the_server_is_the_end_of_its_commands(how: str, tmp_path: Path) -> None:
    client = await asyncio.create_subprocess_exec("sleep", "600")
    async with (
        FakeOpenAI() as fake,
        server_process(tmp_path, fake, client_pid=client.pid) as it,
    ):
        fake.answers(
            call("execute_command", {"command": "sleep 4711 & sleep 4712 & echo up; wait"})
        )
        task_id = (await it.execute("roo.task.start", prompt="Sleep"))["taskId"]
        await it.until(lambda: any("up" in _output(event) for event in it.events))
        # Not by name: `up` may be printed before bash's children have become `sleep`.
        children = psutil.Process(it.process.pid).children(recursive=True)
        assert len(children) >= 3  # bash and its two, and what sandboxes them
        match how:
            case "end of input":
                assert it.process.stdin is not None
                it.process.stdin.close()
            case "client killed":
                client.kill()
            case _:
                it.process.send_signal(getattr(signal, how))
        assert await it.gone() == 1
        _, alive = psutil.wait_procs(children, timeout=PATIENCE)
        assert alive == []
    async with server_process(tmp_path) as other:
        events = await other.replayed(task_id)
        assert events[-1]["update"]["stopReason"] == "cancelled"
    if client.returncode is None:
        client.kill()
    await client.wait()


def _output(event: dict[str, Any]) -> str:
    return str(event["update"].get("_meta", {}).get("output", ""))


# --- clients that do not read -------------------------------------------------------------------


async def test_a_client_that_never_reads_the_log_slows_nothing_down(tmp_path: Path) -> None:
    never_read, stderr = os.pipe()
    async with server_process(tmp_path, stderr=stderr) as it:
        os.close(stderr)
        for _ in range(3_000):  # each is a warning in the log
            it.notify("textDocument/didOpen", {"textDocument": "x" * 50})
        assert (await it.execute("roo.status"))["version"]
        await it.request("shutdown")
        it.notify("exit")
        assert await it.gone() == 0
        assert len(os.read(never_read, 10**7)) >= 50_000  # the pipe was full
    os.close(never_read)
