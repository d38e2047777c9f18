"""SEARCH/REPLACE blocks as models write them, read strictly."""

import re
from dataclasses import dataclass

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.lines import line_texts

FORM = """\
<<<<<<< SEARCH
:start_line:12
-------
lines as they are in the file
=======
lines to put there
>>>>>>> REPLACE"""

_BEGIN = re.compile(r"<<<<<<< SEARCH>?\s*")
_MIDDLE = re.compile(r"=======\s*")
_END = re.compile(r">>>>>>> REPLACE\s*")
_PLACE = re.compile(r":(start|end)_line:\s*(\d*)\s*")
_RULE = re.compile(r"-------\s*")
_ESCAPED = re.compile(r"\\+(<{7}|={7}|>{7}|-------\s*$|:(start|end)_line:)")


@dataclass(frozen=True, slots=True)
class Block:
    """One change: lines to find, lines to put in their place, and where they were seen."""

    search: tuple[str, ...]
    replacement: tuple[str, ...]
    start_line: int | None = None


def parse_blocks(diff: str) -> list[Block]:
    """The blocks in a diff; what stands around them is ignored.

    Raises:
        ToolError: a marker is missing or out of place; says which, in which line.
    """
    blocks: list[Block] = []
    reader = _Reader(blocks)
    for number, line in enumerate(line_texts(diff), 1):
        reader.take(number, line)
    reader.close()
    return blocks


class _Reader:
    """Where in a block the reading is."""

    def __init__(self, blocks: list[Block]) -> None:
        self.blocks = blocks
        self.part = "outside"
        self.search: list[str] = []
        self.replacement: list[str] = []
        self.start_line: int | None = None
        self.began = 0

    def take(self, number: int, line: str) -> None:
        match self.part:
            case "outside":
                self._outside(number, line)
            case "head" | "search":
                self._search(number, line)
            case _:
                self._replacement(number, line)

    def close(self) -> None:
        if self.part != "outside":
            missing = ">>>>>>> REPLACE" if self.part == "replacement" else "======="
            raise _malformed(f"The block that begins in line {self.began} has no {missing}.")
        if not self.blocks:
            raise _malformed("The diff has no SEARCH/REPLACE block in it.")
        for number, block in enumerate(self.blocks, 1):
            if not block.search:
                raise ToolError(
                    f"Block {number} has an empty SEARCH part. Give the lines beside the place and "
                    "repeat them in REPLACE, or use write_to_file for a new file."
                )
            if block.search == block.replacement:
                raise ToolError(f"Block {number} changes nothing: SEARCH and REPLACE are the same.")

    def _outside(self, number: int, line: str) -> None:
        if _BEGIN.fullmatch(line):
            self.part, self.began = "head", number
            self.search, self.replacement, self.start_line = [], [], None
        elif _MIDDLE.fullmatch(line) or _END.fullmatch(line):
            raise _malformed(f"Line {number} is {line.strip()} but no block has begun.")

    def _search(self, number: int, line: str) -> None:
        if _MIDDLE.fullmatch(line):
            self.part = "replacement"
        elif _BEGIN.fullmatch(line) or _END.fullmatch(line):
            raise _out_of_place(number, line, "=======")
        elif self.part == "head" and (place := _PLACE.fullmatch(line)):
            if place[1] == "start" and place[2]:
                self.start_line = int(place[2]) or None
        elif self.part == "head" and _RULE.fullmatch(line):
            self.part = "search"
        else:
            self.part = "search"
            self.search.append(_unescaped(line))

    def _replacement(self, number: int, line: str) -> None:
        if _END.fullmatch(line):
            block = Block(tuple(self.search), tuple(self.replacement), self.start_line)
            self.blocks.append(block)
            self.part = "outside"
        elif _BEGIN.fullmatch(line) or _MIDDLE.fullmatch(line):
            raise _out_of_place(number, line, ">>>>>>> REPLACE")
        elif _PLACE.fullmatch(line):
            raise _malformed(
                f"Line {number} has {line.strip()} in the REPLACE part; it belongs below SEARCH."
            )
        else:
            self.replacement.append(_unescaped(line))


def _unescaped(line: str) -> str:
    return line[1:] if _ESCAPED.match(line) else line


def _out_of_place(number: int, line: str, expected: str) -> ToolError:
    return _malformed(
        f"Line {number} is {line.strip()} where {expected} was expected. A line of the file that "
        f"looks like a marker is written with a backslash in front: \\{line.strip()}"
    )


def _malformed(what: str) -> ToolError:
    return ToolError(f"{what} Nothing was changed. A block has this form:\n{FORM}")
