"""All rows from one database to the other, one after the other, and whether they came."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mcp_server.errors import StorageError
from mcp_server.storage.moving.ends import End, Row
from mcp_server.storage.moving.shapes import Shape
from mcp_server.storage.sql.content.meanings import index_words

TOLD_EVERY = 50_000
"""Rows after which a line says how far it is."""

Say = Callable[[str], None]


class Copied(NamedTuple):
    """What was copied of one table."""

    rows: int
    digest: str


def copy(source: End, target: End, shapes: Sequence[Shape], say: Say) -> Mapping[str, int]:
    """Copy everything; return how many rows each table has. The caller commits.

    Raises:
        StorageError: a database refuses, or what was written is not what is read there.
    """
    counts = {shape.name: source.count(shape) for shape in shapes}
    total, is_long = sum(counts.values()), max(counts.values()) >= TOLD_EVERY
    say(f"{total:,} rows are to be copied.")
    copied: dict[str, Copied] = {}
    for shape in shapes:
        rows = source.rows(shape)
        noted = _Noted(_told(rows, shape.name, counts, say) if is_long else rows)
        target.fill(shape, noted)
        target.number_after(shape, source.newest(shape))
        copied[shape.name] = noted.copied
    index_words(target.transaction)
    say("All are copied. Now each is read there, and compared.")
    for shape in shapes:
        if _digested(target.rows(shape)) != copied[shape.name]:
            raise StorageError(
                f"the table {shape.name} is not as it was written: nothing was moved"
            )
    return {name: each.rows for name, each in copied.items()}


class _Noted:
    """Rows that pass, and what they came to in the end."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self._count, self._digest = 0, hashlib.sha256()

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self._count += 1
            # Both drivers return the same types; a number and its text, or 1 and 1.0, differ.
            self._digest.update(repr(row).encode())
            yield row

    @property
    def copied(self) -> Copied:
        return Copied(self._count, self._digest.hexdigest())


def _digested(rows: Iterable[Row]) -> Copied:
    noted = _Noted(rows)
    for _ in noted:
        pass
    return noted.copied


def _told(rows: Iterable[Row], name: str, counts: Mapping[str, int], say: Say) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if number % TOLD_EVERY == 0:
            say(f"{name}: {number:,} of {counts[name]:,}")
        yield row
