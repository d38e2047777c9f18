"""How the sources of settings are put together, and what the LSP channel may not widen.

Sources are JSON objects in the shape of the `roo` section, weakest first. A server cannot see whether
a value on the LSP channel was written by the user or by the repository, so that channel may only
tighten what decides about safety; what would widen it is held until the user trusts it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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

    steps: tuple[str, ...]
    """The keys that lead to it, below `roo`."""
    value: object
    source: str

    @property
    def path(self) -> str:
        """Dotted, from `roo`."""
        return ".".join(("roo", *self.steps))

    def __str__(self) -> str:
        """For people and for the state folder: what looks like a secret is left out."""
        shown = json.dumps(masked(self.value), ensure_ascii=False)
        return f"{self.path} = {shown} (from {self.source})"


MASK = "***"
_SECRET_NAME = re.compile(r"key|token|secret|passw|auth|credential|cookie|bearer", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?P<user>//[^/@\s]*:)[^/@\s]*@"
    rf"|(?P<name>[\w-]*(?:{_SECRET_NAME.pattern})[\w-]*[=:]\s*)[^&#\s]+"
    r"|\bsk-[\w-]{8,}",
    re.IGNORECASE,
)
"""A password in an address, a value behind a telling name, a key of OpenAI's kind."""


def masked(value: object, name: str = "") -> object:
    """The value with what looks like a secret taken out: by the name it has, or by its form."""
    if isinstance(value, dict):
        items = cast("Raw", value).items()
        return {key: masked(each, "key" if name == "headers" else key) for key, each in items}
    if isinstance(value, list):
        return [masked(each, name) for each in cast("list[object]", value)]
    if not isinstance(value, str):
        return value
    if _SECRET_NAME.search(name):
        return MASK if value else value
    return _SECRET_TEXT.sub(_masked_text, value)


def _masked_text(found: re.Match[str]) -> str:
    if found["user"]:
        return f"{found['user']}{MASK}@"
    return f"{found['name'] or ''}{MASK}"


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
                    _put(raw, each.steps, each.value)
        merged = _merged(merged, raw)
        origins |= {path: source.name for path, _ in _leaves(raw)}
        if source.name == COMMAND_LINE:
            over_profiles = raw
    settings = Settings.model_validate_json(json.dumps(merged))
    own = frozenset(name for name, is_own in names if is_own)
    problems += _unknown_profiles(settings)
    problems += without_effect(settings)
    return Effective(settings, origins, tuple(problems), tuple(held), own, over_profiles)


def confined(found: Effective) -> Effective:
    """The same where nothing but reads is approved unasked, but for what the command line says."""
    auto = found.settings.auto_approve
    keep = {"read", "read_outside"}
    off = {
        name: False
        for name, info in type(auto).model_fields.items()
        if name not in keep
        and found.origins.get(f"autoApprove.{info.alias or name}") != COMMAND_LINE
    }
    settings = found.settings.model_copy(update={"auto_approve": auto.model_copy(update=off)})
    return replace(found, settings=settings)


def for_one_task(found: Effective, raw: Raw, name: str) -> Effective:
    """The settings with one task's own over them, which may come from anywhere and only tighten.

    `held` is what they would widen; what the command line says stays.
    """
    base = _plain(found.settings)
    kept, held = _tightened(raw, base, name)
    merged = _merged(_merged(base, kept), found.over_profiles)
    of_profile = {key: value for key, value in kept.items() if key in Profile.model_fields}
    return replace(
        found,
        settings=Settings.model_validate_json(json.dumps(merged)),
        held=tuple(held),
        over_profiles=_merged(of_profile, found.over_profiles),
    )


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
        held.append(Held(path, value, source))
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
    if raw.get("mcpServers") and raw["mcpServers"] != base["mcpServers"]:
        yield ("mcpServers",), None
    # An empty list takes modes away, and with them what one of them forbade.
    if raw.get("customModes", base["customModes"]) != base["customModes"]:
        yield ("customModes",), None
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
    if "shell" in commands and commands["shell"] != base["commands"]["shell"]:
        yield ("commands", "shell"), None
    if commands.get("env") and commands["env"] != base["commands"]["env"]:
        yield ("commands", "env"), None
    if commands.get("network") and not base["commands"]["network"]:
        yield ("commands", "network"), None
    sandbox = commands.get("sandbox", base["commands"]["sandbox"])
    if _STRICTNESS.index(sandbox) < _STRICTNESS.index(base["commands"]["sandbox"]):
        yield ("commands", "sandbox"), None


def _key_widenings(raw: Raw, base: Raw) -> Iterator[tuple[tuple[str, ...], object]]:
    provider = object_or_empty(raw.get("provider"))
    for key in _KEY_PATHS:
        if provider.get(key, {}) not in ({}, base["provider"][key]):
            yield ("provider", key), None
    for name, overlay in object_or_empty(raw.get("profiles")).items():
        own = object_or_empty(object_or_empty(overlay).get("provider"))
        for key in _KEY_PATHS:
            if own.get(key, {}) != {}:
                yield ("profiles", name, "provider", key), None


def _take(raw: Raw, path: Sequence[str]) -> object:
    for step in path[:-1]:
        raw = raw[step]
    return raw.pop(path[-1])


def _plain(settings: Settings) -> Raw:
    return json.loads(settings.model_dump_json(by_alias=True))
