"""Answers of `/chat/completions`: the JSON of a stream or of a whole answer to deltas."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from pydantic_core import from_json

from roo_lsp.agent.json_values import JsonObject, object_or_empty
from roo_lsp.agent.ports import (
    Delta,
    ReasoningDelta,
    ReasoningDetails,
    TextDelta,
    ToolCallFragment,
    Usage,
)
from roo_lsp.providers.thinking import ThinkSplitter

"""A JSON object of the wire, of which nothing is known."""

_REASONS = {
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "end_turn": "stop",
    "max_tokens": "length",
    "model_length": "length",
}
"""Finish reasons of older OpenAI, of Anthropic and Gemini behind thin proxies, and of Mistral."""


class ErrorInAnswer(Exception):
    """The endpoint sent an error object where an answer should be."""

    def __init__(self, body: object, status: int | None) -> None:
        super().__init__(str(body))
        self.body = body
        self.status = status


class Unreadable(Exception):
    """A piece of the answer is not JSON: something is lost, so nothing of it can be trusted."""


class AnswerReader:
    """Turns the JSON texts of one answer into deltas; keeps what is said only at the end."""

    kind = "chat completion"
    """What an answer is called in messages."""
    complete = False
    """Nothing of an answer can come any more, whatever the connection does."""

    def __init__(self, *, prefilled: bool = False) -> None:
        """`prefilled`: the answers of this model at this endpoint begin inside `<think>`."""
        self.prefilled: bool | None = None
        """Whether this one did; None while that cannot be told."""
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.chunks = 0
        """How many texts were part of a chat completion."""
        self.stray: JsonObject | None = None
        """The first object that was not part of one."""
        self._held: dict[object, str] | None = None
        """Halves of surrogate pairs, by where they came; None while there were none."""
        self._thoughts: ThinkSplitter | None = ThinkSplitter(prefilled=prefilled)
        """Finds reasoning in the text; None once the endpoint tells them apart itself."""
        self._names_reasoning = False
        self._details = _Details()
        self._has_calls = False

    def read(self, payload: bytes) -> list[Delta]:
        """The deltas in one JSON text.

        Raises:
            ErrorInAnswer: it is an error.
            Unreadable: it is broken JSON.
        """
        deltas: list[Delta] = []
        for value in self._parse(payload):
            chunk = _first_object(value)
            if chunk is not None:
                self._read(chunk, deltas)
        return deltas

    def end(self) -> list[Delta]:
        """The deltas that could be told only now that all of the answer is there."""
        deltas: list[Delta] = []
        if self._thoughts is not None:
            deltas += self._thoughts.finish(alone=not self._has_calls, cut=self.finish == "length")
            self.prefilled = self._thoughts.prefilled
        if details := self._details.text():
            deltas.append(ReasoningDetails(details))
        return deltas

    def _parse(self, payload: bytes) -> Sequence[object]:
        try:
            return (from_json(payload),)
        except ValueError:
            pass
        if payload.lstrip()[:1] not in {b"{", b"["}:
            return ()  # "ping" and the like: no piece of an answer begins so
        text = payload.decode("utf-8", "replace")
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            lines = [line for line in text.splitlines() if line.strip() != "[DONE]"]
            try:  # events with one line end between them instead of two
                return [json.loads(line) for line in lines] if len(lines) > 1 else _broken(text)
            except (ValueError, RecursionError):
                return _broken(text)
        self._held = self._held or {}  # what only Python can read has half surrogate pairs
        return (value,)

    def _read(self, chunk: JsonObject, deltas: list[Delta]) -> None:
        raise_error(chunk)
        usage = chunk.get("usage")
        if usage is None and isinstance(groq := chunk.get("x_groq"), dict):
            usage = cast("JsonObject", groq).get("usage")
        if isinstance(usage, dict):
            self.usage = read_usage(cast("JsonObject", usage))
            self.chunks += 1
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not choices:
            self.stray = self.stray or chunk
            return
        self.chunks += 1
        choice = object_or_empty(cast("list[object]", choices)[0])
        reason = choice.get("finish_reason")
        if reason == "error":
            raise ErrorInAnswer(choice.get("error") or chunk, status_in(choice.get("error")))
        if isinstance(reason, str) and reason:
            self.finish = _REASONS.get(reason.lower(), reason.lower())
        delta = choice.get("delta")
        whole = not isinstance(delta, dict)
        if whole:
            delta = choice.get("message")
        if isinstance(delta, dict):
            self._read_delta(cast("JsonObject", delta), deltas, whole=whole)
            if whole and self.finish is None:  # one JSON that parses is all there
                self.finish = (
                    "tool_calls" if cast("JsonObject", delta).get("tool_calls") else "stop"
                )

    def _read_delta(self, delta: JsonObject, deltas: list[Delta], *, whole: bool) -> None:
        name, thought = _reasoning(delta)
        if thought:
            self._names_reasoning = True
            self._add_thought(deltas, thought, name)
        if details := delta.get("reasoning_details"):
            readable = self._details.add(details)
            if readable and not self._names_reasoning:
                self._add_thought(deltas, readable)
        for content in (delta.get("content"), delta.get("refusal")):
            if isinstance(content, str) and content:
                self._add_text(deltas, content)
            elif isinstance(content, list):
                self._add_parts(deltas, cast("list[object]", content))
        calls = delta.get("tool_calls")
        if calls:
            entries = cast("list[object]", calls) if isinstance(calls, list) else [calls]
            for position, entry in enumerate(entries):
                fragment = _fragment(object_or_empty(entry), position if whole else None)
                self._add_call(deltas, fragment)
        elif isinstance(legacy := delta.get("function_call"), dict):
            self._add_call(deltas, _fragment({"function": legacy}, None))

    def _add_parts(self, deltas: list[Delta], parts: list[object]) -> None:
        """Mistral sends content as parts; thinking is one kind of them, with parts of its own."""
        for part in map(object_or_empty, parts):
            text, thinking = part.get("text"), part.get("thinking")
            if isinstance(thinking, list):
                inner = map(object_or_empty, cast("list[object]", thinking))
                thinking = "".join(str(each.get("text") or "") for each in inner)
            if isinstance(thinking, str) and thinking:
                self._add_thought(deltas, thinking)
            elif isinstance(text, str) and text:
                self._add_text(deltas, text)

    def _add_text(self, deltas: list[Delta], text: str) -> None:
        text = text if self._held is None else self._mend("text", text)
        deltas += [TextDelta(text)] if self._thoughts is None else self._thoughts.feed(text)

    def _add_thought(self, deltas: list[Delta], text: str, name: str = "") -> None:
        if self._thoughts is not None:
            deltas += self._thoughts.pause()
            self._thoughts = None
        text = text if self._held is None else self._mend("reasoning", text)
        deltas.append(ReasoningDelta(text, name))

    def _add_call(self, deltas: list[Delta], fragment: ToolCallFragment) -> None:
        self._has_calls = True
        if self._thoughts is not None:
            deltas += self._thoughts.pause()
        if self._held is not None and isinstance(fragment.arguments, str):
            text = self._mend(fragment.index, fragment.arguments)
            fragment = replace(fragment, arguments=text)
        deltas.append(fragment)

    def _mend(self, place: object, text: str) -> str:
        """The text with its surrogate pairs made whole, if the server cut one in two."""
        held = cast("dict[object, str]", self._held)
        text = held.pop(place, "") + text
        if text and "\ud800" <= text[-1] <= "\udbff":
            held[place] = text[-1]
            text = text[:-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class _Details:
    """OpenRouter's `reasoning_details`, whose entries come in fragments.

    Anthropic's signature holds for the whole text of an entry (agno#8794), so fragments of one kind
    at one index are put together before any is sent back.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[object, ...], JsonObject] = {}
        self._texts: dict[tuple[object, ...], dict[str, list[str]]] = {}

    def add(self, entries: object) -> str:
        """Take the entries of one delta; the text in them that people can read."""
        if not isinstance(entries, list):
            return ""
        readable: list[str] = []
        for entry in map(object_or_empty, cast("list[object]", entries)):
            key = self._key(entry)
            whole, texts = self._entries.setdefault(key, {}), self._texts.setdefault(key, {})
            for name, value in entry.items():
                if name in {"text", "summary"} and isinstance(value, str):
                    texts.setdefault(name, []).append(value)
                    readable.append(value)
                    whole.setdefault(name, "")
                elif value is not None or name not in whole:
                    whole[name] = value
        return "".join(readable)

    def _key(self, entry: JsonObject) -> tuple[object, ...]:
        """What the fragments of one entry have in common."""
        index, kind, own = entry.get("index"), str(entry.get("type")), entry.get("id")
        if not isinstance(index, int):
            return (kind, len(self._entries)) if entry.get("data") else (kind,)
        known = self._entries.get((index, kind), {}).get("id")
        return (index, kind) if not known or not own or known == own else (index, kind, str(own))

    def text(self) -> str:
        """All entries as JSON text; empty when there are none."""
        whole = [
            entry | {name: "".join(parts) for name, parts in self._texts[key].items()}
            for key, entry in self._entries.items()
            if entry
        ]
        return json.dumps(whole, ensure_ascii=False) if whole else ""


def _broken(text: str) -> Sequence[object]:
    raise Unreadable(text[:80])


def _first_object(value: object) -> JsonObject | None:
    if isinstance(value, list) and value:  # Gemini puts its errors into a list
        value = cast("list[object]", value)[0]
    return cast("JsonObject", value) if isinstance(value, dict) else None


def _reasoning(delta: JsonObject) -> tuple[str, str]:
    """Reasoning with the name it came under; vLLM and OpenRouter send it under both for a while."""
    for name in ("reasoning_content", "reasoning"):
        thought = delta.get(name)
        if isinstance(thought, str) and thought:
            return name, thought
    return "", ""


def raise_error(chunk: JsonObject) -> None:
    """Error objects in their shapes: OpenAI's, a string, older vLLM's, Anthropic's, MiniMax's."""
    error = chunk.get("error")
    if error:
        raise ErrorInAnswer(chunk, status_in(error) or status_in(chunk))
    if chunk.get("object") == "error" or chunk.get("type") == "error":
        raise ErrorInAnswer(chunk, status_in(chunk))
    base = chunk.get("base_resp")
    if isinstance(base, dict) and cast("JsonObject", base).get("status_code"):
        raise ErrorInAnswer(cast("JsonObject", base), None)


def status_in(error: object) -> int | None:
    """The HTTP status that an error object carries, as a number or in digits."""
    values = object_or_empty(error)
    for key in ("status", "status_code", "code"):
        value = values.get(key)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _fragment(entry: JsonObject, position: int | None) -> ToolCallFragment:
    """A fragment of a call; whole calls get their position as index, so that each is its own."""
    function = entry.get("function")
    values = cast("JsonObject", function) if isinstance(function, dict) else entry
    index, call_id, name = entry.get("index"), entry.get("id"), values.get("name")
    if isinstance(index, str) and index.isdecimal():
        index = int(index)
    if position is not None or type(index) is not int:
        index = position
    arguments = values.get("arguments")
    if not isinstance(arguments, str | dict | None):
        arguments = json.dumps(arguments)
    return ToolCallFragment(
        index,
        str(call_id) if isinstance(call_id, str | int) else None,
        name if isinstance(name, str) else None,
        cast("str | JsonObject | None", arguments),
    )


def read_usage(usage: JsonObject) -> Usage:
    """Usage in the spellings of OpenAI, Anthropic's proxies and DeepSeek.

    Gemini and xAI count thinking in `total_tokens` alone, and bill it as output.
    """
    details = object_or_empty(usage.get("prompt_tokens_details"))
    details = details or object_or_empty(usage.get("input_tokens_details"))
    read = _count(details, "cached_tokens") or _count(
        usage, "cache_read_input_tokens", "prompt_cache_hit_tokens", "cached_tokens"
    )
    write = _count(usage, "cache_creation_input_tokens") or _count(details, "cache_write_tokens")
    inputs = _count(usage, "prompt_tokens", "input_tokens")
    if "prompt_tokens" not in usage or read + write > inputs:
        inputs += 0 if details else read + write  # Anthropic counts cached tokens apart
    outputs = _count(usage, "completion_tokens", "output_tokens")
    thinking = max(0, _count(usage, "total_tokens") - inputs - outputs) if inputs else 0
    return Usage(inputs, outputs + thinking, read, write)


def _count(values: JsonObject, *names: str) -> int:
    for name in names:
        value = values.get(name)
        if isinstance(value, int | float) and value > 0:
            return int(value)
    return 0
