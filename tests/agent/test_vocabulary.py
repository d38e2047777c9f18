"""Calls in other agents' words: those that mean the same become ours, all others stay as they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.events import ToolCallStarted, ToolCallUpdated
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage
from roo_lsp.agent.ports import Finished, ToolCallFragment
from roo_lsp.agent.vocabulary import in_our_words, tool_meant, unknown_tool
from roo_lsp.tools import all_tools
from tests.support.scripted import AnswersWith, calls, rig, says, tool

TOOLS = all_tools()

Call = tuple[str, dict[str, Any]]

READ: Call = ("read_file", {"path": "a.py"})
WRITE: Call = ("write_to_file", {"path": "a.py", "content": "x\n"})
EDIT: Call = ("edit", {"file_path": "a.py", "old_string": "x", "new_string": "y"})
RUN: Call = ("execute_command", {"command": "make test"})
SEARCH: Call = ("search_files", {"path": "src", "regex": "a+"})
LIST: Call = ("list_files", {"path": "src"})
PLAN: Call = ("update_todo_list", {"todos": "- [x] find it\n- [-] mend it\n- [ ] test it"})

BLOCK = "<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE"
PLANNED = (("find it", "completed"), ("mend it", "in_progress"), ("test it", "pending"))


def plan(text: str, status: str = "status", **more: Any) -> list[dict[str, Any]]:
    return [{text: what, status: how, **more} for what, how in PLANNED]


VOCABULARIES: dict[str, list[tuple[Call, Call | None]]] = {
    "Roo Code": [
        (("read_file", {"files": [{"path": "a.py"}]}), READ),
        (("write_to_file", {"path": "a.py", "content": "x\n", "line_count": 1}), WRITE),
        (("search_replace", {"file_path": "a.py", "old_string": "x", "new_string": "y"}), EDIT),
        (("execute_command", {"command": "make test", "cwd": None}), RUN),
        (("search_files", {"path": "src", "regex": "a+", "file_pattern": None}), SEARCH),
        (("list_files", {"path": "src", "recursive": False}), ("list_files", {"path": "src", "recursive": False})),
        (("update_todo_list", {"todos": PLAN[1]["todos"]}), PLAN),
    ],
    "Cline": [
        (("read_file", {"path": "a.py", "task_progress": "- [x] a"}), READ),
        (("write_to_file", {"path": "a.py", "content": "x\n", "task_progress": ""}), WRITE),
        (("replace_in_file", {"path": "a.py", "diff": BLOCK}), ("apply_diff", {"path": "a.py", "diff": BLOCK})),
        (("execute_command", {"command": "make test", "requires_approval": False}), RUN),
        (("search_files", {"path": "src", "regex": "a+"}), SEARCH),
        (("list_files", {"path": "src"}), LIST),
        (("attempt_completion", {"result": "Done", "command": "open index.html"}), ("attempt_completion", {"result": "Done\n\nTo see it: `open index.html`"})),
    ],
    "Claude Code": [
        (("Read", {"file_path": "a.py"}), READ),
        (("Write", {"file_path": "a.py", "content": "x\n"}), WRITE),
        (("Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y"}), EDIT),
        (("Bash", {"command": "make test", "description": "Run the tests", "timeout": 120000}), ("execute_command", {"command": "make test", "timeout": 120.0})),
        (("Grep", {"pattern": "a+", "path": "src", "output_mode": "content", "-n": True}), SEARCH),
        (("LS", {"path": "src", "ignore": ["*.pyc"]}), LIST),
        (("TodoWrite", {"todos": plan("content", activeForm="Doing")}), PLAN),
    ],
    "Codex": [
        (("read_file", {"file_path": "a.py", "offset": 3, "limit": 10}), ("read_file", {"path": "a.py", "start_line": 3, "end_line": 13})),
        (("apply_patch", {"input": "*** Begin Patch"}), ("apply_patch", {"patch": "*** Begin Patch"})),
        (("shell", {"command": ["apply_patch", "*** Begin Patch"]}), ("apply_patch", {"patch": "*** Begin Patch"})),
        (("shell", {"command": ["bash", "-lc", "make test"], "workdir": "src", "timeout_ms": 2000}), ("execute_command", {"command": "make test", "cwd": "src", "timeout": 2.0})),
        (("grep_files", {"pattern": "a+", "path": "src", "limit": 100}), SEARCH),
        (("list_dir", {"dir_path": "src", "depth": 2}), ("list_files", {"path": "src", "recursive": True})),
        (("update_plan", {"explanation": "so", "plan": plan("step")}), PLAN),
    ],
    "Gemini CLI": [
        (("read_file", {"absolute_path": "a.py"}), READ),
        (("write_file", {"file_path": "a.py", "content": "x\n"}), WRITE),
        (("replace", {"file_path": "a.py", "instruction": "why", "old_string": "x", "new_string": "y", "expected_replacements": 1}), EDIT),
        (("run_shell_command", {"command": "make test", "description": "d", "dir_path": "src"}), ("execute_command", {"command": "make test", "cwd": "src"})),
        (("search_file_content", {"pattern": "a+", "dir_path": "src", "include": "*.py"}), ("search_files", {"path": "src", "regex": "a+", "file_pattern": "*.py"})),
        (("list_directory", {"dir_path": "src"}), LIST),
        (("write_todos", {"todos": plan("description")}), PLAN),
    ],
    "OpenCode": [
        (("read", {"filePath": "a.py", "offset": 0, "limit": 10}), ("read_file", {"path": "a.py", "start_line": 1, "end_line": 10})),
        (("write", {"filePath": "a.py", "content": "x\n"}), WRITE),
        (("edit", {"filePath": "a.py", "oldString": "x", "newString": "y"}), EDIT),
        (("bash", {"command": "make test", "description": "Runs the tests"}), RUN),
        (("grep", {"pattern": "a+", "path": "src"}), SEARCH),
        (("list", {"path": "src"}), LIST),
        (("todowrite", {"todos": plan("content", id="1", priority="high")}), PLAN),
    ],
    "Cursor": [
        (("read_file", {"target_file": "a.py", "should_read_entire_file": True, "explanation": "e"}), READ),
        (("write", {"file_path": "a.py", "contents": "x\n"}), WRITE),
        (("edit_file", {"target_file": "a.py", "instructions": "i", "code_edit": "// ... existing code ..."}), None),
        (("run_terminal_cmd", {"command": "make test", "is_background": False, "explanation": "e"}), RUN),
        (("grep_search", {"query": "a+", "include_pattern": "*.py", "case_sensitive": False}), ("search_files", {"path": ".", "regex": "(?i)a+", "file_pattern": "*.py"})),
        (("list_dir", {"relative_workspace_path": "src", "explanation": "e"}), LIST),
        (("delete_file", {"target_file": "a.py", "explanation": "e"}), ("apply_patch", {"patch": "*** Begin Patch\n*** Delete File: a.py\n*** End Patch"})),
    ],
    "GitHub Copilot": [
        (("read_file", {"filePath": "a.py", "startLine": 1, "endLine": 9}), ("read_file", {"path": "a.py", "start_line": 1, "end_line": 9})),
        (("create_file", {"filePath": "a.py", "content": "x\n"}), WRITE),
        (("replace_string_in_file", {"filePath": "a.py", "oldString": "x", "newString": "y", "explanation": "e"}), EDIT),
        (("run_in_terminal", {"command": "make test", "explanation": "e", "goal": "g", "isBackground": False}), RUN),
        (("grep_search", {"query": "a+", "isRegexp": True}), ("search_files", {"path": ".", "regex": "a+"})),
        (("list_dir", {"path": "src"}), LIST),
        (("manage_todo_list", {"operation": "write", "todoList": plan("title", id=1)}), PLAN),
    ],
    "OpenHands": [
        (("str_replace_editor", {"command": "view", "path": "a.py", "view_range": [2, -1]}), ("read_file", {"path": "a.py", "start_line": 2})),
        (("str_replace_editor", {"command": "create", "path": "a.py", "file_text": "x\n"}), WRITE),
        (("str_replace_editor", {"command": "str_replace", "path": "a.py", "old_str": "x", "new_str": "y"}), EDIT),
        (("execute_bash", {"command": "make test", "is_input": "false", "security_risk": "LOW"}), RUN),
        (("grep", {"pattern": "a+", "path": "src", "include": None}), SEARCH),
        (("str_replace_editor", {"command": "insert", "path": "a.py", "insert_line": 1, "new_str": "x"}), None),
        (("finish", {"message": "Done", "task_completed": "true"}), ("attempt_completion", {"result": "Done"})),
    ],
}  # fmt: skip
"""Seven typical calls of each: read, write, edit, run, search, list, and one to plan or finish."""

EACH = [(agent, *pair) for agent, pairs in VOCABULARIES.items() for pair in pairs]


def taken(name: str, arguments: dict[str, Any]) -> Call:
    ours, text = in_our_words(name, json.dumps(arguments), TOOLS) or (name, json.dumps(arguments))
    return ours, json.loads(text)


@pytest.mark.parametrize(("agent", "theirs", "ours"), EACH, ids=lambda each: str(each)[:60])
def test_a_call_in_another_agents_words_becomes_ours(agent: str, theirs: Call, ours: Call | None):
    assert agent
    name, arguments = taken(*theirs)
    if ours is None:
        assert name not in TOOLS or set(theirs[1]) & set(arguments)
        return
    plain = {key: value for key, value in arguments.items() if value is not None}
    assert (name, plain) == ours
    TOOLS[name].parse(json.dumps(arguments))


def test_of_seven_calls_at_least_five_are_taken_in_nine_vocabularies():
    assert len(VOCABULARIES) >= 9
    for pairs in VOCABULARIES.values():
        assert len(pairs) == 7
        assert sum(ours is not None for _, ours in pairs) >= 5


MORE: list[tuple[Call, Call]] = [
    (("ReadFile", {"filepath": "a.py"}), READ),
    (("read-file", {"path": "a.py", "offset": None, "limit": None}), READ),
    (("functions.Read", {"file_path": "a.py", "offset": 5}), ("read_file", {"path": "a.py", "start_line": 5})),
    (("read_file", {"args": {"file": {"path": "a.py"}}}), READ),
    (("read_file", {"path": "a.py", "mode": "indentation", "indentation": {"anchor_line": 4}}), ("read_file", {"path": "a.py", "around_line": 4})),
    (("view", {"path": "a.py", "view_range": [3, 9]}), ("read_file", {"path": "a.py", "start_line": 3, "end_line": 9})),
    (("write_to_file", {"file_path": "a.py", "contents": "x\n"}), WRITE),
    (("edit", {"path": "a.py", "old_str": "x", "new_str": "y", "replaceAll": True}), ("edit", {**EDIT[1], "replace_all": True})),
    (("str_replace_based_edit_tool", {"command": "str_replace", "path": "a.py", "old_str": "x"}), ("edit", {**EDIT[1], "new_string": ""})),
    (("execute_command", {"cmd": "make test", "workdir": "src"}), ("execute_command", {"command": "make test", "cwd": "src"})),
    (("execute_command", {"command": ["ls", "a b"]}), ("execute_command", {"command": "ls 'a b'"})),
    (("execute_command", {"command": "```bash\nmake test\n```"}), RUN),
    (("execute_command", {"command": "$ make test"}), RUN),
    (("Bash", {"command": "serve", "run_in_background": True}), ("execute_command", {"command": "serve", "timeout": 5})),
    (("exec_command", {"cmd": "serve", "sandbox_permissions": "require_escalated", "justification": "j"}), ("execute_command", {"command": "serve", "no_sandbox": True})),
    (("search_files", {"pattern": "a+", "path": "src", "type": None}), SEARCH),
    (("Grep", {"pattern": "a+", "path": "src", "type": "rust", "-i": True, "-C": 3}), ("search_files", {"path": "src", "regex": "(?i)a+", "file_pattern": "*.rs"})),
    (("grep_search", {"query": "f(x)", "isRegexp": False}), ("search_files", {"path": ".", "regex": r"f\(x\)"})),
    (("list_files", {"recursive": True}), ("list_files", {"path": ".", "recursive": True})),
    (("update_todo_list", {"todos": json.dumps(plan("content"))}), PLAN),
    (("update_todo_list", {"todos": ["a", "- [x] b"]}), ("update_todo_list", {"todos": "- [ ] a\n- [x] b"})),
    (("ask_followup_question", {"question": "Q?", "options": ["a", "b"]}), ("ask_followup_question", {"question": "Q?", "follow_up": ["a", "b"]})),
    (("ask_followup_question", {"question": "Q?"}), ("ask_followup_question", {"question": "Q?", "follow_up": []})),
    (("ask_followup_question", {"question": "Q?", "follow_up": '[{"text": "a", "mode": "code"}]'}), ("ask_followup_question", {"question": "Q?", "follow_up": ["a"]})),
    (("AskUserQuestion", {"questions": [{"question": "Q?", "header": "H", "multiSelect": False, "options": [{"label": "a", "description": "d"}]}]}), ("ask_followup_question", {"question": "Q?", "follow_up": ["a"]})),
    (("MultiEdit", {"file_path": "a.py", "edits": [{"old_string": "x", "new_string": "y"}, {"old_string": "p", "new_string": "q", "replace_all": True}]}), ("edit", {**EDIT[1], "more": [{"old_string": "p", "new_string": "q", "replace_all": True}]})),
    (("finish", {"message": "Done"}), ("attempt_completion", {"result": "Done"})),
    (("attempt_completion", {"result": "Done", "command": " "}), ("attempt_completion", {"result": "Done"})),
    (("str_replace_editor", {"command": "str_replace", "path": "a.py", "old_str": "x", "new_str": None}), ("edit", {**EDIT[1], "new_string": ""})),
    (("MultiEdit", {"file_path": "a.py", "edits": [{"old_string": "x", "new_string": "y"}]}), EDIT),
    (("Bash", {"command": "make test", "timeout": 0}), RUN),
    (("todo_write", {"todos": [{"task": "a", "completed": True}, {"task": "b", "done": False}]}), ("update_todo_list", {"todos": "- [x] a\n- [ ] b"})),
    (("AskUserQuestion", {"questions": [{"question": "Q?"}]}), ("ask_followup_question", {"question": "Q?", "follow_up": []})),
    (("ask_followup_question", {"question": "Q?", "follow_up": "- a\n* b\n\n"}), ("ask_followup_question", {"question": "Q?", "follow_up": ["a", "b"]})),
    (("ask_followup_question", {"question": "Q?", "options": "[a\nb"}), ("ask_followup_question", {"question": "Q?", "follow_up": ["[a", "b"]})),
]  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), MORE, ids=lambda each: str(each)[:70])
def test_other_forms_of_what_means_the_same_are_taken(theirs: Call, ours: Call):
    name, arguments = taken(*theirs)
    assert (name, {k: v for k, v in arguments.items() if v is not None}) == ours
    TOOLS[name].parse(json.dumps(arguments))


NOT_THE_SAME: list[Call] = [
    ("execute_command", {"command": "rm a", "requires_approval": True}),
    ("run_command", {"CommandLine": "rm a", "SafeToAutoRun": False}),
    ("write_to_file", {"path": "a", "content": "x", "append": True}),
    ("edit", {"file_path": "a", "old_string": "x", "new_string": "y", "expected_replacements": 3}),
    ("edit", {"file_path": "a", "old_string": "x+", "new_string": "y", "use_regex": True}),
    ("edit", {"file_path": "a", "path": "b", "old_string": "x", "new_string": "y"}),
    (
        "MultiEdit",
        {
            "file_path": "a",
            "edits": [
                {"old_string": "x", "new_string": "y"},
                {"old_string": "x+", "new_string": "y", "regex": True},
            ],
        },
    ),
    ("todo_write", {"merge": True, "todos": plan("content")}),
    ("read_file", {"files": [{"path": "a"}, {"path": "b"}]}),
    ("read_file", {"files": [{"path": "a", "line_ranges": ["1-2"]}]}),
    ("apply_patch", {"path": "a", "diff": "x"}),
    ("delete_file", {"path": "a", "recursive": True}),
    ("delete_file", {"path": "a\n*** Delete File: b"}),
    ("Bash", {"command": "python", "restart": True}),
    ("execute_bash", {"command": "y", "is_input": "true"}),
    ("Grep", {"pattern": "a", "multiline": True}),
    ("ask_followup_question", {"question": "Q?", "options": ["a"], "multiSelect": True}),
    ("AskUserQuestion", {"questions": [{"question": "Q?", "multiSelect": True}]}),
    ("view", {"path": "a", "view_range": "all"}),
    ("LS", {"path": "a", "depth": "deep"}),
    ("Grep", {"pattern": 5, "-i": True}),
    ("Bash", {"command": []}),
    ("todo_write", {"todos": [5]}),
    ("todo_write", {"todos": [{"content": "a", "status": "perhaps"}]}),
    ("delete_file", {"recursive": True}),
]


@pytest.mark.parametrize("theirs", NOT_THE_SAME, ids=str)
def test_what_would_do_something_else_is_told_and_not_done(theirs: Call):
    name, arguments = taken(*theirs)
    if name in TOOLS:
        with pytest.raises(ToolError):
            TOOLS[name].parse(json.dumps(arguments))


def test_a_deletion_that_names_no_file_is_given_none():
    assert taken("delete_file", {"recursive": True}) == ("apply_patch", {"recursive": True})


async def test_an_argument_that_would_change_what_an_edit_does_is_not_left_out_silently():
    writes = tool("write", group="edit")
    it = rig(calls(("write", '{"word": "a", "append": true}')), says("ok"), tools=[writes])
    await run_turn(it.agent)
    assert "append: Extra inputs are not permitted" in it.results[0]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("Glob", "list_files {path, recursive}"),
        ("codebase_search", "search_files {path, regex, file_pattern"),
        ("str_replace_editor", "apply_diff {path, diff}"),
        ("MultiEditt", "edit {file_path, old_string, new_string"),
        ("list_fils", "list_files {path, recursive}"),
        ("teleport", None),
    ],
)
def test_an_unknown_tool_is_answered_with_what_comes_nearest(name: str, nearest: str | None):
    told = unknown_tool(name, TOOLS)
    assert (f"What comes nearest: {nearest}" in told) if nearest else "nearest" not in told
    assert "The tools are: apply_diff, " in told


def test_a_name_is_that_of_the_one_tool_it_can_mean():
    tools = ("read_file", "Run", "run", "functions.own")
    assert tool_meant("read_file", tools) == "read_file"
    assert tool_meant("READ_FILE", tools) == "read_file"
    assert tool_meant(" functions.read_file", tools) == "read_file"
    assert tool_meant("default_api.Read_File", tools) == "read_file"
    assert tool_meant("functions.own", tools) == "functions.own"
    assert tool_meant("RUN", tools) is None
    assert tool_meant("read", tools) == "read_file"
    assert tool_meant("write", tools) is None
    assert tool_meant("other.read_file", tools) is None
    assert tool_meant("github__read_file", tools) is None


async def test_a_tool_of_that_name_comes_before_what_another_agent_calls_so():
    it = rig(calls(("Read", '{"word": "a"}')), says("ok"), tools=[tool("Read"), TOOLS["read_file"]])
    await run_turn(it.agent)
    assert it.results == ["a"]


async def test_what_is_shown_run_and_stored_has_our_names():
    asks = TOOLS["ask_followup_question"]
    theirs = '{"message": "Q?", "options": ["a"]}'
    people = AnswersWith(answers=["a"])
    it = rig(calls(("AskUser", theirs)), says("ok"), tools=[asks], people=people)
    await run_turn(it.agent)
    (began,) = it.of(ToolCallStarted)
    assert began.tool == asks.name
    stored = next(m for m in it.agent.history.messages if isinstance(m, AssistantMessage))
    assert stored.calls[0].name == asks.name
    ours = {"question": "Q?", "follow_up": ["a"]}
    assert json.loads(stored.calls[0].arguments) == ours
    assert next(each for each in it.of(ToolCallUpdated) if each.raw_input).raw_input == ours
    assert it.results == ["The user answered: a"]


async def test_a_call_of_a_tool_that_is_several_is_none_of_them_where_its_arguments_are_broken():
    it = rig(
        calls(("str_replace_editor", '{"command": view')), says("ok"), tools=[TOOLS["read_file"]]
    )
    await run_turn(it.agent)
    assert [began.tool for began in it.of(ToolCallStarted)] == ["str_replace_editor"]
    assert "not valid JSON" in it.results[0]


async def test_a_tool_that_is_several_is_shown_once_it_is_known_which(tmp_path: Path):
    (tmp_path / "a.py").touch()
    path = (tmp_path / "a.py").as_posix()
    text = f'{{"command": "view", "path": "{path}"}}'
    pieces = [ToolCallFragment(0, "call_1", "str_replace_editor", piece) for piece in text]
    it = rig([*pieces, Finished("tool_calls")], says("ok"), tools=[TOOLS["read_file"]])
    await run_turn(it.agent)
    (began,) = it.of(ToolCallStarted)
    assert began.tool == "read_file"
    shown = next(each for each in it.of(ToolCallUpdated) if each.raw_input)
    assert shown.raw_input == {"path": path}
