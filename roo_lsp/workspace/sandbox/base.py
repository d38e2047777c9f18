"""What a sandbox is to those who start commands and to those who show what holds."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from roo_lsp.workspace.sandbox.ignored import Ignored
from roo_lsp.workspace.sandbox.protect import Found, Protected
from roo_lsp.workspace.sandbox.space import Space

SandboxState = Literal["enforced", "partial", "unavailable", "off"]
"""`partial`: something is held back, but less than a sandbox promises."""
SandboxMode = Literal["auto", "required", "off"]
"""The setting `commands.sandbox`."""

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class ProcessStart:
    """How to start a command."""

    argv: Sequence[str]
    env: Mapping[str, str]
    wrapped: bool = False
    """True when the process is a keeper: the command is its child, in a group of its own, dies
    with it, and the keeper's exit code is 128 + n when signal n ended the command."""
    namespaces: Sequence[int] = ()
    """Descriptors of namespaces to enter before, in this order."""


class Jail(Protocol):
    """One way to hold a command back."""

    def confine(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        scratch: "Scratch",
        found: Found,
    ) -> ProcessStart:
        """What to start instead of `argv`.

        Raises:
            ToolError: it cannot run there; in words for the model.
        """
        ...

    def spawn(self, start: Callable[[], Process]) -> Process:
        """Call `start` from where what it starts is held back."""
        ...


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What holds for the commands of some workspaces."""

    state: SandboxState
    line: str
    """One line for each approval: `Sandbox: on (workspace writable, network off)`."""
    told: str = ""
    """What the model has to know of it; empty where there is nothing to know."""
    refused: str = ""
    """Why no command may run at all, where that is so."""
    jail: Jail | None = None
    network: bool = True
    """Commands have the network."""
    protected: Protected | None = None
    """Looked through before and after each command; None: nobody wants to know."""
    ignored: Ignored | None = None
    """What `.rooignore` keeps from the agent, where it can be hidden from commands."""


NO_SANDBOX = Sandbox("off", "Sandbox: off (by the settings)")


@dataclass(slots=True)
class Scratch:
    """What one task's commands share, made when first asked for: an own /tmp, nothing, namespaces."""

    _root: Path | None = field(default=None, init=False)
    _space: Space | None = field(default=None, init=False)

    @property
    def tmp(self) -> Path:
        """What commands see as /tmp."""
        return self._made() / "tmp"

    @property
    def empty(self) -> Path:
        """An empty file, to stand in for those that are hidden."""
        return self._made() / "empty"

    def space(self, executable: Path, *, network: bool) -> Space:
        """The namespaces that its commands run in.

        Raises:
            OSError: there can be none; why, in words.
        """
        if self._space is not None and not self._space.lives:
            self._space.close()
            self._space = None
        if self._space is None:
            self._space = Space(executable, network=network)
        return self._space

    def remove(self) -> None:
        """Delete all of it, and end what runs in it."""
        if self._space is not None:
            self._space.close()
            self._space = None
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            self._root = None

    def _made(self) -> Path:
        if self._root is None:
            root = Path(tempfile.mkdtemp(prefix="roo-commands-"))
            (root / "tmp").mkdir()
            (root / "tmp").chmod(0o1777)
            (root / "empty").touch(mode=0o444)
            self._root = root
        return self._root
