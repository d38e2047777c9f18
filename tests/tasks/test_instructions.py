"""Skills, slash commands and rules from the files of a workspace and of home to what the model is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.messages import ToolMessage
from roo_lsp.cli import main
from roo_lsp.tasks import inputs, saying
from tests.support.scripted import calls, says
from tests.tasks.test_service import Rig, serving
from tests.workspace.test_skills import made, skill


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "w").mkdir()
    return tmp_path / "w"


def trusted(folder: Path) -> None:
    assert main(["trust", str(folder)]) == 0


async def run(it: Rig, prompt: str, **more: Any) -> str:
    """A task to its end; its id."""
    started = await saying.start(it.service, inputs.Start(prompt=prompt, wait=True, **more))
    return started["taskId"]


def one(name: str, **arguments: Any) -> tuple[str, str]:
    return name, json.dumps(arguments)


def results(it: Rig) -> list[str]:
    return [e.text for e in it.model.requests[-1].messages if isinstance(e, ToolMessage)]


async def test_a_skill_is_listed_asked_for_and_its_files_are_read_without_a_question(
    folder: Path, home: Path
) -> None:
    made(
        home, {".agents/skills/mine/SKILL.md": skill("Mine"), ".agents/skills/mine/more.md": "More"}
    )
    made(home, {".agents/other.md": "Not of a skill"})
    made(folder, {".claude/skills/pdf/SKILL.md": skill("Reads PDF", name="pdf")})
    trusted(folder)
    reads = one("read_file", path=str(home / ".agents/skills/mine/more.md"))
    answers = [calls(one("skill", skill="pdf", args="a.pdf"), one("skill", skill="x"), reads)]
    async with serving(folder, *answers, says("Done.")) as it:
        await run(it, "Read it")
        first = it.model.requests[0]
        assert "- mine: Mine\n- pdf: Reads PDF" in first.system
        assert "skill" in [tool.name for tool in first.tools]
        got, unknown, read = results(it)
        lies = folder / ".claude/skills/pdf"
        assert got == (
            f"Skill: pdf\nArguments: a.pdf\nFiles it speaks of lie in: {lies}\n\nDo it: Reads PDF"
        )
        assert unknown == "There is no skill 'x'. There are: mine, pdf."
        assert "1 | More" in read
        assert it.entries.empty()


async def test_a_skill_of_another_mode_or_not_trusted_is_not_there(
    folder: Path, home: Path
) -> None:
    made(home, {".roo/skills-ask/asks/SKILL.md": skill("Asks")})
    made(folder, {".roo/skills/no/SKILL.md": skill("Not trusted")})
    async with serving(folder, says("Hi."), says("Hi."), attended=False) as it:
        await run(it, "Hello")
        assert "skill" not in [tool.name for tool in it.model.requests[0].tools]
        assert "# Skills" not in it.model.requests[0].system
        await run(it, "Hello", mode="ask")
        assert "- asks: Asks" in it.model.requests[1].system
        [told] = it.front.told
        assert ".roo/skills/no/SKILL.md: " in told
        assert " bytes, the skill no\n" in told


async def test_what_cannot_be_used_is_told_once_with_path_and_line(
    folder: Path, home: Path
) -> None:
    bad = {f".roo/skills/{name}/SKILL.md": "---\na: [\n---\n" for name in "abcdefg"}
    made(home, bad)
    async with serving(folder, says("Hi."), says("Hi.")) as it:
        await run(it, "Hello")
        await run(it, "Again")
        [told] = it.front.told
        assert told.startswith(
            "~/.roo/skills/a/SKILL.md:3: its front matter cannot be read from here"
        )
        assert told.endswith("and 2 more: roo-lsp doctor lists them")
