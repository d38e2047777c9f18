"""A model that asks again when a request failed in a way that may pass, and says so first.

The only layer that retries. It wraps any `ChatModel` and knows of failures only what
`ProviderError` says of them.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from roo_lsp.agent.events import EventSink, Retrying
from roo_lsp.agent.ports import AskedAgain, ChatModel, ChatRequest, Delta, Restarted
from roo_lsp.providers.errors import ProviderError

FIRST_DELAY = 0.5
"""Seconds before the second try; each further delay is twice the one before."""

TOLD_FROM = 1.0
"""Seconds of waiting for one's turn from which the user is told."""

VOID = "What it had answered so far does not count."
"""Marks for the user what was streamed before a try failed."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that tests need neither."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    """A number from 0 up to 1."""


class Pace:
    """Keeps the starts of requests apart; one may be shared by all tasks."""

    def __init__(self, seconds: float, clock: Clock | None = None) -> None:
        self._seconds = seconds
        self._clock = clock or Clock()
        self._next = float("-inf")

    async def turn(self, told: Callable[[float, str], None] | None = None) -> None:
        """Returns when the next request may start; each caller gets a start of its own.

        `told` gets the seconds before a wait that people would notice, and the reason.
        """
        now = self._clock.now()
        start = max(now, self._next)
        self._next = start + self._seconds
        wait = start - now
        if told is not None and wait >= TOLD_FROM:
            every = f"{self._seconds:g} s apart (roo.provider.rateLimitSeconds)"
            told(wait, f"requests start {every}")
        if wait > 0:
            try:
                await self._clock.sleep(wait)
            except asyncio.CancelledError:
                if self._next == start + self._seconds:
                    self._next = start  # nobody comes after: the next one may have this start
                raise


class RetryingModel:
    """A `ChatModel` that makes failed requests of another one again."""

    def __init__(
        self,
        model: ChatModel,
        emit: EventSink,
        *,
        attempts: int = 5,
        max_delay: float = 60.0,
        pace: Pace | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`attempts` counts all tries; `max_delay` is the longest wait, in seconds."""
        self._model = model
        self._emit = emit
        self._attempts = max(1, attempts)
        self._max_delay = max_delay
        self._pace = pace
        self._clock = clock or Clock()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta]:
        """As the model's own, with `Restarted` before the deltas of a new try.

        Raises:
            ProviderError: it cannot pass, it has not passed after all tries, or the endpoint asks
                for a longer wait than is allowed.
        """
        attempt = 0
        while True:
            attempt += 1
            told = False
            if self._pace is not None:
                await self._pace.turn(self._say_wait)
            try:
                async with _closing(self._model.stream(request)) as deltas:
                    async for delta in deltas:
                        told = told or not isinstance(delta, AskedAgain)
                        yield delta
                return
            except ProviderError as error:
                delay = self._delay(error, attempt)
                reason = error.message
                if told:
                    yield Restarted()
                    reason = error.saying(VOID).message
                self._emit(Retrying(attempt, self._attempts, delay, reason, status=error.status))
            await self._clock.sleep(delay)

    def _say_wait(self, seconds: float, reason: str) -> None:
        self._emit(Retrying(0, self._attempts, seconds, reason))

    def _delay(self, error: ProviderError, attempt: int) -> float:
        """Seconds to wait before the next try; raises the error when there is to be none."""
        if not error.retryable or self._attempts == 1:
            raise error
        if attempt >= self._attempts:
            raise error.saying(f"It was tried {attempt} times.") from None
        asked = error.retry_after or 0.0
        if asked > self._max_delay:
            raise error.saying(
                f"The endpoint asks to wait {_duration(asked)}, longer than "
                f"{_duration(self._max_delay)}.",
                "Try again then, or raise roo.provider.retry.maxDelay.",
            ) from None
        longest = min(FIRST_DELAY * 2 ** (attempt - 1), self._max_delay)
        # Between half of it and all of it: clients that failed together do not return together.
        return max(asked, longest * (0.5 + 0.5 * self._clock.chance()))


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


@asynccontextmanager
async def _closing(stream: AsyncIterator[Delta]) -> AsyncGenerator[AsyncIterator[Delta]]:
    """Closes a stream that can be closed: leaving it hangs up."""
    try:
        yield stream
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
