"""The endpoint test: asks the real endpoint for each thing an agent needs, and says what is missing."""

import base64
import json
import re
import struct
import zlib
from collections.abc import Callable, Sequence
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
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.openai_compatible import OpenAICompatible
from roo_lsp.providers.report import CHECKS, Check, CheckName


async def list_models(endpoint: Endpoint) -> list[str]:
    """The ids of the models that an endpoint serves.

    Raises:
        ProviderError: it does not say; a failure is never an empty list.
    """
    async with OpenAICompatible(endpoint) as model:
        return await model.models()


async def probe(endpoint: Endpoint, on_check: Callable[[Check], None]) -> list[Check]:
    """All checks, in order; `on_check` is told of each as it is made."""
    findings = _Findings(on_check)
    try:
        async with OpenAICompatible(endpoint) as model:
            await _Probe(model, findings).run()
    except ProviderError as error:
        findings.failed(findings.next, error)
    findings.skip_rest("It needs what failed before.")
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

    def ok(self, name: CheckName, message: str) -> None:
        self.add(Check(name, "ok", message))

    def failed(self, name: CheckName, error: ProviderError) -> None:
        self.add(Check(name, "failed", error.message, error.code, error.hint))

    def skipped(self, name: CheckName, why: str) -> None:
        self.add(Check(name, "skipped", why))

    def skip_rest(self, why: str) -> None:
        while len(self.checks) < len(CHECKS):
            self.skipped(self.next, why)


READ_FILE = ToolSpec(
    "read_file",
    "Read a file and return its text.",
    {
        "type": "object",
        "properties": {"path": {"type": "string", "description": "The file's path."}},
        "required": ["path"],
        "additionalProperties": False,
    },
)
INVENTED = ToolCall("call_invented1", READ_FILE.name, '{"path": "README.md"}')
"""Stands for the model's own call where making one failed for another reason."""

SYSTEM = "You are a coding agent. Be brief."
_CALL_IN_TEXT = re.compile(
    r"<tool_call>|<function[=_]|<\|?tool|\[TOOL_CALLS\]|\bread_file\s*\(|functions\.read_file"
    r"|\"(?:name|tool|function)\"\s*:\s*\"read_file\"|<read_file>",
    re.IGNORECASE,
)
_HOPELESS: frozenset[ErrorCode] = frozenset(
    {"connection_failed", "invalid_api_key", "model_not_found", "settings_invalid", "timeout"}
)
"""What every later request would meet as well."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one request brought."""

    message: AssistantMessage
    usage: Usage | None
    pieces: int
    """Deltas with words or arguments in them."""


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

    async def _ask(self, *messages: Message, tools: Sequence[ToolSpec] = ()) -> _Answer:
        assembly, pieces = Assembly(), 0
        async for delta in self.model.stream(ChatRequest(SYSTEM, messages, tools)):
            assembly.add(delta)
            pieces += isinstance(delta, TextDelta | ReasoningDelta) or (
                isinstance(delta, ToolCallFragment) and bool(delta.arguments)
            )
        self.usage = assembly.usage or self.usage
        return _Answer(assembly.message(), assembly.usage, pieces)

    async def _connect(self) -> list[str] | ProviderError:
        """The models that the endpoint lists, or why it does not."""
        base = self.model.endpoint.base_url
        try:
            listed = await self.model.models()
        except ProviderError as error:
            if error.code in {"connection_failed", "timeout"}:
                raise
            self.findings.ok("connect", f"{base} answers.")
            if error.code == "invalid_api_key":
                raise
            return error
        self.findings.ok("connect", f"{base} answers and lists {len(listed)} models.")
        return listed

    async def _first_answer(self, listed: list[str] | ProviderError) -> bool:
        """Check key, model and stream by one request; False when no other can go well."""
        failure: ProviderError | None = None
        answer: _Answer | None = None
        try:
            answer = await self._ask(UserMessage("Reply with the word ok."))
        except ProviderError as error:
            failure = error
        findings = self.findings
        if failure is not None and failure.code == "invalid_api_key":
            raise failure
        keyed = self.model.endpoint.api_key
        findings.ok(
            "key", "The key is accepted." if keyed else "No key is set, and none is needed."
        )
        name = self.model.endpoint.model
        if failure is not None and _about_model(failure, name, listed):
            raise _with_near_matches(failure, name, listed)
        findings.ok("model", f"The model is {name or await self.model.model()}.")
        if failure is not None:
            findings.failed("stream", failure)
            return failure.code not in _HOPELESS
        self._stream(answer)
        return True

    def _stream(self, answer: _Answer | None) -> None:
        if answer is None or not answer.pieces:
            message = "The answer has no text in it."
            self._missing("stream", "provider_error", message, "Try another model.")
        elif self.model.endpoint.streaming:
            self.findings.ok("stream", f"A streamed answer came in {answer.pieces} pieces.")
        else:
            self.findings.ok("stream", "A whole answer came; roo.provider.streaming is off.")

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
        problem = _problem(answer.message)
        if problem is not None:
            self._missing("tool_call", *problem)
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
            message = f"{count or 'No'} call came where two were asked for."
            hint = "That works, with more requests; see also roo.provider.parallelToolCalls."
            self._missing("parallel", "", message, hint)

    async def _tool_result(self, call: ToolCall) -> None:
        history = [
            UserMessage("Read README.md and tell me its title."),
            AssistantMessage(calls=(call,)),
            ToolMessage(call.id, "1 | # The Grand Title"),
        ]
        try:
            await self._ask(*history, tools=[READ_FILE])
        except ProviderError as error:
            self.findings.failed("tool_result", error)
        else:
            self.findings.ok("tool_result", "The result of a call is accepted.")

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


def _problem(message: AssistantMessage) -> tuple[ErrorCode, str, str] | None:
    """What is wrong with an answer that should be a call of read_file."""
    if not message.calls:
        excerpt = " ".join(message.text.split())[:120]
        if _CALL_IN_TEXT.search(message.text):
            return (
                "tool_calling_unsupported",
                f"The model printed the tool call as text, which is never executed: {excerpt}",
                "Choose a model with native tool calling, or set a tool parser at its server.",
            )
        return (
            "tool_calling_unsupported",
            f"The model made no tool call, it said: {excerpt or 'nothing'}",
            'Choose a model with native tool calling; roo.provider.toolChoice "required" may help.',
        )
    call = message.calls[0]
    if call.name != READ_FILE.name:
        return (
            "tool_calling_unsupported",
            f"The model called {call.name!r}, a tool that it was not given.",
            "Choose another model.",
        )
    try:
        valid = isinstance(json.loads(call.arguments), dict)
    except (ValueError, RecursionError):
        valid = False
    if not valid:
        return (
            "tool_calling_unsupported",
            f"The call's arguments are not a JSON object: {call.arguments[:120]}",
            "Choose another model, or another tool parser at its server.",
        )
    return None


def _about_model(failure: ProviderError, name: str, listed: list[str] | ProviderError) -> bool:
    unlisted = isinstance(listed, list) and bool(listed) and name not in listed
    refused = failure.status is not None and failure.status in {400, 404, 422}
    return failure.code == "model_not_found" or (unlisted and refused)


def _with_near_matches(
    failure: ProviderError, name: str, listed: list[str] | ProviderError
) -> ProviderError:
    """The failure with the ids that the user may have meant."""
    hint = failure.hint
    if isinstance(listed, list) and listed:
        folded = {each.lower(): each for each in listed}
        near = get_close_matches(name.lower(), folded, n=3, cutoff=0.5)
        near += [each for each in folded if name and name.lower() in each and each not in near][:3]
        offered = [folded[each] for each in near] or listed[:5]
        hint = f"Set roo.provider.modelId; it has {', '.join(offered)}."
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
