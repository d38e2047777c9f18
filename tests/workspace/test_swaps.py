"""Somebody swaps folders and files for links between the check of a call and its effect."""

import asyncio
import ctypes
import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest

from roo_lsp.agent.approval import Act, Allow
from roo_lsp.agent.errors import Changed, ToolError
from roo_lsp.agent.ports import SearchQuery
from roo_lsp.agent.tool import Group, Target
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.workspace import descriptors
from roo_lsp.workspace.descriptors import LOOK_IN, READ, open_real, opened, remember_checked
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from roo_lsp.workspace.search import RipgrepSearcher

files = DiskFileSystem()
SECRET = "secret of somebody else\n"
OURS = "ours\n"
ROUNDS = 300


@pytest.fixture(params=["openat2", "name by name"], autouse=True)
def kernel(request, monkeypatch) -> None:
    """As it is, and as one without openat2."""
    if request.param == "name by name":
        monkeypatch.setattr(descriptors, "_openat2", lambda path, flags: None)


@pytest.fixture(autouse=True)
def nothing_is_checked() -> Iterator[None]:
    yield
    remember_checked({})


@pytest.fixture
def ws(tmp_path) -> Path:
    ws, outside = tmp_path / "ws", tmp_path / "outside"
    (ws / "dir").mkdir(parents=True)
    outside.mkdir()
    (ws / "dir/file").write_text(OURS)
    (outside / "file").write_text(SECRET)
    (outside / "theirs").touch()
    return ws


@pytest.fixture
def outside(ws) -> Iterator[Path]:
    """What must look afterwards as it did before."""
    outside = ws.parent / "outside"
    yield outside
    assert {each.name: each.read_text() for each in outside.iterdir()} == {
        "file": SECRET,
        "theirs": "",
    }


def swap_folder(ws: Path) -> None:
    (ws / "dir").rename(ws.parent / "moved")
    (ws / "dir").symlink_to("../outside")


def swap_file(ws: Path) -> None:
    (ws / "dir/file").unlink()
    (ws / "dir/file").symlink_to("../../outside/file")


def swap_workspace(ws: Path) -> None:
    ws.rename(ws.parent / "moved")
    ws.mkdir()
    (ws / "dir").symlink_to("../outside")


SWAPS = [swap_folder, swap_file, swap_workspace]


def pinned(
    ws: Path, path: str, group: Group = "read", access: Literal["read", "write"] = "read"
) -> Path:
    """A path that a call was let do something with."""
    policy = WorkspacePolicy(Rules(edit=True), [ws])
    assert policy.pin(Act(group, [Target(ws / path, access)])) is None
    return ws / path


@pytest.mark.parametrize("swap", SWAPS)
async def test_nothing_else_is_read(ws, outside, swap):
    path = pinned(ws, "dir/file")
    swap(ws)
    with pytest.raises(Changed, match="changed while you were asked"):
        await files.read(path)
    with pytest.raises(Changed):
        await files.read_bytes(path)


@pytest.mark.parametrize("swap", SWAPS)
async def test_nothing_else_is_written(ws, outside, swap):
    path = pinned(ws, "dir/file", "edit", "write")
    stamp = (await files.read(path)).stamp
    swap(ws)
    with pytest.raises(ToolError):
        await files.write(path, "new", stamp)


@pytest.mark.parametrize("swap", [swap_folder, swap_workspace])
@pytest.mark.parametrize("new", ["dir/new", "dir/deep/er/new"])
async def test_nothing_is_made_elsewhere(ws, outside, swap, new):
    path = pinned(ws, new, "edit", "write")
    swap(ws)
    with pytest.raises(Changed):
        await files.write(path, "new", None)


@pytest.mark.parametrize("swap", [swap_folder, swap_workspace])
async def test_nothing_else_is_deleted(ws, outside, swap):
    path = pinned(ws, "dir/file", "edit", "write")
    stamp = (await files.read(path)).stamp
    swap(ws)
    with pytest.raises(Changed):
        await files.delete(path, stamp)


@pytest.mark.parametrize("swap", [swap_folder, swap_workspace])
async def test_nothing_else_is_listed_or_searched(ws, outside, swap):
    path = pinned(ws, "dir")
    swap(ws)
    with pytest.raises(Changed):
        await files.list(path, recursive=True, limit=9, respect_gitignore=True)
    with pytest.raises(Changed):
        await RipgrepSearcher().search(SearchQuery(path, "secret"))


async def test_a_file_that_is_swapped_is_not_searched(ws, outside):
    path = pinned(ws, "dir/file")
    swap_file(ws)
    with pytest.raises(Changed):
        await RipgrepSearcher().search(SearchQuery(path, "secret"))


async def test_a_folder_is_searched_where_it_was_entered(ws, outside, monkeypatch):
    """Swapped after it was opened: ripgrep is in the old one."""
    path = pinned(ws, "dir")
    real_spawn = asyncio.create_subprocess_exec

    async def swapping(*command, **options):
        swap_folder(ws)
        return await real_spawn(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", swapping)
    result = await RipgrepSearcher().search(SearchQuery(path, "."))
    assert [line.text for f in result.files for g in f.groups for line in g] == [OURS.strip()]


def test_no_other_open_document_is_taken_for_it(ws, outside):
    documents = Documents()
    for folder in (ws / "dir", outside):
        documents.opened((folder / "file").as_uri(), folder.name, 1, "")
    path = pinned(ws, "dir/file")
    swap_folder(ws)
    assert getattr(documents.get(path), "text", None) == "dir"


def test_what_leads_elsewhere_than_when_it_was_let_in_is_refused(ws):
    policy = WorkspacePolicy(Rules(read_outside=True), [ws])
    target = Target(ws / "dir/file", "read")
    assert policy.pin(Act("read", [target])) is None
    swap_folder(ws)
    verdict = policy.judge(Act("read", [target]))
    assert "changed while you were asked" in getattr(verdict, "why", "")


async def test_links_that_stay_inside_are_followed(ws, outside):
    (ws / "way").symlink_to("dir")
    path = pinned(ws, "way/file", "edit", "write")
    await files.write(path, "new", (await files.read(path)).stamp)
    assert (ws / "dir/file").read_text() == "new"
    listing = await files.list(pinned(ws, "way"), recursive=False, limit=9, respect_gitignore=True)
    assert [entry.path for entry in listing.entries] == [ws / "way/file"]


async def test_what_the_user_allowed_outside_is_written(ws):
    path = pinned(ws, "../outside/new/file", "edit", "write")
    await files.write(path, "new", None)
    assert (ws.parent / "outside/new/file").read_text() == "new"


# --- somebody who never stops -------------------------------------------------------------------


@contextmanager
def swapping(between: Callable[[], None]) -> Generator[None]:
    """A thread that swaps all the time, while the block runs."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            between()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def folder_and_back(ws: Path) -> Callable[[], None]:
    """`dir` is by turns a folder and a link, never nothing: the kernel exchanges the two."""
    (ws / "link").symlink_to("../outside")
    libc, here = ctypes.CDLL(None), -100  # AT_FDCWD
    one, other = os.fsencode(ws / "dir"), os.fsencode(ws / "link")

    def once() -> None:
        libc.renameat2(here, one, here, other, 2)  # RENAME_EXCHANGE

    return once


def file_and_back(ws: Path) -> Callable[[], None]:
    """`dir/file` is by turns a file and a link, never nothing."""
    (ws / "spare").write_text(OURS)

    def once() -> None:
        (ws / "link").symlink_to("../outside/file")
        (ws / "link").rename(ws / "dir/file")
        (ws / "new").write_text(OURS)
        (ws / "new").rename(ws / "dir/file")

    return once


@pytest.mark.parametrize("swaps", [folder_and_back, file_and_back])
async def test_whoever_swaps_all_the_time_gets_nothing_out_and_nothing_in(ws, outside, swaps):
    """Every round asks the policy and then acts, unless it says that the user has to be asked."""
    policy = WorkspacePolicy(Rules(edit=True), [ws])
    path, new, folder = ws / "dir/file", ws / "dir/new/file", ws / "dir"

    def may(where: Path, group: Group, access: Literal["read", "write"]) -> bool:
        targets = [Target(where, access)]
        return policy.pin(Act(group, targets)) is None and isinstance(
            policy.judge(Act(group, targets)), Allow
        )

    done = 0
    with swapping(swaps(ws)):
        for _ in range(ROUNDS):
            with suppress(ToolError):
                if may(path, "read", "read"):
                    assert (await files.read(path)).text == OURS
                    done += 1
            with suppress(ToolError):
                if may(path, "edit", "write"):
                    stamp = (await files.read(path)).stamp
                    await files.write(path, OURS, stamp)
            with suppress(ToolError):
                if may(new, "edit", "write"):
                    await files.write(new, "mine", None)
            with suppress(ToolError):
                if may(folder, "read", "read"):
                    listing = await files.list(
                        folder, recursive=True, limit=99, respect_gitignore=False
                    )
                    assert "theirs" not in {entry.path.name for entry in listing.entries}
    assert done


# --- opening ------------------------------------------------------------------------------------


def test_a_link_anywhere_on_the_way_is_an_error(ws, outside):
    (ws / "link").symlink_to("dir")
    (ws / "last").symlink_to("dir/file")
    os.close(open_real(Path(os.path.realpath(ws / "dir/file")), READ))
    for path, flags in ((ws / "link/file", READ), (ws / "last", READ), (ws / "link", LOOK_IN)):
        with pytest.raises(OSError, match="symbolic links"):
            open_real(path, flags)
    with pytest.raises(OSError, match="Not a directory"):
        open_real(ws / "dir/file/x", READ)
    with pytest.raises(FileNotFoundError):
        open_real(ws / "nowhere/x", READ)
    with (
        opened(Path(os.path.realpath(outside))) as descriptor,
        pytest.raises(OSError, match="links"),
    ):
        open_real(Path(f"/proc/{os.getpid()}/fd/{descriptor}/file"), READ)


def test_no_child_inherits_what_is_open(ws, outside):
    descriptor = open_real(Path(os.path.realpath(ws / "dir/file")), READ)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)
