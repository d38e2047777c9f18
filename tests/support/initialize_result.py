"""The answer to `initialize` that is given before the server is loaded: `python -m tests.support.initialize_result`."""

import asyncio
import json
from pathlib import Path
from typing import Any

from roo_lsp.lsp.server import create_server
from roo_lsp.lsp.wire.greeting import RESULT
from tests.support.wire import raw


async def said(capabilities: dict[str, Any]) -> dict[str, Any]:
    """What the server itself answers."""
    async with raw(create_server()) as client:
        return await client.initialize(capabilities=capabilities)


if __name__ == "__main__":
    result = asyncio.run(said({}))
    Path(RESULT).write_text(json.dumps(result, indent=1) + "\n", "utf-8")
