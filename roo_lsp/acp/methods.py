"""The methods of ACP: what each takes, in the SDK's models, and what it does.

The SDK's own router is not used: of what version 1 has it leaves out `session/delete`, takes
`session/close` and `session/resume` for unstable, and lets members of `_meta` take the place of arguments.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from acp.core import RequestError
from acp.schema import (
    AuthenticateRequest,
    CancelNotification,
    CancelRequestNotification,
    ClientCapabilities,
    CloseSessionRequest,
    DeleteSessionRequest,
    InitializeRequest,
    ListSessionsRequest,
    LoadSessionRequest,
    NewSessionRequest,
    PromptRequest,
    ResumeSessionRequest,
    SetSessionConfigOptionSelectRequest,
    SetSessionModeRequest,
)
from pydantic import BaseModel, ValidationError

from roo_lsp.acp.greeting import KEY_METHOD, KEY_WORDS, greeting
from roo_lsp.acp.options import AS_SET, MODE, MODEL, modes
from roo_lsp.acp.prompts import prompt_of
from roo_lsp.acp.sessions import AcpSession, TurnFailed, moment
from roo_lsp.acp.workplaces import Workplace, Workplaces, folders_of_session
from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.app import current_settings
from roo_lsp.endpoints import key_source
from roo_lsp.tasks import inputs
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.verbs import keeping
from roo_lsp.workspace.store import TaskStore, TaskSummary
from roo_lsp.workspace.user_folders import state_dir

log = logging.getLogger(__name__)

METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32601, -32602, -32603
AUTH_REQUIRED, NOT_FOUND, CANCELLED = -32000, -32002, -32800
REFUSED = -32803
"""As over LSP: what was asked for is well formed, and a state forbids it or it failed."""
PAGE = 50
"""Sessions that are listed at once."""


@dataclass(slots=True)
class Methods:
    """Answers the requests of one connection; a `MethodHandler` of the SDK."""

    places: Workplaces
    version: str
    later: Callable[[Callable[[], object]], object]
    """Calls back on the event loop once the answer to what is being handled was written."""
    _store: TaskStore | None = field(default=None)
    _under_way: dict[object, asyncio.Task[Any]] = field(
        default_factory=dict[object, "asyncio.Task[Any]"]
    )
    """What handles each request, by its id."""
    _prompted: dict[object, AcpSession] = field(default_factory=dict[object, AcpSession])
    """The session of each prompt, by what handles it."""

    async def __call__(self, method: str, params: Any, is_notification: bool) -> Any:  # noqa: FBT001 -- the SDK's signature
        """The answer to a request.

        Raises:
            RequestError: what it is refused with.
        """
        table = NOTIFICATIONS if is_notification else REQUESTS
        if method not in table:
            if is_notification:
                return None
            raise RequestError(METHOD_NOT_FOUND, f"{str(method)[:80]} is no method of roo-lsp.")
        model, handle = table[method]
        try:
            return await handle(self, model.model_validate(params if params is not None else {}))
        except RequestError:
            raise
        except Exception as error:
            if (expected := _expected(error)) is None:
                log.exception("%s failed with a bug", method)
            words = "An internal error of roo-lsp."
            raise expected or RequestError(INTERNAL, words, {"code": "internal"}) from None

    @contextmanager
    def under_way(self, request_id: object) -> Generator[None]:
        """For so long the request of this id can be cancelled."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- we are in a coroutine
        self._under_way[request_id] = task
        try:
            yield
        except asyncio.CancelledError:
            if task.cancelling() and request_id not in self._under_way:
                task.uncancel()
                raise RequestError(CANCELLED, "The request was cancelled.") from None
            raise
        finally:
            self._under_way.pop(request_id, None)

    async def cancel_request(self, request: CancelRequestNotification) -> None:
        """A prompt ends as by `session/cancel`; any other request is given up."""
        task = self._under_way.get(request.request_id)
        if task is None:
            return
        if (session := self._prompted.get(task)) is not None:
            await session.cancel()
            return
        del self._under_way[request.request_id]
        task.cancel()

    async def close(self) -> None:
        """Stop everything."""
        await self.places.close()
        if self._store is not None:
            self._store.close()

    # --- the connection ---------------------------------------------------------------------

    async def initialize(self, request: InitializeRequest) -> JsonObject:
        client = self.places.client
        client.capabilities = request.client_capabilities or ClientCapabilities.model_validate({})
        if (info := request.client_info) is not None:
            client.name = f"{info.title or info.name} {info.version or ''}".strip()
        return greeting(self.version)

    async def authenticate(self, request: AuthenticateRequest) -> JsonObject:
        if request.method_id != KEY_METHOD:
            raise Invalid(f"methodId: there is only {KEY_METHOD}")
        settings = current_settings().settings
        if (source := key_source(settings)) is None:
            raise RequestError(AUTH_REQUIRED, KEY_WORDS)
        return {"_meta": {"key": source}}

    # --- sessions ---------------------------------------------------------------------------

    async def new(self, request: NewSessionRequest) -> JsonObject:
        session = (await self._place(request)).new()
        await session.take_servers(request.mcp_servers)
        return {"sessionId": session.id} | await self._opened(session)

    async def load(self, request: LoadSessionRequest) -> JsonObject:
        session = await self._stored(request)
        await session.take_servers(request.mcp_servers)
        await session.replay()
        return await self._opened(session)

    async def resume(self, request: ResumeSessionRequest) -> JsonObject:
        session = await self._stored(request)
        await session.take_servers(request.mcp_servers or [])
        return await self._opened(session)

    async def _opened(self, session: AcpSession) -> JsonObject:
        """What a client has to know of a session; the rest follows the answer."""
        start = session.place.service.background.start
        self.later(lambda: start(session.tell_commands()))
        return {
            "modes": await modes(session.place.service, session.current_mode),
            "configOptions": await session.options(),
        }

    async def _place(
        self, request: NewSessionRequest | LoadSessionRequest | ResumeSessionRequest
    ) -> Workplace:
        return await self.places.at(
            folders_of_session(request.cwd, request.additional_directories or ())
        )

    async def _stored(self, request: LoadSessionRequest | ResumeSessionRequest) -> AcpSession:
        """The session of a stored task, for the folder it is of."""
        session_id = request.session_id
        summary = self._summary(session_id)
        if summary is None:
            raise RequestError(NOT_FOUND, f"There is no session {session_id[:80]}.")
        if not _same_folder(summary.workspace, request.cwd):
            raise Refused(
                f"The session is of {summary.workspace}, where its paths mean something; open it there.",
                "other_folder",
            )
        place = await self._place(request)
        open_one = self.places.session(session_id)
        if open_one is not None and open_one.place is not place:
            if (task := open_one.task) is not None and task.running:
                raise Refused("The session is working; wait, or cancel it first.", "running")
            open_one.place.forget(open_one)
        return place.open(session_id)

    def _summary(self, session_id: str) -> TaskSummary | None:
        try:
            return self.store.get(session_id)
        except ToolError:  # no name that a task could have
            return None

    @property
    def store(self) -> TaskStore:
        """The stored tasks of all folders."""
        if self._store is None:
            try:
                self._store = TaskStore(state_dir())
            except OSError as error:
                raise RooError(
                    "internal", f"The state folder cannot be used: {error.strerror}."
                ) from error
        return self._store

    async def list_them(self, request: ListSessionsRequest) -> JsonObject:
        found = self.store.list(None, MOST_LISTED)
        if (cwd := request.cwd) is not None:
            found = [each for each in found if _same_folder(each.workspace, cwd)]
        found.sort(key=_cursor, reverse=True)
        if request.cursor:
            found = [each for each in found if _cursor(each) < request.cursor]
        sessions = [
            {
                "sessionId": each.task_id,
                "cwd": each.workspace or "/",
                "title": each.title,
                "updatedAt": moment(each.updated_at),
            }
            for each in found[:PAGE]
        ]
        more = {"nextCursor": _cursor(found[PAGE - 1])} if len(found) > PAGE else {}
        return {"sessions": sessions} | more

    async def delete(self, request: DeleteSessionRequest) -> JsonObject:
        session_id = request.session_id
        session = self.places.session(session_id)
        if session is not None:
            session.place.forget(session)
        if self._summary(session_id) is not None:
            if session is not None and session.begun:
                gone = inputs.OfTask(task_id=session_id)
                await keeping.delete(session.place.service, gone)
            else:
                self.store.delete(session_id)
        return {}

    async def close_one(self, request: CloseSessionRequest) -> JsonObject:
        session = self._session(request.session_id)
        await session.cancel()
        session.place.forget(session)
        return {}

    def _session(self, session_id: str) -> AcpSession:
        session = self.places.session(session_id)
        if session is None:
            raise RequestError(
                NOT_FOUND, f"No session {session_id[:80]} is open: begin or load one first."
            )
        return session

    # --- turns ------------------------------------------------------------------------------

    async def prompt(self, request: PromptRequest) -> JsonObject:
        session = self._session(request.session_id)
        task = asyncio.current_task()
        self._prompted[task] = session
        try:
            return {"stopReason": await session.prompt(prompt_of(request.prompt))}
        finally:
            del self._prompted[task]

    async def cancel(self, request: CancelNotification) -> None:
        session = self.places.session(request.session_id)
        if session is not None:
            await session.cancel()

    async def set_mode(self, request: SetSessionModeRequest) -> JsonObject:
        await self._session(request.session_id).set_mode(request.mode_id)
        return {}

    async def set_option(self, request: SetSessionConfigOptionSelectRequest) -> JsonObject:
        session = self._session(request.session_id)
        match request.config_id:
            case "mode":
                await session.set_mode(request.value)
            case "model":
                await session.set_profile("" if request.value == AS_SET else request.value)
            case _:
                raise Invalid(f"configId: there are {MODE} and {MODEL}")
        return {"configOptions": await session.options()}


MethodAnswer = Callable[[Methods, Any], Awaitable[JsonObject | None]]

REQUESTS: dict[str, tuple[type[BaseModel], MethodAnswer]] = {
    "initialize": (InitializeRequest, Methods.initialize),
    "authenticate": (AuthenticateRequest, Methods.authenticate),
    "session/new": (NewSessionRequest, Methods.new),
    "session/load": (LoadSessionRequest, Methods.load),
    "session/resume": (ResumeSessionRequest, Methods.resume),
    "session/list": (ListSessionsRequest, Methods.list_them),
    "session/delete": (DeleteSessionRequest, Methods.delete),
    "session/close": (CloseSessionRequest, Methods.close_one),
    "session/prompt": (PromptRequest, Methods.prompt),
    "session/set_mode": (SetSessionModeRequest, Methods.set_mode),
    "session/set_config_option": (SetSessionConfigOptionSelectRequest, Methods.set_option),
}
NOTIFICATIONS: dict[str, tuple[type[BaseModel], MethodAnswer]] = {
    "session/cancel": (CancelNotification, Methods.cancel),
    "$/cancel_request": (CancelRequestNotification, Methods.cancel_request),
}
"""Others are ignored, as JSON-RPC has it."""
MOST_LISTED = 1_000_000


def _expected(error: Exception) -> RequestError | None:
    """What a request is refused with; None for a bug."""
    match error:
        case ValidationError():
            return RequestError(INVALID_PARAMS, _problems(error))
        case Invalid(message=words) | ToolError(text=words):
            return RequestError(INVALID_PARAMS, words)
        case Refused(message=words, reason=reason):
            return RequestError(REFUSED, words, {"reason": reason})
        case RooError(code=code) | TurnFailed(code=code):
            number = AUTH_REQUIRED if code == "invalid_api_key" else REFUSED
            return RequestError(number, str(error), {"code": code})
        case _:
            return None


def _problems(error: ValidationError) -> str:
    """What is wrong with the parameters, without what was in them."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'params'}: {each['msg']}" for each in found[:5]
    )


def _same_folder(one: str, other: str) -> bool:
    """Whether two texts name one folder."""
    return one.rstrip("/") == other.rstrip("/") or (
        bool(one) and os.path.realpath(one) == os.path.realpath(other)
    )


def _cursor(summary: TaskSummary) -> str:
    """Where a session stands in the list, which is from the newest to the oldest."""
    return f"{summary.updated_at:020.6f}~{summary.task_id}"
