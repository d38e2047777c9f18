"""How long a request may take: limits as deadlines, which move on as the answer comes."""

import asyncio
from time import monotonic
from types import TracebackType

from roo_lsp.providers import errors
from roo_lsp.providers.endpoint import Timeouts
from roo_lsp.providers.errors import ProviderError, Target

AFTER_FINISH = 5.0
"""Seconds for usage and `[DONE]` once the finish reason is there."""


class Deadlines:
    """The deadlines of one request."""

    def __init__(self, limits: Timeouts, target: Target) -> None:
        self._limits = limits
        self._target = target
        self._start = self._last_byte = self._last_data = monotonic()
        self.began = False
        """The first real delta is there."""
        self.finished = False
        """The finish reason is there."""

    def heard(self, *, data: bool) -> None:
        """Bytes have come, a comment at least."""
        self._last_byte = monotonic()
        if data:
            self._last_data = self._last_byte

    def limit(self) -> "Limit":
        """Bounds the next wait; beyond it the limit that ran out is named."""
        return Limit(self, *self._next())

    def _next(self) -> tuple[float | None, str]:
        """The nearest deadline and its name."""
        limits = self._limits
        if self.finished:
            return self._last_byte + AFTER_FINISH, "finish"
        deadlines = [(self._start + limits.total, "total")] if limits.total else []
        if not self.began:
            if limits.first_token:
                deadlines.append((self._start + limits.first_token, "firstToken"))
        else:
            if limits.idle:
                deadlines.append((self._last_byte + limits.idle, "idle"))
            if limits.idle and limits.first_token:  # alive, yet nothing comes
                patience = max(limits.idle, limits.first_token)
                deadlines.append((self._last_data + patience, "firstToken"))
        return min(deadlines, default=(None, ""))

    def error(self, name: str) -> ProviderError:
        """The error for a limit that ran out."""
        limits = self._limits
        match name:
            case "total":
                return errors.timed_out(
                    name, limits.total, self._target, waiting_for="The answer was not complete"
                )
            case "firstToken":
                return errors.timed_out(
                    name,
                    limits.first_token,
                    self._target,
                    waiting_for="No more of the answer came" if self.began else "No answer came",
                )
            case _:
                return errors.timed_out(
                    name, limits.idle, self._target, waiting_for="No more of the answer came"
                )


class WholeAnswer(Exception):
    """The answer is whole, and the endpoint does not end it."""


class Limit:
    """An `asyncio.timeout` that raises the error which names its limit."""

    def __init__(self, deadlines: Deadlines, deadline: float | None, name: str) -> None:
        self._deadlines = deadlines
        self._name = name
        loop = asyncio.get_running_loop()
        left = None if deadline is None else loop.time() + max(0.0, deadline - monotonic())
        self._timeout = asyncio.timeout_at(left)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            if self._name == "finish":
                raise WholeAnswer from None
            raise self._deadlines.error(self._name) from None
