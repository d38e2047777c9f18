"""A server that is killed right behind any event it stored: another one goes on, and says what was open.

`ROO_KILL_EVERY=1` tries each event, which takes minutes; without it every fourteenth is tried,
from `ROO_KILL_FIRST` on, else from one that is drawn; in CI always the same.
"""

import asyncio
import os
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from pygls.exceptions import JsonRpcException

from roo_lsp.agent.events import QuestionAnswered, ToolCallUpdated
from roo_lsp.agent.messages import INTERRUPTED
from roo_lsp.tasks.interrupted import NOT_MADE, LooseEnds
from tests.lsp.test_reliability import gapless, is_valid, log_lines, results_of
from tests.support.editor import NEOVIM, editor
from tests.support.fake_openai import Answer, FakeOpenAI, Request, call, hang, text
from tests.support.server import ServerProcess, server_process

EVERY = int(os.environ.get("ROO_KILL_EVERY", "14"))
ANY = 1 if "CI" in os.environ else random.randint(1, EVERY)
FIRST = int(os.environ.get("ROO_KILL_FIRST", "0")) or ANY

KILLER = """
import os, signal

real, left = os.write, int(os.environ["DIES_BEHIND_EVENT"])

def write(descriptor, data):
    global left
    written = real(descriptor, data)
    if os.readlink(f"/proc/self/fd/{descriptor}").endswith("/events.jsonl"):
        left -= bytes(data[:written]).count(b"\\n")
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return written

os.write = write
"""

STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("edit", {"file_path": "a.txt", "old_string": "one", "new_string": "two"}),
    ("execute_command", {"command": "echo line >> log.txt"}),
    ("read_file", {"path": "a.txt"}),
    ("edit", {"file_path": "a.txt", "old_string": "two", "new_string": "three"}),
    ("ask_followup_question", {"question": "Is it right?", "follow_up": ["Yes", "No"]}),
    ("attempt_completion", {"result": "All is done."}),
)


def stubborn(request: Request) -> Answer:
    """What a model does that makes each call, and makes it again where it was interrupted."""
    told = {result["tool_call_id"]: result["content"] for result in results_of(request)}
    for number, (name, arguments) in enumerate(STEPS):
        tries = [told[each] for each in told if each.startswith(f"step-{number}-")]
        if all(INTERRUPTED in each for each in tries):
            return text("Now this. ") + call(name, arguments, id=f"step-{number}-{len(tries)}")
    return text("There is nothing left to do.")


def all_at_once(request: Request) -> Answer:
    """The same by one that makes all calls in one answer, and those that were interrupted again."""
    told = {result["tool_call_id"]: result["content"] for result in results_of(request)}
    answer = text("All of it. ")
    left = 0
    for number, (name, arguments) in enumerate(STEPS[:-1]):
        tries = [told[each] for each in told if each.startswith(f"step-{number}-")]
        if all(INTERRUPTED in each or each.startswith("Not run") for each in tries):
            left += 1
            answer += call(name, arguments, id=f"step-{number}-{len(tries)}")
    return answer if left else text("There is nothing left to do.")


def state_of(folder: Path) -> dict[str, str]:
    return {"ROO_STATE_DIR": str(folder / "state")}


def project(folder: Path) -> Path:
    """A new workspace."""
    there = folder / "project"
    there.mkdir(parents=True)
    (there / "a.txt").write_text("one\n", "utf-8")
    return there


@pytest.fixture
def killer(tmp_path: Path) -> dict[str, str]:
    """Environment of a server that kills itself as a real kill does, at exactly one moment."""
    folder = tmp_path / "killer"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(KILLER, "utf-8")
    return {"PYTHONPATH": str(folder)}


async def started(it: ServerProcess) -> None:
    """A task, until its turn ends or its server does."""
    await it.execute("roo.task.start", prompt="Do it all")
    await it.until(lambda: it.closed or (it.events and _state(it.events[-1]) == "idle"))


def _state(event: dict[str, Any]) -> str:
    return str(event["update"].get("state", ""))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("model", [stubborn, all_at_once])
async def test_a_server_that_is_killed_behind_any_event_is_followed_by_another(
    model: Callable[[Request], Answer], killer: dict[str, str], tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake:
        fake.always(model)
        folder = tmp_path / "whole"
        where = project(folder)
        async with server_process(where, fake, environment=state_of(folder)) as it:
            await started(it)
            count = len(it.events)
    assert count > 30
    print(f"ROO_KILL_EVERY={EVERY} ROO_KILL_FIRST={FIRST}: {count} events")
    two_at_a_time = asyncio.Semaphore(2)

    async def one_round(number: int) -> None:
        async with two_at_a_time:
            try:
                await _killed_behind(number, model, killer, tmp_path / str(number))
            except BaseException as error:
                error.add_note(f"killed behind event {number}")
                raise

    async with asyncio.TaskGroup() as group:
        for number in range(FIRST, count + 1, EVERY):
            group.create_task(one_round(number))


async def _killed_behind(
    number: int, model: Callable[[Request], Answer], killer: dict[str, str], folder: Path
) -> None:
    where = project(folder)
    dying = state_of(folder) | killer | {"DIES_BEHIND_EVENT": str(number)}
    async with FakeOpenAI() as fake:
        fake.always(model)
        async with server_process(where, fake, environment=dying) as one:
            await started(one)
            over = not one.closed
            seen = list(one.events)
        before, asked = log_lines(where), len(fake.chats)
        async with server_process(where, fake, environment=state_of(folder)) as other:
            [listed] = await other.execute("roo.task.list")
            task_id = listed["taskId"]
            waiting = await other.execute("roo.approval.list")
            assert listed["state"] == ("waiting" if waiting else "idle")
            stored = await other.replayed(task_id)
            assert gapless(stored)
            assert over or len(stored) == number
            assert stored[: len(seen)] == seen
            assert log_lines(where) == before  # nothing goes on by itself
            assert len(fake.chats) == asked
            await other.gone_on_with(task_id, waiting)
            assert (await other.settled())["stopReason"] == "end_turn"
            events = await other.replayed(task_id)
            assert gapless(events)
            assert events[len(stored) :] == other.events
        assert all(map(is_valid, fake.chats))
        told = results_of(fake.chats[asked])
    assert_told(stored, told, other.messages)
    assert_closed(events)
    assert_once(events)
    assert_not_asked_twice(stored, events)
    assert (where / "a.txt").read_text("utf-8") == "three\n"
    assert 1 <= len(log_lines(where)) <= approved(events, "step-1-")


def assert_told(
    stored: list[dict[str, Any]], told: list[dict[str, Any]], messages: list[str]
) -> None:
    """The model is told which calls were interrupted, and the user of each that has no end."""
    statuses = {
        event["update"]["toolCallId"]: event["update"]["status"]
        for event in stored
        if "status" in event["update"]
    }
    interrupted = {each["tool_call_id"] for each in told if INTERRUPTED in each["content"]}
    no_end = {each for each in interrupted if statuses[each] not in {"completed", "failed"}}
    assert len([each for each in messages if "was interrupted" in each]) == len(no_end)
    whole = {each for each, status in statuses.items() if status == "completed"}
    assert whole <= {each["tool_call_id"] for each in told}


def assert_closed(events: list[dict[str, Any]]) -> None:
    """No call, approval or question looks as if it went on."""
    statuses: dict[str, str] = {}
    permissions: dict[str, str | None] = {}
    for event in events:
        update = event["update"]
        if "status" in update:
            statuses[update["toolCallId"]] = update["status"]
        if update["sessionUpdate"] == "_permission":
            permissions[update["requestId"]] = update.get("outcome")
    assert set(statuses.values()) <= {"completed", "failed"}, statuses
    assert None not in permissions.values(), permissions


def assert_once(events: list[dict[str, Any]]) -> None:
    """No call was begun twice, but for a question, which is still the same one."""
    begun: list[str] = []
    for event in events:
        update = event["update"]
        if update.get("status") == "in_progress" and "output" not in update.get("_meta", {}):
            begun.append(update["toolCallId"])
    acting = [each for each in begun if not each.startswith("step-4-")]
    assert len(acting) == len(set(acting)), acting


def assert_not_asked_twice(stored: list[dict[str, Any]], events: list[dict[str, Any]]) -> None:
    """What was open when the server was killed is answered, and nobody was asked for it anew."""
    open_ones = dict[str, str]()
    for event in stored:
        update = event["update"]
        if update["sessionUpdate"] in {"_permission", "_question"}:
            if "outcome" in update or "answer" in update:
                open_ones.pop(update["requestId"])
            else:
                open_ones[update["requestId"]] = update["sessionUpdate"]
    for event in events[len(stored) :]:
        update = event["update"]
        if update.get("requestId") in open_ones and ("outcome" in update or "answer" in update):
            assert update.get("outcome", update.get("answer")) in {"allow_once", "Yes"}
            del open_ones[update["requestId"]]
    assert not open_ones


def approved(events: list[dict[str, Any]], prefix: str) -> int:
    """How often the user approved one of these calls."""
    asked, count = dict[str, str](), 0
    for event in events:
        update = event["update"]
        if update["sessionUpdate"] == "_permission" and "options" in update:
            asked[update["requestId"]] = update["toolCallId"] or ""
        elif update["sessionUpdate"] == "_permission":
            by_user = update["outcome"] == "allow_once"
            count += by_user and asked[update["requestId"]].startswith(prefix)
    return count


async def test_what_was_running_is_named_and_asked_again_even_where_it_was_always_allowed(
    tmp_path: Path,
) -> None:
    where = project(tmp_path)
    command = "echo line | tee -a log.txt && echo written && sleep 600"
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", {"command": command}, id="one"))
        async with server_process(where, fake) as it:
            it.decision = "allow_always"
            task_id = (await it.execute("roo.task.start", prompt="Run it"))["taskId"]
            await it.until(lambda: any(map(_has_written, it.events)))
            left = psutil.Process(it.process.pid).children(recursive=True)
            it.process.kill()
            await it.gone()
            for each in left:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        fake.answers(call("execute_command", {"command": command}, id="two"), hang())
        async with server_process(where, fake) as it:
            it.decision = "reject_once"
            await it.execute("roo.task.resume", taskId=task_id)
            await fake.chat(3)
            title = next(e["update"]["title"] for e in it.events if _ended(e, "one"))
            assert "sleep 600" in title
            assert it.messages[0] == (
                f'This task was interrupted while "{title}" was running; what it did is not known.'
            )
            [ended] = [e["update"]["rawOutput"] for e in it.events if _ended(e, "one")]
            assert ended == INTERRUPTED
            [asked] = [e for e in it.events if "options" in e["update"]]
            assert asked["update"]["toolCallId"] == "two"
    assert log_lines(where) == ["line"]


def _has_written(event: dict[str, Any]) -> bool:
    return "written" in event["update"].get("_meta", {}).get("output", "")


def _ended(event: dict[str, Any], call_id: str) -> bool:
    update = event["update"]
    return update.get("toolCallId") == call_id and update.get("status") == "failed"


def test_what_the_model_was_still_writing_is_closed_as_not_run_and_nobody_is_told() -> None:
    begun = {"sessionUpdate": "tool_call", "toolCallId": "a", "title": "edit", "status": "pending"}
    loose = LooseEnds()
    loose.take([{"update": begun}])
    [end] = loose.ends(set(), {})
    assert isinstance(end, ToolCallUpdated)
    assert (end.id, end.status, end.title, end.text) == ("a", "failed", "edit", NOT_MADE)
    assert loose.told(set(), {}) == []


def test_a_question_that_was_open_is_withdrawn_and_one_that_was_answered_is_not() -> None:
    asked = {"sessionUpdate": "_question", "question": "?", "suggestions": []}
    loose = LooseEnds()
    loose.take(
        {"update": update}
        for update in (
            asked | {"requestId": "q1"},
            {"sessionUpdate": "_question", "requestId": "q1", "answer": "yes"},
            asked | {"requestId": "q2"},
        )
    )
    assert loose.ends(set(), {}) == [QuestionAnswered("q2", None)]


# --- tasks of other versions --------------------------------------------------------------------


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def test_a_task_of_a_newer_version_is_listed_and_refused_in_words(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        fake.always(text("Hello."))
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            task_id = await it.start("Hello")
            await it.ended()
        with_version(b'"version":2')
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            assert [each["taskId"] for each in await it.run("roo.task.list")] == [task_id]
            for command in ("resume", "replay", "open", "export"):
                with pytest.raises(JsonRpcException, match="written by a newer roo-lsp") as caught:
                    await it.run(f"roo.task.{command}", {"taskId": task_id})
                assert "Update roo-lsp" in str(caught.value)
            await it.start("A new one")
            assert (await it.ended())["stopReason"] == "end_turn"


@pytest.mark.parametrize("version", [b'"version":0', b'"older":1'])
async def test_a_task_of_an_older_version_is_gone_on_with(version: bytes, tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        fake.always(text("Hello."))
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            task_id = await it.start("Hello")
            await it.ended()
        with_version(version)
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            await it.run("roo.task.resume", {"taskId": task_id, "text": "More"})
            assert (await it.ended())["stopReason"] == "end_turn"
            assert gapless((await it.run("roo.task.replay", {"taskId": task_id}))["events"])


def with_version(version: bytes) -> None:
    """Make the stored summaries those of another version."""
    index = Path(os.environ["ROO_STATE_DIR"]) / "tasks" / "index.jsonl"
    before = index.read_bytes()
    assert b'"version":1' in before
    index.write_bytes(before.replace(b'"version":1', version))
