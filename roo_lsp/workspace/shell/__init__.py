"""Which shell commands may run without a question, and which never.

To approve, a text must lie in a small language that is read exactly as bash does (`language.py`), each
command of it must match an entry (`entries.py`), and every further word must be known to be harmless
for its program (`harmless/`), its paths in the workspace (`place.py`). To deny, everything that may
start anywhere is looked at (`deny.py`, `loose.py`, `starts.py`). `decision.py` puts these together.
"""

from roo_lsp.workspace.shell.decision import CommandVerdict, decide
from roo_lsp.workspace.shell.entries import Lists
from roo_lsp.workspace.shell.prefixes import prefix_of

__all__ = ["CommandVerdict", "Lists", "decide", "prefix_of"]
