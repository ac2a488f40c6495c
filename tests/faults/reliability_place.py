"""Where the jobs lie that meet faults: in a file, or in a schema of a server."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mcp_server.storage.sql.database import Database
from mcp_server.storage.sqlite.file.database import Database as SqliteDatabase
from tests.storage.invariants import CHECKS, check_invariants


@dataclass(frozen=True)
class Place:
    """A database to work with, and to look at past all our own code."""

    open: Callable[[], AbstractAsyncContextManager[Database]]
    """Opens it, in any process."""
    rows: Callable[[str], list[tuple[Any, ...]]]
    """Returns what a query finds."""
    check: Callable[[], None]
    """Fails, naming every row that contradicts another."""


def in_a_file(path: Path) -> Place:
    """Return a file, which need not be there yet."""

    def rows(query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(query).fetchall()

    opened = partial(SqliteDatabase.open, path, synchronous="NORMAL")
    return Place(opened, rows, partial(check_invariants, path))


@contextmanager
def on_a_server(address: str) -> Generator[Place]:
    """Yield a new schema of a server, which is removed in the end."""
    import psycopg

    from mcp_server.storage.postgres.database import PostgresDatabase

    schema = f"reliability_{os.getpid()}"

    def rows(query: str) -> list[tuple[Any, ...]]:
        options = f"-c search_path={schema}"
        with psycopg.connect(address, autocommit=True, options=options) as connection:
            return connection.execute(query.encode()).fetchall()

    def check() -> None:
        for what, (statement, _why) in CHECKS.items():
            found = rows(statement)
            assert not found, f"{what}: {found}"

    try:
        yield Place(partial(PostgresDatabase.open, address, schema), rows, check)
    finally:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
