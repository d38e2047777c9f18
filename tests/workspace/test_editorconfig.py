"""What `.editorconfig` says of a file's encoding is believed where the bytes do not say otherwise."""

import os
import time
from pathlib import Path

import pytest

from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.editorconfig import MOST_BYTES, charset


def config(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".editorconfig").write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("section", "meant"),
    [
        ("*", True),
        ("*.txt", True),
        ("**.txt", True),
        ("a.txt", True),
        ("*.{c,txt}", True),
        ("{src,lib}/*.{txt,md}", True),
        ("src/**/*.txt", True),
        ("/src/a.txt", True),
        ("*.c", False),
        ("{doc,lib}/*.txt", False),
        ("/a.txt", False),
        ("*.{txt", False),
    ],
)
def test_a_section_is_about_the_files_that_its_pattern_means(
    section: str, meant: bool, tmp_path: Path
) -> None:
    config(tmp_path, f"root = true\n\n[{section}]\nCharset = Latin1\nindent_size=2\n")
    assert charset(tmp_path / "src" / "a.txt") == ("latin1" if meant else "")


def test_the_nearest_file_counts_and_the_last_section_and_nothing_above_the_root(
    tmp_path: Path,
) -> None:
    config(tmp_path, "[*]\ncharset = gbk\n")
    config(tmp_path / "a", "[*.txt]\ncharset = latin1\n[*]\ncharset = big5\n")
    config(tmp_path / "a" / "b", "root = true\n[*]\nindent_size = 2\n")
    assert charset(tmp_path / "x.txt") == "gbk"
    assert charset(tmp_path / "a" / "x.txt") == "big5"
    assert charset(tmp_path / "a" / "b" / "x.txt") == ""


def test_one_that_is_none_is_passed_over(tmp_path: Path) -> None:
    config(tmp_path, "root = true\n[*]\ncharset = gbk\n")
    for number, text in enumerate(("no line of that\n= form [", "x" * (MOST_BYTES + 1))):
        config(tmp_path / str(number), text)
        assert charset(tmp_path / str(number) / "x") == "gbk"
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / ".editorconfig")
    assert charset(tmp_path / "pipe" / "x") == "gbk"


def test_no_pattern_of_a_repository_keeps_us_busy(tmp_path: Path) -> None:
    name = "a" * 200
    config(
        tmp_path, f"root = true\n[{'*a' * 100}b]\ncharset = gbk\n[{'{a,b}' * 100}]\ncharset = gbk\n"
    )
    began = time.perf_counter()
    assert charset(tmp_path / name) == ""
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("said", ["cp1251", "koi8-r"])
async def test_a_file_is_read_as_it_is_said_to_be_stored_and_written_back_so(
    said: str, tmp_path: Path
) -> None:
    """By the bytes alone it cannot be told: each is text in both."""
    config(tmp_path, f"root = true\n[*.txt]\ncharset = {said}\n")
    file = tmp_path / "a.txt"
    file.write_bytes("да\n".encode(said))
    files = DiskFileSystem()
    read = await files.read(file)
    assert (read.text, read.encoding) == ("да\n", said)
    await files.write(file, "нет\n", read.stamp)
    assert file.read_bytes() == "нет\n".encode(said)


async def test_utf_16_without_a_mark_is_text_where_that_is_said(tmp_path: Path) -> None:
    config(tmp_path, "root = true\n[*.txt]\ncharset = utf-16le\n")
    file = tmp_path / "a.txt"
    file.write_bytes("ab\n".encode("utf-16-le"))
    assert (await DiskFileSystem().read(file)).text == "ab\n"


async def test_what_is_valid_utf_8_is_read_as_that_whatever_is_said(tmp_path: Path) -> None:
    config(tmp_path, "root = true\n[*]\ncharset = latin1\n")
    file = tmp_path / "a.txt"
    file.write_bytes("é\n".encode())
    assert (await DiskFileSystem().read(file)).text == "é\n"
