"""The picture of a task: what a person reads, on a terminal and in a pipe."""

import io
import re
from itertools import count
from typing import Any

import pytest
from rich.console import Console

from roo_lsp.cli.render import TaskPicture

OLD = "def add(a, b):\n    return a - b\n"
NEW = "def add(a, b):\n    return a + b\n"
DIFF = {"type": "diff", "path": "/w/calc.py", "oldText": OLD, "newText": NEW}


class Screen:
    """A picture and what it has drawn so far."""

    def __init__(self, *, terminal: bool = False, live: bool = False, width: int = 80, **more: Any):
        self.file = io.StringIO()
        console = Console(
            file=self.file, force_terminal=terminal, width=width, height=24, highlight=False,
            color_system=None, legacy_windows=False,
        )  # fmt: skip
        self.picture = TaskPicture(console, live=live, **more)
        self.picture.start()
        self._seq = count(1)
        self.now = 100.0

    def show(self, what: str, **fields: Any) -> None:
        update = {"sessionUpdate": what, **fields}
        roo = {"v": 1, "taskId": "t1", "seq": next(self._seq), "ts": self.now, "update": update}
        self.picture.show(roo)

    def says(self, text: str) -> None:
        self.show("agent_message_chunk", content={"type": "text", "text": text})

    def calls(self, tool: str, title: str, kind: str = "other", **end: Any) -> None:
        """A whole call that took a second and a half."""
        call_id = f"call_{next(self._seq)}"
        meta = {"tool": tool}
        self.show(
            "tool_call", toolCallId=call_id, title=tool, kind=kind, status="pending", _meta=meta
        )
        self.show(
            "tool_call_update", toolCallId=call_id, title=title, status="pending", rawInput={}
        )
        self.show("tool_call_update", toolCallId=call_id, title=title, status="in_progress")
        self.now += 1.5
        end = {"status": "completed", "rawOutput": "ok"} | end
        self.show("tool_call_update", toolCallId=call_id, title=title, **end)

    @property
    def text(self) -> str:
        return self.file.getvalue()

    def closed(self) -> list[str]:
        """The lines, once the picture is finished."""
        self.picture.close()
        return self.text.split("\n")[:-1]


def test_an_answer_is_piped_on_as_it_comes():
    screen = Screen()
    screen.says("Hello wor")
    assert screen.text == "Hello wor"
    screen.says("ld, **you**.\n\n")
    assert screen.text == "Hello world, **you**."
    screen.says("Bye.\n")
    assert screen.closed() == ["Hello world, **you**.", "", "Bye."]


def on_screen(raw: str) -> list[str]:
    """The rows that a terminal shows in the end."""
    rows, at = [""], 0
    for part in re.findall(r"\x1b\[\??[0-9]*[A-Za-z]|\n|\r|[^\x1b\n\r]+", raw):
        if part == "\n":
            at += 1
            rows += [""] * (at + 1 - len(rows))
        elif part.endswith("A") and part.startswith("\x1b"):
            at -= int(part[2:-1])
        elif part.endswith("K") and part.startswith("\x1b"):
            rows[at] = ""
        elif part[0] not in "\r\x1b":
            rows[at] += part
    return "\n".join(rows).rstrip().split("\n")


def test_what_is_finished_stays_on_the_screen_and_what_grew_is_gone():
    screen = Screen(terminal=True, live=True)
    screen.show("user_message_chunk", content={"type": "text", "text": "Go"})
    screen.show("agent_thought_chunk", content={"type": "text", "text": "Hm, hm."})
    screen.says("One.\n")
    screen.says("\nTwo, **t")
    screen.says("wo**.\n\n")
    screen.calls("execute_command", "Run x", "execute", _meta={"output": "a\nb\n", "exitCode": 0})
    screen.picture.close()
    assert on_screen(screen.text) == [
        "❯ Go",  # noqa: RUF001
        "",
        "· thought for 0.0 s, 2 words",
        "",
        "One.",
        "",
        "Two, two.",
        "",
        "$ Run x  ✓ 1.5 s · exit 0",
        "  │ a",
        "  │ b",
    ]


def test_a_call_is_one_line_with_sign_title_end_time_and_range():
    screen = Screen()
    meta = {"range": {"startLine": 1, "endLine": 80, "totalLines": 200, "truncated": False}}
    screen.calls("read_file", "Read src/app.py", "read", _meta=meta)
    assert screen.closed() == ["◇ Read src/app.py  ✓ 1.5 s · 1-80 of 200"]


def test_a_command_that_fails_is_no_success():
    screen = Screen()
    screen.calls("execute_command", "Run true", "execute", _meta={"exitCode": 0})
    screen.calls("execute_command", "Run false", "execute", _meta={"exitCode": 1})
    assert screen.closed() == ["$ Run true  ✓ 1.5 s · exit 0", "$ Run false  ✗ 1.5 s · exit 1"]


def test_a_failed_call_says_why():
    screen = Screen()
    screen.calls(
        "write_to_file", "Write x", "edit", status="failed", rawOutput="It is a folder.\nno"
    )
    assert screen.closed() == ["✎ Write x  ✗ 1.5 s", "  It is a folder.", "  no"]


def test_an_edit_shows_its_change():
    screen = Screen()
    screen.calls("apply_diff", "Edit calc.py", "edit", content=[DIFF])
    assert screen.closed() == [
        "✎ Edit calc.py  ✓ 1.5 s · +1 −1",  # noqa: RUF001
        "      1   def add(a, b):",
        "      2 -     return a - b",
        "      2 +     return a + b",
    ]


def test_a_long_change_is_cut():
    screen = Screen()
    new = "".join(f"{n}\n" for n in range(100))
    diff = {"type": "diff", "path": "/w/n", "oldText": None, "newText": new}
    screen.calls("write_to_file", "Write n", "edit", content=[diff])
    lines = screen.closed()
    assert len(lines) == 32
    assert lines[-1].strip() == "… 70 more lines"


def test_a_command_shows_the_end_of_its_output():
    screen = Screen()
    screen.show(
        "tool_call", toolCallId="c", title="execute_command", kind="execute", status="pending"
    )
    for n in range(30):
        output = {"output": f"\x1b[31mline {n}\x1b[0m\n"}
        screen.show(
            "tool_call_update", toolCallId="c", title="Run x", status="in_progress", _meta=output
        )
    end = {"status": "completed", "rawOutput": "…", "_meta": {"exitCode": 1}}
    screen.show("tool_call_update", toolCallId="c", title="Run x", **end)
    lines = screen.closed()
    assert lines[0] == "$ Run x  ✗ exit 1"
    assert lines[1:3] == ["  │ …", "  │ line 18"]
    assert lines[-1] == "  │ line 29"


def test_the_todo_list_is_drawn_when_it_changed_and_its_call_is_not():
    screen = Screen()
    entries = [
        {"content": "Read", "status": "completed"},
        {"content": "Fix", "status": "in_progress"},
    ]
    screen.show("plan", entries=entries)
    screen.show("plan", entries=entries)
    screen.calls("update_todo_list", "Update the todo list", "think", _meta={"quiet": True})
    assert screen.closed() == ["  ✓ Read", "  ▸ Fix"]


def test_a_quiet_call_that_fails_is_drawn():
    screen = Screen()
    end = {"status": "failed", "rawOutput": "[?] is no mark.", "_meta": {"quiet": True}}
    screen.calls("update_todo_list", "Todo list", "think", **end)
    assert screen.closed()[-1] == "  [?] is no mark."


def test_the_completion_is_the_answer():
    screen = Screen()
    meta = {"quiet": True, "answer": True}
    screen.calls("attempt_completion", "Complete", rawOutput="All **done**.\n", _meta=meta)
    assert screen.closed() == ["All **done**."]


def test_retries_and_errors_say_what_to_do():
    screen = Screen()
    screen.show("_retry", attempt=1, attempts=5, delay=4.2, reason="429 slow\ndown", status=429)
    error = {"code": "rate_limited", "message": "Too many requests.", "hint": "Wait a minute."}
    screen.show("_state", state="failed", stopReason="error", error=error)
    assert screen.closed() == [
        "↻ retry 1/5 in 4 s: 429 slow down",
        "",
        "✗ rate_limited: Too many requests.",
        "  → Wait a minute.",
    ]


def test_the_summary_counts_and_says_how_to_go_on():
    screen = Screen()
    for cost in (0.01, 0.025):
        meta = {"inputTokens": 6000, "outputTokens": 100, "estimated": False}
        screen.show("usage_update", used=1, size=2, cost={"amount": cost}, _meta=meta)
        screen.now += 5
    screen.show("_changes", uri="file:///w/a", added=2, removed=1)
    screen.picture.summary("Done", "t1", failed=False)
    assert screen.closed() == [
        "✓ Done · 2 requests · 12.0k in, 200 out · $0.0250 · 10 s · 1 file +2 −1",  # noqa: RUF001
        '  → roo-lsp run --resume t1 "…"',
    ]


@pytest.mark.parametrize("live", [False, True])
def test_nothing_from_outside_reaches_the_terminal_raw(live):
    evil = "\x1b]0;owned\x07\x1b[2J\u202eevil\x9b"
    screen = Screen(terminal=live, live=live)
    screen.show("user_message_chunk", content={"type": "text", "text": evil})
    screen.says(evil)
    screen.show("agent_thought_chunk", content={"type": "text", "text": evil})
    diff = {"type": "diff", "path": "/w/x", "oldText": None, "newText": evil}
    screen.calls("t", evil, rawOutput=evil, content=[diff], _meta={"output": evil})
    screen.calls("t", evil, rawOutput=evil, status="failed")
    screen.show("plan", entries=[{"content": evil, "status": "pending"}])
    screen.show("_retry", attempt=1, attempts=2, delay=0, reason=evil, status=None)
    error = {"code": "internal", "message": evil, "hint": evil}
    screen.show("_state", state="failed", stopReason="error", error=error)
    screen.picture.note(evil)
    screen.picture.close()
    ours = re.sub(r"\x1b\[(\?25[lh]|[0-9]*[AK])", "", screen.text)  # cursor of the live rows
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", ours)


def test_lines_fit_a_narrow_terminal():
    screen = Screen(terminal=True, width=40)
    screen.calls("read_file", "Read " + "deep/" * 20 + "file.py", "read")
    screen.calls("apply_diff", "Edit", "edit", content=[DIFF | {"newText": "x" * 200}])
    screen.says("words " * 30)
    assert max(map(len, screen.closed())) <= 40


def test_a_growing_call_is_shown_only_while_it_grows():
    screen = Screen(terminal=True, live=True)
    screen.show("tool_call", toolCallId="c", title="write_to_file", kind="edit", status="pending")
    screen.show("_tool_call_arguments", toolCallId="c", delta="…", bytes=12_300)
    assert "write_to_file" in screen.text
    assert "12.3 KB" in screen.text
    meta = {"title": "Writing big.py", "lines": 120}
    screen.show("_tool_call_arguments", toolCallId="c", delta="…", bytes=12_400, _meta=meta)
    assert "Writing big.py" in screen.text
    assert "120 lines · 12.4 KB" in screen.text
    end = {"status": "completed", "rawOutput": "ok", "title": "Write big.py"}
    screen.show("tool_call_update", toolCallId="c", **end)
    assert "✎ Write big.py  ✓" in screen.text


def test_a_silent_model_is_seen_to_work_until_it_speaks():
    screen = Screen(terminal=True, live=True)
    screen.show("_at_work", seconds=20, tokens=1200, tokensPerSecond=6.2)
    assert "model at work 1.2k tokens, 6.2/s, 0.0 s" in screen.text
    screen.show("_at_work", seconds=25, tokens=0, tokensPerSecond=0)
    assert "model at work still reading, 0.0 s" in screen.text
    before = len(screen.text)
    screen.says("Now.")
    assert "at work" not in screen.text[before:]


def test_without_utf8_everything_is_ascii():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    picture = TaskPicture(Console(file=file, width=80, highlight=False), live=False)
    update = {"sessionUpdate": "plan", "entries": [{"content": "Read", "status": "completed"}]}
    picture.show({"ts": 1.0, "update": update})
    picture.summary("Done", "t1", failed=False)
    file.flush()
    assert b"ok Done - 0 requests" in file.buffer.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
