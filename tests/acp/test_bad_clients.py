"""Clients that die, say nonsense, say much, or do not read: each costs what it is about and nothing else."""

import asyncio
import json
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
from tests.support.fake_openai import FakeOpenAI, call, hang, text


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
            for size in (5_000_000, 5_000_000, 20_000_000):
                fake.answers(text("Seen."))
                session = await it.new()
                begun = time.process_time()
                await it.prompt(session, "x" * size)
                took.append(time.process_time() - begun)
                assert len(fake.chats[-1].body) > size
        assert took[2] < 12 * took[1], took


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
