"""Linux: one process space and one network for the commands of a task.

A keeper made by bwrap holds the namespaces; each command enters them and is confined by a bwrap of its
own in there, so what it sees of the disk is as it is when it starts. With the keeper ends all that
runs in them. Where user namespaces may not be nested there is no such space.
"""

import contextlib
import json
import os
import select
import subprocess
import time
from pathlib import Path

FLAGS = (
    "--unshare-user",
    "--unshare-pid",
    "--unshare-ipc",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
)
START_SECONDS = 10
_KEEPER = ("/bin/sh", "-c", "echo; exec cat >/dev/null")
"""Says that all is mounted, and ends with the server, which holds its input."""


class Space:
    """Namespaces that commands enter; `close` ends all that runs in them."""

    def __init__(self, executable: Path, *, network: bool) -> None:
        """Blocks until it is there: some milliseconds.

        Raises:
            OSError: there can be none; why, in words.
        """
        told, tell = os.pipe()
        words = [os.fspath(executable), *FLAGS, *(() if network else ("--unshare-net",))]
        words += ["--info-fd", str(tell), "--dev-bind", "/", "/", "--proc", "/proc", "--", *_KEEPER]
        self.descriptors: tuple[int, ...] = ()
        """Of the namespaces, in the order in which they can be entered."""
        try:
            self._keeper = subprocess.Popen(
                words,
                env={"PATH": os.defpath},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(tell,),
            )
        except OSError:
            os.close(told)
            raise
        finally:
            os.close(tell)
        try:
            with os.fdopen(told, "rb") as info:
                self._wait()
                child = json.loads(info.read())["child-pid"]
            kinds = ("user", "ipc", *(() if network else ("net",)), "pid", "mnt")
            for kind in kinds:
                place = f"/proc/{child}/ns/{kind}"
                self.descriptors += (os.open(place, os.O_RDONLY | os.O_CLOEXEC),)
        except (OSError, ValueError, KeyError) as error:
            self.close()
            raise OSError(str(error)) from error

    @property
    def lives(self) -> bool:
        """False once its keeper has ended, and with it all that ran there."""
        return self._keeper.poll() is None

    def close(self) -> None:
        """End it, and all that runs in it."""
        self._keeper.kill()
        for each in self.descriptors:
            os.close(each)
        self.descriptors = ()
        for each in (self._keeper.stdin, self._keeper.stdout, self._keeper.stderr):
            if each is not None:
                each.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(timeout=1)

    def _wait(self) -> None:
        """Return when all is mounted."""
        out, complaints = self._keeper.stdout, self._keeper.stderr
        assert out is not None  # noqa: S101 -- a pipe was asked for
        assert complaints is not None  # noqa: S101 -- as above
        deadline = time.monotonic() + START_SECONDS
        if not select.select([out], [], [], deadline - time.monotonic())[0]:
            raise OSError(f"bubblewrap took more than {START_SECONDS} seconds to start")
        if not out.read(1):
            lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
            raise OSError(lines[0] if lines else "bubblewrap ended at once")
