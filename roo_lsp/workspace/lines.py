"""Lines as editors count them: `\\n`, `\\r\\n` and `\\r` end one, and nothing else does."""

import io
import re
from dataclasses import dataclass

_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r)|([^\r\n]+)\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """A line's text and how it ends; the last line of a file may end with nothing."""

    text: str
    end: str


def split_lines(text: str) -> list[str]:
    """The lines with their ends; joined they are the text. No line follows the last end."""
    return list(io.StringIO(text, newline=""))


def lines_and_ends(text: str) -> list[Line]:
    """The lines of a text; an empty text has none, and a final line ending begins no other."""
    return [Line(m[1] or m[3] or "", m[2] or "") for m in _LINE.finditer(text)]


def line_texts(text: str) -> list[str]:
    """The lines without their endings."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines
