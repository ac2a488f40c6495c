"""The tables of a file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from mcp_server.storage.moving.ends import Row
from mcp_server.storage.moving.shapes import Shape
from mcp_server.storage.sqlite.file.transaction import SqliteTransaction

_NEVER_AGAIN = "SELECT sql LIKE '%AUTOINCREMENT%' FROM sqlite_schema WHERE name = ?"


class FileEnd:
    """An `End`: the file's, in a transaction that the caller has begun."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        self.transaction = SqliteTransaction(file)

    def count(self, shape: Shape) -> int:
        asked = f'SELECT count(*) FROM "{shape.name}" WHERE {shape.table.rows}'
        return self._file.execute(asked).fetchone()[0]

    def rows(self, shape: Shape) -> Iterator[Row]:
        return map(tuple, self._file.execute(shape.select))

    def fill(self, shape: Shape, rows: Iterable[Row]) -> None:
        values = ", ".join("?" * len(shape.columns))
        self._file.execute(f'DELETE FROM "{shape.name}"')
        self._file.executemany(
            f'INSERT INTO "{shape.name}" ({shape.names}) VALUES ({values})',
            rows,
        )

    def newest(self, shape: Shape) -> int:
        if self._never_again(shape):
            asked = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?"
            return self._file.execute(asked, [shape.name]).fetchone()[0]
        asked = f'SELECT coalesce(max("{shape.key[0]}"), 0) FROM "{shape.name}"'
        return self._file.execute(asked).fetchone()[0]

    def number_after(self, shape: Shape, newest: int) -> None:
        if newest and self._never_again(shape):
            self._file.execute("DELETE FROM sqlite_sequence WHERE name = ?", [shape.name])
            self._file.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", [shape.name, newest])

    def _never_again(self, shape: Shape) -> bool:
        """Whether a number is never given twice, even where its row is gone."""
        return bool(self._file.execute(_NEVER_AGAIN, [shape.name]).fetchone()[0])
