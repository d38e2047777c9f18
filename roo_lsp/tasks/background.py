"""What goes on beside whatever a front end was asked for, and ends with it at the latest."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Background:
    """The work of one front end; a failure is a bug, and is logged."""

    _work: set[asyncio.Future[Any]] = field(default_factory=set[asyncio.Future[Any]])

    def start(self, work: Coroutine[Any, Any, Any] | asyncio.Future[Any]) -> None:
        """Do something beside everything else, until it is done or all of it is closed."""
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel what is not done, and wait for its end."""
        for task in list(self._work):
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work beside a request failed", exc_info=error)
