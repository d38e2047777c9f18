"""The store: what was appended comes back, also after a crash, and stays private."""

import errno
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.conversation import History
from roo_lsp.agent.errors import RooError, ToolError
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    Image,
    ToolCall,
    ToolMessage,
    UserMessage,
    repaired,
)
from roo_lsp.workspace import task_index
from roo_lsp.workspace.journal import StoreError
from roo_lsp.workspace.store import TaskStore, message_from, message_json
from roo_lsp.workspace.task_index import TaskSummary

SUMMARY = TaskSummary("t1", "Fix it", "running", "code", 1.0, 2.0, 10, 20, 0.5, "/ws")
HISTORY = [
    UserMessage("hello", (Image("image/png", "AAAA"),)),
    AssistantMessage("hi", (ToolCall("c1", "read_file", '{"path":"a"}'),), "hm", "reasoning"),
    ToolMessage("c1", "no such file", failed=True),
]


@pytest.fixture
def store(tmp_path):
    store = TaskStore(tmp_path / "state")
    yield store
    store.close()


def event(seq: int) -> dict:
    return {
        "v": 1,
        "taskId": "t1",
        "seq": seq,
        "update": {"sessionUpdate": "x", "text": "é\n\u2028"},
    }


def reopened(store, tmp_path) -> TaskStore:
    store.close()
    return TaskStore(tmp_path / "state")


def test_messages_come_back_equal_in_another_process(store, tmp_path):
    store.create(SUMMARY)
    for message in HISTORY:
        store.append_message("t1", message)
    assert reopened(store, tmp_path).messages("t1") == HISTORY


def test_a_conversation_killed_at_any_byte_comes_back_valid(store, tmp_path):
    store.create(SUMMARY)
    history = History(lambda entry: store.append_message("t1", entry))
    for number in range(3):
        call = ToolCall(f"c{number}", "read_file", "{}")
        history.append(UserMessage(f"prompt {number}"))
        history.append(AssistantMessage("", (call, ToolCall(f"d{number}", "read_file", "{}"))))
        history.append(ToolMessage(f"c{number}", "one"))
        history.append(ToolMessage(f"d{number}", "two"))
        history.condense(Condensed(f"notes {number}", kept=3))
    file = tmp_path / "state" / "tasks" / "t1" / "messages.jsonl"
    whole = file.read_bytes()
    views = []
    for end in range(len(whole), 0, -1):
        os.truncate(file, end)
        view = History(print, store.messages("t1")).messages
        assert repaired(view) == view
        views.append(view)
    assert views[0] == history.messages
    last = len(whole) - whole.rindex(b"\n", 0, -1)
    assert [type(m).__name__ for m in views[last][-3:]] == [
        "AssistantMessage",
        "ToolMessage",
        "ToolMessage",
    ]
    assert views[last][-4] == UserMessage("prompt 2")


texts = st.text(st.characters(exclude_categories=("Cs",)))
images = st.lists(st.builds(Image, texts, texts, texts)).map(tuple)
known = st.lists(st.tuples(texts, texts)).map(tuple)
messages = st.one_of(
    st.builds(UserMessage, texts, images, shown=texts, known=known),
    st.builds(
        AssistantMessage, texts, st.lists(st.builds(ToolCall, texts, texts, texts)).map(tuple)
    ),
    st.builds(ToolMessage, texts, texts, st.booleans(), images, known),
    st.builds(Condensed, texts, st.integers(0, 9)),
)


@given(messages)
def test_every_message_survives_its_json(message):
    assert message_from(message_json(message)) == message


def test_events_are_given_from_a_number_on_in_parts(store):
    store.create(SUMMARY)
    for seq in range(1, 101):
        store.append_event("t1", event(seq))
    found, after = store.events("t1", 0, 40)
    assert ([e["seq"] for e in found], after) == (list(range(1, 41)), 40)
    found, after = store.events("t1", 98, 40)
    assert ([e["seq"] for e in found], after) == ([99, 100], 100)
    assert store.events("t1", 100, 40) == ([], 100)
    assert found[-1] == event(100)


def test_events_behind_a_lost_line_are_found(store, tmp_path):
    store.create(SUMMARY)
    for seq in (1, 2, 4, 5):
        store.append_event("t1", event(seq))
    assert [e["seq"] for e in store.events("t1", 3, 9)[0]] == [4, 5]


def test_the_last_number_is_known_after_a_restart(store, tmp_path):
    store.create(SUMMARY)
    assert store.last_seq("t1") == 0
    for seq in range(1, 6):
        store.append_event("t1", event(seq))
    assert reopened(store, tmp_path).last_seq("t1") == 5


def test_the_last_number_is_known_behind_an_enormous_event(store, tmp_path):
    store.create(SUMMARY)
    store.append_event("t1", event(1) | {"big": "x" * 3_000_000})
    assert reopened(store, tmp_path).last_seq("t1") == 1


@pytest.mark.parametrize("name", ["messages", "events"])
def test_a_line_torn_by_a_crash_is_ignored_and_the_next_is_whole(store, tmp_path, name):
    store.create(SUMMARY)
    store.append_message("t1", HISTORY[0])
    store.append_event("t1", event(1))
    store.close()
    with (tmp_path / "state/tasks/t1" / f"{name}.jsonl").open("ab") as file:
        file.write(b'{"role":"user","te')
    again = TaskStore(tmp_path / "state")
    assert again.messages("t1") == HISTORY[:1]
    assert again.last_seq("t1") == 1
    again.append_message("t1", HISTORY[2])
    again.append_event("t1", event(2))
    assert again.messages("t1") == [HISTORY[0], HISTORY[2]]
    assert [e["seq"] for e in again.events("t1", 0, 9)[0]] == [1, 2]
    again.close()


def test_the_last_summary_counts_and_the_newest_task_comes_first(store):
    store.create(SUMMARY)
    store.create(replace(SUMMARY, task_id="t2", updated_at=5.0))
    store.create(replace(SUMMARY, task_id="t3", workspace="/other"))
    store.update(replace(SUMMARY, state="idle", updated_at=9.0))
    assert [(s.task_id, s.state) for s in store.list("/ws", 10)] == [
        ("t1", "idle"),
        ("t2", "running"),
    ]
    assert len(store.list(None, 10)) == 3
    assert [s.task_id for s in store.list(None, 1)] == ["t1"]


def test_a_summary_of_a_newer_version_is_read_as_far_as_it_is_known(store, tmp_path):
    store.create(SUMMARY)
    index = tmp_path / "state/tasks/index.jsonl"
    index.write_bytes(index.read_bytes().replace(b'{"task_id"', b'{"new_field":1,"task_id"'))
    assert store.list(None, 5) == [SUMMARY]


def test_a_deleted_task_is_gone_with_its_files(store, tmp_path):
    store.create(SUMMARY)
    store.append_event("t1", event(1))
    store.delete("t1")
    assert store.list(None, 10) == []
    assert not (tmp_path / "state/tasks/t1").exists()
    assert store.last_seq("t1") == 0


def test_the_index_is_compacted_when_it_has_grown(store, tmp_path, monkeypatch):
    monkeypatch.setattr(task_index, "COMPACT_BYTES", 5000)
    assert store.list(None, 9) == []
    for number in range(200):
        store.update(replace(SUMMARY, updated_at=float(number)))
    assert (tmp_path / "state/tasks/index.jsonl").stat().st_size < 6000
    assert store.list(None, 10) == [replace(SUMMARY, updated_at=199.0)]


@pytest.mark.parametrize("task_id", ["../x", "", "a/b", "a" * 65, ".", "t1\n", "é"])
def test_an_id_that_is_none_is_refused_everywhere(store, task_id):
    for call in (
        lambda: store.create(replace(SUMMARY, task_id=task_id)),
        lambda: store.append_event(task_id, event(1)),
        lambda: store.events(task_id, 0, 1),
        lambda: store.messages(task_id),
        lambda: store.delete(task_id),
        lambda: store.outputs_dir(task_id),
    ):
        with pytest.raises(ToolError):
            call()


def test_everything_is_the_owners_alone(store, tmp_path):
    old = os.umask(0)
    try:
        store.create(SUMMARY)
        store.append_event("t1", event(1))
        store.append_message("t1", HISTORY[0])
    finally:
        os.umask(old)
    for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_state_folder_that_is_a_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "real")
    with pytest.raises(RooError, match="link"):
        TaskStore(tmp_path / "state")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_state_folder_of_another_user_is_refused(tmp_path):
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 12345, 12345)
    with pytest.raises(RooError, match="another user"):
        TaskStore(tmp_path / "state")


def test_a_folder_others_could_read_is_closed_to_them(tmp_path):
    (tmp_path / "state").mkdir(mode=0o755)
    TaskStore(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_two_stores_share_an_index(store, tmp_path):
    other = TaskStore(tmp_path / "state")
    store.create(SUMMARY)
    other.create(replace(SUMMARY, task_id="t2"))
    assert {s.task_id for s in store.list(None, 9)} == {"t1", "t2"}


# --- disks that are full, and other servers -----------------------------------------------------


@pytest.fixture
def full(monkeypatch):
    """Makes every write fail until it is made empty."""
    full = []
    real = os.write

    def write(descriptor, data):
        if full:
            real(descriptor, data[:5])
            raise OSError(full[0], os.strerror(full[0]))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    return full


def test_what_cannot_be_written_waits_in_order_and_is_read_back(store, tmp_path, full):
    store.create(SUMMARY)
    store.claim("t1")
    store.append_event("t1", event(1))
    full.append(errno.ENOSPC)
    for seq in (2, 3):
        with pytest.raises(StoreError, match="The disk is full"):
            store.append_event("t1", event(seq))
    assert [e["seq"] for e in store.events("t1", 0, 10)[0]] == [1, 2, 3]
    assert store.last_seq("t1") == 3
    full.clear()
    store.append_event("t1", event(4))
    store.release("t1")
    other = reopened(store, tmp_path)
    assert [e["seq"] for e in other.events("t1", 0, 10)[0]] == [1, 2, 3, 4]
    lines = (tmp_path / "state/tasks/t1/events.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4]


def test_a_task_with_something_that_waits_is_not_let_go(store, tmp_path, full):
    store.create(SUMMARY)
    store.claim("t1")
    full.append(errno.ENOSPC)
    with pytest.raises(StoreError):
        store.append_message("t1", HISTORY[0])
    store.release("t1")
    full.clear()
    other = TaskStore(tmp_path / "state")
    with pytest.raises(RooError, match=f"process {os.getpid()}, since"):
        other.claim("t1")
    store.release("t1")
    other.claim("t1")
    assert other.messages("t1") == HISTORY[:1]
    other.close()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_is_wrong_with_the_disk_is_said_with_what_to_do(store, full, number, words):
    full.append(number)
    with pytest.raises(StoreError, match=words) as caught:
        store.create(SUMMARY)
    assert caught.value.hint
    full.clear()
    assert store.list(None, 10) == []
    store.create(SUMMARY)
    assert store.list(None, 10) == [SUMMARY]


def test_an_index_that_cannot_be_compacted_stays_as_it_is(store, monkeypatch, full):
    monkeypatch.setattr(task_index, "COMPACT_BYTES", 1000)
    assert store.list(None, 9) == []
    real = os.fsync

    def fails(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fails)
    for number in range(100):
        store.update(replace(SUMMARY, title=f"title {number}"))
    monkeypatch.setattr(os, "fsync", real)
    assert store.list(None, 10) == [replace(SUMMARY, title="title 99")]


def test_a_file_that_was_deleted_is_not_written_to_in_vain(store, tmp_path):
    store.create(SUMMARY)
    store.append_event("t1", event(1))
    (tmp_path / "state/tasks/t1/events.jsonl").unlink()
    with pytest.raises(StoreError, match="gone"):
        store.append_event("t1", event(2))


def test_one_store_at_a_time_may_write_to_a_task(store, tmp_path):
    store.create(SUMMARY)
    other = TaskStore(tmp_path / "state")
    store.claim("t1")
    store.claim("t1")
    for refused in (other.claim, other.delete):
        with pytest.raises(RooError) as caught:
            refused("t1")
        assert caught.value.code == "busy_elsewhere"
    assert other.elsewhere(["t1", "t2"]) == {"t1"}
    assert store.elsewhere(["t1"]) == set()
    store.close()
    other.claim("t1")
    other.delete("t1")
    with pytest.raises(StoreError, match="gone"):
        store.claim("t1")
    other.close()


def test_a_claim_ends_with_the_process_that_made_it(store, tmp_path):
    store.create(SUMMARY)
    code = (
        "import sys; from pathlib import Path; from roo_lsp.workspace.store import TaskStore\n"
        "TaskStore(Path(sys.argv[1])).claim('t1'); print('claimed', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "state")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        with pytest.raises(RooError, match=f"process {other.pid}, since"):
            store.claim("t1")
        other.kill()
        other.wait()
    store.claim("t1")


async def test_the_history_is_synced_once_for_what_is_new(store, monkeypatch):
    synced = []
    monkeypatch.setattr("roo_lsp.workspace.journal._datasync", synced.append)
    store.create(SUMMARY)
    await store.sync("t1")
    store.append_message("t1", HISTORY[0])
    await store.sync("t1")
    await store.sync("t1")
    store.append_message("t1", HISTORY[1])
    await store.sync("t1")
    assert len(synced) == 2


def test_a_number_beyond_all_events_gives_none(store):
    store.create(SUMMARY)
    assert store.events("t1", 10**30, 10)[0] == []
