"""Every event as front ends get it: its JSON, and the line for a status bar."""

from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent import events
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentEvent,
    AgentMessageChunk,
    AgentThoughtChunk,
    CheckpointTaken,
    CommandsOffered,
    ConversationCondensed,
    ConversationRewound,
    FileChanged,
    ModeChanged,
    ModelAtWork,
    PermissionAsked,
    PermissionSettled,
    PlanUpdated,
    QuestionAnswered,
    QuestionAsked,
    Queued,
    Retrying,
    StateChanged,
    SubtaskChanged,
    SurroundingsTold,
    ToolCallArguments,
    ToolCallStarted,
    ToolCallUpdated,
    UsageUpdated,
    UserImageChunk,
    UserMessageChunk,
)
from roo_lsp.agent.tool import Diff, Location, Todo
from roo_lsp.agent.usage import Usage

PATH = Path("/w/a.py")
TODOS = (Todo("Read", "completed"), Todo("Write", "in_progress"), Todo("Test", "pending"))
OPTIONS = ({"optionId": "allow_once", "name": "Allow", "kind": "allow_once"},)


def said(kind: str, text: str, **more: Any) -> dict[str, Any]:
    return {"sessionUpdate": kind, "content": {"type": "text", "text": text}, **more}


def linked(name: str) -> dict[str, Any]:
    uri = f"file:///w/{name}"
    return {"type": "resource_link", "uri": uri, "name": "a b.png", "mimeType": "image/png"}


COMMANDS = ({"name": "go", "description": "Goes", "input": {"hint": "<where>"}},)


TABLE: list[tuple[AgentEvent, dict[str, Any], str]] = [
    (
        CommandsOffered(COMMANDS),
        {"sessionUpdate": "available_commands_update", "availableCommands": [*COMMANDS]},
        "",
    ),
    (UserMessageChunk("Go\n\nnow"), said("user_message_chunk", "Go\n\nnow"), "You: Go"),
    (
        UserMessageChunk("Go", 3),
        said("user_message_chunk", "Go", _meta={"entry": 3}),
        "You: Go",
    ),
    (
        UserImageChunk("file:///w/a%20b.png", "image/png", 9),
        {"sessionUpdate": "user_message_chunk", "content": linked("a%20b.png") | {"size": 9}},
        "You add a b.png",
    ),
    (SurroundingsTold("Open: a.py"), said("_surroundings", "Open: a.py"), ""),
    (AgentMessageChunk("Well"), said("agent_message_chunk", "Well"), "Well"),
    (AgentThoughtChunk("Hm"), said("agent_thought_chunk", "Hm"), "Thinking…"),
    (
        ToolCallUpdated(
            "c",
            "completed",
            "Edit a.py",
            {"path": "a.py"},
            "Done.",
            diffs=(Diff(PATH, "a\n", None),),
            locations=(Location(PATH, 7), Location(PATH)),
            output="one\ntwo\n",
        ),
        {
            "sessionUpdate": "tool_call_update",
            "toolCallId": "c",
            "status": "completed",
            "title": "Edit a.py",
            "rawInput": {"path": "a.py"},
            "rawOutput": "Done.",
            "content": [
                {"type": "diff", "path": "/w/a.py", "oldText": "a\n", "newText": ""},
                {"type": "content", "content": {"type": "text", "text": "Done."}},
            ],
            "locations": [{"path": "/w/a.py", "line": 7}, {"path": "/w/a.py"}],
            "_meta": {"output": "one\ntwo\n"},
        },
        "",
    ),
    (
        ToolCallUpdated("c", "in_progress", "Run make", output="one\ntwo\n", verb="Running"),
        {
            "sessionUpdate": "tool_call_update",
            "toolCallId": "c",
            "status": "in_progress",
            "title": "Run make",
            "_meta": {"output": "one\ntwo\n"},
        },
        "Running make · two",
    ),
    (
        PermissionAsked("r", "c", "Run make", OPTIONS, "it runs a command"),
        {
            "sessionUpdate": "_permission",
            "requestId": "r",
            "toolCallId": "c",
            "title": "Run make",
            "options": [*OPTIONS],
            "_meta": {"reason": "it runs a command"},
        },
        "Waiting for you: Run make?",
    ),
    (
        PermissionAsked("r", None, "Use the saved key", OPTIONS),
        {
            "sessionUpdate": "_permission",
            "requestId": "r",
            "toolCallId": None,
            "title": "Use the saved key",
            "options": [*OPTIONS],
        },
        "Waiting for you: Use the saved key?",
    ),
    (
        ToolCallUpdated("c", "completed", "Run make", meta={"exitCode": 2}),
        {
            "sessionUpdate": "tool_call_update",
            "toolCallId": "c",
            "status": "completed",
            "title": "Run make",
            "_meta": {"exitCode": 2},
        },
        "Exit code 2: Run make",
    ),
    (
        ToolCallUpdated("c", "in_progress"),
        {"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "in_progress"},
        "",
    ),
    *(
        (
            PermissionSettled("r", outcome, "dialog"),
            {
                "sessionUpdate": "_permission",
                "requestId": "r",
                "outcome": outcome,
                "by": "dialog",
            },
            line,
        )
        for outcome, line in (
            ("allow_once", "Approved"),
            ("allow_always", "Approved, also from now on"),
            ("reject_once", "Denied"),
            ("reject_always", "Denied, also from now on"),
            ("cancelled", "Withdrawn"),
        )
    ),
    (
        QuestionAsked("q", "Which?", ("a", "b")),
        {
            "sessionUpdate": "_question",
            "requestId": "q",
            "question": "Which?",
            "suggestions": ["a", "b"],
        },
        "Waiting for your answer: Which?",
    ),
    *(
        (
            QuestionAnswered("q", answer),
            {"sessionUpdate": "_question", "requestId": "q", "answer": answer},
            line,
        )
        for answer, line in (("a", "You: a"), (None, ""))
    ),
    (
        Queued("m", "And that"),
        {"sessionUpdate": "_queued", "messageId": "m", "text": "And that"},
        "Queued: And that",
    ),
    (
        Queued("m", "And that", "returned"),
        {"sessionUpdate": "_queued", "messageId": "m", "text": "And that", "state": "returned"},
        "Not sent: And that",
    ),
    (
        Queued("m", state="delivered"),
        {"sessionUpdate": "_queued", "messageId": "m", "state": "delivered"},
        "",
    ),
    (
        PlanUpdated(TODOS),
        {
            "sessionUpdate": "plan",
            "entries": [
                {"content": each.content, "priority": "medium", "status": each.status}
                for each in TODOS
            ],
        },
        "Plan: 1/3 done, now: Write",
    ),
    (PlanUpdated(()), {"sessionUpdate": "plan", "entries": []}, "Plan: 0/0 done"),
    (
        UsageUpdated(Usage(input_tokens=10, output_tokens=2, cache_read_tokens=4), 12, 100, 0.5),
        {
            "sessionUpdate": "usage_update",
            "used": 12,
            "size": 100,
            "cost": {"amount": 0.5, "currency": "USD"},
            "_meta": {
                "inputTokens": 10,
                "outputTokens": 2,
                "cacheReadTokens": 4,
                "estimated": False,
            },
        },
        "",
    ),
    (
        ModeChanged("ask"),
        {"sessionUpdate": "current_mode_update", "currentModeId": "ask"},
        "Mode: ask",
    ),
    (
        ModeChanged("ask", "t1"),
        {
            "sessionUpdate": "current_mode_update",
            "currentModeId": "ask",
            "_meta": {"parentTaskId": "t1"},
        },
        "Mode: ask",
    ),
    (
        SubtaskChanged("t2", "Find it", "running", "c1"),
        {
            "sessionUpdate": "_subtask",
            "taskId": "t2",
            "title": "Find it",
            "state": "running",
            "_meta": {"toolCallId": "c1"},
        },
        "Subtask: Find it",
    ),
    (
        Retrying(1, 3, 2.0, "busy", 429),
        {
            "sessionUpdate": "_retry",
            "attempt": 1,
            "attempts": 3,
            "delay": 2.0,
            "reason": "busy",
            "status": 429,
        },
        "Retry 1/3 in 2 s: busy",
    ),
    (
        Retrying(0, 3, 0.2, "your limit"),
        {
            "sessionUpdate": "_retry",
            "attempt": 0,
            "attempts": 3,
            "delay": 0.2,
            "reason": "your limit",
            "status": None,
        },
        "Next request now: your limit",
    ),
    *(
        (
            ModelAtWork(31.2, tokens, 9.96),
            {"sessionUpdate": "_at_work", "seconds": 31, "tokens": tokens, "tokensPerSecond": 10.0},
            line,
        )
        for tokens, line in (
            (0, "Model at work · still reading"),
            (1500, "Model at work · 1.5k tokens, 10.0/s"),
        )
    ),
    (
        ConversationCondensed(2_000_000, 900, "summary"),
        {"sessionUpdate": "_condensed", "before": 2_000_000, "after": 900, "kind": "summary"},
        "Condensed the conversation: 2.0M → 900 tokens",
    ),
    (
        ConversationCondensed(2000, 900, "truncation", "no answer"),
        {
            "sessionUpdate": "_condensed",
            "before": 2000,
            "after": 900,
            "kind": "truncation",
            "_meta": {"reason": "no answer"},
        },
        "Left out the oldest messages: 2.0k → 900 tokens (no summary: no answer)",
    ),
    (
        CheckpointTaken("k", "before a.py"),
        {"sessionUpdate": "_checkpoint", "checkpointId": "k", "label": "before a.py"},
        "",
    ),
    (
        ConversationRewound(4),
        {"sessionUpdate": "_rewound", "entry": 4},
        "Went back to an earlier place in the conversation",
    ),
    (
        FileChanged("file:///w/a%20b.py", 2, 1),
        {"sessionUpdate": "_changes", "uri": "file:///w/a%20b.py", "added": 2, "removed": 1},
        "Changed a b.py +2 -1",
    ),
    (
        FileChanged("file:///w/a.py", 2, 1, "kept"),
        {
            "sessionUpdate": "_changes",
            "uri": "file:///w/a.py",
            "added": 2,
            "removed": 1,
            "state": "kept",
        },
        "Kept a.py +2 -1",
    ),
]


@pytest.mark.parametrize(
    ("event", "update", "line"), TABLE, ids=[type(each).__name__ for each, _, _ in TABLE]
)
def test_an_event_is_this_to_a_front_end_and_this_to_a_person(
    event: AgentEvent, update: dict[str, Any], line: str
) -> None:
    assert (event.update, event.line) == (update, line)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (StateChanged("running"), "Working…"),
        (StateChanged("waiting"), ""),
        (StateChanged("idle", "end_turn"), "Done"),
        (
            StateChanged("idle", "max_tokens"),
            "Stopped: the model's output limit cut the answer off",
        ),
        (StateChanged("idle", "max_turn_requests"), "Stopped"),
        (StateChanged("idle", "refusal"), "The model refused"),
        (StateChanged("idle", "cancelled"), "Cancelled"),
        (StateChanged("failed", "error"), "Failed"),
        (
            StateChanged("failed", "error", RooError("rate_limited", "No key.", "Set one.")),
            "Failed: No key.",
        ),
    ],
    ids=lambda each: getattr(each, "stop_reason", None),
)
def test_a_task_that_stops_says_how(event: StateChanged, line: str) -> None:
    assert event.line.startswith(line)
    assert bool(line) == bool(event.line)
    assert event.update["state"] == event.state
    assert event.update.get("stopReason") == event.stop_reason
    if event.error:
        assert event.update["error"] == {
            "code": "rate_limited",
            "message": "No key.",
            "hint": "Set one.",
        }


def test_every_event_stands_in_these_tables_or_is_seen_with_its_call() -> None:
    every = {
        name
        for name, each in vars(events).items()
        if isinstance(each, type) and hasattr(each, "update") and each is not AgentEvent
    }
    seen = {type(event).__name__ for event, _, _ in TABLE}
    assert every == seen | {"StateChanged", ToolCallStarted.__name__, ToolCallArguments.__name__}
