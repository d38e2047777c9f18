"""Commands in an editor: what the lists approve and deny, and the sandbox they run in."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from roo_lsp.workspace.sandbox import find
from tests.support.editor import EMACS, HELIX_OLD, NEOVIM, VSCODE, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text

NEEDED = bool(os.environ.get("ROO_TESTS_NEED_SANDBOX"))


def own(**settings: Any) -> None:
    """The user's own file, which may widen."""
    folder = Path(os.environ["ROO_CONFIG_DIR"])
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
    (folder / "settings.json").chmod(0o600)


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


def run(command: str, **more: Any) -> Any:
    return call("execute_command", {"command": command, **more}, id="x")


async def result_of(it: FakeEditor, fake: FakeOpenAI, script: Any) -> str:
    """What the model is told of a command that needs no answer of the user."""
    fake.answers(script, text("ok"))
    await it.start("Go")
    await it.ended()
    return fake.chats[-1].json["messages"][-1]["content"]


@pytest.fixture
async def sandboxed(tmp_path: Path) -> None:
    found = await find.find_sandbox([tmp_path], "auto")
    if found.state != "enforced":
        assert not NEEDED, found.line
        pytest.skip(found.line)


@pytest.mark.parametrize("persona", [NEOVIM, HELIX_OLD, VSCODE, EMACS], ids=lambda each: each.name)
async def test_an_allowed_command_runs_without_a_question(persona: Persona, tmp_path: Path) -> None:
    own(autoApprove={"execute": True}, allowedCommands=["echo"])
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        assert "hello" in await result_of(it, fake, run("echo hello | echo hello"))
        assert it.updates("_permission") == []


@pytest.mark.parametrize("command", ["rm -rf src", "echo $(rm x)", "env r\\m x", "bash -c 'rm x'"])
async def test_a_denied_command_is_refused_without_a_question(command: str, tmp_path: Path) -> None:
    own(deniedCommands=["rm"])
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        told = await result_of(it, fake, run(command))
        assert "deniedCommands" in told
        assert it.updates("_permission") == []


async def test_lists_from_the_editor_only_tighten(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        widening = settings(fake) | {
            "autoApprove": {"execute": True},
            "allowedCommands": ["touch"],
            "deniedCommands": ["rm"],
        }
        async with editor(NEOVIM, tmp_path, widening) as it:
            fake.answers(run("touch made"))
            await it.start("Go")
            await it.event("_state", state="waiting")
            await it.run("roo.approval.respond", {"decision": "reject_once"})  # trust in all that
            await it.event("_permission")
            assert not (tmp_path / "made").exists()
            assert "deniedCommands" not in str(it.updates("_permission"))


async def test_the_question_shows_the_sandbox_and_the_command_is_held_by_it(
    sandboxed: None, tmp_path: Path
) -> None:
    outside = Path.home() / f".roo-test-{os.getpid()}"
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.answers.append("Approve")
        told = await result_of(it, fake, run(f"touch inside {outside}"))
        assert "Sandbox: on (workspace writable, network off)" in it.dialogs[0].message
        assert "Read-only file system" in told
        assert (tmp_path / "inside").exists()
        assert not outside.exists()
        assert "run in a sandbox" in fake.chats[0].json["messages"][0]["content"]


async def test_outside_the_sandbox_only_after_a_question_also_for_what_is_allowed(
    sandboxed: None, tmp_path: Path
) -> None:
    outside = Path.home() / f".roo-test-{os.getpid()}"
    own(autoApprove={"execute": True}, allowedCommands=["touch *"])
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.answers.append("Approve")
        told = await result_of(it, fake, run(f"touch {outside}", no_sandbox=True))
        assert "outside the sandbox" in it.dialogs[0].message
        assert "Exit code: 0" in told
        assert outside.exists()
        outside.unlink()


async def test_a_command_that_plants_a_protected_file_ends_auto_approval(
    sandboxed: None, tmp_path: Path
) -> None:
    own(autoApprove={"execute": True, "edit": True}, allowedCommands=["cp *"])
    (tmp_path / "a.txt").write_text("x\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(
            run("cp a.txt .envrc"),
            call("write_to_file", {"path": "b.txt", "content": "x\n"}, id="w"),
        )
        await it.start("Go")
        asked = await it.event("_permission")
        assert asked["toolCallId"] == "w"
        assert ".envrc (new)" in fake.chats[1].json["messages"][-1]["content"]
        assert not (tmp_path / "b.txt").exists()


async def test_a_shell_of_the_users_own_is_used_and_always_asked(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    own(autoApprove={"execute": True}, allowedCommands=["echo"], commands={"shell": shell})
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.answers.append("Approve")
        assert f"{shell} it is" in await result_of(it, fake, run("echo $0 it is"))
        assert len(it.dialogs) == 1


async def test_settings_count_for_the_next_command_of_a_running_task(tmp_path: Path) -> None:
    own(autoApprove={"execute": True}, allowedCommands=["echo"])
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await result_of(it, fake, run("echo first"))
        own(deniedCommands=["echo"])
        it.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))
        fake.answers(run("echo second"), text("ok"))
        await it.run("roo.task.send", {"text": "again"})
        await it.until(lambda: len(fake.chats) == 4)
        assert "deniedCommands" in fake.chats[3].json["messages"][-1]["content"]
