"""Which sandbox this system gives: found by running something in it, never by looking at names."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.paths import followed, is_folder, is_program
from roo_lsp.workspace.sandbox.base import NO_SANDBOX, Jail, Sandbox, SandboxMode, Scratch
from roo_lsp.workspace.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from roo_lsp.workspace.sandbox.ignored import Ignored
from roo_lsp.workspace.sandbox.landlock import NETWORK_SINCE, Landlock, landlock_version
from roo_lsp.workspace.sandbox.protect import Found, Protected
from roo_lsp.workspace.sandbox.seatbelt import EXECUTABLE, Seatbelt
from roo_lsp.workspace.sandbox.secrets import homes
from roo_lsp.workspace.sandbox.spawning import spawn
from roo_lsp.workspace.user_folders import config_dir, state_dir

log = logging.getLogger(__name__)

PROBE_SECONDS = 10
PROBE = ("/bin/sh", "-c", ":")

_ASK = (
    "When the task needs what this prevents, run that command with no_sandbox, for which the user is "
    "asked; look for no other way around it."
)
_HELD = (
    "Commands run in a sandbox: they can write only in the workspace and in a /tmp of this task's "
    "own, see of the home folder only what tools need, have {}, and cannot change protected files, nor the configuration and hooks of "
    "repositories. {} " + _ASK
)
_SHARED = (
    "They share processes and a loopback of this task's own: what one leaves running, others reach and "
    "stop."
)
_LEFT = "What a command leaves running in the background ends with the task."
_ALONE = "What a command leaves running in the background ends with it."
_HELD_BACK = (
    "Commands run in a sandbox: they can write only in the workspace and in /tmp, and have {}. "
    f"{_ASK}"
)


class Sandboxes:
    """Finds the sandbox for workspaces; one for each server, which asks the system once."""

    def __init__(self, hidden: Sequence[Path] = ()) -> None:
        """`hidden` are folders and files of ours that no command may see, besides state and settings."""
        self._hidden = tuple(hidden)
        self._found: dict[object, asyncio.Task[Sandbox]] = {}

    async def find(
        self,
        folders: Sequence[Path],
        mode: SandboxMode,
        *,
        network: bool = False,
        visible: Sequence[str] = (),
    ) -> Sandbox:
        """As `find_sandbox`, from memory when the same was asked before."""
        key = (tuple(folders), mode, network, tuple(visible))
        if key not in self._found:
            self._found[key] = asyncio.create_task(
                find_sandbox(folders, mode, network=network, visible=visible, hidden=self._hidden)
            )
        try:
            return await asyncio.shield(self._found[key])
        except Exception:
            del self._found[key]
            raise


async def find_sandbox(
    folders: Sequence[Path],
    mode: SandboxMode,
    *,
    network: bool = False,
    visible: Sequence[str] = (),
    hidden: Sequence[Path] = (),
    environ: Mapping[str, str] | None = None,
) -> Sandbox:
    """The best sandbox that works here for these workspaces; takes `PROBE_SECONDS` twice at most.

    `visible` is what of the home folder commands see beside what tools need, secret or not.
    """
    if mode == "off":
        return NO_SANDBOX
    return await asyncio.to_thread(
        _find,
        [followed(folder) for folder in folders],
        mode,
        network=network,
        visible=visible,
        own=[followed(path) for path in (state_dir(), config_dir(), *hidden)],
        environ=os.environ if environ is None else environ,
    )


def _find(
    folders: Sequence[Path],
    mode: SandboxMode,
    *,
    network: bool,
    visible: Sequence[str],
    own: Sequence[Path],
    environ: Mapping[str, str],
) -> Sandbox:
    if Path("/") in folders:
        return _refusing(_none("the workspace is the whole disk"), mode)
    protected = Protected(folders)
    if sys.platform.startswith("linux"):
        found = _linux(
            folders, network=network, visible=visible, own=own, environ=environ, protected=protected
        )
    elif sys.platform == "darwin":
        found = _macos(folders, network=network, own=own, environ=environ)
    else:
        found = _none("there is none for this system")
    if found.state == "enforced" and any(
        home.is_relative_to(folder) for home in homes(environ) for folder in folders
    ):
        found = replace(
            found,
            state="partial",
            line=f"Sandbox: partial (all of your home folder is writable, {_network(network)})",
        )
    if os.name == "posix":
        found = replace(found, protected=protected)
    return _refusing(found, mode)


def _linux(
    folders: Sequence[Path],
    *,
    network: bool,
    visible: Sequence[str],
    own: Sequence[Path],
    environ: Mapping[str, str],
    protected: Protected,
) -> Sandbox:
    path = environ.get("PATH", os.defpath)
    executable = find_bubblewrap(folders, path)
    if executable is None and find_bubblewrap((), path) is not None:
        why = "bubblewrap lies in this workspace, where it is not trusted"
    elif executable is None:
        why = "bubblewrap is not installed"
    else:
        jail = Bubblewrap(executable, folders, network, own, environ, visible)
        problem = try_out(jail, folders)
        if problem:
            log.info("no shared space for commands: %s", problem)
            jail = replace(jail, shared=False)
            problem = try_out(jail, folders)
        if not problem:
            found = _enforced(jail, _SHARED if jail.shared else _ALONE, network=network)
            return replace(found, ignored=Ignored(folders))
        why = f"bubblewrap does not work here: {problem}"
    version = landlock_version()
    if not version:
        return _none(why)
    writable = [*folders, *protected.look().repositories]
    landlock = Landlock(writable, network=network)
    if try_out(landlock, folders):
        return _none(why)
    held = not network and version >= NETWORK_SINCE
    reach = "TCP off" if held else "network on"
    return Sandbox(
        "partial",
        f"Sandbox: partial (writes in the workspace and /tmp only, reads everywhere, {reach}; {why})",
        _HELD_BACK.format("no TCP connections" if held else "the network"),
        jail=landlock,
        network=not held,
    )


def _macos(
    folders: Sequence[Path], *, network: bool, own: Sequence[Path], environ: Mapping[str, str]
) -> Sandbox:
    if not is_program(EXECUTABLE):
        return _none(f"there is no {EXECUTABLE}")
    jail = Seatbelt(folders, network, own, environ)
    if problem := try_out(jail, folders):
        return _none(f"sandbox-exec does not work here: {problem}")
    return _enforced(jail, _LEFT, network=network)


def try_out(jail: Jail, folders: Sequence[Path]) -> str:
    """Run nothing in the jail; why that did not work, empty when it did."""
    scratch = Scratch()
    cwd = folders[0] if folders and is_folder(folders[0]) else Path("/")
    try:
        start = jail.confine(PROBE, cwd, {"PATH": os.defpath}, scratch, Found())
        process, link = spawn(start, cwd, {}, jail.spawn)
        with process, link:
            try:
                complaint = process.communicate(timeout=PROBE_SECONDS)[0].decode("utf-8", "replace")
            except subprocess.TimeoutExpired:
                process.kill()
                return f"it took more than {PROBE_SECONDS} seconds to start"
            said = link.recv(1024)
        if said.startswith(b"exit 0"):
            return ""
        lines = complaint.strip().splitlines()
        return lines[0] if lines else f"it ended with {said.decode('ascii', 'replace').strip()}"
    except (OSError, RuntimeError, ToolError) as error:
        return str(error)
    finally:
        scratch.remove()


def _enforced(jail: Jail, processes: str, *, network: bool) -> Sandbox:
    return Sandbox(
        "enforced",
        f"Sandbox: on (workspace writable, {_network(network)})",
        _HELD.format("the network" if network else "no network", processes),
        jail=jail,
        network=network,
    )


def _none(why: str) -> Sandbox:
    return Sandbox("unavailable", f"Sandbox: none ({why})")


def _network(on: bool) -> str:  # noqa: FBT001 -- one word of a line
    return f"network {'on' if on else 'off'}"


def _refusing(found: Sandbox, mode: SandboxMode) -> Sandbox:
    if mode != "required" or found.state == "enforced":
        return found
    return replace(
        found,
        refused=(
            "No command can run here: the user requires a sandbox (roo.commands.sandbox), and what "
            f"there is does not suffice. {found.line}. The user can install bubblewrap, or set "
            'roo.commands.sandbox to "auto".'
        ),
    )
