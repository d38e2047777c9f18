"""What a server asks the user (elicitation): a form as questions, one a field; never for what is secret."""

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import cast

from roo_lsp.agent.json_values import Json, JsonObject, object_or_empty

AskUser = Callable[[str, Sequence[str]], Awaitable[str]]
FormValue = str | int | float | bool | list[str]

DECLINE = "Decline"
MAX_FIELDS = 20
TRIES = 3
MAX_TEXT = 2_000
"""Characters of the server's words that are shown."""
_SECRET = re.compile(
    r"pass(?:word|phrase|wd|code)|secret|token|credential|api[\s_-]?key|private[\s_-]?key|\bpin\b|\botp\b|\bcvv\b",
    re.IGNORECASE,
)
"""In a field's name or title."""
_SECRET_WORDS = re.compile(
    r"password|passphrase|api[\s_-]?key|private[\s_-]?key|secret[\s_-]?key|access[\s_-]?token|credentials",
    re.IGNORECASE,
)
"""In what is said of it, where a warning not to give a PIN is none that asks for one."""


class Secret(Exception):
    """The form asks for what looks like a key or a password."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    schema: JsonObject
    required: bool

    @property
    def title(self) -> str:
        return str(self.schema.get("title") or self.name)

    @property
    def choices(self) -> list[tuple[str, Json]]:
        """What may be chosen: how it is shown, and what it is."""
        one = self.schema.get("items") if self.schema.get("type") == "array" else self.schema
        found = object_or_empty(one)
        named = found.get("oneOf") or found.get("anyOf")
        if isinstance(named, list):
            each = [object_or_empty(way) for way in cast("list[Json]", named)]
            return [(str(way.get("title", way.get("const"))), way.get("const")) for way in each]
        values = found.get("enum")
        if isinstance(values, list):
            names = found.get("enumNames")
            shown = cast("list[Json]", names) if isinstance(names, list) else []
            given = cast("list[Json]", values)
            if len(shown) != len(given):
                shown = given
            return [(str(name), value) for name, value in zip(shown, given, strict=True)]
        if found.get("type") == "boolean":
            return [("Yes", True), ("No", False)]
        return []


async def filled(
    server: str, message: str, schema: Json, ask: AskUser
) -> tuple[str, dict[str, FormValue] | None]:
    """ACTION and content of the answer, as MCP has them: `accept`, `decline`.

    Raises:
        Secret: it is declined without a question.
    """
    whole = object_or_empty(schema)
    properties = object_or_empty(whole.get("properties"))
    required = cast("list[Json]", whole.get("required") or [])
    fields = [
        _Field(name, object_or_empty(each), name in required) for name, each in properties.items()
    ][:MAX_FIELDS]
    said = [message, *(str(each.schema.get("description")) for each in fields)]
    named = [word for each in fields for word in (each.name, each.title)]
    if any(map(_SECRET_WORDS.search, said)) or any(map(_SECRET.search, named)):
        raise Secret
    head = f"The MCP server {server} asks:\n{message[:MAX_TEXT]}"
    if not fields:
        answer = await ask(head, ["Yes", DECLINE])
        return ("decline", None) if _declines(answer, also=("no", "")) else ("accept", {})
    content: dict[str, FormValue] = {}
    for number, each in enumerate(fields, 1):
        count = f" ({number} of {len(fields)})" if len(fields) > 1 else ""
        if (value := await _one(head, each, count, ask)) is None:
            return "decline", None
        if value != "":
            content[each.name] = value
    return "accept", content


async def _one(head: str, each: _Field, count: str, ask: AskUser) -> FormValue | None:
    """One field's value; empty where it is left out, None where the user declines."""
    about = str(each.schema.get("description") or "")[:MAX_TEXT]
    told = "\n".join(filter(None, [head, f"{each.title}{count}{f': {about}' if about else ''}"]))
    default = each.schema.get("default")
    offered = [shown for shown, _ in each.choices]
    if default is not None and not offered:
        offered = [str(default)]
    if not each.required:
        offered.append("Leave it out")
    wrong = ""
    for _ in range(TRIES):
        answer = await ask(f"{told}{wrong}", [*offered[:8], DECLINE])
        if _declines(answer):
            return None
        if not each.required and answer.strip().casefold() in {"", "leave it out"}:
            return ""
        try:
            return _value(answer.strip(), each)
        except ValueError as error:
            wrong = f"\n({error})"
    return None


def _declines(answer: str, *, also: Sequence[str] = ()) -> bool:
    return answer.strip().casefold() in {DECLINE.casefold(), "cancel", *also}


def _value(answer: str, each: _Field) -> FormValue:
    schema, choices = each.schema, each.choices
    if schema.get("type") == "array":
        wanted = [part.strip() for part in answer.split(",") if part.strip()]
        return [str(_chosen(part, choices)) for part in wanted]
    if choices:
        return cast("FormValue", _chosen(answer, choices))
    match schema.get("type"):
        case "integer":
            return _number(answer, schema, whole=True)
        case "number":
            return _number(answer, schema, whole=False)
        case _:
            least, most = schema.get("minLength", 0), schema.get("maxLength")
            if len(answer) < least or (most is not None and len(answer) > most):
                raise ValueError(f"expected {least} to {most or 'any number of'} characters")
            return answer


def _chosen(answer: str, choices: Sequence[tuple[str, Json]]) -> Json:
    for shown, value in choices:
        if answer.casefold() in {
            shown.casefold(),
            json.dumps(value).casefold(),
            str(value).casefold(),
        }:
            return value
    if not choices:
        return answer
    raise ValueError(f"expected one of: {', '.join(shown for shown, _ in choices)}")


def _number(answer: str, schema: JsonObject, *, whole: bool) -> int | float:
    try:
        number = int(answer) if whole else float(answer)
    except ValueError:
        raise ValueError(f"expected a {'whole ' * whole}number") from None
    least, most = schema.get("minimum"), schema.get("maximum")
    if (least is not None and number < least) or (most is not None and number > most):
        raise ValueError(f"expected a number from {least} to {most}")
    return number
