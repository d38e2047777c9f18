"""A task's checkpoints on disk: one line each, in the task's own folder."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from roo_lsp.workspace.journal import line_of, lines_of, open_for_append, store_errors, write_all


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of the workspace that a task can go back to."""

    id: str
    label: str
    created_at: float
    """Seconds since 1970."""
    files: int
    """How many files are other than in the state before."""
    entries: int
    """How much of the task's history belongs to it: entries, as stored."""
    trees: Mapping[str, str]
    """The state of each workspace folder."""
    skipped: Mapping[str, Sequence[str]]
    """Files of each folder that were there, but are not in it, as the paths of URIs."""

    def was_skipped(self, folder: str) -> set[str]:
        """The files of a folder that were there, but are not in it."""
        return {os.fsdecode(unquote_to_bytes(each)) for each in self.skipped.get(folder, ())}


@dataclass(slots=True)
class Records:
    """The checkpoints of one task, oldest first."""

    file: Path

    def all(self) -> list[Checkpoint]:
        found: list[Checkpoint] = []
        for line in lines_of(self.file):
            try:
                found.append(Checkpoint(**json.loads(line)))
            except (TypeError, ValueError):
                continue  # written by another version
        return found

    def add(
        self,
        label: str,
        files: int,
        entries: int,
        trees: Mapping[str, str],
        skipped: Mapping[str, Sequence[str]],
    ) -> Checkpoint:
        """Add one, with the next number for its name.

        Raises:
            StoreError: it cannot be stored.
        """
        quoted = {
            folder: [quote(os.fsencode(path)) for path in paths]
            for folder, paths in skipped.items()
        }
        number = sum(1 for _ in lines_of(self.file)) + 1
        added = Checkpoint(f"c{number}", label, time.time(), files, entries, trees, quoted)
        with store_errors(self.file.parent):
            descriptor = open_for_append(self.file)
            size = os.fstat(descriptor).st_size
            try:
                write_all(descriptor, line_of(asdict(added)))
            except OSError:
                os.ftruncate(descriptor, size)  # no half a line
                raise
            finally:
                os.close(descriptor)
        return added
