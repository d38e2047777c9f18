"""Finds model servers on this machine: Ollama, LM Studio, llama.cpp and vLLM at their usual ports."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

PORTS: Mapping[int, str] = {11434: "Ollama", 1234: "LM Studio", 8080: "llama.cpp", 8000: "vLLM"}
TIMEOUT = 0.5
"""Seconds for each; a server on this machine answers in a few milliseconds."""

MAX_BODY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A server that lists models."""

    name: str
    """What usually is at this port."""
    base_url: str
    models: tuple[str, ...]


async def discover(ports: Mapping[int, str] = PORTS, within: float = TIMEOUT) -> list[Found]:
    """The servers that answer with a list of models, in the order of `ports`."""
    found = await asyncio.gather(*(_look(port, name, within) for port, name in ports.items()))
    return [each for each in found if each is not None]


async def _look(port: int, name: str, within: float) -> Found | None:
    """The server at a port, if it is one; whatever else is there is left alone."""
    with suppress(OSError, EOFError, ValueError, RecursionError):
        async with asyncio.timeout(within):  # its TimeoutError is an OSError
            models = _ids(await _get(port, "/v1/models"))
        if models is not None:
            return Found(name, f"http://127.0.0.1:{port}/v1", models)
    return None


async def _get(port: int, path: str) -> bytes:
    """The body of a GET by HTTP/1.0, so that it ends with the connection and comes in one piece.

    By hand: httpx2 would take longer to import than all of this takes to run.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
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


def _ids(body: bytes) -> tuple[str, ...] | None:
    value: Any = json.loads(body)
    entries: Any = cast("dict[str, Any]", value).get("data") if isinstance(value, dict) else None
    if not isinstance(entries, list):
        return None
    objects = [cast("dict[str, Any]", e) for e in cast("list[Any]", entries) if isinstance(e, dict)]
    return tuple(entry["id"] for entry in objects if isinstance(entry.get("id"), str))
