"""Markdown files with a front matter: its top keys as plain values, and the text below it.

The files may come with a repository: only the front matter's beginning is read as YAML, its nodes are
looked at and nothing is made of them, and no alias is followed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast

import yaml

from roo_lsp.workspace.encodings import decode

SIZE = 16_000
"""Characters of a front matter; a longer one is not read."""
Value = str | tuple[str, ...] | None
"""A scalar as it is written, a list of scalars, or None for all else."""

_BEGIN = re.compile(r"---[ \t]*\n")
_END = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_PLAIN = re.compile(
    r"([A-Za-z][\w-]*): +(\"[^\"\\\n]*\"|'[^'\n]*'|\w(?:[^:#\n]|:(?=\S)|(?<=\S)#)*)\s*"
)
"""A line that means the same to YAML as it looks."""
_COLON_IN_VALUE = re.compile(r"^([A-Za-z][\w-]*): +([^'\"\[{|>&*\n][^\n]*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Headed:
    """A text and what its front matter says."""

    body: str
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    problem: str = ""
    """Why its front matter could not be read; the body is the whole text then."""
    line: int = 0
    """Where, from 1."""

    def text(self, key: str) -> str:
        """A scalar, without white space around it; empty where there is none."""
        found = self.values.get(key)
        return found.strip() if isinstance(found, str) else ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list; one scalar is a list of one."""
        found = self.values.get(key)
        if isinstance(found, str):
            return (found.strip(),) if found.strip() else ()
        return found or ()


@lru_cache(maxsize=512)
def headed(data: bytes) -> Headed | None:
    """The text of a file; None where it is none, or has nothing in it."""
    decoded = decode(data)
    if decoded is None or not decoded[0].strip():
        return None
    text = decoded[0].replace("\r\n", "\n")
    begin = _BEGIN.match(text)
    if begin is None:
        return Headed(text.strip())
    end = _END.search(text, begin.end())
    if end is None:
        return Headed(text.strip(), problem="its front matter has no end: a line `---`", line=1)
    head, body = text[begin.end() : end.start()], text[end.end() :].strip()
    if len(head) > SIZE:
        return Headed(text.strip(), problem=f"a front matter of over {SIZE} characters", line=1)
    values = _plainly(head)
    if values is not None:
        return Headed(body, values)
    try:
        return Headed(body, _values(head))
    except _Unfit as unfit:
        return Headed(text.strip(), problem=unfit.text, line=unfit.line)


class _Unfit(Exception):
    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.text, self.line = text, line


def _plainly(head: str) -> dict[str, Value] | None:
    """The values where each line is a key with plain words: most are, and YAML takes its time."""
    values: dict[str, Value] = {}
    for line in head.splitlines():
        if not line.strip():
            continue
        found = _PLAIN.fullmatch(line)
        if found is None or found[2].lower().startswith("null"):
            return None
        value = found[2].strip()
        values[found[1]] = value[1:-1] if value[0] in {'"', "'"} else value
    return values


def _values(head: str) -> dict[str, Value]:
    try:
        node = yaml.compose(head, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        quoted = _COLON_IN_VALUE.sub(
            lambda it: f"{it[1]}: {json.dumps(it[2].strip(), ensure_ascii=False)}", head
        )
        try:
            node = yaml.compose(quoted, Loader=yaml.SafeLoader)
        except (yaml.YAMLError, RecursionError, ValueError):
            raise _syntax(error) from None
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise _Unfit("its front matter is not made of `key: value` lines", 2)
    values: dict[str, Value] = {}
    seen: set[int] = set()
    for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
        line = key.start_mark.line + 2
        if id(value) in seen:
            raise _Unfit("anchors and aliases are not used in a front matter", line)
        seen.add(id(value))
        if not isinstance(key, yaml.ScalarNode):
            raise _Unfit("a key of its front matter is not a word", line)
        values[str(key.value)] = _value(value)
    return values


def _value(node: yaml.Node) -> Value:
    if isinstance(node, yaml.ScalarNode):
        return "" if node.tag == "tag:yaml.org,2002:null" else _whole(node)
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        return tuple(_whole(each) for each in items if isinstance(each, yaml.ScalarNode))
    return None


def _whole(node: yaml.Node) -> str:
    """A scalar's text without halves of characters, which YAML can name and no file can hold."""
    return str(node.value).encode("utf-8", "replace").decode()


def _syntax(error: Exception) -> _Unfit:
    mark = getattr(error, "problem_mark", None)
    what = str(getattr(error, "problem", "") or "it is nested too deeply")
    line = mark.line + 2 if mark is not None else 1
    return _Unfit(f"its front matter cannot be read from here: {what}", line)
