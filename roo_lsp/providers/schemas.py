"""JSON Schemas of tools in the forms that endpoints take: strict, or what all of them understand."""

from collections.abc import Mapping
from typing import Any, cast

from roo_lsp.agent.json_values import JsonObject

"""A JSON object of the wire, of which nothing is known."""

MAX_DEPTH = 12
"""Levels of a schema below which anything is allowed: definitions may refer to themselves."""


def strict_schema(schema: Any) -> Any:
    """A schema as strict mode wants it: every property required, the optional ones nullable."""
    if isinstance(schema, list):
        return [strict_schema(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    node = {
        key: {name: strict_schema(each) for name, each in value.items()}
        if key in {"properties", "$defs", "definitions"}
        else strict_schema(value)
        for key, value in cast("Mapping[str, Any]", schema).items()
    }
    properties = node.get("properties")
    if isinstance(properties, dict):
        named = cast("JsonObject", properties)
        required = set(cast("list[str]", node.get("required") or []))
        node["properties"] = {
            name: value if name in required else _nullable(value) for name, value in named.items()
        }
        node["required"] = list(named)
        node["additionalProperties"] = False
    elif node.get("type") == "object" and "additionalProperties" not in node:
        node |= {"properties": {}, "required": [], "additionalProperties": False}
    return node


def _nullable(schema: JsonObject) -> JsonObject:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else cast("list[str] | None", kind)
    if kinds is None:
        choices = cast("list[JsonObject]", schema.get("anyOf") or [schema])
        if {"type": "null"} in choices:
            return schema
        rest = {k: v for k, v in schema.items() if k == "description" and "anyOf" in schema}
        return {**rest, "anyOf": [*choices, {"type": "null"}]}
    if "null" in kinds:
        return schema
    nullable = {**schema, "type": [*kinds, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def plain_schema(schema: Any) -> JsonObject:
    """A schema in the little of JSON Schema that every endpoint knows.

    Types by one name, properties, items, choices of words, descriptions: what Ollama and Gemini took
    of a function's parameters at first (ollama#10328). The rest only steers a model; arguments are
    checked here.
    """
    whole = _object(schema)
    return _plain(whole, _object(whole.get("$defs") or whole.get("definitions")), MAX_DEPTH)


def _plain(node: JsonObject, definitions: JsonObject, depth: int) -> JsonObject:
    node = _chosen(node, definitions)
    kind = node.get("type")
    if isinstance(kind, list):
        kind = next((each for each in cast("list[object]", kind) if each != "null"), "string")
    kind = kind or ("object" if "properties" in node else "string")
    plain: JsonObject = {"type": kind}
    if isinstance(node.get("description"), str):
        plain["description"] = node["description"]
    choices = [node["const"]] if "const" in node else node.get("enum")
    if kind == "string" and isinstance(choices, list):
        words = cast("list[object]", choices)
        plain["enum"] = [each for each in words if isinstance(each, str)]
    if kind == "object":
        named = _object(node.get("properties")) if depth else {}
        plain["properties"] = {
            name: _plain(_object(each), definitions, depth - 1) for name, each in named.items()
        }
        required = cast("list[str]", node.get("required") or [])
        if wanted := [name for name in required if name in named]:
            plain["required"] = wanted
    if kind == "array":
        items = _object(node.get("items")) if depth else {}
        plain["items"] = _plain(items, definitions, depth - 1)
    return plain


def _chosen(node: JsonObject, definitions: JsonObject) -> JsonObject:
    """What a node refers to, or the first of its alternatives that is not null."""
    for _ in range(MAX_DEPTH):
        if isinstance(name := node.get("$ref"), str):
            found = _object(definitions.get(name.rpartition("/")[2]))
        else:
            several = node.get("anyOf") or node.get("oneOf") or node.get("allOf")
            if not isinstance(several, list):
                break
            kinds = [_object(each) for each in cast("list[object]", several)]
            found = next((each for each in kinds if each.get("type") != "null"), JsonObject())
        rest = {key: value for key, value in node.items() if key == "description"}
        node = found | rest
    return node


def _object(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}
