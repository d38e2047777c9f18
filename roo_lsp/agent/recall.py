"""What the tools of a task remember: which files the model has seen, and what was said once."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from roo_lsp.agent.messages import HistoryEntry, KnownFiles, ToolMessage, UserMessage, standing

KEPT = 2_000
"""Files and sayings that are remembered; what is forgotten is said once more."""
FILES = 64
CHARACTERS = 8_000_000
"""Of the texts that are remembered: the files whose changes the model is told of."""


@dataclass(slots=True)
class Recall:
    """One task's memory; of one that is resumed, as much as its history has."""

    looks: dict[Path, object] = field(default_factory=dict[Path, object])
    """How the files of known texts looked on disk while they had these, as far as that was seen."""
    _seen: OrderedDict[Path, None] = field(default_factory=OrderedDict[Path, None])
    _texts: OrderedDict[Path, str] = field(default_factory=OrderedDict[Path, str])
    _said: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])
    _size: int = 0
    _digests: OrderedDict[Path, str] = field(default_factory=OrderedDict[Path, str])
    """Of files whose texts were known to another server, as far as nobody has looked since."""
    _news: dict[Path, str] = field(default_factory=dict[Path, str])
    """What came to be known and is in no message yet."""

    def saw(self, path: Path, text: str, looks: object = None) -> None:
        """The model knows what is in the file: it was shown, or written by a call.

        `looks` is that of a `Snapshot`, where the text is of one.
        """
        self._take(path, text, looks)
        self._news[path] = text_digest(text)

    def _take(self, path: Path, text: str, looks: object) -> None:
        _keep(self._seen, path)
        self._drop(path)
        self._texts[path] = text
        self.looks[path] = looks
        self._size += len(text)
        while len(self._texts) > FILES or self._size > CHARACTERS:
            self._drop(next(iter(self._texts)))

    def take_up(self, entries: Iterable[HistoryEntry]) -> None:
        """The conversation is this one: only what it says is known."""
        for each in (self._seen, self._texts, self.looks, self._said, self._digests, self._news):
            each.clear()
        self._size = 0
        for entry in standing(entries):
            if isinstance(entry, UserMessage | ToolMessage):
                for name, known in entry.known:
                    path = Path(name)
                    self._digests.pop(path, None)
                    if known:
                        _keep(self._seen, path)
                        self._digests[path] = known
                    if len(self._digests) > FILES:
                        self._digests.popitem(last=False)

    def digests(self) -> Iterator[tuple[Path, str]]:
        """The files that were known to another server, each by the digest of its text."""
        return iter(list(self._digests.items()))

    def found(self, path: Path, text: str, looks: object) -> None:
        """A file has the text that was known to another server."""
        self._take(path, text, looks)

    def news(self) -> KnownFiles:
        """What came to be known since this was asked last."""
        news, self._news = self._news, {}
        return tuple((str(path), known) for path, known in news.items())

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
        self._drop(path)
        self._news[path] = ""

    def _drop(self, path: Path) -> None:
        self._digests.pop(path, None)
        self.looks.pop(path, None)
        self._size -= len(self._texts.pop(path, ""))

    def first(self, what: str) -> bool:
        """True the first time that this is about to be said."""
        new = what not in self._said
        _keep(self._said, what)
        return new


def text_digest(text: str) -> str:
    """What tells texts apart; those that differ by CRLF alone are one to the model."""
    data = text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=12).hexdigest()


K = TypeVar("K")


def _keep(kept: OrderedDict[K, None], key: K) -> None:
    kept[key] = None
    if len(kept) > KEPT:
        kept.popitem(last=False)
