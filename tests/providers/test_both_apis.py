"""What is the same over chat completions and over the Responses API: each scenario over both wires."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import pytest

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.events import AgentEvent, Retrying
from roo_lsp.agent.messages import (
    AssistantMessage,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import (
    AskedAgain,
    ChatRequest,
    Delta,
    Finished,
    Restarted,
    TextDelta,
    ToolSpec,
    Usage,
)
from roo_lsp.providers.endpoint import Endpoint, Timeouts
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.retrying import Clock, RetryingModel
from tests.support.fake_openai import (
    WAIT,
    Answer,
    FakeOpenAI,
    Reply,
    Script,
    call,
    cut,
    gated,
    hang,
    raw,
    reasoning,
    split,
    stalled,
    status,
    text,
)
from tests.support.passing import passing_time

KEY = "sk-canary-0123456789"
READ = ToolSpec(
    "read_file",
    "Read a file.",
    {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
)
HELLO: Sequence[Message] = [UserMessage("Hello")]
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
BEGUN = {"chat": 2, "responses": 3}
"""The events until the first of two pieces of text has been sent."""


@pytest.fixture(params=PATHS)
def api(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


def on_the_wire(answer: Answer, api: str) -> Reply:
    """A scripted answer as the API streams it, to be cut, stalled or split."""
    return answer.reply(streamed=True, responses=api == "responses")


def endpoint(fake: FakeOpenAI, api: str, **settings: Any) -> Endpoint:
    given: dict[str, Any] = {"base_url": fake.base_url, "model": "m", "api_key": KEY, "api": api}
    return Endpoint(**(given | settings))


async def told(
    fake: FakeOpenAI,
    api: str,
    *scripts: Script,
    messages: Sequence[Message] = HELLO,
    memory: Memory | None = None,
    **settings: Any,
) -> list[Delta]:
    """The deltas of one request."""
    fake.answers(*scripts)
    model = OpenAICompatible(endpoint(fake, api, **settings), memory)
    async with asyncio.timeout(WAIT), model:
        request = ChatRequest("Be brief.", messages, [READ])
        found = [delta async for delta in model.stream(request)]
    assert {request.path for request in fake.chats} == {PATHS[api]}
    return found


async def refused(fake: FakeOpenAI, api: str, *scripts: Script, **settings: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await told(fake, api, *scripts, **settings)
    assert KEY not in str(caught.value)
    return caught.value


def assembled(deltas: Sequence[Delta]) -> AssistantMessage:
    assembly = Assembly(tools=["read_file"])
    for delta in deltas:
        assembly.add(delta)
    return assembly.message()


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
async def test_reasoning_text_parallel_calls_and_usage_are_the_same_streamed_or_whole(
    fake: FakeOpenAI, api: str, streaming: bool
):
    script = (
        reasoning("Hm, ", pieces=2)
        + text("I look.", pieces=3)
        + call("read_file", {"path": "a"}, id="c1", pieces=4)
        + call("read_file", {"path": "ä"}, id="c2")
    )
    found = await told(fake, api, script.using(100, 20, cached=80), streaming=streaming)
    answer = assembled(found)
    assert (answer.reasoning, answer.text) == ("Hm, ", "I look.")
    assert [(each.id, json.loads(each.arguments)) for each in answer.calls] == [
        ("c1", {"path": "a"}),
        ("c2", {"path": "ä"}),
    ]
    assert found[-2:] == [Usage(100, 20, 80), Finished("tool_calls")]
    assert fake.chats[0].json["stream"] is streaming


@pytest.mark.parametrize("size", [1, 7])
async def test_any_split_of_the_bytes_gives_the_same(fake: FakeOpenAI, api: str, size: int):
    script = text("Grüße, 世界 🎈", pieces=3) + call("read_file", {"path": "ä"}, id="c", pieces=4)
    whole = assembled(await told(fake, api, script))
    assert assembled(await told(fake, api, split(on_the_wire(script, api), size))) == whole
    assert whole.text == "Grüße, 世界 🎈"


@pytest.mark.parametrize("cut_off", [text("Half a"), call("read_file", '{"path": "a', id="c")])
async def test_an_answer_that_the_limit_cut_off_says_so(
    fake: FakeOpenAI, api: str, cut_off: Answer
):
    found = await told(fake, api, cut_off.ending("length"), max_output_tokens=9)
    assert found[-1] == Finished("length")
    named = "max_output_tokens" if api == "responses" else "max_completion_tokens"
    assert fake.chats[0].json[named] == 9


async def test_deltas_come_as_they_are_sent(fake: FakeOpenAI, api: str):
    gate = asyncio.Event()
    fake.answers(gated(on_the_wire(text("ab", pieces=2), api), gate, after=BEGUN[api]))
    async with (
        asyncio.timeout(WAIT),
        OpenAICompatible(endpoint(fake, api)) as model,
        aclosing(model.stream(ChatRequest("", HELLO))) as stream,
    ):
        assert await anext(stream) == TextDelta("a")
        gate.set()
        assert await anext(stream) == TextDelta("b")


async def test_a_result_goes_back_by_the_id_of_its_call(fake: FakeOpenAI, api: str):
    answer = assembled(await told(fake, api, call("read_file", {"path": "a"}, id="c1")))
    await told(fake, api, text("ok"), messages=[*HELLO, answer, ToolMessage("c1", "text of a")])
    body = fake.chats[-1].json
    if api == "responses":
        made, result = body["input"][-2:]
        assert (made["call_id"], result["call_id"]) == ("c1", "c1")
        assert result["output"] == "text of a"
    else:
        made, result = body["messages"][-2:]
        assert (made["tool_calls"][0]["id"], result["tool_call_id"]) == ("c1", "c1")
        assert result["content"] == "text of a"


@pytest.mark.parametrize("broken", ["", "{", "[1]", "null", "[" * 100_000])
async def test_arguments_that_are_no_object_are_never_sent_back(
    fake: FakeOpenAI, api: str, broken: str
):
    history = [
        *HELLO,
        AssistantMessage("", (ToolCall("c1", "read_file", broken),)),
        ToolMessage("c1", "x"),
    ]
    await told(fake, api, text("ok"), messages=history)
    body = fake.chats[0].json
    made = (
        body["input"][-2]
        if api == "responses"
        else body["messages"][-2]["tool_calls"][0]["function"]
    )
    assert made["arguments"] == "{}"


# --- images -------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [True, False])
async def test_images_go_only_to_a_model_that_takes_them(fake: FakeOpenAI, api: str, taken: bool):
    look = [UserMessage("Look", (Image("image/png", "QUJD"),))]
    await told(fake, api, text("ok"), messages=look, supports_images=taken)
    assert (b"data:image/png;base64,QUJD" in fake.chats[0].body) is taken


async def test_a_model_that_takes_no_images_is_never_sent_another(fake: FakeOpenAI, api: str):
    no = status(400, {"error": {"message": "This model does not support image input."}})
    fake.always(lambda request: no if b"base64," in request.body else text("ok"))
    look, memory = [UserMessage("Look", (Image("image/png", "QUJD"),))], Memory()
    for _ in range(2):
        found = await told(fake, api, messages=look, memory=memory, supports_images=True)
        assert TextDelta("ok") in found
    assert [b"base64," in request.body for request in fake.chats] == [True, False, False]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("temperature", {"temperature": 0.1}),
        ("top_p", {"top_p": 0.5}),
        ("parallel_tool_calls", {"parallel_tool_calls": True}),
    ],
)
async def test_a_refused_field_is_left_out_and_that_is_remembered(
    fake: FakeOpenAI, api: str, name: str, settings: dict[str, Any]
):
    words = f"Unsupported parameter: '{name}' is not supported with this model."
    memory = Memory()
    no = status(400, {"error": {"message": words}})
    first = await told(fake, api, no, text("ok"), memory=memory, **settings)
    assert [type(each) for each in first].count(AskedAgain) <= 1
    assert TextDelta("ok") in await told(fake, api, text("ok"), memory=memory, **settings)
    assert [name in request.json for request in fake.chats] == [True, False, False]


ERRORS: dict[str, tuple[int, Any, str, bool]] = {
    "a wrong key": (401, {"message": f"Incorrect API key: {KEY}."}, "invalid_api_key", False),
    "no permission": (403, {"message": "No."}, "invalid_api_key", False),
    "no credit": (429, {"code": "insufficient_quota", "message": "Pay."}, "rate_limited", False),
    "too often": (429, {"message": "Slow down"}, "rate_limited", True),
    "no such model": (404, {"code": "model_not_found", "message": "no"}, "model_not_found", False),
    "a server that fails": (503, {"message": "Loading model"}, "provider_error", True),
    "too long a request": (
        400,
        {"code": "context_length_exceeded", "message": "maximum context length is 4096 tokens"},
        "context_overflow",
        False,
    ),
}


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_has_the_same_code_and_may_pass_or_not(
    fake: FakeOpenAI, api: str, name: str
):
    code, body, expected, again = ERRORS[name]
    error = await refused(fake, api, status(code, {"error": body}))
    assert (error.code, error.status, error.retryable) == (expected, code, again)
    assert error.hint
    assert len(fake.chats) == 1
    if expected == "context_overflow":
        assert error.window == 4096


# --- what is tried again ------------------------------------------------------------------------


class Waits:
    """A clock that does not wait, and keeps what it was asked to."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


async def retried(
    fake: FakeOpenAI, api: str, *scripts: Script
) -> tuple[list[Delta], list[AgentEvent], list[float]]:
    fake.answers(*scripts)
    waits, events, found = Waits(), list[AgentEvent](), list[Delta]()
    async with asyncio.timeout(WAIT), OpenAICompatible(endpoint(fake, api)) as inner:
        clock = Clock(sleep=waits.sleep, chance=lambda: 1.0)
        model = RetryingModel(inner, events.append, attempts=3, clock=clock)
        with suppress(ProviderError):
            async for delta in model.stream(ChatRequest("", HELLO)):
                found.append(delta)
    return found, events, waits.slept


@pytest.mark.parametrize(
    ("headers", "words", "seconds"),
    [
        ({"Retry-After": "7"}, "Slow down", 7),
        ({"Retry-After-Ms": "1500", "Retry-After": "9"}, "Slow down", 1.5),
        ({}, "Please try again in 12.5s.", 12.5),
        ({}, "Slow down", 0.5),
    ],
)
async def test_the_endpoints_wait_is_kept(
    fake: FakeOpenAI, api: str, headers: dict[str, str], words: str, seconds: float
):
    limited = status(429, {"error": {"message": words}}, headers)
    found, events, slept = await retried(fake, api, limited, text("ok"))
    assert found == [TextDelta("ok"), Finished("stop")]
    assert slept == [seconds]
    assert [each.status for each in events if isinstance(each, Retrying)] == [429]


@pytest.mark.parametrize("code", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_what_may_pass_is_asked_again(fake: FakeOpenAI, api: str, code: int):
    found, _, _ = await retried(fake, api, status(code), text("ok"))
    assert TextDelta("ok") in found
    assert len(fake.chats) == 2


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 422, 501])
async def test_what_cannot_pass_is_asked_once(fake: FakeOpenAI, api: str, code: int):
    assert (await retried(fake, api, status(code), text("ok")))[0] == []
    assert len(fake.chats) == 1


async def test_what_was_streamed_before_it_broke_is_void(fake: FakeOpenAI, api: str):
    half = cut(on_the_wire(text("half", pieces=2), api), BEGUN[api])
    found, _, _ = await retried(fake, api, half, text("ok"))
    assert found == [TextDelta("ha"), Restarted(), TextDelta("ok"), Finished("stop")]


@pytest.mark.parametrize("kind", ["ends without a reason", "is empty"])
async def test_an_answer_that_is_not_whole_is_asked_for_as_often_as_there_are_attempts(
    fake: FakeOpenAI, api: str, kind: str
):
    fake.always(raw() if kind == "is empty" else text("half").ending(None))
    found, events, _ = await retried(fake, api)
    assert Finished("stop") not in found
    assert len(fake.chats) == 3
    assert len(events) == 2


# --- time and hanging up ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "limits", "name"),
    [
        ("hangs", Timeouts(first_token=20), "firstToken"),
        ("begins without words", Timeouts(first_token=20), "firstToken"),
        ("stalls", Timeouts(idle=20), "idle"),
        ("hangs", Timeouts(total=20), "total"),
        ("stalls", Timeouts(total=20, idle=0), "total"),
    ],
)
async def test_each_limit_ends_the_wait_and_names_its_setting(
    fake: FakeOpenAI, api: str, kind: str, limits: Timeouts, name: str
):
    words = on_the_wire(text("ab", pieces=2), api)
    scripts = {
        "hangs": hang(),
        "begins without words": stalled(words, 1),
        "stalls": stalled(words, BEGUN[api]),
    }
    fake.answers(scripts[kind])
    pass_time, heard = passing_time(), asyncio.Event()

    async def read() -> None:
        async with OpenAICompatible(endpoint(fake, api, timeouts=limits)) as model:
            async for _ in model.stream(ChatRequest("", HELLO)):
                heard.set()

    reading = asyncio.create_task(read())
    async with asyncio.timeout(WAIT):
        await (heard.wait() if kind == "stalls" else fake.chat(1))
        pass_time(20)
        with pytest.raises(ProviderError) as caught:
            await reading
    assert (caught.value.code, caught.value.retryable) == ("timeout", True)
    assert f"roo.provider.timeouts.{name}" in caught.value.hint
    await fake.hung_up


@pytest.mark.parametrize("after", [None, 1, 3])
async def test_cancelling_hangs_up_wherever_the_stream_is(
    fake: FakeOpenAI, api: str, after: int | None
):
    words = on_the_wire(text("Hello", pieces=2), api)
    fake.answers(hang() if after is None else stalled(words, after))
    async with OpenAICompatible(endpoint(fake, api)) as model:

        async def read() -> None:
            async for _ in model.stream(ChatRequest("", HELLO)):
                pass

        task = asyncio.create_task(read())
        await fake.chat(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await fake.hung_up


async def test_leaving_the_stream_hangs_up(fake: FakeOpenAI, api: str):
    fake.answers(stalled(on_the_wire(text("Hello", pieces=2), api), BEGUN[api]))
    async with OpenAICompatible(endpoint(fake, api)) as model:
        async with aclosing(model.stream(ChatRequest("", HELLO))) as stream:
            assert await anext(stream) == TextDelta("Hel")
        await fake.hung_up


@pytest.mark.parametrize("code", [301, 307])
async def test_a_key_never_follows_a_redirect(fake: FakeOpenAI, api: str, code: int):
    async with FakeOpenAI() as other:
        there = {"Location": f"{other.origin}{PATHS[api]}"}
        error = await refused(fake, api, status(code, {}, there))
        assert (error.code, error.retryable) == ("connection_failed", False)
        assert other.requests == []
