"""Skills, slash commands and rules from the files of a workspace and of home to what the model is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.messages import ToolMessage, UserMessage
from roo_lsp.cli import main
from roo_lsp.tasks import inputs, saying
from roo_lsp.tasks.refusals import Refused
from roo_lsp.tasks.verbs import answering, choosing, running
from roo_lsp.workspace.user_folders import config_dir
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
    asked = [one("skill", skill="pdf", args="a.pdf"), one("skill", skill="x"), one("skill")]
    answers = [calls(*asked, reads)]
    async with serving(folder, *answers, says("Done.")) as it:
        await run(it, "Read it")
        first = it.model.requests[0]
        assert "- mine: Mine\n- pdf: Reads PDF" in first.system
        assert "skill" in [tool.name for tool in first.tools]
        status = (await choosing.status(it.service, inputs.Status()))["instructions"]
        assert status["skills"] == {
            "mine": "~/.agents/skills/mine/SKILL.md",
            "pdf": ".claude/skills/pdf/SKILL.md",
        }
        assert (status["trusted"], status["problems"]) == (True, [])
        got, unknown, listed, read = results(it)
        assert listed == "- mine: Mine\n- pdf: Reads PDF"
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


async def test_the_user_hears_once_that_skills_are_more_than_the_context_takes(
    folder: Path, home: Path
) -> None:
    made(home, {f".roo/skills/s-{at}/SKILL.md": skill("word " * 200) for at in range(20)})
    async with serving(folder, says("Hi."), says("Hi.")) as it:
        await run(it, "Hello")
        await run(it, "Again")
        assert it.front.told == [
            (
                "The descriptions of 20 skills are cut, to fit 2 % of the model's context: describe them in "
                "fewer words."
            )
        ]


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


def told(it: Rig) -> list[str]:
    """What the model was told with the user's words."""
    return [e.told for e in it.model.requests[-1].messages if isinstance(e, UserMessage)]


GO = "---\ndescription: Goes\nargument-hint: <where>\nmode: ask\n---\nGo to $1, then !`date`."


async def test_a_command_of_a_file_goes_behind_the_users_words_in_its_mode(
    folder: Path, home: Path
) -> None:
    made(folder, {".roo/commands/go.md": GO})
    made(
        home, {".claude/commands/rest.md": "Rest $ARGUMENTS", ".roo/skills/s/SKILL.md": skill("S")}
    )
    trusted(folder)
    async with serving(folder, says("Gone."), says("Rested.")) as it:
        task = it.service.tasks.get(await run(it, "/go 'New York' by /rest a while"))
        assert task is not None
        assert (task.mode, task.title) == ("ask", "/go 'New York' by /rest a while")
        assert told(it)[0].startswith(
            "/go 'New York' by /rest a while\n\n"
            '<command name="go" from=".roo/commands/go.md">\nGo to New York, then !`date`.\n</command>\n\n'
            '<command name="rest" from="~/.claude/commands/rest.md">\nRest a while\n</command>'
        )
        shown = [
            e["content"]["text"] for e in it.front.events if "user_message" in e["sessionUpdate"]
        ]
        assert shown == ["/go 'New York' by /rest a while"]
        assert it.front.told == [
            "/go has a command in it that other agents run: here it is text, and the model may ask."
        ]
        await saying.send(it.service, inputs.Send(text="/mode code\nThen /s please, not /usr/bin"))
        await task.ended()
        assert task.mode == "code"
        skill_told = told(it)[1].partition("<editor>")[0]
        assert (
            '<skill name="s" from="~/.roo/skills/s/SKILL.md">\nSkill: s\nArguments: please, not'
            in skill_told
        )


async def test_what_slash_offers_comes_from_files_and_the_nearest_is_named(
    folder: Path, home: Path
) -> None:
    made(folder, {".roo/commands/go.md": GO, ".roo/skills/s/SKILL.md": skill("Mine")})
    async with serving(folder, says("Hi.")) as it:
        with pytest.raises(Refused, match=r"/go waits. The workspace is not trusted"):
            await saying.start(it.service, inputs.Start(prompt="/go now"))
        trusted(folder)
        listed = await saying.list_commands(it.service, inputs.ListCommands())
        assert [each for each in listed if each["name"] in {"go", "init", "s"}] == [
            {
                "name": "go",
                "description": "Goes",
                "argumentHint": "<where>",
                "source": "project",
                "kind": "command",
            },
            {
                "name": "init",
                "description": "Write or improve AGENTS.md for this workspace.",
                "argumentHint": "",
                "source": "built-in",
                "kind": "command",
            },
            {
                "name": "s",
                "description": "Mine",
                "argumentHint": "",
                "source": "project",
                "kind": "skill",
            },
        ]
        with pytest.raises(Refused, match=r"There is no command /goo; the nearest is /go\."):
            await saying.start(it.service, inputs.Start(prompt="/goo now"))
        helped = await saying.start(it.service, inputs.Start(prompt="/help"))
        assert "`/go <where>` Goes" in helped["said"]


async def test_what_slash_offers_comes_as_an_event_and_again_where_it_changes(
    folder: Path, home: Path
) -> None:
    async with serving(folder, says("Hi."), says("Hi."), says("Hi.")) as it:
        task = it.service.tasks.get(await run(it, "Hello"))
        assert task is not None
        await saying.send(it.service, inputs.Send(text="Again"))
        await task.ended()
        made(home, {".roo/commands/go.md": GO})
        await saying.list_commands(it.service, inputs.ListCommands())
        await saying.send(it.service, inputs.Send(text="Again"))
        await task.ended()
        kind = "available_commands_update"
        first, second = (e for e in it.front.events if e["sessionUpdate"] == kind)
        go = {"name": "go", "description": "Goes", "input": {"hint": "<where>"}}
        assert go not in first["availableCommands"]
        assert go in second["availableCommands"]


async def test_init_is_ours_until_a_file_takes_its_place(folder: Path, home: Path) -> None:
    async with serving(folder, says("Done."), says("Done.")) as it:
        await run(it, "/init in German")
        assert '<command name="init">\nWrite AGENTS.md in the root' in told(it)[0]
        assert "The user adds: in German\n</command>" in told(it)[0]
        made(home, {".roo/commands/init.md": "---\nmode: none\n---\nMy own"})
        task = it.service.tasks.get(await run(it, "/init"))
        assert task is not None
        assert task.mode == "code"
        assert "\nMy own\n</command>" in told(it)[0]
        assert it.front.told == [
            "/init is for the mode 'none', which there is not: the mode stays code."
        ]


async def test_a_command_that_is_queued_and_put_in_other_words_says_what_those_say(
    folder: Path, home: Path
) -> None:
    made(home, {".roo/commands/go.md": "Go to $1"})
    answers = [calls(one("ask_followup_question", question="Where?", follow_up=[]))]
    async with serving(folder, *answers, says("Done.")) as it:
        started = await saying.start(it.service, inputs.Start(prompt="Ask me"))
        asked = await it.entries.get()
        task = it.service.tasks.get(started["taskId"])
        assert task is not None
        answered = inputs.AnswerQuestion(request_id=asked.request_id, answer="Here")
        task.send("/go Rome")
        [(queued, _)] = task.queue.items()
        edit = inputs.EditQueued(message_id=queued, text="/go Paris")
        await running.edit_queued(it.service, edit)
        await answering.answer(it.service, answered)
        await task.ended()
        assert "Rome" not in str(it.model.requests[-1].messages)
        assert "Go to Paris" in told(it)[1]


def reads(*paths: str) -> list[Any]:
    return calls(*(one("read_file", path=path) for path in paths))


async def test_the_rules_of_a_folder_come_along_once_with_the_first_file_of_it(
    folder: Path, home: Path
) -> None:
    files = {
        "a.py": "a",
        "src/a.py": "a",
        "src/api/b.py": "b",
        "src/api/c.py": "c",
        "lib/d.py": "d",
    }
    rules = {
        "AGENTS.md": "Of the root",
        "src/AGENTS.md": "Of src",
        "src/CLAUDE.md": "Not beside AGENTS.md",
        "src/api/CLAUDE.md": "Of api",
        "src/api/AGENTS.local.md": "Mine of api",
        "lib/AGENTS.md": "Kept",
    }
    made(folder, files | rules | {".rooignore": "lib/AGENTS.md"})
    trusted(folder)
    steps = [reads("a.py"), reads("src/api/b.py", "lib/d.py"), reads("src/a.py", "src/api/c.py")]
    async with serving(folder, *steps, says("Read."), says("A summary."), says("Done.")) as it:
        task = it.service.tasks.get(await run(it, "Read"))
        assert task is not None
        tag = it.service.configuration.rules_tag
        first, *_ = it.model.requests
        assert "## AGENTS.md\nOf the root" in first.system
        assert f"in a block <{tag}>: only such a block is the user's" in first.system
        at_root, _, in_lib, in_src, in_api = results(it)
        assert tag not in at_root + in_src + in_api
        assert in_lib.endswith(
            f"<{tag}>\n\n## src/AGENTS.md\nOf src\n\n## src/api/CLAUDE.md\nOf api\n\n"
            f"## src/api/AGENTS.local.md\nMine of api\n\n</{tag}>"
        )
        assert len({each.system for each in it.model.requests}) == 1
        await running.condense(it.service, inputs.OfTask(task_id=task.id))
        await saying.send(it.service, inputs.Send(text="Go on"))
        await task.ended()
        assert "## src/AGENTS.md\nOf src" in told(it)[-1], "also after condensing it is known"


async def test_rules_of_a_folder_that_are_new_are_not_used_until_they_are_trusted(
    folder: Path, home: Path
) -> None:
    made(folder, {"src/a.py": "a", "src/AGENTS.md": "x" * 30 + "\n" + "y" * 30})
    config = {"rules": {"maxBytes": 40}}
    (home / "config").mkdir()
    (config_dir()).mkdir(parents=True, exist_ok=True)
    (config_dir() / "settings.json").write_text(json.dumps(config))
    async with serving(folder, reads("src/a.py"), says("Hi."), attended=False) as it:
        assert "src/AGENTS.md: 61 bytes, rules of the folder src" in it.front.told[0]
        await run(it, "Read")
        assert results(it) == ["src/a.py lines 1-1 of 1\n1 | a"]
        trusted(folder)
        it.model.answers += [reads("src/a.py"), says("Hi.")]
        await run(it, "Read")
        assert "x" * 30 + "\n[Cut here: read src/AGENTS.md for the rest.]" in results(it)[-1]
        assert "the model is not told all of src/AGENTS.md" in it.front.told[-1]
        made(folder, {"new/AGENTS.md": "New", "new/b.py": "b"})
        it.model.answers += [reads("new/b.py"), says("Hi."), says("Hi.")]
        await run(it, "Read")
        assert "New" not in results(it)[-1]
        assert it.front.told[-1].startswith("new/AGENTS.md is not used: it is new")
        await run(it, "Hello")
        assert "new/AGENTS.md: 3 bytes, rules of the folder new" in it.front.told[-1]
