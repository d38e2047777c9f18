"""The endpoint test: asks the real endpoint for each thing an agent needs, and says what is missing."""

import base64
import struct
import zlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from roo_lsp.agent.assembly import Assembly
from roo_lsp.agent.errors import ErrorCode
from roo_lsp.agent.messages import (
    AssistantMessage,
    Image,
    Message,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from roo_lsp.agent.ports import (
    ChatRequest,
    ReasoningDelta,
    TextDelta,
    ToolCallFragment,
    ToolSpec,
    Usage,
)
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError, RequestTarget
from roo_lsp.providers.listing import Listed
from roo_lsp.providers.memory import Memory
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.reading import WebPage
from roo_lsp.providers.report import CHECKS, Check, CheckName
from roo_lsp.providers.verdicts import READ_FILE, ProbeAnswer, problem, unexpected


async def list_models(endpoint: Endpoint) -> list[str]:
    """The ids of the models that an endpoint serves.

    Raises:
        ProviderError: it does not say; a failure is never an empty list.
    """
    async with OpenAICompatible(endpoint) as model:
        return [each.id for each in await model.models()]


async def probe(
    endpoint: Endpoint, on_check: Callable[[Check], None], memory: Memory | None = None
) -> list[Check]:
    """All checks, in order; `on_check` is told of each as it is made.

    What `memory` knows of the endpoint and the model is forgotten first, and found out anew.
    """
    findings = _Findings(on_check)
    try:
        async with OpenAICompatible(endpoint, memory) as model:
            await _Probe(model, findings).run()
    except ProviderError as error:
        findings.failed(findings.next, error)
    findings.skip_rest("Not possible without what failed.")
    return findings.checks


@dataclass(slots=True)
class _Findings:
    """The checks made so far."""

    on_check: Callable[[Check], None]
    checks: list[Check] = field(default_factory=list[Check])

    @property
    def next(self) -> CheckName:
        return CHECKS[len(self.checks)]

    def add(self, check: Check) -> None:
        self.checks.append(check)
        self.on_check(check)

    def ok(self, name: CheckName, message: str, hint: str = "") -> None:
        self.add(Check(name, "ok", message, "", hint))

    def failed(self, name: CheckName, error: ProviderError) -> None:
        self.add(Check(name, "failed", error.message, error.code, error.hint))

    def skipped(self, name: CheckName, why: str) -> None:
        self.add(Check(name, "skipped", why))

    def skip_rest(self, why: str) -> None:
        while len(self.checks) < len(CHECKS):
            self.skipped(self.next, why)


INVENTED = ToolCall("call_invented1", READ_FILE.name, '{"path": "README.md"}')
"""Stands for the model's own call where making one failed for another reason."""

SYSTEM = "You are a coding agent. Be brief."
ENOUGH_TEXT = 300
ENOUGH = 20_000
"""Pieces of text, of anything, after which an answer is left: it should be a word or a call."""

_HOPELESS: frozenset[ErrorCode] = frozenset(
    {"connection_failed", "invalid_api_key", "model_not_found", "settings_invalid", "timeout"}
)
"""What every later request would meet as well."""


@dataclass(slots=True)
class _Probe:
    """One run of the test."""

    model: OpenAICompatible
    findings: _Findings
    usage: Usage | None = None

    async def run(self) -> None:
        listed = await self._connect()
        if not await self._first_answer(listed):
            return
        call = await self._tool_call()
        if call is not None:
            await self._parallel()
            await self._tool_result(call)
        self._usage()
        await self._images()

    async def _ask(self, *messages: Message, tools: Sequence[ToolSpec] = ()) -> ProbeAnswer:
        """One answer, as far as the test needs it: a small model may go on for very long."""
        assembly, pieces, told = Assembly(), 0, 0
        async with aclosing(self.model.stream(ChatRequest(SYSTEM, messages, tools))) as deltas:
            async for delta in deltas:
                assembly.add(delta)
                pieces += isinstance(delta, TextDelta | ReasoningDelta) or (
                    isinstance(delta, ToolCallFragment) and bool(delta.arguments)
                )
                told += isinstance(delta, TextDelta)
                if told > ENOUGH_TEXT or pieces > ENOUGH:
                    break
        self.usage = assembly.usage or self.usage
        return ProbeAnswer(assembly.message(), pieces, (assembly.finish_reason or "").lower())

    async def _connect(self) -> list[Listed] | ProviderError:
        """The models that the endpoint lists; or why it does not, and then `connect` is open."""
        endpoint = self.model.endpoint
        shown = RequestTarget(endpoint.base_url).shown
        try:
            found = await self.model.models()
        except ProviderError as error:
            if error.code in {"connection_failed", "timeout", "settings_invalid"}:
                raise
            if error.code == "invalid_api_key":
                self.findings.ok("connect", f"{shown} answers.")
                raise
            self._forget(endpoint.model)
            return error
        count = {0: "no model", 1: "one model"}.get(len(found), f"{len(found)} models")
        self.findings.ok("connect", f"{shown} answers and lists {count}.")
        self._forget(endpoint.model or (found[0].id if len(found) == 1 else ""))
        return found

    def _forget(self, model: str) -> None:
        if model:
            self.model.forget(model)

    async def _first_answer(self, listed: list[Listed] | ProviderError) -> bool:
        """Check key, model and stream by one request; False when no other can go well."""
        failure: ProviderError | None = None
        answer: ProbeAnswer | None = None
        try:
            answer = await self._ask(UserMessage("Reply with the word ok."))
        except ProviderError as error:
            failure = error
        findings, endpoint = self.findings, self.model.endpoint
        if isinstance(listed, ProviderError):
            if failure is not None and _is_no_api(failure, endpoint.model):
                raise _no_api(failure)
            shown = RequestTarget(endpoint.base_url).shown
            findings.ok("connect", f"{shown} answers. {listed.message}")
        if failure is not None and failure.code == "invalid_api_key":
            raise failure
        findings.ok("key", _about_key(endpoint))
        if failure is not None and _about_model(failure, endpoint.model, listed):
            raise _with_near_matches(failure, endpoint.model, listed)
        await self._model(listed)
        if failure is not None:
            findings.failed("stream", failure)
            return failure.code not in _HOPELESS
        if answer is not None:
            self._stream(answer)
        return True

    async def _model(self, listed: list[Listed] | ProviderError) -> None:
        """What the model is, and whether its context is what the settings say."""
        name = await self.model.model()
        found = [] if isinstance(listed, ProviderError) else listed
        message, hint = f"The model is {name}", ""
        window, set_to = await self.model.window(found), self.model.endpoint.context_window
        if window is not None:
            message += f", with a context of {window} tokens"
            if set_to is not None and set_to > window:
                message += f"; roo.model.contextWindow says {set_to}"
                hint = (
                    f"Set roo.model.contextWindow to {window}, so that a long task is shortened "
                    "before the endpoint refuses it."
                )
        if found and all(each.id != name for each in found):
            message += ". It is not in the endpoint's list, and answers all the same"
        self.findings.ok("model", f"{message}.", hint)

    def _stream(self, answer: ProbeAnswer) -> None:
        wrong = unexpected(answer)
        if wrong is not None:
            self._missing("stream", "provider_error", *wrong)
            return
        hint = ""
        if not self.model.endpoint.streaming:
            message = "A whole answer came; roo.provider.streaming is off."
        elif not answer.finish:
            message = f"A streamed answer came, and was left after {answer.pieces} pieces."
            hint = (
                "The model does not come to an end: one word was asked for. Others will do better."
            )
        else:
            count = "one piece" if answer.pieces == 1 else f"{answer.pieces} pieces"
            message = f"A streamed answer came in {count}."
        if not answer.message.text.strip() and not answer.message.calls:
            message = f"{message} All of it was reasoning."
            hint = "If its answers stay empty, look at the reasoning parser of its server."
        self.findings.ok("stream", message, hint)

    async def _tool_call(self) -> ToolCall | None:
        """A call for the later checks to go on with; None when tools are no use."""
        prompt = UserMessage("Call the tool read_file with the path README.md.")
        try:
            answer = await self._ask(prompt, tools=[READ_FILE])
        except ProviderError as error:
            self.findings.failed("tool_call", error)
            if error.code in _HOPELESS or error.code == "tool_calling_unsupported":
                self._skip_tools("The model made no tool call.")
                return None
            return INVENTED
        wrong = problem(answer)
        if wrong is not None:
            self._missing("tool_call", *wrong)
            self._skip_tools("The model made no tool call.")
            return None
        call = answer.message.calls[0]
        how = f" in {answer.pieces} pieces" if self.model.endpoint.streaming else ""
        self.findings.ok("tool_call", f"{call.name} was called{how}: {call.arguments}")
        return call

    def _skip_tools(self, why: str) -> None:
        self.findings.skipped("parallel", why)
        self.findings.skipped("tool_result", why)

    async def _parallel(self) -> None:
        prompt = UserMessage(
            "Read a.txt and b.txt: call read_file twice in this one answer, once for each."
        )
        try:
            answer = await self._ask(prompt, tools=[READ_FILE])
        except ProviderError as error:
            self.findings.failed("parallel", error)
            return
        count = len(answer.message.calls)
        if count > 1:
            self.findings.ok("parallel", f"{count} calls came in one answer.")
        else:
            message = f"{'One' if count else 'No'} call came where two were asked for."
            hint = "That works, with more requests; see also roo.provider.parallelToolCalls."
            self._missing("parallel", "", message, hint)

    async def _tool_result(self, call: ToolCall) -> None:
        history = [
            UserMessage("Read README.md and tell me its title."),
            AssistantMessage(calls=(call,)),
            ToolMessage(call.id, "1 | # The Grand Title"),
        ]
        try:
            answer = await self._ask(*history, tools=[READ_FILE])
        except ProviderError as error:
            self.findings.failed("tool_result", error)
            return
        wrong = unexpected(answer)
        message = "The result of a call is accepted."
        if wrong is not None:
            self.findings.ok("tool_result", f"{message} {wrong[0]}", wrong[1])
        else:
            self.findings.ok("tool_result", message)

    def _usage(self) -> None:
        if self.usage is not None:
            used = f"{self.usage.input_tokens} in, {self.usage.output_tokens} out"
            self.findings.ok("usage", f"Tokens are reported ({used}).")
        else:
            message = "The endpoint reports no tokens."
            self._missing("usage", "", message, "They are estimated then.")

    async def _images(self) -> None:
        if not self.model.endpoint.supports_images:
            self.findings.skipped("images", "roo.model.supportsImages is off.")
            return
        try:
            await self._ask(
                UserMessage("What colour is this?", (Image("image/png", red_square()),))
            )
        except ProviderError as error:
            self.findings.failed("images", error)
        else:
            self.findings.ok("images", "An image is accepted.")

    def _missing(
        self, name: CheckName, code: ErrorCode | Literal[""], message: str, hint: str
    ) -> None:
        self.findings.add(Check(name, "failed", message, code, hint))


def _about_key(endpoint: Endpoint) -> str:
    if not endpoint.api_key:
        return "No key is set, and none is needed."
    return f"The key {endpoint.key_name} is accepted." if endpoint.key_name else "It is accepted."


def _is_no_api(failure: ProviderError, model: str) -> bool:
    """True for what an address answers where no such API is."""
    if isinstance(failure, WebPage):
        return True
    return failure.status in {404, 405} and (not model or model not in failure.message)


def _no_api(failure: ProviderError) -> ProviderError:
    """The failure as one of the address, whatever it was called."""
    hint = failure.hint if "baseUrl" in failure.hint else "Check roo.provider.baseUrl."
    message = f"No OpenAI-compatible API is there. {failure.message}"
    return ProviderError("connection_failed", message, hint, status=failure.status)


def _about_model(failure: ProviderError, name: str, listed: list[Listed] | ProviderError) -> bool:
    names = [] if isinstance(listed, ProviderError) else [each.id for each in listed]
    unlisted = bool(names) and name not in names
    refused = failure.status is not None and failure.status in {400, 404, 422}
    return failure.code == "model_not_found" or (unlisted and refused)


def _with_near_matches(
    failure: ProviderError, name: str, listed: list[Listed] | ProviderError
) -> ProviderError:
    """The failure with the ids that the user may have meant."""
    hint = failure.hint
    if isinstance(listed, list) and listed and name:
        folded = {each.id.lower(): each.id for each in listed}
        near = get_close_matches(name.lower(), folded, n=3, cutoff=0.5)
        near += [each for each in folded if name.lower() in each and each not in near][:3]
        hint = (
            f"Did you mean {' or '.join(folded[each] for each in near)}? Set roo.provider.modelId."
        )
        if not near:
            ids = [each.id for each in listed]
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            hint = f"Set roo.provider.modelId to one that it has: {', '.join(ids[:5])}{more}."
    return ProviderError("model_not_found", failure.message, hint, status=failure.status)


def red_square(size: int = 32) -> str:
    """A PNG of one colour, in base64."""
    rows = (b"\0" + b"\xff\0\0" * size) * size

    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows))
    return base64.b64encode(png + part(b"IEND", b"")).decode()
