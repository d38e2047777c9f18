"""Long tasks and large edits simply work."""

from pathlib import Path
from typing import Any

from tests.support.editor import NEOVIM, editor
from tests.support.fake_openai import FakeOpenAI, call, text


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def test_a_task_of_a_hundred_turns(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number}.txt").write_text(f"content {number}\n" * 100, "utf-8")
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(
            *(call("read_file", {"path": f"{n}.txt"}, id=f"r{n}") for n in range(100)),
            text("Read them all."),
        )
        task_id = await it.start("Read everything")
        assert (await it.ended(task_id))["stopReason"] == "end_turn"
        results = [m for m in fake.chats[100].json["messages"] if m["role"] == "tool"]
        assert len(results) == 100
        assert all(f"content {n}" in m["content"] for n, m in enumerate(results))
        grown = [len(chat.body) for chat in fake.chats]
        content = len(results[50]["content"])
        assert grown[52] - grown[51] < content * 1.2 + 250
        replayed = await it.run("roo.task.replay", {"limit": 100_000})
        assert replayed["events"] == it.events


async def test_a_file_of_200_kb_written_in_4000_pieces(tmp_path: Path) -> None:
    content = "".join(f"line {number} of a large file\n" for number in range(7_500))
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        fake.answers(
            call("write_to_file", {"path": "big.txt", "content": content}, id="w", pieces=4000),
            text("ok"),
        )
        await it.start("Write it")
        await it.event("_permission")
        await it.run("roo.approval.respond", {"decision": "allow_once"})
        await it.ended()
        assert (tmp_path / "big.txt").read_text("utf-8") == content
        pieces = it.updates("_tool_call_arguments")
        assert pieces[-1]["bytes"] == sum(len(each["delta"]) for each in pieces)
        assert len(pieces) < 1000
        assert any("Writing big.txt · " in value.get("message", "") for _, value in it.values)


async def test_an_open_document_of_20000_lines_is_edited_where_it_changed(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(20_000)]
    (tmp_path / "long.txt").write_text("\n".join(lines), "utf-8")
    diff = "<<<<<<< SEARCH\nline 12345\n=======\nline twelve\n>>>>>>> REPLACE\n"
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "long.txt")
        fake.answers(call("apply_diff", {"path": "long.txt", "diff": diff}, id="d"), text("ok"))
        it.answers.append("Approve")
        await it.start("Edit it")
        await it.ended()
        lines[12345] = "line twelve"
        assert buffer.text == "\n".join(lines)
        change = (it.edits[0].edit.document_changes or [])[0]
        assert [e.new_text for e in change.edits] == ["line twelve\n"]  # type: ignore[union-attr]
