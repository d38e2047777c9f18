"""What the mentions of a message stand for: looked up by the tools that read, through the one gate."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from roo_lsp.agent.approval import Decision
from roo_lsp.agent.conversation import Agent
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.agent.mentions import Mentioned
from roo_lsp.agent.messages import HistoryEntry, Image
from roo_lsp.agent.tool import (
    AnyTool,
    Arguments,
    Invocation,
    ShowOutput,
    Target,
    Tool,
    ToolKind,
    ToolResult,
)
from roo_lsp.tasks.mentioned_text import (
    cut,
    last_output,
    mentioned_block,
    new_document,
    pointer,
    problems_listed,
)
from roo_lsp.tasks.mentions import Mention, meant_by, mentions_in, place_of
from roo_lsp.tasks.view import UserView
from roo_lsp.tools import list_files, read_file
from roo_lsp.workspace.checkpoints.git import CheckpointError
from roo_lsp.workspace.images import MAX_TOTAL
from roo_lsp.workspace.repository import Choose, Repository, git_changes, git_commit
from roo_lsp.workspace.uris import is_new

MOST = 20
"""Mentions of one message that are looked up; more are told and left out. Roo Code's limit of images."""
EACH = 60_000
"""Characters of what one stands for."""
TOTAL = 200_000
"""Characters of all that one message mentions; less where the model's context is small."""
FOLDER_FILES = 30
"""Files of a folder whose texts go along."""
DIFF_BYTES = 50_000
PROBLEMS_SECONDS = 5.0
"""What an editor has to say its problems in."""
NO_GIT = "git was not asked: the workspace is not trusted, it is in no repository, or there is no git here."


@dataclass(frozen=True, slots=True)
class Look:
    """One mention looked up."""

    mention: Mention
    text: str
    images: tuple[Image, ...] = ()
    failed: bool = False


class _AsksFirst(Exception):
    """The user would be asked, and this is not the time for it."""


@dataclass(frozen=True, slots=True)
class TaskMentions:
    """`Mentions` of one task."""

    agent: Agent
    view: UserView
    git: Callable[[], tuple[Path, Repository] | None]
    """The program and the repository, where git may be run."""
    asking: Callable[[], bool]
    """Whether it is being asked what may be used here."""
    entries: Callable[[], Sequence[HistoryEntry]]
    """All that was said in the task."""
    open_text: Callable[[str], str | None]
    """The text of a document that is open, by its URI."""
    tell: Callable[[str], None]
    """Shows the user a message."""

    async def told(self, words: str) -> Mentioned:
        """As the port says; what is wrong with a mention is shown to the user as well."""
        if "@" not in words:
            return Mentioned()
        found = await asyncio.to_thread(self._mentions, words)
        told = {(each.kind, each.name, each.lines): each for each in found if is_meant(each)}
        self._tell(found, len(told))
        wanted = list(told.values())[:MOST]
        if not wanted:
            return Mentioned()
        looks = await asyncio.gather(*(self._looked(each, ask=False) for each in wanted))
        ready = [each for each in looks if isinstance(each, Look)]
        asked = [each for each in looks if isinstance(each, Mention)]
        shown, images, room = self._shown(ready, self._room())
        meant = self._replaced(words, [each for each in found if is_meant(each)])
        return Mentioned(meant, shown, images, partial(self._asked, asked, room) if asked else None)

    async def _asked(self, mentions: Sequence[Mention], room: int) -> Mentioned:
        await self.agent.settled()
        # One after the other: so are the questions.
        looks = [await self._looked(each, ask=True) for each in mentions]
        ready = [each for each in looks if isinstance(each, Look)]
        shown, images, _ = self._shown(ready, room)
        return Mentioned("", shown, images)

    def _mentions(self, words: str) -> list[Mention]:
        workspace = self.agent.context.workspace
        is_open = {each.path for each in self.view.documents()}  # also where it is on no disk yet

        def there(name: str) -> bool:
            return place_of(name, workspace) is not None or meant_by(name, workspace) in is_open

        return list(mentions_in(words, there))

    def _room(self) -> int:
        return min(TOTAL, self.agent.brief().context_window)

    def _tell(self, found: Sequence[Mention], wanted: int) -> None:
        sentences = [
            f"There is no {each.name} here, so nothing goes along for it."
            for each in found
            if not each.there and each.looks_like_a_path and not each.is_plain
        ]
        if any(each.kind == "url" for each in found):
            sentences.append(
                "Roo fetches no pages: an address in your message goes along as it stands."
            )
        if wanted > MOST:
            sentences.append(f"Only the first {MOST} of your {wanted} mentions are looked up.")
        if sentences:
            self.tell(" ".join(dict.fromkeys(sentences)))

    def _shown(self, looks: Sequence[Look], room: int) -> tuple[str, tuple[Image, ...], int]:
        """The block, the images, and how many characters more there is room for."""
        parts: list[tuple[str, str]] = []
        images: list[Image] = []
        for each in looks:
            text = cut(each.text, min(EACH, room))
            room = max(0, room - len(text))
            if each.failed:
                self.tell(f"@{each.mention.name}: {text.partition(chr(10))[0]}")
            if sum(image.size for image in (*images, *each.images)) > MAX_TOTAL:
                text += "\n(Left out: the images of this message are too large together.)"
            else:
                images += each.images
            parts.append((self._pointer(each.mention), text))
        return mentioned_block(parts), tuple(images), room

    def _replaced(self, words: str, mentions: Sequence[Mention]) -> str:
        """The words with a pointer in place of each mention."""
        pieces: list[str] = []
        behind = 0
        for each in mentions:
            pieces += [words[behind : each.start], self._pointer(each)]
            behind = each.end
        return "".join([*pieces, words[behind:]])

    def _pointer(self, mention: Mention) -> str:
        workspace = self.agent.context.workspace
        path = meant_by(mention.name, workspace) if _is_file(mention) else None
        return pointer(mention, workspace.show(path) if path is not None else mention.name)

    # --- one of them ------------------------------------------------------------------------

    async def _looked(self, mention: Mention, *, ask: bool) -> Look | Mention:
        """What it stands for, or why not; the mention itself where the user is to be asked first."""
        # In a context of its own: what a call may read is remembered there.
        return await asyncio.create_task(self._look(mention, ask=ask))

    async def _look(self, mention: Mention, *, ask: bool) -> Look | Mention:
        try:
            result = await self._result(mention, ask=ask)
        except _AsksFirst:
            return mention
        except (ToolError, CheckpointError) as error:
            result = ToolResult(str(error), failed=True)
        return Look(mention, result.text, result.images, result.failed)

    async def _result(self, mention: Mention, *, ask: bool) -> ToolResult:
        if mention.kind == "path":
            if is_new(mention.name):  # in no file: nothing of the workspace has a say in it
                text = self.open_text(mention.name)
                return ToolResult(new_document(mention.name, mention.lines, text))
            return await self._path(mention, ask=ask)
        if mention.name == "terminal":
            text = await asyncio.to_thread(lambda: last_output(self.entries()))
            return ToolResult(text or "No command was run in this task yet.", failed=not text)
        if mention.name == "problems":
            return await self._own("List the problems", self._problems, ask=ask)
        if not ask and self.asking():
            raise _AsksFirst
        return await self._own(f"Ask git for {mention.name}", partial(self._git, mention), ask=ask)

    async def _path(self, mention: Mention, *, ask: bool) -> ToolResult:
        path = meant_by(mention.name, self.agent.context.workspace)
        if path is None:
            raise ToolError(f"{mention.name} can be no path.")
        if not mention.there and self.agent.gate.asks(read_file.TOOL, (Target(path, "read"),)):
            raise ToolError(f"There is no {mention.name}.")  # nothing to be asked about
        if await asyncio.to_thread(path.is_dir) and mention.lines is None:
            listed = await self._called(list_files.TOOL, {"path": str(path)}, ask=ask)
            return await self._with_texts(path, listed)
        arguments: dict[str, object] = {"path": str(path)}
        if mention.lines is not None:
            arguments |= {"start_line": mention.lines[0], "end_line": mention.lines[1]}
        return await self._called(read_file.TOOL, arguments, ask=ask)

    async def _called(self, tool: AnyTool, given: dict[str, object], *, ask: bool) -> ToolResult:
        """What a tool says, as if the model had called it."""
        gate, context = self.agent.gate, self.agent.context
        arguments = tool.arguments.model_validate(given)
        targets = tool.targets(arguments, context)
        if (refusal := gate.pin(tool, targets)) is not None:
            return ToolResult(refusal.why, failed=True)
        if not ask and gate.asks(tool, targets):
            raise _AsksFirst
        invocation = await tool.prepare(arguments, context)
        decision = await gate.decide(tool, None, targets, invocation)
        if not decision.allowed:
            return ToolResult(_refused(decision), failed=True)
        return await invocation.run(_nobody)

    async def _own(self, title: str, say: Callable[[], Awaitable[str]], *, ask: bool) -> ToolResult:
        """What is no tool's: asked for as reading the workspace is."""

        async def prepare(arguments: Arguments, context: object) -> Invocation:
            del arguments, context

            async def run(output: ShowOutput) -> ToolResult:
                del output
                return ToolResult(await say())

            return Invocation(title, run)

        folders = tuple(Target(each, "read") for each in self.agent.context.workspace.folders)
        tool = Tool(
            name="mention",
            kind=ToolKind.READ,
            group="read",
            arguments=Arguments,
            prepare=prepare,
            targets=lambda arguments, context: folders,  # noqa: ARG005 -- the same for all
        )
        return await self._called(tool, {}, ask=ask)

    async def _with_texts(self, folder: Path, listed: ToolResult) -> ToolResult:
        """A folder's listing with the texts of the files that lie in it."""
        if listed.failed:
            return listed
        context = self.agent.context
        listing = await context.files.list(
            folder,
            recursive=False,
            limit=FOLDER_FILES * 4,
            respect_gitignore=context.limits.respect_gitignore,
        )
        files = [each.path for each in listing.entries if not each.directory]
        parts = [listed.text, ""]
        room, left = EACH - len(listed.text), len(files)
        for path, may_be_shown in zip(files, self._chooser([folder])(files), strict=True):
            if not may_be_shown or room <= 0 or len(parts) > FOLDER_FILES:
                continue
            arguments = read_file.TOOL.arguments.model_validate({"path": str(path)})
            try:
                invocation = await read_file.TOOL.prepare(arguments, context)
                result = await invocation.run(_nobody)
            except ToolError:  # no text, or too much of it
                continue
            if not result.images:
                parts.append(cut(result.text, room))
                room -= len(parts[-1])
                left -= 1
        if left:
            parts.append(f"({plural(left, 'file')} of it not shown.)")
        return replace(listed, text="\n".join(parts))

    def _chooser(self, within: Sequence[Path]) -> Choose:
        """Which files may be shown where these folders may be read."""
        sight = self.agent.context.sight
        approved = [Target(each, "read") for each in within]

        def choose(paths: Sequence[Path]) -> Sequence[bool]:
            if sight is None:
                return [False for _ in paths]
            seen = sight.seen([Target(each, "read") for each in paths], approved)
            return [each == "shown" for each in seen]

        return choose

    async def _problems(self) -> str:
        try:
            async with asyncio.timeout(PROBLEMS_SECONDS):
                problems = await self.view.problems()
        except TimeoutError:
            problems = None
        if problems is None:
            raise ToolError("The editor does not tell what its language servers complain of.")
        choose = self._chooser(self.agent.context.workspace.folders)
        paths = list(dict.fromkeys(each.path for each in problems))
        shown = {path for path, may_be in zip(paths, choose(paths), strict=True) if may_be}
        return problems_listed(
            [each for each in problems if each.path in shown], self.agent.context.workspace.show
        )

    async def _git(self, mention: Mention) -> str:
        where = await asyncio.to_thread(self.git)
        if where is None:
            raise ToolError(NO_GIT)
        choose = self._chooser(self.agent.context.workspace.folders)
        if mention.kind == "word":
            return await asyncio.to_thread(git_changes, *where, choose, DIFF_BYTES)
        found = await asyncio.to_thread(git_commit, *where, mention.name, choose, DIFF_BYTES)
        if found is None:
            raise ToolError(f"There is no commit {mention.name} in this repository.")
        return found


def _nobody(output: str) -> None:
    """Nothing is shown while it runs."""
    del output


def _refused(decision: Decision) -> str:
    if decision.by == "policy":
        return decision.feedback
    said = f", and said: {decision.feedback}" if decision.feedback else ""
    return f"The user mentioned it, but then denied that it is read{said}."


def _is_file(mention: Mention) -> bool:
    return mention.kind == "path" and not is_new(mention.name)


def is_meant(mention: Mention) -> bool:
    """Whether the model is told of it: not of an address, nor of a word that only looks like a mention."""
    if mention.kind == "url":
        return False
    return mention.there or mention.is_plain
