"""`roo-lsp acp`: the agent for editors that speak the Agent Client Protocol, on stdio."""

import argparse
import sys
from collections.abc import Sequence

from roo_lsp.acp.server import main as speak_acp


def main(arguments: Sequence[str]) -> int:
    """Serve until the client is done."""
    parser = argparse.ArgumentParser(
        prog="roo-lsp acp", description="The agent on stdio, by the Agent Client Protocol."
    )
    parser.add_argument("--log-file", metavar="FILE", help="log there, in full")
    log_file: str | None = parser.parse_args(arguments).log_file
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(
            "roo-lsp acp waits here for an editor to speak to it. How to set one up: roo-lsp editor.\n"
            'To try it in this terminal: roo-lsp run "PROMPT", roo-lsp demo, roo-lsp --help.\n'
        )
    return speak_acp(log_file)
