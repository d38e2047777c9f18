"""Deltas to messages: every looseness that endpoints are known to have, and any way to cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.assembly import (
    MAX_ANSWER,
    NAMELESS,
    AnswerProgress,
    Assembly,
    CallBegan,
    CallGrew,
    ReasoningPiece,
    Reset,
    TextPiece,
)
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.messages import AssistantMessage, ToolCall
from roo_lsp.agent.ports import (
    AskedAgain,
    Delta,
    Finished,
    ReasoningDelta,
    ReasoningDetails,
    ReasoningWasText,
    Restarted,
    TextDelta,
    TextWasReasoning,
    ToolCallFragment,
    Usage,
)

A, B = '{"path": "a"}', '{"path": "b"}'


def fed(
    *deltas: Delta, taken: tuple[str, ...] = ()
) -> tuple[AssistantMessage, list[AnswerProgress]]:
    assembly = Assembly(taken)
    progress = [step for delta in deltas for step in assembly.add(delta)]
    return assembly.message(), progress


def calls(*fragments: ToolCallFragment, taken: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Name and arguments of each call, having checked what must hold of every stream."""
    message, progress = fed(*fragments, Finished("tool_calls"), taken=taken)
    began = [step for step in progress if isinstance(step, CallBegan)]
    assert [(b.id, b.name) for b in began] == [(c.id, c.name) for c in message.calls]
    assert len({c.id for c in message.calls}) == len(message.calls)
    for call in message.calls:
        assert call.id
        grown = [s for s in progress if isinstance(s, CallGrew) and s.id == call.id]
        text = "".join(s.delta_text for s in grown)
        assert (text if text.strip() else "{}") == call.arguments or any(
            not isinstance(f.arguments, str | None) for f in fragments
        )
        if text.strip():
            assert grown[-1].size_bytes == len(call.arguments.encode())
    return [(call.name, call.arguments) for call in message.calls]


def frag(
    index: int | None = None,
    id: str | None = None,  # noqa: A002 -- the wire's word
    name: str | None = None,
    arguments: object = None,
) -> ToolCallFragment:
    return ToolCallFragment(index, id, name, arguments)  # pyright: ignore[reportArgumentType]


def test_text_and_reasoning_are_joined_and_told_piece_by_piece():
    message, progress = fed(
        ReasoningDelta("Let me", "reasoning_content"),
        ReasoningDelta(" see", "reasoning_content"),
        TextDelta("Hel"),
        TextDelta(""),
        TextDelta("lo"),
        Usage(3, 4),
        Finished("stop"),
    )
    assert message == AssistantMessage("Hello", (), "Let me see", "reasoning_content")
    assert progress == [
        ReasoningPiece("Let me"),
        ReasoningPiece(" see"),
        TextPiece("Hel"),
        TextPiece("lo"),
    ]


def test_finish_reason_and_the_last_usage_are_kept():
    assembly = Assembly()
    assert (assembly.finish_reason, assembly.usage) == (None, None)
    for delta in (Usage(1, 1), Usage(9, 5), Finished("length")):
        assembly.add(delta)
    assert (assembly.finish_reason, assembly.usage) == ("length", Usage(9, 5))


def test_text_that_turns_out_to_be_reasoning_is_moved_and_not_told_again():
    message, progress = fed(
        TextDelta("Hm"), TextDelta("."), TextWasReasoning(), TextDelta("Hi"), Finished("stop")
    )
    assert message == AssistantMessage("Hi", reasoning="Hm.")
    assert progress == [TextPiece("Hm"), TextPiece("."), TextPiece("Hi")]


def test_reasoning_that_turns_out_to_be_the_answer_is_moved_and_told_as_such():
    message, progress = fed(ReasoningDelta("Hi"), ReasoningDelta("!"), ReasoningWasText())
    assert message == AssistantMessage("Hi!")
    assert progress == [ReasoningPiece("Hi"), ReasoningPiece("!"), TextPiece("Hi!")]


def test_details_of_reasoning_are_kept_and_a_restart_voids_them():
    message, progress = fed(ReasoningDetails('[{"data": "x"}]'), TextDelta("Hi"))
    assert message == AssistantMessage("Hi", reasoning_details='[{"data": "x"}]')
    assert progress == [TextPiece("Hi")]
    message, _ = fed(ReasoningDetails("[1]"), Restarted(), TextDelta("Hi"))
    assert message == AssistantMessage("Hi")


def test_a_call_is_announced_once_its_name_is_known_and_then_grows():
    _, progress = fed(
        frag(0, "x1", "read_file", ""), frag(0, arguments='{"päth"'), frag(0, arguments=": 1}")
    )
    assert progress == [
        CallBegan("x1", "read_file"),
        CallGrew("x1", "read_file", '{"päth"', 8),
        CallGrew("x1", "read_file", ": 1}", 12),
    ]


def test_a_call_without_arguments_is_announced_when_the_answer_goes_on_or_ends():
    for after in (TextDelta("x"), Finished("tool_calls"), frag(1, "y", "other", "{}")):
        _, progress = fed(frag(0, "x1", "list_all"), after)
        assert progress[0] == CallBegan("x1", "list_all")
    assert calls(frag(0, "x1", "list_all", "")) == [("list_all", "{}")]
    assert calls(frag(0, "x1", "list_all", " \n")) == [("list_all", "{}")]


def test_calls_told_apart_by_index_may_be_interleaved():
    assert calls(
        frag(0, "x", "one", ""),
        frag(1, "y", "two", ""),
        frag(0, arguments=A[:4]),
        frag(1, arguments=B[:6]),
        frag(0, arguments=A[4:]),
        frag(1, arguments=B[6:]),
    ) == [("one", A), ("two", B)]


def test_sparse_or_huge_indexes_are_only_labels():
    assert calls(frag(10**9, "x", "one", A), frag(3, "y", "two", B)) == [("one", A), ("two", B)]


def test_a_reused_index_with_a_new_id_is_a_new_call():
    """Ollama before 0.6 and several proxies send every call with index 0."""
    assert calls(frag(0, "x", "one", A), frag(0, "y", "one", B)) == [("one", A), ("one", B)]


def test_the_same_id_at_another_index_is_another_call_with_an_id_of_its_own():
    message, _ = fed(frag(0, "x", "one", A), frag(1, "x", "one", B))
    assert [c.arguments for c in message.calls] == [A, B]
    assert message.calls[0].id == "x"
    assert message.calls[1].id.startswith("call_")


def test_without_index_the_id_joins():
    assert calls(
        frag(None, "x", "one", A[:3]),
        frag(None, "y", "two", B[:3]),
        frag(None, "x", None, A[3:]),
        frag(None, "y", None, B[3:]),
    ) == [("one", A), ("two", B)]


def test_without_index_and_id_the_last_call_goes_on():
    """Gemini's OpenAI endpoint sends no index."""
    assert calls(
        frag(None, "x", "one", A[:5]),
        frag(arguments=A[5:]),
        frag(None, "y", "two"),
        frag(arguments=B),
    ) == [("one", A), ("two", B)]


def test_id_and_name_repeated_in_every_fragment_change_nothing():
    assert calls(*(frag(0, "x", "read_file", piece) for piece in A)) == [("read_file", A)]


def test_a_repeated_name_without_an_id_changes_nothing():
    assert calls(*(frag(0, None, "read_file", piece) for piece in '{"a": {}, "b": {}}')) == [
        ("read_file", '{"a": {}, "b": {}}')
    ]


def test_whole_calls_at_one_index_without_ids_are_told_apart():
    assert calls(frag(0, "", "one", A), frag(0, "", "one", B)) == [("one", A), ("one", B)]
    assert calls(frag(0, None, "one", A), frag(0, None, "two", B)) == [("one", A), ("two", B)]
    assert calls(frag(name="one", arguments=A), frag(name="two", arguments=B)) == [
        ("one", A),
        ("two", B),
    ]


@pytest.mark.parametrize(
    "pieces",
    [
        ('{"path": "}"}',),
        ('{"path": "\\', '""}'),
        ('{"path": "\\\\', '"}'),
        ('{"path": "\\"}', '"}'),
        ('{"path": ["{", {', "}]}"),
    ],
)
def test_where_an_object_ends_is_seen_through_strings_escapes_and_cuts(pieces: tuple[str, ...]):
    """A bracket in a string or a quote behind a backslash ends nothing, wherever it is cut."""
    cut = [frag(0, None, "one", piece) for piece in pieces]
    whole = "".join(pieces)
    json.loads(whole)
    assert calls(*cut, frag(0, None, "one", B)) == [("one", whole), ("one", B)]


def test_what_only_looks_whole_is_broken_and_stays_one_call():
    broken = '{"path" "a"}'
    again = [frag(0, None, "one", each) for each in (broken, B, B)]
    assert calls(*again) == [("one", broken + B + B)]


def test_a_name_that_is_repeated_alone_is_no_growth():
    message, progress = fed(
        frag(0, "x", "one", A), frag(0, "x", "one"), frag(0, "x", "one", " "), Finished("stop")
    )
    assert [type(step) for step in progress] == [CallBegan, CallGrew, CallGrew]
    assert [call.arguments for call in message.calls] == [A + " "]


def test_being_asked_again_is_passed_on_and_voids_nothing():
    message, progress = fed(TextDelta("a"), AskedAgain("busy"), TextDelta("b"))
    assert progress == [TextPiece("a"), AskedAgain("busy"), TextPiece("b")]
    assert message.text == "ab"


def test_a_name_in_pieces_is_joined_before_it_is_announced():
    assert calls(frag(0, "x", "read_"), frag(0, name="file"), frag(0, arguments=A)) == [
        ("read_file", A)
    ]


def test_a_name_that_comes_after_arguments_loses_nothing():
    message, progress = fed(
        frag(0, "x", None, A[:4]), frag(0, None, "one"), frag(0, None, None, A[4:])
    )
    assert message.calls == (ToolCall("x", "one", A),)
    assert progress[0] == CallBegan("x", "one")
    assert progress[1] == CallGrew("x", "one", A[:4], 4)


def test_an_id_that_comes_late_names_the_call_it_belongs_to():
    message, _ = fed(frag(0, None, "one"), frag(0, "x"), frag(0, arguments=A))
    assert message.calls == (ToolCall("x", "one", A),)


def test_an_id_that_comes_after_the_call_was_announced_still_joins():
    message, progress = fed(
        frag(0, None, "one", A[:2]), frag(0, "x", None, A[2:6]), frag(0, "x", None, A[6:])
    )
    assert [(c.name, c.arguments) for c in message.calls] == [("one", A)]
    assert progress[0] == CallBegan(message.calls[0].id, "one")
    assert len([step for step in progress if isinstance(step, CallBegan)]) == 1


def test_a_call_with_nothing_but_a_name_is_announced_once():
    _, progress = fed(frag(name="one"), frag(name="one"), frag(arguments=A), Finished("stop"))
    assert len([step for step in progress if isinstance(step, CallBegan)]) == 1


def test_arguments_as_an_object_replace_what_was_there():
    assert calls(frag(0, "x", "one", ""), frag(0, "x", None, {"path": "a"})) == [("one", A)]
    assert calls(frag(0, "x", "one", {"p": 1}), frag(0, "x", None, {"path": "a"})) == [("one", A)]
    assert calls(frag(0, "x", "one", {})) == [("one", "{}")]


def test_missing_empty_and_taken_ids_are_replaced_others_kept():
    message, _ = fed(
        frag(0, "", "one", A),
        frag(1, None, "two", A),
        frag(2, "old", "three", A),
        frag(3, "D681PevKs", "four", A),
        taken=("old",),
    )
    ids = [call.id for call in message.calls]
    assert all(i.startswith("call_") for i in ids[:3])
    assert len(set(ids)) == 4
    assert ids[3] == "D681PevKs"


@pytest.mark.parametrize(
    "kept",
    [
        "D681PevKs",
        "call_0b5e8f7c-1111-2222-3333-444455556666",
        "functions.read_file:0",
        "chatcmpl-tool-" + "a" * 50,
        "call_1__thought__" + "AY89+/" * 200 + "==",
    ],
)
def test_ids_that_endpoints_need_back_are_kept(kept: str):
    message, _ = fed(frag(0, kept, "one", A))
    assert message.calls[0].id == kept


@pytest.mark.parametrize(
    "odd", ["a" * 65, "a b", "a/b", "../x", "é", "a\n", "a\x00", "x__thought__" + "a" * 20_000]
)
def test_ids_that_are_long_or_odd_are_replaced_and_still_join(odd: str):
    message, _ = fed(frag(0, odd, "one", A[:4]), frag(0, odd, None, A[4:]))
    assert message.calls[0].id.startswith("call_")
    assert [(call.name, call.arguments) for call in message.calls] == [("one", A)]


def test_a_call_is_told_under_its_tools_name_however_often_the_other_spelling_comes():
    assembly = Assembly(tools=("read_file",))
    spelling = "functions.read_file"
    progress = [s for piece in A for s in assembly.add(frag(0, "x", spelling, piece))]
    assert progress[0] == CallBegan("x", "read_file")
    assert assembly.message().calls == (ToolCall("x", "read_file", A),)


def test_an_answer_that_does_not_end_is_stopped():
    part = "x" * (MAX_ANSWER // 4)
    for delta in (TextDelta(part), ReasoningDelta(part), frag(0, "c", "one", part)):
        assembly = Assembly()
        for _ in range(4):
            assembly.add(delta)
        with pytest.raises(RooError):
            assembly.add(delta)


def test_a_name_that_does_not_end_stops_growing():
    message, _ = fed(*(frag(0, "c", f"n{number}") for number in range(10_000)))
    assert len(message.calls[0].name) < 300


def test_a_call_without_a_name_is_kept_under_one_that_no_tool_has():
    assert calls(frag(0, "x", None, A)) == [(NAMELESS, A)]


def test_empty_fragments_make_no_call():
    assert calls(frag(0), frag(), frag(0, "", "", "")) == []


def test_arguments_stay_exactly_as_streamed():
    broken = '```json\n{"path": "a"\n'
    assert calls(frag(0, "x", "one", broken)) == [("one", broken)]


def test_a_restart_voids_everything():
    message, progress = fed(
        TextDelta("half an"),
        frag(0, "x", "one", A[:4]),
        Usage(1, 1),
        Restarted(),
        TextDelta("whole"),
        Finished("stop"),
    )
    assert message == AssistantMessage("whole")
    assert Reset() in progress


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    edges = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in pairwise(edges)]


json_objects = st.dictionaries(
    st.text(max_size=5),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=5,
    ),
    max_size=4,
)
SPELLINGS = ("index", "id", "index and id", "neither", "everything each time", "index and name")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(json_objects, st.lists(st.integers(0, 10**6), max_size=8)), min_size=1, max_size=4
    ),
    st.sampled_from(SPELLINGS),
)
def test_any_cutting_of_the_arguments_gives_the_same_calls(
    wanted: list[tuple[dict[str, object], list[int]]], spelling: str
):
    fragments: list[ToolCallFragment] = []
    texts: list[str] = []
    for number, (value, cuts) in enumerate(wanted):
        text = json.dumps(value, ensure_ascii=False)
        texts.append(text)
        index = number if "index" in spelling or "every" in spelling else None
        call_id = None if spelling == "index and name" else f"id{number}"
        fragments.append(ToolCallFragment(index, call_id, "tool", ""))
        for piece in pieces_of(text, cuts):
            again = spelling in {"id", "index and id", "everything each time"}
            named = spelling in {"everything each time", "index and name"}
            fragments.append(
                ToolCallFragment(
                    index, call_id if again else None, "tool" if named else None, piece
                )
            )
    assert calls(*fragments) == [("tool", text) for text in texts]


@st.composite
def legal_fragments(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[ToolCallFragment]]:
    """Calls, and fragments as OpenAI sends them: told apart by index, mixed in any way."""
    wanted = draw(st.lists(json_objects, min_size=1, max_size=4))
    queues: list[list[ToolCallFragment]] = []
    for number, value in enumerate(wanted):
        pieces = pieces_of(json.dumps(value), draw(st.lists(st.integers(0, 10**6), max_size=6)))
        first = ToolCallFragment(number, f"id{number}", f"tool_{number}", "")
        queues.append([first, *(ToolCallFragment(number, None, None, each) for each in pieces)])
    order = draw(st.permutations([n for n, queue in enumerate(queues) for _ in queue]))
    made = [queues[number].pop(0) for number in order]
    began = list(dict.fromkeys(order))
    return [(f"tool_{n}", json.dumps(wanted[n])) for n in began], made


@settings(deadline=None)
@given(legal_fragments())
def test_any_legal_mixing_of_fragments_gives_the_same_calls(
    made: tuple[list[tuple[str, str]], list[ToolCallFragment]],
):
    wanted, fragments = made
    assert calls(*fragments) == wanted
