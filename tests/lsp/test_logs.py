"""The log: written by others than the event loop, bounded, and without keys."""

import logging
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from roo_lsp.stdio import logs
from roo_lsp.stdio.logs import BackgroundHandler, for_log, set_up

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """`flush` waits for the other thread, which imports what it needs for its first line."""
    monkeypatch.setattr(logs, "FLUSH_SECONDS", PATIENCE)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of its own, whose handlers are closed."""
    logger = logging.getLogger("roo_lsp.test_logs")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()


class Reader:
    """Something that is written to, and can be slow."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.may_read = threading.Event()
        self.reads = threading.Event()

    def write(self, text: str) -> None:
        self.reads.set()
        assert self.may_read.wait(PATIENCE)
        self.texts.append(text)


def test_what_is_not_read_in_time_is_dropped_the_oldest_first_and_counted(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "MOST_WAITING", 10)
    reader = Reader()
    handler = BackgroundHandler(reader.write)
    logger.addHandler(handler)
    logger.info("first")
    assert reader.reads.wait(PATIENCE)
    for number in range(30):
        logger.info("number %d", number)
    reader.may_read.set()
    handler.flush()
    assert reader.texts[0] == "first\n"
    lines = "".join(reader.texts[1:]).splitlines()
    assert lines[0].startswith("(20 lines of the log are lost")
    assert lines[1:] == [f"number {number}" for number in range(20, 30)]


def test_a_record_is_no_longer_than_a_page_or_two(logger: logging.Logger):
    reader = Reader()
    reader.may_read.set()
    handler = BackgroundHandler(reader.write)
    logger.addHandler(handler)
    logger.info("x" * 10_000_000)
    handler.flush()
    assert len(reader.texts[0]) == logs.LONGEST_RECORD + 1


def test_a_log_that_cannot_be_written_is_given_up(logger: logging.Logger):
    failed = threading.Event()

    def write(text: str) -> None:
        failed.set()
        raise BrokenPipeError

    handler = BackgroundHandler(write)
    logger.addHandler(handler)
    logger.info("first")
    assert failed.wait(PATIENCE)
    handler.flush()
    logger.info("second")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer {key}",
        "{{'authorization': 'Bearer {key}', 'x': 1}}",
        '"api-key": "{key}"',
        "x-goog-api-key={key}",
        "Proxy-Authorization: Basic {key}",
        "Incorrect API key provided: sk-proj-{key}",
        "GET https://h/v1?key={key}&x=1",
        "anything with $MY_OWN_KEY in it: {key}",
    ],
)
def test_keys_do_not_reach_the_log(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_OWN_KEY", "abc123def456")
    assert "abc123def456" not in for_log(text.format(key="abc123def456"))


def test_what_is_no_key_stays_readable():
    text = "ERROR roo_lsp.tasks.task: task 20261125-1: The disk is full (authorization: none)"
    assert for_log(text) == text


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, which is afterwards as it was; a test has to take pytest's handlers off."""
    root = logging.getLogger()
    level = root.level
    yield root
    for handler in [each for each in root.handlers if isinstance(each, BackgroundHandler)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_the_file_is_the_owners_alone_and_of_bounded_size(
    root: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logs, "FILE_BYTES", 1000)
    file = tmp_path / "roo.log"
    root.handlers.clear()
    set_up(str(file))
    for number in range(50):
        root.info("number %d %s", number, "x" * 100)
        root.handlers[1].flush()
    assert file.stat().st_size <= 1000
    assert (tmp_path / "roo.log.1").stat().st_size <= 1000
    assert "number 49 " in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_made_is_said_and_the_server_starts(
    root: logging.Logger, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    root.handlers.clear()
    set_up(str(tmp_path / "no" / "such" / "folder.log"))
    root.handlers[0].flush()
    assert "No such file or directory" in capfd.readouterr().err
