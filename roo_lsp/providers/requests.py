"""Requests to `/chat/completions`: history, tools and settings to the bytes that go out."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from roo_lsp.agent.messages import AssistantMessage, Image, Message, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, ToolSpec
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.workspace.images import MAX_TOTAL

Json = dict[str, Any]
"""A JSON object of the wire, of which nothing is known."""

REPLAY = "replayed reasoning"
"""Stands for the reasoning of earlier answers among the fields that an endpoint refused."""
MARK = "cache_control"
RESULT_MARKS = "cache_control of tool results"
"""Stands for marks in the results of tools, which LiteLLM passes on where Anthropic refuses them."""

CACHE_BYTES = 32 * 1024 * 1024

_REPLAYED, _SHOWN, _MARKED = 1, 2, 4
"""What a message's bytes depend on beside the message: its reasoning goes back, its images are
sent, the endpoint is told to keep everything up to it."""


class Encoder:
    """Encodes requests for one endpoint, each message only once.

    Messages are frozen and stay the same objects from request to request, so their bytes are kept
    by identity: a hundredth turn costs about as much as the first.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._kept: dict[tuple[int, ...], tuple[Sequence[Message], bytes]] = {}
        self._size = 0
        self._tools: tuple[tuple[ToolSpec, ...], bytes] = ((), b"")

    def body(
        self, request: ChatRequest, model: str, *, streaming: bool, refused: Collection[str] = ()
    ) -> bytes:
        """The request's JSON, without the fields that the endpoint has refused."""
        options = _options(self._endpoint, model, request, streaming=streaming)
        if "max_completion_tokens" in refused and "max_completion_tokens" in options:
            options["max_tokens"] = options["max_completion_tokens"]
        for name in refused:
            options.pop(name, None)
        extra = self._endpoint.extra_body
        parts = [_dumps(options | dict(extra))[:-1]]
        if "messages" not in extra:
            parts += [b',"messages":[', b",".join(self._history(request, refused)), b"]"]
        if request.tools and "tools" not in extra:
            parts += [b',"tools":', self._tool_list(request.tools, strict="strict" not in refused)]
        return b"".join([*parts, b"}"])

    def _history(self, request: ChatRequest, refused: Collection[str]) -> Iterator[bytes]:
        messages, marks = request.messages, self._marks(request.messages, refused)
        if request.system:
            content = _text(request.system, marked=marks is not None)
            yield _dumps({"role": "system", "content": content})
        begin = _turn_begins(messages)
        if self._endpoint.replay_reasoning == "never" or REPLAY in refused:
            begin = len(messages)
        shown_from = _shown_from(messages) if self._endpoint.supports_images else len(messages)
        kept, caller, pictured = self._kept, AssistantMessage(), list[ToolMessage]()
        for position, message in enumerate(messages):
            form = 0
            if pictured and not isinstance(message, ToolMessage):
                yield self._pictures(caller, pictured)
                pictured = []
            if isinstance(message, AssistantMessage):
                caller = message
                if position >= begin and (message.reasoning or message.reasoning_details):
                    form = _REPLAYED
            else:
                if message.images and position >= shown_from:
                    form = _SHOWN
                    pictured += [message] if isinstance(message, ToolMessage) else []
                if marks and position in marks:
                    form |= _MARKED
            found = kept.get((id(message), form))
            yield found[1] if found else self._encode(message, form)
        if pictured:
            yield self._pictures(caller, pictured)

    def _marks(
        self, messages: Sequence[Message], refused: Collection[str]
    ) -> Collection[int] | None:
        """Where the endpoint is told what to keep, beside the instructions; None for nowhere."""
        if not self._endpoint.supports_prompt_cache or MARK in refused:
            return None
        return _ends(messages, UserMessage if RESULT_MARKS in refused else _SAID)

    def _encode(self, message: Message, form: int) -> bytes:
        wire = _message(message, self._endpoint, form)
        # A mark moves on with the next requests: keeping these bytes is not worth their room.
        if form & _MARKED:
            return _dumps(wire)
        return self._keep((id(message), form), [message], lambda: wire)

    def _pictures(self, caller: AssistantMessage, results: Sequence[ToolMessage]) -> bytes:
        """The message that shows what the results of one answer have as images."""
        key = (-1, *map(id, results))
        found = self._kept.get(key)
        return found[1] if found else self._keep(key, results, lambda: _pictures(caller, results))

    def _keep(
        self, key: tuple[int, ...], messages: Sequence[Message], wire: Callable[[], Json]
    ) -> bytes:
        data = _dumps(wire())
        self._kept[key] = (messages, data)  # holds the messages, so that their ids stay their own
        self._size += len(data)
        while self._size > CACHE_BYTES:
            self._size -= len(self._kept.pop(next(iter(self._kept)))[1])
        return data

    def _tool_list(self, tools: Sequence[ToolSpec], *, strict: bool) -> bytes:
        known, data = self._tools
        strict = strict and self._endpoint.strict_tools
        if len(known) != len(tools) or any(a is not b for a, b in zip(known, tools, strict=True)):
            data = b""
        if not data or (b'"strict":true' in data) != strict:
            data = _dumps([_tool(tool, strict=strict) for tool in tools])
            self._tools = (tuple(tools), data)
        return data


def _options(endpoint: Endpoint, model: str, request: ChatRequest, *, streaming: bool) -> Json:
    """Everything but messages and tools; nothing that was not asked for."""
    limit_name = {"auto": "max_completion_tokens"}.get(
        endpoint.max_tokens_field, endpoint.max_tokens_field
    )
    asked = {
        "model": model,
        "stream": streaming,
        "stream_options": {"include_usage": True} if streaming else None,
        "temperature": endpoint.temperature,
        "top_p": endpoint.top_p,
        "seed": endpoint.seed,
        limit_name: endpoint.max_output_tokens,
        "reasoning_effort": endpoint.reasoning_effort,
    }
    if request.tools:
        asked["parallel_tool_calls"] = endpoint.parallel_tool_calls
        asked["tool_choice"] = "required" if endpoint.tool_choice == "required" else None
    return {name: value for name, value in asked.items() if value is not None}


# --- messages -------------------------------------------------------------------------------

_SAID = (UserMessage, ToolMessage)
"""What a request ends with."""


def _turn_begins(messages: Sequence[Message]) -> int:
    """The position behind the user's last words."""
    for position in range(len(messages) - 1, -1, -1):
        if isinstance(messages[position], UserMessage):
            return position + 1
    return 0


def _shown_from(messages: Sequence[Message]) -> int:
    """The position from which on images are sent: the newest, as many as a request may have."""
    room = MAX_TOTAL
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        if not isinstance(message, AssistantMessage) and message.images:
            room -= sum(image.size for image in message.images)
            if room < 0:
                return position + 1
    return 0


def _ends(
    messages: Sequence[Message], kinds: type[Message] | tuple[type[Message], ...]
) -> list[int]:
    """Where this request ends and where the one before did: what was kept then is found again.

    The last two messages would not do: an answer with three calls lies between.
    """
    ends: list[int] = []
    wanted = True
    for position in range(len(messages) - 1, -1, -1):
        message = messages[position]
        if isinstance(message, AssistantMessage):
            wanted = True
        elif wanted and isinstance(message, kinds) and (message.text or not message.images):
            ends.append(position)
            if len(ends) == 2:
                break
            wanted = False
    return ends


def _message(message: Message, endpoint: Endpoint, form: int) -> Json:
    marked = bool(form & _MARKED)
    match message:
        case AssistantMessage():
            return _assistant(message, endpoint, replays=bool(form & _REPLAYED))
        case ToolMessage(call_id, text, _, images):
            if images:
                shown = "[See the user message that follows: the tool's image is in it.]"
                note = shown if form & _SHOWN else _left_out(images, endpoint)
                text = f"{text}\n{note}".strip()
            content = _text(text or "(empty)", marked=marked)
            return {"role": "tool", "tool_call_id": call_id, "content": content}
        case UserMessage(text, images):
            if not form & _SHOWN:
                text = f"{text}\n{_left_out(images, endpoint)}".strip() if images else text
                return {"role": "user", "content": _text(text, marked=marked)}
            words = [_part(text, marked=marked)] if text else []
            return {"role": "user", "content": [*words, *map(_picture, images)]}


def _text(text: str, *, marked: bool) -> str | list[Json]:
    return [_part(text, marked=True)] if marked and text else text


def _part(text: str, *, marked: bool) -> Json:
    part: Json = {"type": "text", "text": text}
    return part | {MARK: {"type": "ephemeral"}} if marked else part


def _picture(image: Image) -> Json:
    url = f"data:{image.media_type};base64,{image.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _left_out(images: Sequence[Image], endpoint: Endpoint) -> str:
    why = "this model takes none (roo.model.supportsImages is off)"
    if endpoint.supports_images:
        why = f"newer ones take the {MAX_TOTAL >> 20} MB that a request may have of them"
    return f"[{len(images)} image(s) left out: {why}]"


def _pictures(caller: AssistantMessage, results: Sequence[ToolMessage]) -> Json:
    """Most endpoints take images from the user alone, and after all results of an answer."""
    names = {call.id: call.name for call in caller.calls}
    parts: list[Json] = []
    for result in results:
        name = names.get(result.call_id, "tool")
        words = f"From a tool, not the user: image in the result of {name}, call {result.call_id}:"
        parts += [_part(words, marked=False), *map(_picture, result.images)]
    return {"role": "user", "content": parts}


def _assistant(message: AssistantMessage, endpoint: Endpoint, *, replays: bool) -> Json:
    """Null content stands for "only calls"; an answer of nothing at all has to be a string."""
    wire: Json = {"role": "assistant", "content": message.text or (None if message.calls else "")}
    if replays:
        wire |= _reasoning(message, endpoint)
    if message.calls:
        wire["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _object(call.arguments)},
            }
            for call in message.calls
        ]
    return wire


def _reasoning(message: AssistantMessage, endpoint: Endpoint) -> Json:
    """The reasoning as it came. The details have its text in them, and what proves it is genuine."""
    if message.reasoning_details:
        with suppress(ValueError):
            return {"reasoning_details": json.loads(message.reasoning_details)}
    name = message.reasoning_field
    if endpoint.replay_reasoning == "always":
        name = name or "reasoning_content"
    return {name: message.reasoning} if name and message.reasoning else {}


def _object(arguments: str) -> str:
    """The arguments, if they are a JSON object: llama.cpp fails every later request otherwise."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def _tool(tool: ToolSpec, *, strict: bool) -> Json:
    function: Json = {"name": tool.name, "description": tool.description}
    function["parameters"] = strict_schema(tool.parameters) if strict else tool.parameters
    if strict:
        function["strict"] = True
    return {"type": "function", "function": function}


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
        named = cast("Json", properties)
        required = set(cast("list[str]", node.get("required") or []))
        node["properties"] = {
            name: value if name in required else _nullable(value) for name, value in named.items()
        }
        node["required"] = list(named)
        node["additionalProperties"] = False
    elif node.get("type") == "object" and "additionalProperties" not in node:
        node |= {"properties": {}, "required": [], "additionalProperties": False}
    return node


def _nullable(schema: Json) -> Json:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else cast("list[str] | None", kind)
    if kinds is None:
        choices = cast("list[Json]", schema.get("anyOf") or [schema])
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


def _dumps(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
