"""The entries of `allowedCommands` and `deniedCommands`: leading words of a command.

Behind the last one may stand a `*`: any further words. In `deniedCommands` it changes nothing.
"""

from dataclasses import dataclass
from functools import lru_cache

from roo_lsp.workspace.shell.language import NotPlain, parse

ANYTHING = "*"
"""The entry that stands for every command."""


@dataclass(frozen=True, slots=True)
class Lists:
    """What the settings say."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entries:
    """One list, read."""

    words: tuple[tuple[str, ...], ...]
    """Longest first."""
    wide: frozenset[tuple[str, ...]]
    """Those of them that allow any further words."""
    everything: bool
    bad: tuple[str, ...]
    """Entries that are no plain words."""


@lru_cache(maxsize=64)
def read(entries: tuple[str, ...]) -> Entries:
    """The words of each entry."""
    words: set[tuple[str, ...]] = set()
    wide: set[tuple[str, ...]] = set()
    bad: list[str] = []
    for entry in entries:
        if entry.strip() in {"", ANYTHING}:
            continue
        leading = entry.strip().removesuffix(f" {ANYTHING}")
        found = _words(leading)
        if found is None:
            bad.append(entry)
            continue
        words.add(found)
        if leading != entry.strip():
            wide.add(found)
    everything = any(entry.strip() == ANYTHING for entry in entries)
    return Entries(
        tuple(sorted(words, key=lambda each: (-len(each), each))),
        frozenset(wide),
        everything,
        tuple(bad),
    )


def _words(entry: str) -> tuple[str, ...] | None:
    try:
        commands = parse(entry)
    except NotPlain:
        return None
    if len(commands) != 1 or commands[0].redirects or commands[0].source != entry.strip():
        return None
    if not all(word.literal for word in commands[0].words):
        return None
    return commands[0].texts
