"""Workspaces that can be put back to what they were, for each engine."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    closing,
    contextmanager,
)
from pathlib import Path
from typing import Protocol

from mcp_server.storage.sql.database import Database
from tests.storage.failing import TROUBLES, Faults, Trouble, failing_database
from tests.storage.failing_postgres import SERVER_TROUBLES, ServerTrouble, failing_postgres
from tests.storage.postgres_server import SCHEMAS
from tests.storage.raw import PostgresRaw, Raw, SqliteRaw

DRAWN = re.compile(r"['\"]j_\w{26}['\"]")
"""An id that is drawn at random."""


class Stage(Protocol):
    """A workspace, opened through connections that fail, and seen past all our own code."""

    @property
    def database(self) -> Database:
        """The workspace, as the product has it open."""
        ...

    @property
    def raw(self) -> Raw:
        """Its rows."""
        ...

    def begin_again(self) -> None:
        """Put it back to what it was when the stage was opened."""
        ...

    def kept(self) -> AbstractContextManager[None]:
        """Put it back to what it is now, in the end."""
        ...

    def dump(self) -> str:
        """Return every row of every table; ids drawn at random are told apart by nothing."""
        ...


class SqliteStage:
    """A SQLite file."""

    def __init__(self, database: Database, path: Path) -> None:
        self.database, self.raw = database, SqliteRaw(path)
        self._file = sqlite3.connect(path)
        self._file.execute("PRAGMA synchronous = OFF")
        self._beginning = sqlite3.connect(":memory:")
        self._file.backup(self._beginning)

    @classmethod
    @asynccontextmanager
    async def open(cls, furnished: Path, path: Path, faults: Faults) -> AsyncGenerator[Stage]:
        shutil.copy(furnished, path)
        async with failing_database(path, faults) as database:
            stage = cls(database, path)
            with closing(stage._file), closing(stage._beginning):
                yield stage
        stage.raw.end()

    def begin_again(self) -> None:
        self._beginning.backup(self._file)

    @contextmanager
    def kept(self) -> Generator[None]:
        with closing(sqlite3.connect(":memory:")) as copy:
            self._file.backup(copy)
            yield
            copy.backup(self._file)

    def dump(self) -> str:
        asked = "SELECT name FROM sqlite_master WHERE type = 'table'"
        tables = [row[0] for row in self._file.execute(asked)]
        return _lines({name: self._file.execute(f"SELECT * FROM {name}") for name in tables})


class PostgresStage:
    """A schema, and copies of its tables in others."""

    def __init__(self, database: Database, path: Path) -> None:
        self.database, self.raw = database, PostgresRaw(path)
        self._schema = SCHEMAS.of(path)
        asked = (
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            f" AND relnamespace = '{self._schema}'::regnamespace ORDER BY relname"
        )
        self._tables = [name for (name,) in self.raw.all(asked)]
        for copy in ("beginning", "present"):
            self.raw.run(f"DROP SCHEMA IF EXISTS {self._schema}_{copy} CASCADE")
            self.raw.run(f"CREATE SCHEMA {self._schema}_{copy}")
            for table in self._tables:
                self.raw.run(
                    f"CREATE TABLE {self._schema}_{copy}.{table} (LIKE {self._schema}.{table})"
                )
        self._copy(self._schema, f"{self._schema}_beginning")

    @classmethod
    @asynccontextmanager
    async def open(cls, furnished: Path, path: Path, faults: Faults) -> AsyncGenerator[Stage]:
        """Work on the furnished schema itself, which is put back in the end."""
        async with failing_postgres(SCHEMAS.of(furnished), faults) as database:
            stage = cls(database, furnished)
            try:
                yield stage
            finally:
                stage.begin_again()
                for copy in ("beginning", "present"):
                    stage.raw.run(f"DROP SCHEMA {stage._schema}_{copy} CASCADE")
                stage.raw.close()

    def begin_again(self) -> None:
        self._copy(f"{self._schema}_beginning", self._schema)

    @contextmanager
    def kept(self) -> Generator[None]:
        self._copy(self._schema, f"{self._schema}_present")
        yield
        self._copy(f"{self._schema}_present", self._schema)

    def dump(self) -> str:
        rows = sorted(self.raw.all(" UNION ALL ".join(map(_rows_of, self._tables))))
        return DRAWN.sub("'j_…'", "\n".join(map(str, rows)))

    def _copy(self, source: str, to: str) -> None:
        self.raw.run(COPIED.format(source=source, to=to, tables=self._tables))


COPIED = """
DO $$
DECLARE
    name text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOREACH name IN ARRAY ARRAY{tables} LOOP
        IF pg_relation_size(format('{to}.%I', name)::regclass) > 200000 THEN
            EXECUTE format('TRUNCATE {to}.%I CASCADE', name);
        ELSE
            EXECUTE format('DELETE FROM {to}.%I', name);
        END IF;
    END LOOP;
    FOREACH name IN ARRAY ARRAY{tables} LOOP
        EXECUTE format('INSERT INTO {to}.%I SELECT * FROM {source}.%I', name, name);
    END LOOP;
END
$$
"""
"""Makes tables what those of another schema are."""


_TOLD = {"counters": "name <> 'commits'", "writers": "false"}
"""What is compared of tables in which a group of steps counts as one commit."""


def _rows_of(table: str) -> str:
    which = _TOLD.get(table, "true")
    return f"SELECT '{table}', to_jsonb(found)::text FROM {table} AS found WHERE {which}"


def _lines(tables: Mapping[str, sqlite3.Cursor]) -> str:
    rows = [f"{name} {row}" for name, found in tables.items() for row in found]
    return DRAWN.sub("'j_…'", "\n".join(rows))


OpenStage = Callable[[Path, Path, Faults], AbstractAsyncContextManager[Stage]]
STAGES: Mapping[str, tuple[OpenStage, Mapping[str, Trouble | ServerTrouble]]] = {
    "postgres": (PostgresStage.open, SERVER_TROUBLES),
    "sqlite": (SqliteStage.open, TROUBLES),
}
"""How a stage is set up on what was furnished, and what goes wrong on it."""
