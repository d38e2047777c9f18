"""Answers of `/responses`: typed events, or one response object, to deltas.

An event is about an item, which is found by its id, else by its place: some servers send no places
(llama.cpp), some other ids in each event (GitHub Copilot, litellm#30071; mistral.rs#1944), some an item
only when it is done, some only in the last event. Whatever of an item has not been told by then is told from there, once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from roo_lsp.agent.json_values import JsonObject, object_or_empty
from roo_lsp.agent.ports import Delta, ReasoningDetails, ToolCallFragment
from roo_lsp.providers.answers import (
    AnswerReader,
    ErrorInAnswer,
    raise_error,
    read_usage,
    status_in,
)

_ENDS = {"response.completed", "response.incomplete", "response.failed", "response.cancelled"}
_TEXTS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "thought",
    "response.reasoning_summary_text.delta": "summary",
}
_KINDS = {
    "text": "message",
    "refusal": "message",
    "thought": "reasoning",
    "summary": "reasoning",
    "arguments": "function_call",
}
"""What kind of item has such a text."""


@dataclass(slots=True)
class _Item:
    """One item of the answer, as far as it has come."""

    number: int
    """Its place in the order in which items came."""
    kind: str
    id: str = ""
    place: int | None = None
    """Its `output_index`."""
    call_id: str = ""
    told: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What was told of it, by the kind of text."""
    part: tuple[object, ...] = ()
    """The part of a summary that is being told."""
    named: bool = False
    whole: JsonObject | None = None
    """The item as it was when it was done."""

    def has(self, kind: str) -> str:
        return "".join(self.told.get(kind, ()))


class ResponsesReader(AnswerReader):
    """Turns the JSON texts of one answer into deltas; keeps what is said only at the end."""

    kind = "response"

    def __init__(self, source: str, *, prefilled: bool = False, limit: int | None = None) -> None:
        """`source` names endpoint and model: what the model thinks goes back there alone.

        `limit` is the tokens that were asked for at most: llama.cpp calls an answer complete that ends
        there.
        """
        super().__init__(prefilled=prefilled)
        self._limit = limit
        self._source = source
        self._items: list[_Item] = []
        self._by_id: dict[str, _Item] = {}
        self._by_place: dict[int, _Item] = {}
        self._refused = False

    def end(self) -> list[Delta]:
        """The deltas that could be told only now that all of the answer is there."""
        deltas = super().end()
        if layout := self._layout():
            deltas.append(ReasoningDetails(layout))
        return deltas

    def _read(self, chunk: JsonObject, deltas: list[Delta]) -> None:
        kind = chunk.get("type")
        if kind == "error" or not isinstance(kind, str):
            if chunk.get("object") == "response":
                self.chunks += 1
                self._finish(chunk, deltas)
                return
            raise_error(chunk)
            self.stray = self.stray or chunk
            return
        self.chunks += 1
        if text := _TEXTS.get(kind):
            self._text(chunk, text, deltas)
        elif kind == "response.function_call_arguments.delta":
            delta = chunk.get("delta")
            if isinstance(delta, str) and delta:
                self._call(self._of(chunk, "function_call"), deltas, delta)
        elif kind == "response.output_item.added":
            self._added(chunk, deltas)
        elif kind == "response.output_item.done":
            item = object_or_empty(chunk.get("item"))
            self._done(self._of(chunk, str(item.get("type")), item), item, deltas)
        elif kind in _ENDS:
            self._finish(object_or_empty(chunk.get("response")), deltas)

    # --- which item -------------------------------------------------------------------------

    def _of(self, event: JsonObject, kind: str, item: JsonObject | None = None) -> _Item:
        """The item that an event is about; a new one, if nothing of it has come."""
        item = item or {}
        name = item.get("id") or event.get("item_id")
        place = event.get("output_index")
        found = self._by_id.get(name) if isinstance(name, str) else None
        if found is None and type(place) is int:
            found = self._by_place.get(place)
            if found is not None and (found.kind != kind or (item and found.whole is not None)):
                found = None
        if found is None and (call_id := item.get("call_id")):
            found = next((each for each in self._items if each.call_id == call_id), None)
        if found is None and not item and not isinstance(name, str) and type(place) is not int:
            found = next((each for each in reversed(self._items) if each.kind == kind), None)
        if found is None or found.kind != kind:
            found = _Item(len(self._items), kind)
            self._items.append(found)
        if isinstance(name, str) and name:
            found.id = found.id or name
            self._by_id.setdefault(name, found)
        if type(place) is int:
            found.place = place if found.place is None else found.place
            self._by_place[place] = found
        return found

    def _added(self, event: JsonObject, deltas: list[Delta]) -> None:
        item = object_or_empty(event.get("item"))
        place = event.get("output_index")
        known = self._by_place.get(place) if type(place) is int else None
        if known is not None and known.id != item.get("id") and (known.told or known.named):
            self._by_place.pop(cast("int", place))  # the next item, at a place that does not count
        found = self._of(event, str(item.get("type")), item)
        if found.kind == "function_call":
            arguments = item.get("arguments")
            self._call(found, deltas, arguments if isinstance(arguments, str) else "", item)

    # --- what is told of it -----------------------------------------------------------------

    def _text(self, event: JsonObject, text: str, deltas: list[Delta]) -> None:
        delta = event.get("delta")
        if isinstance(delta, dict):  # `{"text": …}`, before the specification
            delta = cast("JsonObject", delta).get("text")
        if isinstance(delta, str) and delta:
            part = (event.get("summary_index"), event.get("content_index"))
            self._say(self._of(event, _KINDS[text]), text, delta, deltas, part)

    def _say(
        self,
        item: _Item,
        text: str,
        delta: str,
        deltas: list[Delta],
        part: tuple[object, ...] = (),
    ) -> None:
        """More of an item's text."""
        if text == "summary":
            if "thought" in item.told:
                return  # a summary of what was told in full
            if item.told and part != item.part:
                delta = f"\n\n{delta}"
            item.part = part
        elif (
            text == "text"
            and not item.told
            and any(
                each.told for each in self._items if each.kind == "message" and each is not item
            )
        ):
            delta = f"\n\n{delta}"
        item.told.setdefault(text, []).append(delta)
        if item.kind == "reasoning":
            self._add_thought(deltas, delta)
        else:
            self._refused = self._refused or text == "refusal"
            self._add_text(deltas, delta)

    def _call(
        self, call: _Item, deltas: list[Delta], arguments: str, item: JsonObject | None = None
    ) -> None:
        """More of a call: its name and id, once they are known, and arguments."""
        name = call_id = None
        if item and not call.named:
            named, called = item.get("name"), item.get("call_id")
            name = named if isinstance(named, str) and named else None
            call_id = called if isinstance(called, str) and called else None
            call.named, call.call_id = name is not None, call_id or ""
        if arguments:
            call.told.setdefault("arguments", []).append(arguments)
        if name or call_id or arguments:
            fragment = ToolCallFragment(call.number, call_id, name, arguments or None)
            self._add_call(deltas, fragment)

    def _done(self, item: _Item, whole: JsonObject, deltas: list[Delta]) -> None:
        """An item as it is in the end: what of it was not told is told now."""
        if item.whole is not None:
            return
        item.whole = whole
        match item.kind:
            case "function_call":
                arguments = whole.get("arguments")
                if isinstance(arguments, dict):
                    arguments = json.dumps(arguments)
                rest = _rest(item.has("arguments"), arguments)
                self._call(item, deltas, rest, whole)
            case "message" | "reasoning":
                parts = [("content", each) for each in _parts(whole.get("content"))]
                parts += [("summary", each) for each in _parts(whole.get("summary"))]
                texts: dict[str, str] = {}
                for place, part in parts:
                    text = _kind_of(part, place, item.kind)
                    said = part.get("refusal") if text == "refusal" else part.get("text")
                    if isinstance(said, str) and said:
                        gap = "\n\n" if text == "summary" and text in texts else ""
                        texts[text] = texts.get(text, "") + gap + said
                for text, said in texts.items():
                    if rest := _rest(item.has(text).removeprefix("\n\n"), said):
                        self._say(item, text, rest, deltas, item.part)
            case kind if kind.endswith("_call"):
                self._add_thought(deltas, f"\n{_foreign(kind, whole)}\n")
            case _:
                pass

    def _finish(self, response: JsonObject, deltas: list[Delta]) -> None:
        """The last event, or the whole answer: what came of all of it."""
        usage = response.get("usage")
        if isinstance(usage, dict):
            self.usage = read_usage(cast("JsonObject", usage))
        status = response.get("status")
        error = response.get("error")
        if status in {"failed", "cancelled"} or error:
            body = {"error": error or f"the response was {status}"}
            raise ErrorInAnswer(body, status_in(error))
        counts: dict[str, int] = {}
        for place, item in enumerate(_parts(response.get("output"))):
            kind = str(item.get("type"))
            self._done(self._in_the_end(item, kind, place, counts), item, deltas)
        self.finish, self.complete = self._reason(response), True

    def _in_the_end(self, item: JsonObject, kind: str, place: int, counts: dict[str, int]) -> _Item:
        """The item that one of the last event is: by place, id, or its number among its kind."""
        number = counts[kind] = counts.get(kind, -1) + 1
        found = self._by_place.get(place)
        if found is not None and found.kind == kind and found.place == place:
            return found
        found = self._by_id.get(str(item.get("id")))
        same = [each for each in self._items if each.kind == kind]
        if found is None and number < len(same):
            found = same[number]
        return found or self._of({}, kind, {**item, "type": kind})

    def _reason(self, response: JsonObject) -> str:
        if response.get("status") == "incomplete":
            why = str(object_or_empty(response.get("incomplete_details")).get("reason"))
            return "content_filter" if why == "content_filter" else "length"
        if self._limit and self.usage and self.usage.output_tokens >= self._limit:
            return "length"
        if self._has_calls:
            return "tool_calls"
        return "content_filter" if self._refused else "stop"

    # --- what goes back ---------------------------------------------------------------------

    def _layout(self) -> str:
        """The order of the answer, with what the model thought; empty where there is nothing to keep."""
        items: list[JsonObject] = []
        worth = False
        for item in sorted(self._items, key=lambda each: (each.place is None, each.place or 0)):
            whole = item.whole or {}
            match item.kind:
                case "reasoning" if whole.get("encrypted_content") or whole.get("content"):
                    worth = True
                    items.append({key: value for key, value in whole.items() if key != "status"})
                case "message":
                    text = item.has("text") + item.has("refusal")
                    place: JsonObject = {"type": "message", "length": len(text)}
                    if isinstance(phase := whole.get("phase"), str):
                        worth, place["phase"] = True, phase
                    items.append(place)
                case "function_call":
                    items.append({"type": "function_call"})
                case _:
                    pass
        if not worth:
            return ""
        return json.dumps({"source": self._source, "items": items}, ensure_ascii=False)


def _parts(value: object) -> Sequence[JsonObject]:
    if not isinstance(value, list):
        return ()
    return [
        cast("JsonObject", each) for each in cast("list[object]", value) if isinstance(each, dict)
    ]


def _kind_of(part: JsonObject, place: str, kind: str) -> str:
    """What kind of text a part of an item has."""
    if kind == "message":
        return "refusal" if part.get("type") == "refusal" else "text"
    return "summary" if place == "summary" or part.get("type") == "summary_text" else "thought"


def _rest(told: str, whole: object) -> str:
    """What of a text was not told; nothing where something else was."""
    if not isinstance(whole, str) or not whole.startswith(told):
        return ""
    return whole[len(told) :]


def _foreign(kind: str, item: JsonObject) -> str:
    """A call of one of the endpoint's own tools, for people: it was not asked for, nor run here."""
    action = object_or_empty(item.get("action"))
    about = item.get("query") or action.get("query") or item.get("name") or item.get("code") or ""
    said = f": {str(about)[:200]}" if about else ""
    return f"(The endpoint used a tool of its own, {kind[:60]}{said})"
