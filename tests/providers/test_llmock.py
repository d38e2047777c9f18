"""A second judge: llmock serves faults over a real socket and gives a verdict on the client.

Each scenario must end in a clean verdict, warnings included. Where llmock's own verdict is unjust,
the test says why and pins what it says. Waits are real here, as the judge measures them; our own,
not the endpoint's, are a fifth as long. Limits are not: time passes for them where an answer stalls.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock
from llmock.scenarios import Reply, ToolCall

from roo_lsp.agent.errors import RooError
from roo_lsp.agent.events import Retrying
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import AssistantMessage, ToolMessage, UserMessage
from roo_lsp.agent.ports import ChatRequest, Finished, TextDelta, Usage
from roo_lsp.providers import pulse, retrying
from roo_lsp.providers.endpoint import Endpoint, Timeouts
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.retrying import Clock, RetryingModel
from tests.support.passing import hurried
from tests.support.scripted import Rig, rig, tool

HELLO = ChatRequest("Be brief.", [UserMessage("Say hello to the whole wide world")])
LIMITS = Timeouts(first_token=100, idle=100)
PATIENCE = 1000
"""Seconds of a loop whose time may pass faster."""


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_DELAY", retrying.FIRST_DELAY / 5)


@pytest.fixture(autouse=True)
def _no_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge gives the next scripted answer to any request, also to the question what it is at."""
    monkeypatch.setattr(pulse, "QUIET", PATIENCE)


def steady(llmock: LLMock) -> Clock:
    """Waits are real, and no two of them are alike by chance.

    None ends before the judge has seen the end of the try before it, of which we knew earlier: it
    takes a try for a retry only of what has ended.
    """

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        while llmock._server.state.journal.in_flight:  # noqa: ASYNC110 -- of another thread
            await asyncio.sleep(0.005)

    return Clock(sleep=sleep, chance=lambda: 1.0)


def endpoint(llmock: LLMock, provider: str = "openai", **settings: Any) -> Endpoint:
    given: dict[str, Any] = {
        "base_url": llmock.base_url(provider),
        "model": "gpt-4o",
        "api_key": "llmock-test-key",
        "timeouts": LIMITS,
    }
    return Endpoint(**(given | settings))


@dataclass
class Asked:
    """What one request came to."""

    text: str = ""
    finish: str = ""
    usage: Usage | None = None
    retries: list[Retrying] = field(default_factory=list[Retrying])


async def ask(
    llmock: LLMock, attempts: int = 4, asked: Asked | None = None, **settings: Any
) -> Asked:
    """One request as the product makes it; `asked` shows it while it goes on.

    Raises:
        ProviderError: what the user would be told.
    """
    asked = asked or Asked()

    def note(event: Any) -> None:
        asked.retries.append(event)

    async with asyncio.timeout(PATIENCE), OpenAICompatible(endpoint(llmock, **settings)) as inner:
        model = RetryingModel(inner, note, attempts=attempts, clock=steady(llmock))
        async for delta in model.stream(HELLO):
            match delta:
                case TextDelta(text):
                    asked.text += text
                case Finished(reason):
                    asked.finish = reason
                case Usage():
                    asked.usage = delta
                case _:
                    asked.text = ""  # made again: nothing before it counts
    return asked


# --- faults of a request ------------------------------------------------------------------------

PASSING: dict[str, tuple[Callable[[LLMock], object], int]] = {
    "a 429 that asks for a wait": (lambda it: it.rate_limit(times=2, retry_after=0.3), 3),
    "a 429 that asks for a second": (lambda it: it.fail(429), 2),
    "408": (lambda it: it.fail(408), 2),
    "409": (lambda it: it.fail(409), 2),
    "500, more than once": (lambda it: it.fail(500, times=2), 3),
    "502": (lambda it: it.fail(502), 2),
    "503": (lambda it: it.fail(503, retry_after=0.1), 2),
    "504": (lambda it: it.fail(504, retry_after=0.1), 2),
    "529": (lambda it: it.fail(529, retry_after=0.1), 2),
    "dropped before the first chunk": (lambda it: it.disconnect(after_chunks=0), 2),
    "dropped": (lambda it: it.disconnect(after_chunks=3), 2),
    "dropped twice": (lambda it: it.disconnect(after_chunks=1, times=2), 3),
    "ended early before the first chunk": (lambda it: it.truncate(after_chunks=0), 2),
    "ended early": (lambda it: it.truncate(after_chunks=3), 2),
    "a chunk that is not JSON": (lambda it: it.corrupt(after_chunks=2), 2),
    "a first chunk that is not JSON": (lambda it: it.corrupt(after_chunks=0), 2),
    "silence": (lambda it: it.stall(after_chunks=2, seconds=60), 2),
    "silence before the first chunk": (lambda it: it.stall(after_chunks=0, seconds=60), 2),
    "one fault after the other": (
        lambda it: it.fail(500).truncate(after_chunks=2).disconnect(after_chunks=2),
        4,
    ),
    "slow to answer": (lambda it: it.delay(0.2), 1),
    "slow to begin": (lambda it: it.slow_first_token(0.5), 1),
    "slow from chunk to chunk": (lambda it: it.pace(20), 1),
    "no fault": (lambda it: it.reply("Hello there."), 1),
}


@pytest.mark.parametrize("name", PASSING)
async def test_a_fault_that_passes_is_waited_out(llmock: LLMock, name: str):
    script, requests = PASSING[name]
    script(llmock)
    asked = Asked()
    work = ask(llmock, asked=asked)
    await (hurried(work, until=lambda: asked.retries) if "silence" in name else work)
    assert (asked.finish, bool(asked.text)) == ("stop", True)
    assert asked.usage is not None
    assert len(llmock.requests) == requests
    assert [retry.attempt for retry in asked.retries] == list(range(1, requests))
    assert verdict(llmock) in ([], IGNORED if "not JSON" in name else [])


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "provider_error"),
        (401, "invalid_api_key"),
        (402, "rate_limited"),
        (403, "invalid_api_key"),
        (404, "model_not_found"),
        (413, "context_overflow"),
        (422, "provider_error"),
        (501, "provider_error"),
    ],
)
async def test_what_cannot_pass_is_told_at_once(llmock: LLMock, status: int, code: str):
    llmock.fail(status, times=None)
    with pytest.raises(ProviderError) as told:
        await ask(llmock)
    assert (told.value.code, told.value.status) == (code, status)
    assert len(llmock.requests) == 1
    llmock.assert_resilient(strict=True)


async def test_an_outage_is_given_up_after_the_attempts(llmock: LLMock):
    llmock.fail(503, times=None, retry_after=0.05)
    with pytest.raises(ProviderError, match=r"It was tried 3 times\."):
        await ask(llmock, attempts=3)
    assert len(llmock.requests) == 3
    llmock.assert_resilient(strict=True)


async def test_an_overflow_that_says_no_number_is_known(llmock: LLMock):
    llmock.context_overflow()
    with pytest.raises(ProviderError) as told:
        await ask(llmock)
    assert (told.value.code, told.value.window) == ("context_overflow", None)
    llmock.assert_resilient(strict=True)


async def test_a_quota_is_kept_by_waiting_as_long_as_it_asks(llmock: LLMock):
    llmock.limits(tpm=60_000)  # a thousand a second
    await ask(llmock, max_output_tokens=32_000)
    [retry] = (await ask(llmock, max_output_tokens=32_000)).retries
    assert retry.status == 429
    assert "tokens per minute" in retry.reason
    llmock.assert_resilient(strict=True)


async def test_many_at_once_are_each_retried_by_itself(llmock: LLMock):
    """Each with a seed of its own: the judge tells requests apart by their bodies."""
    llmock.fail(500, times=3)
    answers = await asyncio.gather(*(ask(llmock, seed=each) for each in range(5)))
    assert {answer.finish for answer in answers} == {"stop"}
    assert len(llmock.requests) == 8
    llmock.assert_resilient(strict=True)


# --- verdicts that are unjust -------------------------------------------------------------------


def verdict(llmock: LLMock) -> list[tuple[str, str]]:
    return [(found.severity, found.code) for found in llmock.verdict().findings]


IGNORED = [("warning", "malformed_chunk_ignored")]
"""Behind a corrupt chunk the judge goes on sending. Where it has sent all before it notices that we
have hung up, it takes the answer for one that was accepted, and our retry for another call."""


async def test_a_wait_that_is_too_long_is_told_which_the_judge_takes_for_giving_up(llmock: LLMock):
    """The user is told how long, and which setting allows it (`roo.provider.retry.maxDelay`)."""
    llmock.rate_limit(retry_after=3600)
    with pytest.raises(ProviderError, match="asks to wait 60 min"):
        await ask(llmock)
    assert verdict(llmock) == [("warning", "gave_up")]


async def test_streams_that_are_always_cut_are_told_which_the_judge_cannot_see(llmock: LLMock):
    """It counts the last attempt as accepted, as there is no further one; the user sees an error."""
    llmock.truncate(after_chunks=2, times=None)
    with pytest.raises(ProviderError) as told:
        await ask(llmock, attempts=2)
    assert told.value.code == "stream_broken"
    assert verdict(llmock) == [("error", "truncated_stream_accepted")]


async def test_chunks_that_are_always_broken_are_told_which_the_judge_cannot_see(llmock: LLMock):
    """As with streams that are always cut."""
    llmock.corrupt(after_chunks=2, times=None)
    with pytest.raises(ProviderError) as told:
        await ask(llmock, attempts=2)
    assert told.value.code == "stream_broken"
    assert set(verdict(llmock)) == set(IGNORED)


# --- whole turns --------------------------------------------------------------------------------


class Turn:
    """A turn of an agent with two tools; `runs` is what they did."""

    def __init__(self, llmock: LLMock, provider: str = "openai") -> None:
        self.runs: list[tuple[str, str]] = []
        tools = [tool(name, self._runner(name)) for name in ("read_word", "write_word")]
        self.rig: Rig = rig(tools=tools, prompt="Please read the word")
        self.client = OpenAICompatible(endpoint(llmock, provider))
        self.rig.agent.model = RetryingModel(
            self.client, self.rig.events.append, attempts=4, clock=steady(llmock)
        )

    def _runner(self, name: str) -> Callable[[str], str]:
        def run(word: str) -> str:
            self.runs.append((name, word))
            return f"{name}: done"

        return run

    async def go(self) -> str:
        async with asyncio.timeout(PATIENCE), self.client:
            return await run_turn(self.rig.agent)

    @property
    def shape(self) -> list[str]:
        return [type(message).__name__ for message in self.rig.agent.history.messages]


ONE_CALL = ["UserMessage", "AssistantMessage", "ToolMessage", "AssistantMessage"]
TWO_CALLS = [*ONE_CALL[:-1], *ONE_CALL[1:]]


async def test_a_turn_runs_the_tool_that_the_model_chooses_and_ends(llmock: LLMock):
    turn = Turn(llmock)
    assert await turn.go() == "end_turn"
    assert [name for name, _ in turn.runs] == ["read_word"]
    assert turn.shape == ONE_CALL
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize("after", [1, 2, 4])
@pytest.mark.parametrize("kind", ["disconnect", "truncate", "corrupt", "stall"])
async def test_a_call_whose_stream_breaks_runs_once(llmock: LLMock, kind: str, after: int):
    call = {"word": "a word that takes some chunks"}
    llmock.call_tool("write_word", call, text="Now", times=2)
    more: dict[str, Any] = {"seconds": 60} if kind == "stall" else {}
    getattr(llmock, kind)(after_chunks=after, **more)
    turn = Turn(llmock)
    work = turn.go()
    stalls = kind == "stall"
    ended = await (hurried(work, until=lambda: turn.rig.of(Retrying)) if stalls else work)
    assert ended == "end_turn"
    assert turn.runs == [("write_word", call["word"])]
    assert turn.shape == ONE_CALL
    assert len(turn.rig.of(Retrying)) == 1
    assert verdict(llmock) in ([], IGNORED if kind == "corrupt" else [])


async def test_several_calls_with_text_before_them_are_all_run(llmock: LLMock):
    made = (ToolCall("read_word", {"word": "a"}), ToolCall("write_word", {"word": "b"}))
    llmock.add(Reply(text="I look.", tool_calls=made))
    turn = Turn(llmock)
    assert await turn.go() == "end_turn"
    assert turn.runs == [("read_word", "a"), ("write_word", "b")]
    assert turn.rig.agent.history.messages[1].text == "I look."
    llmock.assert_resilient(strict=True)


async def test_a_call_of_a_tool_that_is_not_there_is_told_to_the_model(llmock: LLMock):
    llmock.break_tool_call("unknown_tool")
    turn = Turn(llmock)
    assert await turn.go() == "end_turn"
    assert (turn.runs, turn.shape) == ([], ONE_CALL)
    assert "llmock_unknown_tool" in turn.rig.results[0]
    llmock.assert_resilient(strict=True)


async def test_a_call_whose_arguments_are_cut_is_told_to_the_model(llmock: LLMock):
    llmock.call_tool("write_word", {"word": "x"}).break_tool_call("malformed_arguments")
    llmock.call_tool("write_word", {"word": "x"})
    turn = Turn(llmock)
    assert await turn.go() == "end_turn"
    assert (turn.runs, turn.shape) == ([("write_word", "x")], TWO_CALLS)
    assert "JSON" in turn.rig.results[0]
    sent = llmock.requests[1].body["messages"]
    [call] = sent[2]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {}
    llmock.assert_resilient(strict=True)


async def test_a_turn_stopped_by_the_output_limit_says_so(llmock: LLMock):
    llmock.add(Reply(text="Half an", finish_reason="length"))
    assert await Turn(llmock).go() == "max_tokens"
    llmock.assert_resilient(strict=True)


async def test_a_turn_survives_a_fault_in_each_of_its_requests(llmock: LLMock):
    llmock.rate_limit(retry_after=0.2).call_tool("read_word", {"word": "a"}, times=2)
    llmock.disconnect(after_chunks=3)
    turn = Turn(llmock)
    assert await turn.go() == "end_turn"
    assert (turn.runs, turn.shape) == ([("read_word", "a")], ONE_CALL)
    llmock.fail(500)
    turn.rig.agent.inbox.append(UserMessage("And now?"))
    turn.client = OpenAICompatible(endpoint(llmock))
    turn.rig.agent.model = RetryingModel(turn.client, turn.rig.events.append, clock=steady(llmock))
    llmock.reply("Done.")
    assert await turn.go() == "end_turn"
    llmock.assert_resilient(strict=True)


async def test_a_turn_that_gives_up_keeps_what_was_done(llmock: LLMock):
    llmock.call_tool("read_word", {"word": "a"})
    turn = Turn(llmock)
    turn.rig.agent.model = RetryingModel(
        turn.client, turn.rig.events.append, attempts=2, clock=steady(llmock)
    )

    def outage(event: Any) -> None:
        turn.rig.events.append(event)
        if getattr(event, "status", "") == "completed":
            llmock.fail(503, times=None, retry_after=0.05)

    turn.rig.agent.emit = outage
    with pytest.raises(RooError, match="It was tried 2 times"):
        await turn.go()
    assert turn.runs == [("read_word", "a")]
    user, assistant, result = turn.rig.agent.history.messages
    assert isinstance(user, UserMessage)
    assert isinstance(assistant, AssistantMessage)
    assert isinstance(result, ToolMessage)
    assert result.call_id == assistant.calls[0].id
    llmock.assert_resilient(strict=True)


DIALECTS = ["openai", "mistral", "groq", "together", "perplexity", "ai21", "xai"]


@pytest.mark.parametrize("provider", DIALECTS)
async def test_each_dialect_of_the_protocol_is_spoken(llmock: LLMock, provider: str):
    llmock.rate_limit(retry_after=0.1).call_tool("write_word", {"word": "b"}, times=2)
    llmock.truncate(after_chunks=2)
    turn = Turn(llmock, provider)
    assert await turn.go() == "end_turn"
    assert (turn.runs, turn.shape) == ([("write_word", "b")], ONE_CALL)
    assert [retry.status for retry in turn.rig.of(Retrying)] == [429, None]
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize("provider", DIALECTS)
async def test_an_overflow_is_known_in_each_dialect(llmock: LLMock, provider: str):
    llmock.limits(context_window=5)
    with pytest.raises(ProviderError) as told:
        await ask(llmock, base_url=llmock.base_url(provider))
    assert (told.value.code, told.value.window) == ("context_overflow", 5)
    llmock.assert_resilient(strict=True)
