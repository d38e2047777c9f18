"""What was approved is run with the real programs: it may change nothing, and leave nothing behind.

`ROO_FUZZ=200` makes up 200 times 150 commands from the tables instead of a few.
"""

import os
import random
import re
import shutil
from collections.abc import Iterator

import pytest

from roo_lsp.workspace.shell import Lists, decide
from roo_lsp.workspace.shell.harmless.rows import Option, Row
from roo_lsp.workspace.shell.harmless.tables import programs
from roo_lsp.workspace.shell.language import parse
from tests.workspace.shell.bash import HAS_BASH
from tests.workspace.shell.everyday import everyday
from tests.workspace.shell.forms import forms
from tests.workspace.shell.programs import CANARY, Did, Scratch

pytestmark = [
    pytest.mark.skipif(not HAS_BASH, reason="there is no /bin/bash"),
    pytest.mark.skipif(not shutil.which("git"), reason="there is no git"),
]

ROUNDS = int(os.environ.get("ROO_FUZZ", "1"))
COMMANDS = 150

NOT_RUN = {
    *("git fetch", "git pull", "git push", "git ls-remote", "docker", "kubectl", "terraform", "gh", "cargo"),
    *("npm", "npx", "pnpm", "yarn", "mvn", "gradle", "cmake", "ctest", "uv", "poetry", "sleep", "ps", "java"),
    *("helm", "go", "dotnet", "podman", "systemctl", "journalctl", "brew", "apt", "apt-get", "apt-cache"),
    *("dpkg", "rpm", "javac", "rustc", "rustfmt", "pip", "pip3", "podman", "swift", "pyright", "basedpyright"),
    *("pytest", "py.test", "python -m", "node --test"),
}  # fmt: skip
"""They need a network, a server or minutes, or show what runs elsewhere."""
WAITS = re.compile(r"-f\b|--follow|-F\b|tail .*-\w*f|--retry|--pid")
_OWN = re.compile(
    r"ws/\.git(/index)?|(.*/)?(__pycache__|\.pytest_cache|\.ruff_cache|\.coverage[.\w]*)(/.*)?"
)
"""What a program keeps for itself: git's index is brought up to date, caches are written."""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("programs"))


def wrong(command: str, did: Did, *, changes: str = "") -> str:
    """What a command did that it may not; `changes` are patterns of what it may change."""
    if did.code < 0:
        return "it did not end"
    if CANARY in did.said:
        return "it showed what stands outside"
    if did.left:
        return f"it left {did.left} processes"
    bad = [
        path
        for path in did.changed
        if not _OWN.fullmatch(path) and not (changes and re.fullmatch(changes, path))
    ]
    return f"it changed {bad}" if bad else ""


def tried(scratch: Scratch, commands: dict[str, Lists]) -> dict[str, str]:
    """The commands that did what they may not, and what."""
    approved = [
        text
        for text, lists in commands.items()
        if decide(text, lists, scratch.ws).decision == "approve"
    ]
    return {
        text: reason
        for text, did in zip(approved, scratch.run(approved), strict=True)
        if (reason := wrong(text, did))
    }


def can_run(scratch: Scratch, command: str) -> bool:
    """Are all its programs installed, quick, and without an outside?"""
    return not WAITS.search(command) and all(
        scratch.has(name) and not {name, " ".join(each.texts[:2])} & NOT_RUN
        for each in parse(command)
        for name in _programs(each.texts)
    )


def _programs(words: tuple[str, ...]) -> Iterator[str]:
    yield words[0]
    if words[0] in {"timeout", "nice", "env", "time", "nohup"}:
        yield from (word for word in words[1:] if word in programs())


def _changes(command: str) -> bool:
    """Is it there to change something? Then it is not tried here, or apart."""
    words = parse(command)[0].texts
    row = programs().get(words[0])
    if words[0] == "git" and row is not None and len(words) > 1:
        row = row.subcommands.get(words[1], row)
    return row is None or not row.traits & {"reads", "builds"}


def test_forms_that_are_approved_change_nothing_when_they_run(scratch):
    commands = {
        command: Lists(entries, denied)
        for command, entries, denied in (
            *((command, entries, denied) for decision, command, entries, denied in forms()
              if decision == "approve" and not any(each.endswith("*") for each in entries)),
            *((command, entries, ()) for command, entries in everyday()),
        )
        if can_run(scratch, command) and not _changes(command)
    }  # fmt: skip
    assert len(commands) > 150
    commands["pytest -q tests/test_a.py"] = Lists(("pytest",))  # one: it takes long to start
    assert tried(scratch, commands) == {}


def test_what_is_there_to_change_something_changes_that_alone(scratch):
    commands = {
        "touch made": "ws/made",
        "mkdir -p new/er": "ws/new(/er)?",
        "git add -A": r"ws/\.git/.*",
        "git commit -qm more": r"ws/\.git/.*",
        "git checkout -b other": r"ws/\.git/.*",
        "git switch main": r"ws/(\.git/.*|made|new.*)",
        "git branch feature": r"ws/\.git/.*",
        "git tag -a v2 -m x": r"ws/\.git/.*",
        "git branch --list": "",
        "git tag -l": "",
    }
    lists = Lists(("touch", "mkdir", "git add", "git commit", "git checkout", "git switch", "git branch",
                   "git tag"))  # fmt: skip
    assert [
        each for each in commands if decide(each, lists, scratch.ws).decision != "approve"
    ] == []
    for (command, changes), did in zip(commands.items(), scratch.run(list(commands)), strict=True):
        assert wrong(command, did, changes=changes) == ""
        assert did.code == 0, did.said


def test_the_judge_sees_what_is_wrong(scratch):
    ran = scratch.run(["echo x > README.md", "cat link/secret", "sleep 99 & echo", "cat README.md"])
    assert wrong("", ran[0]) == "it changed ['ws/README.md']"
    assert wrong("", ran[1]) == "it showed what stands outside"
    assert wrong("", ran[3]) in {"", "it left 1 processes"}
    assert ran[2].left == 1


# --- made up from the tables ----------------------------------------------------------------

_VALUES = {
    "N": ["1", "5", "10k", "-3", "+2"], "NS": ["1,3", "2-", "80"], "NAME": ["x", "a.b", "main", "c,d", "x/y"],
    "TEXT": ["x", "a b", "%h", "[a-z]*", "1p", "/x/", ",", "w out", "*.py", "e true"],
    "PATH": ["README.md", "src", "a.csv", ".", "src/app.py", "link", "link/secret", "../outside/secret"],
    "REV": ["HEAD", "main", "HEAD~1..HEAD", "src", "v1.0:README.md", "../outside"],
    "SED": ["p", "1,2p", "s/a/b/g", "$!N;P;D", "1e true", "w out", "s/x/y/w out", "/a/d"],
    "AWK": ["{print}", "NR==1", "{print > \"out\"}", "BEGIN{system(\"touch out\")}", "/x/", "{print $1/2}"],
    "JQ": [".", ".name", "keys", "input", "env"], "FORMAT": ["%h", "%s %an", "%G?", "oneline"],
    "KEY": ["-version:refname", "refname"], "DATE": ["+%F", "2020"], "COND": ["x", "=", "]"],
    "TYPES": ["f", "d,f"], "TARGET": ["all", "test", "X=y"], "TEST": ["tests", "tests/test_a.py::test_b"],
    "SCRIPT": ["script.py", "script.sh", "./script.sh", "-"], "SETS": ["n=1"], "OWNPATH": ["src", "x=y", "a.csv"],
    "REFS": ["x*"], "REF": ["dev"], "NEWPATH": ["made"], "PACKAGES": ["./..."],
}  # fmt: skip
"""Values of each kind, and what is none but might be taken for one."""


def _values(kind: str, chance: random.Random) -> str:
    choices = [each for part in kind.split("|") for each in _VALUES.get(part, [part])]
    return chance.choice(choices)


def _option(name: str, option: Option, chance: random.Random) -> list[str]:
    values = [_values(kind, chance) for kind in option.values]
    if not values:
        return [name]
    if option.optional:
        joined = f"{name}={values[0]}" if name.startswith("--") else f"{name}{values[0]}"
        return [chance.choice([name, joined])]
    if len(values) == 1 and chance.random() < 0.5:
        return [f"{name}={values[0]}" if name.startswith("--") else f"{name}{values[0]}"]
    return [name, *values]


def _made_up(row: Row, chance: random.Random) -> str:
    words = list(row.words)
    for name in chance.sample(sorted(row.options), min(len(row.options), chance.randrange(4))):
        words += _option(name, row.options[name], chance)
    for operand in row.operands:
        if operand.kind not in {"COMMAND", "MODULE"} and chance.random() < 0.9:
            words.append(_values(operand.kind, chance))
    if chance.random() < 0.1:
        words.insert(
            chance.randrange(len(row.words), len(words) + 1),
            chance.choice(["--", "-", "README.md", "x"]),
        )
    quoted = [word if re.fullmatch(r"[\w./=,:+%@-]+", word) else "'" + word + "'" for word in words]
    return " ".join(quoted)


def _rows(scratch: Scratch) -> list[Row]:
    found: list[Row] = []
    todo = [
        row
        for name, row in programs().items()
        if scratch.has(name)
        and name not in NOT_RUN
        and name not in {"touch", "mkdir", "cd", "nice", "timeout"}
    ]
    while todo:
        row = todo.pop()
        todo += row.subcommands.values()
        if (
            not row.subcommands
            and row.options
            and ("reads" in row.traits or "builds" in row.traits)
        ):
            found.append(row)
    return sorted(found, key=lambda each: each.words)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_commands_made_up_from_the_tables_change_nothing(scratch, seed):
    chance = random.Random(seed)
    rows = [each for each in _rows(scratch) if each.words[0] != "node"]
    assert len(rows) > 40
    commands: dict[str, Lists] = {}
    while len(commands) < COMMANDS:
        row = chance.choice(rows)
        command = _made_up(row, chance)
        if "'''" not in command and not WAITS.search(command):
            commands[command] = Lists((" ".join(row.words),))
    assert tried(scratch, commands) == {}
