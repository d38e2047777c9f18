"""A conversation of Roo Code's `api_conversation_history.json`, as entries of ours.

Two forms are read: a list of messages in Anthropic's shape, with Roo's own marks on them (`isSummary`,
`condenseParent`, `truncationParent`, …), and since its version 2 an object that holds messages in the AI
SDK's shape (RooCodeInc/Roo-Code, `task-persistence/apiMessages.ts` and `rooMessage.ts`). What cannot be
read of it is counted and left out; a result without its call is left out, a call without its result is
given one when the task is opened.
"""

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    Image,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.tools import attempt_completion

TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
LEFT_OUT = "(Roo Code left out {count} older messages here, to make room.)"
SHOWN = "The user was shown this."
_ENVIRONMENT = ("<environment_details>", "</environment_details>")
_WRAPPED = re.compile(
    r"\A\s*<(task|user_message|feedback|answer|new_message)>\n?(.*?)\n?</\1>\s*\Z", re.DOTALL
)
_TEXT_CALL = re.compile(
    r"^<(read_file|write_to_file|apply_diff|execute_command|list_files|search_files|attempt_completion"
    r"|ask_followup_question|update_todo_list)>[ \t]*$",
    re.MULTILINE,
)
"""A call as older tasks have it: as text."""


@dataclass(slots=True)
class Conversation:
    """What was read."""

    entries: list[HistoryEntry] = field(default_factory=list[HistoryEntry])
    times: list[float] = field(default_factory=list[float])
    """Seconds since 1970, one for each entry; 0 where nobody knows."""
    unread: int = 0
    """Messages and parts that could not be read."""
    calls_as_text: bool = False
    """The model wrote its calls as text: Roo did so until it called natively."""


def read_conversation(found: object) -> Conversation:
    """All that was said, also what Roo does not send any more, and where it is sent less from.

    Raises:
        ValueError: it is no conversation.
    """
    made = Conversation()
    messages = [cast("Mapping[str, Any]", e) for e in _messages(found) if isinstance(e, dict)]
    made.unread = len(_messages(found)) - len(messages)
    hidden, text = _hidden(messages)
    visible = [each for each in messages if id(each) not in hidden]
    for each in messages:
        if id(each) in hidden:
            _take(made, each)
    if hidden:
        made.entries.append(Condensed(text, 0))
        made.times.append(made.times[-1] if made.times else 0)
    for each in visible:
        if not (each.get("isSummary") or each.get("isTruncationMarker")):
            _take(made, each)
    _complete(made)
    return made


def _messages(found: object) -> Sequence[Any]:
    if isinstance(found, dict):
        envelope = cast("Mapping[str, Any]", found)
        found = envelope.get("messages") if envelope.get("version") == 2 else None
    if isinstance(found, list):
        return cast("list[Any]", found)
    raise ValueError("it is no list of messages, and no version of one that is known")


def _complete(made: Conversation) -> None:
    """A task that ended has no result of what ended it: Roo adds one with the next message."""
    last = made.entries[-1] if made.entries else None
    if isinstance(last, AssistantMessage):
        for call in last.calls:
            if call.name == attempt_completion.TOOL.name:
                made.entries.append(ToolMessage(call.id, SHOWN))
                made.times.append(made.times[-1])


def _hidden(messages: Sequence[Mapping[str, Any]]) -> tuple[set[int], str]:
    """What Roo does not send any more, and the text that stands for it."""
    last = next(
        (at for at in range(len(messages) - 1, -1, -1) if messages[at].get("isSummary")), None
    )
    markers = {each.get("truncationId") for each in messages if each.get("isTruncationMarker")} - {
        None
    }
    summaries = {each.get("condenseId") for each in messages if each.get("isSummary")} - {None}
    hidden = {
        id(each)
        for at, each in enumerate(messages)
        if each.get("truncationParent") in markers
        or each.get("condenseParent") in summaries
        or (last is not None and at < last)
    }
    parts: list[str] = []
    if last is not None:
        parts.append("".join(part for part in _texts(messages[last].get("content"))))
    elif hidden:
        first = messages[0]
        if id(first) not in hidden and first.get("role") == "user":
            parts.append(_plain_text(first.get("content")))
            hidden.add(id(first))
    if count := sum(each.get("truncationParent") in markers for each in messages):
        parts.append(LEFT_OUT.format(count=count))
    return hidden, "\n\n".join(part for part in parts if part.strip())


# --- one message ----------------------------------------------------------------------------


def _take(made: Conversation, message: Mapping[str, Any]) -> None:
    role, content = message.get("role"), message.get("content")
    when = message.get("ts")
    seconds = when / 1000 if isinstance(when, int | float) and 0 < when < 1e14 else 0.0
    if message.get("isSummary") or message.get("isTruncationMarker") or role is None:
        return  # what stands for others, and reasoning that only its provider can read
    match role:
        case "user" | "tool":
            entries = list(_of_user(made, content))
        case "assistant":
            entries = list(_of_model(made, message, content))
        case _:
            made.unread += 1
            return
    made.entries += entries
    made.times += [seconds] * len(entries)


def _of_user(made: Conversation, content: object) -> Iterator[HistoryEntry]:
    """The results first, as they belong behind the answer; then what was said."""
    words: list[str] = []
    images: list[Image] = []
    for part in _parts(content):
        match part.get("type"):
            case "tool_result":
                yield _result(
                    made, part.get("tool_use_id"), part.get("content"), part.get("is_error") is True
                )
            case "tool-result":
                yield _sdk_result(made, part)
            case "text":
                words.append(_said(part.get("text")))
            case "image":
                images += _images(made, part)
            case _:
                made.unread += 1
    text = "\n\n".join(word for word in words if word)
    if text or images:
        yield UserMessage(text or "(an image)", tuple(images))


def _of_model(
    made: Conversation, message: Mapping[str, Any], content: object
) -> Iterator[HistoryEntry]:
    words: list[str] = []
    thoughts: list[str] = []
    calls: list[ToolCall] = []
    for part in _parts(content):
        match part.get("type"):
            case "text":
                words.append(_text_of(part.get("text")))
            case "thinking" | "reasoning":
                thoughts.append(_text_of(part.get("thinking") or part.get("text")))
            case "tool_use":
                calls += _call(made, part.get("id"), part.get("name"), part.get("input"))
            case "tool-call":
                calls += _call(
                    made, part.get("toolCallId"), part.get("toolName"), part.get("input")
                )
            case "redacted_thinking":
                pass
            case _:
                made.unread += 1
    kept = message.get("reasoning_content")
    reasoning = kept if isinstance(kept, str) else "\n".join(filter(None, thoughts))
    where = "reasoning_content" if isinstance(kept, str) and kept else ""
    details = message.get("reasoning_details")
    text = "\n\n".join(word for word in words if word)
    made.calls_as_text |= not calls and bool(_TEXT_CALL.search(text))
    if text or calls or reasoning:
        yield AssistantMessage(
            text,
            tuple(calls),
            reasoning,
            where,
            json.dumps(details) if isinstance(details, list) and details else "",
        )


def _call(made: Conversation, call_id: object, name: object, given: object) -> list[ToolCall]:
    if not isinstance(call_id, str) or not isinstance(name, str) or not call_id or not name:
        made.unread += 1
        return []
    arguments = object_or_empty(given)
    return [ToolCall(call_id, name, json.dumps(arguments, ensure_ascii=False))]


def _result(made: Conversation, call_id: object, content: object, failed: bool) -> ToolMessage:  # noqa: FBT001 -- a field of the message
    images = [
        image
        for part in _parts(content)
        if part.get("type") == "image"
        for image in _images(made, part)
    ]
    text = "\n".join(_texts(content))
    return ToolMessage(str(call_id), _without_environment(text), failed, tuple(images))


def _sdk_result(made: Conversation, part: Mapping[str, Any]) -> ToolMessage:
    output = part.get("output")
    failed = False
    if isinstance(output, dict):
        told = cast("Mapping[str, Any]", output)
        value, failed = told.get("value"), str(told.get("type", "")).startswith("error")
        whole = isinstance(value, str | list)
        output = cast("object", value) if whole else json.dumps(value, ensure_ascii=False)
    failed |= isinstance(output, str) and output.lstrip().startswith("[ERROR]")
    return _result(made, part.get("toolCallId"), cast("object", output), failed)


# --- parts ----------------------------------------------------------------------------------


def _parts(content: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list):
        for each in cast("list[object]", content):
            yield cast("Mapping[str, Any]", each) if isinstance(each, dict) else {}


def _texts(content: object) -> list[str]:
    return [_text_of(part.get("text") or part.get("value")) for part in _parts(content)]


def _text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def _plain_text(content: object) -> str:
    return "\n\n".join(filter(None, map(_said, _texts(content))))


def _said(value: object) -> str:
    """What the user said: without what Roo put around it and behind it."""
    text = _without_environment(_text_of(value)).strip()
    found = _WRAPPED.match(text)
    return found[2].strip() if found else text


def _without_environment(text: str) -> str:
    """Without what Roo says of the editor, which was so once."""
    begin, end = _ENVIRONMENT
    kept: list[str] = []
    at = 0
    while (start := text.find(begin, at)) >= 0 and (behind := text.find(end, start)) >= 0:
        kept.append(text[at:start].rstrip())
        at = behind + len(end)
    kept.append(text[at:])
    return "\n".join(part for part in kept if part.strip()) if at else text


def _images(made: Conversation, part: Mapping[str, Any]) -> list[Image]:
    source = part.get("source")
    if isinstance(source, dict):
        given = cast("Mapping[str, Any]", source)
        kind, data = given.get("media_type"), given.get("data")
    else:
        kind, data = part.get("mediaType"), part.get("image")
        if isinstance(data, str) and (found := re.match(r"data:([\w/+.-]+);base64,", data)):
            kind, data = found[1], data[found.end() :]
    try:
        if kind in TYPES and isinstance(data, str) and b64decode(data, validate=True):
            return [Image(str(kind), data)]
    except (NotBase64, ValueError):
        pass
    made.unread += 1
    return []
