"""The rules that a person and a workspace give the agent, in Roo's order, as a part of the prompt.

Places and order are Roo Code's (`.roo/rules`, `.roorules`, `.clinerules`, AGENTS.md); `CLAUDE.md` is
taken where there is no AGENTS.md. Only what was handed in is used: who calls has looked at trust.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from roo_lsp.workspace.encodings import decode
from roo_lsp.workspace.instructions import InstructionPlace, is_rules, ruled_folder

AGENTS = ("agents.md", "agent.md", "claude.md")
"""The first of these that there is, whatever its case."""
LOCAL = "agents.local.md"
_SINGLE = re.compile(r"\.(roo|cline)rules(-[^/]+)?(?:/|$)")


@dataclass(frozen=True, slots=True)
class RulesTold:
    """The rules as the model is told them."""

    text: str
    """Empty where there are none."""
    used: tuple[str, ...] = ()
    """The files, in their order."""
    cut: tuple[str, ...] = ()
    """Those of which something is left out, or all."""


def rules(
    home: InstructionPlace,
    folders: Sequence[InstructionPlace],
    mode: str,
    *,
    agents: bool,
    max_bytes: int,
) -> RulesTold:
    """The rules for a mode: its own first, then those of AGENTS.md and its like, then the general ones.

    `max_bytes` bounds the files' text together; what is cut is said where it is cut. `agents` is False
    where AGENTS.md and its like are not wanted.
    """
    places = [home, *folders]
    found = [
        *_ruled(places, f"rules-{mode}", (f".roorules-{mode}", f".clinerules-{mode}")),
        *(each for place in places for each in _agents(place) if agents),
        *_ruled(places, "rules", (".roorules", ".clinerules")),
    ]
    room = max_bytes
    parts: list[str] = []
    used: list[str] = []
    cut: list[str] = []
    for name, data in found:
        text = rule_text(data)
        if not text:
            continue
        fitting = cut_to(name, text, room)
        if fitting == text:
            room -= len(text.encode())
        else:
            cut.append(name)
            room = 0
        text = fitting
        if text:
            used.append(name)
            parts.append(f"## {name}\n{text}")
    if missing := [name for name in cut if name not in used]:
        parts.append(f"[Left out, because it is too much together: {', '.join(missing)}.]")
    return RulesTold("\n\n".join(parts), tuple(used), tuple(cut))


def cut_to(name: str, text: str, room: int) -> str:
    """The text, or as many of its first lines as there is room for in so many bytes, and that it is cut."""
    data = text.encode()
    if len(data) <= room:
        return text
    kept = data[: max(0, room)].decode("utf-8", "ignore").rpartition("\n")[0].rstrip()
    return f"{kept}\n[Cut here: read {name} for the rest.]" if kept else ""


def rule_text(data: bytes) -> str:
    """What a file of rules says; empty where it is no text."""
    decoded = decode(data)
    return decoded[0].strip() if decoded else ""


def _ruled(
    places: Sequence[InstructionPlace], folder: str, instead: Sequence[str]
) -> Iterable[tuple[str, bytes]]:
    """The files of the folders of that name below `.roo`; where there are none, the first of the others."""
    found = [each for place in places for each in _below(place, f".roo/{folder}/")]
    if found:
        return found
    for place in places:
        for name in instead:
            if single := [*_named(place, name), *_below(place, f"{name}/")]:
                return single
    return ()


def _below(place: InstructionPlace, folder: str) -> list[tuple[str, bytes]]:
    """A folder's files, whatever the folders between, in the order of their own names."""
    names = [name for name in place.files if name.startswith(folder) and is_rules(name)]
    names.sort(key=lambda name: (_last(name).casefold(), name))
    return [(place.named(name), place.files[name]) for name in names]


def folder_rules(place: InstructionPlace, folder: str) -> list[tuple[str, bytes]]:
    """The files of rules that stand in a folder below a place, as the prompt names them."""
    return _agents(place, f"{folder}/")


def _agents(place: InstructionPlace, folder: str = "") -> list[tuple[str, bytes]]:
    folder = folder or (".agents/" if place.home else "")
    for name in AGENTS:
        if found := _named(place, folder + name):
            return [*found, *_named(place, folder + LOCAL)]
    return _named(place, folder + LOCAL)


def _named(place: InstructionPlace, wanted: str) -> list[tuple[str, bytes]]:
    """The file of that name below a place, its own name in whatever case."""
    folder, _, last = wanted.rpartition("/")
    for name in sorted(place.files):
        if (
            name.casefold().endswith(last)
            and name.rpartition("/")[0] == folder
            and _last(name).casefold() == last
        ):
            return [(place.named(name), place.files[name])]
    return []


def never_told(place: InstructionPlace, *, agents: bool) -> set[str]:
    """The files of rules that are never told, as another one in this place stands before them."""
    bare = replace(place, prefix="")
    folders = {ruled for name in place.files if (ruled := ruled_folder(name))}
    told = [_agents(bare), *(folder_rules(bare, each) for each in folders)] if agents else []
    used = {name for each in told for name, _ in each}
    has_rules: dict[str, bool] = {}
    idle: set[str] = set()
    for name in place.files:
        if ruled_folder(name):
            idle |= {name} - used
        if not is_rules(name) or name.startswith(".roo/"):
            continue
        kind = _SINGLE.match(name)
        if kind is None:
            idle |= {name} - used
            continue
        mode = kind[2] or ""
        folder = f".roo/rules{mode}/"
        if folder not in has_rules:
            has_rules[folder] = any(each.startswith(folder) for each in place.files)
        first = f".roorules{mode}"
        other = kind[1] == "cline" and any(
            each == first or each.startswith(f"{first}/") for each in place.files
        )
        if has_rules[folder] or other:
            idle.add(name)
    return idle


def _last(name: str) -> str:
    return name.rpartition("/")[2]
