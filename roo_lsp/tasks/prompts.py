"""The user's own prompts: what was said before in a workspace, and a prompt put better by the model."""

import json
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import ChatModel, ChatRequest
from roo_lsp.agent.redaction import Keys
from roo_lsp.workspace.private import append_private, write_private

MOST = 1_000_000
"""Bytes of the file; above, the older half goes."""
LONGEST = 20_000
"""Characters of a prompt that are kept; of a longer one only its beginning is."""

ENHANCE = """\
The user is about to give a coding agent a task, in the words that follow. Write the same task better: \
clear, specific and complete, in the user's language, as the user would say it to the agent. Keep every \
wish, name, path and @mention as it is. Ask nothing, do none of it, and invent no facts, files or \
requirements. Answer with the new text alone, without quotes, a heading or an introduction."""


@dataclass(frozen=True, slots=True)
class PromptHistory:
    """What was said in all workspaces of this user, one JSON object a line: workspace, task, text."""

    file: Path
    keys: Keys

    def add(self, workspace: str, task_id: str, text: str) -> None:
        """Keep a prompt; where it cannot be kept, nothing else suffers."""
        text = self.keys.hidden(text)[:LONGEST]
        line = json.dumps({"workspace": workspace, "task": task_id, "text": text})
        with suppress(OSError):
            append_private(self.file, f"{line}\n")
            if self.file.stat().st_size > MOST:
                lines = self._lines()
                write_private(self.file, "".join(lines[len(lines) // 2 :]))

    def newest(self, workspace: str, limit: int) -> list[str]:
        """Those of a workspace, the newest first, each once."""
        found: dict[str, None] = {}
        for line in reversed(self._lines()):
            entry = _read(line)
            if entry.get("workspace") == workspace and entry.get("text"):
                found.setdefault(entry["text"])
            if len(found) == limit:
                break
        return list(found)

    def forget(self, task_id: str) -> None:
        """What was said in a task is gone with it."""
        lines = self._lines()
        kept = [line for line in lines if _read(line).get("task") != task_id]
        if len(kept) < len(lines):
            with suppress(OSError):
                write_private(self.file, "".join(kept))

    def _lines(self) -> list[str]:
        try:
            return self.file.read_text("utf-8").splitlines(keepends=True)
        except (OSError, UnicodeDecodeError):
            return []


def _read(line: str) -> dict[str, str]:
    try:
        found: object = json.loads(line)
    except ValueError:  # half a line, of a server that was killed
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- JSON


async def enhanced(model: ChatModel, text: str) -> str:
    """The prompt, put better, by one completion without tools.

    Raises:
        RooError: the endpoint's; or it wrote nothing.
    """
    assembly = Assembly()
    async with aclosing(model.stream(ChatRequest(ENHANCE, [UserMessage(text)]))) as deltas:
        async for delta in deltas:
            assembly.add(delta)
    if better := assembly.message().text.strip():
        return better
    raise RooError(
        "provider_error", "The model wrote nothing.", "Your prompt is as it was; try again."
    )
