"""What weak models do, kind by kind, each after a public report: no harm, no end that does not come.

A case plays the model by hand against the real tools in a folder. It says what must stand on disk
afterwards, what the model is told, and how often the user is asked: `ASKS` counts the kinds that cost
the user a question at all.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.agent.finishing import answer_of
from roo_lsp.agent.ports import (
    ChatRequest,
    Delta,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallFragment,
)
from roo_lsp.workspace.policy import Rules
from tests.support.scripted import AnswersWith, calls, says
from tests.support.workshop import FREE, Answer, Workshop, fresh, turn

APP = "".join(f"def f{n}(a):\n    return a < {n} and '{n}'\n\n\n" for n in range(12))
FILES = {"src/app.py": APP, "README.md": "# It\u2019s a name\n", "data.txt": "one\ntwo\nthree\n"}
DONE = says("Done.")
NOTHING: Answer = [Finished("stop")]


def do(name: str, /, **arguments: Any) -> tuple[str, str]:
    """A call."""
    return (name, json.dumps(arguments))


def one(name: str, /, **arguments: Any) -> Answer:
    """An answer of one call."""
    made = calls(do(name, **arguments))
    return lambda request: fresh(made)


def several(*made: tuple[str, str]) -> Answer:
    """An answer of several."""
    answer = calls(*made)
    return lambda request: fresh(answer)


def in_turn(*answers: Answer, until: str = "") -> Answer:
    """These answers, over and over; where a result says `until`, the model stops."""
    given = iter(())

    def next_one(request: ChatRequest) -> Sequence[Delta]:
        nonlocal given
        if until and until in getattr(request.messages[-1], "text", ""):
            return DONE
        answer = next(given, None)
        if answer is None:
            given = iter(answers)
            answer = next(given)
        return answer(request) if callable(answer) else answer

    return next_one


def block(search: str, replacement: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replacement}\n>>>>>>> REPLACE"


def update(*lines: str) -> str:
    return "\n".join(
        ("*** Begin Patch", "*** Update File: src/app.py", "@@", *lines, "*** End Patch")
    )


@dataclass(frozen=True)
class Kind:
    """One kind of what weak models do."""

    source: str
    """Project and number of the report, or the document that teaches models this."""
    answers: Sequence[Answer]
    tells: str = ""
    """What stands in one of the results."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """What stands on disk afterwards, where it is not as before; None where there is nothing."""
    asks: int = 0
    """How often the user is asked, at most."""
    requests: int = 12
    """Requests that it takes, at most."""
    last: str = ""
    """What the last answer has in it."""
    people: Callable[[], AnswersWith] = lambda: AnswersWith(answers=["Stop"] * 50)
    rules: Rules = FREE
    stop: str = "end_turn"


def write(content: str, path: str = "src/app.py") -> Answer:
    return one("write_to_file", path=path, content=content)


def edit(old: str, new: str, path: str = "src/app.py") -> Answer:
    return one("edit", file_path=path, old_string=old, new_string=new)


def read(path: str = "src/app.py", **more: Any) -> Answer:
    return one("read_file", path=path, **more)


def search_for(text: str) -> Answer:
    return one("search_files", path=".", regex=text)


CHANGED = APP.replace("return a < 1 ", "return a > 1 ", 1)
STOPPED = "max_turn_requests"
ALL_FAIL = one("edit", file_path="src/app.py", old_string="nowhere", new_string="x")

KINDS: dict[str, Kind] = {
    # --- a whole file that loses its text ---
    "a comment for the rest of the code": Kind(
        "cline/cline#14", [read(), write("import os\n# ... rest of the code unchanged\n"), DONE], "stands for code"),
    "a comment that says keep": Kind(
        "cline/cline#577", [read(), write("import os\n# ... (keep existing code)\n"), DONE], "stands for code"),
    "a bracket for the rest": Kind(
        "cline/cline#679", [read(), write("import os\n[... rest of the file ...]\n"), DONE], "stands for code"),
    "line numbers on all lines": Kind(
        "NousResearch/hermes-agent#50318", [read(), write("1 | import os\n2 | \n3 | x = 1\n"), DONE], "line number"),
    "a fence round the file": Kind(
        "microsoft/vscode#281906", [read(), write("```python\nimport os\n```"), DONE], "code fence"),
    "line breaks written out": Kind(
        "openclaw/openclaw#14452", [read(), write("import os\\n\\nx = 1\\n"), DONE], "real line breaks"),
    "entities in a new content": Kind(
        "RooCodeInc/Roo-Code#2191", [read(), write(APP.replace("<", "&lt;")), DONE], "plain characters"),
    "nothing at all": Kind("cline/cline#1335", [read(), write(""), DONE], "empty"),
    "half of a file it has not read": Kind("zed-industries/zed#53590", [write("import os\n"), DONE], "Read it first"),
    "an empty file that is meant": Kind(
        "cline/cline#4727", [read(), write(""), write(""), DONE], files={"src/app.py": ""}),
    # --- parts that lose text ---
    "a placeholder in an edit": Kind(
        "RooCodeInc/Roo-Code#120", [edit("    return a < 1 and '1'", "    # ... existing code ..."), DONE], "stands for code"),
    "a placeholder in a block": Kind(
        "RooCodeInc/Roo-Code#120", [one("apply_diff", path="src/app.py", diff=block("def f1(a):", "def f1(a):\n    # rest of the function unchanged")), DONE], "stands for code"),
    "a placeholder in a patch": Kind(
        "cline/cline#577", [one("apply_patch", patch=update("-def f1(a):", "+# existing code unchanged")), DONE], "stands for code"),
    "an edit for another model to apply": Kind(
        "Cursor: edit_file", [one("edit_file", target_file="src/app.py", instructions="i", code_edit="# ... existing code ...\nx = 1"), DONE], "old_string"),
    # --- edits that do not fit ---
    "entities in what is to be found": Kind(
        "RooCodeInc/Roo-Code#2694", [edit("return a &lt; 1 and", "return a > 1 and"), DONE], "not as entities"),
    "line breaks written out in an edit": Kind(
        "QwenLM/Qwen3-Coder#531", [edit("def f1(a):\\n    return a < 1", "x"), DONE], "do not write \\n"),
    "an ellipsis in SEARCH": Kind(
        "Aider-AI/aider: editblock_coder, try_dotdotdots", [one("apply_diff", path="src/app.py", diff=block("def f1(a):\n    ...\ndef f9(a):", "x")), DONE], "stands for nothing"),
    "a change that is made already": Kind(
        "openclaw/openclaw#72847", [edit("    return a > 1 and '1'", "    return a < 1 and '1'"), DONE], "already, in line 6"),
    "an edit of a text to itself": Kind(
        "defilantech/LLMKube#968", [edit("def f1(a):", "def f1(a):"), DONE], "are the same"),
    "curly quotes of its own": Kind(
        "anthropics/claude-code#1986", [edit("    return a < 1 and \u20181\u2019", "    return a > 1 and \u20181\u2019"), DONE], files={"src/app.py": CHANGED}),
    "curly quotes that the file has": Kind(
        "anthropics/claude-code#1986", [edit("# It's a name", "# It's a title", "README.md"), DONE], files={"README.md": "# It\u2019s a title\n"}),
    "line numbers in SEARCH": Kind(
        "NousResearch/hermes-agent#19798", [one("apply_diff", path="src/app.py", diff=block("6 |     return a < 1 and '1'", "6 |     return a > 1 and '1'")), DONE], files={"src/app.py": CHANGED}),
    "a part of a line in SEARCH": Kind(
        "Zoo-Code-Org/Zoo-Code#868", [one("apply_diff", path="src/app.py", diff=block("return a < 1 and", "return a > 1 and")), DONE], "is not in the file"),
    "another indentation": Kind(
        "google-gemini/gemini-cli#4576", [one("apply_diff", path="src/app.py", diff=block("return a < 1 and '1'", "return a > 1 and '1'")), DONE], files={"src/app.py": CHANGED}),
    "blank lines left out of a patch": Kind(
        "NousResearch/hermes-agent#89664", [one("apply_patch", patch=update(" def f0(a):", "     return a < 0 and '0'", " def f1(a):", "-    return a < 1 and '1'", "+    return a > 1 and '1'", " def f2(a):")), DONE], files={"src/app.py": CHANGED}),
    "a text that is there twelve times": Kind(
        "google-gemini/gemini-cli: replace", [edit("and '", "or '"), DONE], "more than 10 times"),
    "more replacements than one": Kind(
        "google-gemini/gemini-cli: replace", [one("replace", file_path="src/app.py", old_string="a", new_string="b", expected_replacements=2), DONE], "expected_replacements"),
    # --- paths ---
    "a folder called ~": Kind("Aider-AI/aider#4078", [write("x", "~/bin/x.py"), DONE], "home folder", {"~/bin/x.py": None}),
    "the same again": Kind("bug-ops/zeph#5410", [write("x", "~/x.py"), write("x", "~/x.py"), DONE], "home folder", {"~/x.py": None}),
    "a drive of Windows": Kind("felixleopold/obsidian-code-suite#42", [write("x", "C:\\proj\\x.py"), DONE], "Windows", {"C:\\proj\\x.py": None}),
    "backslashes": Kind("microsoft/WSL#2741", [write("x", "src\\new.py"), DONE], files={"src\\new.py": None, "src/new.py": "x"}),
    "a blank behind the name": Kind("anomalyco/opencode#43112", [write("x", "new.py "), DONE], files={"new.py ": None, "new.py": "x"}),
    "the workspace's own name": Kind("fmagent-project/FM-Agent#6", [write("x", "proj/src/new.py"), DONE], "src/new.py", {"proj/src/new.py": None}),
    "a line behind the path": Kind("Lexus2016/hermes-agent-evolution#1370", [read("src/app.py:5"), DONE], "src/app.py lines"),
    "lines of a web page": Kind("Lexus2016/hermes-agent-evolution#1370", [read("src/app.py#L5-L6"), DONE], "lines 5-6 of"),
    "a/ of a diff": Kind("Lexus2016/hermes-agent-evolution#1044", [edit("return a < 1 ", "return a > 1 ", "b/src/app.py"), DONE], files={"src/app.py": CHANGED}),
    "a slash before it": Kind("frontman-ai/frontman#147", [read("/src/app.py"), DONE], "src/app.py lines"),
    "another folder": Kind("Lexus2016/hermes-agent-evolution#3195", [read("lib/app.py"), DONE], "Of that name there is: src/app.py"),
    "a path outside that is not there": Kind("anthropics/claude-code#64881", [read("/nowhere/x.py"), DONE], "not found", rules=Rules()),
    "a command in a folder that is not there": Kind("Lexus2016/hermes-agent-evolution#2242", [one("execute_command", command="ls", cwd="/nowhere"), DONE], "not found", rules=Rules()),
    # --- circles ---
    "the same read for ever": Kind(
        "google-gemini/gemini-cli#8259", [in_turn(read())], "with the same result", asks=1, stop=STOPPED),
    "the same read until it is told": Kind(
        "RooCodeInc/Roo-Code#5879", [in_turn(read(), until="with the same result")], "with the same result"),
    "an empty file, again and again": Kind(
        "1jehuang/jcode#797", [write("", "empty.py"), in_turn(read("empty.py"), until="the same result")], "the same result", {"empty.py": ""}),
    "two reads in turn": Kind(
        "HKUDS/nanobot#3073", [in_turn(read(), read("data.txt"), until="these 2 calls")], "these 2 calls"),
    "seven calls in turn": Kind(
        "ai4s-research/open-science#121", [in_turn(*(read(start_line=n) for n in range(1, 8)), until="brought nothing new")], "brought nothing new", requests=24),
    "the same command for ever": Kind(
        "earendil-works/pi#9637", [in_turn(one("execute_command", command="echo noop"))], "with the same result", asks=1, stop=STOPPED),
    "listing a folder again": Kind(
        "earendil-works/pi#6158", [in_turn(one("list_files", path="."), until="the same result")], "the same result"),
    "the same edit that fails": Kind(
        "google-gemini/gemini-cli#4576", [in_turn(ALL_FAIL)], "is not in the file", asks=1, stop=STOPPED),
    "an edit that fails, and a look in between": Kind(
        "agent0ai/space-agent#6", [in_turn(ALL_FAIL, read())], "is not in the file", asks=1, requests=16, stop=STOPPED),
    "edit and undo": Kind(
        "Aider-AI/aider#450", [in_turn(edit("return a < 1 ", "return a > 1 "), edit("return a > 1 ", "return a < 1 "), until="these 2 calls")], "these 2 calls"),
    "the same question, 28 times": Kind(
        "QwenLM/qwen-code#4506", [in_turn(one("ask_followup_question", question="Go on?", follow_up=["Yes"]), until="Not asked again")], "Not asked again", asks=1,
        people=lambda: AnswersWith(answers=["Yes"] * 50)),
    "a denied call, 40 times": Kind(
        "nearai/ironclaw#3728", [in_turn(edit("return a < 1 ", "return a > 1 "), until="Not asked again")], "Not asked again", asks=1,
        people=lambda: AnswersWith("reject_once"), rules=Rules()),
    "three wrong paths side by side": Kind(
        "Lexus2016/hermes-agent-evolution#886", [several(*(do("read_file", path=f"x{n}.py") for n in range(3))), DONE], "not found"),
    "a hundred reads in one answer": Kind(
        "LionSR/TeXRA#9765", [several(*(do("read_file", path="src/app.py", start_line=1 + n % 40, end_line=48) for n in range(100))), DONE], "at most 32"),
    "guessed names, one after the other": Kind(
        "justrach/codegraff#1116", [in_turn(*(read(f"docs/adr-{n}.md") for n in range(30)))], "not found", asks=1, stop=STOPPED),
    # --- ends ---
    "done, beside an edit that failed": Kind(
        "myshell-ai/AIlice#43", [several(do("edit", file_path="src/app.py", old_string="nowhere", new_string="x"), do("attempt_completion", result="All changed.")), DONE], "Not finished: edit"),
    "done, before the edit": Kind(
        "tailcallhq/forgecode#1169", [several(do("attempt_completion", result="All changed."), do("edit", file_path="src/app.py", old_string="nowhere", new_string="x")), DONE], "Not finished: edit"),
    "all tests pass, over a failed command": Kind(
        "myshell-ai/AIlice#43", [several(do("execute_command", command="exit 1"), do("attempt_completion", result="All tests pass!")), DONE], "Not finished: execute_command"),
    "done, before it has seen what it read": Kind(
        "anthropics/claude-code#54349", [several(do("read_file", path="data.txt"), do("attempt_completion", result="It has 5 lines.")), DONE], "not yet seen"),
    "done, under another name": Kind(
        "cline/cline#9262", [one("attempt_completion", response="It is done.")], "It is done."),
    "done, with a command to show it": Kind(
        "Cline: attempt_completion", [one("attempt_completion", result="It is done.", command="python app.py")], "To see it: `python app.py`"),
    # --- silence ---
    "nothing after a result": Kind("nugget/thane-ai-agent#167", [read(), NOTHING, DONE], last="Done."),
    "nothing, twice": Kind(
        "artokun/comfyui-mcp#193", [edit("return a < 1 ", "return a > 1 "), NOTHING], last="Changed in this turn: src/app.py", files={"src/app.py": CHANGED}),
    "an announcement": Kind(
        "shenjianan97/persistent-agent-runtime#97", [says("I'll start by reading the file."), read(), DONE], "src/app.py lines"),
    "an announcement after work": Kind(
        "deepseek-ai/DeepSeek-V3#1554", [read(), says("Now let me fix the function:"), edit("return a < 1 ", "return a > 1 "), DONE], files={"src/app.py": CHANGED}),
    "the same sentence for ever": Kind(
        "can1357/oh-my-pi#8701", [[TextDelta("I'll do it. ") for _ in range(2_000)], DONE], last="Done."),
    "the same thought for ever": Kind(
        "PrimeIntellect-ai/prime-agent#1029", [[ReasoningDelta("The the the ") for _ in range(2_000)], DONE], last="Done."),
    "arguments for ever": Kind(
        "lijunzh/koda#490", [[ToolCallFragment(0, "c1", "write_to_file", '{"path": "x", "content": "'), *(ToolCallFragment(0, arguments="\\n\\n\\n\\n") for _ in range(4_000))], DONE], files={"x": None}, last="Done."),
    "a call as text, in another agent's words": Kind(
        "anthropics/claude-code#63870", [says('<invoke name="Bash">\n<parameter name="command">touch x</parameter>\n</invoke>'), DONE], files={"x": None}, last="Done."),
    # --- words of other agents ---
    "Claude Code's Bash": Kind(
        "QwenLM/qwen-code#2012", [one("Bash", command="echo hello", description="Say hello", timeout=60000), DONE], "hello"),
    "a shell by another name": Kind("Nomadcxx/opencode-cursor#16", [one("shell", command=["bash", "-lc", "echo hello"]), DONE], "hello"),
    "a tool that never was": Kind("anomalyco/opencode#9532", [one("ProxyRead", path="x"), DONE], "The tools are:"),
    "a tool that is several": Kind(
        "All-Hands-AI/OpenHands: str_replace_editor", [one("str_replace_editor", command="str_replace", path="src/app.py", old_str="return a < 1 ", new_str="return a > 1 "), DONE], files={"src/app.py": CHANGED}),
    "camel case": Kind(
        "anomalyco/opencode: edit", [one("edit", filePath="src/app.py", oldString="return a < 1 ", newString="return a > 1 "), DONE], files={"src/app.py": CHANGED}),
    "a list of files": Kind("RooCodeInc/Roo-Code: read_file", [one("read_file", files=[{"path": "data.txt"}]), DONE], "1 | one"),
    "todos as a list": Kind(
        "anomalyco/opencode#10813", [one("TodoWrite", todos=[{"content": "x", "status": "completed", "activeForm": "Doing x"}]), DONE], "1 of 1 done"),
    "todos as the text of a list": Kind(
        "Kilo-Org/kilocode#10168", [one("update_todo_list", todos='[{"content": "x", "status": "pending"}]'), DONE], "0 of 1 done"),
    "no answers to choose from": Kind(
        "RooCodeInc/Roo-Code#1857", [one("ask_followup_question", question="Which?"), DONE], "The user answered: this", asks=1, people=lambda: AnswersWith(answers=["this"])),
    "arguments as the text of an object": Kind(
        "vllm-project/vllm#54964", [calls(("read_file", json.dumps('{"path": "data.txt"}'))), DONE], "1 | one"),
    "tokens behind the name": Kind("movieclaw#224", [one("read_file<|channel|>commentary", path="data.txt"), DONE], "1 | one"),
    # --- commands ---
    "a fence round a command": Kind("0xMaxMa/claude-gateway#271", [one("execute_command", command="```bash\necho hello\n```"), DONE], "hello"),
    "a timeout in milliseconds": Kind(
        "earendil-works/pi#9785", [one("execute_command", command="touch x", timeout=120_000), DONE], "it is in seconds", {"x": None}),
    "an editor that needs a terminal": Kind(
        "earendil-works/pi#9936", [one("execute_command", command="nano src/app.py"), DONE], "nano needs a terminal, and there is none here. Use the tools"),
    "a screen that is drawn anew": Kind(
        "microsoft/vscode#295088", [one("execute_command", command="touch x; watch date"), DONE], "watch needs a terminal", {"x": None}),
    "a folder to stay in": Kind(
        "amd/gaia#3400", [one("execute_command", command="cd src"), DONE], "`cd` held for this command only"),
    "a variable to stay set": Kind(
        "anthropics/claude-code#2508", [one("execute_command", command="export A=1"), DONE], "`export` held for this command only"),
    "an environment to stay in": Kind(
        "anthropics/claude-code#2508", [one("execute_command", command="touch env && source env"), DONE], "`source` held for this command only", {"env": ""}),
    "a server behind &": Kind(
        "gsd-build/gsd-2#733", [one("execute_command", command="sleep 300 & echo started"), DONE], "1 of its processes go on in the background"),
    "a server behind & that dies": Kind(
        "kolega-ai/kolega-code#319", [one("execute_command", command="sleep 0 & wait; echo gone"), DONE], "What was started with & has ended too."),
    "a command as a list": Kind("openai/codex: shell", [one("execute_command", command=["echo", "a  b"]), DONE], "a  b"),
}  # fmt: skip

ASKS = 6
"""Kinds that may cost the user a question that is not the model's own."""
OWN = {"the same question, 28 times", "a denied call, 40 times", "no answers to choose from"}
"""Kinds in which the model asks, or wants what has to be asked, once."""


@pytest.mark.parametrize("name", KINDS)
async def test_it_does_no_harm_comes_to_an_end_and_is_told(name: str, tmp_path: Path) -> None:
    kind, folder = KINDS[name], tmp_path / "proj"
    for each, text in FILES.items():
        (folder / each).parent.mkdir(parents=True, exist_ok=True)
        (folder / each).write_bytes(text.encode())
    done: Workshop = await turn(folder, *kind.answers, people=kind.people(), rules=kind.rules)
    assert done.stop == kind.stop
    assert len(done.model.requests) <= kind.requests
    assert done.questions <= kind.asks
    for each, text in (FILES | dict(kind.files)).items():
        assert done.file(each) == text, each
    if kind.tells:
        told = [*done.results, answer_of(done.it.agent.history.messages)]
        assert any(kind.tells in each for each in told), told
    assert kind.last in done.last


def test_the_table_has_many_kinds_and_few_cost_the_user_a_question() -> None:
    assert len(KINDS) >= 60
    assert all(kind.source for kind in KINDS.values())
    asking = [name for name, kind in KINDS.items() if kind.asks and name not in OWN]
    assert len(asking) <= ASKS, asking
