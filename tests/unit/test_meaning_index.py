"""The vectors in memory: which are nearest, what has gone, and what came since."""

from __future__ import annotations

import struct
from collections.abc import Collection, Sequence
from typing import cast

import pytest

from mcp_server.entities.meaning import Embedder, MeaningStore, Vector
from mcp_server.meaning import index as module
from mcp_server.meaning.index import VectorIndex, cosine

pytestmark = pytest.mark.anyio


def vector(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


RIGHT, UP, BOTH = vector(1, 0), vector(0, 1), vector(0.8, 0.6)


class Kept:
    """What a store is asked for: vectors by their order."""

    def __init__(self) -> None:
        self.rows: dict[int, Vector] = {}
        self.asked = 0

    def put(self, order: int, data: bytes, type: str = "note") -> None:
        self.rows[order] = Vector(order, type, f"n{order}", "test", data)

    async def vectors(self, *, after: int, embedder: str, limit: int) -> Sequence[Vector]:
        self.asked += 1
        assert embedder == "test"
        return [self.rows[order] for order in sorted(self.rows) if order > after][:limit]

    async def orders(self) -> Collection[int]:
        return list(self.rows)


class Named:
    """What is asked of an embedder: its name, which may become another."""

    name = "test"


@pytest.fixture
def kept() -> Kept:
    """A store with three vectors."""
    made = Kept()
    for order, data in ((1, RIGHT), (2, UP), (5, BOTH)):
        made.put(order, data)
    return made


def index_of(kept: Kept) -> VectorIndex:
    return VectorIndex(cast("MeaningStore", kept), cast("Embedder", Named()))


async def test_the_nearest_come_with_their_cosine(kept: Kept) -> None:
    """And those that were asked for besides, however far."""
    index = index_of(kept)
    assert await index.nearest(RIGHT, count=2) == {1: 1.0, 5: pytest.approx(0.8)}
    assert await index.nearest(RIGHT, count=1, also=[2, 3, 99]) == {1: 1.0, 2: 0.0}
    assert await index.nearest(vector(1, 0, 0), count=2) == {}, "of another width"


async def test_what_came_since_is_there_and_what_has_gone_is_left_out(kept: Kept) -> None:
    """Of another width, it is left out too."""
    index = index_of(kept)
    await index.nearest(RIGHT, count=1)
    kept.put(6, RIGHT)
    kept.put(7, vector(1, 0, 0))
    await index.forget([1])
    assert await index.nearest(RIGHT, count=2) == {6: 1.0, 5: pytest.approx(0.8)}


async def test_only_entities_of_the_types_that_were_asked_for(kept: Kept) -> None:
    """One that nothing is of finds nothing."""
    kept.put(6, UP, type="product")
    index = index_of(kept)
    assert await index.nearest(RIGHT, count=9, types={"product"}) == {6: 0.0}
    assert await index.nearest(RIGHT, count=9, types={"gone"}) == {}


async def test_the_rows_of_changed_texts_give_their_room_back(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the ends of blocks; what is left is found as before."""
    monkeypatch.setattr(module, "BLOCK", 4)  # or it would take 8,000 vectors to fill two
    monkeypatch.setattr(module, "REPLACED", 10)  # and as many changes until it looks
    index = index_of(kept)
    for order in range(10, 40):
        kept.put(order, UP)
    await index.nearest(RIGHT, count=1)
    for order in range(10, 40):
        del kept.rows[order]
        kept.put(order + 100, UP)
    assert await index.nearest(RIGHT, count=1) == {1: 1.0}
    rows = index._rows  # pyright: ignore[reportPrivateUsage]
    assert rows is not None and rows.count == 33
    assert await index.nearest(UP, count=99) == {
        **dict.fromkeys((2, *range(110, 140)), 1.0),
        1: 0.0,
        5: pytest.approx(0.6),
    }


async def test_without_vectors_nothing_is_near() -> None:
    """Nor is a vector that is missing near to another."""
    assert await index_of(Kept()).nearest(RIGHT, count=5) == {}
    assert cosine(RIGHT, None) is None and cosine(RIGHT, vector(1)) is None
    assert cosine(RIGHT, BOTH) == pytest.approx(0.8)
