"""What is probably wrong with a text that is not in a file: how it is written, or that it is done."""

import re
from collections.abc import Sequence
from html import unescape

_DOTS = re.compile(r"\s*(?:(?://|#|--|/\*|<!--)\s*)?(?:\.{3}|…)\s*(?:\*/|-->)?\s*")
LEAST = 3
"""Characters of a text that is looked for."""


def hint(text: str, search: Sequence[str], replacement: Sequence[str]) -> str:
    """A sentence about why these lines are not in the text, with a blank before it; or nothing.

    All of them are without their line endings; `text` has line feeds only.
    """
    wanted = "\n".join(search)
    plain = unescape(wanted)
    if plain != wanted and plain in text:
        return (
            " It is there with the plain characters: write <, > and & as they are, not as entities."
        )
    broken = wanted.replace("\\n", "\n").replace("\\t", "\t")
    if broken != wanted and broken in text:
        return " It is there with real line breaks: do not write \\n or \\t out."
    quoted = wanted.replace('\\"', '"').replace("\\\\", "\\")
    if quoted != wanted and quoted in text:
        return ' It is there without the backslashes: write " and \\ as they are in the file.'
    if any(_DOTS.fullmatch(line) for line in search):
        return (
            " `...` stands for nothing there: give every line as it is in the file, or make one change "
            "for each place."
        )
    done = "\n".join(replacement)
    if len(done.strip()) >= LEAST and (at := text.find(done)) >= 0:
        return f" The file reads as you want it already, in line {text.count(chr(10), 0, at) + 1}."
    return ""
