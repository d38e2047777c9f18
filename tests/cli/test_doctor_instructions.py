"""`roo-lsp doctor`: what it says of rules, skills, commands and modes."""

from pathlib import Path

import pytest

from roo_lsp.cli import main
from roo_lsp.cli.instructions import check_instructions
from roo_lsp.settings import Settings
from tests.workspace.test_skills import made, skill


def rows(folder: Path, **settings: object) -> dict[str, tuple[str, str]]:
    found = check_instructions(Settings.model_validate(settings), folder)
    return {each.name: (each.status, each.message) for each in found}


def test_it_lists_what_was_found_used_cut_and_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "w"
    folder.mkdir()
    assert rows(folder) == {}
    files = {
        "AGENTS.md": "Of all",
        "src/AGENTS.md": "Of src",
        ".roo/skills/a/SKILL.md": skill("A"),
        ".claude/skills/a/SKILL.md": skill("A"),
        ".claude/skills/b/SKILL.md": "No description",
        ".roo/commands/go.md": "Go",
    }
    made(folder, files)
    found = rows(folder)
    assert found["trust"] == (
        "skipped",
        (
            "Not used until you trust it:\n.roo/commands/go.md: 2 bytes, the command /go\n"
            ".roo/skills/a/SKILL.md: 33 bytes, the skill a\nAGENTS.md: 6 bytes, rules\n"
            "src/AGENTS.md: 6 bytes, rules of the folder src"
        ),
    )
    assert found["rules"] == ("ok", "In the mode code: AGENTS.md.")
    assert found["skills"] == ("ok", "In the mode code: a (.roo/skills/a/SKILL.md).")
    assert found["commands"] == ("ok", "/go (.roo/commands/go.md).")
    assert found["not used"] == (
        "failed",
        (
            ".claude/skills/b/SKILL.md:1: it has no `description`, so nobody knows when to use the skill\n"
            ".claude/skills/a/SKILL.md: .roo/skills/a/SKILL.md stands before it"
        ),
    )
    assert main(["trust", str(folder)]) == 0
    cut = rows(folder, rules={"maxBytes": 2})
    assert cut["trust"][0] == "ok"
    assert cut["rules"] == ("failed", "In the mode code: none of them. Cut at 2 bytes: AGENTS.md.")


def test_modes_are_listed_and_what_is_wrong_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "w"
    folder.mkdir()
    good = "{slug: docs, name: Docs, roleDefinition: You write, groups: [read]}"
    made(folder, {".roomodes": f"customModes:\n  - {good}\n  - {{name: No slug}}\n"})
    found = rows(folder)
    assert found["modes"] == ("ok", "docs (.roomodes).")
    assert found["not used"][1].startswith(".roomodes:3: ")
