"""Hover: what was there before and what waits, on those lines; nothing on all the others."""

from pathlib import Path
from typing import Any

import pytest
from inline_snapshot import snapshot
from lsprotocol import types

from tests.support.editor import HELIX, NEOVIM, Buffer, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, call, text

TEXT = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
DIFF = "<<<<<<< SEARCH\nthree\n=======\n3\nand more\n>>>>>>> REPLACE\n"


def settings(fake: FakeOpenAI) -> dict[str, Any]:
    return {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}


async def hover(it: FakeEditor, buffer: Buffer, line: int) -> str | None:
    await it.run("roo.status")  # the server is all there
    found = await it.client.text_document_hover_async(
        types.HoverParams(types.TextDocumentIdentifier(buffer.uri), types.Position(line, 1))
    )
    if found is None:
        return None
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


async def test_a_hunk_tells_what_was_there_before_and_no_other_line_anything(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(HELIX, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        assert [await hover(it, buffer, line) for line in range(8)] == [None] * 8
        fake.answers(call("apply_diff", {"path": "a.txt", "diff": DIFF}), text("ok"))
        await it.start("Change it")
        await it.event("_permission")
        waits = await hover(it, buffer, 2)
        assert waits is not None
        assert [await hover(it, buffer, line) for line in (0, 1, 3, 4)] == [None] * 4
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        changed = await hover(it, buffer, 2)
        assert changed == await hover(it, buffer, 3)
        assert [await hover(it, buffer, line) for line in (0, 1, 4, 5)] == [None] * 4
        assert changed == snapshot("""\
**Roo changed 2 lines**

```diff
-three
+3
+and more
```

Keep or revert it by a code action here.\
""")
        assert waits.replace(str(tmp_path), "…") == snapshot("""\
**Roo wants your approval**

```text
Edit a.txt
```

```diff
--- …/a.txt
+++ …/a.txt
@@ -1,6 +1,7 @@
 one
 two
-three
+3
+and more
 four
 five
 six
```

Review, deny or approve it by a code action here, or with `roo.approval.respond`.\
""")
        it.type(buffer, buffer.text.replace("and more", "and mine"))
        edited = await hover(it, buffer, 3)
        assert edited is not None
        assert edited.startswith("**Roo changed 2 lines**, and you since\n")


async def test_a_command_is_shown_whole_where_it_waits_and_a_long_diff_is_cut(
    tmp_path: Path,
) -> None:
    async with FakeOpenAI() as fake, editor(NEOVIM, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        content = "".join(f"```line {number}\u202e\n" for number in range(100))
        fake.answers(
            call("execute_command", {"command": "pytest -q \\\n  tests"}, id="c"),
            call("write_to_file", {"path": "a.txt", "content": content}, id="w"),
            text("ok"),
        )
        await it.start("Test it")
        await it.event("_permission")
        said = await hover(it, buffer, 0)
        assert said is not None
        assert "```sh\npytest -q \\\n  tests\n```" in said
        await it.run("roo.approval.respond", "reject_once")
        await it.until(lambda: len(it.updates("_permission")) == 3)
        await it.run("roo.approval.respond", "allow_once")
        await it.ended()
        said = await hover(it, buffer, 50)
        assert said is not None
        assert "… 77 more lines" in said
        assert "\u202e" not in said
        assert "````diff" in said


class Plain(Persona):
    """A client that shows no Markdown."""

    def capabilities(self) -> types.ClientCapabilities:
        capabilities = super().capabilities()
        assert capabilities.text_document is not None
        capabilities.text_document.hover = types.HoverClientCapabilities()
        return capabilities


@pytest.mark.parametrize(
    ("persona", "kind"),
    [
        (NEOVIM, types.MarkupKind.Markdown),
        (Plain("plain", "emacs_30", ("utf-16",)), types.MarkupKind.PlainText),
    ],
    ids=["markdown", "plain"],
)
async def test_a_client_is_given_markdown_only_when_it_shows_it(
    persona: Persona, kind: types.MarkupKind, tmp_path: Path
) -> None:
    async with FakeOpenAI() as fake, editor(persona, tmp_path, settings(fake)) as it:
        buffer = it.open(tmp_path / "a.txt", TEXT)
        ask = {"question": "Which?", "follow_up": ["This", "That"]}
        fake.answers(call("ask_followup_question", ask), text("ok"))
        await it.start("Ask me")
        await it.event("_question")
        found = await it.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(buffer.uri), types.Position(0, 0))
        )
        assert found is not None
        assert isinstance(found.contents, types.MarkupContent)
        assert found.contents.kind == kind
        assert found.contents.value.startswith("**The model asks**\n\n```text\nWhich?\n```")
        await it.run("roo.question.answer", "This")
        await it.ended()
