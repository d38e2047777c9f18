"""What no command has to see: keys, tokens, histories, and the sockets of agents and daemons."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from roo_lsp.workspace.paths import followed

IN_HOME: dict[str, tuple[str, ...]] = {
    "keys and logins of tools": (
        ".ssh",
        ".gnupg",
        ".netrc",
        ".authinfo",
        ".authinfo.gpg",
        ".git-credentials",
        ".config/git/credentials",
        ".config/gh",
        ".config/hub",
        ".config/glab-cli",
        ".config/tea",
        ".subversion/auth",
        ".config/sops",
        ".config/age",
        ".vault-token",
        ".config/op",
        ".config/rclone",
        ".s3cfg",
        ".boto",
        ".lftprc",
        ".config/lftp",
        ".smbcredentials",
        ".config/filezilla",
    ),
    "clouds and clusters": (
        ".aws",
        ".azure",
        ".config/gcloud",
        ".oci",
        ".config/doctl",
        ".config/hcloud",
        ".config/linode-cli",
        ".config/scw",
        ".fly",
        ".config/heroku",
        ".config/netlify",
        ".local/share/com.vercel.cli",
        ".config/.wrangler",
        ".wrangler",
        ".pulumi/credentials.json",
        ".terraformrc",
        ".terraform.d/credentials.tfrc.json",
        ".ansible",
        ".ansible.cfg",
        ".vault_pass",
        ".chef",
        ".databrickscfg",
        ".snowsql",
        ".snowflake",
        ".dbt",
    ),
    "who can talk to these is root, or on the cluster": (
        ".docker",
        ".config/containers/auth.json",
        ".local/share/containers",
        ".kube",
        ".config/helm",
        ".config/k9s",
        ".colima",
        ".lima",
        ".orbstack",
        ".minikube",
        ".vagrant.d",
    ),
    "package registries": (
        ".npmrc",
        ".yarnrc.yml",
        ".yarnrc",
        ".config/yarn",
        ".bunfig.toml",
        ".pypirc",
        ".config/pip",
        ".pip",
        "Library/Application Support/pip",
        ".config/pypoetry",
        ".config/uv/credentials",
        ".local/share/uv/credentials",
        ".condarc",
        ".conda/.condarc",
        ".cargo/credentials",
        ".cargo/credentials.toml",
        ".gem/credentials",
        ".local/share/gem/credentials",
        ".bundle/config",
        ".composer/auth.json",
        ".config/composer/auth.json",
        ".m2/settings.xml",
        ".m2/settings-security.xml",
        ".gradle/gradle.properties",
        ".gradle/init.gradle",
        ".gradle/init.d",
        ".sbt/.credentials",
        ".ivy2/.credentials",
        ".nuget/NuGet",
        ".config/NuGet",
        ".hex/hex.config",
        ".cabal/config",
        ".cache/huggingface/token",
        ".huggingface",
        ".kaggle",
        ".config/kaggle",
        ".Renviron",
        ".curlrc",
        ".wgetrc",
    ),
    "databases": (".pgpass", ".my.cnf", ".mylogin.cnf", ".mongorc.js", ".config/pgcli", ".dbshell"),
    "key stores and wallets": (
        ".password-store",
        ".local/share/gopass",
        ".config/gopass",
        ".local/share/keyrings",
        ".local/share/kwalletd",
        ".1password",
        ".config/1Password",
        ".config/Bitwarden",
        ".config/Bitwarden CLI",
        ".config/keepassxc",
        ".keepass",
        ".lastpass",
        ".local/share/lpass",
        ".local/share/pki",
        ".pki",
        ".bitcoin",
        ".ethereum",
        ".electrum",
        ".config/solana",
        ".monero",
        ".step",
        ".yubico",
        "Library/Keychains",
        "Library/Application Support/1Password",
        "Library/Application Support/Bitwarden",
    ),
    "browsers": (
        ".mozilla",
        ".librewolf",
        ".waterfox",
        ".zen",
        ".config/google-chrome",
        ".config/google-chrome-beta",
        ".config/chromium",
        ".config/BraveSoftware",
        ".config/microsoft-edge",
        ".config/vivaldi",
        ".config/opera",
        ".local/share/qutebrowser",
        ".local/share/epiphany",
        "snap/firefox",
        "snap/chromium",
        ".var/app",
        "Library/Cookies",
        "Library/Safari",
        "Library/Application Support/Google/Chrome",
        "Library/Application Support/Firefox",
        "Library/Application Support/BraveSoftware",
        "Library/Application Support/Microsoft Edge",
        "Library/Application Support/Arc",
    ),
    "mail and messages": (
        ".thunderbird",
        ".mutt",
        ".muttrc",
        ".config/mutt",
        ".config/neomutt",
        ".config/aerc",
        ".config/himalaya",
        ".mbsyncrc",
        ".config/isyncrc",
        ".offlineimaprc",
        ".msmtprc",
        ".config/msmtp",
        ".fetchmailrc",
        ".mailrc",
        ".local/share/evolution",
        ".local/share/geary",
        "Mail",
        "Maildir",
        ".maildir",
        ".config/Signal",
        ".local/share/signal-cli",
        ".local/share/TelegramDesktop",
        ".config/Slack",
        ".config/discord",
        ".config/Element",
        ".config/Microsoft",
        ".config/teams",
        ".config/hexchat",
        ".weechat",
        ".config/weechat",
        ".irssi",
        ".purple",
        "Library/Mail",
        "Library/Messages",
        "Library/Application Support/Signal",
        "Library/Application Support/Slack",
    ),
    "other agents": (
        ".claude.json",
        ".claude",
        ".codex",
        ".gemini",
        ".config/github-copilot",
        ".copilot",
        ".local/share/opencode",
        ".config/goose",
        ".aider.conf.yml",
        ".continue",
        ".codeium",
        ".cursor",
        ".windsurf",
        ".config/openai",
        ".config/io.datasette.llm",
    ),
    "what was typed": (
        ".bash_history",
        ".zsh_history",
        ".zhistory",
        ".histfile",
        ".sh_history",
        ".ash_history",
        ".local/share/fish/fish_history",
        ".config/nushell/history.txt",
        ".local/share/atuin",
        ".python_history",
        ".node_repl_history",
        ".psql_history",
        ".mysql_history",
        ".sqlite_history",
        ".rediscli_history",
        ".irb_history",
        ".pry_history",
        ".Rhistory",
        ".lesshst",
        ".viminfo",
        ".local/state/nvim/shada",
        ".wget-hsts",
        ".recently-used",
        ".local/share/recently-used.xbel",
    ),
}
"""Below a home folder, by what is in it."""
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
    return tuple(dict.fromkeys(followed(name) for name in names if name.startswith("/")))


def secret_paths(environ: Mapping[str, str]) -> list[Path]:
    """The secrets that exist and can be read, links followed, none below another."""
    found = {followed(path) for path in _candidates(environ) if os.access(path, os.R_OK)}
    return sorted(each for each in found if not found & set(each.parents))


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from map(Path, ON_SYSTEM)
    for home in homes(environ):
        yield from (home / name for names in IN_HOME.values() for name in names)
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    for variable in SOCKETS:
        _, _, path = environ.get(variable, "").partition("/")
        if path:
            yield Path("/", path.partition(",")[0].partition(":")[0].lstrip("/"))
