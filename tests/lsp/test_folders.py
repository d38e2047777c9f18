"""Several workspace folders, and folders that come and go while the server runs."""

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.support.editor import NEOVIM, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, text


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


def change(it: FakeEditor, *, added: Path | None = None, removed: Path | None = None) -> None:
    def event(folder: Path | None) -> list[types.WorkspaceFolder]:
        return [types.WorkspaceFolder(folder.as_uri(), folder.name)] if folder else []

    it.client.workspace_did_change_workspace_folders(
        types.DidChangeWorkspaceFoldersParams(
            types.WorkspaceFoldersChangeEvent(event(added), event(removed))
        )
    )


def two(tmp_path: Path) -> tuple[Path, Path]:
    front, back = tmp_path / "frontend", tmp_path / "services" / "backend"
    front.mkdir()
    back.mkdir(parents=True)
    (front / "a.txt").write_text("needle in front\n", "utf-8")
    (back / "b.txt").write_text("needle behind\n", "utf-8")
    return front, back


async def ran(fake: FakeOpenAI, it: FakeEditor, name: str, **arguments: Any) -> str:
    """What the model is told of one call."""
    before = len(fake.chats)
    fake.answers(call(name, arguments, id=f"c{before}"), text("ok"))
    await it.start("Do it")
    await fake.chat(before + 2)
    await it.ended()
    return fake.chats[-1].json["messages"][-1]["content"]


async def test_a_folder_that_is_added_counts_from_the_next_call_by_its_name(tmp_path: Path) -> None:
    front, back = two(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        change(it, added=back)
        assert (await it.run("roo.status"))["workspace"] == [str(front), str(back)]
        assert "needle behind" in await ran(fake, it, "read_file", path="backend/b.txt")
        assert f"- {back} (paths in it begin with backend/)" in system(fake)
        assert "needle behind" in await ran(fake, it, "read_file", path=str(back / "b.txt"))
        found = await ran(fake, it, "search_files", path=".", regex="needle")
        assert "# a.txt" in found
        assert "# backend/b.txt" in found
        inside = await ran(fake, it, "search_files", path="backend", regex="needle")
        assert "# backend/b.txt" in inside
        assert "a.txt" not in inside
        assert not it.updates("_permission")


async def test_a_new_file_behind_a_folders_name_is_made_in_it(tmp_path: Path) -> None:
    front, back = two(tmp_path)
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, front, settings(fake)) as it,
    ):
        change(it, added=back)
        await it.run("roo.approval.auto", {"kind": "edit", "on": True})
        await ran(fake, it, "write_to_file", path="backend/new.py", content="pass\n")
        assert (back / "new.py").read_text("utf-8") == "pass\n"
        assert not (front / "backend").exists()
        await ran(fake, it, "edit", file_path="backend/b.txt", old_string="needle", new_string="n")
        assert (back / "b.txt").read_text("utf-8") == "n behind\n"


async def test_a_command_runs_in_the_folder_of_that_name(tmp_path: Path) -> None:
    front, back = two(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        change(it, added=back)
        fake.answers(call("execute_command", {"command": "pwd", "cwd": "backend"}), text("ok"))
        await it.start("Where?")
        await it.event("_permission")
        [entry] = await it.pending()
        assert entry["cwd"] == str(back)
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        assert str(back) in fake.chats[-1].json["messages"][-1]["content"]


async def test_a_folder_that_is_removed_is_outside_from_the_next_call_on(tmp_path: Path) -> None:
    front, back = two(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        change(it, added=back)
        assert "needle behind" in await ran(fake, it, "read_file", path="backend/b.txt")
        change(it, removed=back)
        assert (await it.run("roo.status"))["workspace"] == [str(front)]
        fake.answers(call("read_file", {"path": str(back / "b.txt")}), text("ok"))
        await it.start("Again")
        await it.event("_permission")
        [entry] = await it.pending()
        assert entry["reason"] == f"it reads outside the workspace: {back / 'b.txt'}"
        await it.run("roo.approval.respond", "reject_once")
        await it.ended()
        assert str(back) not in system(fake)
        assert "backend" not in await ran(fake, it, "search_files", path=".", regex="needle")


async def test_what_the_rooignore_of_an_added_folder_keeps_is_kept(tmp_path: Path) -> None:
    front, back = two(tmp_path)
    (back / ".rooignore").write_text("b.txt\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        change(it, added=back)
        told = await ran(fake, it, "read_file", path="backend/b.txt")
        assert ".rooignore keeps it from the agent" in told
        assert "# a.txt" in (found := await ran(fake, it, "search_files", path=".", regex="needle"))
        assert "b.txt" not in found


async def test_a_folder_of_the_first_one_is_not_taken_for_another_of_its_name(
    tmp_path: Path,
) -> None:
    front, back = two(tmp_path)
    (front / "backend").mkdir()
    (front / "backend" / "b.txt").write_text("the inner one\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        change(it, added=back)
        assert "the inner one" in await ran(fake, it, "read_file", path="backend/b.txt")
        found = await ran(fake, it, "search_files", path=".", regex="needle behind")
        assert f"# {back / 'b.txt'}" in found


async def test_the_last_folder_stays(tmp_path: Path) -> None:
    front, _ = two(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        change(it, removed=front)
        assert (await it.run("roo.status"))["workspace"] == [str(front)]


def system(fake: FakeOpenAI) -> str:
    return fake.chats[-1].json["messages"][0]["content"]


async def test_a_folder_that_came_since_is_not_what_always_was_said_for(tmp_path: Path) -> None:
    front, back = two(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        fake.answers(
            call("write_to_file", {"path": "new.txt", "content": "x"}, id="w1"), text("ok")
        )
        task_id = await it.start("Write")
        await it.event("_permission")
        await it.run("roo.approval.respond", "allow_always")
        await it.ended()
        change(it, added=back)
        fake.answers(
            call("write_to_file", {"path": "backend/new.txt", "content": "x"}, id="w2"), text("ok")
        )
        await it.run("roo.task.send", {"taskId": task_id, "text": "And there"})
        await it.until(lambda: len(it.updates("_permission")) == 3)
        assert not (back / "new.txt").exists()
        await it.run("roo.approval.respond", "reject_once")


async def test_with_the_root_of_the_system_beside_it_nothing_but_reads_runs_unasked(
    tmp_path: Path,
) -> None:
    front, _ = two(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, front, settings(fake)) as it:
        await it.run("roo.approval.auto", {"kind": "edit", "on": True})
        change(it, added=Path("/"))
        fake.answers(
            call("write_to_file", {"path": "new.txt", "content": "x"}, id="w1"), text("ok")
        )
        await it.start("Write")
        await it.event("_permission")
        assert not (front / "new.txt").exists()
        await it.run("roo.approval.respond", "reject_once")
        with pytest.raises(JsonRpcException, match="the root of the file system"):
            await it.run("roo.approval.auto", {"kind": "execute", "on": True})
        assert not (await it.run("roo.status"))["autoApprove"]["edit"]
