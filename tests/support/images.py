"""Small images, made by hand from their formats' descriptions."""

import struct
import zlib


def png(width: int = 2, height: int = 1, *, filler: int = 0) -> bytes:
    """A whole PNG, all black; `filler` bytes more in a chunk that says nothing."""
    rows = (b"\0" + b"\0" * width) * height

    def chunk(kind: bytes, data: bytes) -> bytes:
        end = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + end

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    if filler:
        parts.insert(1, (b"prVt", b"x" * filler))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def gif(width: int = 2, height: int = 1) -> bytes:
    """A whole GIF of one pixel on a screen of this size."""
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + screen + frame + b"\x3b"


def jpeg(width: int = 2, height: int = 1, frame: int = 0xC0) -> bytes:
    """The beginning of a JPEG: a JFIF header, a table, a fill byte, and the start of a frame."""
    jfif = b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
    huffman = b"\xff\xc4\0\x04ab"  # C4 is no frame
    start = (
        b"\xff\xff" + bytes([frame]) + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    )
    return b"\xff\xd8" + jfif + huffman + start + b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0\xff\xd9"


def webp(kind: bytes, width: int = 2, height: int = 1) -> bytes:
    """The beginning of a WebP: `VP8 ` lossy, `VP8L` lossless, `VP8X` extended."""
    match kind:
        case b"VP8 ":
            body = b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height)
        case b"VP8L":
            body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
        case _:
            sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
            body = b"\0\0\0\0" + sizes
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk
