"""A command, started below its supervisor: with a sandbox around it, or none."""

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from roo_lsp.workspace import supervise
from roo_lsp.workspace.sandbox.base import Process, ProcessStart


def spawn(
    start: ProcessStart,
    cwd: Path,
    limits: Mapping[int, int],
    how: Callable[[Callable[[], Process]], Process],
    *,
    talks: bool = False,
) -> tuple[Process, socket.socket]:
    """Start a command below its supervisor; the socket is the way to it, and its lifeline.

    One that `talks` has a pipe for its stdin and one for what it says on stderr.

    Raises:
        OSError: it could not be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        words = [
            sys.executable,
            "-I",
            "-S",
            supervise.__file__,
            str(theirs.fileno()),
            ",".join(map(str, start.namespaces)),
            ",".join(f"{kind}={most}" for kind, most in limits.items()),
            str(int(start.wrapped)),
            *start.argv,
        ]
        try:
            process = how(
                lambda: subprocess.Popen(
                    words,
                    cwd=cwd,
                    env=start.env,
                    stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE if talks else subprocess.STDOUT,
                    start_new_session=True,
                    bufsize=0,
                    pass_fds=(theirs.fileno(), *start.namespaces),
                )
            )
        except BaseException:
            ours.close()
            raise
    ours.setblocking(False)  # noqa: FBT003 -- the library's
    return process, ours
