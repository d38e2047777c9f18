"""macOS: `sandbox-exec` with a profile made for the workspace.

Deprecated by its maker, and used by browsers and agents all the same. Of two rules that match, the
later one holds. Not run by our tests, which have no macOS: they look at the text.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.workspace.paths import (
    DEPENDENCIES,
    PROTECTED,
    PROTECTED_PAIRS,
    PROTECTED_PATTERNS,
)
from roo_lsp.workspace.sandbox.base import Process, ProcessStart, Scratch
from roo_lsp.workspace.sandbox.protect import REPOSITORIES, Found
from roo_lsp.workspace.sandbox.secrets import secret_paths

EXECUTABLE = Path("/usr/bin/sandbox-exec")
WRITABLE = ("/private/tmp", "/private/var/tmp", "/dev")


@dataclass(frozen=True, slots=True)
class Seatbelt:
    """`Jail` with sandbox-exec. All paths have no links in them."""

    folders: Sequence[Path]
    network: bool
    own: Sequence[Path]
    environ: Mapping[str, str]

    def confine(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        scratch: Scratch,
        found: Found,
    ) -> ProcessStart:
        del cwd
        temporary = Path(os.path.realpath(scratch.tmp))
        text = self.profile(temporary, found.repositories)
        return ProcessStart(
            [os.fspath(EXECUTABLE), "-p", text, *argv], {**env, "TMPDIR": os.fspath(temporary)}
        )

    def spawn(self, start: Callable[[], Process]) -> Process:
        return start()

    def profile(self, temporary: Path, repositories: Sequence[Path] = ()) -> str:
        """The rules, in the language of `sandbox-exec -p`."""
        folders = [*self.folders, *repositories]
        writable = [temporary, *map(Path, WRITABLE), *folders]
        hidden = [*secret_paths(self.environ), *self.own]
        lines = [
            "(version 1)",
            "(allow default)",
            _rule("deny file-write*", ['(subpath "/")']),
            _rule("allow file-write*", map(_subpath, writable)),
            _rule("deny file-read* file-write*", map(_subpath, hidden)) if hidden else "",
            # A workspace that lies in a hidden folder was opened by the user.
            _rule("allow file-read*", map(_subpath, self.folders)) if self.folders else "",
            _rule("deny file-read* file-write*", map(_subpath, self.own)) if self.own else "",
            *(_rule("deny file-write*", _protected(folder)) for folder in folders),
            "" if self.network else "(deny network*)",
        ]
        return "\n".join(line for line in lines if line) + "\n"


def _protected(folder: Path) -> Iterator[str]:
    """Patterns for protected names in a folder; they hold for names that do not exist yet too."""
    base = "^" + _literal(os.fspath(folder))
    for name in PROTECTED:
        if name not in REPOSITORIES:
            yield _regex(f"{base}(/.*)?/{_any_case(name)}(/.*)?$")
    for pattern in PROTECTED_PATTERNS:
        name = _any_case(pattern).replace(r"\*", "[^/]*")
        yield _regex(f"{base}(/.*)?/{name}(/.*)?$")
    for parent, pattern in PROTECTED_PAIRS:
        if parent in DEPENDENCIES:
            continue
        name = _any_case(pattern).replace(r"\*", "[^/]*")
        yield _regex(f"{base}(/.*)?/{_any_case(parent)}/{name}$")
    for name, inside in REPOSITORIES.items():
        # The folder itself can be written in, not renamed or replaced.
        yield _regex(f"{base}(/.*)?/{_any_case(name)}$")
        for each in inside:
            yield _regex(f"{base}(/.*)?/{_any_case(name)}/(.*/)?{_any_case(each)}(/.*)?$")


def _literal(text: str) -> str:
    return re.sub(r"[.\[\]{}()*+?^$|\\]", r"\\\g<0>", text)


def _any_case(name: str) -> str:
    return "".join(
        f"[{each.lower()}{each.upper()}]" if each.isalpha() else _literal(each) for each in name
    )


def _rule(what: str, filters: Iterable[str]) -> str:
    return f"({what} {' '.join(filters)})"


def _subpath(path: Path) -> str:
    return f"(subpath {_quoted(os.fspath(path))})"


def _regex(pattern: str) -> str:
    # The pattern is in its own kind of string, which knows only the quotation mark.
    return '(regex #"' + pattern.replace('"', ".") + '")'


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
