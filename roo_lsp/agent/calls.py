"""The calls of one answer: each is prepared, approved and run, and gets exactly one result."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from roo_lsp.agent.answer import Answer
from roo_lsp.agent.approval import Decision
from roo_lsp.agent.context import results_that_fit
from roo_lsp.agent.conversation import Agent, Brief
from roo_lsp.agent.errors import Repeated, ToolError
from roo_lsp.agent.events import SurroundingsTold, ToolCallUpdated
from roo_lsp.agent.finishing import GIVEN, why_not_finished
from roo_lsp.agent.messages import INTERRUPTED, AssistantMessage, ToolCall, ToolMessage
from roo_lsp.agent.paths_meant import as_meant, not_found, unwanted
from roo_lsp.agent.tool import AnyTool, Arguments, Invocation, Target, ToolContext, ToolResult
from roo_lsp.agent.vocabulary import unknown_tool

log = logging.getLogger(__name__)

STOPPED = "Not run: the task was stopped before it was this call's turn."
STOPPED_ASKING = (
    "Not run: the task was stopped while the user was asked to allow this call. Nobody refused it."
)
STOPPED_RUNNING = (
    "The task was stopped while this call ran. What it did until then is not known: look before you "
    "make it again."
)
DENIED = "The user denied this call"
NOT_RUN = "Not run, because the user denied an earlier call of the same answer."
NOT_CHANGED = "Not run, because the change before it in the same answer failed."

PARALLEL = (
    " To use several at once, make several calls in one answer, each to its own tool; those that only "
    "read run side by side."
)
"""For OpenAI's models, which were trained with a tool that wraps others: `multi_tool_use.parallel`."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one call ended: what the model is told, and what that means for the turn."""

    message: ToolMessage
    denied: bool = False
    done: bool = False
    wrong: bool = False


@dataclass(slots=True)
class _Progress:
    """How far the calls of one answer have come, by id."""

    results: dict[str, Result] = field(default_factory=dict[str, Result])
    asking: dict[str, str] = field(default_factory=dict[str, str])
    """Those that the user may have been asked about, with their titles."""
    running: set[str] = field(default_factory=set[str])
    children: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those whose subtask was begun already, with its id."""

    def unfinished(self, call: ToolCall, why: str) -> str:
        """What the model is told of a call that has no result, as the task was stopped."""
        if call.id in self.running:
            return STOPPED_RUNNING
        return (why or STOPPED_ASKING) if call.id in self.asking else STOPPED


async def run_calls(agent: Agent, brief: Brief, answer: Answer) -> bool:
    """Run an answer's calls, in order, reads together; True when one of them ends the turn.

    Each call gets exactly one result, in the order of the calls, whatever happens; no longer in the
    history than the context can take, while what is shown is whole.
    """
    for call in answer.message.calls:
        if why := answer.not_run.get(
            call.id
        ):  # known of no other server that goes on with the rest
            agent.history.keep(ToolMessage(call.id, why, failed=True))
    return await _run_all(agent, brief, answer, _Progress())


@dataclass(frozen=True, slots=True)
class LeftCalls:
    """The calls of an answer that a server left when it ended, and what is known of them, by id."""

    answer: AssistantMessage
    results: Mapping[str, ToolMessage]
    begun: AbstractSet[str]
    """Those that may have been run, and have no result."""
    denied: Callable[[], Mapping[str, tuple[str, Decision]]]
    """Those that the user has denied since, with their titles."""
    over: Callable[[], None]
    """Told when each of them has its result."""
    children: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those that a subtask was begun for, with its id."""


async def run_left_calls(agent: Agent, brief: Brief, left: LeftCalls) -> bool:
    """Go on with an answer's calls where a server ended; none that may have been run is run again."""
    agent.history.reopen()
    progress, denied = _Progress(children=left.children), left.denied()
    for call in left.answer.calls:
        if result := left.results.get(call.id):
            progress.results[call.id] = Result(result, wrong=result.failed)
        elif call.id in left.begun:
            message = ToolMessage(call.id, INTERRUPTED, failed=True)
            agent.history.keep(message)
            agent.emit(ToolCallUpdated(call.id, "failed", title=call.name, text=INTERRUPTED))
            progress.results[call.id] = Result(message, wrong=True)
        elif refused := denied.get(call.id):
            progress.results[call.id] = _refused(agent, call, *refused)
    try:
        return await _run_all(agent, brief, Answer(left.answer, None, {}), progress)
    finally:
        left.over()


async def _run_all(agent: Agent, brief: Brief, answer: Answer, progress: _Progress) -> bool:
    calls, tools, results = answer.message.calls, brief.tools, progress.results
    shown = ""
    try:
        for batch in _batches(
            [call for call in calls if call.id not in results], tools, agent.context
        ):
            if why := _not_run(batch, calls, tools, results):
                for call in batch:
                    agent.emit(ToolCallUpdated(call.id, "failed", title=call.name, text=why))
                    message = ToolMessage(call.id, why, failed=True)
                    results[call.id] = Result(message, wrong=True)
                continue
            # One that cannot end, as nobody can be asked, takes nothing from those beside it.
            ended = await asyncio.gather(
                *(_run(agent, tools, answer, call, progress) for call in batch),
                return_exceptions=True,
            )
            if broken := next((each for each in ended if each is not None), None):
                raise broken
        if not any(result.done for result in results.values()):
            shown = await agent.surroundings.told(turn=False)
    finally:
        for call in calls:
            if call.id not in results:
                why = progress.unfinished(call, agent.turn.why_stopped)
                title = progress.asking.get(call.id, call.name)
                agent.emit(ToolCallUpdated(call.id, "failed", title=title, text=why))
                results[call.id] = Result(ToolMessage(call.id, why, failed=True))
        agent.budget.answer_ended()
        told = [results[call.id].message for call in calls]
        fitting = results_that_fit(agent, brief, told)
        if shown:
            last, news = fitting[-1], agent.context.recall.news()
            text = f"{last.text}\n\n{shown}"
            fitting[-1] = replace(last, text=text, known=(*last.known, *news))
            agent.emit(SurroundingsTold(shown))
        for message in fitting:
            agent.history.append(message)
    return any(result.done for result in results.values())


def _batches(
    calls: Iterable[ToolCall], tools: Mapping[str, AnyTool], context: ToolContext
) -> list[list[ToolCall]]:
    """The calls in order, neighbours that may run beside each other together, those that end it last."""
    batches: list[list[ToolCall]] = []
    beside = False
    for call in sorted(calls, key=lambda call: call.name in tools and tools[call.name].final):
        parallel = call.name in tools and _is_parallel(tools[call.name], call, context)
        if parallel and beside:
            batches[-1].append(call)
        else:
            batches.append([call])
        beside = parallel
    return batches


def _is_parallel(tool: AnyTool, call: ToolCall, context: ToolContext) -> bool:
    if tool.beside is None:
        return tool.parallel
    try:
        return tool.beside(tool.parse(call.arguments, []), context)
    except ToolError:
        return False


def _not_run(
    batch: Sequence[ToolCall],
    calls: Sequence[ToolCall],
    tools: Mapping[str, AnyTool],
    results: Mapping[str, Result],
) -> str | None:
    """Why these calls of an answer are not run after those that have a result, or None."""
    if any(result.denied for result in results.values()):
        return NOT_RUN
    tool = tools.get(batch[0].name)
    if tool is None:
        return None
    if tool.group == "execute":
        failed = (
            results[call.id].wrong and call.name in tools and tools[call.name].group == "edit"
            for call in calls
            if call.id in results
        )
        return NOT_CHANGED if any(failed) else None
    if not tool.final:
        return None
    return why_not_finished(
        (call.name, results[call.id].wrong, call.name in tools and _only_looks(tools[call.name]))
        for call in calls
        if call.id in results
    )


def _only_looks(tool: AnyTool) -> bool:
    return tool.group in {"read", "mcp", "fetch", "subtask"} and not tool.final


async def _run(
    agent: Agent, tools: Mapping[str, AnyTool], answer: Answer, call: ToolCall, progress: _Progress
) -> None:
    """One call, whose result is kept as soon as there is one."""
    child = progress.children.get(call.id)
    if child is None:
        progress.results[call.id] = await run_call(agent, tools, answer, call, progress)
    else:
        progress.running.add(call.id)
        progress.results[call.id] = await _rejoined(agent, call, child)


async def run_call(
    agent: Agent,
    tools: Mapping[str, AnyTool],
    answer: Answer,
    call: ToolCall,
    progress: _Progress,
) -> Result:
    """One call: prepare, ask, run; every failure but cancellation is a result."""
    ignored: list[str] = []
    try:
        tool, targets, invocation = await _prepare(agent, tools, answer, call, ignored)
    except Repeated as error:
        agent.repetition.refused(call)
        return _told(agent, call, call.name, ToolResult(error.text, failed=True), new=False)
    except ToolError as error:
        return _finish(agent, call, call.name, ToolResult(error.text, failed=True))
    except Exception as error:  # noqa: BLE001 -- a tool's bug ends its call, not the task
        return _finish(agent, call, call.name, _bug(call, error))
    title = invocation.title
    progress.asking[call.id] = title
    decision = await agent.gate.decide(tool, call.id, targets, invocation)
    if not decision.allowed:
        if decision.by == "policy":
            return _finish(agent, call, title, ToolResult(decision.feedback, failed=True))
        return _refused(agent, call, title, decision)
    running = ToolCallUpdated(
        call.id, "in_progress", title=title, verb=tool.doing, quiet=tool.told_elsewhere
    )
    agent.emit(running)
    progress.running.add(call.id)
    try:
        result = await invocation.run(lambda output: agent.emit(replace(running, output=output)))
    except ToolError as error:
        result = ToolResult(error.text, failed=True)
    except Exception as error:  # noqa: BLE001 -- as above
        result = _bug(call, error)
    if decision.feedback:
        said = f"The user approved and said: {decision.feedback}"
        result = replace(result, text=f"{result.text}\n\n{said}")
    if ignored:
        names = ", ".join(name[:64] for name in ignored[:8])
        note = f"({call.name} has no argument of this name, and ignored it: {names})"
        result = replace(result, text=f"{result.text}\n\n{note}")
    return _finish(agent, call, title, result, quiet=tool.told_elsewhere)


async def _rejoined(agent: Agent, call: ToolCall, task_id: str) -> Result:
    """A call that was allowed and begun before a server ended, and whose subtask goes on."""
    try:
        if agent.context.subtasks is None:
            raise ToolError("The subtask cannot be gone on with here.")
        result = await agent.context.subtasks.rejoin(call.id, task_id)
    except ToolError as error:
        result = ToolResult(error.text, failed=True)
    return _finish(agent, call, call.name, result)


async def _prepare(
    agent: Agent,
    tools: Mapping[str, AnyTool],
    answer: Answer,
    call: ToolCall,
    ignored: list[str],
) -> tuple[AnyTool, Sequence[Target], Invocation]:
    """What the call would do, shown but not done; `ignored` gets names of arguments it has not.

    Raises:
        ToolError: it cannot be done, or may never be.
    """
    if call.id in answer.not_run:
        raise ToolError(answer.not_run[call.id])
    tool = tools.get(call.name)
    if tool is None:
        more = PARALLEL if call.name == "multi_tool_use_parallel" else ""
        raise ToolError(unknown_tool(call.name, tools) + more)
    if complaint := agent.repetition.complaint(call):
        raise Repeated(complaint)
    only_looks = tool.group in {"read", "always"}
    # What another argument would have done to something is not left undone silently.
    arguments = tool.parse(call.arguments, ignored if only_looks else None)
    meant = await as_meant(tool, arguments, agent.context)
    targets = tool.targets(meant, agent.context)
    if refusal := agent.gate.pin(tool, targets):
        raise ToolError(refusal.why)
    try:
        wrong = await unwanted(targets, agent.context) or await not_found(targets, agent.context)
        if wrong:
            raise wrong  # before anyone is asked
        invocation = await tool.prepare(meant, replace(agent.context, call_id=call.id))
    except ToolError as error:
        reveal = not targets or agent.gate.may_reveal(targets)
        raise ToolError(error.text if reveal else error.brief) from error
    if invocation.targets:
        targets = tuple(dict.fromkeys((*targets, *invocation.targets)))
        if refusal := agent.gate.pin(tool, targets):
            raise ToolError(refusal.why)
    if complaint := agent.repetition.circle(invocation.diffs):
        raise Repeated(complaint)
    agent.emit(
        ToolCallUpdated(
            call.id,
            "pending",
            title=invocation.title,
            raw_input=_raw(call, arguments, meant),
            diffs=invocation.diffs,
            locations=invocation.locations,
            quiet=tool.told_elsewhere,
        )
    )
    return tool, targets, invocation


def _raw(call: ToolCall, arguments: Arguments, meant: Arguments) -> dict[str, Any]:
    """The arguments as they are run."""
    raw = json.loads(call.arguments)
    if meant is not arguments:
        before = arguments.model_dump()
        raw |= {name: value for name, value in meant.model_dump().items() if value != before[name]}
    return raw


def _refused(agent: Agent, call: ToolCall, title: str, decision: Decision) -> Result:
    """The user said no."""
    said = f" They said: {decision.feedback}" if decision.feedback else ""
    text = f"{DENIED}.{said}"
    message = ToolMessage(call.id, text, failed=True)
    agent.history.keep(message)
    agent.repetition.denied(call, text)
    agent.emit(ToolCallUpdated(call.id, "failed", title=title, text=text, denied=True))
    return Result(message, denied=True, wrong=True)


def _bug(call: ToolCall, error: Exception) -> ToolResult:
    log.error("tool %s failed with a bug", call.name, exc_info=error)
    return ToolResult("The tool failed with an internal error of roo-lsp.", failed=True)


def _finish(
    agent: Agent, call: ToolCall, title: str, result: ToolResult, *, quiet: bool = False
) -> Result:
    new = agent.repetition.saw(call, result.text, () if result.failed else result.diffs)
    if not result.failed:
        agent.turn.changed |= {diff.path: None for diff in result.diffs}
    if result.settled:
        agent.repetition.settled(call, result.text)
    return _told(agent, call, title, result, new=new, quiet=quiet)


def _told(
    agent: Agent, call: ToolCall, title: str, result: ToolResult, *, new: bool, quiet: bool = False
) -> Result:
    """Count and show how a call ended."""
    done = result.ends_turn and not result.failed
    failure = f"{title}: {result.text}" if result.failed else None
    text = GIVEN if done else result.text
    message = ToolMessage(
        call.id,
        text,
        failed=result.failed,
        images=result.images,
        known=agent.context.recall.news(),
    )
    agent.history.keep(message)  # before anybody is shown it: it is not lost with the process
    agent.budget.call_ended(failure=failure, new=new)
    agent.emit(
        ToolCallUpdated(
            call.id,
            "failed" if result.failed else "completed",
            title=title,
            text=result.text,
            diffs=result.diffs,
            locations=result.locations,
            meta=result.meta,
            quiet=quiet,
            answer=done,
        )
    )
    return Result(message, done=done, wrong=result.went_wrong)
