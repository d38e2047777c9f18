"""Bytes of a response body become the JSON texts in it, however the endpoint frames them.

Server-sent events, JSON a line, or one JSON document; what is none of these is told apart, so that
no page of HTML passes for an empty answer. Fed with any split of the bytes, it gives the same.
"""

import json
from collections.abc import Iterator

MAX_EVENT = 16 * 1024 * 1024
MAX_ANSWER = 64 * 1024 * 1024
"""Caps in bytes: a server must not be able to fill the memory."""

_BOM = b"\xef\xbb\xbf"


class TooLarge(Exception):
    """The body, or one event of it, is over its cap; the text says which."""


class BodyReader:
    """Reads one response body."""

    def __init__(self, max_event: int = MAX_EVENT, max_answer: int = MAX_ANSWER) -> None:
        self.done = False
        """`[DONE]` has come: nothing after it counts."""
        self.start = b""
        """The first bytes of the body, for error messages."""
        self._max_event = max_event
        self._max_answer = max_answer
        self._total = 0
        self._rest: list[bytes] = []
        """The line that has not ended yet."""
        self._rest_size = 0
        self._data: list[bytes] = []
        """`data` lines of the event that has not ended yet."""
        self._data_size = 0
        self._is_error = False
        """The event that has not ended yet is named `error`."""
        self._document: list[bytes] | None = None
        """Lines of a JSON document, when the body is one."""
        self._seen_text = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take more bytes; the payloads that they complete.

        Raises:
            TooLarge: more than the caps allow.
        """
        self._total += len(chunk)
        if self._total > self._max_answer:
            raise TooLarge(f"an answer of more than {self._max_answer >> 20} MB")
        if len(self.start) < 400:
            self.start = (self.start + chunk)[:400]
        payloads: list[bytes] = []
        for line in self._lines(chunk):
            if self.done:
                break
            payloads += self._line(line)
        if self._rest_size + self._data_size > self._max_event:
            raise TooLarge(f"an event of more than {self._max_event >> 20} MB")
        return payloads

    def finish(self) -> list[bytes]:
        """The body has ended: what was still open."""
        payloads: list[bytes] = []
        if self._rest and not self.done:
            rest = b"".join(self._rest).removesuffix(b"\r")
            self._rest = []
            payloads += self._line(rest)
        if not self.done:
            payloads += self._line(b"")
        if self._document is not None:
            payloads.append(b"\n".join(self._document))
            self._document = None
        return payloads

    def _lines(self, chunk: bytes) -> list[bytes]:
        """The lines that have ended: by LF, CR or CRLF, which may lie across two chunks."""
        if b"\n" not in chunk and b"\r" not in chunk and not self._ends_in_cr():
            self._rest.append(chunk)
            self._rest_size += len(chunk)
            return []
        text = b"".join([*self._rest, chunk])
        # A CR at the end may be half of a CRLF: wait for what follows.
        ended = text.endswith(b"\n")
        lines = text.splitlines()
        rest = b"" if ended else lines.pop()
        if text.endswith(b"\r"):
            rest += b"\r"
        self._rest = [rest] if rest else []
        self._rest_size = len(rest)
        return lines

    def _ends_in_cr(self) -> bool:
        return bool(self._rest) and self._rest[-1].endswith(b"\r")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if not self._seen_text:
            line = line.removeprefix(_BOM)
            if not line.strip():
                return
            self._seen_text = True
            if line.lstrip()[:1] in {b"{", b"["} and not _is_whole(line):
                self._document = []
        if self._document is not None:
            self._document.append(line)
            self._data_size += len(line)
        elif not line:
            yield from self._dispatch()
        elif line.startswith(b"data:"):
            payload = line[5:].removeprefix(b" ")
            self._data.append(payload)
            self._data_size += len(payload)
        elif line.startswith(b"event:"):
            self._is_error = line[6:].strip() == b"error"
        elif line.startswith(b"{"):
            yield from self._dispatch()
            yield line  # JSON a line; as an event's field it would mean nothing

    def _dispatch(self) -> Iterator[bytes]:
        is_error, self._is_error = self._is_error, False
        if not self._data:
            return
        payload = b"\n".join(self._data) if len(self._data) > 1 else self._data[0]
        self._data = []
        self._data_size = 0
        stripped = payload.strip()
        if stripped == b"[DONE]":
            self.done = True
        elif is_error:
            yield _as_error(stripped)
        elif stripped:
            yield payload

    @property
    def looks_like_html(self) -> bool:
        """True when the body is a web page."""
        return self.start.removeprefix(_BOM).lstrip()[:1] == b"<"


def _as_error(payload: bytes) -> bytes:
    """An event named `error` is one, whatever is in it: some proxies send bare words."""
    if not payload.startswith(b"{"):
        return json.dumps({"error": payload.decode("utf-8", "replace") or "error"}).encode()
    return payload if b'"error"' in payload else b'{"error":%s}' % payload


def _is_whole(line: bytes) -> bool:
    """True for a line that is a JSON text by itself, as far as its ends tell."""
    stripped = line.strip()
    return stripped[-1:] in {b"}", b"]"} and len(stripped) > 1
