"""Arguments: what is taken for an object becomes one; all else is refused with the place."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roo_lsp.agent.arguments import MAX_DEPTH, BadArguments, read_arguments
from tests.agent.test_assembly import json_objects

A = '{"path": "a"}'
WRAPPED = json.dumps(A)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (A, A),
        ('{ "b":1e5 ,"a":[ ]}', '{ "b":1e5 ,"a":[ ]}'),
        (f"\n {A}\r\n", A),
        ("", "{}"),
        (" \n", "{}"),
        ("null", "{}"),
        (f"```json\n{A}\n```", A),
        (f"```\n{A}```", A),
        (f"```json{A}```", A),
        (WRAPPED, A),
        (json.dumps(f"```json\n{A}\n```"), A),
        (f"```\n{WRAPPED}\n```", A),
        (f"{A}{A}", A),
        (f'{A}\n{{"path":"a"}}', A),
        (f"{{}}{A}", A),
        (f"{A}{{}}", A),
        ('{"path": "a\n\tb"}', '{"path": "a\\n\\tb"}'),
        ('{"path": "é\n"}', '{"path": "é\\n"}'),
        ('"{\\"path\\": \\"a\nb\\"}"', '{"path": "a\\nb"}'),
        ('{"path": "\\u0000"}', '{"path": "\\u0000"}'),
        ('{"path": "\\ud83d\\ude00"}', '{"path": "\\ud83d\\ude00"}'),
    ],
)
def test_what_can_be_read_in_one_way_is_taken(sent: str, meant: str):
    assert read_arguments(sent) == meant


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("{", "not valid JSON: Expecting property name enclosed in double quotes (character 1"),
        ('{"path": "a', 'Unterminated string starting at (character 9, near \'{"path": "a\')'),
        ("{'path': 'a'}", "(character 1, near"),
        ('{"path": "a",}', "(character 13"),
        ("path=a", "(character 0"),
        (f"{A} done", "more behind the JSON object, at character 14: 'done'"),
        (f'{A}{{"path": "b"}}', "several different JSON objects"),
        ('{"a": 1}{"a": true}', "several different JSON objects"),
        (f"{A}[1]", "more behind the JSON object"),
        (f"{A}{{", "(character 14"),
        ('{"a": 1, "b": 2, "a": 1}', "the key 'a' is there more than once"),
        ('{"x": {"a": 1, "a": 2}}', "the key 'a' is there more than once"),
        ('{"a": "\n", "a": 2}', "the key 'a' is there more than once"),
        ('{"a": NaN}', "NaN is no JSON value"),
        ('{"a": -Infinity}', "-Infinity is no JSON value"),
        ('{"a": 1e999}', "the number 1e999 is too large"),
        ('{"a": ' + "9" * 5000 + "}", "too large"),
        ('{"a": "\\ud83d"}', "the value of 'a' has half of a surrogate pair"),
        ('{"a": "\ud83d"}', "the value of 'a' has half of a surrogate pair"),
        ('{"a": [{"b\\udc00": 1}]}', "the value of 'a' has half of a surrogate pair"),
        ("[1]", "not an object"),
        ('"words"', "not an object"),
        ("true", "not an object"),
        (json.dumps(json.dumps(WRAPPED)), "not an object"),
        (
            '{"a": ' + "[" * 70 + "]" * 70 + "}",
            f"the value of 'a' is nested deeper than {MAX_DEPTH}",
        ),
        ('{"a": ' * 100_000, "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        ('{"a": "\n", "b": ' + "[" * 100_000, "nested deeper"),
        ("```\n" * 50_000 + "```" * 50_000, "not valid JSON"),
    ],
)
def test_what_cannot_is_refused_with_its_place(sent: str, why: str):
    with pytest.raises(BadArguments) as caught:
        read_arguments(sent)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_cut_never_turns_arguments_into_others():
    """What was meant to be longer is not run: `rm -rf ./build` cut to `rm -rf .` and closed."""
    for sent in (
        '{"command": "rm -rf ./build"}',
        '"{\\"command\\": \\"rm -rf ./build\\"}"',
        '```json\n{"command": "rm -rf ./build"}\n```',
        '{}{"command": "rm -rf ./build"}',
    ):
        for end in range(1, len(sent)):
            try:
                read = json.loads(read_arguments(sent[:end]))
            except BadArguments:
                continue
            assert read in ({}, {"command": "rm -rf ./build"})


@settings(deadline=None)
@given(json_objects, st.sampled_from(["{}", "```json\n{}\n```", " {} ", "{0}{0}"]), st.booleans())
def test_any_object_in_any_wrapping_is_the_object(value: Any, around: str, ascii_only: bool):
    text = json.dumps(value, ensure_ascii=ascii_only)
    wrapped = around.replace("{0}", text).replace("{}", text, 1 if "{0}" not in around else 0)
    assert json.loads(read_arguments(wrapped)) == value
    assert json.loads(read_arguments(json.dumps(text))) == value


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='{}[]":,\\ntruefalse `0eE-.\n', max_size=40))
def test_any_text_is_an_object_or_refused(text: str):
    try:
        again = read_arguments(text)
    except BadArguments:
        return
    assert isinstance(json.loads(again), dict)
    assert read_arguments(again) == again
    again.encode()
