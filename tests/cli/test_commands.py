"""The commands beside `run` and `doctor`: settings, tasks, trust."""

import json
import stat
from pathlib import Path

import pytest

from roo_lsp.agent.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from roo_lsp.cli import main
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import TaskSummary
from roo_lsp.workspace.trust import TrustStore
from roo_lsp.workspace.user_folders import config_dir, state_dir

# --- settings -------------------------------------------------------------------------------


def test_the_schema_is_json_and_describes_each_key(capsys):
    assert main(["settings", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"provider", "autoApprove", "ui"} <= set(schema["properties"])


def test_without_a_word_the_likely_thing_is_done(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["settings"]) == 0
    assert "Nothing is set" in capsys.readouterr().out
    assert main(["settings", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["mode"] == "code"
    assert main(["tasks"]) == 0
    assert "No tasks in" in capsys.readouterr().out
    assert main(["tasks", "nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_a_byte_order_mark_before_the_settings_is_no_error(capsys):
    config_dir().mkdir(parents=True, exist_ok=True)
    (config_dir() / "settings.json").write_text('\ufeff{"mode": "ask"}', "utf-8")
    assert main(["settings"]) == 0
    assert '"ask"' in capsys.readouterr().out


def test_settings_are_shown_with_where_they_came_from_and_no_secrets(capsys, monkeypatch):
    config_dir().mkdir(parents=True)
    file = config_dir() / "settings.json"
    provider = {"apiKey": "sk-secret", "headers": {"X-Key": "hush"}, "proxy": "http://u:pw@p:1"}
    file.write_text(json.dumps({"provider": provider, "mode": "ask"}))
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    monkeypatch.setenv("ROO_MODEL", "m1")
    assert main(["settings", "show", "--set", "limits.requests=9"]) == 0
    out = capsys.readouterr().out
    for secret in ("sk-secret", "hush", "pw@"):
        assert secret not in out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert str(file) in lines["mode"]
    assert lines["provider.modelId"].split()[1:] == ['"m1"', "environment"]
    assert lines["limits.requests"].split()[1:] == ["9", "command", "line"]
    assert "***" in lines["provider.apiKey"]
    assert "autoApprove.edit" not in lines
    main(["settings", "show", "--json"])
    shown = json.loads(capsys.readouterr().out)
    assert shown["settings"]["provider"]["apiKey"] == "***"
    assert shown["origins"]["mode"] == str(file)


# --- tasks ----------------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path) -> TaskSummary:
    """A task in the state folder, done in `tmp_path`."""
    summary = TaskSummary(
        "20260101-101010-abc123", "Fix it\x1b[2J", "idle", "code", 1e9, 2e9, 1200, 30, 0.5, str(tmp_path)
    )  # fmt: skip
    store = TaskStore(state_dir())
    store.create(summary)
    updates = [
        {"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": "Fix it"}},
        {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "Fixed."}},
        {"sessionUpdate": "_state", "state": "idle", "stopReason": "end_turn"},
    ]
    for seq, update in enumerate(updates, 1):
        event = {"v": 1, "taskId": summary.task_id, "seq": seq, "ts": 1e9 + seq, "update": update}
        store.append_event(summary.task_id, event)
    for message in (
        UserMessage("Fix it"),
        AssistantMessage("Looking.", (ToolCall("c1", "read_file", '{"path":"a"}'),)),
        ToolMessage("c1", "```\nfence\n```"),
        AssistantMessage("Fixed."),
    ):
        store.append_message(summary.task_id, message)
    store.close()
    return summary


def test_tasks_of_this_folder_are_listed(stored, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["tasks"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == stored.workspace
    heading, row = (" ".join(line.split()) for line in out.splitlines()[1:3])
    assert heading == "task last used state mode in/out cost"
    assert row.startswith(stored.task_id)
    assert "1.2k/30 $0.50" in row
    assert "Fix it\\x1b[2J" in out
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    main(["tasks", "list", "--workspace", str(elsewhere)])
    assert "There are 1 of other folders: --all" in " ".join(capsys.readouterr().out.split())
    main(["tasks", "list", "--all", "--json"])
    assert [each["taskId"] for each in json.loads(capsys.readouterr().out)] == [stored.task_id]


def test_a_task_is_shown_as_it_was_seen(stored, capsys):
    assert main(["tasks", "show", "20260101"]) == 0
    out = capsys.readouterr().out
    assert "❯ Fix it" in out  # noqa: RUF001
    assert "Fixed." in out


def test_a_task_is_exported(stored, capsys):
    assert main(["tasks", "export", stored.task_id]) == 0
    out = capsys.readouterr().out
    assert "## You\n\nFix it" in out
    assert "- **read_file**" in out
    assert "````\n```\nfence\n```\n````" in out
    assert main(["tasks", "export", stored.task_id, "--format", "json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert [message["role"] for message in exported["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]
    assert [event["seq"] for event in exported["events"]] == [1, 2, 3]


def test_a_task_is_deleted_by_its_whole_id_only(stored, capsys):
    assert main(["tasks", "delete", "20260101"]) == 2
    assert main(["tasks", "delete", stored.task_id]) == 0
    assert main(["tasks", "show", stored.task_id]) == 2
    assert "there is no task" in capsys.readouterr().err
    assert not (state_dir() / "tasks" / stored.task_id).exists()


# --- trust ----------------------------------------------------------------------------------


def test_what_is_trusted_is_printed_and_taken_back(tmp_path, capsys):
    (tmp_path / "AGENTS.md").write_text("Be kind.")
    TrustStore(state_dir() / "trust.json").bind("http://10.0.0.1:8000", "MY_KEY")
    assert main(["trust", str(tmp_path)]) == 0
    assert "from now on, with:\n  AGENTS.md: 8 bytes" in capsys.readouterr().out
    assert main(["trust"]) == 0
    out = capsys.readouterr().out
    assert f"  {tmp_path}\n    AGENTS.md" in out
    assert "http://10.0.0.1:8000  (MY_KEY)" in out
    assert main(["trust", str(tmp_path), "--revoke"]) == 0
    assert "is not trusted any more" in capsys.readouterr().out
    assert main(["trust"]) == 0
    assert str(tmp_path) not in capsys.readouterr().out
