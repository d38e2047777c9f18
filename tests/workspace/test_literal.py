"""One text for another: literally, whatever ends the lines, and nothing else changes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.literal import NOT_PLACED, replace_text
from tests.support.trees import ENDINGS, line, texts


def replaced(text: str, old: str, new: str, *, every: bool = False) -> str:
    return replace_text(text, old, new, every=every).text


def refused(text: str, old: str, new: str, *, every: bool = False) -> ToolError:
    with pytest.raises(ToolError) as caught:
        replaced(text, old, new, every=every)
    return caught.value


def test_a_part_of_a_line_is_replaced():
    result = replace_text("x\nf(a, b)\n", "(a, ", "(", every=False)
    assert (result.text, result.places, result.line) == ("x\nf(b)\n", 1, 2)


@pytest.mark.parametrize("new", ["$&", "$1", r"\1 \g<0>", "a.*", "$$", "`$`"])
def test_nothing_in_either_text_is_a_pattern(new):
    assert replaced("a.*(b)[c]$", ".*(b)[c]$", new) == f"a{new}"
    assert replaced(f"-{new}-", new, "x") == "-x-"


def test_every_place_is_changed_only_when_asked_for():
    result = replace_text("a b\na\n", "a", "aa", every=True)
    assert (result.text, result.places, result.line) == ("aa b\naa\n", 2, 1)
    error = refused("a b\na\nx\na\n", "a", "aa")
    assert "3 times, in lines 1, 2, 4. Add text" in error.text
    assert error.brief == NOT_PLACED


def test_places_that_overlap_are_several_places():
    assert "2 times, in lines 1, 2" in refused("a\na\na", "a\na", "b").text
    assert replaced("a\na\na\na", "a\na", "b", every=True) == "b\nb"


def test_the_same_twice_and_an_empty_old_text_are_refused():
    assert "are the same" in refused("a", "a", "a").text
    assert "are the same" in refused("a\r\n", "a\n", "a\r\n").text
    assert "old_string is empty, but the file is not" in refused("a", "", "b").text
    assert replaced("", "", "a\r\nb") == "a\r\nb"


def test_what_is_not_there_is_told_with_what_comes_nearest():
    text = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    error = refused(text, "def two():\n    return 3", "x")
    assert "old_string is not in the file. The nearest is in lines 5-6" in error.text
    assert "!6 |     return 2" in error.text
    assert error.brief == NOT_PLACED
    assert "nearest" in refused(text, "def two(): ", "x", every=True).text
    assert "empty" in refused("", "a", "x").text


def test_whole_lines_are_found_apart_from_blanks_and_typography():
    result = replace_text(
        "  say(“hi”) \n  end\n", 'say("hi")\nend', 'say("hi")\nx\nend', every=False
    )
    assert result.text == "  say(“hi”) \n  x\n  end\n"
    assert result.nearly
    assert replaced("a  \nb\n", "a\n", "") == "b\n"
    assert replaced("a  \nb\n", "a\nb", "") == "\n"
    assert "Add text around it" in refused("a \na  \n", "a\n", "b\n").text
    refused("a \nb\n", "a\nb", "a\nc\n")  # where the next line would begin cannot be told


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_files_line_endings_count_for_nothing_and_stay(ending):
    text = ending.join(["a", "b", "c", ""])
    for written in ENDINGS:
        assert (
            replaced(text, f"a{written}b", f"x{written}y{written}z") == ending.join("xyzc") + ending
        )
        assert replaced(text, f"{written}b{written}", written) == ending.join("ac") + ending
    assert replaced(text, "b", "1\n2") == ending.join(["a", "1", "2", "c", ""])


def test_in_mixed_endings_each_line_keeps_its_own():
    text = "a\r\nb\nc\rd"
    assert replaced(text, "a\nb\nc", "a\nx\nb\nc") == "a\r\nx\r\nb\nc\rd"
    assert replaced(text, "\nd", "\nd\n") == "a\r\nb\nc\rd\r"
    assert replaced(text, "a\n", "a") == "ab\nc\rd"


def test_a_line_feed_is_never_half_of_a_crlf():
    assert replaced("a\r\nb", "\nb", "b") == "ab"
    assert replaced("a\rb\nc", "b", "") == "a\r\n\nc"  # else the two would end one line together


@pytest.mark.parametrize("size", [300_000])
def test_a_large_file_is_searched_once(size):
    text = "a\n" * size
    assert replaced(text + "b", "\nb", "\nc").endswith("\nc")
    assert "and more" in refused(text, "\n", "x").text


# --- properties -----------------------------------------------------------------------------


@given(texts(min_lines=1), st.data())
def test_it_is_what_python_replaces_with_the_files_line_endings(text, data):
    lines = line_texts(text)
    plain = "\n".join(lines) + ("\n" if text.endswith(("\n", "\r")) else "")
    begin = data.draw(st.integers(0, len(plain) - 1))
    end = data.draw(st.integers(begin + 1, len(plain)))
    old, new = plain[begin:end], data.draw(st.lists(line, max_size=3).map("\n".join))
    assume(old != new)
    every = data.draw(st.booleans())
    if not every and plain.find(old, plain.find(old) + 1) >= 0:
        assert " times, in lines " in refused(text, old, new).text
        return
    result = replaced(text, old, new, every=every)
    expected = plain.replace(old, new) if every else plain[:begin] + new + plain[end:]
    assert result.replace("\r\n", "\n").replace("\r", "\n") == expected


@given(texts(min_lines=1), st.data())
def test_lines_that_are_not_touched_stay_to_the_byte(text, data):
    assume("marked" not in text)
    at = data.draw(st.integers(0, len(text)))
    if text[at - 1 : at + 1] == "\r\n":
        at -= 1
    with_mark = f"{text[:at]}marked{text[at:]}"
    new = data.draw(line.filter(lambda each: each and "marked" not in each))
    assert replaced(with_mark, "marked", new) == f"{text[:at]}{new}{text[at:]}"


@given(texts(), st.text(max_size=5), st.text(max_size=5), st.booleans())
def test_any_texts_are_replaced_or_refused(text, old, new, every):
    try:
        result = replace_text(text, old, new, every=every)
    except ToolError:
        return
    assert result.places >= 1
