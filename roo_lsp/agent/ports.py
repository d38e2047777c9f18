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
    | Restarted
)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call to the model. The sequences are read while streaming and never changed."""

    system: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()


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
    """Seconds after which the call returns and the command goes on in the background."""
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


class CommandRunner(Protocol):
    """Runs commands and keeps their output."""

    async def run(self, command: Command, on_output: Callable[[str], None]) -> CommandResult:
        """Run it to its end, or into the background; cancelling kills its process group."""
        ...

    async def output(
        self, artifact_id: str, *, offset: int, limit: int, search: str | None
    ) -> OutputPart:
        """A part of a command's output.

        Raises:
            ToolError: no such output.
        """
        ...

    async def close(self) -> None:
        """Kill whatever still runs."""
        ...


# --- people ---------------------------------------------------------------------------------


class Asker(Protocol):
    """Asks the user."""

    async def ask(self, question: str, suggestions: Sequence[str]) -> str:
        """The user's answer, free text or one of the suggestions."""
        ...
