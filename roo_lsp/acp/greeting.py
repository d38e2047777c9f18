"""The answer to `initialize`, made without the SDK: that takes half a second to load, behind this answer."""

from collections.abc import Mapping
from typing import Any

PROTOCOL_VERSION = 1
"""The one that is spoken; a client that knows none but others is told so by it."""
KEY_METHOD = "roo-key"
KEY_WORDS = (
    "roo-lsp takes the key of your endpoint from the environment (OPENAI_API_KEY, or the variable that "
    "provider.apiKeyEnv names), from a program (provider.apiKeyCommand) or from your own settings.json; a model "
    "on this machine needs none. The key is never sent over this connection. `roo-lsp doctor` tests it."
)


def greeting(version: str) -> dict[str, Any]:
    """What `initialize` is answered, whatever the client's version is."""
    return {
        "protocolVersion": PROTOCOL_VERSION,
        "agentCapabilities": {
            "loadSession": True,
            "promptCapabilities": {"image": True, "audio": False, "embeddedContext": True},
            "mcpCapabilities": {"http": True, "sse": False},
            "sessionCapabilities": {
                "list": {},
                "delete": {},
                "resume": {},
                "close": {},
                "additionalDirectories": {},
            },
        },
        "agentInfo": {"name": "roo-lsp", "title": "Roo", "version": version},
        "authMethods": [
            {"id": KEY_METHOD, "name": "Key of your endpoint", "description": KEY_WORDS}
        ],
    }


def reply_to(message: Mapping[str, Any], version: str) -> dict[str, Any] | None:
    """The reply to a well-formed `initialize`; None for any other message."""
    match message:
        case {
            "method": "initialize",
            "id": int() | str() as number,
            "params": {"protocolVersion": int()},
        }:
            return {"jsonrpc": "2.0", "id": number, "result": greeting(version)}
        case _:
            return None
