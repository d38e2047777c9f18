"""Asking before acting: the question, the answer, and the gate every tool call goes through.

The policy decides first; only what it leaves open is asked. `workspace/policy.py` has the policy,
a host has the surfaces people answer on.
"""

import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol

from roo_lsp.agent.tool import AnyTool, Diff, Group, Invocation, Target, ToolKind

log = logging.getLogger(__name__)

Outcome = Literal[
    "allow_once", "allow_always", "allow_always_prefix", "reject_once", "reject_always"
]
"""What can be answered: ACP's permission option kinds, and a second one that reaches further."""

LABELS: dict[Outcome, str] = {
    "allow_once": "Approve",
    "allow_always": "Always approve",
    "allow_always_prefix": "Always approve the like",
    "reject_once": "Deny",
    "reject_always": "Always deny",
}


@dataclass(frozen=True, slots=True)
class Act:
    """What a call would do, as far as the policy looks."""

    group: Group
    targets: Sequence[Target] = ()
    command: str | None = None
    cwd: Path | None = None
    """Where the command would run."""
    about: str = ""
    """What an *always* is for, where the group is too much."""
    preapproved: bool = False
    """As in `Invocation`."""


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may run without a question."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call may not run, whoever asks; `why` is told to the model."""

    why: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The user decides; `why` tells what makes the question necessary."""

    why: str
    scope: str
    """What "always" would mean, as a phrase: `edits in this workspace, for this task`."""
    note: str = ""
    """What else the user should know: which sandbox a command would run in."""
    prefix: str = ""
    """The words that commands may begin with for "always" to mean all of these; empty: this one alone."""


Verdict = Allow | Refuse | Ask


@dataclass(frozen=True, slots=True)
class PermissionRequest:
    """One question, whole: what would happen, where, and why it is asked."""

    call_id: str | None
    tool: str
    kind: ToolKind
    title: str
    """One line, ours, from the parsed arguments."""
    why: str
    scope: str = ""
    prefix: str = ""
    """As in `Ask`."""
    note: str = ""
    diffs: Sequence[Diff] = ()
    command: str | None = None
    cwd: Path | None = None
    unconfined: bool = False
    """The command would run outside the sandbox that there is."""
    payload: str = ""
    """What is handed to a program of others, whole."""
    paths: Sequence[Path] = ()
    """The real paths it is about."""
    facts: str = ""
    """Stands for all that the answer is for: an answer to a request with other facts is none to this."""

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What may be answered; `always` only where there is a scope to name."""
        if not self.scope:
            return ("allow_once", "reject_once")
        if self.prefix:
            return tuple(LABELS)
        return ("allow_once", "allow_always", "reject_once", "reject_always")

    def reach(self, outcome: Outcome) -> str:
        """What an *always* would mean, as a phrase; empty for every other answer."""
        if outcome == "allow_always_prefix":
            return (
                f"commands that begin with “{self.prefix}”, as far as their options are known to be "
                "harmless, for this task"
            )
        return self.scope if outcome.endswith("always") else ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer: what, through which surface, and what the user said along with it."""

    outcome: Outcome
    by: str
    feedback: str = ""

    @property
    def allowed(self) -> bool:
        return self.outcome in {"allow_once", "allow_always", "allow_always_prefix"}

    @property
    def kind(self) -> str:
        """ACP's name for it."""
        return self.outcome.removesuffix("_prefix")


class Approver(Protocol):
    """Puts a question to the user."""

    async def approve(self, request: PermissionRequest) -> Decision:
        """The decision; cancelling withdraws the question."""
        ...


class Policy(Protocol):
    """Decides what can be decided without the user; an exception in it counts as a refusal."""

    def pin(self, act: Act) -> Refuse | None:
        """Before anything is looked at: hold the call to where its targets lead now.

        What takes the place of one of them afterwards is refused. None, or why this can never be.
        """
        ...

    def judge(self, act: Act) -> Verdict:
        """Whether the call may run, may not, or is the user's to decide."""
        ...

    def remember(self, act: Act, outcome: Outcome) -> None:
        """Let the same be decided the same way for the rest of the task, as far as the answer says so."""
        ...

    def resolved(self, targets: Sequence[Target]) -> tuple[Path, ...]:
        """The real paths behind the targets, all links followed."""
        ...

    def confines(self) -> bool:
        """True where commands run in a sandbox, so that leaving it is a question of its own."""
        ...

    def places(self, targets: Sequence[Target]) -> Hashable:
        """Which folders those are or lie in: another one of the same name is another place."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """The one way from a tool call to its effect."""

    policy: Policy
    approver: Approver

    def pin(self, tool: AnyTool, targets: Sequence[Target]) -> Refuse | None:
        """Hold the call to where its targets lead now.

        None, or why it is refused before it is even prepared.
        """
        return self.policy.pin(Act(tool.group, targets))

    def asks(self, tool: AnyTool, targets: Sequence[Target]) -> bool:
        """True when the user would have to be asked about a call that does nothing but read."""
        return isinstance(self.policy.judge(Act(tool.group, targets)), Ask)

    def may_reveal(self, targets: Sequence[Target]) -> bool:
        """True when the model may be told what stands in the targets without a question."""
        reads = [Target(target.path, "read") for target in targets]
        return isinstance(self.policy.judge(Act("read", reads)), Allow)

    async def decide(
        self,
        tool: AnyTool,
        call_id: str | None,
        targets: Sequence[Target],
        invocation: Invocation,
    ) -> Decision:
        """Allowed or rejected, by the policy or by the user, for exactly this invocation.

        What cannot be checked or asked is rejected. Without a `call_id` it is what the user wants
        to have looked at.
        """
        try:
            return await self._decide(tool, call_id, targets, invocation)
        except Exception:
            log.exception("a call could not be checked")
            return Decision("reject_once", "policy", UNCHECKED)

    async def _decide(
        self, tool: AnyTool, call_id: str | None, targets: Sequence[Target], invocation: Invocation
    ) -> Decision:
        # Looked up before it is judged: what is swapped in between is seen at the end.
        paths, places = self.policy.resolved(targets), self.policy.places(targets)
        act = Act(
            tool.group,
            targets,
            invocation.command,
            invocation.cwd,
            invocation.about,
            invocation.preapproved,
        )
        verdict = self.policy.judge(act)
        unconfined = invocation.unconfined and self.policy.confines()
        if unconfined and not isinstance(verdict, Refuse):
            verdict = OUTSIDE
        if isinstance(verdict, Allow):
            return Decision("allow_once", "policy")
        if isinstance(verdict, Refuse):
            return Decision("reject_once", "policy", verdict.why)
        note = " · ".join(filter(None, (verdict.note, invocation.note)))
        decision = await self.approver.approve(
            PermissionRequest(
                call_id=call_id,
                tool=tool.name,
                kind=tool.kind,
                title=invocation.title,
                why=verdict.why,
                scope=verdict.scope,
                prefix=verdict.prefix,
                note=note,
                diffs=invocation.diffs,
                command=invocation.command,
                cwd=invocation.cwd,
                unconfined=unconfined,
                payload=invocation.payload,
                paths=paths,
                facts=_facts(tool, invocation, paths, places, note, unconfined=unconfined),
            )
        )
        now = (self.policy.resolved(targets), self.policy.places(targets))
        if decision.allowed and now != (paths, places):
            return Decision("reject_once", "policy", CHANGED)
        if decision.allowed:
            # What the user has forbidden since, by a setting or a `.rooignore`, stays forbidden.
            again = self.policy.judge(act)
            if isinstance(again, Refuse):
                return Decision("reject_once", "policy", again.why)
        if not unconfined:
            self.policy.remember(act, decision.outcome)
        return decision


def _facts(
    tool: AnyTool,
    invocation: Invocation,
    paths: Sequence[Path],
    places: Hashable,
    note: str,
    *,
    unconfined: bool,
) -> str:
    """The same for the same call on the same files in the same state, in whatever process."""
    hashed = sha256(f"{tool.name}\0{invocation.title}\0{note}\0{unconfined}\0{places!r}".encode())
    for each in (invocation.command, invocation.cwd, invocation.payload, invocation.about, *paths):
        hashed.update(f"\0{each!r}".encode())
    for diff in invocation.diffs:
        hashed.update(f"\0{diff.path!r}\0{diff.old!r}\0{diff.new!r}".encode())
    return hashed.hexdigest()


OUTSIDE = Ask(
    "it runs a command outside the sandbox, where it may write anywhere and has the network",
    scope="",
    note="Sandbox: off for this command",
)
CHANGED = "The path leads elsewhere now than when the user was asked: changed while you were asked."
UNCHECKED = "This call could not be checked, so it was refused."
