"""Where the tests' workspaces keep what they store: each in a file, or all on a PostgreSQL server.

`pytest --database postgres` has the workspaces of the tests keep it there, by the settings of their
user: each in a schema of its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
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
    "test_a_copy_without_its_log_is_an_earlier_state_and_sound": "it leaves out a file beside it",
    "test_a_batch_outlives_a_full_disk": "it fills the disk of the file",
    "test_a_server_starts_on_a_full_disk_and_works_when_there_is_room": "it fills that, too",
    "test_a_disk_that_reports_errors_is_said_and_survived": "it is about the file's disk",
    "test_a_read_only_database_is_said_and_made_writable_it_goes_on": "it is of a file",
    "test_a_damaged_database_is_said_and_a_copy_put_back_is_worked_on": "it damages the file",
    "test_killed_move.py": "it moves from a file to a server and back, wherever the others are",
    "test_simulation.py": "it simulates the file's disk",
    "test_the_copy_made_before_a_migration_opens_with_the_older_version": "it copies a file only",
    "test_files_that_were_exported_go_on_as_page_files": "it is about a file of long ago",
    "test_what_somebody_changed_before_the_upgrade_is_taken_over": "it is about a file of long ago",
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
    _drop(place)  # a run that was killed may have left it there
    return f'database = "{address()}"\nworkspace_id = "{place}"\n'


def another_place(root: Path) -> Mapping[str, object]:
    """Return the settings that a workspace needs which is not the first of its test."""
    if address() is None or TOGETHER in os.environ:
        return {}
    first = os.environ[PLACE]
    place = _PLACES.setdefault(str(root), f"{first}_{len(_PLACES)}" if _PLACES else first)
    return {} if place == first else {"workspace_id": place}


def schema_of(root: Path) -> str:
    """Return the schema in which the server has a workspace."""
    return f"pressroom_{_PLACES.get(str(root), os.environ[PLACE])}"


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
    options = f"-c search_path={schema_of(root)}"
    with psycopg.connect(at, autocommit=True, options=options) as connection:
        cursor = connection.execute(_as_postgres(sql).encode(), values)
        return cursor.fetchall() if cursor.description is not None else []


def dump(root: Path) -> str:
    """Return what the server holds of a workspace, as its own program for that writes it."""
    return _run("pg_dump", "--no-owner", "-n", schema_of(root))


def restore(dumped: str, of: Path, root: Path) -> None:
    """Put what was dumped of one workspace in the place of what another has, or itself."""
    schema = schema_of(root)
    said = dumped.replace(schema_of(of), schema)
    _run(
        "psql",
        "-qX",
        "-v",
        "ON_ERROR_STOP=1",
        given=f"DROP SCHEMA IF EXISTS {schema} CASCADE;{said}",
    )


def _run(program: str, *arguments: str, given: str = "") -> str:
    from tests.benchmarks.postgres import installed

    at = address()
    assert at is not None, "asked for only then"
    line = [str(installed() / "bin" / program), *arguments, "-d", at]
    done = subprocess.run(line, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _as_postgres(sql: str) -> str:
    sql = re.sub(r"json_extract\((\w+), '\$\.(\w+)'\)", r"(\1::jsonb ->> '\2')::float8", sql)
    tables = "(SELECT tablename AS name, 'table' AS type FROM pg_tables"
    tables = f"{tables} WHERE schemaname = current_schema()) AS tables"
    sql = sql.replace("sqlite_master", tables)
    return sql.replace("%", "%%").replace("?", "%s")


def end() -> None:
    """Remove what the test has left there."""
    _drop(os.environ.pop(PLACE), *_PLACES.values())


def _drop(*places: str) -> None:
    import psycopg
    from psycopg import sql

    at = address()
    assert at is not None, "asked for only then"
    with psycopg.connect(at, autocommit=True) as connection:
        for place in {*places}:
            schema = sql.Identifier(f"pressroom_{place}")
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
