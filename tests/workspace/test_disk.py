"""What only the disk can show: hard links, swapped files, huge folders."""

import os

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


async def test_a_huge_folder_is_listed_as_far_as_asked(tmp_path):
    for number in range(20_000):
        (tmp_path / f"{number}.log").touch()
    (tmp_path / ".gitignore").write_text("*.tmp\n*.bak\n")
    listing = await files.list(tmp_path, recursive=True, limit=200, respect_gitignore=True)
    assert len(listing.entries) == 200
    assert listing.truncated


async def test_a_folder_full_of_ignored_files_ends_too(tmp_path, monkeypatch):
    monkeypatch.setattr(disk_module, "MAX_CHECKED", 50)
    for number in range(100):
        (tmp_path / f"{number}.log").touch()
    (tmp_path / ".gitignore").write_text("*.log\n")
    listing = await files.list(tmp_path, recursive=True, limit=200, respect_gitignore=True)
    assert listing.truncated
    assert listing.hidden <= 50
