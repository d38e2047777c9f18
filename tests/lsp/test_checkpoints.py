"""Checkpoints over the wire: taken beside the requests, listed, compared, and gone back to."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from roo_lsp.tasks import checkpoints as checkpoints_module
from roo_lsp.workspace.checkpoints import git as git_module
from roo_lsp.workspace.user_folders import state_dir
from tests.support.editor import EMACS, HELIX, NEOVIM, VSCODE, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, gated, spoken, text

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
ALL = {"read": True, "edit": True, "execute": True}


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user lets the agent do everything."""
    own = {"autoApprove": ALL, "allowedCommands": ["*"], "commands": {"sandbox": "off"}}
    monkeypatch.setenv("ROO_CLI_SETTINGS", json.dumps(own))


def writing(path: str, content: str, call_id: str) -> Any:
    return call("write_to_file", {"path": path, "content": content}, id=call_id)


def running(command: str, call_id: str) -> Any:
    return call("execute_command", {"command": command}, id=call_id)


async def labels(it: FakeEditor, count: int) -> list[str]:
    """The labels of the checkpoints, once there are so many."""
    await it.until(lambda: len(it.updates("_checkpoint")) >= count)
    return [each["label"] for each in it.updates("_checkpoint")]


def git_runs(it: FakeEditor) -> int:
    session = it.server.loaded
    assert session is not None
    return sum(shadow.git.runs for shadow in session.service.checkpoints.shadows)


async def settled(it: FakeEditor, task_id: str) -> None:
    session = it.server.loaded
    assert session is not None
    await session.service.checkpoints.task(task_id).settled()


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("persona", [NEOVIM, VSCODE, HELIX, EMACS], ids=lambda each: each.name)
async def test_the_agents_work_can_be_taken_back_and_that_too(
    persona: Persona, tmp_path: Path
) -> None:
    """With an open buffer that holds text the user has not saved."""
    closed, opened = tmp_path / "closed.txt", tmp_path / "open.txt"
    closed.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    opened.write_text("on disk\n", "utf-8")
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(opened, "on disk\ntyped\n")
        fake.answers(
            call("read_file", {"path": "open.txt"}, id="r1"),
            writing("open.txt", "on disk\nby the agent\n", "w1")
            + writing("made/new.txt", "new\n", "w2"),
            call("read_file", {"path": "closed.txt"}, id="r2"),
            writing("closed.txt", "other\r\n", "w3"),
            text("Done."),
        )
        task_id = await it.start("Rewrite everything")
        await it.ended()
        assert await labels(it, 3) == [
            "Before: Rewrite everything",
            "After: Replace open.txt and 1 more",
            "After: Replace closed.txt",
        ]
        assert buffer.text == "on disk\nby the agent\n"
        listed = await it.run("roo.checkpoint.list")
        assert [each["checkpointId"] for each in listed] == ["c1", "c2", "c3"]
        assert [each["files"] for each in listed[1:]] == [2, 1]
        diff = await it.run("roo.checkpoint.diff", "c1")
        assert "-typed\n+by the agent\n" in diff["diff"]
        assert Path(diff["path"]).read_bytes().decode() == diff["diff"]

        back = await it.run("roo.checkpoint.restore", "c1")
        assert back["left"] == []
        assert back["unsaved"] == [opened.as_uri()]
        assert buffer.text == "on disk\ntyped\n"
        assert opened.read_text("utf-8") == "on disk\n"
        assert closed.read_bytes() == b"\xef\xbb\xbfone\r\ntwo\r\n"
        assert not (tmp_path / "made").exists()
        assert {each.rpartition("/")[2] for each in back["restored"]} == {
            "open.txt",
            "closed.txt",
            "new.txt",
        }
        again = await it.run("roo.checkpoint.restore", {"checkpointId": back["undo"]})
        assert again["left"] == []
        assert buffer.text == "on disk\nby the agent\n"
        assert (tmp_path / "made/new.txt").read_text("utf-8") == "new\n"
        assert task_id == again["taskId"]


@pytest.mark.usefixtures("unasked")
async def test_a_commands_changes_and_deletions_are_taken_back(tmp_path: Path) -> None:
    for name in ("a", "b", "open"):
        (tmp_path / name).write_text(f"{name}\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.open(tmp_path / "open")
        fake.answers(running("rm a open; echo x >> b; mkdir d; echo y > d/c", "e1"), text("ok"))
        await it.start("Break it")
        await it.ended()
        await labels(it, 2)
        back = await it.run("roo.checkpoint.restore", "c1")
        assert back["left"] == []
        found = {each.name: each.read_text("utf-8") for each in tmp_path.iterdir()}
        assert found == {"a": "a\n", "b": "b\n", "open": "open\n"}


@pytest.mark.usefixtures("unasked")
async def test_what_the_user_did_since_can_be_had_again(tmp_path: Path) -> None:
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_text("1\n", "utf-8")
    other.write_text("1\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(running("echo 2 > a", "e1"), text("ok"))
        await it.start("Change a")
        await it.ended()
        await labels(it, 2)
        other.write_text("the user's\n", "utf-8")
        buffer = it.open(file, "typed\n")
        back = await it.run("roo.checkpoint.restore", "c1")
        assert (buffer.text, other.read_text("utf-8")) == ("1\n", "1\n")
        await it.run("roo.checkpoint.restore", back["undo"])
        assert (buffer.text, other.read_text("utf-8")) == ("typed\n", "the user's\n")


@pytest.mark.usefixtures("unasked")
async def test_the_users_own_repository_stays_byte_for_byte(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=u", "-c", "user.email=u@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    (tmp_path / "a").write_text("committed\n", "utf-8")
    git("add", "a")
    git("commit", "-qm", "x")
    (tmp_path / "a").write_text("staged\n", "utf-8")
    git("add", "a")
    (tmp_path / "a").write_text("mine\n", "utf-8")
    before = {p: p.read_bytes() for p in sorted(tmp_path.rglob("*")) if p.is_file()}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(running("echo 2 > a; echo 3 > b", "e1"), text("ok"))
        await it.start("Change it")
        await it.ended()
        await labels(it, 2)
        await it.run("roo.checkpoint.restore", "c1")
    assert {p: p.read_bytes() for p in sorted(tmp_path.rglob("*")) if p.is_file()} == before


# --- the conversation ------------------------------------------------------------------------


@pytest.mark.usefixtures("unasked")
async def test_the_conversation_goes_back_too_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(
            text("Hello."),
            writing("a", "1", "w1"),
            text("Written."),
            text("Again."),
            text("And after a restart."),
            text("Undone."),
        )
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            task_id = await it.start("Hello")
            await it.ended()
            await it.run("roo.task.send", "Write a")
            await fake.chat(3)
            await labels(it, 2)
            await it.until(lambda: len(it.updates("_state")) == 4)
            back = await it.run(
                "roo.checkpoint.restore", {"checkpointId": "c1", "conversation": True}
            )
            await it.run("roo.task.send", "Something else")
            await fake.chat(4)
            await it.until(lambda: len(it.updates("_state")) == 6)
            said = [spoken(m["content"]) for m in fake.chats[3].json["messages"][1:]]
            assert said == ["Hello", "Hello.", "Write a", "Something else"]
            exported = await it.run("roo.task.export")
            assert "Written." in exported["text"]
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            await it.run("roo.task.resume", {"taskId": task_id, "text": "More"})
            await it.ended()
            said = [spoken(m["content"] or "") for m in fake.chats[4].json["messages"][1:]]
            assert said == ["Hello", "Hello.", "Write a", "Something else", "Again.", "More"]
            await it.run(
                "roo.checkpoint.restore", {"checkpointId": back["undo"], "conversation": True}
            )
            await it.run("roo.task.send", "Go on")
            await fake.chat(6)
            roles = [m["role"] for m in fake.chats[5].json["messages"][1:]]
            assert roles == ["user", "assistant", "user", "assistant", "tool", "assistant", "user"]


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("persona", [NEOVIM, VSCODE, HELIX, EMACS], ids=lambda each: each.name)
async def test_an_earlier_message_is_said_anew_and_what_came_of_it_is_taken_back(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        fake.answers(
            writing("a", "1", "w1"),
            text("Written."),
            writing("a", "2", "w2") + writing("b", "2", "w3"),
            text("Changed."),
            text("Only looked."),
            text("Said anew."),
        )
        task_id = await it.start("Write a")
        await it.ended()
        for words, answers in (("Change it", 4), ("Look at it", 5)):
            await it.run("roo.task.send", words)
            await fake.chat(answers)
            await it.until(lambda: it.updates("_state")[-1]["state"] == "idle")
            await settled(it, task_id)
        said = it.updates("user_message_chunk")
        entries = {each["content"]["text"]: each["_meta"]["entry"] for each in said}
        assert list(entries) == ["Write a", "Change it", "Look at it"]

        # Nothing was changed since the last one: no file is touched.
        with pytest.raises(JsonRpcException, match="no message of yours stands at 1"):
            await it.run("roo.task.send", {"text": "No", "instead": 1})
        assert len(fake.chats) == 5
        back = await it.run("roo.task.send", {"text": "Say it", "instead": entries["Change it"]})
        await fake.chat(6)
        await it.until(lambda: it.updates("_state")[-1]["state"] == "idle")
        assert (tmp_path / "a").read_text("utf-8") == "1"
        assert not (tmp_path / "b").exists()
        assert {each.rpartition("/")[2] for each in back["restored"]} == {"a", "b"}
        assert it.updates("_rewound")[-1]["entry"] == entries["Change it"]
        said = [spoken(m["content"]) for m in fake.chats[5].json["messages"] if m["role"] == "user"]
        assert said == ["Write a", "Say it"]


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("persona", [NEOVIM, VSCODE, HELIX, EMACS], ids=lambda each: each.name)
async def test_a_file_that_was_made_and_is_open_goes_by_the_editor_or_is_named(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        fake.answers(writing("made", "1", "w1"), text("Written."), text("Said anew."))
        await it.start("Write it")
        await it.ended()
        made = tmp_path / "made"
        it.open(made)
        back = await it.run("roo.task.send", {"text": "Do not", "instead": 0})
        await fake.chat(3)
        if made.exists():
            assert [each["uri"] for each in back["left"]] == [made.as_uri()]
            assert "cannot be told to delete it" in back["left"][0]["reason"]
        else:
            assert back["restored"] == [made.as_uri()]
        assert made.exists() == (persona is EMACS)


async def test_a_message_that_changed_no_file_is_said_anew_without_checkpoints_too(
    tmp_path: Path,
) -> None:
    own = {"checkpoints": {"enabled": False}}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **own)) as it:
        fake.answers(text("One."), text("Two."))
        await it.start("First try")
        await it.ended()
        back = await it.run("roo.task.send", {"text": "Second try", "instead": 0})
        await fake.chat(2)
        assert "restored" not in back
        [said] = fake.chats[1].json["messages"][1:]
        assert spoken(said["content"]) == "Second try"


async def test_no_message_is_taken_back_under_a_running_turn(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(gated(text("Thinking"), asyncio.Event()))
        await it.start("Think")
        await fake.chat(1)
        with pytest.raises(JsonRpcException, match="This task is running"):
            await it.run("roo.task.send", {"text": "Other", "instead": 0})
        await it.run("roo.task.cancel")


# --- what it costs ---------------------------------------------------------------------------


@pytest.mark.usefixtures("unasked")
async def test_a_changed_turn_is_three_processes_and_an_unchanged_one_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.always(text("ok"))
        fake.answers(writing("b", "1", "w0"), text("ok"))
        task_id = await it.start("First")
        await it.ended()
        await settled(it, task_id)
        before = git_runs(it)
        fake.answers(writing("c", "1", "w1"), text("ok"))
        await it.run("roo.task.send", "Change")
        await fake.chat(4)
        await labels(it, 3)
        await settled(it, task_id)
        changed = git_runs(it)
        assert changed - before == 3
        fake.answers(call("read_file", {"path": "a"}, id="r1"), text("ok"))
        await it.run("roo.task.send", "Read")
        await fake.chat(6)
        await it.until(lambda: len(it.updates("_state")) == 6)
        await settled(it, task_id)
        assert git_runs(it) == changed


@pytest.mark.usefixtures("unasked")
async def test_the_next_request_does_not_wait_but_the_next_change_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a git that hangs when it writes a tree, until it is let go."""
    gate, hangs = tmp_path / "gate", tmp_path / "bin"
    hangs.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    real = shutil.which("git")
    script = (
        f'#!/bin/sh\ncase "$*" in *write-tree*) cat {gate} >/dev/null;; esac\nexec {real} "$@"\n'
    )
    (hangs / "git").write_text(script, "utf-8")
    (hangs / "git").chmod(0o755)
    async with FakeOpenAI() as fake, editor(NEOVIM, work, settings(fake)) as it:
        gate.touch()  # an empty file: nothing hangs
        monkeypatch.setenv("PATH", f"{hangs}:{os.environ['PATH']}")
        fake.answers(writing("a", "1", "w1"), writing("b", "2", "w2"), text("ok"))
        await it.start("Twice")
        await it.ended()
        await labels(it, 3)
        gate.unlink()
        os.mkfifo(gate)
        go_on = asyncio.Event()
        fake.answers(
            writing("c", "3", "w3"), gated(writing("d", "4", "w4"), go_on, after=0), text("ok")
        )
        await it.run("roo.task.send", "Twice more")
        await fake.chat(5)  # it was made while the tree is still being written
        assert (work / "c").exists()
        go_on.set()
        await it.event("tool_call_update", toolCallId="w4", status="in_progress")
        assert not (work / "d").exists()
        await asyncio.to_thread(gate.write_text, "")
        await it.until(lambda: len(it.updates("_state")) == 4)
        assert (work / "d").exists()
        gate_again = asyncio.create_task(asyncio.to_thread(gate.write_text, ""))
        await labels(it, 5)
        await gate_again


# --- when it does not work -------------------------------------------------------------------


@pytest.mark.usefixtures("unasked")
async def test_a_failure_is_told_once_and_from_then_on_the_user_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails while the first change, which nobody was asked about, waits for it."""
    work, fails = no_luck(tmp_path, monkeypatch)
    async with FakeOpenAI() as fake, editor(NEOVIM, work, settings(fake)) as it:
        it.answers.extend([None] * 9)
        fake.answers(writing("a", "1", "w1"), writing("a", "1", "w2"), text("ok"))
        await it.start("Write a")
        await it.until(lambda: "in_progress" in str(it.updates("tool_call_update")))
        fails()
        asked = await it.event("_permission")
        assert not (work / "a").exists()
        told = [m.message for m in it.client.messages if "checkpoint" in m.message]
        assert len(told) == 1
        assert "out of luck" in told[0]
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        assert (work / "a").read_text("utf-8") == "1"
        assert asked["title"] == "Create a"
        assert len([m for m in it.client.messages if "checkpoint" in m.message]) == 1


@pytest.mark.usefixtures("unasked")
async def test_who_is_asked_after_a_failure_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails while the model still writes: the first change is asked about, and then made."""
    work, fails = no_luck(tmp_path, monkeypatch)
    on = asyncio.Event()
    async with FakeOpenAI() as fake, editor(NEOVIM, work, settings(fake)) as it:
        it.answers.extend([None] * 9)
        fake.answers(gated(writing("a", "1", "w1"), on), text("ok"))
        await it.start("Write a")
        await fake.chat(1)
        fails()
        await it.until(lambda: any("checkpoint" in m.message for m in it.client.messages))
        on.set()
        await it.event("_permission")
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        assert (work / "a").read_text("utf-8") == "1"
        assert len(fake.chats) == 2


def no_luck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Callable[[], None]]:
    """A workspace with a git that waits, and what makes it fail, from then on."""
    broken, work, line, failing = (tmp_path / name for name in ("bin", "work", "line", "failing"))
    broken.mkdir()
    work.mkdir()
    os.mkfifo(line)
    held = os.open(line, os.O_RDWR)
    (broken / "git").write_text(
        f"#!/bin/sh\n[ -e {failing} ] || cat <{line}\necho 'fatal: out of luck' >&2\nexit 3\n",
        "utf-8",
    )
    (broken / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")

    def fails() -> None:
        failing.touch()
        os.close(held)

    return work, fails


@pytest.mark.usefixtures("unasked")
@pytest.mark.parametrize("why", ["no git", "home"])
async def test_where_there_are_none_the_task_goes_on_and_it_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "home":
        monkeypatch.setattr(checkpoints_module, "too_wide", lambda _: "your home directory")
    else:
        monkeypatch.setattr(checkpoints_module, "find_git", lambda *_: None)
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(writing("a", "1", "w1"), writing("b", "1", "w2"), text("ok"))
        await it.start("Write")
        await it.ended()
        assert (tmp_path / "b").exists()
        told = [m.message for m in it.client.messages if "checkpoint" in m.message]
        assert len(told) == 1
        assert ("no git was found" if why == "no git" else "your home directory") in told[0]
        with pytest.raises(JsonRpcException) as caught:
            await it.run("roo.checkpoint.restore", "c1")
        assert caught.value.data == {"reason": "not_available"}
        assert await it.run("roo.checkpoint.list") == []


@pytest.mark.usefixtures("unasked")
async def test_switched_off_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git_module, "subprocess", None)
    async with FakeOpenAI() as fake:
        off = settings(fake, checkpoints={"enabled": False})
        async with editor(NEOVIM, tmp_path, off) as it:
            fake.answers(writing("a", "1", "w1"), text("ok"))
            await it.start("Write")
            await it.ended()
            assert (tmp_path / "a").exists()
            assert it.client.messages == []
            with pytest.raises(JsonRpcException, match="switched off"):
                await it.run("roo.checkpoint.diff", "c1")


async def test_going_back_is_refused_while_a_turn_runs(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        go_on = asyncio.Event()
        fake.answers(gated(text("one"), go_on, after=0))
        await it.start("Hello")
        await fake.chat(1)
        with pytest.raises(JsonRpcException, match="is running") as caught:
            await it.run("roo.checkpoint.restore", "c1")
        assert caught.value.data == {"reason": "running"}
        go_on.set()
        await it.ended()
        with pytest.raises(JsonRpcException, match="changed nothing yet"):
            await it.run("roo.checkpoint.restore", "c1")


@pytest.mark.usefixtures("unasked")
async def test_a_checkpoint_that_is_not_there_is_named(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(writing("a", "1", "w1"), text("ok"))
        await it.start("Write")
        await it.ended()
        await labels(it, 2)
        with pytest.raises(JsonRpcException, match="there is no c9"):
            await it.run("roo.checkpoint.diff", "c9")
        with pytest.raises(JsonRpcException, match="there are c1, c2"):
            await it.run("roo.checkpoint.restore")


@pytest.mark.usefixtures("unasked")
async def test_deleting_a_task_lets_go_of_its_states(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(writing("a", "1", "w1"), text("ok"))
        task_id = await it.start("Write")
        await it.ended()
        await labels(it, 2)
        refs = Path(os.environ["ROO_STATE_DIR"]) / "checkpoints"
        assert len(list(refs.rglob(f"refs/roo/{task_id}/*"))) == 2
        await it.run("roo.task.delete", task_id)
        assert list(refs.rglob(f"refs/roo/{task_id}")) == []


@pytest.mark.usefixtures("unasked")
async def test_two_tasks_at_once_have_their_own_checkpoints(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(
            writing("a", "1", "w1"), writing("b", "1", "w2"), text("ok"), text("ok"), text("ok")
        )
        first, second = await it.start("One"), await it.start("Two")
        await it.until(lambda: sum(s["state"] == "idle" for s in it.updates("_state")) == 2)
        await settled(it, first)
        await settled(it, second)
        for task_id in (first, second):
            listed = await it.run("roo.checkpoint.list", task_id)
            assert listed[0]["label"].startswith("Before: ")
            back = await it.run("roo.checkpoint.restore", {"taskId": task_id, "checkpointId": "c1"})
            assert back["left"] == []


async def test_what_happened_while_the_user_was_asked_is_in_the_state_before(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.answers.extend([None] * 9)
        fake.answers(text("Hello."), writing("a", "1", "w1"), text("ok"))
        await settled(it, await it.start("Hello"))
        await it.ended()
        await it.run("roo.task.send", "Write")
        await it.event("_permission")
        await it.event("_checkpoint")  # taken while the call was still being written
        (tmp_path / "mine").write_text("x", "utf-8")
        await it.run("roo.approval.respond", "allow_once")
        await it.event("_checkpoint", label="After: Create a")
        await it.until(lambda: len(it.updates("_state")) >= 6)
        before = [e for e in it.updates("_checkpoint") if e["label"].startswith("Before")][-1]
        await it.run("roo.checkpoint.restore", before["checkpointId"])
        assert [each.name for each in tmp_path.iterdir()] == ["mine"]


async def test_what_is_stored_to_be_looked_at_holds_no_key_that_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-canary-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    (tmp_path / "conf.txt").write_text(f"KEY={key}\n", "utf-8")
    async with FakeOpenAI() as fake:
        monkeypatch.setenv("ROO_TRUST_ORIGINS", fake.origin)
        await reviewed_without(key, fake, tmp_path)


async def reviewed_without(key: str, fake: FakeOpenAI, tmp_path: Path) -> None:
    async with editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.answers.extend(["Review…", None])
        fake.answers(
            call("read_file", {"path": "conf.txt"}, id="r1"),
            call("write_to_file", {"path": "conf.txt", "content": "NONE=1\n"}, id="w1"),
            text("ok"),
        )
        await it.start("Take the key out")
        await it.event("_permission")
        await it.until(lambda: it.shown)
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        await it.run("roo.checkpoint.diff", "c1")
        await it.run("roo.changes.list", {"show": True})
        folder = state_dir()
        kept = [
            file
            for file in folder.rglob("*")
            if file.suffix in {".md", ".diff"} and key.encode() in file.read_bytes()
        ]
        assert kept == []
        assert {file.name for file in folder.rglob("*.diff")} >= {"all.diff", "checkpoint.diff"}
