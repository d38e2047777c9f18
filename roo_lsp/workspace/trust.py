"""What the user has trusted: origins that may see a key, and widening settings of a workspace.

Kept in the state folder, for its owner alone; nothing secret is in it.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from roo_lsp.workspace.private import write_private

OPENAI_ORIGIN = "https://api.openai.com"
"""Bound for OPENAI_API_KEY without a question."""


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in one spelling: `http://127.0.0.1:8080`."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme.lower()}://{host}{port}"


def content_hash(items: Iterable[object]) -> str:
    """A hash over exactly these values, in this order."""
    text = json.dumps(list(items), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


_KEYS = ("origins", "workspaces", "waiting")


@dataclass(slots=True)
class TrustStore:
    """The user's answers, read from disk at each question: another server may have asked too."""

    file: Path
    given: Collection[str] = ()
    """Origins bound by the command line, the user's settings or $ROO_TRUST_ORIGINS."""

    def is_bound(self, origin: str, key_name: str) -> bool:
        """True when the key may go to the origin."""
        if origin in self.given or (origin == OPENAI_ORIGIN and key_name == "OPENAI_API_KEY"):
            return True
        bound: dict[str, list[str]] = self._read()["origins"]
        return key_name in bound.get(origin, [])

    def bind(self, origin: str, key_name: str) -> None:
        """Let the key go to the origin from now on."""
        content = self._read()
        names: list[str] = content["origins"].setdefault(origin, [])
        if key_name not in names:
            names.append(key_name)
            self._write(content)

    def is_trusted(self, workspace: Path, digest: str) -> bool:
        """True when exactly this content was trusted for the workspace."""
        return self._read()["workspaces"].get(str(workspace.resolve())) == digest

    def trust(self, workspace: Path, digest: str) -> None:
        """Trust this content of the workspace, in place of what was trusted before."""
        content = self._read()
        content["workspaces"][str(workspace.resolve())] = digest
        content["waiting"].pop(str(workspace.resolve()), None)
        self._write(content)

    def wait(self, workspace: Path, digest: str, lines: Sequence[str]) -> None:
        """Keep what waits for trust, so that it can be trusted from a terminal."""
        content = self._read()
        content["waiting"][str(workspace.resolve())] = {"digest": digest, "lines": list(lines)}
        self._write(content)

    def waiting(self, workspace: Path) -> tuple[str, list[str]] | None:
        """What waits for trust in the workspace: its hash, and what it says."""
        found = self._read()["waiting"].get(str(workspace.resolve()))
        return (found["digest"], found["lines"]) if found else None

    def revoke(self, workspace: Path) -> bool:
        """Trust nothing of the workspace any more; False when nothing was."""
        content = self._read()
        found = content["workspaces"].pop(str(workspace.resolve()), None)
        if found is not None:
            self._write(content)
        return found is not None

    def listed(self) -> dict[str, Any]:
        """Everything that is trusted: `{"origins": {origin: [key]}, "workspaces": {path: hash}}`."""
        return self._read()

    def _read(self) -> dict[str, Any]:
        try:
            content: Any = json.loads(self.file.read_text("utf-8"))
            return {key: dict(content.get(key) or {}) for key in _KEYS}
        except (OSError, ValueError, AttributeError, TypeError):
            # No file, or one that cannot be read: nothing is trusted.
            return {key: {} for key in _KEYS}

    def _write(self, content: dict[str, Any]) -> None:
        write_private(self.file, json.dumps(content, indent=1))
