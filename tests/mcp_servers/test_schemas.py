from typing import Any

import pytest

from roo_lsp.mcp.schemas import BadSchema, endpoint_schema

TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "sent"),
    [
        ({}, {"type": "object", "properties": {}}),
        (
            {"$schema": "x", "type": "object", "properties": {"a": {"type": "array"}}, "required": ["a", "b"]},
            {"type": "object", "properties": {"a": {"type": "array", "items": {}}}, "required": ["a"]},
        ),
        (
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": TEXT}, "additionalProperties": {}},
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": TEXT}, "additionalProperties": {}},
        ),
        (
            {"oneOf": [{"properties": {"a": TEXT, "k": TEXT}, "required": ["a", "k"]}, {"properties": {"b": TEXT}, "required": ["k"]}]},
            {"type": "object", "properties": {"a": TEXT, "k": TEXT, "b": TEXT}, "required": ["k"]},
        ),
    ],
)  # fmt: skip
def test_a_schema_is_sent_as_every_endpoint_takes_it(schema: Any, sent: Any) -> None:
    assert endpoint_schema(schema) == sent


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ([], "is no object"),
        ({"type": "array"}, "its arguments are no object"),
        ({"anyOf": [{"type": "string"}]}, "its arguments are no object"),
        ({"properties": {"a b": TEXT}}, "an argument named 'a b'"),
        ({"properties": {"a": {"$ref": "#/$defs/None"}}}, "refers to #/\\$defs/None"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "refers to file:///etc/passwd"),
        ({"properties": {"a": {"type": "text"}}}, "is none: 'text' is not valid"),
    ],
)
def test_one_that_would_be_refused_says_why(schema: Any, why: str) -> None:
    with pytest.raises(BadSchema, match=why):
        endpoint_schema(schema)
