"""The answer to `initialize`, given before anything is loaded that takes long.

What the server offers is known beforehand: it depends on nothing but the encoding of positions. The
server reads the same bytes again, once it is there, and keeps its own answer to itself.
"""

import json
import os
from typing import Any, NamedTuple, cast

from roo_lsp.lsp.wire.frames import FrameDecoder, framed

RESULT = os.path.join(os.path.dirname(__file__), "initialize_result.json")  # noqa: PTH118, PTH120 -- pathlib takes long to load
"""Made by `python -m tests.support.initialize_result`; a test compares it with what the server says."""
ENCODINGS = ("utf-8", "utf-16", "utf-32")
DEFAULT_ENCODING = "utf-16"
"""Where the client names none that we know: LSP 3.17, `PositionEncodingKind`."""
CHUNK = 64 * 1024

_KINDS = {
    "processId": int,
    "rootUri": str,
    "rootPath": str,
    "clientInfo": dict,
    "locale": str,
    "trace": str,
    "workspaceFolders": list,
}
_CAPABILITIES = ("workspace", "textDocument", "notebookDocument", "window", "general")


class Greeted(NamedTuple):
    """What was read so far, and the id of the request in it that is answered already, if one is."""

    read: bytes = b""
    answered: int | str | None = None


def greet(stdin: int, stdout: int) -> Greeted:
    """Read the first message, and answer it where it is an `initialize` that can be read.

    What cannot is left to the server.
    """
    messages: list[object] = []
    faults: list[str] = []
    decoder = FrameDecoder(messages.append, faults.append)
    read = bytearray()
    try:
        while not messages and not faults and (data := os.read(stdin, CHUNK)):
            read += data
            decoder.feed(data)
        answered = answer_to(messages[0]) if messages and not faults else None
        if answered is None:
            return Greeted(bytes(read))
        rest = memoryview(answered[1])
        while rest:
            rest = rest[os.write(stdout, rest) :]
    except OSError:  # not ours to mend: the server meets the same, and knows what to do
        return Greeted(bytes(read))
    return Greeted(bytes(read), answered[0])


def answer_to(message: object) -> tuple[int | str, bytes] | None:
    """The id of an `initialize`, and the frame that answers it; None for whatever else."""
    fields, number = _object(message), _object(message).get("id")
    params = _object(fields.get("params"))
    is_ours = fields.get("jsonrpc") == "2.0" and fields.get("method") == "initialize"
    if not is_ours or isinstance(number, bool) or not isinstance(number, int | str):
        return None
    if not _can_be_read(params):
        return None
    with open(RESULT, "rb") as file:  # noqa: PTH123 -- as above
        result = json.load(file)
    result["capabilities"]["positionEncoding"] = _encoding(_object(params["capabilities"]))
    reply = {"jsonrpc": "2.0", "id": number, "result": result}
    return number, framed(json.dumps(reply, separators=(",", ":")).encode("ascii"))


def _can_be_read(params: dict[str, Any]) -> bool:
    capabilities: object = params.get("capabilities")
    if not isinstance(capabilities, dict) or isinstance(params.get("processId"), bool):
        return False
    given = ((params.get(name), kind) for name, kind in _KINDS.items())
    parts = (_object(params["capabilities"]).get(name) for name in _CAPABILITIES)
    return all(value is None or isinstance(value, kind) for value, kind in given) and all(
        part is None or isinstance(part, dict) for part in parts
    )


def _encoding(capabilities: dict[str, Any]) -> str:
    """The first of the client's that we know."""
    offered: object = _object(capabilities.get("general")).get("positionEncodings")
    known = (each for each in _list(offered) if each in ENCODINGS)
    return next(known, DEFAULT_ENCODING)


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
