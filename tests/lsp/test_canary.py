"""Keys stay where the user put them: a whole session with a key of each kind, then a search for them.

The server is a process of its own, so that every byte it writes can be looked at.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.workspace.user_folders import config_dir, state_dir
from tests.support.editor import EMACS, editor
from tests.support.fake_openai import FakeOpenAI, Request, call, cut, events, raw, status, text
from tests.support.wire import Pipe, RawClient, Wire, read_frame

PATIENCE = 60.0
KEYS = {
    "apiKey": "canary-a1-settings",
    "channel": "canary-b2-channel",
    "environment": "canary-c3-environment",
    "command": "canary-d4-command",
    "header": "canary-e5-header",
    "query": "canary-f6-query",
    "password": "canary-07-password",
    "mcp": "canary-18-mcp",
    "proxy": "canary-29-proxy",
}
EVERYTHING_OF_OURS_IN_THE_LOG = """
import logging, sys
logging.root.setLevel(logging.DEBUG)
logging.root.setLevel = lambda level: None
from roo_lsp.cli import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass
class Session:
    """A server process and its client, which answers what it is asked as a user's editor would."""

    client: RawClient
    process: asyncio.subprocess.Process
    settings: dict[str, Any]
    written: bytearray = field(default_factory=bytearray)
    """All of standard output and standard error."""
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict[int, asyncio.Future[Any]])
    states: asyncio.Queue[str] = field(default_factory=asyncio.Queue[str])

    async def request(self, method: str, params: Any) -> Any:
        """The whole reply."""
        reply = asyncio.get_running_loop().create_future()
        self.waiting[self.client.ask(method, params)] = reply
        return await asyncio.wait_for(reply, PATIENCE)

    async def run(self, command: str, **argument: Any) -> Any:
        params = {"command": command, "arguments": [argument]}
        return await self.request("workspace/executeCommand", params)

    async def turn(self, prompt: str, **argument: Any) -> str:
        """Start a task, and wait for the end of its turn."""
        started = await self.run("roo.task.start", prompt=prompt, **argument)
        async with asyncio.timeout(PATIENCE):
            while await self.states.get() not in {"idle", "failed"}:
                pass
        return started["result"]["taskId"]

    async def listen(self) -> None:
        """Take everything that the server says."""
        while True:
            message = await read_frame(self.client.wire.to_client.reader)
            match message:
                case {"method": "workspace/configuration", "id": number}:
                    self._reply(number, [self.settings])
                case {"method": "roo/requestPermission", "id": number}:
                    self._reply(number, {"optionId": "allow_once"})
                case {"method": str(), "id": number}:
                    self._reply(number, None)
                case {"method": "roo/event", "params": {"update": {"state": state}}}:
                    self.states.put_nowait(state)
                case {"id": number} if number in self.waiting:
                    self.waiting.pop(number).set_result(message)
                case _:
                    pass

    def _reply(self, number: Any, result: Any) -> None:
        self.client.send({"jsonrpc": "2.0", "id": number, "result": result})


@asynccontextmanager
async def session(
    folder: Path, log: Path, settings: dict[str, Any], **variables: str
) -> AsyncGenerator[Session]:
    """`roo-lsp serve --log-file`, with everything logged that has no level of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", EVERYTHING_OF_OURS_IN_THE_LOG, "serve", "--log-file", str(log)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | variables,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    wire = Wire()
    wire.to_server = process.stdin  # pyright: ignore[reportAttributeAccessIssue] -- a pipe writes
    it = Session(RawClient(wire), process, settings)

    async def pump(stream: asyncio.StreamReader, to: Pipe | None) -> None:
        while data := await stream.read(65536):
            it.written += data
            if to is not None:
                to.write(data)
        if to is not None:
            to.close()

    pumps = [
        asyncio.create_task(pump(process.stdout, wire.to_client)),
        asyncio.create_task(pump(process.stderr, None)),
    ]
    listening = asyncio.create_task(it.listen())
    try:
        options = {"client": {"extensions": ["roo/requestPermission", "roo/event"]}}
        await it.request(
            "initialize",
            {
                "processId": None,
                "capabilities": {"workspace": {"configuration": True}},
                "rootUri": folder.as_uri(),
                "workspaceFolders": [{"uri": folder.as_uri(), "name": "ws"}],
                "initializationOptions": options,
            },
        )
        it.client.notify("initialized", {})
        yield it
        await it.request("shutdown", None)
        it.client.notify("exit")
        await asyncio.wait_for(process.wait(), PATIENCE)
        await asyncio.gather(*pumps)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        listening.cancel()
        await asyncio.gather(*pumps, listening, return_exceptions=True)
        await process.wait()


def own_settings(fake: FakeOpenAI, folder: Path) -> None:
    """The user's file: each way to have a key, as a profile."""
    key_file = folder / "key"
    key_file.write_text(KEYS["command"], "utf-8")
    address = fake.base_url.replace("http://", f"http://me:{KEYS['password']}@")
    common = {
        "baseUrl": fake.base_url,
        "modelId": "scripted",
        "headers": {"X-Service-Token": KEYS["header"]},
        "query": {"sig": KEYS["query"]},
        "retry": {"attempts": 1},
    }
    settings = {
        "provider": common,
        "autoApprove": {"edit": True},
        "profiles": {
            "key": {"provider": {"apiKey": KEYS["apiKey"]}},
            "command": {"provider": {"apiKeyCommand": ["cat", str(key_file)]}},
            "environment": {"provider": {"apiKeyEnv": "MY_SECRET_KEY"}},
            "channel": {},
            "password": {"provider": {"baseUrl": address}},
            "proxy": {"provider": {"proxy": f"http://me:{KEYS['proxy']}@127.0.0.1:9"}},
        },
    }
    config_dir().mkdir(parents=True)
    file = config_dir() / "settings.json"
    file.write_text(json.dumps(settings), "utf-8")
    file.chmod(0o600)


def sent_with(request: Request) -> str:
    """Everything that the endpoint got to see beside the conversation, to be echoed."""
    basic = request.headers.get("authorization", "").removeprefix("Basic ")
    with suppress(ValueError):
        basic = base64.b64decode(basic, validate=True).decode()
    return f"{request.path} {request.query} {json.dumps(request.headers)} {basic}"


def echo(code: int) -> Any:
    """An error that quotes the request with its keys."""
    return lambda request: status(code, {"error": {"message": f"Bad: {sent_with(request)}"}})


def echo_in_stream(request: Request) -> Any:
    return events({"error": {"message": f"Bad: {sent_with(request)}", "code": 500}})


def echo_as_page(request: Request) -> Any:
    page = f"<html>{sent_with(request)}</html>".encode()
    return raw(page, status=502, content_type="text/html")


def found(where: str, data: bytes) -> list[str]:
    """Which keys stand in it, also as JSON or URLs write them."""
    return [f"{name} in {where}" for name, key in KEYS.items() if key.encode() in data]


def command_line(*arguments: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "roo_lsp", *arguments], capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.stdout + done.stderr


async def test_no_key_is_written_anywhere_in_a_whole_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, secrets = tmp_path / "ws", tmp_path / "secrets"
    workspace.mkdir()
    secrets.mkdir()
    log = tmp_path / "server.log"
    monkeypatch.setenv("MY_SECRET_KEY", KEYS["environment"])
    channel = {
        "profiles": {"channel": {"provider": {"apiKey": KEYS["channel"]}}},
        "mcpServers": {"x": {"command": "x", "env": {"API_TOKEN": KEYS["mcp"]}}},
        "nonsense": {"apiKey": KEYS["channel"]},
    }
    async with FakeOpenAI() as fake:
        own_settings(fake, secrets)
        async with session(workspace, log, channel) as it:
            for profile in ("key", "command", "environment", "channel", "password"):
                fake.answers(
                    call("execute_command", {"command": "env; printenv; export -p"}, id="c1"),
                    call("write_to_file", {"path": "a.txt", "content": "x"}, id="c2"),
                    text("done"),
                )
                task = await it.turn("Work", profile=profile)
                for trouble in (
                    echo(401),
                    echo(400),
                    echo(429),
                    echo(500),
                    echo_in_stream,
                    echo_as_page,
                    cut(text("broken off"), 20),
                ):
                    fake.answers(trouble)
                    await it.turn("Fail", profile=profile)
                fake.always(echo(401))
                await it.run("roo.provider.test", profile=profile, wait=True)
                await it.run("roo.provider.models", profile=profile)
                fake.always(None)
            await it.turn("Through the proxy", profile="proxy")
            await it.run("roo.status")
            await it.run("roo.approval.list")
            for form in ("md", "json"):
                assert "result" in await it.run("roo.task.export", taskId=task, format=form)
            await it.run("roo.task.replay", taskId=task)
            await it.run("roo.task.open", taskId=task)
            await it.run("roo.task.start", prompt=3)
        used = json.dumps([sent_with(request) for request in fake.requests])
        for name in KEYS.keys() - {"mcp", "proxy"}:
            assert KEYS[name] in used, f"{name} was not used, so it proves nothing"
        fake.always(echo(401))
        outputs = {
            name: await asyncio.to_thread(command_line, *name.split())
            for name in (
                "doctor --json",
                "doctor --profile key",
                "settings show --all",
                "settings show --json",
                "tasks list --all",
                f"tasks show {task}",
                f"tasks export {task} --format json",
                f"trust {workspace}",
                "trust",
            )
        }
    outputs["the server's output"] = bytes(it.written)
    for folder in (workspace, state_dir(), tmp_path):
        for file in folder.rglob("*"):
            if file.is_file() and not file.is_relative_to(secrets):
                outputs[str(file)] = file.read_bytes()
    assert b"DEBUG" in log.read_bytes()
    assert [each for where, data in outputs.items() for each in found(where, data)] == []


async def test_a_key_in_a_file_is_read_by_no_model_and_no_edit_puts_our_mark_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "sk-canary-in-a-file-0123"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    content = f"KEY={key}\nNAME=a\n"
    (tmp_path / "app.cfg").write_text(content, "utf-8")
    async with FakeOpenAI() as fake:
        monkeypatch.setenv("ROO_TRUST_ORIGINS", fake.origin)
        seen = {"provider": {"baseUrl": fake.base_url, "modelId": "m"}, "autoApprove": {}}
        async with editor(EMACS, tmp_path, seen) as it:
            fake.answers(
                call("read_file", {"path": "app.cfg"}, id="c1"),
                call("execute_command", {"command": "cat app.cfg; seq 9999; cat app.cfg"}, id="c2"),
                text(f"Your key is {key}, I think. ", pieces=20)
                + call(
                    "write_to_file",
                    {"path": "app.cfg", "content": "KEY=[key]\nNAME=b\n"},
                    id="c3",
                ),
                text("I see."),
            )
            task = await it.start(f"What is in app.cfg? I use {key} here.")
            await it.event("_permission")
            await it.run("roo.approval.respond", {"decision": "allow_once"})
            await it.event("_permission", toolCallId="c3")
            await it.run("roo.approval.respond", {"decision": "allow_once"})
            await it.ended()
            exported = await it.run("roo.task.export", {"taskId": task, "format": "json"})
            listed = await it.run("roo.task.list")
            said = json.dumps([it.events, exported, listed])
            assert key not in said
            assert "Your key is [key], I think." in json.dumps(exported)
        assert (tmp_path / "app.cfg").read_text("utf-8") == content, "the mark took no key's place"
        assert key not in json.dumps([request.json for request in fake.chats])
        results = [m["content"] for m in fake.chats[-1].json["messages"] if m["role"] == "tool"]
        assert "KEY=[key]" in results[0]
        assert "KEY=[key]" in results[1]
        assert "not shown to you" in results[2]
    stored = [file.read_bytes() for file in state_dir().rglob("*") if file.is_file()]
    assert stored
    assert not any(key.encode() in each for each in stored)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
def test_the_server_hides_its_memory_before_it_looks_at_anything() -> None:
    asks = """
        import ctypes, sys, types
        from roo_lsp.cli import serve
        server = sys.modules["roo_lsp.lsp.server"] = types.ModuleType("server")
        server.main = lambda *_: print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
        serve.main([])
    """
    script = "\n".join(line.strip() for line in asks.splitlines())
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr.strip() == "0"  # PR_GET_DUMPABLE; standard output is for messages
