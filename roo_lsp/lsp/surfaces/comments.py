"""The comment at a line, as words: what a person wrote there for others, without the signs around it.

A comment is one that has its lines to itself. It is told by the signs of the document's language
alone, a few lines around the cursor, and never by reading the whole document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_LINES = 200
"""Lines of a comment, up and down from the cursor, that are looked at."""


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a language marks comments."""

    line: tuple[str, ...] = ()
    block: tuple[tuple[str, str], ...] = ()
    strings: tuple[str, ...] = ()
    """What opens and closes text over several lines, in which a line may look like a comment."""


@dataclass(frozen=True, slots=True)
class Comment:
    """Its words, and its lines, first and last, counted from 0."""

    text: str
    first: int
    last: int


C = Syntax(("//",), (("/*", "*/"),))
SHELL = Syntax(("#",))
XML = Syntax((), (("<!--", "-->"),))
LISP = Syntax((";",), (("#|", "|#"),))
DASHES = Syntax(("--",))
HASKELL = Syntax(("--",), (("{-", "-}"),))
PERCENT = Syntax(("%",))
PYTHON = Syntax(("#",), (), ('"""', "'''"))
SEMICOLON = Syntax((";", "#"))

SYNTAXES: Mapping[Syntax, str] = {
    C: "c cpp objective-c objective-cpp cuda csharp java javascript javascriptreact typescript "
    "typescriptreact jsx tsx go rust swift kotlin scala groovy dart zig d v vala solidity proto "
    "protobuf jsonc json5 less scss sass php fsharp haxe glsl wgsl hlsl odin gleam typst "
    "verilog systemverilog actionscript apex arduino prisma cue jsonnet qml",
    Syntax((), (("/*", "*/"),)): "css",
    SHELL: "sh bash zsh fish shellscript make makefile dockerfile yaml docker-compose toml r elixir "
    "tcl awk sed perl conf properties cmake gitignore ignore git-attributes gitattributes "
    "gitconfig git-config hcl terraform nginx crystal graphql just bazel starlark robot puppet "
    "gdscript nu requirements pip-requirements ssh-config dotenv env systemd",
    PYTHON: "python cython sage",
    Syntax(("#",), (("=begin", "=end"),)): "ruby",
    Syntax(("#",), (("<#", "#>"),)): "powershell ps1",
    Syntax(("#",), (("#=", "=#"),)): "julia",
    Syntax(("#",), (("#[", "]#"),)): "nim",
    Syntax(("#",), (("/*", "*/"),)): "nix",
    XML: "html xml xhtml svg markdown vue svelte astro xsl xaml htmldjango heex eex ejs",
    LISP: "lisp commonlisp scheme racket clojure emacs-lisp elisp fennel janet hy",
    SEMICOLON: "ini dosini editorconfig asm nasm gas llvm autohotkey",
    Syntax(("--",), (("/*", "*/"),)): "sql plsql mysql pgsql",
    Syntax(("--",), (("--[[", "]]"),)): "lua luau teal",
    HASKELL: "haskell elm purescript agda idris lean",
    DASHES: "ada vhdl applescript",
    Syntax(("%",), (("%{", "%}"),)): "matlab octave",
    PERCENT: "latex tex plaintex bibtex erlang prolog postscript",
    Syntax(('"',)): "vim viml vimscript",
    Syntax((), (("(*", "*)"),)): "ocaml coq sml mathematica",
    Syntax(("//",), (("(*", "*)"), ("{", "}"))): "pascal delphi",
    Syntax(("!",)): "fortran fortran-modern fortran_fixed-form",
    Syntax(("'", "REM ")): "vb vbnet basic visual-basic",
    Syntax(("REM ", "rem ", "::")): "bat batch",
    Syntax(("//", "#"), (("/*", "*/"),)): "thrift",
}
"""The languages by their identifiers, as editors have them."""

EXTENSIONS: Mapping[str, str] = {
    "py": "python", "pyi": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript",
    "ts": "typescript", "h": "c", "cc": "cpp", "hpp": "cpp", "cs": "csharp", "rs": "rust",
    "rb": "ruby", "pl": "perl", "pm": "perl", "kt": "kotlin", "hs": "haskell", "yml": "yaml",
    "tf": "terraform", "ex": "elixir", "exs": "elixir", "erl": "erlang", "clj": "clojure",
    "el": "elisp", "scm": "scheme", "rkt": "racket", "jl": "julia", "md": "markdown",
    "htm": "html", "ml": "ocaml", "mli": "ocaml", "vhd": "vhdl", "f90": "fortran", "m": "matlab",
    "pas": "pascal", "cfg": "ini", "mk": "makefile", "s": "asm", "adb": "ada", "ads": "ada",
}  # fmt: skip
"""Endings of names that are not themselves the language, for editors that do not tell it."""

_BY_LANGUAGE = {name: syntax for syntax, names in SYNTAXES.items() for name in names.split()}


def syntax_of(language: str, name: str) -> Syntax | None:
    """How comments are marked in a document, by its language and else by its file's name."""
    found = _BY_LANGUAGE.get(language.lower())
    if found is None:
        ending = name.lower().rpartition(".")[2]
        found = _BY_LANGUAGE.get(EXTENSIONS.get(ending, ending))
    return found


def comment_at(lines: Sequence[str], line: int, syntax: Syntax) -> Comment | None:
    """The comment that the line is part of; None where it is code, or has no words."""
    if not 0 <= line < len(lines):
        return None
    for opener, closer in syntax.block:
        if (found := _block(lines, line, opener, closer)) is not None:
            return found
    for mark in syntax.line:
        if _marked(lines[line], mark) and not _is_text(lines, line, syntax):
            return _run(lines, line, mark)
    return None


def _marked(line: str, mark: str) -> bool:
    return line.lstrip().startswith(mark) and not line.startswith("#!")


def _run(lines: Sequence[str], line: int, mark: str) -> Comment | None:
    first = last = line
    while first > 0 and line - first < MAX_LINES and _marked(lines[first - 1], mark):
        first -= 1
    while last + 1 < len(lines) and last - line < MAX_LINES and _marked(lines[last + 1], mark):
        last += 1
    words = [_bare(each.strip()[len(mark) :], mark[0]) for each in lines[first : last + 1]]
    return _comment(words, first, last)


def _bare(rest: str, sign: str) -> str:
    """What follows the sign, which may be repeated (`///`, `;;`) or be that of documentation (`//!`)."""
    rest = rest.lstrip(sign) if sign in "/;#%-" else rest
    return rest.removeprefix("!") if sign == "/" else rest


def _block(lines: Sequence[str], line: int, opener: str, closer: str) -> Comment | None:
    first = _opened(lines, line, opener, closer)
    if first is None:
        return None
    inner = lines[first].lstrip()[len(opener) :]
    words: list[str] = []
    for last in range(first, min(len(lines), first + MAX_LINES)):
        text = inner if last == first else lines[last]
        before, closes, after = text.partition(closer)
        words.append(_starred(before) if opener == "/*" else before)
        if closes:
            return None if after.strip() or last < line else _comment(words, first, last)
    return None


def _opened(lines: Sequence[str], line: int, opener: str, closer: str) -> int | None:
    """The line, up from this one, that a block comment begins."""
    for at in range(line, max(-1, line - MAX_LINES), -1):
        if lines[at].lstrip().startswith(opener):
            return at
        if opener in lines[at] or (closer in lines[at] and at < line):
            return None
    return None


def _starred(line: str) -> str:
    """A line of `/* … */` without the stars before and behind it."""
    bare = line.strip()
    return bare.strip("*").removeprefix("!") if bare.startswith("*") else bare.rstrip("*")


def _comment(words: Sequence[str], first: int, last: int) -> Comment | None:
    text = "\n".join(each.strip() or "" for each in words).strip()
    return Comment(text, first, last) if any(each.isalpha() for each in text) else None


def _is_text(lines: Sequence[str], line: int, syntax: Syntax) -> bool:
    """True within text over several lines, as far as the number of its signs before tells."""
    if not syntax.strings:
        return False
    before = "".join(lines[:line])
    return any(before.count(sign) % 2 for sign in syntax.strings)
