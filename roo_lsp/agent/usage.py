"""What requests cost and how full the context is: as the endpoint reports it, else by length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from roo_lsp.agent.messages import AssistantMessage, Message, UserMessage
from roo_lsp.agent.ports import ToolSpec, Usage

CHARACTERS_PER_TOKEN = 4.0
"""A rule of thumb for code and English, until the endpoint has reported better."""
FEWEST, MOST = 1.0, 8.0
"""Bounds of what is learnt: Chinese text has about one character a token, indented code many."""
LONGEST_TOKENS = 12
"""Characters a token that no request has on average: less was reported than the model was sent."""
PER_MESSAGE, PER_CALL = 12, 24
"""Characters that stand for what templates put around a message, and around a call."""
PER_IMAGE = 3200
"""Characters that stand for a picture: some 800 tokens at OpenAI-compatible endpoints."""
LEAST_ROOM = 2000
"""Tokens that a conversation gets whatever `context.condensePercent` says."""
SMALLEST_WINDOW = 1024
"""Tokens; an endpoint that names fewer does not speak of its context."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float = 0
    output: float = 0
    cache_reads: float = 0
    cache_writes: float = 0
    """Of cached tokens; 0 where none is known, and then they cost what input costs."""

    def cost(self, usage: Usage) -> float:
        """US dollars; cached tokens are part of the input and billed at their own price."""
        cached = usage.cache_read_tokens + usage.cache_write_tokens
        fresh = max(0, usage.input_tokens - cached)
        return (
            fresh * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * (self.cache_reads or self.input)
            + usage.cache_write_tokens * (self.cache_writes or self.input)
        ) / 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What requests took together; the cost is US dollars."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0


def size_of(messages: Iterable[Message]) -> int:
    """Characters that the model has to read of these messages."""
    return sum(_size(message) for message in messages)


def _size(message: Message) -> int:
    if isinstance(message, AssistantMessage):
        calls = sum(PER_CALL + len(each.name) + len(each.arguments) for each in message.calls)
        return PER_MESSAGE + len(message.text) + len(message.reasoning) + calls
    if isinstance(message, UserMessage):
        return PER_MESSAGE + len(message.told) + PER_IMAGE * len(message.images)
    return PER_MESSAGE + len(message.text) + PER_IMAGE * len(message.images)


def size_of_tools(specs: Iterable[ToolSpec]) -> int:
    """Characters that the model has to read of these tools."""
    return sum(len(each.name) + len(each.description) + len(str(each.parameters)) for each in specs)


class Gauge:
    """Counts tokens: by what the endpoint reported last, and the length of what came since.

    How many characters make a token is learnt from the same reports. Nothing here looks at the
    history; who asks says how many characters a request has.
    """

    def __init__(self) -> None:
        self.characters_per_token = CHARACTERS_PER_TOKEN
        self._reported: tuple[int, int] | None = None
        """Tokens of the last request with its answer, and the characters of both."""
        self._learnt: tuple[int, int] | None = None
        """The real window, and what was set when it was learnt."""
        self._largest: tuple[int, int] = (0, 0)
        """Tokens of the largest request that was answered, and the window that was set then."""
        self._instructions: tuple[str, Sequence[ToolSpec], int] = ("", (), 0)

    def instructions(self, system: str, specs: Sequence[ToolSpec]) -> int:
        """Characters of what goes before every conversation; counted anew only when it is new."""
        known_system, known_specs, size = self._instructions
        if known_system is not system or known_specs is not specs:
            size = PER_MESSAGE + len(system) + size_of_tools(specs)
            self._instructions = (system, specs, size)
        return size

    def tokens(self, characters: int) -> int:
        """Tokens in so many characters, as far as is known."""
        return int(characters / self.characters_per_token)

    def characters(self, tokens: float) -> int:
        """Characters in so many tokens, as far as is known."""
        return max(0, int(tokens * self.characters_per_token))

    def usage(self, reported: Usage | None, sent: int, answer: AssistantMessage) -> Usage:
        """What a request of `sent` characters used; estimated where nothing was reported."""
        if reported is None or reported.input_tokens <= 0:
            output = max(1, self.tokens(size_of([answer])))
            return Usage(self.tokens(sent), output, estimated=True)
        ratio = sent / reported.input_tokens
        if ratio <= LONGEST_TOKENS:
            self.characters_per_token = min(MOST, max(FEWEST, ratio))
        return reported

    def answered(self, usage: Usage, sent: int, answer: AssistantMessage, configured: int) -> None:
        """The conversation, of `sent` characters with its instructions, got this answer."""
        largest, window = self._largest
        largest = max(usage.input_tokens, largest if window == configured else 0)
        self._largest = (largest, configured)
        if not usage.estimated:
            tokens = max(usage.input_tokens, sent // LONGEST_TOKENS) + usage.output_tokens
            self._reported = (tokens, sent + size_of([answer]))

    def used(self, characters: int) -> int:
        """Tokens of the next request, which has so many characters."""
        if self._reported is None:
            return self.tokens(characters)
        tokens, counted = self._reported
        return max(0, tokens + self.tokens(characters - counted))

    def forget(self) -> None:
        """The conversation is another one now: what was reported does not tell its length."""
        self._reported = None

    # --- the window -------------------------------------------------------------------------

    def window(self, configured: int) -> int:
        """Tokens that the context holds: as configured, or as was learnt since."""
        if self._learnt is None or self._learnt[1] != configured:
            return configured
        return self._learnt[0]

    def overflowed(
        self, configured: int, stated: int | None, sent: int, answer: int, least: int
    ) -> None:
        """A request of some `sent` tokens was too long; `stated` is the endpoint's own limit.

        `answer` is the tokens that were asked for on top, which some endpoints count too; `least` is
        what instructions and tools take. An error that contradicts an answer teaches nothing: some
        name the context where something else was wrong.
        """
        limit = stated if stated is not None and stated >= SMALLEST_WINDOW else None
        largest, window = self._largest
        floor = max(SMALLEST_WINDOW, least, largest if window == configured else 0)
        if limit is None:
            floor = max(floor, least + LEAST_ROOM)
        if floor >= (sent if limit is None else limit):
            return
        window = limit if limit is not None else sent * 3 // 4
        self._learnt = (max(floor, min(self.window(configured), window)), configured)
        if limit is not None and sent + answer < limit:  # it was more than we count
            ratio = self.characters_per_token * sent / limit
            self.characters_per_token = max(FEWEST, ratio * 0.95)
