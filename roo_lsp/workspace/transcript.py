"""A stored task for people and programs: as Markdown, and as the JSON that lists and exports give."""

import time
from collections.abc import Iterable
from typing import Any

from roo_lsp.agent.messages import AssistantMessage, Message, ToolMessage, UserMessage
from roo_lsp.workspace.store import TaskSummary, message_json


def listed(task: TaskSummary) -> dict[str, Any]:
    """The summary as `roo.task.list` gives it; times are seconds since 1970."""
    return {
        "taskId": task.task_id,
        "title": task.title,
        "state": task.state,
        "mode": task.mode,
        "createdAt": task.created_at,
        "updatedAt": task.updated_at,
        "usage": {"inputTokens": task.input_tokens, "outputTokens": task.output_tokens},
        "cost": task.cost,
        "workspace": task.workspace,
    }


def exported(
    task: TaskSummary, messages: Iterable[Message], events: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The whole task as JSON."""
    return listed(task) | {
        "messages": [message_json(each) for each in messages],
        "events": list(events),
    }


def markdown(task: TaskSummary, messages: Iterable[Message]) -> str:
    """The conversation as Markdown."""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(task.created_at))
    parts = [f"# {task.title}", f"{began}, in `{task.workspace}`"]
    names: dict[str, str] = {}
    for message in messages:
        match message:
            case UserMessage(text):
                parts.append(f"## You\n\n{text}")
            case AssistantMessage(text, calls):
                parts.append("## Roo")
                parts += [text] if text else []
                for call in calls:
                    names[call.id] = call.name
                    parts.append(f"- **{call.name}**\n\n{fenced(call.arguments, 'json')}")
            case ToolMessage(call_id, text):
                name = names.get(call_id, "tool")
                body = fenced(text)
                parts.append(f"<details><summary>{name}: result</summary>\n\n{body}\n\n</details>")
    return "\n\n".join(parts) + "\n"


def fenced(text: str, language: str = "") -> str:
    """The text as a code block that nothing in it can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
