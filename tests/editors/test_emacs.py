"""roo.el in the Emacs it begins with and in a new one: what a person there does and sees."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.emacs import OLDEST, ROO_EL, VERSIONS, Emacs, batch, emacs, ert, project
from tests.support.fake_openai import FakeOpenAI, call, stalled, text

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

ON_DISK = "def greet():\n    return 'old'\n\n\nprint(greet())\n"
DIFF = """<<<<<<< SEARCH
    return 'old'
=======
    return 'edited'
>>>>>>> REPLACE
"""


@pytest.fixture(params=VERSIONS)
def it(request: pytest.FixtureRequest, tmp_path: Path) -> Emacs:
    return emacs(request.param, tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path / "project", ON_DISK)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as endpoint:
        yield endpoint


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


def results(fake: FakeOpenAI) -> list[str]:
    """What the tools returned, as the model was last told."""
    messages = fake.chats[-1].json["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


async def test_roo_el_compiles_without_a_warning_and_its_documentation_is_in_form(
    it: Emacs, folder: Path
) -> None:
    file = folder / "roo.el"
    file.write_bytes(ROO_EL.read_bytes())
    code, printed = await batch(
        it,
        folder,
        "--eval",
        "(setq byte-compile-error-on-warn t)",
        "-f",
        "batch-byte-compile",
        file,
    )
    assert (code, printed) == (0, "")
    check = '(progn (require \'checkdoc) (checkdoc-file "roo.el"))'
    assert await batch(it, folder, "--eval", check) == (0, "")


async def test_documents_edits_and_events_without_a_server(it: Emacs, folder: Path) -> None:
    await ert(it, folder, "^unit-", {})


async def test_a_task_edits_the_buffer_and_saves_it_for_a_command(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    fake.answers(
        call("apply_diff", {"path": "app.py", "diff": DIFF}, pieces=5),
        call("execute_command", {"command": "cat app.py"}),
        call("attempt_completion", {"result": "All done."}),
    )
    await ert(it, folder, "^task-edits-", settings(fake))
    assert "return 'edited'" in results(fake)[1]
    assert fake.unused == 0


async def test_a_task_is_read_again_after_a_restart_and_deleted(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    fake.answers(
        call("read_file", {"path": "app.py"}),
        text("It is said in a few words.", pieces=6),
    )
    await ert(it, folder, "^task-that-is-read-again", settings(fake))


async def test_a_task_is_denied_answered_and_cancelled(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    question = {"question": "Which?", "follow_up": [{"text": "one"}, {"text": "two"}]}
    fake.answers(
        call("write_to_file", {"path": "new.txt", "content": "new\n"}),
        call("ask_followup_question", question),
        stalled(text("I begin and", pieces=2), after=3),
    )
    await ert(it, folder, "^task-is-denied-", settings(fake))
    assert "app.py, lines 1 to 1\ndef greet" in fake.chats[0].json["messages"][-1]["content"]
    denied, answered = results(fake)
    assert "not in this folder" in denied
    assert "the second" in answered


async def test_the_language_server_of_eglot_answers_beside_roo(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    fake.answers(text("I do not know."))
    await ert(it, folder, "^language-servers-", settings(fake))


async def test_eglot_alone_edits_the_buffer(it: Emacs, folder: Path, fake: FakeOpenAI) -> None:
    (folder / "notes.txt").write_text(ON_DISK, "utf-8")
    fake.answers(call("apply_diff", {"path": "notes.txt", "diff": DIFF}), text("Done."))
    await ert(it, folder, "^plain-eglot-", settings(fake), "-l", ROO_EL.parent / "plain-eglot.el")


async def test_lsp_mode_alone_edits_the_buffer(
    tmp_path: Path, folder: Path, fake: FakeOpenAI
) -> None:
    it = emacs(OLDEST, tmp_path / "home")
    (folder / "notes.txt").write_text(ON_DISK, "utf-8")
    fake.answers(call("apply_diff", {"path": "notes.txt", "diff": DIFF}), text("Done."))
    set_up = ROO_EL.parent / "plain-lsp-mode.el"
    environment = {"ROO_BASE_URL": fake.base_url, "ROO_MODEL": "scripted"}
    await ert(it, folder, "^plain-lsp-mode-", {}, "-l", set_up, **environment)
