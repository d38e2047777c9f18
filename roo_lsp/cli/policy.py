"""`roo-lsp policy`: what would be decided about a command, and why; nothing is run.

It decides as if `autoApprove.execute` were on.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roo_lsp.agent.errors import RooError
from roo_lsp.app import current_settings
from roo_lsp.cli.options import (
    Parser,
    add_settings,
    add_workspace,
    settings,
    take_settings,
    workspace,
)
from roo_lsp.workspace.shell import Lists, decide


class _Line(BaseModel):
    """One line of input."""

    model_config = ConfigDict(extra="forbid", strict=True)
    command: str
    allowed: Annotated[list[str] | None, Field(alias="allowedCommands")] = None
    denied: Annotated[list[str] | None, Field(alias="deniedCommands")] = None


def main(arguments: Sequence[str]) -> int:
    """One JSON object for each command; exit code 2 if a line of input was wrong."""
    parser = Parser(prog="roo-lsp policy", description=__doc__)
    parser.add_argument(
        "commands",
        metavar="COMMAND",
        nargs="*",
        help="commands, each one argument (default: JSON lines {command, allowedCommands, "
        "deniedCommands} from standard input)",
    )
    add_workspace(parser)
    add_settings(parser)
    given = parser.parse_args(arguments)
    take_settings(settings(given))
    effective = current_settings()
    if effective.problems:
        raise RooError("settings_invalid", "; ".join(map(str, effective.problems)))
    lists = Lists(effective.settings.allowed_commands, effective.settings.denied_commands)
    folder = workspace(given)
    if given.commands:
        for command in given.commands:
            _say(_decided(command, lists, folder))
        return 0
    return _lines(sys.stdin.buffer, lists, folder)


def _lines(lines: Iterable[bytes], lists: Lists, folder: Path) -> int:
    code = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = _Line.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            _say({"line": number, "error": f"{where}: {first['msg']}" if where else first["msg"]})
            code = 2
            continue
        own = Lists(
            lists.allowed if found.allowed is None else tuple(found.allowed),
            lists.denied if found.denied is None else tuple(found.denied),
        )
        _say(_decided(found.command, own, folder))
    return code


def _decided(command: str, lists: Lists, folder: Path) -> dict[str, object]:
    verdict = decide(command, lists, folder)
    return {
        "command": command,
        "decision": verdict.decision,
        "reason": verdict.reason,
        "commands": verdict.commands,
    }


def _say(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()
