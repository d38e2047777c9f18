"""Profiles, modes and the endpoint over LSP: which endpoint is asked, and what is told of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from roo_lsp import endpoints
from roo_lsp.providers.discovery import TriedPort
from tests.support.editor import NEOVIM, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, gated, raw, status, text

READ = call("read_file", {"path": "a.txt"})
PAGE = raw(b"<html><title>Login</title></html>", content_type="text/html")


@pytest.fixture
async def common() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(models=["common-model"]) as fake:
        fake.always(text("from common"))
        yield fake


@pytest.fixture
async def other() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(models=["other-model"]) as fake:
        fake.always(text("from other"))
        yield fake


def settings(common: FakeOpenAI, other: FakeOpenAI, **more: Any) -> dict[str, Any]:
    """Two endpoints: the common one, and one that is a profile."""
    there = {"baseUrl": other.base_url, "modelId": "other-model"}
    return {
        "provider": {"baseUrl": common.base_url, "modelId": "common-model", "temperature": 0.5},
        "profiles": {"there": {"provider": there}, "cool": {"provider": {"temperature": 0}}},
        **more,
    }


async def said(it: FakeEditor, **arguments: Any) -> str:
    started = await it.run("roo.task.start", {"prompt": "Hello", "wait": True, **arguments})
    return started["result"]


async def refused(it: FakeEditor, command: str, argument: Any) -> JsonRpcException:
    with pytest.raises(JsonRpcException) as caught:
        await it.run(command, argument)
    return caught.value


# --- profiles -----------------------------------------------------------------------------------


async def test_a_profile_is_laid_over_the_rest_for_the_tasks_that_name_it(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    async with editor(NEOVIM, tmp_path, settings(common, other)) as it:
        assert await said(it) == "from common"
        assert await said(it, profile="there") == "from other"
        assert await said(it, profile="cool") == "from common"
    assert other.chats[0].json["model"] == "other-model"
    assert other.chats[0].json["temperature"] == 0.5
    assert [each.json["temperature"] for each in common.chats] == [0.5, 0]


async def test_the_active_profile_is_the_settings_or_the_environments(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with editor(NEOVIM, tmp_path, settings(common, other, profile="there")) as it:
        assert await said(it) == "from other"
        shown = await it.run("roo.status")
        assert shown["provider"]["baseUrl"] == other.base_url
        assert (shown["model"], shown["profile"]) == ("other-model", "there")
    monkeypatch.setenv("ROO_PROFILE", "cool")
    async with editor(NEOVIM, tmp_path, settings(common, other, profile="there")) as it:
        assert await said(it) == "from common"


async def test_a_profile_is_set_for_a_running_task_from_its_next_request_on(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    async with editor(NEOVIM, tmp_path, settings(common, other)) as it:
        go_on = asyncio.Event()
        common.answers(gated(READ, go_on))
        task_id = await it.start("Hello")
        await common.chat(1)
        answer = await it.run("roo.profile.set", "there")
        assert answer == {"taskId": task_id, "profile": "there"}
        go_on.set()
        await it.ended()
        assert (len(common.chats), len(other.chats)) == (1, 1)
        assert other.chats[0].json["messages"][-1]["role"] == "tool"
        await it.run("roo.profile.set", {"profile": ""})
        await it.run("roo.task.send", "Go on")
        await common.chat(2)
        await it.ended()


async def test_a_mode_has_its_profile_and_changing_it_changes_the_endpoint(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("a")
    by_mode = settings(common, other, modeProfiles={"ask": "there"})
    async with editor(NEOVIM, tmp_path, by_mode) as it:
        assert await said(it, mode="ask") == "from other"
        assert await it.run("roo.profile.list") == {
            "profiles": ["cool", "there"],
            "profile": "",
            "modeProfiles": {"ask": "there"},
        }
        go_on = asyncio.Event()
        common.answers(gated(READ, go_on))
        task_id = await it.start("Hello", mode="code")
        await common.chat(1)
        await it.run("roo.mode.set", "ask")
        go_on.set()
        await it.ended(task_id)
        assert (len(common.chats), len(other.chats)) == (1, 2)


async def test_an_unknown_profile_is_told_with_the_names_there_are(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    wrong = settings(common, other, profile="thre", modeProfiles={"ask": "col"})
    async with editor(NEOVIM, tmp_path, wrong) as it:
        words = "there is no profile 'thre'; there are: cool, there"
        await it.until(lambda: any(words in m.message for m in it.client.messages))
        assert {each["path"] for each in (await it.run("roo.status"))["settingsProblems"]} == {
            "roo.profile",
            "roo.modeProfiles.ask",
        }
        await it.start("Hello")
        error = (await it.ended())["error"]
        assert error["code"] == "settings_invalid"
        assert "there are: cool, there" in error["message"]
        for command in ("roo.profile.set", "roo.provider.test", "roo.provider.models"):
            caught = await refused(it, command, "thre")
            assert (caught.code, "there are: cool, there" in caught.message) == (-32602, True)
        assert not common.requests + other.requests


# --- the endpoint -------------------------------------------------------------------------------


async def test_what_was_learnt_is_in_the_status_and_the_test_finds_out_anew(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    refusal = status(400, {"error": {"message": "Unknown parameter: 'stream_options'"}})
    async with editor(NEOVIM, tmp_path, settings(common, other)) as it:
        common.answers(refusal)
        assert await said(it) == "from common"
        shown = await it.run("roo.status")
        assert shown["provider"]["learnt"] == ["common-model: it does not take stream_options"]
    common.requests.clear()
    async with editor(NEOVIM, tmp_path, settings(common, other)) as it:
        assert await said(it) == "from common"
        assert "stream_options" not in common.chats[0].json
        common.answers(refusal)
        report = await it.run("roo.provider.test", {"wait": True})
        assert report["learnt"] == ["it does not take stream_options"]
        common.answers(refusal)
        await it.run("roo.provider.test")
        told = "Learnt about this endpoint: it does not take stream_options."
        await it.until(lambda: any(told in m.message for m in it.client.messages))
        assert (await it.run("roo.provider.test", {"wait": True})).get("learnt") is None
        assert (await it.run("roo.status"))["provider"]["learnt"] == []


async def test_the_test_of_a_profile_reports_as_it_goes_and_names_failures_as_the_field_does(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    async with editor(NEOVIM, tmp_path, settings(common, other)) as it:
        other.always(status(401, {"error": {"message": "Incorrect key"}}))
        assert await it.run("roo.provider.test", "there") == {"started": True}
        await it.until(lambda: any("cannot run" in m.message for m in it.client.messages))
        message = next(m.message for m in it.client.messages if "cannot run" in m.message)
        assert f"other-model at {other.base_url}" in message
        assert "key: Invalid API key: " in message
        assert "Incorrect key" in message
        lines = [value["message"] for _, value in it.values if value["kind"] == "report"]
        assert lines[0].startswith("connect: ok. ")
        assert not common.requests


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (status(404, "no such page"), "has no list of models"),
        (status(401, {"error": {"message": "who are you"}}), "who are you"),
        (PAGE, "a web page (HTML)"),
        (status(200, {"object": "error"}), "did not answer with a list of models"),
        (raw(b"[" * 100_000, content_type="application/json"), "did not answer with a list"),
    ],
)
async def test_a_failure_to_list_models_is_told_and_never_an_empty_list(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path, reply: Any, words: str
) -> None:
    async with editor(NEOVIM, tmp_path, settings(common, other)) as it:
        assert await it.run("roo.provider.models", "there") == {"models": ["other-model"]}
        common.models_reply = reply
        caught = await refused(it, "roo.provider.models", {})
        assert caught.code == -32803
        assert words in caught.message


async def test_without_an_endpoint_the_ports_that_were_tried_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def discover() -> Sequence[TriedPort]:
        return [TriedPort(11434, "Ollama"), TriedPort(8080, "llama.cpp", answers=True)]

    monkeypatch.setattr(endpoints, "discover", discover)
    async with editor(NEOVIM, tmp_path, {}) as it:
        report = await it.run("roo.provider.test", {"wait": True})
        assert (report["ok"], report["checks"][0]["code"]) == (False, "settings_invalid")
        assert "11434 (Ollama); what answers at 8080 (llama.cpp)" in report["checks"][0]["message"]


async def test_the_wait_of_a_rate_limit_is_an_event_and_can_be_cancelled(
    common: FakeOpenAI, other: FakeOpenAI, tmp_path: Path
) -> None:
    slow = settings(common, other)
    slow["provider"]["rateLimitSeconds"] = 3600
    async with editor(NEOVIM, tmp_path, slow) as it:
        assert await said(it) == "from common"
        task_id = await it.start("Again")
        wait = await it.event("_retry")
        assert wait["attempt"] == 0
        lines = [value["message"] for _, value in it.values if "_retry" in str(value)]
        assert "requests start 3600 s apart" in lines[0]
        assert (await it.run("roo.task.cancel"))["cancelled"]
        assert (await it.ended(task_id))["stopReason"] == "cancelled"
        assert len(common.chats) == 1
