"""What git says of a folder: the branch, its commit and what is changed, whatever form the repository has."""

import subprocess
from pathlib import Path

import pytest

from roo_lsp.workspace.checkpoints.git import find_git
from roo_lsp.workspace.repository import GitStatus, Repository, git_status

PROGRAM = find_git([], "/usr/local/bin:/usr/bin:/bin")


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    ran = subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)
    return ran.stdout.decode().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with one commit."""
    made = tmp_path / "repo"
    made.mkdir()
    git(made, "init")
    (made / "a b.py").write_text("a = 1\n", "utf-8")
    git(made, "add", ".")
    git(made, "commit", "-m", "first")
    return made


def asked(folder: Path) -> GitStatus | None:
    place = Repository.around(folder)
    assert place is not None
    assert PROGRAM is not None
    return git_status(PROGRAM, place)


def test_a_clean_repository_has_a_branch_and_a_commit(folder: Path) -> None:
    assert asked(folder) == GitStatus("main", git(folder, "rev-parse", "HEAD"), ())


def test_changed_staged_deleted_and_new_files_are_told_with_their_paths(folder: Path) -> None:
    (folder / "gone.py").write_text("", "utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "second")
    (folder / "gone.py").unlink()
    (folder / "a b.py").write_text("a = 2\n", "utf-8")
    (folder / "new").mkdir()
    (folder / "new/c.py").write_text("", "utf-8")
    (folder / "staged.py").write_text("", "utf-8")
    git(folder, "add", "staged.py")
    found = asked(folder)
    assert found is not None
    assert {path.relative_to(folder).as_posix(): how for how, path in found.changed} == {
        "a b.py": "M",
        "gone.py": "D",
        "new": "??",
        "staged.py": "A",
    }


def test_a_folder_within_is_in_the_same_repository(folder: Path) -> None:
    (folder / "sub").mkdir()
    place = Repository.around(folder / "sub")
    assert place is not None
    assert place.top == folder


def test_packed_branches_and_a_commit_without_a_branch_are_read(folder: Path) -> None:
    commit = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "-b", "feature/x")
    git(folder, "pack-refs", "--all")
    assert asked(folder) == GitStatus("feature/x", commit, ())
    git(folder, "checkout", "--detach")
    assert asked(folder) == GitStatus("", commit, ())


def test_another_work_tree_has_its_own_branch_and_the_same_objects(folder: Path) -> None:
    other = folder.parent / "other"
    git(folder, "worktree", "add", "-b", "second", str(other))
    (other / "a b.py").write_text("a = 3\n", "utf-8")
    found = asked(other)
    assert found is not None
    assert (found.branch, found.changed) == ("second", (("M", other / "a b.py"),))


def test_before_the_first_commit_there_is_a_branch_and_all_is_new(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("", "utf-8")
    assert asked(tmp_path) == GitStatus("main", "", (("??", tmp_path / "a.py"),))


def test_outside_a_repository_there_is_none(tmp_path: Path) -> None:
    assert Repository.around(tmp_path) is None


def test_the_stamp_is_another_one_after_a_switch_and_a_commit(folder: Path) -> None:
    place = Repository.around(folder)
    assert place is not None
    stamps = [place.stamp]
    git(folder, "checkout", "-b", "other")
    stamps.append(place.stamp)
    git(folder, "commit", "--allow-empty", "-m", "second")
    stamps.append(place.stamp)
    assert len({str(each) for each in stamps}) == 3


def test_a_repository_of_another_format_has_no_answer(folder: Path) -> None:
    index = folder / ".git/index"
    index.write_bytes(b"no index")
    assert asked(folder) is None
