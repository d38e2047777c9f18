"""Modes: what role the agent plays and which groups of tools it has. Data, enforced by the gate."""

from collections.abc import Mapping
from dataclasses import dataclass

from roo_lsp.agent.tool import Group

MODE_GROUPS: frozenset[Group] = frozenset({"read", "edit", "execute", "mcp"})
"""Groups that a mode gives or withholds; the others are there in every mode."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode as Roo knows it."""

    slug: str
    name: str
    role: str
    groups: Mapping[Group, str | None]
    """Each with the expression that edited paths must match, as JavaScript reads it; or None."""
    instructions: str = ""
    description: str = ""
    """What it is for, for people."""
    when_to_use: str = ""
    """The same for the model, where that is to be told in other words."""
    files: str = ""
    """What the expression means, in words."""
    source: str = "built-in"
    """Where it comes from: the file, or the setting."""

    def allows(self, group: Group) -> bool:
        """True when tools of the group are offered in this mode."""
        return group not in MODE_GROUPS or group in self.groups

    @property
    def only_looks(self) -> bool:
        """True where nothing of the workspace can be changed in it."""
        return not (self.allows("edit") or self.allows("execute"))

    @property
    def purpose(self) -> str:
        """When to use it, on one line, whatever it says of itself."""
        said = self.when_to_use or self.description or self.role
        return " ".join(said.split())


Modes = Mapping[str, Mode]
"""What modes there are, by their slugs."""

MODES: Modes = {
    mode.slug: mode
    for mode in (
        Mode(
            "code",
            "Code",
            "You are Roo, a software engineer who works in the user's editor: you read, change and "
            "run code until the task is done.",
            {"read": None, "edit": None, "execute": None, "mcp": None},
            description="Changes and runs code",
        ),
        Mode(
            "ask",
            "Ask",
            "You are Roo, who explains code and answers questions about it. You change nothing.",
            {"read": None, "mcp": None},
            description="Answers questions, changes nothing",
        ),
        Mode(
            "architect",
            "Architect",
            "You are Roo, who plans: you study the code, weigh ways to do the task, and write the "
            "plan down in Markdown files.",
            {"read": None, "edit": r"\.md$", "mcp": None},
            description="Plans, and edits Markdown only",
            files="Markdown",
        ),
        Mode(
            "debug",
            "Debug",
            "You are Roo, who finds the cause of a fault before mending it.",
            {"read": None, "edit": None, "execute": None, "mcp": None},
            "State the two or three likeliest causes, test them with the cheapest evidence first, "
            "and say what the evidence shows before you change code.",
            description="Finds the cause of a fault, then mends it",
        ),
        Mode(
            "orchestrator",
            "Orchestrator",
            "You are Roo, who leads: you split what is to be done into parts, have each done by a "
            "subtask in the mode that fits it, and put together what they bring back.",
            {},
            "Begin a part with new_task. Its subtask sees nothing of this conversation: say all that it "
            "has to know, what is to come of it, what is not its part, and what to report. Begin parts "
            "that only look in one answer: they run side by side. Judge each result before the next "
            "part, and end with what all of it came to.",
            description="Splits a large task into subtasks",
        ),
    )
}


def names_of(modes: Modes) -> str:
    """All of them, for a sentence that says which there are."""
    return ", ".join(modes)
