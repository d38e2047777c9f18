"""SEARCH/REPLACE blocks: read strictly, placed surely, and nothing else of the file changes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.blocks import Block, parse_blocks
from roo_lsp.workspace.edits import apply_blocks
from roo_lsp.workspace.lines import line_texts, lines_and_ends


def block(search: str, replacement: str, head: str = "") -> str:
    def part(text: str) -> str:
        return f"{text}\n" if text else ""

    return (
        f"<<<<<<< SEARCH\n{part(head)}{part(search)}=======\n{part(replacement)}>>>>>>> REPLACE\n"
    )


def edited(text: str, *diffs: str) -> str:
    return apply_blocks(text, parse_blocks("".join(diffs))).text


def refused(text: str, *diffs: str) -> ToolError:
    with pytest.raises(ToolError) as caught:
        edited(text, *diffs)
    return caught.value


# --- reading blocks -------------------------------------------------------------------------


def test_a_block_is_read_with_or_without_its_head():
    assert parse_blocks(block("a", "b")) == [Block(("a",), ("b",))]
    assert parse_blocks(block("a", "b", ":start_line:7\n-------")) == [Block(("a",), ("b",), 7)]
    assert parse_blocks(block("a", "b", ":start_line: 7\n:end_line:9\n-------")) == [
        Block(("a",), ("b",), 7)
    ]
    assert parse_blocks(block("a", "", "-------")) == [Block(("a",), ())]


def test_what_stands_around_blocks_is_ignored_and_line_ends_do_not_matter():
    diff = "```diff\n" + block("a", "b") + "\nand\n" + block("c", "d") + "```"
    assert parse_blocks(diff.replace("\n", "\r\n")) == [
        Block(("a",), ("b",)),
        Block(("c",), ("d",)),
    ]


def test_markers_in_the_file_are_written_with_a_backslash():
    search = "\\<<<<<<< HEAD\nours\n\\=======\ntheirs\n\\>>>>>>> branch\n\\\\======="
    assert parse_blocks(block(search, "\\-------\n\\:start_line:3\n\\n"))[0] == Block(
        ("<<<<<<< HEAD", "ours", "=======", "theirs", ">>>>>>> branch", "\\======="),
        ("-------", ":start_line:3", "\\n"),
    )


@pytest.mark.parametrize(
    ("diff", "words"),
    [
        ("", "no SEARCH/REPLACE block"),
        ("just text", "no SEARCH/REPLACE block"),
        ("<<<<<<< SEARCH\na\n", "begins in line 1 has no ======="),
        ("<<<<<<< SEARCH\na\n=======\nb\n", "has no >>>>>>> REPLACE"),
        ("<<<<<<< SEARCH\na\n>>>>>>> REPLACE", "Line 3 is >>>>>>> REPLACE where ======= was"),
        ("=======\nb\n>>>>>>> REPLACE", "no block has begun"),
        (block("a\n=======\nb", "c"), "Line 5 is ======= where >>>>>>> REPLACE was expected"),
        (block("a", "b\n<<<<<<< SEARCH\nc"), "with a backslash in front"),
        (block("a", ":start_line:3\nb"), "in the REPLACE part"),
        (block("", "b"), "Block 1 has an empty SEARCH"),
        (block("a", "a"), "Block 1 changes nothing"),
    ],
)
def test_a_malformed_diff_is_told_with_the_line_that_breaks_it(diff, words):
    with pytest.raises(ToolError) as caught:
        parse_blocks(diff)
    assert words in caught.value.text


# --- placing them ---------------------------------------------------------------------------


def test_several_blocks_are_applied_in_any_order():
    text = "a\nb\nc\nd\n"
    assert edited(text, block("d", "D"), block("a", "A\nA2"), block("c", "")) == "A\nA2\nb\nD\n"


def test_blanks_at_the_beginning_and_the_end_of_new_lines_are_kept():
    assert edited("a\n", block("a", "  a  \n\tb\t")) == "  a  \n\tb\t\n"


def test_a_change_of_trailing_blanks_alone_is_made():
    assert edited("a  \nb\n", block("a  ", "a")) == "a\nb\n"
    assert edited("a\nb\n", block("a", "a  ")) == "a  \nb\n"


def test_dollar_signs_and_backslashes_mean_nothing():
    assert edited("a\n", block("a", r"$& \1 $$ \g<0>")) == "$& \\1 $$ \\g<0>\n"


def test_an_ambiguous_place_is_refused_with_its_line_numbers():
    error = refused("x\na\nx\na\nx\n", block("a", "b"))
    assert "fits in 2 places, beginning in lines 2, 4" in error.text


@pytest.mark.parametrize(
    ("start", "changed"),
    [(2, 2), (4, 4), (1, 2), (5, 4), (44, 4), (100, None), (3, None)],
)
def test_a_start_line_tells_which_place_is_meant(start, changed):
    text = "x\na\nx\na\nx\n" + "y\n" * 100
    diff = block("a", "b", f":start_line:{start}\n-------")
    if changed is None:
        assert "fits in 2 places" in refused(text, diff).text
    else:
        assert line_texts(edited(text, diff))[changed - 1] == "b"


@pytest.mark.parametrize("start", [1, 500, 10_000])
def test_a_wrong_start_line_does_not_matter_where_there_is_one_place(start):
    text = "y\n" * 300 + "a\n" + "y\n" * 300
    diff = block("a", "b", f":start_line:{start}\n-------")
    assert line_texts(edited(text, diff))[300] == "b"


def test_start_lines_are_those_of_the_file_as_it_was():
    text = "a\nx\na\nx\na\n"
    first = block("a", "1\n2\n3\n4", ":start_line:1\n-------")
    last = block("a", "end", ":start_line:5\n-------")
    assert edited(text, first, last) == "1\n2\n3\n4\nx\na\nx\nend\n"


def test_blocks_that_overlap_are_refused():
    error = refused("a\nb\nc\n", block("a\nb", "1"), block("b\nc", "2"))
    assert "Block 2: it changes lines 2-3, and so does Block 1" in error.text


def test_line_numbers_that_were_copied_along_are_taken_off():
    text = "x\n  a\n\nb\nx\n"
    assert edited(text, block("2 |   a\n3 |\n4 | b", "2 |   A\n3 |\n4 | b")) == "x\n  A\n\nb\nx\n"
    assert edited(text, block(" 2 |   a", "  A")) == "x\n  A\n\nb\nx\n"
    assert edited("a\na\na\n", block(">2 | a", "b")) == "a\nb\na\n"


def test_numbered_text_of_the_file_itself_is_left_as_it_is():
    assert edited("1 | a\n", block("1 | a", "1 | b")) == "1 | b\n"


def test_trailing_blanks_and_look_alikes_do_not_keep_a_block_from_fitting():
    text = "say(“hi”)  \nkeep \u2013 this\u00a0one\t\nend\n"
    diff = block('say("hi")\nkeep - this one\nend', 'say("hi")\nkeep - this one\nnew\nend')
    result = apply_blocks(text, parse_blocks(diff))
    assert result.text == "say(“hi”)  \nkeep \u2013 this\u00a0one\t\nnew\nend\n"
    assert result.nearly == ("Block 1",)


def test_blank_lines_around_both_parts_do_not_keep_a_block_from_fitting():
    assert edited("a\nb", block("b\n", "c\n")) == "a\nc"


@pytest.mark.parametrize("search", ["A", "a b", "a;"])
def test_case_and_content_do_count(search):
    refused("  a\n", block(search, "x"))


@pytest.mark.parametrize(
    ("text", "search", "replacement", "after"),
    [
        # blanks in front of every line: too few, too many
        ("    a\n      b\n", "a\n  b", "a\n  new\n\n  b", "    a\n      new\n\n      b\n"),
        ("\ta\n\t\tb\n", "a\n\tb", "a\n\t\tdeep\n\tb", "\ta\n\t\t\tdeep\n\t\tb\n"),
        ("a\n  b\n", "    a\n      b", "    A\n      B", "A\n  B\n"),
        # spaces for tabs, and tabs for spaces
        ("a\n\tb\n\t\tc\n", "a\n  b\n    c", "a\n  b\n    z\n    c", "a\n\tb\n\t\tz\n\t\tc\n"),
        ("    a\n", "\ta", "\tif a:\n\t\tb", "    if a:\n        b\n"),
        # blanks within a line
        ("def  f(a,  b):\n    c\n", "def f(a, b):\n    c", "def f(a, b):\n    d", "def  f(a,  b):\n    d\n"),
    ],
)  # fmt: skip
def test_other_indentation_is_understood_where_one_rule_explains_all_of_it(
    text, search, replacement, after
):
    result = apply_blocks(text, parse_blocks(block(search, replacement)))
    assert result.text == after
    assert result.nearly == ("Block 1",)


@pytest.mark.parametrize(
    ("text", "search", "replacement"),
    [
        ("  a\n", "    a", "x"),  # less than none is left
        ("\ta\n\t  b\n", "    a\n    b", "    x"),  # no rule explains both lines
        ("\ta\n", "    a", "    if a:\n      b"),  # a tab and a half
        ("a\n\tb\n", "a\n    b", "a\n  x\n    b"),
        ("  a\n    a\n", "      a", "      b"),  # two places
    ],
)
def test_other_indentation_that_could_mean_several_things_is_refused(text, search, replacement):
    assert "Only blanks differ" in refused(text, block(search, replacement)).text or (
        "fits in 2 places" in refused(text, block(search, replacement)).text
    )


def test_lines_of_a_long_block_that_it_does_not_change_are_the_files_own():
    text = "".join(f"{n % 7} \n" for n in range(700))
    shown = [str(n % 7) for n in range(700)]
    changed = [*shown[:350], "new", *shown[350:]]
    before = text.splitlines(keepends=True)
    result = edited(text, block("\n".join(shown), "\n".join(changed)))
    assert result == "".join([*before[:350], "new\n", *before[350:]])


def test_a_place_at_the_start_line_wins_over_a_better_one_elsewhere():
    text = "a \n" + "x\n" * 200 + "a\n"
    assert edited(text, block("a", "b", ":start_line:1\n-------")).startswith("b\n")
    assert edited(text, block("a", "b", ":start_line:3\n-------")).endswith("b\n")


def test_an_exact_place_wins_over_nearly_fitting_ones():
    assert edited("a \na\n", block("a", "b")) == "a \nb\n"


def test_every_failing_block_is_told_and_nothing_is_changed():
    text = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    error = refused(
        text,
        block("    return 1", "    return 10"),
        block("def two():\n    return 3", "x"),
        block("nothing like it at all", "x"),
        block("DEF  one():", "x"),
        block("    return 1\n\ndef three():", "x"),
    )
    assert "4 of 5 blocks could not be applied" in error.text
    assert "Block 2: SEARCH is not in the file. The nearest is in lines 5-6" in error.text
    assert " 5 | def two():\n!6 |     return 2" in error.text
    assert "Block 3: SEARCH is not in the file. Nothing in it is similar" in error.text
    assert "Block 4" in error.text
    assert "Block 5: SEARCH is not in the file. The nearest is in lines" in error.text
    assert "Block 1" not in error.text
    assert error.brief == "Nothing was changed: 4 of 5 blocks could not be applied."


def test_a_block_for_an_empty_file_is_told_so():
    assert "the file is empty" in refused("", block("a", "b")).text


def test_a_failing_block_in_a_large_file_is_told_soon():
    text = "".join(f"line number {n} of many\n" for n in range(50_000))
    error = refused(text, block("\n".join(f"line numbr {n}" for n in range(200)), "x"))
    assert len(error.text) < 5_000


def test_blocks_that_would_change_nothing_are_told_so():
    assert "already reads" in refused("a\nb\n", block("1 | a", "a")).text
    assert "already reads" in refused("a\nb\n", block("a ", "a")).text


# --- line endings ---------------------------------------------------------------------------


def test_lines_keep_their_endings_and_new_ones_get_their_neighbours():
    text = "a\r\nb\nc\r\nd\n"
    assert edited(text, block("b\nc", "b\nnew\nc")) == "a\r\nb\nnew\nc\r\nd\n"
    assert edited(text, block("c", "C\nC2")) == "a\r\nb\nC\r\nC2\r\nd\n"


def test_a_file_with_windows_endings_keeps_them_whatever_the_diff_has():
    text = "a\r\nb\r\n"
    for diff in (block("a", "x\ny"), block("a", "x\ny").replace("\n", "\r\n")):
        assert edited(text, diff) == "x\r\ny\r\nb\r\n"


def test_a_missing_final_line_ending_stays_missing():
    assert edited("a\nb", block("b", "c\nd")) == "a\nc\nd"
    assert edited("a\nb", block("b", "")) == "a"
    assert edited("a\r\nb", block("b", "b\nc")) == "a\r\nb\r\nc"
    assert edited("a", block("a", "b\nc")) == "b\nc"


def test_odd_characters_end_no_line():
    text = "a\x0cb\u2028c\x85d\nx\n"
    assert edited(text, block("x", "y")) == "a\x0cb\u2028c\x85d\ny\n"
    assert edited(text, block("a\x0cb\u2028c\x85d", "z")) == "z\nx\n"


def test_a_lone_cr_and_an_lf_that_come_together_stay_two_endings():
    text = "\n\r\r\n\n"
    diff = block("\n\n", "\n", ":start_line:1\n-------")
    assert len(lines_and_ends(edited(text, diff))) == len(lines_and_ends(text)) - 1


# --- properties -----------------------------------------------------------------------------

characters = st.characters(exclude_categories=("Cs",), exclude_characters="\r\n")
words = st.sampled_from(["", "a", " a", "a ", "b", "{", "}", "=======", "\\=======", "12 | a"])
line = st.one_of(words, st.text(characters, max_size=5))
ending = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def texts(draw):
    lines = draw(st.lists(st.tuples(line, ending), min_size=1, max_size=25))
    text = "".join(body + end for body, end in lines)
    return text + draw(st.sampled_from(["", "last"]))


def escaped(line: str) -> str:
    return (
        f"\\{line}"
        if re.match(r"\\*(<{7}|={7}|>{7}|-------\s*$|:(start|end)_line:)", line)
        else line
    )


@given(texts(), st.data())
def test_only_the_lines_of_the_block_change_to_the_byte(text, data):
    lines = lines_and_ends(text)
    begin = data.draw(st.integers(0, len(lines) - 1))
    end = data.draw(st.integers(begin + 1, len(lines)))
    new = data.draw(st.lists(line, max_size=6))
    old = [each.text for each in lines[begin:end]]
    if old == new:
        return
    head = f":start_line:{begin + 1}\n-------\n"
    diff = "<<<<<<< SEARCH\n" + head
    diff += "".join(f"{escaped(each)}\n" for each in old) + "=======\n"
    diff += "".join(f"{escaped(each)}\n" for each in new) + ">>>>>>> REPLACE\n"
    result = edited(text, diff)
    after = [each.text for each in lines_and_ends(result)]
    expected = [each.text for each in lines[:begin]] + new + [each.text for each in lines[end:]]
    if text and not lines[-1].end and expected and not expected[-1]:
        expected.pop()  # an empty last line without an ending is no line
    assert after == expected
    if re.search(r"\r(?!\n)", text):
        return  # next to a lone CR an ending may have to change, or two would become one
    before = "".join(each.text + each.end for each in lines[:begin])
    if new or end < len(lines):
        assert result.startswith(before)
    tail = "".join(each.text + each.end for each in lines[end:])
    assert result.endswith(tail)


@given(texts(), st.lists(st.tuples(line, line), max_size=4))
def test_a_diff_is_applied_whole_or_refused_and_never_breaks(text, pairs):
    blocks = [Block((a,), (b,)) for a, b in pairs if a != b]
    if not blocks:
        return
    try:
        result = apply_blocks(text, blocks)
    except ToolError as error:
        told = error.text
    else:
        told = ""
        assert result.text != text
    assert not told or "Nothing was changed" in told


@given(st.text())
def test_any_text_as_a_diff_is_read_or_refused(text):
    try:
        parse_blocks(text)
    except ToolError:
        return


@given(st.text(st.sampled_from("a\r\n\x0c\u2028")))
def test_lines_put_together_are_the_text(text):
    lines = lines_and_ends(text)
    assert "".join(each.text + each.end for each in lines) == text
    assert [each.text for each in lines] == line_texts(text)
