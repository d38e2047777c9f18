"""The front matter of a task document: settings for its task, with the place of every key.

It may come with a repository, so it is an untrusted source: it may only tighten, it names no endpoint
and no key, and only settings that mean something for one task are taken at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import yaml

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.settings import Raw, cleaned
from roo_lsp.task_documents.form import bare, body_start, line_ending

SIZE = 16_000
"""Characters; more is not read."""
TASK = "task"
OWN_KEYS: Mapping[str, str] = {
    TASK: "The task that this document shows. Written by Roo; without it the next message starts one."
}
"""Keys that are no settings."""
FOR_ONE_TASK: Mapping[str, frozenset[str] | None] = {
    "mode": None,
    "profile": None,
    "customInstructions": None,
    "autoApprove": None,
    "allowedCommands": None,
    "deniedCommands": None,
    "limits": None,
    "context": None,
    "model": frozenset({"maxOutputTokens", "contextWindow"}),
    "provider": frozenset(
        {
            "modelId",
            "temperature",
            "topP",
            "seed",
            "reasoningEffort",
            "replayReasoning",
            "toolChoice",
            "parallelToolCalls",
            "streaming",
            "timeouts",
            "retry",
            "rateLimitSeconds",
        }
    ),
}
"""Settings that may be changed for one task, and of a part only these; None: all of it."""
_SECRETS = {"apiKey", "apiKeyEnv", "apiKeyCommand"}
_PLAIN = "tag:yaml.org,2002:"

KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands: a line of the document, and columns in code points."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a piece of it, in words."""

    span: Span
    text: str
    serious: bool = True


@dataclass(slots=True)
class FrontMatter:
    """What it says."""

    settings: Raw = field(default_factory=dict)
    """The part of the `roo` section that is taken from it."""
    task: str = ""
    places: dict[KeyPath, Span] = field(default_factory=dict[KeyPath, Span])
    """Of each key."""
    faults: list[Fault] = field(default_factory=list[Fault])

    @property
    def mode(self) -> str:
        return str(self.settings.get("mode", ""))

    @property
    def profile(self) -> str:
        return str(self.settings.get("profile", ""))

    def span(self, steps: KeyPath) -> Span:
        """Where a key stands, or the nearest one above it."""
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places.get(steps, Span(0, 0, 3))


def read(lines: Sequence[str]) -> FrontMatter:
    """The front matter of a document; what cannot be used is left out, with a fault."""
    found = FrontMatter()
    last = body_start(lines)
    if not last:
        if lines and bare(lines[0]) == "---":
            found.faults.append(Fault(Span(0, 0, 3), "The front matter has no end: a line `---`."))
        return found
    text = "".join(lines[1 : last - 1])
    if len(text) > SIZE:
        found.faults.append(Fault(Span(0, 0, 3), f"More than {SIZE} characters are not read."))
        return found
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        found.faults.append(_syntax(error))
        return found
    if node is None:
        return found
    if not isinstance(node, yaml.MappingNode):
        found.faults.append(Fault(_span(node), "Write `key: value` lines here."))
        return found
    try:
        raw = object_or_empty(_value(node, (), found, set()))
    except RecursionError:
        found.faults.append(Fault(_span(node), "This is nested too deeply."))
        return found
    task = raw.pop(TASK, "")
    found.task = task if isinstance(task, str) else str(task)
    _leave_out(raw, found)
    found.settings, problems = cleaned(raw)
    for problem in problems:
        steps = tuple(problem.path.split(".")[1:])
        found.faults.append(Fault(found.span(steps), f"{problem.path}: {problem.text}"))
    return found


def with_key(lines: Sequence[str], key: str, value: str) -> list[str]:
    """The document with a key of the front matter set, or taken out where the value is empty."""
    ending, last = line_ending(lines), body_start(lines)
    if not last:
        if not value:
            return list(lines)
        head = [f"---{ending}", f"{key}: {value}{ending}", f"---{ending}", ending]
        return [*head, *lines]
    found = read(lines)
    line = f"{key}: {value}{ending}"
    if (span := found.places.get((key,))) is not None:
        return [*lines[: span.line], *([line] if value else []), *lines[span.line + 1 :]]
    return [*lines[: last - 1], *([line] if value else []), *lines[last - 1 :]]


def _leave_out(raw: Raw, found: FrontMatter) -> None:
    """Take out what is not for one task, each with its reason."""
    for key in list(raw):
        if key not in FOR_ONE_TASK:
            del raw[key]
            known = ", ".join([*OWN_KEYS, *FOR_ONE_TASK])
            text = f"{key} is not a setting of one task; those are: {known}."
            found.faults.append(Fault(found.span((key,)), text))
            continue
        part = FOR_ONE_TASK[key]
        inner = object_or_empty(raw[key])
        for name in [each for each in inner if part is not None and each not in part]:
            del inner[name]
            if name in _SECRETS:
                text = (
                    "A key never stands in a document. Take it out, and make a new one if this was "
                    f"one: set {key}.{name} in your own settings.json."
                )
            else:
                text = f"{key}.{name} is not for one task: set it in your own settings.json."
            found.faults.append(Fault(found.span((key, name)), text))


def _value(node: yaml.Node, steps: KeyPath, found: FrontMatter, seen: set[int]) -> object:
    """The node as JSON has it; notes where its keys stand."""
    if id(node) in seen:
        found.faults.append(Fault(_span(node), "Anchors and aliases are not used here."))
        return None
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        made: Raw = {}
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if name in made:
                found.faults.append(
                    Fault(_span(key), f"{name} is there twice: the last one counts.")
                )
            found.places[(*steps, name)] = _span(key)
            made[name] = _value(value, (*steps, name), found, seen)
        return made
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[yaml.Node]", node.value)
        return [_value(each, steps, found, seen) for each in items]
    return _scalar(str(node.value), str(node.tag).removeprefix(_PLAIN))


def _scalar(text: str, kind: str) -> object:
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() in {"true", "yes", "on"}
            case "int":
                return int(text.replace("_", ""), 0)
            case "float":
                return float(text.replace("_", ""))
            case _:
                return text
    except ValueError:
        return text


def _span(node: yaml.Node) -> Span:
    start, end = node.start_mark, node.end_mark
    last = end.column if end.line == start.line else start.column + 1
    return Span(start.line + 1, start.column, max(last, start.column + 1))


def _syntax(error: Exception) -> Fault:
    mark = getattr(error, "problem_mark", None)
    what = str(getattr(error, "problem", "") or "it is nested too deeply")
    if mark is None:
        return Fault(Span(0, 0, 3), f"The front matter cannot be read: {what}.")
    span = Span(mark.line + 1, mark.column, mark.column + 1)
    return Fault(span, f"The front matter cannot be read from here: {what}.")
