"""A few lives of the campaign; `python -m tests.faults.page_campaign` plays hundreds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.page_campaign.campaign import run
from tests.faults.processes import seed

SEQUENCES, MOVES = 2, 12


@pytest.mark.timeout(300)
def test_edited_from_all_sides_and_killed_a_site_loses_nothing_and_is_true_to_the_byte(
    tmp_path: Path,
) -> None:
    """Tools, people and git change its files, while servers and workers die."""
    failed, done = run(tmp_path, range(SEQUENCES), seed=seed(), moves=MOVES)
    assert failed == []
    assert done["texts in the history"] > 0
