"""Options with which a program that is allowed by name would run or write something else: data.

Sources: the manuals of the programs. An entry of `allowedCommands` that has such an option in it
allows it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from roo_lsp.workspace.shell.language import Word, names

Check = Callable[[Sequence[Word], frozenset[str]], str | None]
"""What is wrong with the arguments of a program, as "… may …"; words the entry names are given too."""


@dataclass(frozen=True, slots=True)
class Vetoes:
    """What may not be among the arguments of a program."""

    long: tuple[str, ...] = ()
    """`--name`, each also by every abbreviation and with `=value`; `--name*` is a whole family."""
    short: str = ""
    """`-x`, also in a cluster."""
    takes: str = ""
    """Short options whose value is the rest of the cluster."""
    words: tuple[str, ...] = ()
    """Whole words, with one dash as `find` has them or without a dash, or the starts of them."""
    harmless: tuple[str, ...] = ()
    """Long options that are an abbreviation by chance only."""
    dashes_end: bool = True
    """No option comes after `--`."""
    check: Check | None = None


def objection(name: str, arguments: Sequence[Word], named: frozenset[str]) -> str | None:
    """Why a known program is not to run with these arguments, as "… may …"; None is no objection.

    `named` are words that the allow entry itself has.
    """
    vetoes = PROGRAMS.get(name)
    if vetoes is None:
        return None
    before: Word | None = None
    for word in arguments:
        # After an option, `--` may be its value, and the options go on.
        after_option = before is not None and (not before.literal or before.text.startswith("-"))
        before = word
        if word.literal and word.text in named:
            continue
        if word.literal and word.text == "--" and vetoes.dashes_end and not after_option:
            break
        if not word.literal and _may_be_option(word):
            return f"may get an option from {word.text}"
        if option := vetoed(vetoes, word.text):
            return f"may run a program, or read or write another file, with {option}"
    if vetoes.check and (wrong := vetoes.check(arguments, named)):
        return wrong
    return None


def _may_be_option(word: Word) -> bool:
    """Could a word with an expansion become an option that is not seen? `--include=*.py` is seen."""
    if word.splits or not word.head:
        return True
    return word.head[0] in "-+@" and not _NAMED_VALUE.match(word.head)


def vetoed(vetoes: Vetoes, text: str) -> str | None:
    """The option that this word is, if it is one of them."""
    if any(text.startswith(each) for each in vetoes.words):
        return text
    if text.startswith("--") and len(text) > 2:
        name = text[2:].partition("=")[0]
        if text in vetoes.harmless or not name:
            return None
        for long in vetoes.long:
            if long.startswith(name) or (long.endswith("*") and name.startswith(long[:-1])):
                return text.partition("=")[0]
    elif text.startswith("-") and not text.startswith("--"):
        for letter in text[1:]:
            if letter in vetoes.short:
                return f"-{letter}"
            if letter in vetoes.takes:
                break
    return None


# --- what options do not tell ---------------------------------------------------------------

_GIT_READS = names("""annotate blame cat-file check-ignore count-objects describe diff diff-files diff-index
    diff-tree for-each-ref grep log ls-files ls-tree merge-base name-rev rev-list rev-parse shortlog
    show show-ref status version whatchanged""")
"""Subcommands that only read: an entry `git` stands for these."""
GIT_VALUES = names(
    "-c -C --git-dir --work-tree --namespace --exec-path --config-env --super-prefix --attr-source"
)
"""git's options before the subcommand that take the next word."""
_GIT_BEFORE = frozenset({"--no-pager", "-P", "--no-optional-locks", "--literal-pathspecs"})
_OUTSIDE = re.compile(r"/|~|(.*/)?\.\.(/|\Z)", re.DOTALL)
_REMOTE_HELPER = re.compile(r"[\w+.-]+::")


def _git(arguments: Sequence[Word], named: frozenset[str]) -> str | None:
    at = 0
    while at < len(arguments) and arguments[at].literal and arguments[at].text.startswith("-"):
        option = arguments[at].text
        if option not in _GIT_BEFORE | named | {"--version"}:
            return f"may be another git with {option}"
        at += 2 if option in GIT_VALUES else 1
    rest = arguments[at + 1 :]
    if at < len(arguments) and not arguments[at].literal:
        return "has a subcommand that is not written out"
    subcommand = arguments[at].text if at < len(arguments) else ""
    for word in rest:
        if _REMOTE_HELPER.match(word.text):
            return f"may run a program to reach {word.text}"
        if "%G" in word.text:
            return "may run a program to check a signature (%G)"
    if subcommand in {"diff", "difftool"} and (
        outside := next((word.text for word in rest if _may_be_outside(word)), None)
    ):
        return f"may read a file outside the repository: {outside}"
    return None


def _may_be_outside(word: Word) -> bool:
    return bool(_OUTSIDE.match(word.text)) or (word.variable and "/" not in word.head)


def git_only_reads(arguments: Sequence[Word]) -> bool:
    """Is this a git that an entry of one word, `git`, stands for?"""
    for word in arguments:
        if not word.literal:
            return False
        if not word.text.startswith("-"):
            return word.text in _GIT_READS
    return True


_NAMED_VALUE = re.compile(r"--[\w-]+=")
_SED_PRINTS = re.compile(r"((\d+|\$)(,(\+?\d+|\$))?[pq=]?|;|[ ])+")


def _sed(arguments: Sequence[Word], named: frozenset[str]) -> str | None:
    operands = [word for word in arguments if not word.text.startswith("-")]
    if operands and operands[0].text in named:
        return None
    if not operands or not (operands[0].literal and _SED_PRINTS.fullmatch(operands[0].text)):
        return "may write a file or run a program; only printing lines, as in sed -n 1,9p, is known"
    return None


_AWK_DOES_MORE = re.compile(r"[|>@]|system|getline|close|print[f]?\s*\(.*\)\s*>|\bload\b|include")


def _awk(arguments: Sequence[Word], named: frozenset[str]) -> str | None:
    if any(_AWK_DOES_MORE.search(word.text) for word in arguments if word.text not in named):
        return "may run a program or write a file from its script"
    return None


def _reads_program(arguments: Sequence[Word], _named: frozenset[str]) -> str | None:
    if not any(not word.text.startswith("-") for word in arguments) and not any(
        word.text in {"--version", "-V", "-v", "--help", "-h"} for word in arguments
    ):
        return "runs what it is given as input"
    return None


def _uniq(arguments: Sequence[Word], _named: frozenset[str]) -> str | None:
    if len([word for word in arguments if not word.text.startswith("-")]) > 1:
        return "writes its second file"
    return None


def _curl(arguments: Sequence[Word], _named: frozenset[str]) -> str | None:
    if any(word.text.lower().startswith(("file:", "scp:", "sftp:")) for word in arguments):
        return "may read a file of this machine"
    return None


def _make(arguments: Sequence[Word], named: frozenset[str]) -> str | None:
    if any("=" in word.text and word.text not in named for word in arguments):
        return "may run a program in a variable of the makefile"
    return None


def _tar(arguments: Sequence[Word], named: frozenset[str]) -> str | None:
    first = arguments[0].text if arguments else ""
    if not first.startswith("-") and first not in named and set(first) & set("IF"):
        return "may run a program with I or F"
    return None


_GIT_LONG = (
    "output*",
    "ext-diff",
    "textconv",
    "upload-pack",
    "receive-pack",
    "exec*",
    "open-files-in-pager",
    "config*",
    "git-dir",
    "work-tree",
    "namespace",
    "paginate",
    "super-prefix",
    "no-index",
    "show-signature",
    "remerge-diff",
    "diff-merges=remerge",
    "diff-merges",
    "contents",
    "extcmd",
    "tool",
    "template",
    "separate-git-dir",
    "show-superproject-working-tree",
    "upload-archive",
    "filters",
    "alternate-refs",
    "help",
    "editor",
    "trailer",
    "file",
)
_INTERPRETER = Vetoes(
    long=("eval", "print", "require", "import", "exec", "run", "config", "init-file", "rcfile"),
    short="ceEpris",
    words=("+O", "-o"),
    dashes_end=False,
    check=_reads_program,
)
_COMPRESSED = Vetoes(
    long=(
        "to-command",
        "checkpoint-action",
        "use-compress-program",
        "info-script",
        "new-volume-script",
        "rsh-command",
        "rmt-command",
        "index-file",
        "files-from",
        "absolute-names",
        "directory",
    ),
    short="IFCTP",
    takes="fb",
    check=_tar,
)
_TEST = Vetoes(words=("-v", "-R"), dashes_end=False)

_TABLE: dict[str, Vetoes] = {
    "git": Vetoes(
        long=_GIT_LONG,
        short="O",
        takes="SGL",
        harmless=("--text", "--exec-path", "--no-textconv", "--file-mode"),
        check=_git,
    ),
    "find": Vetoes(
        words=("-exec", "-ok", "-del", "-fprint", "-fls", "-files0-from", "-f"), dashes_end=False
    ),
    "fd": Vetoes(
        long=("exec", "exec-batch", "ignore-file", "search-path"), short="xX", takes="deEtSjc"
    ),
    "rg": Vetoes(
        long=("pre", "pre-glob", "hostname-bin", "search-zip", "file", "ignore-file"),
        short="zf",
        takes="eABCgtTmMjErd",
    ),
    "grep": Vetoes(long=("file", "exclude-from"), short="f", takes="eABCmdD"),
    "sort": Vetoes(
        long=("output", "compress-program", "files0-from", "temporary-directory", "random-source"),
        short="oT",
        takes="ktS",
    ),
    "sed": Vetoes(
        long=("in-place", "file", "expression", "separate", "null-data", "follow-symlinks"),
        short="ifesz",
        dashes_end=False,
        check=_sed,
    ),
    "awk": Vetoes(
        long=(
            "file",
            "exec",
            "load",
            "include",
            "dump-variables",
            "profile",
            "pretty-print",
            "debug",
            "assign",
            "source",
        ),
        short="fEilodpDev",
        takes="F",
        dashes_end=False,
        check=_awk,
    ),
    "tar": _COMPRESSED,
    "zip": Vetoes(long=("unzip-command", "test"), short="T", dashes_end=False),
    "uniq": Vetoes(check=_uniq),
    "tree": Vetoes(long=("fromfile", "output"), short="oR"),
    "wc": Vetoes(long=("files0-from",)),
    "du": Vetoes(long=("files0-from", "exclude-from"), short="X", takes="dBt"),
    "file": Vetoes(long=("compile", "magic-file", "files-from"), short="Cmf"),
    "date": Vetoes(long=("set", "file"), short="sf", takes="dr"),
    "jq": Vetoes(
        long=("from-file", "slurpfile", "rawfile", "argfile"), short="fL", dashes_end=False
    ),
    "yq": Vetoes(long=("inplace", "in-place", "split-exp", "from-file"), short="isf"),
    "diff": Vetoes(long=("to-file", "from-file", "exclude-from"), short="X"),
    "split": Vetoes(long=("filter",)),
    "less": Vetoes(long=("log-file", "lesskey*", "LOG-FILE", "tag*"), short="oOkTt", words=("+",)),
    "man": Vetoes(
        long=("pager", "html", "config-file", "preprocessor", "gxditview", "troff-device"),
        short="PHCpTXlM",
    ),
    "bat": Vetoes(long=("pager", "paging", "diff"), short=""),
    "ack": Vetoes(long=("pager", "output", "ackrc", "files-from"), short="xf"),
    "ag": Vetoes(long=("pager", "path-to-ignore"), short="pz"),
    "rsync": Vetoes(
        long=(
            "rsh",
            "rsync-path",
            "daemon",
            "config",
            "log-file",
            "files-from",
            "password-file",
            "write-batch",
            "only-write-batch",
        ),
        short="e",
        takes="fTBM",
    ),
    "ssh": Vetoes(short="oFESIwLRDJWi", takes="pl", dashes_end=False),
    "scp": Vetoes(short="oSFDJi", takes="Plc"),
    "curl": Vetoes(
        long=(
            "output*",
            "remote-*",
            "config",
            "upload-file",
            "cookie-jar",
            "dump-header",
            "trace*",
            "stderr",
            "libcurl",
            "etag-save",
            "hsts",
            "alt-svc",
            "data*",
            "form*",
            "json",
            "netrc*",
            "cert*",
            "key",
            "proxy*",
            "engine",
            "url",
            "variable",
            "unix-socket",
            "next",
        ),
        short="oOKTcDJFdEnx",
        takes="HXAeubmrwy",
        check=_curl,
    ),
    "wget": Vetoes(
        long=(
            "output-*",
            "append-output",
            "use-askpass",
            "directory-prefix",
            "input-file",
            "post-*",
            "body-file",
            "execute",
            "config",
            "save-*",
            "load-cookies",
            "use-askpass",
            "warc-*",
            "mirror",
            "recursive",
            "private-key",
            "certificate",
        ),
        short="OoaPiermc",
        takes="UTtQw",
    ),
    "xxd": Vetoes(short="r"),
    "hg": Vetoes(
        long=("config*", "repository", "cwd", "output", "rsh", "ssh"), short="R", words=("-e",)
    ),
    "svn": Vetoes(long=("config-*", "diff-cmd", "diff3-cmd", "editor-cmd")),
    "npm": Vetoes(
        long=(
            "script-shell",
            "prefix",
            "node-options",
            "userconfig",
            "globalconfig",
            "init-module",
            "shell",
            "call",
            "registry",
            "git",
            "viewer",
            "editor",
        ),
        short="Cc",
        harmless=("--call-graph",),
    ),
    "pip": Vetoes(
        long=(
            "index-url",
            "extra-index-url",
            "find-links",
            "target",
            "prefix",
            "root",
            "config-*",
            "global-option",
            "build-option",
            "log",
            "editable",
            "requirement",
            "python",
        ),
        short="ietr",
    ),
    "cargo": Vetoes(
        long=("config", "manifest-path", "target-dir", "out-dir"), short="ZC", words=("+",)
    ),
    "go": Vetoes(
        words=(
            "-exec",
            "--exec",
            "-toolexec",
            "--toolexec",
            "-vettool",
            "--vettool",
            "-overlay",
            "--overlay",
            "-modfile",
            "--modfile",
            "-C",
            "--C",
            "-ldflags",
            "--ldflags",
            "-gcflags",
            "--gcflags",
            "-o",
            "--o",
            "-cpuprofile",
            "-memprofile",
            "-outputdir",
        ),
    ),
    "make": Vetoes(
        long=("file", "makefile", "directory", "eval", "include-dir"),
        short="fCIE",
        takes="joWl",
        check=_make,
    ),
    "pytest": Vetoes(
        long=(
            "rootdir",
            "confcutdir",
            "pdbcls",
            "basetemp",
            "junit*",
            "log-file",
            "config-file",
            "override-ini",
            "cov-report",
            "cov-config",
            "debug",
            "plugin",
        ),
        short="pco",
        takes="kmnWr",
    ),
    "ruff": Vetoes(long=("config", "output-file", "fix*", "unsafe-fixes", "cache-dir")),
    "mypy": Vetoes(
        long=(
            "config-file",
            "python-executable",
            "install-types",
            "*-report",
            "junit-xml",
            "cache-dir",
            "custom-typeshed-dir",
        ),
    ),
    "eslint": Vetoes(
        long=(
            "config",
            "resolve-plugins-relative-to",
            "rulesdir",
            "parser",
            "plugin",
            "fix*",
            "output-file",
            "format",
            "cache-location",
            "cache-file",
        ),
        short="cof",
    ),
    "tsc": Vetoes(long=("project", "outDir", "outFile", "build"), short="pb", words=("@",)),
    "gradle": Vetoes(long=("init-script", "project-dir", "build-file"), short="IpbcgD"),
    "mvn": Vetoes(long=("file", "settings"), short="fsD"),
    "gdb": Vetoes(
        long=("eval-command", "command", "ex", "init-*"), short="x", words=("-ex", "-ix")
    ),
    "vim": Vetoes(long=("cmd", "startuptime"), short="cSsuwWi", words=("+",)),
    "emacs": Vetoes(
        long=("eval", "load", "script", "funcall", "execute"),
        short="lfQ",
        words=("-eval", "-batch"),
    ),
    "busybox": Vetoes(words=("",)),
    "printf": Vetoes(words=("-v",)),
    "test": _TEST,
    "[": _TEST,
}
_SAME = {
    "awk": ("gawk", "mawk", "nawk", "original-awk"),
    "grep": ("egrep", "fgrep", "zgrep"),
    "sed": ("gsed",),
    "find": ("gfind",),
    "fd": ("fdfind",),
    "sort": ("gsort",),
    "tar": ("gtar", "bsdtar"),
    "bat": ("batcat",),
    "less": ("more", "most"),
    "vim": ("vi", "nvim", "view", "ex", "rvim", "gvim"),
    "make": ("gmake",),
    "pip": ("pip3",),
    "npm": ("pnpm", "yarn", "npx", "bun", "bunx"),
    "pytest": ("py.test",),
    "busybox": ("toybox",),
}
PROGRAMS = MappingProxyType(
    _TABLE
    | {other: _TABLE[name] for name, others in _SAME.items() for other in others}
    | dict.fromkeys(
        sorted(
            names("""python python2 python3 pypy pypy3 node nodejs deno perl ruby php lua luajit tclsh expect
        Rscript R osascript pwsh powershell ghci irb guile sbcl clisp elixir erl julia ocaml swift
        bash sh dash zsh ksh mksh fish ash csh tcsh rbash""")
        ),
        _INTERPRETER,
    )
)
