"""A real VS Code (code-server) in headless Chromium with the packaged extension, and a person in it.

Nothing here sleeps: a test waits for what the person sees, in the page itself (`vscode.js`).
"""

import asyncio
import itertools
import json
import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.editors.available import EDITORS, need

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
PARTS = Path(__file__).with_name("parts") / "vscode"
DRIVER = Path(__file__).with_name("vscode.js")
VERSION = re.findall(r"^VERSION=(.+)$", PARTS.read_text("utf-8"), re.MULTILINE)[0]
FOLDER = EDITORS / f"vscode-{VERSION}"
CODE_SERVER = FOLDER / "node_modules" / "code-server" / "out" / "node" / "entry.js"
AXE = EXTENSION / "node_modules" / "axe-core" / "axe.min.js"
ROO = Path(sys.executable).with_name("roo-lsp")
PATIENCE = 60.0
"""Seconds that anything may take: two cores, and other editors beside this one."""

QUIET: Mapping[str, Any] = {
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    # Roo's view may take the focus late, for what was done just before.
    "workbench.quickOpen.closeOnFocusLost": False,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "chat.disableAIFeatures": True,
    "extensions.autoCheckUpdates": False,
    "extensions.ignoreRecommendations": True,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "git.enabled": False,
    "files.autoSave": "off",
    "editor.minimap.enabled": False,
    "typescript.disableAutomaticTypeAcquisition": True,
}


def needed() -> None:
    """Skips, or in CI fails, where there is no VS Code."""
    how = f"run {PARTS.relative_to(Path(__file__).parents[2])}"
    need(FOLDER / "complete", how)
    need(EXTENSION / "node_modules" / "complete", how)


def environment(folder: Path | None = None) -> dict[str, str]:
    """The environment of a person's VS Code, and below `folder` what it and roo-lsp write."""
    path = os.pathsep.join([str(FOLDER / "bin"), os.environ.get("PATH", "")])
    gallery = dict.fromkeys(("serviceUrl", "itemUrl", "resourceUrlTemplate"), "http://127.0.0.1:9/")
    own = {
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "share",
        "XDG_CACHE_HOME": "cache",
        "ROO_STATE_DIR": "roo-state",
        "ROO_CONFIG_DIR": "roo-config",
    }
    places = {name: str(folder / each) for name, each in own.items()} if folder else {}
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "ROO_"))}
    return {**clean, **places, "PATH": path, "EXTENSIONS_GALLERY": json.dumps(gallery)}


async def run(*command: str | Path, cwd: Path | None = None, given: str = "") -> str:
    """What a program prints that reads `given`.

    Raises:
        AssertionError: it failed; says what it printed.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(PATIENCE * 2):
        printed, _ = await process.communicate(given.encode())
    assert process.returncode == 0, f"{command[0]}: {printed.decode()[-3000:]}"
    return printed.decode()


async def packaged(folder: Path) -> Path:
    """A folder of extensions with ours in it, built and packaged as a user would."""
    vsix, extensions = folder / "roo-lsp.vsix", folder / "extensions"
    await run("npm", "run", "--silent", "package", "--", "--out", vsix, cwd=EXTENSION)
    install = ("--extensions-dir", extensions, "--user-data-dir", folder / "installing")
    await run(*_code_server(folder), *install, "--install-extension", vsix)
    return extensions


def _code_server(folder: Path) -> tuple[str | Path, ...]:
    return (FOLDER / "bin" / "node", CODE_SERVER, "--config", folder / "code-server.yaml")


@dataclass
class VSCode:
    """The editor in its page, driven as a person drives it."""

    process: asyncio.subprocess.Process
    log: Path
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def do(self, code: str, **given: Any) -> Any:
        """What Playwright's code returns; it knows `page`, `view` (Roo's view) and `given`."""
        number = next(self._ids)
        assert self.process.stdin is not None
        line = json.dumps({"id": number, "code": code, "given": given})
        self.process.stdin.write(line.encode() + b"\n")
        return await self.answer(number)

    async def answer(self, number: int) -> Any:
        """The driver's answer of that number."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE * 2):
            line = await self.process.stdout.readline()
        assert line, f"the browser ended:\n{self.log.read_text('utf-8')[-3000:]}"
        answer = json.loads(line)
        assert answer["id"] == number, answer
        if "error" in answer:
            with suppress(AssertionError, TimeoutError, OSError):
                await self.picture(self.log.with_suffix(".png"))
            raise AssertionError(f"{answer['error']}\nSee {self.log.with_suffix('.png')}")
        return answer.get("result")

    async def command(self, title: str) -> None:
        """Run a command by its title in the command palette, which is closed when this returns."""
        await self.do(
            """
            // A box that closes just now looks like the palette, but for what is in it.
            const palette = () => {
              const widget = document.querySelector('.quick-input-widget');
              const shown = widget && widget.offsetParent !== null;
              return shown && widget.querySelector('input.input').value.startsWith('>');
            };
            await page.keyboard.press('F1');
            await page.waitForFunction(palette);
            await page.locator('.quick-input-widget input.input').fill('>' + given.title);
            const exactly = new RegExp('^' + given.title.replace(/[.…]/g, '.') + '$');
            await page.locator('.quick-input-list .monaco-list-row').filter({
              has: page.locator('.monaco-icon-label-container', {hasText: exactly}),
            }).first().click();
            await page.waitForFunction(`!(${palette})()`);
            """,
            title=title,
        )

    async def answer_box(self, prompt: str, text: str) -> None:
        """Answer the input box with this prompt when it comes; it is gone when this returns."""
        await self.do(
            """
            const widget = page.locator('.quick-input-widget', {
              has: page.locator('.quick-input-message', {hasText: given.prompt}),
            });
            await widget.waitFor();
            await widget.locator('input.input').fill(given.text);
            await widget.locator('input.input').press('Enter');
            await widget.waitFor({state: 'hidden'});
            """,
            prompt=prompt,
            text=text,
        )

    async def pick(self, label: str) -> None:
        """Pick a line of the list that is asked with when it comes."""
        await self.do(
            """
            await page.locator('.quick-input-list .monaco-list-row', {hasText: given.label})
              .first().click();
            """,
            label=label,
        )

    async def open(self, name: str) -> None:
        """Open a file of the workspace in the editor, by Go to File."""
        await self.do(
            """
            await page.keyboard.press('Control+P');
            await page.locator('.quick-input-widget input.input').fill(given.name);
            await page.locator('.quick-input-list .monaco-list-row',
              {hasText: given.name}).first().click();
            await page.locator('.tab.active', {hasText: given.name}).waitFor();
            """,
            name=name,
        )

    async def text(self, selector: str) -> str:
        """The text of something in Roo's view, once it is there."""
        return await self.do("return await view.locator(given.it).first().innerText()", it=selector)

    async def count(self, selector: str) -> int:
        """How many of something Roo's view shows now."""
        return await self.do("return await view.locator(given.it).count()", it=selector)

    async def draft(self) -> str:
        """What stands where one writes."""
        return await self.do("return await view.locator('textarea').inputValue()")

    async def reload(self) -> None:
        """Load the window anew, by its own command."""
        await self.do(
            """
            await page.keyboard.press('F1');
            await page.locator('.quick-input-widget input.input').fill('>' + given.title);
            const loaded = page.waitForEvent('load');
            await page.locator('.quick-input-list .monaco-list-row', {hasText: given.title}).click();
            await loaded;
            await page.locator('.part.statusbar [id="roo-lsp.roo-lsp.rooLsp.status"]').waitFor();
            await view.locator('.composer:not(.off)').waitFor();
            """,
            title="Developer: Reload Window",
        )

    async def sees(self, selector: str, text: str = "") -> None:
        """Wait until Roo's view shows this."""
        await self.do(
            """
            const found = view.locator(given.it, given.text ? {hasText: given.text} : {});
            await found.first().waitFor();
            """,
            it=selector,
            text=text,
        )

    async def click(self, selector: str, text: str = "") -> None:
        """Click something in Roo's view."""
        await self.do(
            "await view.locator(given.it, given.text ? {hasText: given.text} : {}).first().click()",
            it=selector,
            text=text,
        )

    async def press(self, label: str) -> None:
        """Press a button of Roo's view by its name, as a screen reader says it."""
        await self.do(
            "await view.getByRole('button', {name: given.it, exact: true}).first().click()",
            it=label,
        )

    async def write(self, text: str) -> None:
        """Write into Roo's view and send it."""
        await self.do(
            """
            const box = view.locator('textarea');
            await box.fill(given.text);
            await box.press('Enter');
            """,
            text=text,
        )

    async def show(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Tell Roo's view these things, as the extension would; they are drawn when this returns."""
        await self.do(
            """
            await view.locator('html').evaluate(async (_, messages) => {
              for (const data of messages) window.dispatchEvent(new MessageEvent('message', {data}));
              for (let frames = 0; frames < 6; frames++) await new Promise(requestAnimationFrame);
            }, given.messages);
            """,
            messages=messages,
        )

    async def violations(self, *rules: str) -> list[str]:
        """What axe-core finds wrong with Roo's view as it is, by these rules or by all."""
        return await self.do(
            """
            const frame = await (await view.locator('html').elementHandle()).ownerFrame();
            if (!(await frame.evaluate('typeof axe !== "undefined"'))) await frame.evaluate(given.axe);
            return await frame.evaluate(async (rules) => {
              const only = rules.length > 0 ? { runOnly: rules } : {};
              const { violations } = await axe.run(document, { resultTypes: ['violations'], ...only });
              return violations.map((each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`);
            }, given.rules);
            """,
            rules=rules,
            axe=AXE.read_text("utf-8"),
        )

    async def keys(self, *names: str) -> None:
        """Press keys, one after the other, wherever the focus is."""
        for name in names:
            await self.do("await page.keyboard.press(given.name)", name=name)

    async def size(self, width: int, height: int) -> None:
        """Another size of the window; half of it is what 200 % of zoom leave."""
        await self.do(
            "await page.setViewportSize({width: given.width, height: given.height})",
            width=width,
            height=height,
        )

    async def ready(self) -> None:
        """Show Roo's view and wait until the server is ready for a task."""
        await self.command("Roo: Show the View")
        await self.do("await view.locator('.composer:not(.off)').waitFor()")

    async def picture(self, file: Path) -> None:
        """A picture of the window."""
        file.parent.mkdir(parents=True, exist_ok=True)
        await self.do("await page.screenshot({path: given.file})", file=str(file))


@asynccontextmanager
async def vscode(
    workspace: Path, extensions: Path, settings: Mapping[str, Any], *, light: bool = False
) -> AsyncGenerator[VSCode]:
    """VS Code on a folder, or a workspace file, with these user settings; all of it gone afterwards."""
    home = workspace.parent / "vscode"
    chosen = {**QUIET, "roo.server.path": str(_logging(home)), **settings}
    for kind in ("User", "Machine"):
        file = home / "data" / kind / "settings.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(chosen), "utf-8")
    log = home / "log.txt"
    with log.open("wb") as out:
        server = await asyncio.create_subprocess_exec(
            *_code_server(home),
            *("--auth", "none", "--bind-addr", "127.0.0.1:0"),
            *("--user-data-dir", home / "data", "--extensions-dir", extensions),
            *("--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"),
            "--disable-getting-started-override",
            env=environment(home),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=out,
        )
        try:
            address = await _address(server)
            # What else it prints is read away: a full pipe would hold it up.
            async with (
                _drained(server),
                _browser(f"{address}?{kind_of(workspace)}={workspace}", log, light=light) as editor,
            ):
                yield editor
        finally:
            await _ended(server)


def kind_of(workspace: Path) -> str:
    return "workspace" if workspace.suffix == ".code-workspace" else "folder"


def _logging(home: Path) -> Path:
    """The server, with a log to look into when a test fails."""
    home.mkdir()
    script = home / "roo-lsp"
    start = f"exec {ROO} serve --log-file {home / 'roo-lsp.log'}"
    script.write_text(f"#!/bin/sh\necho $$ >{home / 'roo-lsp.pid'}\n{start}\n", "utf-8")
    script.chmod(0o755)
    return script


async def _address(server: asyncio.subprocess.Process) -> str:
    """Where code-server listens, as it says itself."""
    assert server.stdout is not None
    async with asyncio.timeout(PATIENCE):
        async for line in server.stdout:
            if found := re.search(rb"listening on (http://127\.0\.0\.1:\d+/)", line):
                return found[1].decode()
    raise AssertionError("code-server did not start")


@asynccontextmanager
async def _drained(server: asyncio.subprocess.Process) -> AsyncGenerator[None]:
    assert server.stdout is not None
    reading = asyncio.ensure_future(server.stdout.read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


@asynccontextmanager
async def _browser(url: str, log: Path, *, light: bool) -> AsyncGenerator[VSCode]:
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            FOLDER / "bin" / "node",
            DRIVER,
            FOLDER / "node_modules" / "playwright-core",
            url,
            "light" if light else "dark",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=out,
            limit=2**24,
        )
    editor = VSCode(process, log)
    try:
        await editor.answer(0)
        yield editor
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await _ended(process, politely=True)


async def _ended(process: asyncio.subprocess.Process, *, politely: bool = False) -> None:
    if not politely and process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
