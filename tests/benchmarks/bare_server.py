"""The floor: a pygls server with the smallest agent loop that streams, and nothing of roo_lsp.

One command runs the loop: the SDK's low door, `json.loads` of the arguments, files on disk, a
`$/progress` notification for each delta. As roo-lsp does, it loads the SDK in a thread once it was
initialized. Its prompt and tools are as long as ours, so that both send as much.
"""

import asyncio
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

BASE_URL = os.environ.get("BARE_BASE_URL", "")
PROMPT_BYTES = 7_400

server = LanguageServer("bare", "0")
background: set[asyncio.Task[Any]] = set()


class State:
    """What is made once."""

    folder = Path()
    loading: asyncio.Task[Any] | None = None
    client: Any = None


@server.feature(types.INITIALIZE)
def initialize(params: types.InitializeParams) -> None:
    """Take the workspace."""
    State.folder = Path((params.root_uri or "file:///").removeprefix("file://"))


@server.feature(types.INITIALIZED)
async def initialized(params: types.InitializedParams) -> None:
    """Load the SDK."""
    State.loading = asyncio.create_task(asyncio.to_thread(importlib.import_module, "openai"))


@server.command("bare.start")
async def start(arguments: dict[str, str]) -> dict[str, str]:
    """Run a task; returns at once."""
    task = asyncio.create_task(run(arguments["prompt"]))
    background.add(task)
    task.add_done_callback(background.discard)
    return {"taskId": "bare"}


async def run(prompt: str) -> None:
    """Ask, do what is asked for, tell the result, until there is nothing to do."""
    assert State.loading is not None
    openai = await State.loading
    if State.client is None:
        State.client = openai.AsyncOpenAI(base_url=BASE_URL, api_key="x", max_retries=0)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a coding agent. ".ljust(PROMPT_BYTES, ".")},
        {"role": "user", "content": prompt},
    ]
    while True:
        body: dict[str, Any] = {"model": "x", "messages": messages, "tools": TOOLS, "stream": True}
        body["stream_options"] = {"include_usage": True}
        stream = await State.client.post(
            "/chat/completions",
            cast_to=object,
            body=body,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )
        text, calls = await read(stream)
        answer: dict[str, Any] = {"role": "assistant", "content": "".join(text) or None}
        messages.append(answer)
        if not calls:
            break
        answer["tool_calls"] = calls
        for call in calls:
            call["function"]["arguments"] = "".join(call["function"]["arguments"])
            arguments = json.loads(call["function"]["arguments"])
            result = use(call["function"]["name"], arguments)
            notify({"sessionUpdate": "tool_call_update", "status": "completed"})
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        if calls[-1]["function"]["name"] == "attempt_completion":
            break
    notify({"sessionUpdate": "_state", "state": "idle"})


async def read(stream: Any) -> tuple[list[str], list[dict[str, Any]]]:
    """The answer, told delta by delta."""
    text: list[str] = []
    calls: list[dict[str, Any]] = []
    async for chunk in stream:
        if not chunk["choices"]:
            continue
        delta = chunk["choices"][0]["delta"]
        if delta.get("content"):
            text.append(delta["content"])
            notify({"sessionUpdate": "agent_message_chunk", "content": {"text": text[-1]}})
        for part in delta.get("tool_calls") or ():
            if "id" in part:
                name = part["function"]["name"]
                function = {"name": name, "arguments": []}
                calls.append({"id": part["id"], "type": "function", "function": function})
                notify({"sessionUpdate": "tool_call", "title": name})
            else:
                piece = part["function"]["arguments"]
                calls[part["index"]]["function"]["arguments"].append(piece)
                notify({"sessionUpdate": "_tool_call_arguments", "delta": piece})
    await stream.close()
    return text, calls


def use(tool: str, arguments: dict[str, Any]) -> str:
    """Do what a tool does, on disk, without a look to the left or right."""
    match tool:
        case "read_file":
            return (State.folder / arguments["path"]).read_text("utf-8")
        case "write_to_file":
            (State.folder / arguments["path"]).write_text(arguments["content"], "utf-8")
            return "Written."
        case "apply_diff":
            path = State.folder / arguments["path"]
            search, replace = arguments["diff"].split("=======\n")
            search = search.partition("SEARCH\n")[2]
            replace = replace.partition(">>>>>>> REPLACE")[0]
            path.write_text(path.read_text("utf-8").replace(search, replace), "utf-8")
            return "Edited."
        case _:
            return str(arguments.get("result", ""))


def notify(update: dict[str, Any]) -> None:
    """A frame of our own: pygls would take twice as long."""
    value = {"kind": "report", "roo": {"update": update}}
    message = {
        "jsonrpc": "2.0",
        "method": "$/progress",
        "params": {"token": "bare", "value": value},
    }
    body = json.dumps(message).encode()
    writer: Any = server.protocol.writer
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


def tool(name: str, *parameters: str) -> dict[str, Any]:
    """A tool's declaration."""
    properties = {each: {"type": "string"} for each in parameters}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    function = {"name": name, "description": name, "parameters": schema}
    return {"type": "function", "function": function}


TOOLS = [
    tool("read_file", "path"),
    tool("write_to_file", "path", "content"),
    tool("apply_diff", "path", "diff"),
    tool("attempt_completion", "result"),
]


if __name__ == "__main__":
    server.start_io(sys.stdin.buffer, sys.stdout.buffer)
