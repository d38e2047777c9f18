"""Reads any text as bash might, to find where commands may start in it; never to approve one.

It goes on where the text makes no sense, and says so in `doubts`.
"""

import fnmatch
import re
from dataclasses import dataclass, field
from itertools import pairwise

from roo_lsp.workspace.shell.language import RESERVED, Redirect, Simple, Word
from roo_lsp.workspace.shell.starts import is_assignment, substitutes

MAX_DEPTH = 20
MAX_BRACES = 16
MAX_COMMANDS = 4000

_REDIRECT = re.compile(r"(?:\d*|\{\w+\})(?:<<<|<<-|<<|<>|<&|>>|>\||>&|&>>|&>|<(?!\()|>(?!\())")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])")
_DEFAULT = re.compile(r"!?(\w+|[@*#?$!-])(?:\[[^]]*\])?(?::?[-=+?](.*))?", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.)|(.))",
    re.DOTALL,
)
_ANSI = re.compile(r"\$'((?:[^'\\]|\\.)*)'?", re.DOTALL)
_LETTERS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "v": "\v",
}
_PASSED_OVER = RESERVED - {"case", "for", "select", "[[", "function"}
_SKIPPED = re.compile(r"(?:[ \t]|\\\n)+|#[^\n]*")
_OPERATOR = re.compile(r"&&|\|\||\|&|[;&|\n()]")
_STOPS = frozenset(" \t\n;&|()<>")
_SPLIT = re.compile(r"[;&|\n(){}`<>]+|\$\(|\r")

Cell = tuple[str, bool]
"""A character, and whether it is quoted."""


@dataclass(slots=True)
class Reading:
    """What was found."""

    commands: list[Simple] = field(default_factory=list[Simple])
    doubts: list[str] = field(default_factory=list[str])
    """Why it may have been misread, as "the command …"."""
    values: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What variables are set to in the text."""


def read(text: str) -> Reading:
    """All commands of the text, those in substitutions and here-documents too."""
    reading = Reading()
    _Loose(text, reading, 0).script("")
    return reading


def crude(text: str) -> list[Simple]:
    """The text cut at everything that could separate commands, whatever is quoted."""
    found: list[Simple] = []
    for piece in _SPLIT.split(text.replace("\\\n", "")):
        words = re.sub(r"[\"'\\$]", "", piece).split()
        while words and (words[0] in RESERVED or is_assignment(words[0])):
            del words[0]
        if words:
            found.append(Simple(tuple(map(Word.of, words)), source=piece.strip()))
    return found


def could_be(pattern: Word, name: str) -> bool:
    """Could this word, after expansion, be the name? Where it has a glob in it."""
    text = pattern.bare.replace("\\", "/").rsplit("/", 1)[-1].lower()
    return pattern.glob and fnmatch.fnmatchcase(name, text) and text.strip("*") != ""


class _Loose:
    def __init__(self, text: str, reading: Reading, depth: int) -> None:
        self._text = text
        self._at = 0
        self._reading = reading
        self._depth = depth
        self._words: list[Word] = []
        self._redirects: list[Redirect] = []
        self._documents: list[tuple[str, bool]] = []
        self._stdin = ""
        self._piped = False
        if depth > MAX_DEPTH:
            self._doubt("is nested too deep")
            self._at = len(text)

    def script(self, closer: str) -> None:
        """Read to the closing character, or the end."""
        while self._at < len(self._text):
            if self._skipped():
                continue
            if redirect := _REDIRECT.match(self._text, self._at):
                self._redirect(redirect)
            elif operator := _OPERATOR.match(self._text, self._at):
                self._operator(operator)
                if closer and operator.group() == closer:
                    return
            else:
                self._words += self._word()
        self._flush()
        if closer:
            self._doubt("has a parenthesis that is not closed")
        if self._documents:
            self._doubt("has a here-document without an end")

    def _skipped(self) -> bool:
        """Blanks, continued lines and comments."""
        found = _SKIPPED.match(self._text, self._at)
        if found is None:
            return False
        self._at = found.end()
        return True

    def _operator(self, found: re.Match[str]) -> None:
        self._flush(piped=found.group() in {"|", "|&"})
        self._at = found.end()
        if found.group() == "\n":
            self._bodies()
        elif found.group() == "(":
            self._nested(")")

    def _nested(self, closer: str) -> None:
        """A script inside, from here."""
        inside = _Loose(self._text, self._reading, self._depth + 1)
        inside._at = max(self._at, inside._at)
        inside.script(closer)
        self._at = inside._at

    def _apart(self, text: str) -> None:
        """A script of its own."""
        _Loose(text, self._reading, self._depth + 1).script("")

    def _doubt(self, why: str) -> None:
        if why not in self._reading.doubts:
            self._reading.doubts.append(why)

    def _flush(self, *, piped: bool = False) -> None:
        """A command ends here."""
        words = self._words
        first = 0
        while first < len(words):
            text = words[first].text
            if is_assignment(text):
                self._assigned(words[first])
            elif text not in _PASSED_OVER and not (
                text == "-p" and first and words[first - 1].text == "time"
            ):
                break
            first += 1
        rest = self._without_syntax(words[first:])
        if first and words[first - 1].text == "coproc" and rest[1:]:
            self._add(rest[1:])
        if rest:
            self._add(rest)
        self._words, self._redirects, self._stdin, self._piped = [], [], "", piped

    def _without_syntax(self, words: list[Word]) -> list[Word]:
        """The command in words that may be the head of a compound one."""
        match words[0].text if words else "":
            case "for" | "select":
                for word in words[3:]:
                    self._reading.values.setdefault(words[1].text, []).append(word.bare)
                return []
            case "case" | "[[":
                for word in words:
                    if substitutes(word.bare):
                        self._apart(word.bare)
                return []
            case "function":
                return words[2:]
            case _:
                return words

    def _add(self, words: list[Word]) -> None:
        if len(self._reading.commands) >= MAX_COMMANDS:
            self._doubt("has too many parts")
            return
        self._reading.commands.append(
            Simple(tuple(words), tuple(self._redirects), "", self._piped, self._stdin)
        )

    def _assigned(self, word: Word) -> None:
        name, _, value = word.bare.partition("=")
        self._reading.values.setdefault(name.rstrip("+"), []).append(value)

    def _redirect(self, found: re.Match[str]) -> None:
        self._at = found.end()
        operator = found.group().lstrip("0123456789")
        self._skipped()
        start = self._at
        words = self._word() if self._text[self._at : self._at + 1] not in {"", "\n"} else []
        target = words[0] if words else Word.of("")
        if operator in {"<<", "<<-"}:
            quoted = any(each in self._text[start : self._at] for each in "'\"\\")
            self._documents.append((target.text, quoted))
            self._doubt("has a here-document")
        elif operator == "<<<":
            self._stdin += target.bare
        self._redirects.append(Redirect(operator, target))

    def _bodies(self) -> None:
        """The here-documents that start on this line: all of their lines may be commands."""
        for delimiter, _quoted in self._documents:
            lines: list[str] = []
            while self._at < len(self._text):
                end = self._text.find("\n", self._at)
                end = len(self._text) if end < 0 else end
                line = self._text[self._at : end]
                self._at = end + 1
                if line.strip() == delimiter:
                    break
                lines.append(line)
            self._apart("\n".join(lines))
        self._documents = []

    # --- words ------------------------------------------------------------------------------

    def _word(self) -> list[Word]:
        cells: list[Cell] = []
        start = self._at
        variable = False
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in "<>" and self._text[self._at + 1 : self._at + 2] == "(":
                self._at += 2
                self._nested(")")
                variable = True
            elif character in _STOPS:
                break
            else:
                variable |= self._piece(character, cells)
        if self._at == start:
            self._at += 1  # an operator out of place
        return [_made(each, variable=variable) for each in self._braces(cells)]

    def _piece(self, character: str, cells: list[Cell]) -> bool:
        """One part of a word; returns whether it is a variable or a substitution."""
        following = self._text[self._at + 1 : self._at + 2]
        match character:
            case "'":
                self._single(cells)
            case '"':
                self._at += 1
                return self._double(cells)
            case "\\":
                if following != "\n":
                    cells += [(each, True) for each in following]
                self._at += 2
            case "$" if following == "'":
                self._ansi(cells)
            case "$" | "`":
                return self._expansion(cells, quoted=False)
            case _:
                cells.append((character, False))
                self._at += 1
        return False

    def _single(self, cells: list[Cell]) -> None:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            self._doubt("has a quote that is not closed")
            end = len(self._text)
        cells += [(each, True) for each in self._text[self._at + 1 : end]]
        self._at = end + 1

    def _ansi(self, cells: list[Cell]) -> None:
        self._doubt("has a $ before a quote")
        found = _ANSI.match(self._text, self._at)
        if found is None:
            self._at += 2
            return
        cells += [(each, True) for each in _ESCAPE.sub(_unescaped, found.group(1))]
        self._at = found.end()

    def _double(self, cells: list[Cell]) -> bool:
        text = self._text
        variable = False
        while self._at < len(text):
            character = text[self._at]
            if character == '"':
                self._at += 1
                return variable
            if character == "\\":
                following = text[self._at + 1 : self._at + 2]
                if following != "\n":
                    kept = following if following in {"$", "`", '"', "\\"} else "\\" + following
                    cells += [(each, True) for each in kept]
                self._at += 2
            elif character in "$`":
                variable |= self._expansion(cells, quoted=True)
            else:
                cells.append((character, True))
                self._at += 1
        self._doubt("has a quote that is not closed")
        return variable

    def _expansion(self, cells: list[Cell], *, quoted: bool) -> bool:
        text = self._text
        if text[self._at] == "`":
            end = self._at + 1
            while end < len(text) and text[end] != "`":
                end += 2 if text[end] == "\\" else 1
            self._apart(re.sub(r"\\([`\\$])", r"\1", text[self._at + 1 : end]))
            self._doubt("has a command substitution in backquotes")
            self._at = end + 1
            return True
        if text.startswith("$(", self._at):
            self._at += 2
            self._nested(")")
            return True
        if text.startswith("${", self._at):
            self._braced(cells)
            return True
        if found := _VARIABLE.match(text, self._at):
            values = self._reading.values.get(found.group()[1:], [])
            cells += [(each, True) for each in (values[-1] if values else "")]
            self._at = found.end()
            return True
        self._at += 1
        if text[self._at : self._at + 1] != '"' or quoted:
            cells.append(("$", True))
        return False

    def _braced(self, cells: list[Cell]) -> None:
        """`${…}`: its parts may be commands, and its default the word."""
        text = self._text
        end, level = self._at + 2, 1
        while end < len(text) and level:
            if text[end] == "\\":
                end += 1
            elif text[end] == "{":
                level += 1
            elif text[end] == "}":
                level -= 1
            end += 1
        inside = text[self._at + 2 : end - 1]
        self._at = end
        found = _DEFAULT.fullmatch(inside)
        if found is None or found.group(2):
            self._doubt("has an expansion that is more than a variable's name")
        if any(each in inside for each in "$`<>"):
            self._apart(re.sub(r"[\"']", " ", inside))
        value = found.group(2) if found else None
        if not value and found:
            values = self._reading.values.get(found.group(1), [])
            value = values[-1] if values else None
        cells += [(each, True) for each in re.sub(r"[\"'\\]", "", value or "")]

    def _braces(self, cells: list[Cell]) -> list[list[Cell]]:
        if ("{", False) not in cells:
            return [cells]
        done: list[list[Cell]] = []
        todo = [cells]
        while todo:
            word = todo.pop(0)
            parts = _first_braces(word)
            if parts is None:
                done.append(word)
            elif len(done) + len(todo) + len(parts) > MAX_BRACES:
                self._doubt("has braces that make too many words")
                return [*done, word, *todo]
            else:
                todo = [*parts, *todo]
        return done


def _first_braces(cells: list[Cell]) -> list[list[Cell]] | None:
    """The words that the first `{a,b}` makes; None where there is none."""
    opened: list[list[int]] = []
    found: list[int] = []
    for at, cell in enumerate(cells):
        if cell == ("{", False):
            opened.append([at])
        elif cell == (",", False) and opened:
            opened[-1].append(at)
        elif cell == ("}", False) and opened:
            cuts = [*opened.pop(), at]
            if len(cuts) > 2 and (not found or cuts[0] < found[0]):
                found = cuts
    return [
        [*cells[: found[0]], *cells[start + 1 : end], *cells[found[-1] + 1 :]]
        for start, end in pairwise(found)
    ] or None


def _made(cells: list[Cell], *, variable: bool) -> Word:
    text = "".join(character for character, _ in cells)
    glob = any(not quoted and character in "*?[" for character, quoted in cells)
    return Word(text, text, text, variable, variable, glob)


def _unescaped(found: re.Match[str]) -> str:
    one, two, four, octal, control, letter = found.groups()
    if digits := one or two or four:
        code = int(digits, 16)
        return chr(code) if code < 0x110000 else ""
    if octal:
        return chr(int(octal, 8))
    if control:
        return chr(ord(control) & 31)
    return _LETTERS.get(letter, letter)
