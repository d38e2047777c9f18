"""What a workspace and the user's home folder hold for the agent: found by name, read once, bounded.

Rules, skills, slash commands, modes. What of it is asked about, and what is used, are the bytes that
were read here; a file is read again only where it looks otherwise than it did.
"""

import os
import re
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.mcp_files import MCP_FILES
from roo_lsp.workspace.search import find_ripgrep

MAX_FILES = 1000
MAX_BYTES = 8_000_000
"""What the instruction files of one place may have together; with more of it none is used."""
MAX_FILE = 1_000_000
"""Bytes of one file; a larger one is not used."""
RACY_NS = 50_000_000
"""A file that was written so shortly before it was read may be written again and look the same."""
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

_DEEP = r"(?:/[^/]+){0,3}"
_FOLDERS = re.compile(
    rf"\.roo|\.agents|\.claude|\.roo/rules(-[^/]+)?(/.+)?|\.roo/commands|\.claude/commands{_DEEP}"
    rf"|\.(roo|agents)/skills(-[^/]+)?{_DEEP}|\.claude/skills{_DEEP}|\.(roo|cline)rules(-[^/]+)?(/.+)?"
)
"""Folders that are looked into, by their path below the place."""
_RULES = re.compile(
    r"(?i:agents\.md|agents\.local\.md|agent\.md|claude\.md)"
    r"|\.(?:roo|cline)rules(?:-[^/]+)?(?:/.+)?|\.roo/rules(?:-[^/]+)?/.+"
)
_SKILL = re.compile(
    r"\.(?P<of>roo|agents|claude)/skills(?:-(?P<mode>[^/]+))?/(?:.+/)?(?P<name>[^/]+)/(?i:skill\.md)"
)
_COMMAND = re.compile(
    r"\.(?P<of>roo)/commands/(?P<name>[^/]+)\.(?i:md)"
    r"|\.claude/commands/(?:.+/)?(?P<claude>[^/]+)\.(?i:md)"
)
_OF_A_FOLDER = re.compile(
    r"(?P<folder>(?!\.(?:roo|agents|claude)/).+)/(?i:agents\.md|agents\.local\.md|agent\.md|claude\.md)"
)
MAX_RULED = 200
"""Folders below a place that may have rules of their own."""
_OTHERS = frozenset({".roomodes", *MCP_FILES})
_HOME = frozenset({".agents/agents.md", ".agents/agents.local.md"})
_NOT_AT_HOME = re.compile(r"[^/]+|\.(?:roo|cline)rules.*")
"""What stands in a home folder itself is of another kind: rules of the user's are in its folders."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why something that is there is not used, or not all of it."""

    path: str
    """As a person names it."""
    text: str
    line: int = 0
    """From 1; 0 where it is about the file."""

    def __str__(self) -> str:
        where = f"{label(self.path)}:{self.line}" if self.line else label(self.path)
        return f"{where}: {self.text}"


@dataclass(frozen=True, slots=True)
class InstructionPlace:
    """A workspace folder or the user's home, and what of it instructs the agent."""

    prefix: str
    """Stands before a path: nothing for the first workspace folder, `~/` for home."""
    files: Mapping[str, bytes]
    """What there is: paths below it, with `/`, and what they hold."""
    root: Path = Path()
    home: bool = False
    problems: tuple[Unusable, ...] = ()
    too_much: bool = False

    def named(self, name: str) -> str:
        """A file of it as the prompt and people name it."""
        return f"{self.prefix}{name}"


@dataclass(frozen=True, slots=True)
class SkillName:
    """Where a skill stands."""

    name: str
    of: str
    """`roo`, `agents` or `claude`."""
    mode: str
    """Empty: it is for every mode."""


def skill_at(name: str) -> SkillName | None:
    """What skill a path below a place is the file of."""
    found = _SKILL.fullmatch(name)
    if found is None or (found["of"] == "claude" and found["mode"]):
        return None
    return SkillName(found["name"], found["of"], found["mode"] or "")


def command_at(name: str) -> tuple[str, str] | None:
    """What slash command a path below a place is the file of, and whose format it is."""
    found = _COMMAND.fullmatch(name)
    if found is None:
        return None
    return (found["name"], "roo") if found["of"] else (found["claude"], "claude")


def ruled_folder(name: str) -> str:
    """The folder that a path below a place is the file of rules of; empty for every other path."""
    found = _OF_A_FOLDER.fullmatch(name)
    return found["folder"] if found else ""


def is_rules(name: str) -> bool:
    """Whether a path below a place is that of a file of rules."""
    if not _RULES.fullmatch(name):
        return False
    return not any(fnmatchcase(name.rpartition("/")[2].casefold(), each) for each in NO_RULES)


def _is_wanted(name: str, *, home: bool) -> bool:
    if home:
        if name.casefold() in _HOME:
            return True
        if _NOT_AT_HOME.fullmatch(name):
            return False
    return (
        is_rules(name)
        or skill_at(name) is not None
        or command_at(name) is not None
        or (not home and name.casefold() in _OTHERS)
    )


_Facts = tuple[int, int, int, int]
"""What is another one when a file or a folder was changed: device, inode, size, times."""


@dataclass(slots=True)
class PlaceReader:
    """Looks into one place, again and again."""

    root: Path
    prefix: str = ""
    home: bool = False
    """The user's own: links lead wherever they lead."""
    place: InstructionPlace = field(init=False)
    """What was found at the last look."""
    ruled: tuple[str, ...] = ()
    """Folders below it that have rules of their own; see `find_ruled`."""
    _facts: dict[str, _Facts | None] = field(default_factory=dict[str, _Facts | None])
    """How all that was looked at looked then; None: there was nothing."""
    _known: dict[str, tuple[_Facts, bytes]] = field(default_factory=dict[str, tuple[_Facts, bytes]])
    """What was read, by real path."""
    _unruled: int = 0
    """How many folders with rules there are beyond those."""
    _looked: int = 0
    """When; by the clock that files have."""

    def __post_init__(self) -> None:
        self.place = InstructionPlace(self.prefix, {}, self.root, self.home)

    def know_ruled(self, folders: Iterable[str]) -> bool:
        """These have rules of their own, beside those that are known: they count from the next look.

        True where one is new.
        """
        all_of_them = sorted({*self.ruled, *folders})
        both = tuple(all_of_them[:MAX_RULED])
        if both == self.ruled:
            return False
        self.ruled, self._looked = both, 0
        self._unruled = len(all_of_them) - len(both)
        return True

    def look(self) -> bool:
        """Look anew; False where everything is as it was."""
        if self._looked and self._is_as_it_was():
            return False
        before = self.place
        self._looked, self._facts = time.time_ns(), {}
        self.place = self._read()
        return self.place != before

    def _is_as_it_was(self) -> bool:
        """A hundred files are asked for as a task starts: nothing is made that is not needed."""
        last, stat_of = self._looked - RACY_NS, os.stat
        for path, facts in self._facts.items():
            try:
                now = stat_of(path)
            except (OSError, ValueError):
                if facts is None:
                    continue
                return False
            if facts is None or facts[3] >= last or now.st_ino != facts[1]:
                return False
            changed, written = now.st_ctime_ns, now.st_mtime_ns
            newest = max(written, changed)
            if newest != facts[3] or now.st_size != facts[2] or now.st_dev != facts[0]:
                return False
        return True

    def _read(self) -> InstructionPlace:
        files: dict[str, bytes] = {}
        problems: list[Unusable] = []
        if self._unruled:
            why = f"rules of {self._unruled} folders more are not used: there are over {MAX_RULED}"
            problems.append(self._problem(self.ruled[-1], why))
        room, known = MAX_BYTES, self._known
        self._known = {}
        for count, (name, real) in enumerate(self._walk(problems), 1):
            facts = self._facts[real] = _facts(real)
            data = None
            if facts is not None and facts[2] > MAX_FILE:
                size = f"{facts[2]} bytes"
                problems.append(self._problem(name, f"{size}: too large, so it is not used"))
                continue
            if facts is not None:
                kept = known.get(real)
                is_same = kept and kept[0] == facts and facts[3] < self._looked - RACY_NS
                data = kept[1] if kept and is_same else _bytes_of(real)
            if data is None or facts is None:
                problems.append(self._problem(name, "it cannot be read, so it is not used"))
                continue
            self._known[real] = (facts, data)
            files[name] = data
            room -= len(data)
            if count > MAX_FILES or room < 0:
                why = f"more than {MAX_FILES} files or {MAX_BYTES} bytes: none of it is used"
                problem = Unusable(f"{self.prefix}instruction files", why)
                return InstructionPlace(
                    self.prefix, {}, self.root, self.home, (problem,), too_much=True
                )
        ordered = dict(sorted(files.items()))
        return InstructionPlace(self.prefix, ordered, self.root, self.home, tuple(problems))

    def _problem(self, name: str, text: str) -> Unusable:
        return Unusable(f"{self.prefix}{name}", text)

    def _walk(self, problems: list[Unusable]) -> Iterator[tuple[str, str]]:
        """Each file, by its name below the place and where it really is; a folder is looked into once."""
        root = os.path.realpath(self.root)
        waiting, seen = [("", root)], {root}
        while waiting:
            above, folder = waiting.pop()
            self._facts[folder] = _facts(folder)
            below: list[tuple[str, str]] = []
            for entry in _entries(folder):
                name = f"{above}/{entry.name}" if above else entry.name
                is_folder, is_file = bool(_FOLDERS.fullmatch(name)), self._wants(name)
                if not (is_folder or is_file):
                    continue
                real = _led_to(entry)
                if not self.home and not _is_below(real, root):
                    problems.append(self._leads_out(name, real))
                elif is_folder and entry.is_dir():
                    if real not in seen and len(seen) <= MAX_FILES:
                        seen.add(real)
                        below.append((name, real))
                elif is_file:
                    yield name, real
            waiting += reversed(below)
        yield from self._of_folders(root, problems)

    def _leads_out(self, name: str, real: str) -> Unusable:
        why = f"a link that leads out of the workspace, to {label(real)}: not used"
        return self._problem(name, why)

    def _of_folders(self, root: str, problems: list[Unusable]) -> Iterator[tuple[str, str]]:
        """The rules of folders further down."""
        for name in self.ruled:
            folder = os.path.realpath(os.path.join(root, name))  # noqa: PTH118 -- a text
            if not _is_below(folder, root):
                problems.append(self._leads_out(name, folder))
                continue
            self._facts[folder] = _facts(folder)
            for entry in _entries(folder):
                below_it = f"{name}/{entry.name}"
                real = _led_to(entry)
                if ruled_folder(below_it):
                    if _is_below(real, root):
                        yield below_it, real
                    else:
                        problems.append(self._leads_out(below_it, real))

    def _wants(self, name: str) -> bool:
        return _is_wanted(name, home=self.home)


def read_home(home: Path) -> PlaceReader:
    """The reader of the user's own, which needs no trust."""
    return PlaceReader(home, "~/", home=True)


def read_folders(folders: Sequence[Path]) -> list[PlaceReader]:
    """Those of the folders of a workspace."""
    return [
        PlaceReader(folder, "" if number == 0 else f"{folder}/")
        for number, folder in enumerate(folders)
    ]


def find_ruled(folder: Path, seconds: float) -> list[str]:
    """The folders below a workspace folder that have an AGENTS.md or its like, as far as git shows them.

    Takes at most so many seconds; what is not found then is found when one works there.
    """
    program = find_ripgrep([folder])
    if program is None:
        return []
    globs = ["--iglob=**/{agents,agent,claude}.md", "--glob=!.git", "--glob=!node_modules"]
    try:
        done = subprocess.run(
            [program, "--no-config", "--files", "--hidden", "--null", *globs, "./"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = (
        os.fsdecode(each).replace(os.sep, "/").removeprefix("./")
        for each in done.stdout.split(b"\0")
    )
    return sorted({ruled for name in names if (ruled := ruled_folder(name))})


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _led_to(entry: os.DirEntry[str]) -> str:
    """Where it really is, in a folder that is known to be where it really is."""
    return os.path.realpath(entry.path) if entry.is_symlink() else entry.path


def _is_below(real: str, root: str) -> bool:
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def _facts(path: str) -> _Facts | None:
    try:
        facts = os.stat(path)  # noqa: PTH116 -- a text, and many of them
    except (OSError, ValueError):
        return None
    return facts.st_dev, facts.st_ino, facts.st_size, max(facts.st_mtime_ns, facts.st_ctime_ns)


def _bytes_of(real: str) -> bytes | None:
    """A regular file's bytes, where they are not too many."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(real, flags | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = file.read(MAX_FILE + 1)
        except OSError:
            return None
    return data if len(data) <= MAX_FILE else None
