"""Text that seems to lose what it should keep: lines that stand for code, display for content.

Models write "rest of the code" for what they do not repeat, and paste back what a tool displayed.
What is found here is a doubt, in words for the model: a text may be meant to be like that.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from roo_lsp.workspace.lines import line_texts

_COMMENT = re.compile(
    r"^(?://+|#+|--+|;+|%+|/\*+|\*|<!--|\{/\*|\"\"\"|'''|\(\*|REM\b)\s*(.*)$", re.IGNORECASE
)
_COMMENT_END = re.compile(r"\s*(?:\*+/\}?|-->|\"\"\"|'''|\*\))$")
_DOTS = re.compile(r"\.{3,}|…")
_SPEAKS = re.compile(
    r"\b(?:rest|remaining|remainder|existing|unchanged|same|other|previous|original|omitted|truncated|"
    r"as before|keep|more|code|here|unver[äa]ndert|inchangée?|sin cambios|resto|reste)\b",
    re.IGNORECASE,
)
MANY_WORDS = 8
"""Words beside the dots of a line that stands for code, at most."""
_WHAT = (
    r"(?:code|file|functions?|class(?:es)?|methods?|contents?|implementation|module|component|script|"
    r"document|imports?|styles?|lines?|logic|tests?|body)"
)
_PHRASES = re.compile(
    rf"\b(?:rest|remainder) of (?:the |your |this )?(?:\w+ ){{0,2}}{_WHAT}\b"
    rf"|\b(?:existing|previous|original|remaining|other) (?:\w+ )?{_WHAT}"
    r"(?: (?:here|above|below|remains?|stays?|continues?|unchanged|is|are|the|same|as|before))*\W*$"
    rf"|\b{_WHAT} (?:is |are |remains? |stays? )*(?:unchanged|omitted|truncated|the same)\b"
    r"|\bomitted for brevity|^(?:unchanged|same as (?:before|above)|no changes?(?: here)?)\W*$"
    r"|\brest(?:licher)? (?:des )?code|\breste du (?:code|fichier)|\bresto del (?:código|archivo)"
    r"|остальн\w* код|без изменений|其余(?:的)?代码|(?:代码|内容)?保持不变|代码省略|残りのコード|既存のコード|変更なし",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"[> ]?\s*(\d{1,7})\s?[|:→\t](?!\d)")
_FENCE = re.compile(r"\s*(?:```|~~~)[\w+.-]*\s*")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#39|apos);")
MARKUP = (".html", ".htm", ".xml", ".svg", ".xhtml", ".md", ".mdx", ".vue", ".jsx", ".tsx", ".rst")
"""Files in which entities are at home."""
LONGEST = 160
"""Characters of a line that may stand for code."""
MANY_BREAKS = 2

PLACEHOLDER = (
    "Line {number} of the new text stands for code that is left out: {line!r}. It would be written "
    "like that, and the code it stands for would be lost."
)


def placeholder(old: str, lines: Sequence[str]) -> str | None:
    """The line that stands for code left out, among these new ones; None where there is none.

    A line that the old text has is none: it was there before.
    """
    known: set[str] | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and _stands_for_code(text):
            known = known if known is not None else {each.strip() for each in line_texts(old)}
            if text not in known:
                return PLACEHOLDER.format(number=number, line=text)
    return None


def _stands_for_code(text: str) -> bool:
    if len(text) > LONGEST:
        return False
    comment = _COMMENT.match(text)
    inner = _COMMENT_END.sub("", comment[1]) if comment else text
    if comment is None and not (text[0] in "[(<" and text[-1] in "])>"):
        return False
    if _DOTS.search(inner):
        words = _DOTS.sub("", inner).strip(" \t()[]{}<>-")
        if not words:
            return comment is not None
        return len(words.split()) <= MANY_WORDS and _SPEAKS.search(words) is not None
    return _PHRASES.search(inner.strip("[](){}<> ")) is not None


def displayed(old: str, new: str, name: str) -> str | None:
    """Why a whole new text seems to be a display of the content that is meant, or None."""
    if not new.strip():
        return "The new content is empty, and all of the file would be lost."
    if not old.strip():
        return None
    lines, before = line_texts(new), line_texts(old)
    if _numbered(lines) and not _numbered(before):
        return (
            "All lines of the new content begin with a line number, which is no part of the file."
        )
    if len(lines) > 1 and _is_fenced(lines) and not _is_fenced(before):
        return "The new content has a code fence round all of it, which would be written too."
    breaks = _QUOTED.sub("", new).count("\\n") if len(lines) == 1 else 0
    if breaks >= MANY_BREAKS and len(before) > MANY_BREAKS:
        return "The new content is one line with \\n written out: give real line breaks."
    return entities(old, new, name)


def entities(old: str, new: str, name: str) -> str | None:
    """Why HTML entities in a new text seem to be meant as characters, or None."""
    if name.lower().endswith(MARKUP) or not (found := _ENTITY.search(new)) or _ENTITY.search(old):
        return None
    if not re.search(r"[<>&\"']", old):
        return None
    return f"The new text has {found[0]} in it, where the file has the plain characters."


def _numbered(lines: Sequence[str]) -> bool:
    numbers = [_NUMBERED.match(line) for line in lines if line.strip()]
    if len(numbers) < MANY_BREAKS or not all(numbers):
        return False
    return _rising(int(match[1]) for match in numbers if match)


def _rising(numbers: Iterable[int]) -> bool:
    return all(one < other for one, other in pairwise(numbers))


def _is_fenced(lines: Sequence[str]) -> bool:
    inner = [line for line in lines if line.strip()]
    fences = sum(1 for line in inner if line.lstrip().startswith(("```", "~~~")))
    ends = bool(inner) and _FENCE.fullmatch(inner[0]) and _FENCE.fullmatch(inner[-1])
    return bool(ends) and fences == MANY_BREAKS
