"""The way to an endpoint over real sockets: certificates, proxies, redirects, bodies without end."""

import asyncio
import datetime
import gzip
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import ChatRequest, TextDelta
from roo_lsp.providers import bodies
from roo_lsp.providers.endpoint import Endpoint, Timeouts, Tls
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from tests.support.fake_openai import WAIT, FakeOpenAI, Reply, Script, status, text
from tests.support.passing import hurried
from tests.support.relays import Proxy, server_context, tls

KEY = "sk-canary-0123456789"
HELLO = ChatRequest("Be brief.", [UserMessage("Hello")])
PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
HOST = "api.example.test"
"""A name that no resolver knows: only a proxy leads there."""
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        server.always(text("ok"))
        yield server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    return written(authority.cert_pem, tmp_path / "ca.pem")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's proxy is not a test's."""
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def written(blob: trustme.Blob, file: Path) -> str:
    blob.write_to_path(str(file))
    return str(file)


async def answered(base_url: str, **settings: Any) -> bool:
    """True when the endpoint at this address answers."""
    endpoint = Endpoint(base_url, "m", KEY, **settings)
    async with asyncio.timeout(WAIT), OpenAICompatible(endpoint) as model:
        return TextDelta("ok") in [delta async for delta in model.stream(HELLO)]


async def failed(base_url: str, **settings: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await answered(base_url, **settings)
    assert KEY not in str(caught.value)
    return caught.value


# --- certificates -------------------------------------------------------------------------------


async def test_a_private_authority_is_trusted_when_its_file_is_named(
    fake: FakeOpenAI, authority: trustme.CA, ca_file: str
):
    async with tls(fake.port, server_context(authority.issue_cert("127.0.0.1"))) as port:
        base_url = f"https://127.0.0.1:{port}/v1"
        assert await answered(base_url, tls=Tls(ca_file=ca_file))
        assert await answered(base_url, tls=Tls(verify=False))
        assert len(fake.chats) == 2
        error = await failed(base_url)
    assert (error.code, error.retryable) == ("connection_failed", False)
    assert "certificate is not trusted" in error.message
    assert "roo.provider.tls.caFile" in error.hint
    assert len(fake.chats) == 2


async def test_a_client_certificate_is_shown_where_one_is_wanted(
    fake: FakeOpenAI, authority: trustme.CA, ca_file: str, tmp_path: Path
):
    ours = authority.issue_cert("me@example.test")
    chain = written(ours.cert_chain_pems[0], tmp_path / "cert.pem")
    key = written(ours.private_key_pem, tmp_path / "key.pem")
    context = server_context(authority.issue_cert("127.0.0.1"), clients_of=authority)
    async with tls(fake.port, context) as port:
        base_url = f"https://127.0.0.1:{port}/v1"
        with_ours = Tls(ca_file=ca_file, client_cert=chain, client_key=key)
        assert await answered(base_url, tls=with_ours)
        error = await failed(base_url, tls=Tls(ca_file=ca_file))
    assert error.code == "connection_failed"
    assert len(fake.chats) == 1


@pytest.mark.parametrize(
    ("name", "dates", "words", "hint"),
    [
        ("other.example.test", {}, "127.0.0.1", "as the certificate names it"),
        ("127.0.0.1", {"not_before": PAST, "not_after": PAST}, "expired", "clock"),
    ],
)
async def test_a_wrong_certificate_says_what_is_wrong_and_not_to_trust_it(
    fake: FakeOpenAI,
    authority: trustme.CA,
    ca_file: str,
    name: str,
    dates: dict[str, Any],
    words: str,
    hint: str,
):
    async with tls(fake.port, server_context(authority.issue_cert(name, **dates))) as port:
        error = await failed(f"https://127.0.0.1:{port}/v1", tls=Tls(ca_file=ca_file))
    assert words in error.message
    assert hint in error.hint
    assert "caFile" not in error.hint
    assert not fake.requests


async def test_https_to_a_plain_server_and_http_to_a_tls_server_are_told(
    fake: FakeOpenAI, authority: trustme.CA
):
    error = await failed(f"https://127.0.0.1:{fake.port}/v1")
    assert "TLS failed" in error.message
    assert "http:// or https://" in error.hint
    async with tls(fake.port, server_context(authority.issue_cert("127.0.0.1"))) as port:
        error = await failed(f"http://127.0.0.1:{port}/v1")
    assert error.code == "connection_failed"
    assert not fake.chats


@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
async def test_a_certificate_file_that_cannot_be_used_is_told(tmp_path: Path, setting: str):
    for content in (None, "no certificate"):
        file = tmp_path / f"{content}.pem"
        if content:
            file.write_text(content)
        error = await failed("https://127.0.0.1:1/v1", tls=replace(Tls(), **{setting: str(file)}))
        assert (error.code, "roo.provider.tls" in error.hint) == ("settings_invalid", True)


# --- proxies ------------------------------------------------------------------------------------


async def test_a_proxy_leads_to_the_endpoint_and_sees_no_key(
    fake: FakeOpenAI, authority: trustme.CA, ca_file: str
):
    async with (
        tls(fake.port, server_context(authority.issue_cert(HOST))) as port,
        Proxy({f"{HOST}:443": port}, "me:secret-pass") as proxy,
    ):
        there: dict[str, Any] = {"base_url": f"https://{HOST}/v1", "tls": Tls(ca_file=ca_file)}
        assert await answered(**there, proxy=proxy.url("me:secret-pass"))
        assert proxy.asked == [f"CONNECT {HOST}:443 HTTP/1.1"]
        assert fake.chats[0].headers["authorization"] == f"Bearer {KEY}"
        for credentials, words in (("me:wrong-pass", "does not accept"), ("", "wants user")):
            error = await failed(**there, proxy=proxy.url(credentials))
            assert error.code == "connection_failed"
            assert words in error.message
            assert "roo.provider.proxy" in error.hint
            assert "wrong-pass" not in str(error)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_the_environments_proxy_is_used_unless_it_says_not_to(
    fake: FakeOpenAI,
    authority: trustme.CA,
    ca_file: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
):
    async with (
        tls(fake.port, server_context(authority.issue_cert(HOST, "127.0.0.1"))) as port,
        Proxy({f"{HOST}:443": port}) as proxy,
    ):
        monkeypatch.setenv(variable, proxy.url().removeprefix("http://"))
        there: dict[str, Any] = {"base_url": f"https://{HOST}/v1", "tls": Tls(ca_file=ca_file)}
        assert await answered(**there)
        assert len(proxy.asked) == 1
        monkeypatch.setenv("NO_PROXY", "localhost,.example.test")
        assert (await failed(**there)).code == "connection_failed"
        monkeypatch.setenv("NO_PROXY", "")
        assert await answered(f"https://127.0.0.1:{port}/v1", tls=Tls(ca_file=ca_file))
        assert len(proxy.asked) == 1, "loopback never goes through a proxy of the environment"


@pytest.mark.parametrize(
    ("no_proxy", "proxied"),
    [("10.0.0.0/8", False), ("10.1.2.3", False), ("*", False), ("192.168.0.0/16", True)],
)
async def test_addresses_and_networks_in_no_proxy_are_asked_directly(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, proxied: bool
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    async with OpenAICompatible(Endpoint("http://10.1.2.3/v1", "m")) as model:
        assert bool(model._exchange.client.proxy) == proxied


async def test_a_proxy_that_is_not_there_is_named_in_place_of_the_endpoint():
    async with Proxy() as gone:
        url = gone.url("me:secret-pass")
    error = await failed(f"https://{HOST}/v1", proxy=url)
    assert error.code == "connection_failed"
    assert f"through the proxy {url.replace('me:secret-pass@', '')}" in error.message
    assert "refused" in error.message
    assert "roo.provider.proxy" in error.hint
    assert "secret-pass" not in str(error)


async def test_a_proxy_that_does_not_lead_there_is_told():
    async with Proxy() as proxy:
        error = await failed(f"https://{HOST}/v1", proxy=proxy.url())
    assert "the proxy refused (502 Bad Gateway)" in error.message
    assert "roo.provider.proxy" in error.hint


@pytest.mark.parametrize(
    "proxy", ["socks5://me:secret-pass@127.0.0.1:1", "nonsense", "http://[::1"]
)
async def test_a_proxy_that_cannot_be_is_told_before_anything_is_sent(proxy: str):
    error = await failed(f"https://{HOST}/v1", proxy=proxy)
    assert (error.code, "roo.provider.proxy" in error.hint) == ("settings_invalid", True)
    assert "secret-pass" not in str(error)


# --- redirects ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_key_never_follows_a_redirect(
    fake: FakeOpenAI, authority: trustme.CA, ca_file: str, code: int
):
    async with tls(fake.port, server_context(authority.issue_cert("127.0.0.1"))) as port:
        for there in (f"{fake.origin}/v2/chat", f"https://127.0.0.1:{port}/v1/chat/completions"):
            fake.answers(status(code, "moved", {"Location": there}))
            fake.models_reply = status(code, "moved", {"Location": there})
            error = await failed(fake.base_url, tls=Tls(ca_file=ca_file))
            assert (error.code, error.status) == ("connection_failed", code)
            async with OpenAICompatible(Endpoint(fake.base_url, "m", KEY)) as model:
                with pytest.raises(ProviderError, match="not followed"):
                    await model.models()
    assert len(fake.requests) == 4


# --- bodies -------------------------------------------------------------------------------------


def endless(piece: bytes, code: int = 200, kind: str = "application/json") -> Reply:
    """A body of 64 MB whose end never comes."""
    pieces = [piece * (1024 * 1024 // len(piece))] * 64
    chunked = (("Content-Type", kind), ("Transfer-Encoding", "chunked"))
    framed = (b"%x\r\n%s\r\n" % (len(each), each) for each in pieces)
    return Reply((*framed, asyncio.Event()), code, chunked)


async def test_an_error_without_end_is_read_only_so_far(fake: FakeOpenAI):
    fake.answers(endless(b"no! ", 400, "text/plain"))
    error = await failed(fake.base_url)
    assert (error.code, error.status) == ("provider_error", 400)
    assert "no! no!" in error.message
    await fake.hung_up


async def test_an_error_that_stalls_is_told_with_what_came_of_it(fake: FakeOpenAI):
    stalled = Reply(
        (b"8\r\nno such \r\n", asyncio.Event()), 404, (("Transfer-Encoding", "chunked"),)
    )
    fake.answers(stalled)
    error = await hurried(failed(fake.base_url))
    assert error.status == 404
    assert "no such" in error.message


async def test_a_list_of_models_without_end_is_not_read_to_its_end(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bodies, "MAX_LIST", 2 * 1024 * 1024)
    fake.models_reply = endless(b"[[[[")
    async with OpenAICompatible(Endpoint(fake.base_url, "m")) as model:
        with pytest.raises(ProviderError, match="more than 2 MB"):
            await model.models()
    await fake.hung_up


async def test_a_list_of_models_that_stalls_ends_with_the_first_tokens_limit(fake: FakeOpenAI):
    fake.models_reply = Reply(
        (b'5\r\n{"dat', asyncio.Event()), 200, (("Transfer-Encoding", "chunked"),)
    )
    timeouts = Timeouts(first_token=0.05)
    async with OpenAICompatible(Endpoint(fake.base_url, "m", timeouts=timeouts)) as model:
        with pytest.raises(ProviderError) as caught:
            await model.models()
    assert caught.value.code == "timeout"


def packed(body: bytes, encoding: str, code: int = 200, kind: str = "text/event-stream") -> Reply:
    return Reply((body,), code, (("Content-Type", kind), ("Content-Encoding", encoding)))


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)],
)
async def test_a_packed_answer_is_read_though_it_was_not_asked_for(
    fake: FakeOpenAI, encoding: str, pack: Any
):
    plain = b"".join(
        step for step in text("ok").reply(streamed=True).steps if isinstance(step, bytes)
    )
    body = pack(plain)
    fake.answers(
        Reply(
            (b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),),
            200,
            (("Content-Encoding", encoding), ("Transfer-Encoding", "chunked")),
        )
    )
    assert await answered(fake.base_url)
    assert fake.chats[0].headers["accept-encoding"] == "identity"


def bomb(megabytes: int) -> bytes:
    """As much of one byte, packed a thousand times smaller."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    pieces = [packer.compress(b" " * 1024 * 1024) for _ in range(megabytes)]
    return b"".join([*pieces, packer.flush()])


async def test_a_bomb_is_unpacked_no_further_than_is_read(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
):
    unpacked = count_unpacked(monkeypatch)
    fake.answers(packed(bomb(100), "gzip", kind="application/json"))
    error = await failed(fake.base_url)
    assert (error.code, "more than 16 MB" in error.message) == ("stream_broken", True)
    assert sum(unpacked) < 17 * 1024 * 1024
    assert max(unpacked) <= bodies.PIECE
    unpacked.clear()
    fake.answers(packed(bomb(100), "gzip", 500, "application/json"))
    assert (await failed(fake.base_url)).status == 500
    assert sum(unpacked) < 2 * bodies.MAX_ERROR


def count_unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all pieces that are unpacked from here on."""
    sizes: list[int] = []
    make = zlib.decompressobj

    class Counting:
        def __init__(self, bits: int) -> None:
            self.inner = make(bits)

        def decompress(self, data: bytes, most: int) -> bytes:
            piece = self.inner.decompress(data, most)
            sizes.append(len(piece))
            return piece

        @property
        def unconsumed_tail(self) -> bytes:
            return self.inner.unconsumed_tail

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    return sizes


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (packed(b"\x0b\x02\x80", "br"), "packed (br)"),
        (packed(b"no gzip", "gzip"), "cannot be unpacked"),
    ],
)
async def test_what_cannot_be_unpacked_is_told(fake: FakeOpenAI, reply: Script, words: str):
    fake.answers(reply)
    assert words in (await failed(fake.base_url)).message


# --- keys ---------------------------------------------------------------------------------------


async def test_a_key_that_is_refused_or_missing_says_where_it_comes_from(fake: FakeOpenAI):
    no = status(401, {"error": {"message": "No auth"}})
    fake.answers(no, no, no)
    error = await failed(fake.base_url, key_name="MY_KEY")
    assert "it came from MY_KEY" in error.hint
    async with OpenAICompatible(Endpoint(fake.base_url, "m", key_name="MY_KEY")) as model:
        with pytest.raises(ProviderError) as caught:
            [delta async for delta in model.stream(HELLO)]
    assert (caught.value.code, caught.value.status) == ("invalid_api_key", 401)
    assert "wants an API key, none is set" in caught.value.message
    assert "the environment variable MY_KEY" in caught.value.hint
