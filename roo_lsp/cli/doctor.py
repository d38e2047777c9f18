"""`roo-lsp doctor`: asks the endpoint for each thing a task needs, and looks at this machine's editors.

It says what is missing. What is wrong with an editor never makes it fail: tasks run without one.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from roo_lsp.agent.errors import RooError
from roo_lsp.app import current_settings, trusted_origins
from roo_lsp.cli.drawing import ASCII, glyphs_for, readable
from roo_lsp.cli.editors.found import EDITORS
from roo_lsp.cli.editors.health import Finding, check_setup
from roo_lsp.cli.instructions import check_instructions
from roo_lsp.cli.options import (
    Parser,
    add_settings,
    add_workspace,
    settings,
    take_settings,
    workspace,
)
from roo_lsp.endpoints import Connection, Passage
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import RequestTarget
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.report import CHECKS, NEEDED, Check, Report, without_endpoint
from roo_lsp.workspace.trust import TrustStore
from roo_lsp.workspace.user_folders import state_dir

SLOW_SECONDS = 10
"""After so long a wait it is said that this may be in order."""


def main(arguments: Sequence[str]) -> int:
    """Test the endpoint that tasks would use."""
    parser = Parser(prog="roo-lsp doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--endpoint-only", action="store_true", help="do not look at this machine and its editors"
    )
    add_workspace(parser)
    add_settings(parser)
    given = parser.parse_args(arguments)
    take_settings(settings(given))
    folder = None if given.endpoint_only else workspace(given)
    return asyncio.run(_examine(given.profile or "", folder, as_json=given.json))


async def _examine(profile: str, folder: Path | None, *, as_json: bool) -> int:
    """Test, print, and return the exit code.

    Args:
        profile: the one to test; empty for the one in the settings.
        folder: the workspace to look from at the machine; None leaves the machine out.
        as_json: print for a program.
    """
    # On stderr beside JSON: what is wrong with the settings is no part of the report.
    console = Console(highlight=False, stderr=as_json)
    effective = current_settings()
    for problem in effective.problems:
        console.print(Text(readable(str(problem)), "bold red"), soft_wrap=True)
    profile = profile or effective.settings.profile
    if as_json:
        report = await examined(profile, lambda _: None, lambda _: None)
        whole = report.json()
        if folder is not None:
            found = await check_setup(effective.settings, folder)
            found += check_instructions(effective.settings, folder)
            whole["checks"] += [each.json() for each in found]
        sys.stdout.write(f"{json.dumps(whole, ensure_ascii=False)}\n")
        return 0 if report.ok else 1
    sheet = _Sheet(console)
    with _waiting(console) as waiting:

        def tell(check: Check) -> None:
            sheet.add(check)
            waiting.goes_on_after(check)

        report = await examined(
            profile, lambda endpoint: _print_head(console, endpoint, profile), tell
        )
        sheet.finish()
        if folder is not None:
            console.print()
            waiting.goes_on_with("editors")
            sheet.add_machine(await check_setup(effective.settings, folder))
            waiting.goes_on_with("")
            if rows := check_instructions(effective.settings, folder):
                console.print()
                sheet.add_machine(rows)
    _print_end(console, report)
    return 0 if report.ok else 1


async def examined(
    profile: str, found: Callable[[Endpoint], None], tell: Callable[[Check], None]
) -> Report:
    """The endpoint test; `found` is told the endpoint, then `tell` each check as it is made."""
    report = Report([])

    def add(check: Check) -> None:
        report.checks.append(check)
        tell(check)

    state = state_dir()
    trust = TrustStore(state / "trust.json", given=trusted_origins())
    connection = Connection(trust, Memory(state / "endpoints.json"))
    try:
        endpoint = await connection.endpoint(current_settings(), profile, _may_not_ask)
        report.endpoint, report.model = RequestTarget(endpoint.base_url).shown, endpoint.model
        report.note = endpoint.note
        found(endpoint)
        _, report.learnt, report.apis = await connection.examine(endpoint, add)
    except RooError as error:
        for check in without_endpoint(error):
            add(check)
    return report


async def _may_not_ask(passage: Passage) -> bool:
    del passage
    return False


# --- for people ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Waiting:
    """A row that says what is being checked, and for how long; drawn anew by `Live`."""

    spinner: Spinner
    name: str = CHECKS[0]
    since: float = field(default_factory=time.monotonic)

    def goes_on_after(self, check: Check) -> None:
        following = CHECKS[CHECKS.index(check.name) + 1 :]
        name = following[0] if following else ""
        # One answer shows all three.
        self.goes_on_with("key, model, stream" if name == "key" else name)

    def goes_on_with(self, name: str) -> None:
        self.name = name
        self.since = time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        del options
        if not self.name:
            return
        took = int(time.monotonic() - self.since)
        text = f"{self.name} … {took} s" if took else f"{self.name} …"
        if took >= SLOW_SECONDS:
            text += ": a local model may need minutes for its first word; Ctrl-C stops"
        words = Text(text, "dim")
        words.truncate(console.width - 3, overflow="ellipsis")
        self.spinner.update(text=words)
        yield self.spinner


@contextmanager
def _waiting(console: Console) -> Generator[_Waiting]:
    """Shows what is waited for, where it can be taken away again."""
    plain = glyphs_for(console.encoding) is ASCII
    waiting = _Waiting(Spinner("line" if plain else "dots", style="green"))
    if not console.is_terminal or console.is_dumb_terminal:
        yield waiting
        return
    with Live(waiting, console=console, transient=True, refresh_per_second=10):
        yield waiting


def _print_head(console: Console, endpoint: Endpoint, profile: str) -> None:
    model = readable(endpoint.model) or "The model it serves"
    named = f" (profile {readable(profile)})" if profile else ""
    shown = readable(RequestTarget(endpoint.base_url).shown)
    console.print(Text(f"{model} at {shown}{named}", "bold"), soft_wrap=True)
    if endpoint.note:
        for line in _lines(console, Text(readable(endpoint.note), "dim"), console.width):
            console.print(line, soft_wrap=True)
    if endpoint.proxy:
        console.print(Text(f"Through the proxy {RequestTarget(endpoint.proxy).shown}.", "dim"))
    if not endpoint.tls.verify:
        off = "Its certificate is not verified: roo.provider.tls.verify is off."
        console.print(Text(off, "yellow"))
    console.print()


NAME_WIDTH = max(map(len, CHECKS))


@dataclass(slots=True)
class _Sheet:
    """The checks as rows, each printed when it is made; those not tried for one reason in one row."""

    console: Console
    skipped: list[Check] = field(default_factory=list[Check])

    def add(self, check: Check) -> None:
        if self.skipped and (check.status, check.message) != ("skipped", self.skipped[0].message):
            self.finish()
        if check.status == "skipped":
            self.skipped.append(check)
        else:
            self._row(check.status, check.name, self._words(check))

    def finish(self) -> None:
        """Print what is left."""
        match self.skipped:
            case []:
                pass
            case [check]:
                self._row("skipped", check.name, Text(readable(check.message), "dim"))
            case checks:
                names = ", ".join(check.name for check in checks)
                words = Text(f"{names}. {readable(checks[0].message)}", "dim")
                self._row("skipped", "not tried", words)
        self.skipped.clear()

    def add_machine(self, findings: Sequence[Finding]) -> None:
        """Print what was found on the machine, the editors that are not there in one row."""
        missing = [each for each in findings if each.name in EDITORS and each.status == "skipped"]
        absent = [each for each in missing if not each.hint]
        for each in findings:
            if each not in absent:
                self._row(each.status, each.name, self._found(each))
        if absent:
            names = ", ".join(EDITORS[each.name].title for each in absent)
            self._row("skipped", "not found", Text(f"{names}.", "dim"))

    def _found(self, finding: Finding) -> Text:
        style = "dim" if finding.status == "skipped" else ""
        return self._hinted(Text(readable(finding.message), style), finding.hint)

    def _words(self, check: Check) -> Text:
        bad = "red" if check.name in NEEDED else "yellow"
        words = Text(readable(check.message))
        if check.title:
            words = Text.assemble((f"{check.title}: ", f"bold {bad}"), words)
        if check.code:
            words.append(f" [{check.code}]", "dim")
        return self._hinted(words, check.hint)

    def _hinted(self, words: Text, hint: str) -> Text:
        if hint:
            arrow = glyphs_for(self.console.encoding).hint
            words.append(f"\n{arrow} {readable(hint)}", "yellow")
        return words

    def _row(self, status: str, name: str, words: Text) -> None:
        glyphs = glyphs_for(self.console.encoding)
        bad = "red" if name in NEEDED else "yellow"
        sign, style = {
            "ok": (glyphs.done, "green"),
            "failed": (glyphs.failed, bad),
            "skipped": (glyphs.open, "dim"),
        }[status]
        first = Text.assemble((f"{sign:<2} ", style), f"{name:<{NAME_WIDTH}} ")
        room = max(20, self.console.width - first.cell_len)
        for line in _lines(self.console, words, room):
            self.console.print(Text.assemble(first, line), soft_wrap=True)
            first = Text(" " * first.cell_len)


def _lines(console: Console, words: Text, room: int) -> list[Text]:
    """The words in lines of that width, without the spaces that rich leaves at their ends."""
    lines = list(words.wrap(console, room))
    for line in lines:
        line.rstrip()
    return lines


def _print_end(console: Console, report: Report) -> None:
    console.print()
    sentences = [f"Learnt about this endpoint: {sentence}." for sentence in report.learnt]
    for sentence in filter(None, [*sentences, report.apis]):
        words = Text(readable(sentence), "dim")
        for line in _lines(console, words, console.width):
            console.print(line, soft_wrap=True)
    if report.ok:
        console.print(Text("A task can run.", "bold green"))
        return
    failed = next((c.name for c in report.checks if c.status == "failed" and c.name in NEEDED), "")
    what = f": {failed} has to work first" if failed else ""
    console.print(Text(f"A task cannot run yet{what}.", "bold red"))
