"""The import rule: arrows point one way (see `roo_lsp/README.md`)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_import_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_nothing_heavy_is_loaded_before_initialize_is_answered() -> None:
    code = (
        "import sys, roo_lsp.lsp.server as server; server.create_server(); "
        "print([name for name in ('openai', 'pydantic', 'rich', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_sdk_is_not_loaded_with_the_session() -> None:
    code = (
        "import sys, roo_lsp.lsp.session, roo_lsp.lsp.commands; "
        "print([name for name in ('openai', 'httpx2', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
