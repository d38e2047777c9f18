"""What `roo-lsp doctor` says of this machine and its editors.

Everything is only looked at: an editor is asked for its version, VS Code for its extensions; nobody's
configuration is run. None of it keeps a task from running.
"""

import asyncio
import os
import re
import shutil
import stat
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from roo_lsp.cli.editors import helix
from roo_lsp.cli.editors.acp_clients import ACP_SETUPS, acp_configured, acp_found
from roo_lsp.cli.editors.found import (
    EDITORS,
    EMACS,
    HELIX,
    NEOVIM,
    Installed,
    KnownEditor,
    find,
    output,
    server,
)
from roo_lsp.settings import Settings
from roo_lsp.workspace.paths import exists
from roo_lsp.workspace.sandbox.find import find_sandbox
from roo_lsp.workspace.user_folders import state_dir

PartStatus = Literal["ok", "failed", "skipped"]
EXTENSION = "roo-lsp.roo-lsp"
"""The VS Code extension's name as `code --list-extensions` prints it."""
LARGEST_FILE = 256 * 1024
MOST_FILES = 500
"""Bytes of a configuration file and files of a configuration that are looked at."""
_SANDBOX: Mapping[str, PartStatus] = {
    "enforced": "ok",
    "partial": "ok",
    "off": "skipped",
    "unavailable": "failed",
}
_MENTION = re.compile(r"roo[-_.]lsp|['\"]roo['\"/]|\brequire[ (]+'?roo\b|use-package roo\b")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the machine; `skipped` is also what somebody may well do without."""

    name: str
    status: PartStatus
    message: str
    hint: str = ""

    def json(self) -> dict[str, Any]:
        """In the shape of the endpoint's checks."""
        return {key: value for key, value in asdict(self).items() if value}


async def check_setup(settings: Settings, workspace: Path) -> list[Finding]:
    """All of it; takes as long as the slowest editor, `found.PATIENCE` at most twice."""
    looks: Sequence[Callable[[], Finding]] = [
        _program,
        _state,
        *(lambda editor=editor: _editor(editor) for editor in EDITORS.values()),
        _acp,
    ]
    program, state, *editors = await asyncio.gather(*(asyncio.to_thread(look) for look in looks))
    commands = settings.commands
    found = await find_sandbox(
        [workspace], commands.sandbox, network=commands.network, visible=commands.visible
    )
    line = found.line.removeprefix("Sandbox: ")
    sandbox = Finding(
        "sandbox",
        _SANDBOX[found.state],
        f"{line[0].upper()}{line[1:]}.",
        "Install bubblewrap for one that holds."
        if sys.platform == "linux" and found.state in ("partial", "unavailable")
        else "",
    )
    return [program, state, sandbox, *editors]


def _acp() -> Finding:
    """Editors that start the agent by the Agent Client Protocol, as far as can be seen."""
    configured = acp_configured(Path.home())
    if configured:
        names = ", ".join(each.title for each in configured)
        return Finding("acp", "ok", f"Over the Agent Client Protocol roo-lsp is set up in {names}.")
    found = ", ".join(each.title for each in acp_found())
    which = "|".join(each.name for each in ACP_SETUPS)
    return Finding(
        "acp",
        "skipped",
        f"`roo-lsp acp` serves editors that speak the Agent Client Protocol{f': {found}' if found else ''}.",
        f"`roo-lsp editor {which}` prints how." if found else "",
    )


# --- the machine ----------------------------------------------------------------------------------


def _program() -> Finding:
    command = " ".join(server())
    if command == "roo-lsp":
        return Finding("program", "ok", "Editors find roo-lsp on the PATH.")
    return Finding(
        "program",
        "skipped",
        f"The PATH does not lead to this roo-lsp, so an editor needs its whole name: {command}",
        "`roo-lsp editor NAME` prints it so.",
    )


def _state() -> Finding:
    folder = state_dir()
    nearest = next(each for each in (folder, *folder.parents) if exists(each))
    if not os.access(nearest, os.W_OK | os.X_OK):
        what = "cannot be written" if nearest == folder else "cannot be made"
        return Finding(
            "state",
            "failed",
            f"The state folder {folder} {what}: no task can be kept.",
            "Make it yours, or set $ROO_STATE_DIR to a folder that is.",
        )
    if nearest != folder:
        return Finding("state", "ok", f"The state folder {folder} will be made.")
    if os.name != "nt" and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding(
            "state",
            "failed",
            f"Others on this machine can look into the state folder {folder}.",
            f"Run: chmod 700 {folder}",
        )
    return Finding("state", "ok", f"The state folder {folder} is yours alone.")


# --- editors --------------------------------------------------------------------------------------


def _editor(editor: KnownEditor) -> Finding:
    installed = find(editor)
    if installed is None:
        return Finding(editor.name, "skipped", f"{editor.title} is not on the PATH.")
    if installed.too_old:
        return Finding(
            editor.name,
            "failed",
            f"{installed} is too old for Roo.",
            f"Install {editor.title} {editor.oldest} or newer.",
        )
    if editor is HELIX:
        return _helix(installed)
    if editor is NEOVIM:
        return _mentioned(installed, _neovim_files(), "its configuration")
    if editor is EMACS:
        return _mentioned(installed, _emacs_files(), "its init file")
    return _vscode(installed)


def _set_up(installed: Installed, how: str) -> Finding:
    return Finding(installed.editor.name, "ok", f"{installed}: {how}")


def _not_set_up(installed: Installed, why: str) -> Finding:
    name = installed.editor.name
    hint = f"`roo-lsp editor {name}` prints what to put there."
    return Finding(name, "skipped", f"{installed}: {why}", hint)


def _helix(installed: Installed) -> Finding:
    text = _read(helix.config_folder() / "languages.toml")
    try:
        own = tomllib.loads(text).get("language-server", {}).get(helix.NAME, {})
    except tomllib.TOMLDecodeError as error:
        return Finding(
            "helix",
            "failed",
            f"{installed} cannot use its languages.toml: {error}.",
            "Put it right; until then Helix starts no server that it names.",
        )
    named = helix.roo_languages(text)
    if not own or not named:
        return _not_set_up(installed, "its languages.toml does not name Roo.")
    command = str(own.get("command", ""))
    if shutil.which(command) is None:
        return Finding(
            "helix",
            "failed",
            f"{installed}: its languages.toml starts {command}, which is not there.",
            "`roo-lsp editor helix` prints the right command for language-server.roo.",
        )
    missing = sorted(set(helix.languages_of(installed).servers) - set(named))
    count = "1 language starts" if len(named) == 1 else f"{len(named)} languages start"
    how = f"{count} Roo; not {_some(missing)}." if missing else f"{count} Roo."
    if () < installed.version < helix.ARGUMENTS_SINCE:
        how += (
            " It has no dialogs, and its commands take no prompt: write tasks in a *.roo.md file."
        )
    return _set_up(installed, how)


def _vscode(installed: Installed) -> Finding:
    listed = output([str(installed.program), "--list-extensions"]).casefold().split()
    if EXTENSION in listed:
        return _set_up(installed, "the extension is installed.")
    return _not_set_up(installed, f"the extension {EXTENSION} is not installed.")


def _mentioned(installed: Installed, files: Iterator[Path], where: str) -> Finding:
    for file in islice(files, MOST_FILES):
        if _MENTION.search(_read(file)):
            return _set_up(installed, f"{file} names Roo.")
    return _not_set_up(installed, f"{where} does not name Roo.")


def _neovim_files() -> Iterator[Path]:
    folder = helix.config_folder().with_name(os.environ.get("NVIM_APPNAME") or "nvim")
    if os.name == "nt":
        folder = Path(os.environ.get("LOCALAPPDATA", "")) / folder.name
    for kind in ("*.lua", "*.vim"):
        yield from folder.rglob(kind)


def _emacs_files() -> Iterator[Path]:
    home = Path.home()
    config = helix.config_folder().with_name("emacs")
    yield from (home / ".emacs", home / ".emacs.el")
    for folder in (home / ".emacs.d", config):
        yield folder / "init.el"
        yield from folder.glob("*.el")
        yield from folder.glob("lisp/*.el")


def _read(file: Path) -> str:
    """The text of a file, as far as it is worth looking at; empty if there is none."""
    with suppress(OSError), file.open("rb") as stream:
        return stream.read(LARGEST_FILE).decode("utf-8", "replace")
    return ""


def _some(names: Sequence[str]) -> str:
    shown_names = ", ".join(names[:3])
    return shown_names if len(names) <= 3 else f"{shown_names} and {len(names) - 3} more"
