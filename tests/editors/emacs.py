"""Two real Emacses with Roo: one that runs Lisp without a terminal, one with a person at its keys."""

import asyncio
import json
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.editors.available import EDITORS, need
from tests.editors.terminal import Terminal, terminal

BIN = Path(sys.executable).parent
HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "editors" / "emacs"
PICTURES = PLUGIN / "pictures"
VERSIONS = ("28.2", "30.1")
OLDEST, NEWEST = VERSIONS
NO_COMPILER = (
    "(setq comp-enable-subr-trampolines nil native-comp-enable-subr-trampolines nil"
    " native-comp-deferred-compilation nil native-comp-jit-compilation nil)"
)
PATIENCE = 60.0
"""Seconds that an Emacs without a terminal may take for all it does."""


@dataclass(frozen=True)
class Emacs:
    """An Emacs of Debian in a folder of its own, and where its user's files are."""

    root: Path
    version: str
    home: Path

    @property
    def command(self) -> list[str]:
        """Starts it, without anything of its user's or the machine's."""
        return [
            str(self.root / "bin" / "emacs-nox"),
            f"--dump-file={next(self._libexec.glob('emacs*.pdmp'))}",
            "-Q",
            # It cannot compile: its compiler is one more program of that other Debian.
            "--eval",
            NO_COMPILER,
        ]

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """Where it finds its own files, Roo, and nothing of the user's."""
        share = self.root / "usr" / "share" / "emacs" / self.version
        return {
            "EMACSLOADPATH": str(share / "lisp"),
            "EMACSDATA": str(share / "etc"),
            "EMACSDOC": str(share / "etc"),
            "EMACSPATH": str(self._libexec),
            "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", "")]),
            "HOME": str(self.home),
            "ROO_STATE_DIR": str(self.home / "state"),
            "ROO_CONFIG_DIR": str(self.home / "config"),
            **more,
        }

    @property
    def packages(self) -> list[Path]:
        """The Lisp packages that were installed with it."""
        return sorted((self.root / "usr/share/emacs/site-lisp/elpa-src").glob("*"))

    @property
    def _libexec(self) -> Path:
        return next((self.root / "usr" / "libexec" / "emacs" / self.version).iterdir())


def emacs(version: str, home: Path) -> Emacs:
    """The Emacs of that version; the test is skipped where it is not installed."""
    root = need(EDITORS / f"emacs-{version}", "tests/editors/parts/emacs")
    home.mkdir(parents=True, exist_ok=True)
    return Emacs(root, version, home)


async def batch(
    it: Emacs, folder: Path, *arguments: str | Path, **environment: str
) -> tuple[int, str]:
    """Its exit code and all it printed, when it ran with these arguments in that folder.

    Args:
        environment: what its environment has besides.
    """
    process = await asyncio.create_subprocess_exec(
        *it.command,
        "--batch",
        *map(str, arguments),
        cwd=folder,
        env={**os.environ, **it.environment(environment)},
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        printed, _ = await process.communicate()
        raise AssertionError(f"Emacs did not end:\n{printed.decode()}") from None
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def ert(
    it: Emacs,
    folder: Path,
    tests: str,
    settings: Mapping[str, Any],
    *options: str | Path,
    **environment: str,
) -> None:
    """Run ERT tests of `roo-tests.el` in this folder; fails with what they printed.

    Args:
        tests: a regular expression over their names.
        settings: the section `roo`.
        options: of Emacs, before the tests are loaded; its packages can be required there.
        environment: what its environment has besides.
    """
    packages = [option for each in it.packages for option in ("-L", each)]
    script = f"(ert-run-tests-batch-and-exit {lisp(tests)})"
    loads = ["-L", PLUGIN, "-l", HERE / "roo-tests.el", "--eval", script]
    environment["ROO_SETTINGS"] = json.dumps(settings)
    code, printed = await batch(it, folder, *packages, *options, *loads, **environment)
    assert code == 0, printed
    assert "Ran 0 tests" not in printed, printed


@asynccontextmanager
async def person(
    it: Emacs,
    folder: Path,
    settings: Mapping[str, Any],
    files: Sequence[str] = (),
    *,
    columns: int = 80,
    rows: int = 24,
) -> AsyncGenerator[Terminal]:
    """Emacs in a terminal, with Roo as its README sets it up, and these files open."""
    command = [*it.command, "-L", str(PLUGIN), "-l", str(HERE / "person.el"), *files]
    environment = it.environment({"ROO_SETTINGS": json.dumps(settings), "TERM": "xterm-256color"})
    async with terminal(
        command, folder=folder, environment=environment, columns=columns, rows=rows
    ) as screen:
        yield screen


def project(folder: Path, code: str) -> Path:
    """A new project in that folder, with this code as `app.py`; eglot asks git for its files."""
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / "app.py").write_text(code, "utf-8")
    return folder


def lisp(text: str) -> str:
    """A text as Lisp reads it."""
    return json.dumps(text, ensure_ascii=False)
