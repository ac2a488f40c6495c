"""The settings of a workspace, and where its parts lie.

settings    what may be set
database    the address of a shared database: where it leads
sources     where the settings come from: the workspace's file, its user's, the environment
rewriting   a workspace's file with another value in it, and every other byte as it was
tables      what is set for plugins
workspace   a folder with a site in it
user        the user's own folders, outside every workspace

`pressroom.toml` in a workspace holds its settings. A stranger may have written that file, so we
remember which settings come from it and which the user gave: in a `pressroom.toml` of their own, or
in the environment, as `PRESSROOM_` and the setting's name in capitals. An empty variable counts as
not set.
"""

from __future__ import annotations

from mcp_server.config.database import (
    database_of,
    holds_password,
    manner_of,
    without_its_password,
)
from mcp_server.config.rewriting import rewritten, write_settings_file
from mcp_server.config.settings import (
    KEY_VARIABLE,
    OWN_EMBEDDERS,
    Budget,
    Settings,
)
from mcp_server.config.sources import (
    ENV_PREFIX,
    PLUGINS_PREFIX,
    SETTINGS_BYTES_MAX,
    SETTINGS_FILE,
    STATE_DIR_VARIABLE,
    TOKEN_VARIABLE,
    WORKSPACE_VARIABLE,
    SettingsProblems,
    load_settings,
    named_in,
    still_literal,
)
from mcp_server.config.tables import PluginTable
from mcp_server.config.user import user_settings_file, user_state_dir
from mcp_server.config.words import in_words, left_literal, unknown_variable
from mcp_server.config.workspace import STATE_DIR, Workspace, find_workspace, open_workspace

__all__ = [
    "ENV_PREFIX",
    "KEY_VARIABLE",
    "OWN_EMBEDDERS",
    "PLUGINS_PREFIX",
    "SETTINGS_BYTES_MAX",
    "SETTINGS_FILE",
    "STATE_DIR",
    "STATE_DIR_VARIABLE",
    "TOKEN_VARIABLE",
    "WORKSPACE_VARIABLE",
    "Budget",
    "PluginTable",
    "Settings",
    "SettingsProblems",
    "Workspace",
    "database_of",
    "find_workspace",
    "holds_password",
    "in_words",
    "left_literal",
    "load_settings",
    "manner_of",
    "named_in",
    "open_workspace",
    "rewritten",
    "still_literal",
    "unknown_variable",
    "user_settings_file",
    "user_state_dir",
    "without_its_password",
    "write_settings_file",
]
