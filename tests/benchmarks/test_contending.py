"""What two processes write at the same time is all there; how fast, the benchmark says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.contending import AT_ONCE, write
from tests.benchmarks.place import Place


@pytest.mark.anyio
@pytest.mark.timeout(60)
async def test_two_processes_that_write_at_once_lose_nothing_and_refuse_nobody(
    tmp_path: Path,
) -> None:
    """Each job is stored before the next of its task is handed in; a lock held is waited for."""
    place = Place(folder=tmp_path, durability="FULL")
    one, other = await write(place, writers=2, count=10 * AT_ONCE)
    assert (one.busy, other.busy) == (0, 0)
