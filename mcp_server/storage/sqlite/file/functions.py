"""SQL functions of ours, which only migrations call."""

from __future__ import annotations

import sqlite3

from mcp_server.entities.entity import text_hash


def add_functions(connection: sqlite3.Connection) -> None:
    """Let the connection call them."""
    connection.create_function("text_hash", 1, _text_hash, deterministic=True)


def _text_hash(markdown: object) -> str | None:
    """Return the hash of a text; NULL of what is none, which somebody must have damaged."""
    return text_hash(markdown) if isinstance(markdown, str) else None
