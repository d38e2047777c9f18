"""What the core needs from outside. Each port is small, and a feature is a wrapper around one."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from roo_lsp.agent.messages import Message

# --- the model ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's reasoning, and the field it came in."""

    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class TextWasReasoning:
    """All text so far was reasoning: its end was marked, and its beginning never was."""


@dataclass(frozen=True, slots=True)
class ReasoningWasText:
    """All reasoning so far was the answer: its end never came."""


@dataclass(frozen=True, slots=True)
class ReasoningDetails:
    """All reasoning once more, as JSON text that only the endpoint can read: signed, encrypted."""

    json: str


@dataclass(frozen=True, slots=True)
class ToolCallFragment:
    """A piece of a tool call, as loosely as endpoints send it; the assembly makes sense of it."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request; `estimated` where the endpoint reported none."""

    input_tokens: int = 0
    """All input tokens, cached ones included."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The endpoint said why it stopped: `stop`, `length`, `tool_calls`, `content_filter`, …"""

    reason: str


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """The endpoint refused the request as it was, and is asked again in another form; nothing came yet.

    `reason` is for people: what was refused, and what is done about it.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The request is made again: nothing streamed before this counts any more."""


Delta = (
    TextDelta
    | ReasoningDelta
    | TextWasReasoning
    | ReasoningWasText
    | ReasoningDetails
    | ToolCallFragment
    | Usage
    | Finished
    | AskedAgain
    | Restarted
)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, object]
    ours: bool = True
    """False for a schema of others, which strict mode would change the meaning of."""


@dataclass(frozen=True, slots=True)
class AtWork:
    """The model has said nothing for so many seconds, and is at work all the same."""

    seconds: float
    tokens: int
    """What it has written of the answer meanwhile, as far as can be told; 0 while it reads."""
    per_second: float


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call to the model. The sequences are read while streaming and never changed."""

    system: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    at_work: Callable[[AtWork], None] | None = None
    """Told now and then while the model is at work and nothing can be shown of it."""


class ChatModel(Protocol):
    """A model that streams answers."""

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """The answer as it comes; it ended in order only when `Finished` was among the deltas.

        Closing the iterator hangs up.

        Raises:
            RooError: in the words for the user.
        """
        ...


# --- files ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file's text at one moment, every character and line ending as it is."""

    text: str
    stamp: str
    """Changes whenever the text does; given back to `write` to say what was seen."""
    note: str = ""
    """What else is to be known of the file, as a sentence without its subject."""
    encoding: str = ""
    """How it is stored, where that is not plain UTF-8 and is known: `gb18030`, `utf-16-le`."""
    leads_to: Path | None = None
    """The file that is meant, where the path is a symbolic link."""
    looks: object = field(default=None, compare=False)
    """What is another one once the file was written since; None where the text is not that of the disk."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a folder."""

    path: Path
    directory: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder's entries, folders first at each level; `truncated` when there were more."""

    entries: tuple[Entry, ...]
    truncated: bool = False
    hidden: int = 0
    """Entries that `.gitignore` files hide, as far as was looked."""
    kept: int = 0
    """Entries that `.rooignore` keeps from the agent, as far as was looked."""


class FileSystem(Protocol):
    """Files as the user sees them: through the editor where it has them open."""

    async def read(self, path: Path) -> Snapshot:
        """The text now.

        Raises:
            Binary: it has no text.
            ToolError: missing, a folder, not a regular file, too large, not readable.
        """
        ...

    async def read_bytes(self, path: Path) -> bytes:
        """What is on disk, whatever an editor shows of it: for files that have no text.

        Raises:
            ToolError: as for `read`.
        """
        ...

    async def write(self, path: Path, text: str, expected: str | None) -> None:
        """Make the file's text `text`, provided it is still as `expected` (None: it is not there).

        Line endings are those of `text`; byte order mark, encoding and mode stay the file's own.
        Missing parent folders are made.

        Raises:
            Changed: it is not as expected any more; nothing was written.
            ToolError: it cannot be written; nothing was changed.
        """
        ...

    async def delete(self, path: Path, expected: str) -> None:
        """Remove the file, provided it is still as `expected`."""
        ...

    async def exists(self, path: Path) -> bool:
        """True when there is anything at the path."""
        ...

    async def list(
        self, path: Path, *, recursive: bool, limit: int, respect_gitignore: bool
    ) -> Listing:
        """What a folder holds, breadth first, at most `limit` entries."""
        ...

    def unsaved(self) -> Mapping[Path, str]:
        """Texts that differ from what is on disk."""
        ...


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to search for: a Rust regular expression, under a folder or in one file."""

    root: Path
    regex: str
    file_pattern: str | None = None
    respect_gitignore: bool = True
    unsaved: Mapping[Path, str] = field(default_factory=dict[Path, str])
    """Texts to search in place of what is on disk."""
    below: str = ""
    """Where `root` is, seen from the workspace folder it is in."""
    context: int = 1
    """Lines before and behind each match."""


@dataclass(frozen=True, slots=True)
class SearchLine:
    """A line of a search result; `match` tells a hit from its context. `number` is 1-based."""

    number: int
    text: str
    match: bool


@dataclass(frozen=True, slots=True)
class FileMatches:
    """A file's hits: groups of neighbouring lines."""

    path: Path
    groups: tuple[tuple[SearchLine, ...], ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found; `truncated` when there was more."""

    files: tuple[FileMatches, ...]
    matches: int
    truncated: bool = False
    rest: tuple[tuple[Path, int], ...] = ()
    """How many more there are, by file, as far as they were counted."""
    unsearched: bool = False
    """No file there has a name like the pattern: nothing was searched."""


class Searcher(Protocol):
    """Searches file contents."""

    async def search(self, query: SearchQuery) -> SearchResult:
        """What matches.

        Raises:
            ToolError: a bad regular expression, a missing folder, a search that took too long.
        """
        ...


# --- commands -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """A shell text to run in a folder."""

    text: str
    cwd: Path
    background_after: float | None = None
    """Seconds after which the call returns and the command goes on in the background; None: when it
    is silent for long, or takes very long."""
    unconfined: bool = False
    """Outside the sandbox."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended, or that it has not yet."""

    state: Literal["exited", "signalled", "timed_out", "running"]
    code: int | None
    """Exit code, or the signal's number."""
    preview: str
    """The output: whole when short, else its head and tail with what lies between counted."""
    artifact_id: str | None
    """Where the whole output can be read, when the preview is not all of it or it still runs."""
    total_bytes: int
    seconds: float = 0
    """How long it was waited for."""
    silent: bool = False
    """It goes on in the background because it had printed nothing for long."""
    left_behind: int = 0
    """Processes of it that go on although it has ended."""
    notes: tuple[str, ...] = ()
    """What else is to be known, a sentence each: what a sandbox prevented."""


@dataclass(frozen=True, slots=True)
class OutputQuery:
    """What to do with a command of before, and what of its output is wanted."""

    offset: int | None = 0
    """First byte, from the end where negative; None: so that the end is shown."""
    limit: int = 40_960
    """Bytes at most."""
    search: str | None = None
    """A Rust regular expression: the lines that match, and no part by offset."""
    context: int = 0
    """Lines around each match."""
    wait: float = 0
    """Seconds to wait for its end before."""
    stop: bool = False
    """End it before, and all that it has left running."""


@dataclass(frozen=True, slots=True)
class OutputPart:
    """A part of a command's stored output."""

    text: str
    start: int
    """Offset in bytes."""
    end: int
    total: int
    running: bool = False
    matches: int | None = None
    """Number of matching lines, for a search."""
    ending: str = ""
    """How the command ended, where that is still known: `exit code 1`."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that had gone on behind its result, and has ended since."""

    artifact_id: str
    text: str
    """The command, in short and on one line."""
    how: str
    last: str
    """The end of what it printed, as much as is at hand."""


class CommandRunner(Protocol):
    """Runs commands and keeps their output."""

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        """Run it to its end, or into the background; cancelling kills its process group."""
        ...

    def saves(self) -> Sequence[Path]:
        """What it would have written to disk before a command ran now."""
        ...

    async def output(self, artifact_id: str, query: OutputQuery) -> OutputPart:
        """A part of a command's output.

        Raises:
            ToolError: no such output.
        """
        ...

    def ended(self) -> Sequence[Ended]:
        """The commands in the background that have ended and were not told of; each is told once."""
        ...

    async def close(self) -> None:
        """Kill whatever still runs."""
        ...


# --- people ---------------------------------------------------------------------------------


class Asker(Protocol):
    """Asks the user."""

    async def ask(self, question: str, suggestions: Sequence[str], *, own: bool = False) -> str:
        """The user's answer, free text or one of the suggestions; `own`: the model does not ask, we do."""
        ...


# --- modes ----------------------------------------------------------------------------------


class TaskModes(Protocol):
    """The mode of a task, and those it can change to."""

    @property
    def current(self) -> str:
        """The slug of the one that holds now."""
        ...

    def names(self) -> Mapping[str, str]:
        """All of them, each slug with its name."""
        ...

    def only_looks(self, slug: str) -> bool:
        """Whether nothing of the workspace can be changed in a mode."""
        ...

    def switch(self, slug: str) -> None:
        """Go on in another one, from the next call on."""
        ...


# --- the editor's other language servers ----------------------------------------------------

Feature = Literal[
    "diagnostics",
    "definition",
    "references",
    "hover",
    "documentSymbol",
    "workspaceSymbol",
    "rename",
]
"""What can be asked of them: the client's request for it is `roo/` and this name."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a name stands in a file, as the user sees it."""

    path: Path
    line: int
    """From 1."""
    column: int
    """Code points before it on its line."""
    text: str
    """The line."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file; `line` is counted from 1."""

    path: Path
    line: int


@dataclass(frozen=True, slots=True)
class Places:
    """Where something is, in the order of the answer."""

    places: tuple[Place, ...]
    no_files: int = 0
    """Places in what is no file: an archive, a text that a server made up."""
    more: int = 0
    """Places that were not looked at, because there are too many."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A class, function, variable, … by its name; lines are counted from 1."""

    name: str
    kind: str
    path: Path
    line: int | None = None
    end_line: int | None = None
    depth: int = 0
    """How many symbols it lies within."""
    within: str = ""
    """The name of what it lies within, where the depth does not tell."""
    detail: str = ""
    """Its signature, or whatever a server says."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """Symbols in the order of the answer; `no_files` and `more` as in `Places`."""

    symbols: tuple[Symbol, ...]
    no_files: int = 0
    more: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What a language server complains of, at a line counted from 1."""

    path: Path
    line: int
    severity: int
    """LSP's numbers: 1 error, 2 warning, 3 information, 4 hint."""
    message: str
    source: str
    code: str = ""

    @property
    def kind(self) -> tuple[Path, int, str, str]:
        """What stays the same when lines are put in above it."""
        return self.path, self.severity, self.message, self.source


@dataclass(frozen=True, slots=True)
class Problems:
    """The problems in `files`: those that some server looks at, clean ones included."""

    problems: tuple[Problem, ...]
    files: frozenset[Path]
    more: int = 0


class FileEdits(Protocol):
    """What would change in one file."""

    @property
    def path(self) -> Path: ...

    def applied(self, text: str) -> str:
        """The text with the edits made; `text` is the file's, as just read.

        Raises:
            Changed: it is not the text that the edits were made for.
            ToolError: they do not fit it or each other.
        """
        ...


class LanguageServers(Protocol):
    """The language servers that an editor runs beside us, asked through it.

    All of these answer None where no server answered: then nothing is known, not even that there is
    nothing. Texts are the servers' own.

    Raises:
        ToolError: there was no answer in time, or one that makes no sense.
    """

    @property
    def offered(self) -> frozenset[Feature]:
        """What the client said it can be asked."""
        ...

    async def problems(self, path: Path | None) -> Problems | None:
        """In a file, or in all that are known."""
        ...

    async def definition(self, spot: Spot) -> Places | None:
        """Where what stands there is defined."""
        ...

    async def references(self, spot: Spot) -> Places | None:
        """Where it is used, its declaration included."""
        ...

    async def hover(self, spot: Spot) -> str | None:
        """What the servers tell about it."""
        ...

    async def document_symbols(self, path: Path) -> Symbols | None:
        """What a file defines."""
        ...

    async def workspace_symbols(self, query: str) -> Symbols | None:
        """Symbols of the workspace whose names match, as loosely as servers match."""
        ...

    async def rename(self, spot: Spot, new_name: str) -> Sequence[FileEdits] | None:
        """What would have to change; nothing is changed yet.

        Raises:
            ToolError: also where it would take more than edits of texts.
        """
        ...
