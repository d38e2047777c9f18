"""What commands see of a home folder: what tools need, what the project belongs to, and nothing else."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from roo_lsp.workspace.paths import exists, followed

NEEDED: dict[str, tuple[str, ...]] = {
    "configuration without secrets": (
        *(".gitconfig", ".config/git", ".gitignore", ".gitignore_global", ".gitattributes"),
        *(
            ".hgrc",
            ".hgignore",
            ".config/hg",
            ".config/jj",
            ".editorconfig",
            ".inputrc",
            ".terminfo",
        ),
        *(".ripgreprc", ".config/ripgrep", ".ackrc", ".agignore", ".config/fd", ".fdignore"),
        *(".clang-format", ".clang-tidy", ".config/clangd", ".rustfmt.toml", ".config/rustfmt"),
        *(
            ".pylintrc",
            ".flake8",
            ".config/flake8",
            ".config/black",
            ".config/ruff",
            ".config/mypy",
        ),
        *(".pydistutils.cfg", ".config/pycodestyle", ".config/matplotlib", ".config/fontconfig"),
        *(".prettierrc", ".eslintrc.json", ".config/nix", ".config/mise", ".tool-versions"),
        *(".default-gems", ".asdfrc", ".config/go", ".config/uv", ".config/pdm", ".config/hatch"),
        *(".config/clippy", ".config/containers/policy.json", ".config/configstore"),
    ),
    "programs": (
        *("bin", ".bin", ".local/bin", ".local/lib", ".local/opt", ".local/include", "opt"),
        *(".nix-profile", ".nix-defexpr", ".local/state/nix", ".guix-profile", ".linuxbrew"),
        *(".asdf", ".local/share/asdf", ".mise", ".local/share/mise", ".local/share/rtx", ".proto"),
        *(".aqua", ".local/share/aquaproj-aqua", ".pixi", ".devbox", ".local/share/devbox"),
    ),
    "Python": (
        *(".pyenv", ".rye", ".local/share/uv", ".cache/uv", ".cache/pip", ".local/pipx"),
        *(".local/share/pipx", ".local/share/pypoetry", ".cache/pypoetry", ".poetry", ".pdm"),
        *(".local/share/pdm", ".cache/pdm", ".local/share/hatch", ".cache/hatch", ".virtualenvs"),
        *(".local/share/virtualenvs", ".local/share/virtualenv", ".cache/pre-commit", ".conda"),
        *("miniconda3", "miniconda", "anaconda3", "anaconda", "miniforge3", "mambaforge"),
        *("micromamba", ".mamba", ".local/share/mamba", ".local/share/jupyter", "nltk_data"),
        *(".cache/huggingface", ".cache/torch", ".keras", ".cache/matplotlib", ".cache/mypy"),
    ),
    "JavaScript": (
        *(
            ".nvm",
            ".fnm",
            ".local/share/fnm",
            ".volta",
            ".n",
            "n",
            ".nodenv",
            ".npm",
            ".npm-global",
        ),
        *(".npm-packages", ".node-gyp", ".cache/node-gyp", ".cache/node", ".local/share/pnpm"),
        *(".cache/pnpm", ".pnpm-store", ".pnpm", ".yarn", ".cache/yarn", ".corepack", ".bun"),
        *(".deno", ".cache/deno", ".cache/typescript", ".cache/ms-playwright", ".cache/puppeteer"),
        *(".cache/Cypress", ".cache/electron", ".electron-gyp", ".cache/prisma"),
    ),
    "Rust, Go, C": (
        *(".cargo", ".rustup", ".cache/sccache", "go", ".go", ".gvm", ".goenv", "sdk"),
        *(
            ".cache/go-build",
            ".cache/golangci-lint",
            ".cache/ccache",
            ".ccache",
            ".conan",
            ".conan2",
        ),
        *(".vcpkg", "vcpkg", "emsdk", ".cache/bazel", ".cache/bazelisk", ".cache/zig", ".zvm"),
        *(".local/share/zig", ".cache/meson", ".platformio"),
    ),
    "JVM and Android": (
        *(".sdkman", ".jenv", ".jdks", ".java", ".m2", ".gradle", ".ivy2", ".sbt", ".coursier"),
        *(".cache/coursier", ".local/share/coursier", ".konan", ".android", "Android/Sdk"),
        *(".lein", ".clojure", ".gitlibs", ".kotlin"),
    ),
    "other languages": (
        *(".rbenv", ".rvm", ".gem", ".local/share/gem", ".bundle", ".rubies", ".nuget", ".dotnet"),
        *(".local/share/NuGet", ".composer", ".config/composer", ".cache/composer", ".ghcup"),
        *(
            ".cabal",
            ".local/state/cabal",
            ".stack",
            ".opam",
            ".elan",
            ".julia",
            ".juliaup",
            ".nimble",
        ),
        *(".choosenim", ".mix", ".hex", ".kerl", ".cache/rebar3", ".swiftpm", ".swiftly", ".dub"),
        *(".luarocks", ".R", "R", ".cpan", ".cpanm", "perl5", ".plenv", ".perlbrew", ".pub-cache"),
        *(".flutter", "flutter", "fvm", ".terraform.d", ".tfenv", ".krew", ".pulumi"),
        *(".cache/texmf", ".texlive", "texmf", ".cache/fontconfig", ".fonts", ".local/share/fonts"),
    ),
}
"""Below a home folder, by what it is for. What of it is secret is hidden all the same."""

SYSTEM = tuple(
    map(
        Path,
        (
            "/usr",
            "/bin",
            "/sbin",
            "/lib",
            "/lib64",
            "/etc",
            "/opt",
            "/dev",
            "/proc",
            "/sys",
            "/nix",
        ),
    )
)
MARKS = (".git", "pnpm-workspace.yaml", "go.work", "Cargo.toml", "package.json", "pom.xml", ".hg")
"""What the outermost folder of a project has in it."""
MAX_PROGRAMS = 2_000
"""Entries of a folder on PATH that are looked at."""


def can_be_hidden(home: Path, folders: Sequence[Path]) -> bool:
    """True for a home of a person; programs live in those of some services."""
    system = any(home.is_relative_to(each) or each.is_relative_to(home) for each in SYSTEM)
    temporary = Path("/tmp").is_relative_to(home)  # noqa: S108 -- not used
    return not (system or temporary or any(home.is_relative_to(each) for each in folders))


def seen(
    home: Path, folders: Sequence[Path], environ: Mapping[str, str], visible: Sequence[str]
) -> list[Path]:
    """The paths in a home that commands see, none below another; workspaces are not among them."""
    candidates = [
        *(home / name for names in NEEDED.values() for name in names),
        *_programs(home, environ),
        *_environments(home, folders),
        *(root for folder in folders for root in _project(home, folder)),
        *let_in(home, visible),
    ]
    found = {each for each in candidates if home in each.parents and exists(each)}
    return sorted(each for each in found if not found & set(each.parents))


def let_in(home: Path, visible: Sequence[str]) -> list[Path]:
    """The paths of `commands.visible`; `~` is the home, and what is not absolute lies in it."""
    return [
        followed(home / each.removeprefix("~").lstrip("/"))
        if not each.startswith("/")
        else followed(each)
        for each in visible
    ]


def _programs(home: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Folders on PATH, with what programs in them belong to: `~/x/bin` is of `~/x`."""
    for text in environ.get("PATH", "").split(os.pathsep):
        folder = Path(text)
        if not folder.is_absolute() or home not in folder.parents:
            continue
        yield from _root(home, folder)
        try:
            with os.scandir(folder) as entries:
                links = [
                    each.path
                    for each, _ in zip(entries, range(MAX_PROGRAMS), strict=False)
                    if each.is_symlink()
                ]
        except OSError:
            continue
        for link in links:
            target = followed(link)
            if home in target.parents:
                yield from _root(home, target.parent)


def _environments(home: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """The Pythons that virtual environments of the workspaces link to."""
    for folder in folders:
        for name in (".venv", "venv", "env"):
            program = followed(folder / name / "bin" / "python")
            if home in program.parents:
                yield from _root(home, program.parent)


def _root(home: Path, folder: Path) -> Iterator[Path]:
    """The folder of programs, and what it is a part of, unless that is much else too."""
    yield folder
    above = folder.parent
    if folder.name in {"bin", "sbin", "shims"} and above not in {home, home / ".local"}:
        yield above


def _project(home: Path, folder: Path) -> Iterator[Path]:
    """The outermost folder around a workspace that belongs to the same project."""
    above = [each for each in folder.parents if home in each.parents]
    marked = [each for each in above if any(exists(each / mark) for mark in MARKS)]
    yield from marked[-1:]
