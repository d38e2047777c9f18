"""Commands, the todo list, questions, and the end of a task."""

import asyncio
import json
from functools import partial

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import CommandResult
from roo_lsp.agent.tool import Todo
from roo_lsp.tools import all_tools
from roo_lsp.workspace.commands import ShellOptions, ShellRunner
from tests.support.passing import passing_time
from tests.support.processes import Shown
from tests.support.tools import ScriptedAsker, call, prepared, tool_context

LIMIT = 40
"""Seconds, which only pass where a test lets them."""
TOOLS = all_tools()
RUN, OUTPUT, TODO, ASK, DONE = (
    TOOLS[name]
    for name in (
        "execute_command",
        "read_command_output",
        "update_todo_list",
        "ask_followup_question",
        "attempt_completion",
    )
)


@pytest.fixture
async def context(tmp_path):
    context = tool_context(tmp_path)
    yield context
    await context.commands.close()


async def test_a_command_is_shown_whole_and_run_as_shown(context, tmp_path):
    (tmp_path / "sub").mkdir()
    command = "echo '&amp; &lt;' # as is\nexit 3"
    invocation = await prepared(RUN, context, command=command, cwd="sub")
    assert (invocation.command, invocation.cwd) == (command, tmp_path / "sub")
    assert invocation.title == "Run echo '&amp; &lt;' # as is\\nexit 3"
    shown = []
    result = await invocation.run(shown.append)
    assert result.text == "Exit code: 3\nOutput:\n&amp; &lt;\n"
    assert shown == ["&amp; &lt;\n"]
    assert not result.failed
    assert result.meta["exitCode"] == 3


async def test_a_command_without_output_is_said_to_have_none(context):
    assert (await call(RUN, context, command="true")).text == "Exit code: 0\nIt printed nothing."


async def test_long_output_is_read_on_by_its_id(context):
    result = await call(RUN, context, command="seq 20000")
    assert "artifact_id cmd-1.txt" in result.text
    part = await call(OUTPUT, context, artifact_id="cmd-1.txt", offset=10, limit=10)
    assert part.text == "cmd-1.txt: bytes 10-20 of 108894, go on with offset=20\n6\n7\n8\n9\n10"
    found = await call(OUTPUT, context, artifact_id="cmd-1.txt", search="^1234")
    assert found.text.startswith("cmd-1.txt: 11 matching lines in 108894 bytes\n1234:1234\n")


async def run_past_its_limit(context, **arguments):
    """Runs a command, of which `LIMIT` seconds have passed once it printed `up`."""
    invocation = await prepared(RUN, context, **arguments)
    shown, pass_time = Shown(), passing_time()
    task = asyncio.ensure_future(invocation.run(shown))
    await shown.until("up\n")
    pass_time(LIMIT)
    return await task


async def test_a_command_goes_on_in_the_background_after_the_timeout(context):
    command = "echo up; exec sleep 999"
    result = await run_past_its_limit(context, command=command, timeout=LIMIT)
    assert f"still runs, in the background, after {LIMIT} seconds" in result.text
    assert "Output:\nup\n" in result.text
    part = await call(OUTPUT, context, artifact_id="cmd-1.txt")
    assert part.text == "cmd-1.txt: bytes 0-3 of 3, the command still runs\nup\n"


async def test_a_command_killed_at_the_users_limit_counts_as_failed(tmp_path):
    runner = ShellRunner(tmp_path / "o", partial(ShellOptions, timeout=LIMIT), grace=0.1)
    context = tool_context(tmp_path, commands=runner)
    result = await run_past_its_limit(context, command="echo up; sleep 999")
    assert result.failed
    assert "time limit that the user has set" in result.text
    assert "up" in result.text


async def test_a_signal_is_told(tmp_path):
    class Runner:
        async def run(self, command, on_output):
            return CommandResult("signalled", 9, "", None, 0)

        def saves(self):
            return ()

    result = await call(RUN, tool_context(tmp_path, commands=Runner()), command="x")
    assert "ended by signal 9" in result.text


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        ("vi notes.txt", "tools that edit"),
        ("cd src && nano x", "tools that edit"),
        ("LANG=C sudo vim /etc/hosts", "tools that edit"),
        ("/usr/bin/emacs -nw x", "tools that edit"),
        ("top", "top -bn1"),
        ("watch -n1 date", "once"),
        ("git log | tig", "without its screen"),
        ("htop", "ps"),
    ],
)
async def test_a_program_that_needs_a_terminal_is_refused_with_what_to_use(
    context, command, advice
):
    with pytest.raises(ToolError, match="needs a terminal") as refused:
        await prepared(RUN, context, command=command)
    assert advice in refused.value.text


@pytest.mark.parametrize(
    "command",
    [
        "vim -es -c '%s/a/b/' -c wq x",
        "nvim --headless +qa",
        "emacs --batch -l x.el",
        "top -bn1",
        "vi --version",
        "echo vi x",
        "grep -r nano .",
        "tmux new -d -s x",
        "echo 'a; vi b'",
        "cat watch",
    ],
)
async def test_what_needs_no_terminal_is_not_refused(context, command):
    await prepared(RUN, context, command=command)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("mkdir -p build && cd build", "`cd` held for this command only"),
        ("export A=1", "`export` held for this command only"),
        ("true; source ./env.sh", "`source` held for this command only"),
        ("cd . && true", None),
        ("(cd .)", None),
        ("echo cd", None),
        ("true & wait", "What was started with & has ended too"),
        ("true && true", None),
        ("echo 'a & b'", None),
        ("true 2>&1", None),
    ],
)
async def test_what_ends_with_the_command_is_told(context, tmp_path, command, told):
    (tmp_path / "env.sh").touch()
    text = (await call(RUN, context, command=command)).text
    assert (told or "Exit code: 0") in text
    if told is None:
        assert "held for" not in text
        assert "has ended" not in text


async def test_a_command_in_the_background_is_stopped_by_its_id(context):
    await run_past_its_limit(context, command="echo up; exec sleep 999", timeout=LIMIT)
    part = await call(OUTPUT, context, artifact_id="cmd-1.txt", stop=True)
    assert part.text.startswith("cmd-1.txt: bytes 0-3 of 3, the command has ended: signal 15\nup\n")


@pytest.mark.parametrize(
    "arguments",
    [{"command": " "}, {"command": "x", "timeout": 0}, {"command": "x", "timeout": 120_000}],
)
async def test_arguments_that_make_no_sense_are_told(context, arguments):
    with pytest.raises(ToolError):
        await prepared(RUN, context, **arguments)


@pytest.mark.parametrize(
    "arguments", [{"limit": -1}, {"context": 99}, {"wait": -1}, {"wait": 100_000}]
)
async def test_amounts_of_output_that_make_no_sense_are_told(context, arguments):
    with pytest.raises(ToolError):
        await OUTPUT.prepare(
            OUTPUT.parse(json.dumps({"artifact_id": "cmd-1.txt"} | arguments)), context
        )


async def test_a_missing_folder_is_told(context):
    with pytest.raises(ToolError, match="does not exist"):
        await call(RUN, context, command="true", cwd="nowhere")


async def test_the_todo_list_is_replaced_and_each_is_told(context):
    told = []
    context.todos.replaced = told.append
    text = "- [x] find\n* [-] fix\n1. [~] both\n[ ] test it [x]\n"
    result = await call(TODO, context, todos=text)
    assert list(context.todos.entries) == [
        Todo("find", "completed"),
        Todo("fix", "in_progress"),
        Todo("both", "in_progress"),
        Todo("test it [x]", "pending"),
    ]
    assert result.text == "The todo list is set: 1 of 4 done."
    await call(TODO, context, todos="")
    assert [len(each) for each in told] == [4, 0]


@pytest.mark.parametrize("todos", ["no entry", "- [?] what", "- [ ]", "- [x]   "])
async def test_a_line_that_is_no_entry_is_told_and_nothing_changes(context, todos):
    context.todos.replace([Todo("old", "pending")])
    with pytest.raises(ToolError):
        await call(TODO, context, todos=todos)
    assert context.todos.entries == (Todo("old", "pending"),)


async def test_a_question_waits_for_its_answer(tmp_path):
    asker = ScriptedAsker(["blue"])
    context = tool_context(tmp_path, asker=asker)
    result = await call(ASK, context, question="Which?", follow_up=["red", {"text": "green"}])
    assert result.text == "The user answered: blue"
    assert asker.asked == [("Which?", ["red", "green"])]


async def test_more_suggestions_than_fit_are_told(context):
    with pytest.raises(ToolError, match="follow_up"):
        await prepared(ASK, context, question="Which?", follow_up=list("abcde"))


async def test_completion_ends_the_turn_with_its_result(context):
    result = await call(DONE, context, result="All **done**.")
    assert (result.text, result.ends_turn) == ("All **done**.", True)
    with pytest.raises(ToolError):
        await prepared(DONE, context, result=" ")
