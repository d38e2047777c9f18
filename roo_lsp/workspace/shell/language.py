r"""The small language in which a command can be approved, read exactly as bash 5 reads it.

    script  := [list] ; commands joined by ; & && || | |& and newline, comments from # on
    command := word (word | redirect)* | "(" script ")" redirect*
    word    := (plain | 'text' | "text, \-escapes, $NAME, ${NAME}" | \c | $NAME | ${NAME} | * ? [)+
    redirect:= [0-2] (> | >> | <) word | [0-2]>&[0-2] | &> word | &>> word
             | << NAME (its text without $ ` and \\) | << 'NAME'

Everything else is `NotPlain`, also what bash would take: to be left out is inconvenient, to be
read in another way than bash does is unsafe.
"""

import re
import unicodedata
from dataclasses import dataclass, replace


def names(text: str) -> frozenset[str]:
    """The words of a text, as data is best written."""
    return frozenset(text.split())


RESERVED = names(
    "! { } [[ ]] case coproc do done elif else esac fi for function if in select then time until while"
)
"""Words that are syntax where a command starts."""

_BLANK_LOOKING = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
_AMBIGUOUS = re.compile(r"[^\x00-\x7f][\\`|{}~\[\]^@]")
"""In some locales the byte after a non-ASCII one is a part of its character, syntax or not."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:=,+@%^!\]-]+|[^\x00-\x7f]+")
_REFLOG = re.compile(r"@\{[A-Za-z0-9_/-]*\}")
_NAME = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_SINGLE = re.compile(r"'([^']*)'")
_REDIRECT = re.compile(r"(?:([0-2])?(>>|>|<)|(&>>|&>))")
_DUPLICATE = re.compile(r"[0-2]?>&[0-2](?=[ \t\n;|)]|&(?!>)|\Z)")
_DOCUMENT = re.compile(r"<<[ \t]*(?:'([A-Za-z_]\w*)'|([A-Za-z_]\w*))(?=[ \t\n;&|<>)])")
_OPERATOR = re.compile(r"&&|\|\||\|&|[;&|\n]")
_SPACE = re.compile(r"(?:[ \t]|(?<=[ \t])\\\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_ENDS_WORD = frozenset(" \t\n;&|<>)")


class NotPlain(Exception):
    """The text is outside the small language; the message ends "the command …"."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word after quote removal; variables and globs stand in it as written."""

    text: str
    bare: str
    """Without the variables and substitutions."""
    head: str
    """What it surely starts with: the text before the first variable or glob."""
    splits: bool = False
    """An unquoted variable is in it: it may become no word, or several."""
    variable: bool = False
    glob: bool = False

    @property
    def literal(self) -> bool:
        """Is it, as it stands, what the program gets?"""
        return not self.variable and not self.glob

    @staticmethod
    def of(text: str) -> "Word":
        """A word without expansions."""
        return Word(text, text, text)


@dataclass(frozen=True, slots=True)
class Redirect:
    """A redirection to or from a file."""

    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple command."""

    words: tuple[Word, ...]
    redirects: tuple[Redirect, ...] = ()
    source: str = ""
    piped: bool = False
    """Its input is what the command before it prints."""
    stdin: str = ""
    """Text given to it as a here-document or here-string."""
    joined: str = ""
    """The operator before it."""
    then: str = ""
    """The operator behind it."""
    groups: tuple[int, ...] = ()
    """The parentheses it stands in, each with a number of its own."""

    @property
    def texts(self) -> tuple[str, ...]:
        """Its words as text."""
        return tuple(word.text for word in self.words)


def hidden_character(text: str) -> str | None:
    """The first character that is not seen as what it is: a control, a direction mark, a blank."""
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if character in "\n\t ":
            continue
        if unicodedata.category(character) in _HIDDEN_CATEGORIES or character in _BLANK_LOOKING:
            return character
    return None


def parse(text: str) -> tuple[Simple, ...]:
    """The simple commands of a text of the small language.

    Raises:
        NotPlain: it is outside of it; what it has is said.
    """
    if _AMBIGUOUS.search(text):
        raise NotPlain("has a special character right after a non-ASCII one")
    return _Reader(text).script()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._commands: list[Simple] = []
        self._documents: list[tuple[str, bool, int]] = []
        """Here-documents whose text is still to come: delimiter, quoted, number of the command."""
        self._opened = 0

    def script(self) -> tuple[Simple, ...]:
        self._list((), joined="", piped=False)
        if self._documents:
            raise NotPlain("has a here-document without an end")
        return tuple(self._commands)

    def _list(self, groups: tuple[int, ...], *, joined: str, piped: bool) -> None:
        """The commands up to the end, or to the parenthesis that closes this list."""
        operator = ""
        number = 0
        while True:
            self._blanks(newlines=True)
            if self._peek() in {"", ")"}:
                self._close(groups, operator, number)
                return
            before = operator if number else joined
            # What is piped into parentheses, any command in them may read.
            pipe = piped or operator in {"|", "|&"}
            if self._peek() == "(":
                self._group(groups, joined=before, piped=pipe)
            else:
                command = self._command(piped=pipe)
                self._commands.append(replace(command, joined=before, groups=groups))
            number += 1
            operator = self._operator()
            self._commands[-1] = replace(self._commands[-1], then=operator)
            if not operator and self._peek() not in {"", ")"}:
                raise NotPlain("has something behind a parenthesis")

    def _close(self, groups: tuple[int, ...], operator: str, number: int) -> None:
        if operator not in {"", ";", "&"}:
            raise NotPlain(f"ends with {operator}")
        if bool(groups) != (self._peek() == ")") or (groups and not number):
            raise NotPlain("has a parenthesis that is not closed, or nothing in it")

    def _group(self, groups: tuple[int, ...], *, joined: str, piped: bool) -> None:
        if self._text.startswith("((", self._at):
            raise NotPlain("has double parentheses")
        self._at += 1
        self._opened += 1
        self._list((*groups, self._opened), joined=joined, piped=piped)
        self._at += 1
        redirects: list[Redirect] = []
        self._blanks()
        while (found := self._redirect()) is not None:
            redirects += found
            self._blanks()
        if any(each.operator == "<<" for each in redirects):
            raise NotPlain("has a here-document for what stands in parentheses")
        last = self._commands[-1]
        self._commands[-1] = replace(last, redirects=(*last.redirects, *redirects))

    def _blanks(self, *, newlines: bool = False) -> None:
        while True:
            start = self._at
            if space := _SPACE.match(self._text, self._at):
                self._at = space.end()
                if self._documents and "\n" in space.group():
                    raise NotPlain("has a line that goes on before a here-document")
            if self._peek() == "#" and (self._at == 0 or self._text[self._at - 1] in " \t\n;&|("):
                self._at = _COMMENT.match(self._text, self._at).end()  # type: ignore[union-attr]
            if newlines and self._peek() == "\n":
                self._at += 1
                self._bodies()
            if self._at == start:
                return

    def _operator(self) -> str:
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        if found.group() == "\n":
            self._bodies()
            return ";"
        return found.group()

    def _command(self, *, piped: bool) -> Simple:
        words: list[Word] = []
        redirects: list[Redirect] = []
        start = self._at
        end = start
        while self._at < len(self._text):
            if words and (found := self._redirect()) is not None:
                redirects += found
            elif _OPERATOR.match(self._text, self._at) or self._peek() == ")":
                break
            else:
                words.append(self._word())
            end = self._at
            self._blanks()
        if not words:
            raise NotPlain(f"has {self._peek()!r} where a command should be")
        _check_name(words[0])
        return Simple(tuple(words), tuple(redirects), self._text[start:end], piped=piped)

    def _redirect(self) -> list[Redirect] | None:
        """The redirection that stands here, none if it only joins descriptors; None if there is none."""
        if duplicate := _DUPLICATE.match(self._text, self._at):
            self._at = duplicate.end()
            return []
        if document := _DOCUMENT.match(self._text, self._at):
            self._at = document.end()
            name = document.group(1) or document.group(2)
            self._documents.append((name, document.group(1) is not None, len(self._commands)))
            return [Redirect("<<", Word.of(name))]
        if redirect := _REDIRECT.match(self._text, self._at):
            self._at = redirect.end()
            self._blanks()
            return [Redirect(redirect.group(2) or redirect.group(3), self._word())]
        return None

    def _bodies(self) -> None:
        """Read the here-documents that start behind this line."""
        for name, quoted, number in self._documents:
            end = re.compile(rf"^{name}$", re.MULTILINE).search(self._text, self._at)
            if end is None:
                raise NotPlain("has a here-document without an end")
            body = self._text[self._at : end.start()]
            if not quoted and any(each in body for each in "$`\\"):
                raise NotPlain("has a here-document in which bash replaces something")
            command = self._commands[number]
            self._commands[number] = replace(command, stdin=command.stdin + body + "\n")
            self._at = min(end.end() + 1, len(self._text))
        self._documents = []

    def _word(self) -> Word:
        word = _WordReader(self._text, self._at)
        found = word.read()
        self._at = word.at
        return found

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]


def _check_name(word: Word) -> None:
    """That a first word is the name of a program, and no syntax or assignment.

    Raises:
        NotPlain: it is not.
    """
    if not word.literal:
        raise NotPlain(f"hides the name of a program in {word.text}")
    if word.text in RESERVED:
        raise NotPlain(f"has the shell's word {word.text} in it")
    if not word.text or "=" in word.text or word.text.startswith("%"):
        raise NotPlain("sets a variable or has no program's name where one should be")


class _WordReader:
    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._start = at
        self.at = at
        self._shown: list[str] = []
        self._bare: list[str] = []
        self._head: str | None = None
        self._splits = self._variable = self._glob = False
        self._reflog = False

    def read(self) -> Word:
        text = self._text
        while self.at < len(text) and text[self.at] not in _ENDS_WORD:
            self._piece(text[self.at])
        source = text[self._start : self.at]
        if not source:
            raise NotPlain(
                "has a here-document, a redirection without a file, or an operator out of place"
            )
        if source.isdecimal() and text[self.at : self.at + 1] in {"<", ">"}:
            raise NotPlain("redirects a numbered file")
        if self._reflog and ("," in source or source.count("{") > 1):
            raise NotPlain("has braces that bash may expand")
        if source == "[":
            return Word.of(source)
        shown = "".join(self._shown)
        head = shown if self._head is None else self._head
        return Word(shown, "".join(self._bare), head, self._splits, self._variable, self._glob)

    def _piece(self, character: str) -> None:
        if not (self._reads_plain() or self._reads_quoted(character)):
            self._special(character)

    def _reads_quoted(self, character: str) -> bool:
        match character:
            case "'":
                found = _SINGLE.match(self._text, self.at)
                if found is None:
                    raise NotPlain("has a quote that is not closed")
                self._literal(found.group(1), found.end())
            case '"':
                self._double()
            case "\\":
                following = self._text[self.at + 1 : self.at + 2]
                if following in {"", "\n"}:
                    raise NotPlain("has a line that goes on inside a word")
                self._literal(following, self.at + 2)
            case _:
                return False
        return True

    def _special(self, character: str) -> None:
        match character:
            case "$":
                self._dollar(quoted=False)
            case "*" | "?" | "[":
                self._expansion(character, self.at + 1)
                self._bare.append(character)
                self._glob = True
            case "#":
                self._literal("#", self.at + 1)
            case "~":
                if self.at == self._start or self._text[self.at - 1] in "=:":
                    raise NotPlain("has a ~ that bash replaces")
                self._literal("~", self.at + 1)
            case _:
                raise NotPlain(f"has {_CALLED.get(character, character)}")

    def _reads_plain(self) -> bool:
        if found := _REFLOG.match(self._text, self.at):
            self._reflog = True
            self._literal(found.group(), found.end())
            return True
        found = _PLAIN.match(self._text, self.at)
        if found is None:
            return False
        end = found.end()
        if "@" in found.group() and self._text[end : end + 1] == "{" and end - self.at > 1:
            end -= 1  # the @ of a reflog entry
        self._literal(self._text[self.at : end], end)
        return True

    def _literal(self, text: str, end: int) -> None:
        self._shown.append(text)
        self._bare.append(text)
        self.at = end

    def _expansion(self, source: str, end: int) -> None:
        if self._head is None:
            self._head = "".join(self._shown)
        self._shown.append(source)
        self.at = end

    def _double(self) -> None:
        text = self._text
        self.at += 1
        while True:
            stop = self.at
            while stop < len(text) and text[stop] not in '"\\$`':
                stop += 1
            self._literal(text[self.at : stop], stop)
            match text[stop : stop + 1]:
                case '"':
                    self.at = stop + 1
                    return
                case "\\":
                    following = text[stop + 1 : stop + 2]
                    if following in {"", "\n"}:
                        raise NotPlain("has a line that goes on inside quotes")
                    kept = following if following in '$`"\\' else "\\" + following
                    self._literal(kept, stop + 2)
                case "$":
                    self._dollar(quoted=True)
                case "`":
                    raise NotPlain("has a command substitution")
                case _:
                    raise NotPlain("has a quote that is not closed")

    def _dollar(self, *, quoted: bool) -> None:
        if found := _NAME.match(self._text, self.at):
            self._expansion(found.group(), found.end())
            self._variable = True
            self._splits |= not quoted
            return
        following = self._text[self.at + 1 : self.at + 2]
        if following in ({'"', " "} if quoted else {"", " ", "\t", "\n"}):
            self._literal("$", self.at + 1)
            return
        match following:
            case "(":
                raise NotPlain("has a command substitution")
            case "'" | '"' if not quoted:
                raise NotPlain("has a $ before a quote")
            case _:
                raise NotPlain("has an expansion that is more than a variable's name")


_CALLED = {
    "`": "a command substitution",
    "(": "a parenthesis",
    ")": "a parenthesis",
    "{": "braces",
    "}": "braces",
    "\r": "a carriage return",
}
