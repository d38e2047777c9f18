"""What a file is by its first bytes, and what a data: URI holds."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.errors import ToolError
from roo_lsp.workspace.images import MAX_BYTES, data_of, picture_in
from tests.support.images import gif, jpeg, png, webp

ALL = [
    ("image/png", png),
    ("image/gif", gif),
    ("image/jpeg", jpeg),
    ("image/jpeg", lambda width, height: jpeg(width, height, frame=0xC2)),  # progressive
    ("image/webp", lambda width, height: webp(b"VP8 ", width, height)),
    ("image/webp", lambda width, height: webp(b"VP8L", width, height)),
    ("image/webp", lambda width, height: webp(b"VP8X", width, height)),
]
KINDS = pytest.mark.parametrize(("kind", "made"), ALL)


@KINDS
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (1, 3000), (16383, 2)])
def test_an_image_is_known_with_its_size(kind, made, size):
    found = picture_in(made(*size), "a")
    assert found is not None
    assert (found.media_type, found.width, found.height) == (kind, *size)
    assert str(found) == f"{kind}, {size[0]} x {size[1]}, {len(made(*size))} bytes"
    assert found.image("file:///a").size == len(made(*size))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PN",
        b"BM\x3a\0",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"GIF90a",
        b"%PDF-1.7\0",
    ],
)
def test_anything_else_is_no_image(data):
    assert picture_in(data, "a") is None


@KINDS
def test_an_image_without_its_head_is_damaged(kind, made):
    whole = made(3, 2)
    said = set[str]()
    for length in range(12, len(whole)):
        try:
            found = picture_in(whole[:length], "shot")
        except ToolError as error:
            said.add(error.text)
        else:
            assert found is not None
            assert (found.width, found.height) == (3, 2)
    assert said == {f"shot begins as an image ({kind}), but is damaged or not complete."}


def test_an_image_of_no_size_is_damaged():
    with pytest.raises(ToolError, match="damaged"):
        picture_in(png(0, 5), "a")


@settings(deadline=None)
@given(st.sampled_from([b"\xff\xd8\xff", b"RIFF....WEBP", b"GIF89a", png()[:20]]), st.binary())
def test_no_bytes_do_harm(head, rest):
    try:
        found = picture_in(head + rest, "a")
    except ToolError:
        return
    assert found is not None
    assert found.width > 0
    assert found.height > 0


def test_an_image_may_have_5_mb():
    spare = MAX_BYTES - len(png(filler=1)) + 1
    assert picture_in(png(filler=spare), "a") is not None
    with pytest.raises(ToolError, match="at most 5242880"):
        picture_in(png(filler=spare + 1), "a")


@pytest.mark.parametrize(
    ("uri", "data"),
    [
        ("data:image/png;base64," + b64encode(b"\xff\xfe\0a").decode(), b"\xff\xfe\0a"),
        ("data:image/png;base64," + quote(b64encode(b"\xff\xfe\xfd").decode()), b"\xff\xfe\xfd"),
        ("DATA:;x=y;BASE64,QUJD", b"ABC"),
        ("data:,a%20b", b"a b"),
        ("data:image/png;base64,QUJ", None),
        ("data:image/png;base64,QU JD", None),
        ("data:image/png;base64", None),
        ("file:///a,b", None),
        ("", None),
    ],
)
def test_a_data_uri_is_read(uri, data):
    assert data_of(uri) == data
