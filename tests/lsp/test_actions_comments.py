"""The comment at a line: found by the language's signs, and told without them."""

import pytest

from roo_lsp.lsp.surfaces.comments import Comment, comment_at, syntax_of
from roo_lsp.workspace.lines import split_lines


def at(language: str, text: str, line: int, name: str = "x") -> Comment | None:
    syntax = syntax_of(language, name)
    return comment_at(split_lines(text), line, syntax) if syntax else None


def words(language: str, text: str, line: int = 0) -> str | None:
    found = at(language, text, line)
    return found.text if found else None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "# add retries\n# with jitter\nx = 1\n"),
        ("shellscript", "# add retries\n# with jitter\n"),
        ("yaml", "    # add retries\n    # with jitter\na: 1\n"),
        ("javascript", "// add retries\n// with jitter\n"),
        ("rust", "/// add retries\n/// with jitter\nfn a() {}\n"),
        ("rust", "//! add retries\n//! with jitter\n"),
        ("go", "// add retries\r\n// with jitter\r\n"),
        ("cpp", "/*\n * add retries\n * with jitter\n */\n"),
        ("java", "/**\n * add retries\n * with jitter\n **/\n"),
        ("css", "/* add retries\n   with jitter */\n"),
        ("sql", "-- add retries\n-- with jitter\n"),
        ("haskell", "{- add retries\n   with jitter -}\n"),
        ("haskell", "-- add retries\n-- with jitter\n"),
        ("lua", "-- add retries\n-- with jitter\n"),
        ("lua", "--[[ add retries\nwith jitter ]]\n"),
        ("commonlisp", ";; add retries\n;; with jitter\n"),
        ("scheme", "#| add retries\nwith jitter |#\n"),
        ("emacs-lisp", ";;; add retries\n;;; with jitter\n"),
        ("ini", "; add retries\n; with jitter\n"),
        ("latex", "% add retries\n% with jitter\n"),
        ("erlang", "%% add retries\n%% with jitter\n"),
        ("vim", '" add retries\n" with jitter\n'),
        ("html", "<!-- add retries\n     with jitter -->\n<p>\n"),
        ("markdown", "<!--\nadd retries\nwith jitter\n-->\n# Title\n"),
        ("ocaml", "(* add retries\n   with jitter *)\n"),
        ("ruby", "=begin\nadd retries\nwith jitter\n=end\n"),
        ("powershell", "<#\nadd retries\nwith jitter\n#>\n"),
        ("julia", "#=\nadd retries\nwith jitter\n=#\n"),
        ("fortran", "! add retries\n! with jitter\n"),
        ("bat", "REM add retries\nREM with jitter\n"),
        ("vb", "' add retries\n' with jitter\n"),
        ("matlab", "%{\nadd retries\nwith jitter\n%}\n"),
    ],
)
def test_a_comment_is_told_without_its_signs_from_each_of_its_lines(
    language: str, text: str
) -> None:
    found = at(language, text, 0)
    assert found is not None
    assert found.text == "add retries\nwith jitter"
    for line in range(found.first, found.last + 1):
        assert at(language, text, line) == found


@pytest.mark.parametrize(
    ("language", "text", "line"),
    [
        ("python", "x = 1\n", 0),
        ("python", "x = 1  # not alone on its line\n", 0),
        ("python", "#!/usr/bin/env python\n", 0),
        ("python", "# -----------\n", 0),
        ("python", '"""Doc.\n\n# a heading in it\n"""\n', 2),
        ("python", '"""A docstring."""\n', 0),
        ("c", "#include <stdio.h>\n", 0),
        ("c", "/* words */ int x;\n", 0),
        ("c", "/* words */\nint x;\n", 1),
        ("c", "int a; /* words\n   more */\n", 1),
        ("javascript", 'glob("src/**/*.js");\nfoo();\n', 1),
        ("c", "/* never closed\n", 0),
        ("markdown", "# A title\n", 0),
        ("json", "# no comments here\n", 0),
        ("plaintext", "# who knows\n", 0),
        ("python", "", 0),
        ("python", "# here\n", 7),
    ],
)
def test_what_is_no_comment_or_has_no_words_is_none(language: str, text: str, line: int) -> None:
    assert at(language, text, line) is None


def test_a_run_of_comments_ends_at_blank_lines_code_and_another_sign() -> None:
    text = "# one\n\n# two\n# three\nx = 1\n# four\n"
    assert [words("python", text, line) for line in range(6)] == [
        "one", None, "two\nthree", "two\nthree", None, "four",
    ]  # fmt: skip
    assert words("php", "// one\n# two\n") == "one"


def test_a_blank_comment_line_parts_paragraphs() -> None:
    assert words("go", "// one\n//\n// two\n") == "one\n\ntwo"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.rs", "// do it\n"),
        ("A.PY", "# do it\n"),
        ("Makefile", "# do it\n"),
        ("x.yml", "# do it\n"),
    ],
)
def test_the_name_tells_the_language_where_the_editor_does_not(name: str, text: str) -> None:
    assert at("", text, 0, name) == Comment("do it", 0, 0)
    assert syntax_of("", "data.bin") is None
