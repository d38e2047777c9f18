"""What endpoints refuse of a request in their own words: asked once more without it, and remembered."""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from roo_lsp.agent.messages import (
    AssistantMessage,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import AskedAgain, ChatRequest, Delta, Finished, TextDelta, ToolSpec
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.schemas import plain_schema
from roo_lsp.tools import all_tools
from tests.support.fake_openai import (
    Answer,
    FakeOpenAI,
    Reply,
    Request,
    Script,
    events,
    status,
    text,
)

RED, BLUE, GREEN = (Image("image/png", data) for data in ("UkVE", "QkxVRQ==", "R1JFRU4="))
CALL = ToolCall("call_with_a_long_id-of-another.endpoint", "read_file", '{"path": "a"}')
SPEC = ToolSpec(
    "read_file",
    "Read.",
    {
        "type": "object",
        "properties": {
            "path": {"type": ["string", "null"], "description": "Where.", "minLength": 1},
            "kind": {"anyOf": [{"$ref": "#/$defs/Kind"}, {"type": "null"}]},
            "places": {"type": "array", "items": {"$ref": "#/$defs/Place"}},
        },
        "required": ["path"],
        "additionalProperties": False,
        "$defs": {
            "Kind": {"enum": ["a", "b", None], "type": "string"},
            "Place": {
                "type": "object",
                "properties": {
                    "line": {"type": "integer", "minimum": 1},
                    "in": {"$ref": "#/$defs/Place"},
                },
            },
        },
    },
)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


def error(message: str, code: int = 400, **more: Any) -> Reply:
    return status(code, {"object": "error", "message": message} | more)


def in_stream(message: str) -> Reply:
    """As LM Studio has it: status 200, and the error as the only event."""
    return events({"error": {"message": message}})


async def asked(
    fake: FakeOpenAI, messages: Sequence[Message], memory: Memory, **settings: Any
) -> list[Delta]:
    endpoint = Endpoint(fake.base_url, "m", **settings)
    async with OpenAICompatible(endpoint, memory) as model:
        return [each async for each in model.stream(ChatRequest("Be brief.", messages, [SPEC]))]


async def refused_once(
    fake: FakeOpenAI, refusal: Script, messages: Sequence[Message], **settings: Any
) -> tuple[Any, Any, Any]:
    """The bodies of three requests: the one that was refused, the next, and one of another process."""
    fake.answers(refusal, text("ok"), text("ok"))
    memory = Memory()
    for _ in range(2):
        found = await asked(fake, messages, memory, **settings)
        assert [TextDelta("ok"), Finished("stop")] == [
            each for each in found if not isinstance(each, AskedAgain)
        ]
    first, second, third = (request.json for request in fake.chats)
    assert second == third
    return first, second, memory.about(fake.base_url, "m")


# --- roles --------------------------------------------------------------------------------------

READ: list[Message] = [
    UserMessage("Read a"),
    AssistantMessage("", (CALL,)),
    ToolMessage(CALL.id, "text of a"),
]
ORDERS: dict[str, tuple[list[Message], str]] = {
    "after a completion": ([*READ, UserMessage("Next")], "uatau"),
    "after a failed request": ([UserMessage("A"), UserMessage("B"), UserMessage("C")], "uauau"),
    "steering behind two results": (
        [
            UserMessage("Read"),
            AssistantMessage("", (CALL, ToolCall("2", "read_file", "{}"))),
            ToolMessage(CALL.id, "a"),
            ToolMessage("2", "b"),
            UserMessage("Stop"),
            UserMessage("Now"),
        ],
        "uattauau",
    ),
    "an image in a result": (
        [*READ[:2], ToolMessage(CALL.id, "x", images=(RED,)), AssistantMessage("ok"), READ[0]],
        "uatauau",
    ),
    "an answer that broke off": (
        [UserMessage("A"), AssistantMessage("I th"), AssistantMessage("ink")],
        "uaua",
    ),
}
ROLE_WORDS: dict[str, Callable[[], Reply]] = {
    "Mistral": lambda: error(
        "Unexpected role 'user' after role 'tool'",
        type="invalid_request_message_order",
    ),
    "a template at vLLM": lambda: error(
        "After the optional system message, conversation roles must alternate user and assistant "
        "roles except for tool calls and results."
    ),
    "a template at llama.cpp": lambda: error(
        "Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...", 500
    ),
    "LM Studio, inside the stream": lambda: in_stream(
        'Error rendering prompt with jinja template: "Conversation roles must alternate"'
    ),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("words", ROLE_WORDS)
async def test_roles_take_turns_where_the_endpoint_wants_that(
    fake: FakeOpenAI, order: str, words: str
):
    messages, roles = ORDERS[order]
    first, second, known = await refused_once(
        fake, ROLE_WORDS[words](), messages, supports_images=True
    )
    assert "".join(each["role"][0] for each in second["messages"][1:]) == roles
    said = [each for each in second["messages"] if each in first["messages"]]
    assert said == first["messages"], "nothing is lost, and in order"
    assert "messages of one role in a row" in known[0]


async def test_a_refused_system_message_is_said_by_the_user(fake: FakeOpenAI):
    refusal = error("Jinja Exception: System role not supported", 500)
    _, second, _ = await refused_once(fake, refusal, [UserMessage("Hi")])
    assert [(each["role"], each["content"]) for each in second["messages"]] == [
        ("user", "Be brief."),
        ("assistant", "OK."),
        ("user", "Hi"),
    ]


async def test_a_form_that_changes_nothing_is_tried_no_second_time(fake: FakeOpenAI):
    fake.always(ROLE_WORDS["Mistral"]())
    memory = Memory()
    with pytest.raises(ProviderError, match="Unexpected role"):
        await asked(fake, [UserMessage("Hi")], memory)
    assert len(fake.chats) == 2
    assert memory.about(fake.base_url) == []


# --- ids, content, schemas -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        f"Tool call id was {CALL.id} but must be a-z, A-Z, 0-9, with a length of 9.",
        "Invalid 'messages[2].tool_calls[0].id': string too long. Expected one with maximum length 40.",
        "messages.1.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
    ],
)
async def test_ids_of_another_endpoint_are_made_short_and_plain(fake: FakeOpenAI, words: str):
    first, second, _ = await refused_once(fake, error(words), READ)
    assert first["messages"][2]["tool_calls"][0]["id"] == CALL.id
    [call] = second["messages"][2]["tool_calls"]
    assert re.fullmatch("[a-zA-Z0-9]{9}", call["id"])
    assert second["messages"][3]["tool_call_id"] == call["id"]


async def test_an_id_that_is_short_and_plain_stays_as_it_is(fake: FakeOpenAI):
    own = ToolCall("D681PevKs", "read_file", "{}")
    history = [*READ, AssistantMessage("", (own,)), ToolMessage(own.id, "b")]
    refusal = error("Tool call id was x but must be a-z, A-Z, 0-9, with a length of 9.")
    _, second, _ = await refused_once(fake, refusal, history)
    assert second["messages"][-1]["tool_call_id"] == own.id


@pytest.mark.parametrize(
    "refusal",
    [
        status(422, {"detail": [{"loc": ["body", "messages", 1, "content"], "msg": "Input should be a valid string"}]}),
        error("Invalid value for 'content': expected a string, got null."),
        error('can only concatenate str (not "NoneType") to str', 500),
        error("invalid message content type: <nil>"),
        in_stream("messages[2]: content is a required field"),
    ],
)  # fmt: skip
async def test_content_that_may_not_be_null_is_empty(fake: FakeOpenAI, refusal: Reply):
    first, second, _ = await refused_once(fake, refusal, READ)
    assert first["messages"][2]["content"] is None
    assert second["messages"][2]["content"] == ""


@pytest.mark.parametrize(
    "refusal",
    [
        error("Invalid JSON payload received. Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find field."),
        error("Proto field is not repeating, cannot start list."),
        error("json: cannot unmarshal array into Go struct field .tools.function.parameters.properties.type of type string"),
        error("tools.function.parameters is not a valid moonshot flavored json schema, details: <...>"),
        error("Invalid schema for function 'read_file': unsupported keyword"),
        error("Invalid schema for function 'read_file'", 422, param="tools[0].function.parameters"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("strict", [True, False])
async def test_an_endpoint_that_knows_part_of_json_schema_gets_that_part(
    fake: FakeOpenAI, refusal: Reply, strict: bool
):
    first, second, _ = await refused_once(fake, refusal, READ, strict_tools=strict)
    assert first["tools"] != second["tools"]
    function = second["tools"][0]["function"]
    assert "strict" not in function
    assert function["parameters"] == plain_schema(SPEC.parameters)


def test_a_plain_schema_has_nothing_but_what_everyone_knows():
    plain = plain_schema(SPEC.parameters)
    assert plain["required"] == ["path"]
    assert plain["properties"]["path"] == {"type": "string", "description": "Where."}
    assert plain["properties"]["kind"] == {"type": "string", "enum": ["a", "b"]}
    place = plain["properties"]["places"]["items"]
    assert place["properties"]["line"] == {"type": "integer"}
    assert place["properties"]["in"]["properties"]["line"] == {"type": "integer"}
    for tool in all_tools().values():
        schema = tool.schema()
        plain = plain_schema(schema)
        assert list(plain["properties"]) == list(schema["properties"])
        assert plain.get("required", []) == schema.get("required", [])
        assert not re.search(r'additionalProp|anyOf|\$|"type": \[|[:\[] ?null', json.dumps(plain))


@pytest.mark.parametrize(
    "words",
    [
        "Tool call validation failed: parameters for tool read_file did not match schema: errors: []",
        "Failed to call a function. code: tool_use_failed, schema",
        "No tool output found for function call call_abc.",
        "The content was filtered.",
    ],
)
async def test_what_is_about_something_else_is_told_and_not_tried_again(
    fake: FakeOpenAI, words: str
):
    fake.answers(error(words))
    with pytest.raises(ProviderError):
        await asked(fake, READ, Memory())
    assert len(fake.chats) == 1


async def test_several_forms_may_be_refused_one_after_another(fake: FakeOpenAI):
    fake.answers(
        error("Unexpected role 'user' after role 'tool'"),
        error("Tool call id was x but must be a-z, A-Z, 0-9, with a length of 9."),
        error("Unknown field: stream_options"),
        text("ok"),
    )
    memory = Memory()
    await asked(fake, [*READ, UserMessage("Next")], memory)
    assert len(fake.chats) == 4
    [known] = memory.about(fake.base_url, "m")
    assert known.count(",") == 2


# --- images -------------------------------------------------------------------------------------

PICTURED: list[Message] = [
    UserMessage("First", (RED,)),
    AssistantMessage("Red."),
    UserMessage("Second", (BLUE,)),
]


def pictures(body: Any) -> list[str]:
    return re.findall(r"base64,([\w=]+)", json.dumps(body))


def strict_about(taken: Sequence[str], refusal: Reply) -> Callable[[Request], Answer | Reply]:
    """An endpoint that takes no images but these."""
    return lambda request: text("ok") if set(pictures(request.json)) <= set(taken) else refusal


@pytest.mark.parametrize(
    "refusal",
    [
        error("You uploaded an unsupported image. Please make sure your image is valid."),
        error("image exceeds 5 MB maximum", 400),
        error("failed to process image", 500),
        status(413, "Request Entity Too Large"),
        error("Payload too large", 413),
        in_stream("Could not decode the image."),
    ],
)
async def test_an_image_that_is_refused_is_left_out_from_then_on(fake: FakeOpenAI, refusal: Reply):
    fake.always(strict_about([RED.data], refusal))
    memory = Memory()
    found = await asked(fake, PICTURED, memory, supports_images=True)
    [said] = [each for each in found if isinstance(each, AskedAgain)]
    assert "It is asked again without 1 image(s)" in said.reason
    assert [pictures(request.json) for request in fake.chats] == [
        [RED.data, BLUE.data],
        [RED.data],
    ]
    assert (
        "1 image(s) left out: the endpoint refused it"
        in fake.chats[1].json["messages"][3]["content"]
    )
    more = [*PICTURED, AssistantMessage("ok"), UserMessage("Third")]
    assert TextDelta("ok") in await asked(fake, more, memory, supports_images=True)
    assert pictures(fake.chats[-1].json) == [RED.data]
    assert len(fake.chats) == 3
    assert "1 image(s) that it was sent" in memory.about(fake.base_url, "m")[0]


@pytest.mark.parametrize(
    "refusal",
    [
        error("No endpoints found that support image input", 404),
        error("this model does not support image input (ref: 1)"),
        error("Failed to deserialize: messages[7]: unknown variant `image_url`, expected `text`"),
        error("image input is not supported - hint: you may need to provide the mmproj", 500),
        error("m is not a multimodal model"),
        error("Invalid content type. image_url is only supported by certain models."),
    ],
)
async def test_a_model_that_takes_no_images_is_never_sent_another(fake: FakeOpenAI, refusal: Reply):
    fake.always(strict_about([], refusal))
    memory = Memory()
    await asked(fake, PICTURED, memory, supports_images=True)
    assert [pictures(request.json) for request in fake.chats] == [[RED.data, BLUE.data], []]
    await asked(fake, [UserMessage("Look", (GREEN,))], memory, supports_images=True)
    assert "the endpoint says that this model takes none" in fake.chats[-1].body.decode()
    assert len(fake.chats) == 3


async def test_many_images_that_add_up_are_left_out_in_few_tries(fake: FakeOpenAI):
    images = [Image("image/png", f"QUFB{number:04}") for number in range(40)]
    history: list[Message] = [UserMessage("Look", (image,)) for image in images]
    fake.always(lambda r: text("ok") if len(pictures(r.json)) < 20 else status(413, "too large"))
    await asked(fake, history, Memory(), supports_images=True)
    assert len(fake.chats) <= 7
    assert pictures(fake.chats[-1].json)[0] == images[0].data


async def test_a_413_that_is_not_about_the_images_teaches_nothing_of_them(fake: FakeOpenAI):
    fake.always(status(413, "too large"))
    memory = Memory()
    with pytest.raises(ProviderError) as caught:
        await asked(fake, PICTURED, memory, supports_images=True)
    assert caught.value.code == "context_overflow"
    fake.always(text("ok"))
    await asked(fake, PICTURED, memory, supports_images=True)
    assert pictures(fake.chats[-1].json) == [RED.data, BLUE.data]


@pytest.mark.parametrize("code", [401, 402, 403, 429, 503])
async def test_other_failures_of_a_request_with_images_are_not_about_them(
    fake: FakeOpenAI, code: int
):
    fake.always(error("The image service says no", code))
    with pytest.raises(ProviderError):
        await asked(fake, PICTURED, Memory(), supports_images=True)
    assert len(fake.chats) == 1
