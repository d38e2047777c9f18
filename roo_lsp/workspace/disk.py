"""Files on disk: read whole and exact, written as compare-and-swap, listed within bounds."""

import asyncio
import errno
import os
import re
import secrets
import stat
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.ports import Entry, Listing, Snapshot
from roo_lsp.workspace import gitignore
from roo_lsp.workspace.encodings import UTF_8, Encoding, decode
from roo_lsp.workspace.paths import is_folder, special, special_mode

INLINE_BYTES = 256 * 1024
"""Below this, work is done at once: handing 2 KB to a thread costs more than reading them."""
MAX_SCANNED = 200_000
"""Directory entries that one listing looks at."""
MAX_CHECKED = 20_000
"""Directory entries that one listing compares with ignore patterns."""
NATURAL_ORDER_UP_TO = 10_000
"""Folders with more entries are sorted plainly, for `a10` and `a9` cost too much there."""

_NOT_FOLLOWED = getattr(os, "O_NOFOLLOW", 0)
_QUIET = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_BY_DESCRIPTOR = {os.open, os.unlink, os.rename, os.link} <= os.supports_dir_fd


@dataclass(frozen=True, slots=True)
class DiskFileSystem:
    """`FileSystem` on the disk itself.

    A write goes to a temporary file beside the target, which then takes its place: readers see the
    old text or the new, never a part. It breaks hard links: other names keep the old text.
    """

    max_file_bytes: int = 20_000_000

    async def read(self, path: Path) -> Snapshot:
        if _size(path) <= INLINE_BYTES:
            return self._read(path)
        return await asyncio.to_thread(self._read, path)

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
        walk = partial(_list, path, recursive, limit, respect_gitignore)
        return await asyncio.to_thread(walk)

    def unsaved(self) -> Mapping[Path, str]:
        return {}

    def _read(self, path: Path) -> Snapshot:
        _refuse_special(path)
        data, _ = self._bytes(path, os.fspath(path), None)
        decoded = decode(data)
        if decoded is None:
            raise ToolError(f"{path} is a binary file ({len(data)} bytes): it has no text to show.")
        return Snapshot(decoded[0], _stamp(data))

    def _delete(self, path: Path, expected: str) -> None:
        if self._read(path).stamp != expected:
            raise _changed(path)
        try:
            path.unlink()
        except OSError as error:
            raise _failure(path, "deleted", error) from error

    def _write(self, path: Path, text: str, expected: str | None) -> None:
        target = Path(os.path.realpath(path))
        _refuse_special(target)
        try:
            if expected is None:
                target.parent.mkdir(parents=True, exist_ok=True)
            with _opened(target.parent) as folder:
                name = target.name if folder is not None else os.fspath(target)
                if expected is None:
                    self._create(target, name, folder, text)
                else:
                    self._replace(target, name, folder, text, expected)
        except OSError as error:
            raise _failure(path, "written", error) from error

    def _create(self, target: Path, name: str, folder: int | None, text: str) -> None:
        data = self._encoded(target, UTF_8, text)
        if target.is_dir():
            raise ToolError(f"{target} is a folder; nothing was written.")
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

    def _replace(
        self, target: Path, name: str, folder: int | None, text: str, expected: str
    ) -> None:
        try:
            before, facts = self._bytes(target, name, folder)
        except _Missing:
            raise Changed(f"{target} is not there any more; nothing was written.") from None
        decoded = decode(before)
        if decoded is None or _stamp(before) != expected:
            raise _changed(target)
        data = self._encoded(target, decoded[1], text)
        if data == before:
            return
        with _temporary(name, folder, data, facts) as temporary:
            now, _ = self._bytes(target, name, folder)
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

    def _bytes(self, path: Path, name: str, folder: int | None) -> tuple[bytes, os.stat_result]:
        """A regular file's bytes; `folder` given, `name` is looked up there and is no link."""
        flags = os.O_RDONLY | _QUIET | _BINARY | (_NOT_FOLLOWED if folder is not None else 0)
        try:
            descriptor = os.open(name, flags, dir_fd=folder)
        except FileNotFoundError:
            raise _Missing(*missing(path)) from None
        except OSError as error:
            raise _failure(path, "read", error) from error
        try:
            facts = os.fstat(descriptor)
            if stat.S_ISDIR(facts.st_mode):
                raise ToolError(f"{path} is a folder, not a file. Use list_files to look into it.")
            if not stat.S_ISREG(facts.st_mode):
                why = special_mode(facts.st_mode) or "it is not a regular file"
                raise ToolError(f"{path} is refused: {why}.")
            if facts.st_size > self.max_file_bytes:
                raise self._too_large(path, facts.st_size)
            return self._all(path, descriptor, facts.st_size), facts
        except OSError as error:
            raise _failure(path, "read", error) from error
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
        return ToolError(
            f"{path} is too large: {size} bytes, and at most {self.max_file_bytes} are read. "
            "Use search_files, or a command that shows a part of it."
        )


class _Missing(ToolError):
    """There is no file of that name."""


def missing(path: Path) -> tuple[str, str]:
    """What to tell of a path that is not there: with names like it, and without."""
    brief = f"File not found: {path}."
    parent = path.parent
    if not is_folder(parent):
        known = next((each for each in parent.parents if is_folder(each)), None)
        return (
            f"{brief} The folder {parent} does not exist{f'; {known} does' if known else ''}.",
            brief,
        )
    try:
        with os.scandir(parent) as entries:
            names = [entry.name for entry in islice(entries, 2000)]
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


def _stamp(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def _refuse_special(path: Path) -> None:
    """Look before opening: opening a pipe or a device is an effect already."""
    if why := special(Path(os.path.realpath(path))):
        raise ToolError(f"{path} is refused: {why}.")


def _changed(path: Path) -> Changed:
    return Changed(
        f"{path} changed while you were asked; nothing was written. Read it again and redo the "
        "change on what it holds now."
    )


def _failure(path: Path, what: str, error: OSError) -> ToolError:
    match error.errno:
        case errno.EACCES | errno.EPERM:
            why = "permission denied"
        case errno.ENOTDIR:
            why = "something on its way is a file, not a folder"
        case errno.EISDIR:
            why = "it is a folder"
        case errno.ELOOP:
            why = "its symbolic links lead in a circle, or it just became a link"
        case _:
            why = (error.strerror or str(error)).lower()
    return ToolError(f"{path} cannot be {what}: {why}.")


@contextmanager
def _opened(folder: Path) -> Generator[int | None]:
    """The folder as a descriptor, so that it stays the same one; None where that cannot be."""
    if not _BY_DESCRIPTOR:
        yield None
        return
    descriptor = os.open(folder, _FOLDER | _QUIET)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(
    name: str, folder: int | None, data: bytes, like: os.stat_result | None
) -> Generator[str]:
    """A file with the data beside `name`, with the mode and owner of `like`; gone afterwards."""
    parent, base = os.path.split(name)
    temporary = os.path.join(parent, f".{base[:100]}.{secrets.token_hex(6)}.tmp")  # noqa: PTH118 -- may be relative to a descriptor
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOT_FOLLOWED | _QUIET | _BINARY
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
        with suppress(FileNotFoundError):
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


def _list(root: Path, recursive: bool, limit: int, respect_gitignore: bool) -> Listing:  # noqa: FBT001 -- a port's keywords, bound
    _require_folder(root)
    walk = _Walk(limit)
    top = gitignore.layers_for(root) if respect_gitignore else ()
    waiting = deque([(os.fspath(root), top)])
    while waiting and not walk.truncated:
        folder, layers = waiting.popleft()
        if respect_gitignore:
            layers = gitignore.with_folder(layers, folder)
        try:
            entries = walk.scan(folder)
        except OSError as error:
            if folder == os.fspath(root):
                raise _failure(root, "listed", error) from error
            continue
        below = walk.take(entries, layers)
        if recursive:
            waiting.extend((each, layers) for each in below)
    return Listing(tuple(walk.found), walk.truncated, walk.hidden)


def _require_folder(root: Path) -> None:
    if not is_folder(root):
        if os.path.lexists(root):
            raise ToolError(f"{root} is a file, not a folder. Use read_file to see it.")
        raise ToolError(*missing(root))
    _refuse_special(root)


class _Walk:
    """What a listing found so far, and how much it may still look at."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.found: list[Entry] = []
        self.hidden = 0
        self.scanned = 0
        self.checked = 0
        self.truncated = False

    def scan(self, folder: str) -> list[os.DirEntry[str]]:
        """A folder's entries in order, folders first."""
        with os.scandir(folder) as entries:
            found = list(islice(entries, MAX_SCANNED - self.scanned))
        self.scanned += len(found)
        if self.scanned >= MAX_SCANNED:
            self.truncated = not found
        name = _natural if len(found) <= NATURAL_ORDER_UP_TO else _plain
        found.sort(key=lambda entry: (not _is_folder(entry), name(entry.name), entry.name))
        return found

    def take(self, entries: list[os.DirEntry[str]], layers: gitignore.Layers) -> list[str]:
        """Add what is to be shown, up to the limit; returns the folders among it to look into."""
        below: list[str] = []
        for entry in entries:
            if entry.name == ".git" or entry.name.startswith(".#"):
                continue
            if layers and self.checked >= MAX_CHECKED:
                self.truncated = True
                break
            folder = entry.is_dir(follow_symlinks=False)
            if layers:
                self.checked += 1
                if gitignore.ignored(layers, entry.path, directory=folder):
                    self.hidden += 1
                    continue
            if len(self.found) >= self.limit:
                self.truncated = True
                break
            self.found.append(Entry(Path(entry.path), _is_folder(entry)))
            if folder:
                below.append(entry.path)
        return below


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
