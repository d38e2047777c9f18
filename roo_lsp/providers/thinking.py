"""Reasoning in tags: `<think>…</think>` in an answer's text becomes reasoning.

Endpoints that run a model without a reasoning parser send it so. The tags stand at the beginning of
the answer or of a line. Where the chat template has written the opening one already, only the
closing one comes (llama.cpp#11861, vllm#31045), also in the middle of a line (mlx-lm#877). Tags in
code are what the model writes about.
"""

import re

from roo_lsp.agent.ports import (
    Delta,
    ReasoningDelta,
    ReasoningWasText,
    TextDelta,
    TextWasReasoning,
)

_NAMES = ("think", "thinking", "thought")
_TAG = re.compile(rf"<[ \t]{{0,3}}(/?)[ \t]{{0,3}}({'|'.join(_NAMES)})[ \t]{{0,3}}>", re.IGNORECASE)
_PART = re.compile(r"<[ \t]{0,3}/?[ \t]{0,3}([a-z]{0,8})[ \t]{0,3}", re.IGNORECASE)
_LONGEST = 20
"""Characters of the longest tag."""
_MOST_BLANKS = 100
"""Blanks at the beginning that are held back, for a tag may follow."""
_MARKS = re.compile(r"\n|`+|~{3,}")
_SPOKEN_OF = frozenset(" \t\"'(")
"""What stands before a tag that is only mentioned in a sentence."""


class ThinkSplitter:
    """Splits an answer's text, however it is cut into pieces, into text and reasoning.

    Pieces without `<` pass as they are; what may be half of a tag waits for the next piece.
    """

    def __init__(self, *, prefilled: bool = False) -> None:
        """`prefilled`: the answer begins in reasoning, and only the closing tag will come."""
        self.prefilled: bool | None = None
        """Whether the answer began in reasoning with no tag; None while that cannot be told."""
        self._held = ""
        self._tag = "think" if prefilled else ""
        """The tag that the reasoning is in; empty in text."""
        self._assumed = prefilled
        """No tag began this reasoning."""
        self._skip: str | None = None if prefilled else ""
        """What is left out before the next character, as `str.lstrip` takes it: None for blanks."""
        self._has_text = False
        """There is text that is more than blanks."""
        self._has_reasoning = False
        self._opened = False
        """The text speaks of an opening tag, and so does of the closing one."""
        self._last = "\n"
        """The character before what comes next."""
        self._place = _Markdown()

    def feed(self, text: str) -> list[Delta]:
        """Take more of the text; what of it is certain."""
        if "<" not in text and not self._held and (self._has_text or self._has_reasoning):
            return self._say(text)
        return self._split(self._held + text, last=False)

    def pause(self) -> list[Delta]:
        """Something else follows: what was held back is no tag."""
        return self._split(self._held, last=True) if self._held else []

    def finish(self, *, alone: bool, cut: bool) -> list[Delta]:
        """The answer has ended: with nothing beside this text, cut off by its limit.

        Reasoning that never closed is the answer where there is no other, and where only the
        endpoint's habit said that it is reasoning.
        """
        deltas = self.pause()
        unclosed = self._tag and self._has_reasoning and not self._has_text
        if unclosed and (self._assumed or (alone and not cut)):
            deltas.append(ReasoningWasText())
        if unclosed and self._assumed and not cut:
            self.prefilled = False
        return deltas

    # --- tags -------------------------------------------------------------------------------

    def _split(self, text: str, *, last: bool) -> list[Delta]:
        deltas: list[Delta] = []
        self._held, at = "", 0
        for tag in _TAG.finditer(text):
            before, at = text[at : tag.start()], tag.start()
            if not (self._tag or self._has_text or before.strip()):
                before = before if tag[1] else ""  # blanks before reasoning are nobody's
            deltas += self._say(before)
            after = text[tag.end() : tag.end() + 1]
            if not after and not last and self._depends_on_next(tag):
                self._held = text[at:]
                return deltas
            if not self._is_meant(tag, after):
                continue
            at = tag.end()
            if tag[1]:
                deltas += self._close()
            else:
                self._open(tag[2].lower())
        rest = text[at:]
        if not last:
            rest = self._hold(rest)
        return deltas + self._say(rest)

    def _is_meant(self, tag: re.Match[str], after: str) -> bool:
        """True for a tag that says something here, and is not spoken of; `after` is what follows."""
        closes, name = bool(tag[1]), tag[2].lower()
        if self._tag and closes:
            return name == self._tag and not (self._last == "`" and after == "`")
        if self._tag:
            return self._assumed and not self._has_reasoning
        place = self._place.read()
        if place.in_code:
            return False
        if not closes:
            self._opened = not place.blank
            return place.blank
        if self._opened:
            self._opened = False
            return False
        spoken_of = self._last in _SPOKEN_OF and not place.blank and after not in {"", "\r", "\n"}
        return name == "think" and not spoken_of

    def _depends_on_next(self, tag: re.Match[str]) -> bool:
        return bool(tag[1]) and (self._last == "`" or self._last in _SPOKEN_OF)

    def _open(self, name: str) -> None:
        if self._assumed:
            self.prefilled = False
        self._tag, self._assumed, self._skip = name, False, None

    def _close(self) -> list[Delta]:
        """Reasoning ends here; without a beginning, all the text so far was reasoning."""
        moved: list[Delta] = []
        if self._assumed:
            self.prefilled = True
        if not self._tag and self._has_text:
            if self.prefilled is None and not self._has_reasoning:
                self.prefilled = True
            self._has_text, self._has_reasoning = False, True
            self._place = _Markdown()
            moved = [TextWasReasoning()]
        self._tag, self._assumed = "", False
        self._skip = "\r\n" if self._has_text else None
        return moved

    # --- what is told -----------------------------------------------------------------------

    def _say(self, text: str) -> list[Delta]:
        if self._skip != "":
            text = text.lstrip(self._skip)
        if not text:
            return []
        self._skip, self._last = "", text[-1]
        if self._tag:
            self._has_reasoning = True
            return [ReasoningDelta(text)]
        self._has_text = self._has_text or not text.isspace()
        self._place.add(text)
        return [TextDelta(text)]

    def _hold(self, text: str) -> str:
        """Keep back what may be the beginning of a tag, and blanks before the first word."""
        at = text.rfind("<", max(0, len(text) - _LONGEST))
        part = _PART.fullmatch(text, at) if at >= 0 else None
        if part is None or not any(name.startswith(part[1].lower()) for name in _NAMES):
            at = len(text)
        nothing_yet = not (self._tag or self._has_text or self._has_reasoning)
        if nothing_yet and not text[:at].strip() and at < _MOST_BLANKS:
            at = 0
        self._held = text[at:]
        return text[:at]


class _Markdown:
    """Where a text has come to: in code or not, in the line's beginning or not."""

    def __init__(self) -> None:
        self.blank = True
        """Nothing but blanks in this line so far."""
        self._unread: list[str] = []
        self._fence = ""
        """What opened the block of code."""
        self._new = False
        """It did so in this line."""
        self._ticks = ""
        """What opened code inside this line."""

    @property
    def in_code(self) -> bool:
        return bool(self._fence or self._ticks)

    def add(self, text: str) -> None:
        """The text goes on; it is looked at only when somebody asks."""
        self._unread.append(text)

    def read(self) -> "_Markdown":
        """Itself, having read all that there is."""
        text, at = "".join(self._unread), 0
        self._unread.clear()
        for mark in _MARKS.finditer(text):
            self._words(text[at : mark.start()])
            self._mark(mark[0])
            at = mark.end()
        self._words(text[at:])
        return self

    def _words(self, text: str) -> None:
        self.blank = self.blank and not text.strip()

    def _mark(self, mark: str) -> None:
        begins, self.blank = self.blank and len(mark) >= 3, mark == "\n"
        if mark == "\n":
            self._new, self._ticks = False, ""
        elif begins and not self._fence:
            self._fence, self._new = mark, True
        elif begins:
            closes = mark[0] == self._fence[0] and len(mark) >= len(self._fence)
            self._fence = "" if closes else self._fence
        elif mark[0] == "`" and self._new:
            self._fence, self._new = "", False  # it was code inside a line after all
        elif mark[0] == "`" and not self._fence:
            self._ticks = "" if self._ticks == mark else self._ticks or mark
