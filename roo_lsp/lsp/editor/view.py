"""What an editor shows, from what it tells a language server anyway.

Editors do not say where their user is. They ask about places (code actions, hovers, completions), and
send what is typed: the last of these is where the user was seen, with its age.

Nothing is registered for that alone. Signature help, document highlights and selection ranges would
tell of places too, but what they answer is not joined: Helix asks the first server that registers
them, Sublime Text the one it likes best, and a server that only listens would take the place of one
that answers. Where signatures are asked for, something was typed a moment before.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lsprotocol import types

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import LanguageServers, Problem
from roo_lsp.lsp.editor.documents import Document, Documents
from roo_lsp.tasks.view import Focus, OpenDocument
from roo_lsp.workspace.line_diff import alike, split_lines

TASK_DOCUMENT = ".roo.md"
"""What ends so is a task document: who types there is not working on it."""
ERROR, WARNING = 1, 2
"""LSP's numbers; information and hints are no problems that a model is told of."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """Where the user was seen, and when."""

    document: Document
    when: float
    first: int | None = None
    """From 1; None where only the document is known, or it is looked for in what was typed."""
    last: int | None = None
    before: str | None = None
    """The text before something was typed."""
    problems: tuple[Problem, ...] = ()
    """What the editor said of the place by itself."""


@dataclass(slots=True)
class EditorView:
    """`UserView` of one client."""

    documents_open: Documents
    servers: LanguageServers | None = None
    """Its other language servers, where it lets them be asked."""
    now: Callable[[], float] = time.monotonic
    _seen: _Seen | None = None
    _order: dict[str, None] = field(default_factory=dict[str, None])
    """The addresses of documents, that which was touched last at the end."""
    _texts: dict[str, str] = field(default_factory=dict[str, str])
    """The documents' texts as they were when they were last told."""
    _wanted: dict[str, str] = field(default_factory=dict[str, str])
    """What tools are having made of documents: a change to that is not the user's."""

    def listen(self) -> None:
        """Hear of documents from now on, and of those that are open already."""
        last = self.documents_open.last
        for document in sorted(self.documents_open, key=lambda each: each is last):
            self._told(document, "opened")
        self.documents_open.watch(self._told)
        self.documents_open.watch_edits(self._edits)

    def looked(
        self, uri: str, asked: types.Range, problems: Sequence[types.Diagnostic] | None = None
    ) -> None:
        """The editor asked about a place: its user is there.

        `problems` are those that it knows there; None where it does not say.
        """
        document = self.documents_open.by_uri(uri)
        if document is None or document.path.name.endswith(TASK_DOCUMENT):
            return
        start, end = asked.start, asked.end
        first, last = start.line + 1, end.line + (1 if end.character else 0)
        one_character = start.line == end.line and end.character - start.character <= 1
        found = tuple(
            Problem(
                document.path,
                each.range.start.line + 1,
                (each.severity or types.DiagnosticSeverity.Error).value,
                each.message,
                each.source or "",
                "" if each.code is None else str(each.code),
            )
            for each in problems or ()
            if (each.source or "").casefold() != "roo"
        )
        selected = None if one_character or last < first else last
        before = self._seen
        if problems is None and before and (before.document, before.first) == (document, first):
            found = before.problems
        self._saw(_Seen(document, self.now(), first, selected, problems=found))

    # --- `UserView` -----------------------------------------------------------------------------

    def focus(self) -> Focus | None:
        """Where the user was seen last."""
        seen = self._seen
        if seen is None or self.documents_open.by_uri(seen.document.uri) is not seen.document:
            return None
        first = seen.first
        if seen.before is not None:
            first = _first_changed(seen.before, seen.document.text)
        return Focus(seen.document.path, first, seen.last, self.now() - seen.when)

    def documents(self) -> Sequence[OpenDocument]:
        """What is open, that which was touched last first."""
        found = (self.documents_open.by_uri(uri) for uri in reversed(self._order))
        return [
            OpenDocument(each.path, each.text, each.maybe_unsaved and each.text != each.synced)
            for each in found
            if each is not None
        ]

    async def problems(self) -> Sequence[Problem] | None:
        """All that the client passes on; else what it said of the place where its user is."""
        if self.servers is None or "diagnostics" not in self.servers.offered:
            found = self._seen.problems if self._seen else ()
            return [each for each in found if each.severity <= WARNING] or None
        try:
            known = await self.servers.problems(None)
        except ToolError:
            return None
        if known is None:
            return None
        return [each for each in known.problems if each.severity <= WARNING]

    # --- what the editor tells --------------------------------------------------------------

    def _told(self, document: Document, what: str) -> None:
        uri = document.uri
        if what == "closed":
            self._order.pop(uri, None)
            self._texts.pop(uri, None)
            self._wanted.pop(uri, None)
            return
        before = self._texts.get(uri, document.text)
        self._texts[uri] = document.text
        wanted = self._wanted.get(uri)
        ours = what == "changed" and wanted is not None and alike(document.text, wanted)
        if ours:
            del self._wanted[uri]
            return
        self._order.pop(uri, None)
        self._order[uri] = None
        if document.path.name.endswith(TASK_DOCUMENT):
            return
        if what == "changed" and before != document.text:
            self._saw(_Seen(document, self.now(), before=before))
        elif what == "opened":
            self._saw(_Seen(document, self.now()))

    def _edits(self, document: Document, text: str) -> None:
        self._wanted[document.uri] = text

    def _saw(self, seen: _Seen) -> None:
        self._seen = seen


def _first_changed(before: str, after: str) -> int:
    """The first line that is another one, from 1."""
    old, new = split_lines(before), split_lines(after)
    pairs = enumerate(zip(old, new, strict=False), 1)
    least = min(len(old), len(new))
    return next((at for at, (one, other) in pairs if one != other), min(least + 1, len(new) or 1))
