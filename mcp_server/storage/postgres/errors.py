"""What PostgreSQL's errors mean to the rest of the package, and to a person."""

from __future__ import annotations

import psycopg
from psycopg import errors

from mcp_server.errors import StorageBusy, StorageError, StorageUncertain
from mcp_server.storage.postgres.refusals import (
    DISK,
    FULL,
    LOST,
    NO_DATABASE,
    NO_RIGHT,
    READ_ONLY,
    REFUSED,
    STARTING,
    UNKNOWN,
    servers_words,
    why_refused,
)

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

WRITING = "another process is writing to the database"
DAMAGED = "the database server finds its data damaged: put back a copy"
FILES = "the database server cannot read or write its files: see its log, and to its disk"
POOLED = (
    "a pooler such as PgBouncer lends the database's connections, and another process's statements "
    "came with one: set database_pooled = true, or PRESSROOM_DATABASE_POOLED=true"
)
MESSAGES: dict[type[psycopg.Error], str] = {
    errors.DiskFull: DISK,
    errors.OutOfMemory: "the database server has no memory left: see to its machine",
    errors.InsufficientPrivilege: NO_RIGHT,
    errors.ReadOnlySqlTransaction: READ_ONLY,
    errors.TooManyConnections: FULL,
    errors.AdminShutdown: "the database server is being stopped, or started again",
    errors.IdleInTransactionSessionTimeout: "this process stood still while it wrote, and what it "
    "wrote was undone",
    errors.CannotConnectNow: STARTING,
    errors.InvalidPassword: REFUSED,
    errors.UndefinedTable: "the workspace is not there any more: it was moved away, or dropped",
    errors.DataCorrupted: DAMAGED,
    errors.IndexCorrupted: DAMAGED,
    errors.IoError: FILES,
    errors.UndefinedFile: FILES,
    errors.InvalidCatalogName: NO_DATABASE,
    errors.InvalidSqlStatementName: POOLED,
    errors.DuplicatePreparedStatement: POOLED,
}
"""What trouble with the server means to a person; none of it is a statement's or its values'."""

DAMAGES = (errors.DataCorrupted, errors.IndexCorrupted, errors.IoError, errors.UndefinedFile)
"""What may concern one table, where all others can be read and written."""


class CommitUnknown(psycopg.OperationalError):
    """The connection was lost in the commit, and nobody can say what became of it."""


class CommitUndone(psycopg.OperationalError):
    """The connection was lost in the commit, and the server has undone it."""


def storage_error(error: psycopg.Error) -> StorageError:
    """Return what a driver's error means to the rest of the package."""
    if isinstance(error, BUSY):
        return StorageBusy(WRITING, shown=WRITING, shared=True)
    if isinstance(error, TOO_MUCH):
        return StorageError("a value is too long for the database", shared=True)
    if isinstance(error, CommitUnknown):
        return StorageUncertain(str(error), shown=str(error), shared=True)
    meaning = _meaning(error)
    if meaning is None:
        code = f" ({error.sqlstate})" if error.sqlstate is not None else ""
        return StorageError(f"the database refused a statement{code}", shared=True)
    return StorageError(meaning, shown=meaning, shared=True)


def moving_error(error: psycopg.Error) -> StorageError:
    """Return the same for the one who has typed the address: what the server said, too."""
    found = storage_error(error)
    if found.shown == UNKNOWN:
        said = (
            f"the database server refuses the connection: {servers_words(error)}. See to that; "
            "where its lc_messages is C, it says so in English, and what helps is said here"
        )
        return StorageError(said, shown=UNKNOWN, shared=True)
    if error.sqlstate is not None or found.shown != LOST:
        return found
    said = str(error).partition("\n")[0].strip()
    return StorageError(f"{found}: {said}" if said else str(found), shown=LOST, shared=True)


def is_machines(error: BaseException) -> bool:
    """Whether it is the server's trouble, and no fault of the step that met it."""
    kinds = (*BUSY, *MESSAGES, *GONE, psycopg.InterfaceError)
    return isinstance(error, kinds) and not isinstance(error, TOO_MUCH)


def _meaning(error: psycopg.Error) -> str | None:
    for kind, meaning in MESSAGES.items():
        if isinstance(error, kind):
            return meaning
    if isinstance(error, psycopg.OperationalError):
        return why_refused(error) or LOST
    if isinstance(error, psycopg.InterfaceError):
        return LOST
    return None
