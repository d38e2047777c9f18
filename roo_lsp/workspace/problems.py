"""A language server's complaint in words: the text is another program's, and no more than data here."""

from roo_lsp.agent.ports import Problem
from roo_lsp.workspace.escapes import label

MESSAGE_LENGTH = 300
"""Characters of one problem's message."""
SOURCE_LENGTH = 40
SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
"""LSP's numbers."""


def problem_line(problem: Problem) -> str:
    """One line without the place: `error: the message (source code)`."""
    message = label(bounded(" ".join(problem.message.split()), MESSAGE_LENGTH))
    parts = [bounded(each, SOURCE_LENGTH) for each in (problem.source, problem.code) if each]
    origin = f" ({label(' '.join(parts))})" if parts else ""
    return f"{SEVERITIES[problem.severity]}: {message}{origin}"


def bounded(text: str, limit: int) -> str:
    """At most so many characters of a text, with a mark where it was cut."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
