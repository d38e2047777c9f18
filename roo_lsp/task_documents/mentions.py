"""What a mention in a task document names, before it is sent: for hovers, and for what is wrong with it."""

import os
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.tool import Workspace
from roo_lsp.tasks.mentions import Mention, place_of
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.uris import is_new


@dataclass(frozen=True, slots=True)
class Named:
    """What a mention is of, or why it is of nothing."""

    path: Path | None
    problem: str = ""


def named(mention: Mention, workspace: Workspace, ignore: RooIgnore) -> Named:
    """The file or folder, where there is one that the agent may read without a question."""
    if mention.kind != "path" or is_new(mention.name):
        return Named(None)
    path = place_of(mention.name, workspace)
    if path is None:
        return Named(None, f"There is no {mention.name} here, so nothing goes along for it.")
    real = Path(os.path.realpath(path))
    if ignore.keeps(path, real) or ignore.problem(path, real):
        return Named(None, f"{mention.name} does not go along: .rooignore keeps it from the agent.")
    if not any(real.is_relative_to(os.path.realpath(each)) for each in workspace.folders):
        return Named(
            None, f"{mention.name} is outside the workspace: you are asked when it is sent."
        )
    if mention.lines is not None:
        first, last = mention.lines
        if last < first:
            return Named(None, f"Lines {first}-{last} are none, so nothing goes along.")
        if real.is_dir():
            return Named(None, f"{mention.name} is a folder and has no lines; nothing goes along.")
    return Named(path)
