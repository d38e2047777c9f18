"""Our client and the real llama.cpp server, with the faults that are its own."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import pytest

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import Retrying, ToolCallUpdated
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from roo_lsp.agent.ports import (
    ChatRequest,
    Delta,
    Finished,
    TextDelta,
    ToolCallFragment,
    ToolSpec,
    Usage,
)
from roo_lsp.providers.discovery import PORTS, discover
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.probe import probe
from roo_lsp.providers.retrying import Clock, RetryingModel
from tests.support.llama_cpp import CONTEXT, MISSING, MODEL, llama_cpp
from tests.support.scripted import rig, tool

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(MISSING), reason=f"{' and '.join(MISSING)} missing: uv run --extra local pytest"
    ),
]

READ = ToolSpec(
    "read_file",
    "Read a file.",
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
TASK = UserMessage("Read the file README.md")
"""With `tool_choice: required` the model makes the call; left to itself, it fails in the middle."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with llama_cpp() as address:
        yield address


def endpoint(server: str, **settings: Any) -> Endpoint:
    given: dict[str, Any] = {
        "base_url": f"{server}/v1",
        "model": MODEL,
        "temperature": 0,
        "max_output_tokens": 40,
    }
    return Endpoint(**(given | settings))


async def told(server: str, *messages: Message, tools: bool = True, **settings: Any) -> list[Delta]:
    """The deltas of one request."""
    request = ChatRequest("", messages or [TASK], [READ] if tools else [])
    async with asyncio.timeout(240), OpenAICompatible(endpoint(server, **settings)) as model:
        return [delta async for delta in model.stream(request)]


async def get(server: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    """A plain request, past our client."""

    def ask() -> tuple[int, Any]:
        connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=240)
        try:
            if body is None:
                connection.request("GET", path)
            else:
                connection.request("POST", path, json.dumps(body))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def test_a_native_call_is_streamed_with_usage(server: str):
    found = await told(server, tool_choice="required")
    fragments = [delta for delta in found if isinstance(delta, ToolCallFragment)]
    assert len(fragments) > 4, "it comes in pieces"
    assert [bool(each.id and each.name) for each in fragments[:2]] == [True, False]
    assembly = Assembly()
    for delta in found:
        assembly.add(delta)
    [call] = assembly.message().calls
    assert (call.name, json.loads(call.arguments)) == ("read_file", {"path": "README.md"})
    usage, end = found[-2:]
    assert end == Finished("tool_calls")
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 50
    assert usage.output_tokens > 5


async def test_what_it_has_cached_is_reported(server: str):
    await told(server, UserMessage("Hi"), tools=False, max_output_tokens=2)
    again = await told(server, UserMessage("Hi"), tools=False, max_output_tokens=2)
    [usage] = [delta for delta in again if isinstance(delta, Usage)]
    assert 0 < usage.cache_read_tokens <= usage.input_tokens


async def test_an_answer_cut_by_the_limit_says_so(server: str):
    found = await told(server, tool_choice="required", max_output_tokens=4)
    assert found[-1] == Finished("length")


async def test_its_error_in_the_middle_of_a_call_leaves_a_task_that_can_go_on(server: str):
    runs: list[str] = []
    read = tool("read_file", runs.append)
    given = rig(tools=[read], prompt=TASK.text)
    agent = given.agent
    clock = Clock(sleep=lambda seconds: asyncio.sleep(0))
    brief = agent.brief()
    agent.brief = lambda: type(brief)(
        "", brief.tools, [READ], brief.context_window, brief.price, brief.limits
    )
    async with asyncio.timeout(240), OpenAICompatible(endpoint(server)) as model:
        agent.model = RetryingModel(model, given.events.append, attempts=2, clock=clock)
        with pytest.raises(RooError, match="peg-native") as failed:
            await run_turn(agent)
    assert failed.value.code == "provider_error"
    assert [retry.status for retry in given.of(Retrying)] == [500]
    assert [call.status for call in given.of(ToolCallUpdated)] == ["failed"] * 2
    assert (runs, agent.history.messages) == ([], [TASK])

    again = [*agent.history.messages, UserMessage(TASK.text)]
    assert (await told(server, *again, tool_choice="required"))[-1] == Finished("tool_calls")


async def test_an_overflow_says_how_much_it_has(server: str):
    with pytest.raises(ProviderError) as failed:
        await told(server, UserMessage("word " * 3000), tools=False)
    error = failed.value
    assert (error.code, error.status, error.window) == ("context_overflow", 400, CONTEXT)
    assert f"roo.model.contextWindow to {CONTEXT}" in error.hint


async def test_arguments_that_are_not_json_do_not_spoil_the_task(server: str):
    call = ToolCall("c1", "read_file", '{"path": ')
    function = {"name": call.name, "arguments": call.arguments}
    as_it_came = [
        {"role": "user", "content": TASK.text},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "It is not JSON."},
    ]
    status, _ = await get(server, "/v1/chat/completions", {"messages": as_it_came})
    assert status == 500, "what we must not send"

    history = [TASK, AssistantMessage("", (call,)), ToolMessage("c1", "It is not JSON.")]
    found = await told(server, *history, TASK, tool_choice="required")
    assert isinstance(found[-1], Finished)


async def test_over_responses_a_call_is_streamed_and_its_result_sent_back(server: str):
    first = await told(server, api="responses", tool_choice="required")
    fragments = [delta for delta in first if isinstance(delta, ToolCallFragment)]
    assert len(fragments) > 4, "it comes in pieces"
    assembly = Assembly()
    for delta in first:
        assembly.add(delta)
    answer = assembly.message()
    [call] = answer.calls
    assert (call.name, json.loads(call.arguments)) == ("read_file", {"path": "README.md"})
    assert first[-1] == Finished("tool_calls")
    [usage] = [delta for delta in first if isinstance(delta, Usage)]
    assert usage.input_tokens > 50

    history = [TASK, answer, ToolMessage(call.id, "1 | # The Grand Title")]
    second = await told(server, *history, api="responses", tool_choice="required")
    assert second[-1] == Finished("tool_calls"), "it is told to call"
    [used] = [delta for delta in second if isinstance(delta, Usage)]
    assert used.cache_read_tokens > 50, "the request began as the one before it"

    spoken = [*history, AssistantMessage("It is read."), UserMessage("Hi")]
    third = await told(server, *spoken, tools=False, api="responses", max_output_tokens=4)
    assert isinstance(third[0], TextDelta)
    assert isinstance(third[-1], Finished)


async def test_over_responses_an_answer_cut_by_the_limit_says_so(server: str):
    """llama.cpp itself calls it completed."""
    found = await told(
        server, UserMessage("Tell me a story"), tools=False, api="responses", max_output_tokens=4
    )
    assert found[-1] == Finished("length")


async def test_over_responses_its_failures_are_told_as_over_chat_completions(server: str):
    with pytest.raises(ProviderError) as failed:
        await told(server, UserMessage("word " * 3000), tools=False, api="responses")
    assert (failed.value.code, failed.value.window) == ("context_overflow", CONTEXT)
    with pytest.raises(ProviderError, match="peg-native") as failed:
        await told(server, api="responses")
    assert (failed.value.code, failed.value.status) == ("provider_error", 500)


async def test_hanging_up_frees_its_slot(server: str):
    request = ChatRequest("", [UserMessage("Tell me a story")])
    endless = endpoint(server, extra_body={"ignore_eos": True}, max_output_tokens=None)
    async with OpenAICompatible(endless) as model:
        async with aclosing(model.stream(request)) as stream:
            assert isinstance(await anext(stream), TextDelta)
            assert await _written(server) is not None
        while (written := await _written(server)) is not None:
            assert written < CONTEXT / 2, "it writes on until its context is full"


async def _written(server: str) -> int | None:
    """How many tokens it has written of the answer it is at; None when it is at none."""
    _, [slot] = await get(server, "/slots")
    return slot["next_token"][0]["n_decoded"] if slot["is_processing"] else None


async def test_another_models_name_is_answered_all_the_same(server: str):
    found = await told(server, tool_choice="required", model="gpt-4o")
    assert found[-1] == Finished("tool_calls")


async def test_without_a_models_name_its_only_model_is_used(server: str):
    found = await told(server, tool_choice="required", model="")
    assert found[-1] == Finished("tool_calls")


@pytest.mark.parametrize(
    ("tool_choice", "tool_call", "words"),
    [("auto", "failed", "peg-native"), ("required", "ok", "read_file was called in ")],
)
async def test_doctor_tells_what_works_and_what_does_not(
    server: str, tool_choice: str, tool_call: str, words: str
):
    checks = await probe(endpoint(server, tool_choice=tool_choice), lambda check: None)
    found = {check.name: check for check in checks}
    assert {name: check.status for name, check in found.items()} == {
        "connect": "ok",
        "key": "ok",
        "model": "ok",
        "stream": "ok",
        "tool_call": tool_call,
        "parallel": "failed",
        "tool_result": "ok",
        "usage": "ok",
        "images": "skipped",
    }
    assert f"a context of {CONTEXT} tokens" in found["model"].message
    assert words in found["tool_call"].message


async def test_doctor_says_that_another_models_name_is_not_listed(server: str):
    checks = await probe(endpoint(server, model="gpt-4o"), lambda check: None)
    [found] = [check for check in checks if check.name == "model"]
    assert "not in the endpoint's list" in found.message


async def test_local_discovery_finds_it_at_its_usual_port(server: str):
    port = urlsplit(server).port

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", port)
        to_server.write(await reader.readuntil(b"\r\n\r\n"))
        writer.write(await from_server.read())
        to_server.close()
        writer.close()

    try:
        usual = await asyncio.start_server(forward, "127.0.0.1", 8080)
    except OSError:
        pytest.skip("something else is at port 8080")
    async with usual:
        [found] = await discover({8080: PORTS[8080]}, within=60)
    assert (found.name, found.models) == ("llama.cpp", (MODEL,))
