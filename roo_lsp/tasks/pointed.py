"""What a message points at: places in documents, and the text that goes along of them."""

from collections.abc import Sequence

from roo_lsp.agent.errors import ToolError
from roo_lsp.tasks.inputs import DocumentRange
from roo_lsp.tasks.mentioned_text import MOST_OF_NEW, POINTED, new_document
from roo_lsp.tasks.refusals import Invalid
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.view import Focus
from roo_lsp.workspace.descriptors import real_path
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.uris import is_new, path_of


def places_of(given: Sequence[DocumentRange]) -> tuple[list[DocumentRange], Focus | None]:
    """What the user points at, and where they are; no file that is none of this machine's."""
    focus = None
    for place in given:
        if place.focus and (path := path_of(place.uri)) is not None:
            first, last = place.lines or (None, None)
            focus = Focus(
                real_path(path),
                None if first is None else first + 1,
                None if last is None or place.is_cursor else last + 1,
            )
    return [place for place in given if not place.focus], focus


def context_text(service: Service, places: Sequence[DocumentRange]) -> str:
    """What the user pointed at: the name of each file, and the text of each range that is open.

    Of a document that was never saved also the whole text: no tool can read it; and what the front end
    gives of any other, as it has it.
    """
    parts: list[str] = []
    room = MOST_OF_NEW
    for place in places:
        path = path_of(place.uri)
        name = service.workspace.show(path) if path is not None else place.uri
        if place.text is not None:
            parts += _given(place, name, place.text, room)
            room = max(0, room - len(place.text))
            continue
        text = service.open_text(place.uri)
        lines = place.lines
        if is_new(place.uri):
            try:
                parts.append(new_document(place.uri, lines and (lines[0] + 1, lines[1] + 1), text))
            except ToolError as error:
                raise Invalid(f"context: {error}") from None
            continue
        if lines is None:
            parts.append(f"File: {name}")
            continue
        first, last = lines
        parts.append(f"File: {name}, lines {first + 1} to {last + 1}")
        if text is not None:
            parts.append("".join(split_lines(text)[first : last + 1]))
    return POINTED + "\n".join(parts) if parts else ""


def _given(place: DocumentRange, name: str, text: str, room: int) -> list[str]:
    """What goes along of a text, as the front end has it."""
    first, last = place.lines or (None, None)
    where = "" if first is None or last is None else f", lines {first + 1} to {last + 1}"
    shown = text
    if len(text) > room:
        shown = _cut(text, room)
        shown += f"\n(Cut here: of {len(text)} characters these are the first {len(shown)}.)"
    return [f"File: {name}{where}. As the editor has it:", shown]


def _cut(text: str, room: int) -> str:
    """The beginning of a text: whole lines, where there is more than one."""
    return text[:room].rpartition("\n")[0] or text[:room]
