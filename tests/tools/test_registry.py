"""What holds for every tool: its schema, its words, and that it names the paths it is about."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from roo_lsp.agent.approval import Act, Refuse
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.paths_meant import FIELDS
from roo_lsp.agent.tool import (
    AnyTool,
    Arguments,
    Invocation,
    Tool,
    ToolContext,
    ToolKind,
)
from roo_lsp.tools import all_tools
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from tests.support.tools import ScriptedAsker, tool_context

TOOLS = all_tools()
UNASKED = {
    "read_command_output",
    "update_todo_list",
    "ask_followup_question",
    "attempt_completion",
    "skill",
}
"""Tools that nobody is asked about, whatever the settings say: only what acts on nothing."""


def arguments(tool: AnyTool, **given) -> dict:
    """Arguments of a tool, something for each that is required."""
    fillers = {
        "diff": "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE",
        "patch": "*** Begin Patch\n*** Delete File: a\n*** End Patch",
        "follow_up": [],
        "todos": "- [ ] a",
    }
    required = tool.schema().get("required", [])
    return {name: fillers.get(name, "a") for name in required} | given


def with_paths() -> list[tuple[AnyTool, str]]:
    return [
        (tool, name)
        for tool in TOOLS.values()
        for name in tool.arguments.model_fields
        if name in FIELDS
    ]


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_what_a_tool_is_says_who_is_asked_and_what_waits_for_what(tool):
    groups = {
        ToolKind.READ: "read",
        ToolKind.SEARCH: "read",
        ToolKind.EDIT: "edit",
        ToolKind.EXECUTE: "execute",
        ToolKind.SWITCH_MODE: "subtask" if tool.name == "new_task" else "mode",
    }
    assert tool.group == ("always" if tool.name in UNASKED else groups.get(tool.kind))
    assert not (tool.parallel and tool.group in {"edit", "execute"})
    assert tool.parallel or tool.group != "read"


def test_all_schemas_together_stay_small():
    """Each request pays for them: shorten before you raise this."""
    sizes = {
        tool.name: len(json.dumps(spec(tool), separators=(",", ":"))) for tool in TOOLS.values()
    }
    assert max(sizes.values()) <= 1_000, sizes
    assert sum(sizes.values()) <= 590 * len(sizes), sizes


def spec(tool: AnyTool) -> dict:
    """What a request has of it."""
    told = {"name": tool.name, "description": tool.description, "parameters": tool.schema()}
    return {"type": "function", "function": told}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_tool_and_each_argument_is_described(tool):
    assert tool.description
    schema = tool.schema()
    assert schema["additionalProperties"] is False
    assert all(each.get("description") for each in schema["properties"].values())
    optional = set(schema["properties"]) - set(schema.get("required", []))
    assert all(isinstance(schema["properties"][name]["type"], str) for name in optional)


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_descriptions_name_no_tool_and_no_argument_that_is_not_there(tool):
    words = set(tool.description.replace(".", " ").replace(",", " ").replace(":", " ").split())
    known = set(TOOLS) | {n for each in TOOLS.values() for n in each.arguments.model_fields}
    named = {word.strip("`()") for word in words if "_" in word}
    assert named <= known | {"start_line"}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_wrong_argument_is_told_by_name(tool):
    with pytest.raises(ToolError) as caught:
        tool.parse(json.dumps(arguments(tool, no_such_argument=1)))
    assert "no_such_argument" in caught.value.text
    assert tool.name in caught.value.text


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_an_argument_that_a_tool_does_not_have_is_left_out_where_that_is_told(tool):
    ignored: list[str] = []
    given = json.dumps(arguments(tool, no_such_argument=1))
    assert tool.parse(given, ignored) == tool.parse(json.dumps(arguments(tool)))
    assert ignored == ["no_such_argument"]


@pytest.mark.parametrize("nothing", ["", "null", "None", None])
@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_the_words_that_models_write_for_null_are_null_where_an_argument_may_be_left_out(
    tool, nothing
):
    fields = tool.arguments.model_fields.items()
    optional = {name: nothing for name, info in fields if not info.is_required()}
    given = arguments(tool) | optional
    assert tool.parse(json.dumps(given)) == tool.parse(
        json.dumps({name: value for name, value in given.items() if name not in optional})
    )


def test_a_missing_argument_is_told_beside_the_name_that_may_have_meant_it():
    with pytest.raises(ToolError) as caught:
        TOOLS["read_file"].parse('{"file": "a.py"}', [])
    assert "path: Field required" in caught.value.text
    assert "file: Extra inputs are not permitted" in caught.value.text


class Place(Arguments):
    """Nested."""

    line: int = 1
    column: int | None = 7


class Given(Arguments):
    """Takes all kinds."""

    count: int = 3
    wanted: str | None
    places: tuple[Place, ...] = ()


def test_null_is_an_argument_that_is_left_out_where_it_may_be():
    async def nothing(arguments: Given, context: ToolContext) -> Invocation:
        raise NotImplementedError

    tool = Tool("t", ToolKind.OTHER, "always", Given, nothing)
    found = tool.parse(
        '{"count": null, "wanted": null, "places": [{"line": null, "column": null}]}'
    )
    assert found == Given(wanted=None, places=(Place(),))
    for wrong in ('{"count": null}', '{"wanted": "a", "nothing": null}', "null", "[null]"):
        with pytest.raises(ToolError):
            tool.parse(wrong)


@pytest.mark.parametrize(
    ("tool", "name"), with_paths(), ids=lambda each: getattr(each, "name", each)
)
def test_every_path_argument_is_a_target(tool, name, tmp_path):
    context = tool_context(tmp_path)
    for asked in ("some/where", "../up", "/etc/passwd", "~/x", "-x"):
        parsed = tool.parse(json.dumps(arguments(tool, **{name: asked})))
        targets = [target.path for target in tool.targets(parsed, context)]
        assert tmp_path / asked in targets


@pytest.mark.parametrize(
    ("tool", "name"), with_paths(), ids=lambda each: getattr(each, "name", each)
)
def test_a_link_out_of_the_workspace_is_seen_through_every_tool(tool, name, tmp_path):
    workspace, outside = tmp_path / "ws", tmp_path / "state"
    workspace.mkdir()
    outside.mkdir()
    (workspace / "link").symlink_to(outside)
    policy = WorkspacePolicy(Rules(edit=True, state_dir=outside), [workspace])
    context = tool_context(workspace)
    for asked in ("link/x", "../state/x", "/proc/self/environ"):
        parsed = tool.parse(json.dumps(arguments(tool, **{name: asked})))
        assert isinstance(policy.pin(Act(tool.group, tool.targets(parsed, context))), Refuse)


class Touching:
    """A disk that keeps which paths it was asked about."""

    def __init__(self) -> None:
        self.touched: set[Path] = set()

    def __getattr__(self, name):
        def asked(*given, **options):
            self.touched.update(given[:1])
            return getattr(DiskFileSystem(), name)(*given, **options)

        return asked


def with_texts() -> list[tuple[AnyTool, str]]:
    return [
        (tool, name)
        for tool in TOOLS.values()
        for name, schema in tool.schema()["properties"].items()
        if "string" in json.dumps(schema["type"]) and tool.kind is not ToolKind.EXECUTE
    ]


@pytest.mark.parametrize(
    ("tool", "name"), with_texts(), ids=lambda each: getattr(each, "name", each)
)
async def test_whatever_an_argument_is_called_no_file_is_looked_at_that_is_no_target(
    tool, name, tmp_path
):
    """An argument that is a path and is not called as one would be found out here."""
    workspace = tmp_path / "ws"
    workspace.mkdir()
    for each in (workspace / "a", tmp_path / "beside"):
        each.write_text("a\n")
    files = Touching()
    context = tool_context(workspace, files=files, asker=ScriptedAsker(["a"]))
    with suppress(ToolError):
        parsed = tool.parse(json.dumps(arguments(tool, **{name: "../beside"})))
        targets = {target.path for target in tool.targets(parsed, context)}
        with suppress(ToolError):
            await (await tool.prepare(parsed, context)).run(lambda _: None)
        assert files.touched <= targets


@pytest.mark.parametrize("tool", [t for t in TOOLS.values() if t.kind == ToolKind.EDIT])
def test_what_edits_wants_to_write(tool, tmp_path):
    parsed = tool.parse(json.dumps(arguments(tool)))
    [target] = tool.targets(parsed, tool_context(tmp_path))
    assert target.access == "write"


@pytest.mark.parametrize("path", ["", "  ", "a\0b", "x" * 5000])
@pytest.mark.parametrize(
    ("tool", "name"), with_paths(), ids=lambda each: getattr(each, "name", each)
)
def test_what_cannot_be_a_path_is_told(tool, name, path, tmp_path):
    if not path and not tool.arguments.model_fields[name].is_required():
        pytest.skip("as null")
    parsed = tool.parse(json.dumps(arguments(tool, **{name: path})))
    with pytest.raises(ToolError):
        tool.targets(parsed, tool_context(Path(tmp_path)))
