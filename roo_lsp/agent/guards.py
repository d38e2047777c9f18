"""What keeps a turn from running away: limits the user set, failures in a row, repetition."""

from collections import deque
from dataclasses import dataclass, field

from roo_lsp.agent.messages import ToolCall
from roo_lsp.agent.ports import Usage
from roo_lsp.agent.tool import canonical
from roo_lsp.agent.usage import Price

LONGEST_CYCLE = 4
"""Calls in a cycle that is recognised: A-A-A, A-B-A-B, … up to A-B-C-D."""
ROUNDS = 3
"""How often a cycle may go round, with the same results, before its next call is refused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the user wants to be asked; 0 is no limit."""

    requests: int = 0
    cost: float = 0
    """US dollars."""
    mistakes: int = 3
    """Failed tool calls in a row."""
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

    def spend(self, usage: Usage, price: Price) -> None:
        """A request ended."""
        cost = price.cost(usage)
        self.requests += 1
        self.cost += cost
        self.total_cost += cost
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens

    def call_ended(self, *, failed: bool) -> None:
        """A call ended; success ends a row of failures."""
        self.steps += 1
        self.mistakes = self.mistakes + 1 if failed else 0

    def grant(self) -> None:
        """The user said to go on: count from nothing again."""
        self.requests = self.steps = self.mistakes = 0
        self.cost = 0

    def question(self, limits: Limits) -> str | None:
        """What to ask the user when a limit is reached, else None."""
        if 0 < limits.mistakes <= self.mistakes:
            return (
                f"{self.mistakes} tool calls in a row have failed. Continue, stop, or say what to "
                "do differently?"
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


@dataclass(slots=True)
class Repetition:
    """Notices calls that go in circles: the same ones, in the same order, with the same results."""

    seen: deque[tuple[str, int]] = field(
        default_factory=lambda: deque[tuple[str, int]](maxlen=LONGEST_CYCLE * ROUNDS)
    )

    def saw(self, call: ToolCall, result: str) -> None:
        """A call ended with this result."""
        self.seen.append((canonical(call.name, call.arguments), hash(result)))

    def complaint(self, call: ToolCall) -> str | None:
        """Why the call is refused, when it would go round once more, else None."""
        key = canonical(call.name, call.arguments)
        past = list(self.seen)
        for length in range(1, LONGEST_CYCLE + 1):
            recent = past[-length * ROUNDS :]
            goes_round = len(recent) == length * ROUNDS and recent == recent[:length] * ROUNDS
            if goes_round and recent[0][0] == key:
                what = "this call" if length == 1 else f"these {length} calls in turn"
                return (
                    f"You have made {what} {ROUNDS} times with the same result each time. It was "
                    "not run again. Do something else, or ask the user."
                )
        return None

    def forget(self) -> None:
        """Start anew, after the user said something."""
        self.seen.clear()
