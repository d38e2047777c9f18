"""What `.gitignore` files hide, read folder by folder as a walk reaches them."""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from roo_lsp.workspace.paths import exists
from roo_lsp.workspace.patterns import Patterns, parse

MAX_IGNORE_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Layer:
    """The patterns of one folder, and the path of that folder, which they are relative to."""

    folder: str
    patterns: Patterns


Layers = tuple[Layer, ...]
"""The patterns that hold in a folder, the nearest last."""


def layers_for(folder: Path) -> Layers:
    """The patterns from above that hold in a folder: those from its repository's top down to it.

    There are none outside a repository, and none when the folder is itself ignored: who names an
    ignored folder wants to see what is in it.
    """
    top = repository(folder)
    if top is None:
        return ()
    layers = _read(os.fspath(top), top / ".git" / "info" / "exclude")
    current = os.fspath(top)
    for name in folder.relative_to(top).parts:
        layers = with_folder(layers, current)
        current = f"{current}{os.sep}{name}"
        if ignored(layers, current, directory=True):
            return ()
    return layers


def with_folder(layers: Layers, folder: str) -> Layers:
    """The layers that hold for the entries of a folder, its own `.gitignore` on top."""
    return layers + _read(folder, Path(folder, ".gitignore"))


def ignored(layers: Layers, path: str, *, directory: bool) -> bool:
    """True when the path is hidden; its parents are taken to be visible."""
    for layer in reversed(layers):
        relative = path[len(layer.folder) :].lstrip(os.sep).replace(os.sep, "/")
        verdict = layer.patterns.verdict(relative, folder=directory)
        if verdict is not None:
            return verdict
    return False


def hidden_below(root: Path, path: Path, *, directory: bool = False) -> bool:
    """True when a path below `root` is hidden by a pattern on any level between them."""
    layers = layers_for(root)
    current = os.fspath(root)
    names = path.relative_to(root).parts
    for depth, name in enumerate(names, 1):
        layers = with_folder(layers, current)
        current = f"{current}{os.sep}{name}"
        if ignored(layers, current, directory=directory or depth < len(names)):
            return True
    return False


def repository(folder: Path) -> Path | None:
    """The nearest folder, upwards from this one, that has a `.git`."""
    return next((each for each in (folder, *folder.parents) if exists(each / ".git")), None)


def _read(folder: str, file: Path) -> Layers:
    try:
        facts = file.stat()
    except OSError:
        return ()
    if not file.is_file() or facts.st_size > MAX_IGNORE_FILE_BYTES:
        return ()
    patterns = _parsed(os.fspath(file), facts.st_mtime_ns, facts.st_size)
    return (Layer(folder, patterns),) if patterns.lines else ()


@lru_cache(maxsize=512)
def _parsed(file: str, modified: int, size: int) -> Patterns:
    del modified, size  # they make the key: a changed file is another one
    try:
        return parse(Path(file).read_text("utf-8", "surrogateescape"))
    except OSError:
        return Patterns(())
