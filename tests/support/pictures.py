"""What a terminal shows, as a picture for a page: an SVG that loads nothing from anywhere."""

import html
import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

_FONTS = re.compile(r"\s*@font-face \{\{.*?\n    \}\}\n", re.DOTALL)
_FORMAT = _FONTS.sub("\n", CONSOLE_SVG_FORMAT)
_TEXT = re.compile(r"<text [^>]*>(.*?)</text>", re.DOTALL)


def svg(shown: str, title: str, columns: int) -> str:
    """The picture of what a program has written, with its colours as escapes."""
    console = Console(
        record=True, width=columns, file=io.StringIO(), force_terminal=True, legacy_windows=False
    )
    console.print(Text.from_ansi(shown.rstrip("\n")), soft_wrap=False)
    made = console.export_svg(title=title, code_format=_FORMAT)
    return "".join(f"{line.rstrip()}\n" for line in made.split("\n"))


def words(file: Path) -> str:
    """The letters of a picture, without blanks."""
    _title, *lines = _TEXT.findall(file.read_text("utf-8"))
    return re.sub(r"\s", "", html.unescape("".join(lines))).replace("\u00a0", "")
