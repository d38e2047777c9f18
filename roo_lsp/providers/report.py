"""What the endpoint test finds; light to import."""

from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `code` and `hint` are empty unless it failed."""

    name: CheckName
    status: Literal["ok", "failed", "skipped"]
    message: str = ""
    code: ErrorCode | Literal[""] = ""
    hint: str = ""


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
        return {
            "ok": self.ok,
            "endpoint": self.endpoint,
            "model": self.model,
            "checks": checks,
        }


def without_endpoint(error: RooError) -> list[Check]:
    """The checks when there was no endpoint to ask, and why."""
    about: dict[str, CheckName] = {"invalid_api_key": "key", "model_not_found": "model"}
    name = about.get(error.code, "connect")
    return [
        Check(each, "failed", error.message, error.code, error.hint)
        if each == name
        else Check(each, "skipped", "It needs what failed." if each in NEEDED else "")
        for each in CHECKS
    ]
