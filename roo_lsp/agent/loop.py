"""The turn: ask the model, run the calls it makes, tell it the results, until it is done.

Read `run_turn` first; what follows it are its steps, in order. Features are not written in here:
they wrap a port (see `roo_lsp/README.md`).
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from roo_lsp.agent.approval import Gate
from roo_lsp.agent.assembly import (
    Assembly,
    CallBegan,
    CallGrew,
    ReasoningPiece,
    Reset,
    TextPiece,
)
from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    EventSink,
    StopReason,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
    UsageUpdated,
    UserMessageChunk,
)
from roo_lsp.agent.guards import Budget, Limits, Repetition
from roo_lsp.agent.messages import (
    AssistantMessage,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import ChatModel, ChatRequest, ToolSpec
from roo_lsp.agent.tool import AnyTool, ToolContext, ToolKind, ToolResult
from roo_lsp.agent.usage import Price, estimated_usage

log = logging.getLogger(__name__)

CANCELLED = "The user cancelled the task before this call finished."
NOT_RUN = "Not run, because the user denied an earlier call of the same answer."
CUT_OFF = (
    "Your answer was cut off by the output limit in the middle of this call's arguments, so it was "
    "not run. Make the call smaller, or do the work in several calls."
)
TEXT_CUT_OFF = "(Your last answer was cut off by the output limit.)"


@dataclass(frozen=True, slots=True)
class Brief:
    """What holds for one request: the model's instructions and tools, and what it may cost."""

    system: str
    tools: Mapping[str, AnyTool]
    specs: Sequence[ToolSpec]
    context_window: int
    price: Price
    limits: Limits


@dataclass(slots=True)
class History:
    """The messages of a task; each one is passed to `on_append` as it is added."""

    on_append: Callable[[Message], None]
    messages: list[Message] = field(default_factory=list[Message])

    def append(self, message: Message) -> None:
        self.messages.append(message)
        self.on_append(message)

    def call_ids(self) -> set[str]:
        """The ids that calls have in this task already."""
        return {
            call.id
            for message in self.messages
            if isinstance(message, AssistantMessage)
            for call in message.calls
        }


@dataclass(slots=True)
class Agent:
    """One task's agent: its ports, its history, and what the user said meanwhile."""

    model: ChatModel
    gate: Gate
    context: ToolContext
    history: History
    emit: EventSink
    brief: Callable[[], Brief]
    """Asked before each request, so that a change of mode or settings counts from the next one."""
    inbox: deque[UserMessage] = field(default_factory=deque[UserMessage])
    budget: Budget = field(default_factory=Budget)
    repetition: Repetition = field(default_factory=Repetition)
    cut_off: bool = False
    """True while the last answer was text that the output limit cut off."""


async def run_turn(agent: Agent) -> StopReason:
    """Work until the model is done or something stops it; the history is valid afterwards.

    Raises:
        RooError: the endpoint could not be used; what was said so far stays in the history.
    """
    while True:
        take_inbox(agent)
        brief = agent.brief()
        if not await within_limits(agent, brief.limits):
            return "max_turn_requests"
        answer = await ask_model(agent, brief)
        message = answer.message
        agent.history.append(message)
        if not message.calls:
            agent.cut_off = answer.finish_reason == "length"
            if agent.inbox:
                continue
            return _stop_reason(answer.finish_reason)
        done = await run_calls(agent, brief.tools, answer)
        if done and not agent.inbox:
            return "end_turn"


def take_inbox(agent: Agent) -> None:
    """What the user said goes into the history and is shown."""
    while agent.inbox:
        message = agent.inbox.popleft()
        agent.emit(UserMessageChunk(message.text))
        if agent.cut_off:
            message = replace(message, text=f"{TEXT_CUT_OFF}\n\n{message.text}")
            agent.cut_off = False
        agent.history.append(message)


async def within_limits(agent: Agent, limits: Limits) -> bool:
    """True to go on; where a limit is reached the user decides, and what they add is passed on."""
    question = agent.budget.question(limits)
    if question is None:
        return True
    answer = await agent.context.asker.ask(question, ["Continue", "Stop"])
    if answer.strip().lower() in {"stop", "no", ""}:
        return False
    agent.budget.grant()
    agent.repetition.forget()
    if answer.strip().lower() not in {"continue", "yes"}:
        agent.inbox.append(UserMessage(answer))
        take_inbox(agent)
    return True


# --- the model's answer ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `broken` tells which calls have arguments that are no JSON object, and why."""

    message: AssistantMessage
    finish_reason: str | None
    broken: Mapping[str, str]


async def ask_model(agent: Agent, brief: Brief) -> Answer:
    """The model's next answer, streamed as events; an empty one is asked for once more."""
    assembly = await _stream(agent, brief)
    if _empty(assembly):
        assembly = await _stream(agent, brief)
        if _empty(assembly):
            raise RooError(
                "provider_error",
                "The model answered twice with nothing at all "
                f"(finish_reason: {assembly.finish_reason}).",
                "Try another model, or say more in your next message.",
            )
    message = assembly.message()
    broken = {call.id: why for call in message.calls if (why := _broken(call.arguments))}
    calls = tuple(
        replace(call, arguments="{}") if call.id in broken else call for call in message.calls
    )
    return Answer(replace(message, calls=calls), assembly.finish_reason, broken)


async def _stream(agent: Agent, brief: Brief) -> Assembly:
    assembly = Assembly(taken=agent.history.call_ids())
    request = ChatRequest(brief.system, agent.history.messages, brief.specs)
    begun: dict[str, str] = {}
    complete = False
    try:
        async with aclosing(agent.model.stream(request)) as deltas:  # pyright: ignore[reportArgumentType, reportUnknownVariableType] -- a generator by contract: closing it hangs up
            async for delta in deltas:  # pyright: ignore[reportUnknownVariableType]
                for piece in assembly.add(delta):  # pyright: ignore[reportUnknownArgumentType]
                    _show(agent, brief, piece, begun)
        complete = True
    finally:
        if not complete:
            _abandon(agent, begun, "The answer broke off before this call was complete.")
            _keep_partial_text(agent, assembly)
    usage = assembly.usage or estimated_usage(request, assembly.message())
    agent.budget.spend(usage, brief.price)
    agent.emit(
        UsageUpdated(
            usage,
            used=usage.input_tokens + usage.output_tokens,
            size=brief.context_window,
            cost=agent.budget.total_cost,
        )
    )
    return assembly


def _show(
    agent: Agent,
    brief: Brief,
    piece: TextPiece | ReasoningPiece | CallBegan | CallGrew | Reset,
    begun: dict[str, str],
) -> None:
    match piece:
        case TextPiece(text):
            agent.emit(AgentMessageChunk(text))
        case ReasoningPiece(text):
            agent.emit(AgentThoughtChunk(text))
        case CallBegan(call_id, name):
            begun[call_id] = name
            tool = brief.tools.get(name)
            agent.emit(ToolCallStarted(call_id, name, tool.kind if tool else ToolKind.OTHER))
        case CallGrew(call_id, name, delta, size):
            agent.emit(ToolCallArguments(call_id, delta, size, name))
        case Reset():
            _abandon(agent, begun, "The stream broke; the model is asked again.")


def _abandon(agent: Agent, begun: dict[str, str], why: str) -> None:
    for call_id, name in begun.items():
        agent.emit(ToolCallUpdated(call_id, "failed", title=name, text=why))
    begun.clear()


def _keep_partial_text(agent: Agent, assembly: Assembly) -> None:
    """What the user has read of an answer that broke off stays said; its calls do not."""
    text = assembly.message().text
    if text.strip():
        agent.history.append(AssistantMessage(text=f"{text}\n\n(This answer broke off here.)"))


def _empty(assembly: Assembly) -> bool:
    message = assembly.message()
    return not message.calls and not message.text.strip()


def _broken(arguments: str) -> str:
    """Why the arguments are no JSON object, or nothing."""
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError) as error:
        return f"they are not valid JSON: {error}"
    return "" if isinstance(value, dict) else "they are JSON, but not an object"


def _stop_reason(finish_reason: str | None) -> StopReason:
    match finish_reason:
        case "length":
            return "max_tokens"
        case "content_filter":
            return "refusal"
        case _:
            return "end_turn"


# --- its calls ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """How one call ended: what the model is told, and what that means for the turn."""

    message: ToolMessage
    denied: bool = False
    done: bool = False


async def run_calls(agent: Agent, tools: Mapping[str, AnyTool], answer: Answer) -> bool:
    """Run an answer's calls, in order, reads together; True when one of them ends the turn.

    Each call gets exactly one result, in the order of the calls, whatever happens.
    """
    calls = answer.message.calls
    results: dict[str, Result] = {}
    try:
        for batch in _batches(calls, tools):
            if any(result.denied for result in results.values()):
                for call in batch:
                    agent.emit(ToolCallUpdated(call.id, "failed", title=call.name, text=NOT_RUN))
                    results[call.id] = Result(ToolMessage(call.id, NOT_RUN, failed=True))
                continue
            if len(batch) == 1:
                results[batch[0].id] = await run_call(agent, tools, answer, batch[0])
                continue
            async with asyncio.TaskGroup() as group:
                running = {
                    call.id: group.create_task(run_call(agent, tools, answer, call))
                    for call in batch
                }
            results |= {call_id: task.result() for call_id, task in running.items()}
    finally:
        for call in calls:
            if call.id not in results:
                agent.emit(ToolCallUpdated(call.id, "failed", title=call.name, text=CANCELLED))
            result = results.get(call.id) or Result(ToolMessage(call.id, CANCELLED, failed=True))
            agent.history.append(result.message)
    return any(result.done for result in results.values())


def _batches(calls: Iterable[ToolCall], tools: Mapping[str, AnyTool]) -> list[list[ToolCall]]:
    """The calls in order, neighbours that may run beside each other together."""
    batches: list[list[ToolCall]] = []
    beside = False
    for call in calls:
        parallel = call.name in tools and tools[call.name].parallel
        if parallel and beside:
            batches[-1].append(call)
        else:
            batches.append([call])
        beside = parallel
    return batches


async def run_call(
    agent: Agent, tools: Mapping[str, AnyTool], answer: Answer, call: ToolCall
) -> Result:
    """One call: prepare, ask, run; every failure but cancellation is a result."""
    title = call.name
    try:
        if call.id in answer.broken:
            raise ToolError(_broken_call(answer, call))
        if call.name not in tools:
            raise ToolError(
                f"There is no tool {call.name!r} here. The tools are: {', '.join(sorted(tools))}."
            )
        if complaint := agent.repetition.complaint(call):
            raise ToolError(complaint)
        tool = tools[call.name]
        arguments = tool.parse(call.arguments)
        targets = tool.targets(arguments, agent.context)
        if refusal := agent.gate.admit(tool, targets):
            raise ToolError(refusal.why)
        try:
            invocation = await tool.prepare(arguments, agent.context)
        except ToolError as error:
            reveal = not targets or agent.gate.may_reveal(targets)
            raise ToolError(error.text if reveal else error.brief) from error
        title = invocation.title
        agent.emit(
            ToolCallUpdated(
                call.id,
                "pending",
                title=title,
                raw_input=json.loads(call.arguments),
                diffs=invocation.diffs,
                locations=invocation.locations,
            )
        )
        decision = await agent.gate.decide(tool, call.id, targets, invocation)
        if not decision.allowed:
            by_user = decision.by != "policy"
            text = "The user denied this call." if by_user else decision.feedback
            if by_user and decision.feedback:
                text += f" They said: {decision.feedback}"
            agent.emit(ToolCallUpdated(call.id, "failed", title=title, text=text))
            return Result(ToolMessage(call.id, text, failed=True), denied=by_user)
        agent.emit(ToolCallUpdated(call.id, "in_progress", title=title))
        result = await invocation.run(
            lambda output: agent.emit(
                ToolCallUpdated(call.id, "in_progress", title=title, output=output)
            )
        )
        if decision.feedback and decision.by != "policy":
            result = replace(
                result, text=f"{result.text}\n\nThe user approved and said: {decision.feedback}"
            )
    except ToolError as error:
        result = ToolResult(error.text, failed=True)
    except Exception:
        log.exception("tool %s failed with a bug", call.name)
        result = ToolResult("The tool failed with an internal error of roo-lsp.", failed=True)
    return _finish(agent, call, title, result)


def _finish(agent: Agent, call: ToolCall, title: str, result: ToolResult) -> Result:
    agent.budget.call_ended(failed=result.failed)
    agent.repetition.saw(call, result.text)
    agent.emit(
        ToolCallUpdated(
            call.id,
            "failed" if result.failed else "completed",
            title=title,
            text=result.text,
            diffs=result.diffs,
            locations=result.locations,
            meta=result.meta,
        )
    )
    message = ToolMessage(call.id, result.text, failed=result.failed)
    return Result(message, done=result.ends_turn and not result.failed)


def _broken_call(answer: Answer, call: ToolCall) -> str:
    if answer.finish_reason == "length" and call is answer.message.calls[-1]:
        return CUT_OFF
    return (
        f"The arguments of this {call.name} call could not be read: {answer.broken[call.id]}. "
        "Nothing was run. Make the call again with one valid JSON object."
    )

