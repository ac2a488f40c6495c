"""The tools as clients see them, in the order in which a user meets them."""

from __future__ import annotations

from typing import Any

from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.cancel import Cancel
from mcp_server.interfaces.mcp.tools.edit import Edit
from mcp_server.interfaces.mcp.tools.generate import Generate, GenerateAll
from mcp_server.interfaces.mcp.tools.promote import Promote
from mcp_server.interfaces.mcp.tools.retry import Retry
from mcp_server.interfaces.mcp.tools.review import Review
from mcp_server.interfaces.mcp.tools.rollback import Rollback
from mcp_server.interfaces.mcp.tools.search import Search
from mcp_server.interfaces.mcp.tools.status import StatusTool
from mcp_server.interfaces.mcp.tools.tool import Tool
from mcp_server.interfaces.mcp.tools.unpublish import Unpublish

TOOLS: tuple[type[Tool[Any]], ...] = (
    GenerateAll,
    Generate,
    StatusTool,
    Review,
    Search,
    Edit,
    Promote,
    Rollback,
    Unpublish,
    Retry,
    Cancel,
)


def catalogue(caller: Caller) -> tuple[Tool[Any], ...]:
    """Return all tools of a server."""
    return tuple(tool(caller) for tool in TOOLS)
