"""What waits for the user, as editors show it: where it stands, and the titles that answer it.

What does least comes first, everywhere: a menu's first item is picked by accident.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from roo_lsp.agent.approval import LABELS, Outcome
from roo_lsp.agent.columns import columns, fitted, one_line
from roo_lsp.agent.tool import Diff
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.surfaces.selection import mark
from roo_lsp.tasks.approvals import Pending
from roo_lsp.workspace.escapes import plain
from roo_lsp.workspace.lines import split_lines

REVIEW = "Review…"
"""The first action of each dialog: harmless, because Enter may be pressed by accident."""
SUGGESTIONS_SHOWN = 3
"""Beside `Review…`; more than four actions crash one editor in small terminals."""
TITLE_COLUMNS = 60
LINE_COLUMNS = 80
MESSAGE_COLUMNS = 100
ORDER: Sequence[Outcome] = (
    "reject_once",
    "allow_once",
    "allow_always",
    "allow_always_prefix",
    "reject_always",
)
IN_DIALOGS: frozenset[Outcome] = frozenset(ORDER[:3])


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an entry is shown: a line of an open document."""

    uri: str
    line: int


def stand_of(entry: Pending, documents: Documents) -> Stand | None:
    """The first changed line of the document it is about, else the last used document's first."""
    request = entry.request
    for diff in request.diffs if request else ():
        if (document := documents.get(diff.path)) is not None:
            return _line_in(document.uri, document.text, first_changed(diff))
    for path in request.paths if request else ():
        if (document := documents.get(path)) is not None:
            return _line_in(document.uri, document.text, 0)
    if (last := documents.last) is not None:
        return _line_in(last.uri, last.text, 0)
    return None


def first_changed(diff: Diff) -> int:
    """The first line, from 0, that a change makes another one."""
    old, new = split_lines(diff.old or ""), split_lines(diff.new or "")
    both = enumerate(zip(old, new, strict=False))
    return next((at for at, (one, other) in both if one != other), min(len(old), len(new)))


def _line_in(uri: str, text: str, line: int) -> Stand:
    return Stand(uri, max(0, min(line, len(split_lines(text)) - 1)))


def dialog_titles(entry: Pending) -> dict[str, str]:
    """The actions of an entry's dialog, each title with the answer it stands for."""
    if entry.kind == "question":
        titles = {REVIEW: ""}
        for each in [each for each in entry.suggestions if each.strip()][:SUGGESTIONS_SHOWN]:
            if (title := suggestion(each)) in titles:
                return {REVIEW: ""}  # which of two is meant could not be told
            titles[title] = each
        return titles
    return {REVIEW: ""} | {LABELS[each]: each for each in _outcomes(entry) if each in IN_DIALOGS}


def suggestion(text: str) -> str:
    """The model's words as an action; none of them passes for one of ours."""
    title = fitted(one_line(plain(text, look_alikes=True)), TITLE_COLUMNS)
    return f"“{title}”" if _letters(text).startswith(_OWN_TITLES) else title


def diagnostic(entry: Pending, stand: Stand) -> types.Diagnostic:
    """The entry as an information on its line."""
    what = "asks" if entry.kind == "question" else "wants your approval"
    return types.Diagnostic(
        range=mark(stand.line),
        message=fitted(f"Roo {what}: {one_line(entry.title)}", LINE_COLUMNS),
        severity=types.DiagnosticSeverity.Information,
        source="roo",
        data={"requestId": entry.request_id},
    )


def waits(entry: Pending, where: str) -> str:
    """The message that something waits, and the command that shows or answers it."""
    before, behind = "Roo waits for you: ", f" ({where})"
    room = MESSAGE_COLUMNS - columns(before) - columns(behind)
    return f"{before}{fitted(one_line(entry.title), room)}{behind}"


def actions(entry: Pending) -> list[types.CodeAction]:
    """What shows an entry, and what settles it."""
    about = one_line(entry.title)
    if entry.kind == "question":
        shown = [("Read Roo's question", _review(entry))]
        shown += [
            (f"Answer Roo: {suggestion(each)}", _answer(entry, each)) for each in entry.suggestions
        ]
    else:
        shown = [(f"Review (Roo): {about}", _review(entry))]
        shown += [
            (
                f"{LABELS[each]} (Roo): {one_line(plain(entry.reach(each))) or about}",
                _decide(entry, each),
            )
            for each in _outcomes(entry)
        ]
    return [
        types.CodeAction(
            title=fitted(title, LINE_COLUMNS),
            kind=types.CodeActionKind.QuickFix,
            command=types.Command(fitted(title, LINE_COLUMNS), command, arguments=[argument]),
        )
        for title, (command, argument) in shown
    ]


def lens_commands(entry: Pending) -> list[types.Command]:
    """The same for a line above the code: the first says what it is about."""
    if entry.kind == "question":
        first = fitted(f"Roo asks: {one_line(entry.title)}", TITLE_COLUMNS)
        titles = [suggestion(each) for each in entry.suggestions]
        answers = [_answer(entry, each) for each in entry.suggestions]
    else:
        first = fitted(f"Roo: {one_line(entry.title)}?", TITLE_COLUMNS - len(REVIEW) - 1)
        first = f"{first} {REVIEW}"
        few: list[Outcome] = [each for each in _outcomes(entry) if each in IN_DIALOGS]
        titles = [LABELS[each] for each in few]
        answers = [_decide(entry, each) for each in few]
    shown = zip([first, *titles], [_review(entry), *answers], strict=True)
    return [
        types.Command(title, command, arguments=[argument]) for title, (command, argument) in shown
    ]


def _outcomes(entry: Pending) -> list[Outcome]:
    possible: tuple[Outcome, ...] = entry.request.outcomes if entry.request else ()
    return [each for each in ORDER if each in possible]


CommandCall = tuple[str, dict[str, Any]]
"""A command of ours with its argument."""


def _review(entry: Pending) -> CommandCall:
    return "roo.approval.list", {"requestId": entry.request_id, "show": True}


def _decide(entry: Pending, outcome: Outcome) -> CommandCall:
    return "roo.approval.respond", {"requestId": entry.request_id, "decision": outcome}


def _answer(entry: Pending, text: str) -> CommandCall:
    return "roo.question.answer", {"requestId": entry.request_id, "answer": text}


def _letters(text: str) -> str:
    return "".join(each for each in text if each.isalpha()).casefold()


_OWN_TITLES = tuple(_letters(each) for each in (REVIEW, *LABELS.values()))
