"""The user's own folders. Their files come from the user or from us, never from a workspace."""

from __future__ import annotations

from pathlib import Path

import platformdirs

APPLICATION = "pressroom"


def user_settings_file() -> Path:
    """Return the file of the user's own settings, which apply to every workspace."""
    return platformdirs.user_config_path(APPLICATION, appauthor=False) / "pressroom.toml"


def user_state_dir() -> Path:
    """Return the folder that records which workspaces are the user's own, and what each may do."""
    return platformdirs.user_state_path(APPLICATION, appauthor=False)
