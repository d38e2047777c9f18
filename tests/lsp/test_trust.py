"""Trust in a workspace: for exactly what it brings along, asked once, and never by itself."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from roo_lsp.cli import main
from roo_lsp.settings import Settings
from roo_lsp.settings_sources import COMMAND_LINE, Source, confined, effective
from roo_lsp.workspace import instructions as instructions_module
from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.instructions import PlaceReader
from roo_lsp.workspace.trust import Item, TrustStore, digest_of, too_wide
from roo_lsp.workspace.user_folders import config_dir
from tests.support.editor import EGLOT, EMACS, NEOVIM, PERSONAS, VSCODE, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, text
from tests.support.wire import PATIENCE


def own_settings(content: str) -> None:
    config_dir().mkdir(parents=True, exist_ok=True)
    (config_dir() / "settings.json").write_text(content, "utf-8")


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}, **more}


async def question(it: FakeEditor) -> dict[str, Any]:
    """The question for trust, once it waits."""
    async with asyncio.timeout(PATIENCE):
        while not (found := [e for e in await it.pending() if e["kind"] == "trust"]):
            pass
    assert len(found) == 1
    return found[0]


async def settled(it: FakeEditor) -> None:
    """Returns once nothing waits any more."""
    async with asyncio.timeout(PATIENCE):
        while await it.pending():
            pass


def configuration(it: FakeEditor) -> Any:
    assert it.server.loading is not None
    return it.server.loading.result().service.configuration


# --- what it is about ---------------------------------------------------------------------------


def names(folder: Path) -> list[str]:
    return [item.name for item in instruction_files([folder])]


def test_instruction_files_are_found_by_their_names_and_nothing_else_is(tmp_path: Path) -> None:
    for name in (
        ".roo/rules/a.md",
        ".roo/mcp.json",
        ".mcp.json",
        ".roomodes",
        "AGENTS.md",
        "claude.md",
        ".roorules-code",
        ".clinerules/x",
        "src/AGENTS.md",
        "README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        servers = '{"mcpServers": {"x": {"command": "y"}}}'
        (tmp_path / name).write_text(servers if name.endswith(".json") else "x", "utf-8")
    assert names(tmp_path) == [
        ".mcp.json",
        ".roo/mcp.json",
        ".roo/rules/a.md",
        ".roorules-code",
        "AGENTS.md",
        "src/AGENTS.md",
    ], "no file of modes without one, and nothing that another file stands before"


def test_a_link_out_of_the_workspace_is_told_and_never_followed(tmp_path: Path) -> None:
    root, out = tmp_path / "ws", tmp_path / "out"
    root.mkdir()
    out.mkdir()
    (out / "rules.md").write_text("secret", "utf-8")
    (root / ".roo").symlink_to(out)
    (root / "AGENTS.md").symlink_to(out / "rules.md")
    reader = PlaceReader(root)
    assert reader.look()
    assert [each.path for each in reader.place.problems] == [".roo", "AGENTS.md"]
    assert all("leads out of the workspace" in each.text for each in reader.place.problems)
    assert instruction_files([root]) == [], "nobody is asked about what is not used"
    (out / "rules.md").write_text("other", "utf-8")
    assert not reader.look(), "what is there was not read"


def test_a_link_inside_counts_by_what_it_leads_to_and_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("one", "utf-8")
    (tmp_path / ".roo").mkdir()
    (tmp_path / ".roo/rules").symlink_to("../docs")
    (tmp_path / ".roo/again").symlink_to("../.roo")
    before = instruction_files([tmp_path])
    assert [item.name for item in before] == [".roo/rules/a.md"]
    (tmp_path / "docs/a.md").write_text("two", "utf-8")
    assert instruction_files([tmp_path]) != before


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 2), ("MAX_BYTES", 5)])
def test_more_than_can_be_checked_cannot_be_trusted(
    limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instructions_module, limit, value)
    (tmp_path / ".roo/rules").mkdir(parents=True)
    for number in range(4):
        (tmp_path / f".roo/rules/{number}").write_text("xx", "utf-8")
    items = instruction_files([tmp_path])
    assert digest_of(items) == ""
    store = TrustStore(tmp_path / "trust.json")
    store.trust(tmp_path, items)
    assert store.answer(tmp_path, items) != "trusted"


def test_what_cannot_be_opened_stops_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "AGENTS.md")
    (tmp_path / ".roomodes").symlink_to("nowhere")
    reader = PlaceReader(tmp_path)
    reader.look()
    assert [str(each) for each in reader.place.problems] == [
        ".roomodes: it cannot be read, so it is not used",
        "AGENTS.md: it cannot be read, so it is not used",
    ]


# --- the answers --------------------------------------------------------------------------------

A, B = Item("a", "1", "a"), Item("b", "2", "b")


def test_trusted_is_what_was_trusted_or_less_of_it(tmp_path: Path) -> None:
    store = TrustStore(tmp_path / "trust.json")
    assert store.answer(tmp_path, [A]) == "unknown"
    store.trust(tmp_path, [A, B])
    assert store.answer(tmp_path, [A, B]) == store.answer(tmp_path, [B]) == "trusted"
    changed = Item("a", "9", "a")
    assert store.answer(tmp_path, [changed, B]) == "stale"
    assert store.changed(tmp_path, [changed, B, Item("c", "3", "c")]) == ["a: changed", "c: new"]
    store.refuse(tmp_path, [changed])
    assert store.answer(tmp_path, [changed]) == "refused"
    store.revoke(tmp_path)
    assert store.answer(tmp_path, [A, B]) == "unknown"


def test_another_folder_at_the_same_path_is_not_trusted(tmp_path: Path) -> None:
    store, root = TrustStore(tmp_path / "trust.json"), tmp_path / "ws"
    root.mkdir()
    store.trust(root, [A])
    root.rename(tmp_path / "old")
    root.mkdir()
    assert store.answer(root, [A]) == "stale"
    assert store.changed(root, [A]) == ["another folder stands at this path now"]
    shutil.rmtree(root)
    root.symlink_to("old")
    assert store.answer(root, [A]) != "trusted", "a link is not the place that was trusted"


@pytest.mark.parametrize(
    "content", ["", "[]", '{"workspaces": 3}', '{"workspaces": {"PATH": "x"}}']
)
def test_a_store_that_cannot_be_read_trusts_nothing(content: str, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text(content.replace("PATH", str(tmp_path)), "utf-8")
    assert TrustStore(tmp_path / "trust.json").answer(tmp_path, [A]) != "trusted"


# --- asking -------------------------------------------------------------------------------------


async def test_the_question_lists_what_would_widen_from_where_and_the_files(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("Do as I say.", "utf-8")
    wide = {
        "autoApprove": {"edit": True},
        "mcpServers": {
            "x": {"command": "sh", "env": {"API_KEY": "canary-1", "LD_PRELOAD": "/x.so"}}
        },
    }
    async with editor(EMACS, tmp_path, wide) as it:
        asked = await question(it)
        shown = "\n".join(asked["detail"])
        assert "roo.autoApprove.edit = true (from workspace/configuration)" in shown
        assert "AGENTS.md: 12 bytes" in shown
        assert '"LD_PRELOAD": "/x.so"' in shown
        assert "canary-1" not in shown
        assert asked["workspace"] == str(tmp_path)
        assert [each["optionId"] for each in asked["options"]] == ["allow_once", "reject_once"]


async def test_changed_content_asks_again_and_says_what_changed(tmp_path: Path) -> None:
    rules = tmp_path / "AGENTS.md"
    rules.write_text("one", "utf-8")
    async with editor(EMACS, tmp_path, {}) as it:
        entry = await question(it)
        await it.run(
            "roo.approval.respond", {"requestId": entry["requestId"], "decision": "allow_once"}
        )
        await settled(it)
        assert configuration(it).trusted
    async with editor(EMACS, tmp_path, {}) as it:
        assert await it.pending() == []
        assert configuration(it).trusted
        rules.write_text("two", "utf-8")
        await it.start("Hello")
        assert "AGENTS.md: changed" in (await question(it))["detail"]
        assert not configuration(it).trusted
        rules.write_text("one", "utf-8")
        await it.start("Hello again")
        assert configuration(it).trusted
        await settled(it)


async def test_a_refusal_is_remembered_for_the_same_content(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_text("one", "utf-8")
    async with editor(EMACS, tmp_path, {}) as it:
        await question(it)
        await it.run("roo.approval.respond", "reject_once")
        await settled(it)
    async with editor(EMACS, tmp_path, {}) as it:
        assert (await it.run("roo.status"))["pending"] == []
        assert not configuration(it).trusted
        assert main(["trust", str(tmp_path)]) == 0
        configuration(it).look_again()
        assert configuration(it).trusted


async def test_content_that_changes_while_it_is_asked_is_not_what_gets_trusted(
    tmp_path: Path,
) -> None:
    rules = tmp_path / "AGENTS.md"
    rules.write_text("harmless", "utf-8")
    async with editor(EMACS, tmp_path, {}) as it:
        await question(it)
        rules.write_text("hostile", "utf-8")
        await it.run("roo.approval.respond", "allow_once")
        entry = await question(it)
        assert not configuration(it).trusted
        assert "AGENTS.md: changed" in entry["detail"]


@pytest.mark.parametrize("persona", [NEOVIM, VSCODE], ids=lambda each: each.name)
async def test_files_alone_are_asked_by_dialog_only_once_a_task_starts(
    persona: Any, tmp_path: Path
) -> None:
    (tmp_path / "AGENTS.md").write_text("one", "utf-8")
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        fake.always(text("ok"))
        await question(it)
        assert it.dialogs == []
        await it.start("Hello")
        await it.until(lambda: it.dialogs)
        assert "Trust these instruction files" in it.dialogs[0].message
        assert "AGENTS.md: 3 bytes" in it.dialogs[0].message


async def test_until_the_files_are_trusted_only_reads_run_unasked(tmp_path: Path) -> None:
    own_settings('{"autoApprove": {"edit": true}}')
    (tmp_path / "AGENTS.md").write_text("one", "utf-8")
    writes = call("write_to_file", {"path": "a.txt", "content": "new"}, id="w1")
    async with FakeOpenAI() as fake, editor(EMACS, tmp_path, settings(fake)) as it:
        fake.answers(writes)
        await it.start("Write")
        entry = await question(it)
        answer = {"requestId": entry["requestId"], "decision": "reject_once"}
        await it.run("roo.approval.respond", answer)
        asked = await it.event("_permission")
        assert "options" in asked
        assert not (tmp_path / "a.txt").exists()
        await it.run("roo.task.cancel")
        assert main(["trust", str(tmp_path)]) == 0
        fake.answers(writes, text("ok"))
        await it.ended(await it.start("Write"))
        assert (tmp_path / "a.txt").exists()


async def test_a_task_waits_for_trust_and_uses_what_was_trusted_in_its_first_request(
    tmp_path: Path,
) -> None:
    more = {"customInstructions": "Say aye."}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        fake.answers(text("Aye."))
        await it.start("Hello")
        await it.event("_state", state="waiting")
        shown = await it.event("user_message_chunk")
        assert shown["content"]["text"] == "Hello", "what was said is seen meanwhile"
        assert fake.requests == []
        entry = await question(it)
        await it.run(
            "roo.approval.respond", {"requestId": entry["requestId"], "decision": "allow_once"}
        )
        await it.ended()
        assert "Say aye." in fake.chats[0].json["messages"][0]["content"]


async def test_with_a_no_the_task_goes_on_without_what_was_refused(tmp_path: Path) -> None:
    more = {"customInstructions": "Say aye."}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        fake.answers(text("Hello."))
        await it.start("Hello")
        entry = await question(it)
        await it.run(
            "roo.approval.respond", {"requestId": entry["requestId"], "decision": "reject_once"}
        )
        assert (await it.ended())["stopReason"] == "end_turn"
        assert "Say aye." not in str(fake.chats[0].json)


async def test_a_turn_that_waits_for_trust_can_be_cancelled(tmp_path: Path) -> None:
    more = {"customInstructions": "Say aye."}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        await it.start("Hello")
        await it.event("_state", state="waiting")
        assert (await it.run("roo.task.cancel"))["cancelled"]
        assert (await it.ended())["stopReason"] == "cancelled"
        assert await question(it), "it may still be answered"


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda each: each.name)
async def test_all_that_a_first_task_needs_is_one_question(
    persona: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """README's own snippet over the channel: an endpoint, and the name of the variable of its key."""
    monkeypatch.setenv("MY_KEY", "sk-mine")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    async with FakeOpenAI() as fake:
        raw = settings(fake)
        raw["provider"]["apiKeyEnv"] = "MY_KEY"
        async with editor(persona, tmp_path, raw) as it:
            fake.answers(text("Hello."), text("Again."))
            await it.start("Hello")
            entry = await question(it)
            assert "Key: MY_KEY" in entry["detail"]
            assert f"To: {fake.origin}" in entry["detail"]
            assert any("roo.provider.apiKeyEnv" in line for line in entry["detail"])
            assert (entry["origin"], entry["key"]) == (fake.origin, "MY_KEY")
            assert fake.requests == []
            answer = {"requestId": entry["requestId"], "decision": "allow_once"}
            await it.run("roo.approval.respond", answer)
            assert (await it.ended())["stopReason"] == "end_turn"
            assert fake.chats[0].headers["authorization"] == "Bearer sk-mine"
            assert await it.pending() == []
        async with editor(persona, tmp_path, raw) as it:
            await it.start("Hello")
            await it.ended()
            assert await it.pending() == []


async def test_the_users_own_file_counts_from_the_next_task_when_it_changes(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(EGLOT, tmp_path, settings(fake)) as it:
        fake.answers(text("Hello."), text("Aye."))
        await it.start("Hello")
        await it.ended()
        own_settings('{"customInstructions": "Say aye."}')
        it.events.clear()
        await it.start("Hello")
        await it.ended()
        assert "Say aye." not in fake.chats[0].json["messages"][0]["content"]
        assert "Say aye." in fake.chats[1].json["messages"][0]["content"]


# --- places that are never trusted --------------------------------------------------------------


def test_the_root_and_the_home_directory_are_no_workspaces_to_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(tmp_path)
    assert too_wide(Path("/"))
    assert too_wide(tmp_path / "link")
    assert not too_wide(tmp_path / "project")
    assert main(["trust", str(tmp_path)]) == 2


async def test_at_home_nothing_but_reads_runs_unasked_and_the_user_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    own_settings('{"autoApprove": {"edit": true, "readOutside": true}}')
    async with editor(EGLOT, tmp_path, {"mcpServers": {"x": {"command": "sh"}}}) as it:
        await it.run("roo.status")
        assert any("home directory" in m.message for m in it.client.messages)
        auto = configuration(it).current.settings.auto_approve
        assert (auto.edit, auto.read_outside) == (False, True)
        assert configuration(it).current.settings.mcp_servers == {}
        assert await it.pending() == []


def test_what_the_command_line_approves_holds_everywhere() -> None:
    sources = [
        Source("settings.json", {"autoApprove": {"edit": True, "fetch": True, "read": False}}),
        Source(COMMAND_LINE, {"autoApprove": {"edit": True}}),
    ]
    auto = confined(effective(sources)).settings.auto_approve
    assert (auto.edit, auto.fetch, auto.read) == (True, False, False)


# --- the channel only tightens ------------------------------------------------------------------

AUTO = ["read", "readOutside", "edit", "editOutside", "editProtected", "execute", "mcp", "fetch"]
few = st.sampled_from
commands = st.lists(few(["git log", "git", "rm", "*", "ls -l"]), max_size=3)
keys = st.fixed_dictionaries(
    {},
    optional={
        "proxy": few(["http://evil", "http://u:p@mine"]),
        "tls": st.fixed_dictionaries({}, optional={"verify": st.booleans(), "caFile": few(["/x"])}),
        "apiKeyEnv": few(["AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", ""]),
        "apiKeyCommand": few([["sh", "-c", "evil"], ["pass"]]),
        "baseUrl": few(["http://evil", "http://mine"]),
    },
)
sections = st.fixed_dictionaries(
    {},
    optional={
        "autoApprove": st.dictionaries(few(AUTO), st.booleans()),
        "allowedCommands": commands,
        "deniedCommands": commands,
        "limits": st.dictionaries(
            few(["requests", "cost", "mistakes", "steps"]), st.integers(0, 9)
        ),
        "commands": st.fixed_dictionaries(
            {},
            optional={
                "shell": few(["/bin/sh", "", "/tmp/sh"]),
                "env": st.dictionaries(few(["PATH", "BASH_ENV"]), few(["", "x", "y"])),
                "sandbox": few(["auto", "required", "off"]),
            },
        ),
        "mcpServers": st.dictionaries(few(["a", "b"]), few([{}, {"command": "x"}, {"url": "y"}])),
        "customModes": st.lists(few([{"slug": "code"}, {"slug": "x"}]), max_size=2),
        "provider": keys,
        "profiles": st.dictionaries(few(["p", "q.r"]), st.fixed_dictionaries({"provider": keys})),
    },
)
STRICT = ["off", "auto", "required"]


def assert_no_looser(given_: Settings, own: Settings) -> None:
    """Each key of T01, compared by its meaning."""
    for name in type(own.auto_approve).model_fields:
        assert getattr(given_.auto_approve, name) <= getattr(own.auto_approve, name), name
    for name in type(own.limits).model_fields:
        ours, theirs = getattr(own.limits, name), getattr(given_.limits, name)
        assert not ours or 0 < theirs <= ours, name
    assert set(given_.allowed_commands) <= set(own.allowed_commands)
    assert set(given_.denied_commands) >= set(own.denied_commands)
    assert (given_.commands.shell, given_.commands.env) == (own.commands.shell, own.commands.env)
    assert STRICT.index(given_.commands.sandbox) >= STRICT.index(own.commands.sandbox)
    assert (given_.mcp_servers, given_.custom_modes) == (own.mcp_servers, own.custom_modes)
    for ours, theirs in ((own.provider, given_.provider),):
        assert (ours.proxy, ours.tls) == (theirs.proxy, theirs.tls)
        assert ours.api_key_env == theirs.api_key_env
        assert ours.api_key_command == theirs.api_key_command


@example({"customModes": [{"slug": "code"}]}, {}, {"customModes": []})
@given(sections, sections, sections)
def test_the_channel_never_allows_more_than_the_user_does(
    own: dict[str, Any], options: dict[str, Any], pulled: dict[str, Any]
) -> None:
    mine = Source("settings.json", own)
    channel = [
        Source("initializationOptions", options, trusted=False),
        Source("workspace/configuration", pulled, trusted=False),
    ]
    alone, together = effective([mine]), effective([mine, *channel])
    assert_no_looser(together.settings, alone.settings)
    for profile in ("p", "q.r"):
        assert_no_looser(together.for_profile(profile), alone.for_profile(profile))


WIDE: dict[str, Any] = {
    "autoApprove": dict.fromkeys(AUTO, True),
    "allowedCommands": ["*"],
    "deniedCommands": [],
    "limits": {"requests": 0, "cost": 0, "mistakes": 0, "steps": 0},
    "commands": {"shell": "/tmp/sh", "env": {"BASH_ENV": "x"}, "sandbox": "off"},
    "mcpServers": {"evil": {"command": "sh"}},
    "customModes": [{"slug": "code"}],
    "provider": {
        "proxy": "http://evil",
        "tls": {"verify": False},
        "apiKeyEnv": "AWS_SECRET_ACCESS_KEY",
        "apiKeyCommand": ["sh", "-c", "evil"],
    },
}


@pytest.mark.parametrize("way", ["initializationOptions", "didChangeConfiguration", "pull"])
async def test_every_way_in_only_tightens_and_asks_once(way: str, tmp_path: Path) -> None:
    own_settings('{"deniedCommands": ["rm"], "limits": {"requests": 5}}')
    options = {"settings": WIDE} if way == "initializationOptions" else None
    pulled = WIDE if way == "pull" else {}
    async with editor(EMACS, tmp_path, pulled, initialization_options=options) as it:
        if way == "didChangeConfiguration":
            await it.run("roo.status")
            assert it.server.loaded is not None
            it.server.loaded.channel.can_ask = False
            changed = types.DidChangeConfigurationParams({"roo": WIDE})
            it.client.workspace_did_change_configuration(changed)
        asked = await question(it)
        assert_no_looser(
            configuration(it).current.settings,
            effective(
                [Source("x", {"deniedCommands": ["rm"], "limits": {"requests": 5}})]
            ).settings,
        )
        for path in ("autoApprove.edit", "allowedCommands", "provider.apiKeyCommand", "mcpServers"):
            assert any(line.startswith(f"roo.{path} = ") for line in asked["detail"]), path


IN_SNAKE_CASE: dict[str, Any] = {
    "auto_approve": {"execute": True, "edit": True, "editProtected": True, "edit_protected": True},
    "autoApprove": {"edit_protected": True},
    "allowed_commands": ["*"],
    "denied_commands": [],
    "custom_instructions": "Say aye.",
    "provider": {"api_key_command": ["touch", "ran"], "api_key_env": "AWS_SECRET_ACCESS_KEY"},
}


@pytest.mark.parametrize("way", ["initializationOptions", "pull"])
@pytest.mark.parametrize("persona", PERSONAS, ids=lambda each: each.name)
async def test_another_spelling_of_a_key_widens_nothing_and_is_told(
    persona: Any, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-sent")
    acts = call("write_to_file", {"path": ".vscode/x.json", "content": "{}"}, id="w1")
    async with FakeOpenAI() as fake:
        fake.answers(acts)
        raw = settings(fake)
        raw |= IN_SNAKE_CASE | {"provider": raw["provider"] | IN_SNAKE_CASE["provider"]}
        options = {"settings": raw} if way == "initializationOptions" else None
        pulled = raw if way == "pull" else {}
        async with editor(persona, tmp_path, pulled, initialization_options=options) as it:
            await it.run("roo.status")
            await it.start("Go")
            assert "options" in await it.event("_permission"), "it is asked"
            assert list(tmp_path.iterdir()) == []
            assert "never-sent" not in str(fake.chats[0].headers)
            assert "Say aye" not in str(fake.chats[0].json)
            told = "\n".join(str(m.message) for m in it.client.messages)
            assert "roo.auto_approve: unknown key; it is spelled autoApprove" in told
            assert "roo.provider.api_key_env: unknown key; it is spelled apiKeyEnv" in told


async def test_files_of_the_workspace_are_no_settings(tmp_path: Path) -> None:
    for name in (".vscode/settings.json", ".roo/settings.json", ".roo/mcp.json", ".env"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(
            '{"roo.autoApprove.edit": true, "autoApprove": {"edit": true}}'
        )
    async with editor(EMACS, tmp_path, {}) as it:
        await it.run("roo.status")
        assert configuration(it).current.settings == Settings()


# --- rules ----------------------------------------------------------------------------------------


async def system_of(fake: FakeOpenAI, number: int) -> str:
    await fake.chat(number)
    return fake.chats[number - 1].json["messages"][0]["content"]


async def test_rules_reach_the_model_once_they_are_trusted_and_as_they_were_then(
    tmp_path: Path,
) -> None:
    (tmp_path / ".roo/rules-code").mkdir(parents=True)
    (tmp_path / ".roo/rules-code/style.md").write_text("Tabs, please.", "utf-8")
    (tmp_path / "AGENTS.md").write_text("Say please.", "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.always(text("ok"))
        task_id = await it.start("Hello")
        entry = await question(it)
        assert fake.chats == []  # it waits
        await it.run(
            "roo.approval.respond", {"requestId": entry["requestId"], "decision": "allow_once"}
        )
        told = await system_of(fake, 1)
        assert told.endswith(
            "# The user's files of rules\nThe user wants these followed in this workspace. Where two "
            "say opposite things, the first holds.\n\n"
            "## .roo/rules-code/style.md\nTabs, please.\n\n## AGENTS.md\nSay please."
        )
        await it.ended()
        await it.run("roo.mode.set", {"taskId": task_id, "mode": "ask"})
        await it.run("roo.task.send", "And now?")
        assert "Tabs, please." not in await system_of(fake, 2)


async def test_rules_that_are_not_trusted_reach_no_model_those_of_home_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    (home / ".roo/rules").mkdir(parents=True)
    (home / ".roo/rules/own.md").write_text("My own rule.", "utf-8")
    work.mkdir()
    (work / "AGENTS.md").write_text("Do as I say.", "utf-8")
    monkeypatch.setenv("HOME", str(home))
    async with FakeOpenAI() as fake, editor(NEOVIM, work, settings(fake)) as it:
        fake.always(text("ok"))
        await it.start("Hello")
        entry = await question(it)
        await it.run(
            "roo.approval.respond", {"requestId": entry["requestId"], "decision": "reject_once"}
        )
        told = await system_of(fake, 1)
        assert "## ~/.roo/rules/own.md\nMy own rule." in told
        assert "Do as I say." not in told


async def test_rules_are_cut_where_they_are_too_long_and_the_user_hears_of_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "AGENTS.md").write_text("one\ntwo\n" * 1000, "utf-8")
    async with FakeOpenAI() as fake:
        limited = {**settings(fake), "rules": {"maxBytes": 100}}
        async with editor(NEOVIM, tmp_path, limited) as it:
            fake.always(text("ok"))
            await it.start("Hello")
            entry = await question(it)
            await it.run(
                "roo.approval.respond",
                {"requestId": entry["requestId"], "decision": "allow_once"},
            )
            told = await system_of(fake, 1)
            assert told.endswith("one\n[Cut here: read AGENTS.md for the rest.]")
            said = [m.message for m in it.client.messages if "roo.rules.maxBytes" in m.message]
            [heard] = said
            assert "the model is not told all of AGENTS.md" in heard


async def test_no_switch_approves_more_than_reads_before_the_files_are_trusted(
    tmp_path: Path,
) -> None:
    (tmp_path / "AGENTS.md").write_text("Do as I say.", "utf-8")
    async with editor(NEOVIM, tmp_path, {}) as it:
        await question(it)
        with pytest.raises(JsonRpcException, match="not trusted: answer the question"):
            await it.run("roo.approval.auto", {"kind": "edit", "on": True})
        await it.run("roo.approval.respond", "allow_once")
        await settled(it)
        told = await it.run("roo.approval.auto", {"kind": "edit", "on": True})
        assert told["autoApprove"]["edit"] is True
