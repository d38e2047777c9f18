"""Code actions on any document: what is offered where, and what the model is asked when one is run."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from roo_lsp.tasks.mentions import mentions_in
from tests.support.editor import (
    EMACS,
    HELIX,
    HELIX_OLD,
    NEOVIM,
    PERSONAS,
    VSCODE,
    Buffer,
    FakeEditor,
    Persona,
    editor,
)
from tests.support.fake_openai import FakeOpenAI, call, spoken, text

CODE = "import os\n\n# add retries\n# with jitter\ndef fetch():\n    return os.get()\n\nfetch()\n"
UNSAVED = CODE.replace("os.get()", "os.unsaved()")
EVERYWHERE = pytest.mark.parametrize("persona", PERSONAS, ids=lambda each: each.name)


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


def lines(first: int, last: int | None = None) -> types.Range:
    """A cursor at the start of a line, or whole lines; counted as people do."""
    if last is None:
        return types.Range(types.Position(first - 1, 0), types.Position(first - 1, 0))
    return types.Range(types.Position(first - 1, 0), types.Position(last, 0))


def problem(line: int, message: str, source: str = "pyright") -> types.Diagnostic:
    place = types.Range(types.Position(line - 1, 4), types.Position(line - 1, 9))
    return types.Diagnostic(place, message, types.DiagnosticSeverity.Error, source=source)


async def offered(
    it: FakeEditor,
    buffer: Buffer,
    place: types.Range,
    problems: Sequence[types.Diagnostic] = (),
    only: Sequence[types.CodeActionKind | str] | None = None,
    trigger: types.CodeActionTriggerKind | None = None,
) -> dict[str, types.CodeAction]:
    await it.run("roo.status")  # the server is all there
    context = types.CodeActionContext(list(problems), only=only, trigger_kind=trigger)
    found = await it.client.text_document_code_action_async(
        types.CodeActionParams(types.TextDocumentIdentifier(buffer.uri), place, context)
    )
    actions: dict[str, types.CodeAction] = {}
    for each in found or ():
        assert isinstance(each, types.CodeAction)
        actions[each.title] = each
    return actions


async def pick(it: FakeEditor, action: types.CodeAction | types.Command) -> Any:
    command = action.command if isinstance(action, types.CodeAction) else action
    assert isinstance(command, types.Command)
    return await it.run(command.command, *(command.arguments or ()))


def prompt(fake: FakeOpenAI) -> str:
    content = spoken(fake.chats[0].json["messages"][-1]["content"])
    assert isinstance(content, str)
    return content


def tools(fake: FakeOpenAI) -> set[str]:
    return {each["function"]["name"] for each in fake.chats[0].json["tools"]}


async def test_the_titles_say_what_each_would_take(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        assert list(await offered(it, buffer, lines(5))) == [
            "Roo: Explain lines 3-6",
            "Roo: Fix lines 3-6",
            "Roo: Improve lines 3-6",
            "Roo: Ask about lines 3-6…",
        ]
        assert list(await offered(it, buffer, lines(3), [problem(5, "a"), problem(6, "b")])) == [
            "Roo: Fix 2 problems here",
            "Roo: Explain lines 3-6",
            "Roo: Improve lines 3-6",
            "Roo: Ask about lines 3-6…",
            "Roo: Run this comment as a task",
        ]
        assert next(iter(await offered(it, buffer, lines(2)))) == "Roo: Explain this file"
        assert next(iter(await offered(it, buffer, lines(8)))) == "Roo: Explain line 8"
        assert next(iter(await offered(it, buffer, lines(5, 6)))) == "Roo: Explain lines 5-6"
        assert next(iter(await offered(it, buffer, lines(99)))) == "Roo: Explain this file"


@pytest.mark.parametrize(
    ("start", "end"), [((4, 0), (4, 1)), ((4, 12), (5, 0)), ((4, 11), (4, 12))]
)
async def test_one_selected_character_is_a_cursor(
    start: tuple[int, int], end: tuple[int, int], tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        place = types.Range(types.Position(*start), types.Position(*end))
        assert "Roo: Explain lines 3-6" in await offered(it, buffer, place)


async def test_a_wide_character_under_the_cursor_is_one_in_each_encoding(tmp_path: Path) -> None:
    for persona, units in ((NEOVIM, 4), (VSCODE, 2), (EMACS, 1)):
        async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
            buffer = it.open(tmp_path / "a.py", "a = 1\n🚀🚀\n")
            place = types.Range(types.Position(1, 0), types.Position(1, units))
            assert "Roo: Explain lines 1-2" in await offered(it, buffer, place)
            place = types.Range(types.Position(1, 0), types.Position(1, 2 * units))
            assert "Roo: Explain line 2" in await offered(it, buffer, place)


async def test_a_paragraph_too_long_is_the_line_alone(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", "x = 1\n" * 500)
        assert "Roo: Explain line 250" in await offered(it, buffer, lines(250))


@EVERYWHERE
async def test_explain_shows_the_model_the_unsaved_lines_once_and_no_tool_that_changes(
    persona: Persona, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text(CODE, "utf-8")
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", UNSAVED)
        fake.answers(text("It fetches."))
        await pick(it, (await offered(it, buffer, lines(5, 6)))["Roo: Explain lines 5-6"])
        assert (await it.ended())["stopReason"] == "end_turn"
        said = prompt(fake)
        assert said.startswith("Explain lines 5-6 of a.py: ")
        assert said.endswith("File: a.py, lines 5 to 6\ndef fetch():\n    return os.unsaved()\n")
        assert said.count("os.unsaved()") == 1
        assert "read_file" in tools(fake)
        assert not {"apply_diff", "execute_command"} & tools(fake)
        assert it.updates("current_mode_update")[0]["currentModeId"] == "ask"


async def test_fix_tells_the_problems_of_every_server_but_not_our_own_marks(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        fake.answers(text("Fixed."))
        problems = [
            problem(6, "`get` is not\nknown\u202e"),
            problem(8, "no value", "ruff"),
            problem(5, "Roo changed 1 line", "Roo"),
            problem(5, "Roo wants your approval", "roo"),
        ]
        found = await offered(it, buffer, lines(6), problems)
        fix = found["Roo: Fix 2 problems here"]
        assert fix.kind == types.CodeActionKind.QuickFix
        await pick(it, fix)
        await it.ended()
        assert prompt(fake).startswith(
            "Fix these problems in a.py, and change no more than that needs:\n"
            "- line 6, error (pyright): `get` is not known\n"
            "- line 8, error (ruff): no value\n"
        )
        assert "File: a.py, lines 3 to 8\n# add retries\n" in prompt(fake)
        assert "apply_diff" in tools(fake)


async def test_fix_of_one_and_of_many_problems(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        assert "Roo: Fix the problem here" in await offered(it, buffer, lines(5), [problem(5, "a")])
        many = [problem(5, f"wrong {number} " + "x" * 5000) for number in range(100)]
        fix = (await offered(it, buffer, lines(5), many))["Roo: Fix 100 problems here"]
        fake.answers(text("Fixed."))
        await pick(it, fix)
        await it.ended()
        assert "\n- and 80 more\n" in prompt(fake)
        assert len(prompt(fake)) < 8_000


async def test_fix_without_problems_has_the_model_look(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        fake.answers(text("Nothing is."))
        await pick(it, (await offered(it, buffer, lines(2)))["Roo: Fix this file"])
        await it.ended()
        assert prompt(fake).startswith("Find what is wrong in a.py, and fix it.")
        assert prompt(fake).endswith("The user points at:\nFile: a.py")


@pytest.mark.parametrize(
    ("mode", "improves", "explains"),
    [
        ("code", None, "ask"),
        ("debug", None, "ask"),
        ("architect", "code", "ask"),
        ("ask", "code", None),
    ],
)
async def test_a_task_that_edits_runs_in_a_mode_that_may_and_one_that_explains_in_none(
    mode: str, improves: str | None, explains: str | None, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, mode=mode)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        found = await offered(it, buffer, lines(8))
        for title, expected in (("Improve", improves), ("Explain", explains)):
            command = found[f"Roo: {title} line 8"].command
            assert command is not None
            assert command.arguments is not None
            argument: Any = command.arguments[0]
            assert argument.get("mode") == expected


async def test_improve_lets_the_model_edit_the_buffer(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(CODE, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", UNSAVED)
        diff = "<<<<<<< SEARCH\n    return os.unsaved()\n=======\n    return 1\n>>>>>>> REPLACE\n"
        fake.answers(call("apply_diff", {"path": "a.py", "diff": diff}), text("Better."))
        await pick(it, (await offered(it, buffer, lines(5, 6)))["Roo: Improve lines 5-6"])
        await it.event("_permission")
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        assert buffer.text == UNSAVED.replace("os.unsaved()", "1")


async def test_a_comment_is_run_as_a_task_with_the_code_below_it(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(HELIX_OLD, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        fake.answers(text("Done."))
        await pick(it, (await offered(it, buffer, lines(4)))["Roo: Run this comment as a task"])
        await it.ended()
        assert prompt(fake).startswith(
            "add retries\nwith jitter\n\n(This is the comment in lines 3-4 of a.py: do what it asks."
        )
        assert prompt(fake).endswith(
            "File: a.py, lines 5 to 6\ndef fetch():\n    return os.get()\n"
        )
        assert prompt(fake).count("add retries") == 1
        assert "Roo: Run this comment as a task" not in await offered(it, buffer, lines(5))
        [task] = await it.run("roo.task.list")
        assert task["title"].startswith("add retries with jitter")


@EVERYWHERE
async def test_ask_opens_a_document_to_go_on_in_or_says_where_it_is(
    persona: Persona, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        ask = (await offered(it, buffer, lines(5, 6)))["Roo: Ask about lines 5-6…"]
        result = await pick(it, ask)
        draft = Path(result["path"])
        assert draft.read_text("utf-8") == "# Task\n\n## You\n\n@a.py:5-6\n\n"
        assert draft.name.endswith(".roo.md")
        assert draft.stat().st_mode & 0o077 == 0
        assert not draft.is_relative_to(tmp_path / "project")
        if result["shown"]:
            assert it.shown == [draft.as_uri()]
        else:
            said = f"Write your question at the end of {draft} and save it: Roo answers there."
            assert [each.message for each in it.client.messages] == [said]
        shows = it.server.params is not None and it.server.params.capabilities.window
        assert result["shown"] == bool(shows and shows.show_document)
        assert fake.chats == []


@pytest.mark.parametrize(
    "name", ["a.py", "b c.py", "d(1).py", "sub/日本.py", "e!", "f@g.py", "h:2.py"]
)
async def test_what_a_question_points_at_is_what_the_document_reads(
    name: str, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / name, CODE)
        ask = (await offered(it, buffer, lines(5, 6)))["Roo: Ask about lines 5-6…"]
        draft = Path((await pick(it, ask))["path"]).read_text("utf-8")
        assert [(each.name, each.lines) for each in mentions_in(draft, name.__eq__)] == [
            (name, (5, 6))
        ]


async def test_a_question_about_an_ignored_file_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / ".rooignore").write_text("secret.py\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "secret.py", CODE)
        ask = (await offered(it, buffer, lines(8)))["Roo: Ask about line 8…"]
        with pytest.raises(Exception, match="rooignore keeps it from the agent"):
            await pick(it, ask)


KINDS = {
    "Roo: Explain line 8": "roo.explain",
    "Roo: Fix line 8": "quickfix",
    "Roo: Improve line 8": "refactor.rewrite",
    "Roo: Ask about line 8…": "roo.ask",
}


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        ([types.CodeActionKind.QuickFix], {"quickfix"}),
        ([types.CodeActionKind.Refactor], {"refactor.rewrite"}),
        ([types.CodeActionKind.RefactorRewrite], {"refactor.rewrite"}),
        ([types.CodeActionKind.RefactorExtract], set[str]()),
        ([types.CodeActionKind.SourceOrganizeImports], set[str]()),
        (["roo"], {"roo.explain", "roo.ask"}),
        (["ro"], set[str]()),
        (["quickfix", "roo.ask"], {"quickfix", "roo.ask"}),
        ([types.CodeActionKind.Empty], set(KINDS.values())),
        ([], set(KINDS.values())),
        (None, set(KINDS.values())),
    ],
)
async def test_only_the_kinds_that_are_asked_for_are_offered(
    only: list[types.CodeActionKind | str] | None, kinds: set[str], tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        found = await offered(it, buffer, lines(8), only=only)
        assert {title: kind for title, kind in KINDS.items() if kind in kinds} == {
            title: str(getattr(each.kind, "value", each.kind)) for title, each in found.items()
        }


async def test_what_is_offered_is_of_the_kinds_that_are_advertised_and_nothing_is_preferred(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        provider = it.server.protocol.server_capabilities.code_action_provider
        assert isinstance(provider, types.CodeActionOptions)
        assert provider.resolve_provider is False
        advertised = [
            str(getattr(each, "value", each)) for each in provider.code_action_kinds or ()
        ]
        assert advertised == ["quickfix", "refactor.rewrite", "roo"]
        for action in (await offered(it, buffer, lines(3), [problem(5, "a")])).values():
            kind = str(getattr(action.kind, "value", action.kind))
            assert any(kind == each or kind.startswith(f"{each}.") for each in advertised)
            assert not action.is_preferred


class BareCommands(Persona):
    """An old client that knows commands and no literals."""

    def capabilities(self) -> types.ClientCapabilities:
        capabilities = super().capabilities()
        assert capabilities.text_document is not None
        capabilities.text_document.code_action = types.CodeActionClientCapabilities()
        return capabilities


async def test_a_client_without_literals_gets_commands_that_work(tmp_path: Path) -> None:
    old = BareCommands("old", "emacs_30", ("utf-32", "utf-8", "utf-16"))
    async with FakeOpenAI() as fake, editor(old, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        await it.run("roo.status")
        found = await it.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(buffer.uri), lines(8), types.CodeActionContext([])
            )
        )
        commands = [each for each in found or () if isinstance(each, types.Command)]
        assert [each.title for each in commands] == list(KINDS)
        fake.answers(text("It fetches."))
        await pick(it, commands[0])
        assert (await it.ended())["stopReason"] == "end_turn"
        assert prompt(fake).startswith("Explain line 8 of a.py")


async def test_an_editor_that_asks_by_itself_is_told_of_problems_only(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(VSCODE, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", CODE)
        alone = types.CodeActionTriggerKind.Automatic
        assert await offered(it, buffer, lines(3), trigger=alone) == {}
        found = await offered(it, buffer, lines(3), [problem(5, "a")], trigger=alone)
        assert list(found) == ["Roo: Fix the problem here"]


@pytest.mark.parametrize("name", ["a.diff", "a.PATCH", "server.log", "chat.roo.md"])
async def test_what_is_no_code_is_left_alone(name: str, tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / name, CODE)
        ours = [each for each in await offered(it, buffer, lines(5)) if each.startswith("Roo: ")]
        assert [each for each in ours if "Explain" in each or "Fix" in each] == []


async def test_our_own_documents_are_left_alone(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("Hello."))
        await it.start("Say hello")
        await it.ended()
        transcript = Path((await it.run("roo.task.open"))["path"])
        assert await offered(it, it.open(transcript), lines(1)) == {}


async def test_nothing_is_loaded_or_offered_before_the_session_is_there(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        await it.run("roo.status")
        loading, it.server.loading = it.server.loading, None
        buffer = it.open(tmp_path / "a.py", CODE)
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(buffer.uri), lines(8), types.CodeActionContext([])
        )
        assert not await it.client.text_document_code_action_async(params)
        assert it.server.loading is None
        it.server.loading = loading


async def test_a_cursor_that_moves_in_20000_lines_costs_no_split_of_them(tmp_path: Path) -> None:
    long = "".join(f"def f{n}():\n    # add retries\n    return {n}\n\n" for n in range(5000))
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py", long)
        assert "Roo: Run this comment as a task" in await offered(it, buffer, lines(19_998))
        session = it.server.loaded
        assert session is not None
        context = types.CodeActionContext([])
        place = types.CodeActionParams(
            types.TextDocumentIdentifier(buffer.uri), lines(19_999), context
        )
        split = session.actions._split[1]
        began = time.perf_counter()
        for _ in range(100):
            assert len(session.code_actions(place)) == 4
        print(f"{(time.perf_counter() - began) * 10:.3f} ms each")
        assert session.actions._split[1] is split
