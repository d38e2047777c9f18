"""The answer to `initialize` that comes before the server is loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygls.protocol import default_converter

from roo_lsp.lsp.wire.greeting import Greeted, answer_to, greet
from tests.support.editor import PERSONAS, Persona
from tests.support.initialize_result import said
from tests.support.server import server_process
from tests.support.wire import frame


def request(params: Any, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params} | more


def answered(message: Any) -> Any:
    found = answer_to(message)
    return None if found is None else json.loads(found[1].partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
async def test_it_is_what_the_server_itself_would_say(persona: Persona) -> None:
    capabilities = default_converter().unstructure(persona.capabilities())
    assert answered(request({"capabilities": capabilities})) == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": await said(capabilities),
    }, "python -m tests.support.initialize_result"


@pytest.mark.parametrize(
    "offered",
    [None, [], ["utf-8"], ["utf-32", "utf-8"], ["utf-7"], ["utf-7", "utf-8"], ["utf-16"]],
)
async def test_positions_are_in_the_encoding_that_the_server_would_choose(
    offered: list[str] | None,
) -> None:
    capabilities = {"general": {"positionEncodings": offered}}
    found = answered(request({"capabilities": capabilities}))["result"]
    assert found == await said(capabilities)


@pytest.mark.parametrize(
    "message",
    [
        [],
        None,
        "initialize",
        {"jsonrpc": "2.0", "method": "initialize", "params": {"capabilities": {}}},
        request({"capabilities": {}}, jsonrpc="1.0"),
        request({"capabilities": {}}, id=None),
        request({"capabilities": {}}, id=True),
        request({"capabilities": {}}, id=[1]),
        request({"capabilities": {}}, method="shutdown"),
        request([]),
        request({}),
        request({"capabilities": []}),
        request({"capabilities": {"window": 5}}),
        request({"capabilities": {}, "processId": "x"}),
        request({"capabilities": {}, "processId": True}),
        request({"capabilities": {}, "workspaceFolders": {}}),
    ],
    ids=str,
)
def test_what_the_server_may_refuse_is_left_to_it(message: Any) -> None:
    assert answer_to(message) is None


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_every_byte_that_was_read_is_handed_on(before: bytes, behind: bytes) -> None:
    data = before + frame(json.dumps(request({"capabilities": {}})).encode()) + behind
    stdin, client = os.pipe()
    from_us, stdout = os.pipe()
    os.write(client, data)
    os.close(client)
    greeted = greet(stdin, stdout)
    os.close(stdout)
    rest = os.read(stdin, 10_000)
    said_already = os.read(from_us, 100_000)
    for each in (stdin, from_us):
        os.close(each)
    assert greeted.read + rest == data
    assert (greeted.answered is not None) == bool(said_already)


def test_without_a_client_there_is_nothing_to_say() -> None:
    stdin, client = os.pipe()
    os.close(client)
    assert greet(stdin, 1) == Greeted()
    os.close(stdin)


def test_a_client_that_is_gone_before_its_answer_is_left_to_the_server() -> None:
    stdin, client = os.pipe()
    from_us, stdout = os.pipe()
    os.close(from_us)
    data = frame(json.dumps(request({"capabilities": {}})).encode())
    os.write(client, data)
    assert greet(stdin, stdout) == Greeted(data)
    for each in (stdin, client, stdout):
        os.close(each)


async def test_capabilities_that_cannot_be_read_are_those_of_a_client_without_any(
    tmp_path: Path,
) -> None:
    odd = {"textDocument": {"codeAction": {"resolveSupport": "yes"}}}
    async with server_process(tmp_path, capabilities=odd) as it:
        status = await it.execute("roo.status")
        assert status["workspace"] == [str(tmp_path)]


def test_nothing_that_takes_long_is_loaded_before_it() -> None:
    code = "import sys, roo_lsp.cli.serve; print(*sorted(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"asyncio", "pathlib", "argparse", "logging", "lsprotocol", "pygls"} & set(loaded)
