"""Workspaces as they are found in public repositories, rebuilt in small: what of each the model is told.

The shapes (which files, in which places, how they are named and begun) are those of the repositories
named here; every word in the files is ours. The order of the sections is the one Roo Code has.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from roo_lsp.cli import main
from roo_lsp.tasks import inputs, saying
from tests.support.scripted import calls, says
from tests.tasks.test_instructions import one, results
from tests.tasks.test_service import serving
from tests.workspace.test_skills import made

SKILL = "---\nname: {0}\ndescription: Does {0}\n---\nHow to do {0}.\n"
MODES = """customModes:
  - slug: oncall
    name: On call
    roleDefinition: You answer the pager.
    groups: [read, command]
"""


@dataclass(frozen=True)
class Tree:
    """A workspace, and what is to become of it."""

    files: dict[str, str]
    rules: tuple[str, ...] = ()
    """The sections of the system prompt in the mode code, in their order."""
    skills: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    """What comes along when `reads` is read."""
    reads: str = ""
    told: tuple[str, ...] = ()
    """What the user is told, as expressions."""


def skills(place: str, *names: str) -> dict[str, str]:
    return {f"{place}/{name}/SKILL.md": SKILL.format(name) for name in names}


TREES = {
    "RooCodeInc/Roo-Code": Tree(
        {
            ".roo/rules/rules.md": "Test first.",
            ".roo/rules-code/AGENTS.md": "Of the mode code.",
            ".roo/rules-code/2_apex.xml": "<guide>Indent.</guide>",
            ".roo/rules-code/deep/10_more.md": "More.",
            ".roo/rules-issue-fixer/1_flow.xml": "<flow/>",
            ".roo/knowledge-graph.json.tmp.177": "{}",
            ".roo/tools/select.ts": "export {}",
            ".roo/roomotes.yml": "a: b",
            **skills(".roo/skills", "evals"),
            ".roo/skills/evals/reference/more.md": "Linked.",
            ".roo/commands/k8s.md": '---\ndescription: "Looks at the cluster"\nmode: oncall\n---\nLook.',
            ".roomodes": MODES,
            "AGENTS.md": "Of all.",
        },
        (
            ".roo/rules-code/deep/10_more.md",
            ".roo/rules-code/2_apex.xml",
            ".roo/rules-code/AGENTS.md",
            "AGENTS.md",
            ".roo/rules/rules.md",
        ),
        ("evals",),
        ("k8s",),
    ),
    "lazygophers/roo": Tree(
        {
            ".roo/commands/commit.md": "# 提交\n\n提交所有更改。",
            ".roo/commands/git_commit.md": "Commit.",
            ".roo/rules/workflow-base.md": "Base.",
            ".roo/rules/markdown-style.md": "Style.",
        },
        (".roo/rules/markdown-style.md", ".roo/rules/workflow-base.md"),
        commands=("commit", "git_commit"),
    ),
    "UnderUndre/under-ai-helpers": Tree(
        {
            ".roo/commands/speckit.start.md": "# Start\n\n- `$ARGUMENTS`: what to start",
            ".roo/commands/ui-ux-pro-max.md": "---\ndescription: Draws\n---\nDraw.",
            ".roo/skills/api-patterns/scripts/api_validator.py": "print()",
            ".roo/skills/api-patterns/security-testing.md": "No SKILL.md beside it.",
        },
        commands=("speckit.start", "ui-ux-pro-max"),
    ),
    "CMCDragonkai/.dotfiles-nixos": Tree(
        {
            **{f".roo/commands/{name}.md": "Do it." for name in ("plan", "resume", "save")},
            ".roo/commands/status.md": "One that has the name of ours.",
            ".roo/rules/web.md": "Web.",
        },
        (".roo/rules/web.md",),
        commands=("plan", "resume", "save"),
        told=(r"\.roo/commands/status\.md: /status is a command of roo-lsp itself",),
    ),
    "0xsend/sendapp": Tree(
        {
            ".roo/rules/00-preamble.md": "First.",
            ".roo/rules/01-task-handoff.md": "Second.",
            ".roo/rules-orchestrator/01-task-handoff.md": "Of another mode.",
            ".roo/system-prompt-handoff-manager": "Not a file that counts.",
        },
        (".roo/rules/00-preamble.md", ".roo/rules/01-task-handoff.md"),
    ),
    "Capsize-Games/airunner": Tree(
        {
            ".roo/mcp.json": '{"mcpServers": {}}',
            ".roo/rules-code/rules.md": "Code.",
            ".roo/rules-deepseek-reviewer/rules.md": "Review.",
            ".roo/rules/rules.md": "All.",
            ".clinerules": "Not where .roo/rules is.",
        },
        (".roo/rules-code/rules.md", ".roo/rules/rules.md"),
    ),
    "ActiveMemory/ctx": Tree(
        {
            **skills(".claude/skills", "_ctx-absorb", "backup"),
            ".claude/hooks/block.sh": "exit 1",
            ".claude/commands/release.md": "---\nargument-hint: [version]\n---\nRelease $1.",
            "CLAUDE.md": "Read .context first.",
        },
        ("CLAUDE.md",),
        ("_ctx-absorb", "backup"),
        ("release",),
    ),
    "AceHack/Zeta": Tree(
        {
            **skills(".claude/skills", *(f"skill-{number:02}" for number in range(40))),
            ".claude/skills/no-front-matter/SKILL.md": "# Only a heading",
            ".claude/agents/architect.md": "---\nname: architect\n---\nAn agent of another kind.",
            ".claude/settings.local.json": "{}",
            ".claude/rules.bak/old.md": "Old.",
        },
        skills=tuple(f"skill-{number:02}" for number in range(40)),
        told=(r"no-front-matter/SKILL\.md:1: it has no `description`",),
    ),
    "AbianS/worktree-easy": Tree(
        {
            ".claude/commands/commit.md": (
                "---\ndescription: Commits\nallowed-tools: Bash(git add:*), Bash(git commit:*)\n"
                "model: haiku\n---\n<diff>\n!`git diff --cached`\n</diff>"
            ),
        },
        commands=("commit",),
    ),
    "AbianS/rustrak": Tree(
        {
            ".claude/skills/tdd/SKILL.md": (
                "---\nname: tdd\ndescription: Use this when: a test comes first\nmetadata:\n"
                "  by: somebody\n---\nSee [design](design.md)."
            ),
            ".claude/skills/tdd/design.md": "Design.",
            ".claude/skills/tdd/.decision-log.md": "Log.",
            ".claude/skills/other/SKILL.md": "---\nname: renamed\ndescription: >-\n  Folded\n  text\n---\nX",
        },
        skills=("other", "tdd"),
    ),
    "DXHeroes/local-mcp-gateway": Tree(
        {
            "AGENTS.md": "Of all.",
            "CLAUDE.md": "For another one.",
            "apps/AGENTS.md": "Of apps.",
            "apps/backend/src/AGENTS.md": "Of src.",
            **{f"docs/part-{number}/AGENTS.md": "Of a part." for number in range(60)},
            "apps/backend/src/main.ts": "main()",
            ".cursor/rules.md": "For Cursor.",
            "node_modules/x/AGENTS.md": "Of a package.",
        },
        ("AGENTS.md",),
        along=("apps/AGENTS.md", "apps/backend/src/AGENTS.md"),
        reads="apps/backend/src/main.ts",
    ),
    "8920420-cpu/ai-dev-manager": Tree(
        {
            "AGENTS.md": "Agents.",
            "CLAUDE.md": "Claude.",
            ".clinerules": "Cline.",
            ".cursorrules": "Cursor.",
            ".windsurfrules": "Windsurf.",
            ".roomodes": "customModes: [",
            "codex-runner/CLAUDE.md": "Of the runner.",
            "codex-runner/.clinerules": "Not at the root.",
            "codex-runner/bin.js": "run()",
        },
        ("AGENTS.md", ".clinerules"),
        along=("codex-runner/CLAUDE.md",),
        reads="codex-runner/bin.js",
        told=(r"\.roomodes",),
    ),
    "Benny-Lewis/super-roo": Tree(
        {
            ".roo/commands/finish.md": "---\ndescription: Finishes\n---\nFinish.",
            ".roo/rules/superroo-workspace.md": "Rules.",
            ".roo/rules/superroo-workspace.md.bak": "Old rules.",
            ".roo/rules/empty.md": "\n",
            ".roomodes": f"\ufeff{MODES}",
            "work/skills/writing.md": "No skill.",
        },
        (".roo/rules/superroo-workspace.md",),
        commands=("finish",),
    ),
}


@pytest.mark.parametrize("name", TREES)
async def test_the_model_is_told_what_roo_would_tell_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    tree, folder = TREES[name], tmp_path / "w"
    made(folder, tree.files)
    assert main(["trust", str(folder)]) == 0
    steps = [calls(one("read_file", path=tree.reads))] if tree.reads else []
    async with serving(folder, *steps, says("Done.")) as it:
        await saying.start(it.service, inputs.Start(prompt="Look around.", wait=True))
        system = it.model.requests[0].system
        assert tuple(re.findall(r"^## (.+)", system, re.MULTILINE)) == tree.rules
        for each in tree.rules:
            assert tree.files[each].strip().removeprefix("\ufeff") in system
        assert (
            tuple(re.findall(r"^- ([\w-]+): (?:Does|Use|Folded)", system, re.MULTILINE))
            == tree.skills
        )
        assert tuple(sorted(it.service.configuration.instructions.commands())) == tree.commands
        along = re.findall(r"^## (.+)", results(it)[-1] if tree.reads else "", re.MULTILINE)
        assert tuple(along) == tree.along
        told = "\n".join(it.front.told)
        assert all(re.search(each, told) for each in tree.told)
        assert bool(told) == bool(tree.told)
