"""Verbs of modes, profiles and the endpoint, and how everything is."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

from roo_lsp.agent.columns import one_line
from roo_lsp.endpoints import configured_url, list_models
from roo_lsp.providers.endpoint import Endpoint
from roo_lsp.providers.report import Report
from roo_lsp.tasks import endpoint_test
from roo_lsp.tasks.inputs import Nothing, OfProfile, SetMode, SetProfile, Status
from roo_lsp.tasks.service import Service, approved_by_itself, check_mode, check_profile, task_of

MODE_COLUMNS = 120
"""Of what a mode is for, where it has no description for people."""


async def set_mode(service: Service, argument: SetMode) -> dict[str, Any]:
    check_mode(service, argument.mode)
    task = task_of(service, argument.task_id)
    task.set_mode(argument.mode)
    return {"taskId": task.id, "mode": argument.mode}


async def list_modes(service: Service, argument: Nothing) -> dict[str, Any]:
    del argument
    service.configuration.look()
    return {
        "modes": [
            {
                "slug": mode.slug,
                "name": mode.name,
                "groups": sorted(mode.groups),
                "description": mode.description or one_line(mode.purpose)[:MODE_COLUMNS],
                "source": mode.source,
                **({"fileRegex": pattern} if (pattern := mode.groups.get("edit")) else {}),
            }
            for mode in service.configuration.modes.values()
        ],
        "mode": service.configuration.current.settings.mode,
    }


async def set_profile(service: Service, argument: SetProfile) -> dict[str, Any]:
    if argument.profile:  # an empty one leaves the choice to the settings again
        check_profile(service, argument.profile)
    task = task_of(service, argument.task_id)
    task.profile = argument.profile
    return {"taskId": task.id, "profile": argument.profile}


async def list_profiles(service: Service, argument: Nothing) -> dict[str, Any]:
    del argument
    settings = service.configuration.current.settings
    return {
        "profiles": sorted(settings.profiles),
        "profile": settings.profile,
        "modeProfiles": settings.mode_profiles,
    }


async def test_provider(service: Service, argument: OfProfile) -> dict[str, Any]:
    if argument.profile:
        check_profile(service, argument.profile)
    find = partial(_endpoint, service, argument.profile)
    testing = endpoint_test.examine(service.connection, find, service.audience)
    if argument.wait:
        return (await testing).json()
    service.background.start(_tell_test(service, testing))
    return {"started": True}


async def _tell_test(service: Service, testing: Awaitable[Report]) -> None:
    service.screen.message(endpoint_test.report_text(await testing))


async def list_provider_models(service: Service, argument: OfProfile) -> dict[str, Any]:
    if argument.profile:
        check_profile(service, argument.profile)
    return {"models": await list_models(await _endpoint(service, argument.profile))}


async def _endpoint(service: Service, profile: str | None) -> Endpoint:
    current = service.configuration.current
    return await service.connection.endpoint(
        current,
        profile or current.settings.profile,
        partial(service.approvals.ask_for_passage, None),
    )


async def status(service: Service, argument: Status) -> dict[str, Any]:
    service.left.look()
    current = service.configuration.current
    mode, profile = argument.mode or current.settings.mode, argument.profile or ""
    check_mode(service, mode)
    if profile:
        check_profile(service, profile)
    settings = current.for_profile(service.configuration.profile_of(mode, profile))
    base_url = configured_url(settings) or service.connection.found
    return {
        "version": service.version,
        "client": service.client,
        "workspace": [str(folder) for folder in service.workspace.folders],
        "provider": {
            "baseUrl": base_url,
            "learnt": service.connection.learnt(base_url) if base_url else [],
        },
        "model": settings.provider.model_id,
        "mode": mode,
        "profile": service.configuration.profile_of(mode, profile),
        "tasks": _task_states(service),
        "autoApprove": approved_by_itself(service, None),
        "pending": [entry.json() for entry in service.approvals.pending],
        "instructions": service.configuration.instructions.report(
            mode, trusted=service.configuration.trusted
        ),
        "settingsProblems": [
            *({"path": p.path, "problem": p.text} for p in current.problems),
            *({"path": p.place, "problem": p.text} for p in service.configuration.mode_problems),
            *(
                {"path": h.path, "problem": "would widen what Roo may do: waits for your trust"}
                for h in service.configuration.held
            ),
            *(
                {"path": f"roo.{key}", "problem": "accepted, but not yet effective"}
                for key in current.not_yet_effective
            ),
        ],
    }


def _task_states(service: Service) -> list[dict[str, str]]:
    """The tasks that are open here, and those that wait since their server ended."""
    left = service.left.waiting_tasks()
    waiting = {each.task_id for each in left}
    found = [(task.id, task.title, task.state) for task in service.tasks if task.id not in waiting]
    found += [(each.task_id, each.title, "waiting") for each in left]
    return [{"taskId": task_id, "title": title, "state": state} for task_id, title, state in found]
