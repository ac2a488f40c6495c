"""The stores under test, on a file and on a server, whose rows contradict each other never."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_server.entities.store import EntityStore
from mcp_server.jobs.store import JobStore
from tests.storage.stores import ENGINES, Bench, opened


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot be on an engine, such as a damage that its columns do not take."""
    kept = [item for item in items if _is_possible(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _is_possible(item: pytest.Item) -> bool:
    marks = [mark.args for mark in item.iter_markers("engines")]
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return all(parameters.get("bench") in (*engines, None) for engines in marks)


@pytest.fixture(params=sorted(ENGINES))
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """A store with nothing in it, once for each engine."""
    async with opened(ENGINES[request.param], tmp_path / "pressroom.db") as bench:
        yield bench


@pytest.fixture
def store(bench: Bench) -> JobStore:
    """The job store of the bench."""
    return bench.store


@pytest.fixture
def entities(bench: Bench) -> EntityStore:
    """The entity store of the bench."""
    return bench.entities
