"""What the editor's channel may not widen.

A server cannot see whether a value on the LSP channel was written by the user or by the repository.
So that channel may only tighten what decides about safety; what would widen it is held until the user
trusts it. As soon as a key goes along that the channel did not bring itself, it also cannot say how
that key travels, or whose key stands in its place.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_origin

from pydantic import BaseModel

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.settings import ORIGIN_KEYS, Profile, Raw, Settings


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
        shown = json.dumps(masked(self.value, self.steps[-1]), ensure_ascii=False)
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
        whole = name in {"headers", "query"}
        return {key: masked(each, "key" if whole else key) for key, each in items}
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


def said(raw: object, model: type[BaseModel] = Settings) -> object:
    """A source of the channel without what it does not say.

    Editors send what a user left empty: an empty text, a null, and where an object is meant an empty
    list (which is how Lua writes an empty table).
    """
    if raw in (None, "", []):
        return {}
    if not isinstance(raw, dict):
        return raw
    kept: Raw = {}
    for key, value in cast("Raw", raw).items():
        info = next((f for f in model.model_fields.values() if f.alias == key), None)
        kind: object = info.annotation if info else None
        part = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        is_object = part or get_origin(kind) is dict
        if info and (value in (None, "") or (is_object and value == [])):
            continue
        kept[key] = said(value, part) if part else value
        if key == "profiles" and isinstance(value, dict):
            overlays = cast("Raw", value).items()
            kept[key] = {name: said(overlay, Profile) for name, overlay in overlays}
    return kept


@dataclass(frozen=True, slots=True)
class KeyOrigins:
    """Whose keys are in play."""

    own: Raw
    """What all the user's own sources say, put together."""
    channel: Raw
    """What all of the channel says, put together."""
    environ: Mapping[str, str]

    def goes_along(self, profile: str = "") -> bool:
        """Whether a key is sent that the channel did not bring itself.

        It brings its own when both the address and the key are its word. Headers and query of the
        user's may be keys as well.
        """
        own, channel = self._provider(self.own, profile), self._provider(self.channel, profile)
        if channel.get("apiKey") and channel.get("baseUrl") and not own.get("baseUrl"):
            return False
        if any(own.get(name) for name in ("apiKey", "apiKeyCommand", "headers", "query")):
            return True
        names = {own.get("apiKeyEnv", _DEFAULT_KEY), channel.get("apiKeyEnv", _DEFAULT_KEY)}
        return any(self.environ.get(str(name)) for name in (*names, ORIGIN_KEYS))

    def stands_in(self, profile: str = "") -> bool:
        """Whether a key of the channel would go to an address that is not its own word."""
        own, channel = self._provider(self.own, profile), self._provider(self.channel, profile)
        return bool(own.get("baseUrl")) or not channel.get("baseUrl")

    @staticmethod
    def _provider(raw: Raw, profile: str) -> Raw:
        common = object_or_empty(raw.get("provider"))
        overlay = object_or_empty(object_or_empty(raw.get("profiles")).get(profile))
        return laid_over(common, overlay.get("provider"))


_DEFAULT_KEY = "OPENAI_API_KEY"


def tightened(raw: Raw, under: Raw, source: str, keys: KeyOrigins) -> tuple[Raw, list[Held]]:
    """The part of an untrusted source that only tightens, and what it would widen.

    `under` is what the weaker sources say, put together.
    """
    base = as_json(Settings.model_validate_json(json.dumps(under)))
    kept: Raw = json.loads(json.dumps(raw))
    held: list[Held] = []
    for path, stricter in list(_widenings(kept, base, keys)):
        value = _take(kept, path)
        held.append(Held(path, value, source))
        if stricter is not None:
            put(kept, path, stricter)
    return kept, held


def _widenings(raw: Raw, base: Raw, keys: KeyOrigins) -> Iterator[tuple[tuple[str, ...], object]]:
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
    if raw.get("customInstructions", base["customInstructions"]) != base["customInstructions"]:
        yield ("customInstructions",), None
    yield from _command_widenings(raw, base)
    yield from _key_widenings(raw, base, keys)


_STRICTNESS = ("off", "auto", "required")


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
    visible: list[str] = commands.get("visible", [])
    if any(each not in base["commands"]["visible"] for each in visible):
        yield ("commands", "visible"), None
    for key, value in object_or_empty(commands.get("limits")).items():
        before = base["commands"]["limits"][key]
        if before and (value == 0 or value > before):
            yield ("commands", "limits", key), None
    sandbox = commands.get("sandbox", base["commands"]["sandbox"])
    if _STRICTNESS.index(sandbox) < _STRICTNESS.index(base["commands"]["sandbox"]):
        yield ("commands", "sandbox"), None


_ALWAYS = ("proxy", "tls", "apiKeyEnv", "apiKeyCommand")
"""What decides which key is read and who can see it; where it goes is bound by its origin."""
_WITH_A_KEY = ("headers", "query", "extraBody")
"""What says whose account a key is used for, and what is done there."""


def _key_widenings(
    raw: Raw, base: Raw, keys: KeyOrigins
) -> Iterator[tuple[tuple[str, ...], object]]:
    places: list[tuple[tuple[str, ...], Raw, str]] = [(("provider",), base["provider"], "")]
    for name, overlay in object_or_empty(raw.get("profiles")).items():
        below = object_or_empty(base["profiles"].get(name))
        if object_or_empty(overlay).get("provider"):
            under = object_or_empty(below.get("provider"))
            places.append((("profiles", name, "provider"), under, name))
    for path, before, profile in places:
        node = raw
        for step in path:
            node = object_or_empty(node.get(step))
        held = [*_ALWAYS]
        held += _WITH_A_KEY if keys.goes_along(profile) else ()
        held += ["apiKey"] if keys.goes_along(profile) or keys.stands_in(profile) else ()
        for key in held:
            if node.get(key, {}) not in ({}, before.get(key)):
                yield (*path, key), None


def _take(raw: Raw, path: Sequence[str]) -> object:
    for step in path[:-1]:
        raw = raw[step]
    return raw.pop(path[-1])


def put(raw: Raw, path: Sequence[str], value: object) -> None:
    """Set the value that these keys lead to."""
    for step in path[:-1]:
        raw = raw.setdefault(step, {})
    raw[path[-1]] = value


def laid_over(under: Raw, over: object) -> Raw:
    """One object over another, key by key."""
    result = dict(under)
    for key, value in object_or_empty(over).items():
        below: object = result.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        result[key] = laid_over(cast("Raw", below), cast("Raw", value)) if both else value
    return result


def as_json(settings: Settings) -> Raw:
    """The settings as JSON has them."""
    return json.loads(settings.model_dump_json(by_alias=True))
