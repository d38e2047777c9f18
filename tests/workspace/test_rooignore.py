"""`.rooignore`: nothing it names reaches the agent, by whatever name and through whatever tool."""

import os
import unicodedata
from pathlib import Path

import pytest
from pygls.exceptions import JsonRpcException

from roo_lsp.agent.approval import Act, Allow, Ask, Refuse
from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.ports import SearchQuery
from roo_lsp.agent.tool import Target
from roo_lsp.tools import all_tools
from roo_lsp.workspace import rooignore as rooignore_module
from roo_lsp.workspace.disk import DiskFileSystem
from roo_lsp.workspace.policy import Rules, WorkspacePolicy
from roo_lsp.workspace.rooignore import RooIgnore
from roo_lsp.workspace.search import RipgrepSearcher
from tests.support.editor import NEOVIM, editor
from tests.support.fake_openai import FakeOpenAI, call, text
from tests.support.tools import call as run_tool
from tests.support.tools import tool_context

EVERYTHING = Rules(read_outside=True, edit=True, edit_outside=True, edit_protected=True)


def settings(fake: FakeOpenAI) -> dict:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "m"}}


@pytest.fixture
def ws(tmp_path) -> Path:
    ws = tmp_path / "ws"
    for path in (
        "secrets/key",
        "secrets/ok.txt",
        "src/app.py",
        "src/private.pem",
        "sub/secrets/key",
    ):
        (ws / path).parent.mkdir(parents=True, exist_ok=True)
        (ws / path).write_text("needle\n")
    (ws / ".rooignore").write_text("/secrets/\n!secrets/ok.txt\n*.PEM\n")
    (ws / "to-key").symlink_to("secrets/key")
    (ws / "to-secrets").symlink_to("secrets")
    (tmp_path / "alias").symlink_to(ws)
    return ws


def ignored(ws: Path, path: str) -> bool:
    return RooIgnore([ws]).ignored(ws / path)


@pytest.mark.parametrize(
    "path",
    [
        "secrets", "secrets/key", "secrets/new", "secrets/deep/new", "secrets/ok.txt", "Secrets/KEY", "SECRETS",
        "src/private.pem", "src/new.pem", "to-key", "to-secrets", "to-secrets/key", "to-secrets/new", "src/../secrets/key",
        "src/../to-key", "../ws/secrets/key", "../alias/secrets/key", "src/./private.pem", "secrets//key",
    ],
)  # fmt: skip
def test_what_it_names_is_kept_by_every_name(ws, path):
    assert ignored(ws, path)


@pytest.mark.parametrize(
    "path",
    [
        "src/app.py",
        "sub/secrets/key",
        ".",
        "..",
        "secretsx",
        "src/pem",
        ".rooignore",
        "../elsewhere/secrets",
    ],
)
def test_what_it_does_not_name_is_not_kept(ws, path):
    assert not ignored(ws, path)


def test_the_name_of_a_link_counts_as_well_as_its_target(ws):
    (ws / "cert.pem").symlink_to("src/app.py")
    assert ignored(ws, "cert.pem")


def test_letters_count_as_the_same_however_they_are_composed(ws):
    (ws / ".rooignore").write_text(unicodedata.normalize("NFD", "/geheim-ä\n"))
    assert ignored(ws, unicodedata.normalize("NFC", "geheim-ä"))
    assert ignored(ws, unicodedata.normalize("NFD", "GEHEIM-Ä"))


def test_each_folder_has_its_own_and_those_around_count_too(ws):
    (ws / "sub/.rooignore").write_text("inner\n")
    both = RooIgnore([ws, ws / "sub"])
    assert both.ignored(ws / "sub/inner")
    assert both.ignored(ws / "sub/x.pem")
    assert not both.ignored(ws / "inner")
    assert not RooIgnore([ws]).ignored(ws / "sub/inner")


@pytest.mark.parametrize("how", ["written", "replaced", "made", "removed", "same size"])
def test_a_change_is_heeded_at_once(ws, how):
    file = ws / ".rooignore"
    if how == "made":
        file.unlink()
    ignore = RooIgnore([ws])
    assert not ignore.ignored(ws / "src/app.py")
    match how:
        case "written" | "made":
            file.write_text("app.py\n")
        case "replaced":
            (ws / "other").write_text("app.py\n")
            (ws / "other").replace(file)
        case "same size":
            file.write_text("app.py\n".ljust(file.stat().st_size, "\n"))
        case _:
            file.unlink()
    assert ignore.ignored(ws / "src/app.py") == (how != "removed")
    assert not ignore.ignored(ws / "src/private.pem")


# --- files that cannot be heeded ----------------------------------------------------------------


def too_many(file: Path) -> None:
    file.write_text("a\n" * (rooignore_module.MAX_PATTERNS + 1))


BROKEN = {
    "a folder": lambda file: file.mkdir(),
    "a pipe": os.mkfifo,
    "a link to nothing": lambda file: file.symlink_to("nothing"),
    "a link in a circle": lambda file: file.symlink_to(".rooignore"),
    "a link to a device": lambda file: file.symlink_to("/dev/zero"),
    "bytes that are no UTF-8": lambda file: file.write_bytes(b"caf\xe9\n"),
    "UTF-16": lambda file: file.write_bytes("secrets\n".encode("utf-16-le")),
    "too large": lambda file: file.write_bytes(b"#" * (rooignore_module.MAX_BYTES + 1)),
    "too many patterns": too_many,
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_has_everything_asked_and_says_why(ws, breaking):
    (ws / ".rooignore").unlink()
    breaking(ws / ".rooignore")
    policy = WorkspacePolicy(EVERYTHING, [ws])
    assert policy.ignore.ignored(ws / "src/app.py")
    for path in (ws, ws / "src/app.py", ws / "src/new", ws.parent):
        for verdict in (
            policy.judge(Act("read", [Target(path, "read")])),
            policy.judge(Act("edit", [Target(path, "write")])),
        ):
            assert isinstance(verdict, Ask), path
            assert ".rooignore cannot be heeded" in verdict.why
            assert not verdict.scope
    elsewhere = Target(ws.parent / "elsewhere", "read")
    assert isinstance(policy.judge(Act("read", [elsewhere])), Allow)


def test_a_file_that_may_not_be_read_has_everything_asked(ws, monkeypatch):
    def refusing(path, limit):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(rooignore_module, "read_small", refusing)
    verdict = WorkspacePolicy(EVERYTHING, [ws]).judge(
        Act("read", [Target(ws / "src/app.py", "read")])
    )
    assert isinstance(verdict, Ask)
    assert "permission denied" in verdict.why


# --- every tool -------------------------------------------------------------------------------


PATH_ARGUMENTS = [
    (tool, name)
    for tool in all_tools().values()
    for name in ("path", "cwd")
    if name in tool.arguments.model_fields
]


@pytest.mark.parametrize(
    "asked", ["secrets", "secrets/key", "to-key", "src/new.pem", "src/../secrets"]
)
@pytest.mark.parametrize(("tool", "name"), PATH_ARGUMENTS, ids=[t.name for t, _ in PATH_ARGUMENTS])
def test_every_tool_with_a_path_is_refused_what_is_kept(ws, tool, name, asked):
    values = dict.fromkeys(tool.schema().get("required", []), "x") | {name: asked}
    if "diff" in values:
        values["diff"] = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE"
    targets = tool.targets(tool.arguments.model_validate(values), tool_context(ws))
    refusal = WorkspacePolicy(EVERYTHING, [ws]).pin(Act(tool.group, targets))
    assert isinstance(refusal, Refuse)
    assert ".rooignore keeps it from the agent" in refusal.why


async def test_a_listing_leaves_it_out_and_counts_it(ws):
    context = tool_context(ws, files=DiskFileSystem(ignore=RooIgnore([ws])))
    result = await run_tool(all_tools()["list_files"], context, path=".", recursive=True)
    lines = result.text.splitlines()
    assert "src/app.py" in lines
    assert "sub/secrets/key" in lines
    assert not [line for line in lines if "private" in line or line.startswith("secrets")]
    assert lines[-1] == "(.rooignore keeps 2 entries from you.)"


async def test_its_names_are_not_told_to_who_asks_for_one_like_them(ws):
    files = DiskFileSystem(ignore=RooIgnore([ws]))
    for asked, told in (
        ("src/private.per", "private"),
        ("src/ap.py", "app.py"),
        ("to-secrets/ke", "key"),
    ):
        with pytest.raises(ToolError, match="not found") as caught:
            await files.read(ws / asked)
        assert (f"here: {told}" in caught.value.text) == (told == "app.py")


async def test_a_listing_from_above_leaves_it_out_too(ws):
    files = DiskFileSystem(ignore=RooIgnore([ws]))
    listing = await files.list(ws.parent, recursive=True, limit=100, respect_gitignore=True)
    assert not [entry for entry in listing.entries if "private" in entry.path.name]


async def found(ws: Path, root: Path, unsaved=None, **options) -> set[str]:
    searcher = RipgrepSearcher(ignore=RooIgnore([ws]))
    result = await searcher.search(SearchQuery(root, "needle", unsaved=unsaved or {}, **options))
    assert result.matches == sum(
        line.match for file in result.files for group in file.groups for line in group
    )
    return {os.path.relpath(file.path, root) for file in result.files}


async def test_a_search_does_not_show_it_whatever_the_options(ws):
    expected = {"src/app.py", "sub/secrets/key"}
    assert await found(ws, ws) == expected
    assert await found(ws, ws, respect_gitignore=False) == expected
    assert await found(ws, ws, file_pattern="*.pem") == set()
    assert await found(ws, ws, file_pattern="secrets/*") == set()
    assert await found(ws, ws.parent / "alias") == expected
    assert await found(ws, ws.parent) == {f"ws/{each}" for each in expected}


async def test_a_search_does_not_show_unsaved_text_of_it(ws):
    unsaved = {ws / "secrets/key": "needle", ws / "src/private.pem": "needle", ws / "new": "needle"}
    assert await found(ws, ws, unsaved) == {"src/app.py", "sub/secrets/key", "new"}


async def test_no_walk_shows_the_servers_own_state(ws):
    state = ws / "state"
    state.mkdir()
    (state / "history").write_text("needle\n")
    ignore = RooIgnore([ws], own=state)
    listing = await DiskFileSystem(ignore=ignore).list(
        ws, recursive=True, limit=100, respect_gitignore=True
    )
    assert "history" not in {entry.path.name for entry in listing.entries}
    result = await RipgrepSearcher(ignore=ignore).search(SearchQuery(ws, "needle"))
    assert "history" not in {file.path.name for file in result.files}


# --- what the user sends along ------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        {"context": ["secrets/key"]},
        {"context": ["to-key"]},
        {"context": ["src/app.py", "src/private.pem"]},
        {"images": ["secrets/key"]},
    ],
)
async def test_what_it_names_is_not_sent_with_a_prompt_and_the_user_is_told(ws, sent):
    async with FakeOpenAI() as fake, editor(NEOVIM, ws, settings(fake)) as it:
        it.open(ws / "secrets/key", "unsaved needle\n")
        uris = {field: [(ws / each).as_uri() for each in paths] for field, paths in sent.items()}
        lines = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        if "context" in uris:
            uris["context"] = [{"uri": uri, "range": lines} for uri in uris["context"]]
        with pytest.raises(JsonRpcException, match="rooignore keeps it from the agent"):
            await it.run("roo.task.start", {"prompt": "look", **uris})
        assert not fake.chats


async def test_a_whole_task_sees_nothing_of_it(ws):
    """Through the server as it is: the editor has one of the files open, with unsaved text."""
    calls = [
        call("read_file", {"path": "to-key"}, id="c1"),
        call("search_files", {"path": ".", "regex": "needle"}, id="c2"),
        call("list_files", {"path": ".", "recursive": True}, id="c3"),
    ]
    async with FakeOpenAI() as fake, editor(NEOVIM, ws, settings(fake)) as it:
        it.open(ws / "secrets/key", "unsaved needle\n")
        fake.answers(*calls, text("done"))
        await it.run("roo.task.start", {"prompt": "look", "wait": True})
        read, searched, listed = (
            message["content"] for message in fake.chats[-1].json["messages"] if message["role"] == "tool"
        )  # fmt: skip
    assert ".rooignore keeps it from the agent" in read
    assert "Found 2 matches in 2 files" in searched
    assert "private" not in searched + listed
    assert ".rooignore keeps 2 entries from you." in listed
