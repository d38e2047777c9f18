"""Every dialog fits what the smallest editor shows: 6 lines of 70 columns and 4 actions of one line."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from inline_snapshot import snapshot
from lsprotocol import types

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.columns import columns
from roo_lsp.agent.tool import Diff, ToolKind, Workspace
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.surfaces.waiting import (
    LINE_COLUMNS,
    MESSAGE_COLUMNS,
    REVIEW,
    actions,
    diagnostic,
    dialog_titles,
    lens_commands,
    stand_of,
    waits,
)
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.details import DIALOG_COLUMNS, DIALOG_LINES, TOO_LONG, detail_lines, dialog_text
from roo_lsp.workspace.escapes import exact
from tests.support.editor import HELIX, NEOVIM, editor
from tests.support.escapes import unescaped
from tests.support.fake_openai import FakeOpenAI, call, text

WORKSPACE = Workspace((Path("/home/me/project"),))

hostile = st.text(st.characters(codec="utf-8"), max_size=200) | st.lists(
    st.sampled_from(
        ["Approve", "Deny\n", "日本語", "🚀", "\u202e", "a" * 80, " ", "\t", "Roo: ok?"]
    ),
    max_size=8,
).map("".join)
paths = st.lists(
    st.text("ab日🚀 .\n", min_size=1, max_size=40).filter(lambda each: each not in {".", ".."}),
    min_size=1,
    max_size=12,
).map(lambda names: Path("/w").joinpath(*names))


@st.composite
def entries(draw: st.DrawFn) -> Pending:
    """Anything that can wait: each tool, unconfined, trust, a key, a limit, a question, a save."""
    kinds: list[Literal["permission", "trust", "question"]] = ["permission", "trust", "question"]
    kind = draw(st.sampled_from(kinds))
    title, request = draw(hostile), None
    detail = draw(st.lists(hostile, max_size=8))
    if kind != "question":
        is_command = draw(st.booleans())
        path = draw(paths)
        request = PermissionRequest(
            "c",
            "tool",
            draw(st.sampled_from(ToolKind)),
            title,
            why=draw(hostile),
            scope=draw(hostile),
            note=draw(hostile),
            diffs=() if is_command else (Diff(path, draw(hostile), draw(hostile)),),
            command=draw(hostile) if is_command else None,
            cwd=path,
            unconfined=draw(st.booleans()),
            paths=(path,),
        )
        if kind == "permission":
            detail = detail_lines(request, WORKSPACE)
    return Pending(
        "r",
        "t",
        kind,
        title,
        detail,
        request,
        suggestions=draw(st.lists(hostile, max_size=6)) if kind == "question" else (),
        own=draw(st.booleans()),
        answered=asyncio.Future(loop=LOOP),
    )


LOOP = asyncio.new_event_loop()
LOOP.close()


@trying(suppress_health_check=[HealthCheck.too_slow])
@given(entries())
def test_whatever_waits_its_dialog_fits_and_hides_nothing(entry: Pending) -> None:
    shown = dialog_text(entry).split("\n")
    assert len(shown) <= DIALOG_LINES
    assert all(columns(line) <= DIALOG_COLUMNS for line in shown)
    titles = list(dialog_titles(entry))
    assert titles[0] == REVIEW
    assert len(titles) <= 4
    assert len(set(titles)) == len(titles)
    assert all(columns(each) <= DIALOG_COLUMNS and "\n" not in each for each in titles)
    if entry.request is not None and entry.request.command is not None and shown[-1] != TOO_LONG:
        whole = exact(entry.request.command).split("\n")
        if entry.kind == "permission":  # first, and every character of it
            assert unescaped("".join(shown[1:])).startswith(unescaped("".join(whole)))


@trying(suppress_health_check=[HealthCheck.too_slow])
@given(entries())
def test_whatever_waits_its_titles_are_one_line_each_that_fits(entry: Pending) -> None:
    documents = Documents()
    documents.opened("file:///w/a.txt", "one\n", 1, "")
    stand = stand_of(entry, documents)
    assert stand is not None
    one_liners = [
        *(each.title for each in actions(entry)),
        *(each.title for each in lens_commands(entry)),
        diagnostic(entry, stand).message,
    ]
    for each in one_liners:
        assert "\n" not in each
        assert columns(each) <= LINE_COLUMNS
    assert not any(each.is_preferred for each in actions(entry))
    assert columns(waits(entry, "roo.approval.respond")) <= MESSAGE_COLUMNS


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


def shown(dialog: types.ShowMessageRequestParams, folder: Path) -> str:
    """A dialog as a person reads it, its folder by a short name."""
    titles = " | ".join(each.title for each in dialog.actions or ())
    return f"{dialog.message}\n[{titles}]\n".replace(str(folder), "/w")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """One whose name does not break lines, as those of tests do."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder).resolve()


async def test_the_dialogs_of_a_task_read_so(short_folder: Path) -> None:
    ws = short_folder
    limits = {"limits": {"requests": 3}}
    async with FakeOpenAI() as fake, editor(HELIX, ws, settings(fake, **limits)) as it:
        it.open(ws / "a.txt", "one\ntwo\n")
        edit = {"path": "a.txt", "diff": "<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n"}
        ask = {"question": "Which of them?", "follow_up": ["The first", "Approve"]}
        fake.answers(
            call("apply_diff", edit, id="e"),
            call("write_to_file", {"path": "new.txt", "content": "new\n"}, id="w"),
            call("ask_followup_question", ask, id="q"),
            text("ok"),
        )
        await it.start("Change it")
        for count in range(2):
            await it.until(lambda count=count: len(it.dialogs) > count)
            await it.run("roo.approval.respond", "allow_once")
        await it.until(lambda: len(it.dialogs) > 2)
        await it.run("roo.question.answer", "The first")
        await it.until(lambda: len(it.dialogs) > 3)
        await it.run("roo.question.answer", "Continue")
        await it.ended()
        assert "\n".join(shown(each, ws) for each in it.dialogs) == snapshot("""\
Roo: Edit a.txt?
+1 -1 lines
/w/a.txt
it changes a file of the workspace
Always: edits of files in this workspace, for this task
[Review… | Deny | Approve | Always approve]

Roo: Create new.txt?
+1 -0 lines
/w/new.txt
it changes a file of the workspace
Always: edits of files in this workspace, for this task
[Review… | Deny | Approve | Always approve]

The model asks:
Which of them?
[Review… | The first | “Approve”]

Roo asks:
The limit of 3 requests (roo.limits.requests) is reached. Continue?
[Review… | Continue | Stop]
""")


async def test_the_save_gate_asks_as_roo_and_not_as_the_model(short_folder: Path) -> None:
    ws = short_folder
    (ws / "a.txt").write_text("one\ntwo\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, ws, settings(fake)) as it:
        buffer = it.open(ws / "a.txt")
        edit = {"path": "a.txt", "diff": "<<<<<<< SEARCH\ntwo\n=======\n2\n>>>>>>> REPLACE\n"}
        fake.answers(
            call("apply_diff", edit, id="e"),
            call("execute_command", {"command": "cat a.txt"}, id="c"),
            text("ok"),
        )
        await it.start("Change it")
        for count in range(2):
            await it.until(lambda count=count: len(it.dialogs) > count)
            if count:  # with that it is not the agent's text alone that would be written
                it.type(buffer, buffer.text + "mine\n")
            await it.run("roo.approval.respond", "allow_once")
        await it.until(lambda: len(it.dialogs) > 2)
        it.save(buffer)
        await it.ended()
        assert shown(it.dialogs[2], ws) == snapshot("""\
Roo asks:
The command reads files from disk. Please save a.txt in your editor,
and it goes on.
[Review… | I have saved | Write it for me | Run without saving]
""")
