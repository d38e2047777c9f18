"""What the README says is so."""

import re
import subprocess
from pathlib import Path

from roo_lsp.lsp.server import COMMANDS
from tests.support.settings_table import in_readme, table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_settings_table_is_the_schemas() -> None:
    assert in_readme() == table(), "run: python -m tests.support.settings_table"


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"`(roo\.[a-z]+\.[a-z]+)`", README))
    assert named <= set(COMMANDS) | {
        f"roo.{key}" for key in re.findall(r"`([a-z]+\.[A-Za-z.]+)`", table())
    }


def test_ci_runs_its_test_command() -> None:
    command = "python3 -m venv .tools && .tools/bin/pip install -q uv && .tools/bin/uv run --extra local poe test"
    assert command in README
    assert command in (ROOT / ".ci/run").read_text("utf-8")


def test_the_editor_snippets_are_the_files_that_are_tried() -> None:
    snippet = (ROOT / "editors/neovim/minimal.lua").read_text("utf-8")
    assert "editors/neovim/minimal.lua" in README
    assert "vim.lsp.config('roo'" in snippet


def test_the_command_line_it_shows_is_there() -> None:
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "roo_lsp", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("run", "demo", "doctor", "settings", "tasks", "trust"):
        assert f"  {command}" in done.stdout
