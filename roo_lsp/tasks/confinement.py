"""What commands run in: the sandbox that the settings want and this machine has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roo_lsp.settings import Settings
from roo_lsp.workspace.commands import BASH, ShellOptions, limit_numbers
from roo_lsp.workspace.sandbox.base import Sandbox
from roo_lsp.workspace.sandbox.find import Sandboxes


@dataclass(slots=True)
class Confinement:
    """The one of all tasks of a front end."""

    folders: Sequence[Path]
    settings: Callable[[], Settings]
    sandbox: Sandbox = field(init=False)
    """As the settings were at the last look; there is none before the first."""
    _sandboxes: Sandboxes = field(default_factory=Sandboxes)

    async def look(self) -> None:
        """The settings have come, or changed; no task may be run before the first look."""
        commands = self.settings().commands
        self.sandbox = await self._sandboxes.find(
            self.folders, commands.sandbox, network=commands.network, visible=commands.visible
        )

    def shell_options(self) -> ShellOptions:
        """How a command runs now."""
        commands = self.settings().commands
        return ShellOptions(
            timeout=commands.timeout,
            env=commands.env,
            shell=Path(commands.shell) if commands.shell else BASH,
            sandbox=self.sandbox,
            limits=limit_numbers(
                commands.limits.processes, commands.limits.memory, commands.limits.file_size
            ),
            required=commands.sandbox == "required",
        )
