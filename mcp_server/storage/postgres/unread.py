"""Ends a transaction whose process stands still in the middle of what the server tells it.

The server itself undoes one that stands still between statements. But while it waits to hand over
rows, or for the rest of a statement, no timeout of PostgreSQL ends it.
"""

from __future__ import annotations

import psycopg
from psycopg import sql

from mcp_server.storage.postgres.rows import PostgresRow

MOVES = "pressroom move"
"""What a process calls itself that moves a workspace: its statements take long, and go on."""
_UNREAD = sql.SQL("""
SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity
WHERE state = 'active' AND wait_event IN ('ClientWrite', 'ClientRead')
AND query_start < clock_timestamp() - CAST({still} AS interval)
AND application_name <> {moves} AND pg_has_role(usesysid, 'USAGE')
AND pid IN (
    SELECT pid FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND CAST(classid AS bigint) << 32 | CAST(objid AS bigint) = hashtextextended({name}, 0)
)
""")


def end_unread(connection: psycopg.Connection[PostgresRow], lock: str, still_s: float) -> bool:
    """End whoever holds the lock of this name and stands still for so long; whether any did.

    That is in the middle of one statement. Another role's are left alone.
    """
    still = sql.Literal(f"{still_s}s")
    asked = _UNREAD.format(still=still, moves=sql.Literal(MOVES), name=sql.Literal(lock))
    row = connection.execute(asked).fetchone()
    return row is not None and row["ended"] > 0
