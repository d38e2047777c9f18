"""The entries of `allowedCommands` and `deniedCommands`: leading words of a command."""

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
    everything: bool
    bad: tuple[str, ...]
    """Entries that are no plain words."""


@lru_cache(maxsize=64)
def read(entries: tuple[str, ...]) -> Entries:
    """The words of each entry."""
    words: set[tuple[str, ...]] = set()
    bad: list[str] = []
    for entry in entries:
        if entry.strip() in {"", ANYTHING}:
            continue
        found = _words(entry)
        if found is None:
            bad.append(entry)
        else:
            words.add(found)
    everything = any(entry.strip() == ANYTHING for entry in entries)
    return Entries(
        tuple(sorted(words, key=lambda each: (-len(each), each))), everything, tuple(bad)
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
