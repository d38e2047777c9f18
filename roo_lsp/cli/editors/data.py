"""What comes with roo-lsp for editors, as files: pieces of configuration, and the plugins."""

from importlib.resources import files
from pathlib import Path

import roo_lsp

HERE = Path(__file__).parent


def data(name: str) -> str:
    """The text of a piece of configuration."""
    return (files("roo_lsp.cli.editors") / "files" / name).read_text("utf-8")


def extension() -> Path | None:
    """VS Code's extension, packaged: it comes with a wheel, and is in a checkout once it was made there."""
    file = HERE / "files" / "roo-lsp.vsix"
    return file if file.is_file() else None


def plugin(editor: str) -> Path | None:
    """The folder of an editor's plugin: in the installed package, or in the checkout."""
    checkout = Path(roo_lsp.__file__).parents[1] / "editors" / editor
    for folder in (HERE / "plugins" / editor, checkout):
        if folder.is_dir():
            return folder
    return None
