"""The language server on standard input and output: frames in, frames out, and the end of the process.

``cli`` calls ``serve(server)`` with the server of ``server.py``; it returns only in tests. Nothing
here blocks the event loop: input is parsed as it arrives, output is written by a thread, so that a
client that stops reading slows nothing down but itself.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial

from roo_lsp.lsp.wire.frames import FrameDecoder
from roo_lsp.lsp.wire.greeting import Greeted
from roo_lsp.lsp.wire.protocol import BaseServer
from roo_lsp.stdio.streams import FrameWriter, read_input

__all__ = ["serve", "serve_stdio", "watch_process"]

FLUSH_SECONDS = 1.0
POLL_SECONDS = 5.0

NOT_GREETED = Greeted()

logger = logging.getLogger(__name__)


def serve(
    server: BaseServer,
    stdin: int,
    stdout: int,
    greeted: Greeted = NOT_GREETED,
    *,
    end_process: Callable[[int], object] = os._exit,
) -> None:
    """Serves LSP on streams that were claimed, then ends the process, whatever still runs."""

    async def main() -> None:
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            # Not on Windows: there the end of input has to do.
            with suppress(AttributeError, NotImplementedError):
                number = getattr(signal, name)
                asyncio.get_running_loop().add_signal_handler(number, server.protocol.end, name)
        code = 1
        try:
            code = await serve_stdio(server, stdin, stdout, greeted)
        except Exception:
            logger.exception("the server failed")
        # From within the loop: asyncio.run would wait for every thread that a handler left behind.
        logging.shutdown()
        end_process(code)

    asyncio.run(main())


async def serve_stdio(
    server: BaseServer, stdin: int, stdout: int, greeted: Greeted = NOT_GREETED
) -> int:
    """Serves LSP on two file descriptors, which it closes, until the client is done or gone.

    What of it was read before is acted on first.

    Returns the exit code for the process. By then close callbacks have run and answers are written,
    as far as the client let us.
    """
    loop = asyncio.get_running_loop()
    protocol = server.protocol
    with ExitStack() as undo:
        writer = FrameWriter(stdout, loop, on_lost=protocol.end)
        undo.callback(writer.close)
        protocol.set_writer(writer)

        def watch_client(pid: int) -> None:
            gone = partial(protocol.end, f"the client, process {pid}, is gone")
            undo.callback(watch_process(pid, gone))

        protocol.on_client_process = watch_client
        decoder = FrameDecoder(protocol.handle_message, protocol.parse_error)
        protocol.answered = greeted.answered
        decoder.feed(greeted.read)
        undo.callback(await read_input(stdin, decoder.feed, partial(protocol.end, "end of input")))
        await protocol.ended.wait()
        await protocol.close()
        await writer.flush(FLUSH_SECONDS)
    return protocol.exit_code


def watch_process(pid: int, gone: Callable[[], object]) -> Callable[[], None]:
    """Calls `gone` once, on the running loop, when the process ends; returns how to stop watching.

    A process that is not there to begin with is not watched: the client may be in another container
    or on another machine. On Windows nothing is watched, the end of input has to do.
    """
    if sys.platform == "win32" or not _is_alive(pid):
        logger.info("the client (process %d) can't be watched from here", pid)
        return lambda: None
    loop = asyncio.get_running_loop()
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return _poll_process(pid, gone, loop)

    def stop() -> None:
        nonlocal fd
        if fd >= 0:
            loop.remove_reader(fd)
            os.close(fd)
            fd = -1

    def ended() -> None:
        stop()
        gone()

    loop.add_reader(fd, ended)
    return stop


def _poll_process(
    pid: int, gone: Callable[[], object], loop: asyncio.AbstractEventLoop
) -> Callable[[], None]:
    def look() -> None:
        nonlocal timer
        if _is_alive(pid):
            timer = loop.call_later(POLL_SECONDS, look)
        else:
            gone()

    def stop() -> None:
        timer.cancel()

    timer = loop.call_later(POLL_SECONDS, look)
    return stop


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
