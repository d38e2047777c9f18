"""What every FileSystem promises, whatever stands behind it. Add an implementation to `files`."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from acp.core import RequestError
from acp.schema import ClientCapabilities
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roo_lsp.acp.client import AcpClient
from roo_lsp.acp.files import ClientFileSystem
from roo_lsp.agent.errors import Binary, Changed, ToolError
from roo_lsp.agent.ports import FileSystem
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.editor.files import EditAbilities, EditorFileSystem
from roo_lsp.workspace.disk import DiskFileSystem
from tests.support.editor import NEOVIM, FakeEditor, editor

LIMIT = 300_000


@pytest.fixture(params=["disk", "editor-closed", "acp-closed"])
async def files(request, root):
    """File systems for files that no editor has open."""
    if request.param == "disk":
        yield DiskFileSystem(max_file_bytes=LIMIT)
        return
    if request.param == "acp-closed":
        yield AcpFiles().port()
        return
    async with editor(NEOVIM, root) as it:
        yield await through(it)


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path


async def through(it: FakeEditor) -> EditorFileSystem:
    """The file system that a task of this editor has."""
    session = await it.server.session()
    return EditorFileSystem(
        it.server.documents,
        DiskFileSystem(max_file_bytes=LIMIT),
        session.protocol,
        EditAbilities(apply_edit=True, versioned=True),
        encoding=lambda: "utf-8",
    )


@dataclass
class Ground:
    """A file system, and the text it stands on: put there and seen without its help."""

    files: FileSystem
    put: Callable[[Path, str], object]
    see: Callable[[Path], str]
    documents: Documents | None = None
    """Those of the editor that has it open."""


@dataclass
class AcpFiles:
    """The `fs` of a client that speaks ACP, as its requests are answered."""

    texts: dict[str, str] = field(default_factory=dict)
    """What it has and the disk has not."""
    own: bool = False
    """It keeps what it is told to write to itself."""

    async def send_request(self, method: str, params: Any | None = None) -> Any:
        assert params is not None
        path = Path(params["path"])
        if method == "fs/write_text_file":
            if self.own:
                self.texts[params["path"]] = params["content"]
            else:
                path.write_bytes(params["content"].encode())
            return {}
        if (text := self.texts.get(params["path"])) is not None:
            return {"content": text}
        try:
            return {"content": path.read_bytes().decode("utf-8", "replace")}
        except OSError as error:
            raise RequestError(-32002, str(error)) from None

    def port(self) -> ClientFileSystem:
        fs = {"fs": {"readTextFile": True, "writeTextFile": True}}
        nothing: Any = None
        client = AcpClient(nothing, self, capabilities=ClientCapabilities.model_validate(fs))
        return ClientFileSystem(client, lambda: "s", DiskFileSystem(max_file_bytes=LIMIT))

    def ground(self) -> Ground:
        """What it has open, with unsaved text in it."""

        def put(path: Path, text: str) -> None:
            path.write_bytes(b"on disk, and not what counts")
            self.texts[path.as_posix()] = text

        def see(path: Path) -> str:
            assert path.read_bytes() == b"on disk, and not what counts"
            return self.texts[path.as_posix()]

        return Ground(self.port(), put, see)


@pytest.fixture(params=["disk", "editor-closed", "editor-open", "acp-closed", "acp-open"])
async def ground(request, root):
    """File systems for files that an editor may have open, with unsaved text in them."""

    def put(path: Path, text: str) -> None:
        path.write_bytes(text.encode())

    def see(path: Path) -> str:
        return path.read_bytes().decode()

    if request.param == "disk":
        yield Ground(DiskFileSystem(max_file_bytes=LIMIT), put, see)
        return
    if request.param == "acp-closed":
        yield Ground(AcpFiles().port(), put, see)
        return
    if request.param == "acp-open":
        yield AcpFiles(own=True).ground()
        return
    async with editor(NEOVIM, root) as it:
        files = await through(it)
        if request.param == "editor-closed":
            yield Ground(files, put, see)
            return

        def put_open(path: Path, text: str) -> None:
            if path.as_uri() in it.buffers:
                it.type(it.buffers[path.as_uri()], text)
            else:
                path.write_bytes(b"on disk, and not what counts")
                it.open(path, text)

        def see_open(path: Path) -> str:
            assert path.read_bytes() == b"on disk, and not what counts"
            return it.buffers[path.as_uri()].text

        yield Ground(files, put_open, see_open, it.server.documents)


async def settled(ground: Ground, path: Path, text: str) -> None:
    """What a user typed has reached the server."""
    if ground.documents is not None:
        documents = ground.documents
        assert await documents.until(lambda: getattr(documents.get(path), "text", None) == text, 5)
    assert (await ground.files.read(path)).text == text


TEXT = "one\r\ntwo \x0c\u2028 \u00e9\U0001f600\nthree\rfour"


async def test_text_is_read_as_the_user_sees_it(ground, root):
    ground.put(root / "a", TEXT)
    await settled(ground, root / "a", TEXT)


@pytest.mark.parametrize("new", ["", "x", TEXT + "\nmore\n", TEXT.replace("two", "2"), "\n\n"])
async def test_a_write_makes_the_text_what_was_wanted(ground, root, new):
    ground.put(root / "a", TEXT)
    await settled(ground, root / "a", TEXT)
    await ground.files.write(root / "a", new, (await ground.files.read(root / "a")).stamp)
    assert ground.see(root / "a") == new
    assert (await ground.files.read(root / "a")).text == new


async def test_a_text_that_changed_since_it_was_seen_is_not_overwritten(ground, root):
    ground.put(root / "a", "seen")
    await settled(ground, root / "a", "seen")
    stamp = (await ground.files.read(root / "a")).stamp
    ground.put(root / "a", "the user's")
    await settled(ground, root / "a", "the user's")
    with pytest.raises(Changed):
        await ground.files.write(root / "a", "mine", stamp)
    assert ground.see(root / "a") == "the user's"


async def test_a_file_that_is_there_is_not_made_anew(ground, root):
    ground.put(root / "a", "there")
    await settled(ground, root / "a", "there")
    with pytest.raises(Changed):
        await ground.files.write(root / "a", "mine", None)
    assert ground.see(root / "a") == "there"


async def test_writing_what_is_there_changes_nothing(ground, root):
    ground.put(root / "a", TEXT)
    await settled(ground, root / "a", TEXT)
    stamp = (await ground.files.read(root / "a")).stamp
    await ground.files.write(root / "a", TEXT, stamp)
    assert (await ground.files.read(root / "a")).stamp == stamp


async def test_a_text_is_read_with_every_line_ending_as_it_is(files, root):
    (root / "a").write_bytes(b"one\r\ntwo\nthree\r\x0c\xe2\x80\xa8end")
    assert (await files.read(root / "a")).text == "one\r\ntwo\nthree\r\x0c\u2028end"


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n\0\xff", b"text\r\n", b"x" * LIMIT])
async def test_bytes_are_those_on_disk(files, root, data):
    (root / "a").write_bytes(data)
    assert await files.read_bytes(root / "a") == data


async def test_bytes_are_those_on_disk_also_of_an_open_document(ground, root):
    ground.put(root / "a", TEXT)
    await settled(ground, root / "a", TEXT)
    assert await ground.files.read_bytes(root / "a") == (root / "a").read_bytes()


async def test_the_stamp_is_the_texts(files, root):
    (root / "a").write_bytes(b"x")
    first = await files.read(root / "a")
    assert await files.read(root / "a") == first
    (root / "a").write_bytes(b"y")
    assert (await files.read(root / "a")).stamp != first.stamp


async def test_a_write_replaces_what_was_seen(files, root):
    (root / "a").write_bytes(b"old\r\n")
    stamp = (await files.read(root / "a")).stamp
    await files.write(root / "a", "new\r\nlines\n", stamp)
    assert (root / "a").read_bytes() == b"new\r\nlines\n"
    assert (await files.read(root / "a")).text == "new\r\nlines\n"


async def test_a_write_makes_missing_folders(files, root):
    await files.write(root / "x/y/z.txt", "hi", None)
    assert (root / "x/y/z.txt").read_text() == "hi"


async def test_a_write_on_something_that_changed_is_refused(files, root):
    (root / "a").write_bytes(b"old")
    stamp = (await files.read(root / "a")).stamp
    (root / "a").write_bytes(b"theirs")
    with pytest.raises(Changed):
        await files.write(root / "a", "mine", stamp)
    assert (root / "a").read_bytes() == b"theirs"


async def test_a_write_on_something_that_went_away_is_refused(files, root):
    (root / "a").write_bytes(b"old")
    stamp = (await files.read(root / "a")).stamp
    (root / "a").unlink()
    with pytest.raises(Changed):
        await files.write(root / "a", "mine", stamp)
    assert list(root.iterdir()) == []


async def test_a_new_file_never_replaces_one_that_appeared(files, root):
    (root / "a").write_bytes(b"theirs")
    with pytest.raises(Changed):
        await files.write(root / "a", "mine", None)
    assert (root / "a").read_bytes() == b"theirs"


async def test_nothing_but_the_file_is_left_behind(files, root):
    await files.write(root / "a", "one", None)
    await files.write(root / "a", "two", (await files.read(root / "a")).stamp)
    with pytest.raises(Changed):
        await files.write(root / "a", "three", "another stamp")
    assert [each.name for each in root.iterdir()] == ["a"]


async def test_the_mode_stays(files, root):
    (root / "run").write_bytes(b"old")
    (root / "run").chmod(0o751)
    await files.write(root / "run", "new", (await files.read(root / "run")).stamp)
    assert (root / "run").stat().st_mode & 0o7777 == 0o751


async def test_a_delete_wants_what_was_seen(files, root):
    (root / "a").write_bytes(b"x")
    with pytest.raises(Changed):
        await files.delete(root / "a", "another stamp")
    assert await files.exists(root / "a")
    await files.delete(root / "a", (await files.read(root / "a")).stamp)
    assert not await files.exists(root / "a")


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfcaf\xc3\xa9\r\n",
        b"\xff\xfec\x00a\x00f\x00\xe9\x00\n\x00",
        b"\xfe\xff\x00c\x00a\x00f\x00\xe9\x00\n",
        b"caf\xe9 \x80\x81\n",
        b"\xef\xbb\xbf\xef\xbb\xbftwice",
        b"",
    ],
    ids=["utf-8 mark", "utf-16 le", "utf-16 be", "latin-1", "two marks", "empty"],
)
async def test_encoding_and_mark_stay_the_files_own(files, root, data):
    (root / "a").write_bytes(data)
    before = await files.read(root / "a")
    await files.write(root / "a", before.text + "x", before.stamp)
    after = await files.read(root / "a")
    assert after.text == before.text + "x"
    await files.write(root / "a", before.text, after.stamp)
    assert (root / "a").read_bytes() == data


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    mark=st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "latin-1"]),
    lines=st.lists(
        st.tuples(st.text("aé \t\x0c", max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))
    ),
    last=st.sampled_from(["", "end"]),
)
async def test_reading_and_writing_back_gives_the_same_bytes(files, root, mark, lines, last):
    text = "".join(line + end for line, end in lines) + last
    boms = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    data = boms.get(mark, b"") + text.encode(mark)
    (root / "a").write_bytes(data)
    seen = await files.read(root / "a")
    assert seen.text == text
    await files.write(root / "a", seen.text + "!", seen.stamp)
    await files.write(root / "a", seen.text, (await files.read(root / "a")).stamp)
    assert (root / "a").read_bytes() == data


async def test_a_character_the_encoding_cannot_hold_changes_nothing(files, root):
    (root / "a").write_bytes(b"caf\xe9")
    stamp = (await files.read(root / "a")).stamp
    with pytest.raises(ToolError, match="line 2") as caught:
        await files.write(root / "a", "caf\xe9\n→", stamp)
    assert "2192" not in caught.value.brief
    assert (root / "a").read_bytes() == b"caf\xe9"


async def test_half_a_character_is_not_written(files, root):
    with pytest.raises(ToolError):
        await files.write(root / "a", "\ud800", None)
    assert [each.name for each in root.iterdir()] == []


async def test_a_missing_file_is_told_with_names_like_it(files, root):
    (root / "settings.py").touch()
    with pytest.raises(ToolError, match="Similar names here: settings") as caught:
        await files.read(root / "Setings.py")
    assert "settings.py" not in caught.value.brief
    for read in (files.read, files.read_bytes):
        with pytest.raises(ToolError, match="does not exist"):
            await read(root / "nowhere/a")


async def test_a_name_no_file_can_have_is_told(files, root):
    for operation in (
        files.read(root / ("x" * 300)),
        files.write(root / ("x" * 300), "x", None),
        files.list(root / ("x" * 300), recursive=False, limit=5, respect_gitignore=True),
    ):
        with pytest.raises(ToolError):
            await operation


@pytest.mark.parametrize("data", [b"\x7fELF\x00\x01", b"\xff\xfe\x00\x00a\x00\x00\x00"])
async def test_a_binary_file_is_refused(files, root, data):
    (root / "a").write_bytes(data)
    with pytest.raises(Binary, match="binary"):
        await files.read(root / "a")


async def test_a_file_that_is_too_large_is_refused_unread(files, root):
    with (root / "a").open("wb") as file:
        file.truncate(6 << 30)
    for read in (files.read, files.read_bytes):
        with pytest.raises(ToolError, match="too large"):
            await read(root / "a")
    with pytest.raises(ToolError, match="at most"):
        await files.write(root / "b", "x" * (LIMIT + 1), None)
    assert not (root / "b").exists()


async def test_a_folder_is_no_file(files, root):
    for read in (files.read, files.read_bytes):
        with pytest.raises(ToolError, match="list_files"):
            await read(root)
    with pytest.raises(ToolError):
        await files.write(root, "x", None)


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/environ", "/proc/1/mem"])
async def test_devices_and_the_kernels_files_are_refused(files, path):
    for read in (files.read, files.read_bytes):
        with pytest.raises(ToolError, match="refused"):
            await read(Path(path))
    with pytest.raises(ToolError, match="refused"):
        await files.write(Path(path), "x", "stamp")


async def test_a_pipe_is_refused_without_waiting_for_its_other_end(files, root):
    os.mkfifo(root / "fifo")
    for read in (files.read, files.read_bytes):
        with pytest.raises(ToolError, match="pipe"):
            await read(root / "fifo")
    with pytest.raises(ToolError, match="pipe"):
        await files.write(root / "fifo", "x", None)


async def test_a_write_through_a_link_changes_its_target_and_keeps_the_link(files, root):
    (root / "real").write_bytes(b"old")
    (root / "link").symlink_to("real")
    await files.write(root / "link", "new", (await files.read(root / "link")).stamp)
    assert (root / "link").is_symlink()
    assert (root / "real").read_bytes() == b"new"


async def test_links_in_a_circle_are_told(files, root):
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(ToolError):
        await files.read(root / "a")
    with pytest.raises(ToolError):
        await files.write(root / "a", "x", None)


async def test_a_large_file_is_read_and_written_whole(files, root):
    text = "line\r\n" * 45_000
    await files.write(root / "a", text, None)
    assert (await files.read(root / "a")).text == text


# --- listing --------------------------------------------------------------------------------


def names(listing, root) -> list[str]:
    return [
        entry.path.relative_to(root).as_posix() + "/" * entry.directory for entry in listing.entries
    ]


def plant(root: Path, *paths: str) -> None:
    for each in paths:
        path = root / each
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if each.endswith("/") else path.touch()


async def test_a_folder_is_listed_folders_first_in_natural_order(files, root):
    plant(root, "b10.txt", "b9.txt", "z/", "A/", ".hidden", ".#lock", ".git/config")
    listing = await files.list(root, recursive=False, limit=50, respect_gitignore=True)
    assert names(listing, root) == ["A/", "z/", ".hidden", "b9.txt", "b10.txt"]
    assert not listing.truncated


async def test_a_listing_goes_level_by_level_and_keeps_the_first_when_cut(files, root):
    plant(root, "a/deep/x", "a/1", "b/2", "c")
    listing = await files.list(root, recursive=True, limit=50, respect_gitignore=True)
    assert names(listing, root) == ["a/", "b/", "c", "a/deep/", "a/1", "b/2", "a/deep/x"]
    cut = await files.list(root, recursive=True, limit=4, respect_gitignore=True)
    assert names(cut, root) == ["a/", "b/", "c", "a/deep/"]
    assert cut.truncated


async def test_an_exact_fit_is_not_called_cut(files, root):
    plant(root, "a", "b")
    assert not (await files.list(root, recursive=True, limit=2, respect_gitignore=True)).truncated


async def test_nested_ignore_files_hide_and_are_counted(files, root):
    plant(root, ".git/HEAD", "build/x", "a.log", "keep.log", "sub/b.log", "sub/c", "sub/deep/c")
    (root / ".gitignore").write_text("*.log\n!keep.log\nbuild/\n")
    (root / "sub/.gitignore").write_text("/c\n!b.log\n")
    listing = await files.list(root, recursive=True, limit=50, respect_gitignore=True)
    found = names(listing, root)
    assert found == [
        "sub/",
        ".gitignore",
        "keep.log",
        "sub/deep/",
        "sub/.gitignore",
        "sub/b.log",
        "sub/deep/c",
    ]
    assert listing.hidden == 3
    below = await files.list(root / "sub", recursive=False, limit=50, respect_gitignore=True)
    assert "b.log" in names(below, root / "sub")
    everything = await files.list(root, recursive=True, limit=50, respect_gitignore=False)
    assert "build/x" in names(everything, root)


async def test_an_ignored_folder_that_is_named_is_listed(files, root):
    plant(root, ".git/HEAD", "node_modules/left-pad/index.js")
    (root / ".gitignore").write_text("node_modules/\n")
    listing = await files.list(
        root / "node_modules", recursive=True, limit=9, respect_gitignore=True
    )
    assert names(listing, root) == ["node_modules/left-pad/", "node_modules/left-pad/index.js"]


async def test_linked_folders_are_shown_but_not_followed(files, root):
    plant(root, "a/x")
    (root / "loop").symlink_to(root)
    listing = await files.list(root, recursive=True, limit=50, respect_gitignore=True)
    assert names(listing, root) == ["a/", "loop/", "a/x"]


async def test_an_ignore_pattern_that_makes_no_sense_hides_nothing_and_breaks_nothing(files, root):
    plant(root, "a", "b.log")
    (root / ".gitignore").write_text("!\n[\n*.log\n")
    listing = await files.list(root, recursive=True, limit=50, respect_gitignore=True)
    assert names(listing, root) == [".gitignore", "a"]


async def test_a_listing_of_what_is_no_folder_is_told(files, root):
    plant(root, "a")
    with pytest.raises(ToolError, match="read_file"):
        await files.list(root / "a", recursive=False, limit=5, respect_gitignore=True)
    with pytest.raises(ToolError, match="not found"):
        await files.list(root / "b", recursive=False, limit=5, respect_gitignore=True)
