"""The picture at the top of the README: a real run, and it still looks so."""

import os
import re
from pathlib import Path

import pytest

from tests.cli.runs import run
from tests.support.fake_openai import FakeOpenAI, call, text
from tests.support.pictures import svg, words

PICTURE = Path(__file__).parents[2] / "editors" / "pictures" / "run.svg"
COLUMNS = 88
SHOP = "def total(items):\n    result = 0\n    for item in items:\n        result = item.price\n    return result\n"
CHECK = """\
from types import SimpleNamespace

from cart import total

pen = SimpleNamespace(price=2, count=3)
assert total([pen, pen]) == 12
print("1 passed")
"""
DIFF = """\
<<<<<<< SEARCH
        result = item.price
=======
        result += item.price * item.count
>>>>>>> REPLACE
"""
VARIES = [
    (r"http://127\.0\.0\.1:\d+", "http://127.0.0.1:11434"),
    (r"\d{8}-\d{6}-[0-9a-f]{6}", "20261130-094512-f979d3"),
    (r"· \d+(\.\d)? s\b", "· 9.4 s"),
    (r"✓(\S*) \d+\.\d s ·", r"✓\1 0.2 s ·"),
    (r"fake-model", "qwen3-coder"),
    (r"~?\d+\.\dk in, ~?\d+ out", "9.1k in, 214 out"),
]
"""What is another in each run, and what the picture has for it."""


async def test_the_picture_of_a_run_shows_what_a_run_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    (tmp_path / "cart.py").write_text(SHOP)
    (tmp_path / "check.py").write_text(CHECK)
    python = "python3 check.py"
    async with FakeOpenAI() as fake:
        fake.answers(
            text("I read it first.") + call("read_file", {"path": "cart.py"}),
            text("result is overwritten where it should be added to.")
            + call("apply_diff", {"path": "cart.py", "diff": DIFF}),
            call("execute_command", {"command": python}),
            call("attempt_completion", {"result": "The total adds up now, and counts each item."}),
        )
        ended = await run(fake, tmp_path, "Fix the total, and run check.py", "--yes")
    assert ended.code == 0, ended
    shown = ended.out
    for pattern, instead in VARIES:
        shown = re.sub(pattern, instead, shown)
    made = svg(shown, "roo-lsp run", COLUMNS)
    if os.environ.get("ROO_PICTURES"):
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(made, "utf-8")
    fresh = tmp_path / "run.svg"
    fresh.write_text(made, "utf-8")
    assert words(PICTURE) == words(fresh), "run this with ROO_PICTURES=1, and look at it"
    assert "font-face" not in PICTURE.read_text("utf-8"), "nothing is loaded from elsewhere"
