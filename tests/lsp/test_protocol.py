"""What has to be put right in pygls, by letter as in the list of corrections; over the in-process wire."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient
from pytest_lsp.client import make_test_lsp_client

from roo_lsp.lsp.wire.protocol import BaseServer, ClientError, CommandFailed
from tests.support.wire import PATIENCE, RawClient, frame, joined, raw

INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL = -32600, -32601, -32602, -32603
CANCELLED, FAILED, NOT_INITIALIZED, PARSE_ERROR = -32800, -32803, -32002, -32700


@pytest.fixture
def server() -> BaseServer:
    return BaseServer("test", "1.0")


@pytest.fixture
async def client(server: BaseServer) -> AsyncIterator[RawClient]:
    """A client that has initialized the server."""
    async with raw(server) as client:
        await client.initialize()
        yield client


def run(client: RawClient, command: str, *arguments: object) -> int:
    return client.ask("workspace/executeCommand", {"command": command, "arguments": arguments})


def code(reply: dict[str, Any]) -> int:
    return reply["error"]["code"]


async def within_patience(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


class Blocker:
    """A command `block` that runs until it is cancelled."""

    def __init__(self, server: BaseServer) -> None:
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

        @server.command("block")
        async def block(ls: BaseServer, *args: object) -> None:
            self.started.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise


# (a) cancellation


async def test_a_cancelled_command_stops_and_is_answered_once(
    server: BaseServer, client: RawClient
):
    blocker = Blocker(server)
    msg_id = run(client, "block")
    await within_patience(blocker.started)
    client.notify("$/cancelRequest", {"id": msg_id})
    assert code(await client.reply(msg_id)) == CANCELLED
    assert blocker.cancelled.is_set()
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []


async def test_a_command_cancelled_before_it_began_is_answered_too(
    server: BaseServer, client: RawClient
):
    blocker = Blocker(server)
    call = {"jsonrpc": "2.0", "id": "x", "method": "workspace/executeCommand"}
    cancel = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "x"}}
    messages = [call | {"params": {"command": "block"}}, cancel]
    client.send_bytes(b"".join(frame(json.dumps(m).encode()) for m in messages))
    assert code(await client.reply("x")) == CANCELLED
    assert not blocker.started.is_set()


async def test_a_cancelled_plain_feature_stops_too(server: BaseServer, client: RawClient):
    started, cancelled = asyncio.Event(), asyncio.Event()

    @server.feature("roo/wait")
    async def wait(ls: BaseServer, params: object) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    msg_id = client.ask("roo/wait")
    await within_patience(started)
    client.notify("$/cancelRequest", {"id": msg_id})
    assert code(await client.reply(msg_id)) == CANCELLED
    assert cancelled.is_set()


@pytest.mark.parametrize("params", [None, [], {}, {"id": 99}, {"id": None}, {"id": [1]}])
async def test_a_cancellation_of_nothing_is_ignored(client: RawClient, params: object):
    client.notify("$/cancelRequest", params)
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []


# (b) requests to the client


async def test_a_withdrawn_request_tells_the_client_and_its_late_answer_is_ignored(
    server: BaseServer, client: RawClient, caplog: pytest.LogCaptureFixture
):
    asking = asyncio.create_task(server.protocol.request("roo/ask", {"title": "?"}))
    asked = await client.receive()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await client.receive() == {
        "jsonrpc": "2.0",
        "method": "$/cancelRequest",
        "params": {"id": asked["id"]},
    }
    client.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"late": True}})
    client.send({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": 1, "message": "late"}})
    client.send({"jsonrpc": "2.0", "id": "never asked", "result": None})
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_pygls_own_helpers_are_withdrawn_as_well(server: BaseServer, client: RawClient):
    params = types.ShowMessageRequestParams(types.MessageType.Info, "?", [])
    asking = asyncio.create_task(server.window_show_message_request_async(params))
    asked = await client.receive()
    assert asked["params"] == {"type": 3, "message": "?", "actions": []}
    asking.cancel()
    assert (await client.receive())["params"] == {"id": asked["id"]}


async def test_an_answer_that_does_not_come_in_time_is_no_longer_asked(
    server: BaseServer, client: RawClient
):
    with pytest.raises(TimeoutError):
        await server.protocol.request("roo/ask", timeout=0.001)
    asked = await client.receive()
    assert (await client.receive())["params"] == {"id": asked["id"]}


async def test_an_answer_arrives_in_lsprotocol_types(server: BaseServer, client: RawClient):
    edit = types.ApplyWorkspaceEditParams(types.WorkspaceEdit(changes={}))
    asking = asyncio.create_task(server.protocol.request("workspace/applyEdit", edit))
    asked = await client.receive()
    assert asked["params"] == {"edit": {"changes": {}}}
    answer = {"applied": False, "failureReason": "stale"}
    client.send({"jsonrpc": "2.0", "id": asked["id"], "result": answer})
    assert await asking == types.ApplyWorkspaceEditResult(applied=False, failure_reason="stale")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"error": {"code": -32601, "message": "no such thing"}}, "no such thing"),
        ({"error": "odd"}, "an error without a message"),
        ({"result": {"applied": [], "failureReason": 5, "x": 1}, "y": 2}, None),
        ({"result": "odd"}, "unreadable answer"),
        ({"result": None}, "unreadable answer"),
        ({}, "unreadable answer"),
    ],
)
async def test_a_refusal_by_the_client_is_a_client_error(
    server: BaseServer, client: RawClient, answer: dict[str, Any], message: str | None
):
    edit = types.ApplyWorkspaceEditParams(types.WorkspaceEdit(changes={}))
    asking = asyncio.create_task(server.protocol.request("workspace/applyEdit", edit))
    asked = await client.receive()
    client.send({"jsonrpc": "2.0", "id": asked["id"]} | answer)
    if message is None:
        await asking
    else:
        with pytest.raises(ClientError, match=message):
            await asking


async def test_a_null_result_that_was_left_out_is_null(server: BaseServer, client: RawClient):
    asking = asyncio.create_task(server.protocol.request("roo/ask"))
    asked = await client.receive()
    client.send({"jsonrpc": "2.0", "id": asked["id"]})
    assert await asking is None


# (c) shutdown


async def test_shutdown_cancels_commands_in_flight_and_answers_null(
    server: BaseServer, client: RawClient, caplog: pytest.LogCaptureFixture
):
    blocker = Blocker(server)
    first, second = run(client, "block"), run(client, "block")
    await within_patience(blocker.started)
    shutdown = client.ask("shutdown")
    assert code(await client.reply(first)) == CANCELLED
    assert code(await client.reply(second)) == CANCELLED
    assert await client.reply(shutdown) == {"jsonrpc": "2.0", "id": shutdown, "result": None}
    assert caplog.records == []


async def test_shutdown_is_answered_even_when_exit_comes_right_behind_it(
    server: BaseServer, client: RawClient
):
    order: list[str] = []

    @server.feature("shutdown")
    async def shutdown(ls: BaseServer, params: object) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        order.append("answered")

    client.ask("shutdown")
    client.notify("exit")
    await within_patience(server.protocol.ended)
    await server.protocol.close()
    assert order == ["answered"]


async def test_shutdown_waits_for_close_callbacks_and_survives_those_that_fail(
    server: BaseServer, client: RawClient
):
    closed: list[str] = []

    async def good() -> None:
        await asyncio.sleep(0)
        closed.append("good")

    async def bad() -> None:
        raise RuntimeError

    server.protocol.on_close(bad)
    server.protocol.on_close(good)
    assert (await client.request("shutdown"))["result"] is None
    assert closed == ["good"]
    await server.protocol.close()
    assert closed == ["good"]


async def test_shutdown_goes_on_without_what_does_not_finish(
    server: BaseServer, client: RawClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roo_lsp.lsp.wire.protocol.CLOSE_SECONDS", 0.01)
    server.protocol.on_close(asyncio.Event().wait)
    assert (await client.request("shutdown"))["result"] is None


async def test_shutdown_withdraws_what_the_client_is_still_asked(
    server: BaseServer, client: RawClient
):
    asking = server.protocol.send_request("roo/ask")
    asked = await client.receive()
    await client.request("shutdown")
    assert client.unread == [
        {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": asked["id"]}}
    ]
    assert asking.cancelled()


async def test_after_shutdown_requests_are_refused_and_exit_ends_with_0(
    server: BaseServer, client: RawClient
):
    await client.request("shutdown")
    assert code(await client.request("roo/anything")) == INVALID_REQUEST
    client.notify("textDocument/didClose", {})
    client.notify("exit")
    await within_patience(server.protocol.ended)
    assert server.protocol.exit_code == 0


# (d) malformed messages


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ({"id": 7, "method": "no/such"}, METHOD_NOT_FOUND),
        ({"id": 7, "method": "workspace/executeCommand"}, INVALID_PARAMS),
        ({"id": 7, "method": "workspace/executeCommand", "params": None}, INVALID_PARAMS),
        ({"id": 7, "method": "workspace/executeCommand", "params": {}}, INVALID_PARAMS),
        ({"id": 7, "method": "workspace/executeCommand", "params": [1]}, INVALID_PARAMS),
        (
            {"id": 7, "method": "workspace/executeCommand", "params": {"command": "no.such"}},
            INVALID_PARAMS,
        ),
        ({"id": 7, "method": "initialize", "params": {"capabilities": {}}}, INVALID_REQUEST),
        ({"id": 7, "method": 5}, INVALID_REQUEST),
        ({"id": 7}, INVALID_REQUEST),
        ({"id": 7, "method": "shutdown", "jsonrpc": "1.0"}, INVALID_REQUEST),
        ({"id": 7, "method": "shutdown", "jsonrpc": None}, INVALID_REQUEST),
    ],
)
async def test_a_malformed_request_is_answered_and_the_server_lives_on(
    client: RawClient, message: dict[str, Any], wanted: int
):
    client.send({"jsonrpc": "2.0"} | message)
    assert code(await client.reply(7)) == wanted
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []


@pytest.mark.parametrize(
    "message",
    [
        [],
        [{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}],
        "text",
        5,
        None,
        {},
        {"jsonrpc": "2.0", "id": None, "method": "shutdown"},
        {"jsonrpc": "2.0", "id": {}, "method": "shutdown"},
        {"jsonrpc": "2.0", "id": True, "method": "shutdown"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "shutdown"},
    ],
)
async def test_what_is_no_request_object_is_invalid(client: RawClient, message: object):
    client.send(message)
    assert code(await client.reply(None)) == INVALID_REQUEST
    assert (await client.request("shutdown"))["result"] is None


async def test_a_missing_field_is_named(server: BaseServer, client: RawClient):
    @server.feature("textDocument/hover")
    def hover(ls: BaseServer, params: types.HoverParams) -> None: ...

    params = {"textDocument": {"uri": "file:///a"}, "position": {"line": "sk-secret"}}
    reply = await client.request("textDocument/hover", params)
    assert reply["error"] == {
        "code": INVALID_PARAMS,
        "message": "params.position.line: expected int; "
        "params.position.character: required field missing",
    }


@pytest.mark.parametrize("arguments", ["abc", {"prompt": "abc"}, 5])
async def test_arguments_that_are_no_list_are_not_taken_apart(
    server: BaseServer, client: RawClient, arguments: object
):
    server.command("count")(lambda *arguments: len(arguments))
    params = {"command": "count", "arguments": arguments}
    reply = await client.request("workspace/executeCommand", params)
    assert reply["error"]["message"] == "params.arguments: expected a list"


async def test_what_is_not_json_is_a_parse_error_and_the_server_lives_on(client: RawClient):
    for body in (b"{", b"", b"\xff\xfe\xfd", b"[" * 100_000):
        client.send_bytes(frame(body))
        assert code(await client.reply(None)) == PARSE_ERROR
    assert (await client.request("shutdown"))["result"] is None


async def test_a_malformed_notification_is_ignored(server: BaseServer, client: RawClient):
    client.notify("textDocument/didOpen", {"textDocument": 5})
    client.notify("textDocument/didChange", {})
    client.notify("no/such", {})
    change = {
        "textDocument": {"uri": "file:///never-opened", "version": 1},
        "contentChanges": [{"text": ""}],
    }
    client.notify("textDocument/didChange", change)
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []


async def test_nothing_is_served_before_initialize(server: BaseServer):
    async with raw(server) as client:
        client.notify("textDocument/didClose", {"textDocument": {"uri": "file:///a"}})
        assert code(await client.request("shutdown")) == NOT_INITIALIZED
        assert code(await client.request("initialize", {"processId": "x"})) == INVALID_PARAMS
        assert (await client.initialize())["serverInfo"] == {"name": "test", "version": "1.0"}


async def test_an_id_that_is_still_running_can_not_be_used_again(
    server: BaseServer, client: RawClient
):
    blocker = Blocker(server)
    msg_id = run(client, "block")
    await within_patience(blocker.started)
    client.send({"jsonrpc": "2.0", "id": msg_id, "method": "shutdown"})
    assert code(await client.reply(msg_id)) == INVALID_REQUEST
    client.notify("$/cancelRequest", {"id": msg_id})
    assert code(await client.reply(msg_id)) == CANCELLED


# (e) payloads


async def test_an_argument_that_looks_like_a_message_is_just_data(
    server: BaseServer, client: RawClient
):
    @server.command("echo")
    async def echo(ls: BaseServer, *arguments: object) -> list[object]:
        return list(arguments)

    arguments = [{"a": {"jsonrpc": "2.0", "id": 1, "method": "exit", "task-id": 1}}, "b", None, 1]
    assert (await client.reply(run(client, "echo", *arguments)))["result"] == arguments
    assert not server.protocol.ended.is_set()


async def test_params_of_a_custom_method_arrive_as_they_were_sent(
    server: BaseServer, client: RawClient
):
    @server.feature("roo/echo")
    def echo(ls: BaseServer, params: object) -> object:
        return params

    params = {"task-id": 1, "class": {"jsonrpc": "2.0"}, "type_name": "x"}
    assert (await client.request("roo/echo", params))["result"] == params


async def test_the_client_s_work_done_token_is_known_to_the_command(
    server: BaseServer, client: RawClient
):
    @server.command("token")
    async def token(ls: BaseServer) -> object:
        return ls.protocol.work_done_token

    params = {"command": "token", "workDoneToken": "t1"}
    assert (await client.request("workspace/executeCommand", params))["result"] == "t1"
    assert (await client.reply(run(client, "token")))["result"] is None


async def test_numbers_that_json_does_not_have_are_sent_as_null(
    server: BaseServer, client: RawClient
):
    infinite = float("inf")
    server.protocol.send_notification_frame("x", {"a": [float("nan"), 1.5], "b": {"c": infinite}})
    assert (await client.receive())["params"] == {"a": [None, 1.5], "b": {"c": None}}


# (f) a client that does not read


async def test_congestion_is_told_and_nothing_is_lost(server: BaseServer, client: RawClient):
    drained = asyncio.Event()
    client.wire.to_client.hold()
    assert server.protocol.congested
    server.protocol.when_drained(drained.set)
    server.protocol.send_notification_frame("x", {})
    shutdown = client.ask("shutdown")
    client.wire.to_client.release()
    await within_patience(drained)
    assert not server.protocol.congested
    assert (await client.receive())["method"] == "x"
    assert (await client.reply(shutdown))["result"] is None


# (g) threads


async def test_handlers_that_block_their_threads_do_not_keep_messages_from_being_read(
    server: BaseServer, client: RawClient
):
    release = threading.Event()

    @server.thread()
    @server.command("sleep")
    def sleep(ls: BaseServer) -> str:
        release.wait(PATIENCE)
        return "slept"

    @server.feature("roo/ping")
    def ping(ls: BaseServer, params: object) -> str:
        return "pong"

    sleeping = [run(client, "sleep") for _ in range(64)]
    assert (await client.request("roo/ping"))["result"] == "pong"
    release.set()
    for msg_id in sleeping:
        assert (await client.reply(msg_id))["result"] == "slept"


# (h) document sync


async def test_initialize_offers_whole_document_sync_with_saves_and_the_client_s_encoding(
    server: BaseServer,
):
    server.command("a.command")(lambda: None)
    async with raw(server) as client:
        general = {"positionEncodings": ["utf-7", "utf-32", "utf-16"]}
        result = await client.initialize(capabilities={"general": general})
        capabilities = result["capabilities"]
        assert capabilities["positionEncoding"] == "utf-32"
        assert capabilities["textDocumentSync"] == {
            "openClose": True,
            "change": 1,
            "save": {"includeText": False},
        }
        assert capabilities["executeCommandProvider"] == {
            "commands": ["a.command"],
            "workDoneProgress": True,
        }


async def test_documents_change_in_the_order_of_the_messages(server: BaseServer, client: RawClient):
    seen: list[str] = []
    texts: dict[str, str] = {}

    @server.feature("textDocument/didChange")
    def changed(ls: BaseServer, params: types.DidChangeTextDocumentParams) -> None:
        texts[params.text_document.uri] = params.content_changes[-1].text

    @server.feature("roo/text")
    def text(ls: BaseServer, params: dict[str, str]) -> str:
        return texts[params["uri"]]

    item = {"uri": "file:///a", "languageId": "x", "version": 1, "text": "0"}
    client.notify("textDocument/didOpen", {"textDocument": item})
    for version in range(1, 4):
        change = {
            "textDocument": {"uri": "file:///a", "version": version},
            "contentChanges": [{"text": f"{version}\f\u2028\r"}],
        }
        client.notify("textDocument/didChange", change)
        seen.append((await client.request("roo/text", {"uri": "file:///a"}))["result"])
    assert seen == ["1\f\u2028\r", "2\f\u2028\r", "3\f\u2028\r"]


# (i) progress


async def test_a_progress_token_is_asked_for_only_where_the_client_can(
    server: BaseServer, client: RawClient
):
    assert await server.protocol.create_progress("roo") is False
    assert client.unread == []


@pytest.mark.parametrize(
    ("answer", "taken"),
    [({"result": None}, True), ({"error": {"code": -32601, "message": "no"}}, False)],
)
async def test_a_progress_token_may_be_refused_and_asked_for_again(
    server: BaseServer, answer: dict[str, Any], taken: bool
):
    async with raw(server) as client:
        await client.initialize(capabilities={"window": {"workDoneProgress": True}})
        for _ in range(2):
            creating = server.protocol.create_progress("roo")
            asked = await client.receive()
            assert asked["method"] == "window/workDoneProgress/create"
            assert asked["params"] == {"token": "roo"}
            client.send({"jsonrpc": "2.0", "id": asked["id"]} | answer)
            assert await creating is taken


async def test_a_progress_token_is_not_waited_for_forever(
    server: BaseServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("roo_lsp.lsp.wire.protocol.CREATE_PROGRESS_SECONDS", 0.001)
    async with raw(server) as client:
        await client.initialize(capabilities={"window": {"workDoneProgress": True}})
        assert await server.protocol.create_progress("roo") is False


async def test_the_user_s_cancellation_of_a_progress_reaches_the_handler(
    server: BaseServer, client: RawClient, caplog: pytest.LogCaptureFixture
):
    cancelled = asyncio.Event()

    @server.feature("window/workDoneProgress/cancel")
    async def cancel(ls: BaseServer, params: types.WorkDoneProgressCancelParams) -> None:
        assert params.token == "roo"
        cancelled.set()

    client.notify("window/workDoneProgress/cancel", {"token": "roo"})
    await within_patience(cancelled)
    assert caplog.records == []


# (j) what goes on the wire and into the log


@pytest.mark.parametrize(
    "kind", ["sync", "async", "thread", "feature", "unsendable", "unsendable refusal"]
)
async def test_a_bug_is_an_internal_error_without_its_text_and_is_logged_whole(
    server: BaseServer, client: RawClient, caplog: pytest.LogCaptureFixture, kind: str
):
    def fail(ls: BaseServer, *args: object) -> object:
        if kind == "unsendable":
            return {"sk-secret"}
        if kind == "unsendable refusal":
            raise CommandFailed("no", data={"sk-secret"})
        raise RuntimeError("sk-secret in /home/me")

    async def fail_later(ls: BaseServer, *args: object) -> object:
        return fail(ls)

    if kind == "feature":
        server.feature("roo/fail")(fail)
        reply = await client.request("roo/fail")
    else:
        server.command("fail")(fail_later if kind in ("async", "unsendable") else fail)
        if kind == "thread":
            server.thread()(fail)
        reply = await client.reply(run(client, "fail"))
    assert code(reply) == INTERNAL
    assert "sk-secret" not in json.dumps(reply)
    assert "data" not in reply["error"]
    assert "internal error (reference " in reply["error"]["message"]
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.args is not None
    assert str(record.args[0]) in reply["error"]["message"]  # pyright: ignore[reportArgumentType]
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []


async def test_a_bug_in_a_notification_is_logged_and_not_shown(
    server: BaseServer, client: RawClient, caplog: pytest.LogCaptureFixture
):
    @server.feature("roo/now")
    def now(ls: BaseServer, params: object) -> None:
        raise RuntimeError("sk-secret")

    @server.feature("roo/later")
    async def later(ls: BaseServer, params: object) -> None:
        raise RuntimeError("sk-secret")

    client.notify("roo/now")
    client.notify("roo/later")
    assert (await client.request("shutdown"))["result"] is None
    assert client.unread == []
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2


async def test_a_refusal_says_what_the_handler_said(server: BaseServer, client: RawClient):
    @server.command("refuse")
    async def refuse(ls: BaseServer, what: str) -> None:
        if what == "params":
            raise CommandFailed.invalid_params("prompt: expected a string")
        raise CommandFailed.refused("no task is running", "no_task")

    assert (await client.reply(run(client, "refuse", "params")))["error"] == {
        "code": INVALID_PARAMS,
        "message": "prompt: expected a string",
    }
    assert (await client.reply(run(client, "refuse", "state")))["error"] == {
        "code": FAILED,
        "message": "no task is running",
        "data": {"reason": "no_task"},
    }


async def test_an_error_of_the_client_does_not_come_back_to_it_as_ours(
    server: BaseServer, client: RawClient
):
    @server.command("ask")
    async def ask(ls: BaseServer) -> None:
        await ls.protocol.request("roo/ask")

    msg_id = run(client, "ask")
    asked = await client.find(lambda message: message.get("method") == "roo/ask")
    error = {"code": -32601, "message": "sk-secret"}
    client.send({"jsonrpc": "2.0", "id": asked["id"], "error": error})
    reply = await client.reply(msg_id)
    assert code(reply) == INTERNAL
    assert "sk-secret" not in json.dumps(reply)


async def test_params_are_not_logged_however_chatty_the_log_is(
    server: BaseServer, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    async with raw(server) as client:
        await client.initialize(initializationOptions={"key": "sk-secret"})
        client.notify("workspace/didChangeConfiguration", {"settings": {"key": "sk-secret"}})
        asking = asyncio.create_task(server.protocol.request("workspace/configuration", {}))
        asked = await client.find(lambda m: m.get("method") == "workspace/configuration")
        client.send({"jsonrpc": "2.0", "id": asked["id"], "result": [{"key": "sk-secret"}]})
        assert await asking == ({"key": "sk-secret"},)
        server.protocol.notify("roo/x", {"key": "sk-secret"})
        await client.request("roo/unknown", {"key": "sk-secret"})
        await client.request("shutdown")
    assert "sk-secret" not in caplog.text


# (k) the end


async def test_exit_without_shutdown_ends_with_1(server: BaseServer, client: RawClient):
    client.notify("exit")
    await within_patience(server.protocol.ended)
    assert server.protocol.exit_code == 1


async def test_exit_is_heard_before_initialize(server: BaseServer):
    async with raw(server) as client:
        client.notify("exit")
        await within_patience(server.protocol.ended)


# a real client


async def test_a_pytest_lsp_client_gets_along_with_all_that(server: BaseServer):
    @server.command("greet")
    async def greet(ls: BaseServer, *names: str) -> str:
        params = types.ShowMessageRequestParams(
            types.MessageType.Info, "Greet?", [types.MessageActionItem("Yes")]
        )
        answer = await ls.protocol.request("window/showMessageRequest", params, timeout=PATIENCE)
        assert await ls.protocol.create_progress("roo")
        value = {"kind": "begin", "title": "greeting"}
        ls.protocol.send_notification_frame("$/progress", {"token": "roo", "value": value})
        return f"{answer.title}: {' '.join(names)}"

    client: LanguageClient = make_test_lsp_client()

    @client.feature("window/showMessageRequest")
    def answer(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        return params.actions[0] if params.actions else None

    async with joined(server, client), asyncio.timeout(PATIENCE):
        window = types.WindowClientCapabilities(work_done_progress=True)
        capabilities = types.ClientCapabilities(window=window)
        await client.initialize_session(types.InitializeParams(capabilities))
        result = await client.workspace_execute_command_async(
            types.ExecuteCommandParams("greet", ["a", "b"])
        )
        assert result == "Yes: a b"
        assert client.progress_reports["roo"] == [types.WorkDoneProgressBegin("greeting")]
        await client.shutdown_session()
        await within_patience(server.protocol.ended)
    assert client.error is None
