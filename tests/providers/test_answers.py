"""JSON to deltas, and reasoning found in text: however an answer is cut, it says the same."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.messages import AssistantMessage
from roo_lsp.agent.ports import Delta, ReasoningDelta, TextDelta, TextWasReasoning
from roo_lsp.providers.answers import AnswerReader
from roo_lsp.providers.thinking import ThinkSplitter
from tests.support.fake_openai import chunk


def message_of(deltas: list[Delta]) -> AssistantMessage:
    assembly = Assembly()
    for delta in deltas:
        assembly.add(delta)
    return assembly.message()


def read(
    *objects: dict[str, Any], prefilled: bool = False
) -> tuple[AssistantMessage, AnswerReader]:
    reader = AnswerReader(prefilled=prefilled)
    deltas = [delta for each in objects for delta in reader.read(json.dumps(each).encode())]
    return message_of(deltas + reader.end()), reader


def said(*pieces: str, finish: str = "stop", prefilled: bool = False, **more: Any) -> Any:
    """Text and reasoning of an answer whose content comes in these pieces."""
    chunks = [chunk({"content": piece}) for piece in pieces]
    message, reader = read(*chunks, chunk(more, finish), prefilled=prefilled)
    return message.text, message.reasoning, reader.prefilled


CALL: dict[str, Any] = {
    "tool_calls": [{"index": 0, "id": "c", "function": {"name": "x", "arguments": "{}"}}]
}

# --- reasoning in tags ----------------------------------------------------------------------------

TAGGED = {
    "<think>Hm</think>Hi": ("Hi", "Hm", None),
    "\n <think>\nHm\n</think>\n\nHi": ("Hi", "Hm\n", None),
    "Hi\n<think>Hm</think>\nthere": ("Hi\nthere", "Hm", None),
    "- Hi\n  <think>Hm</think>  there": ("- Hi\n    there", "Hm", None),
    "<think>a</think>Hi\n<think>b</think>": ("Hi\n", "ab", None),
    "<ThInK>Hm</THINK>Hi": ("Hi", "Hm", None),
    "< think\t>Hm< / think >Hi": ("Hi", "Hm", None),
    "<thinking>Hm</thinking>Hi": ("Hi", "Hm", None),
    "<thought>Hm</thought>Hi": ("Hi", "Hm", None),
    "<think>a <thinking>b</thinking> c</think>Hi": ("Hi", "a <thinking>b</thinking> c", None),
    "<think>of `</think>` in code</think>Hi": ("Hi", "of `</think>` in code", None),
    "<think>ends in `code`</think>Hi": ("Hi", "ends in `code`", None),
    "<think></think>Hi": ("Hi", "", None),
    "Hm.\n</think>\n\nHi": ("Hi", "Hm.\n", True),
    "Hm.</think>Hi": ("Hi", "Hm.", True),
    "Hm. </think>\nHi": ("Hi", "Hm. ", True),
    "</think>\n\nHi": ("Hi", "", None),
    "<think>Hi": ("Hi", "", None),
    "Hi <think>there</think>!": ("Hi <think>there</think>!", "", None),
    "The </think> tag": ("The </think> tag", "", None),
    "The tags `<think>` and `</think>`": ("The tags `<think>` and `</think>`", "", None),
    "Code:\n```\n<think>x</think>\n```\nHi": ("Code:\n```\n<think>x</think>\n```\nHi", "", None),
    "~~~~\n```\n<think>\n~~~~\n<think>Hm</think>Hi": ("~~~~\n```\n<think>\n~~~~\nHi", "Hm", None),
    "```x``` y\n<think>Hm</think>Hi": ("```x``` y\nHi", "Hm", None),
    "a < b, <b>bold</b> <thin> <": ("a < b, <b>bold</b> <thin> <", "", None),
    "  \n": ("  \n", "", None),
}


@pytest.mark.parametrize("text", TAGGED)
def test_tags_become_reasoning_however_they_are_cut(text: str):
    wanted = TAGGED[text]
    assert said(text) == wanted
    assert said(*text) == wanted
    for at in range(1, len(text)):
        assert said(text[:at], text[at:]) == wanted


def test_reasoning_that_never_closes_is_the_answer_only_where_there_is_no_other():
    assert said("<think>Hi") == ("Hi", "", None)
    assert said("<think>Hm", finish="length") == ("", "Hm", None)
    assert said("<think>Hm", finish="tool_calls", **CALL) == ("", "Hm", None)
    assert said("Hi\n<think>Hm") == ("Hi\n", "Hm", None)


def test_an_answer_that_is_expected_to_begin_in_reasoning_is_read_so():
    assert said("Hm.\n", "</think>\n\nHi", prefilled=True) == ("Hi", "Hm.\n", True)
    assert said("<think>Hm</think>Hi", prefilled=True) == ("Hi", "Hm", False)
    assert said("</think>Hi", prefilled=True) == ("Hi", "", True)
    assert said("Hi ", "there", prefilled=True) == ("Hi there", "", False)
    assert said("Hi", finish="length", prefilled=True) == ("Hi", "", None)
    assert said(prefilled=True) == ("", "", None)


def test_text_is_not_looked_at_once_the_endpoint_tells_reasoning_apart():
    for field in ("reasoning_content", "reasoning"):
        message, reader = read(
            chunk({field: "Hm"}), chunk({"content": "<think>x</think>Hi"}), chunk({}, "stop")
        )
        assert (message.text, message.reasoning) == ("<think>x</think>Hi", "Hm")
        assert message.reasoning_field == field
        assert reader.prefilled is None


def test_what_may_be_a_tag_waits_and_all_else_passes_at_once():
    splitter = ThinkSplitter()
    assert splitter.feed("\n") == []
    assert splitter.feed("a") == [TextDelta("\na")]
    assert splitter.feed("b <") == [TextDelta("b ")]
    assert splitter.feed("b>") == [TextDelta("<b>")]
    assert splitter.feed("\n</thi") == [TextDelta("\n")]
    assert splitter.feed("nk>") == [TextWasReasoning()]
    assert splitter.feed("\n\nHi") == [TextDelta("Hi")]
    assert splitter.feed("\n<think") == [TextDelta("\n")]
    assert splitter.feed(">Hm") == [ReasoningDelta("Hm")]


def test_half_a_tag_is_told_before_a_call_and_at_the_end():
    reader = AnswerReader()
    deltas = [d for each in ({"content": "a <"}, CALL) for d in reader.read(_wire(chunk(each)))]
    assert [type(delta).__name__ for delta in deltas] == [
        "TextDelta",
        "TextDelta",
        "ToolCallFragment",
    ]
    assert said("a <thi") == ("a <thi", "", None)


def _wire(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


tags = st.sampled_from(
    ["<think>", "</think>", "<Thinking>", "</thinking>", "< thought>", "<", ">", "/", "think"]
)
marks = st.sampled_from(["\n", "`", "```", "~~~", " ", "a", '"', "é", ". "])


@settings(deadline=None)
@given(
    st.lists(tags | marks, max_size=14).map("".join),
    st.lists(st.integers(0, 200), max_size=10),
    st.booleans(),
)
def test_any_split_of_a_text_gives_the_same(text: str, cuts: list[int], prefilled: bool):
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    pieces = [text[a:b] for a, b in pairwise(edges)]
    assert said(*pieces, prefilled=prefilled) == said(text, prefilled=prefilled)


@settings(deadline=None)
@given(st.text(alphabet="ab \n`<>/think", max_size=60))
def test_no_character_of_the_text_is_lost_where_there_is_no_whole_tag(text: str):
    if "think>" not in text and "think >" not in text and "think  >" not in text:
        assert said(text) == (text, "", None)


# --- reasoning_details ----------------------------------------------------------------------------


def details(*deltas: list[Any] | None) -> tuple[Any, str]:
    message, _ = read(*(chunk({"reasoning_details": each}) for each in deltas), chunk({}, "stop"))
    return json.loads(message.reasoning_details or "null"), message.reasoning


def test_fragments_of_an_entry_are_put_together_and_its_signature_kept():
    assert details(
        [{"type": "reasoning.text", "text": "He", "index": 0, "format": "anthropic-claude-v1"}],
        [{"type": "reasoning.text", "text": "llo", "index": 0, "signature": None}],
        [{"type": "reasoning.text", "signature": "sig", "index": 0}],
        [{"type": "reasoning.text", "text": "More", "index": 1, "signature": "gis"}],
    ) == (
        [
            {
                "type": "reasoning.text",
                "text": "Hello",
                "index": 0,
                "format": "anthropic-claude-v1",
                "signature": "sig",
            },
            {"type": "reasoning.text", "text": "More", "index": 1, "signature": "gis"},
        ],
        "HelloMore",
    )


def test_kinds_and_ids_at_one_index_stay_apart():
    found, _ = details(
        [{"type": "reasoning.text", "text": "a", "index": 0}],
        [{"type": "reasoning.encrypted", "data": "x", "id": "tool_1", "index": 0}],
        [{"type": "reasoning.encrypted", "data": "y", "id": "tool_2", "index": 0}],
    )
    assert [entry.get("data", entry.get("text")) for entry in found] == ["a", "x", "y"]


def test_entries_without_index_go_on_with_the_last_of_their_kind_but_encrypted_ones_are_whole():
    found, _ = details(
        [
            {"type": "reasoning.summary", "summary": "a"},
            {"type": "reasoning.encrypted", "data": "x"},
        ],
        [
            {"type": "reasoning.summary", "summary": "b"},
            {"type": "reasoning.encrypted", "data": "y"},
        ],
    )
    assert [entry.get("data", entry.get("summary")) for entry in found] == ["ab", "x", "y"]


def test_odd_details_are_no_trouble():
    assert details(None, [], [None, 5, "x", {}]) == (None, "")
    assert details([{"type": "reasoning.text", "text": None, "index": "0"}])[1] == ""


def test_details_are_no_second_telling_of_reasoning_that_has_a_name():
    message, _ = read(
        chunk({"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "!"}]}),
        chunk({"content": "Hi"}, "stop"),
    )
    assert (message.reasoning, message.reasoning_field) == ("Hm", "reasoning")
    assert json.loads(message.reasoning_details)[0]["text"] == "Hm!"
