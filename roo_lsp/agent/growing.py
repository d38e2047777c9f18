"""What is said of a call while the model still writes it: which file, and how many lines so far.

The arguments are JSON that is not whole yet, and long: each delta is looked at once, and only its
beginning is looked through for the path.
"""

import json
import re
from dataclasses import dataclass

HEAD = 2_000
"""Characters of the arguments that are looked through for the path."""
NAME = 50
"""Characters of a path that are shown: its end, which tells most."""

_PATH = re.compile(r'"(?:\w{0,20}[pP]ath|target_?[fF]ile)"\s*:\s*("(?:[^"\\]|\\.)*")')
_PATCHED = re.compile(
    r"^\s*\{\s*\"\w+\"\s*:\s*\"(?:\\[rn]|\s)*\*\*\* Begin Patch.*?"
    r"\*\*\* (?:Add|Update|Delete) File: ([^\"]+?) *\\(?:r\\)?n",
    re.DOTALL,
)


@dataclass(slots=True)
class GrowingCall:
    """A call that the model is writing; `lines` are those that its texts have so far."""

    name: str
    doing: str = ""
    """What the tool is doing: `Writing`; empty where its arguments hold no text of files."""
    path: str = ""
    lines: int = 0
    _head: str = ""
    _cut: str = ""
    """A backslash at the end of the last delta: what it escapes comes with the next one."""

    @property
    def title(self) -> str:
        """`Writing src/app.py`; empty where there is nothing to say yet."""
        if not self.path:
            return ""
        shown = self.path if len(self.path) <= NAME else f"…{self.path[1 - NAME :]}"
        return f"{self.doing} {shown}"

    def add(self, delta: str) -> None:
        """Take more of the arguments."""
        if not self.doing:
            return
        if not self.path and len(self._head) < HEAD:
            self._head += delta
            self.path = self._find()
        escapes = self._cut + delta
        self._cut = ""
        if "\\" in escapes:
            escapes = escapes.replace("\\\\", "")  # escaped backslashes, which begin no escape
            self.lines += escapes.count("\\n")
            self._cut = "\\" if escapes.endswith("\\") else ""

    def _find(self) -> str:
        if patched := _PATCHED.search(self._head):
            return patched[1]
        found = _PATH.search(self._head)
        try:
            return json.loads(found[1]) if found else ""
        except ValueError:
            return ""
