"""What a client is offered beside turns: modes, models, commands, questions, trust, attachments."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from acp.core import RequestError

from tests.acp.test_sessions import OFF, config
from tests.support import mcp_server
from tests.support.acp import PATIENCE, acp_editor, user_settings
from tests.support.fake_openai import Answer, FakeOpenAI, Request, call, text

QUESTION = {"question": "Which colour?", "follow_up": ["red", "blue"]}


def values(options: Any) -> dict[str, str]:
    return {each["id"]: each["currentValue"] for each in options}


async def test_modes_and_models_are_options_and_modes_in_step(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        profiles = {"slow": {"provider": {"modelId": "slow-model"}}}
        user_settings(config(), fake, profiles=profiles, **OFF)
        fake.answers(text("One."), text("Two."))
        async with acp_editor(tmp_path) as it:
            opened = await it.request("session/new", {"cwd": str(tmp_path), "mcpServers": []})
            session = opened["sessionId"]
            assert opened["modes"]["currentModeId"] == "code"
            assert values(opened["configOptions"]) == {"mode": "code", "model": "(settings)"}
            assert {o["category"] for o in opened["configOptions"]} == {"mode", "model"}

            await it.request("session/set_mode", {"sessionId": session, "modeId": "ask"})
            assert values(it.of("config_option_update")[-1]["configOptions"])["mode"] == "ask"
            chosen = {"sessionId": session, "configId": "model", "value": "slow"}
            answer = await it.request("session/set_config_option", chosen)
            assert values(answer["configOptions"]) == {"mode": "ask", "model": "slow"}
            await it.prompt(session, "First")
            assert fake.chats[0].json["model"] == "slow-model"

            chosen = {"sessionId": session, "configId": "mode", "value": "code"}
            answer = await it.request("session/set_config_option", chosen)
            assert values(answer["configOptions"])["mode"] == "code"
            assert it.of("current_mode_update")[-1]["currentModeId"] == "code"
            chosen = {"sessionId": session, "configId": "model", "value": "(settings)"}
            await it.request("session/set_config_option", chosen)
            await it.prompt(session, "Second")
            assert fake.chats[1].json["model"] == "fake-model"
            for bad in (("mode", "none"), ("model", "none"), ("colour", "red")):
                wrong = {"sessionId": session, "configId": bad[0], "value": bad[1]}
                with pytest.raises(RequestError) as refused:
                    await it.request("session/set_config_option", wrong)
                assert refused.value.code == -32602


async def test_a_question_is_a_form_where_there_are_forms_and_words_elsewhere(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(call("ask_followup_question", QUESTION), text("Red it is."))
        async with acp_editor(tmp_path, {"elicitation": {"form": {}}}) as it:
            session = await it.new()
            it.forms.append({"action": "accept", "content": {"choice": "red"}})
            assert await it.prompt(session, "Paint it") == "end_turn"
            (form,) = it.asked
            assert form["requestedSchema"]["properties"]["choice"]["enum"] == ["red", "blue"]
            assert "The user answered: red" in fake.chats[1].body.decode()
            assert it.text() == "Red it is."

        fake.answers(call("ask_followup_question", QUESTION), text("Blue it is."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            assert await it.prompt(session, "Paint it") == "end_turn"
            assert it.asked == []
            assert "Which colour?\n\n1. red\n2. blue" in it.text()
            assert await it.prompt(session, "2") == "end_turn"
            assert "The user answered: blue" in fake.chats[3].body.decode()
            assert it.text().endswith("Blue it is.")


async def test_trust_and_the_keys_origin_are_permission_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-quite-secret-value")
    (tmp_path / "AGENTS.md").write_text("Always whistle.\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(text("One."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            assert it.asked == [], "nothing waits for it yet"
            prompting = asyncio.ensure_future(it.prompt(session, "Go"))
            await it.until(lambda: it.asked)
            assert fake.chats == []
            it.choices.append("allow_once")
            assert await prompting == "end_turn"
            (asked,) = it.asked
            assert "AGENTS.md" in json.dumps(asked["toolCall"])
            assert {o["kind"] for o in asked["options"]} == {"allow_once", "reject_once"}
            assert "Always whistle." in fake.chats[0].body.decode()
        assert "sk-quite-secret-value" not in json.dumps(it.transport.frames)


async def test_a_late_answer_to_a_question_of_a_cancelled_turn_ends_no_other(
    tmp_path: Path,
) -> None:
    (tmp_path / "AGENTS.md").write_text("Always whistle.\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(text("Done."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            first = asyncio.ensure_future(it.prompt(session, "Go"))
            await it.until(lambda: it.asked)
            await it.agent.cancel(session_id=session)
            assert await first == "cancelled"
            second = asyncio.ensure_future(it.prompt(session, "Go on"))
            await it.until(lambda: it.sent("session/prompt") == 2)
            it.choices += ["cancelled", "allow_once"]  # of the first turn, late; of this one
            it.moved()
            assert await second == "end_turn"


async def test_without_a_key_it_is_said_where_one_comes_from(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake, acp_editor(tmp_path) as it:
        user_settings(config(), fake, provider={"baseUrl": "https://api.example.org/v1"})
        with pytest.raises(RequestError, match="never sent over this connection") as refused:
            await it.request("authenticate", {"methodId": "roo-key"})
        assert refused.value.code == -32000


async def test_what_is_attached_goes_along_bounded_and_through_the_gate(tmp_path: Path) -> None:
    (tmp_path / ".rooignore").write_text("secret.txt\n")
    (tmp_path / "a.py").write_text("on disk\n")
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(text("Seen."))
        async with acp_editor(tmp_path) as it:
            session = await it.new()
            uri = (tmp_path / "a.py").as_uri()
            link = {"type": "resource_link", "uri": f"{uri}#L2-L3", "name": "a.py"}
            embedded = {"type": "resource", "resource": {"uri": uri, "text": "unsaved " * 10_000}}
            web = {"type": "resource_link", "uri": "https://example.org/x", "name": "page"}
            words = {"type": "text", "text": "Look at "}
            blocks = [words, link, embedded, web]
            await it.request("session/prompt", {"sessionId": session, "prompt": blocks})
            (message,) = [m for m in fake.chats[0].json["messages"] if m["role"] == "user"]
            said = message["content"]
            assert said.startswith("Look at `a.py` `a.py` [page](https://example.org/x)")
            assert "File: a.py, lines 2 to 3" in said
            assert "Cut here" in said
            assert 60_000 < len(said) < 70_000
            hidden = {
                "type": "resource_link",
                "uri": (tmp_path / "secret.txt").as_uri(),
                "name": "s",
            }
            with pytest.raises(RequestError, match="rooignore"):
                await it.request("session/prompt", {"sessionId": session, "prompt": [hidden]})
            sound = {"type": "audio", "data": "", "mimeType": "audio/wav"}
            with pytest.raises(RequestError, match="sound"):
                await it.request("session/prompt", {"sessionId": session, "prompt": [sound]})
            picture = {"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}
            with pytest.raises(RequestError, match="image"):
                await it.request("session/prompt", {"sessionId": session, "prompt": [picture]})


async def test_commands_are_offered_and_done_and_what_cannot_be_used_is_said(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        fake.answers(text("Hello."))
        async with acp_editor(tmp_path, wrong=["session/fork"]) as it:
            server = {"name": "events", "type": "sse", "url": "http://127.0.0.1:9", "headers": []}
            opened = await it.request("session/new", {"cwd": str(tmp_path), "mcpServers": [server]})
            session = opened["sessionId"]
            offered = await it.update("available_commands_update")
            commands = {each["name"]: each for each in offered["availableCommands"]}
            assert commands["mode"]["input"] == {"hint": "mode"}
            assert "new" not in commands
            assert await it.prompt(session, "/help") == "end_turn"
            assert fake.chats == []
            assert "so not: events" in it.text()
            assert "/status" in it.text()
            await it.prompt(session, "/mode ask Say hello")
            assert it.of("current_mode_update")[0]["currentModeId"] == "ask"
            with pytest.raises(RequestError, match="new session"):
                await it.prompt(session, "/new do it")
            for method, params, code in (
                ("session/fork", {}, -32601),  # which version 1 has not
                ("session/prompt", {"sessionId": "x", "prompt": []}, -32002),
                ("session/new", {"cwd": "relative", "mcpServers": []}, -32803),
                ("session/load", {"sessionId": "../x", "cwd": "/", "mcpServers": []}, -32002),
                ("authenticate", {"methodId": "other"}, -32602),
            ):
                with pytest.raises(RequestError) as refused:
                    await it.request(method, params)
                assert refused.value.code == code, method
            answer = await it.request("authenticate", {"methodId": "roo-key"})
            assert answer["_meta"]["key"] == "none, for a model on this machine"


async def test_the_clients_mcp_servers_are_used_once_they_are_trusted(tmp_path: Path) -> None:
    server = {
        "name": "small",
        "command": sys.executable,
        "args": [mcp_server.__file__],
        "env": [{"name": "API_TOKEN", "value": "quite-secret-value"}],
    }
    async with FakeOpenAI() as fake:
        user_settings(config(), fake, **OFF)
        async with acp_editor(tmp_path) as it:
            opened = {"cwd": str(tmp_path), "mcpServers": [server]}
            session = (await it.request("session/new", opened))["sessionId"]
            fake.always(echo_once_it_is_there)
            it.choices += ["allow_once", "allow_once"]
            async with asyncio.timeout(PATIENCE):
                while len(it.asked) < 2:  # it is connected beside the turns
                    await it.prompt(session, "Say it again")
            told = json.dumps(it.asked[0])
            assert mcp_server.__file__ in told
            assert "quite-secret-value" not in told
            assert it.asked[1]["toolCall"]["title"] == "Call echo of the MCP server small"
            assert "again" in fake.chats[-1].json["messages"][-1]["content"]


def echo_once_it_is_there(request: Request) -> Answer:
    offered = {each["function"]["name"] for each in request.json["tools"]}
    if request.json["messages"][-1]["role"] == "user" and "mcp--small--echo" in offered:
        return call("mcp--small--echo", {"text": "again"})
    return text("So it is.")
