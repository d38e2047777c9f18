"""A task's events as the lines of its document: the answer, the calls, how a turn ended.

It takes the JSON of interface section 5, live or from the store, and makes the same lines of both.
What is settled is given out once; what may still change is `volatile`.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, cast

from roo_lsp.agent.columns import one_line
from roo_lsp.agent.figures import count_text
from roo_lsp.agent.tool import Diff
from roo_lsp.task_documents.form import ROO, text_line
from roo_lsp.task_documents.streamed_text import StreamedLines, Telling
from roo_lsp.task_documents.ticks import code
from roo_lsp.tasks.details import unified
from roo_lsp.workspace.escapes import label, plain
from roo_lsp.workspace.transcript import tame

OUTPUT_LINES = 40
DIFF_LINES = 120
"""More than this of an output, of a change, is left out of the middle."""
TURN_END = re.compile(r"\*.*#(\d+)\*$")
"""The line below a turn; the number is the `seq` of the event that ended it."""
PLAN_MARKS = {"completed": "☑", "in_progress": "▸"}


class Cue(Enum):
    """What has to happen in the document between two lines."""

    NEXT = auto()
    """The user's next message was taken up: go on below it."""
    YOU = auto()
    """It is the user's turn."""


@dataclass(slots=True)
class RunningCall:
    """A call that goes on."""

    title: str
    kind: str = ""
    quiet: bool = False
    """Other events tell of it."""
    diffs: list[Any] = field(default_factory=list[Any])
    result: str = ""
    output: str = ""
    """What a command printed so far."""


@dataclass(slots=True)
class Chunk:
    """Lines up to a cue."""

    lines: StreamedLines = field(default_factory=StreamedLines)
    cue: Cue | None = None


@dataclass(slots=True)
class Renderer:
    """One task's lines."""

    heard: Callable[[str], list[str] | None]
    """Told each message of the user's: the lines that show it, or None where the next one that
    stands in the document is it."""
    answered: Callable[[str], bool] = lambda text: False  # noqa: ARG005 -- none
    """Told each answer to a question: True where the next message in the document is it."""
    show: Callable[[Path], str] = str
    """A path as people write it."""
    chunks: deque[Chunk] = field(default_factory=lambda: deque([Chunk()]))
    calls: dict[str, RunningCall] = field(default_factory=dict[str, RunningCall])
    seq: int = 0
    """Of the last event."""
    running: bool = False
    notice: str = ""
    """What goes on right now, where it is no call."""
    last: str = ""
    """The kind of the last lines: `text`, `tool`, `block`, or empty below a heading."""
    _text: Telling | None = None
    _tokens: tuple[int, int] = (0, 0)
    _cost: float = 0
    _plan: str = ""
    _question: str = ""

    @property
    def lines(self) -> StreamedLines:
        """Where lines are put now."""
        return self.chunks[-1].lines

    @property
    def telling(self) -> bool:
        """True within a run of text."""
        return self._text is not None

    def hurry(self) -> None:
        """Give out what can be of a line that is not whole."""
        if self._text is not None:
            self._text.hurry()

    def cue(self, cue: Cue) -> None:
        """Between the lines before and after."""
        self._end_text()
        self.chunks[-1].cue = cue
        self.chunks.append(Chunk())

    def section(self) -> None:
        """An answer begins, below what the user said."""
        self._end_text()
        for line in ("", ROO, ""):
            self.lines.put(line)
        self.last = ""

    def note(self, lines: list[str]) -> None:
        """Lines of our own."""
        self._block("block")
        for line in lines:
            self.lines.put(line)

    def volatile(self, waiting: Set[str]) -> list[str]:
        """What stands below the settled lines for now, but for calls that wait for the user."""
        shown = [
            f"- … {tame(call.title)}"
            for call_id, call in self.calls.items()
            if not call.quiet and call_id not in waiting
        ]
        together = self.last == "tool" and bool(shown)
        if not shown and self.notice and not waiting:
            shown = [f"*{self.notice}*"]
        if not shown:
            return []
        return [*([""] if self.last and not together else []), *shown]

    def feed(self, roo: Mapping[str, Any]) -> None:  # noqa: C901 -- one case a kind
        """One event."""
        self.seq = roo["seq"]
        update: Mapping[str, Any] = roo["update"]
        match update:
            case {"sessionUpdate": "agent_message_chunk", "content": {"text": str(text)}}:
                self._said(text)
            case {"sessionUpdate": "user_message_chunk", "content": {"type": "text", "text": text}}:
                self._heard(text)
            case {"sessionUpdate": "agent_thought_chunk"}:
                self._end_text()
                self.notice = "Thinking…"
            case {"sessionUpdate": "tool_call", "toolCallId": str(call_id)}:
                self._end_text()
                self.notice = ""
                meta: Mapping[str, Any] = update.get("_meta", {})
                quiet = bool(meta.get("quiet"))
                self.calls[call_id] = RunningCall(label(update["title"]), update["kind"], quiet)
            case {"sessionUpdate": "tool_call_update", "toolCallId": str(call_id)}:
                self._call(call_id, update)
            case {"sessionUpdate": "_question", "question": str(question)}:
                self._end_text()
                self._question = question
            case {"sessionUpdate": "_question", "answer": answer}:
                self._answered(answer)
            case {"sessionUpdate": "plan", "entries": entries}:
                self._planned(cast("list[Mapping[str, str]]", entries))
            case {"sessionUpdate": "_retry"}:
                why = tame(one_line(plain(str(update["reason"]))))
                wait = f"in {update['delay']:.0f} s" if update["delay"] >= 1 else "now"
                self.notice = f"Trying again {wait}: {why}"
            case {"sessionUpdate": "_condensed", "before": before, "after": after}:
                sizes = f"{count_text(before)} → {count_text(after)} tokens"
                self.note([f"*The conversation was condensed: {sizes}*"])
            case {"sessionUpdate": "_subtask", "state": state, "title": title}:
                self._subtask(state, tame(one_line(plain(str(title)))))
            case {"sessionUpdate": "_rewound"}:
                self.note(["*Went back to an earlier place: what was said since is taken back*"])
            case {"sessionUpdate": "usage_update", "_meta": meta, "cost": cost}:
                self._tokens = (
                    self._tokens[0] + meta["inputTokens"],
                    self._tokens[1] + meta["outputTokens"],
                )
                self._cost = cost["amount"]
            case {"sessionUpdate": "_state"}:
                self._state(update)
            case _:
                pass

    # --- words ------------------------------------------------------------------------------

    def _said(self, text: str) -> None:
        self.notice = ""
        if self._text is None:
            if not text.strip():
                return
            self._block("text")
            self._text = Telling(self.lines)
        self._text.add(text)

    def _heard(self, text: str) -> None:
        self._end_text()
        if (lines := self.heard(text)) is None:
            self.cue(Cue.NEXT)
        else:
            self.note(lines)
        self.section()

    def _answered(self, answer: str | None) -> None:
        if answer is None:
            return
        self.note(["**Roo asks:**", "", *tame(self._question).split("\n")])
        if self.answered(answer):
            self.cue(Cue.NEXT)
            self.section()
        else:
            self.note([f"> {line}" for line in tame(answer).split("\n")])

    def _end_text(self) -> None:
        if self._text is not None:
            self._text.end()
            self._text = None

    def _block(self, kind: str) -> None:
        """Lines of another kind follow."""
        self._end_text()
        if self.last and not (kind == self.last == "tool"):
            self.lines.put("")
        self.last = kind

    # --- calls ------------------------------------------------------------------------------

    def _call(self, call_id: str, update: Mapping[str, Any]) -> None:
        call = self.calls.setdefault(call_id, RunningCall(""))
        self.notice = ""
        self._end_text()
        if update.get("title"):
            call.title = label(update["title"])
        contents: list[Mapping[str, Any]] = update.get("content", [])
        if diffs := [each for each in contents if each["type"] == "diff"]:
            call.diffs = diffs
        call.result = update.get("rawOutput", call.result)
        meta: Mapping[str, Any] = update.get("_meta", {})
        call.output += meta.get("output", "")
        if update["status"] in {"completed", "failed"}:
            del self.calls[call_id]
            self._done(call, meta, failed=update["status"] == "failed")

    def _done(self, call: RunningCall, meta: Mapping[str, Any], *, failed: bool) -> None:
        if meta.get("answer"):
            self._said(call.result)
            self._end_text()
        if call.quiet and not failed:
            return
        self._block("tool")
        title = tame(call.title)
        first, _, rest = call.result.strip().partition("\n")
        why = f": {tame(label(first))}" if failed and first else ""
        if exit_code := meta.get("exitCode"):
            why = f" (exit code {exit_code})"
        sign = "✗" if failed or exit_code else "✓"
        self.lines.put(text_line(f"- {sign} {title}{why}"))
        shown = self._shown(call, rest if failed else call.result, failed=failed)
        for line in shown:
            self.lines.put(line)
        if shown:
            self.last = "block"

    def _shown(self, call: RunningCall, result: str, *, failed: bool) -> list[str]:
        """What a call came to, as code blocks: changes, what was printed, why it failed."""
        if call.diffs and not failed:
            blocks = [code(self._unified(diff), "diff", DIFF_LINES) for diff in call.diffs]
        elif failed or call.kind == "execute":
            text = plain((call.output or result).expandtabs(4)).strip("\n")
            blocks = [code(text, "text", OUTPUT_LINES)] if text.strip() else []
        else:
            blocks = []
        return [line for block in blocks for line in ("", *block)]

    # --- the task ---------------------------------------------------------------------------

    def _planned(self, entries: list[Mapping[str, str]]) -> None:
        lines = [
            f"- {PLAN_MARKS.get(each['status'], '☐')} {tame(one_line(plain(each['content'])))}"
            for each in entries
        ]
        if lines and (plan := "\n".join(lines)) != self._plan:
            self._plan = plan
            self.note(["**Plan**", "", *lines])

    def _subtask(self, state: str, title: str) -> None:
        """While it works, what goes on; its result is that of the call."""
        says = {"running": "Subtask at work", "waiting": "Subtask waits for you"}.get(state)
        self.notice = f"{says}: {title}" if says else ""

    def _state(self, update: Mapping[str, Any]) -> None:
        match update["state"]:
            case "running":
                self.running, self.notice = True, "Working…"
            case "waiting":
                self.notice = ""
            case _:
                self._turn_over(update)

    def _turn_over(self, update: Mapping[str, Any]) -> None:
        self.running, self.notice = False, ""
        self.calls.clear()
        self._end_text()
        if error := update.get("error"):
            said = " ".join(each for each in (error["message"], error.get("hint")) if each)
            self.note([f"**Failed:** {tame(one_line(plain(said)))}"])
        ends = {
            "end_turn": "Done",
            "cancelled": "Stopped",
            "max_tokens": "Cut off at the model's output limit",
            "max_turn_requests": "Stopped at a limit you set",
            "refusal": "The model refused to answer",
        }
        parts = [ends.get(update.get("stopReason") or "", "Failed")]
        if any(self._tokens):
            parts.append(
                f"{count_text(self._tokens[0])} tokens in, {count_text(self._tokens[1])} out"
            )
        if self._cost:
            parts.append(f"${self._cost:.4f}".rstrip("0").rstrip("."))
        self._block("block")
        self.lines.put(f"*{' · '.join([*parts, f'#{self.seq}'])}*")
        self._tokens = (0, 0)
        self.cue(Cue.YOU)

    def _unified(self, diff: Mapping[str, Any]) -> str:
        path = Path(self.show(Path(diff["path"])))
        return unified(Diff(path, diff["oldText"], diff["newText"]))
