"""What there is to know at a place of a task document."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from lsprotocol import types

from roo_lsp.agent.figures import plural
from roo_lsp.lsp.task_documents.open_documents import OpenDocuments
from roo_lsp.lsp.task_documents.outline import CALL
from roo_lsp.task_documents.form import ROO, TITLE, YOU, bare, body_start
from roo_lsp.task_documents.keys import key_at
from roo_lsp.task_documents.mentions import named
from roo_lsp.task_documents.sheet import Sheet
from roo_lsp.task_documents.ticks import choice_in, code
from roo_lsp.tasks.mentions import WORDS, Mention, mentions_in, place_of
from roo_lsp.workspace.descriptors import read_small
from roo_lsp.workspace.escapes import plain
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.transcript import tame

HEAD_LINES = 20
MOST_BYTES = 1_000_000
_LANGUAGE = re.compile(r"\.([A-Za-z0-9]{1,12})$")


def at(documents: OpenDocuments, sheet: Sheet, line: int, column: int) -> types.Hover | None:
    """The hover of a place; None where there is nothing to say."""
    if line >= len(sheet.lines):
        return None
    parts = list(_said(documents, sheet, line, column))
    if not parts:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n".join(parts)))


def _said(documents: OpenDocuments, sheet: Sheet, line: int, column: int) -> Iterator[str]:
    text = bare(sheet.lines[line])
    if text in {TITLE, YOU, ROO}:
        yield "\n".join(documents.status(sheet))
        for entry in documents.waiting(sheet):
            yield f"Waits for you: {tame(entry.title)}"
    elif 0 < line < body_start(sheet.lines) - 1:
        yield from _key(documents, sheet, line)
    elif (choice := choice_in(text)) is not None:
        for entry in documents.waiting(sheet):
            if entry.request_id == choice.request_id:
                yield "\n".join(code("\n".join(entry.detail), "text"))
                yield "Tick one line and save, or use a code action here."
    elif (call := CALL.match(text)) is not None:
        yield from _call(sheet, call["title"])
    else:
        workspace = documents.service.workspace
        for mention in mentions_in(text, lambda name: place_of(name, workspace) is not None):
            if mention.start <= column <= mention.end:
                yield from _mention(documents, mention)


def _key(documents: OpenDocuments, sheet: Sheet, line: int) -> Iterator[str]:
    front, effective = documents.front_matter(sheet)
    steps = next((steps for steps, span in front.places.items() if span.line == line), ())
    if not steps or (key := key_at(steps)) is None:
        return
    yield f"**{'.'.join(steps)}**: {key.description}"
    if any(held.steps == steps for held in effective.held):
        yield "Not used: it would let Roo do more, which a document cannot."


def _call(sheet: Sheet, title: str) -> Iterator[str]:
    yield f"**{title}**"
    for call in sheet.renderer.calls.values():
        if call.output and tame(call.title) == title:
            last = plain(call.output.expandtabs(4)).rstrip().split("\n")[-HEAD_LINES:]
            yield "\n".join(code("\n".join(last), "text"))


def _mention(documents: OpenDocuments, mention: Mention) -> Iterator[str]:
    if mention.kind == "word":
        yield f"Goes along: {WORDS[mention.name]}"
    elif mention.kind == "commit":
        yield f"Goes along: the commit `{mention.name}`, where there is one"
    elif mention.kind == "url":
        yield "Goes along as it stands: Roo fetches no pages"
    found = named(mention, documents.service.workspace, documents.service.ignore)
    if found.path is None:
        if found.problem:
            yield found.problem
        return
    first, last = mention.lines or (1, HEAD_LINES)
    lines = _lines(documents, found.path)
    shown = lines[first - 1 : min(last, first - 1 + HEAD_LINES)]
    language = _LANGUAGE.search(found.path.name)
    yield f"`{documents.service.workspace.show(found.path)}`, {_count(found.path, lines)}"
    if shown:
        text = plain("\n".join(shown).expandtabs(4))
        yield "\n".join(code(text, language[1] if language else "text"))


def _lines(documents: OpenDocuments, path: Path) -> Sequence[str]:
    document = documents.editor.documents.get(path)
    if document is not None:
        return [bare(line) for line in split_lines(document.text)]
    try:
        data = read_small(path, MOST_BYTES) or b""
    except OSError:
        return []
    if b"\0" in data:
        return []
    return [bare(line) for line in split_lines(data.decode("utf-8", "replace"))]


def _count(path: Path, lines: Sequence[str]) -> str:
    if path.is_dir():
        return "a folder"
    return plural(len(lines), "line")
