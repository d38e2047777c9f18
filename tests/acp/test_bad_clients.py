"""Clients that die, say nonsense, say much, or do not read: each costs what it is about and nothing else."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from acp.core import RequestError

from roo_lsp.acp.server import speak
from roo_lsp.acp.wire import Wire
from tests.acp.test_sessions import OFF, config
from tests.support.acp import PATIENCE, AcpEditor, Pipe, acp_editor, user_settings
from tests.support.editor import HELIX, editor
from tests.support.fake_openai import FakeOpenAI, call, cut, hang, raw, status, text


async def nothing(it: AcpEditor, fake: FakeOpenAI) -> None: ...


async def streaming(it: AcpEditor, fake: FakeOpenAI) -> None:
    fake.answers(hang())
    await _prompting(it)
    await fake.chat(1)


async def asking(it: AcpEditor, fake: FakeOpenAI) -> None:
    fake.answers(call("write_to_file", {"path": "a", "content": "x"}))
    await _prompting(it)
    await it.until(lambda: it.asked)


async def running(it: AcpEditor, fake: FakeOpenAI) -> None:
    fake.answers(call("execute_command", {"command": "echo begun; sleep 600"}))
    await _prompting(it)
    await it.update("tool_call_update", status="in_progress")


async def asking_in_words(it: AcpEditor, fake: FakeOpenAI) -> None:
    fake.answers(call("ask_followup_question", {"question": "Which?", "follow_up": []}))
    assert await it.prompt(await it.new(), "Go") == "end_turn"


async def _prompting(it: AcpEditor) -> None:
    session = await it.new()

    async def prompt() -> None:
        with suppress(ConnectionError, RequestError):  # nobody answers a client that is dead
            await it.prompt(session, "Go")

    it.doing.append(asyncio.ensure_future(prompt()))


@pytest.mark.parametrize("state", [nothing, streaming, asking, running, asking_in_words])
async def test_a_client_that_dies_in_any_state_ends_the_agent_and_what_waits_waits(
    tmp_path: Path, state: Callable[..., Any]
) -> None:
    allowed = {"autoApprove": {"execute": True}, "allowedCommands": ["echo *", "sleep *"]}
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF, **allowed)
        async with acp_editor(tmp_path) as it:
            await state(it, fake)
        for each in it.doing:
            each.cancel()
        assert not (tmp_path / "a").exists()
        if state is asking:
            fake.answers(text("Done."))
            async with acp_editor(tmp_path) as it:
                (left,) = (await it.agent.list_sessions()).sessions
                await it.agent.load_session(cwd=str(tmp_path), session_id=left.session_id)
                it.choices.append("allow_once")
                assert await it.prompt(left.session_id, "Go on") == "end_turn"
                assert (tmp_path / "a").read_text() == "x"


LINES: list[tuple[bytes, int | None]] = [
    (b"not json", -32700),
    (b"[]", -32600),
    (b"5", -32600),
    (b"[" * 100_000, -32700),
    (b'{"jsonrpc": "2.0", "id": 7}', None),
    (b'{"jsonrpc": "2.0", "id": "x", "result": {}}', None),
    (b'{"jsonrpc": "2.0", "method": "session/update", "params": 5}', None),
    (b'{"jsonrpc": "2.0", "method": "$/cancel_request", "params": {"requestId": 1}}', None),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "none/such"}', -32601),
    (b'{"jsonrpc": "2.0", "id": 1, "method": ["x"]}', -32600),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "session/prompt", "params": []}', -32602),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "session/new", "params": {"cwd": 5}}', -32602),
    (b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}', -32602),
    (
        b'{"jsonrpc": "2.0", "id": 1, "method": "session/close", "params": {"sessionId": "x"}}',
        -32002,
    ),
    ("{\u2028\x85}".encode(), -32700),
    (b"\xff\xfe", -32700),
]


async def test_nonsense_is_answered_and_costs_nothing_else(tmp_path: Path) -> None:
    pipe = Pipe()
    wire = Wire(pipe)
    speaking = asyncio.create_task(speak(wire))

    async def answer() -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            line = await pipe.lines.get()
        assert line is not None
        return json.loads(line)

    for line, code in LINES:
        wire.feed(b"\n  \n" + line + b"\n")
        if code is not None:
            assert (await answer())["error"]["code"] == code, line[:60]
    hello = {"jsonrpc": "2.0", "id": 3, "method": "initialize", "params": {"protocolVersion": 99}}
    for byte in json.dumps(hello).encode() + b"\n":
        wire.feed(bytes([byte]))
    assert (await answer())["result"]["protocolVersion"] == 1
    wire.end()
    await speaking


async def test_a_prompt_of_20_mb_is_taken_in_time_that_grows_as_it_does(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, model={"contextWindow": 100_000_000}, **OFF)
        took: list[float] = []
        async with acp_editor(tmp_path) as it:
            for size in (100_000, 2_500_000, 20_000_000):
                fake.answers(text("Seen."))
                session = await it.new()
                begun = time.process_time()
                await it.prompt(session, "x" * size)
                took.append(time.process_time() - begun)
                assert len(fake.chats[-1].body) > size
        assert took[2] < 24 * took[1], took


async def test_a_client_that_does_not_read_is_not_waited_for_and_misses_nothing(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        said = "".join(f"word {number} " for number in range(3000))
        (tmp_path / "a.txt").write_text("a\n")
        read = call("read_file", {"path": "a.txt"})
        fake.answers(text(said, pieces=3000) + read, text("End."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            it.transport.pipe.hold()
            prompting = asyncio.ensure_future(it.prompt(session, "Talk"))
            await fake.chat(2)
            it.transport.pipe.release()
            assert await prompting == "end_turn"
            assert it.text() == f"{said}End."
            assert len(it.of("agent_message_chunk")) < 1000, "merged while nobody read"


FAULTS: dict[str, tuple[list[Any], str]] = {
    "a cut stream": ([cut(text("Half of it."), after=1), text("Whole.")], "end_turn"),
    "503": ([status(503, {}), text("Whole.")], "end_turn"),
    "429": ([status(429, {}, {"Retry-After": "0"}), text("Whole.")], "end_turn"),
    "garbage": ([raw(b"<html>", b"</html>")], "provider_error"),
    "the output limit": ([text("Half").ending("length")], "max_tokens"),
    "a filter": ([text("I will").ending("content_filter")], "refusal"),
    "400": ([status(400, {"error": {"message": "so not"}})], "provider_error"),
    "500 for ever": ([status(500, {})] * 2, "provider_error"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_an_endpoint_does_the_prompt_is_answered_and_the_next_one_too(
    fault: str, tmp_path: Path
) -> None:
    scripts, outcome = FAULTS[fault]
    async with FakeOpenAI() as fake:
        retry = {"attempts": 2, "maxDelay": 0}
        provider = {"baseUrl": fake.base_url, "modelId": "fake-model", "retry": retry}
        user_settings(config(), fake, provider=provider, **OFF)
        fake.answers(*scripts)
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            try:
                found = await it.prompt(session, "Go")
            except RequestError as error:
                found = (error.data or {})["code"]
            assert found == outcome
            fake.answers(text("Here."))
            assert await it.prompt(session, "Again") == "end_turn"


async def test_a_task_that_another_server_runs_is_shown_and_not_spoken_to(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(hang(), text("Free."))
        async with editor(HELIX, tmp_path) as lsp, acp_editor(tmp_path) as it:
            task = await lsp.start("Work")
            await fake.chat(1)
            await it.agent.load_session(cwd=str(tmp_path), session_id=task)
            assert [each["content"]["text"] for each in it.of("user_message_chunk")] == ["Work"]
            with pytest.raises(RequestError) as refused:
                await it.prompt(task, "Me too")
            assert refused.value.data == {"code": "busy_elsewhere"}
            await lsp.run("roo.task.cancel", {"taskId": task})
            assert await it.prompt(task, "Now?") == "end_turn"


async def test_a_request_that_its_client_cancels_is_answered(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(hang(), text("Here."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            prompting = asyncio.ensure_future(it.prompt(session, "Go"))
            await fake.chat(1)
            sent = [
                each for _, each in it.transport.frames if each.get("method") == "session/prompt"
            ]
            number = sent[-1]["id"]
            await it.agent._conn.send_notification("$/cancel_request", {"requestId": number})
            assert await prompting == "cancelled"
            assert await it.prompt(session, "Again") == "end_turn"


NOISY = """
import os, roo_lsp.acp.server as server
speak = server.speak
async def noisy(wire):
    print("noise of a library")
    os.system("echo noise of a child")
    await speak(wire)
server.speak = noisy
server.main()
"""


async def test_print_anywhere_does_not_reach_the_stream() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", NOISY, stdin=-1, stdout=-1, stderr=-1
    )
    hello = (
        b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}\n'
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate(hello)
    (line,) = out.splitlines()
    assert json.loads(line)["id"] == 1
    assert err.decode().split("\n")[:2] == ["noise of a library", "noise of a child"]
    assert len(err) < 200, "and standard error stays short"
    assert process.returncode == 0
