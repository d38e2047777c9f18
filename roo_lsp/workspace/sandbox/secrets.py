"""What no command has to see: keys, tokens, histories, and the sockets of agents and daemons."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

IN_HOME = (
    # keys and tokens of tools
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".config/gcloud",
    ".config/gh",
    ".config/hub",
    ".config/glab-cli",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".config/git/credentials",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".oci",
    ".vault-token",
    ".terraform.d/credentials.tfrc.json",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".m2/settings-security.xml",
    ".cache/huggingface/token",
    # key stores and browsers
    ".password-store",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".1password",
    ".mozilla",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    "Library/Keychains",
    "Library/Cookies",
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Firefox",
    # whoever can talk to these is root, or on the cluster
    ".docker",
    ".kube",
    ".colima",
    ".lima",
    ".orbstack",
    ".local/share/containers",
    # other agents
    ".claude.json",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".gemini/oauth_creds.json",
    ".local/share/opencode/auth.json",
    # what was typed
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    ".node_repl_history",
    ".local/share/fish/fish_history",
)
ON_SYSTEM = ("/etc/shadow", "/etc/gshadow", "/etc/ssl/private")
SOCKETS = ("SSH_AUTH_SOCK", "DOCKER_HOST", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS")
"""Variables of the server that name a socket."""


if sys.platform == "win32":

    def _account_home() -> str:
        return ""

else:
    import pwd

    def _account_home() -> str:
        try:
            return pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:  # a user without an entry, as in some containers
            return ""


def homes(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The user's home as the environment names it and as the system does, links followed."""
    names = (environ.get("HOME", ""), _account_home())
    return tuple(dict.fromkeys(real(name) for name in names if name.startswith("/")))


def secret_paths(environ: Mapping[str, str]) -> list[Path]:
    """The secrets that exist and can be read, links followed, none below another."""
    found = {real(path) for path in _candidates(environ) if os.access(path, os.R_OK)}
    return sorted(each for each in found if not found & set(each.parents))


def real(path: str | Path) -> Path:
    """The path with its links followed, as far as it exists."""
    return Path(os.path.realpath(path))


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from map(Path, ON_SYSTEM)
    for home in homes(environ):
        yield from (home / name for name in IN_HOME)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    for variable in SOCKETS:
        _, _, path = environ.get(variable, "").partition("/")
        if path:
            yield Path("/", path.partition(",")[0].partition(":")[0].lstrip("/"))
