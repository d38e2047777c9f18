"""The import rule: arrows point one way (see `roo_lsp/README.md`)."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from roo_lsp.app import TOOLS

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


def test_a_command_that_talks_to_the_server_does_not_load_pygls() -> None:
    code = (
        "import sys, roo_lsp.cli.client; "
        "print([name for name in ('pygls', 'lsprotocol') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


KINDS = frozenset({"'edit'", '"edit"', '"hover"', '"switch_mode"', "'switch_mode'"})
"""Tools that are called as what kind they are of, or as what an editor shows."""


def test_no_front_end_has_a_list_of_tools() -> None:
    rooms = [ROOT / "roo_lsp" / each for each in ("cli", "lsp", "tasks", "task_documents")]
    sources = [file for room in rooms for file in room.rglob("*.py")]
    sources += (ROOT / "editors" / "neovim").rglob("*.lua")
    sources += (ROOT / "editors" / "vscode" / "src").rglob("*.ts")
    sources += (ROOT / "editors" / "emacs").glob("*.el")
    named = re.compile(rf"""["'](?:{"|".join(TOOLS)})["']""")
    found = {
        str(file.relative_to(ROOT)): names
        for file in sources
        if (names := set(named.findall(file.read_text("utf-8"))) - KINDS)
    }
    assert found == {}


def test_one_name_is_one_thing() -> None:
    """No class, and no type that has a name, stands in two files."""
    places: dict[str, list[str]] = {}
    for file in (ROOT / "roo_lsp").rglob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            match node:
                case ast.ClassDef(name=name):
                    pass
                case ast.Assign(targets=[ast.Name(id=name)]) if name[0].isupper() and (
                    not name.isupper()
                ):
                    pass
                case _:
                    continue
            if not name.startswith("_"):
                places.setdefault(name, []).append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_one_name_is_one_helper() -> None:
    """No function of a module that others may use has the name of another one's."""
    doors = {
        "main": "the door of each program and of each command of the command line",
        "prepare": "the doors of a tool",
        "targets": "the doors of a tool",
        "list_models": "one verb, said again a room further out",
        "list_tasks": "one verb, said again a room further out",
        "open_task": "one verb, said again a room further out",
        "preload": "one verb, said again a room further out",
        "resume": "one verb, said again a room further out",
        "send": "one verb, said again a room further out",
        "start": "one verb, said again a room further out",
        "at": "said with its module: `hover.at`, `actions.at`",
        "only_prints": "said with its module: `awk.only_prints`, `sed.only_prints`",
        "parse": "one for each small language",
        "read": "one for each small language",
    }
    places: dict[str, list[str]] = {}
    for file in (ROOT / "roo_lsp").rglob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                places.setdefault(node.name, []).append(str(file.relative_to(ROOT)))
    twice = {
        name: files
        for name, files in places.items()
        if len(files) > 1 and not name.startswith("_") and name not in doors
    }
    assert twice == {}
    assert not [name for name in doors if len(places.get(name, [])) < 2]
