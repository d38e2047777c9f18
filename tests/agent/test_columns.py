"""Text for a screen: it fits, and what is left out are whole words and the middle of paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.columns import columns, fitted, one_line, pieces, shortened, tail, wrapped

texts = st.text(st.characters(codec="utf-8"), max_size=120).map(one_line) | st.lists(
    st.sampled_from(
        ["a", "word", "日本語", "🚀", "src/lsp/test_actions.py", "x" * 90, "/a/b/c" * 9]
    )
).map(" ".join)


@given(texts, st.integers(8, 90))
def test_what_is_fitted_fits_and_what_fits_stays(text: str, limit: int) -> None:
    for cut in (fitted(text, limit), tail(text, limit)):
        assert columns(cut) <= limit
        if columns(text) <= limit:
            assert cut == text


@given(texts, st.integers(2, 90))
def test_pieces_fit_and_are_the_text(text: str, limit: int) -> None:
    assert "".join(pieces(text, limit)) == text
    assert all(columns(each) <= limit for each in pieces(text, limit))


def test_pieces_end_behind_words_where_there_are_any() -> None:
    assert pieces("make  test --long-option x", 10) == ["make  ", "test --lon", "g-option x"]
    assert pieces("edits of files in this workspace", 12) == [
        "edits of ",
        "files in ",
        "this ",
        "workspace",
    ]
    assert pieces("ab cd", 5) == ["ab cd"]
    assert pieces("ab cd ef", 5) == ["ab ", "cd ef"]


@given(texts, st.integers(2, 90))
def test_wrapped_lines_fit_and_keep_every_word(text: str, limit: int) -> None:
    lines = wrapped(text, limit)
    assert all(columns(each) <= limit for each in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(
    st.lists(st.text("ab日", min_size=1, max_size=12), min_size=1).map("/".join), st.integers(8, 60)
)
def test_a_path_fits_and_keeps_the_end_of_its_name(path: str, limit: int) -> None:
    shown = shortened(path, limit)
    assert columns(shown) <= limit
    assert path.endswith(shown.rpartition("…")[2])


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("Reading src/app.py", 72, "Reading src/app.py"),
        ("Stopped: the output limit cut it off", 24, "Stopped: the output …"),
        (
            "Reading packages/server/src/handlers/authentication/tokens.py now",
            48,
            "Reading packages/…/authentication/tokens.py now",
        ),
        ("Failed: 日本語日本語日本語 日本語", 20, "Failed: 日本語日本…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        ("a " * 50, 8, "a a a …"),  # more words than columns
        ("ab cdef ghij", 8, "ab …"),  # no room for a blank behind the second
        ("abcdefg hij", 8, "abcdefg…"),
        ("a/very_long_name_of_a_file.py", 16, "…me_of_a_file.py"),
    ],
)
def test_words_stay_whole_and_paths_keep_both_ends(text: str, limit: int, expected: str) -> None:
    shown = shortened(text, limit) if " " not in text and "/" in text else fitted(text, limit)
    assert shown == expected


def test_the_end_of_a_text_begins_with_a_word() -> None:
    assert tail("I read the file and then ran the tests", 20) == "… then ran the tests"


def test_wide_signs_count_two_columns() -> None:
    assert [columns(each) for each in ("a", "é", "e\u0301", "日", "🚀", "❤\ufe0f")] == [
        1,
        1,
        1,
        2,
        2,
        2,
    ]
