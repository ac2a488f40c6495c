"""Any sequence of moves leaves texts and files as the model says, through tools and worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lifecycle.__main__ import play_for_real

STEPS = 25


@pytest.mark.anyio
async def test_a_sequence_of_moves_comes_to_what_the_model_says(tmp_path: Path) -> None:
    """Generate, promote, roll back, edit, discard, restore, unpublish, digests and locks."""
    await play_for_real(tmp_path / "site", "ci", STEPS)
