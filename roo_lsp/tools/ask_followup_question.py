"""`ask_followup_question`: what only the user can say."""

from typing import Any, cast

from pydantic import Field, field_validator

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
from roo_lsp.tools._text import title_line


class AskFollowupQuestion(Arguments):
    """Ask the user what you can neither find out nor sensibly assume, and wait for the answer."""

    question: str = Field(description="One clear question")
    follow_up: list[str] = Field(
        max_length=4,
        description="Up to 4 answers to choose from; the user may write another",
    )

    @field_validator("follow_up", mode="before")
    @classmethod
    def _of_texts(cls, value: Any) -> Any:
        """Some models have learnt to wrap each answer: `{"text": …}`."""
        if not isinstance(value, list):
            return value
        return [_unwrapped(each) for each in cast("list[Any]", value)]


def _unwrapped(answer: Any) -> Any:
    match answer:
        case {"text": str(text)}:
            return text
        case _:
            return answer


async def prepare(arguments: AskFollowupQuestion, context: ToolContext) -> Invocation:
    if not arguments.question.strip():
        raise ToolError("The question is empty.")

    async def run(output: ShowOutput) -> ToolResult:
        del output
        answer = await context.asker.ask(arguments.question, arguments.follow_up)
        return ToolResult(f"The user answered: {answer}", settled=True)

    return Invocation(title_line(f"Ask: {arguments.question}"), run)


TOOL = Tool(
    name="ask_followup_question",
    kind=ToolKind.OTHER,
    group="always",
    arguments=AskFollowupQuestion,
    prepare=prepare,
    asks=True,
    told_elsewhere=True,
)
