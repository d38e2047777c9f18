"""What the model may be told of files that neither it nor the user named: a language server did."""

from collections.abc import Sequence
from dataclasses import dataclass

from roo_lsp.agent.approval import Act, Allow, Ask, Policy
from roo_lsp.agent.tool import Seen, Target


@dataclass(frozen=True, slots=True)
class PolicySight:
    """`Sight` as a task's policy has it: what it would not let the model read, is not shown."""

    policy: Policy

    def seen(self, targets: Sequence[Target], approved: Sequence[Target]) -> Sequence[Seen]:
        pinned = [each for each in targets if self.policy.pin(Act("read", [each])) is None]
        named = [Target(each.path, "read") for each in approved]
        # All at once: what is read next is what these led to now.
        if self.policy.pin(Act("read", [*named, *pinned])):
            return ["hidden" for _ in targets]
        folders = self.policy.resolved(named)

        def seen(target: Target) -> Seen:
            match self.policy.judge(Act("read", [target])):
                case Allow():
                    return "shown"
                case Ask():
                    [real] = self.policy.resolved([target])
                    return (
                        "shown" if any(real.is_relative_to(each) for each in folders) else "named"
                    )
                case _:
                    return "hidden"

        return [seen(each) for each in targets]

    def refusal(self, targets: Sequence[Target]) -> str | None:
        refused = self.policy.pin(Act("edit", targets))
        return refused.why if refused else None
