"""What to paste into Neovim, VS Code and Emacs."""

import json
import shlex
from collections.abc import Sequence

from roo_lsp.cli.editors.data import data, extension, plugin
from roo_lsp.cli.editors.found import EMACS, NEOVIM, VSCODE, Installed, KnownEditor

_FILES = {"neovim": "init.lua", "vscode": "settings.json", "emacs": "init.el"}
_COMMENT = {"neovim": "--", "vscode": "//", "emacs": ";;"}


def snippet(editor: KnownEditor, installed: Installed | None, server: Sequence[str]) -> str:
    """A piece of configuration, with comments in its own language that say where it goes."""
    sign = _COMMENT[editor.name]
    comments = "".join(f"{sign} {line}\n" for line in _about(editor, installed))
    return f"{comments}\n{configuration(editor, server)}"


def configuration(editor: KnownEditor, server: Sequence[str], folder: str | None = None) -> str:
    """The piece itself.

    Args:
        editor: Neovim, VS Code or Emacs.
        server: what starts roo-lsp.
        folder: where the editor's plugin is, if not where it came with roo-lsp.
    """
    place = folder or str(plugin(editor.name) or "")
    if editor is NEOVIM:
        values = {"plugin": _lua(place), "server": ", ".join(f"'{_lua(each)}'" for each in server)}
        text = data("neovim.lua")
    elif editor is EMACS:
        values = {"plugin": _quoted(place)[1:-1], "server": " ".join(map(_quoted, server))}
        text = data("emacs.el")
    else:
        values = {"server": _quoted(server[0])}
        text = data("vscode.json")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _about(editor: KnownEditor, installed: Installed | None) -> list[str]:
    lines = [f"Roo in {installed or editor.title}: for {_FILES[editor.name]}."]
    if installed is None:
        lines.append(f"{editor.title} was not found on the PATH.")
    elif installed.too_old:
        lines.append(f"It needs {editor.title} {editor.oldest} or newer.")
    if editor is VSCODE:
        program = installed.program.name if installed else "code"
        lines += _extension(program)
    return lines


def _extension(program: str) -> list[str]:
    """How the extension is installed."""
    if file := extension():
        return [
            "First install the extension, which came with roo-lsp:",
            f"  {shlex.join([program, '--install-extension', str(file)])}",
        ]
    return [
        "First make the extension, which this roo-lsp came without, with Node 20 or newer",
        f"in {plugin(VSCODE.name) or 'editors/vscode of the sources'}:",
        "  npm ci --ignore-scripts && npm run package",
        f"  {program} --install-extension roo-lsp-*.vsix",
    ]


def _quoted(text: str) -> str:
    """As JSON and Emacs Lisp write a string."""
    return json.dumps(text, ensure_ascii=False)


def _lua(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
