"""Clients of ACP that are not ours: acpx, and the TypeScript SDK's; each does a task with one question."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.editors.available import EDITORS, need
from tests.support.acp import user_settings
from tests.support.acp_schema import complaints
from tests.support.fake_openai import FakeOpenAI, call

pytestmark = pytest.mark.real
PARTS = Path(__file__).with_name("parts") / "acp"
NUMBERS = re.findall(r"^(?:VERSION|SDK)=(.+)$", PARTS.read_text("utf-8"), re.MULTILINE)
FOLDER = EDITORS / f"acp-{'-'.join(NUMBERS)}"
MODULES = FOLDER / "node_modules"
AGENT = (sys.executable, "-m", "roo_lsp", "acp")
PATIENCE = 60.0


async def played(folder: Path, *command: str) -> list[dict[str, Any]]:
    """What a client prints, a JSON value a line, that does one task in a folder."""
    need(FOLDER / "complete", "run tests/editors/parts/acp")
    async with FakeOpenAI() as fake:
        user_settings(Path(os.environ["ROO_CONFIG_DIR"]), fake, commands={"sandbox": "off"})
        fake.answers(
            call("write_to_file", {"path": "poem.txt", "content": "Roses are blue.\n"}),
            call("attempt_completion", {"result": "It rhymes."}, id="c2"),
        )
        process = await asyncio.create_subprocess_exec(
            "node",
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, err.decode()
        assert (folder / "poem.txt").read_text() == "Roses are blue.\n"
        return [json.loads(line) for line in out.splitlines()]


async def test_acpx_does_a_task_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    options = ["--cwd", str(work), "--approve-all", "--format", "json", "--agent", " ".join(AGENT)]
    frames = await played(work, str(MODULES / ".bin" / "acpx"), *options, "exec", "Make it rhyme")
    assert any(each.get("method") == "session/request_permission" for each in frames)
    assert frames[-1]["result"] == {"stopReason": "end_turn"}
    ours = [("agent", each) for each in frames if each.get("method", "").startswith("session/up")]
    assert complaints(ours) == []


async def test_the_sdk_of_typescript_does_a_task_and_lists_and_deletes_it(tmp_path: Path) -> None:
    sdk = MODULES / "@agentclientprotocol" / "sdk" / "dist" / "v1" / "stable" / "acp.js"
    client = Path(__file__).with_name("acp_client.mjs")
    (seen,) = await played(tmp_path, str(client), str(sdk), str(tmp_path), *AGENT)
    assert (seen["stop"], seen["asked"]) == ("end_turn", ["Create poem.txt"])
    assert (seen["listed"], seen["left"]) == (["Make it rhyme"], 0)
    assert seen["text"] == "It rhymes."
