"""The rules that a person and a workspace give the agent, in Roo's order, as a part of the prompt.

Places and order are Roo Code's (`.roo/rules`, `.roorules`, `.clinerules`, AGENTS.md); `CLAUDE.md` is
taken where there is no AGENTS.md. Only what was handed in is used: who calls has looked at trust.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from roo_lsp.workspace.encodings import decode

AGENTS = ("agents.md", "agent.md", "claude.md")
"""The first of these that there is, whatever its case."""
LOCAL = "agents.local.md"
NO_RULES = (
    *(".ds_store", "thumbs.db"),
    *(
        f"*.{ending}"
        for ending in (
            *("bak", "cache", "crdownload", "db", "dmp", "dump", "eslintcache", "lock", "log"),
            *("old", "part", "partial", "pyc", "pyo", "stackdump", "swo", "swp", "temp", "tmp"),
        )
    ),
)
"""Files in a folder of rules that are none; Roo's list."""
MAX_HOME_FILES = 200
MAX_HOME_BYTES = 1_000_000
"""What is read of a home folder's rules at most."""

RuleFiles = Mapping[str, bytes]
"""What there is to read in one place: paths below it, with `/`, and what they hold."""


@dataclass(frozen=True, slots=True)
class RulesPlace:
    """A folder that may hold rules, and how a file in it is called in the prompt."""

    prefix: str
    """Stands before the path: nothing for the first workspace folder, `~/` for home."""
    files: RuleFiles


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
    home: RulesPlace, folders: Sequence[RulesPlace], mode: str, *, agents: bool, max_bytes: int
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
        decoded = decode(data)
        text = decoded[0].strip() if decoded else ""
        if not text:
            continue
        size = len(text.encode())
        if size > room:
            kept = text.encode()[:room].decode("utf-8", "ignore").rpartition("\n")[0].rstrip()
            cut.append(name)
            text = f"{kept}\n[Cut here: read {name} for the rest.]" if kept else ""
            room = 0
        else:
            room -= size
        if text:
            used.append(name)
            parts.append(f"## {name}\n{text}")
    if missing := [name for name in cut if name not in used]:
        parts.append(f"[Left out, because it is too much together: {', '.join(missing)}.]")
    return RulesTold("\n\n".join(parts), tuple(used), tuple(cut))


def _ruled(
    places: Sequence[RulesPlace], folder: str, instead: Sequence[str]
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


def _below(place: RulesPlace, folder: str) -> list[tuple[str, bytes]]:
    """A folder's files, whatever the folders between, in the order of their own names."""
    names = [
        name
        for name in place.files
        if name.startswith(folder)
        and not any(fnmatchcase(_last(name).casefold(), each) for each in NO_RULES)
    ]
    names.sort(key=lambda name: (_last(name).casefold(), name))
    return [(place.prefix + name, place.files[name]) for name in names]


def _agents(place: RulesPlace) -> list[tuple[str, bytes]]:
    for name in AGENTS:
        if found := _named(place, name):
            return [*found, *_named(place, LOCAL)]
    return _named(place, LOCAL)


def _named(place: RulesPlace, wanted: str) -> list[tuple[str, bytes]]:
    """The file of that name at the top of a place, whatever its case."""
    for name in sorted(place.files):
        if name.casefold() == wanted:
            return [(place.prefix + name, place.files[name])]
    return []


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def home_rules(home: Path) -> RulesPlace:
    """The user's own rules: of `~/.roo`, and the AGENTS.md of `~/.agents`.

    Links are followed: the home folder is the user's own. Folders are looked into once.
    """
    files: dict[str, bytes] = {}
    room = MAX_HOME_BYTES
    for path in _home_files(home):
        if len(files) >= MAX_HOME_FILES or room <= 0:
            break
        try:
            with path.open("rb") as file:
                data = file.read(room)
        except OSError:
            continue
        room -= len(data)
        name = path.relative_to(home).as_posix()
        files[name.removeprefix(".agents/")] = data
    return RulesPlace("~/", files)


def _home_files(home: Path) -> Iterable[Path]:
    with suppress(OSError):  # a folder that cannot be looked into has no rules
        for folder in sorted((home / ".roo").glob("rules*")):
            if folder.name == "rules" or folder.name.startswith("rules-"):
                yield from sorted(each for each in folder.rglob("*") if each.is_file())
    for name in ("AGENTS.md", "AGENTS.local.md"):
        with suppress(OSError):
            if (path := home / ".agents" / name).is_file():
                yield path
