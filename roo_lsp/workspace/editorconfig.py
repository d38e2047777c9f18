"""The encoding that `.editorconfig` files say a file has (editorconfig.org, `charset`).

Such a file may come with a repository, so its patterns are matched as those of ignore files are: in
time that none can blow up.
"""

import configparser
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from roo_lsp.workspace.patterns import parse

NAME = ".editorconfig"
MOST_BYTES = 64_000
MOST_ALTERNATIVES = 64
"""Patterns that braces of one section stand for; the rest match nothing."""
_TOP = "the lines above all sections"


def charset(file: Path) -> str:
    """What the nearest `.editorconfig` that says it gives as the encoding; empty where none does."""
    for folder in file.parents:
        if (text := _read(folder / NAME)) is None:
            continue
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            parser.read_string(f"[{_TOP}]\n{text}")
        except configparser.Error:
            continue
        relative = file.relative_to(folder).as_posix()
        said = [
            parser.get(section, "charset", fallback="")
            for section in parser.sections()
            if section != _TOP and _means(section, relative)
        ]
        if found := next((each for each in reversed(said) if each), ""):
            return found.casefold()
        if parser.get(_TOP, "root", fallback="").casefold() == "true":
            break
    return ""


def _read(file: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # may be a pipe
        with open(descriptor, "rb") as opened:  # noqa: PTH123 -- of a descriptor
            facts = os.fstat(descriptor)
            if stat.S_ISREG(facts.st_mode) and facts.st_size <= MOST_BYTES:
                return opened.read(MOST_BYTES).decode("utf-8-sig")
    return None


def _means(section: str, relative: str) -> bool:
    """Whether a section is about a file, by its path from the folder of the `.editorconfig`."""
    patterns = list(_alternatives(section))[:MOST_ALTERNATIVES]
    return parse("\n".join(patterns)).verdict(relative, folder=False) is True


def _alternatives(pattern: str) -> Iterator[str]:
    """The pattern once for each of the words in its braces: `*.{c,h}` is `*.c` and `*.h`."""
    waiting = [pattern]
    for _ in range(2 * MOST_ALTERNATIVES):
        if not waiting:
            return
        head, brace, rest = waiting.pop().rpartition("{")  # the innermost one
        inner, closed, tail = rest.partition("}")
        if not brace or not closed or "," not in inner:
            yield f"{head}{brace}{rest}"
        else:
            waiting += [
                f"{head}{each}{tail}" for each in reversed(inner.split(",")[:MOST_ALTERNATIVES])
            ]
