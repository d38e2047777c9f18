"""`roo-lsp acp`: the agent on standard input and output. `initialize` is answered before the SDK is loaded."""

import asyncio
import importlib
import logging
import os
import signal
from contextlib import suppress
from importlib.metadata import version

from roo_lsp.acp.greeting import reply_to
from roo_lsp.acp.wire import Wire
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.stdio.claim import claim_streams
from roo_lsp.stdio.logs import set_up
from roo_lsp.stdio.streams import FrameWriter, read_input
from roo_lsp.workspace.sandbox.memory import hide_own_memory

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0


def main(log_file: str | None = None) -> int:
    """Serve on stdio until the client is done; ends the process."""
    hide_own_memory()  # before anything looks at settings or keys
    set_up(log_file, stderr=logging.WARNING)  # some clients never read it
    stdin, stdout = claim_streams()
    asyncio.run(_serve(stdin, stdout))
    return 0


async def _serve(stdin: int, stdout: int) -> None:
    loop = asyncio.get_running_loop()
    code = 1
    try:
        writer = FrameWriter(stdout, loop, on_lost=lambda reason: wire.end(reason))  # noqa: PLW0108 -- made below
        wire = Wire(writer)
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            # Not on Windows: there the end of input has to do.
            with suppress(AttributeError, NotImplementedError):
                loop.add_signal_handler(getattr(signal, name), wire.end, name)
        await read_input(stdin, wire.feed, wire.end)
        await speak(wire)
        await writer.flush(FLUSH_SECONDS)
        code = 0
    except Exception:
        log.exception("the agent failed")
    # From within the loop: asyncio.run would wait for every thread that was left behind.
    logging.shutdown()
    os._exit(code)


async def speak(wire: Wire) -> None:
    """Answer a client until it is done."""
    number = version("roo-lsp")
    first: JsonObject | None = await wire.receive()
    greeted: JsonObject | None = None
    if first is not None:
        if (reply := reply_to(first, number)) is not None:
            wire.post(reply)
            wire.handled()
            greeted = first
        else:
            wire.handled()
            wire.put_back(first)
    connection = importlib.import_module("roo_lsp.acp.connection")
    await connection.converse(wire, number, greeted)
