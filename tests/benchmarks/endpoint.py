"""A scripted model in a process of its own that costs next to nothing and notes when it is spoken to.

Run as a program it serves HTTP on loopback and takes orders, one JSON object a line, on standard
input. An answer is rendered to bytes before it is asked for, and goes out in one write, each event in
an HTTP chunk of its own as servers send it; a paced answer goes out event by event.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic_ns
from typing import Any

LINE = 2**26


@dataclass(frozen=True)
class Turn:
    """One answer of the model: text, or a tool call whose arguments come in pieces."""

    text: str = ""
    tool: str = ""
    arguments: str = ""
    pieces: int = 4
    pace: float = 0.0
    """Seconds between events; 0 for all at once."""


def call(tool: str, pieces: int = 4, **arguments: Any) -> Turn:
    """The model calls a tool."""
    return Turn(tool=tool, arguments=json.dumps(arguments), pieces=pieces)


@dataclass(frozen=True)
class Served:
    """One request and its answer, in nanoseconds of `time.monotonic_ns`."""

    request_in: int
    """The request's last byte was there."""
    size: int
    """Bytes of its body."""
    first_out: int
    last_out: int
    """The last byte of the answer was handed to the kernel, or was about to be."""
    events_out: list[int] = field(default_factory=list[int])
    """When each event went out, of a paced answer."""


class Endpoint:
    """The model, as the benchmark sees it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.base_url = f"http://127.0.0.1:{port}/v1"

    async def plays(self, turns: Sequence[Turn]) -> None:
        """The next requests get these answers; what was noted before is forgotten."""
        await self._order({"turns": [asdict(turn) for turn in turns]})

    async def served(self) -> list[Served]:
        """What was asked and answered since `plays`."""
        return [Served(**each) for each in (await self._order({}))["served"]]

    async def last_body(self) -> bytes:
        """The body of the last request."""
        return (await self._order({}))["body"].encode()

    async def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(order).encode() + b"\n")
        return json.loads(await stdout.readline())


@asynccontextmanager
async def endpoint() -> AsyncGenerator[Endpoint]:
    """An endpoint that is up, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        str(Path(__file__)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Endpoint(process, int(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


# --- the process --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rendered:
    events: Sequence[bytes]
    """The head with the first event, the other events, the end."""
    pace: float


@dataclass
class _Script:
    """What is left to be said, and what was noted."""

    turns: list[Turn] = field(default_factory=list[Turn])
    rendered: dict[bool, list[_Rendered]] = field(default_factory=dict[bool, list[_Rendered]])
    """The turns over chat completions, and (true) over the Responses API."""
    served: list[Served] = field(default_factory=list[Served])
    body: bytes = b""


class _Connection(asyncio.Protocol):
    """One connection of a client, kept alive."""

    def __init__(self, script: _Script) -> None:
        self._script = script
        self._buffer = bytearray()
        self._pacing: asyncio.Task[None] | None = None
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = self._buffer.lower().index(b"content-length:", 0, end + 2) + 15
        size = int(self._buffer[length : self._buffer.index(b"\r", length)])
        if len(self._buffer) < end + 4 + size:
            return
        now = monotonic_ns()
        self._script.body = bytes(self._buffer[end + 4 :])
        responses = b"/responses" in self._buffer[: self._buffer.index(b"\r\n")]
        self._buffer.clear()
        self._answer(now, size, responses=responses)

    def _answer(self, request_in: int, size: int, *, responses: bool) -> None:
        script = self._script
        left = script.rendered.get(responses)
        turn = left.pop(0) if left else _render(Turn("Nothing is left to say."))
        if turn.pace:
            self._pacing = asyncio.create_task(self._paced(turn, request_in, size))
            return
        answer = b"".join(turn.events)
        out = monotonic_ns()
        self._transport.write(answer)
        script.served.append(Served(request_in, size, out, out))

    async def _paced(self, turn: _Rendered, request_in: int, size: int) -> None:
        loop = asyncio.get_running_loop()
        start, times = loop.time(), list[int]()
        for number, event in enumerate(turn.events):
            await asyncio.sleep(start + number * turn.pace - loop.time())
            times.append(monotonic_ns())
            self._transport.write(event)
        self._script.served.append(Served(request_in, size, times[0], times[-1], times))


def _render(turn: Turn) -> _Rendered:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}]
    deltas += [{"content": piece} for piece in _pieces(turn.text, turn.pieces)]
    if turn.tool:
        start = {"name": turn.tool, "arguments": ""}
        name = {"index": 0, "id": f"call_{monotonic_ns()}", "type": "function", "function": start}
        deltas.append({"tool_calls": [name]})
        deltas += [
            {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}
            for piece in _pieces(turn.arguments, turn.pieces)
        ]
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
    payloads = [_chunk(delta, None) for delta in deltas]
    payloads.append(_chunk({}, "tool_calls" if turn.tool else "stop"))
    payloads.append(json.dumps({**_ENVELOPE, "choices": [], "usage": usage}))
    events = [_http_chunk(f"data: {payload}\n\n".encode()) for payload in (*payloads, "[DONE]")]
    return _Rendered([_HEAD + events[0], *events[1:], b"0\r\n\r\n"], turn.pace)


def _render_response(turn: Turn) -> _Rendered:
    """The same over the Responses API, with the events that OpenAI's reference has."""
    number = monotonic_ns()
    call: dict[str, Any] = {
        "type": "function_call",
        "id": f"fc_{number}",
        "call_id": f"call_{number}",
        "name": turn.tool,
        "arguments": "",
    }
    said: dict[str, Any] = {"type": "message", "id": f"msg_{number}", "role": "assistant"}
    item, kind, whole = said | {"content": []}, "output_text", turn.text
    done = said | {"content": [{"type": "output_text", "text": turn.text, "annotations": []}]}
    if turn.tool:
        item, kind, whole = call, "function_call_arguments", turn.arguments
        done = call | {"arguments": turn.arguments}
    at = {"item_id": item["id"], "output_index": 0}
    used = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    response = {"object": "response", "status": "in_progress", "model": "x", "output": []}
    final = response | {"status": "completed", "output": [done], "usage": used}
    parts: list[dict[str, Any]] = [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        *(
            {"type": f"response.{kind}.delta", **at, "delta": piece}
            for piece in _pieces(whole, turn.pieces)
        ),
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": final},
    ]
    events = [
        _http_chunk(
            f"event: {part['type']}\ndata: {json.dumps(part | {'sequence_number': n})}\n\n".encode()
        )
        for n, part in enumerate(parts)
    ]
    return _Rendered([_HEAD + events[0], *events[1:], b"0\r\n\r\n"], turn.pace)


_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
    b"Cache-Control: no-cache\r\n\r\n"
)
_ENVELOPE = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "x"}


def _chunk(delta: dict[str, Any], finish: str | None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({**_ENVELOPE, "choices": [choice]})


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _pieces(whole: str, count: int) -> list[str]:
    """`whole` in `count` pieces, as equal as they can be; none for nothing."""
    cuts = [len(whole) * number // count for number in range(count + 1)]
    return [whole[a:b] for a, b in pairwise(cuts) if a < b]


async def _main() -> None:
    loop = asyncio.get_running_loop()
    script = _Script()
    server = await loop.create_server(lambda: _Connection(script), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    orders = asyncio.StreamReader(limit=LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    while line := await orders.readline():
        order = json.loads(line)
        if "turns" in order:
            script.turns = [Turn(**turn) for turn in order["turns"]]
            script.rendered[False] = [_render(turn) for turn in script.turns]
            script.rendered[True] = [_render_response(turn) for turn in script.turns]
            script.served.clear()
        served = [asdict(each) for each in script.served]
        body = script.body.decode("utf-8", "replace")
        print(json.dumps({"served": served, "body": body}), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(_main())
