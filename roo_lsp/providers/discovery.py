"""Finds model servers on this machine: Ollama, LM Studio, llama.cpp and vLLM at their usual ports."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from roo_lsp.providers.listing import models_in

PORTS: Mapping[int, str] = {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 8000: "vLLM"}
TIMEOUT = 0.5
"""Seconds for each; a server on this machine answers in a few milliseconds."""

MAX_BODY = 4 * 1024 * 1024

_OWNERS: Mapping[str, str] = {
    "library": "Ollama",
    "organization_owner": "LM Studio",
    "llamacpp": "llama.cpp",
    "vllm": "vLLM",
}
"""What servers write as `owned_by`: one may be at another's port."""


@dataclass(frozen=True, slots=True)
class TriedPort:
    """A port that was looked at."""

    port: int
    name: str
    """What is there, as it says itself; else what usually is."""
    answers: bool = False
    models: tuple[str, ...] | None = None
    """What it lists; None for something that is no model server, or for nothing."""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __str__(self) -> str:
        return f"{self.name} at {self.base_url}"


async def discover(ports: Mapping[int, str] = PORTS, within: float = TIMEOUT) -> list[TriedPort]:
    """What is at the ports, in their order; `within` is seconds."""
    return await asyncio.gather(*(_look(port, name, within) for port, name in ports.items()))


def choose(tried: Sequence[TriedPort], model: str) -> TriedPort | None:
    """The server to use: one that has the model, else the first that has any, else the first."""
    servers = [each for each in tried if each.models is not None]
    having = [each for each in servers if each.models and model in each.models]
    return next(iter([*having, *(each for each in servers if each.models), *servers]), None)


def why(chosen: TriedPort, tried: Sequence[TriedPort], model: str) -> str:
    """For people: which server was taken and why, and what else is there."""
    reason = "the first of the usual ports that lists a model"
    if model and chosen.models and model in chosen.models:
        reason = f"which has {model}"
    elif not chosen.models:
        reason = "the only model server found"
    parts = [f"No address is set, so this is {chosen}, {reason}."]
    others = [each for each in tried if each.models is not None and each is not chosen]
    if others:
        parts.append(
            f"Also there: {', '.join(map(str, others))}; roo.provider.baseUrl chooses another."
        )
    return " ".join(parts)


def nothing(tried: Sequence[TriedPort]) -> str:
    """For people: that no server was found, and where it was looked for."""
    silent = [f"{each.port} ({each.name})" for each in tried if not each.answers]
    strange = [f"{each.port} ({each.name})" for each in tried if each.answers]
    parts = ["No address is set, and no model server was found on 127.0.0.1:"]
    if silent:
        parts.append(f"nothing answers at the ports {', '.join(silent)}")
    if strange:
        joint = "; what" if silent else "what"
        parts.append(f"{joint} answers at {', '.join(strange)} lists no models")
    return " ".join(parts).replace(" ;", ";") + "."


async def _look(port: int, name: str, within: float) -> TriedPort:
    """What is at a port; whatever is no model server is left alone."""
    answers = False
    with suppress(OSError, EOFError, ValueError, RecursionError):
        async with asyncio.timeout(within):  # its TimeoutError is an OSError
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            answers = True
            found = models_in(await _get(reader, writer, port, "/v1/models"))
        if found is not None:
            owner = found[0].owner if found else ""
            models = tuple(each.id for each in found)
            return TriedPort(port, _OWNERS.get(owner, name), answers=True, models=models)
    return TriedPort(port, name, answers)


async def _get(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, path: str
) -> bytes:
    """The body of a GET by HTTP/1.0, so that it ends with the connection and comes in one piece.

    By hand: httpx2 would take longer to import than all of this takes to run.
    """
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if " 200" not in head.split("\r\n", 1)[0]:
            raise ValueError("no list of models here")
        length = next(
            (int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")),
            None,
        )
        if length is not None:
            return await reader.readexactly(min(length, MAX_BODY))
        return await _all(reader)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _all(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while len(body) < MAX_BODY and (piece := await reader.read(65536)):
        body += piece
    return bytes(body)
