"""When the editor shows a document of ours: when asked, with the focus; else never or quietly."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.support.editor import HELIX, NEOVIM, PERSONAS, VSCODE, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda each: each.name)
async def test_a_transcript_is_shown_when_asked_for_or_its_place_is_said(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        fake.answers(text("Hello."))
        await it.start("Say hello")
        await it.ended()
        assert it.shown == []
        result = await it.run("roo.task.open")
        file = Path(result["path"])
        assert "Hello." in file.read_text("utf-8")
        if result["shown"]:
            assert (it.shown, it.focused) == ([file.as_uri()], [True])
        else:
            assert it.client.messages[-1].message == f"Roo wrote it to {file}"


async def test_always_shows_it_after_the_first_turn_without_the_focus(tmp_path: Path) -> None:
    always = {"ui": {"transcript": "always"}}
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake, **always)) as it:
        fake.answers(text("Hello."), text("Again."))
        await it.start("Say hello")
        await it.until(lambda: it.shown)
        assert it.focused == [False]
        file = Path(it.shown[0].removeprefix("file://"))
        assert "Hello." in file.read_text("utf-8")
        await it.ended()
        await it.run("roo.task.send", "And again")
        await it.until(lambda: len([e for e in it.updates("_state") if e["state"] == "idle"]) == 2)
        session = it.server.loaded
        assert session is not None
        await asyncio.gather(*session.service.background._work)
        assert "Again." in file.read_text("utf-8")
        assert len(it.shown) == 1


async def test_never_says_where_it_is(tmp_path: Path) -> None:
    never = {"ui": {"transcript": "never"}}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **never)) as it:
        fake.answers(text("Hello."))
        await it.start("Say hello")
        await it.ended()
        result = await it.run("roo.task.open")
        assert (result["shown"], it.shown) == (False, [])
        assert it.client.messages[-1].message == f"Roo wrote it to {result['path']}"


async def test_an_editor_that_does_not_show_it_after_all_is_told_where_it_is(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        refused = it.client.protocol.fm.features
        refused[types.WINDOW_SHOW_DOCUMENT] = lambda params: types.ShowDocumentResult(success=False)
        fake.answers(text("Hello."))
        await it.start("Say hello")
        await it.ended()
        result = await it.run("roo.task.open")
        assert result["shown"] is False
        assert it.client.messages[-1].message == f"Roo wrote it to {result['path']}"


async def test_a_pending_approval_is_reviewed_as_a_document_by_its_code_action(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", "one\ntwo\nthree\n")
        diff = "<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n"
        fake.answers(call("apply_diff", {"path": "a.txt", "diff": diff}), text("ok"))
        await it.start("Change it")
        [shown] = await it.until(lambda: it.client.diagnostics.get(buffer.uri))
        assert shown.message == "Roo wants your approval: Edit a.txt"
        assert shown.range == types.Range(types.Position(1, 0), types.Position(1, 0))
        found = await it.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(buffer.uri),
                types.Range(types.Position(1, 0), types.Position(1, 1)),
                types.CodeActionContext([], trigger_kind=types.CodeActionTriggerKind.Automatic),
            )
        )
        actions = [each for each in found or () if isinstance(each, types.CodeAction)]
        assert [each.title for each in actions] == [
            "Review (Roo): Edit a.txt",
            "Deny (Roo): Edit a.txt",
            "Approve (Roo): Edit a.txt",
            "Always approve (Roo): edits of files in this workspace, for this task",
            "Always deny (Roo): edits of files in this workspace, for this task",
        ]
        assert not any(each.is_preferred for each in actions)
        review, deny = actions[0].command, actions[1].command
        assert review is not None
        assert deny is not None
        await it.run(review.command, *(review.arguments or ()))
        [uri] = it.shown
        assert "-two\n+2" in Path(uri.removeprefix("file://")).read_text("utf-8")
        assert it.focused == [True]
        assert len(await it.pending()) == 1
        await it.run(deny.command, *(deny.arguments or ()))
        await it.ended()
        with pytest.raises(Exception, match="is not pending any more"):
            await it.run(review.command, *(review.arguments or ()))
