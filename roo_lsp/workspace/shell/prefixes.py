"""The words at a command's beginning that a user can approve all of: its program and its subcommand."""

from roo_lsp.workspace.shell.harmless.judge import COMMAND, MODULE
from roo_lsp.workspace.shell.harmless.tables import programs
from roo_lsp.workspace.shell.language import NotPlain, parse
from roo_lsp.workspace.shell.starts import INTERPRETERS, SHELLS, WRAPPERS

RUNS = frozenset({COMMAND, MODULE})
"""Operands that begin another command."""
STARTS = frozenset({"run", "exec", "x", "dlx", "run-script", "start"})
"""Subcommands that start what is named behind them."""


def prefix_of(command: str) -> str:
    """The words, as an entry of `allowedCommands`; empty where there are none to offer.

    There are some only for one plain command of a program that is known here, and never for one that
    runs other programs: an interpreter, a shell, what starts a command that it is given.
    """
    try:
        script = parse(command)
    except NotPlain:
        return ""
    if len(script) != 1 or script[0].redirects or script[0].stdin:
        return ""
    words = [word.text for word in script[0].words if word.literal]
    if len(words) != len(script[0].words) or script[0].source != command.strip():
        return ""
    name = words[0]
    if name in INTERPRETERS | SHELLS or any(name.startswith(f"{each}3.") for each in INTERPRETERS):
        return ""
    row, count = programs().get(name), 1
    while row is not None and row.subcommands and count < len(words):
        row, count = row.subcommands.get(words[count]), count + 1
    if row is None or row.subcommands or any(each.kind in RUNS for each in row.operands):
        return ""
    if STARTS.intersection(words[1:count]):
        return ""
    wrapper = WRAPPERS.get(name)
    if wrapper is not None and (not wrapper.after or wrapper.after.intersection(words[:count])):
        return ""
    return " ".join(words[:count])
