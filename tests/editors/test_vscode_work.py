"""What a person does while Roo works, in a real VS Code: queue, switches, going back, prompts of before."""

import json
import shutil
from asyncio import Event
from pathlib import Path

import pytest

from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.trust import TrustStore
from tests.editors.vscode import needed, packaged, vscode
from tests.editors.vscode_window import APP, Window, lines
from tests.support.fake_openai import Answer, FakeOpenAI, call, gated, text
from tests.workspace.test_skills import made

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

SKILL = "---\ndescription: Packs things\n---\nWrap it.\n"


async def test_what_is_said_while_roo_works_can_be_changed_dropped_and_comes_back(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    on, never = Event(), Event()
    fake.answers(
        gated(text("I look around.") + call("list_files", {"path": "."}), on, after=2),
        gated(text("As you say, and then", pieces=3), never, after=3),
    )
    await window.task("Look around slowly")
    await editor.sees(".agent", "I look")
    for words in ("the first word", "the second word"):
        await editor.write(words)
        await editor.sees(".queued", words)
    await editor.do(
        """
        const row = view.locator('.queued', {hasText: 'the first word'});
        await row.getByRole('button', {name: 'Edit before Roo reads it'}).click();
        const box = view.getByRole('textbox', {name: 'What Roo is told next'});
        await box.fill('a better word');
        await box.press('Enter');
        """
    )
    await editor.sees(".queued", "a better word")
    await editor.do(
        """
        const row = view.locator('.queued', {hasText: 'the second word'});
        await row.getByRole('button', {name: 'Do not say it'}).click();
        await row.waitFor({state: 'hidden'});
        """
    )
    on.set()
    await editor.sees(".user", "a better word")
    await editor.do("await view.locator('.queued').waitFor({state: 'hidden'})")
    await editor.sees(".agent", "As you say")
    told = json.dumps(fake.chats[-1].json["messages"])
    assert "a better word" in told
    assert "the second word" not in told
    assert "the first word" not in told

    await editor.write("a word that comes too late")
    await editor.sees(".queued", "too late")
    await editor.keys("Escape")
    await editor.sees(".note", "Stopped.")
    await editor.do("await view.locator('.queued').waitFor({state: 'hidden'})")
    assert await editor.draft() == "a word that comes too late"
    await editor.do("await view.locator('textarea').fill('')")


async def test_a_switch_lets_edits_through_until_it_is_off_again(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("write_to_file", {"path": "free.txt", "content": "free\n"}),
        text("Written unasked."),
        call("write_to_file", {"path": "held.txt", "content": "held\n"}),
        text("Not written."),
    )
    await editor.command("Roo: New Task")
    await editor.click(".tools .auto")
    await editor.do("await view.getByRole('checkbox', {name: 'Edit files', exact: true}).check()")
    await editor.sees(".tools .auto.on", "1")
    await window.picture("switches")
    await editor.keys("Escape")
    await window.task("Write without asking")
    await editor.sees(".agent", "Written unasked.")
    assert (window.folder / "free.txt").read_text("utf-8") == "free\n"
    await editor.command("Developer: Reload Webviews")
    await editor.sees(".tools .auto.on", "1")  # it still holds, and says so
    await editor.click(".tools .auto")
    await editor.do("await view.getByRole('checkbox', {name: 'Edit files', exact: true}).uncheck()")
    await editor.keys("Escape")
    await editor.write("And now with asking")
    await editor.sees(".card.permission", "held.txt")
    await editor.press("Deny")
    await editor.sees(".agent", "Not written.")
    assert not (window.folder / "held.txt").exists()


async def test_earlier_prompts_come_back_by_the_arrow_and_what_was_typed_after_them(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("One."), text("Two."))
    for number in ("one", "two"):
        await window.task(f"Prompt number {number}")
        await editor.sees(".agent", f"{number.title()}.")
    await editor.command("Roo: New Task")
    await editor.do("await view.locator('textarea').focus()")
    found = []
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowDown"):
        before = await editor.draft()
        await editor.keys(key)
        await editor.do(
            "await page.waitForFunction(() => true); "
            "for (let i = 0; i < 200 && await view.locator('textarea').inputValue() === given.before; i++)"
            " await view.locator('textarea').evaluate(() => new Promise(requestAnimationFrame));",
            before=before,
        )
        found.append(await editor.draft())
    assert found == ["Prompt number two", "Prompt number one", "Prompt number two", ""]


async def test_a_prompt_is_put_better_where_it_is_written(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("Rename `greet` to `hello` in app.py and wherever it is called."))
    await editor.command("Roo: New Task")
    await editor.do("await view.locator('textarea').fill('rename greet')")
    await editor.press("Put the prompt better")
    await editor.do(
        """
        for (;;) {
          if ((await view.locator('textarea').inputValue()).startsWith('Rename `greet`')) break;
          await view.locator('textarea').evaluate(() => new Promise(requestAnimationFrame));
        }
        """
    )
    await editor.do("await view.locator('textarea').fill('')")


async def test_a_conversation_is_condensed_by_its_button(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        text("A long answer. " + " ".join(map(str, range(9000)))),
        text("A short summary."),
        text("Going on."),
    )
    await window.task("Tell me at length")
    await editor.sees(".agent", "A long answer.")
    await editor.do("await view.locator('.working').waitFor({state: 'hidden'})")
    await editor.press("Condense the conversation")
    await editor.sees(".note", "Condensed the conversation")
    await editor.write("Go on")
    await editor.sees(".agent", "Going on.")
    assert "A short summary." in json.dumps(fake.chats[-1].json["messages"])


async def test_a_checkpoint_shows_what_changed_and_puts_files_and_words_back(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    (window.folder / "app.py").write_text(APP, "utf-8")
    change = "<<<<<<< SEARCH\n    return text\n=======\n    return text.upper()\n>>>>>>> REPLACE\n"
    fake.answers(
        call("apply_diff", {"path": "app.py", "diff": change}),
        text("It shouts now."),
        text("From the beginning, then."),
    )
    await window.task("Make shout shout")
    await editor.sees(".card.permission", "app.py")
    await editor.press("Approve")
    await editor.sees(".agent", "It shouts now.")
    assert "text.upper()" in (window.folder / "app.py").read_text("utf-8")
    await editor.sees(".checkpoint", "Before: Make shout shout")
    await editor.press("What changed since: Before: Make shout shout")
    await window.picture("checkpoint")
    await editor.do("await page.locator('.tab.active').waitFor()")
    await editor.press("Put the files and the conversation back…: Before: Make shout shout")
    await editor.do(
        """
        const dialog = page.locator('.monaco-dialog-box');
        await dialog.locator('a.monaco-button', {hasText: 'Restore'}).click();
        const toast = page.locator('.notification-toast', {hasText: '1 file put back'});
        await toast.filter({hasText: 'Not on disk before you save: app.py'}).waitFor();
        await page.locator('.tab.dirty', {hasText: 'app.py'}).waitFor();
        await toast.locator('a.monaco-button', {hasText: 'Save'}).click();
        await page.locator('.tab:not(.dirty)', {hasText: 'app.py'}).waitFor();
        """
    )
    assert (window.folder / "app.py").read_text("utf-8") == APP
    await editor.write("Begin anew")
    await editor.sees(".agent", "From the beginning, then.")
    assert "It shouts now." not in json.dumps(fake.chats[-1].json["messages"])


async def test_what_was_said_before_is_said_anew_from_there(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("write_to_file", {"path": "wrong.txt", "content": "wrong\n"}),
        text("A wrong file."),
        text("No file at all."),
    )
    await window.task("Write the wrong file")
    await editor.sees(".card.permission", "wrong.txt")
    await editor.press("Approve")
    await editor.sees(".agent", "A wrong file.")
    await editor.do("await view.locator('.working').waitFor({state: 'hidden'})")
    await editor.press("Change this and go on from here")
    assert await editor.draft() == "Write the wrong file"
    await editor.sees(".anew", "In place of what you said before")
    await window.picture("anew")
    await editor.write("Write no file")
    await editor.sees(".agent", "No file at all.")
    assert not (window.folder / "wrong.txt").exists()
    assert "wrong" not in json.dumps(fake.chats[-1].json["messages"])
    await editor.do("await view.locator('.undone .agent').waitFor({state: 'hidden'})")
    await editor.do("await view.locator('.anew').waitFor({state: 'hidden'})")
    await editor.command("Developer: Reload Webviews")  # the story is told anew, and the same
    await editor.sees(".undone summary", "Taken back")
    await editor.sees(".agent", "No file at all.")
    assert await editor.count(".timeline > .user") == 1


async def test_commands_are_offered_and_done_where_one_writes(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("Because."), text("Anew."))
    await editor.command("Roo: New Task")
    await editor.do("await view.locator('textarea').pressSequentially('/mod')")
    await editor.sees("[role=option][aria-selected=true]", "/mode")
    await editor.keys("Enter")
    assert await editor.draft() == "/mode "
    await editor.write("/mode ask Why is it so?")  # as one line
    await editor.sees(".agent", "Because.")
    assert await editor.do("return await view.locator('select').first().inputValue()") == "ask"
    assert fake.chats[-1].json["messages"][-1]["content"].startswith("Why is it so?")
    await editor.write("/quit")
    await editor.sees(".note.failed", "/quit")
    assert await editor.draft() == "/quit"
    await editor.write("/status")
    await editor.do("await page.locator('.notification-toast', {hasText: 'in mode ask'}).waitFor()")
    await editor.write("/new Say it anew")
    await editor.sees(".agent", "Anew.")
    assert await editor.count(".timeline > .user") == 1


async def test_fix_this_is_enough_where_the_cursor_is_on_what_fails(window: Window) -> None:
    editor, fake = window.editor, window.fake
    (window.folder / "sum.js").write_text("const one = 1;\nconst two = one + ;\n", "utf-8")
    fake.answers(call("read_file", {"path": "sum.js"}), text("It lacks a number."), text("I see."))
    await editor.open("sum.js")
    await editor.do(
        """
        await page.locator('.editor-instance .squiggly-error').first().waitFor();
        await page.locator('.editor-instance .view-line', {hasText: 'two'}).click();
        """
    )
    await editor.command("Roo: Show the View")
    await editor.command("Roo: New Task")
    await editor.write("Fix this")
    await editor.sees(".agent", "It lacks a number.")
    assert await editor.text(".user") == "Fix this"
    told = fake.chats[-2].json["messages"][-1]["content"]
    assert told.startswith("Fix this\n\n<editor>\n")
    assert "\nIn focus: sum.js line 2: const two = one + ;\n" in told
    assert "\nline 2: error: Expression expected. (ts 1109)\n" in told
    await editor.do("await page.locator('.editor-instance .view-line', {hasText: 'two'}).click()")
    await editor.keys("End", "ArrowLeft", "2")
    await lines(editor, "one + 2;")
    await editor.command("Roo: Show the View")
    await editor.write("And now?")
    await editor.sees(".agent", "I see.")
    told = fake.chats[-1].json["messages"][-1]["content"]
    assert "-const two = one + ;\n+2 | const two = one + 2;\n" in told


async def test_two_questions_lead_to_the_first_reviewed_change_and_one_to_the_next(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    (window.folder / "app.py").write_text(APP, "utf-8")
    run = call("execute_command", {"command": "python3 app.py"})
    change = "<<<<<<< SEARCH\n    return {}\n=======\n    return {}\n>>>>>>> REPLACE\n"

    def edit(before: str, after: str) -> Answer:
        return call("apply_diff", {"path": "app.py", "diff": change.format(before, after)})

    fake.answers(run, edit("'hello'", "name"), run, text("It says the name."))
    await window.task("Say the name, and try it before and after")
    await editor.sees(".card.permission", "Run python3 app.py")
    await editor.press("Approve")
    await editor.sees(".card.permission", "Edit app.py")
    await editor.press("Approve")
    await editor.sees(".agent", "It says the name.")  # the same command ran again
    assert "you" in window.results()[-1]

    fake.answers(edit("text", "text * 2"), run, text("It shouts twice."))
    await editor.write("And shout twice")
    await editor.sees(".card.permission", "Edit app.py")
    await editor.press("Approve")
    await editor.sees(".agent", "It shouts twice.")


async def test_a_skill_and_a_subtask_go_from_the_key_press_to_the_result(window: Window) -> None:
    editor, fake, folder = window.editor, window.fake, window.folder
    made(folder, {".roo/skills/pack/SKILL.md": SKILL})
    state = window.settings.parents[2] / "roo-state"
    TrustStore(state / "trust.json").trust(folder, instruction_files([folder]))
    fake.answers(
        call("new_task", {"mode": "code", "message": "Make box.txt"}),
        call("write_to_file", {"path": "box.txt", "content": "box\n"}),
        call("attempt_completion", {"result": "The box is there."}),
        text("All is packed."),
    )
    await editor.command("Roo: New Task")
    await editor.do("await view.locator('textarea').pressSequentially('/pac')")
    await editor.sees("[role=option][aria-selected=true]", "Packs things")
    await editor.keys("Enter")
    assert await editor.draft() == "/pack "
    await editor.do("await view.locator('textarea').pressSequentially('app.py')")
    await editor.keys("Enter")
    await editor.sees(".card.permission", "Subtask in mode code: Make box.txt")
    said = fake.chats[-1].json["messages"][-1]["content"]
    assert said.startswith("/pack app.py\n\n")
    assert "Skill: pack\nArguments: app.py\n" in said
    await editor.press("Approve")

    await editor.sees(".note", "Make box.txt · waiting")
    await editor.sees(".elsewhere", "Make box.txt waits for you")
    await editor.click(".elsewhere button", "Go to it")
    await editor.sees(".user", "Make box.txt")
    await editor.sees(".card.permission", "Create box.txt")
    assert not (folder / "box.txt").exists()
    await editor.press("Approve")
    await editor.sees(".agent", "The box is there.")
    assert (folder / "box.txt").read_text("utf-8") == "box\n"
    await editor.do(
        """
        const pane = page.locator('.pane', {has: page.locator('.title', {hasText: /^Tasks$/})});
        const header = pane.locator('.pane-header');
        if (await header.getAttribute('aria-expanded') !== 'true') await header.click();
        await pane.locator('.monaco-list-row', {hasText: '/pack app.py'}).click();
        await header.click();  // the view of the task has its room again
        """
    )
    await editor.sees(".agent", "All is packed.")
    await editor.sees(".note", "Make box.txt · idle")
    assert await editor.count(".elsewhere") == 0
    assert window.results()[-1].endswith(" completed.\n\nResult:\nThe box is there.")
    shutil.rmtree(folder / ".roo")


# --- several folders ----------------------------------------------------------------------------


async def test_in_a_window_of_several_folders_each_file_is_named_with_its_folder(
    tmp_path: Path,
) -> None:
    needed()
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.py").write_text(f"# {folder}\n", "utf-8")
    workspace = tmp_path / "both.code-workspace"
    folders = [{"path": "first"}, {"path": "second"}]
    workspace.write_text(json.dumps({"folders": folders}), "utf-8")
    extensions = await packaged(tmp_path)
    async with FakeOpenAI() as fake:
        settings = {"roo.provider.baseUrl": fake.base_url, "roo.provider.modelId": "scripted"}
        async with vscode(workspace, extensions, settings) as editor:
            await editor.ready()
            fake.answers(
                call("write_to_file", {"path": "second/new.py", "content": "new\n"}),
                text("It is in [the second](second/new.py)."),
            )
            await editor.do("await view.locator('textarea').pressSequentially('like @app')")
            await editor.sees("[role=option]", "second/app.py")
            await editor.sees("[role=option]", "first/app.py")
            await editor.keys("Escape")
            await editor.write("Write a new file into the second folder")
            await editor.sees(".card.permission", "second/new.py")
            await editor.press("Approve")
            await editor.sees(".agent", "It is in the second.")
            await editor.sees(".changes", "second/new.py")
            await editor.click(".agent a, .agent button", "the second")
            await editor.do("await page.locator('.tab.active', {hasText: 'new.py'}).waitFor()")
            assert (tmp_path / "second" / "new.py").read_text("utf-8") == "new\n"
            assert not (tmp_path / "first" / "second").exists()
