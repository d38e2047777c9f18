"""A model that says nothing for long and is at work: what people are told, and when."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from roo_lsp.agent.events import ModelAtWork
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import AtWork, ChatRequest
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.pulse import EVERY, QUIET
from tests.support.fake_openai import (
    FakeOpenAI,
    Reply,
    Script,
    chunk,
    events,
    gated,
    hang,
    status,
    text,
)
from tests.support.passing import passing_time
from tests.support.scripted import rig


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


def slots(*decoded: int) -> Reply:
    """llama.cpp's answer while it is at so many answers."""
    busy = [{"is_processing": True, "next_token": [{"n_decoded": each}]} for each in decoded]
    return status(200, [*busy, {"is_processing": False, "next_token": [{"n_decoded": 7}]}])


async def told(fake: FakeOpenAI, script: Script, count: int = 2) -> list[AtWork]:
    """What is told of one request until so many signs have come, or its end."""
    fake.answers(script)
    signs: list[AtWork] = []
    request = ChatRequest("", [UserMessage("Hi")], at_work=signs.append)

    async def go() -> None:
        async with OpenAICompatible(Endpoint(fake.base_url, "m")) as model:
            async for _ in model.stream(request):
                pass

    await while_time_passes(go(), lambda: len(signs) >= count)
    return signs


async def while_time_passes(work: Coroutine[Any, Any, Any], until: Callable[[], object]) -> None:
    """Work for a minute of passing time at most, or until something; then it is cancelled."""
    pass_time, task = passing_time(), asyncio.ensure_future(work)
    for _ in range(600):
        if task.done() or until():
            break
        await asyncio.sleep(0.005)
        pass_time(0.1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_pieces_with_nothing_to_show_are_counted(fake: FakeOpenAI):
    hold = asyncio.Event()
    pieces = [chunk({"role": "assistant", "content": ""})] * 40
    first, second = await told(fake, gated(events(*pieces, chunk({}, "stop")), hold, after=40))
    assert (first.tokens, second.tokens) == (40, 40)
    assert QUIET <= first.seconds < second.seconds
    assert first.per_second == pytest.approx(40 / first.seconds, rel=0.01)


async def test_a_server_on_this_machine_that_sends_nothing_is_asked(fake: FakeOpenAI):
    written = iter([0, 0, 30, 42])
    fake.pages["/slots"] = lambda request: slots(next(written))
    first, second = await told(fake, hang())
    assert (first.tokens, first.per_second) == (0, 0)
    assert (second.tokens, second.per_second > 0) == (42, True)
    assert "authorization" not in fake.requests[-1].headers


@pytest.mark.parametrize(
    "page", [status(404, "no"), status(200, {"a": 1}), status(200, "x"), slots(1, 2), slots()]
)
async def test_a_server_that_does_not_tell_is_asked_once(fake: FakeOpenAI, page: Reply):
    fake.pages["/slots"] = page
    assert await told(fake, hang()) == []
    assert len([each for each in fake.requests if each.path == "/slots"]) <= 2


async def test_nothing_is_told_of_an_answer_that_is_seen_to_come(fake: FakeOpenAI):
    assert await told(fake, text("Hello", pieces=3)) == []
    assert [each.path for each in fake.requests] == ["/v1/chat/completions"]


async def test_a_task_tells_its_people(fake: FakeOpenAI):
    subject = rig()
    fake.pages["/slots"] = slots(12)
    fake.answers(hang())
    async with OpenAICompatible(Endpoint(fake.base_url, "m")) as model:
        subject.agent.model = model
        await while_time_passes(run_turn(subject.agent), lambda: subject.of(ModelAtWork))  # pyright: ignore[reportArgumentType]
    [sign, *_] = subject.of(ModelAtWork)
    assert sign.update == {
        "sessionUpdate": "_at_work",
        "seconds": round(sign.seconds),
        "tokens": 12,
        "tokensPerSecond": 0.0,
    }
    assert sign.line == "Model at work · 12 tokens, 0.0/s"
    assert replace(sign, tokens=0).line == "Model at work · still reading"
    assert EVERY < QUIET
