"""The composition root: the only package that knows every part.

process     logging and memory, set up once per process
parts       an open workspace: database, queue, handlers, files
services    what the interfaces get of an open workspace
worker      runs a workspace's jobs, in its own process or inside the server's
server      answers clients at once, and opens the workspace for them when it can be
opening     an open workspace as a server keeps it: services, and a worker that runs
installation  what is installed, as far as it can be told without loading it
commands    commands that open a workspace for a moment
calls       commands that call a tool, as a client does
completion  what a shell completes
moving      `pressroom database move`: takes a workspace to another database
trust       `pressroom trust`: asks the user what a workspace may do

A server starts even if its workspace cannot be opened: until it can, each call tries again and is
answered with the reason. A worker opens the same parts, without those that face a client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_server.app.calls import call
    from mcp_server.app.commands import check, doctor, follow, job, status, stop_worker, wait
    from mcp_server.app.completion import ids
    from mcp_server.app.moving import move_database
    from mcp_server.app.parts import Parts, load_plugins, open_parts
    from mcp_server.app.process import log_to_stderr, settle_memory
    from mcp_server.app.server import Application, serve_http, serve_stdio
    from mcp_server.app.trust import trust
    from mcp_server.app.worker import run_worker

__all__ = [
    "Application",
    "Parts",
    "call",
    "check",
    "doctor",
    "follow",
    "ids",
    "job",
    "load_plugins",
    "log_to_stderr",
    "move_database",
    "open_parts",
    "run_worker",
    "serve_http",
    "serve_stdio",
    "settle_memory",
    "status",
    "stop_worker",
    "trust",
    "wait",
]

HOMES = {
    "Application": "mcp_server.app.server",
    "Parts": "mcp_server.app.parts",
    "call": "mcp_server.app.calls",
    "check": "mcp_server.app.commands",
    "doctor": "mcp_server.app.commands",
    "follow": "mcp_server.app.commands",
    "ids": "mcp_server.app.completion",
    "job": "mcp_server.app.commands",
    "load_plugins": "mcp_server.app.parts",
    "log_to_stderr": "mcp_server.app.process",
    "move_database": "mcp_server.app.moving",
    "open_parts": "mcp_server.app.parts",
    "run_worker": "mcp_server.app.worker",
    "serve_http": "mcp_server.app.server",
    "serve_stdio": "mcp_server.app.server",
    "settle_memory": "mcp_server.app.process",
    "status": "mcp_server.app.commands",
    "stop_worker": "mcp_server.app.commands",
    "trust": "mcp_server.app.trust",
    "wait": "mcp_server.app.commands",
}
"""The module of each public name."""

if not TYPE_CHECKING:  # or a type checker would take every name for one of ours

    def __getattr__(name: str) -> Any:
        """Import a public name when it is first asked for: a server answers before it loads all."""
        if (home := HOMES.get(name)) is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(home), name)
