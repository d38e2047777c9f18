"""A task from prompt to reviewed edit without an editor: the specification of the next front end.

Nothing in here, and nothing that is loaded by it, is of a language server.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.events import EventSink
from roo_lsp.agent.messages import ToolMessage
from roo_lsp.agent.ports import ChatModel
from roo_lsp.endpoints import AskPassage, Connection
from roo_lsp.settings_sources import Effective, Source
from roo_lsp.tasks import inputs
from roo_lsp.tasks.approvals import Approvals, Pending
from roo_lsp.tasks.opening import FrontEnd, open_service
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.verbs import answering, keeping, reviewing, running
from tests.support.scripted import ScriptedModel, calls, says
from tests.tasks.front import Front

NO_SANDBOX = Source("the test", {"commands": {"sandbox": "off"}})


@dataclass(slots=True)
class Scripted(Connection):
    """A `Connection` that leads to a script."""

    script: ScriptedModel = field(default_factory=lambda: ScriptedModel([]))
    profiles: list[str] = field(default_factory=list[str])
    """The profile of each request."""

    async def model(
        self, effective: Effective, profile: str, emit: EventSink, ask: AskPassage
    ) -> ChatModel:
        self.profiles.append(profile)
        return self.script


@dataclass
class Rig:
    """A service with its front end."""

    front: Front
    service: Service
    model: ScriptedModel
    entries: asyncio.Queue[Pending]
    profiles: list[str]


@asynccontextmanager
async def serving(
    folder: Path, *answers: Any, attended: bool = True, script: ScriptedModel | None = None
) -> AsyncGenerator[Rig]:
    """A service in a folder, whose model answers this."""
    front, approvals, model = Front(), Approvals(), script or ScriptedModel(list(answers))
    entries: asyncio.Queue[Pending] = asyncio.Queue()
    profiles: list[str] = []
    approvals.watch(lambda entry: None if entry.answered.done() else entries.put_nowait(entry))
    hands_in = FrontEnd(
        "a test",
        front,
        front,
        channel=lambda: [NO_SANDBOX],
        attended=attended,
        approvals=approvals,
        connect=lambda trust, memory: Scripted(trust, memory, script=model, profiles=profiles),
    )
    opened = open_service(hands_in, (folder,), "1.0")
    await opened.configure()
    try:
        yield Rig(front, opened, model, entries, profiles)
    finally:
        await opened.close()


def write(path: str, content: str) -> tuple[str, str]:
    """A call that writes a file."""
    return "write_to_file", json.dumps({"path": path, "content": content})


async def test_a_task_goes_from_prompt_to_reviewed_edit(tmp_path: Path) -> None:
    file = tmp_path / "poem.txt"
    file.write_text("Roses are red.\n")
    done = calls(("attempt_completion", json.dumps({"result": "It rhymes."})), first_id=2)
    async with serving(tmp_path, calls(write("poem.txt", "Roses are blue.\n")), done) as it:
        started = await running.start(it.service, inputs.Start(prompt="Make it rhyme"))
        entry = await it.entries.get()
        assert entry.request is not None
        assert [(each.old, each.new) for each in entry.request.diffs] == [
            ("Roses are red.\n", "Roses are blue.\n")
        ]
        assert file.read_text() == "Roses are red.\n"
        decision = inputs.Respond(decision="allow_once", request_id=entry.request_id)
        await answering.respond(it.service, decision)
        task = it.service.tasks.get(started["taskId"])
        assert task is not None
        assert (await task.ended(), task.result) == ("end_turn", "It rhymes.")
        said = [repr(each).count("It rhymes.") for each in task.agent.history.messages]
        assert sum(said) == 1, "it stands in the call, and not again as its result"
        assert file.read_text() == "Roses are blue.\n"

        changes = await reviewing.list_changes(it.service, inputs.ListChanges())
        (hunk,) = changes[0]["hunks"]
        assert (hunk["before"], hunk["after"]) == ("Roses are red.\n", "Roses are blue.\n")
        assert hunk["range"] == {
            "start": {"line": 0, "character": 0},
            "end": {"line": 1, "character": 0},
        }
        await reviewing.revert_changes(it.service, inputs.OfChanges(hunk=hunk["id"]))
        assert file.read_text() == "Roses are red.\n"

        replayed = await keeping.replay(it.service, inputs.Replay())
        assert [each["update"] for each in replayed["events"]] == it.front.events
        kinds = [each["sessionUpdate"] for each in it.front.events]
        assert {"tool_call", "_permission", "_changes", "_state"} <= set(kinds)
        assert it.front.lines[kinds.index("_permission")] == "Waiting for you: Replace poem.txt?"


async def test_a_task_is_shown_its_own_changes_and_nobody_elses(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\nuser 2\n3\n")
    change = ("edit", json.dumps({"file_path": "a", "old_string": "1", "new_string": "one"}))
    look = calls(("show_changes", "{}"), first_id=2)
    async with serving(tmp_path, calls(change), look, says("ok")) as it:
        started = await running.start(it.service, inputs.Start(prompt="Change it"))
        entry = await it.entries.get()
        decision = inputs.Respond(decision="allow_once", request_id=entry.request_id)
        await answering.respond(it.service, decision)
        task = it.service.tasks.get(started["taskId"])
        assert task is not None
        assert await task.ended() == "end_turn"
        told = it.model.requests[-1].messages[-1]
        assert isinstance(told, ToolMessage)
        assert told.text == "# a: edited, +1 -1\n@@ -1,3 +1,3 @@\n-1\n+one\n user 2\n 3"


@pytest.mark.parametrize("attended", [True, False])
async def test_where_nobody_is_there_no_question_is_offered_and_the_model_is_told_to_decide(
    tmp_path: Path,
    attended: bool,
) -> None:
    async with serving(tmp_path, says("ok"), attended=attended) as it:
        await running.start(it.service, inputs.Start(prompt="Do it", wait=True))
    (request,) = it.model.requests
    offered = {spec.name for spec in request.tools}
    assert ("ask_followup_question" in offered) == attended
    assert ("ask_followup_question" in request.system or "or ask." in request.system) == attended
    assert ("decide, and name what you assumed" in request.system) != attended


async def test_what_was_said_is_there_again_in_the_next_service(tmp_path: Path) -> None:
    async with serving(tmp_path, says("Hello.")) as it:
        asked = inputs.Start(prompt="Say hello", wait=True)
        first = await running.start(it.service, asked)
    async with serving(tmp_path, says("Hello again.")) as it:
        await running.send(it.service, inputs.Send(text="And again"))
        task = it.service.tasks.get(None)
        assert task is not None
        assert await task.ended() == "end_turn"
        assert task.id == first["taskId"]
        assert [getattr(each, "text", "") for each in it.model.requests[0].messages[:2]] == [
            "Say hello",
            "Hello.",
        ]


async def test_what_is_refused_says_why_in_words_of_no_protocol(tmp_path: Path) -> None:
    async with serving(tmp_path) as it:
        with pytest.raises(Refused, match="no task yet") as refused:
            await running.cancel(it.service, inputs.Cancel())
        assert refused.value.reason == "no_task"
        with pytest.raises(Invalid, match=r"^mode: "):
            await running.start(it.service, inputs.Start(prompt="Go", mode="none such"))


@pytest.mark.parametrize("room", ["roo_lsp.tasks.opening", "roo_lsp.task_documents.sheet"])
def test_nothing_of_a_language_server_is_loaded_with(room: str) -> None:
    code = (
        f"import sys, {room}; "
        "print([name for name in sys.modules if name.startswith(('pygls', 'lsprotocol', 'roo_lsp.lsp'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
