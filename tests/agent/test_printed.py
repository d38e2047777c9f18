"""Calls that are only text: each form is known, and what only speaks of a tool is none."""

import pytest

from roo_lsp.agent.printed import printed_call

TOOLS = ("read_file", "write_to_file", "list_files", "execute_command", "apply_diff")
CALL = '{"name": "read_file", "arguments": {"path": "a"}}'

PRINTED = {
    f"<tool_call>\n{CALL}\n</tool_call>": "<tool_call>",
    f"<tool_call>\n{CALL}\n</tool_call>\n<tool_call>\n{CALL}\n</tool_call>": "<tool_call>",
    f"I will read it.<tool_call>{CALL}": "<tool_call>",
    "<tool_call>read_file\n<arg_key>path</arg_key>\n</tool_call>": "<tool_call>",
    "<tool_call>\n<function=read_file>\n<parameter=path>\na\n</function>\n</tool_call>": "<function=",
    '<function=read_file>{"path": "a"}</function>': "<function=",
    f"[TOOL_CALLS][{CALL}]": "[TOOL_CALLS]",
    'Fine.[TOOL_CALLS]read_file[ARGS]{"path": "a"}</s>': "[TOOL_CALLS]",
    '<|python_tag|>read_file(path="a")': "<|python_tag|>",
    '<|python_tag|>{"name": "read_file", "parameters": {}}<|eom_id|>': "<|python_tag|>",
    "<\uff5ctool▁calls▁begin\uff5c><\uff5ctool▁call▁begin\uff5c>function<\uff5ctool▁sep\uff5c>"
    'read_file\n```json\n{"path": "a"}\n```<\uff5ctool▁call▁end\uff5c>'
    "<\uff5ctool▁calls▁end\uff5c>": "DeepSeek",
    '<|channel|>commentary to=functions.read_file <|message|>{"path": "a"}<|call|>': "Harmony",
    'I need itassistantcommentary to=functions.read_file json{"path": "a"}': "Harmony",
    "<|tool_calls_section_begin|><|tool_call_begin|>functions.read_file:0"
    "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>": "Kimi",
    '<invoke name="read_file">\n<parameter name="path">a</parameter>\n</invoke>': "<invoke",
    f"<|tool_call|>[{CALL}]": "Granite",
    "I will.\n<read_file>\n<path>a</path>\n</read_file>": "<read_file>",
    "<write_to_file>\n<content>\n```js\nx\n```\n</content>\n</write_to_file>": "<write_to_file>",
    'read_file(path="a")': "Python",
    'I will read it:\n\nread_file(path="a")': "Python",
    '[read_file(path="a"), list_files(path=".")]': "Python",
    '```tool_code\nprint(default_api.read_file(path="a"))\n```': "Python",
    CALL: "JSON",
    f"I will read it.\n{CALL}": "JSON",
    f"```\n<tool_call>\n{CALL}\n</tool_call>\n```": "<tool_call> (Hermes, Qwen) in a code fence",
    f"[{CALL}]": "JSON",
    f"{CALL}; {CALL}": "JSON",
    f"```json\n{CALL}\n```": "JSON in a code fence",
    f"I will read it.\n\n```\n{CALL}\n```\n": "JSON in a code fence",
    f"```json\n{CALL}": "JSON in a code fence",
    '{"type": "function", "function": {"name": "read_file", "arguments": "{}"}}': "JSON",
    '{"name": "functions.Read_File", "parameters": {"path": "a"}}': "JSON",
    '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls"}}\n</tool_call>': "<tool_call>",
    "<function=execute_bash>\n<parameter=command>ls</parameter>\n</function>": "<function=",
    '<invoke name="Read">\n<parameter name="file_path">a</parameter>\n</invoke>': "<invoke",
    '[TOOL_CALLS]bash[ARGS]{"command": "ls"}': "[TOOL_CALLS]",
    "Now:\n<replace_in_file>\n<path>a</path>\n</replace_in_file>": "<replace_in_file>",
    'run_shell_command(command="ls")': "Python",
    '{"name": "str_replace_editor", "arguments": {"command": "view", "path": "a"}}': "JSON",
}

SPOKEN_OF = [
    'At last it is read:\n\nopen("a.txt")',
    "The loop:\n\nlist(range(3))",
    "The form:\n<edit>\n<p>x</p>\n</edit>",
    "",
    "I used `read_file` to look at it.",
    "The function is read_file(path).",
    'Call read_file(path="a") there.',
    f"Qwen writes `<tool_call>{CALL}</tool_call>`",
    f"<tool_call>\n{CALL}\n</tool_call>\n\nThat is how Qwen calls a tool.",
    f"```\n<tool_call>\n{CALL}\n</tool_call>\n```\nThat is how Qwen calls a tool.",
    f"```\n<tool_call>{CALL}</tool_call>\n```\nNow the options: {{}}",
    'The file has:\n```python\nread_file(path="a")\n```',
    '```json\n{"name": "read_file", "version": "1.0"}\n```',
    '{"name": "another_tool", "arguments": {}}',
    f"{'The protocol in detail. ' * 30}\n```\n{CALL}\n```",
    f"1 | {CALL}",
    f"> {CALL}",
    "<b>read_file</b>",
    "The call has to end with </read_file>",
    '["read_file", 2]',
    "See [read_file](docs/read_file.md)",
    "x = {read_file: []}",
    "Without [TOOL_CALLS] there is no read_file, see [1]",
]


@pytest.mark.parametrize("text", PRINTED)
def test_a_printed_call_is_known_by_its_form(text: str):
    form = printed_call(text, TOOLS)
    assert form is not None
    assert PRINTED[text] in form
    assert printed_call(text, ()) is None
    assert printed_call(text, ("other",)) is None


@pytest.mark.parametrize("text", SPOKEN_OF)
def test_what_only_speaks_of_a_tool_is_no_call(text: str):
    assert printed_call(text, TOOLS) is None


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "<tool_call>{" * 100_000, "```\n" * 100_000, "<" * 10**6],
)
def test_no_text_is_too_much(text: str):
    assert printed_call(text, TOOLS) is None
