"""The published JSON Schema of ACP, version 1, as a judge of frames.

`acp_schema_v1.json.gz` is `schema/v1/schema.json` of the npm package @agentclientprotocol/sdk 2.4.0
(Apache-2.0), as it is there.
"""

import gzip
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMA: Mapping[str, Any] = json.loads(
    gzip.decompress(Path(__file__).with_name("acp_schema_v1.json.gz").read_bytes())
)
METHODS = [(each["x-method"], name) for name, each in SCHEMA["$defs"].items() if "x-method" in each]


@cache
def judge(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{name}"})


def definition(method: str, *, response: bool) -> str | None:
    """What a method's parameters or result have to be; None for a method that there is not."""
    return next(
        (n for each, n in METHODS if each == method and n.endswith("Response") == response), None
    )


def complaints(frames: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """What is wrong with these frames, each with the side that sent it."""
    asked: dict[tuple[str, Any], str] = {}
    found: list[str] = []
    for side, frame in frames:
        assert frame["jsonrpc"] == "2.0"
        if "method" in frame:
            if "id" in frame:
                asked[side, frame["id"]] = frame["method"]
            name, value = definition(frame["method"], response=False), frame.get("params")
        else:
            other = "agent" if side == "client" else "client"
            method = asked.get((other, frame["id"]), "")
            if "error" in frame:
                name, value = "Error", frame["error"]
            else:
                name, value = definition(method, response=True), frame["result"]
        if name is None:
            found.append(f"{side}: no such method: {json.dumps(frame)[:200]}")
        elif error := next(iter(judge(name).iter_errors(value)), None):
            found.append(f"{side}: {name}: {error.message[:300]}")
    return found
