"""`skill`: instructions that the user keeps for one kind of task, read when they are needed."""

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.tool import (
    Arguments,
    Invocation,
    ShowOutput,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)


class CallSkill(Arguments):
    """Get the instructions of a skill, to follow them. Without a name: all skills there are."""

    skill: str | None = Field(None, description="Its name")
    args: str | None = Field(None, description="What it is used on")


async def prepare(arguments: CallSkill, context: ToolContext) -> Invocation:
    skills = {name: each for name, each in context.skills().items() if each.for_model}
    name = (arguments.skill or "").strip().removeprefix("/")
    if not name:
        listed = [f"- {each.name}: {each.description}" for each in skills.values()]
        text = "\n".join(listed) or "There are no skills."
        title = "List the skills"
    elif (found := skills.get(name)) is None:
        raise ToolError(f"There is no skill {name!r}. There are: {', '.join(skills) or 'none'}.")
    else:
        text, title = found.text(arguments.args or ""), f"Skill {found.name}"

    async def run(output: ShowOutput) -> ToolResult:
        del output
        return ToolResult(text)

    return Invocation(title, run)


TOOL = Tool(
    name="skill",
    kind=ToolKind.THINK,
    group="always",
    arguments=CallSkill,
    prepare=prepare,
    needs="skills",
)
