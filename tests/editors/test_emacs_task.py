"""One whole task in a real Emacs in a terminal: from the key press to the reviewed edit, saved."""

import os
from pathlib import Path

import pytest

from tests.editors.emacs import NEWEST, PICTURES, VERSIONS, emacs, person, project
from tests.support.fake_openai import FakeOpenAI, call, reasoning, text

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

CODE = '''"""Greets people."""


def greet(name):
    return "hello " + name


def main():
    print(greet("world"))


if __name__ == "__main__":
    main()
'''
FRIENDLY = """def greet(name: str) -> str:
    return f"Hello, {name}!"
"""
DIFF = f"""<<<<<<< SEARCH
def greet(name):
    return "hello " + name
=======
{FRIENDLY.strip()}
>>>>>>> REPLACE
<<<<<<< SEARCH
    print(greet("world"))
=======
    print(greet("everybody"))
>>>>>>> REPLACE
"""
KEPT = CODE.replace('def greet(name):\n    return "hello " + name\n', FRIENDLY)
RESULT = """`greet` is friendly now, and **typed**:

```python
return f"Hello, {name}!"
```

The script prints what it should."""


def picture(name: str, screen: str) -> None:
    """Keep a screen for the README, where that is wanted."""
    if os.environ.get("ROO_PICTURES") == "1":
        PICTURES.mkdir(exist_ok=True)
        (PICTURES / f"{name}.txt").write_text(screen, "utf-8")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_task_from_the_key_press_to_the_reviewed_edit(version: str, tmp_path: Path) -> None:
    it = emacs(version, tmp_path / "home")
    folder = project(tmp_path / "project", CODE)

    def keep(name: str, screen: str) -> None:
        if version == NEWEST:
            picture(name, screen)

    async with FakeOpenAI() as fake:
        fake.answers(
            reasoning("They want a friendlier greeting.\nI read the file first.", pieces=3)
            + text("I look at `app.py` first.", pieces=5)
            + call("read_file", {"path": "app.py"}),
            text("Two places have to change.", pieces=4)
            + call("apply_diff", {"path": "app.py", "diff": DIFF}, pieces=6),
            call("execute_command", {"command": "python3 app.py"}),
            call("attempt_completion", {"result": RESULT}, pieces=9),
        )
        settings = {"provider": {"baseUrl": fake.base_url, "modelId": "scripted"}}
        async with person(it, folder, settings, ["app.py"]) as screen:
            await screen.until("Greets people")
            await screen.press("C-c", "r", "h")
            whole = ("t all tasks", "w do comment", "! not asked", "b back", "R restart")
            shown = await screen.until(lambda text: all(each in text for each in whole))
            keep("menu", shown)
            await screen.press("r")
            await screen.until("Roo:")
            await screen.type("Greet people in a friendly way")
            await screen.press("Enter")

            # The person is still in app.py; what waits is told, shown, and takes no key.
            await screen.until("Roo waits for you: Edit app.py  (C-c r a, C-c r d)")
            told = fake.chats[0].json["messages"][1]["content"]
            assert '\nIn focus: app.py line 1: """Greets people."""\nOpen: app.py\n' in told
            shown = await screen.until(lambda text: "[Approve]" in text and 'everybody"))' in text)
            assert "Roo:1?" in shown
            keep("approval", shown)
            await screen.press("M->")
            await screen.type("# typed meanwhile")
            await screen.until("# typed meanwhile")
            await screen.press("C-_", "M-<")
            await screen.until(lambda text: "# typed meanwhile" not in text)
            assert (folder / "app.py").read_text("utf-8") == CODE

            # In the buffer of Roo one key is enough.
            await screen.press("C-x", "o", "a")
            shown = await screen.until(
                lambda text: "┃ Run python3 app.py" in text and "[Approve]" in text
            )
            assert (folder / "app.py").read_text("utf-8") == CODE  # so far it is in the buffer
            await screen.press("a")
            shown = await screen.until(lambda text: "what it should" in text and " idle " in text)
            keep("done", shown)
            edited = KEPT.replace('"world"', '"everybody"')
            assert (folder / "app.py").read_text("utf-8") == edited  # saved for the command
            await screen.press("C-x", "1", "M-<")
            keep("transcript", await screen.until("▌ Greet people in a friendly way"))

            await screen.press("C-c", "r", "v")
            shown = await screen.until(
                lambda text: all(each in text for each in ("[1/2] app.py", "(Python", "- def"))
            )
            keep("review", shown)
            await screen.press("k")
            await screen.until(lambda text: "[1/1] app.py" in text and "- def" not in text)
            await screen.press("r")
            await screen.until("Reverted: nothing is left to review")
            await screen.press("C-x", "C-s")
            await screen.until("Wrote ")
            assert (folder / "app.py").read_text("utf-8") == KEPT
            assert fake.unused == 0
            assert "Hello, everybody!" in str(fake.chats[-1].json["messages"])
            await screen.press("C-x", "C-c")
            await screen.closed()
