"""What requests cost: tokens as the endpoint reports them, or estimated where it does not."""

from dataclasses import dataclass

from roo_lsp.agent.messages import AssistantMessage, Message, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, Usage

CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for code and English; the estimate is marked as one."""

TOKENS_PER_IMAGE = 800
"""Roughly what OpenAI-compatible endpoints count for a picture of medium size."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float = 0
    output: float = 0
    cache_reads: float = 0
    cache_writes: float = 0

    def cost(self, usage: Usage) -> float:
        """US dollars; cached tokens are part of the input and billed at their own price."""
        cached = usage.cache_read_tokens + usage.cache_write_tokens
        fresh = max(0, usage.input_tokens - cached)
        return (
            fresh * self.input
            + usage.output_tokens * self.output
            + usage.cache_read_tokens * self.cache_reads
            + usage.cache_write_tokens * self.cache_writes
        ) / 1_000_000


def estimated_usage(request: ChatRequest, answer: AssistantMessage) -> Usage:
    """A request's usage by its length, marked as estimated."""
    schemas = sum(len(spec.description) + len(str(spec.parameters)) for spec in request.tools)
    characters = len(request.system) + schemas + sum(_length(each) for each in request.messages)
    images = sum(len(m.images) for m in request.messages if isinstance(m, UserMessage))
    return Usage(
        input_tokens=characters // CHARACTERS_PER_TOKEN + images * TOKENS_PER_IMAGE,
        output_tokens=max(1, _length(answer) // CHARACTERS_PER_TOKEN),
        estimated=True,
    )


def _length(message: Message) -> int:
    match message:
        case UserMessage(text) | ToolMessage(_, text):
            return len(text)
        case AssistantMessage(text, calls):
            return len(text) + sum(len(call.name) + len(call.arguments) for call in calls)
