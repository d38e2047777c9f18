"""Tasks over the Responses API: the loop, a task that is taken up again, and what the SDK makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from roo_lsp.agent.conversation import History
from roo_lsp.agent.loop import run_turn
from roo_lsp.agent.messages import HistoryEntry, UserMessage
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.workspace.store import message_from, message_json
from tests.providers.responses_quirks import done, ends, fcall, message, stream, thought
from tests.support.fake_openai import FakeOpenAI, raw, text
from tests.support.llama_cpp import STREAMS
from tests.support.scripted import Rig, rig, tool

THINKS = stream(
    done(0, thought(1, encrypted_content="AbC=")),
    done(1, message("I look.")),
    done(2, fcall(0, '{"word": "a"}', name="read_word")),
    done(3, fcall(1, '{"word": "b"}', name="write_word")),
    ends(),
)


async def turn(fake: FakeOpenAI, task: Rig) -> str:
    async with OpenAICompatible(Endpoint(fake.base_url, "m", api="responses")) as client:
        task.agent.model = client
        return await run_turn(task.agent)


async def test_a_task_with_two_calls_goes_on_and_is_taken_up_again_over_responses():
    runs: list[tuple[str, str]] = []
    tools = [tool(n, lambda word, n=n: runs.append((n, word)) or f"{n}: done") for n in NAMES]
    stored: list[str] = []
    task = rig(tools=tools, prompt="Read and write")
    task.agent.history = History(lambda entry: stored.append(json.dumps(message_json(entry))))
    async with FakeOpenAI() as fake:
        fake.answers(THINKS, text("Done."), text("More."))
        assert await turn(fake, task) == "end_turn"
        assert runs == [("read_word", "a"), ("write_word", "b")]
        body = fake.chats[1].json
        assert [each.get("type") for each in body["input"]] == [
            None,
            "reasoning",
            "message",
            "function_call",
            "function_call",
            "function_call_output",
            "function_call_output",
        ]
        assert body["input"][1]["encrypted_content"] == "AbC="
        assert [each["output"] for each in body["input"][-2:]] == [f"{n}: done" for n in NAMES]
        assert body["store"] is False

        entries: list[HistoryEntry] = [message_from(json.loads(each)) for each in stored]
        again = rig(tools=tools, prompt="")
        again.agent.history = History(lambda entry: None, entries)
        again.agent.inbox.append(UserMessage("And more"))
        assert await turn(fake, again) == "end_turn"
        assert len(runs) == 2, "what was done is not done again"
        later = fake.chats[2].json["input"]
        assert [each["call_id"] for each in later if "call_id" in each] == ["call_0", "call_1"] * 2
        assert later[-1] == {"role": "user", "content": "And more"}
        assert "AbC=" not in fake.chats[2].body.decode()


NAMES = ("read_word", "write_word")


def placed(data: bytes) -> bytes:
    """A recorded stream of one item with the places that the specification has, and llama.cpp not."""
    place = b'data: {"output_index":0,"content_index":0,'
    return b"".join(
        line if b'"response":' in line else line.replace(b"data: {", place)
        for line in data.splitlines(keepends=True)
    )


RECORDED = sorted(STREAMS.glob("llama-cpp-responses-*.sse"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
async def test_the_sdks_accumulator_makes_the_same_of_a_recorded_stream(file: Path):
    """With places: without them the accumulator gives up, and the SDK's plain events do not."""
    data = placed(file.read_bytes())
    asked = rig(tools=[], prompt="Hello")
    async with FakeOpenAI() as fake:
        fake.answers(raw(data), raw(data))
        async with (
            AsyncOpenAI(base_url=fake.base_url, api_key="x", max_retries=0) as client,
            client.responses.stream(input="x", model="m") as events,
        ):
            final = await events.get_final_response()
        fake.always(text("ok"))
        await turn(fake, asked)
    answer: Any = asked.agent.history.messages[1]
    assert answer.text.strip() == final.output_text.strip()
    assert [(each.name, each.arguments) for each in answer.calls] == [
        (each.name, each.arguments) for each in final.output if each.type == "function_call"
    ]
