"""What PostgreSQL's errors mean to the rest of the package, and to a person."""

from __future__ import annotations

import psycopg
from psycopg import errors

from mcp_server.errors import StorageBusy, StorageError

BUSY = (
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
"""Others were in the way: trying again may help."""

REPEATED = (errors.DeadlockDetected, errors.SerializationFailure)
"""The transaction is run again as a whole, as if it had not been."""

GONE = (psycopg.OperationalError, errors.IdleInTransactionSessionTimeout)
"""What is raised where a connection was lost: also by the server, from one that stood still."""

TOO_MUCH = (
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.TooManyArguments,
    errors.TooManyColumns,
)
"""A value is beyond what the server can keep, or find again. The driver counts it among what is
raised where a connection was lost."""

DAMAGED = "the database server finds its data damaged: put back a copy"
MESSAGES: dict[type[psycopg.Error], str] = {
    errors.DiskFull: "the disk of the database server is full: make room on it",
    errors.InsufficientPrivilege: "this role may not do that: see docs/scaling.md for its rights",
    errors.ReadOnlySqlTransaction: "the database server takes no writes: it is a standby, or was "
    "made read-only",
    errors.TooManyConnections: "the database server has no connection left: see max_connections",
    errors.AdminShutdown: "the database server is being stopped, or started again",
    errors.IdleInTransactionSessionTimeout: "this process stood still while it wrote, and what it "
    "wrote was undone",
    errors.CannotConnectNow: "the database server is starting, or stopping",
    errors.InvalidPassword: "the database server refuses the password: see PGPASSWORD or ~/.pgpass",
    errors.UndefinedTable: "the workspace is not there any more: it was moved away, or dropped",
    errors.DataCorrupted: DAMAGED,
    errors.IndexCorrupted: DAMAGED,
    errors.InvalidCatalogName: "there is no database of this name: create it",
}
"""What trouble with the server means to a person; none of it is a statement's or its values'."""

LOST = "the database server cannot be reached"
WRITING = "another process is writing to the database"


def storage_error(error: psycopg.Error) -> StorageError:
    """Return what a driver's error means to the rest of the package."""
    if isinstance(error, BUSY):
        return StorageBusy(WRITING, shown=WRITING)
    if isinstance(error, TOO_MUCH):
        return StorageError("a value is too long for the database", shown="")
    if (meaning := _meaning(error)) is not None:
        return StorageError(meaning, shown=meaning)
    return StorageError("the database refused a statement", shown="")


def moving_error(error: psycopg.Error) -> StorageError:
    """Return the same for the one who has typed the address: what the server said, too."""
    found = storage_error(error)
    if error.sqlstate is not None or isinstance(found, StorageBusy):
        return found
    if isinstance(error, psycopg.ProgrammingError):  # its words may quote a password
        why = "the address cannot be read: write one such as postgresql://USER@HOST/NAME"
        return StorageError(why, shown=why)
    said = str(error).partition("\n")[0].strip()
    return StorageError(f"{found}: {said}" if said else str(found), shown=found.shown)


def is_machines(error: BaseException) -> bool:
    """Whether it is the server's trouble, and no fault of the step that met it."""
    kinds = (*BUSY, *MESSAGES, *GONE, psycopg.InterfaceError)
    return isinstance(error, kinds) and not isinstance(error, TOO_MUCH)


def _meaning(error: psycopg.Error) -> str | None:
    for kind, meaning in MESSAGES.items():
        if isinstance(error, kind):
            return meaning
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return LOST
    return None
