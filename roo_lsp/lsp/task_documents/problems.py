"""What is wrong in a task document, as diagnostics at the line."""

from collections.abc import Iterator

from lsprotocol import types

from roo_lsp.agent.modes import names_of
from roo_lsp.app import user_settings
from roo_lsp.lsp.task_documents.columns import span
from roo_lsp.lsp.task_documents.open_documents import OpenDocuments
from roo_lsp.settings_sources import no_profile
from roo_lsp.task_documents.form import bare, body_start, sections
from roo_lsp.task_documents.front_matter import TASK, Fault, FrontMatter, Span
from roo_lsp.task_documents.mentions import named
from roo_lsp.task_documents.sheet import Sheet
from roo_lsp.task_documents.ticks import answered, choice_in
from roo_lsp.tasks.mentions import mentions_in, place_of


def found(documents: OpenDocuments, sheet: Sheet, encoding: str) -> list[types.Diagnostic]:
    """All of them."""
    faults = [
        *_front_matter(documents, sheet),
        *_mentions(documents, sheet),
        *_ticks(documents, sheet),
        *_doubts(sheet),
    ]
    return [
        types.Diagnostic(
            span(sheet.lines, each.span.line, each.span.start, each.span.end, encoding),
            each.text,
            severity=types.DiagnosticSeverity.Warning
            if each.serious
            else types.DiagnosticSeverity.Information,
            source="roo",
        )
        for each in faults
    ]


def _front_matter(documents: OpenDocuments, sheet: Sheet) -> Iterator[Fault]:
    front, effective = documents.front_matter(sheet)
    yield from front.faults
    modes = documents.service.configuration.modes
    if front.mode and front.mode not in modes:
        yield _at(front, "mode", f"There is no mode {front.mode}; there are: {names_of(modes)}.")
    settings = documents.service.configuration.current.settings
    if front.profile and front.profile not in settings.profiles:
        yield _at(front, "profile", no_profile(front.profile, settings))
    if front.task and front.task != sheet.task_id and not sheet.binding:
        why = documents.why_not(sheet, front.task)
        if why is not None:
            yield _at(front, TASK, why)
    for held in effective.held:
        text = (
            f"{'.'.join(held.steps)} would let Roo do more, which a document cannot: it is not used. "
            f"Set it in {user_settings().name}."
        )
        yield Fault(front.span(held.steps), text)


def _at(front: FrontMatter, key: str, text: str) -> Fault:
    return Fault(front.span((key,)), text)


def _mentions(documents: OpenDocuments, sheet: Sheet) -> Iterator[Fault]:
    service = documents.service
    floor = max(sheet.place.floor, body_start(sheet.lines))
    for section in sections(sheet.lines):
        if section.who != "you" or section.first < floor:
            continue
        begin = section.first + 1
        text = "\n".join(bare(line) for line in sheet.lines[begin : section.last])
        for mention in mentions_in(
            text, lambda name: place_of(name, service.workspace) is not None
        ):
            problem = named(mention, service.workspace, service.ignore).problem
            if problem and (mention.there or mention.looks_like_a_path):
                number = begin + text.count("\n", 0, mention.start)
                at = mention.start - (text.rfind("\n", 0, mention.start) + 1)
                here = Span(number, at, at + mention.end - mention.start)
                yield Fault(here, problem, serious=False)


def _ticks(documents: OpenDocuments, sheet: Sheet) -> Iterator[Fault]:
    """Ticks that do not answer what waits, and why."""
    waiting = {each.request_id: each for each in documents.waiting(sheet)}
    ticked = [
        (number, choice)
        for number, line in enumerate(sheet.lines)
        if (choice := choice_in(line)) is not None
        and choice.ticked
        and choice.request_id in waiting
    ]
    for number, choice in ticked:
        here = Span(number, 0, len(sheet.lines[number].rstrip()))
        if sum(each.request_id == choice.request_id for _, each in ticked) > 1:
            yield Fault(here, "More than one line is ticked, so none counts: leave one.")
        elif choice.key not in sheet.ticks.own or choice.request_id not in sheet.written:
            yield Fault(
                here,
                "You did not make this tick, so it does not count: take it out and tick again.",
            )
        elif answered(choice, waiting[choice.request_id]) is None:
            yield Fault(here, "Write your answer at the end of this line.", serious=False)


def _doubts(sheet: Sheet) -> Iterator[Fault]:
    for number in sheet.doubtful:
        if sheet.lines[number].strip():
            text = "You did not type this: saving does not send it, the code action Send does."
            yield Fault(Span(number, 0, len(sheet.lines[number].rstrip())), text, serious=False)
