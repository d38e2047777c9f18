"""The agent asks the editor's other language servers: whole tasks, over a client that passes it on."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from roo_lsp.lsp.editor import language_servers
from tests.support.editor import EGLOT, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text
from tests.support.language import METHODS, Words, knowing

A = "def total(items):\n    return sum(items)  # TODO\n"
B = "from a import total\n\n\N{GRINNING FACE} = 1\n\t'\N{GRINNING FACE}é', total(3)\n"
TOOLS = {
    "get_diagnostics",
    "find_definition",
    "find_references",
    "hover",
    "document_symbols",
    "workspace_symbols",
    "rename_symbol",
}


@dataclass
class Desk:
    """A model, an editor on two files, and the language server that it has beside us."""

    fake: FakeOpenAI
    it: FakeEditor
    words: Words
    folder: Path

    async def told(self, tool: str, **arguments: Any) -> str:
        """What the model is told of one call."""
        self.fake.answers(call(tool, arguments), text("ok"))
        await self.it.start("Do it")
        await self.it.ended()
        return self.result

    @property
    def result(self) -> str:
        return self.fake.chats[-1].json["messages"][-1]["content"]

    async def asked(self, tool: str, **arguments: Any) -> None:
        """Start a task whose one call waits for approval."""
        self.fake.answers(call(tool, arguments), text("ok"))
        await self.it.start("Do it")
        await self.it.event("_permission")

    async def approve(self) -> str:
        await self.it.run("roo.approval.respond", {"decision": "allow_once"})
        await self.it.ended()
        return self.result

    def offered(self) -> set[str]:
        """The tools of the last request."""
        return {each["function"]["name"] for each in self.fake.chats[-1].json["tools"]}


@asynccontextmanager
async def desk(
    folder: Path, persona: Persona | None = None, **settings: Any
) -> AsyncGenerator[Desk]:
    persona = persona or knowing()
    (folder / "a.py").write_bytes(A.encode())
    (folder / "b.py").write_bytes(B.encode())
    mine = Path(os.environ["ROO_CONFIG_DIR"]) / "settings.json"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text(json.dumps(settings), "utf-8")  # the user's own: it may widen
    async with FakeOpenAI() as fake:
        provider = {"baseUrl": fake.base_url, "modelId": "scripted"}
        # What is asked as a turn begins would be counted with what tools ask.
        told = {"provider": provider, "context": {"editor": {"problems": False}}}
        async with editor(persona, folder, told) as it:
            yield Desk(fake, it, Words(it, folder, persona.encodings[0]), folder)


async def test_a_tool_is_offered_only_where_the_client_takes_its_request(tmp_path: Path) -> None:
    some = knowing(methods=("roo/definition", "roo/rename"))
    for persona, expected in ((knowing(), TOOLS), (EGLOT, set())):
        async with desk(tmp_path, persona) as it:
            it.fake.answers(text("ok"))
            await it.it.start("Hello")
            await it.it.ended()
            assert it.offered() & TOOLS == expected
            assert (
                "prefer find_definition" in it.fake.chats[-1].json["messages"][0]["content"]
            ) == (bool(expected))
    async with desk(tmp_path, some) as it:
        it.fake.answers(text("ok"))
        await it.it.start("Hello")
        await it.it.ended()
        assert it.offered() & TOOLS == {"find_definition", "rename_symbol"}
        prompt = it.fake.chats[-1].json["messages"][0]["content"]
        assert "prefer find_definition, rename_symbol to searching" in prompt


async def test_a_mode_that_only_reads_has_all_but_the_rename(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.fake.answers(text("ok"))
        await it.it.start("Hello", mode="ask")
        await it.it.ended()
        assert it.offered() & TOOLS == TOOLS - {"rename_symbol"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_a_definition_is_found_from_a_line_with_tabs_and_emoji(
    encoding: str, tmp_path: Path
) -> None:
    async with desk(tmp_path, knowing(encoding)) as it:
        told = await it.told("find_definition", symbol="total", path="b.py", line=4)
        assert told == "1 definition of total in 1 file.\n\n# a.py\n1 | def total(items):"
        [(method, params)] = it.words.asked
        assert method == "roo/definition"
        assert params["textDocument"] == {"uri": (tmp_path / "b.py").as_uri()}
        update = await it.it.event("tool_call_update", status="completed")
        assert update["locations"] == [{"path": str(tmp_path / "a.py"), "line": 1}]
        assert update["title"] == "Find definition of total (b.py:4)"
        assert (await it.it.event("tool_call"))["kind"] == "search"


async def test_unsaved_text_counts(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        it.it.open(tmp_path / "b.py", f"# above\n{B}")
        it.it.open(tmp_path / "a.py", f"# new\n# lines\n{A}")
        told = await it.told("find_references", symbol="total", path="b.py", line=5)
        assert told == (
            "3 references of total in 2 files.\n\n# a.py\n3 | def total(items):\n\n"
            "# b.py\n2 | from a import total\n5 | \t'\N{GRINNING FACE}é', total(3)"
        )
        assert it.words.asked[0][1]["context"] == {"includeDeclaration": True}


async def test_a_symbol_is_looked_up_by_its_name_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        told = await it.told("hover", symbol="total")
        assert told == "total (a.py:1):\n`total`"
        assert [method for method, _ in it.words.asked] == ["roo/workspaceSymbol", "roo/hover"]
        assert (await it.it.event("tool_call"))["kind"] == "read"


async def test_the_symbols_of_a_file_and_of_the_workspace_are_listed(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        assert await it.told("document_symbols", path="a.py") == (
            "1 symbol in a.py.\n1 | function total"
        )
        it.it.events.clear()
        assert await it.told("workspace_symbols", query="tot") == (
            "1 symbol like tot in 1 file.\n\n# a.py\n1 | function total"
        )


async def test_diagnostics_are_those_of_a_file_or_of_all(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        expected = "1 problem in 1 file.\n\n# a.py\n2 | warning: return sum(items) # TODO (words 7)"
        assert await it.told("get_diagnostics") == expected
        it.it.events.clear()
        assert await it.told("get_diagnostics", path="a.py") == expected
        it.it.events.clear()
        assert await it.told("get_diagnostics", path="b.py", severity="error") == (
            "The editor's language servers report no error in b.py."
        )
        assert [params for _, params in it.words.asked] == [
            {"wait": False},
            {"uris": [(tmp_path / "a.py").as_uri()], "wait": True},
            {"uris": [(tmp_path / "b.py").as_uri()], "wait": True},
        ]


# --- renaming -------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_a_rename_is_one_approval_and_reaches_buffers_and_files(
    encoding: str, tmp_path: Path
) -> None:
    async with desk(tmp_path, knowing(encoding)) as it:
        buffer = it.it.open(tmp_path / "b.py")
        await it.asked("rename_symbol", symbol="total", path="b.py", line=4, new_name="süm")
        [entry] = await it.it.pending()
        assert entry["title"] == "Rename total to süm in 2 files: a.py, b.py"
        assert entry["toolCall"]["kind"] == "edit"
        shown = await it.it.event("tool_call_update", status="pending")
        assert {each["path"] for each in shown["content"]} == {
            str(tmp_path / "a.py"),
            str(tmp_path / "b.py"),
        }
        assert (buffer.text, (tmp_path / "a.py").read_text("utf-8")) == (B, A)
        assert await it.approve() == "Renamed total to süm in 2 files: a.py, b.py."
        assert buffer.text == B.replace("total", "süm")
        assert (tmp_path / "b.py").read_text("utf-8") == B
        assert (tmp_path / "a.py").read_text("utf-8") == A.replace("total", "süm")
        [edit] = it.it.edits
        assert edit.edit.document_changes is not None


async def test_what_changed_while_the_user_was_asked_is_not_renamed(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        buffer = it.it.open(tmp_path / "b.py")
        await it.asked("rename_symbol", symbol="total", path="a.py", line=1, new_name="sum_of")
        it.it.type(buffer, f"# typed\n{B}")
        assert "changed while you were asked" in await it.approve()
        assert (tmp_path / "a.py").read_text("utf-8") == A
        assert buffer.text == f"# typed\n{B}"


async def test_what_the_user_types_while_the_server_thinks_undoes_the_rename(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as it:
        buffer = it.it.open(tmp_path / "b.py")

        async def types_meanwhile(params: dict[str, Any]) -> Any:
            answer = it.words._truth("roo/rename", params)
            for each in answer["documentChanges"]:
                each["textDocument"]["version"] = None
            it.it.type(buffer, f"# typed\n{B}")
            return answer

        it.words.instead["roo/rename"] = types_meanwhile
        told = await it.told("rename_symbol", symbol="total", path="a.py", new_name="sum_of")
        assert "b.py changed while the language server was asked" in told
        assert (tmp_path / "a.py").read_text("utf-8") == A


async def test_a_rename_that_would_touch_a_hidden_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".rooignore").write_text("b.py\n", "utf-8")
    async with desk(tmp_path, autoApprove={"edit": True}) as it:
        told = await it.told("rename_symbol", symbol="total", path="a.py", new_name="sum_of")
        assert told.startswith("Nothing was changed: the rename would also change 1 file that you")
        assert "b.py" not in told
        assert (tmp_path / "a.py").read_text("utf-8") == A


async def test_a_rename_outside_the_workspace_is_asked_though_edits_are_approved(
    tmp_path: Path,
) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    async with desk(inside, autoApprove={"edit": True, "read": True}) as it:
        (tmp_path / "c.py").write_text("total\n", "utf-8")
        it.words.folder = tmp_path
        await it.asked("rename_symbol", symbol="total", path="a.py", line=1, new_name="x")
        [entry] = await it.it.pending()
        assert "outside the workspace" in entry["reason"]
        paths = [Path(each["path"]).name for each in entry["toolCall"]["locations"]]
        assert sorted(paths) == ["a.py", "b.py", "c.py"]
        await it.it.run("roo.approval.respond", {"decision": "reject_once"})
        await it.it.ended()
        assert (tmp_path / "c.py").read_text("utf-8") == "total\n"


async def test_a_mode_that_may_edit_only_some_files_renames_in_no_others(tmp_path: Path) -> None:
    async with desk(tmp_path, autoApprove={"edit": True}) as it:
        (tmp_path / "plan.md").write_text("total\n", "utf-8")
        edit = {"range": it.words._range("total", 0, (0, 5)), "newText": "x"}
        changes = {(tmp_path / name).as_uri(): [edit] for name in ("plan.md", "a.py")}
        it.words.instead["roo/rename"] = {"changes": changes}
        it.fake.answers(
            call("rename_symbol", {"symbol": "total", "path": "plan.md", "new_name": "x"}),
            text("ok"),
        )
        await it.it.start("Do it", mode="architect")
        await it.it.ended()
        assert "may only edit files that match" in it.result
        assert (tmp_path / "plan.md").read_text("utf-8") == "total\n"


async def test_a_protected_file_in_a_rename_is_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, autoApprove={"edit": True}) as it:
        (tmp_path / ".vscode").mkdir()
        (tmp_path / ".vscode/total.py").write_text("total\n", "utf-8")
        await it.asked("rename_symbol", symbol="total", path="a.py", line=1, new_name="x")
        [entry] = await it.it.pending()
        assert "protected" in entry["reason"]
        await it.approve()
        assert (tmp_path / ".vscode/total.py").read_text("utf-8") == "x\n"


# --- clients that say little, or something else ---------------------------------------------

ALL = [
    ("find_definition", "roo/definition", {"symbol": "total", "path": "a.py"}),
    ("find_references", "roo/references", {"symbol": "total", "path": "a.py"}),
    ("hover", "roo/hover", {"symbol": "total", "path": "a.py"}),
    ("hover", "roo/workspaceSymbol", {"symbol": "total"}),
    ("document_symbols", "roo/documentSymbol", {"path": "a.py"}),
    ("workspace_symbols", "roo/workspaceSymbol", {"query": "total"}),
    ("get_diagnostics", "roo/diagnostics", {}),
    ("rename_symbol", "roo/rename", {"symbol": "total", "path": "a.py", "new_name": "x"}),
]
each_tool = pytest.mark.parametrize(("tool", "method", "arguments"), ALL)


@each_tool
async def test_null_is_no_answer_and_never_nothing(
    tool: str, method: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    async with desk(tmp_path) as it:
        it.words.instead[method] = None
        told = await it.told(tool, **arguments)
        assert told.startswith("No language server of the editor")
        assert "know no" not in told


@each_tool
async def test_a_refusal_is_told_in_the_clients_words_as_data(
    tool: str, method: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    async with desk(tmp_path) as it:
        it.words.instead[method] = JsonRpcException("still\x1b[31m indexing\nwait", code=-32803)
        told = await it.told(tool, **arguments)
        assert told == (r"The editor could not answer. It says: still\x1b[31m indexing wait.")


@each_tool
@pytest.mark.parametrize("answer", ["text", 5, [5], {"range": 1}, [{"uri": 3}], True])
async def test_an_answer_of_another_shape_makes_no_sense(
    tool: str, method: str, arguments: dict[str, Any], answer: Any, tmp_path: Path
) -> None:
    if (tool, answer) == ("rename_symbol", {"range": 1}):
        return  # an edit that changes nothing
    async with desk(tmp_path) as it:
        it.words.instead[method] = answer
        told = await it.told(tool, **arguments)
        assert "makes no sense" in told
        assert "know no" not in told


async def test_no_answer_in_time_is_told_and_withdraws_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language_servers, "ANSWER_SECONDS", 0.05)
    async with desk(tmp_path) as it:
        withdrawn = asyncio.Event()

        async def never(params: dict[str, Any]) -> None:
            del params
            try:
                await asyncio.Event().wait()
            finally:
                withdrawn.set()

        it.words.instead["roo/references"] = never
        told = await it.told("find_references", symbol="total", path="a.py")
        assert told.startswith("The editor's language servers did not answer within 0.05 s.")
        await asyncio.wait_for(withdrawn.wait(), 60)


async def test_cancelling_the_task_withdraws_the_request(tmp_path: Path) -> None:
    async with desk(tmp_path) as it:
        begun, withdrawn = asyncio.Event(), asyncio.Event()

        async def never(params: dict[str, Any]) -> None:
            del params
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                withdrawn.set()

        it.words.instead["roo/rename"] = never
        it.fake.answers(call("rename_symbol", {"symbol": "total", "path": "a.py", "new_name": "x"}))
        await it.it.start("Do it")
        await asyncio.wait_for(begun.wait(), 60)
        await it.it.run("roo.task.cancel", {})
        await asyncio.wait_for(withdrawn.wait(), 60)


async def test_a_place_in_a_hidden_file_is_counted_and_one_outside_only_named(
    tmp_path: Path,
) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / ".rooignore").write_text("b.py\n", "utf-8")
    (tmp_path / "lib.py").write_text("secret = total\n", "utf-8")
    async with desk(inside) as it:
        it.words.folder = tmp_path
        told = await it.told("find_references", symbol="total", path="a.py")
        assert told == (
            "2 references of total in 2 files. 2 more in files that you may not see.\n\n"
            "# a.py\n1 | def total(items):\n\n"
            f"# {tmp_path}/lib.py\nline 1 (outside the workspace: read_file asks the user)"
        )


async def test_a_link_in_the_workspace_shows_nothing_of_where_it_leads(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (tmp_path / "lib.txt").write_text("secret = total\n", "utf-8")
    (inside / "link.py").symlink_to(tmp_path / "lib.txt")
    async with desk(inside) as it:
        told = await it.told("find_references", symbol="total", path="a.py")
        assert "secret" not in told
        assert "# link.py\nline 1 (outside" in told


async def test_a_workspace_behind_a_link_is_named_as_the_client_does(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    async with desk(tmp_path / "link") as it:
        it.words.folder = real
        told = await it.told("find_definition", symbol="total", path="a.py", line=1)
        assert told == "1 definition of total in 1 file.\n\n# a.py\n1 | def total(items):"


def test_every_feature_has_a_method_that_clients_can_list() -> None:
    assert set(language_servers.FEATURES) == set(METHODS)
