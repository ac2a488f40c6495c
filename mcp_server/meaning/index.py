"""The vectors of one embedder in memory: which texts mean nearly what was asked.

They lie in blocks, so that they grow without being copied. A vector of a text that has changed
since stays until it is met: nobody is shown what `MeaningStore.known` does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from mcp_server.entities.meaning import Embedder, MeaningStore, Vector
from mcp_server.meaning.numbers import numpy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

READ_AT_ONCE = 1_000
"""Vectors that are read together: 2 MB."""
BLOCK = 4_096
"""Rows of a block: 8 MB."""
REPLACED = 1_000
"""So many new vectors, at least, before it is looked which of the old ones have gone."""


class VectorIndex:
    """Finds the nearest vectors of one embedder, by the order in which they were stored."""

    def __init__(self, store: MeaningStore, embedder: Embedder) -> None:
        self._store, self._embedder = store, embedder
        self._name = embedder.name
        self._alone = anyio.Lock()
        self._rows: _Rows | None = None
        self._last = 0
        self._whole = 0
        """How many there were when it was last looked which have gone."""

    async def nearest(
        self,
        question: bytes,
        *,
        count: int,
        types: Collection[str] | None = None,
        also: Collection[int] = (),
    ) -> Mapping[int, float]:
        """Return the cosines of the nearest texts, by order; and those of the texts `also`.

        `types`: only of entities of these types.
        """
        async with self._alone:
            await self._refresh()
            rows = self._rows
            if rows is None:
                return {}
            return await anyio.to_thread.run_sync(rows.nearest, question, count, types, also)

    async def forget(self, orders: Collection[int]) -> None:
        """Leave texts out from now on: they have changed."""
        async with self._alone:
            if self._rows is not None:
                self._rows.forget(orders)

    async def _refresh(self) -> None:
        """Take in what was embedded since; all anew if the embedder has another name by now."""
        if self._embedder.name != self._name:
            self._name, self._rows, self._last, self._whole = self._embedder.name, None, 0, 0
        while True:
            found = await self._store.vectors(
                after=self._last, embedder=self._name, limit=READ_AT_ONCE
            )
            if found:
                self._rows = await anyio.to_thread.run_sync(_added, self._rows, found)
                self._last = found[-1].order
            if len(found) < READ_AT_ONCE:
                break
        rows = self._rows
        if rows is None or rows.count < self._whole + max(REPLACED, self._whole // 8):
            return
        if self._whole:  # the first time, all are there
            there = await self._store.orders()
            await anyio.to_thread.run_sync(rows.keep, there)
        self._whole = rows.count


def cosine(vector: bytes | None, other: bytes | None) -> float | None:
    """Return how near two vectors are; `None` where one is missing, or they are not comparable."""
    if vector is None or other is None or len(vector) != len(other):
        return None
    np = numpy()
    return float(np.dot(np.frombuffer(vector, "<f4"), np.frombuffer(other, "<f4")))


def _added(rows: _Rows | None, found: Collection[Vector]) -> _Rows:
    rows = rows or _Rows(len(next(iter(found)).data) // 4)
    rows.add(found)
    return rows


class _Rows:
    """Numbers, and of each row its order and its type. Is used by one thread at a time."""

    def __init__(self, width: int) -> None:
        np = self._np = numpy()
        self._width = width
        self._blocks: list[Numbers] = []
        self._orders = np.empty(0, np.int64)
        self._types = np.empty(0, np.int16)
        self._names: dict[str, int] = {}
        self._gone: set[int] = set()
        """Rows of texts that have changed since."""
        self.count = 0

    def add(self, found: Collection[Vector]) -> None:
        """Take in vectors, the earliest first. One of another width is left out."""
        np = self._np
        for each in found:
            if len(each.data) != 4 * self._width:
                continue
            if self.count == len(self._blocks) * BLOCK:
                self._blocks.append(np.empty((BLOCK, self._width), np.float32))
                self._orders = np.resize(self._orders, self.count + BLOCK)
                self._types = np.resize(self._types, self.count + BLOCK)
            block, row = divmod(self.count, BLOCK)
            self._blocks[block][row] = np.frombuffer(each.data, "<f4")
            self._orders[self.count] = each.order
            self._types[self.count] = self._names.setdefault(each.type, len(self._names))
            self.count += 1

    def nearest(
        self,
        question: bytes,
        count: int,
        types: Collection[str] | None,
        also: Collection[int],
    ) -> Mapping[int, float]:
        np = self._np
        asked = np.frombuffer(question, "<f4")
        if len(asked) != self._width:
            return {}
        cosines = np.empty(self.count, np.float32)
        for at in range(0, self.count, BLOCK):
            many = min(BLOCK, self.count - at)
            np.dot(self._blocks[at // BLOCK][:many], asked, out=cosines[at : at + many])
        orders = self._orders[: self.count]
        found = self._of_orders(also, cosines)
        if types is not None:
            codes = [self._names[type] for type in types if type in self._names]
            cosines[~np.isin(self._types[: self.count], codes)] = -2
        cosines[list(self._gone)] = -2
        best = np.arange(self.count)
        if count < self.count:
            best = np.argpartition(cosines, self.count - count)[self.count - count :]
        found.update((int(orders[row]), float(cosines[row])) for row in best if cosines[row] > -2)
        return found

    def forget(self, orders: Collection[int]) -> None:
        self._gone.update(self._places(orders))

    def keep(self, there: Collection[int]) -> None:
        """Leave only rows of these orders, and those that came since."""
        np = self._np
        kept_to = max(there, default=0)
        orders = self._orders[: self.count]
        stay = np.flatnonzero(np.isin(orders, np.fromiter(there, np.int64)) | (orders > kept_to))
        for to, row in enumerate(stay):
            if to != row:
                self._blocks[to // BLOCK][to % BLOCK] = self._blocks[row // BLOCK][row % BLOCK]
        self._orders[: len(stay)] = orders[stay]
        self._types[: len(stay)] = self._types[: self.count][stay]
        self._gone.clear()
        self.count = len(stay)
        blocks = -(-self.count // BLOCK)
        del self._blocks[blocks:]
        self._orders = self._orders[: blocks * BLOCK].copy()
        self._types = self._types[: blocks * BLOCK].copy()

    def _of_orders(self, orders: Collection[int], cosines: Any) -> dict[int, float]:
        return {int(self._orders[row]): float(cosines[row]) for row in self._places(orders)}

    def _places(self, orders: Collection[int]) -> list[int]:
        """Return the rows of these orders. They ascend, as later ones are added at the end."""
        np = self._np
        wanted = np.fromiter(orders, np.int64)
        if not self.count or not len(wanted):
            return []
        known = self._orders[: self.count]
        rows = np.searchsorted(known, wanted)
        rows = rows[rows < self.count]
        return [int(row) for row in rows if int(known[row]) in set(orders)]
