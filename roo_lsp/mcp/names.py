"""Names of servers' tools that every endpoint takes: `mcp--server--tool`, at most 64 of `[A-Za-z0-9_-]`.

The form is Roo Code's. Where making it loses something (other characters, too long, a `--` that is part
of a name), it ends in a part of a hash over both names, so that no two tools get one name.
"""

import re
from hashlib import sha256

PREFIX = "mcp"
LONGEST = 64
"""What hosted endpoints take (OpenAI, Gemini)."""


def tool_name(server: str, tool: str) -> str:
    """What a tool of a server is called towards a model; also a prompt's name for people."""
    parts = [_part(server), _part(tool)]
    name = "--".join([PREFIX, *parts])
    if parts == [server, tool] and len(name) <= LONGEST:
        return name
    both = "\0".join((server, tool)).encode("utf-8", "surrogatepass")
    end = f"_{sha256(both).hexdigest()[:6]}"
    return name[: LONGEST - len(end)] + end


def is_of_server(name: str) -> bool:
    """True for what is, or was, the name of a server's tool."""
    return name.startswith(f"{PREFIX}--")


def _part(name: str) -> str:
    """A server's or tool's name as part of ours: the `--` between the parts stands in none of them."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "", re.sub(r"\s+", "_", name))
    return re.sub(r"-{2,}", "-", plain).strip("-") or "unnamed"
