"""The turn: ask the model, run the calls it makes, tell it the results, until it is done.

Features are not written in here: they wrap a port (see `roo_lsp/README.md`). The steps have files of
their own: `context.py` around `answer.py`, and `calls.py`.
"""

from dataclasses import replace

from roo_lsp.agent.calls import LeftCalls, run_calls, run_left_calls
from roo_lsp.agent.context import ask_in_window
from roo_lsp.agent.conversation import Agent, Turn
from roo_lsp.agent.events import (
    Queued,
    StopReason,
    SurroundingsTold,
    UserImageChunk,
    UserMessageChunk,
)
from roo_lsp.agent.guards import Limits
from roo_lsp.agent.mentions import Mentioned
from roo_lsp.agent.messages import UserMessage

TEXT_CUT_OFF = "(Your last answer was cut off by the output limit.)"


async def run_turn(agent: Agent) -> StopReason:
    """Work until the model is done or something stops it; the history is valid afterwards.

    Raises:
        RooError: the endpoint could not be used; what was said so far stays in the history.
    """
    agent.turn = Turn()
    await take_inbox(agent)
    await agent.settled()
    return await _work(agent)


async def go_on(agent: Agent, left: LeftCalls) -> StopReason:
    """Take up a turn in the middle of an answer's calls, where a server ended.

    Raises:
        RooError: as `run_turn`.
    """
    agent.turn = Turn()
    await agent.settled()
    if await run_left_calls(agent, agent.brief(), left) and not agent.inbox:
        return "end_turn"
    return await _work(agent)


async def _work(agent: Agent) -> StopReason:
    while True:
        await take_inbox(agent)
        brief = agent.brief()
        if not await within_limits(agent, brief.limits):
            return "max_turn_requests"
        answer = await ask_in_window(agent, brief)
        message = answer.message
        agent.history.append(message)
        if not message.calls:
            agent.cut_off = answer.finish_reason == "length"
            if agent.inbox:
                continue
            return _stop_reason(answer.finish_reason)
        done = await run_calls(agent, brief, answer)
        if done and not agent.inbox:
            return "end_turn"


async def take_inbox(agent: Agent) -> None:
    """What the user said goes into the history and is shown; behind it, what they mention goes to the
    model, and behind the last of it what the editor shows.
    """
    shown = await agent.surroundings.told(turn=True) if agent.inbox else ""
    while agent.inbox:
        message = agent.inbox[0]
        found = await agent.mentions.told(message.words)
        if not agent.inbox or agent.inbox[0] is not message:  # taken back meanwhile, or reworded
            continue
        agent.inbox.popleft()
        agent.repetition.forget()
        if message.queue_id:
            agent.emit(Queued(message.queue_id, state="delivered"))
        agent.emit(UserMessageChunk(message.text))
        for image in message.images:
            if image.uri:
                agent.emit(UserImageChunk(image.uri, image.media_type, image.size))
        last = shown if not agent.inbox else ""
        if last:
            agent.emit(SurroundingsTold(last))
        before = f"{TEXT_CUT_OFF}\n\n" if agent.cut_off else ""
        agent.cut_off = False
        told = _told(message, found, before, last)
        if told.shown:
            told = replace(told, known=agent.context.recall.news())
        agent.history.append(told)
        if found.rest is not None:  # the words are kept, however long the user thinks about it
            more = await found.rest()
            known = agent.context.recall.news()
            agent.history.append(UserMessage("", more.images, shown=more.shown, known=known))


def _told(message: UserMessage, found: Mentioned, before: str, shown: str) -> UserMessage:
    """The message as the model reads it, with something in front of it."""
    behind = message.text[len(message.words) :]
    return replace(
        message,
        text=f"{before}{message.text}",
        meant=f"{before}{found.meant}{behind}" if found.meant else "",
        shown="\n\n".join(part for part in (found.shown, shown) if part),
        images=message.images + found.images,
        own=None,
    )


async def within_limits(agent: Agent, limits: Limits) -> bool:
    """True to go on; where a limit is reached the user decides, and what they add is passed on."""
    question = agent.budget.question(limits)
    if question is None:
        return True
    answer = await agent.context.asker.ask(question, ["Continue", "Stop"], own=True)
    if answer.strip().lower() in {"stop", "no", ""}:
        return False
    agent.budget.grant()
    agent.repetition.forget()
    if answer.strip().lower() not in {"continue", "yes"}:
        agent.inbox.append(UserMessage(answer))
        await take_inbox(agent)
    return True


def _stop_reason(finish_reason: str | None) -> StopReason:
    match finish_reason:
        case "length":
            return "max_tokens"
        case "content_filter":
            return "refusal"
        case _:
            return "end_turn"
