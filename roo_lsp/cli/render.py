"""The picture of a task: its events drawn for a person, as they come.

On a terminal the last rows are alive: they hold what is still growing, and are redrawn. What is
finished is printed above them, once. Elsewhere (pipes, dumb terminals) only finished things are
printed, and the answer's text as it comes.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from roo_lsp.agent.events import LONG_ARGUMENTS
from roo_lsp.agent.figures import count_text, plural, size_text
from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.cli.drawing import (
    DiffLine,
    Flow,
    Markdown,
    diff_counts,
    diff_lines,
    diff_text,
    duration_text,
    glyphs_for,
    kind_glyph,
    output_lines,
    readable,
    readable_line,
)

Fields = Mapping[str, Any]
"""The `roo` object of an event (interface section 5), or a part of it."""

DIFF_LINES = 30
OUTPUT_LINES = 12
LIVE_OUTPUT_LINES = 4
LIVE_THOUGHT_LINES = 3
FAILURE_LINES = 2
PROMPT_LINES = 4
KEPT_OUTPUT = 20_000
"""Characters of a command's output that are kept to show its end."""
SPINNER_SECONDS = 0.12
SHORTEST_TIME = 0.1
"""Seconds from which it is said how long a call took."""


@dataclass(slots=True)
class DrawnCall:
    """A tool call, as far as it has come."""

    kind: str
    title: str
    since: float
    """When it took up what it is doing, on the picture's clock."""
    size: int = 0
    """Bytes of arguments so far."""
    lines: int = 0
    """Lines in these, where they are those of a file."""
    started: float | None = None
    """When it began to run, in the events' time."""
    diffs: Sequence[Fields] = ()
    diffs_shown: bool = False
    output: str = ""

    def grow(self, update: Fields) -> None:
        """More of its arguments came."""
        self.size = update["bytes"]
        meta = object_or_empty(update.get("_meta"))
        self.title, self.lines = meta.get("title") or self.title, meta.get("lines") or 0


@dataclass(slots=True)
class Totals:
    """What a turn came to."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    cost: float = 0
    first: float = 0
    last: float = 0
    changes: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Lines added and removed, by file."""


class TaskPicture:
    """Draws one task on a console; `live` where the cursor can be moved."""

    def __init__(self, console: Console, *, live: bool, whole_prompts: bool = False) -> None:
        self.console = console
        self.glyphs = glyphs_for(console.encoding)
        self.totals = Totals()
        self.calls: dict[str, DrawnCall] = {}
        """Those that are not done yet, by id."""
        self._whole_prompts = whole_prompts
        wraps = console.is_terminal and not live
        self._flow = Flow(console.width) if wraps else None
        self._markdown = Markdown()
        self._partial = ""
        """The answer's last line, which may still grow."""
        self._held = ""
        """Blanks at the end of the answer so far: they count when more text comes."""
        self._thought = ""
        self._thinking_since = 0.0
        self._retry = ""
        self._at_work = ""
        """What a model that has said nothing for long is known to do."""
        self._since = time.monotonic()
        self._last = ""
        """What was printed last: text, tool or note; what differs gets a blank line between."""
        self._plan: list[tuple[str, str]] = []
        self._mode = ""
        self._task_id = ""
        """The task that is drawn; what comes of others is of its subtasks."""
        self._parts: set[str] = set()
        """Subtasks that were said to have begun."""
        self._live: Live | None = None
        if live:
            self._live = Live(
                get_renderable=self._region,
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )

    # --- what is shown ----------------------------------------------------------------------

    def show(self, roo: Fields) -> None:
        """Draw one event."""
        now: float = roo.get("ts") or 0
        self.totals.first = self.totals.first or now
        self.totals.last = now
        task_id: str = roo.get("taskId") or ""
        self._task_id = self._task_id or task_id
        if task_id == self._task_id:
            self._draw(roo["update"], now)
        else:
            self._draw_part(task_id, roo["update"], now)
        self.refresh()

    def start(self) -> None:
        """Bring the last rows to life."""
        self._since = time.monotonic()
        if self._live is not None:
            self._live.start()

    def refresh(self) -> None:
        """Draw the last rows anew."""
        if self._live is not None and self._live.is_started:
            self._live.refresh()

    def close(self) -> None:
        """Print what was still growing, and let the last rows go."""
        self._end_words()
        if self._live is not None:
            self.calls.clear()
            self._live.stop()

    @contextmanager
    def paused(self) -> Generator[Console]:
        """The terminal for someone else."""
        self._end_words()
        live = self._live is not None and self._live.is_started
        if self._live is not None and live:
            self._live.stop()
        try:
            yield self.console
        finally:
            self._since = time.monotonic()
            self._last = "pause"
            if self._live is not None and live:
                self._live.start()

    def note(self, text: str, style: str = "dim") -> None:
        """A line of ours."""
        self._end_words()
        self._begin("note")
        self._print(Text(readable(text), style))

    def answer(self, text: str) -> None:
        """Text of the model's, whole."""
        self._end_words()
        self._say(text)
        self._end_words()

    def error(self, code: str, message: str, hint: str) -> None:
        """Something went wrong: what, and what to do."""
        self._end_words()
        self._begin("error")
        name = f" {code}:" if code else ""
        head = Text(f"{self.glyphs.failed}{name} ", "bold red")
        self._print(head.append(readable(message), "not bold"))
        if hint:
            self._print(Text(f"{self.glyphs.hint} {readable(hint)}", "yellow"), indent=2)

    def summary(self, outcome: str, task_id: str, *, failed: bool) -> None:
        """The last lines: how it ended, what it took, how to go on."""
        self._end_words()
        self._begin("summary")
        glyphs, totals = self.glyphs, self.totals
        about = "~" if totals.estimated else ""
        parts = [plural(totals.requests, "request")]
        if totals.input_tokens or totals.output_tokens:
            parts.append(
                f"{about}{count_text(totals.input_tokens)} in, "
                f"{about}{count_text(totals.output_tokens)} out"
            )
        if totals.cost:
            parts.append(f"${totals.cost:.4f}")
        parts.append(duration_text(totals.last - totals.first))
        if totals.changes:
            added, removed = (sum(each) for each in zip(*totals.changes.values(), strict=True))
            files = plural(len(totals.changes), "file")
            parts.append(f"{files} +{added} {glyphs.minus}{removed}")
        style, sign = ("bold red", glyphs.failed) if failed else ("bold green", glyphs.done)
        dot = f" {glyphs.dot} "
        self._print(Text.assemble((f"{sign} {outcome}", style), (dot + dot.join(parts), "dim")))
        if task_id:
            more = f'  {glyphs.hint} roo-lsp run --resume {task_id} "{glyphs.more}"'
            self._print(Text(more, "dim"))

    def call(self, task_id: str, call_id: str) -> DrawnCall | None:
        """A call of the task, or of one of its subtasks, that is not done yet."""
        return self.calls.get(call_id if task_id == self._task_id else f"{task_id}/{call_id}")

    # --- events -----------------------------------------------------------------------------

    def _draw_part(self, task_id: str, update: Fields, now: float) -> None:
        """Of a subtask it is shown what it does; what it says is for its parent."""
        match update["sessionUpdate"]:
            case "tool_call" | "_tool_call_arguments" | "tool_call_update":
                meta = dict(object_or_empty(update.get("_meta")))
                if meta.pop("answer", False):
                    meta["quiet"] = True
                part = {**update, "_meta": meta, "toolCallId": f"{task_id}/{update['toolCallId']}"}
                if title := update.get("title"):
                    part["title"] = f"{self.glyphs.hint} {title}"
                self._draw(part, now)
            case "usage_update":
                self._count(update, of_part=True)
            case "_retry" | "_changes" | "_permission":
                self._draw_rare(update)
            case _:
                pass

    def _draw(self, update: Fields, now: float) -> None:
        self._at_work = _at_work(update)
        match update["sessionUpdate"]:
            case "agent_message_chunk":
                self._end_thought()
                self._say(update["content"]["text"])
            case "agent_thought_chunk":
                self._think(update["content"]["text"])
            case "user_message_chunk" if "text" in update["content"]:
                self._prompt(update["content"]["text"])
            case "tool_call":
                self._begin_call(update)
            case "_tool_call_arguments":
                if call := self.calls.get(update["toolCallId"]):
                    call.grow(update)
            case "tool_call_update":
                self._update_call(update, now)
            case "usage_update":
                self._count(update)
            case _:
                self._draw_rare(update)

    def _draw_rare(self, update: Fields) -> None:
        match update["sessionUpdate"]:
            case "plan":
                self._show_plan(update["entries"])
            case "_retry":
                self._retrying(update)
            case "_changes":
                added, removed = self.totals.changes.get(update["uri"], (0, 0))
                both = (added + update["added"], removed + update["removed"])
                self.totals.changes[update["uri"]] = both
            case "_condensed":
                sizes = f"{count_text(update['before'])} to {count_text(update['after'])} tokens"
                self.note(f"The conversation was shortened ({update['kind']}): {sizes}")
            case "current_mode_update":
                if self._mode:
                    self.note(f"Mode: {update['currentModeId']}")
                self._mode = update["currentModeId"]
            case "_permission":
                self._settled(update)
            case "_subtask" if update["taskId"] not in self._parts:
                self._parts.add(update["taskId"])
                self.note(f"{self.glyphs.current} Subtask: {update['title']}")
            case "_state":
                self._changed_state(update)
            case _:
                pass

    def _changed_state(self, update: Fields) -> None:
        self._since = time.monotonic()
        if error := update.get("error"):
            self.error(error["code"], error["message"], error.get("hint") or "")

    def _retrying(self, update: Fields) -> None:
        wait = f" in {update['delay']:.0f} s" if update["delay"] >= 1 else ""
        count = f"{update['attempt']}/{update['attempts']}"
        reason = readable_line(str(update["reason"]))
        what = f"retry {count}" if update["attempt"] else "next request"
        self.note(f"{self.glyphs.retry} {what}{wait}: {reason}", "yellow")
        self._retry = f"retrying after: {reason}" if update["attempt"] else reason
        self._since = time.monotonic()

    def _prompt(self, text: str) -> None:
        self._end_words()
        self._begin("prompt")
        lines = readable(text.strip()).split("\n")
        cut = len(lines) if self._whole_prompts else PROMPT_LINES
        for number, line in enumerate(lines[:cut]):
            sign = self.glyphs.prompt if number == 0 else " "
            self._print(Text.assemble((f"{sign} ", "bold magenta"), (line, "bold")))
        if len(lines) > cut:
            self._print(
                Text(f"  {self.glyphs.more} {plural(len(lines) - cut, 'more line')}", "dim")
            )
        self._since = time.monotonic()

    def _show_plan(self, entries: Sequence[Mapping[str, str]]) -> None:
        plan = [(entry["status"], entry["content"]) for entry in entries]
        if plan == self._plan:
            return
        self._plan = plan
        self._end_words()
        self._begin("plan")
        for status, content in plan:
            sign, style = {
                "completed": (self.glyphs.done, "green"),
                "in_progress": (self.glyphs.current, "bold yellow"),
            }.get(status, (self.glyphs.open, "dim"))
            words = {"completed": "dim", "in_progress": "bold"}.get(status, "")
            self._print(Text.assemble((f"  {sign} ", style), (readable_line(content), words)))

    def _count(self, update: Fields, *, of_part: bool = False) -> None:
        meta, totals = object_or_empty(update.get("_meta")), self.totals
        totals.requests += 1
        totals.input_tokens += meta.get("inputTokens") or 0
        totals.output_tokens += meta.get("outputTokens") or 0
        totals.estimated = totals.estimated or bool(meta.get("estimated"))
        if not of_part:  # the task's own cost has that of its subtasks in it
            totals.cost = object_or_empty(update.get("cost")).get("amount") or 0

    def _settled(self, update: Fields) -> None:
        if update.get("outcome") in {"reject_once", "reject_always"}:
            self.note(f"{self.glyphs.failed} denied", "red")

    # --- words ------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._retry = ""
        text = self._held + text
        words = text.rstrip()
        self._held = text[len(words) :]
        if not self._partial and self._last != "text":
            words = words.lstrip("\r\n")
        if not words:
            return
        self._begin("text")
        if self._live is None:
            self._write(words)
            return
        *lines, self._partial = (self._partial + words).split("\n")
        for line in lines:
            self._print(self._markdown.line(line))
        longest = self.console.width * max(4, self.console.height - 10)
        while len(self._partial) > longest:  # more than the screen holds
            cut = self._partial.rfind(" ", 0, longest) + 1 or longest
            self._print(self._markdown.peek(self._partial[:cut].rstrip()))
            self._partial = self._partial[cut:]

    def _write(self, text: str) -> None:
        """Print a piece at once; `_partial` then says that the line is open."""
        shown = readable(text)
        if self._flow is not None:
            shown = self._flow.feed(shown)
        self.console.print(Text(shown), end="", soft_wrap=True)
        self._partial = "open"

    def _end_words(self) -> None:
        self._end_thought()
        self._held = ""
        if not self._partial:
            return
        if self._live is None:
            rest = self._flow.end() if self._flow is not None else ""
            self.console.print(Text(rest), soft_wrap=True)
        else:
            self._print(self._markdown.line(self._partial))
        self._partial = ""
        self._since = time.monotonic()

    def _think(self, text: str) -> None:
        if not self._thought:
            self._end_words()
            self._thinking_since = time.monotonic()
        self._thought += text

    def _end_thought(self) -> None:
        if not self._thought:
            return
        thought, self._thought = self._thought, ""
        took = duration_text(time.monotonic() - self._thinking_since)
        self._begin("tool")
        size = plural(len(thought.split()), "word")
        self._print(Text(f"{self.glyphs.dot} thought for {took}, {size}", "dim italic"))
        self._since = time.monotonic()

    # --- tool calls -------------------------------------------------------------------------

    def _begin_call(self, update: Fields) -> None:
        self._end_words()
        self._retry = ""
        self.calls[update["toolCallId"]] = DrawnCall(
            update["kind"], update["title"], time.monotonic()
        )

    def _update_call(self, update: Fields, now: float) -> None:
        call = self.calls.get(update["toolCallId"])
        if call is None:
            return
        call.title = update.get("title") or call.title
        if diffs := [c for c in update.get("content") or () if c["type"] == "diff"]:
            call.diffs = diffs
        meta = object_or_empty(update.get("_meta"))
        if output := meta.get("output"):
            call.output = (call.output + output)[-KEPT_OUTPUT:]
        match update["status"]:
            case "in_progress":
                if call.started is None:
                    call.started, call.since = now, time.monotonic()
            case "completed" | "failed":
                del self.calls[update["toolCallId"]]
                self._end_words()
                self._finish_call(call, update, now)
                self._since = time.monotonic()
            case _:
                pass

    def _finish_call(self, call: DrawnCall, update: Fields, now: float) -> None:
        failed = update["status"] == "failed"
        text = str(update.get("rawOutput") or "")
        meta = object_or_empty(update.get("_meta"))
        if meta.get("answer"):
            self.answer(text)
        if meta.get("quiet") and not failed:
            return
        shown = [] if failed or call.diffs_shown else list(_shown_diffs(call.diffs))
        took = now - call.started if call.started is not None else 0
        facts = [duration_text(took)] if took >= SHORTEST_TIME else []
        facts += _facts(meta)
        if call.diffs and not failed:
            added, removed = _counts(call.diffs)
            facts.append(f"+{added} {self.glyphs.minus}{removed}")
        self._begin("tool")
        bad = failed or bool(meta.get("exitCode"))
        sign, style = (self.glyphs.failed, "red") if bad else (self.glyphs.done, "green")
        dot = f" {self.glyphs.dot} "
        end = Text.assemble((f"  {sign}", style), (f" {dot.join(facts)}".rstrip(), "dim"))
        self._print(self._call_line(call, end))
        self._show_diff(shown)
        self._show_output(call.output)
        if failed:
            self._show_failure(text)

    def _call_line(self, call: DrawnCall, end: Text) -> Text:
        icon = kind_glyph(call.kind, self.glyphs)
        line = Text.assemble((f"{icon} ", "bold blue"), readable_line(call.title))
        room = max(20, self.console.width - end.cell_len)
        return self._one_row(line, room).append_text(end)

    def _show_diff(self, lines: Sequence[DiffLine]) -> None:
        for line in lines[:DIFF_LINES]:
            self._print(self._one_row(diff_text(line, self.glyphs)))
        if len(lines) > DIFF_LINES:
            rest = plural(len(lines) - DIFF_LINES, "more line")
            self._print(Text(f"{self.glyphs.more:>7} {rest}", "dim"))

    def _show_output(self, output: str) -> None:
        lines = _last_lines(output, OUTPUT_LINES + 1)
        if len(lines) > OUTPUT_LINES:
            self._print(Text(f"  {self.glyphs.bar} {self.glyphs.more}", "dim"))
        for line in lines[-OUTPUT_LINES:]:
            self._print(self._one_row(self._output_text(line)))

    def _show_failure(self, text: str) -> None:
        lines = [line for line in readable(text).split("\n") if line.strip()]
        for line in lines[:FAILURE_LINES]:
            self._print(Text(line, "red"), indent=2)

    def _output_text(self, line: str) -> Text:
        return Text(f"  {self.glyphs.bar} {line}".rstrip(), "dim")

    def _one_row(self, text: Text, width: int = 0) -> Text:
        """The text cut to the width, where there is one: elsewhere lines may be long."""
        width = width or self.console.width
        if self.console.is_terminal and text.cell_len > width:
            text.truncate(width - cell_len(self.glyphs.more))
            text.append(self.glyphs.more)
        return text

    # --- the rows that are alive ------------------------------------------------------------

    def _region(self) -> RenderableType:
        rows: list[Text] = []
        if self._partial:
            rows.append(self._markdown.peek(self._partial))
        if self._thought:
            rows += self._thought_rows()
        calls = list(self.calls.values())
        if self._last and not rows and self._last != "tool":
            rows.append(Text(""))
        for call in calls:
            rows += self._call_rows(call)
        if not calls:
            rows.append(self._status_row())
        return Group(*rows)

    def _thought_rows(self) -> list[Text]:
        tail = self._thought[-4 * self.console.width :]
        text = Text(readable(tail), "dim italic")
        return list(text.wrap(self.console, self.console.width))[-LIVE_THOUGHT_LINES:]

    def _call_rows(self, call: DrawnCall) -> list[Text]:
        facts: list[str] = []
        if call.started is None and call.lines:
            facts.append(plural(call.lines, "line"))
        if call.started is None and call.size > LONG_ARGUMENTS:
            facts.append(size_text(call.size))
        if time.monotonic() - call.since > 1:
            facts.append(duration_text(time.monotonic() - call.since))
        dot = f" {self.glyphs.dot} "
        end = Text.assemble(
            (f"  {self._spinner()}", "yellow"), (f" {dot.join(facts)}".rstrip(), "dim")
        )
        tail = _last_lines(call.output, LIVE_OUTPUT_LINES)
        return [
            self._call_line(call, end),
            *(self._one_row(self._output_text(line)) for line in tail),
        ]

    def _status_row(self) -> Text:
        doing = "waiting for the model"
        if self._thought:
            doing = "thinking"
        elif self._partial:
            doing = "writing"
        elif self._retry or self._at_work:
            doing = self._at_work or self._retry
        since = self._thinking_since if self._thought else self._since
        took = duration_text(time.monotonic() - since)
        stop = f"{self.glyphs.dot} Ctrl-C stops"
        row = Text.assemble((self._spinner(), "yellow"), (f" {doing} {took} {stop}", "dim"))
        return self._one_row(row)

    def _spinner(self) -> str:
        frames = self.glyphs.spinner
        return frames[int(time.monotonic() / SPINNER_SECONDS) % len(frames)]

    # --- printing ---------------------------------------------------------------------------

    def _begin(self, kind: str) -> None:
        if self._last and self._last != kind:
            self.console.print()
        self._last = kind

    def _print(self, text: Text, indent: int = 0) -> None:
        """Print a line; on a terminal it is wrapped at words, and stays indented."""
        if not indent:
            self.console.print(text, soft_wrap=not self.console.is_terminal)
        elif self.console.is_terminal:
            self.console.print(Padding(text, (0, 0, 0, indent), expand=False))
        else:
            self.console.print(Text(" " * indent).append_text(text), soft_wrap=True)


def _at_work(update: Fields) -> str:
    """What a silent model is told to do; empty for every other event, which ends that."""
    if update["sessionUpdate"] != "_at_work":
        return ""
    speed = f"{count_text(update['tokens'])} tokens, {update['tokensPerSecond']:.1f}/s"
    return f"model at work {speed if update['tokens'] else 'still reading'},"


def _facts(meta: Fields) -> list[str]:
    """What is worth saying of a call that ended."""
    facts: list[str] = []
    if isinstance(found := meta.get("range"), dict):
        lines = cast("dict[str, Any]", found)
        facts.append(f"{lines['startLine']}-{lines['endLine']} of {lines['totalLines']}")
    if (code := meta.get("exitCode")) is not None:
        facts.append(f"exit {code}")
    return facts


def _shown_diffs(diffs: Sequence[Fields]) -> Generator[DiffLine]:
    for diff in diffs:
        if len(diffs) > 1:
            yield DiffLine(0, ":", diff["path"])
        yield from diff_lines(diff.get("oldText"), diff.get("newText"))


def _counts(diffs: Sequence[Fields]) -> tuple[int, int]:
    return diff_counts(list(_shown_diffs(diffs)))


def _last_lines(output: str, count: int) -> list[str]:
    lines = output_lines(output)
    while lines and not lines[-1].strip():
        lines.pop()
    return lines[-count:]
