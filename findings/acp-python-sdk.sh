#!/usr/bin/env bash
# The Python SDK of the Agent Client Protocol, an agent on it and a client on it, with valid requests:
# 1. `session/delete`, which version 1 has (its schema, DeleteSessionRequest; the page "Session Delete"), is answered
#    "Method not found" by an agent that has a method `delete_session` and says so in its capabilities.
# 2. `session/close` and `session/resume`, stable in version 1 too, are refused in the same way, with a warning that they
#    were unstable, unless the agent is run with `use_unstable_protocol=True`.
# 3. A member of a request's `_meta` takes the place of the argument of its name: the agent is called with it. One
#    would expect `_meta` to stand beside the arguments (the page "Extensibility": no assumptions about its keys).
# Exits with 1 where one of the three is no longer so.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check agent-client-protocol==0.12.1
cat > "$folder/both.py" <<'PY'
import asyncio, sys, warnings
from acp import schema
from acp.core import AgentSideConnection, Connection, RequestError
from acp._transport import memory_transport_pair
warnings.simplefilter("ignore")
seen = {}
class Agent:
    async def initialize(self, **fields):
        sessions = schema.SessionCapabilities(delete=schema.SessionDeleteCapabilities(), close=schema.SessionCloseCapabilities())
        return schema.InitializeResponse(protocol_version=1, agent_capabilities=schema.AgentCapabilities(session_capabilities=sessions))
    async def new_session(self, cwd, **fields):
        seen["cwd"] = cwd
        return schema.NewSessionResponse(session_id="one")
    async def close_session(self, session_id, **fields): return schema.CloseSessionResponse()
    async def resume_session(self, session_id, cwd, **fields): return schema.ResumeSessionResponse()
    async def delete_session(self, session_id, **fields): return schema.DeleteSessionResponse()
async def ask(client, method, params):
    try:
        return await client.send_request(method, params)
    except RequestError as error:
        return f"{error.code} {error}"
async def main():
    here, there = memory_transport_pair()
    agent = AgentSideConnection(Agent(), there)
    async def nothing(method, params, is_notification): return None
    client = Connection(nothing, here)
    answers = {}
    await ask(client, "initialize", {"protocolVersion": 1})
    await ask(client, "session/new", {"cwd": "/work", "mcpServers": [], "_meta": {"cwd": "mine to keep"}})
    for method in ("delete", "close", "resume"):
        answers[method] = await ask(client, f"session/{method}", {"sessionId": "one", "cwd": "/work"})
    print("1. session/delete:", answers["delete"])
    print("2. session/close:", answers["close"], "| session/resume:", answers["resume"])
    print("3. asked with cwd /work, called with cwd", seen["cwd"])
    refused = all(str(each).startswith("-32601") for each in answers.values())
    await client.close()
    await agent.close()
    sys.exit(0 if refused and seen["cwd"] == "mine to keep" else 1)
asyncio.run(main())
PY
echo "agent-client-protocol 0.12.1"
"$folder/env/bin/python" "$folder/both.py"
