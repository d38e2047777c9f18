"""`roo-lsp serve`: the language server on stdio, and on nothing else."""

import argparse
import sys
from collections.abc import Sequence

from roo_lsp.lsp.server import main as serve


def main(arguments: Sequence[str]) -> int:
    """Serve until the client says exit."""
    parser = argparse.ArgumentParser(
        prog="roo-lsp serve", description="The language server on stdio."
    )
    parser.add_argument("--log-file", metavar="FILE", help="log there too, not only to stderr")
    # What some clients add to every server's command line.
    parser.add_argument("--stdio", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--clientProcessId", help=argparse.SUPPRESS)
    log_file: str | None = parser.parse_args(arguments).log_file
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(
            "roo-lsp is a language server: it waits here for an editor to speak to it.\n"
            'To try it in this terminal: roo-lsp run "PROMPT", roo-lsp demo, roo-lsp --help.\n'
        )
    return serve(log_file)
