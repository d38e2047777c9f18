"""The command line: what it says becomes settings, and what is wrong with it is told."""

import json
import os

import pytest

from roo_lsp.cli import main
from roo_lsp.cli.options import BadUsage, Consent, assignment, environment, split_yes
from roo_lsp.cli.run import parse


def test_yes_does_not_swallow_the_prompt():
    assert split_yes(["--yes", "do it"]) == (["do it"], Consent(everything=True))
    assert split_yes(["--yes=edit,execute", "x"]) == (
        ["x"],
        Consent(frozenset({"edit", "execute"})),
    )
    assert split_yes(["--", "--yes"]) == (["--", "--yes"], Consent())


def test_an_unknown_kind_of_consent_is_told():
    with pytest.raises(BadUsage, match=r"no kind 'all'.*read, edit, execute, mcp"):
        split_yes(["--yes=edit,all"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("provider.modelId=qwen3", {"provider": {"modelId": "qwen3"}}),
        ("provider.modelId=123", {"provider": {"modelId": "123"}}),
        ("roo.limits.requests=5", {"limits": {"requests": 5}}),
        ("provider.apiKeyEnv=", {"provider": {"apiKeyEnv": ""}}),
        ('allowedCommands=["npm test"]', {"allowedCommands": ["npm test"]}),
        ("provider.query.a=1", {"provider": {"query": {"a": "1"}}}),
        ("provider.baseUrl=http://h/?a=b", {"provider": {"baseUrl": "http://h/?a=b"}}),
    ],
)
def test_an_assignment_is_json_or_else_a_string(text, found):
    assert assignment(text) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("limits.requests=many", "expected a whole number"),
        ("provider.model=x", "unknown key"),
        ("novalue", "expected KEY=VALUE"),
        ("a..b=1", "expected KEY=VALUE"),
    ],
)
def test_a_bad_assignment_is_told(text, complaint):
    with pytest.raises(BadUsage, match=complaint):
        assignment(text)


def test_what_stands_later_on_the_command_line_is_stronger(tmp_path):
    file = tmp_path / "s.json"
    file.write_text(json.dumps({"autoApprove": {"edit": False}, "provider": {"modelId": "a"}}))
    job = parse(
        ["go", "--yes=edit", f"--settings={file}", "--set", "provider.modelId=b", "--profile=p"]
    )
    assert job.settings == {
        "autoApprove": {"edit": True},
        "provider": {"modelId": "b"},
        "profile": "p",
    }


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "what is to be done"),
        (["go", "--workspace=/no/such"], "is not a folder"),
        (["go", "--settings=/no/such"], "cannot be read"),
        (["go", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["go", "--set", "limits.requests=-1"], "expected a whole number"),
        (["go", "on"], "unrecognized arguments"),
    ],
)
def test_bad_usage_ends_with_2_and_says_what(arguments, complaint, capsys):
    assert main(["run", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_a_bad_settings_file_is_told_key_by_key(tmp_path, capsys):
    file = tmp_path / "s.json"
    file.write_text('{"limits": {"requests": "x", "wrong": 1}}')
    assert main(["run", "go", f"--settings={file}"]) == 2
    told = capsys.readouterr().err
    assert "roo.limits.requests: expected" in told
    assert "roo.limits.wrong: unknown key" in told


def test_a_settings_variable_from_outside_does_not_reach_the_server(monkeypatch):
    monkeypatch.setenv("ROO_CLI_SETTINGS", '{"autoApprove": {"edit": true}}')
    assert "ROO_CLI_SETTINGS" not in environment({})
    assert json.loads(environment({"mode": "ask"})["ROO_CLI_SETTINGS"]) == {"mode": "ask"}
    assert "ROO_CLI_SETTINGS" in os.environ


def test_an_unknown_command_is_told(capsys):
    assert main(["polish"]) == 2
    assert "no command 'polish'" in capsys.readouterr().err


def test_help_and_version(capsys):
    assert main(["--help"]) == 0
    assert "doctor" in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("roo-lsp 0.")


@pytest.mark.parametrize("command", ["run", "tasks", "trust"])
def test_each_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert f"usage: roo-lsp {command}" in capsys.readouterr().out
