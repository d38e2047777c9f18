"""Paths that a call comes upon while it is prepared are judged like those that its arguments name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from roo_lsp.agent.approval import Act, Ask, Refuse
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.tool import AnyTool, Arguments, Invocation, Target, ToolContext
from tests.support.scripted import ScriptedPolicy, calls, rig, says, tool

FOUND = Target(Path("/w/found.py"), "write")


@dataclass
class Keeps(ScriptedPolicy):
    """A policy that refuses one path, and keeps what it was asked about."""

    refused: Path | None = None
    judged: list[Sequence[Target]] = field(default_factory=list)

    def pin(self, act: Act) -> Refuse | None:
        refused = self.refused in [each.path for each in act.targets]
        return Refuse("not that one") if refused else None

    def judge(self, act: Act) -> Any:
        self.judged.append(act.targets)
        return Ask("it writes", "")


def finding(run: Callable[[str], Any]) -> AnyTool:
    """A tool that comes upon a path that its arguments do not name."""
    plain = tool("t", run, group="edit")

    async def prepare(arguments: Arguments, context: ToolContext) -> Invocation:
        return replace(await plain.prepare(arguments, context), targets=(FOUND, FOUND))

    return replace(plain, prepare=prepare)


async def test_what_was_found_may_be_refused_before_anything_is_shown() -> None:
    ran: list[str] = []
    policy = Keeps(refused=FOUND.path)
    it = rig(calls(("t", '{"word": "x"}')), says("ok"), tools=[finding(ran.append)], policy=policy)
    await run_turn(it.agent)
    assert it.results == ["not that one"]
    assert (ran, it.people.asked) == ([], [])


async def test_what_was_found_is_judged_and_asked_once() -> None:
    policy = Keeps()
    it = rig(calls(("t", '{"word": "x"}')), says("ok"), tools=[finding(str)], policy=policy)
    await run_turn(it.agent)
    assert set(policy.judged) == {(FOUND,)}
    assert len(it.people.asked) == 1
