"""A few rounds of the campaign; `python -m tests.faults.campaign` runs as many as one likes."""

from __future__ import annotations

from pathlib import Path

from tests.faults.campaign import run
from tests.faults.processes import seed


def test_six_rounds_of_random_kills_leave_everything_as_it_should_be(tmp_path: Path) -> None:
    """Drafted, made live and taken back, twice, while somebody kills what works."""
    assert run(tmp_path / "site", rounds=6, seed=seed()) >= 6
