"""Which editors are installed here, and how they would start roo-lsp."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 10.0
"""Seconds that an editor has to print something."""

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KnownEditor:
    """An editor that Roo knows."""

    name: str
    """As `roo-lsp editor` takes it."""
    title: str
    programs: tuple[str, ...]
    """What it may be called on the PATH, the likeliest first."""
    oldest: str
    """The oldest version that can be set up as we print it."""


NEOVIM = KnownEditor("neovim", "Neovim", ("nvim",), "0.11")
HELIX = KnownEditor("helix", "Helix", ("hx", "helix"), "25.01")
VSCODE = KnownEditor(
    "vscode", "VS Code", ("code", "codium", "code-insiders", "code-server"), "1.100"
)
EMACS = KnownEditor("emacs", "Emacs", ("emacs",), "28.1")
EDITORS = {each.name: each for each in (NEOVIM, HELIX, VSCODE, EMACS)}


def meant(name: str) -> KnownEditor | None:
    """The editor that goes by this name: ours, its title, or what its program is called."""
    bare = name.casefold().replace(" ", "").replace("-", "")
    for editor in EDITORS.values():
        names = (editor.name, editor.title, *editor.programs)
        if bare in {each.casefold().replace(" ", "").replace("-", "") for each in names}:
            return editor
    return None


@dataclass(frozen=True, slots=True)
class Installed:
    """An editor that was found."""

    editor: KnownEditor
    program: Path
    said: str
    """Its version in its own words, `25.07.1`; empty where it did not say one."""

    def __str__(self) -> str:
        return f"{self.editor.title} {self.said}".strip()

    @property
    def version(self) -> Version:
        """The same to compare; `()` where it is not known."""
        return numbers(self.said)

    @property
    def too_old(self) -> bool:
        """It says so, and is older than what our configuration needs."""
        return () < self.version < numbers(self.editor.oldest)


def numbers(version: str) -> Version:
    """`25.07.1` as (25, 7, 1)."""
    return tuple(map(int, version.split("."))) if version else ()


def find(editor: KnownEditor) -> Installed | None:
    """The editor, if one of its programs is on the PATH; it is asked for its version."""
    for name in editor.programs:
        if program := shutil.which(name):
            number = re.search(r"\d+(?:\.\d+)+", output([program, "--version"]))
            return Installed(editor, Path(program), number[0] if number else "")
    return None


def output(command: Sequence[str]) -> str:
    """What a program prints on stdout; nothing when it fails or takes longer than `PATIENCE`."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
    return ""


def server() -> list[str]:
    """What starts this roo-lsp: its bare name if the PATH leads to it, else where it is."""
    on_path = shutil.which("roo-lsp")
    own = Path(sys.executable).with_name("roo-lsp")
    if on_path and (not own.exists() or os.path.samefile(on_path, own)):  # noqa: PTH121 -- links
        return ["roo-lsp"]
    if own.exists():
        return [str(own)]
    return [sys.executable, "-m", "roo_lsp"]


def typed() -> str:
    """How this roo-lsp is called in a terminal, from the folder the user is in."""
    # `uv run` puts a checkout's programs on our PATH, not on that of the user's terminal.
    own = Path(sys.executable).with_name("roo-lsp")
    if own.exists() and own.is_relative_to(Path.cwd()):
        return shlex.quote(str(own.relative_to(Path.cwd())))
    return shlex.join(server())
