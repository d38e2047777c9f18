"""Files of a workspace that set up MCP servers: which they are, and what trusting one would start.

`roo_lsp/mcp/entries.py` reads them; here is what a person is asked about, word for word as it stands there.
"""

import json
import re
import shlex
from collections.abc import Sequence
from typing import cast

from roo_lsp.agent.json_values import Json, object_or_empty
from roo_lsp.workspace.escapes import label

MCP_FILES = (".roo/mcp.json", ".mcp.json")
"""Below a folder of the workspace, the stronger one first: Roo Code's, and that of other agents."""
VARIABLE = re.compile(
    r"\$\{(?:(?P<folder>workspaceFolder)|(?:env:)?(?P<name>[A-Za-z_]\w*))(?::-(?P<default>[^{}]*))?\}"
)
"""What is filled in within an entry: `${env:NAME}`, `${NAME:-default}`, `${workspaceFolder}`."""
INSTEAD = "each stands in the place of your own of the same name"
"""What is said of them all: the workspace's entries are stronger, as in Roo Code."""


def what_servers_do(data: bytes) -> str:
    """What the servers of a file would do once it is trusted, as a phrase; empty where there is none."""
    try:
        raw: Json = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return ""
    servers = object_or_empty(object_or_empty(raw).get("mcpServers"))
    told = [f"MCP server {label(name)} {_what_it_does(each)}" for name, each in servers.items()]
    return " · ".join([*told, INSTEAD]) if told else ""


def _what_it_does(raw: Json) -> str:
    given = object_or_empty(raw)
    command, url = given.get("command"), given.get("url")
    if isinstance(command, str):
        args = given.get("args")
        words = cast("Sequence[Json]", args) if isinstance(args, list) else ()
        what = f"starts `{shlex.join([command, *map(str, words)])}`"
    elif isinstance(url, str):
        what = f"reaches {url}"
    else:
        return "cannot be used"
    more = [what]
    found = VARIABLE.finditer(json.dumps(given))
    if names := dict.fromkeys(each["name"] for each in found if each["name"]):
        more.append(f"reads {', '.join(f'${each}' for each in names)}")
    if env := object_or_empty(given.get("env")):
        more.append(f"sets {', '.join(env)}")
    allow = given.get("alwaysAllow")
    if isinstance(allow, list) and allow:
        named = ", ".join(map(str, cast("list[Json]", allow)))
        more.append(f"with autoApprove.mcp calls {named} without a question")
    off = "(switched off) " if given.get("disabled") is True else ""
    return off + label(", ".join(more))
