"""Deltas become one assistant message, however loosely an endpoint cuts its tool calls.

A fragment joins the call it belongs to by id, else by index, else by being next; arguments are kept
in pieces and joined once. One `Assembly` belongs to one request.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import assert_never

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.messages import AssistantMessage, ToolCall
from roo_lsp.agent.ports import (
    AskedAgain,
    Delta,
    Finished,
    ReasoningDelta,
    ReasoningDetails,
    ReasoningWasText,
    Restarted,
    TextDelta,
    TextWasReasoning,
    ToolCallFragment,
    Usage,
)
from roo_lsp.agent.vocabulary import needs_arguments, tool_of_call

NAMELESS = "unnamed_tool"
"""The name of a call that came without one: no such tool, which is what the model is then told."""

MAX_ANSWER = 8 * 1024 * 1024
"""Characters of text, reasoning and arguments together; no model writes as much."""
MAX_NAME = 256
"""Characters of a name from which it does not grow."""
MAX_FRAGMENTED_CALLS = 1000
"""Calls of one answer that are put together at all: looking for a call's owner costs their number."""

_USABLE_ID = re.compile(r"[\w.:-]{1,64}(__thought__[\w+/=-]{1,16384})?", re.ASCII)
"""Ids of calls that are kept: what OpenAI takes, Mistral's nine characters, and Kimi's own form,
which it needs back; and longer ones where LiteLLM hides what Gemini needs back (litellm#37849)."""

_SIGNS = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)
"""What tells where a JSON value ends: quotes, brackets, and what takes a quote its meaning."""
_UNUSABLE = re.compile(r"[^a-zA-Z0-9_-]+")
MAX_USABLE_NAME = 64
"""Characters of a name that every endpoint takes back, which are `[a-zA-Z0-9_-]` (OpenAI's rule)."""


def usable_name(name: str) -> str:
    """The name in a form that every endpoint takes back in a history."""
    return _UNUSABLE.sub("_", name.strip())[:MAX_USABLE_NAME] or NAMELESS


@dataclass(frozen=True, slots=True)
class TextPiece:
    """More of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPiece:
    """More of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class CallBegan:
    """A call's name is known, and stays; comes once for each call, before anything else of it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CallGrew:
    """More of a call's arguments; `size_bytes` counts all of them so far."""

    id: str
    name: str
    delta_text: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Everything so far is void: the request is made again."""


AnswerProgress = TextPiece | ReasoningPiece | CallBegan | CallGrew | AskedAgain | Reset


class Assembly:
    """Makes one answer of the deltas of one request."""

    def __init__(self, taken: Collection[str] = (), tools: Collection[str] = ()) -> None:
        self._taken = set(taken)
        """Ids that calls of this answer may not have: those the task has used."""
        self._tools = tools
        """Names of tools: a call that has one of them whole can begin before its arguments do; with
        its id, which may come late."""
        self._clear()

    def _clear(self) -> None:
        self.finish_reason: str | None = None
        self.endless = False
        """The answer was stopped, because it repeated itself."""
        self.usage: Usage | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_field = ""
        self._reasoning_details = ""
        self._calls: list[_Call] = []
        self._size = 0

    def add(self, delta: Delta) -> list[AnswerProgress]:  # noqa: C901 -- a case for each kind of delta
        """Take one more delta; what came of it, in order.

        Raises:
            RooError: the answer is longer than any can be.
        """
        match delta:
            case ToolCallFragment():
                return self._add_fragment(delta)
            case TextDelta(text):
                self._grow(len(text))
                self._text.append(text)
                return [*self._begin_known(), TextPiece(text)] if text else []
            case ReasoningDelta(text, name):
                self._grow(len(text))
                self._reasoning.append(text)
                self._reasoning_field = self._reasoning_field or name
                return [*self._begin_known(), ReasoningPiece(text)] if text else []
            case TextWasReasoning():
                self._reasoning += self._text
                self._text.clear()
                return []
            case ReasoningWasText():
                text = "".join(self._reasoning)
                self._text.insert(0, text)
                self._reasoning.clear()
                return [TextPiece(text)] if text else []
            case ReasoningDetails(text):
                self._grow(len(text))
                self._reasoning_details = text
                return []
            case Usage():
                self.usage = delta
                return []
            case Finished(reason):
                self.finish_reason = reason
                return self._begin_all()
            case AskedAgain():
                return [delta]
            case Restarted():
                self._clear()
                return [Reset()]
            case _:
                assert_never(delta)

    def message(self) -> AssistantMessage:
        """The answer so far; each call's arguments are the text as it was streamed."""
        self._begin_all()
        return AssistantMessage(
            text="".join(self._text),
            calls=tuple(ToolCall(call.id, call.name, call.arguments()) for call in self._calls),
            reasoning="".join(self._reasoning),
            reasoning_field=self._reasoning_field,
            reasoning_details=self._reasoning_details,
        )

    def spelt(self) -> Mapping[str, str]:
        """The name of each call as the model spelt it, by its id."""
        return {call.id: call.spelt for call in self._calls if call.begun}

    def _grow(self, characters: int) -> None:
        self._size += characters
        if self._size > MAX_ANSWER or len(self._calls) > MAX_FRAGMENTED_CALLS:
            raise RooError(
                "provider_error",
                "The model's answer does not end: it was stopped at "
                f"{len(self._calls)} tool calls and {self._size >> 20} MB.",
                "Set a limit with roo.model.maxOutputTokens, or try another model.",
            )

    # --- calls ----------------------------------------------------------------------------

    def _add_fragment(self, fragment: ToolCallFragment) -> list[AnswerProgress]:
        progress: list[AnswerProgress] = []
        call = self._owner(fragment)
        if call is None:
            if not (fragment.id or fragment.name or fragment.arguments):
                return []
            progress = self._begin_known()  # no name grows once the next call has begun
            call = _Call(fragment.index)
            self._calls.append(call)
        if fragment.id and not call.raw_id:
            call.raw_id = fragment.id
        if call.index is None:
            call.index = fragment.index
        if fragment.name and not call.begun:
            call.extend_name(fragment.name)
        text = call.extend_arguments(fragment.arguments)
        self._grow(len(text))
        if call.begun:
            if text:
                progress.append(CallGrew(call.id, call.name, text, call.size))
        elif (
            call.spelt
            and (call.size or (call.raw_id and call.spelt in self._tools))
            and not needs_arguments(call.spelt, self._tools)
        ):
            progress += self._begin(call)
        return progress

    def _owner(self, fragment: ToolCallFragment) -> "_Call | None":
        """The call that a fragment goes on with, or None when it starts one."""
        if not self._calls:
            return None
        last = self._calls[-1]
        if fragment.id:
            for call in reversed(self._calls):
                if call.raw_id == fragment.id and (
                    fragment.index is None or call.index is None or call.index == fragment.index
                ):
                    return call
            unnamed = not last.raw_id and last.index == fragment.index
            return last if unnamed and not last.is_over(fragment) else None
        if fragment.index is None or last.index == fragment.index:
            found = last
        else:
            found = next((c for c in reversed(self._calls) if c.index == fragment.index), None)
        return None if found is None or found.is_over(fragment) else found

    def _begin_known(self) -> list[AnswerProgress]:
        """Begin the calls that have a name: nothing more can be added to it now."""
        return [step for call in self._calls if call.spelt for step in self._begin(call)]

    def _begin_all(self) -> list[AnswerProgress]:
        for call in self._calls:
            call.spelt = call.spelt or NAMELESS
        return self._begin_known()

    def _begin(self, call: "_Call") -> list[AnswerProgress]:
        if call.begun:
            return []
        call.begun = True
        call.id = self._free_id(call.raw_id)
        spelt = call.spelt
        meant = tool_of_call(spelt, call.pieces, self._tools)
        call.name = meant or usable_name(spelt)
        progress: list[AnswerProgress] = [CallBegan(call.id, call.name)]
        if call.size:
            progress.append(CallGrew(call.id, call.name, "".join(call.pieces), call.size))
        return progress

    def _free_id(self, wanted: str) -> str:
        """The endpoint's own id where it can be (Mistral wants its own back), else a new one."""
        while wanted in self._taken or not _USABLE_ID.fullmatch(wanted):
            wanted = f"call_{token_hex(8)}"
        self._taken.add(wanted)
        return wanted


@dataclass(slots=True)
class _Call:
    """A call under assembly."""

    index: int | None
    raw_id: str = ""
    """The endpoint's id; one that comes after the call has begun is only used to join by."""
    id: str = ""
    spelt: str = ""
    """The name as the endpoint sends it."""
    name: str = ""
    """The name once the call has begun: that of the tool which is meant."""
    pieces: list[str] = field(default_factory=list[str])
    size: int = 0
    begun: bool = False
    _weighed: int = 0
    """Pieces whose brackets are counted."""
    _opened: bool = False
    _depth: int = 0
    _quoted: bool = False
    _escaped: bool = False
    _complete: bool | None = None

    def extend_name(self, name: str) -> None:
        """Names come whole, repeated in each fragment, or in pieces before any argument."""
        if not self.spelt:
            self.spelt = name
        elif name != self.spelt and not self.pieces and len(self.spelt) < MAX_NAME:
            self.spelt += name

    def extend_arguments(self, arguments: str | Mapping[str, object] | None) -> str:
        """Add a string, or put an object in place of all there is; the text that is new."""
        if not arguments and not isinstance(arguments, Mapping):
            return ""
        if isinstance(arguments, str):
            text = arguments
        else:
            text = json.dumps(arguments, ensure_ascii=False)
            self.pieces.clear()
            self.size = self._weighed = self._depth = 0
            self._opened = self._quoted = self._escaped = False
            self._complete = None
        self.pieces.append(text)
        self.size += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        return text

    def is_over(self, fragment: ToolCallFragment) -> bool:
        """True when a fragment must be another call, though nothing but its name says so.

        Some servers send whole calls one by one without ids, all at index 0. A name beside
        arguments that are already complete is such a one: anything added to them would break them.
        """
        if not fragment.name or not self.pieces or not self.spelt:
            return False
        if fragment.name != self.spelt:
            return True
        more = fragment.arguments
        starts = more.lstrip().startswith("{") if isinstance(more, str) else more is not None
        return starts and self._is_complete()

    def _is_complete(self) -> bool:
        """True for one whole JSON object: it is read once, when its last bracket is there."""
        more = self.pieces[self._weighed :]
        self._weighed = len(self.pieces)
        for piece in more:
            self._weigh(piece)
        if self._complete is not None:  # it was whole or broken before
            self._complete = self._complete and not any(map(str.strip, more))
        elif self._opened and not self._depth and not self._quoted:
            try:
                json.loads("".join(self.pieces))
                self._complete = True
            except (ValueError, RecursionError):
                self._complete = False
        return bool(self._complete)

    def _weigh(self, piece: str) -> None:
        """Count the brackets of one more piece, those in strings left out."""
        if self._escaped:
            piece, self._escaped = piece[1:], not piece
        for sign in _SIGNS.findall(piece):
            if sign[0] == "\\":
                self._escaped = len(sign) == 1  # what it escapes comes with the next piece
            elif sign == '"':
                self._quoted = not self._quoted
            elif not self._quoted:
                self._depth += 1 if sign in "{[" else -1
                self._opened = True

    def arguments(self) -> str:
        return "".join(self.pieces) if any(map(str.strip, self.pieces)) else "{}"
