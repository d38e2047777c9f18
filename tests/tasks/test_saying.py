"""What is typed with `/` in front: done here, said by name where it is none, and never told to the model."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.messages import UserMessage
from roo_lsp.tasks import inputs, saying, slash
from roo_lsp.tasks.refusals import Invalid, Refused
from roo_lsp.tasks.verbs import answering, keeping
from tests.support.scripted import calls, says
from tests.tasks.test_service import Rig, serving, write

PROMPTS = [
    "Fix it",
    "/usr/bin/x is broken",
    "/a.txt is empty",
    "/ is full",
    "// is a comment in C",
    "/[a-z]+/ matches too much",
    "/2 of them fail",
    "Say /status",
    "  what\n/status",
]
"""What begins with no command."""


def words(it: Rig) -> list[str]:
    """What the model was told by the user."""
    return [each.text for each in it.model.requests[-1].messages if isinstance(each, UserMessage)]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_is_no_command_and_stays_as_it_was_typed(prompt: str) -> None:
    assert slash.split(prompt) == ([], prompt)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("/mdoe ask", "There is no command /mdoe; the nearest is /mode."),
        ("/Status", "There is no command /Status; the nearest is /status."),
        ("/xyzzy", "There is no command /xyzzy; /help lists those that there are."),
        ("/mode", "/mode needs a word behind it: /mode ask"),
        ("/keep the tests", "/keep stands alone on its line."),
        ("/status\n/stauts", "There is no command /stauts; the nearest is /status."),
        (f"/{'x' * 100_000}", f"There is no command /{'x' * 40}…;"),
    ],
)
def test_what_was_meant_as_a_command_and_is_none_is_said_by_name(text: str, named: str) -> None:
    with pytest.raises(Refused) as refused:
        slash.split(text)
    assert refused.value.message.startswith(named)
    assert refused.value.reason == "unknown_command"


NAMES = st.sampled_from(sorted(slash.COMMANDS))


@given(NAMES, st.text(), st.text())
def test_no_command_reaches_the_model(name: str, behind: str, below: str) -> None:
    try:
        commands, rest = slash.split(f"/{name} {behind}\n{below}")
    except Refused:
        return
    assert commands[0].name == name
    first = rest.split()[:1]
    assert not first or first[0] != f"/{name}" or slash.COMMANDS[name].takes_text or behind.strip()


async def test_a_mode_in_front_of_a_prompt_is_that_of_the_task(tmp_path: Path) -> None:
    async with serving(tmp_path, says("Because."), says("Twice.")) as it:
        one_line = inputs.Start(prompt="/mode ask Why?", wait=True)
        started = await saying.start(it.service, one_line)
        task = it.service.tasks.get(started["taskId"])
        assert task is not None
        assert (task.mode, task.title) == ("ask", "Why?")
        assert "said" not in started
        await saying.send(it.service, inputs.Send(text="/mode code\n\nAnd now?"))
        assert await task.ended() == "end_turn"
        assert task.mode == "code"
        assert [text for text in words(it) if "/mode" in text] == []
        assert it.front.told == ["Mode: code"]


async def test_a_command_alone_starts_nothing_and_says_what_it_came_to(tmp_path: Path) -> None:
    async with serving(tmp_path, says("Hi.")) as it:
        with pytest.raises(Refused, match="There is no task yet"):
            await saying.start(it.service, inputs.Start(prompt="/status"))
        helped = await saying.start(it.service, inputs.Start(prompt="/help"))
        assert (helped["taskId"], helped["started"]) == (None, False)
        assert "`/mode MODE` Go on in another mode." in helped["said"]
        with pytest.raises(Refused, match=r"behind it: /mode ask …"):
            await saying.start(it.service, inputs.Start(prompt="/mode ask"))
        assert await keeping.list_tasks(it.service, inputs.List()) == []
        await saying.start(it.service, inputs.Start(prompt="Greet", wait=True))
        sent = await saying.send(it.service, inputs.Send(text="/status"))
        assert sent["said"].startswith("idle in mode code · ")
        assert it.front.told == [helped["said"], sent["said"]]
        assert len(it.model.requests) == 1


async def test_an_unknown_command_is_refused_wherever_a_prompt_is_typed(tmp_path: Path) -> None:
    async with serving(tmp_path, says("Hi.")) as it:
        with pytest.raises(Refused, match="nearest is /help"):
            await saying.start(it.service, inputs.Start(prompt="/hlep"))
        await saying.start(it.service, inputs.Start(prompt="Greet", wait=True))
        with pytest.raises(Refused, match="nearest is /help"):
            await saying.send(it.service, inputs.Send(text="/hlep"))
        with pytest.raises(Refused, match="nearest is /help"):
            await saying.resume(it.service, inputs.Resume(text="/hlep"))
        with pytest.raises(Invalid, match="no mode 'asc'"):
            await saying.send(it.service, inputs.Send(text="/mode asc"))
        assert len(it.model.requests) == 1


async def test_new_leads_to_another_task(tmp_path: Path) -> None:
    async with serving(tmp_path, says("One."), says("Two.")) as it:
        first = await saying.start(it.service, inputs.Start(prompt="/new One", wait=True))
        empty = await saying.send(it.service, inputs.Send(text="/new"))
        assert (empty["taskId"], empty["said"]) == (None, "The next message starts a new task.")
        second = await saying.send(it.service, inputs.Send(text="/new\n/mode ask\nTwo"))
        assert second["taskId"] != first["taskId"]
        task = it.service.tasks.get(second["taskId"])
        assert task is not None
        assert (task.mode, await task.ended()) == ("ask", "end_turn")
        with pytest.raises(Refused, match="this one was to be resumed"):
            await saying.resume(it.service, inputs.Resume(text="/new"))


async def test_a_task_is_stopped_kept_and_taken_back_by_words(tmp_path: Path) -> None:
    answers = [calls(write("a.txt", "a\n")), says("Done."), calls(write("b.txt", "b\n"))]
    async with serving(tmp_path, *answers) as it:
        await answering.switch_auto(it.service, inputs.SwitchAuto(kind="edit"))
        await saying.start(it.service, inputs.Start(prompt="Make a", wait=True))
        kept = await saying.send(it.service, inputs.Send(text="/changes\n/revert"))
        assert kept["said"] == "1 file changed.\nTook back the changes in 1 file."
        assert not (tmp_path / "a.txt").exists()
        await answering.switch_auto(it.service, inputs.SwitchAuto(kind="edit", on=False))
        await saying.send(it.service, inputs.Send(text="Make b"))
        await asyncio.wait_for(it.entries.get(), 5)
        stopped = await saying.send(it.service, inputs.Send(text="/cancel"))
        assert stopped["said"] == "Stopped."


async def test_what_slash_offers_is_listed(tmp_path: Path) -> None:
    async with serving(tmp_path) as it:
        found = await saying.list_commands(it.service, inputs.ListCommands(mode="ask"))
        [mode] = [each for each in found if each["name"] == "mode"]
        assert mode["argumentHint"] == "mode"
        assert {each["name"] for each in found} == {*slash.COMMANDS, "init"}
        with pytest.raises(Invalid, match="no mode 'asc'"):
            await saying.list_commands(it.service, inputs.ListCommands(mode="asc"))
