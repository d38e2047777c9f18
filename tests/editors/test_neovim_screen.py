"""A whole task at a real Neovim in a real terminal: what is typed, and what is on the screen."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from tests.editors.neovim import BIN, PLUGIN, path, plugin
from tests.editors.terminal import Terminal, terminal
from tests.editors.test_neovim import pytestmark as real
from tests.editors.test_neovim import settings_for
from tests.support.fake_openai import FakeOpenAI, call, gated, reasoning, text
from tests.support.pictures import svg, words

pytestmark = [*real, pytest.mark.timeout(240)]

PICTURES = PLUGIN / "pictures"
README = PLUGIN / "README.md"
AT_THE_TOP = "2-approval"
DRAWN = PLUGIN.parent / "pictures" / "neovim.svg"
"""That picture in colours, for the first page of all."""
COLUMNS = 110
SHOP = """\
def total(items):
    result = 0
    for item in items:
        result = item.price
    return result


def discount(total):
    return total * 0.9
"""
DIFF = """\
<<<<<<< SEARCH
        result = item.price
=======
        result += item.price * item.count
>>>>>>> REPLACE

<<<<<<< SEARCH
    return total * 0.9
=======
    return round(total * 0.9, 2)
>>>>>>> REPLACE
"""
SAID = """\
`total` **overwrites** `result` instead of adding to it:

```python
result = item.price
```

I put that right, and count each item.
"""


async def picture(screen: Terminal, name: str) -> None:
    """Keep what is on the screen for the README, if pictures are wanted."""
    if os.environ.get("ROO_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        shown = await screen.screen()
        (PICTURES / f"{name}.txt").write_text(shown, "utf-8")
        text = README.read_text("utf-8")
        README.write_text(shown_in(name).sub(lambda _: embedded(name), text), "utf-8")
        if name == AT_THE_TOP:
            coloured = await screen.screen(colours=True)
            DRAWN.write_text(svg(coloured, "nvim cart.py", COLUMNS), "utf-8")


def shown_in(name: str) -> re.Pattern[str]:
    """A picture as the README has it: its name, and what is in it."""
    return re.compile(rf"\[`pictures/{name}\.txt`\]\(.*?\)\n\n```text\n.*?\n```\n", re.DOTALL)


def embedded(name: str) -> str:
    text = (PICTURES / f"{name}.txt").read_text("utf-8").rstrip("\n")
    return f"[`pictures/{name}.txt`](pictures/{name}.txt)\n\n```text\n{text}\n```\n"


def test_the_readme_shows_the_pictures_as_they_were_taken() -> None:
    text = README.read_text("utf-8")
    assert words(DRAWN) == "".join((PICTURES / f"{AT_THE_TOP}.txt").read_text("utf-8").split())
    names = [path.stem for path in PICTURES.glob("*.txt")]
    assert names
    for name in names:
        assert embedded(name) in text, "run this with ROO_PICTURES=1"


def project(tmp_path: Path, fake: FakeOpenAI, options: str = "{}") -> tuple[Path, list[str]]:
    """A project, and the command that opens a file of it in Neovim."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / "cart.py").write_text(SHOP, "utf-8")
    init = tmp_path / "init.lua"
    init.write_text(
        f"""
        {plugin(settings_for(fake), options)}
        vim.o.statusline = ' %t %m%= %{{v:lua.require("roo").statusline()}} '
        vim.o.termguicolors = true
        vim.cmd.highlight('Normal guibg=NONE')
        vim.o.ruler, vim.o.showcmd, vim.o.shortmess = false, false, vim.o.shortmess .. 'FI'
        """,
        "utf-8",
    )
    program = [str(BIN / "nvim"), "--clean", "-n", "-i", "NONE", "-u", str(init), "cart.py"]
    return folder, program


def environment(tmp_path: Path) -> dict[str, str]:
    own = {name: str(tmp_path / name) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
    return {"PATH": path(), "TERM": "xterm-256color", "HOME": str(tmp_path), **own}


async def command(screen: Terminal, line: str) -> None:
    """Type a command line and wait until it is there, so that no key goes elsewhere."""
    await screen.type(line)
    await screen.until(line)
    await screen.press("Enter")


async def test_a_task_from_the_first_key_to_the_reviewed_edit(tmp_path: Path) -> None:
    async with FakeOpenAI() as fake:
        go_on = asyncio.Event()
        fake.answers(
            reasoning("The loop assigns where it should add.")
            + text("I read it first.")
            + call("read_file", {"path": "cart.py"}),
            gated(
                text(SAID, pieces=20) + call("apply_diff", {"path": "cart.py", "diff": DIFF}),
                go_on,
                after=12,
            ),
            call("execute_command", {"command": "python3 -m py_compile cart.py"}),
            call(
                "attempt_completion", {"result": "`total` adds up now. I also round the discount."}
            ),
        )
        folder, program = project(tmp_path, fake)
        async with terminal(
            program, folder=folder, environment=environment(tmp_path), columns=COLUMNS, rows=36
        ) as screen:
            await screen.until("def discount")
            await command(screen, ":Roo fix the total")
            shown = await screen.until("overwrites")
            assert "✓ Read cart.py" in shown
            assert "▌ You" in shown
            assert "fix the total" in shown
            assert "● working" in shown
            await picture(screen, "1-streaming")

            go_on.set()
            shown = await screen.until("ga approve")
            assert "? Edit cart.py" in shown
            assert "+        result += item.price * item.count" in shown
            await picture(screen, "2-approval")
            await screen.press("C-w", "l", "C-w", "k", "g", "a")
            await screen.until("Roo 1/2 · grk keep · grv revert")
            await screen.until("? Run python3 -m py_compile cart.py")
            assert (folder / "cart.py").read_text("utf-8") == SHOP
            await screen.press("g", "a")
            shown = await screen.until("✓ Done in")
            assert "✓ Run python3 -m py_compile cart.py" in shown
            assert "│total adds up now." in shown, "Markdown is drawn as such"
            assert "round" in (folder / "cart.py").read_text("utf-8"), "saved for the command"
            await picture(screen, "3-review")

            await screen.press("C-w", "h")
            await screen.type("gg]rgrk")
            await screen.until("Roo 1/1 · grk keep · grv revert")
            await screen.type("]rgrv")
            await screen.until(lambda shown: "\ndef discount(total):" in shown)
            await screen.until("You took back a change of cart.py")
            await command(screen, ":write")
            await screen.until("written")
            await picture(screen, "4-reviewed")
            saved = SHOP.replace("result = item.price", "result += item.price * item.count")
            assert (folder / "cart.py").read_text("utf-8") == saved
            await command(screen, ":qall")
            await screen.closed()
        assert fake.unused == 0


async def test_what_waits_floats_beside_an_80_column_file_and_the_keys_stay_the_users(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake:
        fake.answers(call("execute_command", {"command": "make test"}), text("As you like."))
        folder, program = project(tmp_path, fake, "{ chat = { open_on_start = false } }")
        async with terminal(program, folder=folder, environment=environment(tmp_path)) as screen:
            await screen.until("def discount")
            await command(screen, ":Roo run the tests")
            shown = await screen.until(":Roo details")
            assert "? Run make test" in shown
            await screen.type("Otyped on")
            await screen.until("typed on")
            await picture(screen, "5-float")
            await screen.press("Escape")
            await screen.until(lambda shown: "INSERT" not in shown)
            await command(screen, ":Roo deny not now")
            await screen.until(lambda shown: "? Run make test" not in shown)
            await command(screen, ":Roo")
            shown = await screen.until("✓ Done in")
            assert "✗ Run make test   denied" in shown
            assert "│As you like." in shown
            await picture(screen, "6-narrow")
