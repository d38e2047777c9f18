"""Text that seems to lose what it should keep is seen, and what only looks like it is not."""

import pytest

from roo_lsp.workspace.omissions import displayed, entities, placeholder

OLD = "import os\n\ndef a():\n    return '<b>'\n\ndef b():\n    return 2\n"

STANDS_FOR_CODE = [
    "// ... rest of the code remains the same",
    "// rest of code here",
    "# ... existing code ...",
    "# Rest of the file unchanged",
    "/* ... other methods ... */",
    "<!-- rest of the content unchanged -->",
    "{/* ... existing components ... */}",
    "// ...",
    "# …",
    "-- remaining code stays the same",
    "// (keep existing code)...",
    "# existing code",
    "    // previous implementation here",
    "# Other imports remain the same",
    "// code omitted for brevity",
    "[... rest of the function ...]",
    "(... unchanged ...)",
    "// unchanged",
    "# Rest des Codes unverändert",
    "// reste du code inchangé",
    "# resto del código sin cambios",
    "// остальной код без изменений",
    "// 其余代码保持不变",
    "// 残りのコードは同じ",
]

MEANT = [
    "...",
    "    ...",
    "def f(x: Any, ...) -> None: ...",
    "x = [1, 2, ...]",
    "# See the rest of the documentation",
    "# Loads ... and saves",
    "const rest = { ...other }",
    "{ ...existing, code: 1 }",
    "// Keep the connection open",
    "# The other methods are tested in test_b.py",
    "print('rest of the code')",
    "// same as sort(), but stable",
    "[...items]",
    "# existing code paths must set this flag first",
    "<Rest />",
    "# ... to be continued by the caller's own handler, which closes it",
]


@pytest.mark.parametrize("line", STANDS_FOR_CODE)
def test_a_line_that_stands_for_code_is_found_with_its_number(line: str):
    told = placeholder(OLD, ["import os", line])
    assert told is not None
    assert told.startswith("Line 2 ")
    assert line.strip() in told


@pytest.mark.parametrize("line", MEANT)
def test_a_line_that_only_speaks_of_it_is_not(line: str):
    assert placeholder(OLD, [line]) is None


def test_a_line_that_was_there_before_is_none():
    assert placeholder("# ... existing code ...\n", ["    # ... existing code ..."]) is None


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ("", "empty"),
        ("  \n\n", "empty"),
        ("1 | import os\n2 | \n3 | def a():\n", "line number"),
        ("  1: import os\n  2: def a():", "line number"),
        ("     1\timport os\n     2\tdef a():\n", "line number"),
        ("```python\nimport os\n```", "code fence"),
        ("```\nimport os\nx\n```\n", "code fence"),
        ("import os\\n\\ndef a():\\n    pass\\n", "written out"),
        ("import os\n\ndef a():\n    return '&lt;b&gt;'\n", "&lt;"),
    ],
)
def test_a_display_of_the_content_is_seen(new: str, says: str):
    told = displayed(OLD, new, "a.py")
    assert told is not None
    assert says in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("", "```\nx\n```"),
        ("x\ny\n", "1 | a\n5 | b\n3 | c\n"),
        ("1 | a\n2 | b\n", "1 | a\n2 | c\n"),
        ("```\na\n```\n", "```\nb\n```\n"),
        (OLD, "```\na\n```\ntext\n```\nb\n```\n"),
        (OLD, "print('a\\nb\\n')\n"),
        ("a\n", "print('a\\nb\\nc')"),
        (OLD, "1. one\n2. two\n"),
        (OLD, "10:30\n11:30\n"),
        (OLD.replace("<b>", "&lt;b&gt;"), "x = '&lt;'\n"),
    ],
)
def test_what_may_well_be_meant_is_not(old: str, new: str):
    assert displayed(old, new, "a.py") is None or not old.strip()


def test_entities_are_at_home_in_markup():
    assert entities("<a>", "&lt;", "a.html") is None
    assert entities("a < b", "a &lt; b", "a.c") is not None
