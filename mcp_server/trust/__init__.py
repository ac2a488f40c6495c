"""What in a workspace its user stands for.

A workspace may come from a stranger: it is then data. Its state folder is not worked with unless we
made it here for this user, and its settings send nothing anywhere before they said so.

records   what is kept of that, in the user's own state folder
state     the state folder of a workspace: ours by a mark, or set aside
needs     the settings that need a word of the user's, and what they would do
grants    whether they have it
"""

from __future__ import annotations

from mcp_server.trust.grants import Grants, ModelTrust
from mcp_server.trust.needs import Need, destination, is_loopback
from mcp_server.trust.state import SET_ASIDE, StateFolder

__all__ = ["SET_ASIDE", "Grants", "ModelTrust", "Need", "StateFolder", "destination", "is_loopback"]
