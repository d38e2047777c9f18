"""What stands in a document from before: what of it is passing, and which message is shown where."""

import re
from collections.abc import Sequence

from roo_lsp.task_documents.form import YOU, bare, message_of
from roo_lsp.task_documents.ticks import choice_in
from roo_lsp.workspace.transcript import tame

PASSING = re.compile(r"- … |\*(?:Working…|Thinking…|Trying again .*)\*$")
"""Lines of ours about what goes on."""


def without_passing(lines: Sequence[str]) -> list[str]:
    """Without what stood there only for the time being: open calls, and what waited for an answer.

    A block that somebody wrote in stays, but for its lines to tick.
    """
    kept: list[str] = []
    opened: int | None = None
    fence = ""
    for line in lines:
        text = bare(line)
        if PASSING.match(text):
            continue
        if text.startswith("**Roo waits for you: ") or text == "**Roo asks:**":
            opened, fence = len(kept), ""
        elif choice_in(line) is not None:
            if opened is not None:
                del kept[opened:]
            continue
        elif opened is not None:
            if text.startswith("```"):
                fence = (
                    ""
                    if fence and text == fence
                    else fence or text.rstrip("abcdefghijklmnopqrstuvwxyz")
                )
            elif not fence and text and not text.startswith("("):
                opened = None
        kept.append(line)
    return kept


def shown_of(message: str, section: Sequence[str]) -> int:
    """So many lines of a section of the user's, with its heading, show a message; 0: it is another one.

    More may have been typed below it since, and the message may have more to it than is shown.
    """
    text = message_of(section)
    if not text or not (message.startswith(text) or text.startswith(message)):
        return 0
    first = next(number for number, line in enumerate(section[1:], 1) if line.strip())
    return first + len(min(text, message, key=len).split("\n"))


def as_you(text: str) -> list[str]:
    """A message that does not stand in the document."""
    return [YOU, "", *tame(text).split("\n")]
