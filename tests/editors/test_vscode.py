"""The extension in a real VS Code: what a person there does and sees."""

import json
import shutil
from asyncio import Event
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.settings_sources import Source, effective
from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.trust import TrustStore
from tests.editors.vscode import EXTENSION, ROO, needed, run
from tests.editors.vscode_window import (
    APP,
    Window,
    lens,
    lines,
    status,
    tab,
    widen,
)
from tests.support.fake_openai import call, gated, reasoning, text

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

KEY = "sk-canary-0123456789abcdef"

CHANGE = """\
<<<<<<< SEARCH
    return 'hello'
=======
    return f'Hello, {name}!'
>>>>>>> REPLACE
<<<<<<< SEARCH
    return text
=======
    return text.upper()
>>>>>>> REPLACE
"""
DOT = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJg"
    "gg=="
)
"""A PNG of one red pixel."""
# --- in the window ------------------------------------------------------------------------------


async def test_a_task_from_the_first_key_to_the_reviewed_and_saved_file(window: Window) -> None:
    editor, fake = window.editor, window.fake
    on = Event()
    fake.answers(
        reasoning("A friendlier greeting is wanted. First I look at the file.")
        + text("I'll look at **app.py** first.")
        + call("read_file", {"path": "app.py"}),
        call(
            "update_todo_list",
            {"todos": "[x] Read app.py\n[-] Change both functions\n[ ] Try it"},
        ),
        gated(
            text(
                "Two places need a change:\n\n1. `greet` ignores its name\n2. `shout` is quiet\n\n"
            )
            + text("The rest can stay.")
            + call("apply_diff", {"path": "app.py", "diff": CHANGE}, pieces=5),
            on,
            after=2,
        ),
        call("execute_command", {"command": "python3 app.py"}),
        call("attempt_completion", {"result": "`greet` uses the name, and `shout` shouts."}),
    )
    await widen(editor)
    await editor.open("app.py")
    await window.task("Greet people by their name, and make shout shout")

    # It streams: the first words are there while the answer is held back.
    await editor.sees(".user", "Greet people by their name")
    await editor.sees(".markdown li", "shout is quiet")
    await editor.sees(".plan", "1 of 3 done")
    await window.picture("streaming")
    on.set()

    await editor.sees(".card.permission", "Edit app.py")
    await editor.sees(".card .line.added", "return text.upper()")
    await status(editor, "Roo waits for you")
    await window.picture("approval")
    await editor.press("Show diff of app.py")
    await tab(editor, "app.py (Roo's change)")
    await lines(editor, "return text.upper()")
    assert (window.folder / "app.py").read_text("utf-8") == APP
    await editor.command("View: Close Editor")
    await tab(editor, "app.py")
    await editor.click(".card button.primary", "Approve")

    await editor.sees(".card.permission", "Run python3 app.py")
    await lines(editor, "return text.upper()")
    await editor.click(".card button.primary", "Approve")
    await editor.sees(".result", "uses the name")
    assert "Hello, you!" in window.results()[-1]  # it was saved before the command ran

    await editor.sees(".changes", "1 file")
    await lens(editor, "Keep", 2)
    await editor.press("Review")  # the lines of before, and the same lenses
    await tab(editor, "app.py (changed by Roo)")
    await editor.do(
        "await page.locator('.monaco-diff-editor .codelens-decoration a').first().waitFor()"
    )
    await lines(editor, "return 'hello'")
    await window.picture("review")
    await editor.command("View: Close Editor")
    await lens(editor, "Keep", 2)
    await editor.do(
        "await page.locator('.codelens-decoration a', {hasText: 'Keep'}).first().click()"
    )
    await lens(editor, "Keep", 1)
    await editor.do(
        "await page.locator('.codelens-decoration a', {hasText: 'Revert'}).first().click()"
    )
    await lens(editor, "Keep", 0)
    await editor.do("await view.locator('.changes').waitFor({state: 'hidden'})")
    await editor.do("await page.locator('.tab.active.dirty').waitFor()")
    await editor.command("File: Save")
    await editor.do("await page.locator('.tab.active:not(.dirty)').waitFor()")
    greeted = APP.replace("return 'hello'", "return f'Hello, {name}!'")
    assert (window.folder / "app.py").read_text("utf-8") == greeted


async def test_the_view_looks_right_in_a_light_theme_too(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("ask_followup_question", {
            "question": "Which greeting should it be?",
            "follow_up": [{"text": "Good day"}, {"text": "Hi"}],
        }),
        text("**Hi** it is."),
    )  # fmt: skip
    window.configure(**{"workbench.colorTheme": "Default Light Modern"})
    await editor.do("await page.locator('.monaco-workbench.vs').waitFor()")
    await window.task("Change the greeting once more")
    await editor.sees(".card.question", "Which greeting")
    await window.picture("question-light")
    await editor.click(".card.question button", "Hi")
    await editor.sees(".agent strong", "Hi")
    assert "Hi" in window.results()[-1]
    window.configure(**{"workbench.colorTheme": "Default Dark Modern"})
    await editor.do("await page.locator('.monaco-workbench.vs-dark').waitFor()")


async def test_an_approval_is_a_notification_while_nobody_sees_the_view(window: Window) -> None:
    editor, fake = window.editor, window.fake
    hidden = Event()
    fake.answers(
        gated(call("write_to_file", {"path": "new.txt", "content": "new\n"}), hidden, after=1),
        text("Written."),
    )
    await window.task("Write a file")
    await editor.sees(".user", "Write a file")
    await editor.command("View: Show Explorer")
    await editor.do("await page.locator('.explorer-viewlet').waitFor()")
    hidden.set()
    await editor.do(
        """
        const toast = page.locator('.notification-toast', {hasText: 'new.txt'});
        await toast.locator('a', {hasText: 'Approve'}).click();
        await toast.waitFor({state: 'hidden'});
        """
    )
    await editor.command("Roo: Show the View")
    await editor.sees(".agent", "Written.")
    assert (window.folder / "new.txt").read_text("utf-8") == "new\n"


async def test_a_denial_with_a_word_reaches_the_model(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(call("execute_command", {"command": "touch gone.txt"}), text("As you say."))
    await window.task("Touch a file")
    await editor.sees(".card.permission", "touch gone.txt")
    await editor.do("await view.locator('.card .feedback').fill('not in this folder')")
    await editor.do("await view.getByRole('button', {name: 'Deny', exact: true}).click()")
    await editor.sees(".call.denied", "touch gone.txt")
    await editor.sees(".agent", "As you say.")
    assert "not in this folder" in window.results()[-1]
    assert not (window.folder / "gone.txt").exists()


async def test_the_agent_finds_a_definition_by_the_editors_other_servers(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("find_definition", {"path": "use.js", "line": 3, "symbol": "area"}), text("There.")
    )
    await window.task("Where is area made?")
    await editor.sees(".agent", "There.")
    assert "area.js" in window.results()[-1], window.results()


async def test_a_long_answer_streams_to_its_end_and_its_markup_stays_text(window: Window) -> None:
    editor, fake = window.editor, window.fake
    evil = "<img src=x onerror=alert(1)> ![pixel](https://evil.example/p.png) [a](command:evil)\n\n"
    words = " ".join(f"word{number}" for number in range(20_000))
    fake.answers(text(evil + words, pieces=20_000) + text("\n\nThe end."))
    await window.task("Tell me much")
    await editor.sees(".agent p", "The end.")
    assert "word19999" in await editor.do(
        "return await view.locator('.timeline').evaluate((it) => it.textContent)"
    )
    unsafe = "return await view.locator('img, iframe, a[href], .timeline script').count()"
    assert await editor.do(unsafe) == 0
    await editor.sees(".agent p", "<img src=x onerror=alert(1)> [image: pixel]")


async def test_a_task_of_before_is_shown_again_as_it_was(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("The answer that is **kept**."))
    await window.task("Say what I can read later")
    await editor.sees(".agent strong", "kept")
    await editor.command("Roo: New Task")
    await editor.sees(".welcome h1", "What should Roo do?")
    await editor.do(
        """
        const pane = page.locator('.pane', {has: page.locator('.title', {hasText: /^Tasks$/})});
        const header = pane.locator('.pane-header');
        if (await header.getAttribute('aria-expanded') !== 'true') await header.click();
        await pane.locator('.monaco-list-row', {hasText: 'Say what I can read later'}).click();
        await header.click();  // the view of the task has its room again
        """
    )
    await editor.sees(".user", "Say what I can read later")
    await editor.sees(".agent strong", "kept")
    await editor.command("Roo: New Task")
    await editor.command("Roo: Search Tasks…")
    await editor.do(
        """
        const box = page.locator('.quick-input-widget');
        await box.locator('.monaco-list-row').nth(1).waitFor();
        """
    )
    await window.picture("history")
    await editor.do(
        """
        const box = page.locator('.quick-input-widget');
        await box.locator('input.input').fill('read later');
        await box.locator('.monaco-list-row', {hasText: 'Say what I can read later'}).click();
        """
    )
    await editor.sees(".agent strong", "kept")


async def test_a_stored_key_reaches_its_endpoint_and_no_file(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("With a key."))
    await editor.command("Roo: Set API Key…")
    await editor.answer_box("The endpoint that the key is for.", fake.base_url)
    await editor.answer_box(f"The key for {fake.origin}.", KEY)
    await editor.do(
        """
        // The server has been started anew by then.
        await page.locator('.notification-toast', {hasText: 'is stored.'}).waitFor();
        await view.locator('.composer:not(.off)').waitFor();
        """
    )
    await window.task("Use the key")
    await editor.sees(".agent", "With a key.")
    assert fake.chats[-1].headers["authorization"] == f"Bearer {KEY}"
    assert found(KEY, window.folder.parent) == []
    others = [each for each in fake.chats[:-1] if "authorization" in each.headers]
    assert others == []


async def test_a_server_that_is_not_there_is_told_with_the_way_to_the_setting(
    window: Window,
) -> None:
    editor = window.editor
    there = json.loads(window.settings.read_text("utf-8"))["roo.server.path"]
    window.configure(**{"roo.server.path": "/nowhere/roo-lsp"})
    await editor.do(
        """
        await page.locator('.notification-toast', {hasText: '/nowhere/roo-lsp'})
          .locator('.monaco-button', {hasText: 'Open Setting'}).click();
        await page.locator('.settings-editor .suggest-input-container',
          {hasText: 'roo.server.path'}).waitFor();
        await page.keyboard.press('Escape');
        await page.locator('.settings-editor').waitFor({state: 'hidden'});
        """
    )
    await editor.command("Roo: New Task")
    await editor.sees(".error", "names no program: /nowhere/roo-lsp")
    window.configure(**{"roo.server.path": there})
    await editor.do("await view.locator('.composer:not(.off)').waitFor()")


# --- what waits ---------------------------------------------------------------------------------


async def test_what_waits_in_another_task_says_whose_it_is_and_leads_there(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("execute_command", {"command": "touch first"}),
        call("execute_command", {"command": "touch second"}),
        text("Both are settled."),
        text("Both are settled."),
    )
    await window.task("The first of two")
    await editor.sees(".card.permission", "touch first")
    await window.task("The second of two")
    await editor.sees(".card.permission", "touch second")
    await editor.sees(".elsewhere", "The first of two waits for you")
    assert await editor.count(".card.permission") == 1
    await editor.press("Go to it")
    await editor.sees(".card.permission", "touch first")
    await editor.sees(".elsewhere", "The second of two")
    await editor.keys("Control+Alt+N")  # answers what is drawn whole, not the other one
    await editor.sees(".call.denied", "touch first")
    await editor.press("Go to it")
    await editor.sees(".card.permission", "touch second")
    await editor.press("Deny")
    await editor.sees(".call.denied", "touch second")
    await editor.sees(".agent", "Both are settled.")


async def test_always_names_its_reach_on_the_button_and_only_one_button_stands_out(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("write_to_file", {"path": "a.txt", "content": "a\n"}),
        call("write_to_file", {"path": "b.txt", "content": "b\n"}),
        text("Two files."),
    )
    await window.task("Write two files")
    await editor.sees(".card.permission", "a.txt")
    await editor.sees(".card .buttons > button:has(.reach)", "edits of files in this workspace")
    always = await editor.text(".card .buttons > button:has(.reach)")
    assert always.startswith("Always approve\nedits of files in this workspace"), always
    assert await editor.count(".card button.primary") == 1
    await editor.click(".card button", "Always approve")
    await editor.sees(".agent", "Two files.")
    assert (window.folder / "b.txt").read_text("utf-8") == "b\n"


async def test_what_waits_can_be_answered_by_keys_alone_and_escape_stops_it(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(
        call("execute_command", {"command": "echo keys"}),
        call("execute_command", {"command": "touch never"}),
    )
    await window.task("Run two commands")
    await editor.sees(".card.permission", "echo keys")
    await editor.command("Roo: Show the View")
    await editor.do(
        """
        await view.locator('textarea:focus').waitFor();
        for (let presses = 0; presses < 20; presses++) {
          await page.keyboard.press('Shift+Tab');
          if (await view.locator('button.primary:focus').count()) break;
        }
        await view.locator('button.primary:focus').waitFor();
        """
    )
    await editor.keys("Enter")
    await editor.sees(".card.permission", "touch never")
    await editor.command("Roo: Show the View")
    await editor.do("await view.locator('textarea:focus').waitFor()")
    await editor.keys("Escape")
    await editor.sees(".note", "Stopped.")
    await editor.do("await view.locator('.card').waitFor({state: 'hidden'})")
    assert not (window.folder / "never").exists()


# --- a server that ends, settings that change ------------------------------------------------------


async def test_a_killed_server_is_started_again_and_the_task_can_be_resumed(window: Window) -> None:
    editor, fake = window.editor, window.fake
    held = gated(text("I think about it", pieces=4), Event(), after=3)
    fake.answers(held, text("Here I am again."))
    await window.task("Think for long")
    await editor.sees(".agent", "I think")
    await editor.do("await view.locator('textarea').fill('typed meanwhile')")
    window.kill_server()
    await editor.sees(".note", "started again. This task was interrupted.")
    await editor.do("await view.locator('.working').waitFor({state: 'hidden'})")
    assert await editor.draft() == "typed meanwhile"
    await editor.press("Resume")
    await editor.sees(".agent", "Here I am again.")
    await editor.do("await view.locator('textarea').fill('')")


async def test_the_model_that_is_shown_is_the_one_that_was_chosen_last(window: Window) -> None:
    editor = window.editor
    for model in ("one", "another", "scripted"):
        window.configure(**{"roo.provider.modelId": model})
        await editor.do(
            "await view.locator('.tools .model', {hasText: given.exactly}).waitFor()", exactly=model
        )
        await status(editor, model)


async def test_set_up_asks_for_the_place_its_key_and_a_model_and_no_more(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.models = ("another", "scripted")
    window.configure(**{"roo.provider.baseUrl": "", "roo.provider.modelId": ""})
    await editor.command("Roo: New Task")
    await editor.sees(".endpoint", "No endpoint is set, and no model server was found")
    await editor.click(".welcome button.primary", "Set Up…")
    await editor.pick("Another address…")
    await editor.answer_box("The address of the endpoint", fake.base_url)
    await editor.answer_box(f"The key for {fake.origin}.", "")
    await editor.pick("scripted")
    await editor.sees(".endpoint", f"scripted at {fake.base_url}")


async def test_the_settings_open_where_they_are_of_the_machine_that_runs_roo(
    window: Window,
) -> None:
    editor = window.editor
    await editor.command("Roo: Open Settings")
    await editor.do(
        """
        await page.locator('.settings-editor .action-label.checked', {hasText: 'Remote'}).waitFor();
        await page.locator('.settings-editor .setting-item-label', {hasText: 'Base Url'}).waitFor();
        """
    )
    await window.picture("settings")
    await editor.keys("Escape")
    await editor.do("await page.locator('.settings-editor').waitFor({state: 'hidden'})")


async def test_a_question_is_a_notification_and_counts_while_nobody_sees_the_view(
    window: Window,
) -> None:
    editor, fake = window.editor, window.fake
    hidden = Event()
    fake.answers(
        gated(call("ask_followup_question", {
            "question": "Which [one](command:rooLsp.approve)?",
            "follow_up": [{"text": "This one"}, {"text": "That one"}],
        }), hidden, after=1),
        text("This one, then."),
    )  # fmt: skip
    await window.task("Ask me while I look away")
    await editor.sees(".user", "Ask me while I look away")
    await editor.command("View: Show Explorer")
    await editor.do("await page.locator('.explorer-viewlet').waitFor()")
    hidden.set()
    await editor.do(
        """
        const toast = page.locator('.notification-toast', {hasText: 'Roo asks: Which'});
        await toast.waitFor();
        await page.locator('.activitybar .badge-content', {hasText: '1'}).first().waitFor();
        const links = await toast.locator('a').allInnerTexts();
        if (links.includes('one')) throw new Error('the words of the model made a link');
        await toast.locator('a', {hasText: 'This one'}).click();
        await toast.waitFor({state: 'hidden'});
        """
    )
    await editor.command("Roo: Show the View")
    await editor.sees(".agent", "This one, then.")
    assert "This one" in window.results()[-1]


# --- writing ------------------------------------------------------------------------------------


async def test_a_file_is_offered_after_an_at_sign_taken_by_keys_and_goes_along(
    window: Window,
) -> None:
    editor = window.editor
    await editor.command("Roo: New Task")
    await editor.do("await view.locator('textarea').pressSequentially('see @ar')")
    await editor.sees("[role=option][aria-selected=true]", "area.js")
    active = await editor.do(
        "return await view.locator('textarea').getAttribute('aria-activedescendant')"
    )
    assert active == await editor.do(
        "return await view.locator('[aria-selected=true]').getAttribute('id')"
    )
    await editor.keys("Enter")
    assert await editor.draft() == "see @area.js "
    await editor.do("await view.locator('textarea').pressSequentially('and @prob')")
    await editor.sees("[role=option][aria-selected=true]", "@problems")
    await editor.keys("Enter")
    assert await editor.draft() == "see @area.js and @problems "
    window.fake.answers(text("It is an area."))
    await editor.keys("Enter")
    await editor.sees(".agent", "It is an area.")
    await editor.sees(".user", "see @area.js and @problems")
    told = str(window.fake.chats[-1].json["messages"][-1]["content"])
    assert told.startswith("see 'area.js' (see below) and the workspace's problems (see below)")
    assert "## 'area.js'\narea.js lines 1-" in told


async def test_a_command_of_a_file_is_offered_behind_a_slash_and_goes_along(
    window: Window,
) -> None:
    editor = window.editor
    file = window.folder / ".roo/commands/ship.md"
    file.parent.mkdir(parents=True)
    file.write_text("---\ndescription: Ships it\n---\nShip it to $1.", "utf-8")
    state = window.settings.parents[2] / "roo-state"
    TrustStore(state / "trust.json").trust(window.folder, instruction_files([window.folder]))
    await editor.command("Roo: New Task")
    await editor.do("await view.locator('textarea').pressSequentially('/shi')")
    await editor.sees("[role=option][aria-selected=true]", "Ships it")
    await editor.keys("Enter")
    assert await editor.draft() == "/ship "
    await editor.do("await view.locator('textarea').pressSequentially('Rome')")
    window.fake.answers(text("Shipped."))
    await editor.keys("Enter")
    await editor.sees(".agent", "Shipped.")
    told = str(window.fake.chats[-1].json["messages"][-1]["content"])
    assert told.startswith('/ship Rome\n\n<command name="ship" from=".roo/commands/ship.md">')
    shutil.rmtree(window.folder / ".roo")


async def test_an_image_that_is_pasted_goes_with_the_message(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("A red dot."))
    await editor.command("Roo: New Task")
    await editor.do(
        """
        await view.locator('textarea').evaluate((box, png) => {
          const bytes = Uint8Array.from(atob(png), (each) => each.charCodeAt(0));
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([bytes], 'dot.png', {type: 'image/png'}));
          box.dispatchEvent(new ClipboardEvent('paste', {clipboardData, cancelable: true}));
        }, given.png);
        """,
        png=DOT,
    )
    await editor.sees(".composer .chip", "dot.png")
    await editor.write("What is this?")
    await editor.sees(".agent", "A red dot.")
    await editor.do("await view.locator('.composer .chip').waitFor({state: 'hidden'})")
    parts = fake.chats[-1].json["messages"][-1]["content"]
    assert DOT in json.dumps(parts)


# --- every state of the view ----------------------------------------------------------------------

OPENED = {
    "what was taken back": "await view.locator('.undone summary').click()",
    "switches": "await view.locator('.tools .auto').click()",
    "an earlier message": """
        await view.getByRole('button', {name: 'Change this and go on from here'}).last().click();
        await view.locator('.anew').waitFor();
        """,
    "suggestions": """
        await view.locator('textarea').pressSequentially('@a');
        await view.locator('[role=option]').first().waitFor();
        """,
}
"""What a person opens in the view, by what they do."""


async def test_every_state_of_the_view_is_accessible_in_each_theme(window: Window) -> None:
    editor = window.editor
    states = await all_states()
    await editor.command("Roo: New Task")
    wrong: dict[str, list[str]] = {}
    colours = ("color-contrast", "link-in-text-block")
    for theme, kind, rules in (
        ("Default Light Modern", "vscode-light", colours),
        ("Default High Contrast", "vscode-high-contrast", colours),
        ("Default Dark Modern", "vscode-dark", ()),  # what is no matter of colours, too
    ):
        window.configure(**{"workbench.colorTheme": theme})
        await editor.do("await view.locator(`body.${given.kind}`).waitFor()", kind=kind)
        for name, messages in states.items():
            await editor.show(messages)
            if found := await editor.violations(*rules):
                wrong[f"{theme}: {name}"] = found
        for name, opens in OPENED.items():
            await editor.show(states["rewound"])
            await editor.do(opens)
            if found := await editor.violations(*rules):
                wrong[f"{theme}: {name}"] = found
            await editor.do("await view.locator('textarea').fill('')")
    await editor.command("Developer: Reload Webviews")
    await editor.sees(".composer:not(.off)")
    assert wrong == {}


@pytest.mark.parametrize(
    ("size", "least"), [((1280, 800), 5), ((853, 533), 5), ((640, 460), 3)], ids=str
)
async def test_a_waiting_change_its_buttons_and_the_composer_are_seen_in_small_windows_too(
    window: Window, size: tuple[int, int], least: int
) -> None:
    editor = window.editor
    states = await all_states()
    await editor.size(*size)
    await editor.show(states["edit-long"])
    seen = await editor.do(
        """
        return await view.locator('body').evaluate(() => {
          const box = (it) => document.querySelector(it).getBoundingClientRect();
          const [buttons, story, composer] = ['.card .buttons', 'main', '.composer'].map(box);
          const lines = [...document.querySelectorAll('.card .line')].filter((each) => {
            const { top, bottom } = each.getBoundingClientRect();
            return top >= story.top && bottom <= buttons.top;
          });
          return {
            lines: lines.length,
            buttons: buttons.bottom <= story.bottom + 1 && buttons.top >= story.top,
            composer: composer.bottom <= innerHeight + 1 && composer.top >= story.bottom - 1,
          };
        });
        """
    )
    await editor.size(1280, 800)
    await editor.command("Developer: Reload Webviews")
    await editor.sees(".composer:not(.off)")
    assert seen["lines"] >= least, seen
    assert seen["buttons"], seen
    assert seen["composer"], seen


# --- the last one in this window: it is another one afterwards -----------------------------------


async def test_a_window_that_is_loaded_anew_has_the_draft_and_the_task(window: Window) -> None:
    editor, fake = window.editor, window.fake
    fake.answers(text("What was **said** before."))
    await window.task("Say something that stays")
    await editor.sees(".agent strong", "said")
    await editor.do("await view.locator('textarea').fill('half a thou')")
    await editor.do("await view.locator('textarea').press('g')")
    await editor.reload()
    await editor.sees(".user", "Say something that stays")
    await editor.sees(".agent strong", "said")
    assert await editor.draft() == "half a thoug"
    await editor.do("await view.locator('textarea').fill('')")


# --- the package --------------------------------------------------------------------------------


async def test_the_parts_without_an_editor_do_what_they_say() -> None:
    needed()
    await run("npm", "test", "--silent", cwd=EXTENSION)


async def test_the_extension_holds_its_own_checks() -> None:
    needed()
    await run("npm", "run", "--silent", "check", cwd=EXTENSION)


async def test_the_settings_page_is_what_the_schema_says() -> None:
    needed()
    schema = await run(ROO, "settings", "schema")
    await run("node", "scripts/settings.mjs", "--check", cwd=EXTENSION, given=schema)


LOOSEST = {
    "autoApprove": dict.fromkeys(
        (
            *("readOutside", "edit", "editOutside", "editProtected", "execute"),
            *("mcp", "mode", "subtask", "fetch"),
        ),
        True,
    ),
    "allowedCommands": ["rm"],
    "deniedCommands": [],
    "limits": {"mistakes": 0},
    "commands": {"shell": "/bin/sh", "env": {"A": "b"}, "network": True, "sandbox": "off"},
    "mcpServers": {"evil": {"command": "evil"}},
    "customModes": [{"slug": "evil"}],
    "provider": {
        "proxy": "http://evil.example",
        "tls": {"verify": False},
        "apiKeyEnv": "OTHER",
        "apiKeyCommand": ["evil"],
    },
    "profiles": {"p": {"provider": {"apiKeyEnv": "OTHER"}}},
}


async def test_no_workspace_can_set_what_lets_roo_do_more() -> None:
    users = Source("settings.json", {"deniedCommands": ["rm"]})
    held = effective([users, Source("editor", LOOSEST, trusted=False)]).held
    scopes = {
        name: field["scope"]
        for page in manifest()["contributes"]["configuration"]
        for name, field in page["properties"].items()
    }
    assert len(held) >= 18
    for each in held:
        owners = [name for name in scopes if name == each.path or each.path.startswith(f"{name}.")]
        owners += [name for name in scopes if name.startswith(f"{each.path}.")]
        assert {scopes[name] for name in owners} == {"machine"}, each.path
    assert "roo.provider.apiKey" not in scopes


async def test_no_address_of_a_registry_is_in_the_lock_file() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text("utf-8"))
    assert [name for name, part in lock["packages"].items() if "resolved" in part] == []


# --- helpers ------------------------------------------------------------------------------------


def manifest() -> dict:  # type: ignore[type-arg]
    return json.loads((EXTENSION / "package.json").read_text("utf-8"))


async def all_states() -> dict[str, list[dict[str, Any]]]:
    """What the view is told in each of its states, by the state's name."""
    await run("npm", "run", "--silent", "states", cwd=EXTENSION)
    script = "JSON.stringify(require('./dist/test/states.cjs').states)"
    return json.loads(await run("node", "-p", script, cwd=EXTENSION))


def found(secret: str, folder: Path) -> list[Path]:
    """The files that hold these bytes."""
    files = [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]
    return [each for each in files if secret.encode() in each.read_bytes()]
