"""Documents that were never saved: their text goes along, under their name, and no tool acts on them."""

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.support.editor import VSCODE, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, text

URI = "untitled:Untitled-1"
CODE = "def add(a, b):\n    return a - b\n\n\nprint(add(1, 2))\n"


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


def opens(it: FakeEditor, content: str = CODE, uri: str = URI) -> None:
    item = types.TextDocumentItem(uri, "python", 1, content)
    it.client.text_document_did_open(types.DidOpenTextDocumentParams(item))


def asked(fake: FakeOpenAI) -> str:
    """The last words of the user, as the model has them."""
    said = [m["content"] for m in fake.chats[-1].json["messages"] if m["role"] == "user"]
    return said[-1] if isinstance(said[-1], str) else str(said[-1])


def lines(first: int, last: int) -> dict[str, Any]:
    return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 1}}


async def test_the_text_of_a_new_document_goes_along_as_it_is_now(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        opens(it, "old\n")
        change = types.TextDocumentContentChangeWholeDocument(CODE)
        it.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(2, URI), [change]
            )
        )
        fake.answers(text("It subtracts."))
        await it.start("What is wrong?", context=[{"uri": URI}])
        await it.ended()
        assert "New document Untitled-1; it was never saved" in asked(fake)
        assert CODE in asked(fake)


async def test_of_some_lines_those_go_along_with_their_numbers(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        opens(it)
        fake.answers(text("ok"), text("ok"))
        task_id = await it.start("Hello")
        await it.ended()
        said = {"taskId": task_id, "text": "And?", "context": [{"uri": URI, "range": lines(0, 1)}]}
        await it.run("roo.task.send", said)
        await fake.chat(2)
        assert "New document Untitled-1, lines 1 to 2; it was never saved" in asked(fake)
        assert "return a - b" in asked(fake)
        assert "print(add" not in asked(fake)


@pytest.mark.parametrize("title", ["Explain", "Fix", "Improve"])
async def test_code_actions_take_a_new_document_along(title: str, tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        opens(it)
        await it.run("roo.status")  # from then on actions are offered
        everything = types.Range(types.Position(0, 0), types.Position(1, 10))
        fake.answers(text("It subtracts."))
        found = await it.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(URI), everything, types.CodeActionContext([])
            )
        )
        [action] = [each for each in found or () if each.title.startswith(f"Roo: {title}")]
        assert isinstance(action, types.CodeAction)
        assert action.command is not None
        assert action.command.arguments is not None
        await it.run(action.command.command, *action.command.arguments)
        await it.ended()
        assert "of the new, unsaved document Untitled-1" in asked(fake)
        assert "return a - b" in asked(fake)


async def test_a_draft_that_points_at_a_new_document_sends_its_lines(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        opens(it)
        buffer = it.open(tmp_path / "work.roo.md", "# Task\n\n## You\n\n")
        it.type(buffer, f'# Task\n\n## You\n\nWhy? @"{URI}":2\n')
        fake.answers(text("It subtracts."))
        it.save(buffer)
        await fake.chat(1)
        assert "New document Untitled-1, lines 2 to 2" in asked(fake)
        assert "    return a - b" in asked(fake)
        assert "def add" not in asked(fake)


async def test_no_tool_reads_it_and_a_closed_one_is_refused_in_words(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        opens(it)
        fake.answers(call("read_file", {"path": "Untitled-1"}), text("ok"))
        await it.start("Read it")
        await it.ended()
        assert "return a - b" not in fake.chats[-1].json["messages"][-1]["content"]
        it.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(URI))
        )
        with pytest.raises(JsonRpcException, match="no document Untitled-1 is open"):
            await it.start("What is wrong?", context=[{"uri": URI}])


async def test_a_very_long_one_is_cut_and_that_is_said(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        opens(it, "a line of text\n" * 20_000)
        fake.answers(text("ok"))
        await it.start("Look", context=[{"uri": URI}])
        await it.ended()
        assert "(Cut here: 20000 lines are more than fit" in asked(fake)
        assert len(asked(fake)) < 70_000
