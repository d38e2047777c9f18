"""Bytes to text and back, so that what was not changed comes back byte for byte."""

import codecs
from dataclasses import dataclass

from roo_lsp.agent.errors import ToolError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is stored: a codec, and the byte order mark in front of it."""

    codec: str = "utf-8"
    mark: bytes = b""

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


def decode(data: bytes) -> tuple[str, Encoding] | None:
    """The text and its encoding, or None where it is binary.

    A byte order mark decides; else UTF-8; else Latin-1, which gives every byte back as it was.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            try:
                text = data[len(mark) :].decode(codec)
            except UnicodeDecodeError:
                break
            return None if "\0" in text else (text, Encoding(codec, mark))
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8"), UTF_8
    except UnicodeDecodeError:
        return data.decode("latin-1"), Encoding("latin-1")
