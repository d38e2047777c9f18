"""`fileRegex` means what JavaScript means by it, and no expression keeps us busy.

What is expected was printed by Node 24 (`new RegExp(expression).test(text)`).
"""

import re
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.workspace.javascript_regex import DEEPEST, LONGEST, BadPattern, compiled

MATCHES = [
    (r"\.(md|mdx)$", "docs/a.md"),
    (r"^docs/.*\.md$", "docs/x/a.md"),
    (r"^(?!.*\.test\.).*\.tsx?$", "src/a.ts"),
    (r"(?<=^src/)\w+\.py", "src/app.py"),
    (r"(?<!test_)app\.py", "src/app.py"),
    (r"(?<folder>docs|notes)/", "notes/a"),
    (r"a{2}b{1,}c{0,1}$", "aabb"),
    (r"x{,3}y", "x{,3}y"),
    (r"[\w-]+]", "a-b]"),
    (r"[^]", "\n"),
    (r"[a-\d]", "-"),
    (r"\/\-\_\p{L}", "/-_p{L}"),
    (r"\101\x42\u0043\cJ\0", "ABC\n\0"),
    (r"[\b\1\c]", "\b"),
    (r"[\c_]", "\x1f"),
    (r"\c|\8", "\\c"),
    (r"\8", "8"),
    (r"\k<a>", "k<a>"),
    (r"a\Bb\b", "ab"),
    (r"(?=a)*b", "b"),
    (r"^..$", "😀"),
    (r"\s\S\D\W", "\ufeffxx-"),
    (r"\t\v\f\r", "\t\v\f\r"),
    (r"()|x", ""),
    (r"^(?:a|b*)+?$", "abba"),
]
MISSES = [
    (r"\.md$", "a.md\n"),
    (r"^\d$", "٣"),
    (r"^\w$", "é"),
    (r"^.$", "\u2028"),
    (r"[]", "a"),
    (r"[^a-c]", "abc"),
    (r"(?<!test_)app\.py", "test_app.py"),
    (r"^(?!.*\.test\.).*\.tsx?$", "src/a.test.ts"),
    (r"^(a{2}){2}$", "aaa"),
    (r"a\b\B", "a"),
]


@pytest.mark.parametrize(("expression", "text"), MATCHES)
def test_what_javascript_finds_is_found(expression: str, text: str) -> None:
    assert compiled(expression).found_in(text)


@pytest.mark.parametrize(("expression", "text"), MISSES)
def test_what_javascript_does_not_find_is_not(expression: str, text: str) -> None:
    assert not compiled(expression).found_in(text)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("(a", r"a \( is not closed"),
        ("a)", r"a \) closes nothing"),
        ("[a", r"a \[ is not closed"),
        ("*", "nothing that"),
        ("^+", "nothing that"),
        ("a{1}{2}", "nothing that"),
        ("a{2,1}", "out of order"),
        ("[b-a]", "out of order"),
        ("a\\", "backslash"),
        ("(?i)a", "not known here"),
        ("(?<=a)+", "nothing that"),
        (r"(a)\1", "refers back"),
        (r"(?<a>.)\k<a>", "refers back"),
        ("a" * (LONGEST + 1), "longer than"),
        ("(" * (DEEPEST + 1) + ")" * (DEEPEST + 1), "within each other"),
    ],
)
def test_what_is_no_expression_or_is_not_followed_says_why(expression: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why):
        compiled(expression)


@pytest.mark.parametrize(
    "expression",
    ["(a*)*b", "((a|a)*)*c", "(x+x+)+y|" * 80 + "z", "(((((a{30}){30}){30}){30}){30}){30}b"],
)
def test_no_expression_takes_long(expression: str) -> None:
    begun = thread_time()
    assert not compiled(expression).found_in("a" * 4000)
    assert thread_time() - begun < 5


PIECES = st.sampled_from(
    [
        "a",
        "b",
        r"\.",
        ".",
        "[ab]",
        "[^a]",
        "(?:a|b.)",
        "(?=b)",
        "(?!a)",
        "(?<=a)",
        "(?<!b)",
        "^",
        "|",
    ]
)
TIMES = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}"])


@given(
    st.lists(st.tuples(PIECES, TIMES), max_size=6),
    st.text(st.sampled_from("ab.\u00e9"), max_size=8),
)
def test_where_both_languages_agree_so_do_both_readers(
    pieces: list[tuple[str, str]], text: str
) -> None:
    expression = "".join(
        piece + (times if piece not in {"^", "|"} and "(?" not in piece else "")
        for piece, times in pieces
    )
    assert compiled(expression).found_in(text) == bool(re.search(expression, text))
