#!/usr/bin/env bash
# The Python SDK of the Model Context Protocol, its client on a server that is a program: an answer is one line of
# JSON, and the time to read it grows with the square of its length, during which nothing else of the event loop
# runs (mcp/client/stdio.py joins all that came of the line with each piece of 64 KiB, and splits it anew). One
# would expect time that grows as the answer does, as over HTTP. The server below sends valid results (a text of 8,
# 16, 32 MB; the specification sets no limit, "Transports", stdio).
# Measured in seconds of CPU of the client. Seen: 8 MB in 0.6 s, 16 MB in 2.0 s, 32 MB in 8.0 s.
# Exits with 1 where four times the length takes less than six times as long.
set -euo pipefail
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check mcp==2.3.0
cat > "$folder/server.py" <<'PY'
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked.get("method") == "initialize":
        info = {"name": "large", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif asked.get("method") == "tools/list":
        result = {"tools": [{"name": "large", "inputSchema": {"type": "object"}}]}
    elif asked.get("method") == "tools/call":
        text = "x" * asked["params"]["arguments"]["bytes"]
        result = {"content": [{"type": "text", "text": text}]}
    else:
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
PY
cat > "$folder/client.py" <<'PY'
import asyncio, sys, time
from mcp import Client, StdioServerParameters
async def main():
    server = StdioServerParameters(command=sys.executable, args=[sys.argv[1]])
    took = {}
    async with Client(server, mode="legacy") as client:
        await client.list_tools()
        for size in (8_000_000, 16_000_000, 32_000_000):
            begun = time.process_time()
            result = await client.call_tool("large", {"bytes": size})
            took[size] = time.process_time() - begun
            assert len(result.content[0].text) == size
    print("mcp 2.3.0:", ", ".join(f"{size // 1_000_000} MB in {seconds:.2f} s of CPU" for size, seconds in took.items()))
    sys.exit(0 if took[32_000_000] > 6 * took[8_000_000] else 1)
asyncio.run(main())
PY
"$folder/env/bin/python" "$folder/client.py" "$folder/server.py"
