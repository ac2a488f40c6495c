"""From a schema into a file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg import sql

from mcp_server.errors import StorageError, Unavailable
from mcp_server.storage.moving.copying import copy
from mcp_server.storage.moving.file_end import FileEnd
from mcp_server.storage.moving.journal import (
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
from mcp_server.storage.postgres.connection import NOW
from mcp_server.storage.postgres.errors import moving_error
from mcp_server.storage.postgres.migrate import bring
from mcp_server.storage.postgres.moved import moved, note
from mcp_server.storage.postgres.refusals import READ_ONLY
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.sqlite.file.connection import open_file
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS
from mcp_server.storage.sqlite.file.errors import storage_error as file_error
from mcp_server.storage.sqlite.file.migrate import migrate

Connection = psycopg.Connection[PostgresRow]


def move_to_file(plan: Plan) -> Outcome:
    """Copy all, give the schema another name, and have the settings name the file.

    Raises:
        Unavailable: somebody works on it, or there is a file.
        StorageError: a database refuses.
    """
    counts: Mapping[str, int] = {}
    left = None
    coming = plan.file.with_name(f"{plan.file.name}.coming")
    try:
        with connect(plan.address) as connection:
            _check_still_ours(plan, connection, coming)
            if not plan.begun or moved(connection, plan.schema) != plan.noted("away"):
                _check_free(plan.file)
                with connection.transaction():
                    _check_writable(connection)
                    check_rights(connection, plan.schema, named="workspace_id")
                    counts = _copied(plan, connection, coming)
                    write_journal(plan.state, plan.journal)
                    left = _set_aside(plan, connection)
        if coming.exists():
            remove_beside(plan.file)  # left by one that was moved, and without content
            rename_in(plan.state, coming.name, plan.file.name)
        plan.switch()
        remove_journal(plan.state)
    except psycopg.Error as error:
        raise moving_error(error) from error
    except DRIVER_ERRORS as error:
        raise file_error(error) from error
    return Outcome(counts=counts, left=left)


def _check_still_ours(plan: Plan, connection: Connection, coming: Path) -> None:
    """Return unless another folder has moved the workspace out since; then ours need not end."""
    found = moved(connection, plan.schema)
    if plan.begun and found is not None and found != plan.noted("away"):
        coming.unlink(missing_ok=True)
        remove_beside(coming)
        remove_journal(plan.state)
        raise Unavailable(found.message)


def _check_writable(connection: Connection) -> None:
    """Return if the schema can be set aside: or all would stand still until it can be."""
    row = connection.execute("SELECT current_setting('transaction_read_only') AS found").fetchone()
    assert row is not None
    if row["found"] == "on":
        raise StorageError(READ_ONLY, shown=READ_ONLY, shared=True)


def _check_free(file: Path) -> None:
    if file.exists():
        raise Unavailable(
            f"{file} is there, and nothing is put in its place: give it another name if it is not "
            "needed, then run this again."
        )


def _copied(plan: Plan, connection: Connection, coming: Path) -> Mapping[str, int]:
    """Make a new file under a name of its own, with everything in it."""
    take_time(connection, LOCK_S)
    bring(connection, plan.schema)  # and from here on nobody else writes
    source = SharedEnd(connection, plan.schema)
    row = connection.execute(NOW).fetchone()
    assert row is not None
    check_nobody_lives(source.transaction, now=row[0])
    coming.unlink(missing_ok=True)
    remove_beside(coming)
    migrate(coming, mark=plan.mark)
    with closing(open_file(coming)) as file:
        file.execute("BEGIN IMMEDIATE")
        counts = copy(source, FileEnd(file), shapes_of(file), plan.say)
        file.execute("COMMIT")
    return counts


def _set_aside(plan: Plan, connection: Connection) -> str:
    """Give the schema another name, and leave an empty one that says so.

    Without the right to do that, the tables stay there, where nobody takes them for a workspace.
    """
    row = connection.execute(
        "SELECT has_database_privilege(current_database(), 'CREATE') AS may"
    ).fetchone()
    if row is None or not row["may"]:
        left = plan.schema
        connection.execute("ALTER TABLE migrations RENAME TO migrations_moved")
    else:
        left = _free_name(connection, f"{plan.schema}_moved")
        schema, new_name = sql.Identifier(plan.schema), sql.Identifier(left)
        connection.execute(sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(schema, new_name))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    note(connection, plan.schema, plan.noted("away"))
    return left


def _free_name(connection: Connection, wanted: str) -> str:
    asked = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)"
    taken = {row[0] for row in connection.execute(asked, [wanted])}
    numbered = (f"{wanted}_{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)
