"""The forms that values and operands may have, each a name in the tables."""

import re
from collections.abc import Callable
from types import MappingProxyType

from roo_lsp.workspace.shell.harmless import awk, sed
from roo_lsp.workspace.shell.language import Word
from roo_lsp.workspace.shell.place import WorkingFolders

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?[A-Za-z%]{0,3}")
_NUMBERS = re.compile(r"[\d,-]+")
_NAME = re.compile(r"[\w](?:[\w.,:+@%/-]*[\w.+@%/])?")
_REFERENCES = re.compile(r"\w[\w.*?/@-]*")
_KEY = re.compile(r"-?\w[\w.:,()=-]*")
_TEST_NAME = re.compile(r"\w[\w:]*")
_GO_MAIN = re.compile(r"\.|\./[\w./-]*|[\w/-]+\.go")
_FILTER = re.compile(r"[@\w][\w@/-]*")
_LABELS = re.compile(r"(?://|:|-?//)?[\w./:*-]*")
_PLAIN_NAME = re.compile(r"\w[\w.-]*")
_CLIMBS = re.compile(r"(?:^|[/:=])\.\.(?:/|$)")
_SETS = re.compile(r"[A-Za-z_]\w*=[^\n]*")
_RUNS_IN_JQ = re.compile(r"(?<![.\w$])(?:import|include|modulemeta|get_search_list)\b")
_CONDITION = re.compile(r"[\w./:@-]*|=|==|!=|!|\]|<|>")
_FIND_TYPES = re.compile(r"[bcdpfls](?:,[bcdpfls])*")
_OUTWARD = re.compile(
    r"(?:^|[^a-z])(?:(?:un)?install|deploy|publish|release|upload|push)", re.IGNORECASE
)
"""Targets that by their usual meaning act outside the workspace; an entry can name them."""
_TRIPLE = re.compile(r"\w[\w-]*")
_LINT = re.compile(r"\w[\w:-]*")
_RESOURCE = re.compile(r"(?!.*secret)\w[\w.,:/-]*", re.IGNORECASE)
"""What Kubernetes has, but for its secrets."""
_TARGET = re.compile(r"[A-Za-z0-9_][\w./+:-]*")
_GRADLE_TASK = re.compile(r":?\w[\w:-]*")
_TEST_PLACE = re.compile(r"(::[\w\[\]().,:+ -]+)$")

_KUBERNETES_OUTPUT = re.compile(
    r"json|yaml|name|wide|kyaml|(?:jsonpath|jsonpath-as-json|go-template|template|custom-columns)=[^\n]*"
)

WordCheck = Callable[[Word, WorkingFolders], bool]


def fits(kind: str, word: Word, place: WorkingFolders) -> bool:
    """Is the word, or value, of that kind, and so harmless where the kind is asked for?

    Other words than literal ones are only checked by kinds that know what they may become.
    """
    check = KINDS.get(kind)
    if check is not None:
        return check(word, place)
    return any(
        KINDS[each](word, place) if each in KINDS else word.literal and word.text == each
        for each in kind.split("|")
    )


def _matches(pattern: re.Pattern[str]) -> WordCheck:
    return lambda word, _place: word.literal and pattern.fullmatch(word.text) is not None


def _text(word: Word, _place: WorkingFolders) -> bool:
    return not word.glob and not word.splits


def _path(word: Word, place: WorkingFolders) -> bool:
    """Not `@file`: a file of arguments for many programs."""
    return word.text[:1] not in {"@", "+"} and place.inside(word)


def _own_path(word: Word, place: WorkingFolders) -> bool:
    """For programs that read `NAME=value` among their operands."""
    return not re.match(r"[A-Za-z_]\w*=", word.text) and _path(word, place)


def _new_path(word: Word, place: WorkingFolders) -> bool:
    return word.literal and place.free(word)


def _test(word: Word, place: WorkingFolders) -> bool:
    """A path, or a test in one: `tests/test_a.py::TestB::test_c[x]`."""
    text = _TEST_PLACE.sub("", word.text) if ".py::" in word.text else word.text
    if word.glob and ".py::" in word.text:
        head = word.head
        return not word.variable and ".py::" in head and _path(Word.of(head.split("::")[0]), place)
    return _own_path(Word.of(text) if word.literal else word, place)


def _test_line(word: Word, place: WorkingFolders) -> bool:
    """A path, or a line in it: `spec/a_spec.rb:12`."""
    return _own_path(Word.of(re.sub(r"(:\d+)+$", "", word.text)) if word.literal else word, place)


def _go_packages(word: Word, _place: WorkingFolders) -> bool:
    """`./...`, `./cmd`, `std`, `example.org/x`: no path that leads out."""
    return (
        word.literal
        and re.fullmatch(r"\.?[\w./-]*", word.text) is not None
        and not word.text.startswith("/")
        and not _CLIMBS.search(word.text)
        and not word.text.endswith(".go")
    )


def _name(word: Word, _place: WorkingFolders) -> bool:
    text = word.text
    return (
        word.literal
        and _NAME.fullmatch(text) is not None
        and ".." not in text
        and "://" not in text
        and "::" not in text
    )


def _reference(word: Word, place: WorkingFolders) -> bool:
    """The name of a branch or remote, and not of a file that would be meant instead."""
    return _name(word, place) and not place.exists(word.text)


def _remote(word: Word, place: WorkingFolders) -> bool:
    return (
        word.literal
        and _PLAIN_NAME.fullmatch(word.text) is not None
        and not place.exists(word.text)
    )


def _revision(word: Word, place: WorkingFolders) -> bool:
    """A revision, a range, or a path: git looks for paths in its own repository only."""
    if word.variable:
        return False
    if word.glob or word.text.startswith("/") or re.match(r"(.*/)?\.\.(/|$)", word.text):
        return place.inside(word)
    return word.text != "-" and "::" not in word.text


def _format(word: Word, place: WorkingFolders) -> bool:
    """A format of git's: one that checks signatures runs a program."""
    return _text(word, place) and not re.search(r"%G|signature", word.text)


def _script(word: Word, place: WorkingFolders) -> bool:
    """A file of the workspace that an interpreter runs."""
    text = word.text
    return word.literal and re.search(r"[./]", text) is not None and text[0] not in "-@+" and (
        text != "." and place.inside(word) and not text.startswith("/dev")
    )  # fmt: skip


def _sets(word: Word, _place: WorkingFolders) -> bool:
    return word.literal and _SETS.fullmatch(word.text) is not None


def _sed(word: Word, _place: WorkingFolders) -> bool:
    return word.literal and sed.only_prints(word.text)


def _awk(word: Word, _place: WorkingFolders) -> bool:
    return word.literal and awk.only_prints(word.text)


def _jq(word: Word, _place: WorkingFolders) -> bool:
    return word.literal and not _RUNS_IN_JQ.search(word.text)


KINDS = MappingProxyType[str, WordCheck](
    {
        "N": _matches(_NUMBER),
        "NS": _matches(_NUMBERS),
        "TEXT": _text,
        "BIT": lambda word, place: _text(word, place) and "/" not in word.text,
        "NAME": _name,
        "GOMAIN": lambda word, _: (
            word.literal
            and _GO_MAIN.fullmatch(word.text) is not None
            and not _CLIMBS.search(word.text)
        ),
        "FILTER": _matches(_FILTER),
        "LABEL": lambda word, _: (
            word.literal
            and _LABELS.fullmatch(word.text) is not None
            and not _CLIMBS.search(word.text)
            and not word.text.startswith("///")
        ),
        "KEY": _matches(_KEY),
        "TRIPLE": _matches(_TRIPLE),
        "LINT": _matches(_LINT),
        "RESOURCE": _matches(_RESOURCE),
        "TESTNAME": _matches(_TEST_NAME),
        "PATH": _path,
        "LOCAL": lambda word, place: ":" not in word.text and _path(word, place),
        "OWNPATH": _own_path,
        "NEWPATH": _new_path,
        "TEST": _test,
        "PACKAGES": _go_packages,
        "TARGET": lambda word, _: (
            word.literal
            and _TARGET.fullmatch(word.text) is not None
            and not _CLIMBS.search(word.text)
            and not _OUTWARD.search(word.text)
        ),
        "TASK": lambda word, _: (
            word.literal
            and _GRADLE_TASK.fullmatch(word.text) is not None
            and not _OUTWARD.search(word.text)
        ),
        "TESTLINE": _test_line,
        "REF": _reference,
        "REFS": _matches(_REFERENCES),
        "REMOTE": _remote,
        "REV": _revision,
        "FORMAT": _format,
        "SCRIPT": _script,
        "SETS": _sets,
        "SED": _sed,
        "AWK": _awk,
        "JQ": _jq,
        "DATE": lambda word, _: word.literal and word.text.startswith("+"),
        "OUTPUT": _matches(_KUBERNETES_OUTPUT),
        "SOURCE": lambda word, place: "." in word.text and _own_path(word, place),
        "COND": _matches(_CONDITION),
        "TYPES": _matches(_FIND_TYPES),
    }
)
