"""What to paste into editors that speak the Agent Client Protocol, as each one's own documentation says it.

None of them is started by our tests: `source` says where it was read, and when. README says what was run.
"""

import json
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class AcpSetup:
    """An editor that speaks ACP, and how it is told of an agent."""

    name: str
    """As `roo-lsp editor` takes it."""
    title: str
    where: str
    """The file it goes into, or what is done with it."""
    sign: str
    """What begins a comment there; empty where there are none."""
    text: Callable[[Sequence[str]], str]
    """The piece itself, given what starts the agent."""
    source: str
    """Where that was read, and when."""
    programs: tuple[str, ...] = ()
    """What it may be called on the PATH."""
    config: str = ""
    """Its configuration file, below the home folder, where one is the same for everybody."""


def acp_about(setup: AcpSetup) -> str:
    """Where the piece goes, and where that was read; as comments, where there are any."""
    about = [f"Roo in {setup.title}, over ACP: {setup.where}.", f"As said by {setup.source}."]
    sign = f"{setup.sign} " if setup.sign else ""
    return "".join(f"{sign}{line}\n" for line in about) + "\n"


def acp_named(name: str) -> AcpSetup | None:
    """The editor that goes by this name."""
    bare = name.casefold().replace(" ", "").replace(".nvim", "")
    known = {each.name: each for each in ACP_SETUPS}
    return known.get(bare) or known.get(
        {"intellij": "jetbrains", "agentshell": "agent-shell"}.get(bare, "")
    )


def acp_found() -> list[AcpSetup]:
    """Those that are on the PATH."""
    return [each for each in ACP_SETUPS if any(map(shutil.which, each.programs))]


def acp_configured(home: Path) -> list[AcpSetup]:
    """Those whose configuration file names roo-lsp; it is only looked at."""
    return [each for each in ACP_SETUPS if each.config and _mentions(home / each.config)]


def _mentions(file: Path) -> bool:
    try:
        return b"roo-lsp" in file.read_bytes()[:1_000_000]
    except OSError:
        return False


# --- the pieces -------------------------------------------------------------------------------


def _servers(kind: str) -> Callable[[Sequence[str]], str]:
    """`agent_servers`, which Zed began and JetBrains took over; `kind` is what Zed wants besides."""

    def text(command: Sequence[str]) -> str:
        entry = ({"type": kind} if kind else {}) | {
            "command": command[0],
            "args": list(command[1:]),
        }
        return json.dumps({"agent_servers": {"Roo": entry}}, indent=2, ensure_ascii=False) + "\n"

    return text


def _lua(command: Sequence[str]) -> str:
    return ", ".join(json.dumps(each, ensure_ascii=False) for each in command)


def _codecompanion(command: Sequence[str]) -> str:
    return f"""require("codecompanion").setup({{
  interactions = {{ chat = {{ adapter = "roo" }} }},
  adapters = {{
    acp = {{
      roo = function()
        return require("codecompanion.adapters").extend("goose", {{
          name = "roo",
          formatted_name = "Roo",
          commands = {{ default = {{ {_lua(command)} }} }},
        }})
      end,
    }},
  }},
}})
"""


def _avante(command: Sequence[str]) -> str:
    return f"""require("avante").setup({{
  provider = "roo",
  acp_providers = {{
    roo = {{ command = {_lua(command[:1])}, args = {{ {_lua(command[1:])} }} }},
  }},
}})
"""


def _agent_shell(command: Sequence[str]) -> str:
    words = " ".join(json.dumps(each, ensure_ascii=False) for each in command[1:])
    return f"""(require 'agent-shell)
(defun my-roo-start ()
  "Start Roo in an agent shell."
  (interactive)
  (agent-shell-start
   :config (agent-shell-make-agent-config
            :identifier 'roo
            :mode-line-name "Roo"
            :buffer-name "Roo"
            :shell-prompt "Roo> "
            :shell-prompt-regexp "Roo> "
            :client-maker (lambda (buffer)
                            (agent-shell--make-acp-client
                             :command {json.dumps(command[0], ensure_ascii=False)}
                             :command-params '({words})
                             :context-buffer buffer)))))
"""


def _toad(command: Sequence[str]) -> str:
    return f"toad acp {shlex.quote(shlex.join(command))} . --title Roo\n"


ACP_SETUPS: Sequence[AcpSetup] = (
    AcpSetup(
        "zed",
        "Zed",
        "into settings.json (`zed: open settings file`), beside what is there; then + in the agent panel",
        "//",
        _servers("custom"),
        "Zed's documentation, External Agents, read 2026-11-30",
        ("zed", "zeditor"),
        ".config/zed/settings.json",
    ),
    AcpSetup(
        "jetbrains",
        "a JetBrains IDE",
        "into ~/.jetbrains/acp.json, which *Configure ACP Agents* in the AI Chat opens",
        "",
        _servers(""),
        "JetBrains' AI Assistant Help, Agent Client Protocol, read 2026-11-30",
        config=".jetbrains/acp.json",
    ),
    AcpSetup(
        "codecompanion",
        "CodeCompanion (Neovim)",
        "into init.lua, in place of its setup",
        "--",
        _codecompanion,
        "codecompanion.nvim, doc/configuration/adapters-acp.md, read 2026-11-30",
    ),
    AcpSetup(
        "avante",
        "avante.nvim (Neovim)",
        "into init.lua, in place of its setup",
        "--",
        _avante,
        "avante.nvim's README and configurations that use acp_providers, read 2026-11-30",
    ),
    AcpSetup(
        "agent-shell",
        "agent-shell (Emacs)",
        "into init.el; then M-x my-roo-start",
        ";;",
        _agent_shell,
        "agent-shell 0.40, agent-shell-goose.el, read 2026-11-30",
    ),
    AcpSetup(
        "toad",
        "Toad (terminal)",
        "a command for your terminal, in the folder to work in",
        "#",
        _toad,
        "toad, src/toad/cli.py, read 2026-11-30",
        ("toad",),
    ),
)
