"""The table of quirks: what endpoints send that they should not, and what must come of it.

`seen` says who does it and where that is on record: an issue or pull request (owner/repository#n),
"recorded" for streams of ours, a document of the vendor; else that nobody is known to.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from roo_lsp.agent.errors import ErrorCode
from roo_lsp.agent.ports import Usage
from tests.support.fake_openai import Reply, Script, chunk, deltas, events, raw, text

A, B = '{"path": "a"}', '{"path": "b"}'
READ_A, READ_B = ("read_file", A), ("read_file", B)
NOBODY = "nobody known; the wire allows it"


@dataclass(frozen=True)
class Quirk:
    """One of them."""

    name: str
    seen: str
    script: Script
    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    """Names and arguments, as they are run and stored."""
    reasoning: str = ""
    refused: str = ""
    """Words of why the last call is not run."""
    usage: Usage | None = None
    error: ErrorCode | None = None
    words: str = ""
    """Words of the error."""
    ids: tuple[str, ...] = ()
    """The ids of the calls, where they must be kept."""
    details: Any = None
    """`reasoning_details`, parsed."""


# --- how to write them ----------------------------------------------------------------------------


def frag(
    index: Any = 0,
    id: Any = None,  # noqa: A002 -- the wire's word
    name: Any = None,
    arguments: Any = None,
) -> dict[str, Any]:
    """A delta with a fragment of a call; what is None is not in it."""
    function = {"name": name, "arguments": arguments}
    entry = {
        "index": index,
        "id": id,
        "type": "function",
        "function": {key: value for key, value in function.items() if value is not None},
    }
    return {"tool_calls": [{key: value for key, value in entry.items() if value is not None}]}


def called(*fragments: dict[str, Any], finish: str | None = "tool_calls") -> Reply:
    """A stream of these deltas."""
    return events(*map(chunk, fragments), chunk({}, finish), "[DONE]")


def arguments(sent: Any) -> Reply:
    """A call of `read_file` with these arguments."""
    return called(frag(0, "c1", "read_file", sent))


def body(*lines: bytes, end: bytes = b"\n\n") -> Reply:
    """Bytes of a stream: each line as an event of its own."""
    return raw(*(line + end for line in lines))


def sse(delta: Any, finish: str | None = None) -> bytes:
    return b"data: " + json.dumps(chunk(delta, finish), ensure_ascii=False).encode()


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode()


def whole(message: dict[str, Any], finish: str | None = "stop") -> bytes:
    """A whole answer, as for a request that does not stream."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


HI, STOP, DONE = sse({"content": "Hi"}), sse({}, "stop"), b"data: [DONE]"
HALF_CALL = sse(frag(0, "c1", "read_file", '{"pa'))
USED = {"prompt_tokens": 9, "completion_tokens": 4}


def split_at(data: bytes, *places: bytes) -> Reply:
    """The bytes, cut in the middle of each of these."""
    cuts = sorted(data.index(place) + len(place) // 2 for place in places)
    edges = [0, *cuts, len(data)]
    return raw(*(data[a:b] for a, b in pairwise(edges)))


# --- calls ----------------------------------------------------------------------------------------

IDS_AND_INDEXES = [
    Quirk(
        "no id at all",
        "BerriAI/litellm#33223, anomalyco/opencode#30247 (DeepSeek proxies)",
        called(frag(0, None, "read_file", ""), frag(0, None, None, A)),
        calls=(READ_A,),
    ),
    Quirk(
        "an empty id",
        "vercel/ai#19091 (Gemini 2.5)",
        called(frag(0, "", "read_file", A)),
        calls=(READ_A,),
    ),
    Quirk(
        "an empty id in every fragment but the first",
        "symfony/ai#2220, anomalyco/opencode#37841 (DashScope)",
        called(frag(0, "c1", "read_file", ""), frag(0, "", "", A[:5]), frag(0, "", "", A[5:])),
        calls=(READ_A,),
        ids=("c1",),
    ),
    Quirk(
        "null for id and name in every fragment but the first",
        "sgl-project/sglang#35542, Effect-TS/effect#8333 (Cloudflare)",
        events(
            chunk(frag(0, "c1", "read_file", "")),
            *(
                chunk(
                    {
                        "role": None,
                        "tool_calls": [
                            {"index": 0, "id": None, "function": {"name": None, "arguments": part}}
                        ],
                    }
                )
                for part in (A[:3], A[3:])
            ),
            chunk({}, "tool_calls"),
            "[DONE]",
        ),
        calls=(READ_A,),
        ids=("c1",),
    ),
    Quirk(
        "an id that comes after the name",
        NOBODY,
        called(frag(0, None, "read_file"), frag(0, "c1"), frag(0, None, None, A)),
        calls=(READ_A,),
        ids=("c1",),
    ),
    Quirk(
        "an id that comes in the middle of the arguments",
        NOBODY,
        called(frag(0, None, "read_file", A[:4]), frag(0, "c1", None, A[4:])),
        calls=(READ_A,),
    ),
    Quirk(
        "id and name again in every fragment",
        "NousResearch/hermes-agent#11984 (MiniMax at NVIDIA NIM)",
        called(*(frag(0, "c1", "read_file", part) for part in A)),
        calls=(READ_A,),
        ids=("c1",),
    ),
    Quirk(
        "the same id for two calls of one answer",
        NOBODY,
        called(frag(0, "c1", "read_file", A), frag(1, "c1", "read_file", B)),
        calls=(READ_A, READ_B),
    ),
    Quirk(
        "an id that is a number",
        NOBODY,
        called(frag(0, 7, "read_file", A)),
        calls=(READ_A,),
        ids=("7",),
    ),
    Quirk(
        "Mistral's ids of nine characters",
        "Mistral's documentation; it refuses others",
        called(frag(0, "D681PevKs", "read_file", A)),
        calls=(READ_A,),
        ids=("D681PevKs",),
    ),
    Quirk(
        "Kimi's ids that name the tool",
        "vybestack/llxprt-code#713, MoonshotAI/Kimi-K2#128; it needs them back",
        called(frag(0, "functions.read_file:0", "read_file", A)),
        calls=(READ_A,),
        ids=("functions.read_file:0",),
    ),
    Quirk(
        "an id with Gemini's signature in it",
        "BerriAI/litellm#16895, #37849; it needs it back",
        called(frag(0, "call_ab12__thought__" + "AY89a1+/" * 90 + "==", "read_file", A)),
        calls=(READ_A,),
        ids=("call_ab12__thought__" + "AY89a1+/" * 90 + "==",),
    ),
    Quirk(
        "no index, but ids",
        "ollama/ollama#7881, Gemini's OpenAI endpoint",
        called(
            frag(None, "c1", "read_file", A[:4]),
            frag(None, None, None, A[4:]),
            frag(None, "c2", "read_file", B),
        ),
        calls=(READ_A, READ_B),
        ids=("c1", "c2"),
    ),
    Quirk(
        "no index and no id",
        "SamSaffron/term-llm#314",
        called(frag(None, None, "read_file", A), frag(None, None, "read_file", B)),
        calls=(READ_A, READ_B),
    ),
    Quirk(
        "index 0 for every call, with ids",
        "ollama/ollama#15457, BerriAI/litellm#33678, ai-dynamo/dynamo#4723",
        called(frag(0, "c1", "read_file", A), frag(0, "c2", "read_file", B)),
        calls=(READ_A, READ_B),
        ids=("c1", "c2"),
    ),
    Quirk(
        "index 0 for every call, without ids",
        NOBODY,
        called(frag(0, None, "read_file", A), frag(0, None, "read_file", B)),
        calls=(READ_A, READ_B),
    ),
    Quirk(
        "indexes that jump, begin at 1 and go back",
        NOBODY,
        called(frag(7, "c1", "read_file", A), frag(10**9, "c2", "read_file", B)),
        calls=(READ_A, READ_B),
        ids=("c1", "c2"),
    ),
    Quirk(
        "an index in quotes",
        NOBODY,
        called(frag("0", "c1", "read_file", A[:4]), frag("0", None, None, A[4:])),
        calls=(READ_A,),
    ),
    Quirk(
        "an index that is null",
        "security survey of the openai SDK: fields of chunks are not checked",
        events(
            chunk({"tool_calls": [{"index": None, "id": "c1", "function": {"name": "read_file"}}]}),
            chunk({"tool_calls": [{"index": None, "function": {"arguments": A}}]}),
            chunk({}, "tool_calls"),
        ),
        calls=(READ_A,),
    ),
    Quirk(
        "calls whose fragments are mixed",
        "vLLM and OpenAI may send parallel calls so",
        called(
            frag(0, "c1", "read_file", ""),
            frag(1, "c2", "read_file", ""),
            frag(1, None, None, B[:4]),
            frag(0, None, None, A[:6]),
            frag(1, None, None, B[4:]),
            frag(0, None, None, A[6:]),
        ),
        calls=(READ_A, READ_B),
        ids=("c1", "c2"),
    ),
    Quirk(
        "two calls in one delta",
        "OpenAI's format allows it; BerriAI/litellm#11999 (Gemini)",
        called(
            {
                "tool_calls": [
                    frag(0, "c1", "read_file", A)["tool_calls"][0],
                    frag(1, "c2", "read_file", B)["tool_calls"][0],
                ]
            }
        ),
        calls=(READ_A, READ_B),
    ),
    Quirk(
        "one call in place of a list",
        "security survey of the openai SDK: fields of chunks are not checked",
        called({"tool_calls": frag(0, "c1", "read_file", A)["tool_calls"][0]}),
        calls=(READ_A,),
    ),
    Quirk(
        "the call all over again at the end",
        "mudler/cogito#66 (proxies to Anthropic and Gemini)",
        called(frag(0, "c1", "read_file", A), frag(0, "c1", "read_file", A)),
        calls=(READ_A,),
        ids=("c1",),
    ),
    Quirk(
        "no type, and a type in every fragment",
        "recorded: LiteLLM before llama.cpp",
        events(
            chunk({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "read_file"}}]}),
            chunk(frag(0, None, None, A)),
            chunk({}, "tool_calls"),
        ),
        calls=(READ_A,),
    ),
]

NAMES = [
    Quirk(
        "a name in two pieces",
        NOBODY,
        called(frag(0, "c1", "read_"), frag(0, None, "file"), frag(0, None, None, A)),
        calls=(READ_A,),
    ),
    Quirk(
        "a name that comes after arguments",
        NOBODY,
        called(frag(0, "c1", None, A[:4]), frag(0, None, "read_file"), frag(0, None, None, A[4:])),
        calls=(READ_A,),
    ),
    Quirk(
        "a name in other case",
        NOBODY,
        called(frag(0, "c1", "Read_File", A)),
        calls=(READ_A,),
    ),
    Quirk(
        "a name with Harmony's namespace, in every fragment",
        "OpenAI's Harmony format; ml-explore/mlx-lm#613",
        called(
            frag(0, "c1", "functions.read_file", A[:4]), frag(0, "c1", "functions.read_file", A[4:])
        ),
        calls=(READ_A,),
    ),
    Quirk(
        "a name with Gemini's namespace",
        NOBODY,
        called(frag(0, "c1", "default_api.read_file", A)),
        calls=(READ_A,),
    ),
    Quirk(
        "no name at all",
        NOBODY,
        called(frag(0, "c1", None, A)),
        calls=(("unnamed_tool", A),),
    ),
]

ARGUMENTS = [
    Quirk(
        "an object",
        "can1357/oh-my-pi#1779 (MiniMax), BerriAI/litellm#37792 (Ollama)",
        arguments({"path": "a"}),
        calls=(READ_A,),
    ),
    Quirk(
        "null",
        NOBODY,
        events(
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "c", "function": {"name": "list", "arguments": None}}
                    ]
                }
            ),
            chunk({}, "tool_calls"),
        ),
        calls=(("list", "{}"),),
    ),
    Quirk("the word null", NOBODY, arguments("null"), calls=(("read_file", "{}"),)),
    Quirk(
        "an empty string",
        "OpenAI itself, for tools without parameters",
        arguments(""),
        calls=(("read_file", "{}"),),
    ),
    Quirk("blanks around", NOBODY, arguments(f" {A}\n\n"), calls=(READ_A,)),
    Quirk(
        "a code fence",
        "earendil-works/pi#8858, NousResearch/hermes-agent#79333",
        arguments(f"```json\n{A}\n```"),
        calls=(READ_A,),
    ),
    Quirk(
        "encoded twice",
        "vllm-project/vllm#54964 (Granite), quarkiverse/quarkus-langchain4j#2642",
        arguments(json.dumps(A)),
        calls=(READ_A,),
    ),
    Quirk(
        "the object twice",
        "mudler/cogito#66",
        arguments(A + A),
        calls=(READ_A,),
    ),
    Quirk(
        "an empty object before the object",
        "BerriAI/litellm#4537 (Anthropic)",
        called(frag(0, "c1", "read_file", "{}"), frag(0, None, None, A)),
        calls=(READ_A,),
    ),
    Quirk(
        "two different objects",
        "ollama/ollama#15457, as clients put them together",
        arguments(A + B),
        calls=(("read_file", "{}"),),
        refused="several different JSON objects",
    ),
    Quirk(
        "a raw line break in a string",
        "earendil-works/pi#5307 (Qwen)",
        arguments('{"path": "a\nb"}'),
        calls=(("read_file", '{"path": "a\\nb"}'),),
    ),
    Quirk(
        "words behind the object",
        "NousResearch/hermes-agent#79333",
        arguments(f"{A} I hope this helps"),
        calls=(("read_file", "{}"),),
        refused="more behind the JSON object, at character 14: 'I hope",
    ),
    Quirk(
        "a comma too many",
        "NousResearch/hermes-agent#79333",
        arguments('{"path": "a",}'),
        calls=(("read_file", "{}"),),
        refused="(character 13, near",
    ),
    Quirk(
        "a key twice",
        NOBODY,
        arguments('{"path": "a", "path": "b"}'),
        calls=(("read_file", "{}"),),
        refused="the key 'path'",
    ),
    Quirk(
        "a number that is none",
        NOBODY,
        arguments('{"limit": NaN}'),
        calls=(("read_file", "{}"),),
        refused="NaN is no JSON value",
    ),
    Quirk(
        "half a surrogate pair",
        NOBODY,
        arguments('{"path": "\\ud83d"}'),
        calls=(("read_file", "{}"),),
        refused="the value of 'path' has half of a surrogate pair",
    ),
    Quirk(
        "a list",
        NOBODY,
        arguments("[1]"),
        calls=(("read_file", "{}"),),
        refused="not an object",
    ),
    Quirk(
        "nested without end",
        NOBODY,
        arguments('{"a":' * 50_000),
        error="provider_error",
        words="repeated the same text",
    ),
    Quirk(
        "cut off by the output limit",
        "recorded: llama.cpp",
        called(frag(0, "c1", "read_file", '{"pa'), finish="length"),
        calls=(("read_file", "{}"),),
        refused="cut off by the output limit",
    ),
    Quirk(
        "cut off before they began",
        "the same limit, a token earlier",
        called(frag(0, "c1", "read_file", ""), finish="length"),
        calls=(("read_file", "{}"),),
        refused="cut off by the output limit",
    ),
    Quirk(
        "complete, and then the limit",
        "the same limit, some tokens later",
        called(frag(0, "c1", "read_file", A), finish="length"),
        calls=(READ_A,),
    ),
]

# --- ends, usage, nulls ---------------------------------------------------------------------------

ENDS = [
    Quirk(
        "calls that end with stop",
        "googleapis/python-genai#2868 (Gemini), Blaizzy/mlx-vlm#990, vllm-project/vllm#9209",
        called(frag(0, "c1", "read_file", A), finish="stop"),
        calls=(READ_A,),
    ),
    Quirk(
        "calls that end with no reason at all",
        "earendil-works/pi#8460: a gateway that cuts looks just so, so they are not run",
        called(frag(0, "c1", "read_file", A), finish=None),
        error="stream_broken",
    ),
    Quirk(
        "a finish reason in capitals",
        "Gemini's own words, passed on",
        events(chunk({"content": "Hi"}), chunk({}, "STOP")),
        text="Hi",
    ),
    Quirk(
        "the limit under Anthropic's and Gemini's name",
        "their own words, passed on",
        called(frag(0, "c1", "read_file", '{"pa'), finish="MAX_TOKENS"),
        calls=(("read_file", "{}"),),
        refused="cut off by the output limit",
    ),
    Quirk(
        "the legacy function_call",
        "OpenAI before November 2023",
        called(
            {"function_call": {"name": "read_file", "arguments": ""}},
            {"function_call": {"arguments": A}},
            finish="function_call",
        ),
        calls=(READ_A,),
    ),
    Quirk(
        "no [DONE]",
        "recorded: llama.cpp before an error; Gemini and others",
        body(HI, STOP),
        text="Hi",
    ),
    Quirk(
        "no empty line behind the last event",
        NOBODY,
        raw(HI + b"\n\n" + STOP),
        text="Hi",
    ),
    Quirk(
        "an end without a finish reason",
        "recorded: LiteLLM; vercel/ai#19165, pydantic/pydantic-ai#6610",
        body(HI, DONE),
        error="stream_broken",
    ),
    Quirk(
        "an end in the middle of a call",
        "recorded: LiteLLM; T25 of the threat model",
        body(HALF_CALL),
        error="stream_broken",
    ),
    Quirk(
        "an end in the middle of an event",
        NOBODY,
        raw(HI + b'\n\ndata: {"choices": [{"del'),
        error="stream_broken",
    ),
    Quirk("nothing", "proxies whose upstream is gone", raw(b""), error="stream_broken"),
]

USAGE = [
    Quirk(
        "usage in every chunk",
        "vLLM's continuous_usage_stats",
        events(
            chunk({"content": "H"}) | {"usage": {"prompt_tokens": 9, "completion_tokens": 1}},
            chunk({"content": "i"}) | {"usage": {"prompt_tokens": 9, "completion_tokens": 2}},
            chunk({}, "stop") | {"usage": USED},
        ),
        text="Hi",
        usage=Usage(9, 4),
    ),
    Quirk(
        "usage in a last chunk with no choices",
        "OpenAI's include_usage",
        events(chunk({"content": "Hi"}), chunk({}, "stop"), {"choices": [], "usage": USED}),
        text="Hi",
        usage=Usage(9, 4),
    ),
    Quirk(
        "usage in a last chunk with choices null",
        "cline/cline#8518 (DeepSeek, Groq), RooCodeInc/Roo-Code#9105 (MiniMax)",
        events(chunk({"content": "Hi"}), chunk({}, "stop"), {"choices": None, "usage": USED}),
        text="Hi",
        usage=Usage(9, 4),
    ),
    Quirk(
        "usage null until the last chunk",
        "OpenAI's include_usage",
        events(
            chunk({"content": "Hi"}) | {"usage": None},
            chunk({}, "stop") | {"usage": None},
            {"choices": [], "usage": USED},
        ),
        text="Hi",
        usage=Usage(9, 4),
    ),
]

NULLS = [
    Quirk(
        "choices null, empty and missing",
        "pydantic/pydantic-ai#5170, BerriAI/litellm#27969",
        events(
            {"choices": None},
            {"choices": []},
            {"id": "x"},
            chunk({"content": "Hi"}),
            chunk({}, "stop"),
        ),
        text="Hi",
    ),
    Quirk(
        "delta null",
        "microsoft/agent-framework#5734 and bagofwords1/bagofwords#742 (Azure)",
        events(chunk(None), chunk({"content": "Hi"}), chunk(None, "stop")),
        text="Hi",
    ),
    Quirk(
        "content and calls null",
        "OpenAI itself; recorded: llama.cpp",
        deltas({"role": "assistant", "content": None, "tool_calls": None}, {"content": "Hi"}),
        text="Hi",
    ),
    Quirk(
        "a chunk that is null",
        "microsoft/autogen#7711 (Azure)",
        body(b"data: null", HI, STOP, DONE),
        text="Hi",
    ),
]

# --- bytes ----------------------------------------------------------------------------------------

ACCENTS = sse({"content": "é😀"}) + b"\n\n" + STOP + b"\n\n"

FRAMES = [
    Quirk(
        "comments between events",
        "OpenRouter's documentation; mistralai/mistral-vibe#774 (llama.cpp)",
        body(b": OPENROUTER PROCESSING", HI, b":", STOP, b": ping", DONE),
        text="Hi",
    ),
    Quirk(
        "comments as data",
        "mnfst/llm-gateway#2053",
        body(b"data: : OPENROUTER PROCESSING", HI, STOP, DONE),
        text="Hi",
    ),
    Quirk("lines that end in CRLF", "sse-starlette", body(HI, STOP, DONE, end=b"\r\n\r\n"), "Hi"),
    Quirk("lines that end in CR", NOBODY, body(HI, STOP, DONE, end=b"\r\r"), "Hi"),
    Quirk("one line end between events", NOBODY, body(HI, STOP, DONE, end=b"\n"), "Hi"),
    Quirk(
        "a byte order mark",
        "proxies on .NET may write one",
        body(b"\xef\xbb\xbf" + HI, STOP, DONE),
        text="Hi",
    ),
    Quirk(
        "characters cut in the middle",
        "any network",
        split_at(ACCENTS, "é".encode(), "😀".encode(), b"choices"),
        text="é😀",
    ),
    Quirk(
        "an emoji as two halves in two chunks",
        "servers that cut UTF-16",
        body(
            sse({"content": "é"}),
            b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}',
            b'data: {"choices":[{"delta":{"content":"\\ude00"}}]}',
            STOP,
        ),
        text="é😀",
    ),
    Quirk(
        "no blank behind data:",
        "dataelement/Clawith#106",
        body(*(line.replace(b"data: ", b"data:") for line in (HI, STOP, DONE))),
        text="Hi",
    ),
    Quirk(
        "event and id lines, and empty data",
        "Anthropic's and Azure's framing",
        body(b"event: message\nid: 1\n" + HI, b"data:", b"event: ping\ndata: ping", STOP, DONE),
        text="Hi",
    ),
    Quirk(
        "blanks around [DONE]",
        "security survey of the openai SDK, which breaks on it",
        body(HI, STOP, b"data:  [DONE] "),
        text="Hi",
    ),
    Quirk(
        "JSON lines in place of events",
        "Ollama's own API",
        body(HI[6:], STOP[6:], end=b"\n"),
        text="Hi",
    ),
    Quirk(
        "a whole answer in place of a stream",
        "servers that cannot stream with tools (older llama.cpp and Ollama)",
        raw(whole({"content": "Hi"}), content_type="application/json"),
        text="Hi",
    ),
    Quirk(
        "a whole answer with calls, without indexes and reason",
        "the same servers",
        raw(
            whole(
                {
                    "content": None,
                    "tool_calls": [
                        {"id": "c1", "function": {"name": "read_file", "arguments": A}},
                        {"id": "c2", "function": {"name": "read_file", "arguments": {"path": "b"}}},
                    ],
                },
                finish=None,
            ),
            content_type="application/json",
        ),
        calls=(READ_A, READ_B),
        ids=("c1", "c2"),
    ),
    Quirk(
        "a web page with status 200",
        "login pages and proxies",
        raw(b"<!doctype html><p>Sign in", content_type="text/html"),
        error="provider_error",
        words="web page",
    ),
    Quirk(
        "a web page that calls itself a stream",
        "the same",
        raw(b"<html>Sign in</html>"),
        error="provider_error",
        words="web page",
    ),
    Quirk(
        "JSON that is no answer",
        "a wrong address",
        raw(b'{"status": "ok"}', content_type="application/json"),
        error="provider_error",
    ),
    Quirk(
        "an event that is not JSON",
        NOBODY,
        body(HI, b'data: {"choices": [', STOP, DONE),
        error="stream_broken",
    ),
]

OVERLOADED = {"message": "Overloaded, try later", "type": "server_error", "code": 503}

ERROR_SHAPES: Sequence[tuple[str, str, bytes]] = (
    ("an object", "recorded: llama.cpp", event({"error": OVERLOADED})),
    ("a string", "LM Studio", event({"error": "Overloaded, try later"})),
    (
        "object: error",
        "older vLLM",
        event({"object": "error", "message": "Overloaded, try later", "code": 503}),
    ),
    (
        "type: error",
        "Anthropic behind thin proxies",
        event({"type": "error", "error": {"message": "Overloaded, try later"}}),
    ),
    (
        "an event named error",
        "text-generation-inference; LM Studio",
        b'event: error\ndata: {"message": "Overloaded, try later"}',
    ),
    ("a list", "Gemini", event([{"error": OVERLOADED}])),
    (
        "base_resp",
        "RooCodeInc/Roo-Code#9105 (MiniMax)",
        event({"choices": None, "base_resp": {"status_code": 1, "status_msg": "Try again later"}}),
    ),
    (
        "finish_reason error",
        "OpenRouter",
        event({"choices": [{"delta": {}, "finish_reason": "error"}], "error": OVERLOADED}),
    ),
)
ERRORS = [
    *(
        Quirk(
            f"an error in the stream: {name}",
            seen,
            body(HI, line),
            error="provider_error",
            words="later",
        )
        for name, seen, line in ERROR_SHAPES
    ),
    Quirk(
        "an error in the stream: a rate limit",
        "OpenRouter",
        body(HI, event({"error": {"message": "slow down", "code": 429}})),
        error="rate_limited",
    ),
]

# --- reasoning ------------------------------------------------------------------------------------


def said(*pieces: str) -> Reply:
    """A stream of this text."""
    return events(*(chunk({"content": piece}) for piece in pieces), chunk({}, "stop"), "[DONE]")


REASONING = [
    Quirk(
        "reasoning_content",
        "DeepSeek, llama.cpp, SGLang",
        deltas({"reasoning_content": "Hm"}, {"content": "Hi"}),
        text="Hi",
        reasoning="Hm",
    ),
    Quirk(
        "reasoning",
        "vLLM since 0.11, Ollama, OpenRouter",
        deltas({"reasoning": "Hm"}, {"content": "Hi"}),
        text="Hi",
        reasoning="Hm",
    ),
    Quirk(
        "tags at the beginning",
        "ggml-org/llama.cpp#24671",
        said("<think>\nHm\n</think>\n\nHi"),
        text="Hi",
        reasoning="Hm\n",
    ),
    Quirk(
        "tags behind a line break, cut anywhere",
        "Roo Code shows them as text",
        said("\n\n<th", "ink>", "Hm</", "think", ">\n\nHi"),
        text="Hi",
        reasoning="Hm",
    ),
    Quirk(
        "tags in a later line",
        "Roo Code shows them as text",
        said("I look.\n<think>Hm</think>\nHi"),
        text="I look.\nHi",
        reasoning="Hm",
    ),
    Quirk(
        "tags in capitals, with blanks",
        "Roo Code shows them as text",
        said("< THINK >Hm</Think>Hi"),
        text="Hi",
        reasoning="Hm",
    ),
    Quirk(
        "no opening tag",
        "ggml-org/llama.cpp#11861, vllm-project/vllm#31045",
        said("Hm, 1+1", " is 2.\n</think>\n\n", "Hi"),
        text="Hi",
        reasoning="Hm, 1+1 is 2.\n",
    ),
    Quirk(
        "no opening tag and no line break",
        "ml-explore/mlx-lm#877 (GLM)",
        said("Hm.</think>Hi"),
        text="Hi",
        reasoning="Hm.",
    ),
    Quirk("<thinking>", NOBODY, said("<thinking>Hm</thinking>Hi"), text="Hi", reasoning="Hm"),
    Quirk("<thought>", "Gemma", said("<thought>Hm</thought>Hi"), text="Hi", reasoning="Hm"),
    Quirk(
        "a tag that never closes, and nothing else",
        "small models",
        said("<think>", "It is 4"),
        text="It is 4",
    ),
    Quirk(
        "a tag that never closes, and a call",
        "small models",
        called({"content": "<think>Hm"}, frag(0, "c1", "read_file", A)),
        calls=(READ_A,),
        reasoning="Hm",
    ),
    Quirk(
        "a tag that never closes because of the limit",
        "any model with a small limit",
        events(chunk({"content": "<think>Hm, let me"}), chunk({}, "length")),
        error="provider_error",
        words="still thinking",
    ),
    Quirk(
        "nothing between the tags",
        "Qwen3 that is told not to think",
        said("<think>\n\n</think>\n\nHi"),
        text="Hi",
    ),
    Quirk(
        "tags in code",
        "models that write about them",
        said("Use `<think>`:\n```\n<think>x</think>\n```\nand `</think>`."),
        text="Use `<think>`:\n```\n<think>x</think>\n```\nand `</think>`.",
    ),
    Quirk(
        "parts of content",
        "Mistral's Magistral",
        deltas(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
            {"content": [{"type": "text", "text": "Hi"}]},
        ),
        text="Hi",
        reasoning="Hm",
    ),
    Quirk(
        "details in fragments, signed at the end",
        "agno-agi/agno#8794 (OpenRouter before Anthropic)",
        deltas(
            {
                "reasoning": "He",
                "reasoning_details": [{"type": "reasoning.text", "text": "He", "index": 0}],
            },
            {
                "reasoning": "llo",
                "reasoning_details": [{"type": "reasoning.text", "text": "llo", "index": 0}],
            },
            {"reasoning_details": [{"type": "reasoning.text", "signature": "sg", "index": 0}]},
            {"content": "Hi"},
        ),
        text="Hi",
        reasoning="Hello",
        details=[{"type": "reasoning.text", "text": "Hello", "index": 0, "signature": "sg"}],
    ),
    Quirk(
        "details alone, one of them encrypted",
        "agentjido/req_llm#300 (OpenRouter before Gemini)",
        deltas(
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "H", "index": 0}]},
            {"reasoning_details": [{"type": "reasoning.summary", "summary": "m", "index": 0}]},
            {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x==", "index": 0}]},
            {"content": "Hi"},
        ),
        text="Hi",
        reasoning="Hm",
        details=[
            {"type": "reasoning.summary", "summary": "Hm", "index": 0},
            {"type": "reasoning.encrypted", "data": "x==", "index": 0},
        ],
    ),
]

PRINTED = [
    Quirk(
        f"a call as text: {form}",
        seen,
        text(words, pieces=4),
        error="tool_calling_unsupported",
        words=form,
    )
    for form, seen, words in (
        (
            "<tool_call>",
            "RooCodeInc/Roo-Code#10312",
            '<tool_call>\n{"name": "read_file", "arguments": {"path": "a"}}\n</tool_call>',
        ),
        (
            "<function=…>",
            "Qwen3-Coder without its parser",
            "<function=read_file>\n<parameter=path>\na\n</parameter>\n</function>\n</tool_call>",
        ),
        (
            "[TOOL_CALLS]",
            "RooCodeInc/Roo-Code#10540 (Devstral)",
            '[TOOL_CALLS]read_file[ARGS]{"path": "a"}',
        ),
        (
            "<|python_tag|>",
            "Llama 3 without its parser",
            '<|python_tag|>{"name": "read_file", "parameters": {"path": "a"}}',
        ),
        (
            "to=functions.…",
            "RooCodeInc/Roo-Code#10319 (gpt-oss)",
            'commentary to=functions.read_file <|constrain|>json<|message|>{"path": "a"}',
        ),
        (
            "<read_file> (XML)",
            "models that know Roo's old prompts",
            "I will look.\n<read_file>\n<path>a</path>\n</read_file>",
        ),
        (
            "JSON",
            "jundot/omlx#2565 (Qwen2.5-Coder)",
            '```json\n{"name": "read_file", "arguments": {"path": "a"}}\n```',
        ),
    )
]

QUIRKS = [
    *IDS_AND_INDEXES,
    *NAMES,
    *ARGUMENTS,
    *ENDS,
    *USAGE,
    *NULLS,
    *FRAMES,
    *ERRORS,
    *REASONING,
    *PRINTED,
]
