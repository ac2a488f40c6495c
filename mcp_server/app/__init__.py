"""The composition root: the only package that knows every part.

process     what a process sets up once
parts       an open workspace
services    what the interfaces are given of it
worker      works the queue of one, in a process of its own or beside the server
server      keeps one open for its clients, and cares for a worker
commands    what the command line asks of one
trust       what its user is asked

A server opens its workspace when it can, and is given the reason on every call while it cannot. A
worker opens the same parts, less the ones that face a client.
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
