"""One task from prompt to completion, in every editor: read unsaved text, edit, create, run, finish."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.editor import PERSONAS, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text

ON_DISK = "def greet():\n    return 'old'\n"
UNSAVED = "def greet():\n    return 'unsaved \u00e9\U0001f600'\n\n\ndef other():\n    pass\n"
EDITED = UNSAVED.replace("unsaved", "edited")
DIFF = """<<<<<<< SEARCH
    return 'unsaved \u00e9\U0001f600'
=======
    return 'edited \u00e9\U0001f600'
>>>>>>> REPLACE
"""


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
async def test_a_task_reads_edits_creates_runs_and_finishes(
    persona: Persona, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "app.py").write_text(ON_DISK, "utf-8")
    async with FakeOpenAI() as fake, editor(persona, folder, settings(fake)) as it:
        buffer = it.open(folder / "app.py", UNSAVED)
        fake.answers(
            call("read_file", {"path": "app.py"}, id="c1"),
            call("apply_diff", {"path": "app.py", "diff": DIFF}, id="c2", pieces=7),
            call("write_to_file", {"path": "new/notes.md", "content": "# Notes\n"}, id="c3"),
            call("execute_command", {"command": "cat app.py new/notes.md"}, id="c4"),
            call("attempt_completion", {"result": "All done."}, id="c5"),
        )
        task_id = await it.start("Change the greeting")

        await approve(it, "app.py")
        await approve(it, "notes.md")
        if (await it.event("_permission", toolCallId="c4"))["title"]:
            await approve(it, "cat")
        question = await it.event("_question")
        assert "save app.py" in question["question"]
        it.save(buffer)

        end = await it.ended(task_id)
        assert (end["state"], end["stopReason"]) == ("idle", "end_turn")
        assert buffer.text == EDITED
        assert (folder / "new/notes.md").read_text("utf-8") == "# Notes\n"
        tool_results = [
            message["content"]
            for message in fake.chats[-1].json["messages"]
            if message["role"] == "tool"
        ]
        assert "unsaved \u00e9\U0001f600" in tool_results[0]
        assert "edited" in tool_results[3]
        assert "# Notes" in tool_results[3]
        assert_gapless(it)
        assert_valid_progress(it)
        replayed = await it.run("roo.task.replay", {"taskId": task_id})
        assert replayed["events"] == it.events


async def approve(it: FakeEditor, what: str) -> None:
    """Approve the pending request about this, as a user without dialogs does."""
    asked = await it.until(
        lambda: next(
            (
                update
                for update in it.updates("_permission")
                if what in update.get("title", "")
                and not any(
                    other["requestId"] == update["requestId"] and "outcome" in other
                    for other in it.updates("_permission")
                )
            ),
            None,
        )
    )
    await it.run(
        "roo.approval.respond", {"requestId": asked["requestId"], "decision": "allow_once"}
    )


def assert_gapless(it: FakeEditor) -> None:
    assert [event["seq"] for event in it.events] == list(range(1, len(it.events) + 1))
    assert {event["v"] for event in it.events} == {1}


def assert_valid_progress(it: FakeEditor) -> None:
    """Begin, reports, end, with lines fit for a status bar."""
    kinds = [value["kind"] for token, value in it.values if token == "roo"]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert set(kinds[1:-1]) == {"report"}
    for _, value in it.values:
        assert "percentage" not in value
        assert len(value.get("message", "")) <= 80
        assert "\n" not in value.get("message", "")


async def test_text_arrives_while_the_model_still_writes(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, editor(PERSONAS[0], tmp_path, settings(fake)) as it:
        fake.answers(text("Hello there", pieces=3))
        await it.start("Say hello")
        await it.ended()
        said = "".join(u["content"]["text"] for u in it.updates("agent_message_chunk"))
        assert said == "Hello there"
