"""Every path of `path_attacks.py`, through the real gate and policy, with real files."""

import json
import unicodedata
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from roo_lsp.agent.approval import Act, Decision, Gate, PermissionRequest
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import AnyTool, Invocation, ShowOutput, ToolContext, ToolResult
from roo_lsp.tools import (
    execute_command,
    list_files,
    read_file,
    search_files,
    write_to_file,
)
from roo_lsp.workspace.descriptors import remember_checked
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from roo_lsp.workspace.search import RipgrepSearcher
from roo_lsp.workspace.shell import Lists
from tests.support.tools import tool_context
from tests.workspace.path_attacks import ATTACKS, CANARY, Attack, Ground, Must, build

TOOLS: dict[str, AnyTool] = {
    "read": read_file.TOOL,
    "write": write_to_file.TOOL,
    "list": list_files.TOOL,
    "search": search_files.TOOL,
    "cwd": execute_command.TOOL,
}
OTHERS = {
    "read": {},
    "write": {"content": "mine\n"},
    "list": {"recursive": True},
    "search": {"regex": "."},
    "cwd": {"command": "ls"},
}


@dataclass
class Denier:
    """A user who says no, and what they were asked."""

    asked: list[PermissionRequest] = field(default_factory=list)

    async def approve(self, request: PermissionRequest) -> Decision:
        self.asked.append(request)
        return Decision("reject_once", "user")


@dataclass
class Outcome:
    """What came of a call."""

    was: Must
    text: str = ""
    """What the model is told."""
    shown: str = ""
    """The title that people see."""


def _failing(error: ToolError) -> Callable[[ShowOutput], Awaitable[ToolResult]]:
    async def run(output: ShowOutput) -> ToolResult:
        del output
        raise error

    return run


async def attempt(tool: AnyTool, arguments: str, gate: Gate, context: ToolContext) -> Outcome:
    """As `agent/calls.py` does it."""
    try:
        parsed = tool.parse(arguments)
        targets = tool.targets(parsed, context)
    except ToolError as error:
        return Outcome("refuse", error.text)
    if refusal := gate.pin(tool, targets):
        return Outcome("refuse", refusal.why)
    told = ""
    try:
        invocation = await tool.prepare(parsed, context)
    except ToolError as error:
        reveal = gate.may_reveal(targets)
        told = error.text if reveal else error.brief

        invocation = Invocation(tool.name, _failing(error))
    decision = await gate.decide(tool, "c1", targets, invocation)
    if not decision.allowed:
        assert isinstance(gate.approver, Denier)
        return Outcome("ask" if gate.approver.asked else "refuse", told + decision.feedback)
    if tool.name == "execute_command":
        return Outcome("allow")
    try:
        result = await invocation.run(lambda _: None)
    except ToolError as error:
        return Outcome("allow", error.text, invocation.title)
    return Outcome("allow", result.text, invocation.title)


@pytest.fixture(scope="module")
def ground(tmp_path_factory) -> Ground:
    return build(tmp_path_factory.mktemp("attacks"))


@pytest.fixture(autouse=True)
def nothing_is_checked() -> Iterator[None]:
    yield
    remember_checked({})


def theirs(ground: Ground) -> dict[str, object]:
    """Everything that no call may change without a question."""
    found: dict[str, object] = {}
    for folder in (ground.home, ground.state, ground.root / "ws-evil", ground.workspace / ".git"):
        for path in sorted(folder.rglob("*")):
            found[str(path)] = (path.lstat().st_ino, path.read_text() if path.is_file() else None)
    return found


def test_there_are_enough_and_each_has_its_name():
    assert len(ATTACKS) >= 300
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_what_must_hold_holds(ground, attack: Attack):
    before = theirs(ground)
    workspace = ground.workspace
    rules = Rules(edit=True, execute=True, commands=Lists(("ls",)), state_dir=ground.state)
    policy = WorkspacePolicy(rules, [workspace])
    context = tool_context(
        workspace,
        files=DiskFileSystem(ignore=policy.ignore),
        searcher=RipgrepSearcher(folders=[workspace], ignore=policy.ignore),
    )
    tool = TOOLS[attack.tool]
    place = {"cwd" if attack.tool == "cwd" else "path": ground.path(attack)}
    outcome = await attempt(
        tool, json.dumps(OTHERS[attack.tool] | place), Gate(policy, Denier()), context
    )
    assert outcome.was == attack.must
    assert CANARY not in outcome.text
    assert not [each for each in outcome.shown if unicodedata.category(each) in {"Cc", "Cf"}]
    assert theirs(ground) == before


def test_what_is_asked_names_where_it_really_leads(ground):
    policy = WorkspacePolicy(Rules(), [ground.workspace])
    tool = TOOLS["write"]
    parsed = tool.parse(json.dumps({"path": "chain/file", "content": ""}))
    targets = tool.targets(parsed, tool_context(ground.workspace))
    verdict = policy.judge(Act("edit", targets))
    assert str(Path(ground.home, "file")) in getattr(verdict, "why", "")
