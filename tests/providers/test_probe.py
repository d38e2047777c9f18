"""The endpoint test and discovery, against endpoints good and bad."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest

from roo_lsp.providers.discovery import Found, discover
from roo_lsp.providers.endpoint import Endpoint, Timeouts
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.probe import CHECKS, Check, list_models, probe, red_square
from tests.support.fake_openai import FakeOpenAI, Script, call, hang, raw, status, text

OK = text("ok").using(10, 1)
CALL = call("read_file", {"path": "README.md"}, pieces=3)
TWO = call("read_file", {"path": "a.txt"}) + call("read_file", {"path": "b.txt"})


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(models=["my-model", "my-other-model", "embedder"]) as server:
        yield server


def endpoint(fake: FakeOpenAI, **settings: Any) -> Endpoint:
    given: dict[str, Any] = {"base_url": fake.base_url, "model": "my-model", "api_key": "k"}
    return Endpoint(**(given | settings))


async def checks(fake: FakeOpenAI, *scripts: Script, **settings: Any) -> dict[str, Check]:
    fake.answers(*scripts)
    seen: list[Check] = []
    found = await probe(endpoint(fake, **settings), seen.append)
    assert seen == found
    assert tuple(check.name for check in found) == CHECKS
    return {check.name: check for check in found}


def states(found: dict[str, Check]) -> str:
    """One letter a check, in order: o(k), f(ailed), s(kipped)."""
    return "".join(check.status[0] for check in found.values())


async def test_a_good_endpoint_passes_everything(fake: FakeOpenAI):
    found = await checks(fake, OK, CALL, TWO, text("The Grand Title"), OK, supports_images=True)
    assert states(found) == "ooooooooo"
    assert "3 models" in found["connect"].message
    assert fake.chats[3].json["messages"][-1]["role"] == "tool"
    assert "image_url" in fake.chats[4].body.decode()


async def test_images_are_not_tried_unless_configured(fake: FakeOpenAI):
    assert states(await checks(fake, OK, CALL, TWO, OK)) == "oooooooos"


async def test_an_endpoint_that_is_not_there_leaves_the_rest_untried(fake: FakeOpenAI):
    async with FakeOpenAI() as gone:
        address = gone.base_url
    found = await checks(fake, base_url=address)
    assert states(found) == "fssssssss"
    assert (found["connect"].code, "refused" in found["connect"].message) == (
        "connection_failed",
        True,
    )


async def test_an_address_that_is_none_is_said_first(fake: FakeOpenAI):
    found = await checks(fake, base_url="nonsense")
    assert (states(found), found["connect"].code) == ("fssssssss", "settings_invalid")


async def test_a_key_that_the_list_of_models_refuses(fake: FakeOpenAI):
    fake.models_reply = status(401, {"error": {"message": "Incorrect API key"}})
    found = await checks(fake)
    assert states(found) == "ofsssssss"
    assert "roo.provider.apiKeyEnv" in found["key"].hint


async def test_a_key_that_only_the_chat_refuses(fake: FakeOpenAI):
    """OpenRouter lists its models to everybody."""
    found = await checks(fake, status(401, {"error": {"message": "No auth credentials found"}}))
    assert states(found) == "ofsssssss"


async def test_a_model_that_is_not_there_comes_with_near_matches(fake: FakeOpenAI):
    found = await checks(fake, status(404, {"error": "model not found"}), model="My-Modell")
    assert states(found) == "oofssssss"
    assert found["model"].code == "model_not_found"
    assert "my-model" in found["model"].hint
    assert "embedder" not in found["model"].hint


async def test_no_list_of_models_is_no_obstacle(fake: FakeOpenAI):
    fake.models_reply = status(404, "404 page not found")
    assert states(await checks(fake, OK, CALL, TWO, OK)) == "oooooooos"


async def test_a_call_printed_as_text_is_named_so(fake: FakeOpenAI):
    for words in (
        '{"name": "read_file", "arguments": {"path": "README.md"}}',
        "<tool_call>\n{}",
        "[TOOL_CALLS]read_file{}",
        'read_file(path="README.md")',
    ):
        found = await checks(fake, OK, text(words))
        assert states(found) == "oooofssos"
        assert found["tool_call"].code == "tool_calling_unsupported"
        assert "as text" in found["tool_call"].message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (text("README says hello"), "no tool call"),
        (call("read_file", "{'path': }"), "not a JSON object"),
        (call("write_poem", {}), "write_poem"),
        (status(400, {"error": {"message": "m does not support tools"}}), "does not support tools"),
    ],
)
async def test_a_call_that_is_none_says_what_is_wrong(fake: FakeOpenAI, script: Script, words: str):
    found = await checks(fake, OK, script)
    assert states(found) == "oooofssos"
    assert found["tool_call"].code == "tool_calling_unsupported"
    assert words in found["tool_call"].message


async def test_one_failure_does_not_hide_the_independent_ones(fake: FakeOpenAI):
    broken = status(500, {"error": {"message": "boom"}})
    found = await checks(fake, broken, CALL, CALL, broken)
    assert states(found) == "ooofofffs"
    assert found["stream"].message.endswith("boom")
    assert "two were asked" in found["parallel"].message
    assert found["usage"].hint


async def test_a_tool_call_that_failed_otherwise_does_not_hide_the_rest(fake: FakeOpenAI):
    """llama.cpp's parser fails now and then, with 500 or inside the stream."""
    found = await checks(fake, OK, status(500, {"error": {"message": "peg-native"}}), TWO, OK)
    assert states(found) == "oooofooos"
    assert fake.chats[3].json["messages"][-1]["tool_call_id"] == "call_invented1"


async def test_a_silent_endpoint_is_waited_for_once(fake: FakeOpenAI):
    found = await checks(fake, hang(), timeouts=Timeouts(first_token=0.05))
    assert states(found) == "ooofsssss"
    assert "firstToken" in found["stream"].hint


async def test_models_are_listed_and_a_failure_is_no_empty_list(fake: FakeOpenAI):
    assert await list_models(endpoint(fake)) == ["my-model", "my-other-model", "embedder"]
    fake.models_reply = status(200, [{"id": "a"}, {"id": "a"}, {"name": "b"}, "c", 7])
    assert await list_models(endpoint(fake)) == ["a", "b", "c"]
    for reply in (
        status(500, "no"),
        status(200, {"object": "error"}),
        raw(b"<html>", content_type="text/html"),
        status(200, "nonsense"),
    ):
        fake.models_reply = reply
        with pytest.raises(ProviderError):
            await list_models(endpoint(fake))


async def test_local_servers_are_found_and_others_left_alone(fake: FakeOpenAI):
    async with FakeOpenAI() as no_models, FakeOpenAI() as silent, FakeOpenAI() as gone:
        no_models.models_reply = status(404, "not here")
        silent.models_reply = hang()
        closed = gone.port
        await gone.__aexit__(None, None, None)
        ports = {no_models.port: "a", silent.port: "b", closed: "c", fake.port: "Ollama"}
        assert await discover(ports, within=0.2) == [
            Found("Ollama", fake.base_url, ("my-model", "my-other-model", "embedder"))
        ]


def test_the_test_image_is_a_png():
    assert base64.b64decode(red_square()).startswith(b"\x89PNG")


async def test_checks_are_plain_values_for_a_client(fake: FakeOpenAI):
    found = await checks(fake, OK, CALL, TWO, OK)
    assert json.loads(json.dumps(asdict(found["tool_call"]))).keys() == {
        "name",
        "status",
        "message",
        "code",
        "hint",
    }
