"""The real programs as the judge: runs commands in a scratch workspace and tells what they changed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.workspace.shell.bash import BUBBLEWRAP

CANARY = "a text that only stands outside"
FILES = {
    "src/app.py": "import os\n\n\ndef main():\n    return 1  # TODO foo\n",
    "src/a.py": "x = 1\n",
    "src/b.py": "y = 2\n",
    "src/app.js": "console.log(1);\n",
    "src/run.sh": "echo run\n",
    "README.md": "# Title\n\nfoo x\nstart\nend\nx 1\n",
    "a.txt": "one:two\nthree:four\n",
    "b.txt": "one:two\nfive:six\n",
    "a.csv": "b,2\na,1\na,1\n",
    "b.csv": "a,1\nc,3\n",
    "log.txt": "1\n2\n3\n",
    "logs/out.log": "1\n",
    "package.json": '{"name": "app", "scripts": {"test": "true"}, "dependencies": {"a": "1"}}\n',
    "tsconfig.json": "{}\n",
    "script.py": "print('script')\n",
    "script.sh": "echo script\n",
    "tests/test_a.py": "def test_b():\n    assert True\n",
    "Makefile": "all test build:\n\t@echo $@\n",
    "build/Makefile": "all test:\n\t@echo $@\n",
}
_DRIVER = """
import json, os, stat, subprocess, sys
texts, root = json.load(sys.stdin), sys.argv[1]
def facts(path):
    at = os.lstat(path)
    if stat.S_ISREG(at.st_mode):
        with open(path, "rb") as file:
            return [at.st_mode, at.st_size, hash(file.read())]
    return [at.st_mode, os.readlink(path) if stat.S_ISLNK(at.st_mode) else ""]
def files():
    return {os.path.relpath(os.path.join(at, name), root): facts(os.path.join(at, name))
        for at, folders, names in os.walk(root) for name in [*folders, *names]}
def processes():
    found = set()
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if b"ROO_TRIED=" + sys.argv[2].encode() in file.read():
                    found.add(pid)
        except OSError:
            pass
    return found
results = []
before = files()
for text in texts:
    try:
        done = subprocess.run(["/bin/bash", "--noprofile", "--norc", "-c", text], timeout=60,
            cwd=os.path.join(root, "ws"), env=dict(os.environ, ROO_TRIED=sys.argv[2]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said, code = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired:
        said, code = "", -1
    after = files()
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    results.append([code, said[:20000], changed, len(processes())])
    before = after
json.dump(results, sys.stdout)
"""


@dataclass(frozen=True)
class Did:
    """What one command did."""

    code: int
    said: str
    changed: tuple[str, ...]
    """Paths below the scratch folder that appeared, went or are another content."""
    left: int
    """Processes that it left behind."""


class Scratch:
    """A folder with a workspace `ws`, a home, and a text outside that nothing may show."""

    def __init__(self, root: Path) -> None:
        self.ws = root / "ws"
        self._root = root
        for name, text in FILES.items():
            (self.ws / name).parent.mkdir(parents=True, exist_ok=True)
            (self.ws / name).write_text(text, "utf-8")
        for each in ("home", "outside"):
            (root / each).mkdir()
        (root / "outside/secret").write_text(CANARY, "utf-8")
        (self.ws / "link").symlink_to("../outside")
        self._environment = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/bin", "/bin")),
            "HOME": str(root / "home"),
            "LC_ALL": "C.UTF-8",
            "GIT_PAGER": "cat",
            "PAGER": "cat",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._repository()

    def has(self, program: str) -> bool:
        """Is it installed?"""
        builtins = {"cd", "echo", "printf", "test", "[", "true", "false", "pwd", "command", "type"}
        return (
            program in builtins or shutil.which(program, path=self._environment["PATH"]) is not None
        )

    def run(self, texts: Sequence[str]) -> list[Did]:
        """Run each as the agent would, one after the other; without a network where it can be had."""
        done = subprocess.run(
            [
                *self._wrapper(),
                sys.executable,
                "-I",
                "-S",
                "-c",
                _DRIVER,
                self._root,
                self._root.name,
            ],
            env=self._environment,
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [
            Did(code, said, tuple(changed), left)
            for code, said, changed, left in json.loads(done.stdout)
        ]

    def _wrapper(self) -> list[str]:
        if not BUBBLEWRAP:
            return []
        root = str(self._root)
        return [
            *(BUBBLEWRAP, "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/"),
            *("--dev", "/dev", "--proc", "/proc", "--bind", root, root),
        ]

    def _repository(self) -> None:
        for words in (
            "init -q -b main",
            "config user.name x",
            "config user.email x@example.org",
            "add .",
            "commit -q -m first",
            "tag v1.0",
            "branch dev",
            "commit -q --allow-empty -m second",
        ):
            subprocess.run(["git", *words.split()], cwd=self.ws, env=self._environment, check=True)
