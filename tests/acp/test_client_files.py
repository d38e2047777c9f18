"""The client's `fs`: unsaved text counts, edits go where it is, and a silent client costs one wait."""

import json
from pathlib import Path

import pytest

from roo_lsp.acp import client
from tests.acp.test_sessions import OFF, config
from tests.support.acp import acp_editor, user_settings
from tests.support.fake_openai import FakeOpenAI, call, text

FS = {"fs": {"readTextFile": True, "writeTextFile": True}}
EDIT = {"file_path": "a.txt", "old_string": "unsaved", "new_string": "edited"}
ALL = {"autoApprove": {"edit": True, "execute": True}, "allowedCommands": ["cat *"]}


async def test_unsaved_text_is_read_and_edited_where_it_is_and_saved_before_a_command(
    tmp_path: Path,
) -> None:
    file = tmp_path / "a.txt"
    file.write_text("on disk\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF, **ALL)
        fake.answers(
            call("read_file", {"path": "a.txt"}),
            call("edit", EDIT, id="c2"),
            call("execute_command", {"command": "cat a.txt"}, id="c3"),
            text("Done."),
        )
        async with acp_editor(tmp_path, FS) as it:
            it.files[str(file)] = "unsaved\n"
            it.saves = False
            session = await it.new()
            assert await it.prompt(session, "Edit it") == "end_turn", "it is asked to be saved"
            assert it.files[str(file)] == "edited\n"
            assert file.read_text() == "on disk\n", "never both"
            assert "Please save a.txt" in it.text()
            it.saves = True
            it.write(str(file), it.files[str(file)])
            assert await it.prompt(session, "1") == "end_turn"
            assert "Exit code: 0\nOutput:\nedited" in fake.chats[3].body.decode().replace(
                "\\n", "\n"
            )
            told = json.dumps(fake.chats[1].json)
            assert "unsaved" in told
            assert "on disk" not in told


async def test_what_is_typed_between_two_turns_reaches_the_model(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\ntwo\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **ALL)
        fake.answers(call("read_file", {"path": "a.txt"}), text("I did."), text("I see."))
        async with acp_editor(tmp_path, FS) as it:
            session = await it.new()
            await it.prompt(session, "Read it")
            it.files[str(file)] = "one\n2\n"
            await it.prompt(session, "And now?")
            told = fake.chats[-1].json["messages"][-1]["content"]
            assert "a.txt, which you know, was changed since; 2 lines now:\n-two\n+2 | 2\n" in told


@pytest.mark.parametrize("declared", [{}, FS])
async def test_a_client_that_answers_nothing_hangs_no_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: dict[str, object]
) -> None:
    monkeypatch.setattr(client, "SECONDS", 0.01)
    (tmp_path / "a.txt").write_text("unsaved on disk\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF, **ALL)
        fake.answers(
            call("read_file", {"path": "a.txt"}),
            call("edit", EDIT, id="c2"),
            call("execute_command", {"command": "cat a.txt"}, id="c3"),
            text("Done."),
        )
        async with acp_editor(tmp_path, declared) as it:
            it.answers_files = False
            session = await it.new()
            assert await it.prompt(session, "Edit it") == "end_turn"
            assert (tmp_path / "a.txt").read_text() == "edited on disk\n"
            assert [each["method"] for each in it.asked] == ["fs/read_text_file"] * bool(declared)


async def test_output_is_shown_as_it_comes_as_a_terminal_where_the_client_draws_one(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF, **ALL)
        (tmp_path / "a.txt").write_text("hello\n")
        for declared in ({"terminal": True}, {"_meta": {"terminal_output": True}}):
            fake.answers(call("execute_command", {"command": "cat a.txt"}), text("Done."))
            async with acp_editor(tmp_path, declared) as it:
                session = await it.new()
                await it.prompt(session, "Run it")
                assert it.asked == [], "nothing runs in the client's own terminal"
                updates = it.of("tool_call_update")
                if "_meta" in declared:
                    metas = [each.get("_meta", {}) for each in updates]
                    (begun,) = [m["terminal_info"] for m in metas if "terminal_info" in m]
                    (came,) = [m["terminal_output"] for m in metas if "terminal_output" in m]
                    (ended,) = [m["terminal_exit"] for m in metas if "terminal_exit" in m]
                    assert came == {**begun, "data": "hello\n"}
                    assert ended == {**begun, "exit_code": 0, "signal": None}
                else:
                    running = [e for e in updates if e.get("status") == "in_progress"]
                    assert running[-1]["content"][0]["content"]["text"] == "hello\n"
