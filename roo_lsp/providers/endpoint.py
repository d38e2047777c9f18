"""What an endpoint is: where it is, what is sent to it, how long it may take. Light to import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; 0 is no limit. The names are those of `roo.provider.timeouts`."""

    connect: float = 10
    first_token: float = 300
    """From the request to the first piece of the answer."""
    idle: float = 120
    """Between two signs of life once the answer has begun."""
    total: float = 0


@dataclass(frozen=True, slots=True)
class Tls:
    """How the endpoint is verified, and how we show who we are."""

    ca_file: str | None = None
    """PEM file of the authorities to trust in place of the system's."""
    client_cert: str | None = None
    client_key: str | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint and a model of it. What is None or empty is not sent."""

    base_url: str
    model: str = ""
    """Empty: the one model that the endpoint serves."""
    api_key: str | None = field(default=None, repr=False)
    key_name: str = ""
    """What the key is called in messages: its environment variable, its setting."""
    headers: Headers = field(default_factory=dict[str, str], repr=False)
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    extra_body: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    azure_api_version: str | None = None
    api: Literal["auto", "chat", "responses"] = "auto"
    """Chat completions or the Responses API; auto: chat, until the endpoint says that it is the other."""
    streaming: bool = True
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens_field: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto"
    max_output_tokens: int | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: Literal["auto", "required"] = "auto"
    """`auto` is what endpoints do by themselves, and is not sent."""
    strict_tools: bool = False
    reasoning_effort: str | None = None
    replay_reasoning: Literal["auto", "always", "never"] = "auto"
    timeouts: Timeouts = Timeouts()
    tls: Tls = Tls()
    proxy: str | None = field(default=None, repr=False)
    """None: the environment's, though never for loopback."""
    supports_images: bool = False
    supports_prompt_cache: bool = False
    """Mark what Anthropic's models should keep of a request, as OpenRouter and LiteLLM pass it on."""
    note: str = field(default="", compare=False)
    """For people: how the address was found, where none was set."""
    context_window: int | None = None
    """What the user says of the model, in tokens; for the endpoint test to compare."""
