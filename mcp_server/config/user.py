"""The user's own folders: what lies there was put there by them, or by us for them."""

from __future__ import annotations

from pathlib import Path

import platformdirs

APPLICATION = "pressroom"


def user_settings_file() -> Path:
    """Return where the user's own settings are, which hold in every workspace."""
    return platformdirs.user_config_path(APPLICATION, appauthor=False) / "pressroom.toml"


def user_state_dir() -> Path:
    """Return where it is kept which workspaces are the user's own, and what they trust in each."""
    return platformdirs.user_state_path(APPLICATION, appauthor=False)
