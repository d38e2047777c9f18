"""What commands printed: a preview in memory, the whole on disk under a budget, parts on request.

It is kept as a terminal would have shown it in the end: without colours, and of a line that was drawn
again and again its last state, so that a progress bar does not crowd out what matters.
"""

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import OutputPart, OutputQuery
from roo_lsp.workspace.digest import digest, read_lines
from roo_lsp.workspace.search import clean_environment, find_ripgrep

HEAD_BYTES = TAIL_BYTES = 5 * 1024
"""What a preview shows of a long output's beginning and end."""
PREVIEW_BYTES = HEAD_BYTES + TAIL_BYTES
SEARCH_SECONDS = 20
MAX_NAMED = 10
_SEARCH_OPTIONS = (
    "--no-config",
    "--text",
    "--line-number",
    "--ignore-case",
    "--no-heading",
    "--color=never",
    "--max-columns=500",
    "--max-columns-preview",
)
_ID = re.compile(r"cmd-[0-9]{1,9}\.txt")


class OutputStore:
    """The folder of a task's command outputs, `cmd-1.txt` and on."""

    def __init__(
        self,
        folder: Path,
        budget: int,
        workspace: Sequence[Path] = (),
        hide: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """No program from the `workspace` folders is run to search the outputs.

        `hide` takes what is nobody's to see out of whole lines, before they are kept.
        """
        self.hide = hide
        self.folder = folder
        self.workspace = workspace
        self.budget = budget
        self._used: int | None = None
        self._last = 0

    def create(self) -> tuple[str, int]:
        """A new output: its id, and a descriptor to write to."""
        if self._used is None:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files = [file for file in self.folder.iterdir() if _ID.fullmatch(file.name)]
            self._used = sum(file.lstat().st_size for file in files)
            self._last = max((int(file.stem[4:]) for file in files), default=0)
        while True:
            self._last += 1
            name = f"cmd-{self._last}.txt"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            try:
                return name, os.open(self.folder / name, flags, 0o600)
            except FileExistsError:
                continue

    def grant(self, size: int) -> int:
        """How many of so many bytes may still be stored; they count as used."""
        used = self._used or 0
        granted = max(0, min(size, self.budget - used))
        self._used = used + granted
        return granted

    def part(
        self, artifact_id: str, offset: int | None, limit: int, *, running: bool
    ) -> OutputPart:
        """The bytes from `offset` on, at most `limit`, moved to where characters begin."""
        with os.fdopen(self.open(artifact_id), "rb", buffering=0) as file:
            total = os.fstat(file.fileno()).st_size
            offset = -limit if offset is None else offset
            offset = max(0, total + offset) if offset < 0 else offset
            if offset >= total and offset > 0:
                raise ToolError(
                    f"Invalid offset {offset}: {artifact_id} has {total} bytes"
                    f"{', so far' if running else ''}."
                )
            file.seek(offset)
            data = file.read(max(4, limit))
        start = _continuation(data) if offset else 0
        end = len(data) - _incomplete(data) if offset + len(data) < total else len(data)
        text = data[start:end].decode("utf-8", "replace")
        return OutputPart(text, offset + start, offset + end, total, running)

    async def search(self, artifact_id: str, query: OutputQuery, *, running: bool) -> OutputPart:
        """The lines that match, numbered, at most `limit` bytes of them; case does not count."""
        descriptor, limit = self.open(artifact_id), query.limit
        total = os.fstat(descriptor).st_size
        os.close(descriptor)
        rg = find_ripgrep(self.workspace)
        if rg is None:
            raise ToolError("Searching needs ripgrep (rg), which is not installed here.")
        process = await asyncio.create_subprocess_exec(
            rg,
            *_SEARCH_OPTIONS,
            f"--regexp={query.search}",
            f"--context={query.context}",
            "--",
            f"./{artifact_id}",
            cwd=self.folder,
            env=clean_environment(),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        try:
            async with asyncio.timeout(SEARCH_SECONDS):
                kept, lines = await _counted(process, limit)
        except TimeoutError:
            raise ToolError(f"The search took longer than {SEARCH_SECONDS} seconds.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        text = kept.decode("utf-8", "replace")
        if process.returncode and process.returncode > 1:
            raise ToolError(f"ripgrep refused the search: {text[:2000].strip()}")
        if len(kept) >= limit:
            text = text[: text.rfind("\n") + 1] or text
        return OutputPart(text, 0, total, total, running, lines)

    def open(self, artifact_id: str) -> int:
        """A descriptor to read an output.

        Raises:
            ToolError: there is no such output; in words for the model.
        """
        if not _ID.fullmatch(artifact_id):
            raise ToolError(
                f"{artifact_id!r} is not an output's id; ids look like cmd-3.txt and stand in the "
                "results of execute_command."
            )
        try:
            return os.open(self.folder / artifact_id, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            raise ToolError(
                f"There is no output {artifact_id} in this task; there are: "
                f"{', '.join(self._names()) or 'none'}."
            ) from None

    def _names(self) -> list[str]:
        """The newest outputs."""
        try:
            names = [each.name for each in self.folder.iterdir() if _ID.fullmatch(each.name)]
        except OSError:
            return []
        return sorted(names, key=lambda name: int(name[4:-4]))[-MAX_NAMED:]


_MATCH = re.compile(rb"^[0-9]+:", re.MULTILINE)


async def _counted(process: Process, limit: int) -> tuple[bytes, int]:
    """The first bytes that a process prints, and how many lines of it are matches."""
    kept, lines, rest = bytearray(), 0, b""
    assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
    while chunk := await process.stdout.read(1 << 16):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        lines += len(_MATCH.findall(whole + newline))
        kept += chunk[: max(0, limit - len(kept))]
    await process.wait()
    return bytes(kept), lines


_ESCAPES = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, moves of the cursor
    rb"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\\\)?"  # titles, links
    rb"|\x1b[ -/]*[0-~]?"
    rb"|[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]"
)
"""What ECMA-48 has no picture for, and control characters but tab, line ends and backspace."""
_DRAWN_OVER = re.compile(rb"[^\n\r]*\r+(?!\n)(?=[^\n])")
_BACKSPACED = re.compile(rb"[^\x08\n]\x08")
MAX_PENDING = 64 * 1024
"""Of a line that has not ended."""


@dataclass(slots=True)
class TerminalScreen:
    """Bytes as they come, made what a terminal would show of them in the end; at most one line is held."""

    _line: bytes = b""

    def take(self, data: bytes) -> bytes:
        """What is settled by now."""
        whole, newline, self._line = (self._line + data).rpartition(b"\n")
        if b"\r" in self._line and len(self._line) > MAX_PENDING:
            start = self._line.rstrip(b"\r").rfind(b"\r") + 1
            self._line = self._line[start:]
        if len(self._line) > MAX_PENDING:
            whole, newline, self._line = whole + newline, self._line, b""
        return _settled(whole + newline)

    def rest(self) -> bytes:
        """What has been printed of a line that has not ended."""
        line, self._line = self._line, b""
        return _settled(line)


def _settled(data: bytes) -> bytes:
    if b"\x1b" in data or _ESCAPES.search(data):
        data = _ESCAPES.sub(b"", data)
    if b"\r" in data:
        data = _DRAWN_OVER.sub(b"", data).replace(b"\r", b"")
    while b"\x08" in data:
        shorter = _BACKSPACED.sub(b"", data)
        data = shorter if len(shorter) < len(data) else data.replace(b"\x08", b"")
    return data


@dataclass(slots=True)
class RunningOutput:
    """One command's output, as it comes."""

    store: OutputStore
    total: int = 0
    stored: int = 0
    artifact_id: str | None = None
    _head: bytearray = field(default_factory=bytearray)
    """The first `PREVIEW_BYTES`."""
    _tail: bytearray = field(default_factory=bytearray)
    _file: int | None = None
    _unstorable: bool = False
    _screen: TerminalScreen = field(default_factory=TerminalScreen)

    def add(self, data: bytes) -> None:
        self._take(self._screen.take(data))

    def flush(self) -> None:
        """Take what is there of a line that has not ended."""
        self._take(self._screen.rest())

    def _take(self, data: bytes) -> None:
        data = self.store.hide(data)
        self.total += len(data)
        if self.total > PREVIEW_BYTES:
            self.keep()
        self._head += data[: max(0, PREVIEW_BYTES - len(self._head))]
        if self.total > PREVIEW_BYTES or self.artifact_id is not None:
            self._tail += data
            if len(self._tail) > 4 * TAIL_BYTES:
                del self._tail[:-TAIL_BYTES]
            self._write(data)

    def keep(self) -> None:
        """From now on the output is in a file, all of it."""
        if self.artifact_id is None and not self._unstorable:
            try:
                self.artifact_id, self._file = self.store.create()
            except OSError:
                self._unstorable = True
            self._tail = self._head[:]
            self._write(bytes(self._head))

    async def preview(self, *, failed: bool = False) -> str:
        """All of a short output; of a long one head and tail, and how much lies between. Where the
        command failed, what looks like errors stands between them.
        """
        self.flush()
        if self.total <= PREVIEW_BYTES:
            return self._head.decode("utf-8", "replace")
        if failed and self.artifact_id is not None and self.stored == self.total:
            return await asyncio.to_thread(self._digest, self.artifact_id)
        head = bytes(self._head[:HEAD_BYTES])
        head = head[: len(head) - _incomplete(head)]
        tail = bytes(self._tail[-TAIL_BYTES:])
        tail = tail[_continuation(tail) :]
        omitted = self.total - len(head) - len(tail)
        lost = "" if self.stored == self.total else f"; the first {self.stored} bytes are stored"
        return (
            f"{head.decode('utf-8', 'replace')}\n[...{omitted} bytes omitted{lost}...]\n"
            f"{tail.decode('utf-8', 'replace')}"
        )

    def last(self) -> str:
        """The end of an output that is in a file: at most `TAIL_BYTES`."""
        tail = bytes(self._tail[-TAIL_BYTES:])
        return tail[_continuation(tail) :].decode("utf-8", "replace")

    def _digest(self, artifact_id: str) -> str:
        with os.fdopen(self.store.open(artifact_id), "rb") as file:
            return digest(read_lines(file), self.total)

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, data: bytes) -> None:
        if self._file is None:
            return
        view = memoryview(data)[: self.store.grant(len(data))]
        try:
            while view:
                written = os.write(self._file, view)
                self.stored += written
                view = view[written:]
        except OSError:  # the disk is full: the preview is what remains
            self.close()


def _continuation(data: bytes) -> int:
    """How many bytes in front belong to a character that began before."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count


def _incomplete(data: bytes) -> int:
    """How many bytes at the end begin a character that is not complete."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 2 if byte >= 0xC0 else 1
        needed = 3 if byte >= 0xE0 else needed
        needed = 4 if byte >= 0xF0 else needed
        return back if needed > back else 0
    return 0
