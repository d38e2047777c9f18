"""What a user installs: the wheel, built from this checkout and put into an environment of its own.

`poe package` is this test with `$ROO_DIST`: it leaves what it has tried there.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.editors.vscode import environment

ROOT = Path(__file__).parents[1]
EXTENSION = "roo_lsp/cli/editors/files/roo-lsp.vsix"
NODE_MODULES = ROOT / "editors" / "vscode" / "node_modules"
UV = os.environ.get("UV") or shutil.which("uv") or ""

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not UV and "CI" not in os.environ, reason="uv is not on the PATH"),
]


def ran(*command: str | Path, **options: object) -> str:
    """What a command prints; it has to end well."""
    done = subprocess.run(
        [str(each) for each in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **options,  # pyright: ignore[reportArgumentType, reportCallIssue] -- of run
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built from: this checkout, or a copy of its files with an extension made in there."""
    complete = NODE_MODULES / "complete"  # what CI installs is the lock file's, and says so
    lock = NODE_MODULES.with_name("package-lock.json").read_bytes()
    if "ROO_DIST" in os.environ or not complete.exists() or complete.read_bytes() != lock:
        return ROOT
    folder = tmp_path_factory.mktemp("sources")
    for name in ran("git", "-C", ROOT, "ls-files", "-z").split("\0")[:-1]:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    extension = folder / "editors" / "vscode"
    (extension / "node_modules").symlink_to(NODE_MODULES)
    out = folder / EXTENSION
    ran("npm", "run", "package", "--", "--out", out, cwd=extension, env=environment())
    (extension / "node_modules").unlink()
    return folder


@pytest.fixture(scope="module")
def dist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = os.environ.get("ROO_DIST")
    folder = ROOT / kept if kept else tmp_path_factory.mktemp("dist")
    ran(UV, "build", "-q", "--out-dir", folder, sources)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("installed")
    ran(UV, "venv", "-q", "--python", sys.executable, folder / "env")
    python = folder / "env/bin/python"
    ran(UV, "pip", "install", "-q", "--python", python, wheel)
    return folder / "env/bin"


def test_the_wheel_holds_the_program_its_types_and_the_plugins_and_nothing_else(
    wheel: Path,
) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "roo_lsp/py.typed" in names
    assert "roo_lsp/cli/editors/plugins/neovim/lua/roo/init.lua" in names
    assert "roo_lsp/cli/editors/plugins/neovim/doc/tags" in names
    assert "roo_lsp/cli/editors/plugins/emacs/roo.el" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"roo_lsp"}


def test_the_source_archive_is_whole(dist: Path) -> None:
    names = {name.split("/", 1)[-1] for name in _archived(next(dist.glob("*.tar.gz")))}
    for wanted in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"):
        assert wanted in names
    assert "editors/vscode/package.json" in names


def _archived(file: Path) -> list[str]:
    return ran("tar", "-tzf", file).splitlines()


def test_what_is_installed_answers_an_editor(installed: Path, tmp_path: Path) -> None:
    text = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {"processId": None, "rootUri": tmp_path.as_uri(), "capabilities": {}},
        }
    )
    frame = f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
    done = subprocess.run([installed / "roo-lsp"], input=frame, capture_output=True, check=False)
    assert b'"name":"roo-lsp"' in done.stdout.replace(b'": "', b'":"'), done.stderr
    assert ran(installed / "roo-lsp", "--version").strip()


def test_the_plugins_that_are_named_lie_in_it(installed: Path, tmp_path: Path) -> None:
    for editor, file in (("neovim", "lua/roo/init.lua"), ("emacs", "roo.el")):
        printed = ran(installed / "roo-lsp", "editor", editor, cwd=tmp_path)
        plugin = next(installed.parent.rglob(f"plugins/{editor}"))
        assert str(plugin) in printed
        assert (plugin / file).is_file()


def test_the_extension_comes_along_where_it_was_made(
    sources: Path, installed: Path, tmp_path: Path
) -> None:
    printed = ran(installed / "roo-lsp", "editor", "vscode", cwd=tmp_path)
    if not (sources / EXTENSION).exists():
        assert "CI" not in os.environ, "CI makes it"
        assert "this roo-lsp came without" in printed
        return
    file = next(installed.parent.rglob("roo-lsp.vsix"))
    assert f"code --install-extension {file}\n" in printed
    package = json.loads(zipfile.ZipFile(file).read("extension/package.json"))
    assert package["version"] == ran(installed / "roo-lsp", "--version").split()[-1]


def test_the_extension_is_of_the_same_version(wheel: Path) -> None:
    package = json.loads((ROOT / "editors/vscode/package.json").read_text("utf-8"))
    assert wheel.name.split("-")[1] == package["version"]
