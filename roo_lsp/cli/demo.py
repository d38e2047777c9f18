"""`roo-lsp demo`: a real task on a small real model that runs on this machine, without a key."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from roo_lsp.cli.editors.found import typed
from roo_lsp.cli.options import Consent, Parser, add_settings, merged_objects, settings
from roo_lsp.cli.run import RunJob, run_job
from roo_lsp.providers.local import local_model, require_installed

README = """\
# Sample

A folder made for `roo-lsp demo`. It is gone when the demo ends.
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo does; made for what the toy model can do."""

    prompt: str = (
        "Read the file README.md, then create the file hello.py with print('hello'), "
        "then run the command python3 hello.py"
    )
    files: Mapping[str, str] = field(default_factory=lambda: {"README.md": README})
    """The sample workspace."""
    consent: Consent = field(
        default_factory=lambda: Consent(frozenset({"read", "edit", "execute"}))
    )
    settings: Mapping[str, Any] = field(
        default_factory=lambda: {
            "provider": {"apiKeyEnv": "", "temperature": 0, "toolChoice": "required"},
            "model": {"contextWindow": 8192, "maxOutputTokens": 512},
            "limits": {"requests": 12},
        }
    )


INTRODUCTION = """\
A real task, done by a real model: SmolLM2 with 135 million parameters, run by
llama.cpp on this machine, without a key. It is a toy: it can follow this one
prompt, and little else. The rest is what you would get with any model:
streaming, native tool calls, files, commands.
"""

HOW_TO_GO_ON = """\
With a model of your own, in a folder of yours, here Ollama's:
  export ROO_BASE_URL=http://127.0.0.1:11434/v1 ROO_MODEL=qwen3-coder
  {command} doctor
  {command} run "What does this project do?"
With OpenAI: ROO_BASE_URL=https://api.openai.com/v1, the key in OPENAI_API_KEY.
In your editor: {command} editor
"""


def main(arguments: Sequence[str]) -> int:
    """Run the demo."""
    parser = Parser(prog="roo-lsp demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print events, one JSON per line")
    parser.add_argument("--log", metavar="FILE", help="where the server logs")
    add_settings(parser)
    given = parser.parse_args(arguments)
    require_installed()
    log = Path(given.log).expanduser().absolute() if given.log else None
    return asyncio.run(_demo(Demo(), settings(given), log, as_json=given.json))


async def _demo(demo: Demo, more: Mapping[str, Any], log: Path | None, *, as_json: bool) -> int:
    console = Console(highlight=False, stderr=as_json)
    _say(console, INTRODUCTION)
    with tempfile.TemporaryDirectory(prefix="roo-demo-") as folder:
        base = Path(folder)
        sample = base / "sample"
        for name, text in demo.files.items():
            file = sample / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        async with local_model() as model:
            provider = {"baseUrl": model.base_url, "modelId": model.model}
            sources = (demo.consent.settings(), demo.settings, {"provider": provider}, more)
            job = RunJob(
                prompt=demo.prompt,
                workspace=sample,
                consent=demo.consent,
                settings=reduce(merged_objects, sources),
                # Nothing of it stays: not among the user's tasks either.
                variables={"ROO_STATE_DIR": str(base / "state")},
                log=log,
                json=as_json,
                resumable=False,
            )
            code = await run_job(job)
    if not as_json:
        console.print()
    _say(console, HOW_TO_GO_ON.format(command=typed()))
    return code


def _say(console: Console, text: str) -> None:
    for line in text.splitlines():
        console.print(Text(line, "dim"), soft_wrap=True)
    console.print()
