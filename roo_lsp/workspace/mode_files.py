"""Modes that people wrote themselves: `.roomodes`, `custom_modes.yaml`, the setting `customModes`.

The form is Roo Code's (`schemas/roomodes.json`), YAML or JSON. What is wrong with one mode costs that
mode alone; Roo leaves out the whole file. Only what was handed in is read: who calls has looked at trust.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import yaml

from roo_lsp.agent.modes import Mode
from roo_lsp.agent.tool import Group
from roo_lsp.workspace.encodings import decode
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.javascript_regex import BadPattern, compiled

FILE = ".roomodes"
"""Of a workspace folder, whatever its case."""
USER_FILE = "custom_modes.yaml"
"""In the user's configuration folder."""
MAX_BYTES = 256_000
MAX_MODES = 100
MAX_NODES = 20_000
"""Values in a file, each counted as often as it is referred to."""
MAX_DEPTH = 12
SHOWN = 6
"""Modes that one line names."""

GROUPS: Mapping[str, Group | None] = {
    "read": "read",
    "edit": "edit",
    "command": "execute",
    "mcp": "mcp",
    "modes": None,  # tools that every mode has, in Roo as here
    "browser": None,  # Roo has dropped it, and passes over it
}
_TEXTS = ("name", "roleDefinition", "whenToUse", "description", "customInstructions")
_NEEDED = ("name", "roleDefinition")
KEYS = ("slug", *_TEXTS, "groups", "source", "rulesFiles")
_SLUG = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TIDIED = {
    **dict.fromkeys([0x200B, 0x200C, 0x200D], ""),
    **dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212], "-"),
    **dict.fromkeys([0x2018, 0x2019], "'"),
    **dict.fromkeys([0x201C, 0x201D], '"'),
    0xA0: " ",
}
"""What word processors make of a YAML file, and Roo puts right."""


@dataclass(frozen=True, slots=True)
class ModeProblem:
    """What is wrong with a mode, or with a whole file, and where."""

    place: str
    """The file with its line, or the setting."""
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass(frozen=True, slots=True)
class ModesRead:
    """What one source gives."""

    modes: tuple[Mode, ...] = ()
    problems: tuple[ModeProblem, ...] = ()

    @property
    def line(self) -> str:
        """For people, what it does: each mode with what may be done in it."""
        if not self.modes:
            return "no mode"
        named = [f"{each.slug} ({may(each)})" for each in self.modes[:SHOWN]]
        more = len(self.modes) - SHOWN
        return f"modes {', '.join(named)}" + (f" and {more} more" if more > 0 else "")


def may(mode: Mode) -> str:
    """What may be done in a mode, in a few words."""
    edits = mode.groups.get("edit")
    words = {
        "read": "reads",
        "edit": f"edits {label(edits)}" if edits else "edits",
        "execute": "runs commands",
        "mcp": "uses MCP",
    }
    return ", ".join(words[each] for each in words if each in mode.groups) or "no tools of its own"


def together(sources: Iterable[ModesRead], built_in: Mapping[str, Mode]) -> dict[str, Mode]:
    """All modes: those of the strongest source first win; one with a built-in one's slug takes its place."""
    own: dict[str, Mode] = {}
    for source in sources:
        for mode in source.modes:
            own.setdefault(mode.slug, mode)
    return {**built_in, **own}


@lru_cache(maxsize=32)
def read_modes(name: str, data: bytes) -> ModesRead:
    """The modes in a file of that name."""
    try:
        return _of_rows(_rows(name, data), name)
    except _Unreadable as error:
        return ModesRead(problems=(ModeProblem(error.place, error.text),))


def plain_modes(name: str, data: bytes) -> list[dict[str, object]]:
    """The modes in a file as they stand there, to be written elsewhere.

    Raises:
        ValueError: it cannot be read; where, and why.
    """
    try:
        return [{key: value for key, (value, _) in row.values.items()} for row in _rows(name, data)]
    except _Unreadable as error:
        raise ValueError(f"{error.place}: {error.text}") from None


def modes_of_setting(given: Sequence[Mapping[str, Any]], name: str) -> ModesRead:
    """The modes in a setting."""
    rows = [
        _Row(f"{name}[{number}]", {key: (value, "") for key, value in each.items()})
        for number, each in enumerate(given)
    ]
    return _of_rows(rows, name)


# --- one mode ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One entry of the list: its values, each with the place where it stands, or none of its own."""

    place: str
    values: Mapping[str, tuple[object, str]]

    def where(self, key: str) -> str:
        return self.values.get(key, (None, ""))[1] or self.place

    def value(self, key: str) -> object:
        return self.values.get(key, (None, ""))[0]


class _Wrong(Exception):
    """A mode cannot be used."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(text)
        self.place = place
        self.text = text


def _of_rows(rows: Sequence[_Row], source: str) -> ModesRead:
    modes: dict[str, Mode] = {}
    problems: list[ModeProblem] = []
    for row in rows[:MAX_MODES]:
        try:
            mode = replace(_mode(row), source=source)
            if mode.slug in modes:
                raise _Wrong(row.where("slug"), f"there is a mode {mode.slug} above already")
            modes[mode.slug] = mode
            problems += [ModeProblem(*each) for each in _remarks(row)]
        except _Wrong as error:
            problems.append(ModeProblem(error.place, f"{error.text}; this mode is not used"))
    if len(rows) > MAX_MODES:
        text = f"more than {MAX_MODES} modes: those from here on are not used"
        problems.append(ModeProblem(rows[MAX_MODES].place, text))
    return ModesRead(tuple(modes.values()), tuple(problems))


def _mode(row: _Row) -> Mode:
    slug = row.value("slug")
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug):
        raise _Wrong(row.where("slug"), "slug: expected letters, digits and -")
    texts: dict[str, str] = {}
    for key in _TEXTS:
        value = row.value(key)
        if not isinstance(value, str | None):
            raise _Wrong(row.where(key), f"{key} of {slug}: expected a text")
        texts[key] = (value or "").strip()
        if key in _NEEDED and not texts[key]:
            raise _Wrong(row.where(key), f"{slug} has no {key}")
    groups, files = _groups(row, slug)
    return Mode(
        slug,
        label(texts["name"]),
        texts["roleDefinition"],
        groups,
        texts["customInstructions"],
        label(" ".join(texts["description"].split())),
        texts["whenToUse"],
        files,
    )


def _groups(row: _Row, slug: str) -> tuple[dict[Group, str | None], str]:
    """What a mode may do, and in words which files it may edit."""
    given, where = row.value("groups"), row.where("groups")
    if not isinstance(given, list):
        raise _Wrong(where, f"groups of {slug}: expected a list of {', '.join(GROUPS)}")
    groups: dict[Group, str | None] = {}
    seen: set[str] = set()
    files = ""
    for name, options in map(_group, cast("list[object]", given)):
        if name not in GROUPS:
            raise _Wrong(where, f"groups of {slug}: there is no group {label(name)[:60]}")
        if name in seen:
            raise _Wrong(where, f"groups of {slug}: {name} is there twice")
        seen.add(name)
        if (group := GROUPS[name]) is None:
            continue
        groups[group] = None
        expression, told = options.get("fileRegex"), options.get("description")
        if group == "edit" and expression is not None:
            try:
                compiled(expression if isinstance(expression, str) else "(")
            except BadPattern as error:
                shown = label(str(expression))[:80]
                raise _Wrong(where, f"fileRegex of {slug}, {shown}: {error}") from None
            groups[group] = str(expression)
            files = label(told.strip()) if isinstance(told, str) else ""
    return groups, files


def _group(given: object) -> tuple[str, Mapping[str, object]]:
    match given:
        case str(name):
            return name, {}
        case [str(name)]:
            return name, {}
        case [str(name), dict()]:
            return name, cast("tuple[str, Mapping[str, object]]", given)[1]
        case _:
            return str(given), {}


def _remarks(row: _Row) -> Iterator[tuple[str, str]]:
    """What of a mode that is used has no effect."""
    for key in row.values:
        if key not in KEYS:
            known = ", ".join(KEYS[:-2])
            yield row.where(key), f"a mode has no {label(key)[:60]}; known: {known}"
    if row.value("rulesFiles"):
        slug = row.value("slug")
        text = f"rulesFiles are not read from here: put each into .roo/rules-{slug}/"
        yield row.where("rulesFiles"), text
    for name, options in map(_group, cast("list[object]", row.value("groups"))):
        if name != "edit" and options.get("fileRegex") is not None:
            yield row.where("groups"), f"fileRegex of {name} changes nothing: it limits edit alone"


# --- files ------------------------------------------------------------------------------------


class _Unreadable(_Wrong):
    """A whole file cannot be used."""


def _rows(name: str, data: bytes) -> list[_Row]:
    if len(data) > MAX_BYTES:
        raise _Unreadable(name, f"longer than {MAX_BYTES} bytes, so none of its modes is used")
    decoded = decode(data)
    if decoded is None:
        raise _Unreadable(name, "it is no text, so there is no mode in it")
    text = decoded[0].removeprefix("\ufeff")
    try:
        root = _composed(text.translate(_TIDIED))
    except (yaml.YAMLError, ValueError) as error:
        root = _json(text)
        if root is None:
            mark = getattr(error, "problem_mark", None)
            place = name if mark is None else f"{name}:{mark.line + 1}"
            why = label(str(getattr(error, "problem", "") or error))[:120]
            wrong = f"this is neither YAML nor JSON ({why}), so none of its modes is used"
            raise _Unreadable(place, wrong) from None
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise _Unreadable(
            f"{name}:1", "expected a list under customModes, so there is no mode in it"
        )
    reader = _Reader(name)
    found = next((value for key, value in _pairs(root) if key == "customModes"), None)
    if found is None or reader.value(found) is None:
        return []
    if not isinstance(found, yaml.SequenceNode):
        raise _Unreadable(reader.place(found), "customModes: expected a list")
    return [reader.row(each) for each in cast("list[yaml.Node]", found.value)]


def _composed(text: str) -> yaml.Node | None:
    """The YAML of a text as a tree.

    Raises:
        YAMLError: it is none.
        ValueError: it is nested too deeply, which the tree is not made for.
    """
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")
    return yaml.compose(text, Loader=_LOADER)


def _json(text: str) -> yaml.Node | None:
    """The tree of a JSON text that YAML does not take: for the tabs between its values."""
    try:
        json.loads(text)
        return _composed(text.replace("\t", " "))
    except (ValueError, RecursionError, yaml.YAMLError):
        return None


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        yield str(key.value) if isinstance(key, yaml.ScalarNode) else "", value


@dataclass(slots=True)
class _Reader:
    """Takes values out of a tree, so many at most: a part can be referred to from everywhere."""

    name: str
    left: int = MAX_NODES

    def place(self, node: yaml.Node) -> str:
        return f"{self.name}:{node.start_mark.line + 1}"

    def row(self, node: yaml.Node) -> _Row:
        if not isinstance(node, yaml.MappingNode):
            return _Row(self.place(node), {})
        values = {
            key: (self.value(value), self.place(value if value.value else node))
            for key, value in _pairs(node)
        }
        return _Row(self.place(node), values)

    def value(self, node: yaml.Node, depth: int = 0) -> object:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            raise _Unreadable(self.name, "it holds too much, so none of its modes is used")
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, depth + 1) for each in cast("list[yaml.Node]", node.value)]
        if isinstance(node, yaml.MappingNode):
            return {key: self.value(value, depth + 1) for key, value in _pairs(node)}
        match str(node.tag).rpartition(":")[2]:
            case "str":
                return str(node.value)
            case "null":
                return None
            case _:
                return 0  # another kind of value, which no key takes
