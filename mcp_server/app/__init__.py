"""The composition root: the only package that knows every part.

process     logging and memory, set up once per process
parts       an open workspace: database, queue, handlers, files
services    what the interfaces get of an open workspace
worker      runs a workspace's jobs, in its own process or inside the server's
server      keeps a workspace open for clients, and sees that a worker runs
commands    commands that open a workspace for a moment
trust       `pressroom trust`: asks the user what a workspace may do

A server starts even if its workspace cannot be opened: until it can, each call tries again and is
answered with the reason. A worker opens the same parts, without those that face a client.
"""

from __future__ import annotations

from mcp_server.app.commands import doctor, follow, job, status, stop_worker, wait
from mcp_server.app.parts import Parts, load_plugins, open_parts
from mcp_server.app.process import log_to_stderr, settle_memory
from mcp_server.app.server import Application, serve_http, serve_stdio
from mcp_server.app.trust import trust
from mcp_server.app.worker import run_worker

__all__ = [
    "Application",
    "Parts",
    "doctor",
    "follow",
    "job",
    "load_plugins",
    "log_to_stderr",
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
