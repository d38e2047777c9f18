"""What the tools of a task remember: which files the model has seen, and what was said once."""

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

KEPT = 2_000
"""Files and sayings that are remembered; what is forgotten is said once more."""


@dataclass(slots=True)
class Recall:
    """One task's memory; it begins empty when a task is resumed."""

    _seen: OrderedDict[Path, None] = field(default_factory=OrderedDict[Path, None])
    _said: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])

    def saw(self, path: Path) -> None:
        """The model knows what is in the file: it was shown, or written by a call."""
        _keep(self._seen, path)

    def has_seen(self, path: Path) -> bool:
        """True when the model was shown the file, or has written it."""
        return path in self._seen

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
