"""`roo-lsp trust`: what is trusted; with DIR, trusts what that workspace brings along; `--revoke`
takes it back.

Settings that come over an editor and would widen what Roo may do, and files of the repository that
instruct it, are not used until they are trusted, in the editor or here. Works without a terminal.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from roo_lsp.cli.drawing import escaped
from roo_lsp.cli.options import BadUsage, Parser
from roo_lsp.tasks.slash import COMMANDS
from roo_lsp.workspace.brought import instruction_files
from roo_lsp.workspace.trust import TrustStore, digest_of, too_wide
from roo_lsp.workspace.user_folders import state_dir


def main(arguments: Sequence[str]) -> int:
    """Print what is trusted, trust what waits in a folder, or trust it no more."""
    parser = Parser(prog="roo-lsp trust", description=__doc__)
    parser.add_argument(
        "directory", nargs="?", metavar="DIR", help="trust this workspace as it is now"
    )
    parser.add_argument(
        "--revoke", action="store_true", help="trust this workspace no more (default: here)"
    )
    given = parser.parse_args(arguments)
    folder = Path(given.directory or ".").expanduser()
    if given.directory and not folder.is_dir() and not given.revoke:
        raise BadUsage(f"{folder} is not a folder")
    store = TrustStore(state_dir() / "trust.json")
    console = Console(highlight=False)
    if given.revoke:
        revoked = store.revoke(folder)
        words = "is not trusted any more" if revoked else "was not trusted"
        console.print(Text(f"{escaped(str(folder.resolve()))} {words}."), soft_wrap=True)
        return 0
    if given.directory:
        if wide := too_wide(folder):
            raise BadUsage(f"{folder} is {wide}, which is never trusted; name a project's folder")
        return _trust(console, store, folder)
    _print(console, store)
    return 0


def _trust(console: Console, store: TrustStore, folder: Path) -> int:
    """Trust the workspace with the settings that wait and the files that are there now."""
    name = escaped(str(folder.resolve()))
    folders, settings = store.waiting(folder)
    items = [*settings, *instruction_files(folders, COMMANDS)]
    if not digest_of(items):
        console.print(Text(f"{name} is not trusted: {items[-1].line}."), soft_wrap=True)
        return 1
    known = store.answer(folder, items) == "trusted"
    if not items:
        words = "nothing to trust: no settings wait, and no files instruct Roo"
        console.print(Text(f"{name}: {words}."), soft_wrap=True)
    else:
        if not known:
            store.trust(folder, items)
        words = "is trusted already, with" if known else "is trusted from now on, with"
        console.print(Text(f"{name} {words}:"), soft_wrap=True)
        for item in items:
            console.print(Text(f"  {escaped(item.line)}"), soft_wrap=True)
    return 0


def _print(console: Console, store: TrustStore) -> None:
    origins, workspaces = store.listed()
    console.print(Text("Workspaces that are trusted, with what they had then:", "bold"))
    for name, items in sorted(workspaces.items()):
        console.print(Text(f"  {escaped(name)}"), soft_wrap=True)
        for item in items:
            console.print(Text(f"    {escaped(item)}"), soft_wrap=True)
    if not workspaces:
        console.print("  none")
    console.print(Text("Places that a key may go to:", "bold"))
    console.print("  https://api.openai.com  (OPENAI_API_KEY)", soft_wrap=True)
    for origin, keys in sorted(origins.items()):
        names = ", ".join(escaped(key) for key in keys)
        console.print(Text(f"  {escaped(origin)}  ({names})"), soft_wrap=True)
    console.print(Text(f"Kept in {store.file}", "dim"), soft_wrap=True)
