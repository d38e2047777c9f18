"""One window of a real VS Code for all tests of a file, and what they do in it."""

import json
import os
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.editors.vscode import EXTENSION, VSCode, needed, packaged, vscode
from tests.support.fake_openai import FakeOpenAI

PICTURES = EXTENSION / "pictures" if os.environ.get("ROO_PICTURES") else None

APP = """\
def greet(name):
    return 'hello'


def shout(text):
    return text


print(greet('you'))
"""
LIBRARY = "export function area(width, height) {\n  return width * height;\n}\n"
USE = "import { area } from './area.js';\n\nexport const total = () => area(2, 3);\n"


@dataclass(frozen=True)
class Window:
    """One window for all tests: starting it is what takes the time."""

    editor: VSCode
    fake: FakeOpenAI
    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder.parent / "vscode" / "data" / "Machine" / "settings.json"

    def configure(self, **values: object) -> None:
        """Change the user's settings, as by hand: VS Code sees the files change."""
        for kind in ("Machine", "User"):
            file = self.settings.parents[1] / kind / "settings.json"
            file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | values), "utf-8")

    def kill_server(self) -> None:
        """End the language server as a crash would."""
        os.kill(int((self.settings.parents[2] / "roo-lsp.pid").read_text("utf-8")), signal.SIGKILL)

    async def task(self, words: str) -> None:
        """Start a task from the command palette."""
        await self.editor.command("Roo: Start Task…")
        await self.editor.answer_box("What should Roo do?", words)

    def results(self) -> list[str]:
        """What the tools returned, as the model was last told."""
        messages = self.fake.chats[-1].json["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"]

    async def picture(self, name: str) -> None:
        if PICTURES is not None:
            await self.editor.picture(PICTURES / f"{name}.png")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened_window(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Window]:
    needed()
    home = tmp_path_factory.mktemp("vscode")
    folder = home / "shop"
    (folder / ".git").mkdir(parents=True)
    for name, content in (("app.py", APP), ("area.js", LIBRARY), ("use.js", USE)):
        (folder / name).write_text(content, "utf-8")
    (folder / "jsconfig.json").write_text('{"compilerOptions": {"module": "esnext"}}', "utf-8")
    extensions = await packaged(home)
    async with FakeOpenAI() as fake:
        settings = {
            "roo.provider.baseUrl": fake.base_url,
            "roo.provider.modelId": "scripted",
            "roo.model.supportsImages": True,
            "workbench.colorTheme": "Default Dark Modern",
        }
        async with vscode(folder, extensions, settings) as editor:
            await editor.ready()
            yield Window(editor, fake, folder)


@pytest_asyncio.fixture(loop_scope="module")
async def window(opened_window: Window) -> AsyncGenerator[Window]:
    """The window, whose model says what the test scripts, and all of it."""
    opened_window.fake.forget()  # what a test that failed has left does not fail the next one
    yield opened_window
    assert opened_window.fake.unused == 0


# --- what a person does and sees ---


async def widen(editor: VSCode) -> None:
    """Give the side bar a little more room, with the mouse."""
    await editor.do(
        """
        const side = await page.locator('.part.sidebar').boundingBox();
        await page.mouse.move(side.x + side.width + 1, 400);
        await page.mouse.down();
        await page.mouse.move(side.x + side.width + 90, 400, {steps: 4});
        await page.mouse.up();
        await page.mouse.move(700, 600);
        """
    )


async def status(editor: VSCode, words: str) -> None:
    """Wait until the status bar says this of Roo."""
    await editor.do(
        "await page.locator(given.item, {hasText: given.words}).waitFor()",
        item='[id="roo-lsp.roo-lsp.rooLsp.status"]',
        words=words,
    )


async def tab(editor: VSCode, title: str) -> None:
    await editor.do("await page.locator('.tab.active', {hasText: given.it}).waitFor()", it=title)


async def lines(editor: VSCode, words: str) -> None:
    """Wait until the editor shows a line with these words."""
    await editor.do(
        "await page.locator('.editor-instance .view-line', {hasText: given.it}).first().waitFor()",
        it=words,
    )


async def lens(editor: VSCode, title: str, count: int) -> None:
    """Wait until there are so many lenses of a title."""
    await editor.do(
        """
        await page.waitForFunction(([title, count]) =>
          [...document.querySelectorAll('.codelens-decoration a')]
            .filter((each) => each.textContent.startsWith(title)).length === count,
          [given.title, given.count]);
        """,
        title=title,
        count=count,
    )
