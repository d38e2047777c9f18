"""What others can read of the server itself."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="/proc and prctl are Linux's"
)

KEY = "sk-canary-555"
SCRIPT = """
    import ctypes, os, subprocess, sys
    from roo_lsp.workspace.sandbox.memory import hide_own_memory

    if "as-user" in sys.argv and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # a change of user hides it too: undo that
    if "hide" in sys.argv:
        assert hide_own_memory()
    os.environ.pop("OPENAI_API_KEY")  # of no use: the block that the kernel shows stays
    text = "tr '\\\\0' '\\\\n' < /proc/$PPID/environ; head -c 1 /proc/$PPID/mem"
    subprocess.run(["/bin/sh", "-c", text], env={"PATH": os.defpath}, cwd="/")
"""


def environment_that_a_child_reads(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), *arguments],
        env=os.environ | {"OPENAI_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_child_cannot_read_the_environment_of_a_server_that_hides_it():
    assert KEY in environment_that_a_child_reads("as-user")
    assert KEY not in environment_that_a_child_reads("as-user", "hide")


@pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="about root")
def test_a_child_of_root_reads_it_all_the_same():
    assert KEY in environment_that_a_child_reads("hide")
