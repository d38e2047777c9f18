"""Denied commands that hide, where everything else is allowed: denied where seen, else asked."""

from pathlib import Path

import pytest

from roo_lsp.workspace.shell import Lists, decide
from tests.workspace.shell.forms import forms

EVERYTHING = Lists(("*",), ("rm",))

DENIED = [
    *("sed '1e rm x' a", "sed -n -e '1e rm x' a", "sed --expression='s/a/rm x/e' a", "sed 's/.*/rm x/ge' a"),
    *("sqlite3 :memory: '.shell rm x'", "sqlite3 -cmd '.system rm x' y.db", "psql -c '\\! rm x'"),
    *("make SHELL=rm", "make SHELL=/bin/rm all", "make all CC='rm x'", "gmake X=rm", "make --eval='x: ; rm x'"),
    *("just --command rm x", "just -c rm x", "just --shell rm --shell-arg x y"),
    *("cmake -E env rm x", "cmake -E env A=1 rm x", "cmake -E time rm x", "cmake -E chdir src rm x"),
    *("jobs -x rm x", "setpriv rm x", "setpriv --reuid=1 rm x", "chpst -u x rm y", "dbus-launch rm x"),
    *("faketime '1 day ago' rm x", "torsocks rm x", "torify rm x", "proxychains rm x", "proxychains4 -q rm x"),
    *("setuidgid x rm y", "envdir x rm y", "softlimit -m 1 rm x", "runcon x rm y", "choom -n 0 -- rm x"),
    *("chronic rm x", "ifne rm x", "cpulimit -l 5 -- rm x", "sg x 'rm y'", "tini -- rm x", "dumb-init rm x"),
    *("systemd-inhibit rm x", "sshpass -p x rm y", "ssh-agent rm x", "ccache rm x", "bear -- rm x"),
    *("aws-vault exec p -- rm x", "doppler run -- rm x", "envchain x rm y", "eatmydata rm x", "run-one rm x"),
    *("nc -e rm h 1", "vagrant ssh -c 'rm x'", "flatpak run rm x", "setlock x rm y", "newgrp x rm"),
]  # fmt: skip

ASKED = [
    *("unknown-tool rm", "unknown-tool --run rm", "unknown-tool --exec='rm x'", "./run.sh rm x", "x -- rm y"),
    *("python run.py -c 'rm x'", "php -r 'x(\"rm y\");'", "lua -e 'os.remove(\"rm\")'", "kak -e rm x"),
    *("cat x | sqlite3", "echo .shell | sqlite3", "sqlite3 <<E\n.shell rm x\nE", "ansible all -a 'rm x'"),
    *("git config alias.x '!rm y'", "npm config set script-shell rm", "terraform console rm", "gdb -batch -ex rm"),
]  # fmt: skip

APPROVED = [
    *("echo rm", "grep -rn rm src", "git log --grep rm", "cat src/rm/x", "ls rm.txt", "rg 'rm -rf' src"),
    *("make all", "npm install", "sed 's/rm/x/' a", "sed -i s/a/b/ a", "vim rm.txt", "rmdir x", "docker ps"),
    *("git commit -m 'rm old files'", "pytest -k rm", "cargo build", "tar xf rm.tar", "unknown-tool farm alarm"),
]  # fmt: skip


@pytest.mark.parametrize("command", DENIED)
def test_a_denied_command_that_hides_is_denied(command):
    assert decide(command, EVERYTHING).decision == "deny", decide(command, EVERYTHING)


@pytest.mark.parametrize("command", ASKED)
def test_a_denied_name_given_to_what_may_run_it_is_asked(command):
    assert decide(command, EVERYTHING).decision != "approve"


@pytest.mark.parametrize("command", APPROVED)
def test_a_denied_name_that_is_only_text_is_not(command):
    verdict = decide(command, EVERYTHING)
    assert verdict.decision == "approve", verdict


@pytest.mark.parametrize("command", [*DENIED, *ASKED])
def test_an_entry_for_all_of_a_program_hides_no_denied_command(command):
    program = command.split()[0]
    lists = Lists((f"{program} *", "cat *", "echo *"), ("rm",))
    assert decide(command, lists).decision != "approve"


def test_a_denied_entry_never_makes_a_form_approved_that_was_asked(tmp_path: Path):
    for each in ("src", "sub"):
        (tmp_path / each).mkdir()
    (tmp_path / "src/app.py").touch()
    asked = [each for each in forms() if each[0] == "ask" and not each[3]]
    assert len(asked) > 100
    for _, command, entries, _ in asked:
        verdict = decide(command, Lists(entries, ("other-program",)), tmp_path)
        assert verdict.decision != "approve", command
