"""Modes of a workspace and of the user in tasks: once trusted, listed, held to, and when one goes away."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.messages import ToolMessage
from roo_lsp.tasks import inputs
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.refusals import Invalid
from roo_lsp.tasks.task import Task
from roo_lsp.tasks.verbs import answering, choosing, running
from tests.support.scripted import calls, says
from tests.support.wire import PATIENCE
from tests.tasks.test_service import Rig, serving, write

WRITER = """\
customModes:
  - slug: writer
    name: Writer
    roleDefinition: You write documents.
    whenToUse: For texts.
    groups: [read, [edit, {fileRegex: '^docs/.*(?<!draft)\\.md$', description: finished documents}]]
  - slug: broken
"""


def own(name: str, text: str) -> Path:
    """A file in the user's configuration folder."""
    file = Path(os.environ["ROO_CONFIG_DIR"], name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    file.chmod(0o600)
    return file


async def slugs(it: Rig) -> list[str]:
    listed = await choosing.list_modes(it.service, inputs.Nothing())
    return [mode["slug"] for mode in listed["modes"]]


async def begin(it: Rig, mode: str | None = None, prompt: str = "Do it") -> Task:
    started = await running.start(it.service, inputs.Start(prompt=prompt, mode=mode))
    task = it.service.tasks.get(started["taskId"])
    assert task is not None
    return task


async def trust(it: Rig) -> None:
    entry = await asyncio.wait_for(it.entries.get(), PATIENCE)
    assert entry.kind == "trust"
    decision = inputs.Respond(decision="allow_once", request_id=entry.request_id)
    await answering.respond(it.service, decision)
    await it.service.configuration.settled()


async def test_a_mode_of_the_workspace_is_there_once_it_is_trusted_and_holds(
    tmp_path: Path,
) -> None:
    (tmp_path / ".roomodes").write_text(WRITER, "utf-8")
    (tmp_path / ".roo/rules-writer").mkdir(parents=True)
    (tmp_path / ".roo/rules-writer/a.md").write_text("Short sentences.", "utf-8")
    move = "*** Begin Patch\n*** Update File: docs/a.md\n*** Move to: docs/draft.md\n-a\n+b\n*** End Patch"
    answer = calls(
        write("src/a.py", "x"),
        write("docs/draft.md", "x"),
        ("apply_patch", json.dumps({"patch": move})),
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("a\n", "utf-8")
    async with serving(tmp_path, answer, says("I may not.")) as it:
        assert "writer" not in await slugs(it)
        with pytest.raises(Invalid, match="no mode 'painter'; known: code, ask"):
            await begin(it, "painter")
        task = await begin(it, "writer")
        await trust(it)
        assert await task.ended() == "end_turn"
        assert "writer" in await slugs(it)
        assert task.mode == "writer"
        first, second = it.model.requests
        assert first.system.startswith("You write documents.")
        assert "Short sentences." in first.system
        assert "execute_command" not in {spec.name for spec in first.tools}
        results = [each.text for each in second.messages if isinstance(each, ToolMessage)]
        assert len(results) == 3
        assert all("may only edit files that match ^docs/.*" in each for each in results)
        assert all("(finished documents)" in each for each in results)
        assert it.front.told == [".roomodes:7: broken has no name; this mode is not used"]
        status = await choosing.status(it.service, inputs.Status())
        assert {"path": ".roomodes:7", "problem": "broken has no name; this mode is not used"} in (
            status["settingsProblems"]
        )


async def test_modes_come_from_the_workspace_the_settings_and_the_user_in_this_order(
    tmp_path: Path,
) -> None:
    row = {"name": "N", "roleDefinition": "from the settings", "groups": ["read"]}
    modes = [{"slug": "writer", **row}, {"slug": "tester", **row}, {"slug": "ask", **row}]
    own("settings.json", json.dumps({"customModes": modes, "mode": "tester"}))
    mine = own(
        "custom_modes.yaml",
        "customModes: [{slug: tester, name: N, roleDefinition: mine, groups: []}, "
        "{slug: mine, name: N, roleDefinition: mine, groups: []}]",
    )
    (tmp_path / ".roomodes").write_text(WRITER, "utf-8")
    async with serving(tmp_path, says("ok")) as it:
        task = await begin(it)
        await trust(it)
        await task.ended()
        assert it.model.requests[0].system.startswith("from the settings")
        assert (await slugs(it))[-3:] == ["writer", "tester", "mine"]
        found = it.service.configuration.modes
        assert found["writer"].role == "You write documents."
        assert found["ask"].role == "from the settings"
        mine.write_text("", "utf-8")
        assert "mine" not in await slugs(it), "it is read again when modes are asked for"
        mine.chmod(0o666)
        assert "mine" not in await slugs(it)
        assert any("other users can write it" in each for each in it.front.told)


async def answered(it: Rig, decision: Any) -> Pending:
    """What was asked, once it is decided."""
    entry = await asyncio.wait_for(it.entries.get(), PATIENCE)
    respond = inputs.Respond(decision=decision, request_id=entry.request_id)
    await answering.respond(it.service, respond)
    return entry


def switch(mode: str, reason: str = "", first_id: int = 1) -> Any:
    given = json.dumps({"mode_slug": mode, "reason": reason})
    return calls(("switch_mode", given), first_id=first_id)


async def test_the_model_changes_the_mode_when_the_user_agrees_from_the_next_call_on(
    tmp_path: Path,
) -> None:
    own("settings.json", json.dumps({"profiles": {"big": {}}, "modeProfiles": {"code": "big"}}))
    first = [*switch("code", "to mend\nit")[:-1], *calls(write("a", "x"))]
    first[1] = replace(first[1], index=1, id="call_2")
    async with serving(tmp_path, first, says("ok")) as it:
        task = await begin(it, "architect")
        asked = await answered(it, "allow_once")
        assert asked.title == "Switch from mode architect to code: to mend it"
        assert asked.request is not None
        assert asked.request.scope == "switches of the mode, for this task"
        assert (await answered(it, "allow_once")).title == "Create a"
        assert await task.ended() == "end_turn"
        assert (tmp_path / "a").exists(), "what architect may not, in the same answer"
        assert task.mode == "code"
        before, after = it.model.requests
        assert "- code: Changes and runs code" in before.system
        assert after.system.startswith("You are Roo, a software engineer")
        assert "execute_command" in {spec.name for spec in after.tools} - {
            spec.name for spec in before.tools
        }
        assert it.profiles == ["", "big"]
        modes = [e["currentModeId"] for e in it.front.events if "currentModeId" in e]
        assert modes == ["architect", "code"]


async def test_a_switch_that_is_approved_by_itself_or_leads_nowhere_is_not_asked(
    tmp_path: Path,
) -> None:
    own("settings.json", json.dumps({"autoApprove": {"mode": True}}))
    answers = [switch("Debug"), switch("debug", first_id=2), switch("no", first_id=3), says("ok")]
    async with serving(tmp_path, *answers) as it:
        task = await begin(it, "ask")
        assert await task.ended() == "end_turn"
        assert task.mode == "debug"
        results = [m.text for m in it.model.requests[-1].messages if isinstance(m, ToolMessage)]
        assert results == [
            "The mode was ask and is debug from your next answer on.",
            "The mode is debug already: go on.",
            "There is no mode 'no'. The modes are: code, ask, architect, debug, orchestrator.",
        ]
        assert (await choosing.status(it.service, inputs.Status()))["settingsProblems"] == []


async def test_a_task_whose_mode_is_not_there_any_more_says_so_and_changes_nothing(
    tmp_path: Path,
) -> None:
    mine = own(
        "custom_modes.yaml",
        "customModes: [{slug: mine, name: N, roleDefinition: mine, groups: [read, edit]}]",
    )
    async with serving(tmp_path, says("One."), calls(write("a", "x")), says("Two.")) as it:
        task = await begin(it, "mine")
        await task.ended()
        mine.unlink()
        assert "mine" not in await slugs(it)
        await running.send(it.service, inputs.Send(text="Go on"))
        assert await task.ended() == "end_turn"
        assert task.mode == "ask"
        assert any("There is no mode mine any more" in each for each in it.front.told)
        modes = [e["currentModeId"] for e in it.front.events if "currentModeId" in e]
        assert modes == ["mine", "ask"]
        assert not (tmp_path / "a").exists()
