"""What is shown of output: what a terminal would show, and of a failure what matters."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.workspace.digest import digest
from roo_lsp.workspace.outputs import MAX_PENDING, TerminalScreen


def shown(*pieces: bytes) -> bytes:
    screen = TerminalScreen()
    return b"".join(map(screen.take, pieces)) + screen.rest()


@pytest.mark.parametrize(
    ("printed", "seen"),
    [
        (b"plain\ttext \xe2\x82\xac\n", b"plain\ttext \xe2\x82\xac\n"),
        (b"\x1b[1;31mred\x1b[0m and \x1b[38:5:1mmore\x1b[m\n", b"red and more\n"),
        (b"\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", b"textlink\n"),
        (b"\x1b[2K\x1b[1Gdone\x1b(B\n", b"done\n"),
        (b" 1%\r 50%\r100%\nnext\n", b"100%\nnext\n"),
        (b"10%\r100%\r\nnext\r\n", b"100%\nnext\n"),
        (b"a\0b\x07c\n", b"abc\n"),
        (b"N\x08NA\x08AM\x08ME\x08E\n", b"NAME\n"),
        (b"10%\r20%", b"20%"),
        (b"no end", b"no end"),
    ],
)
def test_what_a_terminal_would_show_in_the_end(printed, seen):
    assert shown(printed) == seen
    assert shown(*(printed[i : i + 1] for i in range(len(printed)))) == seen


@given(
    st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\x1b[1m", b"\x08", b"\0", b"\xc3\xa9"])),
    st.integers(1, 5),
)
def test_how_it_is_cut_into_pieces_changes_nothing(parts, size):
    whole = b"".join(parts)
    assert shown(*(whole[i : i + size] for i in range(0, len(whole), size))) == shown(whole)


def test_frames_without_end_are_not_kept():
    screen = TerminalScreen()
    for number in range(20_000):
        assert screen.take(b"\r%d of 20000 downloaded" % number) == b""
    assert len(screen._line) <= MAX_PENDING + 64
    assert screen.rest() == b"19999 of 20000 downloaded"


@pytest.mark.parametrize("piece", [b"x", b"\r", b"x\r", b"\x08", b"x\x08", b"\x1b[", b"\x1b]"])
def test_no_output_takes_longer_for_each_byte_the_longer_it_is(piece):
    def seconds(size: int) -> float:
        data = piece * (size // len(piece))
        begun = time.perf_counter()
        shown(*(data[i : i + 65536] for i in range(0, len(data), 65536)))
        return time.perf_counter() - begun

    seconds(100_000)
    small, large = (
        min(seconds(400_000) for _ in range(3)),
        min(seconds(1_600_000) for _ in range(3)),
    )
    assert large < 12 * small + 0.05


BUILD = [
    *(f"[{number}/900] compiling part{number}.c" for number in range(1, 400)),
    "src/lexer.c:41: error: unknown type name 'tokn'",
    "   41 | tokn *next(void)",
    "      | ^~~~",
    *(f"[{number}/900] compiling part{number}.c" for number in range(400, 901)),
    "0 errors were ignored",
    *(
        f"filler line of another kind {'x' * (number % 7)} {chr(97 + number % 26)}"
        for number in range(300)
    ),
    "make: *** [Makefile:7: all] Stop.",
]


def test_of_a_failure_both_ends_and_what_looks_like_an_error_are_shown():
    text = digest(BUILD, 12345)
    assert text.startswith("[1/900] compiling part1.c\n[...397 lines like it...]\n[399/900]")
    assert text.endswith("make: *** [Makefile:7: all] Stop.\n")
    assert len(text) < 10_240


def test_errors_stand_with_their_numbers_and_the_lines_behind_them():
    many = [f"line {chr(97 + n % 26)}{'y' * (n % 50)}" for n in range(300)]
    text = digest([*many, "E   assert 1 == 2", "E    where 1", "x.py:3", *many, *many, "end"], 999)
    assert "what looks like errors" in text
    assert "\n301: E   assert 1 == 2\n302: E    where 1\n303: x.py:3\n" in text
    assert "(999 bytes)" in text
    assert text.endswith("\nend\n")


def test_at_most_twenty_errors_are_shown_and_a_long_line_is_cut():
    errors = [f"Error {chr(97 + n % 26) * (1 + n // 26)}: {'long ' * 200}" for n in range(500)]
    text = digest([*("head" + "h" * n for n in range(80)), *errors], 1)
    assert len(text) < 11_000
    assert "more]" in text


def test_a_digest_of_little_is_the_whole():
    assert digest(["a", "b"], 4) == "a\nb\n"
