"""Where the tests' workspaces keep what they store: each in a file, or all on a PostgreSQL server.

`pytest --database postgres` has the workspaces of the tests keep it there, by the settings of their
user: each in a schema of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

VARIABLE = "TESTS_DATABASE"
"""Holds the server's address, for every process of the tests."""
PLACE = "TESTS_WORKSPACE_ID"
"""Holds what the workspace of the present test is called there."""

TOGETHER = "TESTS_TOGETHER"
"""Set where all workspaces share that place."""

FILE = {
    "test_a_strangers_workspace.py": "it is about state folders that come with a workspace",
    "test_copied_database.py": "it copies the file",
    "test_full_disk.py": "it fills the disk of the file",
    "test_refusing_database.py": "it refuses statements to SQLite",
    "test_reliability.py": "it looks for the limits of SQLite",
    "test_simulation.py": "it simulates the file's disk",
    "test_upgrade.py": "it makes files of earlier versions",
    "test_two_servers_and_workers_by_hand_share_one_batch": "a second worker works beside it",
    "test_a_call_that_only_looks_does_not_write": "it holds the file's lock for writing",
    "test_one_table_holds_work": "it asks SQLite for its columns",
}
"""Tests, or whole files of them, that are about a workspace's own file, and why."""


def address() -> str | None:
    """Return the address of the server; `None`: each workspace has its file."""
    return os.environ.get(VARIABLE)


_PLACES: dict[str, str] = {}
"""By folder of a workspace, what it is called there, of those that the present test has made."""


def begin(test: str) -> str:
    """Give a test a place of its own on the server; return the settings by which it is used."""
    place = f"t_{hashlib.blake2b(test.encode(), digest_size=12).hexdigest()}"
    os.environ[PLACE] = place
    _PLACES.clear()
    return f'database = "{address()}"\nworkspace_id = "{place}"\n'


def another_place(root: Path) -> Mapping[str, object]:
    """Return the settings that a workspace needs which is not the first of its test."""
    if address() is None or TOGETHER in os.environ:
        return {}
    first = os.environ[PLACE]
    place = _PLACES.setdefault(str(root), f"{first}_{len(_PLACES)}" if _PLACES else first)
    return {} if place == first else {"workspace_id": place}


@contextmanager
def sharing(at: str, place: str) -> Generator[None]:
    """Let all workspaces be in one place of this server: checkouts of one site."""
    with patch.dict(os.environ, {VARIABLE: at, PLACE: place, TOGETHER: "1"}):
        yield


def rows(root: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what a statement finds or changes on the server; it is written as for SQLite."""
    import psycopg

    at = address()
    assert at is not None, "asked for only then"
    options = f"-c search_path=pressroom_{_PLACES.get(str(root), os.environ[PLACE])}"
    with psycopg.connect(at, autocommit=True, options=options) as connection:
        cursor = connection.execute(_as_postgres(sql).encode(), values)
        return cursor.fetchall() if cursor.description is not None else []


def _as_postgres(sql: str) -> str:
    sql = re.sub(r"json_extract\((\w+), '\$\.(\w+)'\)", r"(\1::jsonb ->> '\2')::float8", sql)
    tables = "(SELECT tablename AS name, 'table' AS type FROM pg_tables"
    tables = f"{tables} WHERE schemaname = current_schema()) AS tables"
    sql = sql.replace("sqlite_master", tables)
    return sql.replace("%", "%%").replace("?", "%s")


def end() -> None:
    """Remove what the test has left there."""
    import psycopg
    from psycopg import sql

    at = address()
    assert at is not None, "asked for only then"
    with psycopg.connect(at, autocommit=True) as connection:
        for place in {os.environ.pop(PLACE), *_PLACES.values()}:
            schema = sql.Identifier(f"pressroom_{place}")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
