"""Modes and models of a session: as modes, and as configuration options, from one state."""

from collections.abc import Mapping
from typing import Any

from roo_lsp.agent.json_values import JsonObject
from roo_lsp.tasks import inputs
from roo_lsp.tasks.service import Service
from roo_lsp.tasks.verbs import choosing

MODE, MODEL = "mode", "model"
AS_SET = "(settings)"
"""The model that the settings name: for the mode, or for all."""


async def modes(service: Service, current: str) -> JsonObject:
    """ACP's `modes`; those that a client without configuration options knows."""
    found = (await choosing.list_modes(service, inputs.Nothing()))["modes"]
    return {"currentModeId": current, "availableModes": [_mode(each) for each in found]}


async def config_options(service: Service, mode: str, profile: str) -> list[JsonObject]:
    """The complete list, as each answer has to have it."""
    found = (await modes(service, mode))["availableModes"]
    settings = service.configuration.current
    as_set = service.configuration.profile_of(mode, "")
    models = [{"value": AS_SET, "name": f"As set: {_model(service, as_set)}"}]
    models += [
        {"value": name, "name": name, "description": _model(service, name)}
        for name in sorted(settings.settings.profiles)
    ]
    return [
        {
            "id": MODE,
            "name": "Mode",
            "category": "mode",
            "type": "select",
            "currentValue": mode,
            "options": [
                {key: each[of] for key, of in _OPTION.items() if of in each} for each in found
            ],
        },
        {
            "id": MODEL,
            "name": "Model",
            "category": "model",
            "type": "select",
            "currentValue": profile or AS_SET,
            "options": models,
        },
    ]


_OPTION = {"value": "id", "name": "name", "description": "description"}


def _mode(mode: Mapping[str, Any]) -> JsonObject:
    told: JsonObject = {"id": mode["slug"], "name": mode["name"]}
    if words := mode.get("description") or mode.get("whenToUse"):
        told["description"] = words
    return told


def _model(service: Service, profile: str) -> str:
    return (
        service.configuration.current.for_profile(profile).provider.model_id
        or "the endpoint's only model"
    )
