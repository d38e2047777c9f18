"""Going back in a conversation: what was said stays stored, and can be gone forward to again."""

import pytest

from roo_lsp.agent.conversation import History
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    Rewound,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.workspace.store import message_from, message_json


def view_of(entries: list[HistoryEntry]) -> list[str]:
    """What the model is sent of these entries."""
    return [message.text for message in History(lambda _: None, entries).messages]


def said(*words: str | int) -> list[HistoryEntry]:
    """Messages, with a number for going back to so many entries."""
    return [Rewound(each) if isinstance(each, int) else UserMessage(each) for each in words]


@pytest.mark.parametrize(
    ("entries", "view"),
    [
        (said("a", "b", 1, "c"), "ac"),
        (said("a", "b", 0), ""),
        (said("a", 1, "b"), "ab"),
        (said("a", "b", 1, "c", 2, "d"), "abd"),  # back to before the going back
        (said("a", "b", 1, "c", 4, "d"), "acd"),
        (said("a", "b", "c", 1, 3), "abc"),
        (said("a", "b", 1, 9, "c"), "ac"),  # more than there was: nothing happens
    ],
)
def test_the_view_is_what_it_was_and_what_was_said_since(
    entries: list[HistoryEntry], view: str
) -> None:
    assert "".join(view_of(entries)) == view


def test_going_back_to_before_a_condensing_brings_the_words_back() -> None:
    entries = [*said("a", "b"), Condensed("short", 0), *said("c", 2, "d")]
    assert view_of(entries) == ["a", "b", "d"]
    assert view_of([*entries, Rewound(4)]) == ["short", "c"]


def test_a_history_of_a_rewound_task_keeps_its_call_ids() -> None:
    calls = AssistantMessage("", (ToolCall("w1", "x", "{}"),))
    entries: list[HistoryEntry] = [UserMessage("a"), calls, ToolMessage("w1", "ok"), Rewound(1)]
    history = History(lambda _: None, entries)
    assert history.messages == [UserMessage("a")]
    assert history.call_ids() == {"w1"}


def test_it_is_stored() -> None:
    assert message_from(message_json(Rewound(0))) == Rewound(0)
