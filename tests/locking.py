"""The lock that every write to a workspace takes, whichever database has it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from mcp_server.storage.postgres.connection import channel_of
from tests import databases
from tests.faults.invariants import database
from tests.storage.processes import HOLDER, running, tell

ASKED = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND (classid::bigint << 32 | objid::bigint) = hashtextextended(?, 0)
"""
"""Who waits for it is about to have it."""


def is_locked(root: Path) -> bool:
    """Whether anybody holds it, or waits for it on the server."""
    if databases.address() is not None:
        return databases.rows(root, ASKED, channel_of(databases.schema_of(root))) != [(0,)]
    with closing(sqlite3.connect(database(root), timeout=0.2)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


@contextmanager
def locked(root: Path) -> Generator[None]:
    """Hold it, as a process that writes and comes to no end."""
    if (address := databases.address()) is None:
        with running(HOLDER, database(root)) as holder:
            yield
            tell(holder)
            holder.wait()
        return
    import psycopg

    with psycopg.connect(address) as connection:
        channel = channel_of(databases.schema_of(root))
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [channel])
        yield
