"""The command line. Each command is a module, and only that one is loaded: editors start `serve`."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

COMMANDS = {
    "serve": "the language server on stdio (what editors start; the default)",
    "acp": "the agent on stdio for editors that speak the Agent Client Protocol",
    "run": "run one task without an editor",
    "demo": "a real task on a small model that runs on this machine, without a key",
    "doctor": "test the endpoint, step by step, and look at this machine's editors",
    "editor": "what to put into an editor's configuration, made for this machine",
    "settings": "the settings' schema, and the effective ones",
    "policy": "what would be decided about a command, and why",
    "mcp": "the MCP servers that would be used here; with NAME, what one has",
    "tasks": "list, show, export, delete the stored tasks",
    "trust": "what is trusted, and how to take it back",
    "import": "take over settings, modes, MCP servers and tasks of Roo Code",
}

MODULES = {"import": "importing"}
"""Where a command's name is a word of Python's own."""

HELP = (
    "usage: roo-lsp [COMMAND] …\n\n"
    "A coding agent for every editor, as a language server.\n\n"
    + "\n".join(f"  {name:<9} {text}" for name, text in COMMANDS.items())
    + "\n\n`roo-lsp COMMAND --help` tells more. `roo-lsp --version` prints the version.\n"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    match arguments[:1]:
        case ["-h" | "--help" | "help"]:
            sys.stdout.write(HELP)
            return 0
        case ["--version" | "-V" | "version"]:
            return _version()
        case [name] if not name.startswith("-"):
            return _command(name, arguments[1:])
        case _:
            return _command("serve", arguments)


def _command(name: str, arguments: Sequence[str]) -> int:
    if name not in COMMANDS:
        sys.stderr.write(f"roo-lsp: no command {name!r}; there are: {', '.join(COMMANDS)}\n")
        return 2
    module = MODULES.get(name, name)
    command: Callable[[Sequence[str]], int] = import_module(f"roo_lsp.cli.{module}").main
    if name in {"serve", "acp"}:
        return command(arguments)
    errors = import_module("roo_lsp.agent.errors")
    usage = import_module("roo_lsp.cli.options")
    try:
        return command(arguments)
    except usage.BadUsage as error:
        sys.stderr.write(f"roo-lsp {name}: {error}\n")
        return 2
    except errors.RooError as error:
        sys.stderr.write(f"roo-lsp {name}: {error}\n")
        return 2 if error.code == "settings_invalid" else 1
    except KeyboardInterrupt:
        return 130


def _version() -> int:
    version = import_module("importlib.metadata").version("roo-lsp")
    sys.stdout.write(f"roo-lsp {version}\n")
    return 0
