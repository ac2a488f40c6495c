"""A run of the campaign; `python -m tests.faults.budget` makes as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.budget import run
from tests.faults.processes import seed


@pytest.mark.timeout(600)
def test_no_budget_is_passed_while_workers_are_killed(tmp_path: Path) -> None:
    """What the provider has charged is in the ledger, to the token, or reserved there."""
    count = run(tmp_path, runs=1, kills=1, seed=seed())
    assert count["entries"] > count["open entries"] and count["workers killed"] > 0
