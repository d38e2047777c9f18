"""Servers of MCP that are not ours, in tasks: git and time of PyPI, filesystem and everything of npm."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.editors.available import EDITORS, need
from tests.support.acp import user_settings
from tests.support.editor import NEOVIM, PATIENCE, FakeEditor, editor
from tests.support.fake_openai import FakeOpenAI, call, text

pytestmark = pytest.mark.real
PART = Path(__file__).parents[1] / "editors" / "parts" / "mcp"
[VERSION] = re.findall(r"^VERSION=(.+)$", PART.read_text("utf-8"), re.MULTILINE)
FOLDER = EDITORS / f"mcp-{VERSION}"
OVERHEARD = 'tee "$1" | node "$0" | tee "$2"'
"""What goes to a server and what comes from it, each in a file too."""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A repository without a commit."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "poem.txt").write_text("Roses are blue.\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def servers(work: Path, received: Path, sent: Path) -> dict[str, Any]:
    need(FOLDER / "complete", "run tests/editors/parts/mcp")
    npm = FOLDER / "node_modules" / "@modelcontextprotocol"
    everything = str(npm / "server-everything" / "dist" / "index.js")
    filesystem = str(npm / "server-filesystem" / "dist" / "index.js")
    python = {"command": sys.executable, "alwaysAllow": ["*"]}
    return {
        "git": python | {"args": ["-m", "mcp_server_git"]},
        "time": python | {"args": ["-m", "mcp_server_time"]},
        "filesystem": {
            "command": "node",
            "args": [filesystem, str(work)],
            "alwaysAllow": ["read_text_file"],
        },
        "everything": {
            "command": "sh",
            "args": ["-c", OVERHEARD, everything, str(received), str(sent)],
            "alwaysAllow": ["*"],
        },
    }


def results(fake: FakeOpenAI) -> list[str]:
    return [m["content"] for m in fake.chats[-1].json["messages"] if m["role"] == "tool"]


def messages(file: Path, **fields: Any) -> list[dict[str, Any]]:
    """The whole messages in an overheard file that have these fields."""
    lines = file.read_text("utf-8").split("\n")[:-1]
    return [each for each in map(json.loads, lines) if fields.items() <= each.items()]


async def overheard(found: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not found():  # noqa: ASYNC110 -- another process writes it
            await asyncio.sleep(0.01)


async def answered(it: FakeEditor, count: int, said: dict[str, str]) -> None:
    """A server's form of so many fields, each a question: what is said to one, by its title."""

    def asked() -> list[str]:
        return [each["question"] for each in it.updates("_question") if "question" in each]

    for number in range(count):
        await it.until(lambda number=number: len(asked()) > number)
        question = asked()[number]
        title = question.split("\n")[2].partition(f" ({number + 1} of {count})")[0]
        await it.run("roo.question.answer", {"answer": said.get(title, "Leave it out")})


async def test_real_servers_are_called_asked_answered_and_told_to_stop(
    work: Path, tmp_path: Path
) -> None:
    received, sent = tmp_path / "received", tmp_path / "sent"
    long = "mcp--everything--trigger-long-running-operation"
    async with FakeOpenAI() as fake:
        user_settings(
            Path(os.environ["ROO_CONFIG_DIR"]),
            fake,
            mcpServers=servers(work, received, sent),
            autoApprove={"mcp": True},
        )
        async with editor(NEOVIM, work) as it:
            found = await it.run("roo.mcp.list", {"wait": True})
            assert {each["name"]: each["state"] for each in found} == dict.fromkeys(
                ("git", "time", "filesystem", "everything"), "connected"
            ), found
            fake.answers(
                call("mcp--git--git_status", {"repo_path": str(work)}),
                call(
                    "mcp--time--convert_time",
                    {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"},
                ),
                call("mcp--filesystem--read_text_file", {"path": str(work / "poem.txt")}),
                call(long, {"duration": 0.1, "steps": 2}),
                call(
                    "access_mcp_resource",
                    {"server_name": "everything", "uri": "demo://resource/dynamic/text/7"},
                ),
                call("mcp--everything--trigger-elicitation-request", {}),
                call(long, {"duration": 5, "steps": 50}),
            )
            task = await it.start("/mcp--everything--args-prompt Paris")
            await answered(it, 13, {"String": "Ann", "Integer": "7"})
            await it.until(
                lambda: [
                    each
                    for each in it.updates("tool_call_update")
                    if "1/50" in each.get("_meta", {}).get("output", "")
                ]
            )
            told = results(fake)
            await it.run("roo.task.cancel", {"taskId": task})
            await it.ended(task)
            await overheard(lambda: messages(received, method="notifications/cancelled"))
            [*_, request] = messages(received, method="tools/call")
            [cancel] = messages(received, method="notifications/cancelled")
            assert cancel["params"]["requestId"] == request["id"]
            # What it goes on with ends unanswered, and it is the same server that answers the next call.
            await overheard(
                lambda: [
                    each
                    for each in messages(sent, method="notifications/progress")
                    if each["params"]["progress"] == each["params"]["total"] == 50
                ]
            )
            fake.answers(call("mcp--everything--echo", {"message": "still here"}), text("Done."))
            await it.ended(await it.start("Is it there?"))
            assert "Echo: still here" in results(fake)[0]
            assert not [m for m in messages(sent, id=request["id"]) if "method" not in m]
            assert len(messages(received, method="initialize")) == 1
            # A question that is withdrawn with its task is answered too: as not answered by the user.
            asked = len(it.updates("_question"))
            fake.answers(call("mcp--everything--trigger-elicitation-request", {}))
            task = await it.start("Ask again")
            await it.until(lambda: len(it.updates("_question")) > asked)
            await it.run("roo.task.cancel", {"taskId": task})
            await it.ended(task)
            [*_, request] = messages(sent, method="elicitation/create")
            await overheard(
                lambda: messages(received, id=request["id"], result={"action": "cancel"})
            )
            shown = "".join(
                each.get("_meta", {}).get("output", "") for each in it.updates("tool_call_update")
            )
    git, time, poem, steps, resource, form = told
    assert "No commits yet" in git
    assert '"time_difference": "+9.0h"' in time
    assert "\nRoses are blue.\n" in poem
    assert "Steps: 2." in steps
    assert "1/2\n" in shown
    assert "Resource 7: This is a plaintext resource" in resource
    assert "- Name: Ann\n- Favorite Integer: 7\n" in form
    [first, *_] = fake.chats
    assert "\nWhat's weather in Paris?\n" in str(first.json["messages"][1]["content"])
    offered = [each["function"]["name"] for each in first.json["tools"]]
    assert "find_mcp_tool" in offered  # they have more than 40 tools
