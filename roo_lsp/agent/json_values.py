"""JSON in types, where nothing has looked into it yet."""

from typing import Any

Json = Any
"""Any value."""
JsonObject = dict[str, Any]
