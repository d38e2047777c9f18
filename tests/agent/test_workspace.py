"""Paths of a workspace of several folders: one that is named finds its way there and back."""

from pathlib import Path

import pytest

from roo_lsp.agent.tool import Workspace

FOLDERS = {"lib": Path("/other/lib")}
SEVERAL = Workspace((Path("/w"), *FOLDERS.values()), lambda: FOLDERS)


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("lib/a.py", "/other/lib/a.py"),
        ("lib", "/other/lib"),
        ("src/a.py", "/w/src/a.py"),
        (".", "/w"),
        ("/tmp/a.py", "/tmp/a.py"),
    ],
)
def test_a_path_is_shown_as_it_is_asked_for(asked: str, path: str) -> None:
    assert SEVERAL.path(asked) == Path(path)
    assert SEVERAL.show(Path(path)) == asked


def test_a_path_from_the_root_begins_with_no_folders_name() -> None:
    assert SEVERAL.path("/lib/a.py") == Path("/lib/a.py")
