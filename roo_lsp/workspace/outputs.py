"""What commands printed: a preview in memory, the whole on disk under a budget, parts on request."""

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import OutputPart
from roo_lsp.workspace.search import clean_environment, find_ripgrep

HEAD_BYTES = TAIL_BYTES = 5 * 1024
"""What a preview shows of a long output's beginning and end."""
PREVIEW_BYTES = HEAD_BYTES + TAIL_BYTES
SEARCH_SECONDS = 20
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

    def __init__(self, folder: Path, budget: int, workspace: Sequence[Path] = ()) -> None:
        """No program from the `workspace` folders is run to search the outputs."""
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

    def part(self, artifact_id: str, offset: int, limit: int, *, running: bool) -> OutputPart:
        """The bytes from `offset` on, at most `limit`, moved to where characters begin."""
        with os.fdopen(self._open(artifact_id), "rb", buffering=0) as file:
            total = os.fstat(file.fileno()).st_size
            if offset < 0 or (offset >= total and offset > 0):
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

    async def search(
        self, artifact_id: str, regex: str, limit: int, *, running: bool
    ) -> OutputPart:
        """The lines that match, numbered, at most `limit` bytes of them; case does not count."""
        descriptor = self._open(artifact_id)
        total = os.fstat(descriptor).st_size
        os.close(descriptor)
        rg = find_ripgrep(self.workspace)
        if rg is None:
            raise ToolError("Searching needs ripgrep (rg), which is not installed here.")
        process = await asyncio.create_subprocess_exec(
            rg,
            *_SEARCH_OPTIONS,
            f"--regexp={regex}",
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

    def _open(self, artifact_id: str) -> int:
        if not _ID.fullmatch(artifact_id):
            raise ToolError(
                f"{artifact_id!r} is not an output's id; ids look like cmd-3.txt and stand in the "
                "results of execute_command."
            )
        try:
            return os.open(self.folder / artifact_id, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            raise ToolError(f"There is no output {artifact_id} in this task.") from None


async def _counted(process: Process, limit: int) -> tuple[bytes, int]:
    """The first bytes that a process prints, and how many lines it prints in all."""
    kept, lines = bytearray(), 0
    assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
    while chunk := await process.stdout.read(1 << 16):
        lines += chunk.count(b"\n")
        kept += chunk[: max(0, limit - len(kept))]
    await process.wait()
    return bytes(kept), lines


@dataclass(slots=True)
class Output:
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

    def add(self, data: bytes) -> None:
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

    def preview(self) -> str:
        """All of a short output; of a long one head and tail, and how much lies between."""
        if self.total <= PREVIEW_BYTES:
            return self._head.decode("utf-8", "replace")
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

    def close(self) -> None:
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
