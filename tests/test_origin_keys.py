"""Keys that an editor hands over: each goes to the origin it was stored for, and to no other."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from roo_lsp.endpoints import ORIGIN_KEYS, Connection, Passage
from roo_lsp.providers.memory import Memory
from roo_lsp.settings_sources import Source, effective
from roo_lsp.workspace.trust import PROMPTS, TrustStore

STORED = "sk-stored-0123456789"
COMMON = "sk-common-0123456789"


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncGenerator[Connection]:
    made = Connection(TrustStore(tmp_path / "trust.json"), Memory(tmp_path / "endpoints.json"))
    yield made
    await made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    monkeypatch.setenv("ROO_ORIGIN_1_KEY", STORED)
    monkeypatch.setenv(
        ORIGIN_KEYS, "https://models.example:8443=ROO_ORIGIN_1_KEY https://gone.example=NOT_SET"
    )
    return []


async def key_for(connection: Connection, url: str, asked: list[tuple[str, str]]) -> str | None:
    channel = Source(
        "workspace/configuration", {"provider": {"baseUrl": url, "modelId": "m"}}, trusted=False
    )

    async def yes(passage: Passage) -> bool:
        asked.extend((passage.origin, name) for name in passage.names)
        return True

    return (await connection.endpoint(effective([channel]), "", yes)).api_key


async def test_a_stored_key_goes_to_its_origin_without_a_question_and_before_all_others(
    connection: Connection, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", COMMON)
    assert await key_for(connection, "https://models.example:8443/v1", asked) == STORED
    assert asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example:8443/v1",
        "https://models.example/v1",
        "https://gone.example/v1",
    ],
)
async def test_a_stored_key_goes_to_no_other_origin(
    connection: Connection, asked: list[tuple[str, str]], url: str
) -> None:
    assert await key_for(connection, url, asked) is None


async def test_another_key_for_that_address_is_asked_about_as_ever(
    connection: Connection, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", COMMON)
    assert await key_for(connection, "https://other.example/v1", asked) == COMMON
    assert asked == [("https://other.example", each) for each in (PROMPTS, "OPENAI_API_KEY")]
