"""Where settings and state live on this system."""

import os
from pathlib import Path

from platformdirs import user_config_path, user_state_path


def state_dir() -> Path:
    """`$ROO_STATE_DIR`, else the platform's folder for state."""
    given = os.environ.get("ROO_STATE_DIR")
    return Path(given).absolute() if given else user_state_path("roo-lsp", appauthor=False)


def config_dir() -> Path:
    """`$ROO_CONFIG_DIR`, else the platform's folder for configuration."""
    given = os.environ.get("ROO_CONFIG_DIR")
    return Path(given).absolute() if given else user_config_path("roo-lsp", appauthor=False)
