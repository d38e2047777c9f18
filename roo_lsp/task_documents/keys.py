"""The keys of front matter, as the settings describe them."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from roo_lsp.settings import Settings
from roo_lsp.task_documents.front_matter import FOR_ONE_TASK, OWN_KEYS, KeyPath


@dataclass(frozen=True, slots=True)
class SettingKey:
    """A key that may stand there."""

    name: str
    description: str
    is_section: bool = False


def keys_at(steps: KeyPath) -> list[SettingKey]:
    """The keys below these."""
    if not steps:
        own = [SettingKey(name, text) for name, text in OWN_KEYS.items()]
        return [*own, *(key for key in _keys(Settings) if key.name in FOR_ONE_TASK)]
    model = _model_at(steps)
    if model is None or steps[0] not in FOR_ONE_TASK:
        return []
    part = FOR_ONE_TASK[steps[0]]
    limited = part is not None and len(steps) == 1
    return [key for key in _keys(model) if not limited or key.name in (part or ())]


def key_at(steps: KeyPath) -> SettingKey | None:
    """One of them."""
    return next((key for key in keys_at(steps[:-1]) if key.name == steps[-1]), None)


def values_of(steps: KeyPath) -> list[tuple[str, str]]:
    """The values that a key takes, where they can be listed, each with the default marked."""
    parent = _model_at(steps[:-1])
    info = _fields(parent).get(steps[-1]) if parent is not None else None
    if info is None or key_at(steps) is None:
        return []
    values = dict.fromkeys(_values(info.annotation))
    return [(each, "default" if each == _plain(info.default) else "") for each in values]


def _keys(model: type[BaseModel]) -> Iterator[SettingKey]:
    for name, info in _fields(model).items():
        yield SettingKey(name, info.description or "", _section(info) is not None)


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {info.alias or name: info for name, info in model.model_fields.items()}


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _model_at(steps: KeyPath) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Settings
    for step in steps:
        info = _fields(model).get(step) if model is not None else None
        model = _section(info) if info is not None else None
    return model


def _values(annotation: Any) -> Iterator[str]:
    origin = get_origin(annotation)
    if annotation is bool:
        yield from ("true", "false")
    elif origin is Literal:
        yield from (str(each) for each in get_args(annotation))
    elif origin in (Union, UnionType, Annotated):
        for each in get_args(annotation):
            yield from _values(each)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
