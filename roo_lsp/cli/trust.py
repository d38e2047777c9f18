"""`roo-lsp trust`: what is trusted; with DIR, trusts what waits there; `--revoke` takes it back.

Settings that come over an editor and would widen what Roo may do wait until they are trusted, in the
editor or here. Works without a terminal.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from roo_lsp.cli.drawing import escaped
from roo_lsp.cli.options import BadUsage, Parser
from roo_lsp.workspace.places import state_dir
from roo_lsp.workspace.trust import TrustStore


def main(arguments: Sequence[str]) -> int:
    """Print what is trusted, trust what waits in a folder, or trust it no more."""
    parser = Parser(prog="roo-lsp trust", description=__doc__)
    parser.add_argument(
        "directory", nargs="?", metavar="DIR", help="trust what waits in this workspace"
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
    if given.directory and (waiting := store.waiting(folder)) is not None:
        digest, lines = waiting
        store.trust(folder, digest)
        console.print(
            Text(f"Trusted in {escaped(str(folder.resolve()))} from now on:"), soft_wrap=True
        )
        for line in lines:
            console.print(Text(f"  {escaped(line)}"), soft_wrap=True)
        return 0
    _print(console, store, folder.resolve() if given.directory else None)
    return 0


def _print(console: Console, store: TrustStore, only: Path | None) -> None:
    trusted = store.listed()
    workspaces: dict[str, str] = trusted["workspaces"]
    if only is not None:
        digest = workspaces.get(str(only))
        words = f"trusted, as of content {digest[:12]}" if digest else "not trusted"
        console.print(Text(f"{escaped(str(only))}: {words}"), soft_wrap=True)
        return
    console.print(Text("Workspaces whose settings may widen what Roo does:", "bold"))
    for name, digest in sorted(workspaces.items()):
        console.print(Text(f"  {escaped(name)}  (content {digest[:12]})"), soft_wrap=True)
    if not workspaces:
        console.print("  none")
    console.print(Text("Places that a key may go to:", "bold"))
    console.print("  https://api.openai.com  (OPENAI_API_KEY)", soft_wrap=True)
    origins: dict[str, list[str]] = trusted["origins"]
    for origin, keys in sorted(origins.items()):
        names = ", ".join(escaped(key) for key in keys)
        console.print(Text(f"  {escaped(origin)}  ({names})"), soft_wrap=True)
    console.print(Text(f"Kept in {store.file}", "dim"), soft_wrap=True)
