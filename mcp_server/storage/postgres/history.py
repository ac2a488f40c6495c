"""To which history of which server a workspace's rows belong.

A standby that takes over begins a history of its own, without the last commits if replication is
asynchronous. Their numbers would be given once more: to whoever was told of the lost ones, what has
them now would be no news. So the first write on another history leaves a gap that no lost number
lies beyond.
"""

from __future__ import annotations

from typing import Any

import psycopg

TIMELINE = "left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)"
"""The number of the server's history, by which nothing but a server that leads can be asked."""
NUMBER = f"CAST(CAST('x' || {TIMELINE} AS bit(32)) AS bigint)"
IS_ANOTHER = f"""
name IN ('history', 'server')
AND value <> CASE name WHEN 'history' THEN {NUMBER} ELSE CAST(%s AS bigint) END
"""
"""Which of what is noted is not so here; it is asked with `server_of`. Of servers that is known
where whoever noted it and whoever asks were both told the server's name; of histories always."""
GAP = 1_000_000
"""More than is committed before a standby falls behind so far that nobody has it take over."""

_NUMBERS = f"""
SELECT setval(oid, coalesce(pg_sequence_last_value(oid), 0) + {GAP}) FROM pg_class
WHERE relkind = 'S' AND relnamespace = CAST(current_schema() AS regnamespace)
"""


class AnotherHistory(psycopg.OperationalError):
    """Another server has taken over; the gap was made, and nothing else."""


def server_of(connection: psycopg.Connection[Any]) -> int | None:
    """Return the name of a server, which those copied from it bit by bit have too.

    `None` where this role is not told.
    """
    may = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
    if connection.execute(may).fetchone() != (True,):
        return None
    row = connection.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
    return None if row is None else row[0]


def keep_history(connection: psycopg.Connection[Any], server: int | None) -> None:
    """Note the server's history as that of the rows, if none is noted; and so the server."""
    # Asked first: who only reads, of a standby say, writes nothing.
    asked = "SELECT 1 FROM counters WHERE name = %s"
    if not connection.execute(asked, ["history"]).fetchone():
        connection.execute(f"INSERT INTO counters SELECT 'history', {NUMBER}".encode())
    if server is not None and not connection.execute(asked, ["server"]).fetchone():
        connection.execute("INSERT INTO counters VALUES ('server', %s)", [server])


def begin_history(connection: psycopg.Connection[Any], server: int | None) -> None:
    """Leave the gap, and note the server's history as that of the rows from now on.

    Nothing is done where another process has done it before. The server that is noted stays where
    this role is told of none.
    """
    another = f"SELECT 1 FROM counters WHERE {IS_ANOTHER}"
    if not connection.execute(another.encode(), [server]).fetchone():
        return
    connection.execute(_NUMBERS.encode())
    connection.execute(
        f"UPDATE counters SET value = value + {GAP} + CASE name WHEN 'newest_job'"
        " THEN greatest(0, coalesce((SELECT max(id) FROM jobs), 0) - value) ELSE 0 END"
        " WHERE name IN ('change', 'newest_job')".encode()
    )
    connection.execute(f"UPDATE counters SET value = {NUMBER} WHERE name = 'history'".encode())
    if server is not None:
        connection.execute("UPDATE counters SET value = %s WHERE name = 'server'", [server])
    keep_history(connection, server)
