"""From settings to a model that can be asked: the address, the key, and whether it may go there."""

import asyncio
import importlib
import os
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import EventSink
from roo_lsp.agent.ports import ChatModel
from roo_lsp.providers.discovery import discover
from roo_lsp.providers.endpoint import Endpoint, Timeouts, Tls
from roo_lsp.providers.report import Check
from roo_lsp.providers.retrying import Pace, RetryingModel
from roo_lsp.settings import Settings
from roo_lsp.settings_sources import Effective
from roo_lsp.workspace.trust import TrustStore, origin_of

KEY_COMMAND_SECONDS = 60.0
"""How long `apiKeyCommand` may take: a password manager may ask for its passphrase."""

AskForKey = Callable[[str, str], Awaitable[bool]]
"""Asks the user whether the key of that name may go to that origin."""


class Client(ChatModel, Protocol):
    """A model that holds connections."""

    async def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A key and the name it is bound by; the key itself is never shown."""

    name: str
    value: str = field(repr=False)


@dataclass(slots=True)
class Connection:
    """The way to the endpoints of one server; clients and keys are kept while nothing changes."""

    trust: TrustStore
    _clients: list[tuple[Endpoint, Client]] = field(default_factory=list[tuple[Endpoint, Client]])
    _paces: dict[float, Pace] = field(default_factory=dict[float, Pace])
    _command_keys: dict[Sequence[str], str] = field(default_factory=dict[Sequence[str], str])

    async def model(
        self, effective: Effective, profile: str, emit: EventSink, ask: AskForKey
    ) -> ChatModel:
        """The model that these settings name, with retries.

        Raises:
            RooError: no endpoint, no model, no right to send the key there.
        """
        settings = effective.for_profile(profile)
        endpoint = await self.endpoint(effective, profile, ask)
        client = next((client for known, client in self._clients if known == endpoint), None)
        if client is None:
            client = await asyncio.to_thread(_client, endpoint)
            self._clients.append((endpoint, client))
        retry = settings.provider.retry
        return RetryingModel(
            client,
            emit,
            attempts=retry.attempts,
            max_delay=retry.max_delay,
            pace=self._pace(settings.provider.rate_limit_seconds),
        )

    async def close(self) -> None:
        """Hang up on every endpoint."""
        await asyncio.gather(*(client.close() for _, client in self._clients))
        self._clients.clear()

    def _pace(self, seconds: float) -> Pace | None:
        """What keeps request starts apart, for all tasks together."""
        return self._paces.setdefault(seconds, Pace(seconds)) if seconds else None

    async def endpoint(self, effective: Effective, profile: str, ask: AskForKey) -> Endpoint:
        """Where requests go, with everything the user set.

        Raises:
            RooError: as for `model`.
        """
        settings = effective.for_profile(profile)
        base_url, bound = await self._base_url(effective, settings, profile)
        key = await self._key(settings) if bound is not None else None
        if not bound:
            for name in ([key.name] if key else []) + _own_headers(effective, profile):
                await self._bind(base_url, name, ask)
        return _endpoint(settings, base_url, key)

    async def _base_url(
        self, effective: Effective, settings: Settings, profile: str
    ) -> tuple[str, bool | None]:
        """The address; whether naming it binds it; None for a found one, which gets no key."""
        if settings.provider.base_url:
            paths = (f"profiles.{profile}.provider.baseUrl", "provider.baseUrl")
            source = next((effective.origins[p] for p in paths if p in effective.origins), "")
            return settings.provider.base_url, source in effective.trusted_sources
        if from_environment := os.environ.get("OPENAI_BASE_URL"):
            return from_environment, True
        found = await discover()
        if found:
            return found[0].base_url, None
        raise RooError(
            "settings_invalid",
            "No endpoint is set, and no local one answers on 127.0.0.1.",
            "Set roo.provider.baseUrl and roo.provider.modelId, or start Ollama, LM Studio, "
            "llama.cpp or vLLM.",
        )

    async def _key(self, settings: Settings) -> Key | None:
        provider = settings.provider
        if provider.api_key:
            return Key("roo.provider.apiKey", provider.api_key)
        if provider.api_key_command:
            command = provider.api_key_command
            if command not in self._command_keys:
                self._command_keys[command] = await asyncio.to_thread(_run_for_key, command)
            return Key(" ".join(command), self._command_keys[command])
        value = os.environ.get(provider.api_key_env, "") if provider.api_key_env else ""
        return Key(provider.api_key_env, value) if value else None

    async def _bind(self, base_url: str, name: str, ask: AskForKey) -> None:
        origin = origin_of(base_url)
        if self.trust.is_bound(origin, name):
            return
        if not await ask(origin, name):
            raise RooError(
                "settings_invalid",
                f"The key {name} was not allowed to go to {origin}.",
                f'To allow it: ROO_TRUST_ORIGINS="{origin}", or name the endpoint in your own '
                "settings.json. To send no key: set roo.provider.apiKeyEnv to an empty string.",
            )
        self.trust.bind(origin, name)


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


def _client(endpoint: Endpoint) -> Client:
    # The one lazy import: the SDK costs as much as the rest of the start, and a thread pays for it.
    from roo_lsp.providers.openai_compatible import OpenAICompatible  # noqa: PLC0415

    return OpenAICompatible(endpoint)


def preload() -> None:
    """Import what the first request needs, and make what is made once."""
    importlib.import_module("roo_lsp.providers.openai_compatible").warm_up()


async def list_models(endpoint: Endpoint) -> list[str]:
    """The ids of the models that an endpoint serves.

    Raises:
        RooError: it could not be asked; a failure is never an empty list.
    """
    probe = await asyncio.to_thread(importlib.import_module, "roo_lsp.providers.probe")
    return await probe.list_models(endpoint)


async def examine(endpoint: Endpoint, on_check: Callable[[Check], None]) -> list[Check]:
    """The endpoint test; `on_check` is told of each finding as it is made."""
    probe = await asyncio.to_thread(importlib.import_module, "roo_lsp.providers.probe")
    return await probe.probe(endpoint, on_check)


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


def _endpoint(settings: Settings, base_url: str, key: Key | None) -> Endpoint:
    provider, tls = settings.provider, settings.provider.tls
    return Endpoint(
        base_url=base_url,
        model=provider.model_id,
        api_key=key.value if key else None,
        headers=provider.headers,
        query=provider.query,
        extra_body=provider.extra_body,
        azure_api_version=provider.azure_api_version,
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
    )
