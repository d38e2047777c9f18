"""What an endpoint refused, as a sentence for the user: its own words, and which setting to look at.

Nothing here knows the HTTP client; `openai_compatible` hands over status, headers and body.
"""

import json
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from roo_lsp.agent.errors import ErrorCode, RooError
from roo_lsp.providers import overflow, waits

MAX_WORDS = 300
"""Characters of an endpoint's own words that are shown."""
MAX_READ = 4000
"""Characters of them that are looked at."""


class ProviderError(RooError):
    """A request to the endpoint that failed, with what decides whether to make it again."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        hint: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
        window: int | None = None,
        said: str = "",
        bytes_only: bool = False,
    ) -> None:
        super().__init__(code, message, hint, window=window, bytes_only=bytes_only)
        self.said = said
        """All that the endpoint said, for what looks for a reason in it; not for people."""
        self.status = status
        self.retry_after = retry_after
        """Seconds that the endpoint asks to wait."""
        self.retryable = retryable

    def hinting(self, hint: str) -> "ProviderError":
        """The same error with something else to do about it."""
        return ProviderError(self.code, self.message, hint, status=self.status, said=self.said)

    def saying(self, more: str, hint: str = "") -> "ProviderError":
        """The same error with one more sentence in it, not to be retried."""
        end = "" if self.message[-1:] in ".!?…" else "."
        return ProviderError(
            self.code,
            f"{self.message}{end} {more}",
            hint or self.hint,
            status=self.status,
            retry_after=self.retry_after,
        )


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """What was asked, as far as a message tells of it."""

    url: str
    model: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must not be in any message: the key, values of headers."""

    @property
    def shown(self) -> str:
        """The address, without user, password and query."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is an error: an HTTP response, or an error object inside a stream."""

    status: int | None
    body: object
    """Parsed JSON, or text."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def refusal(reply: Reply, target: RequestTarget) -> ProviderError:
    """The error that a reply stands for."""
    found = _Found.read(reply.body)
    status = reply.status
    words = _cut(redact(found.words, target.secrets))
    said = f": {words}" if words else "."
    wait = _asked_wait(reply.headers, found)
    # OpenAI and proxies after it say so of what looks as if it would pass; its SDK obeys it too.
    final = reply.headers.get("x-should-retry", "").strip().lower() == "false"

    def error(
        code: ErrorCode,
        message: str,
        hint: str,
        *,
        retryable: bool = False,
    ) -> ProviderError:
        return ProviderError(
            code,
            message,
            hint,
            status=status,
            retry_after=wait,
            retryable=retryable and not final,
            said=_all(reply.body),
        )

    if status is not None and 300 <= status < 400:
        to = redact(reply.headers.get("location", ""), target.secrets)
        to = RequestTarget(to).shown if to else "nowhere"
        return error(
            "connection_failed",
            f"{target.shown} redirects to {to}, which was not followed (HTTP {status}).",
            "Set roo.provider.baseUrl to the address that answers itself.",
        )
    if status in {401, 403} or (status is None and found.names({"invalid_api_key"})):
        return error(
            "invalid_api_key",
            f"The endpoint does not accept the API key{_http(status)}{said}",
            "Check the key: roo.provider.apiKeyEnv names the environment variable that holds it, "
            "roo.provider.apiKeyCommand the program that prints it.",
        )
    if found.names(_NO_CREDIT) or status == 402:
        return error(
            "rate_limited",
            f"The account at the endpoint has no credit or quota left{_http(status)}{said}",
            "Add credit there, or choose another profile or model with roo.profile or "
            "roo.provider.modelId.",
        )
    if status == 413 or overflow.is_overflow(found.codes, found.words):
        return _too_long(reply, found, said)
    if status == 429 or (_passing(status) and found.names(_TOO_OFTEN)):
        return error(
            "rate_limited",
            f"The endpoint limits how often it is asked{_http(status)}{said}",
            "Wait a while, or set roo.provider.rateLimitSeconds.",
            retryable=True,
        )
    if _NO_TOOLS.search(found.words):
        return error(
            "tool_calling_unsupported",
            f"The model or its server does not do tool calls{_http(status)}{said}",
            "Choose a model with native tool calling (roo.provider.modelId), or switch it on at "
            "the server (vLLM: --enable-auto-tool-choice and --tool-call-parser; llama.cpp: "
            "--jinja).",
        )
    if status == 404 or found.names({"model_not_found"}) or _NO_MODEL.search(found.words):
        return error(*_not_found(found, target, status, said))
    if status in {408, 504}:
        return error(
            "timeout",
            f"The endpoint took too long{_http(status)}{said}",
            "Try again; if it stays so, look at the endpoint's own limits.",
            retryable=True,
        )
    fault = status is None or status >= 500
    return error(
        "provider_error",
        f"The endpoint {'failed' if fault else 'refused the request'}{_http(status)}{said}",
        _what_to_do(found, fault=fault),
        retryable=_passing(status) and not found.names(_LASTING),
    )


def _too_long(reply: Reply, found: "_Found", said: str) -> ProviderError:
    """A conversation that the model's context does not hold, or a body that is too large."""
    http = _http(reply.status)
    if not overflow.is_overflow(found.codes, found.words):
        return ProviderError(
            "context_overflow",
            f"The request is larger than the endpoint, or a proxy before it, takes{http}{said}",
            "Start a new task, or raise the limit on a request's body there (nginx: "
            "client_max_body_size).",
            status=reply.status,
            said=_all(reply.body),
            bytes_only=True,
        )
    window = _window(found)
    return ProviderError(
        "context_overflow",
        f"The conversation is longer than the model's context{http}{said}",
        f"Set roo.model.contextWindow to {window or 'what the model really has'}, or start a new "
        "task.",
        status=reply.status,
        window=window,
        said=_all(reply.body),
    )


def _what_to_do(found: "_Found", *, fault: bool) -> str:
    if _UNREADABLE_CALL.search(found.words):
        return (
            "The model wrote a tool call that its server cannot read: choose another model "
            '(roo.provider.modelId), or try roo.provider.toolChoice "required".'
        )
    if fault:
        return "Try again; if it stays so, look at the endpoint's own log or status page."
    return (
        "Check what is sent: roo.provider.extraBody, headers, maxTokensField, reasoningEffort, "
        "strictTools."
    )


def _passing(status: int | None) -> bool:
    """True for a status that may be gone at the next try; None is an error inside a stream."""
    return (
        status is None or status in {408, 409, 429} or (status >= 500 and status not in {501, 505})
    )


def _asked_wait(headers: Mapping[str, str], found: "_Found") -> float | None:
    """Seconds that the endpoint asks to wait; what its headers say is the most exact."""
    for wait in (
        waits.asked_by_headers(headers),
        waits.asked_in_body(found.words, found.facts),
        waits.asked_by_headers(found.headers),
    ):
        if wait is not None:
            return wait
    return None


def unreachable(cause: BaseException, target: RequestTarget) -> ProviderError:
    """The error for a connection that could not be made, or broke before any answer."""
    parts = urlsplit(target.url)
    where = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    chain = list(_causes(cause))
    kind, hint, passing = _reason(chain)
    said = redact(_short_line(str(chain[-1]) or type(chain[-1]).__name__), target.secrets)
    return ProviderError(
        "connection_failed",
        f"Cannot connect to {where} ({target.shown}): {(kind or said).rstrip('.')}.",
        hint,
        retryable=passing,
    )


def timed_out(
    limit: str, seconds: float, target: RequestTarget, *, waiting_for: str
) -> ProviderError:
    """The error for one of our own limits; `limit` is its key in `roo.provider.timeouts`."""
    return ProviderError(
        "timeout",
        f"{waiting_for} within {seconds:g} s from {target.shown}.",
        f"If it needs longer, raise roo.provider.timeouts.{limit} (0 for no limit).",
        retryable=True,
    )


def broken_stream(what: str, target: RequestTarget, *, retryable: bool = True) -> ProviderError:
    """The error for an answer that did not come whole; `what` begins `The answer …`."""
    return ProviderError(
        "stream_broken",
        redact(f"{what} ({target.shown}).", target.secrets),
        "Try again; if it stays so, look at the endpoint's log, or at a proxy between.",
        retryable=retryable,
    )


# --- the endpoint's own words -------------------------------------------------------------------

_NO_CREDIT = {
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "insufficient_balance",
    "insufficient_credits",
}
_TOO_OFTEN = {"rate_limit_exceeded", "rate_limit_error"}
_LASTING = {"invalid_request_error", "authentication_error", "permission_error", "not_supported"}

_NO_TOOLS = re.compile(
    "|".join(
        (
            r"does(?: not|n'?t) support (?:native )?(?:tool|function)",  # Ollama, many
            r"tool choice requires --enable-auto-tool-choice",  # vLLM
            r"no endpoints found that support tool",  # OpenRouter
            r"(?:tools?|tool[_ ]calling|function[_ ]calling|`tools`) (?:is|are) not supported",
            r"tools? param requires --jinja",  # llama.cpp
            r"unsupported parameter\W+tools\b",
        )
    ),
    re.IGNORECASE,
)
_UNREADABLE_CALL = re.compile(
    # llama.cpp, twice; Groq
    r"does not match the expected [\w-]+ format|empty grammar stack|failed to call a function",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model \S+ (?:was )?not found|model\b.{0,80}\bdoes not exist|no such model|not a valid model id"
    r"|unknown model|invalid model name",
    re.IGNORECASE,
)


class _Found:
    """What an error body says, wherever servers put it.

    `{"error": {"message": …}}` (OpenAI), `{"error": "…"}` (LM Studio, Ollama), `{"detail": …}`
    (FastAPI), `error.metadata.raw` (OpenRouter), JSON inside a string (proxies), plain text.
    """

    def __init__(self) -> None:
        self.codes: set[str] = set()
        self.facts: dict[str, object] = {}
        """Values under the names of `_FACTS`, the first of each."""
        self.headers: dict[str, str] = {}
        """Headers of the answer that a proxy got (OpenRouter's `metadata.headers`)."""
        self._words: list[str] = []

    @classmethod
    def read(cls, body: object) -> "_Found":
        found = cls()
        found._add(body, 0)
        return found

    def names(self, codes: Iterable[str]) -> bool:
        return not self.codes.isdisjoint(codes)

    @property
    def words(self) -> str:
        """All of the words, on one line of at most `MAX_READ` characters."""
        said = self._words
        unique = [w for i, w in enumerate(said) if w and not any(w in o for o in said[:i])]
        return _flat(" — ".join(unique))

    def _add(self, value: object, depth: int) -> None:
        if depth > 6:
            return
        match value:
            case str():
                inner = _json(value)
                if inner is None:
                    self._words.append(_without_tags(value))
                else:
                    self._add(inner, depth + 1)
            case dict():
                self._add_object(cast("dict[str, object]", value), depth)
            case list():
                for item in cast("list[object]", value)[:3]:
                    self._add(item, depth + 1)
            case _:
                pass

    def _add_object(self, items: dict[str, object], depth: int) -> None:
        self.codes.update(c for key in ("code", "type") if isinstance(c := items.get(key), str))
        for name in _FACTS & items.keys():
            self.facts.setdefault(name, items[name])
        raw = None
        if isinstance(items.get("metadata"), dict):
            metadata = cast("dict[str, object]", items["metadata"])
            raw = metadata.get("raw")
            if isinstance(headers := metadata.get("headers"), dict):
                named = cast("dict[str, object]", headers).items()
                self.headers |= {name.lower(): str(value) for name, value in named}
            self.facts |= {name: metadata[name] for name in _FACTS & metadata.keys()}
        for part in (raw, *(items.get(key) for key in _WORDY)):
            if part:
                self._add(part, depth + 1)
        if isinstance(place := items.get("loc"), list) and self._words:
            self._words[-1] += f" ({'.'.join(map(str, cast('list[object]', place)))})"


_WORDY = ("error", "message", "msg", "detail", "details", "errors", "base_resp", "status_msg")
"""Where servers put words, the most telling first."""
_FACTS = {"n_ctx", "retry_after", "retry_after_ms", "retry_after_seconds", "retryDelay"}


def _window(found: _Found) -> int | None:
    """The tokens of the model's context: llama.cpp has a field for it, others write it."""
    n_ctx = found.facts.get("n_ctx")
    return n_ctx if type(n_ctx) is int and n_ctx > 0 else overflow.limit(found.words)


def _json(text: str) -> object:
    """The object or list that a text is, or that stands at its end behind a few words."""
    stripped = text.strip()
    at = stripped.find("{")
    if at < 0 and not stripped.startswith("["):
        return None
    for candidate in (stripped, stripped[at:]):
        try:
            value: object = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return cast("object", value)
    return None


def _all(body: object) -> str:
    """A body as text, as far as it is looked at."""
    try:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    except RecursionError:
        return ""
    return text[:MAX_READ]


def _without_tags(text: str) -> str:
    """A page's words: nobody wants to read HTML in a message."""
    if not text.lstrip().startswith("<"):
        return text
    text = re.sub(r"(?is)<(script|style)\b.*?</\1>", " ", text[:20_000])
    return re.sub(r"<[^>]*>", " ", text)


def _flat(text: str) -> str:
    """On one line, without control characters, not longer than is read."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:MAX_READ]).split())


def _cut(words: str) -> str:
    """Not longer than is shown."""
    return words if len(words) <= MAX_WORDS else words[: MAX_WORDS - 1] + "…"


def _short_line(text: str) -> str:
    """What can be part of a message."""
    return _cut(_flat(text))


_SECRET = re.compile(
    r"""(?ix)
    \b(?:bearer|basic)\s+[\w.~+/=*-]{6,}
    | \b(?:sk|pk|rk|gsk|xai|nvapi|hf|r8|ghp|gho)[-_][\w*.-]{6,}
    | \b(?:key|api)[-_](?=[\w*.-]*\d)[\w*.-]{10,}
    | \bAIza[\w-]{10,}
    | \beyJ[\w-]{6,}\.[\w.-]+
    | (?<=[?&])(?:api[-_]?key|key|token|access_token)=[^&\s]+
    """
)
REDACTED = "[redacted]"


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets and without whatever looks like a key."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, REDACTED)
    return _SECRET.sub(REDACTED, text)


# --- details ------------------------------------------------------------------------------------


def _http(status: int | None) -> str:
    return "" if status is None else f" (HTTP {status})"


def _not_found(
    found: _Found, target: RequestTarget, status: int | None, said: str
) -> tuple[ErrorCode, str, str]:
    """A model that is not there, or an address where no such API is."""
    about_model = (
        found.names({"model_not_found"})
        or _NO_MODEL.search(found.words)
        or (target.model and target.model in found.words)
    )
    if about_model:
        return (
            "model_not_found",
            f"The endpoint does not have the model {target.model!r}{_http(status)}{said}",
            "Set roo.provider.modelId to one it has (`roo-lsp doctor` lists them).",
        )
    base = re.sub("/(chat/completions|responses|models)$", "", target.shown)
    versioned = re.search(r"/v\d|/openai\b|/api/", base + "/")
    return (
        "model_not_found",
        f"Nothing answers at {target.shown}{_http(status)}{said}",
        "Check roo.provider.baseUrl and roo.provider.modelId."
        if versioned
        else f"roo.provider.baseUrl probably lacks its version: try {base}/v1.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it; of several, the first."""
    current: BaseException | None = error
    seen = 0
    while current is not None and seen < 20:
        yield current
        seen += 1
        if isinstance(current, BaseExceptionGroup):
            current = cast("BaseExceptionGroup[BaseException]", current).exceptions[0]
        else:
            current = current.__cause__ or current.__context__


def _reason(chain: list[BaseException]) -> tuple[str, str, bool]:
    """What went wrong, what to do, and whether it may pass."""
    check = "Check roo.provider.baseUrl, and that the server runs."
    for cause in chain:
        match cause:
            case ssl.SSLCertVerificationError():
                hint = "For a private authority set roo.provider.tls.caFile."
                return (f"its TLS certificate is not trusted ({cause.verify_message})", hint, False)
            case ssl.SSLError():
                hint = "Check http:// or https:// in roo.provider.baseUrl, and roo.provider.tls."
                return (f"TLS failed ({cause.reason or cause})", hint, False)
            case socket.gaierror():
                return (
                    "the name cannot be resolved",
                    "Check the host in roo.provider.baseUrl, and the network.",
                    True,
                )
            case ConnectionRefusedError():
                return ("the connection was refused", check, True)
            case ConnectionResetError() | BrokenPipeError():
                return ("the connection was reset", check, True)
            case _ if type(cause).__name__ == "ProxyError":
                return (
                    f"the proxy refused ({_short_line(str(cause))})",
                    "Check roo.provider.proxy, or HTTP_PROXY and HTTPS_PROXY.",
                    True,
                )
            case OSError() if "All connection attempts failed" not in str(cause):
                return (_short_line(cause.strerror or str(cause)), check, True)
            case _:
                continue
    return ("", check, True)
