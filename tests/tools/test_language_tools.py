"""Tools that ask the editor's language servers: how a symbol is found, and what is told of answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Feature, Place, Places, Problem, Problems, Spot, Symbol, Symbols
from roo_lsp.agent.tool import Target, ToolContext
from roo_lsp.tools import all_tools
from roo_lsp.tools._symbol import column_of
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from roo_lsp.workspace.sight import PolicySight
from tests.support.tools import call, tool_context

TOOLS = all_tools()


@dataclass
class Scripted:
    """Language servers that answer what they were given."""

    answers: dict[str, Any] = field(default_factory=dict)
    offered: frozenset[Feature] = frozenset(get_args(Feature))
    spots: list[Spot] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    async def problems(self, path: Path | None) -> Problems | None:
        del path
        return self.answers.get("problems")

    async def definition(self, spot: Spot) -> Places | None:
        self.spots.append(spot)
        return self.answers.get("definition")

    async def references(self, spot: Spot) -> Places | None:
        self.spots.append(spot)
        return self.answers.get("references")

    async def hover(self, spot: Spot) -> str | None:
        self.spots.append(spot)
        return self.answers.get("hover")

    async def document_symbols(self, path: Path) -> Symbols | None:
        del path
        return self.answers.get("document_symbols")

    async def workspace_symbols(self, query: str) -> Symbols | None:
        self.queries.append(query)
        return self.answers.get("workspace_symbols")

    async def rename(self, spot: Spot, new_name: str) -> Sequence[Any] | None:
        del new_name
        self.spots.append(spot)
        return self.answers.get("rename")


def context_in(folder: Path, servers: Scripted, rules: Rules | None = None) -> ToolContext:
    policy = WorkspacePolicy(rules or Rules(), [folder])
    return tool_context(folder, servers=servers, sight=PolicySight(policy))


async def told(folder: Path, tool: str, servers: Scripted, **arguments: Any) -> str:
    return (await call(TOOLS[tool], context_in(folder, servers), **arguments)).text


# --- where a symbol stands ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "line", "column"),
    [
        ("name", "rename name_of name", 15),
        ("b.name", "a.name = b.name", 11),
        ("name", "a.name = b.name", 2),
        ("a::B", "use a::B;", 7),
        ("$x", "echo $xy, $x", 11),
        ("+", "a + b", 2),
        ("a-b", "(a-b-c a-b)", 3),
        ("é", "né é", 3),
        ("x", "xy", None),
    ],
)
def test_a_name_is_found_as_a_whole_and_pointed_at_by_its_last_word(
    symbol: str, line: str, column: int | None
) -> None:
    assert column_of(symbol, line) == column


async def spot_for(folder: Path, servers: Scripted | None = None, **arguments: Any) -> Spot:
    servers = servers or Scripted()
    await told(folder, "find_definition", servers, **arguments)
    return servers.spots[-1]


async def test_without_a_line_it_is_the_first_place_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("names\n\tname\nname\n", "utf-8")
    spot = await spot_for(tmp_path, symbol="name", path="a.py")
    assert spot == Spot(tmp_path / "a.py", 2, 1, "\tname")


async def test_a_name_that_is_not_on_the_line_gets_the_nearest_lines(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(1, 31)]
    for number in (2, 9, 12, 15, 30):
        lines[number - 1] = f"    x = {number}"
    (tmp_path / "a.py").write_text("\n".join(lines), "utf-8")
    with pytest.raises(ToolError) as caught:
        await told(tmp_path, "hover", Scripted(), symbol="x", path="a.py", line=13)
    assert caught.value.text == (
        "x is not on line 13 of a.py. The nearest lines with it:\n9 | x = 9\n12 | x = 12\n15 | x = 15"
    )
    assert caught.value.brief == "x is not on line 13 of a.py."
    with pytest.raises(ToolError, match=r"nowhere in the file\. That line reads:\n13 \| line 13"):
        await told(tmp_path, "hover", Scripted(), symbol="y", path="a.py", line=13)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"symbol": "x", "path": "a.py", "line": 0}, "there is no line 0"),
        ({"symbol": "x", "path": "a.py", "line": 3}, "a.py has 2 lines"),
        ({"symbol": "y", "path": "a.py"}, "y is not in a.py"),
        ({"symbol": "x", "line": 1}, "needs the path"),
        ({"symbol": "  ", "path": "a.py"}, "has to be a name"),
        ({"symbol": "x\ny", "path": "a.py"}, "has to be a name"),
        ({"symbol": "x", "path": "b.py"}, "b.py"),
    ],
)
async def test_what_cannot_be_found_is_told(
    arguments: dict[str, Any], words: str, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("x\n\n", "utf-8")
    with pytest.raises(ToolError, match=words):
        await told(tmp_path, "find_references", Scripted(), **arguments)


def found(folder: Path, name: str, line: int | None = 1, **more: Any) -> Symbol:
    return Symbol(name, "function", folder / "a.py", line, **more)


async def test_a_bare_name_is_looked_up_and_found_below_its_decorators(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("@cached\n@typed\ndef run(): ...\n", "utf-8")
    symbols = [
        found(tmp_path, "runner"),
        found(tmp_path, "run", None),
        found(tmp_path, "run()", 1, end_line=3),
    ]
    servers = Scripted({"workspace_symbols": Symbols(tuple(symbols))})
    spot = await spot_for(tmp_path, servers, symbol="run")
    assert (spot.line, spot.column) == (3, 4)
    assert servers.queries == ["run"]


async def test_of_several_the_one_in_the_named_class_is_meant(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def run\ndef run\n", "utf-8")
    both = [found(tmp_path, "run", 1, within="A"), found(tmp_path, "run", 2, within="mod.B")]
    servers = Scripted({"workspace_symbols": Symbols(tuple(both))})
    assert (await spot_for(tmp_path, servers, symbol="B.run")).line == 2
    with pytest.raises(
        ToolError, match=r"There are 2 symbols run: a\.py:1, a\.py:2\. Give the path"
    ):
        await spot_for(tmp_path, servers, symbol="run")


async def test_a_bare_name_that_nobody_knows_or_may_see_is_told(tmp_path: Path) -> None:
    (tmp_path / ".rooignore").write_text("a.py\n", "utf-8")
    (tmp_path / "a.py").write_text("run\n", "utf-8")
    for symbols in ((), (found(tmp_path, "run"),)):
        with pytest.raises(ToolError, match="know no symbol run"):
            await spot_for(
                tmp_path, Scripted({"workspace_symbols": Symbols(symbols)}), symbol="run"
            )
    with pytest.raises(ToolError, match="No language server"):
        await spot_for(tmp_path, Scripted(), symbol="run")
    unable = Scripted(offered=frozenset({"definition"}))
    with pytest.raises(ToolError, match="looks up no symbols by name"):
        await spot_for(tmp_path, unable, symbol="run")


async def test_a_bare_name_that_is_not_where_it_is_said_to_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("other\n", "utf-8")
    servers = Scripted({"workspace_symbols": Symbols((found(tmp_path, "run", 900),))})
    with pytest.raises(ToolError, match=r"not where the language server says, at a\.py:900"):
        await spot_for(tmp_path, servers, symbol="run")


# --- what is told of places -----------------------------------------------------------------


async def references(folder: Path, places: Places, rules: Rules | None = None) -> str:
    (folder / "a.py").write_text("name\n", "utf-8")
    context = context_in(folder, Scripted({"references": places}), rules)
    return (await call(TOOLS["find_references"], context, symbol="name", path="a.py")).text


async def test_none_is_said_only_where_a_server_said_so(tmp_path: Path) -> None:
    assert await references(tmp_path, Places(())) == (
        "The editor's language servers know no references of name."
    )
    assert await references(tmp_path, Places((), no_files=2)) == (
        "0 references of name in 0 files. 2 more in what is no file on disk."
    )


async def test_the_workspace_comes_first_and_lines_are_in_order_and_bounded(tmp_path: Path) -> None:
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "b.py").write_text(f"one\n\ttwo\n{'x' * 300}\n", "utf-8")
    places = [
        Place(Path("/usr/lib/x.py"), 7),
        *(Place(inside / "b.py", line) for line in (3, 1, 2, 2, 9)),
        Place(inside / "gone.py", 4),
    ]
    assert await references(inside, Places(tuple(places))) == (
        "6 references of name in 3 files. 1 more not shown.\n\n"
        f"# b.py\n1 | one\n2 | \ttwo\n3 | {'x' * 200}…\n9 | (there is no such line)\n\n"
        "# gone.py\nline 4 (it cannot be read)\n\n"
        "# /usr/lib/x.py\nline 7 (outside the workspace: read_file asks the user)"
    )


async def test_so_many_are_shown_and_the_rest_is_counted(tmp_path: Path) -> None:
    places = [Place(tmp_path / f"{n % 60}.py", n) for n in range(1, 1201)]
    text = await references(tmp_path, Places(tuple(places), more=7))
    assert text.startswith("100 references of name in 5 files. 1107 more not shown.")
    assert len(text) < 5_000


async def test_where_each_read_is_asked_only_what_was_asked_about_is_shown(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("secret\n", "utf-8")
    places = Places((Place(tmp_path / "b.py", 1), Place(tmp_path / "a.py", 1)))
    text = await references(tmp_path, places, Rules(read=False))
    assert "# a.py\n1 | name" in text
    assert "secret" not in text
    assert "# b.py\nline 1" in text


def test_what_the_policy_refuses_is_hidden(tmp_path: Path) -> None:
    folder, state = tmp_path / "ws", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    (folder / ".rooignore").write_text("secret.py\n", "utf-8")
    (folder / "link.py").symlink_to(state / "tasks")
    sight = PolicySight(WorkspacePolicy(Rules(state_dir=state), [folder]))
    paths = [folder / "a.py", folder / "secret.py", folder / "link.py", Path("/proc/self/environ")]
    reads = [Target(path, "read") for path in (*paths, tmp_path / "other.py")]
    assert sight.seen(reads, ()) == ["shown", "hidden", "hidden", "hidden", "named"]
    assert sight.refusal([replace(reads[0], access="write")]) is None
    assert "refused" in (sight.refusal([replace(reads[2], access="write")]) or "")


# --- hover, symbols, problems ---------------------------------------------------------------


async def test_a_hover_is_data_of_bounded_length(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("name\n", "utf-8")
    text = "def name()\r\n\tdoc \x1b[31m \u202e"
    answer = await told(tmp_path, "hover", Scripted({"hover": text}), symbol="name", path="a.py")
    assert answer == "name (a.py:1):\ndef name()\n\tdoc \\x1b[31m \\u202e"
    long = Scripted({"hover": "x" * 10**6})
    assert len(await told(tmp_path, "hover", long, symbol="name", path="a.py")) < 7_000
    for nothing in (None, ""):
        silent = Scripted({"hover": nothing})
        answer = await told(tmp_path, "hover", silent, symbol="name", path="a.py")
        assert answer.startswith("No language server of the editor answered about name.")


async def test_symbols_of_a_file_are_a_tree_or_in_the_order_of_lines(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("", "utf-8")
    tree = (
        Symbol("A\x1b", "class", tmp_path / "a.py", 3, 9),
        Symbol("run", "method", tmp_path / "a.py", 4, 4, depth=1, detail="(self)\n-> None"),
        Symbol("B", "class", tmp_path / "a.py", 1, 2),
    )
    servers = Scripted({"document_symbols": Symbols(tree)})
    assert await told(tmp_path, "document_symbols", servers, path="a.py") == (
        "3 symbols in a.py.\n3-9 | class A\\x1b\n4 |   method run (self)\\x0a-> None\n1-2 | class B"
    )
    flat = (found(tmp_path, "b", 7, within="M"), found(tmp_path, "a", 2))
    servers = Scripted({"document_symbols": Symbols(flat)})
    assert await told(tmp_path, "document_symbols", servers, path="a.py") == (
        "2 symbols in a.py.\n2 | function a\n7 | function b (in M)"
    )
    many = Symbols(tuple(found(tmp_path, "x" * 999, n) for n in range(1, 900)), more=1)
    text = await told(
        tmp_path, "document_symbols", Scripted({"document_symbols": many}), path="a.py"
    )
    assert text.startswith("899 symbols in a.py. 500 more not shown.")
    assert len(text) < 70_000


async def test_symbols_of_the_workspace_leave_out_what_may_not_be_seen(tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / ".rooignore").write_text("b.py\n", "utf-8")
    symbols = (
        Symbol("secret", "function", folder / "b.py", 1),
        Symbol("outside", "function", tmp_path / "c.py", 1),
        Symbol("z", "class", folder / "a.py", 9),
        Symbol("y", "class", folder / "a.py", None),
    )
    servers = Scripted({"workspace_symbols": Symbols(symbols, no_files=1)})
    assert await told(folder, "workspace_symbols", servers, query="q") == (
        "2 symbols like q in 1 file. 1 more in what is no file on disk. 2 more in files that you may "
        "not see.\n\n# a.py\n? | class y\n9 | class z"
    )


def problem(path: Path, line: int, severity: int, message: str = "m") -> Problem:
    return Problem(path, line, severity, message, "lint", "E1")


async def test_problems_are_filtered_and_the_worst_come_first(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in ("a.py", "b.py", "c.py"))
    (tmp_path / ".rooignore").write_text("c.py\n", "utf-8")
    problems = (
        problem(a, 5, 2, "two\nlines\x1b"),
        problem(b, 9, 1),
        problem(a, 1, 4),
        problem(a, 2, 3),
        problem(c, 1, 1, "secret"),
        problem(Path("/usr/lib/x.py"), 1, 1),
    )
    servers = Scripted({"problems": Problems(problems, frozenset({a, b}))})
    assert await told(tmp_path, "get_diagnostics", servers) == (
        "2 problems in 2 files. 2 more in files that you may not see.\n\n"
        "# b.py\n9 | error: m (lint E1)\n\n# a.py\n5 | warning: two lines\\x1b (lint E1)"
    )
    text = await told(tmp_path, "get_diagnostics", servers, severity="hint", path="a.py")
    assert text.startswith(
        "3 problems in 1 file.\n\n# a.py\n1 | hint: m (lint E1)\n2 | information"
    )


async def test_no_problems_is_said_only_of_files_that_somebody_looks_at(tmp_path: Path) -> None:
    clean = Scripted({"problems": Problems((), frozenset({tmp_path / "a.py"}))})
    assert await told(tmp_path, "get_diagnostics", clean, path="a.py") == (
        "The editor's language servers report no error or warning in a.py."
    )
    assert "in the 1 file that they look at now" in await told(tmp_path, "get_diagnostics", clean)
    for silent in (clean, Scripted()):
        text = await told(tmp_path, "get_diagnostics", silent, path="b.py")
        assert text.startswith("No language server of the editor told what it finds in b.py.")


async def test_without_an_editor_there_is_nobody_to_ask(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no editor here"):
        await call(TOOLS["get_diagnostics"], tool_context(tmp_path))
