"""Messages of ACP: one line of JSON each. Nothing that is no message reaches the SDK.

Its own transport is not used: one line that is JSON and no object ends its connection, its writer makes
each notification an await, and what it writes may hold halves of characters, which other parsers refuse.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

from roo_lsp.agent.json_values import JsonObject

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 256 * 1024 * 1024
PARSE_ERROR, INVALID_REQUEST = -32700, -32600


class Writer(Protocol):
    """Where messages go, in order, without waiting."""

    def write(self, data: bytes) -> None: ...

    @property
    def congested(self) -> bool: ...

    def when_drained(self, callback: Callable[[], object]) -> None: ...


class Wire:
    """Both directions; a `Transport` of the SDK, which can be posted to without waiting."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._incoming: asyncio.Queue[JsonObject | None] = asyncio.Queue()
        self._back: JsonObject | None = None
        self._handed_on: deque[int | str | None] = deque()
        self._buffer = bytearray()
        self._looked_at = 0
        self._skipping = False
        self._ended = False

    # --- out ------------------------------------------------------------------------------------

    def post(self, message: JsonObject) -> None:
        """Write a message, some time soon; in the order of the calls."""
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8", "replace")
        # Line separators to some readers of lines, but not to JSON.
        if b"\xe2\x80" in data:
            data = data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
        self._writer.write(data + b"\n")

    def notify(self, method: str, params: JsonObject) -> None:
        """Write a notification."""
        self.post({"jsonrpc": "2.0", "method": method, "params": params})

    @property
    def congested(self) -> bool:
        """Whether so much is waiting that what can be merged should be."""
        return self._writer.congested

    def when_drained(self, callback: Callable[[], object]) -> None:
        """Calls back once, on the event loop, as soon as little is waiting."""
        self._writer.when_drained(callback)

    async def drained(self) -> None:
        """Returns once little is waiting."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.when_drained(lambda: done.done() or done.set_result(None))
        await done

    async def send(self, message: JsonObject) -> None:
        """As the SDK writes."""
        self.post(message)

    # --- in -------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take the next bytes, however they are cut."""
        self._buffer += data
        while (end := self._buffer.find(b"\n", self._looked_at)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._looked_at = 0
            if self._skipping:
                self._skipping = False
            elif line.strip():
                self._take(line)
        self._looked_at = len(self._buffer)
        if len(self._buffer) > LONGEST_MESSAGE:
            self._complain(INVALID_REQUEST, "The message is too long.")
            self._buffer.clear()
            self._looked_at, self._skipping = 0, True

    def end(self, reason: str = "end of input") -> None:
        """Nothing more will come."""
        if not self._ended:
            self._ended = True
            log.info("the client is done: %s", reason)
            self._incoming.put_nowait(None)

    async def receive(self) -> JsonObject | None:
        """The next message; None at the end."""
        message, self._back = self._back, None
        message = message or await self._incoming.get()
        if message is not None and "method" in message:
            self._handed_on.append(message.get("id"))
        return message

    def handled(self) -> int | str | None:
        """The id of the message that is being handled now, None for a notification.

        The SDK begins to handle messages in their order, and does not say which one it is.
        """
        return self._handed_on.popleft() if self._handed_on else None

    def put_back(self, message: JsonObject) -> None:
        """It was read too early: it is the next one again."""
        self._back = message

    async def close(self) -> None:
        """As the SDK ends: whoever made the writer closes it."""
        self.end("closed")

    def _take(self, line: bytes) -> None:
        try:
            message: object = json.loads(line)
        except ValueError:
            self._complain(PARSE_ERROR, "Not JSON.")
        except RecursionError:
            self._complain(PARSE_ERROR, "Nested too deeply.")
        else:
            method: object = (
                cast("JsonObject", message).get("method", "") if isinstance(message, dict) else 0
            )
            if not isinstance(method, str):
                self._complain(INVALID_REQUEST, "Not a request.")
                return
            self._incoming.put_nowait(cast("JsonObject", message))

    def _complain(self, code: int, why: str) -> None:
        log.warning("a line from the client cannot be used: %s", why)
        error = {"code": code, "message": why}
        self.post({"jsonrpc": "2.0", "id": None, "error": error})
