"""What keeps a turn from running away: limits the user set, failures in a row, repetition."""

import json
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

from roo_lsp.agent.columns import one_line
from roo_lsp.agent.messages import ToolCall
from roo_lsp.agent.ports import Usage
from roo_lsp.agent.tool import Diff, canonical
from roo_lsp.agent.usage import Price, Spent

LONGEST_CYCLE = 4
"""Calls in a cycle that is recognised at once: A-A-A, A-B-A-B, … up to A-B-C-D."""
ROUNDS = 3
"""How often a cycle may go round, with the same results, before its next call is refused."""
NOTHING_NEW = LONGEST_CYCLE * ROUNDS
"""Results in a row that were there before, after which every call that was there too is refused."""
KEPT = 1_000
"""Results, answers and states of files that are remembered; a circle of more calls is none."""
WHY = 160
"""Characters of a failure that a question tells."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the user wants to be asked; 0 is no limit."""

    requests: int = 0
    cost: float = 0
    """US dollars."""
    mistakes: int = 3
    """Answers in a row of which no call brought anything new, and some failed."""
    steps: int = 0
    """Tool calls."""


@dataclass(slots=True)
class Budget:
    """What was used since the user last said to go on; the cost is also kept for the whole task."""

    requests: int = 0
    steps: int = 0
    mistakes: int = 0
    cost: float = 0
    total_cost: float = 0
    input_tokens: int = 0
    output_tokens: int = 0
    below: Spent = field(default_factory=Spent)
    """What the task's subtasks have taken; no part of the figures above but of `cost`."""
    _last_failure: str = ""
    _failed: bool = False
    """Of the answer whose calls run now: whether one failed, and whether one brought something new."""
    _new: bool = False

    def spend(self, usage: Usage, price: Price) -> None:
        """A request ended."""
        cost = price.cost(usage)
        self.requests += 1
        self.cost += cost
        self.total_cost += cost
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens

    @property
    def whole_cost(self) -> float:
        """US dollars of the task with its subtasks."""
        return self.total_cost + self.below.cost

    def take_below(self, spent: Spent) -> None:
        """The subtasks have taken so much by now."""
        self.cost += spent.cost - self.below.cost
        self.below = spent

    def call_ended(self, *, failure: str | None, new: bool) -> None:
        """A call ended: `failure` says which and why, `new` that its result was not there before."""
        self.steps += 1
        self._new |= new and failure is None
        if failure is not None:
            self._failed, self._last_failure = True, failure

    def answer_ended(self) -> None:
        """All calls of an answer ended: it is one mistake at most, and only what is new ends a row."""
        if self._new:
            self.mistakes = 0
        elif self._failed:
            self.mistakes += 1
        self._new = self._failed = False

    def grant(self) -> None:
        """The user said to go on: count from nothing again."""
        self.requests = self.steps = self.mistakes = 0
        self.cost = 0

    def question(self, limits: Limits) -> str | None:
        """What to ask the user when a limit is reached, else None."""
        if 0 < limits.mistakes <= self.mistakes:
            times = f"{self.mistakes} times in a row" if self.mistakes > 1 else "Once"
            return (
                f"{times} the model made calls that failed and found nothing new. The last: "
                f"{one_line(self._last_failure)[:WHY]} Continue, stop, or say what to do differently?"
            )
        if 0 < limits.requests <= self.requests:
            return f"The limit of {limits.requests} requests (roo.limits.requests) is reached. Continue?"
        if 0 < limits.steps <= self.steps:
            return (
                f"The limit of {limits.steps} tool calls (roo.limits.steps) is reached. Continue?"
            )
        if 0 < limits.cost <= self.cost:
            return f"The limit of ${limits.cost:g} (roo.limits.cost) is reached. Continue?"
        return None


_Seen = tuple[str, int]
"""A call and its result, as they are compared."""


@dataclass(slots=True)
class _Said:
    """What the user said to a call: denied it, or answered its question."""

    text: str
    times: int = 1


@dataclass(slots=True)
class Repetition:
    """Notices calls that go in circles.

    The same ones with the same results, also when some of them are refused; those that the user has
    settled, once more; changes that make a file what it was before, again and again.
    """

    _last: deque[_Seen] = field(default_factory=lambda: deque[_Seen](maxlen=NOTHING_NEW))
    _known: OrderedDict[_Seen, None] = field(default_factory=OrderedDict[_Seen, None])
    _calls: OrderedDict[str, int] = field(default_factory=OrderedDict[str, int])
    """The last result of each call."""
    _said: OrderedDict[str, _Said] = field(default_factory=OrderedDict[str, _Said])
    _states: OrderedDict[_Seen, int] = field(default_factory=OrderedDict[_Seen, int])
    """How often a file was made what it then was."""
    _old: int = 0
    """Results in a row that were there before."""
    _since: bool = False
    """Something new came since the user last said something to a call."""

    def saw(self, call: ToolCall, result: str, diffs: Sequence[Diff] = ()) -> bool:
        """A call ended with this result; True where there was none like it."""
        key = _key(call)
        return self._took((key, hash(result)), [*map(_state, diffs)])

    def denied(self, call: ToolCall, text: str) -> None:
        """The user denied the call; `text` is what the model was told."""
        self._took((_key(call), hash(text)), [])
        self.settled(call, text)

    def settled(self, call: ToolCall, text: str) -> None:
        """The user has said what there is to say to the call; `text` is what the model was told."""
        key = _key(call)
        before = self._said.get(key)
        _put(self._said, key, _Said(text, before.times + 1 if before else 1))
        self._since = False

    def refused(self, call: ToolCall) -> None:
        """A call was refused as a repetition: that is no result, and ends no circle."""
        key = _key(call)
        self._last.append((key, self._calls.get(key, 0)))
        self._old += 1

    def complaint(self, call: ToolCall) -> str | None:
        """Why the call is refused, when it would go round once more, else None."""
        key = _key(call)
        said = self._said.get(key)
        if said and (not self._since or said.times >= ROUNDS):
            return f"Not asked again, the user has settled exactly this. {said.text}"
        past = list(self._last)
        for length in range(1, LONGEST_CYCLE + 1):
            recent = past[-length * ROUNDS :]
            goes_round = len(recent) == length * ROUNDS and recent == recent[:length] * ROUNDS
            if goes_round and recent[0][0] == key:
                what = "this call" if length == 1 else f"these {length} calls in turn"
                return (
                    f"You have made {what} {ROUNDS} times with the same result each time. It was "
                    "not run again. Do something else, or ask the user."
                )
        if self._old >= NOTHING_NEW and key in self._calls:
            return (
                f"Your last {self._old} calls were repetitions that brought nothing new, and so is "
                "this one: it was not run. Use what you know: change something, or end with what "
                "you found."
            )
        return None

    def circle(self, diffs: Sequence[Diff]) -> str | None:
        """Why changes are refused that would make files what they were several times, else None."""
        if not diffs or any(self._states.get(_state(diff), 0) < ROUNDS for diff in diffs):
            return None
        return (
            f"{diffs[0].path.name} was made exactly this {ROUNDS} times, and then changed again: you go "
            "in a circle. It was not written. Find out what is wrong another way, or ask the user."
        )

    def forget(self) -> None:
        """Start anew, after the user said something."""
        for each in (self._last, self._known, self._calls, self._said, self._states):
            each.clear()
        self._old = 0

    def _took(self, seen: _Seen, states: Sequence[_Seen]) -> bool:
        new = seen not in self._known
        self._last.append(seen)
        _put(self._known, seen, None)
        _put(self._calls, seen[0], seen[1])
        for state in states:
            _put(self._states, state, self._states.get(state, 0) + 1)
        self._old = 0 if new else self._old + 1
        self._since |= new
        return new


K = TypeVar("K")
V = TypeVar("V")


def _put(kept: OrderedDict[K, V], key: K, value: V) -> None:
    """Remembers, and forgets what is oldest where there is too much."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT:
        kept.popitem(last=False)


def _key(call: ToolCall) -> str:
    """A call's identity; questions are the same whatever answers they offer."""
    try:
        given = cast("object", json.loads(call.arguments))
    except ValueError:
        given = None
    question = cast("dict[str, object]", given).get("question") if isinstance(given, dict) else None
    if isinstance(question, str):
        return f"{call.name} {' '.join(question.casefold().split())}"
    return canonical(call.name, call.arguments)


def _state(diff: Diff) -> _Seen:
    return (str(diff.path), hash(diff.new))
