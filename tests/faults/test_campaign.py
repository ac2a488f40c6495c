"""A few rounds of the campaign; `python -m tests.faults.campaign` runs as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import run
from tests.faults.processes import seed


@pytest.mark.timeout(400)
def test_twenty_rounds_of_random_strikes_leave_everything_as_it_should_be(tmp_path: Path) -> None:
    """Drafted, made live and taken back, while somebody kills and freezes what works."""
    struck = run(tmp_path, rounds=20, seed=seed()).count
    assert struck["jobs completed"] == 20 * 300
    assert struck["workers killed"] + struck["servers killed"] > 0
