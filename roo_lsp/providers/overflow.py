"""A conversation that is too long, in the words of each server, and how long it may be.

The words are those that servers sent to their users, as reported in public; none documents them.
"""

import re
from collections.abc import Collection

_NAMES = {
    "context_length_exceeded",  # OpenAI, Groq, Cerebras, DeepSeek
    "exceed_context_size_error",  # llama.cpp
    "model_max_prompt_tokens_exceeded",  # GitHub Copilot
    "tokens_limit_reached",  # GitHub Models
}
_WORDS = re.compile(
    "|".join(
        (
            r"maximum (?:context|prompt) length",  # OpenAI, vLLM, SGLang, OpenRouter, DeepSeek, xAI
            r"model maximum context length",  # Fireworks
            r"configured limit of \d+ tokens",  # OpenAI's GPT-5
            r"messages\[\d+\]\.content\b.{0,30}string too long",  # OpenAI, counted in characters
            r"context length (?:is )?(?:only|exceeded)",  # LM Studio, vLLM
            # llama.cpp, Ollama, Anthropic, llama-cpp-python
            r"exceed(?:s|ed)? (?:(?:the|available|max(?:imum)?|model'?s?) )*context (?:length|size|window|limit)",
            r"longer than the (?:maximum model length|model'?s context)",  # vLLM, SGLang
            r"too long to fit into the model",  # vLLM
            r"max_tokens must be at least 1, got -\d",  # vLLM: nothing is left for the answer
            r"input length \(?\d+(?: tokens)?\)? exceeds the maximum",  # SGLang, Volcengine
            r"when context the overflows",  # LM Studio, in these words
            r"greater than the context length",  # LM Studio
            r"reached context length",  # LM Studio
            r"greater than max_seq_len",  # TabbyAPI
            r"max_new_tokens`? must be <=",  # TGI, Together
            r"`?inputs`? must have less than \d+ tokens",  # TGI
            r"prompt (?:is )?too long",  # Anthropic, Ollama, Fireworks
            r"input is too long for (?:the )?requested model",  # Bedrock
            r"input token count\b.{0,40}(?:exceeds|only supports)",  # Gemini, Vertex
            r"prompt token count\b.{0,20}exceeds the limit",  # GitHub Copilot
            r"too large for model with \d+ maximum context",  # Mistral
            r"reduce the length of (?:the|your|either) (?:messages|prompt|input|one)",  # Groq
            r"request too large for\b",  # Groq, OpenAI: more than a minute's tokens at once
            r"exceeded model token limit",  # Moonshot
            r"context window exceed(?:s limit|ed)",  # MiniMax, LiteLLM
            r"ContextWindowExceededError",  # LiteLLM
            r"prompt exceeds max length",  # Z.ai
            r"range of input length should be",  # DashScope
            r"tokens in the prompt cannot exceed",  # Cohere
            r"context (?:window|size|length) (?:is |has been )?(?:full|exceeded|overflow)",
        )
    ),
    re.IGNORECASE,
)

_N = r"(\d++(?:[,_]\d{3})*+)"
_THE_LIMIT = r"(?:context (?:length|size|window|limit)|maximum (?:model|prompt) length)"
_LIMITS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\d \+ \d+ > {_N}",  # Anthropic: input + max_tokens > limit
        rf"tokens > {_N}",  # Anthropic
        rf"n_ctx\W{{0,4}}{_N}",  # LM Studio
        rf"max_seq_len {_N}",
        rf"{_N} maximum context length",
        # Not `context length by N`, which is how much too long, nor a length that was asked for.
        rf"{_THE_LIMIT}(?: is| of)?(?: only)?(?:: | \(| ){_N}(?! ?(?:tokens?)?\)? (?:is|was|exceeds|>) )",
        rf"configured limit of {_N} tokens",
        rf"maximum number of tokens allowed \({_N}",
        rf"token count\b.{{0,40}}(?:only supports up to|exceeds the limit of) {_N}",
        rf"input length \(?\d+(?: tokens)?\)? exceeds the maximum (?:allowed )?length \(?{_N}",
        rf"max_new_tokens`? must be <= {_N}",
        rf"must have less than {_N} tokens",
        rf"token limit: ?{_N}",
        rf"while limit is {_N}",
        rf"range of input length should be \[\d+, ?{_N}\]",
        rf"tokens in the prompt cannot exceed {_N}",
        rf"max size: {_N} tokens",
    )
]


def is_overflow(codes: Collection[str], words: str) -> bool:
    """True when an error says that the conversation is too long."""
    return not _NAMES.isdisjoint(codes) or bool(_WORDS.search(words))


def limit(words: str) -> int | None:
    """The tokens that the model's context has, where the words leave no doubt which number it is."""
    for pattern in _LIMITS:
        if found := pattern.search(words):
            return int(re.sub("[,_]", "", found[1])) or None
    return None
