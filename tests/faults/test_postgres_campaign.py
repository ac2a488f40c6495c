"""A few rounds of each; `python -m tests.faults.postgres` makes as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.postgres.barrier import barrier
from tests.faults.postgres.campaign import run
from tests.faults.postgres.lease import lease
from tests.faults.postgres.site import JOBS
from tests.faults.processes import seed

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


@pytest.mark.timeout(300)
def test_machines_that_are_struck_lose_nothing_and_do_nothing_twice(tmp_path: Path) -> None:
    """Two of them, their servers, their database and what is between, while one round is worked."""
    counted = run(tmp_path, rounds=1, seed=seed())
    assert counted["jobs"] == JOBS
    assert counted["strikes"] > 0
