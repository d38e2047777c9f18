"""What the agent changed, marked in the editor: where a client sees the hunks of all tasks, and answers."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from lsprotocol import types

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.lsp.editor.documents import Document, Documents
from roo_lsp.lsp.editor.positions import end_of
from roo_lsp.lsp.surfaces.selection import above, mark, meets
from roo_lsp.tasks.hunks import cursor_lines, deed, where
from roo_lsp.tasks.review import Reviews
from roo_lsp.workspace.changes import FileChanges, Hunk
from roo_lsp.workspace.uris import uri_of

FOLLOW_SECONDS = 0.2
"""While the user types, hunks that are shown follow at most so often."""


@dataclass(slots=True)
class HunkMarks:
    """Where one client sees the changes of all tasks that are open."""

    documents: Documents
    encoding: Callable[[], str]
    publish: Callable[[str], None]
    """Has the diagnostics of a document sent."""
    refresh_lenses: Callable[[], None]
    wants_diagnostics: Callable[[], bool]
    wants_lenses: Callable[[], bool]
    start: Callable[[Coroutine[Any, Any, None]], None]
    """Has something done beside everything else."""
    reviews: Reviews = field(init=False)
    """What is marked."""
    _shown: dict[Path, tuple[str, list[types.Diagnostic]]] = field(
        default_factory=dict[Path, tuple[str, list[types.Diagnostic]]]
    )
    """The document and diagnostics that the client has of a file."""
    _stale: set[Path] = field(default_factory=set[Path])
    _timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self.reviews = Reviews(self._show, self._soon, self._uri, self._units)
        self.documents.watch(self._document)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    # --- what the client shows ------------------------------------------------------------------

    def diagnostics(self, uri: str) -> list[types.Diagnostic]:
        """One hint for each open hunk of a document."""
        shown = (each for each in self._shown.values() if each[0] == uri)
        return next(shown, ("", list[types.Diagnostic]()))[1]

    def code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """*Keep* and *Revert* for the hunks at this place, those that do least first."""
        named = {object_or_empty(each.data).get("hunk") for each in params.context.diagnostics}
        uri = params.text_document.uri
        here = [
            each for each in self.open_hunks(uri) if each.hunk.id in named or each.at(params.range)
        ]
        actions: list[types.CodeAction] = []
        for task_id, _, hunk in here:
            what = f"Roo's change in {where([hunk])}" if len(here) > 1 else "Roo's change"
            about = {"taskId": task_id, "uri": uri, "hunk": hunk.id}
            actions.append(_action(f"Keep {what}", "roo.changes.keep", about))
            actions.append(_action(f"Revert {what}", "roo.changes.revert", about))
        for task_id in dict.fromkeys(task_id for task_id, *_ in here):
            about = {"taskId": task_id}
            show = about | {"show": True}
            actions += [
                _action("Show all of Roo's changes as a diff", "roo.changes.list", show),
                _action("Keep all of Roo's changes", "roo.changes.keep", about),
                _action(
                    "Revert Roo's changes in this file", "roo.changes.revert", about | {"uri": uri}
                ),
                _action("Revert all of Roo's changes", "roo.changes.revert", about),
            ]
        return actions

    def lenses(self, uri: str) -> list[types.CodeLens]:
        """What was done, *Keep* and *Revert* above each open hunk of a document."""
        if not self.wants_lenses():
            return []
        found: list[types.CodeLens] = []
        for task_id, file, hunk in self.open_hunks(uri):
            about = {"taskId": task_id, "uri": uri, "hunk": hunk.id}
            keep = types.Command("Keep Roo's change", "roo.changes.keep", arguments=[about])
            revert = types.Command("Revert", "roo.changes.revert", arguments=[about])
            found += above(cursor_lines(file, hunk)[0], [keep, revert])
        return found

    def open_hunks(self, uri: str) -> Iterable["OpenHunk"]:
        """The hunks of a document that are still to be looked at."""
        document = self.documents.by_uri(uri)
        if document is None:
            return
        for task_id, review in self.reviews:
            if (found := review.open_in(document.path, document.text)) is not None:
                for hunk in found[1]:
                    yield OpenHunk(task_id, found[0], hunk)

    # --- keeping it up to date ------------------------------------------------------------------

    def _document(self, document: Document, what: str) -> None:
        if what != "saved" and any(document.path in each.paths for _, each in self.reviews):
            self._soon(document.path)

    def _soon(self, path: Path) -> None:
        """Show a file's hunks anew, but not at each key."""
        self._stale.add(path)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(FOLLOW_SECONDS, self._timed)

    def _timed(self) -> None:
        self._timer = None
        self.start(self._show_stale())

    async def _show_stale(self) -> None:
        stale, self._stale = self._stale, set()
        for path in stale:
            if self.documents.get(path) is None:
                for _, review in self.reviews:
                    await review.follow(path)
            self._show(path)

    def _show(self, path: Path) -> None:
        document = self.documents.get(path)
        uri = document.uri if document else uri_of(path)
        diagnostics: list[types.Diagnostic] = []
        for task_id, review in self.reviews:
            found = review.open_in(path, document.text if document else None)
            if found is not None:
                diagnostics += [
                    self._diagnostic(task_id, found[0], hunk, review.state_of(path, hunk))
                    for hunk in found[1]
                ]
        old_uri, old = self._shown.pop(path, (uri, []))
        if diagnostics:
            self._shown[path] = (uri, diagnostics)
        if (old_uri, old) == (uri, diagnostics):
            return
        self.refresh_lenses()
        if self.wants_diagnostics():
            for each in {old_uri, uri}:
                self.publish(each)

    def _diagnostic(
        self, task_id: str, file: FileChanges, hunk: Hunk, state: str
    ) -> types.Diagnostic:
        edited = ", and you since" if state == "edited" else ""
        return types.Diagnostic(
            range=mark(cursor_lines(file, hunk)[0]),
            message=f"Roo {deed(hunk)}{edited}: Keep or revert",
            severity=types.DiagnosticSeverity.Hint,
            source="Roo",
            data={"taskId": task_id, "hunk": hunk.id},
        )

    def _units(self, text: str) -> int:
        return end_of([text], self.encoding()).character

    def _uri(self, path: Path) -> str:
        document = self.documents.get(path)
        return document.uri if document else uri_of(path)


class OpenHunk(NamedTuple):
    """A hunk that is still to be looked at."""

    task_id: str
    file: FileChanges
    hunk: Hunk

    def at(self, asked: types.Range) -> bool:
        """True where a range that is asked about touches it."""
        return meets(cursor_lines(self.file, self.hunk), asked)


def _action(title: str, command: str, about: Mapping[str, Any]) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=types.CodeActionKind.QuickFix,
        command=types.Command(title=title, command=command, arguments=[dict(about)]),
    )
