"""Approvals and questions in an editor: every surface leads to one list, the first answer wins."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from roo_lsp.app import TOOLS
from roo_lsp.cli import main
from tests.support.editor import (
    EMACS,
    HELIX,
    HELIX_OLD,
    NEOVIM,
    VSCODE,
    FakeEditor,
    Persona,
    editor,
)
from tests.support.fake_openai import FakeOpenAI, call, hang, text
from tests.support.wire import PATIENCE


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


def writes(path: str = "a.txt") -> Any:
    return call("write_to_file", {"path": path, "content": "new\n"}, id="w1")


def tool_result(fake: FakeOpenAI) -> str:
    return fake.chats[-1].json["messages"][-1]["content"]


async def test_a_dialog_asks_harmlessly_first_and_approves_by_title(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(writes(), text("ok"))
        it.answers.append("Approve")
        await it.start("Write")
        await it.ended()
        assert (tmp_path / "a.txt").read_text("utf-8") == "new\n"
        dialog = it.dialogs[0]
        titles = [action.title for action in dialog.actions or ()]
        assert titles[0] == "Review…"
        assert len(titles) == len(set(titles)) <= 4
        lines = dialog.message.split("\n")
        assert len(lines) <= 6
        assert max(map(len, lines)) <= 70
        settled = it.updates("_permission")[-1]
        assert (settled["outcome"], settled["by"]) == ("allow_once", "window/showMessageRequest")


@pytest.mark.parametrize("answer", [None, "Nonsense", "approve"])
async def test_a_dialog_that_is_dismissed_or_answers_nonsense_is_no_consent(
    answer: str | None, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        fake.answers(writes(), text("ok"))
        it.answers.append(answer)
        await it.start("Write")
        await it.until(lambda: not it.answers)
        pending = await it.pending()
        assert [entry["title"] for entry in pending] == [it.updates("_permission")[0]["title"]]
        assert not (tmp_path / "a.txt").exists()
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.ended()
        assert (tmp_path / "a.txt").exists()


async def test_review_opens_everything_as_a_document_and_decides_nothing(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        fake.answers(
            call("execute_command", {"command": "printf '\u202e%s' evil"}, id="x"), text("ok")
        )
        it.answers.append("Review…")
        await it.start("Run")
        await it.until(lambda: it.shown)
        shown = Path(it.shown[0].removeprefix("file://")).read_text("utf-8")
        assert "printf '\\u202e%s' evil" in shown
        assert "\u202e" not in shown
        assert "roo.approval.respond" in shown
        assert len(await it.pending()) == 1


@pytest.mark.parametrize("persona", [HELIX_OLD, EMACS], ids=lambda each: each.name)
async def test_where_there_are_no_dialogs_a_message_says_what_waits(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        fake.answers(writes(), text("ok"))
        await it.start("Write")
        await it.until(lambda: any("waits for you" in m.message for m in it.client.messages))
        await it.run("roo.approval.respond", "allow_once")
        assert (await it.ended())["stopReason"] == "end_turn"


async def test_a_diagnostic_and_its_code_actions_settle_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old\n", "utf-8")
    async with FakeOpenAI() as fake, editor(HELIX_OLD, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt")
        fake.answers(writes(), text("ok"))
        await it.start("Write")
        found = await it.until(lambda: it.client.diagnostics.get(buffer.uri))
        assert found[0].severity == types.DiagnosticSeverity.Information
        assert found[0].range.start == found[0].range.end, "no text is underlined"
        actions = await it.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(buffer.uri),
                found[0].range,
                types.CodeActionContext(diagnostics=list(found)),
            )
        )
        approve = next(a for a in actions or () if a.title.startswith("Approve"))
        assert isinstance(approve, types.CodeAction)
        assert approve.command is not None
        await it.run(approve.command.command, *(approve.command.arguments or ()))
        await it.ended()
        assert buffer.text == "new\n"
        asking = types.DiagnosticSeverity.Information
        assert all(each.severity != asking for each in it.client.diagnostics[buffer.uri])


async def test_an_answer_elsewhere_withdraws_the_dialog(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(writes(), text("ok"))
        await it.start("Write")
        await it.until(lambda: it.dialogs)
        await it.run("roo.approval.respond", {"decision": "reject_once", "feedback": "Not there"})
        await it.ended()
        assert "They said: Not there" in tool_result(fake)
        assert not (tmp_path / "a.txt").exists()


async def test_two_requests_are_told_apart_by_id(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        outside = [f"/etc/{name}" for name in ("hostname", "passwd")]
        fake.answers(
            call("read_file", {"path": outside[0]}, id="r0")
            + call("read_file", {"path": outside[1]}, id="r1"),
            text("ok"),
        )
        await it.start("Read")
        await it.until(lambda: len(it.updates("_permission")) == 2)
        with pytest.raises(JsonRpcException, match="Say which one") as caught:
            await it.run("roo.approval.respond", {"decision": "allow_once"})
        assert caught.value.code == -32803
        for entry in await it.pending():
            await it.run(
                "roo.approval.respond",
                {"requestId": entry["requestId"], "decision": "reject_once"},
            )
        await it.ended()


async def test_only_one_dialog_is_open_at_a_time(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(
            call("read_file", {"path": "/etc/hostname"}, id="r0")
            + call("read_file", {"path": "/etc/passwd"}, id="r1"),
            text("ok"),
        )
        await it.start("Read")
        await it.until(lambda: len(it.updates("_permission")) == 2)
        await it.until(lambda: it.dialogs)
        entries = await it.pending()  # whatever was opened before this answer is here by now
        assert len(entries) == 2
        (first,) = it.dialogs
        entry = next(e for e in entries if e["title"] in first.message)
        await it.run(
            "roo.approval.respond", {"requestId": entry["requestId"], "decision": "reject_once"}
        )
        await it.until(lambda: len(it.dialogs) == 2)
        await it.run("roo.approval.respond", {"decision": "reject_once"})
        await it.ended()


async def test_a_question_of_the_model_is_answered_by_dialog_command_or_message(
    tmp_path: Path,
) -> None:
    asks = [
        {"question": f"Which one of {word}?", "follow_up": ["The left", "The right"]}
        for word in ("these", "those", "them")
    ]
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(
            *(call("ask_followup_question", each, id=f"q{n}") for n, each in enumerate(asks)),
            text("ok"),
        )
        it.answers.append("The right")
        task_id = await it.start("Ask me")
        await it.event("_question", answer="The right")
        await it.until(lambda: len(it.dialogs) == 2)
        await it.run("roo.question.answer", "Neither")
        await it.event("_question", answer="Neither")
        await it.until(lambda: len(it.dialogs) == 3)
        sent = await it.run("roo.task.send", {"text": "Both"})
        assert sent == {"taskId": task_id, "queued": False}
        await it.ended()
        results = [m["content"] for m in fake.chats[-1].json["messages"] if m["role"] == "tool"]
        assert [
            word
            for word, result in zip(("The right", "Neither", "Both"), results, strict=True)
            if word in result
        ] == ["The right", "Neither", "Both"]


async def test_always_holds_for_the_task_and_names_its_scope(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(
            call("write_to_file", {"path": "a.txt", "content": "1"}, id="w1"),
            call("write_to_file", {"path": "b.txt", "content": "2"}, id="w2"),
            text("ok"),
        )
        await it.start("Write")
        asked = await it.event("_permission")
        always = next(o for o in asked["options"] if o["kind"] == "allow_always")
        assert "task" in always["name"]
        await it.run("roo.approval.respond", {"decision": "allow_always"})
        await it.ended()
        assert (tmp_path / "b.txt").read_text("utf-8") == "2"
        assert len([u for u in it.updates("_permission") if "options" in u]) == 1


async def test_cancelling_withdraws_what_waits(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(writes())
        await it.start("Write")
        await it.until(lambda: it.dialogs)
        assert (await it.run("roo.task.cancel"))["cancelled"]
        assert await it.pending() == []
        assert (await it.ended())["stopReason"] == "cancelled"


async def test_cancelling_hangs_up_the_model(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(hang())
        await it.start("Think")
        await fake.chat(1)
        assert (await it.run("roo.task.cancel"))["cancelled"]
        async with asyncio.timeout(PATIENCE):
            await fake.hung_up
        assert (await it.ended())["stopReason"] == "cancelled"


async def test_a_client_that_lists_it_is_asked_by_its_own_request(tmp_path: Path) -> None:
    persona = Persona(
        "mine", "neovim_0_12", ("utf-8",), extensions=("roo/requestPermission", "roo/event")
    )
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        seen: list[Any] = []

        @it.client.feature("roo/requestPermission")
        def permission(params: Any) -> dict[str, str]:
            seen.append(params)
            return {"optionId": "allow_once", "feedback": "Go"}

        fake.answers(writes(), text("ok"))
        await it.start("Write")
        await it.ended()
        assert len(seen) == 1
        assert "said: Go" in tool_result(fake)
        assert it.dialogs == []


async def test_what_a_client_draws_itself_is_not_marked_in_files_too(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(MINE, tmp_path, settings(fake)) as it:
        asked, answered = asyncio.Event(), asyncio.Event()

        @it.client.feature("roo/requestPermission")
        async def permission(_: Any) -> dict[str, str]:
            asked.set()
            await answered.wait()
            return {"optionId": "allow_once"}

        buffer = it.open(tmp_path / "a.txt", "old\n")
        fake.answers(writes(), text("ok"))
        await it.start("Write")
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        document = types.TextDocumentIdentifier(buffer.uri)
        lenses = await it.client.text_document_code_lens_async(types.CodeLensParams(document))
        assert not lenses
        assert not it.client.diagnostics.get(buffer.uri)
        answered.set()
        await it.ended()


async def test_widening_settings_wait_for_trust_which_can_be_given(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        wide = settings(fake, autoApprove={"edit": True})
        async with editor(EMACS, tmp_path, wide) as it:
            entry = (await _pending_of(it, "trust"))[0]
            assert any("roo.autoApprove.edit = true" in line for line in entry["detail"])
            await it.start("Write")
            await it.event("_state", state="waiting")
            await it.run("roo.task.cancel")
            assert fake.requests == [], "the task waited for the answer"
            await it.run(
                "roo.approval.respond",
                {"requestId": entry["requestId"], "decision": "allow_once"},
            )
        async with editor(EMACS, tmp_path, wide) as it:
            fake.answers(writes(), text("ok"))
            await it.start("Write")
            await it.ended()
            assert it.updates("_permission") == []
            assert (tmp_path / "a.txt").exists()
        changed = settings(fake, autoApprove={"edit": True, "fetch": True})
        async with editor(EMACS, tmp_path, changed) as it:
            assert await _pending_of(it, "trust")


async def test_trust_can_be_given_from_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FakeOpenAI() as fake:
        wide = settings(fake, autoApprove={"edit": True})
        async with editor(EMACS, tmp_path, wide) as it:
            await _pending_of(it, "trust")
            assert main(["trust", str(tmp_path)]) == 0
            assert "roo.autoApprove.edit = true" in capsys.readouterr().out
            fake.answers(writes(), text("ok"))
            await it.start("Write")
            await it.ended()
            assert it.updates("_permission") == []
            assert await it.pending() == []
            assert main(["trust", str(tmp_path), "--revoke"]) == 0
        async with editor(EMACS, tmp_path, wide) as it:
            assert await _pending_of(it, "trust")


async def _pending_of(it: FakeEditor, kind: str) -> list[dict[str, Any]]:
    async with asyncio.timeout(PATIENCE):
        while not (found := [e for e in await it.pending() if e["kind"] == kind]):
            pass
    return found


async def test_a_key_goes_to_a_new_origin_only_when_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-123")
    async with FakeOpenAI() as fake:
        async with editor(EMACS, tmp_path, settings(fake)) as it:
            fake.answers(text("ok"))
            await it.start("Hello")
            entry = (await _pending_of(it, "trust"))[0]
            assert fake.base_url.removesuffix("/v1") in entry["title"]
            assert fake.requests == []
            await it.run("roo.approval.respond", {"decision": "allow_once"})
            await it.ended()
            assert fake.chats[0].headers["authorization"] == "Bearer sk-canary-123"
        async with editor(EMACS, tmp_path, settings(fake)) as it:
            fake.answers(text("ok"))
            await it.start("Hello")
            await it.ended()
            assert len(fake.chats) == 2


async def test_the_users_own_headers_go_to_a_new_origin_only_when_the_user_says_so(
    tmp_path: Path,
) -> None:
    own = Path(os.environ["ROO_CONFIG_DIR"])
    own.mkdir(parents=True)
    (own / "settings.json").write_text('{"provider": {"headers": {"X-Key": "canary"}}}', "utf-8")
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(text("ok"))
        await it.start("Hello")
        entry = (await _pending_of(it, "trust"))[0]
        assert "roo.provider.headers" in entry["title"]
        assert fake.requests == []
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.ended()
        assert fake.chats[0].headers["x-key"] == "canary"


async def test_a_key_that_may_not_go_there_stops_the_task_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-123")
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        await it.start("Hello")
        await _pending_of(it, "trust")
        await it.run("roo.approval.respond", {"decision": "reject_once"})
        end = await it.ended()
        assert end["error"]["code"] == "settings_invalid"
        assert "ROO_TRUST_ORIGINS" in end["error"]["hint"]
        assert fake.requests == []


# --- none of these is consent ------------------------------------------------------------------

MINE = Persona("mine", "neovim_0_12", ("utf-8",), extensions=("roo/requestPermission", "roo/event"))


async def test_request_ids_cannot_be_guessed(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        seen: list[str] = []
        for _ in range(2):
            fake.answers(writes())
            task_id = await it.start("Write")
            await it.event("_state", state="waiting")
            seen += [entry["requestId"] for entry in await it.pending()]
            await it.run("roo.task.cancel", task_id)
            it.events.clear()
        assert len(set(seen)) == 2
        assert all(re.fullmatch(r"perm_[0-9a-f]{16}", each) for each in seen)
        for guess in ("perm_1", "perm_2", ""):
            with pytest.raises(JsonRpcException, match="not pending"):
                await it.run("roo.approval.respond", {"requestId": guess, "decision": "allow_once"})


async def test_an_answer_that_was_given_is_given_once(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(writes("a.txt"), writes("b.txt"), text("ok"))
        await it.start("Write")
        first = await it.event("_permission")
        answer = {"requestId": first["requestId"], "decision": "allow_once"}
        results = await asyncio.gather(
            it.run("roo.approval.respond", answer),
            it.run("roo.approval.respond", answer | {"decision": "reject_once"}),
            it.run("roo.approval.respond", answer),
            return_exceptions=True,
        )
        assert [isinstance(each, JsonRpcException) for each in results] == [False, True, True]
        await it.until(lambda: len([u for u in it.updates("_permission") if "options" in u]) == 2)
        with pytest.raises(JsonRpcException, match="is not pending"):
            await it.run("roo.approval.respond", answer)
        assert len(await it.pending()) == 1
        assert not (tmp_path / "b.txt").exists()


async def test_an_answer_that_comes_after_the_task_was_cancelled_does_nothing(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        answer = asyncio.Event()

        async def late(_: Any) -> str:
            await answer.wait()
            return "Approve"

        it.answers.append(late)
        fake.answers(writes())
        await it.start("Write")
        asked = await it.event("_permission")
        await it.until(lambda: it.dialogs)
        await it.run("roo.task.cancel")
        answer.set()
        with pytest.raises(JsonRpcException, match="is not pending"):
            await it.run(
                "roo.approval.respond",
                {"requestId": asked["requestId"], "decision": "allow_once"},
            )
        assert not (tmp_path / "a.txt").exists()
        assert await it.pending() == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"optionId": "allow"},
        {"optionId": None},
        {"optionId": "reject_always2"},
        {"optionId": ["allow_once"]},
        "allow_once",
        ["allow_once"],
        JsonRpcException("no", code=-32603),
        JsonRpcException("allow_once", code=-32601),
    ],
    ids=repr,
)
async def test_what_is_no_answer_to_our_own_request_is_no_consent(
    answer: Any, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(MINE, tmp_path, settings(fake)) as it:
        asked = asyncio.Event()

        @it.client.feature("roo/requestPermission")
        def permission(params: Any) -> Any:
            asked.set()
            if isinstance(answer, Exception):
                raise answer
            return answer

        fake.answers(writes(), text("ok"))
        await it.start("Write")
        async with asyncio.timeout(PATIENCE):
            await asked.wait()
        assert len(await it.pending()) == 1
        assert not (tmp_path / "a.txt").exists()
        await it.run("roo.approval.respond", "reject_once")
        await it.ended()
        assert not (tmp_path / "a.txt").exists()


async def test_a_trust_question_names_its_origin_and_key_to_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-123")
    async with FakeOpenAI() as fake, editor(MINE, tmp_path, settings(fake)) as it:
        seen: list[Any] = []

        @it.client.feature("roo/requestPermission")
        def permission(params: Any) -> None:
            seen.append((params.kind, params.origin, params.key))

        await it.start("Hello")
        entry = (await _pending_of(it, "trust"))[0]
        origin = fake.base_url.removesuffix("/v1")
        assert (entry["origin"], entry["key"]) == (origin, "OPENAI_API_KEY")
        await it.run("roo.status")
        assert seen == [("trust", origin, "OPENAI_API_KEY")]


# --- exactly what was shown --------------------------------------------------------------------

CHANGES: dict[str, dict[str, Any]] = {
    "write_to_file": {"path": "src/a.txt", "content": "new\n"},
    "apply_diff": {
        "path": "src/a.txt",
        "diff": "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE",
    },
    "edit": {"file_path": "src/a.txt", "old_string": "old", "new_string": "new"},
    "apply_patch": {
        "patch": "*** Begin Patch\n*** Update File: src/a.txt\n-old\n+new\n*** End Patch"
    },
}
"""A call of each tool that changes a file, about `src/a.txt` that holds `old` in a line."""


def test_each_tool_that_changes_files_is_among_these() -> None:
    # `rename_symbol`, which needs the client's help, has its own in `test_language.py`.
    edits = {name for name, tool in TOOLS.items() if tool.group == "edit" and not tool.needs}
    assert edits == set(CHANGES)


def _text_changes(it: FakeEditor, file: Path) -> None:
    file.write_text("old\nand mine\n", "utf-8")


def _goes_away(it: FakeEditor, file: Path) -> None:
    file.unlink()


def _buffer_changes(it: FakeEditor, file: Path) -> None:
    it.open(file, "old\nand mine\n")


def _folder_becomes_a_link(it: FakeEditor, file: Path) -> None:
    outside = file.parents[2] / "outside"
    outside.mkdir()
    (outside / "a.txt").write_text("old\n", "utf-8")
    file.parent.rename(file.parents[1] / "was")
    file.parent.symlink_to(outside)


def _folder_is_another(it: FakeEditor, file: Path) -> None:
    file.parent.rename(file.parents[1] / "was")
    file.parent.mkdir()
    file.write_text("old\n", "utf-8")


@pytest.mark.parametrize(
    "meanwhile",
    [_text_changes, _goes_away, _buffer_changes, _folder_becomes_a_link, _folder_is_another],
)
@pytest.mark.parametrize("tool", CHANGES)
async def test_what_changed_while_it_was_asked_is_not_changed(
    tool: str, meanwhile: Any, tmp_path: Path
) -> None:
    file = tmp_path / "ws/src/a.txt"
    file.parent.mkdir(parents=True)
    file.write_text("old\n", "utf-8")
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path / "ws", settings(fake)) as it:
        fake.answers(call(tool, CHANGES[tool], id="c1"), text("ok"))
        await it.start("Change")
        await it.event("_permission")
        meanwhile(it, file)
        await it.run("roo.approval.respond", "allow_always")
        await it.ended()
        result = tool_result(fake)
        gone = ("not there any more", "File not found") if meanwhile is _goes_away else ()
        assert any(words in result for words in ("changed while you were asked", *gone))
        assert not any("new" in f.read_text("utf-8") for f in tmp_path.rglob("*.txt"))
        assert all("new" not in buffer.text for buffer in it.buffers.values())


async def test_a_new_file_does_not_take_the_place_of_one_that_came_meanwhile(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(writes(), text("ok"))
        await it.start("Write")
        await it.event("_permission")
        (tmp_path / "a.txt").write_text("mine\n", "utf-8")
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        assert "changed while you were asked" in tool_result(fake)
        assert (tmp_path / "a.txt").read_text("utf-8") == "mine\n"


@pytest.mark.parametrize("link", [True, False], ids=["a link", "another folder"])
async def test_a_command_does_not_run_in_a_folder_that_was_swapped(
    link: bool, tmp_path: Path
) -> None:
    folder, outside = tmp_path / "ws/sub", tmp_path / "outside"
    folder.mkdir(parents=True)
    outside.mkdir()
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path / "ws", settings(fake)) as it:
        command = {"command": "touch was-here", "cwd": "sub"}
        fake.answers(call("execute_command", command, id="c1"), text("ok"))
        await it.start("Run")
        await it.event("_permission")
        folder.rename(tmp_path / "ws/was")
        if link:
            folder.symlink_to(outside)
        else:
            folder.mkdir()
        await it.run("roo.approval.respond", "allow_always")
        await it.ended()
        assert "changed while you were asked" in tool_result(fake)
        assert list(tmp_path.rglob("was-here")) == []


async def test_a_folder_that_is_swapped_while_the_user_saves_runs_nothing_either(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("old\n", "utf-8")
    folder = tmp_path / "sub"
    folder.mkdir()
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt")
        fake.answers(
            writes(),
            call("execute_command", {"command": "touch was-here", "cwd": "sub"}, id="c1"),
            text("ok"),
        )
        await it.start("Run")
        await it.event("_permission")
        await it.run("roo.approval.respond", "allow_once")
        await it.until(lambda: len([u for u in it.updates("_permission") if "options" in u]) == 2)
        it.type(buffer, buffer.text + "mine\n")  # without that it is written, and nobody is asked
        await it.run("roo.approval.respond", "allow_once")
        await it.event("_question")
        folder.rename(tmp_path / "was")
        folder.symlink_to("/")
        it.save(buffer)
        await it.ended()
        assert "changed while you were asked" in tool_result(fake)
        assert list(tmp_path.rglob("was-here")) == []
