"""`python -m tests.benchmarks.recorded [--beside FOLDER]`: what twelve tasks cost in requests and bytes.

Each task is one on a real small package from the registry, with every answer scripted as a capable
model gives it on seeing the results it got. `--beside` names a checkout of an earlier build: it plays
the answers that its own results and prompt lead to (`before`), and both are put side by side.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.fake_openai import Answer, FakeOpenAI, call

PACKAGES = {
    "tabulate": "tabulate==0.9.0",
    "humanize": "humanize==4.9.0",
    "slugify": "python-slugify==8.0.4",
    "iniconfig": "iniconfig==2.0.0",
}
HERE = Path(__file__).parent.parent.parent
Made = tuple[str, dict[str, Any]]
"""A call: a tool and its arguments."""


@dataclass(frozen=True)
class Task:
    """A task; `before` are the answers of a model that knows the earlier build."""

    name: str
    package: str
    prompt: str
    now: Sequence[Sequence[Made]]
    before: Sequence[Sequence[Made]]
    seen: str = ""
    """What the result before the last answer has to hold."""
    files: Mapping[str, bytes] | None = None


@dataclass(frozen=True)
class Cost:
    """What a task took."""

    requests: int
    size: int
    """Bytes of all bodies."""
    first: int


def read(path: str, **more: Any) -> Made:
    return "read_file", {"path": path, **more}


def search(regex: str, path: str = ".", **more: Any) -> Made:
    return "search_files", {"path": path, "regex": regex, **more}


def edit(path: str, old: str, new: str, **more: Any) -> Made:
    return "edit", {"file_path": path, "old_string": old, "new_string": new, **more}


def run(command: str) -> Made:
    return "execute_command", {"command": command}


def done(result: str) -> Made:
    return "attempt_completion", {"result": result}


def python(code: str) -> Made:
    return run(f'python3 -c "{code}"')


TABULATE, SIZES, SLUG = "tabulate/__init__.py", "humanize/filesize.py", "slugify/slugify.py"
BYTE = edit(SIZES, 'return "%d Bytes" % bytes_', 'return "%d B" % bytes_')
SHORT = python("import humanize.filesize as f; assert f.naturalsize(3) == '3 B'")
RENAME = edit(TABULATE, "_pipe_segment_with_colons", "_pipe_segment", replace_all=True)
IMPORTS = python("import tabulate; print(tabulate.tabulate([[1]]))")
WORDS = (
    "apply_diff",
    {
        "path": SLUG,
        "diff": "<<<<<<< SEARCH\n    allow_unicode: bool = False,\n) -> str:\n=======\n"
        "    allow_unicode: bool = False,\n    max_words: int = 0,\n) -> str:\n>>>>>>> REPLACE\n"
        "<<<<<<< SEARCH\n    # finalize user-specific replacements\n=======\n    if max_words:\n"
        "        text = DEFAULT_SEPARATOR.join(text.split(DEFAULT_SEPARATOR)[:max_words])\n\n"
        "    # finalize user-specific replacements\n>>>>>>> REPLACE",
    },
)
TESTED = (
    "write_to_file",
    {
        "path": "test_words.py",
        "content": "import ast\n\nsource = open('slugify/slugify.py').read()\n"
        "assert 'max_words' in source\nast.parse(source)\n",
    },
)
WIDE = edit(TABULATE, "if wcwidth is not None and WIDE_CHARS_MODE:", "if WIDE_CHARS_MODE:")
COLUMN = edit(
    TABULATE,
    "        for idx, align in enumerate(colalign):\n",
    "        for idx, align in enumerate(colalign[: len(aligns)]):\n",
)
UNIFIED = """\
--- a/humanize/filesize.py
+++ b/humanize/filesize.py
@@ -52,3 +52,3 @@
     base = 1024 if (gnu or binary) else 1000
-    bytes_ = float(value)
+    bytes_ = float(str(value).replace(",", ""))
     abs_bytes = abs(bytes_)
--- /dev/null
+++ b/CHANGES.md
@@ -0,0 +1 @@
+naturalsize takes text with commas.
"""
PATCH = """\
*** Begin Patch
*** Update File: humanize/filesize.py
@@
     base = 1024 if (gnu or binary) else 1000
-    bytes_ = float(value)
+    bytes_ = float(str(value).replace(",", ""))
     abs_bytes = abs(bytes_)
*** Add File: CHANGES.md
+naturalsize takes text with commas.
*** End Patch"""
COMMAS = python("import humanize.filesize as f; assert f.naturalsize('3,000') == '3.0 kB'")
NOTES = "版本说明\n第一行 文件已保存 请输入您的姓名和密码。\nversion: 1\n"
NOTEBOOK = json.dumps({"cells": [{"source": ["a = 1\n", "b = 2\n"]}], "nbformat": 4}, indent=1)
VALID = run("python3 -m json.tool a.ipynb")
SLIP = edit("a.ipynb", '"a = 1\\n",', '"a = 1\\n"')
MEND = edit("a.ipynb", '"a = 1\\n"', '"a = 10\\n",')
READS = [
    *(read(f"humanize/{name}.py") for name in ("filesize", "i18n", "number", "__init__")),
    read("humanize/time.py", start_line=1, end_line=200),
]

TASKS = (
    Task(
        "a question about one function",
        "slugify",
        "How does slugify leave out stopwords?",
        [[search("stopwords", SLUG, context=4)], [done("By lowercased words, split at dashes.")]],
        [
            [search("stopwords", SLUG)],
            [read(SLUG, start_line=165, end_line=190)],
            [done("By words.")],
        ],
    ),
    Task(
        "a wrong text, with a check",
        "humanize",
        "naturalsize(3) should be '3 B'.",
        [[read(SIZES)], [BYTE, SHORT], [done("Mended, and checked.")]],
        [[read(SIZES)], [BYTE], [SHORT], [done("Mended, and checked.")]],
        "Exit code: 0",
    ),
    Task(
        "a rename",
        "tabulate",
        "Call _pipe_segment_with_colons _pipe_segment.",
        [[search("_pipe_segment_with_colons", context=0)], [RENAME, IMPORTS], [done("Renamed.")]],
        [[search("_pipe_segment_with_colons")], [RENAME], [IMPORTS], [done("Renamed.")]],
        "Exit code: 0",
    ),
    Task(
        "an option with its test",
        "slugify",
        "Give slugify an option max_words, with a test.",
        [[read(SLUG)], [WORDS, TESTED, run("python3 test_words.py")], [done("There it is.")]],
        [[read(SLUG)], [WORDS, TESTED], [run("python3 test_words.py")], [done("There it is.")]],
        "Exit code: 0",
    ),
    Task(
        "what several matches are in",
        "tabulate",
        "Which functions heed WIDE_CHARS_MODE? Leave the second check of wcwidth out of the smaller one.",
        [
            [search("WIDE_CHARS_MODE", "tabulate")],
            [WIDE, IMPORTS],
            [done("_visible_width and tabulate.")],
        ],
        [
            [search("WIDE_CHARS_MODE", "tabulate")],
            [read(TABULATE, around_line=1012), read(TABULATE, around_line=2115)],
            [WIDE],
            [IMPORTS],
            [done("_visible_width and tabulate.")],
        ],
        "Exit code: 0",
    ),
    Task(
        "a line in a very long function",
        "tabulate",
        "A colalign longer than the columns should be cut.",
        [
            [search("in enumerate\\(colalign", "tabulate")],
            [read(TABULATE, around_line=2164)],
            [COLUMN, IMPORTS],
            [done("It is cut now.")],
        ],
        [
            [search("in enumerate\\(colalign", "tabulate")],
            [read(TABULATE, around_line=2164)],
            [COLUMN],
            [IMPORTS],
            [done("It is cut now.")],
        ],
        "Exit code: 0",
    ),
    Task(
        "a patch over files",
        "humanize",
        "naturalsize should take '3,000'. Note it in CHANGES.md.",
        [[read(SIZES)], [("apply_patch", {"patch": UNIFIED}), COMMAS], [done("It does.")]],
        [
            [read(SIZES)],
            [("apply_patch", {"patch": UNIFIED})],
            [("apply_patch", {"patch": PATCH})],
            [COMMAS],
            [done("It does.")],
        ],
        "Exit code: 0",
    ),
    Task(
        "a file in a legacy encoding",
        "iniconfig",
        "Put 作者 (authors) as a heading above the version in notes.txt.",
        [
            [read("notes.txt")],
            [
                edit("notes.txt", "version: 1", "作者\nversion: 1"),
                run("iconv -f gb18030 notes.txt"),
            ],
            [done("It is there.")],
        ],
        [
            [read("notes.txt")],
            [edit("notes.txt", "version: 1", "作者\nversion: 1")],
            [
                run(
                    "iconv -f gb18030 notes.txt | sed 's/^version/作者\\nversion/' | iconv -t gb18030 > n"
                )
            ],
            [run("mv n notes.txt; iconv -f gb18030 notes.txt")],
            [done("It is there.")],
        ],
        "作者",
        {"notes.txt": NOTES.encode("gb18030")},
    ),
    Task(
        "several reads at once",
        "humanize",
        "What does this package do?",
        [READS, [done("It says numbers, sizes and times in words.")]],
        [READS, [done("It says numbers, sizes and times in words.")]],
    ),
    Task(
        "what is in a large file",
        "tabulate",
        "Which functions of tabulate are about alignment?",
        [[read(TABULATE, outline=True)], [done("Those that begin with _align.")]],
        [[search("^(def|class) ", "tabulate")], [done("Those that begin with _align.")]],
    ),
    Task(
        "a list over the package",
        "tabulate",
        "Which table formats are there?",
        [[search("TableFormat\\(", "tabulate", context=0)], [done("Some thirty.")]],
        [[search("TableFormat\\(", "tabulate")], [done("Some thirty.")]],
    ),
    Task(
        "a slip in a notebook",
        "iniconfig",
        "a should be 10 in a.ipynb, which has to stay valid.",
        [[read("a.ipynb")], [SLIP], [MEND, VALID], [done("It is 10.")]],
        [[read("a.ipynb")], [SLIP], [VALID], [MEND], [VALID], [done("It is 10.")]],
        "Exit code: 0",
        {"a.ipynb": NOTEBOOK.encode()},
    ),
)


def fetched(folder: Path) -> Callable[[str], Path]:
    """The packages, each unpacked once."""
    made: dict[str, Path] = {}

    def package(name: str) -> Path:
        if name not in made:
            made[name] = folder / name
            pip = shutil.which("pip") or "pip"
            options = ["-q", "--no-deps", "--no-compile", "--target", made[name]]
            subprocess.run([pip, "install", *options, PACKAGES[name]], check=True)
        return made[name]

    return package


def answered(made: Sequence[Made], first: int) -> Answer:
    answer = Answer(())
    for number, (tool, arguments) in enumerate(made):
        answer = answer + call(tool, arguments, id=f"call_{first}_{number}")
    return answer


async def cost(build: Path, task: Task, answers: Sequence[Sequence[Made]], package: Path) -> Cost:
    """Plays the task on a build.

    Raises:
        AssertionError: it did not go as the answers take for granted.
    """
    with tempfile.TemporaryDirectory(prefix="roo-recorded-") as place:
        folder = Path(place, "work")
        shutil.copytree(package, folder)
        for name, data in (task.files or {}).items():
            (folder / name).write_bytes(data)
        async with FakeOpenAI() as fake:
            fake.answers(*(answered(made, number) for number, made in enumerate(answers)))
            env = os.environ | {
                "PYTHONPATH": str(build),
                "ROO_STATE_DIR": f"{place}/state",
                "ROO_CONFIG_DIR": f"{place}/config",
            }
            sets = [f"provider.baseUrl={fake.base_url}", "provider.modelId=recorded"]
            sets += ["checkpoints.enabled=false"]
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "roo_lsp", "run", "--yes", "--json", task.prompt,
                "--workspace", str(folder), *(part for each in sets for part in ("--set", each)),
                env=env, cwd=place, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            out, err = await process.communicate()
            told = [m["content"] for m in fake.chats[-1].json["messages"] if m["role"] == "tool"]
            assert process.returncode == 0, (task.name, out[-600:], err[-600:])
            assert len(fake.chats) == len(answers), (task.name, len(fake.chats), told[-1][-600:])
            assert task.seen in told[-1], (task.name, told[-1][-600:])
            sizes = [len(chat.body) for chat in fake.chats]
            return Cost(len(sizes), sum(sizes), sizes[0])


async def main(beside: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="roo-packages-") as folder:
        package = fetched(Path(folder))
        rows: list[tuple[str, Cost, Cost | None]] = []
        for task in TASKS:
            now = await cost(HERE, task, task.now, package(task.package))
            before = beside and await cost(beside, task, task.before, package(task.package))
            rows.append((task.name, now, before))
            was = f"   before {before.requests:3} {before.size:8}" if before else ""
            print(f"{task.name:34} {now.requests:3} {now.size:8}{was}")
    for what in ("requests", "size", "first"):
        total = sum(getattr(now, what) for _, now, _ in rows)
        was = sum(getattr(before, what) for _, _, before in rows if before)
        print(f"{what}: {total}" + (f", before {was}: {total / was:.2f}" if was else ""))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path)
    asyncio.run(main(parser.parse_args().beside))
