"""What events say of a call: in their JSON for front ends, in a line for a status bar."""

from roo_lsp.agent.approval import Ask
from roo_lsp.agent.events import ToolCallStarted, ToolCallUpdated
from roo_lsp.agent.loop import run_turn
from tests.support.scripted import AnswersWith, calls, rig, says, tool


async def test_a_call_that_other_events_tell_of_is_quiet_in_each_of_its_events():
    it = rig(
        calls(("plan", '{"word": "a"}'), ("other", '{"word": "b"}')),
        says("ok"),
        tools=[tool("plan", told_elsewhere=True, doing="Planning"), tool("other")],
    )
    await run_turn(it.agent)
    events = [*it.of(ToolCallStarted), *it.of(ToolCallUpdated)]
    for event in events:
        assert event.update.get("_meta", {}).get("quiet") == (
            True if event.id == "call_1" else None
        )
    assert [e.line for e in events if e.id == "call_1" and not isinstance(e, ToolCallStarted)] == [
        "",
        "",
        "",
    ]


async def test_the_result_that_ends_the_turn_is_the_answer():
    it = rig(calls(("done", '{"word": "All well."}')), tools=[tool("done", ends_turn=True)])
    await run_turn(it.agent)
    last = it.of(ToolCallUpdated)[-1].update
    assert (last["rawOutput"], last["_meta"]["answer"]) == ("All well.", True)
    assert not any("answer" in e.update.get("_meta", {}) for e in it.of(ToolCallUpdated)[:-1])


async def test_a_call_is_denied_because_the_user_denied_it_whatever_its_words_say():
    it = rig(
        calls(("run", '{"word": "x"}')),
        calls(("look", "{}"), first_id=2),
        says("ok"),
        tools=[tool("run", group="execute"), tool("look", lambda _: 1 / 0)],
        people=AnswersWith("reject_once"),
    )
    it.policy.verdicts["execute"] = Ask("it runs a command", "")
    await run_turn(it.agent)
    denied, failed = (e for e in it.of(ToolCallUpdated) if e.status == "failed")
    assert (denied.update["_meta"], denied.line) == ({"denied": True}, "Denied: run x")
    assert "_meta" not in failed.update
    said = ToolCallUpdated("c", "failed", title="Read a", text="The user denied this call.")
    assert said.line == "Failed: Read a: The user denied this call."


async def test_what_is_being_done_takes_the_place_of_the_titles_first_word():
    it = rig(
        calls(("run", '{"word": "pytest -q"}')),
        says("ok"),
        tools=[tool("run", doing="Running")],
    )
    await run_turn(it.agent)
    assert [e.line for e in it.of(ToolCallUpdated)] == [
        "",
        "Running pytest -q…",
        "Done: run pytest -q",
    ]
