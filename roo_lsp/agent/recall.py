"""What the tools of a task remember: which files the model has seen, and what was said once."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

KEPT = 2_000
"""Files and sayings that are remembered; what is forgotten is said once more."""
FILES = 64
CHARACTERS = 8_000_000
"""Of the texts that are remembered: the files whose changes the model is told of."""


@dataclass(slots=True)
class Recall:
    """One task's memory; it begins empty when a task is resumed."""

    _seen: OrderedDict[Path, None] = field(default_factory=OrderedDict[Path, None])
    _texts: OrderedDict[Path, str] = field(default_factory=OrderedDict[Path, str])
    _said: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])
    _size: int = 0

    def saw(self, path: Path, text: str) -> None:
        """The model knows what is in the file: it was shown, or written by a call."""
        _keep(self._seen, path)
        self.forget(path)
        self._texts[path] = text
        self._size += len(text)
        while len(self._texts) > FILES or self._size > CHARACTERS:
            self._size -= len(self._texts.popitem(last=False)[1])

    def clear(self) -> None:
        """Nobody can say what the model still knows: the conversation is another one."""
        for each in (self._seen, self._texts, self._said):
            each.clear()
        self._size = 0

    def has_seen(self, path: Path) -> bool:
        """True when the model was shown the file, or has written it."""
        return path in self._seen

    def text(self, path: Path) -> str | None:
        """A file as the model takes it to be; None where it knows none."""
        return self._texts.get(path)

    def texts(self) -> Iterator[tuple[Path, str]]:
        """The files that the model knows, each as it takes it to be, those of late last."""
        return iter(list(self._texts.items()))

    def forget(self, path: Path) -> None:
        """The model knows that the file is another one now, or that there is none."""
        self._size -= len(self._texts.pop(path, ""))

    def first(self, what: str) -> bool:
        """True the first time that this is about to be said."""
        new = what not in self._said
        _keep(self._said, what)
        return new


K = TypeVar("K")


def _keep(kept: OrderedDict[K, None], key: K) -> None:
    kept[key] = None
    if len(kept) > KEPT:
        kept.popitem(last=False)
