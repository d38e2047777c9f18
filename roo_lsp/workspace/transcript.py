"""A stored task for people and programs: as Markdown, and as the JSON that lists and exports give.

Nothing that was said is trusted as Markdown: no image is fetched, no link or HTML made of it, and
none of it passes for a heading of the transcript's own.
"""

import re
import time
from collections.abc import Iterable
from typing import Any

from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    Rewound,
    ToolMessage,
    UserMessage,
)
from roo_lsp.workspace.escapes import label, plain
from roo_lsp.workspace.store import message_json
from roo_lsp.workspace.task_index import TaskSummary


def listed(task: TaskSummary) -> dict[str, Any]:
    """The summary as `roo.task.list` gives it; times are seconds since 1970."""
    parent = {"parentTaskId": task.parent_task_id} if task.parent_task_id else {}
    return {
        "taskId": task.task_id,
        **parent,
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
    task: TaskSummary, entries: Iterable[HistoryEntry], events: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """The whole task as JSON: all that was said, and where the model was sent less from then on."""
    return listed(task) | {
        "messages": [message_json(each) for each in entries],
        "events": list(events),
    }


def markdown(task: TaskSummary, entries: Iterable[HistoryEntry]) -> str:
    """The whole conversation as Markdown, also what the model is not sent any more."""
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(task.created_at))
    parts = [f"# {tame(label(task.title))}", f"{began}, in {tame(label(task.workspace))}"]
    names: dict[str, str] = {}
    for entry in entries:
        match entry:
            case UserMessage(text, shown=shown):
                parts += [f"## You\n\n{tame(text)}"] if text or not shown else []
                parts += [_folded("What went along", _code(shown))] if shown else []
            case AssistantMessage(text, calls):
                parts.append("## Roo")
                parts += [tame(text)] if text else []
                for call in calls:
                    names[call.id] = name = _NO_NAME.sub("?", call.name)
                    parts.append(f"- **{name}**\n\n{_code(call.arguments, 'json')}")
            case ToolMessage(call_id, text):
                name = names.get(call_id, "tool")
                body = _code(text)
                parts.append(_folded(f"{name}: result", body))
            case Condensed(text, kept):
                parts.append(_condensed(text, kept))
            case Rewound(length):
                parts.append(
                    f"---\n\n*You went back: of all above, the first {length} entries stand.*"
                )
    return "\n\n".join(parts) + "\n"


def _condensed(text: str, kept: int) -> str:
    newest = f", and for the {kept} newest messages those themselves" if kept else ""
    what = f"Condensed: from here on the model is sent this for all of the above{newest}"
    return f"---\n\n{_folded(what, _code(text))}"


def _folded(what: str, body: str) -> str:
    return f"<details><summary>{what}</summary>\n\n{body}\n\n</details>"


_BACKTICKS = re.compile(r"`+")
_NO_NAME = re.compile(r"[^\w.-]", re.ASCII)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([\w+#.-]*)[^`]*$")
_ACTIVE = re.compile(r"[\\`<\[\]~]")
"""What begins code, HTML, links and images, or takes such a sign's escape away."""
_SPAN = re.compile(r"(?<!`)(`[^`|]+`)(?!`)")
"""Code within a line; not with a `|` in it, for a table would cut it in two."""
_STRUCTURE = re.compile(r"^((?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*)(#|=+[ \t]*$|-+[ \t]*$)")
"""Headings, and the lines below text that make one of it; in lists and quotations too."""


def tame(text: str) -> str:
    """Markdown of others without images, links, HTML and headings; code blocks stay code blocks.

    Outside of code every sign that could start one of those is escaped, and code gets a fence of
    ours around it, so a reader that sees blocks elsewhere than we do finds nothing alive either.
    """
    shown: list[str] = []
    code: list[str] = []
    fence = language = ""
    for line in plain(_tabs(text)).split("\n"):
        found = _FENCE.match(line)
        if fence:
            if found and found[1].startswith(fence) and not line.strip(" \t" + fence[0]):
                shown.append(fenced("\n".join(code), language))
                fence, code = "", []
            else:
                code.append(line)
        elif found:
            fence, language = found[1], found[2]
        else:
            shown.append(_tame_line(line))
    if fence:
        shown.append(fenced("\n".join(code), language))
    return "\n".join(shown)


def _tame_line(line: str) -> str:
    pieces = _SPAN.split(line)  # every second one is code
    pieces[::2] = [_ACTIVE.sub(r"\\\g<0>", each) for each in pieces[::2]]
    return _STRUCTURE.sub(r"\1\\\2", "".join(pieces))


def _code(text: str, language: str = "") -> str:
    return fenced(plain(_tabs(text)).rstrip(), language)


def _tabs(text: str) -> str:
    """Line breaks of every system as one, and tabs as blanks: they are layout here, not a trick."""
    return text.replace("\r\n", "\n").expandtabs(4)


def fenced(text: str, language: str = "") -> str:
    """Exactly the text as a code block that nothing in it can end."""
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
