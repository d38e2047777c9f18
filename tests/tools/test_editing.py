"""The tools that edit: exact, all or nothing, and only on what was shown."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roo_lsp.agent.approval import Act, Refuse
from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.tool import Diff
from roo_lsp.tools import all_tools
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.lines import Line, line_texts, lines_and_ends
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from tests.support.tools import call, prepared, tool_context
from tests.support.trees import texts

WRITE, DIFF, EDIT, PATCH = (
    all_tools()[name] for name in ("write_to_file", "apply_diff", "edit", "apply_patch")
)


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


async def test_a_replaced_file_is_told_with_itsline_texts(context, tmp_path):
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
    assert result.text == "Applied 2 blocks to a (lines 2-3, now 2-4), which has 4 lines now."
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


# --- edit -----------------------------------------------------------------------------------


async def test_a_text_is_replaced_and_told(context, tmp_path):
    (tmp_path / "a").write_text("1\n2\n3\n")
    invocation = await prepared(EDIT, context, file_path="a", old_string="2", new_string="x\ny")
    assert invocation.title == "Edit a"
    assert invocation.diffs == (Diff(tmp_path / "a", "1\n2\n3\n", "1\nx\ny\n3\n"),)
    assert (tmp_path / "a").read_text() == "1\n2\n3\n"
    result = await invocation.run(lambda _: None)
    assert (tmp_path / "a").read_text() == "1\nx\ny\n3\n"
    assert result.text == "Changed 1 place in a (line 2, now 2-3), which has 4 lines now."
    assert result.locations[0].line == 2


async def test_every_place_is_replaced_when_asked_for(context, tmp_path):
    (tmp_path / "a").write_text("a a\na\n")
    given = {"path": "a", "old_string": "a", "new_string": "$&"}
    with pytest.raises(ToolError, match=r"3 times, in lines 1, 1, 2\."):
        await call(EDIT, context, **given)
    result = await call(EDIT, context, **given, replace_all=True)
    assert (tmp_path / "a").read_text() == "$& $&\n$&\n"
    assert result.text.startswith("Changed 3 places in a")


async def test_several_changes_of_one_edit_are_made_in_order_and_their_places_told(
    context, tmp_path
):
    (tmp_path / "a").write_text("1\n2\n3\n4\n5\n")
    more = [
        {"old_string": "x\n", "new_string": "y\nz\n"},
        {"old_string": "5", "new_string": "five"},
    ]
    given = {"file_path": "a", "old_string": "2\n", "new_string": "x\n", "more": more}
    invocation = await prepared(EDIT, context, **given)
    after = "1\ny\nz\n3\n4\nfive\n"
    assert invocation.diffs == (Diff(tmp_path / "a", "1\n2\n3\n4\n5\n", after),)
    told = (await invocation.run(lambda _: None)).text
    assert (tmp_path / "a").read_text() == after
    assert told == (
        "Changed 3 places in a (line 2, now 2-3; line 5, now 6), which has 6 lines now."
    )


async def test_of_several_changes_none_is_made_where_one_does_not_fit_and_it_is_told_which(
    context, tmp_path
):
    (tmp_path / "a").write_text("1\n2\n2\n")
    more = [{"old_string": "2", "new_string": "x"}]
    given = {"file_path": "a", "old_string": "1", "new_string": "y\ny", "more": more}
    with pytest.raises(
        ToolError,
        match=r"^Change 2 of 2 \(lines .*\): Nothing was changed: .* 2 times, in lines 3, 4\.",
    ):
        await call(EDIT, context, **given)
    assert (tmp_path / "a").read_text() == "1\n2\n2\n"


async def test_an_edit_keeps_endings_encoding_mark_and_mode(context, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"\xef\xbb\xbf#!/bin/sh\r\necho caf\xc3\xa9\r\n")
    file.chmod(0o755)
    await call(EDIT, context, file_path="a", old_string="sh\necho", new_string="bash\necho -n")
    assert file.read_bytes() == b"\xef\xbb\xbf#!/bin/bash\r\necho -n caf\xc3\xa9\r\n"
    assert file.stat().st_mode & 0o777 == 0o755


async def test_an_empty_old_string_makes_a_new_file_or_fills_an_empty_one(context, tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "full").write_text("x")
    for name, title in (("deep/new", "Create deep/new"), ("empty", "Edit empty")):
        given = {"file_path": name, "old_string": "", "new_string": "a\r\nb"}
        assert (await prepared(EDIT, context, **given)).title == title
        await call(EDIT, context, **given)
        assert (tmp_path / name).read_bytes() == b"a\r\nb"
    with pytest.raises(ToolError, match="the file is not"):
        await call(EDIT, context, file_path="full", old_string="", new_string="y")
    with pytest.raises(ToolError, match="Both texts are empty"):
        await call(EDIT, context, file_path="other", old_string="", new_string="")
    with pytest.raises(ToolError, match="Use write_to_file to create"):
        await call(EDIT, context, file_path="other", old_string="a", new_string="")


async def test_an_edit_of_a_file_that_changed_since_is_not_made(context, tmp_path):
    (tmp_path / "a").write_text("1\n")
    invocation = await prepared(EDIT, context, file_path="a", old_string="1", new_string="2")
    (tmp_path / "a").write_text("1\nmore\n")
    with pytest.raises(Changed):
        await invocation.run(lambda _: None)
    assert (tmp_path / "a").read_text() == "1\nmore\n"


# --- apply_patch ----------------------------------------------------------------------------


def patch(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


FOUR = patch(
    "*** Update File: a", "-2", "+two",
    "*** Add File: new/b", "+b",
    "*** Delete File: c",
    "*** Update File: d", "*** Move to: e/d", "-d", "+D",
)  # fmt: skip


@pytest.fixture
def tree(tmp_path):
    for name, text in {"a": "1\n2\n", "c": "c", "d": "d\r\nx\r\n"}.items():
        (tmp_path / name).write_bytes(text.encode())
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_a_patch_over_several_files_is_shown_whole_then_applied(context, tree):
    before = files(tree)
    invocation = await prepared(PATCH, context, patch=FOUR)
    assert invocation.title == "Patch 4 files: edit a, create new/b, delete c and 1 more"
    assert invocation.diffs == (
        Diff(tree / "a", "1\n2\n", "1\ntwo\n"),
        Diff(tree / "new/b", None, "b\n"),
        Diff(tree / "c", "c", None),
        Diff(tree / "d", "d\r\nx\r\n", None),
        Diff(tree / "e/d", None, "D\r\nx\r\n"),
    )
    assert files(tree) == before
    assert not (tree / "new").exists()
    result = await invocation.run(lambda _: None)
    assert files(tree) == {"a": b"1\ntwo\n", "new/b": b"b\n", "e/d": b"D\r\nx\r\n"}
    assert result.text == (
        "Applied the patch: edited a (line 2), created new/b (1 line), deleted c, "
        "moved d to e/d (2 lines)."
    )
    assert [(each.path.name, each.line) for each in result.locations] == [
        ("a", 2),
        ("b", 1),
        ("d", 1),
    ]


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        (["*** Update File: a", "-2"], "Edit a"),
        (["*** Delete File: c"], "Delete c"),
        (["*** Add File: b"], "Create b"),
        (["*** Update File: a", "*** Move to: b"], "Move a to b"),
    ],
)
async def test_a_patch_of_one_file_is_called_what_it_is(context, tree, lines, title):
    assert (await prepared(PATCH, context, patch=patch(*lines))).title == title


def test_every_path_of_a_patch_is_a_target_both_ends_of_a_move(context, tree):
    parsed = PATCH.parse(f'{{"patch": {_json(FOUR)}}}')
    targets = PATCH.targets(parsed, context)
    assert {target.path for target in targets} == {
        tree / name for name in ("a", "new/b", "c", "d", "e/d")
    }
    assert {target.access for target in targets} == {"write"}


@pytest.mark.parametrize("bad", ["link/x", "../state/x", "/proc/self/environ"])
@pytest.mark.parametrize(
    "lines",
    [
        "*** Add File: {}\n+x",
        "*** Delete File: {}",
        "*** Update File: {}\n-x",
        "*** Update File: a\n*** Move to: {}\n-2",
    ],
)
def test_no_path_of_a_patch_gets_past_the_policy(tmp_path, bad, lines):
    workspace, state = tmp_path / "ws", tmp_path / "state"
    workspace.mkdir()
    state.mkdir()
    (workspace / "link").symlink_to(state)
    policy = WorkspacePolicy(Rules(edit=True, state_dir=state), [workspace])
    text = patch("*** Delete File: a", lines.format(bad))
    parsed = PATCH.parse(f'{{"patch": {_json(text)}}}')
    targets = PATCH.targets(parsed, tool_context(workspace))
    assert isinstance(policy.pin(Act(PATCH.group, targets)), Refuse)


def _json(text: str) -> str:
    return WRITE.arguments.model_construct(path="", content=text).model_dump_json(
        include={"content"}
    )[len('{"content":') : -1]


async def test_all_that_does_not_fit_is_told_and_nothing_is_done(context, tree):
    before = files(tree)
    with pytest.raises(ToolError) as caught:
        await call(
            PATCH,
            context,
            patch=patch(
                "*** Update File: a", "-2", "+two", "@@", "-3", "+three",
                "*** Add File: c", "+c",
                "*** Delete File: cc",
                "*** Update File: d", "*** Move to: a",
                "*** Add File: fine", "+fine",
            ),
        )  # fmt: skip
    told = caught.value.text
    assert told.startswith("Nothing was changed: 4 parts of the patch could not be applied.")
    assert "a, hunk 2 (line 5 of the patch): " in told
    assert "c: it exists already" in told
    assert "cc: File not found" in told
    assert "Similar names here: c" in told
    assert "d: it cannot be moved to a, which exists already" in told
    assert caught.value.brief == told.partition("\n")[0]
    assert files(tree) == before


async def test_operations_on_one_file_build_on_each_other(context, tree):
    result = await call(
        PATCH,
        context,
        patch=patch(
            "*** Update File: a", "-1", "+one",
            "*** Update File: ./a", " one", "-2", "+two",
            "*** Delete File: c",
            "*** Add File: c", "+new c",
        ),
    )  # fmt: skip
    assert files(tree)["a"] == b"one\ntwo\n"
    assert files(tree)["c"] == b"new c\n"
    assert result.text.startswith("Applied the patch: edited a (lines 1-2), edited c (line 1).")


async def test_a_patch_that_leaves_everything_as_it_is_is_told_so(context, tree):
    with pytest.raises(ToolError, match="already are as"):
        await call(
            PATCH, context, patch=patch("*** Update File: c", "-c", "+C", "*** Update File: c", "-C", "+c")
        )  # fmt: skip


@pytest.mark.parametrize("stored", [b"\xef\xbb\xbfx\n", "x\n".encode("utf-16"), b"caf\xe9\n"])
async def test_a_file_that_would_be_stored_otherwise_is_not_moved(context, tmp_path, stored):
    (tmp_path / "a").write_bytes(stored)
    with pytest.raises(ToolError, match="not stored as plain UTF-8"):
        await call(PATCH, context, patch=patch("*** Update File: a", "*** Move to: b"))
    assert files(tmp_path) == {"a": stored}


@pytest.mark.parametrize("name", ["a", "c", "d", "new/b", "e/d"])
async def test_a_file_that_changed_since_stops_the_patch_before_it_begins(tree, name):
    disk = failing(99, ZeroDivisionError)
    invocation = await prepared(PATCH, tool_context(tree, files=disk), patch=FOUR)
    (tree / name).parent.mkdir(exist_ok=True)
    (tree / name).write_text("theirs")
    before = files(tree)
    with pytest.raises(Changed, match="changed while you were asked"):
        await invocation.run(lambda _: None)
    assert files(tree) == before
    assert disk.left == 99


class Failing:
    """A `FileSystem` in which the nth change of a file goes wrong."""

    def __init__(self, at: int, fail: Callable[[], BaseException]) -> None:
        self.under = DiskFileSystem()
        self.left = at
        self.fail = fail

    def __getattr__(self, name: str):
        return getattr(self.under, name)

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.fail()

    async def write(self, *args) -> None:
        self._count()
        await self.under.write(*args)

    async def delete(self, *args) -> None:
        self._count()
        await self.under.delete(*args)


def failing(at: int, fail: Callable[[], BaseException]) -> Any:
    return Failing(at, fail)


@pytest.mark.parametrize("at", range(1, 6))
async def test_a_write_that_fails_midway_undoes_those_before_it(tree, at):
    before = files(tree)
    context = tool_context(tree, files=failing(at, lambda: ToolError("the disk is full.")))
    with pytest.raises(ToolError, match=r"the disk is full\. Nothing of the patch stands"):
        await call(PATCH, context, patch=FOUR)
    assert files(tree) == before


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("why", [asyncio.CancelledError, ZeroDivisionError])
async def test_a_patch_that_is_cancelled_or_breaks_midway_is_undone(tree, at, why):
    before = files(tree)
    with pytest.raises(why):
        await call(PATCH, tool_context(tree, files=failing(at, why)), patch=FOUR)
    assert files(tree) == before


async def test_what_someone_changed_meanwhile_is_not_put_back_and_is_told(tree):
    def typed_meanwhile() -> ToolError:
        (tree / "a").write_text("theirs")
        return ToolError("no.")

    context = tool_context(tree, files=failing(2, typed_meanwhile))
    with pytest.raises(ToolError, match="These files could not be put back, look at them: a"):
        await call(PATCH, context, patch=FOUR)
    assert (tree / "a").read_text() == "theirs"


# --- properties -----------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "dir/c", "dir/sub/d"])
trees = st.dictionaries(names, texts())


def _patched(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """A patch that makes one tree of the other: whole files out and in."""
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            lines.append(f"*** Delete File: {name}")
        elif name not in old:
            lines += [f"*** Add File: {name}", *(f"+{each}" for each in line_texts(new[name]))]
        elif line_texts(old[name]) != line_texts(new[name]):
            lines += [f"*** Update File: {name}", "@@ -1,1 +1,1 @@"]
            lines += [f"-{each}" for each in line_texts(old[name])]
            lines += [f"+{each}" for each in line_texts(new[name])]
    return lines


@given(trees, trees)
async def test_a_patch_made_of_two_trees_makes_one_of_the_other(tmp_path_factory, old, new):
    folder = tmp_path_factory.mktemp("tree")
    for name, text in old.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    lines = _patched(old, new)
    assume(lines)
    for name in old.keys() & new.keys():  # an empty last line without an ending is no line
        assume(line_texts(new[name])[-1:] != [""])
    await call(PATCH, tool_context(folder), patch=patch(*lines))
    after = {name: data.decode() for name, data in files(folder).items()}
    assert {n: line_texts(t) for n, t in after.items()} == {
        n: line_texts(t) for n, t in new.items()
    }


@given(
    texts(),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([WRITE, DIFF, EDIT, PATCH]),
    st.text(st.sampled_from("ab +-@=<>*\n"), max_size=30),
)
async def test_an_edit_that_fails_leaves_every_byte(tmp_path_factory, text, mark, tool, words):
    folder = tmp_path_factory.mktemp("kept")
    (folder / "a").write_bytes(mark + text.encode())
    arguments = {
        "write_to_file": {"path": "a/b", "content": words},
        "apply_diff": {"path": "a", "diff": block(words, "changed") + block("nowhere", "x")},
        "edit": {"file_path": "a", "old_string": f"{words}nowhere", "new_string": words},
        "apply_patch": {"patch": patch("*** Update File: a", words, "*** Delete File: nowhere")},
    }
    with pytest.raises(ToolError):
        await call(tool, tool_context(folder), **arguments[tool.name])
    assert files(folder) == {"a": mark + text.encode()}
    assert [path.name for path in folder.iterdir()] == ["a"]


@given(
    texts(min_lines=1),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.sampled_from([DIFF, EDIT, PATCH]),
    st.lists(st.sampled_from(["", "a", " b", "\tc "]), max_size=3).map(lambda new: [*new, "end"]),
    st.data(),
)
async def test_the_lines_meant_change_and_no_other_byte(
    tmp_path_factory, text, mark, tool, new, data
):
    lines = lines_and_ends(text)
    at = data.draw(st.integers(0, len(lines) - 1))
    assume(new[0] or not at or lines[at - 1].end != "\r")  # an empty line would make it a CRLF
    lines[at] = Line("to change", lines[at].end)
    folder = tmp_path_factory.mktemp("edited")
    whole = "".join(each.text + each.end for each in lines)
    (folder / "a").write_bytes(mark + whole.encode())
    hunk = ["-to change", *(f"+{each}" for each in new)]
    arguments = {
        "apply_diff": {"path": "a", "diff": block("to change", "\n".join(new))},
        "edit": {"file_path": "a", "old_string": "to change", "new_string": "\n".join(new)},
        "apply_patch": {"patch": patch("*** Update File: a", *hunk)},
    }
    await call(tool, tool_context(folder), **arguments[tool.name])
    begin = len("".join(each.text + each.end for each in lines[:at]))
    after = (folder / "a").read_bytes().removeprefix(mark).decode()
    assert (folder / "a").read_bytes().startswith(mark)
    assert after.startswith(whole[:begin])
    assert after.endswith(whole[begin + len("to change") :])
    changed = after[begin : len(after) - len(whole) + begin + len("to change")]
    assert re.split(r"\r\n|\r|\n", changed) == new
    own = {each.end for each in lines if each.end} or {"\n"}
    assert set(re.findall(r"\r\n|\r|\n", changed)) <= own


async def test_it_is_told_where_a_file_changed_and_what_it_reads_there_now(context, tmp_path):
    (tmp_path / "a").write_text("".join(f"line {number}\n" for number in range(1, 200)))
    edits = {"file_path": "a", "old_string": "line 137\n", "new_string": "one\ntwo\nthree\n"}
    told = (await call(all_tools()["edit"], context, **edits)).text
    assert told.startswith("Changed 1 place in a (line 137, now 137-139), which has 201 lines now.")
    gone = {"file_path": "a", "old_string": "line 9\n", "new_string": ""}
    told = (await call(all_tools()["edit"], context, **gone)).text
    assert told.startswith("Changed 1 place in a (line 9, gone), which has 200 lines now.")


async def test_an_edit_that_breaks_json_is_told(context, tmp_path):
    (tmp_path / "a.ipynb").write_text('{"cells": [\n  1,\n  2\n]}\n')
    edits = {"file_path": "a.ipynb", "old_string": "  1,\n", "new_string": "  1\n"}
    told = (await call(all_tools()["edit"], context, **edits)).text
    assert "a.ipynb is no valid JSON any more: Expecting ',' delimiter in line 3" in told
    mended = {"file_path": "a.ipynb", "old_string": "  1\n", "new_string": "  1,\n"}
    assert "JSON" not in (await call(all_tools()["edit"], context, **mended)).text


async def test_a_unified_diff_is_a_patch(context, tmp_path):
    (tmp_path / "a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "gone").write_text("x\n")
    patch = (
        "diff --git a/a.py b/a.py\nindex 1..2 100644\n--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n"
        "-two\n+zwei\n three\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+fresh\n"
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    told = (await call(all_tools()["apply_patch"], context, patch=patch)).text
    assert told == ("Applied the patch: edited a.py (line 2), created new (1 line), deleted gone.")
    assert (tmp_path / "a.py").read_text() == "one\nzwei\nthree\n"


async def test_a_line_that_stays_may_lack_its_blank_and_it_is_told_which_hunks_fit(
    context, tmp_path
):
    (tmp_path / "a.py").write_text("def f():\n    return 1\n\ndef g():\n    return 2\n")
    patch = (
        "*** Begin Patch\n*** Update File: a.py\n@@\ndef f():\n-    return 1\n+    return 3\n"
        "@@\n-no such line\n+x\n*** End Patch"
    )
    with pytest.raises(ToolError, match=r"1 part of the patch .* The other one fits\."):
        await call(all_tools()["apply_patch"], context, patch=patch)
    patch = patch.replace("@@\n-no such line\n+x\n", "")
    await call(all_tools()["apply_patch"], context, patch=patch)
    assert "    return 3\n" in (tmp_path / "a.py").read_text()
