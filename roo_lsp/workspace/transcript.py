"""A stored task for people and programs: as Markdown, and as the JSON that lists and exports give."""

import time
from collections.abc import Iterable
from typing import Any

from roo_lsp.agent.messages import AssistantMessage, Condensed, Entry, ToolMessage, UserMessage
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
    task: TaskSummary, entries: Iterable[Entry], events: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The whole task as JSON: all that was said, and where the model was sent less from then on."""
    return listed(task) | {
        "messages": [message_json(each) for each in entries],
        "events": list(events),
    }


def markdown(task: TaskSummary, entries: Iterable[Entry]) -> str:
    """The whole conversation as Markdown, also what the model is not sent any more."""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(task.created_at))
    parts = [f"# {task.title}", f"{began}, in `{task.workspace}`"]
    names: dict[str, str] = {}
    for entry in entries:
        match entry:
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
            case Condensed(text, kept):
                parts.append(_condensed(text, kept))
    return "\n\n".join(parts) + "\n"


def _condensed(text: str, kept: int) -> str:
    newest = f", and for the {kept} newest messages those themselves" if kept else ""
    what = f"Condensed: from here on the model is sent this for all of the above{newest}"
    return f"---\n\n<details><summary>{what}</summary>\n\n{fenced(text)}\n\n</details>"


def fenced(text: str, language: str = "") -> str:
    """The text as a code block that nothing in it can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
