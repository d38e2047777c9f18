"""`roo-lsp import`: what Roo Code has, shown first, written when told, no key ever shown."""

import json
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from roo_lsp import cli
from roo_lsp.agent.messages import AssistantMessage, Condensed, Image, ToolMessage, UserMessage
from roo_lsp.app import current_settings, user_settings
from roo_lsp.cli.importing.conversation import LEFT_OUT, read_conversation
from roo_lsp.workspace.mode_files import read_modes
from roo_lsp.workspace.store import TaskStore
from tests.cli.runs import run
from tests.support.fake_openai import FakeOpenAI, text
from tests.support.images import png

KEY = "sk-canary-of-an-export-0123456789"
OTHER = "sk-or-canary-0123456789"

EXPORT: dict[str, Any] = {
    "providerProfiles": {
        "currentApiConfigName": "work box",
        "apiConfigs": {
            "work box": {
                "id": "w1",
                "apiProvider": "openai",
                "openAiBaseUrl": "https://llm.example.test/v1/",
                "openAiApiKey": KEY,
                "openAiModelId": "coder-32b",
                "openAiHeaders": {"X-Team": "team-secret-value"},
                "openAiHostHeader": "other.example.test",
                "openAiCustomModelInfo": {
                    "maxTokens": 8192,
                    "contextWindow": 65536,
                    "supportsImages": True,
                    "inputPrice": 0.5,
                    "outputPrice": 2,
                },
                "includeMaxTokens": True,
                "modelTemperature": 0.2,
                "reasoningEffort": "low",
                "diffEnabled": True,
                "geminiApiKey": "AIza-another-key",
            },
            "router": {
                "id": "r1",
                "apiProvider": "openrouter",
                "openRouterApiKey": OTHER,
                "openRouterModelId": "vendor/model",
            },
            "at home": {"id": "h1", "apiProvider": "ollama", "ollamaModelId": "qwen3"},
            "claude": {"id": "c1", "apiProvider": "anthropic", "apiKey": "sk-ant-canary"},
        },
        "modeApiConfigs": {"code": "w1", "ask": "c1", "architect": "r1"},
        "migrations": {"rateLimitSecondsMigrated": True},
    },
    "globalSettings": {
        "autoApprovalEnabled": True,
        "alwaysAllowReadOnly": True,
        "alwaysAllowWrite": True,
        "alwaysAllowExecute": False,
        "allowedCommands": ["npm test", "*"],
        "deniedCommands": ["rm"],
        "allowedMaxRequests": 30,
        "autoCondenseContextPercent": 75,
        "profileThresholds": {"w1": 60, "c1": -1},
        "customInstructions": "Speak plainly.",
        "ttsEnabled": True,
        "mode": "docs-writer",
        "customModes": [
            {
                "slug": "docs-writer",
                "name": "Docs Writer",
                "roleDefinition": "You write pages.",
                "groups": ["read", ["edit", {"fileRegex": "\\.md$"}]],
                "source": "global",
            },
            {"slug": "no role", "name": "x", "groups": []},
        ],
    },
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, folder in (
        ("HOME", "home"),
        ("ROO_CONFIG_DIR", "config"),
        ("ROO_STATE_DIR", "state"),
    ):
        monkeypatch.setenv(name, str(tmp_path / folder))
    (tmp_path / "home").mkdir()
    return tmp_path


def written(folder: Path, name: str, value: object) -> str:
    file = folder / name
    file.write_text(json.dumps(value), "utf-8")
    return str(file)


def imported(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What it prints, in which no key is."""
    code = cli.main(["import", *arguments])
    said = capsys.readouterr()
    assert code == 0, said.err
    for secret in (KEY, OTHER, "sk-ant-canary", "AIza-another-key", "team-secret-value"):
        assert secret not in said.out + said.err
    return said.out


# --- settings -------------------------------------------------------------------------------


def test_an_export_is_shown_and_nothing_is_written_until_it_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = imported(capsys, written(home, "roo-code-settings.json", EXPORT))
    assert "+ profiles.work box: " in said
    assert 'provider.baseUrl=https://llm.example.test/v1, provider.modelId="coder-32b"' in said
    assert '+ profile: "work box"' in said
    for line in (
        "providerProfiles.work box.openAiHostHeader: a Host header is taken from nobody",
        "providerProfiles.work box.geminiApiKey: it belongs to another provider",
        "providerProfiles.claude: anthropic has no OpenAI-compatible endpoint",
        "providerProfiles.modeApiConfigs.ask: its profile is not taken",
        "globalSettings.allowedCommands: *: no entry lets every command run",
        "globalSettings.ttsEnabled: it is about Roo's own screen or sounds",
        "globalSettings.customModes[1]: slug: expected letters, digits and -",
    ):
        assert line in said
    assert "Nothing is written yet: --write does it." in said
    assert not (home / "config").exists()


def test_what_is_written_is_the_users_own_settings_and_keys_lie_apart(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = imported(capsys, written(home, "roo-code-settings.json", EXPORT), "--write")
    assert "Wrote " in said
    found = current_settings()
    assert not found.problems
    settings = found.settings
    assert settings.profile == "work box"
    assert settings.mode_profiles == {"code": "work box", "architect": "router"}
    work = found.for_profile("work box")
    assert work.provider.base_url == "https://llm.example.test/v1"
    assert (work.provider.temperature, work.provider.reasoning_effort) == (0.2, "low")
    assert work.provider.headers == {"X-Team": "team-secret-value"}
    assert (work.model.context_window, work.model.max_output_tokens) == (65536, 8192)
    assert work.context.condense_percent == 60
    assert found.for_profile("router").provider.base_url == "https://openrouter.ai/api/v1"
    assert found.for_profile("at home").provider.base_url == "http://localhost:11434/v1"
    assert found.for_profile("at home").provider.api_key_command is None
    assert settings.auto_approve.edit
    assert not settings.auto_approve.execute
    assert settings.allowed_commands == ("npm test",)
    assert settings.denied_commands == ("rm",)
    assert (settings.limits.requests, settings.context.condense_percent) == (30, 75)
    assert settings.mode == "docs-writer"
    [mode] = read_modes("m", (home / "config/custom_modes.yaml").read_bytes()).modes
    assert (mode.slug, mode.groups["edit"]) == ("docs-writer", "\\.md$")
    program, file = work.provider.api_key_command or ("", "")
    assert (program, Path(file).read_text("utf-8")) == ("cat", f"{KEY}\n")
    for each in (Path(file), home / "config/settings.json", home / "config/custom_modes.yaml"):
        assert each.stat().st_mode & 0o777 == 0o600
    assert KEY not in (home / "config/settings.json").read_text("utf-8")
    again = imported(capsys, written(home, "roo-code-settings.json", EXPORT), "--write")
    assert "There is nothing to write." in again


def test_what_is_there_already_stays_until_a_yes_and_then_beside(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "config").mkdir()
    mine: Any = {
        "mode": "ask",
        "profiles": {"router": {"model": {"contextWindow": 9}}},
        "ui": {"dialogs": False},
    }
    file = home / "config/settings.json"
    file.write_text(json.dumps(mine), "utf-8")
    export = written(home, "roo-code-settings.json", EXPORT)
    said = imported(capsys, export, "--write", "--keys", "none")
    assert "Left as it was, as it is there with another value: profiles.router, mode." in said
    raw: Any = user_settings().raw
    assert (raw["mode"], raw["profiles"]["router"], raw["ui"]) == (
        "ask",
        mine["profiles"]["router"],
        mine["ui"],
    )
    assert raw["profile"] == "work box"
    [before] = (home / "config").glob("settings.json.*.before")
    assert json.loads(before.read_text("utf-8")) == mine
    assert not (home / "config/keys").exists()
    imported(capsys, export, "--write", "--overwrite", "--keys", "settings")
    raw = user_settings().raw
    assert raw["mode"] == "docs-writer"
    assert raw["profiles"]["router"]["provider"]["apiKey"] == OTHER


def test_auto_approval_that_is_off_as_a_whole_switches_nothing_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = {"globalSettings": {"alwaysAllowWrite": True, "alwaysAllowReadOnly": False}}
    said = imported(capsys, written(home, "x.json", export), "--write")
    assert "globalSettings.alwaysAllowWrite: auto-approval as a whole is off in Roo" in said
    assert user_settings().raw == {"autoApprove": {"read": False}}


def test_an_exported_mode_brings_its_rules_and_none_that_leave_their_folder(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mode = {
        "slug": "tester",
        "name": "Tester",
        "roleDefinition": "You test.",
        "groups": ["read"],
        "rulesFiles": [
            {"relativePath": "rules-tester/a.md", "content": "Be strict.\n"},
            {"relativePath": "../../b.md", "content": "x"},
        ],
    }
    file = home / "tester-export.yaml"
    file.write_text(yaml.safe_dump({"customModes": [mode]}), "utf-8")
    said = imported(capsys, str(file), "--write")
    assert "does not stay in the folder of the mode's rules" in said
    assert (home / "home/.roo/rules-tester/a.md").read_text("utf-8") == "Be strict.\n"
    assert list((home / "home/.roo").rglob("*.md")) == [home / "home/.roo/rules-tester/a.md"]
    [read] = read_modes("m", (home / "config/custom_modes.yaml").read_bytes()).modes
    assert read.name == "Tester"


def test_mcp_servers_are_taken_and_nothing_of_them_that_may_be_a_key_is_shown(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers = {
        "git": {
            "command": "mcp-git",
            "args": [f"--token={KEY}", OTHER, "--verbose"],
            "env": {"TOKEN": OTHER},
        },
        "web": {"type": "streamable-http", "url": f"https://mcp.example.test/x?key={KEY}"},
        "old": {"type": "sse", "url": "https://old.example.test"},
    }
    said = imported(capsys, written(home, "mcp_settings.json", {"mcpServers": servers}), "--write")
    assert "+ mcpServers.git: mcp-git '--token=***' '***' --verbose; env: TOKEN\n" in said
    assert "+ mcpServers.web: https://mcp.example.test/x\n" in said
    assert "mcpServers.old: servers of the old kind `sse`" in said
    raw: Any = user_settings().raw
    assert raw["mcpServers"] == {"git": servers["git"], "web": servers["web"]}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("x.json", "{", "is no JSON"),
        ("x.json", "[1]", "is nothing that Roo Code exports"),
        ("x.json", '{"a": 1}', "none of providerProfiles, globalSettings, mcpServers"),
        ("x.json", '{"providerProfiles": 3}', "providerProfiles: expected an object"),
        ("x.json", '{"mcpServers": []}', "mcpServers: expected an object"),
        ("x.yaml", "customModes: 3", "expected a list"),
        ("x.yaml", "a: [", "neither YAML nor JSON"),
        ("gone.json", None, "is not there"),
        ("folder", "", "holds no task of Roo Code"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(
    name: str, content: str | None, why: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / name
    if name == "folder":
        file.mkdir()
    elif content is not None:
        file.write_text(content, "utf-8")
    assert cli.main(["import", str(file)]) == 2
    assert why in capsys.readouterr().err


# --- tasks ----------------------------------------------------------------------------------

ENVIRONMENT = "<environment_details>\n# Current Time\nnoon\n</environment_details>"


def a_task(folder: Path, task_id: str, here: Path) -> Path:
    """As Roo Code stores it."""
    place = folder / "tasks" / task_id
    place.mkdir(parents=True)
    said = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "<user_message>\nFix the total\n</user_message>"},
                {"type": "text", "text": ENVIRONMENT},
            ],
            "ts": 1760000000000,
        },
        {
            "role": "assistant",
            "reasoning_content": "Look first.",
            "content": [
                {"type": "text", "text": "I read it."},
                {
                    "type": "tool_use",
                    "id": "toolu_1",
                    "name": "read_file",
                    "input": {"path": "app.py"},
                },
            ],
            "ts": 1760000001000,
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": "1 | def total(): pass",
                },
                {"type": "text", "text": ENVIRONMENT},
            ],
            "ts": 1760000002000,
        },
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "toolu_2",
                    "name": "attempt_completion",
                    "input": {"result": "The total is right now."},
                }
            ],
            "ts": 1760000003000,
        },
    ]
    (place / "api_conversation_history.json").write_text(json.dumps(said), "utf-8")
    item = {
        "id": task_id,
        "number": 1,
        "ts": 1760000004000,
        "task": "Fix the total",
        "tokensIn": 1200,
        "tokensOut": 80,
        "totalCost": 0.012,
        "workspace": str(here),
        "mode": "code",
    }
    (place / "history_item.json").write_text(json.dumps(item), "utf-8")
    return place


async def test_a_task_is_listed_put_beside_ours_once_shown_and_gone_on_with(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = home / "project"
    here.mkdir()
    a_task(home / "storage", "0198c0de-aaaa-7000-8000-000000000001", here)
    broken = home / "storage/tasks/broken"
    broken.mkdir()
    (broken / "api_conversation_history.json").write_text("{", "utf-8")
    said = imported(capsys, str(home / "storage"))
    assert "+ roo-0198c0de-aaaa-7000-8000-000000000001, 2025-10-" in said
    assert "Fix the total" in said
    assert "! broken: api_conversation_history.json cannot be read" in said
    assert "Nothing is written yet: --write adds 1 task." in said
    assert "Added 1 task." in imported(capsys, str(home / "storage"), "--write")
    assert "(there already)" in imported(capsys, str(home / "storage"), "--write")
    with closing(TaskStore(home / "state")) as store:
        [task] = store.list(str(here), 9)
        assert (task.title, task.input_tokens, task.cost) == ("Fix the total", 1200, 0.012)
    assert cli.main(["tasks", "show", "roo-0198"]) == 0
    shown = capsys.readouterr().out
    for line in ("Fix the total", "I read it.", "read_file app.py", "The total is right now."):
        assert line in shown
    async with FakeOpenAI() as fake:
        fake.answers(text("Gone on."))
        ran = await run(fake, here, "--resume", task.task_id, "and the tests?")
        assert ran.code == 0, ran.err
        roles = [
            (each["role"], each.get("content"))
            for each in fake.chats[0].json["messages"]
            if each["role"] != "system"
        ]
    assert [role for role, _ in roles] == ["user", "assistant", "tool", "assistant", "tool", "user"]
    assert roles[0][1] == "Fix the total"
    assert roles[2][1] == "1 | def total(): pass"
    assert str(roles[5][1]).startswith("and the tests?")


def test_without_a_file_it_names_what_an_editor_here_has(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No editor here has" in imported(capsys)
    storage = home / "home/.vscode-server/data/User/globalStorage/rooveterinaryinc.roo-cline"
    a_task(storage, "0198c0de", home)
    assert f"{storage}/tasks (1 task)\n" in imported(capsys)


def test_what_roo_does_not_send_any_more_is_kept_and_stands_for_itself_no_more() -> None:
    def say(role: str, words: str, **more: Any) -> dict[str, Any]:
        return {"role": role, "content": words, "ts": 1, **more}

    condensed = read_conversation(
        [
            say("user", "<task>\nOne\n</task>", condenseParent="s"),
            say("assistant", "Two", condenseParent="s"),
            say("user", "Notes on it", isSummary=True, condenseId="s"),
            say("user", "Three"),
        ]
    )
    assert condensed.entries == [
        UserMessage("One"),
        AssistantMessage("Two"),
        Condensed("Notes on it", 0),
        UserMessage("Three"),
    ]
    cut = read_conversation(
        [
            say("user", "One"),
            say("assistant", "", isTruncationMarker=True, truncationId="t"),
            say("assistant", "Two", truncationParent="t"),
            say("user", "Three"),
        ]
    )
    assert cut.entries == [
        UserMessage("One"),
        AssistantMessage("Two"),
        Condensed(f"One\n\n{LEFT_OUT.format(count=1)}", 0),
        UserMessage("Three"),
    ]


def test_both_forms_of_a_conversation_are_read_images_and_failures_too() -> None:
    picture = b64encode(png()).decode()
    old = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "See"},
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": picture},
                },
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "x"},
                {
                    "type": "tool_use",
                    "id": "a",
                    "name": "execute_command",
                    "input": {"command": "make"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no make"}],
                }
            ],
        },
    ]
    new = {
        "version": 2,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See"},
                    {"type": "image", "image": f"data:image/png;base64,{picture}"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "reasoning", "text": "Hm"},
                    {
                        "type": "tool-call",
                        "toolCallId": "a",
                        "toolName": "execute_command",
                        "input": {"command": "make"},
                    },
                ],
            },
            {
                "role": "tool",
                "content": [
                    {
                        "type": "tool-result",
                        "toolCallId": "a",
                        "toolName": "execute_command",
                        "output": {"type": "error-text", "value": "no make"},
                    }
                ],
            },
        ],
    }
    read = read_conversation(old)
    assert read.entries == read_conversation(new).entries
    said, answer, result = read.entries
    assert said == UserMessage("See", (Image("image/png", picture),))
    assert isinstance(answer, AssistantMessage)
    assert (answer.reasoning, answer.calls[0].arguments) == ("Hm", '{"command": "make"}')
    assert result == ToolMessage("a", "no make", failed=True)
    odd = read_conversation(
        [3, {"role": "narrator"}, {"role": "user", "content": [{"type": "film"}, 4]}]
    )
    assert (odd.entries, odd.unread) == ([], 4)
