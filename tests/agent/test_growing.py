"""What is said of a call that is still being written: its file and its lines, whatever the cuts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.events import ToolCallArguments
from roo_lsp.agent.growing import HEAD, GrowingCall
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.ports import Finished, ToolCallFragment
from roo_lsp.app import TOOLS
from tests.support.scripted import rig, says, tool


def grown(name: str, *deltas: str) -> tuple[str, int]:
    call = GrowingCall(name, TOOLS[name].doing if TOOLS[name].writes else "")
    for delta in deltas:
        call.add(delta)
    return call.title, call.lines


@given(
    st.text(st.sampled_from('a\\n\n"\té{}:'), max_size=30),
    st.text(min_size=1, max_size=8).filter(str.strip),
    st.integers(1, 9),
    st.booleans(),
)
def test_path_and_lines_are_those_of_the_arguments_however_they_are_cut(
    content, path, size, ascii_
):
    text = json.dumps({"path": path, "content": content}, ensure_ascii=ascii_)
    deltas = [text[at : at + size] for at in range(0, len(text), size)]
    title, lines = grown("write_to_file", *deltas)
    assert title == f"Writing {path}"
    assert lines == content.count("\n") + path.count("\n")


def test_a_path_that_is_no_json_is_not_shown():
    assert grown("write_to_file", '{"path": "a\\qb", "content": "x\\n"}') == ("", 1)


def test_the_verb_is_the_tools_and_other_tools_have_none():
    patch = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-a\n"
    assert grown("apply_diff", '{"path": "a", "diff": "x\\ny') == ("Editing a", 1)
    assert grown("edit", '{"file_path" : "a", "old') == ("Editing a", 0)
    assert grown("apply_patch", json.dumps({"patch": patch})) == ("Patching src/a.py", 4)
    assert grown("execute_command", '{"path": "a"}') == ("", 0)


@pytest.mark.parametrize("key", ["filePath", "absolute_path", "targetFile", "target_file"])
def test_the_path_is_seen_under_other_agents_names(key):
    assert grown("write_to_file", f'{{"{key}": "a"') == ("Writing a", 0)


@pytest.mark.parametrize(
    "text",
    ['{"pat', '{"path": "a', '{"content": "\\"path\\": \\"x\\"', '{"content": "path", "a": "b"'],
)
def test_nothing_is_said_before_the_path_is_whole(text):
    assert grown("write_to_file", text)[0] == ""


def test_a_long_path_is_shown_by_its_end():
    title, _ = grown("write_to_file", json.dumps({"path": "deep/" * 40 + "a.py"}))
    assert len(title) < 60
    assert title.endswith("deep/a.py")


def test_only_the_beginning_is_looked_through_for_the_path():
    call = GrowingCall("write_to_file", "Writing")
    call.add('{"content": "')
    for _ in range(1000):
        call.add("x" * 50)
    assert len(call._head) <= HEAD + 50
    call.add('", "path": "a"}')
    assert call.title == ""


async def test_the_file_and_its_lines_stand_in_the_events_while_it_is_written():
    pieces = ['{"path": "src/a.py", ', '"content": "1\\n2', '\\n3\\n"}']
    it = rig(
        [
            ToolCallFragment(0, "c", "write_to_file", ""),
            *(ToolCallFragment(0, None, None, piece) for piece in pieces),
            Finished("tool_calls"),
        ],
        says("ok"),
        tools=[tool("write_to_file", doing="Writing", writes=True)],
    )
    await run_turn(it.agent)
    events = it.of(ToolCallArguments)
    assert [event.line for event in events] == [
        "Writing src/a.py",
        "Writing src/a.py · 1 line",
        "Writing src/a.py · 3 lines",
    ]
    assert events[-1].update["_meta"] == {"title": "Writing src/a.py", "lines": 3}
    assert "_meta" not in ToolCallArguments("c", "{", 1).update
