"""Patches: read strictly, placed surely, and applied to what they were made from they give the rest."""

import difflib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.blocks import Block
from roo_lsp.workspace.lines import line_texts, lines_and_ends
from roo_lsp.workspace.patch import Operation, PatchHunk, apply_hunks, parse_patch
from tests.support.trees import texts


def patch(*lines: str) -> str:
    return "\n".join(["*** Begin Patch", *lines, "*** End Patch"])


def hunks(*lines: str) -> tuple[PatchHunk, ...]:
    [operation] = parse_patch(patch("*** Update File: a", *lines))
    return operation.hunks


def applied(text: str, *lines: str) -> str:
    edited, failures = apply_hunks(text, "a", hunks(*lines))
    assert failures == []
    return edited.text


def failures(text: str, *lines: str) -> list[str]:
    return apply_hunks(text, "a", hunks(*lines))[1]


# --- reading --------------------------------------------------------------------------------


def test_all_operations_are_read():
    found = parse_patch(
        patch(
            "*** Add File: new dir/n.txt",
            "+one",
            "+",
            "+ two",
            "*** Delete File: old.txt",
            "*** Update File: a.py",
            "*** Move to: b.py",
            "@@ class A:",
            "@@     def f(self):",
            " stays",
            "-goes",
            "+comes",
            "@@",
            "-x",
            "*** End of File",
        )
    )
    assert found == [
        Operation("add", "new dir/n.txt", content="one\n\n two\n"),
        Operation("delete", "old.txt"),
        Operation(
            "update",
            "a.py",
            "b.py",
            hunks=(
                PatchHunk(
                    9,
                    ("class A:", "    def f(self):"),
                    Block(("stays", "goes"), ("stays", "comes")),
                ),
                PatchHunk(14, (), Block(("x",), ()), at_end=True),
            ),
        ),
    ]
    assert found[2].paths == ("a.py", "b.py")


@pytest.mark.parametrize(
    "text",
    [
        "apply_patch <<'EOF'\n{}\nEOF\n",
        "```diff\n{}\n```",
        "\n\n{}\n\n",
        "{}",
    ],
)
def test_what_stands_around_it_and_how_lines_end_does_not_matter(text):
    plain = patch("*** Delete File: a", "", "*** Add File: b", "+b", "", "*** Delete File:c  ")
    whole = text.format(plain)
    expected = [
        Operation("delete", "a"),
        Operation("add", "b", content="b\n"),
        Operation("delete", "c"),
    ]
    assert parse_patch(whole) == expected
    assert parse_patch(whole.replace("\n", "\r\n")) == expected
    assert parse_patch(whole.replace("*** Begin Patch\n", "")) == expected


def test_lines_of_files_that_look_like_the_format_are_lines_of_files():
    [operation] = parse_patch(
        patch("*** Add File: a", "+*** End Patch", "+*** Delete File: b", "+@@", "++x")
    )
    assert operation.content == "*** End Patch\n*** Delete File: b\n@@\n+x\n"
    text = "*** Begin Patch\n*** End Patch\n@@ x\n-a\n"
    assert applied(text, " *** Begin Patch", "-*** End Patch", " @@ x", "--a", "++a") == (
        "*** Begin Patch\n@@ x\n+a\n"
    )


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["*** Delete File:"], "Line 2 names no file"),
        (["*** Update File: a", "*** Move to: ", "-a"], "Line 3 names no file to move to"),
        (["*** Update File: a"], "The update of a changes nothing"),
        (["*** Update File: a", "@@", " a"], "The update of a changes nothing"),
        (["*** Add File: a", "+a", "b"], "Line 4 is b: each line of an added file has +"),
        (["hello"], "Line 2 is hello where *** Add File:"),
        (["*** Rename File: a"], "Line 2 is *** Rename File: a where"),
        (
            ["*** Update File: a", "-a", "*** Rename: b"],
            "Line 4 is *** Rename: b, which is no part",
        ),
        (["*** Delete File: a", "b"], "Line 3 is b where"),
        ([], "There is no file in the patch"),
        (["*** Begin Patch", "*** Delete File: a"], "several patches"),
    ],
)
def test_a_malformed_patch_is_told_with_the_line_that_breaks_it(lines, words):
    with pytest.raises(ToolError) as caught:
        parse_patch(patch(*lines))
    assert words in caught.value.text
    assert "Nothing was changed. A patch has this form:" in caught.value.text


@pytest.mark.parametrize("text", ["", "hello", "*** Begin Patch\n*** Delete File: a\n"])
def test_a_patch_without_its_end_may_be_cut_off_and_is_refused(text):
    with pytest.raises(ToolError, match=r"There is no \*\*\* End Patch"):
        parse_patch(text)


@given(st.lists(st.sampled_from([*patch(" a", "-b", "+c", "@@ d").split("\n"), "", "*** Add File: a", "*** Update File: b", "*** Move to: c", "*** End of File"])))  # fmt: skip
def test_any_lines_are_read_or_refused(lines):
    try:
        operations = parse_patch("\n".join(lines))
    except ToolError:
        return
    assert all(operation.path for operation in operations)


# --- placing --------------------------------------------------------------------------------

TWICE = "class A:\n  def f():\n    x\n\nclass B:\n  def f():\n    x\n"


def test_hunks_are_placed_by_their_lines():
    assert applied("a\nb\nc\n", " a", "-b", "+B", "@@", "-c") == "a\nB\n"
    assert (
        applied("a\n\nb\n", " a", "", "-b", "+B") == "a\n\nB\n"
    )  # an empty line without its blank


def test_a_hunk_that_fits_in_several_places_is_refused_with_their_lines():
    [told] = failures(TWICE, "@@", "-    x", "+    y")
    assert told.startswith("a, hunk 1 (line 3 of the patch): ")
    assert "fits in 2 places, beginning in lines 3, 7" in told
    [told] = failures(TWICE, "@@   def f():", "-    x", "+    y")
    assert "fits in 2 places" in told


@pytest.mark.parametrize(
    "head",
    [
        ["@@ class B:"],
        ["@@ class B:", "@@   def f():"],
        ["@@ class B: @@"],
        ["@@ class B"],
        ["@@ -7,1 +7,1 @@ class A:"],
    ],
)
def test_what_stands_behind_the_at_signs_tells_which_place_is_meant(head):
    assert applied(TWICE, *head, "-    x", "+    y") == TWICE[:-6] + "    y\n"


def test_the_first_place_below_the_context_is_meant():
    assert applied(TWICE, "@@ class A:", "-    x", "+    y") == TWICE.replace("x", "y", 1)
    assert applied(TWICE, "@@ class A:", " class A:", "-  def f():", "+  def g():") == (
        TWICE.replace("f()", "g()", 1)
    )


def test_hunks_come_in_the_order_of_the_file_where_that_decides():
    text = "a\nx\nb\nx\n"
    assert applied(text, "-b", "+B", "@@", "-x", "+y") == "a\nx\nB\ny\n"


def test_a_context_that_is_not_there_does_not_matter_where_there_is_one_place():
    assert applied("a\nb\n", "@@ nowhere", "-b", "+c") == "a\nc\n"


def test_the_end_of_the_file_tells_which_place_is_meant():
    assert applied("x\na\nx\n", "@@", "-x", "+y", "*** End of File") == "x\na\ny\n"


def test_lines_that_are_only_added_go_below_the_context_or_to_the_end():
    assert applied("a\nb\n", "@@ a", "+new") == "a\nnew\nb\n"
    assert applied("a\nb", "@@", "+new") == "a\nb\nnew"
    assert applied("a\r\nb\r\n", "+new", "*** End of File") == "a\r\nb\r\nnew\r\n"
    assert applied("", "+new") == "new\n"
    assert "stands in lines 1, 3" in failures("a\nb\na\n", "@@ a", "+new")[0]
    assert "The line behind @@ is not in the file" in failures("a\n", "@@ what", "+new")[0]
    assert "no line to be found by" in failures("a\nb\n", "@@ -1,0 +2,1 @@", "+new")[0]


def test_every_hunk_that_fails_is_told_with_what_comes_nearest():
    text = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    told = failures(
        text,
        "@@", " def one():", "-    return 1", "+    return 10",
        "@@", " def two():", "-    return 3", "+    return 4",
        "@@", "-nothing like it", "+x",
    )  # fmt: skip
    assert [each.partition(":")[0] for each in told] == [
        "a, hunk 2 (line 7 of the patch)",
        "a, hunk 3 (line 11 of the patch)",
    ]
    assert "The nearest is in lines 5-6" in told[0]
    assert "!6 |     return 2" in told[0]


def test_hunks_that_overlap_are_refused():
    assert "so does a, hunk 1" in failures("a\nb\nc\n", "-a", "-b", "@@", "-b", "+B")[0]


def test_blanks_and_typography_do_not_keep_a_hunk_from_fitting():
    edited, none = apply_hunks("\tsay(“hi”) \n\tx\n", "a", hunks(' say("hi")', "-x", "+y"))
    assert none == []
    assert edited.text == "\tsay(“hi”) \n\ty\n"
    assert edited.nearly == ("a, hunk 1 (line 3 of the patch)",)


SPACED = "def f():\n    a = 1\n\n    b = 2\n\n\n    return a\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            [" def f():", "     a = 1", "-    b = 2", "+    b = 3", "     return a"],
            SPACED.replace("b = 2", "b = 3"),
        ),
        (["-    a = 1", "-    b = 2", "+    c = 2", "     return a"], "def f():\n    c = 2\n\n\n    return a\n"),
        (["     a = 1", "     b = 2", "+    c = 3", " ", " ", "     return a"],
         SPACED.replace("b = 2\n", "b = 2\n    c = 3\n")),
        ([" a = 1", "-b = 2", "+b = 3"], SPACED.replace("b = 2", "b = 3")),
    ],
)  # fmt: skip
def test_a_hunk_that_leaves_out_blank_lines_is_taken_where_it_fits_with_them_in_one_place(
    lines, expected
):
    assert applied(SPACED, *lines) == expected
    assert apply_hunks(SPACED, "a", hunks(*lines))[0].nearly == ("a, hunk 1 (line 3 of the patch)",)


def test_a_hunk_that_leaves_out_blank_lines_is_told_shortly_where_they_could_be_meant_otherwise():
    between = ["     a = 1", "+    c = 3", "     b = 2"]
    [told] = failures(SPACED, *between)
    assert told == (
        "a, hunk 1 (line 3 of the patch): line 3 of the file is blank and left out just where lines "
        "are added. Put it in, on the side where it belongs."
    )
    [told] = failures(SPACED * 2, "     a = 1", "-    b = 2", "     return a")
    assert "fits in 2 places, beginning in lines 2, 9" in told
    last = applied(SPACED * 2, "     a = 1", "-    b = 2", "     return a", "*** End of File")
    assert last == SPACED + SPACED.replace("    b = 2\n", "")


def test_a_missing_final_line_ending_stays_missing():
    assert applied("a\nb", "-b", "\\ No newline at end of file", "+c") == "a\nc"
    assert applied("a\nb", " b", "+c") == "a\nb\nc"


# --- properties -----------------------------------------------------------------------------


def made(old: str, new: str, context: int) -> list[str]:
    """The lines of a patch that makes one text of the other."""
    lines: list[str] = []
    before, after = line_texts(old), line_texts(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(context):
        first, last = group[0][1] + 1, group[-1][2]
        lines.append(f"@@ -{first},{last - first + 1} +1,1 @@")
        for what, a1, a2, b1, b2 in group:
            if what == "equal":
                lines += [f" {each}" for each in before[a1:a2]]
                continue
            lines += [f"-{each}" for each in before[a1:a2]]
            lines += [f"+{each}" for each in after[b1:b2]]
    return lines


@given(texts(), texts(), st.integers(1, 4))
def test_a_patch_made_of_two_texts_makes_one_of_the_other(old, new, context):
    lines = made(old, new, context)
    assume(lines and line_texts(old))
    if line_texts(new) and not line_texts(new)[-1]:
        assume(lines_and_ends(old)[-1].end)  # an empty last line without an ending is no line
    assert line_texts(applied(old, *lines)) == line_texts(new)


@given(texts(min_lines=1), st.data())
def test_lines_that_no_hunk_names_stay_to_the_byte(text, data):
    lines = lines_and_ends(text)
    at = data.draw(st.integers(0, len(lines) - 1))
    above = [each.text for each in lines[max(0, at - 2) : at]]
    first = at - len(above) + 1
    head = f"@@ -{first},{len(above) + 1} +1,1 @@"
    changed = applied(text, head, *(f" {each}" for each in above), f"-{lines[at].text}", "+changed")
    whole = ["".join((each.text, each.end)) for each in lines]
    whole[at] = f"changed{lines[at].end}"
    assert changed == "".join(whole)


@given(texts(), texts(), st.integers(0, 2))
def test_any_patch_on_any_text_is_applied_or_told(old, other, context):
    lines = made(other, f"{other}\nmore", context)
    try:
        edited, told = apply_hunks(old, "a", hunks(*lines))
    except ToolError:
        return
    assert told or edited.text != old
