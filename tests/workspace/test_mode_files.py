"""Modes that people wrote: Roo's form in YAML and JSON, where one bad mode costs itself alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.modes import MODES
from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.mode_files import (
    MAX_BYTES,
    MAX_MODES,
    ModesRead,
    modes_of_setting,
    read_modes,
    together,
)

WRITER = """\
customModes:
  - slug: docs-writer
    name: Docs Writer
    roleDefinition: You write documents.
    whenToUse: For anything that people read.
    description: Documents only
    customInstructions: |
      Short sentences.
    groups:
      - read
      - - edit
        - fileRegex: \\.(md|mdx)$
          description: Markdown only
      - command
      - browser
      - modes
    source: project
"""


def read(text: str, name: str = ".roomodes") -> ModesRead:
    return read_modes(name, text.encode())


def problems(text: str) -> list[str]:
    return [str(each) for each in read(text).problems]


def test_a_mode_is_read_as_roo_writes_it() -> None:
    found = read(WRITER)
    assert found.problems == ()
    (mode,) = found.modes
    assert (mode.slug, mode.name, mode.role) == (
        "docs-writer",
        "Docs Writer",
        "You write documents.",
    )
    assert mode.groups == {"read": None, "edit": r"\.(md|mdx)$", "execute": None}
    assert (mode.instructions, mode.files) == ("Short sentences.", "Markdown only")
    assert (mode.description, mode.purpose) == ("Documents only", "For anything that people read.")
    assert mode.source == ".roomodes"
    assert found.line == r"modes docs-writer (reads, edits \.(md|mdx)$, runs commands)"


def test_json_is_read_too_with_tabs_and_a_mark_in_front_of_it() -> None:
    row = {"slug": "a", "name": "“A”", "roleDefinition": "r", "groups": [["read"], "mcp"]}
    (mode,) = read("\ufeff" + json.dumps({"customModes": [row]}, indent="\t")).modes
    assert (mode.name, mode.groups) == ("“A”", {"read": None, "mcp": None})


def test_what_word_processors_make_of_yaml_is_put_right() -> None:
    text = "customModes:\n\u00a0 - slug: a\u2011b\n    name: “A”\n    roleDefinition: r\u200b\n    groups: []\n"
    (mode,) = read(text).modes
    assert (mode.slug, mode.name, mode.role) == ("a-b", "A", "r")


def test_one_bad_mode_costs_itself_alone_and_its_line_is_told() -> None:
    good = "  - {slug: good, name: G, roleDefinition: r, groups: [read]}\n"
    found = read(
        "customModes:\n"
        + good
        + "  - {name: N, roleDefinition: r, groups: []}\n"
        + good
        + "  - 7\n"
        "  - {slug: c, name: C, roleDefinition: r, groups: [flying]}\n"
        "  - slug: d\n    name: D\n    roleDefinition: 7\n    groups: []\n"
        "  - slug: e\n    name: E\n    roleDefinition: ' '\n    groups: []\n"
        "  - {slug: f, name: F, roleDefinition: r, groups: read}\n"
        "  - {slug: g, name: G, roleDefinition: r, groups: [read, read]}\n"
        "  - slug: h\n    name: H\n    roleDefinition: r\n"
        "    groups: [[edit, {fileRegex: '(a'}]]\n"
        "  - {slug: i, name: I, roleDefinition: r, groups: [[edit, {fileRegex: 7}], [a, b, c]]}\n"
    )
    assert [mode.slug for mode in found.modes] == ["good"]
    assert [str(each).removesuffix("; this mode is not used") for each in found.problems] == [
        ".roomodes:3: slug: expected letters, digits and -",
        ".roomodes:4: there is a mode good above already",
        ".roomodes:5: slug: expected letters, digits and -",
        ".roomodes:6: groups of c: there is no group flying",
        ".roomodes:9: roleDefinition of d: expected a text",
        ".roomodes:13: e has no roleDefinition",
        ".roomodes:15: groups of f: expected a list of read, edit, command, mcp, modes, browser",
        ".roomodes:16: groups of g: read is there twice",
        ".roomodes:20: fileRegex of h, (a: a ( is not closed",
        ".roomodes:21: fileRegex of i, 0: a ( is not closed",
    ]


def test_what_has_no_effect_is_told_and_the_mode_is_used() -> None:
    found = read(
        "customModes:\n  - slug: a\n    name: A\n    roleDefinition: r\n"
        "    customInstruction: typed wrong\n"
        "    groups: [[read, {fileRegex: x}]]\n"
        "    rulesFiles: [{relativePath: a.md, content: x}]\n"
    )
    assert [mode.slug for mode in found.modes] == ["a"]
    told = [str(each) for each in found.problems]
    assert [each.partition(": ")[0] for each in told] == [f".roomodes:{line}" for line in (5, 7, 6)]
    assert "a mode has no customInstruction; known: slug, name," in told[0]
    assert ".roo/rules-a/" in told[1]
    assert "limits edit alone" in told[2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("customModes: [", "neither YAML nor JSON"),
        ("- a\n", "expected a list under customModes"),
        ("customModes: 7\n", ".roomodes:1: customModes: expected a list"),
        ("[" * 1000, "neither YAML nor JSON (it is nested too deeply)"),
        ('{"customModes": ' + "[" * 50 + "]" * 50 + "}", "nested too deeply"),
        ("x" * (MAX_BYTES + 1), "longer than"),
        ("\0\x01\x02", "it is no text"),
        ("customModes: &a\n  - slug: x\n    groups: *a\n", "it holds too much"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_once(text: str, told: str) -> None:
    found = read(text)
    assert found.modes == ()
    assert len(found.problems) == 1
    assert told in str(found.problems[0])


def test_values_that_refer_to_each_other_are_not_multiplied() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    lines.append("customModes:\n  - {slug: a, name: A, roleDefinition: r, groups: *a8}")
    assert "it holds too much" in problems("\n".join(lines))[0]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "other: 1\n", "customModes:\n", "customModes: []"]
)
def test_a_file_without_modes_is_in_order(text: str) -> None:
    assert read(text) == ModesRead()


def test_there_may_be_so_many_modes() -> None:
    row: dict[str, Any] = {"name": "A", "roleDefinition": "r", "groups": []}
    found = modes_of_setting(
        [{"slug": f"m{n}"} | row for n in range(MAX_MODES + 2)], "roo.customModes"
    )
    assert len(found.modes) == MAX_MODES
    assert str(found.problems[0]).startswith("roo.customModes[100]: more than 100 modes")
    assert found.line.endswith("and 94 more")


def test_a_setting_names_the_entry_that_is_wrong() -> None:
    found = modes_of_setting([{"slug": "a b"}], "roo.customModes")
    assert str(found.problems[0]).startswith("roo.customModes[0]: slug: expected letters")


def test_the_first_source_wins_and_a_built_in_mode_can_be_replaced() -> None:
    def source(name: str, *slugs: str) -> ModesRead:
        rows = [{"slug": s, "name": s, "roleDefinition": name, "groups": []} for s in slugs]
        return modes_of_setting(rows, name)

    found = together([source("project", "ask", "x"), source("mine", "x", "y")], MODES)
    assert [*found] == [*MODES, "x", "y"]
    assert [found[slug].role for slug in ("ask", "x", "y")] == ["project", "project", "mine"]


def test_trust_is_asked_with_what_the_modes_may_do(tmp_path: Path) -> None:
    (tmp_path / ".RooModes").write_text(WRITER, "utf-8")
    (item,) = instruction_files([tmp_path])
    assert item.line.endswith(r"bytes, modes docs-writer (reads, edits \.(md|mdx)$, runs commands)")
