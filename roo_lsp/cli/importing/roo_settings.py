"""Roo Code's `roo-code-settings.json` and `mcp_settings.json`, as settings of ours.

The shapes are those of its `importExport.ts`, `provider-settings.ts` and `global-settings.ts`
(RooCodeInc/Roo-Code). What has no counterpart is told, key by key.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.agent.modes import MODES
from roo_lsp.cli.importing.plan import Plan
from roo_lsp.cli.importing.roo_modes import take_modes
from roo_lsp.cli.options import BadUsage
from roo_lsp.settings import Raw

COMPATIBLE: Mapping[str, tuple[str, str, str, str, str]] = {
    # provider: (names of its address, key and model; its usual address; what is added to one)
    "openai": ("openAiBaseUrl", "openAiApiKey", "openAiModelId", "https://api.openai.com/v1", ""),
    "openai-native": (
        "openAiNativeBaseUrl",
        "openAiNativeApiKey",
        "apiModelId",
        "https://api.openai.com/v1",
        "",
    ),
    "openrouter": (
        "openRouterBaseUrl",
        "openRouterApiKey",
        "openRouterModelId",
        "https://openrouter.ai/api/v1",
        "",
    ),
    "litellm": ("litellmBaseUrl", "litellmApiKey", "litellmModelId", "http://localhost:4000", ""),
    "lmstudio": ("lmStudioBaseUrl", "", "lmStudioModelId", "http://localhost:1234", "/v1"),
    "ollama": ("ollamaBaseUrl", "ollamaApiKey", "ollamaModelId", "http://localhost:11434", "/v1"),
    "deepseek": ("deepSeekBaseUrl", "deepSeekApiKey", "apiModelId", "https://api.deepseek.com", ""),
    "moonshot": (
        "moonshotBaseUrl",
        "moonshotApiKey",
        "apiModelId",
        "https://api.moonshot.ai/v1",
        "",
    ),
    "groq": ("", "groqApiKey", "apiModelId", "https://api.groq.com/openai/v1", ""),
    "mistral": ("", "mistralApiKey", "apiModelId", "https://api.mistral.ai/v1", ""),
    "xai": ("", "xaiApiKey", "apiModelId", "https://api.x.ai/v1", ""),
}
"""Roo's providers that have an OpenAI-compatible endpoint."""
AZURE_VERSION = "2024-08-01-preview"
"""What Roo asks Azure for where no version is set."""
NO_KEYS = {"", "not-required", "not-needed", "noop", "none", "ollama", "lm-studio", "dummy"}
"""What people write where an endpoint wants no key."""
EFFORTS = {"minimal", "low", "medium", "high", "xhigh", "none"}
_SECRET = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
_SPEECH = "it is about Roo's own screen or sounds"
_TERMINAL = "commands run without VS Code's terminal here"
_PROFILE_LEFT: Mapping[str, str] = {
    "openAiHostHeader": "a Host header is taken from nobody",
    "openAiR1FormatEnabled": "models of that kind need no form of their own here",
    "consecutiveMistakeLimit": "limits.mistakes is one for all profiles",
    "modelMaxThinkingTokens": "there is no budget for thoughts alone; reasoningEffort is sent",
    "verbosity": "set provider.extraBody to send what this endpoint has of its own",
    "ollamaNumCtx": "the size of the context is the server's to set; model.contextWindow says what it is",
    "openRouterSpecificProvider": "set provider.extraBody to send what this endpoint has of its own",
    "todoListEnabled": "the list of steps is always there",
    "diffEnabled": "edits by blocks are always there",
    "fuzzyMatchThreshold": "an edit fits exactly, or apart from blanks",
}
_GLOBAL_LEFT: Mapping[str, str] = {
    "taskHistory": "import the folder `tasks` beside Roo's settings instead",
    "customModePrompts": "copy a mode into customModes to change what it is told",
    "customSupportPrompts": "prompts of the editor's actions are fixed",
    "condensingApiConfigId": "a conversation is condensed by its own profile",
    "customCondensingPrompt": "how a conversation is condensed is fixed",
    "enhancementApiConfigId": "roo.prompt.enhance takes a profile",
    "language": "say it in customInstructions",
    "mcpEnabled": "each server has a switch of its own: disabled",
    "alwaysAllowFollowupQuestions": "a question is never answered for you",
    "followupAutoApproveTimeoutMs": "a question is never answered for you",
    "alwaysAllowUpdateTodoList": "the list of steps needs no approval",
    "alwaysAllowBrowser": "there is no such tool",
    "codebaseIndexConfig": "an index over a vector database is not used here",
    "codebaseIndexModels": "an index over a vector database is not used here",
    "experiments": "Roo's experiments are its own",
    "listApiConfigMeta": "it says no more than the profiles",
    "currentApiConfigName": "it says no more than the profiles",
    "pinnedApiConfigs": _SPEECH,
    "commandTimeoutAllowlist": "commands.timeout is one for all commands",
    "imageGenerationSelectedModel": "there is no such tool",
    "openRouterImageApiKey": "there is no such tool",
}
_PREFIXES: Mapping[str, str] = {
    "tts": _SPEECH,
    "sound": _SPEECH,
    "terminal": _TERMINAL,
    "browser": "there is no such tool",
    "remoteBrowser": "there is no such tool",
    "telemetry": "nothing is counted or sent home here",
    "last": "it is Roo's own memory",
    "has": "it is Roo's own memory",
    "history": _SPEECH,
    "dismissed": "it is Roo's own memory",
}
NOTHING = "there is nothing like it here"

_FLAGS: Mapping[str, str] = {
    "alwaysAllowReadOnly": "read",
    "alwaysAllowReadOnlyOutsideWorkspace": "readOutside",
    "alwaysAllowWrite": "edit",
    "alwaysAllowWriteOutsideWorkspace": "editOutside",
    "alwaysAllowWriteProtected": "editProtected",
    "alwaysAllowExecute": "execute",
    "alwaysAllowMcp": "mcp",
    "alwaysAllowModeSwitch": "mode",
    "alwaysAllowSubtasks": "subtask",
}
_VALUES: Mapping[str, tuple[tuple[str, ...], Callable[[Any], bool]]] = {
    "customInstructions": (
        ("customInstructions",),
        lambda v: isinstance(v, str) and bool(v.strip()),
    ),
    "deniedCommands": (("deniedCommands",), lambda v: isinstance(v, list)),
    "allowedMaxRequests": (("limits", "requests"), lambda v: v is not None),
    "allowedMaxCost": (("limits", "cost"), lambda v: v is not None),
    "commandExecutionTimeout": (("commands", "timeout"), lambda v: v is not None),
    "autoCondenseContext": (("context", "condense"), lambda v: v is not None),
    "autoCondenseContextPercent": (("context", "condensePercent"), lambda v: v is not None),
    "enableCheckpoints": (("checkpoints", "enabled"), lambda v: v is not None),
    "rateLimitSeconds": (("provider", "rateLimitSeconds"), lambda v: v is not None),
    "useAgentRules": (("rules", "agents"), lambda v: v is not None),
    "mode": (("mode",), lambda v: isinstance(v, str)),
}
"""Keys that mean the same here, and when they say anything."""


def take_export(plan: Plan, found: Mapping[str, Any], home: Path) -> None:
    """What `roo-code-settings.json` holds.

    Raises:
        BadUsage: it is no such file.
    """
    known = {"providerProfiles", "globalSettings"}
    for key in found:
        if key not in known:
            plan.leave(key, "it is no part of an export")
    profiles = found.get("providerProfiles")
    if profiles is not None and not isinstance(profiles, dict):
        raise BadUsage("providerProfiles: expected an object, as Roo Code exports it")
    names = _take_profiles(plan, object_or_empty(cast("object", profiles)))
    _take_globals(plan, object_or_empty(found.get("globalSettings")), names, home)


def take_mcp(plan: Plan, found: Mapping[str, Any]) -> None:
    """What `mcp_settings.json` holds."""
    servers = found.get("mcpServers")
    if not isinstance(servers, dict):
        raise BadUsage("mcpServers: expected an object of servers by their names")
    for name, server in cast("Raw", servers).items():
        where = f"mcpServers.{name}"
        if not isinstance(server, dict):
            plan.leave(where, "expected an object")
        elif (kind := cast("Raw", server).get("type")) == "sse":
            plan.leave(
                where,
                "servers of the old kind `sse` are not spoken to; most now offer streamable-http",
            )
        elif not ("command" in server or "url" in server):
            plan.leave(where, f"it has neither command nor url{f' (type {kind})' if kind else ''}")
        else:
            _set(plan.settings, ("mcpServers", name), server)


# --- profiles -------------------------------------------------------------------------------


def _take_profiles(plan: Plan, found: Raw) -> dict[str, str]:
    """The profiles that are taken, by Roo's ids."""
    names: dict[str, str] = {}
    for name, raw in object_or_empty(found.get("apiConfigs")).items():
        profile = object_or_empty(raw)
        if _take_profile(plan, name, profile):
            names[str(profile.get("id", name))] = name
    current = found.get("currentApiConfigName")
    if isinstance(current, str) and current:
        if current in names.values():
            _set(plan.settings, ("profile",), current)
        else:
            plan.leave(
                "providerProfiles.currentApiConfigName", f"the profile {current} is not taken"
            )
    for mode, config in object_or_empty(found.get("modeApiConfigs")).items():
        if str(config) in names:
            _set(plan.settings, ("modeProfiles", mode), names[str(config)])
        else:
            plan.leave(f"providerProfiles.modeApiConfigs.{mode}", "its profile is not taken")
    for key in found:
        if key not in {"apiConfigs", "currentApiConfigName", "modeApiConfigs"}:
            plan.leave(f"providerProfiles.{key}", "it is Roo's own memory")
    return names


def _take_profile(plan: Plan, name: str, profile: Raw) -> bool:
    where, kind = f"providerProfiles.{name}", profile.get("apiProvider", "")
    if kind not in COMPATIBLE:
        plan.leave(
            where,
            f"{kind or 'a profile without a provider'} has no OpenAI-compatible endpoint that is known",
        )
        return False
    url_name, key_name, model_name, usual, behind = COMPATIBLE[kind]
    address = str(profile.get(url_name) or "").rstrip("/") if url_name else ""
    address = address or usual
    if behind and not address.endswith(behind):
        address += behind
    provider: Raw = {"baseUrl": address}
    made: Raw = {"provider": provider}
    used = {"id", "apiProvider", url_name, key_name, model_name}
    if model := profile.get(model_name):
        provider["modelId"] = model
    key = profile.get(key_name)
    if isinstance(key, str) and key.strip().lower() not in NO_KEYS:
        plan.keys[name] = key.strip()
    used |= _take_options(profile, provider, made, compatible=kind == "openai")
    _set(plan.settings, ("profiles", name), made)
    for each, value in profile.items():
        if each in used or value in (None, "", {}, []):
            continue
        why = _PROFILE_LEFT.get(each)
        if why is None:
            why = "it belongs to another provider" if _is_others(each, kind) else NOTHING
        plan.leave(f"{where}.{each}", why)
    return True


def _take_options(profile: Raw, provider: Raw, made: Raw, *, compatible: bool) -> set[str]:
    """What a profile says beside address, key and model; which of its keys that were."""
    used: set[str] = set()

    def take(name: str, holder: Raw, key: str, *, when: bool = True) -> None:
        used.add(name)
        if when and profile.get(name) is not None:
            holder[key] = profile[name]

    take("modelTemperature", provider, "temperature")
    take(
        "rateLimitSeconds", provider, "rateLimitSeconds", when=bool(profile.get("rateLimitSeconds"))
    )
    effort = profile.get("reasoningEffort")
    wanted = profile.get("enableReasoningEffort") is not False and effort in EFFORTS
    take("reasoningEffort", provider, "reasoningEffort", when=wanted)
    model: Raw = {}
    used |= {"enableReasoningEffort", "includeMaxTokens", "modelMaxTokens"}
    most = profile.get("modelMaxTokens")
    if compatible:
        take(
            "openAiStreamingEnabled",
            provider,
            "streaming",
            when=profile.get("openAiStreamingEnabled") is False,
        )
        take("openAiHeaders", provider, "headers", when=bool(profile.get("openAiHeaders")))
        used |= {"openAiUseAzure", "azureApiVersion", "openAiCustomModelInfo"}
        if profile.get("openAiUseAzure") is True:
            provider["azureApiVersion"] = profile.get("azureApiVersion") or AZURE_VERSION
        info = object_or_empty(profile.get("openAiCustomModelInfo"))
        for each in (
            "contextWindow",
            "supportsImages",
            "supportsPromptCache",
            "inputPrice",
            "outputPrice",
            "cacheReadsPrice",
            "cacheWritesPrice",
        ):
            if info.get(each):
                model[each] = info[each]
        most = most or info.get("maxTokens")
    if profile.get("includeMaxTokens") and isinstance(most, int) and most > 0:
        model["maxOutputTokens"] = most
    if model:
        made["model"] = model
    return used


def _is_others(key: str, kind: str) -> bool:
    """Whether a key is of another provider than this: Roo keeps what was typed for each."""
    own = {each for row in (COMPATIBLE[kind],) for each in row}
    others = {each for name, row in COMPATIBLE.items() if name != kind for each in row[:3]}
    return key not in own and (
        key in others
        or bool(re.match(r"(aws|vertex|gemini|anthropic|apiKey|openAi|vsCode)", key))
        or bool(_SECRET.search(key))
    )


# --- everything else ------------------------------------------------------------------------


def _take_globals(plan: Plan, found: Raw, names: Mapping[str, str], home: Path) -> None:
    used = {"autoApprovalEnabled", *_FLAGS, *_VALUES, "customModes", "allowedCommands"}
    _take_approvals(plan, found)
    for key, (path, says) in _VALUES.items():
        if key in found and says(found[key]):
            _set(plan.settings, path, found[key])
    if commands := found.get("allowedCommands"):
        _take_allowed(plan, commands)
    lines = found.get("maxReadFileLine")
    if isinstance(lines, int) and lines > 0:
        _set(plan.settings, ("files", "maxReadLines"), lines)
    used |= {"maxReadFileLine", "profileThresholds", "modeApiConfigs"}
    _take_thresholds(plan, found, names)
    if modes := found.get("customModes"):
        take_modes(plan, modes, "globalSettings.customModes", home)
    mode = plan.settings.get("mode")
    if mode is not None and mode not in {*MODES, *(each["slug"] for each in plan.modes)}:
        plan.leave("globalSettings.mode", f"there is no mode {str(mode)[:60]}")
        del plan.settings["mode"]
    for key, value in found.items():
        if key not in used and value not in (None, "", {}, []):
            plan.leave(f"globalSettings.{key}", _why_left(key))


def _take_thresholds(plan: Plan, found: Raw, names: Mapping[str, str]) -> None:
    """How full the context of each profile may get."""
    for config, percent in object_or_empty(found.get("profileThresholds")).items():
        name = names.get(config)
        if name is None or not isinstance(percent, int | float) or percent < 5:
            plan.leave(
                f"globalSettings.profileThresholds.{config}",
                "its profile is not taken, or has no own",
            )
        else:
            _set(plan.settings, ("profiles", name, "context", "condensePercent"), int(percent))


def _why_left(key: str) -> str:
    if key in _GLOBAL_LEFT:
        return _GLOBAL_LEFT[key]
    return next((why for start, why in _PREFIXES.items() if key.startswith(start)), NOTHING)


def _take_approvals(plan: Plan, found: Raw) -> None:
    """Roo's switches count only while its main one is on; ours are each their own."""
    on = found.get("autoApprovalEnabled") is True
    for key, kind in _FLAGS.items():
        value = found.get(key)
        if not isinstance(value, bool):
            continue
        if value and not on:
            plan.leave(
                f"globalSettings.{key}",
                "auto-approval as a whole is off in Roo, so it is not switched on",
            )
        elif value or kind == "read":
            _set(plan.settings, ("autoApprove", kind), value)


def _take_allowed(plan: Plan, given: Any) -> None:
    commands = list(cast("list[Any]", given)) if isinstance(given, list) else []
    taken = [
        each for each in commands if isinstance(each, str) and each.strip() and each.strip() != "*"
    ]
    if len(taken) < len(commands):
        plan.leave(
            "globalSettings.allowedCommands: *",
            "no entry lets every command run; a sandbox and `autoApprove.execute` do not either",
        )
    if taken:
        _set(plan.settings, ("allowedCommands",), taken)
        plan.notes.append(
            "allowedCommands: an entry lets a command run with options that are known to be harmless; one "
            "that ends in ` *` lets any. In Roo each began a text, whatever followed."
        )


def _set(settings: Raw, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        settings = settings.setdefault(key, {})
    settings[path[-1]] = value
