"""The block around a line, found by indentation alone, so that it works in most languages."""

import re
from collections.abc import Sequence

_CONTROL = re.compile(
    r"[})\]]*\s*(if|elif|else|elsif|for|foreach|while|until|unless|try|except|catch|finally|with|"
    r"switch|case|default|match|do|loop|rescue|ensure|when|select|return)\b"
)
_CONTINUES = re.compile(
    r"[})\]{]|(elif|else|elsif|except|catch|finally|rescue|ensure|end|done|fi)\b"
)
_LEADS_IN = re.compile(r"@|#|//|/\*|\*|--|\[")
"""What may stand right above a definition and belong to it: decorators, attributes, comments."""
_OPENS_VALUE = re.compile(r"([(\[,=\\]|[=(]\s*[{\[(])$")
_NAMES = re.compile(r"[^\"'#]*[A-Za-z_]")
DEEPEST = 12
"""Columns of indentation up to which a line is in an outline."""
_OPENS_BODY = re.compile(r"(\{|:|=>|\bdo|\bthen|->.*)$")


def block_around(lines: Sequence[str], anchor: int) -> tuple[int, int]:
    """First and last index of the definition around the line `anchor`, or of its paragraph.

    A line in no definition, as an import, gets the lines beside it up to the next blank ones.
    """
    anchor = _onto_something(lines, anchor)
    header = _header(lines, anchor)
    if header is None:
        return _paragraph(lines, anchor)
    return _above(lines, header), _end(lines, header)


def outline(lines: Sequence[str]) -> list[int]:
    """Indexes of the lines that begin a definition, as far as indentation tells."""
    found: list[int] = []
    for at, line in enumerate(lines):
        text = line.strip()
        if not _NAMES.match(text) or _CONTROL.match(text) or text.startswith(("@", "#", "//", "*")):
            continue
        if _indent(line) <= DEEPEST and _has_body(lines, at) and not _is_part(lines, at):
            found.append(at)
    return found


def enclosing(lines: Sequence[str], anchor: int) -> int | None:
    """Index of the line that begins the definition which the line `anchor` is inside of, if any."""
    header = _header(lines, anchor)
    return header if header is not None and header < anchor else None


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def _onto_something(lines: Sequence[str], anchor: int) -> int:
    """The line itself; for a blank one or a decorator, the next line that is neither."""
    for index in range(anchor, len(lines)):
        text = lines[index].strip()
        if text and not text.startswith(("@", "#[")):
            return index
    return anchor


def _header(lines: Sequence[str], anchor: int) -> int | None:
    """The line that begins the definition around the anchor."""
    at = _statement(lines, anchor)
    if at == anchor and not _has_body(lines, at):
        at = _parent(lines, at)
    best = at
    while at is not None:
        at = best = _statement(lines, at)
        if not _is_part(lines, at):
            return at
        at = _parent(lines, at)
    return best


def _statement(lines: Sequence[str], at: int) -> int:
    """Where the statement begins that a closing bracket or an `else` at `at` goes on with."""
    level = _indent(lines[at])
    while at > 0 and _CONTINUES.match(lines[at].lstrip()):
        above = next(
            (i for i in range(at - 1, -1, -1) if lines[i].strip() and _indent(lines[i]) <= level),
            None,
        )
        if above is None or _indent(lines[above]) < level:
            return at
        at = above
    return at


def _has_body(lines: Sequence[str], at: int) -> bool:
    below = next((lines[i] for i in range(at + 1, len(lines)) if lines[i].strip()), None)
    if below is None:
        return False
    deeper = _indent(below) > _indent(lines[at])
    return deeper or (below.strip() == "{" and _indent(below) == _indent(lines[at]))


def _parent(lines: Sequence[str], at: int) -> int | None:
    level = _indent(lines[at])
    return next(
        (i for i in range(at - 1, -1, -1) if lines[i].strip() and _indent(lines[i]) < level), None
    )


def _is_part(lines: Sequence[str], at: int) -> bool:
    """True when the line begins no definition: a branch, a loop, a call over several lines."""
    text = lines[at].strip()
    if _CONTROL.match(text):
        return True
    if not _OPENS_VALUE.search(text):
        return False
    level = _indent(lines[at])
    behind = (lines[i] for i in range(at + 1, len(lines)))
    closing = next((each.strip() for each in behind if each.strip() and _indent(each) <= level), "")
    return not (closing.startswith((")", "]")) and _OPENS_BODY.search(closing))


def _end(lines: Sequence[str], header: int) -> int:
    level = _indent(lines[header])
    last = header
    for index in range(header + 1, len(lines)):
        text = lines[index].strip()
        if not text:
            continue
        if _indent(lines[index]) < level:
            break
        if _indent(lines[index]) == level and not _CONTINUES.match(text):
            break
        last = index
    return last


def _above(lines: Sequence[str], header: int) -> int:
    """The first line of the decorators and comments that stand right above the header."""
    first = header
    while first > 0 and (text := lines[first - 1].strip()):
        above = first - 1
        if text.startswith((")", "]")) and _indent(lines[above]) == _indent(lines[header]):
            above = _statement(lines, above)
            text = lines[above].strip()
            if not text.startswith(("@", "#[")):
                break
        level = _indent(lines[above]) - (text.startswith("*"))
        if level != _indent(lines[header]) or not _LEADS_IN.match(text):
            break
        first = above
    return first


def _paragraph(lines: Sequence[str], anchor: int) -> tuple[int, int]:
    first = last = anchor
    while first > 0 and lines[first - 1].strip():
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].strip():
        last += 1
    return first, last
