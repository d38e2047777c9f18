"""read_file, list_files, search_files: exact, marked, and plain about what is missing."""

import re
import textwrap
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import Diff, FileLimits, Target, Workspace
from roo_lsp.tools import all_tools
from roo_lsp.tools._indentation import block_around
from roo_lsp.workspace.images import MAX_BYTES
from tests.support.images import gif, jpeg, png, webp
from tests.support.tools import call, prepared, tool_context

READ, LIST, SEARCH = (all_tools()[name] for name in ("read_file", "list_files", "search_files"))


@pytest.fixture
def context(tmp_path):
    return tool_context(tmp_path)


def numbers(count: int) -> str:
    return "".join(f"line {n}\n" for n in range(1, count + 1))


# --- read_file ----------------------------------------------------------------------------


async def test_a_file_is_read_with_exact_numbers(context, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\r\n\ttwo\nthree\n")
    result = await call(READ, context, path="a.txt")
    head, _, rest = result.text.partition("\n")
    assert head == "a.txt lines 1-3 of 3 (some lines end with CRLF)"
    assert rest == "1 | one\n2 | \ttwo\n3 | three"
    assert result.meta["range"] == {
        "startLine": 1,
        "endLine": 3,
        "totalLines": 3,
        "truncated": False,
    }
    assert result.locations[0].path == tmp_path / "a.txt"


async def test_a_file_without_a_final_line_ending_has_as_many_lines(context, tmp_path):
    (tmp_path / "a").write_text("one\ntwo")
    assert (await call(READ, context, path="a")).text == "a lines 1-2 of 2\n1 | one\n2 | two"


LEGACY = {
    "gb18030": "用户界面的文本在这里显示请输入您的姓名和密码。",
    "cp932": "ファイルを保存しました。次の行を確認してください。",
    "cp1252": "l'été à Paris: “naïve” costs 5 €",
    "cp1251": "Привет, мир! Это тестовый файл.",
}


@pytest.mark.parametrize("codec", LEGACY)
async def test_a_legacy_encoding_is_told_and_stays_around_an_edit(context, tmp_path, codec):
    words = LEGACY[codec]
    text = f"# one\r\n# {words}\r\nx = 1\r\n"
    (tmp_path / "a.py").write_bytes(text.encode(codec))
    head, _, rest = (await call(READ, context, path="a.py")).text.partition("\n")
    assert head == f"a.py lines 1-3 of 3 (stored as {codec}, lines end with CRLF)"
    assert f"2 | # {words}\n" in rest
    await call(
        all_tools()["edit"], context, file_path="a.py", old_string="x = 1", new_string="x = 2"
    )
    assert (tmp_path / "a.py").read_bytes() == text.replace("x = 1", "x = 2").encode(codec)


async def test_a_link_and_utf_16_are_told(context, tmp_path):
    (tmp_path / "real").write_text("a\n", "utf-16")
    (tmp_path / "link").symlink_to("real")
    head = (await call(READ, context, path="link")).text.partition("\n")[0]
    kind = "stored as utf-16-le with a byte order mark"
    assert head == f"link lines 1-1 of 1 (a link to {tmp_path}/real, {kind})"


async def test_an_outline_has_the_lines_that_begin_definitions(context, tmp_path):
    (tmp_path / "a.py").write_text(
        "import os\n\n@wrap\nclass A:\n    def f(self):\n        if x:\n            y()\n\n"
        "def g(\n    a,\n    b,\n):\n    return 1\n\nnames = [\n    1,\n]\n"
    )
    assert (await call(READ, context, path="a.py", outline=True)).text == (
        "a.py, outline of 17 lines\n4 | class A:\n5 |     def f(self):\n9 | def g("
    )


async def test_of_a_long_definition_its_head_and_the_lines_around_are_shown(context, tmp_path):
    body = "".join(f"    x{number} = {number}\n" for number in range(400))
    (tmp_path / "a.py").write_text(f"def f(a):\n{body}")
    text = (await call(READ, context, path="a.py", around_line=300)).text
    rows = text.split("\n")
    assert rows[0] == "a.py lines 240-360 of 401 (a part of 1-401, which is long)"
    assert rows[1] == "1 | def f(a):"
    assert rows[5] == "…"
    assert rows[6].startswith("240 | ")
    assert len(rows) < 130


async def test_an_empty_file_is_said_to_be_empty(context, tmp_path):
    (tmp_path / "a").touch()
    for arguments in ({}, {"start_line": 5}, {"around_line": 2}):
        assert (await call(READ, context, path="a", **arguments)).text == "a is an empty file."


async def test_a_range_includes_both_its_ends(context, tmp_path):
    (tmp_path / "a").write_text(numbers(10))
    result = await call(READ, context, path="a", start_line=3, end_line=4)
    assert result.text == "a lines 3-4 of 10\n3 | line 3\n4 | line 4"
    result = await call(READ, context, path="a", start_line=9, end_line=99)
    assert result.text.startswith("a lines 9-10 of 10\n")
    result = await call(READ, context, path="a", end_line=1)
    assert result.text == "a lines 1-1 of 10\n1 | line 1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start_line": 11}, "has only 10 lines; line 11 is past its end"),
        ({"around_line": 11}, "has only 10 lines"),
        ({"start_line": 0}, "start at 1"),
        ({"end_line": -1}, "start at 1"),
        ({"start_line": 5, "end_line": 4}, "before start_line"),
        ({"around_line": 5, "end_line": 6}, "not both"),
    ],
)
async def test_a_range_that_makes_no_sense_is_told(context, tmp_path, arguments, words):
    (tmp_path / "a").write_text(numbers(10))
    with pytest.raises(ToolError, match=words):
        await call(READ, context, path="a", **arguments)


async def test_a_long_file_is_cut_and_says_how_to_read_on(tmp_path):
    (tmp_path / "a").write_text(numbers(50))
    context = tool_context(tmp_path, limits=FileLimits(max_read_lines=20))
    result = await call(READ, context, path="a", start_line=11)
    lines = result.text.splitlines()
    assert lines[0] == "a lines 11-30 of 50 (truncated: read on with start_line=31)"
    assert len(lines) == 21
    assert result.meta["range"]["truncated"] is True
    rest = await call(READ, context, path="a", start_line=31)
    assert "truncated" not in rest.text


async def test_long_lines_are_cut_and_that_is_said(tmp_path):
    (tmp_path / "a").write_text("x" * 30 + "\nshort\n")
    context = tool_context(tmp_path, limits=FileLimits(max_line_length=10))
    result = await call(READ, context, path="a")
    assert result.text == (
        f"a lines 1-2 of 2 (lines ending in … are cut at 10 characters)\n1 | {'x' * 10}…\n2 | short"
    )


async def test_a_result_is_never_enormous(context, tmp_path):
    (tmp_path / "a").write_text(("x" * 1999 + "\n") * 2000)
    result = await call(READ, context, path="a")
    assert len(result.text) < 210_000
    assert f"read on with start_line={result.meta['range']['endLine'] + 1}" in result.text


async def test_folders_binaries_and_missing_files_are_told(context, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "bin").write_bytes(b"\0\1")
    for path, words in (
        ("sub", "list_files"),
        ("bin", "binary"),
        ("sbu", "Similar names here: sub"),
    ):
        with pytest.raises(ToolError, match=words):
            await call(READ, context, path=path)


async def test_a_title_says_what_is_read_in_one_line(context, tmp_path):
    (tmp_path / "a").touch()
    assert (await prepared(READ, context, path="a")).title == "Read a"
    assert (await prepared(READ, context, path="a", start_line=3, end_line=9)).title == "Read a 3-9"
    assert (await prepared(READ, context, path="a\n\u202eb")).title == "Read a\\n\\u202eb"


# --- images -------------------------------------------------------------------------------


@pytest.fixture
def seeing(tmp_path):
    return tool_context(tmp_path, takes_images=lambda: True)


async def test_an_image_is_shown_whatever_its_name(seeing, tmp_path):
    (tmp_path / "shot.txt").write_bytes(png(640, 480))
    result = await call(READ, seeing, path="shot.txt")
    size = len(png(640, 480))
    assert result.text == f"shot.txt is an image: image/png, 640 x 480, {size} bytes."
    [image] = result.images
    assert (image.media_type, b64decode(image.data)) == ("image/png", png(640, 480))
    facts = {"mimeType": "image/png", "width": 640, "height": 480, "size": size}
    assert result.meta == {"image": facts}
    assert result.locations[0].path == tmp_path / "shot.txt"


@pytest.mark.parametrize("data", [gif(), jpeg(), webp(b"VP8L")])
async def test_each_kind_of_image_that_models_take_is_shown(seeing, tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    assert len((await call(READ, seeing, path="a")).images) == 1


async def test_svg_is_text(seeing, tmp_path):
    (tmp_path / "a.svg").write_text("<svg/>")
    result = await call(READ, seeing, path="a.svg")
    assert result.text.endswith("1 | <svg/>")
    assert result.images == ()


async def test_a_model_that_takes_no_images_is_told_what_it_cannot_see(context, tmp_path):
    (tmp_path / "a.png").write_bytes(png(3, 2))
    with pytest.raises(ToolError) as caught:
        await call(READ, context, path="a.png")
    assert "a.png is an image (image/png, 3 x 2," in caught.value.text
    assert "roo.model.supportsImages" in caught.value.text


async def test_whether_images_are_taken_is_asked_at_each_read(tmp_path):
    answers = [False, True]
    context = tool_context(tmp_path, takes_images=lambda: answers.pop(0))
    (tmp_path / "a.png").write_bytes(png())
    invocation = await prepared(READ, context, path="a.png")
    with pytest.raises(ToolError):
        await invocation.run(lambda _: None)
    assert (await invocation.run(lambda _: None)).images


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\1", "binary"),
        (b"BM\0\0", "binary"),
        (png()[:20], "damaged"),
        (png(filler=MAX_BYTES), "at most 5242880"),
    ],
)
async def test_what_cannot_be_shown_is_told(seeing, tmp_path, data, words):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ToolError, match=words):
        await call(READ, seeing, path="a.png")


# --- the definition around a line ---------------------------------------------------------

PYTHON = textwrap.dedent('''\
    import os
    import re

    LIMIT = 3


    # Adds things.
    @decorator(
        1,
    )
    @other
    def first(
        a: int,
        b: int,
    ) -> int:
        if a:
            return 1

        else:
            for x in b:
                print(
                    x,
                )
        return 2


    class Second:
        """Doc."""

        field = 1

        def method(self):
            value = [
                1,
            ]
            return value

        async def last(self):
            pass


    def third():
        return 3
    ''').splitlines()

BRACES = textwrap.dedent("""\
    import a from "a";

    /**
     * Says it.
     */
    export function say(
      text: string,
    ): void {
      if (text) {
        log(text);
      } else {
        log({
          empty: true,
        });
      }
    }

    class Other
    {
      run() {
        return 1;
      }
    }

    const later = () => {
      go();
    };
    """).splitlines()


def line_of(lines: list[str], text: str) -> int:
    return next(index for index, line in enumerate(lines) if text in line)


@pytest.mark.parametrize(
    ("anchor", "first", "last"),
    [
        ("return 1", "# Adds", "return 2"),
        ("x,", "# Adds", "return 2"),
        ("a: int", "# Adds", "return 2"),
        (") -> int", "# Adds", "return 2"),
        ("def first", "# Adds", "return 2"),
        ("@other", "# Adds", "return 2"),
        ("return 2", "# Adds", "return 2"),
        ("field", "class Second", "pass"),
        ("class Second", "class Second", "pass"),
        ("return value", "def method", "return value"),
        ("            1,", "def method", "return value"),
        ("pass", "async def last", "pass"),
        ("return 3", "def third", "return 3"),
        ("import re", "import os", "import re"),
        ("LIMIT", "LIMIT", "LIMIT"),
    ],
)
def test_the_definition_around_a_line_of_python_is_found_and_no_more(anchor, first, last):
    found = block_around(PYTHON, line_of(PYTHON, anchor))
    begin = line_of(PYTHON, first)
    assert found == (begin, max(i for i, line in enumerate(PYTHON) if last in line))


@pytest.mark.parametrize(
    ("anchor", "first", "last"),
    [
        ("log(text)", "/**", "}"),
        ("empty", "/**", "}"),
        ("text: string", "/**", "}"),
        ("return 1", "run()", "  }"),
        ("run()", "run()", "  }"),
        ("class Other", "class Other", "}"),
        ("go();", "const later", "};"),
    ],
)
def test_the_definition_around_a_line_with_braces_is_found_and_no_more(anchor, first, last):
    begin, end = block_around(BRACES, line_of(BRACES, anchor))
    assert begin == line_of(BRACES, first)
    assert BRACES[end] == last
    assert end > line_of(BRACES, anchor) or anchor == last


@pytest.mark.parametrize("lines", [[""], ["}"], ["  x"], ["", "", ""], ["(", ")", "]"], ["else:"]])
def test_any_line_of_anything_has_a_block_that_holds_it(lines):
    for anchor in range(len(lines)):
        first, last = block_around(lines, anchor)
        assert 0 <= first <= last < len(lines)


async def test_around_line_shows_the_definition_alone(context, tmp_path):
    (tmp_path / "a.py").write_text("\n".join(PYTHON))
    result = await call(READ, context, path="a.py", around_line=line_of(PYTHON, "return value") + 1)
    lines = result.text.splitlines()
    assert lines[1].endswith("def method(self):")
    assert lines[-1].endswith("return value")
    assert "truncated" not in lines[0]


# --- list_files ---------------------------------------------------------------------------


async def test_a_listing_has_names_for_the_next_call(context, tmp_path):
    (tmp_path / "src/deep").mkdir(parents=True)
    (tmp_path / "src/a.py").touch()
    (tmp_path / "src/new\nline").touch()
    result = await call(LIST, context, path="src")
    assert result.text.splitlines() == ["src/deep/", "src/a.py", "src/new\\nline"]
    recursive = await call(LIST, context, path=".", recursive=True)
    assert recursive.text.splitlines()[:2] == ["src/", "src/deep/"]


async def test_a_listing_says_what_it_left_out(context, tmp_path):
    for number in range(201):
        (tmp_path / f"{number}").touch()
    assert "(Cut at 200 entries;" in (await call(LIST, context, path=".")).text
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/.gitignore").write_text("*.log\n.gitignore\n")
    (tmp_path / "sub/a.log").touch()
    assert (await call(LIST, context, path="sub")).text == (
        "sub has no files to show.\n(.gitignore hides 2 entries more.)"
    )
    (tmp_path / "empty").mkdir()
    assert (await call(LIST, context, path="empty")).text == "empty has no files."


# --- search_files -------------------------------------------------------------------------


async def test_matches_are_marked_and_groups_are_apart(context, tmp_path):
    (tmp_path / "a.py").write_text("one\ntwo x\nthree\nfour\nfive\nsix x\n")
    result = await call(SEARCH, context, path=".", regex="x$", file_pattern="*.py")
    assert result.text == (
        "Found 2 matches in 1 file in the workspace (*.py).\n\n"
        "# a.py\n 1 | one\n>2 | two x\n 3 | three\n--\n 5 | five\n>6 | six x"
    )
    assert result.locations[0].line == 2


async def test_nothing_found_is_told_with_what_was_searched(context, tmp_path):
    result = await call(SEARCH, context, path=".", regex="abc", file_pattern="*.rs")
    assert result.text.startswith("Nothing was searched: no file in the workspace (*.rs)")
    assert not result.failed
    (tmp_path / "a.py").write_text("x")
    result = await call(SEARCH, context, path=".", regex="no such text", file_pattern="*.py")
    assert result.text == "No matches for no such text in the workspace (*.py)."


async def test_more_matches_than_are_shown_are_told(context, tmp_path):
    (tmp_path / "a").write_text("x\n" * 400)
    result = await call(SEARCH, context, path=".", regex="x")
    assert result.text.startswith("Found 300 matches in 1 file in the workspace. There are more")


async def test_a_search_result_is_never_enormous(context, tmp_path):
    for number in range(20):
        (tmp_path / f"{number}").write_text(("x" * 490 + "\n") * 15 + "-" * 490 + "\n")
    wide = tool_context(tmp_path)
    result = await call(SEARCH, wide, path=".", regex="x")
    assert len(result.text) < 201_000


async def test_unsaved_text_is_searched(tmp_path):
    class Editor:
        def unsaved(self):
            return {tmp_path / "a": "fresh\n"}

        async def read(self, path):
            raise ToolError("not now")

    (tmp_path / "a").write_text("old\n")
    context = tool_context(tmp_path, files=Editor())
    assert ">1 | fresh" in (await call(SEARCH, context, path=".", regex="fresh|old")).text


SOURCE = """\
import os

class Table:
    def row(self):
        first = 1
        second = 2

        return needle

    def column(self):
        needle()
"""


async def test_it_is_told_what_a_match_is_in(context, tmp_path):
    (tmp_path / "t.py").write_text(SOURCE)
    found = (await call(SEARCH, context, path=".", regex="needle")).text
    assert found.partition("# t.py\n")[2] == (
        "(in 4 | def row(self):)\n>8 |         return needle\n"  # no blank lines beside it
        " 10 |     def column(self):\n>11 |         needle()"
    )
    alone = (await call(SEARCH, context, path=".", regex="needle", context=0)).text
    assert alone.endswith(
        "# t.py\n(in 4 | def row(self):)\n>8 |         return needle\n"
        "(in 10 | def column(self):)\n>11 |         needle()"
    )


async def test_what_is_not_shown_is_told_by_file(context, tmp_path):
    (tmp_path / "a").write_text("x\n" * 320)
    (tmp_path / "b").write_text("x\n" * 12)
    head = (await call(SEARCH, context, path=".", regex="x", context=0)).text.partition("\n")[0]
    assert "There are more: " in head
    counts = re.findall(r"(\d+) in ([ab])", head)
    assert sum(int(count) for count, _ in counts) == 32


@pytest.mark.parametrize(
    "pattern", ["*.ts,*.tsx", "./src/**/*.ts", "src/**/*.{ts,tsx}", r"src\*.ts", "src/"]
)
async def test_patterns_are_taken_as_they_are_meant(context, tmp_path, pattern):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.ts").write_text("needle\n")
    found = await call(SEARCH, context, path=".", regex="needle", file_pattern=pattern)
    assert found.text.startswith("Found 1 match in 1 file")
    below = await call(SEARCH, context, path="src", regex="needle", file_pattern="src/*.ts")
    assert below.text.startswith("Found 1 match in 1 file")


async def test_of_several_folders_a_search_in_all_is_one_in_each(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text("needle\n")
    context = replace(
        tool_context(tmp_path), workspace=Workspace((tmp_path / "one", tmp_path / "two"))
    )
    found = (await call(SEARCH, context, path=".", regex="needle")).text
    assert found.startswith("Found 2 matches in 2 files in the 2 workspace folders.")


async def test_a_bad_expression_is_an_error_and_not_an_empty_result(context, tmp_path):
    with pytest.raises(ToolError, match="unclosed"):
        await call(SEARCH, context, path=".", regex="(")
    with pytest.raises(ToolError, match="not found"):
        await call(SEARCH, context, path="nowhere", regex="x")


async def test_what_is_outside_is_named_absolutely(context, tmp_path):
    other = Path(tmp_path.parent) / f"{tmp_path.name}-other"
    other.mkdir()
    (other / "f").write_text("x\n")
    assert f"# {other}/f" in (await call(SEARCH, context, path=str(other), regex="x")).text


# --- show_changes ---------------------------------------------------------------------------


async def test_the_tasks_changes_are_shown_as_a_diff_and_read_like_their_files(tmp_path):
    changes = [
        Diff(tmp_path / "a.py", "1\n2\n", "1\ntwo\n"),
        Diff(tmp_path / "sub/new", None, "x\n"),
        Diff(tmp_path / "gone", "y\n", None),
    ]

    async def those() -> list[Diff]:
        return changes

    context = tool_context(tmp_path, changes=those)
    invocation = await prepared(all_tools()["show_changes"], context)
    assert invocation.targets == tuple(Target(each.path, "read") for each in changes)
    told = (await invocation.run(lambda _: None)).text
    assert told == (
        "# a.py: edited, +1 -1\n@@ -1,2 +1,2 @@\n 1\n-2\n+two\n"
        "# sub/new: created, +1 -0\n@@ -0,0 +1 @@\n+x\n"
        "# gone: deleted, +0 -1\n@@ -1 +0,0 @@\n-y"
    )
    below = (await call(all_tools()["show_changes"], context, path="sub")).text
    assert below.startswith("# sub/new: created")
    assert "a.py" not in below
    none = (await call(all_tools()["show_changes"], context, path="other")).text
    assert none == "Your edits changed nothing here, or nothing of it stands any more."


async def test_of_very_much_that_changed_a_part_is_shown_and_every_file_named(tmp_path):
    many = [Diff(tmp_path / f"f{n}", None, numbers(3000)) for n in range(250)]

    async def those() -> list[Diff]:
        return many

    told = (await call(all_tools()["show_changes"], tool_context(tmp_path, changes=those))).text
    assert len(told) < 60_000
    assert "# f1: created, +3000 -0, not shown whole: too long\n" in told
    assert (
        "# f199: created, +3000 -0, not shown: too long\n# and 50 more files: ask by path" in told
    )
