"""Streams that break, byte by byte as they come over a socket, and what becomes of a turn then.

The framing that `FakeOpenAI` does right is done wrong here; what it can script is in
`test_openai_compatible.py`.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import pytest

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    Retrying,
    ToolCallStarted,
    ToolCallUpdated,
)
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, Delta, Finished, TextDelta
from roo_lsp.providers.endpoint import Endpoint, Timeouts
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.retrying import VOID, Clock, RetryingModel
from tests.support.fake_openai import FakeOpenAI, chunk, events, typed
from tests.support.passing import passing_time
from tests.support.scripted import Rig, rig, tool

HELLO = ChatRequest("", [UserMessage("Hello")])
SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = SSE + b"Transfer-Encoding: chunked\r\n\r\n"
TO_THE_END = SSE + b"Connection: close\r\n\r\n"

End = Literal["close", "reset", "stay", "silence"]


def event(payload: Any) -> bytes:
    return (
        b"data: "
        + (payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        + b"\n\n"
    )


def framed(*pieces: bytes, last: bool = False) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + (b"0\r\n\r\n" if last else b"")


@dataclass(frozen=True)
class Wire:
    """How an answer looks over one of the two APIs: a piece of text, and its end."""

    api: Literal["chat", "responses"]
    hi: bytes
    bye: bytes
    nothing: bytes
    """A piece with nothing to show in it."""

    @property
    def good(self) -> bytes:
        return CHUNKED + framed(self.hi, self.bye, last=True)


HI = event(chunk({"content": "Hi"}))
BYE = event(chunk({}, "stop")) + event(b"[DONE]")
GOOD = CHUNKED + framed(HI, BYE, last=True)
_ITEM = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "Hi"}]}
_DELTA = {"type": "response.output_text.delta", "output_index": 0, "item_id": "m", "delta": "Hi"}
_END = {"object": "response", "status": "completed", "output": [_ITEM]}
WIRES = {
    "chat": Wire("chat", HI, BYE, event({"choices": []})),
    "responses": Wire(
        "responses",
        typed(_DELTA),
        typed({"type": "response.completed", "response": _END}),
        typed({"type": "response.in_progress", "response": {"status": "in_progress"}}),
    ),
}
"""Every break below happens to both."""


@dataclass(frozen=True)
class Bytes:
    """What one request gets, to the byte, and how its connection ends.

    `again` is sent for ever; meanwhile, and in `silence`, time passes until the client leaves.
    """

    data: bytes
    end: End = "close"
    again: bytes = b""


@dataclass
class RawServer:
    """An endpoint without any framing of its own; each request takes the next script."""

    scripts: list[Bytes]
    requests: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    _pass_time: Callable[[float], None] = field(default_factory=passing_time)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        self.requests += 1
        script = self.scripts.pop(0)
        writer.write(script.data)
        await writer.drain()
        while script.again:
            writer.write(script.again)
            await writer.drain()
            await asyncio.sleep(0.005)
            self._pass_time(1)
        match script.end:
            case "silence":
                while not reader.at_eof() and reader.exception() is None:
                    await asyncio.sleep(0.005)
                    self._pass_time(1)
                return False
            case "close":
                return False
            case "reset":
                connection: socket.socket = writer.get_extra_info("socket")
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
                return False
            case "stay":
                return True


def in_no_time() -> Clock:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0)

    return Clock(sleep=sleep)


@dataclass
class Told:
    """What came of one request."""

    deltas: list[Delta]
    error: ProviderError | None
    retries: list[Retrying]


async def ask(
    base_url: str,
    limits: Timeouts | None = None,
    attempts: int = 2,
    api: Literal["chat", "responses"] = "chat",
) -> Told:
    """One request through the whole client, waits left out."""
    told = Told([], None, [])
    limits = limits or Timeouts()
    async with (
        asyncio.timeout(60),
        OpenAICompatible(Endpoint(base_url, "m", timeouts=limits, api=api)) as inner,
    ):
        model = RetryingModel(inner, told.retries.append, attempts=attempts, clock=in_no_time())  # pyright: ignore[reportArgumentType]
        try:
            async for delta in model.stream(HELLO):
                told.deltas.append(delta)
        except ProviderError as error:
            told.error = error
    return told


# --- the bytes ----------------------------------------------------------------------------------


def breaks(wire: Wire) -> dict[str, tuple[Bytes, str]]:
    """Answers that break, and the code of what is told of them."""
    return {
        "closed before a head": (Bytes(b""), "connection_failed"),
        "reset before a head": (Bytes(b"", "reset"), "connection_failed"),
        "half a head": (Bytes(b"HTTP/1.1 200 OK\r\nContent-Ty"), "connection_failed"),
        "a head and no body": (Bytes(CHUNKED), "stream_broken"),
        "not HTTP": (Bytes(b"SSH-2.0-OpenSSH_9.2\r\n"), "connection_failed"),
        "closed between events": (Bytes(CHUNKED + framed(wire.hi)), "stream_broken"),
        "closed in the middle of an event": (
            Bytes(CHUNKED + framed(wire.hi, wire.hi[:40])),
            "stream_broken",
        ),
        "closed in the middle of a chunk": (Bytes(CHUNKED + framed(wire.hi)[:40]), "stream_broken"),
        "closed in the size of a chunk": (Bytes(CHUNKED + framed(wire.hi) + b"1"), "stream_broken"),
        "reset": (Bytes(CHUNKED + framed(wire.hi), "reset"), "stream_broken"),
        "a size that is no number": (
            Bytes(CHUNKED + framed(wire.hi) + b"zz\r\n", "stay"),
            "stream_broken",
        ),
        "a chunk longer than its size": (
            Bytes(CHUNKED + b"5\r\n" + wire.hi + b"\r\n", "stay"),
            "stream_broken",
        ),
        "ended in order in the middle of an event": (
            Bytes(CHUNKED + framed(wire.hi, wire.hi[:40], last=True)),
            "stream_broken",
        ),
        "the end of the connection in an event": (
            Bytes(TO_THE_END + wire.hi + wire.hi[:40]),
            "stream_broken",
        ),
        "the end of the connection between events": (Bytes(TO_THE_END + wire.hi), "stream_broken"),
        "a length that is too long": (
            Bytes(SSE + b"Content-Length: 9999\r\n\r\n" + wire.hi),
            "stream_broken",
        ),
        "a length that is too short": (
            Bytes(SSE + b"Content-Length: %d\r\n\r\n" % len(wire.hi) + wire.hi + wire.bye),
            "stream_broken",
        ),
        "compressed, though not asked for, and broken": (
            Bytes(SSE + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\nno gzip"),
            "stream_broken",
        ),
        "text in place of an answer": (
            Bytes(TO_THE_END + b"data: Internal Server Error\n\n"),
            "stream_broken",
        ),
        "HTML in the middle": (Bytes(TO_THE_END + wire.hi + b"<html>502</html>"), "stream_broken"),
    }


@pytest.mark.parametrize("api", WIRES)
@pytest.mark.parametrize("name", breaks(WIRES["chat"]))
async def test_a_break_is_told_and_the_request_made_once_more(name: str, api: str):
    wire = WIRES[api]
    broken, code = breaks(wire)[name]
    async with RawServer([broken, Bytes(wire.good)]) as server:
        told = await ask(server.base_url, api=wire.api)
        assert server.requests == 2
    assert told.error is None
    assert told.deltas[-2:] == [TextDelta("Hi"), Finished("stop")]
    [retry] = told.retries
    assert (retry.attempt, retry.attempts) == (1, 2)
    assert (VOID in retry.reason) is (len(told.deltas) > 2)

    async with RawServer([broken, broken]) as server:
        told = await ask(server.base_url, api=wire.api)
        assert server.requests == 2, "as many requests as attempts"
    assert told.error is not None
    assert told.error.code == code
    assert told.error.hint
    assert told.error.message.endswith("It was tried 2 times.")
    assert Finished("stop") not in told.deltas


def whole_but_broken(wire: Wire) -> dict[str, Bytes]:
    """Answers that are whole, though what carries them breaks."""
    return {
        "closed where more was promised": Bytes(
            SSE + b"Content-Length: 9999\r\n\r\n" + wire.hi + wire.bye
        ),
        "closed without the last chunk": Bytes(CHUNKED + framed(wire.hi, wire.bye)),
        "reset": Bytes(CHUNKED + framed(wire.hi, wire.bye), "reset"),
        "a broken chunk": Bytes(CHUNKED + framed(wire.hi, wire.bye) + b"zz\r\n"),
        "no end of the last event": Bytes(TO_THE_END + wire.hi + wire.bye.rstrip()),
        "no head but a status": Bytes(b"HTTP/1.1 200 OK\r\n\r\n" + wire.hi + wire.bye),
        "HTTP/1.0": Bytes(b"HTTP/1.0 200 OK\r\n\r\n" + wire.hi + wire.bye),
        "a chunk split in an event": Bytes(
            CHUNKED + framed(wire.hi[:30], wire.hi[30:], wire.bye, last=True)
        ),
    }


@pytest.mark.parametrize("api", WIRES)
@pytest.mark.parametrize("name", whole_but_broken(WIRES["chat"]))
async def test_what_breaks_behind_a_whole_answer_is_no_break(name: str, api: str):
    wire = WIRES[api]
    async with RawServer([whole_but_broken(wire)[name]]) as server:
        told = await ask(server.base_url, api=wire.api)
        assert server.requests == 1
    assert (told.error, told.retries) == (None, [])
    assert told.deltas == [TextDelta("Hi"), Finished("stop")]


@pytest.mark.parametrize(
    "first", [GOOD, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"], ids=["200", "503"]
)
async def test_a_kept_connection_that_closes_as_a_request_comes_costs_no_attempt(first: bytes):
    async with (
        RawServer([Bytes(first, "stay"), Bytes(b""), Bytes(GOOD)]) as server,
        OpenAICompatible(Endpoint(server.base_url, "m")) as model,
    ):
        with suppress(ProviderError):
            async for _ in model.stream(HELLO):
                pass
        assert Finished("stop") in [delta async for delta in model.stream(HELLO)]
        assert server.requests == 3


def endless(wire: Wire) -> list[tuple[Bytes, Timeouts, str]]:
    """Answers that never end, the limits that are set, and which of them ends the wait."""
    hi, first, idle = wire.hi, Timeouts(first_token=20), Timeouts(idle=10)
    both, total = Timeouts(first_token=20, idle=10), Timeouts(total=20)
    return [
        (Bytes(b"HTTP/1.1 200 OK\r\nX: ", again=b"x"), first, "firstToken"),
        (Bytes(TO_THE_END, again=b": ping\n\n"), first, "firstToken"),
        (Bytes(TO_THE_END, again=wire.nothing), first, "firstToken"),
        (Bytes(TO_THE_END + hi, again=b": ping\n\n"), both, "firstToken"),
        (Bytes(TO_THE_END + hi, again=wire.nothing), both, "firstToken"),
        (Bytes(TO_THE_END + hi, "silence"), idle, "idle"),
        (Bytes(TO_THE_END + hi + hi[:40], "silence"), idle, "idle"),
        (Bytes(TO_THE_END, again=hi), total, "total"),
        (Bytes(TO_THE_END + b"data: ", again=b"x"), total, "total"),
    ]


@pytest.mark.parametrize("api", WIRES)
@pytest.mark.parametrize("number", range(len(endless(WIRES["chat"]))))
async def test_what_never_ends_runs_into_a_limit(number: int, api: str):
    wire = WIRES[api]
    script, limits, name = endless(wire)[number]
    async with RawServer([script, Bytes(wire.good)]) as server:
        told = await ask(server.base_url, limits, api=wire.api)
        assert server.requests == 2
    assert told.error is None
    assert told.deltas[-1] == Finished("stop")
    assert f" within {10 if name == 'idle' else 20} s" in told.retries[0].reason
    async with RawServer([script]) as server:
        told = await ask(server.base_url, limits, attempts=1, api=wire.api)
    assert told.error is not None
    assert told.error.code == "timeout"
    assert f"roo.provider.timeouts.{name}" in told.error.hint


# --- errors inside a stream ---------------------------------------------------------------------

OVERLOADED = (
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy"}}\n\n'
)


@pytest.mark.parametrize(
    ("error", "code", "status", "again"),
    [
        (event({"error": {"message": "Slow down", "code": "429"}}), "rate_limited", 429, True),
        (
            event({"error": {"message": "x", "code": "rate_limit_exceeded"}}),
            "rate_limited",
            None,
            True,
        ),
        (event({"error": {"message": "x"}, "status_code": 503}), "provider_error", 503, True),
        (event({"error": {"message": "x", "status": 500}}), "provider_error", 500, True),
        (event({"error": {"message": "x", "code": 408}}), "timeout", 408, True),
        (event({"error": "x", "message": "y"}), "provider_error", None, True),
        (event([{"error": {"code": 503, "message": "x"}}]), "provider_error", 503, True),  # Gemini
        (OVERLOADED, "provider_error", None, True),
        (b'{"error": {"message": "x", "type": "server_error"}}\n', "provider_error", None, True),
        (b"event: error\ndata: upstream died\n\n", "provider_error", None, True),
        (b'event: error\ndata: {"message": "x", "code": 503}\n\n', "provider_error", 503, True),
        (event({"error": {"message": "x", "code": 400}}), "provider_error", 400, False),
        (event({"error": {"message": "x", "code": 401}}), "invalid_api_key", 401, False),
        (event({"error": {"message": "x", "code": 402}}), "rate_limited", 402, False),
        (
            event({"error": {"message": "x", "code": "insufficient_quota"}}),
            "rate_limited",
            None,
            False,
        ),
        (event({"error": {"message": "x", "code": 501}}), "provider_error", 501, False),
        (
            event({"error": {"message": "x", "type": "invalid_request_error"}}),
            "provider_error",
            None,
            False,
        ),
        (
            event({"error": {"message": "maximum context length is 9 tokens"}}),
            "context_overflow",
            None,
            False,
        ),
    ],
)
async def test_an_error_in_a_stream_is_retried_where_a_status_would_be(
    error: bytes, code: str, status: int | None, again: bool
):
    broken = Bytes(TO_THE_END + HI + error)
    async with RawServer([broken, broken]) as server:
        told = await ask(server.base_url)
        assert server.requests == 1 + again
    assert told.error is not None
    assert (told.error.code, told.error.status) == (code, status)
    assert [retry.status for retry in told.retries] == [status] * again


async def test_an_error_that_is_null_is_none():
    answer = event(chunk({"content": "Hi"}) | {"error": None}) + event(
        chunk({}, "stop") | {"error": {}}
    )
    async with RawServer([Bytes(TO_THE_END + answer)]) as server:
        assert (await ask(server.base_url)).deltas == [TextDelta("Hi"), Finished("stop")]


# --- a turn over them ---------------------------------------------------------------------------

ARGUMENTS = '{"word": "once"}'
CALL = event(chunk({"content": "I write."})) + event(
    chunk(
        {
            "tool_calls": [
                {"index": 0, "id": "c1", "function": {"name": "write", "arguments": ARGUMENTS}}
            ]
        }
    )
)
CALL_ENDS = event(chunk({}, "tool_calls")) + event(b"[DONE]")
CALL_BREAKS: dict[str, Bytes] = {
    "reset": Bytes(CHUNKED + framed(CALL), "reset"),
    "closed": Bytes(CHUNKED + framed(CALL)),
    "closed in the next event": Bytes(TO_THE_END + CALL + CALL_ENDS[:40]),
    "ended without a reason": Bytes(CHUNKED + framed(CALL, last=True)),
    "ended by DONE without a reason": Bytes(CHUNKED + framed(CALL, event(b"[DONE]"), last=True)),
    "an error": Bytes(
        CHUNKED + framed(CALL, event({"error": {"code": 500, "message": "x"}}), last=True)
    ),
    "an error of the sort Anthropic sends": Bytes(TO_THE_END + CALL + OVERLOADED),
    "silence": Bytes(CHUNKED + framed(CALL), "silence"),
    "a broken chunk": Bytes(CHUNKED + framed(CALL) + b"zz\r\n"),
    "broken JSON": Bytes(TO_THE_END + CALL + event(b'{"choices": [{') + CALL_ENDS),
    "HTML": Bytes(TO_THE_END + CALL + b"<html>502</html>"),
}


class Turn:
    """An agent with one tool over a real client; `runs` is what the tool did."""

    def __init__(self, base_url: str, attempts: int = 3) -> None:
        self.runs: list[str] = []
        self.rig: Rig = rig(tools=[tool("write", self._run)])
        limits = Timeouts(idle=10)
        self.client = OpenAICompatible(Endpoint(base_url, "m", timeouts=limits))
        self.rig.agent.model = RetryingModel(
            self.client, self.rig.events.append, attempts=attempts, clock=in_no_time()
        )

    def _run(self, word: str) -> str:
        self.runs.append(word)
        return "written"

    async def go(self) -> str:
        async with asyncio.timeout(60), self.client:
            return await run_turn(self.rig.agent)

    @property
    def messages(self) -> Sequence[Any]:
        return self.rig.agent.history.messages


@pytest.mark.parametrize("name", CALL_BREAKS)
async def test_the_call_of_an_abandoned_try_is_never_run(name: str):
    good = Bytes(CHUNKED + framed(CALL, CALL_ENDS, last=True))
    async with RawServer([CALL_BREAKS[name], good, Bytes(GOOD)]) as server:
        turn = Turn(server.base_url)
        assert await turn.go() == "end_turn"
        assert server.requests == 3
    assert turn.runs == ["once"]
    assert [type(message) for message in turn.messages] == [
        UserMessage,
        AssistantMessage,
        ToolMessage,
        AssistantMessage,
    ]
    first, result = turn.messages[1], turn.messages[2]
    assert (first.text, [c.id for c in first.calls]) == ("I write.", [result.call_id])


async def test_what_an_abandoned_try_had_shown_is_marked():
    good = Bytes(CHUNKED + framed(CALL, CALL_ENDS, last=True))
    async with RawServer([CALL_BREAKS["reset"], good, Bytes(GOOD)]) as server:
        turn = Turn(server.base_url)
        await turn.go()
    shown = [
        event
        for event in turn.rig.events
        if isinstance(event, AgentMessageChunk | ToolCallStarted | Retrying)
        or (isinstance(event, ToolCallUpdated) and event.status == "failed")
    ]
    assert [type(event) for event in shown] == [
        AgentMessageChunk,
        ToolCallStarted,
        ToolCallUpdated,  # failed: the call that was not run
        Retrying,
        AgentMessageChunk,
        ToolCallStarted,
        AgentMessageChunk,
    ]
    assert VOID in turn.rig.of(Retrying)[0].reason


@pytest.mark.parametrize("name", CALL_BREAKS)
async def test_a_turn_that_gives_up_leaves_no_call_behind(name: str):
    async with RawServer([CALL_BREAKS[name]] * 2) as server:
        turn = Turn(server.base_url, attempts=2)
        with pytest.raises(RooError, match="It was tried 2 times"):
            await turn.go()
        assert server.requests == 2
    assert turn.runs == []
    user, partial = turn.messages
    assert isinstance(user, UserMessage)
    assert partial.text.startswith("I write.")
    assert partial.calls == ()


async def test_after_giving_up_the_task_goes_on_with_a_history_that_is_accepted():
    async with RawServer([CALL_BREAKS["reset"]] * 2) as server:
        turn = Turn(server.base_url, attempts=2)
        with pytest.raises(RooError):
            await turn.go()
    async with FakeOpenAI() as fake:
        fake.answers(events(chunk({"content": "Hi"}), chunk({}, "stop")))
        turn.client = OpenAICompatible(Endpoint(fake.base_url, "m"))
        turn.rig.agent.model = turn.client
        turn.rig.agent.inbox.append(UserMessage("Go on"))
        assert await turn.go() == "end_turn"
        sent = fake.chats[0].json["messages"]
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert not any("tool_calls" in message for message in sent)
