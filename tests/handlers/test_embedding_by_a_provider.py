"""Embedding by a provider's model, through a real worker and real HTTP."""

from __future__ import annotations

import struct
from functools import partial
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from tests.harness import Desk, desk, small_site, trusted
from tests.promises.moves import parts_of
from tests.waiting import until

pytestmark = pytest.mark.anyio

MODEL = "openai:text-embedding-3-small"
TART = "## Menu\n\nRhubarb tart."


async def left(root: Path) -> int:
    """Return how many texts search does not know whole."""
    async with parts_of(root) as parts:
        return (await parts.meaning.count(None))["left"]


async def all_embedded(root: Path) -> None:
    """Wait until a worker has embedded all texts."""
    await until(partial(left, root), lambda count: count == 0)


async def test_a_provider_s_vectors_are_stored_and_compared(
    tmp_path: Path, llmock: LLMock
) -> None:
    """Of length one, under the model's name and their width; a question is asked for, too."""
    root = trusted(small_site(tmp_path, {"menu": 1}, embedder=MODEL))
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text=TART)
        await all_embedded(root)
        answer = await chat.call("search", query=TART)
        assert answer["found"][0]["why"] == "both"
        assert "notes" not in answer, answer
    async with parts_of(root) as parts:
        assert await parts.meaning.embedders() == [f"{MODEL}:1536"]
        [vector] = await parts.meaning.vectors(after=0, embedder=f"{MODEL}:1536", limit=9)
    numbers = struct.unpack("<1536f", vector.data)
    assert sum(number * number for number in numbers) == pytest.approx(1, abs=1e-3)
    assert llmock.requests[0].body["input"] == [TART]
