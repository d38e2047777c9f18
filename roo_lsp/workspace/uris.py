"""File addresses, as editors and clients write them."""

import os
import sys
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit


def path_of(uri: str) -> Path | None:
    """The path that a ``file:`` URI names; None for any other URI."""
    try:
        parts = urlsplit(uri)
        path = os.fsdecode(unquote_to_bytes(parts.path))
    except ValueError:
        return None
    if parts.scheme != "file":
        return None
    if "\0" in path:
        return None
    if sys.platform == "win32":
        if parts.netloc:
            return Path(f"//{parts.netloc}{path}")
        return Path(path[1:]) if path[2:3] == ":" else None
    if parts.netloc not in ("", "localhost") or not path.startswith("/"):
        return None
    return Path(path)


def uri_of(path: Path) -> str:
    """The ``file:`` URI of an absolute path.

    Raises:
        ValueError: The path is relative.
    """
    return path.as_uri()


NEW = "untitled:"
"""How editors address a document that was never saved."""


def is_new(uri: str) -> bool:
    """Whether it is the address of a document that was never saved."""
    return uri.startswith(NEW)


def new_name(uri: str) -> str:
    """What people call such a document: `Untitled-1`, or the path that it is to be saved at."""
    return unquote(uri.removeprefix(NEW)) or uri
