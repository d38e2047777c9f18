"""The model behind an endpoint, over real sockets: what is sent, what comes of each answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.messages import (
    AssistantMessage,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import (
    ChatRequest,
    Delta,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolSpec,
    Usage,
)
from roo_lsp.providers import deadlines
from roo_lsp.providers.endpoint import Endpoint, Timeouts, Tls
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from tests.support.fake_openai import (
    WAIT,
    FakeOpenAI,
    Script,
    call,
    chunk,
    cut,
    deltas,
    events,
    paced,
    raw,
    reasoning,
    split,
    stalled,
    status,
    text,
)
from tests.support.passing import hurried, passing_time

KEY = "sk-canary-0123456789"
READ = ToolSpec(
    "read_file",
    "Read a file.",
    {
        "type": "object",
        "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)
HELLO = ChatRequest("Be brief.", [UserMessage("Hello")])
WITH_TOOLS = ChatRequest("Be brief.", [UserMessage("Hello")], [READ])


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's proxy is not a test's."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def endpoint(fake: FakeOpenAI, **settings: Any) -> Endpoint:
    given: dict[str, Any] = {"base_url": fake.base_url, "model": "m", "api_key": KEY}
    return Endpoint(**(given | settings))


async def told(
    fake: FakeOpenAI,
    script: Script | None = None,
    request: ChatRequest = HELLO,
    memory: Memory | None = None,
    **settings: Any,
) -> list[Delta]:
    """The deltas of one request."""
    if script is not None:
        fake.answers(script)
    async with asyncio.timeout(WAIT), OpenAICompatible(endpoint(fake, **settings), memory) as model:
        return [delta async for delta in model.stream(request)]


async def refused(fake: FakeOpenAI, script: Script | None = None, **settings: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await told(fake, script, **settings)
    assert KEY not in str(caught.value)
    return caught.value


async def sent(fake: FakeOpenAI, request: ChatRequest = HELLO, **settings: Any) -> dict[str, Any]:
    """The body of the request that is made."""
    await told(fake, text("ok"), request, **settings)
    return fake.chats[-1].json


# --- what is sent -------------------------------------------------------------------------------


async def test_nothing_is_sent_that_was_not_asked_for(fake: FakeOpenAI):
    assert await sent(fake) == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello"},
        ],
    }
    headers = fake.chats[-1].headers
    assert set(headers) == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "user-agent",
        "authorization",
    }
    assert headers["authorization"] == f"Bearer {KEY}"


async def test_what_is_set_is_sent(fake: FakeOpenAI):
    body = await sent(
        fake,
        WITH_TOOLS,
        temperature=0.2,
        top_p=0.9,
        seed=7,
        max_output_tokens=500,
        parallel_tool_calls=False,
        tool_choice="required",
        reasoning_effort="low",
        headers={"X-Team": "a", "User-Agent": "mine"},
        query={"tier": "b"},
        extra_body={"temperature": 1, "num_ctx": 8192},
    )
    assert body["max_completion_tokens"] == 500
    assert body["parallel_tool_calls"] is False
    assert body["tool_choice"] == "required"
    assert body["reasoning_effort"] == "low"
    assert (body["top_p"], body["seed"], body["num_ctx"]) == (0.9, 7, 8192)
    assert body["temperature"] == 1, "the user's extraBody wins"
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "read_file",
                "description": "Read a file.",
                "parameters": READ.parameters,
            },
        }
    ]
    request = fake.chats[-1]
    assert (request.headers["x-team"], request.headers["user-agent"]) == ("a", "mine")
    assert request.query == {"tier": "b"}


async def test_options_about_tools_go_only_with_tools(fake: FakeOpenAI):
    body = await sent(fake, HELLO, parallel_tool_calls=True, tool_choice="required")
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)


async def test_strict_tools_have_every_property_required_and_the_optional_ones_nullable(
    fake: FakeOpenAI,
):
    body = await sent(fake, WITH_TOOLS, strict_tools=True)
    function = body["tools"][0]["function"]
    assert function["strict"] is True
    assert function["parameters"] == {
        "type": "object",
        "properties": {"path": {"type": "string"}, "limit": {"type": ["integer", "null"]}},
        "required": ["path", "limit"],
        "additionalProperties": False,
    }


async def test_without_a_key_there_is_no_authorization(fake: FakeOpenAI):
    await sent(fake, api_key=None)
    assert "authorization" not in fake.chats[-1].headers


async def test_blanks_around_a_key_and_headers_are_not_theirs(fake: FakeOpenAI):
    await sent(fake, api_key=f" {KEY}\r\n", headers={" X-Team ": "\tblue \n"})
    headers = fake.chats[-1].headers
    assert (headers["authorization"], headers["x-team"]) == (f"Bearer {KEY}", "blue")
    await sent(fake, api_key="\n")
    assert "authorization" not in fake.chats[-1].headers


async def test_a_users_own_authorization_header_wins(fake: FakeOpenAI):
    await sent(fake, headers={"authorization": "Basic abc"})
    assert fake.chats[-1].headers["authorization"] == "Basic abc"


async def test_the_environment_of_the_sdk_has_no_effect(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
):
    async with FakeOpenAI() as other:
        monkeypatch.setenv("OPENAI_BASE_URL", other.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
        monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
        monkeypatch.setenv("OPENAI_ORG_ID", "org")
        monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Evil: 1\nAuthorization: Bearer evil")
        await sent(fake, api_key=None)
        headers = fake.chats[-1].headers
        assert not {"authorization", "x-evil", "openai-organization", "openai-project"} & set(
            headers
        )
        assert other.requests == []


async def test_an_environments_proxy_is_not_used_for_loopback(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
):
    async with FakeOpenAI() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.origin)
        await sent(fake)
        assert proxy.connections == 0


async def test_the_proxy_that_is_set_is_used(fake: FakeOpenAI):
    fake.answers(text("through the proxy"))
    settings = Endpoint("http://model.invalid/v1", "m", KEY, proxy=fake.origin)
    async with OpenAICompatible(settings) as model:
        assert TextDelta("through the proxy") in [d async for d in model.stream(HELLO)]


async def test_a_redirect_is_not_followed_and_said(fake: FakeOpenAI):
    async with FakeOpenAI() as other:
        error = await refused(
            fake, status(307, {}, {"Location": f"{other.base_url}/chat/completions"})
        )
        assert (error.code, error.retryable) == ("connection_failed", False)
        assert other.origin in error.message
        assert other.requests == []


async def test_azure_has_its_own_address_and_key_header(fake: FakeOpenAI):
    for base in (fake.origin, f"{fake.origin}/openai", f"{fake.origin}/openai/v1/"):
        await sent(fake, base_url=base, model="dep", azure_api_version="2024-10-21")
        request = fake.chats[-1]
        assert request.path == "/openai/deployments/dep/chat/completions"
        assert request.query == {"api-version": "2024-10-21"}
        assert request.headers["api-key"] == KEY
        assert "authorization" not in request.headers


async def test_history_goes_out_in_wire_form(fake: FakeOpenAI):
    history = [
        UserMessage("Look", (Image("image/png", "QUJD"),)),
        AssistantMessage("", (ToolCall("c1", "read_file", '{"path": "a"}'),)),
        ToolMessage("c1", ""),
        AssistantMessage("I see."),
        AssistantMessage(),
    ]
    body = await sent(fake, ChatRequest("", history), supports_images=True)
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "read_file", "arguments": '{"path": "a"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "(empty)"},
        {"role": "assistant", "content": "I see."},
        {"role": "assistant", "content": ""},
    ]


async def test_images_are_left_out_for_a_model_that_takes_none(fake: FakeOpenAI):
    history = [UserMessage("Look", (Image("image/png", "QUJD"),))]
    content = (await sent(fake, ChatRequest("", history)))["messages"][0]["content"]
    assert content.startswith("Look")
    assert "QUJD" not in content


async def test_reasoning_goes_back_inside_the_turn_under_the_name_it_came_in(fake: FakeOpenAI):
    old = AssistantMessage("Hi", (), "old thought", "reasoning")
    now = AssistantMessage("", (ToolCall("c", "t", "{}"),), "thought", "reasoning_content")
    history = [UserMessage("a"), old, UserMessage("b"), now, ToolMessage("c", "x")]
    messages = (await sent(fake, ChatRequest("", history)))["messages"]
    assert "reasoning" not in messages[1]
    assert messages[3]["reasoning_content"] == "thought"
    never = (await sent(fake, ChatRequest("", history), replay_reasoning="never"))["messages"]
    assert "reasoning_content" not in never[3]


async def test_text_that_is_not_unicode_is_sent_all_the_same(fake: FakeOpenAI):
    body = await sent(fake, ChatRequest("", [UserMessage("a\ud800b")]))
    assert body["messages"][0]["content"] == "a?b"


async def test_requests_share_a_connection_and_their_beginning(fake: FakeOpenAI):
    """The beginning is what endpoints cache prompts by."""
    fake.always(text("ok"))
    history: list[Message] = [UserMessage("Hello")]
    async with OpenAICompatible(endpoint(fake)) as model:
        for _ in range(3):
            async for _ in model.stream(ChatRequest("s", history)):
                pass
            history += [AssistantMessage("ok"), UserMessage("more")]
    first, second, third = (request.body.removesuffix(b"]}") for request in fake.chats)
    assert third.startswith(second)
    assert second.startswith(first)
    assert fake.connections == 1


# --- fields that an endpoint refuses ------------------------------------------------------------

OPENAI_STYLE = "Unsupported parameter: '{}' is not supported with this model."
VLLM_STYLE = "[{{'type': 'extra_forbidden', 'loc': ('body', '{}'), 'msg': 'Extra inputs are not permitted'}}]"


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("stream_options", {}),
        ("parallel_tool_calls", {"parallel_tool_calls": True}),
        ("reasoning_effort", {"reasoning_effort": "low"}),
        ("max_completion_tokens", {"max_output_tokens": 9}),
        ("temperature", {"temperature": 0.1}),
        ("strict", {"strict_tools": True}),
    ],
)
@pytest.mark.parametrize("words", [OPENAI_STYLE, VLLM_STYLE])
async def test_a_refused_field_is_left_out_and_not_tried_again(
    fake: FakeOpenAI, name: str, settings: dict[str, Any], words: str
):
    refusal = status(400, {"error": {"message": words.format(name), "code": 400}})
    fake.answers(refusal, text("ok"), text("ok"))
    memory = Memory()
    for _ in range(2):
        assert TextDelta("ok") in await told(fake, None, WITH_TOOLS, memory, **settings)
    first, second, third = (request.body for request in fake.chats)
    assert f'"{name}":'.encode() in first
    assert f'"{name}":'.encode() not in second + third
    if name == "max_completion_tokens":
        assert json.loads(third)["max_tokens"] == 9


async def test_two_refused_fields_are_both_left_out(fake: FakeOpenAI):
    fake.answers(
        status(400, {"detail": "Unknown field: stream_options"}),
        status(422, {"detail": "Unknown field: reasoning_effort"}),
        text("ok"),
    )
    assert TextDelta("ok") in await told(fake, None, reasoning_effort="low")


async def test_reasoning_that_is_refused_is_not_replayed(fake: FakeOpenAI):
    """Groq sends `reasoning` and refuses it back."""
    history = [
        UserMessage("a"),
        AssistantMessage("b", (), "hm", "reasoning"),
        ToolMessage("c", "d"),
    ]
    fake.answers(
        status(400, {"error": {"message": "'messages.1': property 'reasoning' is unsupported"}}),
        text("ok"),
    )
    await told(fake, None, ChatRequest("", history))
    assert b"hm" in fake.chats[0].body
    assert b"hm" not in fake.chats[1].body


async def test_a_field_that_the_user_chose_by_name_is_not_changed(fake: FakeOpenAI):
    error = await refused(
        fake,
        status(400, {"error": {"message": OPENAI_STYLE.format("max_completion_tokens")}}),
        max_output_tokens=9,
        max_tokens_field="max_completion_tokens",
    )
    assert (error.code, len(fake.chats)) == ("provider_error", 1)


async def test_a_refusal_that_stays_is_told_and_not_remembered(fake: FakeOpenAI):
    no = status(400, {"error": {"message": OPENAI_STYLE.format("stream_options")}})
    fake.answers(no, no)
    memory = Memory()
    assert (await refused(fake, memory=memory)).code == "provider_error"
    await told(fake, text("ok"), memory=memory)
    assert "stream_options" in fake.chats[-1].json


# --- what comes back ----------------------------------------------------------------------------


def calls_of(found: list[Delta]) -> list[tuple[str, str]]:
    assembly = Assembly()
    for delta in found:
        assembly.add(delta)
    return [(c.name, c.arguments) for c in assembly.message().calls]


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_answer_is_the_same_streamed_or_whole(fake: FakeOpenAI, streaming: bool):
    script = (
        reasoning("Hm.")
        + text("I look.")
        + call("read_file", {"path": "a"}, id="c1")
        + call("read_file", {"path": "b"}, id="c2")
    )
    found = await told(fake, script.using(100, 20, cached=80), WITH_TOOLS, streaming=streaming)
    assert ReasoningDelta("Hm.", "reasoning_content") in found
    assert TextDelta("I look.") in found
    assert calls_of(found) == [("read_file", '{"path": "a"}'), ("read_file", '{"path": "b"}')]
    assert found[-2:] == [Usage(100, 20, 80), Finished("tool_calls")]
    assert fake.chats[-1].json["stream"] is streaming


async def test_any_split_of_the_bytes_gives_the_same(fake: FakeOpenAI):
    script = text("Grüße, 世界 🎈", pieces=3) + call("read_file", {"path": "ä"}, id="c", pieces=4)
    expected = await told(fake, script)
    for size in (1, 2, 7, 64):
        assert await told(fake, split(script, size)) == expected


async def test_llama_cpp_sends_a_role_first_and_usage_with_no_choices(fake: FakeOpenAI):
    found = await told(
        fake,
        events(
            chunk({"role": "assistant", "content": None}),
            chunk({"content": "Hi"}),
            chunk({}, "stop"),
            {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
            "[DONE]",
        ),
    )
    assert found == [TextDelta("Hi"), Usage(5, 2), Finished("stop")]


async def test_usage_in_every_chunk_counts_once_the_last(fake: FakeOpenAI):
    first = chunk({"content": "a"}) | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}}
    last = chunk({}, "stop") | {"usage": {"prompt_tokens": 5, "completion_tokens": 9}}
    found = await told(fake, events(first, last, "[DONE]"))
    assert found == [TextDelta("a"), Usage(5, 9), Finished("stop")]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None}, Usage(9, 1)),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4},  # DeepSeek
            Usage(9, 1, 4),
        ),
        (
            {  # LiteLLM in front of Anthropic
                "prompt_tokens": 9,
                "completion_tokens": 1,
                "cache_read_input_tokens": 4,
                "cache_creation_input_tokens": 2,
            },
            Usage(9, 1, 4, 2),
        ),
        (
            {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 6},  # Anthropic
            Usage(9, 1, 6),
        ),
        (  # Gemini and xAI: thinking stands in the total alone
            {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 52},
            Usage(10, 42),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
            Usage(10, 2),
        ),
        ({"prompt_tokens": None, "completion_tokens": "x"}, Usage()),
    ],
)
async def test_usage_is_read_in_every_spelling(
    fake: FakeOpenAI, usage: dict[str, Any], expected: Usage
):
    found = await told(fake, events(chunk({}, "stop") | {"usage": usage}))
    assert found == [expected, Finished("stop")]


async def test_nulls_and_oddities_are_no_trouble(fake: FakeOpenAI):
    found = await told(
        fake,
        events(
            {"choices": None},
            {"choices": [{"delta": None}]},
            chunk({"content": None, "tool_calls": None}),
            '"ping"',
            "ping",
            {"type": "ping"},
            " ",
            chunk({"content": "ok"}),
            {"choices": [{"index": 0, "delta": {}, "finish_reason": ""}]},
            chunk({}, "stop"),
            " [DONE] ",
            chunk({"content": "after the end"}),
        ),
    )
    assert found == [TextDelta("ok"), Finished("stop")]


async def test_reasoning_under_both_names_is_told_once(fake: FakeOpenAI):
    """vLLM since 0.11 says `reasoning`, before `reasoning_content`; some proxies say both."""
    found = await told(
        fake, deltas({"reasoning": "a"}, {"reasoning": "b", "reasoning_content": "b"})
    )
    assert found[:-1] == [
        ReasoningDelta("a", "reasoning"),
        ReasoningDelta("b", "reasoning_content"),
    ]


async def test_mistral_sends_content_in_parts(fake: FakeOpenAI):
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hi"},
    ]
    assert (await told(fake, deltas({"content": parts})))[:-1] == [
        ReasoningDelta("hm"),
        TextDelta("Hi"),
    ]


@pytest.mark.parametrize(
    "fragments",
    [
        # Ollama: whole calls, index always 0, ids its own
        [
            {"index": 0, "id": "x", "function": {"name": "t", "arguments": '{"a":1}'}},
            {"index": 0, "id": "y", "function": {"name": "t", "arguments": '{"a":2}'}},
        ],
        # Gemini: no index, empty ids
        [
            {"id": "", "function": {"name": "t", "arguments": '{"a":1}'}},
            {"id": "", "function": {"name": "t", "arguments": '{"a":2}'}},
        ],
        # objects as arguments, ids as numbers, index in digits
        [
            {"index": "0", "id": 1, "function": {"name": "t", "arguments": {"a": 1}}},
            {"index": "1", "id": 2, "function": {"name": "t", "arguments": {"a": 2}}},
        ],
    ],
)
async def test_calls_in_odd_shapes_arrive_whole(fake: FakeOpenAI, fragments: list[Any]):
    found = await told(fake, deltas(*({"tool_calls": [f]} for f in fragments)))
    assert [(n, json.loads(a)) for n, a in calls_of(found)] == [("t", {"a": 1}), ("t", {"a": 2})]


async def test_the_legacy_function_call_is_a_call(fake: FakeOpenAI):
    script = deltas(
        {"function_call": {"name": "t", "arguments": ""}},
        {"function_call": {"arguments": '{"a":'}},
        {"function_call": {"arguments": "1}"}},
    ).ending("function_call")
    found = await told(fake, script)
    assert calls_of(found) == [("t", '{"a":1}')]
    assert found[-1] == Finished("tool_calls")


async def test_an_emoji_cut_in_two_surrogates_is_made_whole(fake: FakeOpenAI):
    """Servers in JavaScript cut strings between UTF-16 units."""
    payloads = [json.dumps(chunk({"content": half})) for half in ("a\ud83c", "\udf88b")]
    found = await told(fake, events(*payloads, chunk({}, "stop")))
    assert "".join(d.text for d in found if isinstance(d, TextDelta)) == "a🎈b"


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_a_whole_json_answer_to_a_streamed_request_is_taken(fake: FakeOpenAI, kind: str):
    body = json.dumps(
        {
            "choices": [
                {
                    "message": {
                        "content": "Hi",
                        "tool_calls": [{"function": {"name": "t", "arguments": "{}"}}] * 2,
                    }
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        },
        indent=2,
    ).encode()
    found = await told(fake, raw(body[:50], body[50:], content_type=kind))
    assert TextDelta("Hi") in found
    assert calls_of(found) == [("t", "{}"), ("t", "{}")]
    assert found[-2:] == [Usage(1, 2), Finished("tool_calls")]


async def test_json_a_line_is_taken_as_a_stream(fake: FakeOpenAI):
    lines = [
        json.dumps(each).encode() + b"\n" for each in (chunk({"content": "Hi"}), chunk({}, "stop"))
    ]
    found = await told(fake, raw(*lines, content_type="application/x-ndjson"))
    assert found == [TextDelta("Hi"), Finished("stop")]


# --- answers that are errors --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/plain"])
async def test_a_web_page_is_an_error_that_says_so(fake: FakeOpenAI, kind: str):
    error = await refused(fake, raw(b"<!doctype html><p>Sign in", content_type=kind))
    assert (error.code, error.retryable) == ("provider_error", False)
    assert "HTML" in error.message
    assert "roo.provider.baseUrl" in error.hint


@pytest.mark.parametrize(
    ("payload", "status_", "words"),
    [
        (
            {"error": {"code": 500, "message": "peg-native format", "type": "server_error"}},
            500,
            "peg",
        ),
        ({"error": "upstream died"}, None, "upstream died"),
        ({"object": "error", "message": "CUDA out of memory", "code": 503}, 503, "CUDA"),  # vLLM
        (
            {"base_resp": {"status_code": 1002, "status_msg": "too busy"}},
            None,
            "too busy",
        ),  # MiniMax
        (
            {"choices": [{"finish_reason": "error", "error": {"code": 502, "message": "bad"}}]},
            502,
            "bad",
        ),  # OpenRouter
    ],
)
async def test_an_error_inside_the_stream_is_told_in_its_own_words(
    fake: FakeOpenAI, payload: Any, status_: int | None, words: str
):
    error = await refused(fake, events(chunk({"content": "Hi"}), payload))
    assert (error.code, error.status, error.retryable) == ("provider_error", status_, True)
    assert words in error.message


async def test_a_json_error_with_status_200_is_an_error(fake: FakeOpenAI):
    error = await refused(fake, status(200, {"error": {"message": "no such model: m"}}))
    assert error.code == "model_not_found"
    assert "said nothing" in (await refused(fake, status(200, {"detail": "said nothing"}))).message


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_a_cut_stream_is_broken_wherever_it_is_cut(fake: FakeOpenAI, after: int):
    error = await refused(fake, cut(text("Hello", pieces=2), after))
    assert (error.code, error.retryable) == ("stream_broken", True)


@pytest.mark.parametrize("done", [[], ["[DONE]"]])
async def test_a_stream_without_a_finish_reason_is_broken(fake: FakeOpenAI, done: list[str]):
    """LiteLLM ends a stream in order when the server behind it was cut off."""
    error = await refused(fake, events(chunk({"content": "Hi"}), *done))
    assert error.code == "stream_broken"


async def test_an_empty_body_is_broken(fake: FakeOpenAI):
    assert (await refused(fake, raw())).code == "stream_broken"


async def test_a_piece_that_is_not_json_breaks_the_answer(fake: FakeOpenAI):
    error = await refused(
        fake, events(chunk({"content": "a"}), '{"choices": [{', chunk({}, "stop"))
    )
    assert (error.code, error.retryable) == ("stream_broken", True)


async def test_what_breaks_after_the_finish_reason_does_no_harm(fake: FakeOpenAI):
    complete = [TextDelta("Hi"), Finished("stop")]
    assert await told(fake, cut(text("Hi"), 3)) == complete
    late = events(chunk({"content": "Hi"}), chunk({}, "stop"), {"error": "too late"})
    assert await told(fake, late) == complete


async def test_a_refused_connection_names_the_address(fake: FakeOpenAI):
    async with FakeOpenAI() as gone:
        address = gone.base_url
    error = await refused(fake, base_url=address)
    assert (error.code, error.retryable) == ("connection_failed", True)
    assert address.split("/")[2] in error.message
    assert "refused" in error.message


async def test_tls_to_a_plain_server_says_so(fake: FakeOpenAI):
    error = await refused(fake, base_url=fake.base_url.replace("http", "https"))
    assert (error.code, error.retryable) == ("connection_failed", False)
    assert "TLS" in error.message


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "localhost:11434/v1"},
        {"base_url": ""},
        {"api_key": "schlüssel"},
        {"api_key": "sk-1\nsk-2"},
        {"headers": {"X-A": "b\r\nc: d"}},
        {"tls": Tls(ca_file="/nowhere.pem")},
    ],
)
async def test_settings_that_cannot_work_are_told_before_anything_is_sent(
    fake: FakeOpenAI, settings: dict[str, Any]
):
    error = await refused(fake, **settings)
    assert error.code == "settings_invalid"
    assert "roo.provider" in error.message + error.hint


async def test_without_a_model_the_only_one_is_used(fake: FakeOpenAI):
    fake.models = ["only-one"]
    assert (await sent(fake, model=""))["model"] == "only-one"
    fake.models = ["a", "b"]
    error = await refused(fake, model="")
    assert error.code == "model_not_found"
    assert "a, b" in error.message


# --- time and hanging up ------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [[], [b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n']])
async def test_comments_are_signs_of_life_but_not_for_ever(fake: FakeOpenAI, begin: list[bytes]):
    """OpenRouter sends `: OPENROUTER PROCESSING` while it waits."""
    dripping = paced(raw(*begin, *[b": PROCESSING\n\n"] * 400), 0.01)
    limits = Timeouts(first_token=20, idle=10)
    error = await hurried(refused(fake, dripping, timeouts=limits))
    assert "roo.provider.timeouts.firstToken" in error.hint


async def test_a_slow_reader_is_not_taken_for_a_slow_endpoint(fake: FakeOpenAI):
    fake.answers(text("abc", pieces=3))
    limits, pass_time = Timeouts(first_token=20, idle=20), passing_time()
    found: list[Delta] = []
    async with OpenAICompatible(endpoint(fake, timeouts=limits)) as model:
        async for delta in model.stream(HELLO):
            found.append(delta)
            pass_time(15)
            await asyncio.sleep(0)
    assert found == [TextDelta("a"), TextDelta("b"), TextDelta("c"), Finished("stop")]


async def test_an_answer_that_is_whole_needs_no_end(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deadlines, "AFTER_FINISH", 0.05)
    found = await told(fake, stalled(text("Hi"), 3))
    assert found == [TextDelta("Hi"), Finished("stop")]


async def test_the_key_is_in_no_repr(fake: FakeOpenAI):
    settings = endpoint(fake, headers={"X-Api-Key": KEY}, query={"key": KEY})
    assert KEY not in repr(settings)


async def test_a_key_that_the_endpoint_echoes_is_not_shown(fake: FakeOpenAI):
    error = await refused(
        fake, status(401, {"error": {"message": f"Incorrect API key provided: {KEY}."}})
    )
    assert error.code == "invalid_api_key"
    assert "Incorrect API key" in error.message
