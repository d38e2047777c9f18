"""Paths as models write them lead to the file that is meant, and make none that nobody wants."""

import json
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.events import ToolCallUpdated
from roo_lsp.agent.tool import Workspace
from roo_lsp.workspace.policy import Rules
from tests.support.scripted import calls, says
from tests.support.workshop import Workshop, turn

TEXT = "one\ntwo\nthree\nfour\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "proj"
    (made / "src").mkdir(parents=True)
    (made / "src/app.py").write_text(TEXT)
    return made


async def made(folder: Path, name: str, /, *, times: int = 1, **arguments: Any) -> Workshop:
    call = (name, json.dumps(arguments))
    answers = [calls(call, first_id=n) for n in range(1, times + 1)]
    return await turn(folder, *answers, says("ok"))


MEANT = [
    "src/app.py:2",
    "src/app.py:2:7",
    "src/app.py:2-3",
    "src/app.py#L2",
    "src/app.py#L2-L3",
    "src/app.py(2,1)",
    "a/src/app.py",
    "b/src/app.py:2",
    "proj/src/app.py",
    "./proj/src/app.py",
    "/src/app.py",
    "/workspace/src/app.py",
    "/home/somebody/proj/src/app.py",
    "C:\\Users\\me\\proj\\src\\app.py",
    "src\\app.py",
    " src/app.py\n",
    "`src/app.py`",
    '"src/app.py"',
    "@/src/app.py",
    "@src/app.py",
    "src/app%2Epy",
]


@pytest.mark.parametrize("path", MEANT)
async def test_a_read_leads_to_the_file_that_is_meant(folder: Path, path: str):
    done = await made(folder, "read_file", path=path)
    assert done.results[0].startswith("src/app.py lines ")
    assert done.questions == 0
    shown = next(each for each in done.it.of(ToolCallUpdated) if each.raw_input)
    assert shown.raw_input["path"] in {"src/app.py", path}
    assert "app.py" in shown.title


async def test_a_uri_of_a_file_is_its_path(folder: Path):
    done = await made(folder, "read_file", path=(folder / "src/app.py").as_uri())
    assert done.results[0].startswith("src/app.py lines ")


async def test_the_lines_behind_a_path_are_those_that_are_read(folder: Path):
    done = await made(folder, "read_file", path="src/app.py#L2-L3")
    assert done.results[0].splitlines()[1:] == ["2 | two", "3 | three"]
    done = await made(folder, "read_file", path="src/app.py:2-3", start_line=1)
    assert "1 | one" in done.results[0]


@pytest.mark.parametrize("path", ["b/src/app.py", "src/app.py:2", "proj/src/app.py"])
async def test_an_edit_leads_there_too_and_says_so(folder: Path, path: str):
    done = await made(folder, "edit", file_path=path, old_string="two", new_string="2")
    assert (folder / "src/app.py").read_text() == TEXT.replace("two", "2")
    assert "src/app.py" in done.results[0]


async def test_a_path_that_is_there_is_taken_as_it_is(folder: Path):
    (folder / "a").mkdir()
    for odd in ("app.py:2", " app.py ", "a\\b", "~x"):
        (folder / odd).write_text(odd)
        done = await made(folder, "read_file", path=odd)
        assert f"1 | {odd}" in done.results[0]


async def test_what_rooignore_hides_is_not_what_is_meant(folder: Path):
    (folder / ".rooignore").write_text("secret.py\n")
    (folder / "secret.py").write_text("key\n")
    done = await made(folder, "read_file", path="secret.py:1")
    absent = await made(folder, "read_file", path="absent.py:1")
    assert done.results[0].replace("secret", "absent") == absent.results[0]


# --- files that nobody wants ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["~/x.py", "~", "C:\\x.py", "D:/x/y.py"])
async def test_a_path_of_another_kind_makes_no_file_however_often(folder: Path, path: str):
    before = sorted(folder.rglob("*"))
    done = await made(folder, "write_to_file", times=2, path=path, content="x")
    assert sorted(folder.rglob("*")) == before
    assert all("workspace" in result for result in done.results)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("new.py ", "new.py"),
        (" new.py", "new.py"),
        ("src/new.py\n", "src/new.py"),
        ("src\\new.py", "src/new.py"),
        ("`new.py`", "new.py"),
        ("new dir /x.py", "new dir/x.py"),
    ],
)
async def test_a_new_file_has_a_plain_name(folder: Path, path: str, name: str):
    await made(folder, "write_to_file", path=path, content="x")
    assert (folder / name).read_text() == "x"
    assert not (folder / path).exists()


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("proj/src/app.py", "src/app.py"),
        ("proj/new.py", "new.py"),
        ("proj/docs/new.md", "docs/new.md"),
        ("src/app.py:2", "src/app.py"),
        ("b/src/app.py", "src/app.py"),
    ],
)
async def test_a_new_file_beside_the_one_that_is_meant_is_doubted_once(
    folder: Path, path: str, meant: str
):
    done = await made(folder, "write_to_file", path=path, content="x")
    assert not (folder / path).exists()
    assert (folder / "src/app.py").read_text() == TEXT
    assert meant in done.results[0]
    await made(folder, "write_to_file", times=2, path=path, content="x")
    assert (folder / path).read_text() == "x"


async def test_a_patch_makes_no_such_file_either(folder: Path):
    patch = "*** Begin Patch\n*** Add File: ~/x.py\n+x\n*** End Patch"
    done = await made(folder, "apply_patch", patch=patch)
    assert "home folder" in done.results[0]
    assert not (folder / "~").exists()


# --- what is not there ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("read_file", {"path": "/nowhere/app.py"}),
        ("list_files", {"path": "/nowhere"}),
        ("search_files", {"path": "/nowhere", "regex": "x"}),
        ("execute_command", {"command": "rm x", "cwd": "/nowhere"}),
        ("edit", {"file_path": "/nowhere/app.py", "old_string": "a", "new_string": "b"}),
    ],
)
async def test_nobody_is_asked_about_a_path_that_is_not_there(
    folder: Path, name: str, arguments: dict[str, str]
):
    done = await turn(folder, calls((name, json.dumps(arguments))), says("ok"), rules=Rules())
    assert done.questions == 0
    assert "not found" in done.results[0]


@pytest.mark.parametrize("name", ["read_file", "apply_diff"])
async def test_a_file_of_the_same_name_is_told(folder: Path, name: str):
    arguments = {"path": "lib/App.py", "diff": "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"}
    done = await turn(folder, calls((name, json.dumps(arguments))), says("ok"))
    assert "Of that name there is: src/app.py." in done.results[0]


async def test_it_is_told_also_where_another_folder_of_the_workspace_is_gone(folder: Path):
    spaces = Workspace((folder, folder.parent / "gone"))
    call = ("read_file", '{"path": "lib/app.py"}')
    done = await turn(folder, calls(call), says("ok"), workspace=spaces)
    assert "Of that name there is: src/app.py." in done.results[0]


async def test_where_nothing_is_hidden_the_file_that_is_meant_is_read_too(folder: Path):
    call = ("read_file", '{"path": "src/app.py:2"}')
    done = await turn(folder, calls(call), says("ok"), sight=None)
    assert "2 | two" in done.results[0]


async def test_a_file_of_an_odd_name_that_is_there_can_be_changed(folder: Path):
    (folder / "a\\b.txt").write_text("one\n")
    read = ("read_file", json.dumps({"path": "a\\b.txt"}))
    write = ("write_to_file", json.dumps({"path": "a\\b.txt", "content": "two\n"}))
    done = await turn(folder, calls(read), calls(write, first_id=2), says("ok"))
    assert done.file("a\\b.txt") == "two\n"


async def test_of_many_files_of_that_name_some_are_told(folder: Path):
    for n in range(9):
        (folder / f"d{n}").mkdir()
        (folder / f"d{n}/index.ts").write_text("")
    done = await made(folder, "read_file", path="index.ts")
    assert done.results[0].count("index.ts") == 6
