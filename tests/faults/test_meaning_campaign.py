"""A round of the campaign; `python -m tests.faults.meaning` plays as many as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.meaning.campaign import run
from tests.faults.processes import seed

ROUNDS, MOVES = 1, 6


@pytest.mark.timeout(300)
def test_whoever_embeds_is_killed_each_text_is_known_once_and_as_it_is(tmp_path: Path) -> None:
    """Changed by tools, a plugin and by hand; with the embedder of both kinds, and then idle."""
    failed, done = run(tmp_path, range(ROUNDS), seed=seed(), moves=MOVES)
    assert failed == []
    assert done["rounds"] == ROUNDS
    assert done["texts known at the end"] > 0
    killed = ("workers killed", "servers killed", "embedders killed")
    assert sum(done[whom] for whom in killed) > 0, done
