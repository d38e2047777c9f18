"""A scripted OpenAI-compatible endpoint on loopback: raw sockets, so every byte is ours.

    async with FakeOpenAI() as fake:
        fake.answers(
            call("read_file", {"path": "a.py"}),
            text("Done."),
        )
        ...                                     # point the product at fake.base_url
        assert fake.chats[1].json["messages"][-1]["role"] == "tool"

Each request to `/chat/completions` takes the next scripted answer; `fake.always(answer)` serves when
none is left. A script is one of

    text("hi", pieces=2)   reasoning("hm")   call("tool", {…}, id="c1", pieces=3)
                                what the model says; add them up: text("I look.") + call(…) + call(…)
                                .ending("length")  .ending(None)  .using(100, 20, cached=80)
    deltas({…}, {…})            the same with `delta` objects of your own, for quirks
    events({…}, "[DONE]")       the same with whole events of your own
    raw(b"…", b"…")             bytes as they are, sent piece by piece
    status(429, {…}, {"Retry-After": "1"})
    hang()                      takes the request and never answers
    a function of the request that returns one of these

and can be put through

    cut(answer, after=2)        the connection breaks after two events
    stalled(answer, after=2)    nothing comes after two events
    gated(answer, event, after=2)   two events, then the rest once the asyncio.Event is set
    split(answer, 1)            sent one byte at a time
    paced(answer, 0.01)         seconds between events; for measurements, not for tests

An answer is rendered as a stream or as one JSON body, as the request asked, for chat completions or
for `/responses`. `GET /models` lists
`fake.models`. Requests are in `fake.requests` (all) and `fake.chats`; `await fake.chat(2)` waits
for the second; `await fake.hung_up` waits until a client left while it was being answered.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from time import monotonic
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

WAIT = 60.0
"""Seconds that a test waits for anything."""


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    """Without the query."""
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    at: float
    """`time.monotonic()` when it was whole."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def spoken(content: str) -> str:
    """What the user said in a message, without what the editor showed just then."""
    return content.partition("\n\n<editor>\n")[0]


# --- scripts ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reply:
    """An HTTP answer as it goes out: a head, then each step. None breaks the connection."""

    steps: tuple[bytes | asyncio.Event | float | None, ...]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/event-stream"),)
    never: bool = False
    """Send nothing at all, not even the head."""


@dataclass(frozen=True)
class Answer:
    """What the model says, before it is rendered for a request."""

    deltas: tuple[dict[str, Any], ...] = ()
    finish: str | None = "auto"
    usage: dict[str, Any] | None = None

    def __add__(self, other: "Answer") -> "Answer":
        return Answer(self.deltas + other.deltas, other.finish, other.usage or self.usage)

    def ending(self, reason: str | None) -> "Answer":
        """With this finish reason; None for a stream that just ends."""
        return replace(self, finish=reason)

    def using(self, prompt: int, completion: int, *, cached: int = 0) -> "Answer":
        """With usage, in OpenAI's spelling."""
        return replace(
            self,
            usage={
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
                "prompt_tokens_details": {"cached_tokens": cached},
            },
        )

    def reply(self, *, streamed: bool, responses: bool = False) -> Reply:
        if responses:
            return self._response_stream() if streamed else self._response()
        return self._stream() if streamed else self._whole()

    def _items(self) -> list[dict[str, Any]]:
        """The answer as items of the Responses API, each with the pieces it comes in."""
        items: list[dict[str, Any]] = []
        for delta in self.deltas:
            if "_call" in delta:
                fragment = delta["_call"]
                function = fragment["function"]
                if "id" in fragment:
                    names = {"call_id": fragment["id"], "name": function["name"]}
                    items.append({"type": "function_call", **names, "pieces": []})
                items[-1]["pieces"].append(function.get("arguments", ""))
            else:
                [(name, piece)] = delta.items()
                kind = "message" if name in {"content", "refusal"} else "reasoning"
                if not items or items[-1]["type"] != kind:
                    items.append({"type": kind, "pieces": [], "part": name})
                items[-1]["pieces"].append(piece)
        return items

    def _done(self, item: dict[str, Any], number: int) -> dict[str, Any]:
        """An item, whole."""
        said = "".join(item["pieces"])
        names = {"type": item["type"], "id": f"it_{number}", "status": "completed"}
        match item["type"]:
            case "function_call":
                return names | {k: item[k] for k in ("call_id", "name")} | {"arguments": said}
            case "message":
                part = {"type": "output_text", "text": said, "annotations": []}
                if item["part"] == "refusal":
                    part = {"type": "refusal", "refusal": said}
                return names | {"role": "assistant", "content": [part]}
            case _:
                part = {"type": "reasoning_text", "text": said}
                return names | {"summary": [], "content": [part]}

    def _final(self) -> dict[str, Any]:
        used = self.usage
        response: dict[str, Any] = {
            "id": "resp_fake",
            "object": "response",
            "created_at": 1,
            "model": "fake",
            "status": "incomplete" if self.finish == "length" else "completed",
            "output": [self._done(item, n) for n, item in enumerate(self._items())],
        }
        if self.finish == "length":
            response["incomplete_details"] = {"reason": "max_output_tokens"}
        if used is not None:
            response["usage"] = {
                "input_tokens": used["prompt_tokens"],
                "output_tokens": used["completion_tokens"],
                "total_tokens": used["total_tokens"],
                "input_tokens_details": used["prompt_tokens_details"],
                "output_tokens_details": {"reasoning_tokens": 0},
            }
        return response

    def _response(self) -> Reply:
        return Reply((json.dumps(self._final()).encode(),), headers=JSON)

    def _response_stream(self) -> Reply:
        out: list[dict[str, Any]] = []
        begun = {"id": "resp_fake", "object": "response", "status": "in_progress", "output": []}
        out.append({"type": "response.created", "response": begun})
        for number, item in enumerate(self._items()):
            place = {"output_index": number}
            whole = self._done(item, number)
            empty = {"arguments": ""} if item["type"] == "function_call" else {"content": []}
            first = whole | empty | {"status": "in_progress"}
            out.append({"type": "response.output_item.added", **place, "item": first})
            kind = {
                "function_call": "function_call_arguments",
                "reasoning": "reasoning_text",
            }.get(item["type"], "output_text")
            if item.get("part") == "refusal":
                kind = "refusal"
            where = place | {"item_id": whole["id"]}
            if item["type"] != "function_call":
                where |= {"content_index": 0}
            out += [
                {"type": f"response.{kind}.delta", **where, "delta": piece}
                for piece in item["pieces"]
                if piece
            ]
            out.append({"type": "response.output_item.done", **place, "item": whole})
        if self.finish is not None:
            final = self._final()
            out.append({"type": f"response.{final['status']}", "response": final})
        numbered = [each | {"sequence_number": n} for n, each in enumerate(out)]
        return Reply(tuple(map(typed, numbered)))

    def _indexed(self) -> tuple[list[dict[str, Any]], str | None]:
        """The deltas with their calls counted, and the finish reason that fits."""
        count, indexed = -1, list[dict[str, Any]]()
        for delta in self.deltas:
            if "_call" in delta:
                fragment = dict(delta["_call"])
                count += "id" in fragment
                indexed.append({"tool_calls": [{"index": count, **fragment}]})
            else:
                indexed.append(delta)
        calls = any("tool_calls" in delta for delta in indexed)
        auto = "tool_calls" if calls else "stop"
        return indexed, auto if self.finish == "auto" else self.finish

    def _stream(self) -> Reply:
        indexed, finish = self._indexed()
        out = [chunk({"role": "assistant", "content": None}), *map(chunk, indexed)]
        if finish is not None:
            out.append(chunk({}, finish))
        if self.usage is not None:
            out.append(chunk(None) | {"choices": [], "usage": self.usage})
        last = [] if finish is None else [b"data: [DONE]\n\n"]
        return Reply((*map(_event, out), *last))

    def _whole(self) -> Reply:
        indexed, finish = self._indexed()
        message: dict[str, Any] = {"role": "assistant", "content": None}
        calls: dict[int, dict[str, Any]] = {}
        for delta in indexed:
            for fragment in delta.get("tool_calls", ()):
                whole = calls.setdefault(
                    fragment["index"],
                    {"type": "function", "function": {"name": "", "arguments": ""}},
                )
                whole |= {k: v for k, v in fragment.items() if k in {"id", "type"}}
                for key, value in fragment.get("function", {}).items():
                    whole["function"][key] += value
            for key, value in delta.items():
                if isinstance(value, str):
                    message[key] = (message.get(key) or "") + value
        if calls:
            message["tool_calls"] = list(calls.values())
        body: dict[str, Any] = {
            "id": "chatcmpl-fake",
            "object": "chat.completion",
            "created": 1,
            "model": "fake",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
        if self.usage is not None:
            body["usage"] = self.usage
        return Reply((json.dumps(body).encode(),), headers=JSON)


JSON = (("Content-Type", "application/json"),)

Script = Answer | Reply | Callable[[Request], "Answer | Reply"]


def text(words: str, *, pieces: int = 1) -> Answer:
    """The model says this, in so many deltas."""
    return Answer(tuple({"content": piece} for piece in _pieces(words, pieces)))


def reasoning(words: str, *, field_name: str = "reasoning_content", pieces: int = 1) -> Answer:
    """The model thinks this."""
    return Answer(tuple({field_name: piece} for piece in _pieces(words, pieces)))


_ids = iter(range(1, 10**9))


def call(
    name: str,
    arguments: dict[str, Any] | str | None = None,
    *,
    id: str | None = None,  # noqa: A002 -- the wire's word
    pieces: int = 1,
) -> Answer:
    """The model calls a tool: a first fragment with id and name, then the arguments in pieces."""
    body = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    first = {
        "id": id or f"call_{next(_ids)}",
        "type": "function",
        "function": {"name": name, "arguments": ""},
    }
    rest = [{"function": {"arguments": piece}} for piece in _pieces(body, pieces)]
    return Answer(tuple({"_call": fragment} for fragment in [first, *rest]))


def deltas(*objects: dict[str, Any]) -> Answer:
    """These `delta` objects, one an event."""
    return Answer(objects)


def chunk(delta: dict[str, Any] | None, finish: str | None = None) -> dict[str, Any]:
    """A `chat.completion.chunk` around a delta."""
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "fake",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def events(*objects: Any) -> Reply:
    """Each as one `data:` event: objects as JSON, strings as they are. No `[DONE]` is added."""
    return Reply(tuple(_event(each) for each in objects))


def raw(*pieces: bytes, status: int = 200, content_type: str = "text/event-stream") -> Reply:
    """These bytes as the body, each piece written by itself."""
    return Reply(pieces, status, (("Content-Type", content_type),))


def status(code: int, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
    """An HTTP status with a JSON body (or text, for a string)."""
    plain = isinstance(body, str)
    data = body.encode() if isinstance(body, str) else json.dumps(body or {}).encode()
    kind = (("Content-Type", "text/plain"),) if plain else JSON
    return Reply((data,), code, (*kind, *(headers or {}).items()))


def hang() -> Reply:
    """Takes the request and never answers."""
    return Reply((), never=True)


def cut(script: Answer | Reply, after: int) -> Reply:
    """The connection breaks after so many events."""
    reply = _streamed(script)
    return replace(reply, steps=(*reply.steps[:after], None))


def stalled(script: Answer | Reply, after: int) -> Reply:
    """Nothing comes after so many events, and the connection stays."""
    reply = _streamed(script)
    return replace(reply, steps=(*reply.steps[:after], asyncio.Event()))


def gated(script: Answer | Reply, gate: asyncio.Event, after: int = 0) -> Reply:
    """So many events, then the rest once `gate` is set."""
    reply = _streamed(script)
    return replace(reply, steps=(*reply.steps[:after], gate, *reply.steps[after:]))


def split(script: Answer | Reply, size: int) -> Reply:
    """The same bytes, written `size` at a time."""
    reply = _streamed(script)
    body = b"".join(step for step in reply.steps if isinstance(step, bytes))
    return replace(reply, steps=tuple(body[i : i + size] for i in range(0, len(body), size)))


def paced(script: Answer | Reply, delay: float) -> Reply:
    """So many seconds before each event."""
    reply = _streamed(script)
    return replace(reply, steps=tuple(step for each in reply.steps for step in (delay, each)))


def _streamed(script: Answer | Reply) -> Reply:
    return script.reply(streamed=True) if isinstance(script, Answer) else script


def typed(payload: dict[str, Any]) -> bytes:
    """An event of the Responses API, with its type as its name."""
    return f"event: {payload['type']}\n".encode() + _event(payload)


def _event(payload: Any) -> bytes:
    body = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"data: {body}\n\n".encode()


def _pieces(whole: str, count: int) -> list[str]:
    """`whole` in about `count` pieces of equal length; no piece for nothing."""
    size = max(1, -(-len(whole) // max(1, count)))
    return [whole[i : i + size] for i in range(0, len(whole), size)]


# --- the server ---------------------------------------------------------------------------------


@dataclass
class FakeOpenAI:
    """The endpoint; use as an async context manager."""

    models: Sequence[str] = ("fake-model",)
    requests: list[Request] = field(default_factory=list[Request])
    models_reply: Script | None = None
    """What `GET /models` gets in place of the list."""
    pages: dict[str, Script] = field(default_factory=dict[str, Script])
    """What other paths get, without the origin."""
    connections: int = 0
    """Connections taken so far."""
    _queue: list[Script] = field(default_factory=list[Script])
    _always: Script | None = None
    _server: asyncio.Server | None = None
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _left: asyncio.Event = field(default_factory=asyncio.Event)
    _handlers: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

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
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None, "use it as `async with FakeOpenAI() as fake`"
        return self._server.sockets[0].getsockname()[1]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        return f"{self.origin}/v1"

    def answers(self, *scripts: Script) -> None:
        """Add to the queue: the next requests get these, in order."""
        self._queue.extend(scripts)

    def always(self, script: Script | None) -> None:
        """What every request gets once the queue is empty."""
        self._always = script

    @property
    def chats(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]

    async def chat(self, number: int) -> Request:
        """The chat request of that number, from 1, once it has come."""
        async with asyncio.timeout(WAIT), self._arrived:
            await self._arrived.wait_for(lambda: len(self.chats) >= number)
        return self.chats[number - 1]

    @property
    def hung_up(self) -> Awaitable[None]:
        """Awaited, returns once a client has left before it had its whole answer."""
        return _Within(self._left)

    @property
    def unused(self) -> int:
        """Scripted answers that nobody asked for."""
        return len(self._queue)

    def forget(self) -> None:
        """Drop the scripted answers that nobody asked for."""
        self._queue.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                async for request in _requests(reader, writer):
                    self.requests.append(request)
                    async with self._arrived:
                        self._arrived.notify_all()
                    if not await self._answer(request, reader, writer):
                        break
        except asyncio.CancelledError:
            pass  # the fake is closing: asyncio would log a handler that ends cancelled
        finally:
            self._handlers.discard(task)
            writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Send the reply while watching whether the client leaves; True to keep the connection."""
        sending = asyncio.ensure_future(_send(self._reply(request), writer))
        leaving = asyncio.ensure_future(_closed(reader))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                with suppress(ConnectionError):
                    return sending.result()
            self._left.set()
            return False
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    def _reply(self, request: Request) -> Reply:
        if request.method == "GET":
            listing = {
                "object": "list",
                "data": [{"id": name, "object": "model", "created": 1} for name in self.models],
            }
            found = request.path.endswith("/models")
            script = (self.models_reply or status(200, listing)) if found else status(404, "no")
            script = self.pages.get(request.path, script)
        elif self._queue:
            script = self._queue.pop(0)
        else:
            script = self._always or status(
                500, {"error": {"message": "FakeOpenAI: no answer is scripted for this request"}}
            )
        made = script if isinstance(script, Answer | Reply) else script(request)
        if isinstance(made, Reply):
            return made
        responses = request.path.endswith("/responses")
        return made.reply(streamed=bool(request.json.get("stream")), responses=responses)


@dataclass(frozen=True)
class _Within:
    """An event to be awaited, though not for ever."""

    event: asyncio.Event

    def __await__(self) -> Any:
        return self._wait().__await__()

    async def _wait(self) -> None:
        async with asyncio.timeout(WAIT):
            await self.event.wait()


async def _requests(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> AsyncIterator[Request]:
    """The requests of one connection, until it ends."""
    while True:
        try:
            begin = await reader.readexactly(1)
            if begin == b"\x16":  # TLS, which a plain server answers so
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                return
            head = begin + await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        yield Request(method, url.path, query, headers, body, monotonic())


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> bool:
    """Write a reply; True when the connection can serve another."""
    if reply.never:
        await asyncio.Event().wait()
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    streamed = dict(reply.headers).get("Content-Type") == "text/event-stream"
    head = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{k}: {v}" for k, v in reply.headers)]
    if streamed:
        head.append("Transfer-Encoding: chunked")
    else:
        size = sum(len(step) for step in reply.steps if isinstance(step, bytes))
        head.append(f"Content-Length: {size}")
    writer.write("\r\n".join([*head, "", ""]).encode("latin-1"))
    await writer.drain()
    for step in _nonempty(reply.steps):
        match step:
            case bytes():
                writer.write(b"%x\r\n%s\r\n" % (len(step), step) if streamed else step)
                await writer.drain()
            case asyncio.Event():
                await step.wait()
            case float() | int():
                await asyncio.sleep(step)
            case None:
                return False  # closed without the last chunk, which is how a cut looks
    if streamed:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    return True


def _nonempty(
    steps: Iterable[bytes | asyncio.Event | float | None],
) -> list[bytes | asyncio.Event | float | None]:
    return [step for step in steps if step != b""]


async def _closed(reader: asyncio.StreamReader) -> None:
    """Returns when the client closes its side; clients here do not pipeline."""
    with suppress(ConnectionError):
        await reader.read(1)
