"""A task over ACP, from prompt to approved edit, and all that is told of it."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from acp.core import RequestError

from tests.support.acp import acp_editor, user_settings
from tests.support.editor import HELIX, editor
from tests.support.fake_openai import FakeOpenAI, call, hang, status, text

OFF = {"commands": {"sandbox": "off"}}


def config() -> Path:
    return Path(os.environ["ROO_CONFIG_DIR"])


async def test_a_task_goes_from_prompt_to_approved_edit_to_result(tmp_path: Path) -> None:
    file = tmp_path / "poem.txt"
    file.write_text("Roses are red.\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(
            text("I look.")
            + call("write_to_file", {"path": "poem.txt", "content": "Roses are blue.\n"}),
            call("attempt_completion", {"result": "It rhymes."}, id="c2").using(100, 20),
        )
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            it.choices.append("allow_once")
            assert await it.prompt(session, "Make it rhyme") == "end_turn"
            assert file.read_text() == "Roses are blue.\n"
            (asked,) = it.asked
            assert asked["method"] == "session/request_permission"
            assert {each["kind"] for each in asked["options"]} >= {"allow_once", "reject_once"}
            diff = asked["toolCall"]["content"][0]
            assert (diff["type"], diff["oldText"], diff["newText"]) == (
                "diff",
                "Roses are red.\n",
                "Roses are blue.\n",
            )
            (begun,) = it.of("tool_call")
            assert (begun["kind"], begun["status"]) == ("edit", "pending")
            ended = await it.update(
                "tool_call_update", toolCallId=begun["toolCallId"], status="completed"
            )
            assert ended["content"][0]["type"] == "diff"
            assert asked["toolCall"]["toolCallId"] == begun["toolCallId"]
            assert it.text() == "I look.It rhymes."
            assert it.of("usage_update")[-1]["used"] > 0
            assert it.of("session_info_update")[0]["title"] == "Make it rhyme"
            assert it.of("available_commands_update")


async def test_a_prompt_that_is_cancelled_is_answered_so_in_every_state(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(hang(), call("write_to_file", {"path": "a", "content": "x"}))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            streaming = asyncio.ensure_future(it.prompt(session, "One"))
            await fake.chat(1)
            await it.agent.cancel(session_id=session)
            assert await streaming == "cancelled"

            asking = asyncio.ensure_future(it.prompt(session, "Two"))
            await it.until(lambda: it.asked)
            await it.agent.cancel(session_id=session)
            assert await asking == "cancelled"
            assert not (tmp_path / "a").exists()

            fake.answers(call("write_to_file", {"path": "a", "content": "x"}, id="c3"))
            it.choices.append("cancelled")  # the open question of before
            it.choices.append("cancelled")
            assert await it.prompt(session, "Three") == "cancelled", (
                "as the client says of its user"
            )
            fake.answers(text("Hello."))
            assert await it.prompt(session, "Four") == "end_turn", "it goes on in order"


async def test_a_turn_that_fails_is_an_error_in_the_words_for_the_user(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(status(401, {"error": {"message": "no such key"}}), text("Here."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            with pytest.raises(RequestError, match="no such key") as failed:
                await it.prompt(session, "Go")
            assert (failed.value.code, failed.value.data) == (-32000, {"code": "invalid_api_key"})
            assert await it.prompt(session, "Again") == "end_turn"


async def test_a_session_is_listed_loaded_resumed_closed_and_deleted(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        (tmp_path / "a.txt").write_text("text of a\n")
        fake.answers(
            text("I look."),
            call("read_file", {"path": "a.txt"}),
            text("Done."),
        )
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            assert (await it.agent.list_sessions()).sessions == [], "nothing was said in it"
            await it.prompt(session, "First")
            await it.prompt(session, "Second")
            live = list(it.updates)
        async with acp_editor(tmp_path) as it:
            (listed,) = (await it.agent.list_sessions(cwd=f"{tmp_path}/")).sessions
            assert (listed.session_id, listed.title, listed.cwd) == (
                session,
                "First",
                str(tmp_path),
            )
            assert (await it.agent.list_sessions(cwd="/nowhere")).sessions == []
            with pytest.raises(RequestError, match="open it there"):
                await it.agent.load_session(cwd="/", session_id=session)
            await it.agent.load_session(cwd=str(tmp_path), session_id=session)
            replayed = list(it.updates)
            assert [u["content"]["text"] for u in it.of("user_message_chunk")] == [
                "First",
                "Second",
            ]
            assert it.text() == "I look.Done."
            before = {u["toolCallId"]: u for u in live if u["sessionUpdate"] == "tool_call_update"}
            after = {
                u["toolCallId"]: u for u in replayed if u["sessionUpdate"] == "tool_call_update"
            }
            assert after == before
            assert it.of("tool_call")

            fake.answers(text("Third answer."))
            await it.prompt(session, "Third")
            said = [each["content"] for each in fake.chats[-1].json["messages"]]
            assert "I look." in said
            await it.agent.close_session(session_id=session)
            with pytest.raises(RequestError, match="No session"):
                await it.prompt(session, "Fourth")
            it.updates.clear()
            await it.agent.resume_session(cwd=str(tmp_path), session_id=session)
            assert not [u for u in it.updates if u["sessionUpdate"].endswith("_chunk")], "no replay"
            fake.answers(text("Yes."))
            assert await it.prompt(session, "Still there?") == "end_turn"
            for _ in range(2):
                await it.request("session/delete", {"sessionId": session})
            assert (await it.agent.list_sessions()).sessions == []
            with pytest.raises(RequestError, match="no session"):
                await it.agent.load_session(cwd=str(tmp_path), session_id=session)


async def test_a_task_begun_over_lsp_goes_on_over_acp_and_the_other_way_round(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(text("From LSP."), text("From ACP."), text("From LSP again."))
        async with editor(HELIX, tmp_path) as lsp:
            task = await lsp.start("Begin", wait=True)
        async with acp_editor(tmp_path) as it:
            (listed,) = (await it.agent.list_sessions(cwd=str(tmp_path))).sessions
            assert listed.session_id == task
            await it.agent.load_session(cwd=str(tmp_path), session_id=task)
            assert it.text() == "From LSP."
            assert await it.prompt(task, "Go on") == "end_turn"
        async with editor(HELIX, tmp_path) as lsp:
            await lsp.run("roo.task.resume", {"taskId": task, "text": "And on"})
            await lsp.ended(task)
            replayed = await lsp.run("roo.task.replay", {"taskId": task})
            said = [
                e["update"]["content"]["text"]
                for e in replayed["events"]
                if e["update"]["sessionUpdate"] == "agent_message_chunk"
            ]
            assert said == ["From LSP.", "From ACP.", "From LSP again."]


ODD: list[Any] = [
    {},
    {"outcome": {"outcome": "selected", "optionId": "yes"}},
    {"outcome": {"outcome": "selected"}},
    {"outcome": {"outcome": "accepted", "optionId": "allow_once"}},
    RequestError(-32601, "no such method"),
]


@pytest.mark.parametrize("answer", ODD)
async def test_nothing_but_an_option_that_was_offered_is_consent(
    tmp_path: Path, answer: Any
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(call("write_to_file", {"path": "a", "content": "x"}), text("As you wish."))
        async with acp_editor(tmp_path, wrong=["RequestPermissionResponse"]) as it:
            session = await it.new()
            it.choices.append(answer)
            assert await it.prompt(session, "Go") == "end_turn"
            assert not (tmp_path / "a").exists()
            assert "Nobody was asked" in fake.chats[1].body.decode()
