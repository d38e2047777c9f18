"""From settings to a model that can be asked: the address, the key, and whether it may go there."""

import asyncio
import importlib
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import EventSink
from roo_lsp.agent.ports import ChatModel
from roo_lsp.agent.redaction import Keys
from roo_lsp.providers import discovery
from roo_lsp.providers.discovery import discover
from roo_lsp.providers.endpoint import Endpoint, Timeouts, Tls
from roo_lsp.providers.errors import RequestTarget
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.report import Check
from roo_lsp.providers.retrying import Pace, RetryingModel
from roo_lsp.settings import ORIGIN_KEYS, Settings
from roo_lsp.settings_sources import COMMAND_LINE, Effective, no_profile
from roo_lsp.workspace.trust import PROMPTS, TrustStore, is_loopback, origin_of

KEY_COMMAND_SECONDS = 60.0
"""How long `apiKeyCommand` may take: a password manager may ask for its passphrase."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What would go to an origin that the user has not named."""

    origin: str
    names: tuple[str, ...]
    """Of keys; `PROMPTS` for the user's words and code."""

    @property
    def goods(self) -> str:
        """For people: what would go there."""
        keys = [name for name in self.names if name != PROMPTS]
        whose = f"the key{'s' * (len(keys) > 1)} {' and '.join(keys)}"
        if PROMPTS not in self.names:
            return whose
        return f"your prompts, code and {whose}" if keys else "your prompts and code"


AskPassage = Callable[[Passage], Awaitable[bool]]
"""Asks the user whether all of it may go there."""


class ConnectedModel(ChatModel, Protocol):
    """A model that holds connections."""

    async def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the name it is bound by; the key itself is never shown."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go."""

    url: str
    bound: bool | None
    """Whether naming it binds it; None for one that was found, which gets no key."""
    note: str = ""
    """For people: how it was found."""


@dataclass(slots=True)
class Connection:
    """The way to the endpoints of one server; clients and keys are kept while nothing changes."""

    trust: TrustStore
    memory: Memory = field(default_factory=Memory)
    """What is known of endpoints."""
    keys: Keys = field(default_factory=Keys)
    """Those that were used, to be shown nowhere."""
    found: str = ""
    """The address that was found last, where none is set."""
    _clients: list[tuple[Endpoint, ConnectedModel]] = field(
        default_factory=list[tuple[Endpoint, ConnectedModel]]
    )
    _paces: dict[tuple[str, float], Pace] = field(default_factory=dict[tuple[str, float], Pace])
    _command_keys: dict[Sequence[str], str] = field(default_factory=dict[Sequence[str], str])

    async def model(
        self, effective: Effective, profile: str, emit: EventSink, ask: AskPassage
    ) -> ChatModel:
        """The model that these settings name, with retries.

        Raises:
            RooError: no endpoint, no model, no right to send the key there.
        """
        settings = effective.for_profile(profile)
        endpoint = await self.endpoint(effective, profile, ask)
        client = next((client for known, client in self._clients if known == endpoint), None)
        if client is None:
            client = await asyncio.to_thread(_client, endpoint, self.memory)
            self._clients.append((endpoint, client))
        retry = settings.provider.retry
        return RetryingModel(
            client,
            emit,
            attempts=retry.attempts,
            max_delay=retry.max_delay,
            pace=self._pace(endpoint.base_url, settings.provider.rate_limit_seconds),
        )

    async def close(self) -> None:
        """Hang up on every endpoint."""
        await asyncio.gather(*(client.close() for _, client in self._clients))
        self._clients.clear()

    def _pace(self, base_url: str, seconds: float) -> Pace | None:
        """What keeps the starts of requests to one endpoint apart, for all tasks together."""
        key = (origin_of(base_url), seconds)
        return self._paces.setdefault(key, Pace(seconds)) if seconds else None

    async def examine(
        self, endpoint: Endpoint, on_check: Callable[[Check], None]
    ) -> tuple[list[Check], list[str], str]:
        """The endpoint test, what is known of the endpoint after it, and which API is better there.

        `on_check` is told of each finding as it is made.
        """
        probe = await asyncio.to_thread(importlib.import_module, "roo_lsp.providers.probe")
        checks = await probe.probe(endpoint, on_check, self.memory)
        known = self.learnt(endpoint.base_url, endpoint.model)
        if all(check.status == "ok" for check in checks[:3]):  # connect, key, model
            apis = await asyncio.to_thread(importlib.import_module, "roo_lsp.providers.apis")
            return checks, known, await apis.compared(endpoint, self.memory)
        return checks, known, ""

    def learnt(self, base_url: str, model: str = "") -> list[str]:
        """What is known of an endpoint, in sentences; without a model, of each of its models."""
        url = RequestTarget(base_url).shown.rstrip("/").removesuffix("/chat/completions")
        return self.memory.about(url, model)

    def passage(self, effective: Effective, profile: str) -> Passage | None:
        """What the user would have to allow before these settings can be used; nothing is asked, and
        no program run for a key. None where an address is still to be looked for.
        """
        settings = effective.for_profile(profile)
        try:
            address = _set_address(effective, settings, profile)
        except RooError:
            return None
        return self._passage(effective, settings, profile, address) if address else None

    def _passage(
        self, effective: Effective, settings: Settings, profile: str, address: Address
    ) -> Passage | None:
        if address.bound is not False:
            return None
        origin = origin_of(address.url)
        key = None if _stored_key(address.url) else _key_name(settings)
        wanted = [PROMPTS, *([key] if key else []), *_own_headers(effective, profile)]
        if _stored_key(address.url):  # its user has named this origin
            wanted.remove(PROMPTS)
        names = tuple(name for name in wanted if not self.trust.is_bound(origin, name))
        # Where a key may go, prompts may go.
        if names == (PROMPTS,) and len(wanted) > 1:
            return None
        return Passage(origin, names) if names else None

    def allow(self, passage: Passage) -> None:
        """The user has said yes."""
        for name in passage.names:
            self.trust.bind(passage.origin, name)

    async def endpoint(self, effective: Effective, profile: str, ask: AskPassage) -> Endpoint:
        """Where requests go, with everything the user set.

        Raises:
            RooError: as for `model`.
        """
        if profile and profile not in effective.settings.profiles:
            said = no_profile(profile, effective.settings)
            raise RooError(
                "settings_invalid",
                f"{said[0].upper()}{said[1:]}.",
                "Look at roo.profile, roo.modeProfiles and $ROO_PROFILE.",
            )
        settings = effective.for_profile(profile)
        address = await _address(effective, settings, profile)
        found = address.bound is None
        if found:
            self.found = address.url
        if passage := self._passage(effective, settings, profile, address):
            await self._ask(passage, ask)
        key = None if found else _stored_key(address.url) or await self._key(settings)
        self.keys.learn(key.value if key else "")
        key_name = key.name if key else "" if found else settings.provider.api_key_env
        return _endpoint(settings, address, key, key_name)

    def know(self, effective: Effective) -> None:
        """Have the keys that these settings name, in any profile, shown nowhere from now on."""
        for profile in ("", *effective.settings.profiles):
            settings = effective.for_profile(profile)
            provider = settings.provider
            for value in (
                provider.api_key or "",
                os.environ.get(provider.api_key_env or " ", ""),
                *_secret_values(effective, settings, profile),
            ):
                self.keys.learn(value)
        for entry in os.environ.get(ORIGIN_KEYS, "").split():
            self.keys.learn(os.environ.get(entry.rpartition("=")[2], ""))

    async def _key(self, settings: Settings) -> Key | None:
        provider = settings.provider
        name, command = _key_name(settings), provider.api_key_command
        if provider.api_key:
            return Key(name, provider.api_key)
        if command:
            if command not in self._command_keys:
                self._command_keys[command] = await asyncio.to_thread(_run_for_key, command)
            return Key(name, self._command_keys[command])
        return Key(name, os.environ[name]) if name else None

    async def _ask(self, passage: Passage, ask: AskPassage) -> None:
        if not await ask(passage):
            goods = f"{passage.goods[0].upper()}{passage.goods[1:]}"
            raise RooError(
                "settings_invalid",
                f"{goods}: that was not allowed to go to {passage.origin}.",
                f'To allow it: ROO_TRUST_ORIGINS="{passage.origin}", or name the endpoint in your '
                "own settings.json. To send no key: set provider.apiKeyEnv to an empty string there.",
            )
        self.allow(passage)


def _secret_values(effective: Effective, settings: Settings, profile: str) -> Iterator[str]:
    """What else of the user's goes along and may be a key, and passwords in addresses."""
    provider = settings.provider
    own = {name.rpartition(".")[2] for name in _own_headers(effective, profile)}
    yield from provider.headers.values() if "headers" in own else ()
    yield from provider.query.values() if "query" in own else ()
    for url in (provider.base_url, provider.proxy or ""):
        with suppress(ValueError):
            yield urlsplit(url).password or ""


def _key_name(settings: Settings) -> str:
    """What the key is called by which it is bound, without having it; empty where none is set."""
    provider = settings.provider
    if provider.api_key:
        return "roo.provider.apiKey"
    if provider.api_key_command:
        return " ".join(provider.api_key_command)
    return provider.api_key_env if os.environ.get(provider.api_key_env or " ") else ""


def key_source(settings: Settings) -> str | None:
    """Where the key of the endpoint would come from, for people; None where there is none and one is wanted."""
    provider = settings.provider
    if provider.api_key:
        return "provider.apiKey of the settings"
    if provider.api_key_command:
        return f"the program {provider.api_key_command[0]}"
    name = provider.api_key_env
    if name and os.environ.get(name):
        return f"the environment's {name}"
    url = configured_url(settings)
    if url and _stored_key(url) is not None:
        return "the editor's store of keys"
    local = not url or is_loopback(origin_of(url) or "")
    return "none, for a model on this machine" if local else None


def _stored_key(base_url: str) -> Key | None:
    """The key that the user has stored for exactly this origin."""
    origin = origin_of(base_url)
    for entry in os.environ.get(ORIGIN_KEYS, "").split():
        bound_to, _, variable = entry.rpartition("=")
        if bound_to == origin and (value := os.environ.get(variable, "")):
            return Key(f"stored for {origin}", value)
    return None


def _own_headers(effective: Effective, profile: str) -> list[str]:
    """Names of the user's own headers and query, which may be keys as well; none of the channel's."""
    places = ("provider.", f"profiles.{profile}.provider.")
    return [
        f"roo.provider.{kind}"
        for kind in ("headers", "query")
        if any(
            source in effective.trusted_sources
            and path.startswith(tuple(f"{place}{kind}." for place in places))
            for path, source in effective.origins.items()
        )
    ]


def _set_address(effective: Effective, settings: Settings, profile: str) -> Address | None:
    """Where the settings or the environment say to go; None where they do not."""
    if url := _usable(settings.provider.base_url, "roo.provider.baseUrl"):
        return Address(url, _source_of_url(effective, profile) in effective.trusted_sources)
    if url := _usable(os.environ.get("OPENAI_BASE_URL", ""), "$OPENAI_BASE_URL"):
        return Address(url, bound=True, note="The address is that of $OPENAI_BASE_URL.")
    return None


async def _address(effective: Effective, settings: Settings, profile: str) -> Address:
    """Where the settings, the environment, or what runs on this machine say to go."""
    if address := _set_address(effective, settings, profile):
        return address
    tried = await discover()
    model = settings.provider.model_id
    if chosen := discovery.choose(tried, model):
        return Address(chosen.base_url, None, discovery.why(chosen, tried, model))
    raise RooError(
        "settings_invalid",
        discovery.nothing(tried),
        "Set roo.provider.baseUrl and roo.provider.modelId ($ROO_BASE_URL and $ROO_MODEL), or start "
        "one of these servers. `roo-lsp demo` needs none.",
    )


def _usable(url: str, name: str) -> str:
    """The address; the rest relies on its having a scheme, a host and perhaps a port.

    Raises:
        RooError: it is none.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not match
        usable = False
    if url and not usable:
        raise RooError(
            "settings_invalid",
            f"{name} is not an http or https address: {url.rpartition('@')[2]!r}.",
            "It looks like http://127.0.0.1:11434/v1.",
        )
    return url


def _source_of_url(effective: Effective, profile: str) -> str:
    """The source that names the address: the command line, the profile's, else the common one."""
    common = effective.origins.get("provider.baseUrl", "")
    if common == COMMAND_LINE:
        return common
    return effective.origins.get(f"profiles.{profile}.provider.baseUrl", common)


def configured_url(settings: Settings) -> str:
    """The address that is set, without user, password and query; empty where one is looked for."""
    url = settings.provider.base_url or os.environ.get("OPENAI_BASE_URL", "")
    try:
        return RequestTarget(_usable(url, "")).shown
    except RooError:
        return ""


def _client(endpoint: Endpoint, memory: Memory) -> ConnectedModel:
    # The one lazy import: the SDK costs as much as the rest of the start, and a thread pays for it.
    from roo_lsp.providers.openai_compatible import OpenAICompatible  # noqa: PLC0415

    return OpenAICompatible(endpoint, memory)


def preload() -> None:
    """Import what the first request needs, and make what is made once."""
    load_client().warm_up()


def load_client() -> Any:
    """Import what requests are made with; a second one waits for the first."""
    return importlib.import_module("roo_lsp.providers.openai_compatible")


async def list_models(endpoint: Endpoint) -> list[str]:
    """The ids of the models that an endpoint serves.

    Raises:
        RooError: it could not be asked; a failure is never an empty list.
    """
    probe = await asyncio.to_thread(importlib.import_module, "roo_lsp.providers.probe")
    return await probe.list_models(endpoint)


def _run_for_key(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=KEY_COMMAND_SECONDS,
            check=True,
            text=True,
        )
    except subprocess.TimeoutExpired:
        why = f"did not end within {KEY_COMMAND_SECONDS:g} s"
    except subprocess.CalledProcessError as error:
        why = f"ended with exit code {error.returncode}: {str(error.stderr).strip()[:200]}"
    except OSError as error:
        why = f"could not be started: {error.strerror}"
    else:
        if key := done.stdout.strip():
            return key
        why = "printed nothing"
    raise RooError(
        "settings_invalid",
        f"roo.provider.apiKeyCommand ({command[0]}) {why}.",
        "Run it in a terminal to see what is wrong.",
    )


def _endpoint(settings: Settings, address: Address, key: Key | None, key_name: str) -> Endpoint:
    provider, tls = settings.provider, settings.provider.tls
    return Endpoint(
        base_url=address.url,
        model=provider.model_id,
        api_key=key.value if key else None,
        key_name=key_name,
        headers=provider.headers,
        query=provider.query,
        extra_body=provider.extra_body,
        azure_api_version=provider.azure_api_version,
        api=provider.api,
        streaming=provider.streaming,
        temperature=provider.temperature,
        top_p=provider.top_p,
        seed=provider.seed,
        max_tokens_field=provider.max_tokens_field,
        max_output_tokens=settings.model.max_output_tokens,
        parallel_tool_calls=provider.parallel_tool_calls,
        tool_choice=provider.tool_choice,
        strict_tools=provider.strict_tools,
        reasoning_effort=provider.reasoning_effort,
        replay_reasoning=provider.replay_reasoning,
        timeouts=Timeouts(
            connect=provider.timeouts.connect,
            first_token=provider.timeouts.first_token,
            idle=provider.timeouts.idle,
            total=provider.timeouts.total,
        ),
        tls=Tls(
            ca_file=tls.ca_file,
            client_cert=tls.client_cert,
            client_key=tls.client_key,
            verify=tls.verify,
        ),
        proxy=provider.proxy,
        supports_images=settings.model.supports_images,
        supports_prompt_cache=settings.model.supports_prompt_cache,
        note=address.note,
        context_window=settings.model.context_window,
    )
