"""Hunks of what the agent changed: they follow every later edit, and come out again without a trace."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from roo_lsp.workspace.changes import FileChanges, from_stored, stored
from roo_lsp.workspace.line_diff import line_edits
from roo_lsp.workspace.lines import split_lines

TEXT = "one\ntwo\nthree\nfour\nfive\nsix\n"


def changed(before: str | None, *after: str | None) -> FileChanges:
    """A file that the agent wrote, once or several times."""
    existed = before is not None
    file = FileChanges("h", split_lines(before or ""), existed, existed)
    for text in after:
        file.agent_wrote(text)
    return file


def shown(file: FileChanges) -> list[tuple[int, str, str, str]]:
    return [(h.first, "".join(h.before), "".join(h.after), h.state) for h in file.hunks]


def all_of(file: FileChanges) -> set[str]:
    return {hunk.id for hunk in file.open if hunk.state == "pending"}


def revert(file: FileChanges, *ids: str) -> str:
    wanted = set(ids) or all_of(file)
    text = file.without(hunk for hunk in file.hunks if hunk.id in wanted)
    file.reverted(wanted)
    assert file.text == text
    return text


def test_each_changed_place_is_a_hunk_and_comes_out_alone():
    file = changed(TEXT, TEXT.replace("two", "2").replace("five", "5"))
    assert shown(file) == [(1, "two\n", "2\n", "pending"), (4, "five\n", "5\n", "pending")]
    assert revert(file, file.hunks[0].id) == TEXT.replace("five", "5")
    assert [state for *_, state in shown(file)] == ["reverted", "pending"]


def test_hunks_shift_with_what_the_user_types_elsewhere_and_stay_pending():
    file = changed(TEXT, TEXT.replace("two", "2").replace("five", "5"))
    ids = [hunk.id for hunk in file.hunks]
    file.now_is("new\n" + file.text.replace("three\n", "three\nthree and a half\n"))
    assert shown(file) == [(2, "two\n", "2\n", "pending"), (6, "five\n", "5\n", "pending")]
    assert [hunk.id for hunk in file.hunks] == ids
    assert revert(file) == "new\n" + TEXT.replace("three\n", "three\nthree and a half\n")


def test_what_the_user_types_is_no_hunk():
    file = changed(TEXT, TEXT.replace("two", "2"))
    file.now_is(file.text.replace("six", "SIX"))
    assert shown(file) == [(1, "two\n", "2\n", "pending")]


def test_a_hunk_that_the_user_touches_is_edited_until_they_undo_it():
    file = changed(TEXT, TEXT.replace("two", "2"))
    agent = file.text
    file.now_is(agent.replace("2", "22"))
    assert shown(file) == [(1, "two\n", "22\n", "edited")]
    file.now_is(agent)
    assert shown(file) == [(1, "two\n", "2\n", "pending")]


def test_a_hunk_that_the_user_undoes_is_gone():
    file = changed(TEXT, TEXT.replace("two", "2"))
    file.now_is(TEXT)
    assert shown(file) == []


def test_lines_removed_by_the_agent_are_a_hunk_between_lines():
    file = changed(TEXT, TEXT.replace("two\nthree\n", ""))
    assert shown(file) == [(1, "two\nthree\n", "", "pending")]
    file.now_is("zero\n" + file.text)
    assert file.hunks[0].first == 2
    assert revert(file) == "zero\n" + TEXT


def test_an_edit_across_removed_lines_touches_the_hunk():
    file = changed(TEXT, TEXT.replace("two\nthree\n", ""))
    file.now_is(file.text.replace("one\nfour\n", "one four\n"))
    assert [state for *_, state in shown(file)] == ["edited"]


def test_a_later_edit_of_the_agent_in_the_same_place_merges_with_the_hunk():
    file = changed(TEXT, TEXT.replace("two", "2"), TEXT.replace("two\nthree", "2\n3\n3.5"))
    first = changed(TEXT, TEXT.replace("two", "2")).hunks[0].id
    assert shown(file) == [(1, "two\nthree\n", "2\n3\n3.5\n", "pending")]
    assert file.hunks[0].id == first
    assert revert(file) == TEXT


def test_an_edit_of_the_agent_that_takes_back_its_own_leaves_nothing():
    assert shown(changed(TEXT, TEXT.replace("two", "2"), TEXT)) == []


def test_an_edit_of_the_agent_over_lines_of_the_user_keeps_these_as_before():
    file = changed(TEXT, TEXT.replace("two", "2"))
    file.now_is(file.text.replace("five", "FIVE"))
    file.agent_wrote(file.text.replace("FIVE", "fünf"))
    assert shown(file)[1] == (4, "FIVE\n", "fünf\n", "pending")
    assert revert(file) == TEXT.replace("five", "FIVE")


def test_a_hunk_that_was_edited_stays_so_when_the_agent_writes_there_again():
    file = changed(TEXT, TEXT.replace("two", "2"))
    file.now_is(file.text.replace("2", "22"))
    file.agent_wrote(file.text.replace("22", "222"))
    assert [state for *_, state in shown(file)] == ["edited"]


def test_what_is_kept_is_the_users_own_from_then_on():
    file = changed(TEXT, TEXT.replace("two", "2").replace("five", "5"))
    file.kept({file.hunks[0].id})
    assert [state for *_, state in shown(file)] == ["kept", "pending"]
    file.agent_wrote(file.text.replace("2", "2!"))
    assert shown(file) == [(1, "2\n", "2!\n", "pending"), (4, "five\n", "5\n", "pending")]
    assert revert(file) == TEXT.replace("two", "2")


def test_a_new_file_is_one_hunk_and_reverted_it_is_no_file():
    file = changed(None, "a\nb\n")
    assert shown(file) == [(0, "", "a\nb\n", "pending")]
    assert revert(file) == ""
    assert not file.exists


def test_a_new_file_in_which_the_user_wrote_too_stays_a_file_with_that():
    file = changed(None, "a\nb\n")
    file.now_is("mine\na\nb\n")
    assert revert(file) == "mine\n"
    assert file.exists
    assert file.open == []


@pytest.mark.parametrize(("before", "after"), [(None, ""), ("", None), (TEXT, None)])
def test_files_made_or_removed_are_a_hunk_also_without_a_line(
    before: str | None, after: str | None
):
    file = changed(before, after)
    assert shown(file) == [(0, before or "", after or "", "pending")]
    assert revert(file) == (before or "")
    assert file.exists == (before is not None)
    assert file.open == []


def test_a_file_made_and_removed_again_is_no_change():
    assert shown(changed(None, "a\n", None)) == []


def test_a_last_line_without_end_never_runs_into_another():
    file = changed("a\nb", "a\nb\nc\n")
    file.now_is("a\nb\nc\nd\n")
    assert [state for *_, state in shown(file)] == ["edited"]


def test_line_ends_are_exact():
    before, after = "a\r\nb\rc\nd", "a\nb\rC\r\nd\r"
    file = changed(before, after)
    assert "".join("".join(h.after) for h in file.hunks) == "a\nC\r\nd\r"
    assert revert(file) == before


def test_two_line_ends_that_become_one_are_followed():
    file = changed("a\r\nb\n", "a\rx\n\nb\n")
    text = file.without(file.open)
    assert revert(file) == text == "a\r\nb\n"
    assert file.lines == ["a\r\n", "b\n"]


def test_what_was_planned_counts_as_written_only_if_it_was():
    after = TEXT.replace("two", "2")
    file = changed(TEXT)
    file.planned = after
    _, again = from_stored("h", stored("/a", file))
    again.now_is(after + "seven\n")
    assert shown(again) == [(1, "two\n", "2\n", "pending")]
    _, again = from_stored("h", stored("/a", file))
    again.now_is(TEXT)
    assert shown(again) == []


def test_what_is_stored_comes_back_and_follows_what_was_typed_meanwhile():
    file = changed(TEXT, TEXT.replace("two", "2").replace("five", "5"))
    file.kept({file.hunks[0].id})
    path, again = from_stored("h", stored("/somewhere", file))
    assert (path, again.hunks, again.text) == ("/somewhere", file.hunks, file.text)
    again.now_is("top\n" + file.text)
    assert revert(again) == "top\n" + TEXT.replace("two", "2")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"path": 1}'])
def test_what_is_no_stored_change_is_refused(text: str):
    with pytest.raises(ValidationError):
        from_stored("h", text)


def test_a_stored_hunk_behind_the_end_is_refused():
    text = stored("/a", changed(TEXT, TEXT.replace("six", "6"))).replace('"first":5', '"first":9')
    with pytest.raises(ValueError, match="behind the end"):
        from_stored("h", text)


def test_a_rewrite_in_very_many_pieces_is_shown_in_fewer():
    before = "".join(f"{number}\n" for number in range(6000))
    after = "".join(f"{number}\n" if number % 3 else f"x{number}\n" for number in range(6000))
    file = changed(before, after)
    assert len(file.hunks) <= 500
    assert revert(file) == before


# --- whatever the two do ----------------------------------------------------------------------

WORDS = st.sampled_from(["a", "b", "c", "dd", ""])
ENDS = st.sampled_from(["\n", "\r\n", "\n", "\r"])
LINE = st.tuples(WORDS, ENDS).map("".join)
TEXTS = st.tuples(st.lists(LINE, max_size=12), WORDS).map(lambda both: "".join(both[0]) + both[1])
PIECES = st.lists(LINE, max_size=3)


@st.composite
def steps(draw: st.DrawFn) -> tuple[str, list[tuple[str, float, float, list[str]]]]:
    """A text, and edits of it by one or the other: who, where (parts of the length), what."""
    place = st.floats(0, 1)
    edit = st.tuples(st.sampled_from(["agent", "user"]), place, place, PIECES)
    return draw(TEXTS), draw(st.lists(edit, max_size=8))


def edited(text: str, start: float, end: float, new: list[str]) -> str:
    lines = split_lines(text)
    first, last = sorted((int(start * len(lines)), int(end * len(lines))))
    return "".join([*lines[:first], *new, *lines[first : min(last, first + 3)][2:], *lines[last:]])


def replay(base: str, edits: list[tuple[str, float, float, list[str]]]) -> FileChanges:
    file = changed(base)
    for who, start, end, new in edits:
        text = edited(file.text, start, end, new)
        if who == "agent":
            file.agent_wrote(text)
        else:
            before = file.without(file.open)
            mine = {h.id for h in file.open}
            none_edited = mine == all_of(file)
            moved = file.text
            file.now_is(text)
            if none_edited and mine == {h.id for h in file.open} == all_of(file):
                assert_only_the_users(before, file.without(file.open), moved, text)
        assert_whole(file)
        assert file.text == text
    return file


def assert_only_the_users(before: str, after: str, old: str, new: str) -> None:
    """The text without the agent changed by exactly the lines by which the text did."""

    def lines_of(one: str, other: str) -> list[tuple[list[str], list[str]]]:
        lines = split_lines(one)
        return [(lines[e.first : e.last], e.new) for e in line_edits(lines, split_lines(other))]

    gone, came = [], []
    for removed, added in lines_of(old, new):
        gone += removed
        came += added
    base = sorted([*split_lines(before), *came])
    assert sorted([*split_lines(after), *gone]) == base or "\r" in old + new + before


def assert_whole(file: FileChanges) -> None:
    at = 0
    for hunk in file.hunks:
        assert at <= hunk.first
        now = hunk.before if hunk.state == "reverted" else hunk.after
        assert tuple(file.lines[hunk.first : hunk.last]) == now
        at = hunk.last
    assert at <= len(file.lines)
    assert split_lines(file.text) == file.lines


@given(steps())
def test_ranges_delimit_what_stands_there_and_reverting_leaves_the_users_text(case):
    base, edits = case
    file = replay(base, edits)
    if all(who == "agent" for who, *_ in edits):
        assert file.without(file.open) == base
    if all(who == "user" for who, *_ in edits):
        assert file.hunks == []
    assert file.without([]) == file.text
    rest = file.without(hunk for hunk in file.open if hunk.state == "pending")
    assert revert(file) == rest
    assert_whole(file)
    assert all_of(file) == set()


@given(TEXTS, TEXTS, TEXTS)
def test_the_agents_lines_come_out_and_the_users_stay_when_they_are_apart(top, old, new):
    """Whatever the agent did in the middle, and the user above and below, one comes out of the other."""
    fence = "".join(f"fence {number}\n" for number in range(3))
    base = f"{fence}{old}\n{fence}"
    file = changed(base, f"{fence}{new}\n{fence}")
    file.now_is(f"{top}\n{file.text}{top}")
    file.reverted(all_of(file))
    if not any(hunk.state == "edited" for hunk in file.hunks):
        assert file.text == f"{top}\n{base}{top}"


@given(steps())
def test_hunks_come_back_from_the_store_as_they_were(case):
    file = replay(*case)
    _, again = from_stored("h", stored("/a", file))
    assert (again.hunks, again.lines) == (file.hunks, file.lines)


@given(st.lists(LINE, max_size=40), st.lists(LINE, max_size=40))
def test_line_edits_make_one_text_of_the_other(before, after):
    before, after = split_lines("".join(before)), split_lines("".join(after))
    lines = list(before)
    for first, last, new in reversed(line_edits(before, after)):
        lines[first:last] = new
    assert lines == after
