"""Values of arguments as other agents give them, put as our tools take them.

Each function takes the arguments of one of our tools, by our names, and changes what has one
meaning only; what is left is for the tool to complain about.
"""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from typing import cast

from roo_lsp.agent.json_values import JsonObject


def folded(name: str) -> str:
    """A name as it is compared: `filePath`, `file_path` and `File-Path` are one."""
    return re.sub(r"[-_\s]", "", name).lower()


def pop(taken: JsonObject, *keys: str) -> object:
    """Takes the first of these arguments away, whatever their spelling; None where there is none."""
    wanted = set(map(folded, keys))
    found = next((key for key in taken if folded(key) in wanted), None)
    return None if found is None else taken.pop(found)


def _reading(taken: JsonObject) -> None:
    _from_list_of_files(taken)
    match pop(taken, "view_range", "read_range", "line_range"):
        case None:
            pass
        case [int(first), int(last)] if first >= 0:
            taken["start_line"] = max(1, first)
            if last > 0:
                taken["end_line"] = last
        case other:
            taken["view_range"] = other
    first, count = pop(taken, "offset"), pop(taken, "limit")
    if _counts(first) or _counts(count):
        start = first if isinstance(first, int) else 0
        taken["start_line"] = max(1, start)
        if isinstance(count, int) and count > 0:  # one more: some count lines from 0
            taken["end_line"] = max(1, start) + count - (not start)
    else:
        taken |= {k: v for k, v in (("offset", first), ("limit", count)) if v is not None}
    line = _object(taken.get("indentation")).get("anchor_line")
    if taken.get("mode") == "indentation" and isinstance(line, int):
        del taken["mode"], taken["indentation"]
        taken["around_line"] = line


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _from_list_of_files(taken: JsonObject) -> None:
    """Roo's and Kilo's `{"files": [{"path": …}]}`, also inside `args`, where it is one file."""
    if "path" in taken:
        return
    holder = _object(taken.get("args")) or taken
    key = next((key for key in ("file", "files", "paths") if key in holder), None)
    file = holder.get(key) if key else None
    file = _only(file) or file
    path = file if isinstance(file, str) else _object(file).get("path")
    if isinstance(path, str) and key and len(_object(file)) <= 1:
        taken.pop("args", None)
        taken.pop(key, None)
        taken["path"] = path


def _only(value: object) -> object:
    """The one item of a list; None where it is none, or has not one."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return items[0] if len(items) == 1 else None


def _object(value: object) -> JsonObject:
    """The object that a value is; else an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def _listing(taken: JsonObject) -> None:
    taken.setdefault("path", ".")
    depth = pop(taken, "depth")
    if isinstance(depth, int) and depth > 1:
        taken.setdefault("recursive", True)
    elif depth is not None:
        taken["depth"] = depth


_TYPES = {
    **{
        each: each
        for each in [
            "py",
            "js",
            "ts",
            "go",
            "java",
            "c",
            "h",
            "cpp",
            "rb",
            "php",
            "css",
            "html",
            "md",
            "json",
            "toml",
            "lua",
            "sh",
        ]
    },
    "python": "py",
    "rust": "rs",
    "javascript": "js",
    "typescript": "ts",
    "markdown": "md",
}
"""Types of ripgrep that are one ending."""


def _searching(taken: JsonObject) -> None:
    taken.setdefault("path", ".")
    kind = taken.get("type")
    if kind in _TYPES and not taken.get("file_pattern"):
        del taken["type"]
        taken["file_pattern"] = f"*.{_TYPES[cast('str', kind)]}"
    regex = taken.get("regex")
    if not isinstance(regex, str):
        return
    if _take(taken, "isRegexp", is_=False) or _take(taken, "literal_text", is_=True):
        regex = _RUST_META.sub(r"\\\g<0>", regex)
    if _take(taken, "-i", is_=True) or _take(taken, "case_sensitive", is_=False):
        regex = f"(?i){regex}"
    taken["regex"] = regex


_RUST_META = re.compile(r"[\\.+*?()|\[\]{}^$#&~-]")


def _take(taken: JsonObject, key: str, *, is_: bool) -> bool:
    """Takes an argument away that has this value, whatever its spelling."""
    found = next((each for each in taken if folded(each) == folded(key)), None)
    if found is None or taken[found] is not is_:
        return False
    del taken[found]
    return True


def _commanding(taken: JsonObject) -> None:
    match cast("list[object]", taken.get("command")):
        case ["bash" | "sh" | "/bin/bash" | "zsh", "-c" | "-lc", str(script)]:
            taken["command"] = script
        case list() as parts if parts and all(isinstance(part, str) for part in parts):
            taken["command"] = shlex.join(cast("list[str]", parts))
        case _:
            pass
    if isinstance(command := taken.get("command"), str):
        taken["command"] = _bare_command(command)
    match pop(taken, "timeout_ms", "timeoutMs"):
        case int() | float() as milliseconds if milliseconds > 0:
            taken.setdefault("timeout", milliseconds / 1000)
        case _:
            pass
    if (
        _take(taken, "is_background", is_=True)
        or _take(taken, "run_in_background", is_=True)
        or _take(taken, "blocking", is_=False)
    ):
        taken["timeout"] = min(cast("float", taken.get("timeout") or AT_ONCE), AT_ONCE)
    if taken.get("sandbox_permissions") == "require_escalated":
        del taken["sandbox_permissions"]
        taken["no_sandbox"] = True


def in_seconds(taken: JsonObject) -> None:
    """Claude Code, OpenCode and Copilot count milliseconds, and nobody waits 1000 seconds."""
    timeout = taken.get("timeout")
    if isinstance(timeout, int | float) and timeout >= 1000:
        taken["timeout"] = timeout / 1000
    elif timeout == 0:
        del taken["timeout"]


AT_ONCE = 5
"""Seconds after which a command goes on in the background that is meant to: it may fail at once."""

_FENCED = re.compile(r"\s*```(?:bash|sh|shell|zsh|console)?[ \t]*\n(.*?)\n```\s*", re.DOTALL)


def _bare_command(command: str) -> str:
    """The command without a code fence round all of it, and without a prompt's `$ ` on each line."""
    fenced = _FENCED.fullmatch(command)
    if fenced and "```" not in fenced[1]:
        command = fenced[1]
    lines = command.strip().split("\n")
    if all(line.startswith("$ ") for line in lines):
        command = "\n".join(line[2:] for line in lines)
    return command


_MARKS = {
    **dict.fromkeys(("completed", "complete", "done", "finished", "cancelled", "canceled"), "x"),
    **dict.fromkeys(("inprogress", "active", "doing", "started", "current"), "-"),
    **dict.fromkeys(("pending", "open", "todo", "notstarted", "", "none"), " "),
}


def _planning(taken: JsonObject) -> None:
    todos = _decoded(taken.get("todos"))
    if isinstance(todos, list):
        lines = [_entry(each) for each in cast("list[object]", todos)]
        if all(line is not None for line in lines):
            taken["todos"] = "\n".join(line for line in lines if line)


def _entry(item: object) -> str | None:
    """An entry of a list as a line of ours; None where it cannot be told what it says."""
    match item:
        case str(text) if re.match(r"\s*(?:[-*+]|\d+[.)])?\s*\[.\]", text):
            return " ".join(text.split())
        case str(text) if text.strip():
            return f"- [ ] {' '.join(text.split())}"
        case dict():
            entry = cast("JsonObject", item)
        case _:
            return None
    text = next((t for k in _TEXTS if isinstance(t := entry.get(k), str) and t.strip()), None)
    status = entry.get("status", entry.get("state", ""))
    if isinstance(done := entry.get("completed", entry.get("done")), bool):
        status = "done" if done else status
    mark = _MARKS.get(folded(str(status)))
    if text is None or mark is None:
        return None
    gone = " (cancelled)" if str(status).startswith("cancel") else ""
    return f"- [{mark}] {' '.join(text.split())}{gone}"


_TEXTS = ("content", "step", "title", "text", "task", "description", "name", "label", "answer")


def _asking(taken: JsonObject) -> None:
    asked = _object(_only(_decoded(taken.get("questions"))))
    if "question" in asked and "question" not in taken:
        del taken["questions"]
        taken["question"] = asked["question"]
        if "options" in asked:
            taken["follow_up"] = asked["options"]
        if asked.get("multiSelect"):
            taken["multiSelect"] = True
    answers = _decoded(taken.get("follow_up"))
    if isinstance(answers, str):
        answers = [line for each in answers.splitlines() if (line := each.strip(" -*"))]
    if isinstance(answers, list):
        answers = [_answer(each) for each in cast("list[object]", answers)]
    taken["follow_up"] = [] if answers is None else answers


def _answer(item: object) -> object:
    entry = _object(item)
    found = (entry.get(key) for key in ("text", "answer", "label", "value", "title"))
    return next((each for each in found if isinstance(each, str)), item)


def _decoded(value: object) -> object:
    """A list that came as the JSON text of one."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            return cast("object", json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _completing(taken: JsonObject) -> None:
    command, result = taken.get("command"), taken.get("result")
    if isinstance(result, str) and isinstance(command, str):
        del taken["command"]
        if command.strip():  # one that shows the result: for the user to run
            taken["result"] = f"{result}\n\nTo see it: `{command.strip()}`"


def _editing(taken: JsonObject) -> None:
    """Claude Code's `{"edits": [{"old_string": …}, …]}`: the first one, and `more`."""
    edits = _decoded(taken.get("edits"))
    changes = (
        [_object(each) for each in cast("list[object]", edits)] if isinstance(edits, list) else []
    )
    if (
        changes
        and "old_string" not in taken
        and all(len(c) > 0 and set(c) <= _CHANGE for c in changes)
    ):
        del taken["edits"]
        taken |= changes[0]
        if changes[1:]:
            taken["more"] = changes[1:]


_CHANGE = {"old_string", "new_string", "replace_all"}


CHANGES: Mapping[str, Callable[[JsonObject], None]] = {
    "read_file": _reading,
    "list_files": _listing,
    "search_files": _searching,
    "edit": _editing,
    "execute_command": _commanding,
    "update_todo_list": _planning,
    "ask_followup_question": _asking,
    "attempt_completion": _completing,
}
"""What has to be made of values, once the names are ours."""
