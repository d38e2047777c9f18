"""`contract.toml` has what roo-lsp promises, each promise with the tests that show it; both ways."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, ConfigDict

from roo_lsp import cli
from roo_lsp.agent.errors import ErrorCode
from roo_lsp.lsp.server import COMMANDS

ROOT = Path(__file__).parent.parent


class Promise(BaseModel):
    model_config = ConfigDict(extra="forbid")

    section: str
    text: str
    tests: list[str] = []
    """Node ids, from the root of the repository."""
    open: str = ""
    """Why no test shows it."""


class Contract(BaseModel):
    model_config = ConfigDict(extra="forbid")

    promise: list[Promise]


with (Path(__file__).parent / "contract.toml").open("rb") as file:
    PROMISES = Contract.model_validate(tomllib.load(file)).promise

NAMED = {name for each in PROMISES for name in re.findall("`([^`]+)`", each.text)}
"""What a promise names in backticks: commands, events, codes."""


@cache
def defined_in(path: str) -> frozenset[str]:
    """The tests that a file defines for pytest to find: functions of its own, not what lies in them."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[:5] == "test_"
    )


def kinds_of_events(source: str) -> Iterator[str]:
    """Each name that some code gives an event's `sessionUpdate`.

    It is a literal where the event is made, or the first argument of `_text`, which makes those of text.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    match key, value:
                        case ast.Constant(value="sessionUpdate"), ast.Constant(value=str(name)):
                            yield name
                        case ast.Constant(value="sessionUpdate"), _:
                            assert ast.unparse(value) == "kind", ast.unparse(node)
                        case _:
                            pass
            case ast.Call(func=ast.Name(id="_text"), args=[ast.Constant(value=str(name)), _]):
                yield name
            case _:
                pass


def events() -> set[str]:
    files = (ROOT / "roo_lsp").rglob("*.py")
    return {kind for file in files for kind in kinds_of_events(file.read_text("utf-8"))}


def test_each_test_that_is_named_exists() -> None:
    named = {name for each in PROMISES for name in each.tests}
    missing = {
        name
        for name in named
        if not (ROOT / name.partition("::")[0]).is_file()
        or name.partition("::")[2] not in defined_in(name.partition("::")[0])
    }
    assert missing == set(), "in tests/contract.toml, and nowhere else"


def test_each_promise_is_shown_by_a_test_or_says_why_not() -> None:
    assert [each.text for each in PROMISES if bool(each.tests) == bool(each.open)] == []


def test_no_promise_and_none_of_its_tests_is_there_twice() -> None:
    texts = Counter(each.text.casefold() for each in PROMISES)
    assert [text for text, count in texts.items() if count > 1] == []
    assert [each.text for each in PROMISES if len(set(each.tests)) < len(each.tests)] == []


@pytest.mark.parametrize(
    ("there", "what"),
    [
        (set(COMMANDS), "commands of the server"),
        ({f"roo-lsp {name}" for name in cli.COMMANDS}, "commands of the command line"),
        (events(), "events"),
        (set(get_args(ErrorCode)), "codes of errors"),
    ],
)
def test_each_name_that_clients_and_people_meet_is_promised(there: set[str], what: str) -> None:
    assert there - NAMED == set(), f"{what} that no promise of tests/contract.toml names"


def test_no_promise_that_is_kept_names_a_command_that_is_not_there() -> None:
    kept = {name for each in PROMISES if each.tests for name in re.findall("`([^`]+)`", each.text)}
    there = {*COMMANDS, "roo-lsp", *(f"roo-lsp {name}" for name in cli.COMMANDS)}
    assert {name for name in kept if re.match(r"roo[.\- ]", name)} - there == set()
    assert {name for name in kept if re.match(r"_[a-z]", name)} - events() == set()


def test_the_events_are_read_from_where_they_are_made() -> None:
    assert {"tool_call", "agent_message_chunk", "_state"} <= events()
