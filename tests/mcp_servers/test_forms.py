from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from roo_lsp.mcp.forms import Secret, filled


class Person:
    """Answers in turn, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = deque(answers)
        self.asked: list[tuple[str, list[str]]] = []

    async def __call__(self, question: str, suggestions: Sequence[str]) -> str:
        self.asked.append((question, list(suggestions)))
        return self.answers.popleft()


def form(required: Sequence[str] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


CITY = {"type": "string", "title": "City", "description": "Where"}
COUNT = {"type": "integer", "minimum": 1, "maximum": 5, "default": 2}
COLOUR = {
    "type": "string",
    "oneOf": [{"const": "r", "title": "Red"}, {"const": "g", "title": "Green"}],
}
SEVERAL = {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}


@pytest.mark.parametrize(
    ("schema", "answers", "action", "content"),
    [
        (form(["city"], city=CITY), ["Rome"], "accept", {"city": "Rome"}),
        (form(n=COUNT), ["nine", "9", "3"], "accept", {"n": 3}),
        (form(n=COUNT), ["x", "x", "x"], "decline", None),
        (form(n=COUNT), ["leave it out"], "accept", {}),
        (form(c=COLOUR), ["red"], "accept", {"c": "r"}),
        (form(s=SEVERAL), ["a, b"], "accept", {"s": ["a", "b"]}),
        (form(["ok"], ok={"type": "boolean"}), ["No"], "accept", {"ok": False}),
        (form(["city"], city=CITY, n=COUNT), ["Rome", "Decline"], "decline", None),
        (form(), ["Yes"], "accept", {}),
        (form(), ["no"], "decline", None),
    ],
)
async def test_a_form_is_asked_field_by_field(
    schema: Any, answers: list[str], action: str, content: Any
) -> None:
    person = Person(*answers)
    assert await filled("weather", "Please.", schema, person) == (action, content)
    assert all(
        question.startswith("The MCP server weather asks:\nPlease.") for question, _ in person.asked
    )
    assert not person.answers


@pytest.mark.parametrize("name", ["password", "apiKey", "api key", "GitHub token", "client_secret"])
async def test_nobody_is_asked_for_a_key(name: str) -> None:
    person = Person()
    with pytest.raises(Secret):
        await filled("x", "Please.", form(v={"type": "string", "title": name}), person)
    assert not person.asked
