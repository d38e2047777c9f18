"""Patches through the editor: several files, one question, all of them or none."""

from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.support.editor import NEOVIM, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, text

PATCH = """\
*** Begin Patch
*** Update File: a.txt
-two
+2
*** Update File: b.txt
*** Move to: dir/b.txt
*** Delete File: c.txt
*** End Patch"""


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def patched(fake: FakeOpenAI, it: FakeEditor) -> str:
    """Let the model patch, approve it once; what the model is told."""
    fake.answers(call("apply_patch", {"patch": PATCH}, id="p"), text("ok"))
    await it.start("Patch")
    await it.event("_permission")
    await it.run("roo.approval.respond", {"decision": "allow_once"})
    await it.ended()
    return fake.chats[-1].json["messages"][-1]["content"]


def write(folder: Path) -> None:
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text("one\ntwo\n")


async def test_one_answer_of_the_user_is_for_all_files_of_a_patch(tmp_path: Path) -> None:
    write(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt")
        told = await patched(fake, it)
        assert told == (
            "Applied the patch: edited a.txt (line 2), moved b.txt to dir/b.txt (2 lines), "
            "deleted c.txt."
        )
        assert buffer.text == "one\n2\n"
        assert (tmp_path / "dir/b.txt").read_text() == "one\ntwo\n"
        assert not (tmp_path / "b.txt").exists()
        assert not (tmp_path / "c.txt").exists()
        [shown] = [
            each["content"]
            for each in it.updates("tool_call_update")
            if each["status"] == "pending" and "content" in each
        ]
        assert [Path(each["path"]).name for each in shown] == ["a.txt", "b.txt", "b.txt", "c.txt"]
        assert len([each for each in it.updates("_permission") if "options" in each]) == 1


def keeps_files(it: FakeEditor) -> None:
    changes = it.edits[-1].edit.document_changes or []
    if any(isinstance(each, types.DeleteFile) for each in changes):
        raise JsonRpcException("no", code=-32603)


async def test_a_file_that_the_editor_does_not_let_go_undoes_the_rest(tmp_path: Path) -> None:
    write(tmp_path)
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffers = [it.open(tmp_path / name) for name in ("a.txt", "c.txt")]
        it.on_edit = keeps_files
        told = await patched(fake, it)
        assert "The editor did not delete c.txt" in told
        assert "Nothing of the patch stands" in told
        assert [each.text for each in buffers] == ["one\ntwo\n"] * 2
        assert (tmp_path / "b.txt").read_text() == "one\ntwo\n"
        assert not (tmp_path / "dir/b.txt").exists()
