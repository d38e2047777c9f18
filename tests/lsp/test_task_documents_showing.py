"""What an editor shows of a task document, and the commands that are written in it."""

from pathlib import Path

from lsprotocol import types

from roo_lsp.agent.modes import MODES
from tests.lsp.test_task_documents import (
    START,
    plain,
    quickly,
    settings,
    shows,
    tick,
    write,
    your_turn,
)
from tests.support.editor import HELIX, VSCODE, Buffer, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, spoken, text

__all__ = ["quickly"]


def place(buffer: Buffer, words: str) -> types.Position:
    """Behind these words, the last time they stand there."""
    before = buffer.text[: buffer.text.rindex(words) + len(words)]
    return types.Position(before.count("\n"), len(before) - before.rfind("\n") - 1)


async def completed(it: FakeEditor, buffer: Buffer, words: str) -> dict[str, str]:
    """What is offered behind these words: each label with what is inserted."""
    await it.run("roo.status")
    found = await it.client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(buffer.uri), place(buffer, words))
    )
    assert isinstance(found, types.CompletionList)
    return {
        each.label: each.text_edit.new_text for each in found.items if each.text_edit is not None
    }


async def hovered(it: FakeEditor, buffer: Buffer, words: str) -> str:
    found = await it.client.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(buffer.uri), place(buffer, words))
    )
    assert found is not None
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


async def actions(it: FakeEditor, buffer: Buffer, words: str) -> dict[str, types.CodeAction]:
    await it.run("roo.status")
    here = place(buffer, words)
    found = await it.client.text_document_code_action_async(
        types.CodeActionParams(
            types.TextDocumentIdentifier(buffer.uri),
            types.Range(here, here),
            types.CodeActionContext(diagnostics=[]),
        )
    )
    return {each.title: each for each in found or () if isinstance(each, types.CodeAction)}


async def test_an_empty_document_gets_its_form_when_it_is_saved_first(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.roo.md")
        assert list(await completed(it, buffer, "")) == ["# Task"]
        assert "Start a task here" in await actions(it, buffer, "")
        it.save(buffer)
        await it.until(lambda: buffer.text == START)
        it.save(buffer)
        assert await it.run("roo.task.list") == []


async def test_a_message_without_its_heading_is_not_sent_and_that_is_said(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = write(it, tmp_path / "a.roo.md", "Fix the parser\n")
        it.save(buffer)
        said = "Not sent: a.roo.md has no line `## You`. Write below one."
        await it.until(lambda: said in [each.message for each in it.client.messages])
        assert await it.run("roo.task.list") == []


async def test_paths_commands_and_settings_are_completed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("built/\n")
    (tmp_path / ".rooignore").write_text("secret.txt\n")
    for name in ("src/deep/app.py", "secret.txt", "built/app.js", "my file.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        front = "---\nmode: \nlimits:\n  re\nauto\n---\n"
        buffer = write(it, tmp_path / "a.roo.md", f"{front}{START}Look at @ap and @my\n/m\n/mode a")
        assert list(await completed(it, buffer, "@ap")) == ["src/deep/app.py"]
        assert await completed(it, buffer, "@my") == {"my file.txt": '"my file.txt"'}
        assert {"/mode", "/init"} <= set(await completed(it, buffer, "/m\n"[:2]))
        assert "ask" in await completed(it, buffer, "/mode a")
        assert set(await completed(it, buffer, "mode: ")) == {*MODES}
        assert (await completed(it, buffer, "  re"))["requests"] == "requests: "
        assert (await completed(it, buffer, "\nauto"))["autoApprove"] == "autoApprove:"


async def test_mentions_go_along_as_context_and_wrong_ones_are_told(tmp_path: Path) -> None:
    (tmp_path / ".rooignore").write_text("secret.txt\n")
    (tmp_path / "secret.txt").write_text("x\n")
    (tmp_path / "app.py").write_text("one\ntwo\nthree\n")
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        it.open(tmp_path / "app.py")
        fake.answers(text("Seen."), text("Again."))
        told = "See @app.py:2-3, @secret.txt, @no/such.py and @../x. a@b.c, @property\n"
        buffer = write(it, tmp_path / "a.roo.md", START + told)
        await it.until(lambda: len(it.client.diagnostics.get(buffer.uri, [])) == 3)
        assert "two" in await hovered(it, buffer, "@app.py")
        it.save(buffer)
        await your_turn(it, buffer)
        prompt = spoken(fake.chats[0].json["messages"][-1]["content"])
        words, _, block = prompt.partition("\n\n<mentioned>\n")
        assert words == (
            "See 'app.py' lines 2-3 (see below), 'secret.txt' (see below), @no/such.py and "
            f"'{tmp_path.parent / 'x'}' (see below). a@b.c, @property"
        )
        assert "\n## 'app.py' lines 2-3\napp.py lines 2-3 of 3\n2 | two\n3 | three\n" in block
        assert "secret.txt is refused: .rooignore" in block
        it.type(buffer, buffer.text + "And @app.py\n")
        it.save(buffer)
        await your_turn(it, buffer, 2)
        prompt = spoken(fake.chats[1].json["messages"][-1]["content"])
        assert prompt.startswith("And 'app.py' (see below)\n\n<mentioned>\n")
        assert "1 | one\n2 | two\n3 | three\n</mentioned>" in prompt


async def test_a_question_is_answered_by_a_line_or_by_a_message(tmp_path: Path) -> None:
    ask = {"question": "Which one?", "follow_up": ["The red one", "The blue one"]}
    again = ask | {"question": "Which other one?"}
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        fake.answers(
            call("ask_followup_question", ask), call("ask_followup_question", again), text("Good.")
        )
        buffer = write(it, tmp_path / "a.roo.md", START + "Go\n")
        it.save(buffer)
        await shows(it, buffer, "- [ ] 2. The blue one", "- [ ] other")
        tick(it, buffer, "2.")
        await it.until(lambda: len(it.updates("_question")) == 3)
        await shows(it, buffer, "> The blue one", "- [ ] 2. The blue one")
        it.type(buffer, buffer.text + "## You\n\nNeither\n")
        it.save(buffer)
        shown = await your_turn(it, buffer)
        assert plain(shown).endswith(
            "## Roo\n\n**Roo asks:**\n\nWhich one?\n\n> The blue one\n\n"
            "**Roo asks:**\n\nWhich other one?\n\n## You\n\nNeither\n\n## Roo\n\nGood.\n\n*Done*\n\n## You\n\n"
        )


async def test_commands_are_done_here_and_the_model_does_not_hear_them(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        fake.answers(text("One."), text("Two."))
        buffer = write(it, tmp_path / "a.roo.md", START + "/mode ask\nGo\n")
        it.save(buffer)
        await your_turn(it, buffer)
        assert buffer.text.startswith("---\nmode: ask\ntask: ")
        assert spoken(fake.chats[0].json["messages"][-1]["content"]) == "Go"
        it.type(buffer, buffer.text + "/status\n")
        it.save(buffer)
        await shows(it, buffer, "/status\n\n## Roo\n\n*idle in mode ask")
        await it.until(lambda: buffer.text.endswith("## You\n\n"))
        it.type(buffer, buffer.text + "/stauts\n")
        it.save(buffer)
        await it.until(lambda: any("/status" in each.message for each in it.client.messages))
        it.type(buffer, buffer.text.removesuffix("/stauts\n"))
        first = it.events[0]["taskId"]
        it.type(buffer, buffer.text + "/new\n\nFresh\n")
        it.save(buffer)
        await shows(it, buffer, "Two.")
        assert len(await it.run("roo.task.list")) == 2
        await it.until(lambda: first not in buffer.text)


async def test_turns_and_calls_are_symbols_and_fold_and_a_running_task_can_be_stopped(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        fake.answers(call("execute_command", {"command": "seq 9"}), text("Over."))
        buffer = write(it, tmp_path / "a.roo.md", START + "Count\n")
        assert "Send" in await actions(it, buffer, "Count")
        it.save(buffer)
        await shows(it, buffer, "- [ ] approve: Run seq 9")
        offered = await actions(it, buffer, "- [ ] approve")
        assert {"Approve (Roo): Run seq 9", "Deny (Roo): Run seq 9", "Stop"} <= set(offered)
        assert "seq 9" in await hovered(it, buffer, "- [ ] approve")
        tick(it, buffer, "approve")
        await your_turn(it, buffer)
        found = await it.client.text_document_document_symbol_async(
            types.DocumentSymbolParams(types.TextDocumentIdentifier(buffer.uri))
        )
        assert [each.name for each in found or ()] == ["Count", "(your next message)"]
        folds = await it.client.text_document_folding_range_async(
            types.FoldingRangeParams(types.TextDocumentIdentifier(buffer.uri))
        )
        lines = buffer.text.split("\n")
        shown = [lines[each.start_line] for each in folds or ()]
        assert shown == ["---", "## You", "## Roo", "```text"]
        assert "idle" in await hovered(it, buffer, "## Roo")
        opened = await it.run("roo.task.open")
        assert opened["path"] == str(tmp_path / "a.roo.md")
        assert (await it.run("roo.task.open", {"transcript": True}))["path"] != opened["path"]


async def test_what_a_subtask_asks_is_answered_in_the_document_of_its_task(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        fake.answers(
            call("new_task", {"mode": "code", "message": "Make a.txt"}),
            call("write_to_file", {"path": "a.txt", "content": "a\n"}),
            call("attempt_completion", {"result": "a.txt is there."}),
            text("It is made."),
        )
        buffer = write(it, tmp_path / "t.roo.md", f"{START}Have it made\n")
        it.save(buffer)
        await shows(it, buffer, "Subtask in mode code: Make a.txt", "- [ ] approve")
        tick(it, buffer, "approve")
        await shows(it, buffer, "Create a.txt", "- [ ] approve")
        assert "… Subtask in mode code: Make a.txt" in buffer.text
        tick(it, buffer, "approve")
        shown = await your_turn(it, buffer)
        assert "- ✓ Subtask in mode code: Make a.txt\n\nIt is made." in shown
        assert (tmp_path / "a.txt").read_text("utf-8") == "a\n"
