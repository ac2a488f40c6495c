"""From the file into a schema."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager

import psycopg

from mcp_server.errors import Unavailable
from mcp_server.storage.moving.copying import copy
from mcp_server.storage.moving.file_end import FileEnd
from mcp_server.storage.moving.fitness import check_fitness
from mcp_server.storage.moving.journal import (
    free_name,
    remove_beside,
    remove_journal,
    rename_in,
    write_journal,
)
from mcp_server.storage.moving.living import check_nobody_lives
from mcp_server.storage.moving.plan import LOCK_S, Outcome, Plan
from mcp_server.storage.moving.rights import check_rights
from mcp_server.storage.moving.shapes import shapes_of
from mcp_server.storage.moving.shared_end import SharedEnd, take_time
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import channel_of
from mcp_server.storage.postgres.errors import moving_error
from mcp_server.storage.postgres.migrate import bring
from mcp_server.storage.postgres.moved import empty, holds_something, moved, note
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.sqlite.file.connection import open_file
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS
from mcp_server.storage.sqlite.file.errors import storage_error as file_error
from mcp_server.storage.sqlite.file.migrate import migrate

EMPTIED_MAX = 20
"""How often the file's log is emptied for the sake of others who go on writing."""

Connection = psycopg.Connection[PostgresRow]


def move_to_postgres(plan: Plan) -> Outcome:
    """Copy all, give the file another name, and have the settings name the schema.

    Raises:
        Unavailable: somebody works on it, the schema holds something else, or a row does not fit.
        StorageError: a database refuses.
    """
    counts: Mapping[str, int] = {}
    left = None
    try:
        if not plan.begun or plan.file.exists():
            with _held(plan) as file:
                counts = _copied(plan, file)
                write_journal(plan.state, plan.journal)
                left = free_name(plan.state, f"{plan.file.name}.moved")
                if sys.platform == "win32":  # where nobody can rename what he has open
                    file.close()
                # Whoever has the file open finds it gone before he writes, as we have its lock.
                rename_in(plan.state, plan.file.name, left)
                remove_beside(plan.file)
        with connect(plan.address) as connection:
            _check_copy(plan, connection)
            plan.switch()
            note(connection, plan.schema, None)
        remove_journal(plan.state)
    except psycopg.Error as error:
        raise moving_error(error) from error
    except DRIVER_ERRORS as error:
        raise file_error(error) from error
    return Outcome(counts=counts, left=left)


@contextmanager
def _held(plan: Plan) -> Generator[sqlite3.Connection]:
    """Hold the lock for writing, with all that was written in the file itself."""
    migrate(plan.file, mark=plan.mark)
    log = plan.file.with_name(f"{plan.file.name}-wal")
    with closing(open_file(plan.file)) as file:
        for _ in range(EMPTIED_MAX):
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            file.execute("BEGIN IMMEDIATE")
            if not log.exists() or log.stat().st_size == 0:
                break
            file.execute("ROLLBACK")
        else:
            raise Unavailable("Another program goes on writing to the database: end it first.")
        yield file


def _copied(plan: Plan, file: sqlite3.Connection) -> Mapping[str, int]:
    source = FileEnd(file)
    check_nobody_lives(source.transaction, now=time.time())
    shapes = shapes_of(file)
    check_fitness(plan.file, file, shapes)
    with connect(plan.address) as connection, connection.transaction():
        check_rights(connection, plan.schema, named="--workspace-id")
        _make_room(plan, connection)
        bring(connection, plan.schema)
        counts = copy(source, SharedEnd(connection, plan.schema), shapes, plan.say)
        note(connection, plan.schema, plan.noted("coming"))
    return counts


def _make_room(plan: Plan, connection: Connection) -> None:
    """Take away what an earlier try has left, or an earlier move: nothing of a workspace.

    Raises:
        Unavailable: something else is there.
    """
    take_time(connection, LOCK_S)
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [channel_of(plan.schema)]
    )
    found = moved(connection, plan.schema)
    if found is not None and found.way == "coming":
        if found.by != plan.by:
            raise Unavailable(
                f"Another workspace is being moved into {plan.schema}, from {found.machine}: name "
                "another --workspace-id."
            )
        empty(connection, plan.schema)  # as we were interrupted, it was never used
    if holds_something(connection, plan.schema):
        what = "another site" if found is None else "what was moved out of it"
        raise Unavailable(
            f"The schema {plan.schema} of the database holds something, such as {what}: name "
            f"another --workspace-id, or drop what is in it if nobody needs it."
        )
    if found is not None:
        note(connection, plan.schema, None)


def _check_copy(plan: Plan, connection: Connection) -> None:
    """Return if the schema is what we copied, and nobody has taken it away since.

    Raises:
        Unavailable: somebody has.
    """
    found = moved(connection, plan.schema)
    is_ours = found is not None and found.way == "coming" and found.by == plan.by
    # Without a note, an earlier command has come to its last step but one.
    if not is_ours and (found is not None or not holds_something(connection, plan.schema)):
        raise Unavailable(
            f"The copy in {plan.schema} is gone: give {plan.file.name}.moved in "
            f"{plan.state.path.name} its name {plan.file.name} again, then run this again."
        )
