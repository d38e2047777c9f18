"""Nothing takes more than time in proportion to what a user or a model makes long.

Each case is given 100 kB, then twice as much, up to 1.6 MB, and its own times are compared, in one run:
what goes up by much more than the text is quadratic, on a slow machine as on a quick one.
"""

import asyncio
import gc
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import thread_time

import pytest

from roo_lsp.agent.arguments import BadArguments, read_arguments
from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.columns import columns, fitted, one_line, pieces, shortened, tail, wrapped
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    PermissionAsked,
    PlanUpdated,
    QuestionAsked,
    Retrying,
    ToolCallUpdated,
    UserMessageChunk,
)
from roo_lsp.agent.guards import Repetition
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import ToolCall
from roo_lsp.agent.ports import Finished, TextDelta, ToolCallFragment
from roo_lsp.agent.printed import printed_call
from roo_lsp.agent.silence import only_announces
from roo_lsp.agent.tool import Todo
from roo_lsp.agent.trimming import trimmed
from roo_lsp.agent.vocabulary import in_our_words, unknown_tool
from roo_lsp.cli.drawing import Flow, Markdown, readable
from roo_lsp.cli.importing.conversation import read_conversation
from roo_lsp.tasks.mentions import mentions_in
from roo_lsp.tasks.status_line import StatusLine
from roo_lsp.tools import all_tools
from roo_lsp.tools._command_habits import entities_in
from roo_lsp.tools._indentation import block_around
from roo_lsp.tools._text import title_line
from roo_lsp.tools.update_todo_list import parse
from roo_lsp.workspace.blocks import parse_blocks
from roo_lsp.workspace.edits import apply_blocks
from roo_lsp.workspace.escapes import exact, label, plain
from roo_lsp.workspace.hints import hint
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.literal import replace_text
from roo_lsp.workspace.omissions import displayed, placeholder
from roo_lsp.workspace.patch import apply_hunks, parse_patch
from roo_lsp.workspace.transcript import fenced, tame
from tests.support.scripted import rig, tool

SIZES = [100_000 * 2**power for power in range(5)]
FEW = (20_000, 100_000)
"""Where hundreds of pairs are tried."""
FREE = 0.3
"""Seconds of processor time that nobody minds: below, nothing is compared."""
MARGIN = 3
"""How much more than in proportion a time may go up."""

TOOLS = all_tools()
pytestmark = pytest.mark.timeout(180)
Make = Callable[[int], Callable[[], object]]


def repeated(piece: str) -> Callable[[int], str]:
    return lambda size: piece * (size // len(piece) + 1)


TEXTS: dict[str, Callable[[int], str]] = {
    "words": repeated("word "),
    "paths": repeated("src/lsp/app.py "),
    "one path": repeated("folder/"),
    "no blank": repeated("x"),
    "slashes": repeated("/"),
    "lines": repeated("a line of text\n"),
    "blank lines": repeated("\n"),
    "wide": repeated("日本 "),
    "marks": repeated("e\u0301"),
    "hidden": repeated("a\u202e\u200b"),
    "backticks": repeated("`"),
    "fences": repeated("```\n"),
    "brackets": repeated("<[{("),
    "closing": repeated(")]"),
    "equal signs": repeated("a="),
    "call openers": repeated("<tool_call> "),
    "quotes": repeated('"\\'),
    "objects": repeated("{} "),
    "todo": repeated("- [ ] do it\n"),
    "headings": repeated("# - > 1. "),
    "returns": repeated("\r\n\r"),
}

ON_ANY_TEXT: dict[str, Callable[[str], object]] = {
    "one_line": one_line,
    "columns": columns,
    "fitted": lambda text: fitted(one_line(text), 72),
    "tail": lambda text: tail(one_line(text), 72),
    "wrapped": lambda text: wrapped(text, 70),
    "pieces": lambda text: pieces(text, 70),
    "shortened": lambda text: shortened(text, 40),
    "title": lambda text: title_line(text, 160),
    "a prompt": lambda text: StatusLine().heard(UserMessageChunk(text)),
    "an answer": lambda text: StatusLine().heard(AgentMessageChunk(text)),
    "a question": lambda text: StatusLine().heard(QuestionAsked("r", text, [text])),
    "a permission": lambda text: StatusLine().heard(PermissionAsked("r", "c", text, [])),
    "a plan": lambda text: StatusLine().heard(PlanUpdated([Todo(text, "in_progress")])),
    "a retry": lambda text: StatusLine().heard(Retrying(1, 2, 3, text)),
    "an error": lambda text: StatusLine().heard(ToolCallUpdated("c", "failed", text, text=text)),
    "output": lambda text: ToolCallUpdated("c", "in_progress", text, output=text).line,
    "exact": exact,
    "plain": plain,
    "label": label,
    "tame": tame,
    "fenced": fenced,
    "readable": readable,
    "trimmed": lambda text: trimmed(text, 5000),
    "printed": lambda text: printed_call(text, TOOLS),
    "printed in a fence": lambda text: printed_call(f"```\n{text}\n```", TOOLS),
    "arguments": lambda text: failing(read_arguments, text),
    "arguments cut off": lambda text: failing(read_arguments, f'{{"a": {text}'),
    "a todo list": lambda text: failing(parse, text),
    "blocks": lambda text: failing(parse_blocks, text),
    "a patch": lambda text: failing(parse_patch, f"*** Begin Patch\n{text}\n*** End Patch"),
    "the block around": lambda text: block_around(line_texts(text), len(line_texts(text)) // 2),
    "markdown": lambda text: [Markdown().line(line) for line in text.split("\n")],
    "flow": lambda text: Flow(80).feed(text),
    "an announcement": only_announces,
    "lines that stand for code": lambda text: placeholder("", line_texts(text)),
    "a display of a file": lambda text: displayed(OLD, text, "a.py"),
    "a replaced file": lambda text: displayed(text, OLD, "a.py") or placeholder(text, ["# ..."]),
    "what is wrong with an edit": lambda text: hint(text, line_texts(text)[1:], [text]),
    "a command": entities_in,
    "mentions": lambda text: list(mentions_in(f"@{text.replace(' ', ' @')}", str.isdigit)),
    "a stored conversation": lambda text: read_conversation([{"role": "user", "content": text}]),
    "words for a command": lambda text: in_our_words("Bash", json.dumps({"cmd": text}), TOOLS),
    "words for a list": lambda text: in_our_words(
        "TodoWrite", json.dumps({"todos": line_texts(text)}), TOOLS
    ),
    "a name": lambda text: unknown_tool(text, TOOLS),
    "a call again": lambda text: again(ToolCall("c", "ask", json.dumps({"question": text}))),
}


OLD = "def f():\n    return '<'\n" * 20


def again(call: ToolCall) -> object:
    seen = Repetition()
    return [seen.complaint(call) or seen.saw(call, call.arguments) for _ in range(5)]


def failing(act: Callable[[str], object], text: str) -> object:
    try:
        return act(text)
    except (ToolError, BadArguments) as error:
        return str(error)


@pytest.fixture(autouse=True, scope="module")
def apart_from_other_tests() -> Iterator[None]:
    """What the tests before keep in memory is not gone through while a time is taken."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def seconds(act: Callable[[], object]) -> float:
    gc.collect()
    gc.disable()
    try:
        began = thread_time()
        act()
        return thread_time() - began
    finally:
        gc.enable()


def slower(make: Make, sizes: Sequence[int]) -> str | None:
    """How times went, where they went up too much."""
    times: list[float] = []
    for size in sizes:
        act = make(size)
        times.append(min(seconds(act), seconds(act)) if size == sizes[0] else seconds(act))
        least = max(times[0], 0.001)
        for _ in range(2):  # what else the machine does is no fault of ours
            if times[-1] > max(FREE, MARGIN * least * size / sizes[0]):
                times[-1] = min(times[-1], seconds(make(size)))
        if times[-1] > max(FREE, MARGIN * least * size / sizes[0]):
            return ", ".join(f"{each:.3f} s" for each in times)
    return None


@pytest.mark.parametrize("name", ON_ANY_TEXT)
def test_what_takes_any_text_takes_time_in_proportion_to_it(name: str) -> None:
    act = ON_ANY_TEXT[name]

    def made(text: Callable[[int], str]) -> Make:
        def make(size: int) -> Callable[[], object]:
            given = text(size)
            return lambda: act(given)

        return make

    found = {of: times for of, text in TEXTS.items() if (times := slower(made(text), FEW))}
    assert found == {}


def turn(size: int, what: str) -> Callable[[], object]:
    """A turn in which one thing is long, with the status line that tells of it."""
    long = "".join(f"a long word {number}, " for number in range(size // 19))
    cut = [long[at : at + 50] for at in range(0, size, 50)]

    def fails(word: str) -> str:
        raise ToolError(long if what == "error" else word)

    def run() -> object:
        name = long[:size].replace(" ", "") if what == "name" else "look"
        arguments = [
            ToolCallFragment(0, "c", name, '{"word": "'),
            *(ToolCallFragment(0, None, None, each) for each in (cut if what == "call" else [])),
            ToolCallFragment(0, None, None, '"}'),
            Finished("tool_calls"),
        ]
        answer = [TextDelta(each) for each in (cut if what == "answer" else ["Well."])]
        it = rig(
            arguments,
            [*answer, Finished("stop")],
            tools=[
                tool(
                    "look",
                    fails if what == "error" else lambda word: long if what == "result" else word,
                )
            ],
            prompt=long if what == "prompt" else "Go on",
        )
        status, told = StatusLine(), list[object]()
        it.agent.emit = lambda event: told.append((status.heard(event), event.update))
        brief = replace(it.agent.brief(), context_window=100_000_000)
        it.agent.brief = lambda: brief
        asyncio.run(run_turn(it.agent))
        return status.now()

    return run


@pytest.mark.parametrize("what", ["prompt", "answer", "name", "call", "result", "error"])
def test_a_turn_takes_time_in_proportion_to_what_is_long_in_it(what: str) -> None:
    assert slower(lambda size: turn(size, what), SIZES) is None


def plan(size: int) -> Callable[[], object]:
    entries = [Todo("do it and then the next", "in_progress") for _ in range(size // 24)]
    long = [Todo("do it and then the next " * (size // 24), "in_progress")]
    return lambda: [StatusLine().heard(PlanUpdated(each)) for each in (entries, long)]


def blocks(size: int) -> Callable[[], object]:
    """A file whose lines are all alike but the last, and a block of half of them."""
    lines = ["same"] * (size // 5)
    half = "\n".join(lines[: size // 10])
    text = "\n".join([*lines, "end"])
    diff = f"<<<<<<< SEARCH\n{half}\nend\n=======\n{half}\nlast\n>>>>>>> REPLACE"
    return lambda: apply_blocks(text, parse_blocks(diff))


def many_blocks(size: int) -> Callable[[], object]:
    text = "".join(f"line {number}\n" for number in range(size // 10))
    diff = "".join(
        f"<<<<<<< SEARCH\nno {number}\n=======\nx\n>>>>>>> REPLACE\n"
        for number in range(size // 50)
    )
    return lambda: failing(lambda given: apply_blocks(text, parse_blocks(given)), diff)


def replaced(size: int) -> Callable[[], object]:
    text, old = "a" * size, "a" * (size // 2)
    lines, part = "a\n" * (size // 2), "a\n" * (size // 4) + "b"

    def run() -> object:
        one = failing(lambda given: replace_text(text, given, "b", every=False), old)
        other = failing(lambda given: replace_text(lines, given, "c", every=False), part)
        return one, other

    return run


def everywhere(size: int) -> Callable[[], object]:
    text = "ab" * (size // 40) + "c" * size
    return lambda: replace_text(text, "ab", "b", every=True)


def hunks(size: int) -> Callable[[], object]:
    text = "same\n" * (size // 5)
    patch = "*** Begin Patch\n*** Update File: a\n@@ same\n same\n-same\n+other\n*** End Patch"
    operation = parse_patch(patch)[0]
    return lambda: apply_hunks(text, "a", operation.hunks)


def named_fragments(size: int) -> Callable[[], object]:
    """Pieces that each might begin a call of their own."""

    def run() -> object:
        assembly = Assembly()
        assembly.add(ToolCallFragment(0, None, "look", '{"word": "'))
        for _ in range(size // 10):
            assembly.add(ToolCallFragment(0, None, "look", "{ a word }"))
        return assembly.message()

    return run


@pytest.mark.parametrize(
    "make", [plan, blocks, many_blocks, replaced, everywhere, hunks, named_fragments]
)
def test_plans_and_edits_take_time_in_proportion_to_their_length(make: Make) -> None:
    assert slower(make, SIZES) is None
