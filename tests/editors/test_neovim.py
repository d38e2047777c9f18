"""The configuration of the README in a real Neovim: what a person there does and sees."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.providers.local import LocalModelUnavailable, local_model, require_installed
from tests.editors.neovim import Background, Neovim, beside, missing, neovim
from tests.support.fake_openai import FakeOpenAI, call, stalled, text

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(missing()) and not os.environ.get("CI"),
        reason=f"not installed: {missing()}",
    ),
    # pynvim asks for asyncio's child watcher, which newer Pythons deprecate.
    pytest.mark.filterwarnings("ignore:.*child_watcher.*:DeprecationWarning"),
]

ON_DISK = "def greet():\n    return 'old'\n"
UNSAVED = "def greet():\n    return 'unsaved'\n"
EDITED = "def greet():\n    return 'edited'\n"
DIFF = """<<<<<<< SEARCH
    return 'unsaved'
=======
    return 'edited'
>>>>>>> REPLACE
"""
TASK = (
    "Read the file README.md, then create the file hello.py with print('hello'), "
    "then run the command python3 hello.py"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "app.py").write_text(ON_DISK, "utf-8")
    return folder


@pytest.fixture
def endpoint() -> Iterator[tuple[FakeOpenAI, Background]]:
    with beside(FakeOpenAI()) as both:
        yield both


@pytest.fixture
def fake(endpoint: tuple[FakeOpenAI, Background]) -> FakeOpenAI:
    return endpoint[0]


@pytest.fixture
def editor(fake: FakeOpenAI, folder: Path) -> Iterator[Neovim]:
    settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
    with neovim(folder, settings) as it:
        it.edit(folder / "app.py")
        yield it


def results(fake: FakeOpenAI) -> list[str]:
    """What the tools returned, as the model was last told."""
    messages = fake.chats[-1].json["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


def test_a_task_reads_and_edits_the_buffer_and_runs_a_command(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("read_file", {"path": "app.py"}),
        call("apply_diff", {"path": "app.py", "diff": DIFF}, pieces=5),
        call("execute_command", {"command": "cat app.py"}),
        call("attempt_completion", {"result": "All done."}),
    )
    editor.type("jfoci'unsaved<Esc>")
    assert (editor.text, editor.modified) == (UNSAVED, True)

    editor.type(":Roo Change the greeting<CR>")
    dialog = editor.pick("app.py", "Approve")
    assert dialog["titles"] == ["Review…", "Deny", "Approve", "Always approve"]
    editor.until("person.event('_changes')")
    assert (editor.text, editor.modified) == (EDITED, True)
    assert (folder / "app.py").read_text("utf-8") == ON_DISK

    editor.pick("cat app.py", "Approve")
    editor.asked("save app.py")
    editor.type(":silent update<CR>")

    assert editor.ended()["stopReason"] == "end_turn"
    assert (folder / "app.py").read_text("utf-8") == EDITED
    read, _, ran, *_ = results(fake)
    assert "return 'unsaved'" in read
    assert "return 'edited'" in ran
    editor.type("u")
    assert editor.text == UNSAVED
    assert fake.unused == 0


def test_progress_reaches_autocommands_whole_and_the_status_line_in_words(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(text("Hello there, ", pieces=2) + text("my friend", pieces=3))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    editor.until("person.values[#person.values].kind == 'end'")
    kinds = [value["kind"] for value in editor.values]
    assert kinds == ["create", "begin", *["report"] * (len(kinds) - 3), "end"]
    said = [
        update["content"]["text"]
        for update in editor.updates
        if update["sessionUpdate"] == "agent_message_chunk"
    ]
    assert "".join(said) == "Hello there, my friend"
    lines = [value.get("message", "") for value in editor.values]
    assert "Hello there, my friend" in lines
    assert editor.status == lines[-1]


def test_a_selection_is_told_to_the_model(fake: FakeOpenAI, editor: Neovim) -> None:
    fake.answers(text("I see."))
    editor.type("jV:Roo What is this?<CR>")
    editor.ended()
    prompt = fake.chats[0].json["messages"][-1]["content"]
    assert prompt.startswith("What is this?")
    assert "app.py, lines 2 to 2\n    return 'old'\n" in f"{prompt}\n"
    assert "def greet" not in prompt


def test_a_dismissed_dialog_decides_nothing_and_a_command_settles_it(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("write_to_file", {"path": "new.txt", "content": "new\n"}),
        text("Done."),
    )
    editor.type(":Roo Create a file<CR>")
    editor.pick("new.txt", None)
    [entry] = editor.request("roo.approval.list")
    assert "new.txt" in entry["title"]
    assert editor.event("_state")["state"] == "waiting"
    assert not (folder / "new.txt").exists()

    editor.type(":RooApprove<CR>")
    assert editor.ended()["stopReason"] == "end_turn"
    assert (folder / "new.txt").read_text("utf-8") == "new\n"
    assert editor.event("_permission")["by"] == "roo.approval.respond"


def test_what_is_picked_in_a_dialog_that_was_answered_elsewhere_is_ignored(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("write_to_file", {"path": "one.txt", "content": "1\n"}),
        call("write_to_file", {"path": "two.txt", "content": "2\n"}),
        text("Done."),
    )
    editor.type(":Roo Create two files<CR>")
    editor.asked("one.txt")
    editor.type(":RooApprove<CR>")
    editor.asked("two.txt")
    editor.pick("one.txt", "Deny")  # Neovim cannot be told to close it
    editor.pick("two.txt", "Approve")
    assert editor.ended()["stopReason"] == "end_turn"
    assert (folder / "one.txt").exists()
    assert (folder / "two.txt").exists()


def test_a_denied_call_is_told_to_the_model_with_the_reason(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("write_to_file", {"path": "new.txt", "content": "new\n"}), text("As you say.")
    )
    editor.type(":Roo Create a file<CR>")
    editor.asked("new.txt")
    editor.type(":RooDeny not in this folder<CR>")
    editor.ended()
    assert "not in this folder" in results(fake)[0]
    assert not (folder / "new.txt").exists()


def test_review_opens_the_details_and_leaves_the_approval_pending(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(
        call("execute_command", {"command": "touch one && touch two"}),
        text("Done."),
    )
    editor.type(":Roo Touch them<CR>")
    editor.pick("touch one", "Review…")
    editor.until("vim.fn.expand('%:t'):find('perm_') and true")
    assert "touch one && touch two" in editor.text
    assert len(editor.request("roo.approval.list")) == 1
    editor.type(":RooApprove<CR>")
    editor.ended()


def test_what_was_said_and_done_opens_as_a_document(fake: FakeOpenAI, editor: Neovim) -> None:
    fake.answers(text("Hello there"))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    editor.type(":RooOpen<CR>")
    editor.until("vim.fn.expand('%:t') == 'transcript.md'")
    assert "## You\n\nSay hello\n\n## Roo\n\nHello there\n" in editor.text


def test_cancel_stops_a_model_that_hangs(
    endpoint: tuple[FakeOpenAI, Background], editor: Neovim
) -> None:
    fake, background = endpoint
    fake.answers(stalled(text("I begin and", pieces=2), after=3))
    editor.type(":Roo Hang<CR>")
    editor.event("agent_message_chunk")
    editor.type(":RooCancel<CR>")
    assert editor.ended()["stopReason"] == "cancelled"

    async def hung_up() -> None:
        await fake.hung_up

    background.wait(hung_up())


def test_a_refusal_of_the_server_is_shown(editor: Neovim) -> None:
    editor.type(":RooApprove<CR>")
    assert editor.until("person.notes[1]") == "Nothing is pending."


def act(editor: Neovim, title: str) -> None:
    """Pick a code action at the cursor."""
    editor.nvim.exec_lua("vim.lsp.buf.code_action()")
    editor.pick("Code actions", title)


def hints(editor: Neovim, *lines: int) -> None:
    """Wait until the hunks that are shown stand at these lines, counted from 0."""
    expected = f"{{ {', '.join(map(str, lines))} }}"
    editor.until(
        "vim.deep_equal(vim.tbl_map(function(d) return d.lnum end, vim.diagnostic.get(0, {"
        f" severity = vim.diagnostic.severity.HINT }})), {expected})"
    )


def test_a_hunk_is_taken_back_by_a_code_action_after_the_user_typed_above_it(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    lines = [f"line {number}" for number in range(1, 10)]
    (folder / "list.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    editor.edit(folder / "list.txt")
    two = "".join(
        f"<<<<<<< SEARCH\nline {number}\n=======\nLINE {number}\n>>>>>>> REPLACE\n"
        for number in (3, 8)
    )
    fake.answers(call("apply_diff", {"path": "list.txt", "diff": two}), text("Done."))
    editor.type(":Roo Change two lines<CR>")
    editor.pick("list.txt", "Approve")
    editor.ended()
    hints(editor, 2, 7)

    editor.type("ggOtyped above<Esc>")
    hints(editor, 3, 8)
    editor.type("9G")
    act(editor, "Revert")
    hints(editor, 3)
    lines[2] = "LINE 3"
    assert editor.text == "".join(f"{line}\n" for line in ["typed above", *lines])
    editor.type("u")
    assert "LINE 8\n" in editor.text


def test_a_new_file_that_is_open_is_taken_back_with_its_buffer(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(call("write_to_file", {"path": "new.txt", "content": "new\n"}), text("Done."))
    editor.type(":Roo Create a file<CR>")
    editor.pick("new.txt", "Approve")
    editor.ended()
    editor.edit(folder / "new.txt")
    hints(editor, 0)
    act(editor, "Revert")
    editor.until("vim.fn.bufloaded('new.txt') == 0")
    assert not (folder / "new.txt").exists()


@pytest.mark.timeout(180)
def test_a_real_model_reads_creates_runs_and_finishes(folder: Path) -> None:
    try:
        require_installed()
    except LocalModelUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    (folder / "README.md").write_text("# Sample\n\nA project with nothing in it.\n", "utf-8")
    with beside(local_model()) as (model, _):
        provider: dict[str, Any] = {
            "baseUrl": model.base_url,
            "modelId": model.model,
            "toolChoice": "required",
            "temperature": 0,
            "extraBody": {"max_tokens": 400},
        }
        with neovim(folder, {"provider": provider}) as it:
            it.patience = 60
            it.edit(folder / "README.md")
            it.type(f":Roo {TASK}<CR>")
            it.pick("hello.py", "Approve")
            it.pick("python3 hello.py", "Approve")
            assert it.ended()["stopReason"] == "end_turn"
            assert (folder / "hello.py").read_text("utf-8").strip() == "print('hello')"
            outputs = [
                str(update.get("content")) + str(update.get("rawOutput"))
                for update in it.updates
                if update["sessionUpdate"] == "tool_call_update"
                and update.get("status") == "completed"
            ]
            assert any("hello\n" in output for output in outputs)
