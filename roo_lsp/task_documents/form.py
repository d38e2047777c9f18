"""The form of a task document: its headings, what the user wrote, and what was sent of it.

```
---
task: 20260101-120000-abcdef        written by us; the rest of the front matter is the user's
---
# Task
## You
…
## Roo
…
```

Only a line that is exactly a heading is one, in code blocks too: what we write of others never has
such a line (`tame_line`), so nothing of a model or a command can open a section.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SUFFIX = ".roo.md"
TITLE = "# Task"
YOU = "## You"
ROO = "## Roo"
SKELETON = f"{TITLE}\n\n{YOU}\n\n"
"""What an empty document becomes."""

_OURS = re.compile(r"## (?:You|Roo)\s*$|\*\w.*#\d+\*\s*$|\s*[-*+] \[.?\] .*_[0-9a-f]{16}")
"""Lines that mean something here: headings, how a turn ended, choices."""


def is_task_document(path: Path) -> bool:
    """Whether a file is a task document, by its name."""
    return path.name.lower().endswith(SUFFIX)


def code_line(line: str) -> str:
    """A line of a code block of others, indented where it would read as one of ours."""
    return f"\u00b7{line}" if _OURS.match(line) else line


def text_line(line: str) -> str:
    """A tamed line of text of others, escaped where it would read as one of ours."""
    if not _OURS.match(line):
        return line
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}\\{bare}"


@dataclass(frozen=True, slots=True)
class DocumentSection:
    """The lines of a section: its heading is at `first`, and `last` is the line behind its end."""

    who: Literal["you", "roo"]
    first: int
    last: int


def bare(line: str) -> str:
    """A line without its end and trailing blanks."""
    return line.rstrip()


def body_start(lines: Sequence[str]) -> int:
    """The line behind the front matter; 0 where there is none."""
    if not lines or bare(lines[0]) != "---":
        return 0
    for number, line in enumerate(lines[1:], 1):
        if bare(line) in {"---", "..."}:
            return number + 1
    return 0


def sections(lines: Sequence[str]) -> Iterator[DocumentSection]:
    """The sections, in order."""
    heads = [
        (number, "you" if bare(line) == YOU else "roo")
        for number, line in enumerate(lines)
        if bare(line) in (YOU, ROO)
    ]
    for (first, who), last in zip(
        heads, [*(number for number, _ in heads[1:]), len(lines)], strict=False
    ):
        yield DocumentSection("you" if who == "you" else "roo", first, last)


def first_unsent(lines: Sequence[str]) -> int:
    """Where what was not sent begins, by the text alone: at the first `## You` behind every `## Roo`."""
    found = list(sections(lines))
    answered = [index for index, each in enumerate(found) if each.who == "roo"]
    rest = found[answered[-1] + 1 :] if answered else found
    return rest[0].first if rest else len(lines)


def message_of(section: Sequence[str]) -> str:
    """What stands below the heading of a section."""
    return "".join(section[1:]).strip().replace("\r\n", "\n")


def next_message(lines: Sequence[str], floor: int) -> tuple[str, int]:
    """What the user wrote in the first section of theirs from line `floor` on that is not empty, and
    the border below it; an empty text where there is none.
    """
    for each in sections(lines):
        if each.who == "you" and each.first >= floor:
            text = message_of(lines[each.first : each.last])
            if text:
                border = each.last
                while not lines[border - 1].strip():
                    border -= 1
                return text, border
    return "", floor


def line_ending(lines: Sequence[str]) -> str:
    """The line ending that the document uses."""
    return "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
