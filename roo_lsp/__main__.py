"""`python -m roo_lsp` is `roo-lsp`."""

import sys

from roo_lsp.cli import main

sys.exit(main())
