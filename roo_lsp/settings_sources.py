"""How the sources of settings are put together, and what the LSP channel may not widen.

Sources are JSON objects in the shape of the `roo` section, weakest first. A server cannot see whether
a value on the LSP channel was written by the user or by the repository, so that channel may only
tighten what decides about safety; what would widen it is held until the user trusts it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from roo_lsp.settings import (
    NOT_YET_EFFECTIVE,
    Problem,
    Profile,
    Raw,
    Settings,
    cleaned,
    object_or_empty,
    without_effect,
    without_nulls,
)

COMMAND_LINE = "command line"
"""The name of the strongest source: what it sets of the endpoint and the model, no profile changes."""


@dataclass(frozen=True, slots=True)
class Source:
    """One place settings come from; `trusted` sources are the user's own."""

    name: str
    raw: object
    trusted: bool = True
    problem: str = ""
    """Why it could not be read."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value on the LSP channel that would widen what the agent may do, and so waits for trust."""

    path: str
    """Dotted, from `roo`."""
    value: object
    source: str

    def __str__(self) -> str:
        return f"{self.path} = {json.dumps(self.value, ensure_ascii=False)} (from {self.source})"


@dataclass(frozen=True, slots=True, eq=False)
class Effective:
    """The settings that hold, where each came from, and what is wrong or waits."""

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    """Dotted path without `roo.` to the name of the source, for every key that is set."""
    problems: tuple[Problem, ...] = ()
    held: tuple[Held, ...] = ()
    trusted_sources: frozenset[str] = frozenset()
    over_profiles: Raw = field(default_factory=dict)
    """What the command line sets."""

    @property
    def not_yet_effective(self) -> list[str]:
        """Keys that are set although their feature is not there yet."""
        return [
            key
            for key in NOT_YET_EFFECTIVE
            if any(path == key or path.startswith(f"{key}.") for path in self.origins)
        ]

    def for_profile(self, name: str) -> Settings:
        """The settings with a profile laid over them, except for what the command line sets.

        An unknown name changes nothing.
        """
        overlay = self.settings.profiles.get(name)
        if not overlay:
            return self.settings
        merged = _merged(_plain(self.settings), without_nulls(overlay))
        kept = {
            key: self.over_profiles[key]
            for key in self.over_profiles
            if key in Profile.model_fields
        }
        merged = _merged(merged, kept)
        return Settings.model_validate_json(json.dumps(merged))


def effective(sources: Iterable[Source], *, trusted: bool = False) -> Effective:
    """The sources put together, weakest first; `trusted` lets the LSP channel widen too."""
    merged: Raw = {}
    origins: dict[str, str] = {}
    problems: list[Problem] = []
    held: list[Held] = []
    names: list[tuple[str, bool]] = []
    over_profiles: Raw = {}
    for source in sources:
        names.append((source.name, source.trusted))
        if source.problem:
            problems.append(Problem(source.name, source.problem))
        raw, found = cleaned(json.loads(json.dumps(source.raw)) if source.raw else {})
        problems += [each for each in found if each not in problems]
        if not source.trusted:
            raw, waiting = _tightened(raw, merged, source.name)
            held += waiting
            if trusted:
                for each in waiting:
                    _put(raw, each.path.removeprefix("roo.").split("."), each.value)
        merged = _merged(merged, raw)
        origins |= {path: source.name for path, _ in _leaves(raw)}
        if source.name == COMMAND_LINE:
            over_profiles = raw
    settings = Settings.model_validate_json(json.dumps(merged))
    own = frozenset(name for name, is_own in names if is_own)
    problems += _unknown_profiles(settings)
    problems += without_effect(settings)
    return Effective(settings, origins, tuple(problems), tuple(held), own, over_profiles)


def no_profile(name: str, settings: Settings) -> str:
    """For people: that there is no such profile, and which there are."""
    known = ", ".join(sorted(settings.profiles))
    return f"there is no profile {name!r}; " + (
        f"there are: {known}" if known else "none is set up"
    )


def _unknown_profiles(settings: Settings) -> Iterator[Problem]:
    """A problem for each name of a profile that is none: nothing is sent elsewhere instead."""
    named = {"roo.profile": settings.profile}
    named |= {f"roo.modeProfiles.{mode}": name for mode, name in settings.mode_profiles.items()}
    for path, name in named.items():
        if name and name not in settings.profiles:
            yield Problem(path, no_profile(name, settings))


def _merged(under: Raw, over: object) -> Raw:
    result = dict(under)
    for key, value in object_or_empty(over).items():
        below: object = result.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        result[key] = _merged(cast("Raw", below), cast("Raw", value)) if both else value
    return result


def _leaves(raw: Raw, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in raw.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from _leaves(cast("Raw", value), path)
        else:
            yield path, value


def _put(raw: Raw, path: Sequence[str], value: object) -> None:
    for step in path[:-1]:
        raw = raw.setdefault(step, {})
    raw[path[-1]] = value


# --- what the LSP channel may not widen -----------------------------------------------------

_KEY_PATHS = ("proxy", "tls", "apiKeyEnv", "apiKeyCommand")
"""What decides which key is read and who can see it; where it goes is bound by its origin."""
_STRICTNESS = ("off", "auto", "required")


def _tightened(raw: Raw, under: Raw, source: str) -> tuple[Raw, list[Held]]:
    """The part of an untrusted source that only tightens, and what it would widen."""
    base = _plain(Settings.model_validate_json(json.dumps(under)))
    kept: Raw = json.loads(json.dumps(raw))
    held: list[Held] = []
    for path, stricter in list(_widenings(kept, base)):
        value = _take(kept, path)
        held.append(Held(".".join(("roo", *path)), value, source))
        if stricter is not None:
            _put(kept, path, stricter)
    return kept, held


def _widenings(raw: Raw, base: Raw) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each path whose value is looser than the base's, with what holds instead, if not the base's."""
    for key, value in object_or_empty(raw.get("autoApprove")).items():
        if value and not base["autoApprove"][key]:
            yield ("autoApprove", key), None
    for key, value in object_or_empty(raw.get("limits")).items():
        before = base["limits"][key]
        if before and (value == 0 or value > before):
            yield ("limits", key), None
    for key in ("mcpServers", "customModes"):
        if raw.get(key) and raw[key] != base[key]:
            yield (key,), None
    yield from _command_widenings(raw, base)
    yield from _key_widenings(raw, base)


def _command_widenings(raw: Raw, base: Raw) -> Iterator[tuple[tuple[str, ...], object]]:
    allowed: list[str] = raw.get("allowedCommands", [])
    common = [entry for entry in allowed if entry in base["allowedCommands"]]
    if common != allowed:
        yield ("allowedCommands",), common
    denied: list[str] = raw.get("deniedCommands", base["deniedCommands"])
    missing = [entry for entry in base["deniedCommands"] if entry not in denied]
    if missing:
        yield ("deniedCommands",), [*denied, *missing]
    commands = object_or_empty(raw.get("commands"))
    for key in ("shell", "env"):
        if commands.get(key) and commands[key] != base["commands"][key]:
            yield ("commands", key), None
    sandbox = commands.get("sandbox", base["commands"]["sandbox"])
    if _STRICTNESS.index(sandbox) < _STRICTNESS.index(base["commands"]["sandbox"]):
        yield ("commands", "sandbox"), None


def _key_widenings(raw: Raw, base: Raw) -> Iterator[tuple[tuple[str, ...], object]]:
    provider = object_or_empty(raw.get("provider"))
    for key in _KEY_PATHS:
        if key in provider and provider[key] != base["provider"][key]:
            yield ("provider", key), None
    for name, overlay in object_or_empty(raw.get("profiles")).items():
        for key in _KEY_PATHS:
            if key in object_or_empty(object_or_empty(overlay).get("provider")):
                yield ("profiles", name, "provider", key), None


def _take(raw: Raw, path: Sequence[str]) -> object:
    for step in path[:-1]:
        raw = raw[step]
    return raw.pop(path[-1])


def _plain(settings: Settings) -> Raw:
    return json.loads(settings.model_dump_json(by_alias=True))
