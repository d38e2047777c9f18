"""Modes of Roo Code's exports: `custom_modes.yaml`, and one mode with its rules files."""

import os
import re
from pathlib import Path, PurePosixPath
from typing import Any, cast

from roo_lsp.cli.importing.plan import Plan
from roo_lsp.workspace.mode_files import modes_of_setting

_OLD = re.compile(r"^rules-[A-Za-z0-9-]+/")
"""In front of paths of older exports."""


def take_modes(plan: Plan, given: object, where: str, home: Path) -> None:
    """The modes of a list; those that could not be used are told. Rules go to where `~/.roo` is read."""
    if not isinstance(given, list):
        plan.leave(where, "expected a list of modes")
        return
    for number, each in enumerate(cast("list[object]", given)):
        name = f"{where}[{number}]"
        if not isinstance(each, dict):
            plan.leave(name, "expected an object")
            continue
        mode = {
            key: value for key, value in cast("dict[str, Any]", each).items() if key != "source"
        }
        rules = mode.pop("rulesFiles", None)
        read = modes_of_setting([mode], where)
        if not read.modes:
            plan.leave(name, "; ".join(problem.text for problem in read.problems))
            continue
        plan.modes.append(mode)
        _take_rules(plan, rules, read.modes[0].slug, name, home)


def _take_rules(plan: Plan, given: object, slug: str, where: str, home: Path) -> None:
    for each in cast("list[object]", given) if isinstance(given, list) else []:
        row = cast("dict[str, object]", each) if isinstance(each, dict) else {}
        asked, text = row.get("relativePath"), row.get("content")
        if not isinstance(asked, str) or not isinstance(text, str):
            plan.leave(f"{where}.rulesFiles", "expected relativePath and content")
            continue
        path = PurePosixPath(_OLD.sub("", asked.replace("\\", "/")))
        if (
            path.is_absolute()
            or ".." in path.parts
            or not path.parts
            or "\0" in asked
            or ":" in asked
        ):
            plan.leave(
                f"{where}.rulesFiles",
                f"{asked[:80]!r} does not stay in the folder of the mode's rules",
            )
            continue
        folder = home / ".roo" / f"rules-{slug}"
        plan.files[Path(os.path.normpath(folder / path))] = text
