"""Frames, the writer's thread, the end of the process; on real pipes, where it matters in a process."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.lsp.wire import stdio
from roo_lsp.lsp.wire.frames import LONGEST_HEADER, FrameDecoder
from roo_lsp.lsp.wire.protocol import BaseServer
from roo_lsp.lsp.wire.stdio import serve_stdio, watch_process
from roo_lsp.stdio import streams
from roo_lsp.stdio.streams import FrameWriter
from tests.support.wire import PATIENCE, frame, read_frame

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")


# Frames in


class Decoded:
    def __init__(self) -> None:
        self.messages: list[object] = []
        self.complaints: list[str] = []
        self.decoder = FrameDecoder(self.messages.append, self.complaints.append)


def decoded(data: bytes, *, cuts: tuple[int, ...] = ()) -> Decoded:
    result = Decoded()
    for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        result.decoder.feed(data[start:end])
    return result


@given(st.lists(st.dictionaries(st.text(), st.text())), st.data())
def test_messages_arrive_however_the_bytes_are_cut(messages: list[object], data: st.DataObject):
    stream = b"".join(frame(json.dumps(message).encode()) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    result = decoded(stream, cuts=tuple(cuts))
    assert result.messages == messages
    assert result.complaints == []


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2\r\n\r\n",
        b"content-length:2\r\n\r\n",
        b"Content-Length: 2\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc\r\nContent-Length:  2 \r\n\r\n",
        b"Content-Length: 2\n\n",
        b"\r\n\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_headers_that_are_right_in_their_way_are_taken(header: bytes):
    stream = header + b"{}" + frame(b"[1]")
    for cut in range(len(stream)):
        result = decoded(stream, cuts=(cut,))
        assert (result.messages, result.complaints) == ([{}, [1]], [])


@pytest.mark.parametrize(
    "garbage",
    [
        b"Content-Length: abc\r\n\r\n{}",
        b"Content-Length: -5\r\n\r\n{}",
        b"Content-Length: 99999999999\r\n\r\n{}",
        b"Content-Length: 9999999999999999999\r\n\r\n{}",
        b"Content-Length:\r\n\r\n{}",
        b"Content-Length: 99999999999\r\n\r\n" * 5000,
        b"X\r\n\r\n" * 5000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0" * 100_000,
        b"\0" * (LONGEST_HEADER - 8),
        b"{}\r\n\r\n",
        b"Content-Length: 1\r\n\r\n{}",
        b"Content-Length: 0\r\n\r\n{}",
        b'Content-Length: x\r\n\r\n{"text": "Content-Length: 12 is a header"}',
    ],
)
@pytest.mark.parametrize(
    "header", [b"Content-Length: 3\r\n\r\n", b"content-length: 3\r\nX: y\r\n\r\n"]
)
def test_after_a_bad_header_the_next_good_one_counts(garbage: bytes, header: bytes):
    stream = garbage + header + b"[1]" + frame(b"[2]")
    cuts = range(len(garbage), len(stream))
    for cut in ((), *((cut,) for cut in cuts)):
        result = decoded(stream, cuts=cut)
        assert result.messages == [[1], [2]]
        assert 1 <= len(result.complaints) <= 2


def test_a_stream_that_never_makes_sense_takes_no_memory():
    result = Decoded()
    for _ in range(100):
        result.decoder.feed(b"nonsense" * 10_000)
    assert len(result.decoder._buffer) < 100_000
    assert len(result.complaints) == 1


@given(st.binary(max_size=200), st.data())
def test_no_bytes_whatever_are_too_much(data: bytes, draw: st.DataObject):
    cut = draw.draw(st.integers(0, len(data)))
    decoded(data, cuts=(cut,))


# Frames out


class Pipe:
    """A pipe whose reading end a test reads when it wants to."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (chunk := os.read(self.out, size - len(data))):
            data += chunk
        return data

    def close(self) -> None:
        with suppress(OSError):
            os.close(self.out)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


async def test_a_client_that_does_not_read_blocks_nobody_and_loses_nothing(pipe: Pipe):
    loop = asyncio.get_running_loop()
    lost: list[str] = []
    writer = FrameWriter(pipe.into, loop, lost.append)
    drained = asyncio.Event()
    frames = [b"%06d" % number * 1000 for number in range(500)]
    for data in frames:
        writer.write(data)
    assert writer.congested
    writer.when_drained(drained.set)
    assert await writer.flush(0.01) is False
    assert not drained.is_set()
    flushing = asyncio.create_task(writer.flush(PATIENCE))
    await asyncio.sleep(0)
    reading = asyncio.create_task(asyncio.to_thread(pipe.read, 500 * 6000))
    async with asyncio.timeout(PATIENCE):
        await drained.wait()
        assert await flushing is True
        assert await reading == b"".join(frames)
    assert not writer.congested
    writer.close()
    assert lost == []


async def test_many_small_frames_are_congestion_too(pipe: Pipe):
    writer = FrameWriter(pipe.into, asyncio.get_running_loop(), print)
    writer.write(b"x" * 100_000)  # more than a pipe holds
    assert not writer.congested
    for _ in range(streams.CONGESTED_FRAMES):
        writer.write(b"x")
    assert writer.congested
    pipe.close()
    writer.close()


async def test_who_asks_while_nothing_waits_is_called_at_once(pipe: Pipe):
    writer = FrameWriter(pipe.into, asyncio.get_running_loop(), print)
    drained = asyncio.Event()
    writer.when_drained(drained.set)
    async with asyncio.timeout(PATIENCE):
        await drained.wait()
    assert await writer.flush(PATIENCE) is True
    writer.close()


async def test_what_was_written_before_close_still_goes_out(pipe: Pipe):
    writer = FrameWriter(pipe.into, asyncio.get_running_loop(), print)
    writer.write(b"last")
    writer.close()
    writer.write(b"too late")
    assert await asyncio.to_thread(pipe.read, 100) == b"last"


async def test_a_client_that_hung_up_is_told_once_and_frees_who_waits(pipe: Pipe):
    lost: asyncio.Queue[str] = asyncio.Queue()
    writer = FrameWriter(pipe.into, asyncio.get_running_loop(), lost.put_nowait)
    pipe.close()
    drained = asyncio.Event()
    writer.write(b"x" * 1_000_000)
    writer.when_drained(drained.set)
    async with asyncio.timeout(PATIENCE):
        assert "can't be written to" in await lost.get()
        await drained.wait()
    writer.write(b"more")
    assert await writer.flush(PATIENCE) is False
    assert lost.empty()


async def test_a_client_that_leaves_everything_unread_is_taken_for_gone(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streams, "LONGEST_QUEUE", 1_000_000)
    lost: asyncio.Queue[str] = asyncio.Queue()
    writer = FrameWriter(pipe.into, asyncio.get_running_loop(), lost.put_nowait)
    for _ in range(11):
        writer.write(b"x" * 100_000)
    async with asyncio.timeout(PATIENCE):
        assert "does not read" in await lost.get()


@posix
async def test_a_socket_that_is_not_blocking_is_written_to_all_the_same():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    writer = FrameWriter(ours.detach(), asyncio.get_running_loop(), print)
    writer.write(b"x" * 5_000_000)
    writer.close()

    def read() -> int:
        size = 0
        while chunk := theirs.recv(100_000):
            size += len(chunk)
        return size

    async with asyncio.timeout(PATIENCE):
        assert await asyncio.to_thread(read) == 5_000_000
    theirs.close()


# serve_stdio, on pipes in this process


class Session:
    """A server that serves two pipes, and the client's ends of them."""

    def __init__(self) -> None:
        self.server = BaseServer("test", "1.0")
        self.reader = asyncio.StreamReader(limit=2**24)
        self.closed = asyncio.Event()
        stdin, self.stdin = os.pipe()
        self.stdout, stdout = os.pipe()
        self._ends = {self.stdin, self.stdout}

        async def close() -> None:
            self.closed.set()

        self.server.protocol.on_close(close)
        self.serving = asyncio.create_task(serve_stdio(self.server, stdin, stdout))

    async def listen(self) -> None:
        self._ends.discard(self.stdout)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.reader), os.fdopen(self.stdout, "rb", 0)
        )

    def send(self, method: str, msg_id: int | None = None, params: object = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if msg_id is not None:
            message["id"] = msg_id
        os.write(self.stdin, frame(json.dumps(message).encode()))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return await read_frame(self.reader)

    async def initialize(self, process_id: int | None = None) -> None:
        self.send("initialize", 0, {"processId": process_id, "capabilities": {}})
        assert "result" in await self.receive()

    async def end(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.serving

    def close(self, end: int) -> None:
        self._ends.remove(end)
        os.close(end)

    def clean_up(self) -> None:
        for end in list(self._ends):
            self.close(end)


@pytest.fixture
async def session() -> AsyncIterator[Session]:
    session = Session()
    yield session
    session.clean_up()
    await session.end()


@posix
async def test_a_session_ends_with_0_after_shutdown_and_exit(session: Session):
    await session.listen()
    await session.initialize()
    session.send("shutdown", 1)
    assert await session.receive() == {"jsonrpc": "2.0", "id": 1, "result": None}
    session.send("exit")
    assert await session.end() == 0


@posix
async def test_the_end_of_input_ends_the_server_and_runs_the_close_callbacks(session: Session):
    await session.listen()
    await session.initialize()
    session.close(session.stdin)
    assert await session.end() == 1
    assert session.closed.is_set()


@posix
async def test_a_client_that_can_not_be_written_to_ends_the_server(session: Session):
    session.close(session.stdout)
    session.send("initialize", 0, {"processId": None, "capabilities": {}})
    assert await session.end() == 1
    assert session.closed.is_set()


@posix
async def test_a_full_pipe_does_not_keep_requests_from_being_handled(session: Session):
    initialized, pinged = asyncio.Event(), asyncio.Event()

    @session.server.feature("initialized")
    def ready(ls: BaseServer, params: object) -> None:
        initialized.set()

    @session.server.feature("roo/ping")
    def ping(ls: BaseServer, params: object) -> str:
        pinged.set()
        return "pong"

    session.send("initialize", 0, {"processId": None, "capabilities": {}})
    session.send("initialized", params={})
    async with asyncio.timeout(PATIENCE):
        await initialized.wait()
    for number in range(1000):
        session.server.protocol.send_notification_frame("x", {"n": number, "text": "x" * 1000})
    session.send("roo/ping", 1)
    async with asyncio.timeout(PATIENCE):
        await pinged.wait()
    await session.listen()
    assert (await session.receive())["id"] == 0
    assert [(await session.receive())["params"]["n"] for _ in range(1000)] == list(range(1000))
    assert (await session.receive())["result"] == "pong"


@posix
async def test_a_message_of_megabytes_arrives(session: Session):
    @session.server.feature("roo/length")
    def length(ls: BaseServer, params: dict[str, str]) -> int:
        return len(params["text"])

    await session.listen()
    await session.initialize()
    sending = asyncio.to_thread(session.send, "roo/length", 1, {"text": "x" * 5_000_000})
    _, reply = await asyncio.gather(sending, session.receive())
    assert reply["result"] == 5_000_000


class Bystander:
    """A process that runs until it is ended."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE
        )
        self.pid = self._popen.pid

    def end(self) -> None:
        self._popen.kill()
        self._popen.communicate()


@pytest.fixture
def bystander() -> Iterator[Bystander]:
    bystander = Bystander()
    yield bystander
    bystander.end()


@posix
async def test_the_death_of_the_client_s_process_ends_the_server(
    session: Session, bystander: Bystander
):
    await session.listen()
    await session.initialize(bystander.pid)
    assert not session.server.protocol.ended.is_set()
    bystander.end()
    assert await session.end() == 1
    assert session.closed.is_set()


@posix
async def test_a_process_that_was_never_there_is_not_watched(
    session: Session, bystander: Bystander
):
    bystander.end()
    await session.listen()
    await session.initialize(bystander.pid)
    session.send("shutdown", 1)
    assert (await session.receive())["result"] is None
    assert not session.server.protocol.ended.is_set()


@posix
async def test_where_there_is_no_pidfd_the_process_is_looked_for(
    monkeypatch: pytest.MonkeyPatch, bystander: Bystander
):
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(stdio, "POLL_SECONDS", 0.001)
    gone = asyncio.Event()
    stop = watch_process(bystander.pid, gone.set)
    bystander.end()
    async with asyncio.timeout(PATIENCE):
        await gone.wait()
    stop()


@posix
async def test_a_watch_that_was_stopped_tells_nothing(bystander: Bystander):
    told: list[str] = []
    another = asyncio.Event()
    stop = watch_process(bystander.pid, lambda: told.append("told"))
    watch_process(bystander.pid, another.set)
    stop()
    bystander.end()
    async with asyncio.timeout(PATIENCE):
        await another.wait()
    assert told == []


# The process


SERVER = """
import asyncio, subprocess, sys, threading, time
from roo_lsp.lsp.wire.protocol import BaseServer
from roo_lsp.lsp.wire.stdio import serve
from roo_lsp.stdio.claim import claim_streams

server = BaseServer("test", "1.0")

@server.feature("roo/print")
def print_things(ls, params):
    print("a stray print")
    subprocess.run(["echo", "a child's output"], check=True)
    return subprocess.run(["cat"], capture_output=True, check=True).stdout.decode()

@server.feature("roo/hang")
async def hang(ls, params):
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 10 * 60)
    return "hanging"

@server.feature("roo/flood")
def flood(ls, params):
    for number in range(500):
        ls.protocol.send_notification_frame("x", {"text": "x" * 1000})

@server.feature("roo/clean")
async def clean(ls, params):
    async def close():
        print("closed", file=sys.stderr, flush=True)
    ls.protocol.on_close(close)

serve(server, *claim_streams())
"""


class Process:
    """The server as an editor starts it."""

    def __init__(self, stdin: int | IO[bytes] = subprocess.PIPE) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def send(self, method: str, msg_id: int | None = None, params: object = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if msg_id is not None:
            message["id"] = msg_id
        assert self.popen.stdin is not None
        self.popen.stdin.write(frame(json.dumps(message).encode()))
        self.popen.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.popen.stdout is not None
        header = self.popen.stdout.readline()
        assert header.startswith(b"Content-Length: ")
        assert self.popen.stdout.readline() == b"\r\n"
        return json.loads(self.popen.stdout.read(int(header[16:])))

    def initialize(self) -> None:
        self.send("initialize", 0, {"processId": os.getpid(), "capabilities": {}})
        assert self.receive()["id"] == 0

    def end(self) -> tuple[int, str, str]:
        """Exit code, what is left on standard output, standard error."""
        output, errors = self.popen.communicate(timeout=PATIENCE)
        return self.popen.returncode, output.decode(), errors.decode()


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    yield process
    process.popen.kill()
    process.popen.communicate()


@posix
def test_nothing_but_frames_reaches_stdout_and_children_do_not_read_stdin(process: Process):
    process.initialize()
    process.send("roo/print", 1)
    assert process.receive()["result"] == ""
    process.send("shutdown", 2)
    assert process.receive()["result"] is None
    process.send("exit")
    code, output, errors = process.end()
    assert (code, output) == (0, "")
    assert "a stray print" in errors
    assert "a child's output" in errors


@posix
def test_what_was_written_before_exit_arrives(process: Process):
    process.send("initialize", 0, {"processId": None, "capabilities": {}})
    process.send("roo/flood", 1)
    process.send("shutdown", 2)
    process.send("exit")
    code, output, _ = process.end()
    assert code == 0
    assert output.count("Content-Length: ") == 503


@posix
def test_exit_does_not_wait_for_threads_and_without_shutdown_the_code_is_1(process: Process):
    process.initialize()
    process.send("roo/clean", 1)
    process.receive()
    process.send("roo/hang", 2)
    assert process.receive()["result"] == "hanging"
    process.send("exit")
    code, _, errors = process.end()
    assert code == 1
    assert "closed" in errors


@posix
def test_the_process_ends_when_its_input_does(process: Process):
    process.initialize()
    process.send("roo/clean", 1)
    process.receive()
    assert process.popen.stdin is not None
    process.popen.stdin.close()
    process.popen.stdin = None
    code, _, errors = process.end()
    assert code == 1
    assert "closed" in errors


@posix
def test_sigterm_cleans_up_first(process: Process):
    process.initialize()
    process.send("roo/clean", 1)
    process.receive()
    process.popen.send_signal(signal.SIGTERM)
    code, _, errors = process.end()
    assert code == 1
    assert "closed" in errors


def test_requests_may_come_from_a_file(tmp_path: Any):
    requests = [
        {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {"processId": None, "capabilities": {}},
        },
        {"jsonrpc": "2.0", "id": 1, "method": "shutdown"},
        {"jsonrpc": "2.0", "method": "exit"},
    ]
    path = tmp_path / "requests"
    path.write_bytes(b"".join(frame(json.dumps(request).encode()) for request in requests))
    with path.open("rb") as stdin:
        process = Process(stdin)
    code, output, _ = process.end()
    assert code == 0
    assert output.count("Content-Length: ") == 2
    assert output.endswith('{"jsonrpc":"2.0","id":1,"result":null}')


def test_what_starts_the_server_does_not_load_the_agent():
    code = "import sys, roo_lsp.lsp.wire.stdio; print([m for m in ('openai', 'pydantic') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    assert result.stdout.strip() == "[]"
