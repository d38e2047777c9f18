"""What is remembered of endpoints: in one file, bounded, for a month, and nothing secret."""

import json
import stat
from pathlib import Path

import pytest

from roo_lsp.providers.memory import LASTS, MAX_FILE, MAX_PLACES, PREFILLED, Memory
from roo_lsp.providers.requests import REPLAY

HERE = ("http://127.0.0.1:8000/v1/chat/completions", "qwen3")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "endpoints.json"


def test_what_one_process_learns_the_other_knows(file: Path):
    one, other = Memory(file), Memory(file)
    assert other.of(HERE) == frozenset()
    one.learn(HERE, {"stream_options"})
    assert other.of(HERE) == {"stream_options"}
    other.learn(HERE, {PREFILLED})
    other.learn((HERE[0], "llama3"), {"seed"})
    assert one.of(HERE) == {"stream_options", PREFILLED}
    one.forget(HERE)
    assert other.of(HERE) == frozenset()
    assert Memory(file).of((HERE[0], "llama3")) == {"seed"}


def test_the_file_is_its_owners_alone_and_written_whole(file: Path):
    Memory(file).learn(HERE, {"seed"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["endpoints.json"]
    assert json.loads(file.read_text())["endpoints"][0]["learnt"].keys() == {"seed"}


def test_it_is_tried_again_after_a_month_and_where_a_clock_ran_ahead(file: Path):
    now = 1e9
    memory = Memory(file, lambda: now)
    memory.learn(HERE, {"seed"})
    now += LASTS - 1
    memory.learn(HERE, {"top_p"})
    assert memory.of(HERE) == {"seed", "top_p"}
    now += 2
    assert memory.of(HERE) == {"top_p"}
    memory.learn(HERE, {"strict"})
    assert "seed" not in file.read_text()
    now -= 2 * LASTS
    assert Memory(file, lambda: now).of(HERE) == frozenset()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"endpoints": 7}',
        b'{"endpoints": [7]}',
        b'{"endpoints": [{"url": "u", "model": "m", "learnt": ["seed"]}]}',
        b'{"endpoints": [{"url": "u", "model": "m", "learnt": {"seed": 1e999}}]}',
        b'{"endpoints": [{"url": "u", "model": "m", "learnt": {"seed": "x"}}]}',
        b'{"endpoints": [{"url": "u", "model": "m", "learnt": {"seed": 1' + b"0" * 400 + b"}}]}",
        b"[" * 100_000,
        b" " * (MAX_FILE + 1),
    ],
)
def test_a_broken_file_is_ignored_and_replaced(file: Path, content: bytes):
    file.parent.mkdir()
    file.write_bytes(content)
    memory = Memory(file)
    assert memory.of(("u", "m")) == frozenset()
    memory.learn(HERE, {"seed"})
    assert Memory(file).of(HERE) == {"seed"}


def test_a_file_cannot_make_us_leave_out_what_every_request_needs(file: Path):
    memory = Memory(file)
    memory.learn(HERE, {"seed"})
    file.write_text(file.read_text().replace("seed", "messages"))
    assert Memory(file).of(HERE) == frozenset()


def test_only_so_many_endpoints_are_kept_and_the_latest_stay(file: Path):
    memory = Memory(file)
    for number in range(MAX_PLACES + 1):
        memory.learn((f"http://h{number}", "m"), {"seed"})
    memory.learn(("http://h1", "m"), {"top_p"})
    memory.learn(("http://another", "m"), {"seed"})
    again = Memory(file)
    assert again.of(("http://h0", "m")) == again.of(("http://h2", "m")) == frozenset()
    assert again.of(("http://h1", "m")) == {"seed", "top_p"}
    assert len(json.loads(file.read_text())["endpoints"]) == MAX_PLACES


def test_without_a_place_to_write_it_is_known_in_this_process(tmp_path: Path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    memory = Memory(in_the_way / "endpoints.json")
    memory.learn(HERE, {"seed"})
    assert memory.of(HERE) == {"seed"}


def test_people_are_told_in_a_sentence():
    memory = Memory()
    memory.learn(HERE, {"max_completion_tokens", "stream_options", REPLAY})
    memory.learn((HERE[0], "llama3"), {PREFILLED})
    memory.learn(("http://127.0.0.1:8000/v10/chat/completions", "m"), {"seed"})
    (told,) = memory.about("http://127.0.0.1:8000/v1/", "qwen3")
    assert told == (
        "it does not take max_completion_tokens (max_tokens is sent), stream_options, "
        "the reasoning of earlier answers"
    )
    assert memory.about("http://127.0.0.1:8000/v1")[1:] == [
        "llama3: its answers begin inside <think>"
    ]
    assert memory.about("http://127.0.0.1:9000/v1") == []
