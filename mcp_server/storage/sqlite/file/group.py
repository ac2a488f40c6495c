"""A group of writes, committed as one transaction on the connection's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from mcp_server.errors import StorageBusy
from mcp_server.storage.sql.group_commit import Member
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS, storage_error
from mcp_server.storage.sqlite.file.transaction import SqliteTransaction, spells_out


def anything(_: sqlite3.Connection) -> None:
    """Allow every transaction: the check where none is needed."""


class _Undone(Exception):
    """A member raised, so the whole transaction was rolled back."""


def commit(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None] = anything,
) -> None:
    """Commit the group as one transaction; a member that raises is undone, and no other.

    What `check` raises at the start of a transaction is raised, and nothing is done.
    """
    _commit(connection, group, check)
    for member in group:
        if isinstance(member.error, DRIVER_ERRORS):
            error, member.error = member.error, storage_error(member.error)
            member.error.__cause__ = error


def _commit(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None],
) -> None:
    """Do so; what the driver has raised is kept as it is.

    A savepoint costs as much as a small member, and members hardly ever raise. So the group runs
    without savepoints first, and once more with them if a member raised. If the transaction fails
    as a whole, each member is tried alone; but not if another process holds the lock, since all of
    them have waited for it already.
    """
    try:
        try:
            _commit_together(connection, group, check, _run_openly)
        except _Undone:
            if any(spells_out(connection, member.error) for member in group):
                _commit(connection, group, check)
                return
            # Alone, the member that raised has its error already, and there is nobody else to save.
            if len(group) > 1:
                _commit_together(connection, group, check, _run_in_savepoint)
    except DRIVER_ERRORS as error:
        if len(group) == 1 or isinstance(storage_error(error), StorageBusy):
            for member in group:
                member.error = error
            return
        for member in group:
            _commit(connection, [member], check)


def _commit_together(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None],
    run: Callable[[sqlite3.Connection, Member[Any]], None],
) -> None:
    # IMMEDIATE takes the write lock now, and waits for it. A transaction that asks for it after its
    # first read is refused at once if another process has written since.
    begin(connection, "BEGIN IMMEDIATE")
    try:
        check(connection)
        for member in group:
            run(connection, member)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def begin(connection: sqlite3.Connection, how: str) -> None:
    if connection.in_transaction:  # the ROLLBACK of the one before failed, too
        connection.execute("ROLLBACK")
    connection.execute(how)


def _run_openly(connection: sqlite3.Connection, member: Member[Any]) -> None:
    """Run a member without a savepoint: what it raises undoes the whole transaction.

    Raises:
        _Undone: it raised; its error is kept for its caller.
    """
    try:
        _run(connection, member)
    except Exception as error:  # whatever it is, it is that caller's: `Member.outcome` raises it
        member.error = error
        raise _Undone from error


def _run_in_savepoint(connection: sqlite3.Connection, member: Member[Any]) -> None:
    """Run a member in a savepoint: what it raises undoes it, and no other member.

    Raises:
        sqlite3.Error: the whole transaction is gone (a full disk, an I/O error).
    """
    connection.execute("SAVEPOINT member")
    try:
        _run(connection, member)
    except Exception as error:
        if not connection.in_transaction:  # SQLite has rolled all of it back, the savepoint too
            raise
        connection.execute("ROLLBACK TO member")
        member.error = error
    connection.execute("RELEASE member")
    if spells_out(connection, member.error):
        _run_in_savepoint(connection, member)


def _run(connection: sqlite3.Connection, member: Member[Any]) -> None:
    before = connection.total_changes
    member.error = None  # from an earlier run that was rolled back
    result = member.function(SqliteTransaction(connection))
    member.keep(result, changed=connection.total_changes != before)
