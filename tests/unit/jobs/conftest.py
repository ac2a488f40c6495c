"""A queue of toys on a real file, which must not contradict itself after any test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.storage.invariants import check_invariants
from tests.unit.jobs.rig import Rig, open_rig


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A queue with nothing in it."""
    path = tmp_path / "jobs.db"
    async with open_rig(path) as opened:
        yield opened
    check_invariants(path)
