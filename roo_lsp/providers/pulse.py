"""Signs that a model is at work while nothing of its answer can be shown.

A model may write for minutes what its server keeps back (reasoning, a call that is not complete), or
read a long prompt. Pieces that come with nothing in them are counted; a server on this machine that
sends none is asked, where it tells (llama.cpp's `/slots`).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from roo_lsp.agent.ports import AtWork

QUIET = 10.0
"""Seconds without anything to show after which people are told that the model is at work."""
EVERY = 5.0
"""Seconds between two looks."""
PATIENCE = 30.0
"""Seconds for a server to say what it is at: llama.cpp answers between two batches of a prompt."""

Slots = Callable[[], Awaitable[bytes]]
"""Asks the server what it is at; raises whatever it likes."""


class Pulse:
    """Watches one request; `close` it in the end."""

    def __init__(self, told: Callable[[AtWork], None] | None, slots: Slots | None) -> None:
        """`told` gets the signs; `slots` asks a server on this machine, where there is one."""
        self._told = told
        self._slots = slots
        self.pieces = 0
        """Pieces of the answer that have come, whatever is in them."""
        self.shown = 0
        """Those that had something to show."""
        self._seen: tuple[int, int] = (0, 0)
        """Both when something was last shown."""
        self._now = asyncio.get_running_loop().time
        self._since = self._now()
        self._asking: asyncio.Task[None] | None = None
        self._timer = self._wait(QUIET) if told else None

    def close(self) -> None:
        """Watch no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _wait(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        now = self._now()
        if self.shown != self._seen[0]:
            self._seen, self._since = (self.shown, self.pieces), now
        elif now - self._since >= QUIET:
            if written := self.pieces - self._seen[1]:
                self._tell(written, written / (now - self._since))
            elif self._slots and (self._asking is None or self._asking.done()):
                self._asking = asyncio.ensure_future(self._ask(self._slots))
        self._timer = self._wait(EVERY)

    def _tell(self, tokens: int, per_second: float) -> None:
        if self._told is not None:
            self._told(AtWork(self._now() - self._since, tokens, per_second))

    async def _ask(self, slots: Slots) -> None:
        """Ask the server, twice, for how fast it writes; one that does not tell is not asked again."""
        try:
            async with asyncio.timeout(PATIENCE):
                before, at = _written(await slots()), self._now()
                await asyncio.sleep(1)
                after = _written(await slots())
        except Exception:  # noqa: BLE001 -- what it says is a courtesy: no failure of it is one of the task
            before = after = None
            at = 0.0
        if before is None or after is None:
            self._slots = None
        elif after >= before:
            self._tell(after, (after - before) / (self._now() - at))


def _written(body: bytes) -> int | None:
    """Tokens that llama.cpp has written of the one answer that it is at; None for anything else."""
    slots: Any = json.loads(body)
    busy = [
        cast("dict[str, Any]", slot)
        for slot in (cast("list[Any]", slots) if isinstance(slots, list) else [])
        if isinstance(slot, dict) and cast("dict[str, Any]", slot).get("is_processing") is True
    ]
    if len(busy) != 1:
        return None
    state = busy[0].get("next_token")
    if isinstance(state, list) and state:
        state = cast("list[Any]", state)[0]
    found = cast("dict[str, Any]", state).get("n_decoded") if isinstance(state, dict) else None
    return found if type(found) is int else None
