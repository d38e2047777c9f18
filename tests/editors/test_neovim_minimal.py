"""The configuration to paste, without the plugin, in a real Neovim: what LSP alone gives a person."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.neovim import Background, Neovim, beside, minimal, neovim
from tests.editors.test_neovim import pytestmark as real
from tests.support.fake_openai import FakeOpenAI, call, text

pytestmark = real

ON_DISK = "def greet():\n    return 'old'\n"
UNSAVED = "def greet():\n    return 'unsaved'\n"
EDITED = "def greet():\n    return 'edited'\n"
DIFF = """<<<<<<< SEARCH
    return 'unsaved'
=======
    return 'edited'
>>>>>>> REPLACE
"""


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
    with neovim(folder, minimal(settings)) as it:
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


def test_a_refusal_of_the_server_is_shown(editor: Neovim) -> None:
    editor.type(":RooApprove<CR>")
    assert editor.until("person.notes[1]") == "Nothing is pending."
