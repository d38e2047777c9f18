"""Taking standard input and output for messages alone; without what takes long to load."""

import os
import sys


def claim_streams() -> tuple[int, int]:
    """Takes standard input and output for messages, out of reach of `print` and of child processes.

    Returns their new file descriptors, which children do not inherit. Descriptor 0 then reads
    nothing and 1 writes to standard error.
    """
    stdin, stdout = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    try:
        os.dup2(2, 1)
    except OSError:
        os.dup2(nothing, 1)
    os.close(nothing)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - there is none elsewhere

        msvcrt.setmode(stdin, os.O_BINARY)
        msvcrt.setmode(stdout, os.O_BINARY)
    return stdin, stdout
