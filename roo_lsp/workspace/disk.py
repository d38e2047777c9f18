"""Files on disk: read whole and exact, written as compare-and-swap, listed within bounds."""

import asyncio
import errno
import os
import re
import secrets
import stat
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from roo_lsp.agent.errors import Binary, Changed, ToolError
from roo_lsp.agent.ports import Entry, Listing, Snapshot
from roo_lsp.workspace import gitignore
from roo_lsp.workspace.descriptors import (
    LOOK_IN,
    NOT_FOLLOWED,
    QUIET,
    READ,
    checked,
    made,
    open_real,
    opened,
    real_path,
)
from roo_lsp.workspace.encodings import UTF_8, Encoding, decode
from roo_lsp.workspace.paths import is_folder, special, special_mode
from roo_lsp.workspace.rooignore import RooIgnore

SETTLED_NS = 2_000_000_000
"""Nanoseconds: file systems tell times only so exactly, FAT the least."""
INLINE_BYTES = 256 * 1024
"""Below this, work is done at once: handing 2 KB to a thread costs more than reading them."""
MAX_SCANNED = 200_000
"""Directory entries that one listing looks at."""
MAX_CHECKED = 20_000
"""Directory entries that one listing compares with ignore patterns."""
NATURAL_ORDER_UP_TO = 10_000
"""Folders with more entries are sorted plainly, for `a10` and `a9` cost too much there."""

_BINARY = getattr(os, "O_BINARY", 0)
_LISTS_DESCRIPTORS = os.scandir in os.supports_fd


@dataclass(frozen=True, slots=True)
class DiskFileSystem:
    """`FileSystem` on the disk itself.

    A write goes to a temporary file beside the target, which then takes its place: readers see the
    old text or the new, never a part. It breaks hard links: other names keep the old text. What is
    opened is what was checked, by descriptors in which no link is followed (`descriptors.py`).
    """

    max_file_bytes: int = 20_000_000
    ignore: RooIgnore = field(default_factory=lambda: RooIgnore(()))
    """What listings leave out beside what `.gitignore` says."""

    async def read(self, path: Path) -> Snapshot:
        if _size(path) <= INLINE_BYTES:
            return self._read(path)
        return await asyncio.to_thread(self._read, path)

    async def read_bytes(self, path: Path) -> bytes:
        if _size(path) <= INLINE_BYTES:
            return self._read_bytes(path)[0]
        return (await asyncio.to_thread(self._read_bytes, path))[0]

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        if len(text) <= INLINE_BYTES and _size(path) <= INLINE_BYTES:
            self._write(path, text, expected)
        else:
            await asyncio.to_thread(self._write, path, text, expected)

    async def delete(self, path: Path, expected: str) -> None:
        """Remove the file; of a symbolic link, only the link."""
        self._delete(path, expected)

    async def exists(self, path: Path) -> bool:
        return _exists(path)

    async def list(
        self, path: Path, *, recursive: bool, limit: int, respect_gitignore: bool
    ) -> Listing:
        walk = partial(_list, path, recursive, _Walk(limit, self.ignore), respect_gitignore)
        return await asyncio.to_thread(walk)

    def unsaved(self) -> Mapping[Path, str]:
        return {}

    def _read(self, path: Path) -> Snapshot:
        data, facts = self._read_bytes(path)
        decoded = decode(data, path)
        if decoded is None:
            raise Binary(f"{path} is a binary file ({len(data)} bytes): it has no text to show.")
        encoding = str(decoded[1]) if decoded[1] != UTF_8 else ""
        leads_to = real_path(path) if path.is_symlink() else None
        # Written so lately, it might be written once more and look the same.
        settled = time.time_ns() - facts.st_mtime_ns > SETTLED_NS
        text, looks = decoded[0], looks_of(facts) if settled else None
        return Snapshot(text, _stamp(data), encoding=encoding, leads_to=leads_to, looks=looks)

    def _read_bytes(self, path: Path) -> tuple[bytes, os.stat_result]:
        real = real_path(path)
        _refuse_special(path, real)
        return self._bytes(path, real, None)

    def _delete(self, path: Path, expected: str) -> None:
        if self._read(path).stamp != expected:
            raise _changed(path)
        place = real_path(path.parent) / path.name if path.is_symlink() else real_path(path)
        try:
            with opened(place.parent) as folder:
                os.unlink(place if folder is None else place.name, dir_fd=folder)
        except OSError as error:
            raise failure(path, "deleted", error) from error

    def _write(self, path: Path, text: str, expected: str | None) -> None:
        target = real_path(path)
        _refuse_special(path, target)
        try:
            if expected is None:
                with made(target.parent) as folder:
                    self._create(target, folder, text)
            else:
                with opened(target.parent) as folder:
                    self._replace(target, folder, text, expected)
        except OSError as error:
            raise failure(path, "written", error) from error

    def _create(self, target: Path, folder: int | None, text: str) -> None:
        data = self._encoded(target, UTF_8, text)
        if target.is_dir():
            raise ToolError(f"{target} is a folder; nothing was written.")
        name = _name(target, folder)
        with _temporary(name, folder, data, None) as temporary:
            try:
                os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except FileExistsError:
                raise Changed(
                    f"{target} exists already: it changed while you were asked. Nothing was "
                    "written. Read it before you write again."
                ) from None
            except (OSError, NotImplementedError):  # a file system without hard links
                if os.path.lexists(target):
                    raise Changed(f"{target} exists already. Nothing was written.") from None
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _replace(self, target: Path, folder: int | None, text: str, expected: str) -> None:
        try:
            before, facts = self._bytes(target, target, folder)
        except _Missing:
            raise Changed(f"{target} is not there any more; nothing was written.") from None
        decoded = decode(before, target)
        if decoded is None or _stamp(before) != expected:
            raise _changed(target)
        data = self._encoded(target, decoded[1], text)
        if data == before:
            return
        name = _name(target, folder)
        with _temporary(name, folder, data, facts) as temporary:
            now, _ = self._bytes(target, target, folder)
            if now != before:
                raise _changed(target)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _encoded(self, target: Path, encoding: Encoding, text: str) -> bytes:
        data = encoding.encode(text)
        if len(data) > self.max_file_bytes:
            raise ToolError(
                f"The new text of {target} has {len(data)} bytes; files may have at most "
                f"{self.max_file_bytes}. Nothing was written."
            )
        return data

    def _bytes(self, path: Path, real: Path, folder: int | None) -> tuple[bytes, os.stat_result]:
        """A regular file's bytes; with `folder`, its last name is looked up there. No link is one."""
        try:
            if folder is None:
                descriptor = open_real(real, READ)
            else:
                descriptor = os.open(real.name, READ | NOT_FOLLOWED, dir_fd=folder)
        except FileNotFoundError:
            raise _Missing(*missing(path, self.ignore)) from None
        except OSError as error:
            raise failure(path, "read", error) from error
        try:
            facts = os.fstat(descriptor)
            if stat.S_ISDIR(facts.st_mode):
                brief = f"{path} is a folder, not a file."
                raise ToolError(f"{brief} Use list_files to look into it.", brief)
            if not stat.S_ISREG(facts.st_mode):
                why = special_mode(facts.st_mode) or "it is not a regular file"
                raise ToolError(f"{path} is refused: {why}.")
            if facts.st_size > self.max_file_bytes:
                raise self._too_large(path, facts.st_size)
            return self._all(path, descriptor, facts.st_size), facts
        except OSError as error:
            raise failure(path, "read", error) from error
        finally:
            os.close(descriptor)

    def _all(self, path: Path, descriptor: int, size: int) -> bytes:
        """Everything up to the end, which may have moved on since the size was looked up."""
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        pieces = [data]
        while piece := os.read(descriptor, 1 << 20):
            pieces.append(piece)
            if sum(map(len, pieces)) > self.max_file_bytes:
                raise self._too_large(path, sum(map(len, pieces)))
        return b"".join(pieces)

    def _too_large(self, path: Path, size: int) -> ToolError:
        brief = f"{path} is too large: {size} bytes, and at most {self.max_file_bytes} are read."
        return ToolError(f"{brief} Use search_files, or a command that shows a part of it.", brief)


class _Missing(ToolError):
    """There is no file of that name."""


def missing(path: Path, ignore: RooIgnore) -> tuple[str, str]:
    """What to tell of a path that is not there: with names like it that may be told, and without."""
    brief = f"File not found: {path}."
    parent = path.parent
    if not is_folder(parent):
        known = next((each for each in parent.parents if is_folder(each)), None)
        return (
            f"{brief} The folder {parent} does not exist{f'; {known} does' if known else ''}.",
            brief,
        )
    try:
        real = os.path.realpath(parent)
        with os.scandir(real) as entries:
            ignore.refresh()
            names = [
                entry.name
                for entry in islice(entries, 2000)
                if not ignore.hides(Path(real, entry.name), directory=_is_folder(entry))
            ]
    except OSError:
        return brief, brief
    folded = {name.casefold(): name for name in names}
    near = get_close_matches(path.name.casefold(), folded, n=5, cutoff=0.6)
    if not near:
        return f"{brief} Nothing in {parent} has a similar name.", brief
    return f"{brief} Similar names here: {', '.join(folded[name] for name in near)}.", brief


def _exists(path: Path) -> bool:
    return os.path.lexists(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def looks_of(facts: os.stat_result) -> object:
    """What is another one once the file was written; of a symbolic link, what it leads to."""
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _stamp(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _name(target: Path, folder: int | None) -> str:
    """What a file is called in the descriptor of its folder; without one, its path."""
    return os.fspath(target) if folder is None else target.name


def _refuse_special(path: Path, real: Path) -> None:
    """Look before opening: opening a pipe or a device is an effect already."""
    if why := special(real):
        raise ToolError(f"{path} is refused: {why}.")


def _changed(path: Path) -> Changed:
    return Changed(
        f"{path} changed while you were asked; nothing was written. Read it again and redo the "
        "change on what it holds now."
    )


def failure(path: Path, what: str, error: OSError) -> ToolError:
    """What to tell of a path that cannot be `read`, `written`, …"""
    match error.errno:
        case errno.EACCES | errno.EPERM:
            why = "permission denied"
        case errno.ENOTDIR:
            why = "something on its way is a file, not a folder"
        case errno.EISDIR:
            why = "it is a folder"
        case errno.ELOOP if checked(path) is not None:
            return Changed(
                f"{path} leads elsewhere now than when it was checked: it changed while you were "
                f"asked. Nothing was {what}."
            )
        case errno.ELOOP:
            why = "its symbolic links lead in a circle, or it just became a link"
        case _:
            why = (error.strerror or str(error)).lower()
    return ToolError(f"{path} cannot be {what}: {why}.")


@contextmanager
def _temporary(
    name: str, folder: int | None, data: bytes, like: os.stat_result | None
) -> Generator[str]:
    """A file with the data beside `name`, with the mode and owner of `like`; gone afterwards."""
    parent, base = os.path.split(name)
    temporary = os.path.join(parent, f".{base[:100]}.{secrets.token_hex(6)}.tmp")  # noqa: PTH118 -- may be relative to a descriptor
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOT_FOLLOWED | QUIET | _BINARY
    descriptor = os.open(temporary, flags, 0o666 if like is None else 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
            if like is not None:
                _imitate(descriptor, like)
        yield temporary
    finally:
        with suppress(OSError):  # it is gone, or a leftover is better than a write called failed
            os.unlink(temporary, dir_fd=folder)


def _imitate(descriptor: int, like: os.stat_result) -> None:
    if not hasattr(os, "fchmod"):
        return
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid):
        with suppress(PermissionError):
            os.fchown(descriptor, like.st_uid, like.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(like.st_mode))


# --- listing --------------------------------------------------------------------------------


def _list(root: Path, recursive: bool, walk: "_Walk", respect_gitignore: bool) -> Listing:  # noqa: FBT001 -- a port's keywords, bound
    real = real_path(root)
    _require_folder(root, real, walk.ignore)
    walk.ignore.refresh()
    top = gitignore.layers_for(real) if respect_gitignore else ()
    waiting = deque([("", top)])
    while waiting and not walk.truncated:
        below, layers = waiting.popleft()
        folder = os.path.join(real, below)  # noqa: PTH118 -- of each of many thousands
        if respect_gitignore:
            layers = gitignore.with_folder(layers, folder)
        try:
            entries = walk.scan(folder)
        except OSError as error:
            if not below:
                raise failure(root, "listed", error) from error
            continue
        folders = walk.take(entries, folder, os.path.join(root, below), layers)  # noqa: PTH118 -- as above
        if recursive:
            waiting.extend((os.path.join(below, each), layers) for each in folders)  # noqa: PTH118 -- as above
    return Listing(tuple(walk.found), walk.truncated, walk.hidden, walk.kept)


def _require_folder(root: Path, real: Path, ignore: RooIgnore) -> None:
    if not is_folder(real):
        if os.path.lexists(real):
            raise ToolError(f"{root} is a file, not a folder. Use read_file to see it.")
        raise ToolError(*missing(root, ignore))
    _refuse_special(root, real)


@dataclass(frozen=True, slots=True)
class _Found:
    """One entry of a folder that is being listed."""

    name: str
    directory: bool
    """Also for a link to one."""
    link: bool


@dataclass(slots=True)
class _Walk:
    """What a listing found so far, and how much it may still look at."""

    limit: int
    ignore: RooIgnore
    found: list[Entry] = field(default_factory=list[Entry])
    hidden: int = 0
    kept: int = 0
    scanned: int = 0
    checked: int = 0
    truncated: bool = False

    def scan(self, folder: str) -> list[_Found]:
        """A real folder's entries in order, folders first."""
        with _scanned(folder) as entries:
            found = [
                _Found(entry.name, _is_folder(entry), entry.is_symlink())
                for entry in islice(entries, MAX_SCANNED - self.scanned)
            ]
        self.scanned += len(found)
        if self.scanned >= MAX_SCANNED:
            self.truncated = not found
        name = _natural if len(found) <= NATURAL_ORDER_UP_TO else _plain
        found.sort(key=lambda entry: (not entry.directory, name(entry.name), entry.name))
        return found

    def take(
        self, entries: list[_Found], folder: str, shown: str, layers: gitignore.Layers
    ) -> list[str]:
        """Add what is to be shown, up to the limit; returns the folders among it to look into.

        `folder` is the real one, `shown` is how it was asked for.
        """
        below: list[str] = []
        patterns = bool(layers) or self.ignore.has_patterns
        place = Path(shown)
        for entry in entries:
            if entry.name == ".git" or entry.name.startswith(".#"):
                continue
            if patterns and self.checked >= MAX_CHECKED:
                self.truncated = True
                break
            real = f"{folder}{os.sep}{entry.name}"
            inner = entry.directory and not entry.link
            self.checked += patterns
            if self.ignore.hides_entry(real, directory=entry.directory):
                self.kept += 1
                continue
            if layers and gitignore.ignored(layers, real, directory=inner):
                self.hidden += 1
                continue
            if len(self.found) >= self.limit:
                self.truncated = True
                break
            self.found.append(Entry(place / entry.name, entry.directory))
            if inner:
                below.append(entry.name)
        return below


@contextmanager
def _scanned(folder: str) -> Generator[Iterator[os.DirEntry[str]]]:
    """The entries of a folder that is no link and has none on its way."""
    if not _LISTS_DESCRIPTORS:
        with os.scandir(folder) as entries:
            yield entries
        return
    descriptor = open_real(Path(folder), LOOK_IN)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts `a9` before `a10`."""
    return [
        (0, int(part), "") if part.isdecimal() and len(part) < 20 else (1, 0, part.casefold())
        for part in re.split(r"(\d+)", name)
        if part
    ]


def _plain(name: str) -> list[tuple[int, int, str]]:
    return [(1, 0, name)]
