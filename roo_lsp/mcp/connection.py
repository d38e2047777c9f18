"""One server, from connecting to its end: by the SDK, in one task of its own.

What the SDK leaves to its user is done here: a limit for connecting, leaving where one entered, words for
its nested groups of exceptions, limits for what is listed, a clock that stands still while a person is asked.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, TypeVar, cast

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client._input_required import InputRequiredRoundsExceededError
from mcp.client._transport import Transport
from mcp.client.session import ClientRequestContext, IncomingMessage
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError, UrlElicitationRequiredError
from pydantic import ValidationError

from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.ports import Asker
from roo_lsp.agent.tool import ShowOutput
from roo_lsp.mcp.catalog import CallFailed, CallOutcome, Catalog, Failed, Handle, ServerLine
from roo_lsp.mcp.entries import Http, Stdio
from roo_lsp.mcp.forms import DECLINE, MAX_TEXT, Secret, filled
from roo_lsp.mcp.http import Heard, http_client, http_streams
from roo_lsp.mcp.listing import catalog_of
from roo_lsp.mcp.process import NotStarted, ServerProcess
from roo_lsp.mcp.results import outcome_of_call, outcome_of_prompt, outcome_of_read
from roo_lsp.mcp.stdio import ENDING_SECONDS, stdio_streams

log = logging.getLogger(__name__)

T = TypeVar("T")

SETTLE, SETTLE_MOST = 0.3, 30.0
"""Seconds from a notice that lists have changed to looking at them; longer where there is no end of it."""
LISTEN_SECONDS = 2.0
SESSION_LOST = {types.INVALID_REQUEST, types.REQUEST_TIMEOUT}
"""What servers say, with a word of the session, where they have forgotten it."""


class _OtherEra(Exception):
    """The server refused `initialize`: it may be one that knows `server/discover` alone."""


async def stay_connected(line: ServerLine) -> None:
    """Connect, and stay connected until `line.closing` is set.

    Raises:
        Failed: it could not be reached, or is not there any more.
    """
    try:
        await _serve(line, legacy=not line.modern)
    except _OtherEra:
        line.modern = True
        await _serve(line, legacy=False)


async def _serve(line: ServerLine, *, legacy: bool) -> None:
    reached = _Reached(line)
    try:
        async with AsyncExitStack() as stack:
            handle = _Handle(line, reached)
            async with asyncio.timeout(line.connect_seconds):
                transport = await reached.transport(stack)
                await handle.enter(stack, transport, legacy=legacy)
                first = await handle.look(stack)
            line.connected(handle, first)
            await handle.stay()
    except (Failed, _OtherEra):
        raise
    except Exception as error:
        found = list(_leaves(error))
        if known := next((each for each in found if isinstance(each, _OtherEra | Failed)), None):
            raise known from error
        raise reached.failure(found) from error
    if reached.lost:
        raise Failed(reached.with_last_words(reached.lost))


@dataclass(slots=True)
class _Reached:
    """The way to the server: its process, or its address."""

    line: ServerLine
    lost: str = ""
    """Why there is nothing more to hear of it."""
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    answers: Heard = field(default_factory=Heard)

    async def transport(self, stack: AsyncExitStack) -> Transport:
        reach = self.line.entry.reach
        match reach:
            case Stdio():
                process = await ServerProcess.start(reach, self.line.said, self.line.environ)
                stack.push_async_callback(process.stop)
                return stdio_streams(process, self.line.said, self.lose)
            case Http():
                auth = await self.line.auth(reach)
                client = await stack.enter_async_context(http_client(reach, self.answers, auth))
                return http_streams(reach, client)
            case None:
                raise Failed(self.line.entry.problem)

    def lose(self, why: str) -> None:
        self.lost = why
        self.gone.set()

    def with_last_words(self, why: str) -> str:
        last = self.line.said.last[:200]
        return f"{why}; the last it said: {last}" if last else why

    def failure(self, errors: list[BaseException]) -> Failed:
        """The one that is to blame, in words."""
        reach = self.line.entry.reach
        if self.answers.wants_login:
            return Failed("it wants you to log in (HTTP 401)", login=True)
        if self.lost:
            return Failed(self.with_last_words(self.lost))
        where = reach.line if isinstance(reach, Http) else "it"
        for error in errors:
            if why := self._why(error, where):
                return Failed(why)
        log.error("an MCP server could not be used", exc_info=errors[0] if errors else None)
        return Failed(str(errors[0])[:300] if errors else "it ended")

    def _why(self, error: BaseException, where: str) -> str:
        """What one of the errors says; nothing where it is none that servers cause."""
        match error:
            case NotStarted():
                return str(error)
            case TimeoutError():
                seconds = f"{self.line.connect_seconds:g}"
                return self.with_last_words(f"it did not answer within {seconds} seconds")
            case httpx2.ConnectError() | httpx2.TimeoutException():
                return f"{where} cannot be reached: {error or type(error).__name__}"
            case httpx2.HTTPError() | httpx2.StreamError():
                return f"{where}: {error or type(error).__name__}"
            case MCPError():
                status = f" (HTTP {self.answers.status})" if self.answers.status else ""
                return self.with_last_words(f"{where} refuses: {error.message}{status}")
            case ValidationError():
                return f"what it answers is not MCP: {_first(error)}"
            case OSError():
                return str(error.strerror or error)
            case _:
                return ""


def _first(error: ValidationError) -> str:
    """What is wrong, at the first place where something is."""
    found = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group of groups; an ended connection last, for it only follows from others."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        found = [leaf for each in group.exceptions for leaf in _leaves(each)]
        yield from sorted(found, key=lambda each: isinstance(each, MCPError))
    else:
        yield error


@dataclass(slots=True, eq=False)
class _Running:
    """A call that goes on: who is asked in it, and when it is over."""

    asker: Asker
    seconds: float
    limit: asyncio.Timeout | None = None
    questions: set[asyncio.Future[Any]] = field(default_factory=set[asyncio.Future[Any]])

    def heard(self) -> None:
        """Something came: the clock begins anew."""
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(asyncio.get_running_loop().time() + self.seconds)

    @contextmanager
    def asking(self) -> Generator[None]:
        """No clock runs while a person is asked."""
        if self.limit is not None and not self.limit.expired():
            self.limit.reschedule(None)
        try:
            yield
        finally:
            self.heard()


class _Handle(Handle):
    """`Handle` of one connection."""

    def __init__(self, line: ServerLine, reached: _Reached) -> None:
        self._line = line
        self._reached = reached
        self._running: list[_Running] = []
        self._changed = asyncio.Event()
        self._client: Client

    @property
    def lost(self) -> bool:
        return bool(self._reached.lost)

    # --- its life ---------------------------------------------------------------------------

    async def enter(self, stack: AsyncExitStack, transport: Transport, *, legacy: bool) -> None:
        client = Client(
            transport,
            mode="legacy" if legacy else "auto",
            client_info=types.Implementation(name="roo-lsp", version=version("roo-lsp")),
            elicitation_callback=self._elicit,
            list_roots_callback=self._roots,
            logging_callback=self._logged,
            message_handler=self._told,
            cache=None,
        )
        try:
            self._client = await stack.enter_async_context(client)
        except MCPError as error:
            if legacy and error.code != types.CONNECTION_CLOSED and not self._reached.lost:
                raise _OtherEra from error
            raise

    async def look(self, stack: AsyncExitStack) -> Catalog:
        """The first look at what it has: it is listened to before."""
        listening = asyncio.Event()
        task = asyncio.create_task(self._listen(listening))
        stack.push_async_callback(_ended, task)
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTEN_SECONDS):
                await listening.wait()
        return await catalog_of(self._client, self._line.entry)

    async def stay(self) -> None:
        """Until it is closed or lost; look again where it says that something has changed."""
        settle, last = SETTLE, float("-inf")
        waiting = {
            asyncio.ensure_future(each.wait()): each
            for each in (self._line.closing, self._reached.gone)
        }
        try:
            while not any(each.is_set() for each in waiting.values()):
                changed = asyncio.ensure_future(self._changed.wait())
                roots = asyncio.ensure_future(self._line.roots_changed.wait())
                await asyncio.wait({*waiting, changed, roots}, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                roots.cancel()
                if self._line.roots_changed.is_set():
                    self._line.roots_changed.clear()
                    await self._tell_roots()
                if self._changed.is_set():
                    now = asyncio.get_running_loop().time()
                    settle = min(settle * 2, SETTLE_MOST) if now - last < 5 + settle else SETTLE
                    await asyncio.wait(
                        set(waiting), timeout=settle, return_when=asyncio.FIRST_COMPLETED
                    )
                    self._changed.clear()
                    await self._look_again()
                    last = asyncio.get_running_loop().time()
        finally:
            for each in waiting:
                each.cancel()

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(self._line.connect_seconds):
                self._line.changed(await catalog_of(self._client, self._line.entry))
        except (MCPError, ValidationError, TimeoutError) as error:
            self._line.said.add(f"(roo-lsp: what it has could not be looked at again: {error})")

    async def _listen(self, listening: asyncio.Event) -> None:
        """Servers of 2026-07-28 tell of changes only to who listens; the others tell anyway."""
        try:
            async with self._client.listen(
                tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True
            ) as events:
                listening.set()
                async for _ in events:
                    self._changed.set()
        except (ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError):
            pass
        finally:
            listening.set()

    async def _tell_roots(self) -> None:
        with suppress(MCPError):
            if self._client.session.initialize_result is not None:
                await self._client.session.send_notification(types.RootsListChangedNotification())

    # --- calls ------------------------------------------------------------------------------

    async def call(
        self, tool: str, arguments: JsonObject, show: ShowOutput, asker: Asker
    ) -> CallOutcome:
        running = _Running(asker, self._line.entry.timeout)

        async def step(progress: float, total: float | None, message: str | None) -> None:
            running.heard()
            share = f"{progress:g}/{total:g}" if total else f"{progress:g}"
            show(f"{share} {message}\n" if message else f"{share}\n")

        async with self._bounded(running):
            try:
                result = await self._client.call_tool(tool, arguments, progress_callback=step)
            except RuntimeError as error:  # the SDK's word for a result that is not as announced
                raise CallFailed(
                    f"It ran, but its result is not what it announced, and was not taken: {error} Do not "
                    "repeat the call."
                ) from error
            return await asyncio.to_thread(outcome_of_call, result)

    async def read(self, uri: str, asker: Asker) -> CallOutcome:
        async with self._bounded(_Running(asker, self._line.entry.timeout)):
            result = await self._client.read_resource(uri)
            return await asyncio.to_thread(outcome_of_read, result.contents)

    async def prompt(self, name: str, arguments: Mapping[str, str], asker: Asker) -> CallOutcome:
        async with self._bounded(_Running(asker, self._line.entry.timeout)):
            return outcome_of_prompt(await self._client.get_prompt(name, dict(arguments) or None))

    @asynccontextmanager
    async def _bounded(self, running: _Running) -> AsyncGenerator[None]:
        """What is asked in it has a limit of time, and fails in words."""
        self._running.append(running)
        try:
            async with asyncio.timeout(running.seconds) as running.limit:
                yield
        except TimeoutError:
            raise CallFailed(
                f"It was silent for {running.seconds:g} seconds (the timeout of its entry) and was told "
                "to stop. What it did until then is not known."
            ) from None
        except MCPError as error:
            raise await self._failed(error, running) from error
        except InputRequiredRoundsExceededError as error:
            raise CallFailed("It asked the user again and again, and was stopped.") from error
        except ValidationError as error:
            raise CallFailed(
                f"It answered with what is not MCP ({_first(error)}). "
                "Whether the call was done is not known."
            ) from error
        finally:
            self._running.remove(running)
            running.limit = None  # what is asked in it ends after it, and would set it anew
            for each in running.questions:
                each.cancel()

    async def _failed(self, error: MCPError, running: _Running) -> CallFailed:
        if error.code == types.URL_ELICITATION_REQUIRED:
            return await self._to_browser(error, running)
        if error.code == types.CONNECTION_CLOSED:
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDING_SECONDS + 1):
                    await self._reached.gone.wait()
            why = self._reached.with_last_words(self._reached.lost or "the connection ended")
            return CallFailed(
                f"The server is not there any more: {why}. Whether the call was done is not known.",
                gone=True,
            )
        if error.code in SESSION_LOST and "session" in error.message.lower():
            return CallFailed("It has forgotten the session.", gone=True, not_done=True)
        return CallFailed(f"It refused the call: {error.message} ({error.code})")

    # --- what it asks -----------------------------------------------------------------------

    async def _elicit(
        self, context: ClientRequestContext, params: types.ElicitRequestParams
    ) -> types.ElicitResult:
        del context
        if not self._running:
            self._line.said.add(
                "(roo-lsp: it asked the user something while no call ran: declined)"
            )
            return types.ElicitResult(action="decline")
        running = self._running[-1]
        answer = asyncio.ensure_future(self._answer(params, running))
        running.questions.add(answer)
        try:
            with running.asking():
                return await answer
        except asyncio.CancelledError:
            if not answer.cancelled() or running in self._running:
                raise
            return types.ElicitResult(action="cancel")
        finally:
            running.questions.discard(answer)

    async def _answer(
        self, params: types.ElicitRequestParams, running: _Running
    ) -> types.ElicitResult:
        name = self._line.entry.name

        async def ask(question: str, suggestions: Any) -> str:
            return await running.asker.ask(question, suggestions, own=True)

        if isinstance(params, types.ElicitRequestURLParams):
            opened = await self._open(params, running)
            return types.ElicitResult(action="accept" if opened else "decline")
        try:
            action, content = await filled(name, params.message, params.requested_schema, ask)
        except Secret:
            self._line.tell(
                f"The MCP server {name} asked you for what looks like a key or a password: it was "
                "declined. Such things go into its entry, or into a page of its own."
            )
            return types.ElicitResult(action="decline")
        return types.ElicitResult.model_validate({"action": action, "content": content})

    async def _open(self, params: types.ElicitRequestURLParams, running: _Running) -> bool:
        if not params.url.startswith(("https://", "http://")):
            return False
        question = (
            f"The MCP server {self._line.entry.name} wants to open a page in your browser:\n"
            f"{params.url}\nIts words: {params.message[:MAX_TEXT]}"
        )
        answer = await running.asker.ask(question, ["Open it", DECLINE], own=True)
        if answer.strip().casefold() not in {"open it", "open", "yes"}:
            return False
        await self._line.open_url(params.url)
        return True

    async def _to_browser(self, error: MCPError, running: _Running) -> CallFailed:
        opened = False
        with suppress(ValidationError, ValueError), running.asking():
            for each in UrlElicitationRequiredError.from_error(error.error).elicitations:
                opened = await self._open(each, running) or opened
        if not opened:
            return CallFailed("It wants something done in the browser first; the user declined.")
        return CallFailed(
            "It wants something done in the browser first, which was opened for the user. Ask them whether "
            "it is done, then make the call again."
        )

    async def _roots(self, context: ClientRequestContext) -> types.ListRootsResult:
        del context
        return types.ListRootsResult.model_validate(
            {"roots": [{"uri": each.as_uri(), "name": each.name} for each in self._line.roots()]}
        )

    async def _logged(self, params: types.LoggingMessageNotificationParams) -> None:
        self._line.said.add(f"[{params.level}] {params.data}"[:2_000])

    async def _told(self, message: IncomingMessage) -> None:
        match message:
            case (
                types.ToolListChangedNotification()
                | types.PromptListChangedNotification()
                | types.ResourceListChangedNotification()
            ):
                self._changed.set()
            case _:
                pass


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
