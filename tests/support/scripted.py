"""A model that says what a test wrote, tools that do what a test wants, and an agent around them."""

from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.agent.approval import (
    Act,
    Allow,
    Approver,
    Ask,
    Decision,
    Gate,
    PermissionRequest,
    Refuse,
)
from roo_lsp.agent.conversation import Agent, Brief, History
from roo_lsp.agent.events import AgentEvent
from roo_lsp.agent.guards import Limits
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import (
    ChatRequest,
    Delta,
    Finished,
    TextDelta,
    ToolCallFragment,
    ToolSpec,
)
from roo_lsp.agent.tool import (
    AnyTool,
    Arguments,
    Invocation,
    Target,
    TodoList,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
    Workspace,
)
from roo_lsp.agent.usage import Price
from roo_lsp.workspace.disk import DiskFileSystem


def says(text: str, finish: str = "stop") -> list[Delta]:
    """An answer of text."""
    return [TextDelta(text), Finished(finish)]


def calls(*made: tuple[str, str], finish: str = "tool_calls", first_id: int = 1) -> list[Delta]:
    """An answer of calls, each a tool's name and its arguments as JSON."""
    fragments: list[Delta] = [
        ToolCallFragment(index, f"call_{first_id + index}", name, arguments)
        for index, (name, arguments) in enumerate(made)
    ]
    return [*fragments, Finished(finish)]


@dataclass
class ScriptedModel:
    """`ChatModel` that gives its answers in turn; an exception in one is raised there."""

    answers: list[Sequence[Delta | BaseException | Callable[[], Any]]]
    requests: list[ChatRequest] = field(default_factory=list)
    closed: int = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.requests.append(
            ChatRequest(request.system, list(request.messages), list(request.tools))
        )
        try:
            for item in self.answers.pop(0):
                if isinstance(item, BaseException):
                    raise item
                if callable(item):
                    await item()
                else:
                    yield item
        finally:
            self.closed += 1


@dataclass
class AnswersWith:
    """`Approver` and `Asker` with fixed answers."""

    outcome: Any = "allow_once"
    feedback: str = ""
    answers: list[str] = field(default_factory=list)
    asked: list[PermissionRequest] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    async def approve(self, request: PermissionRequest) -> Decision:
        self.asked.append(request)
        return Decision(self.outcome, "test", self.feedback)

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        self.questions.append(question)
        return self.answers.pop(0)


@dataclass
class ScriptedPolicy:
    """`Policy` that answers by tool group."""

    verdicts: dict[str, Allow | Ask | Refuse] = field(default_factory=dict)
    remembered: list[str] = field(default_factory=list)
    real: Callable[[], tuple[Path, ...]] = tuple
    place: Callable[[], Hashable] = tuple

    def pin(self, act: Act) -> Refuse | None:
        return None

    def judge(self, act: Act) -> Allow | Ask | Refuse:
        return self.verdicts.get(act.group, Allow())

    def remember(self, act: Act, outcome: str) -> None:
        self.remembered.append(outcome)

    def resolved(self, targets: Sequence[Target]) -> tuple[Path, ...]:
        return self.real()

    def confines(self) -> bool:
        return True

    def places(self, targets: Sequence[Target]) -> Hashable:
        return self.place()


class Word(Arguments):
    """Takes a word."""

    word: str = ""


def tool(
    name: str,
    run: Callable[[str], Any] = str,
    *,
    group: Any = "always",
    parallel: bool = False,
    ends_turn: bool = False,
    prepare: Callable[[str], None] = lambda word: None,
    **says: Any,
) -> AnyTool:
    """A tool whose result is what `run` makes of its word."""

    async def prepared(arguments: Word, context: ToolContext) -> Invocation:
        prepare(arguments.word)

        async def act(output: Callable[[str], None]) -> ToolResult:
            result = run(arguments.word)
            if hasattr(result, "__await__"):
                result = await result
            return ToolResult(str(result), ends_turn=ends_turn)

        return Invocation(f"{name} {arguments.word}", act)

    return Tool(name, ToolKind.OTHER, group, Word, prepared, parallel=parallel, **says)


@dataclass
class Rig:
    """An agent with everything around it at hand."""

    agent: Agent
    model: ScriptedModel
    people: AnswersWith
    policy: ScriptedPolicy
    events: list[AgentEvent]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def results(self) -> list[str]:
        return [m.text for m in self.agent.history.messages if type(m).__name__ == "ToolMessage"]


def rig(
    *answers: Sequence[Any],
    tools: Sequence[AnyTool] = (),
    limits: Limits | None = None,
    people: AnswersWith | None = None,
    policy: ScriptedPolicy | None = None,
    approver: Approver | None = None,
    prompt: str = "Do it",
) -> Rig:
    """An agent that hears `prompt` and gets these answers from its model."""
    model, people, policy = (
        ScriptedModel(list(answers)),
        people or AnswersWith(),
        policy or ScriptedPolicy(),
    )
    events: list[AgentEvent] = []
    named = {each.name: each for each in tools}
    brief = Brief(
        "system",
        named,
        [ToolSpec(each.name, each.description, each.schema()) for each in tools],
        100_000,
        Price(input=1, output=2),
        limits or Limits(),
    )
    nothing: Any = None
    agent = Agent(
        model=model,
        gate=Gate(policy, approver or people),
        context=ToolContext(
            Workspace((Path("/w"),)), DiskFileSystem(), nothing, nothing, people, TodoList()
        ),
        history=History(lambda message: None),
        emit=events.append,
        brief=lambda: brief,
    )
    if prompt:
        agent.inbox.append(UserMessage(prompt))
    return Rig(agent, model, people, policy, events)
