"""What a file holds that PostgreSQL cannot: looked for before anything is copied."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from mcp_server.errors import Unavailable
from mcp_server.storage.moving.shapes import Shape
from mcp_server.storage.sqlite.file.examine import damaged_rows
from mcp_server.storage.sqlite.file.transaction import SPELLED_OUT

NAMED_MAX = 5
"""Rows that are named; of the others it is said how many there are."""


def check_fitness(path: Path, file: sqlite3.Connection, shapes: Sequence[Shape]) -> None:
    """Return if every row can be kept by PostgreSQL as it is.

    Raises:
        Unavailable: some cannot, and are named.
        StorageError: the file cannot be read.
    """
    found = [*damaged_rows(path), *(each for shape in shapes for each in _unfit(file, shape))]
    if not found:
        return
    more = len(found) - NAMED_MAX
    others = f" and {more} more" if more > 0 else ""
    raise Unavailable(
        f"PostgreSQL cannot hold what is in {path.name}: {'; '.join(found[:NAMED_MAX])}{others}. "
        "Nothing was copied. Mend them with the sqlite3 command, or go back to what was before "
        "them, then run this again."
    )


def _unfit(file: sqlite3.Connection, shape: Shape) -> Iterator[str]:
    key = ", ".join(f'"{name}"' for name in shape.key)
    for column, type in shape.columns.items():
        if type == "TEXT":
            unfit, why = f"instr(CAST(\"{column}\" AS BLOB), x'00') > 0", "a NUL"
        elif type == "INTEGER":
            unfit, why = f"typeof(\"{column}\") = 'real'", "a fraction"
        else:
            continue
        asked = f'SELECT {key} FROM "{shape.name}" WHERE {unfit} AND {shape.table.rows}'
        cursor = file.cursor()
        cursor.row_factory = None
        before, file.text_factory = file.text_factory, SPELLED_OUT
        try:
            rows = cursor.execute(asked).fetchall()
        finally:
            file.text_factory = before
        for row in rows:
            yield f"{why} in {column} of {'/'.join(map(str, row))} in {shape.name}"
