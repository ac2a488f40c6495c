"""What a workspace may do, by its user's permission.

A workspace may come from a stranger. So its state folder is used only if we made it here for this
user, and its settings send nothing anywhere until the user has agreed.

records   what the user has agreed to, kept in the user's own state folder
state     a workspace's state folder: ours if it carries our mark, otherwise set aside
needs     the settings that need the user's permission, and what they would do
grants    whether the user has given it
"""

from __future__ import annotations

from mcp_server.trust.grants import Grants, ModelTrust
from mcp_server.trust.needs import Need, destination, is_loopback
from mcp_server.trust.state import SET_ASIDE, StateFolder, known_workspaces

__all__ = [
    "SET_ASIDE",
    "Grants",
    "ModelTrust",
    "Need",
    "StateFolder",
    "destination",
    "is_loopback",
    "known_workspaces",
]
