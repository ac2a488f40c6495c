"""The sections of one batch, page by page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import desk, read_site, small_site, write_site

pytestmark = pytest.mark.anyio

LACKING = {"menu/s3", "menu/s8", "menu/s12"}
"""Sections without the facts that their template needs."""


def partly_lacking(root: Path) -> Path:
    """Make a site of 12 sections, of which three cannot be written."""
    small_site(root, {"menu": 12})
    site = read_site(root)
    for section in site["pages"][0]["sections"]:
        if f"menu/{section['id']}" in LACKING:
            del section["facts"]
    write_site(root, site)
    return root


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12])
async def test_failed_sections_come_first_and_no_section_comes_twice(
    tmp_path: Path, limit: int
) -> None:
    """Whatever the size of the pages: the failed ones, then the others in the site's order."""
    async with desk(partly_lacking(tmp_path)) as chat:
        batch_id = (await chat.run("generate-all"))["batchId"]
        listed: list[str] = []
        more: dict[str, Any] = {}
        while True:
            answer = await chat.call("status", batchId=batch_id, limit=limit, **more)
            listed += [row["section"] for row in answer.get("sections", [])]
            if "nextCursor" not in answer:
                break
            more = {"cursor": answer["nextCursor"]}
    written = [f"menu/s{n}" for n in range(1, 13) if f"menu/s{n}" not in LACKING]
    assert listed == ["menu/s3", "menu/s8", "menu/s12", *written]
