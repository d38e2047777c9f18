"""The agent in a real Neovim uses the real language server that runs there beside it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.available import need
from tests.editors.neovim import Background, Neovim, beside, missing, neovim, plugin
from tests.support.fake_openai import FakeOpenAI, call, text

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        bool(missing()) and not os.environ.get("CI"),
        reason=f"not installed: {missing()}",
    ),
    # pynvim asks for asyncio's child watcher, which newer Pythons deprecate.
    pytest.mark.filterwarnings("ignore:.*child_watcher.*:DeprecationWarning"),
    pytest.mark.timeout(240),
]

SERVER = Path(sys.executable).with_name("basedpyright-langserver")
LIB = "def total(items: list[int]) -> int:\n    return sum(items)\n"
APP = "from lib import total\n\nFACE = '\N{GRINNING FACE}', total([1])\nprint(total([2]))\n"
UNSAVED = f"# unsaved\n{APP}"
OTHER_SERVER = """
    vim.lsp.config('basedpyright', {{
      cmd = {{ '{server}', '--stdio' }},
      filetypes = {{ 'python' }},
      root_markers = {{ '.git' }},
    }})
    vim.lsp.enable('basedpyright')
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "lib.py").write_text(LIB, "utf-8")
    (folder / "app.py").write_text(APP, "utf-8")
    return folder


@pytest.fixture
def endpoint() -> Iterator[tuple[FakeOpenAI, Background]]:
    with beside(FakeOpenAI()) as both:
        yield both


@pytest.fixture
def fake(endpoint: tuple[FakeOpenAI, Background]) -> FakeOpenAI:
    return endpoint[0]


@pytest.fixture
def editor(fake: FakeOpenAI, folder: Path) -> Iterator[Neovim]:
    need(SERVER, "uv sync installs it")
    settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
    other = OTHER_SERVER.format(server=SERVER)
    with neovim(folder, f"{plugin(settings)}\n{other}") as it:
        it.edit(folder / "app.py")
        it.until("vim.lsp.get_clients({ name = 'basedpyright', bufnr = 0 })[1] ~= nil")
        yield it


def test_an_agent_finds_a_definition_and_its_uses_and_renames_it_in_two_files(
    editor: Neovim, fake: FakeOpenAI, folder: Path
) -> None:
    there = {"symbol": "total", "path": "app.py", "line": 4}
    fake.answers(
        call("find_definition", there),
        call("find_references", there),
        call("hover", there),
        call("document_symbols", {"path": "lib.py"}),
        call("rename_symbol", {**there, "new_name": "grand_total"}),
        text("Renamed."),
    )
    editor.type("ggO# unsaved<Esc>")
    editor.type(":Roo Rename total<CR>")
    editor.waiting("Rename total to grand_total in 2 files")
    assert (folder / "lib.py").read_text("utf-8") == LIB
    editor.type(":Roo approve<CR>")
    assert editor.ended()["state"] == "idle"

    definition, references, hover, symbols, rename = (
        message["content"]
        for message in fake.chats[-1].json["messages"]
        if message["role"] == "tool"
    )
    found_in_lib = "# lib.py\n1 | def total(items: list[int]) -> int:"
    assert definition == f"1 definition of total in 1 file.\n\n{found_in_lib}"
    assert references.startswith("4 references of total in 2 files.")
    assert found_in_lib in references
    assert "# app.py\n2 | from lib import total\n4 | FACE = '\N{GRINNING FACE}', total([1])" in (
        references
    )
    assert "def total(items: list[int]) -> int" in hover
    assert "1-2 | function total" in symbols
    assert rename.startswith("Renamed total to grand_total in 2 files: ")

    assert editor.text == UNSAVED.replace("total", "grand_total")
    assert (folder / "app.py").read_text("utf-8") == APP
    assert (folder / "lib.py").read_text("utf-8") == LIB.replace("total", "grand_total")
    editor.edit(folder / "lib.py")
    assert editor.text == LIB.replace("total", "grand_total")
