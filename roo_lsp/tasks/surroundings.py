"""What stands around a task: gathered from the front end, git and the disk, and told where it is new."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from roo_lsp.agent.approval import Act, Allow, Policy
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.messages import HistoryEntry, ToolMessage, standing
from roo_lsp.agent.ports import CommandRunner, Ended, FileSystem, Listing, Problem, Snapshot
from roo_lsp.agent.recall import Recall, text_digest
from roo_lsp.agent.tool import Target, Workspace
from roo_lsp.settings import EditorContext
from roo_lsp.tasks.folder_rules import FolderRules
from roo_lsp.tasks.git_beside import GitBeside
from roo_lsp.tasks.surroundings_text import (
    Part,
    changed_part,
    documents_part,
    editor_block,
    ended_part,
    focus_part,
    git_part,
    head_part,
    problems_part,
    renamed_part,
    tree_part,
)
from roo_lsp.tasks.view import Focus, OpenDocument, UserView
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.disk import looks_of
from roo_lsp.workspace.gitignore import hidden_below
from roo_lsp.workspace.line_diff import alike
from roo_lsp.workspace.repository import GitStatus, Repository

SECONDS = 0.15
"""How long a turn waits for what is not at hand; without an answer it goes on without that part."""
ASKED = 16
"""Files known of late whose texts a front end is asked for as a turn begins, where it tells of none."""
DOCUMENTS = 12
"""Open documents that are told, newest first."""
ENTRIES = 200
"""Entries of the workspace that are looked at for its top."""
LOST = (
    "roo-lsp was started anew since: commands that went on in the background before have ended, or "
    "cannot be reached any more."
)
LEFT_RUNNING = re.compile(
    r"^The command still runs, in the background|^\[\d+ of its processes go on in the background",
    re.MULTILINE,
)
"""How a result of `execute_command` says so."""
KNOWN_SHARE = 0.6
"""What the changes of one known file may have of all there is room for."""

T = TypeVar("T")


@dataclass(slots=True)
class ReadGate:
    """What of the editor's state the model may be told: what it could read without a question."""

    workspace: Workspace
    policy: Policy
    respect_gitignore: Callable[[], bool]
    _known: dict[Path, bool] = field(default_factory=dict[Path, bool])

    def look_anew(self) -> None:
        """Files, settings and ignores may be others now."""
        self._known.clear()

    def __call__(self, path: Path) -> bool:
        """Whether names and texts of this file may be told."""
        if path not in self._known:
            self._known[path] = self._may_be_read(path)
        return self._known[path]

    def _may_be_read(self, path: Path) -> bool:
        if path.name.endswith(".roo.md"):
            return False  # the conversation itself
        if not isinstance(self.policy.judge(Act("read", [Target(path, "read")])), Allow):
            return False
        if not self.respect_gitignore():
            return True
        real = real_path(path)
        folders = [real_path(each) for each in self.workspace.folders]
        return not any(hidden_below(each, real) for each in folders if real.is_relative_to(each))


@dataclass(slots=True)
class TaskSurroundings:
    """`Surroundings` of one task."""

    view: UserView
    gate: ReadGate
    git: GitBeside
    files: FileSystem
    commands: CommandRunner
    recall: Recall
    workspace: Workspace
    options: Callable[[], EditorContext]
    mode: Callable[[], str]
    handed: Focus | None = None
    """Where the user is, as the front end said with the message that comes next."""
    rules: FolderRules | None = None
    """Those of the folders that are worked in."""
    resumed: bool = False
    """True where something was said before: the top of the workspace goes with the first message."""
    asks_for_texts: bool = False
    """True where the texts of a file that looks the same on disk may be others in the front end."""
    lost: bool = False
    """True where commands went on in the background when another server left the task."""
    today: Callable[[], str] = lambda: time.strftime("%Y-%m-%d")
    _told: dict[str, object] = field(default_factory=dict[str, object])
    """What the model was told last: the key of each part by its name."""
    _on: tuple[str, str] | None = None
    """The branch and the commit that the model knows of."""
    _ended: list[Ended] = field(default_factory=list[Ended])
    """Commands that ended in the background, and for which there was no room yet."""
    _reals: dict[Path, Path] = field(default_factory=dict[Path, Path])

    def forget(self) -> None:
        self.resumed |= "tree" in self._told
        self._told.clear()
        if self.rules:
            self.rules.forget()

    def hand(self, focus: Focus) -> None:
        """The front end says where its user is, with the message that comes next."""
        self.handed = focus

    async def told(self, *, turn: bool) -> str:
        options = self.options()
        self.gate.look_anew()
        documents = self.view.documents()
        parts: list[Part] = []
        if options.documents:
            parts = await self._changed(documents, options.max_bytes, await self._asked(turn=turn))
        self._ended += self.commands.ended()
        parts += [ended_part(each) for each in self._ended]
        if self.lost:
            parts.append(Part("lost", None, (LOST,)))
        if turn:
            told_of = [each for each in documents[:DOCUMENTS] if self.gate(each.path)]
            parts += [each for each in await self._shown(options, told_of) if self._is_new(each)]
        elif head := self._head(options):
            parts.append(head)
        text, told = editor_block(parts, options.max_bytes)
        for part in told:
            for path, known in part.files:
                self._knows(path, known)
            if not part.files:
                self._told[part.name] = part.key
        done = {part.key for part in told if part.name == "ended"}
        self.lost = self.lost and all(part.name != "lost" for part in told)
        self._ended = [each for each in self._ended if each.artifact_id not in done]
        return "\n\n".join(filter(None, (self.rules.news() if self.rules else "", text)))

    def _is_new(self, part: Part) -> bool:
        return part.name not in self._told or self._told[part.name] != part.key

    async def _shown(self, options: EditorContext, documents: Sequence[OpenDocument]) -> list[Part]:
        """All that is there as a turn begins, that which matters most first."""
        focus, self.handed = self._focus() if options.focus else None, None
        problems, status, listing = await self._beside(options)
        parts: list[Part] = []
        if focus is not None:
            text = next((each.text for each in documents if each.path == focus.path), None)
            parts.append(focus_part(focus, text, self._show, options.max_bytes))
        if options.documents and (documents or "documents" in self._told):
            parts.append(documents_part(documents, self._show))
        if problems is not None and (problems or "problems" in self._told):
            shown = [each for each in problems if self.gate(each.path)]
            parts.append(problems_part(shown, focus.path if focus else None, self._show))
        if status is not None:
            self._on = (status.branch, status.commit)
            parts.append(git_part(status, self._show, self.gate))
        self._told.setdefault("mode", self.mode())  # which the system prompt says
        parts.append(Part("mode", self.mode(), (f"The mode is {self.mode()} now.",)))
        if any((options.focus, options.documents, options.problems, options.git, options.tree)):
            parts.append(Part("date", self.today(), (f"Date: {self.today()}",)))
        if listing is not None:
            parts.append(tree_part(listing, self.workspace.root))
        return parts

    def _show(self, path: Path) -> str:
        """A path as the model writes it, also where the front end knows it by where links lead."""
        real = real_path(self.workspace.root)
        if path.is_relative_to(real):
            return self.workspace.show(self.workspace.root / path.relative_to(real))
        return self.workspace.show(path)

    # --- where the user is ------------------------------------------------------------------

    def _focus(self) -> Focus | None:
        focus = self.handed or self.view.focus()
        return focus if focus is not None and self.gate(focus.path) else None

    async def _beside(
        self, options: EditorContext
    ) -> tuple[Sequence[Problem] | None, GitStatus | None, Listing | None]:
        """What is not at hand, all of it asked at once."""
        wants_tree = options.tree and not (self.resumed or "tree" in self._told)
        return await asyncio.gather(
            _in_time(self.view.problems() if options.problems else _nothing()),
            self.git.answer(SECONDS) if options.git else _nothing(),
            _in_time(self._listing() if wants_tree else _nothing()),
        )

    async def _listing(self) -> Listing | None:
        try:
            return await self.files.list(
                self.workspace.root,
                recursive=True,
                limit=ENTRIES,
                respect_gitignore=self.gate.respect_gitignore(),
            )
        except ToolError:
            return None

    def _head(self, options: EditorContext) -> Part | None:
        """The branch, where it is another one since the model was told."""
        if not options.git or self._on is None or not self.git.allowed():
            return None
        place = Repository.around(self.workspace.root)
        if place is None or (now := place.head()) == self._on:
            return None
        self._on = now
        return head_part(*now)

    # --- files that the model knows ---------------------------------------------------------

    async def _asked(self, *, turn: bool) -> Mapping[Path, tuple[Snapshot | None, str]]:
        """What a front end says that tells of no document: texts of files that are known."""
        if not (turn and self.asks_for_texts):
            return {}
        known = [path for path, _ in self.recall.texts() if self.gate(path)][-ASKED:]
        found = await _in_time(asyncio.gather(*map(self._read, known)))
        return {} if found is None else dict(zip(known, found, strict=True))

    async def _changed(
        self,
        documents: Sequence[OpenDocument],
        most: int,
        asked: Mapping[Path, tuple[Snapshot | None, str]],
    ) -> list[Part]:
        """The known files that are others now: what was typed, saved, deleted behind the model's back."""
        is_open = {each.path: each for each in documents}
        parts = await self._changed_since_restart(is_open, most)
        for path, before in self.recall.texts():
            document = is_open.get(self._real_path(path)) if is_open else None
            if document is not None:
                after: str | None = document.text
                why = (
                    "was changed in the editor, and is not saved"
                    if document.unsaved
                    else ("was changed since")
                )
            elif path in asked:
                found, why = asked[path]
                after, why = found.text if found else None, why or "was changed since"
            else:
                after, why = await self._on_disk(path, before)
            if (after is not None and alike(before, after)) or not self.gate(path):
                continue
            new = self._renamed(before, documents) if after is None else None
            if new is not None:
                parts.append(renamed_part(path, new, self._show))
            else:
                share = int(most * KNOWN_SHARE)
                parts.append(changed_part(path, before, after, self._show, why, share))
        return parts

    def _renamed(self, before: str, documents: Sequence[OpenDocument]) -> OpenDocument | None:
        """The open document that has the text of a file that is gone, and is not known yet."""
        return next(
            (
                each
                for each in documents
                if before.strip()
                and alike(each.text, before)
                and self.recall.text(each.path) is None
                and self.gate(each.path)
            ),
            None,
        )

    async def _changed_since_restart(
        self, is_open: Mapping[Path, OpenDocument], most: int
    ) -> list[Part]:
        """Of the files that are known by their digests alone, those that are others now.

        Each is looked at once, and no longer than a turn may wait; the rest the next time.
        """
        parts: list[Part] = []
        end = time.monotonic() + SECONDS
        for path, known in self.recall.digests():
            if time.monotonic() > end:
                break
            if not self.gate(path):
                continue
            document = is_open.get(self._real_path(path))
            found, why = (None, "") if document else await self._read(path)
            after = document.text if document else found.text if found else None
            if after is not None and text_digest(after) == known:
                self.recall.found(path, after, found.looks if found else None)
            else:
                why = why or "was changed since this task was worked on last"
                parts.append(changed_part(path, None, after, self._show, why, most))
        return parts

    def _real_path(self, path: Path) -> Path:
        """Where a file really is; looked for once."""
        if path not in self._reals:
            self._reals[path] = real_path(path)
        return self._reals[path]

    async def _on_disk(self, path: Path, before: str) -> tuple[str | None, str]:
        """The text of a file that is not open, read only where it does not look as it did."""
        looks = _looks(path)
        if looks is None:
            return None, "is not there any more"
        if self.recall.looks.get(path) == looks:
            return before, ""
        found, why = await self._read(path)
        if found is not None and alike(before, found.text):
            self.recall.looks[path] = found.looks
        return found.text if found else None, why or "was changed on disk"

    async def _read(self, path: Path) -> tuple[Snapshot | None, str]:
        """The file, or why there is no text of it."""
        try:
            return await self.files.read(path), ""
        except ToolError:
            there = await self.files.exists(path)
            return None, "cannot be read any more" if there else "is not there any more"

    def _knows(self, path: Path, text: str | None) -> None:
        """The model was told what became of a file."""
        if text is None:
            self.recall.forget(path)
        else:
            self.recall.saw(path, text)


def left_running(entries: Iterable[HistoryEntry]) -> bool:
    """Whether a command was last told to go on in the background, as far as is recorded."""
    return any(
        isinstance(entry, ToolMessage) and LEFT_RUNNING.search(entry.text) is not None
        for entry in standing(entries)
    )


def _looks(path: Path) -> object:
    """What is another one when the file was written; None where there is none."""
    try:
        return looks_of(path.stat())
    except OSError:
        return None


async def _nothing() -> None:
    return None


async def _in_time(answer: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(SECONDS):
            return await answer
    except TimeoutError:
        return None
