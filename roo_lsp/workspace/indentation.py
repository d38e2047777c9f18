"""Lines that a model wrote, with the indentation of the file that they go to."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

_Indent = Callable[[str], str | None]
"""The file's indentation for one that the model wrote; None where that cannot be told."""


def reindented(
    search: Sequence[str], found: Sequence[str], replacement: Sequence[str]
) -> list[str] | None:
    """The replacement with the file's indentation, or None where there is no telling what it is.

    The model's and the file's may differ by blanks in front of every line, or by tabs in place of
    always the same number of spaces; one of these has to explain every line, and fit each new one.
    """
    pairs = {
        (_indentation(mine), _indentation(its))
        for mine, its in zip(search, found, strict=True)
        if mine.strip()
    }
    wrong = next(((mine, its) for mine, its in pairs if mine != its), None)
    if wrong is None:
        return list(replacement)
    for indent in _explanations(*wrong):
        if all(indent(mine) == its for mine, its in pairs):
            new = [_with_indentation(line, indent) for line in replacement]
            if None not in new:
                return [line for line in new if line is not None]
    return None


def _explanations(mine: str, its: str) -> Iterator[_Indent]:
    """The ways in which an indentation can have become another one."""
    if its.endswith(mine):
        more = its.removesuffix(mine)
        yield lambda given: more + given
    if mine.endswith(its):
        less = mine.removesuffix(its)
        yield lambda given: given.removeprefix(less) if given.startswith(less) else None
    for one, other in (" \t", "\t "):
        if mine == one * len(mine) and its == other * len(its) and mine and its:
            yield partial(_exchanged, one * len(mine), other * len(its))


def _exchanged(mine: str, its: str, given: str) -> str | None:
    """So much of the other character for each of this one, where it comes out even."""
    count, rest = divmod(len(given) * len(its), len(mine))
    return None if rest or given.strip(mine[0]) else its[0] * count


def _with_indentation(line: str, indent: _Indent) -> str | None:
    if not line.strip():
        return line
    mine = _indentation(line)
    its = indent(mine)
    return None if its is None else its + line.removeprefix(mine)


def _indentation(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]
