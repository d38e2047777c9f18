"""Paths as attackers write them, and what must come of each: data for `test_path_attacks.py`.

`build` makes the ground they are about, with real links, pipes, sockets and repositories. In a path
`{ws}`, `{root}` and `{home}` stand for the workspace, the folder around it, and the folder of somebody
else. Everything a setting can allow without a question is allowed, but for what lies outside and what is
protected: so `allow` means that nobody is asked, `ask` that the user is, `refuse` that it never happens.
"""

import os
import socket
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ToolName = Literal["read", "write", "list", "search", "cwd"]
Must = Literal["allow", "ask", "refuse"]

CANARY = "canary of somebody else"
"""Stands in every file outside the workspace, and in what is kept from the agent."""
NFC, NFD = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))


@dataclass(frozen=True, slots=True)
class Attack:
    """One path in one tool."""

    name: str
    tool: ToolName
    path: str
    must: Must


@dataclass(frozen=True, slots=True)
class Ground:
    """Where it all happens."""

    root: Path
    workspace: Path
    home: Path
    """Somebody else's; nothing in here may change or be told without a question."""
    state: Path

    def path(self, attack: Attack) -> str:
        text = attack.path
        for name, folder in (("ws", self.workspace), ("root", self.root), ("home", self.home)):
            text = text.replace(f"{{{name}}}", os.fspath(folder))
        return text


def build(root: Path) -> Ground:
    """The ground, in an empty folder."""
    ws, home, state = root / "ws", root / "home", root / "state"
    for path, text in {
        "ws/src/app.py": "ours\n",
        "ws/src/deep/x.py": "ours\n",
        "ws/.vscode/settings.json": "{}\n",
        "ws/.git/config": "ours\n",
        "ws/.git/hooks/pre-commit": "ours\n",
        "ws/sub/.git": "gitdir: ../.git/worktrees/sub\n",
        "ws/.env": "ours\n",
        "ws/bare/HEAD": "ref: refs/heads/main\n",
        "ws/bare/config": "ours\n",
        "ws/almost/HEAD": "ref: refs/heads/main\n",
        "ws/secrets/key": CANARY,
        "ws/.rooignore": "secrets/\n",
        f"ws/{NFC}/x": "ours\n",
        "home/file": CANARY,
        "home/.ssh/id": CANARY,
        "home/twin": "theirs, and no secret: a hard link of it is a file of the workspace\n",
        "ws/src/twin.py": "ours\n",
        "ws-evil/file": CANARY,
        "state/tasks/1.jsonl": CANARY,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    for folder in ("bare/objects", "bare/refs", "almost/refs"):
        (ws / folder).mkdir()
    for link, target in {
        "to-file": "../home/file",
        "to-folder": "../home",
        "to-absolute": home / "file",
        "to-root": "/",
        "to-above": "..",
        "chain": "chain-2",
        "chain-2": "to-folder",
        "loop": "loop",
        "loop-a": "loop-b",
        "loop-b": "loop-a",
        "dangling": "../home/not-yet",
        "dangling-inside": "src/not-yet.py",
        "in": "src",
        "in-file": "src/app.py",
        "harmless": ".git/hooks",
        "harmless-file": ".vscode/settings.json",
        ".idea": "src",
        "to-proc": "/proc",
        "to-dev": "/dev",
        "to-self-root": "/proc/self/root",
        "to-cwd": "/proc/self/cwd",
        "to-fd": "/dev/fd",
        "to-zero": "/dev/zero",
        "to-state": "../state",
        "to-secrets": "secrets",
        "to-bare": "bare",
    }.items():
        (ws / link).symlink_to(target)
    (root / "alias").symlink_to("ws")
    os.link(home / "twin", ws / "hard-out")
    os.link(ws / "src/twin.py", ws / "hard-in")
    os.mkfifo(ws / "fifo")
    here = Path.cwd()
    os.chdir(ws)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("sock")
    finally:
        os.chdir(here)
    return Ground(root, ws, home, state)


def _each(must: Must, tool: ToolName, paths: dict[str, str]) -> list[Attack]:
    return [Attack(f"{tool}: {name}", tool, path, must) for name, path in paths.items()]


def _all(must: Must, paths: dict[str, str]) -> list[Attack]:
    """The same path in every tool."""
    tools: list[ToolName] = ["read", "write", "list", "search", "cwd"]
    return [attack for tool in tools for attack in _each(must, tool, paths)]


LEADS_OUT = {
    "dots": "../home/file",
    "dots in the middle": "src/../../home/file",
    "dots behind a link": "in/../../home/file",
    "dots behind a link that leads out": "to-folder/../home/file",
    "absolute": "{home}/file",
    "absolute with dots": "{ws}/../home/file",
    "a sibling with the same beginning": "../ws-evil/file",
    "a sibling, absolute": "{root}/ws-evil/file",
    "link to a file": "to-file",
    "absolute link": "to-absolute",
    "below a link to a folder": "to-folder/file",
    "chain of links": "chain/file",
    "link to above": "to-above/home/file",
    "through the root": "to-root{home}/file",
    "a link twice": "to-above/ws/to-folder/file",
    "doubled slashes": "..//home///file",
    "dots that do nothing": "./../home/./file",
    "the workspace by its other name, and out": "../alias/to-file",
    "a system file": "/etc/hostname",
    "a system file with dots": "../../../../../../../../../../../../etc/hostname",
}
STAYS_IN = {
    "plain": "src/app.py",
    "dots that come back": "src/../src/app.py",
    "out and back": "../ws/src/app.py",
    "absolute, inside": "{ws}/src/app.py",
    "the workspace by its other name": "{root}/alias/src/app.py",
    "link to a folder": "in/app.py",
    "percent signs are letters": "%2e%2e%2fhome%2ffile",
    "a tilde is a letter": "~/file",
    "a dollar is a letter": "$HOME/file",
    "three dots": ".../file",
    "two dots and a letter": "..x/file",
    "a backslash is a letter": "..\\home\\file",
    "a newline": "src/a\nb",
    "a control character": "src/a\x1b[31mb",
    "turned text": "src/a\u202eyp.exe",
    "zero width": "src/a\u200bpp.py",
    "composed": f"{NFC}/x",
    "decomposed": f"{NFD}/new",
    "a blank at the end": "src/app.py ",
    "a dot at the end": "src/app.py.",
    "an option": "--pre=sh",
    "other case": "SRC/app.py",
}
NEVER = {
    "NUL": "src/app.py\0.txt",
    "half a character": "src/\ud800",
    "a URI": "file:///etc/hostname",
    "a URI in capitals": "FILE:///etc/hostname",
    "a web address": "https://example.com/x",
    "a buffer without a file": "untitled:Untitled-1",
    "too long": "/".join(["x" * 200] * 30),
    "a name too long": "x" * 300,
    "a name too long in bytes": "\u00e9" * 200,
    "blank": "   ",
    "dots behind what is missing": "missing/../../home/file",
    "dots behind a file": "src/app.py/../../../home/file",
    "dots behind a link to nothing": "dangling/../file",
    "links in a circle": "loop/x",
    "two links in a circle": "loop-a/x",
    "the kernel's environment": "/proc/self/environ",
    "the kernel's root": "/proc/self/root/proc/1/environ",
    "the kernel's root by a link": "to-self-root/proc/self/environ",
    "the kernel by a link": "to-proc/self/environ",
    "a process's memory": "/proc/self/mem",
    "open files": "/dev/fd/0",
    "open files by a link": "to-fd/0",
    "standard input": "/dev/stdin",
    "endless zeros": "/dev/zero",
    "endless zeros by a link": "to-zero",
    "devices by a link": "to-dev/zero",
    "devices with dots": "../../../../../../../../../dev/zero",
    "kernel settings": "/sys/kernel",
    "a pipe": "fifo",
    "a socket": "sock",
    "own state": "{root}/state/tasks/1.jsonl",
    "own state with dots": "../state/tasks",
    "own state by a link": "to-state/tasks/1.jsonl",
    "own state, its folder": "{root}/state",
    "own state by two links": "to-above/ws/to-state",
    "kept from the agent": "secrets/key",
    "kept from the agent, folder": "secrets",
    "kept from the agent, by a link": "to-secrets/key",
    "kept from the agent, with dots": "src/../secrets/key",
    "kept from the agent, by the other name": "../alias/secrets/key",
    "kept from the agent, other case": "Secrets/key",
    "kept from the agent, not there yet": "secrets/new/file",
}
PROTECTED = {
    "git": ".git/config",
    "git hooks": ".git/hooks/new",
    "a hook in another folder": "tools/anywhere/pre-commit",
    "a hook with a common name": "hooks/update",
    "a folder of hooks": "git-hooks/x",
    "an installed program": ".venv/bin/pytest",
    "an installed program, deep": "web/node_modules/.bin/eslint",
    "a package manager of the project": ".yarn/releases/yarn-4.cjs",
    "what coc starts": ".vim/coc-settings.json",
    "what neoconf starts": ".neoconf.json",
    "a local vimrc": ".lvimrc",
    "Neovim's folder": ".nvim/init.lua",
    "what Kate starts": ".kateproject",
    "a version manager": ".tool-versions",
    "mise": "mise.toml",
    "mise for one machine": "mise.local.toml",
    "mise in a folder": ".config/mise/config.toml",
    "Windsurf": ".windsurf/rules/x.md",
    "Continue": ".continue/config.yaml",
    "what ESLint loads": ".eslintrc.cjs",
    "what ESLint loads now": "eslint.config.mjs",
    "logins": ".netrc",
    "what bash loads": ".bashrc",
    "what zsh loads": "dotfiles/.zshenv",
    "what fish loads": "fish/config.fish",
    "git in capitals": ".GIT/config",
    "git in mixed case": ".gIt/config",
    "git with a dot": ".git./config",
    "git with a blank": ".git /config",
    "git with zero width": ".git\u200b/config",
    "git with a joiner inside": ".g\u200dit/config",
    "git by its short name": "GIT~1/config",
    "git as a stream": ".git::$INDEX_ALLOCATION/config",
    "a stream of a protected file": ".env:stream",
    "git of a submodule": "vendor/lib/.git/config",
    "the file of a worktree": "sub/.git",
    "through a link": "harmless/pre-commit",
    "a link to a protected file": "harmless-file",
    "a protected name that leads elsewhere": ".idea/x",
    "with dots": "src/../.vscode/tasks.json",
    "by the other name": "{root}/alias/.vscode/tasks.json",
    "editor settings, deep": "a/b/.vscode/tasks.json",
    "editor settings in capitals": ".VSCODE/settings.json",
    "a workspace file": "x.code-workspace",
    "a workspace file, other case": "X.Code-Workspace",
    "environment": ".env",
    "environment of production": "deploy/.env.production",
    "shell environment": ".envrc",
    "own rules": ".roo/rules/x.md",
    "own ignore file": ".rooignore",
    "own modes": ".roomodes",
    "instructions": "AGENTS.md",
    "instructions, deep and small": "docs/agents.md",
    "tools of MCP": ".mcp.json",
    "what CI runs": ".github/workflows/ci.yml",
    "hooks": ".husky/pre-commit",
    "neovim": ".nvim.lua",
    "emacs": ".dir-locals.el",
    "packages": ".npmrc",
    "cargo": "crate/.cargo/config.toml",
    "a bare repository": "bare/config",
    "a bare repository's hook": "bare/hooks/post-checkout",
    "a bare repository by a link": "to-bare/config",
    "what makes a bare repository": "almost/objects/x",
}
ASKED_WRITES = {
    "a link to a file inside": "in-file",
    "a link to nothing inside": "dangling-inside",
    "a link to nothing outside": "dangling",
    "a hard link to outside": "hard-out",
    "a hard link inside": "hard-in",
}

ATTACKS: list[Attack] = [
    *_all("ask", LEADS_OUT),
    *_each("allow", "read", STAYS_IN),
    *_each("allow", "write", STAYS_IN),
    *_each("allow", "cwd", {"the workspace": ".", "a folder": "src", "a link to a folder": "in"}),
    *_each("allow", "list", {"the workspace": ".", "a folder": "src", "a link to a folder": "in"}),
    *_each("allow", "search", {"the workspace": ".", "a folder": "src", "a file": "src/app.py"}),
    *_all("refuse", NEVER),
    *[a for a in _all("refuse", {"empty": ""}) if a.tool != "cwd"],  # there it is the workspace
    *_each("ask", "write", PROTECTED),
    *_each("ask", "write", ASKED_WRITES),
    *_each("allow", "read", {"a protected file": ".vscode/settings.json", "a bare one": "bare/config"}),
    *_each("ask", "cwd", {"a protected folder": ".git/hooks", "by a link": "harmless", "bare": "bare/refs"}),
]  # fmt: skip
