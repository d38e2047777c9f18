"""Roo in the real Helix, with nothing but what `roo-lsp editor helix` writes."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.trust import TrustStore
from tests.editors.helix import (
    NEWEST,
    OLDEST,
    PICTURES,
    README,
    VERSIONS,
    Helix,
    block,
    environment,
    health,
    helix,
    set_up,
)
from tests.support.fake_openai import FakeOpenAI, call, text
from tests.workspace.test_skills import made

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

BEFORE = '''\
"""Greetings."""


def greet(name):
    return "hello " + name


def part(name):
    return "bye " + name


print(greet("you"))
'''
DIFF = """\
<<<<<<< SEARCH
def greet(name):
    return "hello " + name
=======
def greet(name: str) -> str:
    return f"Hello, {name}!"
>>>>>>> REPLACE

<<<<<<< SEARCH
    return "bye " + name
=======
    return f"Goodbye, {name}!"
>>>>>>> REPLACE
"""
ANSWERS = (
    text("I read it first.") + call("read_file", {"path": "greeting.py"}),
    call("apply_diff", {"path": "greeting.py", "diff": DIFF}, pieces=5),
    call("attempt_completion", {"result": "Both are polite now."}),
)
SKILL = "---\ndescription: Packs things\n---\nWrap it.\n"
LINTER = """\
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("rude", "1")


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def opened(ls, params):
    place = types.Range(types.Position(4, 4), types.Position(4, 10))
    found = types.Diagnostic(place, "Greets rudely", types.DiagnosticSeverity.Error, source="rude")
    told = types.PublishDiagnosticsParams(params.text_document.uri, [found])
    ls.text_document_publish_diagnostics(told)


server.start_io()
"""
"""A language server beside Roo; Helix has its name for Python by itself."""
REVIEWED = BEFORE.replace("greet(name):", "greet(name: str) -> str:").replace(
    '"hello " + name', 'f"Hello, {name}!"'
)
"""The first change kept, the second reverted."""


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture
def file() -> Iterator[Path]:
    """A file of a project, in a folder whose name is as long as the one that pictures show."""
    with TemporaryDirectory(prefix="", dir="/tmp") as folder:
        file = Path(folder, "hello", "greeting.py")
        (file.parent / ".git").mkdir(parents=True)
        file.write_text(BEFORE, "utf-8")
        yield file


async def test_a_task_from_the_key_press_to_the_saved_review(
    fake: FakeOpenAI, file: Path, tmp_path: Path
) -> None:
    fake.answers(*ANSWERS)
    async with helix(NEWEST, file, tmp_path / "home", fake.base_url) as editor:
        await editor.keys("␣o", "roo.task.start")
        await editor.picture("1-keys")
        await editor.keys("o", 'roo.task.start ""')
        await editor.type("Greet politely", '"Greet politely"')
        await editor.picture("2-prompt")
        await editor.terminal.press("Enter")

        # It waits in a dialog, as a diagnostic and in the status line. Escape decides nothing.
        await editor.until("Always approve")
        await editor.until("Waiting for you: Edit greeting.py?")
        await editor.picture("3-dialog")
        await editor.escape("Always approve")
        assert file.read_text("utf-8") == BEFORE
        await editor.go("]d", line=4)
        await editor.keys("␣a", "Always deny")
        await editor.picture("4-actions")
        await editor.pick("Approve (Roo)", first="Review (Roo)")

        shown = await editor.until("Done: Both are polite now.")
        assert shown.count("Keep or revert") == 2
        told = fake.chats[0].json["messages"][1]["content"]
        assert " ago, a guess at the focus): greeting.py\nOpen: greeting.py\n" in told
        assert 'return f"Goodbye, {name}!"' in shown
        await editor.picture("5-done")
        await reviewed(editor, file, pictures=True)
        assert "Roo changed" not in await editor.keys("␣ot", "Greet politely")


async def test_fix_this_is_enough_where_the_cursor_was_on_what_fails(
    fake: FakeOpenAI, file: Path, tmp_path: Path
) -> None:
    """Nobody hands the cursor over here: that the user looked what can be done there is the hint."""
    fake.answers(text("Hello yourself."), call("read_file", {"path": "greeting.py"}))
    fake.answers(text("It is rude."), text("I see."))
    home = tmp_path / "home"
    environment(NEWEST, home)
    (home / "bin" / "pylsp").write_text(f"#!{sys.executable}\n{LINTER}", "utf-8")
    (home / "bin" / "pylsp").chmod(0o755)
    async with helix(NEWEST, file, home, fake.base_url) as editor:
        await editor.until("Greets rudely")
        await editor.ask("␣oo", "Hello")
        await editor.until("Done: Hello yourself.")
        await editor.go("]d", line=5)
        await editor.keys("␣a", "Roo: Fix")
        await editor.escape("Roo: Fix")
        await editor.ask("␣oo", "Fix this")
        await editor.until("Done: It is rude.")
        told = fake.chats[1].json["messages"][-1]["content"]
        assert told.startswith("Fix this\n\n<editor>\nWhat the editor shows")
        assert (
            " ago, a guess at the focus): greeting.py, selected lines 5-5 "
            '(in 4 | def greet(name):):\n5 |     return "hello " + name\n'
        ) in told
        assert "\nProblems: greeting.py 1 error\nline 5: error: Greets rudely (rude)\n" in told

        await editor.keys("A", "INS")
        await editor.type("  # why?", "# why?")
        await editor.escape("INS")
        await editor.ask("␣os", "And now?")
        await editor.until("Done: I see.")
        told = fake.chats[-1].json["messages"][-1]["content"]
        old = '    return "hello " + name'
        assert f"-{old}\n+5 | {old}  # why?\n" in told


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_task_in_a_document_alone(
    fake: FakeOpenAI, file: Path, tmp_path: Path, version: str
) -> None:
    """Helix 25.01 has neither dialogs nor arguments of commands; a document needs neither."""
    fake.answers(*ANSWERS)
    number = iter(range(1, 9))
    async with helix(version, file, tmp_path / "home", fake.base_url) as editor:

        async def picture(name: str) -> None:
            if version == OLDEST:
                await editor.picture(f"document-{next(number)}-{name}")

        await editor.keys("␣on" if version == NEWEST else "␣oo", "## You")
        await editor.keys("i", "INS")
        await editor.type("Greet politely", "Greet politely")
        if version == NEWEST:
            await editor.type(" in @gre", "greeting.py")
            await editor.terminal.press("Tab")
            await editor.until("in @greeting.py")
        await editor.escape("INS")
        await picture("written")
        await editor.type(":w\n", "Waiting for you: Edit greeting.py?")
        await editor.until("I read it first.")
        if version == NEWEST:
            told = fake.chats[0].json["messages"][1]["content"]
            assert told.startswith("Greet politely in 'greeting.py' (see below)\n\n<mentioned>\n")
            assert "## 'greeting.py'\ngreeting.py lines 1-12 of 12\n" in told
        await picture("answering")
        await tick(editor, "Edit greeting.py")
        await picture("approved")
        assert file.read_text("utf-8") == BEFORE
        await editor.type(":w\n", "Done: Both are polite now.")
        await editor.bottom("Both are polite now.\n")
        await picture("done")

        await editor.type(":open greeting.py\n", "●   9")
        await reviewed(editor, file, pictures=False)


async def test_a_skill_and_a_subtask_in_a_document(
    fake: FakeOpenAI, file: Path, tmp_path: Path
) -> None:
    folder, home = file.parent, tmp_path / "home"
    made(folder, {".roo/skills/pack/SKILL.md": SKILL})
    TrustStore(home / "roo-state/trust.json").trust(folder, instruction_files([folder]))
    fake.answers(
        call("new_task", {"mode": "code", "message": "Make box.txt"}),
        call("write_to_file", {"path": "box.txt", "content": "box\n"}),
        call("attempt_completion", {"result": "The box is there."}),
        text("All is packed."),
    )
    async with helix(NEWEST, file, home, fake.base_url) as editor:
        await editor.keys("␣on", "## You")
        await editor.keys("i", "INS")
        await editor.type("/pa", "snippet")
        await editor.terminal.press("Tab")
        await editor.until("/pack")
        await editor.type(" greeting.py", "greeting.py")
        await editor.escape("INS")
        await editor.type(":w\n", "Waiting for you: Subtask in mode code: Make box.txt?")
        said = fake.chats[0].json["messages"][1]["content"]
        assert said.startswith("/pack greeting.py\n\n")
        assert "Skill: pack\nArguments: greeting.py\n" in said
        await tick(editor, "Subtask in mode code: Make box.txt")
        await editor.type(":w\n", "Waiting for you: Create box.txt?")
        await editor.bottom("… Subtask in mode code: Make box.txt")
        await tick(editor, "Create box.txt")
        assert not (folder / "box.txt").exists()
        await editor.type(":w\n", "All is packed.")
        await editor.bottom("✓ Subtask in mode code: Make box.txt")
        assert (folder / "box.txt").read_text("utf-8") == "box\n"
    [result] = [each for each in fake.chats[-1].json["messages"] if each["role"] == "tool"]
    assert result["content"].endswith(" completed.\n\nResult:\nThe box is there.")


async def tick(editor: Helix, title: str) -> None:
    """Tick that this is approved, in the document that ends with it."""
    await editor.bottom(f"approve: {title}")
    await editor.type("/\\[ \n", "[ ] approve")
    await editor.keys(";rx", "[x] approve")


async def reviewed(editor: Helix, file: Path, *, pictures: bool) -> None:
    """Look through what was changed, keep one change, revert the other, and save."""
    await editor.keys("␣d", "2/2")
    await editor.escape("2/2")
    await editor.go("gg", line=1)
    await editor.go("]d", line=4)
    await editor.keys("␣a", "Keep Roo's change")
    if pictures:
        await editor.picture("6-review")
    await editor.pick("Keep Roo's change", first="Keep Roo's change")
    await editor.until("Kept greeting.py")
    await editor.go("]d", line=9)
    await editor.keys("␣a", "Keep Roo's change")
    await editor.pick("Revert Roo's change", first="Keep Roo's change")
    shown = await editor.until("Reverted greeting.py")
    assert "Roo changed" not in shown
    if pictures:
        await editor.picture("7-reviewed")
    await editor.type(":w\n", "'greeting.py' written")
    assert file.read_text("utf-8") == REVIEWED


@pytest.mark.parametrize("version", VERSIONS)
async def test_helix_takes_what_is_written_and_keeps_the_users_part(
    tmp_path: Path, version: str
) -> None:
    variables = environment(version, tmp_path)
    languages = tmp_path / "config" / "helix" / "languages.toml"
    languages.parent.mkdir(parents=True)
    languages.write_text('[[language]]\nname = "python"\nlanguage-servers = ["pylsp"]\n', "utf-8")
    await set_up(variables)
    servers = {name: await health(variables, name) for name in ("python", "rust", "text")}
    assert not [text for text in servers.values() if "Error" in text or "roo-lsp" not in text]
    assert "pylsp" in servers["python"]
    assert "ruff" not in servers["python"]
    assert "rust-analyzer" in servers["rust"]


def test_the_readme_shows_the_pictures_that_these_tests_made() -> None:
    readme = README.read_text("utf-8")
    pictures = sorted(PICTURES.glob("*.txt"))
    assert len(pictures) == 11
    assert not [
        each.name for each in pictures if block(each.stem, each.read_text("utf-8")) not in readme
    ]
