"""From settings to a model: what is remembered, profiles, keys and their origins, pace, discovery."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from roo_lsp import endpoints
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import ChatRequest, TextDelta
from roo_lsp.endpoints import Connection, Passage
from roo_lsp.providers.discovery import TriedPort
from roo_lsp.providers.memory import Memory
from roo_lsp.settings_sources import COMMAND_LINE, Source, effective
from roo_lsp.workspace.trust import PROMPTS, TrustStore
from tests.support.fake_openai import WAIT, FakeOpenAI, status, text

HELLO = ChatRequest("Be brief.", [UserMessage("Hello")])
KEY = "sk-canary-0123456789"
REFUSED = status(400, {"error": {"message": "Unsupported parameter: 'max_completion_tokens'"}})


async def nobody(passage: Passage) -> bool:
    raise AssertionError(f"asked about {passage}")


@asynccontextmanager
async def connection(folder: Path) -> AsyncGenerator[Connection]:
    """What one process has, on a state folder."""
    made = Connection(TrustStore(folder / "trust.json"), Memory(folder / "endpoints.json"))
    try:
        yield made
    finally:
        await made.close()


def own(**settings: Any) -> Source:
    """The user's own file."""
    return Source("settings.json", settings)


async def answered(
    made: Connection, *sources: Source, profile: str = "", events: list[Any] | None = None
) -> list[Any]:
    emit = (events if events is not None else []).append
    model = await made.model(effective(sources), profile, emit, nobody)
    async with asyncio.timeout(WAIT), aclosing(model.stream(HELLO)) as deltas:
        return [delta async for delta in deltas]


async def refused(made: Connection, *sources: Source, profile: str = "") -> RooError:
    with pytest.raises(RooError) as caught:
        await answered(made, *sources, profile=profile)
    return caught.value


# --- what is remembered -------------------------------------------------------------------------


async def test_what_an_endpoint_refused_is_known_in_the_next_process(tmp_path: Path):
    async with FakeOpenAI() as fake, connection(tmp_path) as one, connection(tmp_path) as other:
        base_url = f"{fake.origin.replace('//', '//me:pass-word-1@')}/v1?api-key={KEY}"
        settings = own(
            provider={"baseUrl": base_url, "modelId": "m", "apiKey": KEY},
            model={"maxOutputTokens": 9},
        )
        fake.answers(REFUSED, text("ok"), text("ok"))
        assert TextDelta("ok") in await answered(one, settings)
        assert TextDelta("ok") in await answered(other, settings)
        assert [("max_tokens" in each.json) for each in fake.chats] == [False, True, True]
        told = ["it does not take max_completion_tokens (max_tokens is sent)"]
        assert other.learnt(base_url, "m") == told

        seen: list[Any] = []
        endpoint = await other.endpoint(effective([settings]), "", nobody)
        fake.always(text("ok"))
        _, learnt, _ = await other.examine(endpoint, seen.append)
        assert learnt == one.learnt(base_url) == []
        assert "max_completion_tokens" in fake.chats[3].json
    kept = (tmp_path / "endpoints.json").read_text()
    for secret in (KEY, "pass-word-1", "api-key", "?"):
        assert secret not in kept


# --- profiles -----------------------------------------------------------------------------------


async def test_an_unknown_profile_is_told_with_those_there_are_and_nothing_is_sent(tmp_path: Path):
    async with FakeOpenAI() as fake, connection(tmp_path) as made:
        provider = {"baseUrl": fake.base_url, "modelId": "m"}
        error = await refused(
            made, own(provider=provider, profiles={"b": {}, "a": {}}), profile="x"
        )
        assert (error.code, error.message) == (
            "settings_invalid",
            "There is no profile 'x'; there are: a, b.",
        )
        error = await refused(made, own(provider=provider), profile="x")
        assert error.message == "There is no profile 'x'; none is set up."
        assert not fake.requests


async def test_the_command_line_is_stronger_than_a_profile(tmp_path: Path):
    async with FakeOpenAI() as fake, FakeOpenAI() as other, connection(tmp_path) as made:
        fake.always(text("ok"))
        there = {"baseUrl": other.base_url, "modelId": "big", "headers": {"X-Team": "blue"}}
        settings = own(profiles={"theirs": {"provider": there}})
        line = Source(COMMAND_LINE, {"provider": {"baseUrl": fake.base_url}})
        await answered(made, settings, line, profile="theirs")
        assert fake.chats[0].json["model"] == "big"
        assert fake.chats[0].headers["x-team"] == "blue"
        assert not other.requests


async def test_a_profiles_key_goes_to_the_profiles_origin_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COMMON_KEY", "common-1234567")
    monkeypatch.setenv("CLOUD_KEY", "cloud-1234567")
    async with FakeOpenAI() as fake, FakeOpenAI() as cloud, connection(tmp_path) as made:
        for each in (fake, cloud):
            each.always(text("ok"))
        settings = own(
            provider={"baseUrl": fake.base_url, "modelId": "m", "apiKeyEnv": "COMMON_KEY"},
            profiles={
                "cloud": {"provider": {"baseUrl": cloud.base_url, "apiKeyEnv": "CLOUD_KEY"}},
                "keyless": {"provider": {"apiKeyEnv": ""}},
            },
        )
        for profile in ("", "cloud", "keyless", ""):
            await answered(made, settings, profile=profile)
        sent = [each.headers.get("authorization") for each in fake.chats]
        assert sent == ["Bearer common-1234567", None, "Bearer common-1234567"]
        assert [each.headers.get("authorization") for each in cloud.chats] == [
            "Bearer cloud-1234567"
        ]


async def test_an_address_that_came_over_the_editor_gets_no_key_without_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked: list[Passage] = []
    async with FakeOpenAI() as fake, connection(tmp_path) as made:
        overlay = {"provider": {"baseUrl": fake.base_url, "modelId": "m"}}
        channel = Source("workspace/configuration", {"profiles": {"p": overlay}}, trusted=False)

        async def no(passage: Passage) -> bool:
            asked.append(passage)
            return False

        with pytest.raises(RooError, match="ROO_TRUST_ORIGINS"):
            await made.endpoint(effective([channel]), "p", no)
        assert asked == [Passage(fake.origin, ("OPENAI_API_KEY",))]


FAR = "https://far.example"


@pytest.mark.parametrize(
    ("environ", "names", "goods"),
    [
        ({}, (PROMPTS,), "your prompts and code"),
        (
            {"OPENAI_API_KEY": KEY},
            (PROMPTS, "OPENAI_API_KEY"),
            "your prompts, code and the key OPENAI_API_KEY",
        ),
    ],
)
async def test_prompts_go_to_an_origin_of_the_channel_after_one_question_with_the_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    names: tuple[str, ...],
    goods: str,
):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    channel = Source(
        "workspace/configuration",
        {"provider": {"baseUrl": f"{FAR}/v1", "modelId": "m"}},
        trusted=False,
    )
    asked: list[Passage] = []

    async def yes(passage: Passage) -> bool:
        asked.append(passage)
        return True

    async with connection(tmp_path) as made:
        found = effective([channel])
        assert made.passage(found, "") == Passage(FAR, names)
        await made.endpoint(found, "", yes)
        assert (asked, asked[0].goods) == ([Passage(FAR, names)], goods)
        await made.endpoint(found, "", nobody)
        assert made.passage(found, "") is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/v1", "http://localhost:1/v1", "http://[::1]:1"]
)
async def test_prompts_go_to_this_machine_unasked(tmp_path: Path, url: str):
    provider = {"baseUrl": url, "modelId": "m"}
    async with connection(tmp_path) as made:
        channel = Source("workspace/configuration", {"provider": provider}, trusted=False)
        await made.endpoint(effective([channel]), "", nobody)


@pytest.mark.parametrize("url", ["http://localhost.far.example", "http://127.0.0.1.far.example"])
async def test_a_name_that_only_begins_like_this_machine_is_not_it(tmp_path: Path, url: str):
    provider = {"baseUrl": url, "modelId": "m"}
    async with connection(tmp_path) as made:
        channel = Source("workspace/configuration", {"provider": provider}, trusted=False)
        assert made.passage(effective([channel]), "") == Passage(url, (PROMPTS,))


async def test_what_the_user_named_is_asked_about_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with connection(tmp_path) as made:
        found = effective([own(provider={"baseUrl": f"{FAR}/v1", "modelId": "m"})])
        await made.endpoint(found, "", nobody)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{FAR}/v1")
    async with connection(tmp_path) as made:
        await made.endpoint(effective([own(provider={"modelId": "m"})]), "", nobody)


@pytest.mark.parametrize("url", ["ftp://h/v1", "nonsense", "http://[::1", "http://h:99999/v1"])
async def test_an_address_that_is_none_is_told(tmp_path: Path, url: str):
    async with connection(tmp_path) as made:
        error = await refused(made, own(provider={"baseUrl": url, "modelId": "m"}))
    assert (error.code, "roo.provider.baseUrl" in error.message) == ("settings_invalid", True)


# --- pace ---------------------------------------------------------------------------------------


async def test_all_tasks_of_a_server_share_a_pace_and_the_wait_is_told(tmp_path: Path):
    async with FakeOpenAI() as fake, FakeOpenAI() as other, connection(tmp_path) as made:
        fake.always(text("ok"))
        other.always(text("ok"))
        provider = {"modelId": "m", "rateLimitSeconds": 3600}
        settings = own(provider={**provider, "baseUrl": fake.base_url})
        first: list[Any] = []
        await answered(made, settings, events=first)
        assert first == []
        second: list[Any] = []
        said = asyncio.Event()

        def emit(event: Any) -> None:
            second.append(event)
            said.set()

        model = await made.model(effective([settings]), "", emit, nobody)
        waiting = asyncio.ensure_future(anext(model.stream(HELLO)))
        async with asyncio.timeout(WAIT):
            await said.wait()
        update = second[0].update
        assert (update["sessionUpdate"], update["attempt"]) == ("_retry", 0)
        assert 3500 < update["delay"] <= 3600
        assert "roo.provider.rateLimitSeconds" in update["reason"]
        assert second[0].line.startswith("Next request in 3")
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(fake.chats) == 1
        await answered(made, own(provider={**provider, "baseUrl": other.base_url}))
        assert len(other.chats) == 1, "another endpoint has a pace of its own"


# --- discovery ----------------------------------------------------------------------------------


async def test_a_found_server_gets_no_key_and_the_test_says_how_it_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with FakeOpenAI(models=["qwen3"]) as fake, connection(tmp_path) as made:
        fake.always(text("ok"))
        tried = [
            TriedPort(fake.port, "Ollama", answers=True, models=("qwen3",)),
            TriedPort(1, "LM Studio", answers=True, models=("x",)),
        ]

        async def discover() -> list[TriedPort]:
            return tried

        monkeypatch.setattr(endpoints, "discover", discover)
        assert TextDelta("ok") in await answered(made, own())
        assert "authorization" not in fake.chats[0].headers
        endpoint = await made.endpoint(effective([]), "", nobody)
        assert f"this is Ollama at {fake.base_url}, the first" in endpoint.note
        assert "Also there: LM Studio" in endpoint.note
        tried[:] = [TriedPort(port, "x") for port in (11434, 1234)]
        error = await refused(made, own())
    assert error.code == "settings_invalid"
    assert "11434 (x), 1234 (x)" in error.message
