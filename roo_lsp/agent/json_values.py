"""JSON in types, where nothing has looked into it yet."""

from typing import Any, cast

Json = Any
"""Any value."""
JsonObject = dict[str, Any]


def object_or_empty(value: object) -> JsonObject:
    """The object that a value is, else one with nothing in it."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}
