"""What clients pass on from other servers: every shape of LSP is read, everything else is left out."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Place, Symbol
from roo_lsp.lsp.editor.diagnostics import items_of
from roo_lsp.lsp.editor.language_answers import (
    MAX_DEPTH,
    MAX_PLACES,
    MAX_SYMBOLS,
    Files,
    hover_in,
    places_in,
    symbols_in,
)

A = Path("/w/a.py")


def files() -> Files:
    return Files((Path("/w"),))


def range_at(line: Any, character: Any = 0) -> dict[str, Any]:
    place = {"line": line, "character": character}
    return {"start": place, "end": place}


def location(line: Any, uri: Any = "file:///w/a.py") -> dict[str, Any]:
    return {"uri": uri, "range": range_at(line)}


def link(line: int) -> dict[str, Any]:
    return {
        "targetUri": "file:///w/a.py",
        "targetRange": range_at(0),
        "targetSelectionRange": range_at(line),
    }


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        (location(3), [4]),
        ([location(3), location(1), location(3)], [4, 2]),
        ([link(7)], [8]),
        ([], []),
        ([location(3), location(-1), location("x"), location(2**40), {}, None, 7], [4]),
    ],
)
def test_places_are_read_from_every_shape_that_lsp_has(answer: Any, lines: list[int]) -> None:
    assert places_in(answer, files()).places == tuple(Place(A, line) for line in lines)


def test_places_in_other_schemes_are_counted() -> None:
    others = ["jdt://contents/x.class", "untitled:1", "https://host/a.py", "file://host/share", ""]
    found = places_in([location(0), *(location(0, uri) for uri in others)], files())
    assert (len(found.places), found.no_files) == (1, len(others))
    assert places_in([location(0, "jdt:x")], files()).places == ()


def test_a_million_places_are_counted_and_not_looked_at() -> None:
    found = places_in([location(0)] * 10**6, files())
    assert found.places == (Place(A, 1),)
    assert found.more == 10**6 - MAX_PLACES


@pytest.mark.parametrize("answer", [7, "x", True, {}, [{}], [location(-1)], [location(1, 5)]])
def test_where_nothing_is_left_the_answer_makes_no_sense(answer: Any) -> None:
    with pytest.raises(ToolError, match="makes no sense"):
        places_in(answer, files())


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///w/x%20y.py", "/w/x y.py"),
        ("file:///w/../etc/passwd", "/etc/passwd"),
        ("file:///w/a/../b.py", "/w/b.py"),
        ("file:///w/%00", None),
        ("file:a.py", None),
    ],
)
def test_a_path_with_steps_up_is_what_it_really_is(uri: str, path: str | None) -> None:
    assert files().path(uri) == (Path(path) if path else None)


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        ({"kind": "markdown", "value": " **x** "}, "**x**"),
        ("plain", "plain"),
        ({"language": "py", "value": "x: int"}, "x: int"),
        (["one", {"language": "py", "value": "two"}, " "], "one\n\ntwo"),
        ([], ""),
    ],
)
def test_hovers_are_read_from_every_shape_that_lsp_has(contents: Any, text: str) -> None:
    assert hover_in({"contents": contents}) == text


@pytest.mark.parametrize("answer", [7, "x", {}, {"contents": 5}, {"contents": [5]}, []])
def test_a_hover_of_another_shape_makes_no_sense(answer: Any) -> None:
    with pytest.raises(ToolError, match="makes no sense"):
        hover_in(answer)


def symbol(name: str, line: int = 0, *children: Any) -> dict[str, Any]:
    return {
        "name": name,
        "kind": 5,
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": line + 1, "character": 0}},
        "selectionRange": range_at(line),
        "children": list(children),
    }


def test_symbols_within_others_follow_them() -> None:
    found = symbols_in(
        [symbol("a", 1, symbol("b", 2, symbol("c", 3)), 5), symbol("d", 4)], files(), A
    )
    assert [(each.name, each.line, each.depth) for each in found.symbols] == [
        ("a", 2, 0),
        ("b", 3, 1),
        ("c", 4, 2),
        ("d", 5, 0),
    ]


def test_symbols_of_the_workspace_may_have_no_range() -> None:
    given = [
        {"name": "a", "kind": 12, "location": location(4), "containerName": "M"},
        {"name": "b", "kind": 99, "location": {"uri": "file:///w/a.py"}},
        {"name": "c", "kind": 12, "location": {"uri": "jdt:x"}},
        symbol("not here"),
        {"name": 5},
    ]
    found = symbols_in(given, files())
    assert found.symbols == (
        Symbol("a", "function", A, 5, 5, within="M"),
        Symbol("b", "symbol", A),
    )
    assert found.no_files == 1


def test_symbols_are_bounded_in_number_and_depth() -> None:
    many = symbols_in([symbol("x")] * 10**5, files(), A)
    assert (len(many.symbols), many.more) == (MAX_SYMBOLS, 10**5 - MAX_SYMBOLS)
    wide = symbols_in([symbol("x", 0, *[symbol("y")] * 10**5)], files(), A)
    assert len(wide.symbols) <= MAX_SYMBOLS
    assert wide.more >= 10**5 - MAX_SYMBOLS
    deep = symbol("bottom")
    for _ in range(500):
        deep = symbol("x", 0, deep)
    found = symbols_in([deep], files(), A)
    assert (len(found.symbols), found.more) == (MAX_DEPTH + 1, 1)


def test_diagnostics_keep_what_is_known_of_them_and_leave_out_ours() -> None:
    given = {
        "items": [
            {
                "uri": "file:///w/a.py",
                "diagnostics": [
                    {"range": range_at(1), "message": "m", "severity": 4, "code": 5},
                    {"range": range_at(1), "message": "m", "source": "Roo"},
                    {"range": range_at(-1), "message": "m"},
                    {"range": range_at(1), "message": "m", "severity": 9},
                    5,
                ],
            },
            {"uri": "jdt:x", "diagnostics": []},
            None,
        ]
    }
    found = items_of(given)
    assert found is not None
    [(path, [problem])] = found
    assert (path, problem.line, problem.severity, problem.code) == (A, 2, 4, "5")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "uri",
                    "range",
                    "start",
                    "end",
                    "line",
                    "character",
                    "contents",
                    "value",
                    "name",
                    "kind",
                    "location",
                    "children",
                    "selectionRange",
                    "items",
                    "diagnostics",
                    "message",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_answer_breaks_anything(answer: Any) -> None:
    for read in (
        lambda: places_in(answer, files()),
        lambda: hover_in(answer),
        lambda: symbols_in(answer, files(), A),
        lambda: items_of(answer),
    ):
        with suppress(ToolError):
            read()
