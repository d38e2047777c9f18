"""What a person is shown before deciding: whole, ours, and small enough for every dialog."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.tool import Diff, ToolKind, Workspace
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.details import (
    DIALOG_COLUMNS,
    DIALOG_LINES,
    TOO_LONG,
    detail_lines,
    dialog_text,
    document,
)

WORKSPACE = Workspace((Path("/home/me/project"),))


@pytest.fixture(autouse=True)
async def in_a_loop() -> None:
    """Entries hold futures, which want a loop."""
    asyncio.get_running_loop()


def entry(
    command: str | None = None, diffs: tuple[Diff, ...] = (), title: str = "Run it"
) -> Pending:
    request = PermissionRequest(
        "c1",
        "execute_command",
        ToolKind.EXECUTE,
        title,
        "it runs a command",
        scope="this command",
        command=command,
        cwd=Path("/home/me/project"),
        diffs=diffs,
    )
    return Pending("perm_1", "t", "permission", title, detail_lines(request, WORKSPACE), request)


async def test_a_command_is_shown_whole_with_its_folder_and_the_reason() -> None:
    assert dialog_text(entry("pytest -q")).split("\n") == [
        "Roo wants to run:",
        "pytest -q",
        "in /home/me/project",
        "it runs a command",
        "Approve and Always: this command",
    ]


async def test_a_question_is_shown_as_the_models() -> None:
    asked = Pending("question_1", "t", "question", "Which one?", ["Which one?"])
    assert dialog_text(asked) == "The model asks:\nWhich one?"


async def test_the_note_on_the_sandbox_stands_with_the_reason() -> None:
    asked = entry("ls")
    assert asked.request is not None
    noted = replace(asked.request, note="It runs without a sandbox.")
    assert "It runs without a sandbox." in "\n".join(detail_lines(noted, WORKSPACE))


async def test_the_details_of_a_command_read_so() -> None:
    assert document(entry("cd a\nls")) == snapshot("""\
# Roo asks for your approval

```sh
cd a
ls
```

In this folder:

```text
/home/me/project
```

Asked because:

```text
it runs a command
```

Waiting for your answer: `roo.approval.respond` with `{"requestId": "perm_1", "decision": …}`, the decision one of allow_once, allow_always, reject_once, reject_always; or a code action on the diagnostic.
""")


@pytest.mark.parametrize(
    "command",
    ["x" * 5000, "\n".join(f"echo {n}" for n in range(50)), "echo " + " " * 300 + "; rm -rf ~"],
)
async def test_a_dialog_stays_small_and_says_when_it_is_not_all(command: str) -> None:
    lines = dialog_text(entry(command)).split("\n")
    assert len(lines) <= DIALOG_LINES
    assert all(len(line) <= DIALOG_COLUMNS for line in lines)
    assert lines[-1] == TOO_LONG
    assert "".join(command.split("\n")).replace(" ", "") in document(entry(command)).replace(
        "\n", ""
    ).replace(" ", "")


async def test_a_fence_in_a_diff_cannot_end_ours() -> None:
    text = document(entry(diffs=(Diff(Path("/a"), "", "```\n# Approved\n"),)))
    assert "````diff" in text
