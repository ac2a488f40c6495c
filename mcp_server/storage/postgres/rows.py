"""Rows of PostgreSQL, which are asked by name or by place, as those of SQLite are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg import Cursor
    from psycopg.rows import RowMaker


class Row(tuple[Any, ...]):
    """One row. Of columns that have one name, the first is found by it."""

    __slots__ = ()
    places: ClassVar[Mapping[str, int]] = {}

    def __getitem__(self, key: Any) -> Any:
        """Return a column by its name or place."""
        return tuple.__getitem__(self, self.places[key] if isinstance(key, str) else key)


def made_by_name(cursor: Cursor[Any]) -> RowMaker[Row]:
    """Make rows of what a cursor returns."""
    columns = tuple(column.name for column in cursor.description or ())
    return cast("RowMaker[Row]", _row_type(columns))


@cache
def _row_type(columns: Sequence[str]) -> type[Row]:
    places: dict[str, int] = {}
    for place, name in enumerate(columns):
        places.setdefault(name, place)
    return type("Row", (Row,), {"__slots__": (), "places": places})
