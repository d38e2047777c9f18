"""The thirty edits of `tests/lsp/test_thirty_edits.py` in a real Neovim, whose person types with keys."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.neovim import Background, Neovim, beside, neovim, plugin
from tests.editors.test_neovim import pytestmark as real
from tests.lsp.test_thirty_edits import (
    OPEN,
    STEPS,
    Action,
    Closes,
    Opens,
    Saves,
    Types,
    assert_on_disk,
    assert_told,
    expected,
    prepare,
    script,
)
from tests.support.fake_openai import FakeOpenAI, text

pytestmark = [*real, pytest.mark.timeout(120)]

MEANWHILE = """
    local path, line, over, words = ...
    local handlers = vim.lsp.handlers
    local apply = handlers['workspace/applyEdit']
    person.meanwhile = true
    handlers['workspace/applyEdit'] = function(...)
      handlers['workspace/applyEdit'] = apply
      person.meanwhile = false
      vim.api.nvim_buf_set_lines(vim.fn.bufnr(path), line - 1, line - 1 + over, true, { words })
      return apply(...)
    end
"""
"""What a key does that arrives just before an edit."""

TEXTS = """
    local texts = {}
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      local path = vim.api.nvim_buf_get_name(buffer)
      if vim.bo[buffer].buflisted and path ~= '' then
        local feed = vim.bo[buffer].fileformat == 'dos' and '\\r\\n' or '\\n'
        texts[path] = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, true), feed) .. feed
      end
    end
    return texts
"""


@pytest.fixture
def endpoint() -> Iterator[tuple[FakeOpenAI, Background]]:
    with beside(FakeOpenAI()) as both:
        yield both


def test_thirty_edits_beside_a_person_come_out_to_the_byte(
    endpoint: tuple[FakeOpenAI, Background], tmp_path: Path
) -> None:
    fake, background = endpoint
    folder = tmp_path / "project"
    prepare(folder)
    gates = [asyncio.Event() for _ in STEPS]
    fake.answers(*script(gates, STEPS), text("All is done."))
    settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
    with neovim(folder, plugin(settings)) as it:
        for name in OPEN:
            it.edit(folder / name)
        it.type(":Roo Edit them all<CR>")
        for number, step in enumerate(STEPS):
            background.wait(_asked(fake, number + 1))
            assert not it.nvim.exec_lua("return person.meanwhile or false"), number
            for action in step.before:
                act(it, folder, action)
            it.request("roo.status")  # the server has heard of all that
            if (during := step.during) is not None:
                place = (str(folder / during.file), during.line, int(during.over), during.words)
                it.nvim.exec_lua(MEANWHILE, *place)
            background.loop.call_soon_threadsafe(gates[number].set)
        assert it.ended()["stopReason"] == "end_turn"
        assert_told(fake)
        world = {name: _with_last_end(name, content) for name, content in expected().items()}
        buffers = {
            Path(path).relative_to(folder).as_posix(): content
            for path, content in it.nvim.exec_lua(TEXTS).items()
        }
        assert buffers == {name: world[name] for name in buffers}
        assert buffers.keys() == {*OPEN, "new/one.md"} - {"crlf.txt"}
        it.type(":silent wall<CR>")
        assert_on_disk(folder, world)


async def _asked(fake: FakeOpenAI, number: int) -> None:
    await fake.chat(number)


def act(it: Neovim, folder: Path, action: Action) -> None:
    path = folder / action.file
    it.edit(path)
    match action:
        case Types(line=line, words=words):
            it.type(f":{line}<CR>O{words}<Esc>")
        case Saves():
            it.type(":silent write<CR>")
        case Closes():
            it.type(":silent write<CR>:bwipeout<CR>")
            it.edit(folder / OPEN[0])
        case Opens():
            pass


def _with_last_end(name: str, content: str) -> str:
    """As Neovim writes what was open in it: 'fixendofline'."""
    return content if name not in OPEN or content.endswith("\n") else f"{content}\n"
