"""What a command may have failed at only because it ran in a sandbox, in words for the model."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from roo_lsp.agent.ports import Command
from roo_lsp.workspace.paths import exists
from roo_lsp.workspace.sandbox.base import Sandbox

_READ_ONLY = re.compile(r"read-only file system|EROFS", re.IGNORECASE)
_NETWORK = re.compile(
    r"could not resolve|couldn\'t resolve|name resolution|network is unreachable|no route to host"
    r"|ENETUNREACH|EAI_AGAIN|ENOTFOUND|getaddrinfo|failed to lookup address|dial (?:tcp|udp)"
    r"|unable to access \'https?:|connection error|failed to establish a new connection",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(
    r"(?:127\.0\.0\.1|localhost|\[::1\])[^\n]{0,120}(?:refused|failed)"
    r"|(?:refused|failed|couldn\'t connect)[^\n]{0,120}(?:127\.0\.0\.1|localhost|\[::1\])",
    re.IGNORECASE,
)
_QUOTE = r"[\'\"`\u2018\u2019]"
_MISSING = re.compile(
    rf"{_QUOTE}?(?P<path>[\w~./@+-][^\n\'\"`:\u2018\u2019]{{0,300}}){_QUOTE}?: no such file",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"(?:ENOENT|errno 2\])[^\n\'\"]{{0,80}}{_QUOTE}(?P<path>[^\n\'\"]{{1,300}}){_QUOTE}",
    re.IGNORECASE,
)
_OUT = "If the task needs it, run the command with no_sandbox; the user is asked."


def prevented(
    text: str, command: Command, sandbox: Sandbox, kept: Sequence[Path]
) -> tuple[str, ...]:
    """A sentence for what the sandbox has, or may have, prevented; `text` is what the command printed,
    `kept` what was hidden from it because the user keeps it from the agent.
    """
    if sandbox.jail is None:
        return ()
    found: list[str] = []
    if hidden := next(_hidden(text, command.cwd), None):
        found.append(f"{hidden} is there, but the sandbox hides it from commands.")
    if ignored := [each.name for each in kept if each.name in text or each.name in command.text]:
        found.append(
            f".rooignore keeps {ignored[0]} from the agent, so commands find nothing in it."
        )
    if _READ_ONLY.search(text):
        found.append("In the sandbox only the workspace and /tmp can be written.")
    if sandbox.network is False:
        if _LOOPBACK.search(text):
            found.append(
                "The sandbox has a loopback of its own: what listens outside it cannot be reached."
            )
        elif _NETWORK.search(text):
            found.append("The sandbox has no network.")
    return (f"{' '.join(found)} {_OUT}",) if found else ()


def _hidden(text: str, cwd: Path) -> Iterator[Path]:
    """Paths that are said not to be there, and are."""
    names = [found["path"].split()[-1] for found in _MISSING.finditer(text)]
    names += [found["path"] for found in _NAMED.finditer(text)]
    for name in names[:50]:
        path = Path(os.path.normpath(cwd / Path(name).expanduser()))
        if exists(path) and not path.is_relative_to(cwd):
            yield path
