"""What the endpoint test finds; light to import."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from roo_lsp.agent.errors import ErrorCode, RooError

CheckName = Literal[
    "connect",
    "key",
    "model",
    "stream",
    "tool_call",
    "parallel",
    "tool_result",
    "usage",
    "images",
]
CHECKS: tuple[CheckName, ...] = (
    "connect",
    "key",
    "model",
    "stream",
    "tool_call",
    "parallel",
    "tool_result",
    "usage",
    "images",
)
"""In the order they are made."""


TITLES: Mapping[str, str] = {
    "invalid_api_key": "Invalid API key",
    "model_not_found": "Model not found",
    "connection_failed": "Connection error",
    "timeout": "Connection error",
    "tool_calling_unsupported": "Tool-calling error",
    "context_overflow": "Context overflow",
    "rate_limited": "Rate limit",
    "provider_error": "Unexpected result",
    "stream_broken": "Unexpected result",
    "settings_invalid": "Settings",
    "internal": "Internal error",
}
"""What the field calls the failures behind our codes."""


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `code` is empty unless it failed, `hint` unless there is something to do."""

    name: CheckName
    status: Literal["ok", "failed", "skipped"]
    message: str = ""
    code: ErrorCode | Literal[""] = ""
    hint: str = ""

    @property
    def title(self) -> str:
        """The failure as the field calls it; empty for what did not fail with a code."""
        return TITLES.get(self.code, "")

    @property
    def sentence(self) -> str:
        """The finding in one paragraph, without its hint."""
        return f"{self.title}: {self.message}" if self.title else self.message


NEEDED: frozenset[CheckName] = frozenset(
    {"connect", "key", "model", "stream", "tool_call", "tool_result"}
)
"""Without one of these no task can run; the others make it slower or poorer."""


@dataclass(slots=True)
class Report:
    """What the endpoint test found."""

    checks: list[Check]
    endpoint: str = ""
    model: str = ""
    note: str = ""
    """How the endpoint was found, where none was set."""
    learnt: list[str] = field(default_factory=list[str])
    """What is known of the endpoint, in sentences."""
    apis: str = ""
    """Which of the two APIs works there, and which is better."""

    @property
    def ok(self) -> bool:
        """A task could run."""
        return {check.name for check in self.checks if check.status == "ok"} >= NEEDED

    def json(self) -> dict[str, Any]:
        """As the interface has it."""
        checks = [
            {
                key: value
                for key, value in asdict(check).items()
                if value or key not in {"code", "hint"}
            }
            for check in self.checks
        ]
        report: dict[str, Any] = {
            "ok": self.ok,
            "endpoint": self.endpoint,
            "model": self.model,
            "checks": checks,
        }
        if self.note:
            report["note"] = self.note
        if self.learnt:
            report["learnt"] = self.learnt
        if self.apis:
            report["apis"] = self.apis
        return report


def without_endpoint(error: RooError) -> list[Check]:
    """The checks when there was no endpoint to ask, and why."""
    about: dict[str, CheckName] = {"invalid_api_key": "key", "model_not_found": "model"}
    name = about.get(error.code, "connect")
    return [
        Check(each, "failed", error.message, error.code, error.hint)
        if each == name
        else Check(each, "skipped", "Not possible without what failed.")
        for each in CHECKS
    ]
