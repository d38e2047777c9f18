"""What a task remembers is bounded, and is what its conversation says."""

from pathlib import Path

from roo_lsp.agent.messages import Rewound, ToolMessage
from roo_lsp.agent.recall import CHARACTERS, FILES, KEPT, Recall, text_digest

A, B = Path("/w/a.py"), Path("/w/b.py")


def test_nothing_is_known_any_more_once_the_conversation_is_another_one() -> None:
    recall = Recall()
    recall.saw(A, "x" * CHARACTERS)
    assert recall.first("a doubt")
    recall.take_up([])
    assert not recall.has_seen(A)
    assert list(recall.texts()) == []
    assert recall.first("a doubt")
    recall.saw(A, "x" * CHARACTERS)  # there is room for it again
    assert recall.has_seen(A)
    assert [path for path, _ in recall.texts()] == [A]


def test_another_server_knows_by_their_digests_the_files_of_what_stands() -> None:
    recall, entries = Recall(), []
    for path, text in ((A, "a\n"), (B, "b\n"), (A, "other\n")):
        recall.saw(path, text)
        entries.append(ToolMessage("c", "", known=recall.news()))
    recall.forget(B)
    entries.append(ToolMessage("c", "", known=recall.news()))
    assert recall.news() == ()
    recall.take_up(entries)
    assert list(recall.digests()) == [(A, text_digest("other\r\n"))]
    recall.take_up([*entries, Rewound(2)])
    assert list(recall.digests()) == [(A, text_digest("a\n")), (B, text_digest("b\n"))]
    assert recall.has_seen(A)
    assert list(recall.texts()) == []
    recall.found(A, "a\n", None)
    recall.saw(B, "b\n")
    assert list(recall.digests()) == []
    assert dict(recall.texts()) == {A: "a\n", B: "b\n"}


def test_of_what_another_server_knew_the_newest_files_count() -> None:
    recall = Recall()
    known = tuple((f"/w/{n}", "d") for n in range(FILES + 1))
    recall.take_up([ToolMessage("c", "", known=known)])
    assert [path for path, _ in recall.digests()] == [Path(f"/w/{n}") for n in range(1, FILES + 1)]


def test_the_oldest_texts_go_where_they_are_too_long_together_and_the_files_stay_known() -> None:
    recall = Recall()
    recall.saw(A, "x" * CHARACTERS)
    recall.saw(B, "y")
    assert list(recall.texts()) == [(B, "y")]
    assert recall.has_seen(A)


def test_so_many_texts_are_kept_and_no_more() -> None:
    recall = Recall()
    paths = [Path(f"/w/{n}") for n in range(FILES + 1)]
    for path in paths:
        recall.saw(path, "")
    assert [path for path, _ in recall.texts()] == paths[1:]


def test_what_was_said_long_ago_is_said_once_more() -> None:
    recall = Recall()
    assert recall.first("a doubt")
    assert not recall.first("a doubt")
    for n in range(KEPT):
        recall.first(f"another {n}")
    assert recall.first("a doubt")
