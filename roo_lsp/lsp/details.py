"""What a person is shown before deciding: our words, payload first and whole, nothing hidden in it."""

import difflib
import textwrap
import unicodedata
from collections.abc import Sequence

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.tool import Diff, Workspace
from roo_lsp.lsp.approvals import Pending
from roo_lsp.lsp.positions import split_lines
from roo_lsp.workspace.transcript import fenced

DIALOG_LINES = 6
DIALOG_COLUMNS = 70
"""Larger dialogs crash one editor and are unreadable in others."""
TOO_LONG = "… too long for here: choose Review… to see all of it"


def visible(text: str, *, keep_lines: bool = True) -> str:
    """The text with every character that could deceive a reader written as an escape."""
    return "".join(
        character
        if (character == "\n" and keep_lines) or _plain(character)
        else character.encode("unicode_escape").decode()
        for character in text
    )


def _plain(character: str) -> bool:
    category = unicodedata.category(character)
    return character == " " or (category[0] != "C" and category not in {"Zl", "Zp", "Zs"})


def detail_lines(request: PermissionRequest, workspace: Workspace) -> list[str]:
    """What would happen, as lines: the command or the files first, then where, then why we ask."""
    lines: list[str] = []
    if request.command is not None:
        lines += visible(request.command).split("\n")
        lines.append(f"in {visible(str(request.cwd or workspace.root), keep_lines=False)}")
    else:
        lines.append(visible(request.title, keep_lines=False))
        for diff in request.diffs:
            added, removed = counts(diff)
            lines.append(f"+{added} -{removed} lines")
        lines += [visible(str(path), keep_lines=False) for path in request.paths]
    if request.why:
        lines.append(visible(request.why, keep_lines=False))
    if request.scope:
        lines.append(f"Always: {visible(request.scope, keep_lines=False)}")
    return lines


def counts(diff: Diff) -> tuple[int, int]:
    """Lines added and removed."""
    lines = list(
        difflib.unified_diff(split_lines(diff.old or ""), split_lines(diff.new or ""), n=0)
    )[2:]
    return (
        sum(line.startswith("+") for line in lines),
        sum(line.startswith("-") for line in lines),
    )


def dialog_text(entry: Pending) -> str:
    """The entry within what every dialog can show."""
    title = visible(entry.title, keep_lines=False)
    if entry.kind == "question":
        lines = textwrap.wrap(title, DIALOG_COLUMNS)
    else:
        told = [line for line in entry.detail if line != title]
        lines = [piece for line in (f"Roo: {title}?", *told) for piece in _pieces(line)]
    if len(lines) > DIALOG_LINES:
        lines = [*lines[: DIALOG_LINES - 1], TOO_LONG]
    return "\n".join(lines)


def _pieces(line: str) -> list[str]:
    """A line cut to the width, every character kept: blanks matter in a command."""
    return [line[at : at + DIALOG_COLUMNS] for at in range(0, len(line), DIALOG_COLUMNS)] or [""]


def document(entry: Pending) -> str:
    """The whole entry as Markdown: everything that would be done, and how to answer."""
    request = entry.request
    parts = [f"# {visible(entry.title, keep_lines=False)}"]
    if request is None:
        parts += ["\n".join(entry.detail)]
    elif request.command is not None:
        parts += [fenced(visible(request.command), "sh"), f"Working directory: `{request.cwd}`"]
    for diff in request.diffs if request else ():
        parts.append(fenced(visible(unified(diff)), "diff"))
    if request is not None:
        if request.paths:
            parts.append("\n".join(f"- `{visible(str(path))}`" for path in request.paths))
        parts.append(request.why)
    if entry.kind == "question":
        parts.append("\n".join(f"- {visible(each)}" for each in entry.suggestions))
        answer = f'`roo.question.answer` with `{{"requestId": "{entry.request_id}", "answer": …}}`'
    else:
        outcomes = ", ".join(option["optionId"] for option in entry.options)
        answer = (
            f'`roo.approval.respond` with `{{"requestId": "{entry.request_id}", "decision": …}}`, '
            f"the decision one of {outcomes}"
        )
    parts.append(f"Waiting for your answer: {answer}; or a code action on the diagnostic.")
    return "\n\n".join(part for part in parts if part) + "\n"


def unified(diff: Diff) -> str:
    """A change as a unified diff."""
    lines = difflib.unified_diff(
        split_lines(diff.old or ""),
        split_lines(diff.new or ""),
        "/dev/null" if diff.old is None else str(diff.path),
        "/dev/null" if diff.new is None else str(diff.path),
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def trust_lines(held: Sequence[object]) -> list[str]:
    """What would widen, one line each."""
    return [visible(str(each), keep_lines=False) for each in held]
