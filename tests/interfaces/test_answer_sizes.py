"""Answers cost a chat little: under two kilobytes unasked, on a site of 300 sections."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Desk, Era, small_site
from tests.wire import ERAS, over_stdio

pytestmark = pytest.mark.anyio

BYTES_MAX = 2_000


class Measured:
    """A client that checks the size of each answer."""

    def __init__(self, chat: Desk) -> None:
        self._chat = chat
        self.sizes: dict[str, int] = {}

    async def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool; its text and its facts are measured apart, as a host shows one of them."""
        result = await self._chat.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        facts = dict(result.structured_content or {})
        text = "".join(block.text for block in result.content if block.type == "text")
        size = max(len(text.encode()), len(json.dumps(facts, ensure_ascii=False).encode()))
        self.sizes[f"{tool} {json.dumps(arguments)}"] = size
        return facts


@asynccontextmanager
async def measured(root: Path, era: Era) -> AsyncGenerator[Measured]:
    """Open a conversation."""
    async with over_stdio(root, era=era) as chat:
        yield Measured(chat)


@pytest.mark.parametrize("era", ERAS)
async def test_no_answer_takes_more_than_two_kilobytes_unasked(tmp_path: Path, era: Era) -> None:
    """Every tool, while it is queued, while it runs, and when all is done; dry runs too."""
    pages = {f"a-page-with-a-long-name-number-{n}": 30 for n in range(1, 11)}
    root = small_site(tmp_path / "site", pages, worker_idle_s=0.5, concurrency=16)
    async with measured(root, era) as chat:
        await chat.call("review")
        await chat.call("generate-all", dryRun=True)
        drafted = await chat.call("generate-all", waitSeconds=45)
        batch_id = drafted["batchId"]
        ended = await chat.call("status", batchId=batch_id, waitSeconds=45)
        assert ended["operations"][0]["progress"] == "300/300"
        await chat.call("generate-all")
        await chat.call("generate", page=next(iter(pages)))
        await chat.call("review")
        await chat.call("review", state=["draft"])
        await chat.call("promote", dryRun=True)
        promoted = await chat.call("promote", waitSeconds=45)
        assert promoted["fileCount"] == 10
        await chat.call("status", batchId=promoted["batchId"])
        await chat.call("promote")
        await chat.call("rollback", dryRun=True)
        queued = await chat.call("rollback")
        await chat.call("cancel", batchId=queued["batchId"])
        # Of what was taken back by then the files are still written: only then it is over.
        await chat.call("status", batchId=queued["batchId"], waitSeconds=45)
        await chat.call("retry", batchId=queued["batchId"], waitSeconds=45)
        await chat.call("status")
        await chat.call("rollback")
    too_large = {call: size for call, size in chat.sizes.items() if size > BYTES_MAX}
    assert not too_large
