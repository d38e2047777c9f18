"""Which programs of awk only compute and print to their own output.

Source: the manual of GNU awk 5.3, "Lexical conventions", "Redirection", "Getline". Less is taken
than awk takes.
"""

import re

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\\\n|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<end>[;{}\n])
    |(?P<operator>&&|\|\||[!=<>]=|!~|\+\+|--|[-+*/%^]=|[-+*%^!<>~?:,$=()\[\]])""",
    re.VERBOSE,
)
_REGEX = re.compile(r"/(?:[^/\\\n\[]|\\.|\[\^?\]?[^\]/\\\n\[]*\])+/")
_BEFORE_DIVISION = re.compile(r"[\w\]]\Z")
_BEFORE_EITHER = frozenset({")", "$", "++", "--", "length"})
"""Awks do not agree whether a slash after these divides or opens a regular expression."""
_FORBIDDEN = frozenset(
    [
        "system",
        "getline",
        "close",
        "fflush",
        "ARGV",
        "ARGC",
        "ENVIRON",
        "PROCINFO",
        "SYMTAB",
        "FUNCTAB",
        "include",
        "load",
        "namespace",
        "nextfile",
        "extension",
    ]
)
_KEYWORDS = frozenset({"print", "printf", "return", "exit", "in", "case", "else", "do"})


def only_prints(program: str) -> bool:
    """Does the program neither run another, nor read or write a file it is not given?"""
    at = 0
    before = ""
    prints = False
    while at < len(program):
        if program[at] == "/":
            end = _behind_slash(program, at, before)
            if end is None:
                return False
            before = "/" if end == at + 1 else '"'
            at = end
            continue
        token = _TOKEN.match(program, at)
        if token is None or not _is_harmless(token, prints=prints):
            return False
        at = token.end()
        text = token.group()
        if token.lastgroup == "space":
            continue
        if token.lastgroup == "end":
            prints &= text == "\n"  # a print may go on after a comma
        prints |= text in {"print", "printf"}
        before = "" if text in _KEYWORDS else text
    return True


def _is_harmless(token: re.Match[str], *, prints: bool) -> bool:
    text = token.group()
    if token.lastgroup == "name":
        return text not in _FORBIDDEN
    # Behind a print it writes a file, or compares within parentheses: not told apart.
    return not (token.lastgroup == "operator" and text == ">" and prints)


def _behind_slash(program: str, at: int, before: str) -> int | None:
    """Where to go on behind a division or regular expression; None if it is not plain which it is."""
    if before in _BEFORE_EITHER or before.endswith('"'):
        return None if "/" in program[at + 1 :] else at + 1
    if _BEFORE_DIVISION.search(before):
        return at + 1
    found = _REGEX.match(program, at)
    return found.end() if found else None
