"""Lines, positions, minimal edits and file addresses."""

import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lsprotocol.types import Position, TextEdit

from roo_lsp.lsp.editor.positions import (
    end_of,
    minimal_edit,
    offset_to_position,
    position_to_offset,
)
from roo_lsp.workspace.line_diff import changed_lines, unified_lines
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.uris import path_of, uri_of

encodings = st.sampled_from(["utf-8", "utf-16", "utf-32"])
# Few lines, often equal, and every character that some function takes for the end of a line.
pieces = st.sampled_from(
    ["a", "b", "\n", "\r", "\r\n", "\f", "\v", "\x1c", "\x85", "\u2028", "é", "漢", "😋", "\ud83d"]
)
texts = st.lists(pieces, max_size=30).map("".join)
similar_texts = st.lists(st.sampled_from(["a\n", "b\n", "\r\n", "\r", "a"]), max_size=8).map(
    "".join
)
CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def editor_lines(text: str) -> list[str]:
    """As LSP says it, with the line behind the last end."""
    return re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)


def editor_offset(text: str, position: Position, encoding: str) -> int:
    """Independent of the code under test, and strict: an editor may refuse what is not exact."""
    lines = editor_lines(text)
    content = lines[position.line].rstrip("\r\n")
    codec, width = CODECS[encoding]
    data = content.encode(codec, "surrogatepass")
    assert position.character * width <= len(data)
    head = data[: position.character * width].decode(codec, "surrogatepass")
    return sum(map(len, lines[: position.line])) + len(head)


def applied(text: str, edits: list[TextEdit], encoding: str) -> str:
    result, at = "", 0
    for edit in edits:
        start = editor_offset(text, edit.range.start, encoding)
        end = editor_offset(text, edit.range.end, encoding)
        assert at <= start <= end
        result += text[at:start] + edit.new_text
        at = end
    return result + text[at:]


@given(texts)
def test_lines_end_where_lsp_ends_them_and_nowhere_else(text: str):
    assert split_lines(text) == [line for line in editor_lines(text) if line]


@given(texts | similar_texts, texts | similar_texts, encodings)
@example("a\n", "a\na\n", "utf-8")
@example("a\na\n", "a\n", "utf-8")
def test_the_edits_make_the_old_text_into_the_new(old: str, new: str, encoding: str):
    assert applied(old, minimal_edit(old, new, encoding), encoding) == new


@given(texts, encodings)
def test_equal_texts_need_no_edit(text: str, encoding: str):
    assert minimal_edit(text, text, encoding) == []


@given(texts, encodings, st.data())
def test_a_position_leads_back_to_its_offset(text: str, encoding: str, data: st.DataObject):
    offset = data.draw(st.integers(0, len(text)))
    position = offset_to_position(text, offset, encoding)
    if text[offset - 1 : offset + 1] == "\r\n" and offset:
        offset -= 1
    assert editor_offset(text, position, encoding) == offset
    assert position_to_offset(text, position, encoding) == offset


@given(texts, encodings, st.integers(0, 40), st.integers(0, 40))
def test_any_position_is_an_offset_that_no_character_or_line_end_is_cut_by(
    text: str, encoding: str, line: int, character: int
):
    offset = position_to_offset(text, Position(line, character), encoding)
    assert 0 <= offset <= len(text)
    assert text[max(0, offset - 1) : offset + 1] != "\r\n"
    back = offset_to_position(text, offset, encoding)
    assert (back.line, back.character) <= (line, character)


@given(texts, encodings)
def test_the_end_of_a_text_is_the_position_of_its_length(text: str, encoding: str):
    assert end_of(text, encoding) == offset_to_position(text, len(text), encoding)
    assert end_of(text, encoding).line == len(editor_lines(text)) - 1
    assert end_of(split_lines(text), encoding) == end_of(text, encoding)


@pytest.mark.parametrize(("encoding", "units"), [("utf-8", 4), ("utf-16", 2), ("utf-32", 1)])
def test_a_character_beyond_the_first_plane_counts_as_the_client_counts(encoding: str, units: int):
    assert offset_to_position("😋x", 1, encoding) == Position(0, units)
    assert position_to_offset("😋x", Position(0, units - 1), encoding) == 0
    assert position_to_offset("😋x", Position(0, units), encoding) == 1


def test_lines_that_stay_are_not_touched():
    old = "".join(f"{number}\n" for number in range(100))
    new = old.replace("10\n", "ten\n").replace("90\n", "ninety\n")
    edits = minimal_edit(old, new, "utf-16")
    assert [(edit.range.start.line, edit.range.end.line, edit.new_text) for edit in edits] == [
        (10, 11, "ten\n"),
        (90, 91, "ninety\n"),
    ]


def test_a_text_that_is_too_long_to_compare_is_one_edit_between_what_stays():
    old = "head\n" + "".join(f"{number % 7}\n" for number in range(5000)) + "tail\n"
    new = old.replace("3\n", "three\n")
    (edit,) = minimal_edit(old, new, "utf-16")
    assert applied(old, [edit], "utf-16") == new
    assert edit.range.start.line == 4


def test_small_changes_far_apart_in_a_long_text_are_small_edits():
    old = "".join(f"{number}\n" for number in range(20_000))
    new = old.replace("\n10\n", "\nten\n").replace("\n19990\n", "\nlate\n")
    edits = minimal_edit(old, new, "utf-16")
    assert [(edit.range.start.line, edit.new_text) for edit in edits] == [
        (10, "ten\n"),
        (19_990, "late\n"),
    ]


def test_the_end_of_a_line_may_be_all_that_changes():
    (edit,) = minimal_edit("a\nb", "a\nb\n", "utf-16")
    assert (edit.range.start, edit.range.end, edit.new_text) == (
        Position(1, 0),
        Position(1, 1),
        "b\n",
    )


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b%20c%23%C3%A9.py", "/a/b c#é.py"),
        ("file://localhost/a", "/a"),
        ("file:/a", "/a"),
        ("FILE:///a%3Fb", "/a?b"),
        ("file:///a?query#fragment", "/a"),
        ("file://elsewhere/a", None),
        ("file:a", None),
        ("file:///a%00b", None),
        ("untitled:Untitled-1", None),
        ("roo-task:///1.md", None),
        ("https://example.org/a", None),
        ("file://[", None),
        ("", None),
        ("/a", None),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_only_a_file_uri_names_a_path(uri: str, path: str | None):
    assert path_of(uri) == (None if path is None else Path(path))


@given(
    st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name and b"/" not in name)
)
@pytest.mark.skipif(sys.platform == "win32", reason="file names are bytes on POSIX only")
def test_every_file_name_survives_as_a_uri(name: bytes):
    path = Path("/x") / os.fsdecode(name)
    assert path_of(uri_of(path)) == path


def test_a_relative_path_has_no_uri():
    with pytest.raises(ValueError, match="relative"):
        uri_of(Path("a"))


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\r\n", "e"]), max_size=30)


@given(LINES, LINES)
def test_a_unified_diff_makes_the_one_text_into_the_other(before: list[str], after: list[str]):
    old, new = "".join(before), "".join(after)
    lines, result = split_lines(old), list[str]()
    at = 0
    for line in unified_lines(old, new):
        if line.startswith("@@"):
            place = line.split()[1][1:].split(",")
            first = int(place[0]) - (1 if place[1:] != ["0"] else 0)
            result += lines[at:first]
            at = first
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert lines[at] == line[1:]
            result += [line[1:]] * line.startswith(" ")
            at += 1
    assert "".join([*result, *lines[at:]]) == new


@given(LINES, LINES)
def test_as_many_lines_are_counted_as_are_shown(before: list[str], after: list[str]):
    old, new = "".join(before), "".join(after)
    marks = [line[0] for line in unified_lines(old, new)]
    assert changed_lines(old, new) == (marks.count("+"), marks.count("-"))
    assert bool(marks) == (old != new)


def test_a_diff_of_large_texts_that_have_little_in_common_is_one_hunk():
    """Comparing them line by line takes minutes, in which the server would answer nobody."""
    old = "".join(f"line {number}\n" for number in range(100_000))
    new = "".join(f"line {number if number % 7 else -number}\n" for number in range(100_000))
    assert sum(line.startswith("@@") for line in unified_lines(old, new)) == 1
