"""Patterns of ignore files, matched as git does, in time that no pattern can blow up.

The rules are those of gitignore(5), and where that is silent those of git's `dir.c` and `wildmatch.c`,
which the tests ask through `git check-ignore`. A star never backtracks over an earlier one, so what
a repository writes into its ignore files cannot keep us busy.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SPECIAL = re.compile(r"[*?\[\\]")
_CLASS = re.compile(r"\[:([^\]]*):\]")

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r" \t\n\r\f\v",
    "upper": "A-Z",
    "xdigit": "a-fA-F0-9",
}


class _Nothing(Exception):
    """The pattern can match no path at all."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file."""

    includes: bool
    """True for a line that begins with `!`: what it matches is not ignored."""
    only_folders: bool
    name: re.Pattern[str] | None
    """What the last name of a path has to be, wherever it lies; None where the whole path decides."""
    prefix: re.Pattern[str]
    """What the text begins with, up to the first wildcard."""
    names: tuple[re.Pattern[str] | None, ...]
    """The rest, name by name; None is `**`, any number of names."""

    def matches(self, path: str, name: str, *, folder: bool) -> bool:
        """Whether a path, relative with `/` between its names, is meant; `name` is its last one."""
        if self.only_folders and not folder:
            return False
        if self.name is not None:
            return self.name.fullmatch(name) is not None
        begin = self.prefix.match(path)
        return begin is not None and _match_names(self.names, path[begin.end() :].split("/"))


@dataclass(frozen=True, slots=True)
class Patterns:
    """The lines of one ignore file, in their order."""

    lines: tuple[Pattern, ...]

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """True when the path itself is ignored, False when it is not; None when no line says."""
        name = path.rpartition("/")[2]
        for line in reversed(self.lines):
            if line.matches(path, name, folder=folder):
                return not line.includes
        return None

    def ignores(self, path: str, *, folder: bool) -> bool:
        """True when the path or a folder above it is ignored: below one, nothing comes back."""
        end = path.find("/")
        while end >= 0:
            if self.verdict(path[:end], folder=True):
                return True
            end = path.find("/", end + 1)
        return bool(self.verdict(path, folder=folder))


def parse(text: str, *, ignore_case: bool = False) -> Patterns:
    """The patterns of a file's text. As with git, no line is an error: some match nothing."""
    lines = text.removeprefix("\ufeff").split("\n")
    found = (_pattern(line.removesuffix("\r"), ignore_case) for line in lines)
    return Patterns(tuple(each for each in found if each is not None))


def _pattern(line: str, ignore_case: bool) -> Pattern | None:  # noqa: FBT001 -- a flag of `parse`, passed on
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else re.NOFLAG)
    line = _without_blanks(line)
    if not line or line.startswith("#"):
        return None
    includes, line = line.startswith("!"), line.removeprefix("!")
    only_folders, line = line.endswith("/"), line.removesuffix("/")
    only_name = "/" not in line
    line = line.removeprefix("/")
    special = _SPECIAL.search(line)
    split = special.start() if special else len(line)
    if not line:
        return None
    try:
        names = tuple(_names(line[split:], flags))
    except _Nothing:
        return None
    prefix = re.escape(line[:split])
    name = None
    if only_name:
        [rest] = names
        name = re.compile(prefix + (".*" if rest is None else rest.pattern), flags)
    return Pattern(includes, only_folders, name, re.compile(prefix, flags), names)


def _without_blanks(line: str) -> str:
    """The line without blanks at its end, but for one behind a backslash."""
    kept = line.rstrip(" ")
    slashes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if slashes % 2 and kept != line else kept


def _names(text: str, flags: int) -> Iterator[re.Pattern[str] | None]:
    """The parts of a pattern between its slashes; `text` begins with a wildcard or is empty."""
    part: list[str | None] = []  # regexes of one character each; None for a star
    stars = at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            stars += 1
            part.append(None)
            at += 1
            continue
        if text.startswith("\\/", at):
            char, at = "/", at + 1
        if char == "/":
            yield None if stars > 1 and stars == len(part) else _name(part, flags)
            part, stars = [], 0
            at += 1
            continue
        regex, at = _character(text, at)
        part.append(regex)
    yield None if stars > 1 and stars == len(part) else _name(part, flags)


def _character(text: str, at: int) -> tuple[str, int]:
    """The regex of what stands for one character, and where the text goes on."""
    match text[at]:
        case "?":
            return ".", at + 1
        case "[":
            return _bracket(text, at + 1)
        case "\\":
            if at + 1 == len(text):
                raise _Nothing
            return re.escape(text[at + 1]), at + 2
        case char:
            return re.escape(char), at + 1


def _bracket(text: str, at: int) -> tuple[str, int]:
    """What stands behind `[`, as a regex; a bracket that is not closed matches nothing."""
    negated = text[at : at + 1] in {"!", "^"}
    at += negated
    members: list[str] = []
    before, first = "", True
    while first or text[at : at + 1] != "]":
        first = False
        char = text[at : at + 1]
        if char == "-" and before and text[at + 1 : at + 2] not in {"", "]"}:
            last, at = _member(text, at + 1)
            if before <= last:
                members.append(f"{re.escape(before)}-{re.escape(last)}")
            before = ""
        elif (named := _CLASS.match(text, at)) is not None:
            if named[1] not in _CLASSES:
                raise _Nothing
            members.append(_CLASSES[named[1]])
            before, at = "", named.end()
        else:
            before, at = _member(text, at)
            members.append(re.escape(before))
    if not members:
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' * negated}{''.join(members)}]", at + 1


def _member(text: str, at: int) -> tuple[str, int]:
    at += text[at : at + 1] == "\\"
    if at >= len(text):
        raise _Nothing
    return text[at], at + 1


def _name(part: Sequence[str | None], flags: int) -> re.Pattern[str]:
    """The regex of one name: each star takes as little as its successor allows, once and for all."""
    pieces: list[str] = [""]
    for each in part:
        if each is None:
            pieces.append("")
        else:
            pieces[-1] += each
    first, *middle = pieces
    if not middle:
        return re.compile(first, flags)
    *middle, last = middle
    between = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return re.compile(f"{first}{between}.*{last}", flags)


def _match_names(names: Sequence[re.Pattern[str] | None], text: Sequence[str]) -> bool:
    """Whether the names fit the text's, going back to the last `**` only."""
    at = position = 0
    again: tuple[int, int] | None = None
    while position < len(text):
        if at < len(names):
            name = names[at]
            if name is None:
                if at == len(names) - 1:
                    return True
                at, again = at + 1, (at + 1, position)
                continue
            if name.fullmatch(text[position]):
                at, position = at + 1, position + 1
                continue
        if again is None:
            return False
        again = (again[0], again[1] + 1)
        at, position = again
    return at == len(names)
