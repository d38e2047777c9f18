"""What several commands take from their command line: a workspace, and settings of its own.

These settings go to the server in $ROO_CLI_SETTINGS, where they are the strongest source.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from roo_lsp.settings import Raw, SettingProblem, cleaned

CLI_SETTINGS = "ROO_CLI_SETTINGS"
"""The environment variable that carries them."""

YES_KINDS = ("read", "edit", "execute", "mcp")
ALL_KINDS = (*YES_KINDS, "mode", "subtask", "fetch")
"""What a bare `--yes` switches on."""


class BadUsage(Exception):
    """The command line or the settings are wrong; exit code 2."""


class Parser(argparse.ArgumentParser):
    """Raises what is wrong, so that the exit code is one place's business."""

    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{message}\n{self.format_usage().strip()}")


@dataclass(frozen=True, slots=True)
class Consent:
    """What `--yes` said."""

    kinds: frozenset[str] = frozenset()
    everything: bool = False

    def settings(self) -> Raw:
        """As settings: what the server need not ask."""
        kinds = ALL_KINDS if self.everything else sorted(self.kinds)
        return {"autoApprove": dict.fromkeys(kinds, True)} if kinds else {}


def with_command(arguments: Sequence[str], likely: str) -> list[str]:
    """The arguments, with the likely command in front where none is named."""
    named = bool(arguments) and (
        not arguments[0].startswith("-") or arguments[0] in {"-h", "--help"}
    )
    return [*arguments] if named else [likely, *arguments]


def add_workspace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workspace", metavar="DIR", default=".", help="the folder to work in (default: here)"
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", metavar="P", help="the profile to use")
    parser.add_argument(
        "--settings", metavar="FILE", help="settings from a JSON file, in the shape of `roo`"
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="assignments",
        help="one setting, dotted: --set provider.modelId=qwen3 --set limits.requests=20",
    )


def workspace(given: argparse.Namespace) -> Path:
    """The folder to work in, spelled as it was given.

    Raises:
        BadUsage: there is no such folder.
    """
    folder = Path(os.path.abspath(Path(given.workspace).expanduser()))  # noqa: PTH100 -- links stay
    if not folder.is_dir():
        raise BadUsage(f"--workspace: {folder} is not a folder")
    return folder


def settings(given: argparse.Namespace, consent: Consent | None = None) -> Raw:
    """The settings of a command line: --settings, then --yes, then --set and --profile.

    Raises:
        BadUsage: naming each key that is wrong.
    """
    found = _from_file(given.settings) if given.settings else {}
    if consent is not None:
        found = merged_objects(found, consent.settings())
    for text in given.assignments:
        found = merged_objects(found, assignment(text))
    if given.profile:
        found = merged_objects(found, {"profile": given.profile})
    return found


def assignment(text: str) -> Raw:
    """`key=value` as settings; the value is JSON, or else a string.

    Raises:
        BadUsage: an unknown key, or a value that cannot be.
    """
    key, sign, value = text.partition("=")
    path = key.strip().removeprefix("roo.").split(".")
    if not sign or not all(path):
        raise BadUsage(f"--set {text}: expected KEY=VALUE, as in provider.modelId=qwen3")
    as_text = _nested(path, value)
    try:
        as_json = _nested(path, json.loads(value))
    except ValueError:
        return _checked(as_text, f"--set {key}")
    if _problems(as_json) and not _problems(as_text):
        return as_text  # a model called 123
    return _checked(as_json, f"--set {key}")


def environment(cli_settings: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a child that is to take these settings; nobody else's get through."""
    variables = {name: value for name, value in os.environ.items() if name != CLI_SETTINGS}
    if cli_settings:
        variables[CLI_SETTINGS] = json.dumps(cli_settings)
    return variables


def take_settings(cli_settings: Mapping[str, Any]) -> None:
    """Let this process take these settings, as `environment` lets a child."""
    os.environ.pop(CLI_SETTINGS, None)
    if cli_settings:
        os.environ[CLI_SETTINGS] = json.dumps(cli_settings)


def split_yes(arguments: Sequence[str]) -> tuple[list[str], Consent]:
    """The arguments without `--yes[=kinds]`, and what it said.

    argparse would take the prompt for the kinds.

    Raises:
        BadUsage: an unknown kind.
    """
    rest: list[str] = []
    kinds: set[str] = set()
    everything = False
    for number, argument in enumerate(arguments):
        if argument == "--":
            rest += arguments[number:]
            break
        if argument == "--yes":
            everything = True
        elif argument.startswith("--yes="):
            named = [kind.strip() for kind in argument.removeprefix("--yes=").split(",")]
            if unknown := [kind for kind in named if kind not in YES_KINDS]:
                raise BadUsage(
                    f"--yes={','.join(named)}: no kind {unknown[0]!r}; "
                    f"the kinds are {', '.join(YES_KINDS)}"
                )
            kinds |= set(named)
        else:
            rest.append(argument)
    return rest, Consent(frozenset(kinds), everything)


def _from_file(name: str) -> Raw:
    file = Path(name).expanduser()
    try:
        raw: object = json.loads(file.read_text("utf-8-sig"))
    except OSError as error:
        raise BadUsage(f"--settings: {file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BadUsage(f"--settings: {file} is not JSON: {error}") from error
    return _checked(raw, f"--settings {name}")


def _checked(raw: object, where: str) -> Raw:
    clean, problems = cleaned(json.loads(json.dumps(raw)))
    if problems:
        raise BadUsage("\n".join(f"{where}: {problem}" for problem in problems))
    return clean


def _problems(raw: Raw) -> list[SettingProblem]:
    return cleaned(json.loads(json.dumps(raw)))[1]


def _nested(path: Sequence[str], value: object) -> Raw:
    for step in reversed(path):
        value = {step: value}
    return value  # pyright: ignore[reportReturnType] -- the path has at least one step


def merged_objects(under: Mapping[str, Any], over: Mapping[str, Any]) -> Raw:
    """One laid over the other, objects joined key by key."""
    result = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged_objects(result[key], over[key]) if both else value
    return result
