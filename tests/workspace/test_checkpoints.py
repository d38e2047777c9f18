"""States of a folder: everything comes back byte for byte, nothing of the folder runs or is touched."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from roo_lsp.workspace.checkpoints import shadow as shadow_module
from roo_lsp.workspace.checkpoints.git import CheckpointError, Git, find_git
from roo_lsp.workspace.checkpoints.putting_back import PutBack, put_back
from roo_lsp.workspace.checkpoints.records import Records
from roo_lsp.workspace.checkpoints.shadow import FolderState, Shadow, blob_name

GIT = find_git([], os.environ["PATH"])
pytestmark = pytest.mark.skipif(GIT is None, reason="there is no git here")
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@dataclass
class Place:
    """A folder, and what keeps its states."""

    folder: Path
    shadow: Shadow
    buffers: dict[Path, str] = field(default_factory=dict)

    def write(self, name: str, data: bytes | str = b"") -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def look(self) -> FolderState:
        return self.shadow.look(self.buffers)

    def names(self, state: FolderState) -> set[str]:
        return {each.path for each in self.shadow.changes(EMPTY, state.tree)}

    def go_back(self, then: FolderState, open_files: tuple[str, ...] = ()) -> PutBack:
        now = self.look()
        changes = self.shadow.changes(now.tree, then.tree)
        return put_back(self.shadow, changes, open_files, then.skipped)


EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    assert GIT is not None
    folder = tmp_path / "work"
    folder.mkdir()
    shadow = Shadow.of(folder, tmp_path / "state", GIT)
    yield Place(folder, shadow)
    shadow.kill()


def bytes_below(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file and link, with its permissions and what it holds."""
    found: dict[str, tuple[int, bytes]] = {}
    for each in sorted(folder.rglob("*")):
        facts = each.lstat()
        name = each.relative_to(folder).as_posix()
        if stat.S_ISLNK(facts.st_mode):
            found[name] = (0, os.fsencode(each.readlink()))
        elif stat.S_ISREG(facts.st_mode):
            found[name] = (stat.S_IMODE(facts.st_mode), each.read_bytes())
    return found


def user_git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=u", "-c", "user.email=u@example.org")
    subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
    )


CONTENTS = {
    "crlf": b"one\r\ntwo\r\n",
    "mixed": b"one\r\ntwo\nthree\r",
    "binary": bytes(range(256)) * 40,
    "utf16": "\ufeffwörter\n".encode("utf-16-le"),
    "bom": b"\xef\xbb\xbfone\n",
    "ident": b"$Id$ $Id: abc $\n",
    "empty": b"",
    "no final newline": b"x",
    "line\nbreak": b"a",
    "tab\t\"quote'": b"b",
    "-rf": b"c",
    ":(glob)*": b"d",
    "ünïcode/日本": b"e",
    "deep/er/and/deeper": b"f",
}


@pytest.mark.parametrize("at_once", [3, 8_000])
@pytest.mark.parametrize("attributes", ["", "* text eol=crlf ident working-tree-encoding=UTF-16"])
def test_every_byte_of_every_file_comes_back(
    place: Place, attributes: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if at_once == 3:  # many files are taken in turns, and into packs
        monkeypatch.setattr(shadow_module, "AT_ONCE", 3)
        monkeypatch.setattr(shadow_module, "MANY", 2)
    if attributes:
        place.write(".gitattributes", attributes)
    for name, data in CONTENTS.items():
        place.write(name, data)
    (place.folder / os.fsdecode(b"bad\xff")).write_bytes(b"g")
    place.write("tool.sh", "#!/bin/sh\n").chmod(0o750)
    (place.folder / "link").symlink_to("../anywhere")
    before = bytes_below(place.folder)
    then = place.look()
    for each in place.folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
    place.write("crlf", b"other")
    place.write("link", b"a file now")
    back = place.go_back(then)
    assert back.left == []
    after = bytes_below(place.folder)
    assert {k: v[1] for k, v in after.items()} == {k: v[1] for k, v in before.items()}
    assert after["tool.sh"][0] & 0o100
    assert not after["crlf"][0] & 0o111


def test_permissions_beside_the_right_to_run_are_the_files_own(place: Place) -> None:
    file = place.write("a", "1")
    file.chmod(0o640)
    then = place.look()
    place.write("a", "2").chmod(0o750)
    place.go_back(then)
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("1", 0o640)


def test_files_made_since_go_and_so_do_their_folders(place: Place) -> None:
    place.write("kept", "1")
    (place.folder / "empty").mkdir()
    then = place.look()
    place.write("new/and/newer", "2")
    place.go_back(then)
    assert {each.name for each in place.folder.iterdir()} == {"kept", "empty"}


def test_a_folder_for_a_file_and_back(place: Place) -> None:
    place.write("a", "file")
    place.write("b/c", "in a folder")
    first = place.look()
    (place.folder / "a").unlink()
    place.write("a/x", "in a folder now")
    shutil.rmtree(place.folder / "b")
    place.write("b", "file now")
    second = place.look()
    assert place.names(second) == {"a/x", "b"}
    assert place.go_back(first).left == []
    assert {k: v[1] for k, v in bytes_below(place.folder).items()} == {
        "a": b"file",
        "b/c": b"in a folder",
    }
    assert place.go_back(second).left == []
    assert (place.folder / "a/x").exists()


def test_a_file_that_became_an_empty_folder_is_gone(place: Place) -> None:
    place.write("a", "file")
    place.write("z", "file")
    place.look()
    (place.folder / "a").unlink()
    (place.folder / "a").mkdir()
    assert place.names(place.look()) == {"z"}


def test_ignored_files_are_in_no_state_and_stay(place: Place) -> None:
    place.write(".gitignore", "*.log\n")
    place.write("build.log", "mine")
    place.write("node_modules/x/index.js", "theirs")
    then = place.look()
    assert place.names(then) == {".gitignore"}
    place.write("build.log", "mine, later")
    place.go_back(then)
    assert (place.folder / "build.log").read_text() == "mine, later"


def test_a_file_that_was_ignored_then_is_not_removed(place: Place) -> None:
    place.write(".gitignore", "secret\n")
    place.write("secret", "mine")
    then = place.look()
    place.write(".gitignore", "nothing\n")
    place.write("made", "by the agent")
    back = place.go_back(then)
    assert (place.folder / "secret").read_text() == "mine"
    assert not (place.folder / "made").exists()
    assert [path for path, _ in back.left] == ["secret"]


def test_large_and_unreadable_files_are_told_and_stay(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_module, "MAX_BYTES", 100)
    place.write("large", b"x" * 101)
    place.write("small", b"x")
    then = place.look()
    assert then.skipped == ("large",)
    place.write("large", b"small now")
    back = place.go_back(then)
    assert (place.folder / "large").read_bytes() == b"small now"
    assert [path for path, _ in back.left] == ["large"]


@pytest.mark.skipif(AS_ROOT, reason="root reads everything")
def test_a_file_that_cannot_be_read_does_not_stop_the_rest(place: Place) -> None:
    place.write("closed", "x").chmod(0)
    place.write("open", "y")
    then = place.look()
    assert (then.skipped, place.names(then)) == (("closed",), {"open"})


def test_pipes_and_what_is_called_git_are_left_alone(place: Place) -> None:
    os.mkfifo(place.folder / "pipe")
    place.write(".GIT/config", "x")
    place.write("GIT~1", "y")
    then = place.look()
    assert (place.names(then), then.skipped) == ({"GIT~1"}, (".GIT/config",))


def test_files_of_nested_repositories_are_in_the_state(place: Place) -> None:
    for name in ("sub", "sub/below", "new"):
        (place.folder / name).mkdir(exist_ok=True)
        user_git(place.folder / name, "init", "-q")
    place.write("sub/a", "1")
    place.write("sub/below/b", "2")
    place.write("new/c", "3")
    user_git(place.folder / "sub/below", "add", "b")
    user_git(place.folder / "sub/below", "commit", "-qm", "x")
    kept = bytes_below(place.folder)
    then = place.look()
    assert place.names(then) == {"sub/a", "sub/below/b", "new/c"}
    place.write("sub/below/b", "other")
    place.write("sub/below/d", "new")
    assert place.look().tree != then.tree
    assert place.go_back(then).left == []
    assert bytes_below(place.folder) == kept


def test_the_users_own_repository_is_byte_for_byte_as_it_was(place: Place) -> None:
    user_git(place.folder, "init", "-q")
    place.write("a", "committed")
    user_git(place.folder, "add", "a")
    user_git(place.folder, "commit", "-qm", "x")
    place.write("a", "staged")
    user_git(place.folder, "add", "a")
    place.write("a", "not staged")
    before = bytes_below(place.folder)
    then = place.look()
    place.write("a", "by the agent")
    place.write("b", "by the agent")
    place.go_back(then)
    assert bytes_below(place.folder) == before


def test_what_the_repository_excludes_privately_is_in_no_state(place: Place) -> None:
    user_git(place.folder, "init", "-q")
    place.write(".git/info/exclude", "private\n")
    place.write("private", "x")
    place.write("public", "y")
    assert place.names(place.look()) == {"public"}


@pytest.mark.parametrize("where", ["", "sub"])
def test_a_hostile_repository_runs_nothing(place: Place, tmp_path: Path, where: str) -> None:
    repository = place.folder / where
    repository.mkdir(exist_ok=True)
    user_git(repository, "init", "-q")
    place.write("sub/committed", "x")
    user_git(repository, "add", "-A")
    user_git(repository, "commit", "-qm", "x")
    trap = tmp_path / "trap"
    shot = tmp_path / "shot"
    trap.write_text(f"#!/bin/sh\ntouch {shot}\ncat\n")
    trap.chmod(0o755)
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-commit", "post-index-change", "post-checkout", "reference-transaction"):
        shutil.copy(trap, hooks / hook)
    for key in (
        "core.fsmonitor",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "diff.external",
        "core.sshCommand",
        "core.pager",
        "gpg.program",
        "core.editor",
    ):
        user_git(repository, "config", key, str(trap))
    user_git(repository, "config", "core.hooksPath", str(hooks))
    user_git(repository, "config", "commit.gpgSign", "true")
    place.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    place.write("a", "1\n")
    shot.unlink(missing_ok=True)
    then = place.look()
    place.write("a", "2\n")
    place.write("sub/committed", "changed")
    now = place.look()
    text, _ = place.shadow.difference(then.tree, now.tree, 10_000)
    assert "-1\n+2\n" in text
    place.go_back(then)
    assert (place.folder / "a").read_text() == "1\n"
    assert not shot.exists()


def test_no_setting_of_the_environment_gets_through(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "objects"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "x")
    place.write("a", "1")
    place.look()
    assert not (tmp_path / "elsewhere").exists()
    assert (place.shadow.repository / "index").exists()


# --- what an editor holds --------------------------------------------------------------------


def test_unsaved_text_counts_in_the_encoding_of_its_file(place: Place) -> None:
    file = place.write("a", "\ufeffsaved\n".encode("utf-16-le"))
    saved = place.look()
    place.buffers[file] = "typed\n"
    typed = place.look()
    (change,) = place.shadow.changes(saved.tree, typed.tree)
    (data,) = place.shadow.contents([change.blob])
    assert data == "\ufefftyped\n".encode("utf-16-le")
    assert place.look() == FolderState(typed.tree, 0, ())
    place.buffers.clear()
    assert place.look().tree == saved.tree


def test_unsaved_text_counts_in_the_encoding_that_its_file_is_said_to_have(place: Place) -> None:
    """By the bytes alone it would be another: they are text in both."""
    place.write(".editorconfig", "root = true\n[*.txt]\ncharset = koi8-r\n")
    file = place.write("a.txt", "да\n".encode("koi8-r"))
    saved = place.look()
    place.buffers[file] = "нет\n"
    (change,) = place.shadow.changes(saved.tree, place.look().tree)
    (data,) = place.shadow.contents([change.blob])
    assert data == "нет\n".encode("koi8-r")


def test_unsaved_text_of_ignored_and_missing_files_does_not_count(place: Place) -> None:
    place.write(".gitignore", "hidden\n")
    empty = place.look()
    place.buffers[place.write("hidden", "x")] = "y"
    place.buffers[place.folder / "new"] = "z"
    place.buffers[place.folder.parent / "outside"] = "z"
    assert place.look().tree == empty.tree


def test_an_open_file_is_left_to_the_editor(place: Place) -> None:
    file = place.write("a", "1")
    then = place.look()
    place.write("a", "2")
    place.write("made", "x")
    back = place.go_back(then, open_files=("a", "made"))
    assert back.texts == {"a": b"1"}
    assert file.read_text() == "2"
    assert (back.gone, back.left) == (["made"], [])


def test_an_open_file_that_was_deleted_is_on_disk_again(place: Place) -> None:
    file = place.write("a", "1")
    then = place.look()
    file.unlink()
    back = place.go_back(then, open_files=("a",))
    assert (file.read_text(), back.texts) == ("1", {"a": b"1"})


# --- going back carefully --------------------------------------------------------------------


def test_what_changed_at_the_same_moment_is_left(place: Place) -> None:
    file = place.write("a", "1")
    place.write("gone", "1")
    then = place.look()
    place.write("a", "2")
    (place.folder / "gone").unlink()
    place.write("made", "2")
    now = place.look()
    place.write("a", "the user's")
    place.write("gone", "the user's")
    place.write("made", "the user's")
    back = put_back(place.shadow, place.shadow.changes(now.tree, then.tree), (), ())
    assert {path for path, _ in back.left} == {"a", "gone", "made"}
    assert {file.read_text(), (place.folder / "gone").read_text()} == {"the user's"}


def test_no_link_is_followed_out_of_the_folder(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("theirs")
    place.write("sub/a", "1")
    then = place.look()
    shutil.rmtree(place.folder / "sub")
    (place.folder / "sub").symlink_to(outside)
    back = place.go_back(then)
    assert back.left == []
    assert (outside / "a").read_text() == "theirs"
    assert not (place.folder / "sub").is_symlink()
    assert (place.folder / "sub/a").read_text() == "1"


def test_a_folder_swapped_for_a_link_is_an_error_of_its_files(place: Place, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    place.write("sub/a", "1")
    then = place.look()
    place.write("sub/a", "2")
    now = place.look()
    shutil.rmtree(place.folder / "sub")
    (outside / "a").write_text("2")
    (place.folder / "sub").symlink_to(outside)
    back = put_back(place.shadow, place.shadow.changes(now.tree, then.tree), (), ())
    assert [path for path, _ in back.left] == ["sub/a"]
    assert (outside / "a").read_text() == "2"


# --- cost ------------------------------------------------------------------------------------


def test_a_look_that_finds_nothing_is_one_process(place: Place) -> None:
    place.write("a", "1")
    runs = _runs(place, place.look)
    assert runs == 3
    assert _runs(place, place.look) == 1
    place.write("a", "2")
    assert _runs(place, lambda: place.shadow.look({}, [place.folder / "a"])) == 2
    assert _runs(place, place.look) == 1


def test_what_is_told_to_have_changed_is_taken_unless_it_is_ignored(place: Place) -> None:
    place.write(".gitignore", "hidden\n")
    gone = place.write("gone", "1")
    place.look()
    gone.unlink()
    told = [gone, place.write("new/file", "2"), place.write("hidden", "3"), Path("/etc/passwd")]
    assert place.names(place.shadow.look({}, told)) == {".gitignore", "new/file"}


def _runs(place: Place, work: Callable[[], object]) -> int:
    before = place.shadow.git.runs
    work()
    return place.shadow.git.runs - before


def test_five_thousand_files_are_one_pack(place: Place) -> None:
    for number in range(5000):
        place.write(f"d{number % 50}/f{number}", f"{number}\n" * 20)
    first = place.look()
    assert first.changed == 5000
    packs = list((place.shadow.repository / "objects" / "pack").glob("*.pack"))
    assert len(packs) == 1
    place.write("d1/f1", "changed")
    second = place.look()
    assert [each.path for each in place.shadow.changes(first.tree, second.tree)] == ["d1/f1"]


# --- faults ----------------------------------------------------------------------------------


def test_a_git_killed_midway_leaves_nothing_that_is_in_the_way(place: Place) -> None:
    place.write("a", "1")
    place.look()
    (place.shadow.repository / "index.lock").write_bytes(b"half")
    (place.shadow.repository / "state.json").write_text('{"tree": "')
    place.write("a", "2")
    state = place.look()
    assert place.names(state) == {"a"}


def test_lost_objects_are_written_again(place: Place) -> None:
    place.write("a", "1")
    place.look()
    shutil.rmtree(place.shadow.repository / "objects")
    place.write("b", "2")
    state = place.look()
    changes = place.shadow.changes(EMPTY, state.tree)
    assert sorted(place.shadow.contents([each.blob for each in changes])) == [b"1", b"2"]


def test_a_repository_that_was_tidied_away_is_made_again(place: Place) -> None:
    place.write("a", "1")
    place.look()
    shutil.rmtree(place.shadow.repository)
    assert place.names(place.look()) == {"a"}


def test_a_full_disk_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("a", "1")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shadow_module, "write_private", full)
    with pytest.raises(CheckpointError, match="No space left"):
        place.look()


def test_a_git_that_fails_is_told_in_its_words(place: Place, tmp_path: Path) -> None:
    broken = tmp_path / "git"
    broken.write_text("#!/bin/sh\necho 'fatal: out of luck' >&2\nexit 3\n")
    broken.chmod(0o755)
    shadow = Shadow.of(place.folder, tmp_path / "other", broken)
    with pytest.raises(CheckpointError, match="git ls-files failed: fatal: out of luck"):
        shadow.look({})


def test_a_git_that_hangs_is_ended(place: Place, tmp_path: Path) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    git = Git(slow, place.shadow.repository, place.folder, seconds=0.05)
    with pytest.raises(CheckpointError, match=r"took longer than 0\.05 s"):
        git("ls-files")


def test_killing_ends_what_runs_and_starts_nothing_more(place: Place, tmp_path: Path) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    slow = tmp_path / "git"
    slow.write_text(f"#!/bin/sh\necho x > {started}\nexec sleep 600\n")
    slow.chmod(0o755)
    git = Git(slow, place.shadow.repository, place.folder)
    failures: list[CheckpointError] = []

    def run() -> None:
        try:
            git("ls-files")
        except CheckpointError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    started.read_text()
    git.kill()
    thread.join(60)
    assert len(failures) == 1
    with pytest.raises(CheckpointError, match="the server ends"):
        git("ls-files")


def test_a_state_that_is_gone_is_an_error_and_nothing_is_changed(place: Place) -> None:
    place.write("a", "1")
    then = place.look()
    place.write("a", "2")
    now = place.look()
    changes = place.shadow.changes(now.tree, then.tree)
    sha = blob_name(b"1")
    (place.shadow.repository / "objects" / sha[:2] / sha[2:]).unlink()
    with pytest.raises(CheckpointError):
        put_back(place.shadow, changes, (), ())
    assert (place.folder / "a").read_text() == "2"


LOOK_AND_PRINT = """
import sys
from pathlib import Path
from roo_lsp.workspace.checkpoints.shadow import Shadow
folder, state, git, rounds = sys.argv[1:]
shadow = Shadow.of(Path(folder), Path(state), Path(git))
for number in range(int(rounds)):
    Path(folder, f"{sys.argv[0]}{number}").write_text("x")
    shadow.look({})
print(shadow.look({}).tree)
"""


def test_two_servers_at_once_keep_out_of_each_others_way(place: Place, tmp_path: Path) -> None:
    place.write("a", "1")
    arguments = [str(place.folder), str(tmp_path / "state"), str(GIT), "10"]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", LOOK_AND_PRINT, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for each in both:
        _, complaint = each.communicate(timeout=240)
        assert each.returncode == 0, complaint
    assert len(place.names(place.look())) == 11


def test_a_server_that_is_killed_while_it_looks_is_not_in_the_way(
    place: Place, tmp_path: Path
) -> None:
    for number in range(300):
        place.write(f"f{number}", f"{number}")
    arguments = [str(place.folder), str(tmp_path / "state"), str(GIT), "1000"]
    other = subprocess.Popen(
        [sys.executable, "-c", LOOK_AND_PRINT, *arguments], start_new_session=True
    )
    while not (place.shadow.repository / "index").exists():
        assert other.poll() is None
    os.killpg(other.pid, signal.SIGKILL)
    other.wait()
    assert place.names(place.look()) == set(bytes_below(place.folder))


# --- what is kept ----------------------------------------------------------------------------


def test_what_is_kept_survives_tidying_until_it_is_released(place: Place) -> None:
    place.write("a", "1")
    then = place.look()
    place.shadow.keep("t1", "1", then.tree)
    place.shadow.keep("t2", "1", then.tree)
    place.write("a", "2")
    place.look()
    place.shadow.tidy(lambda task_id: task_id == "t1")
    refs = place.shadow.repository / "refs" / "roo"
    assert [each.name for each in refs.iterdir()] == ["t1"]
    place.shadow.git("gc", "--quiet", "--prune=now")
    assert place.go_back(then).done == ["a"]
    place.shadow.release("t1")
    place.shadow.git("gc", "--quiet", "--prune=now")
    place.write("a", "3")
    with pytest.raises(CheckpointError):
        place.shadow.changes(place.look().tree, place.shadow.look({}).tree[::-1])


def test_the_oldest_tasks_are_let_go_of(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_module, "MAX_TASKS", 2)
    place.write("a", "1")
    then = place.look()
    refs = place.shadow.repository / "refs" / "roo"
    for number in range(4):
        place.shadow.keep(f"t{number}", "1", then.tree)
        os.utime(refs / f"t{number}", (number, number))
    place.shadow.tidy(lambda _: True)
    assert {each.name for each in refs.iterdir()} == {"t2", "t3"}


def test_the_state_folder_is_private_and_in_no_state_of_itself(tmp_path: Path) -> None:
    assert GIT is not None
    tmp_path.joinpath("a").write_text("1")
    shadow = Shadow.of(tmp_path, tmp_path / "st [a]te", GIT)
    place = Place(tmp_path, shadow)
    assert place.names(place.look()) == {"a"}
    for each in (shadow.repository, shadow.repository / "config", shadow.repository / "state.json"):
        assert stat.S_IMODE(each.stat().st_mode) & 0o077 == 0


def test_records_come_back_also_behind_a_torn_line(tmp_path: Path) -> None:
    records = Records(tmp_path / "checkpoints.jsonl")
    first = records.add("Before", 1, 2, {"/w": "t"}, {"/w": [os.fsdecode(b"bad\xff"), "a b"]})
    with records.file.open("ab") as file:
        file.write(b'{"id": "c2", "lab')
    second = records.add("After", 1, 4, {"/w": "u"}, {})
    assert [each.id for each in records.all()] == [first.id, second.id]
    assert records.all()[0].was_skipped("/w") == {os.fsdecode(b"bad\xff"), "a b"}
    assert stat.S_IMODE(records.file.stat().st_mode) == 0o600


def test_a_git_in_the_workspace_is_not_used(tmp_path: Path) -> None:
    inside, outside = tmp_path / "work" / "bin", tmp_path / "bin"
    for each in (inside, outside):
        each.mkdir(parents=True)
        (each / "git").write_text("#!/bin/sh\n")
        (each / "git").chmod(0o755)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "git").symlink_to(inside / "git")
    path = os.pathsep.join(["", ".", "bin", str(inside), str(tmp_path / "linked"), str(outside)])
    assert find_git([tmp_path / "work"], path) == outside / "git"
    assert find_git([tmp_path], path) is None
