"""A task of 200 turns on a model with a small context, over the wire: it simply goes on."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from roo_lsp.cli import tasks as tasks_cli
from tests.support.editor import NEOVIM, FakeEditor, editor
from tests.support.fake_openai import Answer, FakeOpenAI, Reply, Request, call, spoken, status, text

TURNS = 200
WINDOW = 8192
PROMPT = "Read every file, one after the other. Never change b.txt!"


@dataclass
class SmallModel:
    """An endpoint with a hard limit that reads file after file; it refuses as llama.cpp does."""

    turns: int
    reports: bool = True
    window: int = WINDOW
    overflows: int = 0
    summaries: int = 0
    read: int = 0
    asked: str = ""
    """The last request for a summary, until the next other one."""
    twice: int = 0
    """Requests after a summary that had a result beside it."""
    problems: list[str] = field(default_factory=list)
    largest: int = 0

    def __call__(self, request: Request) -> Answer | Reply:
        tokens = len(request.body) // 4
        if tokens > self.window:
            self.overflows += 1
            said = {
                "code": 400,
                "message": f"request ({tokens} tokens) exceeds the available context size "
                f"({self.window} tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": tokens,
                "n_ctx": self.window,
            }
            return status(400, {"error": said})
        self.largest = max(self.largest, tokens)
        answer = self._answer(request.json)
        return answer.using(tokens, 20) if self.reports else answer

    def _answer(self, body: Any) -> Answer:
        if "tools" not in body:
            self.summaries += 1
            self.asked = json.dumps(body["messages"])
            if self.asked.count(PROMPT) != 1:
                self.problems.append("the summary's request has the first request not once")
            return text(f"Goal: read the files.\nFiles: {self.read} are read.\nOpen: the rest.")
        self.problems += problems(body["messages"])
        if self.asked:  # the first request after condensing
            told = json.dumps(body["messages"])
            if told.count(PROMPT) != 1:
                self.problems.append("the first request does not stand once")
            kept = [each["content"] for each in body["messages"] if each["role"] == "tool"]
            if kept and json.dumps(kept[-1])[1:-1] in self.asked:
                self.problems.append("the last result was in the summary's request, too")
            self.twice, self.asked = self.twice + bool(kept), ""
        if self.read == self.turns:
            return text("Read them all.")
        self.read += 1
        return call("read_file", {"path": f"{self.read}.txt"}, id=f"r{self.read}")


def problems(messages: list[dict[str, Any]]) -> list[str]:
    """What an endpoint would refuse: calls without a result, results without a call."""
    found: list[str] = []
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] in open_calls:
                open_calls.remove(message["tool_call_id"])
            else:
                found.append(f"orphan {message['tool_call_id']}")
            continue
        found += [f"no result for {each}" for each in open_calls]
        open_calls = [each["id"] for each in message.get("tool_calls", ())]
    if PROMPT not in json.dumps(messages):
        found.append("the prompt is gone")
    return found + [f"no result for {each}" for each in open_calls]


def settings(fake: FakeOpenAI, **more: Any) -> dict[str, Any]:
    provider = {"baseUrl": fake.base_url, "modelId": "scripted", "retry": {"attempts": 1}}
    return {"provider": provider, **more}


def write_files(folder: Path) -> None:
    for number in range(TURNS + 1):
        lines = (f'value_{line} = "{number} and {line}"\n' for line in range(80))
        (folder / f"{number}.txt").write_text("".join(lines)[:2048], "utf-8")


async def finish(it: FakeEditor, model: SmallModel) -> dict[str, Any]:
    """The end of the turn; each wait is for a part of it."""
    for enough in range(0, model.turns, 10):
        await it.until(lambda enough=enough: model.read > enough or over(it))
    return await it.ended()


def over(it: FakeEditor) -> bool:
    states = it.updates("_state")
    return bool(states) and states[-1]["state"] in {"idle", "failed"}


@pytest.mark.parametrize("reports", [True, False], ids=["usage", "no usage"])
@pytest.mark.parametrize(
    ("more", "overflows"),
    [({}, 1), ({"model": {"contextWindow": 8000}}, 0)],
    ids=["window to be learnt", "window set"],
)
async def test_200_turns_in_a_small_context(
    more: dict[str, Any], overflows: int, reports: bool, tmp_path: Path
) -> None:
    write_files(tmp_path)
    model = SmallModel(TURNS, reports)
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        fake.always(model)
        await it.start(PROMPT)
        assert (await finish(it, model))["stopReason"] == "end_turn"
        assert model.read == TURNS
        assert model.problems == []
        assert model.overflows == overflows
        assert model.twice
        condensed = it.updates("_condensed")
        assert {each["kind"] for each in condensed} == {"summary"}
        assert len(condensed) == model.summaries < TURNS / 2
        assert all(each["after"] < 0.8 * each["before"] for each in condensed)
        assert it.updates("usage_update")[-1]["size"] <= WINDOW
        lines = (value["message"] for _, value in it.values)
        first = next(line for line in lines if line.startswith("Condensed"))
        assert re.fullmatch(r"Condensed the conversation: \d\.\dk → \d\.\dk tokens", first)


async def test_a_condensed_task_goes_on_after_a_restart_and_shows_all_that_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(tmp_path)
    model = SmallModel(30)
    async with FakeOpenAI() as fake:
        fake.always(model)
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            task_id = await it.start(PROMPT)
            await finish(it, model)
            assert model.summaries > 2
        model.turns = 60
        async with editor(NEOVIM, tmp_path, settings(fake)) as it:
            before = len(fake.chats)
            await it.run("roo.task.resume", {"taskId": task_id, "text": "Read on"})
            assert (await finish(it, model))["stopReason"] == "end_turn"
            resumed = fake.chats[before].json["messages"]
            assert "Summary of what was done so far" in resumed[1]["content"]
            assert spoken(resumed[-1]["content"]) == "Read on"
            assert len(resumed) < 30
            assert model.overflows == 2  # one for each life of the server
            assert model.problems == []
            shown = await it.run("roo.task.open", {"taskId": task_id})
            whole = Path(shown["path"]).read_text("utf-8")
            exported = (await it.run("roo.task.export", {"format": "md"}))["text"]
            entries = json.loads((await it.run("roo.task.export", {"format": "json"}))["text"])
    assert whole == exported
    assert whole.count("read_file: result") == 60
    condensed = [each for each in entries["messages"] if each["role"] == "condensed"]
    assert whole.count("Condensed: from here on the model is sent this") == len(condensed) > 3
    assert tasks_cli.main(["export", task_id]) == 0
    assert capsys.readouterr().out.rstrip() == whole.rstrip()
    assert tasks_cli.main(["show", task_id]) == 0
    assert "The conversation was shortened (summary)" in capsys.readouterr().out


async def test_condensing_can_be_turned_off(tmp_path: Path) -> None:
    write_files(tmp_path)
    model = SmallModel(30)
    more = {"context": {"condense": False}, "model": {"contextWindow": 8000}}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        fake.always(model)
        await it.start(PROMPT)
        assert (await finish(it, model))["stopReason"] == "end_turn"
        assert {each["kind"] for each in it.updates("_condensed")} == {"truncation"}
        assert (model.summaries, model.overflows, model.problems) == (0, 0, [])


async def test_settings_say_when_to_condense(tmp_path: Path) -> None:
    write_files(tmp_path)
    model = SmallModel(30, window=100_000)
    more = {"context": {"condensePercent": 20}, "model": {"contextWindow": 40_000}}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        fake.always(model)
        await it.start(PROMPT)
        await finish(it, model)
        assert model.summaries
        assert model.largest <= 8000 * 1.01  # an estimate, made before the request


async def test_a_file_larger_than_the_context_does_not_fill_it(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("a long line of a large file\n" * 1900, "utf-8")
    model = SmallModel(1)
    more = {"model": {"contextWindow": 8000}}
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake, **more)) as it:
        fake.always(model)
        await it.start(PROMPT)
        assert (await finish(it, model))["stopReason"] == "end_turn"
        result = fake.chats[1].json["messages"][-1]["content"]
        assert "it is too long for the context. Go on with start_line=" in result
        assert len(result) < 8000 * 4 / 3
        done = [each for each in it.updates("tool_call_update") if each["status"] == "completed"]
        assert done[0]["rawOutput"].count("a long line") == 1900
        assert model.overflows == 0
