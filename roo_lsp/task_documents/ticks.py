"""What waits for the user, as lines to tick; and which ticks are the user's own.

```
- [ ] approve: Run pytest -q `perm_0123456789abcdef`
- [ ] deny `perm_0123456789abcdef`:
```

What is written behind the id goes with the answer. A tick is only ever looked at for an entry that is
pending, whose lines were written here, in this session; `Ticks` says which were made by the user.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from roo_lsp.agent.approval import Outcome
from roo_lsp.agent.columns import one_line
from roo_lsp.task_documents.form import bare, code_line
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.details import unified
from roo_lsp.workspace.escapes import exact, label, plain
from roo_lsp.workspace.transcript import fenced, tame

_CHOICE = re.compile(
    r"\s*- \[(?P<tick>.?)\] (?P<word>approve|always|alike|deny|never|other|\d+\.)"
    r".*`(?P<id>(?:perm|trust|question)_[0-9a-f]{16})`(?P<rest>.*)$"
)
WORDS: Mapping[str, Outcome] = {
    "approve": "allow_once",
    "always": "allow_always",
    "alike": "allow_always_prefix",
    "deny": "reject_once",
    "never": "reject_always",
}
PAYLOAD_LINES = 200
"""More of a change than this is only in the details."""

TickKey = tuple[str, str]
"""A choice: the id of its entry, and its word."""


@dataclass(frozen=True, slots=True)
class TickableLine:
    """A line to tick."""

    request_id: str
    word: str
    ticked: bool
    text: str
    """What the user wrote behind it."""

    @property
    def key(self) -> TickKey:
        return self.request_id, self.word


def choice_in(line: str) -> TickableLine | None:
    """The choice that a line is, if it is one."""
    found = _CHOICE.match(bare(line))
    if found is None:
        return None
    ticked = found["tick"] not in {"", " "}
    return TickableLine(found["id"], found["word"], ticked, found["rest"].lstrip(":").strip())


def ticked_in(lines: Iterable[str]) -> dict[TickKey, TickableLine]:
    """The ticked choices of a text."""
    found = (choice_in(line) for line in lines if "`" in line)
    return {each.key: each for each in found if each is not None and each.ticked}


@dataclass(slots=True)
class Ticks:
    """Which ticks of one document were made by its user.

    A tick counts when it appeared by a change that the editor told us of, and that was neither an
    edit of ours (a tool's, say) nor the file's text on disk, read again.
    """

    own: set[TickKey] = field(default_factory=set[TickKey])
    """Made by the user, and still there."""
    foreign: set[TickKey] = field(default_factory=set[TickKey])
    """Put there by an edit of the agent; until somebody takes it away."""

    def edited_by_agent(self, before: Sequence[str], after: Sequence[str]) -> None:
        """An edit was sent to the editor that is not ours to approve by."""
        self.foreign |= ticked_in(after).keys() - ticked_in(before).keys()

    def changed(
        self, before: Sequence[str], after: Sequence[str], *, by_user: bool
    ) -> set[TickKey]:
        """The text changed; the ticks that are new in it."""
        was, now = ticked_in(before).keys(), ticked_in(after).keys()
        gone = was - now
        self.own -= gone
        self.foreign -= gone
        new = (now - was) - self.foreign
        if by_user:
            self.own |= new
        return new


def answered(choice: TickableLine, entry: Pending) -> str | None:
    """What a ticked choice answers: an outcome, or the text for a question; None for nothing."""
    if entry.kind != "question":
        outcome = WORDS.get(choice.word)
        known = entry.request is not None and outcome in entry.request.outcomes
        return outcome if known else None
    if choice.word == "other":
        return choice.text or None
    number = int(choice.word[:-1]) if choice.word[:-1].isdigit() else 0
    if not 1 <= number <= len(entry.suggestions):
        return None
    picked = entry.suggestions[number - 1]
    return f"{picked} ({choice.text})" if choice.text else picked


def block(entry: Pending, show: Callable[[Path], str]) -> list[str]:
    """An entry as lines, payload first, without line ends; `show` writes a path for people."""
    if entry.kind == "question":
        return [*_question(entry), ""]
    title = tame(one_line(entry.title))
    choices = {"approve": f": {title}"}
    choices |= {word: f": {tame(label(entry.reach(WORDS[word])))}" for word in ("always", "alike")}
    choices["deny"] = ""
    outcomes = entry.request.outcomes if entry.request else ()
    return [
        f"**Roo waits for you: {title}?**",
        "",
        *_payload(entry, show),
        *(
            f"- [ ] {word}{text} `{entry.request_id}`{':' if word == 'deny' else ''}"
            for word, text in choices.items()
            if WORDS[word] in outcomes
        ),
        "",
    ]


def _question(entry: Pending) -> Iterator[str]:
    yield "**Roo asks:**"
    yield ""
    yield from tame("\n".join(entry.detail)).split("\n")
    yield ""
    for number, each in enumerate(entry.suggestions, 1):
        yield f"- [ ] {number}. {tame(one_line(plain(each)))} `{entry.request_id}`"
    yield f"- [ ] other `{entry.request_id}`:"


def _payload(entry: Pending, show: Callable[[Path], str]) -> list[str]:
    request = entry.request
    if request is None or entry.kind == "trust":
        return [*code("\n".join(entry.detail), "text"), ""]
    lines: list[str] = []
    if request.command is not None:
        lines += [*code(exact(request.command), "sh"), ""]
    for diff in request.diffs:
        named = replace(diff, path=Path(show(diff.path)))
        lines += [*code(unified(named), "diff", PAYLOAD_LINES), ""]
    about = [each for each in (request.why, request.note) if each]
    if request.cwd is not None and (place := show(request.cwd)) != ".":
        about.insert(0, f"in {place}")
    return [*lines, *([f"({tame(label(' · '.join(about)))})", ""] if about else [])]


def code(text: str, language: str = "", most: int = 0) -> list[str]:
    """A code block as lines; of a text with more than `most` lines the middle is left out."""
    lines = text.split("\n")
    if most and len(lines) > most:
        half = most // 2
        lines[half : len(lines) - half] = [f"… {len(lines) - 2 * half} lines more …"]
    return fenced("\n".join(code_line(line) for line in lines), language).split("\n")
