"""Making a folder what it was: file by file, and only where a file is still as it was just recorded.

No link is followed: what lies behind one is not the folder's. What would lose something is not done, and
told with the reason.
"""

import os
import secrets
import stat
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.workspace.checkpoints.shadow import MAX_BYTES, FileChange, Shadow, blob_name
from roo_lsp.workspace.descriptors import NOT_FOLLOWED, QUIET, READ, made, opened

_LINK, _RUNS = "120000", "100755"


@dataclass(slots=True)
class PutBack:
    """What became of the files."""

    done: list[str] = field(default_factory=list[str])
    left: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Files that are as they were, each with why."""
    texts: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """What files that an editor has open held then: the editor's to put back."""
    gone: list[str] = field(default_factory=list[str])
    """Files that an editor has open and that were not there then: the editor's to remove."""


def put_back(
    shadow: Shadow,
    changes: Sequence[FileChange],
    open_files: Collection[str],
    then_skipped: Collection[str],
) -> PutBack:
    """Undo these changes on disk; of open files only say what they held.

    `then_skipped` are files that were there, but not recorded: they are never removed.

    Raises:
        CheckpointError: what the files held is gone; those before it are put back.
    """
    work = _Work(shadow, PutBack())
    # Ignore files first: they say what is removed. Then room is made, and then it is filled.
    ignore_files = [each for each in changes if each.mode and each.path.endswith(".gitignore")]
    work.write(ignore_files, open_files)
    for change in sorted(changes, key=lambda each: each.path, reverse=True):
        if change.mode:
            continue
        if change.path in then_skipped or shadow.hidden(shadow.folder / change.path):
            work.result.left.append((change.path, "it was there already, but not recorded"))
        elif change.path in open_files:
            work.result.gone.append(change.path)
        else:
            work.remove(change)
    work.write([each for each in changes if each.mode and each not in ignore_files], open_files)
    return work.result


@dataclass(frozen=True, slots=True)
class _Work:
    shadow: Shadow
    result: PutBack

    def write(self, changes: Sequence[FileChange], open_files: Iterable[str]) -> None:
        contents = self.shadow.contents([each.blob for each in changes])
        for change, data in zip(changes, contents, strict=True):
            if change.path in open_files:
                self.result.texts[change.path] = data
                if (self.shadow.folder / change.path).exists():
                    continue
            self._attempt(change, data)

    def remove(self, change: FileChange) -> None:
        self._attempt(change, None)

    def _attempt(self, change: FileChange, data: bytes | None) -> None:
        try:
            if data is None:
                self._remove(change)
            else:
                self._write(change, data)
        except _Left as error:
            self.result.left.append((change.path, str(error)))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            self.result.left.append((change.path, why))
        else:
            self.result.done.append(change.path)

    def _remove(self, change: FileChange) -> None:
        place = self.shadow.folder / change.path
        with opened(place.parent) as folder:
            name = _name(place, folder)
            _require(name, folder, change)
            os.unlink(name, dir_fd=folder)
        for parent in place.parents:  # folders that were made for it
            if parent == self.shadow.folder:
                break
            with suppress(OSError), opened(parent.parent) as above:
                os.rmdir(_name(parent, above), dir_fd=above)
                continue
            break

    def _write(self, change: FileChange, data: bytes) -> None:
        place = self.shadow.folder / change.path
        with made(place.parent) as folder:
            name = _name(place, folder)
            _require(name, folder, change)
            fresh = _name(place.with_name(f".{secrets.token_hex(6)}.tmp"), folder)
            try:
                if change.mode == _LINK:
                    os.symlink(os.fsdecode(data), fresh, dir_fd=folder)
                else:
                    usual = 0o777 if change.mode == _RUNS else 0o666
                    permissions = _permissions(name, folder, change)
                    _write_file(fresh, folder, data, permissions, usual)
                os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(fresh, dir_fd=folder)


class _Left(Exception):
    """A file is left as it is, because it is not what it should be now."""


def _require(name: str, folder: int | None, change: FileChange) -> None:
    """Raises `_Left` unless what is there is what was recorded a moment ago."""
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        if change.old_mode:
            raise _Left("it is gone") from None
        return
    if not change.old_mode:
        raise _Left("there is something at this place that is in no checkpoint")
    if stat.S_ISLNK(facts.st_mode):
        data = os.fsencode(os.readlink(name, dir_fd=folder))
    elif stat.S_ISREG(facts.st_mode) and facts.st_size <= MAX_BYTES:
        descriptor = os.open(name, READ | NOT_FOLLOWED, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    else:
        raise _Left("it has become too large, or something else than a file")
    if stat.S_ISLNK(facts.st_mode) != (change.old_mode == _LINK) or blob_name(data) != change.old:
        raise _Left("it has changed at the same moment")


def _permissions(name: str, folder: int | None, change: FileChange) -> int | None:
    """Those the file has, but for the right to run it, which is recorded; None for a new file."""
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        return None
    mode = stat.S_IMODE(facts.st_mode)
    runs = bool(mode & 0o100)
    if runs == (change.mode == _RUNS):
        return mode
    return mode & ~0o111 if runs else mode | (mode & 0o444) >> 2


def _write_file(
    name: str, folder: int | None, data: bytes, permissions: int | None, usual: int
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOT_FOLLOWED | QUIET | getattr(os, "O_BINARY", 0)
    descriptor = os.open(name, flags, usual if permissions is None else 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if permissions is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, permissions)


def _name(place: Path, folder: int | None) -> str:
    return os.fspath(place) if folder is None else place.name
