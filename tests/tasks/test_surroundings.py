"""Whatever is typed, saved, closed and written: the model is told of each file it knows that it is another."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from roo_lsp.agent.messages import HistoryEntry, UserMessage
from roo_lsp.agent.ports import Problem
from roo_lsp.agent.recall import Recall
from roo_lsp.agent.tool import Workspace
from roo_lsp.settings import EditorContext
from roo_lsp.tasks.git_beside import GitBeside
from roo_lsp.tasks.surroundings import ReadGate, TaskSurroundings
from roo_lsp.tasks.surroundings_text import BEGIN, END, MORE_CHANGED, Part, editor_block
from roo_lsp.tasks.view import Focus, OpenDocument
from roo_lsp.tools._changed import remember
from roo_lsp.workspace.commands import ShellRunner
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.policy import Rules, WorkspacePolicy

NAMES = ("a.py", "b.py", "c.py")
TEXTS = st.lists(st.sampled_from(["x = 1", "y = 2", "", "\tz", "é" * 90]), max_size=30).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(("open", "save", "close", "delete", "read")), st.sampled_from(NAMES)
        ),
        st.tuples(st.just("patch"), st.sampled_from(NAMES), st.integers(0, 30)),
        st.tuples(st.sampled_from(("type", "write", "edit")), st.sampled_from(NAMES), TEXTS),
        st.tuples(st.sampled_from(("turn", "results", "restart"))),
    ),
    max_size=40,
)

MEANWHILE = (("open", "a.py"), ("read", "a.py"), ("type", "a.py", "x = 1\n" * 19 + "y = 2\n"))
"""The user types while the model makes a call."""


class Screen:
    """`UserView` of an editor that a test plays, over the files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.buffers: dict[str, str] = {}
        self.at: Focus | None = None

    def focus(self) -> Focus | None:
        return self.at

    def documents(self) -> Sequence[OpenDocument]:
        return [
            OpenDocument(self.folder / name, text, text != self.on_disk(name))
            for name, text in self.buffers.items()
        ]

    async def problems(self) -> Sequence[Problem] | None:
        return None

    def on_disk(self, name: str) -> str | None:
        file = self.folder / name
        return file.read_bytes().decode() if file.exists() else None

    def now(self, name: str) -> str | None:
        """What the user sees."""
        return self.buffers.get(name, self.on_disk(name))


def around(folder: Path, screen: Screen, most: int = 2048) -> TaskSurroundings:
    workspace, policy = Workspace((folder,)), WorkspacePolicy(Rules(), [folder])
    return TaskSurroundings(
        screen,
        ReadGate(workspace, policy, lambda: True),
        GitBeside((folder,), lambda: False, lambda: True, lambda work: work.close()),
        DiskFileSystem(ignore=policy.ignore),
        ShellRunner(folder / "outputs"),
        Recall(),
        workspace,
        lambda: EditorContext.model_validate({"maxBytes": most}),
        lambda: "code",
    )


@settings(deadline=None, max_examples=60)
@given(STEPS, st.sampled_from([256, 400, 2048]))
@example([*MEANWHILE, ("patch", "a.py", 0)], 2048)
@example([*MEANWHILE, ("patch", "a.py", 19)], 2048)
@example([*MEANWHILE, ("restart",)], 2048)
def test_the_model_takes_no_text_for_true_that_is_neither_on_the_screen_nor_told_as_changed(
    tmp_path_factory, steps, most
):
    folder = tmp_path_factory.mktemp("proj").resolve()
    for name in NAMES:
        (folder / name).write_text("x = 1\n" * 20, "utf-8")
    asyncio.run(_played(around(folder, screen := Screen(folder), most), screen, steps, most))


async def _played(it: TaskSurroundings, screen: Screen, steps, most: int) -> None:
    believed: dict[str, str] = {}
    stored: list[HistoryEntry] = []
    for step in [*steps, ("turn",)]:
        if step[0] in {"turn", "results"}:
            told = await it.told(turn=step[0] == "turn")
            stored.append(UserMessage("", known=it.recall.news()))
            assert len(told.encode()) <= most
            _believe(believed, screen, told)
        elif step[0] in {"read", "edit"}:
            _known(it, believed, screen, *step)
        elif step[0] == "restart":
            stored.append(UserMessage("", known=it.recall.news()))
            it = around(screen.folder, screen, most)
            it.recall.take_up(stored)
        elif step[0] == "patch":
            _patched(it, believed, screen, *step[1:])
        else:
            _done(screen, *step)


def _believe(believed: dict[str, str], screen: Screen, told: str) -> None:
    """The model reads what it is told."""
    for name, text in list(believed.items()):
        now = screen.now(name)
        named = f"{name}, which you know" in told
        assert now == text or named or MORE_CHANGED in told
        if named and now is None:
            del believed[name]
        elif named:
            believed[name] = now or ""


def _known(
    it: TaskSurroundings,
    believed: dict[str, str],
    screen: Screen,
    how: str,
    name: str,
    text: str = "",
) -> None:
    """A tool reads a file, or changes it through the editor."""
    if how == "edit" and name in screen.buffers:
        screen.buffers[name] = text
    elif how == "edit" or (now := screen.now(name)) is None:
        return
    else:
        text = now
    it.recall.saw(screen.folder / name, text)
    believed[name] = text


def _patched(
    it: TaskSurroundings, believed: dict[str, str], screen: Screen, name: str, at: int
) -> None:
    """A tool changes one line of what is there now; of the others the model knows no more than before."""
    before = screen.buffers.get(name)
    if before is None:
        return
    lines = before.splitlines(keepends=True)
    lines[at:at] = ["patched\n"]
    screen.buffers[name] = after = "".join(lines)
    if believed.setdefault(name, before) == before:
        believed[name] = after
    remember(it.recall, screen.folder / name, before, after)


def _done(screen: Screen, what: str, name: str, text: str = "") -> None:
    """The user does something, or another program does."""
    file, now = screen.folder / name, screen.now(name)
    match what:
        case "open" if now is not None:
            screen.buffers[name] = now
        case "type" if name in screen.buffers:
            screen.buffers[name] = text
        case "save" if name in screen.buffers:
            file.write_bytes(screen.buffers[name].encode())
        case "close":
            screen.buffers.pop(name, None)
        case "delete":
            file.unlink(missing_ok=True)
        case "write":
            file.write_bytes(text.encode())
        case _:
            pass


@given(
    st.lists(st.tuples(st.lists(st.text(max_size=80), min_size=1, max_size=8), st.booleans())),
    st.integers(256, 900),
)
def test_a_block_has_at_most_its_bytes_and_only_what_came_first_of_each_part(parts, most):
    made = [
        Part(
            f"p{n}", n, tuple(" ".join(each.split()) for each in lines), len(lines) if whole else 1
        )
        for n, (lines, whole) in enumerate(parts)
    ]
    text, told = editor_block(made, most)
    assert len(text.encode()) <= most
    assert bool(text) == bool(told)
    if text:
        assert text.startswith(f"{BEGIN}\n")
        assert text.endswith(f"\n{END}")


async def test_a_file_that_a_tool_has_read_is_read_again_only_where_it_looks_otherwise(tmp_path):
    reads: list[Path] = []

    class Counting(DiskFileSystem):
        async def read(self, path):
            reads.append(path)
            return await super().read(path)

    (tmp_path / "a.py").write_text("a = 1\n", "utf-8")
    it = around(tmp_path, Screen(tmp_path))
    it.files = Counting()
    assert (await DiskFileSystem().read(tmp_path / "a.py")).looks is None, "written a moment ago"
    os.utime(tmp_path / "a.py", ns=(2, 2))
    read = await DiskFileSystem().read(tmp_path / "a.py")
    it.recall.saw(tmp_path / "a.py", read.text, read.looks)
    for _ in range(5):
        await it.told(turn=False)
    assert reads == []
    (tmp_path / "a.py").write_text("a = 1\n", "utf-8")  # as it was, but who could know?
    os.utime(tmp_path / "a.py", ns=(1, 1))
    for _ in range(5):
        await it.told(turn=False)
    assert len(reads) == 1


async def test_a_git_that_has_no_answer_in_time_is_left_out(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    slow = GitBeside((tmp_path,), lambda: True, lambda: True, lambda work: work.close())
    assert await slow.answer(0.01) is None
    assert slow.runs == 0
