"""The log: on standard error and in a file, written by threads, so that the event loop waits for neither.

An editor that does not read standard error, or a disk that hangs, costs lines of the log and nothing else.
"""

import logging
import os
import re
import select
import threading
from collections import deque
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

MOST_WAITING = 1000
"""Records; beyond, the oldest are dropped, and counted."""
LONGEST_RECORD = 20_000
"""Characters."""
FILE_BYTES = 5_000_000
"""The file is renamed to `….1` when it is larger, in place of the one before."""
FLUSH_SECONDS = 0.5
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_HEADER = re.compile(
    r"""(?ix) (\b(?:proxy-)?authorization|\b(?:x-)?(?:goog-)?api-?key) (["']?\s*[:=,]\s*b?["']?)
    (?!null\b|none\b) [^\s"',;}\])]+ (?:[ ][^\s"',;}\])]+)?"""
)
_SECRET_NAME = re.compile(r"(?i)(key|token|secret|password)$")


def set_up(log_file: str | None, stderr: int = logging.INFO) -> None:
    """Log to standard error from this level on, and all to a file where one is wanted and can be written."""
    handler = _with_format(BackgroundHandler(_to_stderr))
    handler.setLevel(stderr)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(capture=True)
    for chatty in ("httpx2", "httpcore2", "openai"):  # a line for each request, which editors show
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if log_file is None:
        return
    try:
        file = _File(Path(log_file).expanduser())
    except OSError as error:
        logging.getLogger(__name__).error("no log in %s: %s", log_file, error.strerror)  # noqa: TRY400 -- no traceback for a typo
        return
    logging.getLogger().addHandler(_with_format(BackgroundHandler(file.write)))


def for_log(text: str) -> str:
    """The text without what looks like a key, and without the keys in this process's environment."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, "[redacted]")
    text = _HEADER.sub(r"\1\2[redacted]", text)
    # Late: nothing but the answer to `initialize` may cost time at the start.
    return import_module("roo_lsp.providers.errors").redact(text)


class BackgroundHandler(logging.Handler):
    """Hands records to a thread that writes them; drops the oldest where it does not keep up."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write
        self._changed = threading.Condition()
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._writing = self._closed = False
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)[:LONGEST_RECORD]
        with self._changed:
            if self._closed:
                return
            if len(self._lines) >= MOST_WAITING:
                self._lines.popleft()
                self._dropped += 1
            self._lines.append(line)
            self._changed.notify_all()

    def flush(self) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or not (self._lines or self._writing), FLUSH_SECONDS
            )

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        super().close()

    def _run(self) -> None:
        while text := self._take():
            try:
                self._write(for_log(text))
            except OSError:  # nobody is there to read it, or there is no room for it
                self.close()

    def _take(self) -> str:
        with self._changed:
            self._writing = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._lines or self._closed)
            if self._closed:
                return ""
            lines, dropped = list(self._lines), self._dropped
            self._lines.clear()
            self._dropped, self._writing = 0, True
        if dropped:
            lines.insert(0, f"({dropped} lines of the log are lost: they were not read in time)")
        return "\n".join(lines) + "\n"


class _File:
    """A file of bounded size that only its owner can read, with the one before it as `….1`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._open()

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")
        if os.fstat(self._descriptor).st_size + len(data) > FILE_BYTES:
            os.close(self._descriptor)
            self._path.replace(f"{self._path}.1")
            self._descriptor = self._open()
        _write(self._descriptor, data)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _with_format(handler: logging.Handler) -> logging.Handler:
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler


def _to_stderr(text: str) -> None:
    _write(2, text.encode("utf-8", "backslashreplace"))


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # shared with somebody who made it non-blocking
            select.select([], [descriptor], [])
