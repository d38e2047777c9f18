"""Which of the two APIs works at an endpoint, and which is better there: a call is asked for over both."""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.messages import UserMessage
from roo_lsp.agent.ports import ChatRequest
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.verdicts import READ_FILE, ProbeAnswer, problem

Api = Literal["chat", "responses"]
NAMES: dict[Api, str] = {"chat": "Chat completions", "responses": "The Responses API"}
ENOUGH = 2000
"""Pieces after which an answer is left."""


@dataclass(frozen=True, slots=True)
class TriedApi:
    """What came of a call that was asked for over one API."""

    api: Api
    problem: str = ""
    """Why it does not work; empty where it does."""
    keeps_thoughts: bool = False
    """The model's reasoning came in a form that can go back with the results of its calls."""


async def compared(endpoint: Endpoint, memory: Memory | None = None) -> str:
    """Which API works and which is better here, in sentences for people; empty where none does."""
    chat, responses = [
        await _tried(replace(endpoint, api=api), api, memory) for api in ("chat", "responses")
    ]
    used = endpoint.api if endpoint.api != "auto" else "chat"
    if chat.problem and responses.problem:
        return ""  # the test's own checks have told why
    if chat.problem or responses.problem:
        good, bad = (responses, chat) if chat.problem else (chat, responses)
        return (
            f"{NAMES[good.api]}: a tool call came. {_said(bad)}{_advice(good.api, endpoint, used)}"
        )
    better: Api = "responses" if responses.keeps_thoughts and not chat.keeps_thoughts else "chat"
    if better == "chat":
        better_is = "chat completions do as well as Responses."
    else:
        better_is = "Responses are better: the model's reasoning goes back to it between calls."
    return f"Both APIs work here; {better_is}{_advice(better, endpoint, used)}"


def _advice(better: Api, endpoint: Endpoint, used: str) -> str:
    if better == used or (endpoint.api == "auto" and better == "chat"):
        return ""
    return f' Set roo.provider.api to "{better}".'


def _said(tried: TriedApi) -> str:
    return f"{NAMES[tried.api]}: {tried.problem}"


async def _tried(endpoint: Endpoint, api: Api, memory: Memory | None) -> TriedApi:
    assembly, pieces = Assembly(), 0
    prompt = UserMessage("Call the tool read_file with the path README.md.")
    request = ChatRequest("You are a coding agent. Be brief.", [prompt], [READ_FILE])
    try:
        async with (
            OpenAICompatible(endpoint, memory) as model,
            aclosing(model.stream(request)) as deltas,
        ):
            async for delta in deltas:
                assembly.add(delta)
                pieces += 1
                if pieces > ENOUGH:
                    break
    except ProviderError as error:
        return TriedApi(api, error.message)
    message = assembly.message()
    wrong = problem(ProbeAnswer(message, pieces, (assembly.finish_reason or "").lower()))
    return TriedApi(api, wrong[1] if wrong else "", bool(message.reasoning_details))
