"""How often a user is asked until there is something to review: counted, because it only ever grows by itself."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.editor import HELIX, NEOVIM, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text

TEST = {"command": "grep -c 2 a.txt"}
PLUGIN = Persona(
    "neovim-plugin",
    "neovim_0_12",
    ("utf-8", "utf-16", "utf-32"),
    extensions=("roo/saveDocuments", "roo/requestPermission"),
)


def edit(old: str, new: str) -> Any:
    return call("edit", {"file_path": "a.txt", "old_string": old, "new_string": new})


def asked(it: FakeEditor) -> int:
    """How often the user had to say something, whatever about."""
    decisions = [each for each in it.updates("_permission") if "options" in each]
    return len(decisions) + len([each for each in it.updates("_question") if "question" in each])


async def approving(it: FakeEditor, task_id: str) -> None:
    """The user says yes to all of it until the turn ends."""
    seen: set[str] = set()

    def new() -> Any:
        found = [u for u in it.updates("_permission") if "options" in u]
        ended = [u for u in it.updates("_state") if u["state"] in {"idle", "failed"}]
        return [u for u in found if u["requestId"] not in seen] or ended

    while "requestId" in (found := (await it.until(new))[0]):
        seen.add(found["requestId"])
        await it.run(
            "roo.approval.respond", {"requestId": found["requestId"], "decision": "allow_once"}
        )
    assert found["stopReason"] == "end_turn"


@pytest.mark.parametrize("persona", [NEOVIM, PLUGIN, HELIX], ids=lambda each: each.name)
async def test_two_answers_lead_to_the_first_reviewed_result_and_one_to_each_after_it(
    persona: Persona, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", "utf-8")
    async with FakeOpenAI() as fake:
        settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
        async with editor(persona, tmp_path, settings) as it:
            buffer = it.open(tmp_path / "a.txt")
            fake.answers(
                call("execute_command", TEST),
                edit("two", "2"),
                call("execute_command", TEST),
                text("The test passes."),
            )
            task_id = await it.start("Make the test pass")
            await approving(it, task_id)
            assert asked(it) == 2
            told = [m["content"] for m in fake.chats[-1].json["messages"] if m["role"] == "tool"]
            assert "Exit code: 1" in told[0]
            assert "Exit code: 0" in told[2]  # what the buffer has was on disk by then
            assert buffer.text == "one\n2\n"
            it.events.clear()
            fake.answers(edit("one", "22"), call("execute_command", TEST), text("It still does."))
            await it.run("roo.task.send", {"taskId": task_id, "text": "Once more"})
            await approving(it, task_id)
            assert asked(it) == 1


async def test_that_a_command_saves_first_stands_where_it_is_approved(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", "utf-8")
    async with FakeOpenAI() as fake:
        settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
        async with editor(HELIX, tmp_path, settings) as it:
            it.open(tmp_path / "a.txt")
            fake.answers(edit("two", "2"), call("execute_command", TEST), text("Done."))
            await it.start("Do it")
            await it.event("_permission")
            await it.run("roo.approval.respond", "allow_once")
            await it.until(lambda: len(it.dialogs) == 2)
            [entry] = await it.pending()
            assert entry["note"].endswith("saves a.txt first")
            assert (tmp_path / "a.txt").read_text("utf-8") == "one\ntwo\n"
            await it.run("roo.approval.respond", "allow_once")
            await it.ended()
    assert (tmp_path / "a.txt").read_text("utf-8") == "one\n2\n"


async def test_always_is_picked_for_this_command_or_for_all_that_begin_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\n", "utf-8")
    async with FakeOpenAI() as fake:
        settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
        async with editor(HELIX, tmp_path, settings) as it:
            fake.answers(
                call("execute_command", TEST),
                call("execute_command", {"command": "grep -n one a.txt"}),
                call("execute_command", {"command": "sh -c true"}),
                text("Done."),
            )
            await it.start("Look")
            await it.event("_permission")
            [entry] = await it.pending()
            reach = {each["optionId"]: (each["name"], each["kind"]) for each in entry["options"]}
            assert reach["allow_always"] == (
                "Always approve (exactly this command in this folder, for this task)",
                "allow_always",
            )
            name, kind = reach["allow_always_prefix"]
            assert "commands that begin with “grep”" in name
            assert kind == "allow_always"
            await it.run("roo.approval.respond", "allow_always_prefix")
            await it.until(
                lambda: len(fake.chats) == 3 and it.updates("_state")[-1]["state"] == "waiting"
            )
            [entry] = await it.pending()
            assert entry["command"] == "sh -c true"
            assert "allow_always_prefix" not in {each["optionId"] for each in entry["options"]}
            await it.run("roo.approval.respond", "allow_once")
            await it.ended()
            settled = [u["outcome"] for u in it.updates("_permission") if "outcome" in u]
            assert settled == ["allow_always", "allow_once"]
