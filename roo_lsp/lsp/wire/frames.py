"""Frames, as LSP cuts messages out of a stream of bytes: for both of its ends.

Without pygls, which takes long to load: a command that talks to the server has no use for it.
"""

import json
import re
from collections.abc import Callable

LONGEST_MESSAGE = 256 * 1024 * 1024
LONGEST_HEADER = 8 * 1024


def framed(body: bytes) -> bytes:
    """A message with its header."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameDecoder:
    """Cuts bytes into messages: delivers each one decoded, and complains of what it can't read.

    After a bad header it goes on with the next `Content-Length` it sees.
    """

    _plain = re.compile(rb"[\r\n]*Content-Length: (\d{1,12})\r\n\r\n")
    _blank = re.compile(rb"[\r\n]*")
    _end = re.compile(rb"\r?\n\r?\n")
    _length = re.compile(
        rb"^Content-Length[ \t]*:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
    )
    _sync = re.compile(rb"Content-Length[ \t]*:[ \t]*\d", re.IGNORECASE)
    _longest_sync = 64

    def __init__(
        self, deliver: Callable[[object], object], complain: Callable[[str], object]
    ) -> None:
        self._deliver = deliver
        self._complain = complain
        self._buffer = bytearray()
        self._at = 0
        self._need: int | None = None
        self._lost = False

    def feed(self, data: bytes) -> None:
        """Takes the next bytes, however they are cut, and delivers what is complete."""
        self._buffer += data
        while self._header() if self._need is None else self._body(self._need):
            pass
        # Once for each chunk, not for each message: what is left moves to the front.
        del self._buffer[: self._at]
        self._at = 0

    def _header(self) -> bool:
        """Whether that brought us further; what follows is then a body or another header."""
        plain = self._plain.match(self._buffer, self._at)
        if plain is not None:
            return self._found(int(plain[1]), plain.end())
        blank = self._blank.match(self._buffer, self._at)
        start = blank.end() if blank is not None else self._at
        end = self._end.search(self._buffer, start, start + LONGEST_HEADER)
        if end is None:
            if len(self._buffer) - start < LONGEST_HEADER:
                return False
            return self._bad(start + LONGEST_HEADER - self._longest_sync)
        block = self._buffer[start : end.start()]
        length = self._length.search(block)
        if length is not None:
            return self._found(int(length[1]), end.end())
        # What stands in front of it on its line is the rest of a body that was given too short.
        sync = self._sync.search(block, 1)
        return self._bad(start + sync.start() if sync is not None else end.end())

    def _found(self, length: int, body_at: int) -> bool:
        if length > LONGEST_MESSAGE:
            return self._bad(body_at)
        self._need, self._at, self._lost = length, body_at, False
        return True

    def _bad(self, go_on_at: int) -> bool:
        if not self._lost:
            self._complain("a header without a usable Content-Length")
        self._lost, self._at = True, go_on_at
        return True

    def _body(self, need: int) -> bool:
        end = self._at + need
        if len(self._buffer) < end:
            return False
        body = self._buffer[self._at : end]
        self._at, self._need = end, None
        try:
            message: object = json.loads(body)
        except ValueError as error:
            self._complain(f"not JSON: {type(error).__name__}")
        except RecursionError:
            self._complain("nested too deeply")
        else:
            self._deliver(message)
        return True
