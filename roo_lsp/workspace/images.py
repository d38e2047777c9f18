"""Images for the model: what a file is by its first bytes, never by its name, and how large it may be.

The four kinds are those that OpenAI, Anthropic and Google all take. SVG is text.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from roo_lsp.agent.errors import ToolError
from roo_lsp.agent.messages import Image

MAX_BYTES = 5 * 1024 * 1024
"""Bytes of one image; Roo Code's limit, and Anthropic's."""
MAX_TOTAL = 20 * 1024 * 1024
"""Bytes of all images of one request; Roo Code's limit."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image's bytes and what they say of themselves; sizes in pixels."""

    media_type: str
    width: int
    height: int
    data: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.media_type}, {self.width} x {self.height}, {len(self.data)} bytes"

    def image(self, uri: str = "") -> Image:
        """As a message holds it."""
        return Image(self.media_type, b64encode(self.data).decode(), uri)


def picture_in(data: bytes, name: str) -> Picture | None:
    """The image that these bytes are, or None where they are something else.

    Raises:
        ToolError: it is damaged, or too large; `name` is what it is called there.
    """
    kind = _media_type(data)
    if kind is None:
        return None
    size = _SIZES[kind](data)
    if size is None or 0 in size:
        raise ToolError(f"{name} begins as an image ({kind}), but is damaged or not complete.")
    if len(data) > MAX_BYTES:
        raise ToolError(
            f"{name} is an image of {len(data)} bytes; at most {MAX_BYTES} are taken. Make a "
            "smaller copy of it."
        )
    return Picture(kind, *size, data)


def data_of(uri: str) -> bytes | None:
    """What a `data:` URI (RFC 2397) holds; None where it is none. What it says it is does not count."""
    head, comma, body = uri.partition(",")
    if not comma or not head.lower().startswith("data:"):
        return None
    data = unquote_to_bytes(body)
    if not head.lower().endswith(";base64"):
        return data
    try:
        return b64decode(data, validate=True)
    except NotBase64:
        return None


# --- formats --------------------------------------------------------------------------------

_Size = tuple[int, int] | None


def _media_type(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _png(data: bytes) -> _Size:
    """From IHDR, which is the first chunk (PNG, section 5.6)."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _gif(data: bytes) -> _Size:
    """From the logical screen descriptor (GIF89a, section 18)."""
    if len(data) < 13:
        return None
    return _little(data, 6, 2), _little(data, 8, 2)


def _jpeg(data: bytes) -> _Size:
    """From the first start of frame (ITU T.81, section B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        if marker in {0xD9, 0xDA}:  # the end, or the scan, before any frame
            return None
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers that stand alone
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def _webp(data: bytes) -> _Size:
    """From the first chunk (RFC 9649): lossy, lossless, or the canvas of the extended format."""
    match data[12:16]:
        case b"VP8 " if len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
            return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
        case b"VP8L" if len(data) >= 25 and data[20] == 0x2F:
            both = _little(data, 21, 4)
            return (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(data) >= 30:
            return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
        case _:
            return None


def _little(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(data[start : start + length], "little")


_SIZES = {"image/png": _png, "image/jpeg": _jpeg, "image/gif": _gif, "image/webp": _webp}
