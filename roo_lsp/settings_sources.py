"""How the sources of settings are put together.

Sources are JSON objects in the shape of the `roo` section, weakest first. What those of the editor's
channel may not widen, `settings_channel` says.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import cast

from roo_lsp.settings import (
    NOT_YET_EFFECTIVE,
    Profile,
    Raw,
    SettingProblem,
    Settings,
    cleaned,
    without_effect,
    without_nulls,
)
from roo_lsp.settings_channel import Held, KeyOrigins, as_json, laid_over, put, said, tightened

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


@dataclass(frozen=True, slots=True, eq=False)
class Effective:
    """The settings that hold, where each came from, and what is wrong or waits."""

    settings: Settings
    origins: Mapping[str, str] = field(default_factory=dict[str, str])
    """Dotted path without `roo.` to the name of the source, for every key that is set."""
    problems: tuple[SettingProblem, ...] = ()
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
        everything = laid_over(as_json(self.settings), without_nulls(overlay))
        kept = {
            key: self.over_profiles[key]
            for key in self.over_profiles
            if key in Profile.model_fields
        }
        everything = laid_over(everything, kept)
        return Settings.model_validate_json(json.dumps(everything))


def effective(
    sources: Iterable[Source],
    *,
    trusted: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Effective:
    """The sources put together, weakest first; `trusted` lets the LSP channel widen too.

    `environ` tells whether a key goes along: only whether a variable is set is looked at.
    """
    problems: list[SettingProblem] = []
    read: list[tuple[Source, Raw]] = []
    for source in sources:
        if source.problem:
            problems.append(SettingProblem(source.name, source.problem))
        raw: object = json.loads(json.dumps(source.raw)) if source.raw else {}
        clean, found = cleaned(raw if source.trusted else said(raw))
        problems += [each for each in found if each not in problems]
        read.append((source, clean))
    keys = KeyOrigins(
        own=reduce(laid_over, [raw for source, raw in read if source.trusted], {}),
        channel=reduce(laid_over, [raw for source, raw in read if not source.trusted], {}),
        environ=environ,
    )
    everything: Raw = {}
    origins: dict[str, str] = {}
    held: list[Held] = []
    over_profiles: Raw = {}
    for source, clean in read:
        kept = clean
        if not source.trusted:
            kept, waiting = tightened(clean, everything, source.name, keys)
            held += waiting
            for each in waiting if trusted else ():
                put(kept, each.steps, each.value)
        everything = laid_over(everything, kept)
        origins |= {path: source.name for path, _ in _leaves(kept)}
        if source.name == COMMAND_LINE:
            over_profiles = kept
    settings = Settings.model_validate_json(json.dumps(everything))
    own = frozenset(source.name for source, _ in read if source.trusted)
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
    base = as_json(found.settings)
    kept, held = tightened(raw, base, name, KeyOrigins({}, {}, os.environ))
    everything = laid_over(laid_over(base, kept), found.over_profiles)
    of_profile = {key: value for key, value in kept.items() if key in Profile.model_fields}
    return replace(
        found,
        settings=Settings.model_validate_json(json.dumps(everything)),
        held=tuple(held),
        over_profiles=laid_over(of_profile, found.over_profiles),
    )


def no_profile(name: str, settings: Settings) -> str:
    """For people: that there is no such profile, and which there are."""
    known = ", ".join(sorted(settings.profiles))
    return f"there is no profile {name!r}; " + (
        f"there are: {known}" if known else "none is set up"
    )


def _unknown_profiles(settings: Settings) -> Iterator[SettingProblem]:
    """A problem for each name of a profile that is none: nothing is sent elsewhere instead."""
    named = {"roo.profile": settings.profile}
    named |= {f"roo.modeProfiles.{mode}": name for mode, name in settings.mode_profiles.items()}
    for path, name in named.items():
        if name and name not in settings.profiles:
            yield SettingProblem(path, no_profile(name, settings))


def _leaves(raw: Raw, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in raw.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict):
            yield from _leaves(cast("Raw", value), path)
        else:
            yield path, value
