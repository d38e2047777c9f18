"""Which scripts of sed only print: no file is read or written by them, and no program run.

Source: the manual of GNU sed 4.9, "sed scripts". Less is taken than sed takes.
"""

import re

_BRACKET = r"\[\^?\]?(?:\[:\w+:\]|[^\]\[\\\n{d}])*\]"


def _between(delimiter: str, *, regex: bool) -> str:
    """What may stand between two delimiters; a bracket expression has none in it, to be read alike."""
    escaped = re.escape(delimiter)
    plain = rf"[^\\\n{escaped}{re.escape('[') if regex else ''}]"
    pieces = [plain, r"\\[^\n]"]
    if regex:
        pieces.append(_BRACKET.replace("{d}", escaped))
    return f"(?:{'|'.join(pieces)})*"


_REGEX_ADDRESS = f"/{_between('/', regex=True)}/[IM]*"
_ADDRESS = rf"(?:\d+(?:~\d+)?|\$|{_REGEX_ADDRESS})"
_ADDRESSES = rf"(?:{_ADDRESS}[ ]*+(?:,[ ]*+(?:[+~]\d+|{_ADDRESS}))?[ ]*+!?[ ]*+)?"
_SUBSTITUTE = "|".join(
    f"s{re.escape(d)}{_between(d, regex=True)}{re.escape(d)}{_between(d, regex=False)}{re.escape(d)}[gpiI0-9]*"
    for d in "/|#,@!:%"
)
_TRANSLATE = f"y/{_between('/', regex=False)}/{_between('/', regex=False)}/"
_COMMAND = rf"(?:[pdPDnNhHgGx=lF]|[qQ][ ]*+\d*|{_SUBSTITUTE}|{_TRANSLATE})"
_ONE = re.compile(rf"[ \t\n;]*{_ADDRESSES}(?:(?P<open>\{{)|(?P<close>\}})|{_COMMAND}[ ]*+)")
_ENDS = re.compile(r"[ \t]*+(?:[;\n]|(?=\})|\Z)")


def only_prints(script: str) -> bool:
    """Does the script nothing but choose, change and print lines?"""
    at = depth = 0
    while script[at:].strip(" \t\n;"):
        found = _ONE.match(script, at)
        if found is None:
            return False
        at = found.end()
        if found.group("open"):
            depth += 1
            continue
        if found.group("close"):
            depth -= 1
            if depth < 0:
                return False
        stop = _ENDS.match(script, at)
        if stop is None:
            return False
        at = stop.end()
    return depth == 0
