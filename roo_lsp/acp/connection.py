"""One client from its first message to its last: the SDK's connection on our wire, and a service behind it."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from acp.core import Connection

from roo_lsp.acp.client import AcpClient
from roo_lsp.acp.files import ground_of
from roo_lsp.acp.methods import Methods
from roo_lsp.acp.wire import Wire
from roo_lsp.acp.workplaces import Workplace, Workplaces
from roo_lsp.agent.json_values import JsonObject
from roo_lsp.app import preload
from roo_lsp.tasks.opening import FrontEnd, open_service
from roo_lsp.tasks.service import Service


async def converse(wire: Wire, version: str, greeted: JsonObject | None = None) -> None:
    """Answer the client until it is done; nothing of ours runs afterwards.

    `greeted` is the `initialize` that was answered before this was loaded.
    """
    loop = asyncio.get_running_loop()

    async def handle(method: str, params: Any, is_notification: bool) -> Any:  # noqa: FBT001 -- as the SDK calls it
        request_id = wire.handled()
        if is_notification:
            return await methods(method, params, is_notification)
        with methods.under_way(request_id):
            return await methods(method, params, is_notification)

    connection = Connection(handle, wire, listening=False)
    client = AcpClient(wire, connection)

    def opening(place: Workplace, folders: Sequence[Path]) -> Service:
        ground = partial(ground_of, client, place.told_in)
        front = FrontEnd(client.name, place, place, ground, channel=place.channel)
        return open_service(front, folders, version)

    methods = Methods(Workplaces(client, opening), version, loop.call_soon)
    loading = asyncio.ensure_future(asyncio.to_thread(preload))
    try:
        if greeted is not None:
            await methods("initialize", greeted.get("params"), False)  # noqa: FBT003 -- as above
        await connection.main_loop()
    finally:
        await methods.close()
        await connection.close()
        loading.cancel()
