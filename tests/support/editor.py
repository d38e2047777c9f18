"""Editors as language clients, each with its own habits; buffers, dialogs and progress at hand.

The capabilities are those that the real editors send with `initialize` (recorded, in `caps/`; VS
Code's come with pytest-lsp). The habits are what each was seen to do.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

from cattrs import Converter
from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features

from roo_lsp.lsp.server import RooServer, create_server
from tests.support.wire import joined

CAPS = Path(__file__).parent / "caps"
PATIENCE = 60.0


@dataclass(frozen=True)
class Persona:
    """An editor: what it says it can do, and what it does."""

    name: str
    caps: str
    """A file of `caps/`, or a client that pytest-lsp knows."""
    encodings: tuple[str, ...]
    dialogs: bool = True
    """Shows window/showMessageRequest; False: answers that there is no such method."""
    stale: str = "refused"
    """What a stale edit gets: `refused`, `claimed` (applied: true, not done) or `error`."""
    null_for_unknown: bool = False
    """Answers null to requests it does not know."""
    extensions: tuple[str, ...] = ()
    keeps_deleted: bool = False
    """Leaves the buffer of a file open that it was told to delete."""

    def capabilities(self) -> types.ClientCapabilities:
        if "@" in self.caps:
            return client_capabilities(self.caps)
        raw = json.loads((CAPS / f"{self.caps}.json").read_text("utf-8"))
        return get_converter().structure(raw["capabilities"], types.ClientCapabilities)


NEOVIM = Persona("neovim", "neovim_0_12", ("utf-8", "utf-16", "utf-32"), stale="claimed")
HELIX = Persona("helix", "helix_master", ("utf-8", "utf-32", "utf-16"))
HELIX_OLD = Persona("helix-25.01", "helix_25_01", ("utf-8", "utf-32", "utf-16"), dialogs=False)
EGLOT = Persona(
    "eglot", "eglot_1_24", ("utf-32", "utf-8", "utf-16"), stale="error", null_for_unknown=True
)
EMACS = Persona(
    "emacs-30",
    "emacs_30",
    ("utf-32", "utf-8", "utf-16"),
    dialogs=False,
    stale="error",
    null_for_unknown=True,
)
VSCODE = Persona("vscode", "visual-studio-code@1.65.2", ("utf-16",))
PERSONAS = (NEOVIM, HELIX, HELIX_OLD, EGLOT, EMACS, VSCODE)


@dataclass
class Buffer:
    """A document the editor has open."""

    path: Path
    text: str
    version: int = 1

    @property
    def uri(self) -> str:
        return self.path.as_uri()


@dataclass
class FakeEditor:
    """A client of the server, driven by a test as a person drives an editor."""

    persona: Persona
    client: LanguageClient
    server: RooServer
    buffers: dict[str, Buffer] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    """The `roo` objects, in the order they came."""
    values: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)
    """Every progress value with its token."""
    dialogs: list[types.ShowMessageRequestParams] = field(default_factory=list)
    answers: deque[str | Callable[[Any], Any] | None] = field(default_factory=deque)
    """Titles to answer dialogs with, in turn; without one a dialog stays open."""
    edits: list[types.ApplyWorkspaceEditParams] = field(default_factory=list)
    on_edit: Callable[["FakeEditor"], None] | None = None
    """Called before an edit is applied: a user who types at that moment."""
    shown: list[str] = field(default_factory=list)
    focused: list[bool] = field(default_factory=list)
    """Of each that was shown, whether it took the focus."""
    save_requests: list[Any] = field(default_factory=list)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    # --- what a person does ----------------------------------------------------------------------

    def open(self, path: Path, text: str | None = None) -> Buffer:
        """Open a file; with `text`, as if the user had changed it and not saved."""
        on_disk = path.read_bytes().decode() if path.exists() else ""
        buffer = Buffer(path, on_disk)
        self.buffers[buffer.uri] = buffer
        item = types.TextDocumentItem(buffer.uri, "plaintext", buffer.version, buffer.text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        if text is not None:
            self.type(buffer, text)
        return buffer

    def type(self, buffer: Buffer, text: str) -> None:
        """The user makes the buffer's text this one."""
        buffer.text, buffer.version = text, buffer.version + 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=buffer.version, uri=buffer.uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def save(self, buffer: Buffer) -> None:
        buffer.path.write_bytes(buffer.text.encode())
        self.client.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(buffer.uri))
        )

    def close(self, buffer: Buffer) -> None:
        del self.buffers[buffer.uri]
        self.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(buffer.uri))
        )

    async def run(self, command: str, *arguments: Any) -> Any:
        """`workspace/executeCommand`, as the editor's command line does it."""
        return await asyncio.wait_for(
            self.client.workspace_execute_command_async(
                types.ExecuteCommandParams(command=command, arguments=list(arguments))
            ),
            PATIENCE,
        )

    async def start(self, prompt: str, **arguments: Any) -> str:
        result = await self.run("roo.task.start", {"prompt": prompt, **arguments})
        return result["taskId"]

    # --- what a test waits for -------------------------------------------------------------------

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until something the server sent makes this true."""
        async with asyncio.timeout(PATIENCE):
            while not (found := condition()):
                self._moved.clear()
                await self._moved.wait()
        return found

    async def event(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first event of this kind with these fields."""

        def look() -> dict[str, Any] | None:
            for roo in self.events:
                update = roo["update"]
                if update["sessionUpdate"] == kind and fields.items() <= update.items():
                    return update
            return None

        return await self.until(look)

    async def ended(self, task_id: str | None = None) -> dict[str, Any]:
        """The state event that ends the (last) turn."""

        def look() -> dict[str, Any] | None:
            states = [
                roo["update"]
                for roo in self.events
                if roo["update"]["sessionUpdate"] == "_state"
                and (task_id is None or roo["taskId"] == task_id)
            ]
            return states[-1] if states and states[-1]["state"] in {"idle", "failed"} else None

        return await self.until(look)

    def updates(self, kind: str) -> list[dict[str, Any]]:
        return [e["update"] for e in self.events if e["update"]["sessionUpdate"] == kind]

    async def pending(self) -> list[dict[str, Any]]:
        return await self.run("roo.approval.list")

    def moved(self) -> None:
        self._moved.set()


@asynccontextmanager
async def editor(
    persona: Persona,
    folder: Path,
    settings: dict[str, Any] | None = None,
    *,
    initialization_options: Any = None,
) -> AsyncGenerator[FakeEditor]:
    """An editor on a folder, joined to a server of its own in this process."""
    client = _client(settings or {})
    server = create_server()
    fake = FakeEditor(persona, client, server)
    _habits(fake)
    capabilities = persona.capabilities()
    general = capabilities.general = capabilities.general or types.GeneralClientCapabilities()
    general.position_encodings = list(persona.encodings)
    async with joined(server, client):
        options = {"client": {"extensions": list(persona.extensions)}}
        await client.initialize_session(
            types.InitializeParams(
                capabilities=capabilities,
                client_info=types.ClientInfo(persona.name),
                root_uri=folder.as_uri(),
                workspace_folders=[types.WorkspaceFolder(folder.as_uri(), folder.name)],
                initialization_options=options | (initialization_options or {}),
            )
        )
        yield fake
        await client.shutdown_async(None)


def _converter() -> Converter:
    """pygls' converter, with lsprotocol's mistake put right: a code action may carry a command."""
    converter = default_converter()

    def action(value: Any, _: Any) -> types.Command | types.CodeAction:
        plain = isinstance(value.get("command"), str)
        return converter.structure(value, types.Command if plain else types.CodeAction)

    converter.register_structure_hook(Union[types.Command, types.CodeAction], action)  # noqa: UP007 -- as lsprotocol spells it
    return converter


def _client(settings: dict[str, Any]) -> LanguageClient:
    client = LanguageClient(converter_factory=_converter, configuration={"": {"roo": settings}})
    ours = {
        types.PROGRESS,
        types.WINDOW_SHOW_MESSAGE,
        types.WINDOW_SHOW_DOCUMENT,
        types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS,
    }
    features = {k: v for k, v in DEFAULT_CLIENT_FEATURES.items() if k not in ours}
    register_lsp_features(client, features)
    return client


def _habits(fake: FakeEditor) -> None:  # noqa: C901 -- one small handler after the other
    client, persona = fake.client, fake.persona

    @client.feature(types.PROGRESS)
    def progress(params: Any) -> None:
        value = _plain(params.value)
        fake.values.append((params.token, value))
        if "roo" in value:
            fake.events.append(value["roo"])
        fake.moved()

    @client.feature("roo/event")
    def event(params: Any) -> None:
        fake.events.append(_plain(params))
        fake.moved()

    @client.feature(types.WINDOW_SHOW_MESSAGE)
    def message(params: types.ShowMessageParams) -> None:
        client.messages.append(params)
        fake.moved()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def diagnostics(params: types.PublishDiagnosticsParams) -> None:
        client.diagnostics[params.uri] = params.diagnostics
        fake.moved()

    @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    async def dialog(params: types.ShowMessageRequestParams) -> Any:
        if not persona.dialogs:
            if persona.null_for_unknown:
                return None
            raise JsonRpcMethodNotFound("window/showMessageRequest")
        fake.dialogs.append(params)
        fake.moved()
        if not fake.answers:
            await asyncio.Event().wait()  # until the server withdraws it
        answer = fake.answers.popleft()
        if callable(answer):
            answer = await answer(params)
        return None if answer is None else types.MessageActionItem(title=answer)

    @client.feature(types.WINDOW_SHOW_DOCUMENT)
    def show_document(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        fake.shown.append(params.uri)
        fake.focused.append(bool(params.take_focus))
        fake.moved()
        return types.ShowDocumentResult(success=True)

    @client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply_edit(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        fake.edits.append(params)
        if fake.on_edit is not None:
            fake.on_edit(fake)
        result = _apply(fake, params.edit)
        fake.moved()
        return result

    @client.feature("roo/saveDocuments")
    def save_documents(params: Any) -> Any:
        if "roo/saveDocuments" not in persona.extensions:
            raise JsonRpcMethodNotFound("roo/saveDocuments")
        uris = _plain(params)["uris"]
        fake.save_requests.append(uris)
        for uri in uris:
            fake.save(fake.buffers[uri])
        return {"saved": uris}


def _apply(fake: FakeEditor, edit: types.WorkspaceEdit) -> types.ApplyWorkspaceEditResult:
    changes: list[tuple[str, int | None, list[Any]]] = []
    for change in edit.document_changes or ():
        if isinstance(change, types.DeleteFile):
            if not fake.persona.keeps_deleted:
                fake.close(fake.buffers[change.uri])
            Path(change.uri.removeprefix("file://")).unlink()
            continue
        assert isinstance(change, types.TextDocumentEdit)
        changes.append((change.text_document.uri, change.text_document.version, [*change.edits]))
    for uri, edits in (edit.changes or {}).items():
        changes.append((uri, None, list(edits)))
    for uri, version, edits in changes:
        buffer = fake.buffers[uri]
        if version is not None and _is_stale(fake.persona, version, buffer.version):
            match fake.persona.stale:
                case "claimed":
                    return types.ApplyWorkspaceEditResult(applied=True)
                case "error":
                    raise JsonRpcException("stale edit", code=-32603)
                case _:
                    return types.ApplyWorkspaceEditResult(
                        applied=False, failure_reason="stale version"
                    )
        kind = types.PositionEncodingKind(fake.server.protocol.workspace.position_encoding)
        fake.type(buffer, apply_edits(buffer.text, edits, kind.value))
    return types.ApplyWorkspaceEditResult(applied=True)


def _is_stale(persona: Persona, version: int, now: int) -> bool:
    """Neovim only looks for newer texts, and takes the version 0 for none."""
    return 0 < version < now if persona.stale == "claimed" else version != now


def apply_edits(text: str, edits: list[Any], encoding: str) -> str:
    """Text after LSP edits, done with bytes of the encoding so as to share no code with ours."""
    codec, unit = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[
        encoding
    ]
    data = text.encode(codec)
    starts = [0]
    position = 0
    for line in text.replace("\r\n", "\0\n").replace("\r", "\n").split("\n")[:-1]:
        position += len((line.replace("\0", "\r") + "\n").encode(codec))
        starts.append(position)

    def offset(place: types.Position) -> int:
        if place.line >= len(starts):
            return len(data)
        return starts[place.line] + place.character * unit

    for edit in sorted(edits, key=lambda e: offset(e.range.start), reverse=True):
        start, end = offset(edit.range.start), offset(edit.range.end)
        data = data[:start] + edit.new_text.encode(codec) + data[end:]
    return data.decode(codec)


def _plain(value: Any) -> Any:
    """JSON again from what pygls makes of parameters it has no type for."""
    if hasattr(value, "_asdict"):
        return {key: _plain(item) for key, item in value._asdict().items()}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
