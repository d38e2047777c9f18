"""Running git on a repository of ours, so that nothing of the workspace or the user has a say in it."""

import os
import subprocess
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from roo_lsp.workspace.paths import followed, is_program

SECONDS = 180
"""What one run of git may take: the first look at a very large workspace on a slow disk."""
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree without entries, which every git knows."""


_ENDS = {0, -13, 141}
"""How git ends when it is not listened to any more: by SIGPIPE, or saying that it was that."""


class CheckpointError(Exception):
    """A checkpoint cannot be taken, or not be read; why, for the user, without a full stop."""


def find_git(folders: Iterable[Path], search: str) -> Path | None:
    """The first git on a search path that does not lie in one of the folders."""
    real = [Path(os.path.realpath(folder)) for folder in folders]
    for each in search.split(os.pathsep):
        found = Path(each, "git.exe" if os.name == "nt" else "git")
        if not found.is_absolute() or not is_program(found):
            continue
        places = (found, followed(found))
        if not any(place.is_relative_to(folder) for place in places for folder in real):
            return found
    return None


@dataclass(slots=True)
class Git:
    """git, with a repository and a work tree. One run at a time; `kill` ends it from another thread."""

    program: Path
    repository: Path
    work_tree: Path
    seconds: float = SECONDS
    more: Mapping[str, str] = field(default_factory=dict[str, str])
    """What it is told beside that: where a repository of the user's has its parts."""
    runs: int = 0
    """How many processes were started."""
    killed: bool = False
    _running: subprocess.Popen[bytes] | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, *arguments: str, given: bytes = b"") -> bytes:
        """What it prints.

        Raises:
            CheckpointError: it failed, took too long, or was killed.
        """
        with self._started(arguments, subprocess.PIPE) as process:
            try:
                printed, complaint = process.communicate(given, timeout=self.seconds)
            except subprocess.TimeoutExpired:
                raise CheckpointError(
                    f"git {_name(arguments)} took longer than {self.seconds:g} s"
                ) from None
        self._check(arguments, process.returncode, complaint)
        return printed

    @contextmanager
    def reading(
        self, *arguments: str, given: int | IO[bytes] = subprocess.DEVNULL
    ) -> Generator[IO[bytes]]:
        """What it prints, as it comes, told what a file holds; it need not be read to its end.

        Raises:
            CheckpointError: as above.
        """
        with self._started(arguments, given) as process:
            assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
            yield process.stdout
            process.stdout.close()
            if process.wait() not in _ENDS:
                self._check(arguments, process.returncode, b"")

    def kill(self) -> None:
        """End what runs, and start nothing more."""
        with self._guard:
            self.killed = True
            if self._running is not None:
                self._running.kill()

    @contextmanager
    def _started(
        self, arguments: Sequence[str], stdin: int | IO[bytes]
    ) -> Generator[subprocess.Popen[bytes]]:
        with self._guard:
            if self.killed:
                raise CheckpointError("the server ends")
            self.runs += 1
            try:
                process = self._running = subprocess.Popen(
                    [os.fspath(self.program), *arguments],
                    cwd=self.work_tree,
                    env=self._environment(),
                    umask=0o077 if os.name == "posix" else -1,
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE if stdin == subprocess.PIPE else subprocess.DEVNULL,
                )
            except OSError as error:
                raise CheckpointError(f"git cannot be started ({error.strerror})") from error
        try:
            yield process
        finally:
            with self._guard:
                self._running = None
            if process.poll() is None:
                process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()

    def _check(self, arguments: Sequence[str], code: int, complaint: bytes) -> None:
        if code == 0:
            return
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise CheckpointError(f"git {_name(arguments)} failed: {last or f'exit code {code}'}")

    def _environment(self) -> dict[str, str]:
        """All that git is told from outside: no key, no setting of the user, none of the system."""
        ours = os.fspath(self.repository)
        return {
            "PATH": os.defpath,
            "LC_ALL": "C",
            "HOME": ours,
            "XDG_CONFIG_HOME": ours,
            "GIT_DIR": ours,
            "GIT_WORK_TREE": os.fspath(self.work_tree),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            # Attributes from here, not from the workspace's files (from git 2.41 on).
            "GIT_ATTR_SOURCE": EMPTY_TREE,
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "none",
            **self.more,
        }


def _name(arguments: Sequence[str]) -> str:
    return next((each for each in arguments if each[0] != "-" and "=" not in each), "")
