"""`roo-lsp doctor`: asks the endpoint for each thing a task needs, and says what is missing."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from roo_lsp.agent.errors import RooError
from roo_lsp.app import current_settings, trusted_origins
from roo_lsp.cli.drawing import glyphs_for, readable
from roo_lsp.cli.options import Parser, add_settings, add_workspace, settings, take_settings
from roo_lsp.endpoints import Connection, examine
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.report import CHECKS, NEEDED, Check, CheckName, Report, without_endpoint
from roo_lsp.workspace.places import state_dir
from roo_lsp.workspace.trust import TrustStore

Found = Callable[[Endpoint], None]


def main(arguments: Sequence[str]) -> int:
    """Test the endpoint that tasks would use."""
    parser = Parser(prog="roo-lsp doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_workspace(parser)
    add_settings(parser)
    given = parser.parse_args(arguments)
    take_settings(settings(given))
    return asyncio.run(_examine(given.profile or "", as_json=given.json))


async def checks(profile: str, found: Found) -> AsyncGenerator[Check, None]:
    """Each check as it is made; `found` is told the endpoint before the first."""
    queue: asyncio.Queue[Check | None] = asyncio.Queue()

    async def work() -> None:
        try:
            endpoint = await _endpoint(profile)
            found(endpoint)
            await examine(endpoint, queue.put_nowait)
        except RooError as error:
            for check in without_endpoint(error):
                queue.put_nowait(check)
        finally:
            queue.put_nowait(None)

    working = asyncio.create_task(work())
    try:
        while (check := await queue.get()) is not None:
            yield check
        await working
    finally:
        working.cancel()


async def _endpoint(profile: str) -> Endpoint:
    trust = TrustStore(state_dir() / "trust.json", given=trusted_origins())
    effective = current_settings()
    return await Connection(trust).endpoint(
        effective, profile or effective.settings.profile, _may_not_ask
    )


async def _may_not_ask(origin: str, key_name: str) -> bool:
    del origin, key_name
    return False


async def _examine(profile: str, *, as_json: bool) -> int:
    report = Report([])

    def found(endpoint: Endpoint) -> None:
        report.endpoint, report.model = endpoint.base_url, endpoint.model

    console = Console(highlight=False, stderr=as_json)
    for problem in current_settings().problems:
        console.print(Text(readable(str(problem)), "bold red"), soft_wrap=True)
    with _waiting(console, quiet=as_json) as waiting:
        async for check in checks(profile, found):
            report.checks.append(check)
            if as_json:
                continue
            if len(report.checks) == 1 and report.endpoint:
                _print_head(console, report)
            _print_check(console, check)
            waiting(_next(check.name))
    if as_json:
        sys.stdout.write(f"{json.dumps(report.json(), ensure_ascii=False)}\n")
    else:
        _print_end(console, report)
    return 0 if report.ok else 1


def _next(name: CheckName) -> str:
    following = CHECKS[CHECKS.index(name) + 1 :]
    return f"{following[0]} …" if following else ""


@contextmanager
def _waiting(console: Console, *, quiet: bool) -> Any:
    """A line that says what is being checked, where it can be taken away again."""
    if quiet or not console.is_terminal or console.is_dumb_terminal:
        yield lambda _text: None  # pyright: ignore[reportUnknownLambdaType] -- it does nothing
        return
    with Status("connect …", console=console, spinner="dots") as status:
        yield status.update


def _print_head(console: Console, report: Report) -> None:
    model = readable(report.model) or "the model it serves"
    console.print(Text(f"{model} at {readable(report.endpoint)}", "bold"), soft_wrap=True)
    console.print()


def _print_check(console: Console, check: Check) -> None:
    glyphs = glyphs_for(console.encoding)
    bad = "red" if check.name in NEEDED else "yellow"
    sign, style = {
        "ok": (glyphs.done, "green"),
        "failed": (glyphs.failed, bad),
        "skipped": (glyphs.open, "dim"),
    }[check.status]
    words = Text(readable(check.message), "dim" if check.status == "skipped" else "")
    if check.code:
        words = Text.assemble((f"{check.code}: ", f"bold {bad}"), words)
    if check.hint:
        words.append(f"\n{glyphs.hint} {readable(check.hint)}", "yellow")
    row = Table.grid(padding=(0, 1))
    row.add_column(width=max(2, len(glyphs.done)))
    row.add_column(width=max(map(len, CHECKS)))
    row.add_column(overflow="fold")
    row.add_row(Text(sign, style), Text(check.name), words)
    console.print(row)


def _print_end(console: Console, report: Report) -> None:
    console.print()
    if report.ok:
        console.print(Text("A task can run.", "bold green"))
    else:
        console.print(Text("A task cannot run yet.", "bold red"))
