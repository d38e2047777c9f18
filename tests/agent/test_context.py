"""A conversation that outgrows the model's context goes on: what is kept, what is told, what is asked."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.context import OVERFLOWS, condense_now, results_that_fit
from roo_lsp.agent.conversation import GO_ON, History
from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import (
    AgentMessageChunk,
    ConversationCondensed,
    ToolCallUpdated,
    UsageUpdated,
)
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import (
    AssistantMessage,
    Condensed,
    HistoryEntry,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
    repaired,
)
from roo_lsp.agent.ports import ChatRequest, Delta, Finished, ReasoningDelta, TextDelta, Usage
from roo_lsp.agent.summary import LEFT_OUT, SUMMARY, SYSTEM
from roo_lsp.agent.tool import Todo
from roo_lsp.agent.trimming import trimmed, waterline
from roo_lsp.agent.usage import Gauge, size_of
from tests.support.scripted import Rig, ScriptedModel, calls, rig, says, tool

PROMPT = "Read all the files. Never touch b.py!"
NOTES = "Goal: read.\nOpen: the rest."


@dataclass
class Endpoint(ScriptedModel):
    """Answers with its script, and requests for a summary with `summary`; it has a context."""

    summary: Any = field(default_factory=lambda: says(NOTES))
    context: int = 10**9
    """Tokens; a token has 4 characters here."""
    states: int | None = None
    """The context that it names when a request is too long."""
    reports: bool = False
    refused: int = 0
    summaries: list[ChatRequest] = field(default_factory=list)

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        tokens = characters_of(request) // 4
        if tokens > self.context:
            self.refused += 1
            raise RooError("context_overflow", "Too long.", window=self.states)
        if request.system == SYSTEM:
            self.summaries.append(request)
            self.answers.insert(0, self.summary)
        else:
            assert repaired(request.messages) == list(request.messages)
        async for delta in super().stream(request):
            yield delta
        if self.reports:
            yield Usage(tokens, 5)

    @property
    def turns(self) -> list[ChatRequest]:
        return [each for each in self.requests if each.system != SYSTEM]


def characters_of(request: ChatRequest) -> int:
    tools = sum(len(each.description) + len(str(each.parameters)) for each in request.tools)
    return len(request.system) + tools + size_of(request.messages)


def reads(count: int, length: int = 2000, *, first: int = 0) -> list[list[Delta]]:
    """The model reads so many files, and is done."""
    words = range(first, first + count)
    made = [calls(("read", f'{{"word":"{n:04}"}}'), first_id=n) for n in words]
    return [*made, says("ok")]


def long_task(
    script: list[Any],
    window: int = 3000,
    *,
    length: int = 2000,
    prompt: str = PROMPT,
    brief: dict[str, Any] | None = None,
    **endpoint: Any,
) -> tuple[Rig, Endpoint]:
    """An agent whose tool `read` gives so many characters, on a model with this window."""
    it = rig(tools=[tool("read", lambda word: f"{word}:" + "x" * (length - 5))], prompt=prompt)
    made = replace(it.agent.brief(), context_window=window, **(brief or {}))
    it.agent.brief = lambda: made
    model = it.agent.model = Endpoint(script, **endpoint)
    return it, model


def shortened(it: Rig) -> list[ConversationCondensed]:
    return it.of(ConversationCondensed)


# --- by a summary ---------------------------------------------------------------------------


@pytest.mark.parametrize("reports", [True, False])
async def test_a_long_task_goes_on_within_the_window(reports: bool) -> None:
    it, model = long_task(reads(100), context=3000, reports=reports)
    assert await run_turn(it.agent) == "end_turn"
    assert len(model.turns) == 101
    assert model.refused == 0
    assert {each.kind for each in shortened(it)} == {"summary"}
    assert len(shortened(it)) == len(model.summaries) < 50
    assert all(each.after < 0.7 * each.before for each in shortened(it))
    assert all(characters_of(each) / 4 < 2500 for each in model.requests)


async def test_the_text_in_the_place_has_the_users_words_the_summary_and_the_todo_list() -> None:
    it, model = long_task(reads(8))
    it.agent.context.todos.replace([Todo("read", "completed"), Todo("write", "in_progress")])
    await run_turn(it.agent)
    first = model.turns[-1].messages[0]
    assert isinstance(first, UserMessage)
    assert first.text.startswith(LEFT_OUT)
    assert f"## The user's first request\n{PROMPT}\n" in first.text
    assert first.text.endswith(f"{SUMMARY}\n{NOTES}")
    assert "[x] read\n[-] write\n" in first.text


async def test_the_newest_messages_are_kept_as_they_are_and_stay_the_same_objects() -> None:
    it, model = long_task(reads(20), length=600)
    said: list[HistoryEntry] = []
    it.agent.history = History(said.append)
    await run_turn(it.agent)
    kept = next(r for r in model.turns if LEFT_OUT in r.messages[0].text).messages[1:]
    assert len(kept) >= 4
    assert all(any(message is each for each in said) for message in kept)
    assert size_of(kept) < 3000 * 4 * 0.4


async def test_the_summary_is_asked_without_tools_and_is_no_answer() -> None:
    it, model = long_task(reads(8))
    await run_turn(it.agent)
    request = model.summaries[0]
    assert not request.tools
    (asked,) = request.messages
    assert isinstance(asked, UserMessage)
    assert asked.text.startswith(f"## User\n{PROMPT}\n\n## Agent's call 1, read\n")
    assert "## Result of call 1, read\n0000:xxx" in asked.text
    assert [event.text for event in it.of(AgentMessageChunk)] == ["ok"]


async def test_reasoning_goes_into_no_summary() -> None:
    script = reads(8)
    script[0] = [ReasoningDelta("SECRET THOUGHT"), *script[0]]
    it, model = long_task(script)
    await run_turn(it.agent)
    assert "SECRET" not in str(model.summaries[0].messages)


async def test_the_summarys_request_costs_like_any_other() -> None:
    it, model = long_task(reads(6), reports=True)
    await run_turn(it.agent)
    assert len(model.summaries) == 1
    assert len(it.of(UsageUpdated)) == it.agent.budget.requests == 8
    used = sum(event.usage.input_tokens for event in it.of(UsageUpdated))
    assert it.agent.budget.input_tokens == used
    assert it.of(UsageUpdated)[-1].cost == pytest.approx((used + 8 * 5 * 2) / 1e6)


async def test_an_earlier_summary_is_told_to_the_next_one() -> None:
    it, model = long_task(reads(14), summary=says("Goal: the first notes"))
    await run_turn(it.agent)
    assert len(model.summaries) >= 2
    asked = str(model.summaries[1].messages[0])
    assert asked.count("Goal: the first notes") == 1
    assert "## Notes on what came before" in asked
    assert PROMPT in asked
    assert model.turns[-1].messages[0].text.count(PROMPT) == 1


async def test_what_the_user_says_later_survives_in_their_words() -> None:
    it, model = long_task(reads(6) + reads(8, first=10))
    await run_turn(it.agent)
    later = UserMessage("Now the others", (Image("image/png", "AAAA"),))
    it.agent.inbox.append(later)
    await run_turn(it.agent)
    text = model.turns[-1].messages[0].text
    assert f"## The user's first request\n{PROMPT}\n" in text
    assert "## The user's later message\nNow the others\n(1 image(s) left out)" in text


async def test_a_prompt_that_is_kept_is_not_repeated() -> None:
    it, model = long_task(reads(4))
    await run_turn(it.agent)
    it.agent.inbox.append(UserMessage("And then? " + "y" * 1500))
    model.answers.append(says("fine"))
    await run_turn(it.agent)
    assert shortened(it)
    everything = "".join(str(message) for message in model.turns[-1].messages)
    assert everything.count("And then?") == 1
    assert everything.count(PROMPT) == 1


async def test_a_result_that_goes_on_is_told_to_the_summary_in_short() -> None:
    it, model = long_task(reads(8))
    await run_turn(it.agent)
    asked = str(model.summaries[0].messages)
    last = next(m for m in model.turns[-1].messages if isinstance(m, ToolMessage))
    assert last.text not in asked
    assert f"{last.text[:300]}" in asked
    assert "the agent keeps this result" in asked


async def test_a_long_summary_request_is_bounded_and_keeps_the_newest() -> None:
    it, model = long_task(reads(12, 9000), 10_000, length=4000, context=5000, states=5000)
    await run_turn(it.agent)
    for request in model.summaries:
        assert characters_of(request) / 4 < 4000
    assert "characters left out here …" in str(model.summaries[0].messages)


async def test_cancelling_while_a_summary_is_written_leaves_everything_as_it_was() -> None:
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    it, model = long_task(reads(8), summary=[TextDelta("Goal"), hang])
    turn = asyncio.create_task(run_turn(it.agent))
    async with asyncio.timeout(60):
        await reached.wait()
    before = list(it.agent.history.messages)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert model.closed == len(model.requests)
    assert it.agent.history.messages == before
    assert before[0] == UserMessage(PROMPT)
    assert not shortened(it)
    model.summary = says(NOTES)
    it.agent.inbox.append(UserMessage("Go on"))
    assert await run_turn(it.agent) == "end_turn"
    assert shortened(it)[0].kind == "summary"


# --- without one ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        ([RooError("provider_error", "The endpoint failed.")], "The endpoint failed."),
        ([Finished("stop")], "the model wrote nothing"),
        (calls(("read", '{"word":"a"}')), "the model wrote nothing"),
        (says("so " * 5000), "it is too long"),
    ],
)
async def test_where_there_is_no_usable_summary_the_oldest_are_left_out(
    summary: Any, why: str
) -> None:
    it, model = long_task(reads(30), context=3000, summary=summary)
    assert await run_turn(it.agent) == "end_turn"
    assert {(each.kind, each.reason) for each in shortened(it)} == {("truncation", why)}
    assert shortened(it)[0].update["_meta"] == {"reason": why}
    assert why in shortened(it)[0].line
    assert len(model.turns) == 31
    text = model.turns[-1].messages[0].text
    assert PROMPT in text
    assert '- read {"word":"00' in text
    assert len(it.of(ToolCallUpdated)) == 90


async def test_nothing_is_given_up_for_a_failure_that_the_next_request_meets_too() -> None:
    it, _ = long_task(reads(8), summary=[RooError("connection_failed", "Refused.")])
    with pytest.raises(RooError, match="Refused"):
        await run_turn(it.agent)
    assert it.agent.history.messages[0] == UserMessage(PROMPT)


async def test_with_condensing_off_no_summary_is_asked_for() -> None:
    it, model = long_task(reads(30), brief={"condense": False})
    assert await run_turn(it.agent) == "end_turn"
    assert not model.summaries
    assert {(each.kind, each.reason) for each in shortened(it)} == {("truncation", "")}
    assert "_meta" not in shortened(it)[0].update


async def test_a_summary_is_carried_on_when_the_next_one_fails() -> None:
    it, model = long_task(reads(14), summary=says("Goal: the first notes"))

    def after_the_first() -> Any:
        if model.summaries:
            model.summary = [RooError("provider_error", "Failed.")]
        return brief

    brief = it.agent.brief()
    it.agent.brief = after_the_first
    await run_turn(it.agent)
    assert [each.kind for each in shortened(it)][:2] == ["summary", "truncation"]
    assert model.turns[-1].messages[0].text.endswith(f"{SUMMARY}\nGoal: the first notes")


async def test_the_answers_share_stays_free() -> None:
    it, model = long_task(reads(20), brief={"max_output_tokens": 1400, "condense_percent": 100})
    await run_turn(it.agent)
    assert model.summaries
    assert all(characters_of(each) / 4 <= 1600 + 20 for each in model.turns)


async def test_how_full_the_context_may_get_can_be_set() -> None:
    it, model = long_task(reads(40), 20_000, brief={"condense_percent": 30})
    await run_turn(it.agent)
    assert model.summaries
    assert all(characters_of(each) / 4 <= 6000 for each in model.turns)


# --- an endpoint that refuses ---------------------------------------------------------------


@pytest.mark.parametrize("reports", [True, False])
@pytest.mark.parametrize("states", [3000, None, 7])
async def test_the_real_window_is_learnt_from_the_first_overflow(
    states: int | None, reports: bool
) -> None:
    it, model = long_task(reads(60), 128_000, context=3000, states=states, reports=reports)
    assert await run_turn(it.agent) == "end_turn"
    assert model.refused == 1
    assert len(model.turns) == 61
    assert it.of(UsageUpdated)[-1].size < 3300


async def test_where_tokens_are_shorter_than_thought_that_is_learnt_too() -> None:
    """The endpoint's own count is twice ours, and it reports none of it."""
    it, model = long_task(reads(60), 3000, context=1500, states=3000)
    assert await run_turn(it.agent) == "end_turn"
    assert model.refused == 1


async def test_after_condensing_what_was_reported_before_counts_no_more() -> None:
    """The endpoint reports half of what it counts."""
    it, model = long_task(reads(8), 128_000, context=1500, states=3000, reports=True)
    await run_turn(it.agent)
    first = next(each for each in model.turns if LEFT_OUT in each.messages[0].text)
    assert shortened(it)[0].after > characters_of(first) / 4


async def test_a_summary_that_is_refused_as_too_long_leads_to_leaving_out() -> None:
    overflow = RooError("context_overflow", "Too long for a summary.", window=2500)
    it, _ = long_task(reads(20), summary=[overflow])
    assert await run_turn(it.agent) == "end_turn"
    assert shortened(it)[0].reason == "Too long for a summary."
    assert it.of(UsageUpdated)[-1].size == 2500
    assert shortened(it)[0].after < 2500 * 0.7


async def test_an_overflow_in_the_middle_of_an_answer_goes_on_behind_it() -> None:
    overflow = RooError("context_overflow", "Full.", window=3000)
    script: list[Any] = reads(4)
    script[4:] = [[TextDelta("I think "), overflow], says("so")]
    it, model = long_task(script, 128_000)
    assert await run_turn(it.agent) == "end_turn"
    last = model.turns[-1].messages
    assert last[-1] == UserMessage(GO_ON)
    assert last[-2] == AssistantMessage("I think \n\n(This answer broke off here.)")
    assert it.agent.history.last_prompts[-1].text == PROMPT


async def test_the_tries_are_bounded() -> None:
    it, model = long_task(reads(5), 128_000)
    await run_turn(it.agent)
    model.context = 5
    model.answers.append(says("never"))
    it.agent.inbox.append(UserMessage("Go on"))
    with pytest.raises(RooError) as caught:
        await run_turn(it.agent)
    assert caught.value.code == "context_overflow"
    assert model.refused <= 2 * OVERFLOWS + 1
    assert repaired(it.agent.history.messages) == it.agent.history.messages


async def test_a_message_longer_than_the_context_is_refused_in_words_and_never_cut() -> None:
    it, model = long_task(reads(1), 3000, prompt="word " * 4000)
    with pytest.raises(RooError, match="cannot be made short enough") as caught:
        await run_turn(it.agent)
    assert caught.value.code == "context_overflow"
    assert "larger context" in caught.value.hint
    assert not model.requests
    it, model = long_task(reads(1), 128_000, prompt="word " * 4000, context=3000, states=3000)
    with pytest.raises(RooError, match=r"of the 3\.0k tokens"):
        await run_turn(it.agent)
    assert model.refused == 1


async def test_a_message_that_may_still_fit_is_sent_without_a_summary_at_each_request() -> None:
    prompt = f"First {'word ' * 2000}last"
    it, model = long_task(reads(1, 10), 3000, prompt=prompt)
    assert await run_turn(it.agent) == "end_turn"
    assert [len(model.turns), len(model.summaries)] == [2, 1]
    assert model.turns[0].messages[0].text == prompt
    cut = model.turns[1].messages[0].text
    assert "request\nFirst word" in cut
    assert "word last\n" in cut


@pytest.mark.parametrize(
    ("states", "bytes_only", "learnt"),
    [(None, False, 6000), (1100, False, 128_000), (None, True, 128_000)],
    ids=["no number", "a tiny one", "413"],
)
async def test_no_less_is_learnt_than_what_was_answered(
    states: int | None, bytes_only: bool, learnt: int
) -> None:
    wrong = RooError("context_overflow", "No.", window=states, bytes_only=bytes_only)
    script: list[Any] = [*reads(4)[:-1], [wrong], *reads(20, first=4)]
    it, model = long_task(script, 128_000, length=8000, context=100_000)
    assert await run_turn(it.agent) == "end_turn"
    assert len(model.turns) == 26
    answered = max(event.usage.input_tokens for event in it.of(UsageUpdated)[:4])
    assert it.of(UsageUpdated)[-1].size >= max(learnt, answered)
    assert learnt < 128_000 or len(shortened(it)) == 1, "what was refused, and nothing after it"


@pytest.mark.parametrize("states", [None, 1100])
async def test_a_task_that_cannot_be_shortened_is_asked_again_at_the_users_next_message(
    states: int | None,
) -> None:
    wrong = RooError("context_overflow", "context_window: too long", window=states)
    it, model = long_task([[wrong]], 128_000, prompt="word " * 2000)
    with pytest.raises(RooError) as caught:
        await run_turn(it.agent)
    assert caught.value.code == "context_overflow"
    it.agent.inbox.append(UserMessage("Again"))
    model.answers[:] = [says("ok")]
    assert await run_turn(it.agent) == "end_turn"
    assert model.turns[-1].messages[-1] == UserMessage("Again")


# --- results --------------------------------------------------------------------------------


async def test_one_result_cannot_fill_the_context_and_is_shown_whole() -> None:
    it, model = long_task(reads(1), 3000, length=50_000)
    await run_turn(it.agent)
    told = model.turns[1].messages[-1].text
    assert told.startswith("0000:xxx")
    assert told.endswith("xxx")
    assert "characters of this result are left out" in told
    assert len(told) < 3000 * 4 / 3
    assert len(it.of(ToolCallUpdated)[-1].text) == 50_000


def read_of(lines: int, behind: str = "") -> str:
    """What a read of a file gives."""
    return "\n".join(
        [f"a.py lines 1-{lines} of {lines}", *(f"{n} | text {n}" for n in range(1, lines + 1))]
        + ([behind] if behind else [])
    )


async def test_a_read_that_is_too_long_is_cut_at_its_end_with_the_line_to_go_on_from() -> None:
    it, _ = long_task(reads(1), 3000, length=1)
    said = "\nThe user approved and said: only the first half"
    whole = read_of(2000, said)
    (told,) = results_that_fit(it.agent, it.agent.brief(), [ToolMessage("c", whole)])
    kept, _, note = told.text.partition("\n[… ")
    last = kept.rpartition("\n")[2]
    assert whole.startswith(f"{kept}\n")
    assert f"Go on with start_line={int(last.partition(' | ')[0]) + 1}, " in note
    assert note.endswith(said)
    assert 2000 < len(told.text) < 3000 * 4 / 3


async def test_a_read_of_one_line_that_is_too_long_is_cut_in_its_middle() -> None:
    it, _ = long_task(reads(1), 3000, length=1)
    whole = f"a.js lines 1-1 of 1\n1 | {'x' * 50_000};"
    (told,) = results_that_fit(it.agent, it.agent.brief(), [ToolMessage("c", whole)])
    assert told.text.startswith("a.js lines 1-1 of 1\n1 | x")
    assert told.text.endswith("x;")
    assert "start_line" not in told.text
    assert len(told.text) < 3000 * 4 / 3


async def test_a_result_is_not_cut_for_less_than_a_tenth_of_it() -> None:
    it, _ = long_task(reads(1), 3000, length=1)

    def cut(length: int) -> str:
        results = [ToolMessage("c", "x" * length)]
        return results_that_fit(it.agent, it.agent.brief(), results)[0].text

    fits = max(length for length in range(500, 8000) if len(cut(length)) == length)
    gone = int(cut(fits + 1).partition("[… ")[2].partition(" ")[0])
    assert gone > fits // 10


async def test_results_of_one_answer_share_and_short_ones_stay_whole() -> None:
    many = calls(*(("read", f'{{"word":"{n}"}}') for n in range(5)), ("say", '{"word":"short"}'))
    it, model = long_task([many, says("ok")], 3000, length=20_000)
    brief = it.agent.brief()
    both = {**brief.tools, "say": tool("say")}
    it.agent.brief = lambda: replace(brief, tools=both)
    await run_turn(it.agent)
    told = [m.text for m in model.turns[1].messages if isinstance(m, ToolMessage)]
    assert told[-1] == "short"
    assert sum(map(len, told)) < 3000 * 4 / 3


async def test_a_large_result_is_still_there_at_the_next_request() -> None:
    script = reads(12)
    it, model = long_task(script, 3000, length=50_000)
    assert await run_turn(it.agent) == "end_turn"
    for request in model.turns[1:]:
        assert isinstance(request.messages[-1], ToolMessage)


# --- the history ----------------------------------------------------------------------------

ids = st.lists(st.sampled_from("abcd"), unique=True, min_size=1, max_size=3)
condensed = st.builds(Condensed, st.just("text"), st.integers(0, 7))
steps = st.lists(
    st.one_of(
        st.sampled_from(["u", "v", GO_ON]),
        condensed,
        st.tuples(ids, st.integers(0, 3)),  # calls, and how many results there were
    )
)


def round_of(calls_made: list[str], results: int) -> list[Message]:
    made = tuple(ToolCall(each, "t", "{}") for each in calls_made)
    return [
        AssistantMessage("a", made),
        *(ToolMessage(each, "r") for each in calls_made[:results]),
    ]


@given(steps)
@settings(max_examples=300)
def test_whatever_is_said_and_left_out_the_model_is_sent_a_valid_history(done: list[Any]) -> None:
    """Killed in a round, and at any other moment, the task comes back with what it had."""
    stored: list[HistoryEntry] = []
    history = History(stored.append)
    for step in done:
        match step:
            case str():
                history.append(UserMessage(step))
            case Condensed():
                history.condense(step)
            case _:
                for message in round_of(*step):
                    history.append(message)
                if step[1] < len(step[0]):
                    history = History(stored.append, list(stored))
        again = History(stored.append, list(stored))
        assert repaired(history.messages) == history.messages
        assert again.messages == history.messages
        assert again.call_ids() == history.call_ids()
        assert again.first_prompt == history.first_prompt
        assert again.last_prompts == history.last_prompts
        assert again.condensed == history.condensed
        assert again.size == history.size == size_of(history.messages)


async def test_a_task_that_was_killed_goes_on_from_what_was_left() -> None:
    """Killed right before and right after the line that says what is left out, and in a round."""
    stored: list[HistoryEntry] = []
    it, _ = long_task(reads(12))
    it.agent.history = History(stored.append)
    await run_turn(it.agent)
    for end in range(1, len(stored)):
        again, model = long_task([says("on"), says("on")], prompt="Go on")
        again.agent.history = History(lambda entry: None, stored[:end])
        assert await run_turn(again.agent) == "end_turn"
        assert all(repaired(each.messages) == list(each.messages) for each in model.turns)
        said = "".join(str(message) for message in model.turns[-1].messages)
        assert said.count(PROMPT) == 1


# --- because the user wants it ---------------------------------------------------------------


async def test_a_conversation_that_cannot_be_made_shorter_stays_as_it_is() -> None:
    it, model = long_task([], prompt="")
    it.agent.history.append(UserMessage(PROMPT))
    before, after = await condense_now(it.agent, it.agent.brief())
    assert before == after
    assert [each.text for each in it.agent.history.messages] == [PROMPT]
    assert (it.events, model.requests, model.summaries) == ([], [], [])


async def test_a_long_summary_is_condensed_and_all_that_came_since_is_kept() -> None:
    it, model = long_task([], 100_000, prompt="")
    it.agent.history = History(lambda entry: None, [Condensed("x" * 20_000, 0)])
    since = [UserMessage("And b.py?"), AssistantMessage("It is fine."), UserMessage("And c.py?")]
    for message in since:
        it.agent.history.append(message)
    before, after = await condense_now(it.agent, it.agent.brief())
    assert after < before
    assert len(model.summaries) == 1
    first, *kept = it.agent.history.messages
    assert NOTES in first.text
    assert kept == since


async def test_a_refusal_that_nothing_explains_is_told_in_the_endpoints_own_words() -> None:
    refused = RooError("context_overflow", "The body is too large (413).", bytes_only=True)
    it = rig([refused])
    with pytest.raises(RooError) as caught:
        await run_turn(it.agent)
    assert caught.value is refused
    assert [each.text for each in it.agent.history.messages] == ["Do it"]


# --- counting and trimming ------------------------------------------------------------------


def test_tokens_are_what_was_reported_and_what_came_since() -> None:
    gauge = Gauge()
    answer = AssistantMessage("y" * 88)
    usage = gauge.usage(Usage(1000, 50), 2000, answer)
    gauge.answered(usage, 2000, answer, 128_000)
    assert gauge.characters_per_token == 2
    assert gauge.used(2000 + size_of([answer])) == 1050
    assert gauge.used(2000 + size_of([answer]) + 300) == 1200
    gauge.forget()
    assert gauge.used(600) == 300


def test_a_report_of_nothing_is_an_estimate() -> None:
    usage = Gauge().usage(Usage(0, 0), 400, AssistantMessage("y" * 388))
    assert usage == Usage(100, 100, estimated=True)


def test_a_report_of_less_than_can_be_is_not_believed() -> None:
    """Some proxies report only the tokens that were not cached."""
    gauge = Gauge()
    usage = gauge.usage(Usage(10, 5), 12_000, AssistantMessage("y"))
    gauge.answered(usage, 12_000, AssistantMessage("y"), 128_000)
    assert gauge.characters_per_token == 4
    assert gauge.used(12_013) == 1005


def test_what_was_learnt_of_the_window_ends_when_another_is_set() -> None:
    gauge = Gauge()
    gauge.overflowed(128_000, 8192, 9000, 0, 500)
    assert (gauge.window(128_000), gauge.window(32_000)) == (8192, 32_000)
    gauge.overflowed(32_000, None, 4000, 0, 500)
    assert gauge.window(32_000) == 3000


def test_instructions_are_counted_once() -> None:
    class Tools(list[Any]):
        walks = 0

        def __iter__(self) -> Any:
            self.walks += 1
            return super().__iter__()

    gauge, tools = Gauge(), Tools()
    for _ in range(3):
        assert gauge.instructions("system", tools) == 18
    assert tools.walks == 1


@given(st.text(max_size=400), st.integers(0, 300))
def test_trimmed_text_is_within_bounds_and_keeps_head_and_tail(text: str, most: int) -> None:
    short = trimmed(text, most, "[{left}]")
    assert len(short) <= max(most, 16)
    if len(text) <= most:
        assert short == text


@given(st.lists(st.integers(0, 100)), st.integers(0, 2000))
def test_the_waterline_uses_what_there_is_and_no_more(sizes: list[int], total: int) -> None:
    level = waterline(sizes, total)
    used = sum(min(size, level) for size in sizes)
    assert used <= max(total, 0)
    if any(size > level for size in sizes):
        assert used + len(sizes) > total
