"""`apply_patch`: changes of several files in one, all of them or none.

Everything is read, placed and checked before anything is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.figures import plural
from roo_lsp.agent.ports import Snapshot
from roo_lsp.agent.tool import (
    Arguments,
    Diff,
    Invocation,
    Location,
    ShowOutput,
    Target,
    Tool,
    ToolContext,
    ToolKind,
    ToolResult,
)
from roo_lsp.tools._changed import broken, places, remember
from roo_lsp.tools._doubts import refuse_once, taken_back
from roo_lsp.tools._text import name_of, nearly_told, title_line
from roo_lsp.tools._together import PlannedChange, carry_out
from roo_lsp.workspace.encodings import UTF_8, decode
from roo_lsp.workspace.lines import line_texts
from roo_lsp.workspace.omissions import entities, placeholder
from roo_lsp.workspace.patch import Operation, apply_hunks, parse_patch

SHOWN = 3
"""Files that a title names."""


class ApplyPatch(Arguments):
    """Change, add, rename and delete several files in one call, all or nothing. The patch:

    *** Begin Patch
    *** Update File: src/a.py
    @@ def above():
     line that stays
    -line that goes
    +line that comes
    *** Add File: src/new.py
    +each line with + in front
    *** Delete File: src/old.py
    *** End Patch

    Lines that stay or go must be as in the file, and found once; `@@` tells which of several, and
    may be left out. A line `*** Move to: path` below Update File renames it. `*** End of File` ends
    a hunk at the end of the file.
    """

    patch: str = Field(description="All of it, from Begin Patch to End Patch")


def targets(arguments: ApplyPatch, context: ToolContext) -> tuple[Target, ...]:
    """Every path of the patch, both ends of a move."""
    paths = [
        context.workspace.path(path)
        for operation in parse_patch(arguments.patch)
        for path in operation.paths
    ]
    return tuple(Target(path, "write") for path in dict.fromkeys(paths))


# --- what it would do -----------------------------------------------------------------------


@dataclass(slots=True)
class _File:
    """A file before the patch, and as it is after what was read of the patch so far."""

    path: Path
    name: str
    before: Snapshot | None
    text: str | None
    """None where there is none."""
    line: int = 1
    moved_from: "_File | None" = None
    moved_to: "_File | None" = None

    @property
    def old(self) -> str | None:
        return self.before.text if self.before else None

    @property
    def told(self) -> tuple[str, str]:
        """What happens to it, before and after; of a move, only where it leads to."""
        if self.text is None:
            return (f"delete {self.name}", f"deleted {self.name}")
        lines = f"({plural(len(line_texts(self.text)), 'line')})"
        if self.moved_from:
            way = f"{self.moved_from.name} to {self.name}"
            return (f"move {way}", f"moved {way} {lines}")
        if self.before is None:
            return (f"create {self.name}", f"created {self.name} {lines}")
        return (f"edit {self.name}", f"edited {self.name}{places(self.before.text, self.text)}")


class _Plan:
    """The files of a patch, and why they cannot become what it says."""

    def __init__(self, context: ToolContext) -> None:
        self.context = context
        self.files: dict[Path, _File] = {}
        self.failures: list[str] = []
        self.nearly: list[str] = []
        self.doubts: list[str] = []
        self.parts = 0
        """Hunks, and operations that have none."""

    @property
    def changes(self) -> list[_File]:
        return [file for file in self.files.values() if file.text != file.old]

    async def take(self, operation: Operation) -> None:
        """One more operation, on what those before it left."""
        self.parts += max(1, len(operation.hunks))
        try:
            await self._take(operation)
        except ToolError as error:
            self.failures.append(f"{title_line(operation.path)}: {error.text}")

    async def _take(self, operation: Operation) -> None:
        file = await self._file(operation.path)
        if operation.kind == "add":
            if file.text is not None:
                raise ToolError("it exists already. Use *** Update File: to change it.")
            file.text = operation.content
        elif file.text is None:
            if file.before is not None:
                raise ToolError("the patch has removed it before.")
            await self.context.files.read(file.path)  # says what is wrong
        elif operation.kind == "delete":
            if doubt := taken_back(self.context, file.path, file.text):
                self.doubts.append(f"{file.name}: {doubt}")
            file.text = None
        else:
            new = [line for hunk in operation.hunks for line in hunk.block.replacement]
            if doubt := placeholder(file.text, new) or entities(
                file.text, "\n".join(new), file.name
            ):
                self.doubts.append(f"{file.name}: {doubt}")
            edited, failures = apply_hunks(file.text, file.name, operation.hunks)
            self.failures += failures
            self.nearly += edited.nearly
            file.text, file.line = edited.text, edited.line
            if operation.move_to is not None:
                await self._move(file, operation.move_to)

    async def _move(self, file: _File, path: str) -> None:
        to = await self._file(path)
        if to is file:
            return
        if to.text is not None:
            raise ToolError(f"it cannot be moved to {to.name}, which exists already.")
        if file.before is not None:
            stored = decode(await self.context.files.read_bytes(file.path), file.path)
            if stored is None or stored[1] != UTF_8:
                raise ToolError(
                    "it is not stored as plain UTF-8, which a moved file would be. Move it with a "
                    "command first."
                )
        to.text, to.line, to.moved_from = file.text, file.line, file
        file.text, file.moved_to = None, to

    async def _file(self, path: str) -> _File:
        key = self.context.workspace.path(path)
        if key not in self.files:
            there = await self.context.files.exists(key)
            before = await self.context.files.read(key) if there else None
            text = before.text if before else None
            self.files[key] = _File(key, name_of(self.context, key), before, text)
        return self.files[key]


async def prepare(arguments: ApplyPatch, context: ToolContext) -> Invocation:
    plan = _Plan(context)
    for operation in parse_patch(arguments.patch):
        await plan.take(operation)
    if plan.failures:
        parts = plural(len(plan.failures), "part")
        fit = max(0, plan.parts - len(plan.failures))
        others = f" The {f'other {fit} fit' if fit > 1 else 'other one fits'}." if fit else ""
        told = f"Nothing was changed: {parts} of the patch could not be applied.{others}"
        raise ToolError(f"{told}\n\n" + "\n\n".join(plan.failures), told)
    changes = plan.changes
    if not changes:
        raise ToolError("Nothing was changed: the files already are as the patch would make them.")
    doubt = next(iter(plan.doubts), None)
    refuse_once(context, arguments, doubt, "Give the whole new text.")
    diffs = tuple(Diff(file.path, file.old, file.text) for file in changes)
    locations = tuple(Location(file.path, file.line) for file in changes if file.text is not None)
    told = [file.told for file in changes if file.moved_to not in changes]

    async def run(output: ShowOutput) -> ToolResult:
        del output
        wanted = [PlannedChange(each.path, each.name, each.before, each.text) for each in changes]
        await carry_out(context.files, wanted, "the patch")
        for each in sorted(changes, key=lambda change: change.text is None):
            if each.text is None:
                context.recall.forget(each.path)
            else:
                of = each.moved_from or each
                remember(context.recall, each.path, of.old or "", each.text, of.path)
        text = f"Applied the patch: {', '.join(done for _, done in told)}."
        text += "".join(broken(each.name, each.old, each.text) for each in changes if each.text)
        return ToolResult(text + nearly_told(plan.nearly), diffs=diffs, locations=locations)

    return Invocation(_title([todo for todo, _ in told]), run, diffs=diffs, locations=locations)


def _title(todo: Sequence[str]) -> str:
    if len(todo) == 1:
        return f"{todo[0][0].upper()}{todo[0][1:]}"
    shown = ", ".join(todo[:SHOWN])
    more = f" and {len(todo) - SHOWN} more" if len(todo) > SHOWN else ""
    return f"Patch {len(todo)} files: {shown}{more}"


TOOL = Tool(
    name="apply_patch",
    kind=ToolKind.EDIT,
    group="edit",
    arguments=ApplyPatch,
    prepare=prepare,
    targets=targets,
    doing="Patching",
    writes=True,
)
