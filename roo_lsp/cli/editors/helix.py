"""Helix's `languages.toml` with Roo in every language, and the keys for its `config.toml`.

Helix starts a language server only in the languages that name it, there is no wildcard, and a
language's `language-servers` replaces Helix's own list. So each language is named here with the list
that is in effect without us, and `roo` behind it.

Those lists are in Helix's program: its own languages.toml is compiled in as text, in every version
since 22.12, and no command prints it whole. Where it cannot be read (no Helix on the PATH, a packed
program), a table serves that came out of Helix 25.07.1: the languages that 25.01 has as well, since
Helix throws away the whole file for one language that it does not know.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from platformdirs.unix import Unix
from platformdirs.windows import Windows

from roo_lsp.agent.errors import RooError
from roo_lsp.cli.editors.data import data
from roo_lsp.cli.editors.found import Installed, Version
from roo_lsp.workspace.paths import followed, is_program

NAME = "roo"
ARGUMENTS_SINCE: Version = (25, 7)
"""Before it, `:lsp-workspace-command` takes no arguments: no prompt can be given to a command."""
BEGIN = (
    "# --- Roo in every language: made by `roo-lsp editor helix`; run it again after an update ---"
)
END = "# --- end of Roo in every language ---"
LARGEST_WRAPPER = 64 * 1024
"""Bytes of a script or small program that only starts the real one."""

PROGRESS = "display-progress-messages"
PROVIDER = """\
[language-server.roo.config.roo.provider]
baseUrl = "" # empty: Ollama, LM Studio, llama.cpp or vLLM on this machine
modelId = "" # empty: the only one that is served"""

HelixServer = str | Mapping[str, Any]
"""As Helix has it: a name, or a table with `name` and the features to use it for."""
Servers = tuple[HelixServer, ...]


@dataclass(frozen=True, slots=True)
class Languages:
    """The language servers of each language, in Helix's order, which decides between file types."""

    servers: Mapping[str, Servers]
    source: str
    """Where they were found, for people."""
    complete: bool
    """A language that is not in it is none of Helix's."""


# --- what Helix has by itself ---------------------------------------------------------------------


def languages_of(installed: Installed | None) -> Languages:
    """The languages of that Helix; those of the table when it cannot be read."""
    for path in _programs(installed.program) if installed else ():
        if found := compiled_in(path):
            return Languages(found, str(installed), complete=True)
    return Languages(_table(), "those of Helix 25.07, where 25.01 has the language", complete=False)


def compiled_in(program: Path) -> dict[str, Servers]:
    """The languages in a program of Helix; none if there are none to be seen in it."""
    try:
        content = program.read_bytes()
    except OSError:
        return {}
    start = re.search(rb"\[\[language\]\]\nname = ", content)
    if start is None:
        return {}
    last = max(content.rfind(b"\n[[language]]\n"), content.rfind(b"\n[[grammar]]\n"))
    end = content.find(b"\n\n", last)  # the last table may run into other text of the program
    try:
        whole = content[start.start() : last].decode("utf-8")
        parsed = tomllib.loads(whole)["language"]
        if content.startswith(b"\n[[language]]\n", last):
            parsed += tomllib.loads(content[last:end].decode("utf-8"))["language"]
    except (ValueError, KeyError):
        return {}
    return _servers_by_name(parsed)


def _programs(program: Path) -> Iterator[Path]:
    """The program, and those that it starts if it is a wrapper."""
    real = followed(program)
    yield real
    try:
        content = real.read_bytes() if real.stat().st_size <= LARGEST_WRAPPER else b""
    except OSError:
        return
    for name in dict.fromkeys(re.findall(rb"/[\w./+@-]*(?:hx|helix)[\w-]*", content)):
        path = Path(os.fsdecode(name))
        if path != real and is_program(path):
            yield path


@cache
def _table() -> dict[str, Servers]:
    table = json.loads(data("helix-languages.json"))
    return {name: tuple(servers) for name, servers in table.items()}


def _servers_by_name(languages: Iterable[Mapping[str, Any]]) -> dict[str, Servers]:
    return {each["name"]: tuple(each.get("language-servers", ())) for each in languages}


# --- languages.toml -------------------------------------------------------------------------------


def config_folder() -> Path:
    """Where Helix looks for its configuration: not where macOS programs do."""
    if os.name == "nt":
        return Path(Windows("helix", appauthor=False, roaming=True).user_config_dir)
    return Path(Unix("helix").user_config_dir)


def languages_toml(text: str, languages: Languages, command: Sequence[str]) -> str:
    """The whole file, from the one that the user has.

    What the user wrote stays as it is, comments and all. Helix joins entries of one language, the
    later one's keys win: so our part comes last, and has nothing but each language's list.

    Args:
        text: the file as it is; what we made of it before is made anew.
        languages: what Helix has by itself.
        command: what starts roo-lsp.

    Raises:
        RooError: the file is no TOML, or is written so that no language can be added.
    """
    own = without_roo(text)
    parsed = _parsed(own, "There is a mistake in your languages.toml")
    if NAME not in parsed.get("language-server", {}):
        own = _with(own, _server(command))
    ours = [BEGIN, *_why(languages), "", *_entries(parsed, languages), END, ""]
    result = _with(own, "\n".join(ours))
    _parsed(result, "Roo cannot be added to your languages.toml as it is written")
    return result


def without_roo(text: str) -> str:
    """The file without what we added for its languages."""
    return re.sub(
        rf"\n*^{re.escape(BEGIN)}$.*?^{re.escape(END)}$\n?",
        "\n",
        text,
        flags=re.MULTILINE | re.DOTALL,
    )


def roo_languages(text: str) -> list[str]:
    """The languages that name roo in a languages.toml; empty for one that is no TOML."""
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return []
    return [name for name, servers in _in_effect(parsed).items() if servers and _has_roo(servers)]


def _parsed(text: str, problem: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RooError(
            "settings_invalid",
            f"{problem}: {error}.",
            hint="Put it right (tables as [headers], not in one line), then try again.",
        ) from None


def _server(command: Sequence[str]) -> str:
    program, *arguments = command
    lines = ["[language-server.roo]", f"command = {json.dumps(program)}"]
    if arguments:
        lines.append(f"args = {json.dumps(arguments)}")
    return "\n".join([*lines, "", PROVIDER])


def _why(languages: Languages) -> list[str]:
    return [
        "# Helix starts a server only where a language names it, and a list replaces Helix's own:",
        f"# so here is each language with its own servers ({languages.source}), then roo.",
    ]


def _entries(parsed: Mapping[str, Any], languages: Languages) -> Iterator[str]:
    """An entry for each language, in the order that they have for Helix without us."""
    users = _in_effect(parsed)
    lists: dict[str, Servers | None] = {
        name: servers for name, servers in languages.servers.items() if name not in users
    }
    for name, servers in users.items():
        unknown = None if not languages.complete else ()
        lists[name] = servers if servers is not None else languages.servers.get(name, unknown)
    for name, servers in lists.items():
        if servers is not None:
            yield _entry(name, servers if _has_roo(servers) else (*servers, NAME))
    if "text" not in lists:
        yield _entry("text", (NAME,), 'scope = "text.plain"', 'file-types = ["txt"]')


def _in_effect(parsed: Mapping[str, Any]) -> dict[str, Servers | None]:
    """The user's lists; None for a language that keeps Helix's. The last of several entries counts."""
    found: dict[str, Servers | None] = {}
    for entry in parsed.get("language", ()):
        name = entry.get("name", "")
        before = found.pop(name, None)  # Helix moves a language to the end with each entry
        servers = entry.get("language-servers")
        found[name] = tuple(servers) if servers is not None else before
    return found


def _has_roo(servers: Servers) -> bool:
    return any((each if isinstance(each, str) else each.get("name")) == NAME for each in servers)


def _entry(name: str, servers: Servers, *more: str) -> str:
    listed = ", ".join(map(_toml, servers))
    lines = ["[[language]]", f"name = {_toml(name)}", *more, f"language-servers = [{listed}]"]
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    """A value of a language's list on one line."""
    if isinstance(value, Mapping):
        pairs = (f"{key} = {_toml(each)}" for key, each in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- keys and values of TOML
        return f"{{ {', '.join(pairs)} }}"
    return json.dumps(value, ensure_ascii=False)


# --- config.toml ----------------------------------------------------------------------------------


def keys(version: Version) -> str:
    """Roo's keys as that version can have them; those of the newest where it is not known."""
    older = () < version < ARGUMENTS_SINCE
    name = "helix-keys-25.01.toml" if older else "helix-keys.toml"
    return data(name)


def config_toml(text: str, version: Version) -> str:
    """The whole config.toml, from the one that the user has: what is missing is added.

    Raises:
        RooError: the file is no TOML, or is written so that nothing can be added.
    """
    parsed = _parsed(text, "There is a mistake in your config.toml")
    result = text
    if PROGRESS not in parsed.get("editor", {}).get("lsp", {}):
        line = f"{PROGRESS} = true # what Roo does, in the status line\n"
        result, done = re.subn(r"(?m)^\[editor\.lsp\].*\n?", rf"\g<0>{line}", result, count=1)
        if not done:
            result = _with(result, f"[editor.lsp]\n{line}")
    if "o" not in parsed.get("keys", {}).get("normal", {}).get("space", {}):
        result = _with(result, keys(version))
    _parsed(result, "Roo's keys cannot be added to your config.toml as it is written")
    return result


def _with(text: str, more: str) -> str:
    return f"{text.rstrip()}\n\n{more}" if text.strip() else more
