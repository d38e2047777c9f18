"""The workspace folders as they are now: editors add and remove some while tasks run."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import overload


class Folders(Sequence[Path]):
    """One list for all who look at the folders: whoever keeps it sees each change."""

    def __init__(self, folders: Iterable[Path]) -> None:
        """`folders` are as the client named them; there is at least one."""
        self._now = tuple(folders)
        self._named = _named(self._now)

    def change(self, added: Iterable[Path], removed: Collection[Path]) -> bool:
        """Take some out and put others at the end; the last one stays. True when they are others now."""
        kept = [folder for folder in self._now if folder not in removed]
        now = tuple(dict.fromkeys([*kept, *added])) or self._now[:1]
        changed = now != self._now
        self._now, self._named = now, _named(now)
        return changed

    def named(self) -> Mapping[str, Path]:
        """The folders but the first by their names: those that mean one, and nothing in the first."""
        return self._named

    @overload
    def __getitem__(self, index: int) -> Path: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Path]: ...
    def __getitem__(self, index: int | slice) -> Path | Sequence[Path]:
        return self._now[index]

    def __len__(self) -> int:
        return len(self._now)


def _named(folders: Sequence[Path]) -> Mapping[str, Path]:
    names = Counter(folder.name for folder in folders)
    return {
        folder.name: folder
        for folder in folders[1:]
        if folder.name and names[folder.name] == 1 and not os.path.lexists(folders[0] / folder.name)
    }
