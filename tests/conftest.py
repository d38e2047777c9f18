"""What every test has: its own state and configuration folders, and no key of the developer's."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keeps tests away from this user's settings, state and keys."""
    base: Path = tmp_path_factory.mktemp("roo")
    monkeypatch.setenv("ROO_STATE_DIR", str(base / "state"))
    monkeypatch.setenv("ROO_CONFIG_DIR", str(base / "config"))
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "ROO_BASE_URL",
        "ROO_MODEL",
        "ROO_PROFILE",
        "ROO_TRUST_ORIGINS",
        "ROO_CLI_SETTINGS",
    ):
        monkeypatch.delenv(name, raising=False)
    return
