"""The protocol library's own server with two tools that do nothing: what any server costs.

    python -m tests.benchmarks.bare_http

serves over HTTP with the library's own settings, and says its address on stderr.
"""

from __future__ import annotations

import socket
import sys

import uvicorn
from mcp.server import MCPServer


def bare() -> MCPServer[None]:
    """Return the server; its answers are as long as ours at their shortest."""
    server: MCPServer[None] = MCPServer("bare")

    @server.tool()
    def status() -> dict[str, str]:
        """Say what runs."""
        return {"message": "No background operations running."}

    @server.tool()
    def generate(page: str, mode: str) -> dict[str, str]:
        """Queue nothing."""
        return {"message": f"Queued {page}.", "batchId": "b_0", "status": mode}

    return server


def main() -> None:
    """Serve until told to end."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    sys.stderr.write(f"url=http://127.0.0.1:{listener.getsockname()[1]}/mcp\n")
    sys.stderr.flush()
    config = uvicorn.Config(
        bare().streamable_http_app(), http="h11", loop="asyncio", log_config=None, access_log=False
    )
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
