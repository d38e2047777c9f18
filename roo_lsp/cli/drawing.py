"""Small pictures for a terminal: text that cannot control it, diffs, output, a line of Markdown.

Whatever comes from a model, a file or a command goes through `escaped`, `readable` or
`output_lines` before it is printed.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

CONTEXT_LINES = 2
"""Lines around a change."""
LARGEST_DIFF = 4_000_000
"""Product of the two sides' changed lines from which they are shown as one replacement."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs that are drawn with; `ASCII` where the terminal's encoding has no others."""

    done: str = "✓"
    failed: str = "✗"
    current: str = "▸"
    open: str = "·"
    prompt: str = "❯"  # noqa: RUF001 -- a prompt sign
    retry: str = "↻"
    hint: str = "→"
    gap: str = "⋮"
    bar: str = "│"
    more: str = "…"
    dot: str = "·"
    minus: str = "−"  # noqa: RUF001 -- the typographic minus, beside a plus of the same width
    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    kinds: str = "◇✎⌫⇢⌕$☰↓⇄•"


ASCII = Glyphs(
    "ok", "x", ">", "-", ">", "~", "->", ":", "|", "...", "-", "-", "|/-\\", "o*dm/$=v%."
)
_KINDS = (
    "read",
    "edit",
    "delete",
    "move",
    "search",
    "execute",
    "think",
    "fetch",
    "switch_mode",
    "other",
)


def glyphs_for(encoding: str) -> Glyphs:
    """The signs that this encoding can write."""
    return Glyphs() if encoding.lower().replace("-", "").startswith("utf") else ASCII


def kind_glyph(kind: str, glyphs: Glyphs) -> str:
    """The sign of a tool's kind."""
    return glyphs.kinds[_KINDS.index(kind) if kind in _KINDS else -1]


# --- text that cannot do harm ---------------------------------------------------------------

_JOINERS = "\u200c\u200d"
"""Needed to write Persian and to compose emoji; they move nothing."""
_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")
_ANSI = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # a title, a link
    r"|\x1b[PX^_][^\x1b]*\x1b\\"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b[ -/]*[0-~]"
)


def escaped(text: str) -> str:
    """The text with everything invisible made visible: for what a person decides about."""
    return _SUSPECT.sub(lambda m: _visible(m[0]), text)


def readable(text: str) -> str:
    """The text without anything that controls a terminal or the direction of writing."""
    return _SUSPECT.sub(lambda m: m[0] if m[0] in _JOINERS else _visible(m[0]), text)


def readable_line(text: str) -> str:
    """The text on one line, harmless."""
    return readable(" ".join(text.split()))


def output_lines(text: str) -> list[str]:
    """A command's output as its lines were left on a screen: no colours, no overwritten parts."""
    lines = _ANSI.sub("", text.replace("\r\n", "\n")).split("\n")
    return [readable(line.rstrip("\r").rpartition("\r")[2]).expandtabs(4) for line in lines]


def _visible(character: str) -> str:
    if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# --- numbers --------------------------------------------------------------------------------


def duration_text(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


# --- diffs ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a change; the sign is `+`, `-`, a blank, or `:` for lines left out."""

    number: int
    sign: str
    text: str


def diff_lines(old: str | None, new: str | None) -> list[DiffLine]:
    """What changes, with a little around it."""
    before, after = _lines(old or ""), _lines(new or "")
    start = _common(before, after)
    rest = _common(before[start:][::-1], after[start:][::-1])
    start = max(0, start - CONTEXT_LINES)
    rest = max(0, rest - CONTEXT_LINES)
    before, after = before[start : len(before) - rest], after[start : len(after) - rest]
    if len(before) * len(after) > LARGEST_DIFF:
        return [
            *(DiffLine(start + n, "-", line) for n, line in enumerate(before, 1)),
            *(DiffLine(start + n, "+", line) for n, line in enumerate(after, 1)),
        ]
    return list(_hunks(before, after, start))


def _hunks(before: Sequence[str], after: Sequence[str], offset: int) -> Iterator[DiffLine]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for number, group in enumerate(matcher.get_grouped_opcodes(CONTEXT_LINES)):
        if number:
            yield DiffLine(0, ":", "")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                for j in range(j1, j2):
                    yield DiffLine(offset + j + 1, " ", after[j])
                continue
            for i in range(i1, i2):
                yield DiffLine(offset + i + 1, "-", before[i])
            for j in range(j1, j2):
                yield DiffLine(offset + j + 1, "+", after[j])


def diff_counts(lines: Sequence[DiffLine]) -> tuple[int, int]:
    """How many lines are added and removed."""
    return sum(line.sign == "+" for line in lines), sum(line.sign == "-" for line in lines)


def diff_text(line: DiffLine, glyphs: Glyphs, *, whole: bool = False) -> Text:
    """A line of a change; `whole` makes everything in it visible."""
    shown = (escaped if whole else readable)(line.text).expandtabs(4)
    if line.sign == ":":
        return Text(f"{glyphs.gap:>7} {shown}".rstrip(), "dim")
    style = {"+": "green", "-": "red"}.get(line.sign, "dim")
    return Text.assemble((f"{line.number:>7} ", "dim"), (f"{line.sign} {shown}".rstrip(), style))


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


# --- flowing text ---------------------------------------------------------------------------


class Flow:
    """Wraps text at words as it comes, where the terminal would break it anywhere."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._column = 0
        self._word = ""

    def feed(self, text: str) -> str:
        """What to write now; a word that may still grow is kept back."""
        pieces = re.split(r"(\s)", self._word + text)
        self._word = pieces.pop()
        return "".join(self._put(piece) for piece in pieces)

    def end(self) -> str:
        """What was kept back; what is fed next begins a line."""
        word, self._word = self._word, ""
        last = self._put(word)
        self._column = 0
        return last

    def _put(self, piece: str) -> str:
        if piece == "\n":
            self._column = 0
            return piece
        size = cell_len(piece)
        if self._column + size <= self._width:
            self._column += size
            return piece
        self._column = 0 if piece.isspace() else size
        return "\n" if piece.isspace() else f"\n{piece}"


# --- Markdown, line by line -----------------------------------------------------------------

_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")
_FENCE = re.compile(r"\s*(```|~~~)")


class Markdown:
    """Styles Markdown one line at a time, as a stream needs it; remembers whether it is in code."""

    def __init__(self) -> None:
        self._fence = ""

    def line(self, line: str) -> Text:
        """The next line, whole."""
        text = self.peek(line)
        if fence := _FENCE.match(line):
            if not self._fence:
                self._fence = fence[1]
            elif fence[1] == self._fence:
                self._fence = ""
        return text

    def peek(self, line: str) -> Text:
        """The next line, which may still grow."""
        shown = readable(line).expandtabs(4)
        if _FENCE.match(line):
            return Text(shown, "dim")
        if self._fence:
            return Text(shown, "cyan")
        if line.startswith("#"):
            return Text(shown, "bold")
        if shown.startswith(">"):
            return Text(shown, "dim")
        return _inline(shown)


def _inline(line: str) -> Text:
    text = Text()
    at = 0
    for found in _INLINE.finditer(line):
        text.append(line[at : found.start()])
        if found[1] is not None:
            text.append(found[0], "cyan")
        else:
            text.append(found[2], "bold")
        at = found.end()
    text.append(line[at:])
    return text
