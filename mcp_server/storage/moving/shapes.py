"""The columns of a table, as the file's schema says: that of a shared database has the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_server.storage.moving.tables import TABLES, Table

Type = Literal["INTEGER", "REAL", "TEXT", "BLOB"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table, its columns, and the key that puts its rows in order."""

    table: Table
    columns: Mapping[str, Type]
    key: Sequence[str]

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def names(self) -> str:
        """The names of its columns, as statements have them."""
        return ", ".join(f'"{name}"' for name in self.columns)

    @property
    def select(self) -> str:
        """The statement that returns all its rows, in order."""
        order = ", ".join(f'"{name}"' for name in self.key)
        return f'SELECT {self.names} FROM "{self.name}" WHERE {self.table.rows} ORDER BY {order}'


def shapes_of(file: sqlite3.Connection) -> Sequence[Shape]:
    """Return the shapes of all tables that are copied, in the order in which they are."""
    return [_shape(file, table) for table in TABLES]


def _shape(file: sqlite3.Connection, table: Table) -> Shape:
    asked = "SELECT name, type, pk FROM pragma_table_info(?) ORDER BY cid"
    rows = file.execute(asked, [table.name]).fetchall()
    keys = sorted((place, name) for name, _, place in rows if place)
    assert keys, f"{table.name} has a key"
    return Shape(
        table=table,
        columns={name: type for name, type, _ in rows},
        key=[name for _, name in keys],
    )
