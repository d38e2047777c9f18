"""The tables: what is known to be harmless, by program. Data."""

from collections.abc import Mapping
from functools import cache

from roo_lsp.workspace.shell.harmless import rows
from roo_lsp.workspace.shell.harmless.rows import Row
from roo_lsp.workspace.shell.harmless.tables import (
    builds,
    files,
    git,
    javascript,
    python,
    services,
    texts,
)

TABLES = (git, files, texts, python, javascript, builds, services)


@cache
def programs() -> Mapping[str, Row]:
    """The row of each program; those of its subcommands hang below it."""
    found: dict[str, Row] = {}
    for table in TABLES:
        for row in rows.read(table.ROWS):
            if len(row.words) == 1:
                _put(found, row)
            else:
                above = found[row.words[0]]
                for word in row.words[1:-1]:
                    above = above.subcommands[word]
                _put(above.subcommands, row)
    return found


def _put(place: dict[str, Row], row: Row) -> None:
    if row.words[-1] in place:
        raise ValueError(f"there are two rows for {' '.join(row.words)}")
    place[row.words[-1]] = row
