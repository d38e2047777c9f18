"""The index of tasks: what is read from its end is what reading all of it would give."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.workspace.store import TaskStore, TaskSummary

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
