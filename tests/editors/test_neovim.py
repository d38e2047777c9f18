"""The plugin in a real Neovim: what a person there does and sees."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from roo_lsp.providers.local import LocalModelUnavailable, local_model, require_installed
from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.trust import TrustStore
from tests.editors.neovim import PLUGIN, Background, Neovim, beside, missing, neovim, plugin
from tests.support.fake_openai import FakeOpenAI, call, reasoning, stalled, status, text
from tests.workspace.test_skills import made

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


SKILL = "---\ndescription: Packs things\n---\nWrap it.\n"

Endpoint = tuple[FakeOpenAI, Background]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with beside(FakeOpenAI()) as both:
        yield both


@pytest.fixture
def fake(endpoint: Endpoint) -> FakeOpenAI:
    assert endpoint[0].unused == 0, "the last test left answers"
    return endpoint[0]


def settings_for(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


@pytest.fixture(scope="module")
def opened(
    endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Neovim, Path]]:
    """One Neovim for the tests that leave it as they found it: starting it takes the most time."""
    base = tmp_path_factory.mktemp("neovim")
    folder = a_project(base)
    own = {"ROO_STATE_DIR": str(base / "state"), "ROO_CONFIG_DIR": str(base / "config")}
    with (
        patch.dict(os.environ, own),
        neovim(folder, plugin(settings_for(endpoint[0]))) as it,
    ):
        it.edit(folder / "app.py")
        yield it, folder


@pytest.fixture
def editor(opened: tuple[Neovim, Path]) -> Neovim:
    it, folder = opened
    it.reset()
    (folder / "app.py").write_text(ON_DISK, "utf-8")
    it.edit(folder / "app.py")
    return it


@pytest.fixture
def folder(opened: tuple[Neovim, Path]) -> Path:
    return opened[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """For a test that has a Neovim of its own."""
    return a_project(tmp_path)


def a_project(base: Path) -> Path:
    folder = base / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "app.py").write_text(ON_DISK, "utf-8")
    return folder


def results(fake: FakeOpenAI) -> list[str]:
    """What the tools returned, as the model was last told."""
    messages = fake.chats[-1].json["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


# --- a task -------------------------------------------------------------------------------------


def test_a_task_reads_and_edits_the_buffer_saves_it_and_runs_a_command(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        reasoning("Let me see.") + text("I look first.") + call("read_file", {"path": "app.py"}),
        call("apply_diff", {"path": "app.py", "diff": DIFF}, pieces=5),
        call("execute_command", {"command": "cat app.py"}),
        call("attempt_completion", {"result": "All **done**."}),
    )
    editor.type("jfoci'unsaved<Esc>")
    editor.type(":Roo Change the greeting<CR>")
    editor.waiting("app.py")
    chat = editor.shown("ga approve")
    assert "## You\n\nChange the greeting\n\n## Roo\n" in chat
    assert "    · Thought" in chat
    assert "I look first.\n\n    ✓ Read app.py\n    ? Edit app.py\n" in chat
    assert "      -    return 'unsaved'\n      +    return 'edited'\n" in chat
    assert editor.text == UNSAVED, "the cursor stayed where it was"

    editor.type(":Roo approve<CR>")
    editor.until("person.event('_changes')")
    assert (editor.text, editor.modified) == (EDITED, True)
    editor.waiting("cat app.py")
    assert (folder / "app.py").read_text("utf-8") == ON_DISK
    editor.type(":Roo approve<CR>")

    assert editor.ended()["stopReason"] == "end_turn"
    assert (folder / "app.py").read_text("utf-8") == EDITED, "saved before the command, unasked"
    assert not editor.modified
    assert "return 'edited'" in results(fake)[2]
    chat = editor.shown("Done in")
    assert "    ✓ Run cat app.py\n\nAll **done**.\n\n    ✓ Done in" in chat
    assert "ga approve" not in chat
    editor.type("u")
    assert editor.text == UNSAVED


def test_fix_this_is_enough_where_the_cursor_is_on_what_fails(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(call("read_file", {"path": "app.py"}), text("Fixed."), text("I see."))
    editor.lua("""
        local mine = vim.api.nvim_create_namespace('person')
        local problem = { lnum = 1, col = 0, message = 'not so', severity = 1, source = 'pyright' }
        vim.diagnostic.set(mine, 0, { problem })
    """)
    editor.type("j")
    editor.type(":Roo Fix this<CR>")
    editor.ended()
    told = fake.chats[-2].json["messages"][1]["content"]
    assert told.startswith("Fix this\n\n<editor>\n")
    assert "\nIn focus: app.py line 2 (in 1 | def greet():): return 'old'\n" in told
    assert "\nProblems: app.py 1 error\nline 2: error: not so (pyright)\n" in told
    editor.type("A  # why?<Esc>")
    editor.type(":Roo send And now?<CR>")
    editor.until(
        "vim.iter(person.values):find(function(each) return vim.inspect(each):find('I see.', 1, true) end)"
    )
    editor.ended()
    told = fake.chats[-1].json["messages"][-1]["content"]
    assert "-    return 'old'\n+2 |     return 'old'  # why?\n" in told


def test_what_comes_while_nobody_looks_is_there_when_the_chat_is_opened_later(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(
        text("First this,\n\n```python\nx = 1", pieces=3) + call("read_file", {"path": "app.py"}),
        text("Then that.", pieces=4),
    )
    editor.configure("{ chat = { open_on_start = false } }")
    editor.type(":Roo Say it<CR>")
    editor.ended()
    assert editor.chat() == ""
    editor.type(":Roo<CR>")
    live = editor.shown("Done in")
    assert "x = 1\n```\n\n    ✓ Read app.py\n\nThen that." in live, "an open fence is closed"
    assert editor.lua("return require('roo.windows').role(0)") == "prompt"
    # Gone with its buffer, and drawn anew from what the server has stored.
    editor.type(":Roo close<CR>")
    editor.lua("""
        for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
          if vim.startswith(vim.api.nvim_buf_get_name(buffer), 'roo://chat/') then
            vim.api.nvim_buf_delete(buffer, { force = true })
          end
        end
    """)
    editor.type(":Roo tasks<CR>")
    editor.pick("Tasks of Roo", editor.asked("Tasks of Roo")["titles"][0])
    editor.pick("Say it", "Open the chat")
    assert editor.shown("Done in") == live


def test_a_selection_is_told_to_the_model(fake: FakeOpenAI, editor: Neovim) -> None:
    fake.answers(text("I see."))
    editor.type("jV:Roo send What is this?<CR>")  # with a range, whatever it says is a prompt
    editor.ended()
    prompt = fake.chats[-1].json["messages"][-1]["content"]
    assert prompt.startswith("send What is this?")
    assert "app.py, lines 2 to 2\n    return 'old'\n" in f"{prompt}\n"
    assert "def greet" not in prompt.partition("<editor>")[0]


def test_a_follow_up_is_written_below_the_chat_and_an_error_gives_it_back(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(text("Hello."), text("Again."))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    editor.type(":Roo<CR>iand again<C-s>")
    editor.shown("Again.")
    assert editor.text == "\n", "what was sent is not there any more"
    assert editor.chat().count("## You") == 2
    assert "and again" in fake.chats[-1].json["messages"][-1]["content"]
    editor.type("<Esc>:Roo new<CR>")
    editor.lua("require('roo.chat').next.mode = 'nonsense'")
    editor.type("ikeep this<Esc><CR>")
    assert "no mode 'nonsense'" in editor.until("person.notes[#person.notes]")
    editor.until("vim.fn.getline(1) == 'keep this'")


def test_a_question_is_answered_with_a_number_in_the_chat(fake: FakeOpenAI, editor: Neovim) -> None:
    ask = {"question": "Which *one*?", "follow_up": [{"text": "left"}, {"text": "right"}]}
    fake.answers(call("ask_followup_question", ask), text("Right it is."))
    editor.type(":Roo Ask me<CR>")
    assert "Which *one*?\n\n    ? Type a number here" in editor.shown("2  right")
    assert editor.lua("return #person.dialogs") == 0, "no dialog besides"
    editor.type("<C-w>l<C-w>k2")
    assert "✓ You answered: right" in editor.shown("Right it is.")
    assert "right" in results(fake)[0]


# --- approvals ----------------------------------------------------------------------------------


def test_an_approval_takes_neither_the_cursor_nor_a_key(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(call("write_to_file", {"path": "float.txt", "content": "new\n"}), text("Done."))
    editor.configure("{ chat = { open_on_start = false } }")
    editor.type(":Roo Create a file<CR>")
    editor.waiting("float.txt")
    editor.until("require('roo.windows').find('waiting') ~= nil")
    assert editor.lua("return vim.api.nvim_win_get_config(0).relative") == ""
    editor.type("ggOy<Esc>")
    assert editor.text == f"y\n{ON_DISK}"
    [entry] = editor.request("roo.approval.list")
    assert "float.txt" in entry["title"]
    editor.type(":Roo details<CR>")
    assert "+new" in editor.text, "the whole change, in a window of its own"
    editor.type("ga")
    assert editor.ended()["stopReason"] == "end_turn"
    assert (folder / "float.txt").read_text("utf-8") == "new\n"
    assert editor.event("_permission")["by"] == "roo/requestPermission"
    editor.until("require('roo.windows').find('waiting') == nil")


def test_a_subtask_is_begun_watched_and_answered_and_its_result_goes_back(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("new_task", {"mode": "code", "message": "Make part.txt\nwith one line"}),
        call("write_to_file", {"path": "part.txt", "content": "part\n"}),
        call("attempt_completion", {"result": "The part is made."}),
        text("All parts are there."),
    )
    editor.type(":Roo Have the part made<CR>")
    editor.waiting("Subtask in mode code: Make part.txt")
    editor.until("#(require('roo.approvals').waiting()[1].detail or {}) > 0")
    editor.type(":Roo details<CR>")
    assert "with one line" in editor.text, "what it is told is shown whole"
    editor.type("ga")
    editor.waiting("Create part.txt")
    editor.shown("    ? Subtask: Make part.txt")
    parent = editor.lua("return require('roo.events').latest")
    tasks = {each["taskId"]: each for each in editor.request("roo.task.list")}
    [part] = [each for each in tasks.values() if each.get("parentTaskId") == parent]
    assert tasks[parent]["state"] == "waiting"

    editor.type("<C-w>l<C-w>k/Subtask: Make<CR><CR>")
    chat = editor.shown("Create part.txt")
    assert "## You\n\nMake part.txt" in chat, "its own chat has opened"
    editor.type("ga")
    editor.until(
        f"person.event('_subtask', 'idle') and require('roo.events').tasks['{parent}'].state == 'idle'"
    )
    assert (folder / "part.txt").read_text("utf-8") == "part\n"
    assert results(fake) == [f"Subtask {part['taskId']} completed.\n\nResult:\nThe part is made."]
    editor.lua(
        f"require('roo.chat').open_task(vim.lsp.get_clients({{ name = 'roo' }})[1].id, '{parent}', false)"
    )
    assert "    ✓ Subtask: Make part.txt" in editor.shown("All parts are there.")


def test_a_denied_call_is_told_to_the_model_with_the_reason(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("write_to_file", {"path": "new.txt", "content": "new\n"}), text("As you say.")
    )
    editor.type(":Roo Create a file<CR>")
    editor.shown("ga approve")
    editor.lua("vim.ui.input = function(_, on_confirm) on_confirm('not in this folder') end")
    editor.type("<C-w>l<C-w>kgD")
    editor.ended()
    assert "not in this folder" in results(fake)[0]
    assert not (folder / "new.txt").exists()
    assert "✗ Create new.txt" in editor.shown("As you say.")


def test_without_a_chat_a_picker_asks_if_the_user_wants_that(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(
        call("write_to_file", {"path": "one.txt", "content": "1\n"}),
        call("write_to_file", {"path": "two.txt", "content": "2\n"}),
        text("Done."),
    )
    editor.configure("""{
        chat = { open_on_start = false },
        approvals = { without_chat = 'select' },
    }""")
    editor.type(":Roo Create two files<CR>")
    dialog = editor.pick("one.txt", None)
    assert dialog["titles"][0] == "Details…", "what Enter picks does nothing"
    assert len(editor.request("roo.approval.list")) == 1, "dismissing decides nothing"
    editor.type(":Roo approve<CR>")
    editor.pick("two.txt", "Approve")
    assert editor.ended()["stopReason"] == "end_turn"
    assert (folder / "one.txt").exists()
    assert (folder / "two.txt").exists()


def test_what_is_settled_elsewhere_is_not_shown_any_more(fake: FakeOpenAI, editor: Neovim) -> None:
    fake.answers(call("execute_command", {"command": "touch one"}), text("Done."))
    editor.type(":Roo Touch it<CR>")
    editor.shown("ga approve")
    editor.request("roo.approval.respond", {"decision": "reject_once"})
    editor.ended()
    editor.until("#require('roo.approvals').waiting() == 0")
    assert "ga approve" not in editor.shown("Done in")
    editor.type(":Roo approve<CR>")
    assert editor.until("person.notes[1]") == "Nothing waits for you."


def float_of(editor: Neovim) -> dict[str, Any]:
    """The float that shows what waits: its lines, and the columns it takes."""
    return editor.until("""(function()
        local window = require('roo.windows').find('waiting')
        local options = window and vim.api.nvim_win_get_config(window)
        return window and {
          lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false),
          first = options.col - options.width - 2,
          last = options.col,
        }
    end)()""")


def test_with_two_tasks_that_wait_a_command_asks_which_and_a_key_of_the_chat_means_its_own(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    editor.lua("vim.o.columns, vim.o.lines = 140, 40")
    fake.answers(call("write_to_file", {"path": "here.txt", "content": "1\n"}, id="w1"))
    editor.type(":Roo Create here<CR>")
    editor.shown("ga approve")
    fake.answers(call("execute_command", {"command": "touch there"}, id="c1"))
    editor.request("roo.task.start", {"prompt": "Touch there"})
    editor.waiting("touch there")
    shown = float_of(editor)
    assert "touch there" in shown["lines"][0]
    chat = editor.lua(
        "return vim.api.nvim_win_get_position(require('roo.windows').find('chat'))[2]"
    )
    assert shown["first"] >= 0
    assert shown["last"] <= chat, "it does not cover the chat's own question"

    editor.type(":Roo approve<CR>")
    dialog = editor.asked("Several things wait. Which one?")
    assert len(dialog["titles"]) == 2
    assert not (folder / "here.txt").exists()
    fake.answers(text("It is done."))
    editor.pick("Which one?", next(each for each in dialog["titles"] if "touch there" in each))
    editor.until("#require('roo.approvals').waiting() == 1")
    editor.until("require('roo.windows').find('waiting') == nil")
    fake.answers(text("It is done."))
    editor.lua("vim.api.nvim_set_current_win(require('roo.windows').find('chat'))")
    editor.type("ga")
    editor.shown("It is done.")
    assert (folder / "here.txt").exists()
    editor.until("#require('roo.approvals').waiting() == 0")


def test_where_a_key_may_go_is_asked_in_the_chat_and_its_header_says_so(project: Path) -> None:
    config = project.parent / "config"
    config.mkdir()
    (config / "settings.json").write_text('{"provider": {"headers": {"X-Key": "mine"}}}', "utf-8")
    own = {"ROO_STATE_DIR": str(project.parent / "state"), "ROO_CONFIG_DIR": str(config)}
    with (
        beside(FakeOpenAI()) as (fake, _),
        patch.dict(os.environ, own),
        neovim(project, plugin(settings_for(fake))) as it,
    ):
        it.edit(project / "app.py")
        fake.answers(text("Hello."))
        it.type(":Roo Say hello<CR>")
        shown = it.shown("ga approve")
        assert f"to {fake.base_url.removesuffix('/v1')}" in shown
        assert "gA" not in shown, "it is asked once in any case"
        bar = "vim.wo[require('roo.windows').find('chat')].winbar:find('your turn', 1, true)"
        it.until(bar)
        assert it.lua("return require('roo.windows').find('waiting') == nil"), "not shown twice"
        it.type(":Roo approve<CR>")
        assert "approved" not in it.shown("Hello."), "it is told beside the line, not in the text"
        it.ended()


@pytest.mark.parametrize(
    ("typed", "words"),
    [("mode", "Mode"), ("restore", ""), ("profile", ""), ("models", "Model"), ("mcp", "")],
)
def test_a_command_without_its_word_offers_what_there_is(
    typed: str, words: str, fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(text("Hello."))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    editor.type(f":Roo {typed}<CR>")
    if words:
        assert editor.asked(words)["titles"]
    else:
        editor.until("person.notes[1]")
        assert "no" in editor.lua("return person.notes[1]").lower(), "there are none, in words"
    assert "Invalid" not in editor.seen


def test_a_model_that_is_picked_is_asked_from_then_on(fake: FakeOpenAI, editor: Neovim) -> None:
    editor.type(":Roo models<CR>")
    model = editor.asked("Model")["titles"][-1]
    editor.pick("Model", model)
    editor.until("person.notes[1]")
    while editor.request("roo.status")["model"] != model:  # the server asks for the settings
        pass
    fake.answers(text("Hello."))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    assert fake.chats[-1].json["model"] == model


def test_what_was_said_comes_back_by_the_arrow_and_a_slash_offers_commands(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(text("Hello."), text("Again."))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    editor.type(":Roo<CR>isaid\ntwice<Esc>A<C-s>")
    editor.shown("Again.")
    editor.type("<Esc>imine<Esc><Up>")
    editor.until("vim.fn.getline(1) == 'said'")
    assert editor.text == "said\ntwice\n"
    editor.type("<Up>")
    assert editor.text == "said\ntwice\n", "inside the text it is Vim's own"
    editor.type("<Up>")
    editor.until("vim.fn.getline(1) == 'Say hello'")
    editor.type("<Down>")
    editor.until("vim.fn.getline(1) == 'said'")
    editor.type("<Down>")
    editor.until("vim.fn.getline(1) == 'mine'")
    editor.type("cc/sta<C-x><C-o><C-n><Esc>")
    assert editor.text == "/status\n"
    editor.type("a<C-s>")
    editor.until("vim.fn.execute('messages'):find('idle in mode code')")
    assert editor.text == "\n"
    editor.type("<Esc>i/stauts<C-s>")
    editor.until("vim.fn.getline(1) == '/stauts'")
    assert "nearest is /status" in editor.lua("return person.notes[#person.notes]")
    editor.type("<Esc>ggdGi/new<C-s>")
    editor.until("vim.b.roo_task == nil")
    assert fake.chats[-1].json["messages"][-1]["content"].startswith("said\ntwice")


def test_a_slash_command_and_a_skill_of_the_workspace_go_from_the_key_press_to_the_result(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    made(folder, {".roo/commands/ship.md": "Ship it to $1.", ".roo/skills/pack/SKILL.md": SKILL})
    TrustStore(folder.parent / "state/trust.json").trust(folder, instruction_files([folder]))
    fake.answers(call("skill", {"skill": "pack", "args": "app.py"}), text("Shipped to Rome."))
    editor.type(":Roo new<CR>")
    editor.type("cc/sh<C-x><C-o><C-n> Rome<Esc>")
    assert editor.text == "/ship Rome\n"
    editor.type("a<C-s>")
    editor.shown("Shipped to Rome.")
    first, last = (chat.json["messages"] for chat in fake.chats[-2:])
    assert first[1]["content"].startswith(
        '/ship Rome\n\n<command name="ship" from=".roo/commands/ship.md">\nShip it to Rome.\n</command>'
    )
    assert "- pack: Packs things" in first[0]["content"]
    assert last[-1]["content"].startswith("Skill: pack\nArguments: app.py\n")
    shutil.rmtree(folder / ".roo")


def test_a_mention_is_completed_and_goes_along_and_a_prompt_is_put_better(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    outside = folder.parent / "outside.txt"
    outside.write_text("from outside\n", "utf-8")
    fake.answers(text("Explain @app.py better"), text("Seen."))
    editor.type(":Roo new<CR>")
    editor.nvim.input("iExplain @ap")
    offered = (
        "vim.fn.pumvisible() == 1 and vim.fn.complete_info({'items'}).items[1].word == '@app.py'"
    )
    while not editor.lua(f"vim.wait(20) return {offered}"):  # typed: it happens between our calls
        assert editor.lua("return vim.api.nvim_get_mode().mode")[0] == "i"
    editor.nvim.input("<C-n><C-y><Esc>")
    editor.until("vim.api.nvim_get_mode().mode == 'n'")
    assert editor.text == "Explain @app.py\n"
    editor.type(":Roo enhance<CR>")
    editor.until("vim.fn.getline(1) == 'Explain @app.py better'")
    editor.type(f"A and @/../{outside.name}<C-s>")
    editor.shown(f"Read {outside}")
    editor.type("<Esc><C-w>kgd")
    editor.ended()
    first, second = [each["content"] for each in fake.chats[-1].json["messages"][-2:]]
    assert first.startswith(
        f"Explain 'app.py' (see below) better and '{outside}' (see below)\n\n<mentioned>"
    )
    assert "## 'app.py'\napp.py lines 1-" in first
    assert "denied" in second
    assert "from outside" not in second
    editor.shown(f"Explain @app.py better and @/../{outside.name}")


def test_help_is_there_for_who_pastes_what_is_printed(editor: Neovim) -> None:
    editor.type(":help roo<CR>")
    assert editor.lua("return vim.fn.expand('%:t')") == "roo.txt"
    editor.type(":helptags " + str(PLUGIN / "doc").replace(" ", "\\ ") + "<CR>")
    assert subprocess.call(["git", "diff", "--quiet", "doc/tags"], cwd=PLUGIN) == 0


def test_what_is_said_while_roo_works_is_in_sight_and_in_the_prompt_again_after_a_cancel(
    fake: FakeOpenAI, editor: Neovim
) -> None:
    fake.answers(call("execute_command", {"command": "touch one"}))
    editor.type(":Roo Touch it<CR>")
    editor.shown("ga approve")
    editor.request("roo.task.send", {"text": "And say so"})
    editor.shown("· Next: And say so")
    editor.type(":Roo queue<CR>")
    assert editor.asked("With the next request")["titles"] == ["And say so"]
    editor.pick("With the next request", None)
    editor.request("roo.task.cancel")
    editor.until(
        "vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(require('roo.windows').find('prompt')),"
        " 0, 1, false)[1] == 'And say so'"
    )


def test_a_kind_of_calls_is_approved_by_itself_once_it_is_switched_on(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    editor.type(":Roo auto<CR>")
    editor.pick("Approve without a question", "○ edit")
    editor.until("person.notes[1]")
    fake.answers(call("write_to_file", {"path": "by_itself.txt", "content": "1\n"}), text("Done."))
    editor.type(":Roo Make it<CR>")
    editor.ended()
    assert (folder / "by_itself.txt").exists()
    editor.request("roo.approval.auto", {"kind": "edit", "on": False})
    editor.type(":Roo prompts<CR>")
    assert editor.asked("Said before")["titles"][0] == "Make it"
    editor.pick("Said before", "Make it")
    editor.until(
        "vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(require('roo.windows').find('prompt')),"
        " 0, 1, false)[1] == 'Make it'"
    )


def test_cancel_stops_a_model_that_hangs(
    endpoint: tuple[FakeOpenAI, Background], editor: Neovim
) -> None:
    fake, background = endpoint
    fake.answers(stalled(text("I begin and", pieces=2), after=3))
    editor.type(":Roo Hang<CR>")
    editor.shown("I begin")
    editor.type(":Roo<CR><C-c>")
    assert editor.ended()["stopReason"] == "cancelled"
    assert "    ■ Cancelled" in editor.shown("Cancelled")

    async def hung_up() -> None:
        await fake.hung_up

    background.wait(hung_up())


def test_a_request_that_fails_is_shown_with_what_to_do(fake: FakeOpenAI, editor: Neovim) -> None:
    fake.answers(status(401, {"error": {"message": "no such key"}}))
    editor.lua("person.may_fail = true")
    editor.type(":Roo Try<CR>")
    error = editor.until("person.event('_state', 'failed')")["error"]
    assert f"    ✗ {error['message']}\n      {error['hint']}\n" in editor.shown("✗")


# --- review -------------------------------------------------------------------------------------


def hunks(editor: Neovim, *lines: int) -> None:
    """Wait until the changes that are drawn begin at these lines, counted from 1."""
    expected = f"{{ {', '.join(map(str, lines))} }}"
    editor.until(f"vim.deep_equal(person.hunks(), {expected})")


@pytest.fixture
def reviewed(fake: FakeOpenAI, editor: Neovim, folder: Path) -> Neovim:
    """A buffer whose third line was changed, whose fifth is gone and whose ninth was changed."""
    lines = [f"line {number}" for number in range(1, 10)]
    (folder / "list.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    editor.edit(folder / "list.txt")
    blocks = [("line 3\n", "LINE 3\n"), ("line 5\n", ""), ("line 9\n", "LINE 9\n")]
    diff = "".join(f"<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n" for old, new in blocks)
    fake.answers(call("apply_diff", {"path": "list.txt", "diff": diff}), text("Done."))
    editor.type(":Roo Change three lines<CR>")
    editor.waiting("list.txt")
    editor.type(":Roo approve<CR>")
    editor.ended()
    hunks(editor, 3, 5, 8)
    return editor


def test_hunks_are_kept_and_taken_back_by_keys_after_the_user_typed_above_them(
    reviewed: Neovim,
) -> None:
    editor = reviewed
    assert editor.lua("return person.taken_out()") == ["line 3", "line 5", "line 9"]
    editor.type("ggOtyped above<Esc>")
    hunks(editor, 4, 6, 9)
    editor.type("gg]r")
    assert editor.nvim.current.window.cursor[0] == 4
    editor.type("grk")
    hunks(editor, 6, 9)
    editor.type("]rgrv")
    hunks(editor, 10)
    assert "line 4\nline 5\nline 6\n" in editor.text
    editor.type("grV")
    editor.until("vim.b.roo_hunks == nil")
    wanted = ["typed above", "line 1", "line 2", "LINE 3", *[f"line {n}" for n in range(4, 10)]]
    assert editor.text == "".join(f"{line}\n" for line in wanted)


def test_the_keys_for_hunks_change_no_text_when_the_last_one_is_reviewed(reviewed: Neovim) -> None:
    reviewed.request("roo.changes.keep", {})
    reviewed.until("vim.b.roo_hunks == nil")
    before = reviewed.text
    reviewed.type("grv")
    reviewed.type("grk")
    assert reviewed.text == before
    assert "All of this file is reviewed." in reviewed.lua("return person.notes[#person.notes]")


def test_a_hunk_that_the_user_edits_says_so_and_is_not_taken_back(reviewed: Neovim) -> None:
    editor = reviewed
    editor.type("3GAand mine<Esc>")
    editor.until("person.above(1):find('you edited it since', 1, true)")
    editor.type("grv")
    editor.until("person.noted('Nothing was reverted')")
    assert "LINE 3and mine\n" in editor.text
    editor.type(":Roo keep all<CR>")
    editor.until("vim.b.roo_hunks == nil")


def test_review_lists_what_is_left_and_says_when_nothing_is(reviewed: Neovim) -> None:
    editor = reviewed
    editor.type(":edit app.py<CR>:Roo review<CR>")
    editor.until("vim.fn.getqflist({ size = 0 }).size == 3")
    items = editor.lua("return vim.tbl_map(function(i) return i.lnum end, vim.fn.getqflist())")
    assert items == [3, 5, 8]
    assert editor.lua("return vim.fn.expand('%:t')") == "list.txt"
    editor.type(":Roo keep all<CR>")
    editor.until("vim.b.roo_hunks == nil")
    editor.type(":Roo review<CR>")
    assert "nothing left" in editor.until("person.notes[#person.notes]")


def test_a_new_file_that_is_open_is_taken_back_with_its_buffer(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(call("write_to_file", {"path": "new.txt", "content": "new\n"}), text("Done."))
    editor.type(":Roo Create a file<CR>")
    editor.waiting("new.txt")
    editor.type(":Roo approve<CR>")
    editor.ended()
    editor.edit(folder / "new.txt")
    hunks(editor, 1)
    editor.type("grv")
    editor.until("vim.fn.bufloaded('new.txt') == 0")
    assert not (folder / "new.txt").exists()


# --- servers that end, tasks that go on ---------------------------------------------------------


def test_a_task_of_another_day_is_picked_and_goes_on(fake: FakeOpenAI, project: Path) -> None:
    fake.answers(text("So far."), text("And on."))
    configuration = plugin(settings_for(fake))
    with neovim(project, configuration) as first:
        first.edit(project / "app.py")
        first.type(":Roo Begin something<CR>")
        first.ended()
    with neovim(project, configuration) as second:
        second.type(":Roo tasks<CR>")  # no file is open: the server is started for this
        title = second.asked("Tasks of Roo")["titles"][0]
        assert title.startswith("✓ Begin something · code · ")
        second.pick("Tasks of Roo", title)
        second.pick("Begin something", "Resume: go on where it stopped")
        second.event("agent_message_chunk")
        chat = second.shown("And on.")
        assert "Begin something\n\n## Roo\n\nSo far.\n" in chat
        task_id = second.lua(
            "return vim.b[vim.api.nvim_win_get_buf(require('roo.windows').find('chat'))].roo_task"
        )
        second.ended()
        second.type(f":Roo delete {task_id}<CR>")
        second.until("person.notes[1] == 'The task is deleted.'")
        assert second.request("roo.task.list") == []


def test_a_server_that_is_killed_is_told_of_and_started_again(
    fake: FakeOpenAI, project: Path
) -> None:
    """And at the end a task still runs: leaving Neovim then hangs nowhere, and leaves no process."""
    fake.answers(
        stalled(text("I begin and", pieces=2), after=3),
        stalled(text("Here I am and", pieces=2), after=3),
    )
    with neovim(project, plugin(settings_for(fake))) as it:
        it.edit(project / "app.py")
        it.type(":Roo Hang<CR>")
        it.shown("I begin")
        it.lua("person.may_fail = true")
        it.kill_server()
        note = it.until("person.noted('Roo ended')")
        assert "by signal 9" in note
        assert ":Roo restart" in note
        it.shown("Roo ended. Send a message to go on.")
        it.type(":Roo restart<CR>")
        it.until("person.noted('Roo runs again.')")
        it.type(":Roo send Are you there?<CR>")
        it.shown("Here I am")


def test_a_program_that_is_not_there_is_told_of_with_how_to_install_it(project: Path) -> None:
    with neovim(project, plugin({}, "{ cmd = { 'no-such-roo' } }")) as it:
        it.type(":edit app.py<CR>:Roo Hello<CR>")
        note = it.until("person.notes[1]")
        assert "`no-such-roo` is not there." in note
        assert "uv tool install . (in a clone of roo-lsp)" in note


@pytest.mark.parametrize("manager", ["package", "lazy"])
def test_a_plugin_manager_starts_it_without_any_setup(
    manager: str, project: Path, tmp_path: Path
) -> None:
    """Neovim's own packages, and what lazy.nvim does (`runtimepath`, then `setup` with `opts`)."""
    start = tmp_path / "site" / "pack" / "roo" / "start"
    start.mkdir(parents=True)
    (start / "roo").symlink_to(PLUGIN)
    configurations = {
        "package": f"vim.opt.packpath:prepend('{tmp_path}/site') local configured = {{}}",
        "lazy": f"vim.opt.runtimepath:append('{PLUGIN}') vim.cmd.runtime('plugin/roo.lua')"
        " local configured = {} require('roo').setup(configured)",
    }
    with neovim(project, configurations[manager]) as it:
        it.edit(project / "app.py")
        assert it.lua("return vim.fn.exists(':Roo')") == 2
        assert it.request("roo.status")["mode"] == "code"


def test_two_projects_have_a_server_each_and_files_without_a_type_are_attached(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(text("Done."))
    other = folder.parent / "other"
    (other / ".git").mkdir(parents=True)
    (other / "NOTES").write_text("notes\n", "utf-8")
    editor.edit(other / "NOTES")
    assert editor.lua("return vim.bo.filetype") == ""
    roots = editor.lua(
        "return vim.tbl_map(function(c) return c.root_dir end,"
        " vim.lsp.get_clients({ name = 'roo' }))"
    )
    assert sorted(roots) == sorted([str(folder), str(other)])
    editor.type(":Roo Look around<CR>")
    editor.ended()
    assert editor.request("roo.task.list", {"all": True})[0]["workspace"] == str(other)


def test_a_file_that_is_deleted_beside_the_chat_leaves_its_window_and_quitting_quits(
    fake: FakeOpenAI, editor: Neovim, folder: Path
) -> None:
    fake.answers(text("Hello."))
    editor.type(":Roo Say hello<CR>")
    editor.ended()
    (folder / "two.py").write_text("", "utf-8")
    editor.edit(folder / "two.py")
    editor.type(":bwipeout<CR>")  # Neovim closes its window, although another file is open
    editor.until("vim.fn.expand('%:t') == 'app.py'")
    editor.edit(folder / "app.py")
    assert editor.text == ON_DISK
    editor.shown("Hello.")
    editor.type(":tabnew<CR>:tabprevious<CR>:quit<CR>")  # with it the chat, and so the tab page
    editor.until("#vim.api.nvim_list_tabpages() == 1")


# --- a real model -------------------------------------------------------------------------------


@pytest.mark.timeout(180)
def test_a_real_model_reads_creates_runs_and_finishes(project: Path) -> None:
    try:
        require_installed()
    except LocalModelUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    (project / "README.md").write_text("# Sample\n\nA project with nothing in it.\n", "utf-8")
    with beside(local_model()) as (model, _):
        provider: dict[str, Any] = {
            "baseUrl": model.base_url,
            "modelId": model.model,
            "toolChoice": "required",
            "temperature": 0,
            "extraBody": {"max_tokens": 400},
        }
        with neovim(project, plugin({"provider": provider})) as it:
            it.patience = 120
            it.edit(project / "README.md")
            it.type(f":Roo {TASK}<CR>")
            it.waiting("hello.py")
            it.type(":Roo approve<CR>")
            it.waiting("python3 hello.py")
            it.type(":Roo approve<CR>")
            assert it.ended()["stopReason"] == "end_turn"
            assert (project / "hello.py").read_text("utf-8").strip() == "print('hello')"
            assert "✓ Run python3 hello.py" in it.shown("Done in")
            outputs = [
                str(update.get("content")) + str(update.get("rawOutput"))
                for update in it.updates
                if update["sessionUpdate"] == "tool_call_update"
                and update.get("status") == "completed"
            ]
            assert any("hello\n" in output for output in outputs)
