"""Requests to `/chat/completions`: history, tools and settings to the bytes that go out."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import chain

from roo_lsp.agent.assembly import usable_name
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.messages import AssistantMessage, Image, Message, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, ToolSpec
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.pictures import (
    images_left,
    is_about_images,
    left_out,
    shown_images,
)
from roo_lsp.providers.schemas import plain_schema, strict_schema

"""A JSON object of the wire, of which nothing is known."""

REPLAY = "replayed reasoning"
"""Stands for the reasoning of earlier answers among the fields that an endpoint refused."""
MARK = "cache_control"
RESULT_MARKS = "cache_control of tool results"
"""Stands for marks in the results of tools, which LiteLLM passes on where Anthropic refuses them."""

# Forms of a request that some endpoints refuse; `refusals` knows how they say so.
SAME_ROLES = "same roles"
"""Messages of one role in a row, and the user's words behind the results of tools."""
SYSTEM_ROLE = "system role"
CALL_IDS = "ids of calls"
"""Ids of calls as another endpoint made them: long, or with other characters than letters."""
NULL_CONTENT = "null content"
FULL_SCHEMA = "full schema"
MESSAGE_FORMS = frozenset({CALL_IDS, NULL_CONTENT})
"""Those on which the bytes of a message depend; so they do on images that were refused."""

HEARD = "OK."
"""What the model is taken to have said, where an endpoint wants it to say something."""
GO_ON = "Go on."
BELOW = "[See the user message that follows: the tool's image is in it.]"

CACHE_BYTES = 32 * 1024 * 1024

REPLAYED, SHOWN, _MARKED = 1, 2, 4
"""What a message's bytes depend on beside the message: its reasoning goes back, its images are
sent, the endpoint is told to keep everything up to it."""


RESERVED = frozenset({"model", "messages", "input", "tools", "stream"})
"""What `extraBody` never replaces."""


class Encoder:
    """Encodes requests to `/chat/completions` of one endpoint, each message only once.

    Messages are frozen and stay the same objects from request to request, so their bytes are kept
    by identity: a hundredth turn costs about as much as the first.
    """

    history_field = b',"messages":['
    fields: Sequence[str] = (
        "stream_options",
        "max_completion_tokens",
        "parallel_tool_calls",
        "reasoning_effort",
        "temperature",
        "top_p",
        "seed",
        "strict",
        MARK,
    )
    """What a request does as well without."""
    replayed: Sequence[bytes] = (
        b'"reasoning_content":',
        b'"reasoning":',
        b'"reasoning_details":',
    )
    """What is in a request that has reasoning of earlier answers."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._kept: dict[tuple[int, ...], tuple[Sequence[Message], bytes]] = {}
        self._size = 0
        self._forms = frozenset[str]()
        """What of the messages in `_kept` the endpoint refused when they were encoded."""
        self._tools: tuple[tuple[ToolSpec, ...], bytes, tuple[bool, bool]] = (
            (),
            b"",
            (False, False),
        )

    def body(
        self, request: ChatRequest, model: str, *, streaming: bool, refused: Collection[str] = ()
    ) -> bytes:
        """The request's JSON, without the fields that the endpoint has refused."""
        options = self._options(model, request, streaming=streaming)
        if "max_completion_tokens" in refused and "max_completion_tokens" in options:
            options["max_tokens"] = options["max_completion_tokens"]
        for name in refused:
            options.pop(name, None)
        extra = self._endpoint.extra_body.items()
        options |= {name: value for name, value in extra if name not in RESERVED}
        parts = [dumps(options)[:-1]]
        self._forget(refused)
        parts += [self.history_field, b",".join(self._history(request, refused)), b"]"]
        if request.tools:
            parts += [b',"tools":', self._tool_list(request.tools, refused)]
        return b"".join([*parts, b"}"])

    def _forget(self, refused: Collection[str]) -> None:
        """Encode anew what the endpoint wants in another form now."""
        forms = frozenset(
            name for name in refused if name in MESSAGE_FORMS or is_about_images(name)
        )
        if forms != self._forms:
            self._forms, self._size = forms, 0
            self._kept.clear()

    def _history(self, request: ChatRequest, refused: Collection[str]) -> Iterator[bytes]:
        """The messages; where an endpoint wants that, with the roles taking turns."""
        turns, last = SAME_ROLES in refused, ""
        marks = self._marks(request.messages, refused)
        system = self._system(request.system, refused, marked=marks is not None)
        for role, message in chain(system, self._messages(request.messages, refused, marks or ())):
            if turns and role == "user" and last in {"user", "tool"}:
                yield dumps({"role": "assistant", "content": HEARD})
            elif turns and role == last == "assistant":
                yield dumps({"role": "user", "content": GO_ON})
            last = role
            yield message

    def _system(
        self, text: str, refused: Collection[str], *, marked: bool
    ) -> Iterator[tuple[str, bytes]]:
        if text:
            role = "user" if SYSTEM_ROLE in refused else "system"
            yield role, dumps({"role": role, "content": _text(text, marked=marked)})
            if role == "user":
                yield "assistant", dumps({"role": "assistant", "content": HEARD})

    def _messages(
        self, messages: Sequence[Message], refused: Collection[str], marks: Collection[int]
    ) -> Iterator[tuple[str, bytes]]:
        begin = turn_begins(messages)
        if self._endpoint.replay_reasoning == "never" or REPLAY in refused:
            begin = len(messages)
        shown = shown_images(messages, self._endpoint, refused)
        kept, caller, pictured = self._kept, AssistantMessage(), list[ToolMessage]()
        for position, message in enumerate(messages):
            form = 0
            if pictured and not isinstance(message, ToolMessage):
                yield "user", self._pictures(caller, pictured)
                pictured = []
            if isinstance(message, AssistantMessage):
                caller = message
                if position >= begin and (message.reasoning or message.reasoning_details):
                    form = REPLAYED
            else:
                if position in shown:
                    form = SHOWN
                    pictured += [message] if isinstance(message, ToolMessage) else []
                if position in marks:
                    form |= _MARKED
            found = kept.get((id(message), form))
            yield _ROLES[type(message)], found[1] if found else self._encode(message, form)
        if pictured:
            yield "user", self._pictures(caller, pictured)

    def _marks(
        self, messages: Sequence[Message], refused: Collection[str]
    ) -> Collection[int] | None:
        """Where the endpoint is told what to keep, beside the instructions; None for nowhere."""
        if not self._endpoint.supports_prompt_cache or MARK in refused:
            return None
        return _ends(messages, UserMessage if RESULT_MARKS in refused else _SAID)

    def _encode(self, message: Message, form: int) -> bytes:
        wire = self._wire(message, form)
        # A mark moves on with the next requests: keeping these bytes is not worth their room.
        if form & _MARKED:
            return dumps(wire)
        return self._keep((id(message), form), [message], lambda: wire)

    def _pictures(self, caller: AssistantMessage, results: Sequence[ToolMessage]) -> bytes:
        """The message that shows what the results of one answer have as images."""
        key = (-1, *map(id, results))
        found = self._kept.get(key)
        return (
            found[1]
            if found
            else self._keep(key, results, lambda: self._picture_message(caller, results))
        )

    def _keep(
        self,
        key: tuple[int, ...],
        messages: Sequence[Message],
        wire: Callable[[], JsonObject | list[JsonObject]],
    ) -> bytes:
        made = wire()
        data = b",".join(map(dumps, made if isinstance(made, list) else [made]))
        self._kept[key] = (messages, data)  # holds the messages, so that their ids stay their own
        self._size += len(data)
        while self._size > CACHE_BYTES:
            self._size -= len(self._kept.pop(next(iter(self._kept)))[1])
        return data

    def _tool_list(self, tools: Sequence[ToolSpec], refused: Collection[str]) -> bytes:
        known, data, form = self._tools
        plain = FULL_SCHEMA in refused
        strict = self._endpoint.strict_tools and not plain and "strict" not in refused
        same = len(known) == len(tools) and all(a is b for a, b in zip(known, tools, strict=True))
        if not same or form != (strict, plain):
            data = dumps([self._tool(tool, strict=strict, plain=plain) for tool in tools])
            self._tools = (tuple(tools), data, (strict, plain))
        return data

    def _wire(self, message: Message, form: int) -> JsonObject:
        endpoint, marked = self._endpoint, bool(form & _MARKED)
        match message:
            case AssistantMessage():
                return self._assistant(message, replays=bool(form & REPLAYED))
            case ToolMessage(call_id, text, _, images):
                if images:
                    taken = images_left(images, self._forms) if form & SHOWN else ()
                    note = BELOW if taken else ""
                    note += left_out(images, taken, endpoint, self._forms)
                    text = f"{text}\n{note}".strip()
                content = _text(text or "(empty)", marked=marked)
                return {"role": "tool", "tool_call_id": self._id(call_id), "content": content}
            case UserMessage(images=images):
                text = message.told
                taken = images_left(images, self._forms) if form & SHOWN else ()
                if missing := left_out(images, taken, endpoint, self._forms):
                    text = f"{text}\n{missing}".strip()
                if not taken:
                    return {"role": "user", "content": _text(text, marked=marked)}
                words = [_part(text, marked=marked)] if text else []
                return {"role": "user", "content": [*words, *map(_picture, taken)]}

    def _picture_message(
        self, caller: AssistantMessage, results: Sequence[ToolMessage]
    ) -> JsonObject:
        """Most endpoints take images from the user alone, and after all results of an answer."""
        names = {call.id: call.name for call in caller.calls}
        parts: list[JsonObject] = []
        for result in results:
            name, call = names.get(result.call_id, "tool"), self._id(result.call_id)
            words = f"From a tool, not the user: image in the result of {name}, call {call}:"
            parts += [
                _part(words, marked=False),
                *map(_picture, images_left(result.images, self._forms)),
            ]
        return {"role": "user", "content": parts}

    def _assistant(self, message: AssistantMessage, *, replays: bool) -> JsonObject:
        """Null content stands for "only calls"; an answer of nothing at all has to be a string."""
        nothing = None if message.calls and NULL_CONTENT not in self._forms else ""
        wire: JsonObject = {"role": "assistant", "content": message.text or nothing}
        if replays:
            wire |= _reasoning(message, self._endpoint)
        if message.calls:
            wire["tool_calls"] = [
                {
                    "id": self._id(call.id),
                    "type": "function",
                    "function": {
                        "name": usable_name(call.name),
                        "arguments": arguments_object(call.arguments),
                    },
                }
                for call in message.calls
            ]
        return wire

    def _tool(self, tool: ToolSpec, *, strict: bool, plain: bool) -> JsonObject:
        function: JsonObject = {"name": tool.name, "description": tool.description}
        strict = strict and tool.ours
        function["parameters"] = parameters(tool, strict=strict, plain=plain)
        if strict:
            function["strict"] = True
        return {"type": "function", "function": function}

    def _options(self, model: str, request: ChatRequest, *, streaming: bool) -> JsonObject:
        """Everything but messages and tools; nothing that was not asked for."""
        endpoint = self._endpoint
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
        return with_tool_options(asked, endpoint, request)

    def _id(self, call_id: str) -> str:
        """The id of a call, as this endpoint takes it."""
        return short_id(call_id) if CALL_IDS in self._forms else call_id


def with_tool_options(asked: JsonObject, endpoint: Endpoint, request: ChatRequest) -> JsonObject:
    """The options that are set, with those about tools where there are any."""
    if request.tools:
        asked["parallel_tool_calls"] = endpoint.parallel_tool_calls
        asked["tool_choice"] = "required" if endpoint.tool_choice == "required" else None
    return {name: value for name, value in asked.items() if value is not None}


# --- messages -------------------------------------------------------------------------------

_SAID = (UserMessage, ToolMessage)
"""What a request ends with."""
_ROLES = {AssistantMessage: "assistant", ToolMessage: "tool", UserMessage: "user"}


def turn_begins(messages: Sequence[Message]) -> int:
    """The position behind the user's last words."""
    for position in range(len(messages) - 1, -1, -1):
        if isinstance(messages[position], UserMessage):
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


def _text(text: str, *, marked: bool) -> str | list[JsonObject]:
    return [_part(text, marked=True)] if marked and text else text


def _part(text: str, *, marked: bool) -> JsonObject:
    part: JsonObject = {"type": "text", "text": text}
    return part | {MARK: {"type": "ephemeral"}} if marked else part


def _picture(image: Image) -> JsonObject:
    url = f"data:{image.media_type};base64,{image.data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _reasoning(message: AssistantMessage, endpoint: Endpoint) -> JsonObject:
    """The reasoning as it came. The details have its text in them, and what proves it is genuine."""
    if message.reasoning_details:
        with suppress(ValueError):
            details: object = json.loads(message.reasoning_details)
            if isinstance(details, list):  # else they are those of the Responses API
                return {"reasoning_details": details}
    name = message.reasoning_field
    if endpoint.replay_reasoning == "always":
        name = name or "reasoning_content"
    return {name: message.reasoning} if name and message.reasoning else {}


def arguments_object(arguments: str) -> str:
    """The arguments, if they are a JSON object: llama.cpp fails every later request otherwise."""
    try:
        return arguments if isinstance(json.loads(arguments), dict) else "{}"
    except (ValueError, RecursionError):
        return "{}"


def short_id(call_id: str) -> str:
    """An id of nine letters and digits, which is what Mistral takes, and so does everyone else."""
    if len(call_id) == 9 and call_id.isascii() and call_id.isalnum():
        return call_id
    return sha256(call_id.encode("utf-8", "replace")).hexdigest()[:9]


def parameters(tool: ToolSpec, *, strict: bool, plain: bool) -> Mapping[str, object]:
    """A tool's schema in the form that an endpoint takes."""
    if plain:
        return plain_schema(tool.parameters)
    return strict_schema(tool.parameters) if strict else tool.parameters


def dumps(value: object) -> bytes:
    """Compact JSON; what is no Unicode becomes question marks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
