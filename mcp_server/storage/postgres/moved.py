"""What stands beside a schema that a workspace is being moved into, or was moved out of.

It is the schema's comment: one word, who moves, and where he does.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import psycopg
from psycopg import sql

from mcp_server.storage.postgres.rows import PostgresRow

Way = Literal["coming", "away"]

BEGINS = "pressroom"


class Moved(NamedTuple):
    """Who moves a workspace, and which way."""

    way: Way
    by: str
    """The workspace's folder, by a name that says nothing about it."""
    machine: str

    @property
    def message(self) -> str:
        """Why the workspace is not to be opened here."""
        if self.way == "away":
            return (
                f"This workspace was moved out of the database, into a file on {self.machine}. Set "
                "database in pressroom.toml to where it is now, or move it back from there."
            )
        return (
            f"This workspace is being moved into the database from {self.machine}, and is not here "
            "as a whole yet: run the same `pressroom database move` there again."
        )


def moved(connection: psycopg.Connection[PostgresRow], schema: str) -> Moved | None:
    """Return what stands beside the schema, `None` where nothing does."""
    row = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", [schema]
    ).fetchone()
    words = "" if row is None else row[0] or ""
    begins, way, by, machine = (words.split(" ", 3) + [""] * 4)[:4]
    if begins != BEGINS or way not in get_args(Way):
        return None
    return Moved("away" if way == "away" else "coming", by, machine)


def note(connection: psycopg.Connection[PostgresRow], schema: str, said: Moved | None) -> None:
    """Write it there, or take it away."""
    text = None if said is None else f"{BEGINS} {said.way} {said.by} {said.machine}"
    connection.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(sql.Identifier(schema), sql.Literal(text))
    )


def holds_something(connection: psycopg.Connection[PostgresRow], schema: str) -> bool:
    """Whether there is anything in the schema."""
    asked = "SELECT 1 FROM {} WHERE {} = to_regnamespace(%(name)s)"
    of_both = [
        sql.SQL(asked).format(sql.Identifier(table), sql.Identifier(column))
        for table, column in (("pg_class", "relnamespace"), ("pg_proc", "pronamespace"))
    ]
    row = connection.execute(sql.SQL(" UNION ALL ").join(of_both), {"name": schema}).fetchone()
    return row is not None


def empty(connection: psycopg.Connection[PostgresRow], schema: str) -> None:
    """Drop all tables and functions in the schema, which itself may be another's to drop."""
    rows = connection.execute(
        "SELECT 'TABLE ' || oid::regclass FROM pg_class"
        " WHERE relnamespace = to_regnamespace(%(name)s) AND relkind = 'r' UNION ALL"
        " SELECT 'FUNCTION ' || oid::regprocedure FROM pg_proc"
        " WHERE pronamespace = to_regnamespace(%(name)s)",
        {"name": schema},
    ).fetchall()
    for row in rows:
        connection.execute(f"DROP {row[0]} CASCADE".encode())
