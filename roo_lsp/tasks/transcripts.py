"""The transcript document of a task: when it is written, and when it is shown."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.tasks.screen import Screen
from roo_lsp.tasks.task import Task
from roo_lsp.workspace.store import TaskStore
from roo_lsp.workspace.transcript import markdown


@dataclass(slots=True)
class Transcripts:
    """Those of one front end's tasks, by the setting `ui.transcript`."""

    store: TaskStore
    screen: Screen
    when: Callable[[], str]
    """`onDemand`, `always` or `never`."""
    _opened: set[str] = field(default_factory=set[str])
    """Tasks whose transcript was shown without being asked for: once is enough, it may be closed."""

    def write(self, task: Task) -> Path:
        """The file with the transcript as it is now."""
        return self.store.write_transcript(
            task.id, markdown(task.summary(), self.store.messages(task.id))
        )

    async def open(self, task: Task) -> tuple[Path, bool]:
        """The user asks for it: its file, and whether it is shown."""
        file = self.write(task)
        if self.when() == "never":
            self.screen.message(f"Roo wrote it to {file}")
            return file, False
        return file, await self.screen.open_document(file)

    async def turn_ended(self, task: Task) -> None:
        """With `always` it is brought up to date after each turn, and shown after the first."""
        if self.when() != "always":
            return
        file = self.write(task)
        if task.id not in self._opened and not task.line:
            self._opened.add(task.id)
            await self.screen.open_document(file, take_focus=False)
