"""What an import would write, compared with what is there; and writing it."""

import json
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from roo_lsp.agent.errors import RooError
from roo_lsp.app import user_settings
from roo_lsp.cli.options import BadUsage
from roo_lsp.cli.settings import MASK, leaves, with_masks
from roo_lsp.providers.errors import RequestTarget
from roo_lsp.settings import Raw, cleaned
from roo_lsp.workspace.mode_files import USER_FILE, plain_modes
from roo_lsp.workspace.private import write_private
from roo_lsp.workspace.user_folders import config_dir

WHOLE = {"profiles", "mcpServers"}
"""What stands below a name of these is taken as one, or not at all."""
Yes = Callable[[str], bool]
"""Whether the user says yes to replacing something that is there."""


@dataclass(slots=True)
class Plan:
    """All that an import would do."""

    settings: Raw = field(default_factory=dict[str, Any])
    """For the user's own settings, in the shape of `roo`."""
    keys: dict[str, str] = field(default_factory=dict[str, str])
    """By profile; never shown."""
    modes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    files: dict[Path, str] = field(default_factory=dict[Path, str])
    """Of rules, by where they go."""
    left_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What is not taken over, and why."""
    notes: list[str] = field(default_factory=list[str])

    def leave(self, what: str, why: str) -> None:
        """Say that something is not taken over."""
        self.left_out.append((what, why))

    def checked(self) -> "Plan":
        """The same without values that the settings do not take, which are told."""
        fixed, problems = cleaned(self.settings)
        self.settings = fixed
        for each in problems:
            self.leave(each.path.removeprefix("roo."), each.text)
        return self

    @property
    def is_empty(self) -> bool:
        return not (self.settings or self.modes or self.files)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that would be written."""

    what: str
    shown: str
    """The value, as it may be seen."""
    state: str
    """`new`, `same`, or `other`: there is something else."""
    do: Callable[[], None]


@dataclass(slots=True)
class Writing:
    """Goes through a plan; nothing is on disk before `finish`."""

    plan: Plan
    key_place: str
    """Where keys go: `file`, `settings` or `none`."""
    folder: Path = field(default_factory=config_dir)
    _settings: Raw = field(init=False)
    _modes: list[dict[str, Any]] = field(init=False)
    _files: dict[Path, str] = field(default_factory=dict[Path, str])
    _touched: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        source = user_settings()
        if source.problem:
            raise RooError(
                "settings_invalid",
                f"{source.name} cannot be added to: {source.problem}.",
                "Put it right first; nothing was written.",
            )
        raw = source.raw
        if raw is not None and not isinstance(raw, dict):
            raise RooError(
                "settings_invalid",
                f"{source.name} is no object.",
                "Put it right first; nothing was written.",
            )
        self._settings = json.loads(json.dumps(raw or {}))
        self._modes = self._modes_there()

    def _modes_there(self) -> list[dict[str, Any]]:
        file = self.folder / USER_FILE
        try:
            return cast("list[dict[str, Any]]", plain_modes(str(file), file.read_bytes()))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            if not self.plan.modes:
                return []
            raise RooError(
                "settings_invalid", f"{file} cannot be added to: {error}.", "Put it right first."
            ) from None

    # --- what would be done -----------------------------------------------------------------

    def steps(self) -> Iterator[Step]:
        """Each thing that would be written, in order."""
        keyed = self._with_keys()
        for path, value in _units(keyed):
            yield self._setting(path, value, secret=False)
        for mode in self.plan.modes:
            yield self._mode(mode)
        for file, text in {**self._files_of_keys(), **self.plan.files}.items():
            yield self._file(file, text, secret=file.parent == self._key_folder)

    def _setting(self, path: tuple[str, ...], value: Any, *, secret: bool) -> Step:
        del secret
        there = _at(self._settings, path)
        state = "new" if there is None else "same" if there == value else "other"

        def do() -> None:
            _put(self._settings, path, value)
            self._touched.add("settings")

        return Step(".".join(path), _seen(path, value), state, do)

    def _mode(self, mode: dict[str, Any]) -> Step:
        slug = mode["slug"]
        there = next((each for each in self._modes if each.get("slug") == slug), None)
        state = "new" if there is None else "same" if there == mode else "other"

        def do() -> None:
            self._modes = [each for each in self._modes if each.get("slug") != slug] + [mode]
            self._touched.add("modes")

        return Step(f"mode {slug}", str(mode.get("name", "")), state, do)

    def _file(self, file: Path, text: str, *, secret: bool) -> Step:
        try:
            there = file.read_text("utf-8")
        except FileNotFoundError:
            there = None
        except (OSError, ValueError):
            there = ""
        state = "new" if there is None else "same" if there == text else "other"

        def do() -> None:
            self._files[file] = text

        shown = "a key, mode 0600" if secret else f"{len(text.encode())} bytes"
        return Step(str(file), shown, state, do)

    # --- keys -------------------------------------------------------------------------------

    @property
    def _key_folder(self) -> Path:
        return self.folder / "keys"

    def _key_files(self) -> dict[str, Path]:
        """By profile, each with a name of its own."""
        found: dict[str, Path] = {}
        for profile in self.plan.keys:
            plain = "".join(
                c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in profile
            )
            name, number = plain[:60] or "key", 2
            while self._key_folder / name in found.values():
                name, number = f"{plain[:56]}-{number}", number + 1
            found[profile] = self._key_folder / name
        return found

    def _files_of_keys(self) -> dict[Path, str]:
        if self.key_place != "file":
            return {}
        return {file: f"{self.plan.keys[name]}\n" for name, file in self._key_files().items()}

    def _with_keys(self) -> Raw:
        settings = json.loads(json.dumps(self.plan.settings))
        for name, file in self._key_files().items():
            provider = settings["profiles"][name].setdefault("provider", {})
            if self.key_place == "file":
                provider["apiKeyCommand"] = ["cat", os.fspath(file)]
            elif self.key_place == "settings":
                provider["apiKey"] = self.plan.keys[name]
        return settings

    # --- writing ----------------------------------------------------------------------------

    def finish(self) -> Iterator[str]:
        """Write what was done; a sentence for each file. What was there stays beside it.

        Raises:
            RooError: a file cannot be written.
        """
        for file, text in self._files.items():  # keys first: settings name them
            yield _written(file, text)
        if "modes" in self._touched:
            text = yaml.safe_dump(
                {"customModes": self._modes}, allow_unicode=True, sort_keys=False, width=100
            )
            yield _written(self.folder / USER_FILE, text)
        if "settings" in self._touched:
            text = json.dumps(self._settings, indent=2, ensure_ascii=False)
            yield _written(self.folder / "settings.json", f"{text}\n")


def _written(file: Path, text: str) -> str:
    kept = ""
    try:
        if file.exists():
            before = file.with_name(f"{file.name}.{time.strftime('%Y%m%d-%H%M%S')}.before")
            write_private(before, file.read_text("utf-8", "surrogateescape"))
            kept = f", what was there is in {before.name}"
        write_private(file, text)
    except (OSError, UnicodeError) as error:
        raise RooError(
            "internal", f"{file} cannot be written: {error}.", "What is named above was written."
        ) from error
    return f"Wrote {file}{kept}."


def _units(settings: Raw, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is decided about as one: a value, or all below a name."""
    for key, value in settings.items():
        path = (*above, key)
        if isinstance(value, dict) and value and not (above and above[0] in WHOLE):
            yield from _units(cast("Raw", value), path)
        else:
            yield path, value


def _at(settings: Raw, path: Sequence[str]) -> Any:
    found: Any = settings
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, Any]", found).get(key)
    return found


def _put(settings: Raw, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        below = settings.get(key)
        if not isinstance(below, dict):
            below = settings[key] = {}
        settings = cast("Raw", below)
    settings[path[-1]] = value


def _seen(path: Sequence[str], value: Any) -> str:
    """A value as it may be shown: no key, and nothing that may hold one."""
    if path[0] == "mcpServers":
        return _server(cast("Mapping[str, Any]", value))
    if isinstance(value, dict):
        nested: dict[str, Any] = {path[-1]: value}
        for key in reversed(path[:-1]):
            nested = {key: nested}
        skip = len(".".join(path)) + 1
        told = [(name[skip:], each) for name, each in leaves(with_masks(nested))]
        return ", ".join(f"{name}={_plain(name, each)}" for name, each in told)
    return MASK if path[-1] == "apiKey" else _plain(path[-1], value)


def _server(server: Mapping[str, Any]) -> str:
    """What would be started or spoken to; of variables and headers their names."""
    given = server.get("args")
    shown: list[str] = []
    hide_next = False
    for each in map(str, cast("list[object]", given) if isinstance(given, list) else []):
        name, sign, _ = each.partition("=")
        telling = bool(_TELLING.search(name))
        shown.append(
            MASK if hide_next else f"{name}={MASK}" if telling and sign else _KEY.sub(MASK, each)
        )
        hide_next = telling and not sign and name.startswith("-")
    where = shlex.join([str(server["command"]), *shown]) if server.get("command") else ""
    named = [
        f"{what}: {', '.join(map(str, cast('Mapping[str, Any]', held)))}"
        for what in ("env", "headers")
        if isinstance(held := server.get(what), dict) and held
    ]
    return "; ".join([where or _address(server.get("url")), *named])


_TELLING = re.compile(r"key|token|secret|passw|credential|auth", re.IGNORECASE)
_KEY = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}")
"""What may be a key, by its looks."""


def _plain(name: str, value: Any) -> str:
    if name.rpartition(".")[2] in {"baseUrl", "proxy"}:
        return _address(value)
    return json.dumps(value, ensure_ascii=False)


def _address(url: object) -> str:
    try:
        return RequestTarget(str(url)).shown
    except ValueError:
        return MASK


def read_json(file: Path, data: bytes) -> object:
    """A file's JSON.

    Raises:
        BadUsage: it is none.
    """
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadUsage(f"{file} is no JSON: {str(error)[:200]}") from None
