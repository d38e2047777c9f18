"""Which of the two APIs works at an endpoint: both are tried, and the better one is named."""

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest

from roo_lsp.providers.apis import compared
from roo_lsp.providers.endpoint import Endpoint
from tests.providers.responses_quirks import done, ends, fcall, stream, thought
from tests.support.fake_openai import FakeOpenAI, Reply, Script, call, status, text

GOOD = call("read_file", {"path": "README.md"})
NO: Reply = status(404, "no such path")
THINKING = stream(
    done(0, thought(encrypted_content="AbC=")), done(1, fcall(0, '{"path": "README.md"}')), ends()
)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


Api = Literal["auto", "chat", "responses"]


async def said(fake: FakeOpenAI, chat: Script, responses: Script, api: Api = "auto") -> str:
    def by_path(request: Any) -> Any:
        return responses if request.path.endswith("/responses") else chat

    fake.always(by_path)
    found = await compared(Endpoint(fake.base_url, "m", api=api))
    paths = [request.path.removeprefix("/v1") for request in fake.chats]
    assert paths == ["/chat/completions", "/responses"]
    return found


async def test_where_both_work_the_common_one_does(fake: FakeOpenAI):
    told = await said(fake, GOOD, GOOD)
    assert told == "Both APIs work here; chat completions do as well as Responses."


async def test_where_reasoning_can_go_back_responses_are_better(fake: FakeOpenAI):
    told = await said(fake, GOOD, THINKING)
    assert "Responses are better" in told
    assert told.endswith('Set roo.provider.api to "responses".')


@pytest.mark.parametrize("api", ["auto", "chat"])
async def test_where_there_is_no_responses_api_that_is_said(fake: FakeOpenAI, api: Api):
    told = await said(fake, GOOD, NO, api)
    assert "Chat completions: a tool call came." in told
    assert "The Responses API: Nothing answers at" in told
    assert "Set roo.provider.api" not in told


async def test_where_the_api_that_is_set_does_not_work_the_other_is_named(fake: FakeOpenAI):
    told = await said(fake, GOOD, NO, "responses")
    assert told.endswith('Set roo.provider.api to "chat".')


async def test_where_only_responses_work_they_are_named(fake: FakeOpenAI):
    told = await said(fake, text("I cannot."), GOOD)
    assert (
        "The Responses API: a tool call came. Chat completions: The model made no tool call" in told
    )
    assert told.endswith('Set roo.provider.api to "responses".')


async def test_where_neither_works_the_checks_have_told_why(fake: FakeOpenAI):
    assert await said(fake, NO, NO) == ""
