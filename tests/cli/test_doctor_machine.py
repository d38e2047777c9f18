"""`roo-lsp doctor`: what it says of this machine and its editors."""

import json
import sys
from pathlib import Path

import pytest

from roo_lsp import cli
from roo_lsp.cli.editors import health
from roo_lsp.cli.editors.health import Finding, check_setup
from roo_lsp.settings import Settings
from roo_lsp.workspace.user_folders import state_dir

NAMES = ["program", "state", "sandbox", "neovim", "helix", "vscode", "emacs", "acp"]
LANGUAGES = '[[language]]\nname = "c"\nlanguage-servers = ["clangd"]\n[[language]]\nname = "go"\n\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without editors, whose PATH leads to roo-lsp."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "roo-lsp").symlink_to(Path(sys.executable).with_name("roo-lsp"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.delenv("NVIM_APPNAME", raising=False)
    return tmp_path


def install(home: Path, name: str, script: str, text: str = "") -> None:
    program = home / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\nexit\n{text}", "utf-8")
    program.chmod(0o755)


def write(home: Path, name: str, text: str) -> None:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


async def found(home: Path, name: str) -> Finding:
    findings = await check_setup(Settings(), home)
    assert [each.name for each in findings] == NAMES
    return next(each for each in findings if each.name == name)


async def test_a_machine_without_editors(home: Path) -> None:
    findings = {each.name: each for each in await check_setup(Settings(), home)}
    assert findings["program"] == Finding("program", "ok", "Editors find roo-lsp on the PATH.")
    assert {findings[name].status for name in NAMES[3:]} == {"skipped"}
    assert findings["emacs"].message == "Emacs is not on the PATH."


async def test_a_roo_lsp_off_the_path_has_to_be_named_whole(home: Path) -> None:
    (home / "bin" / "roo-lsp").unlink()
    finding = await found(home, "program")
    assert finding.status == "skipped"
    assert str(Path(sys.executable).with_name("roo-lsp")) in finding.message


async def test_the_state_folder_has_to_be_the_users_own(home: Path) -> None:
    assert (await found(home, "state")).message.endswith("will be made.")
    state_dir().mkdir(mode=0o755, parents=True)
    state_dir().chmod(0o755)
    open_to_all = await found(home, "state")
    assert (open_to_all.status, open_to_all.hint) == ("failed", f"Run: chmod 700 {state_dir()}")
    state_dir().chmod(0o700)
    assert (await found(home, "state")).status == "ok"


async def test_a_sandbox_that_is_switched_off_is_no_fault(home: Path) -> None:
    settings = Settings.model_validate({"commands": {"sandbox": "off"}})
    [finding] = [each for each in await check_setup(settings, home) if each.name == "sandbox"]
    assert finding == Finding("sandbox", "skipped", "Off (by the settings).")


async def test_helix_is_asked_for_each_of_its_languages(home: Path) -> None:
    install(home, "hx", "echo 'helix 25.01.1'", f"{LANGUAGES}[[grammar]]\n")
    finding = await found(home, "helix")
    assert (finding.status, finding.hint) == (
        "skipped",
        "`roo-lsp editor helix` prints what to put there.",
    )
    own = '[language-server.roo]\ncommand = "roo-lsp"\n'
    write(home, ".config/helix/languages.toml", own + LANGUAGES.replace('"clangd"', '"roo"'))
    finding = await found(home, "helix")
    assert finding.status == "ok"
    assert finding.message == (
        "Helix 25.01.1: 1 language starts Roo; not go. "
        "It has no dialogs, and its commands take no prompt: write tasks in a *.roo.md file."
    )
    write(
        home,
        ".config/helix/languages.toml",
        LANGUAGES.replace('"clangd"', '"roo"') + "[language-server.roo]\ncommand = 'gone'\n",
    )
    assert "starts gone, which is not there" in (await found(home, "helix")).message
    write(home, ".config/helix/languages.toml", "[[")
    assert (await found(home, "helix")).status == "failed"


async def test_an_editor_that_is_too_old_is_told(home: Path) -> None:
    install(home, "nvim", "echo 'NVIM v0.10.4'")
    finding = await found(home, "neovim")
    assert (finding.status, finding.message) == ("failed", "Neovim 0.10.4 is too old for Roo.")
    assert finding.hint == "Install Neovim 0.11 or newer."


@pytest.mark.parametrize(
    ("name", "program", "says", "file", "text"),
    [
        ("neovim", "nvim", "NVIM v0.11.4", ".config/nvim/lua/x.lua", "require('roo').setup()"),
        ("neovim", "nvim", "NVIM v0.11.4", ".config/nvim/init.lua", "vim.lsp.enable('roo')"),
        ("emacs", "emacs", "GNU Emacs 30.2", ".emacs.d/init.el", "(require 'roo)"),
        ("emacs", "emacs", "GNU Emacs 30.2", ".config/emacs/init.el", "(use-package roo)"),
    ],
)
async def test_a_configuration_that_names_roo_is_found(
    home: Path, name: str, program: str, says: str, file: str, text: str
) -> None:
    install(home, program, f"echo '{says}'")
    write(home, file, "-- kangaroo")
    assert (await found(home, name)).status == "skipped"
    write(home, file, text)
    finding = await found(home, name)
    assert finding.status == "ok"
    assert finding.message.endswith(f"{file} names Roo.")


async def test_vs_code_is_asked_for_its_extensions(home: Path) -> None:
    script = 'case $1 in --version) echo 1.139.0;; --list-extensions) echo "$LIST";; esac'
    install(home, "code", script.replace("$LIST", "ms-python.python"))
    assert (await found(home, "vscode")).status == "skipped"
    install(home, "code", script.replace("$LIST", "Roo-LSP.roo-lsp"))
    finding = await found(home, "vscode")
    assert (finding.status, finding.message) == (
        "ok",
        "VS Code 1.139.0: the extension is installed.",
    )


def test_the_extension_has_the_name_that_is_looked_for() -> None:
    package = json.loads(
        (Path(__file__).parents[2] / "editors/vscode/package.json").read_text("utf-8")
    )
    assert f"{package['publisher']}.{package['name']}" == health.EXTENSION


def test_nothing_of_it_makes_the_doctor_fail_or_leaves_its_json(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint fails here; the editors are told all the same."""
    monkeypatch.setenv("ROO_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("ROO_MODEL", "m")
    install(home, "nvim", "echo 'NVIM v0.10.4'")
    assert cli.main(["doctor", "--json", "--workspace", str(home)]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert [each["name"] for each in checks[-len(NAMES) :]] == NAMES
    assert {"name", "status", "message"} <= set(checks[-1])
    assert cli.main(["doctor", "--json", "--endpoint-only"]) == 1
    assert not {each["name"] for each in json.loads(capsys.readouterr().out)["checks"]} & set(NAMES)

    assert cli.main(["doctor", "--workspace", str(home)]) == 1
    out = capsys.readouterr().out
    assert "✗  neovim      Neovim 0.10.4 is too old for Roo.\n" in out
    assert "·  not found   Helix, VS Code, Emacs.\n" in out


async def test_an_editor_that_speaks_acp_is_named_once_it_is_there_or_set_up(home: Path) -> None:
    assert "`roo-lsp acp` serves editors" in (await found(home, "acp")).message
    install(home, "zed", "Zed 1.4.0")
    finding = await found(home, "acp")
    assert (finding.status, "Protocol: Zed" in finding.message) == ("skipped", True)
    file = home / ".config" / "zed" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"agent_servers": {"Roo": {"command": "roo-lsp"}}}')
    assert (await found(home, "acp")).message.endswith("is set up in Zed.")
