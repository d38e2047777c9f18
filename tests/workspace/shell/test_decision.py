"""Which commands are approved, asked and denied; what always holds of the decision."""

import subprocess
import sys
from pathlib import Path

import pytest
import tree_sitter
from hypothesis import example, given
from hypothesis import strategies as st

from roo_lsp.settings import Settings
from roo_lsp.workspace.shell import CommandVerdict, Lists, decide, decision, deny, language, loose
from roo_lsp.workspace.shell.language import NotPlain, parse
from tests.workspace.shell.attacks import BENIGN, COMMON, DENIED, GIT, NOT_APPROVED, Attack

ALL = [*NOT_APPROVED, *DENIED]
TEXTS = sorted({each.command for each in ALL if len(each.command) < 2000})


def name(attack: Attack) -> str:
    return f"{attack.kind}: {attack.command[-40:]!r}"


# --- the tables -----------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ALL, ids=name)
def test_an_attack_is_not_approved(attack):
    verdict = decide(attack.command, attack.lists)
    assert verdict.decision in ({"deny"} if attack.least == "deny" else {"ask", "deny"}), verdict


@pytest.mark.parametrize(("command", "lists"), BENIGN, ids=[text for text, _ in BENIGN])
def test_a_harmless_command_is_approved(command, lists):
    assert decide(command, lists).decision == "approve", decide(command, lists)


def test_the_tables_are_large_enough():
    assert len(ALL) >= 250
    assert len(BENIGN) >= 60


@pytest.mark.parametrize("attack", [each for each in ALL if each.least != "deny"], ids=name)
def test_what_is_not_denied_is_asked_with_a_reason(attack):
    verdict = decide(attack.command, attack.lists)
    assert verdict.reason.endswith((".", "matches."))
    assert verdict.reason[0].isupper() or verdict.reason.split()[0] in attack.command


# --- what always holds ----------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        *TEXTS,
        *(text for text, _ in BENIGN),
        " ",
        "\n",
        "; ",
        " && ",
        "|",
        "'",
        '"',
        "$X",
        "\\",
        "rm",
    ]
)
ENTRIES = st.lists(st.sampled_from([*COMMON, "rm", "*", "env", "timeout", "x", "git", "sh"]))
ANY = st.lists(PIECES, max_size=4).map("".join) | st.text(max_size=60)


@given(ANY, ENTRIES, ENTRIES)
def test_any_text_gets_a_verdict(text, allowed, denied):
    verdict = decide(text, Lists(tuple(allowed), tuple(denied)))
    assert isinstance(verdict, CommandVerdict)
    assert "could not be checked" not in verdict.reason


@given(ANY, ENTRIES)
def test_what_is_approved_is_approved_part_by_part(text, allowed):
    lists = Lists(tuple(each for each in allowed if each != "*"))
    if decide(text, lists).decision == "approve":
        for command in parse(text):
            assert decide(command.source, lists).decision == "approve"


@given(ANY, ENTRIES, ENTRIES, st.sampled_from(["rm", "git", "git log", "x", "a b"]))
def test_one_more_denied_entry_never_approves(text, allowed, denied, more):
    if decide(text, Lists(tuple(allowed), tuple(denied))).decision != "approve":
        assert decide(text, Lists(tuple(allowed), (*denied, more))).decision != "approve"


@given(ANY, ENTRIES, ENTRIES, st.integers(0, 20))
def test_one_less_allowed_entry_never_approves(text, allowed, denied, gone):
    if decide(text, Lists(tuple(allowed), tuple(denied))).decision != "approve":
        fewer = [entry for number, entry in enumerate(allowed) if number != gone]
        assert decide(text, Lists(tuple(fewer), tuple(denied))).decision != "approve"


@given(ANY)
@example("# only a comment")  # which the rest is a part of: nothing is run
@example("git log # the last changes")
@example("git log \\")  # ends no command: it is a word
def test_a_denied_command_after_a_semicolon_is_never_approved(text):
    for lists in (Lists(COMMON), Lists(("*",), ("rm",)), Lists(COMMON, ("rm",))):
        if decide(f"{text}; rm x", lists).decision == "approve":
            assert "rm" not in {command.texts[0] for command in parse(f"{text}; rm x")}


@pytest.mark.parametrize("said", ["für", "# für dich, 猫", "'ü' \"日本\" 🐈"])
def test_a_denied_command_is_found_and_named_among_any_characters(said):
    verdict = decide(f"cat <<E # {said}\n{said}\nE\nrm 'große 🐈'", Lists(("*",), ("rm",)))
    assert verdict.decision == "deny"
    assert "rm große 🐈 would start it" in verdict.reason


@given(ANY)
def test_the_grammar_is_given_ascii_alone(text):
    """Its scanner is C that takes a character for a byte."""
    given_to_it: list[bytes] = []
    real = tree_sitter.Parser

    class Recording:
        def __init__(self, grammar):
            self._real = real(grammar)

        def parse(self, source):
            given_to_it.append(source)
            return self._real.parse(source)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_sitter, "Parser", Recording)
        decide(f"cat <<E\n{text}\nE\nö", Lists(("*",), ("rm",)))
    assert given_to_it or "<<" in text
    assert all(each.isascii() for each in given_to_it)


# --- faults ---------------------------------------------------------------------------------

HELPERS = [
    (language, "hidden_character"),
    (language, "parse"),
    (decision, "read"),
    (decision, "judge"),
    (deny, "view"),
    (deny, "started"),
    (deny, "base_name"),
    (deny, "matches_denied"),
    (deny, "starts_with"),
]


@pytest.mark.parametrize(("module", "helper"), HELPERS, ids=[each for _, each in HELPERS])
@pytest.mark.parametrize("fault", [ValueError, RecursionError, MemoryError, KeyError])
def test_a_helper_that_fails_never_approves(monkeypatch, module, helper, fault):
    lists = Lists(GIT, ("git log",))
    assert decide("git status", lists).decision == "approve"

    def fails(*_):
        raise fault

    monkeypatch.setattr(module, helper, fails)
    verdict = decide("git status", lists)
    assert verdict.decision == "ask"
    assert verdict.reason == "The command could not be checked; approve it yourself."


@pytest.mark.parametrize("helper", ["read", "crude"])
def test_a_fault_of_the_loose_reader_never_approves(monkeypatch, helper):
    def fails(*_):
        raise ValueError

    monkeypatch.setattr(loose, helper, fails)
    assert decide("git log <<E\nE", Lists(GIT, ("rm",))).decision == "ask"
    assert decide("git log <<E\nE", Lists(("*",), ("rm",))).decision == "ask"


def test_a_grammar_that_cannot_be_loaded_never_approves(monkeypatch):
    monkeypatch.setitem(sys.modules, "tree_sitter_bash", None)
    assert decide("git log <<E\nE", Lists(("*",), ("rm",))).decision == "ask"
    assert decide("git log", Lists(GIT)).decision == "approve"


# --- lists ----------------------------------------------------------------------------------


def test_the_shipped_list_runs_nothing_else():
    shipped = Settings().allowed_commands
    assert shipped == GIT
    for entry in shipped:
        for option in ("--output=x", "--out=x", "--ext-diff", "--textconv", "$X", "*", '"$X"'):
            assert decide(f"{entry} {option}", Lists(shipped)).decision == "ask"
    for installer in ("npm install x", "pip install x", "npx x", "cargo install x", "uvx x"):
        assert decide(installer, Lists(shipped)).decision == "ask"


def test_an_empty_list_allows_nothing():
    assert decide("git status", Lists()).decision == "ask"


def test_a_bad_allowed_entry_is_named():
    verdict = decide("git log | head", Lists(("git log | head",)))
    assert verdict.decision == "ask"
    assert "Its entry 'git log | head' is no plain words and never matches." in verdict.reason


def test_a_bad_denied_entry_approves_nothing():
    verdict = decide("git log", Lists(GIT, ("rm | x",)))
    assert verdict.decision == "ask"
    assert "'rm | x' of deniedCommands is no plain words" in verdict.reason


def test_the_longest_entry_wins_and_a_tie_denies():
    assert decide("git log -1", Lists(("git log",), ("git",))).decision == "approve"
    assert decide("git log -1", Lists(("git",), ("git log",))).decision == "deny"
    assert decide("git log -1", Lists(("git log",), ("git log",))).decision == "deny"
    assert decide("git log -1", Lists(("git log -1", "git"), ("git log",))).decision == "approve"


def test_reasons_are_for_people():
    assert decide("git log --out=x", Lists(GIT)).reason == (
        "The setting allowedCommands has 'git log', but the command has '--out=x', which is not known "
        "to be harmless with it; approve it yourself."
    )
    assert decide("git log; rm x", Lists(GIT, ("rm",))).reason == (
        "The setting deniedCommands has 'rm', and rm x would start it; ask for something else."
    )
    assert decide("echo x | base64 -d | sh", Lists(("*",), ("rm",))).reason == (
        "The command gives sh a text that another command makes or a file holds, so it cannot be "
        "said for sure that nothing denied is in it; approve it yourself."
    )


def test_the_commands_are_told_as_words():
    assert decide("git log 'a b' | head -1", Lists()).commands == (
        ("git", "log", "a b"),
        ("head", "-1"),
    )
    assert decide("git log $(rm x)", Lists(GIT)).commands == (("rm", "x"), ("git", "log", ""))


# --- folders and files ----------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path) -> Path:
    """A folder of the repository that git takes for a repository of its own."""
    folder = tmp_path / "bare"
    for each in ("objects", "refs"):
        (folder / each).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\tfsmonitor = ./evil\n")
    (folder / "deeper").mkdir()
    return folder


def test_git_is_asked_in_a_bare_repository(tmp_path, bare):
    lists = Lists((*GIT, "cd", "ls"))
    assert decide("git status", lists, tmp_path).decision == "approve"
    assert decide("git status", lists, bare).decision == "ask"
    assert decide("git status", lists, bare / "deeper").decision == "ask"
    assert decide("cd bare && git status", lists, tmp_path).decision == "ask"
    assert decide("cd bare && ls", lists, tmp_path).decision == "approve"
    assert decide("ls", lists, bare).decision == "approve"


@pytest.mark.parametrize("command", ["cd", "cd -", "cd /", "cd ..", "cd a/../..", "cd $X", "cd ~"])
def test_to_leave_the_folder_is_asked(tmp_path, command):
    assert decide(f"{command} && ls", Lists(("cd", "ls")), tmp_path).decision == "ask"


def test_to_leave_the_folder_by_a_link_is_asked(tmp_path):
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws/link").symlink_to("..")
    assert decide("cd link && ls", Lists(("cd", "ls")), tmp_path / "ws").decision == "ask"


def test_a_folder_that_is_not_there_is_asked(tmp_path):
    assert decide("git log", Lists(GIT), tmp_path / "none").decision == "ask"


@pytest.mark.parametrize(
    "command",
    [
        "cat .env",
        "cat ./.env",
        "cat src/../.env",
        "cat '.e''nv'",
        "grep --file=.env x",
        "cat -n.env",
        "git show HEAD:.env",
        "cat a .env",
        "cd src && cat ../.env",
    ],
)
def test_a_file_that_is_kept_from_the_agent_is_not_used(tmp_path, command):
    (tmp_path / "src").mkdir()
    lists = Lists((*COMMON, "cd"))

    def ignored(path: Path) -> bool:
        return path == tmp_path.resolve() / ".env"

    assert decide(command, lists, tmp_path, ignored).decision != "approve"
    assert decide("cat a", lists, tmp_path, ignored).decision == "approve"
    assert decide("cat *", lists, tmp_path, ignored).decision == "ask"
    assert decide(command, Lists(("*",)), tmp_path, ignored).decision != "approve"


# --- the reader -----------------------------------------------------------------------------


def test_words_are_read_as_bash_reads_them():
    (command,) = parse("""git 'a b' "c\\"d\\e" x\\ y HEAD@{1} a'b'"c" 2>&1 # z""")
    assert command.texts == ("git", "a b", 'c"d\\e', "x y", "HEAD@{1}", "abc")


def test_what_a_word_may_become_is_known():
    words = parse('ls a$X "b$Y" *.c d?')[0].words[1:]
    assert [word.head for word in words] == ["a", "b", "", "d"]
    assert [word.splits for word in words] == [True, False, False, False]
    assert [word.glob for word in words] == [False, False, True, True]


@given(st.text(max_size=40))
def test_the_reader_reads_or_says_why_not(text):
    try:
        commands = parse(text)
    except NotPlain:
        return
    assert all(command.words for command in commands)


# --- speed ----------------------------------------------------------------------------------


def test_a_plain_command_loads_no_grammar():
    code = (
        "import sys; from roo_lsp.workspace.shell import *;"
        "decide('git log; rm x', Lists(('git log',), ('rm',)));"
        "sys.exit('tree_sitter' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "piece",
    ["docker exec ", "find -exec ", "{a,", "{a,b}", "$(", "`", "a|sh;", "npx -c 'a' ", "'\""],
)
def test_an_intricate_text_takes_no_more_work_than_a_plain_one(piece):
    """Counted in calls, as a clock is no judge on a busy machine."""
    text = (piece * 8192)[:8192]
    calls = 0

    def count(*_):
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        assert decide(text, Lists(("*",), ("rm",))).decision != "approve"
    finally:
        sys.setprofile(None)
    assert calls < 3_000_000
