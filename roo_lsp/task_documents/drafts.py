"""Drafts: task documents that are begun for the user, who writes the question and saves."""

import secrets
import time
from pathlib import Path

from roo_lsp.task_documents.form import SKELETON, SUFFIX
from roo_lsp.workspace.lines import split_lines
from roo_lsp.workspace.private import write_private

OTHERWISE = "Write your question at the end of {file} and save it: Roo answers there."
"""For editors that cannot be told to show it."""


def write_draft(folder: Path, mention: str) -> tuple[Path, int]:
    """A new task document that points at something, and the line, from 0, to go on writing in.

    Raises:
        OSError: it cannot be written.
    """
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}{SUFFIX}"
    text = f"{SKELETON}{mention}\n\n"
    write_private(folder / name, text)
    return folder / name, len(split_lines(text))
