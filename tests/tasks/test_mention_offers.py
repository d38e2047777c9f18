"""What `@` offers: the open documents first, the words, and the files that the agent may read."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.tool import Workspace
from roo_lsp.tasks import inputs
from roo_lsp.tasks.background import Background
from roo_lsp.tasks.mention_offers import MentionOffers, best
from roo_lsp.tasks.verbs import running
from roo_lsp.tasks.view import NoView, OpenDocument
from roo_lsp.workspace.folders import Folders
from roo_lsp.workspace.path_list import PathList
from roo_lsp.workspace.rooignore import RooIgnore
from tests.tasks.test_service import serving


class Open(NoView):
    """Documents that are open."""

    def __init__(self, *paths: Path) -> None:
        self.paths = paths

    def documents(self) -> Sequence[OpenDocument]:
        return [OpenDocument(each, "", unsaved=False) for each in self.paths]


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x\n", "utf-8")


def names_of(found) -> list[str]:
    return [each.name for each in found]


async def test_open_documents_come_first_and_what_is_ignored_does_not_come(tmp_path: Path) -> None:
    here = tmp_path / "here"
    made(here, "src/app.py", "src/deep/application.py", "map.txt", "secret/app.py", "built/app.js")
    made(here, "my app.md", "a.roo.md", "node_modules/app/index.js", "two\nlines app.txt")
    made(tmp_path, "app-outside.py")
    (here / ".git").mkdir()
    (here / ".gitignore").write_text("built/\n", "utf-8")
    (here / ".rooignore").write_text("secret/\n", "utf-8")
    folders, work = Folders((here,)), Background()
    workspace = Workspace(folders, folders.named)
    opened = Open(
        here / "src/deep/application.py",
        here / "secret/app.py",
        tmp_path / "app-outside.py",
        here / "a.roo.md",
    )
    paths = PathList(folders, workspace.show, work.start)
    offers = MentionOffers(workspace, RooIgnore(folders), opened, paths)
    found = await offers.matching("app", 10)
    assert names_of(found) == ["src/deep/application.py", "src/app.py", "my app.md"]
    assert [each.text for each in found][-1] == "@my\\ app.md"
    assert names_of(await offers.matching("@/src/", 3)) == [
        "src/deep/application.py",
        "src/",
        "src/deep/",
    ]
    assert names_of(await offers.matching("my\\ a", 9)) == ["my app.md"]
    assert names_of(await offers.matching("pro", 9))[0] == "problems"
    assert names_of(await offers.matching("mptx", 9)) == ["map.txt"]
    assert names_of(await offers.matching("", 4)) == [
        "src/deep/application.py",
        "problems",
        "git-changes",
        "terminal",
    ]
    await work.close()


async def test_other_folders_of_the_workspace_have_their_name_in_front(tmp_path: Path) -> None:
    front, back = tmp_path / "front", tmp_path / "back"
    made(front, "a.txt")
    made(back, "sub/b.txt")
    folders, work = Folders((front, back)), Background()
    workspace = Workspace(folders, folders.named)
    paths = PathList(folders, workspace.show, work.start)
    offers = MentionOffers(workspace, RooIgnore(folders), NoView(), paths)
    assert names_of(await offers.matching("b.txt", 9)) == ["back/sub/b.txt"]
    assert names_of(await offers.matching("a.t", 1)) == ["a.txt"]
    await work.close()


async def test_any_front_end_can_ask_for_them(tmp_path: Path) -> None:
    made(tmp_path, "app.py")
    async with serving(tmp_path) as it:
        found = await running.list_mentions(it.service, inputs.ListMentions(text="app"))
        assert found == [{"name": "app.py", "text": "@app.py", "kind": "file", "description": ""}]


@given(
    st.lists(st.text(alphabet="ab/.", min_size=1, max_size=8), max_size=30, unique=True),
    st.text(alphabet="ab/.", max_size=3),
    st.integers(1, 10),
)
def test_what_is_offered_fits_and_what_has_it_whole_comes_before_what_has_its_letters(
    names: list[str], wanted: str, limit: int
) -> None:
    found = best(wanted, names, limit)
    assert len(found) == len(set(found)) <= limit
    whole = [wanted in each for each in found]
    assert whole == sorted(whole, reverse=True)
    assert sum(whole) == min(limit, sum(wanted in each for each in names))
