"""Rules of the folders that a task works in: told once, behind the result that led there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from roo_lsp.agent.recall import Recall
from roo_lsp.tasks.effective_settings import EffectiveSettings
from roo_lsp.workspace.escapes import label
from roo_lsp.workspace.rules import cut_to, rule_text


@dataclass(slots=True)
class FolderRules:
    """Those of one task."""

    configuration: EffectiveSettings
    recall: Recall
    """Which files the model has seen: those are worked on."""
    is_kept: Callable[[Path], bool]
    """Whether a path is kept from the agent."""
    _told: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Names, with what stands for the text."""
    _been_in: set[Path] = field(default_factory=set[Path])
    _bytes: int = 0

    def forget(self) -> None:
        """What was told is not sent any more: it is told anew."""
        self._told.clear()
        self._been_in.clear()
        self._bytes = 0

    def news(self) -> str:
        """The rules that have not been told of the folders where files were read or changed; or nothing."""
        wanted = self.configuration.current.settings.rules
        parts: list[str] = []
        for path, _ in self.recall.texts():
            if not wanted.agents or path.parent in self._been_in:
                continue
            self._been_in.add(path.parent)
            parts += self._of(path, wanted.max_bytes)
            for name in self.configuration.instructions.come_upon(path):
                self.configuration.tell_once(
                    f"{label(name)} is not used: it is new, or you have not trusted it. You are asked when "
                    "the next task starts."
                )
        if not parts:
            return ""
        tag = self.configuration.rules_tag
        return "\n\n".join([f"<{tag}>", *parts, f"</{tag}>"])

    def _of(self, path: Path, most: int) -> list[str]:
        parts: list[str] = []
        for name, data in self.configuration.instructions.of_folders(path):
            key = (name, sha256(data).hexdigest())
            text = rule_text(data)
            if key in self._told or not text or self.is_kept(path.parent / Path(name).name):
                continue
            self._told.add(key)
            fitting = cut_to(name, text, most - self._bytes)
            self._bytes += len(fitting.encode())
            if fitting != text:
                self.configuration.tell_cut([name])
            parts.append(f"## {name}\n{fitting or f'[Left out: read {name}.]'}")
        return parts
