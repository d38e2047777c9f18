"""An agent with the real tools, policy and disk in a folder, and a model that a test plays."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from roo_lsp.agent.approval import Gate
from roo_lsp.agent.guards import Limits
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage
from roo_lsp.agent.ports import ChatRequest, Delta
from roo_lsp.agent.tool import FileLimits, TodoList, ToolContext, Workspace
from roo_lsp.tools import all_tools
from roo_lsp.workspace.commands import ShellRunner
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from roo_lsp.workspace.search import RipgrepSearcher
from roo_lsp.workspace.shell import Lists
from roo_lsp.workspace.sight import PolicySight
from tests.support.scripted import AnswersWith, Rig, rig

TOOLS = {name: tool for name, tool in all_tools().items() if tool.needs is None}
FREE = Rules(edit=True, execute=True, commands=Lists(("*",), ()))
"""Everything in the workspace is approved."""
TOO_MANY = 60
"""Requests after which a turn counts as one that does not end."""

Answer = Sequence[Delta] | Callable[[ChatRequest], Sequence[Delta]]


class DoesNotEnd(Exception):
    """The turn has made too many requests."""


@dataclass
class PlayedModel:
    """`ChatModel` that gives its answers in turn, and the last one for ever."""

    answers: list[Answer]
    requests: list[ChatRequest] = field(default_factory=list)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.requests.append(
            ChatRequest(request.system, list(request.messages), list(request.tools))
        )
        if len(self.requests) > TOO_MANY:
            raise DoesNotEnd
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        for delta in answer(request) if callable(answer) else answer:
            yield delta


@dataclass
class Workshop:
    """What came of a turn."""

    it: Rig
    folder: Path
    model: PlayedModel
    stop: str = ""

    @property
    def results(self) -> list[str]:
        return self.it.results

    @property
    def questions(self) -> int:
        """How often the user was asked anything."""
        return len(self.it.people.asked) + len(self.it.people.questions)

    @property
    def last(self) -> str:
        """The last text of the model, or said in its place."""
        said = [m for m in self.it.agent.history.messages if isinstance(m, AssistantMessage)]
        return said[-1].text

    def file(self, name: str) -> str | None:
        """The text of a file, every character as it is; None where there is none."""
        with suppress(FileNotFoundError):
            return (self.folder / name).read_bytes().decode()
        return None


async def turn(
    folder: Path,
    *answers: Answer,
    people: AnswersWith | None = None,
    rules: Rules = FREE,
    limits: Limits | None = None,
    **ports: Any,
) -> Workshop:
    """Play a turn to its end; one that does not end has the stop reason `does not end`."""
    people = people or AnswersWith(answers=["Stop"] * 100)
    it = rig(people=people, tools=list(TOOLS.values()), limits=limits)
    policy = WorkspacePolicy(rules, [folder])
    commands = ShellRunner(folder.parent / f"{folder.name}-outputs")
    given: dict[str, Any] = {
        "workspace": Workspace((folder,)),
        "files": DiskFileSystem(ignore=policy.ignore),
        "searcher": RipgrepSearcher(folders=(folder,), ignore=policy.ignore),
        "commands": commands,
        "asker": people,
        "todos": TodoList(),
        "limits": FileLimits(),
        "sight": PolicySight(policy),
    } | ports
    model = PlayedModel(list(answers))
    it.agent.model = model
    it.agent.gate = Gate(policy, people)
    it.agent.context = ToolContext(**given)
    workshop = Workshop(it, folder, model)
    try:
        workshop.stop = await run_turn(it.agent)
    except DoesNotEnd:
        workshop.stop = "does not end"
    finally:
        await commands.close()
    return workshop


numbers: Iterator[int] = count(1)


def fresh(answer: Sequence[Delta]) -> Sequence[Delta]:
    """The same answer with ids of its own, for one that is given again and again."""
    return [
        replace(each, id=f"again_{next(numbers)}") if getattr(each, "id", None) else each
        for each in answer
    ]
