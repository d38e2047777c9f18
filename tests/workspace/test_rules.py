"""Which rules the model is told, in which order, and how much of them."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.instructions import InstructionPlace, PlaceReader, read_home
from roo_lsp.workspace.rules import RulesTold, rules


def told(
    files: dict[str, str],
    *more: dict[str, str],
    home: dict[str, str] | None = None,
    mode: str = "code",
    agents: bool = True,
    max_bytes: int = 65536,
) -> RulesTold:
    def place(prefix: str, texts: dict[str, str]) -> InstructionPlace:
        contents = {name: text.encode() for name, text in texts.items()}
        return InstructionPlace(prefix, contents, home=prefix == "~/")

    folders = [place("", files), *(place(f"/w{at}/", each) for at, each in enumerate(more))]
    return rules(place("~/", home or {}), folders, mode, agents=agents, max_bytes=max_bytes)


def test_rules_stand_in_roos_order_under_their_paths() -> None:
    found = told(
        {
            ".roo/rules/b.md": "generic b",
            ".roo/rules/deep/A.md": "generic a",
            ".roo/rules-code/mode.md": "mode",
            ".roo/rules-ask/other.md": "of another mode",
            "AGENTS.md": "agents",
            "AGENTS.local.md": "local",
            "CLAUDE.md": "instead of AGENTS.md only",
            ".roorules": "instead of a folder only",
        },
        home={".roo/rules-code/home.md": "my mode", ".roo/rules/mine.md": "mine"},
    )
    assert found.text == (
        "## ~/.roo/rules-code/home.md\nmy mode\n\n"
        "## .roo/rules-code/mode.md\nmode\n\n"
        "## AGENTS.md\nagents\n\n"
        "## AGENTS.local.md\nlocal\n\n"
        "## ~/.roo/rules/mine.md\nmine\n\n"
        "## .roo/rules/deep/A.md\ngeneric a\n\n"
        "## .roo/rules/b.md\ngeneric b"
    )
    assert found.cut == ()


def test_single_files_count_where_there_is_no_folder() -> None:
    assert told({".roorules": "r", ".clinerules": "c"}).used == (".roorules",)
    assert told({".clinerules": "c"}).used == (".clinerules",)
    assert told({".clinerules/01.md": "c"}).used == (".clinerules/01.md",)
    assert told({".roorules-code": "m", ".roorules": "r"}).used == (".roorules-code", ".roorules")


def test_the_first_name_for_agents_counts_whatever_its_case() -> None:
    assert told({"claude.md": "c", "Agent.md": "a"}).used == ("Agent.md",)
    assert told({"CLAUDE.md": "c"}).used == ("CLAUDE.md",)
    assert told({"AGENTS.md": "a"}, agents=False).text == ""


def test_the_rules_of_each_workspace_folder_count() -> None:
    found = told({"AGENTS.md": "first"}, {"AGENTS.md": "second"})
    assert found.used == ("AGENTS.md", "/w0/AGENTS.md")


def test_what_is_no_rule_and_what_is_empty_or_binary_is_left_out() -> None:
    found = told(
        {
            ".roo/rules/.DS_Store": "x",
            ".roo/rules/a.md.bak": "x",
            ".roo/rules/empty.md": " \n",
            ".roo/rules/bytes.md": "\0\0\0",
            ".roo/rules/a.md": "x",
        }
    )
    assert found.used == (".roo/rules/a.md",)


def test_what_is_too_much_is_cut_at_a_line_and_said() -> None:
    found = told({"AGENTS.md": "one\ntwo\nthree", ".roorules": "more"}, max_bytes=9)
    assert found.text == (
        "## AGENTS.md\none\ntwo\n[Cut here: read AGENTS.md for the rest.]\n\n"
        "[Left out, because it is too much together: .roorules.]"
    )
    assert found.cut == ("AGENTS.md", ".roorules")


@given(
    st.dictionaries(st.sampled_from(["AGENTS.md", ".roorules", ".roo/rules/a"]), st.text()),
    st.integers(0, 60),
)
def test_never_more_than_there_is_room_for(files: dict[str, str], room: int) -> None:
    found = told(
        {k: v.encode("utf-8", "replace").decode() for k, v in files.items()}, max_bytes=room
    )
    own = sum(
        len(f"## {name}\n") + len(f"\n[Cut here: read {name} for the rest.]") + 2 for name in files
    )
    own += len("[Left out, because it is too much together: .]") + sum(
        len(name) + 2 for name in files
    )
    assert len(found.text.encode()) <= room + own


def test_what_is_asked_about_and_what_is_used_are_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / ".roo/rules").mkdir(parents=True)
    (tmp_path / ".roo/rules/a.md").write_text("a", "utf-8")
    (tmp_path / "AGENTS.md").write_text("b", "utf-8")
    (tmp_path / "CLAUDE.md").symlink_to("/etc/hostname")
    reader = PlaceReader(tmp_path)
    assert reader.look()
    assert reader.place.files == {".roo/rules/a.md": b"a", "AGENTS.md": b"b"}
    assert [each.name for each in instruction_files([tmp_path])] == [".roo/rules/a.md", "AGENTS.md"]


def test_the_users_own_rules_are_those_of_their_home(tmp_path: Path) -> None:
    reader = read_home(tmp_path)
    assert not reader.look()
    for name in (".roo/rules/a.md", ".roo/rules-ask/b.md", ".roo/other/c.md", ".agents/AGENTS.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, "utf-8")
    (tmp_path / "AGENTS.md").write_text("Of the folder, not of the user's.")
    assert reader.look()
    assert sorted(reader.place.files) == [
        ".agents/AGENTS.md",
        ".roo/rules-ask/b.md",
        ".roo/rules/a.md",
    ]


def test_a_file_of_modes_is_asked_about_by_what_it_has(tmp_path: Path) -> None:
    (tmp_path / ".roomodes").write_text("customModes: []\n", "utf-8")
    assert instruction_files([tmp_path]) == []
    mode = "{slug: a, name: A, roleDefinition: You are A, groups: [read]}"
    (tmp_path / ".roomodes").write_text(f"customModes: [{mode}]\n", "utf-8")
    [item] = instruction_files([tmp_path])
    assert item.line.startswith(".roomodes: 77 bytes, modes a (reads)")


def test_a_file_is_read_again_only_where_it_looks_otherwise(tmp_path: Path) -> None:
    rule = tmp_path / "AGENTS.md"
    rule.write_text("one", "utf-8")
    os.utime(rule, (1, 1))
    reader = PlaceReader(tmp_path)
    assert reader.look()
    assert not reader.look()
    rule.write_text("two", "utf-8")
    assert reader.look()
    assert reader.place.files == {"AGENTS.md": b"two"}
    (tmp_path / ".roo/rules").mkdir(parents=True)
    assert not reader.look()
    (tmp_path / ".roo/rules/a.md").write_text("a", "utf-8")
    assert reader.look()
    rule.unlink()
    assert reader.look()
    assert list(reader.place.files) == [".roo/rules/a.md"]
