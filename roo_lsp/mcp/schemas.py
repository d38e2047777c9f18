"""Schemas of servers' tools: checked when they come, so that one of them never fails a whole request.

Endpoints that check schemas (OpenAI, Anthropic, Gemini) refuse a request with one that is wrong. What can
be said in another way is; what cannot costs its tool alone, and is told.
"""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from jsonschema import Draft202012Validator, SchemaError

from roo_lsp.agent.json_values import Json, JsonObject

MAX_DEPTH = 24
MAX_NODES = 2_000
"""Of one schema; what real tools have is far below."""
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What Anthropic takes as a name of an argument."""
_TOGETHER = ("anyOf", "oneOf", "allOf")
_NO_USE = ("$schema", "$id", "$comment")


class BadSchema(Exception):
    """Why an endpoint would refuse it, as a phrase."""


def endpoint_schema(schema: Json) -> JsonObject:
    """The schema as endpoints take it.

    Raises:
        BadSchema: they would not, whatever is done.
    """
    if not isinstance(schema, dict):
        raise BadSchema("its input schema is no object")
    whole = dict(cast("JsonObject", schema))
    for key in _NO_USE:
        whole.pop(key, None)
    if any(key in whole for key in _TOGETHER):
        whole = _flat(whole)
    if whole.setdefault("type", "object") != "object":
        raise BadSchema("its arguments are no object")
    whole.setdefault("properties", {})
    for count, (node, depth) in enumerate(_nodes(whole, 0)):
        if depth > MAX_DEPTH or count > MAX_NODES:
            raise BadSchema("its input schema is too large or too deep")
        _check(node, whole)
    try:
        Draft202012Validator.check_schema(whole)
    except SchemaError as error:
        raise BadSchema(f"its input schema is none: {error.message[:200]}") from None
    return _mended(whole)


def _nodes(node: Json, depth: int) -> Iterator[tuple[JsonObject, int]]:
    """Each object of a schema, from the top; the stack is ours, for schemas may be deep."""
    waiting: list[tuple[Json, int]] = [(node, depth)]
    while waiting:
        each, depth = waiting.pop()
        if isinstance(each, Mapping):
            found = cast("JsonObject", each)
            yield found, depth
            waiting += [(value, depth + 1) for value in found.values()]
        elif isinstance(each, list):
            waiting += [(value, depth + 1) for value in cast("list[Json]", each)]


def _check(node: JsonObject, whole: JsonObject) -> None:
    reference = node.get("$ref")
    if isinstance(reference, str) and not _leads_somewhere(reference, whole):
        raise BadSchema(f"its input schema refers to {reference[:80]}, which it has not")
    properties = node.get("properties")
    if isinstance(properties, dict):
        for name in cast("JsonObject", properties):
            if not _PROPERTY.fullmatch(name):
                raise BadSchema(f"it has an argument named {name[:64]!r}")


def _leads_somewhere(reference: str, whole: JsonObject) -> bool:
    if not reference.startswith("#"):
        return False
    node: Json = whole
    for step in filter(None, reference[1:].split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or key not in node:
            return False
        node = cast("JsonObject", node)[key]
    return True


def _flat(whole: JsonObject) -> JsonObject:
    """Alternatives at the top, which endpoints refuse, as one object of all their properties.

    The server still refuses what fits none of them.
    """
    rest = {key: value for key, value in whole.items() if key not in _TOGETHER}
    properties: JsonObject = {}
    required: set[str] | None = None
    for key in _TOGETHER:
        each_way = whole.get(key)
        for way in cast("list[Json]", each_way) if isinstance(each_way, list) else []:
            found = _followed(way, whole)
            properties |= cast("JsonObject", found.get("properties") or {})
            needs = set(cast("list[str]", found.get("required") or []))
            required = (
                needs
                if required is None
                else required | needs
                if key == "allOf"
                else required & needs
            )
    own = cast("list[str]", rest.get("required") or [])
    rest["properties"] = properties | cast("JsonObject", rest.get("properties") or {})
    rest["required"] = [*own, *sorted((required or set()) - set(own))]
    return rest


def _followed(way: Json, whole: JsonObject) -> JsonObject:
    node: Json = way
    reference = cast("JsonObject", node).get("$ref") if isinstance(node, dict) else None
    if isinstance(reference, str) and _leads_somewhere(reference, whole):
        node = whole
        for step in filter(None, reference[1:].split("/")):
            node = cast("JsonObject", node)[step.replace("~1", "/").replace("~0", "~")]
    if not isinstance(node, dict) or cast("JsonObject", node).get("type", "object") != "object":
        raise BadSchema("its arguments are no object")
    return cast("JsonObject", node)


def _mended(node: Json) -> Json:
    """Lists say what is in them, and only properties that there are can be required."""
    if isinstance(node, list):
        return [_mended(each) for each in cast("list[Json]", node)]
    if not isinstance(node, dict):
        return node
    found: JsonObject = {key: _mended(value) for key, value in cast("JsonObject", node).items()}
    if found.get("type") == "array" and "items" not in found and "prefixItems" not in found:
        found["items"] = {}
    properties, required = found.get("properties"), found.get("required")
    if isinstance(properties, dict) and isinstance(required, list):
        found["required"] = [each for each in cast("list[Json]", required) if each in properties]
        if not found["required"]:
            del found["required"]
    return found
