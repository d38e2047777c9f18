"""Keeping what the model is sent within its context, so that a task of any length goes on.

Before a request, when the context is nearly full, the oldest of the conversation is left out and a
text stands for it: with a summary by the model itself, or, where there is none, only with what we
know. The newest rounds stay as they are, calls with their results, and so does what the user wants.

Where an endpoint refuses a request as too long, its real window is learnt and there is less of it.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile

from roo_lsp.agent.answer import Answer, ask_model
from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.conversation import GO_ON, Agent, Brief
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import ConversationCondensed
from roo_lsp.agent.figures import count_text
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    Message,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import ChatRequest
from roo_lsp.agent.summary import SYSTEM, request_text, standing_text
from roo_lsp.agent.trimming import cut_read, trimmed, waterline
from roo_lsp.agent.usage import LEAST_ROOM, size_of

OVERFLOWS = 2
"""How often a request that was too long is made again with less."""
ANSWER_TOKENS = 8192
ANSWER_SHARE = 0.2
"""What is left free for an answer where no output limit is set: the smaller of the two."""
GOAL, FULL = 0.6, 0.85
"""Parts of the room that a condensed conversation should have, and may have for one large round."""
TEXT = 0.45
"""Part of the room for what stands for the messages that are left out, without a new summary."""
KEPT = 0.25
"""Part of the window that goes on beside a summary as it is."""
RESULTS = 0.4
"""Part of the room, which TEXT leaves of FULL, for the results of one answer; at most a third of
the window."""
TRIMMED = (
    "[… {left} characters of this result are left out: it is too long for the context. Ask for the "
    "rest in parts, as a range of lines or a narrower search …]"
)
SPARED = 10
"""A result is cut only where more than this part of it would go: the rest costs a request."""
NEXT_TIME_TOO = frozenset(
    {"connection_failed", "invalid_api_key", "model_not_found", "rate_limited", "settings_invalid"}
)
"""Failures that the next request would meet too: nothing is given up for them."""


async def ask_in_window(agent: Agent, brief: Brief) -> Answer:
    """The model's next answer, to as much of the conversation as its context holds.

    Raises:
        RooError: the endpoint's; `context_overflow` where it cannot be made short enough.
    """
    await _make_room(agent, brief)
    for _ in range(OVERFLOWS):
        sent, said = agent.gauge.used(agent.request_size(brief)), len(agent.history.messages)
        try:
            return await ask_model(agent, brief)
        except RooError as error:
            if error.code != "context_overflow":
                raise
            _learn(agent, brief, error, sent)
            if len(agent.history.messages) > said:
                agent.history.append(UserMessage(GO_ON))
            await _make_room(agent, brief, refused=error)
    return await ask_model(agent, brief)


def results_that_fit(
    agent: Agent, brief: Brief, results: Sequence[ToolMessage]
) -> list[ToolMessage]:
    """The results of one answer; the longest are trimmed where all together would fill the context."""
    room = _Room.of(agent, brief)
    most = agent.gauge.characters(min(room.window / 3, room.conversation * RESULTS))
    level = waterline([len(each.text) for each in results], most - most // SPARED)
    level = max(len(TRIMMED), level)
    return [
        each if _nearly_fits(each.text, level) else replace(each, text=_cut(each.text, level))
        for each in results
    ]


def _nearly_fits(text: str, level: int) -> bool:
    return len(text) - level <= len(text) // SPARED


def _cut(text: str, level: int) -> str:
    """A result in about `level` characters; a read is cut at its end, as it can be gone on with."""
    return cut_read(text, level) or trimmed(text, level, TRIMMED)


# --- how much there is ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Room:
    """The context, in tokens."""

    window: int
    """All of it."""
    answer: int
    """What stays free for the answer."""
    instructions: int
    """What the system prompt and the tools take."""
    limit: int
    """Where a request is too long to be made without condensing."""

    @classmethod
    def of(cls, agent: Agent, brief: Brief) -> "_Room":
        window = agent.gauge.window(brief.context_window)
        answer = brief.max_output_tokens or min(ANSWER_TOKENS, int(window * ANSWER_SHARE))
        answer = min(answer, window // 2)
        instructions = agent.gauge.tokens(agent.gauge.instructions(brief.system, brief.specs))
        wanted = max(window * brief.condense_percent // 100, instructions + LEAST_ROOM)
        return cls(window, answer, instructions, min(wanted, window - answer))

    @property
    def conversation(self) -> int:
        """What is there for messages."""
        return max(0, self.limit - self.instructions)


def _learn(agent: Agent, brief: Brief, error: RooError, sent: int) -> None:
    """The window is smaller than it was thought to be, or what was sent is more."""
    if not error.bytes_only:
        configured, answer = brief.context_window, brief.max_output_tokens or 0
        least = _Room.of(agent, brief).instructions
        agent.gauge.overflowed(configured, error.window, sent, answer, least)


# --- condensing -----------------------------------------------------------------------------


async def condense_now(agent: Agent, brief: Brief) -> tuple[int, int]:
    """Condense because the user wants it; the tokens of the next request before and after.

    The same where nothing can be left out that would make it clearly shorter.

    Raises:
        RooError: the endpoint could not be used for the summary.
    """
    before = agent.gauge.used(agent.request_size(brief))
    if _shorter(agent, brief) is not None:
        await _make_room(agent, brief, wanted=True)
    return before, agent.gauge.used(agent.request_size(brief))


async def _make_room(
    agent: Agent, brief: Brief, refused: RooError | None = None, *, wanted: bool = False
) -> None:
    """Leave out the oldest where the next request would be too long, was refused as that, or the user
    wants it.

    Raises:
        RooError: `context_overflow`, where that does not make it short enough.
    """
    before = agent.gauge.used(agent.request_size(brief))
    room = _Room.of(agent, brief)
    if refused is None and before < room.limit and not wanted:
        return
    plain = _shorter(agent, brief)
    learnt = room.window < brief.context_window
    if plain is None and refused is None and (learnt or before < room.window):
        return  # there may be room all the same: the answer's share is a guess, and so was an error
    entry, reason = None, ""
    if (brief.condense or wanted) and plain:
        surely = len(_newest(agent, 0, agent.history.size)) if plain.kept else 0
        summary, reason = await _summary(agent, brief, before, surely)
        entry = _shorter(agent, brief, summary) if summary else None
        if summary and (entry is None or (plain.kept and not entry.kept)):
            entry, reason = None, "it is too long"
    kind = "summary" if entry else "truncation"
    entry = entry or _shorter(agent, brief)
    if entry is None:
        if refused is not None and before < room.window:
            raise refused  # in its own words: by what is known it would have fitted
        raise _too_long(agent, brief, before) from refused
    before = agent.gauge.used(agent.request_size(brief))  # by what the summary taught of tokens
    agent.history.condense(entry)
    agent.surroundings.forget()
    agent.gauge.forget()
    after = agent.gauge.used(agent.request_size(brief))
    agent.emit(ConversationCondensed(before, after, kind, reason))


def _shorter(agent: Agent, brief: Brief, summary: str = "") -> Condensed | None:
    """What to leave out, and what to say in its place; None where that is not clearly shorter."""
    room, gauge, size = _Room.of(agent, brief), agent.gauge, agent.history.size
    # Of what is there now, where an endpoint counts so much more that even this is too long.
    available = min(gauge.characters(room.conversation), size)
    text = partial(
        standing_text,
        agent.history,
        agent.context.todos.entries,
        most=int(available * TEXT),
        summary=summary,
    )
    length = len(text(kept=()))
    most = int(available * GOAL) - length
    if summary:
        most = min(most, gauge.characters(room.window * KEPT))
    kept = _newest(agent, most, int(available * FULL) - length)
    entry = Condensed(text(kept=kept), len(kept))
    left = size_of([UserMessage(entry.text), *kept])
    return entry if left <= available * FULL and len(kept) >= _unanswered(agent) else None


def _newest(agent: Agent, most: int, most_of_one: int) -> Sequence[Message]:
    """The newest rounds of together so many characters; the very newest may be larger alone."""
    messages, start, size = agent.history.messages, len(agent.history.messages), 0
    oldest = 1 if agent.history.condensed else 0
    for place in range(len(messages) - 1, oldest - 1, -1):
        size += size_of([messages[place]])
        if size > (most if start < len(messages) else max(most, most_of_one)):
            break
        if not isinstance(messages[place], ToolMessage):
            start = place
    return messages[start:]


def _unanswered(agent: Agent) -> int:
    """How many of the newest messages are the user's: they are never cut, nor left out."""
    first = agent.history.messages[0] if agent.history.condensed else None
    newest = takewhile(lambda m: isinstance(m, UserMessage), reversed(agent.history.messages))
    return sum(message is not first for message in newest)


def _too_long(agent: Agent, brief: Brief, used: int) -> RooError:
    room = _Room.of(agent, brief)
    return RooError(
        "context_overflow",
        f"The conversation cannot be made short enough: of the {count_text(room.window)} tokens "
        f"that the model's context holds, instructions and tools take "
        f"{count_text(room.instructions)}, and the next request would have {count_text(used)}.",
        "Use a model with a larger context (and say so in roo.model.contextWindow), or say it in a "
        "shorter message in a new task.",
        window=room.window,
    )


# --- the summary ----------------------------------------------------------------------------


async def _summary(agent: Agent, brief: Brief, used: int, kept: int) -> tuple[str, str]:
    """A summary by the model, or why there is none; its request costs like any other.

    So many of the newest messages go on beside it.

    Raises:
        RooError: the next request would fail in the same way.
    """
    room, gauge = _Room.of(agent, brief), agent.gauge
    words = max(100, min(1000, room.conversation // 8))
    most = gauge.characters((room.window - room.answer) * 0.95) - len(SYSTEM)
    request = ChatRequest(SYSTEM, [UserMessage(request_text(agent.history, words, most, kept))])
    sent = len(SYSTEM) + size_of(request.messages)
    assembly = Assembly()
    try:
        async with aclosing(agent.model.stream(request)) as deltas:
            async for delta in deltas:
                assembly.add(delta)
    except RooError as error:
        if error.code in NEXT_TIME_TOO:
            raise
        if error.code == "context_overflow":
            _learn(agent, brief, error, gauge.tokens(sent))
        return "", error.message
    message: AssistantMessage = assembly.message()
    agent.charge(brief, gauge.usage(assembly.usage, sent, message), used)
    text = message.text.strip()
    return text, "" if text else "the model wrote nothing"
