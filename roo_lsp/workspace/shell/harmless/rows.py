"""How the tables are written, and read.

A row names a program (and subcommand), its operands, its traits, and where its options were looked
up; below it stand the options that are harmless, each with the form of its values:

    git log, git whatchanged : REV* : reads : git-log(1), git 2.39
        --oneline -n=N --max-count=N -U=N --color?=always|never|auto --arg=NAME,TEXT

    -x --long       takes nothing
    -x=KIND         takes a value, in the same word or the next one (`--long=KIND` likewise)
    -x?=KIND        takes a value in the same word or none
    -x=KIND,KIND    takes the next two words
    -NUM            a dash and a number
    -- …            what may follow a `--` where that hands on to another program
    @name           the options of a row of that name

Operands are kinds in their order: `KIND`, `KIND?` (may be left out), `KIND*` (any number), and
`KIND!-e` (not there once the option -e is). Kinds stand in `kinds.py`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

TRAITS = frozenset(
    {
        "reads",
        "builds",
        "stdin",
        "calm",
        "anything",
        "onedash",
        "stops",
        "nodash",
        "module",
        "lists",
        "booleans",
    }
)
"""
reads: only reads, also what is piped into it.
lists: only reads as long as it has no operand.
builds: makes, checks or tests the workspace, with code of the workspace.
stdin: takes what is piped into it as data.
calm: none of its options does harm, known or not, so a glob may become one.
anything: any word is harmless.
onedash: long options with one dash or two, as Go has them.
booleans: what takes no value takes `=true` and `=false`, as in Go.
stops: options end at the first operand.
nodash: `--` is no end of options.
module: `python -m` finds it under this name.
"""


_COLON = re.compile(r" :(?= )")


@dataclass(frozen=True, slots=True)
class Option:
    """What an option takes."""

    values: tuple[str, ...] = ()
    """A kind for each."""
    optional: bool = False
    """The value can only stand in the option's own word."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A place for operands."""

    kind: str
    many: bool = False
    optional: bool = False
    unless: frozenset[str] = frozenset()
    """Options with which it is not there."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is known to be harmless for a program or one of its subcommands."""

    words: tuple[str, ...]
    operands: tuple[Operand, ...]
    traits: frozenset[str]
    source: str
    options: Mapping[str, Option]
    after: "Row | None" = None
    """What may follow `--`, where another program gets it."""
    subcommands: dict[str, "Row"] = field(default_factory=dict[str, "Row"])


def read(text: str) -> Iterator[Row]:
    """The rows of a table.

    Raises:
        ValueError: it is not written as it should be.
    """
    groups: dict[str, list[str]] = {}
    for block in _blocks(text):
        head, *lines = block
        names, *rest = (part.strip() for part in _COLON.split(head, maxsplit=3))
        if len(rest) != 3:
            raise ValueError(f"names : operands : traits : source are wanted, not {head!r}")
        tokens: list[str] = []
        for token in " ".join(lines).split():
            tokens += groups[token] if token.startswith("@") else [token]
        for name in names.split(", "):
            if name.startswith("@"):
                groups[name] = tokens
            else:
                yield _row(tuple(name.split()), rest[0], rest[1], rest[2], tokens)


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" ") and block:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _row(
    words: tuple[str, ...], operands: str, traits: str, source: str, tokens: Sequence[str]
) -> Row:
    own, after = tokens, None
    kept = frozenset(traits.split())
    if not kept <= TRAITS:
        raise ValueError(f"{words}: there is no trait {set(kept - TRAITS)}")
    if "--" in tokens:
        at = tokens.index("--")
        own, passed = tokens[:at], tokens[at + 1 :]
        kinds = " ".join(each for each in passed if not each.startswith("-"))
        options = [each for each in passed if each.startswith("-")]
        after = Row(words, _operands(kinds), kept | {"nodash"}, source, dict(map(_option, options)))
    return Row(words, _operands(operands), kept, source, dict(map(_option, own)), after)


def _operands(text: str) -> tuple[Operand, ...]:
    return tuple(map(_operand, text.split()))


def _operand(text: str) -> Operand:
    kind, _, unless = text.partition("!")
    bare = kind.rstrip("*?")
    return Operand(
        bare,
        many=kind.endswith("*"),
        optional=kind.endswith(("*", "?")),
        unless=frozenset(filter(None, unless.split(","))),
    )


def _option(token: str) -> tuple[str, Option]:
    name, sign, kinds = token.partition("=")
    if not sign:
        return name, Option()
    if name.endswith("?"):
        return name[:-1], Option((kinds,), optional=True)
    return name, Option(tuple(kinds.split(",")))
