"""What the user has switched by hand: kinds of calls that run without a question, or ask again.

It comes from the user's own hand in the front end, so it may widen; it is kept nowhere, and ends with
the server.
"""

import json
from dataclasses import dataclass, field, replace

from roo_lsp.settings import AutoApprove
from roo_lsp.settings_sources import Effective
from roo_lsp.tasks.refusals import Invalid

KINDS = {info.alias or name: name for name, info in AutoApprove.model_fields.items()}
"""The keys of `autoApprove`, with their names in Python."""


@dataclass(slots=True)
class AutoApproval:
    """The switches of one server, and of each of its tasks."""

    _server: dict[str, bool] = field(default_factory=dict[str, bool])
    _tasks: dict[str, dict[str, bool]] = field(default_factory=dict[str, dict[str, bool]])
    _made: dict[str, tuple[Effective, Effective]] = field(
        default_factory=dict[str, tuple[Effective, Effective]]
    )
    """What was laid over what, last, for each task: who compares settings compares objects."""

    def switch(self, kind: str, task_id: str | None, *, on: bool) -> None:
        """Approve a kind of calls by itself, or ask again: in one task, or in all of this server.

        Raises:
            Invalid: there is no such kind.
        """
        if kind not in KINDS:
            raise Invalid(f"kind: there is no {kind!r}; the kinds are {', '.join(KINDS)}")
        switches = self._tasks.setdefault(task_id, {}) if task_id else self._server
        switches[KINDS[kind]] = on
        self._made.clear()

    def laid_over(self, task_id: str, found: Effective) -> Effective:
        """The settings as the switches have them; the same object where none was touched."""
        switches = self._server | self._tasks.get(task_id, {})
        if not switches:
            return found
        known = self._made.get(task_id)
        if known is None or known[0] is not found:
            auto = found.settings.auto_approve.model_copy(update=switches)
            settings = found.settings.model_copy(update={"auto_approve": auto})
            known = self._made[task_id] = found, replace(found, settings=settings)
        return known[1]


def switches_json(found: Effective) -> dict[str, bool]:
    """`autoApprove` as it holds, by the names of the settings."""
    return json.loads(found.settings.auto_approve.model_dump_json(by_alias=True))
