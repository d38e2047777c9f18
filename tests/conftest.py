"""What every test has: its own state and configuration folders, and no key of the developer's."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Examples are made anew in each run of a person, who can look at what fails. Where CI is set,
# hypothesis itself takes its profile "ci", with the same examples each time: a landing is not to be
# refused for an example that has nothing to do with it. No profile measures time: machines are slow.
settings.register_profile(
    "people", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
if "CI" not in os.environ:
    settings.load_profile("people")


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
