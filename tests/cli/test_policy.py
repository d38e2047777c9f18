"""`roo-lsp policy`: what would be decided, without running anything."""

import io
import json
import sys

import pytest

from roo_lsp.cli import main
from tests.workspace.shell.forms import forms


def said(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def lines(monkeypatch):
    def give(*texts: str | bytes) -> None:
        raw = b"".join(
            (each if isinstance(each, bytes) else each.encode()) + b"\n" for each in texts
        )
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))

    return give


def test_each_command_gets_one_object(capsys):
    assert main(["policy", "git log -1", "git log; rm x"]) == 0
    first, second = said(capsys)
    assert first == {
        "command": "git log -1",
        "decision": "approve",
        "reason": "The setting allowedCommands has every command in it.",
        "commands": [["git", "log", "-1"]],
    }
    assert (second["decision"], second["commands"]) == ("ask", [["git", "log"], ["rm", "x"]])


def test_the_lists_are_those_of_the_settings(capsys, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"allowedCommands": ["ls"], "deniedCommands": ["git"]}')
    assert main(["policy", "--settings", str(file), "ls -l", "git log"]) == 0
    assert [each["decision"] for each in said(capsys)] == ["approve", "deny"]
    assert main(["policy", "--set", 'allowedCommands=["cat"]', "ls", "cat x"]) == 0
    assert [each["decision"] for each in said(capsys)] == ["ask", "approve"]


def test_lines_of_input_may_have_their_own_lists(capsys, lines):
    lines(
        '{"command": "ls", "allowedCommands": ["ls"], "deniedCommands": []}',
        "",
        '{"command": "git log"}',
        '{"command": "rm x", "allowedCommands": ["*"], "deniedCommands": ["rm"]}',
    )
    assert main(["policy"]) == 0
    assert [each["decision"] for each in said(capsys)] == ["approve", "approve", "deny"]


def test_the_table_of_forms_is_decided_so_on_the_command_line(capsys, lines, tmp_path, monkeypatch):
    for each in ("src/app.py", "src/app.ts", "README.md", "script.py", "sub/x"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).touch()
    monkeypatch.chdir(tmp_path)
    table = forms()
    lines(
        *(
            json.dumps({"command": command, "allowedCommands": allowed, "deniedCommands": denied})
            for _, command, allowed, denied in table
        )
    )
    assert main(["policy"]) == 0
    decided = [(each["command"], each["decision"]) for each in said(capsys)]
    assert decided == [(command, decision) for decision, command, _, _ in table]


def test_a_bad_line_is_named_and_the_others_are_decided(capsys, lines):
    lines(
        "{",
        '{"command": 1}',
        '{"commands": "ls"}',
        b'{"command": "\xff"}',
        '{"command": "git log"}',
    )
    assert main(["policy"]) == 2
    *bad, good = said(capsys)
    assert [each["line"] for each in bad] == [1, 2, 3, 4]
    assert bad[1]["error"] == "command: Input should be a valid string"
    assert good["decision"] == "approve"


def test_bad_settings_are_told(capsys):
    assert main(["policy", "--set", "allowedCommands=7", "ls"]) == 2
    assert "allowedCommands" in capsys.readouterr().err
