"""write_to_file and apply_diff: exact, all or nothing, and only on what was shown."""

import pytest

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.tool import Diff
from roo_lsp.tools import all_tools
from tests.support.tools import call, prepared, tool_context

WRITE, DIFF = (all_tools()[name] for name in ("write_to_file", "apply_diff"))


@pytest.fixture
def context(tmp_path):
    return tool_context(tmp_path)


def block(search: str, replacement: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replacement}\n>>>>>>> REPLACE\n"


# --- write_to_file --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        "```python\ncode\n```",
        "```\n# A file that is\n```\n```",
        "a &amp; b &lt;c&gt; &#39;",
        "1 | one\n2 | two",
        "\ufeffmark",
        "no end",
        "tab\t\r\nmix\n\r",
        "$& \\n \\\\",
        "x" * 200_000,
    ],
)
async def test_content_is_written_exactly_as_given(context, tmp_path, content):
    result = await call(WRITE, context, path="new/deep/file", content=content)
    assert (tmp_path / "new/deep/file").read_bytes() == content.encode()
    assert result.text.startswith("Created new/deep/file (")


async def test_nothing_is_made_before_the_call_is_approved(context, tmp_path):
    invocation = await prepared(WRITE, context, path="new/file", content="x")
    assert list(tmp_path.iterdir()) == []
    assert invocation.title == "Create new/file"
    assert invocation.diffs == (Diff(tmp_path / "new/file", None, "x"),)


async def test_a_replaced_file_is_told_with_its_lines(context, tmp_path):
    (tmp_path / "a").write_text("1\n2\n3\n")
    result = await call(WRITE, context, path="a", content="1\n")
    assert result.text.startswith("Replaced a (1 line, before 3).")
    assert "no need to read it again" in result.text
    assert result.diffs == (Diff(tmp_path / "a", "1\n2\n3\n", "1\n"),)


async def test_windows_line_endings_stay_and_that_is_said(context, tmp_path):
    (tmp_path / "a").write_bytes(b"1\r\n2\r\n")
    result = await call(WRITE, context, path="a", content="1\n3\n")
    assert (tmp_path / "a").read_bytes() == b"1\r\n3\r\n"
    assert "stayed CRLF" in result.text


@pytest.mark.parametrize(
    ("old", "content"),
    [(b"1\r\n2\n", "1\n"), (b"1\r\n", "1\r\n2\n"), (b"1", "1\n2\n"), (b"1\r\n2\r", "3\n")],
)
async def test_other_line_endings_are_left_as_given(context, tmp_path, old, content):
    (tmp_path / "a").write_bytes(old)
    result = await call(WRITE, context, path="a", content=content)
    assert (tmp_path / "a").read_bytes() == content.encode()
    assert "CRLF" not in result.text


async def test_the_same_content_is_said_to_be_the_same(context, tmp_path):
    (tmp_path / "a").write_bytes(b"1\r\n")
    result = await call(WRITE, context, path="a", content="1\n")
    assert "already has exactly this content" in result.text
    assert result.diffs == ()


async def test_a_file_that_changed_since_it_was_shown_is_left_alone(context, tmp_path):
    (tmp_path / "a").write_text("old")
    invocation = await prepared(WRITE, context, path="a", content="mine")
    (tmp_path / "a").write_text("theirs")
    with pytest.raises(Changed, match="changed while you were asked"):
        await invocation.run(lambda _: None)
    assert (tmp_path / "a").read_text() == "theirs"


async def test_a_file_that_appeared_since_it_was_shown_is_left_alone(context, tmp_path):
    invocation = await prepared(WRITE, context, path="a", content="mine")
    (tmp_path / "a").write_text("theirs")
    with pytest.raises(Changed):
        await invocation.run(lambda _: None)
    assert (tmp_path / "a").read_text() == "theirs"


async def test_a_binary_file_is_not_replaced(context, tmp_path):
    (tmp_path / "a").write_bytes(b"\0")
    with pytest.raises(ToolError, match="binary"):
        await call(WRITE, context, path="a", content="x")


# --- apply_diff -----------------------------------------------------------------------------


async def test_blocks_are_applied_and_told(context, tmp_path):
    (tmp_path / "a").write_text("1\n2\n3\n")
    invocation = await prepared(
        DIFF, context, path="a", diff=block("2", "two") + block("3", "x\ny")
    )
    assert invocation.title == "Edit a"
    assert invocation.diffs == (Diff(tmp_path / "a", "1\n2\n3\n", "1\ntwo\nx\ny\n"),)
    assert (tmp_path / "a").read_text() == "1\n2\n3\n"
    result = await invocation.run(lambda _: None)
    assert (tmp_path / "a").read_text() == "1\ntwo\nx\ny\n"
    assert result.text == "Applied 2 blocks to a, which has 4 lines now."
    assert result.locations[0].line == 2


async def test_one_block_that_fails_keeps_all_from_being_applied(context, tmp_path):
    (tmp_path / "a").write_text("1\nsecret\n3\n")
    with pytest.raises(ToolError) as caught:
        await call(DIFF, context, path="a", diff=block("1", "one") + block("secrets", "x"))
    assert (tmp_path / "a").read_text() == "1\nsecret\n3\n"
    assert "secret" in caught.value.text
    assert "secret" not in caught.value.brief


async def test_a_block_that_nearly_fits_is_told(context, tmp_path):
    (tmp_path / "a").write_text("1 \n2\n")
    result = await call(DIFF, context, path="a", diff=block("1\n2", "1\n3"))
    assert (tmp_path / "a").read_text() == "1 \n3\n"
    assert "Block 1 fitted apart from" in result.text


async def test_a_missing_file_is_told_with_what_to_do(context, tmp_path):
    with pytest.raises(ToolError, match="Use write_to_file to create"):
        await call(DIFF, context, path="a", diff=block("1", "2"))


async def test_a_malformed_diff_is_told_before_the_file_is_looked_at(context, tmp_path):
    with pytest.raises(ToolError, match="no SEARCH/REPLACE block"):
        await call(DIFF, context, path="not there", diff="nonsense")


async def test_a_diff_for_a_file_that_changed_since_is_not_applied(context, tmp_path):
    (tmp_path / "a").write_text("1\n")
    invocation = await prepared(DIFF, context, path="a", diff=block("1", "2"))
    (tmp_path / "a").write_text("1\nmore\n")
    with pytest.raises(Changed):
        await invocation.run(lambda _: None)
    assert (tmp_path / "a").read_text() == "1\nmore\n"


async def test_encoding_mark_and_mode_stay(context, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbf#!/bin/sh\r\necho caf\xc3\xa9\r\n")
    file.chmod(0o755)
    await call(DIFF, context, path="a", diff=block("echo café", "echo thé"))
    assert file.read_bytes() == b"\xef\xbb\xbf#!/bin/sh\r\necho th\xc3\xa9\r\n"
    assert file.stat().st_mode & 0o777 == 0o755
