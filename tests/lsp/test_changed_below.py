"""Files that a command changes while they are open: read, found and edited as they are on disk."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.editor import EGLOT, HELIX, NEOVIM, VSCODE, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text

TEXT = "one\ntwo\nthree\n"
EDITORS = pytest.mark.parametrize(
    "persona", [NEOVIM, HELIX, VSCODE, EGLOT], ids=lambda each: each.name
)
EDIT = call("edit", {"file_path": "a.txt", "old_string": "three", "new_string": "3"})
READ = call("read_file", {"path": "a.txt"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    return tmp_path


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def task(fake: FakeOpenAI, it: FakeEditor, *answers: Any, approvals: int = 1) -> list[str]:
    """Let the model do this, approve it; what it is told."""
    fake.answers(*answers, text("ok"))
    before = sum("options" in each for each in it.updates("_permission"))
    await it.start("Do it")
    for number in range(before + 1, before + approvals + 1):
        await it.until(
            lambda number=number: (
                sum("options" in each for each in it.updates("_permission")) >= number
            )
        )
        await it.run("roo.approval.respond", {"decision": "allow_once"})
    await it.ended()
    messages = fake.chats[-1].json["messages"]
    return [each["content"] for each in messages if each["role"] == "tool"]


def sed(script: str) -> Any:
    return call("execute_command", {"command": f"sed -i {script} a.txt"})


@EDITORS
async def test_a_command_under_an_open_document_is_not_undone_by_the_next_edit(
    persona: Persona, folder: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        _, read, edited = await task(fake, it, sed("s/two/TWO/"), READ, EDIT, approvals=2)
        assert "2 | TWO" in read
        assert "Changed 1 place" in edited
        assert buffer.text == "one\nTWO\n3\n"
        it.save(buffer)
        assert (folder / "a.txt").read_text("utf-8") == "one\nTWO\n3\n"


async def test_an_edit_of_what_the_command_changed_finds_it(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        await task(fake, it, sed("s/three/four/"), approvals=1)
        edit = call("edit", {"file_path": "a.txt", "old_string": "four", "new_string": "4"})
        found = call("search_files", {"path": ".", "regex": "four"})
        *_, search, edited = await task(fake, it, found, edit)
        assert "a.txt" in search
        assert "Changed 1 place" in edited
        assert buffer.text == "one\ntwo\n4\n"


async def test_an_editor_that_reloads_by_itself_is_followed(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        await task(fake, it, sed("s/two/TWO/"))
        it.type(buffer, (folder / "a.txt").read_text("utf-8"))
        edits = len(it.edits)
        await task(fake, it, EDIT)
        assert buffer.text == "one\nTWO\n3\n"
        assert len(it.edits) == edits + 1


async def test_unsaved_text_of_the_user_and_a_changed_file_are_both_told(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        it.type(buffer, TEXT + "mine\n")
        _, read, edited = await task(fake, it, sed("s/two/TWO/"), READ, EDIT, approvals=2)
        assert "has unsaved changes in the editor, and was changed on disk too" in read
        assert "4 | mine" in read
        assert "was not edited" in edited
        assert buffer.text == TEXT + "mine\n"
        assert "TWO" in (folder / "a.txt").read_text("utf-8")


async def test_a_file_that_a_command_removed_is_not_there(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        it.open(folder / "a.txt")
        remove = call("execute_command", {"command": "rm a.txt"})
        _, read = await task(fake, it, remove, READ)
        assert "File not found" in read


async def test_what_the_user_typed_and_took_back_follows_too(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        it.type(buffer, TEXT + "mine\n")
        it.type(buffer, TEXT)
        _, read = await task(fake, it, sed("s/two/TWO/"), READ)
        assert "2 | TWO" in read
        assert "unsaved" not in read


async def test_a_document_that_was_saved_follows_too(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        it.type(buffer, TEXT + "mine\n")
        it.save(buffer)
        _, read, _ = await task(fake, it, sed("s/mine/theirs/"), READ, EDIT, approvals=2)
        assert "4 | theirs" in read
        assert buffer.text == "one\ntwo\n3\ntheirs\n"


async def test_what_changed_on_disk_while_the_user_was_asked_is_not_edited(folder: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, folder, settings(fake)) as it:
        buffer = it.open(folder / "a.txt")
        fake.answers(EDIT, text("ok"))
        await it.start("Edit")
        await it.event("_permission")
        (folder / "a.txt").write_text("other three\n", "utf-8")
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.ended()
        assert "changed while you were asked" in fake.chats[-1].json["messages"][-1]["content"]
        assert buffer.text == TEXT
