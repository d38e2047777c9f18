"""What an endpoint refuses of a request, found in its own words: it is asked once more without that.

The words are those that servers sent to their users, as reported in public; none documents them.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.errors import ProviderError
from roo_lsp.providers.pictures import EVERY_IMAGE
from roo_lsp.providers.requests import (
    CALL_IDS,
    FULL_SCHEMA,
    MARK,
    NULL_CONTENT,
    REPLAY,
    RESULT_MARKS,
    SAME_ROLES,
    SYSTEM_ROLE,
    Encoder,
)

_REFUSING = re.compile(
    r"unsupported|support|unrecogni|unknown|unexpected|not permitted|extra|invalid|allowed"
    r"|not available|unable",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of the request that some endpoints do not take, and how they say so."""

    name: str
    words: re.Pattern[str]
    needs: bytes = b""
    """What is in each request that has it."""


def _form(name: str, *words: str, needs: bytes = b"") -> _Form:
    return _Form(name, re.compile("|".join(words), re.IGNORECASE | re.DOTALL), needs)


_FORMS = (
    _form(
        SAME_ROLES,
        # Mistral's API and vLLM (zed#37021, mistral-vibe#578, goose#5998)
        r"unexpected role",
        r"invalid_request_message_order",
        r"expected last role",
        # templates of Mistral, Gemma, Llama 2 (llama.cpp and LM Studio pass their words on)
        r"roles must alternate",
        r"must alternate between",
        r"(?:consecutive|successive) .{0,30}(?:roles?|messages?)",
    ),
    _form(
        SYSTEM_ROLE,
        r"system (?:role|message|prompt)s?\b.{0,30}(?:not |un)support",  # Gemma's template
        r"not support (?:a |the )?system (?:role|message|prompt)",
        r"only user,? (?:tool,? )?(?:and )?(?:model|assistant)\b.{0,20} roles? (?:is|are) supported",
        needs=b'"role":"system"',
    ),
    _form(
        CALL_IDS,
        # Mistral (opencode#1680), Azure (Portkey#1062), Anthropic behind proxies
        r"(?:tool[_ ]?(?:call|use)s?|function[_ ]calls?|call)\b.{0,40}\bid\b.{0,160}"
        r"(?:must be|should match|length|too long|pattern|alphanumeric|characters)",
        r"\b(?:tool_)?call_id\b.{0,160}(?:must be|should match|length|too long|pattern|alphanumeric)",
        needs=b'"tool_calls":',
    ),
    _form(
        NULL_CONTENT,
        r"NoneType|<nil>",  # templates in Python; Ollama
        # mistral-common#324, grok2api#41
        r"\bcontent\b.{0,100}(?:\bnull|\bnone\b|\bnil\b|valid string|be a string|required|missing)",
        r"(?:\bnull|\bnone\b|\bnil\b|required|missing)\b.{0,60}\bcontent\b",
        needs=b'"content":null',
    ),
    _form(
        FULL_SCHEMA,
        r"additionalProperties|\banyOf\b|\$defs|\$ref\b",
        r"(?:json|invalid|function|tool|parameters?)[ _-]?.{0,40}\bschema\b",
        r"proto field is not repeating|function_declarations",  # Gemini
        r"cannot unmarshal \w+ into go struct field \S*tools?\b",  # Ollama (ollama#10328)
        needs=b'"parameters":',
    ),
)
_THE_MODELS_FAULT = re.compile(
    # Groq says so of a call that the model made
    r"tool_use_failed|failed_generation|tool call validation failed|did(?: not|n't) match schema",
    re.IGNORECASE,
)

_NO_IMAGES = re.compile(
    "|".join(
        (
            r"(?:not|n't|found that) support\w* (?:the )?(?:\w+ )?(?:image|vision|multi-?modal)",
            r"(?:image|vision|multi-?modal)\w*(?: input| url)?s? (?:is|are) not (?:supported|enabled)",
            r"image_url\W{0,3} is only supported by",
            r"unknown variant .?image_url",  # DeepSeek (jcode#310)
            r"is not a multi-?modal model",  # vLLM
            r"\bmmproj\b",  # llama.cpp
            r"at most 0 image",  # vLLM
        )
    ),
    re.IGNORECASE,
)
_IMAGE = re.compile(r"\bimages?\b|image_url|input_image|\bvision\b", re.IGNORECASE)


def refused_form(
    failure: ProviderError,
    body: bytes,
    encoder: Encoder,
    endpoint: Endpoint,
    known: Collection[str],
) -> str | None:
    """What to do without, if that is what a refusal is about and it was sent."""
    if failure.code in {"context_overflow", "invalid_api_key"} or failure.status == 429:
        return None
    said = failure.said
    return _field(failure, body, encoder, endpoint) or next(
        (
            form.name
            for form in _FORMS
            if form.name not in known
            and failure.status in {None, 400, 404, 422, 500}
            and form.needs in body
            and form.words.search(said)
            and not _THE_MODELS_FAULT.search(said)
        ),
        None,
    )


def _field(failure: ProviderError, body: bytes, encoder: Encoder, endpoint: Endpoint) -> str | None:
    text = failure.said
    if failure.status not in {400, 422} or not _REFUSING.search(text):
        return None
    for name in encoder.fields:
        fixed = name == "max_completion_tokens" and endpoint.max_tokens_field != "auto"
        if re.search(rf"\b{name}\b", text) and f'"{name}":'.encode() in body and not fixed:
            return RESULT_MARKS if name == MARK and "tool_result" in text else name
    if b'"include":' in body and _NOT_ENCRYPTED.search(text):
        return "include"
    if endpoint.replay_reasoning == "auto" and re.search(
        r"\breasoning(_content|_details)?\b|\bencrypted content\b", text
    ):
        return REPLAY if any(field in body for field in encoder.replayed) else None
    return None


_NOT_ENCRYPTED = re.compile(r"encrypted content is not supported", re.IGNORECASE)
_OTHER_API = re.compile(
    "|".join(
        (
            r"(?:only supported in|use|via|through|with|call|try) (?:the )?\W{0,3}(?:v1)?/?responses\b",
            r"not (?:a chat model|accessible via the \W{0,3}/chat/completions)",
            r"unsupported_api_for_model",  # GitHub Copilot (caozhiyuan/copilot-api#102)
            r"chatcompletion operation does not work with the specified model",  # Azure
            r"not supported (?:in|with|by|on) (?:the )?\W{0,3}(?:v1)?/chat/completions",
        )
    ),
    re.IGNORECASE,
)
"""OpenAI says it in the first two ways (openai/codex#1306, goose#2564)."""


def wants_responses(failure: ProviderError) -> bool:
    """True for a model that chat completions do not serve, and the Responses API does."""
    return failure.status in {400, 404, 405, 422} and bool(_OTHER_API.search(failure.said))


def has_no_responses(failure: ProviderError) -> bool:
    """True where there is no Responses API, or not for this model."""
    return failure.status in {404, 405, 501} or bool(
        failure.status in {400, 422}
        and re.search(
            r"not supported.{0,40}responses|chat/completions", failure.said, re.IGNORECASE
        )
    )


def refuses_images(failure: ProviderError) -> str | None:
    """For a request with images: which of them are refused, all (`EVERY_IMAGE`) or some ("")."""
    if failure.status in {401, 402, 403, 408, 429} or (failure.status or 0) > 500:
        return None
    if _NO_IMAGES.search(failure.said):
        return EVERY_IMAGE
    return "" if failure.status == 413 or _IMAGE.search(failure.said) else None
