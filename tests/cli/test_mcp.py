import json
import os
import sys
from pathlib import Path

import pytest

from roo_lsp.cli import main
from tests.support import mcp_server


def test_servers_are_listed_without_starting_them_and_one_is_connected_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Path(os.environ["ROO_CONFIG_DIR"])
    config.mkdir(parents=True)
    started = tmp_path / "started"
    run = f"touch {started}; exec {sys.executable} {mcp_server.__file__}"
    servers = {"small": {"command": "sh", "args": ["-c", run]}, "bad": {}}
    (config / "settings.json").write_text(json.dumps({"mcpServers": servers}))
    (tmp_path / ".mcp.json").write_text('{"mcpServers": {"theirs": {"command": "x"}}}')
    here = ["--workspace", str(tmp_path)]
    assert main(["mcp", *here]) == 0
    told = capsys.readouterr().out
    assert "small  on  sh -c" in told
    assert "bad  cannot be used  it needs a command (with args) or a url" in told
    assert "Waits for trust (roo-lsp trust .): .mcp.json" in told
    assert not started.exists()
    assert main(["mcp", "small", *here, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["state"] == "connected"
    assert "echo" in [each["name"] for each in facts["tools"]]
    assert main(["mcp", "bad", *here]) == 1
    assert "it needs a command" in capsys.readouterr().out
    assert main(["mcp", "theirs", *here]) == 2
    assert "no MCP server 'theirs'; there are: small, bad" in capsys.readouterr().err
