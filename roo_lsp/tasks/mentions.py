"""Mentions in what a user types: `@src/app.py:10-20`, `@problems`, `@abc1234`, `@https://…`; as text alone.

Roo Code's forms (`@/path`, blanks escaped by a backslash) and those of task documents (`@"a b.txt"`,
lines behind a colon). What stands in quoted code, behind a letter or a backslash is none: an address of
mail, a decorator. Where a name ends is decided by what there is: `@a.py).` is `a.py`, `@app/[id]/a.ts` is
all of it.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import Workspace
from roo_lsp.workspace.uris import is_new

MOST = 200
"""Places of one message that are looked at."""
LONGEST = 1_000
"""Characters of a name; no path that a person types is longer."""
READINGS = 12
"""Places at which a name may end that are tried."""

WORDS = {
    "problems": "what the editor's language servers complain of",
    "git-changes": "what is changed since the last commit",
    "terminal": "what the last command of this task printed",
}
"""What else than a path may be mentioned, with what it stands for."""

Kind = Literal["path", "word", "commit", "url"]

_AT = re.compile(r"(?<![\w@./`\\])@(?=\S)")
_QUOTED = re.compile(r'"([^"\n]+)"(?::(\d{1,7})(?:-(\d{1,7}))?)?')
_TOKEN = re.compile(r"(?:\\ |[^\s\x00-\x1f])+")
_ENDED = r"(?![\w-]|[./:][\w])"
_WORD = re.compile(rf"({'|'.join(WORDS)}){_ENDED}")
_COMMIT = re.compile(rf"([0-9a-f]{{7,40}}){_ENDED}")
_URL = re.compile(r"https?://\S{1,2000}")
_LINES = re.compile(r":(\d{1,7})(?:-(\d{1,7}))?$")
_PLAIN = re.compile(r"(?:\\ |[^\s\"'`*,;()<>\[\]{}@])+")
_ENDS = frozenset("\"'`*,;:!?()<>[]{}@")
"""What may end a name, and may be part of one."""
_SENTENCE = ".,;:!?"
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<", '"': '"', "'": "'", "`": "`"}
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RUN = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Mention:
    """One of them, in a text."""

    start: int
    end: int
    """Code points of the text."""
    kind: Kind
    name: str
    """The path as it is meant, the word, the commit's digits, or the address."""
    lines: tuple[int, int] | None = None
    """First and last, counted from 1."""
    there: bool = True
    """False for a path that names nothing."""
    quoted: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is certainly meant: a path in the forms that nothing else has."""
        return (
            self.quoted or self.lines is not None or self.name.startswith(("/", "./", "../", "~/"))
        )

    @property
    def looks_like_a_path(self) -> bool:
        """Whether it is more than a word with an `@` in front of it."""
        return self.kind == "path" and not is_new(self.name) and (self.is_plain or "/" in self.name)


def mentions_in(text: str, there: Callable[[str], bool]) -> Iterator[Mention]:
    """Those of a text, in order; `there` says whether a path names anything.

    A name in it that is `there` is always a mention; another path is told as one that is not.
    """
    if "@" not in text:
        return
    code = deque(_code(text))
    end = looked = 0
    for found in _AT.finditer(text):
        at = found.start()
        while code and code[0][1] <= at:
            code.popleft()
        if at < end or (code and code[0][0] <= at):
            continue
        if (looked := looked + 1) > MOST:
            return
        if (mention := _mention(text, at, there)) is not None:
            end = mention.end
            yield mention


def _mention(text: str, at: int, there: Callable[[str], bool]) -> Mention | None:
    behind = at + 1
    if found := _QUOTED.match(text, behind):
        name, lines = found[1], _span(found[2], found[3])
        is_there = is_new(name) or there(name)
        return Mention(at, found.end(), "path", name, lines, is_there, quoted=True)
    if found := _URL.match(text, behind):
        address = _without_end(found[0])
        return Mention(at, behind + len(address), "url", address)
    if found := _WORD.match(text, behind):
        return Mention(at, found.end(), "word", found[1])
    if found := _COMMIT.match(text, behind):
        return Mention(at, found.end(), "commit", found[1])
    return _path(text, at, there)


def _path(text: str, at: int, there: Callable[[str], bool]) -> Mention | None:
    found = _TOKEN.match(text, at + 1, at + 1 + LONGEST)
    token = found[0] if found else ""
    for length in _lengths(token):
        piece = token[:length]
        name = piece.replace("\\ ", " ")
        if not name.strip("."):
            continue
        if there(name):
            return Mention(at, at + 1 + length, "path", name)
        if (tail := _LINES.search(name)) and there(name[: tail.start()]):
            lines = _span(tail[1], tail[2])
            return Mention(at, at + 1 + length, "path", name[: tail.start()], lines)
    plain = _PLAIN.match(token)
    piece = plain[0].rstrip(_SENTENCE) if plain else ""
    name, lines = piece.replace("\\ ", " "), None
    if tail := _LINES.search(name):
        name, lines = name[: tail.start()], _span(tail[1], tail[2])
    if not name.strip("."):
        return None
    return Mention(at, at + 1 + len(piece), "path", name, lines, is_new(name))


def _lengths(token: str) -> Iterator[int]:
    """Where a name may end, the longest first."""
    yield len(token)
    tried, trailing = 1, True
    for at in range(len(token) - 1, 0, -1):
        is_end = token[at] in _ENDS
        if is_end or (trailing and token[at] == "."):
            yield at
            if (tried := tried + 1) == READINGS:
                return
        trailing = trailing and (is_end or token[at] == ".")


def _span(first: str | None, last: str | None) -> tuple[int, int] | None:
    return (int(first), int(last or first)) if first and int(first) else None


def _without_end(address: str) -> str:
    """An address without the end of the sentence, and of the brackets and quotes, that it stands in."""
    while address:
        last = address[-1]
        opening = _CLOSING.get(last)
        if last in _SENTENCE or (opening is not None and _is_extra(address, opening, last)):
            address = address[:-1]
        else:
            break
    return address


def _is_extra(address: str, opening: str, closing: str) -> bool:
    if opening == closing:
        return address.count(closing) % 2 == 1
    return address.count(closing) > address.count(opening)


def _code(text: str) -> Iterator[tuple[int, int]]:
    """Where quoted code begins and ends, as Markdown has it: fenced blocks, and spans in a line."""
    if "`" not in text and "~" not in text:
        return
    at, fence, begin = 0, "", 0
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not line.strip(" \t\r\n" + fence[0]):
                yield begin, at + len(line)
                fence = ""
        elif found:
            fence, begin = found[1], at
        else:
            yield from ((at + start, at + end) for start, end in _code_spans(line))
        at += len(line)
    if fence:
        yield begin, at


def _code_spans(line: str) -> Iterator[tuple[int, int]]:
    """Between two runs of as many backticks, the first of which is in no other span."""
    runs = [each.span() for each in _RUN.finditer(line)]
    closing: dict[int, int] = {}
    closed_by: list[int | None] = []
    for start, end in reversed(runs):
        closed_by.append(closing.get(end - start))
        closing[end - start] = end
    behind = 0
    for (start, _), end in zip(runs, reversed(closed_by), strict=True):
        if start >= behind and end is not None:
            yield start, end
            behind = end


# --- what a path names ----------------------------------------------------------------------


def place_of(name: str, workspace: Workspace) -> Path | None:
    """What is there under a name, seen from the workspace; None where there is nothing.

    `/src` is in the workspace, as Roo Code has it; only where there is no such thing it is meant from
    the root of the disk.
    """
    for path in _places(name, workspace):
        try:
            if os.path.lexists(path):
                return path
        except (OSError, ValueError):
            continue
    return None


def meant_by(name: str, workspace: Workspace) -> Path | None:
    """The same; where there is nothing, where it would be. None for what can be no path."""
    return place_of(name, workspace) or next(iter(_places(name, workspace)), None)


def _places(name: str, workspace: Workspace) -> Iterator[Path]:
    try:
        if name.startswith("~/"):
            yield Path(os.path.normpath(Path(name).expanduser()))
            return
        inside = name.lstrip("/") or "."
        yield Path(os.path.normpath(workspace.path(inside)))
        for folder in workspace.folders:
            yield Path(os.path.normpath(folder / inside))
        if name.startswith("/") and inside != ".":
            yield Path(os.path.normpath(name))
    except (OSError, ValueError, RuntimeError, ToolError):
        return
