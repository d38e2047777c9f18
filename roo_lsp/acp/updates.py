"""A task's events as session updates: most are ACP's as they are; the rest is put in its words, or left out."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from roo_lsp.agent.events import Update

TAIL = 8_000
"""Characters of a running command's output that are shown, the last ones: an update tells all of its content."""
TAIL_SECONDS = 0.2
"""Between two updates that show them."""
LARGEST_DIFF = 8_000_000
"""Characters of both texts; clients take no message of more than 32 MiB (@agentclientprotocol/sdk 2.4.0)."""
CHUNKS = frozenset({"user_message_chunk", "agent_message_chunk", "agent_thought_chunk"})
SETTLED = frozenset({"completed", "failed"})


@dataclass(slots=True)
class OutputTail:
    """The end of what a command has printed so far."""

    text: str = ""
    shown_at: float = float("-inf")


@dataclass(slots=True)
class Updates:
    """Makes the updates of one task, of its events in their order.

    `all_said` has the user's own words told too, and questions with their answers: for a client that was
    not there. `terminals` are Zed's, drawn from `_meta` (https://github.com/zed-industries/zed/pull/39419,
    2025-10-03), which JetBrains and others took over; the client says that it has them.
    """

    all_said: bool = False
    terminals: bool = False
    prefix: str = ""
    """Before the ids of calls, where they are of another task than the session's."""
    clock: Callable[[], float] = time.monotonic
    _kind: str = ""
    _next: str = ""
    """The id of a message that this event would begin."""
    _message: str = ""
    """The id of the message that its last chunk was of."""
    _kinds: dict[str, str] = field(default_factory=dict[str, str])
    """The kind of each call that has not ended."""
    _titles: dict[str, str] = field(default_factory=dict[str, str])
    """What was last said that a call is doing, while its arguments come."""
    _outputs: dict[str, OutputTail] = field(default_factory=dict[str, OutputTail])
    _terminals: set[str] = field(default_factory=set[str])

    def of(self, roo: Mapping[str, Any]) -> list[Update]:
        """What a client is told of an event."""
        update: Update = roo["update"]
        kind: str = update["sessionUpdate"]
        if kind in CHUNKS:
            if kind == "user_message_chunk" and not self.all_said:
                self._kind = kind
                return []
            return [self._chunk(kind, update["content"], f"m{roo['seq']}")]
        self._next = f"m{roo['seq']}"
        make = _MAKERS.get(kind)
        if make is None:
            return []
        if kind != "usage_update":
            self._kind = ""
        return make(self, update)

    def said(self, text: str, message: str) -> Update:
        """A message of our own, which no model said."""
        self._kind = ""
        return self._chunk("agent_message_chunk", {"type": "text", "text": text}, message)

    def _chunk(self, kind: str, content: Update, message: str) -> Update:
        if kind != self._kind:
            self._kind, self._message = kind, message
        return {"sessionUpdate": kind, "content": content, "messageId": self._message}

    def _text(self, kind: str, text: str) -> Update:
        self._kind = ""  # no piece of what came before
        return self._chunk(kind, {"type": "text", "text": text}, self._next)

    # --- calls ------------------------------------------------------------------------------

    def started(self, update: Update) -> list[Update]:
        if update.get("_meta", {}).get("quiet"):
            return []
        self._kinds[update["toolCallId"]] = update["kind"]
        return [self._renamed(update)]

    def arguments(self, update: Update) -> list[Update]:
        """The arguments as they come: what grows, and what that is about so far."""
        call = update["toolCallId"]
        if call not in self._kinds:
            return []
        told: Update = {
            "sessionUpdate": "tool_call_update",
            "toolCallId": self.prefix + call,
            "_meta": {"rawInputDelta": update["delta"], "bytes": update["bytes"]},
        }
        if (meta := update.get("_meta")) and meta["title"] != self._titles.get(call):
            self._titles[call] = told["title"] = meta["title"]
        return [told]

    def went_on(self, update: Update) -> list[Update]:
        call, status = update["toolCallId"], update["status"]
        meta: Update = update.get("_meta", {})
        if meta.get("answer"):
            return [self._text("agent_message_chunk", update.get("rawOutput", ""))]
        if meta.get("quiet") and status != "failed":
            return []
        if call not in self._kinds:
            if "output" in meta:  # of a command in the background, whose call has ended
                return []
            return [self._late(update)]
        if status in SETTLED:
            return [self._end(update)]
        if "output" in meta:
            return self._output(update, meta["output"])
        if status == "in_progress" and self.terminals and self._kinds[call] == "execute":
            return [self._terminal(update)]
        return [self._renamed(update)]

    def _late(self, update: Update) -> Update:
        """One that was not told while it went well, or that began before this was made."""
        if update["status"] not in SETTLED:
            self._kinds[update["toolCallId"]] = "other"
        title = update.get("title") or update["toolCallId"]
        return self._renamed(update) | {"sessionUpdate": "tool_call", "title": title}

    def _end(self, update: Update) -> Update:
        call, meta = update["toolCallId"], update.get("_meta", {})
        del self._kinds[call]
        self._titles.pop(call, None)
        self._outputs.pop(call, None)
        told = self._renamed(update)
        if call in self._terminals:
            self._terminals.discard(call)
            told.pop("content", None)  # it stands in the terminal, where it came
            code = {"exit_code": meta.get("exitCode"), "signal": None}
            told["_meta"] = meta | {"terminal_exit": {"terminal_id": self.prefix + call} | code}
        return told

    def _terminal(self, update: Update) -> Update:
        call = self.prefix + update["toolCallId"]
        self._terminals.add(update["toolCallId"])
        content = [{"type": "terminal", "terminalId": call}]
        meta = update.get("_meta", {}) | {"terminal_info": {"terminal_id": call}}
        return self._renamed(update) | {"content": content, "_meta": meta}

    def _output(self, update: Update, text: str) -> list[Update]:
        call = update["toolCallId"]
        told: Update = {"sessionUpdate": "tool_call_update", "toolCallId": self.prefix + call}
        if call in self._terminals:
            output = {"terminal_id": self.prefix + call, "data": text}
            return [told | {"_meta": {"terminal_output": output}}]
        shown = self._outputs.setdefault(call, OutputTail())
        shown.text = (shown.text + text)[-TAIL:] if len(text) < TAIL else text[-TAIL:]
        if self.clock() - shown.shown_at < TAIL_SECONDS:
            return []
        shown.shown_at = self.clock()
        content = {"type": "content", "content": {"type": "text", "text": shown.text}}
        return [told | {"status": "in_progress", "content": [content]}]

    def _renamed(self, update: Update) -> Update:
        told = dict(update)
        if "content" in told:
            told["content"] = [fit_to_show(each) for each in told["content"]]
        if self.prefix:
            told["toolCallId"] = self.prefix + told["toolCallId"]
        return told

    # --- the rest ---------------------------------------------------------------------------

    def as_it_is(self, update: Update) -> list[Update]:
        return [update]

    def commands(self, update: Update) -> list[Update]:
        return [commands_update(update["availableCommands"])]

    def retry(self, update: Update) -> list[Update]:
        wait = f"in {update['delay']:.0f} s" if update["delay"] >= 1 else "now"
        which = (
            f"Retry {update['attempt']}/{update['attempts']}"
            if update["attempt"]
            else "Next request"
        )
        return [self._text("agent_thought_chunk", f"\n{which} {wait}: {update['reason']}\n")]

    def condensed(self, update: Update) -> list[Update]:
        what = (
            "Condensed the conversation"
            if update["kind"] == "summary"
            else "Left out the oldest messages"
        )
        sizes = f"{update['before']} → {update['after']} tokens"
        return [self._text("agent_thought_chunk", f"\n{what}: {sizes}\n")]

    def queued(self, update: Update) -> list[Update]:
        if update.get("state") != "returned":
            return []
        return [self._text("agent_thought_chunk", f"\nNot sent: {update.get('text', '')}\n")]

    def question(self, update: Update) -> list[Update]:
        if not self.all_said:
            return []
        if "question" in update:
            text = question_text(update["question"], update["suggestions"])
            return [self._text("agent_message_chunk", text)]
        answer = update.get("answer")
        return [self._text("user_message_chunk", answer)] if answer else []

    def state(self, update: Update) -> list[Update]:
        error = update.get("error")
        if not self.all_said or not error:
            return []
        return [
            self._text("agent_message_chunk", f"Failed: {error['message']} {error['hint']}".strip())
        ]


_MAKERS: Mapping[str, Callable[[Updates, Update], list[Update]]] = {
    "tool_call": Updates.started,
    "_tool_call_arguments": Updates.arguments,
    "tool_call_update": Updates.went_on,
    "plan": Updates.as_it_is,
    "usage_update": Updates.as_it_is,
    "current_mode_update": Updates.as_it_is,
    "available_commands_update": Updates.commands,
    "_retry": Updates.retry,
    "_condensed": Updates.condensed,
    "_queued": Updates.queued,
    "_question": Updates.question,
    "_state": Updates.state,
}


def fit_to_show(content: Update) -> Update:
    """Content as it is, unless it is a change of more than clients take."""
    size = len(content.get("oldText") or "") + len(content.get("newText") or "")
    if size <= LARGEST_DIFF:
        return content
    text = f"A change of {content['path']}, too large to be shown here ({size} characters)."
    return {"type": "content", "content": {"type": "text", "text": text}}


def commands_update(commands: Iterable[Mapping[str, Any]]) -> Update:
    """What `/` offers, as ACP has it; a new session of an editor is its own to begin."""
    told: list[Update] = []
    for each in commands:
        if each["name"] == "new":
            continue
        command: Update = {"name": each["name"], "description": each.get("description", "")}
        if hint := each.get("argumentHint"):
            command["input"] = {"hint": hint}
        told.append(command if "input" not in each else command | {"input": each["input"]})
    return {"sessionUpdate": "available_commands_update", "availableCommands": told}


def question_text(question: str, suggestions: Iterable[str]) -> str:
    """A question in words, for a client that has no form for it."""
    numbered = [f"{number}. {each}" for number, each in enumerate(suggestions, 1)]
    how = ["Answer with a number, or in your own words."] if numbered else []
    return "\n\n".join(filter(None, [question, "\n".join(numbered), *how]))


def told_again(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Stored events, neighbouring pieces of one text as one, and without what is only of interest as it comes."""
    held: Mapping[str, Any] | None = None
    for roo in events:
        update = roo["update"]
        kind = update["sessionUpdate"]
        if kind == "_tool_call_arguments" or "output" in update.get("_meta", {}):
            continue
        joins = kind in {"agent_message_chunk", "agent_thought_chunk"}
        if held is not None and joins and held["update"]["sessionUpdate"] == kind:
            pieces: list[str] = held["pieces"]
            pieces.append(update["content"]["text"])
            continue
        if held is not None:
            yield _joined(held)
            held = None
        if joins:
            held = {**roo, "pieces": [update["content"]["text"]]}
        else:
            yield roo
    if held is not None:
        yield _joined(held)


def _joined(held: Mapping[str, Any]) -> Mapping[str, Any]:
    content = {"type": "text", "text": "".join(held["pieces"])}
    return {**held, "update": {**held["update"], "content": content}}
