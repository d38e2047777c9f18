"""What waits for the user when a server is killed: any server of the workspace shows it, one goes on with it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from roo_lsp.agent.calls import STOPPED_ASKING
from tests.lsp.test_kill_everywhere import assert_closed
from tests.lsp.test_reliability import gapless, is_valid, log_lines, results_of
from tests.support.editor import HELIX, Buffer, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, text
from tests.support.server import ServerProcess, server_process
from tests.tasks.test_modes import own

COMMAND = {"command": "echo line >> log.txt"}


@asynccontextmanager
async def deciding(folder: Path, fake: FakeOpenAI) -> AsyncGenerator[ServerProcess]:
    """A server whose user looks at what is asked, and answers nothing by itself."""
    async with server_process(folder, fake) as it:
        it.decision = ""
        yield it


def asked(it: ServerProcess, kind: str = "_permission") -> list[dict[str, Any]]:
    """What was asked, in order."""
    updates = [event["update"] for event in it.events]
    return [
        each
        for each in updates
        if each["sessionUpdate"] == kind and "outcome" not in each and "answer" not in each
    ]


async def waiting(it: ServerProcess, kind: str = "_permission", number: int = 1) -> dict[str, Any]:
    """The entry of the list that is asked as the `number`th."""
    await it.until(lambda: len(asked(it, kind)) >= number and _state(it) == "waiting")
    wanted = asked(it, kind)[-1]["requestId"]
    entries = await it.execute("roo.approval.list")
    return next(each for each in entries if each["requestId"] == wanted)


def _state(it: ServerProcess) -> str:
    states = [e["update"] for e in it.events if e["update"]["sessionUpdate"] == "_state"]
    return states[-1]["state"] if states else ""


def _ended(it: ServerProcess, task_id: str) -> dict[str, Any] | None:
    """How a task has ended here, once it has."""
    updates = [e["update"] for e in it.events if e["taskId"] == task_id]
    return next((each for each in updates if each.get("stopReason")), None)


async def killed(it: ServerProcess) -> None:
    it.process.kill()
    await it.gone()


async def respond(it: ServerProcess, entry: dict[str, Any], decision: str, **more: Any) -> Any:
    request = entry["requestId"]
    return await it.execute("roo.approval.respond", requestId=request, decision=decision, **more)


async def test_a_command_that_waited_is_listed_by_the_next_server_and_runs_once_it_is_approved(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("It is written."))
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Write"))["taskId"]
            before = await waiting(one)
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            assert await other.execute("roo.approval.list") == [before]
            [listed] = await other.execute("roo.task.list")
            assert (listed["taskId"], listed["state"]) == (task_id, "waiting")
            status = await other.execute("roo.status")
            assert [each["requestId"] for each in status["pending"]] == [before["requestId"]]
            [shown] = status["tasks"]
            assert (shown["taskId"], shown["state"]) == (task_id, "waiting")
            assert log_lines(tmp_path) == []
            answer = await respond(other, before, "allow_once")
            assert answer["outcome"] == "allow_once"
            assert (await other.settled())["stopReason"] == "end_turn"
            events = await other.replayed(task_id)
            assert await other.execute("roo.approval.list") == []
        assert log_lines(tmp_path) == ["line"]
        assert len(fake.chats) == 2
        assert all(map(is_valid, fake.chats))
        assert "Exit code: 0" in results_of(fake.chats[1])[0]["content"]
        assert gapless(events)
        assert_closed(events)
        assert len([e for e in events if e["update"]["sessionUpdate"] == "user_message_chunk"]) == 1


async def test_what_is_denied_after_a_kill_is_told_so_and_the_turn_goes_on(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        both = call("execute_command", COMMAND) + call("execute_command", {"command": "echo two"})
        fake.answers(both, text("As you like."))
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Write"))["taskId"]
            before = await waiting(one)
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            await respond(other, before, "reject_once", feedback="Not today")
            assert (await other.settled())["stopReason"] == "end_turn"
            assert_closed(await other.replayed(task_id))
        first, second = [each["content"] for each in results_of(fake.chats[1])]
        assert first == "The user denied this call. They said: Not today"
        assert second.startswith("Not run, because the user denied")
        assert log_lines(tmp_path) == []


async def test_a_file_that_changed_meanwhile_is_asked_for_anew(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("one\ntwo\n", "utf-8")
    edit = {"file_path": "a.txt", "old_string": "one", "new_string": "1"}
    async with FakeOpenAI() as fake:
        fake.answers(call("edit", edit), text("Done."))
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Edit"))["taskId"]
            before = await waiting(one)
            await killed(one)
        file.write_text("one\n2\n", "utf-8")
        async with deciding(tmp_path, fake) as other:
            await respond(other, before, "allow_once")
            again = await waiting(other)
            assert again["requestId"] != before["requestId"]
            assert "has changed since you were asked" in again["reason"]
            assert file.read_text("utf-8") == "one\n2\n"
            await respond(other, again, "allow_once")
            assert (await other.settled())["stopReason"] == "end_turn"
            assert_closed(await other.replayed(task_id))
    assert file.read_text("utf-8") == "1\n2\n"


async def test_of_two_servers_that_show_it_one_goes_on(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("Done."))
        async with deciding(tmp_path, fake) as one:
            await one.execute("roo.task.start", prompt="Write")
            before = await waiting(one)
            await killed(one)
        async with deciding(tmp_path, fake) as other, deciding(tmp_path, fake) as third:
            assert await other.execute("roo.approval.list") == [before]
            assert await third.execute("roo.approval.list") == [before]
            await respond(other, before, "allow_once")
            refused = await respond(third, before, "allow_once")
            assert refused["data"]["reason"] == "not_pending"
            assert await third.execute("roo.approval.list") == []
            assert (await other.settled())["stopReason"] == "end_turn"
            assert await third.execute("roo.approval.list") == []
    assert log_lines(tmp_path) == ["line"]


async def test_a_question_of_the_model_is_answered_after_a_kill(tmp_path: Path) -> None:
    question = {"question": "Which colour?", "follow_up": ["Red", "Blue"]}
    async with FakeOpenAI() as fake:
        fake.answers(call("ask_followup_question", question), text("Blue it is."))
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Paint"))["taskId"]
            before = await waiting(one, "_question")
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            assert await other.execute("roo.approval.list") == [before]
            assert (await other.execute("roo.task.send", taskId=task_id, text="Blue"))["taskId"]
            assert (await other.settled())["stopReason"] == "end_turn"
            assert_closed(await other.replayed(task_id))
        assert results_of(fake.chats[1])[0]["content"] == "The user answered: Blue"
        assert all(map(is_valid, fake.chats))


async def test_what_the_answer_did_before_it_waited_is_not_done_again(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text\n", "utf-8")
    async with FakeOpenAI() as fake:
        answer = (
            call("read_file", {"path": "a.txt"}, id="a")
            + call("execute_command", COMMAND, id="b")
            + call("execute_command", {"command": "echo two >> log.txt"}, id="c")
        )
        fake.answers(answer, text("Done."))
        async with deciding(tmp_path, fake) as one:
            await one.execute("roo.task.start", prompt="Write")
            await respond(one, await waiting(one), "allow_once")
            before = await waiting(one, number=2)
            assert log_lines(tmp_path) == ["line"]
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            await respond(other, before, "allow_once")
            assert (await other.settled())["stopReason"] == "end_turn"
        read, first, second = [each["content"] for each in results_of(fake.chats[1])]
        assert "some text" in read
        assert "Exit code: 0" in first
        assert "Exit code: 0" in second
        assert log_lines(tmp_path) == ["line", "two"]


async def test_what_waits_outlives_a_server_that_is_told_to_end(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("Done."))
        async with deciding(tmp_path, fake) as one:
            await one.execute("roo.task.start", prompt="Write")
            before = await waiting(one)
            await one.request("shutdown")
            one.notify("exit")
            assert await one.gone() == 0
        async with deciding(tmp_path, fake) as other:
            assert await other.execute("roo.approval.list") == [before]
            await respond(other, before, "allow_once")
            assert (await other.settled())["stopReason"] == "end_turn"
    assert log_lines(tmp_path) == ["line"]


async def test_what_waited_can_be_cancelled_and_the_model_learns_that_it_was_not_run(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("Fine."))
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Write"))["taskId"]
            await waiting(one)
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            assert (await other.execute("roo.task.cancel", taskId=task_id))["cancelled"]
            assert await other.execute("roo.approval.list") == []
            assert [each["state"] for each in await other.execute("roo.task.list")] == ["idle"]
            assert_closed(await other.replayed(task_id))
            await other.execute("roo.task.send", taskId=task_id, text="Leave it")
            await fake.chat(2)
        assert results_of(fake.chats[1])[0]["content"] == STOPPED_ASKING
    assert log_lines(tmp_path) == []


async def test_who_goes_on_without_an_answer_is_asked_the_same_again(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("Done."))
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Write"))["taskId"]
            before = await waiting(one)
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            sent = await other.execute("roo.task.send", taskId=task_id, text="Be quick")
            assert sent["queued"]
            assert (await waiting(other))["requestId"] == before["requestId"]
            await respond(other, before, "allow_once")
            assert (await other.settled())["stopReason"] == "end_turn"
            assert_closed(await other.replayed(task_id))
        assert fake.chats[1].json["messages"][-1]["content"].startswith("Be quick")
    assert log_lines(tmp_path) == ["line"]


async def test_a_task_and_its_subtask_go_on_by_the_answer_to_what_the_subtask_waits_for(
    tmp_path: Path,
) -> None:
    own("settings.json", json.dumps({"model": {"inputPrice": 1_000_000, "outputPrice": 0}}))
    part = {"mode": "code", "message": "Write the line"}
    result = {"result": "There is a line."}
    async with FakeOpenAI() as fake:
        fake.answers(
            call("new_task", part).using(1, 0),
            call("execute_command", COMMAND).using(10, 0),
            call("attempt_completion", result).using(100, 0),
            text("It is written.").using(1000, 0),
        )
        async with deciding(tmp_path, fake) as one:
            task_id = (await one.execute("roo.task.start", prompt="Have it written"))["taskId"]
            await respond(one, await waiting(one), "allow_once")
            await one.until(lambda: len(asked(one)) == 2)
            [before] = await one.execute("roo.approval.list")
            assert before["taskId"] != task_id
            await killed(one)
        async with deciding(tmp_path, fake) as other:
            assert await other.execute("roo.approval.list") == [before]
            listed = {each["taskId"]: each for each in await other.execute("roo.task.list")}
            states = {each: task["state"] for each, task in listed.items()}
            assert states == {task_id: "waiting", before["taskId"]: "waiting"}
            assert listed[before["taskId"]]["parentTaskId"] == task_id
            assert log_lines(tmp_path) == []
            await respond(other, before, "allow_once")
            ended = await other.until(lambda: _ended(other, task_id))
            assert ended["stopReason"] == "end_turn"
            costs = {each["taskId"]: each["cost"] for each in await other.execute("roo.task.list")}
            assert costs == {task_id: 1111, before["taskId"]: 110}
            assert await other.execute("roo.approval.list") == []
            for each in (task_id, before["taskId"]):
                events = await other.replayed(each)
                assert gapless(events)
                assert_closed(events)
        assert log_lines(tmp_path) == ["line"]
        assert len(fake.chats) == 4
        assert all(map(is_valid, fake.chats))
        [told] = results_of(fake.chats[3])
        assert told["content"].endswith(" completed.\n\nResult:\nThere is a line.")


async def test_a_plain_editor_shows_it_in_a_dialog_as_soon_as_it_is_started_again(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("Done."))
        settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
        async with deciding(tmp_path, fake) as one:
            await one.execute("roo.task.start", prompt="Write")
            await waiting(one)
            await killed(one)
        async with editor(HELIX, tmp_path, settings) as it:
            it.answers.append("Approve")
            assert (await it.ended())["stopReason"] == "end_turn"
            assert "echo line >> log.txt" in it.dialogs[0].message
    assert log_lines(tmp_path) == ["line"]


def written_in(it: FakeEditor, buffer: Buffer) -> bool:
    session = it.server.loaded
    sheets = session.features.documents.sheets if session else {}
    return buffer.uri in sheets and bool(sheets[buffer.uri].written)


async def test_in_a_task_document_it_is_ticked_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "work.roo.md"
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", COMMAND), text("It is written."))
        settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
        async with editor(HELIX, tmp_path, settings) as it:
            buffer = it.open(file, "# Task\n\n## You\n\nWrite\n")
            it.save(buffer)
            await it.until(lambda: "- [ ] approve: Run echo" in buffer.text)
            it.save(buffer)
        async with editor(HELIX, tmp_path, settings) as it:
            buffer = it.open(file)
            while not written_in(
                it, buffer
            ):  # what stood there before is ours only once it was looked at
                await it.run("roo.status")
            it.type(buffer, buffer.text.replace("- [ ] approve:", "- [x] approve:"))
            it.save(buffer)
            await it.until(lambda: "It is written." in buffer.text)
    assert log_lines(tmp_path) == ["line"]
