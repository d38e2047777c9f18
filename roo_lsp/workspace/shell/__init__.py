"""Which shell commands may run without a question, and which never.

To approve, a text must lie in a small language that is read exactly as bash does (`language.py`), each
command of it must be allowed (`entries.py`), and no option may make it run something else
(`vetoes.py`). To deny, everything that may start anywhere is looked at (`deny.py`, `loose.py`,
`starts.py`). `decision.py` puts these together.
"""

from roo_lsp.workspace.shell.decision import CommandVerdict, decide
from roo_lsp.workspace.shell.entries import Lists

__all__ = ["CommandVerdict", "Lists", "decide"]
