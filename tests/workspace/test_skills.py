"""Which skills and slash commands there are, which stands before which, and what a bad one costs."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.skills import MOST, Skill, skills_told
from roo_lsp.workspace.brought import NOTHING, Brought, brought
from roo_lsp.workspace.headed import headed
from roo_lsp.workspace.instructions import PlaceReader, read_home
from roo_lsp.workspace.slash_files import with_arguments

OURS = {"help", "mode"}


def made(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def look(folder: Path, home: Path | None = None) -> Brought:
    readers = [read_home(home or folder / "nobody"), PlaceReader(folder)]
    for each in readers:
        each.look()
    return brought(readers[0].place, [readers[1].place], OURS, agents=True)


def skill(description: str, **more: str) -> str:
    lines = [f"{key}: {value}" for key, value in {"description": description, **more}.items()]
    return "\n".join(["---", *lines, "---", "", f"Do it: {description}", ""])


def described(found: Brought, mode: str = "code") -> dict[str, str]:
    return {name: each.skill.description for name, each in found.skills.of(mode).items()}


def told(found: Brought) -> list[str]:
    return sorted(str(each) for each in found.problems)


def test_a_project_stands_before_home_and_roos_place_before_the_others(tmp_path: Path) -> None:
    home = made(
        tmp_path / "home",
        {
            ".roo/skills/a/SKILL.md": skill("home roo"),
            ".agents/skills/b/SKILL.md": skill("home agents"),
            ".claude/skills/c/SKILL.md": skill("home claude"),
            ".roo/skills-ask/b/SKILL.md": skill("home ask"),
        },
    )
    folder = made(
        tmp_path / "w",
        {
            ".claude/skills/a/SKILL.md": skill("claude"),
            ".agents/skills/a/SKILL.md": skill("agents"),
            ".agents/skills-ask/a/SKILL.md": skill("agents ask"),
            ".claude/skills/group/d/SKILL.md": skill("deeper"),
            ".claude/skills-ask/e/SKILL.md": skill("no place of Claude's"),
            ".roo/skills/f/SKILL.md": skill("listed", modeSlugs="[debug, ask]"),
        },
    )
    found = look(folder, home)
    assert described(found) == {
        "a": "agents",
        "b": "home agents",
        "c": "home claude",
        "d": "deeper",
    }
    assert described(found, "ask") == {
        "a": "agents ask",
        "b": "home ask",
        "c": "home claude",
        "d": "deeper",
        "f": "listed",
    }
    assert [each.line.partition(", ")[2] for each in found.items] == [
        "the skill a of the mode ask",
        "the skill a",
        "the skill d",
        "the skill f of the mode debug, ask",
    ], "one that another stands before is not asked about"


BAD = {
    "no-description": ("---\nname: no-description\n---\nText", 1, "no `description`"),
    "no-front-matter": ("Just text", 1, "no `description`"),
    "no-end": ("---\ndescription: x\nText", 1, "has no end"),
    "no-yaml": ("---\ndescription: x\nkey: [a\n---\nText", 4, "cannot be read from here"),
    "a-list": ("---\n- a\n---\nText", 2, "not made of `key: value` lines"),
    "an-alias": ("---\na: &a [x, x]\nb: *a\ndescription: x\n---\nText", 3, "aliases"),
    "too-long": (f"---\ndescription: {'x' * 20_000}\n---\nText", 1, "over 16000 characters"),
    "too-deep": (f"---\na: {'[' * 5_000}\n---\nText", 1, "nested too deeply"),
    "empty": (" \n", 1, "no text"),
    "bytes": ("\0\1\2", 1, "no text"),
    "a b": (skill("x"), 1, "cannot be called"),
    "a\u202eb": (skill("x"), 1, "cannot be called"),
}
"""What a skill's folder and file are, and where and how its fault is told."""


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_a_skill_that_cannot_be_used_costs_itself_alone(name: str, tmp_path: Path) -> None:
    text, line, why = BAD[name]
    files = {f".roo/skills/{name}/SKILL.md": text, ".roo/skills/good/SKILL.md": skill("good")}
    found = look(made(tmp_path, files))
    assert described(found) == {"good": "good"}
    [problem] = told(found)
    shown = name.replace("\u202e", "\\u202e")
    assert problem.startswith(f".roo/skills/{shown}/SKILL.md:{line}: ")
    assert why in problem
    assert len(found.items) == 1, "it is not asked about"


def test_what_a_front_matter_would_widen_has_no_effect_and_is_said(tmp_path: Path) -> None:
    wide = {"allowed-tools": "Bash(rm *)", "autoApprove": "{execute: true}"}
    files = {
        ".claude/skills/a/SKILL.md": skill("a", name="other", **wide),
        ".roo/commands/b.md": skill("b", **wide),
    }
    found = look(made(tmp_path, files))
    assert [each.line.partition(", ")[2] for each in found.items] == [
        (
            "the skill a; allowed-tools, autoApprove in its front matter have no effect; "
            "it is called by its folder, not “other”"
        ),
        "the command /b; allowed-tools, autoApprove in its front matter have no effect",
    ]


def test_a_value_with_a_colon_is_read_as_it_was_meant(tmp_path: Path) -> None:
    files = {".roo/skills/a/SKILL.md": "---\nname: a\ndescription: Use when: asked\n---\nText"}
    assert described(look(made(tmp_path, files))) == {"a": "Use when: asked"}


@given(
    st.dictionaries(
        st.sampled_from(["name", "description", "x-y"]),
        st.text(st.characters(codec="utf-8", exclude_categories=["C"])).map(str.strip),
    )
)
def test_plain_lines_are_read_as_yaml_reads_them(values: dict[str, str]) -> None:
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    found = headed("\n".join(["---", *lines, "---", "Text"]).encode())
    assert found is not None
    assert {key: found.text(key) for key in values} == values
    plain = {key: value for key, value in values.items() if value.isalnum() and value.isascii()}
    lines = [f"{key}: {value}" for key, value in plain.items() if value.lower() != "null"]
    found = headed("\n".join(["---", *lines, "---", "Text"]).encode())
    assert found is not None
    assert all(found.text(key) in {plain[key], ""} for key in plain)


def test_commands_of_roo_stand_before_claudes_and_none_before_ours(tmp_path: Path) -> None:
    home = made(
        tmp_path / "home",
        {
            ".roo/commands/go.md": "Home",
            ".roo/commands/init.md": "Mine",
            ".roo/commands/mode.md": "No",
        },
    )
    folder = made(
        tmp_path / "w",
        {
            ".roo/commands/go.md": "---\ndescription: Goes\nargument-hint: <where>\nmode: ask\n---\nGo to $1",
            ".claude/commands/go.md": "Claude",
            ".claude/commands/deep/run.md": "# Runs\nRun !`make`",
            ".roo/commands/deep/no.md": "Not at the top",
            ".roo/commands/Help.md": "No",
            ".roo/commands/a b.md": "No",
            ".roo/commands/broken.md": "---\na: [\n---\nText",
        },
    )
    found = look(folder, home)
    commands = found.commands.by_name
    assert {name: each.shown for name, each in commands.items()} == {
        "go": ".roo/commands/go.md",
        "run": ".claude/commands/deep/run.md",
        "init": "~/.roo/commands/init.md",
        "broken": ".roo/commands/broken.md",
    }
    go = commands["go"]
    assert (go.description, go.hint, go.mode, go.text("Rome")) == (
        "Goes",
        "<where>",
        "ask",
        "Go to Rome",
    )
    assert (commands["run"].description, commands["run"].text("")) == (
        "Runs",
        "# Runs\nRun !`make`",
    )
    assert commands["broken"].text("").startswith("---"), "all of it is the text, as in Roo"
    assert [each.partition(": ")[0] for each in told(found)] == [
        ".roo/commands/Help.md",
        ".roo/commands/a b.md",
        ".roo/commands/broken.md:3",
        "~/.roo/commands/mode.md",
    ]
    assert [each.line.partition(", ")[2] for each in found.items] == [
        "the command /run; a command in it (!`…`) is text: it is not run by itself",
        "the command /broken",
        "the command /go",
    ]


@pytest.mark.parametrize(
    ("text", "arguments", "becomes"),
    [
        ("Fix $1 with $2.", "a 'b c'", "Fix a with b c."),
        ("All: $ARGUMENTS", "it's $1", "All: it's $1"),
        ("$1 and $3", "a", "a and "),
        ("awk '{print $1}'", "", "awk '{print $1}'"),
        ("$ARGUMENTS.", "", "."),
        ("It costs $100 or $1.50, $ARGUMENTSX", "a", "It costs $100 or $1.50, $ARGUMENTSX"),
    ],
)
def test_arguments_stand_in_their_places(text: str, arguments: str, becomes: str) -> None:
    assert with_arguments(text, arguments) == becomes


def listed(*descriptions: str) -> list[Skill]:
    return [Skill(f"skill-{at}", text, "", Path("/s"), "s") for at, text in enumerate(descriptions)]


def test_the_list_of_skills_fits_the_context() -> None:
    short, long = "Short.", "x" * 500
    whole, cut = skills_told(listed(short, short), 128_000)
    assert (whole.splitlines()[2:], cut) == (["- skill-0: Short.", "- skill-1: Short."], False)
    text, cut = skills_told(listed(short, *[long] * 30), 128_000)
    assert cut
    assert "- skill-0: Short.\n" in text
    assert MOST * 0.9 < len(text) < MOST * 1.1
    text, _ = skills_told(listed(*[long] * 10), 4_000)
    assert max(map(len, text.splitlines()[2:])) < 50
    text, _ = skills_told(listed(*[long] * 60), 4_000)
    assert text.splitlines()[-1] == "- and 36 more; call skill with no name for all"
    mine = Skill("mine", "x", "", Path("/s"), "s", for_model=False)
    assert skills_told([mine], 128_000) == ("", False)


def hostile(folder: Path, out: Path) -> list[str]:
    """What lies in wait in a workspace: it is told by name, and nothing of it is read or asked about."""
    out.mkdir()
    (out / "SKILL.md").write_text(skill("stolen"))
    made(folder, {".roo/skills/ok/SKILL.md": skill("ok"), ".roo/rules/huge.md": "x" * 10_000_000})
    (folder / ".roo/skills/link").symlink_to(out)
    (folder / ".roo/commands").symlink_to(out)
    os.mkfifo(folder / "AGENTS.md")
    (folder / ".roo/rules/again").symlink_to("../rules")
    (folder / "src").mkdir()
    (folder / "src/AGENTS.md").symlink_to(out / "SKILL.md")
    (folder / "lib").symlink_to(out)
    reader = PlaceReader(folder)
    reader.know_ruled(["lib", "src", "gone"])
    reader.look()
    return told(brought(NOTHING, [reader.place], OURS, agents=True))


def test_hostile_places_get_a_clear_word_each(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert hostile(tmp_path / "w", out) == [
        f".roo/commands: a link that leads out of the workspace, to {out}: not used",
        ".roo/rules/huge.md: 10000000 bytes: too large, so it is not used",
        f".roo/skills/link: a link that leads out of the workspace, to {out}: not used",
        "AGENTS.md: it cannot be read, so it is not used",
        f"lib: a link that leads out of the workspace, to {out}: not used",
        f"src/AGENTS.md: a link that leads out of the workspace, to {out}/SKILL.md: not used",
    ]
    assert [each.name for each in look(tmp_path / "w").items] == [".roo/skills/ok/SKILL.md"]
