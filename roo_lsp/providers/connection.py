"""The openai client for an endpoint: addresses, headers, certificates and proxies.

Everything is explicit, so that nothing of the environment decides where a key goes, and redirects
are never followed.
"""

import re
import ssl
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx2
import openai

from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError


class Client(openai.AsyncOpenAI):
    """The SDK's client, with no headers but ours.

    The SDK would add what it finds in OPENAI_CUSTOM_HEADERS, OPENAI_ORG_ID and OPENAI_PROJECT_ID,
    and the platform it runs on.
    """

    own_headers: dict[str, str] = {}  # noqa: RUF012 -- set once, for each instance

    @property
    def default_headers(self) -> dict[str, Any]:
        return self.own_headers


def client(endpoint: Endpoint, base: str, query: dict[str, str]) -> Client:
    key = endpoint.api_key or ""
    headers = {
        "Accept": "application/json, text/event-stream",
        "Accept-Encoding": "identity",  # no bombs, and nothing held back by a compressor
        "Content-Type": "application/json",
        "User-Agent": "roo-lsp",
    }
    if endpoint.azure_api_version is not None:
        query = {"api-version": endpoint.azure_api_version, **query}
        headers |= {"api-key": key} if key else {}
        key = ""
    given = {name.lower() for name in endpoint.headers}
    headers = {k: v for k, v in headers.items() if k.lower() not in given} | dict(endpoint.headers)
    limits = endpoint.timeouts
    client = Client(
        api_key=key,
        admin_api_key="",  # not None: the environment is not asked
        organization="",
        project="",
        webhook_secret="",
        base_url=base,
        max_retries=0,
        default_query=query,
        http_client=httpx2.AsyncClient(
            verify=_tls(endpoint, base),
            proxy=endpoint.proxy or None,
            trust_env=not endpoint.proxy and not _is_loopback(base),
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=limits.connect or None),
            # Shorter than servers keep theirs (llama.cpp and uvicorn 5 s): they close first otherwise.
            limits=httpx2.Limits(keepalive_expiry=3),
        ),
    )
    client.own_headers = headers
    return client


def _tls(endpoint: Endpoint, base: str) -> ssl.SSLContext:
    """What connections are verified with; the system's authorities are read only if needed."""
    tls = endpoint.tls
    try:
        if not tls.verify:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif tls.ca_file:
            context = ssl.create_default_context(cafile=tls.ca_file)
        elif base.startswith("http://") and not (endpoint.proxy or "").startswith("https"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used
        else:
            context = httpx2.create_ssl_context()
        if tls.client_cert:
            context.load_cert_chain(tls.client_cert, tls.client_key)
    except OSError as error:
        raise _invalid(
            f"A certificate file cannot be used: {error.strerror or error}.",
            "Check roo.provider.tls.caFile, clientCert and clientKey.",
        ) from None
    return context


def _is_loopback(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def address(endpoint: Endpoint) -> tuple[str, dict[str, str]]:
    """The address without its query and last slash, and the whole query."""
    parts = urlsplit(endpoint.base_url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise _invalid(
            f"roo.provider.baseUrl is not an http or https address: {endpoint.base_url!r}.",
            "It looks like http://127.0.0.1:11434/v1.",
        )
    for name, value in {"the API key": endpoint.api_key or "", **endpoint.headers}.items():
        if not value.isascii() or any(ord(c) < 32 or ord(c) == 127 for c in value):
            raise _invalid(
                f"{name} has characters in it that cannot be sent in a header.",
                "Check roo.provider.apiKeyEnv and roo.provider.headers for line ends and quotes.",
            )
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    base = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return base, {**dict(parse_qsl(parts.query)), **endpoint.query}


def _invalid(message: str, hint: str) -> ProviderError:
    return ProviderError("settings_invalid", message, hint)


def azure_url(base: str, path: str, model: str) -> str:
    """Azure's addressing; the base may be the resource, with or without `/openai` behind it."""
    if "/deployments/" in base or base.endswith("/models"):
        return base + path
    root = re.sub(r"/openai(/v1)?$", "", base)
    return f"{root}/openai/deployments/{model}{path}" if model else f"{root}/openai{path}"


def secrets(endpoint: Endpoint) -> tuple[str, ...]:
    telling = re.compile(r"auth|key|token|secret|cookie|password", re.IGNORECASE)
    values = [
        value
        for name, value in [*endpoint.headers.items(), *endpoint.query.items()]
        if telling.search(name)
    ]
    return tuple(filter(None, [endpoint.api_key, urlsplit(endpoint.base_url).password, *values]))


def request_options(client: Client) -> Any:
    """What the SDK would add by itself, taken away; without a key no Authorization either."""
    headers: dict[str, Any] = {
        "x-stainless-retry-count": openai.omit,
        "x-stainless-read-timeout": openai.omit,
    }
    own = any(name.lower() == "authorization" for name in client.own_headers)
    if not own and not client.api_key:
        headers["Authorization"] = openai.omit
    return {"headers": headers}
