"""A sample of the campaign: made-up sites in the hands of their owners, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sites.campaign import campaign

pytestmark = pytest.mark.anyio

REDRAFTED = ("promoted", "redrafted", "edited elsewhere", "two for one")


@pytest.mark.parametrize(
    ("generator", "stages"),
    [("hugo", REDRAFTED), ("docusaurus", ("by a model", "pull")), ("hugo", ("split",))],
)
async def test_only_what_was_asked_for_changes(
    generator: str, stages: tuple[str, ...], tmp_path: Path
) -> None:
    """Import, redrafts, rollbacks, and what git, formatters and people do meanwhile."""
    visit = await campaign(generator, tmp_path, files=24, seed=7, pages=3, only=stages)
    assert visit.problems == []
    assert visit.counts["spans written"] > 0
