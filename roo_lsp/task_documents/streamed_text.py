"""The model's text as it comes, made into lines of Markdown that stay in their section.

As `transcript.tame` does it, but line by line: what was given out is never taken back. A code block
keeps the model's own fence, so that nothing in it ends it that would not have ended it anyway.
"""

import re
from dataclasses import dataclass, field

from roo_lsp.task_documents.form import code_line, text_line
from roo_lsp.workspace.escapes import plain
from roo_lsp.workspace.transcript import tame

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$")
LONG = 60
"""Characters from which on a line may be shown before it is whole."""


@dataclass(slots=True)
class StreamedLines:
    """Lines on their way into a document; the last one may still be going on."""

    out: list[str] = field(default_factory=list[str])
    going_on: bool = False

    def put(self, text: str, *, goes_on: bool = False) -> None:
        """One more line, or more of the one that is going on."""
        if self.going_on and self.out:
            self.out[-1] += text
        else:
            self.out.append(text)  # of a line that is in the document already: the rest of it
        self.going_on = goes_on

    def taken(self, shown: list[str], *, went_on: bool) -> None:
        """These lines, the first ones, are in the document."""
        rest = self.out[len(shown) :]
        if went_on and shown:
            more = self.out[len(shown) - 1][len(shown[-1]) :]
            if more or rest or not self.going_on:
                rest.insert(0, more)
        self.out = rest


@dataclass(slots=True)
class Telling:
    """One run of text."""

    lines: StreamedLines
    _raw: str = ""
    """The line that is not whole yet."""
    _given: str = ""
    """What of it was given out already, tamed."""
    _fence: str = ""
    _blanks: int = 0
    _begun: bool = False

    @property
    def in_code(self) -> bool:
        return bool(self._fence)

    def add(self, text: str) -> None:
        """More of it."""
        *whole, self._raw = (self._raw + text).split("\n")
        for line in whole:
            self._line(line)

    def hurry(self) -> None:
        """Give out of a long line what can be, up to a word's end."""
        if self._fence or len(self._raw) < LONG or _FENCE.match(self._raw):
            return
        piece = self._raw[: self._raw.rfind(" ") + 1]
        given = tame(piece)
        if piece.count("`") % 2 or not given.startswith(self._given) or len(piece) < LONG:
            return
        self._space()
        self.lines.put(given[len(self._given) :], goes_on=True)
        self._given = given

    def end(self) -> None:
        """It is over: what is open is closed."""
        if self._raw or self._given:
            self._line(self._raw)
        self._raw = ""
        if self._fence:
            self.lines.put(self._fence)
            self._fence = ""
        self._blanks = 0

    def _line(self, line: str) -> None:
        line = line.removesuffix("\r")
        given, self._given = self._given, ""
        if given:
            self._rest(line, given)
        elif self._fence:
            ends = line.strip(" \t") and not line.strip(" \t" + self._fence[0])
            if ends and line.strip(" \t").startswith(self._fence):
                self._space()
                self.lines.put(self._fence)
                self._fence = ""
            elif line.strip():
                self._space()
                self.lines.put(code_line(plain(line.expandtabs(4))))
            else:
                self._blanks += 1
        elif found := _FENCE.match(line):
            self._space()
            self._fence = found[1]
            self.lines.put(f"{found[1]}{found[2]}")
        elif line.strip():
            self._space()
            self.lines.put(text_line(tame(line)))
        else:
            self._blanks += self._begun

    def _rest(self, line: str, given: str) -> None:
        whole = text_line(tame(line))
        if whole.startswith(given):
            self.lines.put(whole[len(given) :])
        else:  # it means something else now: what was shown stays, the rest stands below
            self.lines.put("")
            self.lines.put(text_line(tame(line[len(given) :])))

    def _space(self) -> None:
        """Blank lines, once it is clear that something follows them."""
        self._begun = True
        for _ in range(self._blanks):
            self.lines.put("")
        self._blanks = 0
