"""Streams recorded from a real llama.cpp server: the same answer wherever the network cuts them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import ChatRequest, Delta, Usage
from roo_lsp.providers.answers import AnswerReader, ErrorInAnswer
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.sse import BodyReader
from tests.support.fake_openai import FakeOpenAI, raw, split
from tests.support.llama_cpp import RECORDED, STREAMS

PATH = {"path": "README.md"}


def recorded(name: str) -> bytes:
    return (STREAMS / f"llama-cpp-{name}.sse").read_bytes()


@dataclass
class Read:
    """All that a stream says."""

    deltas: list[Delta]
    finish: str | None
    usage: Usage | None
    done: bool
    error: Any = None
    status: int | None = None


def read(pieces: Iterable[bytes]) -> Read:
    body, answer, deltas = BodyReader(), AnswerReader(), list[Delta]()
    error: ErrorInAnswer | None = None
    try:
        for piece in pieces:
            for payload in body.feed(piece):
                deltas += answer.read(payload)
        for payload in body.finish():
            deltas += answer.read(payload)
    except ErrorInAnswer as found:
        error = found
    told = (error.body, error.status) if error else (None, None)
    return Read(deltas, answer.finish, answer.usage, body.done, *told)


@pytest.mark.parametrize("name", RECORDED)
def test_a_stream_cut_at_any_byte_says_the_same(name: str):
    stream = recorded(name)
    whole = read([stream])
    assert whole.deltas or whole.error
    for at in range(len(stream)):
        assert read([stream[:at], stream[at:]]) == whole
    assert read(stream[at : at + 1] for at in range(len(stream))) == whole


@pytest.mark.parametrize("name", RECORDED)
def test_a_stream_that_ends_at_any_byte_before_its_reason_is_not_taken_for_whole(name: str):
    stream = recorded(name)
    finished = stream.find(b'"finish_reason":"')
    for at in range(len(stream) if finished < 0 else finished):
        cut = read([stream[:at].rpartition(b"\n\n")[0]])
        assert (cut.finish, cut.done) == (None, False)


async def ask(name: str) -> tuple[Assembly, ProviderError | None]:
    """One request over a socket, answered a byte at a time."""
    assembly, error = Assembly(), None
    async with FakeOpenAI() as fake:
        fake.answers(split(raw(recorded(name)), 1))
        async with OpenAICompatible(Endpoint(fake.base_url, "m")) as model:
            try:
                async for delta in model.stream(ChatRequest("", [UserMessage("Hello")])):
                    assembly.add(delta)
            except ProviderError as found:
                error = found
    return assembly, error


@pytest.mark.parametrize(
    ("name", "text", "calls", "finish"),
    [
        ("text", "The capital of France is Paris.", [], "length"),
        ("call", "", [("read_file", PATH)], "tool_calls"),
        ("call-cut-by-the-limit", "", [("read_file", None)], "length"),
    ],
)
async def test_an_answer_is_read_as_it_was_meant(
    name: str, text: str, calls: list[Any], finish: str
):
    assembly, error = await ask(name)
    message = assembly.message()
    assert error is None
    assert text in message.text
    assert [(c.name, _json(c.arguments)) for c in message.calls] == calls
    assert assembly.finish_reason == finish
    assert assembly.usage is not None
    assert assembly.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("name", "words", "calls"), [("error", "grammar", 0), ("call-then-error", "peg-native", 1)]
)
async def test_an_error_is_told_in_its_words_and_may_pass(name: str, words: str, calls: int):
    assembly, error = await ask(name)
    assert error is not None
    assert (error.code, error.status, error.retryable) == ("provider_error", 500, True)
    assert words in error.message
    assert (len(assembly.message().calls), assembly.finish_reason) == (calls, None)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
