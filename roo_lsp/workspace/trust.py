"""What the user has trusted: origins that may see a key, and what a workspace brings along.

A workspace is trusted for exactly the settings and instruction files it had when the user was asked,
and for exactly that folder. Kept in the state folder, for its owner alone; nothing secret is in it.
"""

import hashlib
import ipaddress
import json
import os
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from roo_lsp.workspace.private import write_private

OPENAI_ORIGIN = "https://api.openai.com"
"""Bound for OPENAI_API_KEY without a question."""


PROMPTS = "prompts"
"""Stands among the names of keys for the user's words and code, which are worth as much."""


def is_loopback(origin: str) -> bool:
    """Whether an origin is this very machine, by an address that no name service answers for."""
    host = urlsplit(origin).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, in one spelling: `http://127.0.0.1:8080`."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if ":" in host:
        host = f"[{host}]"
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    return f"{parts.scheme.lower()}://{host}{port}"


# --- what a workspace brings along ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that trust is about: a setting's value, or an instruction file's content."""

    name: str
    digest: str
    """Empty for what cannot be trusted."""
    line: str
    """For people, one line, nothing secret in it."""


def content_hash(items: Iterable[object]) -> str:
    """A hash over exactly these values, in this order."""
    text = json.dumps(list(items), sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of(items: Iterable[Item]) -> str:
    """A hash over all of it; empty where some of it cannot be trusted."""
    pairs = sorted((item.name, item.digest) for item in items)
    return content_hash(pairs) if all(digest for _, digest in pairs) else ""


def too_wide(folder: Path) -> str:
    """Why a folder is no workspace to act in unasked, as what it is; empty where it may be one."""
    real = os.path.realpath(folder)
    if os.path.dirname(real) == real:  # noqa: PTH120 -- the root of any system
        return "the root of the file system"
    return "your home directory" if real == os.path.realpath(Path("~").expanduser()) else ""


# --- the user's answers -----------------------------------------------------------------------

TrustAnswer = Literal["trusted", "refused", "stale", "unknown"]
"""What the user said of a workspace; stale: they trusted it, and it is another one now."""
_KEYS = ("origins", "workspaces", "refused", "waiting", "marks")


@dataclass(slots=True)
class TrustStore:
    """The user's answers, read from disk at each question: another server may have asked too."""

    file: Path
    given: Collection[str] = ()
    """Origins bound by the command line, the user's settings or $ROO_TRUST_ORIGINS."""

    @property
    def looks(self) -> object:
        """Another one where there are other answers: each is written to a file of its own."""
        try:
            facts = self.file.stat()
        except OSError:
            return None
        return facts.st_ino, facts.st_mtime_ns, facts.st_size

    def is_bound(self, origin: str, name: str) -> bool:
        """True when the key of that name may go to the origin; for `PROMPTS`, what the user says.

        Prompts go where nobody listens but this machine, and where a key may go.
        """
        if origin in self.given or (origin == OPENAI_ORIGIN and name == "OPENAI_API_KEY"):
            return True
        bound: list[str] = self._read()["origins"].get(origin, [])
        return bool(bound) or is_loopback(origin) if name == PROMPTS else name in bound

    def bind(self, origin: str, key_name: str) -> None:
        """Let the key go to the origin from now on."""
        content = self._read()
        names: list[str] = content["origins"].setdefault(origin, [])
        if key_name not in names:
            names.append(key_name)
            self._write(content)

    def answer(self, workspace: Path, items: Sequence[Item]) -> TrustAnswer:
        """What holds for what the workspace brings along: trusted is what was trusted, or less."""
        content = self._read()
        record = _object(content["workspaces"].get(_place(workspace)))
        known = _object(record.get("items"))
        same_folder = bool(record) and record.get("identity") == _identity(workspace)
        if same_folder and all(
            each.digest and known.get(each.name) == each.digest for each in items
        ):
            return "trusted"
        if content["refused"].get(_place(workspace)) == digest_of(items):
            return "refused"
        return "stale" if record else "unknown"

    def trust(self, workspace: Path, items: Sequence[Item]) -> None:
        """Trust exactly these of the workspace, beside what else of it is trusted."""
        content, place, identity = self._read(), _place(workspace), _identity(workspace)
        record = _object(content["workspaces"].get(place))
        same_folder = record.get("identity") == identity
        known = _object(record.get("items") if same_folder else None)
        now = {item.name: item.digest for item in items}
        content["workspaces"][place] = {"identity": identity, "items": {**known, **now}}
        content["refused"].pop(place, None)
        self._write(content)

    def refuse(self, workspace: Path, items: Sequence[Item]) -> None:
        """Do not ask about exactly these again."""
        content = self._read()
        content["refused"][_place(workspace)] = digest_of(items)
        self._write(content)

    def changed(self, workspace: Path, items: Sequence[Item]) -> list[str]:
        """What is not as it was when the workspace was trusted, one line each; empty if it was not."""
        record = _object(self._read()["workspaces"].get(_place(workspace)))
        if not record:
            return []
        if record.get("identity") != _identity(workspace):
            return ["another folder stands at this path now"]
        before = _object(record.get("items"))
        return [
            f"{item.name}: {'changed' if item.name in before else 'new'}"
            for item in items
            if before.get(item.name) != item.digest
        ]

    def wait(self, folders: Sequence[Path], settings: Sequence[Item]) -> None:
        """Keep what waits for trust, so that it can be trusted from a terminal."""
        content, place = self._read(), _place(folders[0])
        kept = {
            "folders": [str(folder) for folder in folders],
            "settings": [[item.name, item.digest, item.line] for item in settings],
        }
        if content["waiting"].get(place) != kept:
            content["waiting"][place] = kept
            self._write(content)

    def waiting(self, workspace: Path) -> tuple[list[Path], list[Item]]:
        """The folders of the workspace, and the settings that wait for trust in it."""
        found = _object(self._read()["waiting"].get(_place(workspace)))
        folders = [Path(str(each)) for each in _list(found.get("folders"))]
        rows = [_list(row) for row in _list(found.get("settings"))]
        settings = [Item(*map(str, row)) for row in rows if len(row) == 3]
        return folders or [workspace], settings

    def revoke(self, workspace: Path) -> bool:
        """Trust nothing of the workspace any more; False when nothing was."""
        content = self._read()
        found = content["workspaces"].pop(_place(workspace), None)
        if found is not None:
            self._write(content)
        return found is not None

    def mark(self, workspace: Path) -> str:
        """A word for the workspace that nobody but this user and the model knows; the same each time."""
        content, place = self._read(), _place(workspace)
        found = content["marks"].get(place)
        if not isinstance(found, str):
            found = content["marks"][place] = secrets.token_hex(4)
            with suppress(OSError):  # another one, the next time
                self._write(content)
        return found

    def listed(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Everything that is trusted: origins with the names of keys, workspaces with names of items."""
        content = self._read()
        workspaces = {
            path: sorted(_object(_object(record).get("items")))
            for path, record in content["workspaces"].items()
        }
        return content["origins"], workspaces

    def _read(self) -> dict[str, Any]:
        try:
            content: Any = json.loads(self.file.read_text("utf-8"))
            return {key: dict(content.get(key) or {}) for key in _KEYS}
        except (OSError, ValueError, AttributeError, TypeError, RecursionError):
            # No file, or one that cannot be read: nothing is trusted.
            return {key: {} for key in _KEYS}

    def _write(self, content: dict[str, Any]) -> None:
        write_private(self.file, json.dumps(content, indent=1))


def _place(workspace: Path) -> str:
    return os.path.realpath(workspace)


def _identity(workspace: Path) -> list[int]:
    """Device and inode: another folder at the same path is another workspace."""
    try:
        facts = os.stat(_place(workspace))  # noqa: PTH116 -- a text
    except OSError:
        return []
    return [facts.st_dev, facts.st_ino]


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
