"""Looking a database file over, without changing it or bringing it to this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_server.storage.sql.documents import DOCUMENTS, NAMED_MAX, NAMES
from mcp_server.storage.sql.packing import unpacked
from mcp_server.storage.sqlite.file.connection import BUSY_TIMEOUT_S
from mcp_server.storage.sqlite.file.errors import storage_error
from mcp_server.storage.sqlite.file.identity import check_plain, signature
from mcp_server.storage.sqlite.file.migrate import newest_schema, strange_objects
from mcp_server.storage.sqlite.file.opened_file import schema_of
from mcp_server.storage.sqlite.file.platform import check_sqlite
from mcp_server.storage.sqlite.file.transaction import SPELLED_OUT

PROBLEMS_MAX = 5
"""How many of a damaged file's problems are told: more of them say nothing new."""

WASTED = """
SELECT CASE auto_vacuum WHEN 0 THEN freelist_count * page_size ELSE 0 END
FROM pragma_auto_vacuum, pragma_freelist_count, pragma_page_size
"""

NUMBERS = "('integer', 'real', 'null')"
"""What SQLite may find in a column of numbers; it keeps whatever else was written there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What is known of a database file."""

    schema: int
    newest_schema: int
    """The one that this version of Pressroom knows."""
    problems: tuple[str, ...]
    """What SQLite finds wrong with it; nothing where it is sound."""
    strange: tuple[str, ...]
    """What it holds that Pressroom did not put there, such as `trigger planted`."""
    file_bytes: int
    wasted_bytes: int
    """What nothing uses of it and is not given back to the disk by itself."""


def examine(path: Path) -> Examined:
    """Read the whole file and return what is known of it.

    Raises:
        StorageError: it cannot be opened or read, or is no database.
        Unavailable: this SQLite is too old.
    """
    size = path.lstat().st_size
    with _to_read(path) as file:
        rows = file.execute(f"PRAGMA quick_check({PROBLEMS_MAX})").fetchall()
        schema = schema_of(file)
        wasted = file.execute(WASTED).fetchone()[0]
        strange = strange_objects(file) if schema <= newest_schema() else ()
    problems = tuple(row[0] for row in rows if row[0] != "ok")
    return Examined(
        schema=schema,
        newest_schema=newest_schema(),
        problems=problems,
        strange=tuple(strange[:PROBLEMS_MAX]),
        file_bytes=size,
        wasted_bytes=wasted,
    )


def damaged_rows(path: Path) -> Sequence[str]:
    """Read every row, and name those that nobody could have written as they are.

    Raises:
        StorageError: the file cannot be opened or read, or is no database.
    """
    with _to_read(path) as file:
        file.create_function("readable", 1, _is_text, deterministic=True)
        file.create_function("unpacks", 1, _unpacks, deterministic=True)
        file.text_factory = SPELLED_OUT
        # Neither an index of words nor the tables in which it keeps itself.
        asked = (
            "SELECT name FROM pragma_table_list "
            "WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        tables = [row[0] for row in file.execute(asked)]
        return [found for table in tables for found in _damaged_in(file, table)]


def mark_of(path: Path) -> str | None:
    """Return the mark that the file carries, `None` where it has none.

    Raises:
        StorageError: it cannot be opened or read, or is no database.
        Unavailable: this SQLite is too old.
    """
    with _to_read(path) as file:
        return signature(file)


def _damaged_in(file: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = {
        row[1]: row[2] for row in file.execute("SELECT * FROM pragma_table_info(?)", [table])
    }
    name = next((each for each in NAMES if each in columns), None)
    for column, type in columns.items():
        if name is None:
            return
        asked = f'SELECT "{name}" FROM "{table}" WHERE {_unfit(column, type)} LIMIT {NAMED_MAX}'
        for (which,) in file.execute(asked):
            yield f"{column} of {which} in {table}"


def _unfit(column: str, type: str) -> str:
    """Return the condition that something else is in a column than was ever written there."""
    if column == "vector":
        numbers = f'typeof("{column}") = \'blob\' AND length("{column}") % 4 = 0'
        return f'"{column}" IS NOT NULL AND NOT ({numbers})'
    if type == "BLOB":
        return f'"{column}" IS NOT NULL AND NOT unpacks("{column}")'
    if type != "TEXT":
        return f'typeof("{column}") NOT IN {NUMBERS}'
    not_json = f'OR NOT json_valid("{column}")' if column in DOCUMENTS else ""
    return (
        f'"{column}" IS NOT NULL AND (typeof("{column}") <> \'text\' '
        f'OR NOT readable(CAST("{column}" AS BLOB)) {not_json})'
    )


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unpacks(data: object) -> bool:
    return unpacked(data) is not None


@contextmanager
def _to_read(path: Path) -> Generator[sqlite3.Connection]:
    check_sqlite()
    check_plain(path)
    try:
        with closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        ) as file:
            file.execute("PRAGMA trusted_schema = OFF")
            yield file
    except sqlite3.Error as error:
        raise storage_error(error) from error
