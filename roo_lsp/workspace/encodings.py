"""Bytes to text and back, so that what was not changed comes back byte for byte."""

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.editorconfig import charset

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LEGACY = ("gb18030", "cp932", "euc_jp", "cp949", "big5", "cp1252", "cp1251", "koi8_r")
"""What editors wrote before UTF-8: Chinese, Japanese, Korean, western and Cyrillic texts."""
_KNOWN = frozenset(
    codecs.lookup(each).name for each in (*LEGACY, "latin-1", "utf-16-le", "utf-16-be")
)
"""What a file may be said to be stored in."""
_NO_WESTERN = re.compile(rb"[\x80-\xff]{3}|[\x81-\x83\x86-\x90\x98-\x9f]")
"""Accents and typographic quotes stand alone, or two together, between ASCII letters."""
SAMPLE = 64_000
"""Bytes by which it is told which of them it is."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is stored: a codec, and the byte order mark in front of it."""

    codec: str = "utf-8"
    mark: bytes = b""

    def __str__(self) -> str:
        return f"{self.codec} with a byte order mark" if self.mark else self.codec

    def encode(self, text: str) -> bytes:
        """The bytes of a text.

        Raises:
            ToolError: the text has characters that this encoding cannot hold.
        """
        try:
            return self.mark + text.encode(self.codec)
        except UnicodeEncodeError as error:
            line = text.count("\n", 0, error.start) + 1
            raise ToolError(
                f"The file is stored as {self.codec}, which cannot hold the character "
                f"{text[error.start]!a} in line {line}. Nothing was written. Leave that "
                "character out.",
                f"The file is stored as {self.codec}, which cannot hold a character of line {line}.",
            ) from None


UTF_8 = Encoding()


def decode(data: bytes, file: Path | None = None) -> tuple[str, Encoding] | None:
    """The text and its encoding, or None where it is binary.

    A byte order mark decides; else UTF-8; else what `.editorconfig` says of the file; else the legacy
    encoding that the bytes look most like; else Latin-1. Encoded again, the text is these bytes.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(codec)
            except UnicodeDecodeError:
                break
            return None if "\0" in text else (text, Encoding(codec, mark))
    if b"\0" in data:
        said = _declared(file)
        return _stored(data, said) if said.startswith("utf-16") else None
    try:
        return data.decode("utf-8"), UTF_8
    except UnicodeDecodeError:
        said = _stored(data, _declared(file))
        return said or _legacy(data) or (data.decode("latin-1"), Encoding("latin-1"))


def _declared(file: Path | None) -> str:
    """The codec that `.editorconfig` names for a file; empty where that is none of those we know."""
    said = charset(file) if file is not None else ""
    try:
        codec = codecs.lookup(
            {"utf-16be": "utf-16-be", "utf-16le": "utf-16-le"}.get(said, said)
        ).name
    except (LookupError, ValueError):
        return ""
    return codec if codec in _KNOWN else ""


def _stored(data: bytes, codec: str) -> tuple[str, Encoding] | None:
    """The text in an encoding, if it is valid there and comes back whole."""
    try:
        text = data.decode(codec or "ascii")
        return (text, Encoding(codec)) if text.encode(codec) == data and "\0" not in text else None
    except UnicodeError:
        return None


def _legacy(data: bytes) -> tuple[str, Encoding] | None:
    """The text in the likeliest of the legacy encodings in which it is valid and comes back whole."""
    tried = (_stored(data, codec) for codec in _likely(_sample(data)))
    return next((found for found in tried if found is not None), None)


def _sample(data: bytes) -> bytes:
    """The lines around the first byte that is not ASCII: they tell as much as all of a large file."""
    first = next(re.finditer(rb"[\x80-\xff]", data)).start()
    begin = data.rfind(b"\n", 0, first) + 1
    if len(data) - begin <= SAMPLE:
        return data[begin:]
    return data[begin : data.rfind(b"\n", begin + 1, begin + SAMPLE) + 1] or data[begin:]


@lru_cache(maxsize=64)
def _likely(sample: bytes) -> tuple[str, ...]:
    """The encodings in which it reads like text, the likeliest first.

    The library that tells is loaded for the first file that needs it: most workspaces have none.
    """
    if not _NO_WESTERN.search(sample):
        return ("cp1252",)
    guesser = import_module("charset_normalizer")
    return tuple(each.encoding for each in guesser.from_bytes(sample, cp_isolation=list(LEGACY)))
