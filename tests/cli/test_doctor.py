"""`roo-lsp doctor`: what people and programs are told of an endpoint."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from rich.console import Console
from rich.spinner import Spinner

from roo_lsp import endpoints
from roo_lsp.cli import doctor
from roo_lsp.providers.discovery import TriedPort
from roo_lsp.providers.report import CHECKS, Check
from roo_lsp.workspace.user_folders import config_dir
from tests.cli.runs import PATIENCE
from tests.support.fake_openai import FakeOpenAI, Request, Script, call, status, text

READ = call("read_file", {"path": "README.md"}, pieces=3)


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeOpenAI]:
    """The endpoint that the environment names."""
    async with FakeOpenAI(models=["qwen3-coder"]) as server:
        monkeypatch.setenv("ROO_BASE_URL", server.base_url)
        monkeypatch.setenv("ROO_MODEL", "qwen3-coder")
        yield server


def capable(request: Request) -> Script:
    """A good model, at a server that is older than `max_completion_tokens`."""
    sent = request.json
    if "max_completion_tokens" in sent:
        return status(400, {"detail": "Extra inputs are not permitted: max_completion_tokens"})
    last = (sent.get("messages") or sent["input"])[-1]
    if last["role"] == "tool" or "tools" not in sent:
        return text("ok").using(40, 2)
    return READ + READ if "a.txt" in last["content"] else READ


def own_settings(**settings: Any) -> None:
    config_dir().mkdir(parents=True, exist_ok=True)
    file = config_dir() / "settings.json"
    file.write_text(json.dumps(settings))
    file.chmod(0o600)


async def printed(capsys: pytest.CaptureFixture[str], fake: FakeOpenAI | None = None) -> str:
    code = await doctor._examine("", None, as_json=False)
    out = capsys.readouterr().out
    assert code == (0 if out.endswith("A task can run.\n") else 1)
    assert all(len(line) <= 80 and line == line.rstrip() for line in out.splitlines())
    return out.replace(fake.origin, "http://127.0.0.1:8000") if fake else out


async def reported(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code = await doctor._examine("", None, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert code == (0 if report["ok"] else 1)
    assert [check["name"] for check in report["checks"]] == list(CHECKS)
    return report


# --- for people ---------------------------------------------------------------------------------


async def test_a_good_endpoint_reads_so(
    fake: FakeOpenAI, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    own_settings(model={"maxOutputTokens": 4096})
    listed = {"id": "qwen3-coder", "max_model_len": 32768, "owned_by": "vllm"}
    fake.models_reply = status(200, {"object": "list", "data": [listed]})
    fake.always(capable)  # pyright: ignore[reportArgumentType] -- returns a script
    assert await printed(capsys, fake) == snapshot("""\
qwen3-coder at http://127.0.0.1:8000/v1

✓  connect     http://127.0.0.1:8000/v1 answers and lists one model.
✓  key         The key OPENAI_API_KEY is accepted.
✓  model       The model is qwen3-coder, with a context of 32768 tokens;
               roo.model.contextWindow says 128000.
               → Set roo.model.contextWindow to 32768, so that a long task is
               shortened before the endpoint refuses it.
✓  stream      A streamed answer came in one piece.
✓  tool_call   read_file was called in 3 pieces: {"path": "README.md"}
✓  parallel    2 calls came in one answer.
✓  tool_result The result of a call is accepted.
✓  usage       Tokens are reported (40 in, 2 out).
·  images      roo.model.supportsImages is off.

Learnt about this endpoint: it does not take max_completion_tokens (max_tokens
is sent).
Both APIs work here; chat completions do as well as Responses.
A task can run.
""")


async def test_a_refused_key_reads_so(
    fake: FakeOpenAI, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789")
    fake.always(status(401, {"error": {"message": "Incorrect API key: sk-canary-0123456789"}}))
    assert await printed(capsys, fake) == snapshot("""\
qwen3-coder at http://127.0.0.1:8000/v1

✓  connect     http://127.0.0.1:8000/v1 answers and lists one model.
✗  key         Invalid API key: The endpoint does not accept the API key (HTTP
               401): Incorrect API key: [redacted] [invalid_api_key]
               → Check the key: it came from OPENAI_API_KEY.
·  not tried   model, stream, tool_call, parallel, tool_result, usage, images.
               Not possible without what failed.

A task cannot run yet: key has to work first.
""")


async def test_a_model_that_prints_its_calls_reads_so(
    fake: FakeOpenAI, capsys: pytest.CaptureFixture[str]
):
    wrote = text(
        '<tool_call>\n{"name": "read_file", "arguments": {"path": "README.md"}}\n</tool_call>'
    )
    fake.answers(text("ok").using(40, 2))
    fake.always(wrote)
    assert await printed(capsys, fake) == snapshot("""\
qwen3-coder at http://127.0.0.1:8000/v1

✓  connect     http://127.0.0.1:8000/v1 answers and lists one model.
✓  key         No key is set, and none is needed.
✓  model       The model is qwen3-coder.
✓  stream      A streamed answer came in one piece.
✗  tool_call   Tool-calling error: The model printed its tool call as text, in
               the form <tool_call> (Hermes, Qwen). Text is never executed. It
               wrote: <tool_call> {"name": "read_file", "arguments": {"path":
               "README.md"}} </tool_call> [tool_calling_unsupported]
               → Set the tool parser that fits the model at its server (vLLM:
               --tool-call-parser; llama.cpp: --jinja), or choose a model with
               native tool calling.
·  not tried   parallel, tool_result. The model made no tool call.
✓  usage       Tokens are reported (40 in, 2 out).
·  images      roo.model.supportsImages is off.

A task cannot run yet: tool_call has to work first.
""")


async def test_without_an_endpoint_it_says_where_it_looked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    async def discover() -> list[TriedPort]:
        return [
            TriedPort(11434, "Ollama"),
            TriedPort(1234, "LM Studio"),
            TriedPort(8080, "llama.cpp", True),
        ]

    monkeypatch.setattr(endpoints, "discover", discover)
    assert await printed(capsys) == snapshot("""\
✗  connect     Settings: No address is set, and no model server was found on
               127.0.0.1: nothing answers at the ports 11434 (Ollama), 1234 (LM
               Studio); what answers at 8080 (llama.cpp) lists no models.
               [settings_invalid]
               → Set roo.provider.baseUrl and roo.provider.modelId
               ($ROO_BASE_URL and $ROO_MODEL), or start one of these servers.
               `roo-lsp demo` needs none.
·  not tried   key, model, stream, tool_call, parallel, tool_result, usage,
               images. Not possible without what failed.

A task cannot run yet: connect has to work first.
""")


async def test_the_profile_the_proxy_and_what_is_not_verified_are_in_the_head(
    fake: FakeOpenAI, capsys: pytest.CaptureFixture[str]
):
    fake.models_reply = status(401, {})
    provider = {"proxy": fake.origin.replace("//", "//me:secret-pass@"), "tls": {"verify": False}}
    own_settings(profile="fast", profiles={"fast": {"provider": provider}})
    out = await printed(capsys)
    assert f"qwen3-coder at {fake.base_url} (profile fast)\n" in out
    assert f"Through the proxy {fake.origin}.\n" in out
    assert "roo.provider.tls.verify is off" in out
    assert "secret-pass" not in out


def test_a_long_wait_is_shown_as_one():
    waiting = doctor._Waiting(Spinner("line"))
    waiting.goes_on_after(Check("connect", "ok"))
    assert shown(waiting).rstrip() == "- key, model, stream …"
    waiting.goes_on_after(Check("model", "ok"))
    assert shown(waiting).rstrip() == "- stream …"
    waiting.since -= 75
    line = shown(waiting)
    assert "stream … 75 s: a local model may need minutes" in line
    assert len(line.rstrip()) < 80
    waiting.goes_on_after(Check(CHECKS[-1], "skipped"))
    assert shown(waiting).strip() == ""


def shown(waiting: doctor._Waiting) -> str:
    console = Console(file=io.StringIO(), width=60, force_terminal=False)
    with console.capture() as capture:
        console.print(waiting)
    return capture.get()


# --- for programs -------------------------------------------------------------------------------


async def test_programs_are_told_the_same(fake: FakeOpenAI, capsys: pytest.CaptureFixture[str]):
    own_settings(model={"maxOutputTokens": 4096, "contextWindow": 4096})
    fake.always(capable)  # pyright: ignore[reportArgumentType] -- returns a script
    report = await reported(capsys)
    assert (report["ok"], report["endpoint"], report["model"]) == (
        True,
        fake.base_url,
        "qwen3-coder",
    )
    assert report["learnt"] == ["it does not take max_completion_tokens (max_tokens is sent)"]
    assert {check["status"] for check in report["checks"]} == {"ok", "skipped"}
    assert not any("hint" in check or "code" in check for check in report["checks"])


async def test_a_closed_port_is_a_connection_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    async with FakeOpenAI() as gone:
        monkeypatch.setenv("ROO_BASE_URL", gone.base_url)
    monkeypatch.setenv("ROO_MODEL", "m")
    first, *rest = (await reported(capsys))["checks"]
    assert (first["status"], first["code"]) == ("failed", "connection_failed")
    assert {check["status"] for check in rest} == {"skipped"}


# --- profiles, from the command line ------------------------------------------------------------


async def roo(*arguments: str, folder: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "roo_lsp", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(os.environ),
        cwd=folder,
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_doctor_and_run_take_a_profile(fake: FakeOpenAI, tmp_path: Path):
    async with FakeOpenAI(models=["other"]) as there:
        there.always(text("From there."))
        overlay = {"provider": {"baseUrl": there.base_url, "modelId": "other"}}
        # What the environment names is weaker than a profile.
        own_settings(profiles={"there": overlay})
        code, out = await roo("doctor", "--profile", "there", folder=tmp_path)
        assert (code, f"other at {there.base_url} (profile there)" in out) == (1, True)
        code, out = await roo("run", "--profile", "there", "Hello", folder=tmp_path)
        assert (code, "From there." in out) == (0, True), out
        for command in (["doctor"], ["run", "Hello"]):
            code, out = await roo(*command, "--profile", "thre", folder=tmp_path)
            words = " ".join(out.split())
            assert code != 0
            assert "here is no profile 'thre'; there are: there" in words, out
        assert not fake.requests
