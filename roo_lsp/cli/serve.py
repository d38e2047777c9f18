"""`roo-lsp serve`: the language server on stdio, and on nothing else."""

import sys
from collections.abc import Sequence
from importlib import import_module

from roo_lsp.lsp.wire.greeting import greet
from roo_lsp.stdio.claim import claim_streams


def main(arguments: Sequence[str]) -> int:
    """Serve until the client says exit."""
    # Loaded where there is something to read, as all below: an editor waits for the first answer.
    log_file = import_module("roo_lsp.cli.serve_options").log_file(arguments) if arguments else None
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(
            "roo-lsp is a language server: it waits here for an editor to speak to it.\n"
            'To try it in this terminal: roo-lsp run "PROMPT", roo-lsp demo, roo-lsp --help.\n'
        )
    stdin, stdout = claim_streams()
    greeted = greet(stdin, stdout)
    import_module("roo_lsp.workspace.sandbox.memory").hide_own_memory()  # before settings and keys
    code: int = import_module("roo_lsp.lsp.server").main(stdin, stdout, greeted, log_file)
    return code
