"""What is drawn: nothing a model or a command prints can control the terminal."""

import pytest

from roo_lsp.agent.figures import count_text
from roo_lsp.cli.drawing import (
    Flow,
    Markdown,
    diff_lines,
    duration_text,
    escaped,
    output_lines,
    readable,
)


def shown(lines) -> list[str]:
    return [f"{line.number}{line.sign}{line.text}" for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "a\rb",
        "\x9b31m",
        "\u202e",
        "\u2066",
        "\u200b",
        "\x00",
        "\ud800",
    ],
)
def test_what_controls_a_terminal_or_the_direction_of_writing_is_written_out(text):
    for function in (escaped, readable):
        assert function(text) == "".join(
            c if c.isascii() and c.isprintable() else function(c) for c in text
        )
        assert function(text).isprintable()
        assert "\\" in function(text)


def test_words_of_all_languages_stay_as_they_are():
    text = "naïve 日本語 عربى\n\t👩\u200d💻"
    assert readable(text) == text
    assert escaped(text) == text.replace("\u200d", "\\u200d")  # where a person decides: all of it


def test_output_is_shown_as_a_screen_would_have_it_in_the_end():
    output = "\x1b[32mok\x1b[0m\r\n10%\r50%\r100%\n\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n"
    assert output_lines(output) == ["ok", "100%", "link", ""]


def test_a_change_is_shown_with_two_lines_around_it():
    old = "".join(f"line {n}\n" for n in range(1, 11))
    new = old.replace("line 5\n", "line five\n")
    assert shown(diff_lines(old, new)) == [
        "3 line 3",
        "4 line 4",
        "5-line 5",
        "5+line five",
        "6 line 6",
        "7 line 7",
    ]


def test_changes_far_apart_have_a_gap_between():
    old = "".join(f"line {n}\n" for n in range(1, 31))
    new = old.replace("line 5\n", "").replace("line 25\n", "line 25\nmore\n")
    lines = diff_lines(old, new)
    assert [line.sign for line in lines].count(":") == 1
    assert shown(lines)[-3:] == ["25+more", "26 line 26", "27 line 27"] or "25+more" in shown(lines)


def test_a_new_file_is_all_added_and_a_deleted_one_all_removed():
    assert shown(diff_lines(None, "a\nb\n")) == ["1+a", "2+b"]
    assert shown(diff_lines("a\nb\n", "")) == ["1-a", "2-b"]
    assert diff_lines("same\n", "same\n") == []


def test_a_change_of_everything_in_a_huge_file_is_quick():
    old = "".join(f"{n}\n" for n in range(20_000))
    new = "".join(f"{n} new\n" for n in range(20_000))
    assert len(diff_lines(old, new)) == 40_000


def test_text_is_wrapped_at_words_while_it_comes():
    flow = Flow(10)
    pieces = ["one t", "wo th", "ree", "\nfour fivefive", " six"]
    assert (
        "".join([*map(flow.feed, pieces), flow.end()]) == "one two \nthree\nfour \nfivefive \nsix"
    )


def test_code_in_markdown_is_not_taken_for_markdown():
    markdown = Markdown()
    lines = ["# Head", "**bold** `code`", "```py", "# **no**", "```", "**yes**"]
    assert [markdown.line(line).plain for line in lines] == [
        "# Head",
        "bold `code`",
        "```py",
        "# **no**",
        "```",
        "yes",
    ]


def test_numbers_are_short():
    assert [duration_text(n) for n in (0.04, 9.9, 12.4, 59.6, 125)] == [
        "0.0 s",
        "9.9 s",
        "12 s",
        "1 min 00 s",
        "2 min 05 s",
    ]
    assert [count_text(n) for n in (999, 12_345, 999_960, 1_200_000)] == [
        "999",
        "12.3k",
        "1.0M",
        "1.2M",
    ]


def test_what_follows_the_end_of_a_text_has_the_whole_line() -> None:
    flow = Flow(10)
    assert (flow.feed("one two"), flow.end()) == ("one ", "two")
    assert (flow.feed("three four"), flow.end()) == ("three ", "four")
