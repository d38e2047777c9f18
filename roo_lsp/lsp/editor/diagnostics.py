"""The editor's diagnostics: what other language servers say, and the problems that an edit brought.

`roo/diagnostics {uris?, wait} → {items: [{uri, diagnostics: Diagnostic[]}]}`, for clients that opted
in. No notification tells a server what others publish, so the client is asked: for a tool, and before
and after each edit. With `wait` it may hold its answer until its servers have seen the edit; no answer
in time, null and an error mean that nothing is known, and of an edit nothing is said.
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, Field, ValidationError

from roo_lsp.agent.json_values import object_or_empty
from roo_lsp.agent.ports import Problem
from roo_lsp.agent.tool import AnyTool, Invocation, ShowOutput, ToolContext, ToolResult, Workspace
from roo_lsp.lsp.editor.documents import Documents
from roo_lsp.lsp.wire.protocol import ClientError, RooProtocol
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.problems import SEVERITIES, problem_line
from roo_lsp.workspace.uris import path_of, uri_of

log = logging.getLogger(__name__)

METHOD = "roo/diagnostics"
ANSWER_SECONDS = 2.0
"""How long the client may hold its answer."""
SHOWN = 20
"""Problems in one result."""
WARNING = 2
"""LSP's number; information and hints are no problems that an edit is told of."""
MAX_ITEMS = 20_000
"""Problems of one answer that are looked at."""
OWN_SOURCE = "roo"
"""Our own diagnostics mark what waits and what is to be reviewed."""


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """The client's diagnostics, and edits that tell what they did to them."""

    documents: Documents
    protocol: RooProtocol

    def told_by(self, tool: AnyTool) -> AnyTool:
        """The tool, its results naming the new problems where it edits files."""
        if tool.group != "edit":
            return tool

        async def prepare(arguments: Any, context: ToolContext) -> Invocation:
            invocation = await tool.prepare(arguments, context)

            async def run(output: ShowOutput) -> ToolResult:
                return await self._run(invocation, output, context.workspace)

            return replace(invocation, run=run)

        return replace(tool, prepare=prepare)

    async def _run(
        self, invocation: Invocation, output: ShowOutput, workspace: Workspace
    ) -> ToolResult:
        paths = [diff.path for diff in invocation.diffs]
        before = await self.of(paths, wait=False)
        result = await invocation.run(output)
        if before is None or result.failed:
            return result
        left = [diff.path for diff in invocation.diffs if diff.new is not None]
        after = await self.of(left, wait=True) or []
        if not (new := new_problems(before, after)):
            return result
        return replace(result, text=f"{result.text}\n\n{problems_text(new, workspace)}")

    async def of(self, paths: Sequence[Path], *, wait: bool) -> list[Problem] | None:
        """The problems in these files, or None where the client does not say."""
        if not paths:
            return None
        params = {"uris": [self._uri(path) for path in paths], "wait": wait}
        try:
            answer = await self.protocol.request(METHOD, params, timeout=ANSWER_SECONDS)
        except (ClientError, TimeoutError) as error:
            log.info("%s: %s", METHOD, error or f"no answer within {ANSWER_SECONDS:g} s")
            return None
        known = {_real(path): path for path in paths}
        found = items_of(answer)
        if found is None:
            return None
        return [
            replace(each, path=path)
            for where, problems in found
            if (path := known.get(_real(where))) is not None
            for each in problems
            if each.severity <= WARNING
        ]

    def _uri(self, path: Path) -> str:
        document = self.documents.get(path)
        return document.uri if document is not None else uri_of(path)


def new_problems(before: Iterable[Problem], after: Iterable[Problem]) -> list[Problem]:
    """What is there after and was not before, wherever it stood; errors first, then by line."""
    known = list(before)
    same_place, same_kind = Counter(known), Counter(each.kind for each in known)
    moved: list[Problem] = []
    for each in after:
        if same_place[each]:
            same_place[each] -= 1
            same_kind[each.kind] -= 1
        else:
            moved.append(each)
    new: list[Problem] = []
    for each in moved:
        if same_kind[each.kind] > 0:
            same_kind[each.kind] -= 1
        else:
            new.append(each)
    return sorted(new, key=lambda each: (each.severity, str(each.path), each.line))


def problems_text(problems: Sequence[Problem], workspace: Workspace) -> str:
    """The block that the model and the user see below an edit's result."""
    lines = [_shown(each, workspace) for each in problems[:SHOWN]]
    if (more := len(problems) - SHOWN) > 0:
        lines.append(f"… and {more} more")
    return "\n".join(["New problems there, as the editor's language servers report them:", *lines])


def _shown(problem: Problem, workspace: Workspace) -> str:
    return f"{label(workspace.show(problem.path))}:{problem.line}: {problem_line(problem)}"


# --- the client's answer --------------------------------------------------------------------


def items_of(answer: object) -> list[tuple[Path, list[Problem]]] | None:
    """What a client answers, by file; None where it does not say.

    What makes no sense is left out, and so is what is ours.
    """
    items = object_or_empty(answer).get("items")
    if not isinstance(items, list):
        return None
    found: list[tuple[Path, list[Problem]]] = []
    room = MAX_ITEMS
    for item in islice(cast("list[object]", items), MAX_ITEMS):
        try:
            read = _Item.model_validate(item)
        except ValidationError:
            continue
        if (path := path_of(read.uri)) is None:
            continue
        taken = read.diagnostics[:room]
        room -= len(taken)
        found.append((path, [each for raw in taken if (each := _problem(path, raw)) is not None]))
    return found


class _Start(BaseModel):
    line: Annotated[int, Field(ge=0, lt=2**31)]


class _Range(BaseModel):
    start: _Start


class _Diagnostic(BaseModel):
    """As much of LSP's `Diagnostic` as is used."""

    range: _Range
    message: str
    severity: int | None = None
    source: str | None = None
    code: str | int | None = None


class _Item(BaseModel):
    uri: str
    diagnostics: list[object]


def _problem(path: Path, raw: object) -> Problem | None:
    try:
        read = _Diagnostic.model_validate(raw)
    except ValidationError:
        return None
    severity, source = read.severity or 1, read.source or ""
    if severity not in SEVERITIES or source.casefold() == OWN_SOURCE:
        return None
    code = "" if read.code is None else str(read.code)
    return Problem(path, read.range.start.line + 1, severity, read.message, source, code)


def _real(path: Path) -> str:
    return os.path.realpath(path)
