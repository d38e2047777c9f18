"""A real Helix with what `roo-lsp editor helix --write` gives it, and a person at its keyboard."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.editors.available import EDITORS, need
from tests.editors.terminal import PATIENCE, Terminal, terminal

BIN = Path(sys.executable).parent
PICTURES = Path(__file__).parents[2] / "editors" / "helix" / "pictures"
README = PICTURES.with_name("README.md")
VERSIONS = ("newest", "25.01")
NEWEST, OLDEST = VERSIONS
HOME = "/home/ada/src"
"""What pictures show for the folder of the project, which is as long."""
TASK_ID = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{6}\b")
PERMISSION = re.compile(r"\bperm_[0-9a-f]{1,16}")
SPINNER = re.compile("[⣷⣯⣟⡿⢿⣻⣽⣾]")


@dataclass
class Helix:
    """An editor in a terminal of 80 by 24."""

    terminal: Terminal
    folder: Path
    """The project that it was started in."""
    log: Path

    async def until(self, wanted: str) -> str:
        """The screen as soon as it has these words."""
        return await self.terminal.until(wanted)

    async def keys(self, keys: str, shows: str) -> str:
        """Type keys of normal mode, `␣` is the space bar; the screen once it has these words."""
        await self.terminal.press(*("Space" if key == "␣" else key for key in keys))
        return await self.terminal.until(shows)

    async def type(self, text: str, shows: str) -> str:
        """Type text as it is; the screen once it has these words."""
        await self.terminal.type(text)
        return await self.terminal.until(shows)

    async def ask(self, keys: str, words: str) -> None:
        """Say something to Roo by the keys for it."""
        await self.keys(keys, '""')
        await self.type(words, f'"{words}"')
        await self.terminal.press("Enter")

    async def escape(self, what: str) -> str:
        """Leave what shows these words; the screen without it, when a next key is one by itself."""
        await self.terminal.until(what)
        await self.terminal.press("Escape")
        return await self.terminal.until(lambda text: what not in text)

    async def pick(self, item: str, *, first: str) -> None:
        """Pick an item of the open menu, whose first one the mark is on."""
        shown = await self.terminal.until(lambda text: first in text and item in text)
        rows = shown.splitlines()
        top, wanted = (next(n for n, row in enumerate(rows) if it in row) for it in (first, item))
        await self.terminal.press(*["Down"] * (wanted - top), "Enter")

    async def go(self, keys: str, line: int) -> str:
        """Type keys that move the cursor; the screen once it is in that line."""
        await self.terminal.press(*keys)
        return await self.terminal.until(lambda text: f" {line}:" in _status_line(text))

    async def bottom(self, shows: str) -> str:
        """Go to the end of a text that still grows, again whenever it did, until these words show."""
        async with asyncio.timeout(PATIENCE):
            while True:
                self.terminal.drawn.clear()
                await self.terminal.press("g", "e")
                if shows in (shown := await self.terminal.screen()):
                    return shown
                await self.terminal.drawn.wait()

    async def ready(self) -> None:
        """Returns when Helix has Roo, which it tells its log and nobody else."""
        said = re.compile(r'roo -> \{"jsonrpc":"2.0","method":"initialized"')
        async with asyncio.timeout(PATIENCE):
            while not (self.log.exists() and said.search(self.log.read_text("utf-8"))):  # noqa: ASYNC110 -- a file does not tell that it grew
                await asyncio.sleep(0.02)

    async def quit(self) -> None:
        """Leave Helix, whatever is not saved."""
        await self.terminal.type(":quit-all!\n")
        await self.terminal.closed()

    async def picture(self, name: str) -> None:
        """Keep what is on the screen for the README, if pictures are wanted."""
        if os.environ.get("ROO_PICTURES"):
            shown = SPINNER.sub("⣾", await self.terminal.screen())
            shown = TASK_ID.sub("20261125-103054-f979d3", shown)
            shown = PERMISSION.sub(lambda it: "perm_0a1b2c3d4e5f6a7b"[: len(it[0])], shown)
            keep(name, shown.replace(str(self.folder.parent), HOME))


def keep(name: str, shown: str) -> None:
    """Put a picture into its file, and into the README where it names the file."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.txt").write_text(shown, "utf-8")
    text = README.read_text("utf-8")
    start, behind = text.split(f"<!-- {name}.txt -->\n```text\n")
    _, end = re.split(r"^```\n", behind, maxsplit=1, flags=re.MULTILINE)
    README.write_text(f"{start}{block(name, shown)}{end}", "utf-8")


def block(name: str, shown: str) -> str:
    """A picture as the README has it; rows that show nothing are left out at the end."""
    return f"<!-- {name}.txt -->\n```text\n{shown.rstrip()}\n```\n"


def _status_line(screen: str) -> str:
    return screen.splitlines()[-2]


def environment(version: str, home: Path) -> dict[str, str]:
    """What one Helix and its roo-lsp are started with: folders of their own, and a short PATH."""
    helix = need(EDITORS / f"helix-{version}", "run tests/editors/parts/helix")
    programs = home / "bin"
    if not programs.exists():
        programs.mkdir(parents=True)
        (programs / "hx").symlink_to(helix / "bin" / "hx")
        (programs / "roo-lsp").symlink_to(BIN / "roo-lsp")
    return {
        "PATH": f"{programs}:/usr/bin:/bin",
        "HELIX_RUNTIME": str(helix / "usr/lib/hx/runtime"),
        "ROO_STATE_DIR": str(home / "roo-state"),
        "ROO_CONFIG_DIR": str(home / "roo-config"),
        **{f"XDG_{name.upper()}_HOME": str(home / name) for name in ("config", "cache", "data")},
    }


async def set_up(variables: Mapping[str, str]) -> str:
    """Have `roo-lsp editor helix --write` write Helix's files; what it says."""
    process = await asyncio.create_subprocess_exec(
        *(BIN / "roo-lsp", "editor", "helix", "--write"),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def health(variables: Mapping[str, str], language: str) -> str:
    """What Helix says of a language with its configuration."""
    process = await asyncio.create_subprocess_exec(
        *(shutil.which("hx", path=variables["PATH"]) or "hx", "--health", language),
        env=dict(variables),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return out.decode()


@asynccontextmanager
async def helix(version: str, file: Path, home: Path, endpoint: str) -> AsyncGenerator[Helix]:
    """That Helix with a file of a project open, and Roo at it.

    Args:
        version: one of `VERSIONS`.
        file: what it opens; its folder is the project.
        home: a folder for all that Helix and Roo keep.
        endpoint: the address of the model.
    """
    variables = environment(version, home)
    await set_up(variables)
    variables |= {"ROO_BASE_URL": endpoint, "ROO_MODEL": "scripted"}
    log = home / "helix.log"
    command = [home / "bin" / "hx", "-v", "--log", log, file.name]
    async with terminal(command, folder=file.parent, environment=variables) as screen:
        editor = Helix(screen, file.parent, log)
        await editor.until("NOR")
        await editor.ready()
        yield editor
        await editor.quit()
