"""Hover where the agent changed something or waits for the user, and nowhere else.

Other servers have the hovers of code; ours stand only on lines of a hunk, with what was there before,
and on the line of a pending entry, with what waits and how to answer.
"""

from collections.abc import Iterator, Sequence

from lsprotocol import types

from roo_lsp.agent.columns import one_line
from roo_lsp.lsp.surfaces.hunk_marks import HunkMarks, OpenHunk
from roo_lsp.lsp.surfaces.screen import EditorScreen
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.details import asker, unified
from roo_lsp.tasks.hunks import deed, visible
from roo_lsp.workspace.changes import Hunk
from roo_lsp.workspace.escapes import exact
from roo_lsp.workspace.transcript import fenced

MAX_LINES = 30
"""Lines of a diff that a hover shows: it has to fit beside the code."""


def hover_at(
    params: types.HoverParams, screen: EditorScreen, marks: HunkMarks, *, markdown: bool
) -> types.Hover | None:
    """What stands on the line; None where nothing does."""
    uri, at = params.text_document.uri, params.position
    here = types.Range(at, at)
    parts = [part for entry in screen.waiting(uri, here) for part in _pending(entry)]
    parts += [part for each in marks.open_hunks(uri) if each.at(here) for part in _changed(each)]
    if not parts:
        return None
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.Hover(types.MarkupContent(kind, "\n\n".join(parts)))


def _changed(here: OpenHunk) -> Iterator[str]:
    yield f"**Roo {deed(here.hunk)}**" + (", and you since" if here.hunk.state == "edited" else "")
    if lines := _diff(here.hunk):
        yield _fenced(lines, "diff")
    yield "Keep or revert it by a code action here."


def _diff(hunk: Hunk) -> list[str]:
    before = [visible(f"-{line}") for line in hunk.before]
    after = [visible(f"+{line}") for line in hunk.after]
    return "".join([*before, *after]).splitlines()


def _pending(entry: Pending) -> Iterator[str]:
    request = entry.request
    if entry.kind == "question":
        yield f"**{asker(entry)}**"
        yield _fenced("\n".join(entry.detail).split("\n"), "text")
        yield "Answer by a code action here, or with `roo.question.answer`."
        return
    yield "**Roo wants your approval**"
    if request is not None and request.command is not None:
        yield _fenced(exact(request.command).split("\n"), "sh")
    else:
        yield _fenced([one_line(entry.title)], "text")
    for diff in request.diffs if request else ():
        yield _fenced(unified(diff).split("\n"), "diff")
    yield "Review, deny or approve it by a code action here, or with `roo.approval.respond`."


def _fenced(lines: Sequence[str], language: str) -> str:
    shown = list(lines[:MAX_LINES])
    if len(lines) > MAX_LINES:
        shown.append(f"… {len(lines) - MAX_LINES} more lines")
    return fenced("\n".join(shown), language)
