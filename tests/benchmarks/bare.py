"""The least that an MCP server can be, beside which ours is measured: `python -m …bare`."""

from __future__ import annotations

from typing import Any

from mcp.server import MCPServer

server: MCPServer[Any] = MCPServer("bare")


@server.tool()
def status() -> dict[str, str]:
    """Say that nothing runs."""
    return {"message": "No background operations running."}


if __name__ == "__main__":
    server.run()
