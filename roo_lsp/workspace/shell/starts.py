"""What one simple command starts besides itself: wrappers, shells, and text that is run. Data first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from roo_lsp.workspace.shell.harmless import sed
from roo_lsp.workspace.shell.language import Simple, Word, names

SHELLS = names("bash sh dash zsh ksh mksh fish ash csh tcsh rbash")
INTERPRETERS = names("""python python2 python3 pypy pypy3 node nodejs deno bun perl ruby php lua luajit tclsh expect
    awk gawk mawk nawk rscript osascript pwsh powershell cmd vim vi nvim ex emacs ed gdb""")
GIT_VALUES = names(
    "-c -C --git-dir --work-tree --namespace --exec-path --config-env --super-prefix --attr-source"
)
"""git's options before the subcommand that take the next word."""

ARITHMETIC = names(
    """let read declare typeset local export readonly unset test [ printf mapfile readarray wait
    getopts"""
)
"""Builtins that read the subscript in a quoted `a[…]`, and run the substitutions in it."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """How to find the command among the arguments of a program that starts it."""

    values: frozenset[str] = frozenset()
    """Options whose value is the next word."""
    operands: int = 0
    """Words before the command."""
    assignments: bool = False
    anywhere: bool = False
    """Any word may be its first."""
    texts: frozenset[str] = frozenset()
    """Options whose value a shell reads."""
    joined: bool = False
    """A shell reads the words joined by blanks."""
    after: frozenset[str] = frozenset()
    """Only with one of these subcommands."""


def _wrapper(
    values: str = "",
    operands: int = 0,
    *,
    texts: str = "",
    after: str = "",
    assignments: bool = False,
    anywhere: bool = False,
    joined: bool = False,
) -> Wrapper:
    return Wrapper(
        frozenset(values.split()),
        operands,
        assignments,
        anywhere,
        frozenset(texts.split()),
        joined,
        frozenset(after.split()),
    )


_RUNS = _wrapper(after="exec run x dlx run-script tool exec-env", anywhere=True)
_CONTAINER = _wrapper(after="exec run compose create start", anywhere=True)
_ANYWHERE = _wrapper(anywhere=True)
WRAPPERS = MappingProxyType(
    {
        "env": _wrapper(
            "-u --unset -C --chdir -a --argv0", assignments=True, texts="-S --split-string"
        ),
        "sudo": _wrapper(
            "-u -g -h -p -C -D -R -T -r -t -U --user --group --host --prompt --chdir "
            "--chroot --role --type --close-from --command-timeout --other-user",
            assignments=True,
        ),
        "doas": _wrapper("-u -C"),
        "timeout": _wrapper("-k -s --kill-after --signal", 1),
        "gtimeout": _wrapper("-k -s --kill-after --signal", 1),
        "nice": _wrapper("-n --adjustment"),
        "nohup": _wrapper(),
        "setsid": _wrapper(),
        "time": _wrapper("-f -o --format --output"),
        "stdbuf": _wrapper("-i -o -e --input --output --error"),
        "ionice": _wrapper("-c -n -p --class --classdata --pid"),
        "chrt": _wrapper("-T -P -D", 1),
        "taskset": _wrapper("", 1),
        "chroot": _wrapper("", 1),
        "setarch": _ANYWHERE,
        "linux32": _wrapper(),
        "linux64": _wrapper(),
        "command": _wrapper(),
        "builtin": _wrapper(),
        "exec": _wrapper("-a"),
        "coproc": _ANYWHERE,
        "busybox": _wrapper(),
        "toybox": _wrapper(),
        "xargs": _wrapper(
            "-I -n -P -L -d -a -E -s --replace --max-args --max-procs --max-lines "
            "--delimiter --arg-file --eof --max-chars --process-slot-var"
        ),
        "gxargs": _ANYWHERE,
        "parallel": _wrapper(anywhere=True, joined=True),
        "watch": _wrapper("-n --interval -q --equexit", joined=True),
        "ssh": _wrapper(
            "-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w",
            1,
            joined=True,
            texts="-o",
        ),
        "mosh": _ANYWHERE,
        "su": _wrapper("-s --shell -g -G -w", anywhere=True, texts="-c --command"),
        "runuser": _wrapper("-s -g -G", anywhere=True, texts="-c --command"),
        "pkexec": _wrapper("--user"),
        "gosu": _wrapper("", 1),
        "su-exec": _wrapper("", 1),
        "flock": _wrapper("-w -E --timeout", 1, texts="-c --command"),
        "script": _wrapper(texts="-c --command"),
        "strace": _wrapper("-e -o -p -s -S -u -E -a -b -I -O -P -X --trace --output"),
        "ltrace": _wrapper("-e -o -p -s -u -a -n -l -x -F -D"),
        "valgrind": _wrapper(),
        "perf": _ANYWHERE,
        "unshare": _ANYWHERE,
        "nsenter": _ANYWHERE,
        "prlimit": _ANYWHERE,
        "firejail": _wrapper(),
        "bwrap": _ANYWHERE,
        "fakeroot": _ANYWHERE,
        "proot": _ANYWHERE,
        "systemd-run": _ANYWHERE,
        "dbus-run-session": _wrapper(),
        "xvfb-run": _ANYWHERE,
        "unbuffer": _wrapper(),
        "rlwrap": _ANYWHERE,
        "caffeinate": _ANYWHERE,
        "start-stop-daemon": _ANYWHERE,
        "cgexec": _ANYWHERE,
        "numactl": _ANYWHERE,
        "catchsegv": _wrapper(),
        "entr": _ANYWHERE,
        "nodemon": _ANYWHERE,
        "watchexec": _ANYWHERE,
        "hyperfine": _ANYWHERE,
        "tmux": _ANYWHERE,
        "screen": _ANYWHERE,
        "xterm": _ANYWHERE,
        "gnome-terminal": _ANYWHERE,
        "winpty": _wrapper(),
        "wsl": _ANYWHERE,
        "cmake": _wrapper(after="env time chdir", anywhere=True),
        "jobs": _wrapper(after="-x", anywhere=True),
        "make": _wrapper(assignments=True),
        "gmake": _wrapper(assignments=True),
        "direnv": _RUNS,
        "dotenv": _RUNS,
        "docker": _CONTAINER,
        "podman": _CONTAINER,
        "nerdctl": _CONTAINER,
        "kubectl": _CONTAINER,
        "oc": _CONTAINER,
        "lxc": _CONTAINER,
        "docker-compose": _CONTAINER,
        "npx": _wrapper("-p --package", anywhere=True, texts="-c --call"),
        "bunx": _ANYWHERE,
        "uvx": _ANYWHERE,
        "npm": _wrapper(after="exec x", anywhere=True, texts="-c --call"),
        "pnpm": _wrapper(after="exec dlx", anywhere=True),
        "yarn": _wrapper(after="exec dlx run", anywhere=True),
        "bun": _RUNS,
        "uv": _RUNS,
        "pipx": _RUNS,
        "poetry": _RUNS,
        "pipenv": _RUNS,
        "conda": _RUNS,
        "mise": _RUNS,
        "bundle": _RUNS,
        "rbenv": _RUNS,
        "pyenv": _RUNS,
        "nix-shell": _wrapper(anywhere=True, texts="--run --command"),
        "nix": _RUNS,
    }
    | dict.fromkeys(
        sorted(
            names("""setpriv chpst dbus-launch faketime datefudge torsocks torify tsocks proxychains
        proxychains4 graftcp softlimit setuidgid envuidgid envdir setlock pgrphack s6-setuidgid
        s6-softlimit s6-envdir s6-setsid runcon capsh sg newgrp choom uclampset cpulimit chronic ifne
        daemon daemonize dumb-init tini catatonit sshpass ssh-agent eatmydata nocache schroot fakechroot
        pseudo distrobox toolbox flatpak systemd-inhibit systemd-cat systemd-nspawn machinectl runuser
        xinit startx vglrun optirun primusrun mangohud gamemoderun dtach abduco ccache sccache distcc
        bear scan-build timelimit run-one run-this-one reflex modd when-changed rr heaptrack latrace
        memusage doppler op aws-vault chamber envchain sops vagrant multipass crictl nomad adb
        trickle socat ncat nc netcat expect pipexec nohup-run cgcreate isolate sandbox-exec""")
        ),
        _ANYWHERE,
    )
)

RUN_OPTIONS = MappingProxyType(
    {
        "find": ("-exec", "-execdir", "-ok", "-okdir"),
        "fd": ("-x", "-X", "--exec", "--exec-batch"),
        "fdfind": ("-x", "-X", "--exec", "--exec-batch"),
        "rg": ("--pre", "--hostname-bin"),
        "sort": ("--compress-program",),
        "tar": (
            "--to-command",
            "-I",
            "--use-compress-program",
            "-F",
            "--info-script",
            "--checkpoint-action",
            "--rsh-command",
        ),
        "rsync": ("-e", "--rsh", "--rsync-path"),
        "git": (
            "-x",
            "--exec",
            "--extcmd",
            "--upload-pack",
            "--receive-pack",
            "-O",
            "--open-files-in-pager",
        ),
        "go": ("-exec", "-toolexec", "-vettool"),
        "man": ("-P", "--pager"),
        "split": ("--filter",),
        "make": ("--eval",),
        "just": ("-c", "--command", "--shell"),
        "mapfile": ("-C",),
        "readarray": ("-C",),
        "complete": ("-C", "-F"),
        "hash": ("-p",),
        "scp": ("-S",),
        "zip": ("-TT",),
        "vim": ("-c", "--cmd"),
        "gdb": ("-ex", "--args"),
        "xterm": ("-e",),
    }
)
"""Options whose value, the next word or after the `=`, is a program or a text that is run."""

MAX_STARTS = 100
_SED_RUNS = re.compile(r"e")
"""An `e` command, or flag, of sed cannot be without this letter."""
_ESCAPES = re.compile(r"[.\\!]\s*\w|\|")
"""How the shells of databases run a program: `.shell`, `\\!`, `!`, a pipe."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(\[[^]]*\])?\+?=")
_LOADER = re.compile(r"ld(-linux|\.so|-musl).*")
_CODE_RUNS = re.compile(
    r"system|exec|popen|subprocess|spawn|child_process|shell|`|qx|\||\bos\b|!|run|call",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Started:
    """What a command starts, as far as it can be seen."""

    commands: list[tuple[Word, ...]] = field(default_factory=list[tuple[Word, ...]])
    texts: list[str] = field(default_factory=list[str])
    """Read by a shell."""
    mentions: list[str] = field(default_factory=list[str])
    """Program text in another language that starts programs."""
    complete: bool = True
    """Not so where there are too many words to try each."""
    doubts: list[str] = field(default_factory=list[str])
    """Why not all can be seen, as "it …"."""


def base_name(text: str) -> str:
    """The program behind a path, without regard to case."""
    name = re.split(r"[/\\]", text)[-1].lower()
    return name.removesuffix(".exe")


def is_assignment(text: str) -> bool:
    """Is this word, first in a command, an assignment?"""
    return _ASSIGNMENT.match(text) is not None


def started(command: Simple) -> Started:
    """What a command starts by being given it as arguments."""
    found = Started()
    words = command.words
    if not words:
        return found
    if not words[0].literal:
        found.doubts.append(f"hides the name of a program in {words[0].text or 'a substitution'}")
        if not words[0].bare:  # it may be nothing, and the next word the name
            found.commands.append(words[1:])
    name = base_name(words[0].bare)
    arguments = words[1:]
    if name in ARITHMETIC or substitutes(name):
        _arithmetic(words, found)
    if name in SHELLS:
        _shell(command, name, arguments, found)
    elif name in INTERPRETERS:
        _interpreter(command, name, arguments, found)
    elif _LOADER.fullmatch(name):
        _anywhere(arguments, found)
    elif wrapper := WRAPPERS.get(name):
        _wrapped(wrapper, name, arguments, found)
    else:
        _builtin(command, name, arguments, found)
    _run_options(name, arguments, found)
    if command.piped and name in {"xargs", "parallel", "at", "batch", "crontab"}:
        found.doubts.append(f"gives {name} what another command prints")
    return found


def substitutes(text: str) -> bool:
    """Is there a command substitution in a text, if it is read once more?"""
    return "$(" in text or "`" in text


def _arithmetic(words: Sequence[Word], found: Started) -> None:
    found.texts += [word.bare for word in words if substitutes(word.bare)]
    if any("[" in word.bare for word in words[1:] if word.bare != "["):
        found.doubts.append("has a subscript that may be evaluated")


def _builtin(command: Simple, name: str, arguments: Sequence[Word], found: Started) -> None:
    match name:
        case "eval":
            _text(arguments, found)
        case "trap":
            _text([word for word in arguments if word.text != "--"][:1], found)
        case "source" | ".":
            found.doubts.append("runs what is in a file")
        case "alias":
            found.texts += [word.bare.partition("=")[2] for word in arguments]
        case "ln" | "cp" | "mv" | "install":
            found.mentions += [word.bare for word in arguments]
        case "git":
            _git(arguments, found)
        case "sed" | "gsed":
            scripts = [word.bare for word in arguments if not sed.only_prints(word.bare)]
            found.mentions += [each for each in scripts if _SED_RUNS.search(each)]
        case "sqlite3" | "psql" | "mysql" | "mariadb" | "redis-cli" | "ftp" | "sftp" | "lftp":
            found.mentions += [word.bare for word in arguments if _ESCAPES.search(word.bare)]
            if command.piped:
                found.doubts.append(f"gives {name} what another command prints")
        case _:
            pass


def _anywhere(words: Sequence[Word], found: Started) -> None:
    """Any of these words may be the first of a command."""
    for number, word in enumerate(words[:MAX_STARTS]):
        if not word.text.startswith("-"):
            found.commands.append(tuple(words[number:]))
    found.complete &= len(words) <= MAX_STARTS


def _text(words: Sequence[Word], found: Started) -> None:
    """A shell reads these words, joined by blanks."""
    if not words:
        return
    found.texts.append(" ".join(word.bare for word in words))
    if not all(word.literal for word in words):
        found.doubts.append("runs a text that has a variable or a substitution in it")


def _shell(command: Simple, name: str, arguments: Sequence[Word], found: Started) -> None:
    at = 0
    while at < len(arguments) and arguments[at].text[:1] in {"-", "+"}:
        option = arguments[at].text
        if option == "--":
            at += 1
            break
        if not option.startswith("--") and "c" in option:
            rest = arguments[at + 1 :]
            texts = [word for word in rest if not word.text.startswith(("-", "+"))]
            _text(texts[:1], found)
            if len(texts) > 1:
                found.doubts.append(f"gives {name} a text with arguments")
            return
        if option in {"-o", "+o", "-O", "+O", "--rcfile", "--init-file"}:
            at += 1
        at += 1
    if command.stdin:
        found.texts.append(command.stdin)
    if at >= len(arguments) or "s" in "".join(
        word.text for word in arguments[:at] if not word.text.startswith("--")
    ):
        found.doubts.append(f"gives {name} a text that another command makes or a file holds")
    else:
        found.doubts.append(f"runs a script with {name}")


def _interpreter(command: Simple, name: str, arguments: Sequence[Word], found: Started) -> None:
    found.mentions += [word.bare for word in arguments if _CODE_RUNS.search(word.bare)]
    inline = [
        word for word in arguments if re.match(r"-\w*[ceErpi]|--eval|--print|/[ck]|\+", word.text)
    ]
    if name.endswith("awk") or inline or not arguments or command.piped:
        found.doubts.append(f"runs a program text in {name}")
    if name in {"cmd", "pwsh", "powershell"} and inline:
        _text(arguments[arguments.index(inline[0]) + 1 :], found)


def _git(arguments: Sequence[Word], found: Started) -> None:
    for number, word in enumerate(arguments):
        if word.text == "-c" or word.text.startswith("-c"):
            value = word.bare[2:] or (
                arguments[number + 1].bare if number + 1 < len(arguments) else ""
            )
            found.texts.append(value.partition("=")[2].lstrip("!"))
        elif word.text in {"foreach", "run", "filter-branch", "--config"}:
            found.commands.append(tuple(arguments[number + 1 :]))
            _text(arguments[number + 1 :], found)
        elif "filter" in word.text and number + 1 < len(arguments):
            found.texts.append(arguments[number + 1].bare)
        if "ext::" in word.bare:
            found.texts.append(word.bare.partition("ext::")[2])


def _command_start(wrapper: Wrapper, arguments: Sequence[Word]) -> int | None:
    at = 0
    operands = wrapper.operands
    while at < len(arguments):
        text = arguments[at].text
        if text == "--":
            at += 1
            continue
        if text.startswith("-") and text != "-":
            at += 2 if text in wrapper.values or text in wrapper.texts else 1
        elif wrapper.assignments and is_assignment(text):
            at += 1
        elif operands:
            operands -= 1
            at += 1
        else:
            return at
    return None


def _wrapped(wrapper: Wrapper, name: str, arguments: Sequence[Word], found: Started) -> None:
    if wrapper.after and not any(word.text in wrapper.after for word in arguments):
        return
    _wrapped_texts(wrapper, arguments, found)
    if name == "env" and any(
        word.text.startswith(("-S", "--s", "-vS", "-iS")) for word in arguments
    ):
        _text([word for word in arguments if not word.text.startswith("-")], found)
    if wrapper.anywhere:
        _anywhere(arguments, found)
        found.texts += [word.bare for word in arguments if " " in word.bare]
        return
    at = _command_start(wrapper, arguments)
    if at is None:
        return
    found.commands.append(tuple(arguments[at:]))
    if not all(word.literal for word in arguments[: at + 1]):
        found.doubts.append(f"hides the name of a program behind {name}")
        _anywhere(arguments, found)
    if wrapper.joined:
        _text(arguments[at:], found)


def _wrapped_texts(wrapper: Wrapper, arguments: Sequence[Word], found: Started) -> None:
    """Options of a wrapper that take a text for a shell, and values of variables it sets."""
    for number, word in enumerate(arguments):
        option, sign, value = word.bare.partition("=")
        if option in wrapper.texts:
            _text([Word.of(value)] if sign else arguments[number + 1 :][:1], found)
        elif not option.startswith("--") and option[:2] in wrapper.texts:
            _text([Word.of(word.bare[2:])], found)
        if wrapper.assignments and is_assignment(word.bare):
            found.texts.append(value)


def _run_options(name: str, arguments: Sequence[Word], found: Started) -> None:
    for option in RUN_OPTIONS.get(name, ()):
        for number, word in enumerate(arguments):
            if word.bare == option:
                rest = tuple(arguments[number + 1 :])
            elif value := _own_value(option, word.bare):
                rest = (Word.of(value.removeprefix("exec=")),)
            else:
                continue
            found.commands.append(rest)
            found.texts += [each.bare for each in rest[:1]]


def _own_value(option: str, given: str) -> str:
    """What an option runs where it is in the option's own word; abbreviations count."""
    name, sign, value = given.partition("=")
    if given.startswith(f"{option}="):
        return value
    if len(option) == 2 and given.startswith(option):
        return given[2:]
    if sign and len(name) > 3 and option.startswith("--") and option.startswith(name):
        return value
    return ""
