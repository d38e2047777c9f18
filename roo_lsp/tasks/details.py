"""What a person is shown before deciding: our words, payload first and whole, nothing hidden in it."""

from collections.abc import Iterator

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.columns import pieces, wrapped
from roo_lsp.agent.tool import Diff, Workspace
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.hunks import visible
from roo_lsp.workspace.escapes import exact, label, plain
from roo_lsp.workspace.line_diff import changed_lines, unified_lines
from roo_lsp.workspace.transcript import fenced

DIALOG_LINES = 6
DIALOG_COLUMNS = 70
"""Larger dialogs crash one editor and are unreadable in others."""
TOO_LONG = "… too long for here: choose Review… to see all of it"


def detail_lines(request: PermissionRequest, workspace: Workspace) -> list[str]:
    """What would happen, as lines: the command or the files first, then where, then why we ask."""
    lines: list[str] = []
    if request.command is not None:
        lines += exact(request.command).split("\n")
        # A command of several lines could end in one that looks like ours.
        count = f"{len(lines)} lines, " if len(lines) > 1 else ""
        lines.append(f"{count}in {_one_exact(str(request.cwd or workspace.root))}")
    else:
        lines.append(label(request.title))
        if request.payload:
            lines += exact(request.payload, prose=True).split("\n")
        for diff in request.diffs:
            added, removed = changed_lines(diff.old or "", diff.new or "")
            lines.append(f"+{added} -{removed} lines")
        lines += [_one_exact(str(path)) for path in request.paths]
    if request.why:
        lines.append(label(request.why))
    if request.note:
        short = lines and len(f"{request.why} · {request.note}") <= DIALOG_COLUMNS
        last = f"{lines.pop()} · " if short and request.why else ""
        lines.append(f"{last}{label(request.note)}")
    if request.scope:
        # An approved command runs again in its task, with this very text.
        which = "Approve and Always" if request.command is not None else "Always"
        lines.append(f"{which}: {label(request.scope)}")
    return lines


def _one_exact(text: str) -> str:
    return exact(text).replace("\n", r"\x0a")


def dialog_text(entry: Pending) -> str:
    """The entry within what every dialog can show."""
    if entry.kind == "question":
        asked = "\n".join([f"{asker(entry)}:", *entry.detail]).split("\n")
        lines = [piece for line in asked for piece in wrapped(line, DIALOG_COLUMNS)]
    else:
        is_command = entry.request is not None and entry.request.command is not None
        told = [line for line in entry.detail if is_command or line != entry.title]
        first = "Roo wants to run:" if is_command else f"Roo: {entry.title}?"
        # Every character is kept: blanks matter in a command.
        lines = [piece for line in (first, *told) for piece in pieces(line, DIALOG_COLUMNS)]
    if len(lines) > DIALOG_LINES:
        lines = [*lines[: DIALOG_LINES - 1], TOO_LONG]
    return "\n".join(lines)


def asker(entry: Pending) -> str:
    """Who asks, so that the model's words never pass for ours."""
    return "Roo asks" if entry.own else "The model asks"


def document(entry: Pending) -> str:
    """The whole entry: everything that would be done, and how to answer.

    It is Markdown with every text of others in a code block, so that no reader makes an image, a
    link or a heading of it.
    """
    request = entry.request
    if entry.kind == "question":
        parts = [f"# {asker(entry)}", fenced("\n".join(entry.detail), "text")]
        if entry.suggestions:
            parts += [
                "Answers to choose from:" if entry.own else "It suggests:",
                *(fenced(plain(each), "text") for each in entry.suggestions),
            ]
        answer = f'`roo.question.answer` with `{{"requestId": "{entry.request_id}", "answer": …}}`'
    else:
        parts = ["# Roo asks for your approval"]
        parts += [fenced("\n".join(entry.detail))] if request is None else _whole(entry, request)
        outcomes = ", ".join(option["optionId"] for option in entry.options)
        answer = (
            f'`roo.approval.respond` with `{{"requestId": "{entry.request_id}", "decision": …}}`, '
            f"the decision one of {outcomes}"
        )
    parts.append(f"Waiting for your answer: {answer}; or a code action on the diagnostic.")
    return "\n\n".join(parts) + "\n"


def _whole(entry: Pending, request: PermissionRequest) -> Iterator[str]:
    """The parts of what is asked, payload first."""
    if request.command is not None:
        yield fenced(exact(request.command), "sh")
        yield f"In this folder:\n\n{fenced(_one_exact(str(request.cwd)), 'text')}"
    elif entry.kind == "trust":
        yield fenced("\n".join([entry.title, *entry.detail]), "text")
        return
    else:
        yield fenced(entry.title, "text")
    if request.payload:
        yield f"With:\n\n{fenced(exact(request.payload, prose=True), 'text')}"
    for diff in request.diffs:
        yield fenced(unified(diff), "diff")
    if request.command is None and request.paths:
        paths = "\n".join(_one_exact(str(path)) for path in request.paths)
        yield f"It is about:\n\n{fenced(paths, 'text')}"
    reasons = [label(each) for each in (request.why, request.note) if each]
    if reasons:
        yield "Asked because:\n\n" + fenced("\n".join(reasons), "text")


def unified(diff: Diff) -> str:
    """A change as a unified diff, made visible; a line without its line feed is followed by a note."""
    name = _one_exact(str(diff.path))
    shown = [
        f"--- {'/dev/null' if diff.old is None else name}\n",
        f"+++ {'/dev/null' if diff.new is None else name}\n",
    ]
    shown += map(visible, unified_lines(diff.old or "", diff.new or ""))
    return "".join(shown).removesuffix("\n")
