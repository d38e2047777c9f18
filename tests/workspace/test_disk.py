"""What only the disk can show: hard links, swapped files, huge folders."""

import asyncio
import errno
import os
import resource
from collections.abc import Awaitable
from typing import Any

import pytest

from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.workspace import disk as disk_module
from roo_lsp.workspace.disk import DiskFileSystem

files = DiskFileSystem()


async def test_other_names_of_a_file_keep_the_old_text(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    await files.write(tmp_path / "a", "new", (await files.read(tmp_path / "a")).stamp)
    assert (tmp_path / "b").read_bytes() == b"old"


@pytest.mark.parametrize("swap", ["link", "text", "gone"])
async def test_a_file_that_is_swapped_during_the_write_is_left_alone(tmp_path, monkeypatch, swap):
    victim, target = tmp_path / "victim", tmp_path / "a"
    victim.write_bytes(b"old")
    target.write_bytes(b"old")
    stamp = (await files.read(target)).stamp
    real_imitate = disk_module._imitate

    def swapping(descriptor, like):  # runs between the first look and the replacement
        real_imitate(descriptor, like)
        target.unlink()
        if swap == "link":
            target.symlink_to(victim)
        elif swap == "text":
            target.write_bytes(b"theirs")

    monkeypatch.setattr(disk_module, "_imitate", swapping)
    with pytest.raises(ToolError):
        await files.write(target, "new", stamp)
    assert victim.read_bytes() == b"old"
    assert sorted(each.name for each in tmp_path.iterdir()) == (
        ["victim"] if swap == "gone" else ["a", "victim"]
    )


async def test_a_folder_that_is_swapped_during_the_write_does_not_lead_astray(
    tmp_path, monkeypatch
):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "a").write_bytes(b"old")
    (outside / "a").write_bytes(b"old")
    stamp = (await files.read(inside / "a")).stamp
    real_imitate = disk_module._imitate

    def swapping(descriptor, like):
        real_imitate(descriptor, like)
        inside.rename(tmp_path / "moved")
        inside.symlink_to(outside)

    monkeypatch.setattr(disk_module, "_imitate", swapping)
    await files.write(inside / "a", "new", stamp)
    assert (outside / "a").read_bytes() == b"old"
    assert (tmp_path / "moved/a").read_bytes() == b"new"


async def test_a_file_that_appears_during_the_write_of_a_new_one_wins(tmp_path, monkeypatch):
    real_token = disk_module.secrets.token_hex

    def appearing(size):
        (tmp_path / "a").write_bytes(b"theirs")
        return real_token(size)

    monkeypatch.setattr(disk_module.secrets, "token_hex", appearing)
    with pytest.raises(Changed):
        await files.write(tmp_path / "a", "mine", None)
    assert (tmp_path / "a").read_bytes() == b"theirs"


async def test_an_unchanged_text_touches_nothing(tmp_path):
    (tmp_path / "a").write_bytes(b"same")
    before = (tmp_path / "a").stat()
    await files.write(tmp_path / "a", "same", (await files.read(tmp_path / "a")).stamp)
    assert (tmp_path / "a").stat().st_ino == before.st_ino


async def test_a_new_file_has_the_mode_the_user_wants_of_new_files(tmp_path):
    old = os.umask(0o027)
    try:
        await files.write(tmp_path / "a", "x", None)
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


async def test_a_folder_full_of_ignored_files_ends_too(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "MAX_CHECKED", 50)
    for number in range(100):
        (tmp_path / f"{number}.log").touch()
    (tmp_path / ".gitignore").write_text("*.log\n")
    listing = await files.list(tmp_path, recursive=True, limit=200, respect_gitignore=True)
    assert listing.truncated
    assert listing.hidden <= 50


# --- files that are bad, and disks that fail ----------------------------------------------------


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x7fELF\x02\x01\x01\0\0", "binary"),
        ("text".encode("utf-16-le"), "binary"),
        ("text".encode("utf-16-be"), "binary"),
        (b"text\0text", "binary"),
    ],
)
async def test_what_is_no_text_is_told_and_stays(tmp_path, data, says):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ToolError, match=says):
        await files.read(tmp_path / "a")
    with pytest.raises(ToolError):
        await files.write(tmp_path / "a", "new", "some stamp")
    assert (tmp_path / "a").read_bytes() == data


@pytest.mark.parametrize(
    "data",
    [
        b"caf\xe9\n",
        b"a\rb\rc",
        b"a\r\nb\nc\rd",
        "\ufeffa\r\n".encode("utf-16"),
        "a\r\n".encode("utf-16"),
        b"\xef\xbb\xbfa\n",
        b"\xff\xfe",
        b"",
        "\x85\u2028\x0b\x0c".encode(),
    ],
)
async def test_what_is_text_in_some_way_keeps_every_byte_that_is_not_edited(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    snapshot = await files.read(tmp_path / "a")
    await files.write(tmp_path / "a", snapshot.text + "x", snapshot.stamp)
    written = await files.read(tmp_path / "a")
    assert written.text == snapshot.text + "x"
    await files.write(tmp_path / "a", snapshot.text, written.stamp)
    assert (tmp_path / "a").read_bytes() == data


CALLS = ["open", "link", "mkdir", "replace", "fchmod", "fstat"]


def failing_at(monkeypatch, name: str, number: int, code: int) -> list[str]:
    """Let the n-th call of an os function fail; returns a list that is filled when it did."""
    real, seen, done = getattr(os, name), [0], []

    def call(*arguments, **options):
        seen[0] += 1
        if seen[0] == number and not done:
            done.append(name)
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, call)
    return done


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("name", CALLS)
async def test_whatever_fails_in_a_write_the_old_text_is_whole_and_nothing_is_left(
    tmp_path, monkeypatch, name, code
):
    for number in range(1, 20):
        folder = tmp_path / f"{name}{number}"
        folder.mkdir()
        (folder / "a").write_bytes(b"old")
        stamp = (await files.read(folder / "a")).stamp
        for target, expected in ((folder / "a", stamp), (folder / "deep/er/new", None)):
            before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
            told = ""
            with monkeypatch.context() as patch:
                failed = failing_at(patch, name, number, code)
                try:
                    await files.write(target, "new", expected)
                except ToolError as error:
                    told = error.text
            assert not told or (failed and str(target) in told)
            after = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
            assert after == (before | {target: b"new"} if not told else before)
            assert not told or not (folder / "deep").exists()


async def test_a_full_disk_leaves_the_old_text_and_says_so(tmp_path):
    """The kernel itself refuses, in the middle of the text."""
    (tmp_path / "a").write_bytes(b"old")
    stamp = (await files.read(tmp_path / "a")).stamp
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ToolError, match="file too large"):
            await files.write(tmp_path / "a", "x" * 200_000, stamp)
        with pytest.raises(ToolError, match="file too large"):
            await files.write(tmp_path / "new/b", "x" * 200_000, None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a": b"old"}


async def test_a_file_that_vanishes_between_two_steps_is_told(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    stamp = (await files.read(tmp_path / "a")).stamp
    (tmp_path / "a").unlink()
    with pytest.raises(Changed, match="not there any more"):
        await files.write(tmp_path / "a", "new", stamp)
    with pytest.raises(ToolError, match="not found"):
        await files.delete(tmp_path / "a", stamp)
    assert not list(tmp_path.iterdir())


async def test_a_folder_that_cannot_be_looked_into_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "closed/inner").mkdir(parents=True)
    (tmp_path / "open").touch()
    real_open = disk_module.open_real

    def opening(path, flags):
        if path.name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(path, flags)

    monkeypatch.setattr(disk_module, "open_real", opening)
    listing = await files.list(tmp_path, recursive=True, limit=9, respect_gitignore=True)
    assert [entry.path.name for entry in listing.entries] == ["closed", "open"]
    with pytest.raises(ToolError, match="permission denied"):
        await files.list(tmp_path / "closed", recursive=True, limit=9, respect_gitignore=True)


async def test_links_in_a_circle_end_a_listing(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    listing = await files.list(tmp_path, recursive=True, limit=99, respect_gitignore=True)
    assert [str(each.path.relative_to(tmp_path)) for each in listing.entries] == [
        "a",
        "self",
        "a/b",
        "a/b/up",
    ]


async def with_turns(work: Awaitable[Any]) -> tuple[Any, int]:
    """What it gives, and how often the event loop came round while it went on."""
    task = asyncio.ensure_future(work)
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return await task, turns


async def test_a_folder_of_100_000_is_listed_as_far_as_asked_and_does_not_stop_the_loop(tmp_path):
    for number in range(100_000):
        os.close(os.open(tmp_path / f"{number}.log", os.O_CREAT | os.O_WRONLY))
    (tmp_path / ".gitignore").write_text("*.tmp\n*.bak\n")
    work = files.list(tmp_path, recursive=True, limit=200, respect_gitignore=True)
    listing, turns = await with_turns(work)
    assert len(listing.entries) == 200
    assert listing.truncated
    assert turns > 10


async def test_a_file_of_20_mb_does_not_stop_the_loop(tmp_path):
    (tmp_path / "a").write_bytes(b"line\n" * 4_000_000)
    snapshot, turns = await with_turns(files.read(tmp_path / "a"))
    assert turns > 1
    changed = f"{snapshot.text[:-5]}x"
    _, turns = await with_turns(files.write(tmp_path / "a", changed, snapshot.stamp))
    assert turns > 1
