"""What an edit came to, for the model that made it: where, and what it broke."""

import json
from pathlib import Path, PurePath

from roo_lsp.agent.recall import Recall
from roo_lsp.workspace.line_diff import alike, line_edits, merged
from roo_lsp.workspace.lines import split_lines

SHOWN = 6
"""Places that are told."""
LARGE = 1_000_000
"""Characters from which on neither is looked for."""


def remember(
    recall: Recall, path: Path, before: str, after: str, moved_from: Path | None = None
) -> None:
    """The model knows its own edit, and of what others changed there before it no more than it did.

    That goes on to differ from what it knows, until it is told.
    """
    known = recall.text(moved_from or path)
    if known is None or alike(known, before):
        recall.saw(path, after)
    elif (mixed := merged(before, known, after)) is not None:
        recall.saw(path, mixed)
    elif moved_from is not None:
        recall.saw(path, known)


def places(old: str, new: str) -> str:
    """` (line 137, now 137-139)`: the lines that changed, as they were numbered and as they are now."""
    if max(len(old), len(new)) > LARGE:
        return ""
    told: list[str] = []
    moved = 0
    edits = line_edits(split_lines(old), split_lines(new))
    for first, last, put in edits:
        now = first + moved
        moved += len(put) - (last - first)
        before = _lines(first, last - first) if last > first else f"after line {first}"
        same = (first, last - first) == (now, len(put))
        after = f", now {_range(now, len(put))}" if put else ", gone"
        told.append(before if same else f"{before}{after}")
    more = f"; and {len(edits) - SHOWN} more places" if len(edits) > SHOWN else ""
    return f" ({'; '.join(told[:SHOWN])}{more})" if told else ""


def broken(name: str, old: str | None, new: str) -> str:
    """A sentence where JSON (a notebook too) was valid and is not any more; else empty."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in {".json", ".ipynb"} or len(new) > LARGE or (old and _wrong(old)):
        return ""
    why = _wrong(new)
    return f" {name} is no valid JSON {'now' if old is None else 'any more'}: {why}." if why else ""


def _wrong(text: str) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg} in line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _lines(first: int, count: int) -> str:
    return f"line {first + 1}" if count == 1 else f"lines {_range(first, count)}"


def _range(first: int, count: int) -> str:
    return str(first + 1) if count == 1 else f"{first + 1}-{first + count}"
