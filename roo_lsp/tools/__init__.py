"""The tools. Each module of this folder has one, as `TOOL`: adding a tool touches one file."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from roo_lsp.agent.tool import AnyTool


@cache
def all_tools() -> dict[str, AnyTool]:
    """Every tool by its name, in the order of their names."""
    tools: dict[str, AnyTool] = {}
    for module in sorted(iter_modules(__path__), key=lambda each: each.name):
        if not module.name.startswith("_"):
            tool: AnyTool = import_module(f"{__name__}.{module.name}").TOOL
            tools[tool.name] = tool
    return tools
