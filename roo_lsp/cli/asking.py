"""Questions on the terminal: what would happen, whole, and an answer that cannot be an accident."""

import asyncio
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from roo_lsp.agent.figures import plural
from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.cli.drawing import DiffLine, diff_lines, diff_text, escaped, glyphs_for, readable

try:
    import termios
except ImportError:  # Windows: what was typed before the question stays an answer there
    termios = None

SHOWN_DIFF_LINES = 80
"""Lines of a change that are shown at once; `d` shows all."""
INDENT = (0, 0, 0, 2)
SHORTEST_FEEDBACK = 4
"""Characters; what is shorter is taken for a slip."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to a permission request; `stop` ends the task instead."""

    option: str = ""
    feedback: str = ""
    stop: bool = False


class TypedLines:
    """Lines typed on standard input, without ever blocking the event loop."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] | None = None
        self._ended = False

    async def next(self) -> str | None:
        """The next line that is typed from now on; None at the end of input."""
        if self._ended:
            return None
        if self._queue is None:
            self._queue = asyncio.Queue()
            loop = asyncio.get_running_loop()
            threading.Thread(target=_read, args=(self._queue, loop), daemon=True).start()
        line = await self._queue.get()
        self._ended = line is None
        return line

    def forget(self) -> None:
        """Drop what was typed so far: it was not meant as an answer to what comes now."""
        while self._queue is not None and not self._queue.empty():
            if self._queue.get_nowait() is None:
                self._ended = True
        if termios is not None:
            with suppress(termios.error, OSError):
                termios.tcflush(0, termios.TCIFLUSH)


def _read(queue: asyncio.Queue[str | None], loop: asyncio.AbstractEventLoop) -> None:
    # Straight from the descriptor: a thread that is inside sys.stdin when we exit is fatal.
    rest = b""
    with suppress(RuntimeError):  # the loop is closed: nobody asks any more
        while True:
            try:
                data = os.read(0, 4096)
            except OSError:
                data = b""
            if not data:
                loop.call_soon_threadsafe(queue.put_nowait, None)
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                text = line.decode(sys.stdin.encoding or "utf-8", "replace")
                loop.call_soon_threadsafe(queue.put_nowait, text)


async def ask_permission(
    console: Console,
    lines: TypedLines,
    entry: Mapping[str, Any],
    diffs: Sequence[Mapping[str, Any]],
) -> Choice:
    """The user's decision about an entry of `roo.approval.list`; `diffs` are its call's."""
    change = [] if entry.get("command") else _change(diffs)
    _show_request(console, entry, change)
    options = {option["optionId"]: option["name"] for option in entry["options"]}
    talks = entry["kind"] == "permission"
    keys = _keys(options, long=len(change) > SHOWN_DIFF_LINES, talks=talks)
    while True:
        answer = await _answer(console, lines, keys)
        match None if answer is None else answer.lower():
            case None | "q" | "quit":
                return Choice(stop=True)
            case "y" | "yes":
                return Choice("allow_once")
            case "a" | "always" if "allow_always" in options:
                return Choice("allow_always")
            case "p" | "prefix" if "allow_always_prefix" in options:
                return Choice("allow_always_prefix")
            case "n" | "no":
                return Choice("reject_once")
            case "d" if change:
                for line in change:
                    console.print(diff_text(line, glyphs_for(console.encoding), whole=True))
            case _:
                if answer and len(answer) >= SHORTEST_FEEDBACK and talks:
                    return Choice("reject_once", answer)


async def ask_question(
    console: Console, lines: TypedLines, question: str, suggestions: Sequence[str]
) -> str | None:
    """The user's answer; None to stop the task."""
    console.print()
    console.print(Text.assemble(("? ", "bold yellow"), (readable(question), "bold")))
    for number, suggestion in enumerate(suggestions, 1):
        console.print(Text.assemble((f"  {number} ", "yellow"), readable(suggestion)))
    words = "your answer" if not suggestions else "a number, or your own answer"
    while True:
        answer = await _answer(console, lines, Text(f"  {words}", "yellow"))
        if answer is None:
            return None
        if answer.isdecimal() and 1 <= int(answer) <= len(suggestions):
            return suggestions[int(answer) - 1]
        if answer:
            return answer


async def _answer(console: Console, lines: TypedLines, prompt: Text) -> str | None:
    lines.forget()
    console.print(prompt)
    console.print(Text(f"  {glyphs_for(console.encoding).prompt} ", "bold yellow"), end="")
    line = await lines.next()
    if line is None:
        console.print()
    return None if line is None else line.strip()


def _show_request(console: Console, entry: Mapping[str, Any], change: Sequence[DiffLine]) -> None:
    glyphs = glyphs_for(console.encoding)
    command: str = entry.get("command") or ""
    title = "Run a command" if command else escaped(entry["title"]).replace("\n", " ")
    console.print()
    console.print(Text.assemble(("? ", "bold yellow"), (title, "bold")))
    if command:
        for line in escaped(command).split("\n"):
            _print_barred(console, line)
        console.print(Padding(Text(f"in {escaped(str(entry.get('cwd')))}", "dim"), INDENT))
    elif change:
        for place in object_or_empty(entry.get("toolCall")).get("locations") or ():
            console.print(Padding(Text(escaped(place["path"]), "dim"), INDENT))
        for line in change[:SHOWN_DIFF_LINES]:
            console.print(diff_text(line, glyphs, whole=True))
        if len(change) > SHOWN_DIFF_LINES:
            rest = plural(len(change) - SHOWN_DIFF_LINES, "more line")
            console.print(Text(f"{glyphs.more:>7} {rest}, not shown", "bold yellow"))
    else:
        for line in entry["detail"]:
            if line not in {entry["title"], entry.get("reason")}:
                console.print(Padding(Text(escaped(line)), INDENT))
    for line in filter(None, (entry.get("reason"), entry.get("note"))):
        console.print(Padding(Text(escaped(line), "dim"), INDENT))


def _print_barred(console: Console, line: str) -> None:
    """A line of what would run, each of its rows marked: nothing else can pass for it."""
    bar = glyphs_for(console.encoding).bar
    text = Text(line, "bold", overflow="fold")
    for row in text.wrap(console, max(20, console.width - 4)) or [text]:
        console.print(Text.assemble((f"  {bar} ", "yellow"), row))


def _keys(options: Mapping[str, str], *, long: bool, talks: bool) -> Text:
    keys = ["[y]es", "[n]o", "[q]uit"]
    if long:
        keys.append("[d] all of the change")
    if talks:
        keys.append("or what to do instead")
    lines = [f"  {', '.join(keys)}"]
    if always := options.get("allow_always"):
        lines.append(f"  [a]lways{_scope(always)}")
    if alike := options.get("allow_always_prefix"):
        lines.append(f"  [p] always{_scope(alike)}")
    return Text("\n".join(lines), "yellow")


def _scope(name: str) -> str:
    """What `always` would mean, as the server says it: `Always approve (edits, for this task)`."""
    _, sign, scope = name.partition("(")
    return f": {readable(scope.removesuffix(')'))}" if sign else ""


def _change(diffs: Sequence[Mapping[str, Any]]) -> list[DiffLine]:
    lines: list[DiffLine] = []
    for diff in diffs:
        if len(diffs) > 1:
            lines.append(DiffLine(0, ":", diff["path"]))
        lines += diff_lines(diff.get("oldText"), diff.get("newText"))
    return lines
