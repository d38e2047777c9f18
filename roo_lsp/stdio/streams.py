"""Standard input and output for messages, and for nothing else: what every protocol on them needs.

Nothing here blocks the event loop: input is given on as it arrives, output is written by a thread, so
that a client that stops reading slows nothing down but itself.
"""

import asyncio
import os
import selectors
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

CONGESTED_BYTES, CONGESTED_FRAMES = 256 * 1024, 64
DRAINED_BYTES, DRAINED_FRAMES = 32 * 1024, 8

LONGEST_QUEUE = 256 * 1024 * 1024
"""A client that leaves this much unread is taken for gone."""

BATCH_BYTES = 64 * 1024


class FrameWriter:
    """Writes frames to a file descriptor on a thread of its own, in order, dropping none."""

    def __init__(
        self, fd: int, loop: asyncio.AbstractEventLoop, on_lost: Callable[[str], object]
    ) -> None:
        self._fd = fd
        self._loop = loop
        self._on_lost = on_lost
        self._changed = threading.Condition()
        self._frames: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._waiting_frames = 0
        self._closed = False
        self._lost = False
        self._when_drained: list[Callable[[], object]] = []
        self._when_empty: list[Callable[[], object]] = []
        threading.Thread(target=self._run, name="output", daemon=True).start()

    def write(self, data: bytes) -> None:
        """Takes one frame, from any thread, and returns at once."""
        with self._changed:
            if self._closed:
                return
            self._frames.append(data)
            self._waiting_frames += 1
            self._waiting_bytes += len(data)
            self._changed.notify()
            overfull = self._waiting_bytes > LONGEST_QUEUE
        if overfull:
            self._lose("the client does not read what we write")

    @property
    def congested(self) -> bool:
        """Whether so much is waiting that what can be merged should be."""
        return self._waiting_bytes > CONGESTED_BYTES or self._waiting_frames > CONGESTED_FRAMES

    def when_drained(self, callback: Callable[[], object]) -> None:
        """Calls back once, on the loop, when little is waiting; at once if that is so now."""
        with self._changed:
            if self._busy():
                self._when_drained.append(callback)
                return
        self._on_loop([callback])

    async def flush(self, timeout: float) -> bool:  # noqa: ASYNC109 - giving up is an answer here
        """Waits until everything is written; false if that did not happen in time."""
        empty: asyncio.Future[None] = self._loop.create_future()
        with self._changed:
            if not self._waiting_frames:
                return not self._lost
            self._when_empty.append(lambda: empty.done() or empty.set_result(None))
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await empty
        return empty.done() and not empty.cancelled() and not self._lost

    def close(self) -> None:
        """Takes no more frames; those that wait are written, then the descriptor is closed."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _busy(self) -> bool:
        return self._waiting_bytes > DRAINED_BYTES or self._waiting_frames > DRAINED_FRAMES

    def _run(self) -> None:
        try:
            while batch := self._take():
                self._put(b"".join(batch))
                self._written(batch)
        except OSError as error:
            self._lose(f"the client can't be written to: {error.strerror}")
        finally:
            os.close(self._fd)

    def _take(self) -> list[bytes]:
        with self._changed:
            while not self._frames and not self._closed:
                self._changed.wait()
            batch: list[bytes] = []
            size = 0
            while self._frames and size < BATCH_BYTES:
                batch.append(self._frames.popleft())
                size += len(batch[-1])
            return batch

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                # Input and output may be one socket, which reading has made non-blocking.
                with selectors.DefaultSelector() as selector:
                    selector.register(self._fd, selectors.EVENT_WRITE)
                    selector.select()

    def _written(self, batch: list[bytes]) -> None:
        due: list[Callable[[], object]] = []
        with self._changed:
            if self._lost:
                return
            self._waiting_frames -= len(batch)
            self._waiting_bytes -= sum(map(len, batch))
            if not self._busy():
                due += self._when_drained
                self._when_drained.clear()
            if not self._waiting_frames:
                due += self._when_empty
                self._when_empty.clear()
        self._on_loop(due)

    def _lose(self, reason: str) -> None:
        with self._changed:
            if self._lost:
                return
            self._lost = self._closed = True
            self._frames.clear()
            self._waiting_frames = self._waiting_bytes = 0
            due = [*self._when_drained, *self._when_empty, partial(self._on_lost, reason)]
            self._when_drained.clear()
            self._when_empty.clear()
            self._changed.notify()
        self._on_loop(due)

    def _on_loop(self, callbacks: Iterable[Callable[[], object]]) -> None:
        # The loop may be closed by now, and then nobody waits.
        with suppress(RuntimeError):
            for callback in callbacks:
                self._loop.call_soon_threadsafe(callback)


async def read_input(
    fd: int, feed: Callable[[bytes], None], ended: Callable[[], object]
) -> Callable[[], object]:
    """Feeds what arrives on the descriptor until its end, on the running loop; returns how to stop."""
    loop = asyncio.get_running_loop()
    mode = os.fstat(fd).st_mode
    # Not a terminal: it would stay non-blocking after us, in the shell that started us.
    if sys.platform != "win32" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        transport, _ = await loop.connect_read_pipe(
            lambda: _Input(feed, ended), os.fdopen(fd, "rb", buffering=0)
        )
        return transport.close
    threading.Thread(
        target=_read_blocking, args=(fd, feed, ended, loop), name="input", daemon=True
    ).start()
    return lambda: None


class _Input(asyncio.Protocol):
    """Parses what arrives right there: a message costs no await."""

    def __init__(self, feed: Callable[[bytes], None], ended: Callable[[], object]) -> None:
        self._feed = feed
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        self._feed(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._ended()


def _read_blocking(
    fd: int,
    feed: Callable[[bytes], None],
    ended: Callable[[], object],
    loop: asyncio.AbstractEventLoop,
) -> None:
    # The loop may be closed while we wait for input.
    with suppress(OSError, RuntimeError):
        while data := os.read(fd, BATCH_BYTES):
            loop.call_soon_threadsafe(feed, data)
    with suppress(OSError):
        os.close(fd)
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(ended)
