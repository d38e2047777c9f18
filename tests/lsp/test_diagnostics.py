"""New problems after an edit: what the editor's other servers say, told to the model and the user."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygls.exceptions import JsonRpcException

from roo_lsp.agent.tool import Workspace
from roo_lsp.lsp.editor import diagnostics
from roo_lsp.lsp.editor.diagnostics import Problem, new_problems, problems_text
from tests.support.editor import FakeEditor, Persona, _plain, editor
from tests.support.fake_openai import FakeOpenAI, call, text

SHARING = Persona("mine", "neovim_0_12", ("utf-8",), extensions=("roo/diagnostics",))
SILENT = Persona("mine", "neovim_0_12", ("utf-8",))
HEADING = "New problems there, as the editor's language servers report them:"
PATCH = "*** Begin Patch\n*** Delete File: a.txt\n*** Add File: b.txt\n+new\n*** End Patch"


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    provider = {"baseUrl": fake.base_url, "modelId": "scripted"}
    # What is asked as a turn begins would be counted with what edits ask.
    return {"provider": provider, "context": {"editor": {"problems": False}}}


def problem(line: int, message: str, severity: int | None = 1, source: str = "lint") -> Any:
    """A diagnostic as other servers publish it, at a line counted from 0."""
    place = {"line": line, "character": 0}
    found: dict[str, Any] = {"range": {"start": place, "end": place}, "message": message}
    return found | {"source": source} | ({"severity": severity} if severity else {})


@dataclass
class Linter:
    """Another language server of the editor: what it has found is what is asked for next."""

    editor: FakeEditor
    answers: list[Any]
    """One for each request: diagnostics of each file asked about, an exception, or any JSON."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """The first buffer's text at each request."""

    def __post_init__(self) -> None:
        @self.editor.client.feature("roo/diagnostics")
        async def asked(params: Any) -> Any:
            return await self._answer(params)

    async def _answer(self, params: Any) -> Any:
        self.asked.append(_plain(params))
        self.texts += [each.text for each in list(self.editor.buffers.values())[:1]]
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        if not isinstance(answer, list):
            return answer
        uris = self.asked[-1]["uris"]
        return {"items": [{"uri": uri, "diagnostics": answer} for uri in uris]}


async def edit(fake: FakeOpenAI, it: FakeEditor, name: str = "a.txt") -> str:
    """Let the model make `one` the `1` of a file; what it is told."""
    fake.answers(
        call("edit", {"file_path": name, "old_string": "one", "new_string": "1"}), text("ok")
    )
    return await approved(fake, it)


async def approved(fake: FakeOpenAI, it: FakeEditor) -> str:
    """Start a task, approve its one call; what the model is told of it."""
    await it.start("Do it")
    await it.event("_permission")
    await it.run("roo.approval.respond", {"decision": "allow_once"})
    await it.ended()
    return fake.chats[-1].json["messages"][-1]["content"]


async def told_of(
    folder: Path, *answers: Any, open_it: bool = True, persona: Persona = SHARING
) -> tuple[str, Linter]:
    """What the model is told of an edit, where the editor answers so, and what that was asked."""
    (folder / "a.txt").write_text("one\n", "utf-8")
    async with FakeOpenAI() as fake, editor(persona, folder, settings(fake)) as it:
        linter = Linter(it, list(answers))
        if open_it:
            it.open(folder / "a.txt")
        return await edit(fake, it), linter


async def test_a_problem_that_the_edit_brought_is_told_to_the_model_and_the_user(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.txt").write_text("one\n", "utf-8")
    async with FakeOpenAI() as fake, editor(SHARING, tmp_path, settings(fake)) as it:
        linter = Linter(it, [[problem(0, "old")], [problem(0, "old"), problem(4, "1 is no name")]])
        buffer = it.open(tmp_path / "a.txt")
        result = await edit(fake, it)
        assert result.endswith(f"now.\n\n{HEADING}\na.txt:5: error: 1 is no name (lint)")
        assert linter.asked == [
            {"uris": [buffer.uri], "wait": False},
            {"uris": [buffer.uri], "wait": True},
        ]
        assert linter.texts == ["one\n", "1\n"]
        assert (await it.event("tool_call_update", status="completed"))["rawOutput"] == result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([problem(0, "old")], [problem(7, "old")], id="it only moved"),
        pytest.param([problem(0, "old"), problem(1, "old")], [problem(0, "old")], id="one went"),
        pytest.param([], [problem(0, "a hint", 4), problem(0, "a note", 3)], id="hints"),
        pytest.param([], [problem(0, "Roo edited", 1, "Roo")], id="our own"),
        pytest.param([], None, id="null"),
        pytest.param([], {"items": "none"}, id="no list"),
        pytest.param([], [{"message": 3}, "x", None], id="no diagnostics"),
        pytest.param([], {"items": [None, {"uri": "file:///etc/passwd"}]}, id="no items"),
        pytest.param([], JsonRpcException("no", code=-32603), id="an error"),
        pytest.param(None, [problem(0, "who knows since when")], id="nothing known before"),
        pytest.param(
            JsonRpcException("no", code=-32603), [problem(0, "since when")], id="an error before"
        ),
    ],
)
async def test_nothing_is_said_where_nothing_new_is_known(
    before: Any, after: Any, tmp_path: Path
) -> None:
    result, _ = await told_of(tmp_path, before, after)
    assert result == "Changed 1 place in a.txt (line 1), which has 1 line now."


async def test_problems_of_files_that_were_not_edited_are_left_out(tmp_path: Path) -> None:
    other = (tmp_path / "b.txt").as_uri()
    elsewhere = {"items": [{"uri": other, "diagnostics": [problem(0, "elsewhere")]}]}
    result, _ = await told_of(tmp_path, [], elsewhere)
    assert "elsewhere" not in result


async def test_a_file_that_is_not_open_is_asked_about_too(tmp_path: Path) -> None:
    result, linter = await told_of(tmp_path, [], [problem(0, "new", None, "")], open_it=False)
    assert result.endswith("\na.txt:1: error: new")
    assert linter.asked[0]["uris"] == [(tmp_path / "a.txt").as_uri()]


async def test_a_file_behind_a_link_is_known_by_either_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/a.txt").write_text("one\n", "utf-8")
    async with FakeOpenAI() as fake, editor(SHARING, tmp_path, settings(fake)) as it:
        found = {"uri": (tmp_path / "real/a.txt").as_uri(), "diagnostics": [problem(0, "new")]}
        Linter(it, [[], {"items": [found]}])
        assert "link/a.txt:1: error: new" in await edit(fake, it, "link/a.txt")


async def test_a_client_that_did_not_opt_in_is_not_asked(tmp_path: Path) -> None:
    result, linter = await told_of(tmp_path, [], [problem(0, "new")], persona=SILENT)
    assert linter.asked == []
    assert "new" not in result


async def test_a_client_that_does_not_answer_holds_nothing_up_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnostics, "ANSWER_SECONDS", 0.05)
    result, linter = await told_of(tmp_path, [], asyncio.Event())
    assert [each["wait"] for each in linter.asked] == [False, True]
    assert result == "Changed 1 place in a.txt (line 1), which has 1 line now."


async def test_a_failed_edit_is_not_asked_about_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n", "utf-8")
    async with FakeOpenAI() as fake, editor(SHARING, tmp_path, settings(fake)) as it:
        linter = Linter(it, [[]])
        it.open(tmp_path / "a.txt")

        def user_types(editor: FakeEditor) -> None:
            editor.type(next(iter(editor.buffers.values())), "mine\n")

        it.on_edit = user_types
        assert "same moment" in await edit(fake, it)
        assert [each["wait"] for each in linter.asked] == [False]


async def test_a_deleted_file_is_asked_about_only_before(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n", "utf-8")
    async with FakeOpenAI() as fake, editor(SHARING, tmp_path, settings(fake)) as it:
        linter = Linter(it, [[], [problem(0, "new")]])
        fake.answers(call("apply_patch", {"patch": PATCH}), text("ok"))
        result = await approved(fake, it)
        names = [[uri.rsplit("/", 1)[1] for uri in each["uris"]] for each in linter.asked]
        assert names == [["a.txt", "b.txt"], ["b.txt"]]
        assert "b.txt:1: error: new" in result


def made(line: int, message: str = "m", severity: int = 1, source: str = "") -> Problem:
    return Problem(Path("/w/a.py"), line, severity, message, source)


def test_errors_come_first_and_only_so_many_are_shown() -> None:
    found = [made(line, severity=2 if line % 2 else 1) for line in range(30)]
    lines = problems_text(new_problems([], found), Workspace((Path("/w"),))).splitlines()
    assert lines[0] == HEADING
    assert [each.split(":")[2] for each in lines[1:-1]] == [" error"] * 15 + [" warning"] * 5
    assert lines[-1] == "… and 10 more"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("two\n  lines", "two lines"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("right\u202eto left", r"right\u202eto left"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_the_text_of_other_servers_is_one_bounded_line_of_what_can_be_seen(
    message: str, shown: str
) -> None:
    block = problems_text([made(1, message, source="a\nb")], Workspace((Path("/w"),)))
    assert block == f"{HEADING}\na.py:1: error: {shown} (a\\x0ab)"


problems = st.lists(
    st.builds(made, st.integers(1, 4), st.sampled_from("ab"), st.sampled_from([1, 2])), max_size=6
)


@given(problems, problems)
def test_as_many_are_new_as_there_are_more_of_a_kind(
    before: list[Problem], after: list[Problem]
) -> None:
    new = new_problems(before, after)

    for kind in {each.kind for each in after}:
        were, are, told_new = (
            sum(each.kind == kind for each in some) for some in (before, after, new)
        )
        assert told_new == max(0, are - were)
