"""The openai client for an endpoint: addresses, headers, certificates and proxies.

Everything is explicit, so that nothing of the environment decides where a key goes, and redirects
are never followed.
"""

import re
import ssl
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai

from roo_lsp.providers import errors
from roo_lsp.providers.bodies import BoundedClient
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError, RequestTarget

KEEP_SECONDS = 3
"""How long a connection is kept that is not used; llama.cpp and uvicorn keep theirs for 5 s."""


class Client(openai.AsyncOpenAI):
    """The SDK's client, with no headers but ours.

    The SDK would add what it finds in OPENAI_CUSTOM_HEADERS, OPENAI_ORG_ID and OPENAI_PROJECT_ID,
    and the platform it runs on.
    """

    own_headers: dict[str, str] = {}  # noqa: RUF012 -- set once, for each instance
    proxy = ""
    """The proxy's address, with its credentials; empty without one."""

    @property
    def default_headers(self) -> dict[str, Any]:
        return self.own_headers


def without_blanks(endpoint: Endpoint) -> Endpoint:
    """The same without the blanks around key and headers: a copied key often ends in a line's end."""
    headers = {name.strip(): value.strip() for name, value in endpoint.headers.items()}
    key = endpoint.api_key.strip() if endpoint.api_key else None
    return replace(endpoint, api_key=key, headers=headers)


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
    proxy = _proxy(endpoint, base)
    tls = _tls(endpoint, base, proxy)
    client = Client(
        api_key=key,
        admin_api_key="",  # not None: the environment is not asked
        organization="",
        project="",
        webhook_secret="",
        base_url=base,
        max_retries=0,
        default_query=query,
        http_client=BoundedClient(
            verify=tls,
            proxy=_through(proxy, tls),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(None, connect=limits.connect or None),
            limits=httpx2.Limits(keepalive_expiry=KEEP_SECONDS),
        ),
    )
    client.own_headers, client.proxy = headers, proxy
    return client


def _proxy(endpoint: Endpoint, base: str) -> str:
    """The proxy that is set, else the environment's or the system's, which loopback never takes."""
    if endpoint.proxy:
        return endpoint.proxy
    parts = urlsplit(base)
    host = parts.hostname or ""
    if means_this_machine(base) or proxy_bypass(host) or proxy_bypass(parts.netloc):
        return ""
    found = getproxies()
    proxy = found.get(parts.scheme) or found.get("all") or ""
    if not proxy or _in_networks(host, found.get("no", "")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _in_networks(host: str, no_proxy: str) -> bool:
    """True for an address in one of NO_PROXY's networks (`10.0.0.0/8`)."""
    for entry in no_proxy.split(","):
        try:
            if ip_address(host) in ip_network(entry.strip(), strict=False):
                return True
        except ValueError:
            continue
    return False


def _through(proxy: str, tls: ssl.SSLContext) -> httpx2.Proxy | None:
    if not proxy:
        return None
    parts = _split(proxy)
    if parts is None:
        raise _invalid(
            "The proxy's address is not an http or https one.",
            "Set roo.provider.proxy (else it is $HTTPS_PROXY or $ALL_PROXY): it looks like "
            "http://user:password@127.0.0.1:3128.",
        )
    return httpx2.Proxy(proxy, ssl_context=tls if parts.scheme == "https" else None)


def _tls(endpoint: Endpoint, base: str, proxy: str) -> ssl.SSLContext:
    """What connections are verified with; the system's authorities are read only if needed."""
    tls = endpoint.tls
    try:
        if not tls.verify:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif tls.ca_file:
            context = ssl.create_default_context(cafile=tls.ca_file)
        elif base.startswith("http://") and not proxy.startswith("https"):
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


def means_this_machine(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def address(endpoint: Endpoint) -> tuple[str, dict[str, str]]:
    """The address without its query and last slash, and the whole query."""
    parts = _split(endpoint.base_url.strip())
    if parts is None:
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
    path = parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/responses")
    base = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return base, {**dict(parse_qsl(parts.query)), **endpoint.query}


def _split(url: str) -> SplitResult | None:
    """The parts of an http or https address; None for anything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none, brackets that do not match
        return None
    return parts if usable else None


def _invalid(message: str, hint: str) -> ProviderError:
    return ProviderError("settings_invalid", message, hint)


def not_connected(cause: BaseException, target: RequestTarget, proxy: str) -> ProviderError:
    """The error for a connection that could not be made: the certificate's fault, or the proxy's."""
    error = errors.unreachable(cause, target)
    certificate = _certificate_problem(cause)
    if certificate is not None:
        hint = _CERTIFICATE_HINTS.get(certificate.verify_code, error.hint)
        return ProviderError(error.code, error.message, hint)
    if not proxy:
        return error
    if "(407" in error.message:
        return wants_credentials(proxy)
    where = f"through the proxy {RequestTarget(proxy).shown}"
    message = error.message.replace(f"({target.shown})", where)
    return ProviderError(error.code, message, _PROXY_HINT, retryable=error.retryable)


def wants_credentials(proxy: str) -> ProviderError:
    """The error for a proxy that does not know us."""
    given = "does not accept its user and password" if "@" in proxy else "wants user and password"
    return ProviderError(
        "connection_failed",
        f"The proxy {RequestTarget(proxy).shown} {given} (HTTP 407).",
        "Put them into roo.provider.proxy: http://user:password@host:port.",
        status=407,
    )


_PROXY_HINT = (
    "Check roo.provider.proxy (else it is $HTTPS_PROXY, $HTTP_PROXY or $ALL_PROXY), and that the "
    "proxy runs; $NO_PROXY names hosts that are asked directly."
)
_CERTIFICATE_HINTS = {
    9: "It is valid later only: check this machine's clock.",
    10: "Have it renewed at the server, or check this machine's clock.",
    62: "Write the host in roo.provider.baseUrl as the certificate names it.",
    64: "Write the host in roo.provider.baseUrl as the certificate names it.",
}
"""By OpenSSL's X509_V_ERR codes: not yet valid, expired, another host name, another address."""


def _certificate_problem(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def azure_url(base: str, path: str, model: str) -> str:
    """Azure's addressing; the base may be the resource, with or without `/openai` behind it."""
    if path == "/responses":  # it names the model in the body
        root = re.sub(r"/openai(/deployments/.*|/v1)?$", "", base)
        return f"{root}/openai{path}"
    if "/deployments/" in base or base.endswith("/models"):
        return base + path
    root = re.sub(r"/openai(/v1)?$", "", base)
    return f"{root}/openai/deployments/{model}{path}" if model else f"{root}/openai{path}"


def secrets(endpoint: Endpoint) -> tuple[str, ...]:
    telling = re.compile(
        r"auth|key|token|secret|cookie|pass|credential|session|bearer|^sig", re.IGNORECASE
    )
    values = [
        value
        for name, value in [*endpoint.headers.items(), *endpoint.query.items()]
        if telling.search(name)
    ]
    passwords = (urlsplit(endpoint.base_url).password, urlsplit(endpoint.proxy or "").password)
    return tuple(filter(None, [endpoint.api_key, *passwords, *values]))


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
