"""One answer of the model: streamed as events while it comes, whole and checked when it is there."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from roo_lsp.agent.arguments import BadArguments, read_arguments
from roo_lsp.agent.assembly import (
    AnswerProgress,
    Assembly,
    CallBegan,
    CallGrew,
    ReasoningPiece,
    Reset,
    TextPiece,
)
from roo_lsp.agent.columns import one_line
from roo_lsp.agent.conversation import CALL_NATIVELY, Agent, Brief
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    AgentThoughtChunk,
    ModelAtWork,
    Retrying,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
)
from roo_lsp.agent.growing import GrowingCall
from roo_lsp.agent.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from roo_lsp.agent.ports import AskedAgain, ChatRequest
from roo_lsp.agent.printed import printed_call
from roo_lsp.agent.silence import (
    MAKE_THE_CALL,
    PERIOD,
    ROUNDS,
    SAY_SOMETHING,
    STOP_REPEATING,
    Endless,
    only_announces,
)
from roo_lsp.agent.tool import ToolKind
from roo_lsp.agent.vocabulary import in_our_words

MAX_CALLS = 32
"""Calls of one answer that are run; a model that makes more has lost count."""
MAX_NAMES = 20
"""Files that are named for a model that has fallen silent."""
MAX_PARTIAL = 32_000
"""Characters that are kept of a text that broke off."""

CUT_OFF = (
    "Your answer was cut off by the output limit in the middle of this call's arguments, so it was "
    "not run. Make the call smaller, or do the work in several calls."
)
TOO_MANY = f"Not run: at most {MAX_CALLS} calls of one answer are. Make it again if it is needed."
UNREADABLE = (
    "The arguments of this {name} call could not be read: {why}. "
    "Nothing was run. Make the call again with one valid JSON object."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `not_run` has what the model is told of calls that cannot be run, by id."""

    message: AssistantMessage
    finish_reason: str | None
    not_run: Mapping[str, str]


async def ask_model(agent: Agent, brief: Brief) -> Answer:
    """The model's next answer, streamed as events; asked for once more if it is of no use.

    A model that says nothing twice after its calls has ended the turn: what they changed is said.

    Raises:
        RooError: the endpoint's; `provider_error` for two empty answers to the user's words or two
            that do not end, and `tool_calling_unsupported` for two with a call that is only text.
    """
    asked: set[Trouble] = set()
    while True:
        assembly = await _stream(agent, brief)
        trouble, form = _trouble(agent, brief, assembly)
        if trouble == "announced" and (agent.turn.announced or agent.inbox):
            trouble = None
        if trouble is None:
            return _checked(assembly, brief)
        if trouble in asked:
            return _given_up(agent, assembly, trouble, form)
        asked.add(trouble)
        _ask_again(agent, assembly, trouble, form)


Trouble = Literal["printed", "endless", "silent", "empty", "announced"]


def _trouble(agent: Agent, brief: Brief, assembly: Assembly) -> tuple[Trouble | None, str]:
    """Why the answer is of no use, and for a printed call its form."""
    if assembly.endless:
        return "endless", ""
    if form := _printed(assembly, brief):
        return "printed", form
    if _empty(assembly):
        last = agent.history.messages[-1]
        worked = isinstance(last, ToolMessage) or last == UserMessage(SAY_SOMETHING)
        return "silent" if worked else "empty", ""
    message = assembly.message()
    if brief.tools and not message.calls and only_announces(message.text):
        return "announced", ""
    return None, ""


def _ask_again(agent: Agent, assembly: Assembly, trouble: Trouble, form: str) -> None:
    """Say to the model, in words, what it is to do instead."""
    message = assembly.message()
    match trouble:
        case "printed":
            _keep_printed(agent, assembly)
            reason = f"The model wrote a tool call as text ({form}), which is never executed"
            agent.emit(Retrying(1, 2, 0, f"{reason}. It is asked to call natively."))
        case "endless":
            _keep_text(agent, message.text[: -PERIOD * ROUNDS], "was stopped: it repeated itself")
            agent.history.append(UserMessage(STOP_REPEATING))
            agent.emit(Retrying(1, 2, 0, "The model repeated the same text over and over."))
        case "silent":
            agent.history.append(UserMessage(SAY_SOMETHING))
            agent.emit(Retrying(1, 2, 0, "The model's answer was empty. It is asked to go on."))
        case "announced":
            agent.turn.announced = True
            agent.history.append(message)
            agent.history.append(UserMessage(MAKE_THE_CALL))
            agent.emit(Retrying(1, 2, 0, "The model only said what it would do. It is asked to."))
        case _:  # an answer to the user's words that is empty: the same request is made again
            pass


def _given_up(agent: Agent, assembly: Assembly, trouble: Trouble, form: str) -> Answer:
    """What comes of an answer that is of no use for the second time."""
    match trouble:
        case "printed":
            _keep_printed(agent, assembly, ask=False)
            raise RooError(
                "tool_calling_unsupported",
                f"The model wrote its tool calls as text twice ({form}), which is never executed.",
                "Set the tool parser that fits the model at its server (vLLM: "
                "--enable-auto-tool-choice --tool-call-parser; llama.cpp: --jinja), or choose a "
                "model with native tool calling (roo.provider.modelId).",
            )
        case "endless":
            raise RooError(
                "provider_error",
                "The model repeated the same text over and over, twice; it was stopped.",
                "Raise roo.provider.temperature or set a repetition penalty at its server, or try "
                "another model.",
            )
        case "silent":
            text = _closing(agent)
            agent.emit(AgentMessageChunk(text))
            return Answer(AssistantMessage(text), assembly.finish_reason, {})
        case _:
            raise _nothing(assembly)


def _closing(agent: Agent) -> str:
    """What is said in the place of a model that has fallen silent."""
    names = [one_line(agent.context.workspace.show(path)) for path in agent.turn.changed]
    if not names:
        return "(The model said nothing more. Nothing was changed in this turn by its edits.)"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return f"(The model said nothing more. Changed in this turn: {', '.join(names[:MAX_NAMES])}{more}.)"


def _printed(assembly: Assembly, brief: Brief) -> str | None:
    """The form of a call that is only text, in the answer or, where that is empty, in reasoning."""
    message = assembly.message()
    return (
        None
        if message.calls
        else printed_call(message.text.strip() or message.reasoning, brief.tools)
    )


def _keep_printed(agent: Agent, assembly: Assembly, *, ask: bool = True) -> None:
    """The answer stays said, as far as there are words in it, and is answered."""
    message = assembly.message()
    if message.text.strip():
        agent.history.append(message)
    if ask:
        agent.history.append(UserMessage(CALL_NATIVELY))


def _nothing(assembly: Assembly) -> RooError:
    if assembly.finish_reason == "length" and assembly.message().reasoning:
        return RooError(
            "provider_error",
            "The model reached its output limit twice while it was still thinking.",
            "Raise roo.model.maxOutputTokens, or the limit at its server (Ollama: num_predict and "
            "num_ctx), or let it think less (roo.provider.reasoningEffort).",
        )
    return RooError(
        "provider_error",
        f"The model answered twice with nothing at all (finish_reason: {assembly.finish_reason}).",
        "Try another model, or say more in your next message.",
    )


def _checked(assembly: Assembly, brief: Brief) -> Answer:
    """The answer with each call as it will be run, in our words, or why the call will not be."""
    message, not_run = assembly.message(), dict[str, str]()
    spelt = assembly.spelt()
    calls: list[ToolCall] = []
    for number, call in enumerate(message.calls, 1):
        name, arguments = call.name, "{}"
        cut = assembly.finish_reason == "length" and number == len(message.calls)
        try:
            arguments = read_arguments(call.arguments)
            ours = in_our_words(spelt[call.id], arguments, brief.tools)
            name, arguments = ours or (name, arguments)
        except BadArguments as why:
            not_run[call.id] = UNREADABLE.format(name=call.name, why=why)
        if number > MAX_CALLS:
            not_run[call.id] = TOO_MANY
        elif cut and arguments == "{}":  # unreadable, or not begun
            not_run[call.id] = CUT_OFF
        calls.append(replace(call, name=name, arguments=arguments))
    return Answer(replace(message, calls=tuple(calls)), assembly.finish_reason, not_run)


async def _stream(agent: Agent, brief: Brief) -> Assembly:
    assembly = Assembly(taken=agent.history.call_ids(), tools=brief.tools)
    request = ChatRequest(
        brief.system,
        agent.history.messages,
        brief.specs,
        lambda at: agent.emit(ModelAtWork(at.seconds, at.tokens, at.per_second)),
    )
    begun: dict[str, GrowingCall] = {}
    said, written = Endless(), Endless(2 * ROUNDS)
    complete = False
    try:
        async with aclosing(agent.model.stream(request)) as deltas:
            async for delta in deltas:
                for piece in assembly.add(delta):
                    _show(agent, brief, piece, begun)
                    assembly.endless |= _repeats(piece, said, written)
                if assembly.endless:
                    break
        complete = True
    finally:
        if not complete:
            _abandon(agent, begun, "The answer broke off before this call was complete.")
            _keep_text(agent, assembly.message().text, "broke off here")
    if assembly.endless:
        _abandon(agent, begun, "The answer was stopped: it repeated itself.")
    message, sent = assembly.message(), agent.request_size(brief)
    usage = agent.gauge.usage(assembly.usage, sent, message)
    agent.gauge.answered(usage, sent, message, brief.context_window)
    agent.charge(brief, usage, usage.input_tokens + usage.output_tokens)
    return assembly


def _repeats(piece: AnswerProgress, said: Endless, written: Endless) -> bool:
    match piece:
        case TextPiece(text) | ReasoningPiece(text):
            return said.add(text)
        case CallGrew():
            return written.add(piece.delta_text)
        case _:
            return False


def _show(
    agent: Agent,
    brief: Brief,
    piece: AnswerProgress,
    begun: dict[str, GrowingCall],
) -> None:
    match piece:
        case TextPiece(text):
            agent.emit(AgentMessageChunk(text))
        case ReasoningPiece(text):
            agent.emit(AgentThoughtChunk(text))
        case CallBegan(call_id, name):
            tool = brief.tools.get(name)
            begun[call_id] = GrowingCall(name, tool.doing if tool and tool.writes else "")
            kind, quiet = (tool.kind, tool.told_elsewhere) if tool else (ToolKind.OTHER, False)
            agent.emit(ToolCallStarted(call_id, name, kind, quiet))
        case CallGrew(call_id, name, delta, size):
            call = begun[call_id]
            call.add(delta)
            agent.emit(ToolCallArguments(call_id, delta, size, name, call.title, call.lines))
        case AskedAgain(reason):
            agent.emit(Retrying(1, 2, 0, reason))
        case Reset():
            _abandon(agent, begun, "The stream broke; the model is asked again.")
        case _:
            assert_never(piece)


def _abandon(agent: Agent, begun: dict[str, GrowingCall], why: str) -> None:
    for call_id, call in begun.items():
        agent.emit(ToolCallUpdated(call_id, "failed", title=call.name, text=why))
    begun.clear()


def _keep_text(agent: Agent, text: str, how: str) -> None:
    """What the user has read of an answer that came to no end stays said; its calls do not."""
    text = text[:MAX_PARTIAL]
    if text.strip():
        agent.history.append(AssistantMessage(text=f"{text}\n\n(This answer {how}.)"))


def _empty(assembly: Assembly) -> bool:
    message = assembly.message()
    return not message.calls and not message.text.strip()
