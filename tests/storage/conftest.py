"""The stores under test, on a real file, which must not contradict itself after any test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_server.entities.store import EntityStore
from mcp_server.jobs.store import JobStore
from tests.storage.invariants import check_invariants
from tests.storage.stores import ENGINES, Bench


@pytest.fixture(params=sorted(ENGINES))
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """A store with nothing in it, once for each engine."""
    engine = ENGINES[request.param]
    path = tmp_path / "pressroom.db"
    async with engine(path) as stores:
        yield Bench(stores, engine, path)
    check_invariants(path)


@pytest.fixture
def store(bench: Bench) -> JobStore:
    """The job store of the bench."""
    return bench.store


@pytest.fixture
def entities(bench: Bench) -> EntityStore:
    """The entity store of the bench."""
    return bench.entities
