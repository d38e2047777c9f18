"""Whatever a client sends, it gets an answer in words, and the server lives on."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roo_lsp.lsp.server import COMMANDS, create_server
from roo_lsp.tasks.inputs import List, Replay, Respond, Start
from tests.support.wire import RawClient, frame, raw

CHECKS = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
REFUSALS = {-32602, -32803}
INTERNAL_ERROR = -32603


class Server:
    """A whole server in this process, on an event loop of its own: for tests that are no coroutines."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._wire = raw(create_server())
        self.client: RawClient = self._runner.run(self._wire.__aenter__())
        self.run(self.client.initialize(rootUri=folder.as_uri(), capabilities={}))

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def execute(self, command: str, arguments: Any) -> dict[str, Any]:
        """The whole reply."""
        params = {"command": command, "arguments": arguments}
        return self.run(self.client.request("workspace/executeCommand", params))

    def close(self) -> None:
        self.run(self._wire.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


# --- arguments ----------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=()), max_size=20) | st.sampled_from(
    ["", "\ud800", "a\udc00", "\0", "../..", "file:///a%00b", "http://[::1", "untitled:x", "🙂"]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([-1, 0, 10**30, -(10**30), 2**63])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        *(name for model in (Start, Replay, Respond, List) for name in model.model_fields),
        *("taskId", "sinceSeq", "requestId", "workDoneToken", "text", "format", "answer", "uri"),
    ]
)
ARGUMENTS = st.lists(st.dictionaries(FIELDS, ANYTHING, max_size=4) | ANYTHING, max_size=2)
HARMLESS = tuple(
    name for name in COMMANDS if name not in {"roo.provider.test", "roo.prompt.enhance"}
)
"""Those that do not go to the network of the machine that runs the test."""


@settings(max_examples=400, deadline=None, suppress_health_check=CHECKS)
@given(command=st.sampled_from(HARMLESS), arguments=ARGUMENTS)
def test_any_argument_of_any_command_is_taken_or_refused_in_words(
    server: Server, command: str, arguments: list[Any]
):
    reply = server.execute(command, arguments)
    error = reply.get("error")
    assert error is None or error["code"] in REFUSALS, (command, arguments, error)
    assert error is None or error["message"].strip()
    assert error is None or "Traceback" not in error["message"]


@given(arguments=ANYTHING)
@settings(max_examples=100, deadline=None, suppress_health_check=CHECKS)
def test_params_of_any_kind_are_refused_by_the_protocol(server: Server, arguments: Any):
    for params in (arguments, {"command": arguments}, {"command": "roo.status", "arguments": {}}):
        reply = server.run(server.client.request("workspace/executeCommand", params))
        assert "result" in reply or reply["error"]["code"] == -32602


@pytest.mark.parametrize("command", HARMLESS)
@pytest.mark.parametrize("depth", [200, 700, 900])
def test_deep_nesting_is_refused(server: Server, command: str, depth: int):
    deep: Any = "x"
    for _ in range(depth):
        deep = {"taskId": deep}
    assert server.execute(command, [deep])["error"]["code"] in REFUSALS


async def test_a_message_nested_without_end_is_a_parse_error(tmp_path: Path):
    async with raw(create_server()) as client:
        await client.initialize(rootUri=tmp_path.as_uri())
        client.send_bytes(frame(b'{"a":' * 100_000 + b"1" + b"}" * 100_000))
        assert (await client.reply(None))["error"]["code"] == -32700
        assert await _lives(client)


async def test_an_argument_of_10_mb_is_taken(tmp_path: Path):
    async with raw(create_server()) as client:
        await client.initialize(rootUri=tmp_path.as_uri())
        reply = await _execute(client, "roo.task.start", {"prompt": "x" * 10_000_000})
        title = (await _execute(client, "roo.task.list", {}))["result"][0]["title"]
        assert reply["result"]["taskId"]
        assert len(title) == 80


async def test_half_a_character_becomes_a_question_mark(tmp_path: Path):
    async with raw(create_server()) as client:
        await client.initialize(rootUri=tmp_path.as_uri())
        await _execute(client, "roo.task.start", {"prompt": "half a smile: \ud83d"})
        listed = await _execute(client, "roo.task.list", {})
        assert listed["result"][0]["title"] == "half a smile: ?"


async def _execute(client: RawClient, command: str, *arguments: Any) -> dict[str, Any]:
    params = {"command": command, "arguments": list(arguments)}
    return await client.request("workspace/executeCommand", params)


async def _lives(client: RawClient) -> dict[str, Any]:
    return (await _execute(client, "roo.status"))["result"]


# --- messages that nobody asked for -------------------------------------------------------------


async def test_what_belongs_to_nothing_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with raw(create_server()) as client:
        await client.initialize(rootUri=tmp_path.as_uri())
        for message in (
            {"id": 4711, "result": {}},
            {"id": "nobody", "error": {"code": 1, "message": "no"}},
            {"id": None, "error": {"code": 1, "message": "no"}},
            {"method": "$/cancelRequest", "params": {"id": 4711}},
            {"method": "$/setTrace", "params": {"value": "verbose"}},
            {"method": "window/workDoneProgress/cancel", "params": {"token": "nobody"}},
            {"method": "workspace/didChangeWorkspaceFolders", "params": None},
            {"method": "textDocument/didOpen", "params": {"textDocument": 5}},
            {"method": "no/such"},
        ):
            client.send({"jsonrpc": "2.0"} | message)
        assert await _lives(client)
        assert client.unread == []
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


# --- documents ----------------------------------------------------------------------------------

URIS = (
    "",
    "a.txt",
    "untitled:Untitled-1",
    "git:/w/a.txt?%7B%22ref%22%3A%22HEAD%22%7D",
    "vscode-remote://ssh-remote%2Bhost/w/a.txt",
    "file:",
    "file:relative",
    "file://host/share/a.txt",
    "file:///w/%00",
    "file:///w/%ff%fe",
    "file:///w/%zz",
    "file:///" + "a/" * 5000,
    "http://[::1",
    "\ud800",
    "file:///w/\ud800",
)


@pytest.mark.parametrize("uri", URIS, ids=range(len(URIS)))
async def test_a_document_that_is_no_file_of_ours_does_no_harm(
    uri: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    async with raw(create_server()) as client:
        await client.initialize(rootUri=tmp_path.as_uri())
        text = {"text": "a\ud800"}
        item = {"uri": uri, "languageId": "x", "version": 1}
        named = {"textDocument": {"uri": uri, "version": 2}}
        client.notify("textDocument/didClose", named)
        client.notify("textDocument/didChange", named | {"contentChanges": [text]})
        client.notify("textDocument/didOpen", {"textDocument": item | text})
        client.notify("textDocument/didOpen", {"textDocument": item | text})
        client.notify("textDocument/didChange", named | {"contentChanges": []})
        client.notify("textDocument/didChange", named | {"contentChanges": [text]})
        client.notify("textDocument/didSave", named)
        position = {"line": 10**6, "character": 10**6}
        actions = await client.request(
            "textDocument/codeAction",
            named | {"range": {"start": position, "end": position}, "context": {"diagnostics": []}},
        )
        assert actions["result"] == []
        pointed = {"prompt": "x", "context": [{"uri": uri, "range": {"start": position}}]}
        assert (await _execute(client, "roo.task.start", pointed))["error"]["code"] == -32602
        client.notify("textDocument/didClose", named)
        client.notify("textDocument/didClose", named)
        assert await _lives(client)
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_changes_that_are_no_whole_text_do_not_put_a_piece_in_its_place(tmp_path: Path):
    server = create_server()
    async with raw(server) as client:
        await client.initialize(rootUri=tmp_path.as_uri())
        uri = (tmp_path / "a.txt").as_uri()
        item = {"uri": uri, "languageId": "x", "version": 1, "text": "whole\n"}
        client.notify("textDocument/didOpen", {"textDocument": item})
        place = {"line": 0, "character": 0}
        piece = {"range": {"start": place, "end": place}, "text": "a piece"}
        named = {"textDocument": {"uri": uri, "version": 7}, "contentChanges": [piece]}
        client.notify("textDocument/didChange", named)
        await _lives(client)
        document = server.documents.by_uri(uri)
        assert document is None or document.text != "a piece"


# --- workspaces ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"rootUri": None, "workspaceFolders": None},
        {"rootUri": "file:///no/such/folder"},
        {"rootUri": "untitled:x"},
        {"rootUri": "http://[::1"},
        {"workspaceFolders": [{"uri": "vscode-remote://x/y", "name": ""}]},
        {"workspaceFolders": [{"uri": "file:///etc/passwd", "name": ""}]},
        {"workspaceFolders": [{"uri": "file:///a%00", "name": ""}], "rootUri": "file:///tmp"},
        {"initializationOptions": "text"},
        {"initializationOptions": {"settings": 5, "client": [1], "x": None}},
        {"initializationOptions": {"client": {"extensions": [{}, 5, None, ["roo/event"]]}}},
        {"processId": -5},
        {"processId": 2**31 - 2},
        {"processId": 0},
        {"locale": "\ud800", "clientInfo": {"name": "\ud800"}},
        {"capabilities": {"window": None, "workspace": None, "general": None}},
    ],
    ids=str,
)
async def test_a_client_with_odd_ideas_of_itself_is_served(params: dict[str, Any]):
    async with raw(create_server()) as client:
        await client.initialize(**params)
        status = await _lives(client)
        assert len(status["workspace"]) == 1


@pytest.mark.parametrize("params", [None, [], {}, 5, {"processId": "x", "capabilities": {}}])
async def test_an_initialize_that_cannot_be_read_is_refused_and_may_be_sent_again(params: Any):
    async with raw(create_server()) as client:
        reply = await client.request("initialize", params)
        assert "result" in reply or reply["error"]["code"] == -32602
        if "error" in reply:
            await client.initialize()
            assert await _lives(client)
