"""What an answer of the endpoint test shows: whether it is what was asked for, and what to do if not."""

import json
from dataclasses import dataclass
from typing import cast

from roo_lsp.agent.errors import ErrorCode
from roo_lsp.agent.messages import AssistantMessage
from roo_lsp.agent.ports import ToolSpec
from roo_lsp.agent.printed import printed_call

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
ANOTHER_MODEL = "Choose another model (roo.provider.modelId), or another tool parser at its server."
NO_TOOLS = 'Choose a model with native tool calling; roo.provider.toolChoice "required" may help.'
TOOL_PARSER = (
    "Set the tool parser that fits the model at its server (vLLM: --tool-call-parser; llama.cpp: "
    "--jinja), or choose a model with native tool calling."
)
MORE_OUTPUT = (
    "Raise roo.model.maxOutputTokens, or the limit at its server (Ollama: num_predict and num_ctx)."
)


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What one request brought."""

    message: AssistantMessage
    pieces: int
    """Deltas with words or arguments in them."""
    finish: str
    """The finish reason, in lower case; empty for an answer that was left before its end."""

    @property
    def cut(self) -> bool:
        """The limit on output ended it."""
        return self.finish in {"length", "max_tokens"}


def unexpected(answer: ProbeAnswer) -> tuple[str, str] | None:
    """What is wrong with an answer that should be a word, and what to do."""
    message = answer.message
    if message.text.strip() or message.calls or (message.reasoning and not answer.cut):
        return None
    if answer.cut:
        thinking = "while the model was still thinking" if message.reasoning else "before any word"
        return (
            f"The answer was cut off {thinking} (finish_reason {answer.finish}).",
            MORE_OUTPUT,
        )
    return (
        f"The answer is empty: no text, no reasoning, no call (finish_reason {answer.finish}).",
        "Try another model, or look at the chat template and the log of its server.",
    )


def problem(answer: ProbeAnswer) -> tuple[ErrorCode, str, str] | None:
    """What is wrong with an answer that should be a call of read_file."""
    code: ErrorCode = "tool_calling_unsupported"
    message = answer.message
    if not message.calls:
        return code, *_no_call(answer)
    call = message.calls[0]
    if call.name != READ_FILE.name:
        return (
            code,
            f"The model called {call.name!r}, a tool that it was not given.",
            ANOTHER_MODEL,
        )
    wrong = _wrong_arguments(call.arguments)
    if wrong and answer.cut:
        return (
            code,
            f"The call was cut off in the middle of its arguments: {call.arguments[:120]}",
            MORE_OUTPUT,
        )
    if wrong:
        return (
            code,
            f"The call's arguments are not {wrong}: {call.arguments[:120]}",
            ANOTHER_MODEL,
        )
    return None


def _wrong_arguments(arguments: str) -> str:
    """What the arguments of a call of read_file should be and are not; empty when all is well."""
    try:
        value: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return "JSON"
    if not isinstance(value, dict):
        return "a JSON object"
    path: object = cast("dict[str, object]", value).get("path")
    return "" if isinstance(path, str) else "those of the tool, which has a `path`"


def _no_call(answer: ProbeAnswer) -> tuple[str, str]:
    """What came in place of a call, and what to do."""
    message = answer.message
    for text, where in ((message.text, ""), (message.reasoning, " in its reasoning")):
        form = printed_call(text, [READ_FILE.name])
        if form is not None:
            said = f"The model printed its tool call as text{where}, in the form {form}"
            return f"{said}. Text is never executed. It wrote: {_excerpt(text)}", TOOL_PARSER
    if message.text.strip():
        said = f"it said: {_excerpt(message.text)}"
    elif message.reasoning:
        said = f"it only thought: {_excerpt(message.reasoning)}"
    else:
        said = f"it said nothing (finish_reason {answer.finish})."
    return f"The model made no tool call, {said}", MORE_OUTPUT if answer.cut else NO_TOOLS


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:119]}…"
