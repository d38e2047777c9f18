"""Thirty edits of open and closed files while a user types, saves and closes, in every editor.

What has to come of it is worked out beside, on plain strings: `World`.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.lsp.test_reliability import results_of
from tests.support.editor import HELIX, NEOVIM, PERSONAS, Buffer, FakeEditor, Persona, editor
from tests.support.fake_openai import FakeOpenAI, Reply, call, gated, text

World = dict[str, str]
"""The text of each file, as it has to be."""

PLAIN = (
    "# \U0001f600 first\nimport os\n\n\ndef a():\n    return x + x\n\n\ndef b():\n    return x\n"
)
CRLF = "alpha\r\nbeta\r\ngamma \U0001f600\r\ndelta\r\n"
MIXED = "alpha\nbeta\r\ngamma\ndelta\r\nepsilon\n"
TAIL = "alpha\nbeta\ngamma without an end"
ASTRAL = "\U0001f468\u200d\U0001f469 one\n\ffeed\fhere\nsep\u2028arator \U00010348\ne\u0301 \u00e9\nlast\n"

START: World = {
    "plain.py": PLAIN,
    "crlf.txt": CRLF,
    "mixed.txt": MIXED,
    "tail.txt": TAIL,
    "astral.md": ASTRAL,
    "closed/crlf.txt": CRLF,
    "closed/mixed.txt": MIXED,
    "closed/tail.txt": TAIL,
    "closed/astral.md": ASTRAL,
    "old.py": "moved = 1\nkept = 2\n",
    "gone.txt": "gone\n",
}
OPEN = ("plain.py", "crlf.txt", "mixed.txt", "tail.txt", "astral.md")


# --- what the user does -------------------------------------------------------------------------


@dataclass(frozen=True)
class Types:
    """The user makes a new line above this one (from 1), or writes over it."""

    file: str
    line: int
    words: str
    over: bool = False

    def on(self, text: str) -> str:
        """The text with it."""
        lines = text.split("\n")
        words = self.words + ("\r" if lines[0].endswith("\r") else "")
        lines[self.line - 1 : self.line - 1 + self.over] = [words]
        return "\n".join(lines)


@dataclass(frozen=True)
class Saves:
    file: str


@dataclass(frozen=True)
class Closes:
    """Once it is saved."""

    file: str


@dataclass(frozen=True)
class Opens:
    file: str


Action = Types | Saves | Closes | Opens


# --- what the model does ------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One call, what the user does before it and while it is applied, and what it makes of files."""

    tool: str
    arguments: dict[str, Any]
    changes: Sequence[tuple[str, str, str]] = ()
    """File, old text, new text: everywhere it stands."""
    whole: World = field(default_factory=World)
    gone: Sequence[str] = ()
    before: Sequence[Action] = ()
    during: Types | None = None

    def on(self, world: World) -> None:
        """Do to the world what the editor and the disk have to show afterwards."""
        for action in (*self.before, self.during):
            if isinstance(action, Types):
                world[action.file] = action.on(world[action.file])
        for file in self.gone:
            del world[file]
        world |= self.whole
        for file, old, new in self.changes:
            assert old in world[file], (file, old, world[file])
            world[file] = world[file].replace(old, new)


def edit(file: str, old: str, new: str, *, every: bool = False, **more: Any) -> Step:
    arguments = {"file_path": file, "old_string": old, "new_string": new, "replace_all": every}
    return Step("edit", arguments, [(file, old, new)], **more)


def diff(file: str, *changes: tuple[str, str], ends: str = "\n", **more: Any) -> Step:
    """`apply_diff`, a block for each change of whole lines."""
    blocks = [f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n" for old, new in changes]
    meant = [(file, old.replace("\n", ends), new.replace("\n", ends)) for old, new in changes]
    return Step("apply_diff", {"path": file, "diff": "\n".join(blocks)}, meant, **more)


def write(file: str, content: str, ends: str = "\n", **more: Any) -> Step:
    whole = {file: content.replace("\n", ends)}
    return Step("write_to_file", {"path": file, "content": content}, whole=whole, **more)


FIRST_PATCH = """*** Begin Patch
*** Update File: plain.py
@@ def b():
-    return y
+    return "\U0001f680"
*** Update File: closed/crlf.txt
 BETA
-gamma \U0001f680
+gamma patched
*** Add File: added/new.txt
+added \U0001f600
*** Update File: old.py
*** Move to: moved/new.py
-moved = 1
+moved = 3
 kept = 2
*** Delete File: gone.txt
*** End Patch"""

LAST_PATCH = """*** Begin Patch
*** Update File: astral.md
@@
-last
+the last
*** Update File: mixed.txt
@@
-EPSILON
+epsilon, patched
*** Delete File: added/new.txt
*** End Patch"""

STEPS = (
    write("new/one.md", "# One \U0001f600\n\nfirst\n"),
    edit("plain.py", "import os", "import sys"),
    diff("plain.py", ("def a():", "def aa():"), ("# \U0001f600 first", "# \U0001f600 second")),
    edit(
        "plain.py", "x", "y", every=True, before=[Types("plain.py", 1, "# typed \U0001f600 before")]
    ),
    diff("plain.py", ("import sys", "import re"), during=Types("plain.py", 9, "# typed meanwhile")),
    write("crlf.txt", "one\ntwo \U0001f600\nthree\nfour\nfive\n", "\r\n"),
    Step(
        "edit",
        {"file_path": "crlf.txt", "old_string": "one\ntwo", "new_string": "1\n2"},
        [("crlf.txt", "one\r\ntwo", "1\r\n2")],
        before=[Types("crlf.txt", 4, "typed \U0001f600")],
    ),
    diff("crlf.txt", ("three", "3\n3b"), ("five", "5"), ends="\r\n"),
    edit("mixed.txt", "alpha", "ALPHA", before=[Saves("crlf.txt")]),
    diff("mixed.txt", ("gamma", "GAMMA")),
    edit("mixed.txt", "epsilon", "EPSILON", during=Types("mixed.txt", 1, "typed on top")),
    edit("tail.txt", "without an end", "still without"),
    diff("tail.txt", ("alpha", "ALPHA"), ("gamma still without", "gamma \U0001f600")),
    edit("tail.txt", "beta", "BETA", before=[Types("tail.txt", 1, "typed"), Saves("tail.txt")]),
    # The first change of a document: Neovim counts its version as 0 until then.
    edit("astral.md", "one", "two", during=Types("astral.md", 3, "typed at once")),
    diff(
        "astral.md",
        ("\ffeed\fhere", "\fFEED\fhere"),
        ("sep\u2028arator \U00010348", "SEP\u2028arator \U00010348"),
    ),
    edit("astral.md", "\U00010348", "\U00010349", during=Types("astral.md", 1, "\U0001f4a1 typed")),
    edit("closed/crlf.txt", "l", "L", every=True),
    diff(
        "closed/crlf.txt", ("beta", "BETA"), ("gamma \U0001f600", "gamma \U0001f680"), ends="\r\n"
    ),
    edit("closed/mixed.txt", "beta", "be\u2028ta"),
    diff("closed/mixed.txt", ("delta", "DELTA")),
    edit("closed/tail.txt", "without an end", "still without"),
    write("closed/tail.txt", "all\nnew, and no end"),
    diff(
        "closed/astral.md", ("\ffeed\fhere", "\fFEED\fhere"), ("e\u0301 \u00e9", "\u00e9 e\u0301")
    ),
    edit("closed/astral.md", "\u00e9", "\U0001f600", every=True),
    Step(
        "apply_patch",
        {"patch": FIRST_PATCH},
        [
            ("plain.py", "    return y\n", '    return "\U0001f680"\n'),
            ("closed/crlf.txt", "gamma \U0001f680", "gamma patched"),
        ],
        whole={"added/new.txt": "added \U0001f600\n", "moved/new.py": "moved = 3\nkept = 2\n"},
        gone=["gone.txt", "old.py"],
    ),
    edit("crlf.txt", "four", "4", before=[Closes("crlf.txt")]),
    edit("new/one.md", "first", "second", before=[Opens("new/one.md")]),
    Step(
        "edit",
        {"file_path": "plain.py", "old_string": "import re", "new_string": "import json"},
        during=Types("plain.py", 3, "import the_user", over=True),
    ),
    Step(
        "apply_patch",
        {"patch": LAST_PATCH},
        [("astral.md", "last", "the last"), ("mixed.txt", "EPSILON", "epsilon, patched")],
        gone=["added/new.txt"],
        before=[Saves("astral.md"), Types("astral.md", 4, "typed \U0001f600 after the save")],
    ),
)
REFUSED = {"call-28": "same moment"}
"""What the model is told of the only edit that fails: the user was in the same line."""


# --- for every host -----------------------------------------------------------------------------


def prepare(folder: Path) -> None:
    """The files, and a user whose own settings let the agent edit."""
    for name, content in START.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content.encode())
    own = Path(os.environ["ROO_CONFIG_DIR"])
    own.mkdir(parents=True, exist_ok=True)
    (own / "settings.json").write_text(json.dumps({"autoApprove": {"edit": True}}), "utf-8")


def script(gates: Sequence[asyncio.Event], steps: Sequence[Step]) -> list[Reply]:
    """The model's answers, each held back until its gate is open."""
    return [
        gated(call(step.tool, step.arguments, id=f"call-{number}"), gate)
        for number, (step, gate) in enumerate(zip(steps, gates, strict=True))
    ]


def expected() -> World:
    world = dict(START)
    for step in STEPS:
        step.on(world)
    return world


def assert_on_disk(folder: Path, world: World) -> None:
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert files == {name: content.encode() for name, content in world.items()}


def assert_told(fake: FakeOpenAI) -> None:
    """Every edit was made but the one that the user was in the way of."""
    told = {each["tool_call_id"]: each["content"] for each in results_of(fake.chats[-1])}
    assert len(told) == len(STEPS)
    good = ("Created ", "Replaced ", "Changed ", "Applied ")
    failed = {each: content for each, content in told.items() if not content.startswith(good)}
    assert failed.keys() == REFUSED.keys(), failed
    assert all(words in failed[each] for each, words in REFUSED.items())


# --- in every persona ---------------------------------------------------------------------------


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
async def test_thirty_edits_beside_a_user_come_out_to_the_byte(
    persona: Persona, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    prepare(folder)
    gates = [asyncio.Event() for _ in STEPS]
    provider = {"provider": {"modelId": "scripted"}}
    async with FakeOpenAI() as fake:
        provider["provider"]["baseUrl"] = fake.base_url
        async with editor(persona, folder, provider) as it:
            fake.answers(*script(gates, STEPS), text("All is done."))
            for name in OPEN:
                it.open(folder / name)
            await it.start("Edit them all")
            for number, step in enumerate(STEPS):
                await fake.chat(number + 1)
                assert it.on_edit is None
                for action in step.before:
                    act(it, folder, action)
                await it.run("roo.status")  # the server has heard of all that
                if step.during is not None:
                    it.on_edit = typing(folder, step.during)
                gates[number].set()
            assert (await it.ended())["stopReason"] == "end_turn"
            assert_told(fake)
            world = expected()
            buffers = {
                each.path.relative_to(folder).as_posix(): each for each in it.buffers.values()
            }
            assert {name: each.text for name, each in buffers.items()} == {
                name: world[name] for name in buffers
            }
            for each in buffers.values():
                it.save(each)
            assert_on_disk(folder, world)


def act(it: FakeEditor, folder: Path, action: Action) -> None:
    path = folder / action.file
    if isinstance(action, Opens):
        it.open(path)
        return
    buffer = it.buffers[path.as_uri()]
    match action:
        case Types():
            it.type(buffer, action.on(buffer.text))
        case Saves():
            it.save(buffer)
        case Closes():
            it.save(buffer)
            it.close(buffer)


def typing(folder: Path, action: Types) -> Any:
    """A user who types in the moment before the editor applies an edit."""

    def now(it: FakeEditor) -> None:
        it.on_edit = None
        act(it, folder, action)

    return now


@pytest.mark.parametrize(("persona", "sent"), [(NEOVIM, 1), (HELIX, 0)], ids=["neovim", "helix"])
async def test_a_document_that_is_as_it_was_opened_is_not_edited_over_what_is_typed_meanwhile(
    persona: Persona, sent: int, tmp_path: Path
) -> None:
    prepare(tmp_path)
    async with FakeOpenAI() as fake:
        provider = {"provider": {"modelId": "scripted", "baseUrl": fake.base_url}}
        async with editor(persona, tmp_path, provider) as it:
            buffer = Buffer(tmp_path / "tail.txt", TAIL, version=0)
            it.buffers[buffer.uri] = buffer
            item = types.TextDocumentItem(buffer.uri, "plaintext", 0, TAIL)
            it.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
            types_now = typing(tmp_path, Types("tail.txt", 1, "typed"))

            def meanwhile(it: FakeEditor) -> None:
                buffer.version = 2  # Neovim has counted from the load on; Helix takes any other
                types_now(it)

            it.on_edit = meanwhile
            step = edit("tail.txt", "without an end", "still without")
            fake.answers(call(step.tool, step.arguments), text("Done."))
            await it.start("Edit")
            await it.ended()
            first = (it.edits[0].edit.document_changes or [])[0]
            assert isinstance(first, types.TextDocumentEdit)
            assert first.text_document.version == sent
            assert buffer.text == "typed\nalpha\nbeta\ngamma still without"
