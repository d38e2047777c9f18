"""Edits that would probably lose something are refused once; made again they are meant."""

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.tools import all_tools
from roo_lsp.workspace.disk import DiskFileSystem
from tests.support.tools import call, tool_context

WRITE, DIFF, EDIT, PATCH, READ = (
    all_tools()[name]
    for name in ("write_to_file", "apply_diff", "edit", "apply_patch", "read_file")
)
OLD = "".join(f"line {n} < {n}\n" for n in range(30))
REST = "line 0 < 0\n# ... rest of the code unchanged\n"


@pytest.fixture
def context(tmp_path):
    return tool_context(tmp_path)


@pytest.mark.parametrize(
    "content", [REST, "", "```\nline\n```\n", "1 | a\n2 | b\n", "a\\nb\\nc\\n", "if a &lt; b\n"]
)
async def test_a_content_that_loses_the_file_is_refused_once_and_then_meant(
    context, tmp_path, content
):
    (tmp_path / "a.py").write_text(OLD)
    await call(READ, context, path="a.py")
    with pytest.raises(ToolError, match="If it is meant, make the same call again"):
        await call(WRITE, context, path="a.py", content=content)
    assert (tmp_path / "a.py").read_text() == OLD
    result = await call(WRITE, context, path="a.py", content=content)
    assert (tmp_path / "a.py").read_text() == content
    assert "You know all of it" not in result.text


async def test_a_file_that_was_not_read_is_not_replaced_by_half_of_it(context, tmp_path):
    (tmp_path / "a.py").write_text(OLD)
    with pytest.raises(ToolError, match="Read it first"):
        await call(WRITE, context, path="a.py", content="new\n")
    await call(READ, context, path="a.py")
    assert "Replaced" in (await call(WRITE, context, path="a.py", content="new\n")).text


async def test_a_file_that_was_not_read_may_be_replaced_by_as_much(context, tmp_path):
    (tmp_path / "a.py").write_text(OLD)
    assert "Replaced" in (await call(WRITE, context, path="a.py", content=OLD.upper())).text


async def test_a_file_that_a_call_has_written_counts_as_read(context, tmp_path):
    await call(WRITE, context, path="a.py", content=OLD)
    assert "Replaced" in (await call(WRITE, context, path="a.py", content="new\n")).text


@pytest.mark.parametrize("tool", ["edit", "apply_diff", "apply_patch"])
async def test_a_replacement_that_stands_for_code_is_refused_once(context, tmp_path, tool):
    (tmp_path / "a.py").write_text(OLD)
    placeholder = "# ... existing code ..."
    arguments = {
        "edit": {"file_path": "a.py", "old_string": "line 3 < 3", "new_string": placeholder},
        "apply_diff": {
            "path": "a.py",
            "diff": f"<<<<<<< SEARCH\nline 3 < 3\n=======\n{placeholder}\n>>>>>>> REPLACE",
        },
        "apply_patch": {
            "patch": "*** Begin Patch\n*** Update File: a.py\n@@\n-line 3 < 3\n"
            f"+{placeholder}\n*** End Patch"
        },
    }[tool]
    with pytest.raises(ToolError, match="stands for code that is left out"):
        await call(all_tools()[tool], context, **arguments)
    assert (tmp_path / "a.py").read_text() == OLD
    await call(all_tools()[tool], context, **arguments)
    assert placeholder in (tmp_path / "a.py").read_text()


async def test_curly_quotes_of_the_model_stay_out_of_a_file_that_has_straight_ones(
    context, tmp_path
):
    (tmp_path / "a.py").write_text("say('it')\nx = 1\n")
    old, new = "say(\u2018it\u2019)\nx = 1", "say(\u2018them\u2019)\nx = \u201ca\u201d"
    await call(EDIT, context, file_path="a.py", old_string=old, new_string=new)
    assert (tmp_path / "a.py").read_text() == "say('them')\nx = \u201ca\u201d\n"


async def test_curly_quotes_that_the_file_has_stay(context, tmp_path):
    (tmp_path / "a.md").write_text("It\u2019s \u2026 one  \n")
    old, new = "It\u2019s ... one\n", "It\u2019s ... two \u2018now\u2019\n"
    await call(EDIT, context, file_path="a.md", old_string=old, new_string=new)
    assert "\u2018now\u2019" in (tmp_path / "a.md").read_text()


class Formatting(DiskFileSystem):
    """A disk on which a formatter is at work."""

    async def write(self, path, text, expected):
        await super().write(path, text.replace("  ", " "), expected)


async def test_all_is_known_only_where_the_file_reads_as_it_was_written(tmp_path):
    context = tool_context(tmp_path, files=Formatting())
    result = await call(WRITE, context, path="a", content="x  = 1\n")
    assert "read it before you edit it" in result.text
    assert "You know all of it now" not in result.text
    assert (await call(WRITE, context, path="b", content="x\n")).text.endswith("read it again.")
