"""`roo-lsp editor`: what to put into an editor's configuration, made for this machine."""

import sys
from collections.abc import Sequence
from pathlib import Path

from roo_lsp.agent.errors import RooError
from roo_lsp.cli.editors import helix
from roo_lsp.cli.editors.acp_clients import ACP_SETUPS, acp_about, acp_found, acp_named
from roo_lsp.cli.editors.found import (
    EDITORS,
    HELIX,
    Installed,
    find,
    meant,
    server,
    typed,
)
from roo_lsp.cli.editors.snippets import snippet
from roo_lsp.cli.options import BadUsage, Parser


def main(arguments: Sequence[str]) -> int:
    """Print, or write, an editor's configuration."""
    parser = Parser(prog="roo-lsp editor", description=__doc__)
    parser.add_argument(
        "editor",
        metavar="|".join([*EDITORS, *(each.name for each in ACP_SETUPS)]),
        nargs="?",
        help="the editor to set up; without it, which editors are here",
    )
    parser.add_argument(
        "--keys",
        action="store_true",
        help="Helix: print Roo's keys for config.toml instead of the whole languages.toml",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="Helix: put both into its files; the files as they were are kept beside them",
    )
    given = parser.parse_args(arguments)
    if given.editor is None:
        sys.stdout.write(_which())
        return 0
    editor = meant(given.editor)
    if editor is None:
        return _over_acp(given.editor, changes=given.keys or given.write)
    if (given.keys or given.write) and editor is not HELIX:
        raise BadUsage(f"--keys and --write are for Helix; copy what `{editor.name}` prints")
    installed = find(editor)
    if editor is not HELIX:
        sys.stdout.write(snippet(editor, installed, server()))
    elif given.write:
        _write_helix(installed)
    elif given.keys:
        sys.stdout.write(helix.keys(installed.version if installed else ()))
    else:
        sys.stdout.write(_languages_toml(installed))
        sys.stderr.write(_next_steps())
    return 0


def _over_acp(name: str, *, changes: bool) -> int:
    """Print how an editor is set up that starts the agent by the Agent Client Protocol."""
    setup = acp_named(name)
    if setup is None:
        known = ", ".join([*EDITORS, *(each.name for each in ACP_SETUPS)])
        raise BadUsage(f"no editor {name!r}; there are: {known}")
    if changes:
        raise BadUsage(f"--keys and --write are for Helix; copy what `{setup.name}` prints")
    about = sys.stdout if setup.sign else sys.stderr
    about.write(acp_about(setup))
    sys.stdout.write(setup.text([*server(), "acp"]))
    return 0


def _which() -> str:
    """The editors that are here, each with the command that says how to set it up."""
    found = [(each, find(each)) for each in EDITORS.values()]
    here = [f"  {typed()} editor {each.name:<8} {its}" for each, its in found if its]
    if not here:
        names = ", ".join(each.title for each in EDITORS.values())
        here = [f"  None of {names} is on the PATH. What to set up all the same:"]
        here += [f"  {typed()} editor {each.name}" for each in EDITORS.values()]
    here += [f"  {typed()} editor {each.name:<8} {each.title}" for each in acp_found()]
    others = "|".join(each.name for each in ACP_SETUPS)
    here.append(f"and for editors that speak the Agent Client Protocol: {typed()} editor {others}")
    return "\n".join(["What to put into an editor's configuration is printed by:", *here, ""])


def _languages_toml(installed: Installed | None) -> str:
    languages = helix.languages_of(installed)
    return helix.languages_toml(_text(_languages_file()), languages, server())


def _languages_file() -> Path:
    return helix.config_folder() / "languages.toml"


def _next_steps() -> str:
    """What to do with what was printed; on stderr, so that stdout is the file."""
    file = _languages_file()
    return (
        f"\nThis is the whole {_short(file)}: put it there, or run `roo-lsp editor helix --write`\n"
        "(a redirection into that file would empty it before it is read).\n"
        "`roo-lsp editor helix --keys` prints the keys for config.toml.\n"
    )


def _write_helix(installed: Installed | None) -> None:
    version = installed.version if installed else ()
    config = helix.config_folder() / "config.toml"
    keys = helix.config_toml(_text(config), version)
    _replace(_languages_file(), _languages_toml(installed))
    _replace(config, keys)
    if helix.keys(version).strip() not in keys:
        sys.stdout.write(
            "Your config.toml has keys below `space o`: they stay as they are. "
            "`roo-lsp editor helix --keys` prints Roo's.\n"
        )
    sys.stdout.write(
        "Start Helix in a project: `space o o` begins a task, `space o` shows the rest.\n"
    )


def _replace(file: Path, text: str) -> None:
    """Write a file whole, keep the one that was there, and say both."""
    before = _text(file)
    if before == text:
        sys.stdout.write(f"{_short(file)} is as it should be.\n")
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = ""
        if before:
            backup = _free(file)
            backup.write_bytes(file.read_bytes())
            kept = f"; what it was is in {backup.name}"
        # A link to a file elsewhere (dotfiles in a repository) stays a link.
        real = file.resolve()
        new = real.with_name(f".{real.name}.roo")
        new.write_text(text, "utf-8", newline="\n")
        new.replace(real)
    except OSError as error:
        raise RooError(
            "settings_invalid",
            f"{file} cannot be written: {error.strerror}.",
            hint="Paste what `roo-lsp editor helix` prints.",
        ) from error
    sys.stdout.write(f"Wrote {_short(file)}{kept}.\n")


def _free(file: Path) -> Path:
    """A name for a copy beside it that is not taken."""
    number = 1
    while (copy := file.with_name(f"{file.name}.before-roo-{number}")).exists():
        number += 1
    return copy


def _text(file: Path) -> str:
    """The file's text; empty if there is none."""
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise RooError(
            "settings_invalid",
            f"{file} cannot be read: {error}.",
            hint="Nothing was changed. Put it right, then try again.",
        ) from error


def _short(file: Path) -> str:
    """A path as people write it."""
    home = Path.home()
    return f"~/{file.relative_to(home).as_posix()}" if file.is_relative_to(home) else str(file)
