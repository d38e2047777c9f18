"""Requests to `/responses`: history, tools and settings to the bytes that go out.

Stateless: nothing is stored at the endpoint, and what the model thought inside a turn goes back as it
came, in order, to the endpoint and model it came from. Fields as in OpenAI's reference of the
Responses API and in the Open Responses specification.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from typing import cast

from roo_lsp.agent.assembly import usable_name
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.agent.messages import AssistantMessage, Image, Message, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, ToolSpec
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.pictures import images_left, left_out, shown_images
from roo_lsp.providers.requests import (
    BELOW,
    REPLAY,
    REPLAYED,
    SHOWN,
    Encoder,
    arguments_object,
    parameters,
    turn_begins,
    with_tool_options,
)

ENCRYPTED = "reasoning.encrypted_content"
"""What is asked for on top, so that reasoning can go back to an endpoint that stores nothing."""


class ResponsesEncoder(Encoder):
    """Encodes requests to `/responses` of one endpoint, each message only once."""

    history_field = b',"input":['
    fields: Sequence[str] = (
        "include",
        "store",
        "max_output_tokens",
        "parallel_tool_calls",
        "reasoning",
        "temperature",
        "top_p",
        "strict",
    )
    replayed: Sequence[bytes] = (b'"type":"reasoning"',)

    def __init__(self, endpoint: Endpoint, source: str) -> None:
        """`source` names the endpoint and the model: what came from another does not go there."""
        super().__init__(endpoint)
        self._source = source

    def _options(self, model: str, request: ChatRequest, *, streaming: bool) -> JsonObject:
        endpoint = self._endpoint
        effort = endpoint.reasoning_effort
        asked = {
            "model": model,
            "stream": streaming,
            "store": False,
            "include": [ENCRYPTED] if endpoint.replay_reasoning != "never" else None,
            "instructions": request.system or None,
            "temperature": endpoint.temperature,
            "top_p": endpoint.top_p,
            "max_output_tokens": endpoint.max_output_tokens,
            "reasoning": {"effort": effort} if effort else None,
        }
        return with_tool_options(asked, endpoint, request)

    def _tool(self, tool: ToolSpec, *, strict: bool, plain: bool) -> JsonObject:
        """Flat; `strict` is said either way, for left out it means yes here."""
        return {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": parameters(tool, strict=strict and tool.ours, plain=plain),
            "strict": strict and tool.ours,
        }

    def _history(self, request: ChatRequest, refused: Collection[str]) -> Iterator[bytes]:
        messages = request.messages
        begin = turn_begins(messages)
        if self._endpoint.replay_reasoning == "never" or REPLAY in refused:
            begin = len(messages)
        shown = shown_images(messages, self._endpoint, refused)
        caller, pictured = AssistantMessage(), list[ToolMessage]()
        for position, message in enumerate(messages):
            if pictured and not isinstance(message, ToolMessage):
                yield self._pictures(caller, pictured)
                pictured = []
            form = SHOWN if position in shown else 0
            if isinstance(message, AssistantMessage):
                caller = message
                form = REPLAYED if position >= begin and message.reasoning_details else 0
            elif form and isinstance(message, ToolMessage):
                pictured.append(message)
            found = self._kept.get((id(message), form))
            if items := found[1] if found else self._encode(message, form):
                yield items
        if pictured:
            yield self._pictures(caller, pictured)

    def _encode(self, message: Message, form: int) -> bytes:
        """The items of a message: an answer is several, in the order in which they came."""
        return self._keep((id(message), form), [message], lambda: self._items(message, form))

    def _items(self, message: Message, form: int) -> list[JsonObject]:
        match message:
            case AssistantMessage():
                return self._answer(message, replays=bool(form & REPLAYED))
            case ToolMessage(call_id, text, _, images):
                if images:
                    taken = images_left(images, self._forms) if form & SHOWN else ()
                    note = BELOW if taken else ""
                    note += left_out(images, taken, self._endpoint, self._forms)
                    text = f"{text}\n{note}".strip()
                call = {"type": "function_call_output", "call_id": self._id(call_id)}
                return [call | {"output": text or "(empty)"}]
            case UserMessage(images=images):
                text = message.told
                taken = images_left(images, self._forms) if form & SHOWN else ()
                if missing := left_out(images, taken, self._endpoint, self._forms):
                    text = f"{text}\n{missing}".strip()
                return [
                    _user([_words(text)] * bool(text) + [*map(_picture, taken)] if taken else text)
                ]

    def _picture_message(
        self, caller: AssistantMessage, results: Sequence[ToolMessage]
    ) -> JsonObject:
        """As in chat completions: few endpoints take images inside the output of a call."""
        names = {call.id: call.name for call in caller.calls}
        parts: list[JsonObject] = []
        for result in results:
            name, call = names.get(result.call_id, "tool"), self._id(result.call_id)
            words = f"From a tool, not the user: image in the result of {name}, call {call}:"
            parts += [_words(words), *map(_picture, images_left(result.images, self._forms))]
        return _user(parts)

    def _answer(self, message: AssistantMessage, *, replays: bool) -> list[JsonObject]:
        """What the model said, thought and called, as it was laid out, as far as that is known."""
        calls = [
            {
                "type": "function_call",
                "call_id": self._id(call.id),
                "name": usable_name(call.name),
                "arguments": arguments_object(call.arguments),
            }
            for call in message.calls
        ]
        texts = [message.text] if message.text or not calls else []
        items: list[JsonObject] = []
        for item in self._layout(message.reasoning_details):
            match item.get("type"):
                case "reasoning" if replays:
                    items.append(item)
                case "message" if texts:
                    said, texts = _split(texts[0], item.get("length"))
                    items.append(_said(said, item.get("phase")))
                case "function_call" if calls:
                    items.append(calls.pop(0))
                case _:
                    pass
        return [*items, *(_said(text, None) for text in texts), *calls]

    def _layout(self, details: str) -> Sequence[JsonObject]:
        """The items of an answer of this endpoint and model, as `responses_answers` wrote them down."""
        if not details.startswith("{"):
            return ()
        try:
            found = cast("JsonObject", json.loads(details))
        except (ValueError, RecursionError):
            return ()
        return found.get("items", ()) if found.get("source") == self._source else ()


def _split(text: str, length: object) -> tuple[str, list[str]]:
    """The text of one message, and of those after it."""
    if type(length) is not int or not 0 < length < len(text):
        return text, []
    return text[:length], [text[length:]]


def _said(text: str, phase: object) -> JsonObject:
    """What the model said, in the form in which it comes back.

    llama.cpp takes no other; the id is one of ours, which is never looked up.
    """
    text = text.strip("\n") or text
    message: JsonObject = {
        "type": "message",
        "id": f"msg_{sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    return message | ({"phase": phase} if isinstance(phase, str) else {})


def _user(content: str | list[JsonObject]) -> JsonObject:
    return {"role": "user", "content": content}


def _words(text: str) -> JsonObject:
    return {"type": "input_text", "text": text}


def _picture(image: Image) -> JsonObject:
    url = f"data:{image.media_type};base64,{image.data}"
    return {"type": "input_image", "image_url": url, "detail": "auto"}
