"""What models write around commands, and what they could have done without one."""

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.tools import all_tools
from tests.support.tools import call, tool_context

RUN = all_tools()["execute_command"]
TIP = "ask nobody in the workspace"


@pytest.fixture
async def context(tmp_path):
    made = tool_context(tmp_path)
    yield made
    await made.commands.close()


async def test_entities_in_a_command_are_refused_once_and_then_meant(context, tmp_path):
    command = "touch a &amp;&amp; touch b"
    with pytest.raises(ToolError, match="Write the characters themselves"):
        await call(RUN, context, command=command)
    assert list(tmp_path.iterdir()) == []
    await call(RUN, context, command=command)


async def test_entities_in_quotes_are_text(context):
    assert "&lt;" in (await call(RUN, context, command="echo '&lt;'")).text


async def test_the_first_command_that_a_tool_would_have_done_says_so_and_no_other(
    context, tmp_path
):
    (tmp_path / "a").write_text("x\n")
    first = await call(RUN, context, command="cat a")
    assert first.text.endswith(
        "\n(read_file shows this too. read_file, list_files and search_files ask nobody in the "
        "workspace.)"
    )
    assert TIP not in (await call(RUN, context, command="ls")).text


@pytest.mark.parametrize("command", ["cat a | wc -l", "echo x", "ls > out", "git status"])
async def test_what_a_tool_does_not_do_gets_no_tip(context, tmp_path, command):
    (tmp_path / "a").write_text("x\n")
    assert TIP not in (await call(RUN, context, command=command)).text
