"""The two trees of expected failures, by who is told; anything else is a bug.

RooError    the user is told, in these words, with a stable code (interface section 10)
ToolError   the model is told, as a failed tool result
"""

from typing import Literal

ErrorCode = Literal[
    "invalid_api_key",
    "model_not_found",
    "connection_failed",
    "tool_calling_unsupported",
    "context_overflow",
    "rate_limited",
    "provider_error",
    "stream_broken",
    "timeout",
    "settings_invalid",
    "busy_elsewhere",
    "internal",
]


class RooError(Exception):
    """Something the user can act on: what happened, and what to do."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        hint: str = "",
        *,
        window: int | None = None,
        bytes_only: bool = False,
    ) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
        self.message = message
        """One sentence of what happened, with the endpoint's own words in it."""
        self.hint = hint
        """One sentence of what to do."""
        self.window = window
        """With `context_overflow`: the tokens that the model's context has, where the endpoint said."""
        self.bytes_only = bytes_only
        """With `context_overflow`: the request's body was too large, which says nothing of tokens."""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ToolError(Exception):
    """A tool call that failed in a way the model can act on; the text is its result."""

    def __init__(self, text: str, brief: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.brief = brief or text
        """What may be told when the model may not see the file that `text` quotes from."""


class Binary(ToolError):
    """A file that was to be read as text has none."""


class Repeated(ToolError):
    """A call that would go round in a circle once more."""


class Changed(ToolError):
    """The ground moved between looking and acting: the file is not what was shown."""
