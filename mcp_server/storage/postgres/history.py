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
HISTORY = f"hashtextextended(%s || {TIMELINE}, 0)"
"""The same as a number that no other server has; it is asked for with `server_of`."""
GAP = 1_000_000
"""More than is committed before a standby falls behind so far that nobody has it take over."""

_NUMBERS = f"""
SELECT setval(oid, coalesce(pg_sequence_last_value(oid), 0) + {GAP}) FROM pg_class
WHERE relkind = 'S' AND relnamespace = CAST(current_schema() AS regnamespace)
"""


class AnotherHistory(psycopg.OperationalError):
    """Another server has taken over; the gap was made, and nothing else."""


def server_of(connection: psycopg.Connection[Any]) -> str:
    """Return the name of a server, which those copied from it bit by bit have too."""
    may = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
    if connection.execute(may).fetchone() != (True,):  # then only its history is known
        return ""
    asked = "SELECT CAST(system_identifier AS text) FROM pg_control_system()"
    row = connection.execute(asked).fetchone()
    return "" if row is None else row[0]


def keep_history(connection: psycopg.Connection[Any], server: str) -> None:
    """Note the server's history as that of the rows, if none is noted."""
    if not connection.execute("SELECT 1 FROM counters WHERE name = 'history'").fetchone():
        connection.execute(f"INSERT INTO counters SELECT 'history', {HISTORY}".encode(), [server])


def begin_history(connection: psycopg.Connection[Any], server: str) -> None:
    """Leave the gap, and note the server's history as that of the rows from now on.

    Nothing is done where another process has done it before.
    """
    there = f"SELECT 1 FROM counters WHERE name = 'history' AND value = {HISTORY}"
    if connection.execute(there.encode(), [server]).fetchone():
        return
    connection.execute(_NUMBERS.encode())
    connection.execute(
        f"UPDATE counters SET value = value + {GAP} + CASE name WHEN 'newest_job'"
        " THEN greatest(0, coalesce((SELECT max(id) FROM jobs), 0) - value) ELSE 0 END"
        " WHERE name IN ('change', 'newest_job')".encode()
    )
    noted = f"UPDATE counters SET value = {HISTORY} WHERE name = 'history'"
    connection.execute(noted.encode(), [server])
