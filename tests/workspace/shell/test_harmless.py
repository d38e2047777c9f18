"""What an allow entry stands for: its words, and what is known to be harmless behind them."""

import os
from pathlib import Path

import pytest

from roo_lsp.workspace.shell import Lists, decide
from roo_lsp.workspace.shell.harmless import awk, rows, sed
from roo_lsp.workspace.shell.harmless.kinds import KINDS
from roo_lsp.workspace.shell.harmless.rows import Row
from roo_lsp.workspace.shell.harmless.tables import TABLES, programs
from tests.workspace.shell.everyday import everyday
from tests.workspace.shell.forms import forms

FILES = ("src/app.py", "src/app.ts", "src/run.sh", "README.md", "build/x", "a.csv", "b.csv",
         "tests/test_a.py", "package.json", "script.py", "script.sh", "sub/HEAD")  # fmt: skip


@pytest.fixture(scope="module")
def ws(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ws")
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


# --- the tables of forms --------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["approve", "ask", "deny"])
def test_each_form_is_judged_as_by_hand(ws, wanted):
    wrong = {
        (command, entries): verdict
        for decision, command, entries, denied in forms()
        if decision == wanted
        and (verdict := decide(command, Lists(entries, denied), ws)).decision != wanted
    }
    assert not wrong


def test_the_table_of_forms_is_large_enough():
    assert len(forms()) >= 600


def test_what_people_have_run_all_day_is_hardly_asked(ws):
    asked = [
        command
        for command, entries in everyday()
        if decide(command, Lists(entries), ws).decision != "approve"
    ]
    assert len(everyday()) >= 111
    assert len(asked) <= 3, asked


def test_the_question_names_the_word_that_is_not_known(ws):
    named = 0
    for _, command, entries, denied in (each for each in forms() if each[0] == "ask"):
        reason = decide(command, Lists(entries, denied), ws).reason
        if "but the command has" in reason:
            word = reason.split("but the command has '")[1].split("', ")[0].split("'; ")[0]
            assert word[:3].strip("\"'\\") in command.replace("\\", ""), reason
            named += 1
    assert named > 100


# --- the tables of rows ---------------------------------------------------------------------


def all_rows() -> list[Row]:
    found: list[Row] = []
    todo = list(programs().values())
    while todo:
        row = todo.pop()
        found.append(row)
        todo += row.subcommands.values()
        todo += [row.after] if row.after else []
    return found


def test_each_row_says_where_it_was_looked_up_and_which_version_it_is_of():
    without = {
        row.words
        for row in all_rows()
        if not any(digit.isdigit() for digit in row.source) and row.options and row.operands
    }
    assert not without


def test_each_kind_in_the_tables_is_known():
    kinds = {
        part
        for row in all_rows()
        for kind in (
            *(operand.kind for operand in row.operands),
            *(value for option in row.options.values() for value in option.values),
        )
        for part in kind.split("|")
        if part.isupper() and len(part) > 2
    }
    assert kinds - {"COMMAND", "MODULE", "OFF"} <= set(KINDS)


def test_no_option_is_written_without_its_dash():
    assert not [(row.words, name) for row in all_rows() for name in row.options if name[0] != "-"]


def test_the_sixty_programs_that_people_list_most_have_rows():
    listed = [
        "git",
        "ls",
        "cat",
        "head",
        "tail",
        "wc",
        "grep",
        "rg",
        "find",
        "fd",
        "sed",
        "awk",
        "sort",
        "uniq",
        "cut",
        "tr",
        "diff",
        "cmp",
        "comm",
        "jq",
        "date",
        "pytest",
        "python",
        "ruff",
        "mypy",
        "pyright",
        "pylint",
        "flake8",
        "black",
        "uv",
        "poetry",
        "pipenv",
        "eslint",
        "tsc",
        "prettier",
        "jest",
        "vitest",
        "npm",
        "pnpm",
        "yarn",
        "npx",
        "node",
        "cargo",
        "go",
        "make",
        "cmake",
        "ctest",
        "ninja",
        "mvn",
        "gradle",
        "dotnet",
        "docker",
        "kubectl",
        "helm",
        "terraform",
        "gh",
        "bundle",
        "rspec",
        "stat",
        "file",
        "du",
        "tree",
        "echo",
        "printf",
        "test",
        "pwd",
        "which",
        "env",
        "timeout",
        "base64",
        "xxd",
    ]
    assert len(listed) >= 60
    assert [each for each in listed if each not in programs()] == []


@pytest.mark.parametrize(
    "text", ["x", "x : PATH", "x : : nothing : y 1", "x : : reads : y\nx : : reads : y"]
)
def test_a_table_that_is_written_wrongly_is_no_table(text, monkeypatch):
    monkeypatch.setattr(TABLES[0], "ROWS", text)
    programs.cache_clear()
    try:
        with pytest.raises((ValueError, KeyError)):
            programs()
        assert decide("git log -1", Lists(("git log",))).decision == "ask"
    finally:
        monkeypatch.undo()
        programs.cache_clear()


def test_a_row_has_options_with_the_form_of_their_values():
    (row,) = rows.read(
        "x y : PATH* : reads : x(1), 1.0\n  -n=N --all --color?=a|b --arg=NAME,TEXT -- N?\n"
    )
    assert row.words == ("x", "y")
    assert row.options["-n"].values == ("N",)
    assert row.options["--color"].optional
    assert row.options["--arg"].values == ("NAME", "TEXT")
    assert row.after is not None
    assert row.after.operands[0].optional


# --- entries --------------------------------------------------------------------------------


def test_an_entry_that_ends_in_a_star_allows_any_words_and_says_so(ws):
    verdict = decide("make SHELL=./other", Lists(("make *",)), ws)
    assert verdict.decision == "approve"
    assert verdict.reason == (
        "The setting allowedCommands has 'make *', which is any options and operands: also those that "
        "run other programs, or read and write other files."
    )
    assert decide("make > x", Lists(("make *",)), ws).decision == "ask"
    assert decide("make", Lists(("make *",)), ws).decision == "approve"
    assert decide("make x", Lists(("make *",), ("make x",)), ws).decision == "deny"
    assert decide("env $X", Lists(("env *",), ("rm",)), ws).decision == "ask"
    assert decide("env $X", Lists(("env *",)), ws).decision == "approve"


def test_a_star_in_a_denied_entry_changes_nothing(ws):
    assert decide("rm -r x", Lists(("*",), ("rm *",)), ws).decision == "deny"


def test_the_longest_entry_is_not_needed_where_a_shorter_one_allows(ws):
    assert decide("git log --stat", Lists(("git log --stat", "git log")), ws).decision == "approve"
    assert decide("make -f x all", Lists(("make -f x",)), ws).decision == "approve"
    assert decide("make -f y all", Lists(("make -f x",)), ws).decision == "ask"


# --- places ---------------------------------------------------------------------------------


def test_a_link_that_leads_out_of_the_workspace_is_asked(tmp_path):
    (tmp_path / "ws").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "ws/link").symlink_to("../secret")
    (tmp_path / "ws/plain").touch()
    for command in ("cat link", "cat ./link", "cat l*", "cat *", "grep x link", "wc -l [l]ink"):
        assert decide(command, Lists(("cat", "grep", "wc")), tmp_path / "ws").decision == "ask"
    assert decide("cat plain", Lists(("cat",)), tmp_path / "ws").decision == "approve"
    assert decide("cat p*", Lists(("cat",)), tmp_path / "ws").decision == "approve"


def test_a_file_whose_name_is_an_option_makes_a_glob_asked(tmp_path):
    (tmp_path / "a.py").touch()
    assert decide("wc -l *.py", Lists(("wc",)), tmp_path).decision == "approve"
    (tmp_path / "--files0-from=b.py").touch()
    assert decide("wc -l *.py", Lists(("wc",)), tmp_path).decision == "ask"


def test_a_path_that_may_not_be_followed_is_asked(tmp_path, monkeypatch):
    follow = os.path.realpath

    def realpath(path, **how):
        if "locked" in os.fspath(path):
            raise PermissionError(13, "Permission denied")
        return follow(path, **how)

    monkeypatch.setattr(os.path, "realpath", realpath)
    lists = Lists(("cat", "cd", "git log"))
    for command in ("cat locked/x", "cd locked && cat x", "cat l*"):
        (tmp_path / "locked").mkdir(exist_ok=True)
        for ignored in (None, lambda path: False):
            verdict = decide(command, lists, tmp_path, ignored)
            assert "could not be checked" not in verdict.reason
    assert decide("cat locked/x", lists, tmp_path).decision == "ask"
    assert decide("cat locked/x", Lists(("*",)), tmp_path, lambda path: False).decision == "approve"


def test_paths_of_any_folder_of_the_workspace_are_its_own(tmp_path):
    for each in ("one/a", "two/b"):
        (tmp_path / each).mkdir(parents=True)
    folders = (tmp_path / "one", tmp_path / "two")
    lists = Lists(("ls",))
    assert decide(f"ls {tmp_path}/two/b", lists, folders[0], None, folders).decision == "approve"
    assert decide("ls ../two", lists, folders[0], None, folders).decision == "approve"
    assert decide("ls ..", lists, folders[0], None, folders).decision == "ask"
    assert decide("ls ..", lists, folders[0] / "a", None, folders).decision == "approve"
    assert decide("ls ../two", lists, folders[0]).decision == "ask"


def test_a_module_that_the_workspace_shadows_is_asked(tmp_path):
    lists = Lists(("python -m pytest",))
    assert decide("python -m pytest -q", lists, tmp_path).decision == "approve"
    (tmp_path / "pytest.py").touch()
    assert decide("python -m pytest -q", lists, tmp_path).decision == "ask"


def test_a_name_that_is_also_a_file_is_no_branch(tmp_path):
    (tmp_path / "src").mkdir()
    lists = Lists(("git checkout", "git push"))
    assert decide("git checkout dev", lists, tmp_path).decision == "approve"
    assert decide("git checkout src", lists, tmp_path).decision == "ask"
    assert decide("git push src", lists, tmp_path).decision == "ask"


# --- scripts --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    ["p", "1,5p", "$!N;P;D", "/a\\/b/d", "s/a\\/b/c/2g", "s#a#b#I", "/[[:space:]]/p", "1{p;q}", "n;d",
     "/x/!s/a/b/", "0~3p", "/a/,+2p", "s/[^,]*,//", "1,/x/d", "{p}", "{;p;}"],
)  # fmt: skip
def test_a_script_of_sed_that_prints_is_known(script):
    assert sed.only_prints(script)


@pytest.mark.parametrize(
    "script",
    ["e", "1e", "1e true", "w x", "s/a/b/w x", "s/a/b/e", "s/a/b/ge", "r x", "R x", "W x", "p;e", "{e}",
     "}", "{", "a\\\ntext", "s/a/b", "s/[/]/b/e;s/x/y/", "\\cxcp", "v", "z;F;T", "b x", "y/a/b/e",
     "s/a/b/\ne true", "s/a\nb/c/", "s/a/b\\\nc/", "1p e"],
)  # fmt: skip
def test_any_other_script_of_sed_is_not(script):
    assert not sed.only_prints(script)


@pytest.mark.parametrize(
    "program",
    ["{print}", "$1 ~ /x/", "{ if ($1 > 2) print $2 }", "END { print n / 2 }", 'BEGIN { FS = "," } { print $1 }',
     "function f(x) { return x * 2 } { print f($1) }", "/a/,/b/", "{ n = split($0, a, /,/) }"],
)  # fmt: skip
def test_a_program_of_awk_that_computes_is_known(program):
    assert awk.only_prints(program)


@pytest.mark.parametrize(
    "program",
    ['{print > "x"}', '{print | "x"}', 'BEGIN{system("x")}', '"x" | getline', "{getline < $1}", "@include x",
     '{f = "x"; @f()}', '{print $1,\n$2 > "x"}', '{close("x")}', 'BEGIN{ARGV[1]="x"}', '{print ENVIRON["X"]}',
     '{ if (1) /"/; print 1 > "x"; /"/ }', '{ x = (1) /"/ ; system("x") ; y = (2) /"/ }', '{printf "a" >> "x"}',
     "{ print `x` }", '{ print "a" |& "x" }', '{ x++ /"/; system("y"); z++ /"/ }'],
)  # fmt: skip
def test_any_other_program_of_awk_is_not(program):
    assert not awk.only_prints(program)
