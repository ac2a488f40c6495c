"""A few rounds of the campaign; `python -m tests.faults.campaign` runs as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import JOBS, run
from tests.faults.processes import seed

ROUNDS, PER_SITE = 3, 3
"""Each kind of work once on a site that one worker works, and once where several do."""


@pytest.mark.timeout(600)
def test_rounds_of_random_strikes_leave_everything_as_it_should_be(tmp_path: Path) -> None:
    """Drafted, made live and taken back, while somebody kills and freezes what works."""
    struck = run(tmp_path, rounds=ROUNDS, per_site=PER_SITE, seed=seed()).count
    assert struck["jobs completed"] == ROUNDS * JOBS
    assert struck["workers killed"] + struck["servers killed"] > 0
