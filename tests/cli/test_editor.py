"""`roo-lsp editor`: what is printed for this machine, and what is written for Helix."""

import json
import os
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from roo_lsp import cli
from roo_lsp.cli.editors import helix
from roo_lsp.cli.editors.acp_clients import ACP_SETUPS, AcpSetup
from roo_lsp.cli.editors.found import EDITORS, EMACS, NEOVIM, VSCODE, KnownEditor
from roo_lsp.cli.editors.snippets import configuration

ROOT = Path(__file__).parents[2]
COMPILED_IN = """\
[[language]]
name = "rust"
scope = "source.rust"
language-servers = [ "rust-analyzer" ]

[[grammar]]
name = "rust"

[[language]]
name = "c"
file-types = ["c", "h"]
language-servers = ["clangd"]

[[language]]
name = "erlang"
language-servers = [
  { name = "elp", except-features = ["document-symbols"] },
]

[[language]]
name = "gren"
comment-token = "--"

[[grammar]]
name = "gren"
source = { git = "somewhere" }
helix-loader/src/config.rsCould not parse built-in
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without editors, whose PATH leads to roo-lsp."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "roo-lsp").symlink_to(Path(sys.executable).with_name("roo-lsp"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    return tmp_path


def install(home: Path, name: str, says: str, text: str = "") -> Path:
    """A program that prints that version and holds that text."""
    program = home / "bin" / name
    program.write_text(f"#!/bin/sh\necho '{says}'\nexit\n{text}", "utf-8")
    program.chmod(0o755)
    return program


@pytest.fixture
def hx(home: Path) -> Path:
    return install(home, "hx", "helix 25.07.1 (a05c151b)", COMPILED_IN)


def configured(home: Path, name: str, text: str) -> Path:
    file = home / ".config" / "helix" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["editor", *arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    assert cli.main(["editor", *arguments]) == code
    out, err = capsys.readouterr()
    assert not out
    return err


def servers(text: str) -> dict[str, Any]:
    """The list of each language that has one; the last entry of a language counts, as in Helix."""
    entries = tomllib.loads(text)["language"]
    return {
        each["name"]: each["language-servers"] for each in entries if "language-servers" in each
    }


# --- Helix: languages.toml ------------------------------------------------------------------------


@pytest.mark.usefixtures("hx")
def test_roo_comes_behind_every_languages_own_servers(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "helix")
    assert servers(text) == {
        "rust": ["rust-analyzer", "roo"],
        "c": ["clangd", "roo"],
        "erlang": [{"name": "elp", "except-features": ["document-symbols"]}, "roo"],
        "gren": ["roo"],
        "text": ["roo"],
    }
    assert tomllib.loads(text)["language-server"]["roo"]["command"] == "roo-lsp"
    assert "Helix 25.07.1" in text


def test_the_program_behind_a_wrapper_is_read(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = install(home, "real-hx", "", COMPILED_IN)
    install(home, "helix", "helix 25.01.1", f'exec "{real}" "$@"')
    assert list(servers(printed(capsys, "helix"))) == ["rust", "c", "erlang", "gren", "text"]


def test_without_a_helix_that_can_be_read_a_table_serves(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "helix")
    assert servers(text)["markdown"] == ["marksman", "markdown-oxide", "rumdl", "roo"]
    assert len(servers(text)) == 247
    install(home, "hx", "helix 25.01.1", "packed")
    assert servers(printed(capsys, "helix")) == servers(text)


@pytest.mark.usefixtures("hx")
def test_what_the_user_wrote_stays_as_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = """\
# mine
[language-server.mine]
command = "mine" # a comment

[[language]]
name = "c"
language-servers = ["ccls", { name = "mine", only-features = ["format"] }]

[[language]]
name = "own"
scope = "source.own"
file-types = ["own"]

[[language]]
name = "rust"
auto-format = false
"""
    configured(home, "languages.toml", users)
    text = printed(capsys, "helix")
    assert text.startswith(users)
    found = servers(text)
    assert found["c"] == ["ccls", {"name": "mine", "only-features": ["format"]}, "roo"]
    assert found["own"] == ["roo"]
    assert found["rust"] == ["rust-analyzer", "roo"]
    # The order decides who gets a file type; without us the user's languages come last.
    ours = tomllib.loads(text[len(users) :])["language"]
    names = [each["name"] for each in ours]
    assert names == ["erlang", "gren", "c", "own", "rust", "text"]


@pytest.mark.usefixtures("hx")
def test_a_second_run_changes_nothing_and_keeps_the_users_settings(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = printed(capsys, "helix").replace('modelId = ""', 'modelId = "qwen3"')
    behind = '\n[[language]]\nname = "c"\nlanguage-servers = ["roo", "ccls"]\n'
    configured(home, "languages.toml", first)
    assert printed(capsys, "helix") == first
    configured(home, "languages.toml", first + behind)
    text = printed(capsys, "helix")
    assert text.count("--- Roo in every language") == 1
    assert servers(text)["c"] == ["roo", "ccls"]
    assert 'modelId = "qwen3"' in text


@pytest.mark.usefixtures("hx")
def test_a_roo_lsp_that_is_not_on_the_path_is_named_in_full(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "bin" / "roo-lsp").unlink()
    own = str(Path(sys.executable).with_name("roo-lsp"))
    assert tomllib.loads(printed(capsys, "helix"))["language-server"]["roo"]["command"] == own
    assert own in printed(capsys, "neovim")
    assert own in printed(capsys, "emacs")
    assert own in printed(capsys, "vscode")


@pytest.mark.usefixtures("hx")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[language]\n", "There is a mistake in your languages.toml"),
        ('language = [{ name = "c" }]\n', "Roo cannot be added"),
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_alone(
    home: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    file = configured(home, "languages.toml", text)
    assert why in refused(capsys, "helix", code=2)
    assert why in refused(capsys, "helix", "--write", code=2)
    assert [each.name for each in file.parent.iterdir()] == ["languages.toml"]
    assert file.read_text("utf-8") == text


# --- Helix: config.toml and --write ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ("25.07.1", "roo.task.start", "this Helix gives no arguments"),
        ("25.01.1", "roo.task.cancel", "roo.task.start"),
    ],
)
def test_keys_are_such_as_the_version_takes(
    home: Path, capsys: pytest.CaptureFixture[str], version: str, has: str, has_not: str
) -> None:
    install(home, "hx", f"helix {version}", COMPILED_IN)
    text = printed(capsys, "helix", "--keys")
    assert has in text
    assert has_not not in text
    assert "o" in tomllib.loads(text)["keys"]["normal"]["space"]["o"]


@pytest.mark.usefixtures("hx")
def test_writing_keeps_what_was_there_beside_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    languages = configured(home, "languages.toml", '[[language]]\nname = "c"\n')
    config = configured(
        home, "config.toml", '[editor.lsp] # mine\nsnippets = false\n\ntheme = "x"\n'
    )
    said = printed(capsys, "helix", "--write")
    assert "~/.config/helix/languages.toml; what it was is in languages.toml.before-roo-1." in said
    kept = languages.with_name("languages.toml.before-roo-1")
    assert kept.read_text("utf-8") == '[[language]]\nname = "c"\n'
    assert servers(languages.read_text("utf-8"))["c"] == ["clangd", "roo"]
    found = tomllib.loads(config.read_text("utf-8"))
    assert found["editor"]["lsp"] == {
        "display-progress-messages": True,
        "snippets": False,
        "theme": "x",
    }
    assert found["keys"]["normal"]["space"]["o"]["c"] == ":lsp-workspace-command roo.task.cancel"

    assert printed(capsys, "helix", "--write").count("is as it should be") == 2
    languages.write_text("# nothing\n", "utf-8")
    assert "languages.toml.before-roo-2" in printed(capsys, "helix", "--write")


@pytest.mark.usefixtures("hx")
def test_a_linked_file_is_written_where_it_is(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = home / "dotfiles.toml"
    real.write_text("# dots\n", "utf-8")
    link = home / ".config" / "helix" / "languages.toml"
    link.parent.mkdir(parents=True)
    link.symlink_to(real)
    printed(capsys, "helix", "--write")
    assert link.is_symlink()
    assert real.read_text("utf-8").startswith("# dots\n\n[language-server.roo]")


@pytest.mark.usefixtures("hx")
def test_keys_that_the_user_has_stay(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users = (
        '[keys.normal.space]\no = ":open ~"\n\n[editor.lsp]\ndisplay-progress-messages = false\n'
    )
    config = configured(home, "config.toml", users)
    assert "keys below `space o`: they stay" in printed(capsys, "helix", "--write")
    assert config.read_text("utf-8") == users


# --- the others -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("nvim", "Neovim"),
        ("hx", "[language-server.roo]"),
        ("code", "VS Code"),
        ("VS Code", "VS Code"),
    ],
)
def test_an_editor_goes_by_the_name_of_its_program_too(
    name: str, meant: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert meant in printed(capsys, name)


def test_without_a_word_the_editors_that_are_here_are_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "None of Neovim, Helix, VS Code, Emacs is on the PATH" in printed(capsys)
    install(home, "nvim", "NVIM v0.11.4")
    told = printed(capsys)
    assert "editor neovim   Neovim 0.11.4" in told
    assert "helix" not in told


def test_an_unknown_editor_is_told_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    err = refused(capsys, "nano", code=2)
    assert err.startswith("roo-lsp editor: no editor 'nano'; there are: neovim, helix, vscode, ")
    assert "are for Helix" in refused(capsys, "emacs", "--write", code=2)


def test_the_version_found_stands_above(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "-- Neovim was not found on the PATH.\n" in printed(capsys, "neovim")
    install(home, "nvim", "NVIM v0.11.4\nBuild type: Release")
    assert printed(capsys, "neovim").startswith("-- Roo in Neovim 0.11.4: for init.lua.\n\n")
    install(home, "nvim", "NVIM v0.9.5")
    assert "-- It needs Neovim 0.11 or newer.\n" in printed(capsys, "neovim")


def test_the_extension_that_came_along_is_named_or_how_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("roo_lsp.cli.editors.data.HERE", tmp_path)
    without = printed(capsys, "vscode")
    assert "npm run package\n//   code --install-extension roo-lsp-*.vsix\n" in without
    (tmp_path / "files").mkdir()
    (tmp_path / "files/roo-lsp.vsix").touch()
    with_it = printed(capsys, "vscode")
    assert f"code --install-extension {tmp_path}/files/roo-lsp.vsix\n" in with_it
    assert "npm" not in with_it


# --- one source -----------------------------------------------------------------------------------


def test_the_repository_has_what_is_printed_for_helix() -> None:
    languages = helix.languages_toml("", helix.languages_of(None), ["roo-lsp"])
    folder = ROOT / "editors" / "helix"
    assert (folder / "languages.toml").read_text("utf-8") == languages
    assert (folder / "config.toml").read_text("utf-8") == helix.config_toml("", (25, 7))
    old = (folder / "config-25.01.toml").read_text("utf-8")
    assert old == helix.config_toml("", (25, 1))


@pytest.mark.parametrize("editor", [NEOVIM, VSCODE, EMACS], ids=lambda editor: editor.name)
def test_readme_shows_what_is_printed(editor: KnownEditor) -> None:
    readme = (ROOT / "editors" / "README.md").read_text("utf-8")
    assert configuration(editor, ["roo-lsp"], f"…/editors/{editor.name}") in readme


def test_every_editor_has_a_folder() -> None:
    folders = {each.name for each in (ROOT / "editors").iterdir() if each.is_dir()}
    assert {*EDITORS, "pictures"} == folders
    assert os.access(ROOT / "tests" / "editors" / "parts" / "helix", os.X_OK)


@pytest.mark.parametrize("setup", ACP_SETUPS, ids=lambda setup: setup.name)
def test_an_editor_that_speaks_acp_is_told_how_to_start_the_agent_and_where_that_was_read(
    setup: AcpSetup, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["editor", setup.name]) == 0
    printed_out, told = capsys.readouterr()
    both = printed_out + told
    assert setup.where in both
    assert re.search(r"read 20\d\d-\d\d-\d\d", both)
    assert "Helix" in refused(capsys, setup.name, "--write", code=2)
    body = printed_out.partition("\n\n")[2] or printed_out
    if setup.name in {"zed", "jetbrains"}:
        (entry,) = json.loads(body)["agent_servers"].values()
        assert [entry["command"], *entry["args"]] == ["roo-lsp", "acp"]
    else:
        assert re.search(r"roo-lsp\W+((:command-params|args)\W+)?acp\b", body)


def test_the_entry_of_the_acp_registry_is_of_this_version() -> None:
    entry = json.loads((ROOT / "editors" / "agent.json").read_text("utf-8"))
    number = version("roo-lsp")
    assert re.fullmatch("[a-z][a-z0-9-]*", entry["id"])
    assert (entry["version"], entry["distribution"]["uvx"]) == (
        number,
        {"package": f"roo-lsp@{number}", "args": ["acp"]},
    )
