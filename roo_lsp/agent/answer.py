"""One answer of the model: streamed as events while it comes, whole and checked when it is there."""

import json
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from roo_lsp.agent.assembly import (
    Assembly,
    CallBegan,
    CallGrew,
    ReasoningPiece,
    Reset,
    TextPiece,
)
from roo_lsp.agent.conversation import Agent, Brief
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
    UsageUpdated,
)
from roo_lsp.agent.messages import AssistantMessage
from roo_lsp.agent.ports import ChatRequest
from roo_lsp.agent.tool import ToolKind
from roo_lsp.agent.usage import estimated_usage


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
    assembly = Assembly(taken=agent.history.call_ids(), tools=brief.tools)
    request = ChatRequest(brief.system, agent.history.messages, brief.specs)
    begun: dict[str, str] = {}
    complete = False
    try:
        async with aclosing(agent.model.stream(request)) as deltas:
            async for delta in deltas:
                for piece in assembly.add(delta):
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
