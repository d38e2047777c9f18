"""The Responses API: what endpoints send over it, what is sent to them, and when it is used."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import AsyncOpenAI
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

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
    AskedAgain,
    ChatRequest,
    Delta,
    Finished,
    ReasoningDetails,
    TextDelta,
    ToolSpec,
    Usage,
)
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.responses_answers import ResponsesReader
from roo_lsp.providers.sse import BodyReader
from tests.providers.responses_quirks import (
    QUIRKS,
    A,
    Quirk,
    done,
    ends,
    fcall,
    message,
    stream,
    thought,
)
from tests.support.fake_openai import FakeOpenAI, Reply, Script, call, split, status, text
from tests.support.llama_cpp import STREAMS

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
HELLO = [UserMessage("Hello")]
SOURCE = "http://h/v1/responses m"


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


async def told(
    fake: FakeOpenAI,
    messages: Sequence[Message] = HELLO,
    *scripts: Script,
    memory: Memory | None = None,
    tools: bool = True,
    **given: Any,
) -> list[Delta]:
    """The deltas of one request."""
    fake.answers(*scripts)
    chosen: dict[str, Any] = {"base_url": fake.base_url, "model": "m", "api": "responses"}
    async with OpenAICompatible(Endpoint(**(chosen | given)), memory) as model:
        request = ChatRequest("Be brief.", messages, [READ] if tools else [])
        return [delta async for delta in model.stream(request)]


def assembled(deltas: Sequence[Delta]) -> AssistantMessage:
    assembly = Assembly(tools=["read_file"])
    for delta in deltas:
        assembly.add(delta)
    return assembly.message()


# --- what comes back ----------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", QUIRKS, ids=[quirk.name for quirk in QUIRKS])
async def test_a_quirk_does_no_harm(fake: FakeOpenAI, quirk: Quirk):
    if quirk.error is not None:
        with pytest.raises(ProviderError) as caught:
            await told(fake, HELLO, quirk.script)
        assert caught.value.code == quirk.error
        assert quirk.words in caught.value.message
        return
    found = await told(fake, HELLO, quirk.script)
    answer = assembled(found)
    assert answer.text == quirk.text
    assert tuple((each.name, each.arguments) for each in answer.calls) == quirk.calls
    assert quirk.ids in {(), tuple(each.id for each in answer.calls)}
    if quirk.shown:
        assert quirk.shown in answer.reasoning
    else:
        assert answer.reasoning == quirk.reasoning
    assert found[-1] == Finished(quirk.finish)
    assert quirk.usage in {None, found[-2]}


def test_every_quirk_says_who_has_it_and_has_a_name_of_its_own():
    assert all(quirk.seen for quirk in QUIRKS)
    assert len({quirk.name for quirk in QUIRKS}) == len(QUIRKS)


def bytes_of(reply: Reply) -> bytes:
    return b"".join(step for step in reply.steps if isinstance(step, bytes))


def read(pieces: Iterator[bytes]) -> tuple[AssistantMessage, str | None, Usage | None]:
    body, answer, assembly = BodyReader(), ResponsesReader(SOURCE), Assembly()
    payloads = [payload for piece in pieces for payload in body.feed(piece)] + body.finish()
    for payload in payloads:
        for delta in answer.read(payload):
            assembly.add(delta)
    for delta in answer.end():
        assembly.add(delta)
    found = assembly.message()
    calls = tuple(ToolCall(str(n), c.name, c.arguments) for n, c in enumerate(found.calls))
    unnumbered = AssistantMessage(
        found.text, calls, found.reasoning, found.reasoning_field, found.reasoning_details
    )
    return unnumbered, answer.finish, answer.usage


WHOLE = [quirk for quirk in QUIRKS if quirk.error is None]


@settings(deadline=None)
@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 10**6), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_message(quirk: Quirk, cuts: list[int]):
    data = bytes_of(quirk.script)
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    assert read(data[a:b] for a, b in pairwise(edges)) == read(iter([data]))


def cut_up(text_: str, cuts: Sequence[int]) -> list[str]:
    edges = sorted({0, len(text_), *(cut % (len(text_) + 1) for cut in cuts)})
    return [text_[a:b] for a, b in pairwise(edges)]


@settings(deadline=None)
@given(st.data())
def test_any_legal_mixing_of_events_gives_the_same_answer(data: st.DataObject):
    """Items in order, each one's deltas cut anyhow; deltas of different items mixed in any way."""
    kinds = data.draw(
        st.lists(st.sampled_from(["call", "text", "thought"]), min_size=1, max_size=4)
    )
    places = data.draw(st.booleans())
    final = data.draw(st.sampled_from(["full", "empty"]))
    queues: list[list[dict[str, Any]]] = []
    items: list[dict[str, Any]] = []
    for number, kind in enumerate(kinds):
        said = f"{kind} {number} " + data.draw(st.text(max_size=20))
        cuts = cut_up(said, data.draw(st.lists(st.integers(0, 99), max_size=4)))
        if kind == "call":
            said = json.dumps({"path": said})
            cuts = cut_up(said, data.draw(st.lists(st.integers(0, 99), max_size=4)))
            item, name = fcall(number, said), "function_call_arguments"
        elif kind == "text":
            item, name = message(said, number), "output_text"
        else:
            item = thought(number, content=[{"type": "reasoning_text", "text": said}])
            name = "reasoning_text"
        items.append(item)
        at: dict[str, Any] = {"item_id": item["id"]} | ({"output_index": number} if places else {})
        empty = {"arguments": ""} if kind == "call" else {"content": []}
        queues.append(
            [
                {"type": "response.output_item.added", **at, "item": item | empty},
                *({"type": f"response.{name}.delta", **at, "delta": cut} for cut in cuts),
                {"type": "response.output_item.done", **at, "item": item},
            ]
        )
    mixed: list[dict[str, Any]] = [queue.pop(0) for queue in queues]
    while any(queues):
        mixed.append(data.draw(st.sampled_from([queue for queue in queues if queue])).pop(0))
    last = ends(*items) if final == "full" else ends()
    found, finish, _ = read(iter([bytes_of(stream(*mixed, last))]))
    calls = [item["arguments"] for item in items if item["type"] == "function_call"]
    assert [each.arguments for each in found.calls] == calls
    assert finish == ("tool_calls" if calls else "stop")
    for kind, whole in (("message", found.text), ("reasoning", found.reasoning)):
        parts = [item["content"][0]["text"] for item in items if item["type"] == kind]
        assert sorted(whole.replace("\n", "")) == sorted("".join(parts).replace("\n", ""))
        for part in parts:
            rest = iter(whole)
            assert all(letter in rest for letter in part), "each text in its own order"
        if len(parts) == 1:
            assert whole == parts[0]


@pytest.mark.parametrize("size", [1, 7])
async def test_an_answer_a_few_bytes_at_a_time_is_the_same(fake: FakeOpenAI, size: int):
    found = assembled(await told(fake, HELLO, split(QUIRKS[1].script, size)))
    assert tuple((each.name, each.arguments) for each in found.calls) == QUIRKS[1].calls


# --- what is sent -------------------------------------------------------------------------------

CALLS = (ToolCall("call_a", "read_file", A), ToolCall("call_b", "read_file", "{}"))
TURN: list[Message] = [
    UserMessage("Read a and b"),
    AssistantMessage("I read.", CALLS),
    ToolMessage("call_a", "text of a"),
    ToolMessage("call_b", "", failed=True),
]
IMAGE = Image("image/png", "UkVE")


def said(words: str) -> dict[str, Any]:
    """An item of the model's words, but for its id."""
    content = [{"type": "output_text", "text": words, "annotations": []}]
    return {"type": "message", "role": "assistant", "status": "completed", "content": content}


def without_ids(items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            name: value
            for name, value in item.items()
            if (name, item.get("type")) != ("id", "message")
        }
        for item in items
    ]


Check = Callable[[dict[str, Any]], object]
USER = {"role": "user", "content": "Hello"}
SENT: dict[str, tuple[Sequence[Message], dict[str, Any], Check]] = {
    "nothing is sent that was not asked for": (
        HELLO,
        {"tools": False},
        lambda b: (
            b
            == {
                "model": "m",
                "stream": True,
                "store": False,
                "include": ["reasoning.encrypted_content"],
                "instructions": "Be brief.",
                "input": [USER],
            }
        ),
    ),
    "tools are flat and say that they are not strict": (
        HELLO,
        {},
        lambda b: (
            b["tools"]
            == [
                {
                    "type": "function",
                    "name": "read_file",
                    "description": "Read a file.",
                    "parameters": READ.parameters,
                    "strict": False,
                }
            ]
        ),
    ),
    "strict tools have every property required": (
        HELLO,
        {"strict_tools": True},
        lambda b: (
            (b["tools"][0]["strict"], b["tools"][0]["parameters"]["required"])
            == (True, ["path", "limit"])
        ),
    ),
    "no tool of the endpoint's own is asked for": (
        HELLO,
        {},
        lambda b: {tool["type"] for tool in b["tools"]} == {"function"},
    ),
    "no state is kept there": (
        TURN,
        {},
        lambda b: (
            (b["store"], "previous_response_id" in b, "conversation" in b) == (False, False, False)
        ),
    ),
    "the output limit has its own name": (
        HELLO,
        {"max_output_tokens": 9},
        lambda b: b["max_output_tokens"] == 9 and "max_completion_tokens" not in b,
    ),
    "reasoning effort": (
        HELLO,
        {"reasoning_effort": "high"},
        lambda b: b["reasoning"] == {"effort": "high"},
    ),
    "temperature and top_p, and no seed": (
        HELLO,
        {"temperature": 0.1, "top_p": 0.5, "seed": 7},
        lambda b: (b["temperature"], b["top_p"], "seed" in b) == (0.1, 0.5, False),
    ),
    "tool choice and parallel calls": (
        HELLO,
        {"tool_choice": "required", "parallel_tool_calls": False},
        lambda b: (b["tool_choice"], b["parallel_tool_calls"]) == ("required", False),
    ),
    "options about tools go only with tools": (
        HELLO,
        {"tool_choice": "required", "parallel_tool_calls": False, "tools": False},
        lambda b: not {"tool_choice", "parallel_tool_calls", "tools"} & set(b),
    ),
    "no stream where none is wanted": (
        HELLO,
        {"streaming": False},
        lambda b: b["stream"] is False and "stream_options" not in b,
    ),
    "no encrypted reasoning where none goes back": (
        HELLO,
        {"replay_reasoning": "never"},
        lambda b: "include" not in b,
    ),
    "extra body is added and replaces nothing that matters": (
        HELLO,
        {"extra_body": {"service_tier": "flex", "input": [], "model": "x", "stream": False}},
        lambda b: (
            (b["service_tier"], b["input"], b["model"], b["stream"]) == ("flex", [USER], "m", True)
        ),
    ),
    "calls and results are paired by call_id, in order": (
        TURN,
        {},
        lambda b: (
            without_ids(b["input"])
            == [
                {"role": "user", "content": "Read a and b"},
                said("I read."),
                {"type": "function_call", "call_id": "call_a", "name": "read_file", "arguments": A},
                {
                    "type": "function_call",
                    "call_id": "call_b",
                    "name": "read_file",
                    "arguments": "{}",
                },
                {"type": "function_call_output", "call_id": "call_a", "output": "text of a"},
                {"type": "function_call_output", "call_id": "call_b", "output": "(empty)"},
            ]
        ),
    ),
    "calls carry no id but call_id": (
        TURN,
        {},
        lambda b: not any("id" in item for item in b["input"] if item.get("type") != "message"),
    ),
    "only calls, no text": (
        [TURN[0], AssistantMessage("", CALLS), *TURN[2:]],
        {},
        lambda b: (
            [item.get("type") for item in b["input"]]
            == [None, *["function_call"] * 2, *["function_call_output"] * 2]
        ),
    ),
    "arguments that are no object are never sent back": (
        [TURN[0], AssistantMessage("", (ToolCall("c", "t", '{"a'),)), ToolMessage("c", "x")],
        {},
        lambda b: b["input"][1]["arguments"] == "{}",
    ),
    "a name that no endpoint takes is made one": (
        [TURN[0], AssistantMessage("", (ToolCall("c", "a.b/c", "{}"),)), ToolMessage("c", "x")],
        {},
        lambda b: b["input"][1]["name"] == "a_b_c",
    ),
    "images of the user": (
        [UserMessage("Look", (IMAGE,))],
        {"supports_images": True},
        lambda b: (
            b["input"][0]["content"]
            == [
                {"type": "input_text", "text": "Look"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,UkVE",
                    "detail": "auto",
                },
            ]
        ),
    ),
    "images of a result follow all results": (
        [*TURN[:3], ToolMessage("call_b", "pic", images=(IMAGE,))],
        {"supports_images": True},
        lambda b: (
            (b["input"][-1]["role"], b["input"][-1]["content"][1]["type"])
            == ("user", "input_image")
        ),
    ),
    "images are left out for a model that takes none": (
        [UserMessage("Look", (IMAGE,))],
        {},
        lambda b: "1 image(s) left out" in b["input"][0]["content"],
    ),
    "text that is no Unicode": (
        [UserMessage("a\ud800b")],
        {},
        lambda b: b["input"][0]["content"] == "a?b",
    ),
    "users in a row stay in a row": (
        [UserMessage("a"), UserMessage("b")],
        {},
        lambda b: [item["content"] for item in b["input"]] == ["a", "b"],
    ),
}


@pytest.mark.parametrize("name", SENT)
async def test_what_is_sent_is_what_the_api_takes(fake: FakeOpenAI, name: str):
    messages, given_, check = SENT[name]
    await told(fake, messages, text("ok"), **given_)
    body = fake.chats[0].json
    assert fake.chats[0].path == "/v1/responses"
    assert check(body), json.dumps(body, indent=1)
    kind = ResponseCreateParamsStreaming if body["stream"] else ResponseCreateParamsNonStreaming
    TypeAdapter(kind).validate_python(body)  # the SDK's own types take it


async def test_a_request_begins_as_the_one_before_it(fake: FakeOpenAI):
    history: list[Message] = [*HELLO]
    fake.always(text("ok"))
    memory = Memory()
    async with OpenAICompatible(Endpoint(fake.base_url, "m", api="responses"), memory) as model:
        for _ in range(3):
            async for _ in model.stream(ChatRequest("Be brief.", history)):
                pass
            history += [AssistantMessage("ok"), UserMessage("more")]
    first, second, third = (request.body.removesuffix(b"]}") for request in fake.chats)
    assert third.startswith(second)
    assert second.startswith(first)
    assert fake.connections == 1


async def test_azure_has_its_own_address(fake: FakeOpenAI):
    given_: dict[str, Any] = {"azure_api_version": "preview", "api_key": "k"}
    await told(fake, HELLO, text("ok"), base_url=f"{fake.origin}/openai/v1", **given_)
    request = fake.chats[0]
    assert (request.path, request.query) == ("/openai/responses", {"api-version": "preview"})
    assert request.headers["api-key"] == "k"
    assert request.json["model"] == "m"


# --- reasoning that goes back -------------------------------------------------------------------

SECRET = thought(1, encrypted_content="AbC=", summary=[{"type": "summary_text", "text": "Hm."}])
THINKING = stream(
    done(0, SECRET),
    done(1, message("I read.", phase="commentary")),
    done(2, thought(2, encrypted_content="DeF=")),
    done(3, fcall(0)),
    done(4, fcall(1)),
    ends(),
)


async def replayed(
    fake: FakeOpenAI, answer: Reply = THINKING, later: Sequence[Message] = (), **given_: Any
) -> list[dict[str, Any]]:
    """What goes back of an answer with the results of its calls, and what was said later."""
    found = assembled(await told(fake, HELLO, answer))
    results = [ToolMessage(each.id, "ok") for each in found.calls]
    await told(fake, [*HELLO, found, *results, *later], text("ok"), **given_)
    return fake.chats[-1].json["input"][1:]


async def test_reasoning_goes_back_with_the_calls_it_led_to_in_order(fake: FakeOpenAI):
    back = await replayed(fake)
    assert [item["type"] for item in back] == [
        "reasoning",
        "message",
        "reasoning",
        "function_call",
        "function_call",
        "function_call_output",
        "function_call_output",
    ]
    assert back[0] == SECRET
    assert (back[1]["content"][0]["text"], back[1]["phase"]) == ("I read.", "commentary")
    assert back[2]["encrypted_content"] == "DeF="
    assert [item["call_id"] for item in back[3:5]] == ["call_0", "call_1"]
    TypeAdapter(ResponseCreateParamsStreaming).validate_python(fake.chats[-1].json)


async def test_after_the_turn_reasoning_stays_behind_and_the_phase_does_not(fake: FakeOpenAI):
    back = await replayed(fake, later=[AssistantMessage("Done."), UserMessage("Next")])
    assert "reasoning" not in {item.get("type") for item in back}
    assert back[0]["phase"] == "commentary"


@pytest.mark.parametrize("other", [{"model": "another"}, {"replay_reasoning": "never"}])
async def test_reasoning_goes_to_no_other_model_and_not_where_none_is_wanted(
    fake: FakeOpenAI, other: dict[str, Any]
):
    back = await replayed(fake, **other)
    assert "reasoning" not in {item["type"] for item in back}
    assert [item["type"] for item in back[:3]] == ["message", "function_call", "function_call"]


async def test_reasoning_goes_to_no_other_endpoint_and_not_into_chat_completions(fake: FakeOpenAI):
    found = assembled(await told(fake, HELLO, THINKING))
    history = [*HELLO, found, *(ToolMessage(each.id, "ok") for each in found.calls)]
    async with FakeOpenAI() as other:
        await told(other, history, text("ok"))
        assert "AbC=" not in other.chats[0].body.decode()
        await told(fake, history, text("ok"), api="chat")
    assert "AbC=" not in fake.chats[-1].body.decode()
    assert "reasoning_details" not in fake.chats[-1].body.decode()


async def test_reasoning_in_full_goes_back_without_being_encrypted(fake: FakeOpenAI):
    full = thought(1, content=[{"type": "reasoning_text", "text": "I think."}])
    back = await replayed(fake, stream(done(0, full), done(1, fcall(0)), ends()))
    assert back[0] == full


async def test_a_summary_alone_stays_behind(fake: FakeOpenAI):
    summary = thought(1, summary=[{"type": "summary_text", "text": "Hm."}])
    found = await told(fake, HELLO, stream(done(0, summary), done(1, fcall(0)), ends()))
    assert not any(isinstance(each, ReasoningDetails) for each in found)


async def test_two_messages_go_back_as_two(fake: FakeOpenAI):
    two = stream(
        done(0, message("One.", 0, phase="commentary")),
        done(1, message("Two.", 1, phase="final_answer")),
        ends(),
    )
    back = await replayed(fake, two, later=[UserMessage("Next")])
    assert [(each["content"][0]["text"], each["phase"]) for each in back[:2]] == [
        ("One.", "commentary"),
        ("Two.", "final_answer"),
    ]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "given_", "gone"),
    [
        ("Encrypted content is not supported with this model.", {}, "include"),
        ("Unknown parameter: 'include'.", {}, "include"),
        ("Unsupported parameter: 'temperature' is not supported.", {"temperature": 0.1}, "temperature"),
        ("Unsupported parameter: 'reasoning.effort'", {"reasoning_effort": "low"}, "reasoning"),
        ("Unsupported parameter: max_output_tokens", {"max_output_tokens": 9}, "max_output_tokens"),
        ("Unknown field: store", {}, "store"),
        ("Extra inputs are not permitted: parallel_tool_calls", {"parallel_tool_calls": True}, "parallel_tool_calls"),
    ],
)  # fmt: skip
async def test_a_refused_field_is_left_out_and_not_tried_again(
    fake: FakeOpenAI, words: str, given_: dict[str, Any], gone: str
):
    fake.answers(status(400, {"error": {"message": words}}), text("ok"), text("ok"))
    memory = Memory()
    for _ in range(2):
        assert TextDelta("ok") in await told(fake, memory=memory, **given_)
    assert [gone in request.json for request in fake.chats] == [True, False, False]


async def test_reasoning_that_is_refused_is_not_sent_again(fake: FakeOpenAI):
    found = assembled(await told(fake, HELLO, THINKING))
    history = [*HELLO, found, *(ToolMessage(each.id, "ok") for each in found.calls)]
    no = {
        "error": {
            "message": "The encrypted content for item rs_1 could not be verified. Unsupported reasoning."
        }
    }
    fake.answers(status(400, no), text("ok"))
    await told(fake, history)
    assert ["AbC=" in request.body.decode() for request in fake.chats[1:]] == [True, False]


# --- which of the two ---------------------------------------------------------------------------

WANTS_RESPONSES = {
    "OpenAI": (404, "This model is only supported in v1/responses and not in v1/chat/completions."),
    "OpenAI, newer": (
        404,
        (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?"
        ),
    ),
    "OpenAI, effort with tools": (
        400,
        (
            "Function tools with reasoning_effort are not supported for m in /v1/chat/completions. "
            "Please use /v1/responses instead."
        ),
    ),
    "Azure": (
        400,
        (
            "The chatCompletion operation does not work with the specified model, m. Please choose "
            "different model and try again."
        ),
    ),
    "GitHub Copilot": (400, 'model "m" is not accessible via the /chat/completions endpoint'),
}


def by_path(chat: Script, responses: Script) -> Callable[[Any], Any]:
    return lambda request: responses if request.path.endswith("/responses") else chat


@pytest.mark.parametrize("who", WANTS_RESPONSES)
async def test_a_model_that_wants_responses_gets_them_and_that_is_remembered(
    fake: FakeOpenAI, who: str
):
    code, words = WANTS_RESPONSES[who]
    fake.always(by_path(status(code, {"error": {"message": words}}), text("ok")))
    memory = Memory()
    given_: dict[str, Any] = {"api": "auto", "reasoning_effort": "low"}
    first = await told(fake, memory=memory, **given_)
    [said_] = [each for each in first if isinstance(each, AskedAgain)]
    assert "It is asked through the Responses API now." in said_.reason
    assert TextDelta("ok") in first
    assert TextDelta("ok") in await told(fake, memory=memory, **given_)
    paths = [request.path.removeprefix("/v1") for request in fake.chats]
    assert paths == ["/chat/completions", "/responses", "/responses"]
    assert "it answers through the Responses API" in " ".join(memory.about(fake.base_url, "m"))


async def test_what_was_learnt_ends_when_the_endpoint_has_no_responses_any_more(fake: FakeOpenAI):
    wants = status(404, {"error": {"message": WANTS_RESPONSES["OpenAI"][1]}})
    memory = Memory()
    fake.always(by_path(wants, text("ok")))
    await told(fake, memory=memory, api="auto")
    fake.always(by_path(text("ok"), status(404, "no such path")))
    found = await told(fake, memory=memory, api="auto")
    assert TextDelta("ok") in found
    assert memory.about(fake.base_url, "m") == []


async def test_a_model_that_neither_api_takes_is_told_after_two_requests(fake: FakeOpenAI):
    wants = status(404, {"error": {"message": WANTS_RESPONSES["OpenAI, newer"][1]}})
    fake.always(
        by_path(wants, status(404, {"error": {"message": "not supported with the Responses API"}}))
    )
    with pytest.raises(ProviderError):
        await told(fake, api="auto")
    assert len(fake.chats) == 2


@pytest.mark.parametrize(("api", "code"), [("chat", 404), ("responses", 404), ("responses", 405)])
async def test_an_api_that_is_set_stays_and_the_hint_names_the_setting(
    fake: FakeOpenAI, api: str, code: int
):
    fake.always(status(code, {"error": {"message": WANTS_RESPONSES["OpenAI"][1]}}))
    with pytest.raises(ProviderError) as caught:
        await told(fake, api=api)
    assert "roo.provider.api" in caught.value.hint
    assert len(fake.chats) == 1


async def test_auto_is_chat_completions_until_it_is_said_otherwise(fake: FakeOpenAI):
    fake.always(text("ok"))
    await told(fake, api="auto")
    assert fake.chats[0].path == "/v1/chat/completions"


# --- the SDK's own reading ----------------------------------------------------------------------


async def sdk_events(fake: FakeOpenAI) -> list[Any]:
    """What the SDK makes of the next answer."""
    async with AsyncOpenAI(base_url=fake.base_url, api_key="x", max_retries=0) as client:
        events = await client.responses.create(input="x", model="m", stream=True)
        return [each async for each in events]


RECORDED = sorted(STREAMS.glob("llama-cpp-responses-*.sse"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_the_sdk_reads_the_same_from_a_recorded_stream(fake: FakeOpenAI, file: Any):
    data = file.read_bytes()
    fake.answers(Reply((data,)))
    events = await sdk_events(fake)
    answer, finish, usage = read(iter([data]))
    streamed = {
        kind: "".join(each.delta for each in events if each.type == f"response.{kind}.delta")
        for kind in ("output_text", "function_call_arguments")
    }
    assert answer.text == streamed["output_text"]
    assert "".join(each.arguments for each in answer.calls) == streamed["function_call_arguments"]
    last = events[-1]
    assert last.type == "response.completed"
    assert (finish == "tool_calls") == any(
        each.type == "function_call" for each in last.response.output
    )
    assert usage is not None
    assert last.response.usage is not None
    assert usage.output_tokens == last.response.usage.output_tokens


def test_there_are_recorded_streams():
    assert RECORDED


@pytest.mark.parametrize("quirk", [q for q in QUIRKS if q.seen.startswith("OpenAI") and not q.error], ids=lambda q: q.name)  # fmt: skip
async def test_the_sdk_reads_the_same_from_what_the_reference_allows(
    fake: FakeOpenAI, quirk: Quirk
):
    fake.answers(quirk.script)
    events = await sdk_events(fake)
    last = next(each for each in reversed(events) if hasattr(each, "response"))
    calls = tuple(
        (each.name, each.arguments) for each in last.response.output if each.type == "function_call"
    )
    assert quirk.calls == calls
    arguments = "".join(each.delta for each in events if each.type.endswith("arguments.delta"))
    assert sorted(arguments) == sorted("".join(each for _, each in quirk.calls))


async def test_a_call_over_both_apis_is_the_same(fake: FakeOpenAI):
    script = text("I read.", pieces=2) + call("read_file", {"path": "ä"}, id="c1", pieces=3)
    both = [assembled(await told(fake, HELLO, script, api=api)) for api in ("chat", "responses")]
    assert both[0].text == both[1].text
    assert both[0].calls == both[1].calls
