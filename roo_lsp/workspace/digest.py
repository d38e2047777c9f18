"""What is worth reading of the long output of a command that failed."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import IO

HEAD_CHARACTERS = 2_000
TAIL_CHARACTERS = 4_000
ERRORS_CHARACTERS = 4_000
MAX_ERRORS = 20
BEHIND = 2
"""Lines that are shown behind one that looks like an error."""
MAX_LINE = 400
"""Characters of a line."""
MAX_READ = 64_000_000
"""Bytes of an output that are looked through."""
FOLD_FROM = 3
"""A run of alike lines is folded when it has more."""

_ERROR = re.compile(
    r"\b(?:error|errors|err!|fail|failed|failure|failures|fatal|exception|panic|panicked|traceback"
    r"|undefined|unresolved|cannot|can\'t|could not|unable to|not found|no such|denied|refused|abort"
    r"|aborted|segfault|segmentation|assert|assertion|expected|invalid)\b"
    r"|\w+(?:Error|Exception)\b|^E  |^\s*[✗✘✖\u00d7]",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"\b(?:0|no) (?:errors?|failures?|failed)|\b(?:errors?|failures?|failed)\s*[:=]\s*0\b",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"[0-9]+")


def read_lines(file: IO[bytes]) -> Iterator[str]:
    """The lines of an output, as far as they are looked through."""
    left = MAX_READ
    while left > 0 and (line := file.readline(min(left, 1 << 16))):
        left -= len(line)
        yield line.decode("utf-8", "replace").rstrip("\n")


def digest(lines: Iterable[str], total: int) -> str:
    """Head and tail of an output of `total` bytes, and between them lines that look like errors, with
    their numbers; runs of lines that differ in digits only are folded. A line is cut to `MAX_LINE`.
    """
    head: list[str] = []
    head_size = shown = 0
    tail: deque[tuple[int, str]] = deque()
    tail_size = 0
    errors: list[tuple[int, str]] = []
    errors_size = found = until = last = 0
    for number, line in _folded(lines):
        last = number
        if not tail and head_size + len(line) < HEAD_CHARACTERS:
            head.append(line)
            head_size += len(line) + 1
            shown = number
            continue
        looks_so = bool(_ERROR.search(line)) and not _HARMLESS.search(line)
        if looks_so and found < MAX_ERRORS and errors_size < ERRORS_CHARACTERS:
            found += number > until
            until = number + BEHIND
        if number <= until and errors_size < ERRORS_CHARACTERS:
            errors.append((number, line))
            errors_size += len(line)
        tail.append((number, line))
        tail_size += len(line) + 1
        while tail_size > TAIL_CHARACTERS and len(tail) > 1:
            tail_size -= len(tail.popleft()[1]) + 1
    begin = tail[0][0] if tail else last + 1
    between = [(number, line) for number, line in errors if number < begin]
    parts = head
    if begin > shown + 1:
        what = "; what looks like errors" if between else ""
        parts.append(
            f"[...lines {shown + 1} to {begin - 1} of {last} omitted ({total} bytes){what}...]"
        )
        parts += [f"{number}: {line}" for number, line in between]
        if between:
            parts.append(f"[...the end, from line {begin}...]")
    parts += [line for _, line in tail]
    return "\n".join(parts) + "\n"


def _folded(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Numbered lines; of a run that differs in digits only the first and the last are left."""
    run: list[tuple[int, str]] = []
    count = 0
    shape = None
    for number, whole in enumerate(lines, 1):
        more = len(whole) - MAX_LINE
        line = whole if more <= 0 else f"{whole[:MAX_LINE]}[...{more} more]"
        now = _DIGITS.sub("0", line)
        if now != shape:
            yield from _run(run, count)
            run, count, shape = [], 0, now
        count += 1
        if count <= FOLD_FROM:
            run.append((number, line))
        else:
            run[FOLD_FROM - 1 :] = [(number, line)]
    yield from _run(run, count)


def _run(run: list[tuple[int, str]], count: int) -> Iterator[tuple[int, str]]:
    if count <= FOLD_FROM:
        yield from run
        return
    (first, line), (last, final) = run[0], run[-1]
    yield first, line
    yield first + 1, f"[...{count - 2} lines like it...]"
    yield last, final
