"""Keeps a page to one writer among machines that share its folder: their file locks may not."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import channel_of
from mcp_server.storage.postgres.errors import storage_error

HOLD_S = 90
"""How long a lock is held without a word: longer than an export may take. One whose machine is lost
is free then."""
AGAIN_S = 0.1


@contextmanager
def page_lock(
    address: str, schema: str, page: str, within_s: float
) -> Generator[Callable[[], bool] | None]:
    """Yield what says whether the lock is held still; `None`: it was not free within so long.

    It is that of a transaction, which a pooler leaves on its connection. It blocks.

    Raises:
        StorageError: the server cannot be reached.
    """
    try:
        connection = connect(address, prepared=False)
    except psycopg.Error as error:
        raise storage_error(error) from error
    try:
        if _taken(connection, f"{channel_of(schema)} {page}", within_s):
            yield lambda: _is_there(connection)
        else:
            yield None
    finally:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        connection.close()


def _taken(connection: psycopg.Connection[tuple[object, ...]], name: str, within_s: float) -> bool:
    until = time.monotonic() + within_s
    timeout = sql.SQL("BEGIN; SET LOCAL idle_in_transaction_session_timeout = {}").format(
        sql.Literal(f"{HOLD_S}s")
    )
    asked = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
    try:
        connection.execute(timeout)
        while (row := connection.execute(asked, [name]).fetchone()) is None or not row[0]:
            if time.monotonic() >= until:
                return False
            time.sleep(AGAIN_S)
    except psycopg.Error as error:
        raise storage_error(error) from error
    return True


def _is_there(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether the transaction, and with it the lock, has lived until now."""
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        return False
    return True
