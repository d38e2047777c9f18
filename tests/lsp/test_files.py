"""Edits in open documents: smallest, versioned, verified, and never over what the user typed."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from roo_lsp.lsp.positions import merged
from tests.support.editor import (
    EGLOT,
    HELIX,
    NEOVIM,
    VSCODE,
    FakeEditor,
    Persona,
    editor,
)
from tests.support.fake_openai import FakeOpenAI, call, text

TEXT = "one\ntwo\nthree\nfour\nfive\n"
DIFF = "<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n"
EDITORS = pytest.mark.parametrize(
    "persona", [NEOVIM, HELIX, VSCODE, EGLOT], ids=lambda each: each.name
)


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def edit(fake: FakeOpenAI, it: FakeEditor) -> str:
    """Let the model edit a.txt, approve it; what the model is told."""
    fake.answers(call("apply_diff", {"path": "a.txt", "diff": DIFF}, id="d"), text("ok"))
    await it.start("Edit")
    await it.event("_permission")
    await it.run("roo.approval.respond", {"decision": "allow_once"})
    await it.ended()
    return fake.chats[-1].json["messages"][-1]["content"]


@EDITORS
async def test_only_the_changed_lines_are_sent_with_the_exact_version(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        await edit(fake, it)
        change = (it.edits[0].edit.document_changes or [])[0]
        assert isinstance(change, types.TextDocumentEdit)
        assert change.text_document.version == 2
        assert [each.new_text for each in change.edits] == ["2\n"]  # type: ignore[union-attr]
        assert buffer.text == TEXT.replace("two", "2")


@EDITORS
async def test_what_the_user_types_elsewhere_at_that_moment_is_kept(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)

        def user_types(editor: FakeEditor) -> None:
            editor.on_edit = None
            editor.type(buffer, TEXT.replace("five", "FIVE"))

        it.on_edit = user_types
        told = await edit(fake, it)
        assert buffer.text == "one\n2\nthree\nfour\nFIVE\n"
        assert "same moment" not in told


@EDITORS
async def test_what_the_user_types_in_the_same_lines_wins_and_the_model_is_told(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        mine = TEXT.replace("two", "TWO")

        def user_types(editor: FakeEditor) -> None:
            editor.on_edit = None
            editor.type(buffer, mine)

        it.on_edit = user_types
        told = await edit(fake, it)
        assert buffer.text == mine
        assert "same moment" in told


async def test_what_changed_while_the_user_was_asked_is_not_edited(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        fake.answers(call("apply_diff", {"path": "a.txt", "diff": DIFF}, id="d"), text("ok"))
        await it.start("Edit")
        await it.event("_permission")
        it.type(buffer, TEXT + "six\n")
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.ended()
        assert "changed while you were asked" in fake.chats[-1].json["messages"][-1]["content"]
        assert buffer.text == TEXT + "six\n"
        assert it.edits == []


async def test_a_client_that_opted_in_saves_before_a_command(tmp_path: Path) -> None:
    persona = Persona("mine", "neovim_0_12", ("utf-8",), extensions=("roo/saveDocuments",))
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        await edit(fake, it)
        fake.answers(call("execute_command", {"command": "cat a.txt"}, id="x"), text("ok"))
        await it.run("roo.task.send", "Run")
        await it.until(lambda: len([u for u in it.updates("_permission") if "options" in u]) == 2)
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await fake.chat(4)
        await it.ended()
        assert it.save_requests == [[buffer.uri]]
        assert "2\nthree" in fake.chats[-1].json["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("answer", "told", "on_disk"),
    [
        ("Write it for me", "2\nthree", True),
        ("Run without saving", "exit", False),
        ("I have saved", "still not saved", False),
        ("Leave it", "The user said: Leave it", False),
    ],
)
async def test_the_user_decides_what_happens_to_unsaved_edits_before_a_command(
    answer: str, told: str, on_disk: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("old\n", "utf-8")
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        it.open(tmp_path / "a.txt", TEXT)
        await edit(fake, it)
        fake.answers(call("execute_command", {"command": "cat a.txt"}, id="x"), text("ok"))
        await it.run("roo.task.send", "Run")
        await it.until(lambda: len([u for u in it.updates("_permission") if "options" in u]) == 2)
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.event("_question")
        await it.run("roo.question.answer", answer)
        await fake.chat(4)
        await it.ended()
        result = fake.chats[-1].json["messages"][-1]["content"]
        assert told.lower() in result.lower()
        assert ("2\n" in (tmp_path / "a.txt").read_text("utf-8")) == on_disk


lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=6)


@given(lines, lines, lines)
def test_a_merge_is_symmetric_and_keeps_what_only_one_side_changed(
    base: list[str], ours: list[str], theirs: list[str]
) -> None:
    texts = ["".join(each) for each in (base, ours, theirs)]
    assert merged(texts[0], texts[1], texts[0]) == texts[1]
    assert merged(texts[0], texts[0], texts[2]) == texts[2]
    assert merged(*texts) == merged(texts[0], texts[2], texts[1])
