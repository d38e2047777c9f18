"""Bytes to JSON texts: every framing, cut anywhere, and never more than the caps."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roo_lsp.providers.sse import BodyReader, TooLarge


def feed(reader: BodyReader, pieces: Iterable[bytes]) -> list[bytes]:
    return [payload for piece in pieces for payload in reader.feed(piece)]


def read(pieces: Iterable[bytes]) -> tuple[list[bytes], bool]:
    reader = BodyReader()
    payloads = feed(reader, pieces)
    return payloads + reader.finish(), reader.done


CASES = {
    "events": (b'data: {"a":1}\n\ndata: {"b":2}\n\n', [b'{"a":1}', b'{"b":2}']),
    "no blank behind the colon": (b'data:{"a":1}\n\n', [b'{"a":1}']),
    "CRLF": (b'data: {"a":1}\r\n\r\ndata: {"b":2}\r\n\r\n', [b'{"a":1}', b'{"b":2}']),
    "CR": (b'data: {"a":1}\r\rdata: {"b":2}\r\r', [b'{"a":1}', b'{"b":2}']),
    "byte order mark": (b'\xef\xbb\xbfdata: {"a":1}\n\n', [b'{"a":1}']),
    "comments, OpenRouter": (b': OPENROUTER PROCESSING\n\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "other fields": (b'event: x\nid: 1\nretry: 5\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "an event named error, in words": (
        b"event: error\ndata: upstream\n\n",
        [b'{"error": "upstream"}'],
    ),
    "an event named error, without words": (b"event: error\ndata:\n\n", [b'{"error": "error"}']),
    "an event named error, bare": (b'event: error\ndata: {"a":1}\n\n', [b'{"error":{"a":1}}']),
    "an event named error, as usual": (
        b'event: error\ndata: {"error":1}\n\ndata: {"a":1}\n\n',
        [b'{"error":1}', b'{"a":1}'],
    ),
    "an event named error, without data": (b'event: error\n\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "data in two lines": (b'data: {"a":\ndata: 1}\n\n', [b'{"a":\n1}']),
    "empty data": (b'data:\n\ndata: \n\ndata: {"a":1}\n\n', [b'{"a":1}']),
    "no end of the last event": (b'data: {"a":1}', [b'{"a":1}']),
    "after the end nothing counts": (b'data: [DONE]\n\ndata: {"a":1}\n\n', []),
    "the end with blanks": (b'data: {"a":1}\n\ndata:   [DONE] \n\n', [b'{"a":1}']),
    "split UTF-8": ('data: {"a":"世🎈"}\n\n'.encode(), ['{"a":"世🎈"}'.encode()]),
    "JSON a line": (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
    "JSON a line without the last end": (b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
    "one JSON": (b'{"a":1}', [b'{"a":1}']),
    "one JSON in many lines": (b'\n{\n  "a": 1\n}\n', [b'{\n  "a": 1\n}\n']),
    "a JSON error between events": (
        b'data: {"a":1}\n\n{"error":2}\n',
        [b'{"a":1}', b'{"error":2}'],
    ),
    "text": (b"Internal error", []),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", CASES)
def test_payloads_are_found_whatever_the_framing(name: str):
    body, expected = CASES[name]
    assert read([body])[0] == expected


@pytest.mark.parametrize("name", CASES)
@given(cuts=st.lists(st.integers(0, 60), max_size=10))
def test_any_split_of_the_bytes_gives_the_same(name: str, cuts: list[int]):
    body, _ = CASES[name]
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[a:b] for a, b in pairwise(edges)]
    assert read(pieces) == read([body])


def test_the_end_is_known_when_done_came():
    assert read([b"data: [DONE]\n\n"])[1] is True
    assert read([b"data: {}\n\n"])[1] is False


def test_html_is_known_as_such():
    for body in (b"<!doctype html>", b"\xef\xbb\xbf \n<html>"):
        reader = BodyReader()
        reader.feed(body)
        assert reader.looks_like_html
    reader = BodyReader()
    reader.feed(b'data: "<p>"\n\n')
    assert not reader.looks_like_html


@pytest.mark.parametrize("piece", [b"x" * 100, b"data: " + b"x" * 100 + b"\n", b"{\n" + b"x" * 100])
def test_an_event_has_a_cap(piece: bytes):
    reader = BodyReader(max_event=1000)
    with pytest.raises(TooLarge, match="event"):
        feed(reader, [piece] * 20)


def test_an_answer_has_a_cap_also_when_it_is_only_comments():
    reader = BodyReader(max_answer=1000)
    with pytest.raises(TooLarge, match="answer"):
        feed(reader, [b": " + b"x" * 100 + b"\n\n"] * 20)
