"""Tasks over LSP: started, talked to, listed, replayed, resumed; and what is refused, in words."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from roo_lsp.workspace.sandbox import find
from tests.support.editor import EMACS, NEOVIM, PATIENCE, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, gated, hang, spoken, status, text
from tests.support.processes import asleep, ended


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


def words_of(request: Any) -> list[str]:
    return [spoken(m["content"]) for m in request.json["messages"] if m["role"] == "user"]


async def test_start_returns_at_once_and_wait_returns_at_the_end(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        go_on = asyncio.Event()
        fake.answers(gated(text("slow"), go_on, after=0), text("The answer").using(100, 20))
        task_id = await it.start("First")
        assert task_id
        go_on.set()
        await it.ended()
        result = await it.run("roo.task.start", {"prompt": "Second", "wait": True})
        assert result["stopReason"] == "end_turn"
        assert result["result"] == "The answer"
        assert result["usage"]["inputTokens"] == 100


@pytest.mark.parametrize(
    "arguments", [("Fix the bug",), ("Fix", "the", "bug"), ({"prompt": "Fix the bug"},)]
)
async def test_a_prompt_may_be_an_object_a_string_or_words(
    arguments: tuple[Any, ...], tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("ok"))
        await it.run("roo.task.start", *arguments)
        await it.ended()
        assert words_of(fake.chats[0]) == ["Fix the bug"]


@pytest.mark.parametrize(
    ("command", "arguments", "field"),
    [
        ("roo.task.start", ({},), "prompt"),
        ("roo.task.start", ({"prompt": ""},), "prompt"),
        ("roo.task.start", ({"prompt": 3},), "prompt"),
        ("roo.task.start", ({"prompt": "x", "mode": "nope"},), "mode"),
        ("roo.task.start", ({"prompt": "x", "profile": "nope"},), "profile"),
        ("roo.task.start", ({"prompt": "x", "promt": "y"},), "promt"),
        ("roo.task.start", (3,), "object"),
        ("roo.task.start", ({"prompt": "x"}, 3), "object"),
        ("roo.task.list", ({"limit": 0},), "limit"),
        ("roo.task.list", ("words",), "words"),
        ("roo.task.cancel", ({"taskId": "nope"},), "taskId"),
        ("roo.task.cancel", ({"taskId": "../../etc"},), "id of a task"),
        ("roo.approval.respond", ({"decision": "yes"},), "decision"),
        ("roo.task.delete", (), "taskId"),
    ],
)
async def test_a_bad_argument_is_named(
    command: str, arguments: tuple[Any, ...], field: str, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        with pytest.raises(JsonRpcException, match=field) as caught:
            await it.run(command, *arguments)
        assert caught.value.code == -32602
        assert await it.run("roo.status")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("roo.task.cancel", "no_task"),
        ("roo.approval.respond", "not_pending"),
        ("roo.checkpoint.list", "no_task"),
    ],
)
async def test_a_state_that_forbids_a_command_is_told_with_a_reason(
    command: str, reason: str, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        arguments = [{"decision": "allow_once"}] if "approval" in command else []
        with pytest.raises(JsonRpcException) as caught:
            await it.run(command, *arguments)
        assert caught.value.code == -32803
        assert caught.value.data == {"reason": reason}


async def test_a_follow_up_is_queued_and_reaches_the_model_with_the_next_request(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        go_on = asyncio.Event()
        fake.answers(gated(text("one"), go_on, after=0), text("two"), text("three"))
        task_id = await it.start("First")
        await fake.chat(1)
        assert await it.run("roo.task.send", "Also this") == {"taskId": task_id, "queued": True}
        go_on.set()
        await it.ended()
        assert words_of(fake.chats[1]) == ["First", "Also this"]
        assert await it.run("roo.task.send", "And that") == {"taskId": task_id, "queued": False}
        await fake.chat(3)
        await it.ended()


async def test_a_stored_task_is_listed_and_gone_on_with_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("content\n", "utf-8")
    async with FakeOpenAI() as fake:
        fake.answers(
            call("read_file", {"path": "a.txt"}, id="r1"), text("It says content."), text("Again.")
        )
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            task_id = await it.start("What does a.txt say?")
            await it.ended()
            last = it.events[-1]["seq"]
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            listed = await it.run("roo.task.list")
            assert [(t["taskId"], t["title"], t["state"]) for t in listed] == [
                (task_id, "What does a.txt say?", "idle")
            ]
            before = (await it.run("roo.task.replay"))["events"]
            assert [event["seq"] for event in before] == list(range(1, last + 1))
            await it.run("roo.task.resume", {"taskId": task_id, "text": "Say it again"})
            await it.ended()
            assert it.events[0]["seq"] == last + 1
            roles = [m["role"] for m in fake.chats[2].json["messages"]]
            assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


async def test_what_a_task_cost_goes_on_being_counted_after_a_restart(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        priced = settings(fake, model={"inputPrice": 1, "outputPrice": 10})
        fake.always(text("ok").using(1_000_000, 100_000))
        async with editor(NEOVIM, tmp_path, priced) as it:
            await it.start("First")
            await it.ended()
        async with editor(NEOVIM, tmp_path, priced) as it:
            await it.run("roo.task.resume", {"text": "More"})
            await it.ended()
            assert it.updates("usage_update")[-1]["cost"] == {"amount": 4.0, "currency": "USD"}
            listed = (await it.run("roo.task.list"))[0]
            assert (listed["cost"], listed["usage"]["inputTokens"]) == (4.0, 2_000_000)


async def test_a_cancelled_task_can_be_gone_on_with(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(call("write_to_file", {"path": "a", "content": "1"}, id="w1"), text("ok"))
        await it.start("Write")
        await it.event("_permission")
        await it.run("roo.task.cancel")
        assert (await it.ended())["stopReason"] == "cancelled"
        await it.run("roo.task.resume", {"text": "Never mind"})
        await fake.chat(2)
        assert (await it.ended())["stopReason"] == "end_turn"
        assert "the task was stopped" in fake.chats[1].json["messages"][-2]["content"]


async def test_replay_gives_pages(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("ok"))
        await it.start("Hello")
        await it.ended()
        first = await it.run("roo.task.replay", {"limit": 2})
        rest = await it.run("roo.task.replay", {"sinceSeq": first["nextSeq"]})
        assert first["events"] + rest["events"] == it.events


async def test_the_clients_own_token_carries_its_tasks_events(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("ok"))
        await it.client.workspace_execute_command_async(
            types.ExecuteCommandParams("roo.task.start", ["Hi"], work_done_token="mine")
        )
        await it.ended()
        assert {token for token, _ in it.values} == {"mine"}
        assert it.values[0][1]["kind"] == "begin"


async def test_changed_settings_hold_from_the_next_request_on(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("one"), text("two"))
        await it.start("First")
        await it.ended()
        assert "temperature" not in fake.chats[0].json
        changed = settings(fake)
        changed["provider"] |= {"temperature": 0.5, "modelId": "other"}
        it.client.set_configuration(changed, section="roo")
        it.client.workspace_did_change_configuration(types.DidChangeConfigurationParams({}))
        await it.run("roo.status")
        await _until_model(it, "other")
        await it.start("Second")
        await fake.chat(2)
        assert (fake.chats[1].json["temperature"], fake.chats[1].json["model"]) == (0.5, "other")


async def _until_model(it: FakeEditor, model: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await it.run("roo.status"))["model"] != model:
            pass


async def test_a_bad_setting_is_told_once_and_listed_in_the_status(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        bad = settings(fake, limits={"requests": "many"})
        async with editor(NEOVIM, tmp_path, bad) as it:
            await it.until(lambda: it.client.messages)
            assert it.client.messages[0].message == (
                'roo.limits.requests: expected a whole number ≥ 0, got "many"'
            )
            problems = {
                p["path"]: p["problem"] for p in (await it.run("roo.status"))["settingsProblems"]
            }
            assert "roo.limits.requests" in problems
            fake.answers(text("ok"))
            await it.start("Hello")
            await it.ended()
            assert len(it.client.messages) == 1


async def test_an_endpoints_error_is_told_in_words_with_a_code(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(status(401, {"error": {"message": "Incorrect API key provided"}}))
        result = await it.run("roo.task.start", {"prompt": "Hello", "wait": True})
        assert result["stopReason"] == "error"
        error = it.updates("_state")[-1]["error"]
        assert error["code"] == "invalid_api_key"
        assert "Incorrect API key provided" in error["message"]
        assert "apiKey" in error["hint"]
        fake.answers(text("ok"))
        await it.run("roo.task.send", "Again")
        await fake.chat(2)
        assert (await it.ended())["stopReason"] == "end_turn"


async def test_a_retry_is_an_event_before_the_wait(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(status(429, {"error": {"message": "slow"}}, {"Retry-After": "0"}), text("ok"))
        await it.start("Hello")
        assert (await it.ended())["stopReason"] == "end_turn"
        retry = it.updates("_retry")[0]
        assert (retry["attempt"], retry["status"]) == (1, 429)
        assert retry["delay"] < 1


async def test_ask_mode_offers_no_tool_that_changes_anything(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(call("write_to_file", {"path": "a", "content": "x"}), text("ok"))
        await it.start("Explain", mode="ask")
        await it.ended()
        names = {tool["function"]["name"] for tool in fake.chats[0].json["tools"]}
        assert names.isdisjoint({"write_to_file", "apply_diff", "execute_command"})
        assert "There is no tool 'write_to_file'" in fake.chats[1].json["messages"][-1]["content"]
        assert not (tmp_path / "a").exists()


async def test_a_mode_can_be_changed_within_a_task(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("one"), text("two"))
        await it.start("Explain", mode="ask")
        await it.ended()
        await it.run("roo.mode.set", "code")
        await it.run("roo.task.send", "Now do it")
        await fake.chat(2)
        names = {tool["function"]["name"] for tool in fake.chats[1].json["tools"]}
        assert "write_to_file" in names
        assert it.updates("current_mode_update")[-1]["currentModeId"] == "code"


async def test_export_open_and_delete(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(text("The answer"))
        task_id = await it.start("The question")
        await it.ended()
        exported = await it.run("roo.task.export")
        assert "The question" in exported["text"]
        assert "The answer" in exported["text"]
        opened = await it.run("roo.task.open")
        assert it.shown == [Path(opened["path"]).as_uri()]
        await it.run("roo.task.delete", {"taskId": task_id})
        assert await it.run("roo.task.list") == []


async def test_shutdown_in_mid_turn_answers_and_leaves_nothing_running(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            fake.answers(hang())
            await it.start("Hello")
            await fake.chat(1)
        await fake.hung_up


async def test_unsaved_text_is_found_by_a_search(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("on disk\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        it.open(tmp_path / "a.txt", "only in the buffer\n")
        fake.answers(call("search_files", {"path": ".", "regex": "buffer|disk"}), text("ok"))
        await it.start("Search")
        await it.ended()
        found = fake.chats[1].json["messages"][-1]["content"]
        assert "only in the buffer" in found
        assert "on disk" not in found


async def test_context_of_the_editor_reaches_the_model(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\nthree\n", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.py")
        fake.answers(text("ok"))
        place = {"line": 1, "character": 0}
        await it.start(
            "Explain", context=[{"uri": buffer.uri, "range": {"start": place, "end": place}}]
        )
        await it.ended()
        assert "a.py, lines 2 to 2\ntwo" in words_of(fake.chats[0])[0]


async def test_the_endpoint_can_be_tested_from_the_editor(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.always(text("I cannot call tools."))
        report = await it.run("roo.provider.test", {"wait": True})
        found = {check["name"]: check["status"] for check in report["checks"]}
        assert not report["ok"]
        assert (found["connect"], found["stream"], found["tool_call"]) == ("ok", "ok", "failed")
        assert await it.run("roo.provider.test") == {"started": True}
        await it.until(lambda: any("cannot run yet" in m.message for m in it.client.messages))
        lines = [value["message"] for _, value in it.values if value["kind"] == "report"]
        assert any(line.startswith("connect: ok") for line in lines)


async def test_models_are_listed_and_a_failure_is_no_empty_list(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.models = ["a", "b"]
        assert await it.run("roo.provider.models") == {"models": ["a", "b"]}
        fake.models_reply = status(401, {"error": {"message": "No"}})
        with pytest.raises(JsonRpcException) as caught:
            await it.run("roo.provider.models")
        assert caught.value.data == {"reason": "invalid_api_key"}


async def test_a_required_sandbox_that_is_not_there_refuses_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = {"sandbox": "required"}
    monkeypatch.setattr(find, "find_bubblewrap", lambda *_: None)
    async with (
        FakeOpenAI() as fake,
        editor(NEOVIM, tmp_path, settings(fake, commands=strict)) as it,
    ):
        fake.answers(call("execute_command", {"command": "touch ran"}), text("ok"))
        await it.start("Run")
        await it.ended()
        assert "roo.commands.sandbox" in fake.chats[1].json["messages"][-1]["content"]
        assert it.updates("_permission") == []
        assert not (tmp_path / "ran").exists()


async def test_cancelling_kills_a_running_command_with_what_it_started(tmp_path: Path) -> None:
    mark = f"1000{os.getpid()}"
    command = f"sleep {mark} & sleep {mark} & echo started; wait"
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(call("execute_command", {"command": command}, id="x"))
        await it.start("Run")
        await it.event("_permission")
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.until(
            lambda: any(
                "started" in update.get("_meta", {}).get("output", "")
                for update in it.updates("tool_call_update")
            )
        )
        living = await asleep(mark, 2)
        assert (await it.run("roo.task.cancel"))["cancelled"]
        await ended(*living)
        await it.event("tool_call_update", status="failed")
