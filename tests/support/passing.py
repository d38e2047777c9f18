"""Time that passes when a test says so: a limit runs out at once, and never before its moment."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def passing_time() -> Callable[[float], None]:
    """Lets so many seconds pass for all of this event loop: timers that end within them are due.

    A test that waits for a limit sets one that no slow machine reaches, waits for the moment that
    it is about, and lets the time pass. Its own `asyncio.timeout` grows older too, so it is longer.
    Call this before what is tested begins, which may keep `loop.time` at hand.
    """
    loop, passed = asyncio.get_running_loop(), [0.0]
    now = loop.time
    loop.time = lambda: now() + sum(passed)
    return passed.append


async def hurried(work: Awaitable[T], *, until: Callable[[], object] = lambda: False) -> T:
    """What comes of work for which time passes in half seconds, to its end or until something.

    The event loop turns between them, so whatever goes on without waiting for the time keeps pace.
    """
    pass_time = passing_time()
    task = asyncio.ensure_future(work)
    while not (task.done() or until()):
        await asyncio.sleep(0.005)
        pass_time(0.5)
    return await task
