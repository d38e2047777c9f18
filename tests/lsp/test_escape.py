"""Texts of others, as people see them: nothing hides in them, nothing in them comes alive."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from markdown_it import MarkdownIt

from roo_lsp.agent.approval import PermissionRequest
from roo_lsp.agent.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from roo_lsp.agent.tool import Diff, ToolKind, Workspace
from roo_lsp.lsp.surfaces.waiting import REVIEW, dialog_titles
from roo_lsp.tasks.approvals import Pending
from roo_lsp.tasks.details import TOO_LONG, detail_lines, dialog_text, document, unified
from roo_lsp.tasks.hunks import NO_FEED
from roo_lsp.workspace.escapes import exact, label, plain
from roo_lsp.workspace.task_index import TaskSummary
from roo_lsp.workspace.transcript import markdown, tame
from tests.support.escapes import unescaped

WORKSPACE = Workspace((Path("/home/me/project"),))
READER = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(
    ["table", "strikethrough"]
)
"""A reader of Markdown that is not ours, and that lets HTML through."""

HOSTILE = [
    "ls\nrm -rf ~",
    "ls \\\n  -la",
    "\x1b[2K\rls",
    "ls\u202esl",
    "a\u200bb\u2060c\ufeff",
    "раураl",  # noqa: RUF001 -- Cyrillic
    "rm\u3000-rf\u00a0/",
    "cat ./／etc／passwd",  # noqa: RUF001 -- fullwidth
    "echo \\u202e and \\x1b are text",
    "printf 'a\\tb\tc'",
    "![x](http://evil.example/a.png)",
    "[ok](command:roo.approval.respond?%7B%22decision%22%3A%22allow_once%22%7D)",
    "<img src=http://evil.example/a.png><script>1</script>",
    "```\n# Approved by the user\n![x](http://evil.example)\n```",
    "~~~\n````\n</details>",
    "| a | b |\n|---|---|\n| `a | ![x](http://evil.example) ` |",
    "\\![x](http://evil.example)",
    "> # You\n\nYou\n===\nApproved\n---",
    "[a]: http://evil.example\n\n[a] ![a]",
    "&lt;b&gt; <http://evil.example>",
    "x\x00y\x7fz\x9b1m",
    "line\u2028break\u2029\u0085end",
    "e\u0301\u0338= ❤\ufe0f\u3164\u2800",
    "\ud800 half",
]


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
        command=command,
        cwd=WORKSPACE.root,
        diffs=diffs,
        paths=() if command else tuple(diff.path for diff in diffs),
    )
    return Pending("perm_1", "t", "permission", title, detail_lines(request, WORKSPACE), request)


def question(text: str, *suggestions: str) -> Pending:
    return Pending("question_1", "t", "question", text, [text], suggestions=suggestions)


def alive(text: str) -> list[str]:
    """What a reader would make of it beyond text and code: images, links, HTML, and headings."""
    found: list[str] = []
    for token in READER.parse(text):
        for each in (token, *(token.children or ())):
            if each.type in {"image", "link_open", "html_block", "html_inline"}:
                found.append(f"{each.type}: {each.content}")
            if each.type == "heading_open":
                found.append(f"heading {each.tag}")
    return found


def blocks(text: str) -> list[str]:
    """The contents of its code blocks, each without the line feed at its end."""
    return [t.content.removesuffix("\n") for t in READER.parse(text) if t.type == "fence"]


# --- escapes ------------------------------------------------------------------------------------


def test_hostile_texts_read_so() -> None:
    assert [exact(each) for each in HOSTILE[2:10]] == snapshot(
        [
            "\\x1b[2K\\x0dls",
            "ls\\u202esl",
            "a\\u200bb\\u2060c\\ufeff",
            "\\u0440\\u0430\\u0443\\u0440\\u0430l",
            "rm\\u3000-rf\\xa0/",
            "cat ./\\uff0fetc\\uff0fpasswd",
            "echo \\x5cu202e and \\x5cx1b are text",
            "printf 'a\\tb\\x09c'",
        ]
    )


any_text = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\\xu0123456789abcdef\n\t `|[]()!<>#~-=\u202e\u200b"),
    )
)


@given(any_text)
def test_what_is_shown_reads_back_as_exactly_the_text(text: str) -> None:
    assert unescaped(exact(text)) == text
    assert unescaped(exact(text, prose=True)) == text


@given(any_text)
def test_nothing_shown_moves_hides_or_controls(text: str) -> None:
    for shown in (exact(text), plain(text), label(text)):
        assert all(each.isprintable() or each == "\n" for each in shown)
    assert "\n" not in label(text)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "text",
    ["отчёт.txt", "naïve café Straße", "日本語のファイル", "grep 'a\\.b' \\\\host", "🚀 --emoji"],
)
def test_honest_text_of_any_language_stays_as_it_is(text: str) -> None:
    assert exact(text) == text


# --- approvals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", HOSTILE)
async def test_a_command_is_shown_whole_and_exactly_wherever_it_is_shown(command: str) -> None:
    asked = entry(command)
    count = len(command.split("\n"))
    assert unescaped("\n".join(asked.detail[:count])) == command
    assert unescaped(blocks(document(asked))[0]) == command
    dialog = dialog_text(asked)
    assert dialog.endswith(TOO_LONG) or exact(command) in dialog.replace("\n", "") + dialog


async def test_a_command_of_many_lines_cannot_pass_for_our_words_about_it() -> None:
    asked = entry("true\nin /somewhere/safe\nit runs a command")
    assert asked.detail[3:] == ["3 lines, in /home/me/project", "it runs a command"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_in_the_details_comes_alive(text: str) -> None:
    path = Path("/w") / text.replace("/", "_").replace("\0", "_")
    for asked in (
        entry(text, title=f"Run {text}"),
        entry(diffs=(Diff(path, None, text),), title=f"Create {text}"),
        question(text, text),
        Pending("trust_1", None, "trust", text, [text], entry("x").request),
    ):
        assert alive(document(asked)) == ["heading h1"]


async def test_a_command_of_100_kb_and_a_change_of_1000_lines_are_whole_in_the_details() -> None:
    command = "echo " + "a\u202e" * 50_000
    assert unescaped(blocks(document(entry(command)))[0]) == command
    assert len(dialog_text(entry(command))) < 500
    lines = [f"line {number}\n" for number in range(1000)]
    shown = blocks(document(entry(diffs=(Diff(Path("/a"), None, "".join(lines)),))))
    assert shown[1].split("\n")[3:] == [f"+line {number}" for number in range(1000)]


few_lines = st.lists(any_text, max_size=3).map("\n".join).filter(lambda each: "\r" not in each)


@given(few_lines, few_lines)
def test_a_change_reads_back_as_exactly_the_new_text(old: str, new: str) -> None:
    shown = unified(Diff(Path("/a"), old, new)).split("\n")[2:]
    lines: list[str] = []
    for line in shown:
        if line == NO_FEED:
            lines[-1] = lines[-1].removesuffix("\n")
        else:
            lines.append(f"{unescaped(line)}\n")
    if max(old.count("\n"), new.count("\n")) < 4:  # all of the file is around the change
        kept = [line[1:] for line in lines if line.startswith((" ", "+"))]
        assert "".join(kept) == (new if shown else "")


async def test_what_a_model_suggests_cannot_pass_for_an_approval() -> None:
    asked = question("Approve?", "Approve", " \u200bAlways approve ", "Deny")
    assert dialog_text(asked) == "The model asks:\nApprove?"
    titles = dialog_titles(asked)
    assert list(titles) == [REVIEW, "“Approve”", "“\\u200bAlways approve”", "“Deny”"]


async def test_two_suggestions_that_look_the_same_are_not_offered_as_actions() -> None:
    assert dialog_titles(question("Which?", "a" * 60 + "1", "a" * 60 + "2")) == {REVIEW: ""}


# --- transcripts --------------------------------------------------------------------------------


def test_the_reader_makes_something_of_what_is_not_tamed() -> None:
    assert sum(bool(alive(each)) for each in HOSTILE) > 6


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_transcript_comes_alive(text: str) -> None:
    task = TaskSummary("t", text, "idle", "code", 1e9, 2e9, 0, 0, 0, f"/w/{text}")
    entries = [
        UserMessage(text),
        AssistantMessage(text, (ToolCall("c1", f"x{text}", text),)),
        ToolMessage("c1", text),
    ]
    whole = markdown(task, entries)
    ours = ("<details><summary>", "</details>")
    found = [each for each in alive(whole) if not each.startswith("heading")]
    assert all(any(mark in each for mark in ours) for each in found), found
    assert all("<" not in each.replace(ours[0], "").replace("</summary>", "").replace(ours[1], "")
               for each in found)  # fmt: skip
    assert [each for each in alive(whole) if each.startswith("heading")] == [
        "heading h1",
        "heading h2",
        "heading h2",
    ]


@given(any_text)
def test_tamed_text_is_text_and_code(text: str) -> None:
    assert alive(tame(text)) == []


def test_code_and_emphasis_stay_readable_in_a_transcript() -> None:
    text = "Use `a[0]` and **bold**:\n\n```py\nx = a[0]  # [b](c)\n```\n- done"
    assert tame(text) == text
