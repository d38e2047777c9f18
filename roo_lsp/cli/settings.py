"""`roo-lsp settings`: what can be set, and what is set, where."""

import json
import re
from collections.abc import Sequence
from typing import Any, cast

from rich.console import Console
from rich.text import Text

from roo_lsp.app import current_settings
from roo_lsp.cli.drawing import readable_line
from roo_lsp.cli.options import (
    Parser,
    add_settings,
    add_workspace,
    settings,
    take_settings,
    with_command,
)
from roo_lsp.settings import Settings
from roo_lsp.settings_sources import Effective

MASK = "***"
_SECRETS = re.compile(
    r"(^|\.)(apiKey|headers\..+|query\..+|commands\.env\..+|mcpServers\..*\.(env|headers)\..+)$"
)
"""Dotted paths whose values are not shown."""
_PASSWORD = re.compile(r"(//[^/@\s]*:)[^/@\s]*@")


def main(arguments: Sequence[str]) -> int:
    """`schema`, or `show` (also without a word)."""
    parser = Parser(prog="roo-lsp settings", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    commands.add_parser("schema", help="the JSON Schema of the `roo` section")
    show = commands.add_parser("show", help="the effective settings, and where each came from")
    show.add_argument("--all", action="store_true", help="the defaults too")
    show.add_argument("--json", action="store_true", help="print JSON")
    add_workspace(show)
    add_settings(show)
    given = parser.parse_args(with_command(arguments, "show"))
    console = Console(highlight=False)
    if given.command == "schema":
        _print_json(console, Settings.model_json_schema(by_alias=True))
        return 0
    take_settings(settings(given))
    effective = current_settings()
    if given.json:
        _print_json(console, effective_json(effective))
    else:
        _print_settings(console, effective, everything=given.all)
    return 2 if effective.problems else 0


def effective_json(effective: Effective) -> dict[str, Any]:
    """The effective settings as JSON, secrets masked."""
    return {
        "settings": with_masks(_plain(effective)),
        "origins": dict(effective.origins),
        "problems": [{"path": each.path, "problem": each.text} for each in effective.problems],
    }


def _print_settings(console: Console, effective: Effective, *, everything: bool) -> None:
    rows = [
        (path, json.dumps(value, ensure_ascii=False), effective.origins.get(path, ""))
        for path, value in leaves(with_masks(_plain(effective)))
        if everything or path in effective.origins
    ]
    wide = max((len(path) for path, _, _ in rows), default=0)
    for path, value, origin in rows:
        console.print(
            Text.assemble(
                (f"{path:<{wide}}", "bold" if origin else "dim"),
                f"  {readable_line(value)}",
                (f"  {readable_line(origin) or 'default'}", "dim"),
            ),
            soft_wrap=True,
        )
    if not rows:
        console.print("Nothing is set: the defaults hold. --all shows them.")
    for problem in effective.problems:
        console.print(Text(readable_line(str(problem)), "bold red"), soft_wrap=True)
    console.print(Text("What an editor sends comes on top of the user's file.", "dim"))


def leaves(raw: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Each value with its dotted path; an empty object is a value."""
    found: list[tuple[str, Any]] = []
    for key, value in raw.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, dict) and value:
            found += leaves(cast("dict[str, Any]", value), path)
        else:
            found.append((path, cast("Any", value)))
    return found


def with_masks(raw: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings as they may be shown: a mask where a key is, or something that may be one."""
    return {
        key: _masked_value(f"{prefix}.{key}" if prefix else key, value)
        for key, value in raw.items()
    }


def _masked_value(path: str, value: Any) -> Any:
    if isinstance(value, dict):
        return with_masks(cast("dict[str, Any]", value), path)
    if value and _SECRETS.search(path):
        return MASK
    return _PASSWORD.sub(rf"\1{MASK}@", value) if isinstance(value, str) else value


def _plain(effective: Effective) -> dict[str, Any]:
    return json.loads(effective.settings.model_dump_json(by_alias=True))


def _print_json(console: Console, value: Any) -> None:
    console.print(
        Text(json.dumps(value, indent=2, ensure_ascii=not console.encoding.startswith("utf"))),
        soft_wrap=True,
    )
