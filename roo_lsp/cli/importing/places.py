"""Where Roo Code keeps its modes, MCP servers and tasks: the storage of the extension, in each editor of its kind."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

EXTENSIONS = ("rooveterinaryinc.roo-cline", "zoocodeorganization.zoo-code")
"""Roo Code, and Zoo Code, which goes on with it."""
EDITORS = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")
SERVERS = (".vscode-server", ".vscode-server-insiders", ".vscodium-server", ".cursor-server")
FILES = ("settings/custom_modes.yaml", "settings/mcp_settings.json", "tasks")


def found_here(home: Path) -> Iterator[Path]:
    """What there is to be imported, below a home folder."""
    for storage in _storages(home):
        for extension in EXTENSIONS:
            for name in FILES:
                if (place := storage / extension / name).exists():
                    yield place


def _storages(home: Path) -> Iterator[Path]:
    if sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    else:
        base = home / ".config"
    for editor in EDITORS:
        yield base / editor / "User" / "globalStorage"
    for server in SERVERS:
        yield home / server / "data" / "User" / "globalStorage"
    yield home / ".local" / "share" / "code-server" / "User" / "globalStorage"
