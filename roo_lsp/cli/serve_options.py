"""What `roo-lsp serve` may be told."""

import argparse
from collections.abc import Sequence


def log_file(arguments: Sequence[str]) -> str | None:
    """The file to log to, where one is named; ends the process for what cannot be understood."""
    parser = argparse.ArgumentParser(
        prog="roo-lsp serve", description="The language server on stdio."
    )
    parser.add_argument("--log-file", metavar="FILE", help="log there too, not only to stderr")
    # What some clients add to every server's command line.
    parser.add_argument("--stdio", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--clientProcessId", help=argparse.SUPPRESS)
    file: str | None = parser.parse_args(arguments).log_file
    return file
