"""Completion in task documents: paths after `@`, commands after `/`, keys and values of front matter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lsprotocol import types

from roo_lsp.lsp.task_documents.columns import code_point, span
from roo_lsp.lsp.task_documents.open_documents import OpenDocuments
from roo_lsp.task_documents.form import bare, body_start, sections
from roo_lsp.task_documents.front_matter import TASK, KeyPath
from roo_lsp.task_documents.keys import keys_at, values_of
from roo_lsp.task_documents.sheet import Sheet, skeleton_of
from roo_lsp.tasks import slash
from roo_lsp.tasks.mention_offers import Offered

SHOWN = 60
"""Mentions of one answer; with more typed there are others."""
TASKS_SHOWN = 20

_MENTION = re.compile(r"(?<![\w@./`\\])@(\"?)((?:[^\s\"@\\]|\\ )*)$")
_COMMAND = re.compile(r"/([\w.-]*)$")
_COMMAND_WORD = re.compile(r"/([a-z]+) +(\S*)$")
_KEY = re.compile(r"( *)([\w-]*)$")
_VALUE = re.compile(r"( *)([\w-]+): +(\S*)$")
_OPENED = re.compile(r"( *)([\w-]+):\s*(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may stand in place of what was typed from a column on."""

    start: int
    label: str
    kind: types.CompletionItemKind
    detail: str = ""
    text: str | None = None
    """What is inserted, where it is not the label."""


@dataclass(slots=True)
class Completer:
    """What may be written at a place of a document."""

    documents: OpenDocuments

    async def at(self, sheet: Sheet, place: types.Position, encoding: str) -> types.CompletionList:
        """The items; `isIncomplete` where more typing finds others."""
        lines = list(sheet.lines)
        column = code_point(lines, place, encoding)
        before = lines[place.line][:column] if place.line < len(lines) else ""
        incomplete = False
        if (text := skeleton_of(lines)) is not None:
            kind = types.CompletionItemKind.Snippet
            found = [Offer(0, "# Task", kind, "Start a task here", text)]
        elif 0 < place.line < body_start(lines) - 1:
            found = list(self._settings(lines, place.line, before))
        elif not _is_message(sheet, place.line):
            found = []
        elif mention := _MENTION.search(before):
            found, incomplete = await self._files(mention)
        else:
            found = list(self._commands(before))
        items = [
            _item(each, span(lines, place.line, each.start, column, encoding)) for each in found
        ]
        return types.CompletionList(incomplete, items)

    async def _files(self, mention: re.Match[str]) -> tuple[list[Offer], bool]:
        start, typed = mention.start(2), mention[2]
        if mention[1]:
            start -= 1
        offered = await self.documents.service.mentions.matching(typed, SHOWN)
        return [
            Offer(start, each.name, _KINDS[each.kind], each.description, _quoted(each, mention[1]))
            for each in offered
        ], True

    def _commands(self, before: str) -> Iterator[Offer]:
        if _COMMAND.match(before):
            for name, form in slash.COMMANDS.items():
                kind = types.CompletionItemKind.Function
                yield Offer(0, f"/{name}", kind, form.description)
            service = self.documents.service
            offered = service.offered.commands(service.configuration.current.settings.mode)
            for name, command in sorted(offered.items()):
                kind = types.CompletionItemKind.Snippet
                yield Offer(0, f"/{name}", kind, f"{command.hint} {command.description}".strip())
        elif (found := _COMMAND_WORD.match(before)) and found[1] in slash.COMMANDS:
            for word, text in self._named(found[1]):
                yield Offer(found.start(2), word, types.CompletionItemKind.EnumMember, text)

    def _settings(self, lines: Sequence[str], line: int, before: str) -> Iterator[Offer]:
        if found := _VALUE.match(before):
            steps = (*_parents(lines, line, len(found[1])), found[2])
            values = [*self._named(found[2])] if len(steps) == 1 else []
            for word, text in values or values_of(steps):
                yield Offer(found.start(3), word, types.CompletionItemKind.EnumMember, text)
        elif found := _KEY.match(before):
            steps = _parents(lines, line, len(found[1]))
            for key in keys_at(steps):
                end = ":" if key.is_section else ": "
                yield Offer(
                    found.start(2),
                    key.name,
                    types.CompletionItemKind.Property,
                    key.description,
                    key.name + end,
                )

    def _named(self, key: str) -> list[tuple[str, str]]:
        """Values that only this server knows, each with what it is."""
        service = self.documents.service
        match key:
            case "mode":
                modes = service.configuration.modes.values()
                return [(mode.slug, mode.name) for mode in modes]
            case "profile":
                return [(name, "") for name in service.configuration.current.settings.profiles]
            case _ if key == TASK:
                found = service.tasks.listed(TASKS_SHOWN, everywhere=False)
                return [(each.task_id, each.title) for each in found]
            case _:
                return []


_KINDS = {
    "file": types.CompletionItemKind.File,
    "folder": types.CompletionItemKind.Folder,
    "word": types.CompletionItemKind.Keyword,
}


def _quoted(offered: Offered, begun: str) -> str:
    needed = begun or any(each in offered.name for each in " ()[],;:")
    return f'"{offered.name}"' if needed else offered.name


def _item(offer: Offer, place: types.Range) -> types.CompletionItem:
    return types.CompletionItem(
        offer.label,
        kind=offer.kind,
        detail=offer.detail or None,
        filter_text=offer.text if offer.text and offer.start else offer.label,
        text_edit=types.TextEdit(place, offer.label if offer.text is None else offer.text),
    )


def _is_message(sheet: Sheet, line: int) -> bool:
    return any(
        each.who == "you" and each.first < line < each.last + (each.last == len(sheet.lines))
        for each in sections(sheet.lines)
    )


def _parents(lines: Sequence[str], line: int, indent: int) -> KeyPath:
    """The keys above a line that it is indented below."""
    steps: list[str] = []
    for text in reversed(lines[1:line]):
        found = _OPENED.match(bare(text))
        if found and len(found[1]) < indent:
            steps.insert(0, found[2])
            indent = len(found[1])
    return tuple(steps)
