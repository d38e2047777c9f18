"""A subtask over ACP: what it does and asks for is told in the session that its parent is."""

from pathlib import Path

from tests.acp.test_sessions import OFF, config
from tests.support.acp import acp_editor, user_settings
from tests.support.fake_openai import FakeOpenAI, call, text


async def test_a_subtasks_calls_and_questions_are_told_in_its_parents_session(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, autoApprove={"subtask": True}, **OFF)
        fake.answers(
            call("new_task", {"mode": "code", "message": "Write it"}),
            call("write_to_file", {"path": "a.txt", "content": "x\n"}),
            call("attempt_completion", {"result": "Written."}, id="c3"),
            text("All done."),
        )
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            it.choices.append("allow_once")
            assert await it.prompt(session, "Have it written") == "end_turn"
            assert (tmp_path / "a.txt").read_text() == "x\n"
            (asked,) = it.asked
            assert asked["sessionId"] == session
            calls = {each["toolCallId"]: each["kind"] for each in it.of("tool_call")}
            assert asked["toolCall"]["toolCallId"] in calls
            assert sorted(calls.values()) == ["edit", "switch_mode"]
            assert {each["sessionId"] for each in it.updates} == {session}
            assert it.text() == "All done."
