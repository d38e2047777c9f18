"""Hunks in words: where they stand, what they did, and all of them as one diff."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from roo_lsp.agent.figures import plural
from roo_lsp.workspace.changes import FileChanges, Hunk
from roo_lsp.workspace.escapes import exact
from roo_lsp.workspace.line_diff import unified_lines

MAX_DIFF = 2_000_000
"""Characters of the document that shows all changes."""
NO_FEED = "\\ No line feed at the end of this line"


def where(hunks: Sequence[Hunk]) -> str:
    """The lines of hunks, in words."""
    lines = ", ".join(map(line_numbers, hunks))
    return f"line {lines}" if lines.isdigit() else f"lines {lines}"


def line_numbers(hunk: Hunk) -> str:
    """The lines of a hunk as people count them; of lines that were removed, the one they stood before."""
    first, last = hunk.first + 1, max(hunk.first + 1, hunk.last)
    return str(first) if first == last else f"{first}-{last}"


def cursor_lines(file: FileChanges, hunk: Hunk) -> tuple[int, int]:
    """The first and last line of it that a cursor can be on."""
    end = max(0, len(file.lines) - 1)
    first = min(hunk.first, end)
    return first, max(first, hunk.last - 1)


def deed(hunk: Hunk) -> str:
    """What the agent did there: `changed 2 lines`."""
    if hunk.after:
        verb = "changed" if hunk.before else "added"
        count = len(hunk.after)
    elif hunk.before:
        verb, count = "removed", len(hunk.before)
    else:
        return "made an empty file"
    return f"{verb} {plural(count, 'line')}"


def diff_document(changed: Iterable[tuple[Path, FileChanges]], shown: Callable[[Path], str]) -> str:
    """All open changes as one unified diff, made visible, as far as it is not too long."""
    parts: list[str] = []
    size = 0
    for path, file in changed:
        if not file.open:
            continue
        name = shown(path)
        parts.append(f"--- {name if file.existed else '/dev/null'}\n")
        parts.append(f"+++ {name if file.exists else '/dev/null'}\n")
        for line in unified_lines(file.without(file.open), file.text):
            size += len(line)
            if size > MAX_DIFF:
                return "".join([*parts, "… and more: too long to show here\n"])
            parts.append(visible(line))
    return "".join(parts) or "Nothing of what Roo changed is left to review.\n"


def visible(line: str) -> str:
    """A line of a diff, made visible; one without its line feed is followed by a note."""
    ended = line.endswith("\n")
    return exact(line, prose=True) if ended else f"{exact(line, prose=True)}\n{NO_FEED}\n"
