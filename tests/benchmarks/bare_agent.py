"""The floor of ACP: the SDK's own minimal agent, which streams one answer of a model for each prompt.

As roo-lsp does, it loads openai's SDK in a thread once it was initialized.
"""

import asyncio
import importlib
import os
from typing import Any

from acp.core import run_agent
from acp.helpers import update_agent_message_text
from acp.schema import InitializeResponse, NewSessionResponse, PromptResponse

BASE_URL = os.environ.get("BARE_BASE_URL", "")


class Bare:
    """Nothing but what a prompt needs."""

    loading: asyncio.Task[Any] | None = None
    client: Any = None
    connection: Any = None

    def on_connect(self, connection: Any) -> None:
        """Keep the client."""
        self.connection = connection

    async def initialize(self, protocol_version: int, **more: Any) -> InitializeResponse:
        """Say the version, and load the SDK of the endpoint."""
        self.loading = asyncio.create_task(asyncio.to_thread(importlib.import_module, "openai"))
        return InitializeResponse(protocol_version=1)

    async def new_session(self, **more: Any) -> NewSessionResponse:
        """The one there is."""
        return NewSessionResponse(session_id="bare")

    async def prompt(self, session_id: str, **more: Any) -> PromptResponse:
        """Ask the model, and tell what it says."""
        assert self.loading is not None
        openai = await self.loading
        if self.client is None:
            self.client = openai.AsyncOpenAI(base_url=BASE_URL, api_key="x", max_retries=0)
        stream = await self.client.chat.completions.create(
            model="bare", messages=[{"role": "user", "content": "Go."}], stream=True
        )
        async for chunk in stream:
            if chunk.choices and (text := chunk.choices[0].delta.content):
                await self.connection.session_update(session_id, update_agent_message_text(text))
        return PromptResponse(stop_reason="end_turn")


if __name__ == "__main__":
    agent: Any = Bare()
    asyncio.run(run_agent(agent))
