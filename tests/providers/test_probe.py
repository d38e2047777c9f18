"""The endpoint test and discovery, against endpoints good and bad."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest

from roo_lsp.providers.discovery import TriedPort, choose, discover, nothing, why
from roo_lsp.providers.endpoint import Endpoint, Timeouts
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.probe import CHECKS, Check, list_models, probe, red_square
from tests.support.fake_openai import (
    FakeOpenAI,
    Script,
    call,
    hang,
    raw,
    reasoning,
    status,
    text,
)
from tests.support.passing import hurried, passing_time

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


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        (text('{"name": "read_file", "arguments": {"path": "README.md"}}'), "JSON"),
        (text('<tool_call>\n{"name": "read_file"}\n</tool_call>'), "<tool_call>"),
        (text('[TOOL_CALLS]read_file{"path": "a"}'), "[TOOL_CALLS]"),
        (reasoning('I call <tool_call>\n{"name": "read_file"}'), "in its reasoning"),
    ],
)
async def test_a_call_printed_as_text_is_named_so(fake: FakeOpenAI, answer: Script, form: str):
    found = await checks(fake, OK, answer)
    assert states(found) == "oooofssos"
    assert found["tool_call"].code == "tool_calling_unsupported"
    assert found["tool_call"].title == "Tool-calling error"
    assert "as text" in found["tool_call"].message
    assert form in found["tool_call"].message
    assert "--tool-call-parser" in found["tool_call"].hint


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (text("README says hello"), "no tool call"),
        (text(""), "said nothing (finish_reason stop)"),
        (reasoning("Which file?"), "only thought: Which file?"),
        (call("read_file", "{'path': }"), "not JSON: {'path': }"),
        (call("read_file", '["README.md"]'), "not a JSON object"),
        (call("read_file", '{"file": "a"}'), "not those of the tool"),
        (call("read_file", '{"path": "a').ending("length"), "cut off in the middle"),
        (call("write_poem", {}), "write_poem"),
        (status(400, {"error": {"message": "m does not support tools"}}), "does not support tools"),
    ],
)
async def test_a_call_that_is_none_says_what_is_wrong(fake: FakeOpenAI, script: Script, words: str):
    found = await checks(fake, OK, script)
    assert states(found) == "oooofssos"
    assert found["tool_call"].code == "tool_calling_unsupported"
    assert words in found["tool_call"].message


@pytest.mark.parametrize(
    ("answer", "words", "hint"),
    [
        (text(""), "The answer is empty", "chat template"),
        (text("").ending("length"), "cut off before any word", "maxOutputTokens"),
        (reasoning("hm").ending("length"), "still thinking", "maxOutputTokens"),
        (raw(b"<html>Login</html>", content_type="text/html"), "a web page (HTML)", "baseUrl"),
        (status(200, {"error": {"message": "overloaded"}}), "overloaded", "Try again"),
    ],
)
async def test_an_answer_that_is_none_says_what_came(
    fake: FakeOpenAI, answer: Script, words: str, hint: str
):
    found = await checks(fake, answer, CALL, TWO, OK)
    assert states(found)[:4] == "ooof"
    assert found["stream"].code == "provider_error"
    assert found["stream"].title == "Unexpected result"
    assert words in found["stream"].message
    assert hint in found["stream"].hint


async def test_reasoning_and_answers_without_end_are_no_failure_but_told(fake: FakeOpenAI):
    found = await checks(fake, reasoning("Say ok."), CALL, TWO, text(""))
    assert states(found)[:7] == "ooooooo"
    assert "All of it was reasoning" in found["stream"].message
    assert "The answer is empty" in found["tool_result"].message
    found = await checks(fake, text("ok " * 1000, pieces=1000), CALL, TWO, OK)
    assert "was left after 301 pieces" in found["stream"].message
    assert "one word was asked for" in found["stream"].hint


@pytest.mark.parametrize("page", [status(404, "no such page"), status(200, "x"), None])
async def test_an_address_without_the_api_is_told_at_once(fake: FakeOpenAI, page: Script | None):
    html = raw(b"<!doctype html><title>App</title>", content_type="text/html")
    fake.models_reply = page or html
    fake.always(status(405, "Method Not Allowed") if page else html)
    found = await checks(fake, base_url=fake.origin)
    assert states(found) == "fssssssss"
    assert found["connect"].code == "connection_failed"
    assert "No OpenAI-compatible API is there." in found["connect"].message
    assert "roo.provider.baseUrl" in found["connect"].hint


# --- how much context the model has -------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "path", "page", "window"),
    [
        ({"max_model_len": 32768}, "", {}, 32768),
        ({"context_length": 200000, "top_provider": {"context_length": 65536}}, "", {}, 65536),
        ({"context_window": "131072"}, "", {}, None),
        (
            {"owned_by": "llamacpp", "meta": {"n_ctx_train": 262144}},
            "/props",
            {"default_generation_settings": {"n_ctx": 8192}},
            8192,
        ),
        ({"owned_by": "llamacpp", "meta": {"n_ctx_train": 262144}}, "/other", {}, 262144),
        (
            {"owned_by": "library"},
            "/api/ps",
            {"models": [{"name": "x"}, {"name": "my-model", "context_length": 4096}]},
            4096,
        ),
        (
            {"owned_by": "organization_owner"},
            "/api/v0/models",
            {
                "data": [
                    {"id": "my-model", "max_context_length": 131072, "loaded_context_length": 4096}
                ]
            },
            4096,
        ),
        ({"owned_by": "library"}, "/api/ps", [1, 2], None),
    ],
)
async def test_a_context_that_is_smaller_than_the_setting_is_told_with_its_number(
    fake: FakeOpenAI, entry: dict[str, Any], path: str, page: Any, window: int | None
):
    fake.models_reply = status(200, {"data": [{"id": "other"}, {"id": "my-model"} | entry]})
    fake.pages[path] = status(200, page)
    found = await checks(fake, OK, CALL, TWO, OK, context_window=128_000)
    message, hint = found["model"].message, found["model"].hint
    assert found["model"].status == "ok"
    if window is None:
        assert (message, hint) == ("The model is my-model.", "")
    elif window < 128_000:
        assert f"a context of {window} tokens; roo.model.contextWindow says 128000" in message
        assert f"Set roo.model.contextWindow to {window}" in hint
    else:
        assert (f"a context of {window} tokens." in message, hint) == (True, "")


async def test_a_model_that_is_not_listed_and_answers_is_told(fake: FakeOpenAI):
    """llama.cpp answers to any name."""
    found = await checks(fake, OK, CALL, TWO, OK, model="gpt-4")
    assert "not in the endpoint's list" in found["model"].message


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
    pass_time = passing_time()
    checking = asyncio.create_task(checks(fake, hang(), timeouts=Timeouts(first_token=20)))
    await fake.chat(1)
    pass_time(20)
    found = await checking
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
        assert await hurried(discover(ports, within=20)) == [
            TriedPort(no_models.port, "a", answers=True),
            TriedPort(silent.port, "b", answers=True),
            TriedPort(closed, "c"),
            TriedPort(fake.port, "Ollama", answers=True, models=tuple(fake.models)),
        ]


OLLAMA = TriedPort(11434, "Ollama", answers=True, models=("qwen3", "llama3"))
STUDIO = TriedPort(1234, "LM Studio", answers=True, models=("devstral",))
EMPTY = TriedPort(8080, "llama.cpp", answers=True, models=())
STRANGE = TriedPort(8080, "llama.cpp", answers=True)
SILENT = TriedPort(8000, "vLLM")


@pytest.mark.parametrize(
    ("tried", "model", "chosen", "words"),
    [
        ([OLLAMA, STUDIO], "", OLLAMA, "the first of the usual ports that lists a model"),
        ([OLLAMA, STUDIO], "devstral", STUDIO, "which has devstral"),
        ([OLLAMA, STUDIO], "gpt", OLLAMA, "the first of the usual ports"),
        ([EMPTY, STUDIO], "", STUDIO, "the first of the usual ports"),
        ([EMPTY, SILENT], "", EMPTY, "the only model server found"),
    ],
)
def test_the_server_that_is_taken_is_told_with_why_and_what_else_is_there(
    tried: list[TriedPort], model: str, chosen: TriedPort, words: str
):
    assert choose(tried, model) == chosen
    told = why(chosen, tried, model)
    assert words in told
    for other in tried:
        assert (str(other) in told) == (other.models is not None)


async def test_a_model_server_at_anothers_port_is_called_by_its_own_name(fake: FakeOpenAI):
    fake.models_reply = status(200, {"data": [{"id": "m", "owned_by": "vllm"}]})
    assert [each.name for each in await discover({fake.port: "llama.cpp"})] == ["vLLM"]


def test_a_port_where_something_else_answers_is_told_apart():
    assert choose([STRANGE, SILENT], "") is None
    told = nothing([STRANGE, SILENT])
    assert "nothing answers at the ports 8000 (vLLM); what answers at 8080 (llama.cpp)" in told


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
