"""What servers really say when they refuse, and what the user is told of it."""

import re
import subprocess
import sys
from typing import Any

import pytest

from roo_lsp.providers.errors import (
    MAX_WORDS,
    ProviderError,
    Reply,
    Target,
    redact,
    refusal,
    retry_after,
    unreachable,
)

TARGET = Target("http://user:pw@host:1/v1/chat/completions?key=q", "my-model", ("s3cret-key",))


def told(status: int | None, body: Any, headers: dict[str, str] | None = None) -> ProviderError:
    error = refusal(Reply(status, body, headers or {}), TARGET)
    assert "s3cret-key" not in str(error)
    assert "\n" not in error.message
    assert error.hint
    return error


OVERFLOWS = [
    # OpenAI
    (400, {"error": {"message": "…", "code": "context_length_exceeded"}}),
    (
        400,
        {"error": {"message": "This model's maximum context length is 8192 tokens. However, …"}},
    ),
    # llama.cpp
    (
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5000,
                "n_ctx": 4096,
            }
        },
    ),
    # vLLM
    (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    (
        400,
        {
            "error": {
                "message": "The decoder prompt (length 5000) is longer than the maximum model length"
            }
        },
    ),
    # Ollama
    (400, {"error": {"message": "input length exceeds the context length"}}),
    (500, {"error": "prompt is too long"}),
    # LM Studio
    (
        400,
        {
            "error": "Trying to keep the first 5000 tokens when context the overflows. However, the "
            "model is loaded with context length of only 4096 tokens"
        },
    ),
    (None, {"error": {"message": "Reached context length of 4096 tokens with this model"}}),
    # OpenRouter
    (
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "raw": '{"error":{"message":"This endpoint\'s maximum context length is 131072"}}'
                },
            }
        },
    ),
    # TGI
    (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given",
            "error_type": "validation",
        },
    ),
    # Anthropic behind LiteLLM
    (
        400,
        {
            "error": {
                "message": "litellm.BadRequestError: AnthropicException - "
                '{"type":"error","error":{"message":"prompt is too long: 210000 tokens > 200000"}}'
            }
        },
    ),
    (413, "Request Entity Too Large"),
    (413, None),
]


@pytest.mark.parametrize(("status", "body"), OVERFLOWS)
def test_an_overflow_is_known_in_every_servers_words(status: int | None, body: Any):
    error = told(status, body)
    assert (error.code, error.retryable) == ("context_overflow", False)
    assert "roo.model.contextWindow" in error.hint


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
    error = refusal(reply, Target("http://localhost:11434/chat/completions", "m"))
    assert error.code == "model_not_found"
    assert "http://localhost:11434/chat/completions" in error.message
    assert "http://localhost:11434/v1" in error.hint
    assert "/v1" not in refusal(reply, Target("http://h/v1/chat/completions", "m")).hint


def test_too_often_may_pass_and_no_credit_may_not():
    limited = told(429, {"error": {"message": "Slow down"}}, {"retry-after": "3"})
    assert (limited.code, limited.retryable, limited.retry_after) == ("rate_limited", True, 3)
    for status, code in [(429, "insufficient_quota"), (402, None)]:
        spent = told(status, {"error": {"message": "You exceeded your quota", "code": code}})
        assert (spent.code, spent.retryable) == ("rate_limited", False)
    worded = told(429, {"error": {"message": "quota insufficient, wait a minute"}})
    assert worded.retryable, "by code, not by wording"


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
    ],
)
def test_the_wait_that_is_asked_for_is_read_in_each_form(
    headers: dict[str, str], seconds: float | None
):
    assert retry_after(headers) == seconds


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


@pytest.mark.parametrize("module", ["", ".errors", ".retrying", ".discovery", ".endpoint"])
def test_the_light_modules_do_not_load_openai(module: str):
    code = (
        f"import sys, roo_lsp.providers{module}\n"
        "print([m for m in ('openai', 'httpx2', 'httpx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
