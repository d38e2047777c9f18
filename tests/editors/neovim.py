"""A real Neovim with our plugin, or with the configuration to paste, and a person who types and picks.

Nothing here sleeps: a test waits in Neovim's own event loop (`vim.wait`) for what the person sees.
"""

import asyncio
import json
import os
import shutil
import sys
import threading
from collections.abc import Coroutine, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import psutil

T = TypeVar("T")

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
MINIMAL = PLUGIN / "minimal.lua"
PERSON = Path(__file__).with_name("person.lua")
BIN = Path(sys.executable).parent
PATIENCE = 60.0


def missing() -> str:
    """What a real Neovim needs and is not installed here, or an empty string."""
    parts = {
        "nvim": shutil.which("nvim", path=path()) is None,
        "pynvim": find_spec("pynvim") is None,
        "roo-lsp": shutil.which("roo-lsp", path=path()) is None,
    }
    return ", ".join(name for name, is_missing in parts.items() if is_missing)


def path() -> str:
    return os.pathsep.join([str(BIN), os.environ.get("PATH", "")])


@dataclass
class Neovim:
    """An editor, driven as a person drives it."""

    nvim: Any
    patience: float = PATIENCE

    def type(self, keys: str) -> None:
        """Type, in the notation of mappings; returns when Neovim has done it."""
        codes = self.nvim.api.replace_termcodes(keys, True, True, True)
        self.nvim.api.feedkeys(codes, "mtx", False)

    def edit(self, path: Path) -> None:
        """Open a file, and wait until Roo has it."""
        self.type(f":edit {path}<CR>")
        self.until("vim.lsp.get_clients({ name = 'roo', bufnr = 0 })[1] ~= nil")

    @property
    def text(self) -> str:
        """The text of the current buffer, as `:write` would write it."""
        return "".join(f"{line}\n" for line in self.nvim.current.buffer[:])

    @property
    def modified(self) -> bool:
        return self.nvim.current.buffer.options["modified"]

    def until(self, expression: str, seconds: float | None = None) -> Any:
        """The value of a Lua expression once it is true; fails at once if the turn fails first,
        unless `person.may_fail` is set."""
        milliseconds = int((seconds or self.patience) * 1000)
        lua = f"""
            local found
            vim.wait({milliseconds}, function()
              found = {expression}
              return found and true or (not person.may_fail and person.event('_state', 'failed') ~= nil)
            end, 10)
            return found or false
        """
        found = self.nvim.exec_lua(lua)
        assert found, f"within {milliseconds} ms not: {expression}\n{self.seen}"
        return found

    def lua(self, code: str, *arguments: Any) -> Any:
        """What Lua returns."""
        return self.nvim.exec_lua(code, *arguments)

    def reset(self) -> None:
        """As it was at the start: one empty window, nothing seen, nothing that runs or waits."""
        self.type("<Esc>")
        self.lua("""
            require('roo.config').set(person.configured)
            vim.cmd('silent! cclose | silent! tabonly! | topleft new | silent! only!')
            for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
              vim.api.nvim_buf_delete(buffer, { force = true })
            end
            person.forget()
        """)
        self.until("#require('roo.approvals').waiting() == 0")
        states = {task["state"] for task in self.request("roo.task.list", {"all": True})}
        assert states <= {"idle", "failed"}, "the last test left a task that runs"

    def configure(self, options: str) -> None:
        """Set other options of the plugin (a Lua table), until the next `reset`."""
        self.lua(
            f"require('roo.config').set(vim.tbl_extend('force', person.configured, {options}))"
        )

    def waiting(self, words: str) -> dict[str, Any]:
        """What waits for the user and has these words in its title, once it does."""
        return self.until(
            "(vim.iter(require('roo.approvals').waiting()):find(function(each)"
            f" return each.title:find({json.dumps(words, ensure_ascii=False)}, 1, true) end) or {{}}).title"
        )

    def chat(self) -> str:
        """The text of the chat that this tab page shows."""
        lines = self.lua("""
            local window = require('roo.windows').find('chat')
            local buffer = window and vim.api.nvim_win_get_buf(window)
            return buffer and vim.api.nvim_buf_get_lines(buffer, 0, -1, false) or {}
        """)
        return "".join(f"{line}\n" for line in lines)

    def shown(self, words: str) -> str:
        """The text of the chat once these words are in it."""
        self.until(
            "(function() local window = require('roo.windows').find('chat')"
            " return window and table.concat(vim.api.nvim_buf_get_lines("
            "vim.api.nvim_win_get_buf(window), 0, -1, false), '\\n')"
            f":find({json.dumps(words, ensure_ascii=False)}, 1, true) and true end)()"
        )
        return self.chat()

    def kill_server(self) -> None:
        """End the server as the kernel does when there is no memory."""
        self.lua("""
            local pid = vim.api.nvim_get_proc_children(vim.fn.getpid())
            for _, each in ipairs(pid) do
              vim.uv.kill(each, 'sigkill')
            end
        """)

    def asked(self, words: str) -> dict[str, Any]:
        """The open dialog with these words, once it is there: its prompt, titles and place."""
        return self.until(f"person.asked({json.dumps(words, ensure_ascii=False)})")

    def pick(self, words: str, title: str | None) -> dict[str, Any]:
        """Pick the item of that title in the dialog with these words; None dismisses it."""
        dialog = self.asked(words)
        assert title is None or title in dialog["titles"]
        self.nvim.exec_lua("person.pick(...)", dialog["index"], title)
        return dialog

    def event(self, kind: str) -> dict[str, Any]:
        """The last event of this kind, once there is one."""
        return self.until(f"person.event({json.dumps(kind)})")

    def ended(self) -> dict[str, Any]:
        """The state that ends the turn."""
        return self.until("person.event('_state', 'idle') or person.event('_state', 'failed')")

    def request(self, command: str, argument: dict[str, Any] | None = None) -> Any:
        """The result of a command of the server."""
        lua = """
            local client = vim.lsp.get_clients({ name = 'roo' })[1]
            local params = { command = ..., arguments = { select(2, ...) } }
            local answer, problem = client:request_sync('workspace/executeCommand', params, 60000)
            assert(answer, problem)
            assert(not answer.err, vim.inspect(answer.err))
            return answer.result
        """
        return self.nvim.exec_lua(lua, command, argument or {})

    @property
    def values(self) -> list[dict[str, Any]]:
        """Every progress value that `LspProgress` autocommands were given."""
        return self.nvim.exec_lua("return person.values")

    @property
    def updates(self) -> list[dict[str, Any]]:
        """The events in them."""
        return [value["roo"]["update"] for value in self.values if "roo" in value]

    @property
    def status(self) -> str:
        """What the status line shows of Roo."""
        return self.nvim.vars.get("roo_status", "")

    @property
    def seen(self) -> str:
        """What the person has seen so far, to print when a test fails."""
        return self.nvim.exec_lua(
            "return vim.inspect({ dialogs = person.dialogs, notes = person.notes,"
            " messages = vim.fn.execute('messages'), last = person.values[#person.values] })"
        )


def plugin(settings: dict[str, Any], options: str = "{}") -> str:
    """The Lua of a user who has the plugin: their settings, and a table of what else is not default."""
    return f"""
        vim.opt.runtimepath:prepend({json.dumps(str(PLUGIN))})
        configured = vim.tbl_deep_extend('force', {{
          settings = vim.json.decode({json.dumps(json.dumps(settings))}),
        }}, {options})
        require('roo').setup(configured)
    """


def minimal(settings: dict[str, Any]) -> str:
    """The Lua of a user who has pasted `minimal.lua`."""
    return f"""
        dofile({json.dumps(str(MINIMAL))})
        vim.lsp.config('roo', {{
          settings = {{ roo = vim.json.decode({json.dumps(json.dumps(settings))}) }},
        }})
    """


@contextmanager
def neovim(folder: Path, configuration: str) -> Generator[Neovim]:
    """Neovim in a folder, with this configuration (Lua); gone afterwards."""
    import pynvim

    init = folder.parent / "init.lua"
    init.write_text(
        f"""
        vim.env.PATH = {json.dumps(path())}
        vim.cmd.cd({json.dumps(str(folder))})
        {configuration}
        dofile({json.dumps(str(PERSON))}).configured = configured
        """,
        "utf-8",
    )
    program = shutil.which("nvim", path=path()) or "nvim"
    options = ["--embed", "--headless", "--clean", "-n", "-i", "NONE", "-u", str(init)]
    before = set(psutil.Process().children(recursive=True))
    own_folders = {name: str(folder.parent / name) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
    with patch.dict(os.environ, own_folders):
        session = pynvim.attach("child", argv=[program, *options])
    try:
        yield Neovim(session)
    finally:
        ours = set(psutil.Process().children(recursive=True)) - before
        with suppress(OSError, EOFError):  # it is gone before it answers
            session.command("qall!")
        session.close()
        _, left = psutil.wait_procs(ours, timeout=PATIENCE)
        for process in left:
            process.kill()
        assert not left, f"still running after Neovim: {left}"


@dataclass
class Background:
    """An event loop in a thread of its own: pynvim blocks, and the endpoint must go on."""

    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of work done over there."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)


@contextmanager
def beside(manager: AbstractAsyncContextManager[T]) -> Generator[tuple[T, Background]]:
    """Enters an async context manager in another thread, for as long as this one lasts."""
    entered: Future[tuple[T, Background, asyncio.Event]] = Future()

    async def hold() -> None:
        done = asyncio.Event()
        async with manager as value:
            entered.set_result((value, Background(asyncio.get_running_loop()), done))
            await done.wait()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    thread = threading.Thread(target=run, name="beside the test")
    thread.start()
    try:
        value, background, done = entered.result()
        try:
            yield value, background
        finally:
            background.loop.call_soon_threadsafe(done.set)
    finally:
        thread.join()
