"""The table of what endpoints send over the Responses API, and what must come of it.

`seen` says who does it and where that is on record: "recorded" for streams of ours, OpenAI's reference
or the Open Responses specification for what is legal and easily missed, a server's source or issue
(owner/repository#n); else that nobody is known to.
"""

import json
from dataclasses import dataclass
from typing import Any

from roo_lsp.agent.errors import ErrorCode
from roo_lsp.agent.ports import Usage
from tests.support.fake_openai import Reply, events, raw, typed

A, B = '{"path": "a"}', '{"path": "b"}'
READ_A, READ_B = ("read_file", A), ("read_file", B)
REFERENCE = "OpenAI's API reference, streaming events"
LLAMA_CPP = "llama.cpp in xllamacpp: recorded"
COPILOT = "GitHub Copilot: BerriAI/litellm#30071, vercel/ai#18548"
NOBODY = "nobody known; the wire allows it"


@dataclass(frozen=True)
class Quirk:
    """One of them."""

    name: str
    seen: str
    script: Reply
    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    reasoning: str = ""
    finish: str = "stop"
    ids: tuple[str, ...] = ()
    usage: Usage | None = None
    error: ErrorCode | None = None
    words: str = ""
    shown: str = ""
    """Words in the reasoning, where not all of it matters."""


# --- how to write them ----------------------------------------------------------------------------


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def fcall(number: int = 0, arguments: str = A, **more: Any) -> dict[str, Any]:
    names = {"id": f"fc_{number}", "call_id": f"call_{number}", "name": "read_file"}
    return {"type": "function_call", **names, "arguments": arguments, **more}


def message(text: str, number: int = 0, **more: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {
        "type": "message",
        "id": f"msg_{number}",
        "role": "assistant",
        "content": content,
        **more,
    }


def thought(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "reasoning", "id": f"rs_{number}", "summary": [], **more}


def added(place: int | None, item: dict[str, Any], **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"arguments": ""} if "arguments" in item else {"content": []}
    at = {} if place is None else {"output_index": place}
    return event("output_item.added", **at, item={**item, **empty}, **more)


def done(place: int | None, item: dict[str, Any]) -> dict[str, Any]:
    at = {} if place is None else {"output_index": place}
    return event("output_item.done", **at, item=item)


def args(delta: str, place: int | None = 0, item: str | None = "fc_0") -> dict[str, Any]:
    at = {} if place is None else {"output_index": place}
    at |= {} if item is None else {"item_id": item}
    return event("function_call_arguments.delta", **at, delta=delta)


def says(delta: str, place: int | None = 0, item: str | None = "msg_0") -> dict[str, Any]:
    at = {} if place is None else {"output_index": place}
    at |= {} if item is None else {"item_id": item}
    return event("output_text.delta", **at, content_index=0, delta=delta)


def ends(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    whole = {"object": "response", "status": status, "output": list(output), **more}
    return event(status, response=whole)


def stream(*parts: dict[str, Any]) -> Reply:
    begun = event("created", response={"object": "response", "status": "in_progress", "output": []})
    return raw(*map(typed, [begun, *parts]))


HI = [added(0, message("Hi")), says("Hi"), done(0, message("Hi"))]
USED = {
    "input_tokens": 90,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 100,
}

# --- the order of things --------------------------------------------------------------------------

ORDER = [
    Quirk(
        "a call as it is generated",
        REFERENCE,
        stream(
            added(0, fcall()),
            args(A[:5]),
            args(A[5:]),
            event("function_call_arguments.done", output_index=0, item_id="fc_0", arguments=A),
            done(0, fcall()),
            ends(fcall()),
        ),
        calls=(READ_A,),
        finish="tool_calls",
        ids=("call_0",),
    ),
    Quirk(
        "two calls whose arguments come in turns",
        REFERENCE,
        stream(
            added(0, fcall(0)),
            added(1, fcall(1, B)),
            args(A[:4], 0, "fc_0"),
            args(B[:4], 1, "fc_1"),
            args(A[4:], 0, "fc_0"),
            args(B[4:], 1, "fc_1"),
            done(1, fcall(1, B)),
            done(0, fcall(0)),
            ends(fcall(0), fcall(1, B)),
        ),
        calls=(READ_A, READ_B),
        finish="tool_calls",
        ids=("call_0", "call_1"),
    ),
    Quirk(
        "text before a call, and reasoning before both",
        REFERENCE,
        stream(
            added(0, thought()),
            event(
                "reasoning_summary_text.delta",
                output_index=0,
                item_id="rs_0",
                summary_index=0,
                delta="Hm.",
            ),
            done(0, thought(summary=[{"type": "summary_text", "text": "Hm."}])),
            added(1, message("")),
            says("I read.", 1),
            done(1, message("I read.")),
            added(2, fcall()),
            args(A, 2),
            done(2, fcall()),
            ends(thought(), message("I read."), fcall()),
        ),
        text="I read.",
        reasoning="Hm.",
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "no places and no numbers of events",
        LLAMA_CPP,
        stream(
            added(None, fcall(0)),
            args(A, None, "fc_0"),
            added(None, fcall(1, B)),
            args(B, None, "fc_1"),
            done(None, fcall(0)),
            done(None, fcall(1, B)),
            ends(fcall(0), fcall(1, B)),
        ),
        calls=(READ_A, READ_B),
        finish="tool_calls",
    ),
    Quirk(
        "other ids in each event",
        COPILOT,
        stream(
            added(0, fcall(id="aaa")),
            args(A[:6], 0, "bbb"),
            args(A[6:], 0, "ccc"),
            done(0, fcall(id="ddd")),
            added(1, message("Hi", 9)),
            says("Hi", 1, "eee"),
            done(1, message("Hi", 8)),
            ends(fcall(id="fff"), message("Hi", 7)),
        ),
        text="Hi",
        calls=(READ_A,),
        finish="tool_calls",
        ids=("call_0",),
    ),
    Quirk(
        "every item at place 0, told apart by its id",
        NOBODY,
        stream(
            added(0, fcall(0)),
            args(A, 0, "fc_0"),
            done(0, fcall(0)),
            added(0, fcall(1, B)),
            args(B, 0, "fc_1"),
            done(0, fcall(1, B)),
            ends(fcall(0), fcall(1, B)),
        ),
        calls=(READ_A, READ_B),
        finish="tool_calls",
    ),
    Quirk(
        "deltas that name no item",
        NOBODY,
        stream(added(None, fcall()), args(A, None, None), done(None, fcall()), ends(fcall())),
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "a delta before its item",
        NOBODY,
        stream(says("Hi"), added(0, message("Hi")), done(0, message("Hi")), ends(message("Hi"))),
        text="Hi",
    ),
    Quirk(
        "ids that differ between stream and last event, without places",
        "mistral.rs: EricLBuehler/mistral.rs#1944",
        stream(
            added(None, fcall()),
            args(A, None),
            done(None, fcall()),
            ends(fcall(id="other"), status="completed"),
        ),
        calls=(READ_A,),
        finish="tool_calls",
    ),
]

# --- what comes late ------------------------------------------------------------------------------

LATE = [
    Quirk(
        "a call only when it is done",
        NOBODY,
        stream(done(0, fcall()), ends(fcall())),
        calls=(READ_A,),
        finish="tool_calls",
        ids=("call_0",),
    ),
    Quirk(
        "calls only in the last event",
        NOBODY,
        stream(ends(fcall(0), fcall(1, B))),
        calls=(READ_A, READ_B),
        finish="tool_calls",
    ),
    Quirk("text only in the last event", NOBODY, stream(ends(message("Hi"))), text="Hi"),
    Quirk(
        "text only when its item is done", NOBODY, stream(done(0, message("Hi")), ends()), text="Hi"
    ),
    Quirk(
        "the end of the arguments only when the call is done",
        NOBODY,
        stream(added(0, fcall()), args(A[:7]), done(0, fcall()), ends()),
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "the call's arguments whole at its beginning, and again",
        NOBODY,
        stream(
            event("output_item.added", output_index=0, item=fcall()),
            done(0, fcall()),
            ends(fcall()),
        ),
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "a last event without output",
        NOBODY,
        stream(*HI, ends()),
        text="Hi",
    ),
    Quirk(
        "a whole answer to a streamed request",
        NOBODY,
        raw(
            json.dumps(ends(message("Hi"), fcall())["response"]).encode(),
            content_type="application/json",
        ),
        text="Hi",
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "two messages",
        "gpt-5.3-codex and later: `phase` in OpenAI's SDK 3.57, EasyInputMessageParam",
        stream(
            added(0, message("", phase="commentary")),
            says("I look.", 0),
            done(0, message("I look.", phase="commentary")),
            added(1, message("", 1, phase="final_answer")),
            says("Done.", 1, "msg_1"),
            done(1, message("Done.", 1, phase="final_answer")),
            ends(message("I look."), message("Done.", 1)),
        ),
        text="I look.\n\nDone.",
    ),
]

# --- how it ends ----------------------------------------------------------------------------------

ENDS = [
    Quirk(
        "no [DONE], and one",
        REFERENCE,
        raw(*map(typed, [*HI, ends(message("Hi"))]), b"data: [DONE]\n\n"),
        text="Hi",
    ),
    Quirk(
        "cut off by the limit",
        REFERENCE,
        stream(
            *HI,
            ends(
                message("Hi"),
                status="incomplete",
                incomplete_details={"reason": "max_output_tokens"},
            ),
        ),
        text="Hi",
        finish="length",
    ),
    Quirk(
        "stopped by a filter",
        REFERENCE,
        stream(
            *HI,
            ends(
                message("Hi"), status="incomplete", incomplete_details={"reason": "content_filter"}
            ),
        ),
        text="Hi",
        finish="content_filter",
    ),
    Quirk(
        "a refusal",
        REFERENCE,
        stream(
            added(0, message("")),
            event("refusal.delta", output_index=0, item_id="msg_0", content_index=0, delta="I can"),
            event("refusal.delta", output_index=0, item_id="msg_0", content_index=0, delta="not."),
            ends(message("") | {"content": [{"type": "refusal", "refusal": "I cannot."}]}),
        ),
        text="I cannot.",
        finish="content_filter",
    ),
    Quirk(
        "usage with cached and reasoning tokens",
        REFERENCE,
        stream(*HI, ends(message("Hi"), usage=USED)),
        text="Hi",
        usage=Usage(90, 10, 64),
    ),
    Quirk("usage that is null", NOBODY, stream(*HI, ends(message("Hi"), usage=None)), text="Hi"),
    Quirk(
        "a failed response",
        REFERENCE,
        stream(*HI, ends(status="failed", error={"code": "server_error", "message": "It broke."})),
        error="provider_error",
        words="It broke.",
    ),
    Quirk(
        "a failed response that is too often",
        REFERENCE,
        stream(
            ends(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow down."})
        ),
        error="rate_limited",
        words="Slow down.",
    ),
    Quirk(
        "an error event",
        REFERENCE,
        stream({"type": "error", "code": "server_error", "message": "Gone.", "param": None}),
        error="provider_error",
        words="Gone.",
    ),
    Quirk(
        "an error event with an object in it",
        LLAMA_CPP,
        stream(
            {"type": "error", "error": {"code": 500, "message": "no match", "type": "server_error"}}
        ),
        error="provider_error",
        words="no match",
    ),
    Quirk(
        "an overflow inside the stream",
        REFERENCE,
        stream(
            ends(status="failed", error={"code": "context_length_exceeded", "message": "Too long."})
        ),
        error="context_overflow",
    ),
    Quirk("no end", NOBODY, stream(*HI), error="stream_broken", words="without a reason"),
    Quirk("nothing but its beginning", NOBODY, stream(), error="stream_broken"),
    Quirk("chat chunks", NOBODY, events({"nothing": 1}), error="provider_error"),
    Quirk("HTML", NOBODY, raw(b"<html>502</html>"), error="provider_error", words="web page"),
]

# --- what is not for us ---------------------------------------------------------------------------

FOREIGN = [
    Quirk(
        "keep-alives",
        "OpenRouter sends comments (its API reference, streaming)",
        raw(b": PROCESSING\n\n", typed({"type": "keepalive", "sequence_number": 3}), *map(typed, [*HI, ends()])),
        text="Hi",
    ),
    Quirk(
        "events and items that nobody knows",
        "Open Responses: clients pass over what they do not know",
        stream(
            event("banana.delta", output_index=7, item_id="x", delta="?"),
            added(0, {"type": "acme:banana", "id": "x"}),
            done(0, {"type": "acme:banana", "id": "x", "content": "?"}),
            added(1, message("Hi")),
            says("Hi", 1),
            ends({"type": "acme:banana", "id": "x"}, message("Hi")),
        ),
        text="Hi",
    ),
    Quirk(
        "the endpoint's own web search",
        REFERENCE,
        stream(
            added(0, {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}),
            event("web_search_call.searching", output_index=0, item_id="ws_1"),
            done(0, {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "cats"}}),
            added(1, message("Hi")),
            says("Hi", 1),
            ends({"type": "web_search_call", "id": "ws_1"}, message("Hi")),
        ),
        text="Hi",
        shown="(The endpoint used a tool of its own, web_search_call: cats)",
    ),
    Quirk(
        "an MCP call on its side is no call of ours",
        REFERENCE,
        stream(
            done(0, {"type": "mcp_call", "id": "mcp_1", "name": "read_file", "arguments": A, "output": "x"}),
            ends(message("Hi")),
        ),
        text="Hi",
        shown="mcp_call: read_file",
    ),
    Quirk(
        "reasoning in full and its summary",
        "vllm-project/vllm#24788 has reasoning_text; OpenAI summaries",
        stream(
            added(0, thought()),
            event("reasoning_text.delta", output_index=0, item_id="rs_0", content_index=0, delta="I th"),
            event("reasoning_text.delta", output_index=0, item_id="rs_0", content_index=0, delta="ink."),
            event("reasoning_summary_text.delta", output_index=0, item_id="rs_0", summary_index=0, delta="It thinks."),
            done(0, thought(content=[{"type": "reasoning_text", "text": "I think."}])),
            ends(message("Hi")),
        ),
        text="Hi",
        reasoning="I think.",
    ),
    Quirk(
        "a summary of two parts",
        REFERENCE,
        stream(
            added(0, thought()),
            event("reasoning_summary_text.delta", output_index=0, item_id="rs_0", summary_index=0, delta="One."),
            event("reasoning_summary_text.delta", output_index=0, item_id="rs_0", summary_index=1, delta="Two."),
            done(0, thought(summary=[{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}])),
            ends(message("Hi")),
        ),
        text="Hi",
        reasoning="One.\n\nTwo.",
    ),
    Quirk(
        "reasoning in tags",
        "servers without a reasoning parser, as over chat completions",
        stream(added(0, message("")), says("<think>\nHm.\n</th"), says("ink>\n\nHi"), ends(message("<think>\nHm.\n</think>\n\nHi"))),
        text="Hi",
        reasoning="Hm.\n",
    ),
    Quirk(
        "arguments as an object",
        NOBODY,
        stream(ends(fcall() | {"arguments": {"path": "a"}})),
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "no call_id",
        NOBODY,
        stream(done(0, {"type": "function_call", "id": "fc_9", "name": "read_file", "arguments": A}), ends()),
        calls=(READ_A,),
        finish="tool_calls",
    ),
    Quirk(
        "events in pieces of several lines",
        "the SSE standard: lines of data are joined",
        raw(b'event: response.completed\ndata: {"type": "response.completed",\ndata:  "response": {"object": "response", "status": "completed", "output": [' + json.dumps(message("Hi")).encode() + b"]}}\n\n"),
        text="Hi",
    ),
]  # fmt: skip

QUIRKS = [*ORDER, *LATE, *ENDS, *FOREIGN]
