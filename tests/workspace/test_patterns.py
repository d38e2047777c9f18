"""Patterns of ignore files: git itself says what they mean, and none of them takes long."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.workspace.patterns import parse


class Git:
    """`git check-ignore` in a repository of its own, whose only patterns are those of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "home")}
        self._git("init", "--quiet", str(folder / "repo"))

    def ignored(
        self, texts: list[str], paths: list[str], *, ignore_case: bool = False
    ) -> list[set[str]]:
        """For each text, the paths that a `.gitignore` with it ignores; folders end with `/`."""
        repo = self.folder / "repo"
        for number, text in enumerate(texts):
            for folder in {"", *folders(paths)}:
                (repo / str(number) / folder).mkdir(parents=True, exist_ok=True)
            (repo / str(number) / ".gitignore").write_bytes(text.encode())
        asked = [f"{at}/{path.rstrip('/')}" for at in range(len(texts)) for path in paths]
        done = self._git(
            "-C", str(repo), "-c", f"core.ignorecase={str(ignore_case).lower()}",
            "check-ignore", "--no-index", "-z", "--stdin", stdin="\0".join(asked).encode(),
        )  # fmt: skip
        for number in range(len(texts)):
            shutil.rmtree(repo / str(number))
        found: list[set[str]] = [set() for _ in texts]
        for each in filter(None, done.decode().split("\0")):
            number, _, path = each.partition("/")
            found[int(number)].add(path)
        return found

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            ["git", *arguments],
            input=stdin,
            env=self.environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def git(tmp_path_factory) -> Git:
    return Git(tmp_path_factory.mktemp("git"))


def folders(paths: list[str]) -> set[str]:
    """All folders that have to be there for these paths."""
    return {path[:at] for path in paths for at, each in enumerate(path) if each == "/"}


def ours(text: str, paths: list[str], *, ignore_case: bool = False) -> set[str]:
    patterns, known = parse(text, ignore_case=ignore_case), folders(paths)
    return {
        path
        for path in (each.rstrip("/") for each in paths)
        if patterns.ignores(path, folder=path in known)
    }


PATHS = [
    "a", "b", "A", "ab", "abc", "a/b", "a/b/c", "a/c", "b/a", "c/a/b", "a/b/c/d", "secrets/key", "secrets/ok.txt",
    "x/secrets/key", "a.txt", "d/a.txt", "a/", "a/b/", "a b", "a ", "#a", "!a", "[a]", "a*b", "aXb", "a-b", "]",
    "a\\b", "é", "a/foox/b", "a/foo/x/b", "a/foo", "a/foobar", "\ta", ".a", "a/.b/c", "ac/d", "a\tb",
]  # fmt: skip


TEXTS = [
        "a", "/a", "a/", "/a/", "a/b", "/a/b", "a/*", "a/**", "**/b", "a/**/b", "a/**/c", "**", "/**", "**/", "*",
        "*\n!a", "*\n!a/", "/*\n!/a/", "secrets/\n!secrets/ok.txt", "secrets/*\n!secrets/ok.txt", "!a\na", "a\n!a",
        "a?", "a?b", "a?c", "[ab]", "a[!a]", "a[^a]", "[a-c]b", "[]]", "[]a]", "a[!]a]", "[a", "[a-]", "[-a]", "[z-a]",
        "[[:alpha:]]", "[[:nope:]]", "[[:alpha]", "[[:alpha:", "a[/]b", "a[!x]b", "[\\]]", "[a\\-c]b", "\\a", "\\#a",
        "#a", "\\!a", "!a", "\\", "a\\", "\\\\", "a\\\\b", "a ", "a\\ ", "a  ", "a\\\\ ", " ", "a b", "\ta", "\ta ",
        "a\r\nb", "a\r", "\r", "a/foo**/b", "a/foo**", "a**", "a**b", "**a", "a/**b", "*/b", "*/*", "*/*/*",
        "*.txt", "/*.txt", "d/*.txt", "**/*.txt", "a*b", "a\\*b", "a/b/", "a//b", "//a", "/", "//", "!", "!/",
        "\ufeffa", "\n\na\n\n", "**/a/**", "a/**/", "**/**", "**/**/b", "***", "a/***/c", "*/**/b", "a\\/b",
        "é", "a/?/c", "a/[b]/c", "A", "*B", "a/\\*", "**/b/c", "b/**/b", "!*\n*", ".*", "*.", "a.*",
]  # fmt: skip


@pytest.mark.parametrize("ignore_case", [False, True])
def test_a_pattern_means_what_git_takes_it_for(git, ignore_case):
    theirs = git.ignored(TEXTS, PATHS, ignore_case=ignore_case)
    for text, wanted in zip(TEXTS, theirs, strict=True):
        assert ours(text, PATHS, ignore_case=ignore_case) == wanted, text


PIECES = st.sampled_from(
    ["a", "b", "c", "ab", ".", "*", "**", "?", "/", "/", "/**/", "**/", "[ab]", "[!a]", "[a-c]", "\\", "\\*",
     " ", "!", "#", "[", "]", "-", "[[:alpha:]]", "a/b", "\t", "\r"]
)  # fmt: skip
LINE = st.builds(
    "{}{}".format, st.sampled_from(["", "", "!", "/"]), st.lists(PIECES, max_size=6).map("".join)
)
NAME = st.sampled_from(["a", "b", "c", "ab", "abc", "a.b", ".a", "ac", "bc", "a b", "[", "*", "ba"])
PATH = st.builds(
    "{}{}".format, st.lists(NAME, min_size=1, max_size=4).map("/".join), st.sampled_from(["", "/"])
)


@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.lists(LINE, min_size=1, max_size=4).map("\n".join), min_size=1, max_size=12),
    paths=st.lists(PATH, min_size=10, max_size=30, unique=True),
    ignore_case=st.booleans(),
)
def test_any_file_of_patterns_means_what_git_takes_it_for(git, texts, paths, ignore_case):
    theirs = git.ignored(texts, paths, ignore_case=ignore_case)
    for text, wanted in zip(texts, theirs, strict=True):
        assert ours(text, paths, ignore_case=ignore_case) == wanted, text


@pytest.mark.parametrize(
    "pattern",
    ["*a" * 100 + "b", "**/" * 500 + "b", "**/a/" * 200 + "b", "a/" + "*?" * 100 + "b"],
)
def test_no_pattern_takes_long(pattern):
    """Each of these keeps a matcher that backtracks busy for longer than there will be tests."""
    patterns = parse(pattern)
    assert not patterns.ignores("a" * 255, folder=False)
    assert not patterns.ignores("/".join(["a"] * 400), folder=False)
