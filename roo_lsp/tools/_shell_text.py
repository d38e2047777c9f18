"""What can be told of a command from its text, before it runs and after."""

import re
import shlex

_EDITORS = (
    *("vi", "vim", "nvim", "view", "vimdiff", "ex", "nano", "pico", "emacs", "emacsclient", "joe"),
    *("jed", "micro", "hx", "helix", "kak", "mcedit", "ne", "jove", "zile", "mg"),
)
_MONITORS = (
    *("htop", "btop", "bpytop", "atop", "iotop", "iftop", "nvtop", "glances", "nmon", "bashtop"),
)
_SCREENS = (
    *("tmux", "screen", "mc", "ranger", "nnn", "lf", "vifm", "tig", "lazygit", "lazydocker", "k9s"),
    *(
        "gitui",
        "ncdu",
        "fzf",
        "dialog",
        "whiptail",
        "nmtui",
        "cfdisk",
        "alsamixer",
        "zellij",
        "byobu",
    ),
)
NEED_A_TERMINAL: dict[str, str] = {
    **dict.fromkeys(_EDITORS, "Use the tools that edit files"),
    **dict.fromkeys(_MONITORS, "Use ps, free or df"),
    **dict.fromkeys(_SCREENS, "Use what it shows by other commands, without its screen"),
    "top": "Use `top -bn1` or ps",
    "watch": "Run the command once, and again later",
    "visudo": "It edits what only root should, and asks for it",
}
"""Programs that draw on a terminal and wait for keys, and what to do instead."""

_UNATTENDED: dict[str, re.Pattern[str]] = {
    "top": re.compile(r"-\w*b"),
    "tmux": re.compile(r"-d|kill-|list-|ls$|has|send|capture|-V"),
    "screen": re.compile(r"-dm|-ls|-X|-v"),
    "fzf": re.compile(r"-f|--filter"),
    "ncdu": re.compile(r"-\w*o"),
    "glances": re.compile(r"--stdout|--export|--quiet"),
    "atop": re.compile(r"-[wrP]"),
    "iotop": re.compile(r"-\w*b"),
    "iftop": re.compile(r"-t"),
    **dict.fromkeys(
        ("vi", "vim", "nvim", "view", "ex"),
        re.compile(
            r"-[eEs]+$|-es|-Es|--headless|--remote|\+?:?(?:w?q|wq|x|cq|qa|wqa|xa)(?:a|all)?!?$"
        ),
    ),
    **dict.fromkeys(
        ("emacs", "emacsclient"), re.compile(r"-?-batch|-?-script|--daemon|-?-eval|-e$|-x")
    ),
}
"""Options with which they do not."""
_ASKS_FOR_HELP = frozenset({"--version", "--help", "-h", "-version", "-help"})
_TRANSPARENT = frozenset({"sudo", "env", "command", "exec", "nohup", "time", "nice"})
_STATE = frozenset(
    {"cd", "pushd", "popd", "export", "source", ".", "alias", "unset", "ulimit", "umask"}
)
_BETWEEN = frozenset("&|;()\n")


def needs_terminal(text: str) -> str:
    """Why a command cannot run here: what in it needs a terminal, and what to do; empty if nothing."""
    for words in _commands(text):
        while words and (words[0] in _TRANSPARENT or re.match(r"\w+=", words[0])):
            words.pop(0)
        if not words:
            continue
        name, rest = words[0].rpartition("/")[2], words[1:]
        if name not in NEED_A_TERMINAL or not _ASKS_FOR_HELP.isdisjoint(rest):
            continue
        unattended = _UNATTENDED.get(name)
        if unattended is None or not any(map(unattended.match, rest)):
            return f"{name} needs a terminal, and there is none here. {NEED_A_TERMINAL[name]}."
    return ""


def held_for_nothing(text: str) -> str:
    """A sentence where a command ends by changing what ends with its shell; empty if it does not."""
    commands = _commands(text)
    if not commands or commands[-1][0] not in _STATE or text.rstrip().endswith(")"):
        return ""
    word = commands[-1][0]
    what = "give cwd" if word in {"cd", "pushd", "popd"} else "put it in front, with &&"
    return f"`{word}` held for this command only: each has a shell of its own; {what}."


def leaves_behind(text: str) -> bool:
    """True where something is started with `&`."""
    return re.search(r"(?<![&>|<])&(?![&>])", re.sub(r"'[^']*'|\"[^\"]*\"", "", text)) is not None


def _commands(text: str) -> list[list[str]]:
    """The words of each simple command, as far as they are plain; a here-document's text counts too."""
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars="&|;()\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word and _BETWEEN.issuperset(word):
                found.append([])
            else:
                found[-1].append(word)
    except ValueError:  # a quote that is not closed
        pass
    return [words for words in found if words]
