"""Whether a real editor is there: by hand a test without it is skipped, in CI it fails."""

import os
from pathlib import Path

import pytest

EDITORS = Path(os.environ.get("ROO_EDITORS") or Path.home() / ".cache" / "roo-lsp-editors")
"""Where the scripts in `parts/` put the editors that are no Python packages."""


def need(path: Path, how: str) -> Path:
    """The path, if something is there.

    Args:
        path: the editor's program or folder.
        how: the command that installs it, for the person who reads why a test did not run.
    """
    if not path.exists():
        message = f"{path} is not there: {how}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path
