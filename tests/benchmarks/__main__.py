"""`python -m tests.benchmarks [measure …] [--rounds N] [--json FILE]`: how much roo-lsp adds.

Each figure is printed beside that of a bare loop measured in the same run: trust the ratios, not the
milliseconds. The exit code says whether everything ran, never how fast it was.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks import measures
from tests.benchmarks.acp_measures import ACP_MEASURES, ACP_ROWS
from tests.benchmarks.driver import BARE, ROO, RunFailed
from tests.benchmarks.endpoint import endpoint
from tests.benchmarks.measures import Place, warm_up

MEASURES = {**measures.MEASURES, **ACP_MEASURES}
ROWS = {**measures.ROWS, **ACP_ROWS}

Results = Mapping[str, Mapping[str, Sequence[float]]]
"""The figures of all rounds: by server, by row."""


async def run(names: Sequence[str], rounds: int) -> tuple[Results, list[str]]:
    """Every round of these measures, and what went wrong."""
    results: dict[str, dict[str, list[float]]] = {
        kind.name: defaultdict(list) for kind in (ROO, BARE)
    }
    failures: list[str] = []
    async with _compiled(), endpoint() as model:
        print("compiling", file=sys.stderr)
        for kind in (ROO, BARE):
            with tempfile.TemporaryDirectory(prefix="roo-bench-") as folder:
                await warm_up(Place(kind, model, Path(folder)))
        for name in names:
            for number in range(rounds):
                for kind in (ROO, BARE) if number % 2 else (BARE, ROO):
                    print(f"{name} {number + 1}/{rounds} {kind.name}", file=sys.stderr)
                    with tempfile.TemporaryDirectory(prefix="roo-bench-") as folder:
                        try:
                            figures = await MEASURES[name](Place(kind, model, Path(folder)))
                        except (RunFailed, TimeoutError) as error:
                            failures.append(f"{name}, {kind.name}: {error or 'no answer in time'}")
                            continue
                    for row, value in figures.items():
                        results[kind.name][row].append(value)
    return results, failures


@asynccontextmanager
async def _compiled() -> AsyncGenerator[None]:
    """Lets servers keep their bytecode, as they do where they are installed, in a place of its own."""
    with tempfile.TemporaryDirectory(prefix="roo-bench-") as cache:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = cache
        yield


def table(results: Results) -> str:
    """The figures as a table in Markdown."""
    lines = [
        "| measure | roo-lsp (least-most) | bare | ratio | goal | |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    roo, bare = results[ROO.name], results[BARE.name]
    for row, (label, unit, goal) in ROWS.items():
        ours, theirs = roo.get(row), bare.get(row)
        if not ours:
            continue
        middle = median(ours)
        floor = median(theirs) if theirs else None
        figure = f"{middle:.4g} {unit} ({min(ours):.4g}-{max(ours):.4g})"
        against = f"{floor:.4g} | {middle / floor:.2f}" if floor else "- | -"
        verdict = ("ok" if goal.is_met(middle, floor) else "OVER") if str(goal) else ""
        lines.append(f"| {label} | {figure} | {against} | {goal} | {verdict} |")
    return "\n".join(lines)


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="measure", help=", ".join(MEASURES))
    parser.add_argument("--rounds", type=int, default=3, help="runs of each measure (default 3)")
    parser.add_argument("--json", type=Path, help="also write every round's figures here")
    options = parser.parse_args()
    unknown = [name for name in options.measures if name not in MEASURES]
    if unknown or options.rounds < 1:
        parser.error(f"no such measure: {', '.join(unknown)}" if unknown else "--rounds from 1")
    results, failures = asyncio.run(run(options.measures or list(MEASURES), options.rounds))
    print(table(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), "utf-8")
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
