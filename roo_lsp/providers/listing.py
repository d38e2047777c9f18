"""Lists of models, in each server's form, and what they say of a model's context."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import from_json


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that an endpoint lists."""

    id: str
    window: int | None = None
    """Tokens of context, where the list tells them."""
    owner: str = ""
    """`owned_by`, which tells local servers apart."""


def models_in(body: bytes) -> list[Listed] | None:
    """The models in a list: OpenAI's `data`, others' `models`, or a bare list; None for no list."""
    value = _json(body)
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        value = table.get("data", table.get("models"))
    if not isinstance(value, list):
        return None
    found = {each.id: each for entry in reversed(cast("list[Any]", value)) if (each := _one(entry))}
    return list(reversed(found.values()))


def _one(entry: Any) -> Listed | None:
    if isinstance(entry, str):
        return Listed(entry) if entry else None
    values = _object(entry)
    name = values.get("id") or values.get("name")
    if not isinstance(name, str):
        return None
    owner = values.get("owned_by")
    return Listed(name, _window(values), owner if isinstance(owner, str) else "")


_WINDOWS: Sequence[Sequence[str]] = (
    ("top_provider", "context_length"),  # OpenRouter: what its provider grants
    ("loaded_context_length",),  # LM Studio: as the model is loaded
    ("context_length",),  # OpenRouter, Together, DeepInfra
    ("max_model_len",),  # vLLM, SGLang
    ("context_window",),  # Groq
    ("max_context_length",),  # Mistral, LM Studio
    ("meta", "n_ctx"),  # llama.cpp
    ("meta", "n_ctx_train"),  # llama.cpp: as the model was trained
)
"""Where lists tell a model's context, the most exact first."""


def _window(entry: Mapping[str, Any]) -> int | None:
    for path in _WINDOWS:
        value: Any = entry
        for step in path:
            value = _object(value).get(step)
        if type(value) is int and value > 0:
            return value
    return None


# --- what local servers tell beside their list ---------------------------------------------------


def _props(body: bytes, model: str) -> int | None:
    """llama.cpp's `/props`: the context of one conversation, as the server was started."""
    del model
    props = _object(_json(body))
    n_ctx = _object(props.get("default_generation_settings")).get("n_ctx")
    return n_ctx if type(n_ctx) is int and n_ctx > 0 else None


def _named(body: bytes, model: str) -> int | None:
    """The context of a model in Ollama's `/api/ps` or LM Studio's `/api/v0/models`."""
    table = _object(_json(body))
    entries: Any = table.get("models", table.get("data"))
    for entry in map(_object, cast("list[Any]", entries) if isinstance(entries, list) else []):
        if model in {entry.get("id"), entry.get("model"), entry.get("name")}:
            return _window(entry)
    return None


NATIVE: Mapping[str, tuple[str, Callable[[bytes, str], int | None]]] = {
    "llamacpp": ("/props", _props),
    "library": ("/api/ps", _named),  # Ollama: of the models that are loaded
    "organization_owner": ("/api/v0/models", _named),  # LM Studio
}
"""By `owned_by`: where a local server tells how much context a model really has, and how."""


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
