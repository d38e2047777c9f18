"""How long a request may take: limits as deadlines, which move on as the answer comes."""

import asyncio
from types import TracebackType
from typing import cast

from roo_lsp.providers import errors
from roo_lsp.providers.endpoint import Timeouts
from roo_lsp.providers.errors import ProviderError, RequestTarget

AFTER_FINISH = 5.0
"""Seconds for usage and `[DONE]` once the finish reason is there."""


class WholeAnswer(Exception):
    """The answer is whole, and the endpoint does not end it."""


class Deadlines:
    """The deadlines of one request; `async with` bounds one wait and names the limit that ran out.

    A deadline that moves on sets no new timer: the one that is set looks again when it goes off.
    """

    def __init__(self, limits: Timeouts, target: RequestTarget) -> None:
        self._limits = limits
        self._target = target
        self._now = asyncio.get_running_loop().time
        self._start = self._wait_began = self._now()
        self._quiet = 0.0
        """Seconds waited since the last data; how long the consumer takes does not count."""
        self._finished_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._due: float | None = None
        """When the wait that goes on must end."""
        self._name = ""
        self._expired = False
        self.began = False
        """The first real delta is there."""

    def heard(self, *, data: bool, finished: bool) -> None:
        """Bytes have come, with a delta in them (`data`) or a sign of life at least.

        `finished` once the finish reason was in them.
        """
        now = self._now()
        self._quiet = 0.0 if data else self._quiet + now - self._wait_began
        if finished and self._finished_at is None:
            self._finished_at = now

    @property
    def finished(self) -> bool:
        """The finish reason is there."""
        return self._finished_at is not None

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def __aenter__(self) -> None:
        """Bounds one wait, as `asyncio.timeout` does, at a tenth of its cost for each piece."""
        self._due, self._name = self._next()
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._task, self._cancelling = task, task.cancelling()
        if self._due is not None and (self._timer is None or self._timer.when() > self._due):
            self._arm(self._due)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._due = None
        if self._expired and self._task is not None:
            self._expired = False
            if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                if self._name == "finish":
                    raise WholeAnswer from None
                raise self._error(self._name) from None

    def _arm(self, when: float) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_at(when, self._ring)

    def _ring(self) -> None:
        """The timer went off; deadlines have moved on since it was set, as a rule."""
        self._timer = None
        if self._due is None or self._task is None:
            return
        if self._due > self._now():
            self._arm(self._due)
        else:
            self._expired = True
            self._task.cancel()

    def _next(self) -> tuple[float | None, str]:
        """The nearest deadline and its name."""
        limits = self._limits
        if self._finished_at is not None:
            return self._finished_at + AFTER_FINISH, "finish"
        now = self._wait_began = self._now()
        deadlines = [(self._start + limits.total, "total")] if limits.total else []
        if not self.began:
            if limits.first_token:
                deadlines.append((self._start + limits.first_token, "firstToken"))
        elif limits.idle:
            deadlines.append((now + limits.idle, "idle"))
            if limits.first_token:  # comments show that it lives, yet nothing comes
                patience = max(limits.idle, limits.first_token)
                deadlines.append((now + patience - self._quiet, "firstToken"))
        return min(deadlines, default=(None, ""))

    def _error(self, name: str) -> ProviderError:
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
