from pathlib import Path
from typing import Any

import pytest

from roo_lsp.mcp.entries import Http, ServerEntry, ServerSource, Stdio, entries, read_file
from roo_lsp.workspace.mcp_files import what_servers_do

HERE = Path("/work space")


def read(raw: Any, **environ: str) -> tuple[ServerEntry, list[str]]:
    [entry], problems = entries([ServerSource("test", {"x": raw}, HERE)], environ)
    return entry, [str(each) for each in problems]


def test_a_program_and_an_address_are_read_as_roo_has_them() -> None:
    entry, problems = read(
        {
            "type": "stdio",
            "command": "npx",
            "args": ["-y", "${env:PKG}", "${MODE:-fast}", "${workspaceFolder}/d"],
            "env": {"TOKEN": "${TOKEN}"},
            "cwd": "sub",
            "timeout": 5,
            "alwaysAllow": ["a"],
            "disabledTools": ["b"],
            "watchPaths": ["build/index.js"],
        },
        PKG='a "quoted" \\ name',
        TOKEN="t",
    )
    assert problems == []
    args = ("-y", 'a "quoted" \\ name', "fast", "/work space/d")
    assert entry.reach == Stdio("npx", args, HERE / "sub", {"TOKEN": "t"})
    assert (entry.timeout, entry.allows("a"), entry.allows("b")) == (5, True, False)
    assert entry.watch == (HERE / "build/index.js",)
    for kind in ({"type": "http"}, {"type": "streamable-http"}, {}):
        entry, _ = read({"url": "https://x.test/mcp", "headers": {"A": "b"}, **kind})
        assert entry.reach == Http("https://x.test/mcp", {"A": "b"})


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (5, "mcpServers.x: expected an object, got 5"),
        ({}, "mcpServers.x: it needs a command (with args) or a url"),
        ({"command": "a", "url": "http://b"}, "mcpServers.x: it has a command and a url: leave one of them out"),
        ({"command": ["a"]}, 'mcpServers.x.command: expected a string, got ["a"]'),
        ({"command": "a", "args": "b"}, 'mcpServers.x.args: expected a list of strings, got "b"'),
        ({"command": "a", "env": {"A": 1}}, "mcpServers.x.env: expected an object of strings"),
        ({"command": "a", "timeout": 0}, "mcpServers.x.timeout: expected 1 to 3600 seconds, got 0"),
        ({"command": "a", "env": {"A": "${env:NONE}"}}, "mcpServers.x.env.A: the environment variable NONE is not set"),
        ({"url": "ftp://b"}, 'mcpServers.x.url: expected an http or https address, got "ftp://b"'),
        ({"url": "http://b", "type": "sse"}, "mcpServers.x.type: HTTP+SSE is the old transport, and not spoken here; use streamable-http"),
        ({"url": "http://b", "type": "stdio"}, "mcpServers.x.type: stdio does not go with a url"),
        ({"url": "http://b", "headers": {"A": "b\nC: d"}}, 'mcpServers.x.headers: "A" is no header, or its value is none'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_path_and_costs_the_entry(raw: Any, problem: str) -> None:
    entry, problems = read(raw)
    assert problems == [problem]
    assert entry.reach is None
    assert entry.problem


def test_an_unknown_key_is_told_and_one_that_is_off_is_not_complained_of() -> None:
    entry, problems = read({"command": "a", "always_allow": ["b"]})
    assert isinstance(entry.reach, Stdio)
    [problem] = problems
    assert problem.startswith("mcpServers.x.always_allow: unknown key; known here: type, disabled,")
    assert read({"command": "${NONE}", "disabled": True})[1] == []


def test_of_one_name_the_strongest_entry_counts_whole() -> None:
    sources = [
        ServerSource("strong", {"x": {"command": "a"}}, HERE),
        ServerSource("weak", {"x": {"url": "b"}, "y": {"command": "c"}}, HERE),
    ]
    found, problems = entries(sources, {})
    assert [(each.name, each.source) for each in found] == [("x", "strong"), ("y", "weak")]
    assert problems == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"mcpServers": {,}}', "f: it is no JSON: Expecting property name enclosed in double quotes, at line 1, column 17"),
        (b"[]", 'f: expected {"mcpServers": {NAME: {…}}}'),
        (b"\xff", "f: it is no JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_says_where_it_breaks(data: bytes, problem: str) -> None:
    source, problems = read_file("f", data, HERE)
    assert source is None
    assert [str(each) for each in problems] == [problem]


def test_the_question_for_trust_names_what_is_started_read_and_let_through() -> None:
    data = b'{"mcpServers": {"x": {"command": "sh", "args": ["-c", "a b"], "env": {"K": "${env:S}"}, "alwaysAllow": ["t"]}, "y": {"url": "http://h/${P}", "disabled": true}, "z": 1}}'
    assert what_servers_do(data).split(" · ") == [
        "MCP server x starts `sh -c 'a b'`, reads $S, sets K, with autoApprove.mcp calls t without a question",
        "MCP server y (switched off) reaches http://h/${P}, reads $P",
        "MCP server z cannot be used",
        "each stands in the place of your own of the same name",
    ]
    assert what_servers_do(b"{") == what_servers_do(b'{"mcpServers": {}}') == ""
