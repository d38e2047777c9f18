"""Modes: what role the agent plays and which groups of tools it has. Data, enforced by the gate."""

from dataclasses import dataclass

from roo_lsp.agent.tool import Group


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode as Roo knows it; a group's value is a regex that edited paths must match, or none."""

    slug: str
    name: str
    role: str
    groups: dict[Group, str | None]
    instructions: str = ""

    def allows(self, group: Group) -> bool:
        """True when tools of the group are offered in this mode."""
        return group == "always" or group in self.groups


MODES: dict[str, Mode] = {
    mode.slug: mode
    for mode in (
        Mode(
            "code",
            "Code",
            "You are Roo, a software engineer who works in the user's editor: you read, change and "
            "run code until the task is done.",
            {"read": None, "edit": None, "execute": None, "mcp": None},
        ),
        Mode(
            "ask",
            "Ask",
            "You are Roo, who explains code and answers questions about it. You change nothing.",
            {"read": None, "mcp": None},
        ),
        Mode(
            "architect",
            "Architect",
            "You are Roo, who plans: you study the code, weigh ways to do the task, and write the "
            "plan down in Markdown files.",
            {"read": None, "edit": r"\.md$", "mcp": None},
        ),
        Mode(
            "debug",
            "Debug",
            "You are Roo, who finds the cause of a fault before mending it.",
            {"read": None, "edit": None, "execute": None, "mcp": None},
            "State the two or three likeliest causes, test them with the cheapest evidence first, "
            "and say what the evidence shows before you change code.",
        ),
    )
}
