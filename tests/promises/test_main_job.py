"""The main job: generate, review, promote, take back, put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Era, content, desk, starter


@pytest.mark.anyio
@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_a_site_is_drafted_promoted_taken_back_and_put_back(tmp_path: Path, era: Era) -> None:
    """Production is, file by file, what each step promises."""
    root = starter(tmp_path / "site")
    async with desk(root, era=era) as chat:
        drafted = await chat.run("generate-all")
        assert drafted["totalSections"] == 21
        assert set((await chat.states()).values()) == {"draft", "static"}
        assert content(root) == {}

        await chat.run("promote")
        live = content(root)
        assert len(live) == 7

        back = await chat.run("rollback")
        assert content(root) == {}
        assert set((await chat.states()).values()) == {"withdrawn", "static"}

        await chat.run("rollback", batchId=back["batchId"])
        assert content(root) == live
