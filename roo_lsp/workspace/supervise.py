"""Stands between the server and one command, as a process of its own: nothing the command starts is left.

    python -I -S supervise.py LINK NAMESPACES LIMITS WRAPPED ARGV…

LINK is the descriptor of a socket whose other end only the server has: it hears how the command ended,
and when it is closed, also because the server was killed, all that the command started is killed.
On Linux what leaves its group and loses its parent becomes a child of this process; elsewhere the
command's process group is all that is found. NAMESPACES are descriptors of Linux namespaces to enter,
LIMITS numbers of `setrlimit`, WRAPPED says that the command is a child of what is started.

Messages of the server: `t` sends TERM. To the server, one line: `exit CODE LEFT`, `signal NUMBER LEFT`,
where LEFT is how many processes go on, or `failed ERRNO`.

Standard library only, and little of it: this is loaded for each command.
"""

import ctypes
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
"""Of `prctl`: the kernel's include/uapi/linux/prctl.h."""
_LINUX = sys.platform.startswith("linux")
_ROUNDS = 400
"""Looks for processes that are left, 5 ms apart."""


def main() -> None:
    link, namespaces, limits, wrapped = sys.argv[1:5]
    supervise(
        int(link),
        [int(each) for each in namespaces.split(",") if each],
        [(int(k), int(v)) for k, _, v in (each.partition("=") for each in limits.split(",")) if v],
        sys.argv[5:],
        wrapped=bool(int(wrapped)),
    )


def supervise(
    link: int,
    namespaces: list[int],
    limits: list[tuple[int, int]],
    argv: list[str],
    *,
    wrapped: bool,
) -> None:
    """Run a command to the end of all it started."""
    os.set_inheritable(link, False)  # noqa: FBT003 -- the library's
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for each in namespaces:
        if ctypes.CDLL(None).setns(each, 0):
            os.write(link, b"failed 1\n")
            return
        os.close(each)
    # Who enters a process namespace is not in it, but what it starts is.
    if namespaces and (inner := os.fork()):
        _let_go(link)
        os.waitpid(inner, 0)
        return
    _prctl(_SET_CHILD_SUBREAPER, 1)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    command = os.fork()
    if command == 0:
        _run(link, limits, argv)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _nothing)
    _let_go()
    _watch(link, woken, command, wrapped=wrapped)


def _nothing(number: int, frame: object) -> None:
    """A handler, so that the signal wakes the one who waits."""


def _run(link: int, limits: list[tuple[int, int]], argv: list[str]) -> None:
    """Become the command."""
    try:
        os.setsid()
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        for kind, most in limits:
            soft, hard = resource.getrlimit(kind)
            hard = most if hard == resource.RLIM_INFINITY else min(hard, most)
            soft = hard if soft == resource.RLIM_INFINITY else min(soft, hard)
            resource.setrlimit(kind, (soft, hard))
        for each in (signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(each, signal.SIG_DFL)
        os.execv(argv[0], argv)  # noqa: S606 -- what this is for
    except OSError as error:
        os.write(link, b"failed %d\n" % (error.errno or 0))
    finally:
        os._exit(127)


def _watch(link: int, woken: int, command: int, *, wrapped: bool) -> None:
    ready = select.poll()
    ready.register(link, select.POLLIN)
    ready.register(woken, select.POLLIN)
    while _reap(command, link):
        for descriptor, _ in ready.poll():
            if descriptor == woken:
                os.read(woken, 4096)
                continue
            try:
                said = os.read(link, 64)
            except OSError:
                said = b""
            if b"t" in said:
                _terminate(command, wrapped=wrapped)
            if not said:
                _kill_all(command)
                return


def _reap(command: int, link: int) -> bool:
    """Take note of what ended; False when nothing is left."""
    status = None
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pid, left = -1, False
            break
        if pid == 0:
            left = True
            break
        if pid == command:
            status = ended
    if status is not None:
        code = os.waitstatus_to_exitcode(status)
        what = b"exit %d" % code if code >= 0 else b"signal %d" % -code
        count = len(_below(os.getpid())) if left else 0
        _quietly(os.write, link, what + b" %d\n" % count)
    return left


def _terminate(command: int, *, wrapped: bool) -> None:
    """TERM to the command's group: a keeper would die of it at once, and the command with it."""
    targets = [pid for pid, parent in _processes() if parent == command] if wrapped else []
    for each in targets or [command]:
        _quietly(os.killpg, each, signal.SIGTERM)


def _kill_all(command: int) -> None:
    for _ in range(_ROUNDS):
        left = _below(os.getpid())
        for each in left:
            _quietly(os.kill, each, signal.SIGKILL)
        if not _LINUX:
            try:
                os.killpg(command, signal.SIGKILL)
            except OSError:
                return
        elif not left:
            return
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def _quietly(act: Callable[..., object], *arguments: object) -> None:
    try:  # noqa: SIM105 -- contextlib is a fifth of what starting this costs
        act(*arguments)
    except OSError:
        pass


def _below(top: int) -> list[int]:
    """The living processes that one has started, and those that they have started."""
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [top]
    while queue:
        inside = children.get(queue.pop(), [])
        found += inside
        queue += inside
    return found


def _processes() -> "list[tuple[int, int]]":
    """Each living process and its parent, where the system has a /proc to tell."""
    found: list[tuple[int, int]] = []
    try:
        names = os.listdir("/proc")  # noqa: PTH208 -- hundreds of names, no paths needed
    except OSError:
        return found
    for name in filter(str.isdecimal, names):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 -- as above
                state, parent = file.read().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != b"Z":
            found.append((int(name), int(parent)))
    return found


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _let_go(*descriptors: int) -> None:
    """Hold nothing of the command's open."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):
        os.dup2(nothing, each)
    for each in (nothing, *descriptors):
        os.close(each)


if __name__ == "__main__":
    main()
