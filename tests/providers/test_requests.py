"""What goes out, byte for byte: images, marks for caches, reasoning that goes back, strict tools."""

import json
from collections.abc import Sequence
from typing import Any, cast

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.messages import (
    AssistantMessage,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import ChatRequest, ToolSpec, Usage
from roo_lsp.agent.tool import AnyTool
from roo_lsp.agent.usage import Price
from roo_lsp.providers.answers import read_usage
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.requests import MARK, REPLAY, RESULT_MARKS, Encoder, strict_schema
from roo_lsp.tools import all_tools
from roo_lsp.workspace.images import MAX_TOTAL
from tests.support.fake_openai import FakeOpenAI, status, text

TOOLS = all_tools()
RED, BLUE = Image("image/png", "UkVE"), Image("image/webp", "QkxVRQ==")


def encoder(**settings: Any) -> Encoder:
    return Encoder(Endpoint("http://127.0.0.1/v1", "m", **settings))


def sent(
    messages: Sequence[Message],
    *,
    by: Encoder | None = None,
    refused: tuple[str, ...] = (),
    **settings: Any,
) -> list[dict[str, Any]]:
    """The messages of a request."""
    body = (by or encoder(**settings)).body(
        ChatRequest("Be brief.", messages), "m", streaming=True, refused=refused
    )
    return json.loads(body)["messages"]


def reading(*names: str) -> list[Message]:
    """An answer that reads images, and its results."""
    calls = tuple(ToolCall(f"c-{name}", "read_file", json.dumps({"path": name})) for name in names)
    results = [ToolMessage(f"c-{name}", f"{name} is an image", images=(RED,)) for name in names]
    return [AssistantMessage("", calls), *results]


def urls(message: dict[str, Any]) -> list[str]:
    return [part["image_url"]["url"] for part in message["content"] if part["type"] == "image_url"]


# --- images -------------------------------------------------------------------------------------


def test_the_images_of_an_answers_results_follow_all_of_them_in_one_user_message():
    history = [UserMessage("Look"), *reading("a.png", "b.png"), AssistantMessage("I see.")]
    _, _, answer, one, two, pictures, last = sent(history, supports_images=True)
    assert (answer["role"], last["role"]) == ("assistant", "assistant")
    assert [one["role"], two["role"]] == ["tool", "tool"]
    assert one["content"].startswith("a.png is an image\n[See the user message that follows")
    assert pictures["role"] == "user"
    words = [part["text"] for part in pictures["content"] if part["type"] == "text"]
    assert [("read_file" in each, "not the user" in each) for each in words] == [(True, True)] * 2
    assert ["c-a.png" in words[0], "c-b.png" in words[1]] == [True, True]
    kinds = [part["type"] for part in pictures["content"]]
    assert kinds == ["text", "image_url", "text", "image_url"]
    assert urls(pictures) == ["data:image/png;base64,UkVE"] * 2


def test_a_result_with_images_at_the_end_is_followed_by_them():
    *_, pictures = sent([UserMessage("Look"), *reading("a.png")], supports_images=True)
    assert urls(pictures) == ["data:image/png;base64,UkVE"]


def test_only_results_with_images_are_followed_by_a_message():
    calls = (ToolCall("1", "t", "{}"), ToolCall("2", "t", "{}"))
    results = [ToolMessage("1", "text"), ToolMessage("2", "x", images=(RED, BLUE))]
    found = sent([AssistantMessage("", calls), *results], supports_images=True)
    assert [each["role"] for each in found] == ["system", "assistant", "tool", "tool", "user"]
    assert found[2]["content"] == "text"
    assert len(found[4]["content"]) == 3


def test_a_model_that_takes_no_images_is_told_so_and_gets_none():
    history = [UserMessage("Look", (RED,)), *reading("a.png"), UserMessage("", (BLUE,))]
    _, said, _, result, alone = sent(history)
    assert said["content"].startswith("Look\n[1 image(s) left out")
    assert result["content"].startswith("a.png is an image\n[1 image(s) left out")
    assert alone["content"].startswith("[1 image(s) left out")
    assert all("roo.model.supportsImages" in each["content"] for each in (said, result, alone))


def test_a_history_with_images_goes_on_with_either_kind_of_model():
    history = [UserMessage("Look", (RED,)), *reading("a.png"), AssistantMessage("Red.")]
    with_images = sent(history, supports_images=True)
    assert b"image_url" not in json.dumps(sent(history)).encode()
    assert sent(history, supports_images=True) == with_images


def test_what_follows_a_group_is_kept_for_that_group_alone():
    """The bytes are kept by identity: an equal history of other objects is another one."""
    by = encoder(supports_images=True)
    history = [UserMessage("Look"), *reading("a.png")]
    first = sent(history, by=by)
    history += [AssistantMessage("Red."), UserMessage("And?"), *reading("b.png", "c.png")]
    assert sent(history, by=by)[: len(first)] == first
    assert len(urls(sent(history, by=by)[-1])) == 2
    shorter = history[:-1]  # as after a cancelled call
    assert len(urls(sent(shorter, by=by)[-1])) == 1
    assert sent(history, by=by) == sent(history, supports_images=True)


def test_a_request_has_the_newest_images_as_far_as_there_is_room():
    large = Image("image/png", "A" * (MAX_TOTAL // 2 * 4 // 3))
    by = encoder(supports_images=True)
    history: list[Message] = [UserMessage("1", (large,)), UserMessage("2", (large,))]
    assert [len(urls(each)) for each in sent(history, by=by)[1:]] == [1, 1]
    history.append(UserMessage("3", (RED,)))
    _, first, second, third = sent(history, by=by)
    assert first["content"].startswith("1\n[1 image(s) left out: newer ones take the 20 MB")
    assert (len(urls(second)), len(urls(third))) == (1, 1)


# --- marks for prompt caches --------------------------------------------------------------------


def marked(messages: list[dict[str, Any]]) -> list[int]:
    """Positions of the messages that have a mark."""
    return [at for at, each in enumerate(messages) if MARK in json.dumps(each)]


def rounds(count: int, calls: int = 1) -> list[Message]:
    """So many answers, each with so many calls and their results."""
    return [
        message
        for number in range(count)
        for message in (
            AssistantMessage(
                "", tuple(ToolCall(f"{number}.{each}", "t", "{}") for each in range(calls))
            ),
            *(ToolMessage(f"{number}.{each}", "result") for each in range(calls)),
        )
    ]


def test_without_the_setting_nothing_is_marked():
    assert marked(sent([UserMessage("a"), *rounds(3)])) == []


def test_the_instructions_and_the_ends_of_the_last_two_requests_are_marked():
    found = sent([UserMessage("a"), *rounds(3)], supports_prompt_cache=True)
    assert marked(found) == [0, 5, 7]
    mark = {"type": "ephemeral"}
    assert found[0]["content"] == [{"type": "text", "text": "Be brief.", MARK: mark}]
    assert found[7]["content"] == [{"type": "text", "text": "result", MARK: mark}]
    assert (found[7]["role"], found[7]["tool_call_id"]) == ("tool", "2.0")


@pytest.mark.parametrize("calls", [1, 2, 5])
def test_each_request_marks_where_the_one_before_it_ended(calls: int):
    by = encoder(supports_prompt_cache=True)
    history: list[Message] = [UserMessage("a")]
    end = marked(sent(history, by=by))[-1]
    for number in range(6):
        history += rounds(1, calls) if number % 3 else [AssistantMessage("b"), UserMessage("c")]
        found = sent(history, by=by)
        marks = marked(found)
        assert marks == [0, end, len(found) - 1]
        assert json.dumps(found).count(MARK) == 3
        end = marks[-1]


def test_a_message_without_its_mark_has_the_bytes_it_always_had():
    by, plain = encoder(supports_prompt_cache=True), encoder()
    history = [UserMessage("a"), *rounds(4, calls=2)]
    for end in range(1, len(history) + 1):
        found = sent(history[:end], by=by)
        expected = sent(history[:end], by=plain)
        marks = marked(found)
        for at, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert at in marks or one == other


def test_the_mark_of_a_message_with_images_is_on_its_text():
    found = sent([UserMessage("a", (RED,))], supports_images=True, supports_prompt_cache=True)
    assert [MARK in part for part in found[1]["content"]] == [True, False]
    alone = [UserMessage("a"), UserMessage("", (RED,))]
    assert marked(sent(alone, supports_images=True, supports_prompt_cache=True)) == [0, 1]


def test_an_endpoint_that_refuses_marks_gets_none():
    found = sent([UserMessage("a")], supports_prompt_cache=True, refused=(MARK,))
    assert found == sent([UserMessage("a")])


def test_an_endpoint_that_refuses_marks_in_results_gets_those_of_the_users_words():
    history = [UserMessage("a"), AssistantMessage("b"), UserMessage("c"), *rounds(2)]
    found = sent(history, supports_prompt_cache=True, refused=(RESULT_MARKS,))
    assert marked(found) == [0, 1, 3]


UNKNOWN = "Unknown field: messages[1].content[0].cache_control"
IN_A_RESULT = (  # Anthropic, behind LiteLLM
    "[invalid_request_error] messages.2.content.0.tool_result.content.0.cache_control: "
    "cache_control may not be specified within `tool_result.content`."
)


@pytest.mark.parametrize(
    ("words", "learnt", "marks"),
    [(UNKNOWN, {MARK}, []), (IN_A_RESULT, {RESULT_MARKS}, [0, 1])],
)
async def test_refused_marks_are_left_out_and_not_tried_again(
    words: str, learnt: set[str], marks: list[int]
):
    memory = Memory()
    async with FakeOpenAI() as fake:
        fake.answers(status(400, {"error": {"message": words}}), text("ok"), text("ok"))
        endpoint = Endpoint(fake.base_url, "m", supports_prompt_cache=True)
        async with OpenAICompatible(endpoint, memory) as model:
            for _ in range(2):
                request = ChatRequest("s", [UserMessage("a"), *rounds(1)])
                assert [delta async for delta in model.stream(request)]
        assert [marked(each.json["messages"]) for each in fake.chats] == [[0, 1, 3], marks, marks]
        assert memory.of((f"{fake.base_url}/chat/completions", "m")) == learnt
        assert "cache_control" in memory.about(fake.base_url)[0]


@pytest.mark.parametrize(
    "usage",
    [
        {  # OpenAI
            "prompt_tokens": 1_000_000,
            "completion_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 600_000, "cache_write_tokens": 300_000},
        },
        {  # Anthropic behind LiteLLM
            "prompt_tokens": 1_000_000,
            "completion_tokens": 0,
            "cache_read_input_tokens": 600_000,
            "cache_creation_input_tokens": 300_000,
        },
    ],
)
def test_cached_tokens_cost_what_they_cost_in_either_spelling(usage: dict[str, Any]):
    price = Price(input=3, output=15, cache_reads=0.3, cache_writes=3.75)
    assert price.cost(read_usage(usage)) == pytest.approx(0.1 * 3 + 0.6 * 0.3 + 0.3 * 3.75)


def test_cached_tokens_without_a_price_of_their_own_cost_what_input_costs():
    used = Usage(1_000_000, 0, 600_000, 300_000)
    assert Price(input=3).cost(used) == pytest.approx(3)
    assert Price(input=3, cache_reads=0.3).cost(used) == pytest.approx(0.4 * 3 + 0.6 * 0.3)


# --- reasoning that goes back -------------------------------------------------------------------

DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "sig", "index": 0}]
THOUGHT = AssistantMessage("", (ToolCall("c", "t", "{}"),), "hm", "reasoning", json.dumps(DETAILS))


def test_reasoning_details_go_back_inside_the_turn_as_they_came():
    now = [UserMessage("a"), THOUGHT, ToolMessage("c", "x")]
    answer = sent(now)[2]
    assert answer["reasoning_details"] == DETAILS
    assert "reasoning" not in answer, "its text is in the details"
    later = [*now, AssistantMessage("b"), UserMessage("c")]
    assert "reasoning_details" not in sent(later)[2]


def test_details_without_text_go_back_too():
    encrypted = AssistantMessage("", THOUGHT.calls, reasoning_details='[{"data": "x"}]')
    assert sent([encrypted])[1]["reasoning_details"] == [{"data": "x"}]


@pytest.mark.parametrize("broken", ["", "{"])
def test_details_that_are_no_json_leave_the_reasoning(broken: str):
    answer = AssistantMessage("b", (), "hm", "reasoning", broken)
    assert sent([answer])[1]["reasoning"] == "hm"


def test_no_reasoning_goes_back_when_that_is_refused_or_not_wanted():
    by = encoder()
    assert "reasoning_details" in sent([THOUGHT], by=by)[1]
    for found in (
        sent([THOUGHT], by=by, refused=(REPLAY,)),
        sent([THOUGHT], replay_reasoning="never"),
    ):
        assert not {"reasoning", "reasoning_details"} & set(found[1])


async def test_details_that_are_refused_are_not_sent_again():
    no = status(400, {"error": {"message": "Unrecognized key: 'reasoning_details'"}})
    async with FakeOpenAI() as fake:
        fake.answers(no, text("ok"))
        async with OpenAICompatible(Endpoint(fake.base_url, "m")) as model:
            assert [delta async for delta in model.stream(ChatRequest("", [THOUGHT]))]
        first, second = (each.json["messages"][0] for each in fake.chats)
        assert first["reasoning_details"] == DETAILS
        assert "reasoning_details" not in second


# --- strict tools -------------------------------------------------------------------------------

TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}


def check(node: Any, top: dict[str, Any], at: str = "#") -> None:
    """The node is a JSON Schema, as strict mode wants one."""
    assert isinstance(node, dict), at
    if "$ref" in node:
        assert node["$ref"].rpartition("/")[2] in top["$defs"], at
    kind = node.get("type")
    kinds = cast("list[str]", kind if isinstance(kind, list) else [kind] if kind else [])
    assert set(kinds) <= TYPES, at
    assert len(kinds) == len(set(kinds)), at
    assert kinds or {"$ref", "anyOf", "enum", "const"} & set(node), f"{at} may be anything"
    if "enum" in node:
        assert (None in node["enum"]) == ("null" in kinds), at
    if "object" in kinds:
        assert node["additionalProperties"] is False, at
        assert node["required"] == list(node["properties"]), at
    if "array" in kinds:
        check(node["items"], top, f"{at}/items")
    for name in ("properties", "$defs"):
        for key, each in node.get(name, {}).items():
            check(each, top, f"{at}/{name}/{key}")
    for number, each in enumerate(node.get("anyOf", [])):
        check(each, top, f"{at}/anyOf/{number}")


def takes_null(node: dict[str, Any]) -> bool:
    return "null" in node.get("type", []) or {"type": "null"} in node.get("anyOf", [])


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_each_tools_strict_schema_is_one(tool: AnyTool):
    loose = tool.schema()
    strict = strict_schema(loose)
    check(strict, strict)
    optional = set(loose["properties"]) - set(loose.get("required", []))
    assert {n for n, each in strict["properties"].items() if takes_null(each)} >= optional
    spec = ToolSpec(tool.name, tool.description, loose)
    for wanted in (True, False):
        request = ChatRequest("", [], [spec])
        [function] = [
            each["function"]
            for each in json.loads(encoder(strict_tools=wanted).body(request, "m", streaming=True))[
                "tools"
            ]
        ]
        assert function["parameters"] == (strict if wanted else loose)
        assert ("strict" in function) == wanted


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_an_answer_to_a_strict_schema_is_as_one_without_its_nulls(tool: AnyTool):
    fillers: dict[str, Any] = {"follow_up": ["a"], "todos": "- [ ] a"}
    required = tool.schema().get("required", [])
    loose = {name: fillers.get(name, "a") for name in required}
    strict = dict.fromkeys(strict_schema(tool.schema())["required"]) | loose
    assert tool.parse(json.dumps(strict)) == tool.parse(json.dumps(loose))
    for name in required:
        with pytest.raises(ToolError, match=name):
            tool.parse(json.dumps(strict | {name: None}))


def test_an_argument_that_is_called_like_a_keyword_keeps_its_schema():
    schema = {
        "type": "object",
        "properties": {
            "properties": {"type": "object", "properties": {"a": {"type": "string"}}},
            "type": {"type": "string", "enum": ["x"]},
        },
        "required": ["properties"],
    }
    strict = strict_schema(schema)
    check(strict, strict)
    assert list(strict["properties"]) == ["properties", "type"]
    assert strict["properties"]["type"] == {"type": ["string", "null"], "enum": ["x", None]}
    assert strict["properties"]["properties"]["required"] == ["a"]
