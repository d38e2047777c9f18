"""The smallest front end: what any other one has to be, and nothing of an editor."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.status_line import StatusLine


@dataclass
class Front:
    """`Screen` and `Audience`: it keeps what it is shown, and wakes whoever waits for it."""

    events: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    opened: list[Path] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    congested = False

    def begin(self, task_id: str, title: str, status: StatusLine | None = None) -> None: ...

    def send(self, roo: dict[str, Any], message: str) -> None:
        self.events.append(roo["update"])
        self.line(roo["taskId"], message)

    def line(self, task_id: str, text: str) -> None:
        self.lines.append(text)

    def end(self, task_id: str, message: str) -> None: ...

    def use_token(self, task_id: str, token: str | int) -> None: ...

    def when_drained(self, callback: Callable[[], object]) -> None: ...

    def message(self, text: str) -> None:
        self.told.append(text)

    warning = message

    async def open_details(self, entry: Pending) -> None: ...

    async def open_url(self, url: str) -> bool:
        self.told.append(url)
        return True

    async def open_document(self, file: Path, *, take_focus: bool = True) -> bool:
        self.opened.append(file)
        return True
