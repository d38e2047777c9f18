"""Code actions on any document: *Explain*, *Fix*, *Improve*, *Ask about*, *Run this comment as a task*.

Each is a command that every client can send. What is selected goes along as a place, so the model sees
the text as it is in the editor, and once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types

from roo_lsp.agent.columns import fitted, one_line
from roo_lsp.agent.modes import Mode
from roo_lsp.lsp.editor.documents import Document, Documents
from roo_lsp.lsp.surfaces.comments import Comment, comment_at, syntax_of
from roo_lsp.lsp.surfaces.selection import LineRange, of_comment, of_problems, target
from roo_lsp.task_documents.form import is_task_document
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.uris import is_new

KINDS = (
    types.CodeActionKind.QuickFix,
    types.CodeActionKind.RefactorRewrite,
    "roo.explain",
    "roo.ask",
    "roo.comment",
)
"""What is offered. `source` kinds are hidden in one editor's menu, so the rest are kinds of our own."""
NOT_CODE = frozenset({"diff", "patch", "log", "output", "git-commit", "gitcommit", "git-rebase"})
"""Languages of documents that are about code and no code."""
NOT_CODE_ENDINGS = (".diff", ".patch", ".log", ".rej")
MAX_PROBLEMS = 20
PROBLEM_COLUMNS = 300

EXPLAIN = "Explain {what}: what it does, how, and why it may be written so. Change nothing."
IMPROVE = (
    "Improve {what}: make it clearer, simpler or more robust, and leave what it does as it is. Keep "
    "to the style around it and change nothing else. Where it is good as it is, say so instead."
)
FIX = "Find what is wrong in {what}, and fix it. Where nothing is, say so and change nothing."
FIX_THESE = "Fix {problems} in {name}, and change no more than that needs:\n{listed}"
DO = (
    "{words}\n\n(This is the comment in {what}: do what it asks. When that is done, take the comment "
    "out, or change what of it is not true any more.)"
)


@dataclass(slots=True)
class Actions:
    """What is offered for the documents of one client."""

    documents: Documents
    show: Callable[[Path], str]
    """Names a file for people and the model."""
    own: Path
    """Our own folder: what lies there is no code of the user's."""
    encoding: Callable[[], str]
    mode: Callable[[], Mode | None]
    """The mode of new tasks, where there is one of that name."""
    _split: tuple[str, list[str]] = field(default=("", []))
    """The text that was looked at last, and its lines: cursors move more often than texts change."""

    def offered(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """The actions for a place.

        An editor that asks by itself, as the cursor moves, is only told of problems: a light on each
        line is none.
        """
        document = self.documents.shown(params.text_document.uri)
        if document is None or not self._is_code(document):
            return []
        context = params.context
        problems = [each for each in context.diagnostics if not _is_own(each)]
        asked = context.trigger_kind != types.CodeActionTriggerKind.Automatic
        if not asked and not problems:
            return []
        lines = self._lines(document)
        place = target(lines, params.range, self.encoding())
        found = [self._fix(document, place, problems)]
        if asked:
            found.insert(0 if not problems else 1, self._explain(document, place))
            found += [self._improve(document, place), self._ask(document, place)]
            syntax = syntax_of(document.language, document.path.name)
            line = params.range.start.line
            if syntax is not None and (comment := comment_at(lines, line, syntax)) is not None:
                found.append(self._comment(document, lines, comment))
        return found

    def _is_code(self, document: Document) -> bool:
        name = document.path.name.lower()
        return not (
            document.language in NOT_CODE
            or name.endswith(NOT_CODE_ENDINGS)
            or is_task_document(document.path)
            or self.own in document.path.parents
        )

    def _lines(self, document: Document) -> list[str]:
        if self._split[0] is not document.text:
            self._split = document.text, split_lines(document.text)
        return self._split[1]

    # --- the actions ----------------------------------------------------------------------------

    def _explain(self, document: Document, place: LineRange | None) -> types.CodeAction:
        prompt = EXPLAIN.format(what=self._what(document, place))
        mode = self.mode()
        about = {} if mode and mode.only_looks else {"mode": "ask"}
        return self._starts(
            f"Explain {_words(place)}", "roo.explain", prompt, document, place, about
        )

    def _improve(self, document: Document, place: LineRange | None) -> types.CodeAction:
        prompt = IMPROVE.format(what=self._what(document, place))
        return self._starts(
            f"Improve {_words(place)}",
            types.CodeActionKind.RefactorRewrite,
            prompt,
            document,
            place,
            self._editing(),
        )

    def _fix(
        self, document: Document, place: LineRange | None, problems: Sequence[types.Diagnostic]
    ) -> types.CodeAction:
        if problems:
            count = len(problems)
            few = "the problem" if count == 1 else f"{count} problems"
            title, place = f"Fix {few} here", of_problems(place, problems)
            prompt = FIX_THESE.format(
                problems="this problem" if count == 1 else "these problems",
                name=self._name(document),
                listed="\n".join(_listed(problems)),
            )
        else:
            title = f"Fix {_words(place)}"
            prompt = FIX.format(what=self._what(document, place))
        action = self._starts(
            title, types.CodeActionKind.QuickFix, prompt, document, place, self._editing()
        )
        action.diagnostics = list(problems) or None
        return action

    def _ask(self, document: Document, place: LineRange | None) -> types.CodeAction:
        argument = {"context": [_context(document, place)]}
        title = f"Roo: Ask about {_words(place)}…"
        command = types.Command(title, "roo.task.open", arguments=[argument])
        return types.CodeAction(title=title, kind="roo.ask", command=command)

    def _comment(
        self, document: Document, lines: Sequence[str], comment: Comment
    ) -> types.CodeAction:
        what = self._what(document, LineRange(comment.first, comment.last))
        prompt = DO.format(words=comment.text, what=what)
        place = of_comment(lines, comment.last)
        title = "Run this comment as a task"
        return self._starts(title, "roo.comment", prompt, document, place, {})

    def _starts(
        self,
        title: str,
        kind: types.CodeActionKind | str,
        prompt: str,
        document: Document,
        place: LineRange | None,
        about: Mapping[str, Any],
    ) -> types.CodeAction:
        title = f"Roo: {title}"
        argument = {"prompt": prompt, "context": [_context(document, place)], **about}
        command = types.Command(title, "roo.task.start", arguments=[argument])
        return types.CodeAction(title=title, kind=kind, command=command)

    def _editing(self) -> dict[str, str]:
        """The mode of a task that edits code: that of new tasks, where it may."""
        mode = self.mode()
        may = mode is None or ("edit" in mode.groups and mode.groups["edit"] is None)
        return {} if may else {"mode": "code"}

    def _what(self, document: Document, place: LineRange | None) -> str:
        name = self._name(document)
        return name if place is None else f"{_words(place)} of {name}"

    def _name(self, document: Document) -> str:
        name = label(self.show(document.path))
        return f"the new, unsaved document {name}" if is_new(document.uri) else name


def wanted(
    actions: Sequence[types.CodeAction], only: Sequence[types.CodeActionKind | str] | None
) -> list[types.CodeAction]:
    """The actions of the kinds that are asked for, those below them included; without any, all."""
    kinds = {str(getattr(each, "value", each)) for each in only or ()}
    if not kinds or "" in kinds:
        return list(actions)
    return [each for each in actions if any(_is_below(each.kind, kind) for kind in kinds)]


def as_taken(
    actions: Sequence[types.CodeAction], *, literals: bool
) -> list[types.CodeAction | types.Command]:
    """The actions, as bare commands for a client that knows no more."""
    if literals:
        return list(actions)
    return [each.command for each in actions if each.command is not None]


def _is_below(kind: types.CodeActionKind | str | None, asked: str) -> bool:
    name = str(getattr(kind, "value", kind))
    return name == asked or name.startswith(f"{asked}.")


def _words(place: LineRange | None) -> str:
    return "this file" if place is None else place.words


def _context(document: Document, place: LineRange | None) -> dict[str, Any]:
    return {"uri": document.uri} | ({} if place is None else {"range": place.range})


def _is_own(diagnostic: types.Diagnostic) -> bool:
    return (diagnostic.source or "").casefold() == "roo"


def _listed(problems: Sequence[types.Diagnostic]) -> list[str]:
    """The problems as lines of a list; their texts are other programs', and no more than data."""
    shown = [_problem(each) for each in problems[:MAX_PROBLEMS]]
    more = len(problems) - len(shown)
    return [*shown, f"- and {more} more"] if more else shown


def _problem(each: types.Diagnostic) -> str:
    severity = (each.severity or types.DiagnosticSeverity.Error).name.lower()
    source = f" ({label(one_line(each.source))})" if each.source else ""
    text = fitted(label(one_line(each.message)), PROBLEM_COLUMNS)
    return f"- line {each.range.start.line + 1}, {severity}{source}: {text}"
