"""Paths as attackers write them: where they really lead, and what is protected or refused."""

import os
import socket
from pathlib import Path

import pytest

from roo_lsp.workspace.checkpoints.git import find_git
from roo_lsp.workspace.paths import PathFacts, followed, is_program, real_folders, resolve
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.sandbox.bubblewrap import find_bubblewrap
from roo_lsp.workspace.search import find_ripgrep


@pytest.fixture
def ws(tmp_path) -> Path:
    ws = tmp_path / "ws"
    (ws / "src").mkdir(parents=True)
    (ws / "src/app.py").touch()
    (tmp_path / "ws-evil").mkdir()
    (tmp_path / "ws-evil/file").touch()
    (ws / "out").symlink_to("../ws-evil")
    (ws / "out-file").symlink_to("../ws-evil/file")
    (ws / "in").symlink_to("src")
    (ws / "dangling").symlink_to("../ws-evil/not-yet")
    (ws / "chain").symlink_to("out")
    (ws / "loop").symlink_to("loop")
    (tmp_path / "alias").symlink_to(ws)
    return ws


def facts(ws: Path, path: str) -> PathFacts:
    return resolve(ws / path, real_folders([ws]))


@pytest.mark.parametrize(
    "path",
    [
        ".",
        "src/app.py",
        "src/../src/app.py",
        "in/app.py",
        "new/deep/file",
        "out/../ws/src",
        "../alias/src/app.py",
        "../ws/src",
        "...",
        "%2e%2e/x",
        "~/x",
        "..x",
        "a\nb",
    ],
)
def test_what_lies_inside_is_inside(ws, path):
    assert facts(ws, path).inside
    assert facts(ws, path).refused is None


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("..", "."),
        ("../ws-evil/file", "ws-evil/file"),
        ("src/../../ws-evil/file", "ws-evil/file"),
        ("out/file", "ws-evil/file"),
        ("out/new/file", "ws-evil/new/file"),
        ("out-file", "ws-evil/file"),
        ("chain/file", "ws-evil/file"),
        ("dangling", "ws-evil/not-yet"),
        ("dangling/x", "ws-evil/not-yet/x"),
        ("in/../../ws-evil", "ws-evil"),
        ("out/..", "."),
        ("/etc/passwd", "/etc/passwd"),
    ],
)
def test_what_leads_outside_is_outside_and_the_real_path_is_told(ws, path, real):
    found = facts(ws, path)
    assert not found.inside
    assert found.real == Path(os.path.realpath(ws.parent / real))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("missing/../../ws-evil/file", "behind a folder"),
        ("src/app.py/../../x", "behind a folder"),
        ("dangling/../x", "behind a folder"),
        ("loop/x", "cannot be found out"),
        ("a\0b", "NUL"),
        ("a\ud800", "half a character"),
        ("x" * 300, "longer than 255"),
        ("/".join(["x" * 200] * 30), "longer than 4096"),
        ("file:///etc/passwd", "URI"),
        ("/proc/self/environ", "kernel"),
        ("/proc/self/root/proc/1/mem", "kernel"),
        ("/dev/zero", "devices"),
        ("/dev/fd/0", "devices"),
        ("/sys/kernel", "kernel"),
    ],
)
def test_what_can_never_be_is_refused(ws, path, why):
    assert why in (facts(ws, path).refused or "")


def test_a_link_to_a_kernel_folder_is_refused(ws):
    (ws / "p").symlink_to("/proc")
    assert facts(ws, "p/self/environ").refused


def test_pipes_and_sockets_are_refused(ws, tmp_path, monkeypatch):
    os.mkfifo(ws / "fifo")
    monkeypatch.chdir(ws)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert "pipe" in (facts(ws, "fifo").refused or "")
        assert "socket" in (facts(ws, "sock").refused or "")


def test_a_path_that_is_not_absolute_is_refused(ws):
    assert resolve(Path("src"), real_folders([ws])).refused


def test_a_workspace_that_is_named_by_a_link_holds_its_files(ws, tmp_path):
    folders = real_folders([tmp_path / "alias"])
    assert resolve(tmp_path / "alias/src/app.py", folders).inside
    assert resolve(ws / "src/app.py", folders).inside


def test_a_workspace_that_is_swapped_for_a_link_afterwards_moves_nothing_inside(ws, tmp_path):
    folders = real_folders([ws])
    ws.rename(tmp_path / "moved")
    ws.symlink_to("/etc")
    assert not resolve(ws / "passwd", folders).inside


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".git/hooks/pre-commit",
        "sub/.git/config",
        ".GIT/config",
        ".gIt",
        ".git./hooks/x",
        ".git /hooks/x",
        ".git\u200b/config",
        ".g\u200cit/config",
        ".git::$INDEX_ALLOCATION/config",
        "GIT~1/config",
        ".vscode/settings.json",
        ".VSCode/tasks.json",
        "deep/er/.vscode/tasks.json",
        ".idea/workspace.xml",
        ".zed/settings.json",
        ".helix/languages.toml",
        ".nvim.lua",
        ".dir-locals.el",
        ".dir-locals-2.el",
        "x.code-workspace",
        "X.Code-Workspace",
        "x.sublime-project",
        ".env",
        ".env.local",
        ".envrc",
        ".mcp.json",
        "mcp.json",
        ".roo/mcp.json",
        ".roomodes",
        ".rooignore",
        ".roorules-code",
        ".clinerules/x",
        "AGENTS.md",
        "docs/agents.md",
        "CLAUDE.md",
        ".cursor/mcp.json",
        ".claude/settings.json",
        ".husky/pre-commit",
        ".githooks/x",
        ".github/workflows/ci.yml",
        ".gitlab-ci.yml",
        ".npmrc",
        ".yarnrc.yml",
        ".cargo/config.toml",
        ".pre-commit-config.yaml",
        ".devcontainer/devcontainer.json",
        ".hg/hgrc",
        ".jj/x",
    ],
)
def test_files_that_make_programs_run_are_protected(ws, path):
    assert facts(ws, path).protected


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "git/config",
        "my.git.py",
        ".gitignore",
        "environment.py",
        "vscode/x",
        "cargo/config",
        ".cargo/registry",
        "docs/agents.mdx",
        ".gitattributes.md",
    ],
)
def test_ordinary_files_are_not_protected(ws, path):
    assert facts(ws, path).protected is None


def test_the_real_path_is_protected_behind_a_harmless_name(ws):
    (ws / ".git/hooks").mkdir(parents=True)
    (ws / "harmless").symlink_to(".git/hooks")
    assert facts(ws, "harmless/pre-commit").protected


def test_the_asked_name_is_protected_wherever_it_leads(ws):
    (ws / ".vscode").symlink_to("src")
    assert facts(ws, ".vscode/settings.json").protected


def test_a_workspace_inside_a_protected_folder_is_an_ordinary_workspace(tmp_path):
    ws = tmp_path / ".claude/worktrees/one"
    ws.mkdir(parents=True)
    assert resolve(ws / "src/x.py", real_folders([ws])).protected is None
    assert resolve(ws / ".claude/x", real_folders([ws])).protected


@pytest.mark.parametrize("last", ["HEAD", "refs/heads/main", "objects/pack/x", "config", "hooks/x"])
def test_a_folder_that_is_a_repository_or_becomes_one_is_protected(ws, last):
    bare = ws / "data"
    for name in {"HEAD", "refs", "objects"} - {last.partition("/")[0]}:
        (bare / name).mkdir(parents=True)
    assert facts(ws, f"data/{last}").protected


def test_hard_links_and_links_are_noted(ws):
    os.link(ws / "src/app.py", ws / "twin.py")
    assert facts(ws, "twin.py").hard_links == 2
    assert facts(ws, "in").link
    assert not facts(ws, "in/app.py").link


# --- what cannot be looked at ---------------------------------------------------------------


@pytest.fixture
def closed(tmp_path):
    """A folder that may not be entered, as it is for an ordinary user."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)


def test_a_program_that_cannot_be_looked_at_counts_as_not_there(closed, caplog):
    caplog.set_level("INFO")
    assert not is_program(closed / "bwrap")
    assert "counts as not there" in caplog.text
    assert is_program(Path("/bin/sh"))


def test_what_is_looked_for_at_start_passes_by_a_folder_that_may_not_be_entered(
    closed, monkeypatch
):
    path = f"{closed}:/usr/bin:/bin"
    monkeypatch.setenv("PATH", path)
    find_bubblewrap([], str(closed))
    assert find_ripgrep([]) != closed / "rg"
    assert find_git([], path) == find_git([], "/usr/bin:/bin")


def test_a_link_that_may_not_be_read_is_followed_up_to_it(ws, closed):
    if not os.path.lexists("/proc/1/root"):
        pytest.skip("there is no /proc here")
    assert followed("/proc/1/root/etc") == Path("/proc/1/root/etc")
    assert not RooIgnore([ws]).ignored(Path("/proc/1/root/etc/passwd"))


@pytest.mark.parametrize(
    "name", ["src/hooks/useThing.ts", "bin/tool", "config/update", "docs/yarn/releases.md"]
)
def test_ordinary_files_with_such_names_are_not_protected(ws, name):
    assert resolve(ws / name, real_folders([ws])).protected is None
