"""Everything that endpoints are known to send wrong, from the bytes to the calls that are run."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.answer import Answer, ask_model
from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import UsageUpdated
from roo_lsp.agent.messages import AssistantMessage, ToolCall
from roo_lsp.agent.ports import Usage
from roo_lsp.providers.answers import AnswerReader
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.sse import BodyReader
from tests.providers.quirks import QUIRKS, Quirk, said
from tests.support.fake_openai import Answer as Scripted
from tests.support.fake_openai import FakeOpenAI, Script, split
from tests.support.scripted import Rig, rig, tool


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's proxy is not a test's."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def asked(script: Script, memory: Memory | None = None) -> tuple[Answer, Rig]:
    """What an agent makes of this answer, however often it asks."""
    subject = rig(tools=[tool("read_file"), tool("write_to_file"), tool("list")])
    agent = subject.agent
    agent.history.append(agent.inbox.popleft())
    async with FakeOpenAI() as fake:
        fake.always(script)
        async with OpenAICompatible(Endpoint(fake.base_url, "m"), memory) as model:
            agent.model = model
            return await ask_model(agent, agent.brief()), subject


@pytest.mark.parametrize("quirk", QUIRKS, ids=[quirk.name for quirk in QUIRKS])
async def test_a_quirk_does_no_harm(quirk: Quirk):
    if quirk.error is not None:
        with pytest.raises(RooError) as caught:
            await asked(quirk.script)
        assert caught.value.code == quirk.error
        assert quirk.words in caught.value.message
        return
    answer, subject = await asked(quirk.script)
    message = answer.message
    assert message.text == quirk.text
    assert message.reasoning == quirk.reasoning
    assert tuple((call.name, call.arguments) for call in message.calls) == quirk.calls
    assert len({call.id for call in message.calls}) == len(message.calls)
    assert quirk.ids in {(), tuple(call.id for call in message.calls)}
    assert json.loads(message.reasoning_details or "null") == quirk.details
    told = [answer.not_run.get(call.id, "") for call in message.calls]
    assert not any(told[:-1])
    assert quirk.refused in told[-1] if quirk.refused else not any(told)
    used: list[Usage] = [event.usage for event in subject.of(UsageUpdated)]
    assert quirk.usage in {None, used[-1]}


def test_every_quirk_says_who_has_it_and_has_a_name_of_its_own():
    assert all(quirk.seen for quirk in QUIRKS)
    assert len({quirk.name for quirk in QUIRKS}) == len(QUIRKS)


# --- any cut --------------------------------------------------------------------------------------


def stream_of(script: Any) -> bytes:
    reply = script.reply(streamed=True) if isinstance(script, Scripted) else script
    return b"".join(step for step in reply.steps if isinstance(step, bytes))


def read(pieces: Iterator[bytes]) -> tuple[AssistantMessage, str | None, Usage | None]:
    body, answer, assembly = BodyReader(), AnswerReader(), Assembly()
    payloads = [payload for piece in pieces for payload in body.feed(piece)] + body.finish()
    for payload in payloads:
        for delta in answer.read(payload):
            assembly.add(delta)
    for delta in answer.end():
        assembly.add(delta)
    message = assembly.message()
    numbered = tuple(
        ToolCall(str(number), call.name, call.arguments)
        for number, call in enumerate(message.calls)  # ids of ours are random
    )
    unnumbered = AssistantMessage(
        message.text,
        numbered,
        message.reasoning,
        message.reasoning_field,
        message.reasoning_details,
    )
    return unnumbered, answer.finish, answer.usage


WHOLE = [quirk for quirk in QUIRKS if quirk.error in {None, "tool_calling_unsupported"}]


@settings(deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 10**6), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_message(quirk: Quirk, cuts: list[int]):
    stream = stream_of(quirk.script)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    assert read(stream[a:b] for a, b in pairwise(edges)) == read(iter([stream]))


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_a_quirk_a_few_bytes_at_a_time_does_no_harm(size: int):
    for quirk in QUIRKS:
        if len(stream_of(quirk.script)) < 500 and not quirk.error:
            answer, _ = await asked(split(quirk.script, size))  # pyright: ignore[reportArgumentType]
            assert answer.message.text == quirk.text
            assert answer.message.reasoning == quirk.reasoning


# --- what is learnt -------------------------------------------------------------------------------

PREFILLED = said("Hm.\n</think>\n\nHi")


async def deltas_of(script: Script, memory: Memory) -> list[str]:
    """After one answer that began in reasoning: the kinds of what is shown of the next, and it."""
    subject = rig(prompt="")
    async with FakeOpenAI() as fake:
        fake.answers(PREFILLED, script)
        async with OpenAICompatible(Endpoint(fake.base_url, "m"), memory) as model:
            subject.agent.model = model
            brief = subject.agent.brief()
            await ask_model(subject.agent, brief)
            subject.events.clear()
            answer = await ask_model(subject.agent, brief)
    kinds = [type(event).__name__ for event in subject.events if "Chunk" in type(event).__name__]
    return [*kinds, answer.message.text, answer.message.reasoning]


async def test_after_one_answer_that_began_in_reasoning_the_next_is_shown_as_such():
    assert await deltas_of(PREFILLED, Memory()) == [
        "AgentThoughtChunk",
        "AgentMessageChunk",
        "Hi",
        "Hm.\n",
    ]


async def test_an_answer_that_did_not_begin_in_reasoning_after_all_is_text():
    found = await deltas_of(said("Hi there"), Memory())
    assert found == ["AgentThoughtChunk", "AgentMessageChunk", "Hi there", ""]


async def test_the_habit_is_forgotten_when_an_answer_shows_another():
    memory = Memory()
    subject = rig(prompt="")
    async with FakeOpenAI() as fake:
        fake.answers(PREFILLED, said("Hi there"), said("Hello"))
        async with OpenAICompatible(Endpoint(fake.base_url, "m"), memory) as model:
            subject.agent.model = model
            for _ in range(3):
                subject.events.clear()
                await ask_model(subject.agent, subject.agent.brief())
    assert type(subject.events[0]).__name__ == "AgentMessageChunk"
