"""What `@` offers while a prompt is typed: files and folders, the open ones first, and the words."""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roo_lsp.agent.tool import Workspace
from roo_lsp.tasks.mentions import WORDS
from roo_lsp.tasks.view import UserView
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.path_list import PathList
from roo_lsp.workspace.rooignore import RooIgnore

TASK_DOCUMENT = ".roo.md"
OPEN = 10
"""Open documents that are offered."""
SPARE = 200
"""Names beside those that are shown, for the ones that `.rooignore` hides."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Something that may stand behind an `@`."""

    name: str
    kind: Literal["file", "folder", "word"]
    description: str = ""

    @property
    def text(self) -> str:
        """As it is inserted, the `@` in front."""
        return f"@{self.name.replace(' ', chr(92) + ' ')}"

    def json(self) -> dict[str, str]:
        """For clients."""
        return {
            "name": self.name,
            "text": self.text,
            "kind": self.kind,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class MentionOffers:
    """Those of one workspace."""

    workspace: Workspace
    ignore: RooIgnore
    view: UserView
    paths: PathList

    async def matching(self, typed: str, limit: int) -> list[Offered]:
        """What fits what was typed behind the `@`, the best first, at most so many."""
        wanted = typed.replace("\\ ", " ").lstrip('@"').lstrip("/").lower()
        names = await self.paths.names()
        self.ignore.refresh()
        found = await asyncio.to_thread(best, wanted, names, limit + SPARE)
        offered = dict.fromkeys(
            [
                *(Offered(name, "file", "open") for name in self._open(wanted)),
                *(Offered(word, "word", WORDS[word]) for word in WORDS if word.startswith(wanted)),
            ]
        )
        known = {each.name for each in offered}
        for each in found:
            if len(offered) >= limit:
                break
            if (
                each not in known
                and each.isprintable()
                and self._is_visible(self.workspace.path(each))
            ):
                offered[Offered(each, "folder" if each.endswith("/") else "file")] = None
        return list(offered)[:limit]

    def _open(self, wanted: str) -> Iterator[str]:
        count = 0
        for document in self.view.documents():
            name = self.workspace.show(document.path)
            inside = any(document.path.is_relative_to(each) for each in self.workspace.folders)
            if not inside or name.endswith(TASK_DOCUMENT) or _rank(wanted, name.lower()) is None:
                continue
            if self._is_visible(document.path):
                yield name
                if (count := count + 1) == OPEN:
                    return

    def _is_visible(self, path: Path) -> bool:
        return not self.ignore.keeps(path, real_path(path))


def best(wanted: str, names: Sequence[str], limit: int) -> list[str]:
    """The names that fit, the nearest first: from their beginning, from that of a part, anywhere; where
    these are few, also by the letters in their order.
    """
    low = [(each.lower(), each) for each in names[:]]  # it may be growing
    ranked = [
        (rank, len(name), name) for lower, name in low if (rank := _rank(wanted, lower)) is not None
    ]
    found = [name for *_, name in heapq.nsmallest(limit, ranked)]
    if len(found) >= limit or len(wanted) < 2:
        return found
    loose = [
        (len(name), name)
        for lower, name in low
        if wanted not in lower and _has_letters(wanted, lower)
    ]
    return [*found, *(name for _, name in heapq.nsmallest(limit - len(found), loose))]


def _rank(wanted: str, name: str) -> int | None:
    at = name.find(wanted)
    if at < 0:
        return None
    if at == 0:
        return 0
    last = name.rstrip("/").rfind("/") + 1
    if name.startswith(wanted, last):
        return 1
    return 2 if f"/{wanted}" in name else 3


def _has_letters(wanted: str, name: str) -> bool:
    position = -1
    return all((position := name.find(letter, position + 1)) >= 0 for letter in wanted)
