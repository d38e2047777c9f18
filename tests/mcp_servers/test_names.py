import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.mcp.names import tool_name

PARTS = st.text(min_size=1, max_size=60) | st.text("a-_. é", min_size=1, max_size=5)


@given(st.lists(st.tuples(PARTS, PARTS), unique=True, max_size=20))
def test_every_tool_has_a_name_of_its_own_that_every_endpoint_takes(
    pairs: list[tuple[str, str]],
) -> None:
    names = [tool_name(server, tool) for server, tool in pairs]
    assert len(set(names)) == len(pairs)
    assert all(re.fullmatch(r"mcp--[A-Za-z0-9_-]{1,59}", name) for name in names)


@pytest.mark.parametrize(
    ("server", "tool", "name"),
    [
        ("github", "create_issue", "mcp--github--create_issue"),
        ("7zip", "x", "mcp--7zip--x"),
        ("a.b", "c", "mcp--ab--c_8b745b"),
        ("my server", "c", "mcp--my_server--c_c3f5a6"),
        ("a", "b--c", "mcp--a--b-c_f125c2"),
        ("天気", "予報", "mcp--unnamed--unnamed_198e58"),
    ],
)
def test_a_name_is_roos_and_says_where_something_was_lost(
    server: str, tool: str, name: str
) -> None:
    assert tool_name(server, tool) == name
