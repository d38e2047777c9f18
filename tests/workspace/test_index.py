"""The index of tasks: what each server knows is what reading all of it would give."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from roo_lsp.workspace import task_index
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import TaskSummary

states = st.sampled_from(["idle", "running", "waiting"])
ids = st.sampled_from(["t1", "t2", "t3"])
lines = st.lists(
    st.one_of(
        st.builds(
            lambda task_id, at: asdict(TaskSummary(task_id, "", "idle", "code", 1.0, at)),
            ids,
            st.floats(1, 9),
        ),
        st.builds(lambda task_id: {"task_id": task_id, "deleted": True}, ids),
        st.builds(lambda task_id: {"task_id": task_id, "unreadable": 1}, ids),
        st.builds(
            lambda task_id: {"new": 1} | asdict(TaskSummary(task_id, "", "idle", "code", 1.0, 2.0)),
            ids,
        ),
        st.just("torn"),
    ),
    max_size=12,
)


@given(lines)
def test_the_last_word_on_each_task_counts(index: list[dict[str, object] | str]) -> None:
    known: dict[str, float] = {}
    for line in index:
        if isinstance(line, dict) and "deleted" in line:
            known.pop(str(line["task_id"]), None)
        elif isinstance(line, dict) and "updated_at" in line:
            known[str(line["task_id"])] = float(str(line["updated_at"]))
    with tempfile.TemporaryDirectory() as folder:
        store = TaskStore(Path(folder) / "state")
        file = Path(folder) / "state" / "tasks" / "index.jsonl"
        made = (
            '{"task_id":"t1",' if line == "torn" else json.dumps(line, separators=(",", ":"))
            for line in index
        )
        file.write_text("".join(f"{line}\n" for line in made), "utf-8")
        assert {each.task_id: each.updated_at for each in store.list(None, 9)} == known
        store.close()


class TwoServers(RuleBasedStateMachine):
    """Two servers write to one index; what each knows is what reading all of it would give."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        state = Path(self.folder.name) / "state"
        self.stores = [TaskStore(state), TaskStore(state)]
        self.known: dict[str, TaskSummary] = {}
        self.limit = pytest.MonkeyPatch()
        self.limit.setattr(task_index, "COMPACT_BYTES", 1500)

    @rule(who=st.integers(0, 1), task_id=ids, at=st.floats(1, 9), state=states)
    def update(self, who: int, task_id: str, at: float, state: str) -> None:
        summary = TaskSummary(task_id, "a title", state, "code", 1.0, at, workspace="/ws")
        self.stores[who].update(summary)
        self.known[task_id] = summary

    @rule(who=st.integers(0, 1), task_id=ids)
    def delete(self, who: int, task_id: str) -> None:
        self.stores[who].delete(task_id)
        self.known.pop(task_id, None)

    @rule()
    def tear(self) -> None:
        with (Path(self.folder.name) / "state" / "tasks" / "index.jsonl").open("ab") as file:
            file.write(b'{"task_id":"t1","ti')

    @rule(who=st.integers(0, 1))
    def look(self, who: int) -> None:
        store = self.stores[who]
        assert {each.task_id: each for each in store.list("/ws", 9)} == self.known
        unfinished = {each.task_id for each in self.known.values() if each.state != "idle"}
        assert {each.task_id for each in store.unfinished("/ws")} == unfinished
        assert all(store.get(each) == self.known[each] for each in self.known)

    def teardown(self) -> None:
        self.limit.undo()
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestTwoServers = TwoServers.TestCase
TestTwoServers.settings = hypothesis_settings(max_examples=40, stateful_step_count=40)


def test_a_look_at_thousands_of_tasks_reads_what_was_written_since(tmp_path: Path) -> None:
    store, other = TaskStore(tmp_path / "state"), TaskStore(tmp_path / "state")
    file = tmp_path / "state" / "tasks" / "index.jsonl"
    summaries = (TaskSummary(f"t{at}", "", "idle", "code", 1.0, float(at)) for at in range(3000))
    file.write_text("".join(f"{json.dumps(asdict(each))}\n" for each in summaries), "utf-8")
    assert [each.task_id for each in store.list(None, 2)] == ["t2999", "t2998"]
    with file.open("r+b") as begin:
        begin.write(b"#" * 1000)  # what was read is not read again
    other.update(TaskSummary("new", "", "waiting", "code", 1.0, 9000.0, workspace="/ws"))
    assert [each.task_id for each in store.list(None, 2)] == ["new", "t2999"]
    assert [each.task_id for each in store.unfinished("/ws")] == ["new"]
    store.close()
    other.close()
