"""A workspace's rows past all our own code: to look at them, to damage them, to be in the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg

from mcp_server.storage.postgres import damaged
from mcp_server.storage.postgres.connection import channel_of
from mcp_server.storage.sqlite.file.examine import damaged_rows
from tests.storage.invariants import CHECKS, check_invariants
from tests.storage.postgres_server import SCHEMAS, server


class InTheWay(Exception):
    """Another process writes."""


class Raw(Protocol):
    """One workspace's rows, whichever database holds them."""

    def all(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        ...

    def run(self, statement: str) -> int:
        """Execute a statement, committed at once; return how many rows it changed."""
        ...

    def bytes(self, hexadecimal: str) -> str:
        """Return how a statement writes these bytes."""
        ...

    def locked(self) -> AbstractContextManager[None]:
        """Hold the lock that every write takes.

        Raises:
            InTheWay: another has it.
        """
        ...

    def damaged(self) -> Sequence[str]:
        """Return what the doctor names as damaged."""
        ...

    def check(self) -> None:
        """Fail, naming every row that contradicts another."""
        ...

    def end(self) -> None:
        """Give back what the test has used."""
        ...


class SqliteRaw:
    """Those of a SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: sqlite3.Connection | None = None

    def all(self, query: str) -> list[tuple[Any, ...]]:
        return self._opened().execute(query).fetchall()

    def run(self, statement: str) -> int:
        return self._opened().execute(statement).rowcount

    def bytes(self, hexadecimal: str) -> str:
        return f"x'{hexadecimal}'"

    @contextmanager
    def locked(self) -> Generator[None]:
        with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as file:
            try:
                file.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise InTheWay from error
            yield

    def damaged(self) -> Sequence[str]:
        return damaged_rows(self._path)

    def check(self) -> None:
        check_invariants(self._path)

    def end(self) -> None:
        """The folder goes with the test."""
        if self._file is not None:
            self._file.close()

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            self._file = sqlite3.connect(self._path, isolation_level=None)
        return self._file


class PostgresRaw:
    """Those of a schema of the tests' server."""

    def __init__(self, path: Path) -> None:
        self._path, self._schema = path, SCHEMAS.of(path)
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def all(self, query: str) -> list[tuple[Any, ...]]:
        return self._connected().execute(query.encode()).fetchall()

    def run(self, statement: str) -> int:
        return self._connected().execute(statement.encode()).rowcount

    def bytes(self, hexadecimal: str) -> str:
        return f"'\\x{hexadecimal}'"

    @contextmanager
    def locked(self) -> Generator[None]:
        with self._connect() as connection, connection.transaction():
            asked = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
            row = connection.execute(asked, [channel_of(self._schema)]).fetchone()
            if row != (True,):
                raise InTheWay
            yield

    def damaged(self) -> Sequence[str]:
        return damaged.damaged_rows(server(), self._schema)

    def check(self) -> None:
        """All at once: to plan them takes longer than to look at few rows."""
        problems = self.all(ALL_CHECKS)
        assert not problems, "the schema contradicts itself:\n" + "\n".join(map(str, problems))

    def end(self) -> None:
        self.close()
        SCHEMAS.give_back(self._path)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()

    def _connected(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        options = f"-c search_path={self._schema} -c plan_cache_mode=force_generic_plan"
        return psycopg.connect(server(), autocommit=True, options=options, prepare_threshold=1)


ALL_CHECKS = " UNION ALL ".join(
    f"SELECT $${name}$$, to_jsonb(found)::text FROM ({statement}) AS found"
    for name, (statement, _why) in CHECKS.items()
)
