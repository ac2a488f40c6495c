"""A few rounds of both; `python -m tests.faults.postgres` makes as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.postgres import barrier, lease

pytestmark = pytest.mark.anyio


async def test_claimers_at_a_barrier_pass_no_limit(tmp_path: Path) -> None:
    """Nor does a key have two jobs that run."""
    counted = await barrier(tmp_path / "x", 15)
    assert counted["jobs"] == 15 * 9


async def test_a_worker_that_is_stopped_past_its_lease_does_nothing_twice(tmp_path: Path) -> None:
    """Before and after statements of its end: at some of them in turn."""
    counted = await lease(tmp_path / "x", 16, stride=4)
    assert counted["ended by other"] > 0 and counted["ended by slow"] > 0
    assert counted["stopped before"] > 0 and counted["stopped after"] > 0
