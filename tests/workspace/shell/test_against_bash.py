"""The small language is judged by real bash: what was approved is run, and only that may start.

`ROO_FUZZ=200` runs 200 rounds of 250 texts instead of a few.
"""

import os
import random
import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from roo_lsp.workspace.shell import Lists, decide
from roo_lsp.workspace.shell.harmless.tables import programs
from roo_lsp.workspace.shell.language import Simple, Word, parse
from tests.workspace.shell.attacks import BENIGN, COMMON, DENIED, NOT_APPROVED
from tests.workspace.shell.bash import BUILTINS, HAS_BASH, Jail, Ran

pytestmark = pytest.mark.skipif(not HAS_BASH, reason="there is no /bin/bash")

LISTS = Lists((*COMMON, "test", "[", "printf", "true", "timeout", "git", "x", "b"))
STUBS = (*{entry.split()[0] for entry in LISTS.allowed}, *BUILTINS, "rm", "sh", "y", "a", "log")
ROUNDS = int(os.environ.get("ROO_FUZZ", "5"))
TEXTS = 250

COMMANDS = ["git log", "git diff", "ls", "cat", "echo", "grep x", "rg x", "find .", "sort", "wc",
            "sed -n 1p", "true", "test", "x", "b", "git", "printf %s"]  # fmt: skip
WORDS = ["a", "b c", "-5", "--stat", "HEAD~1", "HEAD@{1}", "@{u}", "'x y'", "'it'\\''s'", '"a b"',
         '"$X"', "$X", "${X}", "a$X", 'a"$X"', "'$X'", "\\$X", '"\\$X"', "*", "*.py", "a*", "src/*",
         "[ab].py", "'*'", "\\*", "--", "''", '""', "a''b", 'a"b"c', "a\\ b", "#x", "a#b", "a=b",
         "A=1", "~", "a~", "a=~", "%", "^x", "!", "!x", "-", "--opt=v", "'a\nb'", '"a\nb"', "é",
         "'é|'", "\\'", '\\"', "\\\\", '"\\\\"', '"\\a"', '"x$"', "x$", ".", "/dev/null", "@", "@{",
         "2", "1", "12", "[", "]", "a]", "if", "time", "{", "}", "in", "do", "\\a", "\\;", "';'",
         '";"', "'&&'", "a,b", "a:b", "+x", "-n5", "..", "a..b", "$", "x{", "${X}y", "$X.y", "-$X",
         "$HOME", "rm", "-exec", "--output=x", "--ou", "-o"]  # fmt: skip
JOINS = [" ; ", ";", " && ", "&&", " || ", " | ", "|", " |& ", "\n", " & ", "&", " \n\n ", "&&\n",
         "| \n", ";\n", " \\\n", " #c\n", "\\\n"]  # fmt: skip
REDIRECTS = ["2>&1", " >/dev/null", " 2>/dev/null", " 2> /dev/null", " &>/dev/null", " </dev/null",
             " >&2", " >>/dev/null", " &>> /dev/null", "2>/dev/null", "1>&2"]  # fmt: skip
DOCUMENTS = [" <<E\na b\nE\n", " <<'E'\n$(rm x) `rm y`\nE\n", " << E\nE\n", " <<E\n$X\nE\n", "<<E &&\nx\nE\n",
             " <<-E\n\tx\n\tE\n", " <<E\nx\nE \nE\n"]  # fmt: skip
NOISE = [*"'\"\\$`(){}[]<>|&;!*?~#=,:@^%+- \t\n01ax", "$(", "`x`", "${", "$'", '$"', "<(", "<<", "<<<",
         ">(", "&>", ">&", ">|", "2>", "\\\n", "  ", "$((", "))", "[[", "]]", "rm", "$X", "\r", "é",
         "\u00a0", "x=", "{a,b}", "{1..2}", ";;", "|&", "'", '"']  # fmt: skip


def made_up(chance: random.Random) -> str:
    """A text near the edge of the small language."""
    if chance.random() < 0.3:
        table = [each.command for each in (*NOT_APPROVED, *DENIED)] + [text for text, _ in BENIGN]
        text = chance.choice(table)[:300]
    else:
        text = chance.choice(["", " ", "#c\n"]) + _simple(chance)
        for _ in range(chance.choice([0, 0, 1, 1, 2])):
            text += chance.choice(JOINS) + _simple(chance)
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 3])):
        text = _mutated(text, chance)
    return text


def _simple(chance: random.Random) -> str:
    words = [chance.choice(WORDS) for _ in range(chance.randrange(4))]
    text = " ".join([chance.choice(COMMANDS), *words])
    text += chance.choice(REDIRECTS) if chance.random() < 0.2 else ""
    if chance.random() < 0.1:
        text = f"({text}{chance.choice(JOINS)}{_simple(chance)})"
    if chance.random() < 0.05:
        text += chance.choice(DOCUMENTS)
    return text


def _mutated(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) + 1)
    match chance.randrange(4):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + chance.choice(NOISE) + text[at + 1 :]
        case _:
            return text[:at] + chance.choice(NOISE) + text[at:]


def explains(command: Simple, argv: Sequence[str]) -> bool:
    """Is this what the command may become: its literal words, and whatever its other words are?"""
    return _explains(list(command.words), list(argv))


def _explains(words: list[Word], argv: list[str]) -> bool:
    if not words:
        return not argv
    word, rest = words[0], words[1:]
    if word.literal:
        return bool(argv) and argv[0] == word.text and _explains(rest, argv[1:])
    counts = range(len(argv) + 1) if word.splits or word.glob else [1]
    return any(
        (not count or (len(argv) >= count and argv[0].startswith(word.head)))
        and _explains(rest, argv[count:])
        for count in counts
    )


def unsafe(text: str, ran: Ran) -> str:
    """What bash did that was not approved."""
    commands = parse(text)
    if ran.appeared:
        return f"a file appeared: {ran.appeared}"
    if "syntax error" in ran.errors or "unexpected" in ran.errors:
        return f"bash does not understand it: {ran.errors}"
    for argv in ran.started:
        explained = [each for each in commands if explains(each, argv)]
        if not explained:
            return f"{argv} started; read were {[each.texts for each in commands]}"
        if all(_smuggled(each, argv) for each in explained):
            return f"{argv} has an option that was not written"
    if not re.search(r"&(?!&|>)|\|\||timeout", text) and len(ran.started) != len(commands):
        if "command not found" in ran.errors or "No such file" in ran.errors:
            return ""
        return f"{len(ran.started)} programs started, not {len(commands)}: {ran}"
    return ""


def _smuggled(command: Simple, argv: Sequence[str]) -> bool:
    """Has a program, whose options matter, one that is not among the literal words?"""
    row = programs().get(argv[0])
    if row is None or row.traits & {"calm", "anything"}:
        return False
    until = argv.index("--") if "--" in argv and "nodash" not in row.traits else len(argv)
    written = {word.text for word in command.words if word.literal}
    return any(
        each.startswith("-") and each not in written and "=" not in each[:2] and not any(
            word.head and each.startswith(word.head) for word in command.words if not word.literal
        )
        for each in argv[1:until]
    )  # fmt: skip


@pytest.fixture(scope="module")
def jail(tmp_path_factory) -> Jail:
    return Jail(tmp_path_factory.mktemp("jail") / "root", sorted(set(STUBS)))


def test_bash_sees_in_a_harmless_command_what_we_see(jail):
    texts = [text for text, lists in BENIGN if lists.allowed != ("*",) and _readable(text)]
    reasons = {text: unsafe(text, ran) for text, ran in zip(texts, jail.run(texts), strict=True)}
    assert not {text: reason for text, reason in reasons.items() if reason}
    assert len(texts) > 50


def _readable(text: str) -> bool:
    return all(word.words[0].text in STUBS for word in parse(text))


def test_the_judge_sees_what_is_unsafe(jail):
    texts = ["git log; rm x", "git log > made", "git log $X", "git log 'a' b"]
    ran = jail.run(texts)
    assert unsafe("git log", ran[0])
    assert unsafe("git log", ran[1])
    assert unsafe("git log $X", ran[2])
    assert unsafe("git log a 'b '", ran[3])
    (jail._root / "work" / "made").unlink()


COUNTS = {"texts": 0, "approved": 0}


@settings(
    max_examples=ROUNDS,
    deadline=None,
    database=None,
    derandomize="ROO_FUZZ" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**64))
def test_what_is_approved_starts_nothing_else(jail, seed):
    chance = random.Random(seed)
    texts = [made_up(chance) for _ in range(TEXTS)]
    approved = [
        text
        for text in dict.fromkeys(texts)
        if "\0" not in text and decide(text, LISTS).decision == "approve"
    ]
    COUNTS["texts"] += len(texts)
    COUNTS["approved"] += len(approved)
    found = {
        text: reason
        for text, ran in zip(approved, jail.run(approved), strict=True)
        if (reason := unsafe(text, ran))
    }
    assert not found
    assert approved


if "ROO_FUZZ" in os.environ:

    def test_the_counts_are_told():
        print(COUNTS)
        assert COUNTS["approved"], "nothing was tried"
