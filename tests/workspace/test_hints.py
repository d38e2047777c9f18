"""An edit that does not fit says what is wrong with how it was written."""

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.blocks import parse_blocks
from roo_lsp.workspace.edits import apply_blocks
from roo_lsp.workspace.literal import replace_text

TEXT = 'if a < b && c:\n\treturn "x"\n\ndef f():\n    return 1\n'

WRONG = [
    ("if a &lt; b &amp;&amp; c:", "pass", "not as entities"),
    ('if a < b && c:\\n\\treturn "x"', "pass", "do not write \\n"),
    ('return \\"x\\"', "pass", "without the backslashes"),
    ("def g():\n    ...\n    return 2", "pass", "`...` stands for nothing"),
    ("    return 0", "    return 1", "already, in line 5"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG)
def test_a_text_that_is_not_there_is_told_with_what_is_wrong_with_it(old, new, says):
    with pytest.raises(ToolError, match="Nothing was changed") as caught:
        replace_text(TEXT, old, new, every=False)
    assert says in caught.value.text


@pytest.mark.parametrize(("old", "new", "says"), [WRONG[0], WRONG[3], WRONG[4]])
def test_blocks_are_told_the_same(old, new, says):
    blocks = parse_blocks(f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE")
    with pytest.raises(ToolError) as caught:
        apply_blocks(TEXT, blocks)
    assert says in caught.value.text


def test_what_is_only_not_there_gets_no_hint():
    with pytest.raises(ToolError) as caught:
        replace_text(TEXT, "completely other words", "x", every=False)
    assert caught.value.text == (
        "Nothing was changed: old_string is not in the file. Nothing in it is similar. Read the file "
        "again."
    )
