"""Edits in open documents: smallest, versioned, verified, and never over what the user typed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from roo_lsp.lsp.editor import files
from roo_lsp.workspace.line_diff import merged
from tests.support.editor import (
    EGLOT,
    HELIX,
    NEOVIM,
    PERSONAS,
    VSCODE,
    Buffer,
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


# --- what happens around an edit -------------------------------------------------------------


async def approved(
    fake: FakeOpenAI, it: FakeEditor, wanted: Any, meanwhile: Callable[[], object] = lambda: None
) -> str:
    """Let the model make a call, approve it, do something before that; what the model is told."""
    done = len(it.updates("_permission"))
    fake.answers(wanted, text("ok"))
    await it.start("Edit")
    await it.until(lambda: [u for u in it.updates("_permission")[done:] if "options" in u])
    meanwhile()
    await it.run("roo.approval.respond", {"decision": "allow_once"})
    await it.ended()
    return fake.chats[-1].json["messages"][-1]["content"]


def replaces(old: str, new: str, name: str = "a.txt") -> Any:
    return call("edit", {"file_path": name, "old_string": old, "new_string": new})


def patch(*operations: str) -> Any:
    lines = "\n".join(["*** Begin Patch", *operations, "*** End Patch"])
    return call("apply_patch", {"patch": lines})


async def test_a_file_that_the_user_opens_to_look_at_while_asked_is_edited_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        told = await approved(fake, it, replaces("two", "2"), lambda: it.open(tmp_path / "a.txt"))
        [buffer] = it.buffers.values()
        assert told.startswith("Changed 1 place")
        assert buffer.text == TEXT.replace("two", "2")
        assert buffer.path.read_text("utf-8") == TEXT


async def test_a_file_that_the_user_opens_and_changes_while_asked_is_left_alone(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        told = await approved(
            fake, it, replaces("two", "2"), lambda: it.open(tmp_path / "a.txt", TEXT + "six\n")
        )
        [buffer] = it.buffers.values()
        assert "changed while you were asked" in told
        assert buffer.text == TEXT + "six\n"


@pytest.mark.parametrize("saves", [True, False])
async def test_a_file_that_the_user_closes_while_asked_is_edited_on_disk_if_it_is_the_same(
    saves: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("old\n", "utf-8")
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)

        def leaves() -> None:
            if saves:
                it.save(buffer)
            it.close(buffer)

        told = await approved(fake, it, replaces("two", "2"), leaves)
        assert ("changed while you were asked" in told) != saves
        on_disk = TEXT.replace("two", "2") if saves else "old\n"
        assert buffer.path.read_text("utf-8") == on_disk


async def test_a_file_that_goes_away_while_asked_is_not_made_anew(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        told = await approved(
            fake, it, replaces("two", "2"), lambda: (tmp_path / "a.txt").rename(tmp_path / "a2.txt")
        )
        assert "is not there any more" in told
        fake.answers(replaces("two", "2"), text("ok"))
        await it.start("Again")
        await fake.chat(4)
        await it.ended()
        assert "Similar names here: a2.txt" in fake.chats[-1].json["messages"][-1]["content"]
        assert not (tmp_path / "a.txt").exists()
        assert (tmp_path / "a2.txt").read_text("utf-8") == TEXT


async def test_a_document_that_is_closed_instead_of_edited_is_told(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)

        def closes(editor: FakeEditor) -> None:
            editor.close(buffer)
            editor.buffers[buffer.uri] = Buffer(buffer.path, TEXT, version=-1)  # says it did

        it.on_edit = closes
        assert "its document was closed meanwhile" in await approved(fake, it, replaces("two", "2"))


@pytest.mark.parametrize(
    ("persona", "why"),
    [
        (HELIX, "stale version"),
        (NEOVIM, "it said so, but the text did not change"),
        (EGLOT, "stale edit"),
    ],
    ids=lambda each: getattr(each, "name", ""),
)
async def test_an_edit_that_the_editor_does_not_make_is_told_with_its_reason(
    persona: Persona, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "ECHO_SECONDS", 0.05)
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        it.on_edit = lambda editor: editor.type(buffer, buffer.text)  # another version, same text
        told = await approved(fake, it, replaces("two", "2"))
        assert f"did not make the edit: {why}" in told
        assert buffer.text == TEXT
        it.on_edit = None
        await approved(fake, it, replaces("two", "2"))
        assert buffer.text == TEXT.replace("two", "2")


async def test_an_editor_that_never_answers_an_edit_ends_the_call_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "APPLY_SECONDS", 0.05)
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        it.open(tmp_path / "a.txt", TEXT)
        features = it.client.protocol.fm.features
        answers = features[types.WORKSPACE_APPLY_EDIT]

        async def never(params: Any) -> None:
            it.edits.append(params)
            await asyncio.Event().wait()

        features[types.WORKSPACE_APPLY_EDIT] = never
        told = await approved(fake, it, replaces("two", "2"))
        assert "did not answer within 0.05 s, and may still do it" in told
        features[types.WORKSPACE_APPLY_EDIT] = answers
        monkeypatch.setattr(files, "APPLY_SECONDS", 10.0)
        assert (await approved(fake, it, replaces("two", "2"))).startswith("Changed 1 place")
        assert len([u for u in it.updates("_permission") if "options" in u]) == 2


async def test_what_an_editor_says_why_is_one_bounded_line(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        it.open(tmp_path / "a.txt", TEXT)

        def fails(editor: FakeEditor) -> None:
            raise JsonRpcException(f"no:\n\tat\x1b[2J {'x' * 1000}", code=-32603)

        it.on_edit = fails
        told = await approved(fake, it, replaces("two", "2"))
        assert r"did not make the edit: no: at\x1b[2J xxx" in told
        assert told.endswith("x…. Nothing has changed so far.")
        assert len(told) < 400


async def test_an_edit_that_was_made_counts_though_the_editor_says_otherwise(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)

        def complains(editor: FakeEditor) -> None:
            editor.type(buffer, TEXT.replace("two", "2"))
            raise JsonRpcException("an autocommand failed", code=-32603)

        it.on_edit = complains
        assert (await approved(fake, it, replaces("two", "2"))).startswith("Changed 1 place")


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda each: each.name)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
async def test_an_edit_behind_characters_of_several_units_is_where_it_belongs(
    persona: Persona, ending: str, tmp_path: Path
) -> None:
    before = ending.join(["𝒙 = '🎈'", "naïve 👩‍🚀", "🎈🎈 ende"])  # noqa: RUF001 -- that is the point
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", before)
        await approved(fake, it, replaces("🎈🎈 ende", "🚀🚀🚀 end"))
        await approved(fake, it, replaces("🚀🚀🚀 end", "ok"))
        assert buffer.text == before.replace("🎈🎈 ende", "ok")


async def test_one_line_of_20_000_is_one_small_edit(tmp_path: Path) -> None:
    long = "".join(f"line {number}\n" for number in range(20_000))
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", long)
        await approved(fake, it, replaces("line 12345\n", "LINE\n"))
        [change] = it.edits[0].edit.document_changes or []
        assert isinstance(change, types.TextDocumentEdit)
        [small] = change.edits
        assert (small.range.start.line, small.range.end.line) == (12345, 12346)
        assert buffer.text == long.replace("line 12345\n", "LINE\n")


async def test_a_notebook_whose_cells_are_open_is_edited_as_the_file_it_is(tmp_path: Path) -> None:
    book = tmp_path / "a.ipynb"
    book.write_text('{"cells": ["two"]}\n', "utf-8")
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        cell = f"vscode-notebook-cell:{book}#W0sZmlsZQ%3D%3D"
        item = types.TextDocumentItem(cell, "python", 1, "two")
        it.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        await approved(fake, it, replaces("two", "2", "a.ipynb"))
        assert it.edits == []
        assert book.read_text("utf-8") == '{"cells": ["2"]}\n'


# --- files that go away while they are open --------------------------------------------------

DELETING = pytest.mark.parametrize("persona", [NEOVIM, HELIX, VSCODE], ids=lambda each: each.name)


@DELETING
async def test_unsaved_text_of_the_user_is_not_deleted(persona: Persona, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old\n", "utf-8")
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        told = await approved(fake, it, patch("*** Delete File: a.txt"))
        assert "a.txt has unsaved changes in the editor, which would be lost" in told
        assert it.edits == []
        assert it.buffers[buffer.uri].text == TEXT
        it.save(buffer)
        await approved(fake, it, patch("*** Delete File: a.txt"))
        assert not buffer.path.exists()


@DELETING
async def test_what_the_agent_itself_wrote_and_nobody_saved_may_be_deleted(
    persona: Persona, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt")
        fake.answers(replaces("two", "2"), patch("*** Delete File: a.txt"), text("ok"))
        await it.start("Edit")
        for number in (1, 2):
            asked = [1] * number
            await it.until(
                lambda asked=asked: (
                    [1 for u in it.updates("_permission") if "options" in u] == asked
                )
            )
            await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.ended()
        assert not buffer.path.exists()


async def test_a_buffer_that_outlives_its_file_is_no_file_and_follows_a_new_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    keeps = replace(HELIX, keeps_deleted=True)
    async with FakeOpenAI() as fake, editor(keeps, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt")
        await approved(fake, it, patch("*** Delete File: a.txt"))
        fake.answers(
            call("read_file", {"path": "a.txt"}),
            call("search_files", {"path": ".", "regex": "three"}),
            text("ok"),
        )
        await it.start("Look")
        await fake.chat(5)
        await it.ended()
        read, found = [
            each["content"] for each in fake.chats[-1].json["messages"] if each["role"] == "tool"
        ]
        assert "File not found" in read
        assert "a.txt" not in found
        again = call("write_to_file", {"path": "a.txt", "content": "new\n"})
        assert (await approved(fake, it, again)).startswith("Created a.txt")
        assert buffer.text == "new\n"


async def test_a_buffer_that_outlives_its_file_is_a_text_again_once_the_user_types(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    keeps = replace(HELIX, keeps_deleted=True)
    async with FakeOpenAI() as fake, editor(keeps, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt")
        await approved(fake, it, patch("*** Delete File: a.txt"))
        it.type(buffer, "mine two\n")
        await approved(fake, it, replaces("two", "2"))
        assert buffer.text == "mine 2\n"


lines = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=6)


@given(lines, lines, lines)
def test_a_merge_is_symmetric_and_keeps_what_only_one_side_changed(
    base: list[str], ours: list[str], theirs: list[str]
) -> None:
    texts = ["".join(each) for each in (base, ours, theirs)]
    assert merged(texts[0], texts[1], texts[0]) == texts[1]
    assert merged(texts[0], texts[0], texts[2]) == texts[2]
    assert merged(*texts) == merged(texts[0], texts[2], texts[1])
