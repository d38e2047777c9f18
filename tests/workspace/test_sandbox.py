"""The sandbox, attacked: real commands in real jails; what they must not reach, and what must work."""

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import uuid
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import Command, OutputQuery
from roo_lsp.workspace.commands import ShellOptions, ShellRunner
from roo_lsp.workspace.sandbox import base as base_module
from roo_lsp.workspace.sandbox import find
from roo_lsp.workspace.sandbox.base import NO_SANDBOX, Sandbox
from roo_lsp.workspace.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from roo_lsp.workspace.sandbox.find import Sandboxes, find_sandbox
from roo_lsp.workspace.sandbox.ignored import Ignored
from roo_lsp.workspace.sandbox.landlock import landlock_version
from roo_lsp.workspace.sandbox.protect import Found, Protected, changes, notice
from roo_lsp.workspace.sandbox.seatbelt import Seatbelt
from tests.support.passing import passing_time
from tests.support.processes import PATIENCE, Shown, running, until

CANARY = "canary-7f3a91"
LIMIT = 40
"""Seconds, which only pass where a test lets them."""
LINUX = sys.platform.startswith("linux")
NEEDED = "ROO_TESTS_NEED_SANDBOX"
"""Set it where a sandbox has to work: then these tests fail instead of being skipped."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands need a POSIX system")


@dataclass
class Ground:
    """A home with secrets, a workspace in it that is a git repository, and a place outside."""

    home: Path
    ws: Path
    outside: Path
    environ: dict[str, str]

    @property
    def hooks(self) -> Path:
        return self.ws / ".git" / "hooks"


def git(cwd: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.example"]
    done = subprocess.run(
        ["git", *identity, *words], cwd=cwd, check=True, capture_output=True, text=True
    )
    return done.stdout


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "A")
    git(folder, "config", "user.email", "a@b.example")
    (folder / ".git" / "hooks").mkdir(exist_ok=True)
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


@pytest.fixture
def base(request, tmp_path):
    """A folder that is not below /tmp, where that can be had: commands have a /tmp of their own."""
    cache = getattr(request.config, "cache", None)
    places = [cache.mkdir("sandbox")] if cache else []
    temporary = {Path(each).resolve() for each in ("/tmp", "/var/tmp")}
    above = next(
        each for each in (*places, Path.home(), tmp_path) if temporary.isdisjoint(each.parents)
    )
    folder = Path(tempfile.mkdtemp(dir=above, prefix=".roo-tests-")).resolve()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def ground(base, monkeypatch):
    home = base / "home"
    for name in (".ssh/id_ed25519", ".aws/credentials", ".config/gh/hosts.yml", ".kube/config"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text(CANARY)
    for name in (".netrc", ".git-credentials", ".bash_history"):
        (home / name).write_text(CANARY)
    for variable, name in (("ROO_STATE_DIR", "state"), ("ROO_CONFIG_DIR", "config")):
        (home / name).mkdir()
        (home / name / "file").write_text(CANARY)
        monkeypatch.setenv(variable, str(home / name))
    (base / "outside").mkdir()
    (base / "outside" / "file").write_text("before")
    ws = repository(home / "code" / "ws")
    monkeypatch.setattr(tempfile, "tempdir", str(base))
    environ = dict(os.environ) | {"HOME": str(home), "TMPDIR": str(base)}
    return Ground(home, ws, base / "outside", environ)


async def enforced(folders: list[Path], environ: dict[str, str], **options) -> Sandbox:
    # The place outside is read-only and not hidden, wherever the tests' folder lies.
    options.setdefault("visible", [str(Path(environ["HOME"]).parent / "outside")])
    found = await find_sandbox(folders, "auto", environ=environ, **options)
    if not isinstance(found.jail, Bubblewrap):
        assert not os.environ.get(NEEDED), found.line
        pytest.skip(f"bubblewrap does not work here: {found.line}")
    return found


OPEN: "list[Shell]" = []


@pytest.fixture(autouse=True)
async def closed_in_the_end():
    """Each test's shells are closed behind it, as each task's runner is."""
    yield
    while OPEN:
        await OPEN.pop().runner.close()


class Shell:
    """Runs texts in a sandbox, and keeps which changes were told."""

    def __init__(
        self,
        sandbox: Sandbox,
        ground: Ground,
        outputs: Path,
        timeout: float = 0,
        grace: float = 0.3,
    ) -> None:
        self.told: list[str] = []
        self.ground = ground
        self.shown = Shown()
        OPEN.append(self)
        self.runner = ShellRunner(
            outputs,
            partial(ShellOptions, timeout=timeout, sandbox=sandbox),
            environ=ground.environ,
            on_changed=lambda found: self.told.extend(map(str, found or ["not compared"])),
            grace=grace,
        )

    async def __call__(self, text: str, cwd: Path | None = None, **options):
        command = Command(text, cwd or self.ground.ws, **options)
        return await self.runner.run(command, self.shown)

    async def past_its_limit(self, text: str, **options):
        """The same, where a limit of `LIMIT` seconds runs out once it has printed `up`."""
        pass_time = passing_time()
        task = asyncio.create_task(self(text, **options))
        await self.shown.until("up\n")
        pass_time(LIMIT)
        return await task


@pytest.fixture
async def shell(ground, base):
    shell = Shell(await enforced([ground.ws], ground.environ), ground, base / "outputs")
    yield shell
    await shell.runner.close()


async def all_gone(marker: str) -> None:
    await until(lambda: not running(marker))


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def new_marker() -> str:
    """An argument of `sleep` that no other process has: 999.<digits> seconds."""
    return f"999.{uuid.uuid4().int % 10**12:012}"


# --- what can be written --------------------------------------------------------------------


async def test_the_workspace_and_tmp_are_writable_and_nothing_else_is(shell, ground):
    result = await shell(
        f"echo a > made; echo b > /tmp/made; cat made /tmp/made\n"
        f"for each in {ground.outside}/file {ground.home}/made /etc/made /var/made; do\n"
        "  (echo x > $each) 2>/dev/null && echo wrote $each; done; true"
    )
    assert result.preview == "a\nb\n"
    assert (ground.ws / "made").read_text() == "a\n"
    assert (ground.outside / "file").read_text() == "before"
    assert not Path("/tmp/made").exists()
    assert shell.told == []


async def test_tmp_is_the_tasks_own_and_gone_when_it_ends(ground, base):
    shell = Shell(await enforced([ground.ws], ground.environ), ground, base / "outputs")
    await shell("echo kept > /tmp/file")
    assert (await shell("cat $TMPDIR/file")).preview == "kept\n"
    assert (await shell("echo $GOCACHE $UV_CACHE_DIR")).preview == "/tmp/go-build /tmp/uv\n"
    assert len(list(base.glob("roo-commands-*"))) == 1
    await shell.runner.close()
    assert not list(base.glob("roo-commands-*"))


async def test_a_link_does_not_lead_out(shell, ground):
    (ground.ws / "link").symlink_to(ground.outside)
    result = await shell(
        f"echo x > link/file; ln -s {ground.outside}/file l2; echo x > l2; "
        f"ln {ground.outside}/file l3; mv {ground.outside} moved; rm -rf link/file"
    )
    assert result.code != 0
    assert (ground.outside / "file").read_text() == "before"
    assert not (ground.ws / "l3").exists()


async def test_a_workspace_that_is_a_link_and_a_second_one_are_writable(ground, base):
    (base / "link").symlink_to(ground.ws)
    second = base / "second"
    second.mkdir()
    sandbox = await enforced([base / "link", second], ground.environ)
    shell = Shell(sandbox, ground, base / "outputs")
    result = await shell(f"pwd; echo x > here && echo x > {second}/there && echo ok", base / "link")
    assert result.preview == f"{ground.ws}\nok\n"


async def test_a_workspace_below_tmp_works(tmp_path, ground):
    (tmp_path / "secret").write_text(CANARY)
    ws = repository(tmp_path / "ws")
    shell = Shell(await enforced([ws], ground.environ), ground, tmp_path / "outputs")
    result = await shell(f"echo x > made && ls; cat {tmp_path}/secret; echo >> .git/config", ws)
    assert result.preview.startswith("made\n")
    assert CANARY not in result.preview
    assert "Read-only" in result.preview
    with pytest.raises(ToolError, match="hidden from commands"):
        await shell("true", tmp_path)
    await shell.runner.close()


async def test_nothing_is_left_in_workspace_and_home(shell, ground):
    before = listing(ground.home)
    await shell("true")
    assert listing(ground.home) == before


# --- what can be read -----------------------------------------------------------------------


async def test_secrets_and_our_own_folders_are_hidden(shell, ground):
    result = await shell(
        "cd; cat .ssh/* .aws/* .config/gh/* .kube/* .netrc .git-credentials .bash_history "
        "state/* config/*; find . -path ./code -prune -o -type f -size +0 -print; ls /run; true"
    )
    assert CANARY not in result.preview
    assert "\n./" not in result.preview
    assert not any(line and ":" not in line for line in result.preview.splitlines())


async def test_a_home_folder_is_hidden_but_for_what_tools_need(ground, base):
    home = ground.home
    for name in ("letter.txt", "Documents/tax.pdf", "code/other/main.py", ".config/app/token"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(CANARY)
    for name in (".gitconfig", ".cargo/bin/tool", "tools/x/bin/tool", ".cargo/credentials.toml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"ok {CANARY}" if "cred" in name else "ok ")
    (home / "src" / "y").mkdir(parents=True)
    (home / "src" / "y" / "linked").write_text("ok ")
    (home / ".local" / "bin").mkdir(parents=True)
    (home / ".local" / "bin" / "linked").symlink_to(home / "src" / "y" / "linked")
    path = f"{home}/tools/x/bin:{home}/.local/bin:{ground.environ['PATH']}"
    environ = ground.environ | {"PATH": path}
    shell = Shell(await enforced([ground.ws], environ), ground, base / "outputs")
    result = await shell(
        "cd; cat letter.txt Documents/* code/other/* .config/app/* .cargo/credentials.toml 2>/dev/null\n"
        "cat .gitconfig .cargo/bin/tool tools/x/bin/tool .local/bin/linked; ls\n"
        "touch made .cargo/made && echo written; true"
    )
    assert CANARY not in result.preview
    assert "ok ok ok ok code\nsrc\ntools\n" in result.preview
    assert "written" not in result.preview
    assert not (home / "made").exists()


async def test_what_the_user_lets_in_is_seen_secret_or_not_and_not_written(ground, base):
    (ground.home / "code" / "lib").mkdir()
    (ground.home / "code" / "lib" / "x").write_text("lib ")
    visible = ["~/code/lib", ".kube", str(ground.home / ".netrc")]
    sandbox = await enforced([ground.ws], ground.environ, visible=visible)
    shell = Shell(sandbox, ground, base / "outputs")
    result = await shell("cat ../lib/x ~/.kube/config ~/.netrc; cat ~/.ssh/*; touch ../lib/made")
    assert result.preview.startswith(f"lib {CANARY}{CANARY}cat:")
    assert result.preview.count(CANARY) == 2
    assert not (ground.home / "code" / "lib" / "made").exists()


async def test_the_project_around_a_workspace_is_seen(ground, base):
    inner = ground.ws / "packages" / "a"
    inner.mkdir(parents=True)
    (ground.ws / "package.json").write_text("{}")
    shell = Shell(await enforced([inner], ground.environ), ground, base / "outputs")
    result = await shell("cat ../../package.json; git log --format=%s; touch ../made", inner)
    assert result.preview.startswith("{}first\n")
    assert not (inner.parent / "made").exists()


@pytest.mark.parametrize("home", ["/", "/usr", "/usr/sbin", "/nonexistent", "/tmp", "relative"])
async def test_a_home_that_is_none_hides_nothing_of_the_system(ground, base, home):
    environ = ground.environ | {"HOME": home}
    shell = Shell(await enforced([ground.ws], environ), ground, base / "outputs")
    assert (await shell("echo x > made && cat made && ls /usr/bin/env")).code == 0


# --- what the user keeps from the agent -----------------------------------------------------


async def test_what_rooignore_names_is_hidden_from_commands(shell, ground):
    (ground.ws / ".rooignore").write_text("*.pem\nsecrets/\n/.env\nnode_modules/\n")
    for name in ("a/b/key.pem", "secrets/x", ".env", "node_modules/m/i.js", "src/app.py"):
        (ground.ws / name).parent.mkdir(parents=True, exist_ok=True)
        (ground.ws / name).write_text("plain " if name.endswith((".js", ".py")) else CANARY)
    os.link(ground.ws / "a/b/key.pem", ground.ws / "harmless.txt")
    result = await shell(
        "cat a/b/key.pem secrets/* .env harmless.txt 2>/dev/null; cat node_modules/m/i.js src/app.py\n"
        "rm -rf secrets a/b/key.pem 2>/dev/null; ls secrets; mv a a2; cat a2/b/*"
    )
    assert CANARY not in result.preview
    assert result.preview.startswith("plain plain ")
    assert (ground.ws / "secrets" / "x").read_text() == CANARY
    assert (ground.ws / "a2/b/key.pem").read_text() == CANARY
    again = await shell("cat a2/b/key.pem harmless.txt; false")
    assert CANARY not in again.preview
    assert ".rooignore keeps key.pem from the agent" in again.notes[0]


async def test_without_a_rooignore_nothing_is_looked_for(shell, ground, monkeypatch):
    monkeypatch.setattr(Ignored, "_look_into", None)
    assert shell.runner._options().sandbox.ignored.look() == ()


async def test_a_walk_for_what_is_ignored_ends_in_time(ground, monkeypatch):
    (ground.ws / ".rooignore").write_text("*.pem\n")
    for number in range(50):
        (ground.ws / str(number)).mkdir()
        (ground.ws / str(number) / "k.pem").touch()
    assert len(Ignored([ground.ws]).look()) == 40
    monkeypatch.setattr("roo_lsp.workspace.sandbox.ignored.SECONDS", 0)
    assert Ignored([ground.ws]).look() == ()


async def test_the_socket_of_an_agent_cannot_be_reached(ground, base):
    place = Path(tempfile.mkdtemp(dir=ground.home))
    with socket.socket(socket.AF_UNIX) as agent, contextlib.chdir(place):
        agent.bind("agent")  # relative: a path of a socket has 108 bytes at most
        agent.listen()
        connect = (
            f"cd {place} && {os.path.realpath(sys.executable)} -I -c 'import socket; "
            'socket.socket(socket.AF_UNIX).connect("agent"); print("connected")\''
        )
        seen = await enforced([ground.ws], ground.environ, visible=[str(place)])
        assert "connected" in (await Shell(seen, ground, base / "o1")(connect)).preview
        environ = ground.environ | {"SSH_AUTH_SOCK": str(place / "agent")}
        hidden = await enforced([ground.ws], environ)
        shell = Shell(hidden, ground, base / "o2")
        assert "connected" not in (await shell(connect)).preview


async def test_no_process_inside_has_our_environment(shell, ground, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    await shell.runner.close()
    shell.runner = ShellRunner(
        ground.home.parent / "o", shell.runner._options, environ=os.environ | ground.environ
    )
    result = await shell("cat /proc/*/environ | tr '\\0' '\\n'; ls -d /proc/[0-9]*")
    assert CANARY not in result.preview
    assert "TERM=dumb" in result.preview
    assert "/proc/1\n/proc/2\n" in result.preview
    assert f"/proc/{os.getpid()}\n" not in result.preview


async def test_a_workspace_in_a_hidden_folder_is_there_and_its_neighbours_are_not(ground, base):
    ws = ground.home / ".config" / "gh" / "extension"
    ws.mkdir()
    shell = Shell(await enforced([ws], ground.environ), ground, base / "outputs")
    result = await shell("echo x > made; ls; ls ..; cat ../hosts.yml", ws)
    assert result.preview.startswith("made\nextension\n")
    assert CANARY not in result.preview


# --- rights ---------------------------------------------------------------------------------


async def test_nothing_inside_has_or_gets_rights(shell, ground):
    result = await shell(
        "grep -E 'CapPrm|CapEff|CapBnd|NoNewPrivs' /proc/self/status | cut -f2\n"
        "umount .git/hooks && echo unmounted; mount -o remount,rw,bind .git/hooks && echo mounted\n"
        "(exec 3>>/proc/sys/kernel/core_pattern) 2>/dev/null && echo kernel\n"
        "cat /etc/shadow 2>/dev/null | head -c 5; ls /dev/vda /dev/sda /dev/mem 2>/dev/null; true"
    )
    lines = result.preview.splitlines()
    assert lines[:2] == ["0" * 16] * 2
    assert "1" in lines
    for word in ("unmounted", "mounted", "kernel", "root:", "/dev/"):
        assert not any(line.startswith(word) for line in lines), word


async def test_a_set_user_id_program_gives_no_other_user(shell, ground):
    result = await shell("cp /usr/bin/id made; chmod u+s made; ./made -u; ls -l /proc/self/exe")
    assert result.preview.splitlines()[0] == str(os.getuid())


# --- git ------------------------------------------------------------------------------------


async def test_git_commits_but_hooks_and_configuration_stay(shell, ground):
    config = (ground.ws / ".git" / "config").read_text()
    before = listing(ground.hooks)
    result = await shell(
        """
        echo evil > .git/hooks/pre-commit; echo evil >> .git/config
        mv .git/hooks .git/h; rm -rf .git/hooks .git/config; mv .git .git2; mkdir -p .git/hooks
        ln -sf /tmp .git/hooks; mv -T /tmp .git/hooks; git config core.fsmonitor evil
        echo a > a; git add a && git commit -qm second && git log --format=%s && git checkout -qb x
        """
    )
    assert "second\nfirst\n" in result.preview
    assert git(ground.ws, "log", "--format=%s", "x") == "second\nfirst\n"
    assert (ground.ws / ".git" / "config").read_text() == config
    assert listing(ground.hooks) == before
    assert not (ground.ws / ".git2").exists()
    assert shell.told == []
    assert "Protected files" not in result.preview


async def test_existing_protected_files_cannot_be_changed(shell, ground):
    kept = [".vscode/settings.json", "AGENTS.md", "sub/.envrc", ".cargo/config.toml", ".rooignore"]
    for name in kept:
        (ground.ws / name).parent.mkdir(exist_ok=True)
        (ground.ws / name).write_text("before")
    (ground.ws / "guide.md").write_text("before")
    (ground.ws / "CLAUDE.md").symlink_to("guide.md")
    await shell(
        f"for each in {' '.join(kept)} guide.md CLAUDE.md; do\n"
        "  echo evil > $each; rm -f $each; mv $each $each.old; done; rm -rf .vscode"
    )
    assert {(ground.ws / name).read_text() for name in [*kept, "guide.md"]} == {"before"}
    # A link cannot be mounted over: that it was replaced is told.
    assert shell.told == [f"{ground.ws}/CLAUDE.md (removed)"]


async def test_a_nested_repository_that_takes_anothers_place_is_told(shell, ground):
    repository(ground.ws / "sub")
    result = await shell("mv sub sub2; mkdir -p sub/.git/hooks; echo evil > sub/.git/hooks/x")
    assert shell.told == [f"{ground.ws}/sub/.git (changed)", f"{ground.ws}/sub2/.git (new)"]
    assert f"{ground.ws}/sub/.git (changed)" in result.preview
    again = await shell("true")
    assert again.preview == ""
    assert len(shell.told) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mkdir .vscode; echo x > .vscode/tasks.json", ".vscode"),
        ("mkdir -p a/b; echo x > a/b/.envrc", "a/b/.envrc"),
        ("echo evil > .git/commondir", ".git/commondir"),
        ("echo '* filter=evil' > .git/info/attributes", ".git/info/attributes"),
        ("git init -q --bare bare", "bare"),
        ("git init -q inner", "inner/.git"),
        ("ln -s /tmp .HUSKY", ".HUSKY"),
    ],
)
async def test_a_new_protected_name_is_told(shell, ground, text, told):
    (ground.ws / ".git" / "info").mkdir(exist_ok=True)
    result = await shell(text)
    assert shell.told == [f"{ground.ws}/{told} (new)"]
    assert notice(()) not in result.preview
    assert f"{told} (new)" in result.preview


async def test_in_a_worktree_git_commits_into_the_repository_elsewhere(ground, base):
    main = repository(ground.outside / "main")
    git(main, "worktree", "add", "-q", str(ground.home / "tree"))
    tree = ground.home / "tree"
    shell = Shell(await enforced([tree], ground.environ), ground, base / "outputs")
    result = await shell(
        f"echo a > a; git add a && git commit -qm second; git log --format=%s; rm .git; "
        f"echo evil > {main}/.git/hooks/pre-commit; echo evil >> {main}/.git/config; "
        f"echo evil > {main}/.git/worktrees/tree/commondir; echo evil > {main}/file",
        tree,
    )
    assert result.preview.startswith("second\nfirst\n")
    assert (tree / ".git").is_file()
    assert not (main / ".git" / "hooks" / "pre-commit").exists()
    assert "evil" not in (main / ".git" / "config").read_text()
    assert (main / ".git" / "worktrees" / "tree" / "commondir").read_text() == "../..\n"
    assert not (main / "file").exists()
    assert shell.told == []


async def test_in_a_submodule_git_commits_into_the_repository_above(ground, base):
    origin = repository(ground.outside / "origin")
    above = repository(ground.outside / "above")
    git(above, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(origin), "sub")
    shell = Shell(await enforced([above / "sub"], ground.environ), ground, base / "outputs")
    inner = above / ".git" / "modules" / "sub"
    result = await shell(
        "git -c user.name=A -c user.email=a@b.example commit -q --allow-empty -m second; "
        f"git log --format=%s; echo evil >> {inner}/config; echo evil >> {above}/.git/HEAD",
        above / "sub",
    )
    assert result.preview.startswith("second\nfirst\n")
    assert "evil" not in (inner / "config").read_text()
    assert "evil" not in (above / ".git" / "HEAD").read_text()


async def test_submodules_of_the_workspace_keep_their_configuration(shell, ground):
    origin = repository(ground.outside / "origin")
    git(ground.ws, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(origin), "a/b")
    inner = ground.ws / ".git" / "modules" / "a" / "b"
    await shell(f"echo evil >> {inner}/config; echo evil > {inner}/hooks/pre-commit")
    assert "evil" not in (inner / "config").read_text()
    assert shell.told == []
    await shell("mv .git/modules/a .git/modules/c; mkdir -p .git/modules/a/b/hooks")
    assert f"{inner.parent.parent}/c/b (new)" in shell.told


@pytest.mark.parametrize(
    "named",
    ["{outside}", "{home}/.ssh", "{outside}/other/.git", "{outside}/other/.git/worktrees/t", "/"],
)
async def test_a_git_file_that_names_something_foreign_opens_nothing(ground, base, named):
    other = repository(ground.outside / "other")
    git(other, "worktree", "add", "-q", str(ground.outside / "t"))
    ws = ground.home / "plain"
    ws.mkdir()
    named = named.format(outside=ground.outside, home=ground.home)
    (ws / ".git").write_text(f"gitdir: {named}\n")
    shell = Shell(await enforced([ws], ground.environ), ground, base / "outputs")
    await shell(f"echo evil > {named}/made; echo evil > {named}/HEAD", ws)
    assert not Path(named, "made").exists()
    assert Protected([ws]).look().repositories == ()


async def test_special_files_with_protected_names_stop_nothing(shell, ground):
    os.mkfifo(ground.ws / ".env")
    (ground.ws / "sub").mkdir()
    os.mkfifo(ground.ws / "sub" / ".git")
    (ground.ws / ".idea").symlink_to(".")
    (ground.ws / ".zed").symlink_to("nowhere")
    result = await shell("echo x > made && echo ok")
    assert result.preview == "ok\n"


# --- the network ----------------------------------------------------------------------------


@pytest.mark.parametrize("network", [False, True])
async def test_the_network_is_off_unless_it_is_allowed(ground, base, network):
    sandbox = await enforced([ground.ws], ground.environ, network=network)
    shell = Shell(sandbox, ground, base / "outputs")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = await shell(
            f"(echo >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached; "
            "tail -n +3 /proc/net/dev | grep -vc ' lo:'"
        )
    assert ("reached" in result.preview) == network
    if not network:
        assert result.preview == "0\n"
    assert ("no network" in sandbox.told) != network
    assert sandbox.line == (
        f"Sandbox: on (workspace writable, network {'on' if network else 'off'})"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo x > {outside}/file", "only the workspace and /tmp can be written"),
        ("exec 3<>/dev/tcp/127.0.0.1/9", "a loopback of its own"),
        ("getent hosts nowhere.invalid || echo 'Could not resolve host: x' && false", "no network"),
        ("cat {home}/.ssh/id_ed25519", "id_ed25519 is there, but the sandbox hides it"),
        ("cat ../../.ssh/id_ed25519", "id_ed25519 is there, but the sandbox hides it"),
    ],
)
async def test_what_failed_because_of_the_sandbox_says_so(shell, ground, text, said):
    result = await shell(text.format(outside=ground.outside, home=ground.home))
    assert result.code != 0
    [note] = result.notes
    assert said in note
    assert "no_sandbox" in note


@pytest.mark.parametrize(
    "text", ["cat missing", "cat /no/such", "false", "echo Read-only file system"]
)
async def test_what_failed_for_other_reasons_does_not(shell, text):
    assert (await shell(text)).notes == ()


# --- processes ------------------------------------------------------------------------------


async def test_exit_codes_and_signals_pass_through(shell):
    assert [(await shell(f"exit {code}")).code for code in (0, 3, 127)] == [0, 3, 127]
    for name in ("KILL", "TERM", "SEGV"):
        result = await shell(f"kill -{name} $$")
        assert (result.state, result.code) == ("signalled", signal.Signals["SIG" + name])


async def test_a_command_may_end_in_order_when_it_is_told_to(ground, base):
    sandbox = await enforced([ground.ws], ground.environ)
    shell = Shell(sandbox, ground, base / "outputs", timeout=LIMIT, grace=LIMIT)
    text = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"
    result = await shell.past_its_limit(text)
    assert (result.state, result.code) == ("timed_out", 7)
    assert result.preview.endswith("bye\n")


async def test_a_timeout_leaves_no_orphan(ground, base):
    sandbox = await enforced([ground.ws], ground.environ)
    shell = Shell(sandbox, ground, base / "outputs", timeout=LIMIT, grace=0.1)
    marker = new_marker()
    text = f"trap '' TERM; setsid sleep {marker} & (sleep {marker} & ) ; echo up; sleep {marker}"
    result = await shell.past_its_limit(text)
    assert result.state == "timed_out"
    await all_gone(marker)


async def test_cancelling_kills_all_of_it_and_tells_what_it_did(shell, ground):
    marker = new_marker()
    task = asyncio.create_task(
        shell(f"trap '' TERM; touch .envrc; setsid sleep {marker} & echo up; wait")
    )
    await shell.shown.until("up\n")
    task.cancel()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(asyncio.CancelledError):
            await task
    await all_gone(marker)
    assert shell.told == [f"{ground.ws}/.envrc (new)"]


async def test_what_a_command_leaves_running_goes_on_until_it_is_stopped(shell):
    marker = new_marker()
    result = await shell(f"setsid sleep {marker} >/dev/null 2>&1 & sleep {marker} & echo done")
    assert (result.state, result.code, result.left_behind) == ("exited", 0, 2)
    assert result.preview.startswith(
        "done\n\n[2 of its processes go on in the background (sleep 999"
    )
    assert running(marker)
    part = await shell.runner.output("cmd-1.txt", OutputQuery(stop=True))
    assert (part.text, part.running) == ("done\n", False)
    await all_gone(marker)


async def test_what_a_command_leaves_running_ends_with_the_task(shell):
    marker = new_marker()
    await shell(f"setsid sleep {marker} >/dev/null 2>&1 & echo done")
    assert running(marker)
    await shell.runner.close()
    await all_gone(marker)


async def test_what_a_command_left_running_is_watched_for_protected_names(shell, ground):
    os.mkfifo(ground.ws / "fifo")
    await shell("(read < fifo; touch .envrc) & echo done")
    assert shell.told == []
    await asyncio.to_thread((ground.ws / "fifo").write_text, "go\n")
    await until(lambda: bool(shell.told))
    assert shell.told == [f"{ground.ws}/.envrc (new)"]


SERVER = "python3 -m http.server 8765 --bind 127.0.0.1"


async def test_a_server_is_reached_seen_and_stopped_by_later_commands(shell, ground):
    (ground.ws / "page").write_text("hello")
    get = "exec 3<>/dev/tcp/127.0.0.1/8765 && printf 'GET /page HTTP/1.0\r\n\r\n' >&3 && cat <&3"
    await shell(f"{SERVER} >log 2>&1 &")
    async with asyncio.timeout(PATIENCE):
        while "hello" not in (reached := (await shell(get)).preview):
            assert "refused" in reached
    assert SERVER in (await shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")).preview
    await shell.runner.output("cmd-1.txt", OutputQuery(stop=True))
    assert "refused" in (await shell(get)).preview
    again = await shell(
        f"{SERVER} >log 2>&1 & p=$!; until {get}; do sleep 0.1; done; kill $p; wait"
    )
    assert "hello" in again.preview


async def test_a_command_cannot_look_into_what_holds_the_space_or_into_another_command(
    shell, ground
):
    there = (await shell("SECRET=canary-other sleep 999 & ls /proc")).preview.split()
    pids = " ".join(filter(str.isdecimal, there))
    result = await shell(
        f"for each in {pids}; do\n"
        "cd /proc/$each/root && ls; readlink /proc/$each/fd/* /proc/$each/cwd\n"
        "head -c1 /proc/$each/fd/*; cat /proc/$each/environ; echo looked; done"
    )
    assert "canary" not in result.preview
    assert "SHELL=" not in result.preview
    assert result.preview.count("looked") == len(pids.split()) > 3
    assert set(result.preview.split()).isdisjoint(["etc", "usr", str(ground.ws), "/dev/null"])


async def test_a_command_that_stops_what_holds_it_ends_at_its_limit(ground, base):
    sandbox = await enforced([ground.ws], ground.environ)
    shell = Shell(sandbox, ground, base / "outputs", timeout=LIMIT, grace=0.1)
    marker = new_marker()
    text = f"setsid sleep {marker} & kill -STOP 1 $PPID 2 3 4; echo up; sleep {marker}"
    result = await shell.past_its_limit(text)
    assert result.state == "timed_out"
    await all_gone(marker)
    assert (await shell("echo more")).preview == "more\n"


@pytest.fixture
async def alone(ground, base, monkeypatch):
    """A shell where namespaces may not be nested."""

    def refuse(self, executable, *, network):
        raise OSError("no")

    monkeypatch.setattr(base_module.Scratch, "space", refuse)
    return Shell(
        await enforced([ground.ws], ground.environ), ground, base / "o", timeout=LIMIT, grace=0.1
    )


async def test_where_a_space_cannot_be_shared_each_command_has_its_own(alone):
    marker = new_marker()
    result = await alone(f"setsid sleep {marker} >/dev/null 2>&1 & sleep {marker} & echo done")
    assert (result.state, result.code, result.preview) == ("exited", 0, "done\n")
    await all_gone(marker)
    assert "ends with it" in alone.runner._options().sandbox.told
    for name in ("KILL", "TERM"):
        result = await alone(f"kill -{name} $$")
        assert (result.state, result.code) == ("signalled", signal.Signals["SIG" + name])


async def test_a_command_that_stops_its_own_init_ends_at_its_limit(alone):
    marker = new_marker()
    result = await alone.past_its_limit(f"kill -STOP 1; echo up; sleep {marker}")
    assert result.state == "timed_out"
    await all_gone(marker)


async def test_a_slow_command_goes_on_in_the_background(shell, ground):
    os.mkfifo(ground.ws / "fifo")
    text = "touch .envrc; echo up; read < fifo; touch .npmrc; echo two"
    result = await shell.past_its_limit(text, background_after=LIMIT)
    assert (result.state, result.code) == ("running", None)
    assert result.preview.startswith("up\n")
    assert shell.told == [f"{ground.ws}/.envrc (new)"]
    await asyncio.to_thread((ground.ws / "fifo").write_text, "go\n")
    await until(lambda: bool(shell.told[1:]))
    part = await shell.runner.output("cmd-1.txt", OutputQuery(0, 99))
    assert part.text == "up\ntwo\n"
    assert shell.told[1:] == [f"{ground.ws}/.npmrc (new)"]
    later = await shell("true")
    assert ".npmrc (new)" in later.preview
    assert ".envrc" not in later.preview


async def test_closing_kills_what_is_in_the_background(shell):
    marker = new_marker()
    await shell.past_its_limit(f"echo up; sleep {marker}", background_after=LIMIT)
    assert running(marker)
    await shell.runner.close()
    await all_gone(marker)


@pytest.mark.skipif(not LINUX, reason="elsewhere only the process group is found")
@pytest.mark.parametrize("mode", ["auto", "off"])
async def test_a_command_does_not_outlive_a_server_that_is_killed(ground, base, mode):
    if mode == "auto":
        await enforced([ground.ws], ground.environ)
    marker = new_marker()
    script = f"""
        import asyncio, os
        from pathlib import Path
        from roo_lsp.agent.ports import Command, OutputQuery
        from roo_lsp.workspace.commands import ShellOptions, ShellRunner
        from roo_lsp.workspace.sandbox.find import find_sandbox

        async def main():
            ws = Path({str(ground.ws)!r})
            sandbox = await find_sandbox([ws], {mode!r})
            runner = ShellRunner(ws / "o", lambda: ShellOptions(sandbox=sandbox))
            text = "setsid sleep {marker} & echo up; sleep {marker}"
            await runner.run(Command(text, ws), lambda text: print(text, flush=True))

        asyncio.run(main())
    """
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(script),
        stdout=asyncio.subprocess.PIPE,
        env=ground.environ,
    )
    assert server.stdout is not None
    assert await asyncio.wait_for(server.stdout.readline(), PATIENCE) == b"up\n"
    assert running(marker)
    server.kill()
    await server.wait()
    await all_gone(marker)


async def test_no_descriptor_is_left_open(shell):
    await shell("seq 20000")
    gc.collect()  # what other tests left open
    before = psutil.Process().num_fds()
    for _ in range(5):
        await shell("seq 20000")
    assert psutil.Process().num_fds() <= before


# --- which sandbox there is -----------------------------------------------------------------


async def test_the_state_is_said_when_there_is_none(ground, base, monkeypatch):
    monkeypatch.setattr(find, "find_bubblewrap", lambda folders, path: None)
    monkeypatch.setattr(find, "landlock_version", lambda: 0)
    monkeypatch.setattr(find.sys, "platform", "linux")
    found = await find_sandbox([ground.ws], "auto", environ=ground.environ)
    assert (found.state, found.jail, found.refused) == ("unavailable", None, "")
    assert found.line == "Sandbox: none (bubblewrap is not installed)"
    shell = Shell(found, ground, base / "outputs")
    result = await shell(
        f"echo x > {ground.outside}/made; mkdir .zed; echo x > .git/hooks/pre-push"
    )
    assert (ground.outside / "made").exists()
    assert shell.told == [
        f"{ground.ws}/.git/hooks/pre-push (new)",
        f"{ground.ws}/.zed (new)",
    ]
    assert "pre-push (new)" in result.preview


async def test_a_bubblewrap_in_the_workspace_is_not_taken_and_that_is_said(ground, monkeypatch):
    inside = ground.ws / "bwrap"
    monkeypatch.setattr(find, "find_bubblewrap", lambda folders, path: None if folders else inside)
    monkeypatch.setattr(find.sys, "platform", "linux")
    found = await find_sandbox([ground.ws], "auto", environ=ground.environ)
    assert "bubblewrap lies in this workspace, where it is not trusted" in found.line


async def test_off_is_off_and_watches_nothing(ground, base):
    found = await find_sandbox([ground.ws], "off")
    assert found == NO_SANDBOX
    assert found.line == "Sandbox: off (by the settings)"
    shell = Shell(found, ground, base / "outputs")
    await shell("mkdir .zed")
    assert shell.told == []


async def test_required_refuses_in_words_where_it_is_not_enforced(ground, base, monkeypatch):
    monkeypatch.setattr(find, "find_bubblewrap", lambda folders, path: None)
    found = await find_sandbox([ground.ws], "required", environ=ground.environ)
    assert "roo.commands.sandbox" in found.refused
    assert "bubblewrap is not installed" in found.refused
    with pytest.raises(ToolError, match="requires a sandbox"):
        await Shell(found, ground, base / "outputs")("touch made")
    assert not (ground.ws / "made").exists()


async def test_required_runs_where_it_is_enforced(ground, base):
    await enforced([ground.ws], ground.environ)
    found = await find_sandbox([ground.ws], "required", environ=ground.environ)
    assert (found.state, found.refused) == ("enforced", "")


@pytest.mark.skipif(not LINUX, reason="bubblewrap is Linux's")
async def test_a_bubblewrap_that_does_not_work_is_found_out_by_running_it(
    ground, base, monkeypatch
):
    broken = ground.outside / "bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(find, "landlock_version", lambda: 0)
    environ = ground.environ | {"PATH": f"{ground.outside}:{ground.environ['PATH']}"}
    found = await find_sandbox([ground.ws], "auto", environ=environ)
    assert found.state == "unavailable"
    assert "bwrap: setting up uid map: Permission denied" in found.line


def test_a_bubblewrap_of_the_workspace_is_not_run(ground):
    planted = ground.ws / "bin" / "bwrap"
    planted.parent.mkdir()
    planted.write_text("#!/bin/sh\nexit 0\n")
    planted.chmod(0o755)
    path = f".:{planted.parent}"
    assert find_bubblewrap([], path) == planted
    assert find_bubblewrap([ground.ws], path) != planted
    link = ground.outside / "bwrap"
    link.symlink_to(planted)
    assert find_bubblewrap([ground.ws], str(ground.outside)) != planted


async def test_a_home_that_is_the_workspace_is_partly_held_back(ground, base):
    found = await enforced([ground.home], ground.environ)
    assert found.state == "partial"
    assert found.line == ("Sandbox: partial (all of your home folder is writable, network off)")
    shell = Shell(found, ground, base / "outputs")
    result = await shell(
        f"echo x > made; cat .ssh/* .netrc state/* config/*; echo x > {ground.outside}/file; "
        "rm -rf state config; echo x > state/made",
        ground.home,
    )
    assert CANARY not in result.preview
    assert (ground.home / "made").exists()
    assert (ground.home / "state" / "file").read_text() == CANARY
    assert (ground.outside / "file").read_text() == "before"
    strict = await find_sandbox([ground.home], "required", environ=ground.environ)
    assert strict.refused


async def test_the_whole_disk_is_no_workspace_for_a_sandbox(ground):
    found = await find_sandbox([Path("/")], "auto", environ=ground.environ)
    assert found.line == "Sandbox: none (the workspace is the whole disk)"


async def test_the_system_is_asked_once(ground, monkeypatch):
    asked: list[object] = []
    real = find.find_sandbox

    async def counted(*arguments, **options):
        asked.append(arguments)
        return await real(*arguments, **options)

    monkeypatch.setattr(find, "find_sandbox", counted)
    sandboxes = Sandboxes()
    first, second = await asyncio.gather(
        sandboxes.find([ground.ws], "auto"), sandboxes.find([ground.ws], "auto")
    )
    assert first is second
    assert len(asked) == 1
    await sandboxes.find([ground.ws], "off")
    assert len(asked) == 2


# --- Landlock -------------------------------------------------------------------------------


@pytest.fixture
async def landlocked(ground, base, monkeypatch):
    if not landlock_version():
        pytest.skip("the kernel has no Landlock")
    monkeypatch.setattr(find, "find_bubblewrap", lambda folders, path: None)
    sandbox = await find_sandbox([ground.ws], "auto", environ=ground.environ)
    shell = Shell(sandbox, ground, base / "outputs")
    yield shell
    await shell.runner.close()


async def test_landlock_holds_back_writes_and_tcp(landlocked, ground):
    sandbox = landlocked.runner._options().sandbox
    assert sandbox.state == "partial"
    assert sandbox.line == (
        "Sandbox: partial (writes in the workspace and /tmp only, reads everywhere, "
        f"{'TCP off' if landlock_version() >= 4 else 'network on'}; bubblewrap is not installed)"
    )
    (ground.ws / "link").symlink_to(ground.outside)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = await landlocked(
            f"echo a > made; cat made; echo x > link/file; echo x > {ground.home}/made\n"
            f"mv made {ground.outside}/moved; rm {ground.outside}/file; truncate -s 0 link/file\n"
            f"(echo >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached\n"
            "grep -E 'CapPrm|CapEff|NoNewPrivs' /proc/self/status | cut -f2"
        )
    assert result.preview.startswith("a\n")
    if landlock_version() >= 4:
        assert "reached" not in result.preview
    assert result.preview.splitlines()[-3:] == ["0" * 16, "0" * 16, "1"]
    assert listing(ground.outside) == ["file"]
    assert (ground.outside / "file").read_text() == "before"
    assert not (ground.home / "made").exists()


async def test_landlock_keeps_the_servers_environment_and_leaves_the_server_free(
    landlocked, ground, base
):
    server = os.getpid()
    result = await landlocked(f"cat /proc/{server}/environ; kill -0 {server} && echo signalled")
    assert "PATH=" not in result.preview
    if landlock_version() >= 6:
        assert "signalled" not in result.preview
    (ground.outside / "server").write_text("free")
    assert (await asyncio.to_thread(subprocess.run, ["touch", base / "free"])).returncode == 0


async def test_under_landlock_git_works_and_its_configuration_is_compared(landlocked, ground):
    result = await landlocked("git commit -q --allow-empty -m second && git log --format=%s")
    assert result.preview == "second\nfirst\n"
    assert landlocked.told == []
    await landlocked("git config a.b c; echo x > .git/hooks/pre-commit; echo x > AGENTS.md")
    assert landlocked.told == [
        f"{ground.ws}/.git/config (changed)",
        f"{ground.ws}/.git/hooks/pre-commit (new)",
        f"{ground.ws}/AGENTS.md (new)",
    ]


async def test_under_landlock_cancelling_kills_the_group(landlocked):
    marker = new_marker()
    task = asyncio.create_task(landlocked(f"sleep {marker} & echo up; wait"))
    await landlocked.shown.until("up\n")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await all_gone(marker)


# --- what is compared -----------------------------------------------------------------------


async def test_a_comparison_that_fails_counts_as_a_change(ground, base, monkeypatch):
    found = Sandbox("unavailable", "", protected=Protected([ground.ws]))
    shell = Shell(found, ground, base / "outputs")
    looks = [Found()]
    monkeypatch.setattr(found.protected, "look", looks.pop)
    result = await shell("echo ok")
    assert result.preview == "ok\n"
    assert shell.told == ["not compared"]


def test_a_notice_names_some_and_counts_the_rest():
    new = Found({f"/w/{index:02}/.env": (1,) for index in range(30)})
    text = notice(changes(Found(), new))
    assert "/w/00/.env (new), /w/01/.env (new)" in text
    assert "/w/19/.env (new), and 10 more." in text
    assert "/w/20/.env" not in text


def test_in_a_huge_workspace_only_what_was_looked_at_each_time_is_compared(tmp_path, monkeypatch):
    monkeypatch.setattr("roo_lsp.workspace.sandbox.protect.MAX_FOLDERS", 4)
    for name in ("a/x", "b/x"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / ".env").touch()
    protected = Protected([tmp_path])
    before = protected.look()
    assert len(before.marks) == 1
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / ".env").touch()
    after = protected.look()
    assert [str(each) for each in changes(before, after)] == [f"{tmp_path}/c/.env (new)"]


def test_a_pipe_where_git_has_a_file_is_not_waited_for(tmp_path):
    ws, foreign = tmp_path / "ws", tmp_path / "foreign"
    for name in ("HEAD", "objects", "refs"):
        (foreign / name).mkdir(parents=True)
    os.mkfifo(foreign / "config")
    ws.mkdir()
    (ws / ".git").write_text(f"gitdir: {foreign}")
    assert Protected([ws]).look().repositories == ()


def test_a_change_within_a_tick_of_the_clock_is_seen(tmp_path, monkeypatch):
    tick = 10**12  # the file system's clock goes on once in a quarter of an hour

    def coarse(status: os.stat_result) -> tuple[int, ...]:
        times = (status.st_mtime_ns, status.st_ctime_ns)
        return (status.st_ino, *(each // tick * tick for each in times))

    monkeypatch.setattr("roo_lsp.workspace.sandbox.protect._mark", coarse)
    monkeypatch.setattr("roo_lsp.workspace.sandbox.protect.SETTLED_NS", tick)
    protected = Protected([tmp_path])
    before = protected.look()
    (tmp_path / ".vscode").mkdir()
    assert [str(each) for each in changes(before, protected.look())] == [
        f"{tmp_path}/.vscode (new)"
    ]


def test_names_in_folders_of_dependencies_are_left_out(tmp_path):
    (tmp_path / "node_modules" / "x").mkdir(parents=True)
    (tmp_path / "node_modules" / "x" / ".npmrc").touch()
    assert Protected([tmp_path]).look() == Found()


PLACES = ("a", "a/b", ".git", ".git/hooks", ".vscode", "sub/.git", ".git/modules/x")
NAMES = (".env", "config", "HEAD", "objects", "refs", "pre-commit", "plain", "AGENTS.md", "hooks")
STEPS = st.tuples(
    st.sampled_from(["file", "folder", "remove", "link", "move", "look"]),
    st.sampled_from(PLACES),
    st.sampled_from(NAMES),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(STEPS, max_size=12))
def test_what_is_remembered_of_folders_never_hides_a_change(steps):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        remembering = Protected([folder])
        before, fresh_before = remembering.look(), Protected([folder]).look()
        for what, place, last in steps:
            path = folder / place / last
            with contextlib.suppress(OSError):
                _do(what, path, folder)
            if what == "look":
                remembering.look()
        after, fresh_after = remembering.look(), Protected([folder]).look()
        assert after == fresh_after
        assert changes(before, after) == changes(fresh_before, fresh_after)


def _do(what: str, path: Path, folder: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match what:
        case "file":
            path.write_text("x")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(folder / "a")
        case "move":
            path.parent.rename(folder / "moved")
        case "remove":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        case _:
            pass


# --- macOS, as text -------------------------------------------------------------------------


def test_the_profile_for_macos_says_what_holds(ground):
    jail = Seatbelt([ground.ws], False, [ground.home / "state"], ground.environ)
    lines = jail.profile(Path("/private/var/folders/x")).splitlines()
    assert lines[:3] == ["(version 1)", "(allow default)", '(deny file-write* (subpath "/"))']
    assert f'(subpath "{ground.ws}")' in lines[3]
    assert f'(subpath "{ground.home}/.ssh")' in lines[4]
    assert lines[4].startswith("(deny file-read* file-write*")
    assert lines[-1] == "(deny network*)"
    protected = lines[-2]
    assert protected.startswith("(deny file-write* (regex")
    assert replace(jail, network=True).profile(Path("/t")).count("network") == 0


@pytest.mark.parametrize(
    ("name", "held"),
    [
        (".git", True),
        (".git/hooks", True),
        (".git/hooks/pre-commit", True),
        (".GIT/Config", True),
        (".git/modules/a/config", True),
        (".git/index", False),
        (".git/config.lock", False),
        ("a/.vscode/tasks.json", True),
        ("a/agents.MD", True),
        (".env.local", True),
        (".cargo/config.toml", True),
        (".cargo/other", False),
        ("src/main.py", False),
        ("config", False),
    ],
)
def test_the_profile_for_macos_holds_protected_names(ground, name, held):
    import re

    jail = Seatbelt([ground.ws], False, [], ground.environ)
    text = jail.profile(Path("/t"))
    line = next(each for each in text.splitlines() if each.startswith("(deny file-write* (regex"))
    patterns = re.findall(r'\(regex #"(.*?)"\)', line)
    assert any(re.search(each, f"{ground.ws}/{name}") for each in patterns) == held
    assert not any(re.search(each, f"{ground.outside}/{name}") for each in patterns)
