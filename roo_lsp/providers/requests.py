"""Requests to `/chat/completions`: history, tools and settings to the bytes that go out."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from roo_lsp.agent.messages import AssistantMessage, Message, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, ToolSpec
from roo_lsp.providers.endpoint import Endpoint

Json = dict[str, Any]
"""A JSON object of the wire, of which nothing is known."""

REPLAY = "replayed reasoning"
"""Stands for the reasoning of earlier answers among the fields that an endpoint refused."""

CACHE_BYTES = 32 * 1024 * 1024


class Encoder:
    """Encodes requests for one endpoint, each message only once.

    Messages are frozen and stay the same objects from request to request, so their bytes are kept
    by identity: a hundredth turn costs about as much as the first.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._messages: dict[tuple[int, bool], tuple[Message, bytes]] = {}
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
        if request.system:
            yield _dumps({"role": "system", "content": request.system})
        messages = request.messages
        last_prompt = max(
            (i for i, message in enumerate(messages) if isinstance(message, UserMessage)),
            default=-1,
        )
        replays = self._endpoint.replay_reasoning != "never" and REPLAY not in refused
        for position, message in enumerate(messages):
            thought = isinstance(message, AssistantMessage) and bool(message.reasoning)
            key = (id(message), thought and replays and position > last_prompt)
            found = self._messages.get(key)
            yield found[1] if found else self._encode(message, key)

    def _encode(self, message: Message, key: tuple[int, bool]) -> bytes:
        data = _dumps(_message(message, self._endpoint, replays=key[1]))
        self._messages[key] = (message, data)  # holds the message, so that its id stays its own
        self._size += len(data)
        while self._size > CACHE_BYTES:
            self._size -= len(self._messages.pop(next(iter(self._messages)))[1])
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


def _message(message: Message, endpoint: Endpoint, *, replays: bool) -> Json:
    match message:
        case UserMessage(text, images):
            if not images:
                return {"role": "user", "content": text}
            if not endpoint.supports_images:
                note = f"[{len(images)} image(s) left out: this model takes none]"
                return {"role": "user", "content": f"{text}\n{note}".strip()}
            pictures = [
                {
                    "type": "image_url",
                    "image_url": {"url": f"data:{image.media_type};base64,{image.data}"},
                }
                for image in images
            ]
            words = [{"type": "text", "text": text}] if text else []
            return {"role": "user", "content": [*words, *pictures]}
        case AssistantMessage():
            return _assistant(message, endpoint, replays=replays)
        case ToolMessage(call_id, text):
            return {"role": "tool", "tool_call_id": call_id, "content": text or "(empty)"}


def _assistant(message: AssistantMessage, endpoint: Endpoint, *, replays: bool) -> Json:
    """Null content stands for "only calls"; an answer of nothing at all has to be a string."""
    wire: Json = {"role": "assistant", "content": message.text or (None if message.calls else "")}
    name = message.reasoning_field
    if endpoint.replay_reasoning == "always":
        name = name or "reasoning_content"
    if replays and message.reasoning and name:
        wire[name] = message.reasoning
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
    node = {key: strict_schema(value) for key, value in cast("Mapping[str, Any]", schema).items()}
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
