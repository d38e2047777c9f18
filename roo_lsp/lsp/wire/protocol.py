"""The Language Server Protocol as we speak it: pygls, with what it gets wrong put right once.

``server.py`` makes a :class:`BaseServer`, declares handlers with ``@server.feature(METHOD)`` and
``@server.command(NAME)`` (commands as ``(ls, *arguments)``), and gives it to ``stdio.serve``.
A handler

* refuses by raising :class:`CommandFailed`; anything else it raises is a bug, which the client sees
  as "internal error" and the log sees whole;
* asks the client with ``ls.protocol.request``, which raises :class:`ClientError` for a refusal;
* sends events with ``ls.protocol.send_notification_frame``, merging while ``congested`` is true;
* is cancelled like any task, by ``$/cancelRequest`` or by the end of the server.

What has to be undone at the end is registered with ``ls.protocol.on_close``.
"""

import asyncio
import contextvars
import enum
import inspect
import itertools
import json
import logging
import math
import secrets
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, Self, TypeGuard, cast
from urllib.parse import urlsplit

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.constants import ATTR_EXECUTE_IN_THREAD
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from roo_lsp.lsp.wire.frames import framed

__all__ = ["BaseServer", "ClientError", "CommandFailed", "Outlet", "RooProtocol"]

CLOSE_SECONDS = 2.0
"""How long cancelled handlers and close callbacks may take before the server ends without them."""

CREATE_PROGRESS_SECONDS = 5.0
"""How long a client may think about a progress token before we go on without one."""

logger = logging.getLogger(__name__)
# pygls writes whole messages, settings and keys included, at INFO and DEBUG.
logging.getLogger("pygls").setLevel(logging.WARNING)

MessageId = int | str
Handler = Callable[..., Any]
JsonRpcMessage = dict[str, Any]
Steps = Generator[Callable[[], Awaitable[Any]], Any, Any]
"""A handler under way: yields each asynchronous call it needs made, returns the result."""


class CommandFailed(JsonRpcException):
    """What a handler raises to refuse: the only exception whose words go to the client."""

    CODE = types.LSPErrorCodes.RequestFailed.value
    MESSAGE = "the request failed"

    @classmethod
    def invalid_params(cls, message: str) -> Self:
        """For an argument that is missing or wrong; the message names the field."""
        return cls(message, types.ErrorCodes.InvalidParams.value)

    @classmethod
    def refused(cls, message: str, reason: str) -> Self:
        """For a request that is well formed and may not be done now; reason is for programs."""
        return cls(message, types.LSPErrorCodes.RequestFailed.value, {"reason": reason})


class ClientError(JsonRpcException):
    """The client answered a request of ours with an error, or with something unreadable."""

    MESSAGE = "the client could not do it"


class Outlet(Protocol):
    """Where frames go: ``stdio.FrameWriter``, or a pipe within a test."""

    @property
    def congested(self) -> bool:
        """Whether so much is waiting that what can be merged should be."""
        ...

    def write(self, data: bytes) -> object:
        """Takes one frame and returns at once."""
        ...

    def when_drained(self, callback: Callable[[], object]) -> None:
        """Calls back once, on the event loop, as soon as little is waiting."""
        ...


class RooProtocol(LanguageServerProtocol):
    """JSON-RPC with LSP's lifecycle: every request gets exactly one answer, in every case."""

    fm: Any  # pygls' registry of handlers; its dicts are untyped

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        self._outlet: Outlet | None = None
        self._token: contextvars.ContextVar[types.ProgressToken | None] = contextvars.ContextVar(
            "work_done_token", default=None
        )
        # pygls looks at every attribute, properties included, to find its own handlers.
        super().__init__(server, converter)
        self.ended = asyncio.Event()
        """Set when the transport should stop: after `exit`, or when the client is gone."""
        self.on_client_process: Callable[[int], object] | None = None
        """Told the client's process id at `initialize`; the transport watches it."""
        self.answered: MessageId | None = None
        """The id of an `initialize` that was answered before we were there."""
        self._initialized = False
        self._closing: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[Any] | None = None
        self._close_callbacks: list[Callable[[], Awaitable[object]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running: dict[MessageId, asyncio.Task[Any]] = {}
        self._ids = itertools.count(1)
        self._encode = json.JSONEncoder(
            separators=(",", ":"), allow_nan=False, default=self._serialize_message
        ).encode

    # What handlers use

    @property
    def work_done_token(self) -> types.ProgressToken | None:
        """The token that the client passed with the request being handled."""
        return self._token.get()

    async def request(
        self,
        method: str,
        params: object = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the request has to be withdrawn with it
    ) -> Any:
        """Asks the client and returns its answer; cancelled or timed out, the request is withdrawn.

        Raises:
            ClientError: The client refused, or its answer makes no sense.
            TimeoutError: No answer within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            return await asyncio.wrap_future(self.send_request(method, params))

    def create_progress(self, token: types.ProgressToken) -> asyncio.Future[bool]:
        """Announces a progress token at once, ahead of whatever is sent on it.

        What comes of it may be awaited: false when the client can't, refuses or does not answer.
        """
        window = self.client_capabilities.window
        if window is None or not window.work_done_progress:
            unable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            unable.set_result(False)
            return unable
        params = types.WorkDoneProgressCreateParams(token=token)
        sent = self.send_request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params)
        return asyncio.ensure_future(self._progress_created(sent))

    async def _progress_created(self, sent: Future[Any]) -> bool:
        try:
            async with asyncio.timeout(CREATE_PROGRESS_SECONDS):
                await asyncio.wrap_future(sent)
        except (ClientError, TimeoutError) as error:
            logger.info("the client takes no progress token: %s", error)
            return False
        return True

    def send_notification_frame(self, method: str, params: object) -> None:
        """Sends a notification whose params are plain JSON: the hot path of events."""
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    @property
    def congested(self) -> bool:
        """Whether the client reads slower than we write."""
        return self._outlet is not None and self._outlet.congested

    def when_drained(self, callback: Callable[[], object]) -> None:
        """Calls back once, on the loop, when the client has caught up."""
        if self._outlet is None:
            asyncio.get_running_loop().call_soon(callback)
        else:
            self._outlet.when_drained(callback)

    # The life of the server

    def on_close(self, callback: Callable[[], Awaitable[object]]) -> None:
        """Has `callback` awaited once at the end: `shutdown`, `exit`, or the client gone."""
        self._close_callbacks.append(callback)

    def end(self, reason: str) -> None:
        """Asks the transport to stop reading, clean up and end."""
        if not self.ended.is_set():
            logger.info("ending: %s", reason)
            self.ended.set()

    @property
    def exit_code(self) -> int:
        """0 when the client asked for `shutdown` first, as LSP wants it; else 1."""
        return 0 if self._shutdown else 1

    async def close(self) -> None:
        """Cancels what runs, awaits the close callbacks, withdraws what is asked; once, bounded."""
        if self._closing is None:
            self._closer = asyncio.current_task()
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)
        if self._closer in self._tasks and self._closer is not asyncio.current_task():
            # The client did not wait for the answer to `shutdown`, but it gets one.
            await asyncio.wait({self._closer}, timeout=CLOSE_SECONDS)

    async def _close(self) -> None:
        running = self._tasks - {self._closer}
        for task in running:
            task.cancel()
        ends = {asyncio.ensure_future(_guarded(callback)) for callback in self._close_callbacks}
        if running | ends:
            _, late = await asyncio.wait(running | ends, timeout=CLOSE_SECONDS)
            for task in late:
                logger.warning("not finished in %g s, left behind: %r", CLOSE_SECONDS, task)
                task.cancel()
        for future in list(self._request_futures.values()):
            future.cancel()

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        """Answers with what the handlers that are registered amount to."""
        if params.root_uri is not None and not _is_uri(params.root_uri):
            params.root_uri = None  # pygls would fail for it
        result = yield from super().lsp_initialize(params)
        capabilities = result.capabilities
        if isinstance(capabilities.text_document_sync, types.TextDocumentSyncOptions):
            sync = capabilities.text_document_sync
            sync.save = types.SaveOptions(include_text=False)
            # What is not handled is not offered, to no client: the answer is known beforehand.
            sync.will_save = sync.will_save_wait_until = None
        if capabilities.execute_command_provider is not None:
            capabilities.execute_command_provider.work_done_progress = True
        self._initialized = True
        if params.process_id is not None and self.on_client_process is not None:
            self.on_client_process(params.process_id)
        return result

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *args: Any) -> Generator[Any, Any, None]:
        """Cancels what is in flight, cleans up, then answers."""
        self._shutdown = True
        yield self.close, (), None
        if (handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            yield handler, args, None

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> Generator[Any, Any, None]:
        """Ends the server; the transport ends the process."""
        if (handler := self.fm.features.get(types.EXIT)) is not None:
            yield handler, args, None
        self.end("the client said exit")

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    def lsp_workspace__execute_command(
        self, params: types.ExecuteCommandParams
    ) -> Generator[Any, Any, Any]:
        """Calls the command's handler with the arguments as they came; it validates them."""
        if (handler := self.fm.commands.get(params.command)) is None:
            raise CommandFailed.invalid_params(f"unknown command: {params.command[:100]}")
        return (yield handler, tuple(params.arguments or ()), None)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(
        self, params: types.WorkDoneProgressCancelParams
    ) -> Generator[Any, Any, None]:
        """Passes the wish on; what a token stands for is known to the handler."""
        yield from self._pass_on(types.WINDOW_WORK_DONE_PROGRESS_CANCEL, params)

    # pygls would keep each document a second time, and fail for those that were never opened.

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(
        self, params: types.DidOpenTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """For the server's own handler alone."""
        yield from self._pass_on(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """For the server's own handler alone."""
        yield from self._pass_on(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(
        self, params: types.DidCloseTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """For the server's own handler alone."""
        yield from self._pass_on(types.TEXT_DOCUMENT_DID_CLOSE, params)

    def _pass_on(self, method: str, params: object) -> Generator[Any, Any, None]:
        if (handler := self.fm.features.get(method)) is not None:
            yield handler, (params,), None

    # Messages in

    def handle_message(self, message: object) -> None:
        """Acts on one decoded message; whatever it is, the server lives on."""
        contextvars.copy_context().run(self._dispatch, message)

    def parse_error(self, reason: str) -> None:
        """Tells the client that what it sent could not be read as a message."""
        self._refuse(None, CommandFailed(reason, types.ErrorCodes.ParseError.value))

    def _dispatch(self, message: object) -> None:
        if not isinstance(message, dict):
            self._refuse(None, _invalid_request("a message is one JSON object"))
            return
        fields = cast("JsonRpcMessage", message)
        method, msg_id = fields.get("method"), fields.get("id")
        if method is None and self._is_response(fields):
            self._on_response(msg_id, fields)
        elif "id" in fields and not _is_id(msg_id):
            self._refuse(None, _invalid_request("id has to be a string or an integer"))
        elif fields.get("jsonrpc") != "2.0":
            self._refuse(msg_id, _invalid_request('jsonrpc has to be "2.0"'))
        elif not isinstance(method, str):
            self._refuse(msg_id, _invalid_request("method has to be a string"))
        elif "id" in fields:
            self._on_request(cast("MessageId", msg_id), method, fields)
        elif method == types.CANCEL_REQUEST:
            self._on_cancel(fields.get("params"))
        else:
            self._on_notification(method, fields)

    def _is_response(self, fields: JsonRpcMessage) -> bool:
        # Some clients leave `result` out where it is null.
        msg_id = fields.get("id")
        return (
            "result" in fields
            or "error" in fields
            or (_is_id(msg_id) and msg_id in self._request_futures)
        )

    def _on_request(self, msg_id: MessageId, method: str, fields: JsonRpcMessage) -> None:
        try:
            if msg_id in self._running:
                raise _invalid_request("a request with this id is still running")
            self._check_life(method)
            if (handler := self._find(method)) is None:
                code = types.ErrorCodes.MethodNotFound.value
                raise CommandFailed(f"unknown method: {method[:100]}", code)
            params = self._params_of(msg_id, method, fields)
        except CommandFailed as refusal:
            self._refuse(msg_id, refusal)
            return
        self._ctx_msg_id.set(msg_id)
        self._token.set(_work_done_token(fields))
        task = self._start(handler, params, partial(self._answer, msg_id, method))
        if task is not None:
            self._running[msg_id] = task

    def _on_notification(self, method: str, fields: JsonRpcMessage) -> None:
        if method != types.EXIT and (self._shutdown or not self._initialized):
            logger.debug("%s outside of a session, ignored", method)
            return
        if (handler := self._find(method)) is None:
            logger.debug("unknown notification %s, ignored", method)
            return
        try:
            params = self._params(method, fields)
        except CommandFailed as refusal:
            logger.warning("%s ignored: %s", method, refusal)
            return
        self._start(handler, params, partial(self._look, method))

    def _on_cancel(self, params: Any) -> None:
        msg_id = cast("JsonRpcMessage", params).get("id") if isinstance(params, dict) else None
        if _is_id(msg_id) and (task := self._running.get(msg_id)) is not None:
            task.cancel()

    def _on_response(self, msg_id: Any, fields: JsonRpcMessage) -> None:
        future = self._request_futures.get(msg_id) if _is_id(msg_id) else None
        if future is None or future.done():
            # Withdrawn in the meantime, or never asked: nobody is waiting.
            logger.debug("a response to nothing that is asked, ignored")
            return
        if (error := fields.get("error")) is not None:
            future.set_exception(_client_error(error))
            return
        result = fields.get("result")
        if (response_type := self._result_types.get(msg_id)) is not None:
            response = {"jsonrpc": "2.0", "id": msg_id, "result": result}
            try:
                result = self._converter.structure(response, response_type).result
            except Exception as error:  # noqa: BLE001 - lsprotocol's hooks raise what they like
                future.set_exception(ClientError(f"unreadable answer: {_faults(error)}"))
                return
        future.set_result(result)

    def _check_life(self, method: str) -> None:
        if self._shutdown:
            raise _invalid_request("the server is shutting down")
        if self._initialized == (method == types.INITIALIZE):
            if self._initialized:
                raise _invalid_request("the server is initialized already")
            code = types.ErrorCodes.ServerNotInitialized.value
            raise CommandFailed("the first request has to be initialize", code)

    def _find(self, method: str) -> Handler | None:
        return self.fm.builtin_features.get(method) or self.fm.features.get(method)

    def _params_of(self, msg_id: MessageId, method: str, fields: JsonRpcMessage) -> Any:
        try:
            return self._params(method, fields)
        except CommandFailed as refusal:
            if method != types.INITIALIZE or msg_id != self.answered:
                raise
            # The client was told that it is served: so it is, as one that can do nothing.
            logger.warning("the client's capabilities cannot be read: %s", refusal.message)
            given = cast("JsonRpcMessage", fields["params"])
            kept = {name: given.get(name) for name in ("processId", "rootUri")}
            return self._params(method, {**fields, "params": {**kept, "capabilities": {}}})

    def _params(self, method: str, fields: JsonRpcMessage) -> Any:
        """The params as lsprotocol has them, or as they came where it knows no such method."""
        if (message_type := self.get_message_type(method)) is None:
            return fields.get("params")
        if method == types.WORKSPACE_EXECUTE_COMMAND:
            _check_arguments(fields.get("params"))
        try:
            return getattr(self._converter.structure(fields, message_type), "params", None)
        except Exception as error:  # noqa: BLE001 - lsprotocol's hooks raise what they like
            raise CommandFailed.invalid_params(_faults(error)) from None

    # Handlers

    def _start(
        self, handler: Handler, params: Any, finish: Callable[[asyncio.Future[Any]], None]
    ) -> asyncio.Task[Any] | None:
        """Runs a handler here and now as far as it is synchronous, the rest as a task.

        Documents are thus changed in the order in which the client said so.
        """
        loop = asyncio.get_running_loop()
        steps = self._steps(handler, (params,))
        done: asyncio.Future[Any] = loop.create_future()
        try:
            call = next(steps)
        except StopIteration as stop:
            done.set_result(stop.value)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises, finish judges it
            done.set_exception(error)
        else:
            task = loop.create_task(_finish(steps, call))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(finish)
            return task
        finish(done)
        return None

    def _steps(
        self, handler: Handler, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None
    ) -> Steps:
        call = partial(handler, *args, **(kwargs or {}))
        if inspect.iscoroutinefunction(handler):
            return (yield call)
        if getattr(handler, ATTR_EXECUTE_IN_THREAD, False):
            return (yield partial(asyncio.to_thread, call))
        if not inspect.isgeneratorfunction(handler):
            return call()
        # pygls' own handlers are generators: they yield the user's handlers.
        generator = call()
        try:
            inner = next(generator)
            while True:
                inner = generator.send((yield from self._steps(*inner)))
        except StopIteration as stop:
            return stop.value

    def _answer(self, msg_id: MessageId, method: str, outcome: asyncio.Future[Any]) -> None:
        self._running.pop(msg_id, None)
        if msg_id == self.answered and method == types.INITIALIZE:
            return
        try:
            frame = self._frame(_reply(msg_id, outcome))
        except Exception as bug:  # noqa: BLE001 - whatever it is, the client gets an answer
            frame = self._frame(_error(msg_id, _internal_error(method, bug)))
        self._put(frame)

    def _look(self, method: str, outcome: asyncio.Future[Any]) -> None:
        if not outcome.cancelled() and (error := outcome.exception()) is not None:
            _internal_error(method, error)

    # Messages out

    def set_writer(self, writer: Any, include_headers: bool = True) -> None:  # noqa: FBT001, FBT002 - pygls' signature
        """Sends frames to this `Outlet` from now on."""
        super().set_writer(writer, include_headers)
        self._outlet = writer

    def notify(self, method: str, params: object = None) -> None:
        """Sends a notification; params may be lsprotocol's types or plain JSON."""
        message: JsonRpcMessage = {"jsonrpc": "2.0", "method": method}
        if params is not None:
            message["params"] = params
        self._write(message)

    def send_request(
        self,
        method: str,
        params: object = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: MessageId | None = None,
    ) -> Future[Any]:
        """Sends a request; cancelling the future withdraws it with `$/cancelRequest`."""
        if msg_id is None:
            msg_id = next(self._ids)
        message: JsonRpcMessage = {"jsonrpc": "2.0", "id": msg_id, "method": method}
        if params is not None:
            message["params"] = params
        frame = self._frame(message)
        future: Future[Any] = Future()
        self._request_futures[msg_id] = future
        self._result_types[msg_id] = self.get_result_type(method)
        future.add_done_callback(partial(self._settle, msg_id))
        if callback is not None:
            future.add_done_callback(partial(_call_back, callback))
        self._put(frame)
        return future

    def _settle(self, msg_id: MessageId, future: Future[Any]) -> None:
        self._request_futures.pop(msg_id, None)
        self._result_types.pop(msg_id, None)
        if future.cancelled():
            self.notify(types.CANCEL_REQUEST, {"id": msg_id})

    def _refuse(self, msg_id: Any, error: CommandFailed) -> None:
        self._write(_error(msg_id, error))

    def _write(self, message: JsonRpcMessage) -> None:
        self._put(self._frame(message))

    def _put(self, frame: bytes) -> None:
        if self._outlet is None:
            logger.warning("nothing to write to: a message is lost")
        else:
            self._outlet.write(frame)

    def _frame(self, message: JsonRpcMessage) -> bytes:
        try:
            body = self._encode(message).encode("ascii")
        except ValueError:
            # NaN and infinity, which a model may well have written, are not JSON.
            body = self._encode(self._finite(message)).encode("ascii")
        return framed(body)

    def _finite(self, value: Any) -> Any:
        if value is None or isinstance(value, str | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, dict):
            fields = cast("dict[Any, Any]", value)
            return {name: self._finite(field) for name, field in fields.items()}
        if isinstance(value, list | tuple):
            return [self._finite(item) for item in cast("list[Any]", value)]
        return self._finite(self._serialize_message(value))

    def _serialize_message(self, data: Any) -> Any:
        if hasattr(data, "__attrs_attrs__"):
            return self._converter.unstructure(data)
        if isinstance(data, enum.Enum):
            return data.value
        raise TypeError(f"a {type(data).__name__} can't be sent as JSON")


class BaseServer(LanguageServer):
    """A pygls server that speaks :class:`RooProtocol`, with whole documents."""

    protocol: RooProtocol  # pyright: ignore[reportIncompatibleVariableOverride] - set once, below

    def __init__(
        self, name: str, version: str, protocol_cls: type[RooProtocol] = RooProtocol
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - its *args are untyped
            name,
            version,
            # pygls applies incremental changes to lines split at \f and U+2028 too, and corrupts them.
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
            protocol_cls=protocol_cls,
            converter_factory=default_converter,
        )

    def report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """Logs it; pygls would show the text of the exception to the user."""
        logger.error("pygls reports %s", source.__name__, exc_info=error)


async def _finish(steps: Steps, call: Callable[[], Awaitable[Any]]) -> Any:
    try:
        while True:
            call = steps.send(await call())
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()


async def _guarded(callback: Callable[[], Awaitable[object]]) -> None:
    try:
        await callback()
    except Exception:
        logger.exception("a close callback failed")


def _call_back(callback: Callable[[Any], None], future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is None:
        callback(future.result())


def _reply(msg_id: MessageId, outcome: asyncio.Future[Any]) -> JsonRpcMessage:
    try:
        return {"jsonrpc": "2.0", "id": msg_id, "result": outcome.result()}
    except asyncio.CancelledError:
        code = types.LSPErrorCodes.RequestCancelled.value
        return _error(msg_id, CommandFailed("cancelled", code))
    except CommandFailed as refusal:
        return _error(msg_id, refusal)


def _error(msg_id: Any, error: CommandFailed) -> JsonRpcMessage:
    body: JsonRpcMessage = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": msg_id, "error": body}


def _internal_error(method: str, error: BaseException) -> CommandFailed:
    # The text of an exception may hold keys and paths: it goes to the log, a reference to the wire.
    reference = secrets.token_hex(4)
    logger.error("internal error %s in %s", reference, method, exc_info=error)
    message = f"internal error (reference {reference}, see the server's log)"
    return CommandFailed(message, types.ErrorCodes.InternalError.value)


def _invalid_request(message: str) -> CommandFailed:
    return CommandFailed(message, types.ErrorCodes.InvalidRequest.value)


def _client_error(error: Any) -> ClientError:
    fields = cast("JsonRpcMessage", error) if isinstance(error, dict) else {}
    code = fields.get("code")
    message = str(fields.get("message") or "an error without a message")
    return ClientError(message, code if isinstance(code, int) else None, fields.get("data"))


def _faults(error: Exception) -> str:
    """Which fields are wrong, and how; never what was in them."""
    if not isinstance(error, BaseValidationError):
        return "the parameters can't be understood"
    parts = (part.rpartition(" @ ") for part in transform_error(error, "", _fault))
    return "; ".join(f"{where.lstrip('.') or 'message'}: {what}" for what, _, where in parts)


def _fault(error: BaseException, expected: type | None) -> str:
    if isinstance(error, KeyError):
        return "required field missing"
    return f"expected {getattr(expected, '__name__', 'something else')}"


def _check_arguments(params: Any) -> None:
    # lsprotocol would take a string or an object apart into its letters or names.
    if isinstance(params, dict):
        arguments = cast("JsonRpcMessage", params).get("arguments")
        if arguments is not None and not isinstance(arguments, list):
            raise CommandFailed.invalid_params("params.arguments: expected a list")


def _work_done_token(fields: JsonRpcMessage) -> types.ProgressToken | None:
    params = fields.get("params")
    token = (
        cast("JsonRpcMessage", params).get("workDoneToken") if isinstance(params, dict) else None
    )
    return token if _is_id(token) else None


def _is_uri(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def _is_id(value: Any) -> TypeGuard[MessageId]:
    return isinstance(value, int | str) and not isinstance(value, bool)
