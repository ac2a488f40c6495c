"""Rows of PostgreSQL, which are asked by name or by place, as those of SQLite are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Cursor
    from psycopg.rows import RowMaker


class PostgresRow(tuple[Any, ...]):
    """One row. Of columns that have one name, the first is found by it."""

    __slots__ = ()
    places: ClassVar[Mapping[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        """Return a column by its name or place."""
        place: Any = self.places[key] if isinstance(key, str) else key
        return super().__getitem__(place)


def made_by_name(cursor: Cursor[Any]) -> RowMaker[PostgresRow]:
    """Make rows of what a cursor returns."""
    columns = tuple(column.name for column in cursor.description or ())
    return cast("RowMaker[PostgresRow]", _row_type(columns))


@cache
def _row_type(columns: Sequence[str]) -> type[PostgresRow]:
    places: dict[str, int] = {}
    for place, name in enumerate(columns):
        places.setdefault(name, place)
    return type("Row", (PostgresRow,), {"__slots__": (), "places": places})
