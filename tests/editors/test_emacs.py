"""Roo in the Emacs it begins with and in a new one: what a person there does and sees."""

import os
import shutil
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.emacs import OLDEST, PLUGIN, VERSIONS, Emacs, batch, emacs, ert, lisp, project
from tests.support.fake_openai import FakeOpenAI, call, stalled, text

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

IMAGES = {"supportsImages": True}
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


async def test_it_compiles_without_a_warning_and_its_documentation_is_in_form(
    it: Emacs, tmp_path: Path
) -> None:
    plugin = shutil.copytree(PLUGIN, tmp_path / "plugin")
    files = sorted(each.name for each in plugin.glob("roo*.el"))
    strict = "(setq byte-compile-error-on-warn t)"
    for name in files:  # each in an Emacs of its own, which knows no more than the file requires
        compiling = ["-L", ".", "--eval", strict, "-f", "batch-byte-compile", name]
        assert await batch(it, plugin, *compiling) == (0, ""), name
    checks = "".join(f"(checkdoc-file {lisp(name)})" for name in files)
    check = f"(progn (require 'checkdoc) {checks})"
    assert await batch(it, plugin, "--eval", check) == (0, "")


async def test_it_is_installed_as_a_package_and_loads_when_it_is_first_used(
    it: Emacs, tmp_path: Path
) -> None:
    plugin = shutil.copytree(PLUGIN, tmp_path / "plugin")
    packages = f"(setq package-user-dir {lisp(str(tmp_path / 'packages'))})"
    install = f"(progn (require 'package) {packages} (package-install-file {lisp(str(plugin))}))"
    code, printed = await batch(it, tmp_path, "--eval", install)
    assert code == 0, printed
    assert "rror" not in printed, printed
    use = f"""(progn
      {packages}
      (package-initialize)
      (when (featurep 'roo) (error "Loaded before it is used"))
      (global-set-key (kbd "C-c r") 'roo-command-map)
      (princ (key-binding (kbd "C-c r r")))
      (princ (featurep 'roo-waiting)))"""
    assert await batch(it, tmp_path, "--eval", use) == (0, "root")


async def test_what_the_command_line_prints_for_init_el_loads_as_it_is(
    it: Emacs, tmp_path: Path
) -> None:
    environment = {**os.environ, **it.environment({})}
    printing = await create_subprocess_exec(
        "roo-lsp", "editor", "emacs", stdout=PIPE, env=environment
    )
    init = tmp_path / "init.el"
    init.write_bytes((await printing.communicate())[0])
    asking = '(princ (list (key-binding (kbd "C-c r r")) (commandp \'roo) roo-command))'
    code, printed = await batch(it, tmp_path, "-l", init, "--eval", asking)
    assert code == 0, printed
    assert printed.startswith("(roo t (")
    assert printed.endswith("roo-lsp))")


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


async def test_a_problem_is_fixed_and_taken_back_by_a_checkpoint(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    edit = call("apply_diff", {"path": "app.py", "diff": DIFF})
    fake.answers(edit, call("attempt_completion", {"result": "All done."}))
    await ert(it, folder, "^task-fixes-", settings(fake))


async def test_fix_this_is_enough_where_point_is_on_what_fails(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    fake.answers(call("read_file", {"path": "app.py"}), text("It is old."), text("I see."))
    await ert(it, folder, "^task-knows-", settings(fake))
    told = fake.chats[0].json["messages"][-1]["content"]
    assert told.startswith("Fix this\n\n<editor>\n")
    assert "\nIn focus: app.py line 2 (in 1 | def greet():): return 'old'\n" in told
    assert "\nProblems: app.py 1 error\nline 2: error: Greets badly" in told
    told = fake.chats[-1].json["messages"][-1]["content"]
    assert "-    return 'old'\n+2 |     return 'old'  # why?\n" in told


async def test_an_image_is_sent_to_the_model_that_was_chosen(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    better = "What is this, @app.py apart?"
    fake.answers(text(better), text("A cat."), text("## Goal\nTo know what it is."))
    await ert(it, folder, "^task-is-asked-about-", settings(fake) | {"model": IMAGES})
    sent = fake.chats[1].json
    assert "## 'app.py'\\napp.py lines 1-" in str(sent["messages"])
    assert sent["model"] == fake.models[-1]
    assert "data:image/png;base64,iVBOR" in str(sent["messages"])


async def test_a_task_goes_on_after_its_server_was_killed_and_nothing_typed_is_lost(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    edit = call("apply_diff", {"path": "app.py", "diff": DIFF})
    fake.answers(
        edit, call("attempt_completion", {"result": "All done."}), text("They are minded.")
    )
    await ert(it, folder, "^task-goes-on-", settings(fake))


async def test_what_was_said_to_a_server_that_cannot_start_is_kept(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    fake.answers(call("attempt_completion", {"result": "All done."}))
    await ert(it, folder, "^task-is-begun-again-", settings(fake))


async def test_the_language_server_of_eglot_answers_beside_roo(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    fake.answers(text("I do not know."))
    await ert(it, folder, "^language-servers-", settings(fake))


async def test_eglot_alone_edits_the_buffer(it: Emacs, folder: Path, fake: FakeOpenAI) -> None:
    (folder / "notes.txt").write_text(ON_DISK, "utf-8")
    fake.answers(call("apply_diff", {"path": "notes.txt", "diff": DIFF}), text("Done."))
    await ert(it, folder, "^plain-eglot-", settings(fake), "-l", PLUGIN / "plain-eglot.el")


async def test_settings_of_a_repository_that_emacs_loads_unasked_widen_nothing(
    it: Emacs, folder: Path, fake: FakeOpenAI
) -> None:
    """Eglot calls its configuration safe, so a `.dir-locals.el` sets it without a question."""
    (folder / "notes.txt").write_text(ON_DISK, "utf-8")
    (folder / ".dir-locals.el").write_text(
        "((nil . ((eglot-workspace-configuration . (:roo (:auto_approve (:edit t :editProtected t"
        ' :execute t) :autoApprove (:edit_protected t) :allowed_commands ["*"]))))))',
        "utf-8",
    )
    fake.answers(call("write_to_file", {"path": ".vscode/x.json", "content": "{}"}))
    environment = {"ROO_BASE_URL": fake.base_url, "ROO_MODEL": "scripted"}
    set_up = PLUGIN / "plain-eglot.el"
    await ert(it, folder, "^dir-locals-", {}, "-l", set_up, **environment)
    assert not (folder / ".vscode").exists()


async def test_lsp_mode_alone_edits_the_buffer(
    tmp_path: Path, folder: Path, fake: FakeOpenAI
) -> None:
    it = emacs(OLDEST, tmp_path / "home")
    (folder / "notes.txt").write_text(ON_DISK, "utf-8")
    fake.answers(call("apply_diff", {"path": "notes.txt", "diff": DIFF}), text("Done."))
    set_up = PLUGIN / "plain-lsp-mode.el"
    environment = {"ROO_BASE_URL": fake.base_url, "ROO_MODEL": "scripted"}
    await ert(it, folder, "^plain-lsp-mode-", {}, "-l", set_up, **environment)
