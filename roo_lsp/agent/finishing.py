"""When a call that ends the turn may run: not before what its answer did beside it is known.

Models finish in the same answer in which they change or test something, and say what they expect to
see. What has failed by then, or was only looked at, ends nothing.
"""

import json
from collections.abc import Iterable, Sequence

from roo_lsp.agent.messages import AssistantMessage, Message, ToolMessage

GIVEN = "Given to the user."
"""The result of a call that ends the turn, in the history: its text stands in the call."""

FAILED = (
    "Not finished: {name} of the same answer failed, see its result. Go on, and finish in an answer of "
    "its own once you have seen that the work is done."
)
UNSEEN = (
    "Not finished: you have not yet seen the result of {name} of the same answer. Read it, and finish "
    "in the next answer."
)


def why_not_finished(beside: Iterable[tuple[str, bool, bool]]) -> str | None:
    """Why the turn cannot end yet; `beside` are the answer's other calls.

    Of each its name, whether it went wrong, and whether it only looked at something.
    """
    unseen = None
    for name, wrong, looked in beside:
        if wrong:
            return FAILED.format(name=name)
        if looked:
            unseen = unseen or UNSEEN.format(name=name)
    return unseen


def answer_of(messages: Sequence[Message]) -> str:
    """What a turn came to: the completion's text, else what was said last."""
    given: set[str] = set()
    last = ""
    for message in reversed(messages):
        match message:
            case ToolMessage(call_id, text):
                last = last or text
                if text == GIVEN:
                    given.add(call_id)
            case AssistantMessage(text, calls):
                result = [json.loads(c.arguments).get("result") for c in calls if c.id in given]
                if result and isinstance(result[0], str):
                    return result[0]
                if last or text:
                    return last or text
            case _:  # the user's words: before them there is nothing of this turn
                break
    return last
