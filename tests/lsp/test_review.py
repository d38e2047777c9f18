"""Review in editors: what the agent changed is listed, shown, kept and taken back, hunk by hunk."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from roo_lsp.agent.errors import ToolError
from roo_lsp.tasks.review import TaskReview
from roo_lsp.workspace.disk import DiskFileSystem
from tests.support.editor import (
    EGLOT,
    EMACS,
    HELIX,
    NEOVIM,
    PERSONAS,
    VSCODE,
    Buffer,
    FakeEditor,
    Persona,
    apply_edits,
    editor,
)
from tests.support.fake_openai import FakeOpenAI, call, gated, spoken, text

TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
EDITED = "one\n2\nthree\nfour\nfive\n6\nseven\n"
DIFF = (
    "<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n"
    "<<<<<<< SEARCH\nsix\n=======\n6\n>>>>>>> REPLACE\n"
)
EVERYWHERE = pytest.mark.parametrize("persona", PERSONAS, ids=lambda each: each.name)


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


async def act(fake: FakeOpenAI, it: FakeEditor, *made: Any) -> str:
    """Let the model make calls, approve each; the task's id."""
    fake.answers(*made, text("ok"))
    before = len(asked(it))
    task_id = await it.start("Change it")
    for count in range(len(made)):
        await it.until(lambda count=before + count: len(asked(it)) > count)
        await it.run("roo.approval.respond", {"decision": "allow_once"})
    await it.ended(task_id)
    return task_id


def asked(it: FakeEditor) -> list[dict[str, Any]]:
    return [each for each in it.updates("_permission") if "outcome" not in each]


def edits(path: str = "a.txt", diff: str = DIFF) -> Any:
    return call("apply_diff", {"path": path, "diff": diff}, id="d")


def writes(path: str, content: str) -> Any:
    return call("write_to_file", {"path": path, "content": content}, id="w")


async def listed(it: FakeEditor, **of: Any) -> list[dict[str, Any]]:
    return await it.run("roo.changes.list", of)


async def hunks(it: FakeEditor, **of: Any) -> list[dict[str, Any]]:
    [file] = await listed(it, **of)
    return file["hunks"]


def shown(found: list[dict[str, Any]]) -> list[tuple[int, str, str, str]]:
    return [
        (each["range"]["start"]["line"], each["before"], each["after"], each["state"])
        for each in found
    ]


def hints(it: FakeEditor, buffer: Buffer) -> list[tuple[int, str]]:
    found = it.client.diagnostics.get(buffer.uri, [])
    assert all(each.range.start == each.range.end for each in found), "no text is underlined"
    return [
        (each.range.start.line, each.message)
        for each in found
        if each.severity == types.DiagnosticSeverity.Hint
    ]


async def actions(it: FakeEditor, buffer: Buffer, line: int) -> dict[str, types.Command]:
    place = types.Position(line, 0)
    found = await it.client.text_document_code_action_async(
        types.CodeActionParams(
            types.TextDocumentIdentifier(buffer.uri),
            types.Range(place, place),
            types.CodeActionContext(diagnostics=[]),
        )
    )
    commands: dict[str, types.Command] = {}
    for each in found or ():
        assert isinstance(each, types.CodeAction)
        assert each.command is not None
        if not each.title.startswith("Roo: "):  # those are there on any line
            commands[each.title] = each.command
    return commands


async def pick(it: FakeEditor, command: types.Command) -> Any:
    return await it.run(command.command, *(command.arguments or ()))


@EVERYWHERE
async def test_hunks_are_hints_with_actions_follow_typing_and_come_out_of_the_buffer(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        await act(fake, it, edits())
        assert buffer.text == EDITED
        hint = "Roo changed 1 line: Keep or revert"
        await it.until(lambda: hints(it, buffer) == [(1, hint), (5, hint)])
        ids = [each["id"] for each in await hunks(it)]

        it.type(buffer, f"zero\n{EDITED}")
        await it.until(lambda: hints(it, buffer) == [(2, hint), (6, hint)])
        assert shown(await hunks(it)) == [
            (2, "two\n", "2\n", "pending"),
            (6, "six\n", "6\n", "pending"),
        ]
        assert [each["id"] for each in await hunks(it)] == ids
        assert await actions(it, buffer, 0) == {}

        there = await actions(it, buffer, 2)
        assert list(there) == [
            "Keep Roo's change",
            "Revert Roo's change",
            "Show all of Roo's changes as a diff",
            "Keep all of Roo's changes",
            "Revert Roo's changes in this file",
            "Revert all of Roo's changes",
        ]
        await pick(it, there["Revert Roo's change"])
        assert buffer.text == f"zero\n{EDITED}".replace("2", "two")
        await it.until(lambda: hints(it, buffer) == [(6, hint)])
        assert [state for *_, state in shown(await hunks(it))] == ["reverted", "pending"]

        await pick(it, (await actions(it, buffer, 6))["Keep Roo's change"])
        await it.until(lambda: hints(it, buffer) == [])
        assert [state for *_, state in shown(await hunks(it))] == ["reverted", "kept"]
        assert buffer.text == f"zero\n{TEXT}".replace("six", "6")


@pytest.mark.parametrize("persona", [NEOVIM, VSCODE], ids=lambda each: each.name)
async def test_code_lenses_stand_above_each_hunk(persona: Persona, tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        await act(fake, it, edits())
        params = types.CodeLensParams(types.TextDocumentIdentifier(buffer.uri))
        lenses = await it.client.text_document_code_lens_async(params) or ()
        assert [
            (lens.range.start.line, lens.command and lens.command.title) for lens in lenses
        ] == [
            (1, "Keep Roo's change"),
            (1, "Revert"),
            (5, "Keep Roo's change"),
            (5, "Revert"),
        ]
        revert = list(lenses)[3].command
        assert revert is not None
        await pick(it, revert)
        assert buffer.text == EDITED.replace("6", "six")


async def test_an_approval_that_waits_is_a_code_lens_above_its_document(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        fake.answers(edits(), text("ok"))
        await it.start("Change it")
        await it.event("_permission")
        params = types.CodeLensParams(types.TextDocumentIdentifier(buffer.uri))
        lenses = await it.client.text_document_code_lens_async(params) or ()
        commands = [lens.command for lens in lenses if lens.command is not None]
        assert [each.title for each in commands] == [
            "Roo: Edit a.txt? Review…",
            "Deny",
            "Approve",
            "Always approve",
        ]
        assert {lens.range.start.line for lens in lenses} == {1}  # the first that would change
        await pick(it, commands[2])
        await it.ended()
        assert buffer.text == EDITED


async def test_without_code_lenses_or_diagnostics_in_the_settings_there_are_none(
    tmp_path: Path,
) -> None:
    off = {"ui": {"codeLens": False, "diagnostics": False}}
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake, **off)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        await act(fake, it, edits())
        params = types.CodeLensParams(types.TextDocumentIdentifier(buffer.uri))
        assert not await it.client.text_document_code_lens_async(params)
        assert len(await hunks(it)) == 2
        assert hints(it, buffer) == []


async def test_a_hunk_that_the_user_edited_is_refused_by_name_and_lines(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        task_id = await act(fake, it, edits())
        it.type(buffer, EDITED.replace("2", "22"))
        first, second = await hunks(it)
        assert (first["state"], second["state"]) == ("edited", "pending")
        of_first = {"taskId": task_id, "uri": buffer.uri, "hunk": first["id"]}
        with pytest.raises(JsonRpcException, match=r"a\.txt, line 2: you have edited") as caught:
            await it.run("roo.changes.revert", of_first)
        assert (caught.value.code, caught.value.data) == (-32803, {"reason": "edited_since"})
        with pytest.raises(JsonRpcException, match="Nothing was reverted"):
            await it.run("roo.changes.revert", {"uri": buffer.uri})
        assert buffer.text == EDITED.replace("2", "22")
        await it.run("roo.changes.revert", {"hunk": second["id"]})
        assert buffer.text == EDITED.replace("2", "22").replace("6", "six")


async def test_revert_of_all_does_the_files_it_can_and_says_which_it_cannot(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        one = it.open(tmp_path / "a.txt", TEXT)
        (tmp_path / "b.txt").write_bytes(TEXT.replace("\n", "\r\n").encode())
        await act(fake, it, edits(), edits("b.txt"), writes("sub/c.txt", "new\n"))
        assert (tmp_path / "b.txt").read_bytes() == EDITED.replace("\n", "\r\n").encode()
        it.type(one, EDITED.replace("2", "22"))
        result = await it.run("roo.changes.revert")
        names = [each["uri"].rpartition("/")[2] for each in result["reverted"]]
        assert names == ["b.txt", "c.txt"]
        assert [(each["reason"], each["lines"]) for each in result["refused"]] == [
            ("edited_since", "2")
        ]
        assert (tmp_path / "b.txt").read_bytes() == TEXT.replace("\n", "\r\n").encode()
        assert not (tmp_path / "sub" / "c.txt").exists()
        assert one.text == EDITED.replace("2", "22")


@pytest.mark.parametrize("persona", [NEOVIM, HELIX, EGLOT], ids=lambda each: each.name)
async def test_a_new_file_that_is_open_is_deleted_by_the_editor(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        await act(fake, it, writes("new.txt", "a\nb\n"))
        buffer = it.open(tmp_path / "new.txt")
        await it.until(lambda: hints(it, buffer) == [(0, "Roo added 2 lines: Keep or revert")])
        await pick(it, (await actions(it, buffer, 1))["Revert Roo's change"])
        assert not buffer.path.exists()
        assert buffer.uri not in it.buffers


async def test_a_new_file_that_is_open_stays_where_the_editor_cannot_delete(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        await act(fake, it, writes("new.txt", "a\nb\n"))
        buffer = it.open(tmp_path / "new.txt")
        with pytest.raises(JsonRpcException, match="close it there first"):
            await it.run("roo.changes.revert")
        assert buffer.path.exists()
        it.close(buffer)
        await it.run("roo.changes.revert")
        assert not buffer.path.exists()


async def test_a_file_that_the_user_deleted_is_not_reverted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await act(fake, it, edits())
        (tmp_path / "a.txt").unlink()
        assert [state for *_, state in shown(await hunks(it))] == ["edited", "edited"]
        with pytest.raises(JsonRpcException, match="Nothing was reverted"):
            await it.run("roo.changes.revert")
        (tmp_path / "a.txt").write_text(EDITED, "utf-8")
        await it.run("roo.changes.revert")
        assert (tmp_path / "a.txt").read_text("utf-8") == TEXT


async def test_review_goes_on_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake:
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            task_id = await act(fake, it, edits())
            ids = [each["id"] for each in await hunks(it)]
            await it.run("roo.changes.keep", {"hunk": ids[0]})
        file.write_text(f"typed while it was away\n{EDITED}", "utf-8")
        async with editor(HELIX, tmp_path, settings(fake)) as it:
            buffer = it.open(file)
            found = await hunks(it, taskId=task_id)
            assert [each["id"] for each in found] == ids
            assert shown(found) == [(2, "two\n", "2\n", "kept"), (6, "six\n", "6\n", "pending")]
            await it.until(lambda: [line for line, _ in hints(it, buffer)] == [6])
            await it.run("roo.changes.revert", {"taskId": task_id})
            assert buffer.text == f"typed while it was away\n{EDITED}".replace("6", "six")


def on_disk(folder: Path) -> TaskReview:
    """The review of a task whose files no editor has, as after a start."""
    return TaskReview(folder / "changes", DiskFileSystem(), show=lambda path: None)


@pytest.mark.parametrize("made", [True, False])
async def test_a_write_that_was_cut_off_is_the_agents_if_it_was_made(
    made: bool, tmp_path: Path
) -> None:
    file = tmp_path / "a.txt"
    file.write_text(TEXT, "utf-8")
    cut_off = on_disk(tmp_path).writing(file, TEXT, EDITED)
    await cut_off.__aenter__()
    if made:
        file.write_text(EDITED, "utf-8")
    changed = await on_disk(tmp_path).changed()
    assert [len(each.hunks) for _, each in changed] == ([2] if made else [])


async def test_of_a_write_that_failed_nothing_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    with pytest.raises(ToolError):
        async with on_disk(tmp_path).writing(file, None, EDITED):
            raise ToolError("no")
    assert list((tmp_path / "changes").iterdir()) == []


async def test_what_is_stored_and_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    async with on_disk(tmp_path).writing(file, None, TEXT):
        file.write_text(TEXT, "utf-8")
    (tmp_path / "changes" / "0123.json").write_text("{", "utf-8")
    assert [path for path, _ in await on_disk(tmp_path).changed()] == [file]


async def test_two_servers_see_what_the_other_kept(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake)) as one,
        editor(EGLOT, tmp_path, settings(fake)) as other,
    ):
        task_id = await act(fake, one, edits())
        assert len(await hunks(other, taskId=task_id)) == 2
        await one.run("roo.changes.keep")
        states = [state for *_, state in shown(await hunks(other, taskId=task_id))]
        assert states == ["kept", "kept"]


async def test_what_commands_and_the_user_do_is_not_the_agents(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await act(fake, it, call("execute_command", {"command": "echo x > made.txt"}, id="x"))
        assert (tmp_path / "made.txt").exists()
        assert await listed(it) == []
        result = await it.run("roo.changes.revert")
        assert (result["reverted"], result["refused"]) == ([], [])


async def test_what_the_user_types_while_the_edit_is_made_is_theirs(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)

        def user_types(editor: FakeEditor) -> None:
            editor.on_edit = None
            editor.type(buffer, TEXT.replace("four", "FOUR"))

        it.on_edit = user_types
        await act(fake, it, edits())
        assert buffer.text == EDITED.replace("four", "FOUR")
        assert shown(await hunks(it)) == [
            (1, "two\n", "2\n", "pending"),
            (5, "six\n", "6\n", "pending"),
        ]
        await it.run("roo.changes.revert")
        assert buffer.text == TEXT.replace("four", "FOUR")


async def test_the_model_is_told_with_the_next_request_and_a_view_by_an_event(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        task_id = await act(fake, it, edits())
        first, second = await hunks(it)
        await it.run("roo.changes.keep", {"hunk": second["id"]})
        await it.event("_changes", state="kept", added=1, removed=1)
        await it.run("roo.changes.revert", {"hunk": first["id"]})
        await it.event("_changes", state="reverted", added=1, removed=1)
        it.events.clear()
        fake.answers(text("I see"))
        await it.run("roo.task.send", {"taskId": task_id, "text": "Go on"})
        await it.ended(task_id)
        said = [
            spoken(m["content"]) for m in fake.chats[-1].json["messages"] if m["role"] == "user"
        ]
        assert said[-2:] == [
            "(I took back what you changed in a.txt, line 2. Read it before you edit it again.)",
            "Go on",
        ]
        replayed = await it.run("roo.task.replay", {"taskId": task_id})
        seqs = [event["seq"] for event in replayed["events"]]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_while_a_turn_runs_a_hunk_can_be_reverted_and_the_model_hears_of_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        go_on = asyncio.Event()
        fake.answers(edits(), gated(text("thinking"), go_on, after=0), text("I see"))
        task_id = await it.start("Change it")
        await it.event("_permission")
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await fake.chat(2)
        await it.run("roo.changes.revert", {"hunk": (await hunks(it))[0]["id"]})
        assert (tmp_path / "a.txt").read_text("utf-8") == EDITED.replace("2", "two")
        go_on.set()
        await it.ended(task_id)
        assert fake.chats[-1].json["messages"][-1]["content"].startswith("(I took back")


async def test_all_changes_open_as_one_diff(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        await act(fake, it, edits(), writes("new.txt", "last line\u202e"))
        assert len(await listed(it, show=True)) == 2
        shown_diff = Path(it.shown[0].removeprefix("file://"))
        assert shown_diff.suffix == ".diff"
        assert shown_diff.read_text("utf-8") == (
            "--- a.txt\n+++ a.txt\n@@ -1,7 +1,7 @@\n one\n-two\n+2\n three\n four\n five\n-six\n+6\n"
            " seven\n--- /dev/null\n+++ new.txt\n@@ -0,0 +1 @@\n+last line\\u202e\n"
            "\\ No line feed at the end of this line\n"
        )


async def test_hints_go_with_the_task_and_approvals_keep_theirs(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        task_id = await act(fake, it, edits())
        other_diff = "<<<<<<< SEARCH\nfour\n=======\n4\n>>>>>>> REPLACE\n"
        fake.answers(edits(diff=other_diff), text("ok"))
        other = await it.start("Once more")
        await it.until(lambda: len(it.client.diagnostics.get(buffer.uri, [])) == 3)
        await it.run("roo.task.delete", {"taskId": task_id})
        await it.until(lambda: len(it.client.diagnostics.get(buffer.uri, [])) == 1)
        await it.run("roo.task.delete", {"taskId": other})
        await it.until(lambda: not it.client.diagnostics[buffer.uri])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"uri": "untitled:x"}, "uri: not the address of a file"),
        ({"uri": "file:///nowhere"}, "uri: the task did not change this file"),
        ({"hunk": "x-1"}, "hunk: there is no hunk x-1"),
        ({"hunk": 1}, "hunk"),
    ],
)
async def test_what_is_not_there_is_named(
    given: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await act(fake, it, edits())
        for command in ("roo.changes.keep", "roo.changes.revert"):
            with pytest.raises(JsonRpcException, match=complaint) as caught:
                await it.run(command, given)
            assert caught.value.code == -32602


async def test_what_was_settled_already_is_not_reverted_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await act(fake, it, edits())
        first = (await hunks(it))[0]["id"]
        await it.run("roo.changes.keep", {"hunk": first})
        with pytest.raises(JsonRpcException, match="it was kept already"):
            await it.run("roo.changes.revert", {"hunk": first})


@EVERYWHERE
async def test_ranges_delimit_exactly_what_the_agent_wrote_in_every_encoding(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", "😀\nfirst\n🎉 é")
        diff = "<<<<<<< SEARCH\n🎉 é\n=======\n🎉 é ü 🚀\n>>>>>>> REPLACE\n"
        await act(fake, it, edits(diff=diff))
        [hunk] = await hunks(it)
        start, end = (types.Position(**hunk["range"][each]) for each in ("start", "end"))
        kind = types.PositionEncodingKind(it.server.protocol.workspace.position_encoding).value
        back = types.TextEdit(types.Range(start, end), hunk["before"])
        assert apply_edits(buffer.text, [back], kind) == "😀\nfirst\n🎉 é"
