"""Denied commands, anywhere in a text and however hidden: three ways of reading, any of which denies.

A text of the small language is known exactly. Any other is read by our own loose reader, by
tree-sitter's bash grammar, and, where it is confusing, cut at everything that could separate
commands.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from roo_lsp.workspace.shell import loose
from roo_lsp.workspace.shell.entries import Entries
from roo_lsp.workspace.shell.harmless.judge import Known, judge
from roo_lsp.workspace.shell.language import NotPlain, Simple, Word, names, parse
from roo_lsp.workspace.shell.place import WorkingFolders
from roo_lsp.workspace.shell.starts import GIT_VALUES, base_name, started, substitutes

MAX_TEXTS = 200
MAX_DEPTH = 8
"""Texts within texts, as in `sh -c "sh -c …"`."""
MAX_WORK = 10_000
"""Words that are looked at for what they may start; above, a mere mention denies."""
MAX_PARSED_CHARACTERS = 64 * 1024


@cache
def _bash() -> Any:
    """The grammar, loaded once."""
    import tree_sitter  # noqa: PLC0415
    import tree_sitter_bash  # noqa: PLC0415

    return tree_sitter.Language(tree_sitter_bash.language())


@dataclass(slots=True)
class View:
    """What a deny list finds in a text."""

    denied: tuple[str, ...] | None = None
    """The entry that matches."""
    how: str = ""
    """The command that it matches, as it was found."""
    doubts: list[str] = field(default_factory=list[str])
    """Why a denied command may have been missed, as "the command …"."""
    complete: bool = True
    """Was everything looked at? Some texts are too intricate for that."""
    commands: list[Simple] = field(default_factory=list[Simple])


def view(text: str, script: Sequence[Simple] | None, denied: Entries, allowed: Entries) -> View:
    """Look for denied commands; `script` is the text where it is plain."""
    found = View()
    _Search(found, denied, allowed).whole(text, script)
    return found


class _Search:
    def __init__(self, found: View, denied: Entries, allowed: Entries) -> None:
        self._found = found
        self._denied = denied.words
        self._names = {words[0].lower(): words for words in denied.words}
        self._everything = denied.everything
        self._allowed = allowed.words
        self._anything_runs = allowed.everything or bool(allowed.wide)
        self._texts = 0
        self._work = 0
        self._seen: dict[tuple[int, int, int, bool, str], Simple] = {}

    def whole(self, text: str, script: Sequence[Simple] | None) -> None:
        """All of it; what is too intricate is denied by a mere mention."""
        self.text(text, script)
        if not self._found.complete:
            self._mention(_QUOTING.sub("", text))

    def text(self, text: str, script: Sequence[Simple] | None = None, depth: int = 0) -> None:
        self._texts += 1
        if self._texts > MAX_TEXTS or depth > MAX_DEPTH:
            self._doubt("has too many parts")
            self._found.complete = False
            return
        if script is None and depth:
            script = _plain(text)
        if script is not None and not any(command.stdin for command in script):
            self._known(script, depth)
            self._commands(script, depth)
            return
        reading = loose.read(text)
        self._found.doubts += reading.doubts
        self._known(reading.commands, depth)
        self._commands(reading.commands, depth)
        hides = any(not command.words[0].literal for command in reading.commands)
        for name, values in reading.values.items():
            for value in values:
                if hides or _RUN_VARIABLES.fullmatch(name) or substitutes(value):
                    self.text(value, depth=depth + 1)
        fault = self._parsed(text, depth) if len(text) <= MAX_PARSED_CHARACTERS else True
        if reading.doubts or fault:
            self._commands(loose.crude(text), MAX_DEPTH)

    def _known(self, commands: Sequence[Simple], depth: int) -> None:
        if depth == 0:
            self._found.commands += commands

    def _parsed(self, text: str, depth: int) -> bool:
        """What tree-sitter finds; returns whether it has doubts itself."""
        import tree_sitter  # noqa: PLC0415 -- only where a deny list and unplain text need it

        if _NAMED_END.search(text):
            return True
        # Grammar, parser and tree are C's memory: they stay for as long as nodes are looked at.
        parser = tree_sitter.Parser(_bash())
        tree = parser.parse(_in_ascii(text))
        root = tree.root_node
        todo = [root]
        while todo:
            node = todo.pop()
            todo += node.children
            if node.type == "command":
                source = text[node.start_byte : node.end_byte]
                self._commands(loose.read(source).commands[:1], depth)
        return root.has_error

    def _commands(self, commands: Iterable[Simple], depth: int) -> None:
        before: Simple | None = None
        for command in commands:
            self._command(command, depth)
            if command.piped and before and base_name(before.words[0].bare) in {"echo", "printf"}:
                name = base_name(command.words[0].bare)
                if name not in _ONLY_FILTER:
                    said = " ".join(word.bare for word in before.words[1:])
                    self._printed(command, re.sub(r"\\0?[n0]|\\x[0-9a-f]{2}", "\n", said), depth)
            before = command

    def _printed(self, command: Simple, said: str, depth: int) -> None:
        """What is printed into a program that runs what it reads."""
        does = started(command)
        if does.doubts or does.commands or does.texts:
            self.text(said, depth=depth + 1)
            for each in does.commands:
                self._command(Simple((*each, *map(Word.of, said.split()))), depth + 1)

    def _command(self, command: Simple, depth: int) -> None:
        words = command.words
        if not words:
            return
        self._match(words)
        key = (id(words[0]), id(words[-1]), len(words), command.piped, command.stdin)
        if key in self._seen:
            return
        self._seen[key] = command  # which keeps its words, and so their ids
        self._work += len(words)
        if depth > MAX_DEPTH or self._work > MAX_WORK:
            self._doubt("has too many parts")
            self._found.complete = False
            return
        does = started(command)
        self._found.complete &= does.complete
        if self._anything_runs and (name := self._named(words)):
            self._doubt(f"names {name} to {words[0].text}, which may run it")
        for doubt in does.doubts:
            self._doubt(doubt)
        for each in does.commands:
            self._command(Simple(each), depth + 1)
        for text in does.texts:
            if text.strip():
                self.text(text, depth=depth + 1)
        for mention in does.mentions:
            self._mention(mention)

    def _mention(self, code: str) -> None:
        """A program text in another language, or a path that becomes a program."""
        for words in self._denied:
            pattern = r"\W+".join(re.escape(word) for word in words)
            if re.search(rf"(?<![\w-]){pattern}(?![\w-])", code, re.IGNORECASE):
                self._deny(words, code)

    def _named(self, words: Sequence[Word]) -> str:
        """A denied command among the arguments of a program that is not known to leave them be."""
        said = " ".join(word.bare for word in words[1:])
        for entry in self._denied:
            if all(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w/-]|\.\w)", said, re.IGNORECASE)
                   for word in entry):  # fmt: skip
                known = isinstance(judge(words, 1, WorkingFolders(), subcommands=True), Known)
                return "" if known else " ".join(entry)
        return ""

    def _match(self, words: Sequence[Word]) -> None:
        if self._everything:
            self._deny(("*",), words[0].text)
            return
        if not self._denied:
            return
        longest = self._allowed_length(words)
        for entry in self._denied:
            if len(entry) >= longest and matches_denied(entry, words):
                self._deny(entry, " ".join(word.text for word in words))
                return

    def _allowed_length(self, words: Sequence[Word]) -> int:
        return next((len(each) for each in self._allowed if starts_with(words, each)), 0)

    def _deny(self, entry: tuple[str, ...], how: str) -> None:
        if self._found.denied is None:
            self._found.denied = entry
            self._found.how = how

    def _doubt(self, why: str) -> None:
        if why not in self._found.doubts:
            self._found.doubts.append(why)


_NAMED_END = re.compile(r"<<.*[^\0-\x7f]")
"""A here-document whose end may have characters that are only stood in for."""
_QUOTING = re.compile(r"\\\n|[\"'\\]")
_ONLY_FILTER = names("cat grep head tail wc sort uniq tr cut sed tee less jq")
_RUN_VARIABLES = re.compile(
    r"(\w*_)?(PAGER|EDITOR|VISUAL|SHELL|COMMAND|ASKPASS|DIFF|SSH|BROWSER|CMD|HOOK)"
    r"|BASH_ENV|ENV|LESSOPEN|LESSCLOSE|GIT_CONFIG_VALUE_\d+|NODE_OPTIONS|PS4|MAKEFLAGS"
)


def _in_ascii(text: str) -> bytes:
    """The text for the grammar, a letter for each character beyond ASCII, which is a letter to bash.

    The grammar's hand-written scanner asks C whether a character is a digit, which C answers for
    bytes alone; for others it reads memory that is not its own.
    """
    return re.sub(r"[^\0-\x7f]", "x", text).encode()


def _plain(text: str) -> Sequence[Simple] | None:
    try:
        return parse(text)
    except NotPlain:
        return None


def starts_with(words: Sequence[Word], entry: Sequence[str]) -> bool:
    """Does an allow entry match: are its words the first ones, exactly?"""
    return len(words) >= len(entry) and all(
        word.literal and word.text == wanted for word, wanted in zip(words, entry, strict=False)
    )


def matches_denied(entry: Sequence[str], words: Sequence[Word]) -> bool:
    """Could this command be one that a deny entry means, in whatever spelling?"""
    name = entry[0].lower() if "/" in entry[0] else base_name(entry[0])
    given = words[0].bare.lower() if "/" in entry[0] else base_name(words[0].bare)
    if name != given and not loose.could_be(words[0], name):
        return False
    rest = words[1:]
    options = [word for word in entry[1:] if word.startswith("-") and len(word) > 1]
    if not all(_has_option(option, rest) for option in options):
        return False
    return _has_operands([word for word in entry[1:] if word not in options], name, rest)


def _has_option(option: str, words: Sequence[Word]) -> bool:
    if option.startswith("--"):
        names = [word.bare.partition("=")[0].lower() for word in words]
        return any(
            len(name) > 2 and (option.lower().startswith(name) or name.startswith(option.lower()))
            for name in names
        ) or any(not word.literal and not word.head for word in words)
    clusters = "".join(
        word.bare[1:] for word in words if word.bare[:1] == "-" and word.bare[:2] != "--"
    )
    whole = any(word.bare.lower().startswith(option.lower()) for word in words)
    return whole or all(letter in clusters for letter in option[1:])


def _has_operands(wanted: Sequence[str], program: str, words: Sequence[Word]) -> bool:
    """Are these words the first operands, options and what may be their values passed over?"""
    if not wanted:
        return True
    values = GIT_VALUES if program == "git" else None
    for start in _operand_starts(words, values):
        if all(
            word.bare.lower() == want.lower() or (not word.literal and loose_like(word, want))
            for want, word in zip(wanted, _operands(words[start:]), strict=False)
        ) and len(list(_operands(words[start:]))) >= len(wanted):
            return True
    return False


def loose_like(word: Word, want: str) -> bool:
    """Could a word that is not literal become this one?"""
    return not word.bare or loose.could_be(word, want.lower())


def _operand_starts(words: Sequence[Word], values: frozenset[str] | None) -> Iterator[int]:
    """Where the first operand may be; with unknown options, their value may be passed over."""
    at = 0
    while at < len(words):
        if not words[at].bare.startswith("-"):
            yield at
            if values is not None or at == 0 or not words[at - 1].bare.startswith("-"):
                return
            at += 1
        elif values is not None and words[at].bare in values:
            at += 2
        else:
            at += 1


def _operands(words: Sequence[Word]) -> Iterator[Word]:
    return (word for word in words if not word.bare.startswith("-"))
