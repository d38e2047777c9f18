"""Recognises tool calls that a model has printed as text, to tell the user why nothing happens.

Text is never made into a call: it may be a quoted file or an example, and running it would let
whoever wrote that file act. All that comes of it here is the name of the form.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import cast

from roo_lsp.agent.vocabulary import spellings, spelt, tool_known

_MARKERS: Sequence[tuple[str, re.Pattern[str]]] = tuple(
    (form, re.compile(opener, re.IGNORECASE))
    for form, opener in (
        ("<function=…> (Qwen coder, Llama)", r"(?:<tool_call>\s*)?<function=[^>\n]{1,80}>"),
        ("<invoke name=…>", r"<(?:\uff5cDSML\uff5c)?invoke name=[^>\n]{1,80}>"),
        ("<tool_call> (Hermes, Qwen)", r"<tool_calls?>\s*(?:[\[{]|[\w.-]{1,64}\s*(?:[\n<{]))"),
        ("[TOOL_CALLS] (Mistral)", r"\[TOOL_CALLS\]\s*(?:[\[{]|[\w.-]{1,64}\s*[\[{])"),
        ("<|python_tag|> (Llama)", r"<\|python_tag\|>\s*[\w\[{]"),
        ("<|tool_calls_section_begin|> (Kimi)", r"<\|tool_calls_section_begin\|>"),
        ("tool_calls_begin (DeepSeek)", r"<[\uff5c|]tool[▁_]calls?[▁_]begin[\uff5c|]>"),
        ("<|tool_call|> (Granite, Phi)", r"<\|tool_call\|>\s*[\[{]"),
        ("to=functions.… (Harmony)", r"\bto=functions\.\w"),
    )
)
"""What opens a call in text, by the chat templates of the model families that are named."""

_FENCE = re.compile(r"^[ \t]{0,3}(?:```|~~~)[ \t]*(\S*)[^\n`]*$", re.MULTILINE)
_CALL_FENCES = {"", "json", "xml", "tool", "tool_call", "tool_calls", "tool_code"}
"""What models write on the fence around a printed call; code for the user says its language."""

_FENCE_PROSE = 500
"""Characters before a fence above which it is an example in a long answer, not a call."""

_END_TOKEN = re.compile(r"(?:<\|\w{1,30}\|>|<\uff5c[^\uff5c\n]{1,30}\uff5c>|</s>)\Z")
_PYTHON = re.compile(
    r"^[\[ \t]*(?:print\()?(?P<name>[\w.]{1,80})\((?:\s*(?:\w+\s*=|[\"'{])[^\n]*)?\)[\] \t]*$",
    re.MULTILINE,
)
_NAMED = re.compile(r"[=\"'>\]]([\w.-]{2,64})(?![\w.-])")
"""Where a call has its tool's name, in all of the forms."""
_CLOSED = re.compile(r"</([\w.-]{2,64})>\Z")
_NAME_KEYS = ("name", "tool", "tool_name", "function", "function_name", "action", "recipient_name")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "params", "input", "action_input")


def printed_call(text: str, tools: Collection[str]) -> str | None:
    """The form in which the last or only block of an answer is a call of one of the tools.

    None for everything else: prose and code that mention a tool, calls in inline code, examples in
    the middle of an answer or at the end of a long one.
    """
    text = text.rstrip()
    if not text or not tools:
        return None
    fences = list(_FENCE.finditer(text))
    closed = len(fences) % 2 == 0
    if fences and (not closed or (fences[-1].end() == len(text) and not fences[-1][1])):
        opener = fences[-2] if closed else fences[-1]
        inner = text[opener.end() : fences[-1].start() if closed else len(text)].strip()
        is_call = opener[1].lower() in _CALL_FENCES and opener.start() <= _FENCE_PROSE
        found = _whole_block(inner, tools) if is_call else None
        if found or closed:
            return found and f"{found} in a code fence"
    return _marked(text, tools, fences) or _at_the_end(text, tools)


def _whole_block(block: str, tools: Collection[str]) -> str | None:
    """The form of a block that is a call from its first character on."""
    for form, opener in _MARKERS:
        if opener.match(block) and _ends_like_a_call(block) and _last_named(block, tools):
            return form
    return _xml(block, tools, whole=True) or _json(block, tools) or _python(block, tools)


def _marked(text: str, tools: Collection[str], fences: Sequence[re.Match[str]]) -> str | None:
    """The form of a call with an opener, which goes on to the end of the text."""
    named = _last_named(text, tools) if _ends_like_a_call(text) else 0
    starts = [fence.start() for fence in fences]
    for form, opener in _MARKERS:
        for match in opener.finditer(text):
            at = match.start()
            fenced = bisect_left(starts, at) % 2
            if not fenced and text[at - 1 : at] != "`" and at < named:
                return form
    return _xml(text, tools, whole=False)


def _ends_like_a_call(text: str) -> bool:
    return text.endswith(("}", "]", ")", ">"))


def _last_named(text: str, tools: Collection[str]) -> int:
    """Where a tool is named for the last time, or 0; in another agent's words only as calls name it."""
    names = "|".join(map(re.escape, tools))
    found = re.finditer(rf"(?<!\w)(?:{names})(?!\w)", text, re.IGNORECASE)
    last = max((match.start() for match in found), default=0)
    known = spellings(tools)
    others = (match for match in _NAMED.finditer(text) if spelt(match[1]) in known)
    return max([last, *(match.start() for match in others)])


def _without_end_tokens(text: str) -> str:
    text = text.rstrip()
    for _ in range(4):
        match = _END_TOKEN.search(text, max(0, len(text) - 40))
        text = text[: match.start()].rstrip() if match else text
    return text


def _xml(text: str, tools: Collection[str], *, whole: bool) -> str | None:
    """`<read_file><path>…</path></read_file>`, as Roo and Cline once asked for it."""
    text = _without_end_tokens(text)
    closed = _CLOSED.search(text, max(0, len(text) - 80))
    if closed is None or not _own_name(closed[1], tools):
        return None
    opener = re.compile(rf"^[ \t]*<{re.escape(closed[1])}>\s*<[\w/]", re.MULTILINE)
    if opener.match(text) if whole else opener.search(text):
        return f"<{closed[1]}> (XML)"
    return None


def _own_name(name: str, tools: Collection[str]) -> bool:
    """True for a name that only a tool has: no word of prose, no function of a language."""
    return name in tools or (tool_known(name, tools) and _TWO_WORDS.search(name) is not None)


_TWO_WORDS = re.compile(r"\w_\w|[a-z][A-Z]|\w\.\w")


def _at_the_end(text: str, tools: Collection[str]) -> str | None:
    """The form of a call that has no opener: the whole text, its last paragraph or last line."""
    text = _without_end_tokens(text)
    paragraph = text[text.rfind("\n\n") + 1 :].strip()
    line = text[text.rfind("\n") + 1 :].strip()
    for block in dict.fromkeys((text.lstrip(), paragraph, line)):
        if found := _json(block, tools):
            return found
    return _python(paragraph, tools) or _python(line, tools)


def _json(block: str, tools: Collection[str]) -> str | None:
    """JSON, and nothing else, that names a tool beside arguments; or several of them in a row."""
    decoder, at = json.JSONDecoder(strict=False), 0
    while at < len(block):
        if block[at] not in "{[":
            return None
        try:
            value, at = cast("tuple[object, int]", decoder.raw_decode(block, at))
            if not _is_call(value, tools):
                return None
        except (ValueError, RecursionError):
            return None
        while at < len(block) and (block[at].isspace() or block[at] in ";,"):
            at += 1
    return "JSON" if block else None


def _is_call(value: object, tools: Collection[str]) -> bool:
    if isinstance(value, list):
        items = cast("list[object]", value)
        return bool(items) and all(_is_call(item, tools) for item in items)
    if not isinstance(value, dict):
        return False
    values = cast("dict[str, object]", value)
    for key in ("function", "tool_calls", "function_call", "tool_call"):
        if isinstance(values.get(key), dict | list) and _is_call(values[key], tools):
            return True
    names = [name for key in _NAME_KEYS if isinstance(name := values.get(key), str)]
    named = any(tool_known(name, tools) for name in names)
    return named and any(key in values for key in _ARGUMENT_KEYS)


def _python(block: str, tools: Collection[str]) -> str | None:
    """Lines of `read_file(path="a")`, and nothing else."""
    lines = [line for line in block.splitlines() if line.strip()]
    matches = map(_PYTHON.match, lines)
    if lines and all(match and _own_name(match["name"], tools) for match in matches):
        return "a function call in Python"
    return None
