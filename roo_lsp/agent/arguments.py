"""Arguments of a call: what models send for a JSON object becomes one, or is refused with a reason.

Only what can be read in one way is taken. What comes out is what is shown, approved, run and stored:
no two readers of it can see different arguments.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

from roo_lsp.agent.json_values import JsonObject

MAX_DEPTH = 64
"""Objects and lists inside each other; no tool needs more, and recursion has to have an end."""
MAX_WRAPPINGS = 2
"""Strings and code fences around an object."""


_FENCE = re.compile(r"```\w*")


class BadArguments(ValueError):
    """Arguments that cannot be used; the text says why, to go on after a colon."""


def read_arguments(text: str, wrappings: int = MAX_WRAPPINGS) -> str:
    """The JSON text of one object: the same text where it is that already.

    Taken and made that: nothing or null, an object in a code fence, an object in a JSON string (as
    from Granite, vllm#54964), the same object twice or behind an empty one (from proxies to other
    protocols, cogito#66 and litellm#4537), raw line breaks and tabs in strings.

    Raises:
        BadArguments: with the key or the place that is wrong.
    """
    text = text.strip()
    if not text:
        return "{}"
    try:
        value, again = _loads(text), text
    except json.JSONDecodeError:
        if text.startswith("```") and text.endswith("```") and len(text) > 6 and wrappings:
            return read_arguments(_FENCE.sub("", text[:-3], count=1), wrappings - 1)
        value = _only(list(_values(text)))
        again = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.lstrip().startswith(("{", "```")) and wrappings:
        return read_arguments(value, wrappings - 1)
    if value is None:
        return "{}"
    _check(value)
    return again


def _values(text: str) -> Iterator[object]:
    """The JSON values of which a text consists; line breaks in strings may be raw."""
    at = 0
    while at < len(text):
        try:
            value, at = cast("tuple[object, int]", _LAX.raw_decode(text, at))
        except json.JSONDecodeError as error:
            near = text[max(0, error.pos - 20) : error.pos + 20]
            place = f"(character {error.pos}, near {near!r})"
            raise BadArguments(f"they are not valid JSON: {error.msg} {place}") from None
        except RecursionError:
            raise _too_deep() from None
        yield value
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text) and text[at] != "{":
            place = f"at character {at}: {text[at : at + 20]!r}"
            raise BadArguments(f"there is more behind the JSON object, {place}")


def _only(values: Sequence[object]) -> object:
    """The one object that all of them are, but for empty ones; a value alone may be anything."""
    if len(values) == 1:
        return values[0]
    for each in values:
        _check(each)
    said = {json.dumps(each, sort_keys=True): each for each in values if each != {}}
    if len(said) > 1:
        raise BadArguments("there are several different JSON objects, not one")
    return next(iter(said.values()), values[0])


def _check(value: object) -> None:
    """Refuse what is no object, is too deep, or cannot be written as Unicode."""
    if not isinstance(value, dict):
        raise BadArguments("they are JSON, but not an object")
    for key, item in cast("JsonObject", value).items():
        name = repr(key[:60])
        if _is_deep(item):
            raise _too_deep(f"the value of {name} is")
        try:
            json.dumps([key, item], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            why = "has half of a surrogate pair in it, which is no character"
            raise BadArguments(f"the value of {name} {why}") from None


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterator[object]:
    """The objects and lists directly in a value."""
    if isinstance(value, dict):
        value = list(cast("JsonObject", value).values())
    if isinstance(value, list):
        yield from (x for x in cast("list[object]", value) if isinstance(x, dict | list))


def _too_deep(what: str = "they are") -> BadArguments:
    return BadArguments(f"{what} nested deeper than {MAX_DEPTH} levels")


# --- strict JSON --------------------------------------------------------------------------------


def _loads(text: str) -> object:
    try:
        return cast("object", _STRICT.decode(text))
    except RecursionError:
        raise _too_deep() from None


def _pairs(pairs: Sequence[tuple[str, object]]) -> JsonObject:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise BadArguments(f"the key {twice[:60]!r} is there more than once in one object")
    return found


def _constant(name: str) -> object:
    raise BadArguments(f"{name} is no JSON value")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise BadArguments(f"the number {digits[:20]} is too large")
    return value


def _int(digits: str) -> int:
    if len(digits) > 400:
        raise BadArguments(f"the number {digits[:20]}… is too large")
    return int(digits)


_STRICT, _LAX = (
    json.JSONDecoder(
        object_pairs_hook=_pairs,
        parse_constant=_constant,
        parse_float=_float,
        parse_int=_int,
        strict=strict,
    )
    for strict in (True, False)
)
