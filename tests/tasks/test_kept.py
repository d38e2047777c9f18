"""What waits for the user, on disk."""

from pathlib import Path
from typing import Any

import pytest

from roo_lsp.tasks.kept import what_waits
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.task_index import TaskSummary


class CountingStore(TaskStore):
    read = 0

    def events(self, task_id: str, since_seq: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        self.read += 1
        return super().events(task_id, since_seq, limit)


@pytest.mark.parametrize("with_folder", [False, True])
def test_of_a_task_that_waits_for_nothing_no_event_is_read(
    tmp_path: Path, *, with_folder: bool
) -> None:
    store = CountingStore(tmp_path / "state")
    store.create(TaskSummary("t1", "Fix it", "running", "code", 1.0, 2.0))
    if with_folder:
        store.waiting_dir("t1").mkdir()
    assert what_waits(store, "t1") is None
    assert store.read == 0
    store.close()
