"""Calls in another agent's words, put into ours before anyone sees them.

Models have learnt the tools of the agents they were trained with, and fall back to them. Where such
a call means exactly what one of our tools does, it becomes a call of that tool with our names:
that is what is shown, approved, run and stored. Where it would do anything else it stays what it is,
and the model is told what comes nearest. Only our own tools are looked at: those of servers are theirs.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import cast

from roo_lsp.agent import words
from roo_lsp.agent.arguments import BadArguments, read_arguments
from roo_lsp.agent.forms import CHANGES, folded, in_seconds, pop
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.tool import AnyTool

PREFIXES = ("functions.", "default_api.", "functions::", "tools.", "developer__", "$functions.")
"""What Harmony models, Gemini, Kimi and Goose put before a tool's name, after their own prompts."""

_BEHIND = re.compile(r"<\|.*|:\d+\Z", re.DOTALL)
"""The tokens of Harmony's next header (`<|channel|>commentary`), which servers take for a part of the
name (movieclaw#224), and Kimi's number of the call."""

MAX_NAME = 64
"""Characters of a name that is looked up, or told."""


def _plain(name: str) -> str:
    """A tool's name without what is put before it and behind it."""
    name = _BEHIND.sub("", name[: MAX_NAME * 2]).strip()
    lower = name.lower()
    found = next((prefix for prefix in PREFIXES if lower.startswith(prefix)), "")
    return name[len(found) :]


# --- names ----------------------------------------------------------------------------------


def tool_meant(name: str, tools: Collection[str]) -> str | None:
    """The one of the tools that a name means, as far as the name alone tells."""
    if name in tools:
        return name
    wanted = folded(_plain(name))
    found = [tool for tool in tools if folded(tool) == wanted]
    if found:
        return found[0] if len(found) == 1 else None
    ours = words.TOOLS.get(wanted)
    return ours if ours in tools else None


def needs_arguments(name: str, tools: Collection[str]) -> bool:
    """True for a name that is several tools: its arguments tell which."""
    several = name not in tools and folded(_plain(name)) in words.EDITORS
    return several and any(ours in tools for ours in words.EDITOR_COMMANDS.values())


def tool_of_call(name: str, arguments: Sequence[str], tools: Collection[str]) -> str | None:
    """The one of the tools that a call is of; its arguments, in pieces, are read where they tell."""
    if not needs_arguments(name, tools):
        return tool_meant(name, tools)
    try:
        given = json.loads(read_arguments("".join(arguments)))
    except BadArguments:
        return None
    return _of_editor(given, tools)


def tool_known(name: str, tools: Collection[str]) -> bool:
    """True for a name of one of the tools, or of one that another agent has in its place."""
    return tool_meant(name, tools) is not None or needs_arguments(name, tools)


def spellings(tools: Collection[str]) -> frozenset[str]:
    """Folded names by which the tools are known, ours and other agents'."""
    theirs = {word for word, ours in words.TOOLS.items() if ours in tools}
    several = {word for word in words.EDITORS if needs_arguments(word, tools)}
    return frozenset({folded(tool) for tool in tools} | theirs | several)


def spelt(name: str) -> str:
    """A name as it stands in `spellings`."""
    return folded(_plain(name))


def unknown_tool(name: str, tools: Mapping[str, AnyTool]) -> str:
    """What the model is told of a tool that is not there: which comes nearest, and all there are."""
    told = f"There is no tool {name[:MAX_NAME]!r} here."
    if nearest := _nearest(name, tools):
        fields = ", ".join(tools[nearest].argument_names)
        told += f" What comes nearest: {nearest} {{{fields}}}."
    return f"{told} The tools are: {', '.join(sorted(tools))}."


def _nearest(name: str, tools: Collection[str]) -> str | None:
    wanted = folded(_plain(name))
    if wanted in words.EDITORS and "apply_diff" in tools:
        return "apply_diff"
    if (ours := words.NEAREST.get(wanted)) in tools:
        return ours
    spelt = {folded(tool): tool for tool in tools}
    spelt |= {word: ours for word, ours in words.TOOLS.items() if ours in tools}
    close = get_close_matches(wanted, spelt, n=1, cutoff=0.75)
    return spelt[close[0]] if close else None


# --- whole calls ----------------------------------------------------------------------------


def in_our_words(name: str, arguments: str, tools: Mapping[str, AnyTool]) -> tuple[str, str] | None:
    """The call as one of the tools: its name and its arguments; None where it cannot be one.

    `name` is as the model spelt it, `arguments` the JSON text of an object.
    """
    ours, given = tool_meant(name, tools), cast("JsonObject", json.loads(arguments))
    wanted = folded(_plain(name))
    foreign = ours is None or folded(ours) != wanted
    if ours is None and needs_arguments(name, tools):
        ours = _of_editor(given, tools)
    if ours is None:
        return None
    if ours not in words.ARGUMENTS:
        return ours, arguments
    known = tools[ours].arguments.model_fields
    taken = dict(_renamed(ours, given, known))
    ours = _other_tool(ours, wanted, taken, tools)
    if foreign and ours == "execute_command":
        in_seconds(taken)
    if change := CHANGES.get(ours):
        change(taken)
    if taken == json.loads(arguments):
        return ours, arguments
    return ours, json.dumps(taken, ensure_ascii=False)


def _of_editor(given: JsonObject, tools: Collection[str]) -> str | None:
    ours = words.EDITOR_COMMANDS.get(str(given.get("command")))
    if ours not in tools:
        return None
    del given["command"]
    for empty in [key for key, value in given.items() if value is None]:
        del given[empty]
    if ours == "edit":
        given.setdefault("new_str", "")
    return ours


def _renamed(ours: str, given: JsonObject, known: Collection[str]) -> Iterator[tuple[str, object]]:
    """The arguments by our names, without those that change nothing.

    Where two of theirs are one of ours, and differ, the later ones keep their own name: they are
    told to be unknown.
    """
    taken: JsonObject = {key: value for key, value in given.items() if key in known}
    yield from taken.items()
    for key, value in given.items():
        if key in known:
            continue
        fold = folded(key)
        new = next((each for each in known if folded(each) == fold), None)
        new = new or words.ARGUMENTS[ours].get(fold)
        if _is_harmless(ours, fold, value, renamed=new is not None):
            continue
        if new is None or new not in known or taken.get(new, value) != value:
            yield key, value
        else:
            taken[new] = value
            yield new, value


def _is_harmless(ours: str, key: str, value: object, *, renamed: bool) -> bool:
    if not renamed and (key in words.PURPOSES or value is None):
        return True
    if key not in words.HARMLESS[ours]:
        return False
    values = words.HARMLESS[ours][key]
    return values is None or any(value is each or value == each for each in values)


def _other_tool(ours: str, wanted: str, taken: JsonObject, tools: Collection[str]) -> str:
    """The tool that does it; what another one's call says is put as ours takes it."""
    match cast("list[object]", taken.get("command")):
        case ["apply_patch", str(patch)] if len(taken) == 1 and "apply_patch" in tools:
            taken.clear()
            taken["patch"] = patch
            return "apply_patch"
        case _:
            pass
    if wanted in words.DELETING and ours == "apply_patch":
        path = pop(taken, "path", *words.PATH.split())
        if isinstance(path, str) and "\n" not in path and "\r" not in path and not taken:
            taken["patch"] = f"*** Begin Patch\n*** Delete File: {path}\n*** End Patch"
        elif path is not None:
            taken["path"] = path
    return ours
