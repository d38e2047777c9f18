"""What servers really say when they refuse, and what the user is told of it."""

import re
import subprocess
import sys
from typing import Any

import pytest

from roo_lsp.providers import overflow
from roo_lsp.providers.errors import (
    MAX_WORDS,
    ProviderError,
    Reply,
    RequestTarget,
    redact,
    refusal,
    unreachable,
)

TARGET = RequestTarget(
    "http://user:pw@host:1/v1/chat/completions?key=q", "my-model", ("s3cret-key",)
)


def told(status: int | None, body: Any, headers: dict[str, str] | None = None) -> ProviderError:
    error = refusal(Reply(status, body, headers or {}), TARGET)
    assert "s3cret-key" not in str(error)
    assert "\n" not in error.message
    assert error.hint
    return error


def openai_error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


LLAMA_CPP = {
    "code": 400,
    "message": "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 5000,
    "n_ctx": 4096,
}

OVERFLOWS: dict[str, tuple[int | None, Any, int | None]] = {
    "OpenAI": (
        400,
        openai_error(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. "
            "Please reduce the length of the messages.",
            type="invalid_request_error",
            code="context_length_exceeded",
        ),
        128_000,
    ),
    "OpenAI, by its code alone": (400, openai_error("…", code="context_length_exceeded"), None),
    "OpenAI, GPT-5": (
        400,
        openai_error(
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens."
        ),
        272_000,
    ),
    "OpenAI, one long message": (
        400,
        openai_error(
            "Invalid 'messages[1].content': string too long. Expected a string with maximum length 10485760, but got "
            "a string with length 10600000 instead.",
            code="string_above_max_length",
        ),
        None,  # characters
    ),
    "OpenAI, more than a minute's tokens": (
        429,
        openai_error(
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389. The input or output "
            "tokens must be reduced in order to run successfully.",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        None,  # of the account, not of the model
    ),
    "llama.cpp": (400, {"error": LLAMA_CPP}, 4096),
    "llama.cpp in a stream": (None, {"error": LLAMA_CPP}, 4096),
    "llama.cpp, without words": (
        400,
        {"error": {"type": "exceed_context_size_error", "n_ctx": 2048}},
        2048,
    ),
    "llama.cpp, full while it answers": (
        None,
        openai_error("Context size has been exceeded.", code=500, type="server_error"),
        None,
    ),
    "llama.cpp behind a proxy that quotes it": (
        500,
        openai_error(
            'Upstream error: {"error": {"type": "exceed_context_size_error", "n_ctx": 4096}}'
        ),
        4096,
    ),
    "llama-cpp-python": (
        500,
        openai_error("Requested tokens (5000) exceed context window of 2048"),
        2048,
    ),
    "vLLM": (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
            "(4900 in the messages, 100 in the completion).",
            "type": "BadRequestError",
            "code": 400,
        },
        4096,
    ),
    "vLLM, the answer included": (
        400,
        openai_error(
            "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is 4096 "
            "tokens and your request has 2104 input tokens (2000 > 4096 - 2104)."
        ),
        4096,
    ),
    "vLLM, newest": (
        400,
        openai_error(
            "You passed 5000 input tokens and requested 100 output tokens. However, the model's context length is "
            "only 4096 tokens, resulting in a maximum input length of 3996 tokens."
        ),
        4096,
    ),
    "vLLM, decoder": (
        400,
        openai_error(
            "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure that …"
        ),
        4096,
    ),
    "vLLM, too long to fit": (
        400,
        openai_error(
            "The prompt (total length 25938) is too long to fit into the model (context length 4096). Make sure that …"
        ),
        4096,
    ),
    "vLLM, nothing left": (400, openai_error("max_tokens must be at least 1, got -3713."), None),
    "Ollama": (400, openai_error("the input length exceeds the context length"), None),
    "Ollama, too much by": (
        400,
        {"error": "prompt too long; exceeded max context length by 2301 tokens"},
        None,
    ),
    "LM Studio": (
        400,
        {
            "error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded "
            "with context length of only 4096 tokens, which is not enough."
        },
        4096,
    ),
    "LM Studio in a stream": (
        None,
        openai_error(
            "Reached context length of 4096 tokens with this model, but this model does not …"
        ),
        4096,
    ),
    "LM Studio, n_keep": (
        400,
        {
            "error": "The number of tokens to keep from the initial prompt is greater than the context length. "
            "(n_keep: 5000>= n_ctx: 4096)"
        },
        4096,
    ),
    "TabbyAPI": (
        400,
        openai_error("Prompt length 5000 is greater than max_seq_len 4096"),
        4096,
    ),
    "OpenRouter": (
        400,
        openai_error(
            "This endpoint's maximum context length is 131,072 tokens. However, you requested about 140000 tokens"
        ),
        131_072,
    ),
    "OpenRouter, quoting a provider": (
        400,
        openai_error(
            "Provider returned error",
            code=400,
            metadata={"raw": '{"error":{"message":"maximum context length is 131072 tokens"}}'},
        ),
        131_072,
    ),
    "TGI": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 "
            "`inputs` tokens and 100 `max_new_tokens`",
            "error_type": "validation",
        },
        4096,
    ),
    "TGI, input": (
        422,
        {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000"},
        1024,
    ),
    "SGLang": (
        400,
        openai_error(
            "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total "
            "of 202941 tokens: 170941 tokens from the input messages and 32000 tokens for the completion."
        ),
        202_752,
    ),
    "SGLang, input": (
        400,
        openai_error(
            "Input length (160062 tokens) exceeds the maximum allowed length (59862 tokens)."
        ),
        59_862,
    ),
    "SGLang, older": (
        400,
        {
            "object": "error",
            "message": "The input (61709 tokens) is longer than the model's context length (40960 tokens).",
        },
        40_960,
    ),
    "Mistral": (
        400,
        {
            "object": "error",
            "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum "
            "context length",
            "type": "invalid_request_prompt",
            "code": "3051",
        },
        32_768,
    ),
    "Groq": (
        400,
        openai_error(
            "Please reduce the length of the messages or completion.",
            type="invalid_request_error",
            code="context_length_exceeded",
        ),
        None,
    ),
    "Groq, more than a minute's tokens": (
        413,
        openai_error(
            "Request too large for model `llama-3.3-70b-versatile` on tokens per minute (TPM): Limit 12000, Requested "
            "14137, please reduce your message size and try again.",
            type="tokens",
            code="rate_limit_exceeded",
        ),
        None,
    ),
    "Cerebras": (
        400,
        openai_error(
            "Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000"
        ),
        40_000,
    ),
    "DeepSeek": (
        400,
        openai_error(
            "This model's maximum context length is 65536 tokens. However, you requested 70000 tokens (66000 in the "
            "messages, 4000 in the completion).",
            type="invalid_request_error",
        ),
        65_536,
    ),
    "xAI": (
        400,
        {
            "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."
        },
        131_072,
    ),
    "Anthropic behind LiteLLM": (
        400,
        openai_error(
            "litellm.BadRequestError: AnthropicException - "
            '{"type":"error","error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}'
        ),
        200_000,
    ),
    "Anthropic, the answer included": (
        400,
        openai_error(
            "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input length or …"
        ),
        200_000,
    ),
    "LiteLLM's own": (
        400,
        openai_error("litellm.ContextWindowExceededError: litellm.BadRequestError: …", code="400"),
        None,
    ),
    "Bedrock": (
        400,
        {
            "message": "The model returned the following errors: Input is too long for requested model."
        },
        None,
    ),
    "Gemini, in a list": (
        400,
        [
            openai_error(
                "The input token count (1196265) exceeds the maximum number of tokens allowed (1048576).",
                code=400,
                status="INVALID_ARGUMENT",
            )
        ],
        1_048_576,
    ),
    "Vertex": (
        400,
        openai_error(
            "Unable to submit request because the input token count is 1196265 but model only supports up to 1048576."
        ),
        1_048_576,
    ),
    "GitHub Copilot": (
        400,
        openai_error(
            "prompt token count of 70000 exceeds the limit of 64000",
            code="model_max_prompt_tokens_exceeded",
        ),
        64_000,
    ),
    "GitHub Models": (
        413,
        openai_error(
            "Request body too large for gpt-4o model. Max size: 8000 tokens.",
            code="tokens_limit_reached",
        ),
        8000,
    ),
    "Fireworks": (
        400,
        openai_error("The prompt is too long: 40000, model maximum context length: 32768"),
        32_768,
    ),
    "Moonshot": (
        400,
        openai_error("Invalid request: Your request exceeded model token limit: 262144"),
        262_144,
    ),
    "MiniMax, whose number is a code": (
        None,
        {
            "status_code": 2013,
            "status_msg": "invalid params, context window exceeds limit (2013)",
        },
        None,
    ),
    "Z.ai": (400, openai_error("Prompt exceeds max length", code="1261"), None),
    "DashScope": (
        400,
        openai_error(
            "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 98304]"
        ),
        98_304,
    ),
    "Volcengine": (
        400,
        openai_error("Input length 200000 exceeds the maximum length 131072"),
        131_072,
    ),
    "Cohere": (
        400,
        {
            "message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292."
        },
        4081,
    ),
    "behind many words": (400, openai_error("x " * 1000 + "maximum context length is 4096"), 4096),
}


@pytest.mark.parametrize(
    "body",
    [
        "<html><head><title>413 Request Entity Too Large</title></head><body><center>nginx/1.18.0</center></body></html>",
        None,
        {"error": {"message": "Payload too large"}},
    ],
)
def test_a_body_that_is_too_large_says_nothing_of_tokens(body: Any):
    error = told(413, body)
    assert (error.code, error.window, error.bytes_only) == ("context_overflow", None, True)
    assert "contextWindow" not in error.hint


@pytest.mark.parametrize("name", OVERFLOWS)
def test_an_overflow_is_known_in_every_servers_words_and_how_much_there_is(name: str):
    status, body, window = OVERFLOWS[name]
    error = told(status, body)
    assert (error.code, error.window, error.retryable) == ("context_overflow", window, False)
    assert "roo.model.contextWindow" in error.hint
    assert not error.bytes_only


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, openai_error("max_tokens is too large: 100000. This model supports at most 16384")),
        (400, openai_error("The maximum tokens you requested exceeds the model limit of 32768")),
        (
            400,
            openai_error(
                "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64",
                code="string_above_max_length",
            ),
        ),
        (
            400,
            openai_error(
                "Invalid 'messages[3].tool_calls[0].id': string too long. Expected a string with maximum length 40",
                code="string_above_max_length",
            ),
        ),
        (
            400,
            openai_error(
                "Invalid 'tools': array too long. Expected an array with maximum length 128"
            ),
        ),
        (
            400,
            openai_error(
                "messages.0.content.1.image: image exceeds 5 MB maximum: 5316852 > 5242880"
            ),
        ),
        (400, openai_error("The function name is longer than the maximum length of 64")),
        (400, openai_error("Invalid value: 'context'. max_tokens must be at least 1, got 0.")),
        (400, openai_error("Unsupported parameter: 'num_ctx' is not supported with this model.")),
        (500, openai_error("litellm.Timeout: context deadline exceeded")),
        (429, openai_error("Too many tokens, please wait before trying again.")),
        (
            429,
            openai_error(
                "Rate limit reached for model `m` on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443."
            ),
        ),
        (429, openai_error("Tokens per minute limit exceeded - too many tokens processed.")),
        (
            402,
            openai_error(
                "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can "
                "only afford 1000"
            ),
        ),
        (404, openai_error("The model `long-context-32768` does not exist")),
    ],
)
def test_what_is_no_overflow_is_not_taken_for_one(status: int, body: Any):
    error = told(status, body)
    assert error.code != "context_overflow"
    assert error.window is None


@pytest.mark.parametrize(
    "words",
    [
        "Context length 5000 exceeds what is allowed",
        "context window of 5000 tokens was requested",
        "the prompt is too long",
    ],
)
def test_a_number_that_may_be_what_was_asked_for_is_no_window(words: str):
    assert overflow.limit(words) is None


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "registry.ollama.ai/library/gemma:2b does not support tools"),  # Ollama
        (
            400,
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
        ),  # vLLM
        (
            404,
            "No endpoints found that support tool use. To learn more about provider routing, visit …",
        ),  # OpenRouter
        (500, "tools param requires --jinja flag"),  # llama.cpp
        (400, "Function calling is not supported for this model"),
    ],
)
def test_a_model_without_tools_is_known(status: int, words: str):
    error = told(status, {"error": {"message": words}})
    assert (error.code, error.retryable) == ("tool_calling_unsupported", False)
    assert words in error.message


@pytest.mark.parametrize(
    ("status", "words", "again"),
    [
        (500, "The model produced output that does not match the expected peg-native format", True),
        (500, "got exception: Unexpected empty grammar stack after accepting piece: >>>", True),
        (400, "Failed to call a function. Please adjust your prompt.", False),  # Groq
    ],
)
def test_a_call_that_its_server_cannot_read_is_the_models_fault(
    status: int, words: str, again: bool
):
    error = told(status, openai_error(words))
    assert (error.code, error.retryable) == ("provider_error", again)
    assert "roo.provider.toolChoice" in error.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted_points_to_its_setting(status: int):
    error = told(status, {"error": {"message": "Incorrect API key provided: s3cret-key"}})
    assert (error.code, error.status, error.retryable) == ("invalid_api_key", status, False)
    assert "roo.provider.apiKeyEnv" in error.hint
    assert "Incorrect API key provided: [redacted]" in error.message


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "The model `my-model` does not exist", "code": "model_not_found"}},
        {"error": {"message": 'model "my-model" not found, try pulling it first'}},  # Ollama
        {"error": "model 'my-model' not found"},
        {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError"},
    ],
)
def test_a_model_that_is_not_there_is_named(body: Any):
    error = told(404, body)
    assert error.code == "model_not_found"
    assert "my-model" in error.message
    assert "roo.provider.modelId" in error.hint


def test_a_wrong_path_says_which_was_tried_and_that_its_version_is_missing():
    reply = Reply(404, "404 page not found")
    error = refusal(reply, RequestTarget("http://localhost:11434/chat/completions", "m"))
    assert error.code == "model_not_found"
    assert "http://localhost:11434/chat/completions" in error.message
    assert "http://localhost:11434/v1" in error.hint
    assert "/v1" not in refusal(reply, RequestTarget("http://h/v1/chat/completions", "m")).hint


def test_too_often_may_pass_and_no_credit_may_not():
    limited = told(429, {"error": {"message": "Slow down"}}, {"retry-after": "3"})
    assert (limited.code, limited.retryable, limited.retry_after) == ("rate_limited", True, 3)
    for status, code in [(429, "insufficient_quota"), (402, None)]:
        spent = told(status, {"error": {"message": "You exceeded your quota", "code": code}})
        assert (spent.code, spent.retryable) == ("rate_limited", False)
    worded = told(429, {"error": {"message": "quota insufficient, wait a minute"}})
    assert worded.retryable, "by code, not by wording"


@pytest.mark.parametrize("status", [429, 408, 500, 503])
@pytest.mark.parametrize(("said", "again"), [("false", False), ("False ", False), ("true", True)])
def test_an_endpoint_that_says_not_to_try_again_is_believed(status: int, said: str, again: bool):
    assert told(status, {}, {"x-should-retry": said}).retryable is again
    assert not told(400, {}, {"x-should-retry": said}).retryable


def test_a_redirect_says_where_it_pointed_and_that_it_was_not_followed():
    error = told(308, "", {"location": "https://evil.example/v1?key=s3cret-key"})
    assert (error.code, error.retryable) == ("connection_failed", False)
    assert "https://evil.example/v1" in error.message
    assert "not followed" in error.message


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "plain OpenAI"}}, "plain OpenAI"),
        ({"error": "LM Studio's text"}, "LM Studio's text"),
        ({"detail": "FastAPI"}, "FastAPI"),
        (
            {"detail": [{"loc": ["body", "tools"], "msg": "Extra inputs are not permitted"}]},
            "Extra inputs are not permitted (body.tools)",
        ),
        (
            {
                "error": {
                    "message": "Provider returned error",
                    "metadata": {"raw": "the real cause"},
                }
            },
            "the real cause",
        ),
        ('{"error": {"message": "JSON in a string"}}', "JSON in a string"),
        ({"error": {"message": '{"error": {"message": "nested"}}'}}, "nested"),
        ("<html><title>502 Bad Gateway</title><p>nginx", "502 Bad Gateway nginx"),
        ("just\n\ntext\x1b[31m", "just text [31m"),
        ({"message": "no envelope"}, "no envelope"),
        (None, "HTTP 400"),
        ([], "HTTP 400"),
        (17, "HTTP 400"),
    ],
)
def test_the_endpoints_own_words_are_found_wherever_they_are(body: Any, words: str):
    assert words in told(400, body).message


def test_long_words_are_cut():
    assert len(told(500, {"error": {"message": "x" * 10_000}}).message) < MAX_WORDS + 100
    assert told(500, "[" * 100_000).status == 500


def test_a_body_nested_without_end_is_survived():
    body: Any = "deep"
    for _ in range(2000):
        body = {"error": body}
    assert told(500, body).code == "provider_error"


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijkl",
        "sk-or-v1-0123456789abcdef",
        "sk-abc1****************wxyz",
        "gsk_abcdefghijkl",
        "Bearer abcdef.ghijkl",
        "AIzaSyA0123456789",
        "eyJhbGciOiJI.eyJzdWIi.c2ln",
    ],
)
def test_what_looks_like_a_key_is_not_shown(secret: str):
    assert secret not in redact(f"bad key: {secret}, sorry")
    assert redact("a task-specific, risk-averse word") == "a task-specific, risk-averse word"


def test_user_and_password_and_query_of_an_address_are_not_shown():
    assert TARGET.shown == "http://host:1/v1/chat/completions"
    assert "s3cret" not in repr(TARGET)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, 0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:10 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            10,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({}, None),
        # A quota that is used up, for which nothing else says how long: OpenAI and Groq, Azure
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "250ms"}, 0.25),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "10"}, 10),
        # … GitHub (seconds) and OpenRouter (milliseconds) since 1970
        (
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "1792567705",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            25,
        ),
        (
            {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "1792567705500",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            25.5,
        ),
        # … the longest of those that are used up
        (
            {
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-requests": "9m0s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "3s",
            },
            3,
        ),
        ({"x-ratelimit-reset-tokens": "3s"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, None),
        (
            {
                "retry-after": "2",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            2,
        ),
    ],
)
def test_the_wait_that_is_asked_for_is_read_in_each_form(
    headers: dict[str, str], seconds: float | None
):
    assert told(429, None, headers).retry_after == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (openai_error("Rate limit reached … Please try again in 7.5s. Need more tokens?"), 7.5),
        (openai_error("Rate limit reached … Please try again in 2m59.56s."), 179.56),
        (openai_error("Please try again in 20ms. Visit …"), 0.02),
        (openai_error("Please retry after 26 seconds."), 26),  # Azure
        (openai_error("You exceeded your current quota. Please retry in 32.5s."), 32.5),  # Gemini
        (openai_error("busy", details=[{"@type": "…RetryInfo", "retryDelay": "32s"}]), 32),
        ({"error": {"message": "busy", "retry_after": 3}}, 3),
        ({"message": "You are being rate limited.", "retry_after": 0.5}, 0.5),
        ({"error": {"message": "busy", "retry_after_ms": 1500}}, 1.5),
        (
            openai_error(
                "Rate limit exceeded: free-models-per-min.",
                metadata={"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}},
            ),
            12,
        ),
        (openai_error("busy", metadata={"retry_after_seconds": 5}), 5),
        (openai_error("Please try again in a while"), None),
        (openai_error("Please try again in 3 sprints"), None),
        (openai_error("busy", retry_after="soon"), None),
        (openai_error("busy", retry_after=True), None),
        ("Too many requests, retry after 4s", 4),
    ],
)
def test_the_wait_may_be_in_the_body(body: Any, seconds: float | None):
    error = told(429, body)
    assert (error.code, error.retryable) == ("rate_limited", True)
    assert error.retry_after == pytest.approx(seconds)


def test_a_header_says_more_about_the_wait_than_words():
    assert told(429, openai_error("try again in 7.5s"), {"retry-after": "8"}).retry_after == 8


def test_a_connection_that_fails_names_the_address_and_the_reason():
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as inner:
            raise RuntimeError("All connection attempts failed") from inner
    except RuntimeError as outer:
        error = unreachable(outer, TARGET)
    assert (error.code, error.retryable) == ("connection_failed", True)
    assert re.search(r"host:1 .*refused", error.message)
    assert "pw" not in str(error)


def test_a_key_is_not_shown_in_part_where_words_are_cut():
    words = "x" * (MAX_WORDS - 5) + " s3cret-key"
    assert "s3c" not in refusal(Reply(500, openai_error(words)), TARGET).message


@pytest.mark.parametrize("module", ["", ".errors", ".retrying", ".discovery", ".endpoint"])
def test_the_light_modules_do_not_load_openai(module: str):
    code = (
        f"import sys, roo_lsp.providers{module}\n"
        "print([m for m in ('openai', 'httpx2', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_words_of_a_lost_connection_end_with_one_full_stop() -> None:
    error = unreachable(OSError("Server disconnected without sending a response."), TARGET)
    assert error.message.endswith("without sending a response.")
    assert not error.message.endswith("..")
