"""Where a path really leads: links followed, inside or outside, protected, or never to be touched.

`resolve` is the one function that decides this; every path of every tool goes through it.
"""

import logging
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

log = logging.getLogger(__name__)

MAX_PATH_BYTES = 4096
MAX_NAME_BYTES = 255

_GIT = "git runs programs named in there"
_EDITOR = "an editor runs programs named in there"
_AGENT = "it instructs or configures coding agents"
_CI = "it says what build machines run"
_PACKAGES = "a package manager or build tool runs or trusts what it says"
_SHELL = "a shell or a tool loads it, and it may hold secrets"
_VCS = "it belongs to version control"
_START = "a shell or a program loads it when it starts"
_LOGIN = "it holds logins, and says where they go"
_INSTALLED = "programs that are run from here lie in there"

PROTECTED: dict[str, str] = {
    ".git": _GIT,
    "git~1": _GIT,
    ".gitmodules": _GIT,
    ".githooks": _GIT,
    ".git-hooks": _GIT,
    "githooks": _GIT,
    "git-hooks": _GIT,
    ".hooks": _GIT,
    ".husky": _GIT,
    ".lefthook": _GIT,
    ".gitconfig": _GIT,
    ".hg": _VCS,
    ".svn": _VCS,
    ".jj": _VCS,
    ".vscode": _EDITOR,
    ".idea": _EDITOR,
    ".zed": _EDITOR,
    ".helix": _EDITOR,
    ".fleet": _EDITOR,
    ".devcontainer": _EDITOR,
    ".devcontainer.json": _EDITOR,
    ".vs": _EDITOR,
    ".nova": _EDITOR,
    ".lapce": _EDITOR,
    ".nvim": _EDITOR,
    ".nvim.lua": _EDITOR,
    ".nvimrc": _EDITOR,
    ".vim": _EDITOR,
    ".exrc": _EDITOR,
    ".vimrc": _EDITOR,
    "_vimrc": _EDITOR,
    ".gvimrc": _EDITOR,
    ".lvimrc": _EDITOR,
    ".local.vimrc": _EDITOR,
    ".vimspector.json": _EDITOR,
    ".neoconf.json": _EDITOR,
    ".nlsp-settings": _EDITOR,
    ".emacs": _EDITOR,
    ".emacs.d": _EDITOR,
    ".kateproject": _EDITOR,
    ".kateproject.build": _EDITOR,
    ".dir-locals.el": _EDITOR,
    ".dir-locals-2.el": _EDITOR,
    ".github": _CI,
    ".gitlab-ci.yml": _CI,
    ".circleci": _CI,
    ".mcp.json": _AGENT,
    "mcp.json": _AGENT,
    ".cursor": _AGENT,
    ".cursorrules": _AGENT,
    ".claude": _AGENT,
    ".codex": _AGENT,
    ".gemini": _AGENT,
    ".opencode": _AGENT,
    ".windsurf": _AGENT,
    ".windsurfrules": _AGENT,
    ".continue": _AGENT,
    ".continuerules": _AGENT,
    ".continuerc.json": _AGENT,
    ".agents": _AGENT,
    ".amazonq": _AGENT,
    ".augment": _AGENT,
    ".goosehints": _AGENT,
    ".junie": _AGENT,
    ".kilocode": _AGENT,
    ".kilocodemodes": _AGENT,
    ".kiro": _AGENT,
    ".qwen": _AGENT,
    ".trae": _AGENT,
    ".aider.conf.yml": _AGENT,
    ".roo": _AGENT,
    ".roomodes": _AGENT,
    ".rooignore": _AGENT,
    ".rooprotected": _AGENT,
    "agents.md": _AGENT,
    "agent.md": _AGENT,
    "agents.local.md": _AGENT,
    "claude.md": _AGENT,
    "claude.local.md": _AGENT,
    "gemini.md": _AGENT,
    ".npmrc": _PACKAGES,
    ".pnpmfile.cjs": _PACKAGES,
    ".pip.conf": _PACKAGES,
    ".bazelrc": _PACKAGES,
    ".pre-commit-config.yaml": _PACKAGES,
    "lefthook.yml": _PACKAGES,
    "lefthook.yaml": _PACKAGES,
    "lefthook.toml": _PACKAGES,
    ".tool-versions": _PACKAGES,
    ".asdfrc": _PACKAGES,
    ".mise": _PACKAGES,
    ".rtx.toml": _PACKAGES,
    ".pnp.cjs": _PACKAGES,
    ".pnp.loader.mjs": _PACKAGES,
    ".mvn": _PACKAGES,
    ".netrc": _LOGIN,
    "_netrc": _LOGIN,
    ".pypirc": _LOGIN,
    ".ssh": _LOGIN,
    **dict.fromkeys(
        (
            *(".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases"),
            *(
                ".profile",
                ".inputrc",
                ".kshrc",
                ".mkshrc",
                ".cshrc",
                ".tcshrc",
                ".login",
                ".logout",
            ),
            *(".zshrc", ".zshenv", ".zprofile", ".zlogin", ".zlogout", "config.fish"),
            *(".xinitrc", ".xprofile", ".xsession", ".xsessionrc", ".pam_environment"),
            *(".gdbinit", ".lldbinit", ".pdbrc", ".irbrc", ".rprofile", ".psqlrc", ".sqliterc"),
            *(".tmux.conf", ".screenrc"),
        ),
        _START,
    ),
    # Whatever folder `core.hooksPath` names: githooks(5).
    **dict.fromkeys(
        (
            *("applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit"),
            *("pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-commit", "pre-rebase"),
            *("post-checkout", "post-merge", "pre-push", "pre-receive", "proc-receive"),
            *("post-receive", "post-update", "reference-transaction", "push-to-checkout"),
            *("pre-auto-gc", "post-rewrite", "sendemail-validate", "fsmonitor-watchman"),
            *("post-index-change", "p4-changelist", "p4-prepare-changelist"),
            *("p4-post-changelist", "p4-pre-submit"),
        ),
        _GIT,
    ),
}
"""Names that are asked for at any depth, folded as `_folded` does, and why."""

PROTECTED_PATTERNS: dict[str, str] = {
    "*.sublime-project": _EDITOR,
    "*.code-workspace": _EDITOR,
    ".env*": _SHELL,
    ".roorules*": _AGENT,
    ".clinerules*": _AGENT,
    ".yarnrc*": _PACKAGES,
    "mise*.toml": _PACKAGES,
    ".mise*.toml": _PACKAGES,
    # Editors run these by themselves, to check and format what is open.
    ".eslintrc*": _EDITOR,
    "eslint.config.*": _EDITOR,
    ".prettierrc*": _EDITOR,
    "prettier.config.*": _EDITOR,
    ".stylelintrc*": _EDITOR,
    "stylelint.config.*": _EDITOR,
}

PROTECTED_PAIRS: dict[tuple[str, str], str] = {
    (".cargo", "config*"): _PACKAGES,
    (".yarn", "releases"): _PACKAGES,
    (".yarn", "plugins"): _PACKAGES,
    ("wrapper", "gradle-wrapper*"): _PACKAGES,
    ("mise", "config*"): _PACKAGES,
    ("hooks", "update"): _GIT,
    (".venv", "bin"): _INSTALLED,
    (".venv", "scripts"): _INSTALLED,
    ("venv", "bin"): _INSTALLED,
    ("venv", "scripts"): _INSTALLED,
    ("node_modules", ".bin"): _INSTALLED,
}
"""A folder's name and, right below it, a name's pattern."""

DEPENDENCIES = frozenset({"node_modules", ".venv", "venv", "__pycache__", ".tox", ".nox"})
"""Folders that package managers fill, full of protected names. Tools ask before they write one of
those; commands write them all the time."""

_URI = re.compile(r"(file|https?|ftp|data|git|ssh):$|(untitled|vscode-[a-z-]+):", re.IGNORECASE)
"""What a name on the way of a URI looks like: `file:///x` has `file:` as one."""

KERNEL_FOLDERS = (Path("/proc"), Path("/dev"), Path("/sys"))


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What is known of a path at one moment."""

    asked: Path
    real: Path
    """All links followed; for what does not exist, from the deepest folder that does."""
    inside: bool
    """True when `real` lies in one of the folders."""
    protected: str | None = None
    """Why writing here is asked for each time."""
    refused: str | None = None
    """Why it may not be touched at all, as the end of the sentence `PATH is refused: …`."""
    link: bool = False
    """True when the last component is a symbolic link."""
    hard_links: int = 1
    """Names the file has; a write changes what only one of them shows."""


def real_folders(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The folders with all links followed; taken once, so that a later swap moves nothing inside."""
    return tuple(Path(os.path.realpath(folder)) for folder in folders)


def resolve(path: Path, folders: Sequence[Path]) -> PathFacts:
    """The facts about an absolute path; `folders` are as `real_folders` gave them."""
    if reason := _unspeakable(path):
        return PathFacts(path, path, inside=False, refused=reason)
    if ".." in path.parts and _climbs_out_of_nothing(path):
        reason = "it has `..` behind a folder that does not exist"
        return PathFacts(path, path, inside=False, refused=reason)
    try:
        real = Path(os.path.realpath(path, strict=True))
    except (FileNotFoundError, NotADirectoryError):
        real = Path(os.path.realpath(path))
    except OSError as error:
        reason = f"where it leads cannot be found out ({error.strerror})"
        return PathFacts(path, path, inside=False, refused=reason)
    return PathFacts(
        asked=path,
        real=real,
        inside=any(real.is_relative_to(folder) for folder in folders),
        protected=_protection(path, folders) or _protection(real, folders),
        refused=special(real, folders),
        link=path.is_symlink(),
        hard_links=_hard_links(real),
    )


def is_folder(path: Path) -> bool:
    """True for a folder; False also where that cannot be told (`Path.is_dir` may raise)."""
    try:
        return path.is_dir()
    except OSError:
        return False


def exists(path: Path) -> bool:
    """True for what is there, links followed; False also where that cannot be told."""
    try:
        return path.exists()
    except OSError:
        return False


def is_program(path: Path) -> bool:
    """True for a file that can be run; False, with a line in the log, where that cannot be told.

    A search path has folders of others, links that go in circles, and disks that are gone.
    """
    try:
        return path.is_file() and os.access(path, os.X_OK)
    except OSError as error:
        log.info("%s counts as not there: %s", path, error.strerror)
        return False


def followed(path: str | Path) -> Path:
    """The path with its links followed as far as that can be told, and as it is from there on.

    `os.path.realpath` raises where a link may not be read, as in another's folder of `/proc`.
    """
    try:
        return Path(os.path.realpath(path))
    except OSError:
        absolute = Path.cwd() / path
        return followed(absolute.parent) / absolute.name


def special(real: Path, folders: Sequence[Path] = ()) -> str | None:
    """Why a real path is no place for files, or None: kernel folders, devices, pipes, sockets."""
    for kernel in KERNEL_FOLDERS:
        if real.is_relative_to(kernel) and not any(f.is_relative_to(kernel) for f in folders):
            return f"{kernel} holds devices and the kernel's own data, not files"
    try:
        mode = real.lstat().st_mode
    except (OSError, ValueError):
        return None
    return special_mode(mode)


def special_mode(mode: int) -> str | None:
    """Why what `stat` calls by this mode is neither file nor folder, or None."""
    kinds = (
        (stat.S_ISFIFO, "it is a named pipe, not a file"),
        (stat.S_ISSOCK, "it is a socket, not a file"),
        (stat.S_ISCHR, "it is a device, not a file"),
        (stat.S_ISBLK, "it is a device, not a file"),
    )
    return next((words for test, words in kinds if test(mode)), None)


def _unspeakable(path: Path) -> str | None:
    """Why the text alone is refused, before anything is looked up."""
    text = os.fspath(path)
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        return "it has half a character (a lone surrogate) in it"
    if "\0" in text:
        return "it has a NUL character in it"
    if not path.is_absolute():
        return "it is not absolute"
    if size > MAX_PATH_BYTES:
        return f"it is longer than {MAX_PATH_BYTES} bytes"
    if any(len(part.encode()) > MAX_NAME_BYTES for part in path.parts):
        return f"a name in it is longer than {MAX_NAME_BYTES} bytes"
    if any(_URI.match(part) for part in path.parts):
        return "it is a URI; give a plain path"
    return None


def _climbs_out_of_nothing(path: Path) -> bool:
    parts = path.parts
    return any(
        part == ".." and not is_folder(Path(*parts[:index])) for index, part in enumerate(parts)
    )


def _hard_links(real: Path) -> int:
    try:
        facts = real.lstat()
    except OSError:
        return 1
    return facts.st_nlink if stat.S_ISREG(facts.st_mode) else 1


def _protection(path: Path, folders: Sequence[Path]) -> str | None:
    """Why a path is protected; where a workspace itself lies says nothing about what is in it."""
    base = next((folder for folder in folders if path.is_relative_to(folder)), None)
    parts = path.relative_to(base).parts if base else path.parts
    names = [_folded(part) for part in parts]
    for index, name in enumerate(names):
        reason = PROTECTED.get(name) or _by_pattern(name)
        if reason is None and index + 1 < len(names):
            reason = _by_pair(name, names[index + 1])
        if reason:
            return f"{parts[index]}: {reason}"
    return _bare_repository(base, parts) if base else None


def protected_name(name: str, folder: str = "") -> str | None:
    """Why what has this name, right below a folder of that name, is protected; None if it is not."""
    folded = _folded(name)
    return PROTECTED.get(folded) or _by_pattern(folded) or _by_pair(_folded(folder), folded)


def _by_pattern(name: str) -> str | None:
    return next((why for each, why in PROTECTED_PATTERNS.items() if fnmatchcase(name, each)), None)


def _by_pair(folder: str, name: str) -> str | None:
    pairs = PROTECTED_PAIRS.items()
    return next((why for (f, n), why in pairs if folder == f and fnmatchcase(name, n)), None)


def _bare_repository(base: Path, parts: Sequence[str]) -> str | None:
    """Why a path is protected when a folder on its way is a git repository, or would become one."""
    folder = base
    for part in parts:
        missing = [
            name
            for name in ("HEAD", "objects", "refs")
            if name != part and not os.path.lexists(folder / name)
        ]
        if not missing:
            return f"{folder.name}: it is a git repository, and {_GIT}"
        folder = folder / part
    return None


def _folded(name: str) -> str:
    """A name as the most forgiving file systems see it."""
    name = name.partition(":")[0] or name  # an NTFS stream of the same file
    visible = "".join(
        each for each in unicodedata.normalize("NFC", name) if unicodedata.category(each) != "Cf"
    )
    return visible.casefold().rstrip(". ").lstrip(" ")
