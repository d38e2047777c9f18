"""The server's own memory and environment, kept from what it starts."""

import ctypes
import sys

_PR_SET_DUMPABLE = 4


def hide_own_memory() -> bool:
    """Let no process of the same user read this one's environment or memory; True where that holds.

    Linux only: then `/proc/PID/environ` and `mem` belong to root, and no debugger attaches. What we
    start is not touched by it. Root, and whoever has CAP_SYS_PTRACE or CAP_PERFMON, reads it still.
    """
    if not sys.platform.startswith("linux"):
        return False
    return ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0
