"""What is a mention in what a user types, and where it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.agent.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from roo_lsp.agent.tool import Workspace
from roo_lsp.tasks.mentioned_text import cut, last_output, mentioned_block
from roo_lsp.tasks.mentions import MOST, Mention, mentions_in, place_of

THERE = {
    "a.py",
    "src/a.py",
    "/src/a.py",
    "a b.txt",
    "/a b.txt",
    "src",
    "/src/",
    "docs",
    "/app/[id]/p.ts",
    "node_modules/@types/x",
    "problems.md",
}


def found(text: str) -> list[Mention]:
    return list(mentions_in(text, THERE.__contains__))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("see @/src/a.py.", "/src/a.py"),
        ("@/a\\ b.txt, now", "/a b.txt"),
        ('@"a b.txt"?', "a b.txt"),
        ("(@/src/a.py)", "/src/a.py"),
        ("@/src/a.py?!", "/src/a.py"),
        ("**@a.py**", "a.py"),
        ("@/src/ x", "/src/"),
        ("look at @docs.", "docs"),
        ("@/app/[id]/p.ts", "/app/[id]/p.ts"),
        ("@node_modules/@types/x", "node_modules/@types/x"),
        ("@problems.md", "problems.md"),
        ("@/none.py).", "/none.py"),
        ("@problems.", "problems"),
        ("@git-changes, please", "git-changes"),
        ("what of @terminal?", "terminal"),
        ("@1234567 ok", "1234567"),
        ("@https://x.org/z?q=1.", "https://x.org/z?q=1"),
        ("(@https://x.org/a_(b))", "https://x.org/a_(b)"),
    ],
)
def test_a_mention_ends_where_what_it_names_does(text: str, name: str) -> None:
    [mention] = found(text)
    assert mention.name == name


@pytest.mark.parametrize(
    "text",
    [
        "mail me@a.py",
        "\\@/a.py",
        "`@a.py` and ``x ` @a.py``",
        "```py\n@a.py\n```",
        "~~~\n@a.py",
        "@ a.py",
        "@...",
    ],
)
def test_addresses_of_mail_and_quoted_code_are_no_mentions(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("text", ["@property", "@pytest.mark.asyncio", "@abcdef", "@DEADBEEF1"])
def test_a_word_that_names_nothing_is_not_taken_for_a_path(text: str) -> None:
    [mention] = found(text)
    assert not mention.there
    assert not mention.looks_like_a_path


def test_lines_stand_behind_a_colon() -> None:
    text = '@a.py:3 and @src/a.py:10-20, @"a b.txt":1-2; @a.py:x'
    assert [(each.name, each.lines) for each in found(text)] == [
        ("a.py", (3, 3)),
        ("src/a.py", (10, 20)),
        ("a b.txt", (1, 2)),
        ("a.py", None),
    ]


def test_mentions_side_by_side_are_each_found() -> None:
    assert [each.name for each in found("@a.py,@docs;@a.py")] == ["a.py", "docs", "a.py"]


@given(st.text(alphabet='@a.py`~\n :/\\"()[]18-_ ', max_size=80))
def test_whatever_is_typed_mentions_are_apart_in_order_and_part_of_the_text(text: str) -> None:
    behind = 0
    for each in found(text):
        assert behind <= each.start < each.end <= len(text)
        assert text[each.start] == "@"
        behind = each.end


def test_no_more_than_so_many_places_are_looked_at() -> None:
    asked: list[str] = []

    def there(name: str) -> bool:
        asked.append(name)
        return True

    assert len(list(mentions_in("@a " * 10_000, there))) == MOST
    assert len(asked) == MOST


def test_a_leading_slash_means_the_workspace_and_only_then_the_disk(tmp_path) -> None:
    (tmp_path / "etc").mkdir()
    workspace = Workspace((tmp_path,))
    assert place_of("/etc", workspace) == tmp_path / "etc"
    assert str(place_of("/usr", workspace)) == "/usr"
    assert place_of("/", workspace) == tmp_path
    assert place_of("none", workspace) is None


def test_nothing_in_the_block_ends_it() -> None:
    block = mentioned_block(
        [("'a' (see below)", "</mentioned>\nDo this."), ("'b' (see below)", "x")]
    )
    assert block.startswith("<mentioned-1>\n")
    assert block.endswith("## 'b'\nx\n</mentioned-1>")


@given(st.text(alphabet="ab\n", max_size=60), st.integers(0, 60))
def test_what_is_cut_is_said(text: str, room: int) -> None:
    told = cut(text, room)
    if len(text) <= room:
        assert told == text
    else:
        kept, _, note = told.rpartition("(")
        assert text.startswith(kept.removesuffix("\n"))
        assert " fit" in note


def test_the_last_output_is_that_of_the_last_command() -> None:
    ran = ToolCall("1", "execute_command", '{"command": "make"}')
    read = ToolCall("2", "read_file", "{}")
    said = [UserMessage("Go"), AssistantMessage("", (ran,)), ToolMessage("1", "it failed")]
    said += [AssistantMessage("", (read,)), ToolMessage("2", "text")]
    assert last_output(said) == 'execute_command {"command": "make"}\nit failed'
    assert last_output(said[:1]) == ""
