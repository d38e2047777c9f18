"""What is asked again, when, and what everybody is told meanwhile. No test waits."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import pytest

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import AgentEvent, Retrying
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import ChatRequest, Delta, Finished, Restarted, TextDelta
from roo_lsp.providers.endpoint import Endpoint, Timeouts
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.retrying import VOID, Clock, Pace, RetryingModel
from tests.support.fake_openai import (
    WAIT,
    FakeOpenAI,
    Script,
    cut,
    events,
    hang,
    raw,
    status,
    text,
)
from tests.support.passing import passing_time

HELLO = ChatRequest("", [UserMessage("Hello")])
HANG = hang()
PASSING = ProviderError("provider_error", "It failed.", status=503, retryable=True)


class FakeTime:
    """A clock that sleeping moves on, and chance that always says the longest."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.clock = Clock(lambda: self.now, self.sleep, lambda: 1.0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class ScriptedModel:
    """Each request gets the next list of deltas; an error among them is raised."""

    def __init__(self, *answers: Sequence[Delta | Exception]) -> None:
        self.answers = list(answers)
        self.closed = 0
        self.asked = 0

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        self.asked += 1
        try:
            for each in self.answers.pop(0):
                if isinstance(each, Exception):
                    raise each
                yield each
        finally:
            self.closed += 1


OK: list[Delta | Exception] = [TextDelta("ok"), Finished("stop")]


class Run:
    """One request through a retrying model, and all that came of it."""

    def __init__(
        self, *answers: Sequence[Delta | Exception], attempts: int = 5, max_delay: float = 60
    ):
        self.time = FakeTime()
        self.events: list[AgentEvent] = []
        self.inner = ScriptedModel(*answers)
        self.deltas: list[Delta] = []
        self.model = RetryingModel(
            self.inner,
            self.events.append,
            attempts=attempts,
            max_delay=max_delay,
            clock=self.time.clock,
        )

    async def go(self) -> "Run":
        async for delta in self.model.stream(HELLO):
            self.deltas.append(delta)
        return self


def failing(**facts: object) -> Sequence[Delta | Exception]:
    values: dict[str, object] = {"status": 503, "retryable": True, "retry_after": None} | facts
    return [ProviderError("rate_limited", "Too fast.", **values)]  # pyright: ignore[reportArgumentType]


async def test_an_answer_that_comes_is_passed_on_as_it_is():
    run = await Run(OK).go()
    assert (run.deltas, run.events, run.time.slept) == (OK, [], [])


async def test_a_passing_failure_is_told_and_tried_again():
    run = await Run([PASSING], OK).go()
    assert run.deltas == OK
    assert run.events == [Retrying(1, 5, 0.5, "It failed.", 503)]
    assert run.time.slept == [0.5]


async def test_what_was_streamed_before_the_failure_is_void():
    run = await Run([TextDelta("half"), PASSING], OK).go()
    assert run.deltas == [TextDelta("half"), Restarted(), *OK]
    assert run.events == [Retrying(1, 5, 0.5, f"It failed. {VOID}", 503)]


async def test_the_event_before_each_wait_counts_the_tries_and_says_how_long():
    run = await Run(failing(), failing(status=None), failing(retry_after=9.0), OK).go()
    reason = "Too fast."
    assert run.events == [
        Retrying(1, 5, 0.5, reason, 503),
        Retrying(2, 5, 1, reason, None),
        Retrying(3, 5, 9, reason, 503),
    ]
    assert [event.update["delay"] for event in run.events] == run.time.slept


async def test_delays_are_spread_between_half_and_all_of_the_longest():
    run = Run([PASSING], OK)
    clock = Clock(sleep=run.time.sleep, chance=lambda: 0.0)
    model = RetryingModel(run.inner, run.events.append, clock=clock)
    assert [delta async for delta in model.stream(HELLO)] == OK
    assert run.time.slept == [0.25]


async def test_delays_double_up_to_the_longest():
    run = await Run(*[[PASSING]] * 5, OK, attempts=6, max_delay=3).go()
    assert run.time.slept == [0.5, 1, 2, 3, 3]


async def test_it_gives_up_after_the_last_attempt():
    run = Run(*[[PASSING]] * 5, attempts=3)
    with pytest.raises(ProviderError) as caught:
        await run.go()
    assert caught.value.message == "It failed. It was tried 3 times."
    assert (caught.value.status, caught.value.retryable) == (503, False)
    assert (run.inner.asked, len(run.events)) == (3, 2)


async def test_a_single_try_is_not_counted():
    run = Run([PASSING], attempts=1)
    with pytest.raises(ProviderError) as caught:
        await run.go()
    assert (caught.value.message, run.events) == ("It failed.", [])


@pytest.mark.parametrize(
    "error",
    [
        ProviderError("invalid_api_key", "No.", status=401),
        RooError("internal", "No."),
        ValueError("a bug"),
    ],
)
async def test_what_cannot_pass_is_raised_at_once(error: Exception):
    run = Run([error])
    with pytest.raises(type(error)):
        await run.go()
    assert (run.events, run.inner.asked) == ([], 1)


async def test_the_endpoints_wait_wins_over_ours():
    assert (await Run(failing(retry_after=7.0), OK).go()).time.slept == [7.0]


async def test_a_short_wait_asked_for_does_not_burn_the_attempts():
    run = await Run(*[failing(retry_after=0.0)] * 3, OK).go()
    assert run.time.slept == [0.5, 1, 2]


async def test_a_longer_wait_than_allowed_is_not_waited_but_told():
    run = Run(failing(retry_after=3600.0), OK)
    with pytest.raises(ProviderError) as caught:
        await run.go()
    assert "60 min" in caught.value.message
    assert "roo.provider.retry.maxDelay" in caught.value.hint
    assert (run.events, run.time.slept) == ([], [])


async def test_leaving_the_stream_leaves_the_inner_one():
    run = Run([TextDelta("a"), TextDelta("b")])
    async with aclosing(run.model.stream(HELLO)) as stream:
        await anext(stream)
    assert run.inner.closed == 1


async def test_cancelling_while_it_waits_is_immediate():
    waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    inner = ScriptedModel([PASSING], OK)
    model = RetryingModel(inner, lambda event: None, clock=Clock(sleep=sleep))

    async def read() -> None:
        async for _ in model.stream(HELLO):
            pass

    task = asyncio.create_task(read())
    async with asyncio.timeout(WAIT):
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert inner.asked == 1


async def test_starts_are_kept_apart_also_between_tasks():
    time = FakeTime()
    pace = Pace(10, time.clock)
    await pace.turn()
    time.now = 4
    await asyncio.gather(pace.turn(), pace.turn())
    assert time.slept == [6, 10]
    assert time.now == 20


async def test_a_retry_takes_its_turn_too():
    time = FakeTime()
    inner = ScriptedModel([PASSING], OK)
    model = RetryingModel(inner, lambda event: None, pace=Pace(10, time.clock), clock=time.clock)
    async for _ in model.stream(HELLO):
        pass
    assert time.slept == [0.5, 9.5]


@pytest.mark.parametrize(
    ("script", "again"),
    [
        (status(408), True),
        (status(409), True),
        (status(429), True),
        (status(500), True),
        (status(502), True),
        (status(503, {"error": {"message": "Loading model"}}), True),  # llama.cpp
        (status(504), True),
        (status(529), True),  # Anthropic: overloaded
        (status(501), False),
        (status(505), False),
        (status(400, {"error": {"code": "rate_limit_exceeded"}}), False),
        (cut(text("half"), 2), True),
        (HANG, True),
        (status(400), False),
        (status(401), False),
        (status(403), False),
        (status(404), False),
        (status(413), False),
        (status(422), False),
        (status(402), False),
        (status(429, {"error": {"code": "insufficient_quota"}}), False),
        (status(307, {}, {"Location": "http://127.0.0.1:1/"}), False),
        (status(500, {"error": {"type": "exceed_context_size_error"}}), False),
    ],
)
async def test_only_what_may_pass_is_asked_again_over_http(script: Script, again: bool):
    async with FakeOpenAI() as fake:
        fake.answers(script, text("ok"))
        settings = Endpoint(fake.base_url, "m", timeouts=Timeouts(first_token=20))
        got: list[Delta] = []
        pass_time = passing_time()

        async def read() -> None:
            async with OpenAICompatible(settings) as inner:
                model = RetryingModel(inner, lambda event: None, clock=FakeTime().clock)
                with suppress(ProviderError):
                    got.extend([delta async for delta in model.stream(HELLO)])

        reading = asyncio.create_task(read())
        if script == HANG:
            await fake.chat(1)
            pass_time(20)
        async with asyncio.timeout(WAIT):
            await reading
        assert (TextDelta("ok") in got) is again
        assert len(fake.chats) == 1 + again


@pytest.mark.parametrize(
    "script",
    [
        status(503),
        status(429, {}, {"Retry-After": "0"}),
        cut(text("half"), 2),
        text("half").ending(None),
        events({"error": {"message": "upstream died"}}),
        raw(),
    ],
)
async def test_the_endpoint_is_asked_as_often_as_there_are_attempts(script: Script):
    async with FakeOpenAI() as fake:
        fake.always(script)
        told: list[AgentEvent] = []
        async with OpenAICompatible(Endpoint(fake.base_url, "m")) as inner:
            model = RetryingModel(inner, told.append, attempts=3, clock=FakeTime().clock)
            with pytest.raises(ProviderError, match=r"It was tried 3 times\."):
                async for _ in model.stream(HELLO):
                    pass
        assert len(fake.chats) == 3
        assert [(e.attempt, e.attempts) for e in told if isinstance(e, Retrying)] == [
            (1, 3),
            (2, 3),
        ]


async def test_retry_after_is_honoured_over_http():
    async with FakeOpenAI() as fake:
        for headers, seconds in [
            ({"Retry-After": "7"}, 7),
            ({"Retry-After-Ms": "1500", "Retry-After": "9"}, 1.5),
            (
                {
                    "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
                    "Date": "Wed, 21 Oct 2026 07:28:00 GMT",
                },
                30,
            ),
            ({"Retry-After": "soon"}, 0.5),
            ({"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "7.66s"}, 7.66),
            ({}, 12.5),
        ]:
            body = {} if headers else {"error": {"message": "Please try again in 12.5s."}}
            fake.answers(status(429, body, headers), text("ok"))
            time = FakeTime()
            async with OpenAICompatible(Endpoint(fake.base_url, "m")) as inner:
                model = RetryingModel(inner, lambda event: None, clock=time.clock)
                async for _ in model.stream(HELLO):
                    pass
            assert time.slept == [seconds]
